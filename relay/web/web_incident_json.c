/* Web incident JSON: incidents as /api/v1/incidents writes them. Pure; any thread. */
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"

#include "web_incident-internal.h"

static void add_time(struct buf *out, const char *key, int64_t us)
{
	char text[RFC3339_SIZE];

	buf_json_text(out, key, us ? rfc3339_format(us, text) : NULL);
}

static void add_known(struct buf *out, const char *key, const char *text)
{
	if (text && *text)
		buf_json_text(out, key, text);
}

static void add_flag(struct buf *out, const char *key, bool flag)
{
	buf_json_key(out, key);
	buf_puts(out, flag ? "true" : "false");
}

static const char *null_if_empty(const char *text)
{
	return text && *text ? text : NULL;
}

static void view_add_recipients(struct buf *out, const struct incident_view *view)
{
	buf_json_key(out, "recipients");
	buf_putc(out, '[');
	for (size_t i = 0; i < view->nrecipients; i++) {
		buf_puts(out, i ? ",{" : "{");
		buf_json_text(out, "pager", view->recipients[i].pager);
		buf_json_text(out, "role", view->recipients[i].role);
		buf_json_text(out, "state", view->recipients[i].state);
		buf_json_int(out, "n", view->recipients[i].n);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

void web_write_view(struct buf *out, const struct incident_view *view, bool past)
{
	buf_json_text(out, "id", view->id);
	buf_json_text(out, "team", view->team);
	buf_json_text(out, "state", view->state);
	buf_json_text(out, "severity", severity_name(view->severity));
	buf_json_text(out, "summary", view->summary);
	add_time(out, "opened_at", view->opened_us);
	add_time(out, "closed_at", view->closed_us);
	if (past)
		return;
	add_time(out, "due_at", view->due_us);
	buf_json_text(out, "escalation", null_if_empty(view->escalation));
	buf_json_int(out, "run", view->run < 0 ? 0 : view->run + 1);
	buf_json_int(out, "step", view->step < 0 ? 0 : view->step + 1);
	buf_json_text(out, "acknowledged_by", null_if_empty(view->acked_by));
	buf_json_text(out, "silenced", view->silenced);
	buf_json_int(out, "alerts", (int64_t)view->nalerts);
	buf_json_int(out, "firing", (int64_t)view->nfiring);
	add_flag(out, "unreached", view->unreached);
	view_add_recipients(out, view);
}

/* "TEAM\tWHY" lines. */
static void add_next_owners(struct buf *out, const char *lines)
{
	buf_json_key(out, "next_owners");
	buf_putc(out, '[');
	for (bool first = true; lines && *lines; first = false) {
		const size_t len = strcspn(lines, "\n"), team = strcspn(lines, "\t\n");
		buf_puts(out, first ? "{" : ",{");
		buf_json_key(out, "team");
		buf_json_stringn(out, lines, team);
		buf_json_key(out, "why");
		buf_json_stringn(out, lines + team + (team < len), len - team - (team < len));
		buf_putc(out, '}');
		lines += len + (lines[len] == '\n');
	}
	buf_putc(out, ']');
}

void web_write_page(struct buf *out, const struct page *page)
{
	if (page->since_us)
		add_time(out, "since", page->since_us);
	add_known(out, "component", page->component);
	add_known(out, "origin", page->origin);
	add_known(out, "kind", page->kind);
	add_known(out, "environment", page->environment);
	add_known(out, "instance", page->instance);
	add_known(out, "labels", page->labels);
	add_known(out, "banner", page->banner);
	add_known(out, "why", page->why);
	add_known(out, "evidence", page->evidence);
	add_known(out, "limits", page->limits);
	add_known(out, "also_paged", page->also_paged);
	add_known(out, "path", page->path);
	add_known(out, "could_be", page->could_be);
	add_known(out, "what_differs", page->what_differs);
	add_known(out, "burn", page->burn);
	add_known(out, "differs", page->differs);
	add_known(out, "what_to_do", page->what_to_do);
	add_known(out, "waterfall", page->waterfall);
	add_known(out, "how_it_was_found", page->reasons);
	add_known(out, "alert_says", page->alert_says);
	add_known(out, "details", page->details);
	add_known(out, "moved_to", page->moved_to);
	add_known(out, "moved_to_team", page->moved_to_team);
	add_known(out, "escalates", page->escalates);
	add_next_owners(out, page->next_owners);
	page_write_links(page, out);
	if (page->alert_list && *page->alert_list == '[') {
		buf_json_key(out, "alert_list");
		buf_puts(out, page->alert_list);
	}
	web_write_decision(out, page->decision ? page->decision : "",
			   page->decision ? strlen(page->decision) : 0);
}

/* decision_write() wrote it; but a text that was cut would spoil the whole answer. */
void web_write_decision(struct buf *out, const char *decision, size_t len)
{
	if (len < 2 || decision[0] != '{' || decision[len - 1] != '}')
		return;
	buf_json_key(out, "decision");
	buf_add(out, decision, len);
}

void web_write_event(struct buf *out, const struct stored_event *event)
{
	buf_puts(out, out->len && out->data[out->len - 1] == '}' ? ",{" : "{");
	add_time(out, "at", event->at_us);
	buf_json_text(out, "event", event->event);
	buf_json_text(out, "who", event->who);
	buf_json_text(out, "text", event->text);
	buf_putc(out, '}');
}

struct incident_view web_past_view(const struct past_incident *incident, const struct page *page)
{
	return (struct incident_view){
		.id = incident->id,
		.team = incident->team,
		.state = "closed",
		.summary = page->summary,
		.severity = page->severity,
		.opened_us = incident->opened_us,
		.closed_us = incident->closed_us,
		.escalation = "",
		.acked_by = "",
		.page = page,
	};
}

void web_past_page(struct arena *arena, const struct past_incident *incident, struct page *ret_page)
{
	if (incident->page_len && incident->page_len <= LIMIT_PAGE_DOC_BYTES &&
	    page_read(arena, incident->page, incident->page_len, ret_page, NULL) == 0)
		return;
	/* An earlier version closed it, and kept no page. */
	*ret_page = (struct page){ .incident = incident->id,
				   .summary = "",
				   .severity = SEVERITY_ERROR,
				   .details = "",
				   .component = "",
				   .origin = "",
				   .kind = "" };
}
