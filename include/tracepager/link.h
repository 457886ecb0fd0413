/*
 * Link: the tokens in the links of pages, by which whoever got a page acts on its incident, and in
 * the forms behind such a link. A token is bound to its incident, to the pager that got it, and to
 * a day on which it ends; a form to its token and to the time when it was shown. Both are signed
 * with HMAC-SHA256 and fit into a URL as they are.
 *
 * It keeps no key and no state: whether a form was sent before, and when an incident ended, is its
 * user's business. Pure, but for the random digits of a form; any thread.
 */
#ifndef TRACEPAGER_LINK_H
#define TRACEPAGER_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/buf.h"

enum link_verdict {
	LINK_GOOD,
	LINK_EXPIRED, /* signed by one of the keys, and over */
	LINK_FORGED,  /* cut, changed, of another incident, or signed by another key */
};

/* Adds the token of a link to that incident for that pager, good until the day (UTC) of expires_us
 * begins. False: it does not fit, or the pager's name is longer than LIMIT_LINK_PAGER_BYTES. */
bool link_write(const char *key, const char *incident, const char *pager, int64_t expires_us,
		struct buf *out);
/* Is it the token of a link to that incident, signed by one of the n keys (NULL: none)? GOOD: fills
 * in the pager, a buffer of LIMIT_LINK_PAGER_BYTES + 1. */
enum link_verdict link_read(const char *const *keys, size_t n, const char *token,
			    const char *incident, int64_t now_us, char *ret_pager);

/* What tells one form from all others. */
#define LINK_FORM_ID_SIZE 17 /* hexadecimal digits and a NUL */

/* Adds the mark of a form that is shown now behind that token. */
void link_form_write(const char *key, const char *token, int64_t now_us, struct buf *out);
/* Was this form shown behind that token, at most LIMIT_FORM_US ago? GOOD: fills in its id and when
 * it was shown. */
enum link_verdict link_form_read(const char *key, const char *token, const char *mark,
				 int64_t now_us, char ret_id[LINK_FORM_ID_SIZE],
				 int64_t *ret_shown_us);

#endif
