/*
 * Recipients' targets. A recipient that has taken its page keeps its target: updates and the
 * resolve go where the page went. One that has taken nothing yet follows the rules in force: its
 * page goes to the address that they give its pager, so that whoever mends a wrong address mends
 * the pages that wait, too. The new target is stored before a page uses it.
 */
#include <stdlib.h>
#include <string.h>

#include "incident-internal.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/xalloc.h"

bool targets_share_account(const char *one, const char *other)
{
	const size_t kind = strcspn(one, ","); /* it stands first */
	struct page_target a, b;
	struct err err;
	bool same = strcmp(one, other) == 0;

	if (same || strncmp(one, other, kind) != 0)
		return same;
	struct arena *arena = arena_new(2 * (4 * LIMIT_SECRET_BYTES + LIMIT_LABEL_BYTES));
	if (page_target_read(arena, one, &a, &err) == 0 &&
	    page_target_read(arena, other, &b, &err) == 0)
		same = a.kind == b.kind && strcmp(a.url ? a.url : "", b.url ? b.url : "") == 0 &&
		       strcmp(a.key ? a.key : "", b.key ? b.key : "") == 0;
	arena_free(arena);
	return same;
}

/* Has the incident another page under the same key in that account? The two would be one page
 * there, and the resolve of one would end the other. */
static bool target_is_shared(const struct incident *incident, const struct recipient *recipient,
			     const char *target)
{
	const struct recipient *other;

	STAILQ_FOREACH (other, &incident->recipients, link)
		if (other != recipient && other->n == recipient->n &&
		    targets_share_account(other->target, target))
			return true;
	return false;
}

/* The target that the rules in force give its pager, where it is another one than the recipient
 * has; kept by the book. NULL: there is none that it could take. */
static const char *recipient_new_target(const struct incident *incident,
					const struct recipient *recipient)
{
	const struct pager *pager = rules_pager(incident->book->rules, recipient->pager);
	BUF_LOCAL(text, LIMIT_TARGET_BYTES);
	const char *kept = NULL;

	if (!pager)
		return NULL;
	const struct page_target target = page_target_of(pager);
	page_target_write(&target, &text);
	if (!text.failed && strcmp(buf_text(&text), recipient->target) != 0 &&
	    !target_is_shared(incident, recipient, buf_text(&text)))
		kept = incidents_book_text(incident->book, buf_text(&text));
	buf_fini(&text);
	return kept;
}

static void recipient_set_target(struct incident *incident, struct recipient *recipient,
				 const char *target)
{
	const struct pager *pager = rules_pager(incident->book->rules, recipient->pager);

	recipient->target = target;
	recipient->unresolved |= pager->no_resolve;
	/* What another service, or account, replied. */
	incident_set_text(&recipient->memory, NULL);
	recipient_put(incident, recipient);
	incident_touch(incident);
	log_info("a page that no pager has taken goes to the address that the rules give its pager",
		 LOG_INCIDENT(incident), LOG_STR("pager", recipient->pager));
}

void recipient_take_target(struct incident *incident, struct recipient *recipient)
{
	const char *target = recipient_new_target(incident, recipient);

	if (target)
		recipient_set_target(incident, recipient, target);
}

/* ---- pages that delivery has ---- */

/* Pages that are held until the recipient's target is stored. */
struct target_move {
	struct incident_book *book;
	char *incident;
	const char *pager; /* kept by the book */
	int n;
};

static void target_move_free(void *ctx)
{
	struct target_move *move = ctx;

	free(move->incident);
	free(move);
}

/* The store has it, or has failed: then it is written again later. */
static void target_move_stored(void *ctx, int error, const char *text)
{
	const struct target_move *move = ctx;

	(void)error;
	(void)text;
	deliver_release(move->book->deliver, move->incident, move->pager, move->n);
	target_move_free(ctx);
}

static void target_release_when_stored(struct incident *incident, const struct recipient *recipient)
{
	struct target_move *move = xcalloc(1, sizeof(*move));

	move->book = incident->book;
	move->incident = xstrdup(incident->id);
	move->pager = recipient->pager;
	move->n = recipient->n;
	turns_then(incident->book->turns, target_move_stored, target_move_free, move);
}

/* May its trigger, if it still waits, go elsewhere? Also after a try that was sent and not
 * answered: the old address may have the page then, and gets no resolve for it, but nobody is known
 * to have been reached there, and a page that stays at a wrong address reaches nobody. At the same
 * service the key makes it one page. */
static bool recipient_may_move(const struct recipient *recipient)
{
	return recipient->waiting &&
	       (recipient->state == RECIPIENT_ASKED || recipient->state == RECIPIENT_ENDING);
}

void recipient_follow_rules(struct incident *incident, struct recipient *recipient)
{
	if (!recipient_may_move(recipient))
		return;
	const char *target = recipient_new_target(incident, recipient);
	if (!target || !deliver_move(incident->book->deliver, incident->id, recipient->pager,
				     recipient->n, target))
		return;
	recipient_set_target(incident, recipient, target);
	target_release_when_stored(incident, recipient);
}

void recipients_follow_rules(struct incident_book *book)
{
	struct incident *incident;
	struct recipient *recipient;

	TAILQ_FOREACH (incident, &book->all, in_all)
		STAILQ_FOREACH (recipient, &incident->recipients, link)
			recipient_follow_rules(incident, recipient);
}

void recipient_load_page(struct incident *incident, struct recipient *recipient,
			 const struct stored_page *row)
{
	struct deliver *deliver = incident->book->deliver;
	struct stored_page page = *row;
	const char *target = page.event == PAGE_TRIGGER && recipient_may_move(recipient)
				     ? recipient_new_target(incident, recipient)
				     : NULL;

	if (target)
		recipient_set_target(incident, recipient, target);
	page.target = recipient->target;
	if (!target) {
		deliver_enqueue(deliver, &page, NULL);
		return;
	}
	deliver_enqueue_held(deliver, &page);
	target_release_when_stored(incident, recipient);
}
