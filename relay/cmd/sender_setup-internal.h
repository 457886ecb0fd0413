/*
 * Sender setup: what to enter at a sender, and in tracepager.yaml, so that its alerts arrive; by
 * the texts of sender_setup.def. Prints nothing; shows no secret, only the files that hold them.
 * For the main thread.
 */
#ifndef SENDER_SETUP_INTERNAL_H
#define SENDER_SETUP_INTERNAL_H

#include "tracepager/buf.h"
#include "tracepager/config.h"

/* The options of a sender that nobody has declared yet: a whole text of tracepager.yaml. mapping:
 * one that ships; NULL: none. */
void sender_setup_options(enum alert_format_id format, const char *mapping, const char *name,
			  struct buf *out);
/* Where people and senders reach the relay, without a slash at its end. config NULL: not known. */
void sender_setup_base(const struct config *config, struct buf *out);
/* Where a sender posts. */
void sender_setup_url(const struct sender_config *sender, const char *base, struct buf *out);
/* What proves it, in a few words. */
void sender_setup_proof(const struct sender_config *sender, struct buf *out);
/* What to enter at the sender. */
void sender_setup_write(const struct sender_config *sender, const char *base, struct buf *out);

#endif
