/*
 * The pairs of the JSON reader. The handler's take() records the events that the pair would have
 * had, so that a document must give the same record whole, where pairs are read by the patterns,
 * and in pieces of 1 to 7 bytes, where nearly none is. Tags are the pairs of a list, members those
 * of an object; how many pairs were taken from the whole document tells that the short way was
 * used.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/jread.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

enum { TAGS, MEMBERS };

struct recorder {
	struct buf events;
	unsigned int ntaken, nasked;
	bool in_member, in_tags;
	const char *refused; /* a value that take() does not take */
};

static const char marks[] = "{}[]KSNTF0";
static const size_t steps[] = { SIZE_MAX, 1, 2, 3, 7 };

static void record(struct recorder *recorder, enum jread_event event, const char *text, size_t len)
{
	buf_putc(&recorder->events, marks[event]);
	if (event == JREAD_KEY || event == JREAD_STRING || event == JREAD_NUMBER)
		buf_printf(&recorder->events, "<%.*s>", (int)len, text);
}

/* The list "tags" has pairs, and so has every object outside of it. */
static int on_event(void *ctx, enum jread_event event, const char *text, size_t len)
{
	struct recorder *recorder = ctx;

	record(recorder, event, text, len);
	if (event == JREAD_KEY && jread_is(text, len, "skip"))
		return JREAD_SKIP;
	if (event == JREAD_KEY)
		recorder->in_member = jread_is(text, len, "tags");
	if (event == JREAD_ARRAY && recorder->in_member) {
		recorder->in_member = false;
		recorder->in_tags = true;
		return JREAD_PAIRS + TAGS;
	}
	if (event == JREAD_ARRAY_END)
		recorder->in_tags = false;
	return event == JREAD_OBJECT && !recorder->in_tags ? JREAD_PAIRS + MEMBERS : JREAD_GO;
}

enum { KEY_ONE = 7, KEY_OTHER = 8 };

static int tag_key(void *ctx, const struct jread_word words[JREAD_WORDS])
{
	struct recorder *recorder = ctx;

	recorder->nasked++;
	if (jread_is(words[0].text, words[0].len, "events"))
		return JREAD_PAIR_OTHER;
	return jread_is(words[1].text, words[1].len, "s") ? KEY_ONE : KEY_OTHER;
}

static bool take_tag(void *ctx, const struct jread_pair *pair)
{
	struct recorder *recorder = ctx;
	const char *word = pair->head + strlen("{\"k\":\"");
	size_t len = (size_t)((const char *)memchr(word, '"', 1000) - word);

	if (recorder->refused && jread_is(pair->text, pair->len, "refused"))
		return false;
	buf_puts(&recorder->events, "{K<k>");
	record(recorder, JREAD_STRING, word, len);
	buf_printf(&recorder->events, "K<t>S<%s>K<v>", pair->key == KEY_ONE ? "s" : "o");
	record(recorder, pair->event, pair->text, pair->len);
	buf_puts(&recorder->events, "}");
	recorder->ntaken++;
	return true;
}

static int member_key(void *ctx, const struct jread_word words[JREAD_WORDS])
{
	(void)ctx;
	if (jread_is(words[0].text, words[0].len, "list"))
		return JREAD_PAIR_OTHER;
	if (words[0].len != 1)
		return JREAD_PAIR_OTHER;
	return words[0].text[0];
}

static bool take_member(void *ctx, const struct jread_pair *pair)
{
	struct recorder *recorder = ctx;
	char key = (char)pair->key;

	record(recorder, JREAD_KEY, &key, 1);
	record(recorder, pair->event, pair->text, pair->len);
	recorder->ntaken++;
	return true;
}

/* Knows one object by its bytes. */
static size_t take_known(void *ctx, const struct jread_pair *pair)
{
	static const char known[] = "{\"known\":1}";
	const size_t size = sizeof(known) - 1;
	struct recorder *recorder = ctx;
	char key = (char)pair->key;

	if (pair->len < size || memcmp(pair->text, known, size) != 0)
		return 0;
	if (pair->len == size) /* the reader cannot go on behind it: it will report the events */
		return size;
	record(recorder, JREAD_KEY, &key, 1);
	buf_puts(&recorder->events, "{K<known>N<1>}");
	recorder->ntaken++;
	return size;
}

static const struct jread_form tag_forms[] = {
	{ "{\"k\":\"*\",\"t\":\"*\",\"v\":", "}", tag_key, take_tag, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};
static const struct jread_form member_forms[] = {
	{ "\"*\":", "", member_key, take_member, take_known },
	{ NULL, NULL, NULL, NULL, NULL },
};
static const struct jread_pattern patterns[] = {
	[TAGS] = { tag_forms }, [MEMBERS] = { member_forms }
};

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
		if (rc != 0)
			return rc;
		at += n;
	}
	return jread_finish(jread);
}

static struct jread *read_text(struct recorder *recorder, const char *text, size_t step, int *ret)
{
	struct jread *jread;

	*recorder = (struct recorder){ .events = BUF_INIT(1u << 20) };
	jread = jread_new(JREAD_ONE, on_event, recorder);
	jread_pairs_set(jread, patterns);
	*ret = feed_all(jread, text, strlen(text), step);
	return jread;
}

/* By hand: the events, and how many pairs the whole document has that the patterns fit. */
static const struct {
	const char *text;
	unsigned int ntaken;
	const char *events;
} good[] = {
	{ "{\"tags\":[]}", 0, "{K<tags>[]}" },
	{ "{\"tags\":[{\"k\":\"a\",\"t\":\"s\",\"v\":\"x\"},{\"k\":\"bcd\",\"t\":\"o\",\"v\":-12}]"
	  "}",
	  2, "{K<tags>[{K<k>S<a>K<t>S<s>K<v>S<x>}{K<k>S<bcd>K<t>S<o>K<v>N<-12>}]}" },
	{ "{\"a\":true,\"b\":false,\"c\":null,\"d\":0,\"e\":\"\"}", 5,
	  "{K<a>TK<b>FK<c>0K<d>N<0>K<e>S<>}" },
	/* escapes, bytes that are not ASCII, numbers with a point or an exponent: by events */
	{ "{ \"a\":1,\"b\":\"\\n\",\"c\":\"\xc3\xa9\",\"d\":1.5,\"e\":1e2}", 1,
	  "{K<a>N<1>K<b>S<\n>K<c>S<\xc3\xa9>K<d>N<1.5>K<e>N<1e2>}" },
	/* and pairs behind them by the patterns again */
	{ "{\"a\":1, \"b\":2,\"c\":[],\"d\":3}", 2, "{K<a>N<1>K<b>N<2>K<c>[]K<d>N<3>}" },
	/* other members of a tag, and members in another order */
	{ "{\"tags\":[{\"k\":\"a\",\"t\":\"s\",\"v\":\"x\",\"w\":1}]}", 0,
	  "{K<tags>[{K<k>S<a>K<t>S<s>K<v>S<x>K<w>N<1>}]}" },
	{ "{\"tags\":[{\"k\":\"events\",\"t\":\"s\",\"v\":\"x\"},5]}", 0,
	  "{K<tags>[{K<k>S<events>K<t>S<s>K<v>S<x>}N<5>]}" },
	/* containers in between, whose pairs go on behind them */
	{ "{\"a\":1,\"list\":[{\"b\":2,\"skip\":{\"c\":3},\"d\":4}],\"e\":5}", 4,
	  "{K<a>N<1>K<list>[{K<b>N<2>K<skip>K<d>N<4>}]K<e>N<5>}" },
	{ "[{\"a\":1},{\"a\":1,\"b\":2},{\"b\":2},{\"a\":1,\"b\":2}]", 6,
	  "[{K<a>N<1>}{K<a>N<1>K<b>N<2>}{K<b>N<2>}{K<a>N<1>K<b>N<2>}]" },
	{ "{\"a\":1}  ", 1, "{K<a>N<1>}" },
	/* objects: those that the form knows, and others by events */
	{ "{\"a\":{\"known\":1},\"b\":{\"known\":2},\"c\":{\"known\":1}}", 2,
	  "{K<a>{K<known>N<1>}K<b>{K<known>N<2>}K<c>{K<known>N<1>}}" },
};

START_TEST(test_good)
{
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct recorder recorder;
		int rc;
		struct jread *jread = read_text(&recorder, good[_i].text, steps[i], &rc);

		ck_assert_msg(rc == 0, "%s by %zu: %s", good[_i].text, steps[i],
			      jread_err(jread)->text);
		ck_assert_str_eq(buf_text(&recorder.events), good[_i].events);
		if (i == 0)
			ck_assert_uint_eq(recorder.ntaken, good[_i].ntaken);
		jread_free(jread);
		buf_fini(&recorder.events);
	}
}
END_TEST

/* What is wrong has one place, whichever way found it. */
static const struct {
	const char *text;
	int column;
} bad[] = {
	{ "{\"a\":1,}", 8 },
	{ "{\"a\":1 2}", 8 },
	{ "{\"a\":01}", 7 },
	{ "{\"a\":-}", 7 },
	{ "{\"a\":truex}", 10 },
	{ "{\"a\":nul}", 9 },
	{ "{\"a\":\"\x01\"}", 7 },
	{ "{\"a\":\"\xff\"}", 7 },
	{ "{\"a\":1]", 7 },
	{ "{\"a\":\"x\"", 9 },
	{ "{\"a\":1,\"b\":\"x\" \"c\"}", 16 },
	{ "{\"tags\":[{\"k\":\"a\",\"t\":\"s\",\"v\":\"x\"]}", 34 },
	{ "{\"tags\":[{\"k\":\"a\",\"t\":\"s\",\"v\":\"x\"},]}", 36 },
	{ "{\"tags\":[{\"k\":\"a\",\"t\":\"s\",\"v\":}]}", 31 },
};

START_TEST(test_bad)
{
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct recorder recorder;
		int rc;
		struct jread *jread = read_text(&recorder, bad[_i].text, steps[i], &rc);

		ck_assert_int_eq(rc, -EBADMSG);
		ck_assert_msg(jread_err(jread)->column == bad[_i].column, "%s by %zu: %d %s",
			      bad[_i].text, steps[i], jread_err(jread)->column,
			      jread_err(jread)->text);
		jread_free(jread);
		buf_fini(&recorder.events);
	}
}
END_TEST

/* Heads are asked for once: 2,000 tags of 2 heads are 2 questions, also for another document. */
START_TEST(test_asked_once)
{
	struct recorder recorder = { .events = BUF_INIT(1u << 20) };
	struct jread *jread = jread_new(JREAD_ONE, on_event, &recorder);
	struct buf text = BUF_INIT(1u << 20);

	jread_pairs_set(jread, patterns);
	buf_puts(&text, "{\"tags\":[");
	for (int i = 0; i < 1000; i++)
		buf_printf(&text,
			   "%s{\"k\":\"http.method\",\"t\":\"s\",\"v\":\"GET\"},"
			   "{\"k\":\"http.status\",\"t\":\"o\",\"v\":%d}",
			   i > 0 ? "," : "", i);
	buf_puts(&text, "]}");
	for (unsigned int documents = 1; documents <= 2; documents++) {
		ck_assert_int_eq(jread_feed(jread, text.data, text.len), 0);
		ck_assert_int_eq(jread_finish(jread), 0);
		ck_assert_uint_eq(recorder.ntaken, documents * 2000);
		ck_assert_uint_eq(recorder.nasked, 2);
		jread_reset(jread);
	}
	jread_free(jread);
	buf_fini(&text);
	buf_fini(&recorder.events);
}
END_TEST

/* More heads than there are slots, some of them longer than a slot: all are taken, in order. */
START_TEST(test_many_heads)
{
	struct recorder whole = { .events = BUF_INIT(1u << 20) },
			cut = { .events = BUF_INIT(1u << 20) };
	struct jread *jread = jread_new(JREAD_ONE, on_event, &whole);
	struct buf text = BUF_INIT(1u << 20);

	jread_pairs_set(jread, patterns);
	buf_puts(&text, "{\"tags\":[");
	for (int i = 0; i < 600; i++)
		buf_printf(&text, "%s{\"k\":\"%0*d\",\"t\":\"s\",\"v\":\"%d\"}", i > 0 ? "," : "",
			   1 + i % 150, i % 200, i);
	buf_puts(&text, "]}");
	ck_assert_int_eq(feed_all(jread, text.data, text.len, SIZE_MAX), 0);
	jread_free(jread);
	jread = jread_new(JREAD_ONE, on_event, &cut);
	jread_pairs_set(jread, patterns);
	ck_assert_int_eq(feed_all(jread, text.data, text.len, 5), 0);
	ck_assert_str_eq(buf_text(&whole.events), buf_text(&cut.events));
	ck_assert_uint_gt(whole.ntaken, 400);
	ck_assert_uint_eq(cut.ntaken, 0);
	jread_free(jread);
	buf_fini(&text);
	buf_fini(&whole.events);
	buf_fini(&cut.events);
}
END_TEST

/* A pair that take() refuses is reported by its events. */
START_TEST(test_refused)
{
	static const char text[] = "{\"tags\":[{\"k\":\"a\",\"t\":\"s\",\"v\":\"refused\"},{\"k\":"
				   "\"a\",\"t\":\"s\",\"v\":1}]}";
	struct recorder recorder = { .events = BUF_INIT(1u << 20), .refused = "refused" };
	struct jread *jread = jread_new(JREAD_ONE, on_event, &recorder);

	jread_pairs_set(jread, patterns);
	ck_assert_int_eq(feed_all(jread, text, strlen(text), SIZE_MAX), 0);
	ck_assert_str_eq(buf_text(&recorder.events),
			 "{K<tags>[{K<k>S<a>K<t>S<s>K<v>S<refused>}{K<k>S<a>K<t>S<s>K<v>N<1>}]}");
	ck_assert_uint_eq(recorder.ntaken, 1);
	jread_free(jread);
	buf_fini(&recorder.events);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jread pairs");
	TCase *tcase = tcase_create("jread pairs");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, test_good, 0, ARRAY_LEN(good));
	tcase_add_loop_test(tcase, test_bad, 0, ARRAY_LEN(bad));
	tcase_add_test(tcase, test_asked_once);
	tcase_add_test(tcase, test_many_heads);
	tcase_add_test(tcase, test_refused);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
