/*
 * tracepager audit: the rules beside what the stored decisions and their traces showed. Which
 * services nobody owns, which entries no trace shows any more, which were not reviewed, which links
 * and pagers do not answer, which calls no rule names, which alerts are about a whole service, and
 * which team is paged how often.
 *
 * It reads the store beside a running daemon and pages nobody. Owns what it found until it has
 * printed it.
 */
#include "audit_pages-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands-internal.h"
#include "output-internal.h"
#include "usage-internal.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/terminal.h"
#include "tracepager/xalloc.h"

/* A review older than this is listed where neither the command line nor the rules say otherwise. */
#define REVIEWED_AFTER_US (180 * US_PER_DAY)

/* Pages are counted from then on: four whole weeks, so that weekdays can be compared. */
#define PAGES_SINCE_US (28 * US_PER_DAY)

enum audit_section {
	SECTION_UNOWNED,
	SECTION_UNSEEN,
	SECTION_UNREVIEWED,
	SECTION_LINKS,
	SECTION_REFUSALS,
	SECTION_CALLS,
	SECTION_BROAD,
	SECTION_TEAMS,
	SECTION_WRONG_RULES,
	SECTION_KINDS,
	SECTIONS
};

/* clang-format off */
static const struct audit_table empty_tables[SECTIONS] = {
	[SECTION_UNOWNED] = { .key = "unowned_services", .title = "Services in traces that nobody owns",
		.empty = "Every service that was seen has an owner.",
		.columns = { { "service", "service", false, false }, { "namespace", "namespace", false, false },
			     { "traces", "traces", true, false }, { "last seen", "last_seen", false, false },
			     { "called by", "called_by", false, false } }, .ncolumns = 5 },
	[SECTION_UNSEEN] = { .key = "unseen_entries", .title = "Entries whose service was not seen",
		.empty = "Every entry's service was seen.",
		.columns = { { "entry", "entry", false, false }, { "owner", "owner", false, false },
			     { "rule", "rule", false, false } }, .ncolumns = 3 },
	[SECTION_UNREVIEWED] = { .key = "unreviewed_entries", .title = "Entries with an old review",
		.empty = "Every review is recent.",
		.columns = { { "entry", "entry", false, false }, { "reviewed at", "reviewed_at", false, false },
			     { "owner", "owner", false, false }, { "rule", "rule", false, false } }, .ncolumns = 4 },
	[SECTION_LINKS] = { .key = "dead_links", .title = "Links that do not answer",
		.empty = "Every link answers.",
		.columns = { { "entry", "entry", false, false }, { "kind", "kind", false, false }, { "link", "link", false, false },
			     { "answer", "answer", false, false }, { "rule", "rule", false, false } }, .ncolumns = 5 },
	[SECTION_REFUSALS] = { .key = "refusing_pagers", .title = "Pagers that refused pages",
		.empty = "No pager refused a page.",
		.columns = { { "pager", "pager", false, false }, { "pages", "pages", true, false },
			     { "last time", "last_time", false, false }, { "its reply", "error", false, false } },
		.ncolumns = 4 },
	[SECTION_CALLS] = { .key = "unnamed_calls", .title = "Calls to what no rule names",
		.empty = "Everything that is called has an entry.",
		.columns = { { "caller", "caller", false, false }, { "callee", "callee", false, false },
			     { "traces", "traces", true, false }, { "last seen", "last_seen", false, false } },
		.ncolumns = 4 },
	[SECTION_BROAD] = { .key = "broad_alerts", .title = "Alerts about a whole service, and the rule that would narrow each",
		.empty = "Every alert about a service names an operation.",
		.columns = { { "alert", "alert", false, false }, { "service", "service", false, false },
			     { "decisions", "decisions", true, false }, { "rule under signals", "signal", false, true } },
		.ncolumns = 4 },
	[SECTION_TEAMS] = { .key = "pages_by_team", .title = "Pages by team",
		.empty = "Nobody was paged.",
		.columns = { { "team", "team", false, false }, { "pages", "pages", true, false },
			     { "percent", "percent", true, false } }, .ncolumns = 3 },
	[SECTION_WRONG_RULES] = { .key = "wrong_rules", .title = "Rules whose team said \"not ours\"",
		.empty = "No team said \"not ours\".",
		.columns = { { "rule", "rule", false, false }, { "decisions", "decisions", true, false },
			     { "not ours", "not_ours", true, false }, { "percent", "percent", true, false } }, .ncolumns = 4 },
	[SECTION_KINDS] = { .key = "verdict_kinds", .title = "Decisions that paged, by kind of verdict",
		.empty = "Nobody was paged.",
		.columns = { { "kind", "kind", false, false }, { "decisions", "decisions", true, false },
			     { "not ours", "not_ours", true, false }, { "percent", "percent", true, false } }, .ncolumns = 4 },
};
/* clang-format on */

struct audit {
	struct audit_options options;
	int64_t now_us, since_us;
	struct history *history;
	struct ruleset *rules;
	struct arena *arena;
	struct sightings seen;
	struct page_count answers;
	struct past_list missing; /* struct seen_service: those that have no entry */
	struct audit_table tables[SECTIONS];
};

/* ---- the sections ---- */

static const char *number_text(const struct audit *audit, int64_t number)
{
	return arena_printf(audit->arena, "%lld", (long long)number);
}

static const char *time_text(const struct audit *audit, int64_t us)
{
	char text[PAST_TIME_SIZE];

	return arena_strdup(audit->arena, past_time_text(us, text));
}

static void list_unowned(struct audit *audit)
{
	for (size_t i = 0; i < audit->seen.services.n; i++) {
		struct seen_service *service = audit->seen.services.at[i];
		if (service->rule)
			continue;
		past_list_add(&audit->missing, service);
		if (!service->is_peer)
			audit_table_add(&audit->tables[SECTION_UNOWNED],
					(const char *[]){ service->name, service->namespace,
							  number_text(audit, service->ntraces),
							  time_text(audit, service->last_us),
							  service->caller });
	}
}

static void list_calls(struct audit *audit)
{
	for (size_t i = 0; i < audit->seen.calls.n; i++) {
		const struct seen_call *call = audit->seen.calls.at[i];
		if (!call->to->rule)
			audit_table_add(&audit->tables[SECTION_CALLS],
					(const char *[]){ call->from->name, call->to->name,
							  number_text(audit, call->ntraces),
							  time_text(audit, call->last_us) });
	}
}

/* "2026-09-01", or with a time; 0: the text is no date. */
static int64_t review_us(const char *text)
{
	CLEANUP_FREE char *midnight = xasprintf("%sT00:00:00Z", text);
	int64_t us = 0;

	if (rfc3339_parse(text, strlen(text), &us) < 0 &&
	    rfc3339_parse(midnight, strlen(midnight), &us) < 0)
		return 0;
	return us;
}

static int64_t reviewed_after_us(const struct audit *audit)
{
	int64_t of_rules_us = rules_defaults(audit->rules)->reviewed_after_us;

	if (audit->options.reviewed_after_us)
		return audit->options.reviewed_after_us;
	return of_rules_us ? of_rules_us : REVIEWED_AFTER_US;
}

static void list_entries(struct audit *audit)
{
	int64_t oldest_us = audit->now_us - reviewed_after_us(audit);
	size_t n;
	const struct service_rule *const *services = rules_services(audit->rules, &n);

	for (size_t i = 0; i < n; i++) {
		const struct service_rule *rule = services[i];
		if (!sightings_has_entry(&audit->seen, rule->name))
			audit_table_add(
				&audit->tables[SECTION_UNSEEN],
				(const char *[]){ rule->name, rule->owner->name, rule->place });
		if (rule->reviewed_at && review_us(rule->reviewed_at) < oldest_us)
			audit_table_add(&audit->tables[SECTION_UNREVIEWED],
					(const char *[]){ rule->name, rule->reviewed_at,
							  rule->owner->name, rule->place });
	}
}

static void list_refusal(void *ctx, const struct refusal *refusal)
{
	struct audit *audit = ctx;

	audit_table_add(&audit->tables[SECTION_REFUSALS],
			(const char *[]){ arena_strdup(audit->arena, refusal->pager),
					  number_text(audit, refusal->n),
					  time_text(audit, refusal->last_us),
					  arena_strdup(audit->arena, refusal->error) });
}

static void list_broad(struct audit *audit)
{
	for (size_t i = 0; i < audit->seen.broad.n; i++) {
		const struct broad_alert *broad = audit->seen.broad.at[i];
		audit_table_add(&audit->tables[SECTION_BROAD],
				(const char *[]){ broad->name, broad->service,
						  number_text(audit, broad->ndecisions),
						  broad_alert_rule(audit->arena, broad) });
	}
}

/* A page is an incident's first one to a team: its further decisions are none. */
static void list_teams(struct audit *audit)
{
	const struct page_count *count = &audit->answers;

	for (size_t i = 0; i < count->teams.n; i++) {
		const struct page_figures *figures = count->teams.at[i];
		if (!figures->pages)
			continue;
		audit_table_add(
			&audit->tables[SECTION_TEAMS],
			(const char *[]){ figures->team, number_text(audit, figures->pages),
					  number_text(audit, page_percent(figures->pages,
									  count->all.pages)) });
	}
}

static void list_verdicts(struct audit *audit, const struct past_list *list, bool only_wrong,
			  enum audit_section section)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct verdict_figures *figures = list->at[i];
		if (only_wrong && !figures->not_ours)
			continue;
		audit_table_add(&audit->tables[section],
				(const char *[]){
					figures->name,
					number_text(audit, figures->decisions),
					number_text(audit, figures->not_ours),
					number_text(audit, page_percent(figures->not_ours,
									figures->decisions)),
				});
	}
}

/* ---- the command ---- */

static int add_decisions(struct audit *audit, struct err *err)
{
	struct past past;
	int64_t pos = 0;
	int result;

	while ((result = history_next(audit->history, audit->since_us, INT64_MAX, &pos, &past,
				      err)) > 0) {
		sightings_add(&audit->seen, &past);
		past_fini(&past);
	}
	return result;
}

static int fill_tables(struct audit *audit, struct err *err)
{
	int result = add_decisions(audit, err);

	if (result >= 0)
		result =
			history_refusals(audit->history, audit->since_us, list_refusal, audit, err);
	if (result >= 0 && audit->options.check_links)
		result = audit_dead_links(audit->rules, audit->arena, &audit->tables[SECTION_LINKS],
					  err);
	if (result >= 0)
		result = audit_pages_read(audit->history, audit->since_us, &audit->answers, err);
	if (result < 0)
		return result;
	sightings_sort(&audit->seen);
	list_unowned(audit);
	list_calls(audit);
	list_entries(audit);
	list_broad(audit);
	list_teams(audit);
	list_verdicts(audit, &audit->answers.by_rule, true, SECTION_WRONG_RULES);
	list_verdicts(audit, &audit->answers.by_kind, false, SECTION_KINDS);
	return 0;
}

static bool writes_to_stdout(const struct audit *audit)
{
	return audit->options.write && strcmp(audit->options.write, "-") == 0;
}

static int write_proposal(const struct audit *audit)
{
	struct buf out = BUF_INIT(LIMIT_AUDIT_REPORT_BYTES);
	const char *path = audit->options.write;
	int error = 0;

	audit_propose(&audit->missing, audit->rules, audit->now_us, &out);
	if (writes_to_stdout(audit))
		fwrite(buf_text(&out), 1, out.len, stdout);
	else
		error = output_write(path, buf_text(&out), out.len);
	buf_fini(&out);
	if (error)
		command_failed(STATUS_USAGE, "audit", "cannot write %s: %s", path,
			       strerror(-error));
	return error;
}

/* Prints the sections that were asked for. Returns the exit status: 1 where one of them lists
 * something to do. */
static int print_sections(const struct audit *audit)
{
	struct audit_table shown[SECTIONS];
	struct buf out = BUF_INIT(LIMIT_AUDIT_REPORT_BYTES);
	size_t n = 0;
	int status = 0;

	for (int section = 0; section < SECTIONS; section++) {
		if (section == SECTION_LINKS && !audit->options.check_links)
			continue;
		/* A broad alert is no mistake of the rules. */
		if (section != SECTION_TEAMS && section != SECTION_BROAD &&
		    section != SECTION_KINDS && audit->tables[section].ncells)
			status = 1;
		shown[n++] = audit->tables[section];
	}
	audit_tables_write(shown, n, audit->options.format, &out);
	/* A report beside the rules that are written there could not be loaded with them. */
	if (!writes_to_stdout(audit))
		fwrite(buf_text(&out), 1, out.len, stdout);
	if (audit->seen.unreadable)
		fprintf(stderr, "%lld decisions could not be read and are left out\n",
			(long long)audit->seen.unreadable);
	if (audit->seen.left_out)
		fputs("more services or calls were seen than are counted; some are left out\n",
		      stderr);
	buf_fini(&out);
	return status;
}

/* Pages are counted without rules, too: the locations of teams are all that is missing. */
static int run_pages(struct audit *audit)
{
	struct err err = { 0 };

	if (audit_pages_read(audit->history, audit->since_us, &audit->answers, &err) < 0)
		return command_failed(STATUS_USAGE, "audit", "%s", err.text);
	return audit_pages_print(audit->history, &audit->answers, audit->since_us, audit->now_us,
				 audit->options.format);
}

static int run_audit(struct audit *audit)
{
	struct err err = { 0 };

	if (history_open(audit->options.store, &audit->history, &err) < 0)
		return command_failed(STATUS_USAGE, "audit", "%s", err.text);
	if (audit->options.rules)
		audit->rules = output_load_rules(&audit->options.rules, 1,
						 terminal_has_colour(STDERR_FILENO));
	else
		audit->rules = audit_stored_rules(audit->history, &err);
	if (!audit->rules && (audit->options.rules || !audit->options.pages))
		return command_failed(STATUS_USAGE, "audit", "%s",
				      audit->options.rules ? "the rules have errors" : err.text);
	page_count_init(&audit->answers, audit->arena, audit->rules);
	if (audit->options.pages)
		return run_pages(audit);
	sightings_init(&audit->seen, audit->arena, audit->rules);
	if (fill_tables(audit, &err) < 0)
		return command_failed(STATUS_USAGE, "audit", "%s", err.text);
	if (audit->options.write && write_proposal(audit) < 0)
		return STATUS_USAGE;
	return print_sections(audit);
}

static void audit_fini(struct audit *audit)
{
	history_close(audit->history);
	rules_unref(audit->rules);
	sightings_fini(&audit->seen);
	page_count_fini(&audit->answers);
	free(audit->missing.at);
	for (size_t i = 0; i < SECTIONS; i++)
		free(audit->tables[i].cells);
	arena_free(audit->arena);
}

int cmd_audit(int argc, char **argv)
{
	struct audit audit = { .history = NULL };
	int status;

	if (!options_parse_audit(argc, argv, &audit.options, &status))
		return status;
	audit.now_us = clock_wall_us(clock_system());
	audit.since_us = audit.now_us - audit.options.days * US_PER_DAY;
	if (audit.options.pages)
		audit.since_us = audit.now_us - PAGES_SINCE_US;
	if (audit.options.since_us)
		audit.since_us = audit.options.since_us;
	audit.arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	memcpy(audit.tables, empty_tables, sizeof(empty_tables));
	status = run_audit(&audit);
	audit_fini(&audit);
	return status;
}
