/*
 * Answers: what the running relay said, kept until all has been said, and what it means: is it
 * ready, does anything wait, was anything refused, when was its last heartbeat. Loop thread.
 */
#ifndef TRACEPAGER_DOCTOR_ANSWERS_INTERNAL_H
#define TRACEPAGER_DOCTOR_ANSWERS_INTERNAL_H

#include "doctor-internal.h"

enum doctor_answer_id {
	ANSWER_READY,
	ANSWER_METRICS,
	ANSWER_QUEUE,
	ANSWER_PAGERS,
	ANSWER_REJECTED,
	ANSWER_RULES,
	ANSWER_ID_COUNT
};

/* url NULL: nobody is asked, since the port is not known. Borrowed until the end. */
void doctor_answers_init(struct doctor *doctor, const char *url);
void doctor_answer_take(struct doctor *doctor, enum doctor_answer_id id,
			const struct http_reply *reply);
void doctor_answers_tell(struct doctor *doctor);

#endif
