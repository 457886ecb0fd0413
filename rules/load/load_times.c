/*
 * Load, section time_intervals. The clocks of a place are read from the time zone database, each
 * place once, and kept by the set.
 */
#include "load-internal.h"

#include <dirent.h>
#include <errno.h>

static void read_clock(const struct load_scope *outer, const struct ynode *node,
		       struct interval_ranges *ranges)
{
	static const char *const names[] = { "start_time", "end_time" };
	const struct rule_source entry = { .doc = outer->doc, .key = node, .node = node };
	struct load_scope scope;
	int minutes[2] = { -1, -1 };

	if (node->bad ||
	    !scope_open(&scope, outer->load, &entry, MAP_CLOCK,
			arena_printf(outer->load->scratch, "a time of %s", outer->what)))
		return;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *text = member_text(&scope, names[i]);
		if (text && interval_clock_parse(text, &minutes[i]) < 0)
			LOAD_ERROR(&scope, member_value(&scope, names[i]), "E040",
				   "write it as \"09:00\", in quotes, from 00:00 to 24:00",
				   "\"%s\" is no time of day: \"%.40s\"", names[i], text);
	}
	if (minutes[0] < 0 || minutes[1] < 0)
		return;
	if (minutes[0] >= minutes[1]) {
		LOAD_ERROR(&scope, member_value(&scope, "end_time"), "E040",
			   "over midnight, write two times: one until 24:00, one from 00:00",
			   "the time ends before it begins");
		return;
	}
	ranges->at[ranges->n++] = (struct interval_range){ minutes[0], minutes[1] };
}

static void read_clocks(const struct load_scope *scope, struct interval_ranges *ranges)
{
	const struct ynode *list = member_list(scope, "times");

	if (!list)
		return;
	ranges->at = arena_array(scope->load->set->arena, list->n, sizeof(*ranges->at));
	for (size_t i = 0; i < list->n; i++)
		read_clock(scope, list->items[i], ranges);
}

static void read_ranges(const struct load_scope *scope, const char *name, enum interval_field field,
			struct interval_ranges *ranges)
{
	const struct ynode *list = member_list(scope, name);
	struct err err;

	if (!list)
		return;
	ranges->at = arena_array(scope->load->set->arena, list->n, sizeof(*ranges->at));
	for (size_t i = 0; i < list->n; i++) {
		const char *text = node_text(scope, list->items[i],
					     arena_printf(scope->load->scratch, "\"%s\"", name));
		struct interval_range range;
		if (!text)
			continue;
		if (interval_range_parse(field, text, &range, &err) == 0)
			ranges->at[ranges->n++] = range;
		else
			LOAD_ERROR(scope, list->items[i], "E039",
				   "write one, or two with a colon, the earlier first: "
				   "monday:friday, 1:5, june:august, 2026:2027",
				   "%s", err.text);
	}
}

/* A hint: the nearest name in the same directory of the database. */
static const char *nearest_place(struct load *load, const char *name)
{
	const char *slash = strrchr(name, '/'), *names[512];
	size_t n = 0, len = slash ? (size_t)(slash - name) : 0;
	struct dirent *entry;

	if (strstr(name, ".."))
		return NULL;
	DIR *directory =
		opendir(arena_printf(load->scratch, "%s/%.*s", ZONE_DIRECTORY, (int)len, name));
	if (!directory)
		return NULL;
	while (n < ARRAY_LEN(names) && (entry = readdir(directory)))
		names[n++] = arena_printf(load->scratch, "%.*s%s%s", (int)len, name, len ? "/" : "",
					  entry->d_name);
	closedir(directory);
	return did_you_mean(load, name, names, n);
}

static void refuse_place(const struct load_scope *scope, const struct ynode *node,
			 const struct err *err)
{
	const char *hint = "write a name of the time zone database, such as Europe/Berlin or UTC";

	if (err->code != ENOENT) {
		if (!scope->load->zones_missing)
			LOAD_ERROR(scope, node, "E038", "install the package tzdata", "%s",
				   err->text);
		scope->load->zones_missing = true;
		return;
	}
	const char *nearest = nearest_place(scope->load, node->text);
	LOAD_ERROR(scope, node, "E037", nearest ? nearest : hint, "%s", err->text);
}

const struct zone *load_location(const struct load_scope *scope, const char **ret_name)
{
	const struct ynode *node = member_value(scope, "location");
	struct load *load = scope->load;
	const char *name = node ? node_text(scope, node, "\"location\"") : NULL;
	struct err err;

	*ret_name = name;
	if (!name)
		return NULL;
	const struct zone *zone = map_get(load->zones, name);
	if (zone)
		return zone;
	zone = zone_of_location(load->set->arena, name, &err);
	if (zone)
		map_put(load->zones, name, (void *)(uintptr_t)zone);
	else if (err.code)
		refuse_place(scope, node, &err);
	return zone;
}

static void read_interval(const struct load_scope *scope, struct time_interval *interval)
{
	read_clocks(scope, &interval->times);
	read_ranges(scope, "weekdays", INTERVAL_WEEKDAYS, &interval->weekdays);
	read_ranges(scope, "days_of_month", INTERVAL_DAYS_OF_MONTH, &interval->days_of_month);
	read_ranges(scope, "months", INTERVAL_MONTHS, &interval->months);
	read_ranges(scope, "years", INTERVAL_YEARS, &interval->years);
	interval->zone = load_location(scope, &interval->location);
	if (scope->map->n == 0)
		LOAD_ERROR(scope, scope->key, "E033", "add \"times\", \"weekdays\" or the like",
			   "%s is empty: it would always hold", scope->what);
}

static void read_times(struct load *load, size_t i)
{
	const struct rule_source *entry = &load->sections[SECTION_TIMES].at[i];
	struct time_set *set = &load->set->times[i];
	const struct ynode *node = entry->node;
	bool list = node->kind == YNODE_LIST;
	size_t n = list ? node->n : 1;

	set->name = arena_strdup(load->set->arena, entry->key->text);
	set->place = entry_place(load, entry);
	set->at = arena_array(load->set->arena, n, sizeof(*set->at));
	const char *what = arena_printf(load->scratch, "time interval \"%s\"", set->name);
	for (size_t k = 0; k < n; k++) {
		struct rule_source part = *entry;
		struct load_scope scope;
		if (list)
			part.key = part.node = node->items[k];
		if (!part.node->bad && scope_open(&scope, load, &part, MAP_INTERVAL, what))
			read_interval(&scope, &set->at[set->n++]);
	}
	if (n == 0) {
		struct load_scope scope = { .load = load, .doc = entry->doc };
		LOAD_ERROR(&scope, entry->key, "E033", "add \"times\", \"weekdays\" or the like",
			   "%s is empty: it would never hold", what);
	}
}

void load_times(struct load *load)
{
	for (size_t i = 0; i < load->set->ntimes; i++)
		read_times(load, i);
}
