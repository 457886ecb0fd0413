/*
 * Rules: the language, its errors with their places, and the look-ups. Columns are counted by hand;
 * the rules are those of an invented shop.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracepager/glob.h"
#include "tracepager/limits.h"
#include "tracepager/rules_load.h"
#include "tracepager/template.h"
#include "tracepager/xalloc.h"

/* The smallest rules that load, with a wait, which is no problem: lines 1 to 4. */
#define BASE "teams: {a: {escalation: a}}\n" BASE_END
/* With a second team. */
#define BASE_TWO "teams: {a: {escalation: a}, b: {escalation: a}}\n" BASE_END
#define BASE_END                                                                                   \
	"pagers: {a: {kind: console}}\n"                                                           \
	"escalations: {a: {steps: [{page: [a], wait: 10m}]}}\n"                                    \
	"fallback: {team: a}\n"
/* The same without one of its parts, behind a broken part on line 1. */
#define TEAMS	    "teams: {t: {escalation: e}}\n"
#define PAGERS	    "pagers: {p: {kind: console}}\n"
#define ESCALATIONS "escalations: {e: {steps: [{page: [p]}]}}\n"
#define FALLBACK    "fallback: {team: t}\n"

static struct findings findings;
static struct ruleset *rules;
static char directory[64];

static void setup(void)
{
	findings = (struct findings){ .at = NULL };
	rules = NULL;
	directory[0] = '\0';
}

static void teardown(void)
{
	findings_fini(&findings);
	rules_unref(rules);
}

static int parse(const char *text)
{
	return rules_parse("rules.yaml", text, strlen(text), true, &rules, &findings);
}

/* Loads rules that must give no finding. */
static void load(const char *text)
{
	struct buf out = BUF_INIT(1u << 20);
	int result = parse(text);

	findings_write(&findings, false, &out);
	ck_assert_msg(result == 0 && findings.n == 0, "%s", buf_text(&out));
	ck_assert_ptr_nonnull(rules);
	buf_fini(&out);
}

static void check_finding(size_t i, const char *code, int line, int column)
{
	ck_assert_uint_lt(i, findings.n);
	ck_assert_msg(strcmp(findings.at[i].code, code) == 0 && findings.at[i].line == line &&
			      findings.at[i].column == column,
		      "finding %zu is %s at %d:%d (%s), not %s at %d:%d", i, findings.at[i].code,
		      findings.at[i].line, findings.at[i].column, findings.at[i].text, code, line,
		      column);
}

static const struct {
	const char *text, *code;
	int line, column, width;
} broken[] = {
	/* clang-format off */
	/* the file as a whole */
	{ "", "E022", 0, 0, 0 },
	{ "- a\n", "E014", 1, 1, 1 },
	{ "teams\n", "E014", 1, 1, 5 },
	{ TEAMS PAGERS ESCALATIONS, "E022", 0, 0, 0 },
	{ BASE "teem: {}\n", "E011", 5, 1, 4 },
	{ BASE "include: more.yaml\n", "E045", 5, 10, 9 }, /* a text includes nothing */
	{ BASE "teams: {}\n", "E004", 5, 1, 5 },
	{ BASE "services: &all {s: {owner: a}}\n", "E005", 5, 11, 1 },
	{ BASE "services: *all\n", "E005", 5, 11, 4 },
	{ BASE "services: !!map {s: {owner: a}}\n", "E006", 5, 11, 1 },
	{ BASE "---\n", "E007", 5, 1, 3 },
	{ BASE "? [s]\n: x\n", "E010", 5, 3, 3 },
	{ BASE "services: {s: {owner: a}\n", "E002", 5, 25, 1 },
	/* teams and the fallback */
	{ PAGERS ESCALATIONS TEAMS "fallback: {team: u}\n", "E012", 4, 18, 1 },
	{ PAGERS ESCALATIONS TEAMS "fallback: {}\n", "E013", 4, 1, 8 },
	{ PAGERS ESCALATIONS TEAMS "fallback: t\n", "E014", 4, 11, 1 },
	{ PAGERS ESCALATIONS TEAMS "fallback: {team: t, time: t}\n", "E011", 4, 21, 4 },
	{ "teams: {t: {escalation: f}}\n" PAGERS ESCALATIONS FALLBACK, "E012", 1, 25, 1 },
	{ "teams: {t: {name: T}}\n" PAGERS ESCALATIONS FALLBACK, "E013", 1, 9, 1 },
	{ "teams: {t: }\n" PAGERS ESCALATIONS FALLBACK, "E014", 1, 9, 1 },
	{ "teams: {t: {escalation: e, name: [T]}}\n" PAGERS ESCALATIONS FALLBACK, "E014", 1, 34, 3 },
	{ "teams: {t: {escalation: e, channel: }}\n" PAGERS ESCALATIONS FALLBACK, "E033", 1, 28, 7 },
	{ "teams: {t: {escalation: e}, \"a\\tb\": {escalation: e}}\n" PAGERS ESCALATIONS FALLBACK, "E030", 1, 29, 6 },
	/* pagers */
	{ "pagers: {p: {kind: pagerdty}}\n" TEAMS ESCALATIONS FALLBACK, "E018", 1, 20, 8 },
	{ "pagers: {p: {}}\n" TEAMS ESCALATIONS FALLBACK, "E013", 1, 10, 1 },
	{ "pagers: {p: {kind: pagerduty}}\n" TEAMS ESCALATIONS FALLBACK, "E013", 1, 10, 1 },
	{ "pagers: {p: {kind: webhook}}\n" TEAMS ESCALATIONS FALLBACK, "E013", 1, 10, 1 },
	{ "pagers: {p: {kind: slack}}\n" TEAMS ESCALATIONS FALLBACK, "E054", 1, 10, 1 },
	{ "pagers: {p: {kind: slack, webhook_url: \"https://x\", responder: a}}\n" TEAMS ESCALATIONS FALLBACK, "E019", 1, 53,
	  9 },
	{ "pagers: {p: {kind: opsgenie, api_key: k, responder: [a]}}\n" TEAMS ESCALATIONS FALLBACK, "E014", 1, 53, 3 },
	{ "pagers: {p: {kind: console, url: \"https://x\"}}\n" TEAMS ESCALATIONS FALLBACK, "E019", 1, 29, 3 },
	{ "pagers: {p: {kind: webhook, url: \"ftp://x\"}}\n" TEAMS ESCALATIONS FALLBACK, "E031", 1, 34, 9 },
	{ "pagers: {p: {kind: webhook, url: \"https://\"}}\n" TEAMS ESCALATIONS FALLBACK, "E031", 1, 34, 10 },
	{ "pagers: {p: {kind: webhook, url: \"http://x\", secret: a, secret_file: b}}\n" TEAMS ESCALATIONS FALLBACK,
	  "E020", 1, 57, 11 },
	{ "pagers: {p: {kind: pagerduty, routing_key: [a]}}\n" TEAMS ESCALATIONS FALLBACK, "E014", 1, 31, 11 },
	{ "pagers: {p: {kind: pagerduty, routing_key: \"\"}}\n" TEAMS ESCALATIONS FALLBACK, "E033", 1, 31, 11 },
	{ "pagers: {p: {kind: pagerduty, routing_key_file: /nonexistent/key}}\n" TEAMS ESCALATIONS FALLBACK, "E021", 1,
	  49, 16 },
	/* escalations */
	{ "escalations: {e: {steps: [{page: [p], wait: soon}]}}\n" TEAMS PAGERS FALLBACK, "E016", 1, 45, 4 },
	{ "escalations: {e: {steps: [{page: [p], wait: 10}]}}\n" TEAMS PAGERS FALLBACK, "E016", 1, 45, 2 },
	{ "escalations: {e: {steps: []}}\n" TEAMS PAGERS FALLBACK, "E033", 1, 26, 2 },
	{ "escalations: {e: {repeat: 1}}\n" TEAMS PAGERS FALLBACK, "E013", 1, 15, 1 },
	{ "escalations: {e: {steps: [{page: [q]}]}}\n" TEAMS PAGERS FALLBACK, "E012", 1, 35, 1 },
	{ "escalations: {e: {steps: [{page: [p, p]}]}}\n" TEAMS PAGERS FALLBACK, "E036", 1, 38, 1 },
	{ "escalations: {e: {steps: [{page: p}]}}\n" TEAMS PAGERS FALLBACK, "E014", 1, 34, 1 },
	{ "escalations: {e: {steps: [p]}}\n" TEAMS PAGERS FALLBACK, "E014", 1, 27, 1 },
	{ "escalations: {e: {steps: [{page: [p], wait: 1m}], repeat: 101}}\n" TEAMS PAGERS FALLBACK, "E017", 1, 59, 3 },
	{ "escalations: {e: {steps: [{page: [p], wait: 1m}], repeat: -1}}\n" TEAMS PAGERS FALLBACK, "E017", 1, 59, 2 },
	/* services */
	{ BASE "services: {s: {owner: c}}\n", "E012", 5, 23, 1 },
	{ BASE "services: {s: {}}\n", "E013", 5, 12, 1 },
	{ BASE "services: {s: a}\n", "E014", 5, 15, 1 },
	{ BASE "services: [s]\n", "E014", 5, 11, 3 },
	{ BASE "services: {s: {owner: [a]}}\n", "E014", 5, 23, 3 },
	{ BASE "services: {s: {owner: {a: b}}}\n", "E014", 5, 23, 6 },
	{ BASE "services: {s: {owner: }}\n", "E033", 5, 16, 5 },
	{ BASE "services: {s: {owner: a, ower: b}}\n", "E011", 5, 26, 4 },
	{ BASE "services: {\"\": {owner: a}}\n", "E030", 5, 12, 2 },
	{ BASE "services: {s: {owner: a, reviewed_at: 2026-02-30}}\n", "E034", 5, 39, 10 },
	{ BASE "services: {s: {owner: a, runbook: wiki}}\n", "E031", 5, 35, 4 },
	{ BASE "services: {s: {owner: a, peers: p}}\n", "E014", 5, 33, 1 },
	{ BASE "services: {s: {owner: a, peers: [\"p*\"]}}\n", "E035", 5, 34, 4 },
	{ BASE "services: {s: {owner: a, peers: [p, p]}}\n", "E025", 5, 37, 1 },
	{ BASE "services: {s: {owner: a, match: {}}}\n", "E033", 5, 33, 2 },
	{ BASE "services: {s: {owner: a, match: [x]}}\n", "E014", 5, 33, 3 },
	{ BASE "services: {s: {owner: a, match: {service: [x]}}}\n", "E014", 5, 43, 3 },
	{ BASE "services: {s: {owner: a, match: {service: \"a[\"}}}\n", "E028", 5, 43, 4 },
	{ BASE "services: {s: {owner: a, match: {service: x, service.name: y}}}\n", "E036", 5, 46, 12 },
	{ BASE "services:\n  s: {owner: a}\n  t: {owner: a, match: {service: s}}\n", "E024", 7, 34, 1 },
	/* signals */
	{ BASE "signals: {s: {}}\n", "E013", 5, 11, 1 },
	{ BASE "signals: {s: {alerts: {}}}\n", "E033", 5, 23, 2 },
	{ BASE "signals: {s: {alerts: x}}\n", "E014", 5, 23, 1 },
	{ BASE "signals: {s: {alerts: [x]}}\n", "E026", 5, 24, 1 },
	{ BASE "signals: {s: {alerts: ['x=~\"(\"']}}\n", "E027", 5, 24, 8 },
	{ BASE "signals: {s: {alerts: {x: \"[b\"}}}\n", "E028", 5, 27, 4 },
	{ BASE "signals: {s: {alerts: {x: y}, mode: fast}}\n", "E032", 5, 37, 4 },
	{ BASE "signals: {s: {alerts: {x: y}, traces: 0}}\n", "E017", 5, 39, 1 },
	{ BASE "signals: {s: {alerts: {x: y}, traces: ten}}\n", "E017", 5, 39, 3 },
	{ BASE "signals: {s: {alerts: {x: y}, owner: c}}\n", "E012", 5, 38, 1 },
	{ BASE "signals: {s: {alerts: {x: y}, span: {svc: z}}}\n", "E011", 5, 38, 3 },
	{ BASE "signals: {s: {alerts: {x: y}, span: {attrs: [z]}}}\n", "E014", 5, 45, 3 },
	/* routes */
	{ BASE "routes: {when: a}\n", "E014", 5, 9, 9 },
	{ BASE "routes: [{page: none}]\n", "E013", 5, 10, 12 },
	{ BASE "routes: [{when: {}, page: none}]\n", "E033", 5, 17, 2 },
	{ BASE "routes: [{when: {severity: info}}]\n", "E049", 5, 10, 24 },
	{ BASE "defaults: {owner_from: [label.a, team]}\n", "E050", 5, 34, 4 },
	{ BASE "defaults: {owner_from: [span.]}\n", "E050", 5, 25, 5 },
	{ BASE "defaults: {owner_from: team}\n", "E014", 5, 24, 4 },
	{ BASE "routes: [{when: {severity: info}, page: all}]\n", "E032", 5, 41, 3 },
	{ BASE "routes: [{when: {severity: info}, severity: low}]\n", "E032", 5, 45, 3 },
	{ BASE "routes: [{when: {time: night}, page: none}]\n", "E012", 5, 24, 5 },
	{ BASE "routes: [{when: {suspect: {criticalty: low}}, page: none}]\n", "E011", 5, 28, 10 },
	{ BASE "routes: [{wen: {severity: info}, when: {a: b}, page: none}]\n", "E011", 5, 11, 3 },
	/* clang-format on */
};

START_TEST(test_broken)
{
	ck_assert_int_eq(parse(broken[_i].text), -EINVAL);
	ck_assert_ptr_null(rules);
	/* One mistake gives one error. A warning may stand beside it: an entry that the mistake
	 * leaves unused. */
	ck_assert_uint_eq(findings.nerrors, 1);
	size_t i = 0;
	while (findings.at[i].level != FINDING_ERROR)
		i++;
	check_finding(i, broken[_i].code, broken[_i].line, broken[_i].column);
	ck_assert_int_eq(findings.at[i].width, broken[_i].width);
	ck_assert_ptr_nonnull(finding_explain(broken[_i].code));
	ck_assert_ptr_null(strchr(findings.at[i].text, '\n'));
}
END_TEST

static const struct {
	const char *text, *code;
	int line, column;
} doubtful[] = {
	/* clang-format off */
	{ BASE "services: {s: {owner: a, match: {namespace: shop}}}\n", "W004", 5, 26 },
	{ BASE "services: {\"s*\": {owner: a}}\n", "W006", 5, 12 },
	{ BASE "signals: {s: {span: {service: cart}}}\n", "W005", 5, 11 },
	{ "pagers: {p: {kind: console}, q: {kind: console}}\n" TEAMS ESCALATIONS FALLBACK, "W001", 1, 30 },
	{ "escalations: {e: {steps: [{page: [p]}]}, f: {steps: [{page: [p]}]}}\n" TEAMS PAGERS FALLBACK, "W002", 1, 42 },
	{ "escalations: {e: {steps: [{page: [p]}, {page: [p]}]}}\n" TEAMS PAGERS FALLBACK, "W003", 1, 27 },
	{ "escalations: {e: {steps: [{page: [p]}], repeat: 1}}\n" TEAMS PAGERS FALLBACK, "W003", 1, 27 },
	{ "escalations: {e: {steps: [{page: [p], wait: 0s}, {page: [p]}]}}\n" TEAMS PAGERS FALLBACK, "W034", 1, 45 },
	/* clang-format on */
};

START_TEST(test_doubtful)
{
	ck_assert_int_eq(parse(doubtful[_i].text), 0);
	ck_assert_uint_eq(findings.n, 1);
	ck_assert_uint_eq(findings.nwarnings, findings.n);
	check_finding(0, doubtful[_i].code, doubtful[_i].line, doubtful[_i].column);
}
END_TEST

START_TEST(test_all_errors_in_one_pass)
{
	static const struct {
		const char *code;
		int line, column;
	} expected[] = {
		{ "E012", 1, 25 }, { "E011", 1, 37 }, { "E018", 2, 20 },
		{ "E012", 3, 35 }, { "E016", 3, 45 }, { "E012", 4, 18 },
		{ "E014", 6, 11 }, { "E013", 7, 3 },  { "E032", 8, 47 },
	};

	parse("teams: {t: {escalation: x, name: T, chanel: c}}\n"
	      "pagers: {p: {kind: sms}}\n"
	      "escalations: {e: {steps: [{page: [q], wait: 5}]}}\n"
	      "fallback: {team: u}\n"
	      "services:\n"
	      "  ledger: ledger\n"
	      "  cart: {criticality: high}\n"
	      "signals: {place_order: {alerts: {a: b}, mode: error_s}}\n");
	ck_assert_uint_eq(findings.n, ARRAY_LEN(expected));
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		check_finding(i, expected[i].code, expected[i].line, expected[i].column);
}
END_TEST

/* Entries that a file hides by its own mistake are not reported as missing elsewhere. */
START_TEST(test_no_errors_that_follow_from_others)
{
	parse("fallback: {team: t}\n"
	      "teams: {t: {escalation: e}}\n"
	      "escalations: {e: {steps: [{page: [p]}]}}\n"
	      "pagers: *all\n");
	ck_assert_uint_eq(findings.n, 1);
	check_finding(0, "E005", 4, 9);
}
END_TEST

START_TEST(test_hints)
{
	struct buf out = BUF_INIT(4096);

	parse(BASE "services:\n"
		   "  ledger: {owner: A}\n"
		   "  cart: {owner: shop}\n"
		   "  payment: {owner: a, run_book: x}\n");
	findings_write(&findings, false, &out);
	ck_assert_str_eq(
		buf_text(&out),
		"rules.yaml:6:19: error[E012]: there is no team \"A\"\n"
		"    6 |   ledger: {owner: A}\n"
		"      |                   ^\n"
		"      = help: did you mean \"a\"?\n"
		"rules.yaml:7:17: error[E012]: there is no team \"shop\"\n"
		"    7 |   cart: {owner: shop}\n"
		"      |                 ^^^^\n"
		"      = help: define it under \"teams:\"\n"
		"rules.yaml:8:23: error[E011]: service \"payment\" has no option \"run_book\"\n"
		"    8 |   payment: {owner: a, run_book: x}\n"
		"      |                       ^^^^^^^^\n"
		"      = help: did you mean \"runbook\"?\n");
	buf_fini(&out);
}
END_TEST

START_TEST(test_secrets_are_not_shown)
{
	struct buf out = BUF_INIT(4096);

	parse("pagers: {p: {kind: pagerdutty, routing_key: hunter2}}\n" TEAMS ESCALATIONS FALLBACK);
	findings_write(&findings, false, &out);
	ck_assert_ptr_null(strstr(buf_text(&out), "hunter2"));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "routing_key: *******}}"));
	buf_fini(&out);
}
END_TEST

/* One of everything. */
static void load_shop(void)
{
	int result =
		parse("teams:\n"
		      "  payments: {name: Payments, escalation: payments, channel: '#pay'}\n"
		      "  sre: {escalation: sre}\n"
		      "pagers:\n"
		      "  duty: {kind: pagerduty, routing_key: k1}\n"
		      "  eu: {kind: pagerduty, routing_key: k2, url: "
		      "'https://events.eu.pagerduty.com/v2/enqueue'}\n"
		      "  hook: {kind: webhook, url: 'https://hooks.shop.example/x'}\n"
		      "escalations:\n"
		      "  payments:\n"
		      "    steps: [{page: [duty, hook], wait: 10m}, {page: [eu], wait: 1h30m}]\n"
		      "    repeat: 2\n"
		      "  sre: {steps: [{page: [eu]}]}\n"
		      "services:\n"
		      "  ledger:\n"
		      "    owner: payments\n"
		      "    criticality: high\n"
		      "    runbook: https://wiki.shop.example/ledger\n"
		      "    reviewed_at: 2024-02-29\n"
		      "signals:\n"
		      "  place_order:\n"
		      "    alerts: {alertname: PlaceOrderErrors}\n"
		      "    span: {service: checkout, namespace: shop, operation: 'POST /orders', "
		      "attrs: {b: "
		      "x, a: 'y*'}}\n"
		      "    owner: payments\n"
		      "    mode: latency\n"
		      "    traces: 12\n"
		      "  refund: {alerts: {alertname: Refund}}\n"
		      "fallback: {team: sre}\n");
	ck_assert_int_eq(result, 0);
}

START_TEST(test_teams_and_pagers)
{
	load_shop();
	const struct team *team = rules_team(rules, "payments");
	ck_assert_str_eq(team->title, "Payments");
	ck_assert_str_eq(team->channel, "#pay");
	ck_assert_str_eq(team->place, "rules.yaml:2");
	ck_assert_str_eq(rules_team(rules, "sre")->title, "sre");
	ck_assert_ptr_null(rules_team(rules, "sre")->channel);
	ck_assert_ptr_eq(rules_fallback(rules), rules_team(rules, "sre"));
	ck_assert_ptr_null(rules_team(rules, "nobody"));

	const struct pager *duty = rules_pager(rules, "duty"), *hook = rules_pager(rules, "hook");
	ck_assert_int_eq(duty->kind, PAGER_PAGERDUTY);
	ck_assert_str_eq(duty->url, "https://events.pagerduty.com/v2/enqueue");
	ck_assert_str_eq(duty->key.value, "k1");
	ck_assert_str_eq(rules_pager(rules, "eu")->url,
			 "https://events.eu.pagerduty.com/v2/enqueue");
	ck_assert_int_eq(hook->kind, PAGER_WEBHOOK);
	ck_assert_ptr_null(hook->key.value);
	ck_assert_str_eq(pager_kind_name(hook->kind), "webhook");

	const struct escalation *escalation = team->escalation;
	ck_assert_uint_eq(escalation->nsteps, 2);
	ck_assert_uint_eq(escalation->repeat, 2);
	ck_assert_uint_eq(escalation->steps[0].npagers, 2);
	ck_assert_ptr_eq(escalation->steps[0].pagers[1], hook);
	ck_assert_int_eq(escalation->steps[0].wait_us, 10 * US_PER_MINUTE);
	ck_assert_int_eq(escalation->steps[1].wait_us, 90 * US_PER_MINUTE);
	ck_assert_int_eq(rules_team(rules, "sre")->escalation->steps[0].wait_us, 0);
}
END_TEST

START_TEST(test_services_and_signals)
{
	load_shop();
	const struct team *team = rules_team(rules, "payments");
	const struct service_rule *service = rules_service(rules, "ledger", "", NULL, NULL, NULL);
	ck_assert_ptr_eq(service->owner, team);
	ck_assert_str_eq(service->criticality, "high");
	ck_assert_str_eq(service->runbook->source, "https://wiki.shop.example/ledger");
	ck_assert_ptr_null(service->dashboard);
	ck_assert_str_eq(service->reviewed_at, "2024-02-29");
	ck_assert_str_eq(service->place, "rules.yaml:14");

	size_t n, teams, pagers, services, signals;
	const struct signal_rule *signal = rules_signals(rules, &n)[0];
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(signal->signal.name, "place_order");
	ck_assert_str_eq(signal->signal.service, "checkout");
	ck_assert_str_eq(signal->signal.namespace, "shop");
	ck_assert_str_eq(signal->signal.operation, "POST /orders");
	ck_assert_str_eq(labels_get(&signal->signal.attrs, "a"), "y*");
	ck_assert_str_eq(signal->signal.from, "rule");
	ck_assert_int_eq(signal->signal.mode, WALK_LATENCY);
	ck_assert_uint_eq(signal->signal.traces, 12);
	ck_assert_ptr_eq(signal->owner, team);
	ck_assert_int_eq(rules_signals(rules, &n)[1]->signal.mode, WALK_AUTO);
	ck_assert_ptr_null(rules_signals(rules, &n)[1]->owner);
	const char *const *names = rules_attr_names(rules, &n);
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(names[0], "a");
	ck_assert_str_eq(names[1], "b");
	rules_count(rules, &teams, &pagers, &services, &signals);
	ck_assert(teams == 2 && pagers == 3 && services == 1 && signals == 2);
}
END_TEST

START_TEST(test_hash)
{
	char first[65];

	load(BASE);
	snprintf(first, sizeof(first), "%s", rules_hash(rules));
	ck_assert_uint_eq(strlen(first), 64);
	ck_assert_uint_eq(strspn(first, "0123456789abcdef"), 64);
	rules_unref(rules);
	load(BASE);
	ck_assert_str_eq(rules_hash(rules), first);
	rules_unref(rules);
	load(BASE "# changed\n");
	ck_assert_str_ne(rules_hash(rules), first);
}
END_TEST

START_TEST(test_references)
{
	load(BASE);
	struct ruleset *second = rules_ref(rules);
	rules_unref(rules);
	rules = second;
	ck_assert_str_eq(rules_fallback(rules)->name, "a");
	rules_unref(NULL);
}
END_TEST

/* Attributes of one service, for look-ups. */
static const char *attribute(void *ctx, const char *name)
{
	const char *const *pairs = ctx;

	for (; pairs[0]; pairs += 2)
		if (strcmp(pairs[0], name) == 0)
			return pairs[1];
	return NULL;
}

static const char *const none[] = { NULL, NULL };
static const char *const blue[] = { "colour", "blue", NULL, NULL };
static const char *const staging[] = { "team.env", "staging", "colour", "blue", NULL, NULL };

static const struct {
	const char *service, *namespace;
	const char *const *attrs;
	const char *entry; /* NULL: no owner */
} lookups[] = {
	/* clang-format off */
	{ "cart", "", none, "cart" },
	{ "cart", "other", staging, "cart" },
	{ "Cart", "", none, NULL },
	{ "cart2", "", none, NULL },
	{ "ledger", "", none, "ledger" },		      /* exact before glob */
	{ "ledger", "shop", none, "ledger-in-shop" },	      /* both exact: more keys */
	{ "ledger", "bank", none, "ledger" },
	{ "ledger-api", "", none, "ledgers" },
	{ "ledger-api", "shop", none, "ledgers-in-shop" },    /* more keys */
	{ "ledger-api-2", "", none, "ledger-apis" },	      /* more literal characters */
	{ "ledger-api-2", "shop", none, "ledgers-in-shop" },  /* keys count before characters */
	{ "anything", "shop", none, "shop" },
	{ "anything", "", none, NULL },
	{ "anything", "", blue, "painted" },
	{ "anything", "", staging, "staged" },
	{ "[odd]", "", none, "odd" },
	{ "", "", none, NULL },
	/* clang-format on */
};

START_TEST(test_services)
{
	load(BASE_TWO
	     "services:\n"
	     "  shop: {owner: a, match: {service: '*', namespace: shop}}\n"
	     "  ledgers: {owner: a, match: {service: 'ledger-*'}}\n"
	     "  ledger-apis: {owner: a, match: {service: 'ledger-api-?'}}\n"
	     "  ledgers-in-shop: {owner: a, match: {service.name: 'ledger-*', "
	     "service.namespace: shop}}\n"
	     "  ledger: {owner: a}\n"
	     "  ledger-in-shop: {owner: b, match: {service: ledger, namespace: 'sh[n-p]p'}}\n"
	     "  cart: {owner: a}\n"
	     "  odd: {owner: a, match: {service: '\\[odd\\]'}}\n"
	     "  painted: {owner: a, match: {service: '*', colour: '*lue'}}\n"
	     "  staged: {owner: a, match: {service: '*', colour: blue, team.env: staging}}\n");
	for (size_t i = 0; i < ARRAY_LEN(lookups); i++) {
		const char *const *attrs = lookups[i].attrs;
		const struct service_rule *found =
			rules_service(rules, lookups[i].service, lookups[i].namespace, attribute,
				      (void *)(uintptr_t)attrs, NULL);
		const char *name = found ? found->name : "nobody";
		ck_assert_msg(strcmp(name, lookups[i].entry ? lookups[i].entry : "nobody") == 0,
			      "%s in \"%s\" belongs to %s", lookups[i].service,
			      lookups[i].namespace, name);
	}
	ck_assert_str_eq(rules_service(rules, "cart", NULL, NULL, NULL, NULL)->name, "cart");
	ck_assert_ptr_null(rules_service(rules, NULL, NULL, NULL, NULL, NULL));
}
END_TEST

/* Pairs of matches: is it a tie? */
static const struct {
	const char *first, *second;
	bool tie;
} ties[] = {
	/* clang-format off */
	{ "{service: cart}", "{service: cart}", true },
	{ "{service: cart}", "{service: cars}", false },
	{ "{service: cart}", "{service: 'car*'}", false },
	{ "{service: 'car*'}", "{service: 'car*'}", true },
	{ "{service: 'car*'}", "{service: '*car'}", true },
	{ "{service: 'a*c'}", "{service: 'b*c'}", false },
	{ "{service: 'a*c'}", "{service: 'a*d'}", false },
	{ "{service: 'a*c'}", "{service: 'ab*'}", true },
	{ "{service: 'a?'}", "{service: '?b'}", true },
	{ "{service: 'a?'}", "{service: '?bb'}", false },
	{ "{service: '?a?'}", "{service: '?b'}", false },
	{ "{service: '[ab]x*'}", "{service: 'cx*'}", false },
	{ "{service: '[ab]x*'}", "{service: 'x[bc]*'}", false },
	{ "{service: 'x[ab]*'}", "{service: 'x[bc]*'}", true },
	{ "{service: '*-api'}", "{service: 'api-*'}", true },
	{ "{service: cart, namespace: shop}", "{service: cart, namespace: bank}", false },
	{ "{service: cart, namespace: shop}", "{service: cart, cluster: east}", true },
	{ "{service: cart, namespace: 'sh*'}", "{service: cart, cluster: us}", false },
	{ "{service: cart, namespace: 'shop*'}", "{service: cart, namespace: shop}", false },
	{ "{service: '*', namespace: shop}", "{service: '*', cluster: east}", true },
	/* clang-format on */
};

START_TEST(test_ties)
{
	struct buf text = BUF_INIT(4096);

	buf_printf(&text,
		   BASE "services:\n  one: {owner: a, match: %s}\n  two: {owner: a, match: %s}\n",
		   ties[_i].first, ties[_i].second);
	int result = parse(buf_text(&text));
	buf_fini(&text);
	ck_assert_int_eq(result, ties[_i].tie ? -EINVAL : 0);
	ck_assert_uint_eq(findings.n, ties[_i].tie ? 1 : 0);
	if (ties[_i].tie) {
		check_finding(0, "E024", 7, 36);
		ck_assert_ptr_nonnull(
			strstr(findings.at[0].text, "\"two\" and \"one\" (rules.yaml:6:3)"));
	}
}
END_TEST

START_TEST(test_peers)
{
	static const struct {
		const char *names[3];
		const char *entry, *name;
	} cases[] = {
		{ { "ledger.internal:443" }, "ledger", "ledger.internal:443" },
		{ { "ledger.internal" }, NULL, NULL },
		{ { "postgresql/ledger" }, "ledger", "postgresql/ledger" },
		{ { "unknown", "cart" }, "cart", "cart" },
		/* a peer without a port is found for any port */
		{ { "db.internal:5432", "cart" }, "db", "db.internal" },
		{ { "cart:8080" }, "cart", "cart:8080" }, /* a service's name, not a listed peer */
		{ { "db.internal" }, "db", "db.internal" },
		{ { "db.internal:" }, NULL, NULL },
		{ { "cart", "postgresql/ledger" },
		  "cart",
		  "cart" },			      /* names are tried in the order given */
		{ { "ledger-api" }, NULL, NULL },     /* a glob is no name */
		{ { "ledger" }, "ledger", "ledger" }, /* the key of the entry */
		{ { "stock" }, NULL, NULL }, /* two entries, told apart by namespace only */
		{ { "shipping" },
		  "shipping-all",
		  "shipping" }, /* the entry without further conditions */
	};

	load(BASE_TWO "services:\n"
		      "  ledger:\n"
		      "    owner: a\n"
		      "    match: {service: 'ledger-*'}\n"
		      "    peers: ['ledger.internal:443', postgresql/ledger]\n"
		      "  cart: {owner: a}\n"
		      "  db: {owner: b, peers: [db.internal]}\n"
		      "  stock1: {owner: a, match: {service: stock, namespace: one}}\n"
		      "  stock2: {owner: b, match: {service: stock, namespace: two}}\n"
		      "  shipping-all: {owner: a, match: {service: shipping}}\n"
		      "  shipping-one: {owner: b, match: {service: shipping, namespace: one}}\n");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *name = NULL;
		size_t n = cases[i].names[1] ? 2 : 1;
		const struct service_rule *found = rules_peer(rules, cases[i].names, n, &name);
		ck_assert_msg((found != NULL) == (cases[i].entry != NULL), "%s", cases[i].names[0]);
		if (found) {
			ck_assert_str_eq(found->name, cases[i].entry);
			ck_assert_str_eq(name, cases[i].name);
		}
		ck_assert_ptr_eq(rules_peer(rules, cases[i].names, n, NULL), found);
	}
	ck_assert_ptr_null(rules_peer(rules, NULL, 0, NULL));
}
END_TEST

START_TEST(test_knows_service)
{
	load(BASE "services:\n"
		  "  cart: {owner: a}\n"
		  "  ledgers: {owner: a, match: {service: 'ledger-*'}}\n"
		  "  rest: {owner: a, match: {service: '*', namespace: shop}}\n"
		  "signals:\n"
		  "  pay: {alerts: {a: b}, span: {service: payment}}\n"
		  "  any: {alerts: {a: c}, span: {service: '*'}}\n");
	ck_assert(rules_knows_service(rules, "cart"));
	ck_assert(rules_knows_service(rules, "ledger-api"));
	ck_assert(rules_knows_service(rules, "payment"));
	ck_assert(!rules_knows_service(rules, "node-exporter"));
}
END_TEST

/* "a=1,b=2" as labels of an alert; at most four. */
struct label_set {
	char text[200];
	struct label at[4];
	struct labels labels;
};

static const struct labels *labels_of(struct label_set *set, const char *text)
{
	char *rest = set->text, *pair;

	snprintf(set->text, sizeof(set->text), "%s", text);
	set->labels = (struct labels){ .at = set->at };
	while ((pair = strsep(&rest, ","))) {
		char *value = strchr(pair, '=');
		if (!value)
			continue;
		*value++ = '\0';
		set->at[set->labels.n++] = (struct label){ .name = pair, .value = value };
	}
	labels_normalise(&set->labels);
	return &set->labels;
}

START_TEST(test_signals)
{
	static const struct {
		const char *labels, *signal;
	} cases[] = {
		{ "alertname=PlaceOrderErrors", "orders" },
		{ "alertname=PlaceOrderSlow,severity=critical",
		  "orders_critical" }, /* more matchers */
		{ "alertname=PlaceOrderErrors,severity=warning", "orders" },
		{ "alertname=CartErrors,service=cart", "cart" },
		{ "alertname=CartErrors,service=cart2", "any_errors" },
		{ "alertname=CartErrors", "any_errors" },
		{ "alertname=CartSlow", NULL },
		{ "alertname=PlaceOrderErrors,env=dev", "orders" },
		{ "service=cart", NULL },
		{ "", NULL },
	};
	struct label_set set;

	load(BASE "signals:\n"
		  "  any_errors: {alerts: {alertname: '*Errors'}}\n"
		  "  orders: {alerts: {alertname: 'PlaceOrder*'}}\n"
		  "  orders_critical: {alerts: {alertname: 'PlaceOrder*', severity: critical}}\n"
		  "  cart: {alerts: ['service=cart, alertname=~\"Cart.+\"']}\n");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct signal_rule *found =
			rules_signal(rules, labels_of(&set, cases[i].labels), NULL);
		ck_assert_msg((found != NULL) == (cases[i].signal != NULL), "%s", cases[i].labels);
		if (found)
			ck_assert_str_eq(found->name, cases[i].signal);
	}
}
END_TEST

/* Place of the route that matches these labels, or "". */
static const char *route_of(struct alert *alert, const char *labels)
{
	struct label_set set;
	struct routing routing;
	const struct route_input input = { .alert = alert, .severity = SEVERITY_ERROR };

	alert->labels = *labels_of(&set, labels);
	rules_route(rules, &input, NULL, &routing);
	return routing.nmatched ? routing.matched[0]->place : "";
}

START_TEST(test_routes)
{
	struct alert alert = { .sender = "am1" };

	load(BASE "routes:\n"
		  "  - {when: {severity: info, team: ''}, page: none}\n"
		  "  - {when: ['env=~\"dev|test\"', 'team!=\"sre\"'], page: none}\n");
	ck_assert_str_eq(route_of(&alert, "severity=info"), "rules.yaml:6");
	ck_assert_str_eq(route_of(&alert, "severity=info,team=x"), "");
	ck_assert_str_eq(route_of(&alert, "env=test"), "rules.yaml:7");
	ck_assert_str_eq(route_of(&alert, "env=test,team=sre"), "");
	ck_assert_str_eq(route_of(&alert, "env=testing"), "");
}
END_TEST

/* One matcher text against one label "l"; -1: refused. From the grammars that Alertmanager
 * documents. */
static const struct {
	const char *matcher, *value;
	int holds;
} matchers[] = {
	/* clang-format off */
	{ "l=a", "a", 1 },
	{ "l=a", "ab", 0 },
	{ "l = \"a\"", "a", 1 },
	{ "{l=\"a\"}", "a", 1 },
	{ "{l=\"a\",}", "a", 1 },
	{ "l!=a", "b", 1 },
	{ "l!=a", "a", 0 },
	{ "l!=a", "", 1 }, /* a missing label is empty */
	{ "l=\"\"", "", 1 },
	{ "l=", "", 1 },   /* classic */
	{ "l=", "a", 0 },
	{ "l=~a.c", "abc", 1 },
	{ "l=~a.c", "xabcx", 0 }, /* anchored */
	{ "l=~\"a|b\"", "b", 1 },
	{ "l=~\"a|b\"", "ab", 0 },
	{ "l=~\"a|ab\"", "ab", 1 },
	{ "l!~\"a|b\"", "b", 0 },
	{ "l!~\"a|b\"", "c", 1 },
	{ "l=~\"a\"", "a\n", 0 }, /* $ is the end, not a line's */
	{ "l=~\"a\\.b\"", "a.b", 1 }, /* \. is no escape of Go: the classic grammar counts */
	{ "l=~\"a\\.b\"", "axb", 0 },
	{ "l=~\"a\\\\.b\"", "a.b", 1 },
	{ "l=~\"[a-z]{2}\"", "xy", 1 },
	{ "l=~[a-z]{2}", "xy", 1 },
	{ "l=\"a,b\"", "a,b", 1 },
	{ "l=\"a\\\"b\"", "a\"b", 1 },
	{ "l=a b", "a b", 1 }, /* classic */
	{ "\"l\"=\"a\"", "a", 1 }, /* UTF-8 */
	{ "\"l\"=\"\\u00e4\\x41\\t\"", "äA\t", 1 },
	{ "l=\"\\t\"", "\\t", 1 }, /* both grammars accept it, with different results: the classic one counts */
	{ "l=ä", "ä", 1 },
	{ "l=~ä?", "ä", 1 },
	{ "l=a, l!=b", "a", 1 },
	{ "l=a,l=b", "a", 0 },
	{ "", "", -1 },
	{ "l", "", -1 },
	{ "=a", "", -1 },
	{ "l==a", "=a", 1 }, /* classic: the value begins with = */
	{ "{l=a", "a", -1 },
	{ "\"l\"=a}", "", -1 },
	{ "{\"l\"=a", "", -1 },
	{ "l=\"a", "", -1 },
	{ "l=\"a\"b", "", -1 },
	{ "l=a,,l=b", "", -1 },
	{ "\"l\"=\"\\q\"", "", -1 },
	{ "\"l\"=\"\\x0\"", "", -1 },
	{ "\"l\"=\"\\u0000\"", "", -1 },
	{ "l=~\"(\"", "", -1 },
	{ "l=~\"\\C\"", "", -1 },
	/* clang-format on */
};

START_TEST(test_matchers)
{
	struct buf text = BUF_INIT(4096);
	struct label one = { .name = "l", .value = matchers[_i].value };
	struct labels labels = { .at = &one, .n = *matchers[_i].value ? 1 : 0 };

	buf_puts(&text, BASE "signals: {s: {alerts: ['");
	for (const char *c = matchers[_i].matcher; *c; c++)
		buf_putc(&text, *c); /* none has a single quote */
	buf_puts(&text, "']}}\n");
	int result = parse(buf_text(&text));
	buf_fini(&text);
	ck_assert_int_eq(result, matchers[_i].holds < 0 ? -EINVAL : 0);
	if (result == 0)
		ck_assert_int_eq(rules_signal(rules, &labels, NULL) != NULL, matchers[_i].holds);
}
END_TEST

/* A match beyond the limits does not hold, neither for =~ nor for !~. */
START_TEST(test_costly_regex)
{
	struct label one = { .name = "l",
			     .value = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!b" };
	const struct labels labels = { .at = &one, .n = 1 };

	load(BASE "signals: {yes: {alerts: ['l=~\"(a+)+b\"']}, no: {alerts: ['l!~\"(a+)+b\"']}}\n");
	ck_assert_ptr_null(rules_signal(rules, &labels, NULL));
	one.value = "aab";
	ck_assert_str_eq(rules_signal(rules, &labels, NULL)->name, "yes");
	one.value = "aa";
	ck_assert_str_eq(rules_signal(rules, &labels, NULL)->name, "no");
}
END_TEST

static const struct {
	const char *glob, *text;
	bool match;
} globs[] = {
	/* clang-format off */
	{ "", "", true },
	{ "", "a", false },
	{ "a", "", false },
	{ "*", "", true },
	{ "*", "anything", true },
	{ "a*", "a", true },
	{ "a*", "ba", false },
	{ "*a", "banana", true },
	{ "*a", "bananas", false },
	{ "b*n*a", "banana", true },
	{ "b*x*a", "banana", false },
	{ "*ana", "banana", true },
	{ "**a**", "banana", true },
	{ "?", "ä", true }, /* one character, two bytes */
	{ "?", "ab", false },
	{ "?", "", false },
	{ "ledger-?", "ledger-1", true },
	{ "[abc]x", "bx", true },
	{ "[abc]x", "dx", false },
	{ "[a-c]", "b", true },
	{ "[a-c]", "-", false },
	{ "[!a-c]", "d", true },
	{ "[^a-c]", "b", false },
	{ "[]x]", "]", true },
	{ "[a]b", "ab", true },
	{ "[a]b", "[a]b", false },
	{ "[!]a]b", "cb", true }, /* a ] behind ! is a member, too */
	{ "[!]a]b", "]b", false },
	{ "[!]a]b", "ab", false },
	{ "[^]a]b", "!b", true },
	{ "[a-]", "-", true },
	{ "[ä-ü]", "ö", true },
	{ "[\\]]", "]", true },
	{ "[a", "[a", true }, /* never closed: itself */
	{ "\\*", "*", true },
	{ "\\*", "a", false },
	{ "a\\", "a\\", true },
	{ "a/*", "a/b/c", true },
	{ "A", "a", false },
	/* clang-format on */
};

START_TEST(test_glob)
{
	ck_assert_msg(glob_match(globs[_i].glob, globs[_i].text) == globs[_i].match,
		      "%s against %s", globs[_i].glob, globs[_i].text);
}
END_TEST

/* A matcher that backtracks over every star would not end. */
START_TEST(test_glob_is_bounded)
{
	char glob[101], text[10001];

	for (size_t i = 0; i < sizeof(glob) - 1; i += 2)
		memcpy(glob + i, "*a", 2);
	glob[sizeof(glob) - 1] = '\0';
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert(glob_match(glob, text));
	text[sizeof(text) - 2] = 'b';
	ck_assert(!glob_match(glob, text));
}
END_TEST

static void make_directory(void)
{
	snprintf(directory, sizeof(directory), "%s/tracepager-rules.XXXXXX", "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void write_file(const char *name, const char *text)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", directory, name);
	CLEANUP_FCLOSE FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fchmod(fileno(file), 0600), 0);
	ck_assert_int_ge(fputs(text, file), 0);
}

static void remove_directory(void)
{
	static const char *const names[] = { "a.yaml",	"b.yml",  "c.yaml", ".d.yaml",
					     "e.yaml~", "f.json", "key" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP_FREE char *path = xasprintf("%s/%s", directory, names[i]);
		unlink(path);
	}
	ck_assert_int_eq(rmdir(directory), 0);
}

static int load_directory(void)
{
	const char *paths[] = { directory };

	return rules_load(paths, 1, true, &rules, &findings);
}

START_TEST(test_directory)
{
	make_directory();
	write_file("b.yml",
		   TEAMS "services: {cart: {owner: t}}\nroutes: [{when: {a: b}, page: none}]\n");
	write_file("a.yaml", PAGERS ESCALATIONS "\nroutes: [{when: {a: '*'}, page: none}]\n");
	write_file("c.yaml", FALLBACK "services: {ledger: {owner: t}}\nteams:\n  # none\n");
	write_file(".d.yaml", "nonsense");
	write_file("e.yaml~", "nonsense");
	write_file("f.json", "nonsense");
	int result = load_directory();
	remove_directory();
	ck_assert_int_eq(result, 0);
	ck_assert_uint_eq(findings.n, 1);
	ck_assert_str_eq(findings.at[0].code, "W022"); /* the route of a.yaml matches everything */
	ck_assert_str_eq(rules_service(rules, "ledger", "", NULL, NULL, NULL)->place, "c.yaml:2");
	ck_assert_str_eq(rules_service(rules, "cart", "", NULL, NULL, NULL)->place, "b.yml:2");
	/* Routes are in order of the files. */
	struct alert alert = { .sender = "am1" };
	ck_assert_str_eq(route_of(&alert, "a=b"), "a.yaml:4");
}
END_TEST

START_TEST(test_names_given_twice)
{
	make_directory();
	write_file("a.yaml", PAGERS ESCALATIONS TEAMS FALLBACK);
	write_file("b.yml",
		   "fallback: {team: t}\nteams: {s: {escalation: e}, t: {escalation: e}}\n");
	int result = load_directory();
	CLEANUP_FREE char *first =
		xasprintf("\"fallback\" is given twice, here and at %s/a.yaml:4:1", directory);
	CLEANUP_FREE char *second =
		xasprintf("team \"t\" is given twice, here and at %s/a.yaml:3:9", directory);
	CLEANUP_FREE char *file = xasprintf("%s/b.yml", directory);
	remove_directory();
	ck_assert_int_eq(result, -EINVAL);
	ck_assert_uint_eq(findings.n, 2);
	check_finding(0, "E015", 1, 1);
	check_finding(1, "E015", 2, 29);
	ck_assert_str_eq(findings.at[0].text, first);
	ck_assert_str_eq(findings.at[1].text, second);
	ck_assert_str_eq(findings.at[1].file, file);
}
END_TEST

START_TEST(test_one_broken_file_does_not_hide_the_others)
{
	make_directory();
	write_file("a.yaml", "teams: [\n");
	write_file("b.yml", "services: {cart: {owner: t, x: y}}\n");
	write_file("c.yaml", "fallback: t\n");
	int result = load_directory();
	remove_directory();
	ck_assert_int_eq(result, -EINVAL);
	ck_assert_uint_eq(findings.n, 3); /* and no error about team t, which may stand in a.yaml */
	check_finding(0, "E002", 1, 9);
	check_finding(1, "E011", 1, 29);
	check_finding(2, "E014", 1, 11);
}
END_TEST

START_TEST(test_empty_directory)
{
	make_directory();
	int result = load_directory();
	CLEANUP_FREE char *file = xstrdup(directory);
	remove_directory();
	ck_assert_int_eq(result, -EINVAL);
	ck_assert_uint_eq(findings.n, 1);
	check_finding(0, "E023", 0, 0);
	ck_assert_str_eq(findings.at[0].file, file);
	ck_assert_ptr_nonnull(findings.at[0].hint);
}
END_TEST

START_TEST(test_path_that_is_not_there)
{
	const char *paths[] = { "/nonexistent/rules.d", "/nonexistent/more.yaml" };

	ck_assert_int_eq(rules_load(paths, 2, true, &rules, &findings), -ENOENT);
	ck_assert_ptr_null(rules);
	ck_assert_uint_eq(findings.n, 2);
	check_finding(0, "E001", 0, 0);
	ck_assert_str_eq(findings.at[0].file, "/nonexistent/more.yaml");
}
END_TEST

START_TEST(test_secret_files)
{
	struct buf text = BUF_INIT(4096);

	make_directory();
	write_file("key", "0123456789abcdef0123456789abcdef\n");
	buf_printf(&text,
		   "pagers: {p: {kind: pagerduty, routing_key_file: %s/key}}\n" TEAMS ESCALATIONS
			   FALLBACK,
		   directory);
	load(buf_text(&text));
	ck_assert_str_eq(rules_pager(rules, "p")->key.value, "0123456789abcdef0123456789abcdef");
	rules_unref(rules);
	rules = NULL;
	write_file("key", "\n");
	ck_assert_int_eq(parse(buf_text(&text)), -EINVAL);
	check_finding(0, "E021", 1, 49);
	remove_directory();
	ck_assert_int_eq(rules_parse("r", buf_text(&text), text.len, false, &rules, &findings), 0);
	ck_assert_ptr_null(rules_pager(rules, "p")->key.value);
	buf_fini(&text);
}
END_TEST

static const char *const sets[] = { "rules.d", "small.yaml", "links.yaml", "office-hours.yaml",
				    "by-team.yaml" };
START_TEST(test_examples)
{
	const char *top = getenv("top_srcdir");
	CLEANUP_FREE char *path = xasprintf("%s/rules/examples/%s", top ? top : ".", sets[_i]);
	const char *paths[] = { path };
	struct buf out = BUF_INIT(1u << 20);
	int result = rules_load(paths, 1, false, &rules, &findings);

	findings_write(&findings, false, &out);
	ck_assert_msg(result == 0 && findings.n == 0, "%s", buf_text(&out));
	if (_i > 0)
		return;
	ck_assert_str_eq(rules_service(rules, "ledger-api", "shop", NULL, NULL, NULL)->owner->name,
			 "payments");
	ck_assert_str_eq(rules_fallback(rules)->name, "platform");
	buf_fini(&out);
}
END_TEST

START_TEST(test_ten_thousand_services)
{
	struct buf text = BUF_INIT(4u << 20);
	char name[32];

	buf_puts(&text, BASE_TWO "services:\n");
	for (int i = 0; i < 10000; i++)
		buf_printf(&text, "  service-%d: {owner: %s, peers: [host-%d]}\n", i,
			   i % 2 ? "a" : "b", i);
	load(buf_text(&text));
	buf_fini(&text);
	for (int i = 0; i < 10000; i += 777) {
		snprintf(name, sizeof(name), "service-%d", i);
		ck_assert_str_eq(rules_service(rules, name, "", NULL, NULL, NULL)->owner->name,
				 i % 2 ? "a" : "b");
	}
	ck_assert_ptr_null(rules_service(rules, "service-10000", "", NULL, NULL, NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rules");
	TCase *tests = tcase_create("rules");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, test_broken, 0, ARRAY_LEN(broken));
	tcase_add_loop_test(tests, test_doubtful, 0, ARRAY_LEN(doubtful));
	tcase_add_test(tests, test_all_errors_in_one_pass);
	tcase_add_test(tests, test_no_errors_that_follow_from_others);
	tcase_add_test(tests, test_hints);
	tcase_add_test(tests, test_secrets_are_not_shown);
	tcase_add_test(tests, test_teams_and_pagers);
	tcase_add_test(tests, test_services_and_signals);
	tcase_add_test(tests, test_hash);
	tcase_add_test(tests, test_references);
	tcase_add_test(tests, test_services);
	tcase_add_loop_test(tests, test_ties, 0, ARRAY_LEN(ties));
	tcase_add_test(tests, test_peers);
	tcase_add_test(tests, test_knows_service);
	tcase_add_test(tests, test_signals);
	tcase_add_test(tests, test_routes);
	tcase_add_loop_test(tests, test_matchers, 0, ARRAY_LEN(matchers));
	tcase_add_test(tests, test_costly_regex);
	tcase_add_loop_test(tests, test_glob, 0, ARRAY_LEN(globs));
	tcase_add_test(tests, test_glob_is_bounded);
	tcase_add_test(tests, test_directory);
	tcase_add_test(tests, test_names_given_twice);
	tcase_add_test(tests, test_one_broken_file_does_not_hide_the_others);
	tcase_add_test(tests, test_empty_directory);
	tcase_add_test(tests, test_path_that_is_not_there);
	tcase_add_test(tests, test_secret_files);
	tcase_add_loop_test(tests, test_examples, 0, ARRAY_LEN(sets));
	tcase_add_test(tests, test_ten_thousand_services);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
