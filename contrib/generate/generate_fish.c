/* Generate, fish: the completion of fish, a line for each option. */
#include "generate.h"

#include "tracepager/xalloc.h"

static const char fish_head[] =
	"# Completion of tracepager for fish. Written by the build from the tables of commands and "
	"options: change those.\n"
	"\n"
	"function __tracepager_no_command\n"
	"    test (count (commandline -opc)) -eq 1\n"
	"end\n"
	"\n"
	"# COMMAND: is it the one that is typed?\n"
	"function __tracepager_command\n"
	"    set -l words (commandline -opc)\n"
	"    test (count $words) -ge 2; and test \"$words[2]\" = $argv[1]\n"
	"end\n"
	"\n"
	"# COMMAND WORD...: is it the one that is typed, and none of its words is there yet?\n"
	"function __tracepager_no_word\n"
	"    __tracepager_command $argv[1]; or return 1\n"
	"    for word in (commandline -opc)[3..-1]\n"
	"        contains -- $word $argv[2..-1]; and return 1\n"
	"    end\n"
	"    return 0\n"
	"end\n"
	"\n"
	"complete -c tracepager -f\n"
	"complete -c tracepager -n __tracepager_no_command -s h -l help -d 'List the commands, and "
	"end'\n"
	"complete -c tracepager -n __tracepager_no_command -s V -l version -d 'Tell the version, "
	"and end'\n";

static void fish_add_description(const char *text, struct buf *out)
{
	buf_puts(out, " -d '");
	add_short_text(text, "\\'", "\\'", out);
	buf_puts(out, "'\n");
}

static void fish_add_option(const struct command_option *option, struct buf *out)
{
	buf_printf(out, "complete -c tracepager -n '__tracepager_command %s'", option->command);
	if (*option->letter)
		buf_printf(out, " -s %s", option->letter);
	buf_printf(out, " -l %s", option->name);
	switch (option_value_kind(option)) {
	case VALUE_NONE:
		break;
	case VALUE_TEXT:
		buf_puts(out, " -x");
		break;
	case VALUE_FILE:
		buf_puts(out, " -r -F");
		break;
	case VALUE_DIRECTORY:
		buf_puts(out, " -x -a '(__fish_complete_directories)'");
		break;
	case VALUE_WORDS:
		buf_puts(out, " -x -a '");
		add_option_words(option, out);
		buf_putc(out, '\'');
		break;
	}
	fish_add_description(option->text, out);
}

/* The first argument's words, each offered until one of them is there. */
static void fish_add_words(const char *command, struct buf *out)
{
	for (size_t i = 0; i < nword_rows; i++) {
		if (!text_is(word_rows[i].command, command))
			continue;
		buf_printf(out, "complete -c tracepager -n '__tracepager_no_word %s", command);
		for (size_t n = 0; n < nword_rows; n++)
			if (text_is(word_rows[n].command, command))
				buf_printf(out, " %s", word_rows[n].word);
		buf_printf(out, "' -a %s", word_rows[i].word);
		fish_add_description(word_rows[i].text, out);
	}
}

static void fish_add_command(const struct command_row *command, struct buf *out)
{
	const char *at = command->arguments;
	struct argument argument;

	buf_puts(out, "\n");
	for (size_t i = 0; i < ncommand_options; i++)
		if (text_is(command_options[i].command, command->name))
			fish_add_option(&command_options[i], out);
	buf_printf(out,
		   "complete -c tracepager -n '__tracepager_command %s' -s h -l help -d 'Print "
		   "this help, and end'\n",
		   command->name);
	fish_add_words(command->name, out);
	for (size_t n = 0; argument_next(command, &at, n, &argument); n++)
		if (argument.kind == VALUE_FILE || argument.kind == VALUE_DIRECTORY)
			buf_printf(out, "complete -c tracepager -n '__tracepager_command %s' -F\n",
				   command->name);
}

void generate_fish(struct buf *out)
{
	buf_puts(out, fish_head);
	for (size_t i = 0; i < ncommand_rows; i++) {
		buf_printf(out, "complete -c tracepager -n __tracepager_no_command -a %s",
			   command_rows[i].name);
		fish_add_description(command_rows[i].text, out);
	}
	for (size_t i = 0; i < ncommand_rows; i++)
		fish_add_command(&command_rows[i], out);
}
