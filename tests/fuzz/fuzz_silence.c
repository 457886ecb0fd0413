/*
 * Fuzz: the JSON of a silence from any bytes, as the API and as the store read it. What is taken
 * can be compiled or says why not, is written so that it is read again as it was, and can be asked
 * about an alert. One that is fit to be made has an end, an author and a reason.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/silence.h"
#include "tracepager/xalloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(1788256800000000)

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void require_same(const struct silence_spec *a, const struct silence_spec *b)
{
	require(a->nmatchers == b->nmatchers && a->all == b->all && a->tell == b->tell);
	for (size_t i = 0; i < a->nmatchers; i++)
		require(strcmp(a->matchers[i], b->matchers[i]) == 0);
	require(strcmp(a->suspect, b->suspect) == 0 && strcmp(a->team, b->team) == 0);
	require(strcmp(a->author, b->author) == 0 && strcmp(a->reason, b->reason) == 0);
}

static void ask(struct made_silence *silence)
{
	struct label label = { "alertname", "DiskFull" };
	const struct labels labels = { &label, 1 };
	const struct silence_subject subject = { &labels, "ledger", "shop" };
	const struct silence_spec *spec = made_silence_spec(silence);
	struct silence_set *set = silence_set_new(&silence, 1);
	struct err err = { 0 };

	silence_set_find(set, &subject, NOW);
	require(silence_set_get(set, spec->id) == silence);
	if (made_silence_check(silence, NOW, &err) == 0)
		require(spec->ends_us > NOW && *spec->author && *spec->reason);
	else
		require(*err.text);
	silence_set_unref(set);
}

static void try_one(const uint8_t *data, size_t size, bool strict)
{
	struct arena *arena = arena_new(16u << 20);
	struct silence_spec spec = { .id = "3f2a9b1c",
				     .suspect = "",
				     .team = "",
				     .author = "",
				     .reason = "",
				     .ended_by = "" };
	struct silence_spec again = spec;
	struct buf doc = BUF_INIT(4 * LIMIT_SILENCE_DOC_BYTES);
	struct made_silence *silence;
	struct err err = { 0 };

	if (silence_spec_read(arena, (const char *)data, size, strict, &spec, &err) < 0) {
		require(err.code && *err.text);
	} else {
		silence_spec_write(&spec, NULL, NOW, &doc);
		require(!doc.failed);
		if (doc.len <= LIMIT_SILENCE_DOC_BYTES) {
			require(silence_spec_read(arena, buf_text(&doc), doc.len, true, &again,
						  &err) == 0);
			require_same(&spec, &again);
		}
		if (made_silence_new(&spec, &silence, &err) < 0) {
			require(*err.text);
		} else {
			ask(silence);
			made_silence_unref(silence);
		}
	}
	buf_fini(&doc);
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_one(data, size, true);
	try_one(data, size, false);
	return 0;
}
