/*
 * Configurations of Alertmanager as rules: trees of routes as lists, notifiers as pagers, and that
 * no secret is written anywhere. What a list must be follows from
 * prometheus.io/docs/alerting/latest/configuration by hand;
 * tests/system/test_import_alertmanager.py asks Alertmanager itself.
 */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/catalogue.h"
#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

/* Receivers of the tests about routes; "void" notifies nobody. */
#define RECEIVERS                                                                                  \
	"receivers:\n"                                                                             \
	"- {name: a, pagerduty_configs: [{routing_key_file: /k/a}]}\n"                             \
	"- {name: b, pagerduty_configs: [{routing_key_file: /k/b}]}\n"                             \
	"- {name: c, pagerduty_configs: [{routing_key_file: /k/c}]}\n"                             \
	"- {name: void}\n"

struct example {
	const char *text;
	const char *losses; /* "LINE reason" of each, in order */
	/* Stand in the rules in this order; NULL-terminated. */
	const char *rules[8];
	const char *never; /* stands nowhere in them; NULL: nothing is forbidden */
};

static struct catalogue *import_text(const char *text, const struct catalogue_options *options,
				     struct buf *rules)
{
	struct catalogue *catalogue = catalogue_new(CATALOGUE_ALERTMANAGER, options);

	catalogue_add(catalogue, "am.yml", text, strlen(text));
	catalogue_resolve(catalogue);
	catalogue_write(catalogue, rules);
	ck_assert(!rules->failed);
	return catalogue;
}

/* The rules must load, with nothing but warnings. */
static void check_rules_load(const struct buf *rules)
{
	struct findings findings = { .at = NULL };
	struct ruleset *set = NULL;
	int result = rules_parse("rules.yaml", buf_text(rules), rules->len, false, &set, &findings);

	ck_assert_msg(result == 0, "%s\n%s", findings.n ? findings.at[0].text : "",
		      buf_text(rules));
	findings_fini(&findings);
	rules_unref(set);
}

static void check_import(const struct example *example)
{
	struct buf rules = BUF_INIT(1u << 16), losses = BUF_INIT(1u << 16);
	struct catalogue *catalogue = import_text(example->text, NULL, &rules);
	const struct catalogue_loss *found;
	const char *at = buf_text(&rules);
	size_t n;

	found = catalogue_losses(catalogue, &n);
	for (size_t i = 0; i < n; i++)
		buf_printf(&losses, "%s%d %s", i ? ", " : "", found[i].line,
			   loss_word(found[i].reason));
	ck_assert_str_eq(buf_text(&losses), example->losses);
	for (size_t i = 0; example->rules[i]; i++) {
		at = strstr(at, example->rules[i]);
		ck_assert_msg(at, "no %s in order in\n%s", example->rules[i], buf_text(&rules));
		at += strlen(example->rules[i]);
	}
	if (example->never)
		ck_assert_msg(!strstr(buf_text(&rules), example->never), "%s", buf_text(&rules));
	buf_fini(&rules);
	buf_fini(&losses);
	catalogue_free(catalogue);
}

static const struct example trees[] = {
	/* Children before their parent, with its conditions; the root's receiver is the fallback.
	 */
	{ "route:\n  receiver: a\n  routes:\n"
	  "  - receiver: b\n    match: {x: '1'}\n"
	  "    routes: [{receiver: c, matchers: ['y!=\"2\"']}]\n" RECEIVERS,
	  "",
	  { "- when: ['x=\"1\"', 'y!=\"2\"']\n    team: c\n", "- when: ['x=\"1\"']\n    team: b\n",
	    "fallback: {team: a}\n" },
	  "also_notify" },
	/* A receiver is inherited; the three forms of matchers, and what they leave out. */
	{ "route:\n  receiver: a\n  routes:\n"
	  "  - receiver: b\n    match_re: {x: 'p|q'}\n"
	  "    routes: [{matchers: ['{y=~\"it''s\", \"z.z\"!~\"\\\\d\"}']}]\n" RECEIVERS,
	  "",
	  { "- when: ['x=~\"p|q\"', \"y=~\\\"it's\\\"\", '\"z.z\"!~\"\\\\d\"']\n    team: b\n",
	    "- when: ['x=~\"p|q\"']\n    team: b\n" },
	  NULL },
	/* One that continues is told beside the next, and instead of the parent. */
	{ "route:\n  receiver: a\n  routes:\n"
	  "  - {receiver: b, match: {x: '1'}, continue: true}\n"
	  "  - {receiver: c, match: {y: '1'}}\n" RECEIVERS,
	  "",
	  { "- when: ['x=\"1\"']\n    also_notify: [b]\n    continue: true\n",
	    "- when: ['y=\"1\"']\n    team: c\n", "- when: ['x=\"1\"']\n    team: b\n",
	    "fallback: {team: a}\n" },
	  NULL },
	/* With children it multiplies: no alert gets those of both its children. */
	{ "route:\n  receiver: a\n  routes:\n"
	  "  - {receiver: b, match: {x: '1'}, continue: true, routes: [{match: {z: '1'}, receiver: "
	  "a}]}\n"
	  "  - {receiver: c, match: {y: '1'}}\n" RECEIVERS,
	  "",
	  { "- when: ['x=\"1\"', 'z=\"1\"', 'y=\"1\"']\n    team: c\n    also_notify: [a]\n",
	    "- when: ['x=\"1\"', 'z=\"1\"']\n    team: a\n",
	    "- when: ['x=\"1\"', 'y=\"1\"']\n    team: c\n    also_notify: [b]\n",
	    "- when: ['x=\"1\"']\n    team: b\n", "- when: ['y=\"1\"']\n    team: c\n" },
	  "continue" },
	/* Conditions that contradict each other make no route. */
	{ "route:\n  receiver: a\n  routes:\n"
	  "  - {receiver: b, match: {x: '1'}, continue: true, routes: [{match: {z: '1'}, receiver: "
	  "a}]}\n"
	  "  - {receiver: c, match: {x: '2'}}\n"
	  "  - {receiver: c, match: {x: '3'}, routes: [{match_re: {x: '4|5'}}]}\n" RECEIVERS,
	  "6 setting",
	  { "- when: ['x=\"1\"', 'z=\"1\"']\n    team: a\n", "- when: ['x=\"1\"']\n    team: b\n",
	    "- when: ['x=\"2\"']\n    team: c\n", "- when: ['x=\"3\"']\n    team: c\n" },
	  "x=\"2\"', 'x=" },
	/* A receiver without notifiers drops alerts, but for what others add. */
	{ "route:\n  receiver: void\n  routes:\n"
	  "  - {receiver: b, match: {x: '1'}, continue: true}\n"
	  "  - {receiver: void, match: {y: '1'}}\n" RECEIVERS,
	  "10 fallback",
	  { "- when: ['x=\"1\"']\n    also_notify: [b]\n    continue: true\n",
	    "- when: ['x=\"1\"', 'y=\"1\"']\n    team: b\n",
	    "- when: ['y=\"1\"']\n    page: none\n", "- when: ['x=\"1\"']\n    team: b\n",
	    "- when: {alertname: \"*\"}\n    page: none\n", "fallback: {team: b}" },
	  NULL },
	/* Every alert goes there too: what stands behind decides, and the root is never reached. */
	{ "route:\n  receiver: a\n  routes:\n"
	  "  - {receiver: b, continue: true}\n"
	  "  - {receiver: c, match: {y: '1'}}\n" RECEIVERS,
	  "",
	  { "- when: {alertname: \"*\"}\n    also_notify: [b]\n    continue: true\n",
	    "- when: ['y=\"1\"']\n    team: c\n", "- when: {alertname: \"*\"}\n    team: b\n" },
	  NULL },
	/* Muted and active times page nobody outside, whatever stands behind. */
	{ "time_intervals:\n- {name: night, time_intervals: [{times: [{start_time: '22:00', "
	  "end_time: '24:00'}], location: Europe/Berlin}]}\n"
	  "mute_time_intervals:\n- {name: weekend, time_intervals: [{weekdays: "
	  "['saturday', 'sunday']}]}\n"
	  "route:\n  receiver: a\n  routes:\n"
	  "  - {receiver: b, match: {x: '1'}, mute_time_intervals: [weekend]}\n"
	  "  - {receiver: c, match: {x: '2'}, active_time_intervals: [night, weekend]}\n" RECEIVERS,
	  "",
	  { "night:\n    - {times: [{start_time: \"22:00\", end_time: \"24:00\"}], location: "
	    "Europe/Berlin}\n",
	    "- when: {labels: ['x=\"1\"'], time: [weekend]}\n    page: none\n",
	    "- when: ['x=\"1\"']\n    team: b\n",
	    "- when: {labels: ['x=\"2\"'], time: [night, weekend]}\n    team: c\n",
	    "- when: ['x=\"2\"']\n    page: none\n" },
	  NULL },
	/* Times and labels that rules would refuse: Alertmanager would, too. */
	{ "time_intervals:\n"
	  "- {name: a, time_intervals: [{weekdays: ['saturday:sunday']}]}\n"
	  "- {name: b, time_intervals: [{times: [{start_time: '22:00', end_time: '06:00'}]}]}\n"
	  "- {name: c, time_intervals: [{months: '1'}]}\n"
	  "- {name: d, time_intervals: []}\n"
	  "route: {receiver: a, group_by: [{x: y}], routes: [{receiver: b, match: {x: '1'}, "
	  "active_time_intervals: [d]}]}\n" RECEIVERS,
	  "2 route, 3 route, 4 route, 5 route, 6 route",
	  { "- when: ['x=\"1\"']\n    team: b\n" },
	  "group_by" },
	/* What no route can say is told at its line. */
	{ "route:\n  receiver: a\n  group_by: [alertname]\n  group_wait: 30s\n  routes:\n"
	  "  - {receiver: b, match_re: {x: '('}}\n"
	  "  - {receiver: nobody, match: {x: '1'}, group_by: ['...'], mute_time_intervals: "
	  "[gone]}\n"
	  "inhibit_rules:\n"
	  "- {source_match: {x: '1'}, target_match: {x: '2'}}\n" RECEIVERS,
	  "2 setting, 6 route, 7 route, 7 route, 9 inhibition",
	  { "defaults:\n  group_by: [alertname]\n", "- when: ['x=\"1\"']\n    team: a\n",
	    "    group_by: [\"...\"]\n" },
	  "team: b" },
};

START_TEST(trees_become_lists)
{
	check_import(&trees[_i]);
}
END_TEST

/* All labels of the routes to a receiver name one team: then the receiver is that team's. */
START_TEST(labels_name_teams)
{
	check_import(&(struct example){ "route:\n  receiver: a\n  routes:\n"
					"  - {receiver: b, match: {team: pay}, routes: [{receiver: "
					"c, match: {y: '1'}}]}\n" RECEIVERS,
					"",
					{ "  pay: {escalation: c}\n", "  a: {escalation: a}\n",
					  "'y=\"1\"']\n    team: pay\n  #",
					  "    team: pay\n    escalation: b\n" },
					NULL });
	check_import(
		&(struct example){ "route:\n  receiver: a\n  routes:\n"
				   "  - {receiver: b, match: {team: pay}}\n"
				   "  - {receiver: b, match: {team: cart}}\n" RECEIVERS,
				   "",
				   { "  b: {escalation: b}\n", "    team: b\n", "    team: b\n" },
				   "pay:" });
}
END_TEST

#define ONE_RECEIVER "route: {receiver: r}\nreceivers:\n- name: r\n"

static const struct example notifiers[] = {
	{ ONE_RECEIVER "  pagerduty_configs: [{routing_key: SECRET, url: http://pd/x}]\n",
	  "4 secret",
	  { "# am.yml:4: the routing_key of line 4 belongs into /etc/tracepager/keys/r\n",
	    "r: {kind: pagerduty, routing_key_file: /etc/tracepager/keys/r, url: "
	    "\"http://pd/x\"}\n" },
	  NULL },
	{ ONE_RECEIVER
	  "  pagerduty_configs: [{service_key_file: keys/x, class: c, details: {a: b}}]\n",
	  "4 setting",
	  { "r: {kind: pagerduty, routing_key_file: keys/x}" },
	  NULL },
	{ "global: {opsgenie_api_key: SECRET, opsgenie_api_url: "
	  "'https://api.opsgenie.com/'}\n" ONE_RECEIVER
	  "  opsgenie_configs: [{responders: [{type: team, name: Pay}]}, {send_resolved: false}]\n",
	  "1 secret",
	  { "r-opsgenie: {kind: opsgenie, api_key_file: /etc/tracepager/keys/opsgenie_api_key, "
	    "responder: Pay}\n",
	    "r-opsgenie-2: {kind: opsgenie, api_key_file: /etc/tracepager/keys/opsgenie_api_key, "
	    "resolve: false}\n" },
	  NULL },
	/* Each channel needs an incoming webhook of its own. */
	{ "global: {slack_api_url: SECRET}\n" ONE_RECEIVER
	  "  slack_configs: [{channel: '#x', send_resolved: true}]\n",
	  "1 secret, 5 delivery",
	  { "r: {escalation: r, channel: \"#x\"}",
	    "r: {kind: slack, webhook_url_file: /etc/tracepager/keys/r}" },
	  NULL },
	/* An address keeps what is no secret. */
	{ ONE_RECEIVER "  webhook_configs:\n  - url: "
		       "http://u:SECRET@h:80/alert-bridge/SECRET1234567890abc?k=SECRET\n"
		       "  - {url: 'http://h/prod', http_config: {proxy_url: 'http://u:SECRET@p'}}\n"
		       "  - {url_file: /u}\n  - {url: '{{ .SECRET }}'}\n",
	  "5 setting, 5 secret, 6 setting, 6 delivery, 7 other-pager, 8 delivery, 8 other-pager",
	  { "url: \"http://h:80/alert-bridge/REPLACE-ME?REPLACE-ME\"}", "url: \"http://h/prod\"}" },
	  NULL },
	{ ONE_RECEIVER "  webhook_configs:\n  - url: http://h/SECRET12ab\n"
		       "  - {url: 'http://h/v2/6f1ed002-SECR-4ET0-a/team-blue-prod2'}\n  - {url: "
		       "'http://h/#SECRET'}\n",
	  "5 setting, 5 secret, 6 setting, 6 secret, 7 setting, 7 secret",
	  { "url: \"http://h/REPLACE-ME\"}", "url: \"http://h/v2/REPLACE-ME/team-blue-prod2\"}",
	    "url: \"http://h/\"}" },
	  NULL },
	{ ONE_RECEIVER "  telegram_configs: [{bot_token_file: /t, chat_id: -10012}]\n"
		       "  pushover_configs: [{token: SECRET, user_key: SECRET}]\n"
		       "  discord_configs: [{webhook_url_file: /d}]\n"
		       "  msteamsv2_configs: [{webhook_url_file: /m}]\n",
	  "5 secret, 5 secret",
	  { "r-telegram: {kind: telegram, bot_token_file: /t, chat_id: \"-10012\"}\n",
	    "r-pushover: {kind: pushover, token_file: /etc/tracepager/keys/r-pushover, user_key: "
	    "REPLACE-ME}\n",
	    "r-discord: {kind: discord, webhook_url_file: /d}\n",
	    "r-teams: {kind: teams, webhook_url_file: /m}\n" },
	  NULL },
	/* Addresses of services, of which one has the user of all. */
	{ "global: {pagerduty_url: 'https://u:SECRET@pd/v2', opsgenie_api_url: "
	  "'https://SECRET@og/'}\n" ONE_RECEIVER "  pagerduty_configs: [{routing_key_file: /p}]\n  "
	  "opsgenie_configs: [{api_key_file: /o}]\n"
	  "  telegram_configs: [{bot_token_file: /t, chat_id: 1, api_url: "
	  "'https://u:SECRET@tg/'}]\n"
	  "  victorops_configs: [{api_key_file: /v, routing_key: r, api_url: "
	  "'https://vo/generic/20131114/SECRET0123abc/'}]\n"
	  "  incidentio_configs: [{alert_source_token_file: /i, url: "
	  "'https://u:SECRET@inc/x?token=SECRET'}]\n",
	  "1 secret, 1 secret, 7 secret, 8 secret, 9 secret",
	  { "r-pagerduty: {kind: pagerduty, routing_key_file: /p, url: \"https://pd/v2\"}",
	    "r-opsgenie: {kind: opsgenie, api_key_file: /o, url: \"https://og\"}",
	    "url: \"https://tg\"", "url: \"https://vo/generic/20131114/REPLACE-ME\"",
	    "url: \"https://inc/x?REPLACE-ME\"" },
	  NULL },
	/* Nobody can be paged: rules need a fallback all the same. */
	{ ONE_RECEIVER "  wechat_configs: [{api_secret: SECRET}]\n",
	  "0 fallback, 3 no-pager, 4 other-pager",
	  { "console: {escalation: console}", "console: {kind: console}",
	    "fallback: {team: console}" },
	  NULL },
	/* A chart's values; names that rules cannot have. */
	{ "alertmanager:\n  config:\n    route: {receiver: 'a*b'}\n    receivers:\n"
	  "    - {name: 'a*b', discord_configs: [{webhook_url_file: /d}]}\n",
	  "5 name, 5 name",
	  { "a_b: {escalation: a_b}", "a_b: {kind: discord", "fallback: {team: a_b}" },
	  "a*b" },
	/* A location that rules would refuse. */
	{ "time_intervals:\n"
	  "- {name: x, time_intervals: [{weekdays: [monday], location: Nowhere/City}]}\n"
	  "- {name: y, time_intervals: [{weekdays: [monday], location: UTC}]}\n" ONE_RECEIVER
	  "  pagerduty_configs: [{routing_key_file: /p}]\n",
	  "2 route",
	  { "time_intervals:\n", "  \"y\":\n" },
	  "Nowhere" },
	/* An alias is read; of a file that cannot be read as a whole, nothing is taken. */
	{ ONE_RECEIVER "  pagerduty_configs: [&p {routing_key_file: /p}]\n"
		       "- {name: s, pagerduty_configs: [{<<: *p, url: 'http://h'}]}\n",
	  "",
	  { "r: {kind: pagerduty, routing_key_file: /p}",
	    "s: {kind: pagerduty, routing_key_file: /p, url: \"http://h\"}" },
	  NULL },
	{ ONE_RECEIVER "  pagerduty_configs: [{routing_key_file: /p}]\n"
		       "- {name: s, pagerduty_configs: [*p]}\n",
	  "0 unreadable, 5 unreadable",
	  { "# Made by" },
	  "teams" },
	{ "a: b\n", "1 unreadable", { "# Made by" }, "teams" },
};

START_TEST(notifiers_become_pagers)
{
	check_import(&notifiers[_i]);
}
END_TEST

/* No secret stands in the rules or in a loss. Files that hold secrets are not read here. */
START_TEST(secrets_are_not_written)
{
	struct buf rules = BUF_INIT(1u << 16);
	struct catalogue *catalogue = import_text(notifiers[_i].text, NULL, &rules);
	size_t n;
	const struct catalogue_loss *losses = catalogue_losses(catalogue, &n);

	ck_assert_msg(!strstr(buf_text(&rules), "SECRET"), "%s", buf_text(&rules));
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(!strstr(losses[i].why, "SECRET"), "%s", losses[i].why);
	buf_fini(&rules);
	catalogue_free(catalogue);
}
END_TEST

START_TEST(lists_load)
{
	struct buf rules = BUF_INIT(1u << 16);
	struct catalogue *catalogue = import_text(trees[_i].text, NULL, &rules);

	check_rules_load(&rules);
	buf_fini(&rules);
	catalogue_free(catalogue);
}
END_TEST

static bool has_own_name(void *ctx, const char *name)
{
	return strcmp(name, ctx) == 0;
}

/* Beside rules with a team of the same name, a fallback and an escalation for who has no pager. */
START_TEST(rules_beside_win)
{
	const struct catalogue_options options = { .has_team = has_own_name,
						   .ctx = (void *)(uintptr_t) "a",
						   .has_fallback = true,
						   .escalation = "sre",
						   .key_files = "/run/secrets" };
	struct buf rules = BUF_INIT(1u << 16);
	struct catalogue *catalogue = import_text(
		"route:\n  receiver: a\n  group_by: [x]\n  routes:\n"
		"  - {receiver: a, match: {x: '1'}}\n  - {receiver: d, match: {x: '2'}}\n"
		"  - {receiver: e, match: {x: '3'}}\nreceivers:\n"
		"- {name: a, pagerduty_configs: [{routing_key: k}]}\n- {name: d, sns_configs: "
		"[{}]}\n"
		"- {name: e, pagerduty_configs: [{routing_key: k}]}\n",
		&options, &rules);
	const char *text = buf_text(&rules);

	ck_assert_ptr_nonnull(strstr(text, "  d: {escalation: sre}\n"));
	ck_assert_ptr_nonnull(strstr(text, "routing_key_file: /run/secrets/e}"));
	ck_assert_ptr_nonnull(strstr(text, "['x=\"1\"']\n    team: a\n    group_by: [x]\n"));
	ck_assert_ptr_null(strstr(text, "  a: {"));
	ck_assert_ptr_null(strstr(text, "fallback"));
	ck_assert_ptr_null(strstr(text, "defaults"));
	ck_assert_uint_eq(catalogue_counts(catalogue)->reasons[LOSS_OWN_TEAM], 1);
	ck_assert_uint_eq(catalogue_counts(catalogue)->routes, 3);
	buf_fini(&rules);
	catalogue_free(catalogue);
}
END_TEST

/* Twelve routes with a child each that all continue would be 3^12: the excess is told. */
START_TEST(products_are_capped)
{
	struct buf text = BUF_INIT(1u << 16), rules = BUF_INIT(1u << 24);

	buf_puts(&text, "route:\n  receiver: a\n  routes:\n");
	for (int i = 0; i < 12; i++)
		buf_printf(&text,
			   "  - {receiver: b, match: {x%d: '1'}, continue: true, routes: "
			   "[{receiver: c, match: {y%d: '1'}}]}\n",
			   i, i);
	buf_puts(&text, RECEIVERS);
	struct catalogue *catalogue = import_text(buf_text(&text), NULL, &rules);
	ck_assert_uint_ge(catalogue_counts(catalogue)->reasons[LOSS_LIMIT], 1);
	ck_assert_uint_le(catalogue_counts(catalogue)->routes, 4100);
	buf_fini(&text);
	buf_fini(&rules);
	catalogue_free(catalogue);
}
END_TEST

/* The tree is counted, children of children too, before it is read. */
START_TEST(trees_are_capped)
{
	struct buf text = BUF_INIT(4u << 20), rules = BUF_INIT(1u << 24);

	buf_puts(&text, "route:\n  receiver: a\n  routes:\n");
	for (unsigned int i = 0; i < LIMIT_IMPORT_TREE_ROUTES / 2 + 1; i++)
		buf_printf(&text, "  - {match: {x: '%u'}, routes: [{match: {y: '1'}}]}\n", i);
	buf_puts(&text, RECEIVERS);
	struct catalogue *catalogue = import_text(buf_text(&text), NULL, &rules);
	ck_assert_uint_eq(catalogue_counts(catalogue)->reasons[LOSS_LIMIT], 1);
	ck_assert_uint_eq(catalogue_counts(catalogue)->entries, 0);
	buf_fini(&text);
	buf_fini(&rules);
	catalogue_free(catalogue);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("alertmanager");
	TCase *tc = tcase_create("import");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, trees_become_lists, 0, sizeof(trees) / sizeof(*trees));
	tcase_add_loop_test(tc, lists_load, 0, sizeof(trees) / sizeof(*trees));
	tcase_add_test(tc, labels_name_teams);
	tcase_add_loop_test(tc, notifiers_become_pagers, 0, sizeof(notifiers) / sizeof(*notifiers));
	tcase_add_loop_test(tc, secrets_are_not_written, 0, sizeof(notifiers) / sizeof(*notifiers));
	tcase_add_test(tc, rules_beside_win);
	tcase_add_test(tc, products_are_capped);
	tcase_add_test(tc, trees_are_capped);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
