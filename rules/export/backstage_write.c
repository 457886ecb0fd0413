/*
 * Backstage's entities (Backstage, "Descriptor Format of Catalog Entities"): a Group for each team,
 * a Component for each entry of a service. What Backstage has no place for stands in annotations
 * of ours. catalogue/backstage.c reads them: owners, titles, channels, criticality and links come
 * back.
 */
#include <ctype.h>

#include "export-internal.h"

/* Names of entities have at most so many characters. */
#define BACKSTAGE_NAME_CHARS 63

/* Names that are taken: "component:shop/catalog". */
struct backstage_work {
	struct exported *exported;
	struct buf *out;
	const char **taken; /* heap */
	size_t ntaken;
};

/* The name as Backstage has them: letters, digits, and one of - _ . between them. Kept by the
 * arena; NULL: nothing is left of it. */
static const char *backstage_name(struct arena *arena, const char *text)
{
	char name[BACKSTAGE_NAME_CHARS + 1];
	size_t n = 0;

	for (; *text && n < BACKSTAGE_NAME_CHARS; text++) {
		const bool letter = isascii((unsigned char)*text) && isalnum((unsigned char)*text);
		if (letter)
			name[n++] = *text;
		else if (n && isalnum((unsigned char)name[n - 1]))
			name[n++] = strchr("-_.", *text) ? *text : '-';
	}
	while (n && !isalnum((unsigned char)name[n - 1]))
		n--;
	return n ? arena_strndup(arena, name, n) : NULL;
}

/* Namespaces are DNS labels, in lower case. */
static const char *backstage_namespace(struct arena *arena, const char *text)
{
	const char *name = backstage_name(arena, text);
	char *lower = name ? arena_strdup(arena, name) : NULL;

	for (char *c = lower; c && *c; c++)
		*c = (char)(strchr("_.", *c) ? '-' : tolower((unsigned char)*c));
	return lower;
}

/* Takes a name for one entity; false: another one has it. Names are compared without case. */
static bool take_entity_name(struct backstage_work *work, const char *kind, const char *namespace,
			     const char *name)
{
	char *id = arena_printf(work->exported->arena, "%s:%s/%s", kind, namespace, name);

	for (char *c = id; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	for (size_t i = 0; i < work->ntaken; i++)
		if (strcmp(work->taken[i], id) == 0)
			return false;
	work->taken = xrealloc_array(work->taken, work->ntaken + 1, sizeof(*work->taken));
	work->taken[work->ntaken++] = id;
	return true;
}

static void backstage_member(struct buf *out, unsigned int blanks, const char *key,
			     const char *value)
{
	if (value && *value) {
		buf_printf(out, "%*s%s: ", (int)blanks, "", key);
		export_quoted(out, value);
		buf_putc(out, '\n');
	}
}

/* ---- teams ---- */

/* The name of a team's Group; NULL: it has none. */
static const char *group_name(struct backstage_work *work, const struct team *team)
{
	return backstage_name(work->exported->arena, team->name);
}

static void write_group_entity(struct backstage_work *work, const struct team *team)
{
	const char *name = group_name(work, team);
	struct buf *out = work->out;

	if (!name || !take_entity_name(work, "group", "default", name)) {
		export_lose(work->exported, team->place,
			    "team %s: Backstage has no name of its own for it; rename it",
			    team->name);
		return;
	}
	buf_puts(out, "---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n");
	backstage_member(out, 2, "name", name);
	if (strcmp(team->title, team->name) != 0)
		backstage_member(out, 2, "title", team->title);
	buf_puts(out, "  annotations:\n");
	backstage_member(out, 4, "tracepager/rule", team->place);
	backstage_member(out, 4, "tracepager/team", team->name);
	backstage_member(out, 4, "tracepager/slack-channel", team->channel);
	buf_puts(out, "spec:\n  type: team\n  profile:\n");
	backstage_member(out, 4, "displayName", team->title);
	buf_puts(out, "  children: []\n");
}

/* ---- services ---- */

static const char *service_key_glob(const struct service_entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->nkeys; i++)
		if (strcmp(entry->keys[i].name, name) == 0)
			return entry->keys[i].glob;
	return NULL;
}

const char *export_address(struct arena *arena, const struct rule_template *template,
			   const struct service_rule *service, const char *name)
{
	struct buf out = BUF_INIT(LIMIT_EXPORT_MATCHER_BYTES);
	const char *address = NULL;
	size_t i = 0;

	for (; i < template->nparts; i++) {
		const struct template_part *part = &template->parts[i];
		const char *value = part->name == TEMPLATE_TEXT		 ? part->text
				    : part->name == TEMPLATE_SERVICE	 ? name
				    : part->name == TEMPLATE_TEAM	 ? service->owner->name
				    : part->name == TEMPLATE_CRITICALITY ? service->criticality
									 : NULL;
		if (!value)
			value = part->otherwise;
		if (!value)
			break;
		if (part->name == TEMPLATE_TEXT)
			buf_puts(&out, value);
		else
			template_escape(value, &out);
	}
	if (i == template->nparts)
		address = arena_strdup(arena, buf_text(&out));
	buf_fini(&out);
	return address;
}

static void write_link(struct backstage_work *work, const struct service_rule *service,
		       const char *name, const char *title, const char *type,
		       const struct rule_template *template, bool *first)
{
	const char *address =
		template ? export_address(work->exported->arena, template, service, name) : NULL;

	if (template && !address)
		export_lose(work->exported, service->place,
			    "service %s: the link \"%s\" needs an alert or a trace: left out",
			    service->name, title);
	if (!address)
		return;
	buf_puts(work->out, *first ? "  links:\n    - url: " : "    - url: ");
	*first = false;
	export_quoted(work->out, address);
	buf_putc(work->out, '\n');
	backstage_member(work->out, 6, "title", title);
	backstage_member(work->out, 6, "type", type);
}

static void write_links(struct backstage_work *work, const struct service_rule *service,
			const char *name)
{
	bool first = true;

	write_link(work, service, name, "Runbook", "runbook", service->runbook, &first);
	write_link(work, service, name, "Dashboard", "dashboard", service->dashboard, &first);
	for (size_t i = 0; i < service->nlinks; i++)
		write_link(work, service, name, service->links[i].text, NULL,
			   service->links[i].href, &first);
}

static const char *peers_text(struct backstage_work *work, const struct service_entry *entry)
{
	struct buf out = BUF_INIT(LIMIT_EXPORT_MATCHER_BYTES);

	for (size_t i = 0; i < entry->npeers; i++)
		buf_printf(&out, "%s%s", i ? ", " : "", entry->peers[i]);
	const char *text = arena_strdup(work->exported->arena, buf_text(&out));
	buf_fini(&out);
	return text;
}

/* What else the entry asks of a service, as "environment=production, …". */
static const char *conditions_text(struct backstage_work *work, const struct service_entry *entry)
{
	struct buf out = BUF_INIT(LIMIT_EXPORT_MATCHER_BYTES);

	for (size_t i = 0; i < entry->nkeys; i++) {
		const struct service_key *key = &entry->keys[i];
		if (strcmp(key->name, "service") != 0 && key->glob[strspn(key->glob, "*")])
			buf_printf(&out, "%s%s=%s", out.len ? ", " : "", key->name, key->glob);
	}
	const char *text = arena_strdup(work->exported->arena, buf_text(&out));
	buf_fini(&out);
	return text;
}

static void write_component(struct backstage_work *work, const struct service_entry *entry)
{
	struct exported *exported = work->exported;
	const struct service_rule *service = &entry->rule;
	const char *glob = service_key_glob(entry, "service"), *wanted = entry->service;
	const char *namespace = service_key_glob(entry, "namespace");
	struct buf *out = work->out;

	namespace = namespace ? glob_literal(exported->arena, namespace) : NULL;
	namespace = namespace ? backstage_namespace(exported->arena, namespace) : NULL;
	if (!wanted && glob && !glob_literals(glob)) {
		export_lose(exported, service->place,
			    "service %s: \"%s\" names no service: left out", service->name, glob);
		return;
	}
	if (!wanted) {
		wanted = service->name;
		export_lose(exported, service->place,
			    "service %s: a Component is one service, not all that match \"%s\"",
			    service->name, glob ? glob : "*");
	}
	const char *name = backstage_name(exported->arena, wanted);
	if (!name ||
	    !take_entity_name(work, "component", namespace ? namespace : "default", name)) {
		export_lose(exported, service->place,
			    "service %s: an earlier Component has its name: left out",
			    service->name);
		return;
	}
	if (strcmp(name, wanted) != 0)
		export_lose(exported, service->place,
			    "service %s: its Component is called %s, which traces do not call it",
			    service->name, name);
	buf_puts(out, "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n");
	backstage_member(out, 2, "name", name);
	backstage_member(out, 2, "namespace", namespace);
	buf_puts(out, "  annotations:\n");
	backstage_member(out, 4, "tracepager/rule", service->place);
	backstage_member(out, 4, "tracepager/service", glob ? glob : service->name);
	backstage_member(out, 4, "tracepager/match", conditions_text(work, entry));
	backstage_member(out, 4, "tracepager/peers", peers_text(work, entry));
	backstage_member(out, 4, "tracepager/criticality", service->criticality);
	backstage_member(out, 4, "tracepager/reviewed-at", service->reviewed_at);
	write_links(work, service, wanted);
	buf_puts(out, "spec:\n  type: service\n  lifecycle: production\n");
	const char *owner = group_name(work, service->owner);
	backstage_member(out, 2, "owner",
			 arena_printf(exported->arena, "group:default/%s", owner ? owner : ""));
}

void backstage_export(struct exported *exported)
{
	const struct ruleset *rules = exported->rules;
	struct backstage_work work = { .exported = exported };

	work.out = export_add_file(exported, "catalog-info.yaml");
	buf_printf(work.out,
		   "# Made by \"tracepager export backstage\" from the rules with the hash "
		   "%.12s.\n",
		   rules_hash(rules));
	export_lose(exported, NULL,
		    "Backstage knows no pagers, escalations, signals, routes and silences: it says "
		    "who owns what");
	for (size_t i = 0; i < rules->nteams; i++)
		write_group_entity(&work, &rules->teams[i]);
	/* The entry that asks for nothing else has its service's name. */
	for (unsigned int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < rules->nservices; i++)
			if (*conditions_text(&work, &rules->services[i]) ? pass == 1 : pass == 0)
				write_component(&work, &rules->services[i]);
	free(work.taken);
}
