/*
 * Telemetry: contexts as W3C has them, spans as opentelemetry-proto has them, and the queue with
 * its batches, retries and bounds.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fake_http.h"
#include "tests/lib/proto_make.h"
#include "tracepager/limits.h"
#include "tracepager/metrics.h"
#include "tracepager/telemetry.h"
#include "tracepager/trace.h"
#include "tracepager/trace_decoder.h"
#include "tracepager/xalloc.h"

/* The example of W3C's Trace Context, section 3.2.2.6. */
#define W3C "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static struct fake_clock fake;
static struct fake_http http;
static struct telemetry *telemetry;
static const struct tracer *tracer;
static struct secret bearer, headers;

static double half(void)
{
	return 0.5;
}

static void begin_with(double sample, const char *service, const char *resource,
		       const char *environment)
{
	const struct telemetry_env env = {
		.transport = &http.transport,
		.timers = fake.timers,
		.clock = &fake.clock,
		.random = half,
		.url = "http://127.0.0.1:4318/v1/traces",
		.bearer = &bearer,
		.headers = &headers,
		.sample = sample,
		.service = service,
		.version = "1.2.3",
		.resource = resource,
		.environment = environment,
	};

	telemetry_free(telemetry);
	telemetry = telemetry_new(&env);
	tracer = telemetry_tracer(telemetry);
}

static void setup(void)
{
	fake_clock_init(&fake);
	fake_http_init(&http, &fake);
	telemetry = NULL;
	begin_with(1, "", "", NULL);
}

static void teardown(void)
{
	telemetry_free(telemetry);
	secret_fini(&bearer);
	secret_fini(&headers);
	fake_http_fini(&http);
	fake_clock_fini(&fake);
}

/* A span of 2 ms that ends now. */
static void tell_one(const struct span_context *above)
{
	struct stage_span span = stage_below(STAGE_LOCATE, above, fake.mono_us - 2000);

	stage_tell(tracer, &span, fake.mono_us);
}

static struct span_context root_of(const char *traceparent)
{
	struct span_context context = { .span = 0 };

	ck_assert(tracer->begin(tracer->ctx, traceparent, &context));
	ck_assert(span_context_is_set(&context));
	return context;
}

static struct trace_set *decode_request(size_t n)
{
	const struct trace_options options = { .nextra_names = 0 };
	struct trace_decoder *decoder = trace_decoder_new(TRACE_ENCODING_OTLP_PROTO, &options);
	struct trace_set *set = NULL;
	struct err err = { 0 };
	int code;

	ck_assert_uint_lt(n, http.nrequests);
	code = trace_decoder_feed(decoder, http.requests[n].body, http.requests[n].body_len, &err);
	if (code == 0)
		code = trace_decoder_finish(decoder, &set, &err);
	ck_assert_msg(code == 0, "%s", err.text);
	trace_decoder_free(decoder);
	return set;
}

/* ---- contexts ---- */

START_TEST(traceparent_is_read_as_w3c_says)
{
	static const char *const wrong[] = {
		"",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",	     /* no flags */
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",   /* upper case */
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01",   /* no trace */
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",   /* no span */
		"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",   /* no version */
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", /* version 0 ends */
		"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.x",
	};
	struct span_context context;
	char text[TRACEPARENT_SIZE], id[TRACE_ID_SIZE], span[SPAN_ID_SIZE];
	bool sampled;

	ck_assert(traceparent_read(W3C, &context, &sampled));
	ck_assert(sampled);
	ck_assert_uint_eq(context.trace_high, 0x4bf92f3577b34da6);
	ck_assert_uint_eq(context.trace_low, 0xa3ce929d0e0e4736);
	ck_assert_uint_eq(context.span, 0x00f067aa0ba902b7);
	ck_assert_str_eq(traceparent_write(&context, text), W3C);
	ck_assert_str_eq(span_context_trace_id(&context, id), "4bf92f3577b34da6a3ce929d0e0e4736");
	ck_assert_str_eq(span_context_span_id(&context, span), "00f067aa0ba902b7");
	ck_assert(traceparent_read("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-02",
				   &context, &sampled));
	ck_assert(!sampled);
	/* A later version with a further part. */
	ck_assert(traceparent_read("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what",
				   &context, &sampled));
	ck_assert(!traceparent_read(NULL, &context, &sampled));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		ck_assert_msg(!traceparent_read(wrong[i], &context, &sampled), "%s", wrong[i]);
}
END_TEST

START_TEST(a_context_is_stored_with_its_parent)
{
	const struct span_context context = { 1, 2, 3, 4 };
	struct span_context read = { 0 };
	char text[SPAN_CONTEXT_SIZE];

	ck_assert_str_eq(span_context_write(&context, text),
			 "00-00000000000000010000000000000002-0000000000000003-01-"
			 "0000000000000004");
	ck_assert(span_context_read(text, &read));
	ck_assert_uint_eq(read.parent, 4);
	ck_assert_uint_eq(read.trace_low, 2);
	ck_assert(!span_context_read(W3C, &read));
	ck_assert(!span_context_read(NULL, &read));
}
END_TEST

START_TEST(ids_of_traces_that_were_read)
{
	struct span_context context;

	ck_assert(span_context_of_ids("4BF92F3577B34DA6A3CE929D0E0E4736", "00f067aa0ba902b7",
				      &context));
	ck_assert_uint_eq(context.trace_high, 0x4bf92f3577b34da6);
	/* Zipkin's 64 bits, and a name. */
	ck_assert(!span_context_of_ids("a3ce929d0e0e4736", "00f067aa0ba902b7", &context));
	ck_assert(!span_context_of_ids("4bf92f3577b34da6a3ce929d0e0e4736", "a-span", &context));
}
END_TEST

/* ---- what is told of requests ---- */

START_TEST(urls_lose_their_secrets)
{
	struct stage_target target;
	struct http_request request = {
		.method = HTTP_GET,
		.url = "https://ann:pass@jaeger.example:16686/api/traces?service=shop&tags=x",
	};

	stage_target_set(&target, &request, true);
	ck_assert_str_eq(target.url, "https://jaeger.example:16686/api/traces?REDACTED");
	ck_assert_str_eq(target.address, "jaeger.example");
	ck_assert_uint_eq(target.port, 16686);
	request.url = "https://hooks.slack.com/services/T000/B000/XXXX";
	stage_target_set(&target, &request, false);
	ck_assert_str_eq(target.url, "https://hooks.slack.com/REDACTED");
	ck_assert_str_eq(target.address, "hooks.slack.com");
	ck_assert_uint_eq(target.port, 443);
	request.url = "http://[::1]:9480/hook";
	stage_target_set(&target, &request, true);
	ck_assert_str_eq(target.url, "http://[::1]:9480/hook");
	ck_assert_str_eq(target.address, "::1");
	ck_assert_uint_eq(target.port, 9480);
	request.url = "http://host";
	stage_target_set(&target, &request, true);
	ck_assert_str_eq(target.address, "host");
	ck_assert_uint_eq(target.port, 80);
}
END_TEST

START_TEST(errors_have_a_class)
{
	const struct stage_target target = { .method = HTTP_POST };
	struct stage_span span = { .stage = STAGE_DELIVER };

	stage_add_http(&span, &target, 202, NULL, false);
	ck_assert_ptr_null(span.error);
	stage_add_http(&span, &target, 418, NULL, false);
	ck_assert_str_eq(span.error, "418");
	span.error = NULL;
	stage_add_http(&span, &target, 404, NULL, true); /* a source has no such trace */
	ck_assert_ptr_null(span.error);
	stage_add_http(&span, &target, 0, "connection refused by 127.0.0.1:1", false);
	ck_assert_str_eq(span.error, "connection_refused");
	ck_assert_str_eq(stage_error_type("no answer within 5000 ms"), "timeout");
	ck_assert_str_eq(stage_error_type("the certificate is not trusted"), "_OTHER");
	ck_assert_str_eq(stage_error_type(NULL), "_OTHER");
}
END_TEST

/* ---- spans ---- */

/* The bytes of opentelemetry-proto, field by field: ExportTraceServiceRequest.resource_spans 1;
 * ResourceSpans.resource 1, scope_spans 2; ScopeSpans.scope 1, spans 2; Span.trace_id 1, span_id 2,
 * parent_span_id 4, name 5, kind 6, start 7, end 8, attributes 9, links 13, status 15, flags 16. */
START_TEST(a_span_has_the_bytes_of_the_specification)
{
	struct span_context link, root;
	struct buf want = BUF_INIT(4096), span = BUF_INIT(4096), part = BUF_INIT(256),
		   value = BUF_INIT(256);
	bool sampled;

	ck_assert(traceparent_read(W3C, &root, &sampled));
	root.parent = 0;
	ck_assert(
		span_context_of_ids("0102030405060708090a0b0c0d0e0f10", "1112131415161718", &link));
	struct stage_span told = stage_below(STAGE_DECIDE, &root, fake.mono_us);
	told.context.span = 0x2122232425262728;
	told.links = &link;
	told.nlinks = 1;
	told.error = "store";
	stage_text(&told, STAGE_ATTR_SUSPECT, "ledger");
	stage_text(&told, STAGE_ATTR_TEAM, ""); /* is left out */
	stage_number(&told, STAGE_ATTR_TRACES, 3);
	stage_real(&told, STAGE_ATTR_CONFIDENCE, 0.5);
	stage_flag(&told, STAGE_ATTR_LATE, true);
	stage_flag(&told, STAGE_ATTR_RECOVERED, false); /* is left out */
	stage_tell(tracer, &told, fake.mono_us + 1500);

	proto_hex(&span, 1, "4bf92f3577b34da6a3ce929d0e0e4736");
	proto_hex(&span, 2, "2122232425262728");
	proto_hex(&span, 4, "00f067aa0ba902b7");
	proto_text(&span, 5, "decide");
	proto_varint(&span, 6, 1); /* internal */
	proto_fixed64(&span, 7, UINT64_C(1788256800000000000));
	proto_fixed64(&span, 8, UINT64_C(1788256800001500000));
	proto_attribute(&span, 9, "tracepager.suspect.service", "ledger");
	proto_attribute_int(&span, 9, "tracepager.traces", 3);
	proto_text(&part, 1, "tracepager.confidence");
	proto_fixed64(&value, 4, UINT64_C(0x3fe0000000000000)); /* 0.5 by IEEE 754 */
	proto_message(&part, 2, &value);
	proto_message(&span, 9, &part);
	proto_text(&part, 1, "tracepager.decision.late");
	proto_varint(&value, 2, 1);
	proto_message(&part, 2, &value);
	proto_message(&span, 9, &part);
	proto_attribute(&span, 9, "error.type", "store");
	proto_hex(&part, 1, "0102030405060708090a0b0c0d0e0f10");
	proto_hex(&part, 2, "1112131415161718");
	proto_message(&span, 13, &part);
	proto_varint(&part, 3, 2); /* error */
	proto_message(&span, 15, &part);
	proto_fixed32(&span, 16, 0x101); /* sampled; the parent is known to be local */
	proto_message(&want, 2, &span);

	fake_http_reply(&http, (struct fake_reply){ .status = 200 });
	fake_clock_advance(&fake, US_PER_SECOND);
	ck_assert_uint_eq(http.nrequests, 1);
	ck_assert_str_eq(http.requests[0].url, "http://127.0.0.1:4318/v1/traces");
	ck_assert_ptr_nonnull(
		strstr(http.requests[0].headers, "Content-Type: application/x-protobuf\n"));
	ck_assert_ptr_nonnull(
		memmem(http.requests[0].body, http.requests[0].body_len, want.data, want.len));
	buf_fini(&want);
	buf_fini(&span);
	buf_fini(&part);
	buf_fini(&value);
}
END_TEST

START_TEST(our_own_reader_reads_it)
{
	struct span_context root = root_of(W3C);
	struct stage_span alert = { .stage = STAGE_ALERT, .context = root };
	struct stage_span request = stage_below(STAGE_REQUEST, &root, fake.mono_us + 10);
	const struct stage_target target = {
		.method = HTTP_GET, .url = "http://jaeger/api", .address = "jaeger", .port = 80
	};

	alert.began_us = fake.mono_us;
	request.name = "GET jaeger";
	stage_add_http(&request, &target, 503, NULL, false);
	stage_tell(tracer, &request, fake.mono_us + 500);
	stage_tell(tracer, &alert, fake.mono_us + 1000);
	fake_http_reply(&http, (struct fake_reply){ .status = 200 });
	fake_clock_advance(&fake, US_PER_SECOND);
	struct trace_set *set = decode_request(0);
	ck_assert_uint_eq(set->ntraces, 1);
	const struct trace *trace = &set->traces[0];
	ck_assert_str_eq(trace_text(trace, trace->id), "4bf92f3577b34da6a3ce929d0e0e4736");
	ck_assert_uint_eq(trace->nspans, 2);
	const struct span *span = &trace->spans[0];
	ck_assert_str_eq(trace_text(trace, span->name), "GET jaeger");
	ck_assert_int_eq(span->kind, SPAN_CLIENT);
	ck_assert_int_eq(span->status, SPAN_STATUS_ERROR);
	ck_assert_str_eq(span_attr(trace, span, ATTR_HTTP_RESPONSE_STATUS_CODE), "503");
	ck_assert_str_eq(span_attr(trace, span, ATTR_ERROR_TYPE), "503");
	ck_assert_str_eq(span_attr(trace, span, ATTR_SERVER_ADDRESS), "jaeger");
	ck_assert_int_eq(span->start_us, FAKE_WALL_US + 10);
	ck_assert_int_eq(span->duration_us, 490);
	ck_assert_uint_eq(span->parent, 1);
	span = &trace->spans[1];
	ck_assert_str_eq(trace_text(trace, span->name), "alert");
	ck_assert_int_eq(span->kind, SPAN_CONSUMER);
	ck_assert_str_eq(trace_text(trace, span->parent_id), "00f067aa0ba902b7");
	ck_assert(span->flags & SPAN_REMOTE);
	ck_assert_str_eq(span_service(trace, span), "tracepager");
	trace_set_free(set);
}
END_TEST

START_TEST(the_resource_says_who_told)
{
	begin_with(1, "", "deployment.environment.name=prod host.name=relay-1",
		   "service.name=pager%20one,deployment.environment.name=test,k8s.pod.name=tp-0,"
		   "host.name=other");
	struct span_context root = root_of(NULL);

	tell_one(&root);
	fake_http_reply(&http, (struct fake_reply){ .status = 200 });
	fake_clock_advance(&fake, US_PER_SECOND);
	struct trace_set *set = decode_request(0);
	const struct trace *trace = &set->traces[0];
	const struct resource *resource = span_resource(trace, &trace->spans[0]);
	ck_assert_str_eq(trace_text(trace, resource->service), "pager one");
	ck_assert_str_eq(resource_attr(trace, resource, "service.version"), "1.2.3");
	ck_assert_uint_eq(strlen(resource_attr(trace, resource, "service.instance.id")), 36);
	ck_assert_str_eq(resource_attr(trace, resource, "host.name"), "relay-1");
	ck_assert_str_eq(resource_attr(trace, resource, "deployment.environment.name"), "prod");
	ck_assert_str_eq(resource_attr(trace, resource, "k8s.pod.name"), "tp-0");
	ck_assert_uint_eq(resource->nattrs, 6);
	trace_set_free(set);
}
END_TEST

/* One text that is no UTF-8 would cost the whole batch. */
START_TEST(texts_are_cut_and_clean)
{
	struct span_context root = root_of(NULL);
	struct stage_span span = stage_below(STAGE_DECIDE, &root, fake.mono_us);
	char longer[2000];

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	stage_text(&span, STAGE_ATTR_ADDRESS, longer);
	stage_text(&span, STAGE_ATTR_SUSPECT, "a\xff z");
	span.name = "n\xc3";
	stage_tell(tracer, &span, fake.mono_us);
	fake_http_reply(&http, (struct fake_reply){ .status = 200 });
	fake_clock_advance(&fake, US_PER_SECOND);
	struct trace_set *set = decode_request(0);
	const struct trace *trace = &set->traces[0];
	ck_assert_str_eq(trace_text(trace, trace->spans[0].name), "n\xef\xbf\xbd");
	ck_assert_uint_eq(strlen(span_attr(trace, &trace->spans[0], ATTR_SERVER_ADDRESS)), 256);
	ck_assert_ptr_nonnull(
		memmem(http.requests[0].body, http.requests[0].body_len, "a\xef\xbf\xbd z", 6));
	trace_set_free(set);
}
END_TEST

/* ---- what is traced ---- */

START_TEST(the_callers_choice_counts_more_than_the_sample)
{
	struct span_context context;

	begin_with(0, "", "", NULL);
	ck_assert(!tracer->begin(tracer->ctx, NULL, &context));
	ck_assert(tracer->begin(tracer->ctx, W3C, &context));
	ck_assert_uint_eq(context.trace_high, 0x4bf92f3577b34da6);
	ck_assert_uint_eq(context.parent, 0x00f067aa0ba902b7);
	ck_assert_uint_ne(context.span, context.parent);
	begin_with(1, "", "", NULL);
	ck_assert(!tracer->begin(
		tracer->ctx, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", &context));
	ck_assert(tracer->begin(tracer->ctx, "no traceparent", &context));
	ck_assert_uint_eq(context.parent, 0);
}
END_TEST

/* 4,000 draws at a quarter: 1,000, and six standard deviations of 27.4 are 165. */
START_TEST(a_sample_is_a_part)
{
	struct span_context context;
	unsigned int n = 0;

	begin_with(0.25, "", "", NULL);
	for (unsigned int i = 0; i < 4000; i++)
		n += tracer->begin(tracer->ctx, NULL, &context);
	ck_assert_uint_ge(n, 835);
	ck_assert_uint_le(n, 1165);
}
END_TEST

START_TEST(without_a_tracer_nothing_is_traced)
{
	struct span_context root = stage_root(NULL);
	struct span_context child = stage_child(NULL, &root);

	ck_assert(!span_context_is_set(&root));
	ck_assert(!span_context_is_set(&child));
	ck_assert_ptr_null(telemetry_tracer(NULL));
	ck_assert(!telemetry_busy(NULL));
}
END_TEST

/* ---- batches ---- */

START_TEST(spans_gather_for_a_second)
{
	struct span_context root = root_of(NULL);

	fake_http_reply(&http, (struct fake_reply){ .status = 200 });
	tell_one(&root);
	fake_clock_advance(&fake, 999999);
	tell_one(&root);
	ck_assert_uint_eq(http.nrequests, 0);
	fake_clock_advance(&fake, 1);
	ck_assert_uint_eq(http.nrequests, 1);
	struct trace_set *set = decode_request(0);
	ck_assert_uint_eq(set->traces[0].nspans, 2);
	trace_set_free(set);
	fake_clock_advance(&fake, US_PER_MINUTE);
	ck_assert_uint_eq(http.nrequests, 1);
	ck_assert_int_eq(timers_next_us(fake.timers), INT64_MAX);
}
END_TEST

START_TEST(a_full_batch_leaves_at_once_and_one_at_a_time)
{
	struct span_context root = root_of(NULL);
	int64_t before = metric_value(METRIC_SPANS_EXPORTED);

	fake_http_reply(&http, (struct fake_reply){ .status = 200, .delay_us = 300000 });
	for (unsigned int i = 0; i < 2 * LIMIT_TELEMETRY_BATCH_SPANS + 1; i++)
		tell_one(&root);
	fake_clock_advance(&fake, 0);
	ck_assert_uint_eq(http.nrequests, 1);
	fake_clock_advance(&fake, 299999);
	ck_assert_uint_eq(http.nrequests, 1);
	fake_clock_advance(&fake, 1);
	ck_assert_uint_eq(http.nrequests, 2);
	fake_clock_advance(&fake, 5 * US_PER_SECOND);
	ck_assert_uint_eq(http.nrequests, 3);
	ck_assert_uint_eq(http.most_open, 1);
	ck_assert_int_eq(metric_value(METRIC_SPANS_EXPORTED) - before,
			 2 * LIMIT_TELEMETRY_BATCH_SPANS + 1);
}
END_TEST

START_TEST(headers_go_along)
{
	struct span_context root = root_of(NULL);

	secret_set(&bearer, "token-1");
	secret_set(&headers, "X-Scope-OrgID=shop, api-key = a%2Cb");
	fake_http_reply(&http, (struct fake_reply){ .status = 200 });
	tell_one(&root);
	fake_clock_advance(&fake, US_PER_SECOND);
	ck_assert_str_eq(http.requests[0].headers, "Content-Type: application/x-protobuf\n"
						   "Authorization: Bearer token-1\n"
						   "X-Scope-OrgID: shop\napi-key: a,b\n");
}
END_TEST

/* ---- what a receiver answers ---- */

START_TEST(a_receiver_may_ask_for_a_pause)
{
	struct span_context root = root_of(NULL);

	fake_http_reply(&http, (struct fake_reply){ .status = 429,
						    .times = 1,
						    .retry_after_us = 7 * US_PER_SECOND });
	fake_http_reply(&http, (struct fake_reply){
				       .status = 503, .times = 1, .retry_after_us = US_PER_HOUR });
	fake_http_reply(&http, (struct fake_reply){ .status = 200 });
	tell_one(&root);
	fake_clock_advance(&fake, 10 * US_PER_MINUTE);
	ck_assert_uint_eq(http.nrequests, 3);
	ck_assert_int_eq(http.requests[1].at_us - http.requests[0].at_us, 7 * US_PER_SECOND);
	/* An hour is too long: LIMIT_TELEMETRY_RETRY_AFTER_US. */
	ck_assert_int_eq(http.requests[2].at_us - http.requests[1].at_us, US_PER_MINUTE);
	ck_assert_uint_eq(http.requests[2].body_len, http.requests[0].body_len);
}
END_TEST

/* With a random number of 0.5: three quarters of 1, 2, 4, 8, 16, 30 and 30 s. */
START_TEST(without_an_answer_the_pauses_grow)
{
	static const int64_t pauses_ms[] = { 750, 1500, 3000, 6000, 12000, 22500, 22500 };
	struct span_context root = root_of(NULL);
	int64_t dropped = metric_value(METRIC_SPANS_DROPPED);

	tell_one(&root); /* nobody answers */
	fake_clock_advance(&fake, 20 * US_PER_MINUTE);
	for (size_t i = 0; i < ARRAY_LEN(pauses_ms); i++)
		ck_assert_int_eq(http.requests[i + 1].at_us - http.requests[i].at_us,
				 pauses_ms[i] * US_PER_MS);
	/* Too old after 5 minutes. */
	ck_assert_int_eq(metric_value(METRIC_SPANS_DROPPED) - dropped, 1);
	ck_assert_int_le(http.requests[http.nrequests - 1].at_us,
			 LIMIT_TELEMETRY_AGE_US + LIMIT_TELEMETRY_RETRY_MAX_US);
	ck_assert_int_eq(timers_next_us(fake.timers), INT64_MAX);
}
END_TEST

START_TEST(what_is_refused_is_not_sent_again)
{
	static const int statuses[] = { 400, 401, 404, 413, 500, 501 };
	int64_t rejected = metric_value(METRIC_SPANS_REJECTED);

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		struct span_context root = root_of(NULL);
		fake_http_forget(&http);
		fake_http_reply(&http, (struct fake_reply){ .status = statuses[i] });
		tell_one(&root);
		fake_clock_advance(&fake, US_PER_MINUTE);
		ck_assert_uint_eq(http.nrequests, i + 1);
	}
	ck_assert_int_eq(metric_value(METRIC_SPANS_REJECTED) - rejected, 6);
}
END_TEST

/* ExportTraceServiceResponse{partial_success{rejected_spans: 2, error_message: "no"}}. */
START_TEST(a_receiver_may_refuse_a_part)
{
	static const char body[] = "\x0a\x06\x08\x02\x12\x02no";
	struct span_context root = root_of(NULL);
	int64_t rejected = metric_value(METRIC_SPANS_REJECTED),
		exported = metric_value(METRIC_SPANS_EXPORTED);

	fake_http_reply(
		&http, (struct fake_reply){ .status = 200, .body = body, .len = sizeof(body) - 1 });
	for (unsigned int i = 0; i < 3; i++)
		tell_one(&root);
	fake_clock_advance(&fake, US_PER_SECOND);
	ck_assert_int_eq(metric_value(METRIC_SPANS_REJECTED) - rejected, 2);
	ck_assert_int_eq(metric_value(METRIC_SPANS_EXPORTED) - exported, 1);
}
END_TEST

START_TEST(an_answer_that_is_no_protobuf_does_no_harm)
{
	static const char *const bodies[] = { "{\"partialSuccess\":{}}", "\x0a\xff\xff\xff\xff\x0f",
					      "\x0a", "\x08", "\xff\xff\xff\xff\xff\xff\xff\xff" };
	int64_t rejected = metric_value(METRIC_SPANS_REJECTED);

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct span_context root = root_of(NULL);
		fake_http_forget(&http);
		fake_http_reply(&http, (struct fake_reply){ .status = 200, .body = bodies[i] });
		tell_one(&root);
		fake_clock_advance(&fake, US_PER_SECOND);
	}
	ck_assert_int_eq(metric_value(METRIC_SPANS_REJECTED), rejected);
}
END_TEST

/* ---- bounds ---- */

START_TEST(the_queue_has_an_end)
{
	const int64_t dropped = metric_value(METRIC_SPANS_DROPPED),
		      skipped = metric_value(METRIC_SPANS_TRACES_SKIPPED);
	struct span_context root = root_of(NULL), context;
	int64_t told = 0;

	/* Nobody answers. */
	for (; metric_value(METRIC_SPANS_DROPPED) == dropped && told < 1000000; told++)
		tell_one(&root);
	ck_assert_int_eq(metric_value(METRIC_SPANS_DROPPED) - dropped, 1);
	ck_assert_int_eq(metric_value(METRIC_SPANS_WAITING), told - 1);
	/* A span like these has 60 to 200 bytes. */
	ck_assert_int_gt(told, LIMIT_TELEMETRY_QUEUE_BYTES / 200);
	ck_assert_int_lt(told, LIMIT_TELEMETRY_QUEUE_BYTES / 60);
	ck_assert(!tracer->begin(tracer->ctx, NULL, &context));
	ck_assert_int_eq(metric_value(METRIC_SPANS_TRACES_SKIPPED) - skipped, 1);
}
END_TEST

/* Begins traces until there is no room; returns their number. */
static size_t begin_all(struct span_context *roots, size_t most)
{
	size_t n = 0;

	while (n < most && tracer->begin(tracer->ctx, NULL, &roots[n]))
		n++;
	return n;
}

START_TEST(traces_that_have_begun_lose_no_span)
{
	static struct span_context
		roots[2 * LIMIT_TELEMETRY_QUEUE_BYTES / LIMIT_TELEMETRY_TRACE_BYTES];
	const int64_t dropped = metric_value(METRIC_SPANS_DROPPED),
		      skipped = metric_value(METRIC_SPANS_TRACES_SKIPPED);
	const size_t n = begin_all(roots, ARRAY_LEN(roots));

	/* All of them begin before any of them has told a span. */
	ck_assert_uint_eq(n, LIMIT_TELEMETRY_QUEUE_BYTES / LIMIT_TELEMETRY_TRACE_BYTES);
	ck_assert_int_eq(metric_value(METRIC_SPANS_TRACES_SKIPPED) - skipped, 1);
	/* 5 spans of at most 200 bytes each. */
	for (int spans = 0; spans < 5; spans++)
		for (size_t i = 0; i < n; i++)
			tell_one(&roots[i]);
	ck_assert_int_eq(metric_value(METRIC_SPANS_DROPPED), dropped);
	ck_assert_int_eq(metric_value(METRIC_SPANS_WAITING), 5 * (int64_t)n);
}
END_TEST

START_TEST(a_trace_that_tells_nothing_gives_its_room_back)
{
	static struct span_context
		roots[2 * LIMIT_TELEMETRY_QUEUE_BYTES / LIMIT_TELEMETRY_TRACE_BYTES];
	const size_t n = begin_all(roots, ARRAY_LEN(roots));

	fake_clock_advance(&fake, LIMIT_TELEMETRY_RESERVE_US);
	ck_assert_uint_eq(begin_all(roots, ARRAY_LEN(roots)), 0);
	fake_clock_advance(&fake, LIMIT_TELEMETRY_RESERVE_US);
	ck_assert_uint_eq(begin_all(roots, ARRAY_LEN(roots)), n);
}
END_TEST

START_TEST(what_waits_is_dropped_with_the_program)
{
	struct span_context root = root_of(NULL);
	int64_t dropped = metric_value(METRIC_SPANS_DROPPED);

	tell_one(&root);
	telemetry_free(telemetry);
	telemetry = NULL;
	ck_assert_int_eq(metric_value(METRIC_SPANS_DROPPED) - dropped, 1);
	ck_assert_int_eq(metric_value(METRIC_SPANS_WAITING), 0);
	ck_assert_int_eq(timers_next_us(fake.timers), INT64_MAX);
}
END_TEST

/* ---- the end ---- */

START_TEST(at_the_end_everything_leaves_at_once)
{
	struct span_context root = root_of(NULL), context;

	fake_http_reply(&http, (struct fake_reply){ .status = 200, .delay_us = 1000 });
	tell_one(&root);
	telemetry_end(telemetry);
	ck_assert(telemetry_busy(telemetry));
	fake_clock_advance(&fake, 1000);
	ck_assert_uint_eq(http.nrequests, 1);
	ck_assert_int_eq(http.requests[0].timeout_us, LIMIT_TELEMETRY_END_US);
	ck_assert(!telemetry_busy(telemetry));
	ck_assert(!tracer->begin(tracer->ctx, NULL, &context));
	tell_one(&root); /* the last page's */
	fake_clock_advance(&fake, 1000);
	ck_assert_uint_eq(http.nrequests, 2);
}
END_TEST

START_TEST(an_end_waits_for_no_receiver_that_fails)
{
	struct span_context root = root_of(NULL);

	tell_one(&root);
	fake_clock_advance(&fake, US_PER_SECOND); /* refused */
	ck_assert_uint_eq(http.nrequests, 1);
	telemetry_end(telemetry);
	ck_assert(!telemetry_busy(telemetry));
	tell_one(&root);
	fake_clock_advance(&fake, 1);
	ck_assert(!telemetry_busy(telemetry));
	/* And one that hangs gets a second. */
	fake_http_reply(&http, (struct fake_reply){ .status = 200, .delay_us = US_PER_HOUR });
	begin_with(1, "", "", NULL);
	tell_one(&root);
	telemetry_end(telemetry);
	fake_clock_advance(&fake, 999999);
	ck_assert(telemetry_busy(telemetry));
	fake_clock_advance(&fake, 1);
	ck_assert(!telemetry_busy(telemetry));
	telemetry_free(telemetry);
	telemetry = NULL;
}
END_TEST

/* ---- options ---- */

START_TEST(the_endpoint_gets_its_path)
{
	static const struct {
		const char *endpoint, *url;
	} cases[] = {
		{ "http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces" },
		{ "http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces" },
		{ "https://tempo.example/otlp", "https://tempo.example/otlp/v1/traces" },
		{ "https://tempo.example/v1/traces", "https://tempo.example/v1/traces" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_FREE char *url = telemetry_url(cases[i].endpoint);
		ck_assert_str_eq(url, cases[i].url);
	}
}
END_TEST

START_TEST(lists_are_checked)
{
	static const char *const wrong[] = { "",	 "api-key",
					     "api-key=", "=x",
					     "a b=c",	 "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9",
					     "a=%0a" };
	struct err err = { 0 };

	ck_assert_int_eq(telemetry_check_headers("api-key=secret,x=y", &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		ck_assert_msg(telemetry_check_headers(wrong[i], &err) == -EINVAL, "%s", wrong[i]);
	ck_assert_int_eq(telemetry_check_headers("api key=secret", &err), -EINVAL);
	ck_assert_ptr_null(strstr(err.text, "secret"));
	ck_assert_int_eq(telemetry_check_resource("", &err), 0);
	ck_assert_int_eq(telemetry_check_resource("a=b c.d=e", &err), 0);
	ck_assert_int_eq(telemetry_check_resource("a=b c", &err), -EINVAL);
}
END_TEST

static Suite *telemetry_suite(void)
{
	Suite *suite = suite_create("telemetry");
	TCase *tests = tcase_create("telemetry");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, traceparent_is_read_as_w3c_says);
	tcase_add_test(tests, a_context_is_stored_with_its_parent);
	tcase_add_test(tests, ids_of_traces_that_were_read);
	tcase_add_test(tests, urls_lose_their_secrets);
	tcase_add_test(tests, errors_have_a_class);
	tcase_add_test(tests, a_span_has_the_bytes_of_the_specification);
	tcase_add_test(tests, our_own_reader_reads_it);
	tcase_add_test(tests, the_resource_says_who_told);
	tcase_add_test(tests, texts_are_cut_and_clean);
	tcase_add_test(tests, the_callers_choice_counts_more_than_the_sample);
	tcase_add_test(tests, a_sample_is_a_part);
	tcase_add_test(tests, without_a_tracer_nothing_is_traced);
	tcase_add_test(tests, spans_gather_for_a_second);
	tcase_add_test(tests, a_full_batch_leaves_at_once_and_one_at_a_time);
	tcase_add_test(tests, headers_go_along);
	tcase_add_test(tests, a_receiver_may_ask_for_a_pause);
	tcase_add_test(tests, without_an_answer_the_pauses_grow);
	tcase_add_test(tests, what_is_refused_is_not_sent_again);
	tcase_add_test(tests, a_receiver_may_refuse_a_part);
	tcase_add_test(tests, an_answer_that_is_no_protobuf_does_no_harm);
	tcase_add_test(tests, the_queue_has_an_end);
	tcase_add_test(tests, traces_that_have_begun_lose_no_span);
	tcase_add_test(tests, a_trace_that_tells_nothing_gives_its_room_back);
	tcase_add_test(tests, what_waits_is_dropped_with_the_program);
	tcase_add_test(tests, at_the_end_everything_leaves_at_once);
	tcase_add_test(tests, an_end_waits_for_no_receiver_that_fails);
	tcase_add_test(tests, the_endpoint_gets_its_path);
	tcase_add_test(tests, lists_are_checked);
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(telemetry_suite());

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
