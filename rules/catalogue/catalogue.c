/*
 * Catalogue: the documents of one, and what importers say about them. Knows how losses are told,
 * how texts are taken and capped; what an entry means, the importers know. Owns everything that it
 * gives out, in one arena.
 */
#include <stdlib.h>
#include <strings.h>

#include "catalogue-internal.h"

/* Only the last wall: what goes in is bounded by LIMIT_RULES_BYTES. */
#define ARENA_CAP ((size_t)8 << 30)

enum form {
	FORM_YAML,
	FORM_JSON,
	FORM_TEXT,
};

static const struct {
	const char *name;
	enum form form;
	cat_import *import;
} kinds[] = {
#define CATALOGUE(id, name, form, text) { name, FORM_##form, import_##id },
#include "tracepager/tbl/catalogues.def"
#undef CATALOGUE
};

enum sort {
	SORT_LOST,
	SORT_NOTE,
};

static const struct {
	const char *word;
	enum sort sort;
} reasons[] = {
#define LOSS(id, word, sort, text) { word, SORT_##sort },
#include "tracepager/tbl/losses.def"
#undef LOSS
};

bool catalogue_kind_parse(const char *name, enum catalogue_kind *ret_kind)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0) {
			*ret_kind = (enum catalogue_kind)i;
			return true;
		}
	return false;
}

const char *catalogue_kind_name(enum catalogue_kind kind)
{
	return kinds[kind].name;
}

const char *loss_word(enum loss_reason reason)
{
	return reasons[reason].word;
}

bool loss_is_note(enum loss_reason reason)
{
	return reasons[reason].sort == SORT_NOTE;
}

void cat_list_push(struct cat_list *list, void *item)
{
	if ((list->n & (list->n - 1)) == 0)
		list->at = xrealloc_array(list->at, list->n ? list->n * 2 : 1, sizeof(void *));
	list->at[list->n++] = item;
}

struct catalogue *catalogue_new(enum catalogue_kind kind, const struct catalogue_options *options)
{
	struct catalogue *catalogue = xcalloc(1, sizeof(*catalogue));

	catalogue->arena = arena_new(ARENA_CAP);
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
	catalogue->pager_of = map_new();
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
	free(catalogue->written.at);
	free(catalogue->pagers.at);
	map_free(catalogue->team_ids);
	map_free(catalogue->service_ids);
	map_free(catalogue->files);
	free(catalogue->told);
	map_free(catalogue->team_keys);
	map_free(catalogue->service_keys);
	map_free(catalogue->pager_keys);
	map_free(catalogue->variants);
	map_free(catalogue->pager_of);
	arena_free(catalogue->arena);
	free(catalogue);
}

const struct catalogue_counts *catalogue_counts(const struct catalogue *catalogue)
{
	return &catalogue->counts;
}

struct cat_place cat_place(const struct ydoc *doc, const struct ynode *node)
{
	return (struct cat_place){ doc, node ? node->line : 0 };
}

char *cat_printf(struct catalogue *catalogue, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = arena_vprintf(catalogue->arena, format, args);
	va_end(args);
	return text;
}

void cat_lose(struct catalogue *catalogue, enum loss_reason reason, struct cat_place place,
	      const char *what, const char *format, ...)
{
	struct catalogue_loss *loss;
	va_list args;

	catalogue->counts.reasons[reason]++;
	if (loss_is_note(reason))
		catalogue->counts.notes++;
	else
		catalogue->counts.losses++;
	if (catalogue->losses.n == LIMIT_FINDINGS)
		return;
	loss = arena_alloc(catalogue->arena, sizeof(*loss));
	loss->reason = reason;
	loss->file = place.doc ? place.doc->file : "";
	loss->line = place.line;
	loss->what = arena_strdup(catalogue->arena, what ? what : "");
	va_start(args, format);
	loss->why = arena_vprintf(catalogue->arena, format, args);
	va_end(args);
	cat_list_push(&catalogue->losses, loss);
}

const char *cat_lower(struct catalogue *catalogue, const char *text)
{
	char *copy = arena_strdup(catalogue->arena, text);

	for (char *c = copy; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 32);
	return copy;
}

const char *cat_slug(struct catalogue *catalogue, const char *text)
{
	char *copy = arena_strdup(catalogue->arena, text), *out = copy;

	for (const char *c = text; *c; c++) {
		char lower = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
		bool kept = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ||
			    (unsigned char)lower >= 0x80;
		if (kept)
			*out++ = lower;
		else if (out > copy && out[-1] != '_')
			*out++ = '_';
	}
	if (out > copy && out[-1] == '_')
		out--;
	*out = '\0';
	return copy;
}

bool cat_is(const char *text, const char *word)
{
	return text && strcasecmp(text, word) == 0;
}

const char *cat_node_text(struct catalogue *catalogue, const struct ydoc *doc,
			  const struct ynode *node, const char *what)
{
	if (!node || node->bad || ynode_is_empty(node))
		return NULL;
	if (node->kind != YNODE_SCALAR) {
		bool elsewhere = node->kind == YNODE_MAP && node->n && *node->keys[0]->text == '$';
		cat_lose(catalogue, elsewhere ? LOSS_PLACEHOLDER : LOSS_UNREADABLE,
			 cat_place(doc, node), what,
			 elsewhere ? "a value is kept in another file"
				   : "a text should stand here");
		return NULL;
	}
	if (strlen(node->text) > LIMIT_CATALOGUE_TEXT_BYTES) {
		cat_lose(catalogue, LOSS_LIMIT, cat_place(doc, node), what,
			 "a text has more than %u bytes", LIMIT_CATALOGUE_TEXT_BYTES);
		return NULL;
	}
	return *node->text ? node->text : NULL;
}

const char *cat_text(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *map,
		     const char *key, const char *what)
{
	return cat_node_text(catalogue, doc, ynode_get(map, key), what);
}

const char *cat_url(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *map,
		    const char *key, const char *what)
{
	const char *text = cat_text(catalogue, doc, map, key, what);

	if (!text || ytext_is_url(text))
		return text;
	cat_lose(catalogue, LOSS_BAD_URL, cat_place(doc, ynode_get(map, key)), what,
		 "\"%.100s\" is not a whole URL", text);
	return NULL;
}

size_t cat_items(const struct ynode *map, const char *key, struct ynode ***ret_items)
{
	const struct ynode *list = ynode_get(map, key);

	if (!list || list->kind != YNODE_LIST)
		return 0;
	*ret_items = list->items;
	return list->n;
}

static bool is_full(struct catalogue *catalogue, struct cat_place place)
{
	if (catalogue->teams.n + catalogue->services.n < LIMIT_CATALOGUE_ENTRIES)
		return false;
	cat_lose(catalogue, LOSS_LIMIT, place, NULL, "an import takes %u entries; this is one more",
		 LIMIT_CATALOGUE_ENTRIES);
	return true;
}

struct cat_team *cat_team(struct catalogue *catalogue, const char *id, const char *name,
			  struct cat_place place)
{
	struct cat_team *team = map_get(catalogue->team_ids, id);

	if (team || is_full(catalogue, place))
		return team;
	team = arena_alloc(catalogue->arena, sizeof(*team));
	team->id = arena_strdup(catalogue->arena, id);
	team->name = arena_strdup(catalogue->arena, name);
	team->place = place;
	map_put(catalogue->team_ids, id, team);
	cat_list_push(&catalogue->teams, team);
	return team;
}

struct cat_service *cat_service(struct catalogue *catalogue, const char *id, const char *name,
				struct cat_place place)
{
	struct cat_service *service;

	if (is_full(catalogue, place))
		return NULL;
	service = arena_alloc(catalogue->arena, sizeof(*service));
	service->id = arena_strdup(catalogue->arena, id);
	service->name = arena_strdup(catalogue->arena, name);
	service->place = service->owner_place = place;
	service->number = catalogue->services.n;
	if (!map_get(catalogue->service_ids, id))
		map_put(catalogue->service_ids, id, service);
	cat_list_push(&catalogue->services, service);
	return service;
}

void cat_alias(struct catalogue *catalogue, const struct cat_service *service, const char *alias,
	       struct cat_place place)
{
	struct cat_service *other;

	if (strcmp(alias, service->name) == 0)
		return;
	other = cat_service(catalogue, cat_printf(catalogue, "alias:%s", alias), alias, place);
	if (!other)
		return;
	const char *id = other->id, *name = other->name;
	size_t number = other->number;
	*other = *service;
	other->id = id;
	other->name = name;
	other->number = number;
	other->place = place;
	other->alias_of = service->name;
	other->rank = service->rank + 10; /* behind everything that has the name itself */
}

/* PagerDuty's integration keys have 32 letters and digits. */
static bool is_key(const char *text)
{
	size_t n = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return n == 32 && !text[n];
}

void cat_pager_key(struct catalogue *catalogue, struct cat_pager *pager, const char *key,
		   struct cat_place place, const char *what)
{
	if (!key)
		return;
	if (!is_key(key)) {
		cat_lose(
			catalogue, LOSS_BAD_KEY, place, what,
			"an integration key has 32 letters and digits; this has other ones, or %zu",
			strlen(key));
		return;
	}
	pager->key = arena_strdup(catalogue->arena, key);
	pager->place = place;
}

bool cat_pager_id(struct catalogue *catalogue, struct cat_pager *pager, const char *text,
		  struct cat_place place)
{
	static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *at = text, *part;

	if (!text)
		return false;
	if (ytext_is_url(text)) {
		const char *host = strstr(text, "://") + 3;
		part = memmem(host, strcspn(host, "/"), "pagerduty.com", 13);
		at = part ? strstr(part, "/service-directory/") : NULL;
		if (!at)
			at = part ? strstr(part, "/services/") : NULL;
		if (!at)
			return false;
		at = strchr(at + 1, '/') + 1;
	}
	size_t n = strspn(at, letters);
	if (n < 4 || n > 32 || (at[n] && !strchr("/?#", at[n])) || (at == text && at[n]))
		return false;
	pager->id = arena_strndup(catalogue->arena, at, n);
	if (!pager->key)
		pager->place = place;
	return true;
}

void cat_link(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *link,
	      const char *type, const char *what, struct cat_service *service)
{
	const char **slot = cat_is(type, "runbook")	? &service->runbook
			    : cat_is(type, "dashboard") ? &service->dashboard
							: NULL;

	if (slot && !*slot)
		*slot = cat_url(catalogue, doc, link, "url", what);
}

void cat_target(struct catalogue *catalogue, const struct ydoc *doc, const struct ynode *node,
		const char *what)
{
	const char *path = cat_node_text(catalogue, doc, node, what);
	struct cat_target *target;

	if (!path)
		return;
	if (strstr(path, "://") || *path == '/' || strchr(path, '*')) {
		cat_lose(catalogue, LOSS_NOT_FOLLOWED, cat_place(doc, node), what,
			 "\"%.200s\" is not read: only files within the directory are", path);
		return;
	}
	if (catalogue->targets.n == LIMIT_CATALOGUE_FILES)
		return; /* catalogue_read() tells that there are too many */
	target = arena_alloc(catalogue->arena, sizeof(*target));
	target->path = path;
	target->place = cat_place(doc, node);
	cat_list_push(&catalogue->targets, target);
}

/* What the reader of YAML or JSON refused. */
static void lose_findings(struct catalogue *catalogue, const struct ydoc *doc,
			  struct findings *findings)
{
	for (size_t i = 0; i < findings->n; i++)
		cat_lose(catalogue, LOSS_UNREADABLE,
			 (struct cat_place){ doc, findings->at[i].line }, NULL, "%s",
			 findings->at[i].text);
	for (size_t i = findings->n; i < findings->nerrors; i++)
		cat_lose(catalogue, LOSS_UNREADABLE, (struct cat_place){ doc, 0 }, NULL, "more");
	findings_fini(findings);
}

static bool is_json(enum form form, const char *file)
{
	size_t len = strlen(file);

	return form == FORM_JSON ||
	       (form == FORM_YAML && len > 5 && strcasecmp(file + len - 5, ".json") == 0);
}

/* A text whose lines findings can show; ydoc_parse_stream() does the same for YAML. */
static void read_text(struct catalogue *catalogue, struct ydoc *doc, const char *text, size_t len)
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
	enum form form = kinds[catalogue->kind].form;
	cat_import *import = kinds[catalogue->kind].import;
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
	if (form == FORM_TEXT) {
		read_text(catalogue, doc, text, len);
		import(catalogue, doc, NULL);
		return;
	}
	if (is_json(form, file)) {
		jdoc_parse(catalogue->arena, file, text, len, doc, &findings);
		read_text(catalogue, doc, text, len);
	} else {
		ydoc_parse_stream(catalogue->arena, file, text, len, doc, &findings);
	}
	lose_findings(catalogue, doc, &findings);
	for (size_t i = 0; i < doc->root->n; i++)
		if (!ynode_is_empty(doc->root->items[i]))
			import(catalogue, doc, doc->root->items[i]);
}
