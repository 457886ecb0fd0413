/*
 * The mail transport (mail.h): a queue of mails, and a thread for each that is under way. curl
 * waits inside itself for the reply to a message and for the one to QUIT, so that a mail on the
 * multi handle of the HTTP client would hold the loop for as long as the mail server takes: 5 s
 * where it takes 3 s for the one and 2 s for the other (curl 7.88). A thread asks the loop's
 * thread whether the mail shall leave, and hands its result over; handlers run on the loop's
 * thread alone.
 *
 * Owns its mails and threads; the event base is borrowed. Loop thread only.
 */
#ifndef TRACEPAGER_NET_SMTP_INTERNAL_H
#define TRACEPAGER_NET_SMTP_INTERNAL_H

#include <stddef.h>

#include "tracepager/clock.h"
#include "tracepager/mail.h"
#include "tracepager/peer_sight.h"

struct event_base;
struct smtp_client;

/* After curl_global_init(). Clock and sight are borrowed. NULL: no memory or descriptors. */
struct smtp_client *smtp_client_new(struct event_base *base, const struct clock *clock,
				    struct peer_sight *sight);
/* Cancels what is under way and waits for the threads, about a second at most. Takes NULL. */
void smtp_client_free(struct smtp_client *client);
const struct mail_transport *smtp_client_transport(struct smtp_client *client);
/* Mails that are not done; cancelled ones until their threads have ended. */
size_t smtp_client_active(const struct smtp_client *client);

#endif
