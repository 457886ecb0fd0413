/*
 * Signal match: does a span belong to the signal (tracepager-walk(7), section 3). Patterns come
 * from rules and options. A signal that came from an alert's labels is compared literally, so that
 * no sender can put globs into our comparisons.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "walk-internal.h"

static bool is_any(const char *pattern)
{
	return !pattern || pattern[0] == '\0';
}

static bool same_char(char a, char b, bool ignore_case)
{
	return a == b || (ignore_case && tolower((unsigned char)a) == tolower((unsigned char)b));
}

/* "*" and "?". On a mismatch the last star takes one character more: at worst the product of both
 * lengths, and no recursion. */
static bool glob_matches(const char *pattern, const char *text, bool ignore_case)
{
	const char *star = NULL, *retry = NULL;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			retry = text;
		} else if (*pattern == '?' || same_char(*pattern, *text, ignore_case)) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool pattern_matches(const struct signal *signal, const char *pattern, const char *text,
			    bool ignore_case)
{
	if (is_any(pattern) || (ignore_case ? strcasecmp : strcmp)(pattern, text) == 0)
		return true;
	if (signal->from &&
	    (strcmp(signal->from, "label") == 0 || strcmp(signal->from, "expression") == 0))
		return false;
	return strpbrk(pattern, "*?") && glob_matches(pattern, text, ignore_case);
}

static bool resource_matches(const struct signal *signal, const struct trace *trace,
			     const struct resource *resource, bool ignore_case)
{
	return pattern_matches(signal, signal->service, trace_text(trace, resource->service),
			       ignore_case || trace->set->ignore_case) &&
	       pattern_matches(signal, signal->namespace, trace_text(trace, resource->namespace),
			       false);
}

static bool name_matches(const struct signal *signal, const struct trace *trace,
			 const struct span *span, bool ignore_case)
{
	return pattern_matches(signal, signal->operation, trace_text(trace, span->name),
			       ignore_case || trace->set->ignore_case);
}

static const char *attr_text(const struct trace *trace, const struct span *span, const char *name)
{
	const char *text = NULL;
	unsigned int key;

	for (key = 0; key < ATTR_COUNT + trace->set->nextra_names; key++) {
		const char *known = key < ATTR_COUNT ? attr_name(key)
						     : trace->set->extra_names[key - ATTR_COUNT];

		if (strcmp(known, name) == 0) {
			text = span_attr(trace, span, key);
			break;
		}
	}
	return text ? text : resource_attr(trace, span_resource(trace, span), name);
}

static bool attrs_match(const struct signal *signal, const struct trace *trace,
			const struct span *span)
{
	for (size_t i = 0; i < signal->attrs.n; i++) {
		const struct label *want = &signal->attrs.at[i];
		const char *text = attr_text(trace, span, want->name);

		if (!text || !pattern_matches(signal, want->value, text, false))
			return false;
	}
	return true;
}

bool signal_matches(const struct signal *signal, const struct trace *trace, const struct span *span)
{
	return resource_matches(signal, trace, span_resource(trace, span), false) &&
	       name_matches(signal, trace, span, false) && attrs_match(signal, trace, span);
}

/* The slot of a key; *ret_known tells whether it holds that key's answer. */
static struct signal_seen *seen_slot(struct signal_seen seen[64], uint32_t key, bool *ret_known)
{
	struct signal_seen *slot = &seen[(key * 2654435761u) >> 26];

	*ret_known = slot->key == key + 1;
	slot->key = key + 1;
	return slot;
}

bool signal_matcher_test(struct signal_matcher *matcher, const struct span *span)
{
	const struct trace *trace = matcher->trace;
	const struct signal *signal = matcher->signal;
	struct signal_seen *slot;
	bool known;

	slot = seen_slot(matcher->resources, span->resource, &known);
	if (!known)
		slot->matches = resource_matches(signal, trace, span_resource(trace, span),
						 matcher->ignore_case);
	if (!slot->matches || matcher->service_only)
		return slot->matches;
	slot = seen_slot(matcher->names, span->name, &known);
	if (!known)
		slot->matches = name_matches(signal, trace, span, matcher->ignore_case);
	return slot->matches && attrs_match(signal, trace, span);
}
