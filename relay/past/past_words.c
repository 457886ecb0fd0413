/* Past words: see past_words.h. Alerts are read newest first, so that the cap leaves out old ones.
 */
#include "tracepager/past_words.h"

#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/pack.h"
#include "tracepager/past.h"

struct past_words {
	struct seen_words *words;
	size_t nalerts, ntraces;
	struct arena *arena; /* of one alert */
};

/* ---- alerts ---- */

static void add_alert_words(struct seen_words *words, const struct alert *alert)
{
	seen_words_add(words, SEEN_SENDER, NULL, alert->sender);
	for (size_t i = 0; i < alert->labels.n; i++) {
		const struct label *label = &alert->labels.at[i];
		seen_words_add(words, SEEN_LABEL, NULL, label->name);
		seen_words_add(words, SEEN_VALUE, label->name, label->value);
	}
}

/* Alerts that cannot be read, or that an older version did not keep, say nothing. */
static bool on_past_alert(void *ctx, const struct past *past)
{
	struct past_words *run = ctx;
	struct alert alert;
	struct buf text;

	if (past->alert.len == 0)
		return true;
	buf_init(&text, LIMIT_PAST_ALERT_BYTES);
	if (pack_open(past->alert.data, past->alert.len, &text, NULL) == 0 &&
	    alert_read(run->arena, buf_text(&text), text.len, &alert, NULL) == 0 &&
	    alert_synthetic(&alert) == SYNTHETIC_NONE)
		add_alert_words(run->words, &alert);
	buf_fini(&text);
	arena_reset(run->arena);
	return ++run->nalerts < LIMIT_PAST_WORDS_ALERTS;
}

/* ---- traces ---- */

static void add_resource_words(struct seen_words *words, const struct trace *trace,
			       const struct resource *resource)
{
	const struct resource_attr *attrs = trace->set->resource_attrs + resource->attrs;

	seen_words_add(words, SEEN_SERVICE, NULL, trace_text(trace, resource->service));
	for (uint32_t i = 0; i < resource->nattrs; i++)
		seen_words_add(words, SEEN_ATTRIBUTE, NULL, trace_text(trace, attrs[i].key));
}

static void add_set_words(struct seen_words *words, const struct trace_set *set)
{
	for (uint32_t i = 0; set->ntraces && i < set->nresources; i++)
		add_resource_words(words, &set->traces[0], &set->resources[i]);
	for (uint32_t i = 0; i < set->ntraces; i++) {
		const struct trace *trace = &set->traces[i];
		for (uint32_t j = 0; j < trace->nspans; j++)
			seen_words_add(words, SEEN_OPERATION, NULL,
				       trace_text(trace, trace->spans[j].name));
	}
}

/* Reads the traces of one decision. 1; 0: there are no more; -errno with err. */
static int add_next_traces(struct past_words *run, struct history *history, int64_t since_us,
			   int64_t *pos, struct err *err)
{
	struct opened opened;
	struct past past;
	struct err damaged;
	int result = history_next(history, since_us, INT64_MAX, pos, &past, err);

	if (result <= 0)
		return result;
	if (past.traces.len) {
		run->ntraces++;
		if (opened_init_traces(&opened, &past, &damaged) == 0)
			for (size_t i = 0; i < opened.nsets; i++)
				add_set_words(run->words, opened.sets[i]);
		opened_fini(&opened);
	}
	past_fini(&past);
	return 1;
}

struct seen_words *past_words_read(struct history *history, int64_t now_us, struct err *err)
{
	struct past_words run = { .words = seen_words_new(LIMIT_PAST_WORDS_DAYS),
				  .arena = arena_new(LIMIT_COMMAND_ARENA_BYTES) };
	int64_t pos = 0;
	int result = history_decisions(history, now_us - LIMIT_PAST_WORDS_DAYS * US_PER_DAY,
				       INT64_MAX, "", 0, on_past_alert, &run, err);

	if (result == 0)
		do
			result = add_next_traces(&run, history,
						 now_us - LIMIT_PAST_WORDS_TRACES_DAYS * US_PER_DAY,
						 &pos, err);
		while (result > 0 && run.ntraces < LIMIT_PAST_WORDS_TRACES);
	arena_free(run.arena);
	if (result >= 0)
		return run.words;
	seen_words_free(run.words);
	return NULL;
}
