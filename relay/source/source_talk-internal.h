/*
 * The trace sources that are asked by HTTP, one file each; sources.c puts them into the table, and
 * has what they share. Pure.
 */
#ifndef TRACEPAGER_SOURCE_TALK_INTERNAL_H
#define TRACEPAGER_SOURCE_TALK_INTERNAL_H

#include "tracepager/paths.h"
#include "tracepager/buf.h"
#include "tracepager/trace_source.h"

/* The request of a talk: credentials, headers, tenant, certificates and timeout as configured. The
 * URL is kept by the talk's arena, or longer. What it may read at most: source_read_text(), or
 * traces. */
void source_request(struct source_talk *talk, enum http_method method, const char *url);
/* A POST of JSON: the body is kept by the talk's arena. The buffer ends. false: it was too long. */
bool source_post(struct source_talk *talk, const char *url, struct buf *body);
/* A GET whose answer is in that encoding; accept: its media type. false: url is NULL. */
bool source_get(struct source_talk *talk, const char *url, const char *accept,
		enum trace_encoding encoding);
/* The body is a text of at most LIMIT_SOURCE_TEXT_BYTES for next(), not traces. */
void source_read_text(struct source_talk *talk);
/* What a status and a decoder's verdict mean by themselves: a success is traces, 404 not found;
 * 408, 425, 429 and 5xx may be better next time, and Retry-After is obeyed. */
enum source_step source_judge(struct source_talk *talk);
/* Refused or failed, with the reason. */
enum source_step source_end(struct source_talk *talk, enum source_step step, const char *text);
/* The reason where a signal has nothing that could be searched for: its service is a pattern. */
#define SOURCE_NO_SEARCH     "cannot be searched for this signal"
#define SOURCE_SENT_WEB_PAGE "sent a web page; is a login in front of it, or its url wrong?"
/* The reply is a page for browsers: a login, or the UI of a server that knows no such path. */
bool source_is_web_page(const struct http_reply *reply);

/* A good status, but the body is not what was asked for: a web page, or what text says. */
enum source_step source_unreadable(struct source_talk *talk, enum source_step step,
				   const char *text);

/* The reply's text through a handler of paths; ctx is the talk. false: it is no JSON. */
bool source_read_paths(struct source_talk *talk, paths_handler *handler);

#define SOURCE_URL_BYTES (64u << 10)
/* base without its slashes at the end, and path. */
void source_url(struct buf *url, const char *base, const char *path);
/* ?name=value or &name=value; the value is escaped here. */
void source_url_param(struct arena *arena, struct buf *url, const char *name, const char *value);
void source_url_number(struct arena *arena, struct buf *url, const char *name, int64_t value);
/* The text, kept by the arena, and the buffer's end; NULL: it was empty, or too long. */
const char *source_url_take(struct arena *arena, struct buf *url);

/* Jaeger's old API, which others have too, at the given path. */
enum source_step source_ask_jaeger(struct source_talk *talk, const char *path);

/* "text", with a backslash before quotes and backslashes; a line feed becomes line_feed. */
void source_add_quoted(struct buf *buf, const char *text, const char *line_feed);

/* Can traces of the query's signal be searched for? Its service is known, and no pattern. */
bool source_has_service(const struct trace_query *query);
/* A value of the rules that is a glob: it cannot be asked for, only looked for in what comes. */
bool source_is_pattern(const char *text);
/* The text, where it is there, is not empty and is no pattern; else NULL. */
const char *source_plain(const char *text);

#endif
