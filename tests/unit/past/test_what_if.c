/* past: pasted alerts, traces and rules are decided, and what is wrong with them is told. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/sign.h"
#include "tracepager/what_if.h"
#include "tracepager/xalloc.h"

#define ALERT "{\"labels\":{\"alertname\":\"A\",\"service\":\"shop\"}}"
#define RULES                                                                                      \
	"teams: {x: {escalation: e}, y: {escalation: e}}\npagers: {c: {kind: console}}\n"          \
	"escalations: {e: {steps: [{page: [c]}]}}\nfallback: {team: x}\n"
/* Jaeger: shop, whose only span has failed. */
#define TRACE                                                                                      \
	"{\"traceID\":\"a1\",\"spans\":[{\"traceID\":\"a1\",\"spanID\":\"b1\",\"operationName\":"  \
	"\"op\",\"references\":[],\"startTime\":1,\"duration\":2,\"tags\":[{\"key\":\"error\","    \
	"\"type\":\"bool\",\"value\":true}],\"processID\":\"p\"}],\"processes\":{\"p\":"           \
	"{\"serviceName\":\"shop\"}}}"

static struct arena *arena;
static struct err err;
static struct findings findings;
static struct ruleset *rules;
static struct what_if_decided decided;

static void setup(void)
{
	arena = arena_new(64u << 20);
	err = (struct err){ 0 };
	findings = (struct findings){ .at = NULL };
	rules = NULL;
}

static void teardown(void)
{
	rules_unref(rules);
	findings_fini(&findings);
	arena_free(arena);
}

static int paste(const char *alert, const char *traces, const char *text)
{
	const struct what_if what_if = { .alert = alert, .traces = traces, .now_us = 1 };

	ck_assert_int_eq(what_if_rules(arena, text, &rules, &findings), 0);
	return what_if_decide(arena, &what_if, rules, &decided, &err);
}

START_TEST(pasted_texts_are_decided)
{
	ck_assert_msg(paste(ALERT, TRACE, RULES "services: {shop: {owner: y}}\n") == 0, "%s",
		      err.text);
	ck_assert_str_eq(decided.outcome.suspect, "shop");
	ck_assert_str_eq(decided.outcome.team, "y");
	ck_assert_str_eq(decided.outcome.rule, "pasted.yaml:5");
	ck_assert_uint_eq(decided.nnotes, 0);
}
END_TEST

/* An OTLP message of one span, by hand: resource_spans 1 {resource 1 {attributes 1 {service.name}},
 * scope_spans 2 {spans 2 {trace_id 1, span_id 2, name 5, kind 6: 2, times 7 and 8, status 15
 * {code 3: 2}}}}. */
START_TEST(protobuf_is_pasted_as_base64)
{
	static const char message[] =
		"\x0a\x56"
		"\x0a\x18\x0a\x16\x0a\x0cservice.name\x12\x06\x0a\x04shop"
		"\x12\x3a\x12\x38"
		"\x0a\x10"
		"0123456789abcdef"
		"\x12\x08"
		"01234567"
		"\x2a\x02op"
		"\x30\x02"
		"\x39\x01\x00\x00\x00\x00\x00\x00\x00\x41\x02\x00\x00\x00\x00\x00\x00\x00"
		"\x7a\x02\x18\x02";
	char text[base64_size(sizeof(message))];

	base64_encode(message, sizeof(message) - 1, text);
	ck_assert_msg(paste(ALERT, text, RULES) == 0, "%s", err.text);
	ck_assert_msg(decided.nnotes == 0, "%s", decided.nnotes ? decided.notes[0] : "");
	ck_assert_str_eq(decided.outcome.suspect, "shop");
}
END_TEST

START_TEST(a_line_begins_a_further_file)
{
	ck_assert_int_eq(paste(ALERT, TRACE,
			       "--- # first.yaml\r\n" RULES
			       "--- # more/second.yaml  \n\nservices: {shop: {owner: y}}\n"),
			 0);
	ck_assert_str_eq(decided.outcome.rule, "second.yaml:2");
}
END_TEST

START_TEST(what_cannot_be_read_is_told)
{
	ck_assert_int_eq(paste("{]", "", RULES), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.text, "the alert"));
	rules_unref(rules);
	rules = NULL;
	ck_assert_int_eq(paste("", "", RULES), -ENOENT);
	rules_unref(rules);
	rules = NULL;
	/* Traces that cannot be read are no reason not to decide. */
	ck_assert_int_eq(paste(ALERT, "{\n\"traceID\":]", RULES), 0);
	ck_assert_uint_eq(decided.nnotes, 1);
	ck_assert_msg(strstr(decided.notes[0], "line 2") != NULL, "%s", decided.notes[0]);
	ck_assert_str_eq(decided.outcome.fallback, "bad_trace");
	ck_assert_str_eq(decided.outcome.team, "x");
}
END_TEST

START_TEST(rules_with_errors_are_no_set)
{
	ck_assert_int_lt(what_if_rules(arena, RULES "include: [/etc/hosts]\n", &rules, &findings),
			 0);
	ck_assert_uint_eq(findings.nerrors, 1);
	ck_assert_int_eq(findings.at[0].line, 5);
	ck_assert_ptr_null(rules);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("what if");
	TCase *tcase = tcase_create("what if");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, pasted_texts_are_decided);
	tcase_add_test(tcase, protobuf_is_pasted_as_base64);
	tcase_add_test(tcase, a_line_begins_a_further_file);
	tcase_add_test(tcase, what_cannot_be_read_is_told);
	tcase_add_test(tcase, rules_with_errors_are_no_set);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
