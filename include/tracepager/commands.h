/*
 * The commands. argv[0] is the command's word. Each returns the exit status that the design gives
 * it.
 */
#ifndef TRACEPAGER_COMMANDS_H
#define TRACEPAGER_COMMANDS_H

#define COMMAND(name, arguments, text) int cmd_##name(int argc, char **argv);
#include "tracepager/tbl/commands.def"
#undef COMMAND

#endif
