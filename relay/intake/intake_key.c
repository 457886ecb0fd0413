/* Intake key: see intake_key-internal.h. */
#include "intake_key-internal.h"

#include <errno.h>
#include <string.h>

#include "tracepager/jread.h"
#include "tracepager/limits.h"

_Static_assert(FORMAT_COUNT <= 64, "a set of formats is 64 bits");

static bool is_of_formats(const struct sender *sender, uint64_t formats)
{
	return formats & INTAKE_FORMAT(sender->format);
}

/* All are compared, as in intake_knows_token(). */
static const struct sender *find_by_key(const struct intake *intake, uint64_t formats,
					const char *key)
{
	const struct intake_env *env = intake_env_of(intake);
	const struct sender *found = NULL, *without = NULL;
	const size_t len = key ? strlen(key) : 0;

	for (size_t i = 0; i < env->nsenders; i++) {
		const struct sender *sender = &env->senders[i];
		if (!is_of_formats(sender, formats))
			continue;
		for (size_t k = 0; k < LIMIT_LIVE_SECRETS && key; k++)
			if (secret_equals(&sender->auth->bearer[k], key, len))
				found = sender;
		if (env->open && !without && !sender_auth_any(sender->auth))
			without = sender;
	}
	return found ? found : without;
}

bool intake_formats_need_key(const struct intake *intake, uint64_t formats)
{
	return !find_by_key(intake, formats, NULL);
}

/* The request's headers, with the key where other senders have their token. */
struct key_headers {
	const struct http_exchange *exchange;
	const char *authorization;
};

static const char *header_with_key(const void *ctx, const char *name)
{
	const struct key_headers *headers = ctx;

	if (strcmp(name, "Authorization") == 0)
		return headers->authorization;
	return http_exchange_header(headers->exchange, name);
}

const struct sender *intake_sender_of_key(struct intake *intake, struct http_exchange *exchange,
					  uint64_t formats, const char *key, struct err *err)
{
	const struct sender *sender = find_by_key(intake, formats, key);
	struct buf bearer = BUF_INIT(LIMIT_SECRET_BYTES + 16);

	if (!sender) {
		intake_log_refusal(intake, INTAKE_REFUSAL_TOKEN, exchange, NULL);
		err_set(err, EACCES, "%s",
			key ? "this key is the token of no sender: declare one with the format of "
			      "this API and this key as its bearer"
			    : "the request has no key");
		return NULL;
	}
	buf_printf(&bearer, "Bearer %s", key ? key : "");
	const struct key_headers headers = { .exchange = exchange,
					     .authorization = buf_text(&bearer) };
	struct auth_request request = {
		.header = header_with_key,
		.ctx = &headers,
		.peer = http_exchange_peer(exchange),
		.wall_us = clock_wall_us(intake_env_of(intake)->clock),
	};
	request.body = http_exchange_body(exchange, &request.len);
	if (sender_auth_check_head(sender->auth, &request, err) != AUTH_GOOD ||
	    sender_auth_check_body(sender->auth, &request, err) != AUTH_GOOD) {
		intake_log_refusal(intake, INTAKE_REFUSAL_SENDER, exchange, sender->name);
		sender = NULL;
	}
	buf_fini(&bearer);
	return sender;
}

/* ---- a key in the body ---- */

struct key_reader {
	struct jread *jread;
	const char *member;
	struct buf *text;
	bool here; /* the member's value is the next event */
	bool found;
};

static int key_on_event(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct key_reader *reader = ctx;

	if (jread_depth(reader->jread) != 1)
		return JREAD_GO;
	if (event == JREAD_KEY) {
		reader->here =
			len == strlen(reader->member) && memcmp(text, reader->member, len) == 0;
		return reader->here ? JREAD_GO : JREAD_SKIP;
	}
	if (reader->here && event == JREAD_STRING)
		reader->found = buf_add(reader->text, text, len);
	return reader->here ? -ECANCELED : JREAD_GO;
}

bool intake_body_key(const char *body, size_t len, const char *member, struct buf *ret_text)
{
	struct key_reader reader = { .member = member, .text = ret_text };

	buf_init(ret_text, LIMIT_SECRET_BYTES);
	reader.jread = jread_new(JREAD_ONE, key_on_event, &reader);
	jread_repair(reader.jread);
	jread_feed(reader.jread, body, len);
	jread_free(reader.jread);
	return reader.found;
}
