/*
 * What several trace encodings do alike: see encodings-internal.h.
 */
#include "encodings-internal.h"

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
