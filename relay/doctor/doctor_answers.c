/* Doctor, answers: see doctor_answers-internal.h. */
#include "doctor_answers-internal.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/clock.h"
#include "tracepager/plain.h"

struct doctor_answer {
	bool asked, here; /* here: a reply came, of whatever status */
	int status;
	const char *text, *error;
	json_t *json;
};

struct doctor_answers {
	const char *url; /* NULL: not known */
	struct doctor_answer at[ANSWER_ID_COUNT];
};

void doctor_answers_init(struct doctor *doctor, const char *url)
{
	doctor->answers = arena_alloc(doctor->arena, sizeof(*doctor->answers));
	doctor->answers->url = url;
}

void doctor_answer_take(struct doctor *doctor, enum doctor_answer_id id,
			const struct http_reply *reply)
{
	struct doctor_answer *answer = &doctor->answers->at[id];

	*answer = (struct doctor_answer){
		.asked = true,
		.here = reply->status && !reply->error,
		.status = reply->status,
		.text = arena_strndup(doctor->arena, reply->body, reply->len),
		.error = arena_strdup(doctor->arena, reply->error ? reply->error : "no answer"),
	};
	if (answer->here && reply->status == 200 && id >= ANSWER_QUEUE)
		answer->json = json_loadb(reply->body, reply->len, 0, NULL);
}

/* ---- what they hold ---- */

/* A sample without labels, or with these ("{result=\"sent\"}"); -1: there is none. */
static double answer_metric(const struct doctor_answers *answers, const char *name)
{
	const char *text = answers->at[ANSWER_METRICS].text;
	const size_t len = strlen(name);

	for (const char *at = text; at && (at = strstr(at, name)); at += len)
		if ((at == text || at[-1] == '\n') && at[len] == ' ')
			return strtod(at + len, NULL);
	return -1;
}

static const char *answer_text(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "";
}

/* How long ago that was; -1: no such time. */
static int64_t answer_age_us(const struct doctor *doctor, const json_t *object, const char *member)
{
	const char *text = answer_text(object, member);
	int64_t us;

	return *text && rfc3339_parse(text, strlen(text), &us) == 0 ? doctor->wall_us - us : -1;
}

/* A line of /-/ready that has the words. Kept by the arena; NULL: none. */
static const char *answer_ready_line(struct doctor *doctor, const char *words)
{
	const char *text = doctor->answers->at[ANSWER_READY].text;
	const char *found = text ? strstr(text, words) : NULL;

	if (!found)
		return NULL;
	while (found > text && found[-1] != '\n')
		found--;
	return arena_strndup(doctor->arena, found, strcspn(found, "\n"));
}

/* ---- relay ---- */

static void answers_tell_unreached(struct doctor *doctor)
{
	const struct doctor_answers *answers = doctor->answers;
	const char *why = answers->at[ANSWER_READY].error ? answers->at[ANSWER_READY].error
							  : "no answer in time";
	const bool strange = strstr(why, "certificate");
	/* A first look, before the first start. */
	const bool never = !doctor->runs && !doctor->scope->url && !doctor->preflight.schema;

	if (strange)
		doctor_tell(doctor, DOCTOR_RELAY, DOCTOR_WARNING, NULL,
			    "give --url with a name of its certificate, and --ca-file",
			    "its certificate is not of this address: %s", why);
	else
		doctor_tell(doctor, DOCTOR_RELAY, never ? DOCTOR_SKIPPED : DOCTOR_FAILURE, NULL,
			    doctor->runs ? "is --url right? tracepager run tells at its start "
					   "where it listens"
					 : "start it: systemctl start tracepager",
			    "no relay answers at %s: %s", answers->url, why);
}

static void answers_tell_ready(struct doctor *doctor)
{
	const struct doctor_answer *ready = &doctor->answers->at[ANSWER_READY];
	const char *line = arena_strndup(doctor->arena, ready->text, strcspn(ready->text, "\n"));

	if (!strstr(ready->text, "ready"))
		doctor_tell(doctor, DOCTOR_RELAY, DOCTOR_FAILURE, NULL,
			    "name the relay with --url, or correct listen",
			    "what answers at %s is no tracepager (HTTP %d)", doctor->answers->url,
			    ready->status);
	else if (ready->status != 200)
		doctor_tell(doctor, DOCTOR_RELAY, DOCTOR_FAILURE, NULL,
			    "the log of the relay tells more: journalctl -u tracepager", "%s",
			    line);
	else
		doctor_tell(doctor, DOCTOR_RELAY, DOCTOR_OK, NULL, NULL, "%s is ready",
			    doctor->answers->url);
}

/* ---- backlog ---- */

static void answers_tell_oldest(struct doctor *doctor)
{
	const json_t *pages = json_object_get(doctor->answers->at[ANSWER_QUEUE].json, "pages");
	const json_t *page = json_array_get(pages, 0);
	const int64_t age_us = answer_age_us(doctor, page, "created_at");
	char age[PLAIN_DURATION_SIZE];

	if (!page || age_us < LIMIT_DOCTOR_WAITING_US)
		return;
	const char *pager = answer_text(page, "pager"), *error = answer_text(page, "error");
	doctor_tell(doctor, DOCTOR_BACKLOG, DOCTOR_FAILURE, pager,
		    arena_printf(doctor->arena,
				 "when the pager is well: tracepager queue retry "
				 "--pager %s",
				 pager),
		    "a page has waited for %s (%s)%s%s", plain_duration(age_us, age),
		    answer_text(page, "state"), *error ? ": " : "", error);
}

static void answers_tell_pagers(struct doctor *doctor)
{
	const json_t *pagers = json_object_get(doctor->answers->at[ANSWER_PAGERS].json, "pagers");

	for (size_t i = 0; i < json_array_size(pagers); i++) {
		const json_t *pager = json_array_get(pagers, i);
		const char *name = answer_text(pager, "name"), *state = answer_text(pager, "state");
		const long long waiting =
			(long long)json_integer_value(json_object_get(pager, "waiting"));
		if (strcmp(state, "paused") == 0)
			doctor_tell(doctor, DOCTOR_BACKLOG, DOCTOR_WARNING, name,
				    arena_printf(doctor->arena, "tracepager resume %s", name),
				    "it is paused by %s; %lld page%s",
				    answer_text(pager, "paused_by"), waiting,
				    waiting == 1 ? " waits" : "s wait");
		else if (strcmp(state, "failing") == 0)
			doctor_tell(doctor, DOCTOR_BACKLOG, DOCTOR_WARNING, name,
				    "tracepager queue shows its last error",
				    "its last tries failed; %lld page%s", waiting,
				    waiting == 1 ? " waits" : "s wait");
	}
}

static void answers_tell_backlog(struct doctor *doctor)
{
	const struct doctor_answers *answers = doctor->answers;
	const char *unreached = answer_ready_line(doctor, " reached nobody: ");
	const double waiting = answer_metric(answers, "tracepager_queue_depth{queue=\"pages\"}");

	if (unreached)
		doctor_tell(doctor, DOCTOR_BACKLOG, DOCTOR_FAILURE, NULL,
			    "tracepager incidents lists them; mend the pager, then tracepager send "
			    "--pager NAME",
			    "%s", unreached);
	if (!answers->at[ANSWER_QUEUE].json || !answers->at[ANSWER_PAGERS].json) {
		doctor_tell(doctor, DOCTOR_BACKLOG, DOCTOR_WARNING, NULL,
			    "give --token-file with a token that may read",
			    "what waits is not known: the relay answers HTTP %d, it wants another "
			    "token",
			    answers->at[ANSWER_QUEUE].status);
		return;
	}
	answers_tell_oldest(doctor);
	answers_tell_pagers(doctor);
	if (!doctor_has_told(doctor, DOCTOR_BACKLOG))
		doctor_tell(doctor, DOCTOR_BACKLOG, DOCTOR_OK, NULL, NULL,
			    "%.0f pages are under way, and none waits for long",
			    waiting > 0 ? waiting : 0.0);
}

/* ---- rejected bodies, by sender ---- */

/* A sender with a wrong token posts nothing that could be kept. */
static void answers_tell_tokens(struct doctor *doctor)
{
	const double at_s =
		answer_metric(doctor->answers, "tracepager_sender_token_refused_timestamp_seconds");
	const double n = answer_metric(
		doctor->answers, "tracepager_requests_refused_total{reason=\"sender_token\"}");
	const int64_t age_us = doctor->wall_us - (int64_t)(at_s * (double)US_PER_SECOND);
	char age[PLAIN_DURATION_SIZE];

	if (at_s > 0 && age_us < US_PER_DAY)
		doctor_tell(
			doctor, DOCTOR_REJECTED, DOCTOR_WARNING, NULL,
			"the relay's log names sender and address (\"request refused: its token "
			"is missing or wrong\"); give both sides the same token",
			"%.0f request%s of senders had no token or a wrong one since the relay's "
			"start, the last one %s ago",
			n, n == 1 ? "" : "s", plain_duration(age_us > 0 ? age_us : 0, age));
}

static void answers_tell_rejected(struct doctor *doctor)
{
	const json_t *list = json_object_get(doctor->answers->at[ANSWER_REJECTED].json, "rejected");
	const char *told[LIMIT_DOCTOR_FINDINGS] = { NULL };
	size_t ntold = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *body = json_array_get(list, i);
		const char *sender = answer_text(body, "sender");
		const int64_t age_us = answer_age_us(doctor, body, "at");
		bool again = age_us < 0 || age_us > US_PER_DAY || ntold == ARRAY_LEN(told);
		for (size_t k = 0; k < ntold; k++)
			again |= strcmp(told[k], sender) == 0;
		if (again)
			continue;
		told[ntold++] = sender;
		doctor_tell(doctor, DOCTOR_REJECTED, DOCTOR_WARNING, sender,
			    arena_printf(doctor->arena,
					 "tracepager rejected show %s shows the body, and where "
					 "reading ended",
					 answer_text(body, "id")),
			    "it posted what cannot be read: %s", answer_text(body, "reason"));
	}
	answers_tell_tokens(doctor);
	if (!doctor_has_told(doctor, DOCTOR_REJECTED))
		doctor_tell(doctor, DOCTOR_REJECTED, list ? DOCTOR_OK : DOCTOR_SKIPPED, NULL, NULL,
			    list ? "none in the last day" : "the relay was not asked");
}

/* ---- rules, heartbeat ---- */

static void answers_tell_rules(struct doctor *doctor)
{
	const json_t *rules = json_object_get(doctor->answers->at[ANSWER_RULES].json, "rules");
	const char *result = answer_text(json_object_get(rules, "last"), "result");

	if (!*result)
		doctor_tell(doctor, DOCTOR_RELOAD, DOCTOR_SKIPPED, NULL, NULL,
			    "the relay was not asked");
	else if (strcmp(result, "taken") == 0 || strcmp(result, "unchanged") == 0)
		doctor_tell(doctor, DOCTOR_RELOAD, DOCTOR_OK, NULL, NULL,
			    "the last load was taken");
	else
		doctor_tell(doctor, DOCTOR_RELOAD, DOCTOR_WARNING, NULL,
			    arena_printf(doctor->arena,
					 "tracepager check %s, and tracepager test; then reload "
					 "(systemctl reload tracepager), or wait: the relay tries "
					 "again every %lld s while it watches the rules",
					 doctor->preflight.config->rules,
					 LIMIT_RELOAD_RETRY_US / US_PER_SECOND),
			    "the last load of the rules was not taken (%s): older ones are in "
			    "force",
			    result);
}

static void answers_tell_heartbeat(struct doctor *doctor)
{
	const char *line = answer_ready_line(doctor, "no heartbeat is sent");
	const double at_s = answer_metric(doctor->answers,
					  "tracepager_heartbeat_last_success_timestamp_seconds");
	const int64_t age_us = doctor->wall_us - (int64_t)(at_s * (double)US_PER_SECOND);
	char age[PLAIN_DURATION_SIZE];

	if (line)
		doctor_tell(doctor, DOCTOR_HEARTBEAT, DOCTOR_FAILURE, NULL,
			    "the log of the relay tells more: journalctl -u tracepager", "%s",
			    line);
	else if (at_s > 0 && age_us > 3 * doctor->preflight.config->heartbeat_every_us)
		doctor_tell(doctor, DOCTOR_HEARTBEAT, DOCTOR_FAILURE, NULL,
			    "the log of the relay tells more: journalctl -u tracepager",
			    "the last heartbeat was taken %s ago", plain_duration(age_us, age));
	else if (at_s > 0 && !doctor_has_told(doctor, DOCTOR_HEARTBEAT))
		doctor_tell(doctor, DOCTOR_HEARTBEAT, DOCTOR_OK, NULL, NULL,
			    "the last one was taken %s ago",
			    plain_duration(age_us > 0 ? age_us : 0, age));
}

/* ---- all ---- */

static void answers_skip(struct doctor *doctor, const char *why)
{
	static const enum doctor_check checks[] = { DOCTOR_RELAY, DOCTOR_BACKLOG, DOCTOR_RELOAD,
						    DOCTOR_REJECTED };

	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		if (!doctor_has_told(doctor, checks[i]))
			doctor_tell(doctor, checks[i], DOCTOR_SKIPPED, NULL, NULL, "%s", why);
}

void doctor_answers_tell(struct doctor *doctor)
{
	struct doctor_answers *answers = doctor->answers;
	const bool here = answers->at[ANSWER_READY].here;

	if (here) {
		answers_tell_ready(doctor);
		if (strstr(answers->at[ANSWER_READY].text, "ready")) {
			answers_tell_backlog(doctor);
			answers_tell_rejected(doctor);
			answers_tell_rules(doctor);
			if (doctor->preflight.config->heartbeat_url.path ||
			    doctor->preflight.config->heartbeat_url.value)
				answers_tell_heartbeat(doctor);
		}
	} else if (answers->url) {
		answers_tell_unreached(doctor);
	}
	answers_skip(doctor, answers->url ? "no relay answers"
					  : "its port is not known (listen ends in :0)");
	if (!doctor_has_told(doctor, DOCTOR_HEARTBEAT))
		doctor_tell(doctor, DOCTOR_HEARTBEAT, DOCTOR_SKIPPED, NULL, NULL,
			    "no relay tells of its last one");
	for (int i = 0; i < ANSWER_ID_COUNT; i++)
		json_decref(answers->at[i].json);
}
