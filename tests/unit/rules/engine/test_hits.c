/* Hits: decisions count the rules that they name, also of several rules on one line. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

static const char text[] = "teams: {x: {escalation: e}}\npagers: {c: {kind: console}}\n"
			   "escalations: {e: {steps: [{page: [c]}]}}\nfallback: {team: x}\n"
			   "services: {a: {owner: x}, b: {owner: x}}\n"
			   "routes: [{when: {severity: info}, page: none}]\n";

static struct ruleset *load(void)
{
	struct findings findings = { .at = NULL };
	struct ruleset *rules = NULL;

	ck_assert_int_eq(rules_parse("r.yaml", text, strlen(text), false, &rules, &findings), 0);
	findings_fini(&findings);
	return rules;
}

static uint64_t hits_of(const struct ruleset *rules, size_t number)
{
	struct rule_hit hit;

	ck_assert(rules_hit(rules, number, &hit));
	return hit.hits;
}

START_TEST(a_decision_counts_what_it_names)
{
	struct arena *arena = arena_new(1 << 20);
	struct ruleset *rules = load(), *again = load();
	struct rule_trail trail;
	struct rule_hit hit;

	rule_trail_init(&trail, arena, false);
	ck_assert_ptr_nonnull(rules_service(rules, "b", NULL, NULL, NULL, &trail));
	rule_trail_match(&trail, RULE_SILENCE, NULL, "made at run time", "no rule");
	rules_count_hits(rules, &trail);
	rules_count_hits(rules, &trail);
	/* Both services stand in line 5: a has none, b two. */
	ck_assert(rules_hit(rules, 0, &hit) && hit.sort == RULE_SERVICE);
	ck_assert_str_eq(hit.name, "a");
	ck_assert_uint_eq(hit.hits, 0);
	ck_assert_uint_eq(hits_of(rules, 1), 2);
	ck_assert(rules_hit(rules, 2, &hit) && hit.sort == RULE_ROUTE && hit.hits == 0);
	ck_assert_str_eq(hit.place, "r.yaml:6");
	ck_assert(!rules_hit(rules, 3, &hit));
	rules_keep_hits(again, rules);
	ck_assert_uint_eq(hits_of(again, 1), 2);
	rules_unref(again);
	rules_unref(rules);
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hits");
	TCase *tcase = tcase_create("hits");

	tcase_add_test(tcase, a_decision_counts_what_it_names);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
