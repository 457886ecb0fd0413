/*
 * The fixture of the tests of delivery: a fake clock, a fake network, and what deliver told. Random
 * is fixed at 0.5, where a test does not set another chance.
 */
#ifndef TESTS_DELIVER_KIT_H
#define TESTS_DELIVER_KIT_H

#include "tests/lib/fake_clock.h"
#include "tests/lib/fake_http.h"
#include "tracepager/buf.h"
#include "tracepager/deliver.h"

#define SECOND US_PER_SECOND

extern struct fake_clock fake;
extern struct fake_http http;
extern struct deliver *deliver;
extern int console_fd;
/* What ops were told, one line each: "changed 1 delivered 3". */
extern struct buf told;
extern int64_t silent_at_us;
extern struct stored_page last;
extern char last_error[256];
/* Enqueued by the next changed() with state rejected. */
extern const struct stored_page *enqueue_on_rejection;
extern double chance;
extern const char *unwanted; /* the pager that no page may leave to; NULL: none */

void deliver_kit_setup(void);
void deliver_kit_teardown(void);
/* The ops: each adds its line to `told`. */
void on_changed(void *ctx, const struct stored_page *page);
void on_silent(void *ctx, const struct stored_page *page);
double fixed_chance(void);
/* A page for pager "hook" at https://hook/PAGER; the id is in its summary as "page-ID". */
struct stored_page make(int64_t id, const char *incident, const char *pager, enum page_event event);
void enqueue(int64_t id, const char *incident, const char *pager, enum page_event event);
/* An incident of its own, "iID", at pager "hook". */
void enqueue_severe(int64_t id, enum severity severity);
/* As a restart brings it back, due at once: it has been tried before. */
void enqueue_tried(int64_t id);
/* When the n-th request (from 0) with that text was sent. */
int64_t asked_at(const char *part, size_t n);

#endif
