/*
 * OTLP JSON: what the decoder makes of documents, in any order of members and any size of pieces.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/trace_decoder.h"
#include "tracepager/xalloc.h"

static const char *const extra_names[] = { "shop.region" };
static const struct trace_options options = { .extra_names = extra_names, .nextra_names = 1 };

static struct trace_set *set;
static struct err err;

static void setup(void)
{
	set = NULL;
	memset(&err, 0, sizeof(err));
}

static void teardown(void)
{
	trace_set_free(set);
}

static int decode_pieces(const char *text, size_t piece)
{
	struct trace_decoder *decoder = trace_decoder_new(TRACE_ENCODING_OTLP_JSON, &options);
	size_t len = strlen(text);
	int code = 0;

	trace_set_free(set);
	set = NULL;
	for (size_t at = 0; at < len && code == 0; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		char *copy = malloc(n);

		memcpy(copy, text + at, n);
		code = trace_decoder_feed(decoder, copy, n, &err);
		free(copy);
	}
	if (code == 0)
		code = trace_decoder_finish(decoder, &set, &err);
	else /* the error stays */
		ck_assert_int_eq(trace_decoder_finish(decoder, &set, NULL), code);
	trace_decoder_free(decoder);
	return code;
}

static void decode(const char *text)
{
	int code = decode_pieces(text, strlen(text));

	ck_assert_msg(code == 0, "%s (line %d, column %d)", err.text, err.line, err.column);
}

static const struct span *find_span(const char *id)
{
	for (uint32_t i = 0; i < set->ntraces; i++) {
		for (uint32_t j = 0; j < set->traces[i].nspans; j++) {
			const struct span *span = &set->traces[i].spans[j];

			if (strcmp(set->strings + span->id, id) == 0)
				return span;
		}
	}
	ck_abort_msg("no span %s", id);
	return NULL;
}

static const struct trace *trace_of(const struct span *span)
{
	for (uint32_t i = 0; i < set->ntraces; i++) {
		const struct trace *trace = &set->traces[i];

		if (span >= trace->spans && span < trace->spans + trace->nspans)
			return trace;
	}
	ck_abort_msg("a span of no trace");
	return NULL;
}

static void check_attr(const struct span *span, unsigned int key, const char *want)
{
	const char *value = span_attr(trace_of(span), span, key);

	if (!want) {
		ck_assert_ptr_null(value);
	} else {
		ck_assert_ptr_nonnull(value);
		ck_assert_str_eq(value, want);
	}
}

/* checkout calls payment, which fails. */
static const char whole[] =
	"{\"resourceSpans\":[{\"resource\":{\"attributes\":["
	"{\"key\":\"service.name\",\"value\":{\"stringValue\":\"checkout\"}},"
	"{\"key\":\"service.namespace\",\"value\":{\"stringValue\":\"shop\"}},"
	"{\"key\":\"replicas\",\"value\":{\"intValue\":\"3\"}},"
	"{\"key\":\"canary\",\"value\":{\"boolValue\":true}},"
	"{\"key\":\"hosts\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"a\"}]}}}]},"
	"\"scopeSpans\":[{\"scope\":{\"name\":\"lib\",\"attributes\":[]},\"spans\":["
	"{\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"eee19b7ec3c1b174\","
	"\"name\":\"POST /orders\",\"kind\":2,\"startTimeUnixNano\":\"1788256800000001999\","
	"\"endTimeUnixNano\":\"1788256800250002000\",\"status\":{}},"
	"{\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"eee19b7ec3c1b175\","
	"\"parentSpanId\":\"eee19b7ec3c1b174\",\"name\":\"charge\",\"kind\":3,\"flags\":257,"
	"\"startTimeUnixNano\":1788256800100000000,\"endTimeUnixNano\":1788256800200000000,"
	"\"attributes\":[{\"key\":\"peer.service\",\"value\":{\"stringValue\":\"payment\"}},"
	"{\"key\":\"http.response.status_code\",\"value\":{\"intValue\":500}},"
	"{\"key\":\"shop.region\",\"value\":{\"doubleValue\":1.5}},"
	"{\"key\":\"unknown\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"a\",\"value\":{}}]"
	"}}},"
	"{\"key\":\"db.system\",\"value\":{\"arrayValue\":{\"values\":[]}}}],"
	"\"events\":[{\"name\":\"retry\",\"attributes\":[{\"key\":\"n\",\"value\":{\"intValue\":"
	"\"1\"}}]},"
	"{\"timeUnixNano\":\"1788256800150000000\",\"name\":\"exception\",\"attributes\":["
	"{\"key\":\"exception.type\",\"value\":{\"stringValue\":\"Timeout\"}},"
	"{\"key\":\"exception.message\",\"value\":{\"stringValue\":\"card\"}}]},"
	"{\"name\":\"exception\",\"attributes\":["
	"{\"key\":\"exception.type\",\"value\":{\"stringValue\":\"Later\"}}]}],"
	"\"links\":[{\"traceId\":\"00\",\"spanId\":\"00\"}],"
	"\"status\":{\"code\":2,\"message\":\"card \\\"refused\\\"\"}}]}]},"
	"{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":"
	"\"payment\"}}]},"
	"\"scopeSpans\":[{\"spans\":["
	"{\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"eee19b7ec3c1b176\","
	"\"parentSpanId\":\"eee19b7ec3c1b175\",\"name\":\"charge\",\"kind\":2,\"flags\":769,"
	"\"startTimeUnixNano\":\"1788256800300000000\",\"endTimeUnixNano\":\"1788256800200000000\","
	"\"status\":{\"code\":1}}]}]}]}";

static void check_whole(void)
{
	const struct span *root = find_span("eee19b7ec3c1b174"),
			  *client = find_span("eee19b7ec3c1b175"),
			  *server = find_span("eee19b7ec3c1b176");
	const struct trace *trace = trace_of(root);
	const struct resource *checkout = span_resource(trace, root);

	ck_assert_uint_eq(set->ntraces, 1);
	ck_assert_uint_eq(trace->nspans, 3);
	ck_assert_str_eq(trace_text(trace, trace->id), "5b8efff798038103d269b633813fc60c");
	ck_assert_str_eq(span_service(trace, root), "checkout");
	ck_assert_str_eq(trace_text(trace, checkout->namespace), "shop");
	ck_assert_str_eq(resource_attr(trace, checkout, "replicas"), "3");
	ck_assert_str_eq(resource_attr(trace, checkout, "canary"), "true");
	ck_assert_ptr_null(resource_attr(trace, checkout, "hosts"));
	ck_assert_str_eq(span_service(trace, server), "payment");

	ck_assert_str_eq(trace_text(trace, root->name), "POST /orders");
	ck_assert_int_eq(root->kind, SPAN_SERVER);
	ck_assert_int_eq(root->status, SPAN_STATUS_UNSET);
	ck_assert_uint_eq(root->parent, TRACE_NONE);
	/* Times and durations are cut to microseconds, not rounded. */
	ck_assert_int_eq(root->start_us, INT64_C(1788256800000001));
	ck_assert_int_eq(root->duration_us, 250000);

	ck_assert_uint_eq(client->parent, (uint32_t)(root - trace->spans));
	ck_assert_int_eq(client->kind, SPAN_CLIENT);
	ck_assert_int_eq(client->status, SPAN_STATUS_ERROR);
	ck_assert_str_eq(trace_text(trace, client->message), "card \"refused\"");
	ck_assert_int_eq(client->start_us, INT64_C(1788256800100000));
	ck_assert_int_eq(client->duration_us, 100000);
	ck_assert_uint_eq(client->flags & SPAN_REMOTE,
			  0); /* it is known that the parent is not remote */
	check_attr(client, ATTR_PEER_SERVICE, "payment");
	check_attr(client, ATTR_HTTP_RESPONSE_STATUS_CODE, "500");
	check_attr(client, ATTR_COUNT, "1.5");
	check_attr(client, ATTR_DB_SYSTEM, NULL);
	check_attr(client, ATTR_EXCEPTION_TYPE, "Timeout");
	check_attr(client, ATTR_EXCEPTION_MESSAGE, "card");
	ck_assert_uint_eq(client->exception_after_us, 50001);

	ck_assert_uint_eq(server->parent, (uint32_t)(client - trace->spans));
	ck_assert_int_eq(server->status, SPAN_STATUS_OK);
	ck_assert_uint_eq(server->flags & SPAN_REMOTE, SPAN_REMOTE);
	ck_assert_int_eq(server->duration_us, 0); /* it ends before it starts */
}

START_TEST(everything)
{
	decode(whole);
	check_whole();
}
END_TEST

START_TEST(any_pieces)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 16, 61, 1000 };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		ck_assert_int_eq(decode_pieces(whole, pieces[i]), 0);
		check_whole();
	}
}
END_TEST

/* Value before key, spans before resource, status first; old names, snake case, names of enums. */
START_TEST(any_order_and_spelling)
{
	const struct span *span;

	decode("{\"x\":[{\"resourceSpans\":[]}],\"resource_spans\":[{"
	       "\"instrumentationLibrarySpans\":[{\"spans\":["
	       "{\"status\":{\"message\":\"late\",\"code\":\"STATUS_CODE_ERROR\"},"
	       "\"events\":[{\"attributes\":[{\"value\":{\"string_value\":\"boom\"},\"key\":"
	       "\"exception.message\"}]}],"
	       "\"attributes\":[{\"value\":{\"string_value\":\"GET\"},\"key\":\"http.request."
	       "method\"},"
	       "{\"value\":{\"bool_value\":false},\"key\":\"error\"},"
	       "{\"value\":{\"int_value\":7},\"key\":\"not.kept\"},"
	       "{\"value\":null,\"key\":\"db.name\"},{\"value\":{},\"key\":\"db.type\"}],"
	       "\"end_time_unix_nano\":\"2000000\",\"start_time_unix_nano\":\"1000000\","
	       "\"kind\":\"SPAN_KIND_CONSUMER\",\"name\":\"receive\",\"parent_span_id\":"
	       "\"0000000000000000\","
	       "\"span_id\":\"any id at all\",\"trace_id\":\"0x1\"}]}],"
	       "\"resource\":{\"attributes\":[{\"value\":{\"string_value\":\"shipping\"},\"key\":"
	       "\"service.name\"}]}}]}");
	span = find_span("any id at all");
	ck_assert_str_eq(trace_text(trace_of(span), trace_of(span)->id), "0x1");
	ck_assert_str_eq(span_service(trace_of(span), span), "shipping");
	ck_assert_int_eq(span->kind, SPAN_CONSUMER);
	ck_assert_int_eq(span->status, SPAN_STATUS_ERROR);
	ck_assert_str_eq(trace_text(trace_of(span), span->message), "late");
	ck_assert_uint_eq(span->parent_id, 0);
	ck_assert_uint_eq(span->parent, TRACE_NONE);
	ck_assert_uint_eq(span->flags & SPAN_ORPHAN, 0);
	ck_assert_int_eq(span->start_us, 1000);
	ck_assert_int_eq(span->duration_us, 1000);
	check_attr(span, ATTR_HTTP_REQUEST_METHOD, "GET");
	check_attr(span, ATTR_EXCEPTION_MESSAGE, "boom");
	check_attr(span, ATTR_EXCEPTION_TYPE, NULL);
	check_attr(span, ATTR_DB_NAME, NULL);
	check_attr(span, ATTR_DB_TYPE, NULL);
}
END_TEST

/* The answer to a search: all traces in one list, the spans of a trace in several places, also as a
 * sequence of documents. */
START_TEST(sequences_are_regrouped)
{
#define SPAN(trace, id, parent)                                                                    \
	"{\"traceId\":\"" trace "\",\"spanId\":\"" id "\",\"parentSpanId\":\"" parent              \
	"\",\"name\":\"n\"}"
#define SPANS(service, spans)                                                                      \
	"{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":"     \
	"\"" service "\"}}]},\"scopeSpans\":[{\"spans\":[" spans "]}]}"
	decode("{\"result\":{\"resourceSpans\":[" SPANS(
		"cart",
		SPAN("a1", "1", "") "," SPAN(
			"b2", "5", "")) "]}}\n{\"result\":{\"resourceSpans\":"
					"[" SPANS("ledger",
						  SPAN("a1", "2", "1")) "]}}{\"result\":{"
									"\"resourceSpans\":"
									"[" SPANS("stock",
										  SPAN("b2", "6",
										       "5")) "]"
											     "}"
											     "}"
											     "\n");
	ck_assert_uint_eq(set->ntraces, 2);
	ck_assert_uint_eq(set->traces[0].nspans, 2);
	ck_assert_uint_eq(set->traces[1].nspans, 2);
	ck_assert_ptr_eq(trace_of(find_span("1")), trace_of(find_span("2")));
	ck_assert_ptr_eq(trace_of(find_span("5")), trace_of(find_span("6")));
	ck_assert_str_eq(span_service(trace_of(find_span("6")), find_span("6")), "stock");
	ck_assert_str_eq(span_service(trace_of(find_span("2")), find_span("2")), "ledger");
}
END_TEST

/* Base64 as Tempo writes it and hexadecimal digits in either case are the same id; any other text
 * stays. */
START_TEST(ids)
{
	decode("{\"batches\":[{\"scopeSpans\":[{\"spans\":["
	       "{\"traceId\":\"W47/95gDgQPSabYzgT/GDA==\",\"spanId\":\"7uGbfsPBsXQ=\"},"
	       "{\"traceId\":\"5B8EFFF798038103D269B633813FC60C\",\"spanId\":\"EEE19B7EC3C1B175\","
	       "\"parentSpanId\":\"7uGbfsPBsXQ=\"},"
	       "{\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"no/base64==\","
	       "\"parentSpanId\":\"AAAAAAAAAAA=\"},"
	       "{\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"?uGbfsPBsXQ=\","
	       "\"parentSpanId\":\"EEE19B7EC3C1B17\"}]}]}]}");
	ck_assert_uint_eq(set->ntraces, 1);
	ck_assert_str_eq(set->strings + set->traces[0].id, "5b8efff798038103d269b633813fc60c");
	ck_assert_uint_eq(find_span("eee19b7ec3c1b175")->parent,
			  (uint32_t)(find_span("eee19b7ec3c1b174") - set->traces[0].spans));
	ck_assert_uint_eq(find_span("no/base64==")->parent_id, 0);
	ck_assert_str_eq(set->strings + find_span("?uGbfsPBsXQ=")->parent_id, "EEE19B7EC3C1B17");
}
END_TEST

/* Only digits make an id hexadecimal: what stands beside them in ASCII, at any place, leaves the id
 * as it was written. */
START_TEST(near_hexadecimal_ids)
{
	static const char near[] = "/:@GZ`gz ";
	char id[] = "ABCDEF0123456789", document[256];

	for (size_t at = 0; at < 16; at++)
		for (size_t i = 0; near[i] != '\0'; i++) {
			char good = id[at];

			id[at] = near[i];
			snprintf(document, sizeof(document),
				 "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":"
				 "\"1\",\"spanId\":\"%s\"}]}]}]}",
				 id);
			decode(document);
			ck_assert_str_eq(set->strings + set->traces[0].spans[0].id, id);
			id[at] = good;
		}
}
END_TEST

/* Each span may have an order of members of its own, and members that are skipped between them. */
START_TEST(order_changes_from_span_to_span)
{
	decode("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":["
	       "{\"traceId\":\"1\",\"spanId\":\"a\",\"name\":\"first\",\"kind\":2},"
	       "{\"kind\":3,\"name\":\"second\",\"name2\":\"x\",\"\":0,\"spanId\":\"b\","
	       "\"traceId\":\"1\"},"
	       "{\"name\":\"third\",\"traceId\":\"1\",\"kine\":5,\"kind\":4,\"spanId\":\"c\"}"
	       "]}]}]}");
	ck_assert_str_eq(set->strings + find_span("a")->name, "first");
	ck_assert_str_eq(set->strings + find_span("b")->name, "second");
	ck_assert_str_eq(set->strings + find_span("c")->name, "third");
	ck_assert_int_eq(find_span("a")->kind, SPAN_SERVER);
	ck_assert_int_eq(find_span("b")->kind, SPAN_CLIENT);
	ck_assert_int_eq(find_span("c")->kind, SPAN_PRODUCER);
}
END_TEST

#define LINK(trace, span) "{\"traceId\":\"" trace "\",\"spanId\":\"" span "\"}"
#define OWN_TRACE	  "5b8efff798038103d269b633813fc60c"
#define OTHER_TRACE	  "5b8efff798038103d269b633813fc60d"

/* Only a root follows the span to which it links, and only a span of its own trace. */
static const struct {
	const char *members, *parent;
	unsigned int flags;
} links[] = {
	{ "\"traceId\":\"" OWN_TRACE "\",\"links\":[" LINK(OWN_TRACE, "00000000000000a1") "]",
	  "00000000000000a1", SPAN_FOLLOWS },
	{ "\"links\":[" LINK(OTHER_TRACE, "00000000000000a1") "],\"traceId\":\"" OWN_TRACE "\"", "",
	  0 },
	/* in any order, case and spelling; the first one into the own trace */
	{ "\"links\":[{\"span_id\":\"00000000000000A1\",\"trace_id\":"
	  "\"5B8EFFF798038103D269B633813FC60C\"}],\"traceId\":\"" OWN_TRACE "\"",
	  "00000000000000a1", SPAN_FOLLOWS },
	{ "\"traceId\":\"" OWN_TRACE
	  "\",\"links\":[" LINK(OTHER_TRACE, "00000000000000a3") "," LINK(
		  OWN_TRACE, "00000000000000a1") "," LINK(OWN_TRACE, "00000000000000a4") "]",
	  "00000000000000a1", SPAN_FOLLOWS },
	{ "\"traceId\":\"" OWN_TRACE "\",\"links\":[" LINK(OTHER_TRACE, "00000000000000a1") "]", "",
	  0 },
	/* a parent counts before links */
	{ "\"traceId\":\"" OWN_TRACE "\",\"parentSpanId\":\"00000000000000a1\",\"links\":[" LINK(
		  OWN_TRACE, "00000000000000a4") "]",
	  "00000000000000a1", 0 },
	/* to itself, to no span, to no trace */
	{ "\"traceId\":\"" OWN_TRACE "\",\"links\":[" LINK(OWN_TRACE, "00000000000000a2") "]", "",
	  0 },
	{ "\"traceId\":\"" OWN_TRACE "\",\"links\":[" LINK(OWN_TRACE, "0000000000000000") "]", "",
	  0 },
	{ "\"traceId\":\"" OWN_TRACE "\",\"links\":[{\"spanId\":\"00000000000000a1\"},{},null]", "",
	  0 },
};

START_TEST(roots_that_link_into_their_own_trace)
{
	char document[1024];
	const struct span *span;

	snprintf(document, sizeof(document),
		 "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":["
		 "{\"traceId\":\"" OWN_TRACE "\",\"spanId\":\"00000000000000a1\"},"
		 "{\"spanId\":\"00000000000000a2\",%s}]}]}]}",
		 links[_i].members);
	decode(document);
	span = find_span("00000000000000a2");
	ck_assert_str_eq(set->strings + span->parent_id, links[_i].parent);
	ck_assert_uint_eq(span->flags, links[_i].flags);
	ck_assert_uint_eq(span->parent, links[_i].parent[0] ? 0 : TRACE_NONE);
}
END_TEST

START_TEST(tempo)
{
	static const char *const partial[] = {
		"{\"trace\":{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[" SPAN(
			"1", "a", "") "]}]}]},\"metrics\":{\"inspectedBytes\":\"12\"},"
				      "\"status\":\"PARTIAL\",\"message\":\"too large\"}",
		"{\"status\":1,\"trace\":{\"batches\":[{\"instrumentationLibrarySpans\":[{"
		"\"spans\":[" SPAN("1", "a", "") "]}]}]}}",
	};
	static const char *const complete[] = {
		"{\"trace\":{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[" SPAN(
			"1", "a", "") "]}]}]},\"status\":\"COMPLETE\"}",
		"{\"status\":{\"PARTIAL\":1},\"batches\":[{\"scopeSpans\":[{\"spans\":[" SPAN(
			"1", "a", "") "]}]}]}",
	};

	for (size_t i = 0; i < 2; i++) {
		decode(partial[i]);
		ck_assert(set->traces[0].partial);
		decode(complete[i]);
		ck_assert(!set->traces[0].partial);
	}
	/* The answer for an unknown trace. */
	ck_assert_int_eq(decode_pieces("{\"trace\":{},\"metrics\":{}}", 1000), -ENOENT);
}
END_TEST

START_TEST(numbers)
{
	decode("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":["
	       "{\"traceId\":\"1\",\"spanId\":\"a\",\"startTimeUnixNano\":1e9,\"endTimeUnixNano\":"
	       "\"18446744073709551615\","
	       "\"kind\":\"3\",\"flags\":\"768\",\"status\":{\"code\":\"error\"}},"
	       "{\"traceId\":\"1\",\"spanId\":\"b\",\"kind\":9,\"status\":{\"code\":-1},"
	       "\"startTimeUnixNano\":null}"
	       "]}]}]}");
	ck_assert_int_eq(find_span("a")->start_us, 1000000);
	ck_assert_int_eq(find_span("a")->duration_us, INT64_C(18446744072709551));
	ck_assert_int_eq(find_span("a")->kind, SPAN_CLIENT);
	ck_assert_int_eq(find_span("a")->status, SPAN_STATUS_ERROR);
	ck_assert_uint_eq(find_span("a")->flags & SPAN_REMOTE, SPAN_REMOTE);
	ck_assert_int_eq(find_span("b")->kind, SPAN_UNSPECIFIED);
	ck_assert_int_eq(find_span("b")->status, SPAN_STATUS_UNSET);
	ck_assert_int_eq(find_span("b")->start_us, 0);
}
END_TEST

START_TEST(no_spans)
{
	static const char *const texts[] = {
		"{\"resourceSpans\":[]}",
		"{\"result\":{}}",
		"{\"result\":{\"resourceSpans\":[]}}",
		"{}",
		"{\"resourceSpans\":null,\"error\":null}",
		"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[]},null]},null]}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert_int_eq(decode_pieces(texts[i], 1000), -ENOENT);
}
END_TEST

static void check_error(const char *text, int code, const char *says)
{
	memset(&err, 0, sizeof(err));
	ck_assert_int_eq(decode_pieces(text, 1000), code);
	ck_assert_msg(strstr(err.text, says), "%s: %s", text, err.text);
	ck_assert_int_eq(decode_pieces(text, 1), code);
	ck_assert_msg(strstr(err.text, says), "%s: %s", text, err.text);
}

START_TEST(errors)
{
	check_error("{\"error\":{\"httpCode\":404,\"message\":\"trace\\nnot found\"}}", -EBADMSG,
		    "the answer is an error: \"trace not found\" (code 404)");
	check_error("{\"error\":\"no such tenant\",\"code\":5}", -EBADMSG, "\"no such tenant\"");
	check_error("{\"result\":{}}{\"error\":{\"message\":\"gone\"}}", -EBADMSG, "\"gone\"");
	check_error("[]", -EBADMSG, "the document is a list, not an object");
	check_error("{\"resourceSpans\":{}}", -EBADMSG, "resourceSpans is an object, not a list");
	check_error("{\"resourceSpans\":[1]}", -EBADMSG, "an item of a list is a number");
	check_error("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":[]}]}]}]}",
		    -EBADMSG, "name is a list");
	check_error("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"endTimeUnixNano\":\"-5\"}]"
		    "}]}]}",
		    -EBADMSG, "endTimeUnixNano is not an unsigned 64-bit number");
	check_error("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"startTimeUnixNano\":"
		    "\"18446744073709551616\"}]}]}]}",
		    -EBADMSG, "startTimeUnixNano is not an unsigned");
	check_error("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"spanId\":\"1\"}]}]}]}",
		    -EBADMSG, "a span has no traceId");
	check_error("{\"resourceSpans\":[", -EBADMSG, "");
	check_error("{\"resourceSpans\":[}", -EBADMSG, "");
}
END_TEST

START_TEST(errors_have_places)
{
	ck_assert_int_eq(decode_pieces("{\"resourceSpans\":\n  true}", 5), -EBADMSG);
	ck_assert_int_eq(err.line, 2);
	ck_assert_int_eq(err.column, 3);
}
END_TEST

/* A long id is a text like any other; the tree needs all of it. */
START_TEST(long_ids)
{
	struct buf text = BUF_INIT(1 << 16);

	buf_puts(&text, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"");
	for (int i = 0; i < 3000; i++)
		buf_putc(&text, 't');
	buf_puts(&text, "\",\"spanId\":\"s\"}]}]}]}");
	decode(buf_text(&text));
	ck_assert_uint_eq(strlen(set->strings + set->traces[0].id), 3000);
	buf_fini(&text);
}
END_TEST

START_TEST(body_cap)
{
	const struct trace_options small = { .max_body_bytes = 20 };
	struct trace_decoder *decoder = trace_decoder_new(TRACE_ENCODING_OTLP_JSON, &small);

	ck_assert_int_eq(trace_decoder_feed(decoder, "{\"resourceSpans\":[", 18, &err), 0);
	ck_assert_int_eq(trace_decoder_feed(decoder, "   ", 3, &err), -E2BIG);
	ck_assert_ptr_nonnull(strstr(err.text, "more than 20 bytes"));
	ck_assert_int_eq(trace_decoder_feed(decoder, "]}", 2, &err), -E2BIG);
	ck_assert_int_eq(trace_decoder_finish(decoder, &set, &err), -E2BIG);
	ck_assert_ptr_null(set);
	trace_decoder_free(decoder);
	trace_decoder_free(NULL);
}
END_TEST

START_TEST(memory_cap)
{
	struct trace_memory memory = { .cap_bytes = 1 };
	const struct trace_options tight = { .memory = &memory };
	struct trace_decoder *decoder = trace_decoder_new(TRACE_ENCODING_OTLP_JSON, &tight);
	int code = trace_decoder_feed(decoder, whole, strlen(whole), &err);

	if (code == 0)
		code = trace_decoder_finish(decoder, &set, &err);
	ck_assert_int_eq(code, -E2BIG);
	ck_assert_int_ne(err.text[0], '\0');
	trace_decoder_free(decoder);
	ck_assert_uint_eq(memory.used_bytes, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("otlp_json");
	TCase *tcase = tcase_create("otlp_json");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, everything);
	tcase_add_test(tcase, any_pieces);
	tcase_add_test(tcase, any_order_and_spelling);
	tcase_add_test(tcase, sequences_are_regrouped);
	tcase_add_test(tcase, ids);
	tcase_add_test(tcase, near_hexadecimal_ids);
	tcase_add_test(tcase, order_changes_from_span_to_span);
	tcase_add_loop_test(tcase, roots_that_link_into_their_own_trace, 0, ARRAY_LEN(links));
	tcase_add_test(tcase, tempo);
	tcase_add_test(tcase, numbers);
	tcase_add_test(tcase, no_spans);
	tcase_add_test(tcase, errors);
	tcase_add_test(tcase, errors_have_places);
	tcase_add_test(tcase, long_ids);
	tcase_add_test(tcase, body_cap);
	tcase_add_test(tcase, memory_cap);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
