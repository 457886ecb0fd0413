/*
 * What the pager kinds that speak HTTP share: the POST, the judgement by status, members of a
 * JSON body. Pure; owns nothing.
 */
#include "pager-internal.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/utf8.h"

/* The first line of the reply's body that is not blank, without control characters. */
static void reply_words(const struct http_reply *reply, char *out, size_t size)
{
	const char *line = reply->body && reply->len > 0 ? reply->body : "";
	size_t n = 0;

	line += strspn(line, " \t\r\n");
	while (n + 1 < size && line[n] && line[n] != '\r' && line[n] != '\n') {
		out[n] = (unsigned char)line[n] < ' ' || line[n] == 0x7f ? ' ' : line[n];
		n++;
	}
	out[utf8_cut(line, n + 1, n)] = '\0';
}

struct judgement judge_by_status(const struct http_reply *reply)
{
	struct judgement judgement = { .outcome = JUDGE_REJECTED, .retry_after_us = -1 };
	char words[150];

	if (reply->status >= 200 && reply->status <= 299) {
		judgement.outcome = JUDGE_DELIVERED;
		return judgement;
	}
	if (reply->status == 0) {
		judgement.outcome = JUDGE_RETRY;
		snprintf(judgement.text, sizeof(judgement.text), "no reply: %.*s",
			 (int)utf8_chars(reply->error ? reply->error : "unknown", 150),
			 reply->error ? reply->error : "unknown");
		return judgement;
	}
	if (reply->status >= 300 && reply->status <= 399) {
		snprintf(judgement.text, sizeof(judgement.text),
			 "HTTP %d: redirects are not followed; give the pager the final url",
			 reply->status);
		return judgement;
	}
	reply_words(reply, words, sizeof(words));
	snprintf(judgement.text, sizeof(judgement.text), "HTTP %d%s%s", reply->status,
		 words[0] ? ": " : "", words);
	if (reply->status == 408 || reply->status == 425 || reply->status == 429 ||
	    reply->status >= 500) {
		judgement.outcome = JUDGE_RETRY;
		judgement.retry_after_us = reply->retry_after_us;
		if (judgement.retry_after_us > LIMIT_PAGER_RETRY_AFTER_US)
			judgement.retry_after_us = LIMIT_PAGER_RETRY_AFTER_US;
	}
	return judgement;
}

int64_t pager_seconds_us(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || !(seconds >= 0))
		return -1;
	if (seconds > (double)LIMIT_PAGER_RETRY_AFTER_US / US_PER_SECOND)
		return LIMIT_PAGER_RETRY_AFTER_US;
	return (int64_t)(seconds * US_PER_SECOND);
}

struct judgement pager_refused(const struct http_reply *reply, const char *words)
{
	struct judgement judgement = { .outcome = JUDGE_REJECTED, .retry_after_us = -1 };

	snprintf(judgement.text, sizeof(judgement.text), "HTTP %d: %.*s", reply->status,
		 (int)(utf8_span(words, strnlen(words, 150))), words);
	return judgement;
}

struct judgement pager_judge_members(const struct http_reply *reply, const char *what,
				     const char *const members[3])
{
	struct judgement judgement = judge_by_status(reply);
	bool found = false;

	if (judgement.outcome != JUDGE_DELIVERED)
		return judgement;
	json_t *root =
		reply->body && !reply->error ? json_loadb(reply->body, reply->len, 0, NULL) : NULL;
	for (size_t i = 0; i < 3 && members[i]; i++)
		found |= json_object_get(root, members[i]) != NULL;
	json_decref(root);
	if (!found) {
		judgement.outcome = JUDGE_REJECTED;
		snprintf(judgement.text, sizeof(judgement.text),
			 "HTTP %d, but not the answer of %s", reply->status, what);
	}
	return judgement;
}

struct judgement pager_judge_ok(const struct http_reply *reply)
{
	struct judgement judgement = judge_by_status(reply);
	char words[150];

	/* A reply whose body did not arrive has a status: the service took the message. */
	if (judgement.outcome != JUDGE_DELIVERED || reply->error)
		return judgement;
	reply_words(reply, words, sizeof(words));
	size_t len = strlen(words);
	while (len > 0 && words[len - 1] == ' ')
		words[--len] = '\0';
	return strcasecmp(words, "ok") == 0
		       ? judgement
		       : pager_refused(reply, words[0] ? words : "the body does not say ok");
}

void pager_http_post(struct arena *arena, const struct page_target *target,
		     const char *content_type, const struct buf *body,
		     struct http_request *ret_request)
{
	*ret_request = (struct http_request){
		.method = HTTP_POST,
		.url = target->url,
		.body = arena_strndup(arena, buf_text(body), body->len),
		.body_len = body->len,
		.timeout_us = LIMIT_DELIVER_US,
		.max_reply_bytes = LIMIT_REPLY_BYTES,
	};
	http_request_header(ret_request, "Content-Type", content_type);
}

int pager_needs(const struct page_target *target, const char *key, const char *to, struct err *err)
{
	const char *missing = key && !target->key	       ? key
			      : !target->url		       ? "url"
			      : to && !target->texts[PAGER_TO] ? to
							       : NULL;

	return missing ? err_set(err, EINVAL, "pager %s has no %s", target->pager, missing) : 0;
}

/* Printable ASCII without blanks: nothing that could end a header or a request line. */
static bool is_one_word(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text >= 0x7f)
			return false;
	return true;
}

int pager_deliver_json(struct arena *arena, const struct page_target *target, const char *url,
		       const char *scheme, struct buf *body, struct delivery *ret_delivery,
		       struct err *err)
{
	const char *key = scheme && target->key ? target->key : "";
	int error = 0;

	if (body->failed) {
		error = err_set(err, E2BIG, "the page has more than %zu bytes without its details",
				body->cap);
	} else if (!is_one_word(key)) {
		error = err_set(err, EINVAL,
				"the key of pager %s has blanks or other characters that no header "
				"takes",
				target->pager);
	} else {
		*ret_delivery = (struct delivery){ .console = NULL };
		pager_http_post(arena, target, "application/json", body, &ret_delivery->request);
		ret_delivery->request.url = url;
		if (*key)
			http_request_header(&ret_delivery->request, "Authorization",
					    arena_printf(arena, "%s %s", scheme, key));
	}
	buf_fini(body);
	return error;
}

int pager_deliver_hook(struct arena *arena, const struct page_target *target, struct buf *body,
		       struct delivery *ret_delivery, struct err *err)
{
	const char *key = target->key ? target->key : "";

	if ((strncmp(key, "https://", 8) == 0 || strncmp(key, "http://", 7) == 0) &&
	    is_one_word(key))
		return pager_deliver_json(arena, target, key, NULL, body, ret_delivery, err);
	buf_fini(body);
	/* The address is a secret: no message shows it. */
	return err_set(
		err, EINVAL,
		"webhook_url of pager %s is no address of http: or https:; copy it again from "
		"the service",
		target->pager);
}

const char *pager_url(struct arena *arena, const struct page_target *target, const char *path)
{
	size_t len = strlen(target->url);

	while (len > 0 && target->url[len - 1] == '/')
		len--;
	return arena_printf(arena, "%.*s%s", (int)len, target->url, path);
}

int pager_dry_get(struct arena *arena, const struct page_target *target, const char *url,
		  const char *scheme, struct http_request *ret_request, struct err *err)
{
	const char *key = scheme && target->key ? target->key : "";

	if (!is_one_word(key))
		return err_set(err, EINVAL,
			       "the key of pager %s has blanks or other characters that no header "
			       "takes",
			       target->pager);
	*ret_request = (struct http_request){ .method = HTTP_GET,
					      .url = url,
					      .timeout_us = LIMIT_DELIVER_US,
					      .max_reply_bytes = LIMIT_REPLY_BYTES };
	if (*key)
		http_request_header(ret_request, "Authorization",
				    arena_printf(arena, "%s %s", scheme, key));
	return 0;
}

const char *pager_origin(struct arena *arena, const char *url)
{
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	return arena_printf(arena, "%.*s", (int)((size_t)(host - url) + strcspn(host, "/?#")), url);
}

void pager_add_text(struct buf *out, const char *key, const char *text)
{
	if (text && *text)
		buf_json_text(out, key, text);
}

bool pager_moved(const struct page *page)
{
	return page->event == PAGE_RESOLVE &&
	       (page->moved_to || (page->state && strcmp(page->state, "rerouted") == 0));
}

void pager_add_facts(struct buf *out, const struct page *page)
{
	pager_add_text(out, "why", page->why);
	pager_add_text(out, "evidence", page->evidence);
	pager_add_text(out, "limits", page->limits);
	pager_add_text(out, "also_paged", page->also_paged);
	pager_add_text(out, "path", page->path);
	pager_add_text(out, "could_be", page->could_be);
	pager_add_text(out, "what_differs", page->what_differs);
	pager_add_text(out, "burn", page->burn);
	pager_add_text(out, "differs", page->differs);
}

void pager_add_life(struct buf *out, const struct page *page)
{
	pager_add_text(out, "acknowledged_by", page->acked_by);
	pager_add_text(out, "escalates", page->escalates);
	pager_add_text(out, "urgency", page->urgency);
}

const char *pager_decision_json(const struct page *page)
{
	size_t len = page->decision ? strlen(page->decision) : 0;

	/* decision_write() wrote it; but a text that was cut would spoil the whole body. */
	if (len < 2 || page->decision[0] != '{' || page->decision[len - 1] != '}')
		return NULL;
	return page->decision;
}
