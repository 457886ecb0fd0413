/*
 * What all kinds of sources share: the table, credentials, headers, certificates, and the meaning
 * of a status.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/lib/source_kit.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static void setup(void)
{
	kit_setup(SOURCE_JAEGER, "http://jaeger");
}

/* NULL: not asked by HTTP. */
static const char *const table_names[] = {
#define SOURCE(id, name, needs, text)	    [SOURCE_##id] = name,
#define SOURCE_LOCAL(id, name, needs, text) [SOURCE_##id] = NULL,
#include "tracepager/tbl/sources.def"
#undef SOURCE
};

/* Each row of the table is the source that sources.def puts there. */
START_TEST(table)
{
	for (int kind = 0; kind < SOURCE_COUNT; kind++) {
		if (!table_names[kind]) {
			ck_assert_ptr_null(trace_sources[kind]);
			continue;
		}
		ck_assert_str_eq(trace_sources[kind]->name, table_names[kind]);
		ck_assert_uint_ne(trace_sources[kind]->answers, 0);
		ck_assert_ptr_nonnull(trace_sources[kind]->next);
	}
}
END_TEST

static void ask_by_id(void)
{
	static const struct trace_query query = { .trace_id = ID };

	ck_assert_int_eq(ask(&query), SOURCE_SEND);
}

/* base64 of the example of RFC 7617, "Aladdin:open sesame". */
#define ALADDIN "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="

START_TEST(user_and_password_in_one)
{
	secret_set(&config.basic, "Aladdin:open sesame");
	ask_by_id();
	ck_assert_str_eq(header("Authorization"), ALADDIN);
	secret_fini(&config.basic);
}
END_TEST

START_TEST(user_and_password_in_two)
{
	config.username = "Aladdin";
	secret_set(&config.password, "open sesame");
	ask_by_id();
	ck_assert_str_eq(header("Authorization"), ALADDIN);
	secret_fini(&config.password);
}
END_TEST

START_TEST(headers_and_tenant)
{
	struct source_header headers[] = { { .name = "X-Api-Key" }, { .name = "X-Empty" } };

	config.headers = headers;
	config.nheaders = 2;
	config.tenant = "shop";
	secret_set(&headers[0].value, "k3y");
	ask_by_id();
	ck_assert_str_eq(header("X-Api-Key"), "k3y");
	ck_assert_str_eq(header("x-tenant"), "shop");
	ck_assert_ptr_null(header("X-Empty"));
	ck_assert_ptr_null(header("Authorization"));
	secret_fini(&headers[0].value);
}
END_TEST

START_TEST(a_tenant_in_two_headers)
{
	config.kind = SOURCE_VICTORIATRACES;
	config.tenant = "12:7";
	ask_by_id();
	ck_assert_str_eq(header("AccountID"), "12");
	ck_assert_str_eq(header("ProjectID"), "7");
}
END_TEST

START_TEST(certificates)
{
	config.ca_file = "/ca.pem";
	config.cert_file = "/cert.pem";
	config.key_file = "/key.pem";
	ask_by_id();
	ck_assert_str_eq(talk.request.ca_file, "/ca.pem");
	ck_assert_str_eq(talk.request.cert_file, "/cert.pem");
	ck_assert_str_eq(talk.request.key_file, "/key.pem");
}
END_TEST

/* A request has room for its headers with everything configured. */
START_TEST(all_headers_fit)
{
	struct source_header headers[LIMIT_SOURCE_HEADERS];
	char value[] = "1";

	for (size_t i = 0; i < LIMIT_SOURCE_HEADERS; i++)
		headers[i] = (struct source_header){ .name = "X-N", .value = { .value = value } };
	config.headers = headers;
	config.nheaders = LIMIT_SOURCE_HEADERS;
	config.username = "a";
	for (int kind = 0; kind < SOURCE_COUNT; kind++) {
		const struct trace_query query = {
			.trace_id = ID, .expr = "up", .signal = &checkout, .limit = 1
		};
		if (!trace_sources[kind])
			continue;
		config.kind = (enum source_id)kind;
		config.tenant = "1:2";
		ck_assert_int_eq(ask(&query), SOURCE_SEND);
		ck_assert_uint_le(talk.request.nheaders + 4, LIMIT_REQUEST_HEADERS);
	}
}
END_TEST

static const struct {
	int status;
	enum source_step step;
	const char *text;
} statuses[] = {
	{ 200, SOURCE_TRACES, NULL },
	{ 204, SOURCE_TRACES, NULL },
	{ 301, SOURCE_REFUSED,
	  "answered HTTP 301, a redirect, which is not followed; is its url right?" },
	{ 400, SOURCE_REFUSED, "answered HTTP 400" },
	{ 401, SOURCE_REFUSED, "answered HTTP 401" },
	{ 404, SOURCE_NOT_FOUND, NULL },
	{ 408, SOURCE_FAILED, "answered HTTP 408" },
	{ 425, SOURCE_FAILED, "answered HTTP 425" },
	{ 429, SOURCE_FAILED, "answered HTTP 429" },
	{ 500, SOURCE_FAILED, "answered HTTP 500" },
	{ 503, SOURCE_FAILED, "answered HTTP 503" },
};

START_TEST(statuses_mean)
{
	/* VictoriaTraces has no rules of its own for a status. */
	config.kind = SOURCE_VICTORIATRACES;
	ask_by_id();
	ck_assert_int_eq(answer(statuses[_i].status, "{}", ""), statuses[_i].step);
	if (statuses[_i].text)
		ck_assert_str_eq(talk.text, statuses[_i].text);
	else
		ck_assert_ptr_null(talk.text);
	ck_assert_int_eq(talk.hold_us, 0);
}
END_TEST

START_TEST(a_web_page_is_told)
{
	config.kind = SOURCE_VICTORIATRACES;
	ask_by_id();
	ck_assert_int_eq(answer(200, "<html>", "text/html"), SOURCE_BAD);
	ck_assert_str_eq(talk.text,
			 "sent a web page; is there a login in front of it, or is its url wrong?");
}
END_TEST

/* Some sources send a trace in pages: the spans of all pages are one trace. */
START_TEST(a_trace_in_pages)
{
#define PAGE(id, parent)                                                                           \
	"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"" ID                      \
	"\",\"spanId\":\"" id "\",\"parentSpanId\":\"" parent                                      \
	"\",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2\"}]}]}]}"
	static const char first[] = PAGE("00000000000000a2", "00000000000000a1");
	static const char second[] = PAGE("00000000000000a1", "");
	struct trace_decoder *decoder = trace_decoder_new(TRACE_ENCODING_OTLP_JSON, NULL);
	struct trace_set *set = NULL;
	struct err err;

	ck_assert_int_eq(trace_decoder_feed(decoder, first, strlen(first), &err), 0);
	ck_assert_ptr_null(trace_decoder_cursor(decoder)); /* OTLP has no pages of its own */
	ck_assert_int_eq(trace_decoder_page(decoder, &err), 0);
	ck_assert_int_eq(trace_decoder_feed(decoder, second, strlen(second), &err), 0);
	ck_assert_int_eq(trace_decoder_finish(decoder, &set, &err), 0);
	ck_assert_uint_eq(set->ntraces, 1);
	ck_assert_uint_eq(set->traces[0].nspans, 2);
	ck_assert_uint_eq(set->traces[0].spans[0].parent, 1);
	trace_set_free(set);
	trace_decoder_free(decoder);
}
END_TEST

/* A page that is cut is an error, and no page can follow it. */
START_TEST(a_page_that_is_cut)
{
	struct trace_decoder *decoder = trace_decoder_new(TRACE_ENCODING_OTLP_JSON, NULL);
	struct err err;

	ck_assert_int_eq(trace_decoder_feed(decoder, "{\"resourceSpans\":[", 18, &err), 0);
	ck_assert_int_eq(trace_decoder_page(decoder, &err), -EBADMSG);
	ck_assert_int_eq(trace_decoder_feed(decoder, "]}", 2, &err), -EBADMSG);
	trace_decoder_free(decoder);
}
END_TEST

START_TEST(victoriatraces_has_a_path_of_its_own)
{
	static const char *const urls[] = { "http://vt:10428", "http://vt:10428/select/jaeger/",
					    "http://vt:10428/select/jaeger" };
	struct trace_query query = search_for(&checkout, true);

	config.kind = SOURCE_VICTORIATRACES;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		config.url = urls[i];
		ask_by_id();
		ck_assert_str_eq(talk.request.url, "http://vt:10428/select/jaeger/api/traces/" ID);
		ck_assert_int_eq(talk.encoding, TRACE_ENCODING_JAEGER_JSON);
	}
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_str_eq(talk.request.url,
			 "http://vt:10428/select/jaeger/api/traces?service=checkout"
			 "&operation=POST%20%2Forders&start=1788256200250000&end=1788256800000000"
			 "&limit=10&tags=%7B%22error%22%3A%22true%22%7D");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("sources");

	tcase_add_checked_fixture(tcase, setup, kit_teardown);
	tcase_add_test(tcase, table);
	tcase_add_test(tcase, user_and_password_in_one);
	tcase_add_test(tcase, user_and_password_in_two);
	tcase_add_test(tcase, headers_and_tenant);
	tcase_add_test(tcase, a_tenant_in_two_headers);
	tcase_add_test(tcase, certificates);
	tcase_add_test(tcase, all_headers_fit);
	tcase_add_loop_test(tcase, statuses_mean, 0, ARRAY_LEN(statuses));
	tcase_add_test(tcase, a_web_page_is_told);
	tcase_add_test(tcase, a_trace_in_pages);
	tcase_add_test(tcase, a_page_that_is_cut);
	tcase_add_test(tcase, victoriatraces_has_a_path_of_its_own);
	return run_case(tcase, "sources");
}
