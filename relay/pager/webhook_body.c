/*
 * Webhook body: what a template of the rules makes of a page. Texts of strangers lose what does not
 * show, and are escaped by the content type. Pure; owns nothing.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "pager_layout.h"
#include "tracepager/body_template.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"

struct body_values {
	struct arena *arena;
	const struct page *page;
	size_t most;	  /* characters of a value */
	json_t *decision; /* once a label was asked for */
};

static const char *body_time(const struct body_values *values, int64_t wall_us)
{
	char text[RFC3339_SIZE];

	return wall_us ? arena_strdup(values->arena, rfc3339_format(wall_us, text)) : "";
}

static const char *body_details(const struct body_values *values)
{
	struct buf text = BUF_INIT(LIMIT_PAGE_BYTES);

	page_write_details(values->page, &text);
	const char *kept = arena_strdup(values->arena, buf_text(&text));
	buf_fini(&text);
	return kept;
}

/* A label or an annotation of the alert, which the decision has. */
static const char *body_label(struct body_values *values, const char *map, const char *name)
{
	const char *text = values->decision ? NULL : pager_decision_json(values->page);

	if (text)
		values->decision = json_loads(text, 0, NULL);
	const json_t *alert = json_object_get(values->decision, "alert");
	return json_string_value(json_object_get(json_object_get(alert, map), name));
}

static const char *body_url(const struct body_values *values)
{
	struct page_link links[PAGER_LINKS];

	return pager_links(values->arena, values->page, links) ? links[0].href : "";
}

/* Facts that a member of the page is. */
static const char *body_fact(const struct page *page, enum body_name name)
{
	const char *const facts[BODY_NAME_COUNT] = {
		[BODY_EVENT] = page_event_name(page->event),
		[BODY_STATE] = page->state ? page->state : page->status,
		[BODY_STATUS] = page->status,
		[BODY_INCIDENT] = page->incident,
		[BODY_DEDUP_KEY] = page->dedup_key,
		[BODY_SEVERITY] = severity_name(page->severity),
		[BODY_SUMMARY] = page->summary,
		[BODY_TEAM] = page->group,
		[BODY_SERVICE] = page->component,
		[BODY_ORIGIN] = page->origin,
		[BODY_KIND] = page->kind,
		[BODY_ENVIRONMENT] = page->environment,
		[BODY_INSTANCE] = page->instance,
		[BODY_ALERT] = page->nalerts ? page->alerts[0] : NULL,
		[BODY_LABELS] = page->labels,
		[BODY_NOTE] = page->note,
		[BODY_BANNER] = page->banner,
		[BODY_WHY] = page->why,
		[BODY_EVIDENCE] = page->evidence,
		[BODY_PATH] = page->path,
		[BODY_WHAT_DIFFERS] = page->what_differs,
		[BODY_BURN] = page->burn,
		[BODY_WHAT_TO_DO] = page->what_to_do,
		[BODY_WATERFALL] = page->waterfall,
		[BODY_ACKNOWLEDGED_BY] = page->acked_by,
		[BODY_MOVED_TO] = page->moved_to,
		[BODY_URGENCY] = page->urgency ? page->urgency : "high",
	};

	return facts[name];
}

static const char *body_value(void *ctx, const struct template_part *part)
{
	struct body_values *values = ctx;
	const enum body_name name = (enum body_name)(int)part->name;
	const char *text = NULL;

	switch ((int)name) {
	case BODY_LABEL:
		text = body_label(values, "labels", part->text);
		break;
	case BODY_ANNOTATION:
		text = body_label(values, "annotations", part->text);
		break;
	case BODY_HEADLINE:
		text = pager_headline(values->arena, values->page, LIMIT_SUMMARY_CHARS);
		break;
	case BODY_DETAILS:
		text = body_details(values);
		break;
	case BODY_URL:
		return body_url(values);
	case BODY_SINCE:
		return body_time(values, values->page->since_us);
	case BODY_OPENED_AT:
		return body_time(values, values->page->opened_at_us);
	case BODY_AT:
		return body_time(values, values->page->at_us);
	default:
		text = body_fact(values->page, name);
		break;
	}
	return pager_words(values->arena, text, values->most, false);
}

int webhook_write_template(struct arena *arena, const struct page *page,
			   const struct page_target *target, struct buf *out, struct err *err)
{
	struct body_values values = { .arena = arena,
				      .page = page,
				      .most = LIMIT_WEBHOOK_VALUE_CHARS };
	const char *unknown;
	const struct rule_template *template =
		body_template_parse(arena, target->body, &unknown, err);

	if (!template)
		return -EINVAL;
	const enum body_form form = body_form_of(target->content_type);
	body_template_write(template, body_value, &values, form, out);
	if (out->failed) {
		buf_reset(out);
		values.most = LIMIT_WEBHOOK_SHORT_VALUE_CHARS;
		body_template_write(template, body_value, &values, form, out);
	}
	json_decref(values.decision);
	return out->failed ? err_set(err, E2BIG, "the body has more than %zu bytes", out->cap) : 0;
}
