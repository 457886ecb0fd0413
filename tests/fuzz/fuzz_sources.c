/*
 * Replies to trace sources, for every kind that is asked by HTTP. The first byte is the first
 * letter of a kind's name, the second selects the question, the third the status; the rest is the
 * body of each reply. A talk must ask only its own server, end, and return no more ids than were
 * asked for.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/trace_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define URL "http://source:1"

static const struct signal signal_of_all = { .service = "checkout", .operation = "POST /orders" };
static struct label label = { "service", "checkout" };
static const struct labels labels = { &label, 1 };

static struct trace_query query_of(uint8_t question)
{
	struct trace_query query = { .from_us = 1,
				     .to_us = 2 * US_PER_SECOND,
				     .limit = 1 + question % 8 };

	if (question & 0x80) {
		query.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
	} else {
		query.signal = &signal_of_all;
		query.expr = "errors > 0";
		query.labels = &labels;
		query.failing = (question & 0x40) != 0;
	}
	return query;
}

static void check_ids(const struct source_talk *talk)
{
	if (talk->nids > talk->query->limit)
		abort();
	for (size_t i = 0; i < talk->nids; i++)
		if (!talk->ids[i] || !*talk->ids[i] || strlen(talk->ids[i]) > 32)
			abort();
}

/* As the fetch room does: the body goes to the decoder, or is kept as a text. */
static int decode(const struct source_talk *talk, const char *body, size_t len)
{
	struct trace_decoder *decoder;
	int error;

	if (talk->encoding == SOURCE_TEXT)
		return 0;
	decoder = trace_decoder_new(talk->encoding, NULL);
	error = trace_decoder_feed(decoder, body, len, NULL);
	trace_decoder_free(decoder);
	return error == -EBADMSG ? error : 0;
}

static void hold_talk(enum source_id kind, const struct trace_query *query, int status,
		      const char *body, size_t len)
{
	const struct source_config config = {
		.name = "source", .kind = kind, .url = URL, .region = "eu-west-1", .project = "p"
	};
	const struct http_reply reply = {
		.status = status, .body = body, .len = len, .retry_after_us = -1, .content_type = ""
	};
	struct source_talk talk = { .arena = arena_new(16u << 20),
				    .config = &config,
				    .query = query };
	enum source_step step;

	while ((step = trace_source_next(&talk)) == SOURCE_SEND) {
		if (strncmp(talk.request.url, URL "/", strlen(URL) + 1) != 0 ||
		    ++talk.step > LIMIT_SOURCE_STEPS)
			abort();
		talk.reply = &reply;
		talk.error = decode(&talk, body, len);
	}
	if (step == SOURCE_IDS)
		check_ids(&talk);
	arena_free(talk.arena);
}

static enum source_id find_kind(char letter)
{
	int kind = 0;

	while (kind < SOURCE_COUNT &&
	       (!trace_sources[kind] || trace_sources[kind]->name[0] != letter))
		kind++;
	return (enum source_id)kind;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[] = { 200, 204, 302, 400, 404, 422, 429, 500, 501 };

	if (size < 3)
		return 0;
	const struct trace_query query = query_of(data[1]);
	enum source_id kind = find_kind((char)data[0]);
	if (kind == SOURCE_COUNT ||
	    (query.trace_id && !(trace_sources[kind]->answers & SOURCE_BY_ID)))
		return 0;
	/* NUL-terminated, like the bodies of replies. */
	char *body = malloc(size - 2);
	if (!body)
		return 0;
	memcpy(body, data + 3, size - 3);
	body[size - 3] = '\0';
	hold_talk(kind, &query, statuses[data[2] % (sizeof(statuses) / sizeof(*statuses))], body,
		  size - 3);
	free(body);
	return 0;
}
