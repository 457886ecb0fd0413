/* Load, section signals: which alerts are about which operation, and how many of its traces are
 * walked, in which mode. */
#include "load-internal.h"

static void read_attrs(const struct load_scope *scope, struct signal *signal)
{
	const struct ynode *map = member_map(scope, "attrs");
	struct arena *arena = scope->load->set->arena;

	if (!map)
		return;
	signal->attrs.at = arena_array(arena, map->n, sizeof(struct label));
	for (size_t i = 0; i < map->n; i++) {
		const char *name = arena_strdup(arena, map->keys[i]->text);
		const char *what = arena_printf(scope->load->scratch, "\"%.200s\"", name);
		const char *glob = node_glob(scope, map->items[i], what, false);
		if (glob)
			signal->attrs.at[signal->attrs.n++] =
				(struct label){ .name = name, .value = glob };
	}
	labels_normalise(&signal->attrs);
}

static void read_span(const struct load_scope *outer, struct signal *signal)
{
	struct load_scope scope;

	if (!scope_enter(&scope, outer, "span", MAP_SPAN,
			 arena_printf(outer->load->scratch, "the span of %s", outer->what)))
		return;
	signal->service = member_glob(&scope, "service");
	signal->namespace = member_glob(&scope, "namespace");
	signal->operation = member_glob(&scope, "operation");
	read_attrs(&scope, signal);
}

/* Reads how traces are looked at; what the rule leaves out, the defaults say. */
static void read_how(const struct load_scope *scope, struct signal_rule *rule)
{
	const struct rule_defaults *defaults = &scope->load->set->defaults;
	int64_t traces = defaults->traces;

	rule->signal.mode = defaults->mode;
	rule->threshold = defaults->threshold;
	rule->window_us = defaults->window_us;
	rule->resolve_hold_us = -1;
	member_mode(scope, "mode", &rule->signal.mode);
	member_int(scope, "traces", 1, LIMIT_TRACES_PER_ALERT, &traces);
	rule->signal.traces = (unsigned int)traces;
	member_share(scope, "threshold", &rule->threshold);
	member_window(scope, &rule->window_us);
	member_resolve_hold(scope, &rule->resolve_hold_us);
}

static void read_signal(struct load *load, size_t i)
{
	const struct rule_source *entry = &load->sections[SECTION_SIGNALS].at[i];
	struct signal_entry *signal = &load->set->signals[i];
	struct signal_rule *rule = &signal->rule;
	struct load_scope scope;

	signal->index = i;
	rule->name = rule->signal.name = arena_strdup(load->set->arena, entry->key->text);
	rule->place = entry_place(load, entry);
	rule->signal.from = "rule";
	if (!scope_open(&scope, load, entry, MAP_SIGNAL,
			arena_printf(load->scratch, "signal \"%s\"", rule->name)))
		return;
	if (member_key(&scope, "alerts"))
		member_matchers(&scope, "alerts", &signal->alerts);
	else if (member_is_elsewhere(&scope, "alerts") || member_is_elsewhere(&scope, "span"))
		; /* has its finding */
	else if (member_key(&scope, "span"))
		LOAD_WARNING(&scope, scope.key, "W005", "add \"alerts: {alertname: …}\"",
			     "%s has no \"alerts\"", scope.what);
	else
		LOAD_ERROR(&scope, scope.key, "E013", "say which alerts are about which span",
			   "%s has neither \"alerts\" nor \"span\"", scope.what);
	signal->literals = matchers_literals(&signal->alerts);
	read_span(&scope, &rule->signal);
	size_t owner = member_ref(&scope, "owner", SECTION_TEAMS);
	if (owner != SIZE_MAX)
		rule->owner = &load->set->teams[owner];
	read_how(&scope, rule);
}

void load_signals(struct load *load)
{
	for (size_t i = 0; i < load->set->nsignals; i++)
		read_signal(load, i);
}
