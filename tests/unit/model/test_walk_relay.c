/*
 * The walk through spans that hide a failure: relays of sidecars that set no status, answers of
 * GraphQL whose code is 200, and proxies that tell by flags why they ended a request.
 */
#include "tests/lib/walk_check.h"

START_TEST(relays_of_sidecars_are_one_chain)
{
	run("web server GET /p | 0 90 | ERROR\n"
	    "  web client GET | 2 87 | ERROR; http.response.status_code=500\n"
	    "    web server invoke | 3 83 | http.response.status_code=500\n"
	    "      web client CallLocal | 5 80 |\n"
	    "        recs server CallLocal | 7 77 |\n"
	    "          recs server GET /p | 10 70 | ERROR; message=model missing\n");
	ends_in("recs", SUSPECT_SPAN, 0.95 * 0.9);
}
END_TEST

START_TEST(what_does_more_than_relay_is_none)
{
	/* The sidecar of recs spent most of the time by itself. */
	run("web server GET /p | 0 90 | ERROR; message=out of heap\n"
	    "  web client CallLocal | 5 80 |\n"
	    "    recs server CallLocal | 7 77 |\n"
	    "      recs server GET /p | 10 20 | ERROR; message=model missing\n");
	ends_in("web", SUSPECT_SPAN, 0.95);
}
END_TEST

START_TEST(a_resolver_below_an_answer_of_success)
{
	run("router server POST /graphql | 0 90 | ERROR; http.response.status_code=500\n"
	    "  router internal users | 4 64 | ERROR; message=user not loaded\n"
	    "    router client POST | 6 56 | http.response.status_code=200\n"
	    "      users server POST /graphql | 8 53 | http.response.status_code=200\n"
	    "        users internal resolve | 10 40 | ERROR; message=user not loaded: shard 3\n");
	ends_in("users", SUSPECT_SPAN, 0.95 * 0.9);
	/* Other words: users tolerated a failure of its own, and router has a bug. */
	run("router server POST /graphql | 0 90 | ERROR; http.response.status_code=500\n"
	    "  router internal users | 4 64 | ERROR; message=nil map\n"
	    "    router client POST | 6 56 | http.response.status_code=200\n"
	    "      users server POST /graphql | 8 53 | http.response.status_code=200\n"
	    "        users internal resolve | 10 40 | ERROR; message=avatar is missing\n");
	ends_in("router", SUSPECT_SPAN, 0.95);
}
END_TEST

/* The caller's proxy gave up after 1 s; the callee's proxy was hung up on, and its service worked
 * on for 5 s. */
START_TEST(a_proxy_that_was_hung_up_on_is_no_culprit)
{
	run("shop server POST /order | 0 1040 | ERROR; http.status_code=500\n"
	    "  shop client GET | 6 1004 | ERROR; http.status_code=504\n"
	    "    shop-proxy client cart | 7 1000 | http.status_code=504; error=true; "
	    "response_flags=UT\n"
	    "      cart-proxy server cart | 9 998 | error=true; response_flags=UC,DC\n"
	    "        cart server GET /c | 11 5000 |\n");
	ends_in("cart", SUSPECT_SLOW, 0.8);
}
END_TEST

START_TEST(another_flag_is_no_hanging_up)
{
	run("shop server POST /order | 0 1040 | ERROR; http.status_code=500\n"
	    "  shop client GET | 6 1004 | ERROR; http.status_code=500\n"
	    "    cart-proxy server cart | 9 998 | ERROR; response_flags=DCX,-\n");
	ends_in("cart-proxy", SUSPECT_SPAN, 0.95);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_proxy_that_was_hung_up_on_is_no_culprit);
	tcase_add_test(tcase, another_flag_is_no_hanging_up);
	tcase_add_test(tcase, relays_of_sidecars_are_one_chain);
	tcase_add_test(tcase, what_does_more_than_relay_is_none);
	tcase_add_test(tcase, a_resolver_below_an_answer_of_success);
}

int main(void)
{
	Suite *suite = suite_create("walk_relay");

	add(suite, "relay", add_tests);
	return run_suite(suite);
}
