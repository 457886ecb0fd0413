/*
 * Writes what an Alertmanager's configuration became, as rules for a person. Decides nothing.
 */
#include "alertmanager-internal.h"

static void write_list(struct buf *out, const char *const *names, size_t n)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, i ? ", " : "");
		cat_write_scalar(out, names[i]);
	}
	buf_putc(out, ']');
}

static void write_nodes(struct buf *out, const struct ynode *list)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < list->n; i++) {
		buf_puts(out, i ? ", " : "");
		cat_write_scalar(out,
				 list->items[i]->kind == YNODE_SCALAR ? list->items[i]->text : "");
	}
	buf_putc(out, ']');
}

/* ---- who is paged ---- */

static void write_teams(const struct catalogue *catalogue, struct buf *out)
{
	const struct am *am = catalogue->am;

	if (am->teams.n || am->stand_in)
		buf_puts(out, "\nteams:\n");
	for (size_t i = 0; i < am->teams.n; i++) {
		const struct am_receiver *receiver = am->teams.at[i];
		cat_write_origin(out, receiver->place,
				 receiver->label ? "named by a label of its routes" : NULL);
		buf_puts(out, "  ");
		cat_write_scalar(out, receiver->team);
		cat_write_member(out, ": {", "escalation",
				 receiver->escalation ? receiver->escalation
						      : catalogue->options.escalation);
		cat_write_member(out, ", ", "channel", receiver->channel);
		buf_puts(out, "}\n");
	}
	if (am->stand_in)
		buf_printf(out, "  # Nothing can be paged: name a team.\n  %s: {escalation: %s}\n",
			   am->fallback, am->fallback);
}

static void write_escalations(const struct am *am, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < am->receivers.n; i++) {
		const struct am_receiver *receiver = am->receivers.at[i];
		const char *names[LIMIT_STEP_PAGERS];
		size_t n = 0;
		if (!receiver->escalation)
			continue;
		for (; n < receiver->pagers.n && n < ARRAY_LEN(names); n++)
			names[n] = ((const struct am_pager *)receiver->pagers.at[n])->key;
		buf_puts(out, any ? "  " : "\nescalations:\n  ");
		any = true;
		cat_write_scalar(out, receiver->escalation);
		buf_puts(out, ": {steps: [{page: ");
		write_list(out, names, n);
		buf_puts(out, "}]}\n");
	}
	if (am->stand_in)
		buf_printf(out, "%s%s: {steps: [{page: [%s]}]}\n",
			   any ? "  " : "\nescalations:\n  ", am->fallback, am->fallback);
}

static void write_pager(const struct am_pager *pager, struct buf *out)
{
	cat_write_origin(out, pager->place, pager->note);
	buf_puts(out, "  ");
	cat_write_scalar(out, pager->key);
	cat_write_member(out, ": {", "kind", pager->kind);
	for (size_t i = 0; i < pager->n; i++)
		cat_write_member(out, ", ", pager->members[i].name, pager->members[i].value);
	buf_puts(out, pager->no_resolve ? ", resolve: false}\n" : "}\n");
}

static void write_pagers(const struct am *am, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < am->receivers.n; i++) {
		const struct am_receiver *receiver = am->receivers.at[i];
		for (size_t k = 0; receiver->escalation && k < receiver->pagers.n; k++) {
			buf_puts(out, any ? "" : "\npagers:\n");
			any = true;
			write_pager(receiver->pagers.at[k], out);
		}
	}
	if (am->stand_in)
		buf_printf(out, "%s  %s: {kind: console}\n", any ? "" : "\npagers:\n",
			   am->fallback);
}

/* ---- when ---- */

static void write_clock(const struct ynode *map, struct buf *out)
{
	static const char *const names[] = { "start_time", "end_time" };
	const char *before = "";

	buf_putc(out, '{');
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct ynode *node = ynode_get(map, names[i]);
		if (!node || node->kind != YNODE_SCALAR)
			continue;
		buf_printf(out, "%s%s: \"%.20s\"", before, names[i], node->text);
		before = ", ";
	}
	buf_putc(out, '}');
}

static void write_interval(const struct ynode *map, struct buf *out)
{
	buf_putc(out, '{');
	for (size_t i = 0; i < map->n; i++) {
		const struct ynode *value = map->items[i];
		buf_printf(out, "%s%s: ", i ? ", " : "", map->keys[i]->text);
		if (value->kind != YNODE_LIST) {
			cat_write_scalar(out, value->kind == YNODE_SCALAR ? value->text : "");
		} else if (strcmp(map->keys[i]->text, "times") == 0) {
			buf_putc(out, '[');
			for (size_t k = 0; k < value->n; k++) {
				buf_puts(out, k ? ", " : "");
				write_clock(value->items[k], out);
			}
			buf_putc(out, ']');
		} else {
			write_nodes(out, value);
		}
	}
	buf_putc(out, '}');
}

static void write_times(const struct am *am, struct buf *out)
{
	if (am->times.n)
		buf_puts(out, "\ntime_intervals:\n");
	for (size_t i = 0; i < am->times.n; i++) {
		const struct am_time *time = am->times.at[i];
		cat_write_origin(out, time->place, NULL);
		buf_puts(out, "  ");
		cat_write_scalar(out, time->name);
		buf_puts(out, ":\n");
		for (size_t k = 0; k < time->list->n; k++) {
			buf_puts(out, "    - ");
			write_interval(time->list->items[k], out);
			buf_putc(out, '\n');
		}
	}
}

/* ---- routes ---- */

static bool is_classic_name(const char *name)
{
	return name[strspn(name,
			   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789")] ==
		       '\0' &&
	       *name && !strchr("0123456789", *name);
}

static void add_go_text(struct buf *out, const char *text)
{
	buf_putc(out, '"');
	for (; *text; text++)
		if (*text == '\n')
			buf_puts(out, "\\n");
		else
			buf_printf(out, "%s%c", strchr("\"\\", *text) ? "\\" : "", *text);
	buf_putc(out, '"');
}

/* In single quotes where YAML takes every character as it is, for a reader's sake. */
static void write_matcher(struct buf *out, const struct rule_matcher *matcher)
{
	static const char *const ops[] = {
		[RULE_GLOB] = "=",   [RULE_EQUAL] = "=",      [RULE_NOT_EQUAL] = "!=",
		[RULE_REGEX] = "=~", [RULE_NOT_REGEX] = "!~",
	};
	struct buf text = BUF_INIT(LIMIT_CATALOGUE_TEXT_BYTES * 4);
	bool is_plain = true;

	if (is_classic_name(matcher->name))
		buf_puts(&text, matcher->name);
	else
		add_go_text(&text, matcher->name);
	buf_puts(&text, ops[matcher->op]);
	add_go_text(&text, matcher->value);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)buf_text(&text)[i];
		is_plain &= c >= ' ' && c < 0x7f && c != '\'';
	}
	if (is_plain)
		buf_printf(out, "'%s'", buf_text(&text));
	else
		cat_write_scalar(out, buf_text(&text));
	buf_fini(&text);
}

static void write_matchers(const struct am_rule *rule, struct buf *out)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < rule->n; i++) {
		buf_puts(out, i ? ", " : "");
		write_matcher(out, rule->at[i]);
	}
	buf_putc(out, ']');
}

static void write_when(const struct am_rule *rule, struct buf *out)
{
	cat_write_origin(out, rule->place, NULL);
	buf_puts(out, "  - when: ");
	if (!rule->times && !rule->n) {
		buf_puts(out, "{alertname: \"*\"}\n");
		return;
	}
	if (!rule->times) {
		write_matchers(rule, out);
		buf_putc(out, '\n');
		return;
	}
	buf_putc(out, '{');
	if (rule->n) {
		buf_puts(out, "labels: ");
		write_matchers(rule, out);
		buf_puts(out, ", ");
	}
	buf_puts(out, "time: ");
	write_nodes(out, rule->times);
	buf_puts(out, "}\n");
}

/* The pagers of the receivers up to number n, but those of `but`. */
static void write_notified(const struct am_rule *rule, size_t n, const struct am_receiver *but,
			   struct buf *out)
{
	const char *names[LIMIT_ALSO_NOTIFY];
	size_t nnames = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; rule->to[i]->escalation && rule->to[i] != but &&
				   k < rule->to[i]->pagers.n && nnames < ARRAY_LEN(names);
		     k++)
			names[nnames++] = ((const struct am_pager *)rule->to[i]->pagers.at[k])->key;
	if (!nnames)
		return;
	buf_puts(out, "    also_notify: ");
	write_list(out, names, nnames);
	buf_putc(out, '\n');
}

static void write_group_by(const struct am *am, const struct am_rule *rule, bool everywhere,
			   struct buf *out)
{
	if (!rule->group_by || (!everywhere && rule->group_by == am->group_by))
		return;
	buf_puts(out, "    group_by: ");
	write_nodes(out, rule->group_by);
	buf_putc(out, '\n');
}

static bool pages_somebody(const struct am_rule *rule)
{
	for (size_t i = 0; i < rule->nto; i++)
		if (rule->to[i]->escalation)
			return true;
	return false;
}

static void write_route(const struct catalogue *catalogue, const struct am_rule *rule,
			struct buf *out)
{
	const struct am_receiver *to = rule->nto ? rule->to[rule->nto - 1] : NULL;

	if (rule->goes_on && !pages_somebody(rule))
		return;
	write_when(rule, out);
	if (!to) {
		buf_puts(out, "    page: none\n");
		return;
	}
	if (rule->goes_on) {
		write_notified(rule, rule->nto, NULL, out);
		buf_puts(out, "    continue: true\n");
		return;
	}
	if (to->team)
		cat_write_member(out, "    ", "team", to->team);
	if (to->escalation && !to->leads)
		cat_write_member(out, "\n    ", "escalation", to->escalation);
	buf_putc(out, '\n');
	write_notified(rule, rule->nto - 1, to, out);
	write_group_by(catalogue->am, rule, catalogue->options.has_team != NULL, out);
}

static void write_routes(const struct catalogue *catalogue, struct buf *out)
{
	const struct am *am = catalogue->am;

	if (catalogue->counts.routes)
		buf_puts(out,
			 "\n# The first route that matches decides. A route wins over the owner "
			 "that traces find:\n"
			 "# delete those of alerts whose services have owners in the rules.\n"
			 "routes:\n");
	for (size_t i = 0; i < am->rules.n; i++) {
		const struct am_rule *rule = am->rules.at[i];
		if (!rule->root || !rule->nto)
			write_route(catalogue, rule, out);
	}
}

void am_write(const struct catalogue *catalogue, struct buf *out)
{
	const struct am *am = catalogue->am;

	buf_puts(out, "# Made by \"tracepager import alertmanager\". Each entry is preceded by its "
		      "place in the configuration.\n");
	if (!am)
		return;
	write_teams(catalogue, out);
	write_escalations(am, out);
	write_pagers(am, out);
	write_times(am, out);
	if (am->group_by && !catalogue->options.has_team) {
		buf_puts(out, "\ndefaults:\n  group_by: ");
		write_nodes(out, am->group_by);
		buf_putc(out, '\n');
	}
	write_routes(catalogue, out);
	if (am->fallback) {
		cat_write_member(out, "\nfallback: {", "team", am->fallback);
		buf_puts(out, "}\n");
	}
}
