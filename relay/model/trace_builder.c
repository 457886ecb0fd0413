/*
 * Trace builder: fills the arrays of trace_builder.h span by span, and hands them over as a set.
 *
 * Texts are interned by trace_texts.c; every array is a block of blocks.c, charged to the common
 * account. When a cap is reached, blocks.err says which one, and nothing is added after.
 *
 * While spans arrive, span->parent holds the number of the span's trace.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tracepager/limits.h"
#include "tracepager/trace_builder.h"
#include "tracepager/xalloc.h"
#include "blocks-internal.h"
#include "trace_link-internal.h"
#include "trace_texts-internal.h"

/* The fields of struct span are as wide as the caps need; it has 56 bytes. */
_Static_assert(LIMIT_SPAN_ATTRS <= UINT8_MAX, "struct span counts them in 8 bits");
_Static_assert(LIMIT_SPAN_ATTRS *LIMIT_TRACE_SPANS < 1u << 24, "attrs has 24 bits");
_Static_assert(2 * LIMIT_TRACE_SPANS < 1u << 20,
	       "resource has 20 bits, also of spans and processes");

/* Most spans have the attributes of some span before, in its order: they share one list. A list
 * that is not found here any more is stored again. */
#define ATTR_LISTS 1024

struct trace_name {
	const char *text;
	uint32_t len;
};

struct trace_builder {
	struct blocks blocks; /* of all arrays below; blocks.err: the cap that was reached */
	struct trace_texts texts;

	struct span *spans;
	uint32_t nspans, spans_size;
	struct span_attr *attrs;
	uint32_t nattrs, attrs_size;
	uint64_t attr_keys[2]; /* keys of the current span, as bits: key modulo 128 */
	/* Lists of attributes that were used lately, by their hash: the first one's index + 1. */
	uint32_t attr_lists[ATTR_LISTS];
	struct exception {
		uint32_t type, message;
		int64_t at_us;
	} exceptions[LIMIT_SPAN_EXCEPTIONS]; /* of the current span */
	unsigned int nexceptions;
	struct other_parent {
		uint32_t span, id;
		bool first_failed, failed; /* the span's first parent, and this one */
	} other_parents[LIMIT_OTHER_PARENTS];
	unsigned int nother_parents;
	struct resource *resources;
	uint32_t nresources, resources_size;
	struct resource_attr *resource_attrs;
	uint32_t nresource_attrs, resource_attrs_size;

	struct trace *traces;
	uint32_t ntraces, traces_size, last_trace;
	struct trace_slot *trace_slots; /* trace ids to indexes */
	uint32_t ntrace_slots;
	bool partial, ignore_case;

	/* Kept attribute names, and a table of their indexes + 1. */
	const char **extra_names; /* one block: pointers, then the texts that they point to */
	uint32_t nextra_names;
	size_t extra_bytes;
	struct trace_name *names;
	uint16_t *name_slots;
	uint32_t nname_slots;
};

/* ---- kept names ---- */

static void builder_add_name(struct trace_builder *b, unsigned int key, const char *text)
{
	uint32_t len = (uint32_t)strlen(text);
	uint32_t i = (uint32_t)trace_texts_hash(&b->texts, text, len) & (b->nname_slots - 1);

	b->names[key] = (struct trace_name){ text, len };
	while (b->name_slots[i] != 0)
		i = (i + 1) & (b->nname_slots - 1);
	b->name_slots[i] = (uint16_t)(key + 1);
}

static void copy_extra_names(struct trace_builder *b, const struct trace_options *options)
{
	uint32_t n = options->nextra_names < LIMIT_EXTRA_ATTRS ? (uint32_t)options->nextra_names
							       : LIMIT_EXTRA_ATTRS;
	size_t bytes = n * sizeof(char *);
	char *text;

	if (n == 0)
		return;
	for (uint32_t i = 0; i < n; i++)
		bytes += strlen(options->extra_names[i]) + 1;
	b->extra_names = xcalloc(1, bytes);
	b->extra_bytes = bytes;
	b->nextra_names = n;
	blocks_charge(&b->blocks, bytes);
	text = (char *)(b->extra_names + n);
	for (uint32_t i = 0; i < n; i++) {
		b->extra_names[i] = text;
		text = stpcpy(text, options->extra_names[i]) + 1;
	}
}

struct trace_builder *trace_builder_new(const struct trace_options *options)
{
	static const struct trace_options none;
	struct trace_builder *b = xcalloc(1, sizeof(*b));

	if (!options)
		options = &none;
	b->blocks.account = options->memory;
	trace_texts_init(&b->texts, &b->blocks);
	copy_extra_names(b, options);
	b->names = xcalloc(ATTR_COUNT + b->nextra_names, sizeof(*b->names));
	b->nname_slots = 128;
	while (b->nname_slots < 2 * (ATTR_COUNT + b->nextra_names))
		b->nname_slots *= 2;
	b->name_slots = xcalloc(b->nname_slots, sizeof(*b->name_slots));
	/* Names of attrs.def first: of two equal names the first one is found. */
	for (unsigned int i = 0; i < ATTR_COUNT; i++)
		builder_add_name(b, i, attr_name(i));
	for (unsigned int i = 0; i < b->nextra_names; i++)
		builder_add_name(b, ATTR_COUNT + i, b->extra_names[i]);
	return b;
}

void trace_builder_free(struct trace_builder *builder)
{
	if (!builder)
		return;
	blocks_discharge(&builder->blocks, builder->blocks.bytes);
	trace_texts_fini(&builder->texts);
	blocks_free(builder->spans);
	blocks_free(builder->attrs);
	blocks_free(builder->resources);
	blocks_free(builder->resource_attrs);
	blocks_free(builder->traces);
	blocks_free(builder->trace_slots);
	free(builder->extra_names);
	free(builder->names);
	free(builder->name_slots);
	free(builder);
}

int trace_builder_attr(const struct trace_builder *builder, const char *name, size_t len)
{
	uint32_t i =
		(uint32_t)trace_texts_hash(&builder->texts, name, len) & (builder->nname_slots - 1);

	for (; builder->name_slots[i] != 0; i = (i + 1) & (builder->nname_slots - 1)) {
		int key = builder->name_slots[i] - 1;

		if (builder->names[key].len == len &&
		    trace_texts_equal(builder->names[key].text, name, len))
			return key;
	}
	return -1;
}

/* ---- texts ---- */

uint32_t trace_builder_text(struct trace_builder *builder, const char *text, size_t len)
{
	return trace_texts_add(&builder->texts, text, len);
}

uint32_t trace_builder_value(struct trace_builder *builder, const char *text, size_t len)
{
	return trace_texts_cut(&builder->texts, text, len, LIMIT_ATTR_VALUE_BYTES);
}

bool trace_builder_is(const struct trace_builder *builder, uint32_t reference, const char *text,
		      size_t len)
{
	return trace_texts_is(&builder->texts, reference, text, len);
}

uint32_t trace_builder_digits(struct trace_builder *builder, const char digits[static 16])
{
	return trace_texts_add_digits(&builder->texts, digits);
}

/* ---- resources ---- */

uint32_t trace_builder_resource(struct trace_builder *builder)
{
	struct resource *resource;

	/* A document with more resources than a trace may have spans is no trace. */
	if (builder->nresources == LIMIT_TRACE_SPANS && builder->blocks.err.code == 0)
		err_set(&builder->blocks.err, E2BIG, "more than %u resources", LIMIT_TRACE_SPANS);
	if (builder->blocks.err.code != 0)
		return 0;
	if (builder->nresources == builder->resources_size &&
	    !blocks_grow(&builder->blocks, &builder->resources, &builder->resources_size,
			 builder->nresources, 1, sizeof(*resource)))
		return 0;
	resource = &builder->resources[builder->nresources];
	*resource = (struct resource){ .attrs = builder->nresource_attrs };
	return builder->nresources++;
}

void trace_builder_resource_attr(struct trace_builder *builder, uint32_t resource, const char *key,
				 size_t key_len, const char *value, size_t value_len)
{
	struct resource *to;
	struct resource_attr attr;

	if (builder->blocks.err.code != 0)
		return;
	assert(resource == builder->nresources - 1);
	to = &builder->resources[resource];
	if (to->nattrs == LIMIT_RESOURCE_ATTRS || key_len > LIMIT_RESOURCE_ATTR_BYTES)
		return;
	attr.key = trace_builder_text(builder, key, key_len);
	attr.value = trace_texts_cut(&builder->texts, value, value_len, LIMIT_RESOURCE_ATTR_BYTES);
	if (builder->nresource_attrs == builder->resource_attrs_size &&
	    !blocks_grow(&builder->blocks, &builder->resource_attrs, &builder->resource_attrs_size,
			 builder->nresource_attrs, 1, sizeof(attr)))
		return;
	builder->resource_attrs[builder->nresource_attrs++] = attr;
	to->nattrs++;
	if (builder->blocks.err.code != 0)
		return;
	if (to->service == 0 && trace_texts_is(&builder->texts, attr.key, "service.name", 12))
		to->service = attr.value;
	else if (to->namespace == 0 &&
		 trace_texts_is(&builder->texts, attr.key, "service.namespace", 17))
		to->namespace = attr.value;
}

void trace_builder_resource_service(struct trace_builder *builder, uint32_t resource,
				    uint32_t service)
{
	if (builder->blocks.err.code == 0)
		builder->resources[resource].service = service;
}

/* ---- spans ---- */

struct span *trace_builder_span(struct trace_builder *builder)
{
	struct span *span;

	if (builder->nspans == LIMIT_TRACE_SPANS && builder->blocks.err.code == 0)
		err_set(&builder->blocks.err, E2BIG, "more than %u spans", LIMIT_TRACE_SPANS);
	if (builder->blocks.err.code != 0)
		return NULL;
	if (builder->nspans == builder->spans_size &&
	    !blocks_grow(&builder->blocks, &builder->spans, &builder->spans_size, builder->nspans,
			 1, sizeof(*span)))
		return NULL;
	span = &builder->spans[builder->nspans];
	*span = (struct span){ .attrs = builder->nattrs };
	builder->attr_keys[0] = builder->attr_keys[1] = 0;
	builder->nexceptions = 0;
	return span;
}

/* May the current span have the key? false: it has not. */
static inline bool may_have_key(const struct trace_builder *b, unsigned int key)
{
	return b->attr_keys[key / 64 % 2] >> key % 64 & 1;
}

/* Replaces the value of a key that the span may have. */
static bool replace_attr(struct trace_builder *b, const struct span *span, unsigned int key,
			 uint32_t value)
{
	struct span_attr *attrs = b->attrs + span->attrs;

	for (unsigned int i = 0; i < span->nattrs; i++)
		if (attrs[i].key == key) {
			attrs[i].value = value;
			return true;
		}
	return false;
}

static inline void add_attr(struct trace_builder *b, struct span *span, unsigned int key,
			    uint32_t value)
{
	uint64_t *keys = &b->attr_keys[key / 64 % 2], bit = UINT64_C(1) << (key % 64);

	if ((*keys & bit) && replace_attr(b, span, key, value))
		return;
	if (span->nattrs == LIMIT_SPAN_ATTRS)
		return;
	if (b->nattrs + span->nattrs == b->attrs_size &&
	    !blocks_grow(&b->blocks, &b->attrs, &b->attrs_size, b->attrs_size, 1,
			 sizeof(*b->attrs)))
		return;
	b->attrs[span->attrs + span->nattrs++] = (struct span_attr){ (uint16_t)key, 0, value };
	*keys |= bit;
}

void trace_builder_span_attr(struct trace_builder *builder, unsigned int key, uint32_t value)
{
	if (builder->blocks.err.code == 0)
		add_attr(builder, &builder->spans[builder->nspans], key, value);
}

void trace_builder_span_attrs(struct trace_builder *builder, const struct span_attr *attrs,
			      size_t nattrs)
{
	struct span *span;
	unsigned int n;
	size_t i = 0;

	if (builder->blocks.err.code != 0)
		return;
	span = &builder->spans[builder->nspans];
	n = span->nattrs;
	/* Where there is room for all, they are copied up to the first whose key repeats. */
	if (n + nattrs <= LIMIT_SPAN_ATTRS && builder->nattrs + n + nattrs <= builder->attrs_size) {
		for (; i < nattrs && !may_have_key(builder, attrs[i].key); i++) {
			builder->attr_keys[attrs[i].key / 64 % 2] |= UINT64_C(1)
								     << attrs[i].key % 64;
			builder->attrs[span->attrs + n++] = attrs[i];
		}
		span->nattrs = (uint8_t)n;
	}
	for (; i < nattrs; i++)
		add_attr(builder, span, attrs[i].key, attrs[i].value);
}

void trace_builder_span_exception(struct trace_builder *builder, uint32_t type, uint32_t message,
				  int64_t at_us)
{
	struct exception exception = { type, message, at_us };

	if (builder->blocks.err.code != 0 || (type == TRACE_NONE && message == TRACE_NONE))
		return;
	if (builder->nexceptions == LIMIT_SPAN_EXCEPTIONS)
		builder->nexceptions--;
	builder->exceptions[builder->nexceptions++] = exception;
}

void trace_builder_span_other_parent(struct trace_builder *builder, uint32_t id)
{
	if (builder->blocks.err.code == 0 && builder->nother_parents < LIMIT_OTHER_PARENTS)
		builder->other_parents[builder->nother_parents++] =
			(struct other_parent){ .span = builder->nspans, .id = id };
}

/* Does one of two messages hold the other? */
static bool exceptions_agree(const struct trace_builder *b, uint32_t one, uint32_t other)
{
	const char *x = b->texts.strings + one;
	const char *y = b->texts.strings + (other != TRACE_NONE ? other : 0);

	return *x && *y && (strstr(x, y) || strstr(y, x));
}

/* Keeps the exception that the span failed by. */
static void keep_exception(struct trace_builder *b)
{
	struct span *span = &b->spans[b->nspans];
	const struct exception *kept = &b->exceptions[b->nexceptions - 1];
	int64_t after_us;

	for (unsigned int i = b->nexceptions; b->nexceptions > 1 && i-- > 0;) {
		if (exceptions_agree(b, span->message, b->exceptions[i].message)) {
			kept = &b->exceptions[i];
			break;
		}
	}
	if (kept->type != TRACE_NONE)
		trace_builder_span_attr(b, ATTR_EXCEPTION_TYPE, kept->type);
	if (kept->message != TRACE_NONE)
		trace_builder_span_attr(b, ATTR_EXCEPTION_MESSAGE, kept->message);
	if (kept->at_us == 0)
		return;
	/* An event before its span comes from a clock that was set meanwhile: its time is the
	 * span's start. */
	after_us = kept->at_us > span->start_us ? kept->at_us - span->start_us : 0;
	span->exception_after_us = after_us < UINT32_MAX - 1 ? (uint32_t)after_us + 1 : UINT32_MAX;
}

/* SPAN_UNSPECIFIED: the text is no kind. */
static enum span_kind kind_from_text(const char *text)
{
	for (enum span_kind kind = SPAN_INTERNAL; kind <= SPAN_CONSUMER; kind++)
		if ((*text | 0x20) == *span_kind_name(kind) &&
		    strcasecmp(text, span_kind_name(kind)) == 0)
			return kind;
	return SPAN_UNSPECIFIED;
}

/* Sets the span's status. False: the text is none. */
static bool fold_status(struct span *span, const char *text)
{
	if (strcasecmp(text, "OK") == 0)
		span->status = SPAN_STATUS_OK;
	else if (strcasecmp(text, "ERROR") == 0)
		span->status = SPAN_STATUS_ERROR;
	else
		return strcasecmp(text, "UNSET") == 0;
	return true;
}

/* Sets a flag of the span for its error tag. False: the tag holds the words of an error, and stays
 * an attribute. */
static bool fold_error_tag(struct span *span, const char *text)
{
	static const char *const no_error[] = { "", "false", "unset", "0" };

	for (size_t i = 0; i < ARRAY_LEN(no_error); i++) {
		if (strcasecmp(text, no_error[i]) == 0) {
			span->flags |= SPAN_TAG_FALSE;
			return true;
		}
	}
	span->flags |= SPAN_TAG_TRUE;
	return strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0;
}

/* Moves an attribute into the span's fields. False: it stays an attribute. */
static bool fold_attr(const struct trace_builder *b, struct span *span,
		      const struct span_attr *attr)
{
	const char *text = b->texts.strings + attr->value;

	switch (attr->key) {
	case ATTR_SPAN_KIND:
		if (span->kind != SPAN_UNSPECIFIED)
			return false;
		span->kind = (uint8_t)kind_from_text(text);
		return span->kind != SPAN_UNSPECIFIED;
	case ATTR_OTEL_STATUS_CODE:
		return span->status == SPAN_STATUS_UNSET && fold_status(span, text);
	case ATTR_OTEL_STATUS_DESCRIPTION:
		if (span->message != 0)
			return false;
		span->message = attr->value;
		return true;
	case ATTR_ERROR:
		return !(span->flags & (SPAN_TAG_TRUE | SPAN_TAG_FALSE)) &&
		       fold_error_tag(span, text);
	default:
		return false;
	}
}

/* Folds the span's attributes as far as they are fields; a span without a message takes HTTP's
 * reason phrase. */
static void fold_attrs(struct trace_builder *b, struct span *span)
{
	const bool taken =
		may_have_key(b, ATTR_SPAN_KIND) || may_have_key(b, ATTR_OTEL_STATUS_CODE) ||
		may_have_key(b, ATTR_OTEL_STATUS_DESCRIPTION) || may_have_key(b, ATTR_ERROR);
	struct span_attr *attrs;
	uint8_t kept = 0;

	if (span->nattrs == 0)
		return;
	attrs = b->attrs + span->attrs;
	if (taken) {
		for (uint8_t i = 0; i < span->nattrs; i++)
			if (!fold_attr(b, span, &attrs[i]))
				attrs[kept++] = attrs[i];
		span->nattrs = kept;
	}
	if (span->message != 0 || !may_have_key(b, ATTR_HTTP_STATUS_MESSAGE))
		return;
	for (uint8_t i = 0; i < span->nattrs; i++)
		if (attrs[i].key == ATTR_HTTP_STATUS_MESSAGE)
			span->message = attrs[i].value;
}

/* Keeps start + duration, and differences of two such sums, within int64_t. */
static void clamp_times(struct span *span)
{
	const int64_t most = INT64_MAX / 4;

	if (span->start_us > most)
		span->start_us = most;
	if (span->start_us < -most)
		span->start_us = -most;
	if (span->duration_us > most)
		span->duration_us = most;
	if (span->duration_us < 0)
		span->duration_us = 0;
}

static inline bool same_attrs(const struct span_attr *a, const struct span_attr *b, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (a[i].key != b[i].key || a[i].value != b[i].value)
			return false;
	return true;
}

/* Gives the span the list of an earlier span that has the same attributes, if it is found. */
static void share_attrs(struct trace_builder *b, struct span *span)
{
	uint64_t hash = span->nattrs, multiplier = b->texts.seeds[1] | 1;
	const struct span_attr *attrs;
	uint32_t *list;

	if (span->nattrs == 0)
		return;
	attrs = b->attrs + span->attrs;
	/* A multiplier for each place, so that the products need not wait for each other. */
	for (unsigned int i = 0; i < span->nattrs; i++)
		hash += ((uint64_t)attrs[i].key << 32 | attrs[i].value) * (multiplier + 2 * i);
	list = &b->attr_lists[hash >> 32 & (ATTR_LISTS - 1)];
	if (*list != 0 && *list - 1 + span->nattrs <= span->attrs &&
	    same_attrs(b->attrs + *list - 1, attrs, span->nattrs))
		span->attrs = *list - 1;
	else
		*list = span->attrs + 1;
}

/* ---- traces ---- */

/* The slot of a trace id's text, or the free one where it belongs. */
static struct trace_slot *find_trace(const struct trace_builder *b, uint32_t id)
{
	uint32_t i = (uint32_t)(id * (b->texts.seeds[1] | 1) >> 40) & (b->ntrace_slots - 1);

	while (b->trace_slots[i].index != TRACE_NONE && b->trace_slots[i].id != id)
		i = (i + 1) & (b->ntrace_slots - 1);
	return &b->trace_slots[i];
}

static bool grow_trace_slots(struct trace_builder *b)
{
	uint32_t n = b->ntrace_slots > 0 ? b->ntrace_slots * 2 : 16;
	struct trace_slot *slots = blocks_scratch(&b->blocks, n, sizeof(*slots));

	if (!slots)
		return false;
	for (uint32_t i = 0; i < n; i++)
		slots[i].index = TRACE_NONE;
	blocks_scratch_free(&b->blocks, b->trace_slots, b->ntrace_slots, sizeof(*slots));
	b->trace_slots = slots;
	b->ntrace_slots = n;
	for (uint32_t i = 0; i < b->ntraces; i++)
		*find_trace(b, b->traces[i].id) = (struct trace_slot){ b->traces[i].id, i };
	return true;
}

static uint32_t builder_add_trace(struct trace_builder *b, uint32_t id)
{
	if (b->ntraces == LIMIT_TRACES_PER_DOCUMENT) {
		err_set(&b->blocks.err, E2BIG, "more than %u traces in one document",
			LIMIT_TRACES_PER_DOCUMENT);
		return TRACE_NONE;
	}
	if (b->ntraces == b->traces_size && !blocks_grow(&b->blocks, &b->traces, &b->traces_size,
							 b->ntraces, 1, sizeof(*b->traces)))
		return TRACE_NONE;
	if (b->ntraces * 2 >= b->ntrace_slots && !grow_trace_slots(b))
		return TRACE_NONE;
	b->traces[b->ntraces] = (struct trace){ .id = id };
	*find_trace(b, id) = (struct trace_slot){ id, b->ntraces };
	return b->ntraces++;
}

/* The number of a trace, or TRACE_NONE at a cap. */
static uint32_t trace_of(struct trace_builder *b, const char *id, size_t len)
{
	uint32_t text, index;

	if (b->ntraces > 0 && trace_texts_is(&b->texts, b->traces[b->last_trace].id, id, len))
		return b->last_trace;
	text = trace_builder_text(b, id, len);
	if (text == TRACE_NONE)
		return TRACE_NONE;
	index = b->ntrace_slots > 0 ? find_trace(b, text)->index : TRACE_NONE;
	return index != TRACE_NONE ? index : builder_add_trace(b, text);
}

void trace_builder_span_done(struct trace_builder *builder, const char *trace_id, size_t len)
{
	struct span *span;
	uint32_t trace;

	if (builder->blocks.err.code != 0)
		return;
	span = &builder->spans[builder->nspans];
	clamp_times(span);
	fold_attrs(builder, span);
	if (builder->nexceptions > 0)
		keep_exception(builder);
	trace = trace_of(builder, trace_id, len);
	if (trace == TRACE_NONE)
		return;
	builder->last_trace = trace;
	builder->traces[trace].nspans++;
	span->parent = trace;
	share_attrs(builder, span);
	if (span->attrs == builder->nattrs)
		builder->nattrs += span->nattrs;
	builder->nspans++;
}

void trace_builder_rename_trace(struct trace_builder *builder, const char *trace_id, size_t len,
				const char *new_id, size_t new_len)
{
	uint32_t trace, text;

	if (builder->blocks.err.code != 0)
		return;
	trace = trace_of(builder, trace_id, len);
	text = trace_builder_text(builder, new_id, new_len);
	if (trace != TRACE_NONE && text != TRACE_NONE)
		builder->traces[trace].id = text;
}

void trace_builder_partial(struct trace_builder *builder)
{
	builder->partial = true;
}

void trace_builder_ignore_case(struct trace_builder *builder)
{
	builder->ignore_case = true;
}

uint32_t trace_builder_nspans(const struct trace_builder *builder)
{
	return builder->nspans;
}

void trace_builder_map_resources(struct trace_builder *builder, uint32_t first_span,
				 const uint32_t *map, uint32_t n)
{
	for (uint32_t i = first_span; i < builder->nspans; i++) {
		assert(builder->spans[i].resource < n);
		builder->spans[i].resource = map[builder->spans[i].resource];
	}
}

bool trace_builder_failed(const struct trace_builder *builder)
{
	return builder->blocks.err.code != 0;
}

/* ---- finish ---- */

static bool same_resource(const struct trace_builder *b, const struct resource *x,
			  const struct resource *y)
{
	if (x->service != y->service || x->namespace != y->namespace || x->nattrs != y->nattrs)
		return false;
	return x->nattrs == 0 || memcmp(b->resource_attrs + x->attrs, b->resource_attrs + y->attrs,
					x->nattrs * sizeof(*b->resource_attrs)) == 0;
}

static uint64_t resource_hash(const struct trace_builder *b, const struct resource *resource)
{
	uint64_t hash =
		((uint64_t)resource->service << 32 | resource->namespace) ^ b->texts.seeds[0];

	for (uint32_t i = 0; i < resource->nattrs; i++) {
		const struct resource_attr *attr = &b->resource_attrs[resource->attrs + i];

		hash = trace_texts_fold(hash ^ ((uint64_t)attr->key << 32 | attr->value),
					b->texts.seeds[1] | 1);
	}
	return trace_texts_fold(hash, b->texts.seeds[1] | 1);
}

/* Keeps the first of equal resources and moves the kept ones together; map[old index] is the new
 * index. slots: scratch, a hash table of index + 1. */
static void unite_resources(struct trace_builder *b, uint32_t *map, uint32_t *slots,
			    uint32_t nslots)
{
	uint32_t kept = 0, kept_attrs = 0, at;

	memset(slots, 0, nslots * sizeof(*slots));
	for (uint32_t i = 0; i < b->nresources; i++) {
		struct resource resource = b->resources[i];

		at = (uint32_t)resource_hash(b, &resource) & (nslots - 1);
		while (slots[at] != 0 && !same_resource(b, &b->resources[slots[at] - 1], &resource))
			at = (at + 1) & (nslots - 1);
		if (slots[at] == 0) {
			if (resource.nattrs > 0)
				memmove(b->resource_attrs + kept_attrs,
					b->resource_attrs + resource.attrs,
					resource.nattrs * sizeof(*b->resource_attrs));
			resource.attrs = kept_attrs;
			kept_attrs += resource.nattrs;
			b->resources[kept++] = resource;
			slots[at] = kept;
		}
		map[i] = slots[at] - 1;
	}
	b->nresources = kept;
	b->nresource_attrs = kept_attrs;
}

static bool finish_resources(struct trace_builder *b)
{
	uint32_t n = b->nresources, nslots = trace_link_slots(n);
	uint32_t *scratch;

	if (n == 0)
		trace_builder_resource(b); /* the empty one, of spans without a resource */
	if (n < 2)
		return b->blocks.err.code == 0;
	scratch = blocks_scratch(&b->blocks, (size_t)n + nslots, sizeof(*scratch));
	if (!scratch)
		return false;
	unite_resources(b, scratch, scratch + n, nslots);
	if (b->nresources < n)
		trace_builder_map_resources(b, 0, scratch, n);
	blocks_scratch_free(&b->blocks, scratch, (size_t)n + nslots, sizeof(*scratch));
	return true;
}

/* Frees what only building needs, before linking needs memory of its own. */
static void drop_tables(struct trace_builder *b)
{
	trace_texts_drop_table(&b->texts);
	blocks_scratch_free(&b->blocks, b->trace_slots, b->ntrace_slots, sizeof(*b->trace_slots));
	b->trace_slots = NULL;
	b->ntrace_slots = 0;
	blocks_shrink(&b->blocks, &b->spans, b->spans_size, b->nspans, sizeof(*b->spans));
	blocks_shrink(&b->blocks, &b->attrs, b->attrs_size, b->nattrs, sizeof(*b->attrs));
	blocks_shrink(&b->blocks, &b->resources, b->resources_size, b->nresources,
		      sizeof(*b->resources));
	blocks_shrink(&b->blocks, &b->resource_attrs, b->resource_attrs_size, b->nresource_attrs,
		      sizeof(*b->resource_attrs));
	blocks_shrink(&b->blocks, &b->traces, b->traces_size, b->ntraces, sizeof(*b->traces));
}

/* ---- spans with several parents ---- */

static bool says_it_failed(const struct span *span)
{
	if (span->status != SPAN_STATUS_UNSET)
		return span->status == SPAN_STATUS_ERROR;
	return span->flags & SPAN_TAG_TRUE;
}

/* Notes of the spans with several parents which of these a failing span is. */
static void note_failed_parent(struct trace_builder *b, const struct span *failed)
{
	for (unsigned int i = 0; i < b->nother_parents; i++) {
		struct other_parent *other = &b->other_parents[i];
		const struct span *span = &b->spans[other->span];

		if (span->parent != failed->parent) /* the trace, until linking */
			continue;
		other->first_failed |= span->parent_id == failed->id;
		other->failed |= other->id == failed->id;
	}
}

/* Of several parents of a failing span, the first one that failed; else the first one. */
static void choose_parents(struct trace_builder *b)
{
	uint32_t settled = TRACE_NONE;

	for (uint32_t i = 0; b->nother_parents > 0 && i < b->nspans; i++) {
		if (says_it_failed(&b->spans[i]))
			note_failed_parent(b, &b->spans[i]);
	}
	for (unsigned int i = 0; i < b->nother_parents; i++) {
		const struct other_parent *other = &b->other_parents[i];

		if (other->span == settled || other->first_failed || !other->failed ||
		    !says_it_failed(&b->spans[other->span]))
			continue;
		b->spans[other->span].parent_id = other->id;
		settled = other->span;
	}
}

/* Puts the spans of each trace side by side, in the order of the document. Each span gets its place
 * in next_sibling, then spans are swapped along cycles until all are in place: linear, without a
 * second array. */
static void group_spans(struct trace_builder *b)
{
	uint32_t start = 0;

	b->traces[0].spans = b->spans;
	if (b->ntraces == 1)
		return;
	for (uint32_t i = 0; i < b->ntraces; i++) {
		b->traces[i].spans = b->spans + start;
		b->traces[i].first_root = start; /* until linking: where its next span goes */
		start += b->traces[i].nspans;
	}
	for (uint32_t i = 0; i < b->nspans; i++)
		b->spans[i].next_sibling = b->traces[b->spans[i].parent].first_root++;
	for (uint32_t i = 0; i < b->nspans; i++)
		while (b->spans[i].next_sibling != i) {
			struct span *to = &b->spans[b->spans[i].next_sibling], moved = *to;

			*to = b->spans[i];
			b->spans[i] = moved;
		}
}

/* Links the tree of each trace, with one table of ids as large as the largest trace needs. */
static bool link_traces(struct trace_builder *b, const struct trace_set *set)
{
	struct trace_slot *slots;
	uint32_t most = 0;

	for (uint32_t i = 0; i < b->ntraces; i++)
		if (b->traces[i].nspans > most)
			most = b->traces[i].nspans;
	slots = blocks_scratch(&b->blocks, trace_link_slots(most), sizeof(*slots));
	if (!slots)
		return false;
	for (uint32_t i = 0; i < b->ntraces; i++) {
		b->traces[i].set = set;
		b->traces[i].partial = b->partial;
		trace_link(&b->traces[i], slots);
	}
	blocks_scratch_free(&b->blocks, slots, trace_link_slots(most), sizeof(*slots));
	return true;
}

/* The set takes the builder's blocks and their charge. */
static void builder_hand_over(struct trace_builder *b, struct trace_set *set)
{
	*set = (struct trace_set){
		.traces = b->traces,
		.spans = b->spans,
		.resources = b->resources,
		.attrs = b->attrs,
		.resource_attrs = b->resource_attrs,
		.strings = b->texts.strings,
		.extra_names = b->extra_names,
		.ntraces = b->ntraces,
		.nresources = b->nresources,
		.nattrs = b->nattrs,
		.nresource_attrs = b->nresource_attrs,
		.nextra_names = b->nextra_names,
		.string_bytes = b->texts.string_bytes,
		.bytes = b->blocks.bytes,
		.memory = b->blocks.account,
	};
	b->traces = NULL;
	b->spans = NULL;
	b->resources = NULL;
	b->attrs = NULL;
	b->resource_attrs = NULL;
	b->texts.strings = NULL;
	b->extra_names = NULL;
	b->blocks.bytes = 0;
}

int trace_builder_finish(struct trace_builder *builder, struct trace_set **ret_set, struct err *err)
{
	struct trace_set *set, view;

	if (builder->blocks.err.code == 0 && builder->nspans == 0)
		return err_set(err, ENOENT, "no span in it");
	if (builder->blocks.err.code != 0 || !finish_resources(builder))
		goto fail;
	drop_tables(builder);
	choose_parents(builder);
	group_spans(builder);
	/* Linking compares services and ids, which it reads through a set. */
	view = (struct trace_set){ .resources = builder->resources,
				   .strings = builder->texts.strings };
	if (!link_traces(builder, &view) || !blocks_charge(&builder->blocks, sizeof(*set)))
		goto fail;
	set = xcalloc(1, sizeof(*set));
	builder_hand_over(builder, set);
	set->ignore_case = builder->ignore_case;
	for (uint32_t i = 0; i < set->ntraces; i++)
		set->traces[i].set = set;
	*ret_set = set;
	return 0;
fail:
	return err_set(err, builder->blocks.err.code, "%s", builder->blocks.err.text);
}
