/*
 * Evidence as bytes, for the store, so that a decision can be made again with the same healthy
 * traces.
 *
 * The form: a magic; services; texts; one record for each trace; then, but for sets of an older
 * version, which have another magic, facts, profiles, shapes, the shapes and units of each trace,
 * what the traces tell of callees: usual times, then names; and the calls of each trace. Numbers
 * are LEB128 varints, and a text has its length before it. Reading checks everything: an index lies
 * inside of its table, and no count is larger than the bytes that are left, so that hostile bytes
 * cannot make us allocate more than 64 times their size.
 */
#include <string.h>

#include "tracepager/callee_habits.h"
#include "tracepager/evidence.h"
#include "tracepager/xalloc.h"

/* Forms before this one are read: they have no calls; those up to the fourth tell nothing of
 * callees, those up to the third have no shapes, those of the second no strata, and those of the
 * first no units. */
static const char magic[3] = { 'T', 'P', 'E' };
#define FORM_FIRST  '1'
#define FORM_UNITS  '2'
#define FORM_STRATA '3'
#define FORM_SHAPES '4'
#define FORM_HABITS '5'
#define FORM	    '6'

/* What a record has: bits of its first byte. */
#define HAS_FAILED	  1u
#define HAS_SIGNAL_FAILED 2u
#define HAS_STRATUM	  4u /* its operation is known */
#define HAS_INNER	  8u /* a record from that operation's span on follows */

/* ---- encoding ---- */

static void evidence_put_text(struct buf *out, const char *text)
{
	size_t len = strlen(text);

	buf_varint(out, len);
	buf_add(out, text, len);
}

/* Zigzag: times may be negative where clocks are wrong. */
static void put_us(struct buf *out, int64_t us)
{
	buf_varint(out, ((uint64_t)us << 1) ^ (uint64_t)(us >> 63));
}

/* Marks of an end of errors; a version that knows only the first one reads any as that. */
#define MARK_BARE_GATEWAY 1u
#define MARK_PASSED_ON	  2u
#define MARK_JUDGED	  4u

static unsigned int end_marks(const struct evidence_end *end)
{
	return (end->bare_gateway ? MARK_BARE_GATEWAY : 0) | (end->passed_on ? MARK_PASSED_ON : 0) |
	       (end->judged ? MARK_JUDGED : 0);
}

static void put_evidence(struct buf *out, const struct evidence *evidence)
{
	bool placed = evidence->stratum_operation != TRACE_NONE;

	put_us(out, evidence->duration_us);
	buf_varint(out, (evidence->failing ? HAS_FAILED : 0) |
				(evidence->signal_failing ? HAS_SIGNAL_FAILED : 0) |
				(placed ? HAS_STRATUM : 0) | (evidence->inner ? HAS_INNER : 0));
	if (placed) {
		buf_varint(out, evidence->stratum_service);
		buf_varint(out, evidence->stratum_operation);
	}
	buf_varint(out, evidence->nobservations);
	buf_varint(out, evidence->nobservations_above);
	for (uint32_t i = 0; i < evidence->nobservations; i++) {
		const struct observation *o = &evidence->observations[i];

		buf_varint(out, o->service);
		buf_varint(out, o->callee);
		buf_varint(out, o->operation);
		buf_varint(out, o->callee_operation);
		put_us(out, o->us);
	}
	buf_varint(out, evidence->nends);
	buf_varint(out, evidence->nends_above);
	for (uint32_t i = 0; i < evidence->nends; i++) {
		buf_varint(out, evidence->ends[i].service);
		buf_varint(out, evidence->ends[i].operation);
		buf_varint(out, end_marks(&evidence->ends[i]));
	}
}

static void put_units(struct buf *out, const struct evidence_set *set)
{
	buf_varint(out, set->nfacts);
	for (uint32_t i = 0; i < set->nfacts; i++) {
		buf_varint(out, set->facts[i].attribute);
		buf_varint(out, set->facts[i].value);
	}
	buf_varint(out, set->nprofiles);
	for (uint32_t i = 0; i < set->nprofiles; i++) {
		const struct evidence_profile *profile = &set->profiles[i];

		buf_varint(out, profile->service);
		buf_varint(out, profile->nfacts);
		for (uint32_t k = 0; k < profile->nfacts; k++)
			buf_varint(out, profile->facts[k]);
	}
	buf_varint(out, set->nshapes);
	for (uint32_t i = 0; i < set->nshapes; i++) {
		buf_varint(out, set->shapes[i].service);
		buf_varint(out, set->shapes[i].operation);
		buf_varint(out, set->shapes[i].callees);
	}
	for (uint32_t t = 0; t < set->n; t++) {
		buf_varint(out, set->at[t].nshapes);
		for (uint32_t i = 0; i < set->at[t].nshapes; i++)
			buf_varint(out, set->at[t].shapes[i].shape);
		buf_varint(out, set->at[t].nunits);
		for (uint32_t i = 0; i < set->at[t].nunits; i++) {
			buf_varint(out, set->at[t].units[i].profile);
			buf_varint(out, set->at[t].units[i].failing);
		}
	}
}

static void put_habits(struct buf *out, const struct callee_habits *habits)
{
	uint32_t n = callee_habits_ntimes(habits), stored = 0;

	buf_varint(out, n);
	for (uint32_t i = 0; i < n; i++) {
		struct callee_time time;

		callee_habits_time_at(habits, i, &time);
		evidence_put_text(out, time.namespace);
		evidence_put_text(out, time.service);
		evidence_put_text(out, time.operation);
		buf_varint(out, time.call);
		buf_varint(out, time.traces);
		put_us(out, time.us);
	}
	n = callee_habits_nnames(habits);
	for (uint32_t i = 0; i < n; i++) {
		struct callee_name name;

		stored += callee_habits_name_at(habits, i, &name);
	}
	buf_varint(out, stored);
	for (uint32_t i = 0; i < n; i++) {
		struct callee_name name;

		if (!callee_habits_name_at(habits, i, &name))
			continue;
		evidence_put_text(out, name.name);
		evidence_put_text(out, name.namespace);
		evidence_put_text(out, name.service);
	}
}

/* What a call is. */
#define CALL_FAILED  1u
#define CALL_FATAL   2u
#define CALL_MESSAGE 4u
/* Most calls hold all of their time on the path, or none of it: it is not written then. */
#define CALL_ON_PATH  8u
#define CALL_OFF_PATH 16u

static unsigned int call_marks(const struct evidence_call *call)
{
	return (call->failed ? CALL_FAILED : 0) | (call->fatal ? CALL_FATAL : 0) |
	       (call->message ? CALL_MESSAGE : 0) |
	       (call->path_us == call->us ? CALL_ON_PATH
		: call->path_us == 0	  ? CALL_OFF_PATH
					  : 0);
}

static void put_calls(struct buf *out, const struct evidence *evidence)
{
	const char *id = evidence->trace_id ? evidence->trace_id : "";

	evidence_put_text(out, id);
	if (!*id)
		return;
	put_us(out, evidence->start_us);
	buf_varint(out, evidence->entry_service);
	buf_varint(out, evidence->entry_operation);
	buf_varint(out, evidence->calls_cut);
	buf_varint(out, evidence->ncalls);
	for (uint32_t i = 0; i < evidence->ncalls; i++) {
		const struct evidence_call *call = &evidence->calls[i];

		buf_varint(out, call->above == TRACE_NONE ? 0 : call->above + 1);
		buf_varint(out, call->callee);
		buf_varint(out, call->operation);
		buf_varint(out, call_marks(call));
		put_us(out, call->us);
		if (!(call_marks(call) & (CALL_ON_PATH | CALL_OFF_PATH)))
			put_us(out, call->path_us);
	}
}

void evidence_encode(const struct evidence_set *set, struct buf *out)
{
	buf_add(out, magic, sizeof(magic));
	buf_putc(out, FORM);
	buf_varint(out, set->nservices);
	for (uint32_t i = 0; i < set->nservices; i++) {
		evidence_put_text(out, set->services[i].namespace);
		evidence_put_text(out, set->services[i].name);
		buf_varint(out, set->services[i].peer);
	}
	buf_varint(out, set->ntexts);
	for (uint32_t i = 0; i < set->ntexts; i++)
		evidence_put_text(out, set->texts[i]);
	buf_varint(out, set->n);
	for (uint32_t i = 0; i < set->n; i++) {
		put_evidence(out, &set->at[i]);
		if (set->at[i].inner)
			put_evidence(out, set->at[i].inner);
	}
	put_units(out, set);
	put_habits(out, set->habits);
	for (uint32_t i = 0; i < set->n; i++)
		put_calls(out, &set->at[i]);
}

/* ---- decoding ---- */

struct reader {
	const unsigned char *at, *end;
	char form;
	bool bad;
};

static uint64_t get_number(struct reader *reader)
{
	uint64_t number = 0;

	for (unsigned int shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
		unsigned char byte = *reader->at++;

		number |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return number;
	}
	reader->bad = true;
	return 0;
}

/* A count of things that take a byte each at least. */
static uint32_t get_count(struct reader *reader)
{
	uint64_t n = get_number(reader);

	if (n <= (uint64_t)(reader->end - reader->at))
		return (uint32_t)n;
	reader->bad = true;
	return 0;
}

static uint32_t get_index(struct reader *reader, uint32_t n)
{
	uint64_t index = get_number(reader);

	if (index < n)
		return (uint32_t)index;
	reader->bad = true;
	return 0;
}

static int64_t get_us(struct reader *reader)
{
	uint64_t number = get_number(reader);

	return (int64_t)(number >> 1) ^ -(int64_t)(number & 1);
}

static const char *get_text(struct reader *reader, struct arena *arena)
{
	uint32_t len = get_count(reader);
	const char *text;

	if (reader->bad || memchr(reader->at, '\0', len)) {
		reader->bad = true;
		return "";
	}
	text = arena_strndup(arena, (const char *)reader->at, len);
	reader->at += len;
	return text;
}

static void get_names(struct reader *reader, struct evidence_set *set)
{
	uint32_t n = get_count(reader);

	set->services = xcalloc((size_t)n + 1, sizeof(*set->services));
	set->services_size = n + 1;
	for (; set->nservices < n && !reader->bad; set->nservices++) {
		struct evidence_service *service = &set->services[set->nservices];

		service->namespace = get_text(reader, set->arena);
		service->name = get_text(reader, set->arena);
		service->peer = get_number(reader) != 0;
	}
	n = get_count(reader);
	set->texts = xcalloc((size_t)n + 1, sizeof(*set->texts));
	set->texts_size = n + 1;
	for (; set->ntexts < n && !reader->bad; set->ntexts++)
		set->texts[set->ntexts] = get_text(reader, set->arena);
}

/* How many of n things come first. */
static uint32_t get_first(struct reader *reader, uint32_t n)
{
	return reader->form < FORM_STRATA ? 0 : get_index(reader, n + 1);
}

/* Returns the record's bits. */
static uint64_t get_evidence(struct reader *reader, const struct evidence_set *set,
			     struct evidence *evidence)
{
	uint64_t bits;
	uint32_t n;

	evidence->duration_us = get_us(reader);
	bits = get_number(reader);
	evidence->failing = (bits & HAS_FAILED) != 0;
	evidence->signal_failing = (bits & HAS_SIGNAL_FAILED) != 0;
	evidence->stratum_service = evidence->stratum_operation = TRACE_NONE;
	if (reader->form >= FORM_STRATA && (bits & HAS_STRATUM)) {
		evidence->stratum_service = get_index(reader, set->nservices);
		evidence->stratum_operation = get_index(reader, set->ntexts);
	}
	n = get_count(reader);
	evidence->nobservations_above = get_first(reader, n);
	evidence->observations = arena_array(set->arena, n, sizeof(*evidence->observations));
	for (uint32_t i = 0; i < n && !reader->bad; i++) {
		struct observation *o = &evidence->observations[evidence->nobservations++];

		o->service = get_index(reader, set->nservices);
		o->callee = get_index(reader, set->nservices);
		o->operation = get_index(reader, set->ntexts);
		o->callee_operation = get_index(reader, set->ntexts);
		o->us = get_us(reader);
		o->span = TRACE_NONE;
	}
	n = get_count(reader);
	evidence->nends_above = get_first(reader, n);
	evidence->ends = arena_array(set->arena, n, sizeof(*evidence->ends));
	for (uint32_t i = 0; i < n && !reader->bad; i++) {
		struct evidence_end *end = &evidence->ends[evidence->nends++];
		uint64_t marks;

		end->service = get_index(reader, set->nservices);
		end->operation = get_index(reader, set->ntexts);
		marks = reader->form >= FORM_STRATA ? get_number(reader) : 0;
		end->bare_gateway = marks & MARK_BARE_GATEWAY;
		end->passed_on = marks & MARK_PASSED_ON;
		end->judged = marks & MARK_JUDGED;
		end->span = TRACE_NONE;
	}
	return bits;
}

static void get_trace(struct reader *reader, const struct evidence_set *set,
		      struct evidence *evidence)
{
	if (!(get_evidence(reader, set, evidence) & HAS_INNER) || reader->bad)
		return;
	evidence->inner = arena_alloc(set->arena, sizeof(*evidence->inner));
	if (get_evidence(reader, set, evidence->inner) & HAS_INNER)
		reader->bad = true;
}

static void get_profiles(struct reader *reader, struct evidence_set *set)
{
	uint32_t n = get_count(reader), *facts;

	set->facts = xcalloc((size_t)n + 1, sizeof(*set->facts));
	set->facts_size = n + 1;
	for (; set->nfacts < n && !reader->bad; set->nfacts++) {
		set->facts[set->nfacts].attribute = get_index(reader, set->ntexts);
		set->facts[set->nfacts].value = get_index(reader, set->ntexts);
	}
	n = get_count(reader);
	set->profiles = xcalloc((size_t)n + 1, sizeof(*set->profiles));
	set->profiles_size = n + 1;
	for (; set->nprofiles < n && !reader->bad; set->nprofiles++) {
		struct evidence_profile *profile = &set->profiles[set->nprofiles];

		profile->service = get_index(reader, set->nservices);
		profile->nfacts = get_count(reader);
		profile->facts = facts =
			arena_array(set->arena, (size_t)profile->nfacts + 1, sizeof(*facts));
		for (uint32_t i = 0; i < profile->nfacts && !reader->bad; i++)
			facts[i] = get_index(reader, set->nfacts);
	}
}

static void get_shapes(struct reader *reader, struct evidence_set *set)
{
	uint32_t n = get_count(reader);

	set->shapes = xcalloc((size_t)n + 1, sizeof(*set->shapes));
	set->shapes_size = n + 1;
	for (; set->nshapes < n && !reader->bad; set->nshapes++) {
		struct evidence_shape *shape = &set->shapes[set->nshapes];

		shape->service = get_index(reader, set->nservices);
		shape->operation = get_index(reader, set->ntexts);
		shape->callees = get_index(reader, set->ntexts);
	}
}

static void get_trace_shapes(struct reader *reader, const struct evidence_set *set,
			     struct evidence *evidence)
{
	uint32_t n = get_count(reader);

	evidence->shapes = arena_array(set->arena, (size_t)n + 1, sizeof(*evidence->shapes));
	for (; evidence->nshapes < n && !reader->bad; evidence->nshapes++)
		evidence->shapes[evidence->nshapes] =
			(struct evidence_form){ get_index(reader, set->nshapes), TRACE_NONE };
}

static void get_units(struct reader *reader, struct evidence_set *set)
{
	get_profiles(reader, set);
	if (reader->form >= FORM_SHAPES)
		get_shapes(reader, set);
	for (uint32_t t = 0; t < set->n && !reader->bad; t++) {
		struct evidence *evidence = &set->at[t];

		if (reader->form >= FORM_SHAPES)
			get_trace_shapes(reader, set, evidence);
		evidence->nunits = get_count(reader);
		evidence->units = arena_array(set->arena, (size_t)evidence->nunits + 1,
					      sizeof(*evidence->units));
		for (uint32_t i = 0; i < evidence->nunits && !reader->bad; i++) {
			evidence->units[i].profile = get_index(reader, set->nprofiles);
			evidence->units[i].failing = get_number(reader) != 0;
		}
		if (evidence->inner) {
			evidence->inner->units = evidence->units;
			evidence->inner->nunits = evidence->nunits;
			evidence->inner->shapes = evidence->shapes;
			evidence->inner->nshapes = evidence->nshapes;
		}
	}
}

static void get_habits(struct reader *reader, struct evidence_set *set)
{
	uint32_t n = get_count(reader);

	set->habits = callee_habits_new();
	for (uint32_t i = 0; i < n && !reader->bad; i++) {
		struct callee_time time;

		time.namespace = get_text(reader, set->arena);
		time.service = get_text(reader, set->arena);
		time.operation = get_text(reader, set->arena);
		time.call = get_number(reader) != 0;
		time.traces = get_index(reader, UINT32_MAX);
		time.us = get_us(reader);
		if (!reader->bad)
			callee_habits_put_time(set->habits, &time);
	}
	n = get_count(reader);
	for (uint32_t i = 0; i < n && !reader->bad; i++) {
		struct callee_name name;

		name.name = get_text(reader, set->arena);
		name.namespace = get_text(reader, set->arena);
		name.service = get_text(reader, set->arena);
		if (!reader->bad)
			callee_habits_put_name(set->habits, &name);
	}
}

static void get_call(struct reader *reader, const struct evidence_set *set,
		     struct evidence *evidence)
{
	struct evidence_call *call = &evidence->calls[evidence->ncalls];
	const uint32_t above = get_index(reader, evidence->ncalls + 1);
	uint64_t bits;

	call->above = above ? above - 1 : TRACE_NONE;
	call->callee = get_index(reader, set->nservices);
	call->operation = get_index(reader, set->ntexts);
	bits = get_number(reader);
	call->us = get_us(reader);
	if (!(bits & (CALL_ON_PATH | CALL_OFF_PATH)))
		call->path_us = get_us(reader);
	else
		call->path_us = bits & CALL_ON_PATH ? call->us : 0;
	call->failed = (bits & CALL_FAILED) != 0;
	call->fatal = (bits & CALL_FATAL) != 0;
	call->message = (bits & CALL_MESSAGE) != 0;
	evidence->ncalls++;
}

static void get_calls(struct reader *reader, const struct evidence_set *set,
		      struct evidence *evidence)
{
	uint32_t n;

	evidence->trace_id = get_text(reader, set->arena);
	if (reader->bad || !*evidence->trace_id)
		return;
	evidence->start_us = get_us(reader);
	evidence->entry_service = get_index(reader, set->nservices);
	evidence->entry_operation = get_index(reader, set->ntexts);
	evidence->calls_cut = get_number(reader) != 0;
	n = get_count(reader);
	evidence->calls = arena_array(set->arena, (size_t)n + 1, sizeof(*evidence->calls));
	while (evidence->ncalls < n && !reader->bad)
		get_call(reader, set, evidence);
}

struct evidence_set *evidence_decode(const void *data, size_t len)
{
	struct reader reader = { .at = data, .end = (const unsigned char *)data + len };
	struct evidence_set *set;
	uint32_t n;

	if (len <= sizeof(magic) || memcmp(data, magic, sizeof(magic)) != 0)
		return NULL;
	reader.form = ((const char *)data)[sizeof(magic)];
	if (reader.form < FORM_FIRST || reader.form > FORM)
		return NULL;
	reader.at += sizeof(magic) + 1;
	/* At worst 48 bytes of memory for a byte that is read: an array of one call for its count.
	 */
	set = evidence_new(64 * len);
	get_names(&reader, set);
	n = get_count(&reader);
	set->at = xcalloc((size_t)n + 1, sizeof(*set->at));
	set->size = n + 1;
	for (; set->n < n && !reader.bad; set->n++)
		get_trace(&reader, set, &set->at[set->n]);
	if (reader.form >= FORM_UNITS)
		get_units(&reader, set);
	if (reader.form >= FORM_HABITS)
		get_habits(&reader, set);
	for (uint32_t t = 0; reader.form >= FORM && t < set->n && !reader.bad; t++)
		get_calls(&reader, set, &set->at[t]);
	if (!reader.bad && reader.at == reader.end)
		return set;
	evidence_free(set);
	return NULL;
}

/* ---- two sets ---- */

static const char magic_both[4] = { 'T', 'P', 'E', 'B' };

/* A magic, the length of the baseline, the baseline, the rest is the ordinary traces. */
void evidence_encode_both(const struct evidence_set *healthy, const struct evidence_set *ordinary,
			  struct buf *out)
{
	struct buf first = BUF_INIT(out->cap);

	if (healthy)
		evidence_encode(healthy, &first);
	if (ordinary) {
		buf_add(out, magic_both, sizeof(magic_both));
		buf_varint(out, first.len);
	}
	buf_add(out, buf_text(&first), first.len);
	out->failed |= first.failed;
	if (ordinary)
		evidence_encode(ordinary, out);
	buf_fini(&first);
}

bool evidence_decode_both(const void *data, size_t len, struct evidence_set **ret_healthy,
			  struct evidence_set **ret_ordinary)
{
	struct reader reader = { .at = data, .end = (const unsigned char *)data + len };
	struct evidence_set *healthy = NULL, *ordinary;
	uint32_t first_len;

	if (len < sizeof(magic_both) || memcmp(data, magic_both, sizeof(magic_both)) != 0) {
		healthy = evidence_decode(data, len);
		if (!healthy)
			return false;
		*ret_healthy = healthy;
		*ret_ordinary = NULL;
		return true;
	}
	reader.at += sizeof(magic_both);
	first_len = get_count(&reader);
	if (!reader.bad && first_len > 0)
		healthy = evidence_decode(reader.at, first_len);
	if (reader.bad || (first_len > 0 && !healthy))
		return false;
	reader.at += first_len;
	ordinary = evidence_decode(reader.at, (size_t)(reader.end - reader.at));
	if (!ordinary) {
		evidence_free(healthy);
		return false;
	}
	*ret_healthy = healthy;
	*ret_ordinary = ordinary;
	return true;
}
