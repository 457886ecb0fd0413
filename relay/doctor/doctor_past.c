/*
 * Doctor, past: the decisions of the past week, read beside the relay by a thread of the pool:
 * which senders they came from, which alerts name a service and no operation, and which signals had
 * no healthy traces to compare with. The latest LIMIT_DOCTOR_DECISIONS are looked at.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "doctor-internal.h"
#include "tracepager/clock.h"
#include "tracepager/history.h"
#include "tracepager/pack.h"
#include "tracepager/plain.h"

/* A name that was seen so often; second: what it was seen with. */
struct past_name {
	const char *name, *second;
	size_t n;
};

struct past_names {
	struct past_name at[LIMIT_DOCTOR_NAMES];
	size_t n;
};

/* Pages that one pager refused, and why it refused the last one. */
struct past_refusal {
	const char *pager, *error;
	int64_t n, last_us;
};

struct doctor_past {
	struct doctor *doctor;
	const char *path;
	int64_t wall_us, began_us; /* began_us: when the store's history begins; 0: it is empty */
	size_t ticket;
	struct arena *arena; /* the thread's, then the loop's */
	struct past_names senders, broad, bare;
	struct past_refusal refusals[LIMIT_DOCTOR_NAMES]; /* of the last day */
	size_t nrefusals;
	size_t ndecisions;
	bool read;
	struct err err;
};

/* ---- the thread ---- */

static void past_names_add(struct doctor_past *past, struct past_names *names, const char *name,
			   const char *second)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->at[i].name, name) == 0) {
			names->at[i].n++;
			return;
		}
	if (names->n < LIMIT_DOCTOR_NAMES)
		names->at[names->n++] =
			(struct past_name){ .name = arena_strdup(past->arena, name),
					    .second = arena_strdup(past->arena, second),
					    .n = 1 };
}

static const char *past_text(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "";
}

/* Is there a limit of that name on the verdict's confidence? */
static bool past_has_limit(const json_t *decision, const char *name)
{
	const json_t *limits = json_object_get(json_object_get(decision, "verdict"), "limits");

	for (size_t i = 0; i < json_array_size(limits); i++)
		if (strcmp(past_text(json_array_get(limits, i), "limit"), name) == 0)
			return true;
	return false;
}

static void past_take(struct doctor_past *past, const json_t *decision)
{
	const json_t *alert = json_object_get(decision, "alert"),
		     *signal = json_object_get(decision, "signal");
	const char *service = past_text(signal, "service"),
		   *operation = past_text(signal, "operation");
	const char *name = past_text(json_object_get(alert, "labels"), "alertname");

	past_names_add(past, &past->senders, past_text(alert, "sender"), "");
	if (!*service)
		return;
	if (!*operation && strcmp(past_text(signal, "from"), "rule") != 0 && *name)
		past_names_add(past, &past->broad, name, service);
	if (past_has_limit(decision, "few_healthy")) {
		CLEANUP_FREE char *key =
			xasprintf("%s%s%s", service, *operation ? " " : "", operation);
		past_names_add(past, &past->bare, key, "");
	}
}

static bool past_on_decision(void *ctx, const struct past *stored)
{
	struct doctor_past *past = ctx;
	struct buf text = BUF_INIT(LIMIT_DECISION_BYTES);

	if (pack_open(stored->decision.data, stored->decision.len, &text, NULL) == 0) {
		json_t *decision = json_loadb(buf_text(&text), text.len, 0, NULL);
		past_take(past, decision);
		json_decref(decision);
	}
	buf_fini(&text);
	return ++past->ndecisions < LIMIT_DOCTOR_DECISIONS && !doctor_is_over(past->doctor);
}

static void past_on_refusal(void *ctx, const struct refusal *refusal)
{
	struct doctor_past *past = ctx;

	if (past->nrefusals < LIMIT_DOCTOR_NAMES)
		past->refusals[past->nrefusals++] = (struct past_refusal){
			.pager = arena_strdup(past->arena, refusal->pager),
			.error = arena_strdup(past->arena, refusal->error),
			.n = refusal->n,
			.last_us = refusal->last_us,
		};
}

static void past_run(void *arg)
{
	struct doctor_past *past = arg;
	struct history *history = NULL;

	if (doctor_is_over(past->doctor) || history_open(past->path, &history, &past->err) < 0)
		return;
	past->read = history_began(history, &past->began_us, &past->err) == 0 &&
		     history_decisions(history, past->wall_us - LIMIT_DOCTOR_PAST_US, INT64_MAX, "",
				       0, past_on_decision, past, &past->err) == 0 &&
		     history_refusals(history, past->wall_us - US_PER_DAY, past_on_refusal, past,
				      &past->err) == 0;
	history_close(history);
}

/* ---- what it means ---- */

static bool past_has_sender(const struct doctor_past *past, const char *name)
{
	for (size_t i = 0; i < past->senders.n; i++)
		if (strcmp(past->senders.at[i].name, name) == 0)
			return true;
	return false;
}

/* One whose silence is paged needs nobody who looks. */
static void past_tell_senders(struct doctor_past *past)
{
	struct doctor *doctor = past->doctor;
	const struct config *config = doctor->preflight.config;

	if (!past->began_us || past->wall_us - past->began_us < LIMIT_DOCTOR_PAST_US) {
		doctor_tell(doctor, DOCTOR_SENDERS, DOCTOR_SKIPPED, NULL, NULL,
			    "the store has less than a week");
		return;
	}
	for (size_t i = 0; i < config->nsenders; i++) {
		const struct sender_config *sender = &config->senders[i];
		if (!sender->heartbeat_us && !past_has_sender(past, sender->name))
			doctor_tell(doctor, DOCTOR_SENDERS, DOCTOR_WARNING, sender->name,
				    arena_printf(doctor->arena,
						 "tracepager senders %s tells how it is set up; "
						 "heartbeat: 15m pages when it falls silent",
						 sender->name),
				    "no alert of it was decided in the past week");
	}
	if (!doctor_has_told(doctor, DOCTOR_SENDERS))
		doctor_tell(doctor, DOCTOR_SENDERS, DOCTOR_OK, NULL, NULL,
			    "alerts of every sender came in the past week");
}

/* A pager that answers now may have refused pages that nobody has sent since. Pagers that the rules
 * do not have any more are not told. */
static void past_tell_refusals(struct doctor_past *past)
{
	struct doctor *doctor = past->doctor;
	char age[PLAIN_DURATION_SIZE];

	if (!doctor_wants(doctor, DOCTOR_PAGER) || !doctor->preflight.rules)
		return;
	for (size_t i = 0; i < past->nrefusals; i++) {
		const struct past_refusal *refusal = &past->refusals[i];
		if (rules_pager(doctor->preflight.rules, refusal->pager))
			doctor_tell(doctor, DOCTOR_PAGER, DOCTOR_WARNING, refusal->pager,
				    arena_printf(doctor->arena,
						 "try it: tracepager send --pager %s; tracepager "
						 "audit lists what it refused",
						 refusal->pager),
				    "it refused %lld page%s in the last day, the last one %s ago: "
				    "%.200s",
				    (long long)refusal->n, refusal->n == 1 ? "" : "s",
				    plain_duration(past->wall_us - refusal->last_us, age),
				    refusal->error);
	}
}

static void past_tell_broad(struct doctor_past *past)
{
	struct doctor *doctor = past->doctor;
	const char *cure = arena_printf(
		doctor->arena,
		"name its operation in a rule under signals; tracepager audit --store %s proposes "
		"one",
		past->path);

	for (size_t i = 0; i < past->broad.n && i < LIMIT_DOCTOR_FINDINGS; i++)
		doctor_tell(
			doctor, DOCTOR_BROAD, DOCTOR_WARNING, past->broad.at[i].name, cure,
			"%zu time%s it named the service %s and no operation: its traces are of "
			"many",
			past->broad.at[i].n, past->broad.at[i].n == 1 ? "" : "s",
			past->broad.at[i].second);
	if (past->broad.n > LIMIT_DOCTOR_FINDINGS)
		doctor_tell(doctor, DOCTOR_BROAD, DOCTOR_WARNING, NULL, cure,
			    "and %zu more alert%s", past->broad.n - LIMIT_DOCTOR_FINDINGS,
			    past->broad.n - LIMIT_DOCTOR_FINDINGS == 1 ? "" : "s");
	if (!past->broad.n)
		doctor_tell(doctor, DOCTOR_BROAD, DOCTOR_OK, NULL, NULL,
			    "none of %zu decisions is about one", past->ndecisions);
}

static void past_tell_bare(struct doctor_past *past)
{
	struct doctor *doctor = past->doctor;

	for (size_t i = 0; i < past->bare.n && i < LIMIT_DOCTOR_FINDINGS; i++)
		doctor_tell(doctor, DOCTOR_BASELINES, DOCTOR_WARNING, past->bare.at[i].name,
			    "do its spans come when it is well, and do the sources keep them? is "
			    "healthy_every 0s?",
			    "%zu decisions had few healthy traces, or none, to compare with",
			    past->bare.at[i].n);
	if (!past->bare.n)
		doctor_tell(doctor, DOCTOR_BASELINES, DOCTOR_OK, NULL, NULL,
			    "no decision lacked them");
}

static void past_skip(struct doctor *doctor, const char *why)
{
	doctor_tell(doctor, DOCTOR_SENDERS, DOCTOR_SKIPPED, NULL, NULL, "%s", why);
	doctor_tell(doctor, DOCTOR_BROAD, DOCTOR_SKIPPED, NULL, NULL, "%s", why);
	doctor_tell(doctor, DOCTOR_BASELINES, DOCTOR_SKIPPED, NULL, NULL, "%s", why);
}

static void past_done(void *arg)
{
	struct doctor_past *past = arg;

	doctor_end(past->doctor, past->ticket);
}

void doctor_past_begin(struct doctor *doctor)
{
	if (!doctor_wants(doctor, DOCTOR_SENDERS) && !doctor_wants(doctor, DOCTOR_BROAD) &&
	    !doctor_wants(doctor, DOCTOR_BASELINES) && !doctor_wants(doctor, DOCTOR_PAGER))
		return;
	if (!doctor->preflight.schema) {
		past_skip(doctor, "there is no store yet, or it cannot be read");
		return;
	}
	struct doctor_past *past = xcalloc(1, sizeof(*past));
	past->doctor = doctor;
	past->path = doctor->preflight.config->store_path;
	past->wall_us = doctor->wall_us;
	past->arena = arena_new(LIMIT_DOCTOR_ARENA_BYTES);
	past->ticket = doctor_begin(doctor, "the past week");
	doctor->past = past;
	pool_submit(doctor->pool, past_run, past_done, past);
}

void doctor_past_end(struct doctor *doctor)
{
	struct doctor_past *past = doctor->past;

	if (!past)
		return;
	if (!past->read) {
		past_skip(doctor, past->err.code ? past->err.text : "there was no time");
	} else {
		past_tell_senders(past);
		past_tell_refusals(past);
		past_tell_broad(past);
		past_tell_bare(past);
	}
	arena_free(past->arena);
	free(past);
	doctor->past = NULL;
}
