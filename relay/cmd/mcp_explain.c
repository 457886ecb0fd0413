/* Mcp, explain_trace: traces decided as "tracepager explain" does, by decide(). */
#include <errno.h>
#include <string.h>

#include "explain_alert-internal.h"
#include "mcp-internal.h"
#include "tracepager/clock.h"
#include "tracepager/decide.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

struct mcp_explain {
	const struct mcp_tools *tools;
	const json_t *arguments;
	struct arena *arena;
	struct ruleset *rules;
	struct mcp_window window, healthy_window;
	struct evidence_set *healthy;
	struct signal signal;
	struct alert alert;
	bool has_signal, has_alert;
};

/* NULL, or the error. */
static json_t *take_signal(struct mcp_explain *x)
{
	const char *text = mcp_text(x->arguments, "signal"),
		   *slash = text ? strchr(text, '/') : NULL;

	if (!text)
		return NULL;
	if (slash == text)
		return mcp_error("signal must be SERVICE or SERVICE/OPERATION");
	x->signal = (struct signal){
		.service = slash ? arena_strndup(x->arena, text, (size_t)(slash - text)) : text,
		.operation = slash ? slash + 1 : NULL,
		.from = "option",
		.mode = WALK_AUTO,
	};
	x->has_signal = true;
	return NULL;
}

/* Takes the first alert that fires, as explain does. NULL, or the error. */
static json_t *take_alert(struct mcp_explain *x)
{
	const json_t *document = json_object_get(x->arguments, "alert");
	struct explain_alert reading = { .format = FORMAT_AUTO };
	struct buf text = BUF_INIT(LIMIT_MCP_MESSAGE_BYTES);
	struct err err = { 0 };
	json_t *error = NULL;

	if (!document || json_is_null(document))
		return NULL;
	CLEANUP_FREE char *body = mcp_document_text(document);
	buf_puts(&text, body);
	int result = explain_alert_read(&reading, x->arena, &text, &err);
	if (result == 0 && !reading.batch.nalerts)
		result = err_set(&err, EBADMSG, "%s",
				 reading.batch.nrefused	 ? reading.batch.refused[0].text
				 : reading.batch.ignored ? reading.batch.ignored
							 : "it holds no alert");
	if (result < 0)
		error = mcp_error("cannot read the alert: %s (line %d, column %d). Give the body "
				  "that the monitoring system posts, or leave the alert out",
				  err.text, err.line, err.column);
	else {
		x->alert = reading.batch.alerts[alert_first_firing(&reading.batch)];
		x->has_alert = true;
	}
	explain_alert_fini(&reading);
	buf_fini(&text);
	return error;
}

static json_t *take_healthy(struct mcp_explain *x)
{
	struct signal found, *signal = x->has_signal ? &x->signal : NULL;
	json_t *error = mcp_window_read(&x->healthy_window, x->tools,
					json_object_get(x->arguments, "healthy"),
					json_object_get(x->arguments, "healthy_files"), x->rules);

	if (error || !x->healthy_window.ntraces)
		return error;
	if (!signal && x->has_alert &&
	    decide_signal(x->arena, &x->alert, x->rules, NULL, NULL, NULL, &found, NULL))
		signal = &found;
	x->healthy = evidence_new(LIMIT_WINDOW_BYTES);
	for (size_t i = 0; i < x->healthy_window.ntraces; i++)
		evidence_add_trace(x->healthy, x->healthy_window.traces[i], signal);
	return NULL;
}

static enum walk_mode explain_mode(const struct mcp_explain *x)
{
	const char *mode = mcp_text(x->arguments, "mode");

	return !mode || strcmp(mode, "auto") == 0 ? WALK_AUTO
	       : strcmp(mode, "errors") == 0	  ? WALK_ERRORS
						  : WALK_LATENCY;
}

static json_t *decide_explained(struct mcp_explain *x)
{
	struct buf doc = BUF_INIT(LIMIT_DECISION_BYTES);
	struct decision decision;
	const struct decide_input input = {
		.alert = x->has_alert ? &x->alert : NULL,
		.signal = x->has_signal ? &x->signal : NULL,
		.traces = x->window.traces,
		.ntraces = (unsigned int)x->window.ntraces,
		.healthy = x->healthy,
		.rules = x->rules,
		.mode = explain_mode(x),
		.now_us = clock_wall_us(clock_system()),
		.missing = x->window.missing,
		.missing_text = x->window.missing_text,
	};

	decide(x->arena, &input, &decision);
	decision_write(&decision, &doc);
	json_t *json = doc.failed ? NULL : json_loadb(buf_text(&doc), doc.len, 0, NULL);
	buf_fini(&doc);
	if (!json)
		return mcp_error("the decision is larger than %u MiB: explain fewer traces at once",
				 LIMIT_DECISION_BYTES >> 20);
	json_t *result = json_pack("{s:o}", "decision", json);
	if (json_array_size(x->window.problems))
		json_object_set(result, "problems", x->window.problems);
	return mcp_result_of(result);
}

static json_t *run_mcp_explain(struct mcp_explain *x)
{
	const json_t *traces = json_object_get(x->arguments, "traces"),
		     *files = json_object_get(x->arguments, "trace_files"),
		     *alert = json_object_get(x->arguments, "alert");
	json_t *error;

	if ((!traces || json_is_null(traces)) && !json_array_size(files) &&
	    (!alert || json_is_null(alert)))
		return mcp_error("give traces (as text), trace_files, or an alert");
	if ((error = mcp_rules_read(x->tools, x->arguments, &x->rules)) ||
	    (error = take_signal(x)) || (error = take_alert(x)) || (error = take_healthy(x)) ||
	    (error = mcp_window_read(&x->window, x->tools, traces, files, x->rules)))
		return error;
	return decide_explained(x);
}

json_t *mcp_tool_explain_trace(const struct mcp_tools *tools, const json_t *arguments)
{
	struct mcp_explain x = { .tools = tools,
				 .arguments = arguments,
				 .arena = arena_new(LIMIT_COMMAND_ARENA_BYTES) };

	mcp_window_init(&x.window);
	mcp_window_init(&x.healthy_window);
	json_t *result = run_mcp_explain(&x);
	evidence_free(x.healthy);
	mcp_window_fini(&x.window);
	mcp_window_fini(&x.healthy_window);
	rules_unref(x.rules);
	arena_free(x.arena);
	return result;
}
