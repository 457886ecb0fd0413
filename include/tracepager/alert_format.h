/*
 * Alert formats: bytes in, alerts out. Pure. One file each, listed in tbl/formats.def.
 */
#ifndef TRACEPAGER_ALERT_FORMAT_H
#define TRACEPAGER_ALERT_FORMAT_H

#include "tracepager/alert.h"
#include "tracepager/err.h"

enum alert_format_id {
#define FORMAT(id, name, family, text) FORMAT_##id,
#include "tracepager/tbl/formats.def"
#undef FORMAT
	FORMAT_COUNT
};

/* An alert of a batch that was not taken, and why. */
struct refused_alert {
	unsigned int index; /* in the batch, from 0 */
	const char *text;   /* "alert 3: labels.severity is a number, not a string (line 1, column
			       240)", by index */
};

struct alert_batch {
	struct alert *alerts;
	size_t nalerts;
	struct refused_alert *refused;
	size_t nrefused;
	uint64_t truncated; /* alerts that the sender itself left out (Alertmanager's max_alerts) */
};

struct alert_format {
	const char *name, *text;
	const char *family; /* of its alerts' identity; see tbl/formats.def */
	/* Does this body look like one of this format? Reads no further than it takes to tell; a
	 * body that matches may still be refused by parse(). */
	bool (*match)(const char *body, size_t len);
	/* sender: the declared name. now_us: wall. Kept by the arena, of which eight times the body
	 * and 1 MiB is enough. 0 (single alerts may be refused; beyond LIMIT_REFUSED_TOLD they
	 * share one text), or -EBADMSG: the body is none of this format (line and column where it
	 * is not JSON), -E2BIG: a cap. */
	int (*parse)(struct arena *arena, const char *body, size_t len, const char *sender,
		     int64_t now_us, struct alert_batch *ret_batch, struct err *err);
};
extern const struct alert_format *const alert_formats[FORMAT_COUNT];

/* What a person has at hand: a webhook's body, a list of alerts, or a single alert. Errors are a
 * format's. */
int alert_parse_any(struct arena *arena, const char *text, size_t len, int64_t now_us,
		    struct alert_batch *ret_batch, struct err *err);
/* The alert of a batch to look at alone: the first that fires, else the first. */
size_t alert_first_firing(const struct alert_batch *batch);

#endif
