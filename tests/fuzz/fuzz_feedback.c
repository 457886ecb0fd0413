/*
 * What pagers tell back. The input is a line for the headers of signatures, and a body. With that
 * line no kind may find the body signed; signed here, every act must be within its caps.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/pager_kind.h"
#include "tracepager/sign.h"
#include "tracepager/utf8.h"

#define NOW 1788256800000000 /* 2026-09-01T10:00:00Z */
#define AT  "1788256800"
/* Too long to be guessed: in a header it is the whole proof. */
#define SECRET "the-secret-of-the-pager-under-fuzz"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The values of the headers of one request. */
struct signature {
	const char *pagerduty, *webhook, *rootly, *secret, *slack;
};

static const char *find_header(void *ctx, const char *name)
{
	const struct signature *signature = ctx;

	if (strcmp(name, "X-PagerDuty-Signature") == 0)
		return signature->pagerduty;
	if (strcmp(name, "X-Rootly-Signature") == 0)
		return signature->rootly;
	if (strcmp(name, "Authorization") == 0)
		return signature->secret;
	if (strcmp(name, "X-Slack-Signature") == 0)
		return signature->slack;
	if (strcmp(name, "X-Slack-Request-Timestamp") == 0)
		return AT;
	if (strcmp(name, "webhook-signature") == 0)
		return signature->webhook;
	if (strcmp(name, "webhook-id") == 0)
		return "m";
	return strcmp(name, "webhook-timestamp") == 0 ? AT : NULL;
}

static void must_be_text(const char *text, size_t max)
{
	if (!text || strlen(text) > max || utf8_span(text, strlen(text)) != strlen(text))
		abort();
	for (; *text; text++)
		if (((unsigned char)*text < ' ' && *text != '\n' && *text != '\t') || *text == 0x7f)
			abort();
}

static void must_be_sound(const struct feedback *feedback)
{
	if (feedback->nacts > LIMIT_FEEDBACK_ACTS || !feedback->nacts != !!*feedback->ignored)
		abort();
	must_be_text(feedback->event, LIMIT_FEEDBACK_NAME_BYTES);
	must_be_text(feedback->theirs, LIMIT_FEEDBACK_NAME_BYTES);
	must_be_text(feedback->ours, LIMIT_FEEDBACK_NAME_BYTES);
	for (size_t i = 0; i < feedback->nacts; i++) {
		const struct feedback_act *act = &feedback->acts[i];
		if ((unsigned int)act->kind >= ACT_KIND_COUNT ||
		    (!*act->incident && !*feedback->theirs) ||
		    (act->kind == ACT_COMMENT && !*act->text))
			abort();
		must_be_text(act->incident, LIMIT_FEEDBACK_NAME_BYTES);
		must_be_text(act->who, LIMIT_FEEDBACK_NAME_BYTES);
		must_be_text(act->team, LIMIT_FEEDBACK_NAME_BYTES);
		if (act->pager)
			must_be_text(act->pager, LIMIT_FEEDBACK_NAME_BYTES);
		must_be_text(act->text, LIMIT_ACT_TEXT_BYTES);
	}
}

static void read_signed_as(struct signature *signature, const char *body, size_t len,
			   bool is_signed)
{
	struct secret secrets[LIMIT_LIVE_SECRETS] = { { .value = NULL } };
	const struct feedback_request request = { .body = body,
						  .len = len,
						  .header = find_header,
						  .ctx = signature,
						  .secrets = secrets,
						  .wall_us = NOW };

	secret_set(&secrets[1], SECRET);
	for (int kind = 0; kind < PAGER_KIND_COUNT; kind++) {
		struct arena *arena = arena_new(LIMIT_FEEDBACK_ARENA_BYTES);
		struct feedback feedback;
		struct err err;
		enum feedback_verdict verdict = FEEDBACK_UNSIGNED;
		if (pager_kinds[kind]->feedback)
			verdict = pager_kinds[kind]->feedback(arena, &request, &feedback, &err);
		else if (is_signed)
			verdict = FEEDBACK_MALFORMED;
		if ((verdict == FEEDBACK_UNSIGNED) == is_signed && len <= LIMIT_FEEDBACK_BYTES)
			abort();
		if (verdict == FEEDBACK_VERIFIED)
			must_be_sound(&feedback);
		arena_free(arena);
	}
	secret_fini(&secrets[1]);
}

/* The MAC of the content with the secret, in hexadecimal digits behind the text that is there. */
static void add_hex(const char *before, const char *body, size_t len, char *out)
{
	unsigned char mac[HMAC_SHA256_BYTES];
	struct buf content = BUF_INIT(16u << 20);

	buf_puts(&content, before);
	buf_add(&content, body, len);
	if (hmac_sha256(SECRET, strlen(SECRET), buf_text(&content), content.len, mac))
		abort();
	out += strlen(out);
	for (size_t i = 0; i < sizeof(mac); i++)
		snprintf(out + 2 * i, 3, "%02x", mac[i]);
	buf_fini(&content);
}

/* As the pagers would sign it. */
static void read_signed(const char *body, size_t len)
{
	unsigned char mac[HMAC_SHA256_BYTES];
	char hex[4 + 2 * sizeof(mac)] = "v1=", base64[3 + base64_size(HMAC_SHA256_BYTES)] = "v1,",
			 rootly[20 + 2 * sizeof(mac)] = "t=" AT ",v1=", slack[sizeof(hex)] = "v0=";
	struct buf content = BUF_INIT(16u << 20);
	struct signature signature = { hex, base64, rootly, "Bearer " SECRET, slack };

	add_hex("", body, len, hex);
	add_hex(AT, body, len, rootly);
	add_hex("v0:" AT ":", body, len, slack);
	buf_puts(&content, "m." AT ".");
	buf_add(&content, body, len);
	if (hmac_sha256(SECRET, strlen(SECRET), buf_text(&content), content.len, mac))
		abort();
	base64_encode(mac, sizeof(mac), base64 + 3);
	read_signed_as(&signature, body, len, true);
	buf_fini(&content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *end = memchr(data, '\n', size);
	const size_t line = end ? (size_t)(end - (const char *)data) : 0;
	char *header = strndup((const char *)data, line);
	const char *body = (const char *)data + (end ? line + 1 : 0);
	const size_t len = size - (size_t)(body - (const char *)data);
	struct signature signature = { header, header, header, header, header };

	read_signed_as(&signature, body, len, false);
	read_signed(body, len);
	free(header);
	return 0;
}
