/* Alert whole: see alert_whole-internal.h. Owns its lists until they are taken. */
#include "alert_whole-internal.h"

#include "alert_cut-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/sign.h"
#include "tracepager/xalloc.h"

#define MAX_FINGERPRINT_CHARS 64

/* What an alert over its caps keeps before all others: what rules match and people read. */
static const char *const whole_first_labels[] = { "alertname",	  "severity",	 "service",
						  "service_name", "instance",	 "job",
						  "cluster",	  "namespace",	 "operation",
						  "trace_id",	  "environment", NULL };
static const char *const whole_first_annotations[] = { "summary", "description", "message",
						       "runbook_url", NULL };

void alert_whole_init(struct alert_whole *whole, struct arena *arena)
{
	*whole = (struct alert_whole){ .arena = arena };
}

void alert_whole_fini(struct alert_whole *whole)
{
	free(whole->alerts);
	free(whole->refused);
	free(whole->cut);
}

static void *whole_grow(void *old, size_t n, size_t *size, size_t item_bytes)
{
	if (n < *size)
		return old;
	*size = *size ? 2 * *size : 16;
	return xrealloc_array(old, *size, item_bytes);
}

/* Has the arena this room, beside what alert_whole_take() will take? */
static bool whole_has_room(const struct alert_whole *whole, size_t bytes)
{
	size_t later = (whole->nalerts + 1) * sizeof(*whole->alerts) +
		       (whole->nrefused + whole->ncut + 2) * sizeof(*whole->refused);

	return arena_room(whole->arena) > bytes + later;
}

static void one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

static const char *whole_note_text(struct alert_whole *whole, unsigned int index, const char *says)
{
	char *text = arena_printf(whole->arena, "alert %u: %.*s", index, LIMIT_ALERT_NOTE_BYTES / 2,
				  says);

	one_line(text);
	return text;
}

void alert_whole_refuse(struct alert_whole *whole, unsigned int index, const char *reason)
{
	struct alert_note note = {
		.index = index,
		.text = "refused too; the reasons of further alerts are not listed",
	};

	if (whole->nrefused < LIMIT_REFUSED_TOLD && whole_has_room(whole, LIMIT_ALERT_NOTE_BYTES))
		note.text = whole_note_text(whole, index, reason);
	whole->refused = whole_grow(whole->refused, whole->nrefused, &whole->refused_size,
				    sizeof(*whole->refused));
	whole->refused[whole->nrefused++] = note;
}

void alert_whole_tell(struct alert_whole *whole, unsigned int index, const char *says)
{
	struct alert_note note = {
		.index = index,
		.text = "cut too; what was cut of further alerts is not listed",
	};

	if (whole->ncut < LIMIT_REFUSED_TOLD && whole_has_room(whole, LIMIT_ALERT_NOTE_BYTES))
		note.text = whole_note_text(whole, index, says);
	whole->cut = whole_grow(whole->cut, whole->ncut, &whole->cut_size, sizeof(*whole->cut));
	whole->cut[whole->ncut++] = note;
}

/* ---- an alert ---- */

/* An id of letters, digits, '.', '_' and '-' stays as it is; of another one it is a hash. */
static const char *whole_fingerprint(struct arena *arena, const char *id)
{
	static const char key[] = "tracepager alert id", digits[] = "0123456789abcdef";
	size_t len = strlen(id);
	unsigned char mac[HMAC_SHA256_BYTES];
	char *text;

	if (len && len <= MAX_FINGERPRINT_CHARS &&
	    strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-") == len)
		return arena_strdup(arena, id);
	hmac_sha256(key, sizeof(key) - 1, id, len, mac);
	text = arena_alloc(arena, HMAC_SHA256_BYTES + 1);
	for (size_t i = 0; i < HMAC_SHA256_BYTES / 2; i++) {
		text[2 * i] = digits[mac[i] >> 4];
		text[2 * i + 1] = digits[mac[i] & 15];
	}
	text[HMAC_SHA256_BYTES] = '\0';
	return text;
}

/* All labels or annotations, sorted, in memory of their own: caller frees at. Of a name that is
 * given twice the last one counts. */
static struct labels whole_sort(const struct labels *labels)
{
	struct labels sorted = { .at = xcalloc(labels->n + 1, sizeof(*sorted.at)), .n = labels->n };

	if (labels->n)
		memcpy(sorted.at, labels->at, labels->n * sizeof(*sorted.at));
	labels_normalise(&sorted);
	return sorted;
}

static size_t write_loss(char *out, size_t size, const char *what, const struct alert_cut *cut)
{
	if (!cut->left_out && !cut->shortened)
		return 0;
	return (size_t)snprintf(out, size, "%zu of %zu %s left out, %zu shortened", cut->left_out,
				cut->given, what, cut->shortened);
}

/* Tells whoever is paged, and the sender, what the alert has lost. */
static void whole_tell_cut(struct alert_whole *whole, unsigned int index, struct alert *alert,
			   const struct alert_cut cut[2])
{
	char text[256] = "";
	size_t len = write_loss(text, sizeof(text), "labels", &cut[0]);

	if (len && (cut[1].left_out || cut[1].shortened))
		len += (size_t)snprintf(text + len, sizeof(text) - len, ", ");
	len += write_loss(text + len, sizeof(text) - len, "annotations", &cut[1]);
	if (!len)
		return;
	struct label *at = arena_array(whole->arena, alert->annotations.n + 1, sizeof(*at));
	if (alert->annotations.n)
		memcpy(at, alert->annotations.at, alert->annotations.n * sizeof(*at));
	at[alert->annotations.n] = (struct label){
		.name = "tracepager_cut",
		.value = arena_printf(whole->arena, "this alert was too large: %s", text),
	};
	alert->annotations = (struct labels){ .at = at, .n = alert->annotations.n + 1 };
	labels_normalise(&alert->annotations);
	alert_whole_tell(whole, index, text);
}

static void whole_fill(struct alert_whole *whole, unsigned int index, const struct alert *alert,
		       const char *id, const struct labels *labels,
		       const struct labels *annotations, struct alert *kept)
{
	char of_labels[FINGERPRINT_SIZE];
	struct alert_cut cut[2];
	size_t room = LIMIT_ALERT_BYTES;

	*kept = *alert;
	labels_fingerprint(labels, of_labels);
	kept->fingerprint =
		id ? whole_fingerprint(whole->arena, id) : arena_strdup(whole->arena, of_labels);
	kept->labels = alert_cut_map(whole->arena, labels, whole_first_labels, LIMIT_LABELS, &room,
				     &cut[0]);
	kept->annotations = alert_cut_map(whole->arena, annotations, whole_first_annotations,
					  LIMIT_LABELS - 1, &room, &cut[1]);
	kept->generator_url = arena_strndup(whole->arena, alert->generator_url,
					    strnlen(alert->generator_url, LIMIT_LABEL_BYTES));
	whole_tell_cut(whole, index, kept, cut);
}

/* The most that whole_fill() takes of the arena. */
static size_t whole_bytes(const struct labels *labels, const struct labels *annotations)
{
	size_t bytes = 2 * LIMIT_LABEL_BYTES + 4 * LIMIT_ALERT_NOTE_BYTES;

	for (size_t i = 0; i < labels->n; i++)
		bytes += strlen(labels->at[i].name) + strlen(labels->at[i].value) + 64;
	for (size_t i = 0; i < annotations->n; i++)
		bytes += strlen(annotations->at[i].name) + strlen(annotations->at[i].value) + 64;
	const size_t most = 2 * LIMIT_ALERT_BYTES + 4 * LIMIT_LABELS * sizeof(struct label);
	return bytes < most ? bytes : most;
}

void alert_whole_add(struct alert_whole *whole, unsigned int index, const struct alert *alert,
		     const char *id)
{
	struct labels labels = whole_sort(&alert->labels),
		      annotations = whole_sort(&alert->annotations);

	if (!labels.n) {
		alert_whole_refuse(whole, index, "it has no labels");
	} else if (!whole_has_room(whole, whole_bytes(&labels, &annotations))) {
		whole->failed = true;
		whole->failed_at = index;
	} else {
		whole->alerts = whole_grow(whole->alerts, whole->nalerts, &whole->alerts_size,
					   sizeof(*whole->alerts));
		whole_fill(whole, index, alert, id, &labels, &annotations,
			   &whole->alerts[whole->nalerts++]);
	}
	free(labels.at);
	free(annotations.at);
}

/* ---- the batch ---- */

int alert_whole_fail(const struct alert_whole *whole, struct err *err)
{
	return err_set(err, ENOMEM, "the memory of one request is used up at alert %u",
		       whole->failed_at);
}

static void *whole_keep(struct arena *arena, const void *items, size_t n, size_t item_bytes)
{
	void *copy = arena_array(arena, n, item_bytes);

	if (n)
		memcpy(copy, items, n * item_bytes);
	return copy;
}

void alert_whole_take(struct alert_whole *whole, struct alert_batch *ret_batch)
{
	struct arena *arena = whole->arena;

	whole->batch.alerts =
		whole_keep(arena, whole->alerts, whole->nalerts, sizeof(*whole->alerts));
	whole->batch.nalerts = whole->nalerts;
	whole->batch.refused =
		whole_keep(arena, whole->refused, whole->nrefused, sizeof(*whole->refused));
	whole->batch.nrefused = whole->nrefused;
	whole->batch.cut = whole_keep(arena, whole->cut, whole->ncut, sizeof(*whole->cut));
	whole->batch.ncut = whole->ncut;
	*ret_batch = whole->batch;
}
