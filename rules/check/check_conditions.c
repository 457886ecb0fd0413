/*
 * Warnings about the texts of conditions: of routes, signals, silences and the matches of services.
 * A misspelt member that became a label, an attribute or a severity by another name, a value that
 * the rules themselves never give, and the slips of slips.c.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "check-internal.h"

/* A label of a condition may be a misspelling of one of these. */
static const char *const when_members[] = { "labels",	   "suspect",  "kind",	 "confidence",
					    "criticality", "severity", "sender", "source",
					    "owner",	   "signal",   "time" };

bool check_is_when_member(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(when_members); i++)
		if (strcmp(name, when_members[i]) == 0)
			return true;
	return false;
}

/* Names by which attributes of a resource go elsewhere, and the name that rules have. */
static const struct {
	const char *other, *name;
} attribute_names[] = {
	{ "env", "environment" },
	{ "deployment_environment", "environment" },
	{ "stage", "environment" },
	{ "name", "service" },
	{ "service_name", "service" },
	{ "servicename", "service" },
	{ "svc", "service" },
	{ "ns", "namespace" },
	{ "service_namespace", "namespace" },
};

bool is_alertname_slip(const char *label)
{
	return strcmp(label, "alert") == 0 ||
	       (strcasecmp(label, "alertname") == 0 && strcmp(label, "alertname") != 0);
}

/* ---- values ---- */

static const struct glob_place place_of_label = { "labels", true };
static const struct glob_place place_of_suspect = { NULL, true };
static const struct glob_place place_of_entry = { NULL, false };

static void check_glob(const struct rules_check *check, const struct rule_source *source,
		       const struct glob_place *place, const char *name, const struct ynode *node)
{
	struct check_slip slip;

	if (node->kind == YNODE_SCALAR && !node->bad &&
	    glob_slip(check->scratch, place, name, node->text, &slip) &&
	    !(strcmp(name, "operation") == 0 &&
	      seen_words_count(check->findings->words, SEEN_OPERATION, node->text, NULL)))
		CHECK_WARNING(check, source, node, "W045", slip.hint, "%s", slip.text);
}

/* A glob, or a list of them. */
static void check_globs(const struct rules_check *check, const struct rule_source *source,
			const struct glob_place *place, const char *name, const struct ynode *value)
{
	if (value->kind == YNODE_LIST)
		for (size_t i = 0; i < value->n; i++)
			check_glob(check, source, place, name, value->items[i]);
	else
		check_glob(check, source, place, name, value);
}

/* The name of an alert stands in the label alertname, exactly so. "alert" is what rules of
 * Prometheus call it. */
static void check_alertname(const struct rules_check *check, const struct rule_source *source,
			    const struct ynode *at, const char *name)
{
	if (!is_alertname_slip(name) ||
	    seen_words_count(check->findings->words, SEEN_LABEL, name, NULL))
		return;
	CHECK_WARNING(check, source, at, "W043", "did you mean \"alertname\"?",
		      "the label \"%.200s\" is none that alerts of Prometheus have", name);
}

void check_matcher_texts(const struct rules_check *check, const struct rule_source *source,
			 const char *member, const struct ynode *node,
			 const struct rule_matchers *matchers)
{
	const struct glob_place place = { member, false };
	struct check_slip slip;

	if (!node)
		return;
	for (size_t i = 0; node->kind == YNODE_MAP && i < node->n; i++) {
		check_alertname(check, source, node->keys[i], node->keys[i]->text);
		check_globs(check, source, &place, node->keys[i]->text, node->items[i]);
	}
	for (size_t i = 0; node->kind == YNODE_LIST && i < matchers->n; i++) {
		/* Where each text holds one matcher, that text is the place. */
		const struct ynode *at = matchers->n == node->n ? node->items[i] : node;
		check_alertname(check, source, at, matchers->at[i].name);
		if (regex_slip(check->scratch, &matchers->at[i], &slip))
			CHECK_WARNING(check, source, at, "W051", slip.hint, "%s", slip.text);
		else if (equal_slip(check->scratch, &matchers->at[i], &slip))
			CHECK_WARNING(check, source, at, "W045", slip.hint, "%s", slip.text);
	}
}

static void check_severity(const struct rules_check *check, const struct rule_source *source,
			   const struct ynode *node)
{
	const char *word = node->kind == YNODE_SCALAR ? node->text : "", *known;
	enum severity severity;

	if (strpbrk(word, "*?[|") ||
	    seen_words_count(check->findings->words, SEEN_VALUE, "severity", word))
		return;
	for (size_t i = 0; (known = severity_word(i, &severity)); i++) {
		if (strcasecmp(word, known) != 0)
			continue;
		/* The four names hold for the meaning of a label; other words for its text. */
		if (strcmp(word, known) != 0 && strcmp(known, severity_name(severity)) == 0)
			CHECK_WARNING(check, source, node, "W044",
				      arena_printf(check->scratch,
						   "write \"%s\", which holds for it in any case",
						   known),
				      "\"%s\" holds only for alerts whose label is written exactly "
				      "so",
				      word);
		return;
	}
	for (size_t i = 0; (known = severity_word(i, &severity)); i++)
		if (words_typo(word, known)) {
			CHECK_WARNING(check, source, node, "W044",
				      arena_printf(check->scratch, "did you mean \"%s\"?", known),
				      "\"%.200s\" is no severity", word);
			return;
		}
}

/* ---- criticality ---- */

/* Does some service have a criticality that the glob matches? *ret_near: one that was probably
 * meant. */
static bool criticality_is_given(const struct rules_check *check, const char *glob,
				 const char **ret_near)
{
	for (size_t i = 0; i < check->set->nservices; i++) {
		const char *given = check->set->services[i].rule.criticality;
		if (given && glob_match(glob, given))
			return true;
		if (given && words_typo(glob, given))
			*ret_near = given;
	}
	return false;
}

static void check_criticality(const struct rules_check *check, const struct rule_source *source,
			      const struct ynode *node)
{
	const char *near = NULL;

	if (check->partial || node->kind != YNODE_SCALAR || !*node->text ||
	    criticality_is_given(check, node->text, &near))
		return;
	CHECK_WARNING(
		check, source, node, "W047",
		near ? arena_printf(check->scratch, "did you mean \"%s\"?", near)
		     : "give it to services, or leave the condition out",
		"no service has the criticality \"%.200s\", so that the condition never holds",
		node->text);
}

/* Is the criticality asked for by a condition, or given by another service? *ret_near: one that is,
 * and was probably meant. */
static bool criticality_is_used(const struct rules_check *check, size_t service,
				const char **ret_near)
{
	const struct ruleset *set = check->set;
	const char *word = set->services[service].rule.criticality;

	for (size_t i = 0; i < set->nroutes; i++)
		for (size_t j = 0; j < set->routes[i].nwords; j++) {
			const struct when_word *when = &set->routes[i].words[j];
			if (when->field != WHEN_CRITICALITY &&
			    when->field != WHEN_SUSPECT_CRITICALITY)
				continue;
			for (size_t k = 0; k < when->n; k++) {
				if (glob_match(when->globs[k], word))
					return true;
				if (words_typo(word, when->globs[k]))
					*ret_near = when->globs[k];
			}
		}
	return false;
}

#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* "Tier 1" and "tier_1" are tier1. */
static bool criticality_is_same(const char *word, const char *usual)
{
	for (;; word++, usual++) {
		word += strcspn(word, LETTERS_AND_DIGITS);
		if (!*word || !*usual)
			return *word == *usual;
		if (tolower((unsigned char)*word) != *usual)
			return false;
	}
}

/* The usual word that was probably meant; NULL: none is near, or it is one. Words of one's own are
 * fine: only a slip is told. */
static const char *criticality_usual_near(const char *word)
{
	static const char *const usual[] = { "critical", "high",  "medium", "moderate", "normal",
					     "low",	 "major", "minor",  "severe",	"essential",
					     "tier0",	 "tier1", "tier2",  "tier3",	"gold",
					     "silver",	 "bronze" };
	const char *near = NULL;

	for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
		if (criticality_is_same(word, usual[i]))
			return NULL;
		if (!near && words_typo(word, usual[i]))
			near = usual[i];
	}
	return near;
}

void check_criticalities(const struct rules_check *check)
{
	struct map *judged = map_new(); /* each word once: services share few */

	for (size_t i = 0; i < check->set->nservices; i++) {
		const char *word = check->set->services[i].rule.criticality, *near = NULL;
		if (!word || !*word || map_get(judged, word))
			continue;
		map_put(judged, word, judged);
		if (criticality_is_used(check, i, &near) ||
		    (!near && !(near = criticality_usual_near(word))))
			continue;
		CHECK_WARNING(check, &check->services[i],
			      check_node(&check->services[i], "criticality"), "W047",
			      arena_printf(check->scratch, "did you mean \"%s\"?", near),
			      "no route asks for the criticality \"%.200s\"", word);
	}
	map_free(judged);
}

/* ---- names ---- */

static void check_label_name(const struct rules_check *check, const struct rule_source *source,
			     const struct ynode *key)
{
	check_alertname(check, source, key, key->text);
	if (seen_words_count(check->findings->words, SEEN_LABEL, key->text, NULL))
		return;
	for (size_t i = 0; i < ARRAY_LEN(when_members); i++)
		if (words_typo(key->text, when_members[i])) {
			CHECK_WARNING(check, source, key, "W043",
				      arena_printf(check->scratch,
						   "did you mean \"%s\"? A label of this name "
						   "stands in \"labels\"",
						   when_members[i]),
				      "\"%.200s\" is no condition of routes, and counts as a label "
				      "of the alert",
				      key->text);
			return;
		}
}

/* The name of an attribute in a match, or of a suspect. */
static void check_attribute_name(const struct rules_check *check, const struct rule_source *source,
				 const struct ynode *key)
{
	static const char *const words[] = { "service", "namespace", "environment" };
	const char *name = NULL;

	for (size_t i = 0; i < ARRAY_LEN(attribute_names); i++)
		if (strcasecmp(key->text, attribute_names[i].other) == 0)
			name = attribute_names[i].name;
	for (size_t i = 0; i < ARRAY_LEN(words) && !name; i++)
		if (strcmp(key->text, words[i]) != 0 && words_typo(key->text, words[i]))
			name = words[i];
	if (!name || seen_words_count(check->findings->words, SEEN_ATTRIBUTE, key->text, NULL))
		return;
	CHECK_WARNING(
		check, source, key, "W046",
		arena_printf(check->scratch, "did you mean \"%s\"?", name),
		"\"%.200s\" is taken as an attribute of that very name, which resources hardly "
		"have",
		key->text);
}

void check_match(const struct rules_check *check, const struct rule_source *source)
{
	const struct ynode *match = ynode_get(source->node, "match");

	for (size_t i = 0; match && match->kind == YNODE_MAP && i < match->n; i++) {
		check_attribute_name(check, source, match->keys[i]);
		check_glob(check, source, &place_of_entry, match->keys[i]->text, match->items[i]);
	}
}

void check_span_texts(const struct rules_check *check, const struct rule_source *source,
		      const struct ynode *span)
{
	const struct ynode *attrs = ynode_get(span, "attrs");

	for (size_t i = 0; i < span->n; i++)
		check_glob(check, source, &place_of_entry, span->keys[i]->text, span->items[i]);
	for (size_t i = 0; attrs && attrs->kind == YNODE_MAP && i < attrs->n; i++)
		check_glob(check, source, &place_of_entry, attrs->keys[i]->text, attrs->items[i]);
}

/* ---- routes ---- */

static void check_suspect(const struct rules_check *check, const struct rule_source *source,
			  const struct ynode *suspect)
{
	static const struct {
		const char *attribute, *word;
	} own[] = { { "service.name", "service" },
		    { "service.namespace", "namespace" },
		    { "deployment.environment", "environment" },
		    { "deployment.environment.name", "environment" } };

	for (size_t i = 0; suspect->kind == YNODE_MAP && i < suspect->n; i++) {
		const struct ynode *key = suspect->keys[i];
		for (size_t j = 0; j < ARRAY_LEN(own); j++)
			if (strcmp(key->text, own[j].attribute) == 0)
				CHECK_WARNING(
					check, source, key, "W046",
					arena_printf(check->scratch, "write \"%s\"", own[j].word),
					"\"%s\" is an attribute that not every trace has",
					key->text);
		if (strcmp(key->text, "criticality") == 0)
			check_criticality(check, source, suspect->items[i]);
		check_globs(check, source, &place_of_suspect, key->text, suspect->items[i]);
	}
}

static void check_when_member(const struct rules_check *check, const struct rule_source *source,
			      const struct route_entry *route, const struct ynode *key,
			      const struct ynode *value)
{
	const bool is_list = value->kind == YNODE_LIST;

	if (strcmp(key->text, "labels") == 0) {
		check_matcher_texts(check, source, "labels", value, &route->labels);
		return;
	}
	if (strcmp(key->text, "suspect") == 0) {
		check_suspect(check, source, value);
		return;
	}
	if (strcmp(key->text, "confidence") == 0 || strcmp(key->text, "time") == 0)
		return;
	if (value->kind == YNODE_MAP)
		return; /* an error of the load */
	if (!check_is_when_member(key->text))
		check_label_name(check, source, key);
	check_globs(check, source, &place_of_label, key->text, value);
	for (size_t i = 0; i < (is_list ? value->n : 1); i++) {
		const struct ynode *one = is_list ? value->items[i] : value;
		if (strcmp(key->text, "severity") == 0)
			check_severity(check, source, one);
		else if (strcmp(key->text, "criticality") == 0)
			check_criticality(check, source, one);
	}
}

void check_route_texts(const struct rules_check *check, size_t number)
{
	const struct rule_source *source = &check->routes[number];
	const struct ynode *when = ynode_get(source->node, "when");

	if (!when)
		return;
	if (when->kind == YNODE_LIST)
		check_matcher_texts(check, source, "when", when,
				    &check->set->routes[number].labels);
	for (size_t i = 0; when->kind == YNODE_MAP && i < when->n; i++)
		check_when_member(check, source, &check->set->routes[number], when->keys[i],
				  when->items[i]);
}
