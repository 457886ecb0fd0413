/* SNS certificates: see sns_certificates-internal.h. */
#include "sns_certificates-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/log.h"
#include "tracepager/xalloc.h"

#define SNS_CERTIFICATE_BYTES (64u << 10)

TAILQ_HEAD(sns_waiters, sns_waiter);

enum sns_slot_state {
	SLOT_FREE,
	SLOT_FETCHING,
	SLOT_READY,
	SLOT_FAILED, /* asked for again only after a while, so that no sender makes us ask often */
};

struct sns_slot {
	struct sns_certificates *owner;
	enum sns_slot_state state;
	char *url;
	struct certificate *certificate;
	char error[sizeof(((struct err *)NULL)->text) + 64];
	int64_t until_us; /* mono: then it is fetched again */
	int64_t used_us;  /* mono */
	struct http_call *call;
	struct sns_waiters waiters;
};

struct sns_certificates {
	const struct http_transport *transport;
	const struct clock *clock;
	struct sns_slot slots[LIMIT_SNS_CERTIFICATES];
};

struct sns_certificates *sns_certificates_new(const struct http_transport *transport,
					      const struct clock *clock)
{
	struct sns_certificates *certificates = xcalloc(1, sizeof(*certificates));

	certificates->transport = transport;
	certificates->clock = clock;
	for (size_t i = 0; i < LIMIT_SNS_CERTIFICATES; i++) {
		certificates->slots[i].owner = certificates;
		TAILQ_INIT(&certificates->slots[i].waiters);
	}
	return certificates;
}

static void slot_empty(struct sns_slot *slot)
{
	if (slot->call)
		slot->owner->transport->cancel(slot->owner->transport->ctx, slot->call);
	certificate_free(slot->certificate);
	free(slot->url);
	slot->call = NULL;
	slot->certificate = NULL;
	slot->url = NULL;
	slot->state = SLOT_FREE;
}

void sns_certificates_free(struct sns_certificates *certificates)
{
	if (!certificates)
		return;
	for (size_t i = 0; i < LIMIT_SNS_CERTIFICATES; i++)
		slot_empty(&certificates->slots[i]);
	free(certificates);
}

static void slot_tell(struct sns_slot *slot)
{
	struct sns_waiters waiters;
	struct sns_waiter *waiter;

	/* A waiter that is told may ask for another one, which may take this slot. */
	TAILQ_INIT(&waiters);
	TAILQ_CONCAT(&waiters, &slot->waiters, link);
	while ((waiter = TAILQ_FIRST(&waiters))) {
		TAILQ_REMOVE(&waiters, waiter, link);
		waiter->have(waiter->arg, slot->certificate, slot->error);
	}
}

/* ---- fetching ---- */

static void slot_on_reply(void *arg, const struct http_reply *reply)
{
	struct sns_slot *slot = arg;
	const int64_t now_us = clock_mono_us(slot->owner->clock);
	struct err err = { 0 };

	slot->call = NULL;
	slot->error[0] = '\0';
	if (reply->error || reply->status != 200)
		snprintf(slot->error, sizeof(slot->error),
			 "Amazon's certificate cannot be fetched: %s (status %d)",
			 reply->error ? reply->error : "no certificate in the answer",
			 reply->status);
	else if (!(slot->certificate = certificate_read(reply->body, reply->len, &err)))
		snprintf(slot->error, sizeof(slot->error),
			 "Amazon's certificate cannot be read: %s", err.text);
	slot->state = slot->certificate ? SLOT_READY : SLOT_FAILED;
	slot->until_us = now_us + (slot->certificate ? LIMIT_SNS_CERTIFICATE_US
						     : LIMIT_SNS_CERTIFICATE_RETRY_US);
	if (!slot->certificate)
		log_warn("a certificate of Amazon SNS cannot be had; its messages are refused",
			 LOG_STR("url", slot->url), LOG_STR("error", slot->error));
	slot_tell(slot);
}

static bool slot_fetch(struct sns_slot *slot)
{
	static const struct http_handler handler = { .done = slot_on_reply };
	const struct http_transport *transport = slot->owner->transport;
	const struct http_request request = {
		.method = HTTP_GET,
		.url = slot->url,
		.timeout_us = LIMIT_SNS_FETCH_US,
		.max_reply_bytes = SNS_CERTIFICATE_BYTES,
	};

	slot->call = transport->send(transport->ctx, &request, &handler, slot);
	return slot->call != NULL;
}

/* The slot to use for a further one: what is worth least, but none that is under way. */
static struct sns_slot *slot_for_new(struct sns_certificates *certificates)
{
	struct sns_slot *best = NULL;
	size_t fetching = 0;

	for (size_t i = 0; i < LIMIT_SNS_CERTIFICATES; i++) {
		struct sns_slot *slot = &certificates->slots[i];
		fetching += slot->state == SLOT_FETCHING;
		if (slot->state == SLOT_FETCHING)
			continue;
		if (!best || slot->state == SLOT_FREE ||
		    (best->state != SLOT_FREE &&
		     ((slot->state == SLOT_FAILED && best->state == SLOT_READY) ||
		      (slot->state == best->state && slot->used_us < best->used_us))))
			best = slot;
	}
	return fetching < LIMIT_SNS_CERTIFICATES / 4 ? best : NULL;
}

static struct sns_slot *find_sns_slot(struct sns_certificates *certificates, const char *url,
				      int64_t now_us)
{
	for (size_t i = 0; i < LIMIT_SNS_CERTIFICATES; i++) {
		struct sns_slot *slot = &certificates->slots[i];
		if (!slot->url || strcmp(slot->url, url) != 0)
			continue;
		if (slot->state != SLOT_FETCHING && now_us >= slot->until_us)
			slot_empty(slot);
		return slot->url ? slot : NULL;
	}
	return NULL;
}

void sns_certificates_want(struct sns_certificates *certificates, const char *url,
			   struct sns_waiter *waiter)
{
	const int64_t now_us = clock_mono_us(certificates->clock);
	struct sns_slot *slot = find_sns_slot(certificates, url, now_us);

	if (!slot) {
		slot = slot_for_new(certificates);
		if (!slot) {
			waiter->have(waiter->arg, NULL,
				     "too many certificates of Amazon are being fetched");
			return;
		}
		slot_empty(slot);
		slot->url = xstrdup(url);
		if (!slot_fetch(slot)) {
			slot_empty(slot);
			waiter->have(waiter->arg, NULL,
				     "Amazon's certificate cannot be fetched: no memory");
			return;
		}
		slot->state = SLOT_FETCHING;
	}
	slot->used_us = now_us;
	if (slot->state == SLOT_FETCHING)
		TAILQ_INSERT_TAIL(&slot->waiters, waiter, link);
	else
		waiter->have(waiter->arg, slot->certificate, slot->error);
}
