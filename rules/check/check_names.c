/*
 * Warnings about names that the rules give: services that only differ by case, peers that are
 * addresses of another form, signals that one with the same alerts hides.
 */
#include <ctype.h>

#include "check-internal.h"
#include "tracepager/hash.h"

static const char *check_lower_case(struct arena *arena, const char *text)
{
	char *copy = arena_strdup(arena, text);

	for (char *c = copy; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy;
}

/* ---- services ---- */

static void warn_of_cases(const struct rules_check *check)
{
	struct map *names = map_new(); /* in lower case → number of the entry + 1 */

	for (size_t i = 0; i < check->set->nservices; i++) {
		const char *name = check->set->services[i].service;
		if (!name)
			continue;
		const char *folded = check_lower_case(check->scratch, name);
		const size_t first = (size_t)(uintptr_t)map_get(names, folded);
		if (!first) {
			map_put(names, folded, (void *)(uintptr_t)(i + 1));
			continue;
		}
		const struct service_entry *other = &check->set->services[first - 1];
		if (strcmp(other->service, name) == 0)
			continue;
		const struct rule_source *place = &check->services[first - 1];
		CHECK_WARNING(
			check, &check->services[i], check->services[i].key, "W052",
			"remove one of them, or give both the same name and tell them apart by "
			"another attribute",
			"\"%.200s\" and \"%.200s\" (%s:%d:%d) differ by case only, and are two "
			"services",
			name, other->service, place->doc->file, place->key->line,
			place->key->column);
	}
	map_free(names);
}

/* An address with its scheme, or with blanks, is never the name of a peer. */
static void warn_of_peers(const struct rules_check *check, const struct rule_source *source)
{
	const struct ynode *peers = ynode_get(source->node, "peers");

	for (size_t i = 0; peers && peers->kind == YNODE_LIST && i < peers->n; i++) {
		const char *name =
			peers->items[i]->kind == YNODE_SCALAR ? peers->items[i]->text : "";
		const char *scheme = strstr(name, "://");
		const bool port =
			*name == ':' && name[1] && !name[1 + strspn(name + 1, "0123456789")];
		if (!scheme && !port && !strpbrk(name, " \t"))
			continue;
		const char *host = scheme ? scheme + 3 : name;
		CHECK_WARNING(check, source, peers->items[i], "W048",
			      scheme ? arena_printf(check->scratch,
						    "write \"%.*s\", or with its port",
						    (int)strcspn(host, "/?#:"), host)
				     : "write NAME, SYSTEM/NAMESPACE, HOST or HOST:PORT",
			      "no span names a peer \"%.200s\"", name);
	}
}

void check_service_names(const struct rules_check *check)
{
	warn_of_cases(check);
	for (size_t i = 0; i < check->set->nservices; i++) {
		check_match(check, &check->services[i]);
		warn_of_peers(check, &check->services[i]);
	}
}

/* ---- signals ---- */

/* Does the first hold wherever the second holds? */
static bool signal_covers(struct arena *arena, const struct signal_entry *a,
			  const struct signal_entry *b)
{
	for (size_t i = 0; i < a->alerts.n; i++) {
		size_t j = 0;
		while (j < b->alerts.n &&
		       !matcher_covers(arena, &a->alerts.at[i], &b->alerts.at[j]))
			j++;
		if (j == b->alerts.n)
			return false;
	}
	return a->alerts.n > 0;
}

/* Is `a` tried before `b`? More matchers first, then more characters, then the order of the
 * files. */
static bool signal_is_before(const struct signal_entry *a, const struct signal_entry *b)
{
	if (a->alerts.n != b->alerts.n)
		return a->alerts.n > b->alerts.n;
	return a->literals != b->literals ? a->literals > b->literals : a->index < b->index;
}

/* All text of a signal's matchers that stand for one text each, sorted by the load: signals with
 * the same are compared, so that the time goes with their number. */
static const char *hidden_signal_key(struct arena *arena, const struct signal_entry *signal)
{
	struct buf out = BUF_INIT(LIMIT_GLOB_BYTES * 4);
	const struct rule_matcher *least = NULL;

	for (size_t i = 0; i < signal->alerts.n; i++)
		if (!least || strcmp(signal->alerts.at[i].name, least->name) < 0)
			least = &signal->alerts.at[i];
	if (least)
		buf_printf(&out, "%zu %s %s", signal->alerts.n, least->name, least->value);
	const char *key = arena_strdup(arena, buf_text(&out));
	buf_fini(&out);
	return key;
}

void check_hidden_signals(const struct rules_check *check)
{
	struct map *first = map_new(); /* key → number of the signal + 1 */

	for (size_t i = 0; i < check->set->nsignals; i++) {
		const struct signal_entry *signal = &check->set->signals[i];
		if (!signal->alerts.n)
			continue;
		const char *key = hidden_signal_key(check->scratch, signal);
		const size_t other = (size_t)(uintptr_t)map_get(first, key);
		if (!other) {
			map_put(first, key, (void *)(uintptr_t)(i + 1));
			continue;
		}
		const struct signal_entry *before = &check->set->signals[other - 1];
		if (!signal_is_before(before, signal) ||
		    !signal_covers(check->scratch, before, signal))
			continue;
		const struct rule_source *source = &check->signals[i],
					 *place = &check->signals[other - 1];
		CHECK_WARNING(
			check, source, source->key, "W053",
			"remove one of them, or add what tells their alerts apart",
			"signal \"%.200s\" is never found: \"%.200s\" (%s:%d:%d) has the same "
			"alerts and stands before it",
			signal->rule.name, before->rule.name, place->doc->file, place->key->line,
			place->key->column);
	}
	map_free(first);
}
