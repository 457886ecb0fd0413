/* HTML: the service map: where boxes stand, and what the page says; names of strangers. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "relay/html/map_layout-internal.h"
#include "tracepager/html_pages.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* 2026-09-01T10:00:00Z */
#define NOW	INT64_C(1788256800000000)
#define HOSTILE "<img src=x onerror=alert(1)>\"'&\x1b[31m\xe2\x80\xae"

static struct arena *arena;
static struct service_map_view view;
static struct map_layout layout;
static struct html html;

static void setup(void)
{
	arena = arena_new(256u << 20);
	html_init(&html, 8u << 20);
}

static void teardown(void)
{
	html_fini(&html);
	arena_free(arena);
}

static void make_view(size_t nnodes, size_t nedges)
{
	view = (struct service_map_view){
		.nodes = arena_array(arena, nnodes + 1, sizeof(struct service_node)),
		.edges = arena_array(arena, nedges + 1, sizeof(struct service_edge)),
		.nnodes = nnodes,
	};
	for (size_t i = 0; i < nnodes; i++)
		view.nodes[i] = (struct service_node){ .namespace = "",
						       .name = arena_printf(arena, "s%zu", i),
						       .team = "shop",
						       .named = true };
}

static void call_of(uint32_t from, uint32_t to)
{
	view.edges[view.nedges++] = (struct service_edge){ .from = from, .to = to, .ncalls = 10 };
}

/* 200 services, each calls up to four others; some calls close circles. The same each time. */
static void make_fleet(void)
{
	uint32_t random = 12345;

	make_view(200, 800);
	for (uint32_t i = 0; i < 195; i++)
		for (uint32_t j = 0; j < 4; j++) {
			random = random * 1664525u + 1013904223u;
			const uint32_t to = (random >> 8) % 20 ? i + 1 + (random >> 8) % 40
							       : (random >> 8) % 195;
			if (to < 195 && to != i && (j == 0 || view.edges[view.nedges - 1].to != to))
				call_of(i, to);
		}
}

static void boxes_are_apart(void)
{
	for (size_t i = 0; i < view.nnodes; i++) {
		const struct map_point *a = &layout.boxes[i];
		ck_assert(a->x >= 0 && a->x + MAP_BOX_WIDTH <= layout.width);
		ck_assert(a->y >= 0 && a->y + MAP_BOX_HEIGHT <= layout.height);
		for (size_t j = 0; j < i; j++) {
			const struct map_point *b = &layout.boxes[j];
			ck_assert_msg(a->x + MAP_BOX_WIDTH <= b->x ||
					      b->x + MAP_BOX_WIDTH <= a->x ||
					      a->y + MAP_BOX_HEIGHT <= b->y + 0.001 ||
					      b->y + MAP_BOX_HEIGHT <= a->y + 0.001,
				      "boxes %zu and %zu overlap", i, j);
		}
	}
}

START_TEST(callers_stand_left_by_the_longest_way)
{
	make_view(5, 5);
	call_of(0, 1);
	call_of(0, 3);
	call_of(1, 2);
	call_of(2, 3);
	call_of(4, 3);
	map_layout_make(arena, &view, &layout);
	const uint32_t expected[] = { 0, 1, 2, 3, 2 }; /* 4 is pulled to what it calls */
	for (size_t i = 0; i < 5; i++)
		ck_assert_uint_eq(layout.layers[i], expected[i]);
	ck_assert_uint_eq(layout.lines[0].npoints, 0);
	/* 0 -> 3 passes two layers. */
	ck_assert_uint_eq(layout.lines[1].npoints, 4);
	boxes_are_apart();
}
END_TEST

START_TEST(a_circle_is_drawn_backwards_once)
{
	make_view(3, 3);
	call_of(0, 1);
	call_of(1, 2);
	call_of(2, 0);
	map_layout_make(arena, &view, &layout);
	ck_assert(!layout.lines[0].backwards && !layout.lines[1].backwards);
	ck_assert(layout.lines[2].backwards);
	ck_assert_uint_eq(layout.layers[2], 2);
	boxes_are_apart();
}
END_TEST

/* s0 calls s3, s1 calls s2: in the order of their names the lines would cross. */
START_TEST(lines_that_need_not_cross_do_not)
{
	make_view(4, 2);
	call_of(0, 3);
	call_of(1, 2);
	map_layout_make(arena, &view, &layout);
	ck_assert((layout.boxes[0].y < layout.boxes[1].y) ==
		  (layout.boxes[3].y < layout.boxes[2].y));
}
END_TEST

START_TEST(services_without_calls_are_placed)
{
	make_view(9, 1);
	call_of(0, 1);
	map_layout_make(arena, &view, &layout);
	boxes_are_apart();
	for (size_t i = 2; i < 9; i++)
		ck_assert(layout.boxes[i].y > layout.boxes[0].y);
	make_view(0, 0);
	map_layout_make(arena, &view, &layout);
	ck_assert(layout.width >= 0 && layout.height >= 0);
}
END_TEST

START_TEST(a_fleet_is_placed_the_same_each_time)
{
	struct map_layout again;

	make_fleet();
	map_layout_make(arena, &view, &layout);
	boxes_are_apart();
	for (size_t i = 0; i < view.nedges; i++) {
		const uint32_t from = layout.layers[view.edges[i].from],
			       to = layout.layers[view.edges[i].to];
		ck_assert(layout.lines[i].backwards ? to < from : from < to);
	}
	map_layout_make(arena, &view, &again);
	ck_assert_mem_eq(layout.boxes, again.boxes, view.nnodes * sizeof(struct map_point));
}
END_TEST

/* ---- the page ---- */

static const char *page_of(const struct service_map_part *conditions, int64_t waiting)
{
	const struct html_frame frame = { .title = "Service map",
					  .tab = HTML_TAB_MAP,
					  .who = "ann",
					  .mark = "m",
					  .now_us = NOW };
	const struct past_map_basis basis = { .since_us = NOW - 7 * US_PER_DAY,
					      .ndecisions = 12,
					      .untraced = 2,
					      .waiting = waiting };
	const char *const teams[] = { "ledger", HOSTILE };
	const struct html_map map = { .basis = &basis,
				      .all = &view,
				      .part = &view,
				      .drawn = &view,
				      .conditions = *conditions,
				      .sort = HTML_MAP_BY_ERRORS,
				      .teams = teams,
				      .nteams = 2 };
	size_t len;

	html_map_write(&html, &frame, &map);
	const char *text = html_markup(&html, &len);
	ck_assert_ptr_nonnull(text);
	return text;
}

static void page_has(const char *page, const char *words)
{
	ck_assert_msg(strstr(page, words) != NULL, "%s is missing in %s", words, page);
}

START_TEST(the_page_says_what_it_counts)
{
	make_view(2, 1);
	call_of(0, 1);
	view.edges[0].ncalls = view.nodes[1].ncalls = view.ncalls = 200;
	view.edges[0].nfailed = view.nodes[1].nfailed = 3;
	view.edges[0].p50_us = 12300;
	view.edges[0].p95_us = 4980000;
	view.ntraces = 40;
	view.nodes[1].named = false;
	view.nodes[1].team = NULL;
	const char *page = page_of(&(struct service_map_part){ .depth = 1 }, 5);
	page_has(page, "200 calls seen in 40 traces of 12 decisions since ");
	page_has(page, "Of 2 decisions no trace is stored.");
	page_has(page, "5 decisions are not read yet");
	page_has(page,
		 "s0 → s1: 200 calls, 3 failed, p50 12.3 ms, p95 4.98 s; no rule names one end");
	page_has(page, "class=\"node some unnamed\"");
	page_has(page, ">1.5 %<");
	page_has(page, "<i>undocumented</i>");
	page_has(page, "3 · 1.5 %");
}
END_TEST

START_TEST(names_of_strangers_are_texts)
{
	make_view(2, 1);
	call_of(0, 1);
	view.nodes[0].name = view.nodes[0].namespace = view.nodes[0].team = HOSTILE;
	view.nodes[0].named = true;
	view.nodes[1].name = HOSTILE "2";
	view.nodes[1].kind = NODE_DATABASE;
	view.ncalls = 10;
	const char *page = page_of(
		&(struct service_map_part){ .team = HOSTILE, .service = HOSTILE, .depth = 2 }, 0);
	ck_assert_ptr_null(strstr(page, "<img"));
	ck_assert_ptr_null(strchr(page, '\x1b'));
	ck_assert_ptr_null(strstr(page, "\xe2\x80\xae"));
	page_has(page, "?service=%3Cimg");
	page_has(page, "class=\"node asked\"");
	page_has(page, "value=\"&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;\"");
}
END_TEST

START_TEST(of_200_services_the_page_is_small)
{
	size_t len;

	make_fleet();
	ck_assert_uint_gt(view.nedges, 500);
	for (size_t i = 0; i < view.nedges; i++) {
		view.edges[i].nfailed = 1;
		view.edges[i].p50_us = 123456;
		view.edges[i].p95_us = 1234567;
		view.edges[i].last_us = NOW;
		view.nodes[view.edges[i].to].ncalls += 10;
		view.nodes[view.edges[i].to].nfailed += 1;
	}
	page_of(&(struct service_map_part){ .depth = 1 }, 0);
	html_markup(&html, &len);
	ck_assert_msg(len <= 400u << 10, "%zu bytes", len);
}
END_TEST

START_TEST(without_traces_the_page_says_so)
{
	make_view(0, 0);
	page_has(page_of(&(struct service_map_part){ .depth = 1 }, 0), "No traces are stored yet");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("service map page");
	TCase *tcase = tcase_create("service map page");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, callers_stand_left_by_the_longest_way);
	tcase_add_test(tcase, a_circle_is_drawn_backwards_once);
	tcase_add_test(tcase, lines_that_need_not_cross_do_not);
	tcase_add_test(tcase, services_without_calls_are_placed);
	tcase_add_test(tcase, a_fleet_is_placed_the_same_each_time);
	tcase_add_test(tcase, the_page_says_what_it_counts);
	tcase_add_test(tcase, names_of_strangers_are_texts);
	tcase_add_test(tcase, of_200_services_the_page_is_small);
	tcase_add_test(tcase, without_traces_the_page_says_so);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
