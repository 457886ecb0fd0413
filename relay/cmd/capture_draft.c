/* Capture, drafts: see capture-internal.h. */
#include "capture-internal.h"

#include <stdlib.h>
#include <string.h>

#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/past.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

/* Columns of what a person said. */
#define SAID_COLUMNS 500

struct draft_reader {
	struct capture_draft *draft;
	struct arena *arena;
};

/* A comment ends with its line: the words of people are made one line. */
static void read_handed_on(void *ctx, const struct stored_event *event)
{
	struct draft_reader *reader = ctx;
	struct buf *said = &reader->draft->said;
	struct handed_on handed;
	char at[PAST_TIME_SIZE];

	if (strcmp(event->event, "rerouted") != 0 ||
	    !past_handed_on(reader->arena, event->text, &handed))
		return;
	reader->draft->team = handed.to;
	buf_puts(said, "# Team ");
	plain_add(said, handed.from, SAID_COLUMNS);
	buf_printf(said, " said \"not ours\" at %s UTC (", past_time_text(event->at_us, at));
	plain_add(said, event->who, SAID_COLUMNS);
	buf_puts(said, "): ");
	plain_add(said, *handed.reason ? handed.reason : "no reason was given", SAID_COLUMNS);
	buf_putc(said, '\n');
}

int capture_draft_read(struct history *history, const char *incident, struct arena *arena,
		       struct capture_draft *ret_draft, struct err *err)
{
	struct draft_reader reader = { .draft = ret_draft, .arena = arena };

	*ret_draft = (struct capture_draft){ .team = NULL };
	buf_init(&ret_draft->said, LIMIT_CAPTURE_TEST_BYTES);
	return history_story(history, incident, read_handed_on, &reader, err);
}

void capture_draft_fini(struct capture_draft *draft)
{
	buf_fini(&draft->said);
	*draft = (struct capture_draft){ .team = NULL };
}

/* ---- all that were handed on ---- */

struct rerouted_list {
	struct arena *arena;
	struct map *known;
	const char **ids;
	size_t n;
};

static void add_rerouted(void *ctx, const struct past_event *event)
{
	struct rerouted_list *list = ctx;

	if (strcmp(event->event, "rerouted") != 0 || map_get(list->known, event->incident))
		return;
	map_put(list->known, event->incident, list);
	list->ids = xrealloc_array(list->ids, list->n + 1, sizeof(*list->ids));
	list->ids[list->n++] = arena_strdup(list->arena, event->incident);
}

int capture_rerouted(struct history *history, int64_t since_us, struct arena *arena,
		     const char ***ret_ids, size_t *ret_n, struct err *err)
{
	struct rerouted_list list = { .arena = arena, .known = map_new() };
	int result = history_events(history, since_us, add_rerouted, &list, err);

	map_free(list.known);
	*ret_ids = list.ids;
	*ret_n = list.n;
	return result;
}
