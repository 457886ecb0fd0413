/*
 * The set of rules in memory: made by one load, then never changed, read by any thread, freed by
 * the last reference; and the look-ups that need a name only. Owns its arena, the secrets of its
 * pagers (wiped), its compiled expressions and its indexes.
 */
#include <assert.h>
#include <stdlib.h>

#include "engine-internal.h"

struct ruleset *ruleset_new(size_t cap_bytes)
{
	struct ruleset *rules = xcalloc(1, sizeof(*rules));

	atomic_init(&rules->refs, 1);
	rules->arena = arena_new(cap_bytes);
	rules->team_map = map_new();
	rules->pager_map = map_new();
	rules->service_map = map_new();
	rules->peer_map = map_new();
	rules->prefix_map = map_new();
	return rules;
}

struct ruleset *rules_ref(struct ruleset *rules)
{
	atomic_fetch_add_explicit(&rules->refs, 1, memory_order_relaxed);
	return rules;
}

void rules_unref(struct ruleset *rules)
{
	if (!rules)
		return;
	unsigned int before = atomic_fetch_sub_explicit(&rules->refs, 1, memory_order_acq_rel);
	assert(before > 0);
	if (before > 1)
		return;
	for (size_t i = 0; rules->paging && i < rules->nteams; i++)
		for (size_t k = 0; k < PAGER_KIND_COUNT; k++)
			secret_fini(&rules->paging[i].keys[k]);
	free(rules->paging);
	for (size_t i = 0; i < rules->npagers; i++) {
		free(rules->pagers[i].teams);
		secret_fini(&rules->pagers[i].key);
		for (size_t k = 0; k < ARRAY_LEN(rules->pagers[i].feedback); k++)
			secret_fini(&rules->pagers[i].feedback[k]);
	}
	for (size_t i = 0; i < rules->nsignals; i++)
		matchers_fini(&rules->signals[i].alerts);
	for (size_t i = 0; i < rules->nroutes; i++)
		matchers_fini(&rules->routes[i].labels);
	for (size_t i = 0; i < rules->nsilences; i++)
		matchers_fini(&rules->silences[i].matchers);
	picks_fini(&rules->signal_picks);
	picks_fini(&rules->route_picks);
	picks_fini(&rules->early_picks);
	map_free(rules->team_map);
	map_free(rules->pager_map);
	map_free(rules->service_map);
	map_free(rules->peer_map);
	map_free(rules->prefix_map);
	arena_free(rules->arena);
	free(rules);
}

const char *rules_hash(const struct ruleset *rules)
{
	return rules->hash;
}

const struct rule_text *rules_texts(const struct ruleset *rules, size_t *ret_n)
{
	*ret_n = rules->ntexts;
	return rules->texts;
}

const char *const *rules_files(const struct ruleset *rules, size_t *ret_n)
{
	*ret_n = rules->nfiles;
	return rules->files;
}

const struct team *rules_fallback(const struct ruleset *rules)
{
	return rules->fallback;
}

const struct rule_defaults *rules_defaults(const struct ruleset *rules)
{
	return &rules->defaults;
}

enum severity rules_severity(const struct ruleset *rules, const struct alert *alert)
{
	enum severity severity =
		rules->defaults.has_severity ? rules->defaults.severity : SEVERITY_ERROR;

	alert_tells_severity(alert, &severity);
	return severity;
}

const char *const *rules_incident_key(const struct ruleset *rules, size_t *ret_n)
{
	static const char *const usual[] = { "deployment.environment.name", "k8s.cluster.name" };

	if (rules->defaults.incident_key.n) {
		*ret_n = rules->defaults.incident_key.n;
		return rules->defaults.incident_key.names;
	}
	*ret_n = ARRAY_LEN(usual);
	return usual;
}

const struct team *rules_team(const struct ruleset *rules, const char *name)
{
	return map_get(rules->team_map, name);
}

const struct team *rules_each_team(const struct ruleset *rules, size_t *pos)
{
	return *pos < rules->nteams ? &rules->teams[(*pos)++] : NULL;
}

const struct pager *rules_pager(const struct ruleset *rules, const char *name)
{
	return map_get(rules->pager_map, name);
}

const struct pager *rules_pagers(const struct ruleset *rules, size_t *ret_n)
{
	*ret_n = rules->npagers;
	return rules->pagers;
}

const struct escalation *rules_escalation(const struct ruleset *rules, const char *name)
{
	for (size_t i = 0; i < rules->nescalations; i++)
		if (strcmp(rules->escalations[i].name, name) == 0)
			return &rules->escalations[i];
	return NULL;
}

const struct signal_rule *const *rules_signals(const struct ruleset *rules, size_t *ret_n)
{
	*ret_n = rules->nsignals;
	return rules->signal_list;
}

const struct service_rule *const *rules_services(const struct ruleset *rules, size_t *ret_n)
{
	*ret_n = rules->nservices;
	return rules->service_list;
}

const char *const *rules_attr_names(const struct ruleset *rules, size_t *ret_n)
{
	*ret_n = rules->nattr_names;
	return rules->attr_names;
}

void rules_count(const struct ruleset *rules, size_t *teams, size_t *pagers, size_t *services,
		 size_t *signals)
{
	*teams = rules->nteams;
	*pagers = rules->npagers;
	*services = rules->nservices;
	*signals = rules->nsignals;
}
