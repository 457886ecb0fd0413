/*
 * What names of a catalogue mean: patterns and sections of CODEOWNERS, and owners that are no group
 * of Backstage. For each catalogue the losses, and parts of the rules that are made of it, in
 * order.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/catalogue.h"
#include "tracepager/xalloc.h"

struct example {
	enum catalogue_kind kind;
	const char *text;
	const char *losses;   /* "LINE reason" of each, in order */
	const char *why;      /* of the first loss; NULL: any */
	const char *rules[6]; /* stand in the rules in this order; NULL-terminated */
	const char *never;    /* stands nowhere in them; NULL: nothing is forbidden */
};

static void check_example(const struct example *example)
{
	const struct catalogue_options options = { .escalation = "sre" };
	struct catalogue *catalogue = catalogue_new(example->kind, &options);
	struct buf rules = BUF_INIT(1u << 16), losses = BUF_INIT(1u << 16);
	const struct catalogue_loss *found;
	const char *at;
	size_t n;

	catalogue_add(catalogue, "file.yaml", example->text, strlen(example->text));
	catalogue_resolve(catalogue);
	catalogue_write(catalogue, &rules);
	found = catalogue_losses(catalogue, &n);
	for (size_t i = 0; i < n; i++)
		buf_printf(&losses, "%s%d %s", i ? ", " : "", found[i].line,
			   loss_word(found[i].reason));
	ck_assert_str_eq(buf_text(&losses), example->losses);
	if (example->why)
		ck_assert_str_eq(found[0].why, example->why);
	at = buf_text(&rules);
	for (size_t i = 0; example->rules[i]; i++) {
		at = strstr(at, example->rules[i]);
		ck_assert_msg(at, "no %s in order in\n%s", example->rules[i], buf_text(&rules));
	}
	if (example->never)
		ck_assert_msg(!strstr(buf_text(&rules), example->never), "%s", buf_text(&rules));
	buf_fini(&rules);
	buf_fini(&losses);
	catalogue_free(catalogue);
}

static const struct example patterns[] = {
	/* Names of directories with one * at the end are globs of services. */
	{ CATALOGUE_CODEOWNERS,
	  "services/jo*/    @shop/early\n"
	  "services/job-*/  @shop/jobs\n"
	  "services/job-7/  @shop/seven\n",
	  "1 name, 2 name",
	  NULL,
	  { "jo_:\n    owner: early\n    match: {service: \"jo*\"}", "job-7:\n    owner: seven\n",
	    "job-_:\n    owner: jobs\n    match: {service: \"job-*\"}" },
	  NULL },
	/* Others could tie, which is an error in rules. */
	{ CATALOGUE_CODEOWNERS,
	  "services/a-*/    @shop/a\n"
	  "services/*-b/    @shop/b\n"
	  "services/v?/     @shop/v\n"
	  "services/a*b*/   @shop/c\n",
	  "1 name, 2 pattern, 3 pattern, 4 pattern",
	  NULL,
	  { "a-_:\n    owner: a\n    match: {service: \"a-*\"}" },
	  "owner: b" },
	/* Of lines that match a directory the last decides, also for globs. */
	{ CATALOGUE_CODEOWNERS,
	  "services/job-7/  @shop/seven\n"
	  "services/job-*/  @shop/jobs\n"
	  "services/j*/     @shop/all\n",
	  "2 name, 3 name",
	  NULL,
	  { "j_:\n    owner: all", "job-7:\n    owner: all", "job-_:\n    owner: all" },
	  "owner: jobs" },
	/* What no glob can say is lost, with its line. */
	{ CATALOGUE_CODEOWNERS,
	  "services/[xy]z/  @shop/range\n"
	  "!services/job-1/\n"
	  "services/*/      @shop/all\n"
	  "services/cron/   @shop/cron\n",
	  "1 pattern, 2 pattern, 3 pattern",
	  "\"services/[xy]z/\" is left out: a range of characters is no pattern at GitHub, and no "
	  "glob of rules",
	  { "cron:\n    owner: cron" },
	  "xy" },
};

START_TEST(codeowners_patterns)
{
	check_example(&patterns[_i]);
}
END_TEST

static const struct example sections[] = {
	/* A section that is not optional before one that is, whichever comes last. */
	{ CATALOGUE_CODEOWNERS,
	  "[Till] @shop/till\nservices/till/\n^[Docs] @shop/docs\nservices/till/\n",
	  "4 more-owners",
	  "section \"Docs\" names shop/docs too; \"shop/till\" is taken",
	  { "till:\n    owner: till" },
	  NULL },
	/* A line about the directory itself before one about everything. */
	{ CATALOGUE_CODEOWNERS,
	  "* @shop/everyone\n^[Security] @shop/security\nservices/vault/\n",
	  "",
	  NULL,
	  { "vault:\n    owner: security" },
	  NULL },
	/* Equal heads are one section, in which the last line decides. */
	{ CATALOGUE_CODEOWNERS,
	  "[Cash][2] @shop/cash\nservices/till/\n[Books]\nservices/till/ @shop/books\n"
	  "[CASH]\nservices/till/ @shop/late\n",
	  "4 more-owners",
	  NULL,
	  { "till:\n    owner: late" },
	  NULL },
	/* The same team twice is one owner. */
	{ CATALOGUE_CODEOWNERS,
	  "[A] @shop/cash\nservices/till/\n[B] @Shop/Cash\nservices/till/\n",
	  "",
	  NULL,
	  { "till:\n    owner: cash" },
	  NULL },
};

START_TEST(codeowners_sections)
{
	check_example(&sections[_i]);
}
END_TEST

#define ENTITY(kind, name)                                                                         \
	"apiVersion: backstage.io/v1alpha1\nkind: " kind "\nmetadata: {name: " name "}\n"
#define OWNED(owner) "---\n" ENTITY("Component", "till") "spec: {owner: '" owner "'}\n"
#define NO_GROUP     "it is no group of the catalogue"

/* An owner is noted that is no group of the catalogue and is like one, or cannot be the name of
 * any. Other owners may be described elsewhere. */
static const struct example owners[] = {
	{ CATALOGUE_BACKSTAGE,
	  ENTITY("Group", "web") "---\n" ENTITY("Group", "stock") OWNED("Team Stock"),
	  "12 unknown-team",
	  NO_GROUP "; did you mean \"stock\"?",
	  { "till:\n    owner: \"Team Stock\"" },
	  NULL },
	{ CATALOGUE_BACKSTAGE,
	  ENTITY("Group", "stock") OWNED("stok"),
	  "8 unknown-team",
	  NO_GROUP "; did you mean \"stock\"?",
	  { NULL },
	  NULL },
	{ CATALOGUE_BACKSTAGE,
	  ENTITY("Group",
		 "g7") "spec: {profile: {displayName: Blue Whales}}\n" OWNED("blue whales"),
	  "9 unknown-team",
	  NO_GROUP "; did you mean \"g7\"?",
	  { NULL },
	  NULL },
	{ CATALOGUE_BACKSTAGE,
	  ENTITY("Group", "stock") OWNED("Cash Desk"),
	  "8 unknown-team",
	  NO_GROUP,
	  { NULL },
	  NULL },
	{ CATALOGUE_BACKSTAGE,
	  ENTITY("Group", "stock") OWNED("finance"),
	  "",
	  NULL,
	  { NULL },
	  NULL },
	{ CATALOGUE_BACKSTAGE,
	  ENTITY("Group", "stock") OWNED("group:default/stock"),
	  "",
	  NULL,
	  { "owner: stock" },
	  NULL },
	/* A catalogue without groups has them elsewhere. */
	{ CATALOGUE_BACKSTAGE,
	  ENTITY("User", "stock") OWNED("Stock Team"),
	  "",
	  NULL,
	  { NULL },
	  NULL },
};

START_TEST(unknown_owners)
{
	check_example(&owners[_i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("catalogue names");
	TCase *tcase = tcase_create("catalogue names");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, codeowners_patterns, 0, (int)ARRAY_LEN(patterns));
	tcase_add_loop_test(tcase, codeowners_sections, 0, (int)ARRAY_LEN(sections));
	tcase_add_loop_test(tcase, unknown_owners, 0, (int)ARRAY_LEN(owners));
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
