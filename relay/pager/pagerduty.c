/*
 * Pager kind pagerduty: Events API v2. Trigger and update are both sent as "trigger" (PagerDuty
 * appends events with one dedup key to one alert), resolve as "resolve", with the trigger's routing
 * key. Of the decision an event has what a person needs (decision_brief.c): a webhook has all
 * of it. custom_details, which PagerDuty shows as a table, has the order of tracepager-page(7). A
 * body above PagerDuty's cap loses the decision first, then the waterfall, then all texts of many
 * lines; each is replaced by a note.
 */
#include "pager_layout.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"

#define SUMMARY_CHARS 1024
#define DEDUP_CHARS   255

/* How much is left out: one step more each time that the body is too large. */
enum trim {
	TRIM_NOTHING,
	TRIM_DECISION,
	TRIM_WATERFALL,
	TRIM_DETAILS,
	TRIM_END,
};

#define LEFT_OUT "left out: PagerDuty takes at most 512 KB"

/* Make a member's name of a heading: "Why you" becomes why_you. */
static void section_key(const char *heading, size_t len, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < size; i++) {
		unsigned char c = (unsigned char)heading[i];
		if (isalnum(c))
			out[n++] = (char)tolower(c);
		else if (n > 0 && out[n - 1] != '_')
			out[n++] = '_';
	}
	while (n > 0 && out[n - 1] == '_')
		n--;
	out[n] = '\0';
}

/* Sections of a page by their first words, and the member names that programs look for. */
static const struct {
	const char *begin, *key;
} known_sections[] = {
	{ "Why you", "why" },
	{ "The failure", "path" },
	{ "The delay", "path" },
	{ "The likeliest path", "path" },
	{ "Trace ", "waterfall" },
	{ "Evidence", "evidence" },
	{ "Traces", "evidence" },
	{ "Mind", "fallback" },
	{ "No cause was found", "fallback" },
};

struct section {
	char key[40];
	const char *text;
	size_t len;
};

/* Name a section by its first words if they are known, else by a first line that ends in a colon
 * (which is then left out of the text). The key stays "" where neither fits. */
static void section_name(struct section *section)
{
	size_t first = strcspn(section->text, "\n");

	for (size_t i = 0; i < ARRAY_LEN(known_sections); i++) {
		if (strncmp(section->text, known_sections[i].begin,
			    strlen(known_sections[i].begin)) == 0) {
			snprintf(section->key, sizeof(section->key), "%s", known_sections[i].key);
			return;
		}
	}
	if (first > 1 && first < section->len && section->text[first - 1] == ':') {
		section_key(section->text, first - 1, section->key, sizeof(section->key));
		section->text += first + 1;
		section->len -= first + 1;
	}
}

/* Take the next section (sections are divided by empty lines) and move *at behind it. */
static struct section section_next(const char **at)
{
	struct section section = { .text = *at + strspn(*at, "\n") };
	const char *end = strstr(section.text, "\n\n");

	if (!end)
		end = section.text + strlen(section.text);
	*at = end;
	section.len = (size_t)(end - section.text);
	if (section.len > 0 && section.text[section.len - 1] == '\n')
		section.len--;
	section_name(&section);
	return section;
}

#define KEY_BYTES 48

/* keys[n]: a member name from base that no earlier section and no member of ours has: details,
 * details_2 … */
static void unique_key(char (*keys)[KEY_BYTES], size_t n, const char *base)
{
	static const char *const ours[] = {
		"incident", "incident_status", "note",	      "alerts",	    "decision",
		"more",	    "since",	       "environment", "instance",   "also_paged",
		"differs",  "labels",	       "could_be",    "alert_list", "what_to_do",
		"act",	    "acknowledged_by", "escalates",   "urgency"
	};

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (strcmp(base, ours[i]) == 0)
			base = "details";
	snprintf(keys[n], KEY_BYTES, "%s", base);
	for (unsigned int number = 2;; number++) {
		size_t i = 0;
		while (i < n && strcmp(keys[i], keys[n]) != 0)
			i++;
		if (i == n)
			return;
		snprintf(keys[n], KEY_BYTES, "%.36s_%u", base, number);
	}
}

/* One member for each section, so that a rule at PagerDuty can match it by name. */
static void pagerduty_add_sections(struct buf *out, const char *details, enum trim trim)
{
	char keys[LIMIT_PAGERDUTY_SECTIONS][KEY_BYTES];
	const char *at = details;
	size_t n = 0;

	for (; n < LIMIT_PAGERDUTY_SECTIONS && at[strspn(at, "\n")]; n++) {
		struct section section = section_next(&at);
		unique_key(keys, n, section.key[0] ? section.key : "details");
		buf_json_key(out, keys[n]);
		if (trim >= TRIM_WATERFALL && strcmp(section.key, "waterfall") == 0)
			buf_json_string(out, LEFT_OUT);
		else
			buf_json_stringn(out, section.text, section.len);
	}
	at += strspn(at, "\n");
	if (*at)
		buf_json_text(out, "more", at);
}

/* Facts of one line each, in the order of a page. */
static void pagerduty_add_facts(struct buf *out, const struct page *page)
{
	pager_add_facts(out, page);
	pager_add_text(out, "alert_list", page->differs);
	pager_add_text(out, "what_to_do", page->what_to_do);
}

static void pagerduty_add_lines(struct buf *out, const struct page *page, enum trim trim)
{
	if (trim >= TRIM_DETAILS) {
		buf_json_text(out, "details", LEFT_OUT);
		return;
	}
	pager_add_text(out, "alert_says", page->alert_says);
	if (page->waterfall && *page->waterfall)
		buf_json_text(out, "waterfall",
			      trim >= TRIM_WATERFALL ? LEFT_OUT : page->waterfall);
	pager_add_text(out, "how_it_was_found", page->reasons);
}

/* The names of the alerts, each once: a storm has one name. */
static void pagerduty_add_alerts(struct buf *out, const struct page *page)
{
	const char *seen[LIMIT_PAGE_NAMES];
	size_t n = 0;

	buf_json_key(out, "alerts");
	buf_putc(out, '[');
	for (size_t i = 0; i < page->nalerts && n < LIMIT_PAGE_NAMES; i++) {
		size_t at = 0;
		while (at < n && strcmp(seen[at], page->alerts[i]) != 0)
			at++;
		if (at < n)
			continue;
		buf_puts(out, n ? "," : "");
		buf_json_string(out, page->alerts[i]);
		seen[n++] = page->alerts[i];
	}
	buf_putc(out, ']');
}

static void add_custom_details(struct buf *out, const struct page *page, enum trim trim)
{
	char at[RFC3339_SIZE];

	buf_json_key(out, "custom_details");
	buf_putc(out, '{');
	pager_add_text(out, "note", page->note);
	pager_add_text(out, "fallback", page->banner);
	if (page->since_us)
		buf_json_text(out, "since", rfc3339_format(page->since_us, at));
	pager_add_text(out, "environment", page->environment);
	pager_add_text(out, "instance", page->instance);
	pager_add_text(out, "act", page->act_href);
	pager_add_life(out, page);
	if (page_has_sections(page)) {
		pagerduty_add_facts(out, page);
		pagerduty_add_lines(out, page, trim);
	} else {
		pager_add_text(out, "also_paged", page->also_paged);
		pager_add_text(out, "differs", page->differs);
		pager_add_text(out, "alert_list", page->differs);
		pager_add_text(out, "what_to_do", page->what_to_do);
		if (trim >= TRIM_DETAILS)
			buf_json_text(out, "details", LEFT_OUT);
		else
			pagerduty_add_sections(out, page->details, trim);
	}
	pager_add_text(out, "labels", page->labels);
	pager_add_text(out, "incident", page->incident);
	pager_add_text(out, "incident_status", page->status);
	if (page->nalerts > 0 && trim < TRIM_DETAILS)
		pagerduty_add_alerts(out, page);
	if (pager_decision_json(page)) {
		buf_json_key(out, "decision");
		if (trim >= TRIM_DECISION)
			buf_json_string(out, LEFT_OUT);
		else if (!pager_decision_brief(page, out))
			buf_json_string(out, "left out: it is too large or cannot be read");
	}
	buf_putc(out, '}');
}

static void add_payload(struct buf *out, const struct page *page, enum trim trim)
{
	const char *summary = page->summary[0] ? page->summary : page->incident;
	char at[RFC3339_SIZE];

	buf_json_key(out, "payload");
	buf_putc(out, '{');
	buf_json_key(out, "summary");
	buf_json_stringn(out, summary, pager_units(summary, SUMMARY_CHARS));
	buf_json_text(out, "source", page->origin[0] ? page->origin : "tracepager");
	buf_json_text(out, "severity", severity_name(page->severity));
	buf_json_text(out, "timestamp", rfc3339_format(page->at_us, at));
	pager_add_text(out, "component", page->component);
	pager_add_text(out, "group", page->group);
	if (strcmp(page->kind, "no_signal") != 0)
		pager_add_text(out, "class", page->kind);
	add_custom_details(out, page, trim);
	buf_putc(out, '}');
}

/* The action first: of many links PagerDuty's phone page shows a few. */
static void pagerduty_add_links(struct buf *out, const struct page *page)
{
	struct page shown = *page;

	if (page->act_href && *page->act_href) {
		size_t kept = page->nlinks < LIMIT_PAGE_LINKS ? page->nlinks : LIMIT_PAGE_LINKS - 1;
		shown.links[0] = (struct page_link){ PAGE_ACT_TEXT, page->act_href };
		memcpy(shown.links + 1, page->links, kept * sizeof(*page->links));
		shown.nlinks = kept + 1;
	}
	page_write_links(&shown, out);
}

/* An acknowledgement stops PagerDuty's own escalation. */
static const char *pagerduty_action(const struct page *page)
{
	if (page->event == PAGE_RESOLVE)
		return "resolve";
	if (page->act && strcmp(page->act, "acknowledge") == 0)
		return "acknowledge";
	return "trigger";
}

static void pagerduty_write_body(struct buf *out, const struct page *page,
				 const struct page_target *target, enum trim trim)
{
	const char *action = pagerduty_action(page);

	buf_reset(out);
	buf_putc(out, '{');
	buf_json_text(out, "routing_key", target->key);
	buf_json_text(out, "event_action", action);
	buf_json_text(out, "dedup_key", page->dedup_key);
	if (strcmp(action, "trigger") == 0) {
		add_payload(out, page, trim);
		pagerduty_add_links(out, page);
		buf_json_text(out, "client", "tracepager");
	}
	buf_putc(out, '}');
}

static int pagerduty_build(struct arena *arena, const struct page *page,
			   const struct page_target *target, const char *message_id,
			   int64_t wall_us, struct delivery *ret_delivery, struct err *err)
{
	struct buf body = BUF_INIT(LIMIT_PAGE_BYTES);
	int error = 0;

	(void)message_id;
	(void)wall_us;
	if (!target->key || !target->url)
		return err_set(err, EINVAL, "pager %s has no %s", target->pager,
			       target->url ? "routing_key" : "url");
	if (page->dedup_key[0] == '\0' ||
	    utf8_chars(page->dedup_key, DEDUP_CHARS) < strlen(page->dedup_key))
		return err_set(err, EINVAL, "the dedup key must have 1 to %d characters",
			       DEDUP_CHARS);
	for (enum trim trim = TRIM_NOTHING; trim < TRIM_END; trim++) {
		pagerduty_write_body(&body, page, target, trim);
		if (!body.failed)
			break;
	}
	if (body.failed) {
		const struct page cut = pager_shortened(arena, page);
		pagerduty_write_body(&body, &cut, target, TRIM_DETAILS);
	}
	if (body.failed) {
		error = err_set(err, E2BIG, "the page has more than %u bytes without its details",
				LIMIT_PAGE_BYTES);
	} else {
		*ret_delivery = (struct delivery){ .console = NULL };
		pager_http_post(arena, target, "application/json", &body, &ret_delivery->request);
	}
	buf_fini(&body);
	return error;
}

/* 400: {"status":"invalid event","message":"…","errors":["…"]}; quote the errors, which say what to
 * fix. */
static struct judgement pagerduty_judge(const struct http_reply *reply)
{
	struct judgement judgement = judge_by_status(reply);
	size_t len = 0, i;
	json_t *error;

	if (reply->status != 400 || !reply->body)
		return judgement;
	json_t *root = json_loadb(reply->body, reply->len, 0, NULL);
	json_array_foreach(json_object_get(root, "errors"), i, error)
	{
		const char *text = json_string_value(error);
		if (!text || len >= sizeof(judgement.text) - 1)
			continue;
		size_t room = sizeof(judgement.text) - len;
		int n = snprintf(judgement.text + len, room, "%s%.*s",
				 len > 0 ? "; " : "HTTP 400: ", (int)utf8_chars(text, 80), text);
		len += n > 0 ? (size_t)n : 0;
	}
	json_decref(root);
	return judgement;
}

const struct pager_kind pager_kind_PAGERDUTY = {
	.name = "pagerduty",
	.acks_keys = true,
	.per_minute = 120, /* Events API v2: about 120 events a minute and integration key */
	.paced_host = "pagerduty.com",
	.build = pagerduty_build,
	.judge = pagerduty_judge,
	.feedback = pagerduty_feedback,
};
