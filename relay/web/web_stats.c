/*
 * Web stats: GET /api/v1/stats: counts of now and since the start from the metrics, and of the last
 * day and the last 7 days from the store, which the pool reads, in all and by team.
 */
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/metrics.h"
#include "tracepager/pack.h"
#include "tracepager/past.h"
#include "tracepager/xalloc.h"

#include "web-internal.h"
#include "web_job-internal.h"

enum stats_count {
	STATS_OPENED,
	STATS_ACKNOWLEDGED,
	STATS_RESOLVED,
	STATS_DELIVERED,
	STATS_REFUSED,
	STATS_SUSPECT,
	STATS_NO_SUSPECT,
	STATS_COUNT
};

static const struct {
	const char *key;
	const char *figure; /* of history_figures(); NULL: counted here */
} stats_counts[STATS_COUNT] = {
	[STATS_OPENED] = { "incidents_opened", "opened" },
	[STATS_ACKNOWLEDGED] = { "incidents_acknowledged", "acknowledged" },
	[STATS_RESOLVED] = { "incidents_resolved", "resolved" },
	[STATS_DELIVERED] = { "pages_delivered", "delivered" },
	[STATS_REFUSED] = { "pages_refused", "rejected" },
	[STATS_SUSPECT] = { "decisions_with_suspect", NULL },
	[STATS_NO_SUSPECT] = { "decisions_without_suspect", NULL },
};

enum { STATS_DAY, STATS_WEEK, STATS_WINDOWS };
static const int stats_days[STATS_WINDOWS] = { [STATS_DAY] = 1, [STATS_WEEK] = 7 };

struct stats_team {
	const char *name;
	int64_t counts[STATS_COUNT];
};

struct stats_window {
	int64_t since_us;
	int64_t counts[STATS_COUNT];
	int64_t decisions; /* all, of which those that were looked at are counted by outcome */
	struct stats_team teams[LIMIT_STATS_TEAMS];
	size_t nteams;
	bool cut; /* teams are left out */
};

struct stats {
	struct web_job job;
	struct arena *arena;
	int64_t now_us;
	struct stats_window windows[STATS_WINDOWS];
	struct stats_window *window; /* whose figures are read */
	size_t looked;		     /* decisions */
	struct buf out;		     /* begins with what the loop knows */
};

/* ---- what the store knows ---- */

static void stats_add(struct stats *stats, struct stats_window *window, const char *team,
		      enum stats_count count, int64_t n)
{
	size_t i = 0;

	window->counts[count] += n;
	if (!*team)
		return;
	while (i < window->nteams && strcmp(window->teams[i].name, team) != 0)
		i++;
	if (i == LIMIT_STATS_TEAMS) {
		window->cut = true;
		return;
	}
	if (i == window->nteams)
		window->teams[window->nteams++].name = arena_strdup(stats->arena, team);
	window->teams[i].counts[count] += n;
}

static void stats_on_figure(void *ctx, const char *team, const char *what, int64_t n)
{
	struct stats *stats = ctx;

	for (int i = 0; i < STATS_COUNT; i++)
		if (stats_counts[i].figure && strcmp(stats_counts[i].figure, what) == 0)
			stats_add(stats, stats->window, team, (enum stats_count)i, n);
}

static bool stats_on_decision(void *ctx, const struct past *past)
{
	struct stats *stats = ctx;
	struct arena *arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	struct buf doc = BUF_INIT(LIMIT_DECISION_BYTES);
	struct outcome outcome;

	if (pack_open(past->decision.data, past->decision.len, &doc, NULL) == 0 &&
	    outcome_read(arena, buf_text(&doc), doc.len, &outcome, NULL) == 0)
		for (int i = 0; i < STATS_WINDOWS; i++)
			if (past->at_us >= stats->windows[i].since_us)
				stats_add(stats, &stats->windows[i], past->team,
					  outcome.found ? STATS_SUSPECT : STATS_NO_SUSPECT, 1);
	buf_fini(&doc);
	arena_free(arena);
	return ++stats->looked < LIMIT_STATS_DECISIONS;
}

static int stats_look(struct web_job *job, struct history *history, struct err *err)
{
	struct stats *stats = (struct stats *)job;
	int result = 0;

	for (int i = 0; i < STATS_WINDOWS && result == 0; i++) {
		struct stats_window *window = &stats->windows[i];
		stats->window = window;
		window->since_us = stats->now_us - stats_days[i] * US_PER_DAY;
		result = history_figures(history, window->since_us, stats_on_figure, stats, err);
		if (result == 0)
			result = history_count(history, window->since_us, INT64_MAX,
					       &window->decisions, err);
	}
	return result ? result
		      : history_decisions(history, stats->windows[STATS_WEEK].since_us, INT64_MAX,
					  "", 0, stats_on_decision, stats, err);
}

/* ---- the answer ---- */

static void stats_write_counts(struct buf *out, const int64_t *counts)
{
	for (int i = 0; i < STATS_COUNT; i++)
		buf_json_int(out, stats_counts[i].key, counts[i]);
}

static void stats_write_window(struct buf *out, const struct stats_window *window, int days)
{
	char since[RFC3339_SIZE];

	buf_putc(out, '{');
	buf_json_int(out, "days", days);
	buf_json_text(out, "since", rfc3339_format(window->since_us, since));
	stats_write_counts(out, window->counts);
	buf_json_int(out, "decisions", window->decisions);
	buf_json_key(out, "teams");
	buf_putc(out, '[');
	for (size_t i = 0; i < window->nteams; i++) {
		buf_puts(out, i ? ",{" : "{");
		buf_json_text(out, "team", window->teams[i].name);
		stats_write_counts(out, window->teams[i].counts);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
	buf_json_key(out, "teams_left_out");
	buf_puts(out, window->cut ? "true}" : "false}");
}

static void stats_answer(struct web_job *job)
{
	struct stats *stats = (struct stats *)job;

	if (job->result < 0) {
		web_job_fail(job);
		return;
	}
	buf_json_key(&stats->out, "windows");
	buf_putc(&stats->out, '[');
	for (int i = 0; i < STATS_WINDOWS; i++) {
		buf_puts(&stats->out, i ? "," : "");
		stats_write_window(&stats->out, &stats->windows[i], stats_days[i]);
	}
	buf_puts(&stats->out, "]}");
	web_reply_buf(job->exchange, NULL, &stats->out);
	web_job_free(job);
}

static void stats_fini(struct web_job *job)
{
	struct stats *stats = (struct stats *)job;

	arena_free(stats->arena);
	buf_fini(&stats->out);
}

struct stats_metric {
	const char *key;
	enum metric metric;
};

static void stats_write_metrics(struct buf *out, const char *key,
				const struct stats_metric *metrics, size_t n)
{
	buf_json_key(out, key);
	buf_putc(out, '{');
	for (size_t i = 0; i < n; i++)
		buf_json_int(out, metrics[i].key, metric_value(metrics[i].metric));
	buf_putc(out, '}');
}

void web_serve_stats(struct web_request *request)
{
	static const struct stats_metric now[] = {
		{ "incidents_open", METRIC_INCIDENTS_OPEN },
		{ "incidents_holding", METRIC_INCIDENTS_HOLDING },
		{ "incidents_telling", METRIC_INCIDENTS_TELLING },
		{ "incidents_unreached", METRIC_INCIDENTS_UNREACHED },
		{ "alerts_waiting", METRIC_ALERTS_WAITING },
		{ "alerts_silenced", METRIC_ALERTS_SILENCED },
		{ "pages_waiting", METRIC_PAGES_WAITING },
		{ "silences_active", METRIC_SILENCES_ACTIVE },
	};
	static const struct stats_metric since_start[] = {
		{ "alerts_accepted", METRIC_ALERTS_ACCEPTED },
		{ "alerts_repeated", METRIC_ALERTS_REPEATED },
		{ "alerts_resolved", METRIC_ALERTS_RESOLVED },
		{ "alerts_refused", METRIC_ALERTS_REFUSED },
		{ "pages_delivered", METRIC_PAGES_DELIVERED },
		{ "pages_retried", METRIC_PAGES_RETRIED },
		{ "pages_refused", METRIC_PAGES_REJECTED },
	};
	const struct web_ops *ops = &request->web->ops;
	struct stats *stats = web_job_new(sizeof(*stats), request->web, request->exchange);
	char at[RFC3339_SIZE];

	stats->job.look = stats_look;
	stats->job.answer = stats_answer;
	stats->job.fini = stats_fini;
	stats->arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	stats->now_us = clock_wall_us(request->web->clock);
	buf_init(&stats->out, LIMIT_INCIDENTS_BYTES);
	ops->measure(ops->ctx);
	buf_putc(&stats->out, '{');
	buf_json_text(&stats->out, "at", rfc3339_format(stats->now_us, at));
	stats_write_metrics(&stats->out, "now", now, ARRAY_LEN(now));
	stats_write_metrics(&stats->out, "since_start", since_start, ARRAY_LEN(since_start));
	web_job_look(&stats->job);
}
