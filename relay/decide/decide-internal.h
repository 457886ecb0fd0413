/* What the files of this room share. */
#ifndef DECIDE_INTERNAL_H
#define DECIDE_INTERNAL_H

#include "tracepager/decide.h"

/* The words of a fallback: a sentence for the decision and the page, and a few words for the
 * summary. */
const char *fallback_sentence(enum fallback_code code);
const char *fallback_words(enum fallback_code code);

/* decide.c. text NULL or "": the code's sentence. */
void verdict_set_fallback(struct verdict *verdict, enum fallback_code code, const char *text);

/* owner.c. peer_rule: the entry that the suspect's callee belongs to; NULL: none. */
void decide_owner(struct arena *arena, const struct decide_input *input,
		  const struct service_rule *peer_rule, struct decision *decision);
/* A service that did not tell its name has no owner, whatever the rules would match. */
bool is_unknown_service(const char *service);

/* page_template.c: the summary and details that routes or defaults have, and the links of the
 * service, into the page that has its own already. */
void page_template_fill(struct arena *arena, struct decision *decision);
/* NULL: the template makes no address that fits. */
const char *page_template_href(struct arena *arena, const struct decision *decision,
			       const struct rule_template *template);

/* Fills decision->page (all but what is the incident's) from what is decided. */
void page_text_fill(struct arena *arena, const struct decide_input *input,
		    struct decision *decision);

#endif
