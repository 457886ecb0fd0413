/*
 * Web what-if: an alert and traces decided under the rules in force, the shadow rules, or pasted
 * ones. It changes nothing. A thread of the pool reads what was asked, decides and writes the
 * answer; the loop only hands over the rules and replies.
 */
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf_json.h"
#include "tracepager/pack.h"
#include "tracepager/rules.h"
#include "tracepager/xalloc.h"

#include "web_job-internal.h"
#include "web_page-internal.h"
#include "web_what_if-internal.h"

struct what_if_job {
	struct web_job job;
	struct web_page page;
	struct arena *arena;
	bool is_api, counted;
	bool asked;	  /* else the page has its empty form */
	const char *body; /* borrowed until the reply; NULL: there is none */
	size_t body_len;
	char id[LIMIT_PATH_PLACE_BYTES], rules[16];
	struct ruleset *force, *shadow, *pasted; /* references; NULL: none */
	struct past past;
	struct web_what_if answer;
	char why_not[LIMIT_ACT_WORDS_BYTES]; /* answer.why_not, for the reply */
	struct html html;
	struct buf out;
};

/* ---- what is asked, read on a pool thread ---- */

static void refuse_what_if(struct what_if_job *job, int status, const char *why)
{
	job->answer.status = status;
	job->answer.why_not = why;
}

/* A field of the form; "" where it is missing or no text. */
static const char *form_text(struct what_if_job *job, const char *name)
{
	char *text = arena_alloc(job->arena, job->body_len + 1);

	if (web_form_value(job->body, job->body_len, name, text, job->body_len + 1) ==
	    WEB_FOUND_BAD)
		refuse_what_if(job, 400,
			       arena_printf(job->arena, "The field %s is no text.", name));
	return text;
}

/* A member that is a text, or a document in place of its text: a list is a document a line. */
static const char *member_document(struct what_if_job *job, const json_t *body, const char *name)
{
	const json_t *value = json_object_get(body, name);
	struct buf text = BUF_INIT(4u * LIMIT_WHAT_IF_BODY_BYTES);
	const size_t n = json_is_array(value) ? json_array_size(value) : 1;
	const bool lines = json_is_array(value) && strcmp(name, "traces") == 0;

	if (!value || json_is_null(value))
		return "";
	if (json_is_string(value))
		return arena_strdup(job->arena, json_string_value(value));
	for (size_t i = 0; i < (lines ? n : 1); i++) {
		const json_t *one = lines ? json_array_get(value, i) : value;
		CLEANUP_FREE char *line = json_dumps(one, JSON_COMPACT | JSON_ENCODE_ANY);
		buf_puts(&text, line ? line : "");
		buf_puts(&text, lines ? "\n" : "");
	}
	const char *kept = arena_strdup(job->arena, buf_text(&text));
	buf_fini(&text);
	return kept;
}

/* A text, or a number in its place. */
static const char *member_id(struct what_if_job *job, const json_t *body, const char *name)
{
	const json_t *value = json_object_get(body, name);

	if (json_is_integer(value))
		return arena_printf(job->arena, "%lld", (long long)json_integer_value(value));
	return json_is_string(value) ? arena_strdup(job->arena, json_string_value(value)) : "";
}

static void read_what_if_json(struct what_if_job *job)
{
	struct web_what_if_asked *asked = &job->answer.asked;
	json_error_t error;
	json_t *body =
		job->body_len ? json_loadb(job->body, job->body_len, JSON_REJECT_DUPLICATES, &error)
			      : json_object();

	if (!json_is_object(body)) {
		refuse_what_if(job, 400,
			       body ? "the body must be a JSON object"
				    : arena_printf(job->arena,
						   "the body is no JSON: %s (line %d, column %d)",
						   error.text, error.line, error.column));
		json_decref(body);
		return;
	}
	asked->id = member_id(job, body, "incident");
	if (!*asked->id)
		asked->id = member_id(job, body, "decision");
	asked->rules = member_id(job, body, "rules");
	asked->rules_text = member_document(job, body, "rules_text");
	asked->alert = member_document(job, body, "alert");
	asked->traces = member_document(job, body, "traces");
	if (!*asked->rules)
		asked->rules = *asked->rules_text ? "pasted" : "force";
	json_decref(body);
}

static void read_what_if_form(struct what_if_job *job)
{
	struct web_what_if_asked *asked = &job->answer.asked;

	asked->id = form_text(job, "incident");
	asked->rules = form_text(job, "rules");
	asked->alert = form_text(job, "alert");
	asked->traces = form_text(job, "traces");
	asked->rules_text = form_text(job, "rules_text");
}

/* ---- deciding, on a pool thread ---- */

/* The rules that are asked for; NULL: there are none, and it is said why. */
static const struct ruleset *choose_what_if_rules(struct what_if_job *job)
{
	struct web_what_if *answer = &job->answer;
	const char *rules = answer->asked.rules;

	if (strcmp(rules, "force") == 0)
		return job->force;
	if (strcmp(rules, "shadow") == 0) {
		if (!job->shadow)
			refuse_what_if(job, 404, "There are no shadow rules.");
		return job->shadow;
	}
	if (strcmp(rules, "pasted") != 0) {
		refuse_what_if(job, 400, "The rules must be \"force\", \"shadow\" or \"pasted\".");
		return NULL;
	}
	if (!*answer->asked.rules_text)
		refuse_what_if(job, 400, "Paste the rules that are to decide.");
	else if (what_if_rules(job->arena, answer->asked.rules_text, &job->pasted,
			       &answer->findings) < 0)
		refuse_what_if(job, 200, "The pasted rules have errors: nothing was decided.");
	return job->pasted;
}

static void keep_stored_decision(struct what_if_job *job)
{
	struct what_if_decided *was = &job->answer.was;
	struct buf doc = BUF_INIT(LIMIT_DECISION_BYTES);
	struct err err;

	if (pack_open(job->past.decision.data, job->past.decision.len, &doc, &err) == 0 &&
	    outcome_read(job->arena, buf_text(&doc), doc.len, &was->outcome, &err) == 0) {
		was->decision = arena_strndup(job->arena, buf_text(&doc), doc.len);
		was->decision_len = doc.len;
		job->answer.has_was = true;
	}
	buf_fini(&doc);
}

static void name_what_if_change(struct what_if_job *job)
{
	struct web_what_if *answer = &job->answer;
	CLEANUP_FREE char *change =
		answer->has_was ? outcome_name_change(&answer->was.outcome, &answer->now.outcome)
				: NULL;

	answer->change = change ? arena_strdup(job->arena, change) : "";
}

static void decide_what_if(struct what_if_job *job, const struct ruleset *rules)
{
	struct web_what_if *answer = &job->answer;
	const struct what_if what_if = {
		.past = answer->past,
		.alert = answer->asked.alert,
		.traces = answer->asked.traces,
		.now_us = job->page.frame.now_us,
	};
	struct err err = { 0 };
	int result = what_if_decide(job->arena, &what_if, rules, &answer->now, &err);

	if (result == 0 && answer->past)
		keep_stored_decision(job);
	else if (result == 0 && rules != job->force)
		answer->has_was =
			what_if_decide(job->arena, &what_if, job->force, &answer->was, &err) == 0;
	if (result == 0) {
		answer->has_now = true;
		name_what_if_change(job);
	} else if (err.line > 0) {
		refuse_what_if(job, 400,
			       arena_printf(job->arena, "%s (line %d, column %d)", err.text,
					    err.line, err.column));
	} else {
		refuse_what_if(job, 400, arena_strdup(job->arena, err.text));
	}
}

static int find_what_if_past(struct what_if_job *job, struct history *history, struct err *err)
{
	struct web_what_if *answer = &job->answer;

	if (!*answer->asked.id)
		return 0;
	const int result = history_find(history, answer->asked.id, &job->past, err);
	if (result == 0)
		refuse_what_if(job, 404, "The store has no decision of that incident.");
	else if (result > 0)
		answer->past = &job->past;
	return result < 0 ? result : 0;
}

static void write_what_if(struct what_if_job *job)
{
	if (!job->is_api)
		web_what_if_page(job->arena, &job->answer, &job->page.frame, &job->html);
	else if (!*job->answer.why_not || job->answer.status == 200)
		web_what_if_json(&job->answer, &job->out);
}

/* Frees on this thread what is large: the answer is written. */
static void release_what_if(struct what_if_job *job)
{
	snprintf(job->why_not, sizeof(job->why_not), "%s", job->answer.why_not);
	job->answer.why_not = job->why_not;
	findings_fini(&job->answer.findings);
	past_fini(&job->past);
	rules_unref(job->pasted);
	arena_free(job->arena);
	job->pasted = NULL;
	job->arena = NULL;
}

static int what_if_look(struct web_job *web_job, struct history *history, struct err *err)
{
	struct what_if_job *job = (struct what_if_job *)web_job;
	struct web_what_if *answer = &job->answer;
	const struct ruleset *rules = NULL;
	int result = 0;

	if (job->is_api)
		read_what_if_json(job);
	else if (job->body)
		read_what_if_form(job);
	if (job->asked && !*answer->why_not)
		result = find_what_if_past(job, history, err);
	if (result == 0 && job->asked && !*answer->why_not)
		rules = choose_what_if_rules(job);
	if (result == 0 && rules && !*answer->why_not)
		decide_what_if(job, rules);
	if (result == 0)
		write_what_if(job);
	release_what_if(job);
	return result;
}

/* ---- the reply ---- */

static void what_if_answer(struct web_job *web_job)
{
	struct what_if_job *job = (struct what_if_job *)web_job;
	struct http_exchange *exchange = web_job->exchange;

	if (web_job->result < 0) {
		web_job_fail(web_job);
		return;
	}
	if (!job->is_api)
		web_page_reply(exchange, job->answer.status, &job->html);
	else if (*job->answer.why_not && job->answer.status != 200)
		web_fail(exchange, job->answer.status, job->answer.why_not);
	else
		web_reply_buf(exchange, NULL, &job->out);
	web_job_free(web_job);
}

static void what_if_fini(struct web_job *web_job)
{
	struct what_if_job *job = (struct what_if_job *)web_job;

	if (job->counted)
		web_job->web->nwhat_ifs--;
	html_fini(&job->html);
	buf_fini(&job->out);
	rules_unref(job->force);
	rules_unref(job->shadow);
	release_what_if(job); /* where the pool never had it */
}

/* ---- asking ---- */

static struct ruleset *what_if_ruleset(const struct web *web, enum reload_role role)
{
	const struct reload *reload = web->ops.ruleset(web->ops.ctx, role);
	struct ruleset *rules = reload ? reload_rules(reload) : NULL;

	return rules ? rules_ref(rules) : NULL;
}

static struct what_if_job *what_if_new(struct web_request *request, bool is_api)
{
	struct what_if_job *job = web_job_new(sizeof(*job), request->web, request->exchange);

	job->job.look = what_if_look;
	job->job.answer = what_if_answer;
	job->job.fini = what_if_fini;
	job->is_api = is_api;
	job->arena = arena_new(LIMIT_COMMAND_ARENA_BYTES); /* what is asked is capped */
	job->force = what_if_ruleset(request->web, RELOAD_LIVE);
	job->shadow = what_if_ruleset(request->web, RELOAD_SHADOW);
	job->answer = (struct web_what_if){
		.asked = { .id = "",
			   .alert = "",
			   .traces = "",
			   .rules = "force",
			   .rules_text = "" },
		.has_shadow = job->shadow != NULL,
		.why_not = "",
		.change = "",
		.status = 200,
	};
	html_init(&job->html, LIMIT_PAGE_HTML_BYTES);
	buf_init(&job->out, LIMIT_WHAT_IF_ANSWER_BYTES);
	web_page_begin(&job->page, request, "What if", HTML_TAB_WHAT_IF);
	job->answer.mark = job->page.mark;
	job->answer.findings.now_us = job->page.frame.now_us;
	return job;
}

static void take_what_if_body(struct what_if_job *job)
{
	const char *body = http_exchange_body(job->job.exchange, &job->body_len);

	job->body = job->body_len ? body : "";
}

/* Is there room for one more? False: it was answered. */
static bool what_if_has_room(struct web_request *request)
{
	if (request->web->nwhat_ifs < LIMIT_WHAT_IFS)
		return true;
	if (request->is_page)
		web_page_message(request, 503, "Too many ask at once",
				 "Two what-ifs are being decided. Go back and ask again in a "
				 "moment.");
	else
		web_fail(request->exchange, 503,
			 "two what-ifs are being decided; ask again in a moment");
	return false;
}

static void what_if_begin(struct what_if_job *job)
{
	if (job->asked) {
		job->counted = true;
		job->job.web->nwhat_ifs++;
	}
	web_job_look(&job->job);
}

void web_serve_what_if(struct web_request *request)
{
	char id[LIMIT_PATH_PLACE_BYTES], rules[16];

	if (!web_query_text(request, "incident", id, sizeof(id)) ||
	    !web_query_text(request, "rules", rules, sizeof(rules)) ||
	    (*id && !what_if_has_room(request)))
		return;
	struct what_if_job *job = what_if_new(request, false);
	snprintf(job->id, sizeof(job->id), "%s", id);
	snprintf(job->rules, sizeof(job->rules), "%s", *rules ? rules : "force");
	job->answer.asked.id = job->id;
	job->answer.asked.rules = job->rules;
	job->asked = *id != '\0';
	what_if_begin(job);
}

/* A form without a pasted text is a question that can be shared: its answer has an address. */
static bool ask_by_address(struct web_request *request)
{
	static const char *const pasted[] = { "alert", "traces", "rules_text" };
	char id[LIMIT_PATH_PLACE_BYTES], rules[16], one[2];

	for (size_t i = 0; i < ARRAY_LEN(pasted); i++)
		if (!web_form_field(request, pasted[i], one, sizeof(one)) || *one)
			return false;
	if (!web_form_field(request, "incident", id, sizeof(id)) || !*id ||
	    !web_form_field(request, "rules", rules, sizeof(rules)) || strcmp(rules, "pasted") == 0)
		return false;
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	web_page_redirect(request->exchange,
			  arena_printf(arena, "/what-if?incident=%s&rules=%s",
				       url_escape(arena, id), url_escape(arena, rules)));
	arena_free(arena);
	return true;
}

void web_serve_what_if_form(struct web_request *request)
{
	int status;

	if (!what_if_has_room(request)) /* before the form's mark is taken */
		return;
	const char *why = web_large_form_refused(request, LIMIT_WHAT_IF_BODY_BYTES, &status);
	if (why) {
		struct what_if_job *job = what_if_new(request, false);
		refuse_what_if(job, status, why);
		what_if_begin(job);
		return;
	}
	if (ask_by_address(request))
		return;
	struct what_if_job *job = what_if_new(request, false);
	take_what_if_body(job);
	job->asked = true;
	what_if_begin(job);
}

void web_serve_what_if_api(struct web_request *request)
{
	size_t len;

	http_exchange_body(request->exchange, &len);
	if (len > LIMIT_WHAT_IF_BODY_BYTES) {
		web_failf(request->exchange, 413, "the body is larger than %u bytes",
			  LIMIT_WHAT_IF_BODY_BYTES);
		return;
	}
	if (!what_if_has_room(request))
		return;
	struct what_if_job *job = what_if_new(request, true);
	take_what_if_body(job);
	job->asked = true;
	what_if_begin(job);
}
