/*
 * Pagers by team: which pager each team gets, what a team must give, and by which escalations and
 * routes a team that gives too little is found. Columns are counted by hand.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

static struct findings findings;
static struct ruleset *rules;
static struct arena *arena;

static void setup(void)
{
	findings = (struct findings){ .at = NULL };
	rules = NULL;
	arena = arena_new(1u << 20);
}

static void teardown(void)
{
	findings_fini(&findings);
	rules_unref(rules);
	arena_free(arena);
}

static int parse(const char *text)
{
	return rules_parse("rules.yaml", text, strlen(text), true, &rules, &findings);
}

static void load(const char *text)
{
	struct buf out = BUF_INIT(1u << 16);
	int result = parse(text);

	findings_write(&findings, false, &out);
	ck_assert_msg(result == 0, "%s", buf_text(&out));
	buf_fini(&out);
}

static const char shop[] =
	"pagers:\n"
	"  pd: {kind: pagerduty, by_team: true, resolve: false}\n"
	"  tg: {kind: telegram, bot_token: T, by_team: true}\n"
	"  og: {kind: opsgenie, api_key: K, by_team: true}\n"
	"  ns: {kind: opsgenie, by_team: true}\n"
	"  hook: {kind: webhook, url: \"https://h\", by_team: true}\n"
	"  same: {kind: pagerduty, routing_key: S}\n"
	"teams:\n"
	"  ledger: {escalation: e, routing_key: RL, chat_id: \"-1\", responder: L, api_key: AL, "
	"secret: WL}\n"
	"  shop: {escalation: e, routing_key: RS, chat_id: \"-2\", responder: S, api_key: AS, "
	"secret: WS}\n"
	"  idle: {escalation: f}\n"
	"escalations:\n"
	"  e: {steps: [{page: [pd, tg, og, ns, hook, same], wait: 5m}, {team: shop}]}\n"
	"  f: {steps: [{page: [same]}]}\n"
	"fallback: {team: shop}\n";

/* The escalations e would page each other by team shop: that step goes. */
static void load_shop(void)
{
	CLEANUP_FREE char *text = xstrdup(shop);
	char *at = strstr(text, ", wait: 5m}, {team: shop}");

	ck_assert_ptr_nonnull(at);
	memcpy(at, "}                        ", 25);
	load(text);
}

static const struct {
	const char *pager, *team, *name, *key, *to;
} bound[] = {
	{ "pd", "ledger", "pd:ledger", "RL", NULL },
	{ "pd", "shop", "pd:shop", "RS", NULL },
	/* What the pager gives counts for all teams. */
	{ "tg", "ledger", "tg:ledger", "T", "-1" },
	{ "tg", "shop", "tg:shop", "T", "-2" },
	{ "og", "ledger", "og:ledger", "K", "L" },
	{ "ns", "shop", "ns:shop", "AS", "S" },
	{ "hook", "ledger", "hook:ledger", "WL", NULL },
	{ "same", "ledger", "same", "S", NULL },
	{ "same", "idle", "same", "S", NULL },
};

START_TEST(test_pager_of_team)
{
	load_shop();
	const struct pager *entry = rules_pager(rules, bound[_i].pager);
	const struct pager *pager = pager_of_team(entry, rules_team(rules, bound[_i].team));

	ck_assert_ptr_nonnull(pager);
	ck_assert_str_eq(pager->name, bound[_i].name);
	ck_assert_str_eq(pager->key.value, bound[_i].key);
	ck_assert_pstr_eq(pager->texts[PAGER_TO], bound[_i].to);
	ck_assert_int_eq(pager->kind, entry->kind);
	ck_assert_int_eq(pager->no_resolve, entry->no_resolve);
	ck_assert_ptr_eq(pager->entry, pager == entry ? NULL : entry);
	ck_assert_ptr_eq(rules_pager(rules, bound[_i].name), pager);
}
END_TEST

/* A team that such a pager cannot page has none of its own, and nothing is wrong with that. */
START_TEST(test_team_without)
{
	const char *nearest;

	load_shop();
	ck_assert_ptr_null(pager_of_team(rules_pager(rules, "pd"), rules_team(rules, "idle")));
	ck_assert(!rules_has_name(rules, RULES_PAGERS, "pd:idle", &nearest));
	ck_assert(rules_has_name(rules, RULES_PAGERS, "pd:shop", &nearest));
	ck_assert(rules_has_name(rules, RULES_PAGERS, "pd", &nearest));
}
END_TEST

/* Where the team gives nothing, the fallback team's first step is paged. */
START_TEST(test_step_of_team)
{
	const struct pager *lost;

	load_shop();
	const struct escalation *e = rules_escalation(rules, "e");
	struct escalation_step step =
		step_of_team(arena, rules, &e->steps[0], rules_team(rules, "ledger"), &lost);
	ck_assert_uint_eq(step.npagers, 6);
	ck_assert_str_eq(step.pagers[0]->name, "pd:ledger");
	ck_assert_str_eq(step.pagers[5]->name, "same");
	ck_assert_ptr_null(lost);
	/* One pager is left: it pages. */
	step = step_of_team(arena, rules, &e->steps[0], rules_team(rules, "idle"), &lost);
	ck_assert_uint_eq(step.npagers, 1);
	ck_assert_str_eq(step.pagers[0]->name, "same");
	ck_assert_ptr_nonnull(lost);
	/* None is left. */
	const struct pager *only[] = { rules_pager(rules, "pd"), rules_pager(rules, "tg") };
	const struct escalation_step alone = { .pagers = only, .npagers = 2 };
	step = step_of_team(arena, rules, &alone, rules_team(rules, "idle"), &lost);
	ck_assert_uint_eq(step.npagers, 6);
	ck_assert_str_eq(step.pagers[1]->name, "tg:shop");
	/* An escalation without such pagers stays the one of the set. */
	const struct escalation *f = rules_escalation(rules, "f");
	ck_assert_ptr_eq(escalation_of_team(arena, rules, f, rules_team(rules, "idle")), f);
	const struct escalation *of_shop =
		escalation_of_team(arena, rules, e, rules_team(rules, "shop"));
	ck_assert_str_eq(of_shop->name, "e");
	ck_assert_str_eq(of_shop->steps[0].pagers[4]->name, "hook:shop");
}
END_TEST

/* A step that pages a team takes that team's values, whoever has the incident. */
START_TEST(test_step_of_another_team)
{
	const struct pager *lost;

	load("pagers: {pd: {kind: pagerduty, by_team: true}, c: {kind: console}}\n"
	     "teams:\n"
	     "  a: {escalation: a}\n"
	     "  b: {escalation: b, routing_key: RB}\n"
	     "escalations:\n"
	     "  a: {steps: [{page: [c], wait: 5m}, {team: b}]}\n"
	     "  b: {steps: [{page: [pd]}]}\n"
	     "fallback: {team: a}\n");
	const struct escalation *a = rules_escalation(rules, "a");
	const struct escalation_step step =
		step_of_team(arena, rules, &a->steps[1], rules_team(rules, "a"), &lost);
	ck_assert_uint_eq(step.npagers, 1);
	ck_assert_str_eq(step.pagers[0]->name, "pd:b");
}
END_TEST

#define PD "pagers: {pd: {kind: pagerduty, by_team: true}, c: {kind: console}}\n"

static const struct {
	const char *text, *code;
	int line, column;
	const char *words, *hint;
} broken[] = {
	/* the team's own escalation, that of the defaults, a step of another team */
	{ PD "teams:\n  a: {escalation: a}\nescalations: {a: {steps: [{page: [pd]}]}}\n"
	     "fallback: {team: a}\n",
	  "E052", 3, 3, "by escalation \"a\" (rules.yaml:4)",
	  "add \"routing_key_file: PATH\" to the team" },
	{ PD "teams:\n  a: {}\ndefaults: {escalation: a}\n"
	     "escalations: {a: {steps: [{page: [c]}, {page: [pd]}]}}\nfallback: {team: a}\n",
	  "E052", 3, 3, "pager \"pd\" (rules.yaml:1)", "" },
	{ PD "teams:\n  a: {escalation: a}\n  b: {escalation: b}\n"
	     "escalations: {a: {steps: [{page: [c], wait: 5m}, {team: b}]}, b: {steps: [{page: "
	     "[pd]}]}}\nfallback: {team: a}\n",
	  "E052", 4, 3, "team \"b\" has no \"routing_key\"", "" },
	/* routes: with the owner's name, with a team of their own, behind one that goes on */
	{ PD "teams:\n  a: {escalation: a, routing_key: K}\n  b: {escalation: a}\n"
	     "escalations: {a: {steps: [{page: [c]}]}}\nservices: {x: {owner: b}}\n"
	     "fallback: {team: a}\n"
	     "routes:\n  - when: {severity: info}\n    pagers: [pd]\n",
	  "E052", 4, 3, "by the route at rules.yaml:9", "" },
	{ PD "teams:\n  a: {escalation: a}\n  b: {escalation: a}\n"
	     "escalations: {a: {steps: [{page: [c]}]}}\nservices: {x: {owner: b}}\n"
	     "fallback: {team: a}\n"
	     "routes:\n  - when: {owner: \"b*\"}\n    also_notify: pd\n",
	  "E052", 4, 3, "team \"b\"", "" },
	{ PD "teams:\n  a: {escalation: a}\n  b: {escalation: a}\n"
	     "escalations: {a: {steps: [{page: [c]}]}, p: {steps: [{page: [pd]}]}}\n"
	     "fallback: {team: a}\n"
	     "routes:\n  - when: {severity: info}\n    team: b\n    escalation: p\n",
	  "E052", 4, 3, "by escalation \"p\"", "" },
	{ PD "teams:\n  a: {escalation: a, routing_key: K}\n  b: {escalation: a}\n"
	     "escalations: {a: {steps: [{page: [c]}]}, p: {steps: [{page: [pd]}]}}\n"
	     "fallback: {team: a}\n"
	     "routes:\n  - when: {severity: info}\n    team: b\n    continue: true\n"
	     "  - when: {env: prod}\n    escalation: p\n",
	  "E052", 4, 3, "team \"b\"", "" },
	{ PD "teams:\n  a: {escalation: a, routing_key: K}\n  b: {escalation: a}\n"
	     "escalations: {a: {steps: [{page: [c]}]}, p: {steps: [{page: [pd]}]}}\n"
	     "fallback: {team: a}\n"
	     "routes:\n  - when: {env: prod}\n    escalation: p\n    continue: true\n"
	     "  - when: {severity: info}\n    team: b\n",
	  "E052", 4, 3, "team \"b\"", "" },
	/* telemetry names owners: every team can be one */
	{ PD "teams:\n  a: {escalation: a, routing_key: K}\n  b: {escalation: a}\n"
	     "escalations: {a: {steps: [{page: [c]}]}}\ndefaults: {owner_from: [label.team]}\n"
	     "fallback: {team: a}\n"
	     "routes:\n  - when: {severity: info}\n    pagers: [pd]\n",
	  "E052", 4, 3, "team \"b\"", "" },
	/* a text; one of two that are optional */
	{ "pagers: {tg: {kind: telegram, bot_token: T, by_team: true}}\n"
	  "teams:\n  a: {escalation: a}\nescalations: {a: {steps: [{page: [tg]}]}}\n"
	  "fallback: {team: a}\n",
	  "E052", 3, 3, "no \"chat_id\"", "add \"chat_id: …\" to the team" },
	{ "pagers: {og: {kind: opsgenie, api_key: K, by_team: true}}\n"
	  "teams:\n  a: {escalation: a}\nescalations: {a: {steps: [{page: [og]}]}}\n"
	  "fallback: {team: a}\n",
	  "E052", 3, 3, "no \"responder\"", "" },
	{ "pagers: {h: {kind: webhook, url: \"https://h\", by_team: true}}\n"
	  "teams:\n  a: {escalation: a}\nescalations: {a: {steps: [{page: [h]}]}}\n"
	  "fallback: {team: a}\n",
	  "E052", 3, 3, "no \"secret\"", "add \"secret_file: PATH\" to the team" },
	/* the entries themselves */
	{ "pagers: {pd: {kind: pagerduty, routing_key: K, by_team: true}}\n"
	  "teams:\n  a: {escalation: a}\nescalations: {a: {steps: [{page: [pd]}]}}\n"
	  "fallback: {team: a}\n",
	  "E053", 1, 48, "gives everything itself", "move \"routing_key\" to the teams" },
	{ "pagers: {c: {kind: console, by_team: true}}\n"
	  "teams:\n  a: {escalation: a}\nescalations: {a: {steps: [{page: [c]}]}}\n"
	  "fallback: {team: a}\n",
	  "E019", 1, 29, "no option \"by_team\"", "" },
	{ PD "teams:\n  a: {escalation: a, routing_key: K, routing_key_file: F}\n"
	     "escalations: {a: {steps: [{page: [pd]}]}}\nfallback: {team: a}\n",
	  "E020", 3, 38, "are both given", "" },
	{ PD "teams:\n  a: {escalation: a, routng_key_file: F}\n"
	     "escalations: {a: {steps: [{page: [c]}]}}\nfallback: {team: a}\n",
	  "E011", 3, 22, "no option \"routng_key_file\"", "did you mean \"routing_key_file\"?" },
	{ PD "teams:\n  a: {escalation: a, routing_key_file: /nowhere/at/all}\n"
	     "escalations: {a: {steps: [{page: [pd]}]}}\nfallback: {team: a}\n",
	  "E021", 3, 40, "/nowhere/at/all", "" },
	{ "pagers:\n  pd: {kind: pagerduty, by_team: true}\n  \"pd:a\": {kind: console}\n"
	  "teams: {a: {escalation: a, routing_key: K}}\n"
	  "escalations: {a: {steps: [{page: [pd, \"pd:a\"]}]}}\nfallback: {team: a}\n",
	  "E015", 3, 3, "the name of pager \"pd\" for team \"a\"", "rename this pager" },
};

START_TEST(test_broken)
{
	struct buf out = BUF_INIT(1u << 16);

	ck_assert_int_lt(parse(broken[_i].text), 0);
	findings_write(&findings, false, &out);
	ck_assert_msg(findings.nerrors == 1, "%s", buf_text(&out));
	const struct finding *found = &findings.at[0];
	for (size_t i = 0; i < findings.n && found->level != FINDING_ERROR; i++)
		found = &findings.at[i];
	ck_assert_msg(strcmp(found->code, broken[_i].code) == 0 && found->line == broken[_i].line &&
			      found->column == broken[_i].column &&
			      strstr(found->text, broken[_i].words) &&
			      (!*broken[_i].hint ||
			       (found->hint && strstr(found->hint, broken[_i].hint))),
		      "%s", buf_text(&out));
	buf_fini(&out);
}
END_TEST

/* Nobody can be paged so: no error. */
static const char *const whole[] = {
	PD "teams:\n  a: {escalation: a}\n  b: {escalation: a}\n"
	   "escalations: {a: {steps: [{page: [c]}]}}\nservices: {x: {owner: a}}\n"
	   "fallback: {team: a}\n"
	   "routes:\n  - when: {owner: b}\n    pagers: [pd]\n",
	/* The route's own team counts, whatever an earlier route says. */
	PD "teams:\n  a: {escalation: a}\n  b: {escalation: a, routing_key: K}\n"
	   "escalations: {a: {steps: [{page: [c]}]}, p: {steps: [{page: [pd]}]}}\n"
	   "fallback: {team: a}\n"
	   "routes:\n  - when: {severity: info}\n    team: b\n    escalation: p\n",
	/* Either text will do where the kind requires none. */
	"pagers: {og: {kind: opsgenie, api_key: K, by_team: true}}\n"
	"teams:\n  a: {escalation: a, responder: R}\nescalations: {a: {steps: [{page: [og]}]}}\n"
	"fallback: {team: a}\n",
	/* by_team: false is the same as none. */
	"pagers: {pd: {kind: pagerduty, routing_key: K, by_team: false}}\n"
	"teams:\n  a: {escalation: a}\nescalations: {a: {steps: [{page: [pd]}]}}\n"
	"fallback: {team: a}\n",
};

START_TEST(test_whole)
{
	load(whole[_i]);
}
END_TEST

/* A key that stands in the rules is told at the team; its value is in no finding and no record. */
START_TEST(test_secrets)
{
	struct buf out = BUF_INIT(1u << 16);
	size_t n;

	load(PD "teams:\n  a: {escalation: a, routing_key: s3cret-key}\n"
		"escalations: {a: {steps: [{page: [pd]}]}}\nfallback: {team: a}\n");
	findings_write(&findings, false, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "W021"));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "the routing_key of team \"a\""));
	ck_assert_ptr_null(strstr(buf_text(&out), "s3cret"));
	const struct rule_text *texts = rules_texts(rules, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_ptr_null(strstr(texts[0].text, "s3cret"));
	buf_fini(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("by_team");
	TCase *tcase = tcase_create("by_team");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_pager_of_team, 0, ARRAY_LEN(bound));
	tcase_add_test(tcase, test_team_without);
	tcase_add_test(tcase, test_step_of_team);
	tcase_add_test(tcase, test_step_of_another_team);
	tcase_add_loop_test(tcase, test_broken, 0, ARRAY_LEN(broken));
	tcase_add_loop_test(tcase, test_whole, 0, ARRAY_LEN(whole));
	tcase_add_test(tcase, test_secrets);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
