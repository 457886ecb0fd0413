/* What if: see what_if.h. */
#include "tracepager/what_if.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/alert_format.h"
#include "tracepager/limits.h"
#include "tracepager/rules_load.h"
#include "tracepager/sign.h"
#include "tracepager/trace_decoder.h"
#include "tracepager/xalloc.h"

/* What is decided, while it is. */
struct what_if_run {
	struct arena *arena;
	const struct what_if *what_if;
	const struct ruleset *rules;
	struct what_if_decided *decided;
	struct opened opened; /* zeroed: there is no stored decision */
	/* Of the pasted texts. */
	struct alert alert;
	bool has_alert;
	struct trace_set **sets;
	const struct trace **traces;
	size_t nsets, ntraces, nleft_out;
	enum fallback_code missing;
	const char *missing_text;
};

static void what_if_note(struct what_if_run *run, const char *text)
{
	struct what_if_decided *decided = run->decided;

	if (decided->nnotes < ARRAY_LEN(decided->notes))
		decided->notes[decided->nnotes++] = text;
}

/* ---- the pasted alert ---- */

static int read_pasted_alert(struct what_if_run *run, struct err *err)
{
	const char *text = run->what_if->alert;
	struct alert_batch batch;
	const struct alert_body body = { .text = text,
					 .len = strlen(text),
					 .now_us = run->what_if->now_us };
	int result = alert_parse_any(run->arena, &body, &batch, err);

	if (result < 0) {
		err_prefix(err, "the alert");
		return result;
	}
	if (!batch.nalerts)
		return err_set(err, EBADMSG, "the alert: %s",
			       batch.nrefused  ? batch.refused[0].text
			       : batch.ignored ? batch.ignored
					       : "the text holds no alert");
	const size_t chosen = alert_first_firing(&batch);
	if (batch.nalerts > 1)
		what_if_note(run, arena_printf(run->arena,
					       "%zu alerts were pasted; number %zu is decided",
					       batch.nalerts, chosen + 1));
	run->alert = batch.alerts[chosen];
	run->has_alert = true;
	return 0;
}

/* ---- pasted traces ---- */

static void take_pasted_set(struct what_if_run *run, struct trace_set *set)
{
	run->sets = xrealloc_array(run->sets, run->nsets + 1, sizeof(struct trace_set *));
	run->sets[run->nsets++] = set;
	run->traces = xrealloc_array(run->traces, LIMIT_TRACES_PER_ALERT, sizeof(struct trace *));
	for (uint32_t i = 0; i < set->ntraces; i++) {
		if (run->ntraces < LIMIT_TRACES_PER_ALERT)
			run->traces[run->ntraces++] = &set->traces[i];
		else
			run->nleft_out++;
	}
}

/* As explain does: a document that cannot be read takes nothing from the others, and is the reason
 * where there is no trace at all. */
static void pasted_on_document(void *ctx, int line, struct trace_set *set, const struct err *err)
{
	struct what_if_run *run = ctx;

	if (set) {
		take_pasted_set(run, set);
		return;
	}
	const bool empty = err->code == ENOENT;
	const char *text = arena_printf(run->arena, "the traces, line %d, column %d: %s",
					err->line > 0 ? err->line : line, err->column, err->text);
	what_if_note(run, text);
	if (err->code == ENOMSG)
		return;
	run->missing = err->code == E2BIG ? FALLBACK_TRACE_TOO_LARGE
		       : empty		  ? FALLBACK_NO_TRACE
					  : FALLBACK_BAD_TRACE;
	run->missing_text = text;
}

/* Text that is no JSON is the base64 of protobuf, which has no text of its own. False: it is not.
 */
static bool decode_base64(struct what_if_run *run, struct buf *out)
{
	char *text = arena_strdup(run->arena, run->what_if->traces);
	size_t len = 0;

	for (const char *at = text; *at; at++)
		if (!strchr(" \t\r\n", *at))
			text[len++] = *at;
	unsigned char *bytes = arena_alloc(run->arena, len + 1);
	const int n = base64_decode(text, len, bytes, len);
	return n > 0 && buf_add(out, bytes, (size_t)n);
}

static void read_pasted_traces(struct what_if_run *run)
{
	const char *text = run->what_if->traces;
	const char *begins = text + strspn(text, " \t\r\n\xef\xbb\xbf");
	struct buf bytes = BUF_INIT(LIMIT_WHAT_IF_BODY_BYTES);
	struct trace_options options = { .extra_names = NULL };

	if (run->rules)
		options.extra_names = rules_attr_names(run->rules, &options.nextra_names);
	if (*begins != '{' && *begins != '[' && decode_base64(run, &bytes))
		trace_documents(buf_text(&bytes), bytes.len, &options, pasted_on_document, run);
	else
		trace_documents(text, strlen(text), &options, pasted_on_document, run);
	if (run->ntraces)
		run->missing = FALLBACK_NONE;
	if (run->nleft_out)
		what_if_note(run,
			     arena_printf(run->arena, "%zu traces were left out: %d have a vote",
					  run->nleft_out, LIMIT_TRACES_PER_ALERT));
	buf_fini(&bytes);
}

/* ---- deciding ---- */

/* Something was pasted: it stands in for what is stored. */
static void decide_pasted(struct what_if_run *run, struct decision *ret_decision)
{
	struct opened *opened = &run->opened;
	const bool stored = opened->arena != NULL, own_traces = *run->what_if->traces != '\0';
	const struct decide_input input = {
		.alert = run->has_alert ? &run->alert
			 : stored	? &opened->alert
					: NULL,
		.traces = own_traces ? run->traces : opened->traces,
		.ntraces = (unsigned int)(own_traces ? run->ntraces : opened->ntraces),
		.healthy = opened->healthy,
		.ordinary = opened->ordinary,
		.rules = run->rules,
		.silences = run->has_alert ? NULL : opened->silences,
		.mode = WALK_AUTO,
		.now_us = stored ? run->what_if->past->at_us : run->what_if->now_us,
		.told = opened->by_told && !own_traces ? &opened->told : NULL,
		.missing = own_traces || !stored ? run->missing : opened_missing(opened),
		.missing_text =
			own_traces || !stored ? run->missing_text : opened->was.fallback_text,
	};

	decide(run->arena, &input, ret_decision);
}

static int write_decision(struct what_if_run *run, const struct decision *decision, struct err *err)
{
	struct what_if_decided *decided = run->decided;
	struct buf doc = BUF_INIT(LIMIT_DECISION_BYTES);
	int result;

	decision_write(decision, &doc);
	result = doc.failed ? err_set(err, E2BIG, "the decision is too large")
			    : outcome_read(run->arena, buf_text(&doc), doc.len, &decided->outcome,
					   err);
	decided->decision = arena_strndup(run->arena, buf_text(&doc), doc.len);
	decided->decision_len = doc.len;
	buf_fini(&doc);
	return result;
}

static int what_if_run(struct what_if_run *run, struct err *err)
{
	const struct what_if *what_if = run->what_if;
	const bool pasted = *what_if->alert || *what_if->traces;
	struct decision decision;
	int result = 0;

	if (!what_if->past && !pasted)
		return err_set(err, ENOENT, "give an alert, traces, or the id of an incident");
	if (what_if->past)
		result = opened_init(&run->opened, what_if->past, run->rules, err);
	if (result == 0 && *what_if->alert)
		result = read_pasted_alert(run, err);
	if (result < 0)
		return result;
	if (*what_if->traces)
		read_pasted_traces(run);
	if (pasted)
		decide_pasted(run, &decision);
	else
		opened_decide(&run->opened, run->rules, &decision);
	run->decided->by_suspect = run->opened.by_told && !*what_if->traces;
	run->decided->by_paths =
		!*what_if->traces && what_if->past && what_if->past->kept == STORED_TRACES_PATHS;
	return write_decision(run, &decision, err);
}

int what_if_decide(struct arena *arena, const struct what_if *what_if, const struct ruleset *rules,
		   struct what_if_decided *ret_decided, struct err *err)
{
	struct what_if_run run = {
		.arena = arena, .what_if = what_if, .rules = rules, .decided = ret_decided
	};

	*ret_decided = (struct what_if_decided){ .nnotes = 0 };
	int result = what_if_run(&run, err);
	for (size_t i = 0; i < run.nsets; i++)
		trace_set_free(run.sets[i]);
	free(run.sets);
	free(run.traces);
	opened_fini(&run.opened);
	return result;
}

/* ---- pasted rules ---- */

/* "--- # NAME": the name, without what is around it; NULL: the line begins no file. */
static const char *file_line_name(struct arena *arena, const char *line, size_t len)
{
	static const char mark[] = "--- #";

	if (len < strlen(mark) || strncmp(line, mark, strlen(mark)) != 0)
		return NULL;
	line += strlen(mark);
	len -= strlen(mark);
	for (; len && strchr(" \t", *line); len--)
		line++;
	while (len && strchr(" \t\r", line[len - 1]))
		len--;
	return len ? arena_strndup(arena, line, len) : NULL;
}

int what_if_rules(struct arena *arena, const char *text, struct ruleset **ret_rules,
		  struct findings *findings)
{
	struct rule_text *files = arena_array(arena, LIMIT_WHAT_IF_FILES, sizeof(*files));
	size_t n = 1;

	files[0] = (struct rule_text){ .name = "pasted.yaml", .text = text };
	for (const char *at = text; *at;) {
		const size_t len = strcspn(at, "\n");
		const char *name = file_line_name(arena, at, len);
		const char *next = at + len + (at[len] == '\n');
		if (name && n < LIMIT_WHAT_IF_FILES) {
			if (at > text || n > 1)
				files[n++] = (struct rule_text){ .text = next };
			files[n - 1].name = name;
			files[n - 1].text = next;
		}
		files[n - 1].len = (size_t)(next - files[n - 1].text);
		at = next;
	}
	return rules_parse_texts(files, n, false, ret_rules, findings);
}
