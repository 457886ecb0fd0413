/*
 * Load, sections pagers, defaults and teams: how a team is paged. Which options a kind of pager has
 * comes from tbl/pagers.def. No endpoint is asked.
 */
#include "load-internal.h"

#include <sys/stat.h>

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

/* Adds a finding for each option that the kind does not have. */
static void check_options(const struct load_scope *scope, enum pager_kind_id id,
			  const struct pager_options *kind, const char *key_file)
{
	static const char *const more[] = { "color", "width", "feedback_secret",
					    "feedback_secret_file" };
	const char *names[5 + ARRAY_LEN(more) + PAGER_TEXT_COUNT] = { "kind" };
	struct buf all = BUF_INIT(512);
	size_t n = 1;

	if (kind->key) {
		names[n++] = kind->key;
		names[n++] = key_file;
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
		const char *hint = did_you_mean(scope->load, key->text, names, n);
		if (!hint)
			hint = buf_text(&all);
		LOAD_ERROR(scope, key, "E019", hint, "a %s pager has no option \"%.200s\"",
			   kind->name, key->text);
	}
	buf_fini(&all);
}

/* Whoever reads the key of a pager can page people in its name. */
static void warn_of_open_file(const struct load_scope *scope, const struct ynode *value)
{
	const char *path = value->text;
	struct stat status;

	if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 0077))
		LOAD_WARNING(scope, value, "W033",
			     arena_printf(scope->load->scratch, "chmod 600 %s", path),
			     "%s is open to other users of this machine (mode %04o)", path,
			     status.st_mode & 07777);
}

/* A secret of a pager, or its file. */
struct secret_place {
	const struct ynode *key;
	bool is_file;
};

/* Findings point at the key: the line of the value may be nothing but the secret. */
static void pager_take_secret(const struct load_scope *scope, const struct secret_place *place,
			      const struct ynode *value, struct secret *secret)
{
	const char *name = place->key->text;
	struct err err;

	if (ynode_is_empty(value) || (value->kind == YNODE_SCALAR && !value->bad && !*value->text))
		LOAD_ERROR(scope, place->key, "E033", "give it a value", "\"%s\" of %s is empty",
			   name, scope->what);
	else if (value->kind != YNODE_SCALAR)
		LOAD_ERROR(scope, place->key, "E014", NULL, "\"%s\" must be a text, not %s", name,
			   ynode_kind_name(value));
	else if (!place->is_file)
		secret_set(secret, value->text);
	else if (!scope->load->load_secrets)
		secret_set_path(secret, value->text);
	else if (secret_read_file(secret, value->text, &err) < 0)
		LOAD_ERROR(scope, value, "E021",
			   "the file must exist and be readable by the user that runs tracepager",
			   "%s", err.text);
	else
		warn_of_open_file(scope, value);
}

/* False: neither the member nor its twin with the file is there, or both are, which has its
 * finding. */
static bool find_secret(const struct load_scope *scope, const char *name, const char *name_file,
			struct secret_place *ret_place)
{
	const struct ynode *key = member_key(scope, name), *key_file = member_key(scope, name_file);

	if (key && key_file)
		LOAD_ERROR(scope, key_file, "E020", "keep one of them, best the file",
			   "\"%s\" and \"%s\" are both given", name, name_file);
	*ret_place = (struct secret_place){ key ? key : key_file, !key };
	return !key != !key_file;
}

static void read_secret(const struct load_scope *scope, const char *name, const char *name_file,
			enum pager_need need, struct secret *secret)
{
	struct secret_place place;

	if (find_secret(scope, name, name_file, &place))
		pager_take_secret(scope, &place, ynode_get(scope->map, place.key->text), secret);
	else if (!place.key && need == PAGER_REQUIRED)
		LOAD_ERROR(scope, scope->key, "E013",
			   arena_printf(scope->load->scratch, "add \"%s: PATH\", or \"%s: …\"",
					name_file, name),
			   "%s has no \"%s\"", scope->what, name);
}

/* Reads one secret, or a list of those that count side by side during a rotation. */
static void read_secrets(const struct load_scope *scope, const char *name, const char *name_file,
			 struct secret secrets[LIMIT_LIVE_SECRETS])
{
	struct secret_place place;

	if (!find_secret(scope, name, name_file, &place))
		return;
	const struct ynode *value = ynode_get(scope->map, place.key->text);
	if (value->kind != YNODE_LIST || value->bad) {
		pager_take_secret(scope, &place, value, &secrets[0]);
		return;
	}
	if (!value->n)
		LOAD_ERROR(scope, place.key, "E033", "give it a value, or leave it out",
			   "\"%s\" of %s is empty", place.key->text, scope->what);
	if (value->n > LIMIT_LIVE_SECRETS)
		LOAD_ERROR(scope, place.key, "E048", "keep the old one and the new one",
			   "\"%s\" of %s has more than %u secrets", place.key->text, scope->what,
			   LIMIT_LIVE_SECRETS);
	for (size_t i = 0; i < value->n && i < LIMIT_LIVE_SECRETS; i++)
		pager_take_secret(scope, &place, value->items[i], &secrets[i]);
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
		if (need == PAGER_REQUIRED && !member_key(scope, name))
			LOAD_ERROR(scope, scope->key, "E013",
				   arena_printf(scope->load->scratch, "add \"%s: …\" to it", name),
				   "%s has no \"%s\"", scope->what, name);
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
		pager->url = member_url(&scope, "url");
	if (kind->url_need == PAGER_REQUIRED && !member_key(&scope, "url"))
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
	read_pager_texts(&scope, pager);
	if (kind->key)
		read_secret(&scope, kind->key, key_file, kind->key_need, &pager->key);
	if (pager_kind_has(pager->kind, "feedback_secret"))
		read_secrets(&scope, "feedback_secret", "feedback_secret_file", pager->feedback);
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
	team->place = entry_place(load, entry);
	if (!scope_open(&scope, load, entry, MAP_TEAM,
			arena_printf(load->scratch, "team \"%s\"", team->name)))
		return;
	const char *title = member_text(&scope, "name");
	team->title = title ? title : team->name;
	team->channel = member_text(&scope, "channel");
	team->zone = load_location(&scope, &team->location);
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
			LOAD_ERROR(scope, item, "E050", NULL,
				   "\"%s\" is no place of an owner; write resource.%s, span.%s or "
				   "label.%s",
				   place, place, place, place);
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
	}
	member_mode(scope, "mode", &defaults->mode);
	member_int(scope, "traces", 1, LIMIT_TRACES_PER_ALERT, &traces);
	defaults->traces = (unsigned int)traces;
	member_share(scope, "threshold", &defaults->threshold);
	member_duration(scope, "window", &defaults->window_us);
	member_duration(scope, "resolve_hold", &defaults->resolve_hold_us);
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
	for (size_t i = 0; i < load->sections[SECTION_TEAMS].n; i++)
		read_team(load, i);
}
