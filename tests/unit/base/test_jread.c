/*
 * The JSON reader. It is fed every document whole and in pieces of 1, 2, 3 and 7 bytes; events,
 * error and place must be the same. Expected events and places are worked out by hand from RFC 8259
 * and jread.h.
 *
 * Events are written as { } [ ], as K S N for key, string and number, each followed by <its text>,
 * and as T F 0 for true, false and null.
 */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/jread.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

struct recorder {
	struct buf events;
	struct jread *jread;
	int max_depth;
};

static const size_t steps[] = { SIZE_MAX, 1, 2, 3, 7 };

/* The handler: a key "skip" skips its value; a key or string "rest" skips the rest of the
 * container; "stop" stops; "die" stops with a text. */
static int record(void *ctx, enum jread_event event, const char *text, size_t len)
{
	static const char marks[] = "{}[]KSNTF0";
	struct recorder *recorder = ctx;

	buf_putc(&recorder->events, marks[event]);
	if (event == JREAD_KEY || event == JREAD_STRING || event == JREAD_NUMBER)
		buf_printf(&recorder->events, "<%.*s>", (int)len, text);
	if (jread_depth(recorder->jread) > recorder->max_depth)
		recorder->max_depth = jread_depth(recorder->jread);
	if (event != JREAD_KEY && event != JREAD_STRING)
		return JREAD_GO;
	if (jread_is(text, len, "skip"))
		return JREAD_SKIP;
	if (jread_is(text, len, "rest"))
		return JREAD_SKIP_REST;
	if (jread_is(text, len, "stop"))
		return -ECANCELED;
	if (jread_is(text, len, "die"))
		return err_set(jread_err(recorder->jread), EBADMSG, "told to");
	return JREAD_GO;
}

static int feed_all(struct jread *jread, const char *text, size_t len, size_t step)
{
	for (size_t at = 0; at < len;) {
		size_t n = len - at < step ? len - at : step;
		/* A block of exactly this size, so that AddressSanitizer sees an overrun. */
		char *piece = xcalloc(1, n);
		int rc;

		memcpy(piece, text + at, n);
		rc = jread_feed(jread, piece, n);
		free(piece);
		if (rc != 0) {
			/* further calls give the same error */
			ck_assert_int_eq(jread_feed(jread, " ", 1), rc);
			return rc;
		}
		at += n;
	}
	return jread_finish(jread);
}

static int run(struct recorder *recorder, enum jread_mode mode, const char *text, size_t len,
	       size_t step)
{
	*recorder = (struct recorder){ .events = BUF_INIT(64u << 20) };
	recorder->jread = jread_new(mode, record, recorder);
	return feed_all(recorder->jread, text, len, step);
}

static void end(struct recorder *recorder)
{
	jread_free(recorder->jread);
	buf_fini(&recorder->events);
}

static void check_good(enum jread_mode mode, const char *text, size_t len, const char *events)
{
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct recorder recorder;
		int rc = run(&recorder, mode, text, len, steps[i]);

		ck_assert_msg(rc == 0, "%s by %zu: %s at %d:%d", text, steps[i],
			      jread_err(recorder.jread)->text, jread_err(recorder.jread)->line,
			      jread_err(recorder.jread)->column);
		ck_assert_str_eq(buf_text(&recorder.events), events);
		ck_assert_int_eq(jread_depth(recorder.jread), 0);
		end(&recorder);
	}
}

static void check_bad(enum jread_mode mode, const char *text, size_t len, int code, int line,
		      int column, const char *words)
{
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct recorder recorder;
		int rc = run(&recorder, mode, text, len, steps[i]);
		const struct err *err = jread_err(recorder.jread);

		ck_assert_msg(rc == -code, "%s by %zu: %d, %s", text, steps[i], rc, err->text);
		ck_assert_msg(err->line == line && err->column == column, "%s by %zu: %d:%d %s",
			      text, steps[i], err->line, err->column, err->text);
		ck_assert_msg(strstr(err->text, words) != NULL, "%s by %zu: %s", text, steps[i],
			      err->text);
		end(&recorder);
	}
}

static const struct {
	const char *text, *events;
} good[] = {
	{ "null", "0" },
	{ "true", "T" },
	{ "false", "F" },
	{ "0", "N<0>" },
	{ "-0", "N<-0>" },
	{ "12345678901234567890123", "N<12345678901234567890123>" },
	{ "-1.50e+07", "N<-1.50e+07>" },
	{ "1E400", "N<1E400>" },
	{ "[0.1,1e1,1E-2]", "[N<0.1>N<1e1>N<1E-2>]" },
	{ " \t\r\n[ ] ", "[]" },
	{ "{}", "{}" },
	{ "{\"\":\"\"}", "{K<>S<>}" },
	{ "{ \"a\" : [ 1 , { \"b\" : null } ] , \"a\" : true }", "{K<a>[N<1>{K<b>0}]K<a>T}" },
	{ "[[[]],[{}],[]]", "[[[]][{}][]]" },
	{ "\"plain text of more than thirty-two bytes, to cross words\"",
	  "S<plain text of more than thirty-two bytes, to cross words>" },
	{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "S<\"\\/\b\f\n\r\t>" },
	{ "\"\\u0041\\u00e9\\u20AC\\uD83D\\uDE00\"", "S<A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80>" },
	{ "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4"
	  "\x8f\xbf\xbf\"",
	  "S<"
	  "\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f"
	  "\xbf\xbf>" },
	{ "\"a DEL \x7f is text\"", "S<a DEL \x7f is text>" },
	{ "{\"k\\u0065y\":\"\xc3\xa9\"}", "{K<key>S<\xc3\xa9>}" },
	/* skipped: the value of a key, the rest of a container */
	{ "{\"skip\":1,\"a\":2}", "{K<skip>K<a>N<2>}" },
	{ "{\"skip\":\"\\n\",\"a\":[3]}", "{K<skip>K<a>[N<3>]}" },
	{ "{\"skip\":true,\"skip\":null,\"a\":2}", "{K<skip>K<skip>K<a>N<2>}" },
	{ "{\"skip\":{\"b\":[{},[1,\"stop\"]]},\"a\":2}", "{K<skip>K<a>N<2>}" },
	{ "{\"skip\":[[\"x\"],{\"y\":[]}]}", "{K<skip>}" },
	{ "[\"rest\",1,{\"a\":[2]},3]", "[S<rest>]" },
	{ "[[\"rest\",[1]],4]", "[[S<rest>]N<4>]" },
	{ "[{\"rest\":{\"a\":1},\"b\":2},{\"c\":3}]", "[{K<rest>}{K<c>N<3>}]" },
	{ "[\"rest\"]", "[S<rest>]" },
	{ "[[\"r\\u0065st\",1],5]", "[[S<rest>]N<5>]" },
	{ "\"rest\"", "S<rest>" },
};

START_TEST(test_good)
{
	check_good(JREAD_ONE, good[_i].text, strlen(good[_i].text), good[_i].events);
}
END_TEST

static const struct {
	const char *text;
	int column;
	const char *words;
} bad[] = {
	{ "", 1, "empty" },
	{ "  ", 3, "empty" },
	{ "\xef\xbb\xbf{}", 1, "byte order mark" },
	{ "nul", 4, "ends inside a word" },
	{ "nulx", 4, "'x' where null belongs" },
	{ "True", 1, "'T' where a value belongs" },
	{ "truely", 5, "'l' where the end of the document belongs" },
	{ "1 2", 3, "'2' where the end of the document belongs" },
	{ "{} x", 4, "'x' where the end of the document belongs" },
	{ "[1", 3, "ends inside a number" },
	{ "[1 ", 4, "ends inside an array" },
	{ "{\"a\":{}", 8, "ends inside an object" },
	{ "[1,]", 4, "']' where a value belongs" },
	{ "[,1]", 2, "',' where a value belongs" },
	{ "[1 2]", 4, "'2' where ',' or ']' belongs" },
	{ "[1}", 3, "'}' where ',' or ']' belongs" },
	{ "{\"a\":1]", 7, "']' where ',' or '}' belongs" },
	{ "{\"a\":1,}", 8, "'}' where a key in double quotes belongs" },
	{ "{a:1}", 2, "'a' where a key in double quotes or '}' belongs" },
	{ "{\"a\" 1}", 6, "'1' where ':' belongs" },
	{ "{\"a\":}", 6, "'}' where a value belongs" },
	{ "{'a':1}", 2, "where a key" },
	{ "]", 1, "']' where a value belongs" },
	{ "[1]]", 4, "the end of the document" },
	/* numbers */
	{ "[01]", 3, "leading zero" },
	{ "[-01]", 4, "leading zero" },
	{ "[-]", 3, "ends where a digit belongs" },
	{ "[1.]", 4, "ends where a digit belongs" },
	{ "[.5]", 2, "'.' where a value belongs" },
	{ "[+1]", 2, "'+' where a value belongs" },
	{ "[1.e1]", 4, "'e' where a digit" },
	{ "[1e]", 4, "ends where a digit belongs" },
	{ "[1e+]", 5, "ends where a digit belongs" },
	{ "[1e1.5]", 5, "'.' where a digit or the number's end" },
	{ "[--1]", 3, "'-' where a digit" },
	{ "[0x10]", 3, "'x' where ',' or ']' belongs" },
	{ "[NaN]", 2, "'N' where a value belongs" },
	{ "1.", 3, "ends where a digit belongs" },
	{ "[12345678901234567890.]", 23, "ends where a digit belongs" },
	/* strings */
	{ "\"abc", 5, "ends inside a string" },
	{ "\"abc\\", 6, "ends inside a string" },
	{ "\"a\tb\"", 3, "byte 0x09 in a string" },
	{ "\"a\x1f\"", 3, "byte 0x1f in a string" },
	{ "\"a\\x\"", 4, "'x' where an escape" },
	{ "\"\\u12g4\"", 6, "'g' where a hexadecimal digit belongs" },
	{ "\"\\ud800\"", 8, "high surrogate" },
	{ "\"\\ud800\\n\"", 9, "high surrogate" },
	{ "\"\\ud800\\u0041\"", 13, "high surrogate" },
	{ "\"\\udc00\"", 7, "low surrogate" },
	{ "\"\x80\"", 2, "not UTF-8" },
	{ "\"\xc0\xaf\"", 2, "not UTF-8" },	/* overlong / */
	{ "\"\xc1\xbf\"", 2, "not UTF-8" },	/* overlong DEL */
	{ "\"\xe0\x9f\xbf\"", 3, "UTF-8" },	/* overlong U+07FF */
	{ "\"\xed\xa0\x80\"", 3, "UTF-8" },	/* U+D800 */
	{ "\"\xf0\x8f\xbf\xbf\"", 3, "UTF-8" }, /* overlong U+FFFF */
	{ "\"\xf4\x90\x80\x80\"", 3, "UTF-8" }, /* U+110000 */
	{ "\"\xf5\x80\x80\x80\"", 2, "not UTF-8" },
	{ "\"\xe2\x82\"", 4, "UTF-8" },
	{ "\"0123456789abcdef\xe2\x82 0123456789abcdef\"", 20, "UTF-8" },
	/* the handler's */
	{ "[1,\"die\"]", 4, "told to" },
	{ "{\"a\":1,\"d\\u0069e\":2}", 8, "told to" },
	/* skipping is as strict */
	{ "{\"skip\":[1,]}", 12, "']' where a value belongs" },
	{ "{\"skip\":01}", 10, "leading zero" },
	{ "{\"skip\":\"\\ud800\"}", 16, "high surrogate" },
	{ "[\"rest\",{\"a\" 1}]", 14, "'1' where ':' belongs" },
	{ "[\"rest\",1 ", 11, "ends inside an array" },
};

START_TEST(test_bad)
{
	check_bad(JREAD_ONE, bad[_i].text, strlen(bad[_i].text), EBADMSG, 1, bad[_i].column,
		  bad[_i].words);
}
END_TEST

/* What a reader that repairs makes of bad characters, and how many it counts (Unicode 15, section
 * 3.9: one U+FFFD for each longest part of a sequence). */
#define FFFD "\xef\xbf\xbd"
static const struct {
	const char *text, *events;
	unsigned int repaired;
} mended[] = {
	{ "\"a\\ud83d\"", "S<a" FFFD ">", 1 },
	{ "\"\\ud83d\\n\"", "S<" FFFD "\n>", 1 },
	{ "\"\\ud83d\\u0041\"", "S<" FFFD "A>", 1 },
	{ "\"\\ud83d\\ud83d\\ude00\"", "S<" FFFD "\xf0\x9f\x98\x80>", 1 },
	{ "\"\\ud83d\\ud83d\"", "S<" FFFD FFFD ">", 2 },
	{ "\"\\ud83d\xc3\xbc\"", "S<" FFFD "\xc3\xbc>", 1 },
	{ "\"\\ude00x\"", "S<" FFFD "x>", 1 },
	{ "\"a\xff"
	  "b\"",
	  "S<a" FFFD "b>", 1 },
	{ "\"\xe2\x82\"", "S<" FFFD ">", 1 }, /* two thirds of a euro sign */
	{ "\"\xe2\x82x\"", "S<" FFFD "x>", 1 },
	{ "\"\xe2\xe2\x82\xac\"", "S<" FFFD "\xe2\x82\xac>", 1 },
	{ "\"\xed\xa0\x80\"", "S<" FFFD FFFD FFFD ">", 3 }, /* U+D800 */
	{ "\"\xf0\x9f\x98\\n\"", "S<" FFFD "\n>", 1 },
	{ "{\"k\xff\":\"\xff\",\"skip\":\"\xff\\udc00\"}", "{K<k" FFFD ">S<" FFFD ">K<skip>}", 4 },
};

START_TEST(test_mended)
{
	const char *text = mended[_i].text;

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct recorder recorder = { .events = BUF_INIT(1u << 20) };

		recorder.jread = jread_new(JREAD_ONE, record, &recorder);
		jread_repair(recorder.jread);
		ck_assert_msg(feed_all(recorder.jread, text, strlen(text), steps[i]) == 0,
			      "%s by %zu: %s", text, steps[i], jread_err(recorder.jread)->text);
		ck_assert_str_eq(buf_text(&recorder.events), mended[_i].events);
		ck_assert_uint_eq(jread_repaired(recorder.jread), mended[_i].repaired);
		end(&recorder);
	}
}
END_TEST

/* The rest of the grammar is as strict as without repairs. */
START_TEST(test_mended_is_strict)
{
	static const char *const texts[] = { "\"\xff",	       "\"\\ud83d",  "\"\\ud83d\\",
					     "\"\\ud83d\\x\"", "\"\xff\n\"", "[\xff]",
					     "\"a\tb\"" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct recorder recorder = { .events = BUF_INIT(1u << 20) };

		recorder.jread = jread_new(JREAD_ONE, record, &recorder);
		jread_repair(recorder.jread);
		ck_assert_int_eq(feed_all(recorder.jread, texts[i], strlen(texts[i]), 1), -EBADMSG);
		end(&recorder);
	}
}
END_TEST

START_TEST(test_handler_stops)
{
	check_bad(JREAD_ONE, "[1,\n \"stop\"]", 12, ECANCELED, 2, 2, "refused");
}
END_TEST

START_TEST(test_lines)
{
	/* a lone carriage return is no line; the newline in the text of line 3 is escaped */
	check_bad(JREAD_ONE, "{\r\n\t\"a\": 1,\r\n        \"b\\n\": x}", 30, EBADMSG, 3, 16,
		  "'x' where a value");
	check_bad(JREAD_ONE, "[\n\n\n", 4, EBADMSG, 4, 1, "ends inside an array");
	check_bad(JREAD_ONE, "{\"skip\":[\n1,\n2\n?]}", 18, EBADMSG, 4, 1, "'?' where ',' or ']'");
}
END_TEST

START_TEST(test_nul_bytes)
{
	struct recorder recorder;

	/* escaped, a NUL is text; bare, it is no JSON */
	ck_assert_int_eq(run(&recorder, JREAD_ONE, "\"a\\u0000b\"", 10, SIZE_MAX), 0);
	ck_assert_str_eq(buf_text(&recorder.events),
			 "S<a>"); /* as printf shows it; the length is tested below */
	end(&recorder);
	check_bad(JREAD_ONE, "\"a\0b\"", 5, EBADMSG, 1, 3, "byte 0x00 in a string");
	check_bad(JREAD_ONE, "[\0]", 3, EBADMSG, 1, 2, "byte 0x00 where a value belongs");
}
END_TEST

static int measure(void *ctx, enum jread_event event, const char *text, size_t len)
{
	size_t *lens = ctx;

	if (event == JREAD_STRING) {
		*lens = len;
		ck_assert_mem_eq(text, "a\0b", 3);
	}
	return JREAD_GO;
}

START_TEST(test_nul_length)
{
	size_t len = 0;
	struct jread *jread = jread_new(JREAD_ONE, measure, &len);

	ck_assert_int_eq(feed_all(jread, "\"a\\u0000b\"", 10, 1), 0);
	ck_assert_uint_eq(len, 3);
	jread_free(jread);
}
END_TEST

/* n opening brackets, an element, n closing ones. */
static char *nested(int n, const char *element)
{
	struct buf buf = BUF_INIT(1u << 20);

	for (int i = 0; i < n; i++)
		buf_putc(&buf, '[');
	buf_puts(&buf, element);
	for (int i = 0; i < n; i++)
		buf_putc(&buf, ']');
	return buf_take(&buf);
}

START_TEST(test_depth)
{
	struct recorder recorder;
	char *text = nested(LIMIT_DEPTH, "1");

	ck_assert_int_eq(run(&recorder, JREAD_ONE, text, strlen(text), 5), 0);
	ck_assert_int_eq(recorder.max_depth, LIMIT_DEPTH);
	end(&recorder);
	free(text);
	text = nested(LIMIT_DEPTH, "[]");
	check_bad(JREAD_ONE, text, strlen(text), E2BIG, 1, LIMIT_DEPTH + 1,
		  "nested deeper than 64");
	/* The cap counts before an error behind it, and in a skipped value too. */
	text[LIMIT_DEPTH + 1] = 'x';
	check_bad(JREAD_ONE, text, strlen(text), E2BIG, 1, LIMIT_DEPTH + 1, "nested deeper");
	memcpy(text, "[\"rest\",", 8);
	check_bad(JREAD_ONE, text, strlen(text), EBADMSG, 1, LIMIT_DEPTH + 2, "'x' where a value");
	free(text);
}
END_TEST

/* A string or number of len bytes in a list, and a byte in the middle of it. */
static char *big_token(size_t len, bool string, char middle)
{
	char *text = xcalloc(1, len + 5);

	text[0] = '[';
	memset(text + 1, '7', len + 2);
	if (string)
		text[1] = text[len + 2] = '"';
	text[len + 3] = ']';
	text[1 + len / 2] = middle;
	return text;
}

/* Error and place for a large token, fed whole and in pieces of 64 KiB less one byte. */
static void check_big(char *text, int code, int column)
{
	static const size_t big_steps[] = { SIZE_MAX, 65535 };

	for (size_t i = 0; i < ARRAY_LEN(big_steps); i++) {
		struct recorder recorder;

		ck_assert_int_eq(run(&recorder, JREAD_ONE, text, strlen(text), big_steps[i]),
				 -code);
		ck_assert_int_eq(jread_err(recorder.jread)->column, column);
		end(&recorder);
	}
	free(text);
}

START_TEST(test_token_cap)
{
	check_big(big_token(LIMIT_TOKEN_BYTES, true, '7'), 0, 0);
	check_big(big_token(LIMIT_TOKEN_BYTES + 1, true, '7'), E2BIG, 2);
	/* An error before the cap counts first. */
	check_big(big_token(LIMIT_TOKEN_BYTES + 1, true, '\t'), EBADMSG,
		  2 + (LIMIT_TOKEN_BYTES + 1) / 2);
	/* A number has no quotes, so that big_token() makes it two bytes longer. */
	check_big(big_token(LIMIT_TOKEN_BYTES - 2, false, '7'), 0, 0);
	check_big(big_token(LIMIT_TOKEN_BYTES - 1, false, '7'), E2BIG, 2);
}
END_TEST

START_TEST(test_sequence)
{
	static const struct {
		const char *text, *events;
	} sequences[] = {
		{ "", "" },
		{ " \n ", "" },
		{ "1 2\n3", "N<1>N<2>N<3>" },
		{ "{}{}[]", "{}{}[]" },
		{ "\"a\"\"b\"", "S<a>S<b>" },
		{ "truefalse null", "TF0" },
		{ "1\"a\"2", "N<1>S<a>N<2>" },
		{ "{\"skip\":1}{\"a\":1}", "{K<skip>}{K<a>N<1>}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(sequences); i++)
		check_good(JREAD_SEQUENCE, sequences[i].text, strlen(sequences[i].text),
			   sequences[i].events);
	check_bad(JREAD_SEQUENCE, "{}\n{},", 6, EBADMSG, 2, 3, "',' where a value belongs");
	check_bad(JREAD_SEQUENCE, "{}\n{", 4, EBADMSG, 2, 2, "ends inside an object");
	check_bad(JREAD_SEQUENCE, "1-2", 3, EBADMSG, 1, 2, "'-' where a digit");
}
END_TEST

START_TEST(test_feed_value)
{
	struct recorder recorder = { .events = BUF_INIT(1000) };
	const char *text = " {\"a\":[1]} 12 \"x\"34";
	size_t used;
	bool complete;

	recorder.jread = jread_new(JREAD_SEQUENCE, record, &recorder);
	ck_assert_int_eq(jread_feed_value(recorder.jread, text, 19, &used, &complete), 0);
	ck_assert(complete);
	ck_assert_uint_eq(used, 10);
	ck_assert_str_eq(buf_text(&recorder.events), "{K<a>[N<1>]}");
	/* A number is complete only when a byte follows it. */
	ck_assert_int_eq(jread_feed_value(recorder.jread, text + 10, 2, &used, &complete), 0);
	ck_assert(!complete);
	ck_assert_uint_eq(used, 2);
	ck_assert_int_eq(jread_feed_value(recorder.jread, text + 12, 7, &used, &complete), 0);
	ck_assert(complete);
	ck_assert_uint_eq(used, 1);
	ck_assert_int_eq(jread_feed_value(recorder.jread, text + 13, 6, &used, &complete), 0);
	ck_assert(complete);
	ck_assert_uint_eq(used, 4);
	ck_assert_int_eq(jread_feed_value(recorder.jread, text + 17, 2, &used, &complete), 0);
	ck_assert(!complete);
	ck_assert_int_eq(jread_feed_value(recorder.jread, "", 0, &used, &complete), 0);
	ck_assert(!complete);
	ck_assert_int_eq(jread_finish(recorder.jread), 0);
	ck_assert_str_eq(buf_text(&recorder.events), "{K<a>[N<1>]}N<12>S<x>N<34>");
	end(&recorder);
}
END_TEST

START_TEST(test_feed_value_skipped)
{
	struct recorder recorder = { .events = BUF_INIT(1000) };
	size_t used;
	bool complete;

	recorder.jread = jread_new(JREAD_ONE, record, &recorder);
	ck_assert_int_eq(jread_feed_value(recorder.jread, "[\"rest\",2] x", 12, &used, &complete),
			 0);
	ck_assert(complete);
	ck_assert_uint_eq(used, 10);
	ck_assert_int_eq(jread_feed_value(recorder.jread, " x", 2, &used, &complete), -EBADMSG);
	ck_assert(!complete);
	ck_assert_int_eq(jread_err(recorder.jread)->column, 12);
	end(&recorder);
}
END_TEST

START_TEST(test_reset)
{
	struct recorder recorder;

	ck_assert_int_eq(run(&recorder, JREAD_ONE, "[\n{\"skip\":[\"", 11, 4), -EBADMSG);
	jread_reset(recorder.jread);
	buf_reset(&recorder.events);
	ck_assert_int_eq(feed_all(recorder.jread, "[true]", 6, 1), 0);
	ck_assert_str_eq(buf_text(&recorder.events), "[T]");
	ck_assert_int_eq(jread_err(recorder.jread)->code, 0);
	end(&recorder);
	jread_free(NULL);
}
END_TEST

static const struct {
	const char *text;
	bool ok;
	int64_t value;
} integers[] = {
	{ "0", true, 0 },
	{ "-0", true, 0 },
	{ "7", true, 7 },
	{ "-42", true, -42 },
	{ "999999999999999999", true, INT64_C(999999999999999999) },
	{ "1760000000000000000", true, INT64_C(1760000000000000000) },
	{ "9223372036854775807", true, INT64_MAX },
	{ "9223372036854775808", false, 0 },
	{ "-9223372036854775808", true, INT64_MIN },
	{ "-9223372036854775809", false, 0 },
	{ "18446744073709551616", false, 0 },
	{ "1.0", true, 1 },
	{ "1e3", true, 1000 },
	{ "1.25E2", true, 125 },
	{ "12500e-2", true, 125 },
	{ "-1.5e1", true, -15 },
	{ "0e999999999999", true, 0 },
	{ "0.000", true, 0 },
	{ "100000000000000000000000000e-24", true, 100 },
	{ "1.5", false, 0 },
	{ "1e-1", false, 0 },
	{ "1e19", false, 0 },
	{ "1e99999999999999999999", false, 0 },
	{ "1e-99999999999999999999", false, 0 },
	/* read eight digits at a time */
	{ "12345678", true, 12345678 },
	{ "-987654321", true, -987654321 },
	{ "1234567890123456", true, INT64_C(1234567890123456) },
	{ "98765432109876543", true, INT64_C(98765432109876543) },
	{ "-1234567890123456789", true, INT64_C(-1234567890123456789) },
	{ "0000000000000000007", true, 7 },
	{ "-9223372036854775807", true, -INT64_MAX },
	{ "9999999999999999999", false, 0 },
	{ "12345678901234567890", false, 0 },
	{ "1234567/", false, 0 },
	{ ":2345678", false, 0 },
	{ "12345678901234:6", false, 0 },
	{ "", false, 0 },
	{ "-", false, 0 },
	{ "x", false, 0 },
	{ "1 ", false, 0 },
};

/* A byte that ends the plain part of a string, at each place of strings of each length: around the
 * blocks in which these are looked through. */
START_TEST(test_each_place)
{
	char text[80], events[80];

	for (int len = 1; len <= 70; len++)
		for (int at = 0; at < len; at++) {
			snprintf(text, sizeof(text), "[\"%.*s\"]", len,
				 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"
				 "0123456789");
			text[2 + at] = '\x1f';
			check_bad(JREAD_ONE, text, (size_t)len + 4, EBADMSG, 1, at + 3,
				  "byte 0x1f in a string");
			text[2 + at] = '\xff';
			check_bad(JREAD_ONE, text, (size_t)len + 4, EBADMSG, 1, at + 3,
				  "byte 0xff in a string is not UTF-8");
			text[2 + at] = '"';
			text[3 + at] = ' ';
			text[4 + at] = ']';
			snprintf(events, sizeof(events), "[S<%.*s>]", at, text + 2);
			check_good(JREAD_ONE, text, (size_t)at + 5, events);
		}
}
END_TEST

START_TEST(test_same)
{
	static const char text[] = "instrumentationLibrarySpans";
	char other[sizeof(text)];

	for (size_t len = 0; len < sizeof(text); len++) {
		memcpy(other, text, sizeof(text));
		ck_assert(jread_same(text, other, len));
		for (size_t at = 0; at < sizeof(text) - 1; at++) {
			other[at] ^= 1;
			ck_assert(jread_same(text, other, len) == (at >= len));
			other[at] ^= 1;
		}
	}
}
END_TEST

START_TEST(test_int64)
{
	int64_t value = 99;

	ck_assert_msg(jread_int64(integers[_i].text, strlen(integers[_i].text), &value) ==
			      integers[_i].ok,
		      "%s", integers[_i].text);
	ck_assert_int_eq(value, integers[_i].ok ? integers[_i].value : 99);
}
END_TEST

START_TEST(test_double)
{
	char *digits = xcalloc(1, 101);
	double value = 0;

	ck_assert(jread_double("0.25", 4, &value));
	ck_assert_double_eq(value, 0.25);
	ck_assert(jread_double("-1e400", 6, &value));
	ck_assert_double_eq(value, -INFINITY);
	ck_assert(jread_double("1.5junk", 3, &value));
	ck_assert_double_eq(value, 1.5);
	memset(digits, '0', 100);
	memcpy(digits, "0.5", 3);
	ck_assert(jread_double(digits, 100, &value));
	ck_assert_double_eq(value, 0.5);
	free(digits);
	ck_assert(!jread_double("inf", 3, &value));
	ck_assert(!jread_double("0x1", 3, &value));
	ck_assert(!jread_double("", 0, &value));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jread");
	TCase *tcase = tcase_create("jread");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, test_good, 0, ARRAY_LEN(good));
	tcase_add_loop_test(tcase, test_bad, 0, ARRAY_LEN(bad));
	tcase_add_loop_test(tcase, test_mended, 0, ARRAY_LEN(mended));
	tcase_add_test(tcase, test_mended_is_strict);
	tcase_add_test(tcase, test_handler_stops);
	tcase_add_test(tcase, test_lines);
	tcase_add_test(tcase, test_nul_bytes);
	tcase_add_test(tcase, test_nul_length);
	tcase_add_test(tcase, test_depth);
	tcase_add_test(tcase, test_token_cap);
	tcase_add_test(tcase, test_sequence);
	tcase_add_test(tcase, test_feed_value);
	tcase_add_test(tcase, test_feed_value_skipped);
	tcase_add_test(tcase, test_reset);
	tcase_add_test(tcase, test_each_place);
	tcase_add_test(tcase, test_same);
	tcase_add_loop_test(tcase, test_int64, 0, ARRAY_LEN(integers));
	tcase_add_test(tcase, test_double);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
