/*
 * Ydoc: YAML bytes in, a tree of nodes with places out. libyaml scans and parses; this file
 * refuses what is dangerous or ambiguous (listed in ydoc.h) and limits depth, size and number of
 * nodes. The caller knows what a key means. Open collections stand on a stack: no recursion. The
 * tree is kept by the arena.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "doc-internal.h"

#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"
#include "tracepager/ytext.h"

/* What an alias stands for. The alias shares the node: only walks through the tree get longer. */
struct anchor {
	struct ynode *node; /* NULL: not closed yet */
	size_t nevents;	    /* as if all its aliases were written out */
	size_t height;	    /* levels of lists and maps */
};

/* An open list or map. */
struct frame {
	struct ynode *node;
	struct anchor *anchor; /* NULL: none */
	size_t begun, height;  /* reader.nevents when it was opened; levels within */
	struct ynode *key;     /* map: the key that waits for its value */
	bool drop;	       /* map: the key was refused, so that its value is dropped too */
	struct ynode **keys, **items; /* heap until the collection is closed */
	size_t n, size;
	struct map *seen; /* map: text → key */
};

struct reader {
	struct arena *arena;
	struct ydoc *doc;
	struct findings *findings;
	struct frame stack[LIMIT_DEPTH];
	size_t depth, nevents;
	bool failed, stop, has_document, has_anchor;
	bool stream;	     /* several documents are read, and aliases and merge keys taken */
	struct map *anchors; /* of this document; NULL: none yet */
	struct ynode quote;  /* the last text in quotes that spans lines; line 0: none yet */
	int quote_end_line;
};

static int bounded_int(size_t number)
{
	return number < INT32_MAX ? (int)number : INT32_MAX;
}

const char *ydoc_comment_behind(struct arena *arena, const struct ydoc *doc,
				const struct ynode *key)
{
	CLEANUP_FREE char *line = secret_line_source(doc, key->line);
	const char *at = line ? strstr(line, key->text) : NULL;

	if (!at)
		return NULL;
	at += strlen(key->text);
	at += strspn(at, "\"' ");
	if (*at != ':')
		return NULL;
	at += 1 + strspn(at + 1, " ");
	size_t len = strcspn(at, " ,]}");
	return *at == '#' && len > 1 ? arena_strndup(arena, at, len) : NULL;
}

bool ydoc_is_commented_out(const struct ydoc *doc, const struct ynode *key)
{
	for (size_t line = (size_t)key->line; line < doc->nlines; line++) {
		const char *at = doc->text + doc->lines[line];
		const size_t blanks = strspn(at, " \t");
		if (at[blanks] == '#')
			return blanks >= (size_t)key->column;
		if (!strchr("\r\n", at[blanks]))
			return false;
	}
	return false;
}

void ydoc_finding(const struct ydoc *doc, const struct ynode *node, enum finding_level level,
		  const char *code, struct findings *findings, const char *hint, const char *format,
		  ...)
{
	struct finding_place place = {
		.level = level, .code = code, .file = doc->file, .hint = hint
	};
	CLEANUP_FREE char *source = NULL;
	va_list args;

	if (node && node->bad)
		return;
	if (node) {
		place.line = node->line;
		place.column = node->column;
		place.width = node->width;
		if (findings->n < LIMIT_FINDINGS)
			place.source = source = secret_line_source(doc, node->line);
	}
	va_start(args, format);
	findings_vadd(findings, &place, format, args);
	va_end(args);
}

/* Adds a finding and goes on: the rest of the file is checked too. */
#define REFUSE(reader, node, code, hint, ...)                                                      \
	do {                                                                                       \
		ydoc_finding((reader)->doc, node, FINDING_ERROR, code, (reader)->findings, hint,   \
			     __VA_ARGS__);                                                         \
		(reader)->failed = true;                                                           \
	} while (0)
/* Adds a finding and ends the reading of this file. */
#define STOP(reader, node, code, hint, ...)                                                        \
	do {                                                                                       \
		REFUSE(reader, node, code, hint, __VA_ARGS__);                                     \
		(reader)->stop = true;                                                             \
	} while (0)

static struct ynode node_at(size_t line, size_t column)
{
	return (struct ynode){ .line = bounded_int(line),
			       .column = bounded_int(column),
			       .width = 1 };
}

/* Number of characters from the column to the last one of the line that is no blank: the width
 * of the first line of a token that spans several. */
static int width_to_end(const struct ydoc *doc, int line, int column)
{
	if (line < 1 || (size_t)line > doc->nlines)
		return 1;
	const char *at = doc->text + doc->lines[line - 1], *end = doc->text + doc->len;
	int now = 1, last = column;
	uint32_t c;

	for (; at < end && !ytext_break(at, end); now++) {
		if (now >= column && *at != ' ' && *at != '\t')
			last = now;
		at += ytext_char(at, end, &c);
	}
	return last - column + 1;
}

static struct ynode *ydoc_node_new(struct reader *reader, enum ynode_kind kind,
				   const yaml_event_t *event)
{
	struct ynode *node = arena_alloc(reader->arena, sizeof(*node));
	const yaml_mark_t *start = &event->start_mark, *end = &event->end_mark;

	*node = node_at(start->line + 1, start->column + 1);
	node->kind = kind;
	if (start->line == end->line)
		node->width =
			end->column > start->column ? bounded_int(end->column - start->column) : 1;
	else if (kind == YNODE_SCALAR && event->data.scalar.style != YAML_LITERAL_SCALAR_STYLE &&
		 event->data.scalar.style != YAML_FOLDED_SCALAR_STYLE)
		node->width = width_to_end(reader->doc, node->line, node->column);
	return node;
}

static void take_map_key(struct reader *reader, struct frame *frame, struct ynode *key)
{
	frame->key = key;
	frame->drop = true;
	if (key->bad)
		return;
	if (key->kind != YNODE_SCALAR) {
		REFUSE(reader, key, "E010", "write it as a text", "a key must be a text, not %s",
		       ynode_kind_name(key));
		return;
	}
	if (!frame->seen)
		frame->seen = map_new();
	const struct ynode *first = map_get(frame->seen, key->text);
	if (first) {
		char hint[64];
		snprintf(hint, sizeof(hint), "the first is on line %d; keep one", first->line);
		REFUSE(reader, key, "E004", hint, "\"%.200s\" is given twice, here and at %s:%d:%d",
		       key->text, reader->doc->file, first->line, first->column);
		return;
	}
	map_put(frame->seen, key->text, key);
	frame->drop = false;
	if (frame->n == 0 && frame->node->line == key->line && frame->node->column == key->column)
		frame->node->width = key->width; /* a block map has no token of its own: its place
						    is its first key */
}

static void frame_push(struct frame *frame, struct ynode *key, struct ynode *item)
{
	if (frame->n == frame->size) {
		frame->size = frame->size ? frame->size * 2 : 8;
		frame->items = xrealloc_array(frame->items, frame->size, sizeof(*frame->items));
		if (frame->node->kind == YNODE_MAP)
			frame->keys =
				xrealloc_array(frame->keys, frame->size, sizeof(*frame->keys));
	}
	if (frame->node->kind == YNODE_MAP)
		frame->keys[frame->n] = key;
	frame->items[frame->n++] = item;
}

/* Adds a finished node to the innermost open collection. */
static void node_add(struct reader *reader, struct ynode *node)
{
	if (reader->depth == 0) {
		reader->doc->root = node;
		return;
	}
	struct frame *frame = &reader->stack[reader->depth - 1];
	if (frame->node->kind == YNODE_LIST) {
		frame_push(frame, NULL, node);
	} else if (!frame->key) {
		take_map_key(reader, frame, node);
	} else {
		/* "<<: *base": the alias has its finding; "unknown key" for << would be a
		 * second one. */
		bool merge = node->bad && strcmp(frame->key->text, "<<") == 0;
		if (!frame->drop && !merge)
			frame_push(frame, frame->key, node);
		if (reader->depth == 1 && (frame->drop || node->bad))
			reader->doc->cut = true;
		frame->key = NULL;
	}
}

static void frame_fini(struct frame *frame)
{
	free(frame->keys);
	free(frame->items);
	map_free(frame->seen);
	*frame = (struct frame){ .node = NULL };
}

static struct ynode **copy_nodes(struct arena *arena, struct ynode *const *nodes, size_t n)
{
	struct ynode **copy = arena_array(arena, n, sizeof(struct ynode *));

	if (n)
		memcpy(copy, nodes, n * sizeof(struct ynode *));
	return copy;
}

/* ---- aliases and merge keys of a stream ---- */

/* Opens an anchor; an alias within its own value finds it open. */
static struct anchor *open_anchor(struct reader *reader, const yaml_char_t *name)
{
	if (!name || !reader->stream)
		return NULL;
	struct anchor *anchor = arena_alloc(reader->arena, sizeof(*anchor));
	*anchor = (struct anchor){ .node = NULL };
	if (!reader->anchors)
		reader->anchors = map_new();
	map_put(reader->anchors, (const char *)name, anchor);
	return anchor;
}

/* Adds the keys that the map has not. */
static void merge_map(struct frame *frame, const struct ynode *source)
{
	for (size_t i = 0; i < source->n; i++) {
		struct ynode *key = source->keys[i];
		if (map_get(frame->seen, key->text))
			continue;
		map_put(frame->seen, key->text, key);
		frame_push(frame, key, source->items[i]);
	}
}

/* "<<: *base", or a list of such, of which the first that has a key wins. The map's own keys win,
 * wherever they stand. */
static void merge_keys(struct reader *reader, struct frame *frame)
{
	size_t at = 0;

	while (at < frame->n && (frame->keys[at]->quoted || strcmp(frame->keys[at]->text, "<<")))
		at++;
	if (at == frame->n)
		return;
	struct ynode *value = frame->items[at], **list = value->items;
	size_t n = value->n;
	frame->n--;
	for (size_t i = at; i < frame->n; i++) {
		frame->keys[i] = frame->keys[i + 1];
		frame->items[i] = frame->items[i + 1];
	}
	if (value->kind == YNODE_MAP) {
		list = &value;
		n = 1;
	}
	for (size_t i = 0; i < n; i++) {
		if (list[i]->kind == YNODE_MAP)
			merge_map(frame, list[i]);
		else
			value = NULL;
	}
	if (!value || value->kind == YNODE_SCALAR)
		REFUSE(reader, frame->node, "E010", "give it the alias of a map",
		       "<< merges maps, and nothing else");
}

static void refuse_alias(struct reader *reader, struct ynode *node, const char *hint,
			 const char *text)
{
	REFUSE(reader, node, "E005", hint, "%s", text);
	node->text = "";
	node->bad = true;
	node_add(reader, node);
}

/* Takes the alias: all within counts as if it were written out. */
static void take_alias(struct reader *reader, struct ynode *at, const char *name)
{
	const struct anchor *anchor = reader->anchors ? map_get(reader->anchors, name) : NULL;

	if (!anchor || !anchor->node) {
		refuse_alias(reader, at, "put the anchor before its aliases",
			     anchor ? "an alias stands within its own anchor"
				    : "an alias without an anchor");
		return;
	}
	if (reader->depth + anchor->height > LIMIT_DEPTH) {
		STOP(reader, at, "E008", "write the value flat", "nested deeper than %d levels",
		     LIMIT_DEPTH);
		return;
	}
	reader->nevents += anchor->nevents;
	if (reader->depth) {
		struct frame *frame = &reader->stack[reader->depth - 1];
		if (frame->height < anchor->height)
			frame->height = anchor->height;
	}
	node_add(reader, anchor->node);
}

static void close_document(struct reader *reader)
{
	map_free(reader->anchors);
	reader->anchors = NULL;
}

/* ---- events ---- */

static void collection_start(struct reader *reader, enum ynode_kind kind, const yaml_event_t *event,
			     const yaml_char_t *anchor)
{
	struct ynode *node = ydoc_node_new(reader, kind, event);

	if (reader->depth == LIMIT_DEPTH) {
		STOP(reader, node, "E008", "write the value flat", "nested deeper than %d levels",
		     LIMIT_DEPTH);
		return;
	}
	reader->stack[reader->depth++] = (struct frame){
		.node = node,
		.anchor = open_anchor(reader, anchor),
		.begun = reader->nevents,
	};
}

static void collection_end(struct reader *reader, const yaml_event_t *event)
{
	struct frame *frame = &reader->stack[reader->depth - 1];
	struct ynode *node = frame->node;
	int end = bounded_int(event->end_mark.column + 1);

	if (reader->stream && node->kind == YNODE_MAP)
		merge_keys(reader, frame);
	node->n = frame->n;
	node->items = copy_nodes(reader->arena, frame->items, frame->n);
	if (node->kind == YNODE_MAP)
		node->keys = copy_nodes(reader->arena, frame->keys, frame->n);
	/* A flow collection, [a, b], ends with a token of its own; a block collection does not. */
	if (event->end_mark.index > event->start_mark.index &&
	    bounded_int(event->end_mark.line + 1) == node->line)
		node->width = end - node->column;
	const size_t height = frame->height + 1;
	if (frame->anchor)
		*frame->anchor =
			(struct anchor){ node, reader->nevents - frame->begun + 1, height };
	frame_fini(frame);
	reader->depth--;
	if (reader->depth && reader->stack[reader->depth - 1].height < height)
		reader->stack[reader->depth - 1].height = height;
	node_add(reader, node);
}

static void refuse_anchor(struct reader *reader, const yaml_event_t *event, const char *what)
{
	struct ynode at = node_at(event->start_mark.line + 1, event->start_mark.column + 1);

	REFUSE(reader, &at, "E005", "write the value out where it is used", "%s are not supported",
	       what);
}

static void refuse_tag(struct reader *reader, const yaml_event_t *event)
{
	struct ynode at = node_at(event->start_mark.line + 1, event->start_mark.column + 1);

	REFUSE(reader, &at, "E006", "leave the tag out; in quotes a value is always a text",
	       "tags are not supported");
}

static void on_scalar(struct reader *reader, const yaml_event_t *event)
{
	struct ynode *node = ydoc_node_new(reader, YNODE_SCALAR, event);
	struct anchor *anchor = open_anchor(reader, event->data.scalar.anchor);
	const char *value = (const char *)event->data.scalar.value;

	node->text = arena_strndup(reader->arena, value, event->data.scalar.length);
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if ((event->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE ||
	     event->data.scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE) &&
	    event->start_mark.line != event->end_mark.line) {
		reader->quote = *node;
		reader->quote_end_line = bounded_int(event->end_mark.line + 1);
	}
	if (strlen(value) != event->data.scalar.length) {
		REFUSE(reader, node, "E003", "remove it", "a text must not hold a NUL character");
		node->bad = true;
	}
	if (anchor)
		*anchor = (struct anchor){ .node = node, .nevents = 1 };
	node_add(reader, node);
}

/* A glob that begins with a star is an alias without its quotes. */
static const char *alias_hint(const struct reader *reader, const struct ynode *node)
{
	static const char hint[] = "write the value out where it is used";
	CLEANUP_FREE char *line = secret_line_source(reader->doc, node->line);
	size_t at = 0;

	if (reader->has_anchor || !line)
		return hint;
	for (int column = 1; line[at] && column < node->column; column++)
		for (at++; utf8_continues(line[at]);)
			at++;
	return arena_printf(reader->arena, "put a glob that begins with * in quotes: \"%.*s\"",
			    (int)strcspn(line + at, " ,]}"), line + at);
}

static void on_alias(struct reader *reader, const yaml_event_t *event)
{
	struct ynode *node = ydoc_node_new(reader, YNODE_SCALAR, event);

	if (reader->stream)
		take_alias(reader, node, (const char *)event->data.alias.anchor);
	else
		refuse_alias(reader, node, alias_hint(reader, node), "aliases are not supported");
}

static void document_start(struct reader *reader, const yaml_event_t *event)
{
	struct ynode at = node_at(event->start_mark.line + 1, event->start_mark.column + 1);

	at.width = 3;
	if (reader->has_document && !reader->stream)
		STOP(reader, &at, "E007", "use one file for each, or one document for all",
		     "a second document begins here; a file holds one document");
	reader->has_document = true;
}

static void ydoc_on_event(struct reader *reader, const yaml_event_t *event)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (event->type) {
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
		break;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
		return;
	case YAML_DOCUMENT_END_EVENT:
		close_document(reader);
		return;
	case YAML_DOCUMENT_START_EVENT:
		document_start(reader, event);
		return;
	case YAML_ALIAS_EVENT:
		on_alias(reader, event);
		return;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		collection_end(reader, event);
		return;
	}
	reader->has_anchor |= anchor != NULL;
	if (anchor && !reader->stream)
		refuse_anchor(reader, event, "anchors");
	if (tag)
		refuse_tag(reader, event);
	if (event->type == YAML_SCALAR_EVENT)
		on_scalar(reader, event);
	else
		collection_start(reader,
				 event->type == YAML_MAPPING_START_EVENT ? YNODE_MAP : YNODE_LIST,
				 event, anchor);
}

/*
 * An unclosed quote ends at the next quote, many lines below, or never. The text where libyaml
 * reports the error is right; the finding points at the opening quote. True: a finding was added.
 */
static bool quote_error(struct reader *reader, const yaml_parser_t *parser)
{
	static const char hint[] = "close the quote on its own line";
	struct ynode at = node_at(parser->context_mark.line + 1, parser->context_mark.column + 1);

	if (parser->context && strstr(parser->context, "quoted scalar") &&
	    strstr(parser->problem, "unexpected end of stream")) {
		at.width = width_to_end(reader->doc, at.line, at.column);
		STOP(reader, &at, "E002", hint, "the quote that opens here is never closed");
		return true;
	}
	if (!reader->quote.line ||
	    reader->quote_end_line != bounded_int(parser->problem_mark.line + 1))
		return false;
	STOP(reader, &reader->quote, "E002", hint,
	     "the quote that opens here is closed only on line %d", reader->quote_end_line);
	return true;
}

static void syntax_error(struct reader *reader, const yaml_parser_t *parser)
{
	struct ynode at = node_at(parser->problem_mark.line + 1, parser->problem_mark.column + 1);

	if (parser->error != YAML_SCANNER_ERROR && parser->error != YAML_PARSER_ERROR) {
		STOP(reader, NULL, "E002", "save the file as UTF-8, and load it again",
		     "not readable as YAML: %s",
		     parser->problem ? parser->problem : "out of memory");
		return;
	}
	if (quote_error(reader, parser))
		return;
	struct syntax_problem problem = {
		.problem = parser->problem,
		.context = parser->context,
		.line = at.line,
		.column = at.column,
		.context_line = bounded_int(parser->context_mark.line + 1),
		.context_column = bounded_int(parser->context_mark.column + 1),
		.is_end = (size_t)at.line == reader->doc->nlines && at.column == 1 &&
			  reader->doc->lines[at.line - 1] == reader->doc->len,
	};
	struct syntax_guess guess;
	if (ysyntax_guess(reader->arena, reader->doc, &problem, &guess)) {
		at = node_at((size_t)guess.line, (size_t)guess.column);
		at.width = guess.width;
		STOP(reader, &at, "E002", guess.hint, "%s", guess.text);
		return;
	}
	const char *hint = ysyntax_hint(reader->doc, &problem);
	/* Where the file ends too early, the finding points behind its last line. */
	if (at.line > 1 && problem.is_end) {
		at.line--;
		at.column = width_to_end(reader->doc, at.line, 1) + 1;
	}
	if (parser->context && parser->context_mark.line != parser->problem_mark.line)
		STOP(reader, &at, "E002", hint, "%s, %s that began on line %zu", parser->problem,
		     parser->context, parser->context_mark.line + 1);
	else
		STOP(reader, &at, "E002", hint, "%s", parser->problem);
}

static void read_events(struct reader *reader)
{
	yaml_parser_t parser;
	yaml_event_t event;
	bool end = false;

	if (!yaml_parser_initialize(&parser)) {
		STOP(reader, NULL, "E002", "free memory, and load it again",
		     "not readable as YAML: out of memory");
		return;
	}
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)reader->doc->text,
				     reader->doc->len);
	while (!end && !reader->stop) {
		if (!yaml_parser_parse(&parser, &event)) {
			syntax_error(reader, &parser);
			break;
		}
		end = event.type == YAML_STREAM_END_EVENT;
		if (reader->nevents++ >= LIMIT_YAML_EVENTS)
			STOP(reader, NULL, "E009", "divide the file into several",
			     "more than %u values in a file", LIMIT_YAML_EVENTS);
		else
			ydoc_on_event(reader, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	close_document(reader);
	while (reader->depth > reader->stream)
		frame_fini(&reader->stack[--reader->depth]);
}

/* The root of a stream: the list of its whole documents, also where a later one was refused. */
static void close_stream(struct reader *reader)
{
	struct frame *frame = &reader->stack[0];

	frame->node->n = frame->n;
	frame->node->items = copy_nodes(reader->arena, frame->items, frame->n);
	reader->doc->root = frame->node;
	frame_fini(frame);
	reader->depth = 0;
}

static void open_stream(struct reader *reader)
{
	struct ynode *node = arena_alloc(reader->arena, sizeof(*node));

	*node = node_at(1, 1);
	node->kind = YNODE_LIST;
	reader->stack[reader->depth++] = (struct frame){ .node = node };
}

static bool is_printable(uint32_t c)
{
	return c == '\t' || (c >= 0x20 && c <= 0x7e) ||
	       (c >= 0xa0 && c != 0xfffe && c != 0xffff && c <= 0x10ffff);
}

/* Finds where each line begins, and the first character that YAML does not allow. */
static void scan_text(struct reader *reader)
{
	const char *start = reader->doc->text, *at = start, *end = start + reader->doc->len,
		   *bad = NULL;
	size_t n = 1, line = 1, column = 1;
	uint32_t c, *lines;

	while (at < end) {
		size_t size = ytext_break(at, end);
		n += size > 0;
		at += size ? size : 1;
	}
	reader->doc->lines = lines = arena_array(reader->arena, n, sizeof(*lines));
	reader->doc->nlines = n;
	n = 1;
	for (at = start; at < end;) {
		size_t size = ytext_break(at, end);
		if (size) {
			lines[n++] = (uint32_t)(at + size - start);
			line += !bad;
			column = bad ? column : 1;
		} else {
			size = ytext_char(at, end, &c);
			bad = bad ? bad : is_printable(c) ? NULL : at;
			column += !bad;
		}
		at += size;
	}
	if (!bad)
		return;
	struct ynode place = node_at(line, column);
	ytext_char(bad, end, &c);
	if (c == YTEXT_BAD)
		STOP(reader, &place, "E003", "save the file as UTF-8", "not UTF-8: byte 0x%02x",
		     (unsigned int)(unsigned char)*bad);
	else
		STOP(reader, &place, "E003",
		     "remove the character; in double quotes, write it as an escape, such as "
		     "\"\\x07\"",
		     "the control character U+%04X is not allowed", (unsigned int)c);
}

static int parse_text(struct arena *arena, const char *file, const char *text, size_t len,
		      bool stream, struct ydoc *ret_doc, struct findings *findings)
{
	struct reader *reader = xcalloc(
		1, sizeof(*reader)); /* 4 KiB of frames: too much for the stack of a pool thread */

	*ret_doc = (struct ydoc){ .file = arena_strdup(arena, file) };
	reader->arena = arena;
	reader->doc = ret_doc;
	reader->findings = findings;
	reader->stream = stream;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	if (len > LIMIT_YAML_FILE_BYTES) {
		STOP(reader, NULL, "E009", "divide the file into several", "larger than %u bytes",
		     LIMIT_YAML_FILE_BYTES);
	} else {
		ret_doc->text = arena_strndup(arena, text, len);
		ret_doc->len = len;
		scan_text(reader);
	}
	if (stream)
		open_stream(reader);
	if (!reader->stop)
		read_events(reader);
	if (stream)
		close_stream(reader);
	else if (reader->stop || (ret_doc->root && ynode_is_empty(ret_doc->root)))
		ret_doc->root = NULL;
	ret_doc->cut |= reader->stop;
	int result = reader->failed ? -EINVAL : 0;
	free(reader);
	return result;
}

int ydoc_parse(struct arena *arena, const char *file, const char *text, size_t len,
	       struct ydoc *ret_doc, struct findings *findings)
{
	return parse_text(arena, file, text, len, false, ret_doc, findings);
}

int ydoc_parse_stream(struct arena *arena, const char *file, const char *text, size_t len,
		      struct ydoc *ret_doc, struct findings *findings)
{
	return parse_text(arena, file, text, len, true, ret_doc, findings);
}

/* Reads one byte more than the limit, so that ydoc_parse() sees that the file is too large. */
int ydoc_slurp(const char *path, char **ret_text, size_t *ret_len)
{
	CLEANUP_CLOSE int fd =
		open(path, O_RDONLY | O_CLOEXEC |
				   O_NONBLOCK); /* O_NONBLOCK: opening a FIFO must not block */
	struct stat status;
	size_t n = 0, size;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	size = (size_t)status.st_size < LIMIT_YAML_FILE_BYTES ? (size_t)status.st_size + 1
							      : LIMIT_YAML_FILE_BYTES + 4;
	CLEANUP_FREE char *text = xcalloc(size, 1);
	while (n < size) {
		ssize_t got = read(fd, text + n, size - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	*ret_text = text;
	*ret_len = n;
	text = NULL;
	return 0;
}

const char *ydoc_unread_hint(int code)
{
	switch (code) {
	case ENOENT:
	case ENOTDIR:
		return "check the path; upper and lower case are different";
	case EACCES:
	case EPERM:
		return "let this user read it: chmod u+r, and x on the directories above it";
	default:
		return "check that it is a file, and that its disk can be read";
	}
}

int ydoc_read(struct arena *arena, const char *path, struct ydoc *ret_doc,
	      struct findings *findings)
{
	CLEANUP_FREE char *text = NULL;
	size_t len = 0;
	int result = ydoc_slurp(path, &text, &len);

	if (result == 0)
		return ydoc_parse(arena, path, text, len, ret_doc, findings);
	*ret_doc = (struct ydoc){ .file = arena_strdup(arena, path), .cut = true };
	findings_add(findings, FINDING_ERROR, "E001", path, ydoc_unread_hint(-result),
		     "cannot be read: %s",
		     result == -EINVAL ? "not a regular file" : strerror(-result));
	return result;
}
