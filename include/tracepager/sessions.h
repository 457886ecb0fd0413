/*
 * Sessions: who has signed in on the web pages, without a list of them: a signed cookie names an
 * API token, and counts as long as the token has the same secret. It ends after LIMIT_SESSION_US.
 * Wrong tokens are counted by peer.
 *
 * It owns the key that signs, which outlives a restart. Loop thread only.
 */
#ifndef TRACEPAGER_SESSIONS_H
#define TRACEPAGER_SESSIONS_H

#include <stdbool.h>

#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"

struct sessions_env {
	const struct clock *clock;
	/* Keeps a text over a restart, by a name. */
	void (*keep)(void *ctx, const char *name, const char *value);
	void *ctx;
};

struct sessions;

struct sessions *sessions_new(const struct sessions_env *env); /* env is copied */
void sessions_free(struct sessions *sessions);		       /* takes NULL */
/* A text that keep() got before the restart; those of other names are left alone. */
void sessions_kept(struct sessions *sessions, const char *name, const char *value);

/* Adds a new session of the token of that name and secret. */
void sessions_write(struct sessions *sessions, const char *name, const char *secret,
		    struct buf *out);
/* The name of the token that a session is of; false: it is no session. It is not verified. */
bool sessions_name(const char *session, char ret_name[LIMIT_SESSION_NAME_BYTES + 1]);
/* Was it made for a token with that secret, and has it not ended? */
bool sessions_verify(const struct sessions *sessions, const char *session, const char *secret);

/* May this peer try a token? Not after LIMIT_LOGIN_FAILURES wrong ones within LIMIT_LOGIN_US. */
bool sessions_may_try(const struct sessions *sessions, const char *peer);
void sessions_failed(struct sessions *sessions, const char *peer);

#endif
