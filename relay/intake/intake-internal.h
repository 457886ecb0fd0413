/*
 * What the files of intake share: a request whose sender is known, and its outcome, which the
 * request's own function writes as an answer. Each API of another service has a file of its own,
 * which finds the sender and answers as that service does. Loop thread only.
 */
#ifndef TRACEPAGER_INTAKE_INTAKE_INTERNAL_H
#define TRACEPAGER_INTAKE_INTAKE_INTERNAL_H

#include "tracepager/intake.h"

struct intake_outcome;

struct intake_request {
	const struct sender *sender;
	enum alert_format_id format;
	/* Replies to the exchange. */
	void (*answer)(const struct intake_outcome *outcome);
	/* Those of alert_body; borrowed until intake_start() returns. */
	const char *path_action, *path_id;
	bool path_id_is_ours;
};

struct intake_outcome {
	struct http_exchange *exchange;
	const struct intake_request *request;
	int64_t took_us, wall_us;
	/* The alerts that were not refused are on disk (202); the body is none of the format (400);
	 * or nothing was taken, and the sender is to send it again (503). */
	int status;
	const char *error; /* of 400 and 503 */
	/* Of 202. counts: by enum accept_result. */
	const struct alert_batch *batch;
	const size_t *counts;
};

/* Reads the body, accepts its alerts, answers. The request is copied. */
void intake_start(struct intake *intake, struct http_exchange *exchange,
		  const struct intake_request *request);
/* The declared sender of that name, behind which a slash may follow; NULL: there is none. */
const struct sender *intake_find_sender(const struct intake *intake, const char *name);
const struct intake_env *intake_env_of(const struct intake *intake);

#endif
