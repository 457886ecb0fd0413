/* What each name of a template stands for: with a suspect, without one, without an alert. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/shop.h"
#include "tracepager/decide.h"
#include "tracepager/limits.h"
#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

#define RULES(when)                                                                                \
	"teams: {money: {name: Money, escalation: e, channel: '#money'}, sre: {escalation: e}}\n"  \
	"pagers: {p: {kind: console}}\n"                                                           \
	"escalations: {e: {steps: [{page: [p]}]}}\n"                                               \
	"services: {ledger: {owner: money, criticality: high}}\n"                                  \
	"signals: {orders: {alerts: {alertname: OrdersFail}, span: {service: checkout, "           \
	"operation: 'POST /orders'}}}\n"                                                           \
	"routes:\n"                                                                                \
	"- when: " when "\n"                                                                       \
	"  severity: warning\n"                                                                    \
	"  summary: 'Before: {summary}'\n"                                                         \
	"  details: \"{service|-}, {namespace|-}, {operation|-}, {kind|-}, {error|-}, "            \
	"{callee|-}\\n"                                                                            \
	"{criticality|-}, {confidence|-}, {agree|-} of {of|-}\\n"                                  \
	"{team|-}, {channel|-}, {severity|-}\\n"                                                   \
	"{alert|-}, {sender|-}, {label.env|-}, {annotation.note|-}, {label.none|-}\\n"             \
	"{signal|-}, {signal_service|-}, {signal_operation|-}\\n"                                  \
	"{trace_id|-}, {span_id|-}\\n"                                                             \
	"{start|-} {end|-}\\n"                                                                     \
	"{start_ms|-} {end_ms|-}\\n"                                                               \
	"{from_ms|-} {to_ms|-}\"\n"                                                                \
	"fallback: {team: sre}\n"

static struct arena *arena;
static struct ruleset *rules;
static struct trace_set *set;
static struct decision d;

static void setup(void)
{
	arena = arena_new(1 << 24);
	rules = NULL;
	set = NULL;
}

static void teardown(void)
{
	trace_set_free(set);
	rules_unref(rules);
	arena_free(arena);
}

static void load(const char *text)
{
	struct findings findings = { .at = NULL };

	ck_assert_int_eq(rules_parse("r.yaml", text, strlen(text), true, &rules, &findings), 0);
	findings_fini(&findings);
}

/* 2026-08-31T10:00:00Z is SHOP_START_US; the alert begins 60 s later, the page leaves 90 s later.
 */
#define ALERT_US (SHOP_START_US + 60 * US_PER_SECOND)
#define PAGE_US	 (SHOP_START_US + 90 * US_PER_SECOND)

static const struct alert alert = {
	.sender = "am1",
	.family = "prometheus",
	.fingerprint = "00ff",
	.starts_at_us = ALERT_US,
	.labels = { (struct label[]){ { "alertname", "OrdersFail" },
				      { "env", "prod" },
				      { "severity", "critical" } },
		    3 },
	.annotations = { (struct label[]){ { "note", "call the bank" } }, 1 },
};

/* The trace begins 2 ms after SHOP_START_US with a span that is not the root, and ends in the
 * middle of a millisecond. */
static const struct shop_span rows[] = {
	{ "a1", NULL, "checkout", "POST /orders", SPAN_SERVER, 3, 100, "failed", NULL },
	{ "b2", "a1", "ledger", "POST /entries", SPAN_SERVER, 20, 60, "journal is\tfull", NULL },
	{ "c3", "a1", "cart", "GET /cart", SPAN_SERVER, 2, 1, NULL, NULL },
};

static void decide_with_trace(void)
{
	set = shop_trace("t1", rows, 3);
	/* Ends at 103.5 ms. */
	set->traces[0].spans[0].duration_us += 500;
	const struct trace *trace = &set->traces[0];
	decide(arena,
	       &(struct decide_input){ .alert = &alert,
				       .traces = &trace,
				       .ntraces = 1,
				       .rules = rules,
				       .mode = WALK_ERRORS,
				       .now_us = PAGE_US },
	       &d);
}

START_TEST(every_name_of_a_suspect)
{
	char want[64];

	load(RULES("{suspect: {service: ledger}}"));
	decide_with_trace();
	ck_assert_str_eq(d.team->name, "money");
	snprintf(want, sizeof(want), "high, %.2f, 1 of 1\n", d.verdict.confidence);
	const char *lines[] = {
		"ledger, -, POST /entries, span, journal is full, -\n",
		want,
		"Money, #money, warning\n",
		"OrdersFail, am1, prod, call the bank, -\n",
		"orders, checkout, POST /orders\n",
		"t1, b2\n",
		/* 2 ms and 103.5 ms after SHOP_START_US: cut to milliseconds; as a number the end
		 * is rounded up. */
		"2026-08-31T10:00:00.002Z 2026-08-31T10:00:00.103Z\n",
		"1788170400002 1788170400104\n",
		/* Ten minutes before the alert; the page. */
		"1788169860000 1788170490000",
	};
	const char *at = d.page.details;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		if (strncmp(at, lines[i], strlen(lines[i])) != 0)
			ck_abort_msg("not \"%s\" but: %s", lines[i], at);
		at += strlen(lines[i]);
	}
	ck_assert_str_eq(at, "");
	ck_assert_ptr_eq(strstr(d.page.summary, "Before: ledger: journal is full"), d.page.summary);
}
END_TEST

/* Without a suspect service and operation are the signal's, and kind says why there is none. */
START_TEST(every_name_without_a_suspect)
{
	load(RULES("{alertname: OrdersFail}"));
	decide(arena,
	       &(struct decide_input){ .alert = &alert,
				       .rules = rules,
				       .mode = WALK_ERRORS,
				       .now_us = PAGE_US,
				       .missing = FALLBACK_NO_TRACE },
	       &d);
	ck_assert_str_eq(d.page.details, "checkout, -, POST /orders, no_trace, -, -\n"
					 "-, 0.00, 0 of 0\n"
					 "sre, -, warning\n"
					 "OrdersFail, am1, prod, call the bank, -\n"
					 "orders, checkout, POST /orders\n"
					 "-, -\n"
					 "- -\n"
					 "- -\n"
					 "1788169860000 1788170490000");
}
END_TEST

static struct alert drill_alert(const char *family, const char *who)
{
	static struct label labels[3], annotation;
	struct alert drill = alert;

	memcpy(labels, (struct label[]){ { "alertname", "OrdersFail" }, { DRILL_MARK, "yes" } },
	       2 * sizeof(*labels));
	annotation = (struct label){ DRILL_MARK, who };
	drill.family = family;
	drill.labels = (struct labels){ labels, 2 };
	drill.annotations = (struct labels){ &annotation, who ? 1 : 0 };
	return drill;
}

static void decide_drill(const struct alert *drill, bool traced)
{
	const struct trace *trace = &set->traces[0];

	decide(arena,
	       &(struct decide_input){ .alert = drill,
				       .traces = &trace,
				       .ntraces = traced ? 1 : 0,
				       .rules = rules,
				       .mode = WALK_ERRORS,
				       .now_us = PAGE_US,
				       .missing = traced ? FALLBACK_NONE : FALLBACK_NO_TRACE },
	       &d);
}

/* A drill's page is a real one, with a mark before the route's own summary and the banner. Only the
 * relay makes drills: a sender's label of that name marks nothing. */
START_TEST(a_drill_says_so_whatever_the_route_says)
{
	struct alert drill = drill_alert(ALERT_FAMILY_DRILL, "ann"), theirs;

	load(RULES("{suspect: {service: ledger}}"));
	set = shop_trace("t1", rows, 3);
	decide_drill(&drill, true);
	ck_assert_ptr_eq(strstr(d.page.summary, "DRILL: Before: ledger: journal is full"),
			 d.page.summary);
	ck_assert_str_eq(d.page.banner, "DRILL: nothing is broken, ann started a fire drill");
	drill = drill_alert(ALERT_FAMILY_DRILL, NULL);
	decide_drill(&drill, true);
	ck_assert_str_eq(d.page.banner, "DRILL: nothing is broken, somebody started a fire drill");
	/* What a real page would say of the missing trace is not lost. */
	theirs = drill_alert("prometheus", "ann");
	decide_drill(&theirs, false);
	const char *real = d.page.banner;
	ck_assert(real && *real && !strstr(real, "DRILL") && !strstr(d.page.summary, "DRILL"));
	drill = drill_alert(ALERT_FAMILY_DRILL, "ann");
	decide_drill(&drill, false);
	ck_assert_ptr_eq(strstr(d.page.summary, "DRILL: OrdersFail"), d.page.summary);
	ck_assert_str_eq(d.page.banner,
			 arena_printf(arena,
				      "DRILL: nothing is broken, ann started a fire drill; a real "
				      "page would say: %s",
				      real));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("page template");
	TCase *tcase = tcase_create("page template");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, every_name_of_a_suspect);
	tcase_add_test(tcase, every_name_without_a_suspect);
	tcase_add_test(tcase, a_drill_says_so_whatever_the_route_says);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
