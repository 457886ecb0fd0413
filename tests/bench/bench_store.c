/*
 * What the store gives: accepted alerts a second and the latency of a commit, with 64 senders that
 * each wait for their one alert before they send the next; then the whole life of an alert (put,
 * touch, decision). Beside it, in the same directory and the same run, what the disk gives: 4 KiB
 * written and flushed, over and over. First of all what does not depend on the machine: the bytes
 * that an alert adds to the write-ahead log.
 *
 *	bench_store [DIRECTORY [SECONDS]]
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/store.h"
#include "tracepager/xalloc.h"

#define SENDERS	    64
#define ALERT_BYTES 1024
#define SAMPLES_MAX (1 << 20)
#define GROUP	    20 /* alerts that share a commit under load */
#define GROUPS	    30 /* their log stays below what starts a checkpoint */
#define HELD	    20000

struct bench;

struct sender {
	struct bench *bench;
	int64_t sent_us, id;
	char key[64];
	int stage; /* 0 put, 1 touch and decision */
};

struct bench {
	struct store *store;
	struct sender senders[GROUPS * GROUP]; /* at least SENDERS */
	bool whole_life, stopping;
	int64_t next_id;
	size_t accepted, waiting, nsamples;
	int64_t *samples;
	char doc[ALERT_BYTES];
};

static int64_t now_us(void)
{
	return clock_mono_us(clock_system());
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_store: %s: %s\n", what, why);
	exit(1);
}

static void on_done(void *ctx, int error, const char *text);

static void hand_over(struct bench *bench, struct sender *sender, struct store_batch *batch)
{
	sender->sent_us = now_us();
	bench->waiting++;
	if (store_commit(bench->store, batch, on_done, sender) < 0)
		die("commit", "the queue is full");
}

/* A key as a fingerprint is: in no order. */
static void put_alert(struct bench *bench, struct sender *sender, struct store_batch *batch)
{
	struct stored_alert alert = {
		.id = ++bench->next_id,
		.key = sender->key,
		.doc = bench->doc,
		.doc_len = ALERT_BYTES,
		.incident = "",
		.state = STORED_ALERT_WAITING,
		.accepted_us = now_us(),
	};

	sender->id = alert.id;
	snprintf(sender->key, sizeof(sender->key), "prometheus/%016llx",
		 (unsigned long long)alert.id * 0x9e3779b97f4a7c15ULL);
	store_put_alert(batch, &alert);
}

static void send_alert(struct bench *bench, struct sender *sender)
{
	struct store_batch *batch = store_batch_new();

	put_alert(bench, sender, batch);
	sender->stage = 0;
	hand_over(bench, sender, batch);
}

static void put_decision(struct bench *bench, struct sender *sender, struct store_batch *batch)
{
	struct stored_alert alert = { .id = sender->id,
				      .key = sender->key,
				      .incident = "incident-1",
				      .state = STORED_ALERT_DECIDED };
	struct stored_decision decision = {
		.alert_key = sender->key,
		.incident = "incident-1",
		.at_us = now_us(),
		.doc = bench->doc,
		.doc_len = ALERT_BYTES,
	};

	store_touch_alert(batch, &alert);
	store_put_decision(batch, &decision);
}

static void decide_alert(struct bench *bench, struct sender *sender)
{
	struct store_batch *batch = store_batch_new();

	put_decision(bench, sender, batch);
	sender->stage = 1;
	hand_over(bench, sender, batch);
}

static void on_done(void *ctx, int error, const char *text)
{
	struct sender *sender = ctx;
	struct bench *bench = sender->bench;

	if (error)
		die("commit", text);
	bench->waiting--;
	if (bench->nsamples < SAMPLES_MAX)
		bench->samples[bench->nsamples++] = now_us() - sender->sent_us;
	if (sender->stage == 0) {
		bench->accepted++;
		if (bench->whole_life) {
			decide_alert(bench, sender);
			return;
		}
	}
	if (!bench->stopping)
		send_alert(bench, sender);
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void report(const char *what, double per_second, int64_t *samples, size_t n)
{
	qsort(samples, n, sizeof(*samples), by_value);
	printf("%-34s %9.0f/s   p50 %6.2f ms   p99 %6.2f ms   longest %6.2f ms\n", what, per_second,
	       (double)samples[n / 2] / 1000, (double)samples[n * 99 / 100] / 1000,
	       (double)samples[n - 1] / 1000);
	fflush(stdout);
}

/* Gives the alerts a second. */
static double bench_senders(const char *what, const char *path, bool whole_life, int senders,
			    double seconds)
{
	struct bench bench = { .whole_life = whole_life };
	struct pollfd pollfd = { .events = POLLIN };
	struct err err;
	int64_t start, end;

	if (store_sqlite_open(path, &bench.store, &err) < 0)
		die(path, err.text);
	bench.next_id = now_us(); /* beyond those of the runs before */
	bench.samples = xcalloc(SAMPLES_MAX, sizeof(*bench.samples));
	memset(bench.doc, 'x', sizeof(bench.doc));
	pollfd.fd = store_fd(bench.store);
	start = now_us();
	for (int i = 0; i < senders; i++) {
		bench.senders[i].bench = &bench;
		send_alert(&bench, &bench.senders[i]);
	}
	end = start + (int64_t)(seconds * US_PER_SECOND);
	while (bench.waiting > 0) {
		if (poll(&pollfd, 1, -1) < 0 && errno != EINTR)
			die("poll", strerror(errno));
		store_poll(bench.store);
		if (now_us() >= end)
			bench.stopping = true;
	}
	double rate = (double)bench.accepted * US_PER_SECOND / (double)(now_us() - start);
	report(what, rate, bench.samples, bench.nsamples);
	store_close(bench.store);
	free(bench.samples);
	return rate;
}

static void commit_and_wait(struct store *store, struct store_batch *batch)
{
	struct pollfd pollfd = { .fd = store_fd(store), .events = POLLIN };

	if (store_commit(store, batch, NULL, NULL) < 0)
		die("commit", "the queue is full");
	while (store_waiting(store) > 0)
		if (poll(&pollfd, 1, -1) > 0)
			store_poll(store);
}

typedef void put_step(struct bench *bench, struct sender *sender, struct store_batch *batch);

/* Groups of what step writes; the log has grown by so many bytes for each alert. */
static long long bytes_per_alert(struct bench *bench, const char *wal, put_step *const steps[2])
{
	struct stat before, after;

	if (stat(wal, &before) < 0)
		die(wal, strerror(errno));
	for (int i = 0; i < GROUPS; i++) {
		struct store_batch *batch = store_batch_new();

		for (int j = 0; j < GROUP; j++)
			for (int k = 0; k < 2 && steps[k]; k++)
				steps[k](bench, &bench->senders[i * GROUP + j], batch);
		commit_and_wait(bench->store, batch);
	}
	if (stat(wal, &after) < 0)
		die(wal, strerror(errno));
	return (long long)(after.st_size - before.st_size) / (GROUPS * GROUP);
}

/* In a store that holds alerts already. Each part begins with a new log, which only grows. */
static void bench_bytes(const char *path)
{
	static put_step *const parts[][2] = {
		{ put_alert },
		{ put_decision },
		{ put_alert, put_decision },
	};
	CLEANUP_FREE char *wal = xasprintf("%s-wal", path);
	CLEANUP_FREE struct bench *bench = xcalloc(1, sizeof(*bench));
	struct store_batch *batch = store_batch_new();
	long long bytes[ARRAY_LEN(parts)];
	struct err err;

	bench->next_id = 1700000000000000; /* as long as the relay's */
	memset(bench->doc, 'x', sizeof(bench->doc));
	for (int i = 0; i < HELD; i++) {
		put_alert(bench, &bench->senders[0], batch);
		put_decision(bench, &bench->senders[0], batch);
	}
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (store_sqlite_open(path, &bench->store, &err) < 0)
			die(path, err.text);
		if (i == 0) {
			commit_and_wait(bench->store, batch);
			store_close(bench->store);
			if (store_sqlite_open(path, &bench->store, &err) < 0)
				die(path, err.text);
		}
		bytes[i] = bytes_per_alert(bench, wal, parts[i]);
		store_close(bench->store);
	}
	printf("row: Log per alert, %d in a commit: put, touch and decision of 1 KiB each | %lld "
	       "bytes | — | —\n",
	       GROUP, bytes[2]);
	printf("log per alert, %d in a commit: put %lld, touch + decision %lld, "
	       "all in one %lld bytes\n",
	       GROUP, bytes[0], bytes[1], bytes[2]);
	fflush(stdout);
}

/* Over a file that has its size already, as the WAL mostly is. */
static double bench_disk(const char *path, double seconds)
{
	int64_t *samples = xcalloc(SAMPLES_MAX, sizeof(*samples)), start, before, now;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const off_t blocks = 4096;
	char block[4096] = { 0 };
	size_t n = 0;

	if (fd < 0)
		die(path, strerror(errno));
	for (off_t i = 0; i < blocks; i++)
		if (pwrite(fd, block, sizeof(block), i * (off_t)sizeof(block)) < 0)
			die(path, strerror(errno));
	fsync(fd);
	now = start = now_us();
	while (n < SAMPLES_MAX && now < start + (int64_t)(seconds * US_PER_SECOND)) {
		before = now;
		if (pwrite(fd, block, sizeof(block), (off_t)n % blocks * (off_t)sizeof(block)) <
			    0 ||
		    fdatasync(fd) < 0)
			die(path, strerror(errno));
		now = now_us();
		samples[n++] = now - before;
	}
	double rate = (double)n * US_PER_SECOND / (double)(now - start);
	report("bare 4 KiB write + fdatasync", rate, samples, n);
	close(fd);
	unlink(path);
	free(samples);
	return rate;
}

static void tell_row(const char *what, double rate, double flushes)
{
	printf("row: Store, 64 senders: %s | %.0f/s | bare 4 KiB write and fdatasync, %.0f/s | "
	       "%.1f\n",
	       what, rate, flushes, rate / flushes);
}

static void remove_store(const char *path)
{
	static const char *const tails[] = { "", "-wal", "-shm", ".lock" };

	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		CLEANUP_FREE char *file = xasprintf("%s%s", path, tails[i]);

		unlink(file);
	}
}

int main(int argc, char **argv)
{
	const char *tmp = getenv("TMPDIR");
	double seconds = argc > 2 ? strtod(argv[2], NULL) : 3;
	CLEANUP_FREE char *dir = xasprintf("%s/bench_store.XXXXXX", argc > 1 ? argv[1]
								    : tmp    ? tmp
									     : "/tmp");
	CLEANUP_FREE char *path = NULL, *disk = NULL;

	if (!mkdtemp(dir))
		die(dir, strerror(errno));
	path = xasprintf("%s/store.db", dir);
	disk = xasprintf("%s/disk", dir);
	bench_bytes(path);
	remove_store(path);
	double flushes = bench_disk(disk, seconds);
	bench_senders("1 sender, put", path, false, 1, seconds);
	double puts = bench_senders("64 senders, put", path, false, SENDERS, seconds);
	double lives =
		bench_senders("64 senders, put; touch + decision", path, true, SENDERS, seconds);
	flushes = (flushes + bench_disk(disk, seconds)) / 2;
	tell_row("put", puts, flushes);
	tell_row("put, touch and decision", lives, flushes);
	remove_store(path);
	rmdir(dir);
	return 0;
}
