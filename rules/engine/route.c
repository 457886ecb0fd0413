/*
 * Routes: ordered exceptions, compiled to conditions on what is known of a page. An index
 * (picks.c) tells which routes can match; only those are tried. A route is late where a condition
 * is about the suspect or its owner, which is known only after the traces. Pure: any thread may
 * call.
 */
#include <assert.h>
#include <math.h>

#include "engine-internal.h"

static const struct {
	const char *name;
	bool late; /* known only after the traces were looked at */
} fields[] = {
	[WHEN_SEVERITY] = { "severity", false },
	[WHEN_SENDER] = { "sender", false },
	[WHEN_OWNER] = { "owner", true },
	[WHEN_SIGNAL] = { "signal", false },
	[WHEN_CRITICALITY] = { "criticality", true },
	[WHEN_KIND] = { "kind", true },
	[WHEN_SUSPECT_SERVICE] = { "suspect.service", true },
	[WHEN_SUSPECT_NAMESPACE] = { "suspect.namespace", true },
	[WHEN_SUSPECT_OPERATION] = { "suspect.operation", true },
	[WHEN_SUSPECT_KIND] = { "suspect.kind", true },
	[WHEN_SUSPECT_CRITICALITY] = { "suspect.criticality", true },
	[WHEN_SUSPECT_CALLEE] = { "suspect.callee", true },
	[WHEN_SUSPECT_ERROR] = { "suspect.error", true },
	[WHEN_SUSPECT_ATTR] = { "suspect.", true }, /* the attribute's name follows */
};

static bool is_late(const struct when_word *word)
{
	return word->field != WHEN_LABEL && fields[word->field].late;
}

static const struct labels *labels_of(const struct route_input *input)
{
	static const struct labels none = { .n = 0 };

	return input->alert ? &input->alert->labels : &none;
}

const char *rules_suspect_attr(void *ctx, const char *name)
{
	const struct suspect *suspect = ctx;

	return suspect->resource && suspect->trace
		       ? resource_attr(suspect->trace, suspect->resource, name)
		       : NULL;
}

static const char *suspect_value(const struct suspect *suspect, enum when_field field,
				 const char *name)
{
	switch ((int)field) {
	case WHEN_SUSPECT_SERVICE:
		return suspect->service;
	case WHEN_SUSPECT_NAMESPACE:
		return suspect->namespace;
	case WHEN_SUSPECT_OPERATION:
		return suspect->operation;
	case WHEN_SUSPECT_KIND:
		return suspect_kind_name(suspect->kind);
	case WHEN_SUSPECT_CALLEE:
		return suspect->callee;
	case WHEN_SUSPECT_ERROR:
		return suspect->error;
	default:
		return service_attr(rules_suspect_attr, (void *)(uintptr_t)suspect,
				    name + strlen(fields[WHEN_SUSPECT_ATTR].name));
	}
}

/* The value of a field in the input; NULL counts as "". For a severity: the label's value. */
static const char *route_value(const struct route_input *input, enum when_field field,
			       const char *name)
{
	switch ((int)field) {
	case WHEN_LABEL:
	case WHEN_SEVERITY:
		return labels_get(labels_of(input), name);
	case WHEN_SENDER:
		return input->alert ? input->alert->sender : NULL;
	case WHEN_OWNER:
		return input->owner ? input->owner->name : NULL;
	case WHEN_SIGNAL:
		return input->signal ? input->signal->name : NULL;
	case WHEN_KIND:
		return input->kind;
	case WHEN_CRITICALITY:
	case WHEN_SUSPECT_CRITICALITY:
		return input->service ? input->service->criticality : NULL;
	default:
		return input->suspect ? suspect_value(input->suspect, field, name) : NULL;
	}
}

static bool text_holds(const struct when_word *word, const char *value)
{
	for (size_t i = 0; i < word->nplain; i++)
		if (word->plain[i] != value[i])
			return false; /* a shorter value ends with a NUL, which is not plain */
	for (size_t i = 0; i < word->n; i++)
		if (word->literals ? strcmp(word->literals[i], value) == 0
				   : glob_match(word->globs[i], value))
			return true;
	return false;
}

/* Values that one look-up remembers: the rules of a large shop name some twenty labels. */
#define ROUTE_SLOTS 64

/* The state of one look-up. Many routes ask for the value of the same field, which is looked up
 * once. Most routes with a time name the same interval, so that its last answer is kept. */
struct route_look {
	const struct route_input *input;
	const char *values[ROUTE_SLOTS]; /* NULL: not looked up yet */
	const struct time_set *set;	 /* the interval asked last */
	bool set_holds;
};

/* As route_value(), but never NULL. */
static const char *look_value(struct route_look *look, unsigned int slot, enum when_field field,
			      const char *name)
{
	if (slot < ROUTE_SLOTS && look->values[slot])
		return look->values[slot];
	const char *value = route_value(look->input, field, name);
	if (!value)
		value = "";
	if (slot < ROUTE_SLOTS)
		look->values[slot] = value;
	return value;
}

static bool word_holds(const struct when_word *word, struct route_look *look)
{
	const struct route_input *input = look->input;

	if (word->field >= WHEN_SUSPECT_SERVICE && !input->suspect)
		return false;
	if (text_holds(word, look_value(look, word->slot, word->field, word->name)))
		return true;
	return word->field == WHEN_SEVERITY && text_holds(word, severity_name(input->severity));
}

static bool label_holds(const struct route_entry *route, size_t i, struct route_look *look)
{
	const struct rule_matcher *matcher = &route->labels.at[i];

	return matcher_holds(matcher, look_value(look, route->slots[i], WHEN_LABEL, matcher->name));
}

static bool labels_hold(const struct route_entry *route, struct route_look *look)
{
	for (size_t i = 0; i < route->labels.n; i++)
		if (!label_holds(route, i, look))
			return false;
	return true;
}

static bool number_test_holds(const struct number_test *test, double value)
{
	/* A decision shows three decimals: a confidence that reads 0.8 there is 0.8 here. */
	double left = round(value * 1000), right = round(test->value * 1000);

	switch (test->op[0]) {
	case '>':
		return test->op[1] ? left >= right : left > right;
	case '<':
		return test->op[1] ? left <= right : left < right;
	default:
		return left == right;
	}
}

static bool confidence_holds(const struct route_entry *route, const struct route_input *input)
{
	for (size_t i = 0; i < route->nconfidence; i++)
		if (!number_test_holds(&route->confidence[i], input->confidence))
			return false;
	return true;
}

static bool time_holds(const struct route_entry *route, struct route_look *look)
{
	for (size_t i = 0; i < route->ntimes; i++) {
		if (look->set != route->times[i]) {
			look->set = route->times[i];
			look->set_holds = time_set_contains(look->set, look->input->wall_us);
		}
		if (look->set_holds)
			return true;
	}
	return route->ntimes == 0;
}

/* Does the route hold? early: conditions of late fields are passed over. */
static bool route_holds(const struct route_entry *route, struct route_look *look, bool early)
{
	const struct route_input *input = look->input;

	for (size_t i = 0; i < route->nwords; i++)
		if (!(early && is_late(&route->words[i])) && !word_holds(&route->words[i], look))
			return false;
	return labels_hold(route, look) && (early || confidence_holds(route, input)) &&
	       time_holds(route, look);
}

/* ---- reasons, for people ---- */

static const char *word_reason(struct arena *arena, const struct when_word *word,
			       const struct route_input *input)
{
	if (word->field >= WHEN_SUSPECT_SERVICE && !input->suspect)
		return "there is no suspect";
	const char *value = route_value(input, word->field, word->name);
	if (word->field == WHEN_SEVERITY && (!value || !*value))
		value = severity_name(input->severity);
	return trail_reason(arena, word->name, value, word->globs, word->n);
}

static const char *confidence_reason(struct arena *arena, const struct route_entry *route,
				     const struct route_input *input)
{
	size_t i = 0;

	while (i + 1 < route->nconfidence &&
	       number_test_holds(&route->confidence[i], input->confidence))
		i++;
	return arena_printf(arena, "confidence is %.2f, not %s %g", input->confidence,
			    route->confidence[i].op, route->confidence[i].value);
}

static const char *time_reason(struct arena *arena, const struct route_entry *route)
{
	return arena_printf(arena, "the time is not in %s%s", route->times[0]->name,
			    route->ntimes > 1 ? ", nor in another interval of the route" : "");
}

/* The same as route_holds(); where the route does not hold, the trail records why. */
static bool route_holds_recorded(const struct route_entry *route, struct route_look *look,
				 struct rule_trail *trail)
{
	const struct route_input *input = look->input;
	struct rule_miss miss = { .of = (unsigned int)(route->nwords + route->labels.n +
						       (route->nconfidence > 0) +
						       (route->ntimes > 0)) };
	const struct when_word *word = NULL;
	const struct rule_matcher *matcher = NULL;

	/* Where a route that misses one condition alone would not be kept, none need be counted. */
	miss.held = miss.of ? miss.of - 1 : 0;
	if (!trail_keeps(trail, &miss)) {
		if (route_holds(route, look, false))
			return true;
		trail->ntried++;
		return false;
	}
	miss.held = 0;
	bool confidence = confidence_holds(route, input), time = time_holds(route, look);

	for (size_t i = 0; i < route->nwords; i++) {
		bool holds = word_holds(&route->words[i], look);
		miss.held += holds;
		if (!holds && !word)
			word = &route->words[i];
	}
	for (size_t i = 0; i < route->labels.n; i++) {
		bool holds = label_holds(route, i, look);
		miss.held += holds;
		if (!holds && !matcher)
			matcher = &route->labels.at[i];
	}
	miss.held += (route->nconfidence > 0 && confidence) + (route->ntimes > 0 && time);
	if (miss.held == miss.of)
		return true;
	if (!trail_tried(trail, &miss))
		return false;
	const char *reason = word	   ? word_reason(trail->arena, word, input)
			     : matcher	   ? matcher_reason(trail->arena, matcher, labels_of(input))
			     : !confidence ? confidence_reason(trail->arena, route, input)
					   : time_reason(trail->arena, route);
	trail_missed(trail, RULE_ROUTE, NULL, route->route.place, &miss, reason);
	return false;
}

/* What the route changes, for people: "severity critical, team sre". Kept by the arena. */
static const char *route_effect(struct arena *arena, const struct route *route)
{
	struct buf out = BUF_INIT(64u << 10);

	if (route->no_page)
		return "nobody is paged";
	if (route->team)
		buf_printf(&out, ", team %s", route->team->name);
	if (route->escalation)
		buf_printf(&out, ", escalation %s", route->escalation->name);
	for (size_t i = 0; i < route->npagers; i++)
		buf_printf(&out, ", pager %s", route->pagers[i]->name);
	if (route->has_severity)
		buf_printf(&out, ", severity %s", severity_name(route->severity));
	for (size_t i = 0; i < route->nalso_notify; i++)
		buf_printf(&out, ", also notifies %s", route->also_notify[i]->name);
	if (route->notify_entry_owner)
		buf_puts(&out, ", also notifies the team whose operation fails");
	if (route->summary)
		buf_puts(&out, ", its own summary");
	if (route->details)
		buf_puts(&out, ", its own details");
	if (route->resolve_hold_us >= 0)
		buf_puts(&out, ", its own resolve_hold");
	if (route->group_by.n)
		buf_puts(&out, ", its own group_by");
	const char *text = out.len ? arena_strdup(arena, buf_text(&out) + 2) : "";
	buf_fini(&out);
	return text;
}

/* ---- look-ups ---- */

static void add_notified(struct routing *routing, const struct pager *pager)
{
	for (size_t i = 0; i < routing->nalso_notify; i++)
		if (routing->also_notify[i] == pager)
			return;
	if (routing->nalso_notify < ARRAY_LEN(routing->also_notify))
		routing->also_notify[routing->nalso_notify++] = pager;
}

/* Applies a route to what earlier ones said. Team, escalation and pagers all say who is paged:
 * the last one said counts, and a team brings its own escalation. */
static void apply_route(const struct route *route, struct routing *routing)
{
	if (route->no_page)
		routing->no_page = route;
	if (route->team) {
		routing->team = route->team;
		routing->escalation = NULL;
	}
	if (route->escalation)
		routing->escalation = route->escalation;
	if (route->team || route->escalation || route->npagers) {
		routing->pagers = route->pagers;
		routing->npagers = route->npagers;
	}
	if (route->has_severity)
		routing->severity = route->severity;
	if (route->summary)
		routing->summary = route->summary;
	if (route->details)
		routing->details = route->details;
	if (route->resolve_hold_us >= 0)
		routing->resolve_hold_us = route->resolve_hold_us;
	if (route->group_by.n)
		routing->group_by = &route->group_by;
	for (size_t i = 0; i < route->nalso_notify; i++)
		add_notified(routing, route->also_notify[i]);
	routing->notify_entry_owner |= route->notify_entry_owner;
	routing->matched[routing->nmatched++] = route;
}

static void walk_candidates(struct pick_walk *walk, const struct picks *picks,
			    const struct route_input *input, bool early)
{
	pick_walk_init(walk, picks);
	pick_walk_labels(walk, labels_of(input));
	for (unsigned int field = WHEN_SEVERITY; field < WHEN_SUSPECT_ATTR; field++) {
		if ((early && fields[field].late) ||
		    (field >= WHEN_SUSPECT_SERVICE && !input->suspect))
			continue;
		const char *name = fields[field].name;
		pick_walk_add(walk, field, name, route_value(input, (enum when_field)field, name));
	}
	pick_walk_add(walk, WHEN_SEVERITY, fields[WHEN_SEVERITY].name,
		      severity_name(input->severity));
}

/* Records the routes that the index passed over. While there is room for reasons, the first
 * ones of the file are recorded: a reader looks for them there. */
static void record_other_routes(const struct ruleset *rules, size_t end, struct route_look *look,
				struct rule_trail *trail)
{
	size_t told = trail->nmissed;

	for (size_t i = 0; i < end && (trail->all || trail->nmissed < LIMIT_RULES_MISSED); i++) {
		const char *place = rules->routes[i].route.place;
		bool known = false;
		for (size_t k = 0; k < told && !known && !trail->all; k++)
			known = trail->missed[k].place == place;
		if (!known)
			route_holds_recorded(&rules->routes[i], look, trail);
	}
}

void rules_route(const struct ruleset *rules, const struct route_input *input,
		 struct rule_trail *trail, struct routing *ret_routing)
{
	struct route_look look = { .input = input };
	bool tell = trail && !trail->all;
	struct pick_walk walk;
	size_t i, end = rules->nroutes;

	*ret_routing = (struct routing){
		.severity = input->severity,
		.resolve_hold_us = -1,
		.summary = rules->defaults.summary,
		.details = rules->defaults.details,
	};
	walk_candidates(&walk, &rules->route_picks, input, false);
	while ((i = pick_walk_next(&walk)) != SIZE_MAX) {
		const struct route_entry *entry = &rules->routes[i];
		if (tell ? !route_holds_recorded(entry, &look, trail)
			 : !route_holds(entry, &look, false))
			continue;
		apply_route(&entry->route, ret_routing);
		if (trail)
			rule_trail_match(trail, RULE_ROUTE, NULL, entry->route.place,
					 route_effect(trail->arena, &entry->route));
		if (!entry->route.continues || ret_routing->nmatched == LIMIT_ROUTES_MATCHED) {
			end = i;
			break;
		}
	}
	if (trail)
		record_other_routes(rules, end, &look, trail);
}

int64_t route_over_us(const struct route *route, int64_t wall_us)
{
	const struct route_entry *entry =
		(const struct route_entry *)((const char *)route -
					     offsetof(struct route_entry, route));
	const int64_t step = 5 * US_PER_MINUTE;
	int64_t at = wall_us - wall_us % step;

	if (!entry->ntimes)
		return 0;
	for (int64_t end = at + US_PER_DAY; at < end;) {
		at += step;
		const struct route_input then = { .wall_us = at };
		if (!time_holds(entry, &(struct route_look){ .input = &then }))
			break;
	}
	return at;
}

bool rules_unpaged(const struct ruleset *rules, const struct alert *alert, int64_t wall_us)
{
	const struct route_input input = {
		.alert = alert,
		.severity = rules_severity(rules, alert),
		.signal = rules_signal(rules, &alert->labels, NULL),
		.wall_us = wall_us,
	};
	struct route_look look = { .input = &input };
	struct pick_walk walk;
	size_t i;

	if (rules_silence(rules, alert, wall_us, NULL))
		return true;
	if (!rules->has_no_page)
		return false;
	walk_candidates(&walk, &rules->early_picks, &input, true);
	while ((i = pick_walk_next(&walk)) != SIZE_MAX) {
		const struct route_entry *entry = &rules->routes[i];
		if (!route_holds(entry, &look, true))
			continue;
		/* A late route may match or not: nothing behind it is certain. */
		if (entry->late || !entry->route.continues)
			return !entry->late && entry->route.no_page;
	}
	return false;
}

/* ---- the index ---- */

static void offer_words(const struct route_entry *entry, bool early, struct pick_sink *sink)
{
	for (size_t i = 0; i < entry->nwords; i++) {
		const struct when_word *word = &entry->words[i];
		if (word->literals && word->field != WHEN_SUSPECT_ATTR && !(early && is_late(word)))
			pick_offer(sink, word->field, word->name, word->literals, word->n);
	}
	matchers_offer(&entry->labels, sink);
}

static void offer_route(const void *ctx, size_t i, struct pick_sink *sink)
{
	const struct ruleset *rules = ctx;

	offer_words(&rules->routes[i], false, sink);
}

static void offer_route_early(const void *ctx, size_t i, struct pick_sink *sink)
{
	const struct ruleset *rules = ctx;

	offer_words(&rules->routes[i], true, sink);
}

/* ---- slots: the same number for all conditions on one field and name ---- */

static unsigned int slot_of(struct map *slots, enum when_field field, const char *name)
{
	bool named = field == WHEN_LABEL || field == WHEN_SUSPECT_ATTR;
	CLEANUP_FREE char *key = xasprintf("%d %s", (int)field, named ? name : "");
	size_t slot = (size_t)(uintptr_t)map_get(slots, key);

	if (!slot) {
		slot = map_count(slots) + 1;
		map_put(slots, key, (void *)(uintptr_t)slot);
	}
	return (unsigned int)(slot - 1);
}

static void word_set_plain(struct when_word *word)
{
	if (word->n != 1)
		return;
	const char *text = word->literals ? word->literals[0] : word->globs[0];
	size_t n = word->literals ? strlen(text) : glob_plain(text);
	word->nplain = (unsigned char)(n < sizeof(word->plain) ? n : sizeof(word->plain));
	memcpy(word->plain, text, word->nplain);
}

static void number_slots(struct ruleset *rules)
{
	struct map *slots = map_new();

	for (size_t i = 0; i < rules->nroutes; i++) {
		struct route_entry *entry = &rules->routes[i];
		for (size_t k = 0; k < entry->nwords; k++) {
			struct when_word *word = &entry->words[k];
			word->slot = slot_of(slots, word->field, word->name);
			word_set_plain(word);
		}
		entry->slots = arena_array(rules->arena, entry->labels.n, sizeof(*entry->slots));
		for (size_t k = 0; k < entry->labels.n; k++)
			entry->slots[k] = slot_of(slots, WHEN_LABEL, entry->labels.at[k].name);
	}
	map_free(slots);
}

void ruleset_index_routes(struct ruleset *rules)
{
	number_slots(rules);
	for (size_t i = 0; i < rules->nroutes; i++) {
		struct route_entry *entry = &rules->routes[i];
		entry->late = entry->nconfidence > 0;
		for (size_t k = 0; k < entry->nwords; k++)
			entry->late |= is_late(&entry->words[k]);
		rules->has_no_page |= entry->route.no_page;
	}
	picks_build(&rules->route_picks, rules->nroutes, offer_route, rules);
	picks_build(&rules->early_picks, rules->nroutes, offer_route_early, rules);
}
