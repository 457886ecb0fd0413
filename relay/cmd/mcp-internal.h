/*
 * What the files of "tracepager mcp" share: the Model Context Protocol over standard input and
 * output, for agents.
 *
 * mcp.c		the command: options, the loop over lines
 * mcp_protocol.c	messages in, messages out; pure
 * mcp_tools.c		the table of tools: their schemas, the check of arguments, which runs
 * mcp_result.c		results, bounded and made plain; pure
 * mcp_traces.c		the traces, rules and files that a call names
 * mcp_explain.c, mcp_owner.c, mcp_calls.c, mcp_relay.c, mcp_replay.c	the tools
 *
 * A tool takes arguments that were checked by its table rows, and returns a result that the caller
 * json_decref()s. For the main thread.
 */
#ifndef MCP_INTERNAL_H
#define MCP_INTERNAL_H

#include <jansson.h>

#include "client-internal.h"
#include "options-internal.h"
#include "tracepager/arena.h"
#include "tracepager/buf.h"
#include "tracepager/evidence.h"
#include "tracepager/rules.h"
#include "tracepager/trace.h"
#include "tracepager/walk.h"

/* How messages and results are written: numbers as a person would. */
#define MCP_JSON (JSON_COMPACT | JSON_REAL_PRECISION(12))

/* ---- mcp_protocol.c ---- */

/* What stands behind the protocol. The results are the caller's. */
struct mcp_ops {
	json_t *(*list)(void *ctx); /* the array of tools */
	/* The result of a call; NULL: there is no such tool. */
	json_t *(*call)(void *ctx, const char *name, const json_t *arguments);
};

struct mcp;

struct mcp *mcp_new(const struct mcp_ops *ops, void *ctx); /* ops and ctx: borrowed */
void mcp_free(struct mcp *mcp);				   /* takes NULL */
/* Takes a line. What is no message is answered at once; a cancelled request that waits is dropped;
 * all else waits for mcp_next(). Answers are appended to out, one a line. */
void mcp_take(struct mcp *mcp, const char *line, size_t len, struct buf *out);
/* Answers a line that was longer than LIMIT_MCP_MESSAGE_BYTES. */
void mcp_refuse_long(struct buf *out);
/* Does the message that has waited longest. false: none waits. */
bool mcp_next(struct mcp *mcp, struct buf *out);
/* Enough waits: read no more before mcp_next(). */
bool mcp_is_full(const struct mcp *mcp);

/* ---- mcp_result.c ---- */

/* A copy of at most that many bytes as JSON: its texts made plain, long ones and long lists cut.
 * What was cut is told as rows of left_out. */
json_t *mcp_bounded(const json_t *value, size_t most_bytes, json_t *left_out);
/* The result of a tool, from an object that mcp_bounded() has made; takes it, and adds left_out
 * where it is not empty (taken). */
json_t *mcp_result(json_t *object, json_t *left_out);
/* The same of any object (taken). */
json_t *mcp_result_of(json_t *object);
/* A result that says what is wrong, and the cure. */
json_t *mcp_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- mcp_tools.c ---- */

/* What the tools work with. */
struct mcp_tools {
	const struct mcp_options *options;
	struct client *client;
	char *directory;    /* of --traces, without links; NULL: not given */
	int directory_fd;   /* -1: not given */
	const char *person; /* who asked, for acts */
};

extern const struct mcp_ops mcp_tools_ops; /* ctx: a struct mcp_tools */

/* Arguments that were checked. */
const char *mcp_text(const json_t *arguments, const char *name); /* NULL: not given */
size_t mcp_number(const json_t *arguments, const char *name, size_t otherwise);

#define MCP_TOOL(name, right, title, text)                                                         \
	json_t *mcp_tool_##name(const struct mcp_tools *tools, const json_t *arguments);
#define MCP_ARGUMENT(tool, name, kind, need, least, most, words, text)
#include "tracepager/tbl/mcp_tools.def"
#undef MCP_TOOL
#undef MCP_ARGUMENT

/* ---- mcp_traces.c ---- */

/* Traces of one call. */
struct mcp_window {
	struct trace_set **sets;
	const struct trace **traces;
	size_t nsets, ntraces, bytes;
	json_t *problems; /* documents that could not be read; never NULL */
	/* Of the last document without a trace, as explain tells it to decide(). */
	enum fallback_code missing;
	char missing_text[512];
};

void mcp_window_init(struct mcp_window *window);
void mcp_window_fini(struct mcp_window *window);
/* Reads the traces of two arguments, a document and a list of files; either may be missing. NULL,
 * or the error. */
json_t *mcp_window_read(struct mcp_window *window, const struct mcp_tools *tools,
			const json_t *document, const json_t *files, const struct ruleset *rules);
/* A document as text: a text as it is, JSON dumped. Caller frees. */
char *mcp_document_text(const json_t *document);
/* The rules of the argument, else of --rules. *ret_rules NULL: neither is given. NULL, or the
 * error. Caller unrefs. */
json_t *mcp_rules_read(const struct mcp_tools *tools, const json_t *arguments,
		       struct ruleset **ret_rules);

#endif
