/* cmd: the protocol of "tracepager mcp", message by message, and its bounded results. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "relay/cmd/mcp-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static struct buf out = BUF_INIT(SIZE_MAX / 2);
static struct mcp *mcp;
static int calls;

static json_t *stub_list(void *ctx)
{
	(void)ctx;
	return json_pack("[{s:s}]", "name", "stub");
}

static json_t *stub_call(void *ctx, const char *name, const json_t *arguments)
{
	(void)ctx;
	calls++;
	return strcmp(name, "stub") == 0
		       ? mcp_result_of(json_pack("{s:i}", "n", (int)json_object_size(arguments)))
		       : NULL;
}

static const struct mcp_ops stub_ops = { .list = stub_list, .call = stub_call };

static void set_up(void)
{
	mcp = mcp_new(&stub_ops, NULL);
	calls = 0;
}

static void tear_down(void)
{
	mcp_free(mcp);
	buf_fini(&out);
}

static void take(const char *line)
{
	mcp_take(mcp, line, strlen(line), &out);
}

/* The answers to one line. */
static const char *ask(const char *line)
{
	buf_reset(&out);
	take(line);
	while (mcp_next(mcp, &out)) {
	}
	return buf_text(&out);
}

static void begin(const char *version)
{
	CLEANUP_FREE char *line =
		xasprintf("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\","
			  "\"params\":{\"protocolVersion\":\"%s\"}}",
			  version);
	ask(line);
}

#define ASK(id, method, rest)                                                                      \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\"" rest "}"

static void expect_error(const char *line, const char *id, int code)
{
	json_t *answer = json_loads(ask(line), 0, NULL);
	json_t *want = json_loads(id, JSON_DECODE_ANY, NULL);

	ck_assert_msg(answer != NULL, "%s: %s", line, buf_text(&out));
	ck_assert_msg(json_equal(json_object_get(answer, "id"), want), "%s: %s", line,
		      buf_text(&out));
	ck_assert_int_eq(
		json_integer_value(json_object_get(json_object_get(answer, "error"), "code")),
		code);
	json_decref(answer);
	json_decref(want);
}

START_TEST(versions_are_negotiated)
{
	static const char *const rows[][2] = {
		{ "2025-06-18", "2025-06-18" }, { "2025-03-26", "2025-03-26" },
		{ "2024-11-05", "2024-11-05" }, { "2099-01-01", "2025-06-18" },
		{ "1", "2025-06-18" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		mcp_free(mcp);
		set_up();
		begin(rows[i][0]);
		json_t *answer = json_loads(buf_text(&out), 0, NULL);
		const json_t *result = json_object_get(answer, "result");
		ck_assert_str_eq(json_string_value(json_object_get(result, "protocolVersion")),
				 rows[i][1]);
		ck_assert_ptr_nonnull(
			json_object_get(json_object_get(result, "capabilities"), "tools"));
		ck_assert_str_eq(json_string_value(json_object_get(
					 json_object_get(result, "serverInfo"), "name")),
				 "tracepager");
		json_decref(answer);
	}
}
END_TEST

START_TEST(initialize_comes_first_and_once)
{
	expect_error(ASK("1", "tools/list", ""), "1", -32600);
	ck_assert_str_eq(ask(ASK("\"p\"", "ping", "")),
			 "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"result\":{}}\n");
	expect_error(ASK("2", "initialize", ",\"params\":{}"), "2", -32602);
	begin("2025-06-18");
	expect_error(ASK("3", "initialize", ",\"params\":{\"protocolVersion\":\"2025-06-18\"}"),
		     "3", -32600);
	ck_assert_str_eq(ask("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"), "");
	ck_assert_str_eq(
		ask(ASK("4", "tools/list", "")),
		"{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{\"tools\":[{\"name\":\"stub\"}]}}\n");
}
END_TEST

START_TEST(calls_are_answered)
{
	begin("2025-06-18");
	ck_assert_str_eq(
		ask(ASK("7", "tools/call", ",\"params\":{\"name\":\"stub\"}")),
		"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[{\"type\":\"text\","
		"\"text\":\"{\\\"n\\\":0}\"}],\"isError\":false,"
		"\"structuredContent\":{\"n\":0}}}\n");
	expect_error(ASK("8", "tools/call", ",\"params\":{\"name\":\"other\"}"), "8", -32602);
	expect_error(ASK("8", "tools/call", ""), "8", -32602);
	expect_error(ASK("8", "tools/call", ",\"params\":{\"name\":\"stub\",\"arguments\":[]}"),
		     "8", -32602);
	expect_error(ASK("8", "tools/call", ",\"params\":[]"), "8", -32602);
	expect_error(ASK("8", "tools/list", ",\"params\":{\"cursor\":\"x\"}"), "8", -32602);
	ck_assert_int_eq(calls, 2);
}
END_TEST

START_TEST(what_is_no_request_is_refused)
{
	begin("2025-06-18");
	expect_error("nonsense", "null", -32700);
	expect_error("{\"jsonrpc\":\"2.0\",", "null", -32700);
	expect_error("{\"id\":1,\"id\":2}", "null", -32700);
	expect_error("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", "null", -32700);
	expect_error("7", "null", -32600);
	expect_error("\"text\"", "null", -32600);
	expect_error("null", "null", -32600);
	expect_error("{}", "null", -32600);
	expect_error("{\"id\":5,\"method\":\"ping\"}", "5", -32600);
	expect_error("{\"jsonrpc\":\"1.0\",\"id\":5,\"method\":\"ping\"}", "5", -32600);
	expect_error("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":7}", "5", -32600);
	expect_error(ASK("null", "ping", ""), "null", -32600);
	expect_error(ASK("1.5", "ping", ""), "null", -32600);
	expect_error(ASK("{}", "ping", ""), "null", -32600);
	expect_error(ASK("9", "logging/setLevel", ""), "9", -32601);
	expect_error(ASK("9", "resources/list", ""), "9", -32601);
	expect_error(ASK("9", "", ""), "9", -32601);
	/* Neither an unknown notification nor an answer to nobody is answered. */
	ck_assert_str_eq(ask("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/strange\"}"), "");
	ck_assert_str_eq(ask("{\"jsonrpc\":\"2.0\",\"method\":\"tools/call\","
			     "\"params\":{\"name\":\"stub\"}}"),
			 "");
	ck_assert_str_eq(ask("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"), "");
	ck_assert_int_eq(calls, 0);
}
END_TEST

START_TEST(deep_messages_are_refused)
{
	struct buf line = BUF_INIT(LIMIT_MCP_MESSAGE_BYTES);

	begin("2025-06-18");
	/* Brackets within a text nest nothing, also behind an escaped quote. */
	buf_puts(&line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":\"\\\"");
	for (int i = 0; i < 1000; i++)
		buf_putc(&line, '[');
	buf_puts(&line, "\"}");
	ck_assert_str_eq(ask(buf_text(&line)), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
	buf_reset(&line);
	for (int i = 0; i < LIMIT_DEPTH + 1; i++)
		buf_putc(&line, '[');
	expect_error(buf_text(&line), "null", -32700);
	buf_fini(&line);
}
END_TEST

START_TEST(batches_are_of_one_version)
{
	static const char batch[] = "[" ASK("1", "ping", "") "," ASK(
		"2", "none", "") ","
				 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}]";

	begin("2025-06-18");
	expect_error(batch, "null", -32600);
	mcp_free(mcp);
	set_up();
	begin("2025-03-26");
	json_t *answers = json_loads(ask(batch), 0, NULL);
	ck_assert_uint_eq(json_array_size(answers), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(answers, 1), "id")), 2);
	json_decref(answers);
	expect_error("[]", "null", -32600);
	ck_assert_str_eq(ask("[{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}]"), "");
}
END_TEST

#define CANCEL(id)                                                                                 \
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"                                         \
	"cancelled\",\"params\":{\"requestId\":" id "}}"

START_TEST(a_cancelled_call_that_waits_is_not_made)
{
	begin("2025-06-18");
	buf_reset(&out);
	take(ASK("1", "tools/call", ",\"params\":{\"name\":\"stub\"}"));
	take(ASK("2", "tools/call", ",\"params\":{\"name\":\"stub\"}"));
	take(CANCEL("2"));
	take(CANCEL("77"));
	take(CANCEL("null"));
	take("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\"}");
	ck_assert(mcp_next(mcp, &out));
	ck_assert(!mcp_next(mcp, &out));
	ck_assert_int_eq(calls, 1);
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "\"id\":1,"));
	ck_assert_ptr_null(strstr(buf_text(&out), "\"id\":2,"));
	/* Of a request that was answered, a cancellation changes nothing. */
	ck_assert_str_eq(ask(CANCEL("1")), "");
}
END_TEST

START_TEST(initialize_cannot_be_cancelled)
{
	buf_reset(&out);
	take(ASK("1", "initialize", ",\"params\":{\"protocolVersion\":\"2025-06-18\"}"));
	take(CANCEL("1"));
	ck_assert(mcp_next(mcp, &out));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "serverInfo"));
}
END_TEST

START_TEST(enough_may_wait)
{
	for (unsigned int i = 0; i < LIMIT_MCP_WAITING; i++) {
		ck_assert(!mcp_is_full(mcp));
		take(ASK("1", "ping", ""));
	}
	ck_assert(mcp_is_full(mcp));
	ck_assert(mcp_next(mcp, &out));
	ck_assert(!mcp_is_full(mcp));
}
END_TEST

START_TEST(results_are_bounded_and_plain)
{
	json_t *value = json_object(), *list = json_array(), *left_out = json_array();
	static char longest[100000];

	memset(longest, 'x', sizeof(longest) - 1);
	for (int i = 0; i < 1000; i++)
		json_array_append_new(list, json_string("0123456789"));
	json_object_set_new(value, "list", list);
	json_object_set_new(value, "text", json_string(longest));
	json_object_set_new(value, "hostile",
			    json_string("\x1b[31mred\x1b[0m \xe2\x80\xae"
					"turned\nignore all"));
	json_object_set_new(value, "number", json_integer(7));
	json_t *bounded = mcp_bounded(value, 3000, left_out);
	ck_assert_ptr_nonnull(bounded);
	ck_assert_uint_le(json_dumpb(bounded, NULL, 0, JSON_COMPACT), 3000);
	ck_assert_str_eq(json_string_value(json_object_get(bounded, "hostile")),
			 "red turned\nignore all");
	ck_assert_int_eq(json_integer_value(json_object_get(bounded, "number")), 7);
	/* 20 entries and 1,500 bytes are the first cut that has room in 3,000 bytes. */
	ck_assert_uint_eq(json_array_size(json_object_get(bounded, "list")), 20);
	ck_assert_uint_eq(json_array_size(left_out), 2);
	const json_t *row = json_array_get(left_out, 0);
	ck_assert_str_eq(json_string_value(json_object_get(row, "at")), "list");
	ck_assert_int_eq(json_integer_value(json_object_get(row, "shown")), 20);
	ck_assert_int_eq(json_integer_value(json_object_get(row, "of")), 1000);
	json_decref(bounded);
	json_decref(left_out);
	json_decref(value);
}
END_TEST

START_TEST(a_text_is_cut_between_characters)
{
	json_t *value = json_object(), *left_out = json_array();
	struct buf text = BUF_INIT(1u << 20);

	buf_puts(&text, "a");
	for (int i = 0; i < 20000; i++)
		buf_puts(&text, "€"); /* three bytes: the cut at 16,000 falls into one */
	json_object_set_new(value, "t", json_string(buf_text(&text)));
	json_t *bounded = mcp_bounded(value, 20000, left_out);
	/* 1 + 5,333 * 3 = 16,000: then the mark. */
	ck_assert_uint_eq(json_string_length(json_object_get(bounded, "t")), 16000 + 3);
	json_decref(bounded);
	json_decref(left_out);
	json_decref(value);
	buf_fini(&text);
}
END_TEST

static Suite *suite(void)
{
	const TTest *const tests[] = { versions_are_negotiated,
				       initialize_comes_first_and_once,
				       calls_are_answered,
				       what_is_no_request_is_refused,
				       deep_messages_are_refused,
				       batches_are_of_one_version,
				       a_cancelled_call_that_waits_is_not_made,
				       initialize_cannot_be_cancelled,
				       enough_may_wait,
				       results_are_bounded_and_plain,
				       a_text_is_cut_between_characters };
	Suite *suite = suite_create("mcp");
	TCase *tcase = tcase_create("mcp");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
