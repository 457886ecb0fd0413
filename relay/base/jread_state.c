/*
 * Jread state: what the fast way and the slow way of the JSON reader share: how reading fails, and
 * what an answer of the handler changes. It reads no byte.
 */
#include <errno.h>

#include "relay/base/jread-internal.h"

/* ---- errors ---- */

const char *jread_fail(struct jread *r, uint64_t at, int code, const char *text)
{
	err_set(&r->err, code, "%s", text);
	set_place(r, at);
	return NULL;
}

const char *jread_fail_byte(struct jread *r, uint64_t at, unsigned char c, const char *wanted)
{
	if (c > ' ' && c < 0x7f)
		err_set(&r->err, EBADMSG, "'%c' where %s belongs", c, wanted);
	else
		err_set(&r->err, EBADMSG, "byte 0x%02x where %s belongs", c, wanted);
	set_place(r, at);
	return NULL;
}

const char *jread_fail_token_size(struct jread *r)
{
	err_set(&r->err, E2BIG, "a string or number of more than %u bytes", LIMIT_TOKEN_BYTES);
	set_place(r, r->token_at);
	return NULL;
}

/* ---- what the handler answers ---- */

/* Judges an answer that is not JREAD_GO. at: where the event's token starts. false: the handler has
 * failed us. */
bool jread_take_answer(struct jread *r, enum jread_event event, int answer, uint64_t at)
{
	if (answer < 0) {
		if (r->err.text[0] == '\0')
			err_set(&r->err, -answer, "refused");
		r->err.code = -answer;
		set_place(r, at);
		return false;
	}
	if (answer == JREAD_SKIP_REST && r->depth > 0 && event != JREAD_OBJECT_END &&
	    event != JREAD_ARRAY_END) {
		r->quiet = true;
		r->wake_depth = r->depth - 1;
		r->wake_end = true;
	} else if (answer == JREAD_SKIP && event == JREAD_KEY) {
		r->skip_value = true;
	} else if (answer == JREAD_SKIP && (event == JREAD_OBJECT || event == JREAD_ARRAY)) {
		begin_quiet(r);
	}
	return true;
}
