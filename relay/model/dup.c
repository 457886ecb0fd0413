/*
 * Dup: an alert or a page with all its texts in one allocation, for what is kept long. Pure; any
 * thread. Each is counted first, then copied by the same walk over its members, so that both agree.
 */
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "tracepager/alert.h"
#include "tracepager/page.h"
#include "tracepager/xalloc.h"

#include "dup-internal.h"

/* at NULL: the first walk, which counts. */
struct block {
	char *at;
	size_t used;
};

static void *block_take(struct block *block, const void *from, size_t size, size_t align)
{
	void *place;

	block->used = (block->used + align - 1) / align * align;
	place = block->at ? block->at + block->used : NULL;
	block->used += size;
	if (place && size)
		memcpy(place, from, size);
	return place;
}

/* In the first walk the texts stay those of the original. */
static void block_text(void *ctx, const char **text)
{
	struct block *block = ctx;
	const char *place;

	if (!*text)
		return;
	place = block_take(block, *text, strlen(*text) + 1, 1);
	if (place)
		*text = place;
}

static void block_labels(struct block *block, struct labels *labels)
{
	struct label *at = block_take(block, labels->at, labels->n * sizeof(*labels->at),
				      alignof(struct label));

	if (at)
		labels->at = at;
	for (size_t i = 0; i < labels->n; i++) {
		struct label label = labels->at[i];
		block_text(block, &label.name);
		block_text(block, &label.value);
		if (at)
			at[i] = label;
	}
}

void alert_each_text(struct alert *alert, text_visitor *visit, void *ctx)
{
	visit(ctx, &alert->sender);
	visit(ctx, &alert->family);
	visit(ctx, &alert->fingerprint);
	visit(ctx, &alert->generator_url);
	visit(ctx, &alert->group_key);
}

static void block_alert(struct block *block, struct alert *alert)
{
	alert_each_text(alert, block_text, block);
	block_labels(block, &alert->labels);
	block_labels(block, &alert->annotations);
}

struct alert *alert_dup(const struct alert *alert)
{
	struct block count = { .used = sizeof(*alert) };
	struct alert copy = *alert;

	block_alert(&count, &copy);
	struct block block = { .at = xcalloc(1, count.used), .used = sizeof(*alert) };
	copy = *alert;
	block_alert(&block, &copy);
	copy.trace = NULL;
	copy.received_us = 0;
	memcpy(block.at, &copy, sizeof(copy));
	return (struct alert *)(void *)block.at;
}

static void block_names(struct block *block, const char *const **names, size_t n)
{
	const char **at = block_take(block, *names, n * sizeof(**names), alignof(char *));

	for (size_t i = 0; i < n; i++) {
		const char *name = (*names)[i];
		block_text(block, &name);
		if (at)
			at[i] = name;
	}
	if (at)
		*names = at;
}

void page_each_text(struct page *page, text_visitor *visit, void *ctx)
{
	const char **const texts[] = {
		&page->incident,      &page->dedup_key,	 &page->summary,    &page->details,
		&page->component,     &page->origin,	 &page->group,	    &page->kind,
		&page->note,	      &page->status,	 &page->state,	    &page->moved_to,
		&page->moved_to_team, &page->what_to_do, &page->decision,   &page->alert_list,
		&page->environment,   &page->instance,	 &page->labels,	    &page->differs,
		&page->also_paged,    &page->banner,	 &page->why,	    &page->evidence,
		&page->path,	      &page->could_be,	 &page->limits,	    &page->what_differs,
		&page->waterfall,     &page->reasons,	 &page->alert_says, &page->next_owners,
		&page->urgency,	      &page->act,	 &page->acked_by,   &page->act_href,
		&page->escalates,     &page->trace,	 &page->burn,
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		visit(ctx, texts[i]);
	for (size_t i = 0; i < page->nlinks; i++) {
		visit(ctx, &page->links[i].text);
		visit(ctx, &page->links[i].href);
	}
}

static void block_page(struct block *block, struct page *page)
{
	page_each_text(page, block_text, block);
	block_names(block, &page->alerts, page->nalerts);
}

struct page *page_dup(const struct page *page)
{
	struct block count = { .used = sizeof(*page) };
	struct page copy = *page;

	block_page(&count, &copy);
	struct block block = { .at = xcalloc(1, count.used), .used = sizeof(*page) };
	copy = *page;
	block_page(&block, &copy);
	memcpy(block.at, &copy, sizeof(copy));
	return (struct page *)(void *)block.at;
}
