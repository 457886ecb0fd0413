/*
 * What people do to an incident: acknowledge, resolve, hand on ("not ours"), comment, and say
 * whether the page was worth it. Each act is a line of the incident's story with who and from
 * where, and reaches the recipients that can show it. The same act twice is one act. Owns nothing.
 * Loop thread only.
 */
#include <stdlib.h>
#include <string.h>

#include "copies-internal.h"
#include "incident-internal.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

/* "ann by link: the disk is full". */
static const char *act_words(const struct act *act, const char *did, struct arena *arena)
{
	bool said = act->text && *act->text;

	return arena_printf(arena, "%s by %s%s%s", did, act->who, said ? ": " : "",
			    said ? act->text : "");
}

static void act_story(struct incident_book *book, enum incident_event event, const struct act *act,
		      struct arena *arena)
{
	bool said = act->text && *act->text;

	incident_book_story(book, act->incident, event, act->who,
			    said ? arena_printf(arena, "%s: %s", act->via, act->text) : act->via);
}

/* It was so before. The answer waits for the disk all the same: where the store missed the first
 * time, all of it is written again. */
static enum act_outcome act_again(struct incident *incident, enum incident_event event,
				  const struct act *act, struct arena *arena)
{
	if (incident->missed)
		act_story(incident->book, event, act, arena);
	incident_put(incident);
	return ACT_ALREADY;
}

/* ---- acknowledge ---- */

bool incident_page_wanted(void *ctx, const struct stored_page *page)
{
	const struct incident_book *book = ctx;
	const struct incident *incident = incident_get(book, page->incident);
	const struct recipient *recipient =
		incident ? recipient_find_n(incident, page->pager, page->n) : NULL;

	if (!recipient)
		return true;
	if (recipient->state == RECIPIENT_ASKED)
		return !incident_is_acked(incident) && !incident->silenced;
	/* It was handed on before its trigger left: nothing of it leaves. */
	if (recipient->state == RECIPIENT_ENDING && !incident_is_over(incident))
		return page->event != PAGE_TRIGGER || page->attempts || recipient->tried;
	/* What a pager gets first rings, an update too. */
	return recipient->state != RECIPIENT_SPARED && recipient->state != RECIPIENT_TOLD;
}

static enum act_outcome incident_acknowledge(struct incident *incident, const struct act *act,
					     struct arena *arena, struct buf *words)
{
	bool again = incident_is_acked(incident);

	if (again && strcmp(incident->acked_by, act->who) == 0) {
		buf_printf(words, "%s has it already", act->who);
		return act_again(incident, INCIDENT_EVENT_ACKNOWLEDGED, act, arena);
	}
	act_story(incident->book, INCIDENT_EVENT_ACKNOWLEDGED, act, arena);
	if (again) {
		incident_touch(incident);
		buf_printf(words, "noted; %s has it already", incident->acked_by);
		return ACT_ALREADY;
	}
	incident_set_text(&incident->acked_by, act->who);
	if (incident->state == INCIDENT_HOLDING) {
		incident->before = INCIDENT_ACKNOWLEDGED;
		incident->left_us = incident->book->env.options.ack_timeout_us;
		incident_touch(incident);
		buf_puts(words, "acknowledged; its alerts have ended, it resolves by itself");
	} else {
		incident_enter(incident, INCIDENT_ACKNOWLEDGED);
		buf_puts(words, "acknowledged; nobody further is paged");
	}
	recipients_tell_ack(incident, act_words(act, "acknowledged", arena));
	incident->told_us = incident_wall_us(incident);
	incident_count(incident, METRIC_INCIDENTS_ACKNOWLEDGED);
	log_info("incident acknowledged", LOG_INCIDENT(incident), LOG_STR("who", act->who),
		 LOG_STR("via", act->via));
	return ACT_DONE;
}

/* ---- resolve ---- */

/* What still fires opens nothing until it has ended once, or repage_after is over. */
static void members_hush(struct incident *incident)
{
	struct incident_book *book = incident->book;
	int64_t until_us = incident_wall_us(incident) + book->env.options.repage_after_us;
	struct member *member;

	TAILQ_FOREACH (member, &incident->members, link)
		if (member->fires)
			book->ops.hush(book->ops.ctx, member->key, until_us);
}

static enum act_outcome incident_resolve_by(struct incident *incident, const struct act *act,
					    struct arena *arena, struct buf *words)
{
	size_t firing = incident->nfiring;

	members_hush(incident);
	recipients_tell_why(incident, act_words(act, "resolved", arena));
	incident_resolve(incident, act->who, act_words(act, "resolved", arena));
	buf_puts(words, "resolved");
	if (firing) {
		char hushed[32];
		copies_age_text(incident->book->env.options.repage_after_us, hushed,
				sizeof(hushed));
		buf_puts(words, "; ");
		buf_count(words, firing, "alert still fires and pages nobody until it has",
			  "alerts still fire and page nobody until they have");
		buf_printf(words, " ended once, or for %s", hushed);
	}
	return ACT_DONE;
}

/* ---- not ours ---- */

bool incident_team_refused(const struct incident *incident, const char *team)
{
	size_t len = strlen(team);

	for (const char *line = incident->refused; *line; line += strcspn(line, "\n") + 1)
		if (strcspn(line, "\n") == len && memcmp(line, team, len) == 0)
			return true;
	return false;
}

static bool team_is_next(const struct incident *incident, const struct team *team)
{
	return team && strcmp(team->name, incident->team) != 0 &&
	       !incident_team_refused(incident, team->name);
}

/* The owner of the next runner-up, else of the signal, else the fallback team; never one that
 * refused. NULL: none is left. */
static const struct team *incident_next_team(struct incident *incident, struct arena *arena)
{
	const struct ruleset *rules = incident->book->rules;
	const char *line = incident_page(incident)->next_owners;

	while (line && *line) {
		size_t len = strcspn(line, "\t\n");
		const struct team *team = rules_team(rules, arena_strndup(arena, line, len));
		if (team_is_next(incident, team))
			return team;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return team_is_next(incident, rules_fallback(rules)) ? rules_fallback(rules) : NULL;
}

const char *incident_next_team_name(struct incident *incident, struct arena *arena)
{
	const struct team *team = incident_next_team(incident, arena);

	return team ? team->name : NULL;
}

/* The team that it goes to; NULL: none, and words say why. */
static const struct team *reroute_target(struct incident *incident, const struct act *act,
					 struct arena *arena, struct buf *words)
{
	const struct team *team;

	if (!act->team || !*act->team) {
		team = incident_next_team(incident, arena);
		if (!team)
			buf_printf(words,
				   "team %s is the last one: no runner-up's owner, signal's "
				   "owner or fallback team is left; name a team",
				   incident->team);
		return team;
	}
	team = rules_team(incident->book->rules, act->team);
	if (!team)
		buf_printf(words, "the rules have no team \"%s\"", act->team);
	else if (strcmp(team->name, incident->team) == 0)
		buf_printf(words, "team %s has it", team->name);
	else if (incident_team_refused(incident, team->name))
		buf_printf(words, "team %s has said that it is not theirs", team->name);
	else
		return team;
	return NULL;
}

/* The new team's pages begin at its first step; where all alerts have ended, when they fire. */
static void incident_give(struct incident *incident, const struct team *team, const char *note)
{
	CLEANUP_FREE char *refused = xasprintf("%s%s\n", incident->refused, incident->team);

	if (strlen(refused) < LIMIT_REFUSED_BYTES)
		incident_set_text(&incident->refused, refused);
	incident->team = incidents_book_text(incident->book, team->name);
	recipients_tell_why(incident, note);
	recipients_end_team(incident, note);
	incident->escalation = incidents_book_text(incident->book, team->escalation->name);
	incident_set_text(&incident->acked_by, "");
	incident->run = 0;
	incident->step = 0;
	incident_put(incident);
	incident_check_silences(incident);
	if (incident->state == INCIDENT_HOLDING) {
		incident->before = INCIDENT_OPEN;
		incident->step = STEP_OWED;
	} else {
		incident_begin_run(incident, note);
	}
}

static enum act_outcome incident_reroute(struct incident *incident, const struct act *act,
					 struct arena *arena, struct buf *words)
{
	bool said = act->text && *act->text, named = act->team && *act->team;

	/* The store missed it, and who was told so asks again. */
	if (incident->missed && incident->rerouted_by &&
	    strcmp(incident->rerouted_by, act->who) == 0 &&
	    (!named || strcmp(act->team, incident->team) == 0)) {
		buf_printf(words, "handed on to team %s", incident->team);
		return act_again(incident, INCIDENT_EVENT_REROUTED, act, arena);
	}
	if (!named && !act->pager && incident->rerouted_by &&
	    incident_mono_us(incident) - incident->rerouted_us < LIMIT_REROUTE_PAUSE_US) {
		buf_printf(words,
			   "%s has handed it on to team %s a moment ago; name a team to hand "
			   "it on from there",
			   incident->rerouted_by, incident->team);
		return ACT_REFUSED;
	}
	const struct team *team = reroute_target(incident, act, arena, words);
	if (!team)
		return ACT_REFUSED;
	incident_story(incident, INCIDENT_EVENT_REROUTED, act->who,
		       arena_printf(arena, "%s -> %s: %s", incident->team, team->name,
				    said ? act->text : act->via));
	const char *note = arena_printf(arena,
					"team %s says that it is not theirs (%s%s%s); team "
					"%s is paged now",
					incident->team, act->who, said ? ": " : "",
					said ? act->text : "", team->name);
	incident_count(incident, METRIC_INCIDENTS_REROUTED);
	if (!incident->synthetic)
		metric_add_labelled(METRIC_REROUTED_SPAN, incident_page(incident)->kind, 1);
	log_info("incident handed on", LOG_INCIDENT(incident), LOG_STR("from", incident->team),
		 LOG_STR("to", team->name), LOG_STR("who", act->who),
		 LOG_STR("reason", said ? act->text : ""));
	incident_set_text(&incident->rerouted_by, act->who);
	incident->rerouted_us = incident_mono_us(incident);
	incident_give(incident, team, note);
	buf_printf(words, "handed on to team %s", team->name);
	return ACT_DONE;
}

/* ---- words ---- */

static bool incident_tells_comment(struct incident *incident)
{
	int64_t now_us = incident_mono_us(incident);

	if (!incident->ncomments || now_us - incident->comments_us >= US_PER_MINUTE) {
		incident->comments_us = now_us;
		incident->ncomments = 0;
	}
	if (incident->ncomments == LIMIT_COMMENTS_TOLD)
		return false;
	incident->ncomments++;
	return true;
}

static enum act_outcome incident_comment(struct incident *incident, const struct act *act,
					 struct arena *arena, struct buf *words)
{
	if (!act->text || !*act->text) {
		buf_puts(words, "a comment needs a text");
		return ACT_REFUSED;
	}
	act_story(incident->book, INCIDENT_EVENT_COMMENTED, act, arena);
	if (!incident_tells_comment(incident)) {
		buf_puts(words, "noted; it is not told: there were many comments in this minute");
		return ACT_DONE;
	}
	incident_notice(incident, arena_printf(arena, "%s: %s", act->who, act->text));
	buf_puts(words, "noted, and told to all that have the page");
	return ACT_DONE;
}

static enum act_outcome incident_judge(struct incident *incident, const struct act *act,
				       struct arena *arena, struct buf *words)
{
	bool useful = act->kind == ACT_USEFUL, again = incident->judged == (int)act->kind;

	buf_puts(words, again ? "it has been said" : "noted");
	if (again)
		return act_again(incident, useful ? INCIDENT_EVENT_USEFUL : INCIDENT_EVENT_NOISE,
				 act, arena);
	incident->judged = (int)act->kind;
	incident_touch(incident); /* tells whether the store has it */
	act_story(incident->book, useful ? INCIDENT_EVENT_USEFUL : INCIDENT_EVENT_NOISE, act,
		  arena);
	incident_count(incident, useful ? METRIC_INCIDENTS_USEFUL : METRIC_INCIDENTS_NOISE);
	return ACT_DONE;
}

/* ---- the whole ---- */

/* It is over: the act is a line of its story, and changes nothing. */
static void act_note(struct incident_book *book, const struct act *act, struct arena *arena)
{
	static const enum incident_event events[ACT_KIND_COUNT] = {
		[ACT_ACKNOWLEDGE] = INCIDENT_EVENT_ACKNOWLEDGED,
		[ACT_RESOLVE] = INCIDENT_EVENT_COMMENTED,
		[ACT_REROUTE] = INCIDENT_EVENT_COMMENTED,
		[ACT_COMMENT] = INCIDENT_EVENT_COMMENTED,
		[ACT_SILENCE] = INCIDENT_EVENT_COMMENTED,
		[ACT_USEFUL] = INCIDENT_EVENT_USEFUL,
		[ACT_NOISE] = INCIDENT_EVENT_NOISE,
	};

	act_story(book, events[act->kind], act, arena);
}

void incident_note(struct incident_book *book, const struct act *act)
{
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);

	act_note(book, act, arena);
	arena_free(arena);
}

/* Its recipients are being told of the end. */
static enum act_outcome incident_act_late(struct incident *incident, const struct act *act,
					  struct arena *arena, struct buf *words)
{
	if (act->kind == ACT_RESOLVE) {
		buf_puts(words, "it is over already");
		incident_put(incident);
		return ACT_ALREADY;
	}
	act_note(incident->book, act, arena);
	buf_puts(words, *incident->moved_to ? "noted; this incident has moved to another one"
					    : "noted; this incident is over");
	return ACT_OVER;
}

/* Is it one of the pagers that the entry makes for teams: "ENTRY:TEAM"? */
static bool recipient_is_of_entry(const struct recipient *recipient, const char *entry)
{
	const size_t len = strlen(entry);

	return strncmp(recipient->pager, entry, len) == 0 && recipient->pager[len] == ':';
}

static bool recipient_is_over(const struct recipient *recipient)
{
	return recipient->state == RECIPIENT_TOLD || recipient->state == RECIPIENT_ENDING;
}

/* The recipient through whose page an act comes; NULL: none. A pager by team tells of the pages of
 * all its teams: the number of the page says whose it is. Without the number, one team is certain;
 * of several, any that has the page still may acknowledge. */
static const struct recipient *act_recipient(const struct incident *incident, const struct act *act,
					     bool *ret_unclear)
{
	const struct recipient *found = recipient_find(incident, act->pager), *recipient;

	*ret_unclear = false;
	if (found)
		return found;
	STAILQ_FOREACH (recipient, &incident->recipients, link) {
		if (!recipient_is_of_entry(recipient, act->pager))
			continue;
		if (act->n && recipient->n == act->n)
			return recipient_find(incident, recipient->pager);
		if (act->n)
			continue;
		*ret_unclear |= found && found->pager != recipient->pager;
		if (!found || recipient_is_over(found) || !recipient_is_over(recipient))
			found = recipient;
	}
	*ret_unclear &= act->kind != ACT_ACKNOWLEDGE;
	return found;
}

/* A pager says nothing about an incident of which it never had a page. */
static bool act_had_page(const struct incident *incident, const struct act *act, struct buf *words)
{
	bool unclear;

	if (!act->pager || act_recipient(incident, act, &unclear))
		return true;
	buf_printf(words, "pager %s never had a page of this incident, which team %s has",
		   act->pager, incident->team);
	return false;
}

/* What comes through a page counts while that pager has the page: not from a team that has handed
 * the incident on, nor from a pager that never had it. */
bool act_has_page(const struct incident *incident, const struct act *act, struct buf *words)
{
	bool unclear;

	if (!act_had_page(incident, act, words))
		return false;
	if (!act->pager || act->kind == ACT_COMMENT)
		return true;
	const struct recipient *recipient = act_recipient(incident, act, &unclear);
	if (unclear) {
		buf_printf(words,
			   "pager %s has paged several teams about this incident, and does not "
			   "tell whose page this is about; do it in tracepager",
			   act->pager);
		return false;
	}
	if (!recipient_is_over(recipient))
		return true;
	buf_printf(words, "the page to %s is over: team %s has this incident now", act->pager,
		   incident->team);
	return false;
}

enum act_outcome incident_act(struct incident_book *book, const struct act *act, struct buf *words)
{
	/* What changes an open incident. A silence is made by the book of silences. */
	static enum act_outcome (*const acts[ACT_KIND_COUNT])(struct incident *, const struct act *,
							      struct arena *, struct buf *) = {
		[ACT_ACKNOWLEDGE] = incident_acknowledge,
		[ACT_RESOLVE] = incident_resolve_by,
		[ACT_REROUTE] = incident_reroute,
		[ACT_COMMENT] = incident_comment,
	};
	struct incident *incident = incident_get(book, act->incident);
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	enum act_outcome outcome = ACT_DONE;

	if (!incident) {
		buf_puts(words, "there is no such open incident");
		outcome = ACT_UNKNOWN;
	} else if (!act_had_page(incident, act, words)) {
		outcome = ACT_REFUSED;
	} else if (act->kind == ACT_USEFUL || act->kind == ACT_NOISE) {
		outcome = incident_judge(incident, act, arena, words);
	} else if (incident_is_over(incident)) {
		outcome = incident_act_late(incident, act, arena, words);
	} else if (!act_has_page(incident, act, words)) {
		outcome = ACT_REFUSED;
	} else {
		incident_end_gather(incident);
		outcome = acts[act->kind](incident, act, arena, words);
	}
	arena_free(arena);
	return outcome;
}
