/*
 * Locate: the trace ids that an alert carries: in labels and annotations named for them, and in
 * links in labels and annotations. Refuses text that looks like an id but stands elsewhere, and the
 * alert's own link, which leads to a metric: expr reads its expression. Pure, linear in the alert;
 * owns nothing.
 */
#include "tracepager/locate.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/expr.h"
#include "tracepager/url.h"
#include "tracepager/xalloc.h"

/* The ids found so far. */
struct found_ids {
	struct arena *arena;
	const char **ids;
	size_t n, max;
};

#define ID_MIN 16
#define ID_MAX 32

/* The length of X-Ray's version before the id at the beginning of text: "1-" of
 * 1-5759e988-bd862e3fe1be46a994272793, whose other digits are the id; 0: it is no id of X-Ray. */
static size_t xray_version_len(const char *text)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	if (strncmp(text, "1-", 2) != 0 || strspn(text + 2, digits) != 8 || text[10] != '-')
		return 0;
	return strspn(text + 11, digits) == 24 ? 2 : 0;
}

/* Read the id at the beginning of text: 16 to 32 hex digits, not all zeros, not followed by a
 * letter, digit or underscore. Dashes between digits are left out, as in a UUID, and so is X-Ray's
 * version. Returns its length in the text; 0: there is none. */
static size_t scan_id(const char *text, char ret_id[ID_MAX + 1])
{
	size_t i = xray_version_len(text), n = 0;
	bool zeros = true;

	for (; n < ID_MAX; i++) {
		if (n > 0 && text[i] == '-' && isxdigit((unsigned char)text[i + 1]))
			continue;
		if (!isxdigit((unsigned char)text[i]))
			break;
		zeros = zeros && text[i] == '0';
		ret_id[n++] = (char)tolower((unsigned char)text[i]);
	}
	ret_id[n] = '\0';
	return n < ID_MIN || zeros || isalnum((unsigned char)text[i]) || text[i] == '_' ? 0 : i;
}

/* Take the id at the beginning of text, if there is one and it is new. Returns its length in the
 * text; 0: there is none. */
static size_t locate_take_id(struct found_ids *found, const char *text)
{
	char id[ID_MAX + 1];
	size_t len = scan_id(text, id);

	if (len == 0 || found->n == found->max)
		return len;
	for (size_t i = 0; i < found->n; i++)
		if (strcmp(found->ids[i], id) == 0)
			return len;
	found->ids[found->n++] = arena_strdup(found->arena, id);
	return len;
}

/* Is it a name whose value is a trace id? Case and punctuation do not count. */
static bool is_trace_id_name(const char *name)
{
	static const char *const names[] = { "traceid",	      "trace",		"exemplartraceid",
					     "exemplartrace", "exampletraceid", "oteltraceid",
					     "xb3traceid",    "traceparent",	"ubertraceid",
					     "xraytraceid",   "awsxraytraceid", "xamzntraceid" };
	char plain[24];
	size_t n = 0;

	for (; *name; name++) {
		if (!isalnum((unsigned char)*name))
			continue;
		if (n == sizeof(plain) - 1)
			return false;
		plain[n++] = (char)tolower((unsigned char)*name);
	}
	plain[n] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(plain, names[i]) == 0)
			return true;
	return false;
}

/* W3C Trace Context: version-traceid-parentid-flags. */
static bool is_traceparent(const char *value)
{
	return strlen(value) >= 55 && value[2] == '-' && value[35] == '-' && value[52] == '-';
}

/* Take ids from a value: a traceparent, X-Ray's header (Root=1-…;Parent=…), or ids with blanks or
 * punctuation in between. */
static void locate_take_value(struct found_ids *found, const char *value)
{
	const char *root = strstr(value, "Root=1-");

	if (root) {
		locate_take_id(found, root + strlen("Root="));
		return;
	}
	if (is_traceparent(value)) {
		locate_take_id(found, value + 3);
		return;
	}
	while (*value) {
		size_t len = locate_take_id(found, value);
		if (len == 0)
			len = strcspn(value, " ,;|\t\n");
		value += len;
		value += strspn(value, " ,;|\t\n");
	}
}

static bool is_link(const char *value)
{
	return strstr(value, "://") != NULL;
}

/* Take the id directly behind each occurrence of the mark. */
static void take_behind(struct found_ids *found, const char *text, const char *mark)
{
	while ((text = strcasestr(text, mark))) {
		text += strlen(mark);
		locate_take_id(found, text);
	}
}

/* Take ids from "query":"ID" in the JSON of a Grafana explore link: Tempo's query by id. */
static void take_queries(struct found_ids *found, const char *text)
{
	static const char mark[] = "\"query\"";

	while ((text = strstr(text, mark))) {
		text += strlen(mark);
		text += strspn(text, " ");
		if (*text != ':')
			continue;
		text += 1 + strspn(text + 1, " ");
		if (*text != '"')
			continue;
		text++;
		text += locate_take_id(found, text);
	}
}

/* Jaeger's /trace/ID, /api/traces/ID (of Tempo and Zipkin too), ?traceID=ID, Grafana explore,
 * CloudWatch's #xray:traces/ID. */
static void take_link(struct found_ids *found, const char *link, size_t len)
{
	const char *text = url_decode(found->arena, link, len);

	take_behind(found, text, "/trace/");
	take_behind(found, text, "/traces/");
	take_behind(found, text, "xray:traces/");
	take_behind(found, text, "traceid=");
	take_behind(found, text, "trace_id=");
	if (strstr(text, "/explore"))
		take_queries(found, text);
}

/* Take ids from every link in a text; a blank, quote or angle bracket ends a link. */
static void take_links(struct found_ids *found, const char *text)
{
	while (found->n < found->max && (text = strstr(text, "://"))) {
		size_t len = strcspn(text, " \t\r\n\"'<>`|");
		take_link(found, text, len);
		text += len;
	}
}

static void take_named(struct found_ids *found, const struct labels *labels)
{
	for (size_t i = 0; i < labels->n; i++) {
		const struct label *label = &labels->at[i];
		if (is_trace_id_name(label->name) && !is_link(label->value))
			locate_take_value(found, label->value);
	}
}

static void take_linked(struct found_ids *found, const struct labels *labels)
{
	for (size_t i = 0; i < labels->n; i++)
		take_links(found, labels->at[i].value);
}

size_t locate_trace_ids(struct arena *arena, const struct alert *alert, const char **ret_ids,
			size_t max)
{
	struct found_ids found = { .arena = arena, .ids = ret_ids, .max = max };

	take_named(&found, &alert->labels);
	take_named(&found, &alert->annotations);
	take_linked(&found, &alert->annotations);
	take_linked(&found, &alert->labels);
	return found.n;
}

const char *locate_expr(struct arena *arena, const struct alert *alert)
{
	const char *text = expr_find(arena, alert);
	struct expr expr;

	/* Metrics have exemplars, logs and traces have none. */
	if (text && expr_read(arena, text, &expr, NULL) == 0 && expr.language != EXPR_METRICS)
		return NULL;
	return text;
}
