/*
 * The command line: words and options into commands. The table of commands is commands.def, that of
 * their options command_options.def.
 */
#ifndef TRACEPAGER_COMMANDS_H
#define TRACEPAGER_COMMANDS_H

/* Runs the command that argv[1] names and returns the program's exit status. Borrows argv, whose
 * order may change. For the main thread, once. */
int commands_run(int argc, char **argv);

#endif
