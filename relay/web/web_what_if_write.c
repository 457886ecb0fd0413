/* Web what-if, its answer as a page and as JSON: see web_what_if-internal.h. */
#include "web_what_if-internal.h"

#include <jansson.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/xalloc.h"

#include "web_trace-internal.h"

static const char *const rules_titles[][2] = {
	{ "force", "Under the rules in force" },
	{ "shadow", "Under the shadow rules" },
	{ "pasted", "Under the pasted rules" },
};

static const char *now_title(const struct web_what_if *answer)
{
	for (size_t i = 0; i < ARRAY_LEN(rules_titles); i++)
		if (strcmp(answer->asked.rules, rules_titles[i][0]) == 0)
			return rules_titles[i][1];
	return "";
}

/* ---- what is compared ---- */

static const char *outcome_suspect(struct arena *arena, const struct outcome *outcome)
{
	if (!outcome->found)
		return "none";
	return arena_printf(arena, "%s%s%s%s%s", outcome->suspect, *outcome->operation ? " " : "",
			    outcome->operation, *outcome->callee ? " → " : "", outcome->callee);
}

static const char *outcome_confidence(struct arena *arena, const struct outcome *outcome)
{
	if (!outcome->found)
		return "";
	if (!outcome->of)
		return arena_printf(arena, "%.2f", outcome->confidence);
	return arena_printf(arena, "%.2f (%u of %u traces agree)", outcome->confidence,
			    outcome->agree, outcome->of);
}

/* What is compared of two decisions, each in words. */
static size_t compare_outcomes(struct arena *arena, const struct outcome *was,
			       const struct outcome *now, const struct html_compared **ret_rows)
{
	struct html_compared rows[] = {
		{ "suspect", "Suspect", outcome_suspect(arena, was), outcome_suspect(arena, now) },
		{ "confidence", "Confidence", outcome_confidence(arena, was),
		  outcome_confidence(arena, now) },
		{ "fallback", "No cause, since", was->fallback_text, now->fallback_text },
		{ "team", "Owner", was->team, now->team },
		{ "rule", "By the rule", was->rule, now->rule },
		{ "sent", "Page", was->sent ? "is sent" : "nobody is paged",
		  now->sent ? "is sent" : "nobody is paged" },
		{ "severity", "Severity", was->severity, now->severity },
		{ "escalation", "Escalation", was->policy, now->policy },
		{ "pagers", "Pagers first", was->pagers, now->pagers },
	};
	struct html_compared *kept = arena_array(arena, ARRAY_LEN(rows), sizeof(*kept));
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (*rows[i].was || *rows[i].now)
			kept[n++] = rows[i];
	*ret_rows = kept;
	return n;
}

/* ---- a decision as a page shows it ---- */

static const char *what_if_member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static size_t read_tries(struct arena *arena, const json_t *list,
			 const struct html_rule_try **ret_tries)
{
	const size_t n = json_array_size(list);
	struct html_rule_try *tries = arena_array(arena, n + 1, sizeof(*tries));

	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(list, i);
		tries[i] = (struct html_rule_try){ .rule = what_if_member(one, "rule"),
						   .name = what_if_member(one, "name"),
						   .place = what_if_member(one, "place"),
						   .reason = what_if_member(one, "reason") };
	}
	*ret_tries = tries;
	return n;
}

static void read_decided(struct arena *arena, const json_t *decision,
			 struct html_decided *ret_decided)
{
	const json_t *rules = json_object_get(decision, "rules");

	web_decision_verdict(arena, decision, &ret_decided->verdict);
	ret_decided->nmatched =
		read_tries(arena, json_object_get(rules, "matched"), &ret_decided->matched);
	ret_decided->nmissed =
		read_tries(arena, json_object_get(rules, "not_matched"), &ret_decided->missed);
}

const struct html_finding *web_findings(struct arena *arena, const struct findings *findings)
{
	struct html_finding *shown = arena_array(arena, findings->n + 1, sizeof(*shown));

	for (size_t i = 0; i < findings->n; i++) {
		const struct finding *one = &findings->at[i];
		shown[i] = (struct html_finding){ .error = one->level == FINDING_ERROR,
						  .code = one->code,
						  .file = one->file ? one->file : "",
						  .text = one->text,
						  .source = one->source ? one->source : "",
						  .hint = one->hint ? one->hint : "",
						  .line = one->line,
						  .column = one->column };
	}
	return shown;
}

/* A text that is shown again in the form; "" where it is too long. */
static const char *shown_again(const char *text, bool *left_out)
{
	if (strlen(text) <= LIMIT_WHAT_IF_SHOWN_BYTES)
		return text;
	*left_out = true;
	return "";
}

void web_what_if_page(struct arena *arena, const struct web_what_if *answer,
		      const struct html_frame *frame, struct html *html)
{
	const struct web_what_if_asked *asked = &answer->asked;
	struct html_decided now;
	json_t *decision = NULL;
	struct html_what_if page = {
		.id = asked->id,
		.rules = asked->rules,
		.has_shadow = answer->has_shadow,
		.mark = answer->mark,
		.why_not = answer->why_not,
		.findings = web_findings(arena, &answer->findings),
		.nfindings = answer->findings.n,
		.notes = answer->now.notes,
		.nnotes = answer->now.nnotes,
		.was_title = !answer->has_was ? ""
			     : answer->past   ? "As it was decided"
					      : "Under the rules in force",
		.now_title = now_title(answer),
		.change = answer->change,
		.summary = "",
	};

	page.alert = shown_again(asked->alert, &page.left_out);
	page.traces = shown_again(asked->traces, &page.left_out);
	page.rules_text = shown_again(asked->rules_text, &page.left_out);
	if (answer->has_now) {
		decision = json_loadb(answer->now.decision, answer->now.decision_len, 0, NULL);
		read_decided(arena, decision, &now);
		page.now = &now;
		page.nrows = compare_outcomes(
			arena, answer->has_was ? &answer->was.outcome : &answer->now.outcome,
			&answer->now.outcome, &page.rows);
		page.summary = what_if_member(json_object_get(decision, "page"), "summary");
	}
	html_what_if_write(html, frame, &page);
	json_decref(decision);
}

/* ---- JSON ---- */

static void json_add_decided(const char *key, const struct what_if_decided *decided, bool has,
			     struct buf *out)
{
	buf_json_key(out, key);
	if (has)
		buf_add(out, decided->decision, decided->decision_len);
	else
		buf_puts(out, "null");
}

static void json_add_differences(const struct web_what_if *answer, struct buf *out)
{
	struct arena *arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	const struct html_compared *rows;
	const size_t n = compare_outcomes(arena, &answer->was.outcome, &answer->now.outcome, &rows);
	size_t written = 0;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].was, rows[i].now) == 0)
			continue;
		buf_puts(out, written++ ? ",{" : "{");
		buf_json_text(out, "field", rows[i].field);
		buf_json_text(out, "was", rows[i].was);
		buf_json_text(out, "now", rows[i].now);
		buf_putc(out, '}');
	}
	arena_free(arena);
}

void web_what_if_json(const struct web_what_if *answer, struct buf *out)
{
	const struct what_if_decided *now = &answer->now;

	buf_putc(out, '{');
	buf_json_text(out, "rules", answer->asked.rules);
	buf_json_text(out, "incident", answer->past ? answer->past->incident : NULL);
	buf_json_key(out, "decision");
	if (answer->past)
		buf_add_int(out, answer->past->id);
	else
		buf_puts(out, "null");
	buf_json_text(out, "basis",
		      !answer->has_now	? NULL
		      : now->by_suspect ? "suspect"
		      : now->by_paths	? "paths"
					: "traces");
	buf_json_text(out, "change", *answer->change ? answer->change : NULL);
	buf_json_key(out, "differences");
	buf_putc(out, '[');
	if (answer->has_was && answer->has_now)
		json_add_differences(answer, out);
	buf_putc(out, ']');
	buf_json_key(out, "notes");
	buf_putc(out, '[');
	for (size_t i = 0; i < now->nnotes; i++) {
		buf_puts(out, i ? "," : "");
		buf_json_string(out, now->notes[i]);
	}
	buf_putc(out, ']');
	buf_json_key(out, "findings");
	findings_write_array(&answer->findings, LIMIT_FINDINGS_SHOWN, out);
	json_add_decided("was", &answer->was, answer->has_was, out);
	json_add_decided("now", now, answer->has_now, out);
	buf_putc(out, '}');
}
