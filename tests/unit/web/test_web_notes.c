/* web: notes from outside, as the story of an incident keeps them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "relay/web/web_notes-internal.h"
#include "tracepager/xalloc.h"

static struct web_notes notes;

static void setup(void)
{
	notes = (struct web_notes){ .arena = arena_new(LIMIT_NOTES_ARENA_BYTES) };
}

static void teardown(void)
{
	arena_free(notes.arena);
}

static bool add(const char *event, const char *text)
{
	return web_notes_add(&notes, &(struct stored_event){ .incident = "i",
							     .at_us = 1788256800000000,
							     .event = event,
							     .who = "ann",
							     .text = text });
}

START_TEST(what_is_put_is_read)
{
	const struct web_note note = { .name = "davis",
				       .title = "Disk: full",
				       .text = "# a\n\n* b: c\n",
				       .href = "https://a.example/?b=c",
				       .author = "Davis",
				       .who = "ann" };
	struct buf text = BUF_INIT(1000);

	web_note_write_event(&note, &text);
	ck_assert_str_eq(buf_text(&text),
			 "davis: Disk: full\nhttps://a.example/?b=c\nDavis\n\n# a\n\n* b: c\n");
	ck_assert(add("noted", buf_text(&text)));
	buf_reset(&text);
	web_notes_write_json(&notes, &text);
	ck_assert_str_eq(buf_text(&text),
			 "\"notes\":[{\"name\":\"davis\",\"title\":\"Disk: full\","
			 "\"text\":\"# a\\n\\n* b: c\\n\",\"href\":\"https://a.example/?b=c\","
			 "\"author\":\"Davis\",\"who\":\"ann\","
			 "\"at\":\"2026-09-01T10:00:00Z\"}]");
	buf_fini(&text);
}
END_TEST

START_TEST(the_last_of_a_name_counts)
{
	ck_assert(add("noted", "a: first\n\n\n\nx"));
	ck_assert(add("noted", "b: second\n\n\n\n"));
	ck_assert(add("noted", "a: third\n\n\n\n"));
	ck_assert_uint_eq(notes.n, 2);
	ck_assert_str_eq(notes.at[0].title, "third");
	ck_assert_str_eq(notes.at[0].text, "");
	ck_assert(add("note removed", "a"));
	ck_assert(add("note removed", "none"));
	ck_assert_uint_eq(notes.n, 1);
	ck_assert_ptr_null(web_notes_find(&notes, "a"));
	ck_assert_str_eq(web_notes_find(&notes, "b")->title, "second");
	ck_assert_ptr_null(web_notes_find(&notes, "bb"));
	ck_assert(add("noted", "a: again"));
	ck_assert_str_eq(notes.at[1].title, "again");
	ck_assert_str_eq(notes.at[1].href, "");
}
END_TEST

START_TEST(other_events_are_left)
{
	static const char *const others[][2] = { { "commented", "a: first" },
						 { "noted", "no title" },
						 { "noted", "" },
						 { "opened", "" } };
	const struct stored_event noted = { .event = "noted", .text = "a: b\nc\n\n\nd" },
				  comment = { .event = "commented", .text = "a\nb" };

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		ck_assert(!add(others[i][0], others[i][1]));
	ck_assert_uint_eq(notes.n, 0);
	ck_assert_str_eq(web_event_words(notes.arena, &noted), "a: b");
	ck_assert_str_eq(web_event_words(notes.arena, &comment), "a\nb");
}
END_TEST

START_TEST(more_than_the_most_are_left_out)
{
	char text[32];

	for (unsigned int i = 0; i < LIMIT_NOTES + 5; i++) {
		snprintf(text, sizeof(text), "n%u: t", i);
		ck_assert(add("noted", text));
	}
	ck_assert_uint_eq(notes.n, LIMIT_NOTES);
	ck_assert_ptr_null(web_notes_find(&notes, "n20"));
}
END_TEST

START_TEST(names_are_simple)
{
	static const char *const good[] = { "a", "A.b_c-9",
					    "0123456789012345678901234567890123456789"
					    "012345678901234567890123" };
	static const char *const bad[] = { "",
					   "a b",
					   "a/b",
					   "a:b",
					   "\xc3\xa4",
					   "a\n",
					   "a%",
					   "<a>",
					   "0123456789012345678901234567890123456789"
					   "0123456789012345678901234" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		ck_assert_msg(web_note_name_fits(good[i]), "%s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!web_note_name_fits(bad[i]), "%s", bad[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("web notes");
	TCase *group = tcase_create("web notes");

	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, what_is_put_is_read);
	tcase_add_test(group, the_last_of_a_name_counts);
	tcase_add_test(group, other_events_are_left);
	tcase_add_test(group, more_than_the_most_are_left_out);
	tcase_add_test(group, names_are_simple);
	suite_add_tcase(suite, group);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
