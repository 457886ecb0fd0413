/*
 * The fake store is a backend of the real one without its thread: queue, caps, order and
 * completions are the daemon's own code; only the disk is a few arrays.
 */
#include "fake_store.h"

#include <stdlib.h>
#include <string.h>

#include "../../relay/store/store-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define ARENA_BYTES (256u << 20)

struct fake_store *fake_store_new(const struct clock *clock)
{
	struct fake_store *fake = xcalloc(1, sizeof(*fake));

	fake->clock = clock;
	fake->arena = arena_new(ARENA_BYTES);
	return fake;
}

void fake_store_free(struct fake_store *fake)
{
	if (!fake)
		return;
	if (fake->store)
		fake_store_crash(fake);
	free(fake->alerts);
	free(fake->incidents);
	free(fake->pages);
	free(fake->decisions);
	free(fake->recipients);
	free(fake->events);
	free(fake->senders);
	free(fake->settings);
	free(fake->silences);
	arena_free(fake->arena);
	free(fake);
}

/* The array with one more element at its end, zeroed. */
static void *grow(void *array, size_t n, size_t size)
{
	char *grown = xrealloc_array(array, n + 1, size);

	memset(grown + n * size, 0, size);
	return grown;
}

static struct stored_alert *find_alert(const struct fake_store *fake, int64_t id)
{
	for (size_t i = 0; i < fake->nalerts; i++)
		if (fake->alerts[i].id == id)
			return &fake->alerts[i];
	return NULL;
}

static struct stored_incident *find_incident(const struct fake_store *fake, const char *id)
{
	for (size_t i = 0; i < fake->nincidents; i++)
		if (strcmp(fake->incidents[i].id, id) == 0)
			return &fake->incidents[i];
	return NULL;
}

static struct stored_page *find_page(const struct fake_store *fake, int64_t id)
{
	for (size_t i = 0; i < fake->npages; i++)
		if (fake->pages[i].id == id)
			return &fake->pages[i];
	return NULL;
}

const struct stored_alert *fake_store_alert(const struct fake_store *fake, const char *key)
{
	const struct stored_alert *newest = NULL;

	for (size_t i = 0; i < fake->nalerts; i++)
		if (strcmp(fake->alerts[i].key, key) == 0 &&
		    (!newest || fake->alerts[i].id > newest->id))
			newest = &fake->alerts[i];
	return newest;
}

const struct stored_incident *fake_store_incident(const struct fake_store *fake, const char *id)
{
	return find_incident(fake, id);
}

const struct stored_page *fake_store_page(const struct fake_store *fake, int64_t id)
{
	return find_page(fake, id);
}

static void put_alert(struct fake_store *fake, const struct stored_alert *alert)
{
	struct stored_alert *row = find_alert(fake, alert->id);

	if (!row) {
		fake->alerts = grow(fake->alerts, fake->nalerts, sizeof(*row));
		row = &fake->alerts[fake->nalerts++];
	}
	*row = *alert;
	row->key = arena_strdup(fake->arena, alert->key);
	row->incident = arena_strdup(fake->arena, alert->incident);
	row->copies = arena_strdup(fake->arena, alert->copies);
	row->doc = arena_strndup(fake->arena, alert->doc, alert->doc_len);
}

static void touch_alert(struct fake_store *fake, const struct stored_alert *alert)
{
	struct stored_alert *row = find_alert(fake, alert->id);

	if (!row)
		return;
	row->incident = arena_strdup(fake->arena, alert->incident);
	row->copies = arena_strdup(fake->arena, alert->copies);
	row->state = alert->state;
	row->attempts = alert->attempts;
	row->refreshed_us = alert->refreshed_us;
	row->expires_us = alert->expires_us;
	row->quiet_us = alert->quiet_us;
}

static void remove_alert(struct fake_store *fake, int64_t id)
{
	struct stored_alert *row = find_alert(fake, id);

	if (!row)
		return;
	fake->nalerts--;
	memmove(row, row + 1, (size_t)(fake->alerts + fake->nalerts - row) * sizeof(*row));
}

static void put_incident(struct fake_store *fake, const struct stored_incident *incident)
{
	struct stored_incident *row = find_incident(fake, incident->id);

	if (!row) {
		fake->incidents = grow(fake->incidents, fake->nincidents, sizeof(*row));
		row = &fake->incidents[fake->nincidents++];
	}
	*row = *incident;
	row->moved_to = "";
	row->id = arena_strdup(fake->arena, incident->id);
	row->key = arena_strdup(fake->arena, incident->key);
	row->team = arena_strdup(fake->arena, incident->team);
	row->page = arena_strndup(fake->arena, incident->page, incident->page_len);
	row->decision = memcpy(arena_alloc(fake->arena, incident->decision_len + 1),
			       incident->decision, incident->decision_len);
}

static void put_incident_state(struct fake_store *fake, const struct stored_incident *incident)
{
	struct stored_incident *row = find_incident(fake, incident->id);

	if (!row)
		return;
	row->state = incident->state;
	row->before = incident->before;
	row->severity = incident->severity;
	row->due_us = incident->due_us;
	row->wait_us = incident->wait_us;
	row->hold_us = incident->hold_us;
	row->told_us = incident->told_us;
	row->owes_update = incident->owes_update;
	row->moved_to = arena_strdup(fake->arena, incident->moved_to);
	row->escalation = arena_strdup(fake->arena, incident->escalation);
	row->run = incident->run;
	row->step = incident->step;
	row->left_us = incident->left_us;
	row->acked_by = arena_strdup(fake->arena, incident->acked_by);
	row->refused = arena_strdup(fake->arena, incident->refused);
}

/* Room for one more at the given place, zeroed. */
static void *grow_at(void *array, size_t n, size_t size, size_t at)
{
	char *grown = grow(array, n, size);

	memmove(grown + (at + 1) * size, grown + at * size, (n - at) * size);
	memset(grown + at * size, 0, size);
	return grown;
}

static int compare_recipients(const struct stored_recipient *a, const struct stored_recipient *b)
{
	int order = strcmp(a->incident, b->incident);

	order = order ? order : strcmp(a->pager, b->pager);
	return order ? order : a->n - b->n;
}

/* By incident, pager and n, as SQLite loads them. */
static void put_recipient(struct fake_store *fake, const struct stored_recipient *recipient)
{
	struct stored_recipient *row;
	size_t at = 0;

	while (at < fake->nrecipients && compare_recipients(&fake->recipients[at], recipient) < 0)
		at++;
	if (at == fake->nrecipients || compare_recipients(&fake->recipients[at], recipient) != 0)
		fake->recipients = grow_at(fake->recipients, fake->nrecipients++, sizeof(*row), at);
	row = &fake->recipients[at];
	*row = *recipient;
	row->incident = arena_strdup(fake->arena, recipient->incident);
	row->pager = arena_strdup(fake->arena, recipient->pager);
	row->target = arena_strdup(fake->arena, recipient->target);
	row->memory = arena_strdup(fake->arena, recipient->memory ? recipient->memory : "");
}

static void drop_recipients(struct fake_store *fake, const char *incident)
{
	size_t kept = 0;

	for (size_t i = 0; i < fake->nrecipients; i++)
		if (strcmp(fake->recipients[i].incident, incident) != 0)
			fake->recipients[kept++] = fake->recipients[i];
	fake->nrecipients = kept;
}

static void put_event(struct fake_store *fake, const struct stored_event *event)
{
	struct stored_event *row;

	fake->events = grow(fake->events, fake->nevents, sizeof(*row));
	row = &fake->events[fake->nevents++];
	*row = *event;
	row->incident = arena_strdup(fake->arena, event->incident);
	row->event = arena_strdup(fake->arena, event->event);
	row->who = arena_strdup(fake->arena, event->who);
	row->text = arena_strdup(fake->arena, event->text);
}

const struct stored_event *fake_store_event(const struct fake_store *fake, const char *event)
{
	for (size_t i = fake->nevents; i-- > 0;)
		if (strcmp(fake->events[i].event, event) == 0)
			return &fake->events[i];
	return NULL;
}

/* By name, as SQLite loads them. */
static void put_sender(struct fake_store *fake, const struct stored_sender *sender)
{
	size_t at = 0;

	while (at < fake->nsenders && strcmp(fake->senders[at].name, sender->name) < 0)
		at++;
	if (at == fake->nsenders || strcmp(fake->senders[at].name, sender->name) != 0)
		fake->senders = grow_at(fake->senders, fake->nsenders++, sizeof(*sender), at);
	fake->senders[at].name = arena_strdup(fake->arena, sender->name);
	fake->senders[at].interval_us = sender->interval_us;
}

static void put_setting(struct fake_store *fake, const struct stored_setting *setting)
{
	size_t at = 0;

	while (at < fake->nsettings && strcmp(fake->settings[at].name, setting->name) != 0)
		at++;
	if (at == fake->nsettings) {
		fake->settings = grow(fake->settings, fake->nsettings++, sizeof(*setting));
		fake->settings[at].name = arena_strdup(fake->arena, setting->name);
	}
	fake->settings[at].value = arena_strdup(fake->arena, setting->value);
}

/* By id, as SQLite loads them. */
static void put_silence(struct fake_store *fake, const struct stored_silence *silence)
{
	struct stored_silence *row;
	size_t at = 0;

	while (at < fake->nsilences && strcmp(fake->silences[at].id, silence->id) < 0)
		at++;
	if (at == fake->nsilences || strcmp(fake->silences[at].id, silence->id) != 0)
		fake->silences = grow_at(fake->silences, fake->nsilences++, sizeof(*row), at);
	row = &fake->silences[at];
	*row = *silence;
	row->id = arena_strdup(fake->arena, silence->id);
	row->doc = arena_strndup(fake->arena, silence->doc, silence->doc_len);
}

static void put_page(struct fake_store *fake, const struct stored_page *page)
{
	struct stored_page *row = find_page(fake, page->id);

	if (!row) {
		fake->pages = grow(fake->pages, fake->npages, sizeof(*row));
		row = &fake->pages[fake->npages++];
	}
	*row = *page;
	row->incident = arena_strdup(fake->arena, page->incident);
	row->pager = arena_strdup(fake->arena, page->pager);
	row->target = arena_strdup(fake->arena, page->target);
	row->error = arena_strdup(fake->arena, page->error);
	row->doc = arena_strndup(fake->arena, page->doc, page->doc_len);
}

static void touch_page(struct fake_store *fake, const struct stored_page *page)
{
	struct stored_page *row = find_page(fake, page->id);

	if (!row)
		return;
	row->state = page->state;
	row->attempts = page->attempts;
	row->next_us = page->next_us;
	row->error = arena_strdup(fake->arena, page->error);
}

static void put_decision(struct fake_store *fake, const struct stored_decision *decision)
{
	struct stored_decision *row;

	fake->decisions = grow(fake->decisions, fake->ndecisions, sizeof(*row));
	row = &fake->decisions[fake->ndecisions++];
	*row = *decision;
	row->alert_key = arena_strdup(fake->arena, decision->alert_key);
	row->incident = arena_strdup(fake->arena, decision->incident);
	row->team = arena_strdup(fake->arena, decision->team);
	row->rules = arena_strdup(fake->arena, decision->rules);
	row->alert = arena_strndup(fake->arena, decision->alert, decision->alert_len);
	row->doc = arena_strndup(fake->arena, decision->doc, decision->doc_len);
	row->traces = row->healthy = NULL;
	row->traces_len = row->healthy_len = 0;
}

/* Of the decision before it. */
static void put_traces(struct fake_store *fake, const struct stored_decision *decision)
{
	struct stored_decision *row = &fake->decisions[fake->ndecisions - 1];

	row->traces = arena_strndup(fake->arena, decision->traces, decision->traces_len);
	row->traces_len = decision->traces_len;
	row->healthy = arena_strndup(fake->arena, decision->healthy, decision->healthy_len);
	row->healthy_len = decision->healthy_len;
}

static void apply(struct fake_store *fake, const struct store_op *op)
{
	switch (op->kind) {
	case STORE_OP_PUT_ALERT:
		put_alert(fake, &op->alert);
		break;
	case STORE_OP_TOUCH_ALERT:
		touch_alert(fake, &op->alert);
		break;
	case STORE_OP_REMOVE_ALERT:
		remove_alert(fake, op->alert.id);
		break;
	case STORE_OP_PUT_INCIDENT:
		put_incident(fake, &op->incident);
		break;
	case STORE_OP_PUT_INCIDENT_STATE:
		put_incident_state(fake, &op->incident);
		break;
	case STORE_OP_DROP_INCIDENT_STATE:
		break; /* what is not open is not loaded */
	case STORE_OP_DROP_RECIPIENTS:
		drop_recipients(fake, op->incident.id);
		break;
	case STORE_OP_PUT_RECIPIENT:
		put_recipient(fake, &op->recipient);
		break;
	case STORE_OP_PUT_EVENT:
		put_event(fake, &op->event);
		break;
	case STORE_OP_PUT_SENDER:
		put_sender(fake, &op->sender);
		break;
	case STORE_OP_PUT_SETTING:
		put_setting(fake, &op->setting);
		break;
	case STORE_OP_PUT_SILENCE:
		put_silence(fake, &op->silence);
		break;
	case STORE_OP_PUT_PAGE:
		put_page(fake, &op->page);
		break;
	case STORE_OP_TOUCH_PAGE:
		touch_page(fake, &op->page);
		break;
	case STORE_OP_PUT_DECISION:
		put_decision(fake, &op->decision);
		break;
	case STORE_OP_PUT_TRACES:
		put_traces(fake, &op->decision);
		break;
	case STORE_OP_PUT_RULES:
		fake->nrules++;
		fake->rules_hash = arena_strdup(fake->arena, op->rules.hash);
		fake->rules_bytes = op->rules.texts_len;
		break;
	case STORE_OP_COUNT:
		abort();
	}
}

static int fake_commit(void *backend, struct store_batch *first, const struct store_batch *end,
		       struct store_batch **ret_bad, struct err *err)
{
	struct fake_store *fake = backend;
	struct store_op op;

	(void)ret_bad;
	if (fake->fail)
		return err_set(err, -fake->fail, "the fake store was told to fail: %s",
			       strerror(-fake->fail));
	for (struct store_batch *batch = first; batch != end; batch = STAILQ_NEXT(batch, link)) {
		for (size_t pos = 0; store_batch_next(batch, &pos, &op);)
			apply(fake, &op);
		fake->commits++;
	}
	return 0;
}

static int64_t fake_idle(void *backend)
{
	(void)backend;
	return US_PER_HOUR;
}

static int64_t age_of_alert(const void *row)
{
	return ((const struct stored_alert *)row)->accepted_us;
}

static int64_t age_of_incident(const void *row)
{
	return ((const struct stored_incident *)row)->opened_us;
}

static int64_t age_of_page(const void *row)
{
	return ((const struct stored_page *)row)->id;
}

/* The next row after last in order of age, and of writing where ages are equal. Slow; for small
 * tables.
 */
static const void *next_row(const void *rows, size_t n, size_t size,
			    int64_t (*age)(const void *row), const void *last)
{
	const char *at = rows, *best = NULL;

	for (size_t i = 0; i < n; i++, at += size) {
		if (last &&
		    (age(at) < age(last) || (age(at) == age(last) && at <= (const char *)last)))
			continue;
		if (!best || age(at) < age(best))
			best = at;
	}
	return best;
}

static bool alert_is_wanted(const struct fake_store *fake, const struct stored_alert *alert)
{
	return fake_store_alert(fake, alert->key) == alert &&
	       (alert->state != STORED_ALERT_ENDED ||
		alert->refreshed_us >= clock_wall_us(fake->clock) - LIMIT_RESOLVED_MEMORY_US);
}

static int fake_load(void *backend, const struct store_loader *loader, void *ctx, struct err *err)
{
	struct fake_store *fake = backend;
	const struct stored_alert *alert = NULL;
	const struct stored_incident *incident = NULL;
	const struct stored_page *page = NULL;

	if (fake->load_fails)
		return err_set(err, -fake->load_fails, "the fake store was told to fail: %s",
			       strerror(-fake->load_fails));
	for (size_t i = 0; i < fake->nsenders && loader->sender; i++)
		loader->sender(ctx, &fake->senders[i]);
	for (size_t i = 0; i < fake->nsettings && loader->setting; i++)
		if (*fake->settings[i].value)
			loader->setting(ctx, &fake->settings[i]);
	for (size_t i = 0; i < fake->nsilences && loader->silence; i++)
		if (fake->silences[i].ends_us >= clock_wall_us(fake->clock) - LIMIT_SILENCE_KEPT_US)
			loader->silence(ctx, &fake->silences[i]);
	while ((incident = next_row(fake->incidents, fake->nincidents, sizeof(*incident),
				    age_of_incident, incident)))
		if (incident->open)
			loader->incident(ctx, incident);
	for (size_t i = 0; i < fake->nrecipients && loader->recipient; i++)
		loader->recipient(ctx, &fake->recipients[i]);
	while ((page = next_row(fake->pages, fake->npages, sizeof(*page), age_of_page, page)))
		if (page->state == STORED_PAGE_QUEUED)
			loader->page(ctx, page);
	while ((alert = next_row(fake->alerts, fake->nalerts, sizeof(*alert), age_of_alert, alert)))
		if (alert_is_wanted(fake, alert))
			loader->alert(ctx, alert);
	return 0;
}

/* The disk outlives the store. */
static void fake_close(void *backend)
{
	struct fake_store *fake = backend;

	fake->store = NULL;
}

static const struct store_ops ops = {
	.commit = fake_commit,
	.idle = fake_idle,
	.load = fake_load,
	.close = fake_close,
};

struct store *fake_store_open(struct fake_store *fake)
{
	if (fake->store)
		abort();
	fake->store = store_new(&ops, fake);
	return fake->store;
}

void fake_store_crash(struct fake_store *fake)
{
	store_abandon(fake->store);
}

size_t fake_store_complete(struct fake_store *fake, size_t n)
{
	size_t done = store_run(fake->store, n);

	store_poll(fake->store);
	return done;
}

void fake_store_fail(struct fake_store *fake, int error)
{
	fake->fail = error;
}
