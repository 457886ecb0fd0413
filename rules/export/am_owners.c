/*
 * Who owns an alert that has no traces: the owner of its signal, else of the service that a label
 * names, else the team that a label names, else the fallback team; as decide/owner.c finds it. The
 * services of a team that no other team's entry stands between become one row, so that a person can
 * read the result.
 */
#include "export-internal.h"

/* The labels in which tracepager looks for a service, the first one that names one counts. The kind
 * is why an alert with it has no suspect: all but the last four may be about an operation. */
static const struct service_place {
	const char *label;
	const char *kind;
} service_places[] = {
	{ "service", "no_trace" },	{ "service_name", "no_trace" },
	{ "application", "no_trace" },	{ "app", "no_trace" },
	{ "job", "no_trace" },		{ "deployment", "no_signal" },
	{ "statefulset", "no_signal" }, { "daemonset", "no_signal" },
	{ "container", "no_signal" },
};

/* Entries with one owner and one condition on the namespace. */
struct owner_group {
	const struct service_entry **at; /* heap */
	size_t n;
	const char *namespace; /* NULL: any */
	bool nameless;	       /* a wildcard alone: it names no service */
};

struct owner_groups {
	struct owner_group *at; /* heap */
	size_t n;
};

static const char *entry_key(const struct service_entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->nkeys; i++)
		if (strcmp(entry->keys[i].name, name) == 0)
			return entry->keys[i].glob;
	return "*";
}

static bool is_any_text(const char *glob)
{
	return *glob && !glob[strspn(glob, "*")];
}

/* Does the entry hold for an alert, of which no attribute of a resource is known? */
static bool entry_holds(struct exported *exported, const struct service_entry *entry)
{
	for (size_t i = 0; i < entry->nkeys; i++) {
		const struct service_key *key = &entry->keys[i];
		if (strcmp(key->name, "service") == 0 || strcmp(key->name, "namespace") == 0 ||
		    glob_match(key->glob, ""))
			continue;
		export_lose(exported, entry->rule.place,
			    "service %s: its %s is known from traces alone; alerts do not lead to "
			    "this entry",
			    entry->rule.name, key->name);
		return false;
	}
	return true;
}

static bool owner_same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool group_takes(const struct owner_group *group, const struct service_entry *entry,
			bool split)
{
	const char *namespace = entry_key(entry, "namespace");
	const struct service_rule *first = &group->at[0]->rule;

	return group->nameless == (glob_literals(entry_key(entry, "service")) == 0) &&
	       first->owner == entry->rule.owner &&
	       owner_same_text(group->namespace, is_any_text(namespace) ? NULL : namespace) &&
	       (!split || owner_same_text(first->criticality, entry->rule.criticality));
}

static bool group_overlaps(const struct owner_group *group, const struct service_entry *entry)
{
	for (size_t i = 0; i < group->n; i++)
		if (service_overlap(group->at[i], entry))
			return true;
	return false;
}

/* Adds an entry to the last group that takes it, if no group behind that one may hold for the same
 * service; else to a new one. */
static void groups_add(struct owner_groups *groups, const struct service_entry *entry, bool split)
{
	struct owner_group *group = NULL;

	for (size_t i = groups->n; i-- > 0 && !group;) {
		if (group_takes(&groups->at[i], entry, split))
			group = &groups->at[i];
		else if (group_overlaps(&groups->at[i], entry))
			break;
	}
	if (!group) {
		const char *namespace = entry_key(entry, "namespace");
		groups->at = xrealloc_array(groups->at, groups->n + 1, sizeof(*groups->at));
		group = &groups->at[groups->n++];
		*group = (struct owner_group){
			.namespace = is_any_text(namespace) ? NULL : namespace,
			.nameless = glob_literals(entry_key(entry, "service")) == 0,
		};
	}
	group->at = xrealloc_array(group->at, group->n + 1, sizeof(*group->at));
	group->at[group->n++] = entry;
}

static void groups_fini(struct owner_groups *groups)
{
	for (size_t i = 0; i < groups->n; i++)
		free(groups->at[i].at);
	free(groups->at);
}

/* ---- rows ---- */

bool am_row_add(struct am_row *row, const char *matcher)
{
	if (!matcher || row->nmatchers == ARRAY_LEN(row->matchers))
		return !matcher;
	row->matchers[row->nmatchers++] = matcher;
	return true;
}

static void rows_add(struct am_rows *rows, const struct am_row *row)
{
	if ((rows->n & (rows->n - 1)) == 0)
		rows->at = xrealloc_array(rows->at, rows->n ? rows->n * 2 : 1, sizeof(*rows->at));
	rows->at[rows->n++] = *row;
}

void am_rows_fini(struct am_rows *rows)
{
	free(rows->at);
}

/* What the rules call these services, as one regular expression; *ret_literal: it is one name. */
static void group_regex(const struct owner_group *group, struct arena *arena, struct buf *out,
			const char **ret_literal)
{
	*ret_literal =
		group->n == 1 ? glob_literal(arena, entry_key(group->at[0], "service")) : NULL;
	for (size_t i = 0; i < group->n; i++) {
		buf_puts(out, i ? "|" : "");
		am_add_glob(out, entry_key(group->at[i], "service"));
	}
}

/* Is there a text among these that no service is called by and that the group matches? */
static bool group_matches_nobody(const struct owner_group *group)
{
	static const char *const nobody[] = { "", "unknown", "unknown_service" };

	for (size_t i = 0; i < group->n; i++)
		for (size_t k = 0; k < ARRAY_LEN(nobody); k++)
			if (glob_match(entry_key(group->at[i], "service"), nobody[k]))
				return true;
	return false;
}

struct row_maker {
	struct exported *exported;
	struct am_rows *rows;
	const struct owner_group *group;
	struct am_row row; /* what all rows of the group share */
};

/* The row of a label, and of the namespace in another one. */
static void add_group_row(const struct row_maker *maker, const char *label, const char *regex,
			  const char *literal, const char *const *namespaces, size_t n)
{
	struct arena *arena = maker->exported->arena;
	struct am_row row = maker->row;

	am_row_add(&row, literal ? am_matcher(arena, label, "=", literal)
				 : am_matcher(arena, label, "=~", regex));
	if (group_matches_nobody(maker->group))
		am_row_add(&row, am_matcher(arena, label, "!~", "(unknown(_service.*)?)?"));
	for (size_t i = 0; i < n; i++)
		am_row_add(&row, namespaces[i]);
	rows_add(maker->rows, &row);
}

/* OpenTelemetry's job is NAMESPACE/SERVICE, or SERVICE where there is no namespace. */
static void add_job_rows(const struct row_maker *maker, const char *regex, const char *namespace)
{
	struct buf job = BUF_INIT(LIMIT_EXPORT_MATCHER_BYTES);

	if (namespace)
		am_add_glob(&job, maker->group->namespace);
	else
		buf_puts(&job, "([^/]*");
	buf_printf(&job, namespace ? "/(%s)" : "/)?(%s)", regex);
	add_group_row(maker, "job", buf_text(&job), NULL, NULL, 0);
	if (namespace)
		add_group_row(maker, "job", regex, NULL, &namespace, 1);
	buf_fini(&job);
}

static void add_group_rows(const struct row_maker *maker, const char *label)
{
	const struct owner_group *group = maker->group;
	struct arena *arena = maker->exported->arena;
	struct buf regex = BUF_INIT(LIMIT_EXPORT_MATCHER_BYTES);
	const char *literal, *namespaces[2] = { NULL };

	group_regex(group, arena, &regex, &literal);
	if (group->namespace)
		am_globs(arena, "namespace", &group->namespace, 1, &namespaces[0]);
	if (strcmp(label, "job") == 0) {
		add_job_rows(maker, buf_text(&regex), namespaces[0]);
	} else if (!group->namespace) {
		add_group_row(maker, label, buf_text(&regex), literal, NULL, 0);
	} else if (strcmp(maker->row.kind, "no_signal") == 0) {
		/* An alert about no operation: its pods' namespace alone is known. */
		add_group_row(maker, label, buf_text(&regex), literal, namespaces, 1);
	} else {
		/* The namespace of the traces counts before that of the pods. */
		am_globs(arena, "service_namespace", &group->namespace, 1, &namespaces[1]);
		add_group_row(maker, label, buf_text(&regex), literal, &namespaces[1], 1);
		namespaces[1] = "service_namespace=\"\"";
		add_group_row(maker, label, buf_text(&regex), literal, namespaces, 2);
	}
	buf_fini(&regex);
}

static void add_places(struct exported *exported, const struct owner_groups *groups, bool nameless,
		       struct am_rows *rows)
{
	const struct export_how *how = &exported->how;
	const size_t n = how->nlabels ? how->nlabels : ARRAY_LEN(service_places);

	for (size_t i = 0; i < n; i++) {
		const char *label = how->nlabels ? how->labels[i] : service_places[i].label;
		const char *kind = "no_signal";
		for (size_t k = 0; k < ARRAY_LEN(service_places); k++)
			if (strcmp(service_places[k].label, label) == 0)
				kind = service_places[k].kind;
		for (size_t k = 0; k < groups->n; k++) {
			const struct owner_group *group = &groups->at[k];
			const struct service_rule *first = &group->at[0]->rule;
			const struct row_maker maker = {
				exported,
				rows,
				group,
				{ .team = first->owner,
				  .criticality = first->criticality,
				  .kind = kind,
				  .comment = group->n == 1
						     ? first->place
						     : arena_printf(exported->arena,
								    "%s and %zu more of %s",
								    first->place, group->n - 1,
								    first->owner->name) }
			};
			if (group->nameless == nameless)
				add_group_rows(&maker, label);
		}
	}
}

/* Rows behind `base` for the team that a label names, as owner_from says; and `base` alone, for
 * the fallback team. */
static void add_named_teams(struct exported *exported, const struct am_row *base,
			    struct am_rows *rows)
{
	const struct ruleset *rules = exported->rules;
	const struct rule_defaults *defaults = rules_defaults(rules);

	if (defaults->owner_attribute)
		export_lose(exported, NULL,
			    "owner_attribute %s is known from traces alone: no alert is routed by "
			    "it",
			    defaults->owner_attribute);
	for (size_t i = 0; i < defaults->owner_from.n; i++) {
		const char *place = defaults->owner_from.names[i], *name = strchr(place, '.') + 1;
		if (strncmp(place, "label.", 6) != 0 || !am_is_label(name)) {
			export_lose(exported, NULL,
				    "owner_from %s is known from traces alone: no alert is routed "
				    "by it",
				    place);
			continue;
		}
		for (size_t k = 0; k < rules->nteams; k++) {
			struct am_row row = *base;
			row.team = &rules->teams[k];
			row.comment = row.team->place;
			if (am_row_add(&row,
				       am_matcher(exported->arena, name, "=", row.team->name)))
				rows_add(rows, &row);
		}
	}
	struct am_row row = *base;
	row.team = rules_fallback(rules);
	if (!row.comment)
		row.comment = "nobody owns what these alerts name: the fallback team";
	rows_add(rows, &row);
}

/* ---- signals ---- */

/* Rows for a signal whose rule names a service: its entries, which may depend on the namespace. */
static bool add_signal_services(struct exported *exported, const struct signal_rule *signal,
				const struct am_row *base, struct am_rows *rows)
{
	const struct ruleset *rules = exported->rules;
	const char *service = signal->signal.service, *known = signal->signal.namespace;

	for (size_t i = 0; service && i < rules->nservices; i++) {
		const struct service_entry *entry = rules->service_order[i];
		const char *namespace = entry_key(entry, "namespace"), *matcher = NULL;
		struct am_row row = *base;
		if (!glob_match(entry_key(entry, "service"), service) ||
		    !entry_holds(exported, entry))
			continue;
		enum am_known met =
			known && *known
				? (glob_match(namespace, known) ? AM_ALWAYS : AM_NEVER)
				: am_globs(exported->arena, "namespace", &namespace, 1, &matcher);
		if (met == AM_NEVER)
			continue;
		row.team = entry->rule.owner;
		row.criticality = entry->rule.criticality;
		am_row_add(&row, matcher);
		rows_add(rows, &row);
		if (met == AM_ALWAYS)
			return true;
	}
	return false;
}

/* The entry that a condition on criticality is about, where the rule itself names the owner. */
static const char *signal_criticality(const struct ruleset *rules, const struct signal_rule *signal)
{
	const struct signal *at = &signal->signal;
	const struct service_rule *service =
		at->service ? rules_service(rules, at->service, at->namespace ? at->namespace : "",
					    NULL, NULL, NULL)
			    : NULL;

	return service ? service->criticality : NULL;
}

static void add_signal(struct exported *exported, const struct signal_entry *entry,
		       struct am_rows *rows)
{
	const struct signal_rule *signal = &entry->rule;
	struct am_row base = { .signal = signal,
			       .kind = "no_trace",
			       .comment = arena_printf(exported->arena, "signal %s (%s)",
						       signal->name, signal->place) };

	if (!entry->alerts.n)
		return; /* no alert finds it */
	for (size_t i = 0; i < entry->alerts.n; i++) {
		const char *matcher = NULL;
		enum am_known met =
			am_rule_matcher(exported, signal->place, &entry->alerts.at[i], &matcher);
		if (met == AM_NEVER)
			return;
		if (met == AM_MATCHER && !am_row_add(&base, matcher)) {
			export_lose(exported, signal->place,
				    "signal %s has more matchers than are exported: left out",
				    signal->name);
			return;
		}
	}
	if (signal->owner) {
		base.team = signal->owner;
		base.criticality = signal_criticality(exported->rules, signal);
		rows_add(rows, &base);
	} else if (!add_signal_services(exported, signal, &base, rows)) {
		add_named_teams(exported, &base, rows);
	}
}

void am_rows_make(struct exported *exported, bool split, struct am_rows *ret_rows)
{
	const struct ruleset *rules = exported->rules;
	struct owner_groups groups = { .at = NULL };

	*ret_rows = (struct am_rows){ .at = NULL };
	for (size_t i = 0; i < rules->nsignals; i++)
		add_signal(exported, rules->signal_order[i], ret_rows);
	for (size_t i = 0; i < rules->nservices; i++)
		if (entry_holds(exported, rules->service_order[i]))
			groups_add(&groups, rules->service_order[i], split);
	add_places(exported, &groups, false, ret_rows);
	add_places(exported, &groups, true, ret_rows);
	groups_fini(&groups);
	add_named_teams(exported, &(struct am_row){ .kind = "no_signal" }, ret_rows);
}
