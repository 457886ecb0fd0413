/*
 * Event parts: what the events of PagerDuty and Opsgenie share: a key that names an event within
 * its sender, members of the sender's choice, and lists of Alertmanager's alerts among them. Pure:
 * any thread may call. Texts are kept by the alert's arena, or borrowed from the body.
 */
#ifndef TRACEPAGER_FORMAT_EVENT_PARTS_INTERNAL_H
#define TRACEPAGER_FORMAT_EVENT_PARTS_INTERNAL_H

#include "mapping-internal.h"

/* Names the alert by the key; each sender has keys of its own. Sets id and event_key. */
void event_set_key(struct mapped_alert *alert, const char *key);
/* A key for an event without one, made of all its members but those named (ends with NULL): so a
 * client that sends the same event again, after a lost answer or a restart of ours, names the same
 * alert. */
const char *event_make_key(struct mapped_alert *alert, const char *const without[]);

/* Members that the sender chose: one line of text is a label, all else an annotation. Members of an
 * inner object bear its name in front. Alertmanager's lists "firing" and "resolved" are read as one
 * alert: its labels and annotations are those that all have with the same value. */
void event_take_details(struct mapped_alert *alert, json_t *details);
/* A list of {href, text}, and of {src}: the first is the alert's link where it has none, all are
 * annotations. */
void event_take_links(struct mapped_alert *alert, json_t *links);
/* The label alertname where none was found: the text, or its first part. */
void event_set_name(struct mapped_alert *alert, const char *text);

/* Adds a fault to those that were found before; NULL: the first one. */
const char *event_add_fault(struct mapped_alert *alert, const char *faults, const char *fault);

#endif
