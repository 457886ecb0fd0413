/* Templates: unknown names are refused, and no value is read as a template again. */
#include <check.h>
#include <string.h>

#include "tracepager/template.h"
#include "tracepager/xalloc.h"

static struct arena *arena;

static void setup(void)
{
	arena = arena_new(1u << 20);
}

static void teardown(void)
{
	arena_free(arena);
}

/* A service that looks like a template, a label env, and nothing else. */
static const char *value(void *ctx, const struct template_part *part)
{
	(void)ctx;
	if (part->name == TEMPLATE_SERVICE)
		return "a/b {team}";
	if (part->name == TEMPLATE_LABEL && strcmp(part->text, "env") == 0)
		return "prod";
	return part->name == TEMPLATE_TEAM ? "" : NULL;
}

static const struct {
	const char *text, *plain, *url;
} good[] = {
	{ "", "", "" },
	{ "no names", "no names", "no names" },
	{ "{service}", "a/b {team}", "a%2Fb%20%7Bteam%7D" },
	{ "x={service}&y", "x=a/b {team}&y", "x=a%2Fb%20%7Bteam%7D&y" },
	{ "{label.env}", "prod", "prod" },
	{ "{label.no}", "", "" },
	{ "{label.no|dev}", "dev", "dev" },
	{ "{label.no|a b}", "a b", "a b" }, /* text of the rules is not escaped */
	{ "{label.env|dev}", "prod", "prod" },
	{ "{team|nobody}", "nobody", "nobody" }, /* an empty value counts as missing */
	{ "{team|}", "", "" },
	{ "{annotation.a.b|c|d}", "c|d", "c|d" },
	{ "{{service}}", "{service}", "{service}" },
	{ "{{{service}}}", "{a/b {team}}", "{a%2Fb%20%7Bteam%7D}" },
	{ "{{}}", "{}", "{}" },
	{ "%s %n", "%s %n", "%s %n" },
};

START_TEST(test_good)
{
	const char *unknown;
	struct err err;
	const struct rule_template *template = template_parse(arena, good[_i].text, &unknown, &err);

	ck_assert_ptr_nonnull(template);
	ck_assert_str_eq(template->source, good[_i].text);
	for (int url = 0; url < 2; url++) {
		struct buf out = BUF_INIT(1024);
		template_write(template, value, NULL, url, &out);
		ck_assert_str_eq(buf_text(&out), url ? good[_i].url : good[_i].plain);
		buf_fini(&out);
	}
}
END_TEST

static const struct {
	const char *text, *unknown;
	int column;
} bad[] = {
	{ "{", NULL, 1 },
	{ "a{service", NULL, 2 },
	{ "ä}", NULL, 2 },
	{ "{servce}", "servce", 1 },
	{ "x {}", "", 3 },
	{ "{label.}", "label.", 1 },
	{ "{label}", "label", 1 },
	{ "{a{service}}", NULL, 1 },
	{ "{service }", "service ", 1 },
	{ "{text}", "text", 1 },
	{ "{service}}", NULL, 10 },
};

START_TEST(test_bad)
{
	const char *unknown;
	struct err err;

	ck_assert_ptr_null(template_parse(arena, bad[_i].text, &unknown, &err));
	ck_assert_int_eq(err.column, bad[_i].column);
	ck_assert_int_eq(unknown != NULL, bad[_i].unknown != NULL);
	if (unknown)
		ck_assert_str_eq(unknown, bad[_i].unknown);
}
END_TEST

/* buf remembers that a text did not fit, and nothing is written beyond its cap. */
START_TEST(test_cap)
{
	const char *unknown;
	struct err err;
	struct buf out = BUF_INIT(8);

	template_write(template_parse(arena, "{service}", &unknown, &err), value, NULL, true, &out);
	ck_assert(out.failed);
	ck_assert_uint_le(out.len, 8);
	buf_fini(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("template");
	TCase *tests = tcase_create("template");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, test_good, 0, ARRAY_LEN(good));
	tcase_add_loop_test(tests, test_bad, 0, ARRAY_LEN(bad));
	tcase_add_test(tests, test_cap);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
