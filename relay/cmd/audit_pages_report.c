/*
 * Audit, report of pages: figures by team as tables, and a map of the hours of the week, for a
 * terminal, as Markdown and as JSON. Pure; owns nothing.
 */
#include "audit_pages-internal.h"

#include <stdlib.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

/* Maps of the teams with the most pages; JSON has those of all teams. */
#define MAPS_MOST 12
/* A map with numbers: a weekday, 24 hours of three cells, the total. */
#define WIDE_MAP_COLUMNS 80
/* Up to this many pages an hour no hour is a dark one. */
#define DARK_LEAST 4

static const char *const weekdays[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

/* clang-format off */
static const struct audit_table answers_table = {
	.key = "teams", .title = "Pages and answers", .empty = "Nobody was paged.",
	.columns = { { "team", "", false, false }, { "pages", "", true, false }, { "a day", "", true, false },
		     { "false", "", true, false }, { "acked", "", true, false }, { "median", "", true, false },
		     { "p90", "", true, false }, { "escalated", "", true, false }, { "no answer", "", true, false } },
	.ncolumns = 9 };
static const struct audit_table causes_table = {
	.key = "false_pages", .title = "What people said, and what went away", .empty = "Nobody was paged.",
	.columns = { { "team", "", false, false }, { "not ours", "", true, false }, { "gone in 5 min", "", true, false },
		     { "noise", "", true, false }, { "useful", "", true, false }, { "moved", "", true, false } },
	.ncolumns = 6 };
static const struct audit_table rules_table = {
	.key = "rules", .title = "Rules whose decisions were \"not ours\"", .empty = "No team said \"not ours\".",
	.columns = { { "rule", "", false, false }, { "decisions", "", true, false },
		     { "not ours", "", true, false }, { "share", "", true, false } },
	.ncolumns = 4 };
static const struct audit_table kinds_table = {
	.key = "kinds", .title = "Verdicts by kind", .empty = "Nothing was decided.",
	.columns = { { "kind", "", false, false }, { "decisions", "", true, false },
		     { "not ours", "", true, false }, { "share", "", true, false } },
	.ncolumns = 4 };
/* clang-format on */

/* ---- tables ---- */

static const char *count_text(struct arena *arena, int64_t n)
{
	return arena_printf(arena, "%lld", (long long)n);
}

static const char *percent_text(struct arena *arena, int64_t part, int64_t whole)
{
	return whole ? arena_printf(arena, "%lld%%", (long long)page_percent(part, whole)) : "-";
}

/* "40 s", "12 min", "3.5 h"; a wait of people needs no more. */
static const char *wait_text(struct arena *arena, int64_t us)
{
	if (us < 0)
		return "-";
	if (us < 2 * US_PER_MINUTE)
		return arena_printf(arena, "%lld s", (long long)(us / US_PER_SECOND));
	if (us < 120 * US_PER_MINUTE)
		return arena_printf(arena, "%lld min", (long long)(us / US_PER_MINUTE));
	return arena_printf(arena, "%.1f h", (double)us / (60.0 * US_PER_MINUTE));
}

static void add_team_rows(const struct page_count *count, const struct page_figures *figures,
			  const struct pages_period *period, struct audit_table *answers,
			  struct audit_table *causes)
{
	struct arena *arena = count->arena;

	audit_table_add(answers,
			(const char *[]){
				figures->team,
				count_text(arena, figures->pages),
				arena_printf(arena, "%.1f", (double)figures->pages / period->days),
				percent_text(arena, figures->false_pages, figures->pages),
				percent_text(arena, figures->acknowledged, figures->pages),
				wait_text(arena, page_figures_wait_us(figures, 50)),
				wait_text(arena, page_figures_wait_us(figures, 90)),
				count_text(arena, figures->escalated),
				count_text(arena, figures->unanswered),
			});
	audit_table_add(causes, (const char *[]){
					figures->team,
					count_text(arena, figures->not_ours),
					count_text(arena, figures->gone),
					count_text(arena, figures->noise),
					count_text(arena, figures->useful),
					count_text(arena, figures->moved),
				});
}

static void add_verdict_rows(struct arena *arena, const struct past_list *list, bool only_wrong,
			     struct audit_table *table)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct verdict_figures *figures = list->at[i];
		if (only_wrong && !figures->not_ours)
			break;
		audit_table_add(table,
				(const char *[]){
					*figures->name ? figures->name : "-",
					count_text(arena, figures->decisions),
					count_text(arena, figures->not_ours),
					percent_text(arena, figures->not_ours, figures->decisions),
				});
	}
}

static void add_tables(const struct page_count *count, const struct pages_period *period,
		       bool markdown, struct buf *out)
{
	struct audit_table tables[] = { answers_table, causes_table, rules_table, kinds_table };

	for (size_t i = 0; i < count->teams.n; i++)
		add_team_rows(count, count->teams.at[i], period, &tables[0], &tables[1]);
	if (count->teams.n > 1)
		add_team_rows(count, &count->all, period, &tables[0], &tables[1]);
	add_verdict_rows(count->arena, &count->by_rule, true, &tables[2]);
	add_verdict_rows(count->arena, &count->by_kind, false, &tables[3]);
	audit_tables_write(tables, ARRAY_LEN(tables), markdown ? TABLE_MARKDOWN : TABLE_TEXT, out);
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		free(tables[i].cells);
}

/* ---- the map of hours ---- */

static int64_t busiest_hour(const struct page_figures *figures)
{
	int64_t most = DARK_LEAST;

	for (size_t i = 0; i < HOURS_PER_WEEK; i++)
		most = figures->hours[i] > most ? figures->hours[i] : most;
	return most;
}

static int64_t day_pages(const struct page_figures *figures, size_t day)
{
	int64_t pages = 0;

	for (size_t hour = 0; hour < 24; hour++)
		pages += figures->hours[24 * day + hour];
	return pages;
}

/* Three cells: a shade by its share of the busiest hour, and up to two digits. */
static void add_wide_hour(int64_t pages, int64_t most, const struct screen *screen, struct buf *out)
{
	static const char *const shades[] = { " ", "░", "▒", "▓", "█" };
	static const enum screen_style styles[] = { SCREEN_DIM, SCREEN_PLAIN, SCREEN_PLAIN,
						    SCREEN_YELLOW, SCREEN_RED };
	size_t level = (size_t)((4 * pages + most - 1) / most);
	char cell[32];

	if (!pages)
		snprintf(cell, sizeof(cell), "%s  ", screen->ascii ? "." : "·");
	else if (pages > 99)
		snprintf(cell, sizeof(cell), "99+");
	else if (screen->ascii)
		snprintf(cell, sizeof(cell), "%-3d", (int)pages);
	else
		snprintf(cell, sizeof(cell), "%s%-2d", shades[level], (int)pages);
	screen_add(screen, styles[level], cell, out);
}

static void add_wide_map(const struct page_figures *figures, const struct screen *screen,
			 struct buf *out)
{
	int64_t most = busiest_hour(figures);

	buf_puts(out, "    ");
	for (int hour = 0; hour < 24; hour++)
		buf_printf(out, "%02d ", hour);
	buf_puts(out, " all\n");
	for (size_t day = 0; day < 7; day++) {
		buf_printf(out, "%s ", weekdays[day]);
		for (size_t hour = 0; hour < 24; hour++)
			add_wide_hour(figures->hours[24 * day + hour], most, screen, out);
		buf_printf(out, "%4lld\n", (long long)day_pages(figures, day));
	}
}

/* One cell an hour, for a narrow terminal: a digit, + for more. */
static void add_narrow_map(const struct page_figures *figures, struct buf *out)
{
	buf_puts(out, "    0     6     12    18      all\n");
	for (size_t day = 0; day < 7; day++) {
		buf_printf(out, "%s ", weekdays[day]);
		for (size_t hour = 0; hour < 24; hour++) {
			int64_t pages = figures->hours[24 * day + hour];
			buf_putc(out, pages > 9 ? '+' : pages ? (char)('0' + pages) : '.');
		}
		buf_printf(out, "%6lld\n", (long long)day_pages(figures, day));
	}
}

static void add_map(const struct page_figures *figures, const char *where,
		    const struct screen *screen, bool markdown, struct buf *out)
{
	buf_puts(out, markdown ? "\n## Pages of " : "\nPages of ");
	plain_add(out, figures->team, LIMIT_TABLE_COLUMNS_MOST);
	buf_printf(out, " by hour, in %s\n%s", where, markdown ? "\n```\n" : "");
	if (screen->columns >= WIDE_MAP_COLUMNS)
		add_wide_map(figures, screen, out);
	else
		add_narrow_map(figures, out);
	buf_puts(out, markdown ? "```\n" : "");
}

static void add_maps(const struct page_count *count, const struct screen *screen, bool markdown,
		     struct buf *out)
{
	for (size_t i = 0; i < count->teams.n && i < MAPS_MOST; i++) {
		const struct page_figures *figures = count->teams.at[i];
		add_map(figures,
			figures->location ? figures->location
					  : "UTC (the rules give it no location)",
			screen, markdown, out);
	}
	if (count->teams.n > MAPS_MOST)
		buf_printf(out, "\n%zu more teams: --format json has the hours of all.\n",
			   count->teams.n - MAPS_MOST);
	if (count->teams.n > 1)
		add_map(&count->all, "each team's location", screen, markdown, out);
}

/* ---- the whole ---- */

void pages_report_text(const struct page_count *count, const struct pages_period *period,
		       const struct screen *screen, bool markdown, struct buf *out)
{
	char since[PAST_TIME_SIZE];

	buf_printf(out, "%s%lld page%s since %s UTC (%.1f days): %.1f a day, %s false\n\n",
		   markdown ? "# " : "", (long long)count->all.pages,
		   count->all.pages == 1 ? "" : "s", past_time_text(period->since_us, since),
		   period->days, (double)count->all.pages / period->days,
		   percent_text(count->arena, count->all.false_pages, count->all.pages));
	add_tables(count, period, markdown, out);
	add_maps(count, screen, markdown, out);
	buf_putc(out, '\n');
	screen_add_wrapped(
		screen, SCREEN_PLAIN,
		"A page is false if its team said \"not ours\" or \"noise\", or if it was "
		"gone by itself within 5 minutes and nobody had acknowledged it.",
		0, 0, out);
}

/* ---- JSON ---- */

static void json_share(struct buf *out, const char *key, int64_t part, int64_t whole)
{
	buf_json_key(out, key);
	if (whole)
		buf_printf(out, "%.4f", (double)part / (double)whole);
	else
		buf_puts(out, "null");
}

static void json_wait(struct buf *out, const char *key, int64_t us)
{
	buf_json_key(out, key);
	if (us < 0)
		buf_puts(out, "null");
	else
		buf_printf(out, "%.3f", (double)us / US_PER_SECOND);
}

static void json_hours(const struct page_figures *figures, struct buf *out)
{
	buf_json_key(out, "hours");
	for (size_t i = 0; i < HOURS_PER_WEEK; i++)
		buf_printf(out, "%s%lld",
			   !i	    ? "[["
			   : i % 24 ? ","
				    : "],[",
			   (long long)figures->hours[i]);
	buf_puts(out, "]]");
}

static void json_figures(const struct page_figures *figures, const struct pages_period *period,
			 struct buf *out)
{
	buf_json_int(out, "pages", figures->pages);
	buf_json_key(out, "pages_per_day");
	buf_printf(out, "%.4f", (double)figures->pages / period->days);
	buf_json_int(out, "false_pages", figures->false_pages);
	json_share(out, "false_share", figures->false_pages, figures->pages);
	buf_json_int(out, "acknowledged", figures->acknowledged);
	json_wait(out, "acknowledged_median_seconds", page_figures_wait_us(figures, 50));
	json_wait(out, "acknowledged_p90_seconds", page_figures_wait_us(figures, 90));
	buf_json_int(out, "resolved_by_people", figures->resolved_by_people);
	buf_json_int(out, "escalated", figures->escalated);
	buf_json_int(out, "unanswered", figures->unanswered);
	buf_json_int(out, "not_ours", figures->not_ours);
	buf_json_int(out, "gone_within_five_minutes", figures->gone);
	buf_json_int(out, "noise", figures->noise);
	buf_json_int(out, "useful", figures->useful);
	buf_json_int(out, "moved", figures->moved);
	json_hours(figures, out);
	buf_putc(out, '}');
}

static void json_verdicts(const struct past_list *list, const char *key, const char *name,
			  struct buf *out)
{
	buf_json_key(out, key);
	buf_putc(out, '[');
	for (size_t i = 0; i < list->n; i++) {
		const struct verdict_figures *figures = list->at[i];
		buf_puts(out, i ? ",{" : "{");
		buf_json_text(out, name, figures->name);
		buf_json_int(out, "decisions", figures->decisions);
		buf_json_int(out, "not_ours", figures->not_ours);
		json_share(out, "share", figures->not_ours, figures->decisions);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

void pages_report_json(const struct page_count *count, const struct pages_period *period,
		       struct buf *out)
{
	char time[RFC3339_SIZE];

	buf_putc(out, '{');
	buf_json_int(out, "version", 1);
	buf_json_text(out, "since", rfc3339_format(period->since_us, time));
	buf_json_text(out, "until", rfc3339_format(period->until_us, time));
	buf_json_key(out, "days");
	buf_printf(out, "%.4f", period->days);
	buf_json_key(out, "all");
	buf_putc(out, '{');
	json_figures(&count->all, period, out);
	buf_json_key(out, "teams");
	buf_putc(out, '[');
	for (size_t i = 0; i < count->teams.n; i++) {
		const struct page_figures *figures = count->teams.at[i];
		buf_puts(out, i ? ",{" : "{");
		buf_json_text(out, "team", figures->team);
		buf_json_text(out, "location", figures->location ? figures->location : "UTC");
		json_figures(figures, period, out);
	}
	buf_putc(out, ']');
	json_verdicts(&count->by_rule, "rules", "rule", out);
	json_verdicts(&count->by_kind, "kinds", "kind", out);
	buf_puts(out, "}\n");
}
