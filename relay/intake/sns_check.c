/*
 * SNS check: see sns_check-internal.h. Source: Amazon SNS developer guide, "Verifying the
 * signatures of Amazon SNS messages".
 */
#include "sns_check-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "sns_certificates-internal.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/sns.h"
#include "tracepager/xalloc.h"

#define SNS_MESSAGE_ID_BYTES 128 /* a UUID has 36 */
#define SNS_REPLY_BYTES	     (64u << 10)

struct sns_check {
	LIST_ENTRY(sns_check) link;
	struct sns_checker *checker;
	struct sns_question question;
	struct arena *arena;
	struct sns_envelope envelope;
	struct sns_waiter waiter;
	struct http_call *call; /* asks for a topic's messages */
};

/* A message that was taken. */
struct taken_message {
	TAILQ_ENTRY(taken_message) link;
	int64_t until_us; /* mono: then a message of this time is too old anyway */
	char id[];
};

struct sns_checker {
	const struct intake_env *env;
	struct sns_certificates *certificates;
	struct authorities *authorities;
	LIST_HEAD(, sns_check) checks;
	struct map *taken; /* id -> struct taken_message */
	TAILQ_HEAD(taken_messages, taken_message) taken_in_order;
};

struct sns_checker *sns_checker_new(const struct intake_env *env)
{
	struct sns_checker *checker = xcalloc(1, sizeof(*checker));

	checker->env = env;
	checker->certificates = sns_certificates_new(env->transport, env->clock);
	checker->authorities =
		env->authorities ? authorities_of(env->authorities) : authorities_new();
	checker->taken = map_new_borrowing();
	LIST_INIT(&checker->checks);
	TAILQ_INIT(&checker->taken_in_order);
	return checker;
}

static void sns_check_free(struct sns_check *check)
{
	const struct http_transport *transport = check->checker->env->transport;

	if (check->call)
		transport->cancel(transport->ctx, check->call);
	LIST_REMOVE(check, link);
	arena_free(check->arena);
	free(check);
}

static void forget_oldest(struct sns_checker *checker)
{
	struct taken_message *oldest = TAILQ_FIRST(&checker->taken_in_order);

	TAILQ_REMOVE(&checker->taken_in_order, oldest, link);
	map_remove(checker->taken, oldest->id);
	free(oldest);
}

void sns_checker_free(struct sns_checker *checker)
{
	if (!checker)
		return;
	while (!LIST_EMPTY(&checker->checks))
		sns_check_free(LIST_FIRST(&checker->checks));
	while (!TAILQ_EMPTY(&checker->taken_in_order))
		forget_oldest(checker);
	map_free(checker->taken);
	sns_certificates_free(checker->certificates);
	authorities_free(checker->authorities);
	free(checker);
}

void sns_checker_remember(struct sns_checker *checker, const char *message_id)
{
	const int64_t now_us = clock_mono_us(checker->env->clock);
	struct taken_message *taken;
	size_t size = strlen(message_id) + 1;

	if (map_get(checker->taken, message_id))
		return;
	while (!TAILQ_EMPTY(&checker->taken_in_order) &&
	       (map_count(checker->taken) >= LIMIT_SNS_MESSAGES ||
		TAILQ_FIRST(&checker->taken_in_order)->until_us <= now_us))
		forget_oldest(checker);
	taken = xcalloc(1, sizeof(*taken) + size);
	taken->until_us = now_us + 2 * LIMIT_SNS_AGE_US;
	memcpy(taken->id, message_id, size);
	map_put(checker->taken, taken->id, taken);
	TAILQ_INSERT_TAIL(&checker->taken_in_order, taken, link);
}

/* ---- the end of a check ---- */

static void sns_check_end(struct sns_check *check, int status, const char *text)
{
	/* done() may free the checker's user, never the checker. */
	check->question.done(check->question.arg, status, text, check->envelope.message_id);
	sns_check_free(check);
}

static void sns_check_endf(struct sns_check *check, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void sns_check_endf(struct sns_check *check, int status, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	sns_check_end(check, status, text);
}

/* ---- subscriptions ---- */

static void subscribe_on_reply(void *arg, const struct http_reply *reply)
{
	struct sns_check *check = arg;

	check->call = NULL;
	if (reply->error || reply->status / 100 != 2) {
		log_error("Amazon SNS does not confirm a subscription",
			  LOG_STR("sender", check->question.sender->name),
			  LOG_STR("topic", check->envelope.topic),
			  LOG_STR("error", reply->error ? reply->error : "the answer is no 2xx"),
			  LOG_INT("status", reply->status));
		sns_check_endf(check, 503, "Amazon SNS does not confirm the subscription: %s",
			       reply->error ? reply->error : "the answer is no 2xx");
		return;
	}
	log_info("a subscription to a topic is confirmed",
		 LOG_STR("sender", check->question.sender->name),
		 LOG_STR("topic", check->envelope.topic));
	sns_checker_remember(check->checker, check->envelope.message_id);
	sns_check_endf(check, 202, "the subscription to %.300s is confirmed",
		       check->envelope.topic);
}

static void subscribe_topic(struct sns_check *check)
{
	static const struct http_handler handler = { .done = subscribe_on_reply };
	const struct http_transport *transport = check->checker->env->transport;
	const struct http_request request = {
		.method = HTTP_GET,
		.url = check->envelope.subscribe_url,
		.timeout_us = LIMIT_SNS_FETCH_US,
		.max_reply_bytes = SNS_REPLY_BYTES,
	};

	check->call = transport->send(transport->ctx, &request, &handler, check);
	if (!check->call)
		sns_check_end(check, 503, "Amazon SNS cannot be asked: no memory");
}

/* Silence from now on: nobody would notice it. */
static void tell_unsubscribed(struct sns_check *check)
{
	const struct intake_env *env = check->checker->env;
	char why[512];
	const struct rejected_body body = {
		.wall_us = clock_wall_us(env->clock),
		.sender = check->question.sender->name,
		.peer = "",
		.reason = why,
		.byte = -1,
	};

	snprintf(why, sizeof(why), "Amazon SNS has ended the subscription to %.300s",
		 check->envelope.topic);
	log_warn("a subscription to a topic has ended; no further alerts come from it",
		 LOG_STR("sender", check->question.sender->name),
		 LOG_STR("topic", check->envelope.topic));
	sns_checker_remember(check->checker, check->envelope.message_id);
	env->ops.body_refused(env->ops.ctx, &body);
	sns_check_end(check, 202, why);
}

/* ---- the signature ---- */

static void on_certificate(void *arg, const struct certificate *certificate, const char *why)
{
	struct sns_check *check = arg;
	const struct sns_envelope *envelope = &check->envelope;
	const struct sns_checker *checker = check->checker;
	struct err err;

	if (!certificate)
		sns_check_end(check, 503, why);
	else if (certificate_check(certificate, checker->authorities,
				   clock_wall_us(checker->env->clock), &err) != 0)
		sns_check_end(check, 403, err.text);
	else if (!certificate_signed(certificate,
				     envelope->version == 1 ? SIGNATURE_SHA1 : SIGNATURE_SHA256,
				     envelope->signed_text, envelope->signed_len,
				     envelope->signature, envelope->signature_len))
		sns_check_end(check, 403,
			      "the signature does not fit: the message is not Amazon's, or was "
			      "altered");
	else if (map_get(checker->taken, envelope->message_id))
		sns_check_endf(check, 202, "message %.100s was taken before: a repeat does nothing",
			       envelope->message_id);
	else if (envelope->type == SNS_SUBSCRIBE)
		subscribe_topic(check);
	else if (envelope->type == SNS_UNSUBSCRIBE)
		tell_unsubscribed(check);
	else
		sns_check_end(check, 0, NULL);
}

/* ---- what is known without the certificate ---- */

static bool is_listed_topic(const struct sender *sender, const char *topic)
{
	for (size_t i = 0; i < sender->ntopics; i++)
		if (strcmp(sender->topics[i], topic) == 0)
			return true;
	return false;
}

/* Anybody can have Amazon sign a message of a topic of theirs: the topic must be one of ours, or
 * the sender must show who it is in another way. */
static bool may_send_topic(const struct sns_check *check)
{
	const struct sender *sender = check->question.sender;
	const struct sns_envelope *envelope = &check->envelope;

	if (envelope->type == SNS_SUBSCRIBE || sender->ntopics)
		return is_listed_topic(sender, envelope->topic);
	return sender_auth_any(sender->auth) || check->checker->env->open;
}

/* 0: the signature is to be checked; else the status, and the text in err. */
static int judge_envelope(const struct sns_check *check, struct err *err)
{
	const struct sns_envelope *envelope = &check->envelope;
	const int64_t age_us = clock_wall_us(check->checker->env->clock) - envelope->timestamp_us;

	if (strlen(envelope->message_id) > SNS_MESSAGE_ID_BYTES)
		err_set(err, EACCES, "MessageId is longer than any of Amazon's");
	else if (!may_send_topic(check))
		err_set(err, EACCES,
			"topic %.200s is not listed: add it to topics of sender %.80s in "
			"tracepager.yaml",
			envelope->topic, check->question.sender->name);
	else if (age_us > LIMIT_SNS_AGE_US)
		err_set(err, EACCES, "the message is too old: %lld minutes",
			(long long)(age_us / US_PER_MINUTE));
	else if (-age_us > LIMIT_SNS_AGE_US)
		err_set(err, EACCES, "the message is of the future: check this machine's clock");
	else
		return 0;
	return 403;
}

/* A message without an envelope has no signature: its sender must show who it is. */
static void judge_raw(struct sns_check *check)
{
	const struct sender *sender = check->question.sender;

	if (sender_auth_any(sender->auth) || (check->checker->env->open && !sender->ntopics))
		sns_check_end(check, 0, NULL);
	else
		sns_check_end(check, 403,
			      "the message is not signed: turn raw delivery off, or give the "
			      "sender a password (basic) and put it into the endpoint's URL");
}

void sns_checker_ask(struct sns_checker *checker, const struct sns_question *question)
{
	struct sns_check *check = xcalloc(1, sizeof(*check));
	struct err err = { 0 };
	int error, status;

	check->checker = checker;
	check->question = *question;
	check->arena = arena_new(LIMIT_MAPPED_SCRATCH_BYTES);
	check->waiter = (struct sns_waiter){ .have = on_certificate, .arg = check };
	LIST_INSERT_HEAD(&checker->checks, check, link);
	error = sns_envelope_read(check->arena, question->body, question->len, &check->envelope,
				  &err);
	if (error == -ENOMSG)
		judge_raw(check);
	else if (error == -E2BIG)
		sns_check_end(check, 413, err.text);
	else if (error && err.line)
		sns_check_endf(check, 400, "%s (line %d, column %d)", err.text, err.line,
			       err.column);
	else if (error)
		sns_check_end(check, 403, err.text);
	else if ((status = judge_envelope(check, &err)))
		sns_check_end(check, status, err.text);
	else
		sns_certificates_want(checker->certificates, check->envelope.certificate_url,
				      &check->waiter);
}
