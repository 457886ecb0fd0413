/* Doctor, print: see doctor_print-internal.h. */
#include "doctor_print-internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "output-internal.h"
#include "table-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

/* ---- text ---- */

static const struct {
	const char *mark, *ascii;
	enum screen_style style;
} doctor_marks[] = {
	[DOCTOR_OK] = { "✓", "+", SCREEN_GREEN },
	[DOCTOR_SKIPPED] = { "–", "-", SCREEN_DIM },
	[DOCTOR_WARNING] = { "!", "!", SCREEN_YELLOW },
	[DOCTOR_FAILURE] = { "✗", "x", SCREEN_RED },
};

static void print_mark(const struct screen *screen, enum doctor_level level, struct buf *out)
{
	buf_puts(out, "  ");
	screen_add(screen, doctor_marks[level].style,
		   screen->ascii ? doctor_marks[level].ascii : doctor_marks[level].mark, out);
	buf_putc(out, ' ');
}

/* "source jaeger: " */
static void print_name(const struct doctor_result *result, struct buf *out)
{
	buf_puts(out, doctor_rows[result->check].name);
	if (result->about)
		buf_printf(out, " %s", result->about);
	buf_puts(out, ": ");
}

static void print_place(const struct doctor_result *result, struct buf *out)
{
	if (result->file && result->line)
		buf_printf(out, " (%s:%d)", result->file, result->line);
	else if (result->file && !strstr(result->text, result->file))
		buf_printf(out, " (%s)", result->file);
}

static void print_result(const struct doctor_result *result, const struct screen *screen,
			 struct buf *out)
{
	struct buf line = BUF_INIT(4 * LIMIT_DOCTOR_TEXT_BYTES);

	print_mark(screen, result->level, out);
	print_name(result, &line);
	buf_puts(&line, result->text);
	print_place(result, &line);
	screen_add_wrapped(screen, SCREEN_PLAIN, buf_text(&line), 4, 6, out);
	buf_fini(&line);
	if (!result->cure)
		return;
	buf_puts(out, screen->ascii ? "      -> " : "      → ");
	screen_add_wrapped(screen, SCREEN_BOLD, result->cure, 9, 8, out);
}

/* The names of what is well, on a line. */
static void print_well(const struct doctor_report *report, enum doctor_group group,
		       const struct screen *screen, struct buf *out)
{
	struct buf names = BUF_INIT(LIMIT_DOCTOR_OUTPUT_BYTES);

	for (size_t i = 0; i < report->n; i++) {
		const struct doctor_result *result = &report->at[i];
		if (result->level != DOCTOR_OK || doctor_rows[result->check].group != group)
			continue;
		buf_printf(&names, "%s%s", names.len ? ", " : "",
			   result->about ? result->about : doctor_rows[result->check].title);
	}
	if (names.len) {
		print_mark(screen, DOCTOR_OK, out);
		screen_add_wrapped(screen, SCREEN_PLAIN, buf_text(&names), 4, 4, out);
	}
	buf_fini(&names);
}

static bool result_is_shown(const struct doctor_result *result,
			    const struct doctor_options *options)
{
	return result->level >= DOCTOR_WARNING || (options->verbose && !options->quiet);
}

static void print_group(const struct doctor_report *report, enum doctor_group group,
			const struct doctor_options *options, const struct screen *screen,
			struct buf *out)
{
	struct buf body = BUF_INIT(LIMIT_DOCTOR_OUTPUT_BYTES);

	if (!options->quiet && !options->verbose)
		print_well(report, group, screen, &body);
	for (size_t i = 0; i < report->n; i++)
		if (doctor_rows[report->at[i].check].group == group &&
		    result_is_shown(&report->at[i], options))
			print_result(&report->at[i], screen, &body);
	if (body.len) {
		screen_add(screen, SCREEN_BOLD, doctor_group_title(group), out);
		buf_putc(out, '\n');
		buf_puts(out, buf_text(&body));
	}
	buf_fini(&body);
}

static void print_counts(const struct doctor_report *report, struct buf *out)
{
	char took[PLAIN_DURATION_SIZE];

	buf_printf(out, "%zu well", report->counts[DOCTOR_OK]);
	output_add_count(out, ", ", report->counts[DOCTOR_WARNING], "warning", "warnings");
	output_add_count(out, ", ", report->counts[DOCTOR_FAILURE], "failure", "failures");
	buf_printf(out, ", %zu skipped; as %s, in %s\n", report->counts[DOCTOR_SKIPPED],
		   report->user, plain_duration(report->took_us, took));
}

static void print_text(const struct doctor_report *report, const struct doctor_options *options)
{
	struct buf out = BUF_INIT(LIMIT_DOCTOR_OUTPUT_BYTES);
	struct screen screen;

	screen_look(&screen);
	if (options->color != COLOUR_AUTO)
		screen.colour = options->color == COLOUR_ALWAYS;
	for (int group = 0; group < DOCTOR_GROUP_COUNT; group++)
		print_group(report, (enum doctor_group)group, options, &screen, &out);
	if (!options->quiet)
		print_counts(report, &out);
	screen_print(&screen, &out);
	buf_fini(&out);
}

/* ---- JSON ---- */

static void json_add_result(const struct doctor_result *result, struct buf *out)
{
	static const char *const groups[DOCTOR_GROUP_COUNT] = {
		[DOCTOR_GROUP_CONFIGURATION] = "configuration",
		[DOCTOR_GROUP_MACHINE] = "machine",
		[DOCTOR_GROUP_STORE] = "store",
		[DOCTOR_GROUP_PEERS] = "peers",
		[DOCTOR_GROUP_RELAY] = "relay",
		[DOCTOR_GROUP_PAST] = "past",
	};

	buf_putc(out, '{');
	buf_json_text(out, "check", doctor_rows[result->check].name);
	buf_json_text(out, "group", groups[doctor_rows[result->check].group]);
	buf_json_text(out, "level", doctor_level_name(result->level));
	buf_json_text(out, "about", result->about);
	buf_json_text(out, "text", result->text);
	buf_json_text(out, "cure", result->cure);
	buf_json_text(out, "code", result->code);
	buf_json_text(out, "file", result->file);
	buf_json_int(out, "line", result->line);
	buf_putc(out, '}');
}

static enum doctor_level worst_level(const struct doctor_report *report)
{
	return report->counts[DOCTOR_FAILURE]	? DOCTOR_FAILURE
	       : report->counts[DOCTOR_WARNING] ? DOCTOR_WARNING
						: DOCTOR_OK;
}

static void print_json(const struct doctor_report *report)
{
	struct buf out = BUF_INIT(LIMIT_DOCTOR_OUTPUT_BYTES);

	buf_puts(&out, "{\"version\":1");
	buf_json_text(&out, "status", doctor_level_name(worst_level(report)));
	buf_json_text(&out, "config", *report->config ? report->config : NULL);
	buf_json_text(&out, "user", report->user);
	buf_json_int(&out, "took_ms", report->took_us / US_PER_MS);
	buf_json_key(&out, "counts");
	buf_putc(&out, '{');
	for (int level = 0; level <= DOCTOR_FAILURE; level++)
		buf_json_int(&out, doctor_level_name((enum doctor_level)level),
			     (int64_t)report->counts[level]);
	buf_putc(&out, '}');
	buf_json_key(&out, "results");
	buf_putc(&out, '[');
	for (size_t i = 0; i < report->n; i++) {
		buf_puts(&out, i ? "," : "");
		json_add_result(&report->at[i], &out);
	}
	buf_puts(&out, "]}\n");
	output_print(&out);
	buf_fini(&out);
}

/* ---- a monitoring system ---- */

/* The bar separates the figures, and may not stand in words. */
static void plugin_add_words(struct buf *out, const char *text)
{
	for (; *text; text++)
		buf_putc(out, *text == '|' ? '/' : *text);
}

static void plugin_add_result(struct buf *out, const struct doctor_result *result)
{
	struct buf line = BUF_INIT(4 * LIMIT_DOCTOR_TEXT_BYTES);

	print_name(result, &line);
	buf_printf(&line, "%s%s%s", result->text, result->cure ? "; " : "",
		   result->cure ? result->cure : "");
	plugin_add_words(out, buf_text(&line));
	buf_fini(&line);
}

/* "TRACEPAGER WARNING: dns hooks.example: …; the cure | well=8 warnings=2 …": the first of the
 * worst problems; then all problems, a line each. */
static void print_plugin(const struct doctor_report *report)
{
	static const char *const words[] = {
		[DOCTOR_OK] = "OK", [DOCTOR_WARNING] = "WARNING", [DOCTOR_FAILURE] = "CRITICAL"
	};
	const enum doctor_level worst = worst_level(report);
	struct buf out = BUF_INIT(LIMIT_DOCTOR_OUTPUT_BYTES);
	size_t i = 0;

	const bool nothing = report->counts[DOCTOR_SKIPPED] == report->n;
	buf_printf(&out, "TRACEPAGER %s: ", nothing ? "UNKNOWN" : words[worst]);
	while (i < report->n && report->at[i].level != worst)
		i++;
	if (nothing)
		buf_puts(&out, "every check was skipped; --verbose tells why");
	else if (worst == DOCTOR_OK || i == report->n)
		buf_printf(&out, "%zu checks are well", report->counts[DOCTOR_OK]);
	else
		plugin_add_result(&out, &report->at[i]);
	buf_printf(&out, " | well=%zu warnings=%zu failures=%zu skipped=%zu time=%.3fs\n",
		   report->counts[DOCTOR_OK], report->counts[DOCTOR_WARNING],
		   report->counts[DOCTOR_FAILURE], report->counts[DOCTOR_SKIPPED],
		   (double)report->took_us / (double)US_PER_SECOND);
	for (i = 0; i < report->n; i++)
		if (report->at[i].level >= DOCTOR_WARNING) {
			buf_printf(&out, "%s: ", doctor_level_name(report->at[i].level));
			plugin_add_result(&out, &report->at[i]);
			buf_putc(&out, '\n');
		}
	output_print(&out);
	buf_fini(&out);
}

/* ---- the choice ---- */

void doctor_print(const struct doctor_report *report, const struct doctor_options *options)
{
	switch (options->format) {
	case DOCTOR_FORMAT_TEXT:
		print_text(report, options);
		break;
	case DOCTOR_FORMAT_JSON:
		print_json(report);
		break;
	case DOCTOR_FORMAT_PLUGIN:
		print_plugin(report);
		break;
	}
}

void doctor_print_list(void)
{
	struct buf out = BUF_INIT(LIMIT_DOCTOR_OUTPUT_BYTES);
	struct screen screen;

	screen_look(&screen);
	for (int i = 0; i < DOCTOR_CHECK_COUNT; i++) {
		buf_printf(&out, "%-18s", doctor_rows[i].name);
		screen_add_wrapped(&screen, SCREEN_PLAIN, doctor_rows[i].text, 18, 18, &out);
	}
	screen_print(&screen, &out);
	buf_fini(&out);
}
