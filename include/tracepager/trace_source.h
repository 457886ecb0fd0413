/*
 * Trace sources: what to ask a tracing backend, and what its answer is. Pure. One file each, listed
 * in tbl/sources.def.
 */
#ifndef TRACEPAGER_TRACE_SOURCE_H
#define TRACEPAGER_TRACE_SOURCE_H

#include "tracepager/http.h"
#include "tracepager/secret.h"
#include "tracepager/signal.h"
#include "tracepager/trace_decoder.h"

enum source_id {
#define SOURCE(id, name, text) SOURCE_##id,
#include "tracepager/tbl/sources.def"
#undef SOURCE
	SOURCE_COUNT
};

/* A declared source. Texts are the configuration's. */
struct source_config {
	const char *name;
	enum source_id kind;
	const char *url;      /* jaeger */
	const char *path;     /* files: the directory */
	struct secret bearer; /* unset: none */
	int64_t timeout_us;
};

/* What is looked for: one trace by id, or failing traces of a signal in a window. */
struct trace_query {
	const char *trace_id;	     /* NULL: a search */
	const struct signal *signal; /* of a search */
	int64_t from_us, to_us;	     /* wall */
	unsigned int limit;
	bool failing; /* only traces with an error */
};

enum source_step {
	SOURCE_SEND,	/* the request is built: send it */
	SOURCE_GIVE_UP, /* nothing more to try */
};

/*
 * A look-up may take several tries (Jaeger: v3, then the old API). attempt counts from 0; previous
 * is the reply to the one before (NULL at first). The request and *ret_encoding are for the next
 * try.
 */
struct trace_source {
	const char *name;
	enum source_step (*request)(struct arena *arena, const struct source_config *config,
				    const struct trace_query *query, unsigned int attempt,
				    const struct http_reply *previous,
				    struct http_request *ret_request,
				    enum trace_encoding *ret_encoding);
	/* Is this status the backend's way to say "no such trace, or no match"? */
	bool (*not_found)(int status);
};
/* NULL for sources that are not asked by HTTP (files). */
extern const struct trace_source *const trace_sources[SOURCE_COUNT];

#endif
