/*
 * Client, talk: where the relay is, what is sent there, and what its replies mean. Owns the texts
 * of its requests and answers; reads the token's file and opens no socket.
 */
#include "client-internal.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tracepager/arena.h"
#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

#define DEFAULT_URL   "http://127.0.0.1:9480"
#define OTHER_ADDRESS "with --url URL or in TRACEPAGER_URL"

/* ---- the target ---- */

/* The option, else the variable; NULL: neither says anything. */
static const char *option_or_variable(const char *option, const char *variable)
{
	const char *value = option ? option : getenv(variable);

	return value && *value ? value : NULL;
}

/* What is wrong with the address, for behind "the URL"; NULL: nothing. */
static const char *url_fault(const char *url)
{
	const char *host = strncasecmp(url, "http://", 7) == 0	  ? url + 7
			   : strncasecmp(url, "https://", 8) == 0 ? url + 8
								  : NULL;

	for (const char *at = url; *at; at++)
		if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
			return "has a blank or another sign in it that no URL has";
	if (!host)
		return "begins with http:// or https://";
	size_t len = strcspn(host, "/?#");
	if (!len)
		return "names no host";
	if (memchr(host, '@', len))
		return "has no user in it: a token is given with --token-file FILE";
	return strpbrk(host, "?#") ? "has neither \"?\" nor \"#\"" : NULL;
}

static enum client_status target_take_url(struct client_target *target, const char *url,
					  struct err *err)
{
	const char *fault = url_fault(url);
	size_t len = strlen(url);

	if (fault) {
		struct buf shown = BUF_INIT(LIMIT_HELP_BYTES);
		if (!strchr(url, '@')) /* a password may stand before it */
			plain_add(&shown, url, LIMIT_CLIENT_URL_COLUMNS);
		err_set(err, EINVAL, "the URL (--url, or TRACEPAGER_URL) %s%s%s%s", fault,
			shown.len ? ", not \"" : "", buf_text(&shown), shown.len ? "\"" : "");
		buf_fini(&shown);
		return CLIENT_USAGE;
	}
	while (url[len - 1] == '/')
		len--;
	target->url = xstrndup(url, len);
	return CLIENT_DONE;
}

static enum client_status target_take_token(struct client_target *target, const char *path,
					    struct err *err)
{
	if (secret_read_file(&target->token, path, err) < 0) {
		err_prefix(err, "--token-file, or TRACEPAGER_TOKEN_FILE");
		return CLIENT_USAGE;
	}
	for (const char *at = target->token.value; *at; at++)
		if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f) {
			err_set(err, EINVAL,
				"the first line of %s (--token-file, or TRACEPAGER_TOKEN_FILE) "
				"is no token: it has a blank or another sign in it that no token "
				"has",
				path);
			return CLIENT_USAGE;
		}
	return CLIENT_DONE;
}

/* curl would name neither the option nor the cure. */
static enum client_status target_take_authorities(struct client_target *target, const char *path,
						  struct err *err)
{
	if (access(path, R_OK) < 0) {
		err_set(err, errno,
			"cannot read the authorities in %s (--ca-file, or TRACEPAGER_CA_FILE): %s",
			path, strerror(errno));
		return CLIENT_USAGE;
	}
	target->ca_file = xstrdup(path);
	return CLIENT_DONE;
}

enum client_status client_target_init(struct client_target *target,
				      const struct client_options *options, struct err *err)
{
	const char *url = option_or_variable(options->url, "TRACEPAGER_URL");
	const char *token = option_or_variable(options->token_file, "TRACEPAGER_TOKEN_FILE");
	const char *authorities = option_or_variable(options->ca_file, "TRACEPAGER_CA_FILE");

	*target = (struct client_target){ .timeout_us = options->timeout_us };
	enum client_status status = target_take_url(target, url ? url : DEFAULT_URL, err);
	if (status == CLIENT_DONE && token)
		status = target_take_token(target, token, err);
	if (status == CLIENT_DONE && authorities)
		status = target_take_authorities(target, authorities, err);
	return status;
}

void client_target_fini(struct client_target *target)
{
	secret_fini(&target->token);
	free(target->url);
	free(target->ca_file);
	target->url = target->ca_file = NULL;
}

void client_keep_from_proxy(const struct client_target *target)
{
	static const char *const own[] = { "127.", "localhost", "[::1]" };
	const char *host = strstr(target->url, "://") + 3;

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (strncasecmp(host, own[i], strlen(own[i])) == 0)
			setenv("no_proxy", "*", 1);
}

/* ---- the request ---- */

void client_request_init(struct client_request *request, const struct client_target *target,
			 enum http_method method, const char *path, const json_t *body)
{
	*request = (struct client_request){
		.url = xasprintf("%s%s", target->url, path),
		.http = { .method = method,
			  .timeout_us = target->timeout_us,
			  .ca_file = target->ca_file,
			  .max_reply_bytes = LIMIT_CLIENT_REPLY_BYTES },
	};
	request->http.url = request->url;
	http_request_header(&request->http, "Accept", "application/json, text/plain;q=0.5");
	if (target->token.value) {
		request->bearer = xasprintf("Bearer %s", target->token.value);
		http_request_header(&request->http, "Authorization", request->bearer);
	}
	if (!body)
		return;
	request->body = json_dumps(body, JSON_COMPACT);
	if (!request->body)
		abort(); /* no memory: the body is of our own making */
	request->http.body = request->body;
	request->http.body_len = strlen(request->body);
	http_request_header(&request->http, "Content-Type", "application/json");
}

void client_request_fini(struct client_request *request)
{
	if (request->bearer)
		explicit_bzero(request->bearer, strlen(request->bearer));
	free(request->bearer);
	free(request->url);
	free(request->body);
}

void client_query_add(struct buf *query, const char *name, const char *value)
{
	struct arena *arena = value ? arena_new(LIMIT_COMMAND_ARENA_BYTES) : NULL;

	if (!value)
		return;
	buf_printf(query, "%s%s=%s", query->len ? "&" : "", name, url_escape(arena, value));
	arena_free(arena);
}

char *client_person(void)
{
	const char *user = getenv("USER");
	const struct passwd *entry = user && *user ? NULL : getpwuid(getuid());
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	host[strcspn(host, ".")] = '\0';
	return xasprintf("%s%s%s",
			 entry		 ? entry->pw_name
			 : user && *user ? user
					 : "somebody",
			 *host ? "@" : "", host);
}

/* ---- the answer ---- */

static bool type_is(const struct http_reply *reply, const char *type)
{
	return strncasecmp(reply->content_type, type, strlen(type)) == 0;
}

static json_t *load_answer(const struct http_reply *reply)
{
	if (!type_is(reply, "application/json") && !type_is(reply, "application/problem+json"))
		return NULL;
	return json_loadb(reply->body, reply->len, JSON_REJECT_DUPLICATES, NULL);
}

/* What the relay says of its refusal: the detail or the title of a problem (RFC 9457), the error of
 * its other answers, or the first line of a text. NULL: nothing. */
static const char *refusal_reason(const struct http_reply *reply, const json_t *json)
{
	const char *text = json_string_value(json_object_get(json, "detail"));
	const json_t *error = json_object_get(json, "error");

	if (!text)
		text = json_string_value(json_object_get(json, "title"));
	if (!text)
		text = json_string_value(error);
	if (!text)
		text = json_string_value(json_object_get(error, "message"));
	if (!text && type_is(reply, "text/plain"))
		text = reply->body;
	return text && *text ? text : NULL;
}

static enum client_status refuse_unreached(const struct client_target *target, const char *why,
					   struct err *err)
{
	if (strstr(why, "certificate"))
		err_set(err, EPROTO,
			"cannot trust %s: %s; name the authorities that signed its certificate "
			"with --ca-file FILE or in TRACEPAGER_CA_FILE, and the relay by a name of "
			"the certificate " OTHER_ADDRESS,
			target->url, why);
	else
		err_set(err, ENOTCONN,
			"cannot reach %s: %s; is the relay running? Name another "
			"address " OTHER_ADDRESS,
			target->url, why);
	return CLIENT_UNREACHED;
}

static enum client_status refuse_stranger(const struct client_target *target, struct err *err)
{
	err_set(err, EPROTO,
		"the answer of %s is not JSON: no tracepager listens there; name its "
		"address " OTHER_ADDRESS,
		target->url);
	return CLIENT_UNREACHED;
}

static void say_refusal(const struct client_target *target, const struct http_reply *reply,
			const char *text, struct err *err)
{
	struct buf shown = BUF_INIT(LIMIT_HELP_BYTES);
	CLEANUP_FREE char *line = xstrndup(text, strcspn(text, "\r\n"));
	CLEANUP_FREE char *token = NULL;
	CLEANUP_FREE char *pause = NULL;

	plain_add(&shown, line, LIMIT_CLIENT_REASON_COLUMNS);
	if (reply->status == 403 && target->token.value)
		token = xasprintf(" to the token in %s", target->token.path);
	if (reply->retry_after_us > 0)
		pause = xasprintf(
			"; try again in %lld s",
			(long long)((reply->retry_after_us + US_PER_SECOND - 1) / US_PER_SECOND));
	err_set(err, EPERM, "%s (%s answered %d%s)%s", buf_text(&shown), target->url, reply->status,
		token ? token : "", pause ? pause : "");
	buf_fini(&shown);
}

/* The reply is no 2xx. */
static enum client_status judge_refusal(const struct client_target *target,
					const struct http_reply *reply, const json_t *json,
					struct err *err)
{
	const char *text = refusal_reason(reply, json);

	if (reply->status < 400) {
		err_set(err, EPROTO,
			"%s answers %d and names another address: give that one " OTHER_ADDRESS,
			target->url, reply->status);
		return CLIENT_UNREACHED;
	}
	if (reply->status == 401 && target->token.value) {
		err_set(err, EACCES,
			"%s does not know the token in %s (401): compare it with "
			"admin_token and tokens of the relay's tracepager.yaml",
			target->url, target->token.path);
		return CLIENT_REFUSED;
	}
	if (reply->status == 401) {
		err_set(err, EACCES,
			"%s wants a token (401): give --token-file FILE, or set "
			"TRACEPAGER_TOKEN_FILE",
			target->url);
		return CLIENT_REFUSED;
	}
	if (!text && reply->status == 404)
		return refuse_stranger(target, err);
	say_refusal(target, reply, text ? text : "the relay gives no reason", err);
	return CLIENT_REFUSED;
}

void client_judge(const struct client_target *target, const struct http_reply *reply,
		  bool wants_json, struct client_answer *ret_answer)
{
	struct client_answer *answer = ret_answer;
	bool whole = !reply->error;

	*answer = (struct client_answer){ .text = xstrndup(reply->body, whole ? reply->len : 0) };
	if (!whole || !reply->status) {
		answer->status = refuse_unreached(target, reply->error ? reply->error : "no reply",
						  &answer->err);
		return;
	}
	answer->http_status = reply->status;
	answer->json = load_answer(reply);
	if (reply->status >= 300)
		answer->status = judge_refusal(target, reply, answer->json, &answer->err);
	else if (wants_json && !answer->json && reply->len)
		answer->status = refuse_stranger(target, &answer->err);
}

void client_answer_fini(struct client_answer *answer)
{
	json_decref(answer->json);
	free(answer->text);
	*answer = (struct client_answer){ .status = CLIENT_DONE };
}
