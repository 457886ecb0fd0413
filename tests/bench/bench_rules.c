/*
 * What rules cost: loading a large set, and the rule part of a decision: signal, owner, silences
 * and routes, with the trail that a decision keeps. Every alert and suspect is another one.
 *
 * usage: bench_rules [services [teams [routes]]]
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tracepager/limits.h"
#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

#define DECISIONS 20000

/* CPU time of this thread: what else runs on the machine does not count. */
static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void print_times(const char *what, int64_t *times, size_t n)
{
	qsort(times, n, sizeof(*times), compare);
	printf("%-34s median %7.1f us of CPU, 99%% %7.1f us\n", what, (double)times[n / 2] / 1000,
	       (double)times[n * 99 / 100] / 1000);
	bool long_one = times[n / 2] > 1000000;
	printf("row: Rules of a large shop, %s | %.1f %s | — | —\n", what,
	       (double)times[n / 2] / (long_one ? 1e6 : 1e3), long_one ? "ms" : "µs");
}

/* As a large shop has it: nine services of ten have a name, the others a glob; of the routes most
 * name a service or a team, one in ten has nothing but globs. */
static void write_rules(size_t services, size_t teams, size_t routes, struct buf *out)
{
	buf_puts(out,
		 "pagers: {p: {kind: console}}\nfallback: {team: team-0}\n"
		 "escalations: {e: {steps: [{page: [p]}]}}\n"
		 "time_intervals: {office: {weekdays: ['monday:friday'], location: Europe/Berlin, "
		 "times: [{start_time: '09:00', end_time: '17:00'}]}}\nteams:\n");
	for (size_t i = 0; i < teams; i++)
		buf_printf(out, "  team-%zu: {escalation: e}\n", i);
	buf_puts(out, "services:\n");
	for (size_t i = 0; i < services; i++)
		buf_printf(out,
			   "  service-%zu: {owner: team-%zu, criticality: %s, match: {service: "
			   "\"service-%zu%s\"}}\n",
			   i, i % teams, i % 3 ? "high" : "low", i, i % 10 ? "" : "-*");
	buf_puts(out, "signals:\n");
	for (size_t i = 0; i < services / 10; i++)
		buf_printf(
			out,
			"  signal-%zu: {alerts: {alertname: Errors%zu}, span: {service: s%zu}}\n",
			i, i, i);
	buf_puts(out, "routes:\n");
	for (size_t i = 0; i < routes; i++) {
		size_t service = i * services / routes;
		if (i % 10 == 9)
			buf_printf(out, "  - {when: {cluster: 'eu-%zu-*', time: office}, ", i);
		else if (i % 10 > 5)
			buf_printf(out, "  - {when: {squad: squad-%zu, severity: info}, ",
				   i % teams);
		else
			buf_printf(out,
				   "  - {when: {suspect: {service: service-%zu, kind: %s}, env: "
				   "prod}, ",
				   service, i % 2 ? "slow" : "peer");
		buf_printf(out, "severity: %s}\n", i % 2 ? "error" : "warning");
	}
}

/* The rule part of decision number i. */
static void decide(const struct ruleset *rules, size_t i, size_t services, size_t teams)
{
	struct arena *arena = arena_new(8u << 20);
	const char *service = arena_printf(arena, "service-%zu%s", i * 7919 % services,
					   i * 7919 % services % 10 ? "" : "-api");
	struct label labels[] = {
		{ "alertname", arena_printf(arena, "Errors%zu", i * 31 % services) },
		{ "cluster", "us-east-1" },
		{ "env", "prod" },
		{ "instance", "10.0.0.1:9090" },
		{ "job", "shop/checkout" },
		{ "namespace", "shop" },
		{ "severity", i % 2 ? "critical" : "info" },
		{ "squad", arena_printf(arena, "squad-%zu", i % teams) },
	};
	const struct alert alert = { .sender = "am1", .labels = { labels, ARRAY_LEN(labels) } };
	const struct suspect suspect = { .service = service, .namespace = "shop" };
	struct rule_trail trail;
	struct routing routing;

	rule_trail_init(&trail, arena, false);
	const struct signal_rule *signal = rules_signal(rules, &alert.labels, &trail);
	const struct service_rule *rule = rules_service(rules, service, "shop", NULL, NULL, &trail);
	const struct route_input input = {
		.alert = &alert,
		.suspect = &suspect,
		.kind = "span",
		.confidence = 0.9,
		.severity = rules_severity(rules, &alert),
		.owner = rule ? rule->owner : rules_fallback(rules),
		.service = rule,
		.signal = signal,
		.wall_us = INT64_C(1788256800000000) + (int64_t)i * US_PER_MINUTE,
	};
	rules_silence(rules, &alert, input.wall_us, &trail);
	rules_route(rules, &input, &trail, &routing);
	arena_free(arena);
}

int main(int argc, char **argv)
{
	size_t services = argc > 1 ? (size_t)atoi(argv[1]) : 10000;
	size_t teams = argc > 2 ? (size_t)atoi(argv[2]) : 2000;
	size_t routes = argc > 3 ? (size_t)atoi(argv[3]) : 5000;
	struct buf text = BUF_INIT(64u << 20);
	struct ruleset *rules = NULL;
	int64_t *times = xcalloc(DECISIONS, sizeof(*times));

	write_rules(services, teams, routes, &text);
	for (size_t i = 0; i < 5; i++) {
		struct findings findings = { .at = NULL };
		int64_t start = now_ns();
		rules_unref(rules);
		if (rules_parse("rules.yaml", text.data, text.len, true, &rules, &findings) < 0) {
			struct buf out = BUF_INIT(1u << 20);
			findings_write(&findings, false, &out);
			fputs(buf_text(&out), stderr);
			return 1;
		}
		times[i] = now_ns() - start;
		findings_fini(&findings);
	}
	printf("%zu services, %zu teams, %zu routes: %.1f MiB of YAML\n", services, teams, routes,
	       (double)text.len / (1 << 20));
	print_times("load", times, 5);
	for (size_t i = 0; i < DECISIONS; i++) {
		int64_t start = now_ns();
		decide(rules, i, services, teams);
		times[i] = now_ns() - start;
	}
	print_times("signal, owner, silence and routes", times, DECISIONS);
	rules_unref(rules);
	buf_fini(&text);
	free(times);
	return 0;
}
