/*
 * Silenced incidents: while silences hold every alert of an incident that fires, no step and no
 * update leave, and its clock stands still. Each alert that is held is counted; the incident is
 * silenced when the count is that of all that fire. When silences change, begin or end, all
 * incidents are compared with them again, in slices. Owns nothing. Loop thread only.
 */
#include <stdlib.h>
#include <string.h>

#include "incident-internal.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

/* What holds an alert. */
struct held_by {
	const struct silence *silence;
	const char *id; /* or the place in the rules */
	bool tells;
};

/* Of several silences the one that ends last. false: none holds it. */
static bool member_is_held(const struct incident *incident, const struct member *member,
			   struct held_by *ret_by)
{
	const struct incident_book *book = incident->book;
	const struct alert *alert = book->ops.alert(book->ops.ctx, member->key);
	int64_t now_us = incident_wall_us(incident);

	if (!alert || incident->synthetic == SYNTHETIC_SELF)
		return false;
	const struct silence_subject subject = {
		.labels = &alert->labels,
		.suspect = incident->suspect,
		.team = incident->team,
	};
	const struct silence *rules = rules_silence(book->rules, alert, now_us, NULL);
	const struct made_silence *made = silence_set_find(book->silences, &subject, now_us);
	if (made && (!rules || made_silence_silence(made)->ends_us > rules->ends_us))
		*ret_by = (struct held_by){ made_silence_silence(made), made_silence_spec(made)->id,
					    made_silence_spec(made)->tell };
	else if (rules)
		*ret_by = (struct held_by){ rules, rules->place, false };
	return made || rules;
}

static void member_set_covered(struct incident *incident, struct member *member, bool covered)
{
	if (member->covered == covered)
		return;
	member->covered = covered;
	incident->ncovered += covered ? 1 : (size_t)-1;
}

static void member_judge(struct incident *incident, struct member *member)
{
	struct held_by by;

	member_set_covered(incident, member,
			   member->fires && member_is_held(incident, member, &by));
}

/* ---- begin and end ---- */

static char *held_by_words(const struct held_by *by)
{
	const struct silence *silence = by->silence;
	char ends[RFC3339_SIZE];

	return xasprintf("silenced until %s by %s: %s (%s)", rfc3339_format(silence->ends_us, ends),
			 silence->author, silence->reason, silence->place);
}

/* The deadline stands still; what had not left yet waits. */
static void incident_begin_silence(struct incident *incident)
{
	struct timers *timers = incident->book->env.timers;

	incident_stop_clock(incident);
	timer_disarm(timers, &incident->deadline);
	incident->due_us = 0;
	timer_disarm(timers, &incident->update);
	incident->keeps |= incident->trigger_owed;
	incident->trigger_owed = false;
	incident_drop_text(incident);
}

/* Told once for each silence: an alert that flaps under it tells nothing anew. */
static void incident_tell_begin(struct incident *incident, const struct held_by *by)
{
	bool told = incident->silence_told && strcmp(incident->silence_told, by->id) == 0;

	incident->silence_tells = by->tells;
	if (!by->tells || told)
		return;
	incident_set_text(&incident->silence_told, by->id);
	incident_notice(incident, incident->silenced_words);
}

static void incident_be_silenced(struct incident *incident, const struct held_by *by)
{
	CLEANUP_FREE char *words = held_by_words(by);
	bool fresh = !incident->silenced, restored = incident->silenced && !*incident->silenced;

	incident_set_text(&incident->silenced_words, words);
	if (incident->silenced && strcmp(incident->silenced, by->id) == 0)
		return;
	if (fresh)
		incident_begin_silence(incident);
	incident_set_text(&incident->silenced, by->id);
	if (restored) {
		incident->silence_tells = by->tells;
		incident_set_text(&incident->silence_told, by->id);
		return;
	}
	incident_story(incident, INCIDENT_EVENT_SILENCED, by->id, words);
	log_info("incident silenced", LOG_INCIDENT(incident), LOG_STR("silence", by->id));
	incident_tell_begin(incident, by);
	recipients_count(incident);
	incident_touch(incident);
}

/* What was kept from leaving leaves now. */
static void incident_release_kept(struct incident *incident, const char *note)
{
	if (incident->keeps) {
		incident->keeps = false;
		recipients_ask_kept(incident, note);
	}
	if (incident->state == INCIDENT_OPEN)
		incident->book->on_retry_due(incident);
	if (incident->owes_update)
		incident_owe_update(incident);
}

static void incident_end_silence(struct incident *incident)
{
	CLEANUP_FREE char *id = xstrdup(incident->silenced);
	static const char note[] = "no silence covers it any more, and it still fires";
	bool tells = incident->silence_tells;

	incident_set_text(&incident->silenced, NULL);
	incident_set_text(&incident->silenced_words, NULL);
	incident_set_text(&incident->silence_told, NULL);
	incident->silence_tells = false;
	incident_start_clock(incident);
	incident_story(incident, INCIDENT_EVENT_UNSILENCED, id, "");
	log_info("incident no longer silenced", LOG_INCIDENT(incident), LOG_STR("silence", id));
	incident_release_kept(incident, note);
	if (tells)
		incident_notice(incident, note);
	recipients_count(incident);
	incident_touch(incident);
}

void incident_restore_silence(struct incident *incident)
{
	incident_set_text(&incident->silenced, "");
}

static struct member *incident_first_covered(const struct incident *incident)
{
	struct member *member;

	TAILQ_FOREACH (member, &incident->members, link)
		if (member->covered)
			break;
	return member;
}

static void incident_judge_silence(struct incident *incident)
{
	bool lives = !incident_is_over(incident) && incident->state != INCIDENT_HOLDING;
	struct member *member =
		lives && incident->nfiring && incident->ncovered == incident->nfiring
			? incident_first_covered(incident)
			: NULL;
	struct held_by by;

	if (!lives)
		return;
	if (member && member_is_held(incident, member, &by)) {
		incident_be_silenced(incident, &by);
		return;
	}
	if (incident->silenced)
		incident_end_silence(incident);
	else if (incident->keeps)
		incident_release_kept(incident, NULL);
}

void incident_check_silence(struct incident *incident, struct member *member)
{
	if (member)
		member_judge(incident, member);
	incident_judge_silence(incident);
}

/* ---- all incidents, in slices ---- */

/* The next alert of the incident that is looked at; behind its last one the incident is judged. */
static void book_check_one(struct incident_book *book)
{
	struct incident *incident = book->check_incident;
	struct member *member =
		book->check_member ? book->check_member : TAILQ_FIRST(&incident->members);

	if (member) {
		member_judge(incident, member);
		book->check_member = TAILQ_NEXT(member, link);
		if (book->check_member)
			return;
	}
	book->check_incident = TAILQ_NEXT(incident, in_all);
	incident_judge_silence(incident);
}

static void book_check_some(void *arg)
{
	struct incident_book *book = arg;
	int64_t until_us = clock_mono_us(book->env.clock) + LIMIT_SILENCE_SLICE_US;

	for (size_t n = 0; n < LIMIT_SILENCE_SLICE && book->check_incident; n++) {
		book_check_one(book);
		if (clock_mono_us(book->env.clock) >= until_us)
			break;
	}
	if (!book->check_incident && book->check_again) {
		book->check_again = false;
		book->check_incident = TAILQ_FIRST(&book->all);
	}
	if (book->check_incident)
		slice_add(book->turns, &book->check);
}

static void book_check_all(struct incident_book *book)
{
	if (book->check_incident)
		book->check_again = true;
	else
		book->check_incident = TAILQ_FIRST(&book->all);
	book->check.run = book_check_some;
	book->check.arg = book;
	if (book->check_incident)
		slice_add(book->turns, &book->check);
}

void incidents_book_set_silences(struct incident_book *book, struct silence_set *silences)
{
	silence_set_ref(silences);
	silence_set_unref(book->silences);
	book->silences = silences;
	book_check_all(book);
}

void incident_settle_silence(struct incident *incident)
{
	struct member *member;

	TAILQ_FOREACH (member, &incident->members, link)
		member_judge(incident, member);
	incident_judge_silence(incident);
}

void incident_check_silences(struct incident *incident)
{
	if (incident->nmembers > LIMIT_SILENCE_AT_ONCE)
		book_check_all(incident->book);
	else
		incident_settle_silence(incident);
}
