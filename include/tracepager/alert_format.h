/*
 * Alert formats: the bytes of a request in, alerts out. Pure: any thread may call. One file each,
 * listed in tbl/formats.def. What is returned is kept by the arena that the caller passes. Formats
 * whose fields are only looked up by name are an alert_mapping (alert_mapping.h).
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

struct alert_mapping;

/* A request that carries alerts. Borrowed for the call. */
struct alert_body {
	const char *text;
	size_t len;
	const char *sender; /* the name that the configuration gives it */
	int64_t now_us;	    /* wall time */
	/* Where the sender's fields are (format generic); NULL: the format knows. */
	const struct alert_mapping *mapping;
	/* What the path says of the alert beside the body (Opsgenie): "close", and by which name it
	 * calls the alert; path_id_is_ours: by the id that our answers gave. NULL: nothing. */
	const char *path_action, *path_id;
	bool path_id_is_ours;
	/* The value of a header of the request, for the formats that read some; NULL: it has none.
	 * NULL as a function: there are no headers, as in a file. */
	const char *(*header)(const void *ctx, const char *name);
	const void *ctx;
	/* Gets a line for each field: where it was looked for and what was there. NULL: not asked.
	 */
	struct buf *why;
};

/* An alert of a batch that was refused or cut, and why. */
struct alert_note {
	unsigned int index; /* the alert's place in the batch, from 0 */
	/* "alert 3: labels.severity is a number, not a string (line 1, column 240)", or "alert 3:
	 * 744 of 1000 labels left out". */
	const char *text;
};

struct alert_batch {
	struct alert *alerts;
	size_t nalerts;
	struct alert_note *refused, *cut; /* each by index */
	size_t nrefused;
	/* Alerts among those in `alerts` that were larger than LIMIT_LABELS, LIMIT_LABEL_BYTES and
	 * LIMIT_ALERT_BYTES allow: each keeps the fingerprint of all its labels, and has the
	 * annotation tracepager_cut; and those that lost a time that could not be read. */
	size_t ncut;
	uint64_t repaired;  /* bad characters of the body, each of which became U+FFFD */
	uint64_t truncated; /* alerts that the sender itself left out (Alertmanager's max_alerts) */
	const char *group_key; /* the group that the sender made of them; NULL: none */
	/* The key by which the sender names the event, or the one made for an event without a key:
	 * for the answer of services whose API gives it back. NULL: the format has none. */
	const char *event_key;
	/* Why the body has no alerts although it is well formed: "an acknowledgement pages nobody".
	 * NULL: there is no reason. */
	const char *ignored;
	/* The sender asks whether this relay wants its messages (Amazon SNS): the URL to get, of a
	 * host that the format has checked, and the topic. NULL: it does not ask. */
	const char *confirm_url, *confirm_topic;
};

struct alert_format {
	const char *name, *text;
	const char *family; /* part of its alerts' identity; see tbl/formats.def */
	/* The body that an operator gives to a sender whose bodies are templates; NULL: what the
	 * sender posts is fixed. */
	const char *setup;
	/* Does this body look like one of this format? Reads only as far as needed to tell; parse()
	 * may still refuse a body that matches. */
	bool (*match)(const char *body, size_t len);
	/* Reads a body. All that is returned is kept by the arena, which needs at most 8 times the
	 * body and 1 MiB. 0,
	 * even if some alerts are refused (beyond LIMIT_REFUSED_TOLD refused alerts share one
	 * text); -EBADMSG: the body is not of this format (err has line and column if it is not
	 * JSON); -E2BIG: a cap is exceeded;
	 * -ENOMEM: the arena's cap is reached. */
	int (*parse)(struct arena *arena, const struct alert_body *body,
		     struct alert_batch *ret_batch, struct err *err);
};
extern const struct alert_format *const alert_formats[FORMAT_COUNT];

/* The format that a body looks like; NULL: none. */
const struct alert_format *alert_format_recognise(const char *text, size_t len);
/* Reads what a person has in a file: a body of any format that can be recognised, or a single
 * alert, which is a webhook's alert without the body around it. The text is NUL-terminated; with a
 * mapping the body is read by that. A NULL sender is the format's name. Errors are those of the
 * format that the text looks like. */
int alert_parse_any(struct arena *arena, const struct alert_body *body,
		    struct alert_batch *ret_batch, struct err *err);
/* Index of the alert of a batch to show alone: the first that fires, else the first. */
size_t alert_first_firing(const struct alert_batch *batch);

#endif
