/*
 * What the pager kinds that speak HTTP share: the POST, the judgement by status, members of a
 * JSON body. Pure; owns nothing.
 */
#include "pager-internal.h"

#include <stdio.h>
#include <string.h>

#include "tracepager/buf_json.h"
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
	/* Cut between two characters. */
	while (n > 0 && (line[n] & 0xc0) == 0x80)
		n--;
	out[n] = '\0';
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

void pager_add_text(struct buf *out, const char *key, const char *text)
{
	if (text && *text)
		buf_json_text(out, key, text);
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
