/* Web teams: GET /api/v1/teams: the teams of the rules in force, and whom each of their steps
 * pages. */
#include <stdio.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/rules.h"

#include "web-internal.h"

static void team_write_steps(struct buf *out, const struct escalation *escalation)
{
	buf_json_key(out, "steps");
	buf_putc(out, '[');
	for (size_t i = 0; i < escalation->nsteps; i++) {
		const struct escalation_step *step = &escalation->steps[i];
		buf_puts(out, i ? ",{" : "{");
		buf_json_key(out, "pagers");
		buf_putc(out, '[');
		for (size_t k = 0; k < step->npagers; k++) {
			buf_puts(out, k ? "," : "");
			buf_json_string(out, step->pagers[k]->name);
		}
		buf_putc(out, ']');
		buf_json_int(out, "wait_s", step->wait_us / US_PER_SECOND);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

static void team_write_json(struct buf *out, const struct ruleset *rules, const struct team *team)
{
	struct arena *arena = arena_new(LIMIT_COMMAND_ARENA_BYTES);
	const struct escalation *escalation =
		escalation_of_team(arena, rules, team->escalation, team);

	buf_putc(out, '{');
	buf_json_text(out, "name", team->name);
	buf_json_text(out, "title", team->title);
	buf_json_text(out, "channel", team->channel && *team->channel ? team->channel : NULL);
	buf_json_text(out, "location", team->location);
	buf_json_text(out, "place", team->place);
	buf_json_key(out, "is_fallback");
	buf_puts(out, team == rules_fallback(rules) ? "true" : "false");
	buf_json_text(out, "escalation", escalation->name);
	buf_json_int(out, "repeat", escalation->repeat);
	team_write_steps(out, escalation);
	buf_putc(out, '}');
	arena_free(arena);
}

void web_serve_api_teams(struct web_request *request)
{
	const struct web_ops *ops = &request->web->ops;
	const struct reload *reload = ops->ruleset(ops->ctx, RELOAD_LIVE);
	const struct ruleset *rules = reload ? reload_rules(reload) : NULL;
	struct buf out = BUF_INIT(LIMIT_INCIDENTS_BYTES);
	char after[LIMIT_PATH_PLACE_BYTES];
	const struct team *team, *last = NULL;
	size_t limit, n = 0, pos = 0;
	int64_t us;

	if (!web_query_limit(request, &limit) ||
	    !web_query_cursor(request, &us, after, sizeof(after)))
		return;
	bool behind = !rules || !*after || !rules_team(rules, after);
	buf_puts(&out, "{\"teams\":[");
	while (rules && n <= limit && (team = rules_each_team(rules, &pos))) {
		if (behind && n++ < limit) {
			buf_puts(&out, n > 1 ? "," : "");
			team_write_json(&out, rules, team);
			last = team;
		}
		behind |= strcmp(team->name, after) == 0;
	}
	web_list_end(request, &out, 0, n > limit ? last->name : NULL);
}
