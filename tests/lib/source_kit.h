/*
 * For tests of trace sources: holds one talk at a time. A test examines its requests and writes the
 * replies.
 */
#ifndef TESTS_SOURCE_KIT_H
#define TESTS_SOURCE_KIT_H

#include <check.h>

#include "tracepager/trace_source.h"

#define ID    "4bf92f3577b34da6a3ce929d0e0e4736"
#define OTHER "0af7651916cd43dd8448eb211c80319c"

extern struct source_config config;
extern struct source_talk talk;
extern const struct signal checkout; /* its operation POST /orders */

void kit_setup(enum source_id kind, const char *url);
void kit_teardown(void); /* also frees what decode_kit.h decoded */
/* A search from 2026-09-01T09:50:00.25Z to 10:00:00Z, for 10 traces. */
struct trace_query search_for(const struct signal *signal, bool failing);
/* The first step of a new talk. */
enum source_step ask(const struct trace_query *query);
/* The next step, after a reply. If the body was to be decoded: one that begins with < or ! cannot
 * be decoded, and one with an empty list, [], has no spans. */
#define TOO_MUCH "(more than is read)"
enum source_step answer(int status, const char *body, const char *content_type);
/* A reply to a search for checkout's failing traces, and the step that it leads to. */
struct search_reply {
	int status;
	const char *body;
	enum source_step step;
};
void check_search_reply(const struct search_reply *reply);
/* A service that is a pattern cannot be searched for. */
void check_pattern_is_refused(void);
const char *header(const char *name); /* of the request; NULL: absent */

/* Runs a test program of one case, whose fixtures the caller has added. */
int run_case(TCase *tcase, const char *name);

#endif
