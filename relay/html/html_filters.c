/* HTML filters: what the forms above lists have in common. */
#include <string.h>

#include "tracepager/xalloc.h"

#include "html_parts-internal.h"

void html_option(struct html *html, const char *value, const char *text, const char *chosen)
{
	HTML(html, "<option value=\"");
	html_text(html, value);
	HTML_IF(html, strcmp(value, chosen) == 0, "\" selected>", "\">");
	html_text(html, text);
	HTML(html, "</option>");
}

void html_choose_severity(struct html *html, const char *chosen)
{
	static const char *const severities[] = { "critical", "error", "warning", "info" };

	HTML(html, "<label>Severity <select name=\"severity\">");
	html_option(html, "", "all", chosen);
	for (size_t i = 0; i < ARRAY_LEN(severities); i++)
		html_option(html, severities[i], severities[i], chosen);
	HTML(html, "</select></label>");
}
