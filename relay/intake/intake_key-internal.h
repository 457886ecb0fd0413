/*
 * Intake key: the sender of a request that shows a key where the API of another service has it: in
 * the body, or behind a scheme of its own. Keys are compared in constant time. It answers nobody.
 */
#ifndef TRACEPAGER_INTAKE_INTAKE_KEY_INTERNAL_H
#define TRACEPAGER_INTAKE_INTAKE_KEY_INTERNAL_H

#include "intake-internal.h"

/* A set of enum alert_format_id. */
#define INTAKE_FORMAT(id) (UINT64_C(1) << (id))

/* The sender of one of the formats whose token the key (NULL: none) is, and whose other marks
 * (address, signature …) it bears; where all addresses are loopback, a sender that declares nothing
 * takes every key that is nobody else's. NULL: there is none, err says why, and the refusal is
 * counted. */
const struct sender *intake_sender_of_key(struct intake *intake, struct http_exchange *exchange,
					  uint64_t formats, const char *key, struct err *err);
/* Is there no sender that takes requests without a key? */
bool intake_formats_need_key(const struct intake *intake, uint64_t formats);
/* The text of a member of the outermost object; false: the body is no JSON up to there, or has no
 * such text. Caller buf_fini()s ret_text in either case. */
bool intake_body_key(const char *body, size_t len, const char *member, struct buf *ret_text);

#endif
