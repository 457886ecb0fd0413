/*
 * Findings of the files that hold pagers' keys, and their cures: whose file it is, its mode, that
 * of its directory, and who looks. What a cure says first is done, and then the finding is gone.
 * Each look is a child's, which may give up its rights; without root only a user's own files are
 * tried.
 */
#include <check.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracepager/findings.h"
#include "tracepager/rules_load.h"
#include "tracepager/service_user.h"
#include "tracepager/xalloc.h"

/* The relay's user of these tests is nobody; the key may also be a third user's. */
#define RELAY 65534
#define THIRD 1
#define KEY   "0123456789abcdef0123456789abcdef\n"

static char directory[] = "/tmp/test_secret_files.XXXXXX";
static char folder[64], path[96], seen[2048];
static const char *group; /* the relay's */

static void make_directory(void)
{
	strcpy(directory + sizeof(directory) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chmod(directory, 0755), 0);
	snprintf(folder, sizeof(folder), "%s/keys", directory);
	snprintf(path, sizeof(path), "%s/key", folder);
	ck_assert_int_eq(mkdir(folder, 0755), 0);
	CLEANUP_FREE char *store = xasprintf("%s/store", directory);
	ck_assert_int_eq(mkdir(store, 0755), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(chown(store, RELAY, RELAY), 0);
	const struct group *entry = getgrgid(geteuid() == 0 ? RELAY : getegid());
	group = xasprintf("%s", entry ? entry->gr_name : "65534");
}

static void remove_directory(void)
{
	CLEANUP_FREE char *store = xasprintf("%s/store", directory);

	chmod(folder, 0755);
	unlink(path);
	ck_assert_int_eq(rmdir(folder) + rmdir(store) + rmdir(directory), 0);
	free((char *)(uintptr_t)group);
}

static void write_key(const char *text, uid_t uid, gid_t gid, mode_t mode)
{
	CLEANUP_FCLOSE FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	if (geteuid() == 0)
		ck_assert_int_eq(fchown(fileno(file), uid, gid), 0);
	ck_assert_int_eq(fchmod(fileno(file), mode), 0);
}

/* ---- a look ---- */

enum looks {
	AS_ROOT,	   /* and who runs the relay is not known */
	AS_ROOT_FOR_RELAY, /* the store is the relay's user's */
	AS_RELAY,
	LOOKS_COUNT
};

/* Prints "W033 text => cure" for each finding, sorted as they came. */
static void look_and_print(enum looks looks, FILE *out)
{
	CLEANUP_FREE char *store = xasprintf("%s/store/db", directory);
	CLEANUP_FREE char *text = xasprintf("teams: {sre: {escalation: e}}\n"
					    "pagers: {p: {kind: pagerduty, routing_key_file: %s}}\n"
					    "escalations: {e: {steps: [{page: [p], wait: 10m}]}}\n"
					    "fallback: {team: sre}\n",
					    path);
	struct findings findings = { .at = NULL };
	struct ruleset *rules = NULL;

	if (looks == AS_ROOT_FOR_RELAY)
		service_user_expect(store);
	if (looks == AS_RELAY && geteuid() == 0 &&
	    (setgroups(0, NULL) < 0 || setgid(RELAY) < 0 || setuid(RELAY) < 0))
		fprintf(out, "cannot change the user: %s\n", strerror(errno));
	rules_parse("r.yaml", text, strlen(text), true, &rules, &findings);
	for (size_t i = 0; i < findings.n; i++)
		fprintf(out, "%s %s => %s\n", findings.at[i].code, findings.at[i].text,
			findings.at[i].hint);
	findings_fini(&findings);
	rules_unref(rules);
}

static const char *look(enum looks looks)
{
	int fds[2], status;
	size_t n = 0;

	ck_assert_int_eq(pipe(fds), 0);
	pid_t child = fork();
	if (child == 0) {
		FILE *out = fdopen(fds[1], "w");
		look_and_print(looks, out);
		fclose(out);
		_exit(0);
	}
	ck_assert_int_gt(child, 0);
	close(fds[1]);
	for (ssize_t got; (got = read(fds[0], seen + n, sizeof(seen) - 1 - n)) > 0;)
		n += (size_t)got;
	seen[n] = '\0';
	close(fds[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	return seen;
}

/* What the cure of the one finding says before its first "if" or ", or". */
static void do_the_cure(void)
{
	const char *cure = strstr(seen, " => ");

	ck_assert_ptr_nonnull(cure);
	CLEANUP_FREE char *command = xstrdup(cure + strlen(" => "));
	command[strcspn(command, "\n")] = '\0';
	for (size_t i = 0; i < 2; i++) {
		char *rest = strstr(command, i ? ", or" : " if ");
		if (rest)
			*rest = '\0';
	}
	ck_assert_msg(strncmp(command, "ch", 2) == 0, "no command: %s", command);
	ck_assert_msg(system(command) == 0, "failed: %s", command);
}

/* ---- the table ---- */

static const struct {
	uid_t uid;
	gid_t gid;
	mode_t mode, folder; /* folder: 0: 0755 */
	/* Of each look the code, or NULL where there is no finding, and what the cure must hold. */
	struct {
		const char *code, *cure;
	} told[LOOKS_COUNT];
} rows[] = {
	/* The relay's own: for it alone. */
	{ RELAY, RELAY, 0600, 0, { { 0 }, { 0 }, { 0 } } },
	{ RELAY,
	  RELAY,
	  0640,
	  0,
	  { { "W033", "chmod 600 FILE if the relay runs as the file's owner; for the service: " },
	    { "W033", "chmod 600 FILE\n" },
	    { "W033", "chmod 600 FILE\n" } } },
	{ RELAY,
	  RELAY,
	  0602,
	  0,
	  { { "W033", "chmod 600 FILE if" },
	    { "W033", "chmod 600 FILE\n" },
	    { "W033", "chmod 600 FILE\n" } } },
	/* Root's: for the relay's group too, which may read it. */
	{ 0, RELAY, 0640, 0, { { 0 }, { 0 }, { 0 } } },
	{ 0,
	  RELAY,
	  0644,
	  0,
	  { { "W033", "chmod 600 FILE if the relay runs as root; for the service: chgrp "
		      "tracepager FILE && chmod 640 FILE, or credential:NAME\n" },
	    { "W033", "chgrp GROUP FILE && chmod 640 FILE, or pass it with LoadCredential=" },
	    { "W033", "chgrp GROUP FILE && chmod 640 FILE, or pass it with LoadCredential=" } } },
	{ 0,
	  RELAY,
	  0660,
	  0,
	  { { "W033", "chmod 600 FILE if the relay runs as root" },
	    { "W033", "chgrp GROUP FILE && chmod 640 FILE" },
	    { "W033", "chgrp GROUP FILE && chmod 640 FILE" } } },
	{ 0,
	  0,
	  0600,
	  0,
	  { { 0 },
	    { "W055", "chgrp GROUP FILE && chmod 640 FILE, or pass it with LoadCredential=" },
	    { "E021", "chgrp GROUP FILE && chmod 640 FILE, or pass it with LoadCredential=" } } },
	/* A third user's: that user reads it whatever its mode, so that it must change hands. */
	{ THIRD,
	  THIRD,
	  0644,
	  0,
	  { { "W033",
	      "chmod 600 FILE if the relay runs as the file's owner; for the service: chown "
	      "root:tracepager FILE && chmod 640 FILE, or credential:NAME\n" },
	    { "W033", "chown root:GROUP FILE && chmod 640 FILE" },
	    { "W033", "chown root:GROUP FILE && chmod 640 FILE" } } },
	{ THIRD,
	  RELAY,
	  0640,
	  0,
	  { { "W033", "chmod 600 FILE if the relay runs as the file's owner" },
	    { "W033", "chown root:GROUP FILE && chmod 640 FILE" },
	    { "W033", "chown root:GROUP FILE && chmod 640 FILE" } } },
	{ THIRD,
	  THIRD,
	  0600,
	  0,
	  { { 0 },
	    { "W055", "chown root:GROUP FILE && chmod 640 FILE" },
	    { "E021", "chown root:GROUP FILE && chmod 640 FILE" } } },
	/* A closed directory hides a good file. */
	{ 0,
	  RELAY,
	  0640,
	  0700,
	  { { 0 },
	    { "W055", "chgrp GROUP FOLDER && chmod g+x FOLDER, or pass the file with" },
	    { "E021", "let the relay's user read FILE and go through its directories" } } },
};

/* The words with the names of this run. Caller frees. */
static char *with_names(const char *words)
{
	struct buf out = BUF_INIT(4096);

	while (*words) {
		const char *name = strncmp(words, "FILE", 4) == 0     ? path
				   : strncmp(words, "FOLDER", 6) == 0 ? folder
				   : strncmp(words, "GROUP", 5) == 0  ? group
								      : NULL;
		if (name)
			buf_puts(&out, name);
		else
			buf_putc(&out, *words);
		words += name == path ? 4 : name == folder ? 6 : name == group ? 5 : 1;
	}
	char *text = xstrdup(buf_text(&out));
	buf_fini(&out);
	return text;
}

static void check_row(int i, enum looks looks)
{
	write_key(KEY, rows[i].uid, rows[i].gid, rows[i].mode);
	ck_assert_int_eq(chmod(folder, rows[i].folder ? rows[i].folder : 0755), 0);
	look(looks);
	if (!rows[i].told[looks].code) {
		ck_assert_msg(!*seen, "%o, looks %d: %s", rows[i].mode, looks, seen);
		return;
	}
	CLEANUP_FREE char *cure = with_names(rows[i].told[looks].cure);
	const char *told = strstr(seen, " => ");
	ck_assert_msg(strncmp(seen, rows[i].told[looks].code, 4) == 0 && told &&
			      strncmp(told + 4, cure, strlen(cure)) == 0,
		      "%o, looks %d, not %s but: %s", rows[i].mode, looks, cure, seen);
	ck_assert_msg(strchr(seen, '\n')[1] == '\0', "two findings: %s", seen);
	if (strncmp(cure, "let", 3) == 0)
		return;
	do_the_cure();
	look(looks);
	ck_assert_msg(!*seen, "%s does not cure: %s", cure, seen);
}

START_TEST(each_look_has_its_cure)
{
	make_directory();
	if (geteuid() == 0)
		for (int looks = 0; looks < LOOKS_COUNT; looks++)
			check_row(_i, (enum looks)looks);
	else if (rows[_i].uid == RELAY)
		check_row(_i, AS_RELAY);
	remove_directory();
}
END_TEST

/* What is no matter of modes has the same words for all. */
START_TEST(a_file_without_a_key)
{
	make_directory();
	for (int looks = geteuid() == 0 ? 0 : AS_RELAY; looks < LOOKS_COUNT; looks++) {
		look((enum looks)looks);
		ck_assert_ptr_nonnull(strstr(seen, "E021 "));
		ck_assert_ptr_nonnull(
			strstr(seen, "No such file or directory => the file must exist"));
		write_key("\n" KEY, RELAY, RELAY, 0600);
		look((enum looks)looks);
		ck_assert_ptr_nonnull(strstr(seen, "E021 "));
		ck_assert_ptr_nonnull(
			strstr(seen, "has an empty first line => write the key on the first line"));
		unlink(path);
	}
	remove_directory();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("secret files");
	TCase *tcase = tcase_create("secret files");
	SRunner *runner = srunner_create(suite);

	tcase_add_loop_test(tcase, each_look_has_its_cure, 0, ARRAY_LEN(rows));
	tcase_add_test(tcase, a_file_without_a_key);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
