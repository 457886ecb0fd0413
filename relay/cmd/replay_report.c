/*
 * Replay, report: what the pages of past decisions would have been under other rules, as text and
 * as JSON. Pure.
 */
#include "replay-internal.h"

#include <stdlib.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/hash.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

#define REPLAY_TEXT_COLUMNS 200

/* ---- counts ---- */

/* How many pages change in one way. The decisions of one incident are one page. */
struct change_tally {
	const char *what;
	size_t n;
};

/* Is it the first change of this sort for its incident? Each decision without one is alone. */
static bool is_first_of_page(struct map *seen, const char *what, const struct replay_change *change)
{
	if (!*change->incident)
		return true;
	CLEANUP_FREE char *key = xasprintf("%s\n%s", change->incident, what);
	return map_put(seen, key, seen) == NULL;
}

static size_t count_changed_pages(const struct replay_result *result)
{
	struct map *seen = map_new();
	size_t n = 0;

	for (size_t i = 0; i < result->nchanges; i++)
		n += is_first_of_page(seen, "", result->changes[i]);
	map_free(seen);
	return n;
}

static int by_tally(const void *a, const void *b)
{
	const struct change_tally *x = a, *y = b;

	return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : strcmp(x->what, y->what);
}

/* The most frequent sort first. Caller frees. */
static struct change_tally *tally_changes(const struct replay_result *result, size_t *ret_n)
{
	struct change_tally *tallies = xcalloc(result->nchanges + 1, sizeof(*tallies));
	struct map *index = map_new(), *seen = map_new();
	size_t n = 0;

	for (size_t i = 0; i < result->nchanges; i++) {
		const char *what = result->changes[i]->what;
		if (!is_first_of_page(seen, what, result->changes[i]))
			continue;
		struct change_tally *tally = map_get(index, what);
		if (!tally) {
			tally = &tallies[n++];
			tally->what = what;
			map_put(index, what, tally);
		}
		tally->n++;
	}
	map_free(index);
	map_free(seen);
	qsort(tallies, n, sizeof(*tallies), by_tally);
	*ret_n = n;
	return tallies;
}

/* ---- text ---- */

static void add_tallies(const struct replay_result *result, struct buf *out)
{
	char since[PAST_TIME_SIZE];
	size_t n;
	struct change_tally *tallies = tally_changes(result, &n);

	const size_t pages = count_changed_pages(result);
	if (pages == 0)
		buf_puts(out, "no page changes");
	else
		buf_printf(out, "%zu page%s: ", pages, pages == 1 ? " changes" : "s change");
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "%s%zu ", i ? ", " : "", tallies[i].n);
		plain_add(out, tallies[i].what, REPLAY_TEXT_COLUMNS);
	}
	if (result->nchanges > pages)
		buf_printf(out, "; %zu of", result->nchanges);
	else
		buf_putc(out, ';');
	buf_printf(out, " %lld decision%s since %s\n", (long long)result->decisions,
		   result->decisions == 1 ? "" : "s", past_time_text(result->since_us, since));
	free(tallies);
}

static void add_outcome(const struct outcome *outcome, struct buf *out)
{
	if (!outcome->sent) {
		buf_puts(out, "no page");
		return;
	}
	plain_add(out, outcome->team, REPLAY_TEXT_COLUMNS);
	buf_printf(out, "/%s/", outcome->severity);
	plain_add(out, outcome->found ? outcome->suspect : "no suspect", REPLAY_TEXT_COLUMNS);
	if (outcome->found && *outcome->callee) {
		buf_puts(out, " > ");
		plain_add(out, outcome->callee, REPLAY_TEXT_COLUMNS);
	}
}

/* The line without its time. */
static void add_change(const struct replay_change *change, struct buf *out)
{
	static const char *const marks[] = {
		[BASIS_TRACES] = "",
		[BASIS_PATHS] = "  (by the paths of its traces)",
		[BASIS_SUSPECT] = "  (by the suspect that it had: its traces are gone)",
	};

	plain_add(out, change->alert, REPLAY_TEXT_COLUMNS);
	buf_puts(out, "  ");
	add_outcome(&change->was, out);
	buf_puts(out, " -> ");
	add_outcome(&change->now, out);
	buf_puts(out, "  ");
	plain_add(out, change->now.rule, REPLAY_TEXT_COLUMNS);
	buf_puts(out, marks[change->basis]);
}

/* Changes whose lines differ by their times alone. */
struct equal_changes {
	char *line;
	size_t n;
	int64_t first_us, last_us;
};

/* A line for each change that is not like one before it. */
static void add_changes(const struct replay_result *result, struct buf *out)
{
	struct equal_changes *all = xcalloc(result->nchanges + 1, sizeof(*all));
	struct map *index = map_new();
	char at[PAST_TIME_SIZE];
	size_t n = 0;

	for (size_t i = 0; i < result->nchanges; i++) {
		struct buf line = BUF_INIT(16u << 10);
		add_change(result->changes[i], &line);
		struct equal_changes *equal = map_get(index, buf_text(&line));
		if (!equal) {
			equal = &all[n++];
			equal->first_us = result->changes[i]->at_us;
			equal->line = buf_take(&line);
			map_put(index, equal->line, equal);
		}
		equal->n++;
		equal->last_us = result->changes[i]->at_us;
		buf_fini(&line);
	}
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "%s  %s", past_time_text(all[i].first_us, at), all[i].line);
		if (all[i].n > 1)
			buf_printf(out, "  (%zu times, until %s)", all[i].n,
				   past_time_text(all[i].last_us, at));
		buf_putc(out, '\n');
		free(all[i].line);
	}
	map_free(index);
	free(all);
}

static void replay_add_note(struct buf *out, int64_t n, const char *text)
{
	if (n)
		buf_printf(out, "%lld %s\n", (long long)n, text);
}

void replay_write_text(const struct replay_result *result, struct buf *out)
{
	add_tallies(result, out);
	add_changes(result, out);
	replay_add_note(out, result->by_suspect,
			"decided again by the suspect that they had, since their traces are gone");
	replay_add_note(out, result->by_paths,
			"decided again by the paths of their traces, which were too large to keep");
	replay_add_note(out, result->older,
			"left out: an older version kept them without their alert");
	if (result->unreadable) {
		buf_printf(out, "%lld left out: they cannot be read (",
			   (long long)result->unreadable);
		plain_add(out, result->failure, REPLAY_TEXT_COLUMNS);
		buf_puts(out, ")\n");
	}
}

/* ---- JSON ---- */

static void add_json_outcome(const char *key, const struct outcome *outcome, struct buf *out)
{
	buf_json_key(out, key);
	buf_putc(out, '{');
	buf_json_key(out, "sent");
	buf_puts(out, outcome->sent ? "true" : "false");
	buf_json_text(out, "team", *outcome->team ? outcome->team : NULL);
	buf_json_text(out, "severity", outcome->sent ? outcome->severity : NULL);
	buf_json_text(out, "policy", *outcome->policy ? outcome->policy : NULL);
	buf_json_text(out, "pagers", *outcome->pagers ? outcome->pagers : NULL);
	buf_json_text(out, "suspect", outcome->found ? outcome->suspect : NULL);
	buf_json_text(out, "callee", *outcome->callee ? outcome->callee : NULL);
	buf_json_text(out, "rule", *outcome->rule ? outcome->rule : NULL);
	buf_putc(out, '}');
}

static void add_json_change(const struct replay_change *change, struct buf *out)
{
	static const char *const bases[] = {
		[BASIS_TRACES] = "traces",
		[BASIS_PATHS] = "paths",
		[BASIS_SUSPECT] = "suspect",
	};
	char at[RFC3339_SIZE];

	buf_putc(out, '{');
	buf_json_int(out, "decision", change->id);
	buf_json_text(out, "at", rfc3339_format(change->at_us, at));
	buf_json_text(out, "alert", change->alert);
	buf_json_text(out, "sender", change->sender);
	buf_json_text(out, "incident", *change->incident ? change->incident : NULL);
	buf_json_text(out, "change", change->what);
	buf_json_text(out, "by", bases[change->basis]);
	add_json_outcome("was", &change->was, out);
	add_json_outcome("now", &change->now, out);
	buf_putc(out, '}');
}

void replay_write_json(const struct replay_result *result, struct buf *out)
{
	char at[RFC3339_SIZE];

	buf_putc(out, '{');
	buf_json_int(out, "version", 1);
	buf_json_text(out, "since", rfc3339_format(result->since_us, at));
	buf_json_text(out, "until", rfc3339_format(result->until_us, at));
	buf_json_text(out, "rules", result->rules_hash);
	buf_json_int(out, "decisions", result->decisions);
	buf_json_int(out, "pages_changed", (int64_t)count_changed_pages(result));
	buf_json_int(out, "by_suspect", result->by_suspect);
	buf_json_int(out, "by_paths", result->by_paths);
	buf_json_int(out, "left_out", result->older + result->unreadable);
	buf_json_key(out, "changes");
	buf_putc(out, '[');
	for (size_t i = 0; i < result->nchanges; i++) {
		if (i)
			buf_putc(out, ',');
		add_json_change(result->changes[i], out);
	}
	buf_puts(out, "]}\n");
}
