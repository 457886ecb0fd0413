/*
 * The trace builder: texts, attributes, resources, grouping by trace, and the tree. Small traces
 * are written down as rows; expected trees are worked out by hand from trace_builder.h.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/limits.h"
#include "tracepager/trace_builder.h"
#include "tracepager/xalloc.h"

static uint32_t text(struct trace_builder *builder, const char *value)
{
	return trace_builder_text(builder, value, strlen(value));
}

static uint32_t resource(struct trace_builder *builder, const char *service)
{
	uint32_t index = trace_builder_resource(builder);

	trace_builder_resource_attr(builder, index, "service.name", 12, service, strlen(service));
	return index;
}

struct row {
	const char *trace, *id, *parent;
	enum span_kind kind;
	const char *service; /* NULL: as in the row before */
	int64_t start_us;
};

static void add_row(struct trace_builder *builder, const struct row *row, uint32_t service)
{
	struct span *span = trace_builder_span(builder);

	ck_assert_ptr_nonnull(span);
	span->id = text(builder, row->id);
	span->parent_id = text(builder, row->parent);
	span->name = text(builder, "work");
	span->kind = (uint8_t)row->kind;
	span->start_us = row->start_us;
	span->duration_us = 10;
	span->resource = service;
	trace_builder_span_done(builder, row->trace, strlen(row->trace));
}

static struct trace_set *build(const struct row *rows, size_t n)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	struct trace_set *set = NULL;
	struct err err;
	uint32_t service = 0;

	for (size_t i = 0; i < n; i++) {
		if (rows[i].service)
			service = resource(builder, rows[i].service);
		add_row(builder, &rows[i], service);
	}
	ck_assert_int_eq(trace_builder_finish(builder, &set, &err), 0);
	trace_builder_free(builder);
	return set;
}

/* The tree as text: each root, its children in brackets: "a(b(c)d)e"; an id alone for each span. */
static char *tree(const struct trace *trace)
{
	char *out = xcalloc(1, trace->nspans * 16 + 1), *end = out;
	uint32_t at = trace->first_root;

	while (at != TRACE_NONE) {
		end = stpcpy(end, trace_text(trace, trace->spans[at].id));
		if (trace->spans[at].first_child != TRACE_NONE) {
			*end++ = '(';
			at = trace->spans[at].first_child;
			continue;
		}
		while (trace->spans[at].next_sibling == TRACE_NONE &&
		       trace->spans[at].parent != TRACE_NONE) {
			*end++ = ')';
			at = trace->spans[at].parent;
		}
		at = trace->spans[at].next_sibling;
	}
	*end = '\0';
	return out;
}

static void check_tree(const struct trace *trace, const char *wanted)
{
	char *got = tree(trace);

	ck_assert_str_eq(got, wanted);
	free(got);
}

#define BUILD(rows) build((rows), ARRAY_LEN(rows))

/* ---- texts ---- */

#define FFFD "\xef\xbf\xbd"

START_TEST(test_texts)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	char name[32];
	uint32_t refs[3000];

	ck_assert_uint_eq(text(builder, ""), 0);
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "text number %d", i);
		refs[i] = text(builder, name);
		ck_assert_uint_ne(refs[i], 0);
	}
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "text number %d", i);
		ck_assert_uint_eq(text(builder, name), refs[i]);
	}
	/* "a", "ab" and "a\0b" are three texts. NUL becomes U+FFFD, so the third equals "a\uFFFDb".
	 */
	ck_assert_uint_ne(text(builder, "a"), text(builder, "ab"));
	ck_assert_uint_ne(text(builder, "a"), trace_builder_text(builder, "a\0b", 3));
	ck_assert_uint_eq(trace_builder_text(builder, "a\0b", 3), text(builder, "a\xef\xbf\xbd"
										"b"));
	/* Each byte that is not UTF-8 becomes U+FFFD; a valid sequence stays. */
	ck_assert_uint_eq(trace_builder_text(builder, "\xff\0\xc3\xa9\xc3", 5),
			  text(builder, FFFD FFFD "\xc3\xa9" FFFD));
	trace_builder_free(builder);
	trace_builder_free(NULL);
}
END_TEST

/* Cleaning makes these bytes three times as many: values at the cap and at a third of it. */
START_TEST(test_dirty_values_are_cut)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	struct buf clean = BUF_INIT(LIMIT_ATTR_VALUE_BYTES);
	char dirty[LIMIT_ATTR_VALUE_BYTES + 10];
	const size_t third = LIMIT_ATTR_VALUE_BYTES / 3;

	memset(dirty, 0x80, sizeof(dirty));
	for (size_t i = 0; i < third; i++)
		buf_puts(&clean, FFFD);
	ck_assert_uint_eq(trace_builder_value(builder, dirty, third), text(builder, clean.data));
	ck_assert_uint_eq(trace_builder_value(builder, dirty, third + 1),
			  text(builder, clean.data));
	ck_assert_uint_eq(trace_builder_value(builder, dirty, sizeof(dirty)),
			  text(builder, clean.data));
	buf_fini(&clean);
	trace_builder_free(builder);
}
END_TEST

START_TEST(test_values_are_cut)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	char *value = xcalloc(1, LIMIT_ATTR_VALUE_BYTES + 10);

	memset(value, 'x', LIMIT_ATTR_VALUE_BYTES);
	ck_assert_uint_eq(trace_builder_value(builder, value, LIMIT_ATTR_VALUE_BYTES),
			  text(builder, value));
	/* A sequence of two bytes across the cut is left out. */
	memcpy(value + LIMIT_ATTR_VALUE_BYTES - 1, "\xc3\xa9zz", 4);
	uint32_t cut = trace_builder_value(builder, value, LIMIT_ATTR_VALUE_BYTES + 3);
	ck_assert_uint_eq(cut, trace_builder_text(builder, value, LIMIT_ATTR_VALUE_BYTES - 1));
	free(value);
	trace_builder_free(builder);
}
END_TEST

/* ---- names ---- */

START_TEST(test_names)
{
	const char *const extra[] = { "shop.region", "error", "shop.tier" };
	const struct trace_options options = { .extra_names = extra, .nextra_names = 3 };
	struct trace_builder *builder = trace_builder_new(&options);

	for (unsigned int i = 0; i < ATTR_COUNT; i++)
		ck_assert_int_eq(trace_builder_attr(builder, attr_name(i), strlen(attr_name(i))),
				 (int)i);
	ck_assert_int_eq(trace_builder_attr(builder, "shop.region", 11), ATTR_COUNT);
	ck_assert_int_eq(trace_builder_attr(builder, "shop.tier", 9), ATTR_COUNT + 2);
	ck_assert_int_eq(trace_builder_attr(builder, "error", 5), ATTR_ERROR);
	ck_assert_int_eq(trace_builder_attr(builder, "shop.tie", 8), -1);
	ck_assert_int_eq(trace_builder_attr(builder, "", 0), -1);
	ck_assert_ptr_null(attr_name(ATTR_COUNT));
	ck_assert_str_eq(attr_name(ATTR_DB_SYSTEM), "db.system");
	ck_assert_str_eq(span_kind_name(SPAN_CONSUMER), "consumer");
	ck_assert_str_eq(span_kind_name(SPAN_UNSPECIFIED), "unspecified");
	trace_builder_free(builder);
}
END_TEST

/* ---- attributes that become fields ---- */

static const struct {
	const char *attrs[9]; /* name, value, … */
	enum span_kind kind;
	enum span_status status;
	unsigned int flags;
	const char *message;
	unsigned int nattrs; /* attributes that stay attributes */
} folds[] = {
	{ { "span.kind", "server" }, SPAN_SERVER, SPAN_STATUS_UNSET, 0, "", 0 },
	{ { "span.kind", "CLIENT" }, SPAN_CLIENT, SPAN_STATUS_UNSET, 0, "", 0 },
	{ { "span.kind", "consumer" }, SPAN_CONSUMER, SPAN_STATUS_UNSET, 0, "", 0 },
	{ { "span.kind", "local" }, SPAN_UNSPECIFIED, SPAN_STATUS_UNSET, 0, "", 1 },
	{ { "otel.status_code", "ERROR" }, 0, SPAN_STATUS_ERROR, 0, "", 0 },
	{ { "otel.status_code", "Ok", "error", "true" }, 0, SPAN_STATUS_OK, SPAN_TAG_TRUE, "", 0 },
	{ { "otel.status_code", "UNSET" }, 0, SPAN_STATUS_UNSET, 0, "", 0 },
	{ { "otel.status_code", "2" }, 0, SPAN_STATUS_UNSET, 0, "", 1 },
	{ { "error", "TRUE" }, 0, 0, SPAN_TAG_TRUE, "", 0 },
	{ { "error", "false" }, 0, 0, SPAN_TAG_FALSE, "", 0 },
	{ { "error", "unset" }, 0, 0, SPAN_TAG_FALSE, "", 0 },
	{ { "error", "" }, 0, 0, SPAN_TAG_FALSE, "", 0 },
	{ { "error", "ledger is down" }, 0, 0, SPAN_TAG_TRUE, "", 1 },
	{ { "error", "1" }, 0, 0, SPAN_TAG_TRUE, "", 0 },
	{ { "error", "0" }, 0, 0, SPAN_TAG_FALSE, "", 0 },
	{ { "error", "false", "error", "true" }, 0, 0, SPAN_TAG_TRUE, "", 0 }, /* the last one
										  counts */
	{ { "http.status_message", "busy", "otel.status_description", "late" },
	  0,
	  0,
	  0,
	  "late",
	  1 },
	{ { "http.status_message", "busy" }, 0, 0, 0, "busy", 1 },
	{ { "http.method", "GET", "span.kind", "client", "http.method", "PUT" },
	  SPAN_CLIENT,
	  0,
	  0,
	  "",
	  1 },
};

START_TEST(test_folds)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	struct trace_set *set = NULL;
	struct span *span = trace_builder_span(builder);
	const struct trace *trace;

	for (size_t i = 0; folds[_i].attrs[i]; i += 2) {
		const char *name = folds[_i].attrs[i], *value = folds[_i].attrs[i + 1];

		trace_builder_span_attr(
			builder, (unsigned int)trace_builder_attr(builder, name, strlen(name)),
			text(builder, value));
	}
	(void)span;
	trace_builder_span_done(builder, "t", 1);
	ck_assert_int_eq(trace_builder_finish(builder, &set, NULL), 0);
	trace = &set->traces[0];
	ck_assert_int_eq(trace->spans[0].kind, folds[_i].kind);
	ck_assert_int_eq(trace->spans[0].status, folds[_i].status);
	ck_assert_uint_eq(trace->spans[0].flags, folds[_i].flags);
	ck_assert_str_eq(trace_text(trace, trace->spans[0].message), folds[_i].message);
	ck_assert_uint_eq(trace->spans[0].nattrs, folds[_i].nattrs);
	trace_set_free(set);
	trace_builder_free(builder);
}
END_TEST

START_TEST(test_folded_attrs_are_answered)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	struct trace_set *set = NULL;
	struct span *span = trace_builder_span(builder);
	const struct trace *trace;

	span->kind = SPAN_PRODUCER;
	span->status = SPAN_STATUS_ERROR;
	span->message = text(builder, "queue full");
	span->flags = SPAN_TAG_FALSE;
	trace_builder_span_attr(builder, ATTR_DB_NAME, text(builder, "orders"));
	trace_builder_span_attr(builder, ATTR_DB_NAME, text(builder, "ledger"));
	trace_builder_span_done(builder, "t", 1);
	ck_assert_int_eq(trace_builder_finish(builder, &set, NULL), 0);
	trace = &set->traces[0];
	span = &trace->spans[0];
	ck_assert_str_eq(span_attr(trace, span, ATTR_SPAN_KIND), "producer");
	ck_assert_str_eq(span_attr(trace, span, ATTR_OTEL_STATUS_CODE), "ERROR");
	ck_assert_str_eq(span_attr(trace, span, ATTR_OTEL_STATUS_DESCRIPTION), "queue full");
	ck_assert_str_eq(span_attr(trace, span, ATTR_ERROR), "false");
	ck_assert_str_eq(span_attr(trace, span, ATTR_DB_NAME), "ledger");
	ck_assert_ptr_null(span_attr(trace, span, ATTR_DB_SYSTEM));
	trace_set_free(set);
	trace_builder_free(builder);
}
END_TEST

static void check_exception(const char *status, const char *want, uint32_t want_after_us)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	struct trace_set *set = NULL;
	struct span *span = trace_builder_span(builder);
	const struct trace *trace;

	span->start_us = 1000;
	span->duration_us = 100;
	span->message = text(builder, status);
	trace_builder_span_exception(builder, text(builder, "A"), text(builder, "no row"), 1040);
	trace_builder_span_exception(builder, TRACE_NONE, text(builder, "no disk"), 1090);
	trace_builder_span_done(builder, "t", 1);
	ck_assert_int_eq(trace_builder_finish(builder, &set, NULL), 0);
	trace = &set->traces[0];
	ck_assert_str_eq(span_attr(trace, &trace->spans[0], ATTR_EXCEPTION_MESSAGE), want);
	ck_assert_uint_eq(trace->spans[0].exception_after_us, want_after_us);
	trace_set_free(set);
	trace_builder_free(builder);
}

START_TEST(test_one_exception_is_kept)
{
	check_exception("", "no disk", 91);
	check_exception("E42: no row in cart", "no row", 41);
	check_exception("other", "no disk", 91);
}
END_TEST

static const struct {
	unsigned int keys[2];
	const char *values[2];
	uint32_t first; /* of the span's list in the set, by hand */
} shared_rows[] = {
	{ { ATTR_HTTP_METHOD, ATTR_HTTP_ROUTE }, { "GET", "/a" }, 0 },
	{ { ATTR_HTTP_METHOD, ATTR_HTTP_ROUTE }, { "GET", "/b" }, 2 },
	{ { ATTR_HTTP_METHOD, ATTR_HTTP_ROUTE }, { "GET", "/a" }, 0 },
	{ { ATTR_HTTP_ROUTE, ATTR_HTTP_METHOD }, { "/a", "GET" }, 4 },
	{ { ATTR_HTTP_METHOD, ATTR_HTTP_ROUTE }, { "GET", "/b" }, 2 },
};

/* The spans of shared_rows, behind `before` other texts, which give theirs other numbers and
 * hashes. Returns whether each list is where it is when all that are equal share one. */
static bool lists_are_shared(unsigned int before)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	struct trace_set *set = NULL;
	char name[16];

	for (unsigned int i = 0; i < before; i++) {
		snprintf(name, sizeof(name), "text %u", i);
		text(builder, name);
	}
	for (unsigned int i = 0; i < ARRAY_LEN(shared_rows); i++) {
		trace_builder_span(builder);
		for (unsigned int k = 0; k < 2; k++)
			trace_builder_span_attr(builder, shared_rows[i].keys[k],
						text(builder, shared_rows[i].values[k]));
		trace_builder_span_done(builder, "t", 1);
	}
	ck_assert_int_eq(trace_builder_finish(builder, &set, NULL), 0);
	bool shared = set->nattrs == 6;
	for (unsigned int i = 0; i < ARRAY_LEN(shared_rows); i++) {
		const struct span *span = &set->traces[0].spans[i];

		shared = shared && span->attrs == shared_rows[i].first;
		for (unsigned int k = 0; k < 2; k++)
			ck_assert_str_eq(span_attr(&set->traces[0], span, shared_rows[i].keys[k]),
					 shared_rows[i].values[k]);
	}
	trace_set_free(set);
	trace_builder_free(builder);
	return shared;
}

/* Spans with the same attributes in the same order share their list; others do not, and a shared
 * list is not changed by the spans after. Two lists whose hashes meet in the builder's table are
 * written twice, about once in 25 processes; not 20 times in a row. */
START_TEST(test_shared_attrs)
{
	bool shared = false;

	for (unsigned int before = 0; before < 20; before++)
		shared = lists_are_shared(before) || shared;
	ck_assert(shared);
}
END_TEST

START_TEST(test_attr_cap)
{
	const char *extra[LIMIT_SPAN_ATTRS + 2];
	char names[LIMIT_SPAN_ATTRS + 2][8];
	struct trace_options options = { .extra_names = extra, .nextra_names = ARRAY_LEN(extra) };
	struct trace_builder *builder;
	struct trace_set *set = NULL;

	for (unsigned int i = 0; i < ARRAY_LEN(extra); i++) {
		snprintf(names[i], sizeof(names[i]), "x%u", i);
		extra[i] = names[i];
	}
	builder = trace_builder_new(&options);
	for (int n = 0; n < 2; n++) {
		trace_builder_span(builder);
		for (unsigned int i = 0; i < ARRAY_LEN(extra); i++)
			trace_builder_span_attr(builder, ATTR_COUNT + i, text(builder, "v"));
		trace_builder_span_done(builder, "t", 1);
	}
	ck_assert_int_eq(trace_builder_finish(builder, &set, NULL), 0);
	ck_assert_uint_eq(set->traces[0].spans[1].nattrs, LIMIT_SPAN_ATTRS);
	/* both spans have the same attributes */
	ck_assert_uint_eq(set->nattrs, LIMIT_SPAN_ATTRS);
	ck_assert_uint_eq(set->nextra_names, ARRAY_LEN(extra));
	ck_assert_str_eq(set->extra_names[7], "x7");
	trace_set_free(set);
	trace_builder_free(builder);
}
END_TEST

START_TEST(test_times_are_clamped)
{
	struct row row = { "t", "a", "", 0, "cart", INT64_MAX };
	struct trace_set *set = build(&row, 1);

	ck_assert_int_eq(span_end_us(&set->traces[0].spans[0]), INT64_MAX / 4 + 10);
	trace_set_free(set);
	row.start_us = INT64_MIN;
	set = build(&row, 1);
	ck_assert_int_eq(set->traces[0].spans[0].start_us, -(INT64_MAX / 4));
	trace_set_free(set);
}
END_TEST

/* ---- resources ---- */

START_TEST(test_resources)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	struct trace_set *set = NULL;
	const struct trace *trace;
	const struct resource *first;

	for (int i = 0; i < 3; i++) {
		uint32_t index = trace_builder_resource(builder);
		const struct row row = { "t", i == 0 ? "a" : i == 1 ? "b" : "c", "", 0, NULL, 0 };

		trace_builder_resource_attr(builder, index, "service.namespace", 17, "shop", 4);
		trace_builder_resource_attr(builder, index, "service.name", 12,
					    i == 2 ? "cart" : "ledger", i == 2 ? 4 : 6);
		trace_builder_resource_attr(builder, index, "host", 4, "h1", 2);
		add_row(builder, &row, index);
	}
	ck_assert_int_eq(trace_builder_finish(builder, &set, NULL), 0);
	trace = &set->traces[0];
	/* Two resources with the same attributes become one. */
	ck_assert_uint_eq(set->nresources, 2);
	ck_assert_uint_eq(set->nresource_attrs, 6);
	ck_assert_uint_eq(trace->spans[0].resource, trace->spans[1].resource);
	ck_assert_str_eq(span_service(trace, &trace->spans[1]), "ledger");
	ck_assert_str_eq(span_service(trace, &trace->spans[2]), "cart");
	first = span_resource(trace, &trace->spans[2]);
	ck_assert_str_eq(trace_text(trace, first->namespace), "shop");
	ck_assert_str_eq(resource_attr(trace, first, "host"), "h1");
	ck_assert_ptr_null(resource_attr(trace, first, "zone"));
	trace_set_free(set);
	trace_builder_free(builder);
}
END_TEST

START_TEST(test_resource_caps)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	struct trace_set *set = NULL;
	uint32_t index = trace_builder_resource(builder);
	char *value = xcalloc(1, LIMIT_RESOURCE_ATTR_BYTES + 5);
	const struct row row = { "t", "a", "", 0, NULL, 0 };
	char name[16];

	memset(value, 'v', LIMIT_RESOURCE_ATTR_BYTES + 4);
	for (unsigned int i = 0; i < LIMIT_RESOURCE_ATTRS + 5; i++) {
		int len = snprintf(name, sizeof(name), "k%u", i);

		trace_builder_resource_attr(builder, index, name, (size_t)len, value,
					    strlen(value));
	}
	add_row(builder, &row, index);
	ck_assert_int_eq(trace_builder_finish(builder, &set, NULL), 0);
	ck_assert_uint_eq(set->resources[0].nattrs, LIMIT_RESOURCE_ATTRS);
	ck_assert_uint_eq(strlen(resource_attr(&set->traces[0], &set->resources[0], "k3")),
			  LIMIT_RESOURCE_ATTR_BYTES);
	trace_set_free(set);
	trace_builder_free(builder);
	free(value);
}
END_TEST

START_TEST(test_map_resources)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	struct trace_set *set = NULL;
	const struct row rows[] = { { "t", "a", "", 0, NULL, 0 },
				    { "t", "b", "", 0, NULL, 0 },
				    { "t", "c", "", 0, NULL, 0 } };
	uint32_t map[2];

	add_row(builder, &rows[0], resource(builder, "cart"));
	ck_assert_uint_eq(trace_builder_nspans(builder), 1);
	add_row(builder, &rows[1], 1);
	add_row(builder, &rows[2], 0);
	map[0] = resource(builder, "ledger");
	map[1] = resource(builder, "payment");
	trace_builder_map_resources(builder, 1, map, 2);
	ck_assert_int_eq(trace_builder_finish(builder, &set, NULL), 0);
	ck_assert_str_eq(span_service(&set->traces[0], &set->traces[0].spans[0]), "cart");
	ck_assert_str_eq(span_service(&set->traces[0], &set->traces[0].spans[1]), "payment");
	ck_assert_str_eq(span_service(&set->traces[0], &set->traces[0].spans[2]), "ledger");
	trace_set_free(set);
	trace_builder_free(builder);
}
END_TEST

/* ---- the tree ---- */

START_TEST(test_tree)
{
	const struct row rows[] = {
		{ "t", "c", "b", 0, "cart", 3 },  { "t", "a", "", 0, NULL, 1 },
		{ "t", "b", "a", 0, NULL, 2 },	  { "t", "d", "a", 0, NULL, 4 },
		{ "t", "e", "lost", 0, NULL, 5 }, { "t", "f", "e", 0, NULL, 6 },
		{ "t", "", "a", 0, "ledger", 7 }, { "t", "", "a", 0, NULL, 7 },
	};
	struct trace_set *set = BUILD(rows);
	const struct trace *trace = &set->traces[0];

	/* Both spans without an id stay. */
	ck_assert_uint_eq(set->ntraces, 1);
	ck_assert_uint_eq(trace->nspans, 8);
	check_tree(trace, "a(b(c)d)e(f)");
	ck_assert_uint_eq(trace->spans[4].flags, SPAN_ORPHAN);
	ck_assert_uint_eq(trace->spans[5].flags, 0);
	ck_assert_uint_eq(trace->spans[6].parent, 1);
	ck_assert_str_eq(trace_text(trace, trace->id), "t");
	trace_set_free(set);
}
END_TEST

/* A span "d" with the parents b, c and e: which of the spans that failed is above it? */
static const struct {
	const char *failing; /* ids */
	const char *wanted;
} several_parents[] = {
	{ "", "a(b(d)ce)" },	{ "d", "a(b(d)ce)" }, /* no parent failed */
	{ "bcd", "a(b(d)ce)" },			      /* the first one did */
	{ "cd", "a(bc(d)e)" },			      /* only another one */
	{ "dec", "a(bc(d)e)" },			      /* the first one of the others */
	{ "de", "a(bce(d))" },	{ "c", "a(b(d)ce)" }, /* the span itself did not fail */
};

START_TEST(test_several_parents)
{
	static const char *const ids[] = { "d", "a", "b", "c", "e" };
	struct trace_builder *builder = trace_builder_new(NULL);
	struct trace_set *set = NULL;

	/* In the other trace all of them failed: that decides nothing here. */
	for (unsigned int i = 0; i < 2 * ARRAY_LEN(ids); i++) {
		const char *id = ids[i % ARRAY_LEN(ids)];
		bool first_trace = i < ARRAY_LEN(ids);
		struct span *span = trace_builder_span(builder);

		span->id = text(builder, id);
		span->parent_id = text(builder, *id == 'd' ? "b" : *id == 'a' ? "" : "a");
		if (*id == 'd' && first_trace) {
			trace_builder_span_other_parent(builder, text(builder, "c"));
			trace_builder_span_other_parent(builder, text(builder, "e"));
		}
		if (!first_trace || strchr(several_parents[_i].failing, *id))
			span->status = SPAN_STATUS_ERROR;
		trace_builder_span_done(builder, first_trace ? "t" : "u", 1);
	}
	ck_assert_int_eq(trace_builder_finish(builder, &set, NULL), 0);
	trace_builder_free(builder);
	check_tree(&set->traces[0], several_parents[_i].wanted);
	trace_set_free(set);
}
END_TEST

/* Those beyond the cap are ignored. */
START_TEST(test_many_parents)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	struct trace_set *set = NULL;
	struct span *span = trace_builder_span(builder);

	span->status = SPAN_STATUS_ERROR;
	span->id = text(builder, "d");
	span->parent_id = text(builder, "b");
	for (unsigned int i = 0; i < LIMIT_OTHER_PARENTS; i++)
		trace_builder_span_other_parent(builder, text(builder, "x"));
	trace_builder_span_other_parent(builder, text(builder, "c"));
	trace_builder_span_done(builder, "t", 1);
	span = trace_builder_span(builder);
	span->status = SPAN_STATUS_ERROR;
	span->id = text(builder, "c");
	trace_builder_span_done(builder, "t", 1);
	ck_assert_int_eq(trace_builder_finish(builder, &set, NULL), 0);
	trace_builder_free(builder);
	check_tree(&set->traces[0], "dc");
	trace_set_free(set);
}
END_TEST

START_TEST(test_traces_are_grouped)
{
	const struct row rows[] = {
		{ "t2", "a", "", 0, "cart", 1 }, { "t1", "a", "", 0, NULL, 2 },
		{ "t2", "b", "a", 0, NULL, 3 },	 { "t1", "c", "a", 0, NULL, 4 },
		{ "t3", "c", "a", 0, NULL, 5 },	 { "t1", "d", "c", 0, NULL, 6 },
		{ "t2", "e", "b", 0, NULL, 7 },
	};
	struct trace_set *set = BUILD(rows);

	ck_assert_uint_eq(set->ntraces, 3);
	ck_assert_str_eq(trace_text(&set->traces[0], set->traces[0].id), "t2");
	check_tree(&set->traces[0], "a(b(e))");
	check_tree(&set->traces[1], "a(c(d))");
	check_tree(&set->traces[2], "c");
	ck_assert_uint_eq(set->traces[2].spans[0].flags,
			  SPAN_ORPHAN); /* its parent a is in other traces */
	ck_assert_int_eq(set->traces[1].spans[2].start_us, 6);
	ck_assert_ptr_eq(set->traces[1].set, set);
	trace_set_free(set);
}
END_TEST

START_TEST(test_duplicates)
{
	const struct row rows[] = {
		{ "t", "a", "", SPAN_SERVER, "cart", 1 },
		{ "t", "b", "a", SPAN_CLIENT, NULL, 2 },
		{ "t", "a", "", SPAN_SERVER, "cart", 1 },
		{ "t", "b", "a", SPAN_CLIENT, NULL, 2 },
		{ "t", "b", "a", SPAN_CLIENT, NULL, 2 },
		{ "t", "c", "b", SPAN_SERVER, "ledger", 3 },
		{ "t", "c", "b", SPAN_SERVER, NULL, 4 }, /* another start: not a duplicate */
	};
	struct trace_set *set = BUILD(rows);

	ck_assert_uint_eq(set->traces[0].nspans, 4);
	check_tree(&set->traces[0], "a(b(cc))");
	trace_set_free(set);
}
END_TEST

START_TEST(test_self_parent)
{
	const struct row rows[] = { { "t", "a", "a", 0, "cart", 1 },
				    { "t", "b", "a", 0, NULL, 2 } };
	struct trace_set *set = BUILD(rows);

	check_tree(&set->traces[0], "a(b)");
	ck_assert_uint_eq(set->traces[0].spans[0].flags, SPAN_CYCLE);
	trace_set_free(set);
}
END_TEST

START_TEST(test_cycles)
{
	/* d is a child in a cycle of a, b and c, of which b is the earliest. e and f are a cycle
	 * with equal times. */
	const struct row rows[] = {
		{ "t", "d", "a", 0, "cart", 9 }, { "t", "a", "b", 0, NULL, 5 },
		{ "t", "b", "c", 0, NULL, 2 },	 { "t", "c", "a", 0, NULL, 3 },
		{ "t", "r", "", 0, NULL, 1 },	 { "t", "e", "f", 0, NULL, 4 },
		{ "t", "f", "e", 0, NULL, 4 },	 { "t", "g", "r", 0, NULL, 1 },
	};
	struct trace_set *set = BUILD(rows);
	const struct trace *trace = &set->traces[0];

	check_tree(trace, "b(a(dc))r(g)e(f)");
	for (uint32_t i = 0; i < trace->nspans; i++)
		ck_assert_uint_eq(trace->spans[i].flags, i == 2 || i == 5 ? SPAN_CYCLE : 0);
	trace_set_free(set);
}
END_TEST

START_TEST(test_shared_ids)
{
	/* b is a call with a half of cart and one of ledger. Children of ledger go to its half,
	 * whichever row comes first. */
	const struct row rows[] = {
		{ "t", "x", "b", SPAN_CLIENT, "ledger", 4 },
		{ "t", "b", "a", SPAN_SERVER, "ledger", 3 },
		{ "t", "a", "", SPAN_SERVER, "cart", 1 },
		{ "t", "b", "a", SPAN_CLIENT, "cart", 2 },
		{ "t", "y", "b", SPAN_INTERNAL, "mails", 5 },
	};
	struct trace_set *set = BUILD(rows);
	const struct trace *trace = &set->traces[0];

	/* y is of neither service: it is work that the server called for. */
	check_tree(trace, "a(b(b(xy)))");
	ck_assert_uint_eq(trace->spans[1].flags, SPAN_SHARED);
	ck_assert_uint_eq(trace->spans[1].parent, 3);
	ck_assert_uint_eq(trace->spans[3].flags, 0);
	ck_assert_uint_eq(trace->spans[0].parent, 1);
	trace_set_free(set);
}
END_TEST

/* There is no client half: the server half has the children of every service. */
START_TEST(test_shared_server_alone)
{
	const struct row rows[] = {
		{ "t", "y", "b", SPAN_INTERNAL, "mails", 5 },
		{ "t", "b", "a", 0, "ledger", 3 },
		{ "t", "b", "a", SPAN_SERVER, "ledger", 3 },
		{ "t", "a", "", SPAN_SERVER, "cart", 1 },
	};
	struct trace_set *set = BUILD(rows);
	const struct trace *trace = &set->traces[0];

	/* The other b has no kind, and no server shares its id: it is no client half. */
	check_tree(trace, "a(bb(y))");
	ck_assert_uint_eq(trace->spans[0].parent, 2);
	ck_assert_uint_eq(trace->spans[2].flags, 0);
	trace_set_free(set);
}
END_TEST

START_TEST(test_shared_client_first)
{
	const struct row rows[] = {
		{ "t", "b", "", SPAN_CLIENT, "cart", 2 },
		{ "t", "b", "", SPAN_SERVER, "ledger", 3 },
		{ "t", "x", "b", SPAN_CLIENT, "ledger", 4 },
		{ "t", "y", "b", SPAN_INTERNAL, "cart", 5 },
	};
	struct trace_set *set = BUILD(rows);

	check_tree(&set->traces[0], "b(b(x)y)");
	trace_set_free(set);
}
END_TEST

/* Many different spans with one id, and a long cycle: linking must take linear time. */
START_TEST(test_hostile_shapes)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	struct trace_set *set = NULL;
	uint32_t service = resource(builder, "cart"), nchildren = 0;
	char id[16], parent[16];

	for (unsigned int i = 0; i < 20000; i++) {
		struct row row = { "same", "a", "a", i % 2 ? SPAN_SERVER : SPAN_CLIENT, NULL, i };

		add_row(builder, &row, service);
		snprintf(id, sizeof(id), "%u", i);
		snprintf(parent, sizeof(parent), "%u", (i + 1) % 20000);
		row = (struct row){ "cycle", id, parent, 0, NULL, 20000 - i };
		add_row(builder, &row, service);
	}
	ck_assert_int_eq(trace_builder_finish(builder, &set, NULL), 0);
	ck_assert_uint_eq(set->traces[0].nspans, 20000);
	ck_assert_uint_eq(set->traces[1].nspans, 20000);
	ck_assert_uint_eq(set->traces[1].first_root, 19999);
	for (uint32_t i = 19999; i != TRACE_NONE; i = set->traces[1].spans[i].first_child)
		nchildren++;
	ck_assert_uint_eq(nchildren, 20000);
	trace_set_free(set);
	trace_builder_free(builder);
}
END_TEST

/* ---- caps ---- */

START_TEST(test_empty)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	struct trace_set *set = NULL;
	struct err err;

	ck_assert_int_eq(trace_builder_finish(builder, &set, &err), -ENOENT);
	ck_assert_ptr_null(set);
	trace_builder_free(builder);
	trace_set_free(NULL);
}
END_TEST

START_TEST(test_span_cap)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	struct trace_set *set = NULL;
	struct err err;

	for (unsigned int i = 0; i < LIMIT_TRACE_SPANS; i++) {
		ck_assert_ptr_nonnull(trace_builder_span(builder));
		trace_builder_span_done(builder, "t", 1);
	}
	ck_assert(!trace_builder_failed(builder));
	ck_assert_ptr_null(trace_builder_span(builder));
	ck_assert(trace_builder_failed(builder));
	ck_assert_uint_eq(text(builder, "more"), TRACE_NONE);
	ck_assert_int_eq(trace_builder_finish(builder, &set, &err), -E2BIG);
	ck_assert_str_eq(err.text, "more than 250000 spans");
	trace_builder_free(builder);
}
END_TEST

START_TEST(test_text_cap)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	char *big = xcalloc(1, LIMIT_TRACE_STRING_BYTES);
	struct trace_set *set = NULL;
	struct err err;

	memset(big, 'x', LIMIT_TRACE_STRING_BYTES - 1);
	/* One byte is reference 0, and one ends the text. */
	ck_assert_uint_eq(trace_builder_text(builder, big, LIMIT_TRACE_STRING_BYTES - 2), 1);
	ck_assert_uint_eq(trace_builder_text(builder, big, LIMIT_TRACE_STRING_BYTES - 2), 1);
	ck_assert_uint_eq(text(builder, "y"), TRACE_NONE);
	ck_assert_int_eq(trace_builder_finish(builder, &set, &err), -E2BIG);
	ck_assert_str_eq(err.text, "more than 16 MiB of different texts");
	trace_builder_free(builder);
	free(big);
}
END_TEST

/* The last two bytes take a text of one character; where one is left there is no room for it. */
START_TEST(test_text_cap_is_exact)
{
	char *big = xcalloc(1, LIMIT_TRACE_STRING_BYTES);

	memset(big, 'x', LIMIT_TRACE_STRING_BYTES - 1);
	for (unsigned int left = 1; left <= 2; left++) {
		struct trace_builder *builder = trace_builder_new(NULL);
		size_t len = LIMIT_TRACE_STRING_BYTES - 2 - left;

		ck_assert_uint_eq(trace_builder_text(builder, big, len), 1);
		ck_assert_uint_eq(text(builder, "y"),
				  left == 2 ? LIMIT_TRACE_STRING_BYTES - 2 : TRACE_NONE);
		trace_builder_free(builder);
	}
	free(big);
}
END_TEST

START_TEST(test_trace_cap)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	struct trace_set *set = NULL;
	struct err err;
	char id[16];

	for (unsigned int i = 0; i <= LIMIT_TRACES_PER_DOCUMENT; i++) {
		int len = snprintf(id, sizeof(id), "%u", i);

		ck_assert_ptr_nonnull(trace_builder_span(builder));
		trace_builder_span_done(builder, id, (size_t)len);
	}
	ck_assert_int_eq(trace_builder_finish(builder, &set, &err), -E2BIG);
	ck_assert_str_eq(err.text, "more than 10000 traces in one document");
	trace_builder_free(builder);
}
END_TEST

START_TEST(test_account)
{
	struct trace_memory memory = { .cap_bytes = 1u << 20 };
	const struct trace_options options = { .memory = &memory };
	struct trace_builder *builder = trace_builder_new(&options);
	struct trace_set *set = NULL;
	const struct row row = { "t", "a", "", 0, NULL, 1 };
	struct err err;
	unsigned int n = 0;

	add_row(builder, &row, resource(builder, "cart"));
	ck_assert_int_eq(trace_builder_finish(builder, &set, &err), 0);
	trace_builder_free(builder);
	ck_assert_uint_gt(set->bytes, sizeof(*set) + sizeof(struct span));
	ck_assert_uint_eq(memory.used_bytes, set->bytes);
	/* A second builder gets the rest of the account, and gives it back when it fails. */
	builder = trace_builder_new(&options);
	while (trace_builder_span(builder)) {
		trace_builder_span_done(builder, "t", 1);
		n++;
	}
	ck_assert_uint_lt(n, (1u << 20) / sizeof(struct span));
	ck_assert_int_eq(trace_builder_finish(builder, &set, &err), -E2BIG);
	ck_assert_str_eq(err.text, "the memory for all traces in flight (1 MiB) is used up");
	trace_builder_free(builder);
	ck_assert_uint_eq(memory.used_bytes, set->bytes);
	trace_set_free(set);
	ck_assert_uint_eq(memory.used_bytes, 0);
}
END_TEST

START_TEST(test_partial)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	struct trace_set *set = NULL;
	const struct row row = { "t", "a", "", 0, NULL, 1 };

	add_row(builder, &row, resource(builder, "cart"));
	trace_builder_partial(builder);
	ck_assert_int_eq(trace_builder_finish(builder, &set, NULL), 0);
	ck_assert(set->traces[0].partial);
	trace_set_free(set);
	trace_builder_free(builder);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trace_builder");
	TCase *tcase = tcase_create("trace_builder");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, test_texts);
	tcase_add_test(tcase, test_values_are_cut);
	tcase_add_test(tcase, test_dirty_values_are_cut);
	tcase_add_test(tcase, test_names);
	tcase_add_loop_test(tcase, test_folds, 0, ARRAY_LEN(folds));
	tcase_add_test(tcase, test_folded_attrs_are_answered);
	tcase_add_test(tcase, test_one_exception_is_kept);
	tcase_add_test(tcase, test_shared_attrs);
	tcase_add_test(tcase, test_attr_cap);
	tcase_add_test(tcase, test_times_are_clamped);
	tcase_add_test(tcase, test_resources);
	tcase_add_test(tcase, test_resource_caps);
	tcase_add_test(tcase, test_map_resources);
	tcase_add_test(tcase, test_tree);
	tcase_add_loop_test(tcase, test_several_parents, 0, ARRAY_LEN(several_parents));
	tcase_add_test(tcase, test_many_parents);
	tcase_add_test(tcase, test_traces_are_grouped);
	tcase_add_test(tcase, test_duplicates);
	tcase_add_test(tcase, test_self_parent);
	tcase_add_test(tcase, test_cycles);
	tcase_add_test(tcase, test_shared_ids);
	tcase_add_test(tcase, test_shared_server_alone);
	tcase_add_test(tcase, test_shared_client_first);
	tcase_add_test(tcase, test_hostile_shapes);
	tcase_add_test(tcase, test_empty);
	tcase_add_test(tcase, test_span_cap);
	tcase_add_test(tcase, test_text_cap);
	tcase_add_test(tcase, test_text_cap_is_exact);
	tcase_add_test(tcase, test_trace_cap);
	tcase_add_test(tcase, test_account);
	tcase_add_test(tcase, test_partial);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
