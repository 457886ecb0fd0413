/* Tests of decision_write(): all members, in their order. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/shop.h"
#include "tracepager/decide.h"
#include "tracepager/limits.h"

static struct buf out;
static struct trace_set *set;

static void setup(void)
{
	buf_init(&out, 1 << 20);
	set = NULL;
}

static void teardown(void)
{
	buf_fini(&out);
	trace_set_free(set);
}

START_TEST(differences_have_their_counts)
{
	struct decision d = { .verdict = { .differs = { { .attribute = "zone",
							  .value = "b",
							  .failing = 9,
							  .of = 10,
							  .others = 1,
							  .of_others = 40,
							  .p = 0.0000003,
							  .same = { "node n7" },
							  .nsame = 1,
							  .text = "all in b" },
							{ .attribute = "pod",
							  .value = "p",
							  .before = true,
							  .p = 0.004,
							  .text = "on p" } },
					   .ndiffers = 2 } };

	decision_write(&d, &out);
	ck_assert_ptr_nonnull(strstr(
		buf_text(&out),
		"\"differs\":[{\"attribute\":\"zone\",\"value\":\"b\",\"failing\":9,\"of\":10,"
		"\"others\":1,\"of_others\":40,\"beside\":\"window\",\"p\":3e-7,"
		"\"same\":[\"node n7\"],\"text\":\"all in b\"},"
		"{\"attribute\":\"pod\",\"value\":\"p\",\"failing\":0,\"of\":0,"
		"\"others\":0,\"of_others\":0,\"beside\":\"before\",\"p\":0.004,"
		"\"same\":[],\"text\":\"on p\"}],"));
}
END_TEST

START_TEST(an_empty_decision_has_every_member)
{
	struct decision d = { .verdict = { .fallback = FALLBACK_NO_TRACE,
					   .fallback_text = "no trace" } };

	decision_write(&d, &out);
	ck_assert_str_eq(
		buf_text(&out),
		"{\"version\":1,\"alert\":null,\"signal\":null,\"traces\":[],"
		"\"verdict\":{\"suspect\":null,\"confidence\":0,\"limits\":[],\"agree\":0,\"of\":0,"
		"\"errors\":[],\"runners_up\":[],"
		"\"reasons\":[],\"strata\":[],\"differs\":[],\"fallback\":{\"code\":\"no_trace\","
		"\"text\":\"no "
		"trace\"}},"
		"\"owner\":null,\"escalation\":null,\"page\":null,\"rules\":null}");
}
END_TEST

static const struct shop_span rows[] = {
	{ "1", NULL, "checkout", "POST /orders", SPAN_SERVER, 0, 5000, "failed", NULL },
	{ "2", "1", "ledger", "POST /entries", SPAN_INTERNAL, 0, 1, NULL, NULL },
};

static const struct pager pagers[] = { { .name = "phone" }, { .name = "chat" } };
static struct escalation_step steps[] = {
	{ .pagers = (const struct pager *[]){ &pagers[0] }, .npagers = 1, .wait_us = 600000000 },
	{ .pagers = (const struct pager *[]){ &pagers[1], &pagers[0] },
	  .npagers = 2,
	  .team = &(const struct team){ .name = "leads" },
	  .no_resolve = true },
};
static const struct escalation escalation = {
	.name = "money", .steps = steps, .nsteps = 2, .repeat = 2
};
static const struct team team = { .name = "money", .escalation = &escalation };
static struct rule_try matched = { .sort = RULE_SERVICE,
				   .name = "ledger",
				   .place = "services.yaml:12",
				   .reason = "its owner is team money" };
static struct rule_try missed = { .sort = RULE_ROUTE,
				  .place = "routes.yaml:14",
				  .reason = "severity is critical, not info" };

static const struct verdict_limits limits = {
	{ { VERDICT_LIMIT_BARE_GATEWAY, 0.6, "usual" }, { VERDICT_LIMIT_PARTIAL, 0.8, "gaps" } }, 2
};

static struct stratum_told strata[] = {
	{ "shop", "GET /cart", 8, 25, "ledger", 0.7, true },
	{ "shop", "GET /ads", 1, 3, NULL, 0, false },
};

#define STRATA_TEXT                                                                                \
	"{\"service\":\"shop\",\"operation\":\"GET /cart\",\"traces\":8,"                          \
	"\"healthy\":25,\"hit\":true,\"suspect\":\"ledger\",\"confidence\":0.7},"                  \
	"{\"service\":\"shop\",\"operation\":\"GET /ads\",\"traces\":1,"                           \
	"\"healthy\":3,\"hit\":false,\"suspect\":null,\"confidence\":0}"

static const struct suspect suspect = { .service = "ledger",
					.namespace = "",
					.operation = "POST /entries",
					.kind = SUSPECT_PEER,
					.callee = "mysql/ledger",
					.error = "said \"no\"" };

START_TEST(a_full_decision_is_as_the_contract_has_it)
{
	set = shop_trace("t1", rows, 2);
	struct walk walk = { .trace = &set->traces[0],
			     .mode = WALK_ERRORS,
			     .found = true,
			     .suspect = suspect,
			     .path = (uint32_t[]){ 0, 1 },
			     .npath = 2,
			     .error_spans = 1,
			     .reasons = { "one", "two" },
			     .nreasons = 2 };
	struct decision d = {
		.has_alert = true,
		.alert = { .sender = "am1",
			   .family = "prometheus",
			   .fingerprint = "00ff",
			   .labels = { (struct label[]){ { "alertname", "A" },
							 { "severity", "page" } },
				       2 },
			   .starts_at_us = SHOP_START_US },
		.signal = { .service = "checkout", .operation = "POST /orders", .from = "label" },
		.has_signal = true,
		.walks = &walk,
		.nwalks = 1,
		.verdict = { .found = true,
			     .suspect = suspect,
			     .confidence = 0.6,
			     .limits = limits,
			     .agree = 9,
			     .of = 10,
			     .runners_up = { { "payment", NULL, 1 }, { "cart", "tax", 1 } },
			     .nrunners_up = 2,
			     .errors = { { "said \"no\"", 8 }, { NULL, 1 } },
			     .nerrors = 2,
			     .reasons = { "because" },
			     .nreasons = 1,
			     .strata = strata,
			     .nstrata = 2 },
		.team = &team,
		.rule = "services.yaml:12",
		.owner_reasons = { "owned" },
		.nowner_reasons = 1,
		.routing = { .also_notify = { &pagers[1] }, .nalso_notify = 1 },
		.rules_hash = "ab12",
		.trail = { .matched = &matched, .nmatched = 1, .missed = &missed, .nmissed = 1 },
		.page = { .dedup_key = "i1",
			  .severity = SEVERITY_CRITICAL,
			  .summary = "ledger: no",
			  .links = { { "Runbook", "https://runbooks.example/" } },
			  .nlinks = 1 },
	};

	decision_write(&d, &out);
	ck_assert_str_eq(
		buf_text(&out),
		"{\"version\":1,"
		"\"alert\":{\"sender\":\"am1\",\"fingerprint\":\"00ff\",\"status\":\"firing\","
		"\"labels\":{\"alertname\":\"A\",\"severity\":\"page\"},\"annotations\":{},"
		"\"starts_at\":\"2026-08-31T10:00:00Z\"},"
		"\"signal\":{\"service\":\"checkout\",\"operation\":\"POST "
		"/orders\",\"from\":\"label\"},"
		"\"traces\":[{\"trace_id\":\"t1\",\"spans\":2,\"error_spans\":1,\"mode\":"
		"\"errors\","
		"\"suspect\":{\"service\":\"ledger\",\"namespace\":\"\",\"operation\":\"POST "
		"/entries\",\"kind\":\"peer\","
		"\"callee\":\"mysql/ledger\",\"error\":\"said \\\"no\\\"\"},"
		"\"path\":[{\"span_id\":\"1\",\"service\":\"checkout\",\"operation\":\"POST "
		"/orders\",\"kind\":\"server\","
		"\"error\":true,\"duration_us\":5000000},"
		"{\"span_id\":\"2\",\"service\":\"ledger\",\"operation\":\"POST "
		"/entries\",\"kind\":\"internal\","
		"\"error\":false,\"duration_us\":1000}],"
		"\"limits\":[],\"reasons\":[\"one\",\"two\"]}],"
		"\"verdict\":{\"suspect\":{\"service\":\"ledger\",\"namespace\":\"\",\"operation\":"
		"\"POST /entries\","
		"\"kind\":\"peer\",\"callee\":\"mysql/ledger\",\"error\":\"said \\\"no\\\"\"},"
		"\"confidence\":0.6,\"limits\":["
		"{\"limit\":\"bare_gateway\",\"cap\":0.6,\"text\":\"usual\"},"
		"{\"limit\":\"partial\",\"factor\":0.8,\"text\":\"gaps\"}],"
		"\"agree\":9,\"of\":10,"
		"\"errors\":[{\"error\":\"said \\\"no\\\"\",\"traces\":8},"
		"{\"error\":null,\"traces\":1}],"
		"\"runners_up\":[{\"service\":\"payment\",\"agree\":1},{\"service\":\"cart\","
		"\"callee\":\"tax\",\"agree\":1}],"
		"\"reasons\":[\"because\"],\"strata\":[" STRATA_TEXT "],"
		"\"differs\":[],\"fallback\":null},"
		"\"owner\":{\"team\":\"money\",\"rule\":\"services.yaml:12\",\"reasons\":["
		"\"owned\"]},"
		"\"escalation\":{\"policy\":\"money\",\"steps\":["
		"{\"pagers\":[\"phone\"],\"wait_s\":600},"
		"{\"pagers\":[\"chat\",\"phone\"],\"wait_s\":0,\"team\":\"leads\","
		"\"resolve\":false}],\"repeat\":2,\"also_notify\":[\"chat\"]},"
		"\"page\":{\"dedup_key\":\"i1\",\"severity\":\"critical\",\"summary\":\"ledger: "
		"no\","
		"\"links\":[{\"text\":\"Runbook\",\"href\":\"https://runbooks.example/\"}]},"
		"\"rules\":{\"hash\":\"ab12\","
		"\"matched\":[{\"rule\":\"service\",\"name\":\"ledger\",\"place\":"
		"\"services.yaml:12\",\"reason\":\"its owner is team money\"}],"
		"\"not_matched\":[{\"rule\":\"route\",\"place\":\"routes.yaml:14\",\"reason\":"
		"\"severity is critical, not info\"}]}}");
}
END_TEST

START_TEST(no_page_is_null)
{
	struct decision d = {
		.team = &team, .rule = "r:1", .no_page = true, .page = { .summary = "x" }
	};

	d.verdict.fallback = FALLBACK_NO_SIGNAL;
	d.verdict.fallback_text = "y";
	decision_write(&d, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "\"owner\":{\"team\":\"money\""));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "\"escalation\":null,\"page\":null,"));
}
END_TEST

/* Whatever bytes a name holds, the output is one line of JSON in UTF-8. */
START_TEST(hostile_names_stay_json)
{
	struct label labels[] = { { "alertname", "a\"\\\n\033[2J" }, { "b\"", "\xff\xfe" } };
	struct decision d = { .has_alert = true,
			      .alert = { .family = "f", .labels = { labels, 2 } } };

	decision_write(&d, &out);
	ck_assert_ptr_null(strchr(buf_text(&out), '\n'));
	ck_assert_ptr_null(strchr(buf_text(&out), '\033'));
	json_t *json = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(json);
	json_t *read = json_object_get(json_object_get(json, "alert"), "labels");
	ck_assert_str_eq(json_string_value(json_object_get(read, "alertname")), "a\"\\\n\033[2J");
	ck_assert_str_eq(json_string_value(json_object_get(read, "b\"")),
			 "\xef\xbf\xbd\xef\xbf\xbd");
	json_decref(json);
}
END_TEST

static const struct {
	double confidence;
	const char *text;
} shares[] = {
	{ 0, "0" },
	{ 1, "1" },
	{ 0.9, "0.9" },
	{ 0.05, "0.05" },
	{ 0.95 * 2 / 3, "0.633" },
	{ 0.25, "0.25" },
	{ 0.0004, "0" },
	{ 1.7, "1" },
	{ -0.5, "0" },
};

START_TEST(confidence_has_three_decimals_at_most)
{
	struct decision d = { .verdict = { .confidence = shares[_i].confidence } };
	char want[64];

	decision_write(&d, &out);
	snprintf(want, sizeof(want), "\"confidence\":%s,", shares[_i].text);
	ck_assert_msg(strstr(buf_text(&out), want) != NULL, "%s is not in %s", want,
		      buf_text(&out));
}
END_TEST

START_TEST(a_long_path_loses_its_middle)
{
	enum { SPANS = 100 };
	static struct shop_span chain[SPANS];
	static char ids[SPANS][16];
	static uint32_t path[SPANS];

	for (int i = 0; i < SPANS; i++) {
		snprintf(ids[i], sizeof(ids[i]), "s%d", i);
		chain[i] = (struct shop_span){
			ids[i], i ? ids[i - 1] : NULL, "cart", "x", SPAN_SERVER, i, 1, NULL, NULL
		};
		path[i] = (uint32_t)i;
	}
	set = shop_trace("t", chain, SPANS);
	struct walk walk = { .trace = &set->traces[0], .path = path, .npath = SPANS };
	struct decision d = { .walks = &walk, .nwalks = 1 };
	decision_write(&d, &out);
	json_t *json = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(json);
	json_t *trace = json_array_get(json_object_get(json, "traces"), 0);
	json_t *spans = json_object_get(trace, "path");
	/* Of 100 spans the first 32 and the last 32. */
	ck_assert_uint_eq(json_array_size(spans), LIMIT_PATH_SHOWN);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(spans, 31), "span_id")),
			 "s31");
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(spans, 32), "span_id")),
			 "s68");
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(spans, 63), "span_id")),
			 "s99");
	ck_assert_int_eq(json_integer_value(json_object_get(trace, "path_omitted")), 36);
	json_decref(json);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("decision_json");
	TCase *tcase = tcase_create("decision_json");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, differences_have_their_counts);
	tcase_add_test(tcase, an_empty_decision_has_every_member);
	tcase_add_test(tcase, a_full_decision_is_as_the_contract_has_it);
	tcase_add_test(tcase, no_page_is_null);
	tcase_add_test(tcase, hostile_names_stay_json);
	tcase_add_loop_test(tcase, confidence_has_three_decimals_at_most, 0,
			    sizeof(shares) / sizeof(shares[0]));
	tcase_add_test(tcase, a_long_path_loses_its_middle);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
