/*
 * Catalogue: reads the documents of one and hands each to the importer of its kind. The importer
 * knows what an entry means. The catalogue owns all that it gives out, in one arena.
 */
#include <stdlib.h>
#include <strings.h>

#include "catalogue-internal.h"

struct catalogue *catalogue_new(enum catalogue_kind kind, const struct catalogue_options *options)
{
	struct catalogue *catalogue = xcalloc(1, sizeof(*catalogue));

	catalogue->arena = arena_new(LIMIT_RULES_ARENA_BYTES);
	catalogue->kind = kind;
	if (options)
		catalogue->options = *options;
	catalogue->team_ids = map_new();
	catalogue->service_ids = map_new();
	catalogue->files = map_new();
	catalogue->team_keys = map_new();
	catalogue->service_keys = map_new();
	catalogue->pager_keys = map_new();
	catalogue->variants = map_new();
	catalogue->pagers_by_identity = map_new();
	return catalogue;
}

void catalogue_free(struct catalogue *catalogue)
{
	if (!catalogue)
		return;
	free(catalogue->docs.at);
	free(catalogue->teams.at);
	free(catalogue->services.at);
	free(catalogue->losses.at);
	free(catalogue->targets.at);
	free(catalogue->rule_teams.at);
	free(catalogue->rule_pagers.at);
	map_free(catalogue->team_ids);
	map_free(catalogue->service_ids);
	map_free(catalogue->files);
	free(catalogue->sorted_losses);
	map_free(catalogue->team_keys);
	map_free(catalogue->service_keys);
	map_free(catalogue->pager_keys);
	map_free(catalogue->variants);
	map_free(catalogue->pagers_by_identity);
	am_free(catalogue);
	arena_free(catalogue->arena);
	free(catalogue);
}

const struct catalogue_counts *catalogue_counts(const struct catalogue *catalogue)
{
	return &catalogue->counts;
}

/* The findings of the YAML or JSON reader become losses. */
static void lose_findings(struct catalogue *catalogue, const struct ydoc *doc,
			  struct findings *findings)
{
	for (size_t i = 0; i < findings->n; i++)
		cat_lose(catalogue, LOSS_UNREADABLE,
			 (struct cat_place){ doc, findings->at[i].line }, NULL, "%s",
			 findings->at[i].text);
	for (size_t i = findings->n; i < findings->nerrors; i++)
		cat_lose(catalogue, LOSS_UNREADABLE, (struct cat_place){ doc, 0 }, NULL,
			 "further problems of this file");
	findings_fini(findings);
}

static bool is_json(enum cat_form form, const char *file)
{
	size_t len = strlen(file);

	return form == CAT_JSON ||
	       (form == CAT_YAML && len > 5 && strcasecmp(file + len - 5, ".json") == 0);
}

/* Keeps the text and where its lines begin, for findings; ydoc_parse_stream() does so for YAML. */
static void keep_lines(struct catalogue *catalogue, struct ydoc *doc, const char *text, size_t len)
{
	size_t n = 1;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	uint32_t *lines = arena_array(catalogue->arena, n, sizeof(*lines));
	doc->text = arena_strndup(catalogue->arena, text, len);
	doc->len = len;
	doc->lines = lines;
	doc->nlines = n;
	n = 1;
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\n')
			lines[n++] = (uint32_t)(i + 1);
}

void catalogue_add(struct catalogue *catalogue, const char *file, const char *text, size_t len)
{
	const struct cat_kind *kind = &cat_kinds[catalogue->kind];
	struct ydoc *doc = arena_alloc(catalogue->arena, sizeof(*doc));
	struct findings findings = { .at = NULL };

	doc->file = arena_strdup(catalogue->arena, file);
	catalogue->counts.files++;
	catalogue->bytes += len;
	if (len > LIMIT_YAML_FILE_BYTES || catalogue->bytes > LIMIT_RULES_BYTES) {
		cat_lose(catalogue, LOSS_LIMIT, (struct cat_place){ doc, 0 }, NULL,
			 "a file may have %u bytes, all together %u", LIMIT_YAML_FILE_BYTES,
			 LIMIT_RULES_BYTES);
		return;
	}
	cat_list_push(&catalogue->docs, doc);
	if (kind->form == CAT_TEXT) {
		keep_lines(catalogue, doc, text, len);
		kind->import(catalogue, doc, NULL);
		return;
	}
	if (is_json(kind->form, file)) {
		jdoc_parse(catalogue->arena, file, text, len, doc, &findings);
		keep_lines(catalogue, doc, text, len);
	} else {
		ydoc_parse_stream(catalogue->arena, file, text, len, doc, &findings);
	}
	const bool whole = !findings.nerrors;
	lose_findings(catalogue, doc, &findings);
	if (!whole && catalogue->kind == CATALOGUE_ALERTMANAGER) {
		cat_lose(catalogue, LOSS_UNREADABLE, (struct cat_place){ doc, 0 }, NULL,
			 "nothing of this file is taken: half a tree of routes would page the "
			 "wrong teams; Alertmanager prints what it reads of the file under "
			 "Status, or by \"amtool config show\"");
		return;
	}
	for (size_t i = 0; i < doc->root->n; i++)
		if (!ynode_is_empty(doc->root->items[i]))
			kind->import(catalogue, doc, doc->root->items[i]);
}
