/*
 * Command tables: commands.def, command_options.def and command_help.def as data, from which the
 * command line is read, --help is written, and contrib/generate makes manual pages and completions.
 * Texts are literals. Constant; any thread.
 */
#ifndef TRACEPAGER_COMMAND_TABLES_H
#define TRACEPAGER_COMMAND_TABLES_H

#include <stddef.h>

enum option_kind {
	OPTION_FLAG,
	OPTION_TEXT,
	OPTION_NEEDED,
	OPTION_OPTIONAL,
	OPTION_LIST,
	OPTION_WORD,
	OPTION_NUMBER,
	OPTION_DURATION,
	OPTION_TIME,
};

/* A row of command_options.def, which tells what the fields mean. */
struct command_option {
	const char *command, *name, *letter;
	enum option_kind kind;
	size_t offset; /* of the field in the command's struct */
	const char *argument, *range, *value, *text;
};

/* A row of commands.def. */
struct command_row {
	const char *name, *arguments, *text;
};

extern const struct command_option command_options[];
extern const size_t ncommand_options;
extern const struct command_row command_rows[];
extern const size_t ncommand_rows;

enum help_kind {
	HELP_ABOUT,
	HELP_TERM, /* what an argument can be, and what that means */
	HELP_NOTE,
	HELP_STATUS,
	HELP_EXAMPLE,
};

/* A row of command_help.def, which tells what the fields mean. */
struct help_row {
	const char *command;
	enum help_kind kind;
	const char *term, *text;
};

extern const struct help_row help_rows[];
extern const size_t nhelp_rows;

#endif
