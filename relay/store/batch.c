/*
 * Batch: the writes of one turn, copied into one block, so that the store's thread reads no memory
 * of the caller's.
 *
 * It judges nothing and never fails: intake has capped the sizes. In the block each operation is
 * its struct, followed by its strings in the order of the table below; reading an operation sets
 * the struct's pointers.
 *
 * The loop makes and frees a batch in each turn that writes. It keeps a few blocks of freed ones
 * for the next: memory from malloc() would be cleared by the kernel page by page, and copied as it
 * grows.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define MAX_TEXTS	  5
#define MAX_DOCS	  2
#define FIRST_BLOCK_BYTES 512

/* Offsets of an operation's strings: of texts, and of documents with their lengths. */
struct shape {
	size_t ntexts, texts[MAX_TEXTS];
	size_t ndocs;
	struct {
		size_t at, len;
	} docs[MAX_DOCS];
};

#define AT(member) offsetof(struct store_op, member)

/* clang-format off */
#define DOC(op, member) { AT(op.member), AT(op.member##_len) }

static const struct shape shapes[STORE_OP_COUNT] = {
	[STORE_OP_PUT_ALERT] = { 3, { AT(alert.key), AT(alert.incident), AT(alert.copies) },
				 1, { DOC(alert, doc) } },
	[STORE_OP_TOUCH_ALERT] = { 2, { AT(alert.incident), AT(alert.copies) }, 0, { { 0, 0 } } },
	[STORE_OP_REMOVE_ALERT] = { 0, { 0 }, 0, { { 0, 0 } } },
	[STORE_OP_PUT_INCIDENT] = { 3, { AT(incident.id), AT(incident.key), AT(incident.team) },
				    2, { DOC(incident, page), DOC(incident, decision) } },
	[STORE_OP_PUT_INCIDENT_STATE] = { 5, { AT(incident.id), AT(incident.moved_to),
					       AT(incident.escalation), AT(incident.acked_by),
					       AT(incident.refused) },
					  0, { { 0, 0 } } },
	[STORE_OP_DROP_INCIDENT_STATE] = { 1, { AT(incident.id) }, 0, { { 0, 0 } } },
	[STORE_OP_DROP_RECIPIENTS] = { 1, { AT(incident.id) }, 0, { { 0, 0 } } },
	[STORE_OP_PUT_RECIPIENT] = { 4, { AT(recipient.incident), AT(recipient.pager),
					  AT(recipient.target), AT(recipient.memory) },
				     0, { { 0, 0 } } },
	[STORE_OP_PUT_EVENT] = { 4, { AT(event.incident), AT(event.event), AT(event.who),
				      AT(event.text) },
				 0, { { 0, 0 } } },
	[STORE_OP_PUT_SENDER] = { 1, { AT(sender.name) }, 0, { { 0, 0 } } },
	[STORE_OP_PUT_SILENCE] = { 1, { AT(silence.id) }, 1, { DOC(silence, doc) } },
	[STORE_OP_PUT_SETTING] = { 2, { AT(setting.name), AT(setting.value) }, 0, { { 0, 0 } } },
	[STORE_OP_PUT_PAGE] = { 4, { AT(page.incident), AT(page.pager), AT(page.target),
				     AT(page.error) },
				1, { DOC(page, doc) } },
	[STORE_OP_TOUCH_PAGE] = { 1, { AT(page.error) }, 0, { { 0, 0 } } },
	[STORE_OP_PUT_DECISION] = { 4, { AT(decision.alert_key), AT(decision.incident),
					 AT(decision.team), AT(decision.rules) },
				    2, { DOC(decision, alert), DOC(decision, doc) } },
	[STORE_OP_PUT_TRACES] = { 0, { 0 },
				  2, { DOC(decision, traces), DOC(decision, healthy) } },
	[STORE_OP_PUT_RULES] = { 1, { AT(rules.hash) }, 1, { DOC(rules, texts) } },
};

#undef DOC
/* clang-format on */

static const char *text_at(const struct store_op *op, size_t offset)
{
	const char *text;

	memcpy(&text, (const char *)op + offset, sizeof(text));
	return text;
}

static void set_text(struct store_op *op, size_t offset, const char *text)
{
	memcpy((char *)op + offset, &text, sizeof(text));
}

static size_t length_at(const struct store_op *op, size_t offset)
{
	size_t len;

	memcpy(&len, (const char *)op + offset, sizeof(len));
	return len;
}

/* Adds a string with a NUL behind it, so that a reader may use it as a C string. */
static void batch_add_text(struct store_batch *batch, const char *text, size_t len)
{
	if (len > 0)
		memcpy(batch->block + batch->len, text, len);
	batch->block[batch->len + len] = '\0';
	batch->len += len + 1;
}

/* ---- spare blocks ---- */

static _Thread_local struct {
	struct {
		char *block;
		size_t size;
	} at[LIMIT_SPARE_BATCHES];
	size_t n;
} batch_spares;

static void batch_take_spare(struct store_batch *batch)
{
	if (!batch_spares.n)
		return;
	batch_spares.n--;
	batch->block = batch_spares.at[batch_spares.n].block;
	batch->size = batch_spares.at[batch_spares.n].size;
}

static void batch_give_block(struct store_batch *batch)
{
	if (!batch->block || batch->size > LIMIT_SPARE_BATCH_BYTES ||
	    batch_spares.n == LIMIT_SPARE_BATCHES) {
		free(batch->block);
		return;
	}
	batch_spares.at[batch_spares.n].block = batch->block;
	batch_spares.at[batch_spares.n].size = batch->size;
	batch_spares.n++;
}

/* ---- writing and reading ---- */

static void batch_reserve(struct store_batch *batch, size_t more)
{
	size_t size;

	if (!batch->block)
		batch_take_spare(batch);
	if (more <= batch->size - batch->len)
		return;
	size = batch->size ? batch->size : FIRST_BLOCK_BYTES;
	while (size - batch->len < more)
		size *= 2;
	batch->block = xrealloc_array(batch->block, size, 1);
	batch->size = size;
}

static void batch_append(struct store_batch *batch, const struct store_op *op)
{
	const struct shape *shape = &shapes[op->kind];
	size_t lens[MAX_TEXTS], need = sizeof(*op);
	const char *text;

	for (size_t i = 0; i < shape->ntexts; i++) {
		text = text_at(op, shape->texts[i]);
		lens[i] = text ? strlen(text) : 0;
		need += lens[i] + 1;
	}
	for (size_t i = 0; i < shape->ndocs; i++)
		need += length_at(op, shape->docs[i].len) + 1;
	batch_reserve(batch, need);
	memcpy(batch->block + batch->len, op, sizeof(*op));
	batch->len += sizeof(*op);
	for (size_t i = 0; i < shape->ntexts; i++)
		batch_add_text(batch, text_at(op, shape->texts[i]), lens[i]);
	for (size_t i = 0; i < shape->ndocs; i++)
		batch_add_text(batch, text_at(op, shape->docs[i].at),
			       length_at(op, shape->docs[i].len));
	batch->ops++;
}

bool store_batch_next(const struct store_batch *batch, size_t *pos, struct store_op *ret_op)
{
	const struct shape *shape;
	size_t at = *pos;

	if (at == batch->len)
		return false;
	memcpy(ret_op, batch->block + at, sizeof(*ret_op));
	at += sizeof(*ret_op);
	shape = &shapes[ret_op->kind];
	for (size_t i = 0; i < shape->ntexts; i++) {
		set_text(ret_op, shape->texts[i], batch->block + at);
		at += strlen(batch->block + at) + 1;
	}
	for (size_t i = 0; i < shape->ndocs; i++) {
		set_text(ret_op, shape->docs[i].at, batch->block + at);
		at += length_at(ret_op, shape->docs[i].len) + 1;
	}
	*pos = at;
	return true;
}

struct store_batch *store_batch_new(void)
{
	return xcalloc(1, sizeof(struct store_batch));
}

void store_batch_free(struct store_batch *batch)
{
	if (!batch)
		return;
	batch_give_block(batch);
	free(batch->text);
	free(batch);
}

bool store_batch_empty(const struct store_batch *batch)
{
	return batch->ops == 0;
}

void store_put_alert(struct store_batch *batch, const struct stored_alert *alert)
{
	batch_append(batch, &(struct store_op){ .kind = STORE_OP_PUT_ALERT, .alert = *alert });
}

void store_touch_alert(struct store_batch *batch, const struct stored_alert *alert)
{
	struct store_op op = { .kind = STORE_OP_TOUCH_ALERT, .alert = *alert };

	op.alert.key = NULL;
	op.alert.doc = NULL;
	op.alert.doc_len = 0;
	batch_append(batch, &op);
}

void store_remove_alert(struct store_batch *batch, int64_t id)
{
	batch_append(batch,
		     &(struct store_op){ .kind = STORE_OP_REMOVE_ALERT, .alert = { .id = id } });
}

/* Key, team, times, page and decision are another operation's. */
static void batch_add_incident_op(struct store_batch *batch, enum store_op_kind kind,
				  const struct stored_incident *incident)
{
	struct store_op op = { .kind = kind, .incident = *incident };

	op.incident.key = NULL;
	op.incident.team = NULL;
	op.incident.page = NULL;
	op.incident.page_len = 0;
	op.incident.decision = NULL;
	op.incident.decision_len = 0;
	batch_append(batch, &op);
}

void store_touch_incident(struct store_batch *batch, const struct stored_incident *incident)
{
	assert(incident->open);
	batch_add_incident_op(batch, STORE_OP_PUT_INCIDENT_STATE, incident);
}

void store_put_incident(struct store_batch *batch, const struct stored_incident *incident)
{
	struct store_op op = { .kind = STORE_OP_PUT_INCIDENT, .incident = *incident };

	op.incident.moved_to = NULL;
	batch_append(batch, &op);
	if (incident->open) {
		store_touch_incident(batch, incident);
		return;
	}
	batch_add_incident_op(batch, STORE_OP_DROP_INCIDENT_STATE, incident);
	batch_add_incident_op(batch, STORE_OP_DROP_RECIPIENTS, incident);
}

void store_put_recipient(struct store_batch *batch, const struct stored_recipient *recipient)
{
	batch_append(batch,
		     &(struct store_op){ .kind = STORE_OP_PUT_RECIPIENT, .recipient = *recipient });
}

void store_put_event(struct store_batch *batch, const struct stored_event *event)
{
	batch_append(batch, &(struct store_op){ .kind = STORE_OP_PUT_EVENT, .event = *event });
}

void store_put_sender(struct store_batch *batch, const struct stored_sender *sender)
{
	batch_append(batch, &(struct store_op){ .kind = STORE_OP_PUT_SENDER, .sender = *sender });
}

void store_put_silence(struct store_batch *batch, const struct stored_silence *silence)
{
	batch_append(batch,
		     &(struct store_op){ .kind = STORE_OP_PUT_SILENCE, .silence = *silence });
}

void store_put_setting(struct store_batch *batch, const struct stored_setting *setting)
{
	batch_append(batch,
		     &(struct store_op){ .kind = STORE_OP_PUT_SETTING, .setting = *setting });
}

void store_put_page(struct store_batch *batch, const struct stored_page *page)
{
	batch_append(batch, &(struct store_op){ .kind = STORE_OP_PUT_PAGE, .page = *page });
}

void store_touch_page(struct store_batch *batch, const struct stored_page *page)
{
	struct store_op op = { .kind = STORE_OP_TOUCH_PAGE };

	op.page.id = page->id;
	op.page.state = page->state;
	op.page.attempts = page->attempts;
	op.page.next_us = page->next_us;
	op.page.error = page->error;
	batch_append(batch, &op);
}

void store_put_decision(struct store_batch *batch, const struct stored_decision *decision)
{
	struct store_op op = { .kind = STORE_OP_PUT_DECISION, .decision = *decision };

	batch_append(batch, &op);
	op.kind = STORE_OP_PUT_TRACES;
	if (decision->traces_len || decision->healthy_len)
		batch_append(batch, &op);
}

void store_put_rules(struct store_batch *batch, const struct stored_rules *rules)
{
	batch_append(batch, &(struct store_op){ .kind = STORE_OP_PUT_RULES, .rules = *rules });
}
