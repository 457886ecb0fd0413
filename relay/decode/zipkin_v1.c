/*
 * Zipkin v1 JSON: annotations (cs, cr, sr, ss, ms, mr) tell a span's kind and times, and their
 * endpoints its service. One object may hold both sides of a call; these become two spans with one
 * id: the sender's, and the receiver's, which is shared. Source: Zipkin's V1SpanConverter.
 *
 * What an object is becomes known only at its end; until then all its members are held here. A tag
 * belongs to the side whose endpoint wrote it.
 */
#include <stdlib.h>

#include "encodings-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "zipkin-internal.h"

enum side {
	SENDER,
	RECEIVER,
	NSIDES,
};

/* Keys of binary annotations that are no tags, beside the keys of the builder. */
#define KEY_UNKNOWN  -1
#define KEY_SENDER   -2 /* ca: address of the sender, as the receiver sees it */
#define KEY_RECEIVER -3 /* sa, ma: address of the server, or of the broker */
#define KEY_NOT_YET  -4

/* The meaning of an annotation. */
struct core {
	const char name[3];
	enum side side;
	enum span_kind kind;
	bool is_end;
};

static const struct core cores[] = {
	{ "cs", SENDER, SPAN_CLIENT, false },	{ "cr", SENDER, SPAN_CLIENT, true },
	{ "sr", RECEIVER, SPAN_SERVER, false }, { "ss", RECEIVER, SPAN_SERVER, true },
	{ "ms", SENDER, SPAN_PRODUCER, false }, { "mr", RECEIVER, SPAN_CONSUMER, false },
};

struct half {
	enum span_kind kind; /* SPAN_UNSPECIFIED: the object does not have this side */
	struct zipkin_endpoint endpoint;
	int64_t start_us, end_us; /* 0: absent */
};

struct tag {
	int key;
	uint8_t flags;	/* of an error tag */
	uint32_t value; /* text; TRACE_NONE: flags only */
	struct zipkin_endpoint endpoint;
};

/* Tags of both sides. */
#define MAX_TAGS (2 * LIMIT_SPAN_ATTRS)

struct zipkin_v1 {
	struct zipkin common;

	/* The current object. */
	struct span span;
	struct half halves[NSIDES];
	struct zipkin_endpoint remotes[NSIDES]; /* the other side, as seen from each side */
	uint32_t service;			/* of the first endpoint that names one */
	struct tag tags[MAX_TAGS];
	unsigned int ntags;

	/* The current annotation or binary annotation. */
	const struct core *core; /* NULL: without a meaning */
	struct tag tag;
	bool has_value;
	struct buf value; /* the value, if it came before its key */
};

static struct zipkin_v1 *v1_of(struct zipkin *z)
{
	return (struct zipkin_v1 *)z;
}

static void begin_annotation(struct zipkin_v1 *v1)
{
	v1->core = NULL;
	v1->tag = (struct tag){ .key = KEY_NOT_YET, .value = TRACE_NONE };
	v1->has_value = false;
	v1->common.endpoint = (struct zipkin_endpoint){ 0 };
}

static int zipkin_v1_begin_span(struct zipkin *z)
{
	struct zipkin_v1 *v1 = v1_of(z);

	v1->span = (struct span){ 0 };
	for (enum side side = 0; side < NSIDES; side++) {
		v1->halves[side] = (struct half){ 0 };
		v1->remotes[side] = (struct zipkin_endpoint){ 0 };
	}
	v1->service = 0;
	v1->ntags = 0;
	begin_annotation(v1);
	z->span = &v1->span;
	return JREAD_GO;
}

/* ---- annotations ---- */

static void zipkin_v1_take_event(struct zipkin_v1 *v1, const char *text, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(cores); i++)
		if (len == 2 && memcmp(text, cores[i].name, 2) == 0)
			v1->core = &cores[i];
}

static int take_tag_value(struct zipkin_v1 *v1, const char *text, size_t len)
{
	struct zipkin *z = &v1->common;
	bool is_text = true;

	if (v1->tag.key < 0)
		return JREAD_GO;
	if (v1->tag.key == ZIPKIN_KEY_NAMESPACE)
		return zipkin_take_namespace(z, text, len);
	if (v1->tag.key == ATTR_ERROR)
		v1->tag.flags = zipkin_error_flag(text, len, &is_text);
	if (!is_text)
		return JREAD_GO;
	v1->tag.value = trace_builder_value(z->builder, text, len);
	return zipkin_check(z, v1->tag.value);
}

static int zipkin_v1_take_key(struct zipkin_v1 *v1, const char *text, size_t len)
{
	if (jread_is(text, len, "ca"))
		v1->tag.key = KEY_SENDER;
	else if (jread_is(text, len, "sa") || jread_is(text, len, "ma"))
		v1->tag.key = KEY_RECEIVER;
	else
		v1->tag.key = zipkin_tag_key(&v1->common, text, len);
	/* The endpoint of a tag that is not kept may still be the only one that names the service.
	 * */
	if (v1->tag.key == KEY_UNKNOWN && v1->service != 0)
		return JREAD_SKIP_REST;
	return v1->has_value ? take_tag_value(v1, buf_text(&v1->value), v1->value.len) : JREAD_GO;
}

static int zipkin_v1_take(struct zipkin *z, enum jread_event event, const char *text, size_t len)
{
	struct zipkin_v1 *v1 = v1_of(z);

	if (event == JREAD_NUMBER)
		len = trace_number_len(text, len);
	if (z->member == ZIPKIN_EVENT) {
		zipkin_v1_take_event(v1, text, len);
		return JREAD_GO;
	}
	if (z->member == ZIPKIN_KEY)
		return zipkin_v1_take_key(v1, text, len);
	if (v1->tag.key != KEY_NOT_YET)
		return take_tag_value(v1, text, len);
	v1->has_value = true;
	buf_reset(&v1->value);
	buf_add(&v1->value, text, len);
	return JREAD_GO;
}

static void zipkin_v1_end_annotation(struct zipkin_v1 *v1)
{
	const struct zipkin *z = &v1->common;
	const struct core *core = v1->core;
	struct half *half;

	if (v1->service == 0)
		v1->service = z->endpoint.service;
	if (!core)
		return;
	half = &v1->halves[core->side];
	half->kind = core->kind;
	if (half->endpoint.service == 0)
		half->endpoint = z->endpoint;
	if (core->is_end)
		half->end_us = z->at_us;
	else
		half->start_us = z->at_us;
}

static void end_binary(struct zipkin_v1 *v1)
{
	const struct zipkin *z = &v1->common;

	if (v1->tag.key == KEY_SENDER) {
		v1->remotes[RECEIVER] = z->endpoint;
		return;
	}
	if (v1->tag.key == KEY_RECEIVER) {
		v1->remotes[SENDER] = z->endpoint;
		return;
	}
	if (v1->service == 0)
		v1->service = z->endpoint.service;
	if ((v1->tag.value == TRACE_NONE && v1->tag.flags == 0) || v1->ntags == MAX_TAGS)
		return;
	v1->tag.endpoint = z->endpoint;
	v1->tags[v1->ntags++] = v1->tag;
}

/* ---- spans ---- */

static bool same_address(const struct zipkin_endpoint *a, const struct zipkin_endpoint *b)
{
	return a->address == b->address && a->port == b->port;
}

/* The side whose endpoint this is, if the object has both sides. */
static enum side side_of(const struct zipkin_v1 *v1, const struct zipkin_endpoint *endpoint)
{
	const struct zipkin_endpoint *sender = &v1->halves[SENDER].endpoint,
				     *receiver = &v1->halves[RECEIVER].endpoint;

	if (endpoint->service != receiver->service)
		return SENDER;
	if (endpoint->service != sender->service)
		return RECEIVER;
	return same_address(endpoint, receiver) && !same_address(endpoint, sender) ? RECEIVER
										   : SENDER;
}

static void add_tags(struct zipkin_v1 *v1, struct span *span, enum side side, bool both)
{
	for (unsigned int i = 0; i < v1->ntags; i++) {
		const struct tag *tag = &v1->tags[i];

		if (both && side_of(v1, &tag->endpoint) != side)
			continue;
		if (tag->flags != 0) {
			span->flags &= (uint8_t) ~(SPAN_TAG_TRUE | SPAN_TAG_FALSE);
			span->flags |= tag->flags;
		}
		if (tag->value != TRACE_NONE)
			trace_builder_span_attr(v1->common.builder, (unsigned int)tag->key,
						tag->value);
	}
}

/* If the object has both sides, its own times are the sender's. */
static void zipkin_v1_set_times(const struct zipkin_v1 *v1, struct span *span, enum side side,
				bool both)
{
	const struct half *half = &v1->halves[side];

	if (both && side == RECEIVER)
		span->start_us = span->duration_us = 0;
	if (span->start_us == 0)
		span->start_us = half->start_us;
	if (span->duration_us == 0 && half->start_us != 0 && half->end_us > half->start_us)
		span->duration_us = half->end_us - half->start_us;
	if (!both)
		zipkin_complete_times(&v1->common, span);
}

static int zipkin_v1_add_span(struct zipkin_v1 *v1, enum side side, bool both)
{
	struct zipkin *z = &v1->common;
	const struct half *half = &v1->halves[side];
	struct zipkin_endpoint remote = v1->remotes[side];
	struct span *span = trace_builder_span(z->builder);
	uint32_t service =
		half->endpoint.service != 0 || both ? half->endpoint.service : v1->service;

	if (!span)
		return zipkin_check(z, TRACE_NONE);
	span->id = v1->span.id;
	span->parent_id = v1->span.parent_id;
	span->name = v1->span.name;
	span->start_us = v1->span.start_us;
	span->duration_us = v1->span.duration_us;
	span->kind = (uint8_t)half->kind;
	/* A server that received its span id from the client leaves the times to the client. */
	if (side == RECEIVER && (both || v1->span.start_us == 0))
		span->flags |= SPAN_SHARED;
	zipkin_v1_set_times(v1, span, side, both);
	/* Finagle writes the client's port with the server's own name. */
	if (side == RECEIVER && remote.service == service)
		remote.service = 0;
	zipkin_guess_kind(span, service, remote.service);
	zipkin_add_remote(z, &remote, 0);
	add_tags(v1, span, side, both);
	return zipkin_span_done(z, span, service);
}

static int zipkin_v1_end_span(struct zipkin_v1 *v1)
{
	bool sender = v1->halves[SENDER].kind != SPAN_UNSPECIFIED;
	bool receiver = v1->halves[RECEIVER].kind != SPAN_UNSPECIFIED;
	int answer = JREAD_GO;

	if (!sender && !receiver && v1->service == 0)
		v1->service = v1->remotes[RECEIVER].service;
	if (sender || !receiver)
		answer = zipkin_v1_add_span(v1, SENDER, sender && receiver);
	if (receiver && answer == JREAD_GO)
		answer = zipkin_v1_add_span(v1, RECEIVER, sender && receiver);
	return answer;
}

static int zipkin_v1_leave(struct zipkin *z, enum zipkin_place place)
{
	struct zipkin_v1 *v1 = v1_of(z);

	if (place == ZIPKIN_ENDPOINT)
		return JREAD_GO;
	if (place == ZIPKIN_SPAN)
		return zipkin_v1_end_span(v1);
	if (place == ZIPKIN_ANNOTATION)
		zipkin_v1_end_annotation(v1);
	else
		end_binary(v1);
	begin_annotation(v1);
	return JREAD_GO;
}

/* ---- the encoding ---- */

static const struct zipkin_ops zipkin_v1_ops = { ZIPKIN_V1, zipkin_v1_begin_span, zipkin_v1_take,
						 zipkin_v1_leave };

static void *zipkin_v1_start(const void *variant, struct trace_builder *builder)
{
	struct zipkin_v1 *v1 = xcalloc(1, sizeof(*v1));

	(void)variant;
	zipkin_init(&v1->common, &zipkin_v1_ops, builder);
	buf_init(&v1->value, LIMIT_TOKEN_BYTES + 1);
	return v1;
}

static void zipkin_v1_free(void *state)
{
	struct zipkin_v1 *v1 = state;

	if (!v1)
		return;
	zipkin_fini(&v1->common);
	buf_fini(&v1->value);
	free(v1);
}

const struct trace_encoding_ops trace_encoding_ZIPKIN_V1 = {
	.name = "zipkin-v1",
	.text = "Zipkin v1 JSON",
	.start = zipkin_v1_start,
	.feed = zipkin_feed,
	.finish = zipkin_finish,
	.free = zipkin_v1_free,
};
