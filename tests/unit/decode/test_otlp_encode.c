/*
 * OTLP encode: a trace that is written and read again is the same trace, and its bytes are those
 * that opentelemetry-proto prescribes.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/gen_trace.h"
#include "tests/lib/proto_make.h"
#include "tests/lib/trace_make.h"
#include "tracepager/trace_decoder.h"
#include "tracepager/trace_encode.h"
#include "tracepager/xalloc.h"

static const char *const extra_names[] = { "shop.region", "shop.shelf" };
static const struct trace_options options = { .extra_names = extra_names, .nextra_names = 2 };

static struct trace_set *decode(enum trace_encoding encoding, const char *data, size_t len)
{
	struct trace_decoder *decoder = trace_decoder_new(encoding, &options);
	struct trace_set *set = NULL;
	struct err err = { 0 };
	int code = trace_decoder_feed(decoder, data, len, &err);

	if (code == 0)
		code = trace_decoder_finish(decoder, &set, &err);
	ck_assert_msg(code == 0, "%s", err.text);
	trace_decoder_free(decoder);
	return set;
}

static void check_text(const struct trace *a, uint32_t x, const struct trace *b, uint32_t y)
{
	ck_assert_str_eq(trace_text(a, x), trace_text(b, y));
}

static void check_attrs(const struct trace *a, const struct span *x, const struct trace *b,
			const struct span *y)
{
	ck_assert_uint_eq(x->nattrs, y->nattrs);
	for (unsigned int i = 0; i < x->nattrs; i++) {
		const struct span_attr *attr = &a->set->attrs[x->attrs + i];
		const char *value = span_attr(b, y, attr->key);

		ck_assert_msg(value, "attribute %u", attr->key);
		ck_assert_str_eq(value, trace_text(a, attr->value));
	}
}

static void check_resource(const struct trace *a, const struct resource *x, const struct trace *b,
			   const struct resource *y)
{
	check_text(a, x->service, b, y->service);
	check_text(a, x->namespace, b, y->namespace);
	for (uint32_t i = 0; i < x->nattrs; i++) {
		const struct resource_attr *attr = &a->set->resource_attrs[x->attrs + i];
		const char *value = resource_attr(b, y, trace_text(a, attr->key));

		ck_assert_ptr_nonnull(value);
		/* A service named beside the attributes is compared before the attributes. */
		if (strcmp(trace_text(a, attr->key), "service.name") == 0)
			ck_assert_str_eq(value, trace_text(a, x->service));
		else
			ck_assert_str_eq(value, trace_text(a, attr->value));
	}
}

static void check_span(const struct trace *a, const struct span *x, const struct trace *b,
		       const struct span *y)
{
	check_text(a, x->id, b, y->id);
	check_text(a, x->parent_id, b, y->parent_id);
	check_text(a, x->name, b, y->name);
	check_text(a, x->message, b, y->message);
	ck_assert_int_eq(x->start_us, y->start_us);
	ck_assert_int_eq(x->duration_us, y->duration_us);
	ck_assert_uint_eq(x->parent, y->parent);
	ck_assert_uint_eq(x->first_child, y->first_child);
	ck_assert_uint_eq(x->next_sibling, y->next_sibling);
	ck_assert_uint_eq(x->kind, y->kind);
	ck_assert_uint_eq(x->status, y->status);
	ck_assert_uint_eq(x->flags, y->flags);
	ck_assert_uint_eq(x->exception_after_us, y->exception_after_us);
	check_attrs(a, x, b, y);
	check_resource(a, span_resource(a, x), b, span_resource(b, y));
}

/* Writes every trace of the set, reads it back and compares. Frees the set. */
static void check_round(struct trace_set *set)
{
	for (uint32_t i = 0; i < set->ntraces; i++) {
		const struct trace *trace = &set->traces[i], *again;
		struct buf bytes = BUF_INIT(16 << 20);
		struct trace_set *read;

		trace_encode_otlp(trace, &bytes);
		ck_assert(!bytes.failed);
		read = decode(TRACE_ENCODING_OTLP_PROTO, bytes.data, bytes.len);
		again = &read->traces[0];
		ck_assert_uint_eq(read->ntraces, 1);
		ck_assert_uint_eq(again->nspans, trace->nspans);
		ck_assert_uint_eq(again->first_root, trace->first_root);
		ck_assert_int_eq(again->partial, trace->partial);
		check_text(trace, trace->id, again, again->id);
		for (uint32_t k = 0; k < trace->nspans; k++)
			check_span(trace, &trace->spans[k], again, &again->spans[k]);
		trace_set_free(read);
		buf_fini(&bytes);
	}
	trace_set_free(set);
}

START_TEST(drawn)
{
	static const char *const drawings[] = {
		"shop/checkout server POST /orders | 0 100 | ERROR; message=payment failed\n"
		"  shop/checkout client POST /charge | 10 90 | ERROR; peer.service=payment\n"
		"    payment server POST /charge | 15 85 | OK; http.response.status_code=500\n"
		"  shop/checkout producer orders send | 91 92 | messaging.system=kafka\n"
		"    mails consumer orders receive | 93 99 | FOLLOWS; exception.type=Full\n",
		/* Shared ids as in Zipkin; spans without their parent; a second root; no service.
		 * */
		"cart client GET /cart | 0 50 | id=5; TAG; error.type=timeout\n"
		"ledger server GET /cart | 5 45 | id=5; SHARED; NOTAG\n"
		"stock internal look | 6 7 | parent=5\n"
		"- none lost | 8 9 | parent=77; error=it broke\n"
		"- none root | 0 0 |\n",
		/* A cycle. */
		"cart internal a | 0 5 | id=a; parent=b\n"
		"cart internal b | 1 4 | id=b; parent=a\n",
		/* Ids that are hexadecimal forms of bytes, one that looks like it, zeros. */
		"cart server a | 0 5 | id=00000000000000aa\n"
		"cart server b | 0 5 | id=00000000000000AA; parent=00000000000000aa\n"
		"cart server c | 0 5 | id=0000000000000000; parent=00000000000000AA\n"
		"cart server d | 0 5 | id=x; parent=0000000000000000\n",
	};

	for (size_t i = 0; i < sizeof(drawings) / sizeof(drawings[0]); i++) {
		check_round(trace_make(drawings[i]));
		check_round(trace_make_partial(drawings[i]));
	}
}
END_TEST

START_TEST(generated)
{
	static char *(*const make[])(unsigned int, size_t *) = { gen_jaeger_json, gen_otlp_json,
								 gen_otlp_proto };
	static const enum trace_encoding encodings[] = { TRACE_ENCODING_JAEGER_JSON,
							 TRACE_ENCODING_OTLP_JSON,
							 TRACE_ENCODING_OTLP_PROTO };

	for (size_t i = 0; i < 3; i++) {
		size_t len;
		char *text = make[i](300, &len);

		check_round(decode(encodings[i], text, len));
		free(text);
	}
}
END_TEST

/* A trace of unusual spans that no drawing can express. */
START_TEST(odd)
{
	static const int64_t times[][2] = {
		{ -5, 10 },
		{ 0, 0 },
		{ INT64_MAX / 4, INT64_MAX / 4 },
		{ INT64_C(18446744073709551), 0 },
		{ INT64_C(18446744073709551), 1 },
		{ INT64_MIN / 4, 0 },
	};
	static const unsigned int flags[] = {
		SPAN_REMOTE,
		SPAN_TAG_TRUE,
		SPAN_TAG_TRUE | SPAN_TAG_FALSE,
		SPAN_FOLLOWS | SPAN_SHARED,
		SPAN_TAG_FALSE,
		0,
	};
	struct trace_builder *builder = trace_builder_new(&options);
	struct trace_set *set = NULL;
	struct err err;
	char value[1024];

	memset(value, 'v', sizeof(value));
	for (unsigned int i = 0; i < 6; i++) {
		uint32_t resource = trace_builder_resource(builder);
		char id = (char)('a' + i);
		struct span *span;

		trace_builder_resource_attr(builder, resource, "service.name", 12, "tag", 3);
		trace_builder_resource_attr(builder, resource, "", 0, "", 0);
		if (i % 2 == 0)
			trace_builder_resource_service(builder, resource,
						       trace_builder_text(builder, "cart", 4));
		span = trace_builder_span(builder);
		span->id = trace_builder_text(builder, &id, 1);
		span->resource = resource;
		span->start_us = times[i][0];
		span->duration_us = times[i][1];
		span->flags = (uint8_t)flags[i];
		span->status = i % 3;
		if (i > 1)
			trace_builder_span_attr(builder, ATTR_ERROR,
						trace_builder_text(builder, "true", 4));
		trace_builder_span_attr(builder, ATTR_COUNT + 1,
					trace_builder_value(builder, value, sizeof(value)));
		trace_builder_span_attr(builder, ATTR_EXCEPTION_MESSAGE, 0);
		trace_builder_span_attr(builder, ATTR_SPAN_KIND,
					trace_builder_text(builder, "odd", 3));
		trace_builder_span_done(builder, "\xc3\xa4 trace", 8);
	}
	ck_assert_int_eq(trace_builder_finish(builder, &set, &err), 0);
	trace_builder_free(builder);
	check_round(set);
}
END_TEST

/* Compares with bytes written after opentelemetry-proto. */
START_TEST(bytes)
{
	struct trace_set *set = trace_make("ledger server POST /book | 1 3 | ERROR; message=full;"
					   " id=eee19b7ec3c1b174; parent=eee19b7ec3c1b173; TAG;"
					   " db.name=books; exception.type=Full\n");
	struct buf want = BUF_INIT(4096), spans = BUF_INIT(4096), span = BUF_INIT(4096),
		   inner = BUF_INIT(4096), have = BUF_INIT(4096);

	proto_text(&span, 15101, "t"); /* the trace id of trace_make() is no form of bytes */
	proto_hex(&span, 2, "eee19b7ec3c1b174");
	proto_hex(&span, 4, "eee19b7ec3c1b173");
	proto_text(&span, 5, "POST /book");
	proto_varint(&span, 6, 2);
	proto_fixed64(&span, 7, 1000000);
	proto_fixed64(&span, 8, 3000000);
	proto_attribute(&span, 9, "db.name", "books");
	proto_text(&inner, 1, "error");
	proto_bytes(&inner, 2, "\x10\x01", 2);
	proto_message(&span, 9, &inner);
	proto_attribute(&inner, 3, "exception.type", "Full");
	proto_text(&inner, 2, "exception");
	proto_message(&span, 11, &inner);
	proto_text(&inner, 2, "full");
	proto_varint(&inner, 3, 2);
	proto_message(&span, 15, &inner);
	proto_message(&spans, 2, &span);
	proto_attribute(&inner, 1, "service.name", "ledger");
	proto_message(&span, 1, &inner);
	proto_message(&span, 2, &spans);
	proto_message(&want, 1, &span);
	trace_encode_otlp(&set->traces[0], &have);
	ck_assert_uint_eq(have.len, want.len);
	ck_assert_mem_eq(have.data, want.data, want.len);
	trace_set_free(set);
	buf_fini(&want);
	buf_fini(&spans);
	buf_fini(&span);
	buf_fini(&inner);
	buf_fini(&have);
}
END_TEST

/* As the JSON mapping of opentelemetry-proto has it. */
static const char json_wanted[] =
	"{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
	"{\"stringValue\":\"ledger\"}}]},\"scopeSpans\":[{\"spans\":[{\"traceId\":"
	"\"4bf92f3577b34da6"
	"a3ce929d0e0e4736\",\"spanId\":\"00f067aa0ba902b7\",\"parentSpanId\":\"odd "
	"id\",\"flags\":768,"
	"\"name\":\"a \\\"b\\\"\",\"kind\":2,\"startTimeUnixNano\":\"1795968057401000000\","
	"\"endTimeUnixNano\":\"1795968057601000000\",\"attributes\":[{\"key\":\"shop.region\","
	"\"value\":"
	"{\"stringValue\":\"eu\"}},{\"key\":\"error\",\"value\":{\"boolValue\":true}}],\"events\":["
	"{"
	"\"timeUnixNano\":\"1\",\"name\":\"exception\",\"attributes\":[{\"key\":\"exception.type\","
	"\"value\":{\"stringValue\":\"Full\"}}]}],\"status\":{\"message\":\"full\",\"code\":2}},"
	"{\"traceId\":\"4bf92f3577b34da6a3ce929d0e0e4736\"}]}]}]}";

static void write_all_fields(struct buf *want)
{
	static const unsigned char trace_id[] = { 0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6,
						  0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36 },
				   span_id[] = { 0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7 };
	struct buf inner = BUF_INIT(10000), span = BUF_INIT(10000), spans = BUF_INIT(10000);

	proto_bytes(&span, 1, trace_id, 16);
	proto_bytes(&span, 2, span_id, 8);
	proto_text(&span, 15103, "odd id"); /* OTLP_OWN_PARENT_ID */
	proto_varint(&span, 15100, 1);	    /* flags of our own: nobody else reads them */
	proto_text(&span, 5, "a \"b\"");
	proto_varint(&span, 6, 2);
	proto_fixed64(&span, 7, 1795968057401000000);
	proto_fixed64(&span, 8, 1795968057601000000);
	buf_add(&span, "\x85\x01\x00\x03\x00\x00", 6); /* flags: fixed32 */
	proto_attribute(&span, 9, "shop.region", "eu");
	proto_text(&inner, 1, "error");
	proto_bytes(&inner, 2, "\x10\x01", 2);
	proto_message(&span, 9, &inner);
	proto_fixed64(&inner, 1, 1);
	proto_attribute(&inner, 3, "exception.type", "Full");
	proto_text(&inner, 2, "exception");
	proto_message(&span, 11, &inner);
	proto_text(&inner, 2, "full");
	proto_varint(&inner, 3, 2);
	proto_message(&span, 15, &inner);
	proto_message(&spans, 2, &span);
	proto_bytes(&span, 1, trace_id, 16);
	proto_message(&spans, 2, &span);
	proto_attribute(&inner, 1, "service.name", "ledger");
	proto_message(&span, 1, &inner);
	proto_message(&span, 2, &spans);
	proto_message(want, 1, &span);
	proto_varint(want, 3, 1); /* partial: of our own */
	buf_fini(&spans);
	buf_fini(&span);
	buf_fini(&inner);
}

START_TEST(json_has_all_fields)
{
	struct buf proto = BUF_INIT(10000), json = BUF_INIT(10000);
	struct err err = { 0 };

	write_all_fields(&proto);
	ck_assert_int_eq(trace_otlp_json(proto.data, proto.len, &json, &err), 0);
	ck_assert_str_eq(buf_text(&json), json_wanted);
	buf_reset(&json);
	ck_assert_int_eq(trace_otlp_json("", 0, &json, &err), 0);
	ck_assert_str_eq(buf_text(&json), "{\"resourceSpans\":[]}");
	/* Cut anywhere: refused, or a shorter document; never read beyond. */
	for (size_t len = 1; len < proto.len - 2; len++) {
		char *cut = xcalloc(1, len);
		memcpy(cut, proto.data, len);
		buf_reset(&json);
		ck_assert_int_eq(trace_otlp_json(cut, len, &json, &err), -EBADMSG);
		free(cut);
	}
	buf_fini(&proto);
	buf_fini(&json);
}
END_TEST

/* What is written as JSON is the same trace. */
START_TEST(json_is_read_again)
{
	struct trace_set *set = trace_make("frontend server POST /orders | 0 9 |\n"
					   " ledger server Book | 1 3 |\n"),
			 *again;
	struct buf proto = BUF_INIT(10000), json = BUF_INIT(10000);
	struct err err = { 0 };

	trace_encode_otlp(&set->traces[0], &proto);
	ck_assert_int_eq(trace_otlp_json(proto.data, proto.len, &json, &err), 0);
	again = decode(TRACE_ENCODING_OTLP_JSON, json.data, json.len);
	ck_assert_uint_eq(again->ntraces, 1);
	ck_assert_uint_eq(again->traces[0].nspans, set->traces[0].nspans);
	for (uint32_t i = 0; i < set->traces[0].nspans; i++) {
		check_text(&set->traces[0], set->traces[0].spans[i].name, &again->traces[0],
			   again->traces[0].spans[i].name);
		ck_assert_int_eq(set->traces[0].spans[i].duration_us,
				 again->traces[0].spans[i].duration_us);
		ck_assert_uint_eq(set->traces[0].spans[i].parent, again->traces[0].spans[i].parent);
	}
	trace_set_free(set);
	trace_set_free(again);
	buf_fini(&proto);
	buf_fini(&json);
}
END_TEST

START_TEST(too_large)
{
	struct trace_set *set = trace_make("ledger server POST /book | 1 3 |\n");
	struct buf small = BUF_INIT(20);

	trace_encode_otlp(&set->traces[0], &small);
	ck_assert(small.failed);
	trace_set_free(set);
	buf_fini(&small);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("otlp_encode");
	TCase *tcase = tcase_create("otlp_encode");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, drawn);
	tcase_add_test(tcase, generated);
	tcase_add_test(tcase, odd);
	tcase_add_test(tcase, bytes);
	tcase_add_test(tcase, json_has_all_fields);
	tcase_add_test(tcase, json_is_read_again);
	tcase_add_test(tcase, too_large);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
