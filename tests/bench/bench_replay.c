/*
 * What looking back costs: a store with 10,000 decisions is made, three traces of 100 spans behind
 * each, and "tracepager replay" decides all of them again under rules that own everything anew.
 * Also told: what one record costs the pool before it is written, and how large it is.
 *
 *	bench_replay [DIRECTORY [DECISIONS]]
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gen_trace.h"
#include "tracepager/clock.h"
#include "tracepager/commands.h"
#include "tracepager/decide.h"
#include "tracepager/limits.h"
#include "tracepager/pack.h"
#include "tracepager/rules_load.h"
#include "tracepager/store.h"
#include "tracepager/trace_decoder.h"
#include "tracepager/trace_encode.h"
#include "tracepager/xalloc.h"

#define TRACES 3
#define SPANS  100
#define GROUP  100 /* decisions of one commit */

static const char rules_text[] = "teams: {%1$s: {escalation: all}}\n"
				 "pagers: {hook: {kind: webhook, url: \"http://127.0.0.1:1/\"}}\n"
				 "escalations: {all: {steps: [{page: [hook]}]}}\n"
				 "services: {all: {owner: %1$s, match: {service: \"*\"}}}\n"
				 "fallback: {team: %1$s}\n";

static int64_t now_us(void)
{
	return clock_mono_us(clock_system());
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_replay: %s: %s\n", what, why);
	exit(1);
}

static struct ruleset *make_rules(const char *team, const char *path)
{
	CLEANUP_FREE char *text = xasprintf(rules_text, team);
	CLEANUP_FCLOSE FILE *file = fopen(path, "we");
	struct findings findings = { 0 };
	struct ruleset *rules = NULL;

	if (!file || fputs(text, file) < 0)
		die(path, "cannot be written");
	if (rules_parse("rules.yaml", text, strlen(text), false, &rules, &findings) < 0)
		die("rules", findings.at[0].text);
	findings_fini(&findings);
	return rules;
}

static struct trace_set *make_traces(void)
{
	struct trace_decoder *decoder = trace_decoder_new(TRACE_ENCODING_OTLP_PROTO, NULL);
	struct trace_set *set = NULL;
	struct err err = { 0 };
	size_t len;
	char *text = gen_otlp_proto(SPANS, &len);

	if (trace_decoder_feed(decoder, text, len, &err) != 0 ||
	    trace_decoder_finish(decoder, &set, &err) != 0)
		die("trace", err.text);
	trace_decoder_free(decoder);
	free(text);
	return set;
}

/* The record of one decision, as the relay makes it. */
struct packed {
	struct buf alert, doc, traces;
	int64_t us;
};

static void add_traces(const struct trace *trace, struct buf *out)
{
	struct buf one = BUF_INIT(LIMIT_STORED_TRACES_RAW_BYTES), all = one;

	trace_encode_otlp(trace, &one);
	for (int i = 0; i < TRACES; i++)
		pack_message(one.data, one.len, &all);
	pack_add(all.data, all.len, out);
	buf_fini(&one);
	buf_fini(&all);
}

static void make_record(const struct ruleset *rules, const struct trace_set *set,
			struct packed *ret_packed)
{
	struct arena *arena = arena_new(SIZE_MAX / 2);
	struct label labels[] = { { "alertname", "HighErrors" }, { "severity", "critical" } };
	const struct alert alert = { .sender = "bench",
				     .family = "prometheus",
				     .fingerprint = "aaaaaaaaaaaaaaaa",
				     .labels = { labels, ARRAY_LEN(labels) },
				     .generator_url = "" };
	const struct trace *traces[TRACES] = { set->traces, set->traces, set->traces };
	struct buf text = BUF_INIT(1 << 20), doc = BUF_INIT(16 << 20);
	struct decision decision;

	decide(arena,
	       &(struct decide_input){ .alert = &alert,
				       .traces = traces,
				       .ntraces = TRACES,
				       .rules = rules,
				       .now_us = clock_wall_us(clock_system()) },
	       &decision);
	decision.page.dedup_key = "0123456789abcdef";
	decision_write(&decision, &doc);
	alert_write(&alert, &text);
	buf_init(&ret_packed->alert, 1 << 20);
	buf_init(&ret_packed->doc, 16 << 20);
	buf_init(&ret_packed->traces, LIMIT_STORED_TRACES_BYTES);
	int64_t start = now_us();
	pack_add(text.data, text.len, &ret_packed->alert);
	pack_add(doc.data, doc.len, &ret_packed->doc);
	add_traces(&set->traces[0], &ret_packed->traces);
	ret_packed->us = now_us() - start;
	buf_fini(&text);
	buf_fini(&doc);
	arena_free(arena);
}

static void on_done(void *ctx, int error, const char *text)
{
	if (error)
		die("commit", text);
	--*(size_t *)ctx;
}

static void fill(struct store *store, const struct packed *packed, const struct ruleset *rules,
		 size_t n)
{
	int64_t at_us = clock_wall_us(clock_system()) - (int64_t)n;
	struct pollfd pollfd = { .fd = store_fd(store), .events = POLLIN };

	for (size_t i = 0; i < n; i += GROUP) {
		struct store_batch *batch = store_batch_new();
		size_t waiting = 1;
		for (size_t k = i; k < n && k < i + GROUP; k++)
			store_put_decision(batch,
					   &(struct stored_decision){
						   .alert_key = "prometheus/aaaaaaaaaaaaaaaa",
						   .incident = "0123456789abcdef",
						   .team = "before",
						   .rules = rules_hash(rules),
						   .at_us = at_us + (int64_t)k,
						   .alert = packed->alert.data,
						   .alert_len = packed->alert.len,
						   .doc = packed->doc.data,
						   .doc_len = packed->doc.len,
						   .kept = STORED_TRACES_WHOLE,
						   .traces = packed->traces.data,
						   .traces_len = packed->traces.len });
		if (store_commit(store, batch, on_done, &waiting) < 0)
			die("commit", "the queue is full");
		while (waiting) {
			poll(&pollfd, 1, -1);
			store_poll(store);
		}
	}
}

/* Its report, every page another team's, is not for here. */
static int replay(char *path, char *new_rules)
{
	char program[] = "tracepager", command[] = "replay";
	char store[] = "--store", rules[] = "--rules";
	char *argv[] = { program, command, store, path, rules, new_rules, NULL };
	int out = dup(STDOUT_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	fflush(stdout);
	dup2(null, STDOUT_FILENO);
	int status = commands_run(6, argv);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	close(out);
	close(null);
	return status;
}

int main(int argc, char **argv)
{
	CLEANUP_FREE char *dir =
		xasprintf("%s/bench_replay.XXXXXX", argc > 1 ? argv[1] : "/var/tmp");
	size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 10000;
	struct store *store;
	struct packed packed;
	struct err err = { 0 };

	if (!mkdtemp(dir))
		die(dir, "cannot be made");
	CLEANUP_FREE char *path = xasprintf("%s/store.db", dir);
	CLEANUP_FREE char *lock = xasprintf("%s.lock", path);
	CLEANUP_FREE char *wal = xasprintf("%s-wal", path);
	CLEANUP_FREE char *shm = xasprintf("%s-shm", path);
	CLEANUP_FREE char *new_rules = xasprintf("%s/rules.yaml", dir);
	if (store_sqlite_open(path, &store, &err) < 0)
		die("store", err.text);
	struct ruleset *before = make_rules("before", new_rules);
	struct ruleset *after = make_rules("after", new_rules);
	struct trace_set *set = make_traces();
	make_record(before, set, &packed);
	fill(store, &packed, before, n);
	store_close(store);
	int64_t start = now_us();
	clock_t cpu = clock();
	int status = replay(path, new_rules);
	double seconds = (double)(now_us() - start) / 1e6;
	double cpu_seconds = (double)(clock() - cpu) / CLOCKS_PER_SEC;
	printf("a record of %d traces of %d spans: %.1f ms to pack, %zu bytes of traces, %zu of "
	       "the rest\n",
	       TRACES, SPANS, (double)packed.us / 1e3, packed.traces.len,
	       packed.alert.len + packed.doc.len);
	printf("replay: %zu decisions in %.2f s (%.2f s of all cores), %.0f a second%s\n", n,
	       seconds, cpu_seconds, (double)n / seconds,
	       status == 1 ? "" : ", but they did not all change");
	printf("row: Replay of %zu decisions of %d spans, CPU of all cores | %.1f s | — | —\n", n,
	       TRACES * SPANS, cpu_seconds);
	buf_fini(&packed.alert);
	buf_fini(&packed.doc);
	buf_fini(&packed.traces);
	trace_set_free(set);
	rules_unref(before);
	rules_unref(after);
	unlink(path);
	unlink(lock);
	unlink(new_rules);
	/* A reader that may not write cannot remove the log of the store. */
	unlink(wal);
	unlink(shm);
	if (rmdir(dir))
		die(dir, "cannot be removed");
	return status != 1;
}
