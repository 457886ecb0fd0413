/*
 * Decide: finds the signal, walks every trace, lets the rules name the callees, votes, then finds
 * the owner and writes the page. Pure: no clock, no log, no descriptor. Owns nothing: the arena
 * keeps what is made, the rest is borrowed from alert, traces and rules. With rules there is always
 * a team to page: the fallback team at least.
 */
#include <stdio.h>
#include <stdint.h>
#include <string.h>

#include "decide-internal.h"
#include "tracepager/callee_habits.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* Certainty of a walk that ends at a callee without spans: if the rules know the callee, and if not
 * (which is what the walk assumes). */
#define PEER_OWNED   0.9
#define PEER_UNOWNED 0.6

/* Least confidence of a verdict, where no rule says otherwise. */
#define THRESHOLD 0.5

/* What one call of decide() works on. */
struct decide_work {
	struct arena *arena;
	const struct decide_input *input;
	struct decision *decision;
	struct walk *voters; /* the decision's walks, or copies of some of them */
	unsigned int nvoters;
	const struct service_rule
		*peer_rule; /* the suspect's entry, found by a peer name; NULL: none */
};

static void add_walk_reason(struct walk *walk, const char *reason)
{
	if (walk->nreasons < ARRAY_LEN(walk->reasons))
		walk->reasons[walk->nreasons++] = reason;
}

static void find_signal(struct decide_work *work)
{
	const struct decide_input *input = work->input;
	struct decision *d = work->decision;
	const struct signal_rule *rule = NULL;

	if (input->alert)
		d->has_signal = decide_signal(work->arena, input->alert, input->rules, NULL, NULL,
					      &d->trail, &d->signal, &rule);
	if (input->signal) {
		d->signal = *input->signal;
		d->has_signal = true;
		/* The rule's owner counts only for the rule's own signal. */
		if (rule && (!d->signal.name || strcmp(d->signal.name, rule->name) != 0))
			rule = NULL;
	}
	d->signal_rule = rule;
}

/* Without a signal, name the operation that the shown walk began with. */
static void name_root_signal(struct decision *d)
{
	if (d->has_signal || !d->nwalks)
		return;
	const struct walk *walk = decision_walk(d);
	uint32_t span = walk->signal_span != TRACE_NONE ? walk->signal_span
			: walk->npath			? walk->path[0]
							: walk->trace->first_root;
	if (span == TRACE_NONE)
		return;
	const struct span *root = &walk->trace->spans[span];
	d->signal = (struct signal){
		.service = span_service(walk->trace, root),
		.namespace = trace_text(walk->trace, span_resource(walk->trace, root)->namespace),
		.operation = trace_text(walk->trace, root->name),
		.from = "trace root",
		.mode = WALK_AUTO,
	};
	d->has_signal = true;
}

/* If healthy traces show which service the callee is, and the rules know that service, make it the
 * suspect. Returns its entry; NULL: neither is known. */
static const struct service_rule *name_learned_callee(const struct decide_work *work,
						      struct suspect *suspect)
{
	const struct evidence_set *healthy = work->input->healthy;
	const struct service_rule *rule;
	struct callee_name learned;

	if (!healthy || !callee_habits_name(healthy->habits, work->arena, suspect, &learned))
		return NULL;
	/* A call of a service to itself has no other callee. */
	if (suspect->trace &&
	    strcmp(learned.service,
		   span_service(suspect->trace, &suspect->trace->spans[suspect->span])) == 0)
		return NULL;
	rule = rules_service(work->input->rules, learned.service, learned.namespace, NULL, NULL,
			     NULL);
	if (!rule)
		return NULL;
	suspect->callee = suspect->peers[0];
	suspect->callee_namespace = NULL;
	suspect->service = learned.service;
	suspect->namespace = learned.namespace;
	suspect->resource = NULL;
	return rule;
}

/* If the rules know the callee of a failing or slow call by one of its peer names, make the callee
 * the suspect instead of its caller. Returns the callee's entry. */
static const struct service_rule *name_callee(const struct decide_work *work,
					      struct suspect *suspect, const char **ret_name)
{
	const struct ruleset *rules = work->input->rules;

	*ret_name = NULL;
	if ((suspect->kind != SUSPECT_PEER && suspect->kind != SUSPECT_SLOW) || !suspect->npeers)
		return NULL;
	const struct service_rule *rule = NULL;
	size_t n = 0;
	for (; n < suspect->npeers && !rule; n++)
		if (!is_unknown_service(suspect->peers[n]))
			rule = rules_peer(rules, &suspect->peers[n], 1, ret_name);
	if (!rule)
		return name_learned_callee(work, suspect);
	/* The best name, as the rules write it: they may list a host without its port. */
	suspect->callee = n == 1 ? *ret_name : suspect->peers[0];
	suspect->callee_namespace = NULL;
	suspect->service = rule->name;
	suspect->namespace = "";
	suspect->resource = NULL;
	return rule;
}

static void name_callees(struct decide_work *work, struct walk *walk)
{
	const char *name = NULL;

	for (unsigned int i = 0; i < walk->nothers; i++)
		name_callee(work, &walk->others[i], &name);
	if (!walk->found)
		return;
	const char *caller = walk->suspect.service;
	const struct service_rule *rule = name_callee(work, &walk->suspect, &name);
	if (!rule)
		return;
	/* The walk's certainty is PEER_UNOWNED times the completeness of the trace. */
	if (walk->suspect.kind == SUSPECT_PEER) {
		walk->certainty *= PEER_OWNED / PEER_UNOWNED;
		if (walk->certainty > PEER_OWNED)
			walk->certainty = PEER_OWNED;
		walk->certainty = verdict_limits_cap(&walk->limits, walk->certainty);
	}
	add_walk_reason(
		walk,
		name ? arena_printf(work->arena, "%s calls it %s, which is %s by the rules (%s)",
				    caller, name, rule->name, rule->place)
		     : arena_printf(work->arena, "%s calls it %s, which is %s by healthy traces",
				    caller, walk->suspect.callee, walk->suspect.service));
}

/* The mode of the option, else of the signal. */
static enum walk_mode asked_mode(const struct decide_work *work)
{
	if (work->input->mode != WALK_AUTO || !work->decision->has_signal)
		return work->input->mode;
	return work->decision->signal.mode;
}

/* What the healthy traces tell of callees; NULL: nothing. */
static const struct callee_habits *input_habits(const struct decide_input *input)
{
	return input->healthy ? input->healthy->habits : NULL;
}

/* Which walks vote: where the alert is about calls of one callee, only those that began at a
 * failing call of it, unless there is none. */
static void choose_voters(struct decide_work *work)
{
	const struct decision *d = work->decision;
	unsigned int n = 0;

	work->voters = d->walks;
	work->nvoters = d->nwalks;
	for (unsigned int i = 0; i < d->nwalks; i++)
		n += d->walks[i].called;
	if (n == 0 || n == d->nwalks)
		return;
	work->voters = arena_array(work->arena, n, sizeof(*work->voters));
	work->nvoters = 0;
	for (unsigned int i = 0; i < d->nwalks; i++)
		if (d->walks[i].called)
			work->voters[work->nvoters++] = d->walks[i];
}

static void walk_all(struct decide_work *work)
{
	const struct decide_input *input = work->input;
	struct decision *d = work->decision;
	const struct walk_options options = {
		.signal = d->has_signal ? &d->signal : NULL,
		.alerted = d->has_signal ? &d->signal : NULL,
		.mode = asked_mode(work),
		.codes_fail = true,
		.habits = input_habits(input),
	};

	if (!input->ntraces)
		return;
	d->walks = arena_array(work->arena, input->ntraces, sizeof(*d->walks));
	d->nwalks = input->ntraces;
	for (unsigned int i = 0; i < input->ntraces; i++) {
		walk_trace(work->arena, input->traces[i], &options, &d->walks[i]);
		if (input->rules)
			name_callees(work, &d->walks[i]);
	}
	choose_voters(work);
}

/* Walks the traces of one operation of a broad signal again, from that operation on. */
static void walk_stratum(struct decide_work *work, struct stratum *stratum)
{
	struct walk_options options = { .alerted = &work->decision->signal,
					.mode = asked_mode(work),
					.codes_fail = true,
					.habits = input_habits(work->input) };

	for (unsigned int i = 0; i < stratum->n; i++) {
		options.signal = &stratum->signals[i];
		walk_trace(work->arena, work->voters[stratum->members[i]].trace, &options,
			   &stratum->walks[i]);
		if (work->input->rules)
			name_callees(work, &stratum->walks[i]);
	}
}

/* A vote by contrast may choose a suspect whose callee no walk has named. */
static void name_suspect(struct decide_work *work)
{
	const char *name = NULL;

	if (work->input->rules && work->decision->verdict.found)
		work->peer_rule = name_callee(work, &work->decision->verdict.suspect, &name);
}

/* The threshold of the signal's rule, else of the rules' defaults, else ours. */
static double threshold_of(const struct decide_work *work)
{
	const struct signal_rule *rule = work->decision->signal_rule;
	const struct ruleset *rules = work->input->rules;
	double threshold = rule ? rule->threshold : rules ? rules_defaults(rules)->threshold : 0;

	return threshold > 0 ? threshold : THRESHOLD;
}

static void vote_all(struct decide_work *work)
{
	struct decision *d = work->decision;
	const struct vote_options options = { .threshold = threshold_of(work),
					      .mode = asked_mode(work),
					      .healthy = work->input->healthy };
	struct stratum *strata;
	unsigned int n =
		vote_split(work->arena, work->voters, work->nvoters, options.healthy, &strata);

	if (n == 0) {
		vote(work->arena, work->voters, work->nvoters, &options, &d->verdict);
		return;
	}
	for (unsigned int i = 0; i < n; i++)
		walk_stratum(work, &strata[i]);
	vote_strata(work->arena, work->voters, work->nvoters, strata, n, &options, &d->verdict);
}

static void take_votes(struct decide_work *work)
{
	const struct decide_input *input = work->input;
	struct decision *d = work->decision;
	struct verdict *verdict = &d->verdict;

	if (d->nwalks) {
		vote_all(work);
		if (!verdict->found)
			vote_by_structure(work->arena, work->voters, work->nvoters, input->ordinary,
					  &(struct vote_options){ .threshold = threshold_of(work),
								  .mode = asked_mode(work),
								  .healthy = input->healthy },
					  verdict);
		if (input->missing != FALLBACK_NONE &&
		    verdict->nreasons < ARRAY_LEN(verdict->reasons))
			verdict->reasons[verdict->nreasons++] = arena_printf(
				work->arena, "not all traces were looked at: %s",
				input->missing_text ? input->missing_text
						    : fallback_sentence(input->missing));
		name_suspect(work);
		return;
	}
	if (input->told) {
		*verdict = *input->told;
		name_suspect(work);
	} else if (input->missing != FALLBACK_NONE) {
		verdict_set_fallback(verdict, input->missing, input->missing_text);
	} else {
		verdict_set_fallback(verdict,
				     d->has_alert && !d->has_signal ? FALLBACK_NO_SIGNAL
								    : FALLBACK_NO_TRACE,
				     NULL);
	}
}

/* Escape a part, so that different lists of parts never give the same key. */
static void add_key_part(struct buf *key, const char *part)
{
	if (key->len)
		buf_putc(key, '/');
	for (; part && *part; part++) {
		if (*part == '/' || *part == '%')
			buf_printf(key, "%%%02X", (unsigned char)*part);
		else
			buf_putc(key, *part);
	}
}

/* The suspect, where it runs, and the team only where the rules give the same service to several.
 */
static void add_suspect_key(const struct decide_work *work, struct buf *key)
{
	const struct decision *d = work->decision;
	const struct suspect *suspect = &d->verdict.suspect;
	const struct ruleset *rules = work->input->rules;
	size_t n = 0;
	const char *const *attrs = rules ? rules_incident_key(rules, &n) : NULL;

	add_key_part(key, "suspect");
	add_key_part(key, suspect->namespace);
	add_key_part(key, suspect->service);
	for (size_t i = 0; i < n; i++) {
		const char *value = rules_suspect_attr((void *)(uintptr_t)suspect, attrs[i]);
		/* The older name of the same attribute counts, too. */
		if (!value && strcmp(attrs[i], "deployment.environment.name") == 0)
			value = rules_suspect_attr((void *)(uintptr_t)suspect,
						   "deployment.environment");
		add_key_part(key, value);
	}
	if (rules && d->team &&
	    rules_owner_splits(rules, suspect->service, suspect->namespace,
			       d->service ? d->service->owner : NULL))
		add_key_part(key, d->team->name);
}

/* Alerts about no traced operation: by labels, of which a missing one is empty; never across teams.
 */
static void add_group_key(const struct decide_work *work, struct buf *key)
{
	static const char *const usual[] = { "alertname", "service", "namespace", "cluster" };
	const struct decision *d = work->decision;
	const struct group_labels *group = work->input->rules ? d->routing.group_by : NULL;

	if (d->alert.group_key) {
		add_key_part(key, "theirs");
		add_key_part(key, d->alert.group_key);
		return;
	}
	if (!group && work->input->rules && rules_defaults(work->input->rules)->group_by.n)
		group = &rules_defaults(work->input->rules)->group_by;
	if ((group && group->each_alone) ||
	    (!group && !labels_get(&d->alert.labels, "alertname"))) {
		add_key_part(key, "alert");
		add_key_part(key, d->alert.family);
		add_key_part(key, d->alert.fingerprint);
		return;
	}
	add_key_part(key, "group");
	for (size_t i = 0; i < (group ? group->n : ARRAY_LEN(usual)); i++)
		add_key_part(key, labels_get(&d->alert.labels, group ? group->names[i] : usual[i]));
}

/* Decisions with one key are one incident. Without a verdict: the same signal rule or operation,
 * and team. */
static const char *decide_incident_key(const struct decide_work *work)
{
	const struct decision *d = work->decision;
	bool has_operation = d->has_signal && d->signal.operation && *d->signal.operation;
	/* Each text may have LIMIT_LABEL_BYTES, each byte escaped to three. */
	BUF_LOCAL(key, 4 * (LIMIT_GROUP_LABELS + 4) * LIMIT_LABEL_BYTES);

	/* An alert that this program made joins no incident, and none joins it. */
	if (d->has_alert && alert_synthetic(&d->alert) != SYNTHETIC_NONE)
		return arena_printf(work->arena, "%s/%s", d->alert.family, d->alert.fingerprint);
	if (d->verdict.found) {
		add_suspect_key(work, &key);
	} else if (d->signal_rule) {
		add_key_part(&key, "signal");
		add_key_part(&key, d->signal_rule->name);
	} else if (has_operation) {
		add_key_part(&key, "operation");
		add_key_part(&key, d->signal.namespace);
		add_key_part(&key, d->signal.service);
		add_key_part(&key, d->signal.operation);
	} else {
		add_group_key(work, &key);
	}
	if (!d->verdict.found)
		add_key_part(&key, d->team ? d->team->name : "");
	const char *text = arena_strndup(work->arena, buf_text(&key), key.len);
	buf_fini(&key);
	return text;
}

/* The route says, else the signal's rule, else the defaults, else two minutes and an hour. */
static void decide_holds(const struct decide_work *work)
{
	struct decision *d = work->decision;
	const struct rule_defaults *defaults =
		work->input->rules ? rules_defaults(work->input->rules) : NULL;

	d->resolve_hold_us = LIMIT_RESOLVE_HOLD_US;
	d->regroup_after_us = LIMIT_REGROUP_AFTER_US;
	if (!defaults)
		return;
	if (defaults->resolve_hold_us >= 0)
		d->resolve_hold_us = defaults->resolve_hold_us;
	if (defaults->regroup_after_us >= 0)
		d->regroup_after_us = defaults->regroup_after_us;
	if (d->signal_rule && d->signal_rule->resolve_hold_us >= 0)
		d->resolve_hold_us = d->signal_rule->resolve_hold_us;
	if (d->routing.resolve_hold_us >= 0)
		d->resolve_hold_us = d->routing.resolve_hold_us;
	/* It does not fire again. */
	if (d->has_alert && alert_synthetic(&d->alert) != SYNTHETIC_NONE)
		d->resolve_hold_us = 0;
}

void decide(struct arena *arena, const struct decide_input *input, struct decision *ret_decision)
{
	struct decide_work work = { .arena = arena, .input = input, .decision = ret_decision };

	*ret_decision = (struct decision){ 0 };
	rule_trail_init(&ret_decision->trail, arena, input->tell_all_rules);
	if (input->alert) {
		ret_decision->alert = *input->alert;
		ret_decision->has_alert = true;
	}
	find_signal(&work);
	walk_all(&work);
	take_votes(&work);
	decision_find_differs(arena, input, ret_decision);
	ret_decision->words = decision_words(arena, &ret_decision->verdict);
	ret_decision->burn = input->alert ? burn_find(arena, input->alert) : NULL;
	/* After the walks, so that a named signal does not change them. */
	name_root_signal(ret_decision);
	if (input->rules) {
		decide_owner(arena, input, work.peer_rule, ret_decision);
		next_owners_notify(arena, input, ret_decision);
	}
	ret_decision->incident_key = decide_incident_key(&work);
	decide_holds(&work);
	if (input->rules && !ret_decision->no_page)
		page_text_fill(arena, input, ret_decision);
}
