/*
 * Record: what an alert was decided by, written down behind its page: the decision, the alert, the
 * traces and the healthy evidence, and the rules. So that it can be looked back on, and decided
 * again under other rules.
 *
 * Nothing waits for it. Records gather for a moment; the pool encodes and packs one handful at a
 * time, so that a thread is left for alerts that are being decided; the rows go to disk with the
 * store's next group. If the program dies between, the page has left and only the record is
 * missing. While they wait, recorder keep the memory of their traces: of that there is a limit, and
 * beyond it traces are not kept.
 *
 * Owns the records that wait or are in the pool.
 */
#include "record-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/history.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/pack.h"
#include "tracepager/trace_encode.h"
#include "tracepager/xalloc.h"

STAILQ_HEAD(record_list, record);

struct record {
	STAILQ_ENTRY(record) link;
	int64_t at_us;
	const char *alert_key, *incident, *team;
	char *alert; /* text */
	size_t alert_len;
	struct shared_text *doc, *doc_shared; /* the decision as text, or packed already */
	size_t bytes;			      /* charged while it waits */
	struct ruleset *rules;		      /* a reference */
	bool with_rules;		      /* their texts are written too */
	struct enrichment *rest;	      /* what the rest lies in; NULL: there is none */
	const struct trace *const *traces;
	const struct walk *walks;
	unsigned int ntraces, nwalks;
	const struct evidence_set *healthy, *ordinary;
	/* What the pool makes of it. */
	enum stored_traces kept;
	struct buf alert_packed, doc_packed, traces_packed, healthy_packed, rules_packed;
	char names[]; /* what alert_key, incident and team point to */
};

/* A handful in the pool. */
struct record_job {
	struct recorder *owner; /* NULL: gone meanwhile */
	struct record_list list;
	size_t bytes;
};

struct recorder {
	struct turns *turns;
	struct pool *pool;
	const struct clock *clock;
	struct timers *timers;
	struct timer gather; /* armed while records wait and no job is in the pool */
	struct record_list waiting;
	size_t nwaiting, waiting_bytes;
	bool ending;		/* records do not gather any longer */
	struct record_job *job; /* NULL: none is in the pool */
	size_t bytes;		/* of both */
	char noted_rules[65];	/* hash of the rules whose texts were written last, and when */
	int64_t noted_us;
};

static void record_free(struct record *record)
{
	struct buf *bufs[] = { &record->alert_packed, &record->doc_packed, &record->traces_packed,
			       &record->healthy_packed, &record->rules_packed };

	for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
		buf_fini(bufs[i]);
	enrichment_give_back(record->rest);
	rules_unref(record->rules);
	free(record->alert);
	shared_text_unref(record->doc);
	shared_text_unref(record->doc_shared);
	free(record);
}

static void record_free_list(struct record_list *list)
{
	struct record *record;

	while ((record = STAILQ_FIRST(list))) {
		STAILQ_REMOVE_HEAD(list, link);
		record_free(record);
	}
}

/* ---- in the pool ---- */

static const struct walk *record_walk_of(const struct record *record, const struct trace *trace)
{
	for (unsigned int i = 0; i < record->nwalks; i++)
		if (record->walks[i].trace == trace)
			return &record->walks[i];
	return NULL;
}

static void record_mark_above(const struct trace *trace, uint32_t span, bool *keep)
{
	while (span != TRACE_NONE && !keep[span]) {
		keep[span] = true;
		span = trace->spans[span].parent;
	}
}

/* The walk's path, what is above it, and what stands beside each of its spans. */
static void record_mark_path(const struct walk *walk, bool *keep)
{
	const struct trace *trace = walk->trace;

	for (uint32_t i = 0; i < walk->npath; i++) {
		record_mark_above(trace, walk->path[i], keep);
		uint32_t parent = trace->spans[walk->path[i]].parent;
		uint32_t at = parent == TRACE_NONE ? TRACE_NONE : trace->spans[parent].first_child;
		for (; at != TRACE_NONE; at = trace->spans[at].next_sibling)
			keep[at] = true;
	}
}

static void record_encode_paths(const struct record *record, const struct trace *trace,
				struct buf *out)
{
	const struct walk *walk = record_walk_of(record, trace);
	struct trace cut = *trace;

	if (!walk || !trace->nspans)
		return;
	CLEANUP_FREE bool *keep = xcalloc(trace->nspans, sizeof(*keep));
	record_mark_path(walk, keep);
	cut.spans = xrealloc_array(NULL, trace->nspans, sizeof(*cut.spans));
	cut.nspans = 0;
	for (uint32_t i = 0; i < trace->nspans; i++)
		if (keep[i])
			cut.spans[cut.nspans++] = trace->spans[i];
	trace_encode_otlp(&cut, out);
	free(cut.spans);
}

/* One message a trace: a set says of all its traces together whether one is partial, so that they
 * must not become one. */
static bool record_pack_traces(struct record *record, bool whole)
{
	struct buf all = BUF_INIT(LIMIT_STORED_TRACES_RAW_BYTES);

	for (unsigned int i = 0; i < record->ntraces && !all.failed; i++) {
		struct buf one = BUF_INIT(LIMIT_STORED_TRACES_RAW_BYTES);
		const struct trace *trace = record->traces[i];
		if (whole)
			trace_encode_otlp(trace, &one);
		else
			record_encode_paths(record, trace, &one);
		if (one.failed)
			all.failed = true;
		else if (one.len)
			pack_message(one.data, one.len, &all);
		buf_fini(&one);
	}
	bool fits = !all.failed && all.len > 0;
	if (fits) {
		buf_fini(&record->traces_packed);
		buf_init(&record->traces_packed, LIMIT_STORED_TRACES_BYTES);
		pack_add(all.data, all.len, &record->traces_packed);
		fits = !record->traces_packed.failed;
	}
	buf_fini(&all);
	return fits;
}

static void record_pack_rest(struct record *record)
{
	if (record->ntraces) {
		record->kept = record_pack_traces(record, true)	   ? STORED_TRACES_WHOLE
			       : record_pack_traces(record, false) ? STORED_TRACES_PATHS
								   : STORED_TRACES_LOST;
		if (record->kept == STORED_TRACES_LOST)
			buf_reset(&record->traces_packed);
	}
	if (record->healthy || record->ordinary) {
		struct buf plain = BUF_INIT(LIMIT_STORED_TRACES_RAW_BYTES);
		evidence_encode_both(record->healthy, record->ordinary, &plain);
		if (!plain.failed)
			pack_add(plain.data, plain.len, &record->healthy_packed);
		if (plain.failed || record->healthy_packed.failed)
			buf_reset(&record->healthy_packed);
		buf_fini(&plain);
	}
}

static void record_pack_rules(struct record *record)
{
	size_t n;
	const struct rule_text *texts = rules_texts(record->rules, &n);
	struct rule_file *files = xcalloc(n + 1, sizeof(*files));

	for (size_t i = 0; i < n; i++)
		files[i] = (struct rule_file){ texts[i].name, texts[i].text, texts[i].len };
	rule_texts_pack(files, n, &record->rules_packed);
	free(files);
}

static void recorder_pack(void *arg)
{
	struct record_job *job = arg;
	struct record *record;

	STAILQ_FOREACH (record, &job->list, link) {
		buf_init(&record->alert_packed, LIMIT_ALERT_DOC_BYTES);
		buf_init(&record->doc_packed, LIMIT_DECISION_BYTES);
		buf_init(&record->traces_packed, LIMIT_STORED_TRACES_BYTES);
		buf_init(&record->healthy_packed, LIMIT_STORED_TRACES_BYTES);
		buf_init(&record->rules_packed, LIMIT_RULES_BYTES);
		pack_add(record->alert, record->alert_len, &record->alert_packed);
		if (record->doc)
			pack_add(record->doc->text, record->doc->len, &record->doc_packed);
		record_pack_rest(record);
		if (record->with_rules)
			record_pack_rules(record);
	}
}

/* ---- on the loop ---- */

static void record_put(struct recorder *recorder, const struct record *record)
{
	struct store_batch *batch = turns_later_batch(recorder->turns);
	const struct shared_text *shared = record->doc_shared;
	const struct stored_decision row = {
		.alert_key = record->alert_key,
		.incident = record->incident,
		.team = record->team,
		.rules = rules_hash(record->rules),
		.at_us = record->at_us,
		.alert = buf_text(&record->alert_packed),
		.alert_len = record->alert_packed.len,
		.doc = shared ? shared->text : buf_text(&record->doc_packed),
		.doc_len = shared ? shared->len : record->doc_packed.len,
		.kept = record->kept,
		.traces = buf_text(&record->traces_packed),
		.traces_len = record->traces_packed.len,
		.healthy = buf_text(&record->healthy_packed),
		.healthy_len = record->healthy_packed.len,
	};

	if (record->with_rules && !record->rules_packed.failed)
		store_put_rules(batch,
				&(struct stored_rules){ .hash = rules_hash(record->rules),
							.at_us = record->at_us,
							.texts = buf_text(&record->rules_packed),
							.texts_len = record->rules_packed.len });
	store_put_decision(batch, &row);
}

static void recorder_consider(struct recorder *recorder);

static void recorder_ran(void *arg)
{
	struct record_job *job = arg;
	struct recorder *recorder = job->owner;
	const struct record *record;

	if (recorder) {
		STAILQ_FOREACH (record, &job->list, link)
			record_put(recorder, record);
		recorder->bytes -= job->bytes;
		recorder->job = NULL;
		recorder_consider(recorder);
	}
	record_free_list(&job->list);
	free(job);
}

static void recorder_start(void *arg)
{
	struct recorder *recorder = arg;
	struct record *record;
	struct record_job *job = xcalloc(1, sizeof(*job));
	job->owner = recorder;
	STAILQ_INIT(&job->list);
	for (size_t n = 0; n < LIMIT_RECORDS_PER_JOB && job->bytes < LIMIT_RECORDS_JOB_BYTES &&
			   (record = STAILQ_FIRST(&recorder->waiting));
	     n++) {
		STAILQ_REMOVE_HEAD(&recorder->waiting, link);
		STAILQ_INSERT_TAIL(&job->list, record, link);
		job->bytes += record->bytes;
		recorder->nwaiting--;
	}
	recorder->waiting_bytes -= job->bytes;
	recorder->job = job;
	timer_disarm(recorder->timers, &recorder->gather);
	pool_submit(recorder->pool, recorder_pack, recorder_ran, job);
}

/* A whole job does not wait any longer. */
static void recorder_consider(struct recorder *recorder)
{
	if (recorder->job || STAILQ_EMPTY(&recorder->waiting))
		return;
	if (recorder->ending || recorder->nwaiting >= LIMIT_RECORDS_PER_JOB ||
	    recorder->waiting_bytes >= LIMIT_RECORDS_JOB_BYTES)
		recorder_start(recorder);
	else if (!recorder->gather.slot)
		timer_arm(recorder->timers, &recorder->gather,
			  clock_mono_us(recorder->clock) + LIMIT_RECORDS_GATHER_US);
}

/* The traces and what was walked in them stay where they are until they are written down. */
static void record_keep_rest(struct recorder *recorder, struct record *record,
			     struct enrichment *enrichment)
{
	size_t bytes;
	const struct decide_input *input = enrichment_input(enrichment, &bytes);
	const struct decision *decision = enrichment_decision(enrichment);

	if (!input->ntraces && !input->healthy)
		return;
	if (recorder->bytes + record->bytes + bytes > LIMIT_RECORDS_WAITING_BYTES) {
		record->kept = input->ntraces ? STORED_TRACES_LOST : STORED_TRACES_NONE;
		metric_add(METRIC_TRACES_NOT_KEPT, 1);
		return;
	}
	record->traces = input->traces;
	record->ntraces = input->ntraces;
	record->healthy = input->healthy;
	record->ordinary = input->ordinary;
	record->walks = decision->walks;
	record->nwalks = decision->nwalks;
	record->rest = enrichment_keep(enrichment);
	record->bytes += bytes;
}

/* The texts of the rules are written at first, when they change, and once a day. */
static bool record_note_rules(struct recorder *recorder, const struct ruleset *rules,
			      int64_t now_us)
{
	const char *hash = rules_hash(rules);

	if (strcmp(recorder->noted_rules, hash) == 0 &&
	    now_us - recorder->noted_us < LIMIT_RULES_NOTED_US)
		return false;
	snprintf(recorder->noted_rules, sizeof(recorder->noted_rules), "%s", hash);
	recorder->noted_us = now_us;
	return true;
}

static struct shared_text *record_write_decision(const struct decision *decision)
{
	struct buf doc = BUF_INIT(LIMIT_DECISION_BYTES);

	decision_write(decision, &doc);
	if (doc.failed) {
		buf_reset(&doc);
		buf_puts(&doc, "{}");
	}
	return shared_text_take(&doc);
}

static void record_take_texts(struct record *record, const struct record_order *order,
			      const struct decision *decision)
{
	struct buf alert = BUF_INIT(LIMIT_ALERT_DOC_BYTES);

	alert_write(order->alert, &alert);
	/* It is written and packed already where there is a page. */
	if (decision->page.decision)
		record->doc_shared = shared_text_ref(enrichment_packed(order->enrichment));
	if (!record->doc_shared)
		record->doc = record_write_decision(decision);
	record->alert_len = alert.len;
	record->alert = buf_take(&alert);
	record->bytes = sizeof(*record) + record->alert_len +
			(record->doc ? record->doc->len : record->doc_shared->len);
}

/* With its names behind it. */
static struct record *record_new(const struct record_order *order, const struct decision *decision)
{
	const char *const team = decision->team ? decision->team->name : "";
	const size_t key_size = strlen(order->alert_key) + 1,
		     incident_size = strlen(order->incident) + 1, team_size = strlen(team) + 1;
	struct record *record = xcalloc(1, sizeof(*record) + key_size + incident_size + team_size);
	char *at = record->names;

	record->alert_key = memcpy(at, order->alert_key, key_size);
	record->incident = memcpy(at + key_size, order->incident, incident_size);
	record->team = memcpy(at + key_size + incident_size, team, team_size);
	return record;
}

void record_decision(struct recorder *recorder, const struct record_order *order)
{
	struct record *record = record_new(order, enrichment_decision(order->enrichment));

	record->at_us = clock_wall_us(recorder->clock);
	record->rules = rules_ref(enrichment_rules(order->enrichment));
	record_take_texts(record, order, enrichment_decision(order->enrichment));
	if (recorder->bytes + record->bytes > 2 * LIMIT_RECORDS_WAITING_BYTES) {
		metric_add(METRIC_RECORDS_LOST, 1);
		record_free(record);
		return;
	}
	record_keep_rest(recorder, record, order->enrichment);
	record->with_rules = record_note_rules(recorder, record->rules, record->at_us);
	recorder->bytes += record->bytes;
	recorder->waiting_bytes += record->bytes;
	recorder->nwaiting++;
	STAILQ_INSERT_TAIL(&recorder->waiting, record, link);
	recorder_consider(recorder);
}

struct recorder *recorder_new(const struct incident_env *env, struct turns *turns)
{
	struct recorder *recorder = xcalloc(1, sizeof(*recorder));

	recorder->turns = turns;
	recorder->pool = env->pool;
	recorder->clock = env->clock;
	recorder->timers = env->timers;
	recorder->gather = (struct timer){ .fire = recorder_start, .arg = recorder };
	STAILQ_INIT(&recorder->waiting);
	return recorder;
}

void recorder_end(struct recorder *recorder)
{
	recorder->ending = true;
	recorder_consider(recorder);
}

bool recorder_busy(const struct recorder *recorder)
{
	return recorder->job || !STAILQ_EMPTY(&recorder->waiting);
}

void recorder_free(struct recorder *recorder)
{
	if (!recorder)
		return;
	if (recorder->job)
		recorder->job->owner = NULL;
	timer_disarm(recorder->timers, &recorder->gather);
	record_free_list(&recorder->waiting);
	free(recorder);
}
