/*
 * Fold: first the numbers, as they stand in memory, then each text behind its length plus one (0:
 * NULL), with a NUL at its end, so that a text is used where it lies.
 */
#include "tracepager/fold.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dup-internal.h"
#include "tracepager/xalloc.h"

/* ---- writing ---- */

static void fold_text(void *out, const char **text)
{
	size_t len = *text ? strlen(*text) : 0;

	buf_varint(out, *text ? len + 1 : 0);
	if (*text)
		buf_add(out, *text, len + 1);
}

struct alert_numbers {
	int64_t starts_at_us, ends_at_us;
	uint32_t nlabels, nannotations;
	uint8_t status, ends_by_itself;
};

static void fold_labels(struct buf *out, const struct labels *labels)
{
	for (size_t i = 0; i < labels->n; i++) {
		struct label label = labels->at[i];
		fold_text(out, &label.name);
		fold_text(out, &label.value);
	}
}

void alert_fold(const struct alert *alert, struct buf *out)
{
	struct alert_numbers numbers;
	struct alert copy = *alert;

	memset(&numbers, 0, sizeof(numbers)); /* its gaps too */
	numbers.starts_at_us = alert->starts_at_us;
	numbers.ends_at_us = alert->ends_at_us;
	numbers.nlabels = (uint32_t)alert->labels.n;
	numbers.nannotations = (uint32_t)alert->annotations.n;
	numbers.status = (uint8_t)alert->status;
	numbers.ends_by_itself = alert->ends_by_itself;
	buf_add(out, &numbers, sizeof(numbers));
	alert_each_text(&copy, fold_text, out);
	fold_labels(out, &alert->labels);
	fold_labels(out, &alert->annotations);
}

struct page_numbers {
	int64_t since_us, opened_at_us, at_us;
	uint32_t nlinks, nalerts;
	uint8_t event, severity;
};

void page_fold(const struct page *page, struct buf *out)
{
	struct page_numbers numbers;
	struct page copy = *page;

	memset(&numbers, 0, sizeof(numbers)); /* its gaps too */
	numbers.since_us = page->since_us;
	numbers.opened_at_us = page->opened_at_us;
	numbers.at_us = page->at_us;
	numbers.nlinks = (uint32_t)page->nlinks;
	numbers.nalerts = (uint32_t)page->nalerts;
	numbers.event = (uint8_t)page->event;
	numbers.severity = (uint8_t)page->severity;
	buf_add(out, &numbers, sizeof(numbers));
	page_each_text(&copy, fold_text, out);
	for (size_t i = 0; i < page->nalerts; i++) {
		const char *name = page->alerts[i];
		fold_text(out, &name);
	}
}

/* ---- reading ---- */

/* Where the next text begins. */
struct unfolding {
	const char *at, *end;
};

static void unfold_text(void *ctx, const char **text)
{
	struct unfolding *unfolding = ctx;
	uint64_t len = 0;

	for (unsigned int shift = 0;; shift += 7) {
		assert(unfolding->at < unfolding->end && shift < 63);
		unsigned char byte = (unsigned char)*unfolding->at++;
		len |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			break;
	}
	assert(len <= (size_t)(unfolding->end - unfolding->at));
	*text = len ? unfolding->at : NULL;
	unfolding->at += len;
}

static void unfold_labels(struct unfolding *unfolding, struct labels *labels)
{
	for (size_t i = 0; i < labels->n; i++) {
		unfold_text(unfolding, &labels->at[i].name);
		unfold_text(unfolding, &labels->at[i].value);
	}
}

struct alert *alert_unfold(const void *data, size_t len)
{
	struct alert_numbers numbers;

	assert(len >= sizeof(numbers));
	memcpy(&numbers, data, sizeof(numbers));
	const size_t n = (size_t)numbers.nlabels + numbers.nannotations;
	struct {
		struct alert alert;
		struct label labels[];
	} *block = xcalloc(1, sizeof(*block) + n * sizeof(struct label) + len);
	char *texts = (char *)&block->labels[n];
	struct unfolding unfolding = { texts + sizeof(numbers), texts + len };

	memcpy(texts, data, len);
	block->alert = (struct alert){
		.status = (enum alert_status)numbers.status,
		.labels = { block->labels, numbers.nlabels },
		.annotations = { block->labels + numbers.nlabels, numbers.nannotations },
		.starts_at_us = numbers.starts_at_us,
		.ends_at_us = numbers.ends_at_us,
		.ends_by_itself = numbers.ends_by_itself,
	};
	alert_each_text(&block->alert, unfold_text, &unfolding);
	unfold_labels(&unfolding, &block->alert.labels);
	unfold_labels(&unfolding, &block->alert.annotations);
	assert(unfolding.at == unfolding.end);
	return &block->alert;
}

struct page *page_unfold(const void *data, size_t len)
{
	struct page_numbers numbers;

	assert(len >= sizeof(numbers));
	memcpy(&numbers, data, sizeof(numbers));
	struct {
		struct page page;
		const char *names[];
	} *block = xcalloc(1, sizeof(*block) + numbers.nalerts * sizeof(char *) + len);
	char *texts = (char *)&block->names[numbers.nalerts];
	struct unfolding unfolding = { texts + sizeof(numbers), texts + len };

	memcpy(texts, data, len);
	block->page = (struct page){
		.event = (enum page_event)numbers.event,
		.severity = (enum severity)numbers.severity,
		.nlinks = numbers.nlinks,
		.since_us = numbers.since_us,
		.opened_at_us = numbers.opened_at_us,
		.at_us = numbers.at_us,
		.alerts = block->names,
		.nalerts = numbers.nalerts,
	};
	page_each_text(&block->page, unfold_text, &unfolding);
	for (size_t i = 0; i < numbers.nalerts; i++)
		unfold_text(&unfolding, &block->names[i]);
	assert(unfolding.at == unfolding.end);
	return &block->page;
}
