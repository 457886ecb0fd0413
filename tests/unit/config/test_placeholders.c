/*
 * Tokens and passwords that a template left to be filled in: refused beyond loopback, and told on
 * it. Lines and columns are counted by hand.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracepager/config.h"
#include "tracepager/xalloc.h"

static struct findings findings;
static struct config *config;

static void setup(void)
{
	findings = (struct findings){ .at = NULL };
	config = NULL;
}

static void teardown(void)
{
	findings_fini(&findings);
	config_free(config);
}

static int parse(const char *text, bool load_secrets)
{
	return config_parse("tracepager.yaml", text, strlen(text), load_secrets, &config,
			    &findings);
}

static void check_finding(size_t i, enum finding_level level, int line, int column)
{
	ck_assert_uint_lt(i, findings.n);
	ck_assert_str_eq(findings.at[i].code, "C054");
	ck_assert_int_eq(findings.at[i].level, level);
	ck_assert_int_eq(findings.at[i].line, line);
	ck_assert_int_eq(findings.at[i].column, column);
	ck_assert_ptr_nonnull(strstr(findings.at[i].hint, "openssl rand"));
}

/* What stands before the line of the address. */
static const struct {
	const char *text;
	int line, column;
	const char *says; /* NULL: no placeholder */
} placeholders[] = {
	{ "admin_token: CHANGE-ME\n", 1, 14, "admin_token is" },
	{ "admin_token: your-admin-token\n", 1, 14, "admin_token is" },
	{ "tokens:\n"
	  "  - {name: ann, token: t, may: act}\n"
	  "  - {name: bob, may: read, token: TODO}\n",
	  3, 35, "the token of bob is" },
	{ "admin_token: t\nsenders: {am: {format: prometheus, bearer: changeme}}\n", 2, 44,
	  "bearer of sender am is" },
	{ "admin_token: t\nsenders: {am: {format: prometheus, bearer: [s3cret, '<token>']}}\n", 2,
	  53, "bearer of sender am is" },
	{ "admin_token: t\nsenders:\n  am:\n    format: grafana\n"
	  "    basic: {username: u, password: change_this}\n",
	  5, 36, "password of sender am is" },
	{ "admin_token: t\nsenders:\n  am:\n    format: grafana\n"
	  "    sign: {scheme: github, secret: your-secret-here}\n",
	  5, 36, "secret of sender am is" },
	/* Secrets of somebody's own, however weak; and what is shown to others. */
	{ "admin_token: change\n", 0, 0, NULL },
	{ "admin_token: 3q9xxxxQ\nsenders: {am: {format: prometheus, bearer: mytoken}}\n", 0, 0,
	  NULL },
	{ "admin_token: t\nsources: {j: {kind: jaeger, url: \"http://j\", bearer: changeme}}\n", 0,
	  0, NULL },
};

static void check_row(size_t row, const char *listen, enum finding_level level)
{
	CLEANUP_FREE char *text = xasprintf("%slisten: %s\n", placeholders[row].text, listen);
	const bool refused = placeholders[row].says && level == FINDING_ERROR;

	ck_assert_int_eq(parse(text, false), refused ? -EINVAL : 0);
	ck_assert_uint_eq(findings.n, placeholders[row].says ? 1 : 0);
	if (!placeholders[row].says)
		return;
	check_finding(0, level, placeholders[row].line, placeholders[row].column);
	ck_assert_msg(strncmp(findings.at[0].text, placeholders[row].says,
			      strlen(placeholders[row].says)) == 0,
		      "%s", findings.at[0].text);
}

START_TEST(test_beyond_loopback)
{
	check_row((size_t)_i, ":9480", FINDING_ERROR);
}
END_TEST

START_TEST(test_on_loopback)
{
	check_row((size_t)_i, "127.0.0.1:9480", FINDING_WARNING);
}
END_TEST

START_TEST(test_in_a_file)
{
	char path[] = "/tmp/tracepager-placeholder-XXXXXX";
	const int file = mkstemp(path);

	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(write(file, "CHANGE-ME\n", 10), 10);
	close(file);
	CLEANUP_FREE char *text =
		xasprintf("listen: :9480\n"
			  "admin_token_file: %s\n"
			  "senders: {am: {format: prometheus, bearer_file: %s}}\n",
			  path, path);
	ck_assert_int_eq(parse(text, true), -EINVAL);
	unlink(path);
	ck_assert_uint_eq(findings.n, 2);
	check_finding(0, FINDING_ERROR, 2, 19);
	check_finding(1, FINDING_ERROR, 3, 49);
	ck_assert_ptr_null(strstr(findings.at[0].text, "CHANGE-ME"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("placeholders");
	TCase *tcase = tcase_create("placeholders");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_beyond_loopback, 0, ARRAY_LEN(placeholders));
	tcase_add_loop_test(tcase, test_on_loopback, 0, ARRAY_LEN(placeholders));
	tcase_add_test(tcase, test_in_a_file);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
