/* Rejected: a queue of copies, each in one block, the newest first. See rejected.h. */
#include "tracepager/rejected.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

struct rejected_entry {
	TAILQ_ENTRY(rejected_entry) link;
	struct rejected_body body; /* its texts are in the room */
	size_t size;
	char room[];
};

struct rejected {
	TAILQ_HEAD(rejected_entries, rejected_entry) entries;
	size_t n, bytes;
	int64_t last_id;
};

struct rejected *rejected_new(void)
{
	struct rejected *rejected = xcalloc(1, sizeof(*rejected));

	TAILQ_INIT(&rejected->entries);
	return rejected;
}

static void rejected_drop_oldest(struct rejected *rejected)
{
	struct rejected_entry *oldest = TAILQ_LAST(&rejected->entries, rejected_entries);

	TAILQ_REMOVE(&rejected->entries, oldest, link);
	rejected->n--;
	rejected->bytes -= oldest->size;
	free(oldest);
}

void rejected_free(struct rejected *rejected)
{
	if (!rejected)
		return;
	while (rejected->n)
		rejected_drop_oldest(rejected);
	free(rejected);
}

static const char *rejected_copy(char **at, const char *text, size_t len)
{
	char *copy = *at;

	memcpy(copy, text, len);
	copy[len] = '\0';
	*at += len + 1;
	return copy;
}

void rejected_add(struct rejected *rejected, const struct rejected_body *body)
{
	const size_t kept = body->body_len < LIMIT_REJECTED_BODY_BYTES ? body->body_len
								       : LIMIT_REJECTED_BODY_BYTES;
	const size_t reason = strnlen(body->reason, LIMIT_ALERT_NOTE_BYTES);
	const size_t texts = strlen(body->sender) + strlen(body->peer) + reason + kept + 4;
	struct rejected_entry *entry = xcalloc(1, sizeof(*entry) + texts);
	char *at = entry->room;

	entry->body = *body;
	entry->body.id = ++rejected->last_id;
	entry->body.sender = rejected_copy(&at, body->sender, strlen(body->sender));
	entry->body.peer = rejected_copy(&at, body->peer, strlen(body->peer));
	entry->body.reason = rejected_copy(&at, body->reason, reason);
	entry->body.body = rejected_copy(&at, body->body, kept);
	entry->body.body_len = kept;
	entry->size = sizeof(*entry) + texts;
	TAILQ_INSERT_HEAD(&rejected->entries, entry, link);
	rejected->n++;
	rejected->bytes += entry->size;
	while (rejected->n > LIMIT_REJECTED_BODIES || rejected->bytes > LIMIT_REJECTED_BYTES)
		rejected_drop_oldest(rejected);
}

void rejected_each(const struct rejected *rejected, int64_t before,
		   bool (*see)(void *ctx, const struct rejected_body *body), void *ctx)
{
	const struct rejected_entry *entry;

	TAILQ_FOREACH (entry, &rejected->entries, link) {
		if ((!before || entry->body.id < before) && !see(ctx, &entry->body))
			return;
	}
}

int64_t rejected_place(const char *reason, const char *body, size_t len)
{
	const char *at = strrchr(reason, '(');
	const char *line_start = body, *end = body + len;
	int line, column, used = 0;

	if (!at || sscanf(at, "(line %9d, column %9d)%n", &line, &column, &used) != 2 || !used ||
	    at[used] || line < 1 || column < 1)
		return -1;
	while (--line > 0) {
		line_start = memchr(line_start, '\n', (size_t)(end - line_start));
		if (!line_start++)
			return -1;
	}
	/* A body that ends too early is refused at the place behind its last byte. */
	return column - 1 > end - line_start ? -1 : line_start - body + column - 1;
}

/* ---- keys in bodies ---- */

static void rejected_hide_text(char *body, size_t len, const char *text)
{
	const size_t n = strlen(text);
	char *end = body + len, *at = body;

	while (n && (at = memmem(at, (size_t)(end - at), text, n))) {
		memset(at, '*', n);
		at += n;
	}
}

static void hide_secrets(char *body, size_t len, const struct secret *secrets)
{
	for (size_t i = 0; i < LIMIT_LIVE_SECRETS; i++)
		if (secrets[i].value)
			rejected_hide_text(body, len, secrets[i].value);
}

static char *key_skip_blanks(char *at, const char *end)
{
	while (at < end && memchr(" \t\r\n:", *at, 5))
		at++;
	return at;
}

/* name: in its quotes. */
static void hide_member(char *body, size_t len, const char *name)
{
	char *end = body + len, *at = body;

	while ((at = memmem(at, (size_t)(end - at), name, strlen(name)))) {
		at = key_skip_blanks(at + strlen(name), end);
		if (at == end || *at++ != '"')
			continue;
		for (; at < end && *at != '"'; at++) {
			if (*at == '\\' && at + 1 < end)
				*at++ = '*';
			*at = '*';
		}
	}
}

void rejected_hide(char *body, size_t len, const struct sender_auth *auth)
{
	/* Of PagerDuty's two APIs, and of Honeycomb. */
	static const char *const names[] = { "\"routing_key\"", "\"service_key\"",
					     "\"shared_secret\"" };

	hide_secrets(body, len, auth->bearer);
	hide_secrets(body, len, auth->basic);
	hide_secrets(body, len, auth->signing);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		hide_member(body, len, names[i]);
}
