/*
 * Shadow: a second set of rules that decides every alert again and pages nobody, so that it can be
 * watched before it counts. Differences are counted, logged at most once a minute for each kind,
 * and the newest LIMIT_SHADOW_KEPT are kept in memory.
 *
 * Decisions are made in the pool, one at a time, after the page has left; nothing waits for them.
 * Refuses to fetch: the shadow rules see the traces that the rules in force had fetched. Owns
 * copies of alerts and a reference of the rules; traces are borrowed until given_back(). Loop
 * thread only.
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

/* Both are borrowed. */
struct shadow *shadow_new(const struct clock *clock, struct pool *pool);
/* No decision may be running in the pool. Calls given_back() of all that wait. Takes NULL. */
void shadow_free(struct shadow *shadow);

/* Takes a reference of its own. NULL: there are no shadow rules; nothing is decided. */
void shadow_set_rules(struct shadow *shadow, struct ruleset *rules);
/* The given names of span attributes, and those that the shadow rules name. Kept by the arena. */
const char *const *shadow_attr_names(const struct shadow *shadow, struct arena *arena,
				     const char *const *names, size_t n, size_t *ret_n);

/* A decision of the rules in force. What the input points to is borrowed until given_back(), but
 * for its alert, which is read from the document. The decision is borrowed during the call. */
struct shadow_case {
	const char *key; /* names the alert; copied */
	const char *doc; /* of alert_write(); copied */
	size_t doc_len;
	const struct decide_input *input;
	const struct decision *decision;
	size_t trace_bytes;
	void (*given_back)(void *ctx); /* called once, on the loop, after shadow_decide() */
	void *ctx;
};
/* There are shadow rules: else nothing is decided along. */
bool shadow_wants(const struct shadow *shadow);
/* Queue a decision. false: it is left out; nothing is kept, and given_back() is not called. */
bool shadow_decide(struct shadow *shadow, const struct shadow_case *decided);

/* Append counts and the latest differences. */
void shadow_write_text(const struct shadow *shadow, struct buf *out);
void shadow_write_json(const struct shadow *shadow, struct buf *out); /* an object */

#endif
