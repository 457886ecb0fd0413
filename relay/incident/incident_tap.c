/* What whoever taps the relay hears of decisions, incidents and pages: tap.h. Owns nothing. */
#include "incident-internal.h"

#include <string.h>

#include "tracepager/tap.h"

static void alert_tap_decided(struct tap *tap, const struct alert_message *message)
{
	const struct decision *decision = enrichment_decision(message->enrichment);
	const unsigned int n = decision->nowner_reasons;
	const bool silent = decision->no_page;

	tap_tell(tap, &(struct tap_event){
			      .kind = TAP_DECISION,
			      .what = silent				 ? "pages nobody"
				      : message->says == ALERT_SAYS_LATE ? "late traces"
				      : decision->verdict.found		 ? "suspect"
									 : "no suspect",
			      .alert = message->alert,
			      .alert_key = message->key,
			      .suspect = decision->page.component,
			      .severity = severity_name(decision->page.severity),
			      .team = decision->team ? decision->team->name : NULL,
			      .incident = message->incident,
			      .text = silent && n ? decision->owner_reasons[n - 1]
						  : decision->page.summary,
		      });
}

void incident_tap_cause(struct incident_book *book)
{
	const struct alert_message *message = book->untold;

	book->untold = NULL;
	if (message)
		alert_tap_decided(book->env.tap, message);
}

/* Of these lines of a story, "who" is the key of an alert. */
static bool event_is_of_alert(enum incident_event event)
{
	return event == INCIDENT_EVENT_OPENED || event == INCIDENT_EVENT_JOINED ||
	       event == INCIDENT_EVENT_LEFT || event == INCIDENT_EVENT_ENDED ||
	       event == INCIDENT_EVENT_REFIRED;
}

void incident_tap_story(const struct incident *incident, enum incident_event event,
			const char *name, const char *who, const char *text)
{
	struct incident_book *book = incident->book;
	const bool of_alert = event_is_of_alert(event);

	incident_tap_cause(book);
	tap_tell(book->env.tap,
		 &(struct tap_event){ .kind = TAP_INCIDENT,
				      .what = name,
				      .alert = of_alert ? book->ops.alert(book->ops.ctx, who)
							: incident_log_alert(incident),
				      .alert_key = of_alert ? who : NULL,
				      .suspect = incident->suspect,
				      .severity = severity_name(incident->severity),
				      .team = incident->team,
				      .incident = incident->id,
				      .who = of_alert ? NULL : who,
				      .text = text });
}

void incident_tap_page(const struct incident *incident, const struct stored_page *page)
{
	static const char *const states[] = { [STORED_PAGE_QUEUED] = "tried again",
					      [STORED_PAGE_DELIVERED] = "delivered",
					      [STORED_PAGE_REJECTED] = "rejected",
					      [STORED_PAGE_DROPPED] = "dropped" };
	const bool fresh = page->state == STORED_PAGE_QUEUED && !page->attempts;
	const char *event = strchr(page_event_name((enum page_event)page->event), '.');

	if (incident->synthetic == SYNTHETIC_SELF)
		return;
	incident_tap_cause(incident->book);
	tap_tell(incident->book->env.tap,
		 &(struct tap_event){ .kind = TAP_PAGE,
				      .what = fresh ? "queued" : states[page->state],
				      .alert = incident_log_alert(incident),
				      .suspect = incident->suspect,
				      .severity = severity_name(incident->severity),
				      .team = incident->team,
				      .incident = incident->id,
				      .pager = page->pager,
				      .page = event ? event + 1 : NULL,
				      .text = page->error });
}
