/* Alike: texts come back as they were, whatever was packed between them, and take little memory. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/alike.h"
#include "tracepager/limits.h"

#define TEXTS 200

/* The n-th text of a kind: 2 KiB without a repetition, but for a number of its own. */
static size_t make_text(char *text, size_t size, unsigned int kind, unsigned int n)
{
	unsigned int state = kind + 1;
	size_t len = (size_t)snprintf(text, size, "%u ", n);

	while (len + 1 < size) {
		state = state * 1103515245u + 12345u;
		text[len++] = (char)('a' + state / 65536 % 26);
	}
	text[len] = '\0';
	return len;
}

static void opens_to(struct alike *alike, const struct alike_text *packed, const char *text,
		     size_t len)
{
	ck_assert_uint_eq(alike_text_len(packed), len);
	ck_assert_int_eq(memcmp(alike_open(alike, packed), text, len), 0);
}

/* Of the first kind, then of another, which becomes the base. */
START_TEST(texts_come_back)
{
	struct alike *alike = alike_new();
	struct alike_text *packed[2][TEXTS];
	char text[2048];

	for (unsigned int kind = 0; kind < 2; kind++)
		for (unsigned int i = 0; i < TEXTS; i++) {
			size_t len = make_text(text, sizeof(text), kind, i);
			packed[kind][i] = alike_pack(alike, text, len);
			if (i > LIMIT_ALIKE_MISSES)
				ck_assert_uint_lt(alike_text_bytes(packed[kind][i]), 100);
		}
	for (unsigned int kind = 0; kind < 2; kind++)
		for (unsigned int i = TEXTS; i-- > 0;) {
			size_t len = make_text(text, sizeof(text), kind, i);
			opens_to(alike, packed[kind][i], text, len);
			alike_text_free(packed[kind][i]);
		}
	alike_free(alike);
}
END_TEST

/* A byte, NUL bytes, and a text larger than what is kept of a base. */
START_TEST(texts_of_any_size)
{
	static char large[4 * LIMIT_ALIKE_BASE_BYTES];
	struct alike *alike = alike_new();
	struct alike_text *first = alike_pack(alike, "x", 1);

	make_text(large, sizeof(large), 7, 1);
	struct alike_text *second = alike_pack(alike, large, sizeof(large));
	struct alike_text *third = alike_pack(alike, "\0\0\0", 3);
	opens_to(alike, first, "x", 1);
	opens_to(alike, second, large, sizeof(large));
	opens_to(alike, third, "\0\0\0", 3);
	alike_text_free(first);
	alike_text_free(second);
	alike_text_free(third);
	alike_text_free(NULL);
	alike_free(alike);
	alike_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("alike");
	TCase *tcase = tcase_create("alike");

	tcase_add_test(tcase, texts_come_back);
	tcase_add_test(tcase, texts_of_any_size);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
