/*
 * The caps of what pagers get, each with its reason: a section of limits.h, which includes it.
 */
#ifndef TRACEPAGER_LIMITS_PAGER_H
#define TRACEPAGER_LIMITS_PAGER_H

/* The template of a webhook's body, its further headers and their bytes: all are kept with each
 * target that is stored. Chat services take bodies of some KB. */
#define LIMIT_WEBHOOK_BODY_BYTES    8192u
#define LIMIT_WEBHOOK_HEADERS	    8u
#define LIMIT_WEBHOOK_HEADERS_BYTES 4096u
/* A value that a body holds, in characters; where all of them are too much, the second counts. */
#define LIMIT_WEBHOOK_VALUE_CHARS	16000u
#define LIMIT_WEBHOOK_SHORT_VALUE_CHARS 500u
/* A target as it is stored: its secrets and texts, its template and headers as JSON. */
#define LIMIT_TARGET_BYTES                                                                         \
	(2 * LIMIT_SECRET_BYTES + LIMIT_LABEL_BYTES + 2 * LIMIT_WEBHOOK_BODY_BYTES +               \
	 2 * LIMIT_WEBHOOK_HEADERS_BYTES)

/* One page: PagerDuty takes at most 512 KB; Standard Webhooks advise 20 KB. */
#define LIMIT_PAGE_BYTES (500u << 10)
/* Sections of a page that become members of PagerDuty's custom_details (a page has some eight); the
 * rest becomes one member. */
#define LIMIT_PAGERDUTY_SECTIONS 24

#endif
