/*
 * Config, sample: a tracepager.yaml with every option of the tables, each with one sentence that
 * says what it is and its default. Owns nothing.
 */
#include "config-internal.h"

#include <string.h>

#include "tracepager/xalloc.h"

#define SAMPLE_COLUMNS 80

static const struct {
	const char *key, *kind, *value, *text;
} sample_options[] = {
#define OPTION(key, kind, reload, field, value, text) { key, #kind, value, text },
#include "tracepager/tbl/options.def"
#undef OPTION
};

static const struct {
	const char *key, *kind, *example, *text;
} sample_sender_options[] = {
#define SENDER_OPTION(key, kind, reload, example, text) { key, #kind, example, text },
#include "tracepager/tbl/sender_options.def"
#undef SENDER_OPTION
}, sample_source_options[] = {
#define SOURCE_OPTION(key, kind, reload, field, example, text) { key, #kind, example, text },
#include "tracepager/tbl/source_options.def"
#undef SOURCE_OPTION
};

static const struct {
	const char *name, *text;
} sample_formats[] = {
#define FORMAT(id, name, family, text) { name, text },
#include "tracepager/tbl/formats.def"
#undef FORMAT
}, sample_sources[] = {
#define SOURCE(id, name, needs, text) { name, text },
#include "tracepager/tbl/sources.def"
#undef SOURCE
};

static bool is_secret_kind(const char *kind)
{
	return strcmp(kind, "SECRET") == 0;
}

/* The text and a full stop as comments, each line behind the indent and "# ". */
static void sample_add_comment(const char *indent, const char *text, struct buf *out)
{
	size_t used = 0, most = SAMPLE_COLUMNS - strlen(indent) - 2;

	while (*text) {
		size_t len = strcspn(text, " ");
		if (used && used + 1 + len > most) {
			buf_putc(out, '\n');
			used = 0;
		}
		if (used)
			buf_putc(out, ' ');
		else
			buf_printf(out, "%s# ", indent);
		buf_add(out, text, len);
		used += len + 1;
		text += len;
		text += strspn(text, " ");
	}
	buf_puts(out, ".\n");
}

/* "#listen: …", and of an option of a map "#store:" and "#  path: …". */
static void sample_add_option(size_t i, struct buf *out)
{
	const char *key = sample_options[i].key, *dot = strchr(key, '.');
	const size_t len = dot ? (size_t)(dot - key) + 1 : 0;
	const bool goes_on = dot && i && strncmp(sample_options[i - 1].key, key, len) == 0;

	sample_add_comment("", sample_options[i].text, out);
	if (dot && !goes_on)
		buf_printf(out, "#%.*s:\n", (int)(dot - key), key);
	buf_puts(out, dot ? "#  " : "#");
	if (is_secret_kind(sample_options[i].kind))
		buf_printf(out, "%s_file: /etc/tracepager/%s\n\n", dot ? dot + 1 : key, key);
	else if (strcmp(sample_options[i].kind, "FLAG") == 0)
		buf_printf(out, "%s: %s\n\n", dot ? dot + 1 : key, sample_options[i].value);
	else
		buf_printf(out, "%s: \"%s\"\n\n", dot ? dot + 1 : key, sample_options[i].value);
}

static void sample_add_senders(struct buf *out)
{
	buf_puts(out, "# Monitoring systems that send us alerts, each at POST /webhook/NAME\n"
		      "# (format prometheus: at POST /api/v2/alerts). Formats:\n");
	for (size_t i = 0; i < ARRAY_LEN(sample_formats); i++)
		buf_printf(out, "# - %-14s %s\n", sample_formats[i].name, sample_formats[i].text);
	buf_puts(out, "senders:\n"
		      "  alertmanager:\n"
		      "    format: alertmanager\n");
	for (size_t i = 0; i < ARRAY_LEN(sample_sender_options); i++) {
		if (strcmp(sample_sender_options[i].key, "format") == 0)
			continue;
		sample_add_comment("    ", sample_sender_options[i].text, out);
		buf_printf(out, "    # %s%s: %s\n", sample_sender_options[i].key,
			   is_secret_kind(sample_sender_options[i].kind) ? "_file" : "",
			   sample_sender_options[i].example);
	}
	buf_puts(out,
		 "  # grafana:\n"
		 "  #   format: grafana\n"
		 "  #   sign: {scheme: grafana, secret_file: /etc/tracepager/grafana.secret}\n"
		 "  # ours:\n"
		 "  #   format: generic\n"
		 "  #   mapping: {id: /id, name: /title, summary: /text, labels: /tags,\n"
		 "  #     status: {from: /state, values: {open: firing, closed: resolved}}}\n\n");
}

static void sample_add_sources(struct buf *out)
{
	buf_puts(out, "# Tracing backends, asked in this order. Kinds:\n");
	for (size_t i = 0; i < ARRAY_LEN(sample_sources); i++)
		buf_printf(out, "# - %-14s %s\n", sample_sources[i].name, sample_sources[i].text);
	buf_puts(out, "sources:\n"
		      "  jaeger:\n"
		      "    kind: jaeger\n"
		      "    url: http://127.0.0.1:16686\n");
	for (size_t i = 0; i < ARRAY_LEN(sample_source_options); i++) {
		if (strcmp(sample_source_options[i].key, "url") == 0)
			continue;
		sample_add_comment("    ", sample_source_options[i].text, out);
		buf_printf(out, "    # %s%s: %s\n", sample_source_options[i].key,
			   is_secret_kind(sample_source_options[i].kind) ? "_file" : "",
			   sample_source_options[i].example);
	}
}

void config_write_sample(struct buf *out)
{
	buf_puts(out,
		 "# tracepager.yaml: the daemon's options. The rules say who is paged for what.\n"
		 "# Options that are commented out show their defaults, those of senders and "
		 "sources\n"
		 "# an example. \"tracepager run --check\" reads the file and tells what is "
		 "wrong.\n\n");
	for (size_t i = 0; i < ARRAY_LEN(sample_options); i++)
		sample_add_option(i, out);
	buf_puts(
		out,
		"# Who else may use the API: each with a name, which stands beside what was done.\n"
		"# may is read (all but acts) or act.\n"
		"#tokens:\n"
		"#  - {name: ann, file: /etc/tracepager/ann.token, may: act}\n"
		"#  - {name: grafana, file: /etc/tracepager/grafana.token, may: read}\n\n");
	sample_add_senders(out);
	sample_add_sources(out);
}
