/*
 * Alert: labels and their fingerprint, severity, and the stored form. It does not know where an
 * alert came from: formats of senders are the room format's.
 */
#include "tracepager/alert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tracepager/buf_json.h"
#include "tracepager/hash.h"
#include "tracepager/jread.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* The index of a name among the first n labels, or the index where it belongs. */
static size_t labels_find(const struct label *at, size_t n, const char *name, bool *ret_found)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(at[middle].name, name);

		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_found = false;
	return low;
}

const char *labels_get(const struct labels *labels, const char *name)
{
	bool found;
	size_t i = labels_find(labels->at, labels->n, name, &found);

	return found ? labels->at[i].value : NULL;
}

void labels_normalise(struct labels *labels)
{
	struct label *at = labels->at;
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < labels->n; i++) {
		struct label label = at[i];
		size_t place = n;
		bool found = false;

		/* Most senders sort labels: then one comparison a label is enough. */
		if (n > 0 && strcmp(at[n - 1].name, label.name) >= 0)
			place = labels_find(at, n, label.name, &found);
		if (!found) {
			memmove(at + place + 1, at + place, (n - place) * sizeof(*at));
			n++;
		}
		at[place] = label;
	}
	for (size_t i = 0; i < n; i++) {
		if (at[i].value[0] != '\0')
			at[kept++] = at[i];
	}
	labels->n = kept;
}

static uint64_t fnv1a_add(uint64_t hash, const char *text, unsigned char separator)
{
	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211u;
	return (hash ^ separator) * 1099511628211u;
}

void labels_fingerprint(const struct labels *labels, char out[FINGERPRINT_SIZE])
{
	uint64_t hash = 14695981039346656037u;

	/* 0xff separates names and values, as in Prometheus; UTF-8 has no such byte. */
	for (size_t i = 0; i < labels->n; i++) {
		hash = fnv1a_add(hash, labels->at[i].name, 0xff);
		hash = fnv1a_add(hash, labels->at[i].value, 0xff);
	}
	for (size_t i = FINGERPRINT_SIZE - 1; i-- > 0; hash >>= 4)
		out[i] = "0123456789abcdef"[hash & 15];
	out[FINGERPRINT_SIZE - 1] = '\0';
}

enum synthetic synthetic_of_key(const char *key)
{
	return strncmp(key, ALERT_FAMILY_DRILL "/", strlen(ALERT_FAMILY_DRILL "/")) == 0
		       ? SYNTHETIC_DRILL
	       : strncmp(key, ALERT_FAMILY_SELF "/", strlen(ALERT_FAMILY_SELF "/")) == 0
		       ? SYNTHETIC_SELF
		       : SYNTHETIC_NONE;
}

enum synthetic alert_synthetic(const struct alert *alert)
{
	return !alert->family					? SYNTHETIC_NONE
	       : strcmp(alert->family, ALERT_FAMILY_DRILL) == 0 ? SYNTHETIC_DRILL
	       : strcmp(alert->family, ALERT_FAMILY_SELF) == 0	? SYNTHETIC_SELF
								: SYNTHETIC_NONE;
}

static const struct {
	const char *word;
	enum severity severity;
} severity_words[] = {
	{ "critical", SEVERITY_CRITICAL }, { "page", SEVERITY_CRITICAL },
	{ "disaster", SEVERITY_CRITICAL }, { "p1", SEVERITY_CRITICAL },
	{ "error", SEVERITY_ERROR },	   { "high", SEVERITY_ERROR },
	{ "major", SEVERITY_ERROR },	   { "p2", SEVERITY_ERROR },
	{ "warning", SEVERITY_WARNING },   { "warn", SEVERITY_WARNING },
	{ "minor", SEVERITY_WARNING },	   { "p3", SEVERITY_WARNING },
	{ "info", SEVERITY_INFO },	   { "low", SEVERITY_INFO },
	{ "none", SEVERITY_INFO },	   { "p4", SEVERITY_INFO },
	{ "p5", SEVERITY_INFO },
};

const char *severity_word(size_t index, enum severity *ret_severity)
{
	if (index >= ARRAY_LEN(severity_words))
		return NULL;
	*ret_severity = severity_words[index].severity;
	return severity_words[index].word;
}

bool alert_tells_severity(const struct alert *alert, enum severity *ret_severity)
{
	static const char *const names[] = { "severity", "priority" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = labels_get(&alert->labels, names[i]);

		if (!value)
			continue;
		for (size_t j = 0; j < ARRAY_LEN(severity_words); j++) {
			if (strcasecmp(value, severity_words[j].word) == 0) {
				*ret_severity = severity_words[j].severity;
				return true;
			}
		}
	}
	return false;
}

enum severity alert_severity(const struct alert *alert)
{
	/* Somebody thought it worth an alert. */
	enum severity severity = SEVERITY_ERROR;

	alert_tells_severity(alert, &severity);
	return severity;
}

const char *severity_name(enum severity severity)
{
	switch (severity) {
	case SEVERITY_INFO:
		return "info";
	case SEVERITY_WARNING:
		return "warning";
	case SEVERITY_ERROR:
		return "error";
	case SEVERITY_CRITICAL:
		break;
	}
	return "critical";
}

/* ---- comparing ---- */

static uint64_t words_add(uint64_t hash, const char *text)
{
	const uint64_t both[2] = { hash, text ? hash_bytes(text, strlen(text)) : 0 };

	return hash_bytes(both, sizeof(both));
}

static uint64_t words_add_labels(uint64_t hash, const struct labels *labels)
{
	const uint64_t both[2] = { hash, labels->n };

	hash = hash_bytes(both, sizeof(both));
	for (size_t i = 0; i < labels->n; i++) {
		hash = words_add(hash, labels->at[i].name);
		hash = words_add(hash, labels->at[i].value);
	}
	return hash;
}

uint64_t alert_words_hash(const struct alert *alert)
{
	const int64_t numbers[] = { alert->status, alert->starts_at_us, alert->ends_by_itself };
	uint64_t hash = hash_bytes(numbers, sizeof(numbers));

	hash = words_add(hash, alert->sender);
	hash = words_add(hash, alert->family);
	hash = words_add(hash, alert->fingerprint);
	hash = words_add(hash, alert->generator_url);
	hash = words_add(hash, alert->group_key);
	hash = words_add_labels(hash, &alert->labels);
	return words_add_labels(hash, &alert->annotations);
}

/* ---- writing ---- */

static void alert_write_labels(struct buf *out, const char *member, const struct labels *labels)
{
	buf_json_key(out, member);
	buf_putc(out, '{');
	for (size_t i = 0; i < labels->n; i++)
		buf_json_text(out, labels->at[i].name, labels->at[i].value);
	buf_putc(out, '}');
}

void alert_write(const struct alert *alert, struct buf *out)
{
	buf_putc(out, '{');
	buf_json_text(out, "sender", alert->sender);
	buf_json_text(out, "family", alert->family);
	buf_json_text(out, "fingerprint", alert->fingerprint);
	buf_json_text(out, "status", alert->status == ALERT_FIRING ? "firing" : "resolved");
	alert_write_labels(out, "labels", &alert->labels);
	alert_write_labels(out, "annotations", &alert->annotations);
	buf_json_int(out, "starts_at_us", alert->starts_at_us);
	buf_json_int(out, "ends_at_us", alert->ends_at_us);
	buf_json_text(out, "generator_url", alert->generator_url);
	if (alert->group_key)
		buf_json_text(out, "group_key", alert->group_key);
	if (alert->trace)
		buf_json_text(out, "trace", alert->trace);
	buf_json_key(out, "ends_by_itself");
	buf_puts(out, alert->ends_by_itself ? "true}" : "false}");
}

/* ---- reading ---- */

enum member {
	MEMBER_SENDER,
	MEMBER_FAMILY,
	MEMBER_FINGERPRINT,
	MEMBER_STATUS,
	MEMBER_LABELS,
	MEMBER_ANNOTATIONS,
	MEMBER_STARTS_AT,
	MEMBER_ENDS_AT,
	MEMBER_GENERATOR_URL,
	MEMBER_GROUP_KEY,
	MEMBER_ENDS_BY_ITSELF,
	MEMBER_TRACE,
};

static const char *const member_names[] = {
	[MEMBER_SENDER] = "sender",
	[MEMBER_FAMILY] = "family",
	[MEMBER_FINGERPRINT] = "fingerprint",
	[MEMBER_STATUS] = "status",
	[MEMBER_LABELS] = "labels",
	[MEMBER_ANNOTATIONS] = "annotations",
	[MEMBER_STARTS_AT] = "starts_at_us",
	[MEMBER_ENDS_AT] = "ends_at_us",
	[MEMBER_GENERATOR_URL] = "generator_url",
	[MEMBER_GROUP_KEY] = "group_key",
	[MEMBER_ENDS_BY_ITSELF] = "ends_by_itself",
	[MEMBER_TRACE] = "trace",
};

struct alert_reader {
	struct jread *jread;
	struct arena *arena;
	struct alert alert;
	bool begun;
	enum member member;
	const char *name; /* of the label in work; NULL: outside of the maps */
	bool in_map;
	struct label labels[LIMIT_LABELS];
	size_t nlabels;
};

static int alert_read_fail(struct alert_reader *reader, const char *what)
{
	return err_set(jread_err(reader->jread), EBADMSG, "stored alert: %s %s",
		       member_names[reader->member], what);
}

static const char *alert_copy_text(struct alert_reader *reader, const char *text, size_t len)
{
	return !memchr(text, '\0', len) ? arena_strndup(reader->arena, text, len) : NULL;
}

static int alert_read_map(struct alert_reader *reader, enum jread_event event, const char *text,
			  size_t len)
{
	struct labels *labels = reader->member == MEMBER_LABELS ? &reader->alert.labels
								: &reader->alert.annotations;
	struct label *label = &reader->labels[reader->nlabels];

	if (event == JREAD_OBJECT_END) {
		reader->in_map = false;
		labels->n = reader->nlabels;
		labels->at = arena_array(reader->arena, labels->n, sizeof(*label));
		if (labels->n > 0)
			memcpy(labels->at, reader->labels, labels->n * sizeof(*label));
		labels_normalise(labels);
		return JREAD_GO;
	}
	if (event == JREAD_KEY) {
		if (reader->nlabels == LIMIT_LABELS)
			return alert_read_fail(reader, "has too many members");
		label->name = alert_copy_text(reader, text, len);
		return label->name ? JREAD_GO : alert_read_fail(reader, "has a NUL in a name");
	}
	label->value = event == JREAD_STRING ? alert_copy_text(reader, text, len) : NULL;
	if (!label->value)
		return alert_read_fail(reader, "has a value that is no text");
	reader->nlabels++;
	return JREAD_GO;
}

static int alert_read_string(struct alert_reader *reader, const char *text, size_t len)
{
	struct alert *alert = &reader->alert;
	const char **slot = NULL;

	switch (reader->member) {
	case MEMBER_SENDER:
		slot = &alert->sender;
		break;
	case MEMBER_FAMILY:
		slot = &alert->family;
		break;
	case MEMBER_FINGERPRINT:
		slot = &alert->fingerprint;
		break;
	case MEMBER_GENERATOR_URL:
		slot = &alert->generator_url;
		break;
	case MEMBER_GROUP_KEY:
		slot = &alert->group_key;
		break;
	case MEMBER_TRACE:
		slot = &alert->trace;
		break;
	case MEMBER_STATUS:
		if (jread_is(text, len, "firing"))
			alert->status = ALERT_FIRING;
		else if (jread_is(text, len, "resolved"))
			alert->status = ALERT_RESOLVED;
		else
			return alert_read_fail(reader, "is neither firing nor resolved");
		return JREAD_GO;
	case MEMBER_LABELS:
	case MEMBER_ANNOTATIONS:
	case MEMBER_STARTS_AT:
	case MEMBER_ENDS_AT:
	case MEMBER_ENDS_BY_ITSELF:
		return alert_read_fail(reader, "is a string");
	}
	*slot = alert_copy_text(reader, text, len);
	return *slot ? JREAD_GO : alert_read_fail(reader, "has a NUL");
}

static int alert_read_value(struct alert_reader *reader, enum jread_event event, const char *text,
			    size_t len)
{
	enum member member = reader->member;
	struct alert *alert = &reader->alert;
	int64_t number;

	if (event == JREAD_STRING)
		return alert_read_string(reader, text, len);
	if (event == JREAD_OBJECT && (member == MEMBER_LABELS || member == MEMBER_ANNOTATIONS)) {
		reader->in_map = true;
		reader->nlabels = 0;
		return JREAD_GO;
	}
	if (event == JREAD_NUMBER && (member == MEMBER_STARTS_AT || member == MEMBER_ENDS_AT) &&
	    jread_int64(text, len, &number)) {
		*(member == MEMBER_STARTS_AT ? &alert->starts_at_us : &alert->ends_at_us) = number;
		return JREAD_GO;
	}
	if ((event == JREAD_TRUE || event == JREAD_FALSE) && member == MEMBER_ENDS_BY_ITSELF) {
		alert->ends_by_itself = event == JREAD_TRUE;
		return JREAD_GO;
	}
	return alert_read_fail(reader, "is of the wrong type");
}

static int alert_on_event(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct alert_reader *reader = ctx;

	if (!reader->begun) {
		reader->begun = true;
		if (event != JREAD_OBJECT)
			return err_set(jread_err(reader->jread), EBADMSG,
				       "stored alert: not an object");
		return JREAD_GO;
	}
	if (reader->in_map)
		return alert_read_map(reader, event, text, len);
	if (event == JREAD_OBJECT_END)
		return JREAD_GO;
	if (event != JREAD_KEY)
		return alert_read_value(reader, event, text, len);
	for (size_t i = 0; i < ARRAY_LEN(member_names); i++) {
		if (strlen(member_names[i]) == len && memcmp(member_names[i], text, len) == 0) {
			reader->member = (enum member)i;
			return JREAD_GO;
		}
	}
	/* A later version wrote a member that this one does not know. */
	return JREAD_SKIP;
}

int alert_read(struct arena *arena, const char *text, size_t len, struct alert *ret_alert,
	       struct err *err)
{
	struct alert_reader *reader = xcalloc(1, sizeof(*reader));
	const struct alert *alert = &reader->alert;
	int code;

	reader->arena = arena;
	reader->alert.generator_url = "";
	reader->jread = jread_new(JREAD_ONE, alert_on_event, reader);
	code = jread_feed(reader->jread, text, len);
	if (code == 0)
		code = jread_finish(reader->jread);
	if (code != 0) {
		if (err)
			*err = *jread_err(reader->jread);
	} else if (!alert->sender || !alert->family || !alert->fingerprint) {
		code = err_set(err, EBADMSG,
			       "stored alert: sender, family or fingerprint is missing");
	} else {
		*ret_alert = *alert;
	}
	jread_free(reader->jread);
	free(reader);
	return code;
}
