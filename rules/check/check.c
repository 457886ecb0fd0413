/*
 * Check: goes through a rule set. Holds the warnings about signals and silences, and those about
 * entries that nothing uses; the others stand in check_*.c. Circles of escalations, a team without
 * an escalation and a step without a pager are errors of the load.
 */
#include "check-internal.h"

static void check_signals(const struct rules_check *check)
{
	for (size_t i = 0; i < check->set->nsignals; i++) {
		const struct rule_source *source = &check->signals[i];
		const struct ynode *span = ynode_get(source->node, "span");
		check_matchers(check, source, check_node(source, "alerts"),
			       &check->set->signals[i].alerts);
		check_matcher_texts(check, source, "alerts", ynode_get(source->node, "alerts"),
				    &check->set->signals[i].alerts);
		if (span && span->kind == YNODE_MAP)
			check_span_texts(check, source, span);
	}
	check_hidden_signals(check);
}

static void check_silences(const struct rules_check *check)
{
	int64_t now_us = check->findings->now_us;

	for (size_t i = 0; i < check->set->nsilences; i++) {
		const struct rule_source *source = &check->silences[i];
		const struct silence_entry *silence = &check->set->silences[i];
		check_matchers(check, source, check_node(source, "matchers"), &silence->matchers);
		check_matcher_texts(check, source, "matchers", ynode_get(source->node, "matchers"),
				    &silence->matchers);
		if (now_us && silence->silence.ends_us && silence->silence.ends_us <= now_us)
			CHECK_WARNING(check, source, check_node(source, "ends"), "W029",
				      "remove it", "the silence is over");
		else if (now_us && silence->matchers.n &&
			 silence->silence.ends_us > now_us + LIMIT_SILENCE_USUAL_US)
			CHECK_WARNING(check, source, check_node(source, "ends"), "W056",
				      "check the year; for good, write a route with page: none",
				      "the silence ends more than two years from now");
	}
}

void rules_check_entries(const struct rules_check *check)
{
	check_pagers(check);
	check_addresses(check);
	check_escalations(check);
	check_signals(check);
	check_silences(check);
	check_routes(check);
	check_services(check);
	check_service_names(check);
	check_criticalities(check);
	check_senders(check);
	rules_check_seen(check);
}

static void warn_unused(const struct rules_check *check, const struct rule_source *sources,
			size_t n, const char *code, const char *sort, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (!sources[i].used)
			CHECK_WARNING(check, &sources[i], sources[i].key, code,
				      "remove it, or use it", "%s \"%s\" %s", sort,
				      sources[i].key->text, text);
}

void rules_check_unused(const struct rules_check *check)
{
	const struct ruleset *set = check->set;

	warn_unused(check, check->teams, set->nteams, "W020", "team", "owns nothing");
	warn_unused(check, check->pagers, set->npagers, "W001", "pager",
		    "is in no escalation and no route");
	warn_unused(check, check->escalations, set->nescalations, "W002", "escalation",
		    "belongs to no team");
	warn_unused(check, check->times, set->ntimes, "W030", "time interval", "is in no route");
}
