/*
 * Shadow: the queue of decisions that wait to be made again with the shadow rules, the one that the
 * pool makes, and the ring of differences. Owns these and a reference of the shadow rules; what a
 * case borrows goes back through given_back().
 */
#include "shadow-internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "tracepager/buf_json.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

/* A decision to be made again with the shadow rules. */
struct shadow_job {
	STAILQ_ENTRY(shadow_job) link;
	struct shadow *owner;
	char *alert, *doc;
	size_t doc_len;
	struct decide_input input; /* with the shadow rules */
	struct ruleset *rules;
	size_t trace_bytes;
	void (*given_back)(void *ctx);
	void *ctx;
	int64_t at_us; /* wall time */
	struct shadow_outcome live, shadow;
};
STAILQ_HEAD(shadow_job_list, shadow_job);

struct shadow_difference {
	char *alert;
	int64_t at_us;
	struct shadow_outcome live, shadow;
};

struct shadow {
	const struct clock *clock;
	struct pool *pool;
	struct ruleset *rules; /* NULL: there are no shadow rules */
	struct shadow_job_list waiting;
	struct shadow_job *running;
	size_t nwaiting, trace_bytes; /* of waiting and running jobs */
	/* Counted since these rules are the shadow rules. */
	uint64_t ndecided, ndifferent, nleft_out, counts[SHADOW_WHAT_COUNT];
	int64_t logged_us[SHADOW_WHAT_COUNT]; /* monotonic: last line of the log; 0: none */
	uint64_t unlogged[SHADOW_WHAT_COUNT]; /* differences since then */
	struct shadow_difference *ring;	      /* LIMIT_SHADOW_KEPT of them */
	size_t nring, next;		      /* next: the slot to be written next */
};

static const enum metric shadow_metrics[SHADOW_WHAT_COUNT] = {
	[SHADOW_PAGE] = METRIC_SHADOW_PAGE,	    [SHADOW_TEAM] = METRIC_SHADOW_TEAM,
	[SHADOW_SEVERITY] = METRIC_SHADOW_SEVERITY, [SHADOW_PAGERS] = METRIC_SHADOW_PAGERS,
	[SHADOW_SUSPECT] = METRIC_SHADOW_SUSPECT,   [SHADOW_RULE] = METRIC_SHADOW_RULE,
};

/* ---- differences ---- */

static void log_difference(struct shadow *shadow, const struct shadow_job *job,
			   enum shadow_what what)
{
	int64_t now_us = clock_mono_us(shadow->clock);

	if (shadow->logged_us[what] && now_us < shadow->logged_us[what] + LIMIT_SHADOW_LOG_US) {
		shadow->unlogged[what]++;
		return;
	}
	log_info("the shadow rules decide otherwise", LOG_STR("what", shadow_what_name(what)),
		 LOG_STR("alert_key", job->alert), LOG_STR("from", job->live.values[what]),
		 LOG_STR("to", job->shadow.values[what]), LOG_STR("rule", job->live.places[what]),
		 LOG_STR("shadow_rule", job->shadow.places[what]),
		 LOG_INT("not_logged", (int64_t)shadow->unlogged[what]));
	shadow->logged_us[what] = now_us;
	shadow->unlogged[what] = 0;
}

static void difference_fini(struct shadow_difference *difference)
{
	free(difference->alert);
	shadow_outcome_fini(&difference->live);
	shadow_outcome_fini(&difference->shadow);
}

/* Takes the job's texts. */
static void keep_difference(struct shadow *shadow, struct shadow_job *job)
{
	struct shadow_difference *slot = &shadow->ring[shadow->next];

	if (shadow->nring == LIMIT_SHADOW_KEPT)
		difference_fini(slot);
	else
		shadow->nring++;
	shadow->next = (shadow->next + 1) % LIMIT_SHADOW_KEPT;
	*slot = (struct shadow_difference){
		.alert = job->alert, .at_us = job->at_us, .live = job->live, .shadow = job->shadow
	};
	job->alert = NULL;
	job->live = job->shadow = (struct shadow_outcome){ .pages = false };
}

static void count_differences(struct shadow *shadow, struct shadow_job *job)
{
	bool differs = false;

	for (int i = 0; i < SHADOW_WHAT_COUNT; i++) {
		enum shadow_what what = (enum shadow_what)i;
		if (!shadow_differs(&job->live, &job->shadow, what))
			continue;
		differs = true;
		metric_add(shadow_metrics[what], 1);
		shadow->counts[what]++;
		log_difference(shadow, job, what);
	}
	metric_add(differs ? METRIC_SHADOW_DIFFERENT : METRIC_SHADOW_SAME, 1);
	shadow->ndecided++;
	shadow->ndifferent += differs;
	if (differs)
		keep_difference(shadow, job);
}

/* ---- decisions ---- */

static void shadow_job_free(struct shadow_job *job)
{
	if (job->given_back)
		job->given_back(job->ctx);
	shadow_outcome_fini(&job->live);
	shadow_outcome_fini(&job->shadow);
	rules_unref(job->rules);
	free(job->alert);
	free(job->doc);
	free(job);
}

static void shadow_job_run(void *arg)
{
	struct shadow_job *job = arg;
	struct arena *arena = arena_new(LIMIT_DECIDE_BYTES);
	struct decision decision;
	struct alert alert;
	struct err err;

	/* An alert that cannot be read was replaced in the input before it was decided: keep that.
	 */
	if (alert_read(arena, job->doc, job->doc_len, &alert, &err) == 0)
		job->input.alert = &alert;
	decide(arena, &job->input, &decision);
	rules_count_hits(job->rules, &decision.trail);
	shadow_outcome_of(&decision, &job->shadow);
	arena_free(arena);
}

static void shadow_job_on_done(void *arg);

static void shadow_run_next(struct shadow *shadow)
{
	struct shadow_job *job = STAILQ_FIRST(&shadow->waiting);

	shadow->running = job;
	if (!job)
		return;
	STAILQ_REMOVE_HEAD(&shadow->waiting, link);
	pool_submit(shadow->pool, shadow_job_run, shadow_job_on_done, job);
}

static void shadow_job_on_done(void *arg)
{
	struct shadow_job *job = arg;
	struct shadow *shadow = job->owner;

	/* The rules may have been replaced since the job was queued. */
	if (job->rules == shadow->rules)
		count_differences(shadow, job);
	shadow->nwaiting--;
	shadow->trace_bytes -= job->trace_bytes;
	shadow_job_free(job);
	shadow_run_next(shadow);
}

bool shadow_wants(const struct shadow *shadow)
{
	return shadow->rules != NULL;
}

bool shadow_decide(struct shadow *shadow, const struct shadow_case *decided)
{
	if (!shadow->rules)
		return false;
	if (shadow->nwaiting == LIMIT_SHADOW_WAITING ||
	    shadow->trace_bytes + decided->trace_bytes > LIMIT_SHADOW_TRACE_BYTES) {
		metric_add(METRIC_SHADOW_LEFT_OUT, 1);
		shadow->nleft_out++;
		return false;
	}
	struct shadow_job *job = xcalloc(1, sizeof(*job));
	*job = (struct shadow_job){
		.owner = shadow,
		.alert = xstrdup(decided->key),
		.doc = xstrndup(decided->doc, decided->doc_len),
		.doc_len = decided->doc_len,
		.input = *decided->input,
		.rules = rules_ref(shadow->rules),
		.trace_bytes = decided->trace_bytes,
		.given_back = decided->given_back,
		.ctx = decided->ctx,
		.at_us = clock_wall_us(shadow->clock),
	};
	job->input.rules = job->rules;
	job->input.signal = NULL; /* the shadow rules find the signal */
	shadow_outcome_of(decided->decision, &job->live);
	shadow->nwaiting++;
	shadow->trace_bytes += decided->trace_bytes;
	STAILQ_INSERT_TAIL(&shadow->waiting, job, link);
	if (!shadow->running)
		shadow_run_next(shadow);
	return true;
}

const char *const *shadow_attr_names(const struct shadow *shadow, struct arena *arena,
				     const char *const *names, size_t n, size_t *ret_n)
{
	size_t nmore = 0;
	const char *const *more = shadow->rules ? rules_attr_names(shadow->rules, &nmore) : NULL;
	const char **all = arena_array(arena, n + nmore, sizeof(*all));
	size_t nall = n;

	for (size_t i = 0; i < n; i++)
		all[i] = names[i];
	for (size_t i = 0; i < nmore; i++) {
		bool known = false;
		for (size_t j = 0; j < n && !known; j++)
			known = strcmp(names[j], more[i]) == 0;
		if (!known)
			all[nall++] = arena_strdup(arena, more[i]);
	}
	*ret_n = nall;
	return all;
}

/* ---- life ---- */

struct shadow *shadow_new(const struct clock *clock, struct pool *pool)
{
	struct shadow *shadow = xcalloc(1, sizeof(*shadow));

	shadow->clock = clock;
	shadow->pool = pool;
	shadow->ring = xcalloc(LIMIT_SHADOW_KEPT, sizeof(*shadow->ring));
	STAILQ_INIT(&shadow->waiting);
	return shadow;
}

static void drop_waiting(struct shadow *shadow)
{
	struct shadow_job *job;

	while ((job = STAILQ_FIRST(&shadow->waiting))) {
		STAILQ_REMOVE_HEAD(&shadow->waiting, link);
		shadow->nwaiting--;
		shadow->trace_bytes -= job->trace_bytes;
		shadow_job_free(job);
	}
}

void shadow_free(struct shadow *shadow)
{
	if (!shadow)
		return;
	drop_waiting(shadow);
	if (shadow->running)
		shadow_job_free(shadow->running);
	for (size_t i = 0; i < shadow->nring; i++)
		difference_fini(&shadow->ring[i]);
	free(shadow->ring);
	rules_unref(shadow->rules);
	free(shadow);
}

static void forget_counts(struct shadow *shadow)
{
	shadow->ndecided = shadow->ndifferent = shadow->nleft_out = 0;
	memset(shadow->counts, 0, sizeof(shadow->counts));
}

void shadow_set_rules(struct shadow *shadow, struct ruleset *rules)
{
	bool same =
		rules && shadow->rules && strcmp(rules_hash(rules), rules_hash(shadow->rules)) == 0;

	if (same)
		return; /* waiting jobs stay valid */
	drop_waiting(shadow);
	forget_counts(shadow);
	rules_unref(shadow->rules);
	shadow->rules = rules ? rules_ref(rules) : NULL;
}

/* ---- status ---- */

/* The i-th newest difference. */
static const struct shadow_difference *newest_difference(const struct shadow *shadow, size_t i)
{
	return &shadow->ring[(shadow->next + LIMIT_SHADOW_KEPT - 1 - i) % LIMIT_SHADOW_KEPT];
}

static void write_difference_text(const struct shadow_difference *difference, struct buf *out)
{
	char at[RFC3339_SIZE];

	buf_printf(out, "%s %s\n", rfc3339_format(difference->at_us, at), difference->alert);
	for (int i = 0; i < SHADOW_WHAT_COUNT; i++) {
		enum shadow_what what = (enum shadow_what)i;
		if (shadow_differs(&difference->live, &difference->shadow, what))
			buf_printf(out, "    %-8s  %s (%s) -> %s (%s)\n", shadow_what_name(what),
				   difference->live.values[what], difference->live.places[what],
				   difference->shadow.values[what],
				   difference->shadow.places[what]);
	}
}

void shadow_write_text(const struct shadow *shadow, struct buf *out)
{
	if (!shadow->rules)
		return;
	buf_printf(out, "decided   %" PRIu64 " job, %" PRIu64 " otherwise, %" PRIu64 " left out\n",
		   shadow->ndecided, shadow->ndifferent, shadow->nleft_out);
	for (int i = 0; i < SHADOW_WHAT_COUNT; i++)
		if (shadow->counts[i])
			buf_printf(out, "          %" PRIu64 " in %s\n", shadow->counts[i],
				   shadow_what_name((enum shadow_what)i));
	if (shadow->nring)
		buf_puts(out, "\nThe latest differences, in force -> shadow:\n\n");
	for (size_t i = 0; i < shadow->nring; i++)
		write_difference_text(newest_difference(shadow, i), out);
}

static void write_side(const struct shadow_outcome *outcome, enum shadow_what what, const char *key,
		       struct buf *out)
{
	buf_json_key(out, key);
	buf_putc(out, '{');
	buf_json_text(out, "value", outcome->values[what]);
	buf_json_text(out, "rule", outcome->places[what]);
	buf_putc(out, '}');
}

static void write_difference_json(const struct shadow_difference *difference, struct buf *out)
{
	char at[RFC3339_SIZE];
	bool first = true;

	buf_putc(out, '{');
	buf_json_text(out, "at", rfc3339_format(difference->at_us, at));
	buf_json_text(out, "alert", difference->alert);
	buf_json_text(out, "rules", difference->live.hash);
	buf_json_text(out, "shadow_rules", difference->shadow.hash);
	buf_json_key(out, "differences");
	buf_putc(out, '[');
	for (int i = 0; i < SHADOW_WHAT_COUNT; i++) {
		enum shadow_what what = (enum shadow_what)i;
		if (!shadow_differs(&difference->live, &difference->shadow, what))
			continue;
		buf_puts(out, first ? "{" : ",{");
		buf_json_text(out, "what", shadow_what_name(what));
		write_side(&difference->live, what, "from", out);
		write_side(&difference->shadow, what, "to", out);
		buf_putc(out, '}');
		first = false;
	}
	buf_puts(out, "]}");
}

void shadow_write_json(const struct shadow *shadow, struct buf *out)
{
	buf_putc(out, '{');
	buf_json_text(out, "hash", shadow->rules ? rules_hash(shadow->rules) : NULL);
	buf_json_int(out, "decisions", (int64_t)shadow->ndecided);
	buf_json_int(out, "different", (int64_t)shadow->ndifferent);
	buf_json_int(out, "left_out", (int64_t)shadow->nleft_out);
	buf_json_key(out, "by");
	buf_putc(out, '{');
	for (int i = 0; i < SHADOW_WHAT_COUNT; i++)
		buf_json_int(out, shadow_what_name((enum shadow_what)i),
			     (int64_t)shadow->counts[i]);
	buf_putc(out, '}');
	buf_json_key(out, "latest");
	buf_putc(out, '[');
	for (size_t i = 0; i < shadow->nring; i++) {
		if (i)
			buf_putc(out, ',');
		write_difference_json(newest_difference(shadow, i), out);
	}
	buf_puts(out, "]}");
}
