/*
 * Rule tests, reading: members of a test's map, with findings like those of check. Owns nothing;
 * the test's arena keeps what is made.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ruletest-internal.h"
#include "tracepager/alert_format.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

bool test_map(const struct test_reader *reader, const struct ynode *node, const char *what)
{
	if (node->kind == YNODE_MAP)
		return true;
	TEST_ERROR(reader, node, "E014", "write {name: value}, or indented lines below it",
		   "%s must be a map, not %s", what, ynode_kind_name(node));
	return false;
}

void test_known(const struct test_reader *reader, const struct ynode *map, const char *what,
		const char *const *known, size_t n)
{
	for (size_t i = 0; i < map->n; i++) {
		const char *key = map->keys[i]->text;
		size_t j = 0;
		while (j < n && strcmp(known[j], key) != 0)
			j++;
		if (j == n)
			TEST_ERROR(reader, map->keys[i], "E011",
				   words_hint(reader->arena, key, known, n),
				   "%s has no option \"%.200s\"", what, key);
	}
}

const char *test_text(const struct test_reader *reader, const struct ynode *node, const char *what)
{
	if (!node)
		return NULL;
	if (node->kind != YNODE_SCALAR)
		TEST_ERROR(reader, node, "E014", "write one value, without brackets and members",
			   "%s must be a text, not %s", what, ynode_kind_name(node));
	else if (ynode_is_empty(node))
		TEST_ERROR(reader, node, "E033", "give it a value, or leave it out", "%s is empty",
			   what);
	else if (!node->bad)
		return node->text;
	return NULL;
}

size_t test_word(const struct test_reader *reader, const struct ynode *node, const char *what,
		 const char *const *words, size_t n)
{
	const char *text = test_text(reader, node, what);

	for (size_t i = 0; text && i < n; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	if (text)
		TEST_ERROR(reader, node, "E032", words_hint(reader->arena, text, words, n),
			   "%s cannot be \"%.200s\"", what, text);
	return SIZE_MAX;
}

bool test_time(const struct test_reader *reader, const struct ynode *node, const char *what,
	       int64_t *ret_us)
{
	const char *text = test_text(reader, node, what);

	if (!text)
		return false;
	if (rfc3339_parse(text, strlen(text), ret_us) == 0 && *ret_us)
		return true;
	TEST_ERROR(reader, node, "E042", "write 2026-01-31T03:00:00Z, or +01:00 in place of Z",
		   "%s is not a time: \"%.100s\"", what, text);
	return false;
}

bool test_duration(const struct test_reader *reader, const struct ynode *node, const char *what,
		   int64_t *ret_us)
{
	const char *text = test_text(reader, node, what);

	if (!text)
		return false;
	if (duration_parse(text, ret_us))
		return true;
	TEST_ERROR(reader, node, "E016", "write a number and a unit: 120ms, 2s, 1m",
		   "%s is not a duration: \"%.100s\"", what, text);
	return false;
}

struct labels test_labels(const struct test_reader *reader, const struct ynode *node,
			  const char *what)
{
	struct labels labels = { .at = NULL };

	if (!node || !test_map(reader, node, what))
		return labels;
	labels.at = arena_array(reader->arena, node->n, sizeof(*labels.at));
	for (size_t i = 0; i < node->n; i++) {
		const char *name = node->keys[i]->text;
		/* "" is a value: it says that the label is absent. */
		const char *value = node->items[i]->quoted
					    ? node->items[i]->text
					    : test_text(reader, node->items[i], name);
		if (value)
			labels.at[labels.n++] = (struct label){ .name = name, .value = value };
	}
	labels_normalise(&labels);
	return labels;
}

int test_file_read(const struct test_reader *reader, const struct ynode *node, struct buf *ret_text)
{
	const char *slash = strrchr(reader->doc->file, '/');
	int folder = *node->text == '/' || !slash ? 0 : (int)(slash + 1 - reader->doc->file);
	const char *path =
		arena_printf(reader->arena, "%.*s%s", folder, reader->doc->file, node->text);
	struct stat status;
	/* Reading a pipe would never end. */
	int error = stat(path, &status) < 0 ? -errno : S_ISREG(status.st_mode) ? 0 : -EINVAL;
	CLEANUP_FCLOSE FILE *file = error ? NULL : fopen(path, "rbe");

	if (!error)
		error = file ? buf_read(ret_text, file) : -errno;
	if (error == -EINVAL)
		TEST_ERROR(reader, node, "E001", "name a file", "%s is not a regular file", path);
	else if (error)
		TEST_ERROR(reader, node, "E001", ydoc_unread_hint(-error), "%s cannot be read: %s",
			   path, strerror(-error));
	return error;
}

static bool alert_from_file(const struct test_reader *reader, const struct ynode *node,
			    struct alert *ret_alert)
{
	struct buf text = BUF_INIT(LIMIT_BODY_BYTES);
	struct alert_batch batch = { .alerts = NULL };
	struct err err = { .code = 0 };

	if (test_file_read(reader, node, &text) < 0) {
		buf_fini(&text);
		return false;
	}
	const struct alert_body body = { .text = buf_text(&text),
					 .len = text.len,
					 .now_us = reader->now_us };
	int error = alert_parse_any(reader->arena, &body, &batch, &err);
	if (!error && !batch.nalerts)
		error = err_set(&err, EBADMSG, "%s",
				batch.nrefused ? batch.refused[0].text : "there is no alert in it");
	if (error)
		TEST_ERROR(reader, node, "T002",
			   "write alerts in a form that senders have: tracepager explain --alert "
			   "FILE reads the same",
			   "%s, line %d: %s", node->text, err.line, err.text);
	else
		*ret_alert = batch.alerts[alert_first_firing(&batch)];
	buf_fini(&text);
	return !error;
}

bool test_alert(const struct test_reader *reader, const struct ynode *node, struct alert *ret_alert)
{
	static const char *const known[] = { "labels",	  "annotations", "status",
					     "starts_at", "sender",	 "generator_url" };
	static const char *const statuses[] = { "firing", "resolved" };
	char *fingerprint = arena_alloc(reader->arena, FINGERPRINT_SIZE);
	const struct ynode *member;

	if (node->kind == YNODE_SCALAR && !ynode_is_empty(node))
		return alert_from_file(reader, node, ret_alert);
	if (!test_map(reader, node, "\"alert\""))
		return false;
	test_known(reader, node, "\"alert\"", known, ARRAY_LEN(known));
	*ret_alert = (struct alert){ .sender = "test", .family = "prometheus" };
	ret_alert->labels = test_labels(reader, ynode_get(node, "labels"), "\"labels\"");
	ret_alert->annotations =
		test_labels(reader, ynode_get(node, "annotations"), "\"annotations\"");
	member = ynode_get(node, "status");
	if (member && test_word(reader, member, "\"status\"", statuses, 2) == 1)
		ret_alert->status = ALERT_RESOLVED;
	member = ynode_get(node, "sender");
	if (member && test_text(reader, member, "\"sender\""))
		ret_alert->sender = member->text;
	member = ynode_get(node, "generator_url");
	ret_alert->generator_url = member ? test_text(reader, member, "\"generator_url\"") : NULL;
	if (!ret_alert->generator_url)
		ret_alert->generator_url = "";
	ret_alert->starts_at_us = reader->now_us;
	test_time(reader, ynode_get(node, "starts_at"), "\"starts_at\"", &ret_alert->starts_at_us);
	labels_fingerprint(&ret_alert->labels, fingerprint);
	ret_alert->fingerprint = fingerprint;
	return true;
}

bool test_fallback(const struct test_reader *reader, const struct ynode *node, const char *what,
		   enum fallback_code *ret_code)
{
	const char *names[FALLBACK_CODES];

	for (unsigned int i = 0; i < FALLBACK_CODES; i++)
		names[i] = fallback_code_name((enum fallback_code)i);
	size_t found = test_word(reader, node, what, names, FALLBACK_CODES);
	if (found == SIZE_MAX)
		return false;
	*ret_code = (enum fallback_code)found;
	return true;
}
