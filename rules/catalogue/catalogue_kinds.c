/*
 * Catalogue kinds: the table, made from tbl/catalogues.def, and look-ups in it by name. A kind is
 * one file of this folder with one function, import_ID().
 */
#include "catalogue-internal.h"

const struct cat_kind cat_kinds[CATALOGUE_KIND_COUNT] = {
#define CATALOGUE(id, name, form, text) [CATALOGUE_##id] = { name, CAT_##form, import_##id },
#include "tracepager/tbl/catalogues.def"
#undef CATALOGUE
};

bool catalogue_kind_parse(const char *name, enum catalogue_kind *ret_kind)
{
	for (size_t i = 0; i < CATALOGUE_KIND_COUNT; i++)
		if (strcmp(cat_kinds[i].name, name) == 0) {
			*ret_kind = (enum catalogue_kind)i;
			return true;
		}
	return false;
}

bool catalogue_kind_included(enum catalogue_kind kind)
{
	static const bool once[CATALOGUE_KIND_COUNT] = {
#define CATALOGUE(id, name, form, text)	     [CATALOGUE_##id] = false,
#define CATALOGUE_ONCE(id, name, form, text) [CATALOGUE_##id] = true,
#include "tracepager/tbl/catalogues.def"
#undef CATALOGUE
	};

	return !once[kind];
}

const char *catalogue_kind_name(enum catalogue_kind kind)
{
	return cat_kinds[kind].name;
}
