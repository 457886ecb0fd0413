/* Mcp, replay_under_rules: a stored decision made again under other rules. */
#include <string.h>

#include "mcp-internal.h"
#include "tracepager/clock.h"
#include "tracepager/decide.h"
#include "tracepager/history.h"
#include "tracepager/limits.h"
#include "tracepager/past.h"
#include "tracepager/xalloc.h"

static json_t *outcome_json(const struct outcome *outcome)
{
	return json_pack(
		"{s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:f, s:i, s:i, s:s, s:s}", "pages",
		outcome->sent, "team", outcome->team, "severity", outcome->severity, "escalation",
		outcome->policy, "first_pagers", outcome->pagers, "suspect", outcome->suspect,
		"operation", outcome->operation, "kind", outcome->kind, "error", outcome->error,
		"confidence", outcome->confidence, "agree", (int)outcome->agree, "of",
		(int)outcome->of, "fallback", outcome->fallback_text, "rule", outcome->rule);
}

static const char *replayed_from(const struct opened *opened)
{
	return opened->by_told ? "the suspect that it had: its traces are gone"
	       : opened->past->kept == STORED_TRACES_PATHS
		       ? "the paths of its traces, which were too large to keep"
	       : opened->ntraces ? "its traces"
				 : "the alert: it had no traces";
}

static json_t *replay_result(struct opened *opened, const struct ruleset *rules)
{
	const struct past *past = opened->past;
	struct buf doc = BUF_INIT(LIMIT_DECISION_BYTES);
	struct decision decision;
	struct outcome now;
	struct err err = { 0 };
	char at[RFC3339_SIZE];

	opened_decide(opened, rules, &decision);
	decision_write(&decision, &doc);
	json_t *json = doc.failed ? NULL : json_loadb(buf_text(&doc), doc.len, 0, NULL);
	buf_fini(&doc);
	if (!json || outcome_of(opened->arena, &decision, &now, &err) < 0) {
		json_decref(json);
		return mcp_error("decision %lld cannot be told: it is too large",
				 (long long)past->id);
	}
	CLEANUP_FREE char *what = outcome_name_change(&opened->was, &now);
	return mcp_result_of(
		json_pack("{s:I, s:s, s:s?, s:s, s:b, s:s, s:o, s:o, s:o}", "decision_number",
			  (json_int_t)past->id, "at", rfc3339_format(past->at_us, at), "incident",
			  past->incident, "decided_from", replayed_from(opened), "different",
			  what != NULL, "change", what ? what : "none: the same page", "was",
			  outcome_json(&opened->was), "now", outcome_json(&now), "decision", json));
}

/* NULL with *ret_past filled in, or the error. */
static json_t *find_past(const struct mcp_tools *tools, const char *id, struct past *ret_past)
{
	const char *store = tools->options->store;
	struct history *history;
	struct err err = { 0 };
	int found;

	if (!store)
		return mcp_error("no store is given: let \"tracepager mcp\" run with --store PATH, "
				 "on the machine of the relay or with a copy of its store");
	found = history_open(store, &history, &err);
	if (found >= 0) {
		found = history_find(history, id, ret_past, &err);
		history_close(history);
	}
	if (found < 0)
		return mcp_error("%s", err.text);
	return found ? NULL
		     : mcp_error("the store has no decision \"%s\": give the number of one, or the "
				 "whole id of an incident (list_incidents); one that was made just "
				 "now "
				 "is stored in a moment",
				 id);
}

json_t *mcp_tool_replay_under_rules(const struct mcp_tools *tools, const json_t *arguments)
{
	struct past past = { .id = 0 };
	struct err err = { 0 };
	struct ruleset *rules;
	struct opened opened;
	json_t *result = mcp_rules_read(tools, arguments, &rules);

	if (!result && !rules)
		result = mcp_error("no rules are given: give their YAML as rules, or let "
				   "\"tracepager mcp\" run with --rules PATH");
	if (!result)
		result = find_past(tools, mcp_text(arguments, "id"), &past);
	if (!result) {
		if (opened_init(&opened, &past, rules, &err) < 0)
			result = mcp_error("decision %lld cannot be opened: %s", (long long)past.id,
					   err.text);
		else
			result = replay_result(&opened, rules);
		opened_fini(&opened);
	}
	past_fini(&past);
	rules_unref(rules);
	return result;
}
