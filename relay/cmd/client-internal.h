/*
 * Client: how commands talk to a running relay. One request at a time, each with its answer: the
 * status that the command ends with, the body as text and as JSON, and, where it failed, one line
 * for a person that names the URL, the token's file and the cure. Prints no token.
 *
 * A command asks with client_get() and client_post(), which wait. One with a loop of its own sends
 * what client_request_init() makes, and judges the reply by client_judge(). Nothing is retried and
 * no redirect is followed. For the main thread.
 */
#ifndef CLIENT_INTERNAL_H
#define CLIENT_INTERNAL_H

#include <jansson.h>

#include "options-internal.h"
#include "tracepager/buf.h"
#include "tracepager/err.h"
#include "tracepager/http.h"
#include "tracepager/secret.h"

/* Exit statuses of commands that talk to a relay. */
enum client_status {
	CLIENT_DONE = 0,
	CLIENT_REFUSED = 1,   /* the relay refused it, or has nothing of that name */
	CLIENT_USAGE = 2,     /* wrong usage: the URL or the token's file is of no use */
	CLIENT_UNREACHED = 3, /* no relay answered */
};

/* ---- the two ends: pure but for the token's file ---- */

/* Where the relay is, and the token that is shown there. */
struct client_target {
	char *url;	     /* without a / at its end */
	struct secret token; /* may be unset */
	char *ca_file;	     /* NULL: the system's authorities */
	int64_t timeout_us;
};

/* What is not given comes from the environment: TRACEPAGER_URL, TRACEPAGER_TOKEN_FILE,
 * TRACEPAGER_CA_FILE. CLIENT_DONE,
 * or CLIENT_USAGE with an error. */
enum client_status client_target_init(struct client_target *target,
				      const struct client_options *options, struct err *err);
void client_target_fini(struct client_target *target); /* wipes the token */

/* A target on this machine is asked directly, whatever http_proxy says: changes the environment
 * variable no_proxy. Before the first request. */
void client_keep_from_proxy(const struct client_target *target);

/* A request with the texts that it points to. */
struct client_request {
	struct http_request http;
	char *url, *bearer, *body;
};

/* path: from its "/" on, escaped. body: for a POST, borrowed; NULL: none. */
void client_request_init(struct client_request *request, const struct client_target *target,
			 enum http_method method, const char *path, const json_t *body);
void client_request_fini(struct client_request *request);

struct client_answer {
	enum client_status status;
	int http_status; /* 0: no reply */
	char *text;	 /* the body */
	json_t *json;	 /* NULL: the body is no JSON */
	struct err err;	 /* unless CLIENT_DONE */
};

/* wants_json: a reply without JSON is not a relay's. Freed by client_answer_fini(). */
void client_judge(const struct client_target *target, const struct http_reply *reply,
		  bool wants_json, struct client_answer *ret_answer);
void client_answer_fini(struct client_answer *answer);

/* Adds "name=value" to a query, escaped; nothing where the value is NULL. */
void client_query_add(struct buf *query, const char *name, const char *value);

/* Who acts: "ann@laptop". Caller frees. */
char *client_person(void);

/* ---- asking, and waiting for the answer ---- */

struct client;

/* NULL: an error has been printed, and *ret_status is the exit status. Freed by client_close(). */
struct client *client_open(const char *command, const struct client_options *options,
			   int *ret_status);
void client_close(struct client *client); /* takes NULL */
const char *client_url(const struct client *client);

/* GETs and POSTs of JSON; path and body as client_request_init() takes them. Return the answer's
 * status. Freed by client_answer_fini(). */
enum client_status client_get(struct client *client, const char *path,
			      struct client_answer *ret_answer);
enum client_status client_post(struct client *client, const char *path, const json_t *body,
			       struct client_answer *ret_answer);
/* A list to its end: follows its cursors ("next") and joins its arrays of that name. query:
 * "team=web&limit=9", escaped; "": none. At most `most` entries. answer.json is the array. */
enum client_status client_get_list(struct client *client, const char *path, const char *query,
				   const char *name, size_t most, struct client_answer *ret_answer);
/* A GET of text, such as /metrics. */
enum client_status client_get_text(struct client *client, const char *path,
				   struct client_answer *ret_answer);
/* Prints what was done to name: "NAME  TEXT", made plain, since the relay may quote strangers. */
void client_print_done(const char *name, const char *text);
/* One line of JSON; on a terminal in ASCII, since JSON does not escape all that moves a cursor. */
void client_print_json(const json_t *json);
/* Prints why the answer is none, and returns its status. */
int client_failed(const char *command, const struct client_answer *answer);

#endif
