/*
 * Contrast: what is unusual in drawn windows beside drawn healthy traces, which service explains
 * it, and when nobody is named.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/trace_make.h"
#include "tracepager/contrast.h"
#include "tracepager/vote.h"
#include "tracepager/xalloc.h"

#define WINDOW 64

static struct arena *arena;
static struct evidence_set *window, *healthy;
static struct trace_set *sets[WINDOW];
static struct walk walks[WINDOW];
static unsigned int nwalks;
static struct contrast result;
static struct verdict verdict;

static void setup(void)
{
	arena = arena_new(64u << 20);
	window = evidence_new(1u << 20);
	healthy = evidence_new(1u << 20);
	nwalks = 0;
}

static void teardown(void)
{
	for (unsigned int i = 0; i < nwalks; i++)
		trace_set_free(sets[i]);
	evidence_free(window);
	evidence_free(healthy);
	arena_free(arena);
}

static void add_healthy(const char *drawing)
{
	struct trace_set *set = trace_make(drawing);

	ck_assert(evidence_add_trace(healthy, &set->traces[0], NULL));
	trace_set_free(set);
}

static void add(const char *drawing)
{
	const struct walk_options options = { .mode = WALK_AUTO, .codes_fail = true };

	ck_assert_uint_lt(nwalks, WINDOW);
	sets[nwalks] = trace_make(drawing);
	walk_trace(arena, &sets[nwalks]->traces[0], &options, &walks[nwalks]);
	ck_assert(evidence_add(window, &walks[nwalks]));
	nwalks++;
}

/* A request: checkout works, calls ledger, then stock; ledger calls its database. Milliseconds of
 * own time, and of the gap by which each call is longer than its callee's work. */
struct request {
	int checkout, ledger_gap, ledger, database, stock_gap, stock;
	const char *ledger_marks, *stock_marks, *root_marks;
};

static const struct request usual = {
	.checkout = 10, .ledger_gap = 4, .ledger = 20, .database = 30, .stock_gap = 4, .stock = 20
};

static const char *marks(const char *text)
{
	return text ? text : "";
}

static const char *draw(const struct request *r)
{
	static char text[1024];
	int ledger = r->ledger + r->database, call1 = ledger + r->ledger_gap;
	int call2 = r->stock + r->stock_gap, end = r->checkout + call1 + call2;
	int a = r->checkout, b = a + r->ledger_gap / 2, c = b + r->ledger, d = a + call1;

	snprintf(text, sizeof(text),
		 "checkout server POST /orders | 0 %d | %s\n"
		 "  checkout client POST /entries | %d %d |\n"
		 "    ledger server POST /entries | %d %d | %s\n"
		 "      ledger client INSERT | %d %d | db.system=postgresql; db.namespace=ledger\n"
		 "  checkout client GET /stock | %d %d |\n"
		 "    stock server GET /stock | %d %d | %s\n",
		 end, marks(r->root_marks), a, d, b, b + ledger, marks(r->ledger_marks), c,
		 c + r->database, d, d + call2, d + r->stock_gap / 2,
		 d + r->stock_gap / 2 + r->stock, marks(r->stock_marks));
	return text;
}

/* n healthy traces whose times differ a little, as real ones do. */
static void add_usual(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct request request = usual;

		request.checkout += (int)(i % 3);
		request.ledger += (int)(i % 5);
		request.database += (int)(i % 7);
		request.stock += (int)(i % 4);
		add_healthy(draw(&request));
	}
}

static void compare(enum walk_mode mode)
{
	contrast(arena, window, healthy, mode, &result);
}

static void count(enum walk_mode mode)
{
	const struct vote_options options = { .threshold = 0.5, .mode = mode, .healthy = healthy };

	vote(arena, walks, nwalks, &options, &verdict);
}

static bool reason_is(const char *text)
{
	for (unsigned int i = 0; i < verdict.nreasons; i++)
		if (strcmp(verdict.reasons[i], text) == 0)
			return true;
	for (unsigned int i = 0; i < verdict.nreasons; i++)
		printf("reason: %s\n", verdict.reasons[i]);
	return false;
}

/* ---- evidence ---- */

static const struct observation *observed(const char *service, const char *callee)
{
	const struct evidence *evidence = &window->at[0];

	for (uint32_t i = 0; i < evidence->nobservations; i++) {
		const struct observation *o = &evidence->observations[i];

		if (strcmp(window->services[o->service].name, service) == 0 &&
		    strcmp(window->services[o->callee].name, callee) == 0)
			return o;
	}
	return NULL;
}

START_TEST(time_is_split_into_own_and_calls)
{
	add(draw(&usual));
	ck_assert_uint_eq(window->n, 1);
	ck_assert_int_eq(window->at[0].duration_us, 88000);
	/* 88 ms = 10 + 4 + 20 + 30 + 4 + 20. */
	ck_assert_uint_eq(window->at[0].nobservations, 6);
	ck_assert_int_eq(observed("checkout", "checkout")->us, 10000);
	ck_assert_int_eq(observed("checkout", "ledger")->us, 4000);
	ck_assert_int_eq(observed("ledger", "ledger")->us, 20000);
	ck_assert_int_eq(observed("ledger", "postgresql/ledger")->us, 30000);
	ck_assert_int_eq(observed("checkout", "stock")->us, 4000);
	ck_assert_int_eq(observed("stock", "stock")->us, 20000);
	ck_assert(window->services[observed("ledger", "postgresql/ledger")->callee].peer);
	ck_assert_str_eq(window->texts[observed("checkout", "ledger")->operation], "POST /entries");
}
END_TEST

START_TEST(spans_of_one_service_are_one_invocation)
{
	add("checkout server POST /orders | 0 100 |\n"
	    "  checkout internal price | 10 40 |\n"
	    "    checkout internal tax | 20 30 |\n");
	ck_assert_uint_eq(window->at[0].nobservations, 1);
	ck_assert_int_eq(window->at[0].observations[0].us, 100000);
}
END_TEST

START_TEST(without_kinds_an_only_child_is_a_call)
{
	add("checkout none POST /orders | 0 100 |\n"
	    "  checkout none call | 10 90 |\n"
	    "    ledger none POST /entries | 30 80 |\n");
	ck_assert_int_eq(observed("checkout", "ledger")->us, 30000);
	ck_assert_int_eq(observed("checkout", "checkout")->us, 20000);
	ck_assert_int_eq(observed("ledger", "ledger")->us, 50000);
}
END_TEST

START_TEST(errors_end_in_the_deepest_failing_invocation)
{
	/* Spans without a status lie between failing ones; spans of one invocation count as one. */
	add("checkout server POST /orders | 0 100 |\n"
	    "  checkout internal place | 0 100 | ERROR\n"
	    "  checkout client POST /entries | 10 90 |\n"
	    "    ledger server POST /entries | 20 80 |\n"
	    "      ledger internal book | 30 40 | ERROR\n"
	    "  checkout client GET /stock | 91 99 |\n"
	    "    stock server GET /stock | 92 98 | ERROR\n");
	ck_assert_uint_eq(window->at[0].nends, 2);
	ck_assert(window->at[0].failing);
	ck_assert(!window->at[0].signal_failing);
	ck_assert_uint_eq(evidence_count_ends(window, "", "ledger", false, "book"), 1);
	ck_assert_uint_eq(evidence_count_ends(window, "", "stock", false, "GET /stock"), 1);
	ck_assert_uint_eq(evidence_count_ends(window, "", "checkout", false, "place"), 0);
}
END_TEST

START_TEST(a_failing_call_of_a_silent_callee_ends_there)
{
	add("ledger server POST /entries | 0 100 |\n"
	    "  ledger client INSERT | 10 90 | ERROR; db.system=postgresql; db.namespace=ledger\n");
	ck_assert_uint_eq(evidence_count_ends(window, "", "postgresql/ledger", true, "INSERT"), 1);
}
END_TEST

START_TEST(what_was_refused_ends_at_the_caller)
{
	add("ledger server POST /entries | 0 100 |\n"
	    "  ledger client POST /mail | 10 90 | ERROR; server.address=mail; "
	    "http.response.status_code=400\n");
	ck_assert_uint_eq(evidence_count_ends(window, "", "ledger", false, "POST /mail"), 1);
}
END_TEST

START_TEST(a_full_set_takes_no_more)
{
	struct evidence_set *small = evidence_new(1);
	struct trace_set *set = trace_make(draw(&usual));

	ck_assert(evidence_add_trace(small, &set->traces[0], NULL));
	ck_assert(!evidence_add_trace(small, &set->traces[0], NULL));
	ck_assert_uint_eq(small->n, 1);
	trace_set_free(set);
	evidence_free(small);
}
END_TEST

START_TEST(only_sound_traces_are_healthy)
{
	const struct signal signal = { .service = "checkout", .operation = "POST /orders" };
	const struct signal other = { .service = "checkout", .operation = "GET /orders" };
	struct request request = usual;
	struct trace_set *set;

	request.stock_marks = "ERROR";
	set = trace_make(draw(&request));
	ck_assert(evidence_add_sound(healthy, &set->traces[0], &signal));
	/* The signal's operation is not in the trace: any span of its service counts. */
	ck_assert(evidence_add_sound(healthy, &set->traces[0], &other));
	trace_set_free(set);
	request.root_marks = "ERROR";
	set = trace_make(draw(&request));
	ck_assert(!evidence_add_sound(healthy, &set->traces[0], &signal));
	trace_set_free(set);
	set = trace_make("cart server GET /cart | 0 10 |\n");
	ck_assert(!evidence_add_sound(healthy, &set->traces[0], &signal));
	trace_set_free(set);
	ck_assert_uint_eq(healthy->n, 2);
}
END_TEST

START_TEST(evidence_survives_the_store)
{
	struct buf bytes = BUF_INIT(1u << 20);
	struct evidence_set *again;
	struct request request = usual;

	request.stock_marks = "ERROR; message=cache is cold";
	add_usual(5);
	add_healthy(draw(&request));
	evidence_encode(healthy, &bytes);
	again = evidence_decode(bytes.data, bytes.len);
	ck_assert_ptr_nonnull(again);
	ck_assert_uint_eq(again->n, 6);
	ck_assert_uint_eq(again->nservices, healthy->nservices);
	ck_assert_int_eq(again->at[5].duration_us, 88000);
	ck_assert(again->at[5].failing);
	ck_assert(!again->at[0].failing);
	ck_assert_uint_eq(again->at[5].nobservations, 6);
	ck_assert_uint_eq(evidence_count_ends(again, "", "stock", false, "GET /stock"), 1);
	for (uint32_t i = 0; i < 6; i++)
		ck_assert_int_eq(again->at[5].observations[i].us,
				 healthy->at[5].observations[i].us);
	evidence_free(again);
	/* Bytes that are cut anywhere, or one byte longer, are refused. */
	for (size_t len = 0; len < bytes.len; len++)
		ck_assert_ptr_null(evidence_decode(bytes.data, len));
	buf_putc(&bytes, '\0');
	ck_assert_ptr_null(evidence_decode(bytes.data, bytes.len));
	buf_fini(&bytes);
}
END_TEST

/* ---- who explains it ---- */

START_TEST(a_slow_service_is_named)
{
	add_usual(40);
	for (int i = 0; i < 10; i++) {
		struct request request = usual;

		request.stock = 220 + i;
		add(draw(&request));
	}
	compare(WALK_AUTO);
	ck_assert_str_eq(result.candidates[0].name, "stock");
	ck_assert(!result.edge);
	ck_assert_double_gt(result.confidence, 0.9);
	ck_assert_double_le(result.confidence, 0.95);
	ck_assert_uint_eq(result.candidates[0].agree, 10);
	ck_assert_uint_eq(result.candidates[0].unusual, 10);
	ck_assert_str_eq(result.candidates[0].caller, "stock");
	ck_assert_ptr_null(result.candidates[0].callee);
	/* The window has 220 to 229 ms: the sixth is 225. Healthy traces have 20 to 23 ms: the
	 * median is 22. */
	ck_assert_int_eq(result.candidates[0].now_us, 225000);
	ck_assert_int_eq(result.candidates[0].normal_us, 22000);
	count(WALK_LATENCY);
	ck_assert(verdict.found);
	ck_assert_str_eq(verdict.suspect.service, "stock");
	ck_assert_str_eq(verdict.suspect.operation, "GET /stock");
	ck_assert_int_eq(verdict.suspect.kind, SUSPECT_SLOW);
	ck_assert_uint_eq(verdict.walk->npath, 3);
	ck_assert(reason_is(
		"in 10 of 10 traces stock spends 225 ms in its own work; 22 ms in healthy "
		"traces"));
}
END_TEST

START_TEST(always_slow_is_not_unusual)
{
	/* The database takes most of every trace, healthy or not. */
	struct request request = usual;

	request.database = 400;
	for (int i = 0; i < 40; i++) {
		request.database = 400 + i % 10;
		add_healthy(draw(&request));
	}
	for (int i = 0; i < 10; i++) {
		request.database = 400 + i;
		request.stock = 320 + i;
		add(draw(&request));
	}
	compare(WALK_LATENCY);
	ck_assert_str_eq(result.candidates[0].name, "stock");
	ck_assert_double_gt(result.confidence, 0.9);
}
END_TEST

/* The slow call is one of two of its caller, and the only one of its callee: it is the callee's. */
START_TEST(one_slow_call_of_two_is_the_callee)
{
	add_usual(40);
	for (int i = 0; i < 10; i++) {
		struct request request = usual;

		request.stock_gap = 204 + 2 * i;
		add(draw(&request));
	}
	count(WALK_LATENCY);
	ck_assert(verdict.found);
	ck_assert_int_eq(verdict.suspect.kind, SUSPECT_SLOW);
	ck_assert_str_eq(verdict.suspect.service, "stock");
	/* The walk ends at the span that answered, not at the call. */
	ck_assert_str_eq(span_service(verdict.walk->trace,
				      &verdict.walk->trace->spans[verdict.walk->suspect.span]),
			 "stock");
}
END_TEST

START_TEST(the_only_call_names_both_ends)
{
	static const char drawing[] = "checkout server POST /orders | 0 %d |\n"
				      "  checkout client GET /stock | 1 %d |\n"
				      "    stock server GET /stock | %d %d |\n";
	char text[512];

	for (int i = 0; i < 50; i++) {
		int gap = i < 40 ? 2 + i % 3 : 102 + i;

		snprintf(text, sizeof(text), drawing, gap + 12, gap + 11, 1 + gap, gap + 11);
		if (i < 40)
			add_healthy(text);
		else
			add(text);
	}
	count(WALK_LATENCY);
	ck_assert(verdict.found);
	ck_assert_int_eq(verdict.suspect.kind, SUSPECT_EDGE);
	ck_assert_str_eq(verdict.suspect.service, "checkout");
	ck_assert_str_eq(verdict.suspect.callee, "stock");
	ck_assert_double_le(verdict.confidence, 0.55);
	ck_assert(reason_is("nothing but the call from checkout to stock is unusual, so either end "
			    "may be to blame"));
}
END_TEST

/* Both callers wait for one service, and for no other. */
START_TEST(all_calls_of_one_service_are_its_own)
{
	static const char drawing[] = "shop server POST /orders | 0 %d |\n"
				      "  shop client POST /a | 0 %d |\n"
				      "    cart server POST /a | 1 %d |\n"
				      "      cart client GET /stock | 2 %d |\n"
				      "        stock server GET /stock | %d %d |\n"
				      "  shop client GET /b | %d %d |\n"
				      "    stock server GET /b | %d %d |\n";
	char text[1024];

	for (int i = 0; i < 50; i++) {
		int gap = i < 40 ? 2 + i % 3 : 102 + i;
		int stock1 = 2 + gap, end1 = stock1 + 10, b = end1 + 2, stock2 = b + gap;

		snprintf(text, sizeof(text), drawing, stock2 + 10, end1 + 2, end1 + 1, end1, stock1,
			 end1, b, stock2 + 10, stock2, stock2 + 10);
		if (i < 40)
			add_healthy(text);
		else
			add(text);
	}
	count(WALK_LATENCY);
	ck_assert(verdict.found);
	ck_assert_str_eq(verdict.suspect.service, "stock");
	ck_assert_int_eq(verdict.suspect.kind, SUSPECT_SLOW);
}
END_TEST

START_TEST(a_slow_database_is_told_with_its_caller)
{
	add_usual(40);
	for (int i = 0; i < 10; i++) {
		struct request request = usual;

		request.database = 330 + i;
		add(draw(&request));
	}
	count(WALK_LATENCY);
	ck_assert(verdict.found);
	ck_assert_int_eq(verdict.suspect.kind, SUSPECT_PEER);
	ck_assert_str_eq(verdict.suspect.service, "ledger");
	ck_assert_str_eq(verdict.suspect.callee, "postgresql/ledger");
	ck_assert_uint_ge(verdict.suspect.npeers, 1);
}
END_TEST

START_TEST(errors_that_healthy_traces_have_too_weigh_little)
{
	struct request request = usual;

	/* stock has errors in healthy traces too, ledger only since the fault. */
	for (int i = 0; i < 40; i++) {
		request.stock_marks = i % 4 == 0 ? "ERROR; message=cache is cold" : NULL;
		add_healthy(draw(&request));
	}
	for (int i = 0; i < 12; i++) {
		request.stock_marks = i % 2 == 0 ? "ERROR; message=cache is cold" : NULL;
		request.ledger_marks = "ERROR; message=out of ids";
		add(draw(&request));
	}
	count(WALK_AUTO);
	ck_assert(verdict.found);
	ck_assert_str_eq(verdict.suspect.service, "ledger");
	ck_assert_int_eq(verdict.suspect.kind, SUSPECT_SPAN);
	ck_assert_str_eq(verdict.suspect.error, "out of ids");
	ck_assert(reason_is("12 of 12 traces have an error that ends in ledger POST /entries: out "
			    "of ids; no such error in 40 healthy traces"));
	/* Nothing took longer than usual, and nothing is said of time. */
	for (unsigned int i = 0; i < verdict.nreasons; i++)
		ck_assert_msg(!strstr(verdict.reasons[i], " in its own work") &&
				      !strstr(verdict.reasons[i], "extra time") &&
				      !strstr(verdict.reasons[i], " wait "),
			      "%s", verdict.reasons[i]);
}
END_TEST

/* ---- what follows from a failing call ---- */

/* checkout works for `before` ms, calls stock for 10, works for `after`; it never fails itself. */
static const char *draw_stock(int before, int after, bool failing, bool told)
{
	static char text[512];

	snprintf(text, sizeof(text),
		 "checkout server POST /orders | 0 %d |\n"
		 "  checkout client GET /stock | %d %d | %s\n"
		 "    stock server GET /stock | %d %d | %s\n",
		 before + 10 + after, before, before + 10, told ? "ERROR" : "", before + 1,
		 before + 9, failing ? "ERROR; message=cache is cold" : "");
	return text;
}

static const char *draw_fallback(int before, int after, bool failing)
{
	return draw_stock(before, after, failing, failing);
}

static void expect_fallback(const char *service, enum suspect_kind kind)
{
	count(WALK_AUTO);
	ck_assert(verdict.found);
	ck_assert_str_eq(verdict.suspect.service, service);
	ck_assert_int_eq(verdict.suspect.kind, kind);
}

/* What checkout does instead takes long, and only where stock fails. */
START_TEST(time_of_a_fallback_speaks_for_the_failed_call)
{
	for (int i = 0; i < 40; i++)
		add_healthy(draw_fallback(5 + i % 3, 5 + i % 4, false));
	for (int i = 0; i < 10; i++)
		add(draw_fallback(5, 200 + i, true));
	expect_fallback("stock", SUSPECT_SPAN);
	ck_assert_double_gt(verdict.confidence, 0.9);
	ck_assert(reason_is("in 10 of 10 traces checkout spends 210 ms by itself where a call that "
			    "ends in stock failed; 13 ms in healthy traces"));
}
END_TEST

/* stock fails in half of the healthy traces, and made nobody slow there. */
START_TEST(a_failure_that_healthy_traces_have_explains_no_time)
{
	for (int i = 0; i < 40; i++)
		add_healthy(draw_fallback(5 + i % 3, 5 + i % 4, i % 2 == 0));
	for (int i = 0; i < 10; i++)
		add(draw_fallback(5, 200 + i, i % 2 == 0));
	expect_fallback("checkout", SUSPECT_SLOW);
}
END_TEST

/* stock fails in most healthy traces, too, but its answers were good: no call of it failed. */
START_TEST(a_failure_that_the_caller_never_knew_of_is_another_one)
{
	for (int i = 0; i < 40; i++)
		add_healthy(draw_stock(5 + i % 3, 5 + i % 4, i % 5 > 0, false));
	for (int i = 0; i < 10; i++)
		add(draw_fallback(5, 200 + i, true));
	expect_fallback("stock", SUSPECT_SPAN);
}
END_TEST

/* checkout was slow first; the call that it made too late failed. */
START_TEST(time_before_a_failing_call_is_no_fallback)
{
	for (int i = 0; i < 40; i++)
		add_healthy(draw_fallback(5 + i % 3, 5 + i % 4, false));
	for (int i = 0; i < 12; i++)
		add(draw_fallback(400 + i, 5, i % 3 == 0));
	expect_fallback("checkout", SUSPECT_SLOW);
}
END_TEST

/* Of four failing traces each, beside n clean ones. */
static double confidence_beside(unsigned int n)
{
	evidence_free(healthy);
	healthy = evidence_new(1u << 20);
	for (unsigned int i = 0; i < n; i++)
		add_healthy(draw_fallback(5 + (int)i % 3, 5 + (int)i % 4, false));
	expect_fallback("stock", SUSPECT_SPAN);
	return verdict.confidence;
}

/* A healthy trace that did not fail says that the failure is unusual; without that the four
 * traces would be too few. */
START_TEST(more_clean_healthy_traces_never_lower_a_confidence)
{
	static const unsigned int beside[] = { 1, 4, 5, 10, 50, 200 };
	double before, now;

	for (int i = 0; i < 4; i++)
		add(draw_fallback(5, 5 + i % 2, true));
	before = confidence_beside(0);
	for (unsigned int i = 0; i < ARRAY_LEN(beside); i++) {
		now = confidence_beside(beside[i]);
		ck_assert_double_ge(now, before);
		before = now;
	}
}
END_TEST

/* ---- caps ---- */

/* stock has two callers, and only checkout waits for it; checkout calls nobody else, which fits "it
 * is checkout" best. */
START_TEST(a_lone_gap_is_an_edge_though_its_ends_are_no_twins)
{
	static const char drawing[] = "front server GET / | 0 %d |\n"
				      "  front client GET /b | 1 13 |\n"
				      "    stock server GET /b | 2 12 |\n"
				      "  front client POST /a | 14 %d |\n"
				      "    checkout server POST /a | 15 %d |\n"
				      "      checkout client GET /stock | 16 %d |\n"
				      "        stock server GET /stock | %d %d |\n";
	char text[1024];

	for (int i = 0; i < 50; i++) {
		int gap = i < 40 ? 2 + i % 3 : 102 + i, end = gap + 29;

		snprintf(text, sizeof(text), drawing, end, end - 1, end - 2, end - 3, 16 + gap,
			 end - 3);
		if (i < 40)
			add_healthy(text);
		else
			add(text);
	}
	count(WALK_LATENCY);
	ck_assert(verdict.found);
	ck_assert_int_eq(verdict.suspect.kind, SUSPECT_EDGE);
	ck_assert_str_eq(verdict.suspect.service, "checkout");
	ck_assert_str_eq(verdict.suspect.callee, "stock");
	ck_assert_double_le(verdict.confidence, 0.55);
	ck_assert(verdict_limits_has(&verdict.limits, VERDICT_LIMIT_GAP_ONLY));
}
END_TEST

/* Three of 16 traces show a fault that no healthy trace has; an alert is about most of its traces.
 */
START_TEST(what_few_traces_show_is_not_named)
{
	add_usual(40);
	for (int i = 0; i < 16; i++) {
		struct request request = usual;

		request.stock = i < 3 ? 9000 + i : 20;
		add(draw(&request));
	}
	count(WALK_LATENCY);
	ck_assert(!verdict.found);
	ck_assert(verdict_limits_has(&verdict.limits, VERDICT_LIMIT_FEW_AGREE));
	ck_assert_double_le(verdict.confidence, 0.45);
}
END_TEST

/* stock is slow now and then, fault or not. The nine traces that are as usual speak for nobody. */
START_TEST(one_slow_trace_of_ten_is_chance)
{
	for (int i = 0; i < 40; i++) {
		struct request request = usual;

		request.stock = i % 10 == 0 ? 150 + i : 20 + i % 4;
		add_healthy(draw(&request));
	}
	for (int i = 0; i < 10; i++) {
		struct request request = usual;

		request.stock = i == 0 ? 260 : 20 + i % 4;
		add(draw(&request));
	}
	count(WALK_LATENCY);
	ck_assert(!verdict.found);
	ck_assert_uint_le(verdict.agree, 1);
}
END_TEST

/* The last failure of every trace is one that healthy traces have too. */
START_TEST(an_error_that_is_always_there_hides_no_cause)
{
	struct request request = usual;

	request.stock_marks = "ERROR; message=cache is cold";
	for (int i = 0; i < 40; i++)
		add_healthy(draw(&request));
	request.ledger_marks = "ERROR; message=out of ids";
	request.root_marks = "ERROR";
	for (int i = 0; i < 10; i++)
		add(draw(&request));
	count(WALK_ERRORS);
	ck_assert(verdict.found);
	ck_assert_str_eq(verdict.suspect.service, "ledger");
	ck_assert_str_eq(verdict.suspect.error, "out of ids");
}
END_TEST

START_TEST(nothing_unusual_names_nobody)
{
	add_usual(40);
	for (int i = 0; i < 10; i++)
		add(draw(&usual));
	count(WALK_AUTO);
	ck_assert(!verdict.found);
	ck_assert_int_eq(verdict.fallback, FALLBACK_NO_FAILING_SPAN);
	ck_assert_str_eq(verdict.fallback_text,
			 "in 10 traces nothing fails and nothing takes longer than in 40 healthy "
			 "ones");
}
END_TEST

START_TEST(here_one_and_there_another_names_nobody)
{
	add_usual(40);
	for (int i = 0; i < 4; i++) {
		struct request request = usual;

		if (i % 2 == 0)
			request.stock = 220;
		else
			request.ledger = 220;
		add(draw(&request));
	}
	count(WALK_LATENCY);
	ck_assert(!verdict.found);
	ck_assert_int_eq(verdict.fallback, FALLBACK_LOW_CONFIDENCE);
	ck_assert_uint_ge(verdict.nrunners_up, 2);
}
END_TEST

/* stock is slow in six traces, ledger in the four others, by as much. Beside "nothing unusual"
 * stock is 6 / sqrt(6) = 2.4 deviations ahead, which would be a confidence of 0.94; beside ledger
 * it is (6 - 4) / sqrt(10) = 0.63, which is 0.95 x (2 Φ(0.63) - 1) = 0.45. The excess of the two is
 * not the same to the millisecond, so that a tenth is left free. */
START_TEST(a_rival_that_explains_the_rest_lowers_the_confidence)
{
	add_usual(40);
	for (int i = 0; i < 10; i++) {
		struct request request = usual;

		if (i < 6)
			request.stock = 220;
		else
			request.ledger = 220;
		add(draw(&request));
	}
	compare(WALK_LATENCY);
	ck_assert_str_eq(result.candidates[0].name, "stock");
	ck_assert_str_eq(result.candidates[1].name, "ledger");
	ck_assert_double_eq_tol(result.confidence, 0.45, 0.1);
}
END_TEST

START_TEST(one_trace_in_mode_auto_is_not_enough_for_conviction)
{
	struct request request = usual;

	add_usual(40);
	request.stock = 220;
	add(draw(&request));
	count(WALK_AUTO);
	/* 0.95 x (2 Φ(1) - 1) */
	ck_assert_double_le(verdict.confidence, 0.95 * 0.6827 + 1e-4);
}
END_TEST

START_TEST(one_trace_by_latency_names_the_largest_excess)
{
	struct request request = usual;

	add_usual(40);
	request.stock = 220;
	add(draw(&request));
	count(WALK_LATENCY);
	ck_assert(verdict.found);
	ck_assert_str_eq(verdict.suspect.service, "stock");
	/* All of the excess is its own time: the certainty of a slow leaf. */
	ck_assert_double_eq_tol(verdict.confidence, 0.8, 1e-9);
}
END_TEST

START_TEST(the_order_of_the_traces_does_not_matter)
{
	double confidence, nats;

	add_usual(20);
	for (int i = 0; i < 12; i++) {
		struct request request = usual;

		request.stock = i % 3 == 0 ? 20 : 180 + 7 * i;
		request.ledger = i % 4 == 0 ? 90 : 20;
		add(draw(&request));
	}
	compare(WALK_LATENCY);
	ck_assert_str_eq(result.candidates[0].name, "stock");
	confidence = result.confidence;
	nats = result.candidates[0].time;
	evidence_free(window);
	window = evidence_new(1u << 20);
	for (unsigned int i = nwalks; i-- > 0;)
		ck_assert(evidence_add(window, &walks[i]));
	compare(WALK_LATENCY);
	ck_assert_str_eq(result.candidates[0].name, "stock");
	ck_assert_double_eq_tol(result.confidence, confidence, 1e-9);
	ck_assert_double_eq_tol(result.candidates[0].time, nats, 1e-9);
}
END_TEST

/* ---- where the signal's own span fails, paths count ---- */

static void add_failing_orders(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		add("checkout server POST /orders | 0 100 | ERROR\n"
		    "  checkout client POST /entries | 10 90 | ERROR\n"
		    "    ledger server POST /entries | 15 85 | ERROR; message=disk is full\n");
}

START_TEST(a_failing_path_is_counted)
{
	add_usual(20);
	add_failing_orders(9);
	add("checkout server POST /orders | 0 100 | ERROR\n"
	    "  checkout client GET /stock | 10 90 | ERROR\n"
	    "    stock server GET /stock | 15 85 | ERROR\n");
	count(WALK_AUTO);
	ck_assert(verdict.found);
	ck_assert_str_eq(verdict.suspect.service, "ledger");
	/* 9/10 x 0.95 */
	ck_assert_double_eq_tol(verdict.confidence, 0.855, 1e-9);
	ck_assert(reason_is("9 of 10 failing traces end in ledger: disk is full; no such "
			    "error in 20 healthy traces"));
}
END_TEST

START_TEST(a_failing_path_that_healthy_traces_show_counts_less)
{
	struct request request = usual;

	add_usual(10);
	request.ledger_marks = "ERROR; message=disk is full";
	for (int i = 0; i < 10; i++)
		add_healthy(draw(&request));
	add_failing_orders(4);
	count(WALK_ERRORS);
	/* 0.95 x (1 - 10/20) */
	ck_assert_double_eq_tol(verdict.confidence, 0.475, 1e-9);
	ck_assert(!verdict.found);
	ck_assert(reason_is("4 of 4 failing traces end in ledger: disk is full; 10 of 20 "
			    "healthy traces show it as well"));
}
END_TEST

static Suite *contrast_suite(void)
{
	Suite *suite = suite_create("contrast");
	TCase *evidence = tcase_create("evidence"), *who = tcase_create("who");

	tcase_add_checked_fixture(evidence, setup, teardown);
	tcase_add_test(evidence, time_is_split_into_own_and_calls);
	tcase_add_test(evidence, spans_of_one_service_are_one_invocation);
	tcase_add_test(evidence, without_kinds_an_only_child_is_a_call);
	tcase_add_test(evidence, errors_end_in_the_deepest_failing_invocation);
	tcase_add_test(evidence, a_failing_call_of_a_silent_callee_ends_there);
	tcase_add_test(evidence, what_was_refused_ends_at_the_caller);
	tcase_add_test(evidence, a_full_set_takes_no_more);
	tcase_add_test(evidence, only_sound_traces_are_healthy);
	tcase_add_test(evidence, evidence_survives_the_store);
	suite_add_tcase(suite, evidence);
	tcase_add_checked_fixture(who, setup, teardown);
	tcase_add_test(who, a_slow_service_is_named);
	tcase_add_test(who, always_slow_is_not_unusual);
	tcase_add_test(who, one_slow_call_of_two_is_the_callee);
	tcase_add_test(who, the_only_call_names_both_ends);
	tcase_add_test(who, all_calls_of_one_service_are_its_own);
	tcase_add_test(who, a_slow_database_is_told_with_its_caller);
	tcase_add_test(who, errors_that_healthy_traces_have_too_weigh_little);
	tcase_add_test(who, one_slow_trace_of_ten_is_chance);
	tcase_add_test(who, time_of_a_fallback_speaks_for_the_failed_call);
	tcase_add_test(who, a_failure_that_healthy_traces_have_explains_no_time);
	tcase_add_test(who, time_before_a_failing_call_is_no_fallback);
	tcase_add_test(who, a_failure_that_the_caller_never_knew_of_is_another_one);
	tcase_add_test(who, more_clean_healthy_traces_never_lower_a_confidence);
	tcase_add_test(who, a_lone_gap_is_an_edge_though_its_ends_are_no_twins);
	tcase_add_test(who, what_few_traces_show_is_not_named);
	tcase_add_test(who, an_error_that_is_always_there_hides_no_cause);
	tcase_add_test(who, nothing_unusual_names_nobody);
	tcase_add_test(who, here_one_and_there_another_names_nobody);
	tcase_add_test(who, a_rival_that_explains_the_rest_lowers_the_confidence);
	tcase_add_test(who, one_trace_in_mode_auto_is_not_enough_for_conviction);
	tcase_add_test(who, one_trace_by_latency_names_the_largest_excess);
	tcase_add_test(who, the_order_of_the_traces_does_not_matter);
	tcase_add_test(who, a_failing_path_is_counted);
	tcase_add_test(who, a_failing_path_that_healthy_traces_show_counts_less);
	suite_add_tcase(suite, who);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(contrast_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
