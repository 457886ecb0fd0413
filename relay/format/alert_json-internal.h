/*
 * Alert JSON: reads a body that holds alerts in Prometheus' shape, either as an object with
 * "alerts" or as a bare list. The formats say which of the two it is, and complete each alert.
 */
#ifndef TRACEPAGER_INTAKE_ALERT_JSON_INTERNAL_H
#define TRACEPAGER_INTAKE_ALERT_JSON_INTERNAL_H

#include "tracepager/alert_format.h"

struct alert_json;

/* What the members of an outermost object say about a body. */
struct alert_json_outside {
	bool has_alerts;
	const char *looks_like; /* "a PagerDuty event"; NULL: nothing known */
	char version[16];	/* "" when absent */
};

/* An alert as it came. labels and annotations are normalised; times are 0 when absent. */
struct alert_json_fields {
	bool has_status;
	enum alert_status status;
	char fingerprint[FINGERPRINT_SIZE]; /* "" when absent or not 16 hex digits */
};

struct alert_json_kind {
	bool list; /* the outermost value is the list of alerts; else an object that has it */
	const char *family; /* alert_format.family */
	const char *what;   /* "an Alertmanager webhook" */
	/* Fill what the fields and the time decide. A refusal, or NULL. */
	const char *(*complete)(struct alert *alert, const struct alert_json_fields *fields,
				int64_t now_us);
	/* An outermost object is over (never called for a good list). 0, or -EBADMSG with what it
	 * is instead. */
	int (*judge)(const struct alert_json_outside *outside, struct err *err);
};

/* As alert_format's match: is the outermost value a list? */
bool alert_json_is_list(const char *body, size_t len);
/* Is it an object with a member "alerts"? */
bool alert_json_has_alerts(const char *body, size_t len);

/* As alert_format's parse. */
int alert_json_parse(const struct alert_json_kind *kind, struct arena *arena, const char *body,
		     size_t len, const char *sender, int64_t now_us, struct alert_batch *ret_batch,
		     struct err *err);

#endif
