/*
 * Mapping: reads a body by an alert_mapping. A format with fields that a table cannot tell gives a
 * hook. Pure: any thread may call.
 */
#ifndef TRACEPAGER_FORMAT_MAPPING_INTERNAL_H
#define TRACEPAGER_FORMAT_MAPPING_INTERNAL_H

#include "json_place-internal.h"

#include "tracepager/alert_mapping.h"

/* What the rules found for one alert. Texts are borrowed from the body, or of the scratch arena,
 * which ends with the alert. */
struct mapped_alert {
	struct arena *arena;
	struct json_places *places;
	json_t *item;
	const struct alert_body *body;
	int64_t now_us;
	const char *id, *status, *severity; /* as mapped; NULL: nothing was found */
	int64_t starts_at_us, ends_at_us;
	const char *group, *link;
	/* In the order in which they were found; of a name the first one counts. */
	struct label *labels, *annotations;
	size_t nlabels, nannotations, labels_size, annotations_size;
	const char *time_fault; /* what was no time; NULL: all were */
	const char *ignored;	/* a hook: why this one pages nobody, a constant; NULL: it does */
	const char *event_key;	/* a hook: alert_batch.event_key; NULL: none */
};

struct mapping_hooks {
	/* The body as a whole, before its alerts. 0, or -errno: what the body is instead. It may
	 * set ignored, confirm_url and confirm_topic of the batch; then no alert is read. NULL:
	 * none. */
	int (*begin)(struct arena *arena, const struct alert_body *body, struct json_places *places,
		     struct alert_batch *batch, struct err *err);
	/* An alert, after the rules: fills what is missing. NULL, or why it is refused. */
	const char *(*complete)(struct mapped_alert *alert);
};

/* The text of a value: a text as it is, a number or a truth value written out, the items of a list
 * of such with commas between them. NULL: it has none, or an empty one. */
const char *mapped_text(struct arena *arena, json_t *value);
/* The text at a place of the alert; NULL: there is none. */
const char *mapped_find(struct mapped_alert *alert, const char *place);
/* May a person be offered this text to click on? Web addresses only. */
bool mapped_is_link(const char *text);
/* The name as a label of Prometheus: "service.name" becomes "service_name". Kept by the arena.
 * prefix NULL: none. */
const char *mapped_name(struct arena *arena, const char *prefix, const char *name, size_t len);
/* Has the alert's scratch memory room for a further text, of LIMIT_LABEL_BYTES at most? */
bool mapped_has_room(const struct mapped_alert *alert);
/* Add one; nothing for a NULL or empty value. The name is the arena's, or constant. */
void mapped_add_label(struct mapped_alert *alert, const char *name, const char *value);
void mapped_add_annotation(struct mapped_alert *alert, const char *name, const char *value);

/* As alert_format's match(): does the text have all places that tell the mapping? */
bool mapping_matches(const struct alert_mapping *mapping, const char *text, size_t len);
/* As alert_format's parse(). hooks NULL: none. */
int mapping_parse(const struct alert_mapping *mapping, const struct mapping_hooks *hooks,
		  struct arena *arena, const struct alert_body *body, struct alert_batch *ret_batch,
		  struct err *err);

/* A format that is a table, with hooks (NULL: none) and a template for the sender's bodies (NULL:
 * they are fixed). */
#define MAPPED_FORMAT_WITH(ID, format_name, format_text, format_mapping, format_hooks,             \
			   format_setup)                                                           \
	static bool format_mapping##_match(const char *text, size_t len)                           \
	{                                                                                          \
		return mapping_matches(&format_mapping, text, len);                                \
	}                                                                                          \
	static int format_mapping##_parse(struct arena *arena, const struct alert_body *body,      \
					  struct alert_batch *ret_batch, struct err *err)          \
	{                                                                                          \
		return mapping_parse(&format_mapping, format_hooks, arena, body, ret_batch, err);  \
	}                                                                                          \
	const struct alert_format alert_format_##ID = {                                            \
		.name = format_name,                                                               \
		.text = format_text,                                                               \
		.family = format_name,                                                             \
		.setup = format_setup,                                                             \
		.match = format_mapping##_match,                                                   \
		.parse = format_mapping##_parse,                                                   \
	}
/* A format that is nothing but a table. */
#define MAPPED_FORMAT(ID, format_name, format_text, format_mapping)                                \
	MAPPED_FORMAT_WITH(ID, format_name, format_text, format_mapping, NULL, NULL)

#endif
