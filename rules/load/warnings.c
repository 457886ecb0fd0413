/*
 * Warnings: what rules may say, and nobody can mean. Looks at the whole set after it was loaded;
 * changes nothing. An escalation cannot call another one, so that there is no circle to look for;
 * every team has an escalation, and every step a pager, or the load has told.
 */
#include "load-internal.h"
#include "tracepager/clock.h"

static struct load_scope scope_of(struct load *load, const struct load_entry *entry)
{
	return (struct load_scope){
		.load = load, .doc = entry->doc, .key = entry->key, .map = entry->node
	};
}

/* --- Pagers and escalations --- */

static const char *const key_names[PAGER_KIND_COUNT] = {
#define PAGER_KIND(id, name, url, key, key_need, url_need, text) [PAGER_##id] = key,
#include "tracepager/tbl/pagers.def"
#undef PAGER_KIND
};

static bool escalates(enum pager_kind_id kind)
{
	switch ((int)kind) {
#define PAGER_KIND(id, name, url, key, key_need, url_need, text)
#define PAGER_ESCALATES(id) case PAGER_##id:
#include "tracepager/tbl/pagers.def"
#undef PAGER_ESCALATES
#undef PAGER_KIND
		return true;
	default:
		return false;
	}
}

static void warn_of_secret(struct load *load, const struct load_entry *entry,
			   const struct pager *pager)
{
	const char *key = key_names[pager->kind];
	struct load_scope scope = scope_of(load, entry);
	const struct ynode *kind = ynode_get(entry->node, "kind");
	const struct ynode *value = key ? ynode_get(entry->node, key) : NULL;

	/* A kind that is none was told, and what its keys are nobody knows. */
	if (!kind || kind->kind != YNODE_SCALAR ||
	    strcmp(kind->text, pager_kind_name(pager->kind)) != 0)
		return;
	if (value && value->kind == YNODE_SCALAR && !ynode_is_empty(value))
		LOAD_WARNING(&scope, value, "W021",
			     arena_printf(load->scratch,
					  "put it into a file, and write %s_file: PATH", key),
			     "the %s of pager \"%s\" stands in the rules themselves", key,
			     pager->name);
}

/* The pager of a step that escalates by itself; NULL: none. */
static const struct pager *self_escalating(const struct escalation_step *step)
{
	for (size_t i = 0; i < step->npagers; i++)
		if (escalates(step->pagers[i]->kind))
			return step->pagers[i];
	return NULL;
}

static void warn_of_steps(struct load *load, const struct load_entry *entry,
			  const struct escalation *escalation)
{
	const struct ynode *steps = ynode_get(entry->node, "steps");
	struct load_scope scope = scope_of(load, entry);
	const struct pager *pager = NULL;

	if (!steps || steps->kind != YNODE_LIST || steps->n != escalation->nsteps)
		return;
	for (size_t i = 0; i < steps->n; i++) {
		const struct ynode *step = steps->items[i], *wait = ynode_get(step, "wait");
		if (pager) {
			LOAD_WARNING(&scope, step, "W026",
				     arena_printf(load->scratch,
						  "escalate in %s, or page \"%s\" last",
						  pager_kind_name(pager->kind), pager->name),
				     "this step of escalation \"%s\" follows pager \"%s\", which "
				     "escalates by itself and does not tell who has answered",
				     escalation->name, pager->name);
			return;
		}
		pager = self_escalating(&escalation->steps[i]);
		if (wait && escalation->steps[i].wait_us >= LIMIT_EXPIRE_AFTER_US)
			LOAD_WARNING(&scope, wait, "W027", "10m is ten minutes, 10h ten hours",
				     "step %zu of escalation \"%s\" waits as long as an alert is "
				     "remembered that nobody resolves",
				     i + 1, escalation->name);
	}
}

/* --- Conditions --- */

bool warn_of_matchers(struct load *load, const struct load_entry *entry, const struct ynode *node,
		      const struct rule_matchers *matchers)
{
	struct load_scope scope = scope_of(load, entry);

	for (size_t i = 0; i < matchers->n; i++)
		for (size_t j = 0; j < i; j++) {
			const struct rule_matcher *a = &matchers->at[j], *b = &matchers->at[i];
			if (!matchers_contradict(load->scratch, a, b))
				continue;
			LOAD_WARNING(&scope, node, "W023", "make two entries of it",
				     "no alert can have a \"%.200s\" that meets both \"%.200s\" "
				     "and \"%.200s\"",
				     a->name, a->value, b->value);
			return true;
		}
	for (size_t i = 0; i < matchers->n; i++) {
		const struct rule_matcher *matcher = &matchers->at[i];
		/* A glob alone is how "every alert" is said. */
		if (!matcher_always(matcher) || (matcher->op == RULE_GLOB && matchers->n == 1))
			continue;
		LOAD_WARNING(&scope, node, "W024",
			     matcher->op == RULE_GLOB ? "leave it out, or write \"?*\""
						      : "leave it out, or write \".+\"",
			     "the condition on \"%.200s\" always holds: \"%.200s\" matches alerts "
			     "without it, too",
			     matcher->name, matcher->value);
		break;
	}
	return false;
}

/* The member, or the entry where it has none. */
static const struct ynode *node_of(const struct load_entry *entry, const char *key)
{
	const struct ynode *node = ynode_get(entry->node, key);

	return node ? node : entry->key;
}

static void warn_of_signals(struct load *load)
{
	for (size_t i = 0; i < load->set->nsignals; i++) {
		const struct load_entry *entry = &load->sections[SECTION_SIGNALS].at[i];
		warn_of_matchers(load, entry, node_of(entry, "alerts"),
				 &load->set->signals[i].alerts);
	}
}

static void warn_of_silences(struct load *load)
{
	int64_t now_us = load->findings->now_us;

	for (size_t i = 0; i < load->set->nsilences; i++) {
		const struct load_entry *entry = &load->silences.at[i];
		const struct silence_entry *silence = &load->set->silences[i];
		struct load_scope scope = scope_of(load, entry);
		warn_of_matchers(load, entry, node_of(entry, "matchers"), &silence->matchers);
		if (now_us && silence->silence.ends_us && silence->silence.ends_us <= now_us)
			LOAD_WARNING(&scope, node_of(entry, "ends"), "W029", "remove it",
				     "the silence is over");
	}
}

/* --- Services --- */

#define TEXTS_MAX 64

static bool key_covers(const struct service_key *a, const struct service_entry *b)
{
	for (size_t i = 0; i < b->nkeys; i++) {
		const struct service_key *key = &b->keys[i];
		if (strcmp(key->name, a->name) != 0)
			continue;
		if (key->literal)
			return a->literal ? strcmp(a->literal, key->literal) == 0
					  : glob_match(a->glob, key->literal);
		return !a->literal && glob_covers(a->glob, key->glob);
	}
	/* What is not asked for may be anything, and may be missing. */
	return !a->literal && glob_covers(a->glob, "*");
}

/* text: what takes the place of b's service; NULL: its glob. */
static bool service_covers(const struct service_entry *a, const struct service_entry *b,
			   const char *text)
{
	for (size_t i = 0; i < a->nkeys; i++) {
		const struct service_key *key = &a->keys[i];
		bool covers = text && strcmp(key->name, "service") == 0
				      ? (key->literal ? strcmp(key->literal, text) == 0
						      : glob_match(key->glob, text))
				      : key_covers(key, b);
		if (!covers)
			return false;
	}
	return a->nkeys > 0;
}

/* The first more specific entry that takes all of it, or of one of its texts. */
static const struct service_entry *covering(struct load *load, const struct service_entry *service,
					    size_t place, const char *text, size_t *budget)
{
	const struct ruleset *set = load->set;

	for (size_t i = place; i-- > 0 && *budget; --*budget) {
		const struct service_entry *other = set->service_order[i];
		/* Of exact ones, those of one name stand together. */
		if (service->service && strcmp(other->service, service->service) != 0)
			break;
		if (service_compare(other, service) < 0 && service_covers(other, service, text))
			return other;
	}
	return NULL;
}

static const struct service_entry *shadow_of(struct load *load, size_t place, size_t *budget)
{
	const struct service_entry *service = load->set->service_order[place], *by = NULL;
	const struct service_key *key = service->keys;
	const char *texts[TEXTS_MAX];
	size_t n = 0;

	if (!service->nkeys)
		return NULL;
	while (key < service->keys + service->nkeys && strcmp(key->name, "service") != 0)
		key++;
	if (key < service->keys + service->nkeys && !key->literal)
		n = glob_texts(load->scratch, key->glob, texts, TEXTS_MAX);
	if (!n)
		return covering(load, service, place, NULL, budget);
	for (size_t i = 0; i < n; i++) {
		by = covering(load, service, place, texts[i], budget);
		if (!by)
			return NULL;
	}
	return by;
}

static const struct load_entry *service_entry_of(struct load *load,
						 const struct service_entry *service)
{
	return &load->sections[SECTION_SERVICES].at[service - load->set->services];
}

static void warn_of_shadowed_services(struct load *load)
{
	size_t budget = LIMIT_WORDS_COMPARED;

	for (size_t i = 0; i < load->set->nservices; i++) {
		const struct service_entry *service = load->set->service_order[i];
		const struct service_entry *by = shadow_of(load, i, &budget);
		/* Callers may still know it by its peers. */
		if (!by || service->npeers)
			continue;
		const struct load_entry *entry = service_entry_of(load, service),
					*other = service_entry_of(load, by);
		struct load_scope scope = scope_of(load, entry);
		LOAD_WARNING(&scope, entry->key, "W025", "remove one of them",
			     "service \"%s\" is never found: \"%s\" (%s:%d:%d) is more specific "
			     "and takes what it matches",
			     service->rule.name, by->rule.name, other->doc->file, other->key->line,
			     other->key->column);
	}
}

/* The day of a time, as rules write days. */
static const char *day_of(int64_t us, char text[RFC3339_SIZE])
{
	rfc3339_format(us, text);
	text[strlen("2026-01-31")] = '\0';
	return text;
}

static void warn_of_review(struct load *load, size_t i)
{
	const struct load_entry *entry = &load->sections[SECTION_SERVICES].at[i];
	const struct service_rule *rule = &load->set->services[i].rule;
	int64_t now_us = load->findings->now_us, after_us = load->set->defaults.reviewed_after_us;
	struct load_scope scope = scope_of(load, entry);
	char day[RFC3339_SIZE];

	/* What is no date was told. */
	if (!rule->reviewed_at || strspn(rule->reviewed_at, "0123456789-") != 10)
		return;
	/* Wherever it is now, a day ahead of UTC has not yet begun two days from now. */
	if (strcmp(rule->reviewed_at, day_of(now_us + US_PER_DAY, day)) > 0)
		LOAD_WARNING(&scope, node_of(entry, "reviewed_at"), "W028", "look at the year",
			     "\"reviewed_at\" of service \"%s\" lies in the future", rule->name);
	else if (after_us && after_us < now_us &&
		 strcmp(rule->reviewed_at, day_of(now_us - after_us, day)) < 0)
		LOAD_WARNING(&scope, node_of(entry, "reviewed_at"), "W031",
			     "look whether it is still right, and write today's date",
			     "service \"%s\" was reviewed before %s, longer ago than the defaults "
			     "want",
			     rule->name, day);
}

void load_warn(struct load *load)
{
	const struct ruleset *set = load->set;

	for (size_t i = 0; i < set->npagers; i++)
		warn_of_secret(load, &load->sections[SECTION_PAGERS].at[i], &set->pagers[i]);
	for (size_t i = 0; i < set->nescalations; i++)
		warn_of_steps(load, &load->sections[SECTION_ESCALATIONS].at[i],
			      &set->escalations[i]);
	warn_of_signals(load);
	warn_of_silences(load);
	warn_of_routes(load);
	warn_of_shadowed_services(load);
	for (size_t i = 0; i < set->nservices && load->findings->now_us; i++)
		warn_of_review(load, i);
}

void load_tally(const struct load *load)
{
	const struct ruleset *set = load->set;

	load->findings->seen = (struct rules_seen){ .files = load->ndocs,
						    .teams = set->nteams,
						    .pagers = set->npagers,
						    .services = set->nservices,
						    .signals = set->nsignals };
}
