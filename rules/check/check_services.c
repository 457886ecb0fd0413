/*
 * Warnings about services: entries that more specific ones hide, and days of review that lie in the
 * future or too far back.
 */
#include "check-internal.h"
#include "tracepager/clock.h"

/* ---- entries that are hidden ---- */

/* Does key `a` match whatever entry `b` matches? */
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
	/* `b` has no such key: the attribute may have any value, or be missing. */
	return !a->literal && glob_covers(a->glob, "*");
}

/* Does `a` match whatever `b` matches? With a text: of b's service names that one alone. */
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

/* The nearest more specific entry that covers the one at `place` in service_order; NULL: none. Each
 * comparison takes one from the budget. */
static const struct service_entry *covering_service(const struct rules_check *check, size_t place,
						    const char *text, size_t *budget)
{
	const struct ruleset *set = check->set;
	const struct service_entry *service = set->service_order[place];

	for (size_t i = place; i-- > 0 && *budget; --*budget) {
		const struct service_entry *other = set->service_order[i];
		/* Entries for one exact name stand together in the order. */
		if (service->service && strcmp(other->service, service->service) != 0)
			break;
		if (service_compare(other, service) < 0 && service_covers(other, service, text))
			return other;
	}
	return NULL;
}

/* An entry that hides the one at `place`, alone or with others; NULL: it can be found. */
static const struct service_entry *hiding_service(const struct rules_check *check, size_t place,
						  size_t *budget)
{
	const struct service_entry *service = check->set->service_order[place], *by = NULL;
	const struct service_key *key = service->keys;
	const char *texts[LIMIT_GLOB_TEXTS];
	size_t n = 0;

	if (!service->nkeys)
		return NULL;
	while (key < service->keys + service->nkeys && strcmp(key->name, "service") != 0)
		key++;
	if (key < service->keys + service->nkeys && !key->literal)
		n = glob_texts(check->scratch, key->glob, texts, LIMIT_GLOB_TEXTS);
	if (!n)
		return covering_service(check, place, NULL, budget);
	for (size_t i = 0; i < n; i++) {
		by = covering_service(check, place, texts[i], budget);
		if (!by)
			return NULL;
	}
	return by;
}

static const struct rule_source *service_source(const struct rules_check *check,
						const struct service_entry *service)
{
	return &check->services[service - check->set->services];
}

static void warn_of_hidden_services(const struct rules_check *check)
{
	size_t budget = LIMIT_WORDS_COMPARED;

	for (size_t i = 0; i < check->set->nservices; i++) {
		const struct service_entry *service = check->set->service_order[i];
		const struct service_entry *by = hiding_service(check, i, &budget);
		/* An entry with peers is still found by what callers' spans say. */
		if (!by || service->npeers)
			continue;
		const struct rule_source *source = service_source(check, service),
					 *other = service_source(check, by);
		CHECK_WARNING(check, source, source->key, "W025", "remove one of them",
			      "service \"%s\" is never found: \"%s\" (%s:%d:%d) is more specific "
			      "and matches the same services",
			      service->rule.name, by->rule.name, other->doc->file, other->key->line,
			      other->key->column);
	}
}

/* ---- reviews ---- */

/* The day of a time, as rules write days: YYYY-MM-DD. */
static const char *review_day(int64_t us, char text[RFC3339_SIZE])
{
	rfc3339_format(us, text);
	text[strlen("2026-01-31")] = '\0';
	return text;
}

static void warn_of_review(const struct rules_check *check, size_t i)
{
	const struct rule_source *source = &check->services[i];
	const struct service_rule *rule = &check->set->services[i].rule;
	int64_t now_us = check->findings->now_us, after_us = check->set->defaults.reviewed_after_us;
	char day[RFC3339_SIZE];

	/* A text that is no date is an error already. */
	if (!rule->reviewed_at || strspn(rule->reviewed_at, "0123456789-") != 10)
		return;
	/* Tomorrow's date in UTC has begun somewhere on Earth; a later one is a slip. */
	if (strcmp(rule->reviewed_at, review_day(now_us + US_PER_DAY, day)) > 0)
		CHECK_WARNING(check, source, check_node(source, "reviewed_at"), "W028",
			      "check the year",
			      "\"reviewed_at\" of service \"%s\" lies in the future", rule->name);
	else if (after_us && after_us < now_us &&
		 strcmp(rule->reviewed_at, review_day(now_us - after_us, day)) < 0)
		CHECK_WARNING(
			check, source, check_node(source, "reviewed_at"), "W031",
			"check that the entry is still right, and write today's date",
			"service \"%s\" was reviewed before %s, longer ago than the defaults allow",
			rule->name, day);
}

void check_services(const struct rules_check *check)
{
	warn_of_hidden_services(check);
	for (size_t i = 0; i < check->set->nservices && check->findings->now_us; i++)
		warn_of_review(check, i);
}
