/* Generate, zsh: the completion of zsh, a function for each command. */
#include "generate.h"

#include "tracepager/xalloc.h"

/* Within single quotes and brackets. */
#define ZSH_ESCAPED "[]\\'"
#define ZSH_QUOTE   "'\\''"

static void zsh_add_value(const struct command_option *option, struct buf *out)
{
	const char *name = *option->argument ? option->argument : option->name;

	switch (option_value_kind(option)) {
	case VALUE_NONE:
		if (option->kind == OPTION_OPTIONAL)
			buf_printf(out, "::%s: ", name);
		return;
	case VALUE_TEXT:
		buf_printf(out, ":%s: ", name);
		return;
	case VALUE_FILE:
		buf_printf(out, ":%s:_files", name);
		return;
	case VALUE_DIRECTORY:
		buf_printf(out, ":%s:_files -/", name);
		return;
	case VALUE_WORDS:
		buf_printf(out, ":%s:(", name);
		add_option_words(option, out);
		buf_putc(out, ')');
		return;
	}
}

/* '(-c --config)'{-c+,--config=}'[text]:FILE:_files' */
static void zsh_add_option(const struct command_option *option, struct buf *out)
{
	const bool wants = option_value_kind(option) != VALUE_NONE;
	const char *sign = wants ? "=" : option->kind == OPTION_OPTIONAL ? "=-" : "";

	buf_puts(out, "\t\t");
	if (option->kind == OPTION_LIST)
		buf_puts(out, "\\*");
	if (*option->letter && option->kind == OPTION_LIST)
		buf_printf(out, "{-%s%s,--%s%s}'", option->letter, wants ? "+" : "", option->name,
			   sign);
	else if (*option->letter)
		buf_printf(out, "'(-%s --%s)'{-%s%s,--%s%s}'", option->letter, option->name,
			   option->letter, wants ? "+" : "", option->name, sign);
	else
		buf_printf(out, "'--%s%s", option->name, sign);
	buf_putc(out, '[');
	add_short_text(option->text, ZSH_ESCAPED, ZSH_QUOTE, out);
	buf_putc(out, ']');
	zsh_add_value(option, out);
	buf_puts(out, "' \\\n");
}

static void zsh_add_arguments(const struct command_row *command, struct buf *out)
{
	const char *at = command->arguments;
	struct argument argument;

	for (size_t n = 0; argument_next(command, &at, n, &argument); n++) {
		if (argument.repeated && argument.kind != VALUE_WORDS)
			buf_printf(out, "\t\t'*:%s:", argument.name);
		else
			buf_printf(out, "\t\t'%zu:%s:", n + 1, argument.name);
		if (argument.kind == VALUE_WORDS)
			buf_printf(out, "_tracepager_%s_words' \\\n", command->name);
		else if (argument.kind == VALUE_FILE)
			buf_puts(out, "_files' \\\n");
		else
			buf_puts(out,
				 argument.kind == VALUE_DIRECTORY ? "_files -/' \\\n" : " ' \\\n");
	}
}

static void zsh_add_command(const struct command_row *command, struct buf *out)
{
	if (has_words(command->name)) {
		buf_printf(out, "_tracepager_%s_words() {\n\tlocal -a words\n\twords=(\n",
			   command->name);
		for (size_t i = 0; i < nword_rows; i++) {
			if (!text_is(word_rows[i].command, command->name))
				continue;
			buf_printf(out, "\t\t'%s:", word_rows[i].word);
			add_short_text(word_rows[i].text, "'", ZSH_QUOTE, out);
			buf_puts(out, "'\n");
		}
		buf_puts(out, "\t)\n\t_describe word words\n}\n\n");
	}
	buf_printf(out, "_tracepager_%s() {\n\t_arguments -s -S : \\\n", command->name);
	for (size_t i = 0; i < ncommand_options; i++)
		if (text_is(command_options[i].command, command->name))
			zsh_add_option(&command_options[i], out);
	zsh_add_arguments(command, out);
	buf_puts(out, "\t\t'(- *)'{-h,--help}'[print this help, and end]'\n}\n\n");
}

void generate_zsh(struct buf *out)
{
	buf_puts(out, "#compdef tracepager\n"
		      "# Completion of tracepager for zsh. Written by the build from the tables of "
		      "commands and options: change those.\n\n"
		      "_tracepager_commands() {\n\tlocal -a commands\n\tcommands=(\n");
	for (size_t i = 0; i < ncommand_rows; i++) {
		buf_printf(out, "\t\t'%s:", command_rows[i].name);
		add_short_text(command_rows[i].text, "'", ZSH_QUOTE, out);
		buf_puts(out, "'\n");
	}
	buf_puts(out, "\t)\n\t_describe command commands\n}\n\n");
	for (size_t i = 0; i < ncommand_rows; i++)
		zsh_add_command(&command_rows[i], out);
	buf_puts(out,
		 "_tracepager() {\n"
		 "\tlocal curcontext=$curcontext state line\n"
		 "\tlocal -A opt_args\n\n"
		 "\t_arguments -C \\\n"
		 "\t\t'(- *)'{-h,--help}'[list the commands, and end]' \\\n"
		 "\t\t'(- *)'{-V,--version}'[tell the version, and end]' \\\n"
		 "\t\t'1: :_tracepager_commands' \\\n"
		 "\t\t'*:: :->arguments' && return\n"
		 "\tif [[ $state == arguments ]] && (($+functions[_tracepager_$words[1]])); then\n"
		 "\t\tcurcontext=${curcontext%:*:*}:tracepager-$words[1]:\n"
		 "\t\t_tracepager_$words[1]\n"
		 "\tfi\n"
		 "}\n\n"
		 "_tracepager \"$@\"\n");
}
