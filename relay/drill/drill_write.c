/* Drill, as JSON: what the API tells of it. */
#include <string.h>

#include "drill-internal.h"
#include "tracepager/buf_json.h"

static const char *const outcome_names[STAGE_OUTCOME_COUNT] = {
	[STAGE_RUNNING] = "running",
	[STAGE_GOOD] = "good",
	[STAGE_NOTED] = "noted",
	[STAGE_BAD] = "bad",
};

static void write_stage(const struct drill_stage *stage, struct buf *out)
{
	buf_putc(out, '{');
	buf_json_text(out, "stage", stage->name);
	buf_json_text(out, "outcome", outcome_names[stage->outcome]);
	buf_json_text(out, "pager", stage->pager);
	buf_json_key(out, "http_status");
	if (stage->status)
		buf_add_int(out, stage->status);
	else
		buf_puts(out, "null");
	buf_json_key(out, "ms");
	if (stage->took_us >= 0)
		buf_printf(out, "%.1f", (double)stage->took_us / US_PER_MS);
	else
		buf_puts(out, "null");
	buf_json_text(out, "text", stage->text);
	buf_putc(out, '}');
}

static const char *drill_state_word(const struct drill *drill)
{
	return drill->state != DRILL_OVER ? "running" : drill_passed(drill) ? "passed" : "failed";
}

static void write_head(const struct drill *drill, struct buf *out)
{
	char at[RFC3339_SIZE];

	buf_json_text(out, "id", drill->id);
	buf_json_text(out, "signal", drill->signal);
	buf_json_text(out, "who", drill->who);
	buf_json_text(out, "state", drill_state_word(drill));
	buf_json_text(out, "started_at", rfc3339_format(drill->started_us, at));
	buf_json_text(out, "incident", *drill->incident ? drill->incident : NULL);
	buf_json_text(out, "team", drill->team);
	buf_json_text(out, "summary", drill->summary);
}

bool drills_write(const struct drills *drills, const char *id, struct buf *out)
{
	const struct drill *drill;

	TAILQ_FOREACH (drill, &drills->list, link)
		if (strcmp(drill->id, id) == 0)
			break;
	if (!drill)
		return false;
	buf_putc(out, '{');
	write_head(drill, out);
	buf_json_key(out, "labels");
	buf_putc(out, '{');
	for (size_t i = 0; i < drill->alert.labels.n; i++)
		buf_json_text(out, drill->alert.labels.at[i].name, drill->alert.labels.at[i].value);
	buf_putc(out, '}');
	buf_json_key(out, "stages");
	buf_putc(out, '[');
	for (size_t i = 0; i < drill->nstages; i++) {
		buf_puts(out, i ? "," : "");
		write_stage(&drill->stages[i], out);
	}
	buf_puts(out, "]}");
	return true;
}

void drills_write_all(const struct drills *drills, struct buf *out)
{
	size_t n;
	const struct signal_rule *const *signals =
		rules_signals(drills->env.rules(drills->env.ctx), &n);
	const struct drill *drill;

	buf_puts(out, "{\"signals\":[");
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, i ? "," : "");
		buf_json_string(out, signals[i]->name);
	}
	buf_puts(out, "],\"drills\":[");
	TAILQ_FOREACH (drill, &drills->list, link) {
		buf_puts(out, drill == TAILQ_FIRST(&drills->list) ? "{" : ",{");
		write_head(drill, out);
		buf_putc(out, '}');
	}
	buf_puts(out, "]}");
}
