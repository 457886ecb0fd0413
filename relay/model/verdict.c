/*
 * Verdict: the tools that both ways of voting share (vote-internal.h): reasons, runners-up, and the
 * sentences that are the same in both. Decides nothing.
 */
#include <stdarg.h>
#include <string.h>

#include "tracepager/limits.h"
#include "vote-internal.h"
#include "walk-internal.h"

_Static_assert(sizeof(((struct verdict *)0)->reasons) / sizeof(const char *) == LIMIT_REASONS,
	       "room for all reasons");
_Static_assert(sizeof(((struct verdict *)0)->runners_up) / sizeof(struct runner_up) ==
		       LIMIT_RUNNERS_UP,
	       "room for all runners-up");

void verdict_tell(struct arena *arena, struct verdict *verdict, const char *format, ...)
{
	va_list args;

	if (verdict->nreasons == LIMIT_REASONS)
		return;
	va_start(args, format);
	verdict->reasons[verdict->nreasons++] = arena_vprintf(arena, format, args);
	va_end(args);
}

void verdict_tell_first(struct arena *arena, struct verdict *verdict, const char *format, ...)
{
	va_list args;
	unsigned int moved =
		verdict->nreasons < LIMIT_REASONS ? verdict->nreasons++ : LIMIT_REASONS - 1;

	memmove(verdict->reasons + 1, verdict->reasons, moved * sizeof(*verdict->reasons));
	va_start(args, format);
	verdict->reasons[0] = arena_vprintf(arena, format, args);
	va_end(args);
}

bool verdict_add_runner_up(struct verdict *verdict, const char *service, const char *callee,
			   unsigned int agree)
{
	if (verdict->nrunners_up == LIMIT_RUNNERS_UP)
		return false;
	verdict->runners_up[verdict->nrunners_up++] = (struct runner_up){
		.service = service,
		.callee = callee,
		.agree = agree,
	};
	return true;
}

void verdict_abstain(struct verdict *verdict, enum fallback_code code, const char *text)
{
	verdict->found = false;
	verdict->fallback = code;
	verdict->fallback_text = text;
}

void verdict_abstain_unsure(struct arena *arena, struct verdict *verdict, const char *best,
			    double threshold)
{
	verdict_abstain(verdict, FALLBACK_LOW_CONFIDENCE,
			arena_printf(arena,
				     "%s is the best candidate, but a confidence of %.2f is below "
				     "%.2f",
				     best, verdict->confidence, threshold));
}

void verdict_cap(struct arena *arena, enum verdict_limit_id id, double threshold,
		 struct verdict *verdict)
{
	verdict_limits_add(&verdict->limits, id, NULL);
	verdict->confidence = verdict_limits_cap(&verdict->limits, verdict->confidence);
	if (verdict->found && verdict->confidence < threshold)
		verdict_abstain_unsure(arena, verdict, shown_text(arena, verdict->suspect.service),
				       threshold);
}

const char *verdict_healthy_words(struct arena *arena, uint32_t showing, uint32_t of)
{
	if (showing == 0)
		return arena_printf(arena, "; no such error in %u healthy trace%s", of,
				    plural_ending(of));
	return arena_printf(arena, "; %u of %u healthy traces %s it as well", showing, of,
			    showing == 1 ? "shows" : "show");
}

const char *plural_ending(uint32_t n)
{
	return n == 1 ? "" : "s";
}
