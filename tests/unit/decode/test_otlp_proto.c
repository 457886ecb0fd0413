/*
 * OTLP protobuf: what the decoder makes of messages, in any order of fields and any size of pieces,
 * and what it refuses. tests/lib/proto_make.c writes the messages.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/proto_make.h"
#include "tracepager/limits.h"
#include "tracepager/trace_decoder.h"

#define TRACE_ID "5b8efff798038103d269b633813fc60c"

static const char *const extra_names[] = { "shop.region" };
static const struct trace_options options = { .extra_names = extra_names, .nextra_names = 1 };

static enum trace_encoding encoding;
static struct trace_set *set;
static struct err err;
static struct buf document, spans, span, inner;

static void setup(void)
{
	encoding = TRACE_ENCODING_OTLP_PROTO;
	set = NULL;
	memset(&err, 0, sizeof(err));
	buf_init(&document, 16 << 20);
	buf_init(&spans, 16 << 20);
	buf_init(&span, 16 << 20);
	buf_init(&inner, 16 << 20);
}

static void teardown(void)
{
	trace_set_free(set);
	buf_fini(&document);
	buf_fini(&spans);
	buf_fini(&span);
	buf_fini(&inner);
}

static int decode_pieces(const char *data, size_t len, size_t piece)
{
	struct trace_decoder *decoder = trace_decoder_new(encoding, &options);
	int code = 0;

	trace_set_free(set);
	set = NULL;
	memset(&err, 0, sizeof(err));
	for (size_t at = 0; at < len && code == 0; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		char *copy =
			malloc(n); /* exactly this size, so that reading a byte too many is found */

		memcpy(copy, data + at, n);
		code = trace_decoder_feed(decoder, copy, n, &err);
		free(copy);
	}
	if (code == 0)
		code = trace_decoder_finish(decoder, &set, &err);
	trace_decoder_free(decoder);
	return code;
}

static void decode(size_t piece)
{
	int code = decode_pieces(buf_text(&document), document.len, piece);

	ck_assert_msg(code == 0, "%s", err.text);
}

static const struct span *find_span(const char *id)
{
	for (uint32_t i = 0; i < set->ntraces; i++) {
		for (uint32_t j = 0; j < set->traces[i].nspans; j++) {
			if (strcmp(set->strings + set->traces[i].spans[j].id, id) == 0)
				return &set->traces[i].spans[j];
		}
	}
	ck_abort_msg("no span %s", id);
	return NULL;
}

static void check_attr(const struct span *of, unsigned int key, const char *want)
{
	const char *value = span_attr(&set->traces[0], of, key);

	if (!want)
		ck_assert_ptr_null(value);
	else
		ck_assert_str_eq(value ? value : "(none)", want);
}

/* Ends the span, its ScopeSpans and its ResourceSpans. */
static void end_span(void)
{
	proto_message(&spans, 2, &span);
}

static void end_resource(const char *service)
{
	struct buf resource = BUF_INIT(1 << 16), around = BUF_INIT(16 << 20);

	proto_attribute(&resource, 1, "service.name", service);
	proto_message(&around, 1, &resource);
	proto_message(&around, 2, &spans);
	proto_message(&document, 1, &around);
	buf_fini(&resource);
	buf_fini(&around);
}

static void put_value(unsigned int field, const char *key, struct buf *value)
{
	proto_text(&inner, 1, key);
	proto_message(&inner, 2, value);
	proto_message(&span, field, &inner);
}

/* checkout calls payment, which fails. */
static void write_client(void)
{
	struct buf value = BUF_INIT(1 << 16);

	proto_hex(&span, 1, TRACE_ID);
	proto_hex(&span, 2, "eee19b7ec3c1b175");
	proto_text(&span, 3, "vendor=1");
	proto_hex(&span, 4, "eee19b7ec3c1b174");
	proto_text(&span, 5, "charge");
	proto_varint(&span, 6, 3);
	proto_fixed64(&span, 7, UINT64_C(1788256800100000000));
	proto_fixed64(&span, 8, UINT64_C(1788256800200000000));
	proto_attribute(&span, 9, "peer.service", "payment");
	proto_attribute_int(&span, 9, "http.response.status_code", 500);
	proto_attribute_int(&span, 9, "server.port", -1);
	proto_attribute(&span, 9, "unknown", "not kept");
	proto_fixed64(&value, 4, UINT64_C(0x3ff8000000000000)); /* 1.5 */
	put_value(9, "shop.region", &value);
	proto_text(&value, 5, "\x0a\x00");
	put_value(9, "db.system", &value); /* a list: not kept */
	proto_varint(&value, 2, 1);
	put_value(9, "http.route", &value);
	proto_varint(&span, 10, 1);
	proto_text(&inner, 2, "retry");
	proto_attribute_int(&inner, 3, "n", 1);
	proto_message(&span, 11, &inner);
	proto_fixed64(&inner, 1, UINT64_C(1788256800150000000));
	proto_text(&inner, 2, "exception");
	proto_attribute(&inner, 3, "exception.type", "Timeout");
	proto_attribute(&inner, 3, "exception.message", "card");
	proto_message(&span, 11, &inner);
	proto_attribute(&inner, 3, "exception.type", "Later");
	proto_message(&span, 11, &inner);
	proto_hex(&inner, 1, "00");
	proto_message(&span, 13, &inner);
	proto_varint(&inner, 1, 1); /* the old code */
	proto_text(&inner, 2, "card refused");
	proto_varint(&inner, 3, 2);
	proto_message(&span, 15, &inner);
	proto_fixed32(&span, 16, 257);
	end_span();
	buf_fini(&value);
}

static void write_whole(void)
{
	proto_hex(&span, 1, TRACE_ID);
	proto_hex(&span, 2, "eee19b7ec3c1b174");
	proto_hex(&span, 4, "0000000000000000");
	proto_text(&span, 5, "POST /orders");
	proto_varint(&span, 6, 2);
	proto_fixed64(&span, 7, UINT64_C(1788256800000001999));
	proto_fixed64(&span, 8, UINT64_C(1788256800250002000));
	end_span();
	write_client();
	end_resource("checkout");
	proto_hex(&span, 1, TRACE_ID);
	proto_hex(&span, 2, "eee19b7ec3c1b176");
	proto_hex(&span, 4, "eee19b7ec3c1b175");
	proto_fixed64(&span, 7, UINT64_C(1788256800300000000));
	proto_fixed64(&span, 8, UINT64_C(1788256800200000000)); /* it ends before it starts */
	proto_varint(&span, 6, 6);				/* not a kind */
	proto_fixed32(&span, 16, 769);
	proto_varint(&inner, 3, 1);
	proto_message(&span, 15, &inner);
	end_span();
	end_resource("payment");
}

static void check_whole(void)
{
	const struct trace *trace = &set->traces[0];
	const struct span *root = find_span("eee19b7ec3c1b174"),
			  *client = find_span("eee19b7ec3c1b175"),
			  *server = find_span("eee19b7ec3c1b176");

	ck_assert_uint_eq(set->ntraces, 1);
	ck_assert_uint_eq(trace->nspans, 3);
	ck_assert_str_eq(trace_text(trace, trace->id), TRACE_ID);
	ck_assert(!trace->partial);
	ck_assert_str_eq(span_service(trace, root), "checkout");
	ck_assert_str_eq(span_service(trace, server), "payment");
	ck_assert_str_eq(trace_text(trace, root->name), "POST /orders");
	ck_assert_int_eq(root->kind, SPAN_SERVER);
	ck_assert_uint_eq(root->parent_id, 0);
	ck_assert_int_eq(root->start_us, INT64_C(1788256800000001));
	ck_assert_int_eq(root->duration_us, 250000);
	ck_assert_int_eq(client->kind, SPAN_CLIENT);
	ck_assert_int_eq(client->status, SPAN_STATUS_ERROR);
	ck_assert_uint_eq(client->parent, (uint32_t)(root - trace->spans));
	ck_assert_str_eq(trace_text(trace, client->message), "card refused");
	ck_assert_uint_eq(client->flags & SPAN_REMOTE, 0);
	check_attr(client, ATTR_PEER_SERVICE, "payment");
	check_attr(client, ATTR_HTTP_RESPONSE_STATUS_CODE, "500");
	check_attr(client, ATTR_SERVER_PORT, "-1");
	check_attr(client, ATTR_COUNT, "1.5");
	check_attr(client, ATTR_DB_SYSTEM, NULL);
	check_attr(client, ATTR_HTTP_ROUTE, "true");
	check_attr(client, ATTR_EXCEPTION_TYPE, "Timeout");
	check_attr(client, ATTR_EXCEPTION_MESSAGE, "card");
	ck_assert_uint_eq(client->exception_after_us, 50001);
	ck_assert_uint_eq(client->nattrs, 7);
	ck_assert_int_eq(server->kind, SPAN_UNSPECIFIED);
	ck_assert_int_eq(server->status, SPAN_STATUS_OK);
	ck_assert_int_eq(server->duration_us, 0);
	ck_assert_uint_eq(server->flags & SPAN_REMOTE, SPAN_REMOTE);
	ck_assert_str_eq(trace_text(trace, server->name), "");
}

START_TEST(everything)
{
	write_whole();
	decode(document.len);
	check_whole();
}
END_TEST

START_TEST(any_pieces)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 16, 61, 200 };

	write_whole();
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		decode(pieces[i]);
		check_whole();
	}
}
END_TEST

/* Every cut leaves a field open, except those between two ResourceSpans. */
START_TEST(cut_anywhere)
{
	size_t first;

	write_whole();
	first = 3 + (((size_t)(unsigned char)document.data[2] << 7) |
		     ((size_t)document.data[1] & 0x7f));
	for (size_t len = 1; len < document.len; len++) {
		if (len == first)
			continue;
		ck_assert_int_eq(decode_pieces(document.data, len, len), -EBADMSG);
		ck_assert_int_eq(decode_pieces(document.data, len, 1), -EBADMSG);
		ck_assert_ptr_nonnull(strstr(err.text, "the document is cut"));
	}
	ck_assert_int_eq(decode_pieces(document.data, first, 5), 0);
	ck_assert_uint_eq(set->traces[0].nspans, 2);
}
END_TEST

/* Values before keys, the trace id last, the Resource after its spans and in two parts. */
START_TEST(any_order)
{
	struct buf value = BUF_INIT(1 << 16), resource = BUF_INIT(1 << 16),
		   around = BUF_INIT(1 << 16);

	proto_varint(&inner, 3, 2);
	proto_message(&span, 15, &inner);
	proto_text(&value, 1, "GET");
	proto_message(&inner, 2, &value);
	proto_text(&inner, 1, "http.request.method");
	proto_message(&span, 9, &inner);
	proto_text(&inner, 2, "late");
	proto_message(&span, 15, &inner);
	proto_varint(&span, 6, 5);
	proto_hex(&span, 2, "0a");
	proto_hex(&span, 1, "0102");
	end_span();
	proto_message(&around, 1000, &spans); /* instrumentation_library_spans */
	proto_text(&value, 1, "shipping");
	proto_message(&inner, 2, &value);
	proto_text(&inner, 1, "service.name");
	proto_message(&resource, 1, &inner);
	proto_message(&around, 1, &resource);
	proto_attribute(&resource, 1, "service.namespace", "shop");
	proto_message(&around, 1, &resource);
	proto_message(&document, 1, &around);
	for (size_t piece = 1; piece <= document.len; piece += document.len - 1) {
		decode(piece);
		ck_assert_str_eq(set->strings + set->traces[0].id, "0102");
		ck_assert_str_eq(span_service(&set->traces[0], find_span("0a")), "shipping");
		ck_assert_str_eq(set->strings + set->resources[0].namespace, "shop");
		ck_assert_int_eq(find_span("0a")->kind, SPAN_CONSUMER);
		ck_assert_int_eq(find_span("0a")->status, SPAN_STATUS_ERROR);
		ck_assert_str_eq(set->strings + find_span("0a")->message, "late");
		check_attr(find_span("0a"), ATTR_HTTP_REQUEST_METHOD, "GET");
	}
	buf_fini(&value);
	buf_fini(&resource);
	buf_fini(&around);
}
END_TEST

/* Decodes a span with one kept attribute and returns the text of its value. */
static const char *text_of_value(struct buf *value)
{
	buf_reset(&document);
	proto_hex(&span, 1, TRACE_ID);
	put_value(9, "db.name", value);
	end_span();
	end_resource("ledger");
	decode(document.len);
	return span_attr(&set->traces[0], &set->traces[0].spans[0], ATTR_DB_NAME);
}

START_TEST(values)
{
	static const struct {
		uint64_t bits;
		const char *text;
	} doubles[] = {
		{ UINT64_C(0x4069000000000000), "200" },
		{ UINT64_C(0x3fb999999999999a), "0.1" },
		{ UINT64_C(0x3fd5555555555555), "0.33333333333333331" },
		{ UINT64_C(0x7ff0000000000000), "Infinity" },
		{ UINT64_C(0xfff0000000000000), "-Infinity" },
		{ UINT64_C(0x7ff8000000000000), "NaN" },
	};
	static const struct {
		uint64_t number;
		const char *text;
	} ints[] = {
		{ 0, "0" },
		{ 127, "127" },
		{ 128, "128" },
		{ 16383, "16383" },
		{ 16384, "16384" },
		{ UINT64_C(1) << 63, "-9223372036854775808" },
		{ INT64_MAX, "9223372036854775807" },
	};
	struct buf value = BUF_INIT(1 << 16);

	for (size_t i = 0; i < sizeof(doubles) / sizeof(doubles[0]); i++) {
		proto_fixed64(&value, 4, doubles[i].bits);
		ck_assert_str_eq(text_of_value(&value), doubles[i].text);
	}
	for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++) {
		proto_varint(&value, 3, ints[i].number);
		ck_assert_str_eq(text_of_value(&value), ints[i].text);
	}
	proto_varint(&value, 2, 0);
	ck_assert_str_eq(text_of_value(&value), "false");
	proto_text(&value, 1, "");
	ck_assert_str_eq(text_of_value(&value), "");
	proto_text(&value, 1, "first");
	proto_text(&value, 1, "last");
	ck_assert_str_eq(text_of_value(&value), "last");
	proto_text(&value, 1, "a\xff\xc3\xa4\xc3");
	ck_assert_str_eq(text_of_value(&value), "a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd");
	proto_text(&value, 7, "bytes");
	ck_assert_ptr_null(text_of_value(&value));
	ck_assert_ptr_null(text_of_value(&value)); /* empty */
	buf_fini(&value);
}
END_TEST

/* Attributes that differ in one byte, each four times and alternating, so that a remembered
 * attribute must not be mistaken for another: in the value, in the key, in the length, in the first
 * bytes. Attributes of up to 55 bytes, and of up to 119, are remembered when they come again. */
#define SIXTY_BYTES "012345678901234567890123456789012345678901234567890123456789"
START_TEST(attributes_again)
{
	static const struct {
		const char *key, *value;
		unsigned int attr;
	} rows[] = {
		{ "db.name", "orders-0123456789", ATTR_DB_NAME },
		{ "db.name", "Orders-0123456789", ATTR_DB_NAME },
		{ "db.type", "orders-0123456789", ATTR_DB_TYPE },
		{ "db.name", "orders-01234567890123456789012345678901234567", ATTR_DB_NAME },
		{ "db.name", "Orders-01234567890123456789012345678901234567", ATTR_DB_NAME },
		{ "db.name", "orders-012345678901234567890123456789012345678", ATTR_DB_NAME },
		{ "db.name", "orders-" SIXTY_BYTES "0123456789012345678901234567890123456a",
		  ATTR_DB_NAME },
		{ "db.name", "orders-" SIXTY_BYTES "0123456789012345678901234567890123456b",
		  ATTR_DB_NAME },
		{ "db.name", "orders-" SIXTY_BYTES, ATTR_DB_NAME },
		{ "db.name", "Orders-" SIXTY_BYTES, ATTR_DB_NAME },
		{ "db.name", "orders-" SIXTY_BYTES SIXTY_BYTES, ATTR_DB_NAME },
		{ "db.name", "a\xff", ATTR_DB_NAME },
		{ "db.name", "", ATTR_DB_NAME },
		{ "db_name", "orders-0123456789", ATTR_COUNT },
		{ "", "", ATTR_COUNT },
	};
	const size_t n = sizeof(rows) / sizeof(rows[0]);

	for (size_t i = 0; i < 4 * n; i++) {
		const char id[2] = { (char)(i / 16 + 1), (char)(i % 16) };

		proto_hex(&span, 1, TRACE_ID);
		proto_bytes(&span, 2, id, 2);
		proto_attribute(&span, 9, rows[i % n].key, rows[i % n].value);
		proto_attribute_int(&span, 9, "server.port", (int64_t)(i % n));
		end_span();
	}
	end_resource("ledger");
	for (size_t piece = 1; piece <= document.len; piece += document.len - 1) {
		decode(piece);
		ck_assert_uint_eq(set->traces[0].nspans, 4 * n);
		for (size_t i = 0; i < 4 * n; i++) {
			const struct span *of = &set->traces[0].spans[i];
			char port[4];

			snprintf(port, sizeof(port), "%zu", i % n);
			check_attr(of, ATTR_SERVER_PORT, port);
			for (unsigned int attr = 0; attr < ATTR_COUNT; attr++)
				if (attr != ATTR_SERVER_PORT)
					check_attr(of, attr,
						   attr != rows[i % n].attr ? NULL
						   : strcmp(rows[i % n].value, "a\xff") == 0
							   ? "a\xef\xbf\xbd"
							   : rows[i % n].value);
		}
	}
}
END_TEST

/* A name that has the bytes of an attribute, and ids that come again: a parent before its child,
 * and behind it, and one with the bytes of another in another order. */
START_TEST(names_and_ids_again)
{
	static const char *const ids[] = { "1122334455667788", "8877665544332211",
					   "1122334455667789", "0000000000000001" };
	const char *attribute = "\x0a\x07"
				"db.name"
				"\x12\x08\x0a\x06"
				"orders";

	for (size_t i = 0; i < 16; i++) {
		proto_hex(&span, 1, TRACE_ID);
		proto_hex(&span, 2, ids[i % 4]);
		proto_hex(&span, 4, ids[(i + i / 4) % 4]);
		proto_text(&span, 5, attribute);
		proto_attribute(&span, 9, "db.name", "orders");
		proto_varint(&span, 6, i / 4 + 1);
		end_span();
	}
	end_resource("ledger");
	for (size_t piece = 1; piece <= document.len; piece += document.len - 1) {
		decode(piece);
		ck_assert_uint_eq(set->traces[0].nspans, 16);
		for (size_t i = 0; i < 16; i++) {
			const struct span *of = &set->traces[0].spans[i];

			ck_assert_str_eq(set->strings + of->id, ids[i % 4]);
			ck_assert_str_eq(set->strings + of->parent_id, ids[(i + i / 4) % 4]);
			ck_assert_uint_eq(of->id, set->traces[0].spans[i % 4].id);
			ck_assert_str_eq(set->strings + of->name, attribute);
			check_attr(of, ATTR_DB_NAME, "orders");
		}
	}
}
END_TEST

/* Reading in bulk stops at an event and continues after it. */
START_TEST(fields_behind_an_event)
{
	proto_hex(&span, 1, TRACE_ID);
	proto_attribute(&inner, 3, "exception.type", "Timeout");
	proto_message(&span, 11, &inner);
	proto_hex(&span, 2, "0a");
	proto_text(&span, 5, "charge");
	proto_varint(&span, 6, 300); /* not a kind; two bytes */
	proto_fixed64(&span, 8, 5000);
	proto_text(&inner, 2, "late");
	proto_message(&span, 15, &inner);
	proto_fixed64(&span, 7, 2000);
	proto_fixed32(&span, 16, 0x300);
	end_span();
	end_resource("ledger");
	for (size_t piece = 1; piece <= document.len; piece++) {
		decode(piece);
		const struct span *of = find_span("0a");

		check_attr(of, ATTR_EXCEPTION_TYPE, "Timeout");
		ck_assert_str_eq(set->strings + of->name, "charge");
		ck_assert_str_eq(set->strings + of->message, "late");
		ck_assert_int_eq(of->kind, SPAN_UNSPECIFIED);
		ck_assert_int_eq(of->start_us, 2);
		ck_assert_int_eq(of->duration_us, 3);
		ck_assert_uint_eq(of->flags, SPAN_REMOTE);
	}
}
END_TEST

/* A root that links into its own trace follows the span there, wherever its fields stand. */
START_TEST(a_root_with_a_link)
{
	proto_hex(&span, 1, TRACE_ID);
	proto_hex(&span, 2, "0a");
	end_span();
	proto_hex(&span, 1, TRACE_ID);
	proto_hex(&span, 2, "0b");
	proto_hex(&inner, 1, "5b8efff798038103d269b633813fc6ff"); /* another trace */
	proto_hex(&inner, 2, "0c");
	proto_message(&span, 13, &inner);
	proto_hex(&inner, 1, TRACE_ID);
	proto_hex(&inner, 2, "0a");
	proto_attribute(&inner, 4, "exception.type", "of the link");
	proto_message(&span, 13, &inner);
	end_span();
	proto_hex(&inner, 1, TRACE_ID); /* the link precedes the trace id */
	proto_hex(&inner, 2, "0b");
	proto_message(&span, 13, &inner);
	proto_hex(&span, 2, "0d");
	proto_hex(&span, 1, TRACE_ID);
	end_span();
	end_resource("ledger");
	for (size_t piece = 1; piece <= document.len; piece++) {
		decode(piece);
		const struct span *of = find_span("0b"), *next = find_span("0d");

		ck_assert_str_eq(set->strings + of->parent_id, "0a");
		ck_assert_uint_eq(of->flags, SPAN_FOLLOWS);
		ck_assert_uint_eq(of->nattrs, 0);
		ck_assert_str_eq(set->strings + next->parent_id, "0b");
		ck_assert_uint_eq(next->flags, SPAN_FOLLOWS);
	}
}
END_TEST

/* Unknown fields, and known ones with another wire type, in every message. */
START_TEST(unknown_fields)
{
	proto_varint(&span, 1, 5);
	proto_text(&span, 7, "no time");
	proto_fixed64(&span, 5, 1);
	proto_fixed32(&span, 6, 1);
	proto_hex(&span, 1, TRACE_ID);
	proto_text(&span, 99, "x");
	proto_text(&span, 160, "its tag begins as that of field 16");
	proto_varint(&span, 536870911, UINT64_MAX);
	proto_fixed32(&span, 15, 1);
	end_span();
	proto_varint(&spans, 77, 1);
	end_resource("ledger");
	proto_fixed64(&document, 1, 1);
	proto_text(&document, 5, "x");
	for (size_t piece = 1; piece <= document.len; piece += document.len - 1) {
		decode(piece);
		ck_assert_uint_eq(set->traces[0].nspans, 1);
		ck_assert_uint_eq(set->traces[0].spans[0].name, 0);
		ck_assert_int_eq(set->traces[0].spans[0].start_us, 0);
	}
}
END_TEST

START_TEST(tempo)
{
	write_whole();
	proto_message(&inner, 1, &document);
	encoding = TRACE_ENCODING_TEMPO_PROTO;
	ck_assert_int_eq(decode_pieces(buf_text(&inner), inner.len, 3), 0);
	check_whole();
	proto_text(&inner, 2, "\x08\x05");
	proto_varint(&inner, 3, 1);
	proto_text(&inner, 4, "too large");
	ck_assert_int_eq(decode_pieces(buf_text(&inner), inner.len, inner.len), 0);
	ck_assert(set->traces[0].partial);
	/* The answer for an unknown trace. */
	ck_assert_int_eq(decode_pieces("\x0a\x00\x12\x02\x08\x05", 6, 6), -ENOENT);
	ck_assert_int_eq(decode_pieces("", 0, 1), -ENOENT);
}
END_TEST

static void check_refused(const char *data, size_t len, int code, const char *says)
{
	ck_assert_int_eq(decode_pieces(data, len, len), code);
	ck_assert_msg(strstr(err.text, says), "%s, not %s", err.text, says);
	ck_assert_int_eq(decode_pieces(data, len, 1), code);
	ck_assert_msg(strstr(err.text, says), "%s, not %s", err.text, says);
}

#define REFUSED(data, code, says) check_refused(data, sizeof(data) - 1, code, says)

START_TEST(refused)
{
	REFUSED("\x0b\x0c", -EBADMSG, "a group, which protobuf has deprecated (byte 1)");
	REFUSED("\x0a\x02\x0b\x0c", -EBADMSG, "a group, which protobuf has deprecated (byte 3)");
	REFUSED("\x02\x00", -EBADMSG, "a field has the number 0");
	REFUSED("\x0e\x00", -EBADMSG, "a wire type does not exist");
	REFUSED("\x0f\x00", -EBADMSG, "a wire type does not exist");
	REFUSED("\x8a\x80\x80\x80\x80\x00", -EBADMSG, "a tag is too long");
	REFUSED("\xf8\xff\xff\xff\x1f\x00", -EBADMSG, "a wire type does not exist");
	REFUSED("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", -EBADMSG, "a number is too long");
	REFUSED("\x10\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", -EBADMSG,
		"a number is too long");
	/* What exceeds the enclosing message: a length, a number, a tag, eight bytes. */
	REFUSED("\x0a\x02\x12\x01\x00", -EBADMSG,
		"a length exceeds the enclosing message (byte 3)");
	REFUSED("\x0a\x02\x10\x80\x00", -EBADMSG, "a field exceeds the enclosing message (byte 3)");
	REFUSED("\x0a\x01\x92\x00", -EBADMSG, "a field exceeds the enclosing message");
	REFUSED("\x0a\x05\x11\x00\x00\x00\x00\x00\x00\x00\x00", -EBADMSG,
		"a field exceeds the enclosing message");
	REFUSED("\x0a\x02\x1a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", -EBADMSG,
		"a field exceeds the enclosing message");
	REFUSED("\x0a\x0b\x1a\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x00", -EBADMSG,
		"a length exceeds the enclosing message");
	/* A length that is long but allowed; its content is missing. */
	REFUSED("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", -EBADMSG, "the document is cut");
	/* An empty span; one whose name is longer than any text may be. */
	REFUSED("\x0a\x04\x12\x02\x12\x00", -EBADMSG, "a span has no traceId");
	REFUSED("\x0a\xff\xff\xff\x7f\x12\xf0\xff\xff\x7f\x12\xe0\xff\xff\x7f\x2a\x81\x80\x80\x02",
		-E2BIG, "a text is too long");
}
END_TEST

START_TEST(long_ids)
{
	char id[33] = { 0 };

	proto_bytes(&span, 1, id, 33);
	end_span();
	end_resource("ledger");
	check_refused(buf_text(&document), document.len, -EBADMSG, "an id has 33 bytes");
}
END_TEST

START_TEST(caps)
{
	const struct trace_options small = { .max_body_bytes = 20 };
	struct trace_memory memory = { .cap_bytes = 1 << 12 };
	const struct trace_options tight = { .memory = &memory };
	struct trace_decoder *decoder = trace_decoder_new(encoding, &small);

	write_whole();
	ck_assert_int_eq(trace_decoder_feed(decoder, document.data, document.len, &err), -E2BIG);
	trace_decoder_free(decoder);
	decoder = trace_decoder_new(encoding, &tight);
	ck_assert_int_eq(trace_decoder_feed(decoder, document.data, document.len, &err), -E2BIG);
	ck_assert_ptr_nonnull(strstr(err.text, "memory"));
	trace_decoder_free(decoder);
	ck_assert_uint_eq(memory.used_bytes, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("otlp_proto");
	TCase *tcase = tcase_create("otlp_proto");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, everything);
	tcase_add_test(tcase, any_pieces);
	tcase_add_test(tcase, cut_anywhere);
	tcase_add_test(tcase, any_order);
	tcase_add_test(tcase, values);
	tcase_add_test(tcase, attributes_again);
	tcase_add_test(tcase, names_and_ids_again);
	tcase_add_test(tcase, fields_behind_an_event);
	tcase_add_test(tcase, a_root_with_a_link);
	tcase_add_test(tcase, unknown_fields);
	tcase_add_test(tcase, tempo);
	tcase_add_test(tcase, refused);
	tcase_add_test(tcase, long_ids);
	tcase_add_test(tcase, caps);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
