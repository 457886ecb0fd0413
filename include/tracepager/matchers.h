/*
 * Matchers on labels, as rules have them: globs, and Alertmanager's name=value, !=, =~ and !~. A
 * label that an alert lacks counts as the empty text. A regular expression is anchored at both ends
 * and limited in steps and memory (limits.h); one that goes over the limits does not hold.
 *
 * A struct rule_matchers owns its list and its compiled expressions (matchers_fini() frees them);
 * names and values are kept by the arena of the caller. Once built it is read-only: any thread may
 * match.
 */
#ifndef TRACEPAGER_MATCHERS_H
#define TRACEPAGER_MATCHERS_H

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/alert.h"
#include "tracepager/arena.h"
#include "tracepager/buf.h"
#include "tracepager/err.h"

struct pcre2_real_code_8; /* pcre2_code of <pcre2.h> */

enum rule_op {
	RULE_GLOB,
	RULE_EQUAL,
	RULE_NOT_EQUAL,
	RULE_REGEX,
	RULE_NOT_REGEX,
};
struct rule_matcher {
	enum rule_op op;
	const char *name, *value;
	const char *literal;		 /* the only value that holds; NULL: several do */
	struct pcre2_real_code_8 *regex; /* NULL: none */
	const char **words;		 /* heap: all that "info|warning" matches */
	size_t nwords;			 /* 0: the regular expression is no list of words */
};
struct rule_matchers {
	struct rule_matcher *at; /* heap */
	size_t n;
};
void matchers_fini(struct rule_matchers *matchers);
/* Adds the matchers of one text in Alertmanager's syntax. Returns 0; -EINVAL where the text is no
 * matcher and -EDOM where a regular expression is wrong, both with err and with nothing added. */
int matchers_parse(struct arena *arena, const char *text, struct rule_matchers *matchers,
		   struct err *err);
/* Adds a glob on one label. Name and glob are borrowed for as long as the matchers live. */
void matchers_add_glob(struct arena *arena, struct rule_matchers *matchers, const char *name,
		       const char *glob);
/* Do all matchers hold for these labels? */
bool matchers_match(const struct rule_matchers *matchers, const struct labels *labels);
/* Number of characters that stand for themselves: the more, the more specific. */
unsigned int matchers_literals(const struct rule_matchers *matchers);

/* For people: `alertname="DiskFull", instance=~"db.*", host: db*`, the last one being a glob. */
void matchers_write(const struct rule_matchers *matchers, struct buf *out);

/* One matcher alone, against labels or against the value of its label. */
bool matcher_matches(const struct rule_matcher *matcher, const struct labels *labels);
bool matcher_holds(const struct rule_matcher *matcher, const char *value);
/* Why a matcher does not hold, for people: "severity is critical, not info". Kept by the arena. */
const char *matcher_reason(struct arena *arena, const struct rule_matcher *matcher,
			   const struct labels *labels);

#endif
