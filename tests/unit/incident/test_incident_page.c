/* A page that is too large for the store loses its decision, then its details and lists; its
 * summary is always there. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../../relay/incident/incident-internal.h"
#include "tracepager/arena.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static char *large; /* does not fit into a page's document */

static void set_up(void)
{
	large = xcalloc(1, LIMIT_PAGE_DOC_BYTES + 1);
	memset(large, 'x', LIMIT_PAGE_DOC_BYTES);
}

static void tear_down(void)
{
	free(large);
}

/* Writes the page with these two texts, and reads it again. */
static struct page write_and_read(struct arena *arena, const char *decision, const char *details)
{
	static const char *const names[] = { "DiskFull", "DiskSlow" };
	const struct page page = {
		.incident = "f00d",
		.dedup_key = "f00d",
		.summary = "db1: the disk is full",
		.details = details,
		.decision = decision,
		.component = "db1",
		.origin = "tracepager",
		.group = "sre",
		.kind = "",
		.links = { { "Runbook", "https://runbooks/disk" } },
		.nlinks = 1,
		.alerts = names,
		.nalerts = 2,
		.alert_list = "[{\"name\": \"DiskFull\"}, {\"name\": \"DiskSlow\"}]",
	};
	struct buf doc = BUF_INIT(LIMIT_PAGE_DOC_BYTES);
	struct page read;
	struct err err;

	incident_page_write(&page, &doc);
	ck_assert(!doc.failed);
	ck_assert_int_eq(page_read(arena, buf_text(&doc), doc.len, &read, &err), 0);
	buf_fini(&doc);
	ck_assert_str_eq(read.summary, "db1: the disk is full");
	ck_assert_str_eq(read.incident, "f00d");
	return read;
}

START_TEST(a_page_that_fits_is_whole)
{
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	struct page read = write_and_read(arena, "{\"version\": 1}", "df -h");

	ck_assert_ptr_nonnull(read.decision);
	ck_assert_str_eq(read.details, "df -h");
	ck_assert_uint_eq(read.nlinks, 1);
	ck_assert_uint_eq(read.nalerts, 2);
	arena_free(arena);
}
END_TEST

START_TEST(a_large_decision_is_left_out)
{
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	CLEANUP_FREE char *decision = xasprintf("{\"text\": \"%s\"}", large);
	struct page read = write_and_read(arena, decision, "df -h");

	ck_assert_ptr_null(read.decision);
	ck_assert_str_eq(read.details, "df -h");
	ck_assert_uint_eq(read.nlinks, 1);
	ck_assert_uint_eq(read.nalerts, 2);
	arena_free(arena);
}
END_TEST

START_TEST(large_details_are_left_out)
{
	struct arena *arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	struct page read = write_and_read(arena, "{\"version\": 1}", large);

	ck_assert_ptr_null(read.decision);
	ck_assert_str_eq(read.details, "The details were too large to be kept.");
	ck_assert_uint_eq(read.nlinks, 0);
	ck_assert_uint_eq(read.nalerts, 0);
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("incident page");
	TCase *tests = tcase_create("incident page");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_page_that_fits_is_whole);
	tcase_add_test(tests, a_large_decision_is_left_out);
	tcase_add_test(tests, large_details_are_left_out);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
