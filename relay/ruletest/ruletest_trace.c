/*
 * Rule tests, traces: files in any known encoding, and traces drawn in YAML as trees of spans. A
 * span takes what it leaves out from its parent: service, namespace and times; its kind follows
 * from its place. The tree is walked with a stack, without recursion. Owns nothing: the test owns
 * its sets.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ruletest-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define ROOT_DURATION_US (100 * US_PER_MS)

/* A span of the drawing, and the number of its next child. */
struct drawn {
	const struct ynode *children; /* NULL: none */
	size_t next;
	const char *service, *namespace;
	unsigned int id;
	int64_t start_us, duration_us;
};

struct drawing {
	const struct test_reader *reader;
	struct trace_builder *builder;
	struct drawn stack[LIMIT_DEPTH];
	size_t depth;
	unsigned int nspans;
	char trace_id[33];
};

static void test_keep_set(struct test_traces *traces, struct trace_set *set)
{
	traces->sets = xrealloc_array(traces->sets, traces->nsets + 1, sizeof(*traces->sets));
	traces->sets[traces->nsets++] = set;
	traces->at = xrealloc_array(traces->at, traces->n + set->ntraces, sizeof(*traces->at));
	for (uint32_t i = 0; i < set->ntraces; i++)
		traces->at[traces->n++] = &set->traces[i];
}

void test_traces_fini(struct test_traces *traces)
{
	for (size_t i = 0; i < traces->nsets; i++)
		trace_set_free(traces->sets[i]);
	free(traces->sets);
	free(traces->at);
	evidence_free(traces->evidence);
	evidence_free(traces->ordinary);
	*traces = (struct test_traces){ .sets = NULL };
}

static uint32_t drawing_text(const struct drawing *drawing, const char *text)
{
	return trace_builder_value(drawing->builder, text, strlen(text));
}

static const char *member_text(const struct drawing *drawing, const struct ynode *map,
			       const char *key)
{
	const struct ynode *node = ynode_get(map, key);

	return node ? test_text(drawing->reader, node, key) : NULL;
}

static uint32_t draw_resource(const struct drawing *drawing, const struct ynode *node,
			      const struct drawn *span)
{
	struct trace_builder *builder = drawing->builder;
	struct labels attrs =
		test_labels(drawing->reader, ynode_get(node, "resource"), "\"resource\"");
	uint32_t resource = trace_builder_resource(builder);

	trace_builder_resource_attr(builder, resource, "service.name", strlen("service.name"),
				    span->service, strlen(span->service));
	if (span->namespace)
		trace_builder_resource_attr(builder, resource, "service.namespace",
					    strlen("service.namespace"), span->namespace,
					    strlen(span->namespace));
	for (size_t i = 0; i < attrs.n; i++)
		trace_builder_resource_attr(builder, resource, attrs.at[i].name,
					    strlen(attrs.at[i].name), attrs.at[i].value,
					    strlen(attrs.at[i].value));
	return resource;
}

static enum span_kind draw_kind(const struct drawing *drawing, const struct ynode *node,
				const struct drawn *span, const struct drawn *parent)
{
	const struct ynode *kind = ynode_get(node, "kind");
	const char *names[SPAN_CONSUMER + 1];

	for (unsigned int i = 0; i < ARRAY_LEN(names); i++)
		names[i] = span_kind_name((enum span_kind)i);
	size_t found = kind ? test_word(drawing->reader, kind, "\"kind\"", names, ARRAY_LEN(names))
			    : SIZE_MAX;
	if (found != SIZE_MAX)
		return (enum span_kind)found;
	return parent && strcmp(parent->service, span->service) == 0 ? SPAN_INTERNAL : SPAN_SERVER;
}

/* "error" is true, false, or the error's message. */
static void draw_error(const struct drawing *drawing, const struct ynode *node, struct span *span)
{
	const struct ynode *error = ynode_get(node, "error");
	bool failed = true;

	if (!error)
		return;
	if (!ynode_bool(error, &failed)) {
		const char *words = test_text(drawing->reader, error, "\"error\"");
		if (!words)
			return;
		span->message = drawing_text(drawing, words);
	}
	if (failed)
		span->status = SPAN_STATUS_ERROR;
}

/* An attribute that neither walk nor rules read is reported: it would test nothing. */
static void draw_attrs(const struct drawing *drawing, const struct ynode *node)
{
	const struct ynode *map = ynode_get(node, "attrs");
	const char *names[ATTR_COUNT];

	if (!map || !test_map(drawing->reader, map, "\"attrs\""))
		return;
	for (unsigned int i = 0; i < ATTR_COUNT; i++)
		names[i] = attr_name(i);
	for (size_t i = 0; i < map->n; i++) {
		const char *name = map->keys[i]->text;
		const char *value = test_text(drawing->reader, map->items[i], name);
		int attr = trace_builder_attr(drawing->builder, name, strlen(name));
		if (attr < 0) {
			const char *near = nearest_word(name, names, ATTR_COUNT);
			TEST_ERROR(
				drawing->reader, map->keys[i], "E032",
				near ? arena_printf(drawing->reader->arena, "did you mean \"%s\"?",
						    near)
				     : "leave it out: it changes nothing",
				"neither the walk nor the rules look at the attribute \"%.200s\"",
				name);
		} else if (value) {
			trace_builder_span_attr(drawing->builder, (unsigned int)attr,
						drawing_text(drawing, value));
		}
	}
}

/* Service, namespace, times and children of a span. false: it has no service. */
static bool draw_place(const struct drawing *drawing, const struct ynode *node,
		       const struct drawn *parent, struct drawn *ret_span)
{
	const struct test_reader *reader = drawing->reader;
	const char *service = member_text(drawing, node, "service");
	int64_t after_us = 0;

	if (!service && !parent && !ynode_get(node, "service"))
		TEST_ERROR(reader, node, "E013", "add \"service: …\" to it",
			   "the first span of a trace has no \"service\"");
	if (!service && !parent)
		return false;
	*ret_span = (struct drawn){
		.children = ynode_get(node, "children"),
		.service = service ? service : parent->service,
		.namespace = member_text(drawing, node, "namespace"),
		.id = drawing->nspans + 1,
		.start_us = parent ? parent->start_us : reader->now_us - US_PER_MINUTE,
		.duration_us = parent ? parent->duration_us : ROOT_DURATION_US,
	};
	if (!ret_span->namespace && parent)
		ret_span->namespace = parent->namespace;
	test_duration(reader, ynode_get(node, "start"), "\"start\"", &after_us);
	ret_span->start_us += after_us;
	test_duration(reader, ynode_get(node, "duration"), "\"duration\"", &ret_span->duration_us);
	const struct ynode *children = ret_span->children;
	if (children && children->kind != YNODE_LIST) {
		TEST_ERROR(reader, children, "E014", "begin each child with \"- \"",
			   "\"children\" must be a list, not %s", ynode_kind_name(children));
		ret_span->children = NULL;
	}
	return true;
}

/* Add the span to the trace, and push it for its children. */
static void draw_span(struct drawing *drawing, const struct ynode *node)
{
	static const char *const known[] = { "service",	 "operation", "kind",  "error",
					     "duration", "start",     "attrs", "namespace",
					     "resource", "children",  "copies" };
	struct drawn *parent = drawing->depth ? &drawing->stack[drawing->depth - 1] : NULL;
	struct drawn drawn;
	char id[17];

	if (!test_map(drawing->reader, node, "a span"))
		return;
	/* "copies" is an option of the first span only: it copies the trace. */
	test_known(drawing->reader, node, "a span", known, ARRAY_LEN(known) - (parent != NULL));
	if (!draw_place(drawing, node, parent, &drawn))
		return;
	const char *operation = member_text(drawing, node, "operation");
	uint32_t resource = draw_resource(drawing, node, &drawn);
	struct span *span = trace_builder_span(drawing->builder);
	if (!span)
		return; /* over a cap: trace_builder_finish() reports it */
	snprintf(id, sizeof(id), "%016x", drawn.id);
	span->id = drawing_text(drawing, id);
	if (parent) {
		snprintf(id, sizeof(id), "%016x", parent->id);
		span->parent_id = drawing_text(drawing, id);
	}
	span->name = drawing_text(drawing, operation ? operation : drawn.service);
	span->kind = (uint8_t)draw_kind(drawing, node, &drawn, parent);
	span->start_us = drawn.start_us;
	span->duration_us = drawn.duration_us;
	span->resource = resource;
	draw_error(drawing, node, span);
	draw_attrs(drawing, node);
	trace_builder_span_done(drawing->builder, drawing->trace_id, strlen(drawing->trace_id));
	drawing->nspans++;
	/* The stack has room: ydoc refuses documents deeper than LIMIT_DEPTH. */
	drawing->stack[drawing->depth++] = drawn;
}

static void draw_trace(struct test_reader *reader, const struct ynode *root)
{
	struct drawing drawing = { .reader = reader,
				   .builder = trace_builder_new(&reader->trace_options) };
	struct trace_set *set = NULL;
	struct err err;

	snprintf(drawing.trace_id, sizeof(drawing.trace_id), "%032x", ++reader->ntraces);
	draw_span(&drawing, root);
	while (drawing.depth) {
		struct drawn *top = &drawing.stack[drawing.depth - 1];
		if (top->children && top->next < top->children->n)
			draw_span(&drawing, top->children->items[top->next++]);
		else
			drawing.depth--;
	}
	int error = trace_builder_finish(drawing.builder, &set, &err);
	if (!error)
		test_keep_set(reader->into, set);
	else if (error != -ENOENT) /* a refused root is reported already */
		TEST_ERROR(reader, root, "T002",
			   "write traces in a form that \"tracepager explain\" reads", "%s",
			   err.text);
	trace_builder_free(drawing.builder);
}

static void draw_copies(struct test_reader *reader, const struct ynode *root)
{
	const struct ynode *node = ynode_get(root, "copies");
	size_t errors = reader->findings->nerrors;
	int64_t copies = 1;

	if (node && (!ynode_int(node, &copies) || copies < 1 || copies > LIMIT_TRACES_PER_ALERT)) {
		TEST_ERROR(reader, node, "E017", "write digits alone, such as 5",
			   "\"copies\" must be a whole number from 1 to %d",
			   LIMIT_TRACES_PER_ALERT);
		copies = 1;
	}
	/* Each copy would repeat the first one's findings. */
	for (int64_t i = 0; i < copies && reader->findings->nerrors == errors; i++)
		draw_trace(reader, root);
}

static void test_on_document(void *ctx, int line, struct trace_set *set, const struct err *err)
{
	struct test_reader *reader = ctx;

	if (set)
		test_keep_set(reader->into, set);
	else if (err->code != ENOENT && err->code != ENOMSG)
		TEST_ERROR(reader, reader->node, "T002",
			   "write traces in a form that \"tracepager explain\" reads",
			   "%s, line %d: %s", reader->node->text, err->line ? err->line : line,
			   err->text);
}

/* A captured test has its healthy traces as stored evidence. false: the file is no evidence. */
static bool take_evidence(struct test_reader *reader, const struct buf *text)
{
	struct evidence_set *evidence, *ordinary;

	if (!evidence_decode_both(buf_text(text), text->len, &evidence, &ordinary))
		return false;
	evidence_free(reader->into->evidence);
	evidence_free(reader->into->ordinary);
	reader->into->evidence = evidence;
	reader->into->ordinary = ordinary;
	return true;
}

static void read_trace_or_evidence(struct test_reader *reader, const struct ynode *node)
{
	struct buf text = BUF_INIT(LIMIT_EXPLAIN_FILE_BYTES);

	if (test_text(reader, node, "a trace") && test_file_read(reader, node, &text) == 0 &&
	    !take_evidence(reader, &text)) {
		reader->node = node;
		trace_documents(buf_text(&text), text.len, &reader->trace_options, test_on_document,
				reader);
	}
	buf_fini(&text);
}

void test_traces_read(struct test_reader *reader, const struct ynode *list,
		      struct test_traces *traces)
{
	reader->into = traces;
	if (!list)
		return;
	if (list->kind != YNODE_LIST) {
		TEST_ERROR(reader, list, "E014", "begin each trace with \"- \"",
			   "traces must be a list of files and spans, not %s",
			   ynode_kind_name(list));
		return;
	}
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i]->kind == YNODE_MAP)
			draw_copies(reader, list->items[i]);
		else
			read_trace_or_evidence(reader, list->items[i]);
}
