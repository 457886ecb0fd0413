/*
 * What an incident keeps of its page. Pages that were written or read last are at hand; the others
 * are packed (alike.h), which takes a twentieth of the memory, and opened again when they are asked
 * for. Packing is done at the end of a turn.
 */
#include <stdlib.h>
#include <string.h>

#include "incident-internal.h"
#include "tracepager/alike.h"
#include "tracepager/fold.h"
#include "tracepager/limits.h"
#include "tracepager/pack.h"
#include "tracepager/xalloc.h"

/* About what a page and the text of its decision take. */
#define PAGE_BYTES 4096u

static void kept_forget_page(struct incident *incident)
{
	struct incident_book *book = incident->book;

	if (!incident->page)
		return;
	TAILQ_REMOVE(&book->warm, incident, in_warm);
	book->warm_bytes -= incident->warm_bytes;
	free(incident->page);
	incident->page = NULL;
}

static void kept_take_page(struct incident *incident, struct page *page)
{
	struct incident_book *book = incident->book;

	kept_forget_page(incident);
	incident->page = page;
	incident->warm_bytes =
		(unsigned int)(PAGE_BYTES + (page->decision ? strlen(page->decision) : 0));
	book->warm_bytes += incident->warm_bytes;
	TAILQ_INSERT_TAIL(&book->warm, incident, in_warm);
}

/* ---- the decision ---- */

struct shared_text *incident_pack_decision(const char *text, size_t len)
{
	struct buf packed = BUF_INIT(LIMIT_DECISION_BYTES);
	struct shared_text *decision = NULL;

	pack_add(text, len, &packed);
	if (!packed.failed)
		decision = shared_text_copy(packed.data, packed.len);
	buf_fini(&packed);
	return decision;
}

void incident_drop_text(struct incident *incident)
{
	shared_text_unref(incident->decision_text);
	incident->decision_text = NULL;
}

static void kept_forget_decision(struct incident *incident)
{
	incident_drop_text(incident);
	shared_text_unref(incident->decision);
	incident->decision = NULL;
}

struct shared_text *incident_decision(struct incident *incident)
{
	struct buf text = BUF_INIT(LIMIT_DECISION_BYTES);
	struct shared_text *opened = NULL;
	struct err err;

	if (incident->decision_text)
		return shared_text_ref(incident->decision_text);
	if (!incident->decision) {
		const char *packed_with_page = incident_page(incident)->decision;
		if (packed_with_page && buf_puts(&text, packed_with_page))
			opened = shared_text_take(&text);
	} else if (pack_open(incident->decision->text, incident->decision->len, &text, &err) == 0) {
		opened = shared_text_take(&text);
	}
	buf_fini(&text);
	return opened;
}

struct shared_text *incident_packed_decision(struct incident *incident)
{
	const char *packed_with_page;

	if (incident->decision)
		return shared_text_ref(incident->decision);
	packed_with_page = incident_page(incident)->decision;
	return packed_with_page ? incident_pack_decision(packed_with_page, strlen(packed_with_page))
				: NULL;
}

/* ---- the page ---- */

void incident_keep_page(struct incident *incident, const struct page *page,
			struct shared_text *text, struct shared_text *packed)
{
	struct page kept = *page;

	kept_forget_decision(incident);
	if (packed) {
		incident->decision = shared_text_ref(packed);
		incident->decision_text = shared_text_ref(text);
	} else if (page->decision) {
		incident->decision = incident_pack_decision(page->decision, strlen(page->decision));
	}
	kept.decision = NULL;
	alike_text_free(incident->packed);
	incident->packed = NULL;
	kept_take_page(incident, page_dup(&kept));
	incident_set_text(&incident->suspect, page->component ? page->component : "");
}

const struct page *incident_page(struct incident *incident)
{
	if (!incident->page) {
		const struct alike_text *packed = incident->packed;
		const void *data = alike_open(incident->book->alike, packed);
		kept_take_page(incident, page_unfold(data, alike_text_len(packed)));
	}
	return incident->page;
}

void incident_forget_page(struct incident *incident)
{
	kept_forget_page(incident);
	kept_forget_decision(incident);
	alike_text_free(incident->packed);
	incident->packed = NULL;
}

/* It stays at hand, and its turn comes again. */
static void kept_put_last(struct incident *incident)
{
	TAILQ_REMOVE(&incident->book->warm, incident, in_warm);
	TAILQ_INSERT_TAIL(&incident->book->warm, incident, in_warm);
}

/* Since it was opened it may not have changed: then it is packed still. */
static void kept_pack(struct incident *incident)
{
	struct buf folded = BUF_INIT(LIMIT_PAGE_DOC_BYTES + LIMIT_DECISION_BYTES);

	if (!incident->packed) {
		struct shared_text *decision = incident_decision(incident);
		struct page whole = *incident->page;
		whole.decision = shared_text_text(decision);
		page_fold(&whole, &folded);
		shared_text_unref(decision);
		if (folded.failed) {
			kept_put_last(incident);
			buf_fini(&folded);
			return;
		}
		incident->packed = alike_pack(incident->book->alike, folded.data, folded.len);
	}
	kept_forget_decision(incident);
	kept_forget_page(incident);
	buf_fini(&folded);
}

void incidents_pack_pages(struct incident_book *book)
{
	for (size_t n = 0; n < LIMIT_PACKED_PER_TURN && book->warm_bytes > LIMIT_WARM_PAGES_BYTES;
	     n++) {
		struct incident *oldest = TAILQ_FIRST(&book->warm);
		if (oldest->trigger_owed) /* its first page is about to be made */
			kept_put_last(oldest);
		else
			kept_pack(oldest);
	}
}
