/*
 * Zipkin v2 JSON: flat spans that name their service and their kind. Members go straight into the
 * builder's span. Sources: zipkin-api (zipkin2-api.yaml); Zipkin's DependencyLinker for spans
 * without a kind.
 */
#include <stdlib.h>

#include "encodings-internal.h"
#include "tracepager/xalloc.h"
#include "zipkin-internal.h"

struct zipkin_v2 {
	struct zipkin common;
	bool shared, has_kind_tag;
	uint32_t service; /* text */
	struct zipkin_endpoint remote;
	/* Bits of zipkin_remote_bit(): parts of the remote endpoint that tags have given. */
	unsigned int told;
};

static int zipkin_v2_begin_span(struct zipkin *z)
{
	struct zipkin_v2 *v2 = (struct zipkin_v2 *)z;

	v2->shared = v2->has_kind_tag = false;
	v2->service = 0;
	v2->remote = (struct zipkin_endpoint){ 0 };
	v2->told = 0;
	z->span = trace_builder_span(z->builder);
	return z->span ? JREAD_GO : zipkin_check(z, TRACE_NONE);
}

static enum span_kind zipkin_v2_kind_of(const char *text, size_t len)
{
	if (jread_is(text, len, "CLIENT"))
		return SPAN_CLIENT;
	if (jread_is(text, len, "SERVER"))
		return SPAN_SERVER;
	if (jread_is(text, len, "PRODUCER"))
		return SPAN_PRODUCER;
	return jread_is(text, len, "CONSUMER") ? SPAN_CONSUMER : SPAN_UNSPECIFIED;
}

static int zipkin_v2_take_tag(struct zipkin_v2 *v2, const char *text, size_t len)
{
	struct zipkin *z = &v2->common;
	bool is_text = true;
	uint32_t value;

	if (z->key == ATTR_ERROR) {
		z->span->flags &= (uint8_t) ~(SPAN_TAG_TRUE | SPAN_TAG_FALSE);
		z->span->flags |= zipkin_error_flag(text, len, &is_text);
		if (!is_text)
			return JREAD_GO;
	}
	if (z->key == ZIPKIN_KEY_NAMESPACE)
		return zipkin_take_namespace(z, text, len);
	value = zipkin_value(z, z->key, text, len);
	if (value == TRACE_NONE)
		return zipkin_check(z, value);
	v2->has_kind_tag |= z->key == ATTR_SPAN_KIND;
	v2->told |= zipkin_remote_bit(z->key);
	trace_builder_span_attr(z->builder, (unsigned int)z->key, value);
	return JREAD_GO;
}

static int zipkin_v2_take(struct zipkin *z, enum jread_event event, const char *text, size_t len)
{
	struct zipkin_v2 *v2 = (struct zipkin_v2 *)z;

	if (z->place == ZIPKIN_TAGS)
		return zipkin_v2_take_tag(v2, text, len);
	if (z->member == ZIPKIN_KIND)
		z->span->kind = (uint8_t)zipkin_v2_kind_of(text, len);
	else if (z->member == ZIPKIN_SHARED)
		v2->shared = event == JREAD_TRUE;
	return JREAD_GO;
}

static int zipkin_v2_end_span(struct zipkin_v2 *v2)
{
	struct zipkin *z = &v2->common;
	struct span *span = z->span;

	if (v2->shared && span->kind != SPAN_CLIENT && span->kind != SPAN_PRODUCER)
		span->flags |= SPAN_SHARED;
	else if (!v2->has_kind_tag)
		zipkin_guess_kind(span, v2->service, v2->remote.service);
	zipkin_complete_times(z, span);
	zipkin_add_remote(z, &v2->remote, v2->told);
	return zipkin_span_done(z, span, v2->service);
}

static int zipkin_v2_leave(struct zipkin *z, enum zipkin_place place)
{
	struct zipkin_v2 *v2 = (struct zipkin_v2 *)z;

	if (place == ZIPKIN_LOCAL)
		v2->service = z->endpoint.service;
	else if (place == ZIPKIN_REMOTE)
		v2->remote = z->endpoint;
	return place == ZIPKIN_SPAN ? zipkin_v2_end_span(v2) : JREAD_GO;
}

static const struct zipkin_ops zipkin_v2_ops = { ZIPKIN_V2, zipkin_v2_begin_span, zipkin_v2_take,
						 zipkin_v2_leave };

static void *zipkin_v2_start(const void *variant, struct trace_builder *builder)
{
	struct zipkin_v2 *v2 = xcalloc(1, sizeof(*v2));

	(void)variant;
	zipkin_init(&v2->common, &zipkin_v2_ops, builder);
	return v2;
}

static void zipkin_v2_free(void *state)
{
	if (state)
		zipkin_fini(state);
	free(state);
}

const struct trace_encoding_ops trace_encoding_ZIPKIN_V2 = {
	.name = "zipkin-v2",
	.text = "Zipkin v2 JSON",
	.start = zipkin_v2_start,
	.feed = zipkin_feed,
	.finish = zipkin_finish,
	.free = zipkin_v2_free,
};
