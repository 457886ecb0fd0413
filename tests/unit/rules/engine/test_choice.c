/*
 * The index of routes and signals chooses what a plain scan of the file chooses: random rules and
 * random alerts, whose conditions this test decides by itself, with fnmatch(3) and regexec(3).
 */
#include <check.h>
#include <fnmatch.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../../rules/engine/engine-internal.h"
#include "tracepager/rules_load.h"

#define ROUTES	   60
#define SIGNALS	   20
#define ALERTS	   60
#define CONDITIONS 3
#define FIRST_LINE 6 /* of the routes */

static const char *const label_names[] = { "env", "cluster", "squad" };
static const char *const values[] = { "", "prod", "dev", "eu-1", "eu-2", "a", "ab", "eu-é" };
static const char *const globs[] = {
	"prod", "dev", "eu-1", "eu-*", "*-2", "?", "a?", "[ae]*", "d?v"
};
static const char *const regexes[] = { "prod|dev", "eu-.*", "a+b?", "dev|", "eu-1", "(a|ab)" };
static const char *const services[] = { "ledger", "stock", "ledger-api", "" };

enum part { PART_LABEL, PART_REGEX, PART_NOT_REGEX, PART_SERVICE };
struct condition {
	enum part part;
	const char *label, *pattern;
};
struct choice {
	struct condition conditions[CONDITIONS];
	size_t n;
	bool continues;
};

static struct choice routes[ROUTES], signals[SIGNALS];
static struct ruleset *rules;
static uint64_t state;
static struct label at[ARRAY_LEN(label_names)];
static struct alert alert;
static struct suspect suspect;
static struct route_input input;

/* xorshift64: the same numbers in each run. */
static size_t draw(size_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (size_t)(state % below);
}

#define PICK(list) ((list)[draw(ARRAY_LEN(list))])

/* ---- rules ---- */

/* A condition on each of some labels, the first ones in a random order. */
static void draw_choice(struct choice *choice, bool route)
{
	size_t first = draw(ARRAY_LEN(label_names));

	*choice = (struct choice){ .n = 1 + draw(CONDITIONS), .continues = draw(3) > 0 };
	for (size_t i = 0; i < choice->n; i++) {
		struct condition *condition = &choice->conditions[i];
		condition->label = label_names[(first + i) % ARRAY_LEN(label_names)];
		condition->part = draw(3) ? PART_LABEL : draw(2) ? PART_REGEX : PART_NOT_REGEX;
		if (route && i == 1 && draw(2))
			condition->part = PART_SERVICE;
		condition->pattern = condition->part == PART_LABEL
					     ? (route ? PICK(globs) : globs[draw(3)])
				     : condition->part == PART_SERVICE ? PICK(services)
								       : PICK(regexes);
	}
}

/* Matchers in Alertmanager's syntax: regular expressions and, for a signal, equal labels. */
static void write_matchers(const struct choice *choice, bool route, struct buf *out)
{
	const char *separator = route ? "labels: [" : "alerts: [";
	bool any = false;

	for (size_t i = 0; i < choice->n; i++) {
		const struct condition *condition = &choice->conditions[i];
		if (route && (condition->part == PART_LABEL || condition->part == PART_SERVICE))
			continue;
		buf_printf(out, "%s'%s%s\"%s\"'", separator, condition->label,
			   condition->part == PART_REGEX       ? "=~"
			   : condition->part == PART_NOT_REGEX ? "!~"
							       : "=",
			   condition->pattern);
		separator = ", ";
		any = true;
	}
	buf_puts(out, any ? "]" : "");
}

static void write_route(const struct choice *choice, struct buf *out)
{
	buf_puts(out, "  - {when: {");
	for (size_t i = 0; i < choice->n; i++) {
		const struct condition *condition = &choice->conditions[i];
		if (condition->part == PART_LABEL)
			buf_printf(out, "%s: \"%s\", ", condition->label, condition->pattern);
		else if (condition->part == PART_SERVICE)
			buf_printf(out, "suspect: {service: \"%s\"}, ", condition->pattern);
	}
	write_matchers(choice, true, out);
	buf_printf(out, "}, severity: error, continue: %s}\n",
		   choice->continues ? "true" : "false");
}

static void load_rules(void)
{
	struct buf text = BUF_INIT(1u << 20), out = BUF_INIT(1u << 20);
	struct findings findings = { .at = NULL };

	buf_puts(&text, "teams: {money: {escalation: e}}\npagers: {p: {kind: console}}\n"
			"escalations: {e: {steps: [{page: [p]}]}}\n"
			"fallback: {team: money}\nroutes:\n");
	for (size_t i = 0; i < ROUTES; i++) {
		draw_choice(&routes[i], true);
		write_route(&routes[i], &text);
	}
	buf_puts(&text, "signals:\n");
	for (size_t i = 0; i < SIGNALS; i++) {
		draw_choice(&signals[i], false);
		buf_printf(&text, "  s%zu: {span: {service: x%zu}, ", i, i);
		write_matchers(&signals[i], false, &text);
		buf_puts(&text, "}\n");
	}
	int result = rules_parse("r.yaml", text.data, text.len, false, &rules, &findings);
	findings_write(&findings, false, &out);
	ck_assert_msg(result >= 0, "%.2000s", buf_text(&out));
	findings_fini(&findings);
	buf_fini(&text);
	buf_fini(&out);
}

/* ---- an alert ---- */

static void draw_alert(void)
{
	alert = (struct alert){ .sender = "am", .labels = { .at = at } };
	for (size_t i = 0; i < ARRAY_LEN(label_names); i++) {
		const char *value = PICK(values);
		if (*value)
			at[alert.labels.n++] = (struct label){ label_names[i], value };
	}
	labels_normalise(&alert.labels);
	suspect = (struct suspect){ .service = PICK(services) };
	input = (struct route_input){ .alert = &alert,
				      .suspect = draw(4) ? &suspect : NULL,
				      .severity = SEVERITY_WARNING };
}

static bool regex_holds(const char *pattern, const char *value)
{
	CLEANUP_FREE char *whole = xasprintf("^(%s)$", pattern);
	regex_t regex;

	ck_assert_int_eq(regcomp(&regex, whole, REG_EXTENDED | REG_NOSUB), 0);
	int result = regexec(&regex, value, 0, NULL, 0);
	regfree(&regex);
	return result == 0;
}

static bool choice_holds(const struct choice *choice)
{
	for (size_t i = 0; i < choice->n; i++) {
		const struct condition *condition = &choice->conditions[i];
		const char *value = labels_get(&alert.labels, condition->label);
		bool holds = false;
		value = value ? value : "";
		switch (condition->part) {
		case PART_LABEL:
			holds = fnmatch(condition->pattern, value, 0) == 0;
			break;
		case PART_SERVICE:
			holds = input.suspect && strcmp(condition->pattern, suspect.service) == 0;
			break;
		case PART_REGEX:
		case PART_NOT_REGEX:
			holds = regex_holds(condition->pattern, value) ==
				(condition->part == PART_REGEX);
			break;
		}
		if (!holds)
			return false;
	}
	return true;
}

/* ---- routes ---- */

/* Numbers of the routes that a plain scan finds. */
static size_t scan_routes(size_t found[LIMIT_ROUTES_MATCHED])
{
	size_t n = 0;

	for (size_t i = 0; i < ROUTES; i++) {
		if (!choice_holds(&routes[i]))
			continue;
		found[n++] = i;
		if (!routes[i].continues || n == LIMIT_ROUTES_MATCHED)
			break;
	}
	return n;
}

static void routes_are(struct rule_trail *trail, const size_t *found, size_t n)
{
	struct routing routing;

	rules_route(rules, &input, trail, &routing);
	ck_assert_uint_eq(routing.nmatched, n);
	for (size_t i = 0; i < n; i++) {
		CLEANUP_FREE char *place = xasprintf("r.yaml:%zu", FIRST_LINE + found[i]);
		ck_assert_str_eq(routing.matched[i]->place, place);
	}
}

/* Those of all that were missed which are nearest, in the order of the file where alike. */
static void nearest_are(const struct rule_trail *all, const struct rule_trail *nearest)
{
	size_t n = 0;

	for (unsigned int held = 1000; held-- > 0;)
		for (size_t i = 0; i < all->nmissed && n < LIMIT_RULES_MISSED; i++)
			if (all->missed[i].held == held) {
				ck_assert_uint_lt(n, nearest->nmissed);
				ck_assert_str_eq(nearest->missed[n].place, all->missed[i].place);
				ck_assert_str_eq(nearest->missed[n].reason, all->missed[i].reason);
				n++;
			}
	ck_assert_uint_eq(nearest->nmissed, n);
	ck_assert_uint_eq(nearest->ntried, all->ntried);
}

/* The index is taken away: every route is tried. */
static void drop_index(void)
{
	picks_fini(&rules->route_picks);
	rules->route_picks.map = map_new();
	rules->route_picks.always = xcalloc(ROUTES, sizeof(uint32_t));
	for (uint32_t i = 0; i < ROUTES; i++)
		rules->route_picks.always[rules->route_picks.nalways++] = i;
}

START_TEST(routes_are_those_of_a_scan)
{
	state = UINT64_C(88172645463325252) + (uint64_t)_i;
	load_rules();
	for (int indexed = 1; indexed >= 0; indexed--) {
		if (!indexed)
			drop_index();
		for (size_t k = 0; k < ALERTS; k++) {
			size_t found[LIMIT_ROUTES_MATCHED];
			struct arena *arena = arena_new(8u << 20);
			struct rule_trail all, nearest;
			draw_alert();
			size_t n = scan_routes(found);
			rule_trail_init(&all, arena, true);
			rule_trail_init(&nearest, arena, false);
			routes_are(NULL, found, n);
			routes_are(&nearest, found, n);
			routes_are(&all, found, n);
			if (!indexed)
				nearest_are(&all, &nearest);
			arena_free(arena);
		}
	}
	rules_unref(rules);
}
END_TEST

/* ---- signals ---- */

START_TEST(signals_are_those_of_a_scan)
{
	state = UINT64_C(2463534242) + (uint64_t)_i;
	load_rules();
	for (size_t k = 0; k < ALERTS; k++) {
		const char *expected = "none";
		draw_alert();
		for (size_t i = 0; i < rules->nsignals; i++) {
			const char *name = rules->signal_order[i]->rule.name;
			if (!choice_holds(&signals[strtoul(name + 1, NULL, 10)]))
				continue;
			expected = name;
			break;
		}
		const struct signal_rule *signal = rules_signal(rules, &alert.labels, NULL);
		ck_assert_str_eq(signal ? signal->name : "none", expected);
	}
	rules_unref(rules);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("choice");
	TCase *tests = tcase_create("choice");

	tcase_add_loop_test(tests, routes_are_those_of_a_scan, 0, 20);
	tcase_add_loop_test(tests, signals_are_those_of_a_scan, 0, 20);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
