/*
 * Incidents as a running relay tells of them (JSON of /api/v1/incidents), for people: rows of a
 * table, and one with its story. Members that an older or a newer relay does not send are left out.
 * Pure; owns nothing.
 */
#ifndef INCIDENTS_INTERNAL_H
#define INCIDENTS_INTERNAL_H

#include <jansson.h>
#include <stdint.h>

#include "table-internal.h"
#include "tracepager/buf.h"

#define INCIDENTS_PATH "/api/v1/incidents"

/* The path of an incident, or of an act on it (NULL: none). Caller frees. */
char *incident_path(const char *id, const char *act);
/* A member's text; "" where there is none. Borrowed. */
const char *incident_text(const json_t *incident, const char *member);
/* A member's time; 0 where there is none. */
int64_t incident_time_us(const json_t *incident, const char *member);

/* The most severe first, of one severity the newest. Caller json_decref()s the array. */
json_t *incidents_sorted(const json_t *incidents);
/* Cells of an id that tell those of the list from each other, at least 8. */
size_t incidents_id_cells(const json_t *incidents);
/* One row for each. marked: the row that stands out, from 1; 0: none. */
void incidents_write_table(const json_t *incidents, const struct screen *screen, int64_t now_us,
			   size_t marked, struct buf *out);
/* "3 incidents: 2 open (1 unreached), 1 acknowledged", without a line end. */
void incidents_write_count(const json_t *incidents, struct buf *out);

/* One incident: what is broken, who has it, what comes next, its recipients, its story, its
 * links. Times are in the local time zone. */
void incident_write(const json_t *incident, const struct screen *screen, int64_t now_us,
		    struct buf *out);

#endif
