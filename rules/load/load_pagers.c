/*
 * Load, sections pagers, defaults and teams: how a team is paged. Which options a kind of pager has
 * comes from tbl/pagers.def. No endpoint is asked.
 */
#include "load-internal.h"

/* False: no such kind; a finding says so. */
static bool read_pager_kind(const struct load_scope *scope, enum pager_kind_id *ret_kind)
{
	const struct ynode *node = member_value(scope, "kind");
	const char *names[PAGER_KIND_COUNT];
	const char *name = node ? node_text(scope, node, "\"kind\"") : NULL;

	if (!name)
		return false;
	for (int i = 0; i < PAGER_KIND_COUNT; i++) {
		names[i] = pager_kind_name((enum pager_kind_id)i);
		if (strcmp(name, names[i]) == 0) {
			*ret_kind = (enum pager_kind_id)i;
			return true;
		}
	}
	LOAD_ERROR(scope, node, "E018", known_words(scope->load, name, names, PAGER_KIND_COUNT),
		   "there is no kind of pager \"%.100s\"", name);
	return false;
}

/* Has the kind anything that a team can give? */
static bool pager_takes_by_team(enum pager_kind_id kind)
{
	enum pager_need need;

	return pager_kind_options(kind)->key || pager_kind_text(kind, PAGER_TO, &need);
}

/* Adds a finding for each option that the kind does not have. */
static void check_options(const struct load_scope *scope, enum pager_kind_id id,
			  const struct pager_options *kind, const char *key_file)
{
	static const char *const more[] = {
		"color", "width",	 "feedback_secret", "feedback_secret_file",
		"body",	 "content_type", "headers"
	};
	const char *names[8 + ARRAY_LEN(more) + PAGER_TEXT_COUNT] = { "kind" };
	struct buf all = BUF_INIT(512);
	size_t n = 1;

	if (kind->key) {
		names[n++] = kind->key;
		names[n++] = key_file;
	}
	if (pager_kind_way(id)) {
		names[n++] = pager_kind_way(id);
		names[n++] = arena_printf(scope->load->scratch, "%s_file", pager_kind_way(id));
	}
	if (kind->url_need != PAGER_NONE)
		names[n++] = "url";
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		if (pager_kind_has(id, more[i]))
			names[n++] = more[i];
	for (int which = 0; which < PAGER_TEXT_COUNT; which++) {
		enum pager_need need;
		const char *name = pager_kind_text(id, (enum pager_text)which, &need);
		if (name)
			names[n++] = name;
	}
	if (pager_takes_by_team(id))
		names[n++] = "by_team";
	names[n++] = "resolve";
	for (size_t i = 1; i < n; i++)
		buf_printf(&all, "%s%s", i > 1 ? ", " : "its options are: ", names[i]);
	for (size_t i = 0; i < scope->map->n; i++) {
		const struct ynode *key = scope->map->keys[i];
		size_t j = 0;
		while (j < n && strcmp(names[j], key->text) != 0)
			j++;
		if (j < n)
			continue;
		const int word = missing_colon(key->text);
		const char *hint = did_you_mean(scope->load, key->text, names, n);
		if (word)
			hint = arena_printf(scope->load->scratch, "write \"%.*s: …\"", word,
					    key->text);
		else if (!hint)
			hint = buf_text(&all);
		LOAD_ERROR(scope, key, "E019", hint, "a %s pager has no option \"%.*s\"%s",
			   kind->name, word ? word : 200, key->text,
			   word ? " without a colon" : "");
	}
	buf_fini(&all);
}

/* Who or where, as the kind's service calls it. */
static void read_pager_texts(const struct load_scope *scope, struct pager *pager)
{
	for (int which = 0; which < PAGER_TEXT_COUNT; which++) {
		enum pager_need need;
		const char *name = pager_kind_text(pager->kind, (enum pager_text)which, &need);
		if (!name)
			continue;
		pager->texts[which] = member_text(scope, name);
		if (need == PAGER_REQUIRED && !member_key(scope, name) &&
		    !member_is_elsewhere(scope, name) && !(which == PAGER_TO && pager->to_by_team))
			LOAD_ERROR(scope, scope->key, "E013",
				   arena_printf(scope->load->scratch, "add \"%s: …\" to it", name),
				   "%s has no \"%s\"", scope->what, name);
	}
}

/* The secret of the kind's second way to its service is given. */
static bool has_second_way(const struct load_scope *scope, const struct pager *pager)
{
	const char *way = pager_kind_way(pager->kind);

	return way && (member_key(scope, way) ||
		       member_key(scope, arena_printf(scope->load->scratch, "%s_file", way)));
}

/* A pager by team takes from the team what it does not give itself: of two ways to its service the
 * first key, or of the second way, whose secret it gives, who or where. */
static void read_by_team(const struct load_scope *scope, const struct pager_options *kind,
			 const char *key_file, struct pager *pager)
{
	enum pager_need need;
	const char *to = pager_kind_text(pager->kind, PAGER_TO, &need);

	if (!pager_takes_by_team(pager->kind) || !member_key(scope, "by_team") ||
	    !member_bool(scope, "by_team"))
		return;
	const bool one_way = !pager_kind_way(pager->kind), other_way = has_second_way(scope, pager);
	pager->key_by_team = kind->key && !member_key(scope, kind->key) &&
			     !member_key(scope, key_file) && !other_way;
	pager->to_by_team = to && !member_key(scope, to) && (one_way || other_way);
	if (!pager->key_by_team && !pager->to_by_team)
		LOAD_ERROR(scope, member_key(scope, "by_team"), "E053",
			   arena_printf(scope->load->scratch,
					"move \"%s\" to the teams, or leave \"by_team\" out",
					to && (one_way || other_way) ? to : kind->key),
			   "%s gives everything itself, and takes nothing from the team that it "
			   "pages",
			   scope->what);
}

/* The first of these members that the pager has; NULL: it has none. */
static const struct ynode *first_member(const struct load_scope *scope, const char *const *names,
					size_t n)
{
	const struct ynode *key = NULL;

	for (size_t i = 0; i < n && !key; i++)
		key = member_key(scope, names[i]);
	return key;
}

/* Of a kind with two ways to its service: the secret of one of them. */
static void read_pager_way(const struct load_scope *scope, struct pager *pager,
			   const char *key_file)
{
	enum pager_need need;
	const char *key = pager_kind_options(pager->kind)->key, *way = pager_kind_way(pager->kind);
	const char *way_file = arena_printf(scope->load->scratch, "%s_file", way);
	const char *to = pager_kind_text(pager->kind, PAGER_TO, &need);
	const char *const first[] = { key, key_file }, *const second[] = { way, way_file },
			  *const beside[] = { to, "url" };
	const struct ynode *one = first_member(scope, first, 2),
			   *other = first_member(scope, second, 2),
			   *more = first_member(scope, beside, 2);
	const char *cure =
		arena_printf(scope->load->scratch, "give it \"%s\" alone, or \"%s\" and \"%s\"",
			     key_file, way_file, to);

	if (one && other) {
		LOAD_ERROR(scope, other, "E054", cure, "%s has both \"%s\" and \"%s\"", scope->what,
			   one->text, other->text);
	} else if (!one && !other && !pager->key_by_team) {
		if (member_is_elsewhere(scope, key) || member_is_elsewhere(scope, key_file) ||
		    member_is_elsewhere(scope, way) || member_is_elsewhere(scope, way_file))
			return; /* has its finding */
		LOAD_ERROR(scope, scope->key, "E054", cure, "%s has neither \"%s\" nor \"%s\"",
			   scope->what, key_file, way_file);
	} else if (!other) {
		if (more)
			LOAD_ERROR(scope, more, "E054", cure,
				   "%s has both \"%s\" and \"%s\", which belongs to \"%s\"",
				   scope->what, one ? one->text : key, more->text, way_file);
		pager->url = NULL;
		member_secret(scope, key, key_file, PAGER_OPTIONAL, &pager->key);
	} else {
		if (!member_key(scope, to) && !pager->to_by_team)
			LOAD_ERROR(scope, scope->key, "E013",
				   arena_printf(scope->load->scratch, "add \"%s: …\" to it", to),
				   "%s has no \"%s\"", scope->what, to);
		member_secret(scope, way, way_file, PAGER_REQUIRED, &pager->key);
	}
}

static void read_pager(struct load *load, size_t i)
{
	const struct rule_source *entry = &load->sections[SECTION_PAGERS].at[i];
	struct pager *pager = &load->set->pagers[i];
	struct load_scope scope;

	pager->name = arena_strdup(load->set->arena, entry->key->text);
	pager->place = entry_place(load, entry);
	if (!scope_open(&scope, load, entry, MAP_PAGER,
			arena_printf(load->scratch, "pager \"%s\"", pager->name)))
		return;
	if (!read_pager_kind(&scope, &pager->kind))
		return;
	const struct pager_options *kind = pager_kind_options(pager->kind);
	const char *key_file = arena_printf(load->scratch, "%s_file", kind->key ? kind->key : "");
	check_options(&scope, pager->kind, kind, key_file);
	if (kind->url_need != PAGER_NONE)
		pager->url = pager->kind == PAGER_EMAIL ? member_mail_url(&scope, "url")
							: member_url(&scope, "url");
	if (kind->url_need == PAGER_REQUIRED && !member_key(&scope, "url") &&
	    !member_is_elsewhere(&scope, "url"))
		LOAD_ERROR(&scope, scope.key, "E013", "add \"url: …\" to it", "%s has no \"url\"",
			   scope.what);
	if (!pager->url)
		pager->url = kind->url;
	if (pager_kind_has(pager->kind, "color"))
		member_colour(&scope, "color", &pager->colour);
	int64_t columns = 0;
	if (pager_kind_has(pager->kind, "width") &&
	    member_int(&scope, "width", LIMIT_CONSOLE_COLUMNS_LEAST, LIMIT_CONSOLE_COLUMNS_MOST,
		       &columns))
		pager->columns = (unsigned int)columns;
	read_by_team(&scope, kind, key_file, pager);
	read_pager_texts(&scope, pager);
	if (pager_kind_way(pager->kind))
		read_pager_way(&scope, pager, key_file);
	else if (kind->key)
		member_secret(&scope, kind->key, key_file,
			      pager->key_by_team ? PAGER_OPTIONAL : kind->key_need, &pager->key);
	if (pager_kind_has(pager->kind, "feedback_secret"))
		member_secrets(&scope, "feedback_secret", "feedback_secret_file", pager->feedback);
	if (pager_kind_has(pager->kind, "body"))
		load_body(&scope, pager);
	if (pager->kind == PAGER_EMAIL)
		load_check_mail(&scope, pager);
	pager->no_resolve = member_key(&scope, "resolve") && !member_bool(&scope, "resolve");
}

void load_pagers(struct load *load)
{
	for (size_t i = 0; i < load->sections[SECTION_PAGERS].n; i++)
		read_pager(load, i);
}

static void read_team(struct load *load, size_t i)
{
	const struct rule_source *entry = &load->sections[SECTION_TEAMS].at[i];
	struct team *team = &load->set->teams[i];
	struct load_scope scope;

	team->name = arena_strdup(load->set->arena, entry->key->text);
	team->number = i;
	team->place = entry_place(load, entry);
	if (!scope_open(&scope, load, entry, MAP_TEAM,
			arena_printf(load->scratch, "team \"%s\"", team->name)))
		return;
	const char *title = member_text(&scope, "name");
	team->title = title ? title : team->name;
	team->channel = member_text(&scope, "channel");
	load_team_paging(&scope, team);
	team->zone = load_location(&scope, &team->location);
	/* A part of the rules that could not be read may have been the defaults. */
	if (load->partial && !member_key(&scope, "escalation"))
		return;
	if (load->set->defaults.escalation && !member_key(&scope, "escalation")) {
		team->escalation = load->set->defaults.escalation;
		return;
	}
	size_t number = member_ref(&scope, "escalation", SECTION_ESCALATIONS);
	if (number != SIZE_MAX)
		team->escalation = &load->set->escalations[number];
}

/* Is it a place, a dot and a name? */
static bool is_owner_place(const char *text)
{
	static const char *const places[] = { "resource.", "span.", "label." };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		const size_t len = strlen(places[i]);
		if (strncmp(text, places[i], len) == 0)
			return text[len] != '\0';
	}
	return false;
}

static void read_owner_from(const struct load_scope *scope, struct group_labels *ret_places)
{
	const struct ynode *list = member_list(scope, "owner_from");

	if (!list)
		return;
	ret_places->names =
		arena_array(scope->load->set->arena, list->n, sizeof(*ret_places->names));
	for (size_t i = 0; i < list->n; i++) {
		const struct ynode *item = list->items[i];
		const char *place = node_text(scope, item, "a place such as resource.team");
		if (place && is_owner_place(place))
			ret_places->names[ret_places->n++] = place;
		else if (place)
			LOAD_ERROR(
				scope, item, "E050",
				arena_printf(scope->load->scratch,
					     "write resource.%.200s, span.%.200s or label.%.200s",
					     place, place, place),
				"\"%.200s\" is no place of an owner", place);
	}
}

static void read_defaults(const struct load_scope *scope)
{
	struct ruleset *set = scope->load->set;
	struct rule_defaults *defaults = &set->defaults;
	int64_t traces = 0;

	defaults->has_severity = member_severity(scope, "severity", &defaults->severity);
	if (member_key(scope, "escalation")) {
		size_t number = member_ref(scope, "escalation", SECTION_ESCALATIONS);
		/* A wrong name has its finding already: spare every team that relies on it one
		 * of its own. */
		if (number != SIZE_MAX || set->nescalations)
			defaults->escalation = &set->escalations[number != SIZE_MAX ? number : 0];
	} else if (member_is_elsewhere(scope, "escalation") && set->nescalations) {
		defaults->escalation = &set->escalations[0]; /* likewise */
	}
	member_mode(scope, "mode", &defaults->mode);
	member_int(scope, "traces", 1, LIMIT_TRACES_PER_ALERT, &traces);
	defaults->traces = (unsigned int)traces;
	member_share(scope, "threshold", &defaults->threshold);
	member_window(scope, &defaults->window_us);
	member_resolve_hold(scope, &defaults->resolve_hold_us);
	member_duration(scope, "regroup_after", &defaults->regroup_after_us);
	member_group(scope, "group_by", &defaults->group_by);
	member_group(scope, "incident_key", &defaults->incident_key);
	member_duration(scope, "reviewed_after", &defaults->reviewed_after_us);
	defaults->owner_attribute = member_text(scope, "owner_attribute");
	read_owner_from(scope, &defaults->owner_from);
	defaults->summary = member_template(scope, "summary");
	defaults->details = member_template(scope, "details");
}

void load_defaults(struct load *load)
{
	struct load_scope scope;

	load->set->defaults.mode = WALK_AUTO;
	load->set->defaults.resolve_hold_us = -1;
	load->set->defaults.regroup_after_us = -1;
	if (load->defaults.node &&
	    scope_open(&scope, load, &load->defaults, MAP_DEFAULTS, "\"defaults\""))
		read_defaults(&scope);
}

void load_teams(struct load *load)
{
	const size_t n = load->sections[SECTION_TEAMS].n;

	load->set->paging = xcalloc(n + 1, sizeof(*load->set->paging));
	for (size_t i = 0; i < n; i++)
		read_team(load, i);
	load_team_pagers(load);
}
