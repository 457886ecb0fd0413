/*
 * Trace builder: fills the arrays of trace_builder.h span by span, and hands them over as a set.
 *
 * Memory: every array is one heap block that grows by half. A block is charged to the common
 * account before it grows. When a cap is reached, builder->err says which one, and nothing is added
 * after.
 *
 * Texts are interned: all of them lie in one block, and an open-addressing table of (hash, offset)
 * finds them. The hash is seeded, so that no document can choose texts that collide. The table
 * grows step by step: each new text moves 8 slots of the old table to the new one, because moving a
 * large table at once would hold the loop for milliseconds.
 *
 * Why not base's map (hash.h): with it, decoding Jaeger JSON takes 1.4 to 1.5 times as long, and
 * its peak is 256 bytes a span instead of 177 (bench_decode, 10,000 spans). A map copies every key
 * to the heap, takes no length, and grows at once. hash_bytes() alone, in place of hash_text(),
 * costs 3 to 10 %.
 *
 * While spans arrive, span->parent holds the number of the span's trace.
 */
#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "relay/model/trace_link-internal.h"
#include "tracepager/buf.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/trace_builder.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"

_Static_assert(LIMIT_SPAN_ATTRS <= UINT8_MAX, "struct span counts them in a byte");

struct text_slot {
	uint32_t hash, text; /* text 0: free */
};

struct trace_name {
	const char *text;
	uint32_t len;
};

struct trace_builder {
	struct trace_memory *memory;
	size_t bytes;	/* of all blocks: charged to the account */
	struct err err; /* code 0: no cap was reached */
	uint64_t seeds[2];

	char *strings;
	uint32_t string_bytes, strings_size;
	struct text_slot *slots;
	uint32_t ntexts, nslots; /* nslots: a power of two */
	struct text_slot
		*old_slots; /* the table before, half as large; NULL: all slots have moved */
	uint32_t nold, nmoved;

	struct span *spans;
	uint32_t nspans, spans_size;
	struct span_attr *attrs;
	uint32_t nattrs, attrs_size;
	uint64_t attr_keys; /* keys of the current span, as bits: key modulo 64 */
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

/* ---- memory ---- */

/* False: the account has no room, and err says so. */
static bool account_charge(struct trace_builder *b, size_t bytes)
{
	if (b->memory) {
		size_t before = atomic_fetch_add(&b->memory->used_bytes, bytes);

		if (before > b->memory->cap_bytes || b->memory->cap_bytes - before < bytes) {
			atomic_fetch_sub(&b->memory->used_bytes, bytes);
			err_set(&b->err, E2BIG,
				"the memory for all traces in flight (%zu MiB) is used up",
				b->memory->cap_bytes >> 20);
			return false;
		}
	}
	b->bytes += bytes;
	return true;
}

static void account_discharge(struct trace_builder *b, size_t bytes)
{
	if (b->memory)
		atomic_fetch_sub(&b->memory->used_bytes, bytes);
	b->bytes -= bytes;
}

/* Makes room for `more` elements behind the first n of *block. */
static bool grow_block(struct trace_builder *b, void *block, uint32_t *size, uint32_t n,
		       uint32_t more, size_t element)
{
	uint32_t wanted = *size + *size / 2;
	void *old;

	if (b->err.code != 0)
		return false;
	if (wanted < n + more)
		wanted = n + more;
	if (wanted < 64)
		wanted = 64;
	if (!account_charge(b, (wanted - *size) * element))
		return false;
	memcpy(&old, block, sizeof(old)); /* block points to a pointer of any type */
	old = xrealloc_array(old, wanted, element);
	memcpy(block, &old, sizeof(old));
	*size = wanted;
	return true;
}

/* Zeroed memory that is charged while it lives; NULL: the account has no room. */
static void *scratch_new(struct trace_builder *b, size_t n, size_t size)
{
	return account_charge(b, n * size) ? xcalloc(n, size) : NULL;
}

static void scratch_free(struct trace_builder *b, void *block, size_t n, size_t size)
{
	if (block)
		account_discharge(b, n * size);
	free(block);
}

/* ---- hash ---- */

static inline uint64_t load64(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static inline uint32_t load32(const char *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* As hash_bytes(), but inline, and without a loop for texts of up to 16 bytes, which most are. */
static inline uint64_t hash_text(const struct trace_builder *b, const char *text, size_t len)
{
	uint64_t state = b->seeds[0] ^ len, low = 0, high = 0;

	for (; len > 16; text += 16, len -= 16)
		state = hash_fold(load64(text) ^ b->seeds[1], load64(text + 8) ^ state);
	if (len >= 8) {
		low = load64(text);
		high = load64(text + len - 8);
	} else if (len >= 4) {
		low = load32(text);
		high = load32(text + len - 4);
	} else if (len > 0) {
		low = (uint64_t)(unsigned char)text[0] << 16 |
		      (uint64_t)(unsigned char)text[len / 2] << 8 | (unsigned char)text[len - 1];
	}
	return hash_fold(low ^ b->seeds[1], high ^ state);
}

/* As memcmp(), whose call costs more than the comparison of a text of a few words. */
static inline bool same_bytes(const char *a, const char *b, size_t len)
{
	size_t i = 0;

	if (len < 8) {
		for (; i < len; i++)
			if (a[i] != b[i])
				return false;
		return true;
	}
	for (; i + 8 <= len; i += 8)
		if (load64(a + i) != load64(b + i))
			return false;
	return load64(a + len - 8) == load64(b + len - 8);
}

static bool grow_slots(struct trace_builder *b);

/* ---- kept names ---- */

static void builder_add_name(struct trace_builder *b, unsigned int key, const char *text)
{
	uint32_t len = (uint32_t)strlen(text);
	uint32_t i = (uint32_t)hash_text(b, text, len) & (b->nname_slots - 1);

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
	account_charge(b, bytes);
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
	b->memory = options->memory;
	b->seeds[0] = hash_bytes("texts", 5);
	b->seeds[1] = hash_bytes("words", 5);
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
	if (grow_slots(b) && grow_block(b, &b->strings, &b->strings_size, 0, 64, 1))
		b->strings[b->string_bytes++] = '\0'; /* reference 0 */
	return b;
}

void trace_builder_free(struct trace_builder *builder)
{
	if (!builder)
		return;
	account_discharge(builder, builder->bytes);
	free(builder->strings);
	free(builder->slots);
	free(builder->old_slots);
	free(builder->spans);
	free(builder->attrs);
	free(builder->resources);
	free(builder->resource_attrs);
	free(builder->traces);
	free(builder->trace_slots);
	free(builder->extra_names);
	free(builder->names);
	free(builder->name_slots);
	free(builder);
}

int trace_builder_attr(const struct trace_builder *builder, const char *name, size_t len)
{
	uint32_t i = (uint32_t)hash_text(builder, name, len) & (builder->nname_slots - 1);

	for (; builder->name_slots[i] != 0; i = (i + 1) & (builder->nname_slots - 1)) {
		int key = builder->name_slots[i] - 1;

		if (builder->names[key].len == len &&
		    same_bytes(builder->names[key].text, name, len))
			return key;
	}
	return -1;
}

/* ---- texts ---- */

static void drop_old_slots(struct trace_builder *b)
{
	scratch_free(b, b->old_slots, b->nold, sizeof(*b->old_slots));
	b->old_slots = NULL;
	b->nold = b->nmoved = 0;
}

static void put_slot(struct trace_builder *b, struct text_slot slot)
{
	uint32_t i = slot.hash & (b->nslots - 1);

	while (b->slots[i].text != 0)
		i = (i + 1) & (b->nslots - 1);
	b->slots[i] = slot;
}

/* Copies the next n slots of the old table. It stays as it is until all have moved, so that it can
 * still be searched. */
static void move_slots(struct trace_builder *b, uint32_t n)
{
	for (; n > 0 && b->nmoved < b->nold; n--, b->nmoved++)
		if (b->old_slots[b->nmoved].text != 0)
			put_slot(b, b->old_slots[b->nmoved]);
	if (b->old_slots && b->nmoved == b->nold)
		drop_old_slots(b);
}

static bool grow_slots(struct trace_builder *b)
{
	uint32_t n = b->nslots > 0 ? b->nslots * 2 : 256;
	struct text_slot *slots = scratch_new(b, n, sizeof(*slots));

	if (!slots)
		return false;
	/* Each new text moves 8 slots, so the old table is empty long before the new one is full.
	 */
	assert(!b->old_slots);
	b->old_slots = b->slots;
	b->nold = b->nslots;
	b->slots = slots;
	b->nslots = n;
	return true;
}

static inline bool text_is(const struct trace_builder *b, uint32_t text, const char *wanted,
			   size_t len)
{
	return text + len < b->string_bytes && same_bytes(b->strings + text, wanted, len) &&
	       b->strings[text + len] == '\0';
}

static bool is_clean(const char *text, size_t len)
{
	return utf8_span(text, len) == len && !memchr(text, '\0', len);
}

/* The text with U+FFFD for each byte that is NUL or not UTF-8. The caller frees the buf. */
static struct buf clean_text(const char *text, size_t len)
{
	struct buf clean = BUF_INIT(3 * len);

	while (len > 0) {
		size_t n = strnlen(text, len);

		buf_add_utf8(&clean, text, n);
		if (n < len) {
			buf_puts(&clean, "\xef\xbf\xbd");
			n++;
		}
		text += n;
		len -= n;
	}
	return clean;
}

static uint32_t add_clean_text(struct trace_builder *b, const char *text, size_t len)
{
	struct buf clean = clean_text(text, len);
	uint32_t result = trace_builder_text(b, clean.data, clean.len);

	buf_fini(&clean);
	return result;
}

static uint32_t builder_add_text(struct trace_builder *b, const char *text, size_t len,
				 uint32_t hash)
{
	uint32_t at = b->string_bytes;

	if (!is_clean(text, len))
		return add_clean_text(b, text, len);
	if (len >= LIMIT_TRACE_STRING_BYTES || at + len + 1 > LIMIT_TRACE_STRING_BYTES) {
		err_set(&b->err, E2BIG, "more than %u MiB of different texts",
			LIMIT_TRACE_STRING_BYTES >> 20);
		return TRACE_NONE;
	}
	if (at + len + 1 > b->strings_size &&
	    !grow_block(b, &b->strings, &b->strings_size, at, (uint32_t)len + 1, 1))
		return TRACE_NONE;
	if (b->ntexts >= b->nslots - b->nslots / 4 && !grow_slots(b))
		return TRACE_NONE;
	memcpy(b->strings + at, text, len);
	b->strings[at + len] = '\0';
	b->string_bytes = at + (uint32_t)len + 1;
	put_slot(b, (struct text_slot){ hash, at });
	b->ntexts++;
	if (b->old_slots)
		move_slots(b, 8);
	return at;
}

/* The reference of a text in one table; 0: it is not there. */
static inline uint32_t find_text(const struct trace_builder *b, const struct text_slot *slots,
				 uint32_t nslots, uint32_t hash, const char *text, size_t len)
{
	for (uint32_t i = hash & (nslots - 1); slots[i].text != 0; i = (i + 1) & (nslots - 1))
		if (slots[i].hash == hash && text_is(b, slots[i].text, text, len))
			return slots[i].text;
	return 0;
}

uint32_t trace_builder_text(struct trace_builder *builder, const char *text, size_t len)
{
	uint32_t hash, found;

	if (builder->err.code != 0)
		return TRACE_NONE;
	if (len == 0)
		return 0;
	hash = (uint32_t)hash_text(builder, text, len);
	found = find_text(builder, builder->slots, builder->nslots, hash, text, len);
	if (found == 0 && builder->old_slots)
		found = find_text(builder, builder->old_slots, builder->nold, hash, text, len);
	return found != 0 ? found : builder_add_text(builder, text, len, hash);
}

/* The length of a text cut to max bytes, but not inside a UTF-8 sequence, which has at most three
 * bytes after its first. */
static size_t cut_len(const char *text, size_t len, size_t max)
{
	size_t least = max < 3 ? 0 : max - 3;

	if (len <= max)
		return len;
	while (max > least && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	return max;
}

/* The reference of a text cut to max bytes. Cleaning can make a text three times as long, so a text
 * that is not clean is cleaned first, then cut again. */
static uint32_t cut_text(struct trace_builder *b, const char *text, size_t len, size_t max)
{
	struct buf clean;
	uint32_t result;

	len = cut_len(text, len, max);
	if (len <= max / 3 || is_clean(text, len))
		return trace_builder_text(b, text, len);
	clean = clean_text(text, len);
	result = trace_builder_text(b, clean.data, cut_len(clean.data, clean.len, max));
	buf_fini(&clean);
	return result;
}

uint32_t trace_builder_value(struct trace_builder *builder, const char *text, size_t len)
{
	return cut_text(builder, text, len, LIMIT_ATTR_VALUE_BYTES);
}

/* ---- resources ---- */

uint32_t trace_builder_resource(struct trace_builder *builder)
{
	struct resource *resource;

	/* A document with more resources than a trace may have spans is no trace. */
	if (builder->nresources == LIMIT_TRACE_SPANS && builder->err.code == 0)
		err_set(&builder->err, E2BIG, "more than %u resources", LIMIT_TRACE_SPANS);
	if (builder->err.code != 0)
		return 0;
	if (builder->nresources == builder->resources_size &&
	    !grow_block(builder, &builder->resources, &builder->resources_size, builder->nresources,
			1, sizeof(*resource)))
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

	if (builder->err.code != 0)
		return;
	assert(resource == builder->nresources - 1);
	to = &builder->resources[resource];
	if (to->nattrs == LIMIT_RESOURCE_ATTRS || key_len > LIMIT_RESOURCE_ATTR_BYTES)
		return;
	attr.key = trace_builder_text(builder, key, key_len);
	attr.value = cut_text(builder, value, value_len, LIMIT_RESOURCE_ATTR_BYTES);
	if (builder->nresource_attrs == builder->resource_attrs_size &&
	    !grow_block(builder, &builder->resource_attrs, &builder->resource_attrs_size,
			builder->nresource_attrs, 1, sizeof(attr)))
		return;
	builder->resource_attrs[builder->nresource_attrs++] = attr;
	to->nattrs++;
	if (builder->err.code != 0)
		return;
	if (to->service == 0 && text_is(builder, attr.key, "service.name", 12))
		to->service = attr.value;
	else if (to->namespace == 0 && text_is(builder, attr.key, "service.namespace", 17))
		to->namespace = attr.value;
}

void trace_builder_resource_service(struct trace_builder *builder, uint32_t resource,
				    uint32_t service)
{
	if (builder->err.code == 0)
		builder->resources[resource].service = service;
}

/* ---- spans ---- */

struct span *trace_builder_span(struct trace_builder *builder)
{
	struct span *span;

	if (builder->nspans == LIMIT_TRACE_SPANS && builder->err.code == 0)
		err_set(&builder->err, E2BIG, "more than %u spans", LIMIT_TRACE_SPANS);
	if (builder->err.code != 0)
		return NULL;
	if (builder->nspans == builder->spans_size &&
	    !grow_block(builder, &builder->spans, &builder->spans_size, builder->nspans, 1,
			sizeof(*span)))
		return NULL;
	span = &builder->spans[builder->nspans];
	*span = (struct span){ .attrs = builder->nattrs };
	builder->attr_keys = 0;
	return span;
}

void trace_builder_span_attr(struct trace_builder *builder, unsigned int key, uint32_t value)
{
	struct span *span;
	uint64_t bit = UINT64_C(1) << (key % 64);

	if (builder->err.code != 0)
		return;
	span = &builder->spans[builder->nspans];
	if (builder->attr_keys & bit) {
		for (uint32_t i = span->attrs; i < span->attrs + span->nattrs; i++)
			if (builder->attrs[i].key == key) {
				builder->attrs[i].value = value;
				return;
			}
	}
	if (span->nattrs == LIMIT_SPAN_ATTRS)
		return;
	if (span->attrs + span->nattrs == builder->attrs_size &&
	    !grow_block(builder, &builder->attrs, &builder->attrs_size, builder->attrs_size, 1,
			sizeof(*builder->attrs)))
		return;
	builder->attrs[span->attrs + span->nattrs++] =
		(struct span_attr){ (uint16_t)key, 0, value };
	builder->attr_keys |= bit;
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

/* Sets a flag of the span for an error tag that is a truth value. False: it holds words. */
static bool fold_error_tag(struct span *span, const char *text)
{
	if (strcasecmp(text, "true") == 0)
		span->flags |= SPAN_TAG_TRUE;
	else if (*text == '\0' || strcasecmp(text, "false") == 0 || strcasecmp(text, "unset") == 0)
		span->flags |= SPAN_TAG_FALSE;
	else
		return false;
	return true;
}

/* Moves an attribute into the span's fields. False: it stays an attribute. */
static bool fold_attr(const struct trace_builder *b, struct span *span,
		      const struct span_attr *attr)
{
	const char *text = b->strings + attr->value;

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

#define KEY_BIT(key) (UINT64_C(1) << ((key) % 64))

/* Folds the span's attributes as far as they are fields; a span without a message takes HTTP's
 * reason phrase. */
static void fold_attrs(struct trace_builder *b, struct span *span)
{
	const uint64_t taken = KEY_BIT(ATTR_SPAN_KIND) | KEY_BIT(ATTR_OTEL_STATUS_CODE) |
			       KEY_BIT(ATTR_OTEL_STATUS_DESCRIPTION) | KEY_BIT(ATTR_ERROR);
	struct span_attr *attrs;
	uint8_t kept = 0;

	if (span->nattrs == 0)
		return;
	attrs = b->attrs + span->attrs;
	if (b->attr_keys & taken) {
		for (uint8_t i = 0; i < span->nattrs; i++)
			if (!fold_attr(b, span, &attrs[i]))
				attrs[kept++] = attrs[i];
		span->nattrs = kept;
	}
	if (span->message != 0 || !(b->attr_keys & KEY_BIT(ATTR_HTTP_STATUS_MESSAGE)))
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

/* ---- traces ---- */

/* The slot of a trace id's text, or the free one where it belongs. */
static struct trace_slot *find_trace(const struct trace_builder *b, uint32_t id)
{
	uint32_t i = (uint32_t)(id * (b->seeds[1] | 1) >> 40) & (b->ntrace_slots - 1);

	while (b->trace_slots[i].index != TRACE_NONE && b->trace_slots[i].id != id)
		i = (i + 1) & (b->ntrace_slots - 1);
	return &b->trace_slots[i];
}

static bool grow_trace_slots(struct trace_builder *b)
{
	uint32_t n = b->ntrace_slots > 0 ? b->ntrace_slots * 2 : 16;
	struct trace_slot *slots = scratch_new(b, n, sizeof(*slots));

	if (!slots)
		return false;
	for (uint32_t i = 0; i < n; i++)
		slots[i].index = TRACE_NONE;
	scratch_free(b, b->trace_slots, b->ntrace_slots, sizeof(*slots));
	b->trace_slots = slots;
	b->ntrace_slots = n;
	for (uint32_t i = 0; i < b->ntraces; i++)
		*find_trace(b, b->traces[i].id) = (struct trace_slot){ b->traces[i].id, i };
	return true;
}

static uint32_t builder_add_trace(struct trace_builder *b, uint32_t id)
{
	if (b->ntraces == LIMIT_TRACES_PER_DOCUMENT) {
		err_set(&b->err, E2BIG, "more than %u traces in one document",
			LIMIT_TRACES_PER_DOCUMENT);
		return TRACE_NONE;
	}
	if (b->ntraces == b->traces_size &&
	    !grow_block(b, &b->traces, &b->traces_size, b->ntraces, 1, sizeof(*b->traces)))
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

	if (b->ntraces > 0 && text_is(b, b->traces[b->last_trace].id, id, len))
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

	if (builder->err.code != 0)
		return;
	span = &builder->spans[builder->nspans];
	fold_attrs(builder, span);
	clamp_times(span);
	trace = trace_of(builder, trace_id, len);
	if (trace == TRACE_NONE)
		return;
	builder->last_trace = trace;
	builder->traces[trace].nspans++;
	span->parent = trace;
	builder->nattrs = span->attrs + span->nattrs;
	builder->nspans++;
}

void trace_builder_rename_trace(struct trace_builder *builder, const char *trace_id, size_t len,
				const char *new_id, size_t new_len)
{
	uint32_t trace, text;

	if (builder->err.code != 0)
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
	return builder->err.code != 0;
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
	uint64_t hash = ((uint64_t)resource->service << 32 | resource->namespace) ^ b->seeds[0];

	for (uint32_t i = 0; i < resource->nattrs; i++) {
		const struct resource_attr *attr = &b->resource_attrs[resource->attrs + i];

		hash = hash_fold(hash ^ ((uint64_t)attr->key << 32 | attr->value), b->seeds[1] | 1);
	}
	return hash_fold(hash, b->seeds[1] | 1);
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
		return b->err.code == 0;
	scratch = scratch_new(b, (size_t)n + nslots, sizeof(*scratch));
	if (!scratch)
		return false;
	unite_resources(b, scratch, scratch + n, nslots);
	if (b->nresources < n)
		trace_builder_map_resources(b, 0, scratch, n);
	scratch_free(b, scratch, (size_t)n + nslots, sizeof(*scratch));
	return true;
}

/* Gives the unused end of a block back, to the heap and to the account. */
static void shrink_block(struct trace_builder *b, void *block, uint32_t size, uint32_t n,
			 size_t element)
{
	void *old;

	memcpy(&old, block, sizeof(old));
	if (size == n || !old)
		return;
	if (n == 0) {
		free(old);
		old = NULL;
	} else {
		old = xrealloc_array(old, n, element);
	}
	memcpy(block, &old, sizeof(old));
	account_discharge(b, (size_t)(size - n) * element);
}

/* Frees what only building needs, before linking needs memory of its own. */
static void drop_tables(struct trace_builder *b)
{
	drop_old_slots(b);
	scratch_free(b, b->slots, b->nslots, sizeof(*b->slots));
	scratch_free(b, b->trace_slots, b->ntrace_slots, sizeof(*b->trace_slots));
	b->slots = NULL;
	b->trace_slots = NULL;
	b->nslots = b->ntrace_slots = 0;
	shrink_block(b, &b->spans, b->spans_size, b->nspans, sizeof(*b->spans));
	shrink_block(b, &b->attrs, b->attrs_size, b->nattrs, sizeof(*b->attrs));
	shrink_block(b, &b->strings, b->strings_size, b->string_bytes, 1);
	shrink_block(b, &b->resources, b->resources_size, b->nresources, sizeof(*b->resources));
	shrink_block(b, &b->resource_attrs, b->resource_attrs_size, b->nresource_attrs,
		     sizeof(*b->resource_attrs));
	shrink_block(b, &b->traces, b->traces_size, b->ntraces, sizeof(*b->traces));
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
	slots = scratch_new(b, trace_link_slots(most), sizeof(*slots));
	if (!slots)
		return false;
	for (uint32_t i = 0; i < b->ntraces; i++) {
		b->traces[i].set = set;
		b->traces[i].partial = b->partial;
		trace_link(&b->traces[i], slots);
	}
	scratch_free(b, slots, trace_link_slots(most), sizeof(*slots));
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
		.strings = b->strings,
		.extra_names = b->extra_names,
		.ntraces = b->ntraces,
		.nresources = b->nresources,
		.nattrs = b->nattrs,
		.nresource_attrs = b->nresource_attrs,
		.nextra_names = b->nextra_names,
		.string_bytes = b->string_bytes,
		.bytes = b->bytes,
		.memory = b->memory,
	};
	b->traces = NULL;
	b->spans = NULL;
	b->resources = NULL;
	b->attrs = NULL;
	b->resource_attrs = NULL;
	b->strings = NULL;
	b->extra_names = NULL;
	b->bytes = 0;
}

int trace_builder_finish(struct trace_builder *builder, struct trace_set **ret_set, struct err *err)
{
	struct trace_set *set, view;

	if (builder->err.code == 0 && builder->nspans == 0)
		return err_set(err, ENOENT, "no span in it");
	if (builder->err.code != 0 || !finish_resources(builder))
		goto fail;
	drop_tables(builder);
	group_spans(builder);
	/* Linking compares services, which it reads through a set. */
	view = (struct trace_set){ .resources = builder->resources };
	if (!link_traces(builder, &view) || !account_charge(builder, sizeof(*set)))
		goto fail;
	set = xcalloc(1, sizeof(*set));
	builder_hand_over(builder, set);
	set->ignore_case = builder->ignore_case;
	for (uint32_t i = 0; i < set->ntraces; i++)
		set->traces[i].set = set;
	*ret_set = set;
	return 0;
fail:
	return err_set(err, builder->err.code, "%s", builder->err.text);
}
