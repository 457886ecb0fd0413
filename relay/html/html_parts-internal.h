/*
 * HTML parts: pieces that several pages show. Pure; any thread. They own nothing.
 */
#ifndef TRACEPAGER_HTML_PARTS_INTERNAL_H
#define TRACEPAGER_HTML_PARTS_INTERNAL_H

#include "tracepager/html.h"
#include "tracepager/html_pages.h"

/* ---- html_alerts.c ---- */

/* What the alerts have in common, and a table of what differs; nothing without alerts. */
void html_alerts(struct html *html, const struct html_alert *alerts, size_t n, size_t all,
		 int64_t now_us);

/* ---- html_incident_parts.c ---- */

/* A paragraph: who has it. */
void html_incident_state(struct html *out, const struct incident_view *view, int64_t now_us);
/* A paragraph: what happens next, and when; nothing where nothing is due. */
void html_incident_next(struct html *out, const struct incident_view *view, int64_t now_us);
/* "critical · team ledger · since 03:08 UTC, for 12 min · prod eu1 · 30 alerts, 2 firing";
 * coloured: the severity as html_severity() writes it. */
void html_incident_meta(struct html *out, const struct incident_view *view, bool coloured,
			int64_t now_us);
/* <dl>: the page's facts of one line each, and its links. */
void html_incident_facts(struct html *out, const struct page *page);
/* Those facts that say why, without <dl>. */
void html_incident_reasons(struct html *out, const struct page *page);
/* <dt> and <dd>; nothing without a text. */
void html_fact(struct html *out, const char *name, const char *text);
/* The waterfall as a page has it, in <pre>; nothing without one. */
void html_waterfall_text(struct html *out, const struct page *page);

/* A severity as a coloured word. */
void html_severity(struct html *html, enum severity severity);

/* ---- html_verdict.c ---- */

/* A place in the rules, with a link to its line on the page of the rules. */
void html_rule_place(struct html *html, const char *place, bool shadow);

/* ---- html_findings.c ---- */

void html_findings(struct html *html, const struct html_finding *findings, size_t n);

/* ---- html_filters.c: forms ---- */

/* The begin of a form that acts, with its mark. */
void html_form_begin(struct html *html, const char *path, const char *mark);
/* A button of the field "act"; object "": the act alone, else "ACT:OBJECT". */
void html_button(struct html *html, const char *act, const char *object, const char *text);

/* ---- the fields of a form that filters a list ---- */

void html_option(struct html *html, const char *value, const char *text, const char *chosen);
/* A choice of severities, called "severity". */
void html_choose_severity(struct html *html, const char *chosen);

#endif
