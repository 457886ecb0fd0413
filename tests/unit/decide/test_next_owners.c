/*
 * The teams beside the paged one: those to which "not ours" leads, in their order and with the
 * words why, and the team whose operation fails, where a route notifies it. Alerts are about
 * checkout, of team shop; each trace shows one service that fails below it.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/shop.h"
#include "tracepager/decide.h"
#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

static struct arena *arena;
static struct ruleset *rules;
static struct trace_set *sets[8];
static unsigned int nsets;

static const char rules_text[] =
	"teams:\n"
	"  shop: {escalation: shop}\n"
	"  money: {escalation: money}\n"
	"  dba: {escalation: money}\n"
	"  search: {escalation: money}\n"
	"  sre: {escalation: money}\n"
	"pagers:\n"
	"  shop-phone: {kind: console}\n"
	"  shop-chat: {kind: console}\n"
	"  money-phone: {kind: console}\n"
	"  chat: {kind: console}\n"
	"escalations:\n"
	"  shop: {steps: [{page: [shop-phone, chat], wait: 5m}, {page: [shop-chat]}]}\n"
	"  money: {steps: [{page: [money-phone, chat]}]}\n"
	"services:\n"
	"  checkout: {owner: shop}\n"
	"  cart: {owner: shop}\n"
	"  ledger: {owner: money}\n"
	"  catalog: {owner: search, match: {service: catalog, region: north}}\n"
	"  catalog-south: {owner: dba, match: {service: catalog, region: south}}\n"
	"  ledger-db: {owner: dba, peers: [ledger-db.internal]}\n"
	"  edge: {owner: sre}\n"
	"signals:\n"
	"  refunds:\n"
	"    alerts: {alertname: RefundsFail}\n"
	"    span: {service: checkout, operation: \"POST /orders\"}\n"
	"    owner: search\n"
	"fallback: {team: sre}\n";

static void load(const char *more)
{
	CLEANUP_FREE char *text = xasprintf("%s%s", rules_text, more);
	struct findings findings = { 0 };

	rules_unref(rules);
	ck_assert_int_eq(rules_parse("rules.yaml", text, strlen(text), false, &rules, &findings),
			 0);
	findings_fini(&findings);
}

static void setup(void)
{
	arena = arena_new(1 << 24);
	rules = NULL;
	nsets = 0;
	load("");
}

static void teardown(void)
{
	while (nsets)
		trace_set_free(sets[--nsets]);
	rules_unref(rules);
	arena_free(arena);
}

/* checkout calls the service, which fails; "HOST!" is a callee without spans. */
static const struct trace *failing(const char *service)
{
	CLEANUP_FREE char *host = xstrndup(service, strcspn(service, "!"));
	CLEANUP_FREE char *id = xasprintf("t%u", nsets);
	const bool bare = strchr(service, '!') != NULL;
	const struct shop_span rows[] = {
		{ "1", NULL, "checkout", "POST /orders", SPAN_SERVER, 0, 100, "failed", NULL },
		{ "2", "1", "checkout", "call", SPAN_CLIENT, 10, 80, "refused",
		  bare ? host : NULL },
		{ "3", "2", service, "work", SPAN_SERVER, 20, 60, "disk is full", NULL },
	};

	ck_assert_uint_lt(nsets, ARRAY_LEN(sets));
	sets[nsets] = shop_trace(id, rows, bare ? 2 : 3);
	return &sets[nsets++]->traces[0];
}

/* services: those that fail, one for each trace, with blanks between. */
static void decide_on(const char *alertname, const char *services, struct decision *ret_decision)
{
	struct label labels[] = { { "alertname", alertname }, { "service", "checkout" } };
	const struct alert alert = { .sender = "am1",
				     .family = "prometheus",
				     .fingerprint = "00ff",
				     .labels = { arena_array(arena, 2, sizeof(labels[0])), 2 },
				     .generator_url = "" };
	const struct trace *traces[ARRAY_LEN(sets)];
	unsigned int n = 0;

	memcpy(alert.labels.at, labels, sizeof(labels));
	for (; *services; services += strcspn(services, " "), services += *services == ' ') {
		CLEANUP_FREE char *one = xstrndup(services, strcspn(services, " "));
		traces[n++] = failing(one);
	}
	decide(arena,
	       &(struct decide_input){ .alert = &alert,
				       .traces = traces,
				       .ntraces = n,
				       .rules = rules,
				       .mode = WALK_AUTO,
				       .now_us = 1 },
	       ret_decision);
}

static const struct {
	const char *alertname, *services;
	const char *team; /* that is paged */
	const char *next;
} cases[] = {
	{ "OrdersFail", "ledger", "money", "shop\towns checkout, whose operation fails" },
	{ "RefundsFail", "ledger", "money", "search\towns refunds, whose operation fails" },
	/* The owner of the operation is paged already. */
	{ "OrdersFail", "cart", "shop", "" },
	/* Runners-up come first, each team once; attributes of the resource count. */
	{ "OrdersFail", "ledger ledger ledger ledger catalog", "money",
	  "search\towns catalog, a runner-up (1 of 5 traces)\n"
	  "shop\towns checkout, whose operation fails" },
	{ "OrdersFail", "ledger ledger ledger ledger cart", "money",
	  "shop\towns cart, a runner-up (1 of 5 traces)" },
	/* A callee is found by its peer names. */
	{ "OrdersFail", "ledger ledger ledger ledger ledger-db.internal!", "money",
	  "dba\towns ledger-db.internal, a runner-up (1 of 5 traces)\n"
	  "shop\towns checkout, whose operation fails" },
	/* Nobody owns stock; the fallback team always comes behind all others. */
	{ "OrdersFail", "ledger ledger ledger ledger stock", "money",
	  "shop\towns checkout, whose operation fails" },
	{ "OrdersFail", "ledger ledger ledger ledger edge", "money",
	  "shop\towns checkout, whose operation fails" },
	{ "OrdersFail", "stock", "sre", "shop\towns checkout, whose operation fails" },
	/* Without a verdict, the best candidate is the first. */
	{ "OrdersFail", "ledger catalog", "shop",
	  "search\towns catalog, a candidate (1 of 2 traces)\n"
	  "money\towns ledger, a candidate (1 of 2 traces)" },
	{ "OrdersFail", "", "shop", "" },
};

START_TEST(not_ours_leads_to)
{
	struct decision d;

	decide_on(cases[_i].alertname, cases[_i].services, &d);
	ck_assert_str_eq(d.team->name, cases[_i].team);
	ck_assert_str_eq(d.page.next_owners, cases[_i].next);
}
END_TEST

/* A route pages another team: then the suspect's owner is the next. */
START_TEST(a_route_s_team_hands_on_to_the_owner)
{
	struct decision d;

	load("routes:\n  - {when: {severity: '*'}, team: dba}\n");
	decide_on("OrdersFail", "ledger ledger ledger ledger catalog", &d);
	ck_assert_str_eq(d.team->name, "dba");
	ck_assert_str_eq(d.page.next_owners, "money\towns ledger, the suspect\n"
					     "search\towns catalog, a runner-up (1 of 5 traces)\n"
					     "shop\towns checkout, whose operation fails");
}
END_TEST

static const struct {
	const char *routes, *services;
	const char *pagers; /* also notified, with blanks between */
	bool told;
} notified[] = {
	{ "{when: {a: ''}, also_notify: entry-owner}", "ledger", "shop-phone", true },
	/* After the route's own pagers; those of the paged team's first step get the page anyway.
	 */
	{ "{when: {a: ''}, also_notify: [entry-owner, shop-chat]}", "ledger",
	  "shop-chat shop-phone", true },
	{ "{when: {a: ''}, also_notify: [shop-phone, entry-owner]}", "ledger", "shop-phone",
	  false },
	/* The paged team owns the operation. */
	{ "{when: {a: ''}, also_notify: entry-owner}", "cart", "", false },
	{ "{when: {a: ''}, also_notify: entry-owner}", "", "", false },
	/* The route names the pagers that are paged. */
	{ "{when: {a: ''}, also_notify: entry-owner, pagers: [shop-phone]}", "ledger", "chat",
	  true },
	{ "{when: {a: ''}, also_notify: entry-owner, team: shop}", "ledger", "", false },
};

START_TEST(the_owner_of_the_operation_is_notified)
{
	CLEANUP_FREE char *routes = xasprintf("routes:\n  - %s\n", notified[_i].routes);
	struct buf pagers = BUF_INIT(1024);
	struct decision d;
	bool told = false;

	load(routes);
	decide_on("OrdersFail", notified[_i].services, &d);
	for (size_t i = 0; i < d.routing.nalso_notify; i++)
		buf_printf(&pagers, "%s%s", i ? " " : "", d.routing.also_notify[i]->name);
	ck_assert_str_eq(buf_text(&pagers), notified[_i].pagers);
	for (size_t i = 0; i < d.nowner_reasons; i++)
		told |= strcmp(d.owner_reasons[i],
			       "team shop owns checkout, whose operation fails: it is notified "
			       "too") == 0;
	ck_assert(told == notified[_i].told);
	buf_fini(&pagers);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("next_owners");
	TCase *tests = tcase_create("next_owners");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, not_ours_leads_to, 0, ARRAY_LEN(cases));
	tcase_add_test(tests, a_route_s_team_hands_on_to_the_owner);
	tcase_add_loop_test(tests, the_owner_of_the_operation_is_notified, 0, ARRAY_LEN(notified));
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
