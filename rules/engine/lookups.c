/*
 * Look-ups of services, peers, signals and silences. Services and peers without wildcards are
 * found by map; a glob by its prefix; signals by an index. With a trail, each look-up records
 * which rules did not match, and why. Pure: any thread may call.
 */
#include "engine-internal.h"

/* The service that is looked for. */
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
	value = service_attr(subject->attr, subject->ctx, name);
	return value ? value : "";
}

const char *service_attr(rules_attr *attr, void *ctx, const char *name)
{
	if (!attr)
		return NULL;
	if (strcmp(name, "environment") != 0)
		return attr(ctx, name);
	const char *value = attr(ctx, "deployment.environment.name");
	return value ? value : attr(ctx, "deployment.environment");
}

static bool key_holds(const struct service_key *key, const struct subject *subject)
{
	const char *value = subject_value(subject, key->name);

	return key->literal ? strcmp(key->literal, value) == 0 : glob_match(key->glob, value);
}

static bool entry_matches(const struct service_entry *entry, const struct subject *subject)
{
	for (size_t i = 0; i < entry->nkeys; i++)
		if (!key_holds(&entry->keys[i], subject))
			return false;
	return true;
}

/* Records why an entry does not match: the first key that does not hold. */
static void record_service_miss(const struct service_entry *entry, const struct subject *subject,
				struct rule_trail *trail)
{
	struct rule_miss miss = { .of = (unsigned int)entry->nkeys };
	const struct service_key *first = NULL;
	const char *reason = "another entry is more specific";

	for (size_t i = 0; i < entry->nkeys; i++) {
		bool holds = key_holds(&entry->keys[i], subject);
		miss.held += holds;
		if (!holds && !first)
			first = &entry->keys[i];
	}
	if (!trail_tried(trail, &miss))
		return;
	if (first)
		reason =
			trail_reason(trail->arena, first->name, subject_value(subject, first->name),
				     (const char *const *)&first->glob, 1);
	trail_missed(trail, RULE_SERVICE, entry->rule.name, entry->rule.place, &miss, reason);
}

/* The first entry of the bucket that matches, if it is more specific than `best`; else `best`. */
static const struct service_entry *best_of(const struct service_bucket *bucket,
					   const struct service_entry *best,
					   const struct subject *subject, struct rule_trail *trail)
{
	for (size_t i = 0; bucket && i < bucket->n; i++) {
		if (best && best->rank < bucket->at[i]->rank)
			break;
		if (entry_matches(bucket->at[i], subject))
			return bucket->at[i];
		if (trail)
			record_service_miss(bucket->at[i], subject, trail);
	}
	return best;
}

/* The most specific matching entry with a glob. The prefix of its glob begins the service name,
 * so that only buckets of such prefixes are tried. */
static const struct service_entry *best_glob(const struct ruleset *rules,
					     const struct subject *subject,
					     struct rule_trail *trail)
{
	char prefix[LIMIT_GLOB_BYTES + 1];
	size_t len = strnlen(subject->service, LIMIT_GLOB_BYTES);
	const struct service_entry *best = NULL;

	memcpy(prefix, subject->service, len);
	for (size_t n = len + 1; n-- > 0;) {
		prefix[n] = '\0';
		if (rules->prefix_lengths >> (n < 63 ? n : 63) & 1)
			best = best_of(map_get(rules->prefix_map, prefix), best, subject, trail);
	}
	return best;
}

static const struct service_entry *match_service(const struct ruleset *rules,
						 const struct subject *subject,
						 struct rule_trail *trail)
{
	const struct service_entry *exact =
		best_of(map_get(rules->service_map, subject->service), NULL, subject, trail);

	return exact ? exact : best_glob(rules, subject, trail);
}

const struct service_rule *rules_service(const struct ruleset *rules, const char *service,
					 const char *namespace, rules_attr *attr, void *ctx,
					 struct rule_trail *trail)
{
	const struct subject subject = { .service = service ? service : "",
					 .namespace = namespace ? namespace : "",
					 .attr = attr,
					 .ctx = ctx };
	bool all = trail && trail->all;
	const struct service_entry *found = match_service(rules, &subject, all ? NULL : trail);

	for (size_t i = 0; all && i < rules->nservices; i++)
		if (rules->service_order[i] != found)
			record_service_miss(rules->service_order[i], &subject, trail);
	if (!found)
		return NULL;
	if (trail)
		rule_trail_match(trail, RULE_SERVICE, found->rule.name, found->rule.place,
				 arena_printf(trail->arena, "its owner is team %s",
					      found->rule.owner->name));
	return &found->rule;
}

/* Do all keys of the entry hold that need no attribute? */
static bool entry_may_match(const struct service_entry *entry, const struct subject *subject)
{
	for (size_t i = 0; i < entry->nkeys; i++) {
		const struct service_key *key = &entry->keys[i];
		bool plain =
			strcmp(key->name, "service") == 0 || strcmp(key->name, "namespace") == 0;
		if (plain && !key_holds(key, subject))
			return false;
	}
	return true;
}

bool rules_owner_splits(const struct ruleset *rules, const char *service, const char *namespace,
			const struct team *owner)
{
	const struct subject subject = { .service = service ? service : "",
					 .namespace = namespace ? namespace : "" };

	for (size_t i = 0; i < rules->nattr_entries; i++) {
		const struct service_entry *entry = rules->attr_entries[i];
		if (entry->rule.owner != owner && entry_may_match(entry, &subject))
			return true;
	}
	return false;
}

/* Writes HOST of HOST:PORT to out. False: there is no port. */
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

/* The entry's own text of a host that it lists among its peers; NULL: it is no peer of it. */
static const char *listed_peer(const struct service_entry *entry, const char *host)
{
	for (size_t i = 0; i < entry->npeers; i++)
		if (strcmp(entry->peers[i], host) == 0)
			return entry->peers[i];
	return NULL;
}

const struct service_rule *rules_peer(const struct ruleset *rules, const char *const *names,
				      size_t n, const char **ret_name)
{
	char host[LIMIT_GLOB_BYTES];

	for (size_t i = 0; i < n; i++) {
		const struct service_entry *entry = map_get(rules->peer_map, names[i]);
		const char *listed = NULL;
		if (!entry && without_port(names[i], host, sizeof(host))) {
			entry = map_get(rules->peer_map, host);
			listed = entry ? listed_peer(entry, host) : NULL;
		}
		if (!entry)
			continue;
		if (ret_name)
			*ret_name = listed ? listed : names[i];
		return &entry->rule;
	}
	return NULL;
}

static void record_signal_miss(const struct signal_entry *entry, const struct labels *labels,
			       struct rule_trail *trail)
{
	struct rule_miss miss = { .of = (unsigned int)entry->alerts.n };
	const struct rule_matcher *first = NULL;

	for (size_t i = 0; i < entry->alerts.n; i++) {
		bool holds = matcher_matches(&entry->alerts.at[i], labels);
		miss.held += holds;
		if (!holds && !first)
			first = &entry->alerts.at[i];
	}
	if (first && trail_tried(trail, &miss))
		trail_missed(trail, RULE_SIGNAL, entry->rule.name, entry->rule.place, &miss,
			     matcher_reason(trail->arena, first, labels));
}

static void record_signal_misses(const struct ruleset *rules, const struct labels *labels,
				 struct rule_trail *trail)
{
	for (size_t i = 0; i < rules->nsignals; i++)
		if (rules->signal_order[i]->alerts.n)
			record_signal_miss(rules->signal_order[i], labels, trail);
}

const struct signal_rule *rules_signal(const struct ruleset *rules, const struct labels *labels,
				       struct rule_trail *trail)
{
	struct pick_walk walk;
	size_t i;

	if (trail && trail->all)
		record_signal_misses(rules, labels, trail);
	pick_walk_init(&walk, &rules->signal_picks);
	pick_walk_labels(&walk, labels);
	while ((i = pick_walk_next(&walk)) != SIZE_MAX) {
		const struct signal_entry *entry = rules->signal_order[i];
		if (!entry->alerts.n)
			continue;
		if (matchers_match(&entry->alerts, labels)) {
			rule_trail_match(trail, RULE_SIGNAL, entry->rule.name, entry->rule.place,
					 "the alert is about its span");
			return &entry->rule;
		}
		if (trail && !trail->all)
			record_signal_miss(entry, labels, trail);
	}
	return NULL;
}

/* Records why a silence does not match. A silence counts one condition more than it has
 * matchers: the time. */
static void record_silence_miss(const struct silence_entry *entry, const struct alert *alert,
				int64_t wall_us, struct rule_trail *trail)
{
	const struct silence *silence = &entry->silence;
	struct rule_miss miss = { .of = (unsigned int)entry->matchers.n + 1 };
	const char *reason = NULL;

	for (size_t i = 0; i < entry->matchers.n; i++) {
		bool holds = matcher_matches(&entry->matchers.at[i], &alert->labels);
		miss.held += holds;
		if (!holds && !reason)
			reason = matcher_reason(trail->arena, &entry->matchers.at[i],
						&alert->labels);
	}
	if (miss.held == entry->matchers.n)
		reason = wall_us >= silence->ends_us ? "it is over" : "it has not begun";
	if (trail_tried(trail, &miss))
		trail_missed(trail, RULE_SILENCE, NULL, silence->place, &miss, reason);
}

const struct silence *rules_silence(const struct ruleset *rules, const struct alert *alert,
				    int64_t wall_us, struct rule_trail *trail)
{
	const struct silence *found = NULL;

	for (size_t i = 0; i < rules->nsilences; i++) {
		const struct silence_entry *entry = &rules->silences[i];
		const struct silence *silence = &entry->silence;
		bool now = wall_us >= silence->starts_us && wall_us < silence->ends_us;
		if (now && matchers_match(&entry->matchers, &alert->labels)) {
			rule_trail_match(trail, RULE_SILENCE, NULL, silence->place,
					 silence->reason);
			if (!found || silence->ends_us > found->ends_us)
				found = silence;
		} else if (trail) {
			record_silence_miss(entry, alert, wall_us, trail);
		}
	}
	return found;
}

int64_t rules_silence_next_us(const struct ruleset *rules, int64_t wall_us)
{
	int64_t next_us = 0;

	for (size_t i = 0; i < rules->nsilences; i++) {
		const struct silence *silence = &rules->silences[i].silence;
		const int64_t times[] = { silence->starts_us, silence->ends_us };
		for (size_t k = 0; k < ARRAY_LEN(times); k++)
			if (times[k] > wall_us && (!next_us || times[k] < next_us))
				next_us = times[k];
	}
	return next_us;
}

void rules_each_silence(const struct ruleset *rules, rule_silence_viewer *viewer, void *ctx)
{
	struct buf text = BUF_INIT(LIMIT_YAML_FILE_BYTES);
	bool more = true;

	for (size_t i = 0; i < rules->nsilences && more; i++) {
		buf_reset(&text);
		matchers_write(&rules->silences[i].matchers, &text);
		more = viewer(ctx, &rules->silences[i].silence, buf_text(&text));
	}
	buf_fini(&text);
}

/* Does the glob name the service? One of wildcards alone matches every name and names none. */
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
