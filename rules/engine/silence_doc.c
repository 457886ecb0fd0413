/*
 * The JSON of silences: read from the API and from the store, and written for both. See silence.h.
 */
#include <errno.h>

#include "engine-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/jread.h"
#include "tracepager/plain.h"
#include "tracepager/silence.h"

enum silence_member_kind {
	SILENCE_TEXT,
	SILENCE_WORDS, /* of a person */
	SILENCE_FLAG,
	SILENCE_TIME,
	SILENCE_SECONDS,
	SILENCE_LIST,
	SILENCE_SKIPPED, /* it is written, and means nothing when read */
};

struct silence_member {
	const char *name;
	enum silence_member_kind kind;
	size_t offset, most; /* most: bytes of a text */
};

#define AT(field) offsetof(struct silence_spec, field)
static const struct silence_member silence_members[] = {
	{ "id", SILENCE_TEXT, AT(id), LIMIT_RULE_NAME_BYTES },
	{ "matchers", SILENCE_LIST, 0, LIMIT_GLOB_BYTES },
	{ "suspect", SILENCE_TEXT, AT(suspect), LIMIT_GLOB_BYTES },
	{ "team", SILENCE_TEXT, AT(team), LIMIT_RULE_NAME_BYTES },
	{ "all", SILENCE_FLAG, AT(all), 0 },
	{ "tell", SILENCE_FLAG, AT(tell), 0 },
	{ "starts_at", SILENCE_TIME, AT(starts_us), 0 },
	{ "ends_at", SILENCE_TIME, AT(ends_us), 0 },
	{ "duration_s", SILENCE_SECONDS, 0, 0 },
	{ "author", SILENCE_WORDS, AT(author), LIMIT_RULE_NAME_BYTES },
	{ "reason", SILENCE_WORDS, AT(reason), LIMIT_ACT_TEXT_BYTES },
	{ "created_at", SILENCE_TIME, AT(created_us), 0 },
	{ "ended_by", SILENCE_TEXT, AT(ended_by), LIMIT_RULE_NAME_BYTES },
	{ "state", SILENCE_SKIPPED, 0, 0 },
	{ "source", SILENCE_SKIPPED, 0, 0 },
	{ "place", SILENCE_SKIPPED, 0, 0 },
};
#undef AT

struct silence_reader {
	struct jread *json;
	struct arena *arena;
	struct silence_spec *spec;
	bool strict;
	const struct silence_member *member;
	int64_t duration_s; /* 0: none is given */
};

static void *silence_field(const struct silence_reader *reader)
{
	return (char *)reader->spec + reader->member->offset;
}

static int silence_is_not(const struct silence_reader *reader, const char *what)
{
	return err_set(jread_err(reader->json), EINVAL, "%s must be %s", reader->member->name,
		       what);
}

static const struct silence_member *silence_member_of(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(silence_members); i++)
		if (strlen(silence_members[i].name) == len &&
		    memcmp(silence_members[i].name, name, len) == 0)
			return &silence_members[i];
	return NULL;
}

static int silence_read_key(struct silence_reader *reader, const char *name, size_t len)
{
	reader->member = silence_member_of(name, len);
	if (!reader->member && reader->strict)
		return err_set(jread_err(reader->json), EINVAL,
			       "a silence has no member \"%.*s\": it has matchers, suspect, team, "
			       "all, tell, starts_at, ends_at, duration_s, author, reason",
			       len > LIMIT_SHOWN_BYTES ? (int)LIMIT_SHOWN_BYTES : (int)len, name);
	if (!reader->member || reader->member->kind == SILENCE_SKIPPED)
		return JREAD_SKIP;
	if (reader->member->kind == SILENCE_LIST)
		reader->spec->nmatchers = 0;
	return JREAD_GO;
}

static int silence_read_text(struct silence_reader *reader, const char *text, size_t len)
{
	const struct silence_member *member = reader->member;
	struct silence_spec *spec = reader->spec;

	if (member->kind == SILENCE_TIME) {
		int64_t *time = silence_field(reader);
		return rfc3339_parse(text, len, time) < 0
			       ? silence_is_not(reader, "a time such as 2026-09-01T22:00:00Z")
			       : JREAD_GO;
	}
	if (member->kind != SILENCE_TEXT && member->kind != SILENCE_WORDS &&
	    member->kind != SILENCE_LIST)
		return silence_is_not(reader,
				      member->kind == SILENCE_FLAG ? "true or false" : "a number");
	if (len > member->most)
		return err_set(jread_err(reader->json), EINVAL, "%s has more than %zu bytes",
			       member->name, member->most);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return silence_is_not(reader, "one line without control characters");
	const char *kept = arena_strndup(reader->arena, text, len);
	if (member->kind == SILENCE_WORDS)
		kept = plain_words(reader->arena, kept, true);
	if (member->kind != SILENCE_LIST) {
		memcpy(silence_field(reader), &kept, sizeof(kept));
		return JREAD_GO;
	}
	if (spec->nmatchers == LIMIT_SILENCE_MATCHERS)
		return err_set(jread_err(reader->json), EINVAL, "there are more than %u matchers",
			       LIMIT_SILENCE_MATCHERS);
	spec->matchers[spec->nmatchers++] = kept;
	return JREAD_GO;
}

static int silence_read_flag(struct silence_reader *reader, bool value)
{
	if (reader->member->kind != SILENCE_FLAG)
		return silence_is_not(reader, "a text");
	*(bool *)silence_field(reader) = value;
	return JREAD_GO;
}

static int silence_read_number(struct silence_reader *reader, const char *text, size_t len)
{
	if (reader->member->kind != SILENCE_SECONDS)
		return silence_is_not(reader, "a text");
	if (!jread_int64(text, len, &reader->duration_s) || reader->duration_s <= 0 ||
	    reader->duration_s > LIMIT_DURATION_US / US_PER_SECOND)
		return silence_is_not(reader, "a number of seconds above 0");
	return JREAD_GO;
}

static int silence_on_value(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct silence_reader *reader = ctx;
	int depth = jread_depth(reader->json);
	bool in_list = depth == 2 && reader->member && reader->member->kind == SILENCE_LIST;

	if (event == JREAD_OBJECT_END || event == JREAD_ARRAY_END ||
	    (event == JREAD_OBJECT && depth == 1) || (event == JREAD_ARRAY && in_list))
		return JREAD_GO;
	if (depth == 0 || event == JREAD_OBJECT || event == JREAD_ARRAY ||
	    (depth == 2 && event != JREAD_STRING))
		return err_set(jread_err(reader->json), EINVAL,
			       depth > 1 ? "matchers must be texts such as alertname=\"DiskFull\""
					 : "a silence must be an object");
	switch (event) {
	case JREAD_KEY:
		return silence_read_key(reader, text, len);
	case JREAD_STRING:
		return silence_read_text(reader, text, len);
	case JREAD_NUMBER:
		return silence_read_number(reader, text, len);
	case JREAD_TRUE:
	case JREAD_FALSE:
		return silence_read_flag(reader, event == JREAD_TRUE);
	case JREAD_NULL:
	case JREAD_OBJECT:
	case JREAD_OBJECT_END:
	case JREAD_ARRAY:
	case JREAD_ARRAY_END:
		break;
	}
	return JREAD_GO; /* null: as if it were missing */
}

int silence_spec_read(struct arena *arena, const char *text, size_t len, bool strict,
		      struct silence_spec *spec, struct err *err)
{
	struct silence_spec read = *spec;
	struct silence_reader reader = { .arena = arena, .spec = &read, .strict = strict };
	int result;

	if (len > LIMIT_SILENCE_DOC_BYTES)
		return err_set(err, E2BIG, "a silence has at most %u bytes",
			       LIMIT_SILENCE_DOC_BYTES);
	reader.json = jread_new(JREAD_ONE, silence_on_value, &reader);
	result = jread_feed(reader.json, text, len);
	if (result == 0)
		result = jread_finish(reader.json);
	if (result < 0 && err)
		*err = *jread_err(reader.json);
	jread_free(reader.json);
	if (result < 0)
		return result;
	if (reader.duration_s)
		read.ends_us = read.starts_us + reader.duration_s * US_PER_SECOND;
	*spec = read;
	return 0;
}

static void silence_write_time(struct buf *out, const char *name, int64_t at_us)
{
	char at[RFC3339_SIZE];

	buf_json_text(out, name, at_us ? rfc3339_format(at_us, at) : NULL);
}

static void silence_write_flag(struct buf *out, const char *name, bool value)
{
	buf_json_key(out, name);
	buf_puts(out, value ? "true" : "false");
}

void silence_spec_write(const struct silence_spec *spec, const char *rules_place, int64_t now_us,
			struct buf *out)
{
	char place[SILENCE_ID_SIZE + 16];

	snprintf(place, sizeof(place), "silence %s", spec->id);
	buf_putc(out, '{');
	buf_json_text(out, "id", rules_place ? NULL : spec->id);
	buf_json_text(out, "state",
		      silence_state_name(silence_spec_start_us(spec), spec->ends_us, now_us));
	buf_json_text(out, "source", rules_place ? "rules" : "api");
	buf_json_text(out, "place", rules_place ? rules_place : place);
	buf_json_key(out, "matchers");
	buf_putc(out, '[');
	for (size_t i = 0; i < spec->nmatchers; i++) {
		buf_puts(out, i ? "," : "");
		buf_json_string(out, spec->matchers[i]);
	}
	buf_putc(out, ']');
	buf_json_text(out, "suspect", spec->suspect);
	buf_json_text(out, "team", spec->team);
	silence_write_flag(out, "all", spec->all);
	silence_write_flag(out, "tell", spec->tell);
	silence_write_time(out, "starts_at", spec->starts_us);
	silence_write_time(out, "ends_at", spec->ends_us);
	buf_json_text(out, "author", spec->author);
	buf_json_text(out, "reason", spec->reason);
	silence_write_time(out, "created_at", spec->created_us);
	buf_json_text(out, "ended_by", spec->ended_by);
	buf_putc(out, '}');
}

int64_t silence_spec_start_us(const struct silence_spec *spec)
{
	return spec->starts_us <= spec->created_us ? 0 : spec->starts_us;
}

const char *silence_state_name(int64_t starts_us, int64_t ends_us, int64_t now_us)
{
	return now_us >= ends_us ? "ended" : now_us < starts_us ? "pending" : "active";
}

void silence_spec_scope(const struct silence_spec *spec, struct buf *out)
{
	const char *comma = "";

	for (size_t i = 0; i < spec->nmatchers; i++, comma = ", ")
		buf_printf(out, "%s%s", comma, spec->matchers[i]);
	if (*spec->suspect) {
		buf_printf(out, "%ssuspect %s", comma, spec->suspect);
		comma = ", ";
	}
	if (*spec->team) {
		buf_printf(out, "%steam %s", comma, spec->team);
		comma = ", ";
	}
	if (!*comma)
		buf_puts(out, "every alert");
}
