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

void html_form_begin(struct html *html, const char *path, const char *mark)
{
	HTML(html, "<form method=\"post\" action=\"");
	html_text(html, path);
	HTML(html, "\" accept-charset=\"utf-8\"><input type=\"hidden\" name=\"n\" value=\"");
	html_text(html, mark);
	/* The return key in a field presses the first button: this one does nothing. */
	HTML(html, "\"><button disabled hidden></button>\n");
}

void html_button(struct html *html, const char *act, const char *object, const char *text)
{
	HTML(html, "<button name=\"act\" value=\"");
	html_text(html, act);
	if (*object) {
		HTML(html, ":");
		html_text(html, object);
	}
	HTML(html, "\">");
	html_text(html, text);
	HTML(html, "</button>");
}
