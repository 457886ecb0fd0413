/* Generate, options: tracepager.yaml(5), from the tables of the daemon's, senders' and sources'
 * options. */
#include "generate.h"

#include <stdio.h>
#include <stdlib.h>

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
	const char *reload, *text;
} reload_texts[] = {
#define RELOAD(name, text) { #name, text },
#include "tracepager/tbl/reload.def"
#undef RELOAD
};

static const struct {
	const char *key, *kind, *reload, *value, *text;
} daemon_options[] = {
#define OPTION(key, kind, reload, field, value, text) { key, #kind, #reload, value, text },
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
	const char *key, *kind, *reload, *example, *text;
} sender_options[] = {
#define SENDER_OPTION(key, kind, reload, example, text) { key, #kind, #reload, example, text },
#include "tracepager/tbl/sender_options.def"
#undef SENDER_OPTION
}, source_options[] = {
#define SOURCE_OPTION(key, kind, reload, field, example, text)                                     \
	{ key, #kind, #reload, example, text },
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
static void add_fact(const char *name, const char *text, bool typed, struct references *refs,
		     struct buf *out)
{
	buf_printf(out, ".It %s\n", name);
	if (typed)
		mdoc_unbroken(text, out);
	else
		mdoc_text(text, "", refs, out);
}

static void begin_option(const char *key, const char *kind, const char *text,
			 struct references *refs, struct buf *out)
{
	buf_printf(out, ".It Ic %s\n", key);
	mdoc_sentence(text, "ours|debug", "", refs, out);
	buf_puts(out, ".Pp\n.Bl -tag -width example: -compact\n");
	add_fact("type:", kind_text(kind), false, refs, out);
}

/* What SIGHUP and POST /-/reload do with a change. */
static const char *reload_text(const char *reload)
{
	for (size_t i = 0; i < ARRAY_LEN(reload_texts); i++)
		if (text_is(reload_texts[i].reload, reload))
			return reload_texts[i].text;
	fprintf(stderr, "reload.def has no %s\n", reload);
	exit(1);
}

/* The option as a person names it, in a list of such. */
static void add_reloaded(const char *map, const char *key, size_t *shown, struct buf *out)
{
	buf_printf(out, "%s.Ic %s%s", (*shown)++ ? " ,\n" : "", map, key);
}

/* The options of all tables with that reload. How many they are. */
static size_t add_all_reloaded(const char *reload, struct buf *out)
{
	size_t shown = 0;

	for (size_t i = 0; i < ARRAY_LEN(daemon_options); i++)
		if (text_is(daemon_options[i].reload, reload))
			add_reloaded("", daemon_options[i].key, &shown, out);
	for (size_t i = 0; i < ARRAY_LEN(sender_options); i++)
		if (text_is(sender_options[i].reload, reload))
			add_reloaded("senders.NAME.", sender_options[i].key, &shown, out);
	for (size_t i = 0; i < ARRAY_LEN(source_options); i++)
		if (text_is(source_options[i].reload, reload))
			add_reloaded("sources.NAME.", source_options[i].key, &shown, out);
	return shown;
}

/* Which options a reload takes, by what it does with them. */
static void add_reload_list(struct references *refs, struct buf *out)
{
	buf_puts(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < ARRAY_LEN(reload_texts); i++) {
		struct buf names = BUF_INIT(GENERATE_FILE_BYTES);
		CLEANUP_FREE char *text = xasprintf("A reload %s.", reload_texts[i].text);
		const bool some = add_all_reloaded(reload_texts[i].reload, &names);
		if (some && !text_is(reload_texts[i].reload, "RESTART")) {
			buf_printf(out, ".It Xo\n%s\n.Xc\n", buf_text(&names));
			mdoc_text(text, "", refs, out);
		}
		buf_fini(&names);
	}
	buf_puts(out, ".El\n");
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
		add_fact("default:", *value ? value : "none", *value, refs, out);
		add_fact("reload:", reload_text(daemon_options[i].reload), false, refs, out);
		CLEANUP_FREE char *line = dot ? xasprintf("%.*s: {%s%s: %s}", (int)(dot - key), key,
							  dot + 1, twin, example)
					      : xasprintf("%s%s: %s", key, twin, example);
		if (*example)
			add_fact("example:", line, true, refs, out);
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
			 reload_text(senders ? sender_options[i].reload : source_options[i].reload),
			 false, refs, out);
		CLEANUP_FREE char *line =
			xasprintf("%s%s: %s", key, secret ? "_file" : "",
				  senders ? sender_options[i].example : source_options[i].example);
		add_fact("example:", line, true, refs, out);
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
	add_options_section(&parts, "RELOAD", out);
	add_reload_list(&refs, out);
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
