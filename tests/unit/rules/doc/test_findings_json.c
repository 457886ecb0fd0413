/* Findings as programs read them: JSON objects, and SARIF 2.1.0. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/findings.h"
#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

static struct findings findings;
static struct buf out;
static json_t *root;

static void setup(void)
{
	findings = (struct findings){ .at = NULL };
	buf_init(&out, 1u << 20);
	root = NULL;
}

static void teardown(void)
{
	json_decref(root);
	findings_fini(&findings);
	buf_fini(&out);
}

/* Two findings: of line 2, column 12 ("fallback: {teem: a}": the key's four characters), and of a
 * whole file with a name that must be escaped. */
static void find(void)
{
	static const char text[] = "teams: {a: {escalation: e}}\n"
				   "fallback: {teem: a}\n";
	struct ruleset *rules = NULL;

	ck_assert_int_lt(
		rules_parse("rules.yaml", text, sizeof(text) - 1, false, &rules, &findings), 0);
	findings_add(&findings, FINDING_WARNING, "W030", "/etc/my rules/ä.yaml", "look \"there\"",
		     "it has %d faults", 2);
}

static json_t *read_json(void)
{
	json_error_t error;

	ck_assert(!out.failed);
	root = json_loads(buf_text(&out), JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(root != NULL, "%s at %d: %s", error.text, error.position, buf_text(&out));
	return root;
}

static const char *text_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value) ? json_string_value(value) : "(no text)";
}

static long long number_of(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

/* The finding at line 2, column 12, in whatever order. */
static const json_t *misspelled(const json_t *list, size_t *ret_index)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item) if (number_of(item, "line") == 2 &&
					      number_of(item, "column") == 12)
	{
		*ret_index = i;
		return item;
	}
	return NULL;
}

START_TEST(findings_are_objects)
{
	size_t index;

	find();
	findings_write_array(&findings, SIZE_MAX, &out);
	const json_t *list = read_json();
	ck_assert_uint_eq(json_array_size(list), findings.n);
	const json_t *first = misspelled(list, &index);
	ck_assert_ptr_nonnull(first);
	ck_assert_str_eq(text_of(first, "level"), "error");
	ck_assert_str_eq(text_of(first, "file"), "rules.yaml");
	ck_assert_str_eq(text_of(first, "code"), findings.at[index].code);
	ck_assert_str_eq(text_of(first, "source"), "fallback: {teem: a}");
	ck_assert_int_eq(number_of(first, "width"), 4);
	ck_assert_ptr_nonnull(strstr(text_of(first, "text"), "teem"));
	const json_t *last = json_array_get(list, findings.n - 1);
	ck_assert_str_eq(text_of(last, "level"), "warning");
	ck_assert_str_eq(text_of(last, "code"), "W030");
	ck_assert_str_eq(text_of(last, "file"), "/etc/my rules/ä.yaml");
	ck_assert_str_eq(text_of(last, "text"), "it has 2 faults");
	ck_assert_str_eq(text_of(last, "hint"), "look \"there\"");
	ck_assert_int_eq(number_of(last, "line"), 0);
}
END_TEST

START_TEST(the_list_is_cut)
{
	find();
	ck_assert_uint_ge(findings.n, 2);
	findings_write_array(&findings, 1, &out);
	ck_assert_uint_eq(json_array_size(read_json()), 1);
	json_decref(root);
	buf_reset(&out);
	findings_write_array(&findings, 0, &out);
	ck_assert_str_eq(buf_text(&out), "[]");
	root = NULL;
}
END_TEST

static const json_t *at(const json_t *value, const char *name)
{
	const json_t *found = json_object_get(value, name);

	ck_assert_msg(found != NULL, "%s is missing", name);
	return found;
}

START_TEST(sarif_has_rules_results_and_places)
{
	size_t i, index;
	json_t *item;

	find();
	findings_write_array(&findings, SIZE_MAX, &out);
	misspelled(read_json(), &index);
	json_decref(root);
	buf_reset(&out);
	findings_write_sarif(&findings, "1.2.3", &out);
	const json_t *log = read_json();
	ck_assert_str_eq(text_of(log, "version"), "2.1.0");
	const json_t *run = json_array_get(at(log, "runs"), 0);
	ck_assert_str_eq(text_of(run, "columnKind"), "unicodeCodePoints");
	const json_t *driver = at(at(run, "tool"), "driver");
	ck_assert_str_eq(text_of(driver, "name"), "tracepager");
	ck_assert_str_eq(text_of(driver, "version"), "1.2.3");
	/* Every code of rules and tests is a rule, none of the daemon's options. */
	size_t codes = 0;
	for (size_t k = 0; finding_code(k); k++)
		codes += *finding_code(k) != 'C';
	ck_assert_uint_eq(json_array_size(at(driver, "rules")), codes);
	json_array_foreach(at(driver, "rules"), i, item)
	{
		bool warning = strncmp(text_of(item, "id"), "W", 1) == 0;
		ck_assert_str_eq(text_of(at(item, "defaultConfiguration"), "level"),
				 warning ? "warning" : "error");
		ck_assert_str_eq(text_of(at(item, "shortDescription"), "text"),
				 finding_explain(text_of(item, "id")));
	}
	const json_t *results = at(run, "results");
	ck_assert_uint_eq(json_array_size(results), findings.n);
	/* With a place. */
	const json_t *result = json_array_get(results, index);
	ck_assert_str_eq(text_of(result, "level"), "error");
	const json_t *place = at(json_array_get(at(result, "locations"), 0), "physicalLocation");
	ck_assert_str_eq(text_of(at(place, "artifactLocation"), "uri"), "rules.yaml");
	ck_assert_int_eq(number_of(at(place, "region"), "startLine"), 2);
	ck_assert_int_eq(number_of(at(place, "region"), "startColumn"), 12);
	ck_assert_int_eq(number_of(at(place, "region"), "endColumn"), 16);
	ck_assert_str_eq(text_of(at(at(place, "region"), "snippet"), "text"),
			 "fallback: {teem: a}");
	/* Without one, of a file whose name is escaped. */
	result = json_array_get(results, findings.n - 1);
	ck_assert_str_eq(text_of(result, "ruleId"), "W030");
	ck_assert_str_eq(text_of(result, "level"), "warning");
	ck_assert_str_eq(text_of(at(result, "message"), "text"),
			 "it has 2 faults (look \"there\")");
	place = at(json_array_get(at(result, "locations"), 0), "physicalLocation");
	ck_assert_str_eq(text_of(at(place, "artifactLocation"), "uri"),
			 "file:///etc/my%20rules/%C3%A4.yaml");
	ck_assert_ptr_null(json_object_get(place, "region"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("findings json");
	TCase *tests = tcase_create("findings json");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, findings_are_objects);
	tcase_add_test(tests, the_list_is_cut);
	tcase_add_test(tests, sarif_has_rules_results_and_places);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
