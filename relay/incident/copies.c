/* Copies: see copies-internal.h. */
#include "copies-internal.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* 64-bit FNV-1a: the same after every start, as the store needs it. */
static uint64_t copy_hash(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ULL;
	return (hash ^ 0xff) * 0x100000001b3ULL;
}

static uint64_t copy_source(const struct alert *alert)
{
	uint64_t hash = copy_hash(0xcbf29ce484222325ULL, alert->sender);

	return alert->ends_by_itself ? copy_hash(hash, alert->generator_url) : hash;
}

static struct copy *copies_find(struct copies *copies, const struct alert *alert)
{
	uint64_t source = copy_source(alert);

	for (unsigned int i = 0; i < copies->n; i++) {
		struct copy *copy = &copies->at[i];
		if (copy->source == source &&
		    (!alert->ends_by_itself || copy->starts_us == alert->starts_at_us))
			return copy;
	}
	return NULL;
}

static void copies_remove(struct copies *copies, struct copy *copy)
{
	*copy = copies->at[--copies->n];
}

/* Room for one more: where there are LIMIT_ALERT_COPIES, the one that ends first makes room. */
static struct copy *copies_add(struct copies *copies)
{
	struct copy *first = copies->at;

	if (copies->n < LIMIT_ALERT_COPIES) {
		copies->at = xrealloc_array(copies->at, copies->n + 1, sizeof(*copies->at));
		return &copies->at[copies->n++];
	}
	for (unsigned int i = 1; i < copies->n; i++)
		if (copies->at[i].ends_us < first->ends_us)
			first = &copies->at[i];
	return first;
}

void copies_fini(struct copies *copies)
{
	free(copies->at);
	*copies = (struct copies){ 0 };
}

void copies_clear(struct copies *copies)
{
	copies->n = 0;
}

int64_t copies_fire(struct copies *copies, const struct alert *alert, int64_t now_us,
		    int64_t ends_us)
{
	struct copy *copy = copies_find(copies, alert);
	int64_t gap_us = copy ? now_us - copy->heard_us : 0;

	if (!copy)
		copy = copies_add(copies);
	*copy = (struct copy){ copy_source(alert), alert->starts_at_us, now_us, ends_us };
	return gap_us;
}

bool copies_resolve(struct copies *copies, const struct alert *alert, int64_t now_us)
{
	struct copy *copy = copies_find(copies, alert);

	if (!copy || copy->ends_us <= now_us)
		return false;
	/* The end of an earlier episode, told late. */
	if (alert->ends_at_us && alert->ends_at_us < copy->starts_us)
		return false;
	copies_remove(copies, copy);
	return true;
}

bool copies_doubt(struct copies *copies, const struct alert *alert, int64_t until_us)
{
	struct copy *copy = copies_find(copies, alert);

	if (alert->ends_by_itself || !copy || copy->ends_us <= until_us)
		return false;
	copy->ends_us = until_us;
	return true;
}

bool copies_fire_at(const struct copies *copies, int64_t now_us)
{
	return copies_end_us(copies) > now_us;
}

int64_t copies_end_us(const struct copies *copies)
{
	int64_t end_us = 0;

	for (unsigned int i = 0; i < copies->n; i++)
		if (copies->at[i].ends_us > end_us)
			end_us = copies->at[i].ends_us;
	return end_us;
}

char *copies_text(const struct copies *copies)
{
	struct buf text = BUF_INIT(LIMIT_ALERT_COPIES * 96);

	for (unsigned int i = 0; i < copies->n; i++) {
		const struct copy *copy = &copies->at[i];
		buf_printf(&text, "%" PRIx64 ":%" PRId64 ":%" PRId64 ":%" PRId64 ";", copy->source,
			   copy->starts_us, copy->heard_us, copy->ends_us);
	}
	return text.len ? buf_take(&text) : xstrdup("");
}

/* One part, up to its ';' or the end of the text. */
static bool copy_read(const char *part, struct copy *ret_copy)
{
	int len = 0;
	int n = sscanf(part, "%" SCNx64 ":%" SCNd64 ":%" SCNd64 ":%" SCNd64 "%n", &ret_copy->source,
		       &ret_copy->starts_us, &ret_copy->heard_us, &ret_copy->ends_us, &len);

	return n == 4 && isxdigit((unsigned char)*part) && (part[len] == ';' || !part[len]);
}

void copies_read(struct copies *copies, const char *text)
{
	struct copy copy;

	copies->n = 0;
	for (const char *at = text; *at && copies->n < LIMIT_ALERT_COPIES;) {
		if (copy_read(at, &copy))
			*copies_add(copies) = copy;
		at += strcspn(at, ";");
		at += *at == ';';
	}
}

void copies_age_text(int64_t age_us, char *out, size_t size)
{
	if (age_us >= 2 * US_PER_HOUR)
		snprintf(out, size, "%lld h", (age_us + US_PER_HOUR / 2) / US_PER_HOUR);
	else if (age_us >= 2 * US_PER_MINUTE)
		snprintf(out, size, "%lld min", (age_us + US_PER_MINUTE / 2) / US_PER_MINUTE);
	else
		snprintf(out, size, "%lld s", age_us / US_PER_SECOND);
}
