/*
 * Links: the addresses in pages at which a person acts on an incident, with the keys that sign
 * them, and the forms that were sent behind them. It knows nothing of incidents: when one ended,
 * and what may be done to it, is its user's business.
 *
 * It owns a key of its own where no file has one, the key of forms, which lasts as long as the
 * process, and the ids of forms that were sent. Loop thread only.
 */
#ifndef TRACEPAGER_LINKS_H
#define TRACEPAGER_LINKS_H

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/link.h"
#include "tracepager/secret.h"

struct links_env {
	const struct clock *clock;
	const char *external_url; /* "": there are no links */
	/* Borrowed; their values may change. The first signs, all verify. Without a value in the
	 * first: a key of its own does. */
	const struct secret *keys;
	size_t nkeys;
	/* Keeps a text over a restart, by a name. */
	void (*keep)(void *ctx, const char *name, const char *value);
	void *ctx;
};

struct links;

struct links *links_new(const struct links_env *env); /* env is copied */
void links_free(struct links *links);		      /* takes NULL */
/* A text that keep() got before the restart; those of other names are left alone. */
void links_kept(struct links *links, const char *name, const char *value);

/* Adds the address of an incident for a pager that gets its page; nothing without an external_url.
 * The first one makes a key, where there is none. */
void links_write(struct links *links, const char *incident, const char *pager, struct buf *out);
/* As link_read(), with the keys in force. */
enum link_verdict links_read(const struct links *links, const char *token, const char *incident,
			     char *ret_pager);

/* Adds the mark of a form that is shown now behind a token. */
void links_form_write(const struct links *links, const char *token, struct buf *out);
enum links_form {
	LINKS_FORM_GOOD,
	LINKS_FORM_USED,   /* it was sent before */
	LINKS_FORM_OLD,	   /* shown too long ago, or before the relay started */
	LINKS_FORM_FORGED, /* shown by nobody, or behind another token */
};
/* May the form act? GOOD once: the next time it is USED. */
enum links_form links_form_take(struct links *links, const char *token, const char *mark);

#endif
