/* Decoding for tests: see decode_kit.h. */
#include "decode_kit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"

static struct trace_set *set;
static struct err err;
static struct buf text = BUF_INIT(1u << 20);

static int feed(struct trace_decoder *decoder, const char *page, size_t piece)
{
	size_t len = strlen(page);
	int error = 0;

	for (size_t at = 0; at < len && !error; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		/* Exactly this size, so that reading a byte too many is found. */
		char *copy = malloc(n);
		memcpy(copy, page + at, n);
		error = trace_decoder_feed(decoder, copy, n, &err);
		free(copy);
	}
	return error;
}

static int run(enum trace_encoding encoding, const char *const *pages, size_t piece)
{
	static const char *const names[] = { "team" };
	const struct trace_options options = { .extra_names = names, .nextra_names = 1 };
	struct trace_decoder *decoder = trace_decoder_new(encoding, &options);
	int error = 0;

	trace_set_free(set);
	set = NULL;
	memset(&err, 0, sizeof(err));
	for (; *pages && !error; pages++) {
		error = feed(decoder, *pages, piece ? piece : strlen(*pages));
		if (!error && pages[1])
			error = trace_decoder_page(decoder, &err);
	}
	if (!error)
		error = trace_decoder_finish(decoder, &set, &err);
	trace_decoder_free(decoder);
	return error;
}

static const char *status_name(const struct span *span)
{
	static const char *const names[] = { "unset", "ok", "ERROR" };

	return names[span->status];
}

static void write_span(struct buf *out, const struct trace *trace, const struct span *span)
{
	const char *parent = trace_text(trace, span->parent_id);
	bool missing = span->parent == TRACE_NONE && *parent;

	buf_printf(out, "%s %s%s%s %s %s %" PRId64 "+%" PRId64 " %s %s: %s\n",
		   trace_text(trace, span->id), missing ? "[" : "", *parent ? parent : "-",
		   missing ? "]" : "", span_service(trace, span),
		   span_kind_name((enum span_kind)span->kind), span->start_us, span->duration_us,
		   status_name(span), trace_text(trace, span->name),
		   trace_text(trace, span->message));
}

static char *write_all(void)
{
	struct buf out = BUF_INIT(1u << 20);

	if (!set)
		buf_printf(&out, "%s", err.text);
	for (uint32_t i = 0; set && i < set->ntraces; i++) {
		const struct trace *trace = &set->traces[i];
		buf_printf(&out, "%s%s\n", trace_text(trace, trace->id),
			   trace->partial ? " partial" : "");
		for (uint32_t k = 0; k < trace->nspans; k++)
			write_span(&out, trace, &trace->spans[k]);
	}
	return buf_take(&out);
}

int decode_pages(enum trace_encoding encoding, const char *const *pages)
{
	int in_pieces = run(encoding, pages, 1);
	char *pieces = write_all();
	int error = run(encoding, pages, 0);
	char *whole = write_all();

	ck_assert_int_eq(error, in_pieces);
	ck_assert_str_eq(whole, pieces);
	buf_fini(&text);
	buf_puts(&text, whole);
	free(whole);
	free(pieces);
	return error;
}

int decode(enum trace_encoding encoding, const char *document)
{
	const char *const pages[] = { document, NULL };

	return decode_pages(encoding, pages);
}

void decode_teardown(void)
{
	trace_set_free(set);
	set = NULL;
	buf_fini(&text);
}

const char *decoded(void)
{
	return buf_text(&text);
}

static const struct span *find(const char *id, const struct trace **ret_trace)
{
	for (uint32_t i = 0; set && i < set->ntraces; i++)
		for (uint32_t k = 0; k < set->traces[i].nspans; k++) {
			const struct span *span = &set->traces[i].spans[k];
			*ret_trace = &set->traces[i];
			if (strcmp(trace_text(*ret_trace, span->id), id) == 0)
				return span;
		}
	ck_abort_msg("no span %s", id);
	return NULL;
}

const char *decoded_attr(const char *id, unsigned int key)
{
	const struct trace *trace;
	const struct span *span = find(id, &trace);
	const char *value = span_attr(trace, span, key);

	return value ? value : "";
}

const char *decoded_resource(const char *id, const char *name)
{
	const struct trace *trace;
	const struct span *span = find(id, &trace);
	const char *value = resource_attr(trace, span_resource(trace, span), name);

	return value ? value : "";
}
