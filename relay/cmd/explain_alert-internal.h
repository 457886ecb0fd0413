/*
 * Explain, alert: what a body says and how it was read: its format, the identity, status, severity,
 * service, times and trace hint of each alert, and what each place of a mapping holds. Owns the
 * text of the places until explain_alert_fini(). For the main thread.
 */
#ifndef EXPLAIN_ALERT_INTERNAL_H
#define EXPLAIN_ALERT_INTERNAL_H

#include "explain-internal.h"
#include "tracepager/alert_format.h"

struct explain_alert {
	/* Who sent it: the name of a sender, its format and its mapping. NULL and FORMAT_AUTO:
	 * nobody is said to, and the format is recognised. Borrowed. */
	const char *sender;
	enum alert_format_id format;
	const struct alert_mapping *mapping;
	bool tells_places; /* fill `why` */
	/* What explain_alert_read() found. */
	const struct alert_format *read_as; /* NULL: it could not be recognised */
	struct alert_batch batch;
	struct buf why;
};

/* Reads a body, NUL-terminated. 0, or -errno with err; `why` has what was found until then. The
 * alerts are the arena's. */
int explain_alert_read(struct explain_alert *reading, struct arena *arena, const struct buf *text,
		       struct err *err);
void explain_alert_write(const struct explain_alert *reading,
			 const struct explain_text_options *options, struct buf *out);
/* One line of JSON. */
void explain_alert_write_json(const struct explain_alert *reading, struct buf *out);
void explain_alert_fini(struct explain_alert *reading);

#endif
