/*
 * Doctor, relay: asks the running relay over its API, all questions side by side. What the answers
 * mean is judged when the last has come, by doctor_answers.c.
 */
#include <stdlib.h>
#include <string.h>

#include "doctor-internal.h"
#include "doctor_answers-internal.h"
#include "tracepager/clock.h"
#include "tracepager/credential.h"

struct doctor_question {
	struct doctor *doctor;
	enum doctor_answer_id id;
	struct http_call *call;
	size_t ticket;
};

static const char *const question_paths[ANSWER_ID_COUNT] = {
	[ANSWER_READY] = "/-/ready",
	[ANSWER_METRICS] = "/metrics",
	[ANSWER_QUEUE] = "/api/v1/queue?limit=1",
	[ANSWER_PAGERS] = "/api/v1/pagers",
	[ANSWER_REJECTED] = "/api/v1/rejected?limit=100",
	[ANSWER_RULES] = "/api/v1/rules",
};

/* ---- where it is ---- */

/* The address of the options, as this machine reaches it. NULL: its port is not known. Kept by the
 * arena. */
static const char *relay_url(struct doctor *doctor)
{
	const struct config *config = doctor->preflight.config;
	const char *colon = strrchr(config->listen, ':');
	const bool tls = *config->tls_options.cert_file;
	const size_t len = (size_t)(colon - config->listen);
	const bool any = len == 0 || strncmp(config->listen, "0.0.0.0:", 8) == 0 ||
			 strncmp(config->listen, "[::]:", 5) == 0;

	if (strcmp(colon, ":0") == 0)
		return NULL;
	return arena_printf(doctor->arena, "%s://%.*s%s", tls ? "https" : "http",
			    any ? (int)strlen("127.0.0.1") : (int)len,
			    any ? "127.0.0.1" : config->listen, colon);
}

static const struct secret *relay_token(const struct doctor *doctor)
{
	const struct config *config = doctor->preflight.config;

	if (doctor->scope->token && doctor->scope->token->value)
		return doctor->scope->token;
	if (config->admin_token.value || !config->ntokens)
		return &config->admin_token;
	return &config->tokens[0].secret;
}

/* Of the address of the options: its own certificate is trusted. NULL: the system's authorities.
 * Kept by the arena. */
static const char *relay_authorities(struct doctor *doctor)
{
	const char *own = doctor->preflight.config->tls_options.cert_file;
	struct err err = { 0 };

	if (doctor->scope->ca_file || doctor->scope->url || !*own)
		return doctor->scope->ca_file;
	CLEANUP_FREE char *path = credential_path(own, &err);
	return arena_strdup(doctor->arena, path);
}

/* ---- asking ---- */

static void relay_on_reply(void *arg, const struct http_reply *reply)
{
	struct doctor_question *question = arg;

	question->call = NULL;
	doctor_answer_take(question->doctor, question->id, reply);
	doctor_end(question->doctor, question->ticket);
}

static void relay_ask(struct doctor *doctor, struct doctor_question *question, const char *base)
{
	static const struct http_handler handler = { .done = relay_on_reply };
	const struct secret *token = relay_token(doctor);
	struct http_request request = {
		.method = HTTP_GET,
		.url = arena_printf(doctor->arena, "%s%s", base, question_paths[question->id]),
		.timeout_us = LIMIT_DOCTOR_RELAY_US,
		.max_reply_bytes = LIMIT_DOCTOR_REPLY_BYTES,
		.ca_file = relay_authorities(doctor),
	};
	CLEANUP_FREE char *bearer = token->value ? xasprintf("Bearer %s", token->value) : NULL;

	if (bearer)
		http_request_header(&request, "Authorization", bearer);
	question->ticket = doctor_begin(doctor, "the relay");
	question->call =
		doctor->transport->send(doctor->transport->ctx, &request, &handler, question);
	if (bearer)
		explicit_bzero(bearer, strlen(bearer));
	if (!question->call)
		doctor_end(doctor, question->ticket);
}

static bool relay_is_wanted(const struct doctor *doctor)
{
	return doctor_wants(doctor, DOCTOR_RELAY) || doctor_wants(doctor, DOCTOR_BACKLOG) ||
	       doctor_wants(doctor, DOCTOR_RELOAD) || doctor_wants(doctor, DOCTOR_REJECTED) ||
	       doctor_wants(doctor, DOCTOR_HEARTBEAT);
}

void doctor_relay_begin(struct doctor *doctor)
{
	const char *url = doctor->scope->url ? doctor->scope->url : relay_url(doctor);

	if (!relay_is_wanted(doctor))
		return;
	doctor_answers_init(doctor, url);
	if (!url)
		return;
	doctor->questions = arena_array(doctor->arena, ANSWER_ID_COUNT, sizeof(*doctor->questions));
	for (int i = 0; i < ANSWER_ID_COUNT; i++) {
		doctor->questions[i] = (struct doctor_question){ .doctor = doctor,
								 .id = (enum doctor_answer_id)i };
		relay_ask(doctor, &doctor->questions[i], url);
	}
}

void doctor_relay_end(struct doctor *doctor)
{
	for (int i = 0; doctor->questions && i < ANSWER_ID_COUNT; i++)
		if (doctor->questions[i].call)
			doctor->transport->cancel(doctor->transport->ctx,
						  doctor->questions[i].call);
	if (relay_is_wanted(doctor))
		doctor_answers_tell(doctor);
}
