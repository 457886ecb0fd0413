/*
 * Zipkin: what its two JSON versions have in common: lists of spans, ids, names and times,
 * endpoints, and services on their way into the builder. The state machine here knows which object
 * is open; a version says what its own members mean, see struct zipkin_ops. struct zipkin owns its
 * reader and tables; the builder is borrowed.
 *
 * All functions: JREAD_GO or -errno, with the text in the reader's err. Texts are borrowed for the
 * call. Pure: any thread may call.
 */
#ifndef TRACEPAGER_DECODE_ZIPKIN_INTERNAL_H
#define TRACEPAGER_DECODE_ZIPKIN_INTERNAL_H

#include "tracepager/buf.h"
#include "tracepager/jread.h"
#include "tracepager/trace_builder.h"

#define ZIPKIN_V1 1u
#define ZIPKIN_V2 2u

/* The object or list that is open. */
enum zipkin_place {
	ZIPKIN_LISTS, /* around the spans: no list, one, or two */
	ZIPKIN_SPAN,
	ZIPKIN_ANNOTATIONS,
	ZIPKIN_ANNOTATION,
	ZIPKIN_TAGS,
	ZIPKIN_LOCAL,
	ZIPKIN_REMOTE,
	ZIPKIN_BINARIES,
	ZIPKIN_BINARY,
	ZIPKIN_ENDPOINT, /* of an annotation or a binary annotation */
	ZIPKIN_PLACES,
};

/* The member whose value comes next. */
enum zipkin_member {
	ZIPKIN_NONE,
	ZIPKIN_TRACE_ID,
	ZIPKIN_ID,
	ZIPKIN_PARENT_ID,
	ZIPKIN_NAME,
	ZIPKIN_TIMESTAMP,
	ZIPKIN_DURATION,
	ZIPKIN_ANNOTATION_LIST,
	ZIPKIN_AT, /* timestamp of an annotation */
	ZIPKIN_SERVICE,
	ZIPKIN_ADDRESS, /* ipv4, ipv6 */
	ZIPKIN_PORT,
	/* of version 2 */
	ZIPKIN_KIND,
	ZIPKIN_SHARED,
	ZIPKIN_LOCAL_ENDPOINT,
	ZIPKIN_REMOTE_ENDPOINT,
	ZIPKIN_TAG_MAP,
	/* of version 1 */
	ZIPKIN_BINARY_LIST,
	ZIPKIN_KEY,
	ZIPKIN_VALUE, /* of a binary annotation */
	ZIPKIN_EVENT, /* value of an annotation */
	ZIPKIN_ITS_ENDPOINT,
};

/* Interned texts; 0: absent. */
struct zipkin_endpoint {
	uint32_t service, address, port;
};

/* Endpoints of ZIPKIN_KNOWN_LEAST to ZIPKIN_KNOWN_BYTES bytes are remembered as they were written:
 * a service has the same in all of its spans. */
#define ZIPKIN_KNOWN_BYTES 119
#define ZIPKIN_KNOWN_LEAST 24
#define ZIPKIN_KNOWN_SLOTS 64
struct zipkin_known {
	uint8_t len;   /* 0: free */
	uint8_t place; /* enum zipkin_place: the members that count differ */
	bool is_read;  /* else its events are being read */
	struct zipkin_endpoint endpoint;
	char bytes[ZIPKIN_KNOWN_BYTES];
};

/* The value that a tag had last, by its key. */
#define ZIPKIN_LAST_VALUES 128
struct zipkin_last_value {
	uint32_t text, len; /* len: as it was written */
};

/* A hash table of numbers, such as ids to indexes. */
struct zipkin_map {
	struct zipkin_slot *slots; /* a power of two */
	uint32_t n, nslots;
	uint64_t multiplier; /* secret, so that no document can fill one slot */
};

/* The longest table of an object's members, with its end. */
#define ZIPKIN_MOST_ROWS 14

struct zipkin;

/* The functions of a version. z->member and z->place tell which member a scalar belongs to, z->key
 * which tag. */
struct zipkin_ops {
	unsigned int version;
	/* Sets z->span to a zeroed span for the members that both versions have. */
	int (*begin_span)(struct zipkin *z);
	int (*take)(struct zipkin *z, enum jread_event event, const char *text, size_t len);
	/* An object ends that is the version's own; endpoints are in z->endpoint. */
	int (*leave)(struct zipkin *z, enum zipkin_place place);
};

/* The beginning of a version's state. */
struct zipkin {
	const struct zipkin_ops *ops;
	struct trace_builder *builder;
	struct jread *jread;
	enum zipkin_place place, around; /* around: the place around an annotation's endpoint */
	enum zipkin_member member;
	const char *member_name;
	/* Writers keep to one order of members: for each place, the row that was read last, and
	 * for each row the one that followed it last, which is tried first. */
	uint8_t last[ZIPKIN_PLACES], after[ZIPKIN_PLACES][ZIPKIN_MOST_ROWS];
	unsigned int nlists;

	/* Resources by (service, namespace); traces by the low half of their id. */
	struct zipkin_map resources, traces;
	struct zipkin_trace *names;
	uint32_t nnames, names_size;

	/* The current span. */
	struct span *span;
	bool has_trace_id;
	/* As it was written; kept for the next span, which usually has the same. */
	struct buf trace_id;
	uint32_t trace;	    /* its index in names, or TRACE_NONE */
	uint32_t namespace; /* text of the tag service.namespace */
	struct buf namespace_text;
	int64_t first_us, last_us; /* of its annotations; 0: none */
	int64_t at_us;		   /* of the current annotation */
	struct zipkin_endpoint endpoint;
	struct zipkin_known known[ZIPKIN_KNOWN_SLOTS];
	struct zipkin_known *reading; /* the one whose events are being read, or NULL */
	struct zipkin_last_value last_values[ZIPKIN_LAST_VALUES];
	int key; /* the current tag: a key of the builder, or ZIPKIN_KEY_NAMESPACE */
};

/* The tag service.namespace, which becomes an attribute of the resource. OpenTelemetry's
 * translation to Zipkin makes tags of resource attributes. */
#define ZIPKIN_KEY_NAMESPACE INT32_MAX

void zipkin_init(struct zipkin *z, const struct zipkin_ops *ops, struct trace_builder *builder);
void zipkin_fini(struct zipkin *z);

/* For trace_encoding_ops; state is a struct zipkin. */
int zipkin_feed(void *state, const char *data, size_t len, struct err *err);
int zipkin_finish(void *state, struct err *err);

/* -E2BIG if a text that the builder returned is TRACE_NONE: a cap was reached. */
int zipkin_check(struct zipkin *z, uint32_t text);

/* The key under which a tag is kept: one of the builder, or ZIPKIN_KEY_NAMESPACE; -1: not kept. */
int zipkin_tag_key(const struct zipkin *z, const char *text, size_t len);
/* The text of a tag's value, as trace_builder_value(). */
uint32_t zipkin_value(struct zipkin *z, int key, const char *text, size_t len);
int zipkin_take_namespace(struct zipkin *z, const char *text, size_t len);

/*
 * The meaning of Zipkin's error tag: its presence means an error, even when it is empty, and its
 * value is the message (Zipkin's documentation of tags). Only the value false means no error, since
 * libraries write it so. SPAN_TAG_TRUE or SPAN_TAG_FALSE; *ret_is_text: the value is a message to
 * keep.
 */
uint8_t zipkin_error_flag(const char *text, size_t len, bool *ret_is_text);

/* Adds names of the other side to the current span of the builder, except those that tags have
 * given already: bits of told, in the order of struct zipkin_endpoint. */
void zipkin_add_remote(struct zipkin *z, const struct zipkin_endpoint *remote, unsigned int told);
/* The bit of a tag in told; 0: it is none of these names. */
unsigned int zipkin_remote_bit(int key);

/* Fills times that the span does not have: from its first annotation to its last. */
void zipkin_complete_times(const struct zipkin *z, struct span *span);

/* A span without a kind that names a service on both sides is a call (Zipkin's DependencyLinker).
 * */
void zipkin_guess_kind(struct span *span, uint32_t service, uint32_t remote_service);

/* Ends the builder's current span, which is of that service. */
int zipkin_span_done(struct zipkin *z, struct span *span, uint32_t service);

#endif
