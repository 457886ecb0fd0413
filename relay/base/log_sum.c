/* Log sums: see log_sum.h. */
#include "tracepager/log_sum.h"

#include <stdlib.h>
#include <string.h>

#include "tracepager/clock.h"

const char *const log_sum_keys[LOG_SUM_KEYS] = { "sender", "team", "pager", "alert" };

static bool log_sum_is_over(const struct log_sum *sum, int64_t now_us)
{
	return now_us == INT64_MAX || now_us - sum->begun_us >= LIMIT_LOG_SUM_US;
}

/* The window of that message, which may be a new one; NULL: all places are taken. */
static struct log_sum *log_sums_find(struct log_sums *sums, int64_t now_us, enum log_level level,
				     const char *message)
{
	struct log_sum *free = NULL;

	for (size_t i = 0; i < LIMIT_LOG_SUM_KINDS; i++) {
		struct log_sum *sum = &sums->kinds[i];
		const bool over = sum->message && !sum->held && log_sum_is_over(sum, now_us);
		if (!sum->message || over)
			free = free ? free : sum;
		else if (sum->level == level &&
			 (sum->message == message || strcmp(sum->message, message) == 0))
			return sum;
	}
	if (free)
		*free = (struct log_sum){ .message = message, .level = level, .begun_us = now_us };
	return free;
}

static void log_sum_count(struct log_sum *sum, size_t key, const char *name)
{
	for (size_t i = 0; i < LIMIT_LOG_SUM_NAMES; i++) {
		struct log_tally *tally = &sum->tallies[key][i];
		if (!tally->n)
			snprintf(tally->name, sizeof(tally->name), "%s", name);
		else if (strncmp(tally->name, name, sizeof(tally->name) - 1) != 0)
			continue;
		tally->n++;
		return;
	}
	sum->others[key]++;
}

/* Is the line a warning, and about a pager that no line of the window has named? It names it from
 * now on. */
static bool log_sum_names_pager(struct log_sum *sum, const struct log_field *fields, size_t n)
{
	const char *pager = NULL;

	for (size_t i = 0; i < n; i++)
		if (fields[i].key && fields[i].text && strcmp(fields[i].key, "pager") == 0)
			pager = fields[i].text;
	if (sum->level != LOG_LEVEL_WARN || !pager || sum->npagers == LIMIT_LOG_SUM_FIRSTS)
		return false;
	for (size_t i = 0; i < sum->npagers; i++)
		if (strncmp(sum->pagers[i], pager, sizeof(sum->pagers[i]) - 1) == 0)
			return false;
	snprintf(sum->pagers[sum->npagers++], sizeof(sum->pagers[0]), "%s", pager);
	return true;
}

bool log_sums_take(struct log_sums *sums, int64_t now_us, enum log_level level, const char *message,
		   const struct log_field *fields, size_t n)
{
	struct log_sum *sum = log_sums_find(sums, now_us, level, message);

	if (!sum)
		return true;
	const bool is_first = log_sum_names_pager(sum, fields, n);
	if (is_first || sum->written < LIMIT_LOG_SUM_LINES) {
		sum->written++;
		return true;
	}
	sum->held++;
	for (size_t i = 0; i < n; i++)
		for (size_t key = 0; key < LOG_SUM_KEYS; key++)
			if (fields[i].key && fields[i].text && *fields[i].text &&
			    strcmp(fields[i].key, log_sum_keys[key]) == 0)
				log_sum_count(sum, key, fields[i].text);
	return false;
}

int64_t log_sums_next_us(const struct log_sums *sums)
{
	int64_t next_us = INT64_MAX;

	for (size_t i = 0; i < LIMIT_LOG_SUM_KINDS; i++)
		if (sums->kinds[i].held && sums->kinds[i].begun_us + LIMIT_LOG_SUM_US < next_us)
			next_us = sums->kinds[i].begun_us + LIMIT_LOG_SUM_US;
	return next_us;
}

bool log_sums_end(struct log_sums *sums, int64_t now_us, struct log_sum *ret_sum)
{
	for (size_t i = 0; i < LIMIT_LOG_SUM_KINDS; i++) {
		struct log_sum *sum = &sums->kinds[i];
		if (!sum->message || !log_sum_is_over(sum, now_us))
			continue;
		*ret_sum = *sum;
		sum->message = NULL;
		sum->held = 0;
		if (ret_sum->held)
			return true;
	}
	return false;
}

static int tally_by_number(const void *a, const void *b)
{
	const struct log_tally *one = a, *other = b;

	return one->n < other->n ? 1 : one->n > other->n ? -1 : strcmp(one->name, other->name);
}

void log_sum_names(const struct log_sum *sum, size_t key, struct buf *out)
{
	struct log_tally tallies[LIMIT_LOG_SUM_NAMES];

	memcpy(tallies, sum->tallies[key], sizeof(tallies));
	qsort(tallies, LIMIT_LOG_SUM_NAMES, sizeof(tallies[0]), tally_by_number);
	for (size_t i = 0; i < LIMIT_LOG_SUM_NAMES && tallies[i].n; i++)
		buf_printf(out, "%s%s %u", i ? ", " : "", tallies[i].name, tallies[i].n);
	if (sum->others[key])
		buf_printf(out, ", others %u", sum->others[key]);
}
