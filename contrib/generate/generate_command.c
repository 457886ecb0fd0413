/* Generate, command: tracepager-COMMAND(1), and tracepager(1), from the tables of commands. */
#include "generate.h"

#include <ctype.h>

#include "tracepager/xalloc.h"

/* Words in capitals that the page's texts mark as arguments. */
static void collect_arguments(const struct command_row *command, struct buf *out)
{
	const char *at = command->arguments;
	struct argument argument;

	for (size_t i = 0; i < ncommand_options; i++)
		if (text_is(command_options[i].command, command->name) &&
		    *command_options[i].argument)
			buf_printf(out, "%s ", command_options[i].argument);
	for (size_t n = 0; argument_next(command, &at, n, &argument); n++)
		for (const char *name = argument.name; *name; name += *name == '|') {
			size_t len = strcspn(name, "|");
			buf_printf(out, "%.*s ", (int)len, name);
			name += len;
		}
}

/* "Ar FILE", "Cm text | json"; with a blank before it. */
static void page_add_option_value(const struct command_option *option, struct buf *out)
{
	if (option->kind == OPTION_WORD) {
		buf_puts(out, " Cm ");
		for (const char *at = option->range; *at; at++)
			buf_printf(out, *at == '|' ? " | " : "%c", *at);
	} else if (*option->argument) {
		buf_printf(out, " Ar %s", option->argument);
	}
}

static void page_add_typed_name(const char *name, struct buf *out)
{
	buf_puts(out, "\\-");
	for (; *name; name++)
		buf_printf(out, *name == '-' ? "\\-" : "%c", *name);
}

static void page_add_synopsis(const struct command_row *command, struct buf *out)
{
	const char *at = command->arguments;
	struct argument argument;

	buf_printf(out, ".Sh SYNOPSIS\n.Nm tracepager %s\n", command->name);
	for (size_t i = 0; i < ncommand_options; i++) {
		const struct command_option *option = &command_options[i];
		if (!text_is(option->command, command->name))
			continue;
		buf_puts(out, option->kind == OPTION_NEEDED ? ".Fl " : ".Op Fl ");
		if (*option->letter)
			buf_puts(out, option->letter);
		else
			page_add_typed_name(option->name, out);
		if (option->kind == OPTION_OPTIONAL)
			buf_printf(out, " Ns Op = Ns Ar %s", option->argument);
		else
			page_add_option_value(option, out);
		bool repeated = option->kind == OPTION_LIST && !strstr(option->argument, "...");
		buf_puts(out, repeated ? " ...\n" : "\n");
	}
	for (size_t n = 0; argument_next(command, &at, n, &argument); n++) {
		buf_puts(out, argument.optional ? ".Op Ar " : ".Ar ");
		for (const char *c = argument.name; *c; c++)
			buf_printf(out, *c == '|' ? " | " : "%c", *c);
		buf_puts(out, argument.repeated ? " ...\n" : "\n");
	}
}

static void page_add_paragraphs(const struct command_row *command, enum help_kind kind,
				const char *arguments, struct references *refs, struct buf *out)
{
	for (size_t i = 0; i < nhelp_rows; i++)
		if (help_rows[i].kind == kind && text_is(help_rows[i].command, command->name)) {
			if (out->len && out->data[out->len - 1] == '\n' &&
			    !(out->len > 16 &&
			      text_is(out->data + out->len - 16, ".Sh DESCRIPTION\n")))
				buf_puts(out, ".Pp\n");
			mdoc_text(help_rows[i].text, arguments, refs, out);
		}
}

/* "The actions are:", by the name of the first argument; of "NAME|FORMAT" by the second name. */
static void page_add_lead(const struct command_row *command, struct buf *out)
{
	const char *at = command->arguments;
	struct argument argument;

	if (!argument_next(command, &at, 0, &argument))
		return;
	const char *bar = strchr(argument.name, '|');
	buf_puts(out, ".Pp\nThe ");
	for (const char *name = bar ? bar + 1 : argument.name; *name; name++)
		buf_putc(out, (char)tolower((unsigned char)*name));
	buf_puts(out, "s are:\n");
}

static void page_add_words(const struct command_row *command, const char *arguments,
			   struct references *refs, struct buf *out)
{
	if (!has_words(command->name))
		return;
	/* "KIND is one of:" leads to the words already. */
	if (!(out->len > 2 && out->data[out->len - 2] == ':'))
		page_add_lead(command, out);
	buf_puts(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < nword_rows; i++) {
		if (!text_is(word_rows[i].command, command->name))
			continue;
		buf_printf(out, ".It Cm %s\n", word_rows[i].word);
		mdoc_sentence(word_rows[i].text, "", arguments, refs, out);
	}
	buf_puts(out, ".El\n");
}

/* The words with which a text of the command may begin in small letters. */
static void collect_words(const struct command_row *command, const struct command_option *option,
			  struct buf *out)
{
	for (size_t i = 0; i < nword_rows; i++)
		if (text_is(word_rows[i].command, command->name))
			buf_printf(out, "%s|", word_rows[i].word);
	buf_puts(out, option->range);
}

static void page_add_option(const struct command_row *command, const struct command_option *option,
			    const char *arguments, struct references *refs, struct buf *out)
{
	struct buf words = BUF_INIT(GENERATE_FILE_BYTES);

	buf_puts(out, ".It Fl ");
	if (*option->letter)
		buf_printf(out, "%s , Fl ", option->letter);
	page_add_typed_name(option->name, out);
	if (option->kind == OPTION_OPTIONAL)
		buf_printf(out, " Ns Op = Ns Ar %s", option->argument);
	else
		page_add_option_value(option, out);
	buf_putc(out, '\n');
	collect_words(command, option, &words);
	mdoc_sentence(option->text, buf_text(&words), arguments, refs, out);
	if (*option->value) {
		buf_printf(out, "Default:\n.Ql %s", text_is(option->value, ".") ? "\\&" : "");
		for (const char *at = option->value; *at; at++)
			buf_printf(out, *at == '-' ? "\\-" : "%c", *at);
		buf_puts(out, " .\n");
	}
	buf_fini(&words);
}

static void page_add_options(const struct command_row *command, const char *arguments,
			     struct references *refs, struct buf *out)
{
	buf_puts(out, ".Sh OPTIONS\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < ncommand_options; i++)
		if (text_is(command_options[i].command, command->name))
			page_add_option(command, &command_options[i], arguments, refs, out);
	buf_puts(out, ".It Fl h , Fl \\-help\nPrint the options, and end.\n.El\n");
}

/* Of the command doctor: what it looks at. */
static void page_add_checks(const struct command_row *command, struct references *refs,
			    struct buf *out)
{
	static const struct {
		const char *name, *text;
	} checks[] = {
#define DOCTOR_CHECK(id, group, name, title, codes, text) { name, text },
#include "tracepager/tbl/doctor.def"
#undef DOCTOR_CHECK
	};

	if (!text_is(command->name, "doctor"))
		return;
	buf_puts(out, ".Sh CHECKS\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		buf_printf(out, ".It Cm %s\n", checks[i].name);
		mdoc_sentence(checks[i].text, "", "", refs, out);
	}
	buf_puts(out, ".El\n");
}

static bool has_option(const struct command_row *command, const char *name)
{
	for (size_t i = 0; i < ncommand_options; i++)
		if (text_is(command_options[i].command, command->name) &&
		    text_is(command_options[i].name, name))
			return true;
	return false;
}

/* The variables of commands that talk to a relay. */
static void page_add_environment(const struct command_row *command, const struct parts *parts,
				 struct buf *out)
{
	static const struct {
		const char *option, *name, *text;
	} variables[] = {
		{ "url", "TRACEPAGER_URL",
		  "The address of the relay, where\n.Fl \\-url\nis not given." },
		{ "token-file", "TRACEPAGER_TOKEN_FILE",
		  "The file whose first line is the token, where\n.Fl \\-token\\-file\nis not "
		  "given." },
		{ "ca-file", "TRACEPAGER_CA_FILE",
		  "The authorities of an https:// relay, where\n.Fl \\-ca\\-file\nis not given." },
	};
	struct buf own = BUF_INIT(GENERATE_FILE_BYTES);
	bool asks = has_option(command, "token-file");
	bool more = parts_section(parts, "ENVIRONMENT", &own);

	if (asks || more)
		buf_puts(out, ".Sh ENVIRONMENT\n");
	if (asks)
		buf_puts(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; asks && i < ARRAY_LEN(variables); i++)
		buf_printf(out, ".It Ev %s\n%s\n", variables[i].name, variables[i].text);
	if (asks)
		buf_puts(out, ".El\n");
	buf_puts(out, buf_text(&own));
	buf_fini(&own);
}

static void page_add_statuses(const struct command_row *command, const char *arguments,
			      struct references *refs, struct buf *out)
{
	buf_puts(out, ".Sh EXIT STATUS\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < nhelp_rows; i++)
		if (help_rows[i].kind == HELP_STATUS &&
		    text_is(help_rows[i].command, command->name)) {
			buf_printf(out, ".It %s\n", help_rows[i].term);
			mdoc_sentence(help_rows[i].text, "", arguments, refs, out);
		}
	buf_puts(out, ".El\n");
}

static void page_add_examples(const struct command_row *command, const struct parts *parts,
			      struct references *refs, struct buf *out)
{
	const char *before = "";

	buf_puts(out, ".Sh EXAMPLES\n");
	for (size_t i = 0; i < nhelp_rows; i++) {
		if (help_rows[i].kind != HELP_EXAMPLE ||
		    !text_is(help_rows[i].command, command->name))
			continue;
		buf_puts(out, before);
		before = ".Pp\n";
		if (*help_rows[i].text) {
			size_t at = out->len;
			mdoc_sentence(help_rows[i].text, "", "", refs, out);
			if (!out->failed && out->len > at + 2 && out->data[out->len - 2] == '.')
				out->data[out->len - 2] = ':';
		}
		buf_puts(out, ".Bd -literal -offset indent -compact\n");
		mdoc_literal(help_rows[i].term, out);
		buf_puts(out, ".Ed\n");
	}
	struct buf own = BUF_INIT(GENERATE_FILE_BYTES);
	if (parts_section(parts, "EXAMPLES", &own))
		buf_printf(out, "%s%s", before, buf_text(&own));
	buf_fini(&own);
}

static void page_add_see_also(const struct command_row *command, const struct parts *parts,
			      const char *page, struct references *refs, struct buf *out)
{
	references_add(refs, "tracepager", "1");
	if (has_option(command, "config"))
		references_add(refs, "tracepager.yaml", "5");
	if (has_option(command, "rules") || strstr(command->arguments, "RULES"))
		references_add(refs, "tracepager-rules", "5");
	if (has_option(command, "token-file"))
		references_add(refs, "tracepager-api", "7");
	parts_references(parts, refs);
	references_write(refs, page, "1", out);
}

static void page_add_files(const struct parts *parts, struct buf *out)
{
	struct buf files = BUF_INIT(GENERATE_FILE_BYTES);

	if (parts_section(parts, "FILES", &files))
		buf_printf(out, ".Sh FILES\n%s", buf_text(&files));
	buf_fini(&files);
}

void generate_command_page(const struct command_row *command, const char *parts_directory,
			   struct buf *out)
{
	CLEANUP_FREE char *page = xasprintf("tracepager-%s", command->name);
	struct buf names = BUF_INIT(GENERATE_FILE_BYTES), more = BUF_INIT(GENERATE_FILE_BYTES);
	struct references refs = { .n = 0 };
	struct parts parts;

	collect_arguments(command, &names);
	const char *arguments = buf_text(&names);
	parts_read(&parts, parts_directory, page);
	mdoc_header(page, "1", command->text, out);
	page_add_synopsis(command, out);
	buf_puts(out, ".Sh DESCRIPTION\n");
	page_add_paragraphs(command, HELP_ABOUT, arguments, &refs, out);
	page_add_words(command, arguments, &refs, out);
	if (parts_section(&parts, "DESCRIPTION", &more))
		buf_printf(out, ".Pp\n%s", buf_text(&more));
	page_add_paragraphs(command, HELP_NOTE, arguments, &refs, out);
	page_add_options(command, arguments, &refs, out);
	page_add_checks(command, &refs, out);
	parts_others(&parts, out);
	page_add_environment(command, &parts, out);
	page_add_files(&parts, out);
	page_add_statuses(command, arguments, &refs, out);
	page_add_examples(command, &parts, &refs, out);
	page_add_see_also(command, &parts, page, &refs, out);
	parts_free(&parts);
	buf_fini(&names);
	buf_fini(&more);
}

void generate_main_page(const char *parts_directory, struct buf *out)
{
	struct references refs = { .n = 0 };
	struct parts parts;

	parts_read(&parts, parts_directory, "tracepager");
	mdoc_header("tracepager", "1",
		    "page the team whose service broke, with the trace as evidence", out);
	buf_puts(out, ".Sh SYNOPSIS\n.Nm\n.Ar COMMAND\n.Op Ar OPTION ...\n.Nm\n.Ar COMMAND\n.Fl "
		      "\\-help\n.Nm\n.Fl \\-version\n.Sh DESCRIPTION\n");
	parts_section(&parts, "DESCRIPTION", out);
	buf_puts(out, ".Sh COMMANDS\nEach has a page of its own.\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < ncommand_rows; i++) {
		CLEANUP_FREE char *page = xasprintf("tracepager-%s", command_rows[i].name);
		buf_printf(out, ".It Xr %s 1\n", page);
		mdoc_sentence(command_rows[i].text, "", "", &refs, out);
	}
	buf_puts(out, ".El\n");
	parts_others(&parts, out);
	struct buf more = BUF_INIT(GENERATE_FILE_BYTES);
	if (parts_section(&parts, "ENVIRONMENT", &more))
		buf_printf(out, ".Sh ENVIRONMENT\n%s", buf_text(&more));
	buf_fini(&more);
	page_add_files(&parts, out);
	buf_init(&more, GENERATE_FILE_BYTES);
	if (parts_section(&parts, "EXIT STATUS", &more))
		buf_printf(out, ".Sh EXIT STATUS\n%s", buf_text(&more));
	buf_fini(&more);
	buf_init(&more, GENERATE_FILE_BYTES);
	if (parts_section(&parts, "EXAMPLES", &more))
		buf_printf(out, ".Sh EXAMPLES\n%s", buf_text(&more));
	buf_fini(&more);
	parts_references(&parts, &refs);
	references_write(&refs, "tracepager", "1", out);
	parts_free(&parts);
}
