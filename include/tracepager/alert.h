/*
 * Alert: one monitored condition as a sender reports it. Plain data, whose texts are kept by an
 * arena of the caller's. All functions are pure: any thread, one arena for each call.
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
/* Sorts by name and drops empty values, in place; of a name that is given twice the last value
 * counts. */
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
	/* The sender's own group of alerts, where the sender is declared with group: theirs; NULL:
	 * none. */
	const char *group_key;
	bool ends_by_itself; /* the sender repeats it before ends_at as long as it fires
				(Prometheus): it expires at ends_at */
	/* Of the relay's own traces (stage.h), and none of the alert's words: a copy has neither.
	 * When it is accepted: the header traceparent of its request. As it is stored: the span
	 * that the relay has begun for it (span_context_write()). NULL: none. */
	const char *trace;
	int64_t received_us; /* mono: when its request was whole; 0: not by a request. Not stored */
};

/* Alerts that this program makes by itself, to see that its path works. No format and no mapping
 * has these families, so that no sender can make one. */
#define ALERT_FAMILY_DRILL "tracepager-drill"
#define ALERT_FAMILY_SELF  "tracepager-self"
enum synthetic {
	SYNTHETIC_NONE,
	SYNTHETIC_DRILL, /* a fire drill: it pages people, and its pages say so */
	SYNTHETIC_SELF,	 /* the relay checks itself: nobody is paged, and nothing stays of it */
};
/* The label and the annotation of a drill's alert: "yes", and who started it. */
#define DRILL_MARK "tracepager_drill"
/* Of an alert's key "family/fingerprint", or of the key of its incident, which is the same. */
enum synthetic synthetic_of_key(const char *key);
enum synthetic alert_synthetic(const struct alert *alert);

/* From the label severity, else priority, without regard to case: critical, page, disaster, p1;
 * error, high, major, p2; warning, warn, minor, p3; info, low, none, p4, p5. SEVERITY_ERROR where
 * neither has one of these words. */
enum severity alert_severity(const struct alert *alert);
/* The same. False: neither label has one of these words, and *ret_severity is untouched. */
bool alert_tells_severity(const struct alert *alert, enum severity *ret_severity);
const char *severity_name(enum severity severity); /* "critical" */
/* These words by index, each with what it tells; NULL behind the last. */
const char *severity_word(size_t index, enum severity *ret_severity);

/* The stored form: a JSON object with all fields, on one line. Reading gives the same alert, whose
 * texts are kept by the arena; 0, or an errno as code with words in err (may be NULL). */
void alert_write(const struct alert *alert, struct buf *out);
int alert_read(struct arena *arena, const char *text, size_t len, struct alert *ret_alert,
	       struct err *err);
/* Of all but ends_at_us, which moves with every repeat of the v2 API: two alerts of the same hash
 * say the same. It differs from run to run, so that no sender can choose two that collide. */
uint64_t alert_words_hash(const struct alert *alert);
/* A copy with all its texts in one block, which the caller frees with free(). */
struct alert *alert_dup(const struct alert *alert);

#endif
