/*
 * Recovery of the SQLite store: whatever bytes lie in the file, opening, loading, writing, and
 * clearing out end with success or with an error that says what is wrong. What follows a WAL's
 * magic number, at a multiple of 512, is the WAL.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../relay/store/sqlite-internal.h"
#include "tracepager/log.h"
#include "tracepager/xalloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *dir, *path;

static void remove_files(void)
{
	static const char *const tails[] = { "", "-wal", "-shm", "-journal", ".lock" };

	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		CLEANUP_FREE char *file = xasprintf("%s%s", path, tails[i]);

		unlink(file);
	}
}

static void leave(void)
{
	remove_files();
	rmdir(dir);
	free(path);
	free(dir);
}

/* In memory where there is such a place: nobody waits for a disk here. */
static void prepare(void)
{
	const char *tmp = getenv("TMPDIR");

	if (access("/dev/shm", W_OK) == 0)
		tmp = "/dev/shm";
	dir = xasprintf("%s/fuzz_store.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		abort();
	path = xasprintf("%s/store.db", dir);
	atexit(leave);
	/* Every damaged file would be a line. */
	log_set_level(LOG_LEVEL_ERROR);
}

static size_t find_wal(const uint8_t *data, size_t size)
{
	for (size_t at = 0; at + 4 <= size; at += 512)
		if (memcmp(data + at, "\x37\x7f\x06", 3) == 0 && (data[at + 3] & 0xfe) == 0x82)
			return at;
	return size;
}

static void write_file(const char *tail, const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *name = xasprintf("%s%s", path, tail);
	CLEANUP_CLOSE int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
}

static void see_alert(void *ctx, const struct stored_alert *alert)
{
	*(size_t *)ctx += strlen(alert->key) + strlen(alert->incident) +
			  (size_t)(alert->doc[alert->doc_len] == '\0');
}

static void see_incident(void *ctx, const struct stored_incident *incident)
{
	*(size_t *)ctx += strlen(incident->id) + strlen(incident->key) + strlen(incident->team) +
			  (size_t)(incident->page[incident->page_len] == '\0');
}

static void see_recipient(void *ctx, const struct stored_recipient *recipient)
{
	*(size_t *)ctx +=
		strlen(recipient->incident) + strlen(recipient->pager) + strlen(recipient->target);
}

static void see_sender(void *ctx, const struct stored_sender *sender)
{
	*(size_t *)ctx += strlen(sender->name);
}

static void see_page(void *ctx, const struct stored_page *page)
{
	*(size_t *)ctx += strlen(page->incident) + strlen(page->pager) + strlen(page->target) +
			  strlen(page->error) + (size_t)(page->doc[page->doc_len] == '\0');
}

/* One write to every table; that it may fail is no matter. */
static void write_all(struct store *store)
{
	struct store_batch *batch = store_batch_new();
	struct stored_alert alert = {
		.id = 1, .key = "prometheus/a", .incident = "i1", .doc = "{}", .doc_len = 2
	};

	store_put_alert(batch, &alert);
	store_touch_alert(batch, &alert);
	store_put_incident(batch,
			   &(struct stored_incident){ .id = "i1", .key = "k", .team = "ledger" });
	store_put_page(batch,
		       &(struct stored_page){ .id = 1, .incident = "i1", .pager = "ledger-hook" });
	store_put_recipient(batch,
			    &(struct stored_recipient){ .incident = "i1", .pager = "ledger-hook" });
	store_put_event(batch, &(struct stored_event){ .incident = "i1", .event = "opened" });
	store_put_sender(batch, &(struct stored_sender){ .name = "am1" });
	store_put_decision(
		batch, &(struct stored_decision){ .alert_key = "prometheus/a", .incident = "i1" });
	store_remove_alert(batch, 1);
	if (store_commit(store, batch, NULL, NULL) < 0)
		store_batch_free(batch);
}

static void clear_out(void)
{
	sqlite3 *db;
	struct err err;
	bool more;

	if (sqlite_connect(path, false, &db, &err) < 0)
		return;
	sqlite_retain(db, path, INT64_MAX / 2, &more, &err);
	sqlite3_close(db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct store_loader loader = {
		.sender = see_sender,
		.incident = see_incident,
		.recipient = see_recipient,
		.page = see_page,
		.alert = see_alert,
	};
	size_t wal = find_wal(data, size), seen = 0;
	struct store *store;
	struct err err = { 0 };

	if (!dir)
		prepare();
	write_file("", data, wal);
	if (wal < size)
		write_file("-wal", data + wal, size - wal);
	if (store_sqlite_open(path, &store, &err) == 0) {
		if (store_load(store, &loader, &seen, &err) < 0 && !err.text[0])
			abort();
		write_all(store);
		store_close(store);
		clear_out();
	} else if (!strstr(err.text, path)) {
		abort();
	}
	remove_files();
	return 0;
}
