/*
 * Mapping parts: what the hooks of several formats do to an alert that a mapping has read. Pure:
 * any thread may call. Texts are kept by the alert's scratch memory, or borrowed from the body.
 */
#ifndef TRACEPAGER_FORMAT_MAPPING_PARTS_INTERNAL_H
#define TRACEPAGER_FORMAT_MAPPING_PARTS_INTERNAL_H

#include "mapping-internal.h"

/* The words for severities of most senders, as critical, error, warning and info. */
extern const struct mapping_value mapped_severities[];

/* "a-b"; NULL: one of them is NULL, or the memory is used up. Of each LIMIT_LABEL_BYTES count. */
const char *mapped_join(struct mapped_alert *alert, const char *a, const char *b);
/* The host of a web address; NULL: it is none. Ids that are small numbers mean something only
 * beside the host that counts them. */
const char *mapped_host(struct mapped_alert *alert, const char *url);
/* The value of a label or an annotation; NULL: there is none. */
const char *mapped_label(const struct mapped_alert *alert, const char *name);
const char *mapped_annotation(const struct mapped_alert *alert, const char *name);
/* Is the alert over, as its status says? */
bool mapped_is_over(const struct mapped_alert *alert);
/* For senders that tell only when they sent the event: its time is the start of an alert that
 * fires, and the end of one that is over. */
void mapped_event_time(struct mapped_alert *alert);
/* Adds the labels that all objects of a list have in their member of that name, with the same
 * value: what the list's items differ in says nothing of the alert as a whole. */
void mapped_add_common(struct mapped_alert *alert, const char *list, const char *member);
/* What an alert gets at the end. The annotation trace_id from "trace_id=…" (or trace.id, traceId,
 * with
 * ':' or a blank) in the summary or description, unless it has one: templates of people carry it
 * there. And critical, error, warning or info for a severity that is a tag of the sender's. */
void mapped_finish(struct mapped_alert *alert);

#endif
