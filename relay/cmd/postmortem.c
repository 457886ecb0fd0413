/* Postmortem: the model. See postmortem-internal.h. */
#include "postmortem-internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "incidents-internal.h"
#include "tracepager/act.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/past.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

struct report_work {
	struct report *report;
	struct report_section *section;
	const json_t *incident, *decision;
	bool with_names;
	int64_t now_us;
	/* Words by which the story names people. */
	const char *names[LIMIT_REPORT_NAMES];
	size_t nnames;
	const char *team; /* that has it at this place of the story */
};

/* ---- people ---- */

static bool is_event(const json_t *event, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(incident_text(event, "event"), names[i]) == 0)
			return true;
	return false;
}

/* Does the event's "who" name a person, where it names anybody? */
static bool is_by_person(const json_t *event)
{
	static const char *const acts[] = { "acknowledged", "rerouted", "commented",  "useful",
					    "noise",	    "silenced", "unsilenced", "resolved" };

	return *incident_text(event, "who") && is_event(event, acts, ARRAY_LEN(acts));
}

static void add_report_name(struct report_work *work, const char *name, size_t len)
{
	if (!len || work->nnames == LIMIT_REPORT_NAMES)
		return;
	work->names[work->nnames++] = arena_strndup(work->report->arena, name, len);
}

/* "bob (token ann)" names two, "bob (page sent to PAGER)" and "bob (pager PAGER)" one. */
static void add_report_names(struct report_work *work, const char *who)
{
	const char *bracket = strstr(who, " (");

	add_report_name(work, who, bracket ? (size_t)(bracket - who) : strlen(who));
	if (bracket && strncmp(bracket, " (token ", 8) == 0)
		add_report_name(work, bracket + 8, strcspn(bracket + 8, ")"));
}

static bool is_word_byte(char c)
{
	return isalnum((unsigned char)c) || (c & 0x80) || c == '_' || c == '-' || c == '.';
}

/* The length of the name that begins there as a word of its own; 0: none. */
static size_t report_name_at(const struct report_work *work, const char *text, const char *at)
{
	if (at > text && is_word_byte(at[-1]) && is_word_byte(*at))
		return 0;
	for (size_t i = 0; i < work->nnames; i++) {
		size_t len = strlen(work->names[i]);
		if (strncmp(at, work->names[i], len) == 0 &&
		    (!is_word_byte(at[len]) || (at[len] == '.' && !is_word_byte(at[len + 1]))))
			return len;
	}
	return 0;
}

/* A text without the names of people, made plain. one_line: as one line. */
static const char *report_text(const struct report_work *work, const char *text, bool one_line)
{
	struct arena *arena = work->report->arena;
	struct buf out = BUF_INIT(LIMIT_CLIENT_REPLY_BYTES);
	const char *plain = plain_words(arena, text, one_line);

	if (work->with_names)
		return plain;
	for (const char *at = plain; *at;) {
		size_t len = report_name_at(work, plain, at);
		if (len)
			buf_puts(&out, "somebody");
		else
			buf_putc(&out, *at);
		at += len ? len : 1;
	}
	const char *kept = arena_strdup(arena, buf_text(&out));
	buf_fini(&out);
	return kept;
}

/* Who it was, by the role in which they acted. */
static const char *report_role(const struct report_work *work, const json_t *event)
{
	struct arena *arena = work->report->arena;
	const char *who = incident_text(event, "who"), *bracket = strstr(who, " (");

	if (work->with_names || !is_by_person(event))
		return plain_words(arena, who, true);
	if (bracket && (strncmp(bracket, " (page sent to ", 15) == 0 ||
			strncmp(bracket, " (pager ", 8) == 0)) {
		const char *pager =
			strstr(bracket, " (pager ") == bracket ? bracket + 8 : bracket + 15;
		return plain_words(arena,
				   arena_printf(arena, "somebody with the page sent to %.*s",
						(int)strcspn(pager, ")"), pager),
				   true);
	}
	return *work->team ? arena_printf(arena, "a person of team %s",
					  plain_words(arena, work->team, true))
			   : arena_strdup(arena, "a person");
}

/* ---- blocks ---- */

static void begin_section(struct report_work *work, const char *title)
{
	work->section = &work->report->sections[work->report->n++];
	work->section->title = title;
}

static void report_add_block(struct report_work *work, struct report_block block)
{
	struct report_section *section = work->section;

	if (section->n == LIMIT_REPORT_BLOCKS)
		return;
	section->blocks = xrealloc_array(section->blocks, section->n + 1, sizeof(*section->blocks));
	section->blocks[section->n++] = block;
}

static void report_add_fact(struct report_work *work, const char *name, const char *text)
{
	if (text && *text)
		report_add_block(work,
				 (struct report_block){ REPORT_FACT, report_text(work, name, true),
							report_text(work, text, true), NULL });
}

static void report_add_item(struct report_work *work, const char *text)
{
	if (text && *text)
		report_add_block(work,
				 (struct report_block){ REPORT_ITEM, NULL,
							report_text(work, text, true), NULL });
}

/* Each line of a text; a mark of a list before it goes. */
static void report_add_items(struct report_work *work, const char *lines)
{
	while (*lines) {
		size_t len = strcspn(lines, "\n");
		size_t mark = strncmp(lines, "- ", 2) == 0 ? 2 : 0;
		report_add_item(work, arena_strndup(work->report->arena, lines + mark, len - mark));
		lines += len + (lines[len] == '\n');
	}
}

static const char *report_time(const struct report_work *work, int64_t us)
{
	char text[PAST_TIME_SIZE];

	return us ? arena_strdup(work->report->arena, past_time_text(us, text)) : "";
}

static void add_moment(struct report_work *work, const char *name, int64_t us)
{
	if (us)
		report_add_fact(work, name,
				arena_printf(work->report->arena, "%s UTC", report_time(work, us)));
}

/* "1 h 20 min", "5 min", "12 s" */
static const char *report_span(const struct report_work *work, int64_t us)
{
	struct arena *arena = work->report->arena;
	long long s = us > 0 ? us / US_PER_SECOND : 0;

	if (s < 60)
		return arena_printf(arena, "%lld s", s);
	if (s < 3600)
		return arena_printf(arena, "%lld min", s / 60);
	return arena_printf(arena, "%lld h %lld min", s / 3600, s / 60 % 60);
}

/* ---- the story ---- */

static const json_t *report_event(const struct report_work *work, size_t i)
{
	return json_array_get(json_object_get(work->incident, "events"), i);
}

static size_t count_report_events(const struct report_work *work)
{
	return json_array_size(json_object_get(work->incident, "events"));
}

/* When the first event of that name was; 0: there is none. */
static int64_t first_event_us(const struct report_work *work, const char *name, const char *who)
{
	for (size_t i = 0; i < count_report_events(work); i++) {
		const json_t *event = report_event(work, i);
		if (is_event(event, &name, 1) &&
		    (!who || strcmp(incident_text(event, "who"), who) == 0))
			return incident_time_us(event, "at");
	}
	return 0;
}

static unsigned int count_report_event(const struct report_work *work, const char *name)
{
	unsigned int n = 0;

	for (size_t i = 0; i < count_report_events(work); i++)
		n += is_event(report_event(work, i), &name, 1);
	return n;
}

/* The team that was paged first: the one that the first handover took it from. */
static const char *first_team(const struct report_work *work)
{
	static const char *const rerouted = "rerouted";
	struct handed_on handed;

	for (size_t i = 0; i < count_report_events(work); i++)
		if (is_event(report_event(work, i), &rerouted, 1) &&
		    past_handed_on(work->report->arena,
				   incident_text(report_event(work, i), "text"), &handed))
			return handed.from;
	return incident_text(work->incident, "team");
}

static void add_timeline(struct report_work *work)
{
	static const char *const rerouted = "rerouted";

	begin_section(work, "Timeline (UTC)");
	work->team = first_team(work);
	for (size_t i = 0; i < count_report_events(work); i++) {
		const json_t *event = report_event(work, i);
		const char *said, *name = incident_text(event, "event"),
				  *way = act_way(name, incident_text(event, "text"), &said);
		const char *text = report_text(work, said, true);
		const char *who = report_role(work, event);
		struct handed_on handed;
		report_add_block(
			work, (struct report_block){
				      REPORT_ROW, report_time(work, incident_time_us(event, "at")),
				      arena_printf(work->report->arena, "%s%s%s%s%s",
						   plain_words(work->report->arena, name, true),
						   way ? " " : "", way ? way : "",
						   *text ? ": " : "", text),
				      who });
		if (is_event(event, &rerouted, 1) &&
		    past_handed_on(work->report->arena, incident_text(event, "text"), &handed))
			work->team = handed.to;
	}
	if (!work->section->n)
		report_add_item(work, "The story is not stored (any more).");
}

/* ---- sections ---- */

static const char *signal_words(const struct report_work *work)
{
	const json_t *signal = json_object_get(work->decision, "signal");

	return arena_printf(work->report->arena, "%s%s%s", incident_text(signal, "service"),
			    *incident_text(signal, "operation") ? " " : "",
			    incident_text(signal, "operation"));
}

static void add_summary(struct report_work *work)
{
	static const char *const facts[][2] = {
		{ "Team", "team" },	    { "Severity", "severity" },
		{ "State", "state" },	    { "Component", "component" },
		{ "Where", "environment" }, { "Instance", "instance" },
		{ "Path", "path" },	    { "How sure", "evidence" },
		{ "Why this team", "why" },
	};

	begin_section(work, "Summary");
	report_add_item(work, incident_text(work->incident, "summary"));
	for (size_t i = 0; i < ARRAY_LEN(facts); i++)
		report_add_fact(work, facts[i][0], incident_text(work->incident, facts[i][1]));
	report_add_fact(work, "Incident", incident_text(work->incident, "id"));
}

static void add_impact(struct report_work *work)
{
	const json_t *alerts = json_object_get(work->incident, "alert_list");
	int64_t since = incident_time_us(work->incident, "since"),
		opened = incident_time_us(work->incident, "opened_at"),
		closed = incident_time_us(work->incident, "closed_at");

	begin_section(work, "Impact");
	report_add_fact(work, "Operation", signal_words(work));
	for (size_t i = 0; i < json_array_size(alerts); i++)
		report_add_fact(
			work, "Alert",
			arena_printf(work->report->arena, "%s, %s since %s UTC",
				     incident_text(json_array_get(alerts, i), "name"),
				     incident_text(json_array_get(alerts, i), "status"),
				     report_time(work, incident_time_us(json_array_get(alerts, i),
									"starts_at"))));
	add_moment(work, "Alerts since", since);
	add_moment(work, "Incident opened", opened);
	if (closed)
		add_moment(work, "Until", closed);
	else
		report_add_fact(work, "Until", "it is not over");
	if (opened)
		report_add_fact(work, "Duration",
				report_span(work, (closed ? closed : work->now_us) - opened));
}

static void add_trace_section(struct report_work *work)
{
	const json_t *traces = json_object_get(work->decision, "traces");
	const char *drawn = incident_text(work->incident, "waterfall");

	begin_section(work, "First bad trace");
	if (*drawn)
		report_add_block(work,
				 (struct report_block){ REPORT_DRAWN, NULL,
							report_text(work, drawn, false), NULL });
	else
		report_add_item(
			work, json_array_size(traces)
				      ? "The incident is over, and its drawing is not kept. The "
					"incident's page of the relay draws the trace for 7 days; "
					"after that the tracing backend may have it."
				      : "No trace was found.");
	if (!*drawn && json_array_size(traces))
		report_add_fact(work, "Trace",
				incident_text(json_array_get(traces, 0), "trace_id"));
	report_add_items(work, incident_text(work->incident, "how_it_was_found"));
	report_add_item(
		work, "No good trace is stored with the incident: the tracing backend has some of "
		      "the time before it.");
}

static void add_differences(struct report_work *work)
{
	begin_section(work, "What differs");
	report_add_items(work, incident_text(work->incident, "what_differs"));
	report_add_items(work, incident_text(work->incident, "differs"));
	if (!work->section->n)
		report_add_item(work, "Nothing was found that tells failing calls from others.");
}

static void add_operations(struct report_work *work)
{
	const json_t *strata =
		json_object_get(json_object_get(work->decision, "verdict"), "strata");

	begin_section(work, "Operations hit");
	for (size_t i = 0; i < json_array_size(strata); i++) {
		const json_t *one = json_array_get(strata, i);
		if (json_is_true(json_object_get(one, "hit")))
			report_add_item(work,
					arena_printf(work->report->arena, "%s %s, in %lld traces",
						     incident_text(one, "service"),
						     incident_text(one, "operation"),
						     (long long)json_integer_value(
							     json_object_get(one, "traces"))));
	}
	if (!work->section->n)
		report_add_item(work, signal_words(work));
	if (!work->section->n)
		report_add_item(
			work, "No operation is known: the alert is about none, or no trace tells.");
}

static const char *recipient_role(const struct report_work *work, const char *pager)
{
	const json_t *recipients = json_object_get(work->incident, "recipients");

	for (size_t i = 0; i < json_array_size(recipients); i++)
		if (strcmp(incident_text(json_array_get(recipients, i), "pager"), pager) == 0)
			return incident_text(json_array_get(recipients, i), "role");
	return "";
}

/* A pager: when it was paged first, and what became of it. An incident that is over has no
 * recipients any more, but its story. */
static void add_paged(struct report_work *work, const char *pager)
{
	struct arena *arena = work->report->arena;
	const char *role = recipient_role(work, pager);
	int64_t paged = first_event_us(work, "paged", pager),
		reached = first_event_us(work, "reached", pager),
		refused = first_event_us(work, "refused", pager);
	const char *told = reached   ? arena_printf(arena, "; it took the page after %s",
						    report_span(work, reached - paged))
			   : refused ? "; it refused the page"
				     : "; the story tells of no answer";

	report_add_fact(work, pager,
			arena_printf(arena, "%s%spaged at %s UTC%s", role, *role ? ", " : "",
				     report_time(work, paged), told));
}

static void add_all_paged(struct report_work *work)
{
	static const char *const paged = "paged";

	for (size_t i = 0; i < count_report_events(work); i++) {
		const json_t *event = report_event(work, i);
		bool first = is_event(event, &paged, 1);
		for (size_t j = 0; j < i && first; j++)
			first = !is_event(report_event(work, j), &paged, 1) ||
				strcmp(incident_text(report_event(work, j), "who"),
				       incident_text(event, "who")) != 0;
		if (first)
			add_paged(work, incident_text(event, "who"));
	}
	if (!work->section->n)
		report_add_item(work, "The story tells of no page.");
}

static void add_paging(struct report_work *work)
{
	struct arena *arena = work->report->arena;
	int64_t opened = incident_time_us(work->incident, "opened_at"),
		acknowledged = first_event_us(work, "acknowledged", NULL);
	unsigned int handed = count_report_event(work, "rerouted"),
		     useful = count_report_event(work, "useful"),
		     noise = count_report_event(work, "noise");

	begin_section(work, "Who was paged, and whether it was right");
	add_all_paged(work);
	report_add_fact(work, "Time to acknowledge",
			acknowledged && opened ? report_span(work, acknowledged - opened)
					       : "nobody acknowledged it");
	if (handed)
		report_add_fact(work, "Handed on",
				arena_printf(arena,
					     "%u time%s, first from team %s: the rules may name a "
					     "wrong owner",
					     handed, handed == 1 ? "" : "s", first_team(work)));
	else
		report_add_fact(work, "Handed on", "no: nobody said \"not ours\"");
	report_add_fact(work, "Votes on the page",
			useful || noise ? arena_printf(arena, "%u useful, %u noise", useful, noise)
					: "none");
}

static void add_questions(struct report_work *work)
{
	const json_t *verdict = json_object_get(work->decision, "verdict");
	const json_t *fallback = json_object_get(verdict, "fallback");
	long long firing = json_integer_value(json_object_get(work->incident, "firing"));

	begin_section(work, "Open questions");
	report_add_items(work, incident_text(work->incident, "limits"));
	if (*incident_text(work->incident, "could_be"))
		report_add_item(work, arena_printf(work->report->arena, "It could also be: %s",
						   incident_text(work->incident, "could_be")));
	report_add_item(work, incident_text(fallback, "text"));
	if (!json_array_size(json_object_get(work->decision, "traces")))
		report_add_item(work, "The decision rests on no trace.");
	if (json_is_true(json_object_get(work->incident, "unreached")))
		report_add_item(work,
				"No pager took its page: who would have been reached otherwise?");
	if (firing > 0 && incident_time_us(work->incident, "closed_at"))
		report_add_item(work,
				arena_printf(work->report->arena,
					     "%lld of its alerts still fired when it was closed.",
					     firing));
	report_add_item(work, "What let the fault happen, and what would have shown it earlier?");
}

void report_init(struct report *report, const json_t *incident, bool with_names, int64_t now_us)
{
	struct report_work work = { .report = report,
				    .incident = incident,
				    .decision = json_object_get(incident, "decision"),
				    .with_names = with_names,
				    .now_us = now_us,
				    .team = "" };

	*report = (struct report){ .arena = arena_new(LIMIT_COMMAND_ARENA_BYTES) };
	for (size_t i = 0; i < count_report_events(&work); i++)
		if (is_by_person(report_event(&work, i)))
			add_report_names(&work, incident_text(report_event(&work, i), "who"));
	add_report_names(&work, incident_text(incident, "acknowledged_by"));
	report->title = report_text(
		&work,
		arena_printf(report->arena, "Post-mortem: %s", incident_text(incident, "summary")),
		true);
	add_summary(&work);
	add_impact(&work);
	add_timeline(&work);
	add_trace_section(&work);
	add_differences(&work);
	add_operations(&work);
	add_paging(&work);
	add_questions(&work);
}

void report_fini(struct report *report)
{
	for (size_t i = 0; i < report->n; i++)
		free(report->sections[i].blocks);
	arena_free(report->arena);
	*report = (struct report){ .arena = NULL };
}
