/*
 * Owner: which team the rules page for a verdict, and how: by the service entry of the suspect or
 * of the signal, then silences of the rules, then routes, then silences made at run time. There is
 * always a team: the fallback team at least. Pure; the arena keeps what is made.
 */
#include <string.h>
#include <strings.h>

#include "decide-internal.h"
#include "tracepager/clock.h"
#include "tracepager/xalloc.h"

struct owner_work {
	struct arena *arena;
	const struct decide_input *input;
	const struct ruleset *rules;
	struct decision *decision;
	struct rule_trail *trail; /* NULL: look-ups are not recorded */
};

void owner_add_reason(struct decision *decision, const char *reason)
{
	if (decision->nowner_reasons < ARRAY_LEN(decision->owner_reasons))
		decision->owner_reasons[decision->nowner_reasons++] = reason;
}

bool is_unknown_service(const char *service)
{
	static const char unknown[] = "unknown_service";

	return strncmp(service, unknown, sizeof(unknown) - 1) == 0;
}

static const struct service_rule *owner_find_service(const struct owner_work *work,
						     const char *service, const char *namespace,
						     struct suspect *suspect)
{
	if (!service || !*service || is_unknown_service(service))
		return NULL;
	return rules_service(work->rules, service, namespace ? namespace : "",
			     suspect ? rules_suspect_attr : NULL, suspect, work->trail);
}

/* Take the team that an attribute or label names. A name that the rules do not know is told and
 * passed over. what: "its service.owner", "the alert's label team". true: it is the owner. */
static bool own_by_name(struct owner_work *work, const char *subject, const char *what,
			const char *name)
{
	const struct team *team = name && *name ? rules_team(work->rules, name) : NULL;
	struct decision *d = work->decision;

	if (!name || !*name)
		return false;
	if (!team) {
		owner_add_reason(d, arena_printf(work->arena,
						 "%s is %s, which is no team of the rules", what,
						 name));
		return false;
	}
	d->team = team;
	d->rule = team->place;
	owner_add_reason(d, arena_printf(work->arena,
					 "no rule names an owner of %s; %s is team %s (%s)",
					 subject, what, team->name, team->place));
	return true;
}

/* The value of a span's attribute by name; NULL: it has none, or there is no span. */
static const char *owner_span_attr(const struct suspect *suspect, const char *name)
{
	const struct trace *trace = suspect->trace;

	if (!trace || suspect->span >= trace->nspans)
		return NULL;
	for (unsigned int key = 0; key < ATTR_COUNT + trace->set->nextra_names; key++) {
		const char *known = key < ATTR_COUNT ? attr_name(key)
						     : trace->set->extra_names[key - ATTR_COUNT];
		if (strcmp(known, name) == 0)
			return span_attr(trace, &trace->spans[suspect->span], key);
	}
	return NULL;
}

/* Look in one place of owner_from: resource.NAME, span.NAME or label.NAME. */
static bool own_by_place(struct owner_work *work, struct suspect *suspect, const char *subject,
			 const char *place)
{
	const struct decision *d = work->decision;
	const char *name = strchr(place, '.') + 1;
	const char *value = NULL, *whose = "its";

	if (strncmp(place, "resource.", 9) == 0) {
		value = rules_suspect_attr(suspect, name);
	} else if (strncmp(place, "span.", 5) == 0) {
		value = owner_span_attr(suspect, name);
		whose = "its span's";
	} else if (d->has_alert) {
		value = labels_get(&d->alert.labels, name);
		whose = "the alert's label";
	}
	return own_by_name(work, subject, arena_printf(work->arena, "%s %s", whose, name), value);
}

/* Look at the attribute owner_attribute, then in the places of owner_from. suspect: whose
 * attributes count; its resource and trace may be NULL. true: one names the team. */
static bool own_by_places(struct owner_work *work, struct suspect *suspect, const char *subject)
{
	const struct rule_defaults *defaults = rules_defaults(work->rules);
	const char *attribute = defaults->owner_attribute;

	if (attribute && own_by_name(work, subject, arena_printf(work->arena, "its %s", attribute),
				     rules_suspect_attr(suspect, attribute)))
		return true;
	for (size_t i = 0; i < defaults->owner_from.n; i++)
		if (own_by_place(work, suspect, subject, defaults->owner_from.names[i]))
			return true;
	return false;
}

static void own_suspect(struct owner_work *work, const struct service_rule *peer_rule)
{
	struct decision *d = work->decision;
	struct suspect *suspect = &d->verdict.suspect;

	d->service = peer_rule;
	if (peer_rule)
		rule_trail_match(&d->trail, RULE_SERVICE, peer_rule->name, peer_rule->place,
				 arena_printf(work->arena,
					      "its callers call it so; its owner is team %s",
					      peer_rule->owner->name));
	else
		d->service =
			owner_find_service(work, suspect->service, suspect->namespace, suspect);
	if (d->service) {
		d->team = d->service->owner;
		d->rule = d->service->place;
		owner_add_reason(d, arena_printf(work->arena, "team %s owns %s (%s)", d->team->name,
						 d->service->name, d->service->place));
		return;
	}
	if (own_by_places(work, suspect, suspect->service))
		return;
	d->team = rules_fallback(work->rules);
	d->rule = d->team->place;
	owner_add_reason(d,
			 arena_printf(work->arena,
				      "no rule names an owner of %s: the fallback team %s is paged",
				      suspect->service, d->team->name));
	verdict_set_fallback(&d->verdict, FALLBACK_NO_OWNER,
			     arena_printf(work->arena,
					  "no rule names an owner of %s; paging the fallback team "
					  "%s",
					  suspect->service, d->team->name));
}

/* The entry of the service that the signal is about, without a signal of the one that the alert
 * names. The service of a rule's signal may be a glob: then the walks' signal spans tell the
 * service. */
static const struct service_rule *signal_service(const struct owner_work *work)
{
	const struct decision *d = work->decision;
	const struct service_rule *service = NULL;
	const char *namespace = d->signal.namespace;

	/* Without a span, the namespace that the alert's pods run in is the best guess. */
	if ((!namespace || !*namespace) && d->has_alert)
	namespace = labels_get(&d->alert.labels, "namespace");
	if (d->has_signal)
		service = owner_find_service(work, d->signal.service, namespace, NULL);
	else if (d->has_alert)
		service = owner_find_service(
			work, signal_subject(work->arena, &d->alert, work->rules), namespace, NULL);
	for (unsigned int i = 0; i < d->nwalks && !service; i++) {
		const struct walk *walk = &d->walks[i];
		if (walk->signal_span == TRACE_NONE)
			continue;
		const struct resource *resource =
			span_resource(walk->trace, &walk->trace->spans[walk->signal_span]);
		struct suspect seen = { .resource = resource, .trace = walk->trace };
		service = owner_find_service(work, trace_text(walk->trace, resource->service),
					     trace_text(walk->trace, resource->namespace), &seen);
	}
	return service;
}

const struct team *owner_of_signal(struct arena *arena, const struct decide_input *input,
				   struct decision *decision, const char **ret_owned)
{
	const struct signal_rule *rule = decision->signal_rule;
	const struct owner_work work = { arena, input, input->rules, decision, NULL };
	const struct service_rule *service = rule && rule->owner ? NULL : signal_service(&work);

	*ret_owned = service ? service->name : rule ? rule->name : NULL;
	return service ? service->owner : rule ? rule->owner : NULL;
}

/* Without a verdict: the attributes of the signal's span, and the alert's labels. */
static bool own_signal_by_places(struct owner_work *work)
{
	const struct decision *d = work->decision;
	struct suspect seen = { .span = TRACE_NONE };

	for (unsigned int i = 0; i < d->nwalks && !seen.trace; i++) {
		const struct walk *walk = &d->walks[i];
		if (walk->signal_span == TRACE_NONE)
			continue;
		seen.span = walk->signal_span;
		seen.trace = walk->trace;
		seen.resource = span_resource(walk->trace, &walk->trace->spans[walk->signal_span]);
	}
	return own_by_places(work, &seen, "the alert");
}

static void own_signal(struct owner_work *work)
{
	struct decision *d = work->decision;
	const struct signal_rule *rule = d->signal_rule;

	d->service = signal_service(work);
	if (rule && rule->owner) {
		d->team = rule->owner;
		d->rule = rule->place;
		owner_add_reason(d, arena_printf(work->arena,
						 "no cause was found; team %s owns signal %s (%s)",
						 d->team->name, rule->name, rule->place));
	} else if (d->service) {
		d->team = d->service->owner;
		d->rule = d->service->place;
		owner_add_reason(d,
				 arena_printf(work->arena,
					      "team %s owns %s, the service of the alert (%s)",
					      d->team->name, d->service->name, d->service->place));
	} else if (!own_signal_by_places(work)) {
		d->team = rules_fallback(work->rules);
		d->rule = d->team->place;
		owner_add_reason(d, arena_printf(work->arena,
						 "no rule names an owner of the alert: the "
						 "fallback team %s is paged",
						 d->team->name));
	}
}

static void owner_tell_silence(struct owner_work *work, const struct silence *silence)
{
	char ends[RFC3339_SIZE];

	owner_add_reason(work->decision,
			 arena_printf(work->arena, "silenced until %s by %s: %s (%s)",
				      rfc3339_format(silence->ends_us, ends), silence->author,
				      silence->reason, silence->place));
}

/* No silence holds the relay's check of itself: it pages nobody, and tells whether alerts that are
 * not silenced would be. */
static bool owner_heeds_silences(const struct decision *d)
{
	return d->has_alert && alert_synthetic(&d->alert) != SYNTHETIC_SELF;
}

static void apply_silence(struct owner_work *work)
{
	struct decision *d = work->decision;

	if (!owner_heeds_silences(d))
		return;
	d->silence = rules_silence(work->rules, &d->alert, work->input->now_us, &d->trail);
	if (d->silence)
		owner_tell_silence(work, d->silence);
}

/* Silences made at run time may name the suspect and the team: they are asked when both are known.
 * Where one of the rules holds the alert too, the one that ends last is the decision's. */
static void apply_made_silence(struct owner_work *work)
{
	struct decision *d = work->decision;
	const struct silence_subject subject = {
		.labels = &d->alert.labels,
		.suspect = d->verdict.found ? d->verdict.suspect.service : NULL,
		.team = d->team->name,
	};
	const struct made_silence *made =
		owner_heeds_silences(d)
			? silence_set_find(work->input->silences, &subject, work->input->now_us)
			: NULL;

	if (!made)
		return;
	const struct silence *silence = made_silence_silence(made);
	rule_trail_match(&d->trail, RULE_SILENCE, NULL, silence->place, silence->reason);
	owner_tell_silence(work, silence);
	if (d->silence && d->silence->ends_us >= silence->ends_us)
		return;
	d->silence = silence;
	d->silence_id = made_silence_spec(made)->id;
}

/* Add what a route changed to the owner's reasons. */
static void owner_tell_route(struct owner_work *work, const struct route *route)
{
	struct decision *d = work->decision;

	if (route->no_page)
		owner_add_reason(d, arena_printf(work->arena, "the route at %s sends no page",
						 route->place));
	else if (route->team)
		owner_add_reason(d, arena_printf(work->arena, "the route at %s gives it to team %s",
						 route->place, route->team->name));
	else
		owner_add_reason(d, arena_printf(work->arena,
						 "the route at %s changes how it is paged",
						 route->place));
}

/* Alerts that always fire, to prove that the way to a person works, and that are marked so: they
 * page nobody unless a route matches. Names as kube-prometheus and others have them. */
static void owner_check_heartbeat(struct owner_work *work)
{
	static const char *const names[] = { "Watchdog", "DeadMansSwitch", "InfoInhibitor" };
	struct decision *d = work->decision;
	const char *name = d->has_alert ? labels_get(&d->alert.labels, "alertname") : NULL;
	const char *severity = d->has_alert ? labels_get(&d->alert.labels, "severity") : NULL;

	if (!name || !severity || strcasecmp(severity, "none") != 0 || d->routing.nmatched)
		return;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0) {
			d->no_page = d->heartbeat = true;
			owner_add_reason(d, arena_printf(work->arena,
							 "%s with severity none is a heartbeat: it "
							 "pages nobody unless a route "
							 "matches",
							 name));
		}
}

static void apply_routes(struct owner_work *work)
{
	struct decision *d = work->decision;
	const bool failed = d->verdict.fallback != FALLBACK_NONE;
	const struct route_input input = {
		.alert = d->has_alert ? &d->alert : NULL,
		.suspect = d->verdict.found ? &d->verdict.suspect : NULL,
		.kind = failed ? fallback_code_name(d->verdict.fallback)
			       : suspect_kind_name(d->verdict.suspect.kind),
		.confidence = d->verdict.confidence,
		.severity = d->has_alert ? rules_severity(work->rules, &d->alert) : SEVERITY_ERROR,
		.owner = d->team,
		.service = d->service,
		.signal = d->signal_rule,
		.wall_us = work->input->now_us,
	};

	rules_route(work->rules, &input, &d->trail, &d->routing);
	for (size_t i = 0; i < d->routing.nmatched; i++) {
		const struct route *route = d->routing.matched[i];
		owner_tell_route(work, route);
		if (route->team)
			d->rule = route->place;
	}
	if (d->routing.team)
		d->team = d->routing.team;
	owner_check_heartbeat(work);
}

/* Is nobody paged, and until when? */
static void owner_check_page(struct owner_work *work)
{
	struct decision *d = work->decision;

	d->no_page |= d->silence || d->routing.no_page;
	if (d->silence)
		d->again_us = d->silence->ends_us;
	else if (d->routing.no_page)
		d->again_us = route_over_us(d->routing.no_page, work->input->now_us);
}

void decide_owner(struct arena *arena, const struct decide_input *input,
		  const struct service_rule *peer_rule, struct decision *decision)
{
	struct owner_work work = { arena, input, input->rules, decision, &decision->trail };

	decision->rules_hash = rules_hash(input->rules);
	if (decision->verdict.found)
		own_suspect(&work, peer_rule);
	else
		own_signal(&work);
	apply_silence(&work);
	apply_routes(&work);
	apply_made_silence(&work);
	owner_check_page(&work);
	routing_of_team(arena, input->rules, decision->team, &decision->routing);
}
