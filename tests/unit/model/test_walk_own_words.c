/*
 * The words of a span above a failed call: words that only say that something failed do not show
 * that the call was survived; specific words that share nothing with the call's leave the call in
 * doubt, or, after a later success, show that it was survived (tracepager-walk(7), section 4).
 */
#include "relay/model/span-internal.h"
#include "tests/lib/walk_check.h"

static const struct {
	const char *marks;
	bool specific;
} specific_rows[] = {
	{ "", false },
	{ "message=500", false },
	{ "message=checkout failed", false },
	{ "message=order could not be placed", false },
	{ "message=Checkout failed, please try again", false },
	{ "exception.type=com.shop.CheckoutException", false },
	{ "exception.type=com.shop.OrderFailedException; message=order 77 failed", false },
	{ "message=503 SERVICE_UNAVAILABLE \"Please try again\"", false },
	{ "message=currency table empty", true },
	{ "message=Order total is negative", true },
	{ "message=KeyError: vat", true },
	{ "message=TRPCError: INTERNAL_SERVER_ERROR", false },
	{ "message=TRPCError: vat row missing", true },
	{ "message=cannot bill: ledger row missing", true }, /* a clause that says why */
	{ "message=cannot read properties of undefined", true },
	/* 8 words that hold "failed", and 9. */
	{ "message=one two three four five six seven failed", false },
	{ "message=one two three four five six seven eight failed", true },
	/* Words of a client speak of a call. */
	{ "message=Response status code does not indicate success: 500", false },
	{ "message=socket hang up", false },
	{ "message=context deadline exceeded", false },
};

START_TEST(words_that_say_more_than_that_it_failed)
{
	char drawing[256];

	snprintf(drawing, sizeof(drawing), "cart server GET | 0 100 | ERROR; %s\n",
		 specific_rows[_i].marks);
	begin(drawing);
	ck_assert_msg(span_says_specific(&set->traces[0], &set->traces[0].spans[0]) ==
			      specific_rows[_i].specific,
		      "%s", specific_rows[_i].marks);
}
END_TEST

/* A server with these words over a call that failed, and one that succeeded later. */
static void run_later(const char *above, const char *later)
{
	char drawing[1024];

	snprintf(drawing, sizeof(drawing),
		 "shop server POST /o | 0 300 | ERROR; %s\n"
		 "  shop client GET /r | 10 40 | ERROR; http.response.status_code=500\n"
		 "    hints server GET /r | 12 38 | ERROR; message=no model\n"
		 "%s",
		 above, later);
	run(drawing);
}

#define READ	"  shop client GET /t | 60 70 | server.address=texts\n"
#define ADDED	"  shop client INSERT | 60 70 | db.system=postgresql; db.operation.name=INSERT\n"
#define CHANGED "  shop client UPDATE | 60 70 | db.system=postgresql; db.operation.name=UPDATE\n"

START_TEST(general_words_do_not_show_survival)
{
	run_later("message=checkout failed", READ);
	ends_in("hints", SUSPECT_SPAN, 0.95 * 0.8);
	ck_assert(verdict_limits_has(&walk.limits, VERDICT_LIMIT_MAYBE_SURVIVED));
	/* A row about the failure is no sign, either. */
	run_later("message=order 77 failed", CHANGED);
	ends_in("hints", SUSPECT_SPAN, 0.95);
	run_later("message=order 77 failed", ADDED);
	ends_in("hints", SUSPECT_SPAN, 0.95);
}
END_TEST

/* General words may be about a call that was refused later. */
START_TEST(a_later_failure_is_what_general_words_tell)
{
	run_later("message=could not place order",
		  READ "  shop client POST /pay | 80 120 | ERROR; server.address=pay; "
		       "http.response.status_code=400\n");
	ends_in("shop", SUSPECT_CALLER, 0.7);
	/* Not about a clean-up. */
	run_later("message=could not place order",
		  READ "  shop client POST /release | 80 120 | ERROR; server.address=stock; "
		       "http.response.status_code=400\n");
	ends_in("hints", SUSPECT_SPAN, 0.95 * 0.8);
}
END_TEST

START_TEST(specific_words_after_a_success_show_survival)
{
	run_later("message=currency table empty", READ);
	ends_in("shop", SUSPECT_SPAN, 0.95 * 0.8);
	run_later("message=currency table empty", ADDED);
	ends_in("shop", SUSPECT_SPAN, 0.95 * 0.8);
	ck_assert(reason_has("GET /r failed, but shop went on with other calls, and its own words "
			     "share nothing with that failure"));
}
END_TEST

START_TEST(specific_words_alone_leave_a_doubt)
{
	run_later("message=currency table empty", "");
	ends_in("hints", SUSPECT_SPAN, 0.6);
	ck_assert(verdict_limits_has(&walk.limits, VERDICT_LIMIT_OWN_WORDS));
	/* An UPDATE may undo what was done before. */
	run_later("message=currency table empty", CHANGED);
	ends_in("hints", SUSPECT_SPAN, 0.6);
	/* A word in common, also in the plural; words that wrap the failure; none. */
	run_later("message=currency models empty", "");
	ends_in("hints", SUSPECT_SPAN, 0.95);
	run_later("message=currency table empty: no model", "");
	ends_in("hints", SUSPECT_SPAN, 0.95);
	run_later("message=500", "");
	ends_in("hints", SUSPECT_SPAN, 0.95);
	/* An open breaker, and a cancelled call, follow from something else. */
	run_later("message=CircuitBreaker 'x' is OPEN and does not permit further calls", "");
	ends_in("hints", SUSPECT_SPAN, 0.95);
	/* What the call lacked was refused: that is the caller's fault anyway. */
	run("shop server POST /o | 0 300 | ERROR; message=currency table empty\n"
	    "  shop client GET /r | 10 40 | ERROR; http.response.status_code=404; "
	    "server.address=hints\n");
	ends_in("shop", SUSPECT_CALLER, 0.7);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, words_that_say_more_than_that_it_failed, 0,
			    ARRAY_LEN(specific_rows));
	tcase_add_test(tcase, general_words_do_not_show_survival);
	tcase_add_test(tcase, a_later_failure_is_what_general_words_tell);
	tcase_add_test(tcase, specific_words_after_a_success_show_survival);
	tcase_add_test(tcase, specific_words_alone_leave_a_doubt);
}

int main(void)
{
	Suite *suite = suite_create("walk_own_words");

	add(suite, "own words", add_tests);
	return run_suite(suite);
}
