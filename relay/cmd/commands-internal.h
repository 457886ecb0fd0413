/*
 * The commands, one file each. argv[0] is the command's word. Each returns the exit status that
 * command_help.def tells. For the main thread.
 */
#ifndef COMMANDS_INTERNAL_H
#define COMMANDS_INTERNAL_H

#define COMMAND(name, words, text) int cmd_##name(int argc, char **argv);
#include "tracepager/tbl/commands.def"
#undef COMMAND

#endif
