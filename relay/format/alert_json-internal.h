/*
 * Alert JSON: reads a body that holds alerts in the shape of Prometheus, either as an object with
 * "alerts" or as a bare list. The format says which of the two it is, and completes each alert.
 * Pure: any thread may call. What it returns is kept by the arena.
 */
#ifndef TRACEPAGER_FORMAT_ALERT_JSON_INTERNAL_H
#define TRACEPAGER_FORMAT_ALERT_JSON_INTERNAL_H

#include "tracepager/alert_format.h"

struct alert_json;

/* What the members of the outermost object say about a body. */
struct alert_json_outside {
	bool has_alerts;
	const char *looks_like; /* "a PagerDuty event"; NULL: no known shape */
	char version[16];	/* "" when absent */
};

/* Fields of an alert as the sender wrote them. */
struct alert_json_fields {
	bool has_status;
	enum alert_status status;
	char fingerprint[FINGERPRINT_SIZE]; /* "" if absent or not 16 hexadecimal digits */
};

struct alert_json_kind {
	/* The outermost value is the list of alerts; else an object with the member "alerts". */
	bool list;
	const char *family; /* alert_format.family */
	const char *what;   /* "an Alertmanager webhook" */
	/* Fills what follows from the fields and the time. NULL, or the reason why the alert is
	 * refused. */
	const char *(*complete)(struct alert *alert, const struct alert_json_fields *fields,
				int64_t now_us);
	/* The outermost object ends (not called for a list). 0, or -EBADMSG with what the body is
	 * instead. */
	int (*judge)(const struct alert_json_outside *outside, struct err *err);
};

/* An alert_format's match(): is the outermost value a list? */
bool alert_json_is_list(const char *body, size_t len);
/* The same: is it an object with a member "alerts"? */
bool alert_json_has_alerts(const char *body, size_t len);

/* As alert_format's parse(). */
int alert_json_parse(const struct alert_json_kind *kind, struct arena *arena, const char *body,
		     size_t len, const char *sender, int64_t now_us, struct alert_batch *ret_batch,
		     struct err *err);

#endif
