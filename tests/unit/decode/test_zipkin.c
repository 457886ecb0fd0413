/*
 * Zipkin JSON, versions 1 and 2. Every document is read whole, in single bytes and in pieces of 5,
 * with the same result, good or bad. The expected lines are worked out by hand from Zipkin's API
 * and from the rules at the top of zipkin.c, zipkin_v1.c and zipkin_v2.c.
 */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/trace_decoder.h"
#include "tracepager/xalloc.h"

#define V1 TRACE_ENCODING_ZIPKIN_V1
#define V2 TRACE_ENCODING_ZIPKIN_V2

static const size_t steps[] = { SIZE_MAX, 1, 5 };
static const char *const extra[] = { "shop.region" };

static int decode(enum trace_encoding encoding, const char *text, size_t step,
		  struct trace_set **ret_set, struct err *err)
{
	const struct trace_options options = { .extra_names = extra, .nextra_names = 1 };
	struct trace_decoder *decoder = trace_decoder_new(encoding, &options);
	size_t len = strlen(text);
	int code = 0;

	for (size_t at = 0; at < len && code == 0; at += step < len ? step : len)
		code = trace_decoder_feed(decoder, text + at, len - at < step ? len - at : step,
					  err);
	if (code == 0)
		code = trace_decoder_finish(decoder, ret_set, err);
	trace_decoder_free(decoder);
	return code;
}

static void dump_flags(struct buf *out, unsigned int flags)
{
	static const struct {
		unsigned int flag;
		const char *name;
	} names[] = { { SPAN_SHARED, " shared" },
		      { SPAN_ORPHAN, " orphan" },
		      { SPAN_TAG_TRUE, " error" },
		      { SPAN_TAG_FALSE, " noerror" } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (flags & names[i].flag)
			buf_puts(out, names[i].name);
}

/* Writes one line per span: id<parent's index kind service: name @start+duration flags {attrs}. */
static void dump_span(struct buf *out, const struct trace *trace, const struct span *span)
{
	buf_printf(out, "%s<", trace_text(trace, span->id));
	if (span->parent != TRACE_NONE)
		buf_printf(out, "%u", span->parent);
	buf_printf(out, " %s %s: %s @%" PRId64 "+%" PRId64, span_kind_name(span->kind),
		   span_service(trace, span), trace_text(trace, span->name), span->start_us,
		   span->duration_us);
	dump_flags(out, span->flags);
	for (unsigned int i = 0; i < span->nattrs; i++) {
		const struct span_attr *attr = &trace->set->attrs[span->attrs + i];

		buf_printf(out, " %s=%s", attr->key < ATTR_COUNT ? attr_name(attr->key) : extra[0],
			   trace_text(trace, attr->value));
	}
	buf_putc(out, '\n');
}

static void check_is(enum trace_encoding encoding, const char *text, const char *want)
{
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct buf out = BUF_INIT(1 << 20);
		struct trace_set *set = NULL;
		struct err err = { 0 };

		ck_assert_msg(decode(encoding, text, steps[i], &set, &err) == 0,
			      "%s (line %d, column %d)", err.text, err.line, err.column);
		for (uint32_t t = 0; t < set->ntraces; t++) {
			const struct trace *trace = &set->traces[t];

			buf_printf(&out, "trace %s\n", trace_text(trace, trace->id));
			for (uint32_t s = 0; s < trace->nspans; s++)
				dump_span(&out, trace, &trace->spans[s]);
		}
		ck_assert_str_eq(buf_text(&out), want);
		buf_fini(&out);
		trace_set_free(set);
	}
}

static void check_refused(enum trace_encoding encoding, const char *text, int want,
			  const char *words, int column)
{
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct trace_set *set = NULL;
		struct err err = { 0 };
		int code = decode(encoding, text, steps[i], &set, &err);

		ck_assert_msg(code == want, "%s: %d %s", text, code, err.text);
		ck_assert_str_eq(err.text, words);
		ck_assert_int_eq(err.column, column);
		ck_assert_ptr_null(set);
	}
}

/* ---- version 2 ---- */

START_TEST(v2_whole)
{
	check_is(V2,
		 "[{\"traceId\":\"000000000000000a\",\"id\":\"1\",\"kind\":\"SERVER\","
		 "\"name\":\"post /orders\",\"timestamp\":1000,\"duration\":900,\"debug\":true,"
		 "\"localEndpoint\":{\"serviceName\":\"checkout\",\"ipv4\":\"10.0.0.1\","
		 "\"port\":80},\"tags\":{\"http.status_code\":\"500\",\"unknown\":\"x\","
		 "\"shop.region\":\"eu\"}},"
		 "{\"tags\":{\"error\":\"no answer\",\"db.system\":\"mysql\"},"
		 "\"remoteEndpoint\":{\"serviceName\":\"ledger-db\",\"ipv4\":\"10.0.0.9\","
		 "\"port\":3306},\"annotations\":[{\"timestamp\":1050,\"value\":\"retry\"}],"
		 "\"duration\":700,\"timestamp\":1100,\"name\":\"select\",\"kind\":\"CLIENT\","
		 "\"localEndpoint\":{\"serviceName\":\"checkout\"},\"parentId\":\"1\","
		 "\"id\":\"2\",\"traceId\":\"000000000000000a\",\"other\":{\"id\":[1]}},"
		 "{\"traceId\":\"000000000000000a\",\"parentId\":\"1\",\"id\":\"3\","
		 "\"kind\":\"PRODUCER\",\"localEndpoint\":null,\"tags\":null,\"duration\":1.5},"
		 "{\"traceId\":\"000000000000000a\",\"parentId\":\"3\",\"id\":\"4\","
		 "\"kind\":\"CONSUMER\",\"localEndpoint\":{\"serviceName\":\"mails\"}}]",
		 "trace 000000000000000a\n"
		 "1< server checkout: post /orders @1000+900 http.status_code=500"
		 " shop.region=eu\n"
		 "2<0 client checkout: select @1100+700 error error=no answer db.system=mysql"
		 " peer.service=ledger-db network.peer.address=10.0.0.9 network.peer.port=3306\n"
		 "3<0 producer :  @0+1\n"
		 "4<2 consumer mails:  @0+0\n");
}
END_TEST

#define SPAN(members) "{\"traceId\":\"a\",\"id\":\"1\"," members "}"

START_TEST(v2_lists)
{
	const char *want = "trace a\n1< unspecified : x @0+0\n";

	check_is(V2, SPAN("\"name\":\"x\""), want);
	check_is(V2, " [ " SPAN("\"name\":\"x\"") " ] ", want);
	check_is(V2, "[[],[" SPAN("\"name\":\"x\"") "]]", want);
	check_is(V2, "[[" SPAN("\"name\":\"x\"") "],[{\"traceId\":\"b\",\"id\":\"1\"}]]",
		 "trace a\n1< unspecified : x @0+0\ntrace b\n1< unspecified :  @0+0\n");
}
END_TEST

START_TEST(v2_errors)
{
	static const struct {
		const char *tags, *want;
	} rows[] = {
		{ "\"error\":\"\"", " error" },
		{ "\"error\":\"true\"", " error" },
		{ "\"error\":true", " error" },
		{ "\"error\":\"False\"", " noerror" },
		{ "\"error\":false", " noerror" },
		{ "\"error\":\"0\"", " error error=0" },
		{ "\"error\":\"unset\"", " error error=unset" },
		{ "\"error\":503", " error error=503" },
		{ "\"error\":null", "" },
		{ "\"error\":{\"a\":1}", "" },
		{ "\"error\":\"false\",\"error\":\"late\"", " error error=late" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf text = BUF_INIT(1000), want = BUF_INIT(1000);

		buf_printf(&text, "[" SPAN("\"tags\":{%s}") "]", rows[i].tags);
		buf_printf(&want, "trace a\n1< unspecified :  @0+0%s\n", rows[i].want);
		check_is(V2, buf_text(&text), buf_text(&want));
		buf_fini(&text);
		buf_fini(&want);
	}
}
END_TEST

START_TEST(v2_times)
{
#define NOTES "\"annotations\":[{\"timestamp\":30},{\"value\":\"x\"},{\"timestamp\":10}]"
	check_is(V2, SPAN(NOTES), "trace a\n1< unspecified :  @10+20\n");
	check_is(V2, SPAN(NOTES ",\"timestamp\":5"), "trace a\n1< unspecified :  @5+25\n");
	check_is(V2, SPAN("\"duration\":3," NOTES), "trace a\n1< unspecified :  @10+3\n");
	check_is(V2, SPAN("\"timestamp\":40," NOTES), "trace a\n1< unspecified :  @40+0\n");
	check_is(V2, SPAN("\"timestamp\":1,\"duration\":2," NOTES),
		 "trace a\n1< unspecified :  @1+2\n");
}
END_TEST

START_TEST(v2_remote)
{
	/* tags win over the remote endpoint, in any order */
	check_is(V2,
		 SPAN("\"tags\":{\"peer.service\":\"ledger\"},\"kind\":\"CLIENT\","
		      "\"remoteEndpoint\":{\"serviceName\":\"proxy\",\"ipv6\":\"::1\"}"),
		 "trace a\n1< client :  @0+0 peer.service=ledger network.peer.address=::1\n");
	/* both services known: a call, unless a kind says otherwise */
	check_is(V2,
		 SPAN("\"localEndpoint\":{\"serviceName\":\"cart\"},"
		      "\"remoteEndpoint\":{\"serviceName\":\"redis\"}"),
		 "trace a\n1< client cart:  @0+0 peer.service=redis\n");
	check_is(V2,
		 SPAN("\"localEndpoint\":{\"serviceName\":\"cart\"},"
		      "\"remoteEndpoint\":{\"port\":6379}"),
		 "trace a\n1< unspecified cart:  @0+0 network.peer.port=6379\n");
	check_is(V2,
		 SPAN("\"localEndpoint\":{\"serviceName\":\"cart\"},"
		      "\"remoteEndpoint\":{\"serviceName\":\"redis\"},"
		      "\"tags\":{\"span.kind\":\"internal\"}"),
		 "trace a\n1< internal cart:  @0+0 peer.service=redis\n");
	check_is(V2,
		 SPAN("\"localEndpoint\":{\"serviceName\":\"cart\"},\"shared\":true,"
		      "\"remoteEndpoint\":{\"serviceName\":\"web\"}"),
		 "trace a\n1< unspecified cart:  @0+0 shared peer.service=web\n");
}
END_TEST

#define NUMBERED(id, members) "{\"traceId\":\"a\",\"id\":\"" id "\"," members "}"

/* Endpoints and values that come again, whole and with one byte changed: also one that is local
 * once and remote once, and names with braces, quotes and bytes that are not ASCII. */
START_TEST(v2_again)
{
#define CART		    "{\"serviceName\":\"cart-of-the-shop\",\"ipv4\":\"10.0.0.1\"}"
#define CARD		    "{\"serviceName\":\"card-of-the-shop\",\"ipv4\":\"10.0.0.1\"}"
#define BRACE1		    "{\"serviceName\":\"cart-of-the-shop}\",\"x\":\"1\"}"
#define BRACE2		    "{\"serviceName\":\"cart-of-the-shop}\",\"serviceName\":\"y\"}"
#define INNER1		    "{\"x\":{\"serviceName\":\"deep-deep-deep\"},\"serviceName\":\"a\"}"
#define INNER2		    "{\"x\":{\"serviceName\":\"deep-deep-deep\"},\"serviceName\":\"b\"}"
#define NO_NAME		    "{\"ipv4\":\"10.0.0.1\",\"port\":80,\"x\":null}"
#define LOCAL(id, endpoint) NUMBERED(id, "\"localEndpoint\":" endpoint)
	check_is(
		V2,
		"[" LOCAL("1", CART) "," LOCAL("2", CART) "," LOCAL("3", CARD) "," LOCAL("4", CART) "," LOCAL("5", BRACE1) "," LOCAL("6", BRACE2) "," LOCAL(
			"7",
			BRACE1) "," LOCAL("8",
					  INNER1) "," LOCAL("9",
							    INNER2) "," LOCAL("10",
									      INNER1) "," LOCAL("1"
												"1",
												NO_NAME) "," LOCAL("12",
														   NO_NAME) "," NUMBERED("13",
																	 "\"remoteEndpoint\":" NO_NAME) "," NUMBERED("14",
																						     "\"localEndpoint\":" CARD
																						     ",\"remoteEndpoint\":" NO_NAME) "]",
		"trace a\n"
		"1< unspecified cart-of-the-shop:  @0+0\n"
		"2< unspecified cart-of-the-shop:  @0+0\n"
		"3< unspecified card-of-the-shop:  @0+0\n"
		"4< unspecified cart-of-the-shop:  @0+0\n"
		"5< unspecified cart-of-the-shop}:  @0+0\n"
		"6< unspecified y:  @0+0\n"
		"7< unspecified cart-of-the-shop}:  @0+0\n"
		"8< unspecified a:  @0+0\n"
		"9< unspecified b:  @0+0\n"
		"10< unspecified a:  @0+0\n"
		"11< unspecified :  @0+0\n"
		"12< unspecified :  @0+0\n"
		"13< unspecified :  @0+0 network.peer.address=10.0.0.1 network.peer.port=80\n"
		"14< unspecified card-of-the-shop:  @0+0 network.peer.address=10.0.0.1"
		" network.peer.port=80\n");
#define TAGGED(id, value) NUMBERED(id, "\"tags\":{\"db.name\":\"" value "\"}")
	check_is(
		V2,
		"[" TAGGED("1", "orders") "," TAGGED("2", "orders") "," TAGGED("3", "Orders") "," TAGGED("4", "orders\\u0000") "," TAGGED(
			"5",
			"orders") "," TAGGED("6",
					     "order") "," TAGGED("7",
								 "") "," TAGGED("8",
										"\\u00006\\u0000ord"
										"er") "," TAGGED("9",
												 "") "]",
		"trace a\n"
		"1< unspecified :  @0+0 db.name=orders\n"
		"2< unspecified :  @0+0 db.name=orders\n"
		"3< unspecified :  @0+0 db.name=Orders\n"
		"4< unspecified :  @0+0 db.name=orders\xef\xbf\xbd\n"
		"5< unspecified :  @0+0 db.name=orders\n"
		"6< unspecified :  @0+0 db.name=order\n"
		"7< unspecified :  @0+0 db.name=\n"
		"8< unspecified :  @0+0 db.name=\xef\xbf\xbd"
		"6\xef\xbf\xbd"
		"order\n"
		"9< unspecified :  @0+0 db.name=\n");
}
END_TEST

START_TEST(v2_namespace)
{
	struct trace_set *set = NULL;
	struct err err;

	ck_assert_int_eq(
		decode(V2,
		       "[" SPAN(
			       "\"localEndpoint\":{\"serviceName\":\"cart\"},"
			       "\"tags\":{\"service.namespace\":\"shop\"}") ","
									    "{\"traceId\":\"a\","
									    "\"id\":\"2\",\"tags\":"
									    "{\"service."
									    "namespace\":\"shop\"},"
									    "\"localEndpoint\":{"
									    "\"serviceName\":"
									    "\"cart\"}},"
									    "{\"traceId\":\"a\","
									    "\"id\":\"3\","
									    "\"localEndpoint\":{"
									    "\"serviceName\":"
									    "\"cart\"}}]",
		       SIZE_MAX, &set, &err),
		0);
	ck_assert_uint_eq(set->nresources, 2);
	ck_assert_str_eq(set->strings + set->resources[0].namespace, "shop");
	ck_assert_uint_eq(set->traces[0].spans[1].resource, 0);
	ck_assert_uint_eq(set->resources[1].namespace, 0);
	ck_assert_uint_eq(set->traces[0].spans[2].resource, 1);
	trace_set_free(set);
}
END_TEST

#define OF(id, parent, service, more)                                                              \
	"{\"traceId\":\"a\",\"id\":\"" id "\"" parent                                              \
	",\"localEndpoint\":{\"serviceName\":\"" service "\"}" more "}"
#define PARENT(id) ",\"parentId\":\"" id "\""
#define KIND(kind) ",\"kind\":\"" kind "\""
#define SHARED	   ",\"shared\":true"

/* cart calls ledger, which shares the call's id; the children are of ledger, of cart, and of a
 * third service. */
START_TEST(v2_shared)
{
#define CLIENT OF("2", PARENT("1"), "cart", KIND("CLIENT"))
#define SERVER OF("2", PARENT("1"), "ledger", KIND("SERVER") SHARED)
#define CHILDREN                                                                                   \
	OF("3", PARENT("2"), "ledger", "")                                                         \
	"," OF("4", PARENT("2"), "cart", "") "," OF("5", PARENT("2"), "mails", "")
	check_is(V2, "[" OF("1", "", "cart", KIND("SERVER")) "," CLIENT "," SERVER "," CHILDREN "]",
		 "trace a\n1< server cart:  @0+0\n2<0 client cart:  @0+0\n"
		 "2<1 server ledger:  @0+0 shared\n3<2 unspecified ledger:  @0+0\n"
		 "4<1 unspecified cart:  @0+0\n5<2 unspecified mails:  @0+0\n");
	check_is(V2, "[" CHILDREN "," SERVER "," CLIENT "," OF("1", "", "cart", KIND("SERVER")) "]",
		 "trace a\n3<3 unspecified ledger:  @0+0\n4<4 unspecified cart:  @0+0\n"
		 "5<3 unspecified mails:  @0+0\n2<4 server ledger:  @0+0 shared\n"
		 "2<5 client cart:  @0+0\n1< server cart:  @0+0\n");
	/* the client sent no span */
	check_is(V2, "[" OF("1", "", "cart", KIND("SERVER")) "," SERVER "," CHILDREN "]",
		 "trace a\n1< server cart:  @0+0\n2<0 server ledger:  @0+0 shared\n"
		 "3<1 unspecified ledger:  @0+0\n4<1 unspecified cart:  @0+0\n"
		 "5<1 unspecified mails:  @0+0\n");
	/* the client has no kind; a client never shares an id */
	check_is(V2, "[" SERVER "," OF("2", "", "cart", "") "]",
		 "trace a\n2<1 server ledger:  @0+0 shared\n2< unspecified cart:  @0+0\n");
	check_is(V2, OF("2", "", "cart", KIND("CLIENT") SHARED),
		 "trace a\n2< client cart:  @0+0\n");
}
END_TEST

START_TEST(v2_trace_ids)
{
#define WITH(trace, id) "{\"traceId\":\"" trace "\",\"id\":\"" id "\",\"parentId\":\"0000\"}"
	const char *want = "trace 463ac35c9f6413ad48485a3953bb6124\n1< unspecified :  @0+0\n"
			   "2< unspecified :  @0+0\n3< unspecified :  @0+0\n";

	check_is(V2,
		 "[" WITH("48485a3953bb6124", "1") "," WITH("463ac35c9f6413ad48485a3953bb6124",
							    "2") "," WITH("48485A3953BB6124",
									  "3") "]",
		 want);
	check_is(V2,
		 "[" WITH("463ac35c9f6413ad48485a3953bb6124",
			  "1") "," WITH("48485a3953bb6124",
					"2") "," WITH("463ac35c9f6413ad48485a3953bb6124", "3") "]",
		 want);
	/* other low halves, and an id that is no number */
	check_is(V2, "[" WITH("10", "1") "," WITH("11", "2") "," WITH("order-7", "3") "]",
		 "trace 10\n1< unspecified :  @0+0\ntrace 11\n2< unspecified :  @0+0\n"
		 "trace order-7\n3< unspecified :  @0+0\n");
	check_is(V2,
		 "[" WITH("463ac35c9f6413ad48485a3953bb61240",
			  "1") "," WITH("63ac35c9f6413ad48485a3953bb61240", "2") "]",
		 "trace 463ac35c9f6413ad48485a3953bb61240\n1< unspecified :  @0+0\n"
		 "trace 63ac35c9f6413ad48485a3953bb61240\n2< unspecified :  @0+0\n");
}
END_TEST

/* More traces and services than the tables have room for at first. */
START_TEST(v2_many)
{
	struct buf text = BUF_INIT(1 << 20);
	struct trace_set *set = NULL;
	struct err err;

	buf_putc(&text, '[');
	for (unsigned int i = 0; i < 2000; i++)
		buf_printf(&text,
			   "%s{\"traceId\":\"%s%016x\",\"id\":\"%x\",\"localEndpoint\":"
			   "{\"serviceName\":\"s%u\"}}",
			   i > 0 ? "," : "", i % 3 == 0 ? "5" : "", i % 500, i, i % 300);
	buf_putc(&text, ']');
	ck_assert_int_eq(decode(V2, buf_text(&text), SIZE_MAX, &set, &err), 0);
	ck_assert_uint_eq(set->ntraces, 500);
	ck_assert_uint_eq(set->nresources, 300);
	for (unsigned int i = 0; i < 500; i++) {
		ck_assert_uint_eq(set->traces[i].nspans, 4);
		/* of i, i + 500, i + 1000 and i + 1500 at least one is a multiple of 3 */
		ck_assert_uint_eq(strlen(set->strings + set->traces[i].id), 17);
	}
	buf_fini(&text);
	trace_set_free(set);
}
END_TEST

START_TEST(v2_refused)
{
	check_refused(V2, "[]", -ENOENT, "no span in it", 0);
	check_refused(V2, "[[],[]]", -ENOENT, "no span in it", 0);
	check_refused(V2, "[[[]]]", -EBADMSG, "the document has a list in place of a span", 3);
	check_refused(V2, "[1]", -EBADMSG, "the document has a number in place of a span", 2);
	check_refused(V2, "[null]", -EBADMSG, "the document has null in place of a span", 2);
	check_refused(V2, "[{\"id\":\"1\"}]", -EBADMSG, "a span has no traceId", 11);
	check_refused(V2, "[{\"traceId\":\"1\"}]", -EBADMSG, "a span has no id", 16);
	check_refused(V2, "[{\"id\":1}]", -EBADMSG, "id of a span is a number, not a string", 8);
	check_refused(V2, "[{\"timestamp\":\"1\"}]", -EBADMSG,
		      "timestamp of a span is a string, not a number", 15);
	check_refused(V2, "[{\"shared\":\"yes\"}]", -EBADMSG,
		      "shared of a span is a string, not a boolean", 12);
	check_refused(V2, "[{\"tags\":[]}]", -EBADMSG, "tags of a span is a list, not an object",
		      10);
	check_refused(V2, "[{\"annotations\":{}}]", -EBADMSG,
		      "annotations of a span is an object, not a list", 17);
	check_refused(V2, "[{\"annotations\":[1]}]", -EBADMSG,
		      "annotations holds a number, not an object", 18);
	check_refused(V2, "[{\"localEndpoint\":{\"serviceName\":[]}}]", -EBADMSG,
		      "serviceName of localEndpoint is a list, not a string", 34);
	check_refused(V2, "[{\"id\":\"1\"", -EBADMSG, "ends inside an object", 11);
}
END_TEST

/* ---- version 1 ---- */

#define AT(service, port)                                                                          \
	"{\"serviceName\":\"" service "\",\"ipv4\":\"10.0.0.1\",\"port\":" port "}"
#define NOTE(time, value, service)                                                                 \
	"{\"timestamp\":" time ",\"value\":\"" value "\",\"endpoint\":" AT(service, "80") "}"
#define TAG(key, value, service)                                                                   \
	"{\"key\":\"" key "\",\"value\":" value ",\"endpoint\":" AT(service, "80") "}"
#define V1_SPAN(members, notes, tags)                                                              \
	"{\"traceId\":\"a\",\"id\":\"1\"" members ",\"annotations\":[" notes                       \
	"],\"binaryAnnotations\":[" tags "]}"

/* Both sides of a call in one object: each has its own times and the tags that its endpoint wrote.
 * */
START_TEST(v1_both_sides)
{
#define NOTES4                                                                                     \
	NOTE("100", "cs", "cart")                                                                  \
	"," NOTE("110", "sr", "ledger") "," NOTE("150", "ss", "ledger") "," NOTE("160", "cr",      \
										 "cart")
#define TAGS4                                                                                      \
	TAG("http.method", "\"GET\"", "cart")                                                      \
	"," TAG("error", "\"full\"", "ledger") "," TAG(                                            \
		"http.status_code", "503",                                                         \
		"ledger") "," TAG("unknown", "\"x\"",                                              \
				  "ledger") "," TAG("shop.region", "true",                         \
						    "cart") "," TAG("sa", "true",                  \
								    "ledger") "," TAG("ca",        \
										      "true",      \
										      "cart")
	const char *want =
		"trace a\n"
		"1< client cart: get @100+61 peer.service=ledger network.peer.address=10.0.0.1"
		" network.peer.port=80 http.method=GET shop.region=true\n"
		"1<0 server ledger: get @110+40 shared error peer.service=cart"
		" network.peer.address=10.0.0.1 network.peer.port=80 error=full"
		" http.status_code=503\n";

	check_is(V1,
		 "[" V1_SPAN(",\"name\":\"get\",\"timestamp\":100,\"duration\":61", NOTES4,
			     TAGS4) "]",
		 want);
	/* all members in the opposite order */
	check_is(
		V1,
		"{\"binaryAnnotations\":["
		"{\"endpoint\":" AT(
			"cart",
			"80") ",\"value\":\"GET\",\"key\":\"http.method\"},"
			      "{\"endpoint\":" AT(
				      "ledger",
				      "80") ",\"value\":\"full\",\"key\":\"error\"},"
					    "{\"value\":\"503\",\"endpoint\":" AT(
						    "ledger",
						    "80") ",\"key\":\"http.status_code\"},"
							  "{\"endpoint\":" AT(
								  "cart",
								  "80") ",\"value\":true,\"key\":"
									"\"shop.region\"},"
									"{\"endpoint\":" AT(
										"ledger",
										"80") ",\"value\":"
										      "true,"
										      "\"key\":"
										      "\"sa\"},"
										      "{\"endpoint"
										      "\":" AT(
											      "car"
											      "t",
											      "80") ",\"value\":true,\"key\":\"ca\"}],"
												    "\"annotations\":["
												    "{\"endpoint\":" AT(
													    "ledger",
													    "80") ",\"value\":\"ss\",\"timestamp\":150},"
														  "{\"endpoint\":" AT(
															  "cart",
															  "80") ",\"value\":\"cr\",\"timestamp\":160},"
																"{\"endpoint\":" AT(
																	"ledger",
																	"80") ",\"value\":\"sr\",\"timestamp\":110},"
																	      "{\"endpoint\":" AT(
																		      "cart",
																		      "80") ",\"value\":\"cs\",\"timestamp\":100}],"
																			    "\"duration\":61,\"timestamp\":100,\"name\":\"get\",\"id\":\"1\",\"traceId\":\"a\"}",
		want);
	check_is(V1, V1_SPAN("", NOTES4, ""),
		 "trace a\n1< client cart:  @100+60\n1<0 server ledger:  @110+40 shared\n");
	check_is(V1,
		 V1_SPAN("", NOTE("5", "ms", "cart") "," NOTE("9", "mr", "mails"),
			 TAG("ma", "true", "kafka")),
		 "trace a\n1< producer cart:  @5+0 peer.service=kafka"
		 " network.peer.address=10.0.0.1 network.peer.port=80\n"
		 "1<0 consumer mails:  @9+0 shared\n");
}
END_TEST

/* A service that calls itself: the ports tell the sides apart; without ports the tag goes to the
 * sender. */
START_TEST(v1_loopback)
{
#define LOOP(value, time, port)                                                                    \
	"{\"timestamp\":" time ",\"value\":\"" value "\",\"endpoint\":" AT("cart", port) "}"
#define LOOP_TAG(key, port)                                                                        \
	"{\"key\":\"" key "\",\"value\":\"x\",\"endpoint\":" AT("cart", port) "}"
	check_is(V1,
		 V1_SPAN("", LOOP("cs", "1", "80") "," LOOP("sr", "2", "81"),
			 LOOP_TAG("error", "81") "," LOOP_TAG("db.name", "80") "," LOOP_TAG(
				 "http.route", "82")),
		 "trace a\n1< client cart:  @1+0 db.name=x http.route=x\n"
		 "1<0 server cart:  @2+0 shared error error=x\n");
}
END_TEST

START_TEST(v1_one_side)
{
	check_is(V1,
		 V1_SPAN(",\"timestamp\":7,\"duration\":8",
			 NOTE("10", "sr", "ledger") "," NOTE("30", "ss", "ledger"),
			 TAG("error", "\"\"", "ledger") "," TAG("db.name", "\"books\"", "other")),
		 "trace a\n1< server ledger:  @7+8 error db.name=books\n");
	/* a server without times of its own joined its client's span */
	check_is(V1,
		 V1_SPAN("", NOTE("10", "sr", "ledger") "," NOTE("30", "ss", "ledger"),
			 TAG("ca", "true", "ledger") "," TAG("error", "\"false\"", "ledger")),
		 "trace a\n1< server ledger:  @10+20 shared noerror"
		 " network.peer.address=10.0.0.1 network.peer.port=80\n");
	check_is(V1,
		 V1_SPAN("", NOTE("10", "cs", "cart") "," NOTE("15", "retry", "cart"),
			 TAG("sa", "true", "ledger-db")),
		 "trace a\n1< client cart:  @10+5 peer.service=ledger-db"
		 " network.peer.address=10.0.0.1 network.peer.port=80\n");
	check_is(V1, V1_SPAN("", NOTE("30", "cr", "cart"), ""),
		 "trace a\n1< client cart:  @30+0\n");
	check_is(V1, V1_SPAN("", NOTE("30", "mr", "mails"), ""),
		 "trace a\n1< consumer mails:  @30+0 shared\n");
}
END_TEST

START_TEST(v1_no_side)
{
	check_is(V1, V1_SPAN(",\"name\":\"x\"", "", TAG("lc", "\"\"", "cart")),
		 "trace a\n1< unspecified cart: x @0+0\n");
	check_is(V1, V1_SPAN("", NOTE("3", "a", "cart") "," NOTE("9", "b", "cart"), ""),
		 "trace a\n1< unspecified cart:  @3+6\n");
	/* addresses name both services: a call */
	check_is(V1, V1_SPAN("", "", TAG("sa", "true", "redis") "," TAG("lc", "\"\"", "cart")),
		 "trace a\n1< client cart:  @0+0 peer.service=redis"
		 " network.peer.address=10.0.0.1 network.peer.port=80\n");
	check_is(V1, V1_SPAN("", "", TAG("sa", "true", "redis") "," TAG("ca", "true", "cart")),
		 "trace a\n1< client cart:  @0+0 peer.service=redis"
		 " network.peer.address=10.0.0.1 network.peer.port=80\n");
	check_is(V1, "[{\"traceId\":\"a\",\"id\":\"1\",\"annotations\":null}]",
		 "trace a\n1< unspecified :  @0+0\n");
}
END_TEST

/* Each side sends its own object, in either order. */
START_TEST(v1_two_objects)
{
#define CALLER V1_SPAN(",\"timestamp\":1,\"duration\":9", NOTE("1", "cs", "cart"), "")
#define CALLEE V1_SPAN("", NOTE("2", "sr", "ledger"), "")
	check_is(V1, "[" CALLER "," CALLEE "]",
		 "trace a\n1< client cart:  @1+9\n1<0 server ledger:  @2+0 shared\n");
	check_is(V1, "[" CALLEE "," CALLER "]",
		 "trace a\n1<1 server ledger:  @2+0 shared\n1< client cart:  @1+9\n");
}
END_TEST

/* Tags beyond what two spans keep are left out. */
START_TEST(v1_many_tags)
{
	struct buf text = BUF_INIT(1 << 20);
	struct trace_set *set = NULL;
	struct err err;

	buf_puts(&text, "[{\"traceId\":\"a\",\"id\":\"1\",\"binaryAnnotations\":[");
	for (unsigned int i = 0; i < 3 * LIMIT_SPAN_ATTRS; i++)
		buf_printf(&text, "%s{\"key\":\"db.name\",\"value\":\"%u\"}", i > 0 ? "," : "", i);
	buf_puts(&text, "]}]");
	ck_assert_int_eq(decode(V1, buf_text(&text), SIZE_MAX, &set, &err), 0);
	ck_assert_str_eq(span_attr(&set->traces[0], &set->traces[0].spans[0], ATTR_DB_NAME), "95");
	buf_fini(&text);
	trace_set_free(set);
}
END_TEST

START_TEST(v1_refused)
{
	check_refused(V1, "[]", -ENOENT, "no span in it", 0);
	check_refused(V1, "[{\"annotations\":[{\"value\":1}]}]", -EBADMSG,
		      "value of an annotation is a number, not a string", 27);
	check_refused(V1, "[{\"binaryAnnotations\":[{\"key\":1}]}]", -EBADMSG,
		      "key of a binary annotation is a number, not a string", 31);
	check_refused(V1, "[{\"binaryAnnotations\":[{\"endpoint\":1}]}]", -EBADMSG,
		      "endpoint of a binary annotation is a number, not an object", 36);
	check_refused(V1, "[{\"binaryAnnotations\":[{\"endpoint\":{\"port\":\"1\"}}]}]", -EBADMSG,
		      "port of an endpoint is a string, not a number", 44);
	check_refused(V1, "[{\"binaryAnnotations\":[[]]}]", -EBADMSG,
		      "binaryAnnotations holds a list, not an object", 24);
	check_refused(V1, "[{\"id\":\"1\",\"annotations\":[]}]", -EBADMSG, "a span has no traceId",
		      28);
	/* lists and objects are no values */
	check_is(V1,
		 V1_SPAN("", "",
			 "{\"key\":\"db.name\",\"value\":{\"a\":[]}},{\"value\":[],"
			 "\"key\":\"db.type\"}"),
		 "trace a\n1< unspecified :  @0+0\n");
}
END_TEST

START_TEST(caps)
{
	const struct trace_options small = { .max_body_bytes = 10 };
	struct trace_decoder *decoder = trace_decoder_new(V2, &small);
	struct trace_memory memory = { .cap_bytes = 20000 };
	const struct trace_options poor = { .memory = &memory };
	struct trace_set *set = NULL;
	struct err err;
	int code = 0;

	ck_assert_int_eq(trace_decoder_feed(decoder, "[         ]", 11, &err), -E2BIG);
	trace_decoder_free(decoder);
	for (unsigned int version = 0; version < 2; version++) {
		decoder = trace_decoder_new(version == 0 ? V1 : V2, &poor);
		code = trace_decoder_feed(decoder, "[", 1, &err);
		for (unsigned int i = 0; i < 10000 && code == 0; i++)
			code = trace_decoder_feed(decoder, "{\"traceId\":\"a\",\"id\":\"1\"},", 25,
						  &err);
		ck_assert_int_eq(code, -E2BIG);
		ck_assert_ptr_nonnull(strstr(err.text, "traces in flight"));
		ck_assert_int_eq(trace_decoder_finish(decoder, &set, NULL), -E2BIG);
		trace_decoder_free(decoder);
		ck_assert_uint_eq(memory.used_bytes, 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zipkin");
	TCase *tcase = tcase_create("zipkin");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, v2_whole);
	tcase_add_test(tcase, v2_lists);
	tcase_add_test(tcase, v2_errors);
	tcase_add_test(tcase, v2_times);
	tcase_add_test(tcase, v2_remote);
	tcase_add_test(tcase, v2_again);
	tcase_add_test(tcase, v2_namespace);
	tcase_add_test(tcase, v2_shared);
	tcase_add_test(tcase, v2_trace_ids);
	tcase_add_test(tcase, v2_many);
	tcase_add_test(tcase, v2_refused);
	tcase_add_test(tcase, v1_both_sides);
	tcase_add_test(tcase, v1_loopback);
	tcase_add_test(tcase, v1_one_side);
	tcase_add_test(tcase, v1_no_side);
	tcase_add_test(tcase, v1_two_objects);
	tcase_add_test(tcase, v1_many_tags);
	tcase_add_test(tcase, v1_refused);
	tcase_add_test(tcase, caps);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
