/*
 * Trace sources: what to ask a tracing backend, and what its replies mean. Pure: bytes and structs
 * in and out; any thread may call. One file per kind, listed in tbl/sources.def.
 *
 * A question to a source is a talk of one or more requests. At each step the kind builds the next
 * request from the reply to the last one, or says what the talk has come to. Traces are decoded as
 * they arrive, outside of the kind, in the encoding that the kind names.
 */
#ifndef TRACEPAGER_TRACE_SOURCE_H
#define TRACEPAGER_TRACE_SOURCE_H

#include "tracepager/http.h"
#include "tracepager/secret.h"
#include "tracepager/secret_hide.h"
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

/* A declared source: the options of tbl/source_options.def. Texts are borrowed from the
 * configuration; NULL: the option is not given. */
struct source_config {
	const char *name;
	enum source_id kind;
	const char *url;      /* of sources that are asked by HTTP */
	const char *path;     /* of files: the directory */
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
	/* With {trace_id}: the page on which a person opens one of its traces. */
	const char *trace_link;
	int64_t timeout_us;	 /* of one request */
	int64_t search_pause_us; /* between two searches, on average */
	int64_t prefer;		 /* sources with a lower number are asked first */
};

/* What is asked for: one trace by its id; traces of a signal in a window; or the trace ids
 * (exemplars) that the metrics of an expression carry. */
struct trace_query {
	const char *trace_id;	     /* NULL: not by id */
	const char *expr;	     /* exemplars: the PromQL expression; NULL: no exemplars */
	const struct labels *labels; /* of exemplars: the alert's labels */
	const struct signal *signal; /* of a search; may be set for the other questions too */
	/* Wall time. Only a hint where trace_id is set: the trace may be older or younger. */
	int64_t from_us, to_us;
	unsigned int limit;
	bool failing; /* only traces in which a span of the signal fails; else any */
	bool healthy; /* only traces in which no span of the signal fails */
	bool shared;  /* alerts ask for them, too, so that the answer is worth keeping */
	/* Least duration of a span of the signal, if the source can filter by it; 0: any. */
	int64_t min_duration_us;
};

enum source_step {
	SOURCE_SEND,	  /* the request is built: send it, and call again with its reply */
	SOURCE_TRACES,	  /* the decoded traces are the answer */
	SOURCE_IDS,	  /* these trace ids are the answer: ask for each trace */
	SOURCE_NOT_FOUND, /* the source has no such trace, or no match */
	SOURCE_FAILED,	  /* failed; the same question may succeed later */
	/* The source will always answer like this, or cannot be asked this question. */
	SOURCE_REFUSED,
	SOURCE_TOO_LARGE, /* the trace is larger than the source will send */
	SOURCE_BAD,	  /* the reply is no trace */
};

/* The encoding of a reply that is no trace, but a text that the kind reads: the whole body is kept
 * for it. */
#define SOURCE_TEXT TRACE_ENCODING_COUNT

struct source_talk {
	/* Given by the caller. */
	struct arena *arena; /* lives as long as the talk */
	const struct source_config *config;
	const struct trace_query *query;
	int64_t wall_us;   /* now; requests are signed with this time */
	unsigned int step; /* number of requests before this step */
	/* The reply to the last request; NULL at step 0. Its status is never 0: a source that does
	 * not answer is not asked further in this talk. The body is complete if the request had the
	 * encoding SOURCE_TEXT and succeeded; any other body is cut at LIMIT_REPLY_BYTES, and one
	 * that could not be decoded has its first bytes only. */
	const struct http_reply *reply;
	/* 0; -EBADMSG: the body was not in the expected encoding; -ENODATA: it was empty; -E2BIG:
	 * it was larger than is read. */
	int error;
	bool no_spans; /* the body was good and had no span */
	/* trace_decoder_cursor() of the body; NULL: this was the last page. */
	const char *cursor;
	void *state; /* belongs to the kind, kept by the arena; NULL at first */

	/* Set by trace_source_next() to the kind of config. */
	const struct trace_source *source;

	/* For SOURCE_SEND; source_request() fills the request. */
	struct http_request request;
	enum trace_encoding encoding; /* of the body if the request succeeds; or SOURCE_TEXT */
	bool more;		      /* the spans of this reply join those already decoded */
	bool searches;		      /* the request is another search, which waits for its turn */
	/* Send the request no earlier than after this time (queries that run asynchronously). */
	int64_t wait_us;
	/* For SOURCE_IDS, the best first; kept by the arena. */
	const char *const *ids;
	size_t nids;
	/* For SOURCE_FAILED, _REFUSED, _TOO_LARGE and _BAD: what follows the source's name in a
	 * sentence. NULL with SOURCE_BAD: use the decoder's message. */
	const char *text;
	/* With any step: ask this source nothing for so long, since its rate limit is used up. 0:
	 * no such wait. */
	int64_t hold_us;
};

/* The questions that a kind can be asked. */
#define SOURCE_BY_ID	 1u
#define SOURCE_SEARCH	 2u
#define SOURCE_EXEMPLARS 4u

/* A kind that is asked by HTTP. */
struct trace_source {
	const char *name;
	unsigned int answers; /* SOURCE_BY_ID … */
	/* The headers that carry the option tenant; two headers: a tenant "A:B" is split at the
	 * colon. NULL: the kind has no tenants. */
	const char *tenant_headers[2];
	/* AWS's name of the service, with which its requests are signed; NULL: not AWS. */
	const char *sigv4_service;
	enum source_step (*next)(struct source_talk *talk);
};
/* NULL: the source is not asked by HTTP (files). */
extern const struct trace_source *const trace_sources[SOURCE_COUNT];

/* Takes one step of a talk with a source that is asked by HTTP: the kind of talk->config says what
 * comes next. */
enum source_step trace_source_next(struct source_talk *talk);
/* The secrets of the source, to be hidden in whatever is told of its answers. Caller frees. */
struct secret_hide *source_config_secrets(const struct source_config *config);

#endif
