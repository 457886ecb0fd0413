/* Export: see export.h. The table of kinds; what each writes stands in files of their own. */
#include "export-internal.h"

enum export_form {
	FORM_ONE,
	FORM_MANY,
};

static const struct {
	const char *name, *text;
	export_writer *write;
	enum export_form form;
} kinds[EXPORT_KIND_COUNT] = {
#define EXPORT(id, name, writer, form, text) [EXPORT_##id] = { name, text, writer, FORM_##form },
#include "tracepager/tbl/exports.def"
#undef EXPORT
};

bool export_kind_parse(const char *name, enum export_kind *ret_kind)
{
	for (int i = 0; i < EXPORT_KIND_COUNT; i++)
		if (strcmp(kinds[i].name, name) == 0) {
			*ret_kind = (enum export_kind)i;
			return true;
		}
	return false;
}

const char *export_kind_name(enum export_kind kind)
{
	return kinds[kind].name;
}

const char *export_kind_text(enum export_kind kind)
{
	return kinds[kind].text;
}

bool export_kind_has_files(enum export_kind kind)
{
	return kinds[kind].form == FORM_MANY;
}

struct exported *export_rules(const struct ruleset *rules, enum export_kind kind,
			      const struct export_how *how)
{
	struct exported *exported = xcalloc(1, sizeof(*exported));

	exported->rules = rules;
	exported->how = *how;
	exported->arena = arena_new(LIMIT_EXPORT_ARENA_BYTES);
	kinds[kind].write(exported);
	for (size_t i = 0; i < exported->nfiles && !exported->failed; i++)
		if (exported->files[i].text.failed)
			exported->failed = "the text would be larger than an export may be";
	export_sort_losses(exported);
	return exported;
}

void exported_free(struct exported *exported)
{
	if (!exported)
		return;
	for (size_t i = 0; i < exported->nfiles; i++)
		buf_fini(&exported->files[i].text);
	free(exported->files);
	free(exported->losses);
	arena_free(exported->arena);
	free(exported);
}

const char *exported_failed(const struct exported *exported)
{
	return exported->failed;
}

const struct export_file *exported_files(const struct exported *exported, size_t *ret_n)
{
	*ret_n = exported->failed ? 0 : exported->nfiles;
	return exported->files;
}

const struct export_loss *exported_losses(const struct exported *exported, size_t *ret_n)
{
	*ret_n = exported->nlosses;
	return exported->losses;
}
