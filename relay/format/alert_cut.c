/* Alert cut: see alert_cut-internal.h. */
#include "alert_cut-internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"

/* Equal names keep the order of their texts: those of one alert stand in one buffer, the later ones
 * behind the earlier ones. */
static int compare_labels(const void *a, const void *b)
{
	const struct label *first = a, *second = b;
	int order = strcmp(first->name, second->name);

	if (order)
		return order;
	return (uintptr_t)first->name < (uintptr_t)second->name ? -1 : 1;
}

size_t alert_cut_sort(struct label *at, size_t n)
{
	size_t kept = 0;

	if (n > 1)
		qsort(at, n, sizeof(*at), compare_labels);
	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n && strcmp(at[i].name, at[i + 1].name) == 0)
			continue;
		if (at[i].value[0])
			at[kept++] = at[i];
	}
	return kept;
}

/* Keeps one label, or counts it as left out. */
static void keep_label(struct arena *arena, const struct label *label, size_t max, size_t *room,
		       struct labels *labels, struct alert_cut *cut)
{
	const size_t name_len = strnlen(label->name, LIMIT_LABEL_BYTES + 1);
	size_t value_room = *room > name_len ? *room - name_len : 0;

	if (value_room > LIMIT_LABEL_BYTES)
		value_room = LIMIT_LABEL_BYTES;
	const size_t value_len =
		utf8_cut(label->value, strnlen(label->value, value_room + 1), value_room);
	if (labels->n == max || name_len > LIMIT_LABEL_BYTES || !value_len) {
		cut->left_out++;
		return;
	}
	cut->shortened += label->value[value_len] != '\0';
	*room -= name_len + value_len;
	labels->at[labels->n++] =
		(struct label){ .name = arena_strndup(arena, label->name, name_len),
				.value = arena_strndup(arena, label->value, value_len) };
}

static bool is_first(const char *name, const char *const *first)
{
	for (; *first; first++)
		if (strcmp(name, *first) == 0)
			return true;
	return false;
}

struct labels alert_cut_map(struct arena *arena, const struct labels *all, const char *const *first,
			    size_t max, size_t *room, struct alert_cut *ret_cut)
{
	struct labels labels = { .n = 0 };
	struct alert_cut cut = { .given = all->n };
	const size_t most = all->n < max ? all->n : max;

	labels.at = arena_array(arena, most, sizeof(*labels.at));
	for (size_t i = 0; first[i]; i++) {
		const char *value = labels_get(all, first[i]);
		if (value)
			keep_label(arena, &(struct label){ .name = first[i], .value = value }, max,
				   room, &labels, &cut);
	}
	for (size_t i = 0; i < all->n; i++)
		if (!is_first(all->at[i].name, first))
			keep_label(arena, &all->at[i], max, room, &labels, &cut);
	labels_normalise(&labels);
	*ret_cut = cut;
	return labels;
}
