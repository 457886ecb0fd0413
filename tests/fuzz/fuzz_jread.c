/*
 * The JSON reader against itself and against jansson. The first byte seeds how the input is cut and
 * what the handler skips.
 *
 * Pieces must not change events, verdict or place; neither may skipping change the verdict or its
 * place. Where jansson reads the same text, the values must be the same; it may refuse what it
 * cannot hold: integers beyond 64 bits, numbers beyond a double, NUL bytes in keys. What is over
 * our caps is not compared.
 */
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/jread.h"
#include "tracepager/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What one reading gave. */
struct reading {
	struct buf events;
	struct err err;
	int rc;
	uint32_t skips; /* random bits for the handler's answers; 0: it skips nothing */
	uint32_t nevents;
};

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

static int record(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct reading *reading = ctx;
	uint32_t state = reading->skips + ++reading->nevents;

	buf_putc(&reading->events, (char)event);
	buf_add(&reading->events, &len, sizeof(len));
	buf_add(&reading->events, text, len);
	if (reading->skips == 0)
		return JREAD_GO;
	switch (next_random(&state) % 8) {
	case 0:
		return JREAD_SKIP;
	case 1:
		return JREAD_SKIP_REST;
	default:
		return JREAD_GO;
	}
}

/* Feeds a copy of exactly the piece's size, so that a byte too many read shows. */
static int feed(struct jread *jread, const char *text, size_t len)
{
	char *piece = malloc(len > 0 ? len : 1);
	int rc;

	if (piece == NULL)
		abort();
	memcpy(piece, text, len);
	rc = jread_feed(jread, piece, len);
	free(piece);
	return rc;
}

/* cuts 0: in one piece. */
static void read_text(struct reading *reading, enum jread_mode mode, const char *text, size_t len,
		      uint32_t skips, uint32_t cuts)
{
	struct jread *jread;

	*reading = (struct reading){ .events = BUF_INIT(SIZE_MAX / 2), .skips = skips };
	jread = jread_new(mode, record, reading);
	while (len > 0 && reading->rc == 0) {
		size_t n = cuts == 0 ? len : 1 + next_random(&cuts) % (cuts & 1 ? 3 : 40);

		n = n < len ? n : len;
		reading->rc = feed(jread, text, n);
		text += n;
		len -= n;
	}
	if (reading->rc == 0)
		reading->rc = jread_finish(jread);
	if (reading->rc != 0 &&
	    (jread_err(jread)->code != -reading->rc || jread_err(jread)->line < 1))
		abort();
	reading->err = *jread_err(jread);
	jread_free(jread);
}

/* The same by jread_feed_value(). */
static void read_values(struct reading *reading, const char *text, size_t len)
{
	struct jread *jread;
	size_t used;
	bool complete;

	*reading = (struct reading){ .events = BUF_INIT(SIZE_MAX / 2) };
	jread = jread_new(JREAD_SEQUENCE, record, reading);
	while (len > 0 && reading->rc == 0) {
		reading->rc = jread_feed_value(jread, text, len, &used, &complete);
		if (reading->rc == 0 && !complete && used != len)
			abort();
		text += used;
		len -= used;
	}
	if (reading->rc == 0)
		reading->rc = jread_finish(jread);
	reading->err = *jread_err(jread);
	jread_free(jread);
}

static void same_verdict(const struct reading *a, const struct reading *b)
{
	if (a->rc != b->rc || a->err.line != b->err.line || a->err.column != b->err.column ||
	    strcmp(a->err.text, b->err.text) != 0)
		abort();
}

static void same_events(const struct reading *a, const struct reading *b)
{
	if (a->events.len != b->events.len ||
	    (a->events.len > 0 && memcmp(a->events.data, b->events.data, a->events.len) != 0))
		abort();
}

/* --- jansson --- */

struct builder {
	json_t *open[LIMIT_DEPTH + 1];
	int depth;
	char *key;
	size_t key_len;
	json_t *value;
	bool beyond; /* of what jansson can hold */
};

static void put(struct builder *builder, json_t *value)
{
	json_t *into = builder->depth > 0 ? builder->open[builder->depth - 1] : NULL;

	if (into == NULL)
		builder->value = value;
	else if (json_is_array(into))
		json_array_append_new(into, value);
	else
		json_object_setn_new(into, builder->key, builder->key_len, value);
}

static json_t *number(struct builder *builder, const char *text, size_t len)
{
	bool real = memchr(text, '.', len) != NULL || memchr(text, 'e', len) != NULL ||
		    memchr(text, 'E', len) != NULL;
	int64_t integer = 0;
	double value = 0;

	if (!real) {
		builder->beyond |= !jread_int64(text, len, &integer);
		return json_integer(integer);
	}
	if (!jread_double(text, len, &value))
		abort();
	if (value > 1.7976931348623157e308 || value < -1.7976931348623157e308) {
		builder->beyond = true;
		value = 0;
	}
	return json_real(value);
}

static int build(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct builder *builder = ctx;
	json_t *value = NULL;

	switch (event) {
	case JREAD_OBJECT:
	case JREAD_ARRAY:
		value = event == JREAD_OBJECT ? json_object() : json_array();
		put(builder, value);
		builder->open[builder->depth++] = value;
		return JREAD_GO;
	case JREAD_OBJECT_END:
	case JREAD_ARRAY_END:
		builder->depth--;
		return JREAD_GO;
	case JREAD_KEY:
		free(builder->key);
		builder->key = malloc(len + 1);
		memcpy(builder->key, text, len);
		builder->key[len] = '\0';
		builder->key_len = len;
		builder->beyond |= memchr(text, '\0', len) != NULL;
		return JREAD_GO;
	case JREAD_STRING:
		value = json_stringn(text, len); /* checks UTF-8 once more */
		if (value == NULL)
			abort();
		break;
	case JREAD_NUMBER:
		value = number(builder, text, len);
		break;
	case JREAD_TRUE:
	case JREAD_FALSE:
		value = json_boolean(event == JREAD_TRUE);
		break;
	case JREAD_NULL:
		value = json_null();
		break;
	}
	put(builder, value);
	return JREAD_GO;
}

static void compare_with_jansson(const char *text, size_t len)
{
	struct builder builder = { 0 };
	struct jread *jread = jread_new(JREAD_ONE, build, &builder);
	json_t *theirs = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	int rc = feed(jread, text, len);

	if (rc == 0)
		rc = jread_finish(jread);
	if (rc == -EBADMSG && theirs != NULL)
		abort();
	if (rc == 0 && theirs == NULL && !builder.beyond)
		abort();
	if (rc == 0 && theirs != NULL && !json_equal(builder.value, theirs))
		abort();
	json_decref(theirs);
	json_decref(builder.value);
	free(builder.key);
	jread_free(jread);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reading whole, other;
	const char *text;
	uint32_t seed;

	if (size == 0)
		return 0;
	text = (const char *)data + 1;
	size--;
	seed = 1 + data[0] * 7919u;
	for (enum jread_mode mode = JREAD_ONE; mode <= JREAD_SEQUENCE; mode++) {
		struct reading skipped;

		read_text(&whole, mode, text, size, 0, 0);
		read_text(&other, mode, text, size, 0, seed);
		same_verdict(&whole, &other);
		same_events(&whole, &other);
		buf_fini(&other.events);
		read_text(&skipped, mode, text, size, seed, 0);
		same_verdict(&whole, &skipped);
		read_text(&other, mode, text, size, seed, seed);
		same_verdict(&whole, &other);
		same_events(&skipped, &other);
		buf_fini(&skipped.events);
		buf_fini(&other.events);
		if (mode == JREAD_SEQUENCE) {
			read_values(&other, text, size);
			same_verdict(&whole, &other);
			same_events(&whole, &other);
			buf_fini(&other.events);
		}
		buf_fini(&whole.events);
	}
	/* jansson takes a NUL byte behind the document for its end */
	if (memchr(text, '\0', size) == NULL)
		compare_with_jansson(text, size);
	return 0;
}
