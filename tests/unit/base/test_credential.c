/* Credential: which file credential:NAME is, and what checks do where the service's are not there.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracepager/credential.h"
#include "tracepager/secret.h"
#include "tracepager/xalloc.h"

static char directory[64];

static void setup_directory(void)
{
	snprintf(directory, sizeof(directory), "/tmp/tracepager-credential-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	setenv("CREDENTIALS_DIRECTORY", directory, 1);
}

static void put_credential(const char *name, const char *text)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", directory, name);
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static void remove_credential(const char *name)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", directory, name);

	unlink(path);
}

static void teardown_directory(void)
{
	remove_credential("ledger");
	remove_credential("keys_ledger");
	rmdir(directory);
}

static void expect_secret(const char *path, const char *value)
{
	struct secret secret = { .value = NULL };
	struct err err = { 0 };

	ck_assert_msg(secret_read_file(&secret, path, &err) == 0, "%s", err.text);
	ck_assert_str_eq(secret.value, value);
	ck_assert_str_eq(secret.path, path); /* what is told to people, and read at a reload */
	secret_fini(&secret);
}

START_TEST(a_name_is_a_file_of_the_directory)
{
	put_credential("keys_ledger", "of the directory\n");
	expect_secret("credential:ledger", "of the directory");
	put_credential("ledger", "of its own\n");
	expect_secret("credential:ledger", "of its own");
	expect_secret("credential:keys_ledger", "of the directory");
}
END_TEST

START_TEST(a_changed_credential_is_read_again)
{
	struct secret secret = { .value = NULL };
	const struct timespec stamps[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	CLEANUP_FREE char *file = xasprintf("%s/ledger", directory);

	put_credential("ledger", "old\n");
	utimensat(AT_FDCWD, file, stamps, 0);
	ck_assert_int_eq(secret_read_file(&secret, "credential:ledger", NULL), 0);
	put_credential("ledger", "new\n");
	ck_assert_int_eq(secret_refresh(&secret, NULL), 0);
	ck_assert_str_eq(secret.value, "new");
	unsetenv("CREDENTIALS_DIRECTORY");
	ck_assert_int_eq(secret_refresh(&secret, NULL), -ENOENT);
	ck_assert_str_eq(secret.value, "new");
	secret_fini(&secret);
}
END_TEST

static const char *const bad_names[] = { "credential:", "credential:../shadow",
					 "credential:/etc/shadow", "credential:.hidden",
					 "credential:a/b" };

START_TEST(a_name_stays_in_the_directory)
{
	struct secret secret = { .value = NULL };
	struct err err = { 0 };

	ck_assert_int_eq(secret_read_file(&secret, bad_names[_i], &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, bad_names[_i]));
	ck_assert_ptr_null(secret.path);
}
END_TEST

START_TEST(outside_the_service_only_checks_pass_over_it)
{
	struct secret secret = { .value = NULL };
	struct err err = { 0 };

	unsetenv("CREDENTIALS_DIRECTORY");
	ck_assert(!credential_is_elsewhere("credential:ledger"));
	ck_assert_int_eq(secret_read_file(&secret, "credential:ledger", &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "CREDENTIALS_DIRECTORY is not set"));
	credential_expect_elsewhere();
	ck_assert(credential_is_elsewhere("credential:ledger"));
	ck_assert(!credential_is_elsewhere("/run/secrets/ledger"));
	ck_assert_int_eq(secret_read_file(&secret, "credential:ledger", &err), 0);
	ck_assert_ptr_null(secret.value);
	ck_assert_str_eq(secret.path, "credential:ledger");
	secret_fini(&secret);
	setenv("CREDENTIALS_DIRECTORY", directory, 1); /* the service's own check reads them */
	ck_assert_int_eq(secret_read_file(&secret, "credential:ledger", &err), -ENOENT);
}
END_TEST

/* Each says which file is missing or wrong, and where the service's come from. */
START_TEST(its_cure_names_its_files)
{
	CLEANUP_FREE char *file = xasprintf("%s/ledger", directory);
	CLEANUP_FREE char *looked =
		xasprintf("neither %s nor %s/keys_ledger is there", file, directory);

	ck_assert_ptr_null(credential_cure("/run/secrets/ledger"));
	CLEANUP_FREE char *missing = credential_cure("credential:ledger");
	ck_assert_msg(strstr(missing, looked) != NULL, "%s", missing);
	ck_assert_ptr_nonnull(strstr(missing, "/etc/tracepager/keys/ledger"));
	ck_assert_ptr_nonnull(strstr(missing, "restart the service"));
	put_credential("keys_ledger", "\n");
	CLEANUP_FREE char *empty = credential_cure("credential:ledger");
	ck_assert_msg(strstr(empty, "neither") == NULL && strstr(empty, "correct the file") != NULL,
		      "%s", empty);
	unsetenv("CREDENTIALS_DIRECTORY");
	CLEANUP_FREE char *outside = credential_cure("credential:ledger");
	ck_assert_msg(strstr(outside,
			     "set CREDENTIALS_DIRECTORY to a directory with a file ledger") != NULL,
		      "%s", outside);
	CLEANUP_FREE char *bad = credential_cure("credential:a/b");
	ck_assert_msg(strstr(bad, "credential:NAME") != NULL, "%s", bad);
}
END_TEST

static const struct {
	uid_t uid;
	mode_t mode;
	bool open;
} modes[] = {
	{ 0, 0600, false },    { 0, 0640, false },   { 0, 0644, true },
	{ 0, 0660, true },     { 0, 0604, true },    { 1000, 0600, false },
	{ 1000, 0400, false }, { 1000, 0640, true }, { 1000, 0601, true },
};

START_TEST(the_group_may_read_what_root_gave_it)
{
	const struct stat status = { .st_uid = modes[_i].uid, .st_mode = S_IFREG | modes[_i].mode };

	ck_assert_int_eq(secret_is_open(&status), modes[_i].open);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("credential");
	TCase *tests = tcase_create("credential");

	tcase_add_checked_fixture(tests, setup_directory, teardown_directory);
	tcase_add_test(tests, a_name_is_a_file_of_the_directory);
	tcase_add_test(tests, a_changed_credential_is_read_again);
	tcase_add_loop_test(tests, a_name_stays_in_the_directory, 0, (int)ARRAY_LEN(bad_names));
	tcase_add_test(tests, outside_the_service_only_checks_pass_over_it);
	tcase_add_test(tests, its_cure_names_its_files);
	tcase_add_loop_test(tests, the_group_may_read_what_root_gave_it, 0, (int)ARRAY_LEN(modes));
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
