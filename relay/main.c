/* The command table: which word runs what. Everything else is in cmd/. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tracepager/commands.h"
#include "tracepager/xalloc.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *arguments, *text;
} commands[] = {
#define COMMAND(name, arguments, text) { #name, cmd_##name, arguments, text },
#include "tracepager/tbl/commands.def"
#undef COMMAND
	{ NULL, NULL, NULL, NULL },
};

static void print_help(FILE *out)
{
	fputs("tracepager: pages the team whose service broke, with the trace as evidence\n\n"
	      "usage: tracepager COMMAND [OPTION]...\n\n",
	      out);
	for (size_t i = 0; commands[i].name; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].text);
	fputs("\n  tracepager COMMAND --help    tells more about one\n"
	      "  tracepager --version\n\n"
	      "First steps: \"tracepager demo\" shows everything at work; \"tracepager explain "
	      "TRACE\" explains a trace.\n",
	      out);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "--help";

	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
		puts("tracepager " PACKAGE_VERSION);
		return 0;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
		print_help(argc > 1 ? stdout : stderr);
		return argc > 1 ? 0 : 2;
	}
	for (size_t i = 0; commands[i].name; i++)
		if (strcmp(word, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr,
		"tracepager: there is no command \"%s\"; \"tracepager --help\" lists them\n", word);
	return 2;
}
