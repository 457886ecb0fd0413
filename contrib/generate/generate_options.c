/* Generate, options: tracepager.yaml(5), from the tables of the daemon's, senders' and sources'
 * options. */
#include "generate.h"

#include "tracepager/xalloc.h"

/* Of all three tables, by the names of their kinds. */
static const struct {
	const char *kind, *text;
} kind_texts[] = {
	{ "TEXT", "text" },
	{ "WORD", "word" },
	{ "WORDS", "text, or a list of them" },
	{ "TEXTS", "text, or a list of them" },
	{ "FLAG", "true or false" },
	{ "DURATION", "duration, such as 30s, 15m or 26h" },
	{ "SECRET", "secret; the same name with _file behind it names a file that holds it" },
	{ "URL", "URL" },
	{ "LINK", "URL with {trace_id} in it" },
	{ "FILE", "path of a file" },
	{ "HEADERS", "map of names and values" },
	{ "RATE", "number for a second, minute or hour" },
	{ "NUMBER", "whole number" },
	{ "MAP", "map" },
};

static const struct {
	const char *key, *kind, *value, *text;
} daemon_options[] = {
#define OPTION(key, kind, field, value, text) { key, #kind, value, text },
#include "tracepager/tbl/options.def"
#undef OPTION
};

static const struct {
	const char *key, *value;
} option_examples[] = {
#define OPTION_EXAMPLE(key, value) { key, value },
#include "tracepager/tbl/option_examples.def"
#undef OPTION_EXAMPLE
};

static const struct {
	const char *key, *kind, *example, *text;
} sender_options[] = {
#define SENDER_OPTION(key, kind, example, text) { key, #kind, example, text },
#include "tracepager/tbl/sender_options.def"
#undef SENDER_OPTION
}, source_options[] = {
#define SOURCE_OPTION(key, kind, field, example, text) { key, #kind, example, text },
#include "tracepager/tbl/source_options.def"
#undef SOURCE_OPTION
};

static const struct {
	const char *name, *needs, *text;
} source_kinds[] = {
#define SOURCE(id, name, needs, text) { name, needs, text },
#include "tracepager/tbl/sources.def"
#undef SOURCE
}, formats[] = {
#define FORMAT(id, name, family, text) { name, "", text },
#include "tracepager/tbl/formats.def"
#undef FORMAT
};

static const char *kind_text(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(kind_texts); i++)
		if (text_is(kind_texts[i].kind, kind))
			return kind_texts[i].text;
	return "value";
}

/* A line of an option's list of facts. */
static void add_fact(const char *name, const char *text, bool typed, struct buf *out)
{
	buf_printf(out, ".It %s\n", name);
	if (typed)
		mdoc_unbroken(text, out);
	else
		buf_printf(out, "%s\n", text);
}

static void begin_option(const char *key, const char *kind, const char *text,
			 struct references *refs, struct buf *out)
{
	buf_printf(out, ".It Ic %s\n", key);
	mdoc_sentence(text, "ours|debug", "", refs, out);
	buf_puts(out, ".Pp\n.Bl -tag -width example: -compact\n");
	add_fact("type:", kind_text(kind), false, out);
}

static bool begins(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* What SIGHUP and POST /-/reload do with a change. */
static const char *reload_text(const char *key, const char *kind)
{
	if (text_is(kind, "SECRET"))
		return "takes a new value, from the file or from here";
	if (begins(key, "tls.") && strstr(key, "_file"))
		return "reads the file again; another path needs a restart";
	if (text_is(key, "link_key_file"))
		return "reads the file again; another path needs a restart";
	if (text_is(key, "log_level"))
		return "takes a change";
	return "a change needs a restart";
}

static const char *example_of(const char *key, const char *value)
{
	for (size_t i = 0; i < ARRAY_LEN(option_examples); i++)
		if (text_is(option_examples[i].key, key))
			return option_examples[i].value;
	return value;
}

static void add_daemon_options(struct references *refs, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(daemon_options); i++) {
		const char *key = daemon_options[i].key, *dot = strchr(key, '.');
		const char *value = daemon_options[i].value ? daemon_options[i].value : "";
		const char *twin = text_is(daemon_options[i].kind, "SECRET") ? "_file" : "";
		const char *example = example_of(key, value);
		begin_option(key, daemon_options[i].kind, daemon_options[i].text, refs, out);
		add_fact("default:", *value ? value : "none", *value, out);
		add_fact("reload:", reload_text(key, daemon_options[i].kind), false, out);
		CLEANUP_FREE char *line = dot ? xasprintf("%.*s: {%s%s: %s}", (int)(dot - key), key,
							  dot + 1, twin, example)
					      : xasprintf("%s%s: %s", key, twin, example);
		if (*example)
			add_fact("example:", line, true, out);
		buf_puts(out, ".El\n");
	}
}

static void add_peer_options(bool senders, struct references *refs, struct buf *out)
{
	const size_t n = senders ? ARRAY_LEN(sender_options) : ARRAY_LEN(source_options);

	for (size_t i = 0; i < n; i++) {
		const char *key = senders ? sender_options[i].key : source_options[i].key;
		const char *kind = senders ? sender_options[i].kind : source_options[i].kind;
		const bool secret = text_is(kind, "SECRET");
		begin_option(key, kind, senders ? sender_options[i].text : source_options[i].text,
			     refs, out);
		add_fact("reload:",
			 secret || text_is(kind, "HEADERS") || text_is(key, "basic") ||
					 text_is(key, "sign")
				 ? "takes a new secret"
				 : "a change needs a restart",
			 false, out);
		CLEANUP_FREE char *line =
			xasprintf("%s%s: %s", key, secret ? "_file" : "",
				  senders ? sender_options[i].example : source_options[i].example);
		add_fact("example:", line, true, out);
		buf_puts(out, ".El\n");
	}
}

static void add_kinds(bool senders, struct references *refs, struct buf *out)
{
	const size_t n = senders ? ARRAY_LEN(formats) : ARRAY_LEN(source_kinds);

	buf_puts(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, ".It Cm %s\n", senders ? formats[i].name : source_kinds[i].name);
		mdoc_sentence(senders ? formats[i].text : source_kinds[i].text, "", "", refs, out);
		if (senders)
			continue;
		buf_puts(out, "Needs\n");
		for (const char *at = source_kinds[i].needs; *at;) {
			size_t len = strcspn(at, " ");
			bool last = !at[len];
			buf_printf(out, ".Ic %.*s %s\n", (int)len, at, last ? "." : ",");
			at += len + !last;
		}
	}
	buf_puts(out, ".El\n");
}

static void add_options_section(const struct parts *parts, const char *title, struct buf *out)
{
	struct buf text = BUF_INIT(GENERATE_FILE_BYTES);

	buf_printf(out, ".Sh %s\n", title);
	parts_section(parts, title, &text);
	buf_puts(out, buf_text(&text));
	buf_fini(&text);
}

void generate_options_page(const char *parts_directory, struct buf *out)
{
	struct references refs = { .n = 0 };
	struct parts parts;

	parts_read(&parts, parts_directory, "tracepager.yaml");
	mdoc_header("tracepager.yaml", "5", "the options of the tracepager daemon", out);
	add_options_section(&parts, "DESCRIPTION", out);
	add_options_section(&parts, "OPTIONS", out);
	buf_puts(out, ".Bl -tag -width Ds\n");
	add_daemon_options(&refs, out);
	buf_puts(out, ".El\n");
	parts_others(&parts, out);
	add_options_section(&parts, "SENDERS", out);
	buf_puts(out, ".Bl -tag -width Ds\n");
	add_peer_options(true, &refs, out);
	buf_puts(out, ".El\n.Pp\nThe formats:\n");
	add_kinds(true, &refs, out);
	add_options_section(&parts, "SOURCES", out);
	buf_puts(out, ".Bl -tag -width Ds\n");
	add_peer_options(false, &refs, out);
	buf_puts(out, ".El\n.Pp\nThe kinds:\n");
	add_kinds(false, &refs, out);
	add_options_section(&parts, "FILES", out);
	add_options_section(&parts, "EXAMPLES", out);
	parts_references(&parts, &refs);
	references_write(&refs, "tracepager.yaml", "5", out);
	parts_free(&parts);
}
