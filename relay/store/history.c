/*
 * History: one read-only connection. Each call is a read of its own, so that the relay's
 * checkpoints never wait for a person who looks back. It trusts nothing in the file: rows are
 * copied with their own lengths, and a number out of range counts as damage.
 *
 * Owns the connection and its statements.
 */
#include "tracepager/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sqlite-internal.h"
#include "tracepager/alert.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define ROW                                                                                        \
	"SELECT d.id, d.at_us, d.kept, d.incident, d.team, d.rules, d.alert_key, d.alert, d.doc,"  \
	" t.traces, t.healthy FROM decisions d LEFT JOIN traces t ON t.id = d.id "

/* The same columns without what takes most bytes. */
#define OUTCOME_ROW                                                                                \
	"SELECT id, at_us, kept, incident, team, rules, alert_key, x'', doc, x'', x''"             \
	" FROM decisions "

/* The same with the alert; kept is LOST where retention removed the traces. */
#define LISTED_ROW                                                                                 \
	"SELECT id, at_us, CASE WHEN kept IN (1, 2) AND NOT EXISTS (SELECT 1 FROM traces t"        \
	" WHERE t.id = d.id) THEN 3 ELSE kept END, incident, team, rules, alert_key, alert, doc,"  \
	" x'', x'' FROM decisions d "

/* Events that one read takes: a longer one would keep a checkpoint waiting. */
#define EVENTS_PER_READ 1000

#define INCIDENT_ROW "SELECT id, key, team, open, opened_us, closed_us, page FROM incidents "

enum query {
	/* The first decision by time, each next one by id, so that two of one microsecond are both
	 * seen. The plus before at_us keeps SQLite from the index by time, in which it would search
	 * all later decisions for each next one. */
	QUERY_FIRST,
	QUERY_NEXT,
	QUERY_FIRST_OUTCOME,
	QUERY_NEXT_OUTCOME,
	QUERY_COUNT,
	QUERY_DECISIONS,
	QUERY_ID,
	QUERY_INCIDENT,
	QUERY_RULES,
	QUERY_LAST_RULES,
	QUERY_REFUSALS,
	QUERY_FIGURES,
	QUERY_FIRST_EVENT,
	QUERY_EVENTS,
	QUERY_ONE_INCIDENT,
	QUERY_CLOSED,
	QUERY_STORY,
	QUERY_BEGAN,
	QUERY_N
};

/* clang-format off */
static const char *const queries[QUERY_N] = {
	[QUERY_FIRST] = ROW "WHERE d.id = (SELECT min(id) FROM decisions WHERE at_us >= ?1 AND at_us < ?2)",
	[QUERY_NEXT] = ROW "WHERE d.id > ?3 AND +d.at_us >= ?1 AND +d.at_us < ?2 ORDER BY d.id LIMIT 1",
	[QUERY_FIRST_OUTCOME] = OUTCOME_ROW "WHERE id = (SELECT min(id) FROM decisions WHERE at_us >= ?1 AND at_us < ?2)",
	[QUERY_NEXT_OUTCOME] = OUTCOME_ROW "WHERE id > ?3 AND +at_us >= ?1 AND +at_us < ?2 ORDER BY id LIMIT 1",
	[QUERY_COUNT] = "SELECT count(*) FROM decisions WHERE at_us >= ?1 AND at_us < ?2",
	[QUERY_DECISIONS] = (LISTED_ROW "WHERE id < ?4 AND id >= (SELECT min(id) FROM decisions WHERE at_us >= ?1)"
		" AND +at_us >= ?1 AND +at_us < ?2 AND (?3 = '' OR team = ?3) ORDER BY id DESC"),
	[QUERY_ID] = ROW "WHERE d.id = ?1",
	[QUERY_INCIDENT] = (ROW "WHERE d.id = (SELECT e.id FROM incidents i, decisions e"
		" WHERE " SQL_INCIDENT("i", "?1") " AND e.incident = i.id AND e.at_us >= i.opened_us - ?2"
		" AND (i.open OR e.at_us <= i.closed_us + ?2)"
		" ORDER BY e.kept IN (1, 2) AND EXISTS (SELECT 1 FROM traces WHERE traces.id = e.id) DESC,"
		" e.id DESC LIMIT 1)"),
	[QUERY_RULES] = "SELECT texts FROM rules WHERE hash = ?1",
	[QUERY_LAST_RULES] = "SELECT texts FROM rules ORDER BY last_us DESC, n DESC LIMIT 1",
	[QUERY_REFUSALS] = ("SELECT pager, count(*), max(created_us), error FROM pages"
		" WHERE state = 2 AND created_us >= ?1 GROUP BY pager ORDER BY 2 DESC, 1"),
	[QUERY_FIGURES] = ("SELECT coalesce(i.team, ''), e.event, count(DISTINCT e.incident)"
		" FROM events e LEFT JOIN incidents i ON " SQL_INCIDENT("i", "e.incident")
		" WHERE e.at_us >= ?1 AND e.event IN ('opened', 'acknowledged', 'resolved')"
		" AND (i.key IS NULL OR i.key NOT GLOB '" ALERT_FAMILY_DRILL "/*') GROUP BY 1, 2"
		" UNION ALL SELECT coalesce(i.team, ''), CASE p.state WHEN 1 THEN 'delivered' ELSE 'rejected' END, count(*)"
		" FROM pages p LEFT JOIN incidents i ON " SQL_INCIDENT("i", "p.incident")
		" WHERE p.created_us >= ?1 AND p.state IN (1, 2)"
		" AND (i.key IS NULL OR i.key NOT GLOB '" ALERT_FAMILY_DRILL "/*') GROUP BY 1, 2 ORDER BY 1, 2"),
	[QUERY_FIRST_EVENT] = "SELECT min(id) FROM events WHERE at_us >= ?1",
	/* By id, not by time: the clock may have stepped back. */
	[QUERY_EVENTS] = ("SELECT e.id, e.incident, i.team, i.opened_us, e.at_us, e.event, e.who, e.text"
		" FROM events e LEFT JOIN incidents i ON " SQL_INCIDENT("i", "e.incident")
		" WHERE e.id >= ?1 AND (i.key IS NULL OR i.key NOT GLOB '" ALERT_FAMILY_DRILL "/*') ORDER BY e.id LIMIT ?2"),
	[QUERY_ONE_INCIDENT] = INCIDENT_ROW "WHERE " SQL_INCIDENT("incidents", "?1"),
	[QUERY_CLOSED] = (INCIDENT_ROW "WHERE open = 0 AND closed_us <= ?1"
		" AND (closed_us < ?1 OR id < ?2) ORDER BY closed_us DESC, id DESC"),
	/* There is no index by incident: the index by time keeps the search short. */
	[QUERY_STORY] = ("SELECT at_us, event, who, text FROM events WHERE incident = ?1 AND at_us >="
		" (SELECT opened_us - ?2 FROM incidents WHERE " SQL_INCIDENT("incidents", "?1") ") ORDER BY id LIMIT "
		SQL_DIGITS(LIMIT_STORY_EVENTS)),
	[QUERY_BEGAN] = ("SELECT min(us) FROM (SELECT min(at_us) AS us FROM events"
		" UNION ALL SELECT min(first_us) FROM rules)"),
};
/* clang-format on */

struct history {
	char *path;
	sqlite3 *db;
	sqlite3_stmt *statements[QUERY_N];
};

void past_fini(struct past *past)
{
	free(past->incident);
	free(past->team);
	free(past->rules);
	free(past->alert_key);
	free(past->alert.data);
	free(past->decision.data);
	free(past->traces.data);
	free(past->healthy.data);
	*past = (struct past){ 0 };
}

static char *history_text(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);

	return xstrdup(text ? text : "");
}

static struct blob history_blob(sqlite3_stmt *row, int column)
{
	const void *data = sqlite3_column_blob(row, column);
	struct blob blob = { .len = (size_t)sqlite3_column_bytes(row, column) };

	blob.data = xcalloc(blob.len + 1, 1);
	if (blob.len)
		memcpy(blob.data, data, blob.len);
	return blob;
}

static int history_failed(const struct history *history, int rc, struct err *err)
{
	return sqlite_error(err, history->db, rc, "read", history->path);
}

static int read_past(const struct history *history, sqlite3_stmt *row, struct past *ret_past,
		     struct err *err)
{
	int64_t kept = sqlite3_column_int64(row, 2);

	if (kept < STORED_TRACES_NONE || kept > STORED_TRACES_LOST)
		return err_set(err, EBADMSG, "cannot read %s: decision %lld in it is damaged",
			       history->path, (long long)sqlite3_column_int64(row, 0));
	*ret_past = (struct past){
		.id = sqlite3_column_int64(row, 0),
		.at_us = sqlite3_column_int64(row, 1),
		.kept = (enum stored_traces)kept,
		.incident = history_text(row, 3),
		.team = history_text(row, 4),
		.rules = history_text(row, 5),
		.alert_key = history_text(row, 6),
		.alert = history_blob(row, 7),
		.decision = history_blob(row, 8),
		.traces = history_blob(row, 9),
		.healthy = history_blob(row, 10),
	};
	if (kept != STORED_TRACES_NONE && !ret_past->traces.len)
		ret_past->kept = STORED_TRACES_LOST;
	return 1;
}

/* Runs a statement, whose parameters are bound, for at most one decision. */
static int one_past(struct history *history, sqlite3_stmt *row, struct past *ret_past,
		    struct err *err)
{
	int rc = sqlite3_step(row), result = 0;

	if (rc == SQLITE_ROW)
		result = read_past(history, row, ret_past, err);
	else if (rc != SQLITE_DONE)
		result = history_failed(history, rc, err);
	sqlite3_reset(row);
	return result;
}

static int next_past(struct history *history, enum query query, int64_t since_us, int64_t until_us,
		     int64_t *pos, struct past *ret_past, struct err *err)
{
	sqlite3_stmt *row = history->statements[query];

	sqlite3_bind_int64(row, 1, since_us);
	sqlite3_bind_int64(row, 2, until_us);
	if (*pos)
		sqlite3_bind_int64(row, 3, *pos);
	int result = one_past(history, row, ret_past, err);
	if (result > 0)
		*pos = ret_past->id;
	return result;
}

int history_next(struct history *history, int64_t since_us, int64_t until_us, int64_t *pos,
		 struct past *ret_past, struct err *err)
{
	return next_past(history, *pos ? QUERY_NEXT : QUERY_FIRST, since_us, until_us, pos,
			 ret_past, err);
}

int history_next_outcome(struct history *history, int64_t since_us, int64_t until_us, int64_t *pos,
			 struct past *ret_past, struct err *err)
{
	return next_past(history, *pos ? QUERY_NEXT_OUTCOME : QUERY_FIRST_OUTCOME, since_us,
			 until_us, pos, ret_past, err);
}

int history_count(struct history *history, int64_t since_us, int64_t until_us, int64_t *ret_count,
		  struct err *err)
{
	sqlite3_stmt *row = history->statements[QUERY_COUNT];

	sqlite3_bind_int64(row, 1, since_us);
	sqlite3_bind_int64(row, 2, until_us);
	int rc = sqlite3_step(row), result = 0;
	if (rc == SQLITE_ROW)
		*ret_count = sqlite3_column_int64(row, 0);
	else
		result = history_failed(history, rc, err);
	sqlite3_reset(row);
	return result;
}

int history_decisions(struct history *history, int64_t since_us, int64_t until_us, const char *team,
		      int64_t before_id, history_decision_reader *each, void *ctx, struct err *err)
{
	sqlite3_stmt *row = history->statements[QUERY_DECISIONS];
	int rc = SQLITE_DONE, result = 0;
	bool more = true;

	sqlite3_bind_int64(row, 1, since_us);
	sqlite3_bind_int64(row, 2, until_us);
	sqlite3_bind_text(row, 3, team, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(row, 4, before_id ? before_id : INT64_MAX);
	while (more && result >= 0 && (rc = sqlite3_step(row)) == SQLITE_ROW) {
		struct past past = { 0 };
		result = read_past(history, row, &past, err);
		if (result > 0) {
			past.kept = (enum stored_traces)sqlite3_column_int(row, 2);
			more = each(ctx, &past);
		}
		past_fini(&past);
	}
	if (more && result >= 0 && rc != SQLITE_DONE)
		result = history_failed(history, rc, err);
	sqlite3_reset(row);
	return result < 0 ? result : 0;
}

int history_find(struct history *history, const char *id, struct past *ret_past, struct err *err)
{
	size_t len = strlen(id);
	bool is_number = len > 0 && len < 19 && strspn(id, "0123456789") == len;
	sqlite3_stmt *row = history->statements[is_number ? QUERY_ID : QUERY_INCIDENT];

	if (is_number) {
		sqlite3_bind_int64(row, 1, strtoll(id, NULL, 10));
	} else {
		sqlite3_bind_text(row, 1, id, -1, SQLITE_TRANSIENT);
		sqlite3_bind_int64(row, 2, LIMIT_CLOCK_STEP_US);
	}
	return one_past(history, row, ret_past, err);
}

int history_rules(struct history *history, const char *hash, struct blob *ret_texts,
		  struct err *err)
{
	sqlite3_stmt *row = history->statements[hash ? QUERY_RULES : QUERY_LAST_RULES];
	int result = 0;

	if (hash)
		sqlite3_bind_text(row, 1, hash, -1, SQLITE_TRANSIENT);
	int rc = sqlite3_step(row);
	if (rc == SQLITE_ROW) {
		*ret_texts = history_blob(row, 0);
		result = 1;
	} else if (rc != SQLITE_DONE) {
		result = history_failed(history, rc, err);
	}
	sqlite3_reset(row);
	return result;
}

int history_refusals(struct history *history, int64_t since_us,
		     void (*each)(void *ctx, const struct refusal *refusal), void *ctx,
		     struct err *err)
{
	sqlite3_stmt *row = history->statements[QUERY_REFUSALS];
	int rc, result = 0;

	sqlite3_bind_int64(row, 1, since_us);
	while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
		CLEANUP_FREE char *pager = history_text(row, 0), *error = history_text(row, 3);
		struct refusal refusal = { .pager = pager,
					   .error = error,
					   .n = sqlite3_column_int64(row, 1),
					   .last_us = sqlite3_column_int64(row, 2) };
		each(ctx, &refusal);
	}
	if (rc != SQLITE_DONE)
		result = history_failed(history, rc, err);
	sqlite3_reset(row);
	return result;
}

int history_figures(struct history *history, int64_t since_us,
		    void (*each)(void *ctx, const char *team, const char *what, int64_t n),
		    void *ctx, struct err *err)
{
	sqlite3_stmt *row = history->statements[QUERY_FIGURES];
	int rc, result = 0;

	sqlite3_bind_int64(row, 1, since_us);
	while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
		CLEANUP_FREE char *team = history_text(row, 0), *what = history_text(row, 1);
		each(ctx, team, what, sqlite3_column_int64(row, 2));
	}
	if (rc != SQLITE_DONE)
		result = history_failed(history, rc, err);
	sqlite3_reset(row);
	return result;
}

/* ---- events ---- */

/* The first event that may be of an incident that was opened since then: its time may lie before
 * that of the incident by a step of the clock. *ret_id 0: there is none. */
static int first_event(struct history *history, int64_t since_us, int64_t *ret_id, struct err *err)
{
	sqlite3_stmt *row = history->statements[QUERY_FIRST_EVENT];
	int result = 0;

	sqlite3_bind_int64(row, 1, since_us - LIMIT_CLOCK_STEP_US);
	int rc = sqlite3_step(row);
	if (rc == SQLITE_ROW)
		*ret_id = sqlite3_column_int64(row, 0);
	else
		result = history_failed(history, rc, err);
	sqlite3_reset(row);
	return result;
}

static void tell_event(sqlite3_stmt *row, void (*each)(void *ctx, const struct past_event *event),
		       void *ctx)
{
	CLEANUP_FREE char *incident = history_text(row, 1), *team = history_text(row, 2),
			  *event = history_text(row, 5), *who = history_text(row, 6),
			  *text = history_text(row, 7);

	each(ctx, &(struct past_event){ .incident = incident,
					.team = team,
					.opened_us = sqlite3_column_int64(row, 3),
					.at_us = sqlite3_column_int64(row, 4),
					.event = event,
					.who = who,
					.text = text });
}

/* One read, from the event *id on; *id becomes that behind the last one. Returns how many events
 * there were. */
static int some_events(struct history *history, int64_t since_us, int64_t *id,
		       void (*each)(void *ctx, const struct past_event *event), void *ctx,
		       struct err *err)
{
	sqlite3_stmt *row = history->statements[QUERY_EVENTS];
	int rc, n = 0;

	sqlite3_bind_int64(row, 1, *id);
	sqlite3_bind_int(row, 2, EVENTS_PER_READ);
	while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
		/* NULL is 0: the incident's row has been removed. */
		if (sqlite3_column_int64(row, 3) && sqlite3_column_int64(row, 3) >= since_us)
			tell_event(row, each, ctx);
		*id = sqlite3_column_int64(row, 0) + 1;
		n++;
	}
	int result = rc == SQLITE_DONE ? n : history_failed(history, rc, err);
	sqlite3_reset(row);
	return result;
}

int history_events(struct history *history, int64_t since_us,
		   void (*each)(void *ctx, const struct past_event *event), void *ctx,
		   struct err *err)
{
	int64_t id = 0;
	int result = first_event(history, since_us, &id, err);

	if (result == 0 && id)
		do
			result = some_events(history, since_us, &id, each, ctx, err);
		while (result == EVENTS_PER_READ);
	return result < 0 ? result : 0;
}

/* ---- incidents ---- */

static const char *row_text(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);

	return text ? text : "";
}

static struct past_incident row_incident(sqlite3_stmt *row)
{
	return (struct past_incident){
		.id = row_text(row, 0),
		.key = row_text(row, 1),
		.team = row_text(row, 2),
		.open = sqlite3_column_int(row, 3) != 0,
		.opened_us = sqlite3_column_int64(row, 4),
		.closed_us = sqlite3_column_int64(row, 5),
		.page = row_text(row, 6),
		.page_len = (size_t)sqlite3_column_bytes(row, 6),
	};
}

int history_incident(struct history *history, const char *id, history_incident_reader *each,
		     void *ctx, struct err *err)
{
	sqlite3_stmt *row = history->statements[QUERY_ONE_INCIDENT];
	int result = 0;

	sqlite3_bind_text(row, 1, id, -1, SQLITE_TRANSIENT);
	int rc = sqlite3_step(row);
	if (rc == SQLITE_ROW) {
		const struct past_incident incident = row_incident(row);
		each(ctx, &incident);
		result = 1;
	} else if (rc != SQLITE_DONE) {
		result = history_failed(history, rc, err);
	}
	sqlite3_reset(row);
	return result;
}

int history_closed(struct history *history, int64_t before_us, const char *before_id,
		   history_incident_reader *each, void *ctx, struct err *err)
{
	sqlite3_stmt *row = history->statements[QUERY_CLOSED];
	bool more = true;
	int rc = SQLITE_DONE, result = 0;

	sqlite3_bind_int64(row, 1, before_us);
	sqlite3_bind_text(row, 2, before_id, -1, SQLITE_TRANSIENT);
	while (more && (rc = sqlite3_step(row)) == SQLITE_ROW) {
		const struct past_incident incident = row_incident(row);
		more = each(ctx, &incident);
	}
	if (more && rc != SQLITE_DONE)
		result = history_failed(history, rc, err);
	sqlite3_reset(row);
	return result;
}

int history_story(struct history *history, const char *incident,
		  void (*each)(void *ctx, const struct stored_event *event), void *ctx,
		  struct err *err)
{
	sqlite3_stmt *row = history->statements[QUERY_STORY];
	int rc, result = 0;

	sqlite3_bind_text(row, 1, incident, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(row, 2, LIMIT_CLOCK_STEP_US);
	while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
		const struct stored_event event = { .incident = incident,
						    .at_us = sqlite3_column_int64(row, 0),
						    .event = row_text(row, 1),
						    .who = row_text(row, 2),
						    .text = row_text(row, 3) };
		each(ctx, &event);
	}
	if (rc != SQLITE_DONE)
		result = history_failed(history, rc, err);
	sqlite3_reset(row);
	return result;
}

int history_began(struct history *history, int64_t *ret_us, struct err *err)
{
	sqlite3_stmt *row = history->statements[QUERY_BEGAN];
	int rc = sqlite3_step(row), result = 0;

	if (rc != SQLITE_ROW)
		result = history_failed(history, rc, err);
	else if (sqlite3_column_type(row, 0) != SQLITE_NULL)
		*ret_us = sqlite3_column_int64(row, 0);
	sqlite3_reset(row);
	return result;
}

/* ---- opening ---- */

static int history_prepare(struct history *history, struct err *err)
{
	for (size_t i = 0; i < QUERY_N; i++) {
		int rc = sqlite3_prepare_v3(history->db, queries[i], -1, SQLITE_PREPARE_PERSISTENT,
					    &history->statements[i], NULL);
		if (rc != SQLITE_OK)
			return history_failed(history, rc, err);
	}
	return 0;
}

static int history_check(struct history *history, struct err *err)
{
	int64_t version = 0;
	int error = sqlite_schema_check(history->db, history->path, err);

	if (error)
		return error;
	int rc = sqlite_number(history->db, "PRAGMA user_version", &version);
	if (rc != SQLITE_OK)
		return history_failed(history, rc, err);
	if (version == 0)
		return err_set(err, EINVAL,
			       "%s is empty, and no store of tracepager; name the file of the "
			       "daemon's store (store: path)",
			       history->path);
	if (version < sqlite_schema_newest())
		return err_set(err, EINVAL,
			       "%s was written by an older tracepager (schema %d, this one reads "
			       "%d); start this version's daemon on it once",
			       history->path, (int)version, sqlite_schema_newest());
	return 0;
}

int history_open(const char *path, struct history **ret_history, struct err *err)
{
	if (access(path, F_OK) < 0)
		return err_set(err, errno, "cannot read the store %s: %s", path, strerror(errno));

	struct history *history = xcalloc(1, sizeof(*history));
	history->path = xstrdup(path);
	int error = sqlite_connect(path, true, &history->db, err);
	if (error == 0)
		error = history_check(history, err);
	if (error == 0)
		error = history_prepare(history, err);
	if (error) {
		history_close(history);
		return error;
	}
	*ret_history = history;
	return 0;
}

void history_close(struct history *history)
{
	if (!history)
		return;
	for (size_t i = 0; i < QUERY_N; i++)
		sqlite3_finalize(history->statements[i]);
	sqlite3_close(history->db);
	free(history->path);
	free(history);
}
