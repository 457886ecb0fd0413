/* HTML rejected: bodies of senders that could not be read, with the place and the reason. */
#include "tracepager/html_pages.h"

#include "html_parts-internal.h"

static void rejected_page_row(struct html *html, const struct html_frame *frame,
			      const struct html_rejected_row *row)
{
	HTML(html, "<tr><td>");
	html_time(html, row->at_us, frame->now_us);
	HTML(html, "</td><td>");
	html_text(html, row->sender);
	HTML(html, "<span class=\"due\">");
	html_text(html, row->peer);
	HTML(html, "</span></td><td>");
	html_text(html, row->reason);
	if (row->byte >= 0) {
		HTML(html, "<span class=\"due\">at byte ");
		html_int(html, row->byte);
		HTML(html, " of ");
		html_int(html, (int64_t)row->len);
		HTML(html, "</span>");
	}
	HTML(html, "<details><summary>How it begins</summary><pre class=\"words\">");
	html_lines(html, row->body);
	HTML(html, "</pre></details></td></tr>\n");
}

void html_rejected_write(struct html *html, const struct html_frame *frame,
			 const struct html_rejected_row *rows, size_t n)
{
	html_frame_begin(html, frame);
	HTML(html,
	     "<h1>Rejected bodies</h1>\n<p class=\"hint\">The latest that senders posted and "
	     "that could not be read, or of which alerts were refused. Secrets are hidden.</p>\n");
	if (!n) {
		HTML(html, "<p class=\"empty good\">Nothing was rejected since the start.</p>\n");
	} else {
		HTML(html, "<div class=\"scroll\"><table "
			   "class=\"stacked\"><thead><tr><th>When</th><th>Sender</th>"
			   "<th>Why</th></tr></thead><tbody>\n");
		for (size_t i = 0; i < n; i++)
			rejected_page_row(html, frame, &rows[i]);
		HTML(html, "</tbody></table></div>\n");
	}
	html_frame_end(html, frame);
}
