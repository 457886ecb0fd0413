/*
 * Zipkin: the state machine of zipkin-internal.h. A document is a list of spans, a list of such
 * lists, or one span. Members come in any order; unknown ones are skipped, and a known one of a
 * wrong type is an error with its name and place. Sources: Zipkin's API v2 (zipkin-api); for
 * version 1 also Zipkin's V1SpanConverter.
 *
 * Servers in lenient mode answer with trace ids of 64 and of 128 bits in one trace; ids with the
 * same low half are one trace (Zipkin, strict-trace-id), whose id is the longest text.
 */
#include "zipkin-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "encodings-internal.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

enum type {
	TYPE_STRING,
	TYPE_NUMBER,
	TYPE_BOOLEAN,
	TYPE_LIST,
	TYPE_OBJECT,
	TYPE_ANY, /* strings, numbers and booleans */
};

static const struct {
	enum type type;
	enum zipkin_place inside; /* of lists and objects */
} zipkin_members[] = {
	[ZIPKIN_TRACE_ID] = { TYPE_STRING, 0 },
	[ZIPKIN_ID] = { TYPE_STRING, 0 },
	[ZIPKIN_PARENT_ID] = { TYPE_STRING, 0 },
	[ZIPKIN_NAME] = { TYPE_STRING, 0 },
	[ZIPKIN_TIMESTAMP] = { TYPE_NUMBER, 0 },
	[ZIPKIN_DURATION] = { TYPE_NUMBER, 0 },
	[ZIPKIN_ANNOTATION_LIST] = { TYPE_LIST, ZIPKIN_ANNOTATIONS },
	[ZIPKIN_AT] = { TYPE_NUMBER, 0 },
	[ZIPKIN_SERVICE] = { TYPE_STRING, 0 },
	[ZIPKIN_ADDRESS] = { TYPE_STRING, 0 },
	[ZIPKIN_PORT] = { TYPE_NUMBER, 0 },
	[ZIPKIN_KIND] = { TYPE_STRING, 0 },
	[ZIPKIN_SHARED] = { TYPE_BOOLEAN, 0 },
	[ZIPKIN_LOCAL_ENDPOINT] = { TYPE_OBJECT, ZIPKIN_LOCAL },
	[ZIPKIN_REMOTE_ENDPOINT] = { TYPE_OBJECT, ZIPKIN_REMOTE },
	[ZIPKIN_TAG_MAP] = { TYPE_OBJECT, ZIPKIN_TAGS },
	[ZIPKIN_BINARY_LIST] = { TYPE_LIST, ZIPKIN_BINARIES },
	[ZIPKIN_KEY] = { TYPE_STRING, 0 },
	[ZIPKIN_VALUE] = { TYPE_ANY, 0 },
	[ZIPKIN_EVENT] = { TYPE_STRING, 0 },
	[ZIPKIN_ITS_ENDPOINT] = { TYPE_OBJECT, ZIPKIN_ENDPOINT },
};

struct row {
	const char *name;
	unsigned int len;
	enum zipkin_member member;
	unsigned int versions;
};

#define BOTH (ZIPKIN_V1 | ZIPKIN_V2)
#define ROW(text, member, versions)                                                                \
	{                                                                                          \
		(text), sizeof(text) - 1, (member), (versions)                                     \
	}
#define NO_ROW                                                                                     \
	{                                                                                          \
		NULL, 0, ZIPKIN_NONE, 0                                                            \
	}

/* clang-format off */
static const struct row span_rows[] = {
	ROW("traceId", ZIPKIN_TRACE_ID, BOTH),
	ROW("id", ZIPKIN_ID, BOTH),
	ROW("parentId", ZIPKIN_PARENT_ID, BOTH),
	ROW("name", ZIPKIN_NAME, BOTH),
	ROW("timestamp", ZIPKIN_TIMESTAMP, BOTH),
	ROW("duration", ZIPKIN_DURATION, BOTH),
	ROW("annotations", ZIPKIN_ANNOTATION_LIST, BOTH),
	ROW("binaryAnnotations", ZIPKIN_BINARY_LIST, ZIPKIN_V1),
	ROW("kind", ZIPKIN_KIND, ZIPKIN_V2),
	ROW("shared", ZIPKIN_SHARED, ZIPKIN_V2),
	ROW("localEndpoint", ZIPKIN_LOCAL_ENDPOINT, ZIPKIN_V2),
	ROW("remoteEndpoint", ZIPKIN_REMOTE_ENDPOINT, ZIPKIN_V2),
	ROW("tags", ZIPKIN_TAG_MAP, ZIPKIN_V2),
	NO_ROW,
};
static const struct row annotation_rows[] = {
	ROW("timestamp", ZIPKIN_AT, BOTH),
	ROW("value", ZIPKIN_EVENT, ZIPKIN_V1),
	ROW("endpoint", ZIPKIN_ITS_ENDPOINT, ZIPKIN_V1),
	NO_ROW,
};
static const struct row binary_rows[] = {
	ROW("key", ZIPKIN_KEY, ZIPKIN_V1),
	ROW("value", ZIPKIN_VALUE, ZIPKIN_V1),
	ROW("endpoint", ZIPKIN_ITS_ENDPOINT, ZIPKIN_V1),
	NO_ROW,
};
static const struct row local_rows[] = {
	ROW("serviceName", ZIPKIN_SERVICE, BOTH),
	NO_ROW,
};
static const struct row endpoint_rows[] = {
	ROW("serviceName", ZIPKIN_SERVICE, BOTH),
	ROW("ipv4", ZIPKIN_ADDRESS, BOTH),
	ROW("port", ZIPKIN_PORT, BOTH),
	ROW("ipv6", ZIPKIN_ADDRESS, BOTH),
	NO_ROW,
};
/* clang-format on */
_Static_assert(ARRAY_LEN(span_rows) <= ZIPKIN_MOST_ROWS, "z->after has a place for each row");

static const struct {
	const char *name;
	enum zipkin_place around;
	enum zipkin_place element; /* of lists; 0: the place is an object */
	const struct row *rows;	   /* of objects; NULL: tags, whose members have any name */
} zipkin_places[ZIPKIN_PLACES] = {
	[ZIPKIN_LISTS] = { "the document", 0, ZIPKIN_SPAN, NULL },
	[ZIPKIN_SPAN] = { "a span", ZIPKIN_LISTS, 0, span_rows },
	[ZIPKIN_ANNOTATIONS] = { "annotations", ZIPKIN_SPAN, ZIPKIN_ANNOTATION, NULL },
	[ZIPKIN_ANNOTATION] = { "an annotation", ZIPKIN_ANNOTATIONS, 0, annotation_rows },
	[ZIPKIN_TAGS] = { "tags", ZIPKIN_SPAN, 0, NULL },
	[ZIPKIN_LOCAL] = { "localEndpoint", ZIPKIN_SPAN, 0, local_rows },
	[ZIPKIN_REMOTE] = { "remoteEndpoint", ZIPKIN_SPAN, 0, endpoint_rows },
	[ZIPKIN_BINARIES] = { "binaryAnnotations", ZIPKIN_SPAN, ZIPKIN_BINARY, NULL },
	[ZIPKIN_BINARY] = { "a binary annotation", ZIPKIN_BINARIES, 0, binary_rows },
	[ZIPKIN_ENDPOINT] = { "an endpoint", 0, 0, endpoint_rows },
};

/* ---- numbers to numbers ---- */

struct zipkin_slot {
	uint64_t key;
	uint32_t value; /* TRACE_NONE: free */
};

static void zipkin_map_init(struct zipkin_map *map, const char *purpose)
{
	*map = (struct zipkin_map){ .multiplier = hash_bytes(purpose, strlen(purpose)) | 1 };
}

static struct zipkin_slot *zipkin_map_find(const struct zipkin_map *map, uint64_t key)
{
	uint32_t i = (uint32_t)(key * map->multiplier >> 40) & (map->nslots - 1);

	while (map->slots[i].value != TRACE_NONE && map->slots[i].key != key)
		i = (i + 1) & (map->nslots - 1);
	return &map->slots[i];
}

static void zipkin_map_grow(struct zipkin_map *map)
{
	struct zipkin_map old = *map;

	map->nslots = old.nslots > 0 ? old.nslots * 2 : 64;
	map->slots = xrealloc_array(NULL, map->nslots, sizeof(*map->slots));
	for (uint32_t i = 0; i < map->nslots; i++)
		map->slots[i] = (struct zipkin_slot){ 0, TRACE_NONE };
	for (uint32_t i = 0; i < old.nslots; i++)
		if (old.slots[i].value != TRACE_NONE)
			*zipkin_map_find(map, old.slots[i].key) = old.slots[i];
	free(old.slots);
}

/* Where the value of the key is stored; TRACE_NONE there: the key is new, and the caller sets its
 * value. */
static uint32_t *zipkin_map_value(struct zipkin_map *map, uint64_t key)
{
	struct zipkin_slot *slot;

	if (map->n >= map->nslots / 2)
		zipkin_map_grow(map);
	slot = zipkin_map_find(map, key);
	if (slot->value == TRACE_NONE) {
		slot->key = key;
		map->n++;
	}
	return &slot->value;
}

/* ---- trace ids ---- */

struct zipkin_trace {
	char first[33], longest[33]; /* first: the id under which the builder has the trace */
};

/* The low 64 bits of an id in hexadecimal digits. false: the text is no such id. */
static bool low_half(const char *text, size_t len, uint64_t *ret)
{
	uint64_t low = 0;

	if (len == 0 || len > 32)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned int digit = (unsigned char)text[i] - '0';

		if (digit > 9) {
			digit = ((unsigned char)text[i] | 0x20u) - 'a';
			if (digit > 5)
				return false;
			digit += 10;
		}
		low = low << 4 | digit;
	}
	*ret = low;
	return true;
}

static uint32_t zipkin_add_trace(struct zipkin *z, const char *text, size_t len)
{
	struct zipkin_trace *name;

	if (z->nnames == z->names_size) {
		z->names_size = z->names_size > 0 ? z->names_size * 2 : 16;
		z->names = xrealloc_array(z->names, z->names_size, sizeof(*z->names));
	}
	name = &z->names[z->nnames];
	memcpy(name->first, text, len);
	name->first[len] = '\0';
	memcpy(name->longest, name->first, len + 1);
	return z->nnames++;
}

static void zipkin_take_trace_id(struct zipkin *z, const char *text, size_t len)
{
	struct zipkin_trace *name;
	uint64_t low;
	uint32_t *index;

	z->has_trace_id = len > 0;
	if (z->trace_id.len == len && memcmp(buf_text(&z->trace_id), text, len) == 0)
		return;
	buf_reset(&z->trace_id);
	buf_add(&z->trace_id, text, len);
	z->trace = TRACE_NONE;
	if (!low_half(text, len, &low))
		return;
	index = zipkin_map_value(&z->traces, low);
	if (*index == TRACE_NONE)
		*index = zipkin_add_trace(z, text, len);
	z->trace = *index;
	name = &z->names[z->trace];
	if (len > strlen(name->longest)) {
		memcpy(name->longest, text, len);
		name->longest[len] = '\0';
	}
}

static void rename_traces(struct zipkin *z)
{
	for (uint32_t i = 0; i < z->nnames; i++) {
		const struct zipkin_trace *name = &z->names[i];
		size_t first = strlen(name->first), longest = strlen(name->longest);

		if (longest > first)
			trace_builder_rename_trace(z->builder, name->first, first, name->longest,
						   longest);
	}
}

/* ---- spans ---- */

int zipkin_check(struct zipkin *z, uint32_t text)
{
	if (text != TRACE_NONE)
		return JREAD_GO;
	return err_set(jread_err(z->jread), E2BIG, "the trace is too large");
}

static uint32_t zipkin_resource_of(struct zipkin *z, uint32_t service)
{
	uint32_t *index = zipkin_map_value(&z->resources, (uint64_t)service << 32 | z->namespace);

	if (*index != TRACE_NONE)
		return *index;
	*index = trace_builder_resource(z->builder);
	trace_builder_resource_service(z->builder, *index, service);
	if (z->namespace != 0)
		trace_builder_resource_attr(z->builder, *index, "service.namespace", 17,
					    buf_text(&z->namespace_text), z->namespace_text.len);
	return *index;
}

int zipkin_span_done(struct zipkin *z, struct span *span, uint32_t service)
{
	const char *trace_id = buf_text(&z->trace_id);
	size_t len = z->trace_id.len;

	if (!z->has_trace_id)
		return err_set(jread_err(z->jread), EBADMSG, "a span has no traceId");
	if (span->id == 0)
		return err_set(jread_err(z->jread), EBADMSG, "a span has no id");
	if (z->trace != TRACE_NONE) {
		trace_id = z->names[z->trace].first;
		len = strlen(trace_id);
	}
	span->resource = zipkin_resource_of(z, service);
	trace_builder_span_done(z->builder, trace_id, len);
	return trace_builder_failed(z->builder) ? zipkin_check(z, TRACE_NONE) : JREAD_GO;
}

int zipkin_tag_key(const struct zipkin *z, const char *text, size_t len)
{
	if (jread_is(text, len, "service.namespace"))
		return ZIPKIN_KEY_NAMESPACE;
	return trace_builder_attr(z->builder, text, len);
}

uint32_t zipkin_value(struct zipkin *z, int key, const char *text, size_t len)
{
	struct zipkin_last_value *last = &z->last_values[(unsigned int)key % ZIPKIN_LAST_VALUES];

	/* The builder may have cleaned or cut the last text. A clean text is as long as it was
	 * written. */
	if (last->len == len && len <= LIMIT_ATTR_VALUE_BYTES &&
	    trace_builder_is(z->builder, last->text, text, len))
		return last->text;
	last->text = trace_builder_value(z->builder, text, len);
	last->len = (uint32_t)len;
	return last->text;
}

int zipkin_take_namespace(struct zipkin *z, const char *text, size_t len)
{
	z->namespace = trace_builder_value(z->builder, text, len);
	buf_reset(&z->namespace_text);
	buf_add(&z->namespace_text, text, len);
	return zipkin_check(z, z->namespace);
}

uint8_t zipkin_error_flag(const char *text, size_t len, bool *ret_is_text)
{
	bool is_false = len == 5 && strncasecmp(text, "false", 5) == 0;

	*ret_is_text = !is_false && len > 0 && !(len == 4 && strncasecmp(text, "true", 4) == 0);
	return is_false ? SPAN_TAG_FALSE : SPAN_TAG_TRUE;
}

static const enum attr remote_keys[] = { ATTR_PEER_SERVICE, ATTR_NETWORK_PEER_ADDRESS,
					 ATTR_NETWORK_PEER_PORT };

unsigned int zipkin_remote_bit(int key)
{
	for (unsigned int i = 0; i < ARRAY_LEN(remote_keys); i++)
		if (key == (int)remote_keys[i])
			return 1u << i;
	return 0;
}

void zipkin_add_remote(struct zipkin *z, const struct zipkin_endpoint *remote, unsigned int told)
{
	const uint32_t texts[] = { remote->service, remote->address, remote->port };

	for (unsigned int i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i] != 0 && !(told >> i & 1))
			trace_builder_span_attr(z->builder, remote_keys[i], texts[i]);
}

void zipkin_complete_times(const struct zipkin *z, struct span *span)
{
	if (span->start_us == 0)
		span->start_us = z->first_us;
	if (span->duration_us == 0 && z->last_us > span->start_us)
		span->duration_us = z->last_us - span->start_us;
}

void zipkin_guess_kind(struct span *span, uint32_t service, uint32_t remote_service)
{
	if (span->kind == SPAN_UNSPECIFIED && service != 0 && remote_service != 0)
		span->kind = SPAN_CLIENT;
}

static void zipkin_end_annotation(struct zipkin *z)
{
	if (z->at_us <= 0)
		return;
	if (z->first_us == 0 || z->at_us < z->first_us)
		z->first_us = z->at_us;
	if (z->at_us > z->last_us)
		z->last_us = z->at_us;
}

/* ---- the machine ---- */

static int zipkin_fail_type(struct zipkin *z, enum jread_event event)
{
	static const char *const wanted[] = { "a string",  "a number",
					      "a boolean", "a list",
					      "an object", "a string, a number or a boolean" };
	struct err *err = jread_err(z->jread);

	if (z->place == ZIPKIN_LISTS)
		return err_set(err, EBADMSG, "the document has %s in place of a span",
			       jread_event_name(event));
	if (zipkin_places[z->place].element != 0)
		return err_set(err, EBADMSG, "%s holds %s, not an object",
			       zipkin_places[z->place].name, jread_event_name(event));
	return err_set(err, EBADMSG, "%s of %s is %s, not %s", z->member_name,
		       zipkin_places[z->place].name, jread_event_name(event),
		       wanted[zipkin_members[z->member].type]);
}

/* The patterns by which Zipkin writes, see jread_pairs_set(). */
enum zipkin_pattern {
	PATTERN_SPAN,
	PATTERN_TAG,
	PATTERN_LOCAL,
	PATTERN_ENDPOINT,
};

static int zipkin_enter(struct zipkin *z, enum zipkin_place place)
{
	int answer;

	if (place == ZIPKIN_ENDPOINT)
		z->around = z->place;
	z->place = place;
	if (place == ZIPKIN_ENDPOINT || place == ZIPKIN_LOCAL || place == ZIPKIN_REMOTE) {
		z->endpoint = (struct zipkin_endpoint){ 0 };
		return JREAD_PAIRS + (place == ZIPKIN_LOCAL ? PATTERN_LOCAL : PATTERN_ENDPOINT);
	}
	if (place == ZIPKIN_ANNOTATION)
		z->at_us = 0;
	if (place == ZIPKIN_TAGS)
		return JREAD_PAIRS + PATTERN_TAG;
	if (place != ZIPKIN_SPAN)
		return JREAD_GO;
	z->has_trace_id = false;
	z->namespace = 0;
	z->first_us = z->last_us = 0;
	answer = z->ops->begin_span(z);
	return answer == JREAD_GO ? JREAD_PAIRS + PATTERN_SPAN : answer;
}

static int zipkin_on_container(struct zipkin *z, enum jread_event event)
{
	enum type wanted = event == JREAD_OBJECT ? TYPE_OBJECT : TYPE_LIST;

	if (z->place == ZIPKIN_LISTS && event == JREAD_ARRAY && z->nlists < 2) {
		z->nlists++;
		return JREAD_GO;
	}
	if (zipkin_places[z->place].element != 0)
		return event == JREAD_OBJECT ? zipkin_enter(z, zipkin_places[z->place].element)
					     : zipkin_fail_type(z, event);
	if (zipkin_members[z->member].type != wanted)
		return zipkin_members[z->member].type == TYPE_ANY ? JREAD_SKIP
								  : zipkin_fail_type(z, event);
	return zipkin_enter(z, zipkin_members[z->member].inside);
}

/* The events of an endpoint end. */
static void remember_endpoint(struct zipkin *z, enum zipkin_place place)
{
	struct zipkin_known *known = z->reading;

	z->reading = NULL;
	if (!known || known->place != place)
		return;
	known->endpoint = z->endpoint;
	known->is_read = true;
}

static int zipkin_on_end(struct zipkin *z)
{
	enum zipkin_place left = z->place;

	if (left == ZIPKIN_LISTS) {
		z->nlists--;
		return JREAD_GO;
	}
	z->place = left == ZIPKIN_ENDPOINT ? z->around : zipkin_places[left].around;
	if (left == ZIPKIN_ANNOTATION)
		zipkin_end_annotation(z);
	if (left == ZIPKIN_LOCAL || left == ZIPKIN_REMOTE)
		remember_endpoint(z, left);
	return zipkin_places[left].element == 0 && left != ZIPKIN_TAGS ? z->ops->leave(z, left)
								       : JREAD_GO;
}

static inline bool is_zipkin_row(const struct zipkin *z, const struct row *row, const char *text,
				 size_t len)
{
	return row->len == len && (row->versions & z->ops->version) &&
	       jread_same(row->name, text, len);
}

static int zipkin_on_key(struct zipkin *z, const char *text, size_t len)
{
	const struct row *rows = zipkin_places[z->place].rows;
	uint8_t *after = &z->after[z->place][z->last[z->place]];
	const struct row *row = &rows[*after];

	if (!is_zipkin_row(z, row, text, len)) {
		for (row = rows; row->name && !is_zipkin_row(z, row, text, len);)
			row++;
		if (!row->name)
			return JREAD_SKIP;
	}
	*after = z->last[z->place] = (uint8_t)(row - rows);
	z->member = row->member;
	z->member_name = row->name;
	return JREAD_GO;
}

/* Most of a document of version 2 is tags, so they have a short way of their own. */
static int zipkin_on_tag(struct zipkin *z, enum jread_event event, const char *text, size_t len)
{
	if (event == JREAD_KEY) {
		z->key = zipkin_tag_key(z, text, len);
		return z->key < 0 ? JREAD_SKIP : JREAD_GO;
	}
	if (event == JREAD_OBJECT_END)
		return zipkin_on_end(z);
	if (event == JREAD_OBJECT || event == JREAD_ARRAY)
		return JREAD_SKIP; /* objects and lists have no text to keep */
	if (event == JREAD_NUMBER)
		len = trace_number_len(text, len);
	return event == JREAD_NULL ? JREAD_GO : z->ops->take(z, event, text, len);
}

static int zipkin_take_text(struct zipkin *z, uint32_t *slot, const char *text, size_t len)
{
	*slot = trace_builder_text(z->builder, text, len);
	return zipkin_check(z, *slot);
}

static bool has_type(enum jread_event event, enum type type)
{
	switch (type) {
	case TYPE_STRING:
		return event == JREAD_STRING;
	case TYPE_NUMBER:
		return event == JREAD_NUMBER;
	case TYPE_BOOLEAN:
		return event == JREAD_TRUE || event == JREAD_FALSE;
	case TYPE_LIST:
	case TYPE_OBJECT:
		return false;
	case TYPE_ANY:
		break;
	}
	return true;
}

static int zipkin_take_scalar(struct zipkin *z, enum jread_event event, const char *text,
			      size_t len)
{
	if (zipkin_places[z->place].element != 0)
		return zipkin_fail_type(z, event);
	if (event == JREAD_NULL)
		return JREAD_GO;
	if (!has_type(event, zipkin_members[z->member].type))
		return zipkin_fail_type(z, event);
	switch ((int)z->member) {
	case ZIPKIN_TRACE_ID:
		zipkin_take_trace_id(z, text, len);
		return JREAD_GO;
	case ZIPKIN_ID:
		return zipkin_take_text(z, &z->span->id, text, len);
	case ZIPKIN_PARENT_ID:
		return zipkin_take_text(z, &z->span->parent_id, text,
					trace_id_is_zero(text, len) ? 0 : len);
	case ZIPKIN_NAME:
		return zipkin_take_text(z, &z->span->name, text, len);
	case ZIPKIN_TIMESTAMP:
		z->span->start_us = trace_time_us(text, len);
		return JREAD_GO;
	case ZIPKIN_DURATION:
		z->span->duration_us = trace_time_us(text, len);
		return JREAD_GO;
	case ZIPKIN_AT:
		z->at_us = trace_time_us(text, len);
		return JREAD_GO;
	case ZIPKIN_SERVICE:
		return zipkin_take_text(z, &z->endpoint.service, text, len);
	case ZIPKIN_ADDRESS:
		return zipkin_take_text(z, &z->endpoint.address, text, len);
	case ZIPKIN_PORT:
		return zipkin_take_text(z, &z->endpoint.port, text, trace_number_len(text, len));
	default:
		return z->ops->take(z, event, text, len);
	}
}

static int zipkin_on_event(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct zipkin *z = ctx;

	if (z->place == ZIPKIN_TAGS)
		return zipkin_on_tag(z, event, text, len);
	switch (event) {
	case JREAD_KEY:
		return zipkin_on_key(z, text, len);
	case JREAD_OBJECT:
	case JREAD_ARRAY:
		return zipkin_on_container(z, event);
	case JREAD_OBJECT_END:
	case JREAD_ARRAY_END:
		return zipkin_on_end(z);
	case JREAD_STRING:
	case JREAD_NUMBER:
	case JREAD_TRUE:
	case JREAD_FALSE:
	case JREAD_NULL:
		break;
	}
	return zipkin_take_scalar(z, event, text, len);
}

/* ---- pairs, as Zipkin writes them ---- */

static int zipkin_row_head(const struct zipkin *z, const struct row *rows,
			   const struct jread_word *word)
{
	const struct row *row = rows;

	while (row->name && !is_zipkin_row(z, row, word->text, word->len))
		row++;
	if (!row->name)
		return JREAD_PAIR_UNWANTED;
	if (zipkin_members[row->member].type == TYPE_LIST)
		return JREAD_PAIR_LIST;
	if (row->member == ZIPKIN_TAG_MAP)
		return JREAD_PAIR_OBJECT;
	if (row->member == ZIPKIN_ITS_ENDPOINT)
		return JREAD_PAIR_OTHER;
	return (int)(row - rows);
}

static bool zipkin_take_row(struct zipkin *z, const struct row *row, const struct jread_pair *pair)
{
	z->member = row->member;
	z->member_name = row->name;
	return zipkin_take_scalar(z, pair->event, pair->text, pair->len) == JREAD_GO;
}

static int zipkin_span_head(void *ctx, const struct jread_word words[JREAD_WORDS])
{
	return zipkin_row_head(ctx, span_rows, &words[0]);
}

static bool zipkin_take_span_pair(void *ctx, const struct jread_pair *pair)
{
	return zipkin_take_row(ctx, &span_rows[pair->key], pair);
}

/* Does the object of which this is the text up to its first closing brace end there, and can its
 * bytes be read again in the same way? It is all ASCII, and has no other braces, no escapes and no
 * lines; that brace is not in a string. */
static bool is_plain_object(const char *text, size_t size)
{
	bool in_string = false;

	for (size_t i = 1; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '{' || c == '\\' || c < ' ' || c > '~')
			return false;
		in_string ^= c == '"';
	}
	return !in_string;
}

/* The slot of an endpoint by some of its bytes: the beginning of its name, its address, its end. A
 * document that aims at one slot only makes itself slower. */
static struct zipkin_known *known_slot(struct zipkin *z, const char *text, size_t size)
{
	uint64_t words[3];

	memcpy(&words[0], text + ZIPKIN_KNOWN_LEAST - 8, 8);
	memcpy(&words[1], text + size / 2, 8);
	memcpy(&words[2], text + size - 10, 8);
	words[0] *= UINT64_C(0x9e3779b97f4a7c15);
	words[1] *= UINT64_C(0xc2b2ae3d27d4eb4f);
	words[2] *= UINT64_C(0x165667b19e3779f9);
	return &z->known[(words[0] + words[1] + words[2]) >> 58];
}

/* An endpoint whose bytes were read before. Else the slot remembers what the events tell. */
static size_t zipkin_take_endpoint(void *ctx, const struct jread_pair *pair)
{
	struct zipkin *z = ctx;
	const struct row *row = &span_rows[pair->key];
	enum zipkin_place place = zipkin_members[row->member].inside;
	size_t most = pair->len < ZIPKIN_KNOWN_BYTES ? pair->len : ZIPKIN_KNOWN_BYTES, size;
	const char *brace = memchr(pair->text, '}', most);
	struct zipkin_known *known;

	z->reading = NULL;
	size = brace ? (size_t)(brace - pair->text) + 1 : 0;
	if (size < ZIPKIN_KNOWN_LEAST)
		return 0;
	known = known_slot(z, pair->text, size);
	if (known->len != size || !known->is_read || known->place != place ||
	    !jread_same(known->bytes, pair->text, size)) {
		if (is_plain_object(pair->text, size)) {
			known->len = (uint8_t)size;
			known->place = (uint8_t)place;
			known->is_read = false;
			memcpy(known->bytes, pair->text, size);
			z->reading = known;
		}
		return 0;
	}
	z->endpoint = known->endpoint;
	return z->ops->leave(z, place) == JREAD_GO ? size : 0;
}

static int zipkin_local_head(void *ctx, const struct jread_word words[JREAD_WORDS])
{
	return zipkin_row_head(ctx, local_rows, &words[0]);
}

static bool zipkin_take_local_pair(void *ctx, const struct jread_pair *pair)
{
	return zipkin_take_row(ctx, &local_rows[pair->key], pair);
}

static int zipkin_endpoint_head(void *ctx, const struct jread_word words[JREAD_WORDS])
{
	return zipkin_row_head(ctx, endpoint_rows, &words[0]);
}

static bool zipkin_take_endpoint_pair(void *ctx, const struct jread_pair *pair)
{
	return zipkin_take_row(ctx, &endpoint_rows[pair->key], pair);
}

static int zipkin_tag_head(void *ctx, const struct jread_word words[JREAD_WORDS])
{
	int key = zipkin_tag_key(ctx, words[0].text, words[0].len);

	return key >= 0 ? key : JREAD_PAIR_UNWANTED;
}

static bool zipkin_take_tag_pair(void *ctx, const struct jread_pair *pair)
{
	struct zipkin *z = ctx;

	z->key = pair->key;
	return pair->event == JREAD_NULL ||
	       z->ops->take(z, pair->event, pair->text, pair->len) == JREAD_GO;
}

static const struct jread_form zipkin_span_forms[] = {
	{ "\"*\":", "", zipkin_span_head, zipkin_take_span_pair, zipkin_take_endpoint },
	{ NULL, NULL, NULL, NULL, NULL },
};
static const struct jread_form zipkin_local_forms[] = {
	{ "\"*\":", "", zipkin_local_head, zipkin_take_local_pair, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};
static const struct jread_form zipkin_endpoint_forms[] = {
	{ "\"*\":", "", zipkin_endpoint_head, zipkin_take_endpoint_pair, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};
static const struct jread_form zipkin_tag_forms[] = {
	{ "\"*\":", "", zipkin_tag_head, zipkin_take_tag_pair, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};
static const struct jread_pattern zipkin_patterns[] = {
	[PATTERN_SPAN] = { zipkin_span_forms },
	[PATTERN_TAG] = { zipkin_tag_forms },
	[PATTERN_LOCAL] = { zipkin_local_forms },
	[PATTERN_ENDPOINT] = { zipkin_endpoint_forms },
};

/* ---- life ---- */

void zipkin_init(struct zipkin *z, const struct zipkin_ops *ops, struct trace_builder *builder)
{
	*z = (struct zipkin){ .ops = ops, .builder = builder, .trace = TRACE_NONE };
	/* Zipkin's server stores service names and span names in lower case. */
	trace_builder_ignore_case(builder);
	z->jread = trace_jread_new(JREAD_ONE, zipkin_on_event, z);
	jread_pairs_set(z->jread, zipkin_patterns);
	zipkin_map_init(&z->resources, "resources");
	zipkin_map_init(&z->traces, "traces");
	buf_init(&z->trace_id, LIMIT_TOKEN_BYTES + 1);
	buf_init(&z->namespace_text, LIMIT_TOKEN_BYTES + 1);
}

void zipkin_fini(struct zipkin *z)
{
	jread_free(z->jread);
	free(z->resources.slots);
	free(z->traces.slots);
	free(z->names);
	buf_fini(&z->trace_id);
	buf_fini(&z->namespace_text);
}

int zipkin_feed(void *state, const char *data, size_t len, struct err *err)
{
	struct zipkin *z = state;

	return trace_jread_feed(z->jread, data, len, err);
}

int zipkin_finish(void *state, struct err *err)
{
	struct zipkin *z = state;
	int error = trace_jread_finish(z->jread, err);

	if (!error)
		rename_traces(z);
	return error;
}
