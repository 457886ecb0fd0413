/*
 * What healthy traces tell of callees, and what the walk and the vote make of that
 * (tracepager-walk(7), section 5). Traces are drawn; expected values follow from the rules.
 */
#include "tests/lib/walk_check.h"
#include "tracepager/callee_habits.h"
#include "tracepager/vote.h"

static struct evidence_set *healthy;

static void habits_setup(void)
{
	setup();
	healthy = evidence_new(1u << 20);
}

static void habits_teardown(void)
{
	evidence_free(healthy);
	teardown();
}

static void learn(unsigned int n, const char *drawing)
{
	for (; n > 0; n--) {
		struct trace_set *traces = trace_make(drawing);

		ck_assert(evidence_add_trace(healthy, &traces->traces[0], NULL));
		trace_set_free(traces);
	}
	options.habits = healthy->habits;
}

/* The callee takes 48, 50 or 52 ms, each twice: in the middle 50. */
static void learn_usual(void)
{
	learn(2, "checkout server POST / | 0 60 |\n"
		 "  checkout client POST | 1 50 |\n"
		 "    accounts server POST /score/17 | 1 49 |\n");
	learn(2, "checkout server POST / | 0 60 |\n"
		 "  checkout client POST | 1 52 |\n"
		 "    accounts server POST /score/18 | 1 51 |\n");
	learn(2, "checkout server POST / | 0 60 |\n"
		 "  checkout client POST | 1 54 |\n"
		 "    accounts server POST /score/19 | 1 53 |\n");
}

/* ---- deadlines ---- */

static const char gave_up_early[] =
	"checkout server POST / | 0 30 | ERROR\n"
	"  checkout client POST | 1 28 | ERROR; message=request timed out\n"
	"    accounts server POST /score/20 | 2 53 |\n";

START_TEST(a_deadline_below_the_usual_time_speaks_for_the_caller)
{
	learn_usual();
	run(gave_up_early);
	ends_in("checkout", SUSPECT_CALLER, 0.7);
	ck_assert(walk.suspect.impatient);
	ck_assert(reason_has("checkout gave up after 27 ms, but accounts POST /score/{id} usually "
			     "takes 50 ms (6 healthy traces)"));
}
END_TEST

START_TEST(four_healthy_traces_tell_no_usual_time)
{
	learn(4, "checkout server POST / | 0 60 |\n"
		 "  checkout client POST | 1 52 |\n"
		 "    accounts server POST /score/18 | 1 51 |\n");
	run(gave_up_early);
	ends_in("accounts", SUSPECT_SLOW, 0.8);
	learn(1, "checkout server POST / | 0 60 |\n"
		 "  checkout client POST | 1 52 |\n"
		 "    accounts server POST /score/18 | 1 51 |\n");
	run(gave_up_early);
	ends_in("checkout", SUSPECT_CALLER, 0.7);
}
END_TEST

START_TEST(a_callee_slower_than_usual_holds_its_caller_up)
{
	learn_usual();
	/* 45 ms are nine tenths of 50. */
	run("checkout server POST / | 0 50 | ERROR\n"
	    "  checkout client POST | 1 46 | ERROR; message=request timed out\n"
	    "    accounts server POST /score/20 | 2 53 |\n");
	ends_in("accounts", SUSPECT_SLOW, 0.8);
	ck_assert(reason_has("(usually 50 ms)"));
	/* Twice the usual time, too, although the deadline is short. */
	run("checkout server POST / | 0 30 | ERROR\n"
	    "  checkout client POST | 1 28 | ERROR; message=request timed out\n"
	    "    accounts server POST /score/20 | 2 102 |\n");
	ends_in("accounts", SUSPECT_SLOW, 0.8);
}
END_TEST

START_TEST(the_last_attempt_has_only_the_rest_of_the_time)
{
	learn_usual();
	run("checkout server POST / | 0 130 | ERROR\n"
	    "  checkout client POST | 1 101 | ERROR; message=request timed out\n"
	    "  checkout client POST | 102 122 | ERROR; message=request timed out\n"
	    "    accounts server POST /score/20 | 103 163 |\n");
	ends_in("accounts", SUSPECT_SLOW, 0.8);
}
END_TEST

START_TEST(a_call_without_an_answer_has_a_usual_time)
{
	learn(5, "accounts server POST /score | 0 100 |\n"
		 "  accounts client SELECT scores | 10 90 | db.system=mysql; db.name=ledger\n");
	run("accounts server POST /score | 0 30 | ERROR\n"
	    "  accounts client SELECT scores | 10 20 | ERROR; message=query timed out; "
	    "db.system=mysql; db.name=ledger\n");
	ends_in("accounts", SUSPECT_CALLER, 0.7);
	ck_assert(reason_has("accounts gave up after 10 ms, but mysql/ledger SELECT scores usually "
			     "takes 80 ms"));
	/* A code is an answer; a refused connection is no deadline. */
	run("accounts server POST /score | 0 30 | ERROR\n"
	    "  accounts client SELECT scores | 10 20 | ERROR; http.response.status_code=504; "
	    "db.system=mysql; db.name=ledger\n");
	ends_in("accounts", SUSPECT_PEER, 0.6);
	run("accounts server POST /score | 0 30 | ERROR\n"
	    "  accounts client SELECT scores | 10 20 | ERROR; message=dial tcp: i/o timeout; "
	    "db.system=mysql; db.name=ledger\n");
	ends_in("accounts", SUSPECT_PEER, 0.6);
}
END_TEST

/* ---- names ---- */

static const char by_name[] =
	"accounts server POST /score | 0 30 | ERROR\n"
	"  accounts client Reserve | 10 20 | ERROR; message=connection refused; "
	"rpc.service=shop.Stock\n";
static const char by_address[] = "web server POST /orders | 0 30 | ERROR\n"
				 "  web client GET | 10 20 | ERROR; message=connection refused; "
				 "server.address=127.0.0.1; server.port=24206\n";

static void learn_names(void)
{
	learn(1, "accounts server POST /score | 0 30 |\n"
		 "  accounts client Reserve | 10 20 | rpc.service=shop.Stock\n"
		 "    shop/stock server Reserve | 11 19 |\n");
	learn(1, "web server POST /orders | 0 30 |\n"
		 "  web client GET | 10 20 | server.address=127.0.0.1; server.port=24206\n"
		 "    shop/stock server GET | 11 19 |\n");
}

START_TEST(one_healthy_trace_tells_who_answers_to_a_name)
{
	learn_names();
	run(by_name);
	ends_in("accounts", SUSPECT_PEER, 0.6);
	ck_assert_str_eq(walk.suspect.callee, "stock");
	ck_assert_str_eq(walk.suspect.callee_namespace, "shop");
	ck_assert_str_eq(walk.suspect.peers[0], "shop.Stock");
	ck_assert(reason_has("healthy traces show that shop.Stock is stock"));
	run(by_address);
	ck_assert_str_eq(walk.suspect.callee, "stock");
}
END_TEST

START_TEST(an_address_without_its_port_is_no_name)
{
	learn_names();
	run("web server POST /orders | 0 30 | ERROR\n"
	    "  web client GET | 10 20 | ERROR; message=connection refused; "
	    "server.address=127.0.0.1; server.port=5432\n");
	ck_assert_str_eq(walk.suspect.callee, "127.0.0.1:5432");
	ck_assert_ptr_null(walk.suspect.callee_namespace);
}
END_TEST

START_TEST(a_name_of_two_services_is_none)
{
	learn_names();
	learn(1, "accounts server POST /score | 0 30 |\n"
		 "  accounts client Reserve | 10 20 | rpc.service=shop.Stock\n"
		 "    shop/depot server Reserve | 11 19 |\n");
	run(by_name);
	ck_assert_str_eq(walk.suspect.callee, "shop.Stock");
	ck_assert_ptr_null(walk.suspect.callee_namespace);
}
END_TEST

START_TEST(two_names_of_one_service_count_together)
{
	struct vote_options how = { .threshold = 0.5 };
	struct trace_set *first = trace_make(by_name), *second = trace_make(by_address);
	struct walk walks[2];
	struct verdict verdict;

	for (unsigned int known = 0; known < 2; known++) {
		if (known)
			learn_names();
		walk_trace(arena, &first->traces[0], &options, &walks[0]);
		walk_trace(arena, &second->traces[0], &options, &walks[1]);
		vote(arena, walks, 2, &how, &verdict);
		ck_assert_uint_eq(verdict.found, known);
		ck_assert_uint_eq(verdict.agree, 1 + known);
	}
	ck_assert_str_eq(verdict.suspect.callee, "stock");
	ck_assert_double_eq_tol(verdict.confidence, 0.6, 1e-9);
	ck_assert_str_eq(verdict.reasons[0],
			 "2 of 2 failing traces end in calls of stock: connection refused");
	trace_set_free(first);
	trace_set_free(second);
}
END_TEST

/* ---- the codec ---- */

START_TEST(habits_survive_the_store)
{
	struct buf bytes = BUF_INIT(1u << 20);
	struct evidence_set *again;
	struct callee_time time;

	learn_usual();
	learn_names();
	learn(1, "web server POST /orders | 0 30 |\n"
		 "  web client GET | 10 20 | server.address=127.0.0.1; server.port=24206\n"
		 "    shop/depot server GET | 11 19 |\n");
	evidence_encode(healthy, &bytes);
	again = evidence_decode(bytes.data, bytes.len);
	ck_assert_ptr_nonnull(again);
	ck_assert(callee_habits_time(again->habits, arena, "", "accounts", "POST /score/3", false,
				     &time));
	ck_assert_int_eq(time.us, 50000);
	ck_assert_uint_eq(time.traces, 6);
	options.habits = again->habits;
	run(by_name);
	ck_assert_str_eq(walk.suspect.callee, "stock");
	ck_assert_str_eq(walk.suspect.callee_namespace, "shop");
	/* Two services answer to it. */
	run(by_address);
	ck_assert_str_eq(walk.suspect.callee, "127.0.0.1:24206");
	evidence_free(again);
	for (size_t len = 0; len < bytes.len; len++)
		ck_assert_ptr_null(evidence_decode(bytes.data, len));
	buf_fini(&bytes);
}
END_TEST

/* One service, no text, one trace of 7 us without a stratum, observations and ends; then no facts,
 * profiles and shapes, and of the trace no shapes and units; then of the fifth form no times and
 * names. */
#define FORM(text)                                                                                 \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
static const struct {
	const char *bytes;
	size_t len;
} forms[] = {
	FORM("TPE1\x01\x00\x06ledger\x00\x00\x01\x0e\x00\x00\x00"),
	FORM("TPE2\x01\x00\x06ledger\x00\x00\x01\x0e\x00\x00\x00\x00\x00\x00"),
	FORM("TPE3\x01\x00\x06ledger\x00\x00\x01\x0e\x00\x00\x00\x00\x00\x00\x00\x00"),
	FORM("TPE4\x01\x00\x06ledger\x00\x00\x01\x0e\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
	FORM("TPE5\x01\x00\x06ledger\x00\x00\x01\x0e\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	     "\x00"),
};

START_TEST(all_forms_are_read)
{
	struct evidence_set *old = evidence_decode(forms[_i].bytes, forms[_i].len);

	ck_assert_ptr_nonnull(old);
	ck_assert_uint_eq(old->n, 1);
	ck_assert_int_eq(old->at[0].duration_us, 7);
	ck_assert_uint_eq(callee_habits_ntimes(old->habits), 0);
	options.habits = old->habits;
	run(by_name);
	ck_assert_str_eq(walk.suspect.callee, "shop.Stock");
	evidence_free(old);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("callee_habits");
	TCase *tcase = tcase_create("callee_habits");

	tcase_add_checked_fixture(tcase, habits_setup, habits_teardown);
	tcase_add_test(tcase, a_deadline_below_the_usual_time_speaks_for_the_caller);
	tcase_add_test(tcase, four_healthy_traces_tell_no_usual_time);
	tcase_add_test(tcase, a_callee_slower_than_usual_holds_its_caller_up);
	tcase_add_test(tcase, the_last_attempt_has_only_the_rest_of_the_time);
	tcase_add_test(tcase, a_call_without_an_answer_has_a_usual_time);
	tcase_add_test(tcase, one_healthy_trace_tells_who_answers_to_a_name);
	tcase_add_test(tcase, an_address_without_its_port_is_no_name);
	tcase_add_test(tcase, a_name_of_two_services_is_none);
	tcase_add_test(tcase, two_names_of_one_service_count_together);
	tcase_add_test(tcase, habits_survive_the_store);
	tcase_add_loop_test(tcase, all_forms_are_read, 0, ARRAY_LEN(forms));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
