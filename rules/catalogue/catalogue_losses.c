/* Losses: what could not be carried over from a catalogue, with its place, counted by reason. */
#include "catalogue-internal.h"

enum loss_sort {
	SORT_LOST,
	SORT_NOTE,
};

static const struct {
	const char *word;
	enum loss_sort sort;
} reasons[] = {
#define LOSS(id, word, sort, text) { word, SORT_##sort },
#include "tracepager/tbl/losses.def"
#undef LOSS
};

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
