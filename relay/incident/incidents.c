/*
 * The whole of alerts and incidents: connects the two books, which know each other only by
 * messages; writes down what was decided; heals what a failing store missed; loads what the store
 * holds at a start. The public side is tracepager/incident.h.
 */
#include "tracepager/incident.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts-internal.h"
#include "incident-internal.h"
#include "record-internal.h"
#include "silences-internal.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/plain.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"

/* The names of kept facts that say which pagers are paused begin so. */
#define PAUSED "paused/"

struct incidents {
	struct incident_env env;
	struct turns *turns;
	struct alert_book *alerts;
	struct incident_book *book;
	struct silence_book *silences;
	struct recorder *recorder;
	struct timer heal;    /* the store failed: what it missed is written again */
	struct slice healing; /* some of it in each turn */
};

/* ---- messages ---- */

static void incidents_sight(const struct incidents *incidents, enum incident_sight_kind kind,
			    const struct alert_message *message)
{
	const struct incident_env *env = &incidents->env;
	struct incident_sight sight = {
		.kind = kind,
		.alert_key = message->key,
		.incident = message->incident,
		.decision = enrichment_decision(message->enrichment),
	};

	if (!env->sight)
		return;
	enrichment_sight(message->enrichment, &sight);
	env->sight(env->ctx, &sight);
}

static void incidents_alert_says(void *ctx, const struct alert_message *message)
{
	struct incidents *incidents = ctx;
	const bool synthetic = alert_synthetic(message->alert) != SYNTHETIC_NONE;

	if (synthetic && message->says == ALERT_SAYS_DECIDED)
		incidents_sight(incidents, INCIDENT_SIGHT_DECIDED, message);
	incidents_book_take(incidents->book, message);
	if (synthetic && message->says == ALERT_SAYS_DECIDED)
		incidents_sight(incidents, INCIDENT_SIGHT_TAKEN, message);
	if (message->says != ALERT_SAYS_DECIDED && message->says != ALERT_SAYS_LATE)
		return;
	if (synthetic)
		return; /* a decision of our own alert is none to look back on */
	/* By now the message's incident is the one that the decision led to. */
	const struct record_order order = {
		.alert_key = message->key,
		.incident = message->incident,
		.alert = message->alert,
		.enrichment = message->enrichment,
	};
	record_decision(incidents->recorder, &order);
}

static void incidents_belong(void *ctx, const char *key, const char *id)
{
	struct incidents *incidents = ctx;

	alerts_belong(incidents->alerts, key, id);
}

static void incidents_hush(void *ctx, const char *key, int64_t until_us)
{
	struct incidents *incidents = ctx;

	alerts_hush(incidents->alerts, key, until_us);
}

static const struct alert *incidents_alert(void *ctx, const char *key)
{
	const struct incidents *incidents = ctx;

	return alerts_get(incidents->alerts, key);
}

static void incidents_silences_changed(void *ctx, struct silence_set *set)
{
	struct incidents *incidents = ctx;

	alerts_set_silences(incidents->alerts, set);
	incidents_book_set_silences(incidents->book, set);
}

static void incidents_clock_was_set(void *ctx)
{
	struct incidents *incidents = ctx;

	silences_clock_was_set(incidents->silences);
}

/* ---- a store that fails ---- */

static void incidents_write_failed(void *ctx)
{
	struct incidents *incidents = ctx;

	if (!incidents->heal.slot)
		timer_arm(incidents->env.timers, &incidents->heal,
			  clock_mono_us(incidents->env.clock) + LIMIT_STORE_HEAL_US);
}

static void incidents_heal_some(void *arg)
{
	struct incidents *incidents = arg;
	bool more = incidents_book_heal(incidents->book, LIMIT_HEAL_ROWS);

	more |= alerts_heal(incidents->alerts, LIMIT_HEAL_ROWS);
	silences_heal(incidents->silences);
	if (more)
		slice_add(incidents->turns, &incidents->healing);
}

static void incidents_heal(void *arg)
{
	struct incidents *incidents = arg;

	slice_add(incidents->turns, &incidents->healing);
}

/* ---- acceptance ---- */

enum accept_result incidents_accept(struct incidents *incidents, const struct alert *alert,
				    size_t more)
{
	return alerts_accept(incidents->alerts, alert, more);
}

bool incidents_traced(const struct incidents *incidents, struct span_context *ret_context)
{
	return alerts_traced(incidents->alerts, ret_context);
}

bool incidents_have_room(const struct incidents *incidents)
{
	return alerts_unfinished(incidents->alerts) < LIMIT_ALERTS_WAITING &&
	       alerts_known(incidents->alerts) < LIMIT_ALERTS_KNOWN &&
	       store_waiting(incidents->env.store) < LIMIT_STORE_QUEUE / 2;
}

void incidents_when_durable(struct incidents *incidents, store_done *done, void *ctx)
{
	turns_answer(incidents->turns, done, ctx);
}

/* An alert of our own, which the fallback team gets; it ends by itself. */
static void incidents_alert_of_ours(struct incidents *incidents, const char *name,
				    const char *sender, const char *fingerprint,
				    const char *summary, const char *description)
{
	int64_t now_us = clock_wall_us(incidents->env.clock);
	struct label labels[] = {
		{ "alertname", name },
		{ "sender", sender },
		{ "severity", "error" },
	};
	/* In the order of their names. */
	struct label annotations[] = { { "description", description }, { "summary", summary } };
	char key[LIMIT_ALERT_KEY_BYTES];

	snprintf(key, sizeof(key), "tracepager/%s", fingerprint);
	if (alerts_fires(incidents->alerts, key))
		return;
	struct alert alert = {
		.sender = sender,
		.family = "tracepager",
		.fingerprint = fingerprint,
		.labels = { labels, ARRAY_LEN(labels) },
		.annotations = { description ? annotations : &annotations[1], description ? 2 : 1 },
		.starts_at_us = now_us,
		.ends_at_us = now_us + LIMIT_REFUSED_PAGE_US,
		.generator_url = "",
		.group_key = fingerprint, /* what befalls one sender is told of no other */
		.ends_by_itself = true,
	};
	incidents_accept(incidents, &alert, 0);
}

/* The beginning of a body that came from outside, in one line. */
static void add_beginning(struct buf *out, const char *body, size_t len)
{
	const size_t most = LIMIT_REJECTED_QUOTE_BYTES;
	char text[LIMIT_REJECTED_QUOTE_BYTES + 1];
	const size_t n = utf8_cut(body, len, most);

	memcpy(text, body, n);
	for (size_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = ' ';
	text[n] = '\0';
	plain_add(out, text, most);
	if (n < len)
		buf_puts(out, " \xe2\x80\xa6");
}

void incidents_body_refused(struct incidents *incidents, const struct rejected_body *body)
{
	struct buf description = BUF_INIT(4 * (size_t)LIMIT_REJECTED_QUOTE_BYTES);
	char fingerprint[128], summary[512];

	snprintf(fingerprint, sizeof(fingerprint), "refused-%s", body->sender);
	snprintf(summary, sizeof(summary), "alerts of sender %s are not taken: %s", body->sender,
		 body->reason);
	if (body->body) {
		buf_printf(&description, "\"tracepager rejected\" shows %s body, which begins: ",
			   body->body_len < body->len ? "more of the" : "the whole");
		add_beginning(&description, body->body, body->body_len);
	}
	incidents_alert_of_ours(incidents, "SenderRefused", body->sender, fingerprint, summary,
				body->body ? buf_text(&description) : NULL);
	buf_fini(&description);
}

void incidents_store_damaged(struct incidents *incidents, const char *news)
{
	incidents_alert_of_ours(incidents, "StoreDamaged", "tracepager", "store-damaged", news,
				NULL);
}

/* ---- what people do ---- */

/* It is silenced in this turn: who asked sees it. */
static enum act_outcome incidents_act_silence(struct incidents *incidents, const struct act *act,
					      struct buf *words)
{
	struct incident *incident = incident_get(incidents->book, act->incident);
	char id[SILENCE_ID_SIZE];
	struct err err;

	if (!incident || incident_is_over(incident))
		return incident_act(incidents->book, act, words);
	if (!act_has_page(incident, act, words))
		return ACT_REFUSED;
	if (incident->silenced) {
		buf_printf(words, "it is %s", incident->silenced_words);
		return ACT_ALREADY;
	}
	if (incidents_silence_incident(incidents, act->incident, act->who,
				       act->text ? act->text : "", id, &err) < 0) {
		buf_puts(words, err.text);
		return ACT_REFUSED;
	}
	incident_check_silences(incident);
	buf_printf(words, "silenced for %d h (silence %s)",
		   (int)(LIMIT_SILENCE_BUTTON_US / US_PER_HOUR), id);
	return ACT_DONE;
}

enum act_outcome incidents_act(struct incidents *incidents, const struct act *act,
			       struct buf *words)
{
	if (act->kind == ACT_SILENCE)
		return incidents_act_silence(incidents, act, words);
	return incident_act(incidents->book, act, words);
}

void incidents_note(struct incidents *incidents, const struct act *act)
{
	incident_note(incidents->book, act);
}

void incidents_attach(struct incidents *incidents, const char *incident, const char *who,
		      const char *text, bool put)
{
	incident_book_story(incidents->book, incident,
			    put ? INCIDENT_EVENT_NOTED : INCIDENT_EVENT_NOTE_REMOVED, who, text);
}

struct alert_viewing {
	const struct incident_book *book;
	incident_alert_viewer *viewer;
	void *ctx;
};

/* The alerts know no incidents: adds whose the alert's is. */
static bool incidents_on_alert(void *ctx, const struct incident_alert_view *view)
{
	const struct alert_viewing *viewing = ctx;
	const struct incident *incident =
		*view->incident ? incident_get(viewing->book, view->incident) : NULL;
	struct incident_alert_view told = *view;

	if (synthetic_of_key(view->key) == SYNTHETIC_SELF)
		return true;
	told.team = incident ? incident->team : "";
	return viewing->viewer(viewing->ctx, &told);
}

void incidents_each_alert(const struct incidents *incidents, const char *after,
			  incident_alert_viewer *viewer, void *ctx)
{
	struct alert_viewing viewing = { incidents->book, viewer, ctx };

	alerts_each(incidents->alerts, after, incidents_on_alert, &viewing);
}

bool incidents_alert_fires(const struct incidents *incidents, const char *key)
{
	return alerts_fires(incidents->alerts, key);
}

bool incidents_knows_alert(const struct incidents *incidents, const char *key)
{
	return alerts_knows(incidents->alerts, key);
}

void incidents_each(const struct incidents *incidents, const char *after, incident_viewer *viewer,
		    void *ctx)
{
	incidents_book_each(incidents->book, after, viewer, ctx);
}

bool incidents_view(const struct incidents *incidents, const char *id, incident_viewer *viewer,
		    void *ctx)
{
	return incidents_book_view(incidents->book, id, viewer, ctx);
}

void incidents_keep(struct incidents *incidents, const char *name, const char *value)
{
	store_put_setting(turns_batch(incidents->turns), &(struct stored_setting){ name, value });
}

void incidents_flush(struct incidents *incidents)
{
	incidents_book_end_turn(incidents->book);
	alerts_end_turn(incidents->alerts);
	turns_flush(incidents->turns);
}

void incidents_end(struct incidents *incidents)
{
	recorder_end(incidents->recorder);
}

/* ---- a start ---- */

struct incidents_loading {
	struct incidents *incidents;
	size_t alerts, open, pages;
};

static void loading_incident(void *ctx, const struct stored_incident *row)
{
	struct incidents_loading *loading = ctx;

	incidents_book_load(loading->incidents->book, row);
	loading->open++;
}

static void loading_recipient(void *ctx, const struct stored_recipient *row)
{
	struct incidents_loading *loading = ctx;

	incidents_book_load_recipient(loading->incidents->book, row);
}

static void loading_page(void *ctx, const struct stored_page *row)
{
	struct incidents_loading *loading = ctx;

	incidents_book_load_page(loading->incidents->book, row);
	loading->pages++;
}

static bool loading_knows(void *ctx, const char *id)
{
	const struct incidents *incidents = ctx;
	const struct incident *incident = incident_get(incidents->book, id);

	return incident && incident_is_joinable(incident);
}

static void loading_alert(void *ctx, const struct stored_alert *row)
{
	struct incidents_loading *loading = ctx;
	struct incidents *incidents = loading->incidents;

	alerts_load(incidents->alerts, row, loading_knows, incidents);
	if (*row->incident && row->state != STORED_ALERT_WAITING &&
	    loading_knows(incidents, row->incident))
		incidents_book_load_member(incidents->book, row->incident, row->key,
					   alerts_fires(incidents->alerts, row->key));
	loading->alerts++;
}

static void loading_setting(void *ctx, const struct stored_setting *row)
{
	const struct incidents_loading *loading = ctx;
	const struct incident_env *env = &loading->incidents->env;

	if (strncmp(row->name, PAUSED, strlen(PAUSED)) == 0)
		incidents_book_pause(loading->incidents->book, row->name + strlen(PAUSED),
				     row->value);
	else if (env->kept)
		env->kept(env->ctx, row->name, row->value);
}

static void loading_silence(void *ctx, const struct stored_silence *row)
{
	struct incidents_loading *loading = ctx;

	silences_load(loading->incidents->silences, row);
}

static void loading_sender(void *ctx, const struct stored_sender *row)
{
	struct incidents_loading *loading = ctx;

	alerts_load_sender(loading->incidents->alerts, row);
}

int incidents_load(struct incidents *incidents, struct err *err)
{
	static const struct store_loader loader = {
		.sender = loading_sender,
		.setting = loading_setting,
		.silence = loading_silence,
		.incident = loading_incident,
		.recipient = loading_recipient,
		.page = loading_page,
		.alert = loading_alert,
	};
	struct incidents_loading loading = { .incidents = incidents };
	int result = store_load(incidents->env.store, &loader, &loading, err);

	if (result < 0)
		return result;
	silences_settle(incidents->silences);
	incidents_book_settle(incidents->book);
	if (loading.alerts || loading.open || loading.pages)
		log_info(
			"found what was accepted before",
			LOG_INT("alerts", (int64_t)loading.alerts),
			LOG_INT("unfinished", (int64_t)alerts_loaded_unfinished(incidents->alerts)),
			LOG_INT("incidents", (int64_t)loading.open),
			LOG_INT("pages", (int64_t)loading.pages));
	incidents_flush(incidents);
	return 0;
}

/* ---- silences made at run time ---- */

int incidents_silence_add(struct incidents *incidents, const char *doc, size_t len, const char *who,
			  char ret_id[SILENCE_ID_SIZE], struct err *err)
{
	return silences_add(incidents->silences, doc, len, who, ret_id, err);
}

int incidents_silence_change(struct incidents *incidents, const char *id, const char *doc,
			     size_t len, const char *who, struct err *err)
{
	return silences_change(incidents->silences, id, doc, len, who, err);
}

int incidents_silence_end(struct incidents *incidents, const char *id, const char *who,
			  struct err *err)
{
	return silences_end(incidents->silences, id, who, err);
}

int incidents_silence_incident(struct incidents *incidents, const char *id, const char *who,
			       const char *reason, char ret_id[SILENCE_ID_SIZE], struct err *err)
{
	const struct incident *incident = incident_get(incidents->book, id);
	struct buf doc = BUF_INIT(LIMIT_SILENCE_DOC_BYTES);
	int result;

	if (!incident || incident_is_over(incident))
		result = err_set(err, ENOENT, "there is no open incident \"%.40s\"", id);
	else if (!incident_silence_scope(incident, reason, &doc))
		result = err_set(err, EINVAL,
				 "its alerts have no label in common: make a silence with matchers "
				 "of your own");
	else
		result = silences_add(incidents->silences, buf_text(&doc), doc.len, who, ret_id,
				      err);
	buf_fini(&doc);
	return result;
}

void incidents_each_silence(const struct incidents *incidents, const char *after,
			    incident_silence_viewer *viewer, void *ctx)
{
	silences_each(incidents->silences, after, viewer, ctx);
}

bool incidents_view_silence(const struct incidents *incidents, const char *id,
			    incident_silence_viewer *viewer, void *ctx)
{
	return silences_view(incidents->silences, id, viewer, ctx);
}

/* ---- pagers, and what waits for them ---- */

bool incidents_pause(struct incidents *incidents, const char *pager, const char *who, bool paused)
{
	char since[RFC3339_SIZE];
	CLEANUP_FREE char *name = xasprintf(PAUSED "%s", pager);
	CLEANUP_FREE char *by = xasprintf(
		"%s since %s", who, rfc3339_format(clock_wall_us(incidents->env.clock), since));

	bool changed = incidents_book_pause(incidents->book, pager, paused ? by : NULL);

	/* Also where it was so before: the store may have missed it. */
	const char *kept = incidents_book_own_pause(incidents->book, pager);
	incidents_keep(incidents, name, kept ? kept : "");
	if (!changed)
		return false;
	log_warn(paused ? "pager paused: its pages wait" : "pager goes on", LOG_STR("pager", pager),
		 LOG_STR("who", who));
	return true;
}

void incidents_pause_words(const struct incidents *incidents, const char *pager, bool paused,
			   bool changed, struct buf *words)
{
	incidents_book_pause_words(incidents->book, pager, paused, changed, words);
}

void incidents_each_pager(const struct incidents *incidents, incident_pager_viewer *viewer,
			  void *ctx)
{
	incidents_book_each_pager(incidents->book, viewer, ctx);
}

struct deliver *incidents_deliver(struct incidents *incidents)
{
	return incidents->book->deliver;
}

size_t incidents_sending(const struct incidents *incidents)
{
	return alerts_unfinished(incidents->alerts) + deliver_sending(incidents->book->deliver) +
	       store_waiting(incidents->env.store) + turns_pending(incidents->turns) +
	       slices_waiting(incidents->turns) + recorder_busy(incidents->recorder);
}

/* ---- the whole ---- */

struct incidents *incidents_new(const struct incident_env *env, struct ruleset *rules)
{
	struct incidents *incidents = xcalloc(1, sizeof(*incidents));
	const struct alert_ops alert_ops = {
		.tell = incidents_alert_says,
		.write_failed = incidents_write_failed,
		.ctx = incidents,
	};
	const struct incident_book_ops book_ops = {
		.belong = incidents_belong,
		.hush = incidents_hush,
		.alert = incidents_alert,
		.write_failed = incidents_write_failed,
		.clock_was_set = incidents_clock_was_set,
		.ctx = incidents,
	};
	const struct silence_ops silence_ops = {
		.changed = incidents_silences_changed,
		.write_failed = incidents_write_failed,
		.ctx = incidents,
	};

	incidents->env = *env;
	incidents->turns = turns_new(env->store, env->timers, env->clock);
	incidents->recorder = recorder_new(env, incidents->turns);
	incidents->book = incidents_book_new(env, incidents->turns, &book_ops, rules);
	incidents->alerts = alerts_new(env, incidents->turns, &alert_ops, rules);
	incidents->silences = silences_new(env, incidents->turns, &silence_ops, rules);
	incidents->heal = (struct timer){ .fire = incidents_heal, .arg = incidents };
	incidents->healing = (struct slice){ .run = incidents_heal_some, .arg = incidents };
	return incidents;
}

void incidents_free(struct incidents *incidents)
{
	if (!incidents)
		return;
	timer_disarm(incidents->env.timers, &incidents->heal);
	slice_remove(incidents->turns, &incidents->healing);
	recorder_free(incidents->recorder);
	silences_free(incidents->silences);
	alerts_free(incidents->alerts);
	incidents_book_free(incidents->book);
	turns_free(incidents->turns);
	free(incidents);
}

void incidents_set_rules(struct incidents *incidents, struct ruleset *rules)
{
	alerts_set_rules(incidents->alerts, rules);
	incidents_book_set_rules(incidents->book, rules);
	silences_set_rules(incidents->silences, rules);
}

size_t incidents_busy(const struct incidents *incidents)
{
	return alerts_unfinished(incidents->alerts) + deliver_waiting(incidents->book->deliver) +
	       store_waiting(incidents->env.store) + turns_pending(incidents->turns) +
	       slices_waiting(incidents->turns) + recorder_busy(incidents->recorder);
}

uint64_t incidents_changes(const struct incidents *incidents)
{
	return incidents->book->changes;
}

size_t incidents_unreached(const struct incidents *incidents)
{
	const struct incident_book *book = incidents->book;
	const struct incident *incident = TAILQ_LAST(&book->all, incident_list);
	size_t n = 0;

	/* In a storm they are the newest ones. */
	for (size_t left = book->untaken; left && incident;
	     incident = TAILQ_PREV(incident, incident_list, in_all)) {
		left -= incident->untaken;
		n += incident_is_unreached(incident);
	}
	return n;
}

size_t incidents_open(const struct incidents *incidents)
{
	const struct life_counts *counts = &incidents->book->counts;

	return counts->in[INCIDENT_OPEN] + counts->in[INCIDENT_ACKNOWLEDGED] +
	       counts->in[INCIDENT_HOLDING];
}

size_t incidents_pages_waiting(const struct incidents *incidents)
{
	return deliver_waiting(incidents->book->deliver);
}

void incidents_measure(const struct incidents *incidents)
{
	const struct life_counts *counts = &incidents->book->counts;

	metric_set(METRIC_ALERTS_WAITING, (int64_t)alerts_unfinished(incidents->alerts));
	metric_set(METRIC_PAGES_WAITING, (int64_t)incidents_pages_waiting(incidents));
	metric_set(METRIC_STORE_WAITING, (int64_t)(store_waiting(incidents->env.store) +
						   turns_pending(incidents->turns)));
	metric_set(METRIC_INCIDENTS_OPEN, (int64_t)incidents_open(incidents));
	metric_set(METRIC_INCIDENTS_HOLDING, (int64_t)counts->in[INCIDENT_HOLDING]);
	metric_set(METRIC_INCIDENTS_TELLING,
		   (int64_t)(counts->in[INCIDENT_RESOLVED] + counts->in[INCIDENT_MOVED]));
	metric_set(METRIC_SILENCES_ACTIVE, (int64_t)silences_active(incidents->silences));
	metric_set(METRIC_ALERTS_SILENCED, (int64_t)alerts_silenced(incidents->alerts));
	metric_set(METRIC_INCIDENTS_UNREACHED, (int64_t)incidents_unreached(incidents));
	metric_set(METRIC_ALERTS_OLDEST, alerts_oldest_us(incidents->alerts));
	incidents_book_measure(incidents->book);
}
