/*
 * Doctor, sources: each is asked as the relay asks it, by the relay's own code: a search for
 * healthy traces of signals of the rules, and these traces. What is found is counted, with the time
 * that it took. A source that knows no such trace is warned of: without healthy ones nothing can be
 * compared. Owns the fetchers.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor-internal.h"
#include "tracepager/clock.h"
#include "tracepager/fetch.h"
#include "tracepager/glob.h"
#include "tracepager/plain.h"

/* A trace of the last minute may not be there yet. */
#define SOURCE_UNTIL_US US_PER_MINUTE
#define SOURCE_FROM_US	(US_PER_HOUR + SOURCE_UNTIL_US)

struct source_question {
	struct doctor_source *source;
	const char *name; /* of the signal */
	struct fetch_job *job;
	size_t ntraces;
	enum fallback_code missing;
	const char *text;
};

struct doctor_source {
	struct doctor *doctor;
	struct source_config *config;
	struct doctor_peer peer;
	struct fetch *fetch;
	struct source_question questions[LIMIT_DOCTOR_SIGNALS];
	size_t nquestions, nanswered, ticket;
	int64_t began_us;
	bool under_way;
};

/* ---- what is asked for ---- */

/* Signals of the rules, those with an operation and without globs first; else their services. */
static size_t source_signals(const struct doctor *doctor, struct signal *signals)
{
	const struct ruleset *rules = doctor->preflight.rules;
	size_t nsignals = 0, nservices = 0, n = 0;
	const struct signal_rule *const *all = rules ? rules_signals(rules, &nsignals) : NULL;
	const struct service_rule *const *services =
		rules ? rules_services(rules, &nservices) : NULL;

	for (int globs = 0; globs < 2; globs++)
		for (size_t i = 0; i < nsignals && n < LIMIT_DOCTOR_SIGNALS; i++) {
			const struct signal *signal = &all[i]->signal;
			if (signal->service && *signal->service &&
			    glob_has_wildcard(signal->service) == (globs != 0)) {
				signals[n] = *signal;
				signals[n++].name = all[i]->name;
			}
		}
	for (size_t i = 0; !nsignals && i < nservices && n < LIMIT_DOCTOR_SIGNALS; i++)
		if (!glob_has_wildcard(services[i]->name))
			signals[n++] = (struct signal){ .name = services[i]->name,
							.service = services[i]->name,
							.from = "rule",
							.mode = WALK_AUTO };
	return n;
}

static bool source_searches(const struct source_config *config)
{
	const struct trace_source *kind = trace_sources[config->kind];

	return !kind || (kind->answers & SOURCE_SEARCH);
}

/* ---- the answer ---- */

/* The sentence begins with the source's name, which the result tells by itself. */
static const char *source_words(const struct doctor_source *source, const char *text)
{
	const size_t len = strlen(source->config->name);

	return strncmp(text, source->config->name, len) == 0 && text[len] == ' ' ? text + len + 1
										 : text;
}

static void source_tell_error(struct doctor_source *source, const struct source_question *question)
{
	const char *text = source_words(source, question->text);
	const char *cure =
		source->config->kind == SOURCE_FILES
			? "is path the directory of the trace files, and may the relay's user "
			  "read them?"
		: strstr(text, "401") || strstr(text, "403")
			? "give the source the credentials that it asks for (bearer_file, basic, "
			  "api_key …), and compare them with those that work in a browser"
		: strstr(text, "404") ? "compare url with the address of its API: is there a path "
					"too much, or one too few?"
		: question->missing == FALLBACK_BAD_TRACE
			? "is kind right, and does url name the API and not a page for people?"
		: question->missing == FALLBACK_BUDGET_SPENT || strstr(text, "did not answer")
			? "a page waits for traces for enrich_budget only: look why the source is "
			  "slow or out of reach, or raise its timeout"
			: "is kind right, and url that of its API?";

	doctor_tell(source->doctor, DOCTOR_SOURCE, DOCTOR_FAILURE, source->config->name, cure, "%s",
		    text);
}

static void source_tell_found(struct doctor_source *source, size_t nfound, const char *names)
{
	char took[PLAIN_DURATION_SIZE];

	doctor_tell(source->doctor, DOCTOR_SOURCE, DOCTOR_OK, source->config->name, NULL,
		    "%zu healthy trace%s of %s in %s", nfound, nfound == 1 ? "" : "s", names,
		    plain_duration(clock_mono_us(clock_system()) - source->began_us, took));
}

/* The worst of its answers. */
static void source_tell(struct doctor_source *source)
{
	struct buf names = BUF_INIT(LIMIT_DOCTOR_TEXT_BYTES);
	const struct source_question *bad = NULL, *none = NULL;
	size_t nfound = 0;

	for (size_t i = 0; i < source->nquestions; i++) {
		const struct source_question *question = &source->questions[i];
		nfound += question->ntraces;
		if (question->ntraces)
			buf_printf(&names, "%s%s", names.len ? ", " : "", question->name);
		else if (question->missing == FALLBACK_NO_TRACE ||
			 question->missing == FALLBACK_TRACE_NOT_FOUND)
			none = none ? none : question;
		else
			bad = bad ? bad : question;
	}
	if (bad)
		source_tell_error(source, bad);
	else if (nfound)
		source_tell_found(source, nfound, buf_text(&names));
	else if (none && source_searches(source->config) && *none->name)
		doctor_tell(source->doctor, DOCTOR_SOURCE, DOCTOR_WARNING, source->config->name,
			    "does the signal's span name a service and an operation as its spans "
			    "have them? tracepager explain shows them",
			    "it answers, and knows no healthy trace of %s in the past hour",
			    none->name);
	else
		doctor_tell(source->doctor, DOCTOR_SOURCE, DOCTOR_OK, source->config->name, NULL,
			    "it answers");
	buf_fini(&names);
}

static void source_end(struct doctor_source *source)
{
	source->under_way = false;
	source_tell(source);
	doctor_end(source->doctor, source->ticket);
}

static void source_on_traces(void *ctx, struct fetch_result *result)
{
	struct source_question *question = ctx;
	struct doctor_source *source = question->source;

	question->job = NULL;
	question->ntraces = result->ntraces;
	question->missing = result->missing;
	question->text = arena_strdup(source->doctor->arena, result->text ? result->text : "");
	for (size_t i = 0; i < result->nsets; i++)
		fetched_set_unref(result->sets[i]);
	if (++source->nanswered == source->nquestions)
		source_end(source);
}

/* ---- the question ---- */

static void source_ask(struct doctor_source *source, const struct fetch_request *request,
		       const char *name)
{
	struct source_question *question = &source->questions[source->nquestions++];

	*question = (struct source_question){ .source = source, .name = name, .text = "" };
	question->job = fetch_start(source->fetch, request, source_on_traces, question);
}

/* Of a source that cannot be searched, or rules without a signal: does it answer at all? */
static void source_ask_anything(struct doctor_source *source, struct fetch_request *request)
{
	static const char *const unknown[] = { "7472616365706167657220646f63746f" };
	static const struct labels no_labels = { .n = 0 };

	if (trace_sources[source->config->kind] &&
	    !(trace_sources[source->config->kind]->answers & SOURCE_BY_ID)) {
		request->expr = "up";
		request->labels = &no_labels;
		request->signal = NULL;
	} else {
		request->trace_ids = unknown;
		request->ntrace_ids = 1;
	}
	request->deadline_us = source->began_us + LIMIT_DOCTOR_PEER_US / 2;
	source_ask(source, request, "");
}

static void source_start(struct doctor *doctor, struct doctor_source *source)
{
	const struct fetch_env env = { .transport = doctor->transport,
				       .timers = doctor->timers,
				       .clock = clock_system(),
				       .pool = doctor->pool,
				       .memory = &doctor->memory };
	struct signal signals[LIMIT_DOCTOR_SIGNALS];
	const size_t n = source_signals(doctor, signals);
	const int64_t wall_us = clock_wall_us(clock_system());

	source->began_us = clock_mono_us(clock_system());
	source->fetch = fetch_new(&env, source->config, 1);
	source->ticket = doctor_begin(doctor, source->config->name);
	source->under_way = true;
	struct fetch_request request = {
		.from_us = wall_us - SOURCE_FROM_US,
		.to_us = wall_us - SOURCE_UNTIL_US,
		.healthy = true,
		.limit = LIMIT_DOCTOR_TRACES,
		.deadline_us = source->began_us + LIMIT_DOCTOR_SOURCE_US,
	};
	for (size_t i = 0; source_searches(source->config) && i < n; i++) {
		request.signal = &signals[i];
		source_ask(source, &request, arena_strdup(doctor->arena, signals[i].name));
	}
	if (!source->nquestions)
		source_ask_anything(source, &request);
}

static void source_ready(struct doctor *doctor, struct doctor_peer *peer)
{
	struct doctor_source *source =
		(struct doctor_source *)((char *)peer - offsetof(struct doctor_source, peer));

	source_start(doctor, source);
}

/* That is a finding of the options (C030), with the cure. */
static bool source_has_no_directory(const struct source_config *config)
{
	struct stat status;

	return config->kind == SOURCE_FILES && config->path &&
	       (stat(config->path, &status) < 0 || !S_ISDIR(status.st_mode) ||
		access(config->path, R_OK | X_OK) < 0);
}

void doctor_sources_begin(struct doctor *doctor)
{
	const struct config *config = doctor->preflight.config;

	if (!doctor_wants(doctor, DOCTOR_SOURCE) && !doctor_wants(doctor, DOCTOR_DNS) &&
	    !doctor_wants(doctor, DOCTOR_PEER_CERTIFICATES) && !doctor_wants(doctor, DOCTOR_CLOCK))
		return;
	doctor->sources = arena_array(doctor->arena, config->nsources, sizeof(*doctor->sources));
	for (size_t i = 0; i < config->nsources; i++) {
		struct doctor_source *source = &doctor->sources[i];
		*source = (struct doctor_source){
			.doctor = doctor,
			.config = &config->sources[i],
			.peer = { .check = DOCTOR_SOURCE,
				  .name = config->sources[i].name,
				  .ready = doctor_wants(doctor, DOCTOR_SOURCE) ? source_ready
									       : NULL },
		};
		if (source_has_no_directory(source->config))
			continue;
		if (!source->config->url) {
			source_start(doctor, source);
			continue;
		}
		doctor_probe(doctor,
			     &(struct probe_request){ .url = source->config->url,
						      .ca_file = source->config->ca_file,
						      .cert_file = source->config->cert_file,
						      .key_file = source->config->key_file,
						      .wants_date = true },
			     &source->peer);
	}
	if (!config->nsources)
		doctor_tell(doctor, DOCTOR_SOURCE, DOCTOR_SKIPPED, NULL, NULL,
			    "no source is declared");
}

void doctor_sources_end(struct doctor *doctor)
{
	const size_t n = doctor->sources ? doctor->preflight.config->nsources : 0;

	for (size_t i = 0; i < n; i++) {
		struct doctor_source *source = &doctor->sources[i];
		if (!source->under_way)
			continue;
		for (size_t k = 0; k < source->nquestions; k++)
			if (source->questions[k].job)
				fetch_cancel(source->questions[k].job);
		doctor_tell(
			doctor, DOCTOR_SOURCE, DOCTOR_FAILURE, source->config->name,
			"a page waits for traces for enrich_budget only: look why the source is "
			"slow",
			"it did not answer in time");
	}
}

void doctor_sources_free(struct doctor *doctor)
{
	const size_t n = doctor->sources ? doctor->preflight.config->nsources : 0;

	for (size_t i = 0; i < n; i++)
		if (doctor->sources[i].fetch)
			fetch_free(doctor->sources[i].fetch);
}
