/* HTML verdict: what is suspected, how sure that is, what speaks against it, and whose it is. */
#include "tracepager/html_pages.h"

#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#include "html_parts-internal.h"

void html_rule_place(struct html *html, const char *place, bool shadow)
{
	const char *colon = strrchr(place, ':');
	const int64_t line = colon ? strtoll(colon + 1, NULL, 10) : 0;

	if (colon && line > 0) {
		CLEANUP_FREE char *file = xstrndup(place, (size_t)(colon - place));
		const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
		HTML_IF(html, shadow,
			"<a href=\"/rules?of=shadow&amp;file=", "<a href=\"/rules?file=");
		html_url_part(html, name);
		HTML(html, "&amp;line=");
		html_int(html, line);
		HTML(html, "#");
		html_url_part(html, name);
		HTML(html, ":");
		html_int(html, line);
		HTML(html, "\">");
	}
	HTML(html, "<code>");
	html_text(html, place);
	HTML(html, "</code>");
	HTML_IF(html, colon && line > 0, "</a>", "");
}

static void add_list(struct html *html, const char *title, const char *const *texts, size_t n)
{
	if (!n)
		return;
	HTML(html, "<dt>");
	html_text(html, title);
	HTML(html, "</dt><dd><ul>");
	for (size_t i = 0; i < n; i++) {
		HTML(html, "<li>");
		html_text(html, texts[i]);
		HTML(html, "</li>");
	}
	HTML(html, "</ul></dd>\n");
}

static void add_confidence(struct html *html, const struct html_verdict *verdict)
{
	HTML(html, "<dt>How sure</dt><dd><meter min=\"0\" max=\"1\" low=\"0.5\" high=\"0.8\" "
		   "optimum=\"1\" value=\"");
	html_real(html, verdict->confidence);
	HTML(html, "\"></meter> ");
	html_share(html, verdict->confidence);
	if (verdict->of) {
		HTML(html, ": ");
		html_int(html, verdict->agree);
		HTML(html, " of ");
		html_int(html, verdict->of);
		HTML(html, " traces agree");
	}
	HTML(html, "</dd>\n");
}

static void add_suspect(struct html *html, const struct html_verdict *verdict)
{
	if (*verdict->fallback) {
		html_fact(html, "No cause is named", verdict->fallback);
		return;
	}
	HTML(html, "<dt>Suspect</dt><dd><b>");
	html_text(html, verdict->suspect);
	HTML(html, "</b> ");
	html_text(html, verdict->operation);
	if (*verdict->callee) {
		HTML(html, " → <b>");
		html_text(html, verdict->callee);
		HTML(html, "</b>");
	}
	HTML(html, "</dd>\n");
	html_fact(html, "It says", verdict->error);
	add_confidence(html, verdict);
}

static void add_runners_up(struct html *html, const struct html_verdict *verdict)
{
	if (!verdict->nrunners_up)
		return;
	HTML(html, "<dt>Or else</dt><dd>");
	for (size_t i = 0; i < verdict->nrunners_up; i++) {
		const struct html_runner_up *other = &verdict->runners_up[i];
		HTML_IF(html, i, ", ", "");
		html_text(html, other->service);
		if (*other->callee) {
			HTML(html, " → ");
			html_text(html, other->callee);
		}
		HTML(html, " (");
		html_int(html, other->agree);
		HTML(html, " of ");
		html_int(html, verdict->of);
		HTML(html, ")");
	}
	HTML(html, "</dd>\n");
}

static void add_limits(struct html *html, const struct html_verdict *verdict)
{
	if (!verdict->nlimits)
		return;
	HTML(html, "<dt>What holds it down</dt><dd><ul>");
	for (size_t i = 0; i < verdict->nlimits; i++) {
		HTML(html, "<li>");
		html_text(html, verdict->limits[i].text);
		if (verdict->limits[i].most > 0) {
			HTML(html, " (at most ");
			html_share(html, verdict->limits[i].most);
			HTML(html, ")");
		}
		HTML(html, "</li>");
	}
	HTML(html, "</ul></dd>\n");
}

static void add_owner(struct html *html, const struct html_verdict *verdict)
{
	if (!*verdict->owner)
		return;
	HTML(html, "<dt>Owner</dt><dd>team <b>");
	html_text(html, verdict->owner);
	HTML(html, "</b>");
	if (*verdict->rule) {
		HTML(html, ", by ");
		html_rule_place(html, verdict->rule, false);
	}
	if (*verdict->policy) {
		HTML(html, ", escalation ");
		html_text(html, verdict->policy);
	}
	HTML(html, "</dd>\n");
	add_list(html, "Why them", verdict->owner_reasons, verdict->nowner_reasons);
}

void html_verdict(struct html *html, const struct html_verdict *verdict)
{
	HTML(html, "<dl>\n");
	if (*verdict->signal_service) {
		HTML(html, "<dt>Signal</dt><dd>");
		html_text(html, verdict->signal_service);
		HTML(html, " ");
		html_text(html, verdict->signal_operation);
		HTML(html, " <span class=\"hint\">from the ");
		html_text(html, verdict->signal_from);
		HTML(html, "</span></dd>\n");
	}
	add_suspect(html, verdict);
	add_runners_up(html, verdict);
	add_limits(html, verdict);
	add_list(html, "What differs", verdict->differences, verdict->ndifferences);
	add_list(html, "How it was found", verdict->reasons, verdict->nreasons);
	add_owner(html, verdict);
	HTML(html, "</dl>\n");
}
