/* An incident's decision is a text until its record is packed, and packed bytes from then on. A
 * page that is too large for the store loses its decision, then its details and lists; its summary
 * is always there. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../../relay/incident/incident-internal.h"
#include "tracepager/alike.h"
#include "tracepager/arena.h"
#include "tracepager/limits.h"
#include "tracepager/pack.h"
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

static const char decision_text[] =
	"{\"version\":1,\"text\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}";

static struct shared_text *text_of(const char *text)
{
	struct buf buf = BUF_INIT(1000);

	buf_puts(&buf, text);
	return shared_text_take(&buf);
}

static struct incident_book book;

static void make_book(void)
{
	book = (struct incident_book){ .alike = alike_new() };
	TAILQ_INIT(&book.warm);
}

static void check_decision(struct incident *incident)
{
	struct shared_text *text = incident_decision(incident);

	ck_assert_ptr_nonnull(text);
	ck_assert_str_eq(text->text, decision_text);
	shared_text_unref(text);
}

START_TEST(a_decision_is_kept_packed)
{
	struct shared_text *text = text_of(decision_text);
	struct shared_text *packed = incident_pack_decision(text->text, text->len);
	const struct page page = { .incident = "f00d", .decision = text->text };
	struct incident incident = { .book = &book };

	make_book();
	incident_set_page(&incident, &page, text, packed);
	/* The text is at hand for the first page, and goes when that was made. */
	ck_assert_ptr_eq(incident.decision_text, text);
	check_decision(&incident);
	incident_drop_text(&incident);
	ck_assert_uint_eq(text->references, 1);
	check_decision(&incident);
	/* What the record and the store get is the same bytes. */
	struct shared_text *again = incident_packed_decision(&incident);
	ck_assert_ptr_eq(again, packed);
	ck_assert_uint_eq(packed->references, 3);
	shared_text_unref(again);
	incident_forget_page(&incident);
	ck_assert_uint_eq(packed->references, 1);
	incident_set_text(&incident.suspect, NULL);
	alike_free(book.alike);
	shared_text_unref(text);
	shared_text_unref(packed);
}
END_TEST

/* A damaged row of the store: the incident has no decision, and all else. */
START_TEST(a_damaged_decision_is_none)
{
	struct shared_text *packed = shared_text_copy("(\xb5/\xfd damaged", 11);
	const struct page page = { .incident = "f00d", .summary = "db1: the disk is full" };
	struct incident incident = { .book = &book };

	make_book();
	incident_set_page(&incident, &page, NULL, packed);
	ck_assert_ptr_null(incident_decision(&incident));
	ck_assert_str_eq(incident_page(&incident)->summary, "db1: the disk is full");
	incident_forget_page(&incident);
	incident_set_text(&incident.suspect, NULL);
	alike_free(book.alike);
	shared_text_unref(packed);
}
END_TEST

/* A restart has read it in the page of an older store: it is packed at once. */
START_TEST(a_decision_in_a_page_is_packed_at_once)
{
	const struct page page = { .incident = "f00d", .decision = decision_text };
	struct incident incident = { .book = &book };

	make_book();
	incident_set_page(&incident, &page, NULL, NULL);
	ck_assert_ptr_null(incident.decision_text);
	ck_assert_ptr_null(incident.page->decision);
	check_decision(&incident);
	incident_forget_page(&incident);
	incident_set_text(&incident.suspect, NULL);
	alike_free(book.alike);
}
END_TEST

/* Of many incidents those that were paged first are packed, with their decisions, and say what they
 * said; one that is asked for is at hand, and stays packed besides. */
START_TEST(pages_that_are_not_used_are_packed)
{
	static struct incident incidents[LIMIT_WARM_PAGES_BYTES / 2048];
	char summary[64];
	size_t packed = 0;

	make_book();
	for (size_t i = 0; i < ARRAY_LEN(incidents); i++) {
		const struct page page = { .incident = "f00d",
					   .summary = summary,
					   .component = i % 2 ? "ledger" : "",
					   .decision = i % 3 ? decision_text : NULL };
		snprintf(summary, sizeof(summary), "the disk of node %zu is full", i);
		incidents[i].book = &book;
		incident_set_page(&incidents[i], &page, NULL, NULL);
		incidents_pack_pages(&book);
	}
	ck_assert_uint_le(book.warm_bytes, LIMIT_WARM_PAGES_BYTES);
	ck_assert_ptr_null(incidents[0].page);
	for (size_t i = 0; i < ARRAY_LEN(incidents); i++) {
		packed += !incidents[i].page;
		snprintf(summary, sizeof(summary), "the disk of node %zu is full", i);
		ck_assert_str_eq(incident_page(&incidents[i])->summary, summary);
		ck_assert_str_eq(incidents[i].suspect, i % 2 ? "ledger" : "");
		if (i % 3)
			check_decision(&incidents[i]);
		else
			ck_assert_ptr_null(incident_decision(&incidents[i]));
		incidents_pack_pages(&book);
	}
	ck_assert_uint_ge(packed, ARRAY_LEN(incidents) / 3);
	/* A new page takes the place of what is packed. */
	const struct page other = { .incident = "f00d", .summary = "solved", .component = "" };
	incident_set_page(&incidents[0], &other, NULL, NULL);
	ck_assert_str_eq(incident_page(&incidents[0])->summary, "solved");
	ck_assert_ptr_null(incident_decision(&incidents[0]));
	for (size_t i = 0; i < ARRAY_LEN(incidents); i++) {
		incident_forget_page(&incidents[i]);
		incident_set_text(&incidents[i].suspect, NULL);
	}
	ck_assert_uint_eq(book.warm_bytes, 0);
	alike_free(book.alike);
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
	tcase_add_test(tests, a_decision_is_kept_packed);
	tcase_add_test(tests, a_damaged_decision_is_none);
	tcase_add_test(tests, a_decision_in_a_page_is_packed_at_once);
	tcase_add_test(tests, pages_that_are_not_used_are_packed);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
