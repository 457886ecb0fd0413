/*
 * Strata: which operation a trace's request is of, and the vote of a broad signal
 * (tracepager-walk(7), section 7).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/model/strata-internal.h"
#include "tests/lib/trace_make.h"
#include "tracepager/vote.h"
#include "tracepager/xalloc.h"

#define WINDOW 32

static struct arena *arena;
static struct evidence_set *healthy;
static struct trace_set *sets[WINDOW];
static struct walk walks[WINDOW];
static unsigned int nwalks;
static struct verdict verdict;
static struct stratum *strata;
static unsigned int nstrata;

static const struct signal of_gateway = { .service = "gateway" };

static void setup(void)
{
	arena = arena_new(64u << 20);
	healthy = evidence_new(1u << 20);
	nwalks = 0;
}

static void teardown(void)
{
	for (unsigned int i = 0; i < nwalks; i++)
		trace_set_free(sets[i]);
	evidence_free(healthy);
	arena_free(arena);
}

/* ---- names ---- */

START_TEST(ids_count_as_one)
{
	static const char *const names[][2] = {
		{ "GET /users/17", "GET /users/{id}" },
		{ "/users/17/orders/4711?page=2", "/users/{id}/orders/{id}?page={id}" },
		{ "GET /t/0b7f5a52-4f9b-4a6b-9e6e-0a3f6d1f2c11", "GET /t/{id}" },
		{ "job deadbeef01", "job {id}" },
		{ "01HV3K9Q7Z8MW2AB5C", "{id}" },
		{ "GET /api/v2/orders", "GET /api/v2/orders" },
		{ "POST /oauth2/token", "POST /oauth2/token" },
		{ "facade", "facade" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ck_assert_str_eq(operation_without_ids(arena, names[i][0]), names[i][1]);
}
END_TEST

START_TEST(some_names_say_nothing)
{
	static const char *const empty[] = {
		"GET",
		"HTTP POST",
		"ingress",
		"router backend egress",
		"async auth egress",
		"*",
		"/*",
		"GET /**",
		"shop:80/*",
		"ANY /{proxy+}",
		"",
	};
	static const char *const telling[] = {
		"GET /",	  "/",	       "GET /cart",	 "shop.Cart/Get",
		"orders process", "/orders/*", "router refresh", "GET /a/{id}",
	};

	for (size_t i = 0; i < ARRAY_LEN(empty); i++)
		ck_assert_msg(!operation_tells(empty[i]), "%s", empty[i]);
	for (size_t i = 0; i < ARRAY_LEN(telling); i++)
		ck_assert_msg(operation_tells(telling[i]), "%s", telling[i]);
}
END_TEST

/* ---- the operation of a trace ---- */

static struct stratum_place find(const char *drawing)
{
	struct stratum_place place;

	sets[nwalks] = trace_make(drawing);
	stratum_find(arena, &sets[nwalks]->traces[0], 0, &place);
	nwalks++;
	return place;
}

START_TEST(a_name_that_tells_is_the_operation)
{
	struct stratum_place place = find("shop server GET /cart/17 | 0 100 |\n"
					  "  shop client GET /stock | 10 90 |\n"
					  "    stock server GET /stock | 20 80 |\n");

	ck_assert_uint_eq(place.start, 0);
	ck_assert_str_eq(place.service, "shop");
	ck_assert_str_eq(place.operation, "GET /cart/{id}");
}
END_TEST

START_TEST(a_proxy_is_passed_over)
{
	struct stratum_place place = find("gateway server ingress | 0 100 |\n"
					  "  gateway client router shop egress | 1 99 |\n"
					  "    shop server GET | 2 98 |\n"
					  "      shop server GET /cart | 3 97 |\n");

	ck_assert_uint_eq(place.start, 3);
	ck_assert_str_eq(place.service, "shop");
	ck_assert_str_eq(place.operation, "GET /cart");
}
END_TEST

/* The request handler is one of two children, so the stratum begins above both. */
START_TEST(a_handler_tells_the_operation_of_its_service)
{
	struct stratum_place place =
		find("shop server GET | 0 100 |\n"
		     "  shop internal middleware - session | 1 10 |\n"
		     "  shop internal request handler - /cart | 11 99 | http.route=/cart\n");

	ck_assert_uint_eq(place.start, 0);
	ck_assert_str_eq(place.operation, "request handler - /cart");
}
END_TEST

START_TEST(a_gateway_that_asks_several_is_told_apart_by_them)
{
	struct stratum_place place = find("gateway server GET | 0 100 |\n"
					  "  gateway client GET | 1 40 |\n"
					  "    stock server GET /stock/7 | 2 39 |\n"
					  "  gateway client POST | 41 99 |\n"
					  "    auth server POST /check | 42 98 |\n");

	ck_assert_uint_eq(place.start, 0);
	ck_assert_str_eq(place.service, "gateway");
	ck_assert_str_eq(place.operation, "GET: auth POST /check, stock GET /stock/{id}");
}
END_TEST

/* Each attempt may have failed for a reason of the gateway's. */
START_TEST(attempts_are_one_operation_and_the_caller_is_compared)
{
	struct stratum_place place = find("gateway server GET | 0 100 |\n"
					  "  gateway client GET | 1 40 |\n"
					  "    stock server GET /stock | 2 39 |\n"
					  "  gateway client GET | 41 99 |\n"
					  "    stock server GET /stock | 42 98 |\n");

	ck_assert_uint_eq(place.start, 0);
	ck_assert_str_eq(place.service, "stock");
	ck_assert_str_eq(place.operation, "GET /stock");
}
END_TEST

/* ---- the vote ---- */

/* A request through the gateway; own time of stock, and the gap between gateway and shop. */
static const char *draw(const char *path, int stock, int gap, const char *gateway_marks)
{
	static char text[1024];
	int shop = 20 + stock, end = shop + gap;

	snprintf(text, sizeof(text),
		 "gateway server ingress | 0 %d | %s\n"
		 "  gateway client router shop egress | 0 %d |\n"
		 "    shop server GET /%s | %d %d |\n"
		 "      shop client GET /stock | %d %d |\n"
		 "        stock server GET /stock | %d %d |\n",
		 end, gateway_marks, end, path, gap / 2, gap / 2 + shop, gap / 2 + 10,
		 gap / 2 + 10 + stock, gap / 2 + 10, gap / 2 + 10 + stock);
	return text;
}

static void add_healthy(unsigned int n, const char *path, int stock)
{
	for (unsigned int i = 0; i < n; i++) {
		struct trace_set *set =
			trace_make(draw(path, stock + (int)(i % 5), 4 + (int)(i % 3), ""));

		ck_assert(evidence_add_sound(healthy, &set->traces[0], &of_gateway));
		trace_set_free(set);
	}
}

static void add(const char *drawing)
{
	const struct walk_options options = { .signal = &of_gateway,
					      .mode = WALK_AUTO,
					      .codes_fail = true };

	ck_assert_uint_lt(nwalks, WINDOW);
	sets[nwalks] = trace_make(drawing);
	walk_trace(arena, &sets[nwalks]->traces[0], &options, &walks[nwalks]);
	nwalks++;
}

static void split(void)
{
	nstrata = vote_split(arena, walks, nwalks, healthy, &strata);
}

static void count(void)
{
	const struct vote_options options = { .threshold = 0.5,
					      .mode = WALK_AUTO,
					      .healthy = healthy };

	split();
	ck_assert_uint_gt(nstrata, 0);
	for (unsigned int i = 0; i < nstrata; i++)
		for (unsigned int k = 0; k < strata[i].n; k++) {
			const struct walk_options how = { .signal = &strata[i].signals[k],
							  .mode = WALK_AUTO,
							  .codes_fail = true };

			walk_trace(arena, &sets[strata[i].members[k]]->traces[0], &how,
				   &strata[i].walks[k]);
		}
	vote_strata(arena, walks, nwalks, strata, nstrata, &options, &verdict);
}

/* 4 times as long as usual, behind a gateway whose gap is as usual. */
START_TEST(a_service_below_the_gateway_is_named)
{
	add_healthy(30, "cart", 30);
	add_healthy(30, "ads", 5);
	for (int i = 0; i < 8; i++)
		add(draw("cart", 120 + i, 5, ""));
	for (int i = 0; i < 2; i++)
		add(draw("ads", 7, 5, ""));
	count();
	ck_assert(verdict.found);
	ck_assert_str_eq(verdict.suspect.service, "stock");
	ck_assert_int_eq(verdict.suspect.kind, SUSPECT_SLOW);
	ck_assert_uint_eq(verdict.of, 10);
	ck_assert_uint_eq(verdict.nstrata, 2);
	ck_assert_str_eq(verdict.strata[0].operation, "GET /cart");
	ck_assert_uint_eq(verdict.strata[0].traces, 8);
	ck_assert_uint_eq(verdict.strata[0].healthy, 30);
	ck_assert(verdict.strata[0].hit);
	ck_assert_str_eq(verdict.strata[1].operation, "GET /ads");
	ck_assert(!verdict.strata[1].hit);
	ck_assert_str_eq(verdict.reasons[0],
			 "operations that are hit: GET /cart (8 of the traces); that are not: "
			 "GET /ads (2 of the traces)");
	/* From the gateway's span, the signal, to stock's. */
	ck_assert_uint_eq(verdict.walk->npath, 5);
	ck_assert_uint_eq(verdict.walk->path[0], 0);
	ck_assert_uint_eq(verdict.walk->path[4], 4);
}
END_TEST

/* Every second healthy request was a quick one; now nearly all are slow ones, as slow as ever. */
START_TEST(a_mix_that_shifts_names_nobody)
{
	add_healthy(10, "cart", 100);
	add_healthy(50, "ads", 5);
	for (int i = 0; i < 10; i++)
		add(draw("cart", 100 + i % 5, 5, ""));
	count();
	ck_assert(!verdict.found);
}
END_TEST

/* The gateway gave up, and what it waited for is as quick as ever. */
START_TEST(a_time_out_of_the_gateway_names_nobody_below)
{
	add_healthy(20, "cart", 30);
	for (int i = 0; i < 6; i++)
		add(draw("cart", 31, 15000, "ERROR; http.response.status_code=504"));
	count();
	ck_assert(!verdict.found);
	/* It is told, and not named. */
	ck_assert(verdict_limits_has(&verdict.limits, VERDICT_LIMIT_ABOVE_UNCLEAR));
}
END_TEST

START_TEST(an_operation_without_healthy_traces_has_no_vote)
{
	add_healthy(4, "cart", 30);
	add_healthy(20, "ads", 5);
	for (int i = 0; i < 6; i++)
		add(draw("cart", 120 + i, 5, ""));
	count();
	ck_assert(!verdict.found);
	ck_assert_int_eq(verdict.fallback, FALLBACK_LOW_CONFIDENCE);
	ck_assert_str_eq(verdict.fallback_text,
			 "the traces are of 1 operation, none of which has 5 healthy traces to "
			 "compare with");
}
END_TEST

START_TEST(the_signals_own_operation_is_not_split)
{
	static const struct signal signal = { .service = "shop", .operation = "GET /cart" };
	const struct walk_options of_shop = { .signal = &signal, .mode = WALK_AUTO };

	add_healthy(10, "cart", 30);
	for (int i = 0; i < 3; i++) {
		add(draw("cart", 120, 5, ""));
		walk_trace(arena, &sets[i]->traces[0], &of_shop, &walks[i]);
	}
	split();
	ck_assert_uint_eq(nstrata, 0);
}
END_TEST

/* Twenty operations have a stratum each. The other twelve, where stock is slow, vote as one. */
START_TEST(operations_beyond_the_cap_vote_as_one)
{
	char path[] = "a-";

	for (char c = 'a'; c < 'a' + 16; c++)
		for (int i = 0; i < 2; i++) {
			snprintf(path, sizeof(path), "%c%c", c, i ? 'y' : 'x');
			add_healthy(6, path, 30);
			/* ax to jy are as usual, kx to py are not. */
			add(draw(path, c < 'k' ? 31 : 120 + c % 7, 5, ""));
		}
	count();
	ck_assert_uint_eq(verdict.nstrata, 21);
	ck_assert_str_eq(verdict.strata[20].operation, "others");
	ck_assert_uint_eq(verdict.strata[20].traces, 12);
	ck_assert_uint_eq(verdict.strata[20].healthy, 72);
	ck_assert(verdict.found);
	ck_assert_str_eq(verdict.suspect.service, "stock");
	ck_assert(verdict_limits_has(&verdict.limits, VERDICT_LIMIT_MIXED_OPERATIONS));
	ck_assert_double_eq_tol(verdict.confidence, 0.6, 1e-9);
}
END_TEST

/* The healthy traces are from a version that did not keep their operations. */
START_TEST(operations_that_cannot_be_told_apart_limit_the_confidence)
{
	const struct vote_options options = { .threshold = 0.5,
					      .mode = WALK_AUTO,
					      .healthy = healthy };

	add_healthy(20, "cart", 30);
	for (uint32_t i = 0; i < healthy->n; i++)
		healthy->at[i].stratum_operation = healthy->at[i].stratum_service = TRACE_NONE;
	for (int i = 0; i < 6; i++)
		add(draw(i < 3 ? "cart" : "ads", 120 + i, 5, ""));
	split();
	ck_assert_uint_eq(nstrata, 0);
	vote(arena, walks, nwalks, &options, &verdict);
	ck_assert(verdict.found);
	ck_assert_str_eq(verdict.suspect.service, "stock");
	ck_assert(verdict_limits_has(&verdict.limits, VERDICT_LIMIT_MIXED_OPERATIONS));
	ck_assert_double_eq_tol(verdict.confidence, 0.6, 1e-9);
}
END_TEST

START_TEST(stored_evidence_keeps_its_operations)
{
	struct buf bytes = BUF_INIT(1u << 20);
	struct evidence_set *whole = healthy, *read;

	add_healthy(20, "cart", 30);
	evidence_encode(healthy, &bytes);
	read = evidence_decode(buf_text(&bytes), bytes.len);
	ck_assert_ptr_nonnull(read);
	healthy = read;
	for (int i = 0; i < 6; i++)
		add(draw("cart", 120 + i, 5, ""));
	count();
	ck_assert(verdict.found);
	ck_assert_str_eq(verdict.suspect.service, "stock");
	ck_assert_uint_eq(verdict.strata[0].healthy, 20);
	healthy = whole;
	evidence_free(read);
	buf_fini(&bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("strata");
	TCase *names = tcase_create("names"), *place = tcase_create("place"),
	      *votes = tcase_create("votes");

	tcase_add_checked_fixture(names, setup, teardown);
	tcase_add_test(names, ids_count_as_one);
	tcase_add_test(names, some_names_say_nothing);
	suite_add_tcase(suite, names);
	tcase_add_checked_fixture(place, setup, teardown);
	tcase_add_test(place, a_name_that_tells_is_the_operation);
	tcase_add_test(place, a_proxy_is_passed_over);
	tcase_add_test(place, a_handler_tells_the_operation_of_its_service);
	tcase_add_test(place, a_gateway_that_asks_several_is_told_apart_by_them);
	tcase_add_test(place, attempts_are_one_operation_and_the_caller_is_compared);
	suite_add_tcase(suite, place);
	tcase_add_checked_fixture(votes, setup, teardown);
	tcase_add_test(votes, a_service_below_the_gateway_is_named);
	tcase_add_test(votes, a_mix_that_shifts_names_nobody);
	tcase_add_test(votes, a_time_out_of_the_gateway_names_nobody_below);
	tcase_add_test(votes, an_operation_without_healthy_traces_has_no_vote);
	tcase_add_test(votes, the_signals_own_operation_is_not_split);
	tcase_add_test(votes, stored_evidence_keeps_its_operations);
	tcase_add_test(votes, operations_beyond_the_cap_vote_as_one);
	tcase_add_test(votes, operations_that_cannot_be_told_apart_limit_the_confidence);
	suite_add_tcase(suite, votes);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
