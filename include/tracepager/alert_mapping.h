/*
 * Alert mappings: where a sender's JSON has what an alert needs. Each rule says which part of the
 * alert it fills, and the places to look for it, the first of which that has a text counts. The
 * formats of single senders are constant tables of such rules; the format `generic` takes one from
 * the configuration. It calculates nothing: a format that needs more has a file with code.
 *
 * A place is a JSON pointer (RFC 6901) from the alert, with four additions:
 *
 *	^/a/b		from the whole body instead, where the body has a list of alerts
 *	/a/ * /b	of any member or item, the first that has b (without the blanks)
 *	/a/[name=x]/b	of the first item of the list whose member "name" is x
 *	/a/{}/b		a is a text that holds JSON itself
 *
 * Pure: any thread may call. Texts are kept by the arena that the caller passes.
 */
#ifndef TRACEPAGER_ALERT_MAPPING_H
#define TRACEPAGER_ALERT_MAPPING_H

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/alert_format.h"

/* Places of one rule. */
#define MAPPING_PLACES 6

/* What a rule fills. The words are those of the configuration. */
enum mapping_target {
	MAP_ID,	      /* "id": the alert's identity among those of its sender */
	MAP_STATUS,   /* "status": firing, resolved or ignore */
	MAP_SEVERITY, /* "severity": the label of that name */
	MAP_NAME,     /* "name": the label alertname */
	MAP_SUMMARY,  /* "summary" and "description": annotations */
	MAP_DESCRIPTION,
	MAP_LINK,      /* "link": where the sender shows the alert; a web address */
	MAP_STARTS_AT, /* "starts_at", "ends_at": times */
	MAP_ENDS_AT,
	MAP_GROUP,	/* "group": the sender's own group of alerts */
	MAP_LABEL,	/* "label.NAME": one label */
	MAP_ANNOTATION, /* "annotation.NAME" */
	MAP_LABELS, /* "labels": all members of an object; all items {name or key, value}, [name,
		       value], "name:value" or "name=value" of a list; or a text of such items with
		       commas between them */
	MAP_ANNOTATIONS, /* "annotations": the same */
	MAP_TARGET_COUNT
};

enum mapping_time {
	MAP_TIME_ANY, /* RFC 3339, or a number whose size tells its unit */
	MAP_TIME_RFC3339,
	MAP_TIME_S,
	MAP_TIME_MS,
	MAP_TIME_US,
	MAP_TIME_NS,
	MAP_TIME_COUNT
};

/* from: a text without regard to case, or a glob; to: what it becomes; "" as though it were not
 * there. A list ends with { NULL }. A text that no row names stays as it is. */
struct mapping_value {
	const char *from, *to;
};

struct mapping_rule {
	enum mapping_target to;
	const char *name; /* of MAP_LABEL and MAP_ANNOTATION; of MAP_LABELS and MAP_ANNOTATIONS a
			     prefix; NULL: none */
	const char *from[MAPPING_PLACES];   /* the rest is NULL */
	const struct mapping_value *values; /* NULL: none */
	enum mapping_time time;
	const char *text; /* where no place has a text; NULL: nothing */
};

struct mapping_hooks; /* what a table cannot tell; relay/format only */

struct alert_mapping {
	const char *name; /* "coroot" */
	const char *what; /* "a webhook of Coroot", in errors */
	/* The family of its alerts; NULL: one of the sender's own, since its ids mean nothing
	 * beside those of others. */
	const char *family;
	/* The place of the list of alerts; NULL: the body is one alert, or a list of them. */
	const char *items;
	/* Places that a body of this mapping has, all of them; ends with NULL. Without one of them
	 * the body is none of it. With blanks between several places one of these is enough. */
	const char *const *tells;
	/* Why an alert whose status is "ignore" pages nobody; NULL: words for any mapping. */
	const char *ignores;
	const struct mapping_rule *rules;
	size_t nrules;
	/* Without a rule for the id, or where it finds nothing: is the identity that of all labels
	 * (as Alertmanager's)? Else such an alert is refused. */
	bool id_of_labels;
	const struct mapping_hooks *hooks; /* of a mapping that ships; NULL: none */
	const char *setup; /* as that of an alert_format, of a mapping that ships; NULL: none */
};

extern const char *const mapping_target_words[MAP_TARGET_COUNT];
extern const char *const mapping_time_words[MAP_TIME_COUNT]; /* "any", "rfc3339", "s", "ms", … */

/* A mapping that ships, for "mapping: NAME"; NULL: there is none. The list ends with NULL. */
const struct alert_mapping *mapping_shipped(const char *name);
extern const struct alert_mapping *const mappings_shipped[];

/* NULL: the text is a place; else why not, a constant text. */
const char *mapping_place_fault(const char *place);

#endif
