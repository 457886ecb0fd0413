/*
 * Trace sources: what to ask a tracing backend, and what its answers mean. Pure: bytes and structs
 * in and out. One file per kind, listed in tbl/sources.def.
 *
 * A question to a source is a talk: the kind says what to send, is given the reply, says what to
 * send then, and in the end what it has come to. Traces are decoded as they arrive, outside of the
 * kind, in the encoding that it names.
 */
#ifndef TRACEPAGER_TRACE_SOURCE_H
#define TRACEPAGER_TRACE_SOURCE_H

#include "tracepager/http.h"
#include "tracepager/secret.h"
#include "tracepager/signal.h"
#include "tracepager/trace_decoder.h"

enum source_id {
#define SOURCE(id, name, needs, text) SOURCE_##id,
#include "tracepager/tbl/sources.def"
#undef SOURCE
	SOURCE_COUNT
};

struct source_header {
	const char *name;
	struct secret value;
};

/* A declared source: the options of tbl/source_options.def. Texts are the configuration's; NULL
 * where the option is not given. */
struct source_config {
	const char *name;
	enum source_id kind;
	const char *url;      /* of those that are asked by HTTP */
	const char *path;     /* files: the directory */
	struct secret bearer; /* a token */
	struct secret basic;  /* "user:password" */
	const char *username;
	struct secret password;
	struct secret session_token, api_key, app_key;
	const char *region, *index, *project;
	struct source_header *headers;
	size_t nheaders;
	const char *ca_file, *cert_file, *key_file; /* as in struct http_request */
	const char *tenant;
	const char *trace_link;	 /* with {trace_id}: where a person opens its traces */
	int64_t timeout_us;	 /* of one request */
	int64_t search_pause_us; /* between two searches, on the average */
	int64_t prefer;		 /* the lower, the earlier it is asked */
};

/* What is looked for: one trace by its id, traces of a signal in a window, or the ids that the
 * metrics of an expression carry. */
struct trace_query {
	const char *trace_id;	     /* NULL: not by id */
	const char *expr;	     /* exemplars: the PromQL expression. NULL: not these */
	const struct labels *labels; /* of exemplars: the alert's */
	const struct signal *signal; /* of a search; the other questions may have it too */
	int64_t from_us, to_us; /* wall. By id only a hint: the trace may be older, or younger */
	unsigned int limit;
	bool failing;		 /* only those in which a span of the signal fails; else any */
	bool healthy;		 /* only those in which no span of the signal fails */
	int64_t min_duration_us; /* of a span of the signal, where the source can tell; 0: any */
};

enum source_step {
	SOURCE_SEND,	  /* the request is built: send it, and come back with its reply */
	SOURCE_TRACES,	  /* what was decoded is the answer */
	SOURCE_IDS,	  /* these traces are the answer: ask for each */
	SOURCE_NOT_FOUND, /* it has no such trace, or no match */
	SOURCE_FAILED,	  /* may be better next time */
	SOURCE_REFUSED,	  /* it will say the same again, or cannot be asked that */
	SOURCE_TOO_LARGE, /* the trace is larger than it will send */
	SOURCE_BAD,	  /* it has sent what is no trace */
};

/* The reply's body is no trace but a text for the kind: it is gathered. */
#define SOURCE_TEXT TRACE_ENCODING_COUNT

struct source_talk {
	/* Given. */
	struct arena *arena; /* for all of the talk */
	const struct source_config *config;
	const struct trace_query *query;
	int64_t wall_us;   /* now: signatures carry it */
	unsigned int step; /* requests before */
	/* To the last request; NULL at step 0. Any status but 0: who does not answer is asked no
	 * further. The body of a success is there where SOURCE_TEXT was asked for, of anything else
	 * at most LIMIT_REPLY_BYTES, and of what could not be decoded its first bytes. */
	const struct http_reply *reply;
	/* 0; -EBADMSG: the body was not in the encoding that was expected; -ENODATA: it was empty;
	 * -E2BIG: it was more than is read. */
	int error;
	bool no_spans; /* the body was good, and there was no span in it */
	/* trace_decoder_cursor() of the body; NULL: it was the last page. */
	const char *cursor;
	void *state; /* the kind's own, kept by the arena; NULL at first */

	/* Set by trace_source_next(): the kind of config. */
	const struct trace_source *source;

	/* For SOURCE_SEND; source_request() fills the request. */
	struct http_request request;
	enum trace_encoding encoding; /* of a success's body, or SOURCE_TEXT */
	bool more;		      /* its spans join those that have come */
	bool searches;		      /* it is another search, which waits for its turn */
	int64_t wait_us; /* send it no earlier than after that: of asynchronous queries */
	/* For SOURCE_IDS, the best first. */
	const char *const *ids;
	size_t nids;
	/* For SOURCE_FAILED, _REFUSED, _TOO_LARGE and _BAD: what follows the source's name in a
	 * sentence. NULL with SOURCE_BAD: what the decoder said. */
	const char *text;
	/* With any: it wants no other question for so long (a limit is used up). 0: no such time.
	 */
	int64_t hold_us;
};

/* What a kind can be asked for. */
#define SOURCE_BY_ID	 1u
#define SOURCE_SEARCH	 2u
#define SOURCE_EXEMPLARS 4u

/* Of a kind that is asked by HTTP. */
struct trace_source {
	const char *name;
	unsigned int answers; /* SOURCE_BY_ID … */
	/* What carries the option tenant; "A:B" is for two headers. NULL: it has no tenants. */
	const char *tenant_headers[2];
	const char *sigv4_service; /* AWS's name of it, which signs its requests; NULL: not AWS */
	enum source_step (*next)(struct source_talk *talk);
};
/* NULL for sources that are not asked by HTTP (files). */
extern const struct trace_source *const trace_sources[SOURCE_COUNT];

/* One step of a talk with a source that is asked by HTTP: the kind of talk->config says what comes
 * next. */
enum source_step trace_source_next(struct source_talk *talk);

#endif
