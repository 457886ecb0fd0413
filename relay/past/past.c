/*
 * Past decisions: opened, and decided again. The store keeps a decision's inputs: alert, traces,
 * healthy evidence and time. Where the traces are gone, the stored verdict replaces the vote, and
 * only owner, routes and page are decided again.
 *
 * The deciding itself is decide()'s.
 */
#include "tracepager/past.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/pack.h"
#include "tracepager/trace_decoder.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"

const char *past_time_text(int64_t us, char out[PAST_TIME_SIZE])
{
	time_t seconds = (time_t)(us / US_PER_SECOND);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(out, PAST_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(out, PAST_TIME_SIZE, "?");
	return out;
}

/* ---- events ---- */

/* "FROM -> TO: reason" */
bool past_handed_on(struct arena *arena, const char *text, struct handed_on *ret_handed)
{
	const char *arrow = strstr(text, " -> ");

	if (!arrow || arrow == text)
		return false;
	const char *to = arrow + strlen(" -> "), *colon = strstr(to, ": ");
	size_t len = colon ? (size_t)(colon - to) : strlen(to);
	if (!colon && len && to[len - 1] == ':')
		len--;
	if (!len)
		return false;
	*ret_handed = (struct handed_on){
		.from = arena_strndup(arena, text, (size_t)(arrow - text)),
		.to = arena_strndup(arena, to, len),
		.reason = colon ? arena_strdup(arena, colon + 2) : "",
	};
	return true;
}

/* ---- opening ---- */

static int open_blob(const struct blob *blob, size_t cap_bytes, const char *what, struct buf *out,
		     struct err *err)
{
	buf_init(out, cap_bytes);
	int result = pack_open(blob->data, blob->len, out, err);
	if (result < 0)
		err_prefix(err, "the stored %s", what);
	return result;
}

static int open_alert(struct opened *opened, struct err *err)
{
	struct buf text;

	if (!opened->past->alert.len)
		return err_set(err, ENOENT, "an older version kept the decision without its alert");
	int result = open_blob(&opened->past->alert, LIMIT_PAST_ALERT_BYTES, "alert", &text, err);
	if (result == 0)
		result = alert_read(opened->arena, buf_text(&text), text.len, &opened->alert, err);
	buf_fini(&text);
	return result;
}

static int open_outcome(struct opened *opened, struct err *err)
{
	struct buf text;
	int result =
		open_blob(&opened->past->decision, LIMIT_DECISION_BYTES, "decision", &text, err);

	if (result == 0)
		result = outcome_read(opened->arena, buf_text(&text), text.len, &opened->was, err);
	buf_fini(&text);
	return result;
}

static int open_message(struct opened *opened, const char *data, size_t len,
			const struct trace_options *options, struct err *err)
{
	struct trace_decoder *decoder = trace_decoder_new(TRACE_ENCODING_OTLP_PROTO, options);
	struct trace_set *set = NULL;
	int result = trace_decoder_feed(decoder, data, len, err);

	if (result == 0)
		result = trace_decoder_finish(decoder, &set, err);
	trace_decoder_free(decoder);
	if (result < 0)
		return result;
	opened->sets[opened->nsets++] = set;
	for (uint32_t i = 0; i < set->ntraces && opened->ntraces < LIMIT_TRACES_PER_ALERT; i++)
		opened->traces[opened->ntraces++] = &set->traces[i];
	opened->messages[opened->nmessages++] = (struct message){ data, len };
	return 0;
}

static int open_traces(struct opened *opened, const struct ruleset *rules, struct err *err)
{
	struct trace_options options = { .extra_names = NULL };
	struct buf *plain = &opened->plain_traces;
	const char *data;
	size_t len;
	int result = open_blob(&opened->past->traces, LIMIT_STORED_TRACES_RAW_BYTES, "traces",
			       plain, err);

	if (rules)
		options.extra_names = rules_attr_names(rules, &options.nextra_names);
	opened->sets = xcalloc(LIMIT_TRACES_PER_ALERT, sizeof(struct trace_set *));
	opened->traces = xcalloc(LIMIT_TRACES_PER_ALERT, sizeof(struct trace *));
	opened->messages = xcalloc(LIMIT_TRACES_PER_ALERT, sizeof(*opened->messages));
	const char *at = buf_text(plain), *end = at + plain->len;
	while (result == 0 && at < end && opened->nsets < LIMIT_TRACES_PER_ALERT)
		result = pack_next_message(&at, end, &data, &len)
				 ? open_message(opened, data, len, &options, err)
				 : err_set(err, EBADMSG, "the stored traces are cut");
	return result;
}

static int open_healthy(struct opened *opened, struct err *err)
{
	struct buf plain;
	int result = open_blob(&opened->past->healthy, LIMIT_STORED_TRACES_RAW_BYTES,
			       "healthy evidence", &plain, err);

	if (result == 0) {
		if (!evidence_decode_both(buf_text(&plain), plain.len, &opened->healthy,
					  &opened->ordinary))
			result = err_set(err, EBADMSG, "the stored healthy evidence is damaged");
	}
	buf_fini(&plain);
	return result;
}

static enum suspect_kind kind_named(const char *name)
{
	for (int kind = SUSPECT_SPAN; kind <= SUSPECT_EDGE; kind++)
		if (strcmp(suspect_kind_name((enum suspect_kind)kind), name) == 0)
			return (enum suspect_kind)kind;
	return SUSPECT_SPAN;
}

static enum fallback_code fallback_named(const char *name)
{
	for (int code = FALLBACK_NONE; code <= FALLBACK_CRASHED; code++)
		if (strcmp(fallback_code_name((enum fallback_code)code), name) == 0)
			return (enum fallback_code)code;
	return FALLBACK_NONE;
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

/* Makes a verdict from the decision's JSON, for a decision whose traces are gone. Whether the
 * suspect has an owner is left to the rules. */
static void restore_verdict(struct opened *opened)
{
	const struct outcome *was = &opened->was;
	enum fallback_code fallback = fallback_named(was->fallback);
	struct verdict *told = &opened->told;

	*told = (struct verdict){
		.found = was->found,
		.confidence = was->confidence,
		.agree = was->agree,
		.of = was->of,
		.fallback = fallback == FALLBACK_NO_OWNER ? FALLBACK_NONE : fallback,
		.suspect = { .service = was->suspect,
			     .namespace = was->namespace,
			     .operation = was->operation,
			     .kind = kind_named(was->kind),
			     .callee = or_null(was->callee),
			     .error = or_null(was->error) },
	};
	if (told->fallback != FALLBACK_NONE)
		told->fallback_text = was->fallback_text;
	if (told->suspect.callee)
		told->suspect.peers[told->suspect.npeers++] = told->suspect.callee;
	opened->by_told = true;
}

static void restore_silence(struct opened *opened)
{
	const struct outcome *was = &opened->was;
	const struct silence_spec spec = { .id = was->silence,
					   .suspect = "",
					   .team = "",
					   .ends_us = INT64_MAX,
					   .author = was->silence_author,
					   .reason = was->silence_reason,
					   .ended_by = "" };
	struct made_silence *silence;

	if (!*was->silence || made_silence_new(&spec, &silence, NULL) < 0)
		return;
	opened->silences = silence_set_new(&silence, 1);
	made_silence_unref(silence);
}

int opened_init(struct opened *opened, const struct past *past, const struct ruleset *rules,
		struct err *err)
{
	*opened = (struct opened){ .arena = arena_new(LIMIT_COMMAND_ARENA_BYTES), .past = past };
	int result = open_outcome(opened, err);
	if (result == 0)
		result = open_alert(opened, err);
	if (result == 0 && past->traces.len)
		result = open_traces(opened, rules, err);
	if (result == 0 && past->healthy.len)
		result = open_healthy(opened, err);
	if (result == 0 && past->kept == STORED_TRACES_LOST)
		restore_verdict(opened);
	if (result == 0)
		restore_silence(opened);
	return result;
}

int opened_init_traces(struct opened *opened, const struct past *past, struct err *err)
{
	*opened = (struct opened){ .past = past };
	return past->traces.len ? open_traces(opened, NULL, err) : 0;
}

void opened_fini(struct opened *opened)
{
	for (size_t i = 0; i < opened->nsets; i++)
		trace_set_free(opened->sets[i]);
	buf_fini(&opened->plain_traces);
	free(opened->sets);
	free(opened->traces);
	free(opened->messages);
	evidence_free(opened->healthy);
	evidence_free(opened->ordinary);
	silence_set_unref(opened->silences);
	arena_free(opened->arena);
	*opened = (struct opened){ .arena = NULL };
}

enum fallback_code opened_missing(const struct opened *opened)
{
	enum fallback_code code = fallback_named(opened->was.fallback);

	switch (code) {
	case FALLBACK_NO_TRACE:
	case FALLBACK_TRACE_NOT_FOUND:
	case FALLBACK_TRACE_TOO_LARGE:
	case FALLBACK_BAD_TRACE:
	case FALLBACK_BUDGET_SPENT:
	case FALLBACK_SOURCE_ERROR:
	case FALLBACK_CRASHED:
		return opened->ntraces ? FALLBACK_NONE : code;
	case FALLBACK_NONE:
	case FALLBACK_NO_SIGNAL:
	case FALLBACK_NO_FAILING_SPAN:
	case FALLBACK_LOW_CONFIDENCE:
	case FALLBACK_NO_OWNER:
		return FALLBACK_NONE; /* decide() finds these by itself */
	}
	return FALLBACK_NONE;
}

void opened_decide(struct opened *opened, const struct ruleset *rules,
		   struct decision *ret_decision)
{
	const struct decide_input input = {
		.alert = &opened->alert,
		.traces = opened->traces,
		.ntraces = (unsigned int)opened->ntraces,
		.healthy = opened->healthy,
		.ordinary = opened->ordinary,
		.rules = rules,
		.silences = opened->silences,
		.mode = WALK_AUTO,
		.now_us = opened->past->at_us,
		.told = opened->by_told ? &opened->told : NULL,
		.missing = opened_missing(opened),
		.missing_text = opened->was.fallback_text,
	};

	decide(opened->arena, &input, ret_decision);
}
