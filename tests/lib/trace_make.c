/*
 * Trace make: reads a drawing and feeds it to the builder, as a decoder would. The caller owns the
 * set.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/trace_make.h"
#include "tracepager/trace_builder.h"
#include "tracepager/xalloc.h"

#define LEVELS	  32
#define RESOURCES 64

struct maker {
	struct trace_builder *builder;
	char level_ids[LEVELS][16]; /* of the last span at each indentation */
	char *services[RESOURCES];
	uint32_t resources[RESOURCES];
	size_t nresources;
};

static void wrong(const char *what, const char *line)
{
	fprintf(stderr, "trace_make: %s: %s\n", what, line);
	abort();
}

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " ");
	len = strlen(text);
	while (len > 0 && text[len - 1] == ' ')
		text[--len] = '\0';
	return text;
}

static uint32_t text_of(struct maker *maker, const char *text)
{
	return trace_builder_text(maker->builder, text, strlen(text));
}

static uint32_t resource_of(struct maker *maker, const char *service)
{
	const char *slash = strchr(service, '/'), *name = slash ? slash + 1 : service;
	uint32_t resource;

	for (size_t i = 0; i < maker->nresources; i++) {
		if (strcmp(maker->services[i], service) == 0)
			return maker->resources[i];
	}
	if (maker->nresources == RESOURCES)
		wrong("too many services", service);
	resource = trace_builder_resource(maker->builder);
	if (slash)
		trace_builder_resource_attr(maker->builder, resource, "service.namespace", 17,
					    service, (size_t)(slash - service));
	if (strcmp(name, "-") != 0)
		trace_builder_resource_attr(maker->builder, resource, "service.name", 12, name,
					    strlen(name));
	maker->services[maker->nresources] = xstrdup(service);
	maker->resources[maker->nresources++] = resource;
	return resource;
}

static uint8_t kind_of(const char *word)
{
	static const char *const words[] = { "none",   "internal", "server",
					     "client", "producer", "consumer" };

	for (uint8_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(word, words[i]) == 0)
			return i;
	}
	wrong("no such kind", word);
	return 0;
}

static void add_value(struct maker *maker, struct span *span, const char *key, const char *value)
{
	uint32_t text = text_of(maker, value);
	int attr;

	if (strcmp(key, "id") == 0) {
		span->id = text;
	} else if (strcmp(key, "parent") == 0) {
		span->parent_id = text;
	} else if (strcmp(key, "message") == 0) {
		span->message = text;
	} else {
		attr = trace_builder_attr(maker->builder, key, strlen(key));
		if (attr < 0)
			wrong("no such attribute", key);
		trace_builder_span_attr(maker->builder, (unsigned int)attr, text);
	}
}

static void add_mark(struct maker *maker, struct span *span, char *mark)
{
	char *equals = strchr(mark, '=');

	if (equals) {
		*equals = '\0';
		add_value(maker, span, mark, equals + 1);
	} else if (strcmp(mark, "ERROR") == 0) {
		span->status = SPAN_STATUS_ERROR;
	} else if (strcmp(mark, "OK") == 0) {
		span->status = SPAN_STATUS_OK;
	} else if (strcmp(mark, "TAG") == 0) {
		span->flags |= SPAN_TAG_TRUE;
	} else if (strcmp(mark, "NOTAG") == 0) {
		span->flags |= SPAN_TAG_FALSE;
	} else if (strcmp(mark, "FOLLOWS") == 0) {
		span->flags |= SPAN_FOLLOWS;
	} else if (strcmp(mark, "SHARED") == 0) {
		span->flags |= SPAN_SHARED;
	} else if (mark[0] != '\0') {
		wrong("no such mark", mark);
	}
}

/* Ids from the line's number and its indentation; marks may change them. */
static void set_ids(struct maker *maker, struct span *span, size_t level, int number)
{
	char id[16];

	if (level >= LEVELS)
		wrong("too deep", "");
	snprintf(id, sizeof(id), "%d", number);
	span->id = text_of(maker, id);
	span->parent_id = level > 0 ? text_of(maker, maker->level_ids[level - 1]) : 0;
	memcpy(maker->level_ids[level], id, sizeof(id));
}

static void add_span(struct maker *maker, char *line, int number)
{
	struct span *span;
	char *service, *kind, *name, *times, *marks, *mark;
	size_t level = strspn(line, " ") / 2;
	uint32_t resource;
	double start = 0, end = 0;

	name = strsep(&line, "|");
	times = strsep(&line, "|");
	marks = line;
	if (!times || sscanf(times, "%lf %lf", &start, &end) != 2)
		wrong("no times", name);
	name = trim(name);
	service = strsep(&name, " ");
	kind = strsep(&name, " ");
	if (!name)
		wrong("no service, kind and name", service);
	resource = resource_of(maker, service);
	span = trace_builder_span(maker->builder);
	set_ids(maker, span, level, number);
	span->resource = resource;
	span->kind = kind_of(kind);
	span->name = text_of(maker, name);
	span->start_us = (int64_t)(start * 1000);
	span->duration_us = (int64_t)(end * 1000) - span->start_us;
	while ((mark = strsep(&marks, ";")))
		add_mark(maker, span, trim(mark));
	trace_builder_span_done(maker->builder, "t", 1);
}

static struct trace_set *make(const char *drawing, bool partial)
{
	struct maker maker = { .builder = trace_builder_new(NULL) };
	char *copy = xstrdup(drawing), *rest = copy, *line;
	struct trace_set *set = NULL;
	struct err err;
	int number = 0;

	if (partial)
		trace_builder_partial(maker.builder);
	while ((line = strsep(&rest, "\n"))) {
		if (line[0] != '\0')
			add_span(&maker, line, ++number);
	}
	if (trace_builder_finish(maker.builder, &set, &err) != 0)
		wrong(err.text, drawing);
	trace_builder_free(maker.builder);
	for (size_t i = 0; i < maker.nresources; i++)
		free(maker.services[i]);
	free(copy);
	return set;
}

struct trace_set *trace_make(const char *drawing)
{
	return make(drawing, false);
}

struct trace_set *trace_make_partial(const char *drawing)
{
	return make(drawing, true);
}
