/*
 * Zipkin, what its two JSON versions have in common: lists of spans, ids, names and times,
 * endpoints, and services on their way into the builder. Here is the machine that knows where in a
 * document we are; a version says what its own members mean, see struct zipkin_ops.
 *
 * Functions return an answer for the reader: JREAD_GO or -errno, with the words in its err. Texts
 * are borrowed for the call.
 */
#ifndef TRACEPAGER_FETCH_ZIPKIN_INTERNAL_H
#define TRACEPAGER_FETCH_ZIPKIN_INTERNAL_H

#include "tracepager/buf.h"
#include "tracepager/jread.h"
#include "tracepager/trace_builder.h"

#define ZIPKIN_V1 1u
#define ZIPKIN_V2 2u

/* The object or list that is open. */
enum zipkin_place {
	ZIPKIN_LISTS, /* around the spans: none, one or two lists */
	ZIPKIN_SPAN,
	ZIPKIN_ANNOTATIONS,
	ZIPKIN_ANNOTATION,
	ZIPKIN_TAGS,
	ZIPKIN_LOCAL,
	ZIPKIN_REMOTE,
	ZIPKIN_BINARIES,
	ZIPKIN_BINARY,
	ZIPKIN_ENDPOINT, /* of an annotation of either sort */
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

/* Texts; 0: not told. */
struct zipkin_endpoint {
	uint32_t service, address, port;
};

/* Numbers to numbers, such as ids to indexes. */
struct zipkin_map {
	struct zipkin_slot *slots; /* a power of two */
	uint32_t n, nslots;
	uint64_t multiplier; /* secret, so that no document can aim at one slot */
};

struct zipkin;

/* What a version does. z->member and z->place tell what a scalar is of, z->key of which tag. */
struct zipkin_ops {
	unsigned int version;
	/* Sets z->span, zeroed, for the members that both have. */
	int (*begin_span)(struct zipkin *z);
	int (*take)(struct zipkin *z, enum jread_event event, const char *text, size_t len);
	/* An object of its own is over; endpoints are in z->endpoint. */
	int (*leave)(struct zipkin *z, enum zipkin_place place);
};

/* A version's state begins with it. */
struct zipkin {
	const struct zipkin_ops *ops;
	struct trace_builder *builder;
	struct jread *jread;
	enum zipkin_place place, around; /* around: of an annotation's endpoint */
	enum zipkin_member member;
	const char *member_name;
	unsigned int nlists;

	/* Services have resources, by (service, namespace); low halves of trace ids have traces. */
	struct zipkin_map resources, traces;
	struct zipkin_trace *names;
	uint32_t nnames, names_size;

	/* The span in work. */
	struct span *span;
	bool has_trace_id;
	struct buf trace_id; /* as it came; stays for the next span, which mostly has the same */
	uint32_t trace;	     /* its index in names, or TRACE_NONE */
	uint32_t namespace;  /* text: tag service.namespace */
	struct buf namespace_text;
	int64_t first_us, last_us; /* of its annotations; 0: none */
	int64_t at_us;		   /* of the annotation in work */
	struct zipkin_endpoint endpoint;
	int key; /* of the tag in work: of the builder, or ZIPKIN_KEY_NAMESPACE */
};

/* The tag that becomes an attribute of the resource: where OpenTelemetry's translation puts it. */
#define ZIPKIN_KEY_NAMESPACE INT32_MAX

void zipkin_init(struct zipkin *z, const struct zipkin_ops *ops, struct trace_builder *builder);
void zipkin_fini(struct zipkin *z);

/* For trace_encoding_ops; state is a struct zipkin. */
int zipkin_feed(void *state, const char *data, size_t len, struct err *err);
int zipkin_finish(void *state, struct err *err);

/* The builder's answer to a text: TRACE_NONE means that a cap was reached. */
int zipkin_check(struct zipkin *z, uint32_t text);

/* What a tag is kept as: a key of the builder, ZIPKIN_KEY_NAMESPACE, or -1: not kept. */
int zipkin_tag_key(const struct zipkin *z, const char *text, size_t len);
int zipkin_take_namespace(struct zipkin *z, const char *text, size_t len);

/*
 * Zipkin's error tag: present means error, even when empty, and what is in it is the message
 * (Zipkin's documentation of tags). Only false means no error, since libraries write it that way.
 * SPAN_TAG_TRUE or SPAN_TAG_FALSE; *ret_is_text: there are words to keep.
 */
uint8_t zipkin_error_flag(const char *text, size_t len, bool *ret_is_text);

/* The other side's names, as attributes of the builder's span in work; those of `told` (1 << 0 …,
 * in the order of struct zipkin_endpoint) are there already. */
void zipkin_add_remote(struct zipkin *z, const struct zipkin_endpoint *remote, unsigned int told);
/* Its bit for `told`, or 0. */
unsigned int zipkin_remote_bit(int key);

/* Times that the span does not tell: from its first annotation to its last. */
void zipkin_complete_times(const struct zipkin *z, struct span *span);

/* A span without a kind that names the services of both sides is a call (Zipkin's
 * DependencyLinker). */
void zipkin_guess_kind(struct span *span, uint32_t service, uint32_t remote_service);

/* Ends the builder's span in work, of that service. */
int zipkin_span_done(struct zipkin *z, struct span *span, uint32_t service);

#endif
