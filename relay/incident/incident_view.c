/* What others see of incidents: views, made at each call and borrowed until the viewer returns. */
#include "incident-internal.h"
#include "tracepager/limits.h"

static const char *recipient_role_name(enum recipient_role role)
{
	static const char *const names[RECIPIENT_ROLE_COUNT] = {
		[RECIPIENT_OWNER] = "owner",
		[RECIPIENT_NOTIFIED] = "notified",
		[RECIPIENT_FALLBACK] = "fallback",
	};

	return names[role];
}

static size_t recipients_total(const struct incident *incident)
{
	const struct recipient *recipient;
	size_t n = 0;

	STAILQ_FOREACH (recipient, &incident->recipients, link)
		n++;
	return n;
}

static const struct incident_view_recipient *view_recipients(const struct incident *incident,
							     struct arena *arena, size_t *ret_n)
{
	struct incident_view_recipient *at =
		arena_array(arena, recipients_total(incident) + 1, sizeof(*at));
	const struct recipient *recipient;

	*ret_n = 0;
	STAILQ_FOREACH (recipient, &incident->recipients, link)
		at[(*ret_n)++] = (struct incident_view_recipient){
			.pager = recipient->pager,
			.role = recipient_role_name(recipient->role),
			.state = life_state_name(LIFE_RECIPIENT, recipient->state),
			.n = recipient->n,
		};
	return at;
}

static struct incident_view view_of(struct incident *incident, struct arena *arena)
{
	struct incident_view view = {
		.id = incident->id,
		.team = incident->team,
		.state = life_state_name(LIFE_INCIDENT, incident->state),
		.summary = incident_page(incident)->summary,
		.severity = incident->severity,
		.opened_us = incident->opened_us,
		.closed_us = incident->closed_us,
		.due_us = incident->due_us,
		.escalation = incident->escalation,
		.run = incident->run,
		.step = incident->step,
		.acked_by = incident->acked_by,
		.next_team = incident_next_team_name(incident, arena),
		.nalerts = incident->nmembers,
		.nfiring = incident->nfiring,
		.unreached = incident_is_unreached(incident),
		.silenced = incident->silenced,
	};

	view.recipients = view_recipients(incident, arena, &view.nrecipients);
	return view;
}

void incidents_book_each(const struct incident_book *book, const char *after,
			 incident_viewer *viewer, void *ctx)
{
	struct incident *incident = after ? incident_get(book, after) : NULL;
	bool more = true;

	if (after && !incident)
		return;
	incident = incident ? TAILQ_NEXT(incident, in_all) : TAILQ_FIRST(&book->all);
	for (; incident && more; incident = TAILQ_NEXT(incident, in_all)) {
		struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
		const struct incident_view view = view_of(incident, arena);
		if (incident->synthetic != SYNTHETIC_SELF)
			more = viewer(ctx, &view);
		arena_free(arena);
	}
}

bool incidents_book_view(const struct incident_book *book, const char *id, incident_viewer *viewer,
			 void *ctx)
{
	struct incident *incident = incident_get(book, id);
	struct arena *arena;
	struct page page;

	if (!incident || incident->state == INCIDENT_CLOSED)
		return false;
	arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	struct shared_text *decision = incident_decision(incident);
	incident_get_page(incident, arena, decision, &page);
	incident_tell_silence(incident, arena, &page);
	struct incident_view view = view_of(incident, arena);
	view.page = &page;
	viewer(ctx, &view);
	shared_text_unref(decision);
	arena_free(arena);
	return true;
}
