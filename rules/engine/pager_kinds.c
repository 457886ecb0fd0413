/*
 * Pager kinds as rules know them: the name, which options a kind has, whether it escalates by
 * itself. The tables come from tbl/pagers.def; how a kind pages is relay/pager's business.
 */
#include "engine-internal.h"

#include <string.h>

#include "tracepager/xalloc.h"

static const struct pager_options pager_options[PAGER_KIND_COUNT] = {
#define PAGER_KIND(id, name, url, key, key_need, url_need, text)                                   \
	[PAGER_##id] = { name, url, key, PAGER_##key_need, PAGER_##url_need },
#include "tracepager/tbl/pagers.def"
#undef PAGER_KIND
};

static const bool pager_escalates[PAGER_KIND_COUNT] = {
#define PAGER_KIND(id, name, url, key, key_need, url_need, text)
#define PAGER_ESCALATES(id) [PAGER_##id] = true,
#include "tracepager/tbl/pagers.def"
#undef PAGER_ESCALATES
#undef PAGER_KIND
};

static const char *const pager_ways[PAGER_KIND_COUNT] = {
#define PAGER_KIND(id, name, url, key, key_need, url_need, text)
#define PAGER_WAY(id, name) [PAGER_##id] = name,
#include "tracepager/tbl/pagers.def"
#undef PAGER_WAY
#undef PAGER_KIND
};

static const struct {
	enum pager_kind_id kind;
	const char *name;
} pager_members[] = {
#define PAGER_KIND(id, name, url, key, key_need, url_need, text)
#define PAGER_OPTION(id, name) { PAGER_##id, name },
#include "tracepager/tbl/pagers.def"
#undef PAGER_OPTION
#undef PAGER_KIND
};

static const struct {
	enum pager_kind_id kind;
	const char *name;
	enum pager_text which;
	enum pager_need need;
} pager_texts[] = {
#define PAGER_KIND(id, name, url, key, key_need, url_need, text)
#define PAGER_TEXT(id, name, which, need) { PAGER_##id, name, PAGER_##which, PAGER_##need },
#include "tracepager/tbl/pagers.def"
#undef PAGER_TEXT
#undef PAGER_KIND
};

const char *pager_kind_text(enum pager_kind_id kind, enum pager_text which,
			    enum pager_need *ret_need)
{
	for (size_t i = 0; i < ARRAY_LEN(pager_texts); i++) {
		if (pager_texts[i].kind != kind || pager_texts[i].which != which)
			continue;
		*ret_need = pager_texts[i].need;
		return pager_texts[i].name;
	}
	return NULL;
}

enum pager_kind_id pager_kind_of_key(enum pager_kind_id kind)
{
	int first = 0;

	if (!pager_options[kind].key)
		return kind;
	while (!pager_options[first].key ||
	       strcmp(pager_options[first].key, pager_options[kind].key) != 0)
		first++;
	return (enum pager_kind_id)first;
}

bool pager_option_of_team(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(pager_options); i++) {
		const char *key = pager_options[i].key;
		const size_t len = key ? strlen(key) : 0;
		if (len && strncmp(name, key, len) == 0 &&
		    (!name[len] || strcmp(name + len, "_file") == 0))
			return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(pager_texts); i++)
		if (pager_texts[i].which == PAGER_TO && strcmp(pager_texts[i].name, name) == 0)
			return true;
	return false;
}

const char *pager_kind_way(enum pager_kind_id kind)
{
	return pager_ways[kind];
}

const char *pager_kind_name(enum pager_kind_id kind)
{
	return pager_options[kind].name;
}

const struct pager_options *pager_kind_options(enum pager_kind_id kind)
{
	return &pager_options[kind];
}

bool pager_kind_has(enum pager_kind_id kind, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(pager_members); i++)
		if (pager_members[i].kind == kind && strcmp(pager_members[i].name, name) == 0)
			return true;
	return false;
}

bool pager_kind_escalates(enum pager_kind_id kind)
{
	return pager_escalates[kind];
}
