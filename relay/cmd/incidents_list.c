/* Incidents, list: rows of a table. See incidents-internal.h. */
#include "incidents-internal.h"

#include <stdlib.h>
#include <string.h>

#include "output-internal.h"
#include "tracepager/alert.h"
#include "tracepager/arena.h"
#include "tracepager/clock.h"
#include "tracepager/http.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define ID_CELLS_LEAST 8
#define ID_CELLS_STEP  4

const char *incident_text(const json_t *incident, const char *member)
{
	const char *text = json_string_value(json_object_get(incident, member));

	return text ? text : "";
}

int64_t incident_time_us(const json_t *incident, const char *member)
{
	const char *text = incident_text(incident, member);
	int64_t us = 0;

	return rfc3339_parse(text, strlen(text), &us) == 0 ? us : 0;
}

char *incident_path(const char *id, const char *act)
{
	struct arena *arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	char *path = xasprintf(INCIDENTS_PATH "/%s%s%s", url_escape(arena, id), act ? "/" : "",
			       act ? act : "");

	arena_free(arena);
	return path;
}

/* ---- order ---- */

/* From 0, the least severe; an unknown word is the least. */
static int incident_severity(const json_t *incident)
{
	const char *word = incident_text(incident, "severity");

	for (int i = SEVERITY_INFO; i <= SEVERITY_CRITICAL; i++)
		if (strcmp(word, severity_name((enum severity)i)) == 0)
			return i;
	return SEVERITY_INFO - 1;
}

static int compare_incidents(const void *a, const void *b)
{
	const json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;
	int by_severity = incident_severity(right) - incident_severity(left);
	int64_t left_us = incident_time_us(left, "opened_at"),
		right_us = incident_time_us(right, "opened_at");

	if (by_severity)
		return by_severity;
	if (left_us != right_us)
		return left_us < right_us ? 1 : -1;
	return strcmp(incident_text(left, "id"), incident_text(right, "id"));
}

json_t *incidents_sorted(const json_t *incidents)
{
	size_t n = json_array_size(incidents);
	CLEANUP_FREE json_t **all = xcalloc(n + 1, sizeof(*all));
	json_t *sorted = json_array();

	for (size_t i = 0; i < n; i++)
		all[i] = json_array_get(incidents, i);
	qsort(all, n, sizeof(*all), compare_incidents);
	for (size_t i = 0; i < n; i++)
		json_array_append(sorted, all[i]);
	return sorted;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t incidents_id_cells(const json_t *incidents)
{
	size_t n = json_array_size(incidents), cells = ID_CELLS_LEAST;
	CLEANUP_FREE const char **ids = xcalloc(n + 1, sizeof(*ids));

	for (size_t i = 0; i < n; i++)
		ids[i] = incident_text(json_array_get(incidents, i), "id");
	qsort(ids, n, sizeof(*ids), compare_ids);
	for (size_t i = 1; i < n; i++)
		while (strncmp(ids[i - 1], ids[i], cells) == 0 && cells < strlen(ids[i]))
			cells += ID_CELLS_STEP;
	return cells;
}

/* ---- cells ---- */

static enum screen_style severity_style(const json_t *incident)
{
	int severity = incident_severity(incident);

	return severity >= SEVERITY_ERROR     ? SCREEN_RED
	       : severity == SEVERITY_WARNING ? SCREEN_YELLOW
					      : SCREEN_PLAIN;
}

static void add_state(struct table *table, const json_t *incident)
{
	const char *state = incident_text(incident, "state"),
		   *who = incident_text(incident, "acknowledged_by");

	if (strcmp(state, "acknowledged") == 0) {
		CLEANUP_FREE char *text = xasprintf("ack %s", who);
		table_add(table, SCREEN_GREEN, text);
	} else if (strcmp(state, "open") != 0) {
		table_add(table, SCREEN_DIM, state);
	} else if (*incident_text(incident, "silenced")) {
		table_add(table, SCREEN_DIM, "silenced");
	} else if (json_is_true(json_object_get(incident, "unreached"))) {
		table_add(table, SCREEN_RED, "unreached");
	} else {
		table_add(table, SCREEN_YELLOW, state);
	}
}

static void table_add_incident(struct table *table, const json_t *incident, size_t id_cells,
			       int64_t now_us)
{
	CLEANUP_FREE char *id = xstrndup(incident_text(incident, "id"), id_cells);
	int64_t opened_us = incident_time_us(incident, "opened_at");
	char age[AGE_WORDS_SIZE];

	table_add(table, SCREEN_PLAIN, id);
	table_add(table, severity_style(incident), incident_text(incident, "severity"));
	add_state(table, incident);
	table_add(table, SCREEN_PLAIN, incident_text(incident, "team"));
	table_add(table, SCREEN_PLAIN, opened_us ? age_words(now_us - opened_us, age) : "");
	table_add(table, SCREEN_PLAIN, incident_text(incident, "summary"));
}

void incidents_write_table(const json_t *incidents, const struct screen *screen, int64_t now_us,
			   size_t marked, struct buf *out)
{
	const size_t id_cells = incidents_id_cells(incidents);
	const struct table_column columns[] = {
		{ "ID", id_cells }, { "SEVERITY", 8 }, { "STATE", 14 },
		{ "TEAM", 16 },	    { "AGE", 8 },      { "SUMMARY", 0 },
	};
	struct table table;

	table_init(&table, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < json_array_size(incidents); i++)
		table_add_incident(&table, json_array_get(incidents, i), id_cells, now_us);
	table.marked = marked;
	table_write(&table, screen, out);
	table_fini(&table);
}

/* ---- the count ---- */

/* Of that state; *ret_unreached: of them those that reached nobody. */
static size_t count_state(const json_t *incidents, const char *state, size_t *ret_unreached)
{
	size_t n = 0;

	*ret_unreached = 0;
	for (size_t i = 0; i < json_array_size(incidents); i++) {
		const json_t *incident = json_array_get(incidents, i);
		if (strcmp(incident_text(incident, "state"), state) != 0)
			continue;
		n++;
		*ret_unreached += json_is_true(json_object_get(incident, "unreached"));
	}
	return n;
}

void incidents_write_count(const json_t *incidents, struct buf *out)
{
	static const char *const states[] = { "open",	  "acknowledged", "holding",
					      "resolved", "moved",	  "closed" };
	const char *before = ": ";
	size_t n = json_array_size(incidents), unreached;

	if (!n) {
		buf_puts(out, "no incidents");
		return;
	}
	output_add_count(out, "", n, "incident", "incidents");
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		size_t of_state = count_state(incidents, states[i], &unreached);
		if (!of_state)
			continue;
		buf_printf(out, "%s%zu %s", before, of_state, states[i]);
		if (unreached)
			buf_printf(out, " (%zu reached nobody yet)", unreached);
		before = ", ";
	}
}
