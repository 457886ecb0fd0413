/*
 * Record: what an alert was decided by, written down behind its page: the decision, the alert, the
 * traces and the healthy evidence, and the rules. So that it can be looked back on, and decided
 * again under other rules.
 *
 * Nothing waits for it. The pool encodes and packs one handful at a time, so that a thread is left
 * for alerts that are being decided; the rows join the store's group of the turn in which they are
 * ready. If the program dies between, the page has left and only the record is missing. While they
 * wait, records keep the memory of their traces: of that there is a limit, and beyond it traces are
 * not kept.
 *
 * Owns the records that wait or are in the pool.
 */
#include "incident-internal.h"

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

#define DECISION_DOC_BYTES LIMIT_DECISION_BYTES
/* Packed in one job: a millisecond or two of the small ones. */
#define HANDFUL 32
/* The rules in use are noted so often. */
#define RULES_AGAIN_US US_PER_DAY
/* Packed: never larger than what it was by more than a few bytes. */
#define ALERT_PACKED_BYTES (8u << 20)
#define RULES_PACKED_BYTES LIMIT_RULES_BYTES

struct record {
	STAILQ_ENTRY(record) link;
	int64_t at_us;
	char *alert_key, *incident, *team;
	char *alert, *doc; /* texts */
	size_t alert_len, doc_len;
	size_t bytes;		 /* charged while it waits */
	struct ruleset *rules;	 /* a reference */
	bool with_rules;	 /* their texts are written too */
	struct enrichment *rest; /* what the rest lies in; NULL: there is none */
	const struct trace *const *traces;
	const struct walk *walks;
	unsigned int ntraces, nwalks;
	const struct evidence_set *healthy;
	/* What the pool makes of it. */
	enum stored_traces kept;
	struct buf alert_packed, doc_packed, traces_packed, healthy_packed, rules_packed;
};

/* A handful in the pool. */
struct record_job {
	struct incidents *owner; /* NULL: gone meanwhile */
	struct record_list list;
	size_t bytes;
};

static void record_free(struct record *record)
{
	struct buf *bufs[] = { &record->alert_packed, &record->doc_packed, &record->traces_packed,
			       &record->healthy_packed, &record->rules_packed };

	for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
		buf_fini(bufs[i]);
	enrichment_give_back(record->rest);
	rules_unref(record->rules);
	free(record->alert_key);
	free(record->incident);
	free(record->team);
	free(record->alert);
	free(record->doc);
	free(record);
}

static void free_list(struct record_list *list)
{
	struct record *record;

	while ((record = STAILQ_FIRST(list))) {
		STAILQ_REMOVE_HEAD(list, link);
		record_free(record);
	}
}

/* ---- in the pool ---- */

static const struct walk *walk_of(const struct record *record, const struct trace *trace)
{
	for (unsigned int i = 0; i < record->nwalks; i++)
		if (record->walks[i].trace == trace)
			return &record->walks[i];
	return NULL;
}

static void mark_above(const struct trace *trace, uint32_t span, bool *keep)
{
	while (span != TRACE_NONE && !keep[span]) {
		keep[span] = true;
		span = trace->spans[span].parent;
	}
}

/* The walk's path, what is above it, and what stands beside each of its spans. */
static void mark_path(const struct walk *walk, bool *keep)
{
	const struct trace *trace = walk->trace;

	for (uint32_t i = 0; i < walk->npath; i++) {
		mark_above(trace, walk->path[i], keep);
		uint32_t parent = trace->spans[walk->path[i]].parent;
		uint32_t at = parent == TRACE_NONE ? TRACE_NONE : trace->spans[parent].first_child;
		for (; at != TRACE_NONE; at = trace->spans[at].next_sibling)
			keep[at] = true;
	}
}

static void encode_paths(const struct record *record, const struct trace *trace, struct buf *out)
{
	const struct walk *walk = walk_of(record, trace);
	struct trace cut = *trace;

	if (!walk || !trace->nspans)
		return;
	CLEANUP_FREE bool *keep = xcalloc(trace->nspans, sizeof(*keep));
	mark_path(walk, keep);
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
static bool pack_traces(struct record *record, bool whole)
{
	struct buf all = BUF_INIT(LIMIT_STORED_TRACES_RAW_BYTES);

	for (unsigned int i = 0; i < record->ntraces && !all.failed; i++) {
		struct buf one = BUF_INIT(LIMIT_STORED_TRACES_RAW_BYTES);
		const struct trace *trace = record->traces[i];
		if (whole)
			trace_encode_otlp(trace, &one);
		else
			encode_paths(record, trace, &one);
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

static void pack_rest(struct record *record)
{
	if (record->ntraces) {
		record->kept = pack_traces(record, true)    ? STORED_TRACES_WHOLE
			       : pack_traces(record, false) ? STORED_TRACES_PATHS
							    : STORED_TRACES_LOST;
		if (record->kept == STORED_TRACES_LOST)
			buf_reset(&record->traces_packed);
	}
	if (record->healthy) {
		struct buf plain = BUF_INIT(LIMIT_STORED_TRACES_RAW_BYTES);
		evidence_encode(record->healthy, &plain);
		if (!plain.failed)
			pack_add(plain.data, plain.len, &record->healthy_packed);
		if (plain.failed || record->healthy_packed.failed)
			buf_reset(&record->healthy_packed);
		buf_fini(&plain);
	}
}

static void pack_rules(struct record *record)
{
	size_t n;
	const struct rule_text *texts = rules_texts(record->rules, &n);
	struct rule_file *files = xcalloc(n + 1, sizeof(*files));

	for (size_t i = 0; i < n; i++)
		files[i] = (struct rule_file){ texts[i].name, texts[i].text, texts[i].len };
	rule_texts_pack(files, n, &record->rules_packed);
	free(files);
}

static void run_records(void *arg)
{
	struct record_job *job = arg;
	struct record *record;

	STAILQ_FOREACH (record, &job->list, link) {
		buf_init(&record->alert_packed, ALERT_PACKED_BYTES);
		buf_init(&record->doc_packed, DECISION_DOC_BYTES);
		buf_init(&record->traces_packed, LIMIT_STORED_TRACES_BYTES);
		buf_init(&record->healthy_packed, LIMIT_STORED_TRACES_BYTES);
		buf_init(&record->rules_packed, RULES_PACKED_BYTES);
		pack_add(record->alert, record->alert_len, &record->alert_packed);
		pack_add(record->doc, record->doc_len, &record->doc_packed);
		pack_rest(record);
		if (record->with_rules)
			pack_rules(record);
	}
}

/* ---- on the loop ---- */

static void put_record(struct incidents *incidents, const struct record *record)
{
	struct store_batch *batch = turn_now(incidents)->batch;
	const struct stored_decision row = {
		.alert_key = record->alert_key,
		.incident = record->incident,
		.team = record->team,
		.rules = rules_hash(record->rules),
		.at_us = record->at_us,
		.alert = buf_text(&record->alert_packed),
		.alert_len = record->alert_packed.len,
		.doc = buf_text(&record->doc_packed),
		.doc_len = record->doc_packed.len,
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

static void start_records(struct incidents *incidents);

static void records_ran(void *arg)
{
	struct record_job *job = arg;
	struct incidents *incidents = job->owner;
	const struct record *record;

	if (incidents) {
		STAILQ_FOREACH (record, &job->list, link)
			put_record(incidents, record);
		incidents->record_bytes -= job->bytes;
		incidents->record_job = NULL;
		start_records(incidents);
	}
	free_list(&job->list);
	free(job);
}

static void start_records(struct incidents *incidents)
{
	struct record *record;

	if (incidents->record_job || STAILQ_EMPTY(&incidents->records))
		return;
	struct record_job *job = xcalloc(1, sizeof(*job));
	job->owner = incidents;
	STAILQ_INIT(&job->list);
	for (size_t n = 0; n < HANDFUL && (record = STAILQ_FIRST(&incidents->records)); n++) {
		STAILQ_REMOVE_HEAD(&incidents->records, link);
		STAILQ_INSERT_TAIL(&job->list, record, link);
		job->bytes += record->bytes;
		if (record->rest)
			break; /* large */
	}
	incidents->record_job = job;
	pool_submit(incidents->env.pool, run_records, records_ran, job);
}

/* The traces and what was walked in them stay where they are until they are written down. */
static void keep_rest(struct record *record, struct known_alert *alert,
		      const struct decision *decision)
{
	size_t bytes;
	const struct decide_input *input = enrichment_input(alert, &bytes);

	if (!input || (!input->ntraces && !input->healthy))
		return;
	if (alert->owner->record_bytes + record->bytes + bytes > LIMIT_RECORDS_WAITING_BYTES) {
		record->kept = input->ntraces ? STORED_TRACES_LOST : STORED_TRACES_NONE;
		metric_add(METRIC_TRACES_NOT_KEPT, 1);
		return;
	}
	record->traces = input->traces;
	record->ntraces = input->ntraces;
	record->healthy = input->healthy;
	record->walks = decision->walks;
	record->nwalks = decision->nwalks;
	record->rest = enrichment_keep(alert);
	record->bytes += bytes;
}

/* At first, when they change, and once a day. */
static bool note_rules(struct incidents *incidents, const struct ruleset *rules, int64_t now_us)
{
	const char *hash = rules_hash(rules);

	if (strcmp(incidents->noted_rules, hash) == 0 &&
	    now_us - incidents->noted_us < RULES_AGAIN_US)
		return false;
	snprintf(incidents->noted_rules, sizeof(incidents->noted_rules), "%s", hash);
	incidents->noted_us = now_us;
	return true;
}

void record_decision(struct known_alert *alert, const struct decision *decision,
		     struct ruleset *rules)
{
	struct incidents *incidents = alert->owner;
	struct record *record = xcalloc(1, sizeof(*record));
	struct buf doc = BUF_INIT(DECISION_DOC_BYTES);

	if (!decision->page.decision) /* written where there is a page */
		decision_write(decision, &doc);
	record->doc = decision->page.decision ? xstrdup(decision->page.decision)
		      : doc.failed	      ? xstrdup("{}")
					      : buf_take(&doc);
	buf_fini(&doc);
	record->at_us = incidents_wall_us(incidents);
	record->doc_len = strlen(record->doc);
	record->alert = xstrndup(alert->doc, alert->doc_len);
	record->alert_len = alert->doc_len;
	record->alert_key = xstrdup(alert->key);
	record->incident = xstrdup(alert->incident ? alert->incident->id : "");
	record->team = xstrdup(decision->team ? decision->team->name : "");
	record->bytes = sizeof(*record) + record->doc_len + record->alert_len;
	record->rules = rules_ref(rules);
	if (incidents->record_bytes + record->bytes > 2 * LIMIT_RECORDS_WAITING_BYTES) {
		metric_add(METRIC_RECORDS_LOST, 1);
		record_free(record);
		return;
	}
	keep_rest(record, alert, decision);
	record->with_rules = note_rules(incidents, rules, record->at_us);
	incidents->record_bytes += record->bytes;
	STAILQ_INSERT_TAIL(&incidents->records, record, link);
	start_records(incidents);
}

void records_init(struct incidents *incidents)
{
	STAILQ_INIT(&incidents->records);
}

bool records_busy(const struct incidents *incidents)
{
	return incidents->record_job != NULL;
}

void records_fini(struct incidents *incidents)
{
	if (incidents->record_job)
		incidents->record_job->owner = NULL;
	free_list(&incidents->records);
}
