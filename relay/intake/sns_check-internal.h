/*
 * SNS check: is the body of a request a message of Amazon SNS, of a topic that the sender declares,
 * new, and unaltered? Also asks Amazon to send the messages of such a topic, where a message wants
 * to know. Requests nothing but a certificate and that one address, each on a host of Amazon SNS.
 * Owns the checks under way. Loop thread only.
 */
#ifndef TRACEPAGER_INTAKE_SNS_CHECK_INTERNAL_H
#define TRACEPAGER_INTAKE_SNS_CHECK_INTERNAL_H

#include "tracepager/intake.h"

struct sns_checker;

/* What is asked. The body is borrowed until done() was called. */
struct sns_question {
	const struct sender *sender;
	const char *body;
	size_t len;
	/* status 0: read the body; message_id is what to remember once its alerts are on disk, NULL
	 * for one that was delivered raw. 202: nothing is to be done, and why. Else refuse it with
	 * this status and text. Texts are borrowed. */
	void (*done)(void *arg, int status, const char *text, const char *message_id);
	void *arg;
};

struct sns_checker *sns_checker_new(const struct intake_env *env);
/* done() is not called for checks under way. Takes NULL. */
void sns_checker_free(struct sns_checker *checker);
/* Calls done() once, perhaps before it returns. */
void sns_checker_ask(struct sns_checker *checker, const struct sns_question *question);
/* The message was taken: another one of this id is a repeat. */
void sns_checker_remember(struct sns_checker *checker, const char *message_id);

#endif
