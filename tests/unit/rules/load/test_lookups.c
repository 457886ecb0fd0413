/* Looking up entries by the prefix of their glob, teams that an attribute decides between, the
 * locations of teams, and the attributes that rules ask for. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

#define BASE "teams: {a: {escalation: e}}\n" BASE_END
#define BASE_END                                                                                   \
	"pagers: {p: {kind: console}}\n"                                                           \
	"escalations: {e: {steps: [{page: [p]}]}}\n"                                               \
	"fallback: {team: a}\n"

static struct ruleset *rules;

static void teardown(void)
{
	rules_unref(rules);
	rules = NULL;
}

static void load(const char *text)
{
	struct findings findings = { .at = NULL };

	ck_assert_int_eq(rules_parse("r.yaml", text, strlen(text), true, &rules, &findings), 0);
	findings_fini(&findings);
}

/* Attributes of one service, for look-ups. */
static const char *attribute(void *ctx, const char *name)
{
	const char *const *pairs = ctx;

	for (; pairs[0]; pairs += 2)
		if (strcmp(pairs[0], name) == 0)
			return pairs[1];
	return NULL;
}

START_TEST(test_team_locations)
{
	static const char wrong[] = "teams: {a: {escalation: e, location: Mars}}\n" BASE_END;
	struct findings findings = { .at = NULL };

	load("teams: {a: {escalation: e}, b: {escalation: e, location: Europe/Berlin}}\n" BASE_END
	     "services: {s: {owner: b}}\n");
	ck_assert_ptr_null(rules_team(rules, "a")->location);
	ck_assert_ptr_null(rules_team(rules, "a")->zone);
	ck_assert_str_eq(rules_team(rules, "b")->location, "Europe/Berlin");
	ck_assert_ptr_nonnull(rules_team(rules, "b")->zone);
	rules_unref(rules);
	rules = NULL;
	ck_assert_int_lt(rules_parse("r.yaml", wrong, strlen(wrong), true, &rules, &findings), 0);
	ck_assert_uint_eq(findings.n, 1);
	ck_assert_str_eq(findings.at[0].code, "E037");
	ck_assert_int_eq(findings.at[0].column, 38);
	findings_fini(&findings);
}
END_TEST

/* Prefixes of globs are looked up by length, of which those from 63 bytes on share one bit. */
START_TEST(test_long_prefixes)
{
	struct buf text = BUF_INIT(1u << 16);
	char service[80];

	buf_puts(&text, BASE "services:\n");
	for (int n = 61; n <= 66; n++)
		buf_printf(&text, "  s%d: {owner: a, match: {service: '%.*s-*'}}\n", n, n - 1,
			   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	load(buf_text(&text));
	buf_fini(&text);
	for (int n = 61; n <= 66; n++) {
		char want[8];
		snprintf(service, sizeof(service), "%.*s-x", n - 1,
			 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
		snprintf(want, sizeof(want), "s%d", n);
		const struct service_rule *found =
			rules_service(rules, service, "", NULL, NULL, NULL);
		ck_assert_msg(found != NULL, "no entry for %s", service);
		ck_assert_str_eq(found->name, want);
	}
}
END_TEST

/* One of them alone: only its bit says that there is one. */
START_TEST(test_one_long_prefix)
{
	static const char as[] =
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	char text[1000], service[80];
	int n = 61 + _i;

	snprintf(text, sizeof(text), BASE "services:\n  s: {owner: a, match: {service: '%.*s*'}}\n",
		 n, as);
	load(text);
	snprintf(service, sizeof(service), "%.*sx", n, as);
	ck_assert_ptr_nonnull(rules_service(rules, service, "", NULL, NULL, NULL));
	ck_assert_ptr_null(rules_service(rules, service + 2, "", NULL, NULL, NULL));
}
END_TEST

/* An attribute decides between two teams: only of a service that such an entry may be about, and
 * only where its team is another one. */
START_TEST(test_owner_splits)
{
	load("teams: {a: {escalation: e}, b: {escalation: e}}\n"
	     "pagers: {p: {kind: console}}\n"
	     "escalations: {e: {steps: [{page: [p]}]}}\n"
	     "fallback: {team: a}\n"
	     "services:\n"
	     "  ledger: {owner: a}\n"
	     "  ledger-eu: {owner: b, match: {service: ledger, namespace: shop, region: eu}}\n");
	const struct team *a = rules_service(rules, "ledger", "", NULL, NULL, NULL)->owner;
	const char *const eu[] = { "region", "eu", NULL, NULL };
	const struct service_rule *other =
		rules_service(rules, "ledger", "shop", attribute, (void *)(uintptr_t)eu, NULL);
	ck_assert_str_eq(other->owner->name, "b");
	ck_assert(rules_owner_splits(rules, "ledger", "shop", a));
	ck_assert(!rules_owner_splits(rules, "ledger", "shop", other->owner));
	ck_assert(!rules_owner_splits(rules, "ledger", "bank", a));
	ck_assert(!rules_owner_splits(rules, "ledger", NULL, a));
	ck_assert(!rules_owner_splits(rules, "cart", "shop", a));
	ck_assert(!rules_owner_splits(rules, NULL, NULL, a));
}
END_TEST

/* Attributes that signals ask for, each once. */
START_TEST(test_attr_names)
{
	size_t n;

	load(BASE "signals:\n"
		  "  s1: {alerts: {a: b}, span: {service: x, attrs: {zone: z, region: r}}}\n"
		  "  s2: {alerts: {a: c}, span: {service: x, attrs: {host: h, zone: y}}}\n"
		  "  s3: {alerts: {a: d}, span: {service: x, attrs: {region: q}}}\n");
	const char *const *names = rules_attr_names(rules, &n);
	size_t zones = 0, regions = 0, hosts = 0;
	for (size_t i = 0; i < n; i++) {
		zones += strcmp(names[i], "zone") == 0;
		regions += strcmp(names[i], "region") == 0;
		hosts += strcmp(names[i], "host") == 0;
	}
	ck_assert_uint_eq(zones, 1);
	ck_assert_uint_eq(regions, 1);
	ck_assert_uint_eq(hosts, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lookups");
	TCase *tests = tcase_create("lookups");

	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, test_team_locations);
	tcase_add_test(tests, test_long_prefixes);
	tcase_add_loop_test(tests, test_one_long_prefix, 0, 6);
	tcase_add_test(tests, test_owner_splits);
	tcase_add_test(tests, test_attr_names);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
