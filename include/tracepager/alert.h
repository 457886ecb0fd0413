/*
 * Alert: one monitored condition as a sender reports it. Plain data; memory is an arena's unless
 * said otherwise.
 */
#ifndef TRACEPAGER_ALERT_H
#define TRACEPAGER_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/arena.h"
#include "tracepager/buf.h"
#include "tracepager/err.h"

struct label {
	const char *name, *value;
};

struct labels {
	struct label *at; /* sorted by name, each name once, no empty value */
	size_t n;
};

const char *labels_get(const struct labels *labels, const char *name); /* NULL: not there */
/* Sort by name, drop empty values; of a name given twice the last stands. */
void labels_normalise(struct labels *labels);
/* Alertmanager's fingerprint: 64-bit FNV-1a over the sorted labels, as 16 lower-case hex digits. */
#define FINGERPRINT_SIZE 17
void labels_fingerprint(const struct labels *labels, char out[FINGERPRINT_SIZE]);

enum alert_status {
	ALERT_FIRING,
	ALERT_RESOLVED,
};

enum severity {
	SEVERITY_INFO,
	SEVERITY_WARNING,
	SEVERITY_ERROR,
	SEVERITY_CRITICAL,
};

struct alert {
	const char *sender; /* as declared: "am1"; "api" for /api/v2/alerts */
	const char *family; /* identity is (family, fingerprint): "prometheus" for Alertmanager and
			       Prometheus */
	const char *fingerprint; /* at most 64 characters of [0-9A-Za-z._-] */
	enum alert_status status;
	struct labels labels, annotations;
	int64_t starts_at_us, ends_at_us; /* wall; 0: absent */
	const char *generator_url;	  /* "" when absent */
	bool ends_by_itself; /* it came with a promise to repeat it before ends_at (Prometheus): it
				expires there */
};

/* From label severity, then priority, normalised in any case (critical, page, disaster, p1; error,
 * high, major, p2; warning, warn, minor, p3; info, low, none, p4, p5); error where both say nothing
 * known. */
enum severity alert_severity(const struct alert *alert);
/* The same, where they say something known; false: *ret_severity stays. */
bool alert_tells_severity(const struct alert *alert, enum severity *ret_severity);
const char *severity_name(enum severity severity); /* "critical" */

/* The alert's stored form: JSON of all fields, one line. Reading it back gives the same alert. */
void alert_write(const struct alert *alert, struct buf *out);
int alert_read(struct arena *arena, const char *text, size_t len, struct alert *ret_alert,
	       struct err *err);

#endif
