/*
 * Fetching on a fake clock and a fake network, for the tests of relay/fetch. Random is fixed at
 * 0.5: pauses are exactly 0.25, 0.5, 1, 2, 4 s.
 */
#ifndef TESTS_FETCH_KIT_H
#define TESTS_FETCH_KIT_H

#include <check.h>

#include "fake_clock.h"
#include "fake_http.h"
#include "tracepager/fetch.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define SECOND US_PER_SECOND
#define ID     "4bf92f3577b34da6a3ce929d0e0e4736"
#define OTHER  "0af7651916cd43dd8448eb211c80319c"

/* OTLP spans of checkout and of inventory, which fails. */
#define RESOURCE(service, spans)                                                                   \
	"{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":"     \
	"\"" service "\"}}]},\"scopeSpans\":[{\"spans\":[" spans "]}]}"
#define SPAN(trace, id, name, status)                                                              \
	"{\"traceId\":\"" trace "\",\"spanId\":\"" id "\",\"name\":\"" name "\",\"kind\":2,"       \
	"\"startTimeUnixNano\":\"1788256799000000000\",\"endTimeUnixNano\":"                       \
	"\"1788256799500000000\"," status "}"
#define FAILED "\"status\":{\"code\":2,\"message\":\"out of stock\"}"
#define FINE   "\"status\":{}"
#define TRACE(trace)                                                                               \
	RESOURCE("checkout", SPAN(trace, "00f067aa0ba902b7", "POST /orders", FAILED))              \
	"," RESOURCE("inventory", SPAN(trace, "00f067aa0ba902b8", "reserve", FAILED))
#define V3(resources) "{\"result\":{\"resourceSpans\":[" resources "]}}"
#define V1(trace)                                                                                  \
	"{\"data\":[{\"traceID\":\"" trace "\",\"spans\":[{\"traceID\":\"" trace                   \
	"\",\"spanID\":\"00f067aa0ba902b7\",\"operationName\":\"POST /orders\",\"references\":[]," \
	"\"startTime\":1788256799000000,\"duration\":500000,\"tags\":[],\"logs\":[],"              \
	"\"processID\":\"p1\"}],"                                                                  \
	"\"processes\":{\"p1\":{\"serviceName\":\"checkout\",\"tags\":[]}}}]}"

#define FETCH_SOURCES 4

extern const struct fake_reply unknown; /* trace, as Jaeger says it */
extern const struct signal checkout;
extern struct source_config sources[FETCH_SOURCES];
extern struct fake_clock fake;
extern struct fake_http http;
extern struct trace_memory memory;
extern struct fetch *fetch;

/* What done() got last. */
struct got {
	int calls;
	int64_t at_us;
	size_t ntraces;
	enum fallback_code missing;
	char text[512], source[32], first_id[64];
};
extern struct got got;

/* Set before setup() or make_fetch(); NULL at first. */
extern const struct tracer *fetch_tracer;

void setup(void); /* with one source */
void teardown(void);
void make_fetch(size_t nsources);
/* The window of ten minutes before the start of the fake clock, 10 traces, a deadline in 5 s. */
struct fetch_request request_of(const struct signal *signal, const char *const *ids, size_t n);
void on_done(void *ctx, struct fetch_result *result); /* ctx: &got */
struct fetch_job *start(const struct signal *signal, const char *const *ids, size_t n);
struct fetch_job *start_id(void);
void finish(void); /* runs the clock until nothing is armed; done() must have been called once */
int64_t asked_at(size_t n); /* when request number n was sent */

#endif
