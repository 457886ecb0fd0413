/*
 * Trail: which rules a look-up tried, and why they did not match. Keeps all that matched, and of
 * the others the LIMIT_RULES_MISSED nearest: the more of a rule's conditions held, the nearer.
 * Lists and texts are kept by the arena of the trail.
 */
#include "engine-internal.h"
#include "tracepager/plain.h"

void rule_trail_init(struct rule_trail *trail, struct arena *arena, bool all)
{
	*trail = (struct rule_trail){ .arena = arena, .all = all };
}

const char *rule_sort_name(enum rule_sort sort)
{
	static const char *const names[] = {
		[RULE_SIGNAL] = "signal",
		[RULE_SERVICE] = "service",
		[RULE_SILENCE] = "silence",
		[RULE_ROUTE] = "route",
	};

	return names[sort];
}

static struct rule_try *trail_grow(struct rule_trail *trail, struct rule_try *list, size_t n,
				   size_t *size)
{
	if (n < *size)
		return list;
	*size = *size ? 2 * *size : LIMIT_RULES_MISSED;
	struct rule_try *larger = arena_array(trail->arena, *size, sizeof(*larger));
	if (n)
		memcpy(larger, list, n * sizeof(*larger));
	return larger;
}

void rule_trail_match(struct rule_trail *trail, enum rule_sort sort, const char *name,
		      const char *place, const char *reason)
{
	if (!trail)
		return;
	trail->ntried++;
	trail->matched = trail_grow(trail, trail->matched, trail->nmatched, &trail->matched_size);
	trail->matched[trail->nmatched++] = (struct rule_try){
		.sort = sort, .name = name, .place = place, .reason = reason, .held = 1000
	};
}

static unsigned int miss_thousandths(const struct rule_miss *miss)
{
	return miss->of ? miss->held * 1000 / miss->of : 0;
}

bool trail_keeps(const struct rule_trail *trail, const struct rule_miss *miss)
{
	if (trail->all || trail->nmissed < LIMIT_RULES_MISSED)
		return true;
	/* miss_thousandths() above that of the farthest, without its division: this is asked of
	 * every route that an index leads to. */
	return miss->of &&
	       miss->held * 1000 >= (trail->missed[trail->nmissed - 1].held + 1) * miss->of;
}

bool trail_tried(struct rule_trail *trail, const struct rule_miss *miss)
{
	if (!trail)
		return false;
	trail->ntried++;
	return trail_keeps(trail, miss);
}

void trail_missed(struct rule_trail *trail, enum rule_sort sort, const char *name,
		  const char *place, const struct rule_miss *miss, const char *reason)
{
	const struct rule_try new = { .sort = sort,
				      .name = name,
				      .place = place,
				      .reason = reason,
				      .held = miss_thousandths(miss) };

	trail->missed = trail_grow(trail, trail->missed, trail->nmissed, &trail->missed_size);
	if (!trail->all && trail->nmissed == LIMIT_RULES_MISSED)
		trail->nmissed--; /* drop the farthest: trail_tried() said that the new one is
				     nearer */
	size_t at = trail->nmissed++;
	for (; !trail->all && at > 0 && trail->missed[at - 1].held < new.held; at--)
		trail->missed[at] = trail->missed[at - 1];
	trail->missed[at] = new;
}

const char *trail_reason(struct arena *arena, const char *name, const char *value,
			 const char *const *wanted, size_t n)
{
	struct buf out = BUF_INIT((LIMIT_REASON_GLOBS + 2) * 8 * LIMIT_SHOWN_BYTES);

	plain_add(&out, name, LIMIT_SHOWN_BYTES);
	buf_puts(&out, value && *value ? " is " : " is empty");
	plain_add(&out, value, LIMIT_SHOWN_BYTES);
	for (size_t i = 0; i < n && i < LIMIT_REASON_GLOBS; i++) {
		buf_puts(&out, i ? " or " : ", not ");
		if (*wanted[i])
			plain_add(&out, wanted[i], LIMIT_SHOWN_BYTES);
		else
			buf_puts(&out, "empty");
	}
	if (n > LIMIT_REASON_GLOBS)
		buf_puts(&out, " …");
	const char *text = arena_strdup(arena, buf_text(&out));
	buf_fini(&out);
	return text;
}
