/*
 * Find: where an alert carries the expression of its rule. Prometheus, Thanos, Mimir and vmui write
 * g0.expr=…; vmalert and Loki can be told to write a link to Grafana's Explore, whose parameters
 * left and panes are JSON with a member expr (metrics, logs) or query (Tempo). Pure.
 */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "tracepager/expr.h"
#include "tracepager/limits.h"
#include "tracepager/url.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"

/* ---- JSON of Explore ---- */

/* The length of the JSON string at text, with its quotes; 0: it is none or is not closed. */
static size_t json_string_len(const char *text)
{
	size_t n = 1;

	if (*text != '"')
		return 0;
	for (; text[n] && text[n] != '"'; n++)
		if (text[n] == '\\' && text[n + 1])
			n++;
	return text[n] ? n + 1 : 0;
}

/* The text of the JSON string; \u of anything but ASCII makes it NULL: no selector needs it. */
static const char *json_string(struct arena *arena, const char *text, size_t len)
{
	static const char letters[] = "bfnrt\"\\/", meanings[] = "\b\f\n\r\t\"\\/";
	char *out = arena_alloc(arena, len);
	size_t n = 0;

	for (size_t i = 1; i < len - 1; i++) {
		if (text[i] != '\\') {
			out[n++] = text[i];
			continue;
		}
		i++;
		const char *letter = strchr(letters, text[i]);
		if (letter) {
			out[n++] = meanings[letter - letters];
			continue;
		}
		/* \u003c: Go writes < > and & so. */
		static const char digits[] = "0123456789abcdef";
		if (text[i] != 'u' || i + 5 > len - 1 || text[i + 1] != '0' || text[i + 2] != '0')
			return NULL;
		const char *high = strchr(digits, tolower((unsigned char)text[i + 3]));
		const char *low = strchr(digits, tolower((unsigned char)text[i + 4]));
		unsigned int code =
			high && low ? (unsigned int)((high - digits) * 16 + (low - digits)) : 0;
		if (code == 0 || code > 127)
			return NULL;
		out[n++] = (char)code;
		i += 4;
	}
	out[n] = '\0';
	return out;
}

/* The first text of a member expr or query that is not empty. */
static const char *json_expression(struct arena *arena, const char *text)
{
	static const char *const names[] = { "\"expr\"", "\"query\"" };

	for (text = strchr(text, '"'); text; text = strchr(text, '"')) {
		size_t len = json_string_len(text);
		if (len == 0)
			return NULL;
		const char *value = text + len + strspn(text + len, " \t\r\n");
		bool named = *value == ':' && (strncmp(text, names[0], len) == 0 ||
					       strncmp(text, names[1], len) == 0);
		value += *value == ':';
		value += strspn(value, " \t\r\n");
		size_t value_len = named ? json_string_len(value) : 0;
		if (value_len > 2)
			return json_string(arena, value, value_len);
		text += len;
	}
	return NULL;
}

/* ---- links ---- */

/* The value of a parameter, decoded. vmui's parameters stand behind a #. NULL: there is none. */
static const char *url_parameter(struct arena *arena, const char *url, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = strpbrk(url, "?#&"); at; at = strpbrk(at + 1, "?#&"))
		if (strncmp(at + 1, name, len) == 0 && at[1 + len] == '=') {
			const char *value = at + 2 + len;
			return url_decode(arena, value, strcspn(value, "&#"));
		}
	return NULL;
}

static const char *link_expression(struct arena *arena, const char *url)
{
	static const char *const parameters[] = { "left", "panes" };
	const char *expression = url_parameter(arena, url, "g0.expr");

	if (expression && *expression)
		return expression;
	for (size_t i = 0; i < ARRAY_LEN(parameters); i++) {
		const char *json = url_parameter(arena, url, parameters[i]);
		expression = json ? json_expression(arena, json) : NULL;
		if (expression)
			return expression;
	}
	return NULL;
}

/* ---- texts ---- */

/* Names by which people hand the expression of a rule over to their pages. */
static const char *named_expression(const struct labels *labels)
{
	static const char *const names[] = { "expr",  "expression", "promql",
					     "logql", "traceql",    "query" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		for (size_t k = 0; k < labels->n; k++)
			if (strcasecmp(labels->at[k].name, names[i]) == 0)
				return labels->at[k].value;
	return NULL;
}

const char *expr_find(struct arena *arena, const struct alert *alert)
{
	const char *url = alert->generator_url ? alert->generator_url : "";
	const char *expression = link_expression(arena, url);

	if (!expression)
		expression = named_expression(&alert->annotations);
	if (!expression)
		expression = named_expression(&alert->labels);
	/* %FF in a link is no text. */
	if (!expression || utf8_span(expression, strlen(expression)) != strlen(expression))
		return NULL;
	return *expression ? expression : NULL;
}
