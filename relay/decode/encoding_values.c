/*
 * What several trace encodings do alike: see encodings-internal.h.
 */
#include "encodings-internal.h"

#include <errno.h>
#include <inttypes.h>

#include "tracepager/utf8.h"

int64_t trace_time_us(const char *text, size_t len)
{
	int64_t time;
	double value;

	if (jread_int64(text, len, &time))
		return time;
	if (!jread_double(text, len, &value))
		return 0;
	if (value >= 9e18)
		return INT64_MAX;
	return value <= -9e18 ? INT64_MIN : (int64_t)value;
}

bool trace_id_is_zero(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '0')
			return false;
	}
	return true;
}

void trace_error_text(const char *text, size_t len, char message[LIMIT_ERROR_MESSAGE_BYTES])
{
	len = utf8_cut(text, len, LIMIT_ERROR_MESSAGE_BYTES - 1);
	for (size_t i = 0; i < len; i++)
		message[i] = (unsigned char)text[i] < 0x20 ? ' ' : text[i];
	message[len] = '\0';
}

int trace_error_fail(struct err *err, const char *message, int64_t code)
{
	if (message[0] == '\0')
		message = "without a message";
	if (code != 0)
		return err_set(err, EBADMSG, "the answer is an error: \"%s\" (code %" PRId64 ")",
			       message, code);
	return err_set(err, EBADMSG, "the answer is an error: \"%s\"", message);
}

struct jread *trace_jread_new(enum jread_mode mode, jread_handler *handler, void *ctx)
{
	struct jread *jread = jread_new(mode, handler, ctx);

	jread_repair(jread);
	return jread;
}

static int jread_result(struct jread *jread, int error, struct err *err)
{
	if (error && err)
		*err = *jread_err(jread);
	return error;
}

int trace_jread_feed(struct jread *jread, const char *data, size_t len, struct err *err)
{
	return jread_result(jread, jread_feed(jread, data, len), err);
}

int trace_jread_finish(struct jread *jread, struct err *err)
{
	return jread_result(jread, jread_finish(jread), err);
}
