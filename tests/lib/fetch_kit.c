/* The sources are of kind jaeger; a test may overwrite them before make_fetch(). */
#include "fetch_kit.h"

#include <stdio.h>
#include <string.h>

const struct fake_reply unknown = {
	.status = 404, .body = "{\"error\":{\"httpCode\":404,\"message\":\"trace not found\"}}"
};
const struct signal checkout = { .service = "checkout",
				 .operation = "POST /orders",
				 .mode = WALK_ERRORS };

struct source_config sources[FETCH_SOURCES];
struct fake_clock fake;
struct fake_http http;
struct trace_memory memory;
struct fetch *fetch;
const struct tracer *fetch_tracer;

struct got got;

static double half(void)
{
	return 0.5;
}

void make_fetch(size_t nsources)
{
	struct fetch_env env = { &http.transport, fake.timers, &fake.clock, fake.pool,
				 &memory,	  half,	       fetch_tracer };

	fetch_free(fetch);
	fetch = fetch_new(&env, sources, nsources);
}

void setup(void)
{
	fake_clock_init(&fake);
	fake_http_init(&http, &fake);
	memory = (struct trace_memory){ .cap_bytes = LIMIT_TRACES_IN_FLIGHT_BYTES };
	memset(&got, 0, sizeof(got));
	memset(sources, 0, sizeof(sources));
	sources[0] = (struct source_config){ .name = "jaeger",
					     .kind = SOURCE_JAEGER,
					     .url = "http://jaeger" };
	sources[1] = (struct source_config){ .name = "archive",
					     .kind = SOURCE_JAEGER,
					     .url = "http://archive" };
	make_fetch(1);
}

void teardown(void)
{
	fetch_free(fetch);
	fetch = NULL;
	ck_assert_uint_eq(http.open, 0);
	ck_assert_int_eq(timers_next_us(fake.timers), INT64_MAX);
	fake_http_fini(&http);
	fake_clock_fini(&fake);
	ck_assert_uint_eq(memory.used_bytes, 0);
}

void on_done(void *ctx, struct fetch_result *result)
{
	ck_assert_ptr_eq(ctx, &got);
	got.calls++;
	got.at_us = fake_clock_elapsed_us(&fake);
	got.ntraces = result->ntraces;
	got.missing = result->missing;
	snprintf(got.text, sizeof(got.text), "%s", result->text);
	snprintf(got.source, sizeof(got.source), "%s", result->source ? result->source->name : "");
	if (result->ntraces > 0)
		snprintf(got.first_id, sizeof(got.first_id), "%s",
			 trace_text(result->traces[0], result->traces[0]->id));
	for (size_t i = 0; i < result->nsets; i++)
		fetched_set_unref(result->sets[i]);
}

struct fetch_request request_of(const struct signal *signal, const char *const *ids, size_t n)
{
	return (struct fetch_request){
		.trace_ids = ids,
		.ntrace_ids = n,
		.signal = signal,
		.from_us = FAKE_WALL_US - 600 * SECOND,
		.to_us = FAKE_WALL_US,
		.limit = 10,
		.deadline_us = fake.mono_us + 5 * SECOND,
	};
}

struct fetch_job *start(const struct signal *signal, const char *const *ids, size_t n)
{
	struct fetch_request request = request_of(signal, ids, n);
	struct fetch_job *job = fetch_start(fetch, &request, on_done, &got);

	ck_assert_int_eq(got.calls, 0);
	return job;
}

struct fetch_job *start_id(void)
{
	static const char *const ids[] = { ID };

	return start(NULL, ids, 1);
}

void finish(void)
{
	fake_clock_run_idle(&fake, 100 * SECOND);
	ck_assert_int_eq(got.calls, 1);
}

int64_t asked_at(size_t n)
{
	ck_assert_uint_lt(n, http.nrequests);
	return http.requests[n].at_us;
}
