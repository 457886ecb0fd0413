/* SLO, JSON: a proposal for programs: all figures, and each objective with its reason. */
#include <math.h>

#include "slo-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"

/* At most six decimals; a point in every locale. */
static void slo_json_share(struct buf *out, const char *key, double share)
{
	const long long millionths = llround(share * 1e6);

	buf_json_key(out, key);
	buf_printf(out, "%lld.%06lld", millionths / 1000000, millionths % 1000000);
}

static void slo_json_flag(struct buf *out, const char *key, bool value)
{
	buf_json_key(out, key);
	buf_puts(out, value ? "true" : "false");
}

static void slo_json_time(struct buf *out, const char *key, int64_t us)
{
	char text[RFC3339_SIZE];

	buf_json_text(out, key, rfc3339_format(us, text));
}

static void slo_json_none(struct buf *out, const char *key)
{
	buf_json_key(out, key);
	buf_puts(out, "null");
}

static void slo_json_goal(struct buf *out, const char *key, const struct slo_goal *goal,
			  bool is_latency)
{
	buf_json_key(out, key);
	buf_putc(out, '{');
	buf_json_text(out, "basis", slo_basis_name(goal->basis));
	if (goal->basis != SLO_NONE)
		slo_json_share(out, "target", goal->target);
	else
		slo_json_none(out, "target");
	if (is_latency && goal->basis != SLO_NONE)
		buf_json_int(out, "within_us", goal->within_us);
	if (is_latency && goal->allowed_us)
		buf_json_int(out, "allowed_us", goal->allowed_us);
	if (!is_latency && goal->needed > 0)
		slo_json_share(out, "needed", goal->needed);
	buf_json_text(out, "text", goal->text);
	buf_putc(out, '}');
}

static void slo_json_example(struct buf *out, const char *key, const struct slo_example *example)
{
	buf_json_key(out, key);
	buf_putc(out, '{');
	buf_json_text(out, "trace_id", example->trace_id);
	buf_json_int(out, "us", example->us);
	buf_putc(out, '}');
}

/* A percentile of no sample is null. */
static void slo_json_percentile(struct buf *out, const char *key, uint32_t samples, int64_t us)
{
	if (samples)
		buf_json_int(out, key, us);
	else
		slo_json_none(out, key);
}

static void slo_json_succeeded(struct buf *out, const struct slo_succeeded *succeeded)
{
	const uint32_t n = succeeded->samples;

	buf_json_key(out, "succeeded");
	buf_putc(out, '{');
	buf_json_int(out, "samples", n);
	slo_json_percentile(out, "p50_us", n, succeeded->p50_us);
	slo_json_percentile(out, "p90_us", n, succeeded->p90_us);
	slo_json_percentile(out, "p99_us", n, succeeded->p99_us);
	buf_putc(out, '}');
}

static void slo_json_figures(struct buf *out, const struct slo_figures *figures, bool is_edge)
{
	buf_json_int(out, "samples", figures->samples);
	buf_json_int(out, "p50_us", figures->p50_us);
	buf_json_int(out, "p90_us", figures->p90_us);
	buf_json_int(out, "p99_us", figures->p99_us);
	slo_json_succeeded(out, &figures->succeeded);
	buf_json_int(out, "judged", figures->judged);
	if (figures->judged) {
		buf_json_int(out, "failed", figures->failed);
		slo_json_share(out, "error_rate", (double)figures->failed / figures->judged);
	} else {
		slo_json_none(out, "failed");
		slo_json_none(out, "error_rate");
	}
	if (is_edge && figures->judged)
		buf_json_int(out, "fatal", figures->fatal);
	buf_json_key(out, "examples");
	buf_putc(out, '{');
	slo_json_example(out, "fastest", &figures->fastest);
	slo_json_example(out, "median", &figures->median);
	slo_json_example(out, "slowest", &figures->slowest);
	buf_putc(out, '}');
	slo_json_goal(out, "latency", &figures->latency, true);
	slo_json_goal(out, "availability", &figures->availability, false);
}

static void slo_json_edge(struct buf *out, const struct slo_edge *edge, uint32_t id)
{
	buf_putc(out, '{');
	buf_json_int(out, "id", id);
	if (edge->above == TRACE_NONE)
		slo_json_none(out, "above");
	else
		buf_json_int(out, "above", edge->above);
	buf_json_text(out, "caller", edge->caller);
	buf_json_text(out, "callee", edge->callee);
	buf_json_text(out, "namespace", edge->namespace);
	buf_json_text(out, "operation", edge->operation);
	slo_json_flag(out, "peer", edge->peer);
	slo_json_flag(out, "message", edge->message);
	buf_json_int(out, "requests", edge->requests);
	slo_json_share(out, "calls_per_call", edge->per_call);
	slo_json_share(out, "calls_on_path", edge->on_path);
	slo_json_share(out, "share", edge->share);
	slo_json_figures(out, &edge->figures, true);
	buf_putc(out, '}');
}

static void slo_json_signal(struct buf *out, const struct slo_signal *signal)
{
	buf_putc(out, '{');
	buf_json_text(out, "name", signal->name);
	buf_json_text(out, "service", signal->service);
	buf_json_text(out, "namespace", signal->namespace);
	buf_json_text(out, "operation", signal->operation);
	slo_json_time(out, "from", signal->from_us);
	slo_json_time(out, "to", signal->to_us);
	slo_json_share(out, "own_share", signal->own_share);
	slo_json_figures(out, &signal->figures, false);
	buf_json_key(out, "edges");
	buf_putc(out, '[');
	for (uint32_t i = 0; i < signal->nedges; i++) {
		buf_puts(out, i ? "," : "");
		slo_json_edge(out, &signal->edges[i], i);
	}
	buf_puts(out, "]}");
}

void slo_write_json(const struct slo_proposal *proposal, const struct slo_form *form,
		    struct buf *out)
{
	buf_putc(out, '{');
	buf_json_int(out, "version", 1);
	buf_json_int(out, "window_s", form->window_us / US_PER_SECOND);
	buf_json_key(out, "signals");
	buf_putc(out, '[');
	for (uint32_t i = 0; i < proposal->nsignals; i++) {
		buf_puts(out, i ? "," : "");
		slo_json_signal(out, &proposal->signals[i]);
	}
	buf_puts(out, "]}\n");
}
