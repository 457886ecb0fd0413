/*
 * Doctor, pagers: each is asked what its kind can be asked without paging anybody; others are
 * reached, and no more. Where its pages would go is seen from a page that is built and never sent.
 * Pagers with the same address and key are asked once. No text tells a key.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "doctor-internal.h"
#include "tracepager/clock.h"
#include "tracepager/pager_kind.h"
#include "tracepager/plain.h"

struct doctor_pager {
	struct doctor *doctor;
	const struct pager *pager;
	struct page_target target;
	const struct pager_kind *kind;
	struct secret_hide *secrets;
	struct doctor_peer peer;
	struct delivery delivery; /* of the page that is not sent */
	size_t nothers;		  /* further ones with the same address and key */
	struct http_call *call;
	bool proves;
	size_t ticket;
	int64_t began_us;
};

/* ---- the list ---- */

static bool pager_texts_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct doctor_pager *pager_find_same(struct doctor *doctor, const struct pager *pager)
{
	for (size_t i = 0; i < doctor->npagers; i++) {
		const struct pager *other = doctor->pagers[i].pager;
		if (other->kind == pager->kind && pager_texts_same(other->url, pager->url) &&
		    pager_texts_same(other->key.value, pager->key.value))
			return &doctor->pagers[i];
	}
	return NULL;
}

static void pagers_add(void *ctx, const struct pager *pager)
{
	struct doctor *doctor = ctx;
	struct doctor_pager *same = pager_find_same(doctor, pager);

	if (same) {
		same->nothers++;
		return;
	}
	if (doctor->npagers == LIMIT_DOCTOR_HOSTS)
		return;
	struct doctor_pager *added = &doctor->pagers[doctor->npagers++];
	*added = (struct doctor_pager){
		.doctor = doctor,
		.pager = pager,
		.kind = pager_kinds[pager->kind],
		.target = page_target_of(pager),
		.peer = { .check = DOCTOR_PAGER, .name = pager->name },
	};
	added->secrets = page_target_secrets(&added->target);
}

static void pagers_list(struct doctor *doctor)
{
	doctor->pagers = arena_array(doctor->arena, LIMIT_DOCTOR_HOSTS, sizeof(*doctor->pagers));
	rules_each_pager(doctor->preflight.rules, pagers_add, doctor);
}

/* ---- where its pages go ---- */

/* A page that is built and never sent. */
static int pager_build(struct doctor_pager *pager, struct err *err)
{
	static const char *const alerts[] = { "tracepager doctor" };
	const int64_t now_us = pager->doctor->wall_us;
	const struct page page = {
		.event = PAGE_TRIGGER,
		.incident = "tracepager-doctor",
		.dedup_key = "tracepager-doctor",
		.severity = SEVERITY_INFO,
		.summary = "tracepager doctor",
		.details = "",
		.component = "",
		.origin = "tracepager doctor",
		.group = "test",
		.kind = "",
		.since_us = now_us,
		.opened_at_us = now_us,
		.at_us = now_us,
		.status = "open",
		.state = "open",
		.alerts = alerts,
		.nalerts = ARRAY_LEN(alerts),
	};

	return pager->kind->build(pager->doctor->arena, &page, &pager->target, "tracepager-doctor",
				  now_us, &pager->delivery, err);
}

/* ---- the answer ---- */

/* What it says, without its secrets: a service may quote what it was sent. */
static const char *pager_words(const struct doctor_pager *pager, const char *text)
{
	char *words = arena_strdup(pager->doctor->arena, text);

	secret_hide_in(pager->secrets, words, strlen(words));
	return words;
}

static const char *pager_others(const struct doctor_pager *pager)
{
	return pager->nothers ? arena_printf(pager->doctor->arena,
					     " (so do %zu more with the same address and key)",
					     pager->nothers)
			      : "";
}

static void pager_tell_reached(struct doctor_pager *pager)
{
	char took[PLAIN_DURATION_SIZE];

	doctor_tell(pager->doctor, DOCTOR_PAGER, DOCTOR_OK, pager->pager->name, NULL,
		    "%s is reached in %s%s; whether it takes a page shows \"tracepager send "
		    "--pager %s\"",
		    pager->peer.probe->host, plain_duration(pager->peer.probe->took_us, took),
		    pager_others(pager), pager->pager->name);
}

/* Does the service itself say no, as Slack, Telegram and Pushover do with 200 or 400? */
static bool reply_says_no(const struct http_reply *reply)
{
	if ((reply->status != 200 && reply->status != 400) || !reply->body)
		return false;
	json_t *root = json_loadb(reply->body, reply->len, 0, NULL);
	const json_t *status = json_object_get(root, "status");
	const bool no = json_is_false(json_object_get(root, "ok")) ||
			(json_is_integer(status) && json_integer_value(status) == 0);
	json_decref(root);
	return no;
}

static const char *pager_cure(const struct doctor_pager *pager, const struct http_reply *reply)
{
	const int status = reply->status;

	if (!status)
		return "is it slow, or does a proxy stand between?";
	if (status == 401 || status == 403 || (pager->proves && reply_says_no(reply)))
		return arena_printf(pager->doctor->arena,
				    "take a new key from the service, write it to the pager's "
				    "file, and try: tracepager send --pager %s",
				    pager->pager->name);
	if (status == 408 || status == 429 || status >= 500)
		return "look at the service: it is not well, or asked too often";
	return pager->target.url ? "compare the url of the pager with the address of its service"
				 : "copy webhook_url again from the service";
}

static void pager_tell_refused(struct doctor_pager *pager, const struct http_reply *reply,
			       const struct judgement *judgement)
{
	const char *cure = pager_cure(pager, reply);

	doctor_tell(pager->doctor, DOCTOR_PAGER, DOCTOR_FAILURE, pager->pager->name, cure,
		    "it refuses a request that pages nobody: %s%s", judgement->text,
		    pager_others(pager));
}

/* A reply proves nothing unless all of it came, and no page for people did. */
static struct judgement pager_judge_answer(const struct doctor_pager *pager,
					   const struct http_reply *reply)
{
	const char *body = reply->body && reply->len ? reply->body : "";
	const bool good = reply->status >= 200 && reply->status <= 299;
	struct judgement judgement = { .outcome = JUDGE_REJECTED, .retry_after_us = -1 };

	if (good && reply->error)
		snprintf(judgement.text, sizeof(judgement.text),
			 "HTTP %d, and its answer broke off: %.100s", reply->status,
			 pager_words(pager, reply->error));
	else if (good && body[strspn(body, " \t\r\n")] == '<')
		snprintf(judgement.text, sizeof(judgement.text),
			 "HTTP %d with a page for people (HTML)", reply->status);
	else if (good && !*body && pager->kind->judge_dry)
		snprintf(judgement.text, sizeof(judgement.text), "HTTP %d with an empty answer",
			 reply->status);
	else
		return pager_judge_dry(pager->kind, pager->secrets, reply);
	return judgement;
}

static void pager_on_reply(void *arg, const struct http_reply *reply)
{
	struct doctor_pager *pager = arg;
	struct judgement judgement = pager_judge_answer(pager, reply);
	char took[PLAIN_DURATION_SIZE];

	pager->call = NULL;
	if (judgement.outcome != JUDGE_DELIVERED)
		pager_tell_refused(pager, reply, &judgement);
	else
		doctor_tell(pager->doctor, DOCTOR_PAGER, DOCTOR_OK, pager->pager->name, NULL,
			    "it answers%s in %s%s", pager->proves ? ", and knows the key," : "",
			    plain_duration(clock_mono_us(clock_system()) - pager->began_us, took),
			    pager_others(pager));
	doctor_end(pager->doctor, pager->ticket);
}

/* ---- the question ---- */

static void pager_ask(struct doctor_pager *pager, struct http_request *request)
{
	static const struct http_handler handler = { .done = pager_on_reply };
	const struct http_transport *transport = pager->doctor->transport;

	request->timeout_us = LIMIT_DOCTOR_PEER_US;
	pager->began_us = clock_mono_us(clock_system());
	pager->ticket = doctor_begin(pager->doctor, pager->pager->name);
	pager->call = transport->send(transport->ctx, request, &handler, pager);
	if (pager->call)
		return;
	doctor_tell(pager->doctor, DOCTOR_PAGER, DOCTOR_SKIPPED, pager->pager->name, NULL,
		    "there is no memory or no descriptor to ask it");
	doctor_end(pager->doctor, pager->ticket);
}

static void pager_ready(struct doctor *doctor, struct doctor_peer *peer)
{
	struct doctor_pager *pager =
		(struct doctor_pager *)((char *)peer - offsetof(struct doctor_pager, peer));
	struct http_request request = { .url = NULL };
	struct err err = { 0 };
	char took[PLAIN_DURATION_SIZE];
	const int error = pager->delivery.mail || !pager->kind->dry
				  ? -ENOTSUP
				  : pager->kind->dry(doctor->arena, &pager->target, &request,
						     &pager->proves, &err);

	if (pager->delivery.mail)
		doctor_tell(doctor, DOCTOR_PAGER, DOCTOR_OK, peer->name, NULL,
			    "the mail server %s takes %s in %s%s", peer->probe->host,
			    pager->delivery.mail->user ? "user and password" : "a connection",
			    plain_duration(peer->probe->took_us, took), pager_others(pager));
	else if (error == 0)
		pager_ask(pager, &request);
	else if (error == -ENOTSUP)
		pager_tell_reached(pager);
	else
		doctor_tell(doctor, DOCTOR_PAGER, DOCTOR_FAILURE, peer->name,
			    "correct the pager in the rules", "it cannot be asked: %s",
			    pager_words(pager, err.text));
}

/* HEAD of "/" is harmless where a service is known; behind a webhook's address may be anything. */
static bool pager_takes_head(const struct doctor_pager *pager)
{
	return pager->pager->kind != PAGER_WEBHOOK;
}

static void pager_probe(struct doctor_pager *pager)
{
	const struct mail *mail = pager->delivery.mail;
	const struct probe_request request = {
		.url = mail ? mail->url : pager->delivery.request.url,
		.ca_file = mail ? mail->ca_file : pager->delivery.request.ca_file,
		.wants_date = !mail && pager_takes_head(pager),
		.tls = mail ? mail->tls : MAIL_TLS_REQUIRED,
		.user = mail ? mail->user : NULL,
		.password = mail ? mail->password : NULL,
	};

	if (doctor_wants(pager->doctor, DOCTOR_PAGER))
		pager->peer.ready = pager_ready;
	doctor_probe(pager->doctor, &request, &pager->peer);
}

static void pager_begin(struct doctor_pager *pager)
{
	struct doctor *doctor = pager->doctor;
	const struct secret *key = &pager->pager->key;
	struct err err = { 0 };

	if (key->path && !key->value)
		doctor_tell(doctor, DOCTOR_PAGER, DOCTOR_SKIPPED, pager->pager->name, NULL,
			    "its key is a credential that only the service can read");
	else if (pager_build(pager, &err) < 0)
		doctor_tell(doctor, DOCTOR_PAGER, DOCTOR_FAILURE, pager->pager->name,
			    "correct the pager in the rules", "no page can be built: %s",
			    pager_words(pager, err.text));
	else if (pager->delivery.console)
		doctor_tell(doctor, DOCTOR_PAGER, DOCTOR_SKIPPED, pager->pager->name, NULL,
			    "it writes to the relay's standard output, and wakes nobody");
	else
		pager_probe(pager);
}

void doctor_pagers_begin(struct doctor *doctor)
{
	if (!doctor->preflight.rules) {
		doctor_tell(doctor, DOCTOR_PAGER, DOCTOR_SKIPPED, NULL, NULL,
			    "the rules have errors");
		return;
	}
	if (!doctor_wants(doctor, DOCTOR_PAGER) && !doctor_wants(doctor, DOCTOR_DNS) &&
	    !doctor_wants(doctor, DOCTOR_PEER_CERTIFICATES) && !doctor_wants(doctor, DOCTOR_CLOCK))
		return;
	pagers_list(doctor);
	for (size_t i = 0; i < doctor->npagers; i++)
		pager_begin(&doctor->pagers[i]);
}

void doctor_pagers_end(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->npagers; i++) {
		struct doctor_pager *pager = &doctor->pagers[i];
		secret_hide_free(pager->secrets);
		pager->secrets = NULL;
		if (!pager->call)
			continue;
		doctor->transport->cancel(doctor->transport->ctx, pager->call);
		pager->call = NULL;
		doctor_tell(doctor, DOCTOR_PAGER, DOCTOR_FAILURE, pager->pager->name,
			    "is it slow, or does a proxy stand between?",
			    "it did not answer in time");
	}
}
