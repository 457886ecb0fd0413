/* HTML queue: the pagers and how they are, and the pages that wait for them. */
#include "tracepager/html_pages.h"

#include <inttypes.h>
#include <stdio.h>

#include "html_parts-internal.h"

static void queue_add_pager(struct html *html, const struct html_frame *frame,
			    const struct html_pager_row *pager)
{
	HTML(html, "<tr><td>");
	html_text(html, pager->name);
	HTML(html, "</td><td>");
	html_text(html, *pager->kind ? pager->kind : "no longer in the rules");
	HTML(html, "</td><td>");
	if (pager->paused_by) {
		HTML(html, "<span class=\"state open\">paused</span> by ");
		html_text(html, pager->paused_by);
	} else if (pager->failing) {
		HTML(html, "<span class=\"state open\">fails: only probes are sent</span>");
	} else {
		HTML(html, "<span class=\"state taken\">takes pages</span>");
	}
	HTML(html, "</td><td data-label=\"waiting\" class=\"number\">");
	html_int(html, (int64_t)pager->waiting);
	if (pager->oldest_us) {
		HTML(html, ", the oldest for ");
		html_age(html, frame->now_us - pager->oldest_us);
	}
	HTML(html, "</td>");
	if (frame->may_act) {
		HTML(html, "<td class=\"acting\">");
		html_button(html, pager->paused_by ? "resume" : "pause", pager->name,
			    pager->paused_by ? "Go on" : "Pause");
		if (pager->waiting)
			html_button(html, "retry", pager->name, "Try now");
		HTML(html, "</td>");
	}
	HTML(html, "</tr>\n");
}

static void queue_add_page(struct html *html, const struct html_frame *frame,
			   const struct html_queue_row *page)
{
	char id[24];

	snprintf(id, sizeof(id), "%" PRId64, page->id);
	HTML(html, "<tr><td>");
	html_severity(html, page->severity);
	HTML(html, "</td><td><a href=\"/incidents/");
	html_url_part(html, page->incident);
	HTML(html, "\">");
	html_text_cut(html, page->incident, 9);
	HTML(html, "</a></td><td>");
	html_text(html, page->pager);
	HTML(html, "</td><td>");
	html_text(html, page->event);
	HTML(html, "</td><td>");
	html_text(html, page->state);
	if (page->next_us) {
		HTML(html, ", next try ");
		html_time(html, page->next_us, frame->now_us);
	}
	if (*page->error) {
		HTML(html, "<span class=\"due\">");
		html_text_cut(html, page->error, 300);
		HTML(html, "</span>");
	}
	HTML(html, "</td><td data-label=\"tries\" class=\"number\">");
	html_int(html, page->attempts);
	HTML(html, "</td><td class=\"number\">");
	html_age(html, frame->now_us - page->created_us);
	HTML(html, "</td>");
	if (frame->may_act) {
		HTML(html, "<td class=\"acting\">");
		html_button(html, "retry-page", id, "Try now");
		html_button(html, "drop-page", id, "Drop");
		HTML(html, "</td>");
	}
	HTML(html, "</tr>\n");
}

static void queue_add_pages(struct html *html, const struct html_frame *frame,
			    const struct html_queue *queue)
{
	HTML(html, "<h2>Pages that wait <span class=\"count\">");
	html_int(html, (int64_t)queue->nwaiting);
	HTML(html, "</span></h2>\n");
	if (!queue->npages) {
		HTML(html, "<p class=\"empty good\">No page waits.</p>\n");
		return;
	}
	HTML(html, "<div class=\"scroll\"><table "
		   "class=\"stacked\"><thead><tr><th>Severity</th><th>Incident</th>"
		   "<th>Pager</th><th>Event</th><th>State</th><th class=\"number\">Tries</th>"
		   "<th class=\"number\">Waits</th>");
	HTML_IF(html, frame->may_act, "<td></td></tr></thead><tbody>\n", "</tr></thead><tbody>\n");
	for (size_t i = 0; i < queue->npages; i++)
		queue_add_page(html, frame, &queue->pages[i]);
	HTML(html, "</tbody></table></div>\n");
	if (queue->nwaiting > queue->npages) {
		HTML(html, "<p class=\"hint\">");
		html_int(html, (int64_t)(queue->nwaiting - queue->npages));
		HTML(html, " more are not shown: tracepager queue lists them.</p>\n");
	}
}

void html_queue_write(struct html *html, const struct html_frame *frame,
		      const struct html_queue *queue)
{
	html_frame_begin(html, frame);
	html_form_begin(html, "/queue", queue->mark);
	HTML(html, "<h1>Pagers</h1>\n<div class=\"scroll\"><table "
		   "class=\"stacked\"><thead><tr><th>Pager</th>"
		   "<th>Kind</th><th>State</th><th class=\"number\">Waiting</th>");
	HTML_IF(html, frame->may_act, "<td></td></tr></thead><tbody>\n", "</tr></thead><tbody>\n");
	for (size_t i = 0; i < queue->npagers; i++)
		queue_add_pager(html, frame, &queue->pagers[i]);
	HTML(html, "</tbody></table></div>\n");
	queue_add_pages(html, frame, queue);
	HTML(html, "</form>\n");
	html_frame_end(html, frame);
}
