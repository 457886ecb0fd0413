/*
 * Silences that people make while the relay runs, compiled, and sets of them. A set looks only at
 * silences that the alert's own labels lead to, or that no exact matcher keeps from it, those that
 * end last first. See silence.h.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "engine-internal.h"
#include "tracepager/silence.h"

struct made_silence {
	atomic_uint refs;
	struct arena *arena;
	struct silence silence;
	struct silence_spec spec;
	struct rule_matchers matchers;
};

struct silence_set {
	atomic_uint refs;
	struct made_silence **silences; /* the one that ends last first */
	size_t n;
	struct picks picks;
	struct map *by_id;
};

/* ---- one silence ---- */

static const char *spec_text(struct arena *arena, const char *text)
{
	return arena_strdup(arena, text ? text : "");
}

static int silence_compile(struct made_silence *silence, struct err *err)
{
	const struct silence_spec *spec = &silence->spec;

	for (size_t i = 0; i < spec->nmatchers; i++)
		if (matchers_parse(silence->arena, spec->matchers[i], &silence->matchers, err) <
		    0) {
			err_prefix(err, "matcher %s", spec->matchers[i]);
			return -EINVAL;
		}
	if (!glob_is_valid(spec->suspect))
		return err_set(err, EINVAL,
			       "suspect \"%s\" is no glob: a [ is not closed, or a \\ ends it",
			       spec->suspect);
	return 0;
}

int made_silence_new(const struct silence_spec *spec, struct made_silence **ret_silence,
		     struct err *err)
{
	struct made_silence *silence = xcalloc(1, sizeof(*silence));
	struct arena *arena = silence->arena = arena_new(LIMIT_SILENCE_ARENA_BYTES);
	struct silence_spec *own = &silence->spec;

	atomic_init(&silence->refs, 1);
	*own = *spec;
	own->id = spec_text(arena, spec->id);
	for (size_t i = 0; i < spec->nmatchers; i++)
		own->matchers[i] = spec_text(arena, spec->matchers[i]);
	own->suspect = spec_text(arena, spec->suspect);
	own->team = spec_text(arena, spec->team);
	own->author = spec_text(arena, spec->author);
	own->reason = spec_text(arena, spec->reason);
	own->ended_by = spec_text(arena, spec->ended_by);
	silence->silence = (struct silence){
		.starts_us = silence_spec_start_us(own),
		.ends_us = own->ends_us,
		.reason = own->reason,
		.author = own->author,
		.place = arena_printf(arena, "silence %s", own->id),
	};
	if (silence_compile(silence, err) < 0) {
		made_silence_unref(silence);
		return -EINVAL;
	}
	*ret_silence = silence;
	return 0;
}

struct made_silence *made_silence_ref(struct made_silence *silence)
{
	atomic_fetch_add(&silence->refs, 1);
	return silence;
}

void made_silence_unref(struct made_silence *silence)
{
	if (!silence || atomic_fetch_sub(&silence->refs, 1) > 1)
		return;
	matchers_fini(&silence->matchers);
	arena_free(silence->arena);
	free(silence);
}

const struct silence_spec *made_silence_spec(const struct made_silence *silence)
{
	return &silence->spec;
}

const struct silence *made_silence_silence(const struct made_silence *silence)
{
	return &silence->silence;
}

/* Is there a condition that some alert does not fulfil just by lacking a label? */
static bool silence_is_narrow(const struct made_silence *silence)
{
	if (*silence->spec.team || glob_literals(silence->spec.suspect))
		return true;
	for (size_t i = 0; i < silence->matchers.n; i++)
		if (!matcher_holds(&silence->matchers.at[i], ""))
			return true;
	return false;
}

static bool silence_is_blank(const char *text)
{
	return !text[strspn(text, " ")];
}

int made_silence_check(const struct made_silence *silence, int64_t now_us, struct err *err)
{
	const struct silence_spec *spec = &silence->spec;

	if (!spec->all && !silence_is_narrow(silence))
		return err_set(
			err, EINVAL,
			"this would silence every alert: give a matcher that an alert without "
			"the label does not fulfil, a suspect or a team; if every alert is "
			"meant, say \"all\": true");
	if (silence_is_blank(spec->reason))
		return err_set(err, EINVAL, "a silence needs a reason, which its decisions quote");
	if (silence_is_blank(spec->author))
		return err_set(err, EINVAL, "a silence needs an author, who is asked about it");
	if (!spec->ends_us)
		return err_set(err, EINVAL, "a silence needs an end: give ends_at or duration_s");
	if (spec->ends_us <= spec->starts_us)
		return err_set(err, EINVAL, "the silence ends before it starts");
	if (spec->ends_us <= now_us)
		return err_set(err, EINVAL, "the silence would be over already");
	if (spec->ends_us - now_us > LIMIT_SILENCE_AHEAD_US)
		return err_set(err, EINVAL,
			       "the end lies more than %d days ahead: silence it for less, or for "
			       "good by a route with \"page: none\" in the rules",
			       (int)(LIMIT_SILENCE_AHEAD_US / US_PER_DAY));
	return 0;
}

static bool silence_holds(const struct made_silence *silence, const struct silence_subject *subject,
			  int64_t wall_us)
{
	const struct silence_spec *spec = &silence->spec;
	bool has_suspect = subject->suspect && *subject->suspect;

	return wall_us >= silence->silence.starts_us && wall_us < spec->ends_us &&
	       (!*spec->team || (subject->team && strcmp(spec->team, subject->team) == 0)) &&
	       (!*spec->suspect || (has_suspect && glob_match(spec->suspect, subject->suspect))) &&
	       matchers_match(&silence->matchers, subject->labels);
}

/* ---- sets ---- */

static int by_end(const void *a, const void *b)
{
	const struct silence_spec *one = &(*(struct made_silence *const *)a)->spec,
				  *other = &(*(struct made_silence *const *)b)->spec;

	if (one->ends_us != other->ends_us)
		return one->ends_us > other->ends_us ? -1 : 1;
	return strcmp(one->id, other->id);
}

static void offer_silence(const void *ctx, size_t i, struct pick_sink *sink)
{
	const struct silence_set *set = ctx;

	matchers_offer(&set->silences[i]->matchers, sink);
}

struct silence_set *silence_set_new(struct made_silence *const *silences, size_t n)
{
	struct silence_set *set = xcalloc(1, sizeof(*set));

	atomic_init(&set->refs, 1);
	set->silences = xcalloc(n + 1, sizeof(*set->silences));
	set->n = n;
	set->by_id = map_new();
	for (size_t i = 0; i < n; i++) {
		set->silences[i] = made_silence_ref(silences[i]);
		map_put(set->by_id, silences[i]->spec.id, silences[i]);
	}
	qsort(set->silences, n, sizeof(*set->silences), by_end);
	picks_build(&set->picks, n, offer_silence, set);
	return set;
}

struct silence_set *silence_set_ref(struct silence_set *set)
{
	if (set)
		atomic_fetch_add(&set->refs, 1);
	return set;
}

void silence_set_unref(struct silence_set *set)
{
	if (!set || atomic_fetch_sub(&set->refs, 1) > 1)
		return;
	picks_fini(&set->picks);
	for (size_t i = 0; i < set->n; i++)
		made_silence_unref(set->silences[i]);
	map_free(set->by_id);
	free(set->silences);
	free(set);
}

const struct made_silence *silence_set_find(const struct silence_set *set,
					    const struct silence_subject *subject, int64_t wall_us)
{
	struct pick_walk walk;
	size_t i;

	if (!set || !set->n)
		return NULL;
	pick_walk_init(&walk, &set->picks);
	pick_walk_labels(&walk, subject->labels);
	while ((i = pick_walk_next(&walk)) != SIZE_MAX)
		if (silence_holds(set->silences[i], subject, wall_us))
			return set->silences[i];
	return NULL;
}

const struct made_silence *silence_set_get(const struct silence_set *set, const char *id)
{
	return set ? map_get(set->by_id, id) : NULL;
}

int64_t silence_set_next_us(const struct silence_set *set, int64_t wall_us)
{
	int64_t next_us = 0;

	for (size_t i = 0; set && i < set->n; i++) {
		const struct silence *silence = &set->silences[i]->silence;
		const int64_t times[] = { silence->starts_us, silence->ends_us };
		for (size_t k = 0; k < ARRAY_LEN(times); k++)
			if (times[k] > wall_us && (!next_us || times[k] < next_us))
				next_us = times[k];
	}
	return next_us;
}
