/*
 * What the kinds of trace sources share: requests with the configured credentials, the meaning of a
 * reply's status, URLs. Pure: any thread may call. Owns nothing; what is returned is kept by the
 * talk's arena.
 */
#ifndef TRACEPAGER_SOURCE_TALK_INTERNAL_H
#define TRACEPAGER_SOURCE_TALK_INTERNAL_H

#include "tracepager/paths.h"
#include "tracepager/buf.h"
#include "tracepager/trace_source.h"

/* Fills the talk's request with the configured credentials, headers, tenant, certificates and
 * timeout. url: kept by the talk's arena, or longer. The reply may have LIMIT_TRACE_BODY_BYTES;
 * source_read_text() lowers that. */
void source_request(struct source_talk *talk, enum http_method method, const char *url);
/* A POST of JSON. body: taken, its text is kept by the arena. false: url is NULL, or the body is
 * empty or exceeds its cap. */
bool source_post(struct source_talk *talk, const char *url, struct buf *body);
/* A GET. accept: the media type that is wanted; encoding: of the reply. false: url is NULL. */
bool source_get(struct source_talk *talk, const char *url, const char *accept,
		enum trace_encoding encoding);
/* The reply is a text of at most LIMIT_SOURCE_TEXT_BYTES for the kind, not traces. */
void source_read_text(struct source_talk *talk);
/* The meaning of a status and of what the decoder said, for kinds without rules of their own. 2xx:
 * SOURCE_TRACES, or SOURCE_BAD; 404: SOURCE_NOT_FOUND; 408, 425, 429 and 5xx: SOURCE_FAILED, with
 * hold_us from Retry-After; all else: SOURCE_REFUSED. */
enum source_step source_judge(struct source_talk *talk);
/* Returns step and sets the reason. text: kept by the arena, or constant. */
enum source_step source_end(struct source_talk *talk, enum source_step step, const char *text);
/* The reason if the service of the signal is unknown or a pattern, or the question is too long. */
#define SOURCE_NO_SEARCH "cannot be searched for this signal"
#define SOURCE_SENT_WEB_PAGE                                                                       \
	"sent a web page; is there a login in front of it, or is its url wrong?"
/* Is the reply a page for browsers: a login, or the UI of a server that has no such path? */
bool source_is_web_page(const struct http_reply *reply);

/* The status is good, but the body is not what was asked for. The reason is text, or that the
 * source sent a web page. */
enum source_step source_unreadable(struct source_talk *talk, enum source_step step,
				   const char *text);

/* Passes the reply's body to a handler of JSON paths, with the talk as ctx. false: the body is no
 * JSON. */
bool source_read_paths(struct source_talk *talk, paths_handler *handler);

/* Appends base, without slashes at its end, and path. */
void source_url(struct buf *url, const char *base, const char *path);
/* Appends ?name=value or &name=value, with the value escaped. */
void source_url_param(struct arena *arena, struct buf *url, const char *name, const char *value);
void source_url_number(struct arena *arena, struct buf *url, const char *name, int64_t value);
/* The text of the buffer, kept by the arena; the buffer is freed. NULL: the text is empty or
 * exceeds its cap. */
const char *source_url_take(struct arena *arena, struct buf *url);

/* Asks Jaeger's old API, which other backends have too, at the given path. */
enum source_step source_ask_jaeger(struct source_talk *talk, const char *path);

/* Appends the text in quotes, with a backslash before quotes and backslashes and with line_feed in
 * place of line feeds. */
void source_add_quoted(struct buf *buf, const char *text, const char *line_feed);

/* Can traces of the signal be searched for? Only if its service is known and no pattern. */
bool source_has_service(const struct trace_query *query);
/* The text if it is neither NULL, nor empty, nor has a wildcard; else NULL. */
const char *source_plain(const char *text);

#endif
