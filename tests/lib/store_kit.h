/*
 * What the tests of the store share: a directory of their own, a store on SQLite or on the fake
 * backend, rows to write, and records of completions and of loaded rows. For libcheck.
 */
#ifndef TESTS_STORE_KIT_H
#define TESTS_STORE_KIT_H

#include "fake_store.h"
#include "tracepager/err.h"
#include "tracepager/store.h"

#define KIT_DONE_MAX 512
#define KIT_ROWS_MAX 64

enum kit_kind { KIT_SQLITE, KIT_FAKE, KIT_COUNT };

extern struct store_kit {
	char *dir, *path;
	struct fake_store *fake; /* NULL: SQLite */
	struct store *store;	 /* kit_teardown() closes it */
	struct err err;
	int64_t last_id; /* the last id that kit_alert() gave */
	struct {	 /* completed batches, in order */
		size_t n;
		intptr_t ids[KIT_DONE_MAX];
		int errors[KIT_DONE_MAX];
		char text[512]; /* of the last failure */
	} done;
	char *rows[KIT_ROWS_MAX]; /* loaded rows, one line each */
	size_t nrows;
} kit;

/* Fixtures. */
void kit_setup(void);
void kit_teardown(void);

void kit_open_sqlite(void);
void kit_open(int kind);   /* enum kit_kind */
void kit_reopen(int kind); /* closes, then opens */

/* A completion that records its batch in kit.done; ctx is the batch's number. */
void kit_on_done(void *ctx, int error, const char *text);
void kit_wait_done(size_t n); /* waits until n completions have run in all */
void kit_hand_over(struct store_batch *batch, intptr_t id);
void kit_commit(struct store_batch *batch); /* hands over and waits for success */

/* A row with the next id: 1, 2, 3 … */
struct stored_alert kit_alert(const char *key, int64_t accepted_us);
void kit_put_alert(struct store_batch *batch, const char *key, int64_t accepted_us);
void kit_put_ended(struct store_batch *batch, const char *key, int64_t ended_us);
void kit_put_incident(struct store_batch *batch, const char *id, bool open, int64_t opened_us,
		      int64_t closed_us);
void kit_put_page(struct store_batch *batch, int64_t id, const char *incident,
		  enum stored_page_state state);
void kit_put_decision(struct store_batch *batch, int64_t at_us);
/* The row that kit_put_incident() puts: state, deadlines and the like are 0, texts are "". */
struct stored_incident kit_incident(const char *id, bool open, int64_t opened_us,
				    int64_t closed_us);
void kit_put_recipient(struct store_batch *batch, const char *incident, const char *pager,
		       int state);
void kit_put_event(struct store_batch *batch, const char *incident, int64_t at_us,
		   const char *event);

/* Fills kit.rows: what store_load() gives, in its order. */
extern const struct store_loader kit_loader;
void kit_load(void);
/* Fills rows with the events that are on the disk, in their order. SQLite: closes the store. */
void kit_load_events(void);
/* The row that begins with these words, NULL: there is none. */
const char *kit_row(const char *words);

#endif
