/*
 * Catalogues: what each importer makes of its files, and every loss, in an invented shop. The
 * result must load beside the smallest rules without a finding, be it text or trees.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracepager/catalogue.h"
#include "tracepager/limits.h"
#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

#define KEY_A "0123456789abcdef0123456789abcdef"
#define KEY_B "fedcba9876543210fedcba9876543210"

static struct catalogue *catalogue;
static struct catalogue_options options;
static struct ruleset *rules;
static struct findings findings;
static struct buf text;
static char directory[64];

static void setup(void)
{
	catalogue = NULL;
	options = (struct catalogue_options){ .key_files = NULL };
	rules = NULL;
	findings = (struct findings){ .at = NULL };
	buf_init(&text, 1u << 20);
	snprintf(directory, sizeof(directory), "/tmp/tracepager-catalogue-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

/* Path of a file in the test's directory; valid until the next call. */
static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void put_file(const char *name, const char *content)
{
	FILE *file = fopen(path_of(name), "w");

	ck_assert_ptr_nonnull(file);
	fputs(content, file);
	fclose(file);
}

static void teardown(void)
{
	static const char *const names[] = { "own.yaml",	  "made.yaml",
					     "sub/deep.yaml",	  "a.yaml",
					     "notes.txt",	  "sub/.github/CODEOWNERS",
					     "sub/.github/a.yaml" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlink(path_of(names[i]));
	rmdir(path_of("sub/.github"));
	rmdir(path_of("sub"));
	rmdir(directory);
	catalogue_free(catalogue);
	rules_unref(rules);
	findings_fini(&findings);
	buf_fini(&text);
}

static bool same(const struct ynode *a, const struct ynode *b)
{
	if (!a || !b || a->kind != b->kind || a->n != b->n)
		return false;
	if (a->kind == YNODE_SCALAR)
		return strcmp(a->text, b->text) == 0;
	for (size_t i = 0; i < a->n; i++)
		if ((a->keys && strcmp(a->keys[i]->text, b->keys[i]->text) != 0) ||
		    !same(a->items[i], b->items[i]))
			return false;
	return true;
}

/* The entry of a section in one of the trees. */
static const struct ynode *entry_of(const struct ydoc *docs, size_t n, const char *section,
				    const char *key)
{
	const struct ynode *found = NULL;

	for (size_t i = 0; i < n && !found; i++)
		found = ynode_get(ynode_get(docs[i].root, section), key);
	return found;
}

/* The trees hold the same rules as the text, and no more. */
static void check_trees(void)
{
	struct arena *arena = arena_new(64u << 20);
	size_t n, in_text = 0, in_trees = 0;
	struct ydoc *docs = catalogue_docs(catalogue, arena, &n), doc;

	ck_assert_int_eq(ydoc_parse(arena, "made", text.data, text.len, &doc, &findings), 0);
	for (size_t i = 0; doc.root && i < doc.root->n; i++) {
		const struct ynode *section = doc.root->items[i];
		const char *name = doc.root->keys[i]->text;
		if (strcmp(name, "fallback") == 0 || section->kind != YNODE_MAP)
			continue;
		for (size_t j = 0; j < section->n; j++, in_text++)
			ck_assert_msg(same(section->items[j],
					   entry_of(docs, n, name, section->keys[j]->text)),
				      "%s %s differs", name, section->keys[j]->text);
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < docs[i].root->n; j++)
			in_trees += docs[i].root->items[j]->n;
	ck_assert_uint_eq(in_text, in_trees);
	arena_free(arena);
}

/* Expected: parents that own nothing, keys in the open, empty files, the catalogue's directory. */
static bool is_clean(void)
{
	size_t n = 0;
	while (n < findings.n && strstr("W020 W021 W041 W042", findings.at[n].code))
		n++;
	return n == findings.n;
}

/* Resolves and writes the catalogue, and loads the result beside an escalation "sre". */
static void finish(void)
{
	const char *paths[] = { directory };
	struct buf out = BUF_INIT(1u << 20);

	catalogue_resolve(catalogue);
	catalogue_write(catalogue, &text);
	check_trees();
	put_file("own.yaml", "teams: {sre: {escalation: sre}}\n"
			     "pagers: {sre: {kind: console}}\n"
			     "escalations: {sre: {steps: [{page: [sre]}]}}\n");
	put_file("made.yaml", buf_text(&text));
	if (!strstr(buf_text(&text), "\nfallback:"))
		put_file("a.yaml", "fallback: {team: sre}\n");
	int result = rules_load(paths, 1, false, &rules, &findings);
	findings_write(&findings, false, &out);
	ck_assert_msg(result == 0 && is_clean(), "%s\n%s", buf_text(&out), buf_text(&text));
	buf_fini(&out);
}

static void import(enum catalogue_kind kind, const char *file, const char *content)
{
	catalogue = catalogue_new(kind, &options);
	catalogue_add(catalogue, file, content, strlen(content));
	finish();
}

/* "LINE reason" of each loss, in order. */
static void check_losses(const char *expected)
{
	struct buf out = BUF_INIT(1u << 20);
	size_t n;
	const struct catalogue_loss *losses = catalogue_losses(catalogue, &n);

	for (size_t i = 0; i < n; i++)
		buf_printf(&out, "%s%d %s", i ? ", " : "", losses[i].line,
			   loss_word(losses[i].reason));
	ck_assert_str_eq(buf_text(&out), expected);
	buf_fini(&out);
}

static const struct service_rule *service(const char *name)
{
	return rules_service(rules, name, "", NULL, NULL, NULL);
}

/* NULL: no team may own it */
static void check_owner(const char *name, const char *owner)
{
	const struct service_rule *rule = service(name);

	if (!owner) {
		ck_assert_msg(!rule, "%s is owned", name);
		return;
	}
	ck_assert_msg(rule, "%s is not owned", name);
	ck_assert_str_eq(rule->owner->name, owner);
}

static const struct pager *pager(const char *name)
{
	ck_assert_ptr_nonnull(service(name));
	const struct escalation *escalation = service(name)->owner->escalation;
	ck_assert_uint_eq(escalation->nsteps, 1);
	ck_assert_uint_eq(escalation->steps[0].npagers, 1);
	return escalation->steps[0].pagers[0];
}

static void check_key(const char *name, const char *key)
{
	ck_assert_int_eq(pager(name)->kind, PAGER_PAGERDUTY);
	ck_assert(secret_equals(&pager(name)->key, key, strlen(key)));
}

static void check_counts(size_t entries, size_t teams, size_t pagers, size_t services,
			 size_t left_out)
{
	const struct catalogue_counts *counts = catalogue_counts(catalogue);

	ck_assert_uint_eq(counts->entries, entries);
	ck_assert_uint_eq(counts->teams, teams);
	ck_assert_uint_eq(counts->pagers, pagers);
	ck_assert_uint_eq(counts->services, services);
	ck_assert_uint_eq(counts->left_out, left_out);
}

/* A member of a service, as written. */
static void check_member(const char *name, const char *member, const char *expected)
{
	struct arena *arena = arena_new(64u << 20);
	struct ydoc doc;

	ck_assert_int_eq(ydoc_parse(arena, "made", text.data, text.len, &doc, &findings), 0);
	const struct ynode *services = ynode_get(doc.root, "services"),
			   *node = ynode_get(ynode_get(services, name), member);
	ck_assert_ptr_nonnull(node);
	ck_assert_str_eq(node->text, expected);
	arena_free(arena);
}

/* Heads of Backstage entities. */
#define ENTITY(kind, name)                                                                         \
	"apiVersion: backstage.io/v1alpha1\nkind: " kind "\nmetadata:\n  name: " name "\n"
#define PAGED(key) "  annotations: {pagerduty.com/integration-key: " key "}\n"

START_TEST(test_backstage_owner_and_pager)
{
	import(CATALOGUE_BACKSTAGE, "c.yaml",
	       ENTITY("Component", "ledger") /* 1 to 4 */
	       "  title: Ledger\n"
	       "  labels: {shop.example/tier: gold}\n"
	       "  annotations:\n"
	       "    pagerduty.com/integration-key: " KEY_A "\n"
	       "  links:\n"
	       "    - {url: https://wiki.example/ledger, title: Runbook of the ledger}\n"
	       "    - {url: \"https://graphs.example/d?x={a}\", type: dashboard}\n"
	       "    - {url: https://wiki.example/other, title: another runbook}\n"
	       "spec: {type: service, lifecycle: production, owner: Payments}\n"
	       "---\n" ENTITY("Group", "payments") "spec: {type: team, profile: {displayName: "
						   "\"Payments: EU\"}, children: []}\n");
	check_losses("");
	check_counts(2, 1, 1, 1, 0);
	check_owner("ledger", "payments");
	check_key("ledger", KEY_A);
	const struct service_rule *rule = service("ledger");
	ck_assert_str_eq(rule->owner->title, "Payments: EU");
	ck_assert_str_eq(rule->criticality, "gold");
	check_member("ledger", "runbook", "https://wiki.example/ledger");
	check_member("ledger", "dashboard", "https://graphs.example/d?x=%7Ba%7D");
	ck_assert_ptr_nonnull(strstr(buf_text(&text), "# c.yaml:15\n  payments: {"));
	ck_assert_ptr_nonnull(strstr(buf_text(&text), "# c.yaml:1\n  ledger:"));
}
END_TEST

START_TEST(test_backstage_references)
{
	import(CATALOGUE_BACKSTAGE, "c.yaml",
	       ENTITY("Group", "payments") PAGED(
		       KEY_A) "spec: {type: team, children: []}\n"
			      "---\n" ENTITY(
				      "Component",
				      "a") "spec: {owner: \"group:default/payments\"}\n"
					   "---\n" ENTITY(
						   "Component",
						   "b") "spec: {owner: GROUP:Payments}\n"
							"---\n" ENTITY(
								"Component",
								"c") "spec: {owner: "
								     "default/payments}\n"
								     "---\n" ENTITY(
									     "Component",
									     "d") "spec: {owner: "
										  "{kind: Group, "
										  "name: "
										  "payments}}\n"
										  "---\n" ENTITY(
											  "System",
											  "shop") "spec: {owner: payments}\n"
												  "---\n" ENTITY(
													  "Component",
													  "e") "spec: {system: shop}\n"
													       "---\n" ENTITY(
														       "Resource",
														       "f") "spec: {type: database, owner: payments}\n");
	check_losses("");
	check_counts(8, 1, 1, 6, 0);
	static const char *const names[] = { "a", "b", "c", "d", "e", "f" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		check_owner(names[i], "payments");
	ck_assert_ptr_nonnull(strstr(buf_text(&text), "owned like \"shop\""));
}
END_TEST

START_TEST(test_backstage_parents)
{
	import(CATALOGUE_BACKSTAGE, "c.yaml",
	       ENTITY("Group", "engineering") PAGED(
		       KEY_A) "spec: {children: [money]}\n"
			      "---\n" ENTITY(
				      "Group",
				      "money") "spec: {parent: engineering}\n"
					       "---\n" ENTITY(
						       "Group",
						       "payments") "spec: {parent: money}\n"
								   "---\n" ENTITY(
									   "User",
									   "jane") "spec: "
										   "{memberOf: "
										   "[payments]}\n"
										   "---\n" ENTITY(
											   "Compon"
											   "ent",
											   "ledge"
											   "r") "s"
												"p"
												"e"
												"c"
												":"
												" "
												"{"
												"o"
												"w"
												"n"
												"e"
												"r"
												":"
												" "
												"p"
												"a"
												"y"
												"m"
												"e"
												"n"
												"t"
												"s"
												"}"
												"\n"
												"-"
												"-"
												"-"
												"\n" ENTITY(
													"Component",
													"cart") "spec: {owner: \"user:jane\"}\n");
	check_losses("");
	check_owner("ledger", "payments"); /* the owner stays; the pager is the one above */
	check_key("ledger", KEY_A);
	check_owner("cart", "payments");
	check_counts(6, 2, 1, 2, 0); /* money owns nothing */
}
END_TEST

START_TEST(test_backstage_parents_in_a_circle)
{
	import(CATALOGUE_BACKSTAGE, "c.yaml",
	       ENTITY("Group", "a") "spec: {parent: b}\n---\n" ENTITY(
		       "Group",
		       "b") "spec: {parent: a}\n"
			    "---\n" ENTITY(
				    "Component",
				    "ledger") "spec: {owner: a}\n"
					      "---\n" ENTITY(
						      "Component",
						      "cart") "spec: {subcomponentOf: cart}\n");
	check_losses("17 no-pager, 19 no-owner");
	check_counts(4, 0, 0, 0, 2);
}
END_TEST

/* Two services have a key each and are paged by it, under a team of their own. A third has none,
 * and nothing says which of the two is meant. */
START_TEST(test_pagers_of_services)
{
	import(CATALOGUE_BACKSTAGE, "c.yaml",
	       ENTITY("Component", "ledger") PAGED(
		       KEY_A) "spec: {owner: payments}\n"
			      "---\n" ENTITY("Component", "cart") PAGED(
				      KEY_B) "spec: {owner: payments}\n"
					     "---\n" ENTITY("Component",
							    "wallet") "spec: {owner: payments}\n");
	check_losses("19 no-pager");
	check_owner("ledger", "payments-ledger");
	check_key("ledger", KEY_A);
	check_owner("cart", "payments-cart");
	check_key("cart", KEY_B);
	check_owner("wallet", NULL);
	ck_assert_str_eq(service("cart")->owner->title, "payments (cart)");
	check_counts(3, 2, 2, 2, 1);
}
END_TEST

/* If all services of a team have one pager, that is the team's; its own wins. */
START_TEST(test_pagers_of_teams)
{
	import(CATALOGUE_BACKSTAGE, "c.yaml",
	       ENTITY("Component", "ledger") PAGED(
		       KEY_A) "spec: {owner: payments}\n"
			      "---\n" ENTITY(
				      "Component",
				      "wallet") "spec: {owner: payments}\n"
						"---\n" ENTITY("Group", "shop") PAGED(
							KEY_B) "spec: {children: []}\n"
							       "---\n" ENTITY("Component", "cart")
								       PAGED(KEY_A) "spec: {owner: "
										    "shop}\n"
										    "---\n" ENTITY(
											    "Compon"
											    "ent",
											    "baske"
											    "t") "s"
												 "p"
												 "e"
												 "c"
												 ":"
												 " "
												 "{"
												 "o"
												 "w"
												 "n"
												 "e"
												 "r"
												 ":"
												 " "
												 "s"
												 "h"
												 "o"
												 "p"
												 "}"
												 "\n");
	check_losses("");
	check_owner("wallet", "payments");
	check_key("wallet", KEY_A);
	check_owner("cart", "shop-cart");
	check_key("cart", KEY_A);
	check_owner("basket", "shop");
	check_key("basket", KEY_B);
	check_counts(5, 3, 2, 4, 0);
}
END_TEST

START_TEST(test_backstage_losses)
{
	import(CATALOGUE_BACKSTAGE, "c.yaml",
	       ENTITY("Component", "a") /* 1 */
	       "  annotations:\n"
	       "    pagerduty.com/integration-key: ${KEY}\n" /* 6 */
	       "    opsgenie.com/team: x\n"
	       "  links: [{url: wiki/a, type: runbook}]\n" /* 8 */
	       "spec: {owner: payments}\n"
	       "---\n" ENTITY("Component", "b") /* 11 */
	       "spec: {owner: \"user:jane\"}\n" /* 15 */
	       "---\n" ENTITY("API", "c")	/* 17 */
	       "spec: {definition: {$text: ./c.json}, owner: payments}\n"
	       "---\n"
	       "services: {web: {image: x}}\n" /* 23 */
	       "---\n"
	       "apiVersion: backstage.io/v1alpha1\n" /* 25 */
	       "kind: Component\n"
	       "metadata: {title: no name}\n"
	       "---\n" ENTITY("Component", "d")				/* 29 */
	       "spec: {owner: {$json: owners.json}}\n"			/* 33 */
	       "---\n" ENTITY("Component", "e")				/* 35 */
	       "  annotations: {pagerduty.com/service-id: PABC123}\n"	/* 39 */
	       "spec: {owner: shop}\n"					/* 40 */
	       "---\n" ENTITY("Component", "f")				/* 42 */
	       "  annotations: {pagerduty.com/service-id: not an id}\n" /* 46 */
	       "spec: {owner: shop}\n"					/* 47 */
	       "---\n"
	       "kind: [\n");
	check_losses("6 bad-key, 7 other-pager, 8 bad-url, 9 no-pager, 15 person, 17 kind, "
		     "23 not-an-entry, 25 no-name, 29 no-owner, 33 placeholder, 40 no-key, "
		     "46 bad-key, 47 no-pager, 49 unreadable");
	check_counts(7, 0, 0, 0, 5);
}
END_TEST

START_TEST(test_backstage_json)
{
	import(CATALOGUE_BACKSTAGE, "c.json",
	       "{\"items\": [\n"
	       " {\"apiVersion\": \"backstage.io/v1alpha1\", \"kind\": \"Component\",\n"
	       "  \"metadata\": {\"name\": \"ledger\", \"title\": \"\\ud83d\\ude00\",\n"
	       "   \"annotations\": {\"pagerduty.com/integration-key\": \"" KEY_A "\"}},\n"
	       "  \"spec\": {\"owner\": \"payments\"}}\n"
	       "], \"totalItems\": 1}\n");
	check_losses("");
	check_owner("ledger", "payments");
	ck_assert_ptr_nonnull(strstr(buf_text(&text), "# c.json:2\n  ledger:"));
}
END_TEST

START_TEST(test_duplicates)
{
	import(
		CATALOGUE_BACKSTAGE, "c.yaml",
		ENTITY("Resource", "ledger") PAGED(
			KEY_A) "spec: {owner: storage}\n" /* 1 */
			       "---\n" ENTITY("Component", "ledger") PAGED(
				       KEY_B) "spec: {owner: payments}\n" /* 8 */
					      "---\n" ENTITY(
						      "Group",
						      "payments") "spec: {children: []}\n" /* 15 */
								  "---\n" ENTITY(
									  "Group",
									  "Payments") "spec: "
										      "{children: "
										      "[]}\n" /* 21
											       */
										      "---"
										      "\n" ENTITY("Group", "payments") "  namespace: eu\n" PAGED(
											      KEY_A) "spec: {children: []}\n"); /* 27 */
	check_losses("1 duplicate, 21 duplicate, 27 name");
	check_owner("ledger", "payments");
	ck_assert_ptr_nonnull(rules_team(rules, "eu-payments"));
	ck_assert_ptr_null(rules_team(rules, "payments-2"));
}
END_TEST

START_TEST(test_names_that_are_no_keys)
{
	struct buf name = BUF_INIT(512);

	for (unsigned int i = 0; i <= LIMIT_RULE_NAME_BYTES; i++)
		buf_putc(&name, 'x');
	char *content = xasprintf("schema-version: v2.2\ndd-service: \"a*[b]\\\\c\"\nteam: t\n"
				  "---\n"
				  "schema-version: v2.2\ndd-service: %s\nteam: t\n"
				  "---\n"
				  "schema-version: v2.2\ndd-service: \"true\"\nteam: \"a: b #\"\n",
				  buf_text(&name));
	options.escalation = "sre";
	import(CATALOGUE_DATADOG, "d.yaml", content);
	check_losses("1 name, 7 no-name");
	check_owner("a*[b]\\c", "t");
	check_owner("axb\\c", NULL);
	check_owner("true", "a: b #");
	free(content);
	buf_fini(&name);
}
END_TEST

static bool knows_sre(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "sre") == 0;
}

static bool knows_ledger(void *ctx, const char *name)
{
	return ctx == &options && strcmp(name, "ledger") == 0;
}

START_TEST(test_own_entries_stand)
{
	options.has_service = knows_ledger;
	options.ctx = &options;
	options.escalation = "sre";
	import(CATALOGUE_OPSLEVEL, "o.yml",
	       "version: 1\n"
	       "services:\n"
	       "  - {name: ledger, owner: payments}\n"
	       "  - {name: cart, owner: shop, aliases: [ledger, basket]}\n");
	check_losses("3 own-service");
	check_owner("ledger", NULL);
	check_owner("cart", "shop");
	check_owner("basket", "shop");
	check_counts(2, 1, 0, 2, 2);
}
END_TEST

/* A team of the rules owns as it is; an escalation of the rules pages the others. */
START_TEST(test_beside_own_rules)
{
	options.has_team = knows_sre;
	options.escalation = "sre";
	options.fallback = "sre";
	import(CATALOGUE_BACKSTAGE, "c.yaml",
	       ENTITY("Component", "a") PAGED(
		       KEY_A) "spec: {owner: sre}\n" /* line 5 is that of the key */
			      "---\n" ENTITY(
				      "Component",
				      "b") "spec: {owner: shop}\n"
					   "---\n" ENTITY(
						   "Group",
						   "ops") "spec: {parent: sre}\n"
							  "---\n" ENTITY(
								  "Component",
								  "c") "spec: {owner: ops}\n");
	check_losses("5 own-team");
	check_owner("a", "sre");
	check_owner("b", "shop");
	check_owner("c", "sre");
	ck_assert_int_eq(pager("b")->kind, PAGER_CONSOLE);
	ck_assert_str_eq(rules_fallback(rules)->name, "sre");
	check_counts(4, 1, 0, 3, 0);
}
END_TEST

START_TEST(test_fallback)
{
	options.fallback = "shop";
	import(CATALOGUE_BACKSTAGE, "c.yaml",
	       ENTITY("Group", "shop") PAGED(KEY_A) "spec: {children: []}\n");
	check_losses("");
	ck_assert_str_eq(rules_fallback(rules)->name, "shop");
}
END_TEST

START_TEST(test_fallback_unknown)
{
	options.fallback = "shop";
	import(CATALOGUE_BACKSTAGE, "c.yaml", ENTITY("Group", "shop") "spec: {children: []}\n");
	check_losses("0 fallback");
}
END_TEST

static const struct {
	const char *text, *criticality;
} datadog[] = {
	{ "schema-version: v1\n"
	  "info: {dd-service: ledger, service-tier: tier 1}\n"
	  "org: {team: Payments}\n"
	  "external-resources:\n"
	  "  - {name: r, type: runbook, url: https://wiki.example/r}\n"
	  "  - {name: d, type: dashboard, url: https://graphs.example/d}\n"
	  "integrations: {pagerduty: https://shop.pagerduty.com/service-directory/PABC123}\n",
	  "tier 1" },
	{ "schema-version: v2\n"
	  "dd-service: ledger\n"
	  "dd-team: Payments\n"
	  "contacts: [{type: slack, contact: https://shop.example/archives/C1}]\n"
	  "links:\n"
	  "  - {name: d, type: dashboard, url: https://graphs.example/d}\n"
	  "  - {name: r, type: runbook, url: https://wiki.example/r}\n"
	  "integrations: {pagerduty: https://shop.pagerduty.com/service-directory/PABC123}\n",
	  NULL },
	{ "schema-version: v2.1\n"
	  "dd-service: ledger\n"
	  "team: Payments\n"
	  "tier: \"1\"\n"
	  "links:\n"
	  "  - {name: d, type: dashboard, url: https://graphs.example/d}\n"
	  "  - {name: r, type: runbook, url: https://wiki.example/r}\n"
	  "integrations: {pagerduty: {service-url: https://shop.pagerduty.com/services/PABC123}}\n",
	  "1" },
	{ "schema-version: v2.2\n"
	  "dd-service: ledger\n"
	  "team: Payments\n"
	  "tier: \"1\"\n"
	  "links:\n"
	  "  - {name: d, type: dashboard, url: https://graphs.example/d}\n"
	  "  - {name: r, type: runbook, url: https://wiki.example/r}\n"
	  "integrations: {pagerduty: {service-url: https://shop.pagerduty.com/services/PABC123}}\n",
	  "1" },
	{ "apiVersion: v3\n"
	  "kind: service\n"
	  "metadata:\n"
	  "  name: ledger\n"
	  "  owner: Payments\n"
	  "  links:\n"
	  "    - {name: d, type: dashboard, url: https://graphs.example/d}\n"
	  "    - {name: r, type: runbook, url: https://wiki.example/r}\n"
	  "spec: {tier: \"0\"}\n"
	  "integrations:\n"
	  "  pagerduty: {serviceURL: \"https://shop.pagerduty.com/service-directory/PABC123\"}\n",
	  "0" },
};

START_TEST(test_datadog)
{
	options.key_files = "/run/keys";
	import(CATALOGUE_DATADOG, "d.yaml", datadog[_i].text);
	check_losses("");
	check_counts(1, 1, 1, 1, 0);
	check_owner("ledger", "Payments");
	ck_assert_int_eq(pager("ledger")->kind, PAGER_PAGERDUTY);
	ck_assert_ptr_nonnull(strstr(buf_text(&text), "routing_key_file: /run/keys/PABC123}"));
	check_member("ledger", "runbook", "https://wiki.example/r");
	check_member("ledger", "dashboard", "https://graphs.example/d");
	if (datadog[_i].criticality)
		ck_assert_str_eq(service("ledger")->criticality, datadog[_i].criticality);
	else
		ck_assert_ptr_null(service("ledger")->criticality);
	if (strstr(datadog[_i].text, "slack"))
		ck_assert_str_eq(service("ledger")->owner->channel,
				 "https://shop.example/archives/C1");
}
END_TEST

START_TEST(test_datadog_entities)
{
	options.escalation = "sre";
	import(CATALOGUE_DATADOG, "d.yaml",
	       "apiVersion: v3\nkind: system\nmetadata: {name: shop, owner: payments}\n"
	       "---\n"
	       "apiVersion: v3\nkind: service\nmetadata: {name: ledger, inheritFrom: "
	       "\"system:shop\"}\n"
	       "---\n"
	       "apiVersion: v3\nkind: datastore\n" /* 9 */
	       "metadata: {name: ledger-db, owner: storage, additionalOwners: [{name: x}]}\n" /* 11
											       */
	       "---\n"
	       "apiVersion: v3\nkind: api\nmetadata: {name: public, owner: payments}\n" /* 13 */
	       "---\n"
	       "apiVersion: v3\nkind: service\n" /* 17 */
	       "metadata: {name: cart}\n"
	       "integrations: {pagerduty: {serviceURL: https://shop.example/x}, opsgenie: {}}\n"
	       "---\n"
	       "schema-version: v9\n"); /* 21 */
	check_losses("11 more-owners, 13 kind, 17 no-owner, 20 bad-key, 20 other-pager, "
		     "22 not-an-entry");
	check_owner("ledger", "payments");
	check_owner("ledger-db", "storage");
	check_owner("public", NULL);
}
END_TEST

START_TEST(test_opslevel)
{
	options.key_files = "keys";
	import(CATALOGUE_OPSLEVEL, "o.yml",
	       "version: 1\n"
	       "service:\n"
	       "  name: Ledger API\n"
	       "  owner: payment_team\n"
	       "  tier: tier_1\n"
	       "  aliases: [ledger, ledger-v2]\n"
	       "  tools:\n"
	       "    - {name: s, category: metrics, url: https://graphs.example/staging, "
	       "environment: Staging}\n"
	       "    - {name: p, category: metrics, url: https://graphs.example/prod, environment: "
	       "Production}\n"
	       "    - {name: r, category: runbooks, url: https://wiki.example/r}\n"
	       "    - {name: x, category: incidents, url: "
	       "https://shop.pagerduty.com/services/PABC123}\n"
	       "team:\n"
	       "  name: Payment Team\n"
	       "  contacts: [{type: slack, display_name: s, address: \"#payments\"}]\n");
	check_losses("");
	check_counts(2, 1, 1, 3, 0);
	check_owner("Ledger API", "payment_team");
	check_owner("ledger", "payment_team");
	check_owner("ledger-v2", "payment_team");
	ck_assert_str_eq(service("ledger")->owner->title, "Payment Team");
	ck_assert_str_eq(service("ledger")->owner->channel, "#payments");
	ck_assert_str_eq(service("ledger")->criticality, "tier_1");
	check_member("ledger", "dashboard", "https://graphs.example/prod");
	check_member("ledger", "runbook", "https://wiki.example/r");
}
END_TEST

START_TEST(test_opslevel_losses)
{
	import(CATALOGUE_OPSLEVEL, "o.yml",
	       "version: 1\n"
	       "services:\n"
	       "  - name: ledger\n"
	       "    owner: payments\n"
	       "    aliases: [cart]\n"
	       "    alert_sources:\n"
	       "      - {type: opsgenie, external_id: x}\n"
	       "      - {type: pagerduty, external_id: PABC123}\n"
	       "  - {name: cart}\n"
	       "  - {owner: payments}\n"
	       "---\n"
	       "repository: {owner: payments}\n");
	check_losses("4 no-key, 7 other-pager, 9 no-owner, 10 no-name, 12 not-an-entry");
	check_counts(3, 0, 0, 0, 3);
}
END_TEST

START_TEST(test_cortex)
{
	options.key_files = "keys";
	import(CATALOGUE_CORTEX, "cortex.yaml",
	       "openapi: 3.0.1\n"
	       "info:\n"
	       "  title: Ledger\n"
	       "  x-cortex-tag: ledger\n"
	       "  x-cortex-owners: [{type: email, email: jane@shop.example}, {type: group, name: "
	       "Payments}]\n"
	       "  x-cortex-oncall: {pagerduty: {id: PABC123, type: SERVICE}}\n"
	       "  x-cortex-groups: [\"language:C\", \"tier:one\"]\n"
	       "  x-cortex-link:\n"
	       "    - {name: r, type: runbook, url: https://wiki.example/r}\n"
	       "    - {name: d, type: dashboard, url: https://graphs.example/d}\n"
	       "---\n"
	       "info:\n"
	       "  title: The payments team\n"
	       "  x-cortex-tag: payments\n"
	       "  x-cortex-type: team\n"
	       "  x-cortex-slack: {channels: [{name: payments-alerts}]}\n"
	       "---\n"
	       "x-cortex-tag: cart\n" /* an older descriptor: members at the root */
	       "x-cortex-domain-parents: [{tag: shop}]\n"
	       "---\n"
	       "info: {x-cortex-tag: shop, x-cortex-type: domain, x-cortex-owners: [{type: group, "
	       "name: payments}]}\n");
	check_losses("");
	check_counts(4, 1, 1, 2, 0);
	check_owner("ledger", "payments");
	check_owner("cart", "payments");
	ck_assert_str_eq(service("ledger")->owner->title, "The payments team");
	ck_assert_str_eq(service("ledger")->owner->channel, "payments-alerts");
	ck_assert_str_eq(service("ledger")->criticality, "one");
	check_member("ledger", "runbook", "https://wiki.example/r");
	check_member("ledger", "dashboard", "https://graphs.example/d");
}
END_TEST

START_TEST(test_cortex_losses)
{
	import(CATALOGUE_CORTEX, "cortex.yaml",
	       "info:\n"
	       "  x-cortex-tag: ledger\n"
	       "  x-cortex-owners:\n"
	       "    - {type: group, name: a}\n" /* 4 */
	       "    - {type: group, name: b}\n"
	       "  x-cortex-oncall:\n"
	       "    opsgenie: {id: x, type: SCHEDULE}\n"
	       "    pagerduty: {id: PABC123, type: SCHEDULE}\n"
	       "---\n"
	       "info:\n"
	       "  x-cortex-tag: cart\n"
	       "  x-cortex-owners: [{type: email, email: jane@shop.example}]\n"
	       "  x-cortex-oncall: {pagerduty: {id: \"a b\"}}\n"
	       "---\n"
	       "info: {title: an API}\n");
	check_losses("4 more-owners, 4 no-pager, 7 other-pager, 8 other-pager, 12 person, "
		     "13 bad-key, 15 not-an-entry");
	check_counts(2, 0, 0, 0, 2);
}
END_TEST

START_TEST(test_codeowners)
{
	options.escalation = "sre";
	import(CATALOGUE_CODEOWNERS, "CODEOWNERS",
	       "# who owns what\n"
	       "*                     @shop/everyone\n"
	       "/services/ledger/     @shop/payments @shop/audit # 3\n"
	       "services/cart         @shop/web\n"
	       "/services/search/**   @other/web\n" /* 5 */
	       "/services/jane/       @jane\n"
	       "/services/nobody/\n" /* 7 */
	       "/services/ledger/docs @shop/docs\n"
	       "/services/*/docs/     @shop/docs\n"
	       "/services/early/      @shop/web\n"
	       "early                 @shop/late\n"
	       "^[Optional][2] @shop/payments\n"
	       "/services/wallet/*\n"
	       "/services/\xff @shop/web\n");
	check_losses("3 more-owners, 5 name, 6 person, 7 no-owner, 14 unreadable");
	check_owner("ledger", "payments");
	check_owner("cart", "web");
	check_owner("search", "other-web");
	check_owner("early", "late"); /* the last line that matches */
	check_owner("wallet", "payments");
	check_owner("docs", NULL);
	check_counts(11, 4, 0, 5, 2);
}
END_TEST

START_TEST(test_codeowners_elsewhere)
{
	options.escalation = "sre";
	options.service_path = "/apps/{service}/server";
	import(CATALOGUE_CODEOWNERS, "CODEOWNERS",
	       "/apps/ledger/server/ @shop/payments\n"
	       "/apps/cart/client/   @shop/web\n"
	       "**/server            @shop/servers\n"
	       "/apps/a/**/server    @shop/deep\n");
	check_losses("");
	check_owner("ledger", "servers");
	check_counts(4, 1, 0, 1, 0);
}
END_TEST

START_TEST(test_pagerduty)
{
	import(CATALOGUE_PAGERDUTY, "services.json",
	       "{\"teams\": [{\"id\": \"T1\", \"type\": \"team\", \"name\": \"Payments\"}],\n"
	       " \"escalation_policies\": [\n"
	       "  {\"id\": \"E1\", \"name\": \"Web on call\", \"teams\": [], \"num_loops\": 2},\n"
	       "  {\"id\": \"E2\", \"name\": \"Payments on call\", \"teams\": [{\"id\": \"T1\", "
	       "\"summary\": \"Payments\"}]}],\n"
	       " \"services\": [\n"
	       "  {\"id\": \"PABC1\", \"name\": \"ledger\", \"teams\": [{\"id\": \"T1\"}], "
	       "\"integrations\": [\n"
	       "    {\"type\": \"generic_email_inbound_integration\", \"integration_key\": "
	       "\"x\"},\n"
	       "    {\"type\": \"events_api_v2_inbound_integration\", \"integration_key\": \"" KEY_A
	       "\"}]},\n"
	       "  {\"id\": \"PABC2\", \"name\": \"cart\", \"teams\": [], \"escalation_policy\": "
	       "{\"id\": \"E1\"}, \"integrations\": [\n"
	       "    {\"type\": \"events_api_v2_inbound_integration\", \"integration_key\": \"" KEY_B
	       "\"}]},\n"
	       "  {\"id\": \"PABC3\", \"name\": \"wallet\", \"escalation_policy\": {\"id\": "
	       "\"E2\"}},\n"
	       "  {\"id\": \"PABC4\", \"name\": \"lone\", \"escalation_policy\": {\"id\": \"E9\", "
	       "\"summary\": \"Lone\"}},\n"
	       "  {\"name\": \"no id\"}]}\n");
	/* The key of its own PagerDuty service is not there; that of its team is. */
	check_losses("11 no-key, 12 no-key, 13 no-name");
	check_owner("ledger", "Payments");
	check_key("ledger", KEY_A);
	check_owner("cart", "Web on call");
	check_key("cart", KEY_B);
	check_owner("wallet", "Payments");
	check_owner("lone", NULL);
	check_counts(8, 2, 2, 3, 1);
}
END_TEST

START_TEST(test_pagerduty_not_json)
{
	import(CATALOGUE_PAGERDUTY, "services.json", "{\"services\": [],\n \"teams\": [}\n");
	check_losses("2 unreadable");
}
END_TEST

/* Files beneath a directory, files to which these refer, and no file outside. */
START_TEST(test_files)
{
	ck_assert_int_eq(mkdir(path_of("sub"), 0700), 0);
	ck_assert_int_eq(mkdir(path_of("sub/.github"), 0700), 0);
	put_file("sub/deep.yaml", "apiVersion: backstage.io/v1alpha1\n"
				  "kind: Location\n"
				  "metadata: {name: all}\n"
				  "spec:\n"
				  "  targets:\n"
				  "    - ./.github/../.github/a.yaml\n"
				  "    - ../a.yaml\n"
				  "    - https://shop.example/catalog.yaml\n"
				  "    - ./gone.yaml\n"
				  "    - /etc/catalog.yaml\n");
	put_file("sub/.github/a.yaml",
		 ENTITY("Component", "ledger") PAGED(KEY_A) "spec: {owner: payments}\n");
	put_file("notes.txt", "no catalogue\n");
	put_file("a.yaml", "fallback: {team: sre}\n");
	catalogue = catalogue_new(CATALOGUE_BACKSTAGE, &options);
	char *path = xasprintf("%s/", path_of("sub"));
	ck_assert_int_eq(catalogue_read(catalogue, path), 0);
	free(path);
	finish();
	check_owner("ledger", "payments");
	ck_assert_uint_eq(catalogue_counts(catalogue)->files, 2);
	check_losses("7 not-followed, 8 not-followed, 9 unreadable, 10 not-followed");
}
END_TEST

START_TEST(test_files_that_are_not_there)
{
	catalogue = catalogue_new(CATALOGUE_BACKSTAGE, &options);
	ck_assert_int_lt(catalogue_read(catalogue, path_of("gone")), 0);
	finish();
	check_losses("0 unreadable");
}
END_TEST

/* At lines 1, 8, 15 (its owner at 19) and 21. */
#define LEDGER ENTITY("Component", "ledger") PAGED(KEY_A) "spec: {owner: payments}\n---\n"
#define CART   ENTITY("Component", "cart") PAGED(KEY_B) "spec: {owner: sre}\n---\n"
#define WEB    ENTITY("Component", "web") "spec: {owner: shop}\n---\n"
#define OWN    ENTITY("Component", "own") "spec: {owner: shop}\n"

/* Rules that include a catalogue, with a file of it beneath them. */
static int load_live(const char *content)
{
	const char *paths[] = { directory };

	ck_assert_int_eq(mkdir(path_of("sub"), 0700), 0);
	put_file("sub/deep.yaml", LEDGER CART WEB OWN);
	put_file("own.yaml", content);
	return rules_load(paths, 1, false, &rules, &findings);
}

#define LIVE_OWN                                                                                   \
	"teams: {sre: {escalation: sre}}\n"                                                        \
	"pagers: {sre: {kind: console}}\n"                                                         \
	"escalations: {sre: {steps: [{page: [sre]}]}}\n"                                           \
	"services: {own: {owner: sre}}\n"                                                          \
	"fallback: {team: sre}\n"

START_TEST(test_live)
{
	ck_assert_int_eq(load_live(LIVE_OWN "include: [{catalogue: backstage, path: sub}]\n"), 0);
	check_owner("ledger", "payments");
	check_key("ledger", KEY_A);
	ck_assert_str_eq(service("ledger")->place, "deep.yaml:1");
	check_owner("cart", "sre");
	ck_assert_int_eq(pager("cart")->kind, PAGER_CONSOLE);
	check_owner("own", "sre"); /* the entry of the rules is kept */
	check_owner("web", NULL);
	ck_assert_uint_eq(findings.n, 2); /* and the key in the open */
	const struct finding *lost = &findings.at[strcmp(findings.at[0].code, "W032") != 0];
	ck_assert_str_eq(lost->code, "W032");
	ck_assert_int_eq(lost->line, 19);
	ck_assert_ptr_nonnull(strstr(lost->file, "/sub/deep.yaml"));
}
END_TEST

START_TEST(test_live_hash)
{
	const char *paths[] = { directory };
	char hash[65];

	ck_assert_int_eq(load_live(LIVE_OWN "include: [{catalogue: backstage, path: sub, "
					    "escalation: sre}]\n"),
			 0);
	ck_assert(is_clean());
	check_owner("web", "shop");
	snprintf(hash, sizeof(hash), "%s", rules_hash(rules));
	put_file("sub/deep.yaml", ENTITY("Component", "ledger") "spec: {owner: other}\n");
	rules_unref(rules);
	ck_assert_int_eq(rules_load(paths, 1, false, &rules, &findings), 0);
	check_owner("ledger", "other");
	ck_assert_str_ne(rules_hash(rules), hash);
}
END_TEST

static const struct {
	const char *include, *code;
} wrong[] = {
	{ "{catalogue: backstge, path: sub}", "E032" },
	{ "{catalogue: backstage}", "E013" },
	{ "{catalogue: [backstage], path: sub}", "E014" },
	{ "{path: sub}", "E014" },
	{ "{catalogue: backstage, path: gone}", "E001" },
	{ "{catalogue: backstage, path: sub, pth: x}", "E011" },
	{ "{catalogue: backstage, path: sub, escalation: none}", "E012" },
};

START_TEST(test_live_wrong)
{
	char *content = xasprintf(LIVE_OWN "include: [%s]\n", wrong[_i].include);
	size_t i = 0;

	ck_assert_int_lt(load_live(content), 0);
	while (i < findings.n && findings.at[i].level != FINDING_ERROR)
		i++;
	ck_assert_uint_lt(i, findings.n);
	ck_assert_str_eq(findings.at[i].code, wrong[_i].code);
	free(content);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("catalogue");
	TCase *tests = tcase_create("catalogue");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_backstage_owner_and_pager);
	tcase_add_test(tests, test_backstage_references);
	tcase_add_test(tests, test_backstage_parents);
	tcase_add_test(tests, test_backstage_parents_in_a_circle);
	tcase_add_test(tests, test_pagers_of_services);
	tcase_add_test(tests, test_pagers_of_teams);
	tcase_add_test(tests, test_backstage_losses);
	tcase_add_test(tests, test_backstage_json);
	tcase_add_test(tests, test_duplicates);
	tcase_add_test(tests, test_names_that_are_no_keys);
	tcase_add_test(tests, test_beside_own_rules);
	tcase_add_test(tests, test_own_entries_stand);
	tcase_add_test(tests, test_fallback);
	tcase_add_test(tests, test_fallback_unknown);
	tcase_add_loop_test(tests, test_datadog, 0, ARRAY_LEN(datadog));
	tcase_add_test(tests, test_datadog_entities);
	tcase_add_test(tests, test_opslevel);
	tcase_add_test(tests, test_opslevel_losses);
	tcase_add_test(tests, test_cortex);
	tcase_add_test(tests, test_cortex_losses);
	tcase_add_test(tests, test_codeowners);
	tcase_add_test(tests, test_codeowners_elsewhere);
	tcase_add_test(tests, test_pagerduty);
	tcase_add_test(tests, test_pagerduty_not_json);
	tcase_add_test(tests, test_files);
	tcase_add_test(tests, test_files_that_are_not_there);
	tcase_add_test(tests, test_live);
	tcase_add_test(tests, test_live_hash);
	tcase_add_loop_test(tests, test_live_wrong, 0, ARRAY_LEN(wrong));
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
