/*
 * Source prometheus: its questions, and the trace ids that it takes from answers of
 * query_exemplars.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/source_kit.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static struct label alert_labels[] = { { "alertname", "Errors" },
				       { "code", "500" },
				       { "service", "checkout" } };
static const struct labels labels = { alert_labels, ARRAY_LEN(alert_labels) };
static struct trace_query query;

static void setup(void)
{
	kit_setup(SOURCE_PROMETHEUS, "http://prom:9090/");
	query = search_for(&checkout, false);
	query.expr = "rate(errors_total{code=\"500\"}[5m]) > 1 + 2";
	query.labels = &labels;
}

START_TEST(asks_for_the_whole_expression)
{
	config.tenant = "shop";
	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_str_eq(
		talk.request.url,
		"http://prom:9090/api/v1/query_exemplars"
		"?query=rate%28errors_total%7Bcode%3D%22500%22%7D%5B5m%5D%29%20%3E%201%20%2B%202"
		"&start=1788256200&end=1788256800");
	ck_assert_str_eq(header("X-Scope-OrgID"), "shop");
	ck_assert_int_eq(talk.encoding, SOURCE_TEXT);
	ck_assert_uint_eq(talk.request.max_reply_bytes, LIMIT_EXEMPLARS_BYTES);
	/* Exemplars leave time for the search. */
	ck_assert_int_eq(talk.request.timeout_us, US_PER_SECOND);
}
END_TEST

#define ANSWER(series)		  "{\"status\":\"success\",\"data\":[" series "]}"
#define SERIES(labels, exemplars) "{\"seriesLabels\":{" labels "},\"exemplars\":[" exemplars "]}"
#define EXEMPLAR(name, id, time)                                                                   \
	"{\"labels\":{\"" name "\":\"" id "\"},\"value\":\"1\",\"timestamp\":" time "}"
#define CHECKOUT "\"__name__\":\"errors_total\",\"service\":\"checkout\",\"code\":\"500\""
#define CART	 "\"service\":\"cart\",\"code\":\"500\""

static void expect(const char *body, const char *wanted)
{
	char got[200] = "";

	ck_assert_int_eq(ask(&query), SOURCE_SEND);
	ck_assert_int_eq(answer(200, body, "application/json"), SOURCE_IDS);
	for (size_t i = 0; i < talk.nids; i++) {
		strcat(got, i ? " " : "");
		strcat(got, talk.ids[i]);
	}
	ck_assert_str_eq(got, wanted);
}

START_TEST(the_latest_comes_first)
{
	expect(ANSWER(SERIES(CHECKOUT, EXEMPLAR("trace_id", ID, "1788256300.5") "," EXEMPLAR(
					       "trace_id", OTHER, "1788256301"))),
	       OTHER " " ID);
}
END_TEST

START_TEST(each_trace_once_up_to_the_limit)
{
	query.limit = 1;
	expect(ANSWER(SERIES(CHECKOUT,
			     EXEMPLAR("trace_id", ID, "2") "," EXEMPLAR(
				     "trace_id", ID, "3") "," EXEMPLAR("trace_id", OTHER, "1"))),
	       ID);
	query.limit = 5;
	expect(ANSWER(SERIES(CHECKOUT,
			     EXEMPLAR("trace_id", ID, "2") "," EXEMPLAR(
				     "trace_id", ID, "3") "," EXEMPLAR("trace_id", OTHER, "1"))),
	       ID " " OTHER);
}
END_TEST

START_TEST(series_that_agree_with_the_alert_win)
{
	expect(ANSWER(SERIES(CART, EXEMPLAR("trace_id", OTHER, "9")) "," SERIES(
		       CHECKOUT, EXEMPLAR("trace_id", ID, "1"))),
	       ID);
	/* If no series agrees with the alert, the best of the others counts. */
	expect(ANSWER(SERIES(CART, EXEMPLAR("trace_id", OTHER, "9"))), OTHER);
}
END_TEST

/* The labels of a series may follow its exemplars. */
START_TEST(members_come_in_any_order)
{
	expect("{\"data\":[{\"exemplars\":[{\"timestamp\":9,\"labels\":{\"trace_id\":\"" OTHER
	       "\"}}],\"seriesLabels\":{" CART
	       "}}," SERIES(CHECKOUT, EXEMPLAR("trace_id", ID, "1")) "],"
								     "\"status\":\"success\"}",
	       ID);
}
END_TEST

static const char *const names[] = { "trace_id", "traceID", "traceId", "TraceID", "trace.id" };

START_TEST(the_label_has_many_names)
{
	char body[400];

	snprintf(body, sizeof(body), ANSWER(SERIES(CHECKOUT, EXEMPLAR("%s", ID, "1"))), names[_i]);
	expect(body, ID);
}
END_TEST

START_TEST(what_is_no_id_is_left_aside)
{
	expect(ANSWER(), "");
	expect(ANSWER(SERIES(CHECKOUT, EXEMPLAR("span_id", "00f067aa0ba902b7", "1"))), "");
	expect(ANSWER(SERIES(CHECKOUT, EXEMPLAR("trace_id", "../../etc/passwd", "1"))), "");
	expect(ANSWER(SERIES(CHECKOUT, EXEMPLAR("trace_id", "4bf92f", "1"))), "");
	expect(ANSWER(SERIES(CHECKOUT, EXEMPLAR("trace_ids", ID, "1"))), "");
	expect("{\"data\":[[{\"labels\":{\"trace_id\":\"" ID "\"}}]]}", "");
	expect("{\"data\":{\"trace_id\":\"" ID "\"}}", "");
	expect("[]", "");
}
END_TEST

static const struct {
	int status;
	const char *body;
	enum source_step step;
	const char *text;
} others[] = {
	{ 400, "{\"status\":\"error\"}", SOURCE_REFUSED, "answered HTTP 400" },
	{ 503, "", SOURCE_FAILED, "answered HTTP 503" },
	{ 404, "404 page not found", SOURCE_NOT_FOUND, NULL },
	{ 200, "<html>", SOURCE_FAILED,
	  "sent a web page; is there a login in front of it, or is its url wrong?" },
	{ 200, "nonsense", SOURCE_FAILED, "sent a reply that is no list of exemplars" },
	{ 200, ANSWER("{"), SOURCE_FAILED, "sent a reply that is no list of exemplars" },
};

START_TEST(other_answers)
{
	ask(&query);
	ck_assert_int_eq(answer(others[_i].status, others[_i].body, ""), others[_i].step);
	if (others[_i].text)
		ck_assert_str_eq(talk.text, others[_i].text);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("source_prometheus");

	tcase_add_checked_fixture(tcase, setup, kit_teardown);
	tcase_add_test(tcase, asks_for_the_whole_expression);
	tcase_add_test(tcase, the_latest_comes_first);
	tcase_add_test(tcase, each_trace_once_up_to_the_limit);
	tcase_add_test(tcase, series_that_agree_with_the_alert_win);
	tcase_add_test(tcase, members_come_in_any_order);
	tcase_add_loop_test(tcase, the_label_has_many_names, 0, ARRAY_LEN(names));
	tcase_add_test(tcase, what_is_no_id_is_left_aside);
	tcase_add_loop_test(tcase, other_answers, 0, ARRAY_LEN(others));
	return run_case(tcase, "source_prometheus");
}
