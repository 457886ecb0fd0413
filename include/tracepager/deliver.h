/*
 * Deliver: sends pages to pagers. Pages of one recipient (incident, pager, n) leave in order, one
 * at a time (a resolve never overtakes its trigger). A failed page is retried with capped
 * exponential backoff and full jitter; Retry-After is obeyed up to LIMIT_PAGER_RETRY_AFTER_US; a
 * breaker per pager limits the attempts at a pager that fails. Owns the queued pages: a page that
 * was queued by this program as struct page, one that a restart found as its stored document, which
 * is read again for each attempt. Refuses to decide who is paged and to give up: a page is retried
 * until it is delivered, rejected or superseded. Stores nothing itself. Loop thread only.
 */
#ifndef TRACEPAGER_DELIVER_H
#define TRACEPAGER_DELIVER_H

#include "tracepager/clock.h"
#include "tracepager/http.h"
#include "tracepager/pager_kind.h"
#include "tracepager/stage.h"
#include "tracepager/store.h"
#include "tracepager/timers.h"

struct deliver;

/* The pager of a check of the relay by itself: its pages are built, no request leaves, and they are
 * delivered. No pager of the rules has this name. */
#define DELIVER_SINK "tracepager sink"

/* Whose page it is, for the log. */
struct deliver_whose {
	const char *team;	   /* "": not known */
	const struct alert *alert; /* one of those that it is about; NULL: none is known */
};

struct deliver_ops {
	/* Store the page's new state, attempts, next_us and error. Called before deliver acts on
	 * the change. The page is borrowed. Both callbacks may call deliver_enqueue(). */
	void (*changed)(void *ctx, const struct stored_page *page);
	/* The pager has not accepted this page for LIMIT_PAGER_SILENT_US; the page is still
	 * retried. At most once per page and run of the program. The page is borrowed. */
	void (*silent)(void *ctx, const struct stored_page *page);
	/* Asked before a page's attempt, and again when the pager is connected, just before the
	 * request's first byte: may it still leave? If not, the page and all that waits behind it
	 * to the same recipient are dropped. It may not call deliver. NULL: all may. */
	bool (*wanted)(void *ctx, const struct stored_page *page);
	/* Reads the document of a page that was handed over without a copy. The arena keeps its
	 * texts. 0 or -errno with err. It may not call deliver. NULL: page_read(). */
	int (*read)(void *ctx, const struct stored_page *page, struct arena *arena,
		    struct page *ret_page, struct err *err);
	/* What was remembered last of the page's recipient ("": nothing), asked before each
	 * attempt; borrowed until the next callback. It may not call deliver. NULL: nothing. */
	const char *(*memory)(void *ctx, const struct stored_page *page);
	/* A reply told what to remember of the page's recipient. Called just before changed(), so
	 * that both can be stored in one commit. It may not call deliver. */
	void (*remember)(void *ctx, const struct stored_page *page, const char *memory);
	/* Do the metrics of pages count this one? It may not call deliver. NULL: all are. */
	bool (*counted)(void *ctx, const struct stored_page *page);
	/* Borrowed until the next callback. It may not call deliver. NULL: nothing is known. */
	struct deliver_whose (*whose)(void *ctx, const struct stored_page *page);
	void *ctx;
};

struct deliver_env {
	const struct http_transport *transport;
	struct timers *timers;
	const struct clock *clock;
	int console_fd;		     /* pages of kind console are written to it */
	double (*random)(void);	     /* 0 to 1, for jitter; NULL: random_unit() */
	const struct tracer *tracer; /* NULL: attempts are not traced */
};

/* env and ops are copied; what env points to is borrowed until deliver_free(). */
struct deliver *deliver_new(const struct deliver_env *env, const struct deliver_ops *ops);
/* Cancels what is being sent; queued pages stay in the store. Takes NULL. */
void deliver_free(struct deliver *deliver);

/* The page must be in state queued; its row is copied. copy: what is sent, taken, and then the
 * row's document is not needed; NULL: the document is read for each attempt. It waits behind
 * earlier pages of its recipient. A waiting update is dropped when a newer update or the resolve
 * supersedes it; pages behind a rejected trigger are dropped (changed() is called for each). A page
 * that a restart brings back keeps its attempts and waits until its next_us. */
void deliver_enqueue(struct deliver *deliver, const struct stored_page *page,
		     struct page_copy *copy);
/* The same for a page that a restart brings back and whose recipient just got a new target: a
 * recipient without other pages is held, as by deliver_move(). */
void deliver_enqueue_held(struct deliver *deliver, const struct stored_page *page);
/* All pages of a recipient whose trigger waits go to that target (page_target_write()) from now on.
 * None of them leaves before deliver_release(): the caller stores the target first. May be called
 * within changed(). false: no trigger of the recipient waits, or its request is under way; nothing
 * has changed. */
bool deliver_move(struct deliver *deliver, const char *incident, const char *pager, int n,
		  const char *target);
/* One for each deliver_move() and deliver_enqueue_held(). After the last one the recipient's first
 * page is tried at once. The recipient may have no page any more. */
void deliver_release(struct deliver *deliver, const char *incident, const char *pager, int n);
/* Gives up what waits for a recipient, also what is being sent; changed() is called for
 * each page. Not from within changed(). */
void deliver_drop(struct deliver *deliver, const char *incident, const char *pager, int n,
		  const char *why);
/* Pages that are not delivered, rejected or dropped yet. */
size_t deliver_waiting(const struct deliver *deliver);
/* Within changed(): HTTP's status of the try whose outcome it tells, and how long that try took. 0:
 * there was no reply, or no try. */
int deliver_last_status(const struct deliver *deliver, int64_t *ret_took_us);
/* From now on no request begins: those under way may end, the other pages stay in the store. */
void deliver_end(struct deliver *deliver);
/* Requests under way, for a drain: what else waits is in the store. */
size_t deliver_sending(const struct deliver *deliver);

/* ---- what a person does ---- */

/* Nothing begins to leave for a paused pager, whether it has pages or not; what is under way ends.
 * Its pages wait, and silent() is not called for them. A resume tries all of them at once, and
 * silent() counts from there. */
void deliver_pause(struct deliver *deliver, const char *pager, bool paused);
bool deliver_is_paused(const struct deliver *deliver, const char *pager);
/* Tries the pager's pages now; while it fails only one of them, and the rest when that is answered.
 * Nothing happens while it is paused. */
void deliver_retry_pager(struct deliver *deliver, const char *pager);
/* Tries the first page of that page's recipient now, even where the pager fails. Nothing happens
 * while the pager is paused or has the page just now. false: no such page waits. */
bool deliver_retry_page(struct deliver *deliver, int64_t id);
/* Drops a page, also one that is being sent; with a trigger that was never tried all pages behind
 * it. changed() is called for each. Not from within changed(). false: no such page waits. */
bool deliver_drop_page(struct deliver *deliver, int64_t id, const char *why);

enum deliver_state {
	DELIVER_SENDING, /* its request is under way */
	DELIVER_WAITING, /* for its next try, its turn, or the pages before it */
	DELIVER_PAUSED,	 /* its pager is paused */
};
const char *deliver_state_name(enum deliver_state state); /* "sending" */

struct deliver_page_view {
	const struct stored_page *page;	  /* its document is "" where there is content */
	const struct page *content;	  /* NULL: it stands in the document */
	const struct page_target *target; /* NULL: it cannot be read */
	enum deliver_state state;
};
/* The view is borrowed; false: enough. Viewers must not change what waits. */
typedef bool deliver_page_viewer(void *ctx, const struct deliver_page_view *view);
/* By id, the oldest first, from behind that id. */
void deliver_each_page(const struct deliver *deliver, int64_t after, deliver_page_viewer *viewer,
		       void *ctx);

struct deliver_pager_view {
	const char *pager;
	bool paused;
	bool failing;	   /* its last tries failed: only probes are sent */
	size_t waiting;	   /* pages */
	int64_t oldest_us; /* wall: when the oldest of them was made; 0: none waits */
};
typedef bool deliver_pager_viewer(void *ctx, const struct deliver_pager_view *view);
/* Pagers that had a page or were paused since the start, in no order. */
void deliver_each_pager(const struct deliver *deliver, deliver_pager_viewer *viewer, void *ctx);

#endif
