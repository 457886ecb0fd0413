/*
 * Talks without a network: see source_kit.h.
 */
#include "source_kit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "decode_kit.h"

struct source_config config;
struct source_talk talk;
const struct signal checkout = { .service = "checkout",
				 .operation = "POST /orders",
				 .from = "label" };

static struct arena *arena;

void kit_setup(enum source_id kind, const char *url)
{
	arena = arena_new(1 << 20);
	config = (struct source_config){ .name = "source",
					 .kind = kind,
					 .url = url,
					 .region = "eu-west-1",
					 .project = "shop-prod",
					 .timeout_us = 3000000 };
}

void kit_teardown(void)
{
	arena_free(arena);
	decode_teardown();
}

struct trace_query search_for(const struct signal *signal, bool failing)
{
	return (struct trace_query){ .signal = signal,
				     .from_us = 1788256200250000,
				     .to_us = 1788256800000000,
				     .limit = 10,
				     .failing = failing };
}

enum source_step ask(const struct trace_query *query)
{
	talk = (struct source_talk){ .arena = arena, .config = &config, .query = query };
	return trace_source_next(&talk);
}

enum source_step answer(int status, const char *body, const char *content_type)
{
	const struct http_reply reply = {
		.status = status,
		.body = body ? body : "",
		.len = body ? strlen(body) : 0,
		.retry_after_us = -1,
		.content_type = content_type,
	};

	talk.step++;
	talk.reply = &reply;
	bool decoded = talk.encoding != SOURCE_TEXT && body;
	talk.error = !decoded			    ? 0
		     : *body == '<' || *body == '!' ? -EBADMSG
		     : strcmp(body, TOO_MUCH) == 0  ? -E2BIG
						    : 0;
	talk.no_spans = decoded && strstr(body, "[]");
	talk.text = NULL;
	return trace_source_next(&talk);
}

void check_search_reply(const struct search_reply *reply)
{
	const struct trace_query query = search_for(&checkout, true);

	ask(&query);
	ck_assert_int_eq(answer(reply->status, reply->body, ""), reply->step);
}

void check_pattern_is_refused(void)
{
	const struct signal signal = { .service = "check*" };
	const struct trace_query query = search_for(&signal, true);

	ck_assert_int_eq(ask(&query), SOURCE_REFUSED);
}

const char *header(const char *name)
{
	for (size_t i = 0; i < talk.request.nheaders; i++)
		if (strcmp(talk.request.headers[i].name, name) == 0)
			return talk.request.headers[i].value;
	return NULL;
}

int run_case(TCase *tcase, const char *name)
{
	Suite *suite = suite_create(name);

	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
