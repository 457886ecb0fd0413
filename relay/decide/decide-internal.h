/*
 * What the files of relay/decide share. Pure; any thread.
 */
#ifndef TRACEPAGER_DECIDE_INTERNAL_H
#define TRACEPAGER_DECIDE_INTERNAL_H

#include "tracepager/decide.h"

/* ---- decision.c ---- */

/* A fallback as a sentence, for decision and page, and in a few words, for a summary. */
const char *fallback_sentence(enum fallback_code code);
const char *fallback_words(enum fallback_code code);
/* The words of struct decision; kept by the arena, or borrowed. */
const char *decision_words(struct arena *arena, const struct verdict *verdict);
/* An annotation of the alert; "": it has none of that name. */
const char *decision_annotation(const struct decision *decision, const char *name);
/* Is its callee a database, by the attributes of the call? */
bool suspect_is_database(const struct suspect *suspect);
/* text NULL or "": the code's sentence. Borrowed by the verdict. */
void verdict_set_fallback(struct verdict *verdict, enum fallback_code code, const char *text);

/* ---- decision_differs.c ---- */

/* Fill differs and ndiffers of the verdict, where it names a suspect. */
void decision_find_differs(struct arena *arena, const struct decide_input *input,
			   struct decision *decision);

/* ---- owner.c ---- */

/* Set the decision's team, routing and reasons. peer_rule: the suspect's entry, found by a peer
 * name; NULL: none. */
void decide_owner(struct arena *arena, const struct decide_input *input,
		  const struct service_rule *peer_rule, struct decision *decision);
void owner_add_reason(struct decision *decision, const char *reason);
/* The team whose operation fails: that of the signal's rule, else of the entry of its service.
 * *ret_owned: the name of that service or signal. NULL: no rule names a team. */
const struct team *owner_of_signal(struct arena *arena, const struct decide_input *input,
				   struct decision *decision, const char **ret_owned);
/* Is it OpenTelemetry's name for a service without a name? It has no owner, whatever rules match.
 */
bool is_unknown_service(const char *service);

/* ---- next_owners.c ---- */

/* Where the routes say so, add the pagers of the team whose operation fails to also_notify. */
void next_owners_notify(struct arena *arena, const struct decide_input *input,
			struct decision *decision);
/* Fill next_owners of decision->page. */
void next_owners_fill(struct arena *arena, const struct decide_input *input,
		      struct decision *decision);

/* ---- burn.c ---- */

/* What the alert tells of an error budget; NULL: nothing that is certain. The arena keeps it. */
const struct burn *burn_find(struct arena *arena, const struct alert *alert);
/* How much of a budget is used over the rate's long time; 0: its window is not known. */
double burn_share(const struct burn *burn, const struct burn_rate *rate);

/* ---- page_facts.c ---- */

/* Fill since_us, environment, instance, labels and burn of decision->page. */
void page_facts_fill(struct arena *arena, struct decision *decision);
/* What the alert is about: its label instance, host …; NULL: it has none. */
const char *page_alert_instance(const struct decision *decision);

/* ---- page_template.c ---- */

/* Replace the page's summary and details by those of the routes' or defaults' templates. */
void page_template_fill(struct arena *arena, struct decision *decision);
/* An address made from a template, kept by the arena; NULL: there is no template, the address is
 * too long, or a value in it is empty. */
const char *page_template_href(struct arena *arena, const struct decision *decision,
			       const struct rule_template *template);

/* The trace that the page shows, and the suspect's span in it; NULL: there is none. */
const char *decision_trace_id(const struct decision *decision);
const char *decision_span_id(const struct decision *decision);

/* ---- page_links.c ---- */

/* Fill links and nlinks of decision->page. */
void page_links_fill(struct arena *arena, const struct decide_input *input,
		     struct decision *decision);

/* ---- page_sections.c ---- */

/* Fill the sections and details of decision->page, after its summary. */
void page_sections_fill(struct arena *arena, const struct decide_input *input,
			struct decision *decision);

/* ---- page_todo.c ---- */

/* Fill what_to_do of decision->page, after its links. */
void page_todo_fill(struct arena *arena, const struct decide_input *input,
		    struct decision *decision);

/* ---- page_text.c ---- */

/* Fill decision->page, but for the members that the incident sets. */
void page_text_fill(struct arena *arena, const struct decide_input *input,
		    struct decision *decision);

/* ---- signal.c ---- */

/* The first service that an alert without a signal names (deployment, app, container …) and the
 * rules know: it says who owns the alert, not which traces to look for. NULL: there is none. */
const char *signal_subject(struct arena *arena, const struct alert *alert,
			   const struct ruleset *rules);

#endif
