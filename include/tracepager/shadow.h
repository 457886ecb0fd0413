/*
 * Shadow: a second set of rules that decides along and pages nobody, so that it can be watched
 * before it counts. What it would have done otherwise is counted, logged now and then, and kept in
 * memory, the newest LIMIT_SHADOW_KEPT of it.
 *
 * It decides in the pool, one alert at a time and after the page has left: nothing waits for it.
 * It sees the traces that the rules in force had looked for.
 */
#ifndef TRACEPAGER_SHADOW_H
#define TRACEPAGER_SHADOW_H

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/decide.h"
#include "tracepager/pool.h"

struct shadow;

struct shadow *shadow_new(const struct clock *clock, struct pool *pool); /* both borrowed */
void shadow_free(struct shadow *shadow); /* takes NULL; after its pool. What waits is given back */

/* Takes a reference of its own. NULL: there are none, nothing is decided along. */
void shadow_set_rules(struct shadow *shadow, struct ruleset *rules);
/* Names of span attributes that its rules look at, beside those that are given; the arena's. */
const char *const *shadow_attr_names(const struct shadow *shadow, struct arena *arena,
				     const char *const *names, size_t n, size_t *ret_n);

/* A decision of the rules in force. What the input points to is borrowed until given_back(), but
 * for its alert, which is read from the document; the decision is looked at at once. */
struct shadow_case {
	const char *key, *doc; /* of the alert; doc: alert_write(). Both are copied */
	size_t doc_len;
	const struct decide_input *input;
	const struct decision *decision;
	size_t trace_bytes;
	void (*given_back)(void *ctx); /* on the loop, later */
	void *ctx;
};
/* false: it is not decided along; nothing is kept, given_back() is not called. */
bool shadow_decide(struct shadow *shadow, const struct shadow_case *along);

void shadow_write_text(const struct shadow *shadow, struct buf *out);
void shadow_write_json(const struct shadow *shadow, struct buf *out); /* an object */

#endif
