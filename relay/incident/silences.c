/* Silences made at run time: see silences-internal.h. */
#include "silences-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/sign.h"
#include "tracepager/xalloc.h"

/* One in the list. */
struct kept_silence {
	struct made_silence *made;
	bool missed; /* the store has not got it as it is */
};

struct silence_book {
	struct incident_env env;
	struct silence_ops ops;
	struct turns *turns;
	struct ruleset *rules;
	struct kept_silence **at; /* by creation, the oldest first */
	size_t n, size;
	struct map *by_id;
	struct silence_set *set; /* of those that have not ended */
	struct timer boundary;	 /* the next begin or end of one, those of the rules too */
};

static int64_t silences_now_us(const struct silence_book *book)
{
	return clock_wall_us(book->env.clock);
}

static const struct silence_spec *kept_spec(const struct kept_silence *kept)
{
	return made_silence_spec(kept->made);
}

static bool kept_is_over(const struct kept_silence *kept, int64_t now_us)
{
	return now_us >= kept_spec(kept)->ends_us;
}

/* ---- the set, and the next begin or end ---- */

static void silences_arm(struct silence_book *book)
{
	int64_t now_us = silences_now_us(book);
	int64_t made_us = silence_set_next_us(book->set, now_us);
	int64_t rules_us = rules_silence_next_us(book->rules, now_us);
	int64_t next_us = !made_us || (rules_us && rules_us < made_us) ? rules_us : made_us;

	timer_disarm(book->env.timers, &book->boundary);
	if (next_us)
		timer_arm(book->env.timers, &book->boundary,
			  clock_mono_us(book->env.clock) + (next_us - now_us));
}

/* How many have not ended. */
static size_t silences_live(const struct silence_book *book)
{
	int64_t now_us = silences_now_us(book);
	size_t live = 0;

	for (size_t i = 0; i < book->n; i++)
		live += !kept_is_over(book->at[i], now_us);
	return live;
}

static void silences_make_set(struct silence_book *book)
{
	struct made_silence **live = xcalloc(book->n + 1, sizeof(struct made_silence *));
	int64_t now_us = silences_now_us(book);
	size_t n = 0;

	for (size_t i = 0; i < book->n; i++)
		if (!kept_is_over(book->at[i], now_us))
			live[n++] = book->at[i]->made;
	silence_set_unref(book->set);
	book->set = silence_set_new(live, n);
	free(live);
}

static void silences_changed(struct silence_book *book)
{
	silences_make_set(book);
	silences_arm(book);
	book->ops.changed(book->ops.ctx, book->set);
}

static void silences_boundary(void *arg)
{
	silences_changed(arg);
}

void silences_clock_was_set(struct silence_book *book)
{
	silences_changed(book);
}

void silences_set_rules(struct silence_book *book, struct ruleset *rules)
{
	rules_unref(book->rules);
	book->rules = rules_ref(rules);
	silences_changed(book);
}

/* ---- the store ---- */

/* A write of a silence that is under way. */
struct silence_write {
	struct silence_book *book;
	char id[SILENCE_ID_SIZE];
};

static void silence_written(void *ctx, int error, const char *text)
{
	struct silence_write *write = ctx;
	struct kept_silence *kept = map_get(write->book->by_id, write->id);

	(void)text; /* the store logs it */
	if (error && kept)
		kept->missed = true;
	if (error)
		write->book->ops.write_failed(write->book->ops.ctx);
	free(write);
}

static void silence_put(struct silence_book *book, const struct kept_silence *kept)
{
	const struct silence_spec *spec = kept_spec(kept);
	struct buf doc = BUF_INIT(LIMIT_SILENCE_DOC_BYTES);
	struct silence_write *write = xcalloc(1, sizeof(*write));

	silence_spec_write(spec, NULL, silences_now_us(book), &doc);
	write->book = book;
	memcpy(write->id, spec->id, sizeof(write->id));
	store_put_silence(turns_batch(book->turns), &(struct stored_silence){
							    .id = spec->id,
							    .ends_us = spec->ends_us,
							    .doc = buf_text(&doc),
							    .doc_len = doc.len,
						    });
	turns_then(book->turns, silence_written, free, write);
	buf_fini(&doc);
}

void silences_heal(struct silence_book *book)
{
	for (size_t i = 0; i < book->n; i++)
		if (book->at[i]->missed) {
			book->at[i]->missed = false;
			silence_put(book, book->at[i]);
		}
}

/* ---- the list ---- */

static void kept_free(struct silence_book *book, struct kept_silence *kept)
{
	map_remove(book->by_id, kept_spec(kept)->id);
	made_silence_unref(kept->made);
	free(kept);
}

/* The one that ended first makes room, in memory only. */
static void silences_make_room(struct silence_book *book)
{
	int64_t now_us = silences_now_us(book);
	size_t first = book->n;

	if (book->n < LIMIT_SILENCES_LISTED)
		return;
	for (size_t i = 0; i < book->n; i++)
		if (kept_is_over(book->at[i], now_us) &&
		    (first == book->n ||
		     kept_spec(book->at[i])->ends_us < kept_spec(book->at[first])->ends_us))
			first = i;
	if (first == book->n)
		return;
	kept_free(book, book->at[first]);
	memmove(&book->at[first], &book->at[first + 1],
		(--book->n - first) * sizeof(struct kept_silence *));
}

/* Takes the reference. */
static struct kept_silence *silences_keep(struct silence_book *book, struct made_silence *made)
{
	struct kept_silence *kept = xcalloc(1, sizeof(*kept));

	silences_make_room(book);
	if (book->n == book->size) {
		book->size = book->size ? 2 * book->size : 16;
		book->at = xrealloc_array(book->at, book->size, sizeof(struct kept_silence *));
	}
	kept->made = made;
	book->at[book->n++] = kept;
	map_put(book->by_id, kept_spec(kept)->id, kept);
	return kept;
}

/* The silence as it is from now on takes the place of the one before; takes the reference. */
static void kept_replace(struct silence_book *book, struct kept_silence *kept,
			 struct made_silence *made)
{
	made_silence_unref(kept->made);
	kept->made = made;
	silence_put(book, kept);
	silences_changed(book);
}

/* ---- what people do ---- */

static void silence_log(const char *what, const struct silence_spec *spec, const char *who)
{
	struct buf scope = BUF_INIT(LIMIT_SILENCE_DOC_BYTES);
	char ends[RFC3339_SIZE];

	silence_spec_scope(spec, &scope);
	log_info(what, LOG_STR("silence", spec->id), LOG_STR("of", buf_text(&scope)),
		 LOG_STR("until", rfc3339_format(spec->ends_us, ends)), LOG_STR("who", who),
		 LOG_STR("reason", spec->reason));
	buf_fini(&scope);
}

static void silences_draw_id(const struct silence_book *book, char id[SILENCE_ID_SIZE])
{
	do
		random_hex(id, (SILENCE_ID_SIZE - 1) / 2);
	while (map_get(book->by_id, id));
}

/* Reads, compiles and checks; spec is what is not given. */
static int silences_make(const struct silence_book *book, struct arena *arena, const char *doc,
			 size_t len, struct silence_spec *spec, struct made_silence **ret_made,
			 struct err *err)
{
	const struct silence_spec own = *spec; /* what nobody sets from outside */
	int result = silence_spec_read(arena, doc, len, true, spec, err);

	if (result < 0)
		return result;
	spec->id = own.id;
	spec->created_us = own.created_us;
	spec->ended_by = own.ended_by;
	if (*spec->team && !rules_team(book->rules, spec->team))
		return err_set(err, EINVAL, "the rules have no team \"%s\"", spec->team);
	result = made_silence_new(spec, ret_made, err);
	if (result < 0)
		return result;
	result = made_silence_check(*ret_made, silences_now_us(book), err);
	if (result < 0)
		made_silence_unref(*ret_made);
	return result;
}

int silences_add(struct silence_book *book, const char *doc, size_t len, const char *who,
		 char ret_id[SILENCE_ID_SIZE], struct err *err)
{
	int64_t now_us = silences_now_us(book);
	struct silence_spec spec = {
		.id = ret_id,
		.suspect = "",
		.team = "",
		.starts_us = now_us,
		.author = who,
		.reason = "",
		.created_us = now_us,
		.ended_by = "",
	};
	struct arena *arena = arena_new(2 * LIMIT_SILENCE_ARENA_BYTES);
	struct made_silence *made;
	int result;

	if (silences_live(book) >= LIMIT_SILENCES) {
		arena_free(arena);
		return err_set(err, ENOSPC,
			       "%u silences are in force or to come: end one that is not needed",
			       LIMIT_SILENCES);
	}
	silences_draw_id(book, ret_id);
	result = silences_make(book, arena, doc, len, &spec, &made, err);
	if (result == 0) {
		struct kept_silence *kept = silences_keep(book, made);
		silence_put(book, kept);
		silence_log("silence made", kept_spec(kept), who);
		silences_changed(book);
	}
	arena_free(arena);
	return result;
}

/* The one with that id that has not ended; NULL with err. */
static struct kept_silence *silences_find_live(const struct silence_book *book, const char *id,
					       struct err *err)
{
	struct kept_silence *kept = map_get(book->by_id, id);

	if (!kept)
		err_set(err, ENOENT, "there is no silence \"%.40s\"", id);
	else if (kept_is_over(kept, silences_now_us(book)))
		err_set(err, EALREADY, "silence %s is over: make a new one", id);
	else
		return kept;
	return NULL;
}

static bool silence_scope_differs(const struct silence_spec *a, const struct silence_spec *b)
{
	if (a->nmatchers != b->nmatchers || a->all != b->all)
		return true;
	for (size_t i = 0; i < a->nmatchers; i++)
		if (strcmp(a->matchers[i], b->matchers[i]) != 0)
			return true;
	return strcmp(a->suspect, b->suspect) != 0 || strcmp(a->team, b->team) != 0;
}

/* What it silences stays: else its decisions would quote what it no longer says. */
static int silence_check_change(const struct silence_spec *old, const struct silence_spec *spec,
				int64_t now_us, struct err *err)
{
	if (silence_scope_differs(old, spec))
		return err_set(err, EINVAL,
			       "what a silence silences cannot be changed: end it and make a new "
			       "one");
	if (old->starts_us != spec->starts_us && old->starts_us <= now_us)
		return err_set(err, EINVAL, "silence %s has begun: its start cannot be changed",
			       old->id);
	return 0;
}

/* What is asked for, from what it was: duration_s counts from now on; of a silence to come, from
 * its start. */
static int silence_read_change(struct arena *arena, const struct silence_spec *old, int64_t now_us,
			       const char *doc, size_t len, struct silence_spec *ret_spec,
			       struct err *err)
{
	bool begun = old->starts_us <= now_us;
	struct silence_spec spec = *old;

	if (begun)
		spec.starts_us = now_us;
	int result = silence_spec_read(arena, doc, len, true, &spec, err);
	if (result < 0)
		return result;
	if (begun && spec.starts_us == now_us)
		spec.starts_us = old->starts_us;
	spec.id = old->id;
	spec.created_us = old->created_us;
	spec.ended_by = "";
	*ret_spec = spec;
	return silence_check_change(old, &spec, now_us, err);
}

int silences_change(struct silence_book *book, const char *id, const char *doc, size_t len,
		    const char *who, struct err *err)
{
	struct kept_silence *kept = silences_find_live(book, id, err);
	int64_t now_us = silences_now_us(book);
	struct made_silence *made;
	struct silence_spec spec;

	if (!kept)
		return -err->code;
	struct arena *arena = arena_new(2 * LIMIT_SILENCE_ARENA_BYTES);
	int result = silence_read_change(arena, kept_spec(kept), now_us, doc, len, &spec, err);
	if (result == 0)
		result = made_silence_new(&spec, &made, err);
	if (result == 0 && (result = made_silence_check(made, now_us, err)) < 0)
		made_silence_unref(made);
	if (result == 0) {
		silence_log("silence changed", &spec, who);
		kept_replace(book, kept, made);
	}
	arena_free(arena);
	return result;
}

int silences_end(struct silence_book *book, const char *id, const char *who, struct err *err)
{
	struct kept_silence *kept = silences_find_live(book, id, err);
	struct made_silence *made;

	if (!kept)
		return -err->code;
	struct silence_spec spec = *kept_spec(kept);
	spec.ends_us = silences_now_us(book);
	spec.ended_by = who;
	int result = made_silence_new(&spec, &made, err);
	if (result < 0)
		return result;
	silence_log("silence ended", &spec, who);
	kept_replace(book, kept, made);
	return 0;
}

/* ---- what others see ---- */

static bool silences_show(const struct silence_book *book, const struct kept_silence *kept,
			  incident_silence_viewer *viewer, void *ctx)
{
	const struct silence_spec *spec = kept_spec(kept);
	const struct incident_silence_view view = {
		.spec = spec,
		.place = made_silence_silence(kept->made)->place,
		.state = silence_state_name(silence_spec_start_us(spec), spec->ends_us,
					    silences_now_us(book)),
	};

	return viewer(ctx, &view);
}

struct rule_silence_walk {
	const struct silence_book *book;
	incident_silence_viewer *viewer;
	void *ctx;
};

static bool silences_show_rule(void *ctx, const struct silence *silence, const char *matchers)
{
	const struct rule_silence_walk *walk = ctx;
	const struct silence_spec spec = {
		.id = "",
		.matchers = { matchers },
		.nmatchers = 1,
		.suspect = "",
		.team = "",
		.starts_us = silence->starts_us,
		.ends_us = silence->ends_us,
		.author = silence->author,
		.reason = silence->reason,
		.ended_by = "",
	};
	const struct incident_silence_view view = {
		.spec = &spec,
		.place = silence->place,
		.state = silence_state_name(silence->starts_us, silence->ends_us,
					    silences_now_us(walk->book)),
		.of_rules = true,
	};

	return walk->viewer(walk->ctx, &view);
}

void silences_each(const struct silence_book *book, const char *after,
		   incident_silence_viewer *viewer, void *ctx)
{
	struct rule_silence_walk walk = { book, viewer, ctx };
	size_t i = book->n;
	bool more = true;

	if (!after)
		rules_each_silence(book->rules, silences_show_rule, &walk);
	while (after && i && strcmp(kept_spec(book->at[i - 1])->id, after) != 0)
		i--;
	i -= after && i;
	while (i-- && more)
		more = silences_show(book, book->at[i], viewer, ctx);
}

bool silences_view(const struct silence_book *book, const char *id, incident_silence_viewer *viewer,
		   void *ctx)
{
	const struct kept_silence *kept = map_get(book->by_id, id);

	if (kept)
		silences_show(book, kept, viewer, ctx);
	return kept;
}

size_t silences_active(const struct silence_book *book)
{
	int64_t now_us = silences_now_us(book);
	size_t n = 0;

	for (size_t i = 0; i < book->n; i++)
		n += silence_spec_start_us(kept_spec(book->at[i])) <= now_us &&
		     !kept_is_over(book->at[i], now_us);
	return n;
}

/* ---- a start ---- */

void silences_load(struct silence_book *book, const struct stored_silence *row)
{
	struct arena *arena = arena_new(2 * LIMIT_SILENCE_ARENA_BYTES);
	struct silence_spec spec = { .id = row->id,
				     .suspect = "",
				     .team = "",
				     .ends_us = row->ends_us,
				     .author = "",
				     .reason = "",
				     .ended_by = "" };
	struct made_silence *made;
	struct err err;

	if (strlen(row->id) >= SILENCE_ID_SIZE ||
	    silence_spec_read(arena, row->doc, row->doc_len, false, &spec, &err) < 0 ||
	    made_silence_new(&spec, &made, &err) < 0)
		log_error("a silence's record cannot be read; what it silenced is paged",
			  LOG_STR("silence", row->id));
	else
		silences_keep(book, made);
	arena_free(arena);
}

static int by_creation(const void *a, const void *b)
{
	const struct silence_spec *one = kept_spec(*(struct kept_silence *const *)a),
				  *other = kept_spec(*(struct kept_silence *const *)b);

	if (one->created_us != other->created_us)
		return one->created_us < other->created_us ? -1 : 1;
	return strcmp(one->id, other->id);
}

void silences_settle(struct silence_book *book)
{
	if (book->n)
		qsort(book->at, book->n, sizeof(struct kept_silence *), by_creation);
	silences_changed(book);
}

/* ---- the whole ---- */

struct silence_book *silences_new(const struct incident_env *env, struct turns *turns,
				  const struct silence_ops *ops, struct ruleset *rules)
{
	struct silence_book *book = xcalloc(1, sizeof(*book));

	book->env = *env;
	book->ops = *ops;
	book->turns = turns;
	book->rules = rules_ref(rules);
	book->by_id = map_new();
	book->set = silence_set_new(NULL, 0);
	book->boundary = (struct timer){ .fire = silences_boundary, .arg = book };
	return book;
}

void silences_free(struct silence_book *book)
{
	if (!book)
		return;
	timer_disarm(book->env.timers, &book->boundary);
	while (book->n)
		kept_free(book, book->at[--book->n]);
	free(book->at);
	map_free(book->by_id);
	silence_set_unref(book->set);
	rules_unref(book->rules);
	free(book);
}
