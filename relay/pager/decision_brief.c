/*
 * Decision brief: what a person needs of a decision, for pagers whose events must be short: the
 * suspect and how sure, what its traces say, the path in one line, the owner and its rule, the
 * other suspects and the reasons. Pure; owns nothing.
 */
#include "pager-internal.h"

#include <jansson.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"

static const char *brief_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void brief_add(struct buf *out, const char *key, const char *text)
{
	BUF_LOCAL(plain, 8 * LIMIT_PAGE_LINE_COLUMNS);

	plain_add(&plain, text, LIMIT_PAGE_LINE_COLUMNS);
	pager_add_text(out, key, buf_text(&plain));
	buf_fini(&plain);
}

/* The trace whose walk ended at the suspect, else the first. */
static const json_t *brief_trace(const json_t *root, const char *service)
{
	const json_t *traces = json_object_get(root, "traces"), *trace;
	size_t i;

	json_array_foreach(traces, i, trace)
	{
		if (strcmp(brief_text(json_object_get(trace, "suspect"), "service"), service) == 0)
			return trace;
	}
	return json_array_get(traces, 0);
}

/* "checkout > payment > ledger": each run of spans of one service once. */
static void brief_add_path(struct buf *out, const json_t *trace)
{
	BUF_LOCAL(path, LIMIT_PATH_SHOWN * (8 * LIMIT_PAGE_NAME_COLUMNS + 4));
	const char *before = NULL;
	const json_t *span;
	size_t i;

	json_array_foreach(json_object_get(trace, "path"), i, span)
	{
		const char *service = brief_text(span, "service");
		if (before && strcmp(before, service) == 0)
			continue;
		buf_puts(&path, before ? " > " : "");
		plain_add(&path, service, LIMIT_PAGE_NAME_COLUMNS);
		before = service;
	}
	pager_add_text(out, "path", path.failed ? "" : buf_text(&path));
	buf_fini(&path);
}

/* A list of texts "NAME (NUMBER)", of objects with a name and a number of traces. */
static void brief_add_counts(struct buf *out, const char *key, const json_t *list,
			     const char *name_key, const char *number_key, const char *nameless)
{
	const json_t *item;
	size_t i;

	if (!json_array_size(list))
		return;
	buf_json_key(out, key);
	buf_putc(out, '[');
	json_array_foreach(list, i, item)
	{
		BUF_LOCAL(text, 8 * LIMIT_PAGE_LINE_COLUMNS + 32);
		const char *name = brief_text(item, name_key);
		plain_add(&text, *name ? name : nameless, LIMIT_PAGE_LINE_COLUMNS);
		buf_printf(&text, " (%lld)",
			   (long long)json_integer_value(json_object_get(item, number_key)));
		buf_puts(out, i ? "," : "");
		buf_json_string(out, buf_text(&text));
		buf_fini(&text);
	}
	buf_putc(out, ']');
}

static void brief_add_reasons(struct buf *out, const json_t *reasons)
{
	const json_t *reason;
	size_t i;

	if (!json_array_size(reasons))
		return;
	buf_json_key(out, "reasons");
	buf_putc(out, '[');
	json_array_foreach(reasons, i, reason)
	{
		const char *text = json_string_value(reason);
		buf_puts(out, i ? "," : "");
		buf_json_string(out, text ? text : "");
	}
	buf_putc(out, ']');
}

/* How sure the verdict is; left out where no trace had a vote. */
static void brief_add_count_of_traces(struct buf *out, const json_t *verdict)
{
	double hundredths = 100 * json_number_value(json_object_get(verdict, "confidence")) + 0.5;

	buf_json_key(out, "confidence");
	/* Not "%.2f": its point is the locale's. */
	buf_printf(out, "%d.%02d", (int)hundredths / 100, (int)hundredths % 100);
	buf_json_int(out, "agree", json_integer_value(json_object_get(verdict, "agree")));
	buf_json_int(out, "of", json_integer_value(json_object_get(verdict, "of")));
}

static void brief_write(const json_t *root, struct buf *out)
{
	const json_t *verdict = json_object_get(root, "verdict"),
		     *suspect = json_object_get(verdict, "suspect"),
		     *owner = json_object_get(root, "owner"),
		     *fallback = json_object_get(verdict, "fallback");
	static const char *const members[] = { "namespace", "operation", "kind", "callee",
					       "error" };

	buf_putc(out, '{');
	buf_json_int(out, "version", json_integer_value(json_object_get(root, "version")));
	brief_add(out, "suspect", brief_text(suspect, "service"));
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		brief_add(out, members[i], brief_text(suspect, members[i]));
	if (json_integer_value(json_object_get(verdict, "of")) > 0)
		brief_add_count_of_traces(out, verdict);
	brief_add_counts(out, "errors", json_object_get(verdict, "errors"), "error", "traces",
			 "no words");
	/* Without a suspect the decision's words are those of the best candidate. */
	const json_t *best = json_array_get(json_object_get(verdict, "runners_up"), 0);
	brief_add_path(out, brief_trace(root, brief_text(json_is_object(suspect) ? suspect : best,
							 "service")));
	brief_add(out, "owner", brief_text(owner, "team"));
	brief_add(out, "rule", brief_text(owner, "rule"));
	brief_add_counts(out, "runners_up", json_object_get(verdict, "runners_up"), "service",
			 "agree", "a service without a name");
	brief_add_reasons(out, json_object_get(verdict, "reasons"));
	brief_add(out, "fallback", brief_text(fallback, "code"));
	buf_putc(out, '}');
}

bool pager_decision_brief(const struct page *page, struct buf *out)
{
	const char *decision = pager_decision_json(page);
	size_t len = decision ? strlen(decision) : 0;
	json_t *root = len && len <= LIMIT_BRIEF_BYTES ? json_loadb(decision, len, 0, NULL) : NULL;

	if (!root)
		return false;
	brief_write(root, out);
	json_decref(root);
	return true;
}
