/* Generate, bash: the completion of bash, which needs no other package. */
#include "generate.h"

#include "tracepager/xalloc.h"

static const char bash_head[] =
	"# Completion of tracepager for bash. Written by the build from the tables of commands and "
	"options: change those.\n"
	"# shellcheck shell=bash disable=SC2034 # _tracepager uses what the other functions set\n"
	"\n";

/* The part that knows no command. `at` is the word that is completed, `n` how many arguments stand
 * before it; bash makes three words of --option=value. */
static const char bash_tail[] =
	"# Offers the words, files or directories of $kind that begin as $cur does.\n"
	"_tracepager_offer()\n"
	"{\n"
	"\tcase $kind in\n"
	"\tfile)\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	"\t\t;;\n"
	"\tdirectory)\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -d -- \"$cur\")\n"
	"\t\t;;\n"
	"\twords*)\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"${kind#words }\" -- \"$cur\")\n"
	"\t\t;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"_tracepager()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} at=$COMP_CWORD kind='' options='' n=0 i command\n"
	"\n"
	"\tCOMPREPLY=()\n"
	"\tif ((at == 1)); then\n"
	"\t\tkind=\"words $_tracepager_commands --help --version\"\n"
	"\t\t_tracepager_offer\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tcommand=${COMP_WORDS[1]}\n"
	"\t# Bash makes three words of --option=value: the second is the sign alone.\n"
	"\tif [[ $cur == = ]]; then\n"
	"\t\tcur=''\n"
	"\t\t_tracepager_value \"$command\" \"${COMP_WORDS[at - 1]}\"\n"
	"\t\t_tracepager_offer\n"
	"\t\treturn\n"
	"\telif [[ ${COMP_WORDS[at - 1]} == = ]]; then\n"
	"\t\t_tracepager_value \"$command\" \"${COMP_WORDS[at - 2]}\"\n"
	"\t\t_tracepager_offer\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tfor ((i = 2; i < at; i++)); do\n"
	"\t\tcase ${COMP_WORDS[i]} in\n"
	"\t\t=)\n"
	"\t\t\t((i++))\n"
	"\t\t\t;;\n"
	"\t\t-*)\n"
	"\t\t\t_tracepager_value \"$command\" \"${COMP_WORDS[i]}\"\n"
	"\t\t\tif [[ -n $kind && ${COMP_WORDS[i + 1]} != = ]]; then\n"
	"\t\t\t\tif ((i + 1 == at)); then\n"
	"\t\t\t\t\t_tracepager_offer\n"
	"\t\t\t\t\treturn\n"
	"\t\t\t\tfi\n"
	"\t\t\t\t((i++))\n"
	"\t\t\tfi\n"
	"\t\t\t;;\n"
	"\t\t*)\n"
	"\t\t\t((n++))\n"
	"\t\t\t;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tif [[ $cur == -* ]]; then\n"
	"\t\t_tracepager_options \"$command\"\n"
	"\t\tkind=\"words $options\"\n"
	"\telse\n"
	"\t\t_tracepager_argument \"$command\" \"$n\"\n"
	"\tfi\n"
	"\t_tracepager_offer\n"
	"}\n"
	"\n"
	"complete -F _tracepager tracepager\n";

static void bash_add_kind(enum value_kind kind, const char *words, struct buf *out)
{
	switch (kind) {
	case VALUE_NONE:
		break;
	case VALUE_TEXT:
		buf_puts(out, "'text'");
		break;
	case VALUE_FILE:
		buf_puts(out, "'file'");
		break;
	case VALUE_DIRECTORY:
		buf_puts(out, "'directory'");
		break;
	case VALUE_WORDS:
		buf_printf(out, "'words %s'", words);
		break;
	}
}

static void bash_add_values(struct buf *out)
{
	buf_puts(out, "# COMMAND OPTION: sets kind to what stands behind the option; empty: "
		      "nothing.\n"
		      "_tracepager_value()\n{\n\tcase \"$1 $2\" in\n");
	for (size_t i = 0; i < ncommand_options; i++) {
		const struct command_option *row = &command_options[i];
		struct buf words = BUF_INIT(GENERATE_FILE_BYTES);
		if (option_value_kind(row) == VALUE_NONE)
			continue;
		add_option_words(row, &words);
		buf_puts(out, "\t");
		if (*row->letter)
			buf_printf(out, "'%s -%s' | ", row->command, row->letter);
		buf_printf(out, "'%s --%s') kind=", row->command, row->name);
		bash_add_kind(option_value_kind(row), buf_text(&words), out);
		buf_puts(out, " ;;\n");
		buf_fini(&words);
	}
	buf_puts(out, "\t*) kind='' ;;\n\tesac\n}\n\n");
}

static void bash_add_first_words(const char *command, struct buf *out)
{
	const char *before = "";

	for (size_t i = 0; i < nword_rows; i++)
		if (text_is(word_rows[i].command, command)) {
			buf_printf(out, "%s%s", before, word_rows[i].word);
			before = " ";
		}
}

static void bash_add_arguments(struct buf *out)
{
	buf_puts(out, "# COMMAND NUMBER: sets kind to what the argument of that number is, from 0 "
		      "on.\n"
		      "_tracepager_argument()\n{\n\tcase \"$1 $2\" in\n");
	for (size_t i = 0; i < ncommand_rows; i++) {
		const char *at = command_rows[i].arguments;
		struct argument argument;
		for (size_t n = 0; argument_next(&command_rows[i], &at, n, &argument); n++) {
			struct buf words = BUF_INIT(GENERATE_FILE_BYTES);
			if (argument.kind == VALUE_TEXT)
				continue;
			bash_add_first_words(command_rows[i].name, &words);
			if (argument.repeated && argument.kind != VALUE_WORDS)
				buf_printf(out, "\t'%s '*) kind=", command_rows[i].name);
			else
				buf_printf(out, "\t'%s %zu') kind=", command_rows[i].name, n);
			bash_add_kind(argument.kind, buf_text(&words), out);
			buf_puts(out, " ;;\n");
			buf_fini(&words);
		}
	}
	buf_puts(out, "\t*) kind='' ;;\n\tesac\n}\n\n");
}

static void bash_add_options(struct buf *out)
{
	buf_puts(out, "# COMMAND: sets options to all of its options.\n"
		      "_tracepager_options()\n{\n\tcase $1 in\n");
	for (size_t i = 0; i < ncommand_rows; i++) {
		buf_printf(out, "\t%s) options='", command_rows[i].name);
		for (size_t n = 0; n < ncommand_options; n++)
			if (text_is(command_options[n].command, command_rows[i].name))
				buf_printf(out, "--%s ", command_options[n].name);
		buf_puts(out, "--help' ;;\n");
	}
	buf_puts(out, "\t*) options='' ;;\n\tesac\n}\n\n");
}

void generate_bash(struct buf *out)
{
	buf_puts(out, bash_head);
	buf_puts(out, "_tracepager_commands='");
	for (size_t i = 0; i < ncommand_rows; i++)
		buf_printf(out, "%s%s", i ? " " : "", command_rows[i].name);
	buf_puts(out, "'\n\n");
	bash_add_values(out);
	bash_add_arguments(out);
	bash_add_options(out);
	buf_puts(out, bash_tail);
}
