/*
 * Walk, tools: the questions that the walk asks on its way down, each by itself and on both sides
 * of its boundaries: is it an attempt, was it survived, whose words are repeated, is it looked
 * through, and of several failing calls which is the cause (tracepager-walk(7), section 4).
 */
#include <stdarg.h>

#include "relay/model/strata-internal.h"
#include "relay/model/walk-internal.h"
#include "tests/lib/walk_check.h"
#include "tracepager/limits.h"

static uint16_t bits[512];
static struct walker walker;
static char drawing[65536];

/* Draws a trace and makes a walker that knows which spans failed. */
static void look_at(const char *text)
{
	begin(text);
	memset(bits, 0, sizeof(bits));
	ck_assert_uint_le(set->traces[0].nspans, ARRAY_LEN(bits));
	for (uint32_t i = 0; i < set->traces[0].nspans; i++)
		bits[i] = span_failing(&set->traces[0], &set->traces[0].spans[i], true)
				  ? BIT_FAILING
				  : 0;
	walker = (struct walker){ .arena = arena, .trace = &set->traces[0], .bits = bits };
}

__attribute__((format(printf, 1, 2))) static void draw(const char *format, ...)
{
	size_t len = strlen(drawing);
	va_list args;

	va_start(args, format);
	vsnprintf(drawing + len, sizeof(drawing) - len, format, args);
	va_end(args);
}

/* The exception of a span, in milliseconds after its start. */
static void has_exception(uint32_t span, int64_t after_ms)
{
	set->traces[0].spans[span].exception_after_us = after_ms * 1000 + 1;
}

/* ---- words ---- */

static const struct {
	const char *above, *below; /* marks of the server, and of its call */
	enum words_tie tie;
} tie_rows[] = {
	{ "message=out of money", "message=out of money", WORDS_REPEATED },
	{ "message=charge: Out Of Money", "message=out of money", WORDS_REPEATED },
	{ "message=no cash", "message=there is no cash left", WORDS_REPEATED },
	{ "message=out of money", "message=no such card", WORDS_APART },
	/* Six bytes are enough, five are not. */
	{ "message=a: nocash", "message=nocash", WORDS_REPEATED },
	{ "message=a: nocas", "message=nocas", WORDS_APART },
	/* Codes alone do not count, and a type is no message. */
	{ "message=503 Service Unavailable", "message=503 Service Unavailable", WORDS_APART },
	{ "message=500 while charging", "message=while charging", WORDS_APART },
	{ "error.type=CardError", "error.type=CardError", WORDS_APART },
	{ "", "message=out of money", WORDS_APART },
	{ "message=500", "peer.service=500", WORDS_APART },
	/* The callee's names. */
	{ "message=payment is down", "peer.service=payment", WORDS_NAMED },
	{ "error.type=PaymentFailed", "peer.service=payment", WORDS_NAMED },
	{ "message=no answer from payment", "peer.service=payment", WORDS_NAMED },
	{ "message=bad 'payment' reply", "peer.service=payment", WORDS_NAMED },
	{ "message=cannot pay: payment refused it", "peer.service=payment", WORDS_NAMED },
	/* A noun of the trade, and what comes next. */
	{ "message=order has no payment mark", "peer.service=payment", WORDS_APART },
	{ "message=cannot go on to payment: no stock", "peer.service=payment", WORDS_APART },
	{ "message=stopped before payment", "peer.service=payment", WORDS_APART },
	{ "message=order has no pay-eu mark", "peer.service=pay-eu", WORDS_NAMED },
	{ "message=the prepayment", "peer.service=payment", WORDS_APART },
	{ "message=payments are down", "peer.service=payment", WORDS_APART },
	{ "message=other words", "peer.service=payment", WORDS_APART },
	{ "message=no answer from pay", "peer.service=pay", WORDS_NAMED }, /* three bytes */
	{ "message=no answer from db", "peer.service=db", WORDS_APART },   /* two */
	{ "message=no answer from pay", "service.peer.name=pay", WORDS_NAMED },
	{ "message=no answer from pay", "server.address=pay", WORDS_NAMED },
	{ "message=no answer from pay", "net.peer.name=pay", WORDS_NAMED },
	{ "message=redis is down", "db.system.name=redis", WORDS_NAMED },
	{ "message=redis is down", "db.system=redis", WORDS_NAMED },
	{ "message=kafka is down", "messaging.system=kafka", WORDS_NAMED },
	{ "message=Cart is down", "rpc.service=cart", WORDS_NAMED },
	/* A host by its first label, but not by a part of an address. */
	{ "message=ledger is down", "server.address=ledger.local", WORDS_NAMED },
	{ "message=ledger is down", "server.address=ledger:80", WORDS_NAMED },
	{ "message=took 192 ms", "server.address=192.168.0.1", WORDS_APART },
	/* The code of the answer. */
	{ "message=got 503 from there", "http.response.status_code=503", WORDS_NAMED },
	{ "message=got 400 from there", "http.response.status_code=400", WORDS_NAMED },
	{ "message=got 399 from there", "http.response.status_code=399", WORDS_APART },
	{ "message=failed: 503 Service Unavailable", "http.response.status_code=503", WORDS_NAMED },
	{ "message=pay answered (503)", "http.response.status_code=503", WORDS_NAMED },
	{ "message=customer 503 has no address", "http.response.status_code=503", WORDS_APART },
	{ "message=got 5030 bytes", "http.response.status_code=503", WORDS_APART },
	{ "message=got 502 from there", "http.response.status_code=503", WORDS_APART },
	{ "error.type=Got 503", "http.response.status_code=503", WORDS_APART },
};

START_TEST(whose_words_are_repeated)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "cart server POST /cart | 0 100 | ERROR; %s\n"
		 "  cart client POST | 10 90 | ERROR; %s\n",
		 tie_rows[_i].above, tie_rows[_i].below);
	look_at(text);
	ck_assert_msg(walk_words_tie(&walker, 0, 1) == tie_rows[_i].tie, "%s / %s",
		      tie_rows[_i].above, tie_rows[_i].below);
}
END_TEST

/* The words of the call, and of four failing spans below it, are compared. */
START_TEST(words_are_looked_for_five_levels_down)
{
	for (int depth = 4; depth <= 5; depth++) {
		drawing[0] = '\0';
		draw("cart server POST | 0 100 | ERROR; message=out of money\n");
		for (int i = 0; i <= depth; i++)
			draw("%*scart internal step | 10 90 | ERROR; message=%s\n", 2 * (i + 1), "",
			     i == depth ? "out of money" : "step failed");
		look_at(drawing);
		ck_assert_int_eq(walk_words_tie(&walker, 0, 1),
				 depth == 4 ? WORDS_REPEATED : WORDS_APART);
		ck_assert(walk_chain_says_why(&walker, 1));
	}
}
END_TEST

START_TEST(a_chain_says_why_below_its_call)
{
	/* With a failing span below, the call's own words only repeat the answer. */
	look_at("cart client POST | 0 100 | ERROR; message=no card\n"
		"  shop server POST | 10 90 | ERROR\n");
	ck_assert(!walk_chain_says_why(&walker, 0));
	look_at("cart client POST | 0 100 | ERROR\n"
		"  shop server POST | 10 90 | ERROR; message=no card\n");
	ck_assert(walk_chain_says_why(&walker, 0));
	look_at("cart client POST | 0 100 | ERROR; message=no card\n");
	ck_assert(walk_chain_says_why(&walker, 0));
	look_at("cart client POST | 0 100 | ERROR; message=500\n");
	ck_assert(!walk_chain_says_why(&walker, 0));
	for (int depth = 5; depth <= 6; depth++) {
		drawing[0] = '\0';
		for (int i = 0; i <= depth; i++)
			draw("%*scart internal step | 10 90 | ERROR; message=%s\n", 2 * i, "",
			     i == depth ? "no card" : "500");
		look_at(drawing);
		ck_assert_int_eq(walk_chain_says_why(&walker, 0), depth == 5);
	}
}
END_TEST

/* The first 64 children are looked at for the failing one. */
START_TEST(the_failing_child_among_many)
{
	for (int place = 64; place <= 65; place++) {
		drawing[0] = '\0';
		draw("cart server POST | 0 100 |\n");
		for (int i = 1; i <= 65; i++)
			draw("  cart client a | 1 2 | %s\n", i == place ? "ERROR" : "");
		look_at(drawing);
		ck_assert_uint_eq(walk_failing_child(&walker, 0), place == 64 ? 64 : TRACE_NONE);
	}
}
END_TEST

/* ---- attempts ---- */

static const struct {
	const char *a, *b; /* lines without times */
	bool same;
} call_rows[] = {
	{ "cart client GET /a |1|", "cart client GET /a |2|", true },
	{ "cart client GET /a |1|", "cart client GET /b |2|", false },
	{ "cart client GET /a?try=1 |1|", "cart client GET /a?try=2 |2|", true },
	{ "cart client GET /a?try=1 |1|", "cart client GET /ab?try=2 |2|", false },
	{ "cart client ?a |1|", "cart client ?b |2|", false },
	{ "cart client GET /a |1|", "cart producer GET /a |2|", false },
	{ "cart client GET /a |1|", "shop client GET /a |2|", false },
	{ "cart server GET /a |1|", "cart server GET /a |2|", false },
	{ "cart consumer GET /a |1|", "cart consumer GET /a |2|", false },
	{ "cart internal GET /a |1|", "cart internal GET /a |2|", true },
	{ "cart client GET |1| peer.service=a", "cart client GET |2| peer.service=a", true },
	{ "cart client GET |1| peer.service=a", "cart client GET |2| peer.service=b", false },
	{ "cart client GET |1| peer.service=a", "cart client GET |2|", true },
	{ "cart client GET |1|", "cart client GET |2| peer.service=a", true },
	{ "cart client GET |1| service.peer.name=a", "cart client GET |2| service.peer.name=b",
	  false },
	{ "cart client GET |1| server.address=a", "cart client GET |2| server.address=b", false },
	{ "cart client GET |1| net.peer.name=a", "cart client GET |2| net.peer.name=b", false },
	{ "cart client GET |1| url.full=http://a", "cart client GET |2| url.full=http://b", false },
	{ "cart client GET |1| http.url=http://a", "cart client GET |2| http.url=http://b", false },
	{ "cart client GET |1| url.full=http://a", "cart client GET |2| url.full=http://a", true },
};

static void draw_row(const char *row, int start, int end)
{
	const char *bar = strchr(row, '|'), *marks = strrchr(row, '|');

	draw("  %.*s | %d %d | %s\n", (int)(bar - row), row, start, end, marks + 1);
}

START_TEST(which_calls_are_the_same)
{
	const struct span *spans;

	drawing[0] = '\0';
	draw("cart server POST | 0 100 |\n");
	draw_row(call_rows[_i].a, 10, 20);
	draw_row(call_rows[_i].b, 30, 40);
	look_at(drawing);
	spans = set->traces[0].spans;
	ck_assert_msg(attempts_same_call(&set->traces[0], &spans[1], &spans[2]) ==
			      call_rows[_i].same,
		      "%s / %s", call_rows[_i].a, call_rows[_i].b);
}
END_TEST

START_TEST(calls_that_others_answered_differ)
{
	const struct span *spans;

	look_at("cart server POST | 0 100 |\n"
		"  cart client GET | 10 20 |\n"
		"    a server GET | 11 19 |\n"
		"  cart client GET | 30 40 |\n"
		"    b server GET | 31 39 |\n"
		"  cart client GET | 50 60 |\n"
		"    cart internal dns | 51 59 |\n");
	spans = set->traces[0].spans;
	ck_assert(!attempts_same_call(&set->traces[0], &spans[1], &spans[3]));
	ck_assert(attempts_same_call(&set->traces[0], &spans[1], &spans[5]));
}
END_TEST

/* Attempts of one call at these times, failing (f) or not (-): which stands for them. */
static const struct {
	struct {
		int start, end;
	} at[3];
	const char *failing, *marks;
	uint32_t last; /* 0: none */
	unsigned int failed, all;
} attempt_rows[] = {
	{ { { 10, 20 }, { 20, 30 }, { 30, 40 } }, "fff", "", 3, 3, 3 },
	{ { { 10, 20 }, { 20, 30 }, { 30, 40 } }, "ff-", "", 0, 0, 3 },
	/* One succeeded before the last: a loop, in which each call counts. */
	{ { { 10, 20 }, { 20, 30 }, { 30, 40 } }, "f-f", "", 1, 1, 1 },
	/* Overlap: a fan-out, unless they say that they are attempts. */
	{ { { 10, 20 }, { 19, 30 }, { 30, 40 } }, "fff", "", 1, 1, 1 },
	{ { { 10, 20 }, { 19, 30 }, { 30, 40 } }, "fff", "http.request.resend_count=1", 3, 3, 3 },
	{ { { 10, 20 }, { 20, 30 }, { 30, 40 } }, "f-f", "http.request.resend_count=1", 3, 1, 3 },
	/* By start, not by place. */
	{ { { 30, 40 }, { 10, 20 }, { 20, 30 } }, "fff", "", 1, 3, 3 },
	{ { { 20, 30 }, { 30, 40 }, { 10, 20 } }, "fff", "", 2, 3, 3 },
};

START_TEST(which_attempt_stands_for_all)
{
	struct attempts_row row;
	uint32_t want = attempt_rows[_i].last, last;

	drawing[0] = '\0';
	draw("cart server POST | 0 100 | ERROR\n");
	for (int i = 0; i < 3; i++)
		draw("  cart client GET | %d %d | %s%s\n", attempt_rows[_i].at[i].start,
		     attempt_rows[_i].at[i].end,
		     attempt_rows[_i].failing[i] == 'f' ? "ERROR; " : "", attempt_rows[_i].marks);
	look_at(drawing);
	last = attempts_last(&walker, 1, &row);
	ck_assert_uint_eq(last, want == 0 ? TRACE_NONE : want);
	ck_assert_uint_eq(row.failed, attempt_rows[_i].failed);
	ck_assert_uint_eq(row.all, attempt_rows[_i].all);
	for (uint32_t i = 1; i <= 3; i++)
		ck_assert_int_eq((bits[i] & BIT_SUPERSEDED) != 0,
				 attempt_rows[_i].failing[i - 1] == 'f' && row.all == 3 &&
					 i != want);
}
END_TEST

START_TEST(more_than_64_attempts_are_a_loop)
{
	struct attempts_row row;

	for (unsigned int n = LIMIT_CALL_ATTEMPTS; n <= LIMIT_CALL_ATTEMPTS + 1; n++) {
		drawing[0] = '\0';
		draw("cart server POST | 0 1000 | ERROR\n");
		for (unsigned int i = 0; i < n; i++)
			draw("  cart client GET | %u %u | ERROR\n", 10 * i, 10 * i + 10);
		look_at(drawing);
		ck_assert_uint_eq(attempts_last(&walker, 1, &row),
				  n == LIMIT_CALL_ATTEMPTS ? n : 1);
		ck_assert_uint_eq(row.failed, n == LIMIT_CALL_ATTEMPTS ? n : 1);
	}
}
END_TEST

START_TEST(a_root_and_a_lone_call_are_no_attempts)
{
	struct attempts_row row;

	look_at("cart client GET | 0 10 | ERROR\n"
		"  cart client GET | 0 10 | ERROR\n");
	ck_assert_uint_eq(attempts_last(&walker, 0, &row), 0);
	ck_assert_uint_eq(attempts_last(&walker, 1, &row), 1);
	ck_assert_uint_eq(row.failed, 1);
	ck_assert_uint_eq(row.all, 1);
	ck_assert(attempts_are(&walker, 0, 1)); /* each in a span of its own */
	look_at("cart server POST | 0 100 | ERROR\n"
		"  cart client GET | 10 20 | ERROR\n"
		"  cart client GET | 15 30 | ERROR\n"
		"  cart client GET /b | 15 30 | ERROR\n");
	ck_assert(!attempts_are(&walker, 1, 2));
	ck_assert(!attempts_are(&walker, 1, 3));
}
END_TEST

/* ---- survived ---- */

/* What follows the call of a, which failed from 10 to 20 ms; the server's exception is at 90. */
static const struct {
	const char *above, *failed, *later;
	int start; /* of the later call, which ends at 60 */
	enum survival survival;
} survived_rows[] = {
	{ "message=out of money", "client GET|peer.service=a", "client GET|peer.service=b", 30,
	  SURVIVED_BY_OTHER },
	{ "message=out of money", "client GET|peer.service=a", "client GET|peer.service=b", 20,
	  SURVIVED_BY_OTHER },
	{ "message=out of money", "client GET|peer.service=a", "client GET|peer.service=b", 19,
	  SURVIVED_NOT },
	{ "message=out of money", "client GET|peer.service=a", "client GET|peer.service=a", 30,
	  SURVIVED_BY_ATTEMPT },
	{ "message=out of money", "client GET|peer.service=a", "client POST|peer.service=a", 30,
	  SURVIVED_NOT },
	{ "message=out of money", "client GET|peer.service=a", "client GET|peer.service=b; ERROR",
	  30, SURVIVED_NOT },
	{ "message=out of money", "client GET|peer.service=a", "client GET|peer.service=b; FOLLOWS",
	  30, SURVIVED_NOT },
	{ "message=out of money", "client GET|peer.service=a", "client PUT|peer.service=b", 30,
	  SURVIVED_NOT },
	{ "message=out of money", "client GET|peer.service=a", "client GET|peer.service=audit", 30,
	  SURVIVED_NOT },
	{ "message=out of money", "client GET|peer.service=a", "client GET /b|", 30, SURVIVED_NOT },
	{ "message=out of money", "client GET|", "client GET /b|peer.service=b", 30, SURVIVED_NOT },
	{ "message=out of money", "client GET|peer.service=a", "internal work|", 30, SURVIVED_NOT },
	/* What a service did by itself has no callee: any later call is another. */
	{ "message=out of money", "internal work|", "client GET|", 30, SURVIVED_BY_OTHER },
	/* A server's and a message's clocks are their own. */
	{ "message=out of money", "server GET|", "client GET|peer.service=b", 30, SURVIVED_NOT },
	{ "message=out of money", "consumer GET|", "client GET|peer.service=b", 30, SURVIVED_NOT },
	/* No words above; words that are the call's; a cancelled span. */
	{ "", "client GET|peer.service=a", "client GET|peer.service=b", 30, SURVIVED_MAYBE },
	{ "message=500", "client GET|peer.service=a", "client GET|peer.service=b", 30,
	  SURVIVED_MAYBE },
	{ "message=the pay service", "client GET|peer.service=pay", "client GET|peer.service=b", 30,
	  SURVIVED_NOT },
	{ "message=context cancelled", "client GET|peer.service=a", "client GET|peer.service=b", 30,
	  SURVIVED_MAYBE },
	/* It began when the failure above was known. */
	{ "message=out of money", "client GET|peer.service=a", "client GET|peer.service=b", 90,
	  SURVIVED_NOT },
	{ "message=out of money", "client GET|peer.service=a", "client GET|peer.service=b", 89,
	  SURVIVED_BY_OTHER },
};

START_TEST(which_failures_were_survived)
{
	const char *failed = survived_rows[_i].failed, *later = survived_rows[_i].later;
	int start = survived_rows[_i].start;

	drawing[0] = '\0';
	draw("cart server POST /cart | 0 200 | ERROR; %s\n", survived_rows[_i].above);
	draw("  cart %.*s | 10 20 | ERROR; %s\n", (int)strcspn(failed, "|"), failed,
	     strchr(failed, '|') + 1);
	draw("  cart %.*s | %d %d | %s\n", (int)strcspn(later, "|"), later, start, start + 30,
	     strchr(later, '|') + 1);
	look_at(drawing);
	has_exception(0, 90);
	ck_assert_msg(walk_survived(&walker, 0, 1) == survived_rows[_i].survival, "row %d", _i);
}
END_TEST

/* The exception is at the end of the call or before it: the call may be its cause. */
START_TEST(an_exception_before_the_calls_end_proves_nothing)
{
	look_at("cart server POST /cart | 0 100 | ERROR; message=out of money\n"
		"  cart client GET | 10 20 | ERROR; peer.service=a\n"
		"  cart client GET | 20 60 | peer.service=b\n");
	/* Without an exception event the time of the failure is unknown: it is the end. */
	ck_assert_int_eq(walk_known_us(&set->traces[0], 0), INT64_MAX);
	ck_assert_int_eq(walk_survived(&walker, 0, 1), SURVIVED_BY_OTHER);
	has_exception(0, 20);
	ck_assert_int_eq(walk_known_us(&set->traces[0], 0),
			 set->traces[0].spans[0].start_us + 20000);
	ck_assert_int_eq(walk_survived(&walker, 0, 1), SURVIVED_NOT);
}
END_TEST

START_TEST(another_services_call_is_not_survived)
{
	look_at("cart server POST /cart | 0 100 | ERROR; message=out of money\n"
		"  shop client GET | 10 20 | ERROR; peer.service=a\n"
		"  cart client GET | 30 60 | peer.service=b\n");
	ck_assert_int_eq(walk_survived(&walker, 0, 1), SURVIVED_NOT);
}
END_TEST

/* Later calls within spans that say nothing count, on either side. */
START_TEST(later_calls_are_looked_for_inside)
{
	look_at("cart server POST /cart | 0 100 | ERROR; message=out of money\n"
		"  cart internal step | 10 25 |\n"
		"    cart client GET | 10 20 | ERROR; peer.service=a\n"
		"  cart internal step 2 | 30 60 |\n"
		"    cart client GET | 40 50 | ERROR; peer.service=a\n"
		"    cart client GET | 40 50 | peer.service=b\n");
	ck_assert_int_eq(walk_survived(&walker, 0, 2), SURVIVED_BY_OTHER);
}
END_TEST

/* The 64th later call may show it, the 65th does not. */
START_TEST(few_later_calls_are_looked_at)
{
	for (int place = 64; place <= 65; place++) {
		drawing[0] = '\0';
		draw("cart server POST /cart | 0 100 | ERROR; message=out of money\n"
		     "  cart client GET | 10 20 | ERROR; peer.service=a\n");
		for (int i = 1; i <= 65; i++)
			draw("  cart client GET | 30 40 | peer.service=b%s\n",
			     i == place ? "" : "; ERROR");
		look_at(drawing);
		ck_assert_int_eq(walk_survived(&walker, 0, 1),
				 place == 64 ? SURVIVED_BY_OTHER : SURVIVED_NOT);
	}
}
END_TEST

static const struct {
	const char *a, *b; /* marks of two calls */
	bool other;
} other_rows[] = {
	{ "peer.service=a", "peer.service=b", true },
	{ "peer.service=a", "peer.service=a", false },
	{ "peer.service=a", "", false },
	{ "", "peer.service=a", false },
	{ "db.system=redis", "db.system=mysql", true },
	{ "db.system.name=redis", "db.system.name=mysql", true },
	{ "messaging.system=kafka", "messaging.system=sqs", true },
	{ "rpc.service=a", "rpc.service=b", true },
	{ "url.full=http://a", "url.full=http://b", true },
	{ "http.url=http://a", "http.url=http://b", true },
	{ "server.address=a", "net.peer.name=b", true },
	{ "service.peer.name=a", "service.peer.name=b", true },
};

START_TEST(which_callees_are_others)
{
	drawing[0] = '\0';
	draw("cart server POST | 0 100 |\n  cart client GET | 1 2 | %s\n  cart client GET | 3 4 | "
	     "%s\n",
	     other_rows[_i].a, other_rows[_i].b);
	look_at(drawing);
	ck_assert_int_eq(walk_other_callee(&set->traces[0], 1, 2), other_rows[_i].other);
}
END_TEST

/* ---- looking through ---- */

static const struct {
	const char *top, *at, *below; /* service and kind; marks of `at` after a bar */
	bool through;
} through_rows[] = {
	{ "cart server", "cart internal|", "cart client", true },
	{ "cart server", "cart internal|OK", "cart client", false },
	{ "cart server", "cart internal|ERROR", "cart client", false },
	{ "cart server", "cart internal|", NULL, false },
	{ "cart server", "cart server|", "cart client", false },
	/* A call of a framework or an SDK around that of an HTTP client. */
	{ "cart server", "cart client|", "cart client", true },
	{ "cart server", "cart client|http.response.status_code=200", "cart client", false },
	{ "cart server", "cart client|OK", "cart client", false },
	{ "cart server", "cart client|", "shop client", false },
	{ "cart server", "cart client|", "cart internal", false },
	/* The one child of a call: a proxy or a server without a status. */
	{ "cart client", "shop server|", "shop client", true },
	{ "cart client", "shop server|http.response.status_code=200", "shop client", false },
	{ "cart client", "shop server|http.response.status_code=399", "shop client", false },
	{ "cart client", "shop server|http.response.status_code=400", "shop client", true },
	{ "cart client", "shop server|rpc.grpc.status_code=0", "shop client", false },
	{ "cart client", "shop server|rpc.grpc.status_code=5", "shop client", true },
	/* A span without a kind that is its service's own work. */
	{ "cart server", "cart none|", "cart client", true },
	{ "cart server", "cart none|", "shop server", false },
	{ "cart server", "shop none|", "shop client", false },
};

START_TEST(which_spans_are_looked_through)
{
	const char *at = through_rows[_i].at;

	drawing[0] = '\0';
	draw("%s a | 0 100 | ERROR\n  %.*s b | 1 99 | %s\n", through_rows[_i].top,
	     (int)strcspn(at, "|"), at, strchr(at, '|') + 1);
	if (through_rows[_i].below)
		draw("    %s c | 2 98 | ERROR\n", through_rows[_i].below);
	look_at(drawing);
	ck_assert_msg(walk_looks_through(&set->traces[0], 0, 1) == through_rows[_i].through, "%s",
		      at);
}
END_TEST

/* A call's child is looked through only where the call itself is the failing span above. */
START_TEST(only_the_callers_own_child_is_looked_through)
{
	look_at("cart server a | 0 100 | ERROR\n"
		"  cart client b | 1 99 |\n"
		"    shop server c | 2 98 |\n"
		"      shop client d | 3 97 | ERROR\n");
	ck_assert(!walk_looks_through(&set->traces[0], 0, 2));
	ck_assert(walk_looks_through(&set->traces[0], 1, 2));
}
END_TEST

/* ---- down ---- */

/* Where the walk down ends: a line of the drawing. */
static const struct {
	const char *drawing;
	uint32_t line;
} down_rows[] = {
	/* A step of a call that nobody answered: the call speaks. */
	{ "web server / | 0 100 | ERROR\n"
	  "  web client GET | 1 99 | ERROR; server.address=stock\n"
	  "    web client connect | 2 3 | ERROR\n",
	  2 },
	/* It has a span below it, and is no step. */
	{ "web server / | 0 100 | ERROR\n"
	  "  web client GET | 1 99 | ERROR; server.address=stock\n"
	  "    web client connect | 2 5 | ERROR\n"
	  "      web internal a | 3 4 |\n",
	  3 },
	/* An INTERNAL span is a step only where nothing but such spans is below it. */
	{ "web server / | 0 100 | ERROR\n"
	  "  web client GET | 1 99 | ERROR; server.address=stock\n"
	  "    web internal step | 2 9 | ERROR\n"
	  "      web internal step | 3 4 | ERROR\n"
	  "        web internal step | 3 4 | ERROR\n"
	  "      web internal step | 5 6 | ERROR\n",
	  2 },
	{ "web server / | 0 100 | ERROR\n"
	  "  web client GET | 1 99 | ERROR; server.address=stock\n"
	  "    web internal step | 2 9 | ERROR\n"
	  "      web client POST | 3 4 | ERROR\n",
	  4 },
	/* Another service answered without failing: the step is the caller's own failure. */
	{ "web client GET | 1 99 | ERROR; server.address=stock\n"
	  "  stock server GET | 2 50 |\n"
	  "  web internal decode | 60 90 | ERROR; message=bad JSON\n",
	  3 },
	/* Steps of a response say a code and no more, and have nothing below them. */
	{ "api server / | 0 100 | ERROR\n"
	  "  api internal send | 90 99 | ERROR; http.response.status_code=500\n",
	  1 },
	{ "api server / | 0 100 | ERROR\n"
	  "  api internal send | 90 99 | ERROR; rpc.grpc.status_code=0\n",
	  1 },
	{ "api server / | 0 100 | ERROR\n"
	  "  api internal send | 90 99 | ERROR\n",
	  2 },
	{ "api server / | 0 100 | ERROR\n"
	  "  api internal send | 90 99 | ERROR; http.response.status_code=500; message=no card\n",
	  2 },
	{ "api server / | 0 100 | ERROR\n"
	  "  api internal send | 90 99 | ERROR; http.response.status_code=500\n"
	  "    api internal a | 91 92 |\n",
	  2 },
	{ "api server / | 0 100 | ERROR\n"
	  "  lib internal send | 90 99 | ERROR; http.response.status_code=500\n",
	  2 },
	/* A span that says nothing but has an exception. */
	{ "api server / | 0 100 | ERROR\n"
	  "  api internal a | 1 99 | exception.type=CardError\n",
	  2 },
	{ "api server / | 0 100 | ERROR\n"
	  "  api internal a | 1 99 | exception.message=no card\n",
	  2 },
	{ "api server / | 0 100 | ERROR\n"
	  "  api internal a | 1 99 | exception.type=CardError; rpc.grpc.status_code=0\n",
	  2 },
	{ "api server / | 0 100 | ERROR\n"
	  "  api internal a | 1 99 | exception.type=CardError; http.response.status_code=200\n",
	  1 },
	{ "api server / | 0 100 | ERROR\n"
	  "  api internal a | 1 99 | exception.type=CancelledError\n",
	  1 },
	{ "api server / | 0 100 | ERROR\n"
	  "  api internal a | 1 99 | OK; exception.type=CardError\n",
	  1 },
	/* The answer over a queue, whose words the span above repeats. */
	{ "api server / | 0 100 | ERROR; message=out of money\n"
	  "  api producer orders | 1 2 |\n"
	  "    pay consumer orders | 200 300 | ERROR; message=out of money\n",
	  3 },
	{ "api server / | 0 100 | ERROR; message=out of money\n"
	  "  api producer orders | 1 2 |\n"
	  "    pay consumer orders | 200 300 | ERROR; message=no such card\n",
	  1 },
	{ "api server / | 0 100 | ERROR; message=out of money\n"
	  "  api producer orders | 1 2 |\n"
	  "    pay consumer orders | 200 300 | message=out of money\n",
	  1 },
};

START_TEST(where_the_way_down_ends)
{
	run(down_rows[_i].drawing);
	ck_assert(walk.found);
	ck_assert_msg(walk.suspect.span + 1 == down_rows[_i].line, "line %u, not %u:\n%s",
		      walk.suspect.span + 1, down_rows[_i].line, down_rows[_i].drawing);
}
END_TEST

/* A call below a call that names a callee of its own is no step of it. */
START_TEST(a_step_of_a_call_names_nobody)
{
	static const char *const names[] = { "service.peer.name", "peer.service",
					     "server.address",	  "net.peer.name",
					     "url.full",	  "http.url",
					     "rpc.service",	  "db.system.name",
					     "db.system",	  "messaging.system" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		drawing[0] = '\0';
		draw("web server / | 0 100 | ERROR\n"
		     "  web client GET | 1 99 | ERROR\n"
		     "    web client POST | 2 3 | ERROR; %s=other\n",
		     names[i]);
		run(drawing);
		ck_assert_msg(walk.suspect.span == 2, "%s", names[i]);
	}
}
END_TEST

/* ---- the choice ---- */

static bool limited_by(enum verdict_limit_id id)
{
	for (unsigned int i = 0; i < walk.limits.n; i++)
		if (walk.limits.at[i].id == id)
			return true;
	return false;
}

static void walk_on(void)
{
	walk_trace(arena, &set->traces[0], &options, &walk);
}

/* Two failing calls at the same times: what decides, and in which words. */
static const struct {
	const char *worse, *better, *words;
} choice_rows[] = {
	{ "client GET|peer.service=aaa; message=context canceled", "client POST|peer.service=bbb",
	  "is the one that was not cancelled" },
	{ "client GET|peer.service=aaa; message=no cash", "client POST|peer.service=pay",
	  "is the one that is named above" },
	{ "client GET|peer.service=pay", "client POST|peer.service=bbb; message=my own words",
	  "is the one whose words are repeated above" },
	{ "client rollback|peer.service=aaa; message=no cash", "client POST|peer.service=bbb",
	  "is no clean-up and no report of a failure" },
	{ "client GET|peer.service=aaa; http.response.status_code=404",
	  "client POST|peer.service=bbb", "failed and did not only refuse a call" },
	{ "client GET|peer.service=aaa", "client POST|peer.service=bbb; message=no cash",
	  "says why it failed" },
};

START_TEST(what_decides_between_two_calls)
{
	for (int order = 0; order < 2; order++) {
		drawing[0] = '\0';
		draw("cart server POST /cart | 0 100 | ERROR; message=pay: my own words\n");
		for (int i = 0; i < 2; i++) {
			const char *row =
				i == order ? choice_rows[_i].worse : choice_rows[_i].better;

			draw("  cart %.*s | 10 90 | ERROR; %s\n", (int)strcspn(row, "|"), row,
			     strchr(row, '|') + 1);
		}
		run(drawing);
		ck_assert(walk.found);
		ck_assert_uint_eq(walk.suspect.span, order == 0 ? 2 : 1);
		ck_assert_msg(reason_has(choice_rows[_i].words), "%s", choice_rows[_i].words);
		ck_assert(reason_has("of 2 failing spans, "));
		ck_assert_uint_eq(walk.nothers, 1);
		ck_assert(!limited_by(VERDICT_LIMIT_SEVERAL_CAUSES));
	}
}
END_TEST

/* n calls side by side, of which nothing tells one from the others: 0.6, that of a peer, over n. */
START_TEST(each_of_several_is_as_likely)
{
	for (int n = 1; n <= 3; n++) {
		drawing[0] = '\0';
		draw("cart server POST /cart | 0 100 | ERROR\n");
		for (int i = 0; i < n; i++)
			draw("  cart client GET /%d | 10 90 | ERROR; peer.service=s%d\n", i, i);
		run(drawing);
		ends_in("cart", SUSPECT_PEER, 0.6 / n);
		ck_assert_int_eq(limited_by(VERDICT_LIMIT_SEVERAL_CAUSES), n > 1);
		ck_assert_uint_eq(walk.suspect.span, 1); /* of equals the first */
	}
	/* They end at the same service. */
	run("cart server POST /cart | 0 100 | ERROR\n"
	    "  cart client GET /a | 10 90 | ERROR; peer.service=s\n"
	    "  cart client GET /b | 10 90 | ERROR; peer.service=s\n");
	ends_in("cart", SUSPECT_PEER, 0.6);
}
END_TEST

/* The span above ends at 100 ms; the last call ends at `end`, the other before it began. The last
 * one is the cause where it ended within 10 ms of the end, four times as near as the other. */
static const struct {
	int other_end, start, end;
	bool told;
} near_rows[] = {
	{ 50, 60, 90, true }, { 50, 60, 89, false }, { 60, 60, 90, true },  { 61, 61, 90, false },
	{ 96, 96, 99, true }, { 97, 97, 99, false }, { 50, 49, 90, false }, { 50, 50, 90, true },
};

START_TEST(who_ended_just_before_the_end)
{
	drawing[0] = '\0';
	draw("cart server POST /cart | 0 100 | ERROR\n"
	     "  cart client GET /a | 10 %d | ERROR; peer.service=aaa\n"
	     "  cart client GET /b | %d %d | ERROR; peer.service=bbb\n",
	     near_rows[_i].other_end, near_rows[_i].start, near_rows[_i].end);
	run(drawing);
	ck_assert_uint_eq(walk.suspect.span, 2);
	ck_assert(reason_has("ended last"));
	ck_assert_msg(limited_by(VERDICT_LIMIT_SEVERAL_CAUSES) != near_rows[_i].told, "row %d", _i);
}
END_TEST

/* Eight others are kept. */
START_TEST(at_most_eight_others_are_left_aside)
{
	for (int n = LIMIT_WALK_OTHERS; n <= LIMIT_WALK_OTHERS + 2; n++) {
		drawing[0] = '\0';
		draw("cart server POST /cart | 0 100 | ERROR\n");
		for (int i = 0; i < n; i++)
			draw("  cart client GET /%d | 10 %d | ERROR; peer.service=s%d\n", i, 20 + i,
			     i);
		run(drawing);
		ck_assert_uint_eq(walk.suspect.span, (uint32_t)n);
		ck_assert_uint_eq(walk.nothers, n - 1 < LIMIT_WALK_OTHERS ? (unsigned int)n - 1
									  : LIMIT_WALK_OTHERS);
	}
}
END_TEST

/* Of one failed attempt nothing is said. */
START_TEST(attempts_are_told_from_two_on)
{
	for (int n = 1; n <= 3; n++) {
		drawing[0] = '\0';
		draw("cart server POST /cart | 0 100 | ERROR\n");
		for (int i = 0; i < n; i++)
			draw("  cart client GET | %d %d | ERROR; peer.service=s\n", 10 * i,
			     10 * i + 10);
		run(drawing);
		ck_assert_uint_eq(walk.suspect.span, (uint32_t)n);
		ck_assert_int_eq(reason_has("attempts of GET failed"), n > 1);
		ck_assert_int_eq(reason_has("2 attempts of GET failed; the last stands for all"),
				 n == 2);
	}
}
END_TEST

/* What began after the exception of its own process is no cause. */
START_TEST(what_began_after_the_failure_was_known_is_no_cause)
{
	static const char text[] = "cart server POST /cart | 0 100 | ERROR; message=no stock\n"
				   "  cart client GET | 10 20 | ERROR; peer.service=aaa\n"
				   "  cart client POST | 50 90 | ERROR; peer.service=bbb\n";

	begin(text);
	has_exception(0, 49);
	walk_on();
	ck_assert_uint_eq(walk.suspect.span, 1);
	ck_assert(reason_has("began before the failure was known"));
	begin(text);
	has_exception(0, 50);
	walk_on();
	ck_assert_uint_eq(walk.suspect.span, 2);
	/* Alone it leaves the span above, which failed by itself. */
	begin("cart server POST /cart | 0 100 | ERROR; message=no stock\n"
	      "  cart client POST | 50 90 | ERROR; peer.service=bbb\n");
	has_exception(0, 49);
	walk_on();
	ck_assert_uint_eq(walk.suspect.span, 0);
	ck_assert(reason_has("POST began only when the failure of POST /cart was known"));
	ck_assert(limited_by(VERDICT_LIMIT_SURVIVED));
	ck_assert_uint_eq(walk.nothers, 1);
}
END_TEST

/* The exception of an INTERNAL span beside the calls tells when the failure was known. */
START_TEST(the_works_own_exception_tells_when)
{
	static const char text[] = "cart server POST /cart | 0 100 | ERROR; message=no stock\n"
				   "  cart internal work | 10 20 | ERROR; message=no paper\n"
				   "  cart client POST | 50 90 | ERROR; peer.service=bbb\n";

	begin(text);
	has_exception(1, 8);
	walk_on();
	ck_assert_uint_eq(walk.suspect.span, 1);
	ck_assert(reason_has("began before the failure was known"));
}
END_TEST

START_TEST(a_survived_call_is_told_and_left_aside)
{
	run("cart server POST /cart | 0 100 | ERROR; message=no stock\n"
	    "  cart client GET | 10 20 | ERROR; peer.service=aaa\n"
	    "  cart client GET | 30 40 | peer.service=bbb\n");
	ck_assert_uint_eq(walk.suspect.span, 0);
	ck_assert(
		reason_has("GET failed, but cart went on with other calls, and its own words share "
			   "nothing with that failure"));
	ck_assert(limited_by(VERDICT_LIMIT_SURVIVED));
	ck_assert_uint_eq(walk.nothers, 1);
	run("cart server POST /cart | 0 100 | ERROR\n"
	    "  cart client GET | 10 20 | ERROR; peer.service=aaa\n"
	    "  cart client GET | 30 40 | peer.service=bbb\n");
	ck_assert_uint_eq(walk.suspect.span, 1);
	ck_assert(limited_by(VERDICT_LIMIT_MAYBE_SURVIVED));
}
END_TEST

/* The call that ended last is passed over for the verb in its name: times 0.6, of a peer's 0.6. */
START_TEST(a_verb_alone_is_not_certain)
{
	run("cart server POST /cart | 0 100 | ERROR\n"
	    "  cart client GET | 10 30 | ERROR; peer.service=aaa\n"
	    "  cart client cancel | 40 90 | ERROR; peer.service=bbb\n");
	ck_assert_uint_eq(walk.suspect.span, 1);
	ends_in("cart", SUSPECT_PEER, 0.36);
	ck_assert(limited_by(VERDICT_LIMIT_SEVERAL_CAUSES));
	/* It ended first: its end speaks against it as well. */
	run("cart server POST /cart | 0 100 | ERROR\n"
	    "  cart client GET | 40 90 | ERROR; peer.service=aaa\n"
	    "  cart client cancel | 10 30 | ERROR; peer.service=bbb\n");
	ends_in("cart", SUSPECT_PEER, 0.6);
	/* The span above names the callee of the other one. */
	run("cart server POST /cart | 0 100 | ERROR; message=no answer from aaa\n"
	    "  cart client GET | 10 30 | ERROR; peer.service=aaa\n"
	    "  cart client cancel | 40 90 | ERROR; peer.service=bbb\n");
	ends_in("cart", SUSPECT_PEER, 0.6);
}
END_TEST

/* The message of a server over one failed call, and whether it tells of a bug of the server's. */
static const struct {
	const char *message;
	bool bug;
} bug_rows[] = {
	{ "KeyError: vat", true },
	{ "assignment to entry in nil map", true },
	{ "Cannot read properties of undefined", true },
	{ "java.lang.NullPointerException", true },
	{ "checkout failed", false },
	{ "TypeError: fetch failed", false },
	{ "ValueError: no JSON object", false },
	{ "KeyError: aaa", false },	   /* names the callee */
	{ "KeyError: out of ink", false }, /* repeats the words of the call */
};

START_TEST(a_programming_error_above_may_be_the_cause)
{
	drawing[0] = '\0';
	draw("cart server POST /cart | 0 100 | ERROR; message=%s\n"
	     "  cart client GET | 10 20 | ERROR; peer.service=aaa; message=out of ink\n",
	     bug_rows[_i].message);
	begin(drawing);
	has_exception(0, 90);
	walk_on();
	ck_assert_uint_eq(walk.suspect.span, 1);
	ck_assert_msg(limited_by(VERDICT_LIMIT_MAYBE_SURVIVED) == bug_rows[_i].bug, "%s",
		      bug_rows[_i].message);
	/* Times 0.6, of the 0.6 of a peer. */
	ends_in("cart", SUSPECT_PEER, bug_rows[_i].bug ? 0.36 : 0.6);
	/* The exception was known before the call ended. */
	begin(drawing);
	has_exception(0, 15);
	walk_on();
	ck_assert(!limited_by(VERDICT_LIMIT_MAYBE_SURVIVED));
	/* A refused call is the caller's fault by itself. */
	drawing[0] = '\0';
	draw("cart server POST /cart | 0 100 | ERROR; message=%s\n"
	     "  cart client GET | 10 20 | ERROR; peer.service=aaa; http.response.status_code=404\n",
	     bug_rows[_i].message);
	run(drawing);
	ck_assert(!limited_by(VERDICT_LIMIT_MAYBE_SURVIVED));
}
END_TEST

/* The limits are told as reasons where no suspect is found. */
START_TEST(limits_are_reasons_where_nothing_is_found)
{
	trace_set_free(set);
	set = trace_make_partial("cart server GET | 0 100 |\n");
	walk_on();
	ck_assert(!walk.found);
	ck_assert_uint_eq(walk.limits.n, 1);
	ck_assert(reason_has(walk.limits.at[0].text));
	trace_set_free(set);
	set = trace_make_partial("cart server GET | 0 100 | ERROR\n");
	walk_on();
	ck_assert(walk.found);
	ck_assert_uint_eq(walk.limits.n, 1);
	ck_assert(!reason_has(walk.limits.at[0].text));
}
END_TEST

/* ---- strata ---- */

/* What follows from a request is not below it. */
START_TEST(what_follows_from_a_request_is_not_its_operation)
{
	struct stratum_place place;

	begin("gateway server GET | 0 100 |\n"
	      "  mailer consumer send mail | 1 40 | FOLLOWS\n"
	      "  shop server GET /cart | 2 90 |\n");
	stratum_find(arena, &set->traces[0], 0, &place);
	ck_assert_str_eq(place.service, "shop");
	ck_assert_str_eq(place.operation, "GET /cart");
}
END_TEST

/* Eight hops without an operation are followed; the ninth span is taken as it is. */
START_TEST(few_hops_lead_to_the_operation)
{
	for (unsigned int n = LIMIT_STRATUM_HOPS; n <= LIMIT_STRATUM_HOPS + 1; n++) {
		struct stratum_place place;

		drawing[0] = '\0';
		for (unsigned int i = 0; i < n; i++)
			draw("%*sproxy%u server GET | 0 100 |\n", 2 * (int)i, "", i);
		draw("%*sshop server GET /cart | 0 100 |\n", 2 * (int)n, "");
		begin(drawing);
		stratum_find(arena, &set->traces[0], 0, &place);
		ck_assert_str_eq(place.service, n == LIMIT_STRATUM_HOPS ? "shop" : "proxy8");
	}
}
END_TEST

/* Two callees of equal names in two services, and one service twice, sorted and each once. */
START_TEST(the_callees_of_a_gateway_are_sorted_and_each_once)
{
	struct stratum_place place;

	begin("gateway server GET | 0 100 |\n"
	      "  b server GET /x | 1 10 |\n"
	      "  a server GET /y | 11 20 |\n"
	      "  b server GET /x | 21 30 |\n"
	      "  a server GET /x | 31 40 |\n");
	stratum_find(arena, &set->traces[0], 0, &place);
	ck_assert_str_eq(place.operation, "GET: a GET /x, a GET /y, b GET /x");
}
END_TEST

static void tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, whose_words_are_repeated, 0, ARRAY_LEN(tie_rows));
	tcase_add_test(tcase, words_are_looked_for_five_levels_down);
	tcase_add_test(tcase, a_chain_says_why_below_its_call);
	tcase_add_test(tcase, the_failing_child_among_many);
	tcase_add_loop_test(tcase, which_calls_are_the_same, 0, ARRAY_LEN(call_rows));
	tcase_add_test(tcase, calls_that_others_answered_differ);
	tcase_add_loop_test(tcase, which_attempt_stands_for_all, 0, ARRAY_LEN(attempt_rows));
	tcase_add_test(tcase, more_than_64_attempts_are_a_loop);
	tcase_add_test(tcase, a_root_and_a_lone_call_are_no_attempts);
	tcase_add_loop_test(tcase, which_failures_were_survived, 0, ARRAY_LEN(survived_rows));
	tcase_add_test(tcase, an_exception_before_the_calls_end_proves_nothing);
	tcase_add_test(tcase, another_services_call_is_not_survived);
	tcase_add_test(tcase, later_calls_are_looked_for_inside);
	tcase_add_test(tcase, few_later_calls_are_looked_at);
	tcase_add_loop_test(tcase, which_callees_are_others, 0, ARRAY_LEN(other_rows));
	tcase_add_loop_test(tcase, which_spans_are_looked_through, 0, ARRAY_LEN(through_rows));
	tcase_add_test(tcase, only_the_callers_own_child_is_looked_through);
	tcase_add_loop_test(tcase, where_the_way_down_ends, 0, ARRAY_LEN(down_rows));
	tcase_add_test(tcase, a_step_of_a_call_names_nobody);
	tcase_add_loop_test(tcase, what_decides_between_two_calls, 0, ARRAY_LEN(choice_rows));
	tcase_add_test(tcase, each_of_several_is_as_likely);
	tcase_add_loop_test(tcase, who_ended_just_before_the_end, 0, ARRAY_LEN(near_rows));
	tcase_add_test(tcase, at_most_eight_others_are_left_aside);
	tcase_add_test(tcase, attempts_are_told_from_two_on);
	tcase_add_test(tcase, what_began_after_the_failure_was_known_is_no_cause);
	tcase_add_test(tcase, the_works_own_exception_tells_when);
	tcase_add_test(tcase, a_survived_call_is_told_and_left_aside);
	tcase_add_test(tcase, a_verb_alone_is_not_certain);
	tcase_add_loop_test(tcase, a_programming_error_above_may_be_the_cause, 0,
			    ARRAY_LEN(bug_rows));
	tcase_add_test(tcase, limits_are_reasons_where_nothing_is_found);
	tcase_add_test(tcase, what_follows_from_a_request_is_not_its_operation);
	tcase_add_test(tcase, few_hops_lead_to_the_operation);
	tcase_add_test(tcase, the_callees_of_a_gateway_are_sorted_and_each_once);
}

int main(void)
{
	Suite *suite = suite_create("walk tools");

	add(suite, "tools", tests);
	return run_suite(suite);
}
