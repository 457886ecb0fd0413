/*
 * The outcome of a decision, read from its JSON: the few members that a replay or an audit
 * compares, without a tree of all others. The document is one that we wrote.
 */
#include "tracepager/past.h"

#include <errno.h>
#include <string.h>

#include "tracepager/jread.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* The containers that are gone into, by where they stand. */
enum outcome_place {
	PLACE_ROOT,
	PLACE_VERDICT,
	PLACE_SUSPECT,
	PLACE_FALLBACK,
	PLACE_OWNER,
	PLACE_ESCALATION,
	PLACE_STEPS,
	PLACE_STEP,
	PLACE_PAGERS,
	PLACE_PAGE,
	PLACE_SILENCE,
	PLACE_TRACES,
};

/* What becomes of a member's value. */
enum outcome_use {
	USE_OBJECT, /* gone into, as `place` */
	USE_LIST,
	USE_TEXT,  /* kept at `offset` */
	USE_COUNT, /* a whole number */
	USE_SHARE, /* any number */
};

struct outcome_member {
	enum outcome_place in;
	const char *key;
	enum outcome_use use;
	enum outcome_place place;
	size_t offset;
};

#define TEXT(in, key, field)                                                                       \
	{                                                                                          \
		in, key, USE_TEXT, PLACE_ROOT, offsetof(struct outcome, field)                     \
	}
#define COUNT(in, key, field)                                                                      \
	{                                                                                          \
		in, key, USE_COUNT, PLACE_ROOT, offsetof(struct outcome, field)                    \
	}

static const struct outcome_member outcome_members[] = {
	{ PLACE_ROOT, "traces", USE_LIST, PLACE_TRACES, 0 },
	{ PLACE_ROOT, "verdict", USE_OBJECT, PLACE_VERDICT, 0 },
	{ PLACE_ROOT, "owner", USE_OBJECT, PLACE_OWNER, 0 },
	{ PLACE_ROOT, "escalation", USE_OBJECT, PLACE_ESCALATION, 0 },
	{ PLACE_ROOT, "page", USE_OBJECT, PLACE_PAGE, 0 },
	{ PLACE_ROOT, "silence", USE_OBJECT, PLACE_SILENCE, 0 },
	{ PLACE_VERDICT, "suspect", USE_OBJECT, PLACE_SUSPECT, 0 },
	{ PLACE_VERDICT, "fallback", USE_OBJECT, PLACE_FALLBACK, 0 },
	{ PLACE_VERDICT, "confidence", USE_SHARE, PLACE_ROOT,
	  offsetof(struct outcome, confidence) },
	COUNT(PLACE_VERDICT, "agree", agree),
	COUNT(PLACE_VERDICT, "of", of),
	TEXT(PLACE_SUSPECT, "service", suspect),
	TEXT(PLACE_SUSPECT, "namespace", namespace),
	TEXT(PLACE_SUSPECT, "operation", operation),
	TEXT(PLACE_SUSPECT, "kind", kind),
	TEXT(PLACE_SUSPECT, "callee", callee),
	TEXT(PLACE_SUSPECT, "error", error),
	TEXT(PLACE_FALLBACK, "code", fallback),
	TEXT(PLACE_FALLBACK, "text", fallback_text),
	TEXT(PLACE_OWNER, "team", team),
	TEXT(PLACE_OWNER, "rule", rule),
	TEXT(PLACE_ESCALATION, "policy", policy),
	{ PLACE_ESCALATION, "steps", USE_LIST, PLACE_STEPS, 0 },
	{ PLACE_STEP, "pagers", USE_LIST, PLACE_PAGERS, 0 },
	TEXT(PLACE_PAGE, "severity", severity),
	TEXT(PLACE_SILENCE, "id", silence),
	TEXT(PLACE_SILENCE, "author", silence_author),
	TEXT(PLACE_SILENCE, "reason", silence_reason),
};

/* The deepest is root, escalation, steps, step, pagers. */
#define OUTCOME_DEPTH 5

struct outcome_reader {
	struct jread *jread;
	struct arena *arena;
	struct outcome outcome;
	enum outcome_place places[OUTCOME_DEPTH]; /* of the open containers */
	size_t depth;
	const struct outcome_member *member; /* whose value comes next; NULL: none */
	struct buf pagers;
	unsigned int steps;
	bool has_verdict;
};

static int outcome_on_key(struct outcome_reader *reader, const char *text, size_t len)
{
	enum outcome_place in = reader->places[reader->depth - 1];

	for (size_t i = 0; i < ARRAY_LEN(outcome_members); i++) {
		const struct outcome_member *member = &outcome_members[i];
		if (member->in != in || strlen(member->key) != len ||
		    memcmp(member->key, text, len) != 0)
			continue;
		reader->member = member;
		return JREAD_GO;
	}
	return JREAD_SKIP;
}

static int outcome_enter(struct outcome_reader *reader, enum outcome_place place)
{
	reader->places[reader->depth++] = place;
	reader->has_verdict |= place == PLACE_VERDICT;
	reader->outcome.found |= place == PLACE_SUSPECT;
	reader->outcome.sent |= place == PLACE_PAGE;
	return JREAD_GO;
}

/* An item of a list that was gone into; only the first step counts. */
static int outcome_on_item(struct outcome_reader *reader, enum jread_event event, const char *text,
			   size_t len)
{
	enum outcome_place in = reader->places[reader->depth - 1];
	bool container = event == JREAD_OBJECT || event == JREAD_ARRAY;

	if (in == PLACE_TRACES)
		reader->outcome.ntraces++;
	else if (in == PLACE_STEPS && reader->steps++ == 0 && event == JREAD_OBJECT)
		return outcome_enter(reader, PLACE_STEP);
	else if (in == PLACE_PAGERS && event == JREAD_STRING)
		buf_printf(&reader->pagers, "%s%.*s", reader->pagers.len ? ", " : "", (int)len,
			   text);
	return container ? JREAD_SKIP : JREAD_GO;
}

/* The value of a member that the table names; one of another type counts as missing. */
static void outcome_take(struct outcome_reader *reader, const struct outcome_member *member,
			 enum jread_event event, const char *text, size_t len)
{
	char *field = (char *)&reader->outcome + member->offset;
	int64_t number;
	double share;

	if (member->use == USE_TEXT && event == JREAD_STRING)
		*(const char **)(void *)field = arena_strndup(reader->arena, text, len);
	else if (member->use == USE_COUNT && event == JREAD_NUMBER &&
		 jread_int64(text, len, &number) && number >= 0 && number <= UINT32_MAX)
		*(unsigned int *)(void *)field = (unsigned int)number;
	else if (member->use == USE_SHARE && event == JREAD_NUMBER &&
		 jread_double(text, len, &share))
		*(double *)(void *)field = share;
}

static int outcome_on_value(struct outcome_reader *reader, enum jread_event event, const char *text,
			    size_t len)
{
	const struct outcome_member *member = reader->member;
	bool container = event == JREAD_OBJECT || event == JREAD_ARRAY;

	reader->member = NULL;
	if (!reader->depth)
		return event == JREAD_OBJECT
			       ? outcome_enter(reader, PLACE_ROOT)
			       : err_set(jread_err(reader->jread), EBADMSG, "it is no object");
	if (!member)
		return outcome_on_item(reader, event, text, len);
	if ((member->use == USE_OBJECT && event == JREAD_OBJECT) ||
	    (member->use == USE_LIST && event == JREAD_ARRAY))
		return outcome_enter(reader, member->place);
	outcome_take(reader, member, event, text, len);
	return container ? JREAD_SKIP : JREAD_GO;
}

static int outcome_on_event(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct outcome_reader *reader = ctx;

	switch (event) {
	case JREAD_KEY:
		return outcome_on_key(reader, text, len);
	case JREAD_OBJECT_END:
	case JREAD_ARRAY_END:
		reader->depth--;
		return JREAD_GO;
	case JREAD_OBJECT:
	case JREAD_ARRAY:
	case JREAD_STRING:
	case JREAD_NUMBER:
	case JREAD_TRUE:
	case JREAD_FALSE:
	case JREAD_NULL:
		break;
	}
	return outcome_on_value(reader, event, text, len);
}

static void outcome_texts_init(struct outcome *outcome)
{
	*outcome = (struct outcome){ .sent = false };
	for (size_t i = 0; i < ARRAY_LEN(outcome_members); i++)
		if (outcome_members[i].use == USE_TEXT)
			*(const char **)(void *)((char *)outcome + outcome_members[i].offset) = "";
}

int outcome_read(struct arena *arena, const char *json, size_t len, struct outcome *ret_outcome,
		 struct err *err)
{
	struct outcome_reader reader = { .arena = arena,
					 .pagers = BUF_INIT(LIMIT_PAST_PAGERS_BYTES) };

	outcome_texts_init(&reader.outcome);
	reader.jread = jread_new(JREAD_ONE, outcome_on_event, &reader);
	int result = jread_feed(reader.jread, json, len);
	if (result == 0)
		result = jread_finish(reader.jread);
	if (result < 0)
		result = err_set(err, EBADMSG, "the stored decision cannot be read: %s",
				 jread_err(reader.jread)->text);
	else if (!reader.has_verdict)
		result =
			err_set(err, EBADMSG, "the stored decision was too large to be kept whole");
	if (result == 0) {
		reader.outcome.pagers = arena_strdup(arena, buf_text(&reader.pagers));
		*ret_outcome = reader.outcome;
	}
	jread_free(reader.jread);
	buf_fini(&reader.pagers);
	return result;
}

int outcome_of(struct arena *arena, const struct decision *decision, struct outcome *ret_outcome,
	       struct err *err)
{
	struct buf doc = BUF_INIT(LIMIT_DECISION_BYTES);

	decision_write(decision, &doc);
	int result = doc.failed ? err_set(err, E2BIG, "the decision is too large")
				: outcome_read(arena, buf_text(&doc), doc.len, ret_outcome, err);
	buf_fini(&doc);
	return result;
}

/* ---- what differs ---- */

static bool texts_differ(const char *a, const char *b)
{
	return strcmp(a, b) != 0;
}

static bool suspects_differ(const struct outcome *was, const struct outcome *now)
{
	if (!was->found || !now->found)
		return was->found != now->found;
	return texts_differ(was->suspect, now->suspect) || texts_differ(was->callee, now->callee);
}

char *outcome_name_change(const struct outcome *was, const struct outcome *now)
{
	if (!was->sent && !now->sent)
		return NULL;
	if (!now->sent)
		return xstrdup("no longer sent");
	if (!was->sent)
		return xstrdup("new");
	if (texts_differ(was->team, now->team))
		return xasprintf("%s -> %s", was->team, now->team);
	if (texts_differ(was->severity, now->severity))
		return xasprintf("from %s to %s", was->severity, now->severity);
	if (texts_differ(was->policy, now->policy) || texts_differ(was->pagers, now->pagers))
		return xstrdup("to other pagers of the team");
	if (suspects_differ(was, now))
		return xstrdup("with another suspect");
	return NULL;
}
