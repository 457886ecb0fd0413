/*
 * Exports as text. The expected lines are worked out by hand from what rules mean and from what
 * Alertmanager's and Backstage's manuals say; that Alertmanager accepts them and routes so is
 * proved by tests/system/test_export.py.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/export.h"
#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

#define TEAMS                                                                                      \
	"teams: {shop: {escalation: shop}, sre: {escalation: sre}}\n"                              \
	"pagers:\n"                                                                                \
	"  shop: {kind: pagerduty, routing_key_file: /run/shop}\n"                                 \
	"  sre: {kind: slack, webhook_url: \"https://hooks.example/SECRET\"}\n"                    \
	"  chat: {kind: teams, webhook_url_file: /run/chat}\n"                                     \
	"escalations:\n"                                                                           \
	"  shop: {steps: [{page: [shop], wait: 10m}, {page: [sre], wait: 5m}], repeat: 1}\n"       \
	"  sre: {steps: [{page: [sre]}]}\n"                                                        \
	"fallback: {team: sre}\n"

static struct ruleset *rules;
static struct exported *exported;
static char *text;

static void setup(void)
{
	rules = NULL;
	exported = NULL;
	text = NULL;
}

static void teardown(void)
{
	free(text);
	exported_free(exported);
	rules_unref(rules);
}

static void load_whole_rules(const char *all)
{
	struct findings findings = { .at = NULL };
	int result = rules_parse("r.yaml", all, strlen(all), false, &rules, &findings);

	ck_assert_msg(result == 0, "%s", findings.n ? findings.at[0].text : "no finding");
	findings_fini(&findings);
}

static void load_rules(const char *more)
{
	CLEANUP_FREE char *all = xasprintf("%s%s", TEAMS, more);

	load_whole_rules(all);
}

static void export_loaded(enum export_kind kind, const struct export_how *how)
{
	size_t n;

	exported = export_rules(rules, kind, how);
	ck_assert_ptr_null(exported_failed(exported));
	const struct export_file *files = exported_files(exported, &n);
	ck_assert_uint_eq(n, 1);
	text = xstrdup(buf_text(&files[0].text));
}

static void export_as(enum export_kind kind, const char *more, const struct export_how *how)
{
	load_rules(more);
	export_loaded(kind, how);
}

static const char *const service_label[] = { "service" };
static const struct export_how by_service = { .labels = service_label, .nlabels = 1 };

static void alertmanager(const char *more)
{
	export_as(EXPORT_ALERTMANAGER, more, &by_service);
}

/* Of rules without TEAMS. */
static void export_text(const char *all)
{
	load_whole_rules(all);
	export_loaded(EXPORT_ALERTMANAGER, &by_service);
}

static void has(const char *part)
{
	ck_assert_msg(strstr(text, part), "no\n%s\nin\n%s", part, text);
}

static void lacks(const char *part)
{
	ck_assert_msg(!strstr(text, part), "\n%s\nin\n%s", part, text);
}

static void loses(const char *place, const char *part)
{
	size_t n;
	const struct export_loss *losses = exported_losses(exported, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(losses[i].place, place) == 0 && strstr(losses[i].text, part))
			return;
	ck_abort_msg("no loss at %s: %s", place, part);
}

START_TEST(services_by_label)
{
	alertmanager("services:\n"
		     "  cart: {owner: shop}\n"
		     "  \"a.b\": {owner: shop}\n"
		     "  db: {owner: sre, match: {service: \"db-?*\"}}\n");
	has("  receiver: sre\n  routes:\n");
	/* 1 run is 10 and 5 minutes; names are literal, so that the dot is quoted. */
	has("    - matchers: ['service=~\"a\\\\.b|cart\"']\n      receiver: shop\n"
	    "      repeat_interval: 900s\n");
	lacks("service=~\"db-"); /* what the fallback gets needs no route */
	loses("r.yaml:7", "1 later step");
	loses("r.yaml:7", "\"repeat: 1\"");
}
END_TEST

/* The namespace of spans counts before that of pods; a wildcard names no service. */
START_TEST(services_by_namespace)
{
	alertmanager("services:\n"
		     "  ledger: {owner: shop, match: {service: ledger, namespace: pay}}\n"
		     "  rest: {owner: shop, match: {service: \"*\", namespace: \"b2b-*\"}}\n"
		     "  live: {owner: shop, match: {service: web, environment: prod}}\n");
	has("- matchers: ['service=\"ledger\"', 'service_namespace=\"pay\"']\n");
	has("- matchers: ['service=\"ledger\"', 'namespace=\"pay\"', 'service_namespace=\"\"']\n");
	has("- matchers: ['service=~\".*\"', 'service!~\"(unknown(_service.*)?)?\"', "
	    "'service_namespace=~\"b2b-.*\"']\n");
	lacks("\"web\"");
	loses("r.yaml:13", "its environment is known from traces alone");
}
END_TEST

START_TEST(signals_first)
{
	alertmanager("services: {web: {owner: shop}}\n"
		     "signals:\n"
		     "  orders: {alerts: {alertname: \"Order*\"}, span: {service: web}}\n"
		     "  mine: {alerts: ['a=\"b\\\"c\"'], owner: shop}\n");
	has("- matchers: ['alertname=~\"Order.*\"']\n      receiver: shop\n");
	has("- matchers: ['a=\"b\\\"c\"']\n      receiver: shop\n");
}
END_TEST

/* Each list of a receiver stands once, whatever the order of the pagers. */
START_TEST(one_list_per_sort)
{
	export_text("teams: {sre: {escalation: sre}}\n"
		    "pagers:\n"
		    "  i: {kind: incidentio, url: \"http://h/a\", token_file: /i}\n"
		    "  t: {kind: telegram, bot_token_file: /t, chat_id: \"-1\"}\n"
		    "  w: {kind: webhook, url: \"http://h:80/\"}\n"
		    "  m: {kind: mattermost, webhook_url_file: /m}\n"
		    "  p: {kind: pagerduty, routing_key_file: /p}\n"
		    "  s: {kind: slack, webhook_url_file: /s}\n"
		    "  g: {kind: goalert, url: \"http://u:SECRET@g/b?SECRET\", token_file: /g}\n"
		    "escalations: {sre: {steps: [{page: [i, t, w, m, p, s, g]}]}}\n"
		    "fallback: {team: sre}\n");
	static const char *const lists[] = { "webhook", "telegram", "slack", "pagerduty" };
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		CLEANUP_FREE char *head = xasprintf("    %s_configs:\n", lists[i]);
		has(head);
		ck_assert_ptr_null(strstr(strstr(text, head) + 1, head));
	}
	has("url: 'http://h:80/'\n");
	has("url: 'http://g/b/api/v2/prometheusalertmanager/incoming?token=REPLACE'\n");
	lacks("SECRET");
}
END_TEST

/* No secret is written, and a loss says where the place is that wants it. */
START_TEST(addresses_hold_no_secret)
{
	export_text(
		"teams: {sre: {escalation: sre}}\n"
		"pagers:\n"
		"  w: {kind: webhook, url: \"http://u:SECRET@h/SECRET?SECRET\"}\n"
		"  p: {kind: pushover, token_file: /p, user_key: SECRET}\n"
		"  d: {kind: pagerduty, routing_key_file: /d, url: \"http://u:SECRET@d/v2/e\"}\n"
		"  o: {kind: opsgenie, api_key_file: /o, url: \"http://o/b?SECRET\"}\n"
		"  t: {kind: telegram, bot_token_file: /t, chat_id: \"1\", url: "
		"\"http://SECRET@t\"}\n"
		"escalations: {sre: {steps: [{page: [w, p, d, o, t]}]}}\n"
		"fallback: {team: sre}\n");
	lacks("SECRET");
	has("url: 'http://h/REPLACE'\n");
	has("user_key: REPLACE\n");
	has("url: 'http://d/v2/e'\n");
	has("api_url: 'http://o/b?REPLACE'\n");
	has("api_url: 'http://t'\n");
	loses("r.yaml:3", "pager w: put its url");
	loses("r.yaml:4", "pager p: put its user_key");
	loses("r.yaml:5", "pager d: complete its url");
	loses("r.yaml:6", "pager o: complete its api_url");
	loses("r.yaml:7", "pager t: complete its api_url");
}
END_TEST

START_TEST(routes_in_order)
{
	alertmanager("routes:\n"
		     "  - {when: {env: [dev, \"t*\"]}, page: none}\n"
		     "  - {when: {region: eu}, team: shop, continue: true}\n"
		     "  - {when: {region: eu, tier: \"1\"}, page: none}\n"
		     "  - {when: {region: us}, also_notify: [sre], continue: true}\n"
		     "  - {when: {suspect: {service: x}}, page: none}\n"
		     "  - {when: {confidence: \"> 0.5\"}, page: none}\n"
		     "  - {when: ['a=~\"(?<!x)b\"'], page: none}\n");
	has("    # r.yaml:11\n    - matchers: ['env=~\"dev|t.*\"']\n      receiver: nobody\n");
	/* What continues holds the later routes; of these the known condition is left out. */
	has("    - matchers: ['region=\"eu\"']\n"
	    "      receiver: shop\n"
	    "      routes:\n"
	    "        # r.yaml:13\n"
	    "        - matchers: ['tier=\"1\"']\n"
	    "          receiver: nobody\n");
	/* One that only notifies lets its siblings go on, and the fallback is a sibling then. */
	has("    - matchers: ['region=\"us\"']\n"
	    "      receiver: 'also sre'\n"
	    "      continue: true\n");
	has("    - receiver: sre\n");
	loses("r.yaml:15", "suspect.service");
	loses("r.yaml:16", "confidence");
	loses("r.yaml:17", "PCRE");
}
END_TEST

START_TEST(times_of_routes)
{
	alertmanager("time_intervals:\n"
		     "  day: {times: [{start_time: \"09:00\", end_time: \"24:00\"}], weekdays: "
		     "[\"monday:friday\", sunday], days_of_month: [\"-3:-1\"], months: [may], "
		     "years: [\"2026:2027\"], location: UTC}\n"
		     "  idle: {weekdays: [monday]}\n"
		     "routes:\n"
		     "  - {when: {a: b, time: day}, team: shop}\n"
		     "  - {when: {c: d, time: day}, page: none}\n");
	has("    - matchers: ['a=\"b\"']\n"
	    "      receiver: shop\n"
	    "      active_time_intervals: ['day']\n"
	    "      repeat_interval: 900s\n"
	    "      continue: true\n");
	has("    # r.yaml:14, at other times\n"
	    "    - matchers: ['a=\"b\"']\n"
	    "      receiver: sre\n"
	    "      mute_time_intervals: ['day']\n");
	/* At that time nobody is told: one mute node says so. */
	has("    # r.yaml:15, at other times\n"
	    "    - matchers: ['c=\"d\"']\n"
	    "      receiver: sre\n"
	    "      mute_time_intervals: ['day']\n");
	lacks("    # r.yaml:15\n");
	has("  - name: day\n"
	    "    time_intervals:\n"
	    "      - times:\n"
	    "          - {start_time: '09:00', end_time: '24:00'}\n"
	    "        weekdays: ['monday:friday', 'sunday']\n"
	    "        days_of_month: ['-3:-1']\n"
	    "        months: ['may']\n"
	    "        years: ['2026:2027']\n"
	    "        location: UTC\n");
	lacks("idle");
}
END_TEST

/* Words of one severity are equal (tracepager/alert.h), and the default has the unknown ones. */
START_TEST(severities)
{
	alertmanager("routes:\n"
		     "  - {when: {severity: warning}, page: none}\n"
		     "  - {when: {severity: error}, team: shop}\n");
	has("severity=~\"(?i:warning|warn|minor|p3)\"");
	has("severity!~\"(?i:critical|page|disaster|p1|warning|warn|minor|p3|info|low|none|p4|p5)"
	    "\"");
}
END_TEST

/* Who owns it is known inside the owners' nodes alone. */
START_TEST(routes_by_owner)
{
	alertmanager("services: {web: {owner: shop, criticality: low}, db: {owner: shop}}\n"
		     "routes:\n"
		     "  - {when: {criticality: low}, page: none}\n");
	has("    - matchers: ['service=\"web\"']\n      receiver: nobody\n");
	has("    - matchers: ['service=\"db\"']\n      receiver: shop\n");
}
END_TEST

START_TEST(receivers)
{
	alertmanager("routes: [{when: {a: b}, pagers: [chat]}]\n");
	has("  - name: sre\n"
	    "    slack_configs:\n"
	    "      # sre (r.yaml:4)\n"
	    "      - send_resolved: true\n"
	    "        api_url: 'https://replace.invalid/'\n");
	has("  - name: 'pagers chat'\n    # notifies nobody: see the list at the top\n");
	lacks("SECRET");
	loses("r.yaml:4", "in the place of REPLACE");
	loses("r.yaml:5", "Alertmanager 0.25 has no integration");
	loses("", "NOTIFIES NOBODY");
}
END_TEST

/* Comments hold what people wrote: none of it may end the line, or be read as YAML. */
START_TEST(hostile_texts)
{
	alertmanager("silences:\n"
		     "  - {matchers: {a: \"x'; rm -rf /\\nroute: {}\"}, ends: "
		     "2026-01-02T00:00:00Z, reason: \"it's\\nroute: {}\", author: \"a\\x1bb\"}\n"
		     "routes: [{when: {a: \"b\\nc: d\\\"e'f\"}, page: none}]\n");
	has("--comment 'it'\\''s\\x0aroute: {}'");
	lacks("\nroute: {}");
	lacks("\x1b");
	has("- matchers: ['a=\"b\\nc: d\\\"e''f\"']\n");
}
END_TEST

START_TEST(same_bytes)
{
	const struct export_how how = { .labels = NULL };
	size_t n;

	load_rules("services: {web: {owner: shop}, api: {owner: sre}}\n");
	exported = export_rules(rules, EXPORT_ALERTMANAGER, &how);
	struct exported *again = export_rules(rules, EXPORT_ALERTMANAGER, &how);
	ck_assert_str_eq(buf_text(&exported_files(exported, &n)[0].text),
			 buf_text(&exported_files(again, &n)[0].text));
	exported_free(again);
}
END_TEST

/* 40 routes that continue, on as many times, have 2 to the 40 ways through. */
START_TEST(too_many_routes)
{
	struct buf more = BUF_INIT(64u << 10);
	const struct export_how how = { .labels = NULL };
	size_t n;

	buf_puts(&more, "time_intervals:\n");
	for (int i = 0; i < 40; i++)
		buf_printf(&more, "  t%d: {years: [\"%d\"]}\n", i, 2000 + i);
	buf_puts(&more, "routes:\n");
	for (int i = 0; i < 40; i++)
		buf_printf(&more, "  - {when: {l%d: x, time: t%d}, team: shop, continue: true}\n",
			   i, i);
	load_rules(buf_text(&more));
	exported = export_rules(rules, EXPORT_ALERTMANAGER, &how);
	ck_assert_ptr_nonnull(exported_failed(exported));
	exported_files(exported, &n);
	ck_assert_uint_eq(n, 0);
	buf_fini(&more);
}
END_TEST

START_TEST(wrong_label)
{
	static const char *const labels[] = { "service.name" };
	const struct export_how how = { .labels = labels, .nlabels = 1 };

	load_rules("");
	exported = export_rules(rules, EXPORT_ALERTMANAGER, &how);
	ck_assert_ptr_nonnull(exported_failed(exported));
}
END_TEST

START_TEST(backstage_entities)
{
	export_as(EXPORT_BACKSTAGE,
		  "services:\n"
		  "  web: {owner: shop, criticality: high, peers: [\"w:80\"], reviewed_at: "
		  "2026-01-02, runbook: \"https://w/{service}?q={trace_id|}\", dashboard: "
		  "\"https://d/{trace_id}\"}\n"
		  "  Über Dienst: {owner: sre}\n",
		  &(struct export_how){ .labels = NULL });
	has("kind: Component\n"
	    "metadata:\n"
	    "  name: 'web'\n"
	    "  annotations:\n"
	    "    tracepager/rule: 'r.yaml:11'\n"
	    "    tracepager/service: 'web'\n"
	    "    tracepager/peers: 'w:80'\n"
	    "    tracepager/criticality: 'high'\n"
	    "    tracepager/reviewed-at: '2026-01-02'\n"
	    "  links:\n"
	    "    - url: 'https://w/web?q='\n"
	    "      title: 'Runbook'\n"
	    "      type: 'runbook'\n"
	    "spec:\n"
	    "  type: service\n"
	    "  lifecycle: production\n"
	    "  owner: 'group:default/shop'\n");
	has("  name: 'ber-Dienst'\n");
	loses("r.yaml:11", "\"Dashboard\" needs an alert or a trace");
	loses("r.yaml:12", "called ber-Dienst");
}
END_TEST

/* Names of services go into PromQL, into JSON and into Markdown; each has its own escapes. */
START_TEST(dashboard_escapes)
{
	export_as(EXPORT_GRAFANA,
		  "services:\n"
		  "  \"a.b\\\"c\": {owner: shop, links: {\"x](y|\": \"https://l/(1)\"}}\n",
		  &(struct export_how){ .url = "https://relay" });
	/* a\.b"c as a regular expression; each \ and " escaped for PromQL, then for JSON. */
	has("\"allValue\":\"a\\\\\\\\.b\\\\\\\"c\"");
	has("| a.b\\\"c |  | [x&#93;&#40;y&#124;](https://l/%281%29) |");
	has("\"url\":\"https://relay/?team=shop\"");
	loses("r.yaml:1", "team sre owns no service by name");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("export");
	TCase *cases = tcase_create("export");

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_add_test(cases, services_by_label);
	tcase_add_test(cases, services_by_namespace);
	tcase_add_test(cases, signals_first);
	tcase_add_test(cases, one_list_per_sort);
	tcase_add_test(cases, addresses_hold_no_secret);
	tcase_add_test(cases, routes_in_order);
	tcase_add_test(cases, times_of_routes);
	tcase_add_test(cases, severities);
	tcase_add_test(cases, routes_by_owner);
	tcase_add_test(cases, receivers);
	tcase_add_test(cases, hostile_texts);
	tcase_add_test(cases, same_bytes);
	tcase_add_test(cases, too_many_routes);
	tcase_add_test(cases, wrong_label);
	tcase_add_test(cases, backstage_entities);
	tcase_add_test(cases, dashboard_escapes);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
