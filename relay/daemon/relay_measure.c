/*
 * Relay, measure: sets the gauges that nobody keeps up to date, before they are read: of the
 * store's files, of the process, of the rules.
 */
#include "relay-internal.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "tracepager/http_server.h"
#include "tracepager/incident.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

/* ---- rules ---- */

struct rule_counts {
	int64_t rules, unused, hits;
};

#define RULE_SORTS (RULE_ROUTE + 1)
static const struct {
	enum metric rules, unused, hits;
} rule_metrics[RULE_SORTS] = {
	[RULE_SIGNAL] = { METRIC_RULES_SIGNAL, METRIC_RULES_UNUSED_SIGNAL,
			  METRIC_RULE_HITS_SIGNAL },
	[RULE_SERVICE] = { METRIC_RULES_SERVICE, METRIC_RULES_UNUSED_SERVICE,
			   METRIC_RULE_HITS_SERVICE },
	[RULE_SILENCE] = { METRIC_RULES_SILENCE, METRIC_RULES_UNUSED_SILENCE,
			   METRIC_RULE_HITS_SILENCE },
	[RULE_ROUTE] = { METRIC_RULES_ROUTE, METRIC_RULES_UNUSED_ROUTE, METRIC_RULE_HITS_ROUTE },
};

static void count_rules(const struct ruleset *rules, struct rule_counts counts[RULE_SORTS])
{
	struct rule_hit hit;

	for (size_t i = 0; rules && rules_hit(rules, i, &hit); i++) {
		counts[hit.sort].rules++;
		counts[hit.sort].unused += !hit.hits;
		counts[hit.sort].hits += (int64_t)hit.hits;
	}
}

/* Adds the hits since it was called last with the same rules. */
static void measure_rules(struct relay *relay)
{
	struct rule_counts counts[RULE_SORTS] = { 0 };

	count_rules(relay->measured_rules, counts);
	for (size_t i = 0; i < RULE_SORTS; i++) {
		metric_set(rule_metrics[i].rules, counts[i].rules);
		metric_set(rule_metrics[i].unused, counts[i].unused);
		metric_add(rule_metrics[i].hits, counts[i].hits - relay->measured_hits[i]);
		relay->measured_hits[i] = counts[i].hits;
	}
}

/* Rules that are loaded again unchanged begin with the hits that they had. */
void relay_measure_set_rules(struct relay *relay, struct ruleset *rules)
{
	struct rule_counts counts[RULE_SORTS] = { 0 };

	measure_rules(relay);
	rules_unref(relay->measured_rules);
	relay->measured_rules = rules ? rules_ref(rules) : NULL;
	count_rules(relay->measured_rules, counts);
	for (size_t i = 0; i < RULE_SORTS; i++)
		relay->measured_hits[i] = counts[i].hits;
}

/* ---- the store ---- */

static int64_t file_bytes(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? status.st_size : 0;
}

/* On the loop: it reads what the kernel has in memory, and no disk. */
static void measure_store(const struct relay *relay)
{
	const char *path = relay->config->store_path;
	CLEANUP_FREE char *wal = xasprintf("%s-wal", path);
	const int64_t commit_us = store_commit_age_us(relay->store);
	struct statvfs disk;

	metric_set(METRIC_STORE_WRITABLE, store_healthy(relay->store));
	metric_set(METRIC_STORE_COMMITTING, commit_us > 0);
	metric_set(METRIC_STORE_COMMIT_AGE, commit_us);
	metric_set(METRIC_STORE_DATABASE_BYTES, file_bytes(path));
	metric_set(METRIC_STORE_WAL_BYTES, file_bytes(wal));
	if (statvfs(path, &disk) == 0) {
		metric_set(METRIC_STORE_FREE, (int64_t)(disk.f_bavail * disk.f_frsize));
		metric_set(METRIC_STORE_FILE_SYSTEM, (int64_t)(disk.f_blocks * disk.f_frsize));
	}
}

bool relay_is_ready(const struct relay *relay, const char **ret_why_not)
{
	if (relay->draining)
		*ret_why_not = "it is shutting down";
	else if (!incidents_have_room(relay->incidents))
		*ret_why_not = "too many alerts are waiting";
	else if (!store_healthy(relay->store))
		*ret_why_not = "the store cannot write";
	else
		return true;
	return false;
}

void relay_measure(void *ctx)
{
	struct relay *relay = ctx;
	const char *why;

	incidents_measure(relay->incidents);
	metric_set(METRIC_READY, relay_is_ready(relay, &why));
	metric_set(METRIC_TRACE_BYTES, (int64_t)relay->memory.used_bytes);
	metric_set(METRIC_CONNECTIONS, (int64_t)http_server_connections(relay->server));
	metric_set(METRIC_BUILD_INFO, 1);
	measure_rules(relay);
	measure_store(relay);
	relay_measure_peers(relay);
	relay_measure_process();
}
