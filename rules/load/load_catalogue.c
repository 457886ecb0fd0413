/*
 * Load, catalogues: those that rules include. They are read after all files, since teams and
 * services of the rules win over those of the same name in a catalogue. Their entries become
 * documents like any file, so that places and findings point into the catalogue. What a catalogue
 * could not give is a warning.
 */
#include <stdlib.h>

#include "load-internal.h"

#include "tracepager/catalogue.h"

/* An included catalogue, until all files are read. */
struct load_catalogue {
	struct ydoc doc; /* the file that includes it */
	const struct ynode *node;
	struct catalogue *catalogue; /* NULL: not read yet. The trees of its documents borrow from
					it until the end of the load. */
};

/* Names of the rules' own teams and services. Filled from the trees, before any entry is read. */
struct own_names {
	struct map *teams, *services;
};

void load_catalogue_later(struct load *load, const struct ydoc *doc, const struct ynode *node)
{
	if ((load->ncatalogues & (load->ncatalogues - 1)) == 0)
		load->catalogues = xrealloc_array(load->catalogues,
						  load->ncatalogues ? load->ncatalogues * 2 : 1,
						  sizeof(*load->catalogues));
	load->catalogues[load->ncatalogues++] =
		(struct load_catalogue){ .doc = *doc, .node = node };
}

static void add_names(struct map *names, const struct ynode *section)
{
	for (size_t i = 0; section && section->kind == YNODE_MAP && i < section->n; i++)
		map_put(names, section->keys[i]->text, names);
}

static bool has_own_team(void *ctx, const char *name)
{
	return map_get(((const struct own_names *)ctx)->teams, name) != NULL;
}

static bool has_own_service(void *ctx, const char *name)
{
	return map_get(((const struct own_names *)ctx)->services, name) != NULL;
}

/* A path of an include is relative to the file that includes. */
static const char *path_beside(struct load *load, const struct ydoc *doc, const char *path)
{
	const char *slash = strrchr(doc->file, '/');

	if (!path || *path == '/' || !slash)
		return path;
	return arena_printf(load->scratch, "%.*s/%s", (int)(slash - doc->file), doc->file, path);
}

static void warn_of_losses(struct load *load, const struct catalogue *catalogue)
{
	size_t n;
	const struct catalogue_loss *losses = catalogue_losses(catalogue, &n);

	for (size_t i = 0; i < n; i++) {
		const struct ydoc doc = { .file = losses[i].file };
		const struct ynode place = { .line = losses[i].line, .column = 1, .width = 1 };
		if (loss_is_note(losses[i].reason))
			continue;
		ydoc_finding(&doc, losses[i].line ? &place : NULL, FINDING_WARNING, "W032",
			     load->findings,
			     "complete the entry in the catalogue, or write one in the rules",
			     "%s%s%s", losses[i].what, *losses[i].what ? ": " : "", losses[i].why);
	}
}

/* Adds the documents of a catalogue to the load, and one document with its rules as text:
 * thereby the hash of the rules changes with any file of the catalogue that matters. */
static void keep_docs(struct load *load, const struct catalogue *catalogue, const char *path)
{
	struct buf text = BUF_INIT(LIMIT_RULES_BYTES);
	size_t n;
	const struct ydoc *docs = catalogue_docs(catalogue, load->scratch, &n);

	for (size_t i = 0; i < n; i++)
		load_keep_doc(load, docs[i], 0);
	catalogue_write(catalogue, &text);
	struct ydoc whole = { .file = path, .text = arena_strdup(load->scratch, buf_text(&text)) };
	whole.len = strlen(whole.text);
	load_keep_doc(load, whole, 0);
	buf_fini(&text);
}

static void read_catalogue(struct load *load, struct load_catalogue *later, struct own_names *own)
{
	struct rule_source entry = { .doc = &later->doc, .key = later->node, .node = later->node };
	const char *names[CATALOGUE_KIND_COUNT];
	struct load_scope scope;

	/* Those that are imported once stand behind the others in the table. */
	size_t nnames = 0;
	for (int i = 0; i < CATALOGUE_KIND_COUNT; i++)
		if (catalogue_kind_included((enum catalogue_kind)i))
			names[nnames++] = catalogue_kind_name((enum catalogue_kind)i);
	if (!scope_open(&scope, load, &entry, MAP_CATALOGUE, "the catalogue"))
		return;
	const struct ynode *kind = member_value(&scope, "catalogue");
	const char *path = path_beside(load, &later->doc, member_text(&scope, "path"));
	size_t number = kind && node_text(&scope, kind, "\"catalogue\"")
				? node_word(&scope, kind, "kind of catalogue", names, nnames)
				: SIZE_MAX;
	if (number == SIZE_MAX || !path) {
		load->partial = true;
		return;
	}
	const struct ynode *escalation = member_value(&scope, "escalation");
	const struct catalogue_options options = {
		.key_files = member_text(&scope, "keys"),
		.escalation = escalation ? node_text(&scope, escalation, "\"escalation\"") : NULL,
		.service_path = member_text(&scope, "service_path"),
		.has_team = has_own_team,
		.has_service = has_own_service,
		.ctx = own,
	};
	later->catalogue = catalogue_new((enum catalogue_kind)number, &options);
	int result = catalogue_read(later->catalogue, path);
	catalogue_resolve(later->catalogue);
	if (result < 0) {
		load->partial = true;
		if (!load->error)
			load->error = result;
		LOAD_ERROR(&scope, member_value(&scope, "path"), "E001",
			   "names are relative to the file that includes", "%s cannot be read: %s",
			   path, strerror(-result));
	} else {
		warn_of_losses(load, later->catalogue);
	}
	keep_docs(load, later->catalogue, path);
}

void load_catalogues(struct load *load)
{
	struct own_names own = { map_new(), map_new() };

	for (size_t i = 0; load->ncatalogues && i < load->ndocs; i++) {
		add_names(own.teams, ynode_get(load->docs[i].root, "teams"));
		add_names(own.services, ynode_get(load->docs[i].root, "services"));
	}
	for (size_t i = 0; i < load->ncatalogues; i++)
		read_catalogue(load, &load->catalogues[i], &own);
	map_free(own.teams);
	map_free(own.services);
}

bool load_catalogue_is_in(struct load *load, const char *directory)
{
	const size_t len = strlen(directory);

	for (size_t i = 0; i < load->ncatalogues; i++) {
		const struct ynode *node = ynode_get(load->catalogues[i].node, "path");
		const char *path = node && node->kind == YNODE_SCALAR
					   ? path_beside(load, &load->catalogues[i].doc, node->text)
					   : NULL;
		if (path && strncmp(path, directory, len) == 0 && strchr("/", path[len]))
			return true;
	}
	return false;
}

void load_catalogues_fini(struct load *load)
{
	for (size_t i = 0; i < load->ncatalogues; i++)
		catalogue_free(load->catalogues[i].catalogue);
	free(load->catalogues);
}
