/* Commands: the table from a word to what runs it. Owns nothing. */
#include "tracepager/commands.h"

#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "commands-internal.h"
#include "help-internal.h"
#include "usage-internal.h"
#include "tracepager/findings.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} command_runners[] = {
#define COMMAND(name, words, text) { #name, cmd_##name },
#include "tracepager/tbl/commands.def"
#undef COMMAND
};

static bool is_one_of(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static void print_all_commands(FILE *out)
{
	struct buf text = BUF_INIT(LIMIT_HELP_BYTES);

	help_write(&text);
	fputs(buf_text(&text), out);
	buf_fini(&text);
}

static int refuse_command(const char *word)
{
	const char *known[ARRAY_LEN(command_runners)];

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		known[i] = command_runners[i].name;
	const char *nearest = nearest_word(word, known, ARRAY_LEN(known));
	fprintf(stderr, "tracepager: there is no command \"%s\"", word);
	if (nearest)
		fprintf(stderr, " (did you mean \"%s\"?)", nearest);
	fputs("; \"tracepager --help\" lists them\n", stderr);
	return STATUS_USAGE;
}

int commands_run(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (argc < 2) {
		print_all_commands(stderr);
		return STATUS_USAGE;
	}
	if (is_one_of(word, "--help", "-h") || strcmp(word, "help") == 0) {
		print_all_commands(stdout);
		return 0;
	}
	if (is_one_of(word, "--version", "-V")) {
		puts("tracepager " PACKAGE_VERSION);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(command_runners); i++)
		if (strcmp(word, command_runners[i].name) == 0)
			return command_runners[i].run(argc - 1, argv + 1);
	return refuse_command(word);
}
