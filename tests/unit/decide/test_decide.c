/* Tests of decide(): the suspect, its owner, the key of the incident. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/shop.h"
#include "tracepager/decide.h"
#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

static struct arena *arena;
static struct ruleset *rules;
static struct trace_set *sets[4];
static unsigned int nsets;
static struct silence_set *held_silences;

static const char rules_text[] = "teams:\n"
				 "  shop: {escalation: all}\n"
				 "  money: {escalation: all}\n"
				 "  dba: {escalation: all}\n"
				 "  sre: {escalation: all}\n"
				 "pagers: {out: {kind: console}}\n"
				 "escalations: {all: {steps: [{page: [out]}]}}\n"
				 "services:\n"
				 "  checkout: {owner: shop}\n"
				 "  ledger: {owner: money}\n"
				 "  ledger-db: {owner: dba, peers: [ledger-db.internal]}\n"
				 "  anything: {owner: shop, match: {service: \"unknown*\"}}\n"
				 "  unknown_service:node: {owner: dba}\n"
				 "signals:\n"
				 "  refunds:\n"
				 "    alerts: {alertname: RefundsFail}\n"
				 "    span: {service: \"check*\", operation: \"POST /refunds\"}\n"
				 "    owner: money\n"
				 "routes:\n"
				 "  - when: {severity: info}\n"
				 "    page: none\n"
				 "fallback: {team: sre}\n";

static void setup(void)
{
	struct findings findings = { 0 };

	arena = arena_new(1 << 24);
	nsets = 0;
	ck_assert_int_eq(
		rules_parse("rules.yaml", rules_text, strlen(rules_text), false, &rules, &findings),
		0);
	findings_fini(&findings);
}

static void teardown(void)
{
	silence_set_unref(held_silences);
	held_silences = NULL;
	while (nsets)
		trace_set_free(sets[--nsets]);
	rules_unref(rules);
	arena_free(arena);
}

/* Load the rules with one more part. */
static void add_rules(const char *part)
{
	struct findings findings = { 0 };
	char *text = xasprintf("%s%s", rules_text, part);

	rules_unref(rules);
	ck_assert_int_eq(rules_parse("rules.yaml", text, strlen(text), false, &rules, &findings),
			 0);
	findings_fini(&findings);
	free(text);
}

static const struct trace *trace_of(const struct shop_span *rows, size_t n)
{
	sets[nsets] = shop_trace(nsets ? "t2" : "t1", rows, n);
	return &sets[nsets++]->traces[0];
}

/* checkout calls `service`, which fails; without spans of its own it is named by the call's peer.
 */
static const struct trace *failing(const char *service, const char *peer)
{
	const struct shop_span rows[] = {
		{ "1", NULL, "checkout", "POST /orders", SPAN_SERVER, 0, 100, "failed", NULL },
		{ "2", "1", "checkout", "call", SPAN_CLIENT, 10, 80, "connection refused", peer },
		{ "3", "2", service, "work", SPAN_SERVER, 20, 60, "disk is full", NULL },
	};
	return trace_of(rows, service ? 3 : 2);
}

static struct alert orders = {
	.sender = "am1",
	.family = "prometheus",
	.fingerprint = "0011223344556677",
	.labels = { (struct label[]){ { "alertname", "OrdersFail" }, { "service", "checkout" } },
		    2 },
	.generator_url = "",
};

static struct decision decided(const struct alert *alert, const struct trace *const *traces,
			       unsigned int n)
{
	struct decision decision;

	decide(arena,
	       &(struct decide_input){ .alert = alert,
				       .traces = traces,
				       .ntraces = n,
				       .rules = rules,
				       .mode = WALK_AUTO,
				       .now_us = 1 },
	       &decision);
	return decision;
}

START_TEST(the_suspect_s_owner_is_paged)
{
	const struct trace *trace = failing("ledger", NULL);
	struct decision d = decided(&orders, &trace, 1);

	ck_assert(d.verdict.found);
	ck_assert_str_eq(d.verdict.suspect.service, "ledger");
	ck_assert_str_eq(d.team->name, "money");
	ck_assert_str_eq(d.service->name, "ledger");
	ck_assert_str_eq(d.rule, d.service->place);
	ck_assert_str_eq(d.incident_key, "suspect//ledger//");
	ck_assert_int_eq(d.verdict.fallback, FALLBACK_NONE);
	ck_assert_str_eq(d.page.component, "ledger");
	ck_assert_str_eq(d.page.group, "money");
	ck_assert_str_eq(d.page.origin, "checkout");
	ck_assert_str_eq(d.page.kind, "span");
	ck_assert_int_eq(d.page.severity, SEVERITY_ERROR);
	ck_assert_int_eq(d.page.at_us, 1);
}
END_TEST

START_TEST(an_owned_callee_is_the_suspect)
{
	const struct trace *trace = failing(NULL, "ledger-db.internal");
	struct decision d = decided(&orders, &trace, 1);

	ck_assert(d.verdict.found);
	ck_assert_str_eq(d.verdict.suspect.service, "ledger-db");
	ck_assert_int_eq(d.verdict.suspect.kind, SUSPECT_PEER);
	ck_assert_str_eq(d.verdict.suspect.callee, "ledger-db.internal");
	ck_assert_double_eq_tol(d.verdict.confidence, 0.9, 1e-9);
	ck_assert_str_eq(d.team->name, "dba");
	ck_assert_str_eq(d.incident_key, "suspect//ledger-db//");
	const struct walk *walk = &d.walks[0];
	ck_assert_uint_gt(walk->nreasons, 0);
	ck_assert_ptr_nonnull(
		strstr(walk->reasons[walk->nreasons - 1], "ledger-db by the rules (rules.yaml:"));
}
END_TEST

/* The rules list the host without a port: it is told as they write it. */
START_TEST(an_owned_callee_is_told_as_the_rules_name_it)
{
	const struct trace *trace = failing(NULL, "ledger-db.internal:5432");
	struct decision d = decided(&orders, &trace, 1);

	ck_assert_str_eq(d.verdict.suspect.service, "ledger-db");
	ck_assert_str_eq(d.verdict.suspect.callee, "ledger-db.internal");
	ck_assert_str_eq(d.team->name, "dba");
}
END_TEST

START_TEST(an_owned_callee_that_held_up_its_caller_is_the_suspect)
{
	const struct shop_span rows[] = {
		{ "1", NULL, "checkout", "POST /orders", SPAN_SERVER, 0, 1000, "timeout", NULL },
		{ "2", "1", "checkout", "call", SPAN_CLIENT, 10, 980, "timeout", NULL },
		{ "3", "2", "ledger", "POST /entries", SPAN_SERVER, 20, 4000, NULL, NULL },
		{ "4", "3", "ledger", "SELECT", SPAN_CLIENT, 30, 3900, NULL, "ledger-db.internal" },
	};
	const struct trace *trace = trace_of(rows, 4);
	struct decision d = decided(&orders, &trace, 1);

	ck_assert(d.verdict.found);
	ck_assert_int_eq(d.verdict.suspect.kind, SUSPECT_SLOW);
	ck_assert_str_eq(d.verdict.suspect.service, "ledger-db");
	ck_assert_str_eq(d.verdict.suspect.callee, "ledger-db.internal");
	ck_assert_double_eq_tol(d.verdict.confidence, 0.8, 1e-9);
	ck_assert_str_eq(d.team->name, "dba");
	ck_assert_str_eq(d.incident_key, "suspect//ledger-db//");
}
END_TEST

START_TEST(an_unowned_callee_leaves_the_caller)
{
	const struct trace *trace = failing(NULL, "cache.internal");
	struct decision d = decided(&orders, &trace, 1);

	ck_assert(d.verdict.found);
	ck_assert_str_eq(d.verdict.suspect.service, "checkout");
	ck_assert_str_eq(d.verdict.suspect.callee, "cache.internal");
	ck_assert_double_eq_tol(d.verdict.confidence, 0.6, 1e-9);
	ck_assert_str_eq(d.team->name, "shop");
}
END_TEST

START_TEST(an_unowned_suspect_goes_to_the_fallback)
{
	const struct trace *trace = failing("tax", NULL);
	struct decision d = decided(&orders, &trace, 1);

	ck_assert(d.verdict.found);
	ck_assert_str_eq(d.verdict.suspect.service, "tax");
	ck_assert_int_eq(d.verdict.fallback, FALLBACK_NO_OWNER);
	ck_assert_str_eq(d.team->name, "sre");
	ck_assert_ptr_null(d.service);
	ck_assert_str_eq(d.incident_key, "suspect//tax//");
}
END_TEST

/* A service without a name has no owner, even if a glob matches "unknown_service". */
START_TEST(an_unknown_service_is_unowned)
{
	const struct trace *trace = failing("unknown_service:java", NULL);
	struct decision d = decided(&orders, &trace, 1);

	ck_assert(d.verdict.found);
	ck_assert_int_eq(d.verdict.fallback, FALLBACK_NO_OWNER);
	ck_assert_str_eq(d.team->name, "sre");
}
END_TEST

START_TEST(an_unknown_signal_is_unowned)
{
	struct alert alert = orders;

	alert.labels = (struct labels){ (struct label[]){ { "alertname", "OrdersFail" },
							  { "service", "unknown_service:java" } },
					2 };
	struct decision d = decided(&alert, NULL, 0);
	ck_assert_ptr_null(d.service);
	ck_assert_str_eq(d.team->name, "sre");
}
END_TEST

/* The same if a span, not the alert, tells the signal's service. */
START_TEST(an_unknown_root_is_unowned)
{
	const struct shop_span rows[] = {
		{ "1", NULL, "unknown_service:java", "GET /", SPAN_SERVER, 0, 9, NULL, NULL },
	};
	const struct trace *trace = trace_of(rows, 1);
	struct decision d = decided(NULL, &trace, 1);

	ck_assert(!d.verdict.found);
	ck_assert_str_eq(d.signal.service, "unknown_service:java");
	ck_assert_str_eq(d.team->name, "sre");
}
END_TEST

/* A caller may name its peer unknown_service: that is no name either. */
START_TEST(an_unknown_callee_is_unowned)
{
	const struct trace *trace = failing(NULL, "unknown_service:node");
	struct decision d = decided(&orders, &trace, 1);

	ck_assert(d.verdict.found);
	ck_assert_str_eq(d.verdict.suspect.service, "checkout");
	ck_assert_str_eq(d.team->name, "shop");
}
END_TEST

/* No rule knows the name "books.internal"; in a healthy trace ledger answers to it. */
START_TEST(healthy_traces_tell_the_owner_of_a_name)
{
	const struct shop_span rows[] = {
		{ "1", NULL, "checkout", "POST /orders", SPAN_SERVER, 0, 100, NULL, NULL },
		{ "2", "1", "checkout", "call", SPAN_CLIENT, 10, 80, NULL, "books.internal" },
		{ "3", "2", "ledger", "work", SPAN_SERVER, 20, 60, NULL, NULL },
	};
	struct evidence_set *healthy = evidence_new(1 << 20);
	const struct trace *trace;
	struct decision d;

	ck_assert(evidence_add_trace(healthy, trace_of(rows, 3), NULL));
	trace = failing(NULL, "books.internal");
	decide(arena,
	       &(struct decide_input){ .alert = &orders,
				       .traces = &trace,
				       .ntraces = 1,
				       .healthy = healthy,
				       .rules = rules,
				       .now_us = 1 },
	       &d);
	ck_assert(d.verdict.found);
	ck_assert_str_eq(d.verdict.suspect.service, "ledger");
	ck_assert_str_eq(d.verdict.suspect.callee, "books.internal");
	ck_assert_str_eq(d.team->name, "money");
	ck_assert_double_eq_tol(d.verdict.confidence, 0.9, 1e-9);
	/* Without healthy traces the caller's team is paged. */
	d = decided(&orders, &trace, 1);
	ck_assert_str_eq(d.verdict.suspect.service, "checkout");
	evidence_free(healthy);
}
END_TEST

START_TEST(without_a_trace_the_signal_s_service_is_paged)
{
	struct decision d = decided(&orders, NULL, 0);

	ck_assert(!d.verdict.found);
	ck_assert_int_eq(d.verdict.fallback, FALLBACK_NO_TRACE);
	ck_assert_str_eq(d.team->name, "shop");
	ck_assert_str_eq(d.incident_key, "group/OrdersFail/checkout///shop");
	ck_assert_str_eq(d.page.kind, "no_trace");
	ck_assert_str_eq(d.page.component, "");
}
END_TEST

START_TEST(the_signal_rule_s_owner_comes_first)
{
	struct alert alert = orders;

	alert.labels = (struct labels){ (struct label[]){ { "alertname", "RefundsFail" } }, 1 };
	struct decision d = decided(&alert, NULL, 0);
	ck_assert_str_eq(d.team->name, "money");
	ck_assert_str_eq(d.signal_rule->name, "refunds");
	ck_assert_str_eq(d.rule, d.signal_rule->place);
	ck_assert_str_eq(d.incident_key, "signal/refunds/money");
}
END_TEST

START_TEST(an_alert_about_nothing_traced_is_the_fallback_s)
{
	struct alert alert = orders;

	alert.labels = (struct labels){
		(struct label[]){ { "alertname", "Disk/Full" }, { "instance", "db" } }, 2
	};
	struct decision d = decided(&alert, NULL, 0);
	ck_assert(!d.has_signal);
	ck_assert_int_eq(d.verdict.fallback, FALLBACK_NO_SIGNAL);
	ck_assert_str_eq(d.team->name, "sre");
	ck_assert_str_eq(d.incident_key, "group/Disk%2FFull////sre");
}
END_TEST

START_TEST(why_a_trace_is_missing_is_told)
{
	struct decision d;

	decide(arena,
	       &(struct decide_input){ .alert = &orders,
				       .rules = rules,
				       .missing = FALLBACK_SOURCE_ERROR,
				       .missing_text = "jaeger answered HTTP 503" },
	       &d);
	ck_assert_int_eq(d.verdict.fallback, FALLBACK_SOURCE_ERROR);
	ck_assert_str_eq(d.verdict.fallback_text, "jaeger answered HTTP 503");
	ck_assert_ptr_nonnull(strstr(d.page.banner, "jaeger answered HTTP 503"));
	ck_assert_str_eq(d.page.kind, "source_error");
}
END_TEST

START_TEST(a_route_can_send_no_page)
{
	struct alert alert = orders;
	const struct trace *trace = failing("ledger", NULL);

	alert.labels = (struct labels){ (struct label[]){ { "alertname", "OrdersFail" },
							  { "service", "checkout" },
							  { "severity", "info" } },
					3 };
	struct decision d = decided(&alert, &trace, 1);
	ck_assert(d.no_page);
	ck_assert_ptr_nonnull(d.routing.no_page);
	ck_assert_str_eq(d.team->name, "money");
	ck_assert_ptr_nonnull(
		strstr(d.owner_reasons[d.nowner_reasons - 1], d.routing.no_page->place));
}
END_TEST

START_TEST(without_rules_nobody_owns_and_nothing_is_missing)
{
	const struct trace *trace = failing("tax", NULL);
	struct decision d;

	decide(arena, &(struct decide_input){ .traces = &trace, .ntraces = 1, .mode = WALK_ERRORS },
	       &d);
	ck_assert(d.verdict.found);
	ck_assert_int_eq(d.verdict.fallback, FALLBACK_NONE);
	ck_assert_ptr_null(d.team);
	ck_assert_ptr_null(d.rule);
	ck_assert(!d.has_alert);
	ck_assert(d.has_signal);
	ck_assert_str_eq(d.signal.from, "trace root");
	ck_assert_str_eq(d.signal.service, "checkout");
	ck_assert_str_eq(d.signal.operation, "POST /orders");
}
END_TEST

START_TEST(a_given_signal_has_not_the_rule_s_owner)
{
	struct alert alert = orders;
	const struct signal signal = { .service = "ledger", .from = "option" };
	struct decision d;

	alert.labels = (struct labels){ (struct label[]){ { "alertname", "RefundsFail" } }, 1 };
	decide(arena, &(struct decide_input){ .alert = &alert, .signal = &signal, .rules = rules },
	       &d);
	ck_assert_ptr_null(d.signal_rule);
	ck_assert_str_eq(d.signal.from, "option");
	ck_assert_str_eq(d.team->name, "money");
	ck_assert_str_eq(d.service->name, "ledger");
}
END_TEST

START_TEST(traces_that_disagree_page_the_signal_s_owner)
{
	const struct trace *traces[] = { failing("ledger", NULL), failing("tax", NULL) };
	struct decision d = decided(&orders, traces, 2);

	/* 0.95 * 1/2 is below 0.5. */
	ck_assert(!d.verdict.found);
	ck_assert_int_eq(d.verdict.fallback, FALLBACK_LOW_CONFIDENCE);
	ck_assert_uint_eq(d.verdict.nrunners_up, 2);
	ck_assert_str_eq(d.team->name, "shop");
	ck_assert_str_eq(d.incident_key, "group/OrdersFail/checkout///shop");
}
END_TEST

static const char *key_of(struct label *labels, size_t n, const char *fingerprint)
{
	struct alert alert = orders;

	alert.labels = (struct labels){ labels, n };
	alert.fingerprint = fingerprint;
	return decided(&alert, NULL, 0).incident_key;
}

/* Alerts that share only their service belong to different incidents. */
START_TEST(alerts_about_a_service_have_incidents_of_their_own)
{
	struct label clock[] = { { "alertname", "NodeClockSkew" }, { "service", "ledger" } };
	struct label disk[] = { { "alertname", "NodeDiskFull" }, { "service", "ledger" } };
	struct label other[] = { { "alertname", "NodeDiskFull" },
				 { "instance", "two" },
				 { "service", "ledger" } };
	struct label unnamed[] = { { "service", "ledger" } };

	ck_assert_str_eq(key_of(clock, 2, "f1"), "group/NodeClockSkew/ledger///money");
	ck_assert_str_eq(key_of(disk, 2, "f2"), "group/NodeDiskFull/ledger///money");
	ck_assert_str_eq(key_of(other, 3, "f3"), "group/NodeDiskFull/ledger///money");
	ck_assert_str_eq(key_of(unnamed, 1, "f4"), "alert/prometheus/f4/money");
}
END_TEST

/* A sender that is declared with group: theirs: what its Alertmanager grouped is one incident. */
START_TEST(a_sender_s_own_group_is_kept)
{
	struct label clock[] = { { "alertname", "NodeClockSkew" } };
	struct label disk[] = { { "alertname", "NodeDiskFull" } };
	struct alert a = orders, b = orders;

	a.labels = (struct labels){ clock, 1 };
	b.labels = (struct labels){ disk, 1 };
	a.group_key = b.group_key = "{}:{cluster=\"eu/1\"}";
	ck_assert_str_eq(decided(&a, NULL, 0).incident_key, "theirs/{}:{cluster=\"eu%2F1\"}/sre");
	ck_assert_str_eq(decided(&b, NULL, 0).incident_key, "theirs/{}:{cluster=\"eu%2F1\"}/sre");
}
END_TEST

/* Alerts about one operation belong to one incident, whatever their names. */
START_TEST(alerts_about_an_operation_share_their_incident)
{
	struct label errors[] = { { "alertname", "Errors" },
				  { "service", "ledger" },
				  { "span_name", "Book" } };
	struct label slow[] = { { "alertname", "Slow" },
				{ "service", "ledger" },
				{ "span_name", "Book" } };

	ck_assert_str_eq(key_of(errors, 3, "f1"), "operation//ledger/Book/money");
	ck_assert_str_eq(key_of(slow, 3, "f2"), "operation//ledger/Book/money");
}
END_TEST

/* Different lists of parts have different keys. */
/* ---- silences made at run time ---- */

/* The decision under one such silence of an hour; 1 us is now. */
static struct decision decided_silenced(const char *json, const struct trace *const *traces,
					unsigned int n)
{
	struct silence_spec spec = { .id = "3f2a9b1c",
				     .suspect = "",
				     .team = "",
				     .ends_us = US_PER_HOUR,
				     .author = "ann",
				     .reason = "deploy",
				     .ended_by = "" };
	struct made_silence *silence;
	struct decision decision;
	struct err err;

	ck_assert_int_eq(silence_spec_read(arena, json, strlen(json), true, &spec, &err), 0);
	ck_assert_int_eq(made_silence_new(&spec, &silence, &err), 0);
	struct silence_set *set = silence_set_new(&silence, 1);
	made_silence_unref(silence);
	decide(arena,
	       &(struct decide_input){ .alert = &orders,
				       .traces = traces,
				       .ntraces = n,
				       .rules = rules,
				       .silences = set,
				       .mode = WALK_AUTO,
				       .now_us = 1 },
	       &decision);
	silence_set_unref(held_silences); /* the decision borrows from its set */
	held_silences = set;
	return decision;
}

static const struct {
	const char *json;
	bool holds;
} silences[] = {
	{ "{\"matchers\": [\"alertname=OrdersFail\"]}", true },
	{ "{\"matchers\": [\"alertname=Other\"]}", false },
	{ "{\"suspect\": \"led*\"}", true },
	{ "{\"suspect\": \"checkout\"}", false }, /* the signal's service */
	{ "{\"team\": \"money\"}", true },
	{ "{\"team\": \"shop\"}", false },
	{ "{\"suspect\": \"ledger\", \"team\": \"shop\"}", false },
};

START_TEST(a_silence_made_at_run_time_pages_nobody)
{
	const struct trace *trace = failing("ledger", NULL);
	struct decision d = decided_silenced(silences[_i].json, &trace, 1);

	ck_assert_msg(d.no_page == silences[_i].holds, "%s", silences[_i].json);
	ck_assert_str_eq(d.team->name, "money");
	if (!silences[_i].holds)
		return;
	ck_assert_str_eq(d.silence_id, "3f2a9b1c");
	ck_assert_int_eq(d.again_us, US_PER_HOUR);
	ck_assert_str_eq(d.owner_reasons[d.nowner_reasons - 1],
			 "silenced until 1970-01-01T01:00:00Z by ann: deploy (silence 3f2a9b1c)");
	ck_assert_uint_gt(d.trail.nmatched, 0);
	ck_assert_str_eq(d.trail.matched[d.trail.nmatched - 1].place, "silence 3f2a9b1c");
}
END_TEST

/* The team that a route gives it to is the one that would be paged. */
START_TEST(a_silence_of_a_team_follows_the_routes)
{
	const struct trace *trace = failing("ledger", NULL);

	ck_assert(!decided_silenced("{\"team\": \"dba\"}", &trace, 1).no_page);
	struct findings findings = { 0 };
	char *text = xasprintf("%s", rules_text);
	char *at = strstr(text, "    page: none\n");
	memcpy(at, "    team: dba \n", strlen("    page: none\n"));
	memcpy(strstr(text, "severity: info"), "owner: money  ", strlen("severity: info"));
	rules_unref(rules);
	ck_assert_int_eq(rules_parse("rules.yaml", text, strlen(text), false, &rules, &findings),
			 0);
	findings_fini(&findings);
	free(text);
	ck_assert(decided_silenced("{\"team\": \"dba\"}", &trace, 1).no_page);
	ck_assert(!decided_silenced("{\"team\": \"money\"}", &trace, 1).no_page);
}
END_TEST

/* Of a silence of the rules and one made at run time, the one that ends last tells when to decide
 * again. */
START_TEST(the_silence_that_ends_last_counts)
{
	add_rules("silences: [{matchers: {alertname: OrdersFail}, ends: 1970-01-01T00:30:00Z, "
		  "reason: work, author: ops}]\n");
	struct decision d = decided_silenced("{\"matchers\": [\"alertname=OrdersFail\"]}", NULL, 0);
	ck_assert_int_eq(d.again_us, US_PER_HOUR);
	ck_assert_str_eq(d.silence_id, "3f2a9b1c");
	add_rules("silences: [{matchers: {alertname: OrdersFail}, ends: 1970-01-01T01:30:00Z, "
		  "reason: work, author: ops}]\n");
	d = decided_silenced("{\"matchers\": [\"alertname=OrdersFail\"]}", NULL, 0);
	ck_assert_int_eq(d.again_us, US_PER_HOUR * 3 / 2);
	ck_assert_ptr_null(d.silence_id);
}
END_TEST

START_TEST(a_suspect_s_silence_needs_a_suspect)
{
	ck_assert(!decided_silenced("{\"suspect\": \"*\", \"all\": true}", NULL, 0).no_page);
	ck_assert(decided_silenced("{\"team\": \"shop\"}", NULL, 0).no_page);
}
END_TEST

START_TEST(keys_do_not_collide)
{
	struct alert one = orders, other = orders;

	one.labels =
		(struct labels){ (struct label[]){ { "service", "a/b" }, { "span_name", "c" } },
				 2 };
	other.labels =
		(struct labels){ (struct label[]){ { "service", "a" }, { "span_name", "b/c" } },
				 2 };
	struct decision a = decided(&one, NULL, 0), b = decided(&other, NULL, 0);
	ck_assert_str_eq(a.incident_key, "operation//a%2Fb/c/sre");
	ck_assert_str_eq(b.incident_key, "operation//a/b%2Fc/sre");
}
END_TEST

/* An alert about pods has no signal; the service that it names owns it all the same. */
START_TEST(an_alert_about_pods_is_its_service_s)
{
	struct alert alert = {
		.family = "prometheus",
		.generator_url = "http://p/graph?g0.expr=kube_pod_status_ready+%3D%3D+0",
		.labels = { (struct label[]){ { "alertname", "PodNotReady" },
					      { "deployment", "ledger" } },
			    2 },
	};
	struct decide_input input = { .alert = &alert };
	struct decision decision;

	input.rules = rules;
	decide(arena, &input, &decision);
	ck_assert(!decision.has_signal);
	ck_assert_int_eq(decision.verdict.fallback, FALLBACK_NO_SIGNAL);
	ck_assert_str_eq(decision.team->name, "money");
}
END_TEST

/* With owner_attribute, a service without an entry names its team by an attribute. */
START_TEST(owner_by_an_attribute)
{
	const struct trace *trace = failing("dba", NULL);
	struct decide_input input = { .traces = &trace, .ntraces = 1, .rules = rules };
	struct decision decision;

	decide(arena, &input, &decision);
	ck_assert_str_eq(decision.team->name, "sre");
	ck_assert_int_eq(decision.verdict.fallback, FALLBACK_NO_OWNER);
	add_rules("defaults: {owner_attribute: service.name}\n");
	input.rules = rules;
	decide(arena, &input, &decision);
	ck_assert_str_eq(decision.team->name, "dba");
	ck_assert_int_eq(decision.verdict.fallback, FALLBACK_NONE);
	ck_assert_str_eq(decision.owner_reasons[0],
			 "no rule names an owner of dba; its service.name is team dba "
			 "(rules.yaml:4)");
}
END_TEST

/* With owner_from, the first place that names a team of the rules decides; a name that is no team
 * is told. An alert without a verdict is its label's. */
START_TEST(owner_from_the_telemetry)
{
	const struct trace *trace = failing("till", NULL);
	struct alert alert = {
		.family = "prometheus",
		.labels = { (struct label[]){ { "alertname", "X" }, { "team", "money" } }, 2 },
	};
	struct decide_input input = { .alert = &alert, .traces = &trace, .ntraces = 1 };
	struct decision decision;

	add_rules("defaults: {owner_from: [resource.service.name, span.owner, label.team]}\n");
	input.rules = rules;
	decide(arena, &input, &decision);
	ck_assert_str_eq(decision.verdict.suspect.service, "till");
	ck_assert_str_eq(decision.team->name, "money");
	ck_assert_int_eq(decision.verdict.fallback, FALLBACK_NONE);
	ck_assert_uint_eq(decision.nowner_reasons, 2);
	ck_assert_str_eq(decision.owner_reasons[0],
			 "its service.name is till, which is no team of the rules");
	ck_assert_str_eq(decision.owner_reasons[1],
			 "no rule names an owner of till; the alert's label team is team money "
			 "(rules.yaml:3)");
	/* An entry's owner comes first. */
	trace = failing("ledger-db", NULL);
	decide(arena, &input, &decision);
	ck_assert_str_eq(decision.team->name, "dba");
	/* Without a trace. */
	input.ntraces = 0;
	decide(arena, &input, &decision);
	ck_assert_str_eq(decision.team->name, "money");
	ck_assert_str_eq(decision.owner_reasons[0],
			 "no rule names an owner of the alert; the alert's label team is team "
			 "money (rules.yaml:3)");
}
END_TEST

/* Of 16 services all are shown, of 18 the first 8 and the last 8. */
START_TEST(a_long_path_is_shown_by_its_ends)
{
	static struct shop_span chain[18];
	static char names[18][8], ids[18][8];

	for (int n = 16; n <= 18; n += 2) {
		const struct trace *trace;
		struct decision d;

		for (int i = 0; i < n; i++) {
			snprintf(names[i], sizeof(names[i]), "s%d", i);
			snprintf(ids[i], sizeof(ids[i]), "%d", i + 1);
			chain[i] = (struct shop_span){ ids[i],	    i ? ids[i - 1] : NULL, names[i],
						       "x",	    SPAN_SERVER,	   i,
						       100 - 2 * i, "disk is full",	   NULL };
		}
		trace = trace_of(chain, (size_t)n);
		d = decided(&orders, &trace, 1);
		ck_assert_str_eq(
			d.page.path,
			n == 16 ? "s0 > s1 > s2 > s3 > s4 > s5 > s6 > s7 > s8 > s9 > s10 > "
				  "s11 > s12 > s13 > s14 > s15 (x)"
				: "s0 > s1 > s2 > s3 > s4 > s5 > s6 > s7 > … 2 more … > s10 > "
				  "s11 > s12 > s13 > s14 > s15 > s16 > s17 (x)");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("decide");
	TCase *tcase = tcase_create("decide");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_alert_about_pods_is_its_service_s);
	tcase_add_test(tcase, owner_by_an_attribute);
	tcase_add_test(tcase, owner_from_the_telemetry);
	tcase_add_test(tcase, the_suspect_s_owner_is_paged);
	tcase_add_test(tcase, a_long_path_is_shown_by_its_ends);
	tcase_add_test(tcase, an_owned_callee_is_the_suspect);
	tcase_add_test(tcase, an_owned_callee_is_told_as_the_rules_name_it);
	tcase_add_test(tcase, an_owned_callee_that_held_up_its_caller_is_the_suspect);
	tcase_add_test(tcase, an_unowned_callee_leaves_the_caller);
	tcase_add_test(tcase, an_unowned_suspect_goes_to_the_fallback);
	tcase_add_test(tcase, an_unknown_service_is_unowned);
	tcase_add_test(tcase, an_unknown_signal_is_unowned);
	tcase_add_test(tcase, an_unknown_root_is_unowned);
	tcase_add_test(tcase, an_unknown_callee_is_unowned);
	tcase_add_test(tcase, healthy_traces_tell_the_owner_of_a_name);
	tcase_add_test(tcase, without_a_trace_the_signal_s_service_is_paged);
	tcase_add_test(tcase, the_signal_rule_s_owner_comes_first);
	tcase_add_test(tcase, an_alert_about_nothing_traced_is_the_fallback_s);
	tcase_add_test(tcase, why_a_trace_is_missing_is_told);
	tcase_add_test(tcase, a_route_can_send_no_page);
	tcase_add_test(tcase, without_rules_nobody_owns_and_nothing_is_missing);
	tcase_add_test(tcase, a_given_signal_has_not_the_rule_s_owner);
	tcase_add_test(tcase, traces_that_disagree_page_the_signal_s_owner);
	tcase_add_test(tcase, alerts_about_a_service_have_incidents_of_their_own);
	tcase_add_test(tcase, a_sender_s_own_group_is_kept);
	tcase_add_test(tcase, alerts_about_an_operation_share_their_incident);
	tcase_add_test(tcase, keys_do_not_collide);
	tcase_add_loop_test(tcase, a_silence_made_at_run_time_pages_nobody, 0,
			    (int)ARRAY_LEN(silences));
	tcase_add_test(tcase, a_silence_of_a_team_follows_the_routes);
	tcase_add_test(tcase, the_silence_that_ends_last_counts);
	tcase_add_test(tcase, a_suspect_s_silence_needs_a_suspect);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
