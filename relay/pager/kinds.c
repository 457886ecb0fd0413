/*
 * Pager kinds: the table, made from tbl/pagers.def. Pure; owns nothing. What kinds share stands in
 * pager_http.c.
 */
#include "tracepager/pager_kind.h"

#define PAGER_KIND(id, name, url, key, key_need, url_need, text)                                   \
	extern const struct pager_kind pager_kind_##id;
#include "tracepager/tbl/pagers.def"
#undef PAGER_KIND

const struct pager_kind *const pager_kinds[PAGER_KIND_COUNT] = {
#define PAGER_KIND(id, name, url, key, key_need, url_need, text) [PAGER_##id] = &pager_kind_##id,
#include "tracepager/tbl/pagers.def"
#undef PAGER_KIND
};
