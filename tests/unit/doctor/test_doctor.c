/*
 * Doctor's table, and what a start would say of options, rules and stores that are written here.
 * What needs peers and a running relay stands in tests/system/test_doctor.py and test_faults.py.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracepager/clock.h"
#include "tracepager/doctor.h"
#include "tracepager/store.h"
#include "tracepager/store_look.h"
#include "tracepager/xalloc.h"

static char directory[] = "/tmp/test_doctor.XXXXXX";
static struct preflight preflight;

static void make_directory(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static const char *const names[] = { "options",	  "rules.yaml", "tp.db",
				     "tp.db-wal", "tp.db-shm",	"tp.db.lock" };

static void remove_directory(void)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP_FREE char *path = xasprintf("%s/%s", directory, names[i]);
		unlink(path);
	}
	ck_assert_int_eq(rmdir(directory), 0);
}

static void write_file(const char *name, const char *text)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", directory, name);
	CLEANUP_FCLOSE FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

#define PAGER_HOOK    "{kind: webhook, url: \"http://127.0.0.1:9/x\"}"
#define PAGER_CONSOLE "{kind: console}"

static void write_rules(const char *pager)
{
	CLEANUP_FREE char *text = xasprintf("teams: {sre: {escalation: e}}\npagers: {p: %s}\n"
					    "escalations: {e: {steps: [{page: [p], wait: 10m}]}}\n"
					    "fallback: {team: sre}\n",
					    pager);

	write_file("rules.yaml", text);
}

static void write_options(const char *more)
{
	CLEANUP_FREE char *text =
		xasprintf("listen: 127.0.0.1:0\nstore: {path: %s/tp.db}\nrules: %s/rules.yaml\n"
			  "senders: {am: {format: alertmanager}}\n"
			  "sources: {j: {kind: jaeger, url: \"http://127.0.0.1:9\"}}\n"
			  "external_url: https://tp.example.com\n%s",
			  directory, directory, more);

	write_file("options", text);
}

static bool run(void)
{
	CLEANUP_FREE char *path = xasprintf("%s/options", directory);

	return preflight_run(path, clock_wall_us(clock_system()), &preflight);
}

/* "C051 W003", in the order of the findings. */
static const char *codes(void)
{
	static char text[256];

	text[0] = '\0';
	for (size_t i = 0; i < preflight.findings.n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 preflight.findings.at[i].code);
	return text;
}

START_TEST(test_table)
{
	for (int i = 0; i < DOCTOR_CHECK_COUNT; i++) {
		ck_assert_int_eq(doctor_check_find(doctor_rows[i].name), i); /* each id once */
		ck_assert(*doctor_rows[i].title && *doctor_rows[i].text);
		for (const char *at = doctor_rows[i].codes; *at;) {
			CLEANUP_FREE char *code = xstrndup(at, strcspn(at, " "));
			ck_assert_msg(finding_explain(code), "%s", code);
			at += strlen(code);
			at += *at == ' ';
		}
	}
	ck_assert_int_eq(doctor_check_find("sourc"), DOCTOR_CHECK_COUNT);
}
END_TEST

START_TEST(test_all_is_well)
{
	write_rules(PAGER_HOOK);
	write_options("");
	ck_assert(run());
	ck_assert_str_eq(codes(), "");
	ck_assert_ptr_nonnull(preflight.rules);
	ck_assert(preflight.read && preflight.disk_bytes > 0 && preflight.schema == 0);
	preflight_fini(&preflight);
}
END_TEST

START_TEST(test_what_is_missing)
{
	CLEANUP_FREE char *path = xasprintf("%s/none", directory);

	ck_assert(!preflight_run(path, 1, &preflight));
	ck_assert(!preflight.read && !preflight.rules && preflight.config);
	ck_assert_uint_eq(preflight.findings.n, 1); /* the defaults' places are not tried */
	preflight_fini(&preflight);
	write_rules(PAGER_CONSOLE);
	write_options("");
	ck_assert(run()); /* a warning only */
	ck_assert_str_eq(codes(), "C051");
	preflight_fini(&preflight);
	write_options("listne: x\n");
	ck_assert(!run());
	ck_assert_str_eq(codes(), "C001 C051"); /* one pass tells all */
	preflight_fini(&preflight);
}
END_TEST

/* What is no store of ours is an error, and stays as it is. */
START_TEST(test_foreign_store)
{
	CLEANUP_FREE char *path = xasprintf("%s/tp.db", directory);
	struct store_look look;
	struct err err = { 0 };

	write_rules(PAGER_HOOK);
	write_options("");
	write_file("tp.db", "this is no database, and longer than its head of a hundred bytes: "
			    "this is no database at all\n");
	ck_assert(!run());
	ck_assert_str_eq(codes(), "C049");
	ck_assert_ptr_nonnull(strstr(preflight.findings.at[0].text, "not a database"));
	preflight_fini(&preflight);
	ck_assert_int_lt(store_look(path, &look, &err), 0);
	ck_assert(look.exists && !look.replaced);
	unlink(path);
	ck_assert_int_eq(store_look(path, &look, &err), 0);
	ck_assert(!look.exists && look.schema == 0 && look.newest >= 7);
}
END_TEST

static void on_problem(void *ctx, const char *problem)
{
	(void)problem;
	++*(size_t *)ctx;
}

/* A store as a relay leaves it, and with the page behind the first overwritten. */
START_TEST(test_damaged_store)
{
	CLEANUP_FREE char *path = xasprintf("%s/tp.db", directory);
	struct store *store = NULL;
	struct err err = { 0 };
	char bytes[512];
	size_t n = 0;

	ck_assert_int_eq(store_sqlite_open(path, &store, &err), 0);
	store_close(store);
	ck_assert_int_eq(store_look_inside(path, 10000000, on_problem, &n, &err), 0);
	ck_assert_uint_eq(n, 0);
	write_rules(PAGER_HOOK);
	write_options("");
	ck_assert_msg(run(), "%s", codes());
	ck_assert_str_eq(codes(), "");
	ck_assert_int_ge(preflight.schema, 7);
	preflight_fini(&preflight);
	FILE *file = fopen(path, "r+");
	memset(bytes, 0xff, sizeof(bytes));
	ck_assert_int_eq(fseek(file, 4096, SEEK_SET), 0);
	ck_assert_uint_eq(fwrite(bytes, 1, sizeof(bytes), file), sizeof(bytes));
	fclose(file);
	ck_assert(run()); /* a start puts it aside, or finds it later */
	ck_assert_str_eq(codes(), "C052");
	preflight_fini(&preflight);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("doctor");
	TCase *tcase = tcase_create("doctor");
	SRunner *runner = srunner_create(suite);

	tcase_add_unchecked_fixture(tcase, make_directory, remove_directory);
	tcase_add_test(tcase, test_table);
	tcase_add_test(tcase, test_all_is_well);
	tcase_add_test(tcase, test_what_is_missing);
	tcase_add_test(tcase, test_foreign_store);
	tcase_add_test(tcase, test_damaged_store);
	suite_add_tcase(suite, tcase);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
