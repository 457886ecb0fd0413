/*
 * Rejected: the latest bodies that a sender was entitled to post and that could not be read, or of
 * which alerts were refused: who posted them, why they were refused, at which byte, and how they
 * begin. In memory only; the oldest make room for the newest. It takes nothing of a request that
 * proved no sender: nobody else may push out what a person looks for. It pages and logs nothing.
 * Owns copies of all texts. Loop thread only, but for what is pure.
 */
#ifndef TRACEPAGER_REJECTED_H
#define TRACEPAGER_REJECTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/sender_auth.h"

struct rejected;

struct rejected_body {
	int64_t id; /* from 1; set by rejected_add() */
	int64_t wall_us;
	const char *sender, *peer, *reason;
	int64_t byte; /* of the place that the reason names, from 0; -1: it names none */
	size_t len;   /* of the whole body */
	const char *body;
	size_t body_len; /* of its beginning, which is kept: LIMIT_REJECTED_BODY_BYTES at most */
};

struct rejected *rejected_new(void);
void rejected_free(struct rejected *rejected); /* takes NULL */
/* Texts are copied. Of the body, body_len bytes are given, and the beginning is kept. */
void rejected_add(struct rejected *rejected, const struct rejected_body *body);
/* Calls back for each that has an id below `before` (0: for all), the newest first, until that
 * returns false. Borrowed until the function returns. */
void rejected_each(const struct rejected *rejected, int64_t before,
		   bool (*see)(void *ctx, const struct rejected_body *body), void *ctx);

/* The offset in the body of the place that a reason names at its end: "… (line 3, column 7)", both
 * from 1, the column in bytes. -1: it names none, or the body has no such place. */
int64_t rejected_place(const char *reason, const char *body, size_t len);
/* Writes asterisks over the sender's secrets, and over the members of JSON in which services send
 * their keys. Pure. */
void rejected_hide(char *body, size_t len, const struct sender_auth *auth);

#endif
