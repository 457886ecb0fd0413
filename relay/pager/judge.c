/*
 * The judgement of a reply without the pager's secrets: they are hidden in the reply, before a kind
 * cuts or remembers any of it. Pure.
 */
#include "tracepager/pager_kind.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tracepager/xalloc.h"

/* The lines "NAME: VALUE\n" of further headers. */
static void add_header_lines(struct secret_hide *hide, const char *lines)
{
	while (lines && *lines) {
		const size_t len = strcspn(lines, "\n");
		const char *colon = memchr(lines, ':', len);
		if (colon) {
			const char *from = colon + 1 + strspn(colon + 1, " ");
			CLEANUP_FREE char *value = xstrndup(
				from, from < lines + len ? (size_t)(lines + len - from) : 0);
			secret_hide_add_header(hide, value);
			explicit_bzero(value, strlen(value));
		}
		lines += len + (lines[len] == '\n');
	}
}

/* Does the name of a member say that its value is a secret? */
static bool body_names_secret(const char *name, size_t len)
{
	static const char *const ends[] = { "key", "token", "secret", "password", "authorization" };

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		const size_t n = strlen(ends[i]);
		if (len >= n && strncasecmp(name + len - n, ends[i], n) == 0)
			return true;
	}
	return false;
}

#define BODY_BLANKS " \t\r\n"

/* Secrets that a person wrote into the template of a body: "token": "…" of JSON, token=… of a form,
 * <token>… of XML. A value that begins with a name of the template is none. */
static void add_body_secrets(struct secret_hide *hide, const char *body)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-";

	for (const char *at = body + strcspn(body, letters); *at; at += strcspn(at, letters)) {
		const size_t len = strspn(at, letters);
		const bool named = body_names_secret(at, len);
		at += len;
		const char *value = at + strspn(at, "\"'" BODY_BLANKS);
		if (!named || !*value || !strchr(":=>", *value))
			continue;
		value += 1 + strspn(value + 1, BODY_BLANKS);
		const bool quoted = *value == '"' || *value == '\'';
		value += quoted;
		const char ends[] = { quoted ? value[-1] : '&', '{', '<', '\n', '\0' };
		size_t n = strcspn(value, ends);
		while (n && strchr(BODY_BLANKS, value[n - 1]))
			n--;
		CLEANUP_FREE char *secret = xstrndup(value, n);
		secret_hide_add_header(hide, secret);
		explicit_bzero(secret, strlen(secret));
	}
}

struct secret_hide *page_target_secrets(const struct page_target *target)
{
	struct secret_hide *hide = secret_hide_new();

	if (target->key && strstr(target->key, "://"))
		secret_hide_add_url(hide, target->key, true, NULL);
	else
		secret_hide_add(hide, target->key);
	/* Without a key, the address alone lets a sender in. */
	secret_hide_add_url(hide, target->url, !target->key && target->kind != PAGER_EMAIL,
			    target->pager);
	add_header_lines(hide, target->headers);
	if (target->body)
		add_body_secrets(hide, target->body);
	if (target->kind == PAGER_PUSHOVER) /* its user_key is both address and secret */
		secret_hide_add(hide, target->texts[PAGER_TO]);
	return hide;
}

static char *hidden_copy(const struct secret_hide *secrets, const char *text, size_t len,
			 size_t *ret_len)
{
	char *copy = xcalloc(1, len + 1);

	if (len)
		memcpy(copy, text, len);
	*ret_len = secret_hide_in(secrets, copy, len);
	return copy;
}

static struct judgement judge_hidden(struct judgement (*judge)(const struct http_reply *),
				     const struct secret_hide *secrets,
				     const struct http_reply *reply)
{
	struct http_header headers[LIMIT_REPLY_HEADERS];
	char *values[LIMIT_REPLY_HEADERS];
	struct http_reply hidden = *reply;
	size_t len;
	char *body = NULL, *error = NULL;

	if (reply->body)
		hidden.body = body = hidden_copy(secrets, reply->body, reply->len, &hidden.len);
	if (reply->error)
		hidden.error = error =
			hidden_copy(secrets, reply->error, strlen(reply->error), &len);
	hidden.headers = headers;
	hidden.nheaders =
		reply->nheaders < LIMIT_REPLY_HEADERS ? reply->nheaders : LIMIT_REPLY_HEADERS;
	for (size_t i = 0; i < hidden.nheaders; i++) {
		const char *value = reply->headers[i].value;
		values[i] = hidden_copy(secrets, value, strlen(value), &len);
		headers[i] = (struct http_header){ reply->headers[i].name, values[i] };
	}
	const struct judgement judgement = judge(&hidden);
	for (size_t i = 0; i < hidden.nheaders; i++)
		free(values[i]);
	free(body);
	free(error);
	return judgement;
}

/* A kind that reads JSON takes the words out of their escapes, and joins several. */
static void hide_judged(const struct secret_hide *secrets, struct judgement *judgement)
{
	secret_hide_in(secrets, judgement->text, strlen(judgement->text));
	if (judgement->remembers)
		secret_hide_in(secrets, judgement->memory, strlen(judgement->memory));
}

struct judgement pager_judge(const struct pager_kind *kind, const struct secret_hide *secrets,
			     const struct http_reply *reply)
{
	struct judgement judgement = judge_hidden(kind->judge, secrets, reply);

	hide_judged(secrets, &judgement);
	return judgement;
}

struct judgement pager_judge_dry(const struct pager_kind *kind, const struct secret_hide *secrets,
				 const struct http_reply *reply)
{
	struct judgement judgement =
		judge_hidden(kind->judge_dry ? kind->judge_dry : judge_by_status, secrets, reply);

	hide_judged(secrets, &judgement);
	return judgement;
}
