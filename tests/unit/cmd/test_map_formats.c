/* cmd: the service map as text, DOT, Mermaid and Backstage entities; names of strangers in each. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/cmd/map-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static struct service_node nodes[] = {
	{ .namespace = "", .name = "checkout", .team = "shop", .named = true },
	{ .namespace = "", .name = "ledger", .ncalls = 100, .nfailed = 3 },
	{ .namespace = "",
	  .name = "postgresql/orders",
	  .kind = NODE_DATABASE,
	  .ncalls = 10,
	  .team = "data",
	  .named = true },
};
static struct service_edge edges[] = {
	{ .from = 0, .to = 1, .ncalls = 100, .nfailed = 3, .p50_us = 12300, .p95_us = 4980000 },
	{ .from = 0, .to = 2, .ncalls = 10, .p50_us = 340, .p95_us = 2000 },
};
static struct service_map_view view = {
	.nodes = nodes, .nnodes = 3, .edges = edges, .nedges = 2, .ncalls = 110, .ntraces = 40
};
static struct buf out = BUF_INIT(1u << 20);

static void teardown(void)
{
	buf_fini(&out);
}

START_TEST(dot)
{
	map_write_dot(&view, &out);
	ck_assert_str_eq(
		buf_text(&out),
		"digraph services {\n"
		"  rankdir=LR;\n"
		"  n0 [label=\"checkout\\nshop\", shape=box];\n"
		"  n1 [label=\"ledger\\nno rule\", shape=box, color=red, style=dashed];\n"
		"  n2 [label=\"postgresql/orders\\ndata\", shape=cylinder];\n"
		"  n0 -> n1 [label=\"100, 3 failed\", penwidth=3.0, color=red, style=dashed];\n"
		"  n0 -> n2 [label=\"10\", penwidth=2.0];\n"
		"}\n");
}
END_TEST

START_TEST(mermaid)
{
	map_write_mermaid(&view, &out);
	ck_assert_str_eq(buf_text(&out), "flowchart LR\n"
					 "  n0[\"checkout<br/>shop\"]\n"
					 "  n1[\"ledger<br/>no rule\"]\n"
					 "  n2[(\"postgresql/orders<br/>data\")]\n"
					 "  n0 -.->|100, 3 failed| n1\n"
					 "  n0 -->|10| n2\n"
					 "  linkStyle 0 stroke:#b3201c\n");
}
END_TEST

START_TEST(backstage)
{
	map_write_backstage(&view, NULL, &out);
	ck_assert_str_eq(strstr(buf_text(&out), "---"),
			 "---\n"
			 "apiVersion: backstage.io/v1alpha1\n"
			 "kind: Component\n"
			 "metadata:\n"
			 "  name: \"checkout\"\n"
			 "spec:\n"
			 "  type: service\n"
			 "  lifecycle: production\n"
			 "  owner: \"shop\"\n"
			 "  dependsOn:\n"
			 "    - \"component:ledger\" # 100 calls\n"
			 "    - \"resource:postgresql-orders\" # 10 calls\n"
			 "---\n"
			 "apiVersion: backstage.io/v1alpha1\n"
			 "kind: Component\n"
			 "metadata:\n"
			 "  name: \"ledger\"\n"
			 "spec:\n"
			 "  type: service\n"
			 "  lifecycle: production\n"
			 "  owner: unknown # no rule names it: fill in the team\n");
}
END_TEST

/* The catalogue has one dependency and one of the entities. */
START_TEST(backstage_beside_a_catalogue)
{
	static const char catalogue[] =
		"apiVersion: backstage.io/v1alpha1\nkind: Component\n"
		"metadata: {name: Checkout}\nspec:\n  dependsOn: "
		"[Resource:default/Postgresql-Orders]\n"
		"---\nkind: Component\nmetadata: {name: ledger, namespace: default}\n"
		"---\nkind: Location\nspec: {dependsOn: 7}\n--- 7\n";
	char path[] = "map-catalogue.XXXXXX";
	struct map *known = map_new();
	struct err err = { 0 };
	const int fd = mkstemp(path);

	ck_assert_int_eq(write(fd, catalogue, strlen(catalogue)), strlen(catalogue));
	close(fd);
	ck_assert_int_eq(map_catalogue_read(path, known, &err), 0);
	unlink(path);
	map_write_backstage(&view, known, &out);
	ck_assert_str_eq(strstr(buf_text(&out), "---"), "---\n"
							"apiVersion: backstage.io/v1alpha1\n"
							"kind: Component\n"
							"metadata:\n"
							"  name: \"checkout\"\n"
							"spec:\n"
							"  type: service\n"
							"  lifecycle: production\n"
							"  owner: \"shop\"\n"
							"  dependsOn:\n"
							"    - \"component:ledger\" # 100 calls\n");
	ck_assert_int_lt(map_catalogue_read(path, known, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	map_free(known);
}
END_TEST

START_TEST(text)
{
	const struct past_map_basis basis = { .since_us = 0, .ndecisions = 12, .untraced = 1 };
	const struct screen screen = { .columns = 120 };

	map_write_text(&view, &basis, &screen, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out),
				     "110 calls in 40 traces of 12 decisions since "
				     "1970-01-01 00:00:00 (UTC); no trace is stored "
				     "of 1 decision.\n"));
	const char *ledger = strstr(buf_text(&out), "ledger"),
		   *orders = strstr(buf_text(&out), "postgresql");
	ck_assert(ledger && orders && ledger < orders);
	ck_assert_ptr_nonnull(strstr(ledger, "12.3 ms"));
	ck_assert_ptr_nonnull(strstr(ledger, "no rule"));
	ck_assert_ptr_null(strstr(orders, "no rule"));
}
END_TEST

/* A quote, a backslash, a line end and markup in a name stay within its label. */
START_TEST(names_of_strangers)
{
	struct service_node hostile[] = {
		{ .namespace = "", .name = "a\"];n9 [x=\"\\\n---\nkind: User", .team = "<b>|`{}" },
		{ .namespace = "", .name = "" },
		{ .namespace = "", .name = "-._" },
		{ .namespace = "", .name = "Unnamed" },
	};
	struct service_edge edge = { .from = 0, .to = 3, .ncalls = 1 };
	const struct service_map_view strange = {
		.nodes = hostile, .nnodes = 4, .edges = &edge, .nedges = 1
	};

	map_write_dot(&strange, &out);
	ck_assert_ptr_nonnull(
		strstr(buf_text(&out), "label=\"a\\\"];n9 [x=\\\"\\\\ --- kind: User\\n<b>|`{}\""));
	buf_reset(&out);
	map_write_mermaid(&strange, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out),
				     "n0[\"a#34;#93;#59;n9 #91;x#61;#34;#92; --- kind: "
				     "User<br/>#60;b#62;#124;#96;#123;#125;\"]\n"));
	buf_reset(&out);
	map_write_backstage(&strange, NULL, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out),
				     "  name: \"a-n9-x-kind-User\"\n"
				     "  title: \"a\\\"];n9 [x=\\\"\\\\ --- kind: User\"\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "  name: \"unnamed\"\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "  name: \"unnamed-2\"\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "  name: \"Unnamed-3\"\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "- \"component:unnamed-3\" # 1 call\n"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("map formats");
	TCase *tcase = tcase_create("map formats");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, dot);
	tcase_add_test(tcase, mermaid);
	tcase_add_test(tcase, backstage);
	tcase_add_test(tcase, backstage_beside_a_catalogue);
	tcase_add_test(tcase, text);
	tcase_add_test(tcase, names_of_strangers);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
