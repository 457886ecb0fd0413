/*
 * Trace link: makes a tree of the spans of one trace, by the texts of their ids
 * (tracepager-walk(7), section 1; the rules are in trace_builder.h).
 *
 * Every pass is linear, whatever the ids are. A table finds the first span of each id. A second
 * table, which exists only where an id repeats, finds exact duplicates. Cycles are found by going
 * up from each span until a span is reached that was visited before.
 *
 * There is no memory for notes, so fields that are not set yet hold them. In the first span of a
 * repeated id, next_sibling is the client half, first_child the server half, and parent a span with
 * that id that has no side. Later, when cycles are looked for, next_sibling is the span from which
 * this one was visited.
 */
#include <stdlib.h>

#include "trace_link-internal.h"
#include "tracepager/hash.h"
#include "tracepager/xalloc.h"

struct link {
	struct trace *trace;
	struct span *spans;
	struct trace_slot *slots;
	uint32_t mask;
	uint64_t multiplier; /* secret, so that no document can aim at one slot */
	uint32_t *repeated;  /* hash table of the spans whose ids repeat, by all fields that make a
				duplicate; NULL: no id repeats */
	uint32_t repeated_mask;
	bool has_unpadded; /* some parent was not found whose id may be written without its zeros */
	bool upward; /* some parent comes after its child in the document: there may be a cycle */
};

uint32_t trace_link_slots(uint32_t nspans)
{
	uint32_t slots = 16;

	while (slots < nspans + nspans / 2)
		slots *= 2;
	return slots;
}

/* The slot of an id, or the free one where it belongs. */
static struct trace_slot *find_slot(const struct link *link, uint32_t id)
{
	uint32_t i = (uint32_t)(id * link->multiplier >> 40) & link->mask;

	while (link->slots[i].index != TRACE_NONE && link->slots[i].id != id)
		i = (i + 1) & link->mask;
	return &link->slots[i];
}

/* ---- ids that repeat ---- */

static bool same_span(const struct span *a, const struct span *b)
{
	return a->id == b->id && a->name == b->name && a->resource == b->resource &&
	       a->kind == b->kind && a->start_us == b->start_us && a->duration_us == b->duration_us;
}

static uint64_t span_hash(const struct span *span)
{
	const uint64_t words[] = { (uint64_t)span->id << 32 | span->name,
				   (uint64_t)span->resource << 32 | span->kind,
				   (uint64_t)span->start_us, (uint64_t)span->duration_us };

	return hash_bytes(words, sizeof(words));
}

/* Adds a span whose id repeats. False: its duplicate is there already. */
static bool add_repeated(struct link *link, uint32_t index)
{
	const struct span *span = &link->spans[index];
	uint32_t i = (uint32_t)span_hash(span) & link->repeated_mask;

	while (link->repeated[i] != TRACE_NONE) {
		if (same_span(&link->spans[link->repeated[i]], span))
			return false;
		i = (i + 1) & link->repeated_mask;
	}
	link->repeated[i] = index;
	return true;
}

static void begin_repeated(struct link *link)
{
	uint32_t n = trace_link_slots(link->trace->nspans);

	link->repeated = xcalloc(n, sizeof(*link->repeated));
	for (uint32_t i = 0; i < n; i++)
		link->repeated[i] = TRACE_NONE;
	link->repeated_mask = n - 1;
}

static bool is_server_half(const struct span *span)
{
	return span->kind == SPAN_SERVER || span->kind == SPAN_CONSUMER ||
	       (span->flags & SPAN_SHARED);
}

static bool is_client_half(const struct span *span)
{
	return span->kind == SPAN_CLIENT || span->kind == SPAN_PRODUCER;
}

/* Notes in the first span of an id which half the span at index is; the first of each half counts.
 */
static void note_half(struct link *link, uint32_t first, uint32_t index)
{
	struct span *note = &link->spans[first];
	uint32_t *half = &note->parent;

	if (is_server_half(&link->spans[index]))
		half = &note->first_child;
	else if (is_client_half(&link->spans[index]))
		half = &note->next_sibling;
	if (*half == TRACE_NONE)
		*half = index;
}

/* Where a server's half says that it shares its id (SPAN_SHARED), the other span with that id is
 * its client half, even without a kind. */
static void settle_halves(struct link *link)
{
	for (uint32_t i = 0; i < link->trace->nspans; i++) {
		struct span *note = &link->spans[i];

		if (note->next_sibling == TRACE_NONE && note->first_child != TRACE_NONE &&
		    (link->spans[note->first_child].flags & SPAN_SHARED))
			note->next_sibling = note->parent;
		note->parent = TRACE_NONE;
	}
}

/* Takes a span with the same id as the one at `first`. False: it is a duplicate. */
static bool take_repeated(struct link *link, uint32_t first, uint32_t index)
{
	if (!link->repeated)
		begin_repeated(link);
	if (add_repeated(link, first))
		note_half(link, first, first);
	if (!add_repeated(link, index))
		return false;
	note_half(link, first, index);
	return true;
}

/* Fills the table of ids and drops duplicates. A span without an id can be neither a parent nor a
 * duplicate. */
static void collect_ids(struct link *link)
{
	struct span *spans = link->spans;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < link->trace->nspans; i++) {
		struct trace_slot *slot;

		if (kept != i)
			spans[kept] = spans[i];
		spans[kept].parent = TRACE_NONE;
		spans[kept].first_child = TRACE_NONE;
		spans[kept].next_sibling = TRACE_NONE;
		if (spans[kept].id != 0) {
			slot = find_slot(link, spans[kept].id);
			if (slot->index == TRACE_NONE) {
				slot->id = spans[kept].id;
				slot->index = kept;
			} else if (!take_repeated(link, slot->index, kept)) {
				continue;
			}
		}
		kept++;
	}
	link->trace->nspans = kept;
}

/* ---- parents ---- */

static bool same_service(const struct link *link, uint32_t a, uint32_t b)
{
	const struct resource *left = span_resource(link->trace, &link->spans[a]);
	const struct resource *right = span_resource(link->trace, &link->spans[b]);

	return left->service == right->service && left->namespace == right->namespace;
}

/* The client half above a server half, or TRACE_NONE. */
static uint32_t client_half(const struct link *link, uint32_t index)
{
	const struct span *span = &link->spans[index];
	const struct trace_slot *slot;

	if (span->id == 0 || !is_server_half(span))
		return TRACE_NONE;
	slot = find_slot(link, span->id);
	/* The note, where the id repeats; else TRACE_NONE. */
	return link->spans[slot->index].next_sibling;
}

/* Of the spans that share the id of the one at `first`, the parent of the span at index: the client
 * half if that alone is of the child's service, else the server half. Below a shared id stands what
 * the server does: a client that hands its id over begins nothing else under it. */
static uint32_t half_above(const struct link *link, uint32_t first, uint32_t index)
{
	uint32_t server = link->spans[first].first_child, client = link->spans[first].next_sibling;

	if (server != TRACE_NONE && server != index &&
	    (client == TRACE_NONE || same_service(link, server, index) ||
	     !same_service(link, client, index)))
		return server;
	return client != TRACE_NONE ? client : first;
}

/* The number that an id means which Zipkin's server would pad to 16 digits, or whose first digit is
 * such padding. false: the id is no hexadecimal number, or has no other way to be written. */
static bool unpadded_id(const struct link *link, uint32_t id, uint64_t *ret_number)
{
	const char *text = trace_text(link->trace, id);
	uint64_t number = 0;
	size_t len = 0;

	for (; text[len]; len++) {
		char c = text[len], lower = (char)(c | 0x20);
		bool is_letter = lower >= 'a' && lower <= 'f';

		if (len == 16 || (!is_letter && (c < '0' || c > '9')))
			return false;
		number = number << 4 | (uint64_t)(is_letter ? lower - 'a' + 10 : c - '0');
	}
	*ret_number = number;
	return len > 0 && (len < 16 || *text == '0');
}

static void set_parent(struct link *link, uint32_t index, uint32_t parent)
{
	link->spans[index].flags &= (uint8_t)~SPAN_ORPHAN;
	link->spans[index].parent = parent;
	link->upward |= parent > index;
}

/* Sets the parent of one span, or the flag that says why it is a root. */
static void find_parent(struct link *link, uint32_t index)
{
	struct span *span = &link->spans[index];
	uint32_t parent = TRACE_NONE;

	if (link->repeated) {
		parent = client_half(link, index);
		if (parent != TRACE_NONE)
			span->flags |= SPAN_SHARED;
	}
	if (parent == TRACE_NONE) {
		if (span->parent_id == 0)
			return;
		parent = find_slot(link, span->parent_id)->index;
		if (parent == TRACE_NONE) {
			uint64_t number;

			span->flags |= SPAN_ORPHAN;
			link->has_unpadded |= unpadded_id(link, span->parent_id, &number);
			return;
		}
		parent = half_above(link, parent, index);
		if (parent == index) {
			span->flags |= SPAN_CYCLE;
			return;
		}
	}
	set_parent(link, index, parent);
}

/* ---- ids without their zeros ---- */

/* A span by the number that its id means. */
struct unpadded {
	uint64_t number;
	uint32_t index; /* TRACE_NONE: a free slot */
};

/* The slot of a number, or the free one where it belongs. */
static struct unpadded *unpadded_slot(const struct link *link, struct unpadded *table,
				      uint32_t mask, uint64_t number)
{
	uint32_t i = (uint32_t)(number * link->multiplier >> 40) & mask;

	while (table[i].index != TRACE_NONE && table[i].number != number)
		i = (i + 1) & mask;
	return &table[i];
}

/* Finds parents whose id is written with more or fewer zeros than their children write it. Only ids
 * that unpadded_id() takes can be equal so. */
static void find_unpadded_parents(struct link *link)
{
	uint32_t n = link->trace->nspans, nslots = trace_link_slots(n);
	struct unpadded *table = xcalloc(nslots, sizeof(*table)), *slot;
	uint64_t number;

	for (uint32_t i = 0; i < nslots; i++)
		table[i].index = TRACE_NONE;
	for (uint32_t i = 0; i < n; i++) {
		if (!unpadded_id(link, link->spans[i].id, &number))
			continue;
		slot = unpadded_slot(link, table, nslots - 1, number);
		if (slot->index == TRACE_NONE)
			*slot = (struct unpadded){ number, i };
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct span *span = &link->spans[i];
		uint32_t parent;

		if (!(span->flags & SPAN_ORPHAN) || !unpadded_id(link, span->parent_id, &number))
			continue;
		slot = unpadded_slot(link, table, nslots - 1, number);
		parent = slot->index != TRACE_NONE ? half_above(link, slot->index, i) : TRACE_NONE;
		if (parent != TRACE_NONE && parent != i)
			set_parent(link, i, parent);
	}
	free(table);
}

/* ---- cycles ---- */

/* Cuts the cycle through a span: the earliest span of the cycle becomes a root. */
static void cut_cycle(struct span *spans, uint32_t start)
{
	uint32_t earliest = start;

	for (uint32_t i = spans[start].parent; i != start; i = spans[i].parent)
		if (spans[i].start_us < spans[earliest].start_us ||
		    (spans[i].start_us == spans[earliest].start_us && i < earliest))
			earliest = i;
	spans[earliest].parent = TRACE_NONE;
	spans[earliest].flags |= SPAN_CYCLE;
}

static void cut_cycles(struct span *spans, uint32_t nspans)
{
	for (uint32_t i = 0; i < nspans; i++)
		spans[i].next_sibling = TRACE_NONE;
	for (uint32_t i = 0; i < nspans; i++) {
		uint32_t at = i;

		while (at != TRACE_NONE && spans[at].next_sibling == TRACE_NONE) {
			spans[at].next_sibling = i;
			at = spans[at].parent;
		}
		if (at != TRACE_NONE && spans[at].next_sibling == i)
			cut_cycle(spans, at);
	}
}

/* ---- the tree ---- */

/* Links from the last span to the first, so that children are in the order of the document. */
static void link_children(struct trace *trace)
{
	struct span *spans = trace->spans;

	for (uint32_t i = 0; i < trace->nspans; i++)
		spans[i].first_child = TRACE_NONE;
	trace->first_root = TRACE_NONE;
	for (uint32_t i = trace->nspans; i-- > 0;) {
		uint32_t *first = spans[i].parent == TRACE_NONE
					  ? &trace->first_root
					  : &spans[spans[i].parent].first_child;

		spans[i].next_sibling = *first;
		*first = i;
	}
}

void trace_link(struct trace *trace, struct trace_slot *slots)
{
	uint32_t n = trace_link_slots(trace->nspans);
	struct link link = { .trace = trace, .spans = trace->spans, .slots = slots, .mask = n - 1 };

	link.multiplier = hash_bytes("span ids", 8) | 1;
	for (uint32_t i = 0; i < n; i++)
		slots[i].index = TRACE_NONE;
	collect_ids(&link);
	if (link.repeated)
		settle_halves(&link);
	for (uint32_t i = 0; i < trace->nspans; i++)
		find_parent(&link, i);
	if (link.has_unpadded)
		find_unpadded_parents(&link);
	if (link.upward)
		cut_cycles(trace->spans, trace->nspans);
	link_children(trace);
	free(link.repeated);
}
