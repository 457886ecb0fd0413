/*
 * Evidence, calls: which calls were made for the request of a drawn trace, as texts; and that the
 * stored form keeps them.
 */
#include <stdarg.h>

#include "relay/model/evidence-internal.h"
#include "tests/lib/walk_check.h"
#include "tracepager/buf.h"
#include "tracepager/evidence.h"
#include "tracepager/limits.h"

static struct evidence_set *healthy;
static char shown[65536], drawing[65536];

static void calls_setup(void)
{
	setup();
	healthy = evidence_new(8u << 20);
	shown[0] = drawing[0] = '\0';
}

static void calls_teardown(void)
{
	evidence_free(healthy);
	teardown();
}

__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size,
							 const char *format, ...)
{
	size_t len = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + len, size - len, format, args);
	va_end(args);
}

/* "index<above callee operation time/path marks;" for each call, times in milliseconds. */
static void show_calls(const struct evidence_set *of)
{
	const struct evidence *evidence = &of->at[0];

	shown[0] = '\0';
	for (uint32_t i = 0; i < evidence->ncalls; i++) {
		const struct evidence_call *call = &evidence->calls[i];

		append(shown, sizeof(shown), "%s%u", i ? "; " : "", i);
		if (call->above != TRACE_NONE)
			append(shown, sizeof(shown), "<%u", call->above);
		append(shown, sizeof(shown), " %s %s %d/%d%s%s%s%s",
		       of->services[call->callee].name, of->texts[call->operation],
		       (int)(call->us / US_PER_MS), (int)(call->path_us / US_PER_MS),
		       of->services[call->callee].peer ? " peer" : "",
		       call->failed ? " failed" : "", call->fatal ? " fatal" : "",
		       call->message ? " message" : "");
	}
}

static const struct {
	const char *drawing, *calls;
} call_rows[] = {
	{ "cart server A | 0 100 |\n", "" },
	/* Client and server are one call, with the client's time. */
	{ "cart server A | 0 100 |\n"
	  "  cart client B | 10 60 |\n"
	  "    stock server C | 20 50 |\n",
	  "0 stock C 50/50" },
	/* Without a client's span it is the server's. */
	{ "cart server A | 0 100 |\n"
	  "  stock server C | 20 50 |\n",
	  "0 stock C 30/30" },
	/* Below each other: the second is made in the first. */
	{ "cart server A | 0 100 |\n"
	  "  stock server B | 20 80 |\n"
	  "    stock internal W | 20 80 |\n"
	  "      price server C | 30 40 |\n",
	  "0 stock B 60/60; 1<0 price C 10/10" },
	/* At once: the one that ended last has the path, but for what begins before it. */
	{ "cart server A | 0 100 |\n"
	  "  stock server B | 10 50 |\n"
	  "  price server C | 20 90 |\n"
	  "  notes server D | 30 40 |\n",
	  "0 stock B 40/10; 1 price C 70/70; 2 notes D 10/0" },
	/* A callee without spans has the name that its caller gives it; without a name there is no
	 * call. */
	{ "cart server A | 0 100 |\n"
	  "  cart client SELECT | 10 20 | peer.service=db\n"
	  "  cart client B | 30 40 |\n",
	  "0 db SELECT 10/10 peer" },
	/* Ids are one. */
	{ "cart server A | 0 100 |\n"
	  "  stock server GET /items/123 | 20 50 |\n",
	  "0 stock GET /items/{id} 30/30" },
	/* A message: nobody waits. */
	{ "cart server A | 0 100 |\n"
	  "  cart producer P | 10 20 |\n"
	  "    mailer consumer C | 200 500 |\n",
	  "0 mailer C 300/10 message" },
	/* A failed call fails its caller where the request failed too. */
	{ "cart server A | 0 100 | ERROR\n"
	  "  stock server B | 20 50 | ERROR\n",
	  "0 stock B 30/30 failed fatal" },
	{ "cart server A | 0 100 |\n"
	  "  stock server B | 20 50 | ERROR\n",
	  "0 stock B 30/30 failed" },
	/* An attempt that a later one made up for is not fatal, whatever else failed. */
	{ "cart server A | 0 100 | ERROR\n"
	  "  stock server B | 20 30 | ERROR\n"
	  "  stock server B | 40 50 |\n"
	  "  price server C | 60 70 | ERROR\n",
	  "0 stock B 10/10 failed; 1 stock B 10/10; 2 price C 10/10 failed fatal" },
	/* Nor is the last one after one that went well: no later one made up for it. */
	{ "cart server A | 0 100 | ERROR\n"
	  "  stock server B | 20 30 |\n"
	  "  stock server B | 40 50 | ERROR\n",
	  "0 stock B 10/10; 1 stock B 10/10 failed fatal" },
	/* Below a call that did not fail nothing is fatal. */
	{ "cart server A | 0 100 | ERROR\n"
	  "  stock server B | 20 50 |\n"
	  "    price server C | 30 40 | ERROR\n",
	  "0 stock B 30/30; 1<0 price C 10/10 failed" },
};

START_TEST(which_calls_were_made)
{
	begin(call_rows[_i].drawing);
	ck_assert(evidence_add_trace(healthy, &set->traces[0], NULL));
	show_calls(healthy);
	ck_assert_str_eq(shown, call_rows[_i].calls);
}
END_TEST

START_TEST(the_request_is_known)
{
	begin("shop/cart server GET /carts/17 | 5 100 |\n");
	ck_assert(evidence_add_trace(healthy, &set->traces[0], NULL));
	const struct evidence *evidence = &healthy->at[0];
	ck_assert_str_eq(evidence->trace_id, trace_text(&set->traces[0], set->traces[0].id));
	ck_assert_int_eq(evidence->start_us, set->traces[0].spans[0].start_us);
	ck_assert_str_eq(healthy->services[evidence->entry_service].name, "cart");
	ck_assert_str_eq(healthy->services[evidence->entry_service].namespace, "shop");
	ck_assert_str_eq(healthy->texts[evidence->entry_operation], "GET /carts/{id}");
}
END_TEST

/* 300 calls are kept; of more the request says that it is cut. */
START_TEST(many_calls_are_cut)
{
	for (unsigned int n = LIMIT_EVIDENCE_CALLS; n <= LIMIT_EVIDENCE_CALLS + 1; n++) {
		evidence_free(healthy);
		healthy = evidence_new(8u << 20);
		drawing[0] = '\0';
		append(drawing, sizeof(drawing), "cart server A | 0 100 |\n");
		for (unsigned int i = 0; i < n; i++)
			append(drawing, sizeof(drawing), "  stock server B | 1 2 |\n");
		begin(drawing);
		ck_assert(evidence_add_trace(healthy, &set->traces[0], NULL));
		ck_assert_uint_eq(healthy->at[0].ncalls, LIMIT_EVIDENCE_CALLS);
		ck_assert_int_eq(healthy->at[0].calls_cut, n > LIMIT_EVIDENCE_CALLS);
	}
}
END_TEST

START_TEST(a_brief_set_has_none)
{
	begin(call_rows[1].drawing);
	healthy->brief = true;
	ck_assert(evidence_add_trace(healthy, &set->traces[0], NULL));
	ck_assert_uint_eq(healthy->at[0].ncalls, 0);
	ck_assert_ptr_null(healthy->at[0].trace_id);
}
END_TEST

START_TEST(the_stored_form_keeps_them)
{
	begin(call_rows[_i].drawing);
	ck_assert(evidence_add_trace(healthy, &set->traces[0], NULL));
	struct buf bytes = BUF_INIT(1u << 20);
	evidence_encode(healthy, &bytes);
	struct evidence_set *back = evidence_decode(buf_text(&bytes), bytes.len);
	ck_assert_ptr_nonnull(back);
	show_calls(back);
	ck_assert_str_eq(shown, call_rows[_i].calls);
	for (uint32_t i = 0; i < back->at[0].ncalls; i++)
		ck_assert_int_eq(back->at[0].calls[i].path_us, healthy->at[0].calls[i].path_us);
	ck_assert_str_eq(back->at[0].trace_id, healthy->at[0].trace_id);
	ck_assert_int_eq(back->at[0].start_us, healthy->at[0].start_us);
	ck_assert_str_eq(back->texts[back->at[0].entry_operation], "A");
	evidence_free(back);
	buf_fini(&bytes);
}
END_TEST

/* The form before this one ended where the calls begin: a set without ids has one byte for each
 * trace there. */
START_TEST(the_form_before_has_none)
{
	begin(call_rows[1].drawing);
	ck_assert(evidence_add_trace(healthy, &set->traces[0], NULL));
	healthy->at[0].trace_id = NULL;
	struct buf bytes = BUF_INIT(1u << 20);
	evidence_encode(healthy, &bytes);
	ck_assert_int_eq(bytes.data[3], '6');
	bytes.data[3] = '5';
	ck_assert_ptr_null(evidence_decode(bytes.data, bytes.len));
	struct evidence_set *back = evidence_decode(bytes.data, bytes.len - 1);
	ck_assert_ptr_nonnull(back);
	ck_assert_uint_eq(back->n, 1);
	ck_assert_uint_eq(back->at[0].ncalls, 0);
	ck_assert_ptr_nonnull(back->habits);
	evidence_free(back);
	buf_fini(&bytes);
}
END_TEST

/* Each cut of the bytes is refused, and none reads beyond them. */
START_TEST(what_is_cut_is_refused)
{
	begin(call_rows[4].drawing);
	ck_assert(evidence_add_trace(healthy, &set->traces[0], NULL));
	struct buf bytes = BUF_INIT(1u << 20);
	evidence_encode(healthy, &bytes);
	for (size_t len = 0; len < bytes.len; len++) {
		char *copy = malloc(len + 1);
		memcpy(copy, bytes.data, len);
		ck_assert_ptr_null(evidence_decode(copy, len));
		free(copy);
	}
	buf_fini(&bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("evidence calls");
	TCase *tcase = tcase_create("calls");

	tcase_add_checked_fixture(tcase, calls_setup, calls_teardown);
	tcase_add_loop_test(tcase, which_calls_were_made, 0, ARRAY_LEN(call_rows));
	tcase_add_test(tcase, the_request_is_known);
	tcase_add_test(tcase, many_calls_are_cut);
	tcase_add_test(tcase, a_brief_set_has_none);
	tcase_add_loop_test(tcase, the_stored_form_keeps_them, 0, ARRAY_LEN(call_rows));
	tcase_add_test(tcase, the_form_before_has_none);
	tcase_add_test(tcase, what_is_cut_is_refused);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
