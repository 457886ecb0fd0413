/* Routes, silences and defaults: what they change of a page, and the reasons of those that did
 * not match. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracepager/clock.h"
#include "tracepager/glob.h"
#include "tracepager/rules_load.h"
#include "tracepager/template.h"
#include "tracepager/xalloc.h"

/* Lines 1 to 9. */
#define BASE                                                                                       \
	"teams: {money: {escalation: money}, shop: {}}\n"                                          \
	"pagers: {a: {kind: console}, b: {kind: console}, c: {kind: console}}\n"                   \
	"escalations: {money: {steps: [{page: [a]}]}, soft: {steps: [{page: [b]}]}}\n"             \
	"defaults: {escalation: soft, severity: warning}\n"                                        \
	"services: {ledger: {owner: money, criticality: high}}\n"                                  \
	"signals: {orders: {alerts: {alertname: OrdersFail}}}\n"                                   \
	"time_intervals: {office: [{weekdays: ['monday:friday'], times: [{start_time: '09:00', "   \
	"end_time: '17:00'}]}]}\n"                                                                 \
	"fallback: {team: shop}\n"                                                                 \
	"\n"

static struct findings findings;
static struct ruleset *rules;
static struct arena *arena;
static struct rule_trail trail;
static struct routing routing;
static struct label at[8];
static struct alert alert;
static struct suspect suspect;
static struct route_input input;

static void setup(void)
{
	findings = (struct findings){ .at = NULL };
	rules = NULL;
	arena = arena_new(8u << 20);
	alert = (struct alert){ .sender = "am1", .labels = { .at = at } };
	suspect = (struct suspect){ .service = "ledger",
				    .namespace = "shop",
				    .operation = "POST /entries",
				    .kind = SUSPECT_PEER,
				    .callee = "postgresql/ledger",
				    .error = "deadlock" };
	input = (struct route_input){ .alert = &alert, .severity = SEVERITY_WARNING };
}

static void teardown(void)
{
	findings_fini(&findings);
	rules_unref(rules);
	arena_free(arena);
}

static void load(const char *more)
{
	char *text = xasprintf("%s%s", BASE, more);
	struct buf out = BUF_INIT(1u << 20);
	int result = rules_parse("r.yaml", text, strlen(text), true, &rules, &findings);

	findings_write(&findings, false, &out);
	ck_assert_msg(result == 0, "%s", buf_text(&out));
	buf_fini(&out);
	free(text);
}

static void label(const char *name, const char *value)
{
	at[alert.labels.n++] = (struct label){ name, value };
	labels_normalise(&alert.labels);
}

static int64_t wall(const char *text)
{
	int64_t us;

	ck_assert_int_eq(rfc3339_parse(text, strlen(text), &us), 0);
	return us;
}

static void ask(void)
{
	rule_trail_init(&trail, arena, false);
	rules_route(rules, &input, &trail, &routing);
}

/* The suspect, and the rules about it. */
static void find_suspect(void)
{
	input.suspect = &suspect;
	input.kind = "peer";
	input.confidence = 0.8;
	input.service = rules_service(rules, "ledger", "", NULL, NULL, NULL);
	input.owner = input.service->owner;
}

/* Each condition alone: does it hold for the suspect above? */
static const struct {
	const char *when;
	bool holds;
	const char *reason;
} conditions[] = {
	/* clang-format off */
	{ "{suspect: {service: ledger}}", true, NULL },
	{ "{suspect: {service: 'led*'}}", true, NULL },
	{ "{suspect: {service: cart}}", false, "suspect.service is ledger, not cart" },
	{ "{suspect: {service: [cart, 'l*']}}", true, NULL },
	{ "{suspect: {service: [cart, tax]}}", false, "suspect.service is ledger, not cart or tax" },
	{ "{suspect: {namespace: shop, kind: peer, callee: 'postgresql/*', error: 'dead*', criticality: high, operation: 'POST *'}}",
	  true, NULL },
	{ "{suspect: {kind: slow}}", false, "suspect.kind is peer, not slow" },
	{ "{suspect: {cloud.region: eu}}", false, "suspect.cloud.region is empty, not eu" },
	{ "{suspect: {cloud.region: ''}}", true, NULL },
	{ "{suspect: {environment: prod}}", false, "suspect.environment is empty, not prod" },
	{ "{kind: [peer, edge]}", true, NULL },
	{ "{kind: no_trace}", false, "kind is peer, not no_trace" },
	{ "{confidence: '>= 0.8'}", true, NULL },
	{ "{confidence: '> 0.8'}", false, "confidence is 0.80, not > 0.8" },
	{ "{confidence: '<0.9'}", true, NULL },
	{ "{confidence: ['>= 0.5', '<= 0.7']}", false, "confidence is 0.80, not <= 0.7" },
	{ "{confidence: '= 0.8'}", true, NULL },
	{ "{criticality: high}", true, NULL },
	{ "{owner: money}", true, NULL },
	{ "{owner: shop}", false, "owner is money, not shop" },
	{ "{sender: 'am*'}", true, NULL },
	{ "{source: am2}", false, "sender is am1, not am2" },
	{ "{signal: orders}", false, "signal is empty, not orders" },
	{ "{severity: warning}", true, NULL }, /* what the defaults say */
	{ "{severity: critical}", false, "severity is warning, not critical" },
	{ "{env: prod}", true, NULL },
	{ "{env: 'dev*'}", false, "env is prod, not dev*" },
	{ "{env: ''}", false, "env is prod, not empty" },
	{ "{host: ''}", true, NULL },
	{ "{labels: {severity: ''}, env: prod}", true, NULL }, /* the label, which the alert lacks */
	{ "{labels: ['env=~\"p.*\"'], suspect: {service: ledger}}", true, NULL },
	{ "['env!=prod']", false, "env is prod, which it must not be" },
	{ "['env=~\"d.*\"']", false, "env is prod, which does not match d.*" },
	{ "['env!~\"p.*\"']", false, "env is prod, which matches p.*" },
	{ "{time: office}", false, "the time is not in office" },
	/* clang-format on */
};

START_TEST(test_conditions)
{
	char *route = xasprintf("routes:\n  - {when: %s, severity: info}\n", conditions[_i].when);

	load(route);
	free(route);
	label("env", "prod");
	find_suspect();
	input.wall_us = wall("2026-09-05T12:00:00Z"); /* a Saturday */
	ask();
	ck_assert_int_eq(routing.nmatched == 1, conditions[_i].holds);
	ck_assert_int_eq(routing.severity, conditions[_i].holds ? SEVERITY_INFO : SEVERITY_WARNING);
	ck_assert_uint_eq(trail.nmatched + trail.nmissed, 1);
	ck_assert_str_eq(conditions[_i].holds ? trail.matched[0].place : trail.missed[0].place,
			 "r.yaml:11");
	ck_assert_str_eq(conditions[_i].holds ? trail.matched[0].reason : trail.missed[0].reason,
			 conditions[_i].holds ? "severity info" : conditions[_i].reason);
}
END_TEST

START_TEST(test_without_a_suspect)
{
	load("routes:\n  - {when: {suspect: {service: '*'}}, severity: info}\n"
	     "  - {when: {kind: no_trace}, severity: critical}\n");
	input.kind = "no_trace";
	ask();
	ck_assert_uint_eq(routing.nmatched, 1);
	ck_assert_int_eq(routing.severity, SEVERITY_CRITICAL);
	ck_assert_str_eq(trail.missed[0].reason, "there is no suspect");
}
END_TEST

START_TEST(test_time_of_day)
{
	load("routes: [{when: {time: [office]}, severity: critical}]\n");
	input.wall_us = wall("2026-09-01T09:00:00Z");
	ask();
	ck_assert_int_eq(routing.severity, SEVERITY_CRITICAL);
	input.wall_us = wall("2026-09-01T17:00:00Z");
	ask();
	ck_assert_int_eq(routing.severity, SEVERITY_WARNING);
}
END_TEST

START_TEST(test_over)
{
	load("routes:\n  - {when: {time: office, a: b}, page: none}\n  - {when: {c: d}, page: "
	     "none}\n");
	input.wall_us = wall("2026-09-01T16:31:07Z");
	label("a", "b");
	ask();
	ck_assert_int_eq(route_over_us(routing.no_page, input.wall_us),
			 wall("2026-09-01T17:00:00Z"));
	at[0] = (struct label){ "c", "d" };
	ask();
	ck_assert_int_eq(route_over_us(routing.no_page, input.wall_us), 0);
}
END_TEST

/* The first matching route decides; with "continue" the next is tried; a later one overrides. */
START_TEST(test_order_and_continue)
{
	load("routes:\n"
	     "  - {when: {env: prod}, also_notify: [c], severity: critical, continue: true}\n"
	     "  - {when: {env: dev}, page: none}\n"
	     "  - {when: {env: 'p*'}, team: shop, also_notify: [c, b], summary: 'S {alert}', "
	     "continue: true}\n"
	     "  - {when: {env: prod}, severity: error, escalation: money}\n"
	     "  - {when: {env: prod}, severity: info}\n");
	label("env", "prod");
	ask();
	ck_assert_uint_eq(routing.nmatched, 3);
	ck_assert_int_eq(routing.severity, SEVERITY_ERROR);
	ck_assert_str_eq(routing.team->name, "shop");
	ck_assert_str_eq(routing.escalation->name, "money");
	ck_assert_uint_eq(routing.npagers, 0);
	ck_assert_uint_eq(routing.nalso_notify, 2);
	ck_assert_str_eq(routing.also_notify[0]->name, "c");
	ck_assert_str_eq(routing.also_notify[1]->name, "b");
	ck_assert_str_eq(routing.summary->source, "S {alert}");
	ck_assert_ptr_null(routing.no_page);
	/* The fifth was not tried. */
	ck_assert_uint_eq(trail.nmatched, 3);
	ck_assert_uint_eq(trail.nmissed, 1);
	ck_assert_str_eq(trail.matched[1].reason,
			 "team shop, also notifies c, also notifies b, its own summary");
}
END_TEST

/* The team whose operation fails is no pager: decide() looks it up. */
START_TEST(test_entry_owner)
{
	load("routes:\n"
	     "  - {when: {env: prod}, also_notify: entry-owner, continue: true}\n"
	     "  - {when: {env: prod}, also_notify: [b, entry-owner, c], continue: true}\n"
	     "  - {when: {env: prod}, also_notify: c}\n");
	label("env", "prod");
	ask();
	ck_assert(routing.notify_entry_owner);
	ck_assert_uint_eq(routing.nalso_notify, 2);
	ck_assert_str_eq(routing.also_notify[0]->name, "b");
	ck_assert_str_eq(routing.also_notify[1]->name, "c");
	ck_assert_str_eq(trail.matched[0].reason, "also notifies the team whose operation fails");
	at[0].value = "dev";
	ask();
	ck_assert(!routing.notify_entry_owner);
}
END_TEST

/* Of 40 routes that match and go on, the first 32 count: the severity is that of the 32nd, whose
 * description the trail has last. */
START_TEST(test_matched_routes_are_capped)
{
	struct buf text = BUF_INIT(1u << 16);

	buf_puts(&text, "routes:\n");
	for (int i = 1; i <= 40; i++)
		buf_printf(&text, "  - {when: {env: prod}, severity: %s, continue: true}\n",
			   i < 32    ? "info"
			   : i == 32 ? "critical"
				     : "error");
	load(buf_text(&text));
	buf_fini(&text);
	label("env", "prod");
	ask();
	ck_assert_uint_eq(routing.nmatched, 32);
	ck_assert_int_eq(routing.severity, SEVERITY_CRITICAL);
}
END_TEST

/* The last route that names a recipient counts; a team brings its own escalation. */
START_TEST(test_pagers_and_teams)
{
	load("routes:\n"
	     "  - {when: {env: prod}, pagers: [c, a], continue: true}\n"
	     "  - {when: {step: two}, team: shop}\n");
	label("env", "prod");
	ask();
	ck_assert_uint_eq(routing.npagers, 2);
	ck_assert_str_eq(routing.pagers[0]->name, "c");
	label("step", "two");
	ask();
	ck_assert_uint_eq(routing.npagers, 0);
	ck_assert_str_eq(routing.team->escalation->name, "soft"); /* the defaults' */
}
END_TEST

/* Before any trace, only conditions that need none are certain. */
START_TEST(test_unpaged)
{
	load("routes:\n"
	     "  - {when: {env: prod, severity: critical}, severity: critical}\n"
	     "  - {when: {env: dev}, page: none}\n"
	     "  - {when: {env: test, suspect: {service: ledger}}, severity: info}\n"
	     "  - {when: {env: test}, page: none}\n"
	     "  - {when: {env: prod}, severity: info, continue: true}\n"
	     "  - {when: {tier: low, time: office}, page: none}\n");
	int64_t noon = wall("2026-09-01T12:00:00Z"), night = wall("2026-09-01T23:00:00Z");

	label("env", "dev");
	ck_assert(rules_unpaged(rules, &alert, noon));
	at[0].value = "test"; /* the suspect may be the ledger */
	ck_assert(!rules_unpaged(rules, &alert, noon));
	at[0].value = "prod";
	ck_assert(!rules_unpaged(rules, &alert, noon));
	label("tier", "low");
	ck_assert(rules_unpaged(rules, &alert, noon));
	ck_assert(!rules_unpaged(rules, &alert, night));
	label("severity", "page"); /* that is critical: the first route has it */
	ck_assert(!rules_unpaged(rules, &alert, noon));
}
END_TEST

/* The only route, and the first of two, tell that some alerts are not paged; one that needs a
 * suspect or a confidence does not tell it before the traces. */
START_TEST(test_unpaged_by_the_first)
{
	load("routes: [{when: {env: dev}, page: none}]\n");
	label("env", "dev");
	ck_assert(rules_unpaged(rules, &alert, 0));
	rules_unref(rules);
	load("routes: [{when: {confidence: '>= 0.8'}, severity: info}, "
	     "{when: {env: dev}, page: none}]\n");
	ck_assert(!rules_unpaged(rules, &alert, 0));
}
END_TEST

START_TEST(test_silences)
{
	load("silences:\n"
	     "  - matchers: ['env=\"prod\"', 'host=~\"db[0-9]\"']\n"
	     "    starts: 2026-09-01T22:00:00+02:00\n"
	     "    ends: 2026-09-02T00:00:00+02:00\n"
	     "    reason: new disks\n"
	     "    author: ops\n"
	     "  - {matchers: {host: db1}, ends: 2026-09-01T21:00:00Z, reason: noisy, author: "
	     "ops}\n");
	const int64_t starts = wall("2026-09-01T20:00:00Z"), ends = wall("2026-09-01T22:00:00Z");

	label("env", "prod");
	label("host", "db1");
	rule_trail_init(&trail, arena, false);
	/* Both silences hold; the result is the one that ends last. */
	ck_assert_str_eq(rules_silence(rules, &alert, starts, &trail)->reason, "new disks");
	ck_assert_uint_eq(trail.nmatched, 2);
	ck_assert_str_eq(rules_silence(rules, &alert, starts - 1, NULL)->reason, "noisy");
	ck_assert_str_eq(rules_silence(rules, &alert, ends - 1, NULL)->reason, "new disks");
	rule_trail_init(&trail, arena, false);
	ck_assert_ptr_null(rules_silence(rules, &alert, ends, &trail));
	ck_assert_uint_eq(trail.nmissed, 2);
	ck_assert_str_eq(trail.missed[0].reason, "it is over");
	ck_assert(rules_unpaged(rules, &alert, starts));
	ck_assert(!rules_unpaged(rules, &alert, ends));
	at[1].value = "web1";
	ck_assert_ptr_null(rules_silence(rules, &alert, starts, NULL));
}
END_TEST

/* Of a silence that does not match, the first condition that fails is told. */
START_TEST(test_silence_reason)
{
	load("silences: [{matchers: ['env=\"dev\"', 'host=\"db1\"', 'team=\"x\"'], "
	     "ends: 2026-09-01T21:00:00Z, reason: noisy, author: ops}]\n");
	label("env", "prod");
	label("host", "web");
	rule_trail_init(&trail, arena, false);
	ck_assert_ptr_null(rules_silence(rules, &alert, 0, &trail));
	ck_assert_uint_eq(trail.nmissed, 1);
	ck_assert_ptr_nonnull(strstr(trail.missed[0].reason, "env"));
	ck_assert_ptr_null(strstr(trail.missed[0].reason, "host"));
	at[0].value = "dev";
	rule_trail_init(&trail, arena, false);
	ck_assert_ptr_null(rules_silence(rules, &alert, 0, &trail));
	ck_assert_ptr_nonnull(strstr(trail.missed[0].reason, "host"));
}
END_TEST

/* The nearest rules are kept, nearest first; with `all`, every rule. */
START_TEST(test_nearest)
{
	struct buf text = BUF_INIT(1u << 16);

	buf_puts(&text, "routes:\n");
	for (int i = 0; i < 40; i++)
		buf_printf(&text, "  - {when: {env: prod%s, host: h%d}, severity: info}\n",
			   i == 30 ? "" : "s", i);
	load(buf_text(&text));
	buf_fini(&text);
	label("env", "prod");
	ask();
	ck_assert_uint_eq(trail.nmissed, LIMIT_RULES_MISSED);
	ck_assert_str_eq(trail.missed[0].place, "r.yaml:41");
	ck_assert_str_eq(trail.missed[0].reason, "host is empty, not h30");
	ck_assert_str_eq(trail.missed[1].place, "r.yaml:11");
	rule_trail_init(&trail, arena, true);
	rules_route(rules, &input, &trail, &routing);
	ck_assert_uint_eq(trail.nmissed, 40);
	ck_assert_str_eq(trail.missed[39].place, "r.yaml:50");
}
END_TEST

/* An index finds the same route as a search: each value of each label against each route. */
START_TEST(test_index)
{
	static const char *const values[] = { "a", "b", "ab", "" };
	struct buf text = BUF_INIT(1u << 16);

	buf_puts(&text, "routes:\n");
	for (int i = 0; i < 64; i++)
		buf_printf(&text, "  - {when: {x: '%s', y: '%s', z: '%s'}, severity: info}\n",
			   values[i % 3], i & 8 ? "*b" : values[i % 4], values[i / 16]);
	load(buf_text(&text));
	buf_fini(&text);
	for (int i = 0; i < 64; i++) {
		const char *x = values[i % 4], *y = values[i / 4 % 4], *z = values[i / 16];
		int expected = 0;
		while (expected < 64 &&
		       (strcmp(values[expected % 3], x) != 0 ||
			!glob_match(expected & 8 ? "*b" : values[expected % 4], y) ||
			strcmp(values[expected / 16], z) != 0))
			expected++;
		alert.labels.n = 3;
		at[0] = (struct label){ "x", x };
		at[1] = (struct label){ "y", y };
		at[2] = (struct label){ "z", z };
		labels_normalise(&alert.labels);
		rules_route(rules, &input, NULL, &routing);
		char place[32];
		snprintf(place, sizeof(place), "r.yaml:%d", 11 + expected);
		ck_assert_uint_eq(routing.nmatched, expected < 64);
		if (routing.nmatched)
			ck_assert_str_eq(routing.matched[0]->place, place);
	}
}
END_TEST

/* The only error; warnings may stand beside it. */
static const struct finding *check_error(const char *code, int line, int column, int width)
{
	size_t i = 0;

	ck_assert_uint_eq(findings.nerrors, 1);
	while (findings.at[i].level != FINDING_ERROR)
		i++;
	const struct finding *finding = &findings.at[i];
	ck_assert_msg(strcmp(finding->code, code) == 0 && finding->line == line &&
			      finding->column == column && finding->width == width,
		      "%s at %d:%d+%d: %s", finding->code, finding->line, finding->column,
		      finding->width, finding->text);
	return finding;
}

static const struct {
	const char *text, *code, *hint; /* a part of it; NULL: any */
	int line, column, width;
} wrong[] = {
	/* clang-format off */
	{ "routes: [{when: {confidence: 0.8}, severity: info}]\n", "E047", ">= 0.8", 10, 30, 3 },
	{ "routes: [{when: {confidence: '>= 1.5'}, severity: info}]\n", "E047", NULL, 10, 30, 8 },
	{ "routes: [{when: {kind: pear}, severity: info}]\n", "E032", "did you mean \"peer\"?", 10, 24, 4 },
	{ "routes: [{when: {suspect: {kind: no_trace}}, severity: info}]\n", "E032", NULL, 10, 34, 8 },
	{ "routes: [{when: {owner: mony}, severity: info}]\n", "E012", "did you mean \"money\"?", 10, 25, 4 },
	{ "routes: [{when: {signal: order}, severity: info}]\n", "E012", "did you mean \"orders\"?", 10, 26, 5 },
	{ "routes: [{when: {time: ofice}, severity: info}]\n", "E012", "did you mean \"office\"?", 10, 24, 5 },
	{ "routes: [{when: {suspect: {servce: a}}, severity: info}]\n", "E011", "did you mean \"service\"?", 10, 28, 6 },
	{ "routes: [{when: {a: b}, severity: critcal}]\n", "E032", "did you mean \"critical\"?", 10, 35, 7 },
	{ "routes: [{when: {a: b}, also_notify: [d]}]\n", "E012", NULL, 10, 39, 1 },
	{ "routes: [{when: {a: b}, also_notify: [a, a]}]\n", "E036", NULL, 10, 42, 1 },
	{ "routes: [{when: {a: b}, also_notify: [entry-owner, a, entry-owner]}]\n", "E036", NULL, 10, 55, 11 },
	{ "routes: [{when: {a: b}, also_notify: {a: b}}]\n", "E014", NULL, 10, 38, 6 },
	{ "routes: [{when: {a: b}, also_notify: []}]\n", "E033", NULL, 10, 38, 2 },
	{ "routes: [{when: {a: b}, also_notfy: [a], severity: info}]\n", "E011", "did you mean \"also_notify\"?", 10, 25, 10 },
	{ "routes: [{when: {a: b}, page: none, team: shop}]\n", "E046", NULL, 10, 37, 4 },
	{ "routes: [{when: {a: b}, page: none, continue: true}]\n", "E046", NULL, 10, 37, 8 },
	{ "routes: [{when: {a: b}, pagers: [a], escalation: soft}]\n", "E046", NULL, 10, 25, 6 },
	{ "routes: [{when: {a: b}, severity: info, continue: 'yes'}]\n", "E032", NULL, 10, 51, 5 },
	{ "routes: [{when: {a: b}, summary: '{servce}'}]\n", "E041", "did you mean \"service\"?", 10, 34, 10 },
	{ "routes: [{when: {a: b}, details: '{'}]\n", "E041", "{{", 10, 34, 3 },
	{ "routes: [{when: {a: []}, severity: info}]\n", "E033", NULL, 10, 21, 2 },
	{ "silences: [{matchers: {a: b}, reason: r, author: x}]\n", "E013", NULL, 10, 12, 40 },
	{ "silences: [{matchers: {a: b}, ends: tomorrow, reason: r, author: x}]\n", "E042", NULL, 10, 37, 8 },
	{ "silences: [{matchers: {a: b}, ends: 2026-09-01T00:00:00Z, starts: 2026-09-02T00:00:00Z, reason: r, author: x}]\n",
	  "E043", NULL, 10, 37, 20 },
	{ "silences: [{matchers: {a: b}, ends: 2026-09-01T00:00:00Z, reason: '', author: x}]\n", "E033", NULL, 10, 59, 6 },
	/* clang-format on */
};

START_TEST(test_wrong)
{
	char *text = xasprintf("%s%s", BASE, wrong[_i].text);
	int result = rules_parse("r.yaml", text, strlen(text), true, &rules, &findings);

	free(text);
	ck_assert_int_lt(result, 0);
	const struct finding *finding =
		check_error(wrong[_i].code, wrong[_i].line, wrong[_i].column, wrong[_i].width);
	if (wrong[_i].hint)
		ck_assert_msg(finding->hint && strstr(finding->hint, wrong[_i].hint), "%s",
			      finding->hint ? finding->hint : "no hint");
}
END_TEST

/* Sections that stand before the routes. */
static const struct {
	const char *text, *code;
	int line, column, width;
} parts[] = {
	/* clang-format off */
	{ "time_intervals: {t: {}}\n", "E033", 1, 18, 1 },
	{ "time_intervals: {t: []}\n", "E033", 1, 18, 1 },
	{ "time_intervals: {t: {weekday: [monday]}}\n", "E011", 1, 22, 7 },
	{ "time_intervals: {t: {weekdays: monday}}\n", "E014", 1, 32, 6 },
	{ "time_intervals: {t: {weekdays: ['friday:monday']}}\n", "E039", 1, 33, 15 },
	{ "time_intervals: {t: {times: [{start_time: '9:00', end_time: '17:00'}]}}\n", "E040", 1, 43, 6 },
	{ "time_intervals: {t: {times: [{start_time: '22:00', end_time: '06:00'}]}}\n", "E040", 1, 62, 7 },
	{ "time_intervals: {t: {times: [{start_time: '22:00'}]}}\n", "E013", 1, 30, 21 },
	{ "time_intervals: {t: {location: Europe/Berln}}\n", "E037", 1, 32, 12 },
	{ "defaults: {threshold: 2}\n", "E047", 1, 23, 1 },
	{ "defaults: {traces: 0}\n", "E017", 1, 20, 1 },
	{ "defaults: {window: soon}\n", "E016", 1, 20, 4 },
	{ "defaults: {escalation: f}\n", "E012", 1, 24, 1 },
	{ "defaults: {sevrity: info}\n", "E011", 1, 12, 7 },
	{ "services: {s: {owner: t, links: {Logs: 'ftp://x'}}}\n", "E031", 1, 40, 9 },
	{ "services: {s: {owner: t, runbook: 'https://x/{summary}'}}\n", "E041", 1, 35, 21 },
	{ "services: {s: {owner: t, match: {environment: a, deployment.environment: b}}}\n", "E036", 1, 50, 22 },
	/* clang-format on */
};

START_TEST(test_wrong_parts)
{
	char *text = xasprintf("%s"
			       "teams: {t: {escalation: e}}\npagers: {p: {kind: console}}\n"
			       "escalations: {e: {steps: [{page: [p]}]}}\nfallback: {team: t}\n",
			       parts[_i].text);
	int result = rules_parse("r.yaml", text, strlen(text), true, &rules, &findings);

	free(text);
	ck_assert_int_lt(result, 0);
	check_error(parts[_i].code, parts[_i].line, parts[_i].column, parts[_i].width);
}
END_TEST

START_TEST(test_defaults)
{
	load("");
	const struct rule_defaults *defaults = rules_defaults(rules);

	ck_assert_int_eq(defaults->severity, SEVERITY_WARNING);
	ck_assert_str_eq(rules_team(rules, "shop")->escalation->name, "soft");
	ck_assert_str_eq(rules_team(rules, "money")->escalation->name, "money");
	ck_assert_int_eq(rules_severity(rules, &alert), SEVERITY_WARNING);
	label("severity", "P1");
	ck_assert_int_eq(rules_severity(rules, &alert), SEVERITY_CRITICAL);
}
END_TEST

/* Includes. */

static void write_at(const char *directory, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", directory, name);
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	free(path);
}

static int load_first(const char *directory)
{
	char *path = xasprintf("%s/first.yaml", directory);
	int result = rules_load((const char *const[]){ path }, 1, true, &rules, &findings);

	free(path);
	return result;
}

static void remove_all(const char *directory)
{
	char *command = xasprintf("rm -rf '%s'", directory);

	ck_assert_int_eq(system(command), 0);
	free(command);
}

START_TEST(test_include)
{
	char directory[] = "/tmp/tracepager-include-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(directory));
	char *more = xasprintf("%s/more", directory);
	ck_assert_int_eq(mkdir(more, 0700), 0);
	write_at(directory, "first.yaml",
		 "include: [\"more/*.yaml\", more/a.yaml]\nteams: {t: {escalation: e}}\n"
		 "routes: [{when: {a: b}, severity: info}]\n");
	write_at(more, "a.yaml",
		 "include: b.yml\npagers: {p: {kind: console}}\n"
		 "routes: [{when: {a: b}, severity: critical}]\n");
	write_at(more, "b.yml", "escalations: {e: {steps: [{page: [p]}]}}\nfallback: {team: t}\n");
	int result = load_first(directory);
	free(more);
	remove_all(directory);
	ck_assert_int_eq(result, 0);
	ck_assert_uint_eq(findings.n, 1);
	ck_assert_str_eq(findings.at[0].code, "W022"); /* both routes are about the same alerts */
	/* A file's own routes come before those that it includes. */
	label("a", "b");
	ask();
	ck_assert_int_eq(routing.severity, SEVERITY_INFO);
}
END_TEST

START_TEST(test_wrong_includes)
{
	char directory[] = "/tmp/tracepager-include-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(directory));
	write_at(directory, "first.yaml", "include:\n  - second.yaml\n  - none.yaml\n  - {a: b}\n");
	write_at(directory, "second.yaml", "include: [first.yaml]\n");
	int result = load_first(directory);
	remove_all(directory);
	ck_assert_int_lt(result, 0);
	ck_assert_uint_eq(findings.n, 3);
	ck_assert_str_eq(findings.at[0].code, "E045");
	ck_assert_int_eq(findings.at[0].line, 3);
	ck_assert_str_eq(findings.at[1].code, "E014");
	ck_assert_int_eq(findings.at[1].line, 4);
	ck_assert_str_eq(findings.at[2].code, "E044");
	ck_assert_ptr_nonnull(strstr(findings.at[2].file, "second.yaml"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("routes");
	TCase *tests = tcase_create("routes");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, test_conditions, 0, ARRAY_LEN(conditions));
	tcase_add_test(tests, test_without_a_suspect);
	tcase_add_test(tests, test_time_of_day);
	tcase_add_test(tests, test_over);
	tcase_add_test(tests, test_order_and_continue);
	tcase_add_test(tests, test_entry_owner);
	tcase_add_test(tests, test_matched_routes_are_capped);
	tcase_add_test(tests, test_pagers_and_teams);
	tcase_add_test(tests, test_unpaged);
	tcase_add_test(tests, test_unpaged_by_the_first);
	tcase_add_test(tests, test_silence_reason);
	tcase_add_test(tests, test_silences);
	tcase_add_test(tests, test_nearest);
	tcase_add_test(tests, test_index);
	tcase_add_loop_test(tests, test_wrong, 0, ARRAY_LEN(wrong));
	tcase_add_loop_test(tests, test_wrong_parts, 0, ARRAY_LEN(parts));
	tcase_add_test(tests, test_defaults);
	tcase_add_test(tests, test_include);
	tcase_add_test(tests, test_wrong_includes);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
