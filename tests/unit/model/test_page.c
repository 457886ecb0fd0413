/* Tests of the page's stored form. */
#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/act.h"
#include "tracepager/fold.h"
#include "tracepager/pack.h"
#include "tracepager/page.h"
#include "tracepager/xalloc.h"

static struct arena *arena;

static void setup(void)
{
	arena = arena_new(1 << 20);
}

static void teardown(void)
{
	arena_free(arena);
}

static const char *const alerts[] = { "PlaceOrderErrors", "High \"Latency\"" };

static const struct page full = {
	.event = PAGE_UPDATE,
	.incident = "i1",
	.dedup_key = "i1#2",
	.severity = SEVERITY_CRITICAL,
	.summary = "ledger: deadlock",
	.details = "Why you: team ledger owns ledger\n\n\tTab, \\ and \x01",
	.component = "ledger",
	.origin = "checkout",
	.group = "ledger-team",
	.kind = "span",
	.links = { { "Runbook", "https://wiki.shop.example/ledger" },
		   { "Trace", "https://t.shop.example/1?a=b&c" } },
	.nlinks = 2,
	.note = "joined by HighLatency",
	.opened_at_us = 1788256800000000,
	.at_us = 1788256801500000,
	.since_us = 1788256680000000,
	.environment = "prod eu1",
	.instance = "db17:9100",
	.labels = "instance=db17:9100, job=node",
	.differs = "2 alerts: NodeDown",
	.also_paged = "sre-slack",
	.status = "open",
	.alerts = alerts,
	.nalerts = 2,
	.decision = "{\"version\":1}",
};

static struct page round_trip(const struct page *page)
{
	struct buf out = BUF_INIT(1 << 16);
	struct err err = { .code = 0 };
	struct page back;

	page_write(page, &out);
	ck_assert(!out.failed);
	ck_assert_ptr_null(strchr(buf_text(&out), '\n'));
	ck_assert_msg(page_read(arena, out.data, out.len, &back, &err) == 0, "%s", err.text);
	buf_fini(&out);
	return back;
}

START_TEST(reads_back_what_was_written)
{
	struct page back = round_trip(&full);

	ck_assert_int_eq(back.event, PAGE_UPDATE);
	ck_assert_int_eq(back.severity, SEVERITY_CRITICAL);
	ck_assert_str_eq(back.incident, "i1");
	ck_assert_str_eq(back.dedup_key, "i1#2");
	ck_assert_str_eq(back.summary, full.summary);
	ck_assert_str_eq(back.details, full.details);
	ck_assert_str_eq(back.component, "ledger");
	ck_assert_str_eq(back.origin, "checkout");
	ck_assert_str_eq(back.group, "ledger-team");
	ck_assert_str_eq(back.kind, "span");
	ck_assert_str_eq(back.note, "joined by HighLatency");
	ck_assert_str_eq(back.status, "open");
	ck_assert_str_eq(back.decision, "{\"version\":1}");
	ck_assert_int_eq(back.opened_at_us, 1788256800000000);
	ck_assert_int_eq(back.at_us, 1788256801500000);
	ck_assert_int_eq(back.since_us, 1788256680000000);
	ck_assert_str_eq(back.environment, "prod eu1");
	ck_assert_str_eq(back.instance, "db17:9100");
	ck_assert_str_eq(back.labels, "instance=db17:9100, job=node");
	ck_assert_str_eq(back.differs, "2 alerts: NodeDown");
	ck_assert_str_eq(back.also_paged, "sre-slack");
	ck_assert_uint_eq(back.nlinks, 2);
	ck_assert_str_eq(back.links[0].text, "Runbook");
	ck_assert_str_eq(back.links[1].href, "https://t.shop.example/1?a=b&c");
	ck_assert_uint_eq(back.nalerts, 2);
	ck_assert_str_eq(back.alerts[0], "PlaceOrderErrors");
	ck_assert_str_eq(back.alerts[1], "High \"Latency\"");
}
END_TEST

START_TEST(absent_note_and_decision_stay_absent)
{
	struct page page = full;

	page.note = page.decision = NULL;
	page.nlinks = page.nalerts = 0;
	page.component = "";
	struct page back = round_trip(&page);
	ck_assert_ptr_null(back.note);
	ck_assert_ptr_null(back.decision);
	ck_assert_str_eq(back.component, "");
	ck_assert_uint_eq(back.nlinks, 0);
	ck_assert_uint_eq(back.nalerts, 0);
}
END_TEST

START_TEST(bad_utf8_is_replaced)
{
	struct page page = full;

	page.summary = "a\xff\xc3"
		       "b\xe2\x82";
	ck_assert_str_eq(round_trip(&page).summary, "a\xef\xbf\xbd\xef\xbf\xbd"
						    "b\xef\xbf\xbd\xef\xbf\xbd");
}
END_TEST

START_TEST(unknown_members_are_skipped_and_links_are_capped)
{
	char text[2048] =
		"{\"incident\":\"i1\",\"later\":{\"event\":\"x\",\"links\":[1]},\"links\":[";
	struct err err;
	struct page back;

	for (int i = 0; i < LIMIT_PAGE_LINKS + 3; i++)
		strcat(text, "{\"text\":\"t\",\"more\":[{}],\"href\":\"h\"},");
	strcat(text, "7],\"alerts\":[null,[\"x\"],\"a\"]}");
	ck_assert_int_eq(page_read(arena, text, strlen(text), &back, &err), 0);
	ck_assert_uint_eq(back.nlinks, LIMIT_PAGE_LINKS);
	ck_assert_str_eq(back.links[LIMIT_PAGE_LINKS - 1].href, "h");
	ck_assert_uint_eq(back.nalerts, 1);
	ck_assert_str_eq(back.alerts[0], "a");
	ck_assert_int_eq(back.event, PAGE_TRIGGER);
	ck_assert_str_eq(back.summary, "");
}
END_TEST

START_TEST(what_is_no_page_is_refused)
{
	static const char *const texts[] = {
		"",
		"[]",
		"\"i1\"",
		"{\"incident\":\"i1\"",
		"{}",
		"{\"incident\":\"i1\",\"event\":\"page.other\"}",
		"{\"incident\":\"i1\",\"severity\":\"huge\"}",
		"{\"incident\":\"i1\",\"at_us\":1.5}",
	};
	const char *text = texts[_i];
	struct page back = { .incident = "untouched" };
	struct err err = { .code = 0 };

	ck_assert_int_lt(page_read(arena, text, strlen(text), &back, &err), 0);
	ck_assert_str_eq(back.incident, "untouched");
	ck_assert_int_eq(strncmp(err.text, "stored page: ", 13), 0);
}
END_TEST

/* Does the word of struct page at this offset hold a text of its own? All do but these. */
static bool holds_text(size_t at)
{
	static const size_t others[] = {
		offsetof(struct page, event),	offsetof(struct page, severity),
		offsetof(struct page, nlinks),	offsetof(struct page, since_us),
		offsetof(struct page, at_us),	offsetof(struct page, opened_at_us),
		offsetof(struct page, alerts),	offsetof(struct page, nalerts),
		offsetof(struct page, at_once),
	};

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (at / sizeof(char *) == others[i] / sizeof(char *))
			return false;
	return true;
}

static struct page *copy_folded(const struct page *page)
{
	struct buf folded = BUF_INIT(1 << 16);

	page_fold(page, &folded);
	ck_assert(!folded.failed);
	struct page *copy = page_unfold(folded.data, folded.len);
	buf_fini(&folded);
	return copy;
}

static struct page *(*const copiers[])(const struct page *page) = { page_dup, copy_folded };

/* A copy shares no text with the page, whatever members the page may get. */
START_TEST(a_copy_has_its_own_texts)
{
	struct page page = { .event = PAGE_UPDATE,
			     .nlinks = LIMIT_PAGE_LINKS,
			     .alerts = alerts,
			     .nalerts = ARRAY_LEN(alerts) };
	char texts[sizeof(page) / sizeof(char *)][16];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *text = texts[i];
		snprintf(texts[i], sizeof(texts[i]), "word %zu", i);
		if (holds_text(i * sizeof(char *)))
			memcpy((char *)&page + i * sizeof(char *), &text, sizeof(text));
	}
	struct page *copy = copiers[_i](&page);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *text;
		if (!holds_text(i * sizeof(char *)))
			continue;
		memcpy(&text, (char *)copy + i * sizeof(char *), sizeof(text));
		ck_assert_msg(text != texts[i], "the word %zu of the copy is the page's", i);
		ck_assert_str_eq(text, texts[i]);
	}
	ck_assert_ptr_ne(copy->alerts, alerts);
	ck_assert_str_eq(copy->alerts[1], alerts[1]);
	free(copy);
}
END_TEST

/* What the decision gives stands in the incident's page alone; the rest is the page's own. */
START_TEST(its_own_members_stand_over_the_incidents)
{
	static const char *const other_alerts[] = { "Other" };
	const struct page base = {
		.incident = "i0",
		.dedup_key = "i0",
		.summary = "the incident's summary",
		.details = "the incident's details",
		.component = "stock",
		.kind = "span",
		.waterfall = "Trace 1:",
		.note = "the incident's note",
		.moved_to = "i9",
		.decision = "{\"version\":1}",
		.links = { { "Other", "http://other" } },
		.nlinks = 1,
		.alerts = other_alerts,
		.nalerts = 1,
	};
	struct page page = full, back;
	struct buf out = BUF_INIT(1 << 16);
	struct err err = { .code = 0 };

	page.note = NULL;
	page.nlinks = 0;
	page_write_own(&page, &out);
	ck_assert_ptr_null(strstr(buf_text(&out), "decision"));
	ck_assert_ptr_null(strstr(buf_text(&out), "waterfall"));
	ck_assert_int_eq(page_read_over(arena, &base, out.data, out.len, &back, &err), 0);
	ck_assert_str_eq(back.incident, "i1");
	ck_assert_str_eq(back.dedup_key, "i1#2");
	ck_assert_str_eq(back.summary, "ledger: deadlock");
	ck_assert_str_eq(back.details, "the incident's details");
	ck_assert_str_eq(back.component, "stock");
	ck_assert_str_eq(back.waterfall, "Trace 1:");
	ck_assert_str_eq(back.decision, "{\"version\":1}");
	ck_assert_ptr_null(back.note);
	ck_assert_ptr_null(back.moved_to);
	ck_assert_int_eq(back.at_us, 1788256801500000);
	ck_assert_uint_eq(back.nlinks, 0);
	ck_assert_uint_eq(back.nalerts, 2);
	ck_assert_str_eq(back.alerts[0], "PlaceOrderErrors");
	/* Without the incident's page there is a headline. */
	ck_assert_int_eq(page_read(arena, out.data, out.len, &back, &err), 0);
	ck_assert_str_eq(back.summary, "ledger: deadlock");
	ck_assert_str_eq(back.component, "");
	ck_assert_ptr_null(back.decision);
	/* A whole document, as earlier versions stored it, takes nothing from the incident's. */
	buf_reset(&out);
	page_write(&full, &out);
	ck_assert_int_eq(page_read_over(arena, &base, out.data, out.len, &back, &err), 0);
	ck_assert_str_eq(back.component, "ledger");
	ck_assert_str_eq(back.waterfall, "");
	ck_assert_uint_eq(back.nlinks, 2);
	ck_assert_int_lt(page_read_over(arena, &base, "{}", 2, &back, &err), 0);
	buf_fini(&out);
}
END_TEST

START_TEST(a_kept_copy_shares_the_decision)
{
	struct buf text = BUF_INIT(100);
	struct page page = full;

	buf_puts(&text, "{\"shared\":1}");
	struct shared_text *decision = shared_text_take(&text);
	page.differs = page.note = NULL;
	struct page_copy *copy = page_copy_new(&page, decision, NULL);
	struct page_copy *none = page_copy_new(&page, NULL, NULL);
	ck_assert_uint_eq(decision->references, 2);
	ck_assert_ptr_eq(copy->page->decision, decision->text);
	ck_assert_str_eq(copy->page->summary, "ledger: deadlock");
	ck_assert_ptr_ne(copy->page->summary, page.summary);
	ck_assert_str_eq(copy->page->differs, "");
	ck_assert_ptr_null(copy->page->note);
	ck_assert_ptr_null(none->page->decision);
	shared_text_unref(decision);
	page_copy_rest(copy); /* there is no packed form: the text stays */
	ck_assert_str_eq(copy->page->decision, "{\"shared\":1}");
	page_copy_free(copy);
	page_copy_free(none);
	page_copy_free(NULL);
}
END_TEST

START_TEST(a_resting_copy_keeps_its_decision_packed)
{
	struct buf text = BUF_INIT(100), bytes = BUF_INIT(100);

	buf_puts(&text, "{\"shared\":1}");
	pack_add(text.data, text.len, &bytes);
	struct shared_text *decision = shared_text_take(&text);
	struct shared_text *packed = shared_text_copy(bytes.data, bytes.len);
	struct page_copy *copy = page_copy_new(&full, decision, packed);
	struct page whole = page_copy_whole(copy, arena);
	ck_assert_ptr_eq(whole.decision, decision->text);
	page_copy_rest(copy);
	page_copy_rest(copy);
	ck_assert_uint_eq(decision->references, 1);
	ck_assert_ptr_null(copy->page->decision);
	whole = page_copy_whole(copy, arena);
	ck_assert_str_eq(whole.decision, "{\"shared\":1}");
	ck_assert_str_eq(whole.summary, "ledger: deadlock");
	page_copy_free(copy);
	ck_assert_uint_eq(packed->references, 1);
	shared_text_unref(decision);
	shared_text_unref(packed);
	buf_fini(&bytes);
}
END_TEST

/* All that a page says, and what it does not say. */
START_TEST(a_copy_says_the_same)
{
	struct page empty = full;

	empty.note = empty.decision = empty.summary = NULL;
	empty.component = "";
	empty.nlinks = empty.nalerts = 0;
	const struct page *const pages[] = { &full, &empty };
	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		struct buf says = BUF_INIT(1 << 16), copy_says = BUF_INIT(1 << 16);
		struct page *copy = copiers[_i](pages[i]);

		page_write(pages[i], &says);
		page_write(copy, &copy_says);
		ck_assert_str_eq(buf_text(&copy_says), buf_text(&says));
		buf_fini(&says);
		buf_fini(&copy_says);
		free(copy);
	}
}
END_TEST

START_TEST(events_have_names)
{
	ck_assert_str_eq(page_event_name(PAGE_TRIGGER), "page.trigger");
	ck_assert_str_eq(page_event_name(PAGE_UPDATE), "page.update");
	ck_assert_str_eq(page_event_name(PAGE_RESOLVE), "page.resolve");
}
END_TEST

static const struct {
	const char *event, *text, *way, *said;
} acts[] = {
	{ "acknowledged", "api: looking at it", "by the API", "looking at it" },
	{ "acknowledged", "web", "on the web page", "" },
	{ "commented", "link: api: is it?", "by the link of a page", "api: is it?" },
	{ "noise", "feedback", "at the pager", "" },
	{ "commented", "apis are down", NULL, "apis are down" },
	{ "escalated", "api: run 1 step 2", NULL, "api: run 1 step 2" },
	{ "useful", "", NULL, "" },
};

START_TEST(an_act_is_told_with_its_way)
{
	const char *said, *way = act_way(acts[_i].event, acts[_i].text, &said);

	ck_assert_pstr_eq(way, acts[_i].way);
	ck_assert_str_eq(said, acts[_i].said);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("page");
	TCase *tcase = tcase_create("page");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, reads_back_what_was_written);
	tcase_add_test(tcase, absent_note_and_decision_stay_absent);
	tcase_add_test(tcase, bad_utf8_is_replaced);
	tcase_add_test(tcase, unknown_members_are_skipped_and_links_are_capped);
	tcase_add_loop_test(tcase, what_is_no_page_is_refused, 0, 8);
	tcase_add_test(tcase, its_own_members_stand_over_the_incidents);
	tcase_add_test(tcase, a_kept_copy_shares_the_decision);
	tcase_add_test(tcase, a_resting_copy_keeps_its_decision_packed);
	tcase_add_loop_test(tcase, a_copy_has_its_own_texts, 0, ARRAY_LEN(copiers));
	tcase_add_loop_test(tcase, a_copy_says_the_same, 0, ARRAY_LEN(copiers));
	tcase_add_test(tcase, events_have_names);
	tcase_add_loop_test(tcase, an_act_is_told_with_its_way, 0, ARRAY_LEN(acts));
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
