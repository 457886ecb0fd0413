/*
 * The walk among several failing calls: attempts of which the last was only refused, circuit
 * breakers, calls that ran side by side, .NET's cancelled calls, and a deadline that an earlier
 * call used up.
 */
#include "tests/lib/walk_check.h"

START_TEST(a_refusal_stands_behind_the_failure_before_it)
{
	run("shop server POST /o | 0 1300 | ERROR\n"
	    "  shop client POST | 12 1012 | ERROR; error.type=timeout; server.address=pay\n"
	    "    pay server POST /p | 13 4013 |\n"
	    "  shop client POST | 1212 1232 | ERROR; server.address=pay; "
	    "http.response.status_code=409\n"
	    "    pay server POST /p | 1213 1230 | http.response.status_code=409\n");
	ends_in("pay", SUSPECT_SLOW, 0.8);
	ck_assert(reason_has("were only refused, which followed from it"));
}
END_TEST

START_TEST(a_breaker_stands_behind_the_call_for_which_it_opened)
{
	run("shop server POST /o | 0 500 | ERROR; message=CircuitBreaker 'stock' is OPEN and does "
	    "not permit further calls\n"
	    "  shop client POST | 12 32 | ERROR; http.response.status_code=500\n"
	    "    stock server POST /p | 13 30 | ERROR; message=shard 2 offline\n"
	    "  shop internal reserve | 470 475 | ERROR; message=CircuitBreaker 'stock' is OPEN and "
	    "does not permit further calls\n");
	ends_in("stock", SUSPECT_SPAN, 0.95);
}
END_TEST

START_TEST(a_longer_chain_does_not_tell_calls_apart_that_overlap)
{
	run("shop server GET / | 0 300 | ERROR\n"
	    "  shop client GET /map | 10 60 | ERROR\n"
	    "    geo server GET /map | 12 57 | ERROR; message=tile store is gone\n"
	    "  shop client GET /sky | 10 270 | ERROR\n"
	    "    sky server GET /sky | 12 267 | ERROR\n"
	    "      sky client GET /raw | 14 264 | ERROR\n"
	    "        raw server GET /raw | 16 256 | ERROR; message=no data\n");
	ends_in("raw", SUSPECT_SPAN, 0.95 / 2);
}
END_TEST

START_TEST(a_task_cancelled_by_its_own_time_out)
{
	/* Nothing failed near its end: it waited for recs for all of its 5 s. */
	run("shop server GET / | 0 5200 | ERROR\n"
	    "  shop client POST /price | 10 60 | ERROR\n"
	    "    price server POST /price | 12 57 | ERROR; message=read-only\n"
	    "  shop client GET /r | 100 5100 | ERROR; "
	    "error.type=System.Threading.Tasks.TaskCanceledException\n"
	    "    recs server GET /r | 102 9102 |\n");
	ends_in("recs", SUSPECT_SLOW, 0.8);
	/* The failure of price cancelled it. */
	run("shop server GET / | 0 5200 | ERROR\n"
	    "  shop client POST /price | 10 5095 | ERROR\n"
	    "    price server POST /price | 12 5090 | ERROR; message=read-only\n"
	    "  shop client GET /r | 100 5100 | ERROR; "
	    "error.type=System.Threading.Tasks.TaskCanceledException\n"
	    "    recs server GET /r | 102 9102 |\n");
	ends_in("price", SUSPECT_SPAN, 0.95);
}
END_TEST

START_TEST(a_deadline_eaten_before_a_call_without_a_server)
{
	run("shop server POST /o | 0 1000 | ERROR\n"
	    "  shop client GET /u | 10 958 |\n"
	    "    users server GET /u | 12 956 |\n"
	    "  shop client POST /p | 960 999 | ERROR; message=context deadline exceeded\n");
	ends_in("users", SUSPECT_SLOW, 0.6);
	/* 100 ms are more than a tenth of 900: the call had time of its own. */
	run("shop server POST /o | 0 1010 | ERROR\n"
	    "  shop client GET /u | 5 905 |\n"
	    "    users server GET /u | 7 903 |\n"
	    "  shop client POST /p | 909 1009 | ERROR; message=context deadline exceeded\n");
	ends_in("shop", SUSPECT_PEER, 0.6);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_refusal_stands_behind_the_failure_before_it);
	tcase_add_test(tcase, a_breaker_stands_behind_the_call_for_which_it_opened);
	tcase_add_test(tcase, a_longer_chain_does_not_tell_calls_apart_that_overlap);
	tcase_add_test(tcase, a_task_cancelled_by_its_own_time_out);
	tcase_add_test(tcase, a_deadline_eaten_before_a_call_without_a_server);
}

int main(void)
{
	Suite *suite = suite_create("walk_several");

	add(suite, "several", add_tests);
	return run_suite(suite);
}
