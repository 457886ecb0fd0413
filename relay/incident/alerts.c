/*
 * Alerts: what is known of each, from acceptance to its end; repeats, resolves, expiry; and their
 * enrichment: the signal, the traces within the budget, the decision, and a better one when the
 * traces come late.
 */
#include "incident-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

/* Where neither signal nor defaults say how many. */
#define TRACES_DEFAULT 10
/* Decisions and their texts: bounded by LIMIT_TRACES_PER_ALERT walks of LIMIT_TRACE_SPANS. */
#define ENRICHMENT_ARENA_BYTES (512u << 20)
/* Above so many spans a decision is made in the pool: about 0.3 ms of walking. So is one that
 * compares with healthy traces. */
#define DECIDE_INLINE_SPANS 4000
#define TRACE_IDS_MAX	    8
#define ALERT_DOC_BYTES	    (8u << 20)
/* A catch-all page for a sender's refused body: once in so long. */
#define REFUSED_PAGE_US US_PER_HOUR

struct enrichment {
	struct known_alert *alert;
	struct arena *arena;
	struct alert parsed;
	struct signal signal;
	const struct signal_rule *signal_rule;
	bool has_signal;
	bool deciding;	   /* in the pool */
	unsigned int kept; /* by records that read what it has */
	bool orphan;	   /* its alert ended while it was in the pool, or kept */
	struct ruleset *rules;
	struct fetch_job *job;
	struct fetched_set **sets;
	size_t nsets;
	const struct trace **traces;
	unsigned int ntraces;
	enum fallback_code missing;
	const char *missing_text;
	struct baseline *healthy; /* what the signal is like without a fault; NULL: nobody knows */
	struct baseline_waiter waiter; /* for that */
	bool came;		       /* the traces did, and nobody is named without it */
	const char *trace_link;	       /* of the source that had the traces; NULL: the one of all */
	struct decide_input input;     /* all that the pool's thread reads */
	struct decision decision;
};

/* ---- life of a known alert ---- */

static void enrichment_free(struct enrichment *enrichment)
{
	if (!enrichment)
		return;
	if (enrichment->job)
		fetch_cancel(enrichment->job);
	baselines_unwait(&enrichment->waiter);
	baseline_unref(enrichment->healthy);
	for (size_t i = 0; i < enrichment->nsets; i++)
		fetched_set_unref(enrichment->sets[i]);
	free(enrichment->sets);
	rules_unref(enrichment->rules);
	arena_free(enrichment->arena);
	free(enrichment);
}

/* The pool may still be reading it: then it frees itself when it comes back. */
static void enrichment_drop(struct known_alert *alert)
{
	struct enrichment *enrichment = alert->enrichment;

	alert->enrichment = NULL;
	if (enrichment && (enrichment->deciding || enrichment->kept)) {
		if (enrichment->job)
			fetch_cancel(enrichment->job);
		enrichment->job = NULL;
		baselines_unwait(&enrichment->waiter);
		enrichment->orphan = true;
		enrichment->alert = NULL;
	} else {
		enrichment_free(enrichment);
	}
}

const struct decide_input *enrichment_input(const struct known_alert *alert, size_t *ret_bytes)
{
	const struct enrichment *enrichment = alert->enrichment;

	*ret_bytes = 0;
	for (size_t i = 0; enrichment && i < enrichment->nsets; i++)
		*ret_bytes += enrichment->sets[i]->set->bytes;
	return enrichment ? &enrichment->input : NULL;
}

struct enrichment *enrichment_keep(struct known_alert *alert)
{
	alert->enrichment->kept++;
	return alert->enrichment;
}

void enrichment_give_back(struct enrichment *enrichment)
{
	if (enrichment && --enrichment->kept == 0 && enrichment->orphan && !enrichment->deciding)
		enrichment_free(enrichment);
}

/* The shadow rules have decided along, or will not. */
static void given_back(void *arg)
{
	enrichment_give_back(arg);
}

/* Before the decision is applied, which changes it. */
static void decide_along(struct enrichment *enrichment)
{
	const struct known_alert *alert = enrichment->alert;
	struct shadow *shadow = alert->owner->env.shadow;
	struct shadow_case along = {
		.key = alert->key,
		.doc = alert->doc,
		.doc_len = alert->doc_len,
		.input = &enrichment->input,
		.decision = &enrichment->decision,
		.given_back = given_back,
		.ctx = enrichment,
	};

	for (size_t i = 0; i < enrichment->nsets; i++)
		along.trace_bytes += enrichment->sets[i]->set->bytes;
	if (shadow && shadow_decide(shadow, &along))
		enrichment->kept++;
}

static void alert_due(void *arg)
{
	struct known_alert *alert = arg;
	struct incidents *incidents = alert->owner;

	switch (alert->state) {
	case ALERT_ENRICHING:
		alert_decided(alert);
		break;
	case ALERT_WAITING:
	case ALERT_DECIDED:
		metric_add(METRIC_ALERTS_EXPIRED, 1);
		log_info("alert expired: nobody repeated or resolved it",
			 LOG_STR("alert", alert->key));
		alert_end(alert, "expired: it was not repeated");
		break;
	case ALERT_ENDED:
		if (alert->writes) {
			alert_move(alert, ALERT_ENDED);
			break;
		}
		store_remove_alert(turn_now(incidents)->batch, alert->id);
		alert_forget(alert);
		break;
	case ALERT_STATE_COUNT:
		abort();
	}
}

/* A silence or a time of day is over, and the alert still fires: it is as good as new. */
static void again_due(void *arg)
{
	struct known_alert *alert = arg;

	if (alert->state != ALERT_DECIDED || alert->incident)
		return;
	enrichment_drop(alert);
	alert->begun_us = incidents_mono_us(alert->owner);
	alert_begin(alert);
}

void alert_decide_again(struct known_alert *alert, int64_t wall_us)
{
	struct incidents *incidents = alert->owner;

	timer_arm(incidents->env.timers, &alert->again,
		  incidents_mono_us(incidents) + (wall_us - incidents_wall_us(incidents)));
}

/* The end of an alert that is not repeated, on the monotonic clock. API alerts get a grace after a
 * start. */
static int64_t expiry_us(const struct known_alert *alert)
{
	const struct incidents *incidents = alert->owner;
	int64_t at =
		incidents_mono_us(incidents) + (alert->expires_us - incidents_wall_us(incidents));

	if (alert->ends_by_itself && at < incidents->started_us + LIMIT_START_GRACE_US)
		at = incidents->started_us + LIMIT_START_GRACE_US;
	return at;
}

void alert_move(struct known_alert *alert, enum alert_state state)
{
	struct incidents *incidents = alert->owner;
	int64_t deadline = 0;

	incidents->alerts_in_state[alert->state]--;
	incidents->alerts_in_state[state]++;
	alert->state = state;
	switch (state) {
	case ALERT_ENRICHING:
		deadline = alert->begun_us + incidents->env.options.enrich_us;
		break;
	case ALERT_WAITING:
	case ALERT_DECIDED:
		deadline = expiry_us(alert);
		break;
	case ALERT_ENDED:
		deadline = incidents_mono_us(incidents) + LIMIT_RESOLVED_MEMORY_US;
		break;
	case ALERT_STATE_COUNT:
		abort();
	}
	timer_arm(incidents->env.timers, &alert->timer, deadline);
}

struct known_alert *alert_new(struct incidents *incidents, const char *key)
{
	struct known_alert *alert = xcalloc(1, sizeof(*alert));

	alert->owner = incidents;
	alert->id = incidents->next_alert_id++;
	alert->key = xstrdup(key);
	alert->timer = (struct timer){ .fire = alert_due, .arg = alert };
	alert->again = (struct timer){ .fire = again_due, .arg = alert };
	alert->state = ALERT_WAITING;
	incidents->alerts_in_state[ALERT_WAITING]++;
	map_put(incidents->alerts, key, alert);
	return alert;
}

void alert_forget(struct known_alert *alert)
{
	struct incidents *incidents = alert->owner;

	timer_disarm(incidents->env.timers, &alert->timer);
	timer_disarm(incidents->env.timers, &alert->again);
	enrichment_drop(alert);
	if (alert->missed)
		TAILQ_REMOVE(&incidents->missed, alert, in_missed);
	if (alert->incident)
		TAILQ_REMOVE(&alert->incident->alerts, alert, in_incident);
	incidents->alerts_in_state[alert->state]--;
	map_remove(incidents->alerts, alert->key);
	free(alert->key);
	free(alert->doc);
	free(alert->name);
	free(alert);
}

void alert_set(struct known_alert *known, const struct alert *alert)
{
	struct buf doc = BUF_INIT(ALERT_DOC_BYTES);
	const char *name = labels_get(&alert->labels, "alertname");

	alert_write(alert, &doc);
	free(known->doc);
	free(known->name);
	known->doc_len = doc.len;
	known->doc = buf_take(&doc);
	known->name = xstrdup(name ? name : alert->fingerprint);
	known->starts_at_us = alert->starts_at_us;
	known->ends_by_itself = alert->ends_by_itself && alert->ends_at_us > 0;
}

static void refresh(struct known_alert *known, const struct alert *alert, int64_t now_us)
{
	known->refreshed_us = now_us;
	known->expires_us = known->ends_by_itself
				    ? alert->ends_at_us
				    : now_us + known->owner->env.options.expire_after_us;
}

/* ---- enrichment ---- */

static void prepare_decide(struct enrichment *enrichment)
{
	const struct incidents *incidents = enrichment->alert->owner;
	const char *trace_link =
		enrichment->trace_link ? enrichment->trace_link : incidents->env.options.trace_link;

	enrichment->input = (struct decide_input){
		.alert = &enrichment->parsed,
		.signal = enrichment->has_signal ? &enrichment->signal : NULL,
		.traces = enrichment->traces,
		.ntraces = enrichment->ntraces,
		.healthy = enrichment->healthy ? enrichment->healthy->evidence : NULL,
		.rules = enrichment->rules,
		.mode = WALK_AUTO,
		.now_us = incidents_wall_us(incidents),
		.missing = enrichment->missing,
		.missing_text = enrichment->missing_text,
		.trace_link = *trace_link ? trace_link : NULL,
	};
}

static void run_decide(void *arg)
{
	struct enrichment *enrichment = arg;

	decide(enrichment->arena, &enrichment->input, &enrichment->decision);
}

static void count_decision(const struct known_alert *alert, const struct enrichment *enrichment)
{
	const struct decision *decision = &enrichment->decision;
	enum metric metric = METRIC_DECISIONS_FALLBACK;

	if (decision->no_page)
		metric = METRIC_DECISIONS_NO_PAGE;
	else if (decision->verdict.found)
		metric = METRIC_DECISIONS_SUSPECT;
	else if (!enrichment->has_signal && !enrichment->ntraces)
		metric = METRIC_DECISIONS_UNTRACED;
	metric_add(metric, 1);
	metric_observe_us(METRIC_ENRICH_TIME, incidents_mono_us(alert->owner) - alert->begun_us);
}

/* The decision stands: what it means for incidents, and what comes next for the alert. */
static void apply(struct enrichment *enrichment)
{
	struct known_alert *alert = enrichment->alert;
	bool late = alert->state == ALERT_DECIDED;

	if (!late)
		count_decision(alert, enrichment);
	decide_along(enrichment);
	incident_apply(alert, &enrichment->decision, enrichment->rules);
	if (enrichment->decision.again_us)
		alert_decide_again(alert, enrichment->decision.again_us);
	if (!enrichment->job)
		enrichment_drop(alert);
	if (late)
		return;
	alert_move(alert, ALERT_DECIDED);
	if (alert->durable)
		turn_touch_alert(alert);
	if (alert->resolve_after)
		alert_end(alert, "resolved");
}

static void start_decide(struct enrichment *enrichment);

/* Nobody is named, and what the signal is like without a fault would tell more: it has come
 * meanwhile, or is waited for within the budget. */
static bool is_compared_first(struct enrichment *enrichment)
{
	if (enrichment->decision.verdict.found || !enrichment->ntraces ||
	    enrichment->input.healthy || enrichment->alert->state != ALERT_ENRICHING)
		return false;
	if (enrichment->healthy) {
		start_decide(enrichment);
		return true;
	}
	enrichment->came = enrichment->waiter.waiting;
	return enrichment->came;
}

static void decide_ran(void *arg)
{
	struct enrichment *enrichment = arg;

	enrichment->deciding = false;
	if (enrichment->orphan && !enrichment->kept)
		enrichment_free(enrichment);
	else if (!enrichment->orphan && !is_compared_first(enrichment))
		apply(enrichment);
}

static void start_decide(struct enrichment *enrichment)
{
	size_t spans = 0;

	for (unsigned int i = 0; i < enrichment->ntraces; i++)
		spans += enrichment->traces[i]->nspans;
	prepare_decide(enrichment);
	if (spans <= DECIDE_INLINE_SPANS && !(spans && enrichment->healthy)) {
		run_decide(enrichment);
		decide_ran(enrichment);
		return;
	}
	enrichment->deciding = true;
	pool_submit(enrichment->alert->owner->env.pool, run_decide, decide_ran, enrichment);
}

static void fetched(void *ctx, struct fetch_result *result)
{
	struct enrichment *enrichment = ctx;
	struct known_alert *alert = enrichment->alert;

	enrichment->job = NULL;
	enrichment->sets = xcalloc(result->nsets, sizeof(*enrichment->sets));
	memcpy(enrichment->sets, result->sets, result->nsets * sizeof(*enrichment->sets));
	enrichment->nsets = result->nsets;
	enrichment->ntraces = (unsigned int)result->ntraces;
	enrichment->traces =
		arena_array(enrichment->arena, result->ntraces, sizeof(*enrichment->traces));
	memcpy(enrichment->traces, result->traces, result->ntraces * sizeof(*enrichment->traces));
	enrichment->missing = result->missing;
	enrichment->missing_text = arena_strdup(enrichment->arena, result->text);
	enrichment->trace_link = result->source ? result->source->trace_link : NULL;
	if (alert->state == ALERT_DECIDED && !enrichment->ntraces)
		enrichment_drop(alert); /* late, and nothing: the page that left stands */
	else
		start_decide(enrichment);
}

/* The healthy traces of the signal are known now, or will not be. */
static void healthy_known(void *arg)
{
	struct enrichment *enrichment = arg;

	enrichment->healthy =
		baselines_get(enrichment->alert->owner->env.baselines, &enrichment->signal, NULL);
	if (!enrichment->came)
		return;
	enrichment->came = false;
	start_decide(enrichment);
}

/* The budget is spent: decide with what is known; the look-up goes on, and may improve the page. */
void alert_decided(struct known_alert *alert)
{
	struct enrichment *enrichment = alert->enrichment;
	const char *why;

	baselines_unwait(&enrichment->waiter);
	if (enrichment->deciding)
		return; /* the pool answers in milliseconds */
	if (enrichment->came) {
		enrichment->came = false;
		apply(enrichment);
		return;
	}
	enrichment->missing = fetch_explain(enrichment->job, &why);
	enrichment->missing_text =
		arena_printf(enrichment->arena, "%s; no trace came within %.1f s", why,
			     (double)alert->owner->env.options.enrich_us / 1e6);
	prepare_decide(enrichment);
	run_decide(enrichment);
	apply(enrichment);
}

/* Where time is what the alert is about, only traces that are long for the signal say anything. */
static void ask_for_healthy(struct enrichment *enrichment, struct fetch_request *request)
{
	struct baselines *baselines = enrichment->alert->owner->env.baselines;

	if (!baselines || !enrichment->has_signal)
		return;
	enrichment->waiter = (struct baseline_waiter){ .ready = healthy_known, .arg = enrichment };
	enrichment->healthy = baselines_get(baselines, &enrichment->signal, &enrichment->waiter);
	if (enrichment->healthy && enrichment->signal.mode == WALK_LATENCY)
		request->min_duration_us = evidence_p95_us(enrichment->healthy->evidence);
}

/* The signal's rule knows best, then the rules' defaults, then the option. */
static int64_t window_us(const struct enrichment *enrichment)
{
	const struct signal_rule *rule = enrichment->signal_rule;
	int64_t window = rule ? rule->window_us : rules_defaults(enrichment->rules)->window_us;

	return window ? window : enrichment->alert->owner->env.options.window_before_us;
}

/* As many traces as the signal says, by its rule or by the defaults. */
static unsigned int trace_count(const struct enrichment *enrichment)
{
	unsigned int traces = enrichment->has_signal ? enrichment->signal.traces : 0;

	if (!traces)
		traces = rules_defaults(enrichment->rules)->traces;
	return traces ? traces : TRACES_DEFAULT;
}

static void start_fetch(struct enrichment *enrichment, const char **ids, size_t nids)
{
	struct known_alert *alert = enrichment->alert;
	struct incidents *incidents = alert->owner;
	int64_t starts_us = alert->starts_at_us ? alert->starts_at_us : alert->accepted_us;
	struct fetch_request request = {
		.trace_ids = ids,
		.ntrace_ids = nids,
		.signal = enrichment->has_signal ? &enrichment->signal : NULL,
		.expr = locate_expr(enrichment->arena, &enrichment->parsed),
		.labels = &enrichment->parsed.labels,
		.from_us = starts_us - window_us(enrichment),
		.to_us = incidents_wall_us(incidents),
		.limit = trace_count(enrichment),
		.deadline_us = alert->begun_us + incidents->env.options.enrich_late_us,
		/* Before the budget is spent, not after. */
		.enough_us =
			alert->begun_us + incidents->env.options.enrich_us - LIMIT_LOOKUP_LAST_US,
	};

	ask_for_healthy(enrichment, &request);
	request.extra_names = rules_attr_names(enrichment->rules, &request.nextra_names);
	if (incidents->env.shadow)
		request.extra_names = shadow_attr_names(incidents->env.shadow, enrichment->arena,
							request.extra_names, request.nextra_names,
							&request.nextra_names);
	enrichment->job = fetch_start(incidents->env.fetch, &request, fetched, enrichment);
}

void alert_stand_in(struct arena *arena, const char *key, const char *why, struct alert *ret_alert)
{
	struct label *labels = arena_array(arena, 2, sizeof(*labels));
	struct label *annotations = arena_array(arena, 1, sizeof(*annotations));

	log_error("an alert's record cannot be read; it is paged all the same",
		  LOG_STR("alert", key), LOG_STR("error", why));
	labels[0] = (struct label){ "alertname", "UnreadableAlert" };
	labels[1] = (struct label){ "key", arena_strdup(arena, key) };
	annotations[0] =
		(struct label){ "summary",
				arena_printf(arena, "the record of alert %s cannot be read: %s",
					     key, why) };
	*ret_alert = (struct alert){
		.sender = "tracepager",
		.family = "tracepager",
		.fingerprint = labels[1].value,
		.labels = { labels, 2 },
		.annotations = { annotations, 1 },
		.generator_url = "",
	};
}

static struct enrichment *enrichment_new(struct known_alert *alert)
{
	struct enrichment *enrichment = xcalloc(1, sizeof(*enrichment));

	enrichment->alert = alert;
	enrichment->arena = arena_new(ENRICHMENT_ARENA_BYTES);
	enrichment->rules = rules_ref(alert->owner->rules);
	alert->enrichment = enrichment;
	return enrichment;
}

/* Is there anything to look up? An alert that is not about a traced operation waits for nothing,
 * and neither does one that a silence or a route keeps from being paged. */
static bool wants_traces(struct enrichment *enrichment, const char **ids, size_t *ret_nids)
{
	const struct alert *alert = &enrichment->parsed;
	bool unpaged = rules_unpaged(enrichment->rules, alert,
				     incidents_wall_us(enrichment->alert->owner));

	enrichment->has_signal =
		decide_signal(enrichment->arena, alert, enrichment->rules, NULL, NULL, NULL,
			      &enrichment->signal, &enrichment->signal_rule);
	*ret_nids = locate_trace_ids(enrichment->arena, alert, ids, TRACE_IDS_MAX);
	return (enrichment->has_signal || *ret_nids) && !unpaged;
}

/* At acceptance: what needs no trace is decided at once, and written in one group with the alert.
 * No attempt is counted for that: it is the very work that the last attempt does. */
static void decide_at_once(struct known_alert *alert, const struct alert *parsed)
{
	struct enrichment *enrichment = enrichment_new(alert);
	const char *ids[TRACE_IDS_MAX];
	size_t nids;

	enrichment->parsed = *parsed;
	if (wants_traces(enrichment, ids, &nids)) {
		enrichment_drop(alert);
		return;
	}
	start_decide(enrichment);
}

void alert_begin(struct known_alert *alert)
{
	struct enrichment *enrichment = enrichment_new(alert);
	const char *ids[TRACE_IDS_MAX];
	size_t nids;
	struct err err;

	alert_move(alert, ALERT_ENRICHING);
	int result = alert_read(enrichment->arena, alert->doc, alert->doc_len, &enrichment->parsed,
				&err);
	if (result < 0)
		alert_stand_in(enrichment->arena, alert->key, err.text, &enrichment->parsed);
	bool wants = wants_traces(enrichment, ids, &nids);
	if (wants && alert->attempts < LIMIT_ATTEMPTS) {
		start_fetch(enrichment, ids, nids);
		return;
	}
	if (wants) {
		enrichment->missing = FALLBACK_CRASHED;
		enrichment->missing_text =
			"processing this alert ended the program twice; its traces were left alone";
		log_error("alert is paged without traces: processing it ended the program twice",
			  LOG_STR("alert", alert->key), LOG_INT("attempts", alert->attempts));
	}
	start_decide(enrichment);
}

/* Resolved, or expired. Before its decision the page still leaves, and the end follows it. */
void alert_end(struct known_alert *alert, const char *why)
{
	if (alert->state == ALERT_WAITING || alert->state == ALERT_ENRICHING) {
		alert->resolve_after = true;
		if (alert->state == ALERT_WAITING)
			timer_disarm(alert->owner->env.timers,
				     &alert->timer); /* it begins when its commit is done */
		return;
	}
	alert->resolve_after = false;
	enrichment_drop(alert);
	alert->refreshed_us = incidents_wall_us(alert->owner);
	if (alert->incident)
		incident_leave(alert, why);
	alert_move(alert, ALERT_ENDED);
	turn_touch_alert(alert);
}

/* ---- acceptance ---- */

static void begin_episode(struct known_alert *known, const struct alert *alert)
{
	struct incidents *incidents = known->owner;

	known->accepted_us = incidents_wall_us(incidents);
	known->begun_us = incidents_mono_us(incidents);
	known->attempts = 1; /* stored with the alert, before it starts */
	known->resolve_after = false;
	alert_set(known, alert);
	refresh(known, alert, known->accepted_us);
	alert_move(known, ALERT_WAITING);
	decide_at_once(known, alert);
	turn_put_alert(known);
	metric_add(METRIC_ALERTS_ACCEPTED, 1);
}

static void accept_repeat(struct known_alert *known, const struct alert *alert)
{
	known->resolve_after = false;
	alert_set(known, alert);
	refresh(known, alert, incidents_wall_us(known->owner));
	turn_put_alert(known);
	if (known->state == ALERT_DECIDED)
		alert_move(known, ALERT_DECIDED);
	metric_add(METRIC_ALERTS_REPEATED, 1);
}

/* A firing copy of what has been resolved meanwhile, from a replica that is late. A new episode
 * starts later; a sender that tells no start is believed. */
static bool is_late_copy(const struct known_alert *known, const struct alert *alert)
{
	int64_t age_us = incidents_wall_us(known->owner) - known->refreshed_us;
	bool just_ended =
		known->state == ALERT_ENDED && !known->expires_us && age_us < LIMIT_LATE_COPY_US;

	return (known->resolve_after || just_ended) && alert->starts_at_us > 0 &&
	       alert->starts_at_us <= known->starts_at_us;
}

static enum accept_result accept_firing(struct incidents *incidents, const char *key,
					const struct alert *alert)
{
	struct known_alert *known = map_get(incidents->alerts, key);

	if (!known) {
		begin_episode(alert_new(incidents, key), alert);
		return ACCEPT_NEW;
	}
	if (is_late_copy(known, alert)) {
		log_info("a firing copy of what was just resolved is left alone",
			 LOG_STR("alert", key));
		metric_add(METRIC_ALERTS_REPEATED, 1);
		return ACCEPT_REPEATED;
	}
	if (known->state == ALERT_ENDED) {
		begin_episode(known, alert);
		return ACCEPT_NEW;
	}
	accept_repeat(known, alert);
	return ACCEPT_REPEATED;
}

static enum accept_result accept_resolved(struct incidents *incidents, const char *key,
					  const struct alert *alert)
{
	struct known_alert *known = map_get(incidents->alerts, key);

	if (!known) {
		log_info("an alert that nobody knows has ended", LOG_STR("alert", key));
		metric_add(METRIC_ALERTS_UNKNOWN, 1);
		return ACCEPT_UNKNOWN;
	}
	metric_add(METRIC_ALERTS_RESOLVED, 1);
	/* The end of an earlier episode, told late. */
	if (known->state == ALERT_ENDED ||
	    (alert->ends_at_us && alert->ends_at_us < known->starts_at_us))
		return ACCEPT_REPEATED;
	known->expires_us = 0; /* it was resolved, not forgotten */
	if (known->state == ALERT_WAITING || known->state == ALERT_ENRICHING) {
		alert_set(known, alert); /* a restart must know it too */
		turn_put_alert(known);
	}
	alert_end(known, "resolved");
	return ACCEPT_RESOLVED;
}

enum accept_result incidents_accept(struct incidents *incidents, const struct alert *alert)
{
	char key[256];

	snprintf(key, sizeof(key), "%s/%s", alert->family, alert->fingerprint);
	return alert->status == ALERT_FIRING ? accept_firing(incidents, key, alert)
					     : accept_resolved(incidents, key, alert);
}

bool incidents_have_room(const struct incidents *incidents)
{
	size_t waiting = incidents->alerts_in_state[ALERT_WAITING] +
			 incidents->alerts_in_state[ALERT_ENRICHING];

	return waiting < LIMIT_ALERTS_WAITING &&
	       map_count(incidents->alerts) < LIMIT_ALERTS_KNOWN &&
	       store_waiting(incidents->env.store) < LIMIT_STORE_QUEUE / 2;
}

void incidents_body_refused(struct incidents *incidents, const char *sender, const char *why)
{
	struct label labels[] = {
		{ "alertname", "SenderRefused" },
		{ "sender", sender },
		{ "severity", "error" },
	};
	char fingerprint[128], key[256], summary[512];
	struct label annotations[] = { { "summary", summary } };

	snprintf(fingerprint, sizeof(fingerprint), "refused-%s", sender);
	snprintf(key, sizeof(key), "tracepager/%s", fingerprint);
	snprintf(summary, sizeof(summary), "alerts of sender %s are not taken: %s", sender, why);
	const struct known_alert *known = map_get(incidents->alerts, key);
	if (known && known->state != ALERT_ENDED)
		return;
	struct alert alert = {
		.sender = sender,
		.family = "tracepager",
		.fingerprint = fingerprint,
		.labels = { labels, ARRAY_LEN(labels) },
		.annotations = { annotations, ARRAY_LEN(annotations) },
		.starts_at_us = incidents_wall_us(incidents),
		.ends_at_us = incidents_wall_us(incidents) + REFUSED_PAGE_US,
		.generator_url = "",
		.ends_by_itself = true,
	};
	incidents_accept(incidents, &alert);
}
