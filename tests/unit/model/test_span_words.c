/*
 * Span words, hints and operation names, row by row: which texts are codes, which line of a message
 * tells, which names are clean-up, which words say that a pool was empty (tracepager-walk(7),
 * sections 2, 4, 5 and 7). Rows stand on both sides of each boundary.
 */
#include "relay/model/span-internal.h"
#include "relay/model/strata-internal.h"
#include "tests/lib/walk_check.h"
#include "tracepager/limits.h"

/* The first span of a drawing of one line: a call of `name` with these marks. */
static const struct span *draw_call(const char *name, const char *marks)
{
	char text[4096];

	snprintf(text, sizeof(text), "cart client %s | 0 100 | %s\n", name, marks);
	begin(text);
	return &set->traces[0].spans[0];
}

/* ---- codes and messages ---- */

static const struct {
	const char *marks;
	bool says_why;
} why_rows[] = {
	{ "", false },
	{ "message=500", false },
	{ "message=500 Internal Server Error", false },
	{ "message=internal server error", false }, /* 21 bytes: the longest code */
	{ "message=internal server errors", true },
	{ "message=Bad Gateway", false },
	{ "message=service unavailable", false },
	{ "message=gateway timeout", false },
	{ "message=gateway time-out", false },
	{ "message=bad request", false },
	{ "message=not found", false },
	{ "message=unauthorized", false },
	{ "message=forbidden", false },
	{ "message=too many requests", false },
	{ "message=request timeout", false },
	{ "message=error", false },
	{ "message=failed", false },
	{ "message=13", false },
	{ "message=UNAVAILABLE", false },
	{ "error.type=_OTHER", false },
	{ "message=out of money", true },
	{ "error.type=500; exception.message=out of money", true },
	{ "exception.type=CardError", true },
	{ "error.kind=CardError", true },
	{ "error.message=no card", true },
	{ "grpc.error_message=no card", true },
	{ "http.status_message=no card", true },
	/* The tag of Zipkin: a message, or a truth value. */
	{ "error=true", false },
	{ "error=false", false },
	{ "error=unset", false },
	{ "error=1", false },
	{ "error=0", false },
	{ "error=yes", false },
	{ "error=no card", true },
};

START_TEST(a_code_does_not_say_why)
{
	const struct span *span = draw_call("GET /", why_rows[_i].marks);

	ck_assert_msg(span_says_why(&set->traces[0], span) == why_rows[_i].says_why, "%s",
		      why_rows[_i].marks);
}
END_TEST

START_TEST(the_most_telling_type_and_message)
{
	static const struct {
		const char *marks, *type, *message;
	} rows[] = {
		{ "", NULL, NULL },
		{ "error.type=_OTHER", NULL, NULL },
		{ "error.type=500", "500", NULL },
		{ "error.type=500; exception.type=CardError", "CardError", NULL },
		{ "error.type=A; exception.type=B", "A", NULL },
		{ "message=500", NULL, "500" },
		{ "message=500; exception.message=no card", NULL, "no card" },
		{ "message=first; exception.message=second", NULL, "first" },
	};
	struct span_texts texts;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct span *span = draw_call("GET /", rows[i].marks);

		span_texts(&set->traces[0], span, &texts);
		ck_assert_pstr_eq(span_texts_type(&texts), rows[i].type);
		ck_assert_pstr_eq(span_texts_message(&texts), rows[i].message);
	}
}
END_TEST

static const struct {
	const char *text, *line;
} line_rows[] = {
	{ "", "" },
	{ "no card", "no card" },
	{ "  no card \r\nat main.c:3", "no card" },
	{ "\n\nno card", "no card" },
	{ "call failed:", "call failed:" },
	{ "call failed:\n", "call failed:" },
	{ "call failed:\n\n   \n", "call failed:" },
	{ "call failed:\n  no card\n  no cash", "no card" },
	{ "call failed:\n  status = 5\n  details = \"no card\"\n  more", "no card" },
	{ "call failed:\n  status = 5\n  detail: \"no card\"", "no card" },
	{ "call failed:\n  status = 5\n  Message=\"no card\"", "no card" },
	{ "call failed:\n  status = 5\n  reason \"no card\"", "no card" },
	{ "call failed:\n  status = 5\n  cause\t\"no card\"", "no card" },
	/* No details: no quotes, one quote, nothing between them, another word. */
	{ "call failed:\n  status = 5\n  details = no card", "status = 5" },
	{ "call failed:\n  status = 5\n  details = \"no card", "status = 5" },
	{ "call failed:\n  status = 5\n  details = \"\"", "status = 5" },
	{ "call failed:\n  status = 5\n  details = \"x\"", "x" },
	{ "call failed:\n  status = 5\n  detailsof \"no card\"", "status = 5" },
	{ "call failed:\n  status = 5\n  details", "status = 5" },
	/* The 12th line after the first is the last one that counts. */
	{ "f:\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\ndetails=\"no card\"", "no card" },
	{ "f:\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\ndetails=\"no card\"", "1" },
	{ "Traceback (most recent call last):\n  File \"a\"\nCardError: no card\n",
	  "CardError: no card" },
	{ "Traceback (most recent call last):", "Traceback (most recent call last):" },
	{ "Tracebacks:\n first\n last", "first" },
};

START_TEST(the_line_of_a_message_that_tells)
{
	const char *line;
	size_t len;

	text_telling_line(line_rows[_i].text, &line, &len);
	ck_assert_str_eq(arena_strndup(arena, line, len), line_rows[_i].line);
}
END_TEST

/* 120 bytes are shown; a character of two bytes is not cut in its middle. */
START_TEST(shown_texts_are_cut_on_a_character)
{
	char text[200] = "";
	const char *shown;

	memset(text, 'a', LIMIT_SHOWN_BYTES);
	ck_assert_uint_eq(strlen(shown_text(arena, text)), LIMIT_SHOWN_BYTES);
	text[LIMIT_SHOWN_BYTES] = 'b';
	ck_assert_uint_eq(strlen(shown_text(arena, text)), LIMIT_SHOWN_BYTES);
	memcpy(text + LIMIT_SHOWN_BYTES - 1, "\xc3\xa9", 2);
	ck_assert_uint_eq(strlen(shown_text(arena, text)), LIMIT_SHOWN_BYTES - 1);
	memcpy(text + LIMIT_SHOWN_BYTES - 2, "\xc3\xa9x", 3);
	ck_assert_uint_eq(strlen(shown_text(arena, text)), LIMIT_SHOWN_BYTES);
	shown = shown_text(arena, "a\tb\x1b[0m");
	ck_assert_str_eq(shown, "a b [0m");
}
END_TEST

static const struct {
	const char *marks, *error;
} error_rows[] = {
	{ "", NULL },
	{ "message=no card", "no card" },
	{ "error.type=CardError", "CardError" },
	{ "error.type=CardError; message=no card", "CardError: no card" },
	{ "error.type=CardError; message=CardError on 4711", "CardError on 4711" },
	{ "error.type=503", "HTTP 503" },
	{ "error.type=503; message=no card", "HTTP 503: no card" },
	{ "http.response.status_code=400", "HTTP 400" },
	{ "http.response.status_code=399", NULL },
	{ "rpc.grpc.status_code=1", "CANCELLED" },
	{ "rpc.grpc.status_code=0", NULL },
	{ "rpc.grpc.status_code=14; http.response.status_code=500", "UNAVAILABLE" },
	{ "error.type=_OTHER; http.response.status_code=500", "HTTP 500" },
};

START_TEST(the_words_of_an_error)
{
	const struct span *span = draw_call("GET /", error_rows[_i].marks);

	ck_assert_pstr_eq(span_error(arena, &set->traces[0], span), error_rows[_i].error);
}
END_TEST

START_TEST(words_are_found_without_regard_to_case)
{
	static const char *const words[] = { "refused", "reset", NULL };
	char text[LIMIT_ATTR_VALUE_BYTES + 8] = "";

	ck_assert(text_has_word("Connection REFUSED", words));
	ck_assert(text_has_word("reset", words));
	ck_assert(!text_has_word("rese t", words));
	ck_assert(!text_has_word("", words));
	ck_assert(!text_has_word(NULL, words));
	/* A word that ends at the longest value's last byte is found; one byte on is not. */
	memset(text, 'a', LIMIT_ATTR_VALUE_BYTES);
	memcpy(text + LIMIT_ATTR_VALUE_BYTES - 5, "reset", 6);
	ck_assert(text_has_word(text, words));
	memcpy(text + LIMIT_ATTR_VALUE_BYTES - 5, "areset", 7);
	ck_assert(!text_has_word(text, words));
}
END_TEST

/* ---- pools, breakers, dead connections ---- */

static const struct {
	const char *marks;
	bool pool, breaker, unreachable;
} hint_rows[] = {
	{ "message=out of money", false, false, false },
	{ "message=QueuePool limit of size 5 reached", true, false, false },
	{ "message=pool exhausted", true, false, false },
	{ "message=the pool is fine", false, false, false },
	{ "message=limit reached", false, false, false },
	{ "message=HTTPConnectionPool(host='a'): timed out", false, false, false },
	{ "message=HTTPConnectionPool(host='a'): pool is full", true, false, false },
	{ "message=Connection is not available", true, false, false },
	{ "exception.type=ConnectionAcquireError", true, false, false },
	{ "exception.type=CallNotPermittedException", false, true, false },
	{ "exception.type=x.CircuitBreakerError", false, true, false },
	{ "message=CallNotPermitted", false, false, false }, /* a type's word in a message */
	{ "message=circuit breaker is open", false, true, false },
	{ "exception.type=circuit breaker is open", false, false, false },
	{ "message=connect ECONNREFUSED 10.0.0.1", false, false, true },
	{ "message=Connection to db:5432 refused", false, false, true },
	{ "message=refused: connection to db", false, false, false },
	{ "message=connection to db was lost", false, false, false },
	{ "exception.type=java.net.UnknownHostException", false, false, true },
	{ "message=could not obtain a connection from the pool", true, false, false },
};

START_TEST(words_say_where_an_error_comes_from)
{
	const struct span *span = draw_call("GET /", hint_rows[_i].marks);
	const struct trace *trace = &set->traces[0];

	ck_assert_int_eq(span_waits_for_pool(trace, span), hint_rows[_i].pool);
	ck_assert_int_eq(span_breaker_open(trace, span), hint_rows[_i].breaker);
	ck_assert_int_eq(span_unreachable(trace, span), hint_rows[_i].unreachable);
}
END_TEST

static const struct {
	const char *marks;
	bool client, network, unsent;
} end_rows[] = {
	{ "message=out of money", false, false, false },
	{ "message=Read timed out", true, false, false },
	{ "message=timeout of 5000ms exceeded", true, false, false },
	{ "message=exceeded the timeouts of 5 jobs", false, false, false },
	{ "message=500 Server Error: x for url: http://cart", true, false, false },
	{ "message=server error of url", false, false, false },
	{ "exception.type=GuzzleHttp\\Exception\\ServerException", true, false, false },
	{ "exception.type=com.shop.ServerException", false, false, false },
	{ "exception.type=feign.FeignException$ServiceUnavailable", true, false, false },
	{ "message=rpc error: code = Internal desc = boom", true, false, false },
	{ "message=getaddrinfo EAI_AGAIN cart", false, true, false },
	{ "message=connect: no route to host", false, true, false },
	{ "message=x509: certificate signed by unknown authority", false, true, false },
	{ "exception.type=ProxyError", false, true, false },
	{ "message=socket: too many open files", false, false, true },
	{ "message=connect EMFILE 10.0.0.4:80", false, false, true },
	{ "exception.type=ItemFileMissing", false, false, false },
	{ "message=connect: cannot assign requested address", false, false, true },
	{ "exception.type=io.x.BulkheadFullException", false, false, true },
	{ "exception.type=java.util.concurrent.RejectedExecutionException", false, false, true },
	{ "exception.type=EsRejectedExecutionException; db.system=elasticsearch", false, false,
	  false },
	{ "message=too many open files; db.system=postgresql", false, false, false },
	{ "message=too many open files; http.response.status_code=500", false, false, false },
	{ "message=too many open files; rpc.grpc.status_code=13", false, false, false },
	{ "exception.type=x.DeserializationException", false, false, false },
	{ "exception.type=org.apache.kafka.common.errors.SerializationException", false, false,
	  true },
};

START_TEST(words_say_which_end_they_speak_of)
{
	const struct span *span = draw_call("GET /", end_rows[_i].marks);
	const struct trace *trace = &set->traces[0];

	ck_assert_msg(span_has_client_words(trace, span) == end_rows[_i].client, "%s",
		      end_rows[_i].marks);
	ck_assert_msg(span_has_network_words(trace, span) == end_rows[_i].network, "%s",
		      end_rows[_i].marks);
	ck_assert_msg(span_unsent(trace, span) == end_rows[_i].unsent, "%s", end_rows[_i].marks);
}
END_TEST

/* ---- clean-up ---- */

static const struct {
	const char *name, *marks;
	bool cleanup;
} cleanup_rows[] = {
	{ "GET /cart", "", false },
	{ "rollback", "", true },
	{ "ROLLBACK", "", true },
	{ "POST /orders/9/unlock", "", true },
	{ "writeAuditEntry", "", true },
	{ "audit_log", "", true },
	{ "compensateOrder", "", true }, /* a stem */
	{ "unaudited", "", false },	 /* in the middle of a word */
	{ "HTTPAudit", "", false },	 /* capitals in a row are one word */
	{ "9audit", "", true },		 /* a digit is no letter */
	/* A whole word, its plural, a longer word. */
	{ "void", "", true },
	{ "voids", "", true },
	{ "VOIDS", "", true },
	{ "voidPayment", "", true },
	{ "void_payment", "", true },
	{ "voidance", "", false },
	{ "closed", "", false },
	{ "catalog", "", false },
	{ "loggia", "", false },
	{ "login", "", false },
	{ "GET", "db.operation.name=DELETE", true },
	{ "GET", "db.operation=DELETE", true },
	{ "GET", "rpc.method=Rollback", true },
	{ "GET", "http.route=/audit", true },
	{ "GET", "messaging.destination.name=dlq", true },
	{ "GET", "messaging.destination=dlq", true },
	{ "GET", "service.peer.name=audit", true },
	{ "GET", "peer.service=audit", true },
	{ "GET", "server.address=audit", true },
	{ "GET", "net.peer.name=audit", true },
	{ "GET", "http.route=/cart", false },
	/* Of a URL host and path count, the query and the scheme do not. */
	{ "GET", "url.full=http://audit/x", true },
	{ "GET", "url.full=http://shop/x/audit", true },
	{ "GET", "http.url=http://shop/x/audit", true },
	{ "GET", "url.full=/x/audit", true },
	{ "GET", "url.full=audit", true },
	{ "GET", "url.full=audit://shop/x", false },
	{ "GET", "url.full=http://shop/x?a=audit", false },
	{ "GET", "url.full=http://shop/x#audit", false },
};

START_TEST(names_of_clean_up_and_reports)
{
	draw_call(cleanup_rows[_i].name, cleanup_rows[_i].marks);
	ck_assert_msg(span_is_cleanup(&set->traces[0], 0) == cleanup_rows[_i].cleanup, "%s %s",
		      cleanup_rows[_i].name, cleanup_rows[_i].marks);
}
END_TEST

START_TEST(the_answers_name_counts_too)
{
	begin("cart client POST | 0 100 |\n"
	      "  shop server POST /rollback | 10 90 |\n");
	ck_assert(span_is_cleanup(&set->traces[0], 0));
	begin("cart client POST | 0 100 |\n"
	      "  cart internal POST /rollback | 10 90 |\n");
	ck_assert(!span_is_cleanup(&set->traces[0], 0));
}
END_TEST

/* 255 bytes of a URL are read, and a longer one does no harm. */
START_TEST(long_urls_are_read_in_part)
{
	char marks[400] = "url.full=http://";
	size_t at = strlen(marks);

	memset(marks + at, '1', 300);
	memcpy(marks + at + 250, "audit", 6);
	draw_call("GET", marks);
	ck_assert(span_is_cleanup(&set->traces[0], 0));
	memset(marks + at, '1', 300);
	memcpy(marks + at + 251, "audit", 6);
	draw_call("GET", marks);
	ck_assert(!span_is_cleanup(&set->traces[0], 0));
}
END_TEST

static const struct {
	const char *name, *marks;
	bool changes;
} change_rows[] = {
	{ "GET /a", "", false },
	{ "POST /a", "", false }, /* a search may be a POST */
	{ "PUT /a", "", true },
	{ "PATCH /a", "", true },
	{ "DELETE /a", "", true },
	{ "PUT", "", true },
	{ "PUTS", "", false },
	{ "HTTP GET", "http.request.method=put", true },
	{ "HTTP GET", "http.method=PATCH", true },
	{ "PUT /a", "http.request.method=GET", false }, /* the method counts before the name */
	{ "INSERT shop", "", true },
	{ "update shop", "", true },
	{ "UPSERT", "", true },
	{ "MERGE", "", true },
	{ "REPLACE", "", true },
	{ "UNLINK k", "", true },
	{ "DEL k", "", true },
	{ "DELTA", "", false },
	{ "shop", "db.operation.name=INSERT", true },
	{ "shop", "db.operation=UPDATE", true },
	{ "INSERT shop", "db.operation.name=SELECT", false },
};

START_TEST(which_calls_change_something)
{
	const struct span *span = draw_call(change_rows[_i].name, change_rows[_i].marks);

	ck_assert_msg(span_changes(&set->traces[0], span) == change_rows[_i].changes, "%s %s",
		      change_rows[_i].name, change_rows[_i].marks);
}
END_TEST

START_TEST(a_message_changes_something)
{
	begin("cart producer orders | 0 100 |\n");
	ck_assert(span_changes(&set->traces[0], &set->traces[0].spans[0]));
	begin("cart consumer orders | 0 100 |\n");
	ck_assert(!span_changes(&set->traces[0], &set->traces[0].spans[0]));
}
END_TEST

/* ---- operation names ---- */

static const struct {
	const char *name, *without;
} id_rows[] = {
	{ "7", "{id}" },
	{ "v7", "v7" },
	{ "deadbee1", "{id}" },	  /* 8 hexadecimal digits */
	{ "deadbe1", "deadbe1" }, /* 7 */
	{ "deadbeef", "deadbeef" },
	{ "1-2", "1-2" },
	{ "1234-678", "{id}" },
	{ "ghijklmnopqr1234", "{id}" },		    /* 16, a quarter of them digits */
	{ "ghijklmnopq1234", "ghijklmnopq1234" },   /* 15 */
	{ "ghijklmnopqrs123", "ghijklmnopqrs123" }, /* 16, but three digits */
	{ "ghijk-mnop_r1234", "{id}" },
	{ "ghijk.mnop.r1234", "ghijk.mnop.r1234" },
	{ "a(17),b=18;c&19?20 21/22", "a({id}),b={id};c&{id}?{id} {id}/{id}" },
	{ "1/2/3/4/5/6/7/8/9", "{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}" },
	{ "/1/", "/{id}/" },
};

START_TEST(which_words_are_ids)
{
	ck_assert_str_eq(operation_without_ids(arena, id_rows[_i].name), id_rows[_i].without);
}
END_TEST

static const struct {
	const char *name;
	bool tells;
} telling_rows[] = {
	{ "get", false },
	{ "GETS", true },
	{ "GE", true },
	{ "ENTRYPOINT", false },
	{ "HTTP  POST", false },
	{ " ", false },
	{ "GET  /cart", true },
	{ "*", false },
	{ "*.shop", false },
	{ "/", true },
	{ "/*", false },
	{ "/a*", true },
	{ "a/b/*", true },
	{ "shop/", true },
	{ "/{*}", false },
	{ "/{*path}", false },
	{ "/{path*}", false },
	{ "/{path+}", false },
	{ "/{path}", true },
	{ "/{}", true },
	{ "/{+", true },
	{ "/{path}*", true },
	{ "/path+}", true },
	{ "router a egress", false },
	{ "async a egress", false },
	{ "router a ingress", true },
	{ "asynch a egress", true },
	{ "outer a egress", true },
};

START_TEST(which_names_tell)
{
	ck_assert_msg(operation_tells(telling_rows[_i].name) == telling_rows[_i].tells, "%s",
		      telling_rows[_i].name);
}
END_TEST

static void tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, a_code_does_not_say_why, 0, ARRAY_LEN(why_rows));
	tcase_add_test(tcase, the_most_telling_type_and_message);
	tcase_add_loop_test(tcase, the_line_of_a_message_that_tells, 0, ARRAY_LEN(line_rows));
	tcase_add_test(tcase, shown_texts_are_cut_on_a_character);
	tcase_add_loop_test(tcase, the_words_of_an_error, 0, ARRAY_LEN(error_rows));
	tcase_add_test(tcase, words_are_found_without_regard_to_case);
	tcase_add_loop_test(tcase, words_say_where_an_error_comes_from, 0, ARRAY_LEN(hint_rows));
	tcase_add_loop_test(tcase, words_say_which_end_they_speak_of, 0, ARRAY_LEN(end_rows));
	tcase_add_loop_test(tcase, names_of_clean_up_and_reports, 0, ARRAY_LEN(cleanup_rows));
	tcase_add_test(tcase, the_answers_name_counts_too);
	tcase_add_test(tcase, long_urls_are_read_in_part);
	tcase_add_loop_test(tcase, which_calls_change_something, 0, ARRAY_LEN(change_rows));
	tcase_add_test(tcase, a_message_changes_something);
	tcase_add_loop_test(tcase, which_words_are_ids, 0, ARRAY_LEN(id_rows));
	tcase_add_loop_test(tcase, which_names_tell, 0, ARRAY_LEN(telling_rows));
}

int main(void)
{
	Suite *suite = suite_create("span words");

	add(suite, "words", tests);
	return run_suite(suite);
}
