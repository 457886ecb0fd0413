/* HTML alerts: the alerts of an incident: the labels that all have once, and those that differ. */
#include "tracepager/html_pages.h"

#include <string.h>

#include "tracepager/limits.h"

#include "html_parts-internal.h"

static const char *alert_label(const struct html_alert *alert, const char *name)
{
	for (size_t i = 0; i < alert->nlabels; i++)
		if (strcmp(alert->labels[i].name, name) == 0)
			return alert->labels[i].value;
	return NULL;
}

static bool alerts_share(const struct html_alert *alerts, size_t n,
			 const struct html_span_fact *label)
{
	for (size_t i = 0; i < n; i++) {
		const char *value = alert_label(&alerts[i], label->name);
		if (!value || strcmp(value, label->value) != 0)
			return false;
	}
	return true;
}

static void add_label(struct html *html, const struct html_span_fact *label)
{
	HTML(html, "<span class=\"label\"><span>");
	html_text_cut(html, label->name, 80);
	HTML(html, "</span>");
	html_text_cut(html, label->value, 200);
	HTML(html, "</span> ");
}

static void alerts_add_row(struct html *html, const struct html_alert *alerts, size_t n, size_t i,
			   int64_t now_us)
{
	const struct html_alert *alert = &alerts[i];

	HTML(html, "<tr><td>");
	html_text(html, alert->name);
	HTML_IF(html, strcmp(alert->status, "firing") == 0,
		"</td><td><span class=\"state open\">firing</span>",
		"</td><td><span class=\"state taken\">ended</span>");
	HTML(html, "</td><td>");
	html_time(html, alert->since_us, now_us);
	HTML(html, "</td><td>");
	for (size_t j = 0; j < alert->nlabels; j++)
		if (n == 1 || !alerts_share(alerts, n, &alert->labels[j]))
			add_label(html, &alert->labels[j]);
	HTML(html, "</td></tr>\n");
}

void html_alerts(struct html *html, const struct html_alert *alerts, size_t n, size_t all,
		 int64_t now_us)
{
	if (!n)
		return;
	HTML(html, "<section><h2 id=\"alerts\">Alerts <span class=\"count\">");
	html_int(html, (int64_t)all);
	HTML(html, "</span></h2>\n");
	if (n > 1) {
		HTML(html, "<p>All have ");
		for (size_t j = 0; j < alerts[0].nlabels; j++)
			if (alerts_share(alerts, n, &alerts[0].labels[j]))
				add_label(html, &alerts[0].labels[j]);
		HTML(html, "</p>\n");
	}
	HTML(html, "<div class=\"scroll\"><table class=\"stacked "
		   "alerts\"><thead><tr><th>Alert</th><th>State</th><th>Since</th>");
	HTML_IF(html, n > 1, "<th>What differs</th></tr></thead><tbody>\n",
		"<th>Labels</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < n; i++)
		alerts_add_row(html, alerts, n, i, now_us);
	HTML(html, "</tbody></table></div>\n");
	if (all > n) {
		HTML(html, "<p class=\"hint\">");
		html_int(html, (int64_t)(all - n));
		HTML(html, " more are not shown.</p>\n");
	}
	HTML(html, "</section>\n");
}
