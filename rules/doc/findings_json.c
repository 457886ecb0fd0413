/*
 * Findings for programs: as JSON objects, and as SARIF 2.1.0 (OASIS standard, sections 3.13 to
 * 3.30), which code hosts and editors show beside the lines. Pure: owns nothing.
 */
#include <stdlib.h>

#include <string.h>

#include "tracepager/findings.h"
#include "tracepager/xalloc.h"
#include "tracepager/buf_json.h"

static const char *level_name(const struct finding *finding)
{
	return finding->level == FINDING_ERROR ? "error" : "warning";
}

void finding_write_json(const struct finding *finding, struct buf *out)
{
	buf_putc(out, '{');
	buf_json_text(out, "level", level_name(finding));
	buf_json_text(out, "code", finding->code);
	buf_json_text(out, "file", finding->file);
	buf_json_int(out, "line", finding->line);
	buf_json_int(out, "column", finding->column);
	buf_json_int(out, "width", finding->width);
	buf_json_text(out, "text", finding->text);
	buf_json_text(out, "source", finding->source);
	buf_json_text(out, "hint", finding->hint);
	buf_putc(out, '}');
}

void findings_write_array(const struct findings *findings, size_t most, struct buf *out)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < findings->n && i < most; i++) {
		if (i)
			buf_putc(out, ',');
		finding_write_json(&findings->at[i], out);
	}
	buf_putc(out, ']');
}

/* The path as a URI (RFC 3986): a relative path stays relative, an absolute one becomes
 * file://. The caller frees. */
static char *uri_of(const char *path)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~/";
	struct buf out = BUF_INIT(4 * strlen(path) + sizeof("file://"));

	if (*path == '/')
		buf_puts(&out, "file://");
	for (; *path; path++)
		if (strchr(plain, *path))
			buf_putc(&out, *path);
		else
			buf_printf(&out, "%%%02X", (unsigned char)*path);
	return buf_take(&out);
}

/* Adds {"text": …}, the form of every message in SARIF. */
static void add_message(struct buf *out, const char *key, const char *text)
{
	buf_json_key(out, key);
	buf_putc(out, '{');
	buf_json_text(out, "text", text);
	buf_putc(out, '}');
}

static void add_rule(struct buf *out, const char *code)
{
	buf_putc(out, '{');
	buf_json_text(out, "id", code);
	add_message(out, "shortDescription", finding_explain(code));
	buf_json_key(out, "defaultConfiguration");
	buf_putc(out, '{');
	buf_json_text(out, "level", *code == 'W' ? "warning" : "error");
	buf_puts(out, "}}");
}

static void add_region(struct buf *out, const struct finding *finding)
{
	buf_json_key(out, "region");
	buf_putc(out, '{');
	buf_json_int(out, "startLine", finding->line);
	buf_json_int(out, "startColumn", finding->column);
	buf_json_int(out, "endColumn", finding->column + finding->width);
	if (finding->source)
		add_message(out, "snippet", finding->source);
	buf_putc(out, '}');
}

static void add_result(struct buf *out, const struct finding *finding)
{
	CLEANUP_FREE char *uri = uri_of(finding->file);
	CLEANUP_FREE char *text = finding->hint ? xasprintf("%s (%s)", finding->text, finding->hint)
						: xstrdup(finding->text);

	buf_putc(out, '{');
	buf_json_text(out, "ruleId", finding->code);
	buf_json_text(out, "level", level_name(finding));
	add_message(out, "message", text);
	buf_json_key(out, "locations");
	buf_puts(out, "[{\"physicalLocation\":{\"artifactLocation\":{");
	buf_json_text(out, "uri", uri);
	buf_putc(out, '}');
	if (finding->line > 0)
		add_region(out, finding);
	buf_puts(out, "}}]}");
}

void findings_write_sarif(const struct findings *findings, const char *version, struct buf *out)
{
	const char *code;

	buf_puts(out, "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\","
		      "\"version\":\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{");
	buf_json_text(out, "name", "tracepager");
	buf_json_text(out, "version", version);
	buf_json_key(out, "rules");
	buf_putc(out, '[');
	for (size_t i = 0; (code = finding_code(i)); i++) {
		if (*code == 'C')
			continue; /* codes of the daemon's options are no rules */
		if (out->data[out->len - 1] != '[')
			buf_putc(out, ',');
		add_rule(out, code);
	}
	/* Columns count characters, not UTF-16 units. */
	buf_puts(out, "]}},\"columnKind\":\"unicodeCodePoints\",\"results\":[");
	for (size_t i = 0; i < findings->n; i++) {
		if (i)
			buf_putc(out, ',');
		add_result(out, &findings->at[i]);
	}
	buf_puts(out, "]}]}\n");
}
