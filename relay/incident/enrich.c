/*
 * Enrichment: see enrich-internal.h, and the states in tbl/life.def.
 */
#include "enrich-internal.h"

#include <stdlib.h>
#include <string.h>

#include "alert_trace-internal.h"
#include "tracepager/alert_log.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

struct enricher {
	struct incident_env env;
	struct turns *turns;
	struct enrich_ops ops;
	struct ruleset *rules;
	struct silence_set *silences;
	struct life_counts counts;
	size_t enrichments; /* that are not freed yet */
	bool closed;	    /* enricher_free() was called: the last enrichment frees the enricher */
};

struct enrichment {
	struct enricher *enricher;
	enum enrichment_state state;
	struct timer deadline; /* of the state */
	struct slice slice;    /* READY: to be decided */
	const char *key;
	void *arg;
	int64_t starts_us, begun_us;
	struct arena *arena;
	struct alert *alert;
	struct ruleset *rules;
	struct silence_set *silences; /* of the last decision; NULL: there was none */
	/* What it is about, and what was found. */
	struct signal signal;
	const struct signal_rule *signal_rule;
	bool has_signal;
	struct fetch_job *job; /* NULL: no look-up is under way */
	struct fetched_set **sets;
	size_t nsets;
	const struct trace **traces;
	unsigned int ntraces;
	enum fallback_code missing;
	const char *missing_text;
	const char *source;	/* its name: which had the traces; NULL: none */
	int64_t fetch_us;	/* how long they were looked for; -1: nothing was to be looked up */
	const char *trace_link; /* of the source that had the traces; NULL: the one of all */
	struct baseline *healthy; /* what the signal is like without a fault; NULL: nobody knows */
	struct baseline_waiter waiter;
	/* Fine traces of the same window: looked up once the others are there, and turned into
	 * evidence by the first decision, which frees the traces. */
	struct fetch_job *ordinary_job; /* NULL: no look-up is under way */
	struct fetched_set **ordinary_sets;
	const struct trace **ordinary_traces;
	size_t nordinary_sets, nordinary;
	struct evidence_set *ordinary; /* NULL: none */
	/* The decision. */
	struct decide_input input; /* all that a pool thread reads */
	struct decision decision;
	struct shared_text *text, *packed; /* of the decision; NULL: it was not written */
	unsigned int decisions;		   /* told to ops so far */
	unsigned int readers;		   /* enrichment_keep() */
	struct enrichment_trace *trace;	   /* of the relay's own traces; NULL: it is in none */
	bool in_pool;
};

static int64_t enrich_now_us(const struct enrichment *enrichment)
{
	return clock_mono_us(enrichment->enricher->env.clock);
}

/* ---- the relay's own traces ---- */

struct enrichment_trace {
	struct span_context root, fetch, ordinary; /* the look-ups' spans */
	/* mono: when each began; 0: it has not */
	int64_t locate_us, fetch_us, ordinary_us, decide_us;
	char text[SPAN_CONTEXT_SIZE]; /* the root */
};

static const struct span_context *enrichment_root(const struct enrichment *enrichment)
{
	static const struct span_context none;

	return enrichment->trace ? &enrichment->trace->root : &none;
}

static void enrichment_tell_located(const struct enrichment *enrichment, size_t nids)
{
	struct stage_span span;

	if (!enrichment->trace)
		return;
	span = stage_below(STAGE_LOCATE, &enrichment->trace->root, enrichment->trace->locate_us);
	if (enrichment->has_signal)
		stage_text(&span, STAGE_ATTR_SIGNAL, enrichment->signal.from);
	stage_number(&span, STAGE_ATTR_IDS, (int64_t)nids);
	stage_tell(enrichment->enricher->env.tracer, &span, enrich_now_us(enrichment));
}

/* A look-up begins; its requests are below the span that is returned. */
static struct span_context enrichment_begin_fetch(struct enrichment *enrichment, bool ordinary)
{
	struct enrichment_trace *trace = enrichment->trace;
	struct span_context span = { .span = 0 };

	if (!trace)
		return span;
	span = stage_child(enrichment->enricher->env.tracer, &trace->root);
	*(ordinary ? &trace->ordinary : &trace->fetch) = span;
	*(ordinary ? &trace->ordinary_us : &trace->fetch_us) = enrich_now_us(enrichment);
	return span;
}

/* result NULL: it was cancelled. */
static void enrichment_tell_fetched(struct enrichment *enrichment, bool ordinary,
				    const struct fetch_result *result)
{
	struct enrichment_trace *trace = enrichment->trace;
	struct stage_span span = { .stage = STAGE_FETCH };

	if (!trace)
		return;
	span.context = ordinary ? trace->ordinary : trace->fetch;
	span.began_us = ordinary ? trace->ordinary_us : trace->fetch_us;
	stage_text(&span, STAGE_ATTR_WANTED, ordinary ? "ordinary" : "failing");
	if (result) {
		stage_number(&span, STAGE_ATTR_TRACES, (int64_t)result->ntraces);
		stage_text(&span, STAGE_ATTR_SOURCE, result->source ? result->source->name : NULL);
		if (result->missing != FALLBACK_NONE)
			stage_text(&span, STAGE_ATTR_MISSING, fallback_code_name(result->missing));
	} else {
		span.error = "cancelled";
	}
	stage_tell(enrichment->enricher->env.tracer, &span, enrich_now_us(enrichment));
}

/* The spans that are at the top of the traces that were read. How many. */
static size_t enrichment_links(const struct enrichment *enrichment,
			       struct span_context links[LIMIT_TRACES_PER_ALERT])
{
	size_t n = 0;

	for (unsigned int i = 0; i < enrichment->ntraces && n < LIMIT_TRACES_PER_ALERT; i++) {
		const struct trace *trace = enrichment->traces[i];
		const struct span *root = &trace->spans[trace->first_root];
		n += span_context_of_ids(trace_text(trace, trace->id), trace_text(trace, root->id),
					 &links[n]);
	}
	return n;
}

void enrichment_tell_decided(struct enrichment *enrichment, const char *incident, bool late)
{
	struct span_context links[LIMIT_TRACES_PER_ALERT];
	size_t spans = 0;

	if (!enrichment->trace)
		return;
	struct stage_span span =
		stage_below(STAGE_DECIDE, &enrichment->trace->root, enrichment->trace->decide_us);
	for (unsigned int i = 0; i < enrichment->ntraces; i++)
		spans += enrichment->traces[i]->nspans;
	alert_trace_add_decision(&span, &enrichment->decision);
	stage_number(&span, STAGE_ATTR_TRACES, enrichment->ntraces);
	stage_number(&span, STAGE_ATTR_SPANS, (int64_t)spans);
	if (enrichment->input.healthy)
		stage_number(&span, STAGE_ATTR_HEALTHY, (int64_t)enrichment->input.healthy->n);
	stage_flag(&span, STAGE_ATTR_LATE, late);
	stage_text(&span, STAGE_ATTR_INCIDENT, incident);
	span.links = links;
	span.nlinks = enrichment_links(enrichment, links);
	stage_tell(enrichment->enricher->env.tracer, &span, enrich_now_us(enrichment));
}

/* ---- states ---- */

/* When the state ends by itself; 0: something else ends it. */
static int64_t enrichment_deadline_us(const struct enrichment *enrichment,
				      enum enrichment_state state)
{
	const struct incident_options *options = &enrichment->enricher->env.options;

	switch (state) {
	case ENRICHMENT_FETCHING:
	case ENRICHMENT_COMPARING:
		return enrichment->begun_us + options->enrich_us;
	case ENRICHMENT_EXTENDED:
		return enrich_now_us(enrichment) + LIMIT_ENRICH_EXTRA_US;
	case ENRICHMENT_LATE:
		return enrichment->begun_us + options->enrich_late_us + US_PER_SECOND;
	case ENRICHMENT_READY:
	case ENRICHMENT_DECIDING:
	case ENRICHMENT_DONE:
	case ENRICHMENT_ABANDONED:
	case ENRICHMENT_STATE_COUNT:
		break;
	}
	return 0;
}

static void enrichment_enter(struct enrichment *enrichment, enum enrichment_state state)
{
	struct enricher *enricher = enrichment->enricher;
	int64_t deadline_us = enrichment_deadline_us(enrichment, state);

	life_move(LIFE_ENRICHMENT, &enricher->counts, enrichment->state, state, enrichment->key);
	enrichment->state = state;
	timer_disarm(enricher->env.timers, &enrichment->deadline);
	if (deadline_us)
		timer_arm(enricher->env.timers, &enrichment->deadline, deadline_us);
	if (state == ENRICHMENT_READY)
		slice_add(enricher->turns, &enrichment->slice);
	else
		slice_remove(enricher->turns, &enrichment->slice);
}

static void enrichment_stop_ordinary(struct enrichment *enrichment)
{
	if (!enrichment->ordinary_job)
		return;
	fetch_cancel(enrichment->ordinary_job);
	enrichment->ordinary_job = NULL;
	enrichment_tell_fetched(enrichment, true, NULL);
}

static void enrichment_stop_looking(struct enrichment *enrichment)
{
	if (enrichment->job) {
		fetch_cancel(enrichment->job);
		enrichment_tell_fetched(enrichment, false, NULL);
	}
	enrichment->job = NULL;
	enrichment_stop_ordinary(enrichment);
	baselines_unwait(&enrichment->waiter);
}

static void enrichment_free_ordinary_traces(struct enrichment *enrichment)
{
	for (size_t i = 0; i < enrichment->nordinary_sets; i++)
		fetched_set_unref(enrichment->ordinary_sets[i]);
	free(enrichment->ordinary_sets);
	enrichment->ordinary_sets = NULL;
	enrichment->nordinary_sets = enrichment->nordinary = 0;
}

static void enricher_free_if_unused(struct enricher *enricher)
{
	if (enricher->closed && !enricher->enrichments)
		free(enricher);
}

/* Frees an enrichment that is dropped and that nobody reads; nothing else frees one. */
static void enrichment_free_if_unused(struct enrichment *enrichment)
{
	struct enricher *enricher = enrichment->enricher;

	if (enrichment->state != ENRICHMENT_ABANDONED || enrichment->in_pool || enrichment->readers)
		return;
	life_end(&enricher->counts, enrichment->state);
	baseline_unref(enrichment->healthy);
	for (size_t i = 0; i < enrichment->nsets; i++)
		fetched_set_unref(enrichment->sets[i]);
	free(enrichment->sets);
	enrichment_free_ordinary_traces(enrichment);
	evidence_free(enrichment->ordinary);
	rules_unref(enrichment->rules);
	silence_set_unref(enrichment->silences);
	shared_text_unref(enrichment->text);
	shared_text_unref(enrichment->packed);
	free(enrichment->alert);
	free(enrichment->trace);
	arena_free(enrichment->arena);
	free(enrichment);
	enricher->enrichments--;
	enricher_free_if_unused(enricher);
}

void enrichment_drop(struct enrichment *enrichment)
{
	if (!enrichment)
		return;
	enrichment_stop_looking(enrichment);
	enrichment_enter(enrichment, ENRICHMENT_ABANDONED);
	enrichment_free_if_unused(enrichment);
}

struct enrichment *enrichment_keep(struct enrichment *enrichment)
{
	enrichment->readers++;
	return enrichment;
}

void enrichment_give_back(struct enrichment *enrichment)
{
	if (!enrichment)
		return;
	enrichment->readers--;
	enrichment_free_if_unused(enrichment);
}

/* ---- the decision ---- */

static void enrichment_prepare(struct enrichment *enrichment)
{
	const struct incident_env *env = &enrichment->enricher->env;
	const char *trace_link =
		enrichment->trace_link ? enrichment->trace_link : env->options.trace_link;

	silence_set_unref(enrichment->silences);
	enrichment->silences = silence_set_ref(enrichment->enricher->silences);
	if (enrichment->nordinary && !enrichment->ordinary)
		enrichment->ordinary = evidence_new(LIMIT_BASELINE_BYTES);
	enrichment->input = (struct decide_input){
		.alert = enrichment->alert,
		.signal = enrichment->has_signal ? &enrichment->signal : NULL,
		.traces = enrichment->traces,
		.ntraces = enrichment->ntraces,
		.healthy = enrichment->healthy ? enrichment->healthy->evidence : NULL,
		.ordinary = enrichment->ordinary,
		.rules = enrichment->rules,
		.silences = enrichment->silences,
		.mode = WALK_AUTO,
		.now_us = clock_wall_us(env->clock),
		.missing = enrichment->missing,
		.missing_text = enrichment->missing_text,
		.trace_link = *trace_link ? trace_link : NULL,
	};
}

static void enrichment_count(const struct enrichment *enrichment)
{
	const struct decision *decision = &enrichment->decision;
	enum metric metric = METRIC_DECISIONS_FALLBACK;

	if (alert_synthetic(enrichment->alert))
		return;
	if (decision->no_page)
		metric = METRIC_DECISIONS_NO_PAGE;
	else if (decision->verdict.found)
		metric = METRIC_DECISIONS_SUSPECT;
	else if (decision_is_untraced(decision))
		metric = METRIC_DECISIONS_UNTRACED;
	metric_add(metric, 1);
	stage_observe_us(METRIC_ENRICH_TIME, enrich_now_us(enrichment) - enrichment->begun_us,
			 enrichment_root(enrichment));
}

static void enrichment_shadow_is_done(void *arg)
{
	enrichment_give_back(arg);
}

/* The shadow rules decide along, before the decision is applied, which changes it. */
static void enrichment_show_shadow(struct enrichment *enrichment)
{
	struct shadow *shadow = enrichment->enricher->env.shadow;
	struct shadow_case along = {
		.key = enrichment->key,
		.input = &enrichment->input,
		.decision = &enrichment->decision,
		.given_back = enrichment_shadow_is_done,
		.ctx = enrichment,
	};
	struct buf doc = BUF_INIT(LIMIT_ALERT_DOC_BYTES);

	if (!shadow || !shadow_wants(shadow) || alert_synthetic(enrichment->alert))
		return;
	alert_write(enrichment->alert, &doc);
	along.doc = buf_text(&doc);
	along.doc_len = doc.len;
	enrichment_input(enrichment, &along.trace_bytes);
	if (shadow_decide(shadow, &along))
		enrichment->readers++;
	buf_fini(&doc);
}

/* The decision stands: tell it to whoever started the enrichment. */
static void enrichment_tell(struct enrichment *enrichment)
{
	const struct enricher *enricher = enrichment->enricher;
	bool late = enrichment->decisions > 0;

	enrichment->decisions++;
	if (!late)
		enrichment_count(enrichment);
	if (enrichment->rules && !alert_synthetic(enrichment->alert))
		rules_count_hits(enrichment->rules, &enrichment->decision.trail);
	enrichment_show_shadow(enrichment);
	enrichment_enter(enrichment, enrichment->job ? ENRICHMENT_LATE : ENRICHMENT_DONE);
	enricher->ops.decided(enrichment->arg, enrichment, late);
}

/* Nobody is named, and what the signal is like without a fault would tell more: decided again when
 * that is known. */
static bool enrichment_compares_first(struct enrichment *enrichment)
{
	if (enrichment->decision.verdict.found || !enrichment->ntraces ||
	    enrichment->input.healthy || enrichment->decisions)
		return false;
	if (enrichment->healthy) {
		enrichment_enter(enrichment, ENRICHMENT_READY);
		return true;
	}
	if (!enrichment->waiter.waiting ||
	    enrich_now_us(enrichment) >=
		    enrichment->begun_us + enrichment->enricher->env.options.enrich_us)
		return false;
	enrichment_enter(enrichment, ENRICHMENT_COMPARING);
	return true;
}

static bool enrichment_has_trace(const struct enrichment *enrichment, const struct trace *trace)
{
	const char *id = trace_text(trace, trace->id);

	for (unsigned int i = 0; i < enrichment->ntraces; i++)
		if (strcmp(trace_text(enrichment->traces[i], enrichment->traces[i]->id), id) == 0)
			return true;
	return false;
}

/* Where time is what the alert is about, a trace that is long is not fine, though it did not fail.
 */
static void enrichment_take_ordinary(struct enrichment *enrichment)
{
	struct evidence_set *set = enrichment->ordinary;
	int64_t most_us = INT64_MAX;

	if (enrichment->signal.mode == WALK_LATENCY)
		most_us = evidence_p95_us(enrichment->input.healthy);
	for (size_t i = 0; i < enrichment->nordinary; i++)
		if (!enrichment_has_trace(enrichment, enrichment->ordinary_traces[i]) &&
		    evidence_add_sound(set, enrichment->ordinary_traces[i], &enrichment->signal) &&
		    set->at[set->n - 1].duration_us > most_us)
			set->n--;
}

static void enrichment_compute(void *arg)
{
	struct enrichment *enrichment = arg;

	if (enrichment->nordinary)
		enrichment_take_ordinary(enrichment);
	decide(enrichment->arena, &enrichment->input, &enrichment->decision);
	if (enrichment->trace)
		enrichment->decision.page.trace = enrichment->trace->text;
}

static void enrichment_computed(void *arg)
{
	struct enrichment *enrichment = arg;

	enrichment->in_pool = false;
	enrichment_free_ordinary_traces(enrichment);
	if (enrichment->state == ENRICHMENT_ABANDONED)
		enrichment_free_if_unused(enrichment);
	else if (enrichment_compares_first(enrichment))
		enrichment_tell_decided(enrichment, "", false); /* and once more later */
	else
		enrichment_tell(enrichment);
}

static void enrichment_decide(void *arg)
{
	struct enrichment *enrichment = arg;
	size_t spans = 0;

	enrichment_enter(enrichment, ENRICHMENT_DECIDING);
	if (enrichment->trace)
		enrichment->trace->decide_us = enrich_now_us(enrichment);
	for (unsigned int i = 0; i < enrichment->ntraces; i++)
		spans += enrichment->traces[i]->nspans;
	enrichment_prepare(enrichment);
	if (spans <= LIMIT_DECIDE_INLINE_SPANS && !(spans && enrichment->healthy) &&
	    !enrichment->nordinary) {
		enrichment_compute(enrichment);
		enrichment_computed(enrichment);
		return;
	}
	enrichment->in_pool = true;
	pool_submit(enrichment->enricher->env.pool, enrichment_compute, enrichment_computed,
		    enrichment);
}

/* ---- what ends a state ---- */

/* The signal's rule says how far back, else the rules' defaults, else the option. */
static int64_t enrichment_window_us(const struct enrichment *enrichment)
{
	const struct signal_rule *rule = enrichment->signal_rule;
	int64_t window_us = rule ? rule->window_us : rules_defaults(enrichment->rules)->window_us;

	return window_us ? window_us : enrichment->enricher->env.options.window_before_us;
}

static void enrichment_ready(struct enrichment *enrichment)
{
	if (enrichment->state != ENRICHMENT_READY)
		enrichment_enter(enrichment, ENRICHMENT_READY);
}

static void enrichment_ordinary_fetched(void *ctx, struct fetch_result *result)
{
	struct enrichment *enrichment = ctx;

	enrichment->ordinary_job = NULL;
	enrichment_tell_fetched(enrichment, true, result);
	enrichment->ordinary_sets = xcalloc(result->nsets + 1, sizeof(*enrichment->ordinary_sets));
	memcpy(enrichment->ordinary_sets, result->sets,
	       result->nsets * sizeof(*enrichment->ordinary_sets));
	enrichment->nordinary_sets = result->nsets;
	enrichment->ordinary_traces = arena_array(enrichment->arena, result->ntraces + 1,
						  sizeof(*enrichment->ordinary_traces));
	memcpy(enrichment->ordinary_traces, result->traces,
	       result->ntraces * sizeof(*enrichment->ordinary_traces));
	enrichment->nordinary = result->ntraces;
	enrichment_enter(enrichment, ENRICHMENT_READY);
}

/* Fine traces of the same window tell what differs. Not asked for if nothing is to be compared, and
 * not where the budget has no time for them. Of a signal about time, the healthy traces tell which
 * are fine. */
static bool enrichment_ask_for_ordinary(struct enrichment *enrichment)
{
	const struct incident_env *env = &enrichment->enricher->env;
	int64_t now_us = enrich_now_us(enrichment);
	int64_t until_us = enrichment->begun_us + env->options.enrich_us - LIMIT_LOOKUP_LAST_US;
	struct fetch_request request = {
		.signal = &enrichment->signal,
		.from_us = enrichment->starts_us - enrichment_window_us(enrichment),
		.to_us = clock_wall_us(env->clock),
		.healthy = true,
		.ordinary = true,
		.limit = LIMIT_ORDINARY_TRACES,
		.deadline_us = now_us + LIMIT_ORDINARY_US,
	};

	if (!env->baselines || !enrichment->has_signal || !enrichment->ntraces ||
	    now_us >= until_us || (enrichment->signal.mode == WALK_LATENCY && !enrichment->healthy))
		return false;
	if (request.deadline_us > until_us)
		request.deadline_us = until_us;
	request.extra_names = rules_attr_names(enrichment->rules, &request.nextra_names);
	request.trace = enrichment_begin_fetch(enrichment, true);
	enrichment->ordinary_job =
		fetch_start(env->fetch, &request, enrichment_ordinary_fetched, enrichment);
	return true;
}

static void enrichment_fetched(void *ctx, struct fetch_result *result)
{
	struct enrichment *enrichment = ctx;

	enrichment->job = NULL;
	enrichment_tell_fetched(enrichment, false, result);
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
	enrichment->source = result->source ? result->source->name : NULL;
	enrichment->fetch_us = enrich_now_us(enrichment) - enrichment->begun_us;
	if (enrichment->state == ENRICHMENT_LATE && !enrichment->ntraces)
		enrichment_enter(enrichment, ENRICHMENT_DONE); /* the page that left stands */
	else if ((enrichment->state != ENRICHMENT_FETCHING &&
		  enrichment->state != ENRICHMENT_EXTENDED) ||
		 !enrichment_ask_for_ordinary(enrichment))
		enrichment_ready(enrichment);
}

static void enrichment_healthy_known(void *arg)
{
	struct enrichment *enrichment = arg;

	enrichment->healthy =
		baselines_get(enrichment->enricher->env.baselines, &enrichment->signal, NULL);
	if (enrichment->state == ENRICHMENT_COMPARING)
		enrichment_enter(enrichment, ENRICHMENT_READY);
}

/* The budget is spent: decide with what is known. The look-up goes on, and may improve the page. */
static void enrichment_go_without(struct enrichment *enrichment)
{
	const char *why;
	double waited_s = (double)(enrich_now_us(enrichment) - enrichment->begun_us) / 1e6;

	if (enrichment->ordinary_job) { /* the alert's own traces are there */
		enrichment_stop_ordinary(enrichment);
		enrichment_enter(enrichment, ENRICHMENT_READY);
		return;
	}
	enrichment->missing = fetch_explain(enrichment->job, &why);
	enrichment->fetch_us = enrich_now_us(enrichment) - enrichment->begun_us;
	/* A source that has no such trace says for how long it was asked. */
	enrichment->missing_text =
		enrichment->missing == FALLBACK_NO_TRACE
			? arena_strdup(enrichment->arena, why)
			: arena_printf(enrichment->arena, "%s (waited %.1f s)", why, waited_s);
	enrichment_enter(enrichment, ENRICHMENT_READY);
}

static void enrichment_due(void *arg)
{
	struct enrichment *enrichment = arg;

	switch (enrichment->state) {
	case ENRICHMENT_FETCHING:
		if (enrichment->job && fetch_is_shared(enrichment->job)) {
			enrichment_enter(enrichment, ENRICHMENT_EXTENDED);
			break;
		}
		baselines_unwait(&enrichment->waiter);
		enrichment_go_without(enrichment);
		break;
	case ENRICHMENT_EXTENDED:
		baselines_unwait(&enrichment->waiter);
		enrichment_go_without(enrichment);
		break;
	case ENRICHMENT_COMPARING:
		baselines_unwait(&enrichment->waiter);
		enrichment_tell(enrichment);
		break;
	case ENRICHMENT_LATE:
		enrichment_stop_looking(enrichment);
		enrichment_enter(enrichment, ENRICHMENT_DONE);
		break;
	case ENRICHMENT_READY:
	case ENRICHMENT_DECIDING:
	case ENRICHMENT_DONE:
	case ENRICHMENT_ABANDONED:
	case ENRICHMENT_STATE_COUNT:
		abort(); /* these have no deadline of their own */
	}
}

/* ---- the start ---- */

static struct enrichment *enrichment_new(struct enricher *enricher,
					 const struct enrich_order *order)
{
	struct enrichment *enrichment = xcalloc(1, sizeof(*enrichment));

	enrichment->enricher = enricher;
	enrichment->state = ENRICHMENT_FETCHING;
	life_begin(&enricher->counts, enrichment->state);
	enricher->enrichments++;
	enrichment->deadline = (struct timer){ .fire = enrichment_due, .arg = enrichment };
	enrichment->slice = (struct slice){ .run = enrichment_decide, .arg = enrichment };
	enrichment->key = order->key;
	enrichment->arg = order->arg;
	enrichment->starts_us = order->starts_us;
	enrichment->begun_us = order->begun_us;
	enrichment->fetch_us = -1;
	enrichment->arena = arena_new(LIMIT_ENRICHMENT_BYTES);
	enrichment->alert = alert_dup(order->alert);
	enrichment->rules = rules_ref(enricher->rules);
	if (span_context_is_set(&order->trace)) {
		enrichment->trace = xcalloc(1, sizeof(*enrichment->trace));
		enrichment->trace->root = order->trace;
		span_context_write(&order->trace, enrichment->trace->text);
	}
	return enrichment;
}

/* Is there anything to look up? An alert that is not about a traced operation waits for nothing,
 * and neither does one that a silence or a route keeps from being paged. */
static bool enrichment_wants_traces(struct enrichment *enrichment, const char **ids,
				    size_t *ret_nids)
{
	const struct alert *alert = enrichment->alert;
	const struct silence_subject subject = { .labels = &alert->labels };
	int64_t now_us = clock_wall_us(enrichment->enricher->env.clock);
	bool unpaged = silence_set_find(enrichment->enricher->silences, &subject, now_us) ||
		       rules_unpaged(enrichment->rules, alert, now_us);

	if (enrichment->trace)
		enrichment->trace->locate_us = enrich_now_us(enrichment);
	enrichment->has_signal =
		decide_signal(enrichment->arena, alert, enrichment->rules, NULL, NULL, NULL,
			      &enrichment->signal, &enrichment->signal_rule);
	*ret_nids = locate_trace_ids(enrichment->arena, alert, ids, LIMIT_TRACE_IDS_PER_ALERT);
	return (enrichment->has_signal || *ret_nids) && !unpaged &&
	       alert_synthetic(alert) != SYNTHETIC_SELF;
}

/* Where time is what the alert is about, only traces that are long for the signal say anything. */
static void enrichment_ask_for_healthy(struct enrichment *enrichment, struct fetch_request *request)
{
	struct baselines *baselines = enrichment->enricher->env.baselines;

	if (!baselines || !enrichment->has_signal)
		return;
	enrichment->waiter =
		(struct baseline_waiter){ .ready = enrichment_healthy_known, .arg = enrichment };
	enrichment->healthy = baselines_get(baselines, &enrichment->signal, &enrichment->waiter);
	if (enrichment->healthy && enrichment->signal.mode == WALK_LATENCY)
		request->min_duration_us = evidence_p95_us(enrichment->healthy->evidence);
}

/* As many traces as the signal's rule says, else the rules' defaults, else 10. */
static unsigned int enrichment_trace_count(const struct enrichment *enrichment)
{
	unsigned int traces = enrichment->has_signal ? enrichment->signal.traces : 0;

	if (!traces)
		traces = rules_defaults(enrichment->rules)->traces;
	return traces ? traces : LIMIT_TRACES_DEFAULT;
}

static void enrichment_fetch(struct enrichment *enrichment, const char **ids, size_t nids)
{
	const struct incident_env *env = &enrichment->enricher->env;
	struct fetch_request request = {
		.trace_ids = ids,
		.ntrace_ids = nids,
		.signal = enrichment->has_signal ? &enrichment->signal : NULL,
		.expr = locate_expr(enrichment->arena, enrichment->alert),
		.labels = &enrichment->alert->labels,
		.from_us = enrichment->starts_us - enrichment_window_us(enrichment),
		.to_us = clock_wall_us(env->clock),
		.limit = enrichment_trace_count(enrichment),
		.deadline_us = enrichment->begun_us + env->options.enrich_late_us,
		/* Before the budget is spent, not after. */
		.enough_us = enrichment->begun_us + env->options.enrich_us - LIMIT_LOOKUP_LAST_US,
	};

	enrichment_ask_for_healthy(enrichment, &request);
	request.extra_names = rules_attr_names(enrichment->rules, &request.nextra_names);
	if (env->shadow)
		request.extra_names =
			shadow_attr_names(env->shadow, enrichment->arena, request.extra_names,
					  request.nextra_names, &request.nextra_names);
	request.trace = enrichment_begin_fetch(enrichment, false);
	enrichment->job = fetch_start(env->fetch, &request, enrichment_fetched, enrichment);
	timer_arm(env->timers, &enrichment->deadline,
		  enrichment_deadline_us(enrichment, ENRICHMENT_FETCHING));
}

static void enrichment_decide_now(struct enrichment *enrichment)
{
	enrichment_enter(enrichment, ENRICHMENT_READY);
	enrichment_decide(enrichment);
}

bool enrichment_decide_at_once(struct enricher *enricher, const struct enrich_order *order,
			       struct enrichment **slot)
{
	struct enrichment *enrichment = enrichment_new(enricher, order);
	const char *ids[LIMIT_TRACE_IDS_PER_ALERT];
	size_t nids;

	if (enrichment_wants_traces(enrichment, ids, &nids)) {
		enrichment_drop(enrichment);
		return false;
	}
	enrichment_tell_located(enrichment, nids);
	*slot = enrichment;
	enrichment_decide_now(enrichment);
	return true;
}

void enrichment_decide_without(struct enricher *enricher, const struct enrich_order *order,
			       const char *why, struct enrichment **slot)
{
	struct enrichment *enrichment = enrichment_new(enricher, order);
	const char *ids[LIMIT_TRACE_IDS_PER_ALERT];
	size_t nids;

	if (enrichment_wants_traces(enrichment, ids, &nids)) {
		enrichment->missing = order->crashed ? FALLBACK_CRASHED : FALLBACK_BUDGET_SPENT;
		enrichment->missing_text = arena_strdup(enrichment->arena, why);
	}
	enrichment_tell_located(enrichment, nids);
	*slot = enrichment;
	enrichment_decide_now(enrichment);
}

void enrichment_start(struct enricher *enricher, const struct enrich_order *order,
		      struct enrichment **slot)
{
	struct enrichment *enrichment;
	const char *ids[LIMIT_TRACE_IDS_PER_ALERT];
	size_t nids;

	if (order->crashed) {
		log_error("alert is paged without traces: processing it ended the program twice",
			  LOG_ALERT(order->key, order->alert));
		enrichment_decide_without(
			enricher, order,
			"processing this alert ended the program twice; its traces were left alone",
			slot);
		return;
	}
	*slot = enrichment = enrichment_new(enricher, order);
	const bool wants = enrichment_wants_traces(enrichment, ids, &nids);
	enrichment_tell_located(enrichment, nids);
	if (wants)
		enrichment_fetch(enrichment, ids, nids);
	else
		enrichment_decide_now(enrichment);
}

/* ---- what others see ---- */

bool enrichment_is_late(const struct enrichment *enrichment)
{
	return enrichment->state == ENRICHMENT_LATE;
}

struct arena *enrichment_arena(const struct enrichment *enrichment)
{
	return enrichment->arena;
}

struct decision *enrichment_decision(struct enrichment *enrichment)
{
	return &enrichment->decision;
}

void enrichment_set_text(struct enrichment *enrichment, struct shared_text *text,
			 struct shared_text *packed)
{
	shared_text_unref(enrichment->text);
	shared_text_unref(enrichment->packed);
	enrichment->text = text;
	enrichment->packed = packed;
}

struct shared_text *enrichment_text(const struct enrichment *enrichment)
{
	return enrichment->text;
}

struct shared_text *enrichment_packed(const struct enrichment *enrichment)
{
	return enrichment->packed;
}

struct ruleset *enrichment_rules(const struct enrichment *enrichment)
{
	return enrichment->rules;
}

void enrichment_sight(const struct enrichment *enrichment, struct incident_sight *sight)
{
	sight->source = enrichment->source;
	sight->ntraces = enrichment->ntraces;
	sight->fetch_us = enrichment->fetch_us;
	sight->missing = enrichment->missing;
	sight->missing_text = enrichment->missing_text;
}

const struct decide_input *enrichment_input(const struct enrichment *enrichment, size_t *ret_bytes)
{
	*ret_bytes = 0;
	for (size_t i = 0; i < enrichment->nsets; i++)
		*ret_bytes += enrichment->sets[i]->set->bytes;
	return &enrichment->input;
}

struct enricher *enricher_new(const struct incident_env *env, struct turns *turns,
			      const struct enrich_ops *ops, struct ruleset *rules)
{
	struct enricher *enricher = xcalloc(1, sizeof(*enricher));

	enricher->env = *env;
	enricher->turns = turns;
	enricher->ops = *ops;
	enricher->rules = rules_ref(rules);
	return enricher;
}

void enricher_free(struct enricher *enricher)
{
	if (!enricher)
		return;
	rules_unref(enricher->rules);
	silence_set_unref(enricher->silences);
	enricher->closed = true;
	enricher_free_if_unused(enricher);
}

void enricher_set_rules(struct enricher *enricher, struct ruleset *rules)
{
	rules_unref(enricher->rules);
	enricher->rules = rules_ref(rules);
}

void enricher_set_silences(struct enricher *enricher, struct silence_set *silences)
{
	silence_set_ref(silences);
	silence_set_unref(enricher->silences);
	enricher->silences = silences;
}

const struct silence_set *enricher_silences(const struct enricher *enricher)
{
	return enricher->silences;
}

struct ruleset *enricher_rules(const struct enricher *enricher)
{
	return enricher->rules;
}

const struct life_counts *enricher_counts(const struct enricher *enricher)
{
	return &enricher->counts;
}
