/*
 * Look-ups: a service, a peer, an alert against the set. Pure, and safe from any thread. Names
 * without wildcards are found by map; globs one after the other, the most specific first.
 */
#include "rules-internal.h"

/* What is known of a service while its entry is looked for. */
struct subject {
	const char *service, *namespace;
	rules_attr *attr;
	void *ctx;
};

static const char *subject_value(const struct subject *subject, const char *name)
{
	const char *value;

	if (strcmp(name, "service") == 0)
		return subject->service;
	if (strcmp(name, "namespace") == 0)
		return subject->namespace;
	value = subject->attr ? subject->attr(subject->ctx, name) : NULL;
	return value ? value : "";
}

static bool entry_matches(const struct service_entry *entry, const struct subject *subject)
{
	for (size_t i = 0; i < entry->nkeys; i++) {
		const struct service_key *key = &entry->keys[i];
		const char *value = subject_value(subject, key->name);
		if (key->literal ? strcmp(key->literal, value) != 0 : !glob_match(key->glob, value))
			return false;
	}
	return true;
}

/* The most specific entry with a glob: each has what it begins with in common with the name. */
static const struct service_entry *best_glob(const struct ruleset *rules,
					     const struct subject *subject)
{
	char prefix[LIMIT_GLOB_BYTES + 1];
	size_t len = strnlen(subject->service, LIMIT_GLOB_BYTES);
	const struct service_entry *best = NULL;

	memcpy(prefix, subject->service, len);
	for (size_t n = len + 1; n-- > 0;) {
		prefix[n] = '\0';
		if (!(rules->prefix_lengths >> (n < 63 ? n : 63) & 1))
			continue;
		const struct service_bucket *bucket = map_get(rules->prefix_map, prefix);
		for (size_t i = 0; bucket && i < bucket->n; i++) {
			if (best && best->rank < bucket->at[i]->rank)
				break;
			if (entry_matches(bucket->at[i], subject)) {
				best = bucket->at[i];
				break;
			}
		}
	}
	return best;
}

const struct service_rule *rules_service(const struct ruleset *rules, const char *service,
					 const char *namespace, rules_attr *attr, void *ctx)
{
	const struct subject subject = { .service = service ? service : "",
					 .namespace = namespace ? namespace : "",
					 .attr = attr,
					 .ctx = ctx };
	const struct service_bucket *bucket = map_get(rules->service_map, subject.service);

	for (size_t i = 0; bucket && i < bucket->n; i++)
		if (entry_matches(bucket->at[i], &subject))
			return &bucket->at[i]->rule;
	const struct service_entry *entry = best_glob(rules, &subject);
	return entry ? &entry->rule : NULL;
}

/* HOST of HOST:PORT; false where there is no port. */
static bool without_port(const char *name, char *out, size_t size)
{
	const char *colon = strrchr(name, ':');

	if (!colon || colon == name || (size_t)(colon - name) >= size || !colon[1] ||
	    colon[1 + strspn(colon + 1, "0123456789")])
		return false;
	memcpy(out, name, (size_t)(colon - name));
	out[colon - name] = '\0';
	return true;
}

const struct service_rule *rules_peer(const struct ruleset *rules, const char *const *names,
				      size_t n, const char **ret_name)
{
	char host[LIMIT_GLOB_BYTES];

	for (size_t i = 0; i < n; i++) {
		const struct service_entry *entry = map_get(rules->peer_map, names[i]);
		if (!entry && without_port(names[i], host, sizeof(host)))
			entry = map_get(rules->peer_map, host);
		if (!entry)
			continue;
		if (ret_name)
			*ret_name = names[i];
		return &entry->rule;
	}
	return NULL;
}

const struct signal_rule *rules_signal(const struct ruleset *rules, const struct labels *labels)
{
	for (size_t i = 0; i < rules->nsignals; i++) {
		const struct signal_entry *entry = rules->signal_order[i];
		if (entry->alerts.n && matchers_match(&entry->alerts, labels))
			return &entry->rule;
	}
	return NULL;
}

const struct route *rules_route(const struct ruleset *rules, const struct alert *alert)
{
	for (size_t i = 0; i < rules->nroutes; i++)
		if (matchers_match(&rules->routes[i].when, &alert->labels))
			return &rules->routes[i].route;
	return NULL;
}

/* A glob of wildcards alone takes every name and knows none. */
static bool glob_names(const char *glob, const char *service)
{
	return glob_literals(glob) > 0 && glob_match(glob, service);
}

bool rules_knows_service(const struct ruleset *rules, const char *service)
{
	if (map_get(rules->service_map, service))
		return true;
	for (size_t i = rules->nexact; i < rules->nservices; i++) {
		const struct service_entry *entry = rules->service_order[i];
		for (size_t j = 0; j < entry->nkeys; j++)
			if (strcmp(entry->keys[j].name, "service") == 0 &&
			    glob_names(entry->keys[j].glob, service))
				return true;
	}
	for (size_t i = 0; i < rules->nsignals; i++) {
		const char *glob = rules->signals[i].rule.signal.service;
		if (glob && glob_names(glob, service))
			return true;
	}
	return false;
}
