/*
 * Amazon SNS: the envelope around a message, as far as its signature is concerned: what was signed,
 * by whom, and the addresses in it. Judges no signature and fetches nothing. Pure: any thread may
 * call. Texts are kept by the arena that the caller passes.
 */
#ifndef TRACEPAGER_SNS_H
#define TRACEPAGER_SNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/arena.h"
#include "tracepager/err.h"

enum sns_type {
	SNS_NOTIFICATION,
	SNS_SUBSCRIBE, /* asks whether the topic's messages are wanted */
	SNS_UNSUBSCRIBE,
};

struct sns_envelope {
	enum sns_type type;
	const char *message_id, *topic;
	int64_t timestamp_us;	 /* wall */
	unsigned int version;	 /* 1: SHA-1, 2: SHA-256 */
	const char *signed_text; /* the members that the signature covers, as Amazon writes them */
	size_t signed_len;
	const unsigned char *signature;
	size_t signature_len;
	const char *certificate_url;
	const char *subscribe_url; /* of SNS_SUBSCRIBE */
};

/* 0; -ENOMSG: the text is no envelope (a message that was delivered raw); -EBADMSG, -E2BIG: it is
 * one, and err says what is wrong with it: a member is missing, given twice, or an address is not
 * Amazon's. */
int sns_envelope_read(struct arena *arena, const char *text, size_t len,
		      struct sns_envelope *ret_envelope, struct err *err);

/* NULL: the URL is one of Amazon SNS: https, the host exactly sns.REGION.amazonaws.com or
 * sns.REGION.amazonaws.com.cn in lower case, no user, no port. Else why not, a constant text. */
const char *sns_url_fault(const char *url);
/* The same of a certificate's URL: its path ends with ".pem", with nothing behind it. */
const char *sns_certificate_url_fault(const char *url);

#endif
