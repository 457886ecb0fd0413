/*
 * The walk of an alert that narrows it: names in another case, and calls of one callee
 * (tracepager-walk(7), section 3).
 */
#include "tests/lib/walk_check.h"

/* checkout's call of users fails first and ends first, its call of payment fails last. */
static const char two_calls[] = "checkout server POST /orders | 0 100 | ERROR\n"
				"  checkout client GET | 10 20 | ERROR; %s\n"
				"    users server GET /me | 11 19 | ERROR\n"
				"  checkout client POST | 30 95 | ERROR; peer.service=payment\n"
				"    payment server POST /charge | 31 94 | ERROR\n";

static void run_for(const char *service, const char *callee, const char *attribute)
{
	signal_of.callee = callee;
	options.alerted = &signal_of;
	run_signal(service, NULL, arena_printf(arena, two_calls, attribute));
}

START_TEST(without_a_callee_the_last_call_explains)
{
	run_for("checkout", NULL, "peer.service=users");
	ends_in("payment", SUSPECT_SPAN, 0.95);
	ck_assert(!walk.called);
}
END_TEST

START_TEST(the_callee_of_the_alert_narrows_the_start)
{
	static const struct {
		const char *callee, *attribute;
	} cases[] = {
		{ "users", "peer.service=users" },
		{ "USERS", "peer.service=users" },
		{ "users:8080", "server.address=users" },
		{ "users.shop.svc.cluster.local", "server.address=users" },
		{ "users", "server.address=users.shop.svc" },
		/* By the service that answered. */
		{ "users", "server.address=10.0.0.7" },
		{ "shop.Accounts", "rpc.service=shop.Accounts" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		run_for("checkout", cases[i].callee, cases[i].attribute);
		ends_in("users", SUSPECT_SPAN, 0.95);
		path_is("1 2 3");
		ck_assert(walk.called);
	}
}
END_TEST

START_TEST(a_callee_that_is_not_there_narrows_nothing)
{
	/* An address has no short form: 10 is not 10.0.0.7. */
	static const char *const callees[] = { "search", "10", "10.0", "" };

	for (size_t i = 0; i < ARRAY_LEN(callees); i++) {
		run_for("checkout", callees[i], "server.address=10.0.0.7");
		ck_assert_msg(!walk.called, "%s", callees[i]);
		ends_in("payment", SUSPECT_SPAN, 0.95);
	}
}
END_TEST

START_TEST(calls_of_another_service_are_not_the_alerts)
{
	/* payment is alerted: checkout's call of users is none of its calls. */
	run_for("payment", "users", "peer.service=users");
	ends_in("payment", SUSPECT_SPAN, 0.95);
	ck_assert(!walk.called);
}
END_TEST

START_TEST(a_call_that_did_not_fail_narrows_nothing)
{
	signal_of.callee = "users";
	options.alerted = &signal_of;
	run_signal("checkout", NULL,
		   "checkout server POST /orders | 0 100 | ERROR\n"
		   "  checkout client GET | 10 20 | peer.service=users\n"
		   "  checkout client POST | 30 95 | ERROR; peer.service=payment\n"
		   "    payment server POST /charge | 31 94 | ERROR\n");
	ends_in("payment", SUSPECT_SPAN, 0.95);
	ck_assert(!walk.called);
}
END_TEST

START_TEST(names_in_another_case_are_one_where_none_is_exact)
{
	signal_of.from = "label";
	run_signal("Checkout", "post /orders",
		   "gateway server POST / | 0 100 | ERROR\n"
		   "  checkout server POST /orders | 10 90 | ERROR\n"
		   "  shipping server GET /rates | 91 99 | ERROR\n");
	ends_in("checkout", SUSPECT_SPAN, 0.95);
	ck_assert(reason_has("no service is called Checkout; took checkout"));
	/* The very name goes first, with whatever operation. */
	run_signal("Checkout", "POST /orders",
		   "gateway server POST / | 0 100 | ERROR\n"
		   "  checkout server POST /orders | 10 90 | ERROR\n"
		   "  Checkout server GET /rates | 91 99 | ERROR\n");
	ends_in("Checkout", SUSPECT_SPAN, 0.95);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, without_a_callee_the_last_call_explains);
	tcase_add_test(tcase, the_callee_of_the_alert_narrows_the_start);
	tcase_add_test(tcase, a_callee_that_is_not_there_narrows_nothing);
	tcase_add_test(tcase, calls_of_another_service_are_not_the_alerts);
	tcase_add_test(tcase, a_call_that_did_not_fail_narrows_nothing);
	tcase_add_test(tcase, names_in_another_case_are_one_where_none_is_exact);
}

int main(void)
{
	Suite *suite = suite_create("walk_alerted");

	add(suite, "alerted", add_tests);
	return run_suite(suite);
}
