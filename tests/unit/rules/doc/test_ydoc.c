/* Ydoc: trees and places of YAML texts, values, refusals, and what a person sees of a finding.
 * Columns are counted by hand. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"

static struct arena *arena;
static struct findings findings;
static struct ydoc doc;

static void setup(void)
{
	arena = arena_new(256u << 20);
	findings = (struct findings){ .at = NULL };
}

static void teardown(void)
{
	findings_fini(&findings);
	arena_free(arena);
}

static int parse(const char *text)
{
	return ydoc_parse(arena, "file.yaml", text, strlen(text), &doc, &findings);
}

static void check_place(const struct ynode *node, int line, int column, int width)
{
	ck_assert_ptr_nonnull(node);
	ck_assert_int_eq(node->line, line);
	ck_assert_int_eq(node->column, column);
	ck_assert_int_eq(node->width, width);
}

static void check_finding(size_t i, const char *code, int line, int column, int width)
{
	ck_assert_uint_lt(i, findings.n);
	ck_assert_str_eq(findings.at[i].code, code);
	ck_assert_int_eq(findings.at[i].line, line);
	ck_assert_int_eq(findings.at[i].column, column);
	ck_assert_int_eq(findings.at[i].width, width);
}

static void check_shown(const char *expected)
{
	struct buf out = BUF_INIT(1u << 20);

	findings_write(&findings, false, &out);
	ck_assert_str_eq(buf_text(&out), expected);
	buf_fini(&out);
}

START_TEST(test_tree)
{
	ck_assert_int_eq(parse("a: 1\n"
			       "b:\n"
			       "  - x\n"
			       "  - {c: [d, e], f: \"g h\"}\n"),
			 0);
	const struct ynode *root = doc.root, *list = ynode_get(root, "b");
	ck_assert_int_eq(root->kind, YNODE_MAP);
	ck_assert_uint_eq(root->n, 2);
	check_place(root->keys[1], 2, 1, 1);
	check_place(ynode_get(root, "a"), 1, 4, 1);
	ck_assert_int_eq(list->kind, YNODE_LIST);
	check_place(list, 3, 3, 1);
	check_place(list->items[0], 3, 5, 1);
	check_place(list->items[1], 4, 5, 21);
	check_place(ynode_get(list->items[1], "c"), 4, 9, 6);
	const struct ynode *quoted = ynode_get(list->items[1], "f");
	check_place(quoted, 4, 20, 5);
	ck_assert_str_eq(quoted->text, "g h");
	ck_assert(quoted->quoted);
	ck_assert_ptr_null(ynode_get(root, "z"));
	ck_assert_ptr_null(ynode_get(list, "z"));
	ck_assert_uint_eq(findings.n, 0);
}
END_TEST

/* Characters, not bytes; a byte order mark and carriage returns take no place. */
START_TEST(test_places_of_wide_texts)
{
	ck_assert_int_eq(parse("\xef\xbb\xbf"
			       "größe: [日本, x]\r\n"
			       "b: 'c\r\n"
			       "  d'\r\n"
			       "e: |\r\n"
			       "  text\r\n"
			       "f: g\r\n"),
			 0);
	const struct ynode *list = doc.root->items[0];
	check_place(doc.root->keys[0], 1, 1, 5);
	check_place(list->items[0], 1, 9, 2);
	check_place(list->items[1], 1, 13, 1);
	check_place(ynode_get(doc.root, "b"), 2, 4, 2); /* to the end of its first line */
	ck_assert_str_eq(ynode_get(doc.root, "b")->text, "c d");
	check_place(ynode_get(doc.root, "e"), 4, 4, 1);
	check_place(ynode_get(doc.root, "f"), 6, 4, 1);
}
END_TEST

START_TEST(test_empty)
{
	static const char *const texts[] = { "",	   "\n\n", "# a comment\n", "---\n",
					     "---\n...\n", "~\n",  "null" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		ck_assert_int_eq(parse(texts[i]), 0);
		ck_assert_ptr_null(doc.root);
	}
	ck_assert_int_eq(parse("a:\nb: ~\nc: \"\"\nd: null\n"), 0);
	ck_assert(ynode_is_empty(ynode_get(doc.root, "a")));
	ck_assert(ynode_is_empty(ynode_get(doc.root, "b")));
	ck_assert(!ynode_is_empty(ynode_get(doc.root, "c")));
	ck_assert(ynode_is_empty(ynode_get(doc.root, "d")));
}
END_TEST

static const struct {
	const char *text, *code;
	int line, column, width;
} refused[] = {
	/* clang-format off */
	{ "a: 1\nb: 2\na: 3\n", "E004", 3, 1, 1 },
	{ "x: {key: 1, key: 2}\n", "E004", 1, 13, 3 },
	{ "a: &name 1\n", "E005", 1, 4, 1 },
	{ "a: *name\n", "E005", 1, 4, 5 },
	{ "a: !!str 1\n", "E006", 1, 4, 1 },
	{ "a: [!mine {}]\n", "E006", 1, 5, 1 },
	{ "a: 1\n---\nb: 2\n", "E007", 2, 1, 3 },
	{ "a: 1\n--- b\n--- c\n", "E007", 2, 1, 3 },
	{ "? [a, b]\n: 1\n", "E010", 1, 3, 6 },
	{ "? {a: b}\n: 1\n", "E010", 1, 3, 6 },
	{ "a: b: c\n", "E002", 1, 5, 1 },
	{ "a:\n\tb: 1\n", "E002", 2, 1, 1 },
	{ "a: @b\n", "E002", 1, 4, 1 },
	{ "a: [b, c\n", "E002", 1, 9, 1 },
	{ "a: \"b\n", "E002", 1, 4, 2 },
	{ "a: \"b\nc: \"d\"\n", "E002", 1, 4, 2 },
	{ "a: 'b\nc: d\n", "E002", 1, 4, 2 },
	{ "a: \"b\n  c\"\nd: e: f\n", "E002", 3, 5, 1 },
	{ "a: \xc3\xa4\xff\n", "E003", 1, 5, 1 },
	{ "ok: 1\na: \xed\xa0\x80\n", "E003", 2, 4, 1 },	  /* a surrogate */
	{ "a: \xc0\x80\n", "E003", 1, 4, 1 },			  /* an over-long NUL */
	{ "a: \xf4\x90\x80\x80\n", "E003", 1, 4, 1 },		  /* beyond U+10FFFF */
	{ "a: b\x1b[31m\n", "E003", 1, 5, 1 },
	{ "a: \"b\\0c\"\n", "E003", 1, 4, 6 },
	{ "a: \x7f\n", "E003", 1, 4, 1 },
	/* clang-format on */
};

START_TEST(test_refused)
{
	ck_assert_int_eq(parse(refused[_i].text), -EINVAL);
	ck_assert_uint_eq(findings.n, 1);
	ck_assert_uint_eq(findings.nerrors, 1);
	check_finding(0, refused[_i].code, refused[_i].line, refused[_i].column, refused[_i].width);
	ck_assert_str_eq(findings.at[0].file, "file.yaml");
	ck_assert_ptr_nonnull(finding_explain(findings.at[0].code));
}
END_TEST

/* A part that is refused is left out, and the rest is checked. */
START_TEST(test_goes_on)
{
	ck_assert_int_eq(parse("a: {x: &one 1, <<: *one}\n"
			       "b: *two\n"
			       "a: 3\n"
			       "c: !t 4\n"),
			 -EINVAL);
	ck_assert_uint_eq(findings.n, 5);
	check_finding(0, "E005", 1, 8, 1);
	check_finding(1, "E005", 1, 20, 4);
	check_finding(2, "E005", 2, 4, 4);
	check_finding(3, "E004", 3, 1, 1);
	check_finding(4, "E006", 4, 4, 1);
	ck_assert_uint_eq(ynode_get(doc.root, "a")->n, 1);
	ck_assert(ynode_get(doc.root, "b")->bad);
	ck_assert_str_eq(ynode_get(doc.root, "c")->text, "4");
	ck_assert(doc.cut);
	/* Findings about what was refused are dropped. */
	ydoc_finding(&doc, ynode_get(doc.root, "b"), FINDING_ERROR, "E014", &findings, NULL,
		     "again");
	ck_assert_uint_eq(findings.n, 5);
}
END_TEST

START_TEST(test_both_places_of_a_duplicate)
{
	parse("first: 1\nsecond: {first: 2}\nfirst: 3\n");
	check_shown(
		"file.yaml:3:1: error[E004]: \"first\" is given twice, here and at file.yaml:1:1\n"
		"    3 | first: 3\n"
		"      | ^^^^^\n"
		"      = help: the first is on line 1; keep one\n");
}
END_TEST

START_TEST(test_depth)
{
	struct buf text = BUF_INIT(1u << 20);

	for (int i = 0; i < LIMIT_DEPTH; i++)
		buf_putc(&text, '[');
	for (int i = 0; i < LIMIT_DEPTH; i++)
		buf_putc(&text, ']');
	ck_assert_int_eq(parse(buf_text(&text)), 0);
	buf_reset(&text);
	for (int i = 0; i < 100000; i++)
		buf_putc(&text, '[');
	ck_assert_int_eq(parse(buf_text(&text)), -EINVAL);
	ck_assert_uint_eq(findings.n, 1);
	check_finding(0, "E008", 1, LIMIT_DEPTH + 1, 1);
	ck_assert_ptr_null(doc.root);
	buf_fini(&text);
}
END_TEST

START_TEST(test_size)
{
	char *text = xcalloc(LIMIT_YAML_FILE_BYTES + 2, 1);

	memset(text, ' ', LIMIT_YAML_FILE_BYTES + 1);
	ck_assert_int_eq(ydoc_parse(arena, "f", text, LIMIT_YAML_FILE_BYTES, &doc, &findings), 0);
	ck_assert_int_eq(ydoc_parse(arena, "f", text, LIMIT_YAML_FILE_BYTES + 1, &doc, &findings),
			 -EINVAL);
	check_finding(0, "E009", 0, 0, 0);
	free(text);
}
END_TEST

START_TEST(test_read)
{
	ck_assert_int_eq(ydoc_read(arena, "/nonexistent/rules.yaml", &doc, &findings), -ENOENT);
	check_shown("/nonexistent/rules.yaml: error[E001]: cannot be read: No such file or "
		    "directory\n"
		    "      = help: check the path; upper and lower case are different\n");
	ck_assert_ptr_null(doc.root);
	ck_assert_int_eq(ydoc_read(arena, "/", &doc, &findings), -EISDIR);
	ck_assert_int_eq(ydoc_read(arena, "/dev/null", &doc, &findings), -EINVAL);
}
END_TEST

static void find_at(const struct ynode *node, const char *hint, const char *text)
{
	ydoc_finding(&doc, node, FINDING_ERROR, "E011", &findings, hint, "%s", text);
}

/* A tab before the token stays a tab; a character of two cells gets two carets; an escaped one
 * as many as its escape has cells. */
START_TEST(test_carets)
{
	ck_assert_int_eq(parse("a: {b:\tc, \xe6\x97\xa5\xe6\x9c\xac: d, e\xcc\x81: f, \xc2\x85"
			       "g: h, \xe2\x80\x8b: i}\n"),
			 0);
	const struct ynode *map = ynode_get(doc.root, "a");
	find_at(map->items[0], NULL, "one");
	find_at(map->keys[1], NULL, "two");
	find_at(map->items[1], "three cells more than characters", "three");
	find_at(map->items[2], NULL, "four");
	ck_assert_int_eq(map->keys[3]->line, 2); /* NEL is a line break in YAML 1.1 */
	find_at(map->items[4], NULL, "five");
	check_shown("file.yaml:1:8: error[E011]: one\n"
		    "    1 | a: {b:\tc, 日本: d, e\xcc\x81: f, \n"
		    "      |       \t^\n"
		    "file.yaml:1:11: error[E011]: two\n"
		    "    1 | a: {b:\tc, 日本: d, e\xcc\x81: f, \n"
		    "      |       \t   ^^^^\n"
		    "file.yaml:1:15: error[E011]: three\n"
		    "    1 | a: {b:\tc, 日本: d, e\xcc\x81: f, \n"
		    "      |       \t         ^\n"
		    "      = help: three cells more than characters\n"
		    "file.yaml:1:22: error[E011]: four\n"
		    "    1 | a: {b:\tc, 日本: d, e\xcc\x81: f, \n"
		    "      |       \t               ^\n"
		    "file.yaml:2:10: error[E011]: five\n"
		    "    2 | g: h, \\u{200b}: i}\n"
		    "      |                 ^\n");
}
END_TEST

START_TEST(test_escapes_and_colours)
{
	struct buf out = BUF_INIT(4096);

	parse("a: b\n");
	ydoc_finding(&doc, doc.root->items[0], FINDING_WARNING, "W001", &findings, NULL, "%s",
		     "x\x1b[2J\ny\xff\xe2\x80\xae");
	findings_add(&findings, FINDING_ERROR, "E001", "a\nb", "c\td", "e");
	findings_write(&findings, true, &out);
	ck_assert_str_eq(buf_text(&out),
			 "\033[1mfile.yaml:1:4:\033[0m \033[1;35mwarning[W001]:\033[0m "
			 "x\\x1b[2J\\x0ay\\xff\\u{202e}\n"
			 "    1 | a: b\n"
			 "      | \033[1;35m   ^\033[0m\n"
			 "\033[1ma\\x0ab:\033[0m \033[1;31merror[E001]:\033[0m e\n"
			 "      = help: c\\x09d\n");
	ck_assert_uint_eq(findings.nerrors, 1);
	ck_assert_uint_eq(findings.nwarnings, 1);
	buf_fini(&out);
}
END_TEST

START_TEST(test_secrets_are_hidden)
{
	/* Quotes within quotes, and values that reach the end of the line. */
	ck_assert_int_eq(parse("a_key: ab,c }d\n"
			       "b: {key: 'it''s', x: y}\n"
			       "c: {key: \"a\\\"b\", x: y}\n"),
			 0);
	for (size_t i = 0; i < 3; i++)
		find_at(doc.root->keys[i], NULL, "one");
	ck_assert_str_eq(findings.at[0].source, "a_key: *******");
	ck_assert_str_eq(findings.at[1].source, "b: {key: '*****', x: y}");
	ck_assert_str_eq(findings.at[2].source, "c: {key: \"****\", x: y}");
	findings_fini(&findings);
	ck_assert_int_eq(parse("p: {routing_key: hunter2, url: x, \"secret\" : \"a, b\", "
			       "token_file: /run/t}\n"
			       "q: {api_token: 'ä€', admin_token: }\n"),
			 0);
	find_at(doc.root->keys[0], NULL, "one");
	find_at(doc.root->keys[1], NULL, "two");
	check_shown("file.yaml:1:1: error[E011]: one\n"
		    "    1 | p: {routing_key: *******, url: x, \"secret\" : \"****\", token_file: "
		    "/run/t}\n"
		    "      | ^\n"
		    "file.yaml:2:1: error[E011]: two\n"
		    "    2 | q: {api_token: '**', admin_token: }\n"
		    "      | ^\n");
}
END_TEST

/* A line with a syntax error has no tree; its secret is hidden nevertheless. */
START_TEST(test_secrets_are_hidden_in_broken_lines)
{
	parse("a: {routing_key: \"hunter2\n");
	ck_assert_uint_eq(findings.n, 1);
	ck_assert_str_eq(findings.at[0].source, "a: {routing_key: \"*******");
}
END_TEST

/* A finding at a line of its own; the line as it is shown. */
static const struct {
	const char *text;
	int line;
	const char *shown;
} misspelt_secrets[] = {
	{ "p: {kind: x, routing_kye: hunter2}\n", 1, "p: {kind: x, routing_kye: *******}" },
	{ "p: {routingkye: hunter2, url: x}\n", 1, "p: {routingkye: *******, url: x}" },
	{ "  secrt: hunter2\n", 1, "  secrt: *******" },
	{ "  sceret: 'hunter2'\n", 1, "  sceret: '*******'" },
	{ "tokn: hunter2\n", 1, "tokn: *******" },
	{ "admin-tokne: hunter2\n", 1, "admin-tokne: *******" },
	{ "baerer: hunter2\n", 1, "baerer: *******" },
	{ "passwd: hunter2\n", 1, "passwd: *******" },
	{ "pasword: hunter2\n", 1, "pasword: *******" },
	{ "header: {X: hunter2}\n", 1, "header: ************" },
	/* The keys of all kinds of pagers. */
	{ "p: {kind: discord, webhook_url: \"http://h/a\"}\n", 1,
	  "p: {kind: discord, webhook_url: \"**********\"}" },
	{ "p: {kind: discord, webhok_url: http://h/a, x: y}\n", 1,
	  "p: {kind: discord, webhok_url: **********, x: y}" },
	{ "user_key: hunter2\n", 1, "user_key: *******" },
	{ "bot_token: hunter2\n", 1, "bot_token: *******" },
	{ "password: hunter2\n", 1, "password: *******" },
	{ "feedback_secret: hunter2\n", 1, "feedback_secret: *******" },
	{ "webhook_url_file: /run/s\n", 1, "webhook_url_file: /run/s" },
	/* Users and queries of URLs, and tokens in the paths of addresses. */
	{ "url: http://u:pw@h/a?t=abc&abcd#ab\n", 1, "url: http://****@h/a?t=***&****#**" },
	{ "p: {url: \"http://pw@h?t=a,b\", x: y}\n", 1, "p: {url: \"http://**@h?t=***\", x: y}" },
	{ "p: {url: http://h/a?t=ab}\n", 1, "p: {url: http://h/a?t=**}" },
	{ "[http://u:pw@h/, http://u:p@h/?ab, z]\n", 1, "[http://****@h/, http://***@h/?**, z]" },
	{ "l: http://h/?q={trace_id}&x={a}b\n", 1, "l: http://h/?q={trace_id}&x=****" },
	{ "url: https://h/7c1d2f7e-5a0b-4a52-9ac1-000000000000/b\n", 1,
	  "url: https://h/************************************/b" },
	{ "l: https://h/runbook12/b\n", 1, "l: https://h/runbook12/b" },
	/* Neither a secret nor near to one. */
	{ "senders: [am]\n", 1, "senders: [am]" },
	{ "keys: /run/keys\n", 1, "keys: /run/keys" },
	{ "secrt_file: /run/s\n", 1, "secrt_file: /run/s" },
	{ "kind: teams\n", 1, "kind: teams" },
	/* A value below its key. */
	{ "secrt:\n  hunter2\n", 2, "  *******" },
	{ "a:\n  token: |\n    hunt\n\n    er2\n", 5, "    ***" },
	{ "keyy:\n- hunter2\n", 2, "*********" },
	{ "headers:\n  X-Api: hunter2\n", 2, "  **************" },
	{ "oncall-key:\n  kind: x\n", 2, "  kind: x" },
	/* A list that another line opens. */
	{ "p: {kind: x, a_secret: [hunter2,\n  hunter3], url: x}\n", 2, "  *****************" },
	{ "p: {kind: x, a_secret: [hunter2],\n  url: x}\n", 2, "  url: x}" },
};

START_TEST(test_misspelt_secrets_are_hidden)
{
	parse(misspelt_secrets[_i].text);
	const struct ynode at = { .line = misspelt_secrets[_i].line, .column = 1, .width = 1 };
	find_at(&at, NULL, "one");
	ck_assert_str_eq(findings.at[0].source, misspelt_secrets[_i].shown);
}
END_TEST

/* Of the record and of the page that shows rules: the lines, keys, braces and quotes stay. */
static const struct {
	const char *text, *kept;
} recorded[] = {
	{ "routing_key: ab\nurl: x\n", "routing_key: xx\nurl: x\n" },
	{ "a_secret: [ab, c]\nurl: x\n", "a_secret: [xx, x]\nurl: x\n" },
	{ "a_secret:\n  ab\nurl: x", "a_secret:\n  xx\nurl: x" },
	{ "a_secret:\n- ab\n- 'c'\n\n- d\nurl: x\n", "a_secret:\n- xx\n- 'x'\n\n- x\nurl: x\n" },
	{ "p:\n  secret:\n    - ab\n    - größe\n  url: x\n",
	  "p:\n  secret:\n    - xx\n    - xxxxx\n  url: x\n" },
	{ "p: {secret: [ab,\n  cd], url: x}\nq: y\n", "p: {secret: [xx,\n  xx], url: x}\nq: y\n" },
	{ "p: {secret: [ab, # ]\n'c]', d],\nurl: x}\n",
	  "p: {secret: [xx, #xx\n'xx', x],\nurl: x}\n" },
	{ "secret: | # a\n  ab\n\n   cd\nurl: x\n", "secret: | #xx\n  xx\n\n   xx\nurl: x\n" },
	{ "secret: >-\n  a b\nurl: x\n", "secret: >-\n  xxx\nurl: x\n" },
	{ "secret: a b\n  cd\nurl: x\n", "secret: xxx\n  xx\nurl: x\n" },
	{ "secret: \"a\\\"b\\\n  c\"\nurl: x\n", "secret: \"xxxxx\n  x\"\nurl: x\n" },
	{ "{secret: 'it''s', url: x}\r\n", "{secret: 'xxxxx', url: x}\r\n" },
	{ "{secret : ab, \"a token\": c, \"key\": , x: ~}\n",
	  "{secret : xx, \"a token\": x, \"key\": , x: ~}\n" },
	/* Headers are secrets, whatever they are called. */
	{ "pagers: {h: {headers: {X-S_file: /k, \"A\" : 'b c'}, url: x}}\n",
	  "pagers: {h: {headers: {X-S_file: xx, \"A\" : 'xxx'}, url: x}}\n" },
	{ "pagers:\n  h:\n    headers:\n      X-A: ab\n      X-B: cd\n    url: x\n",
	  "pagers:\n  h:\n    headers:\n      X-A: xx\n      X-B: xx\n    url: x\n" },
	/* A service or pager of such a name holds no secret. */
	{ "token:\n  owner: a\n  peers:\n    - b\n", "token:\n  owner: a\n  peers:\n    - b\n" },
	{ "services: {headers: {owner: a}, key: {owner: b}}\n",
	  "services: {headers: {owner: a}, key: {owner: b}}\n" },
	{ "pagers: {when: {token: ab}}\n", "pagers: {when: {token: xx}}\n" },
	{ "secret_file: [ab,\n  cd]\n", "secret_file: [ab,\n  cd]\n" },
	/* Conditions are globs, and hold no secret. */
	{ "routes: [{when: {a_key: b, labels: {token: c}}}]\n",
	  "routes: [{when: {a_key: b, labels: {token: c}}}]\n" },
	{ "services: {a: {match: {tenant_key: b}}}\n",
	  "services: {a: {match: {tenant_key: b}}}\n" },
	/* URLs. */
	{ "url: http://u:ß@h/?t=ab\n", "url: http://xxx@h/?t=xx\n" },
	{ "{url: http://h?t=ab, x: y}\n", "{url: http://h?t=xx, x: y}\n" },
	{ "a: \"http:\\/\\/u:p@h/\\x3ft=ab\\\"\\tc\"\n", "a: \"http://xxx@h/?t=xx\\\"\\tc\"\n" },
	{ "a: 'see http://h?t=ab'\n", "a: 'see http://h?t=xx'\n" },
	/* Comments, and what stands behind a secret. */
	{ "a: b # token: cd\n", "a: b # token: xx\n" },
	{ "token: b # cd\n# e\n", "token: x #xxx\n# e\n" },
	{ "token: # cd\n  b\n", "token: #xxx\n  x\n" },
	{ "# routing_key: ab\na: http://h#b\n", "# routing_key: xx\na: http://h#x\n" },
	/* What a webhook sends stays the JSON that it is. */
	{ "pagers: {h: {body: '{{\"token\": \"ab\", \"t\": \"{text}\", \"key\": 17}}'}}\n",
	  "pagers: {h: {body: '{{\"token\": \"xx\", \"t\": \"{text}\", \"key\": 11}}'}}\n" },
	{ "pagers: {h: {body: \"{{\\\"token\\\": [\\\"ab\\\", {{\\\"c\\\": \\\"d\\\\\\\"e\\\"}}], "
	  "\\\"f\\\": 2}}\"}}\n",
	  "pagers: {h: {body: \"{{\\\"token\\\": [\\\"xx\\\", {{\\\"x\\\": \\\"xxxxxx\\\"}}], "
	  "\\\"f\\\": 2}}\"}}\n" },
	{ "pagers: {h: {body: \"token=ab&text={text}\"}}\n",
	  "pagers: {h: {body: \"token=xx&text={text}\"}}\n" },
	{ "pagers: {h: {body: {token: ab, text: cd}}}\n",
	  "pagers: {h: {body: {token: xx, text: cd}}}\n" },
	/* No YAML: by the look of the lines. */
	{ "a: [\nrouting_key: ab\n", "a: [\nrouting_key: xx\n" },
	{ "a: [\nb_secret:\n  ab\nurl: x", "a: [\nb_secret:\n  xx\nurl: x" },
	{ "a: ]\nsecret: |\n  ab\n\n   cd\nurl: x\n", "a: ]\nsecret: x\n  xx\n\n   xx\nurl: x\n" },
};

START_TEST(test_secrets_are_not_recorded)
{
	CLEANUP_FREE char *text = xstrdup(recorded[_i].text);

	ydoc_hide_secrets(text, 'x');
	ck_assert_str_eq(text, recorded[_i].kept);
}
END_TEST

START_TEST(test_long_lines_are_not_shown)
{
	struct buf text = BUF_INIT(1u << 20);

	buf_puts(&text, "a: ");
	for (unsigned int i = 0; i < LIMIT_FINDING_LINE_BYTES; i++)
		buf_putc(&text, 'x');
	parse(buf_text(&text));
	find_at(doc.root->items[0], NULL, "one");
	check_shown("file.yaml:1:4: error[E011]: one\n");
	buf_fini(&text);
}
END_TEST

START_TEST(test_findings_are_capped)
{
	struct buf out = BUF_INIT(4u << 20);

	for (size_t i = 0; i < LIMIT_FINDINGS + 7; i++)
		findings_add(&findings, FINDING_ERROR, "E001", "f", NULL, "one of many");
	ck_assert_uint_eq(findings.n, LIMIT_FINDINGS);
	ck_assert_uint_eq(findings.nerrors, LIMIT_FINDINGS + 7);
	findings_write(&findings, false, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "one of many\nand 7 more\n"));
	buf_fini(&out);
}
END_TEST

/* Findings that are moved stand behind the others; those beyond the limit are counted. */
START_TEST(test_findings_are_taken_over)
{
	struct findings from = { .at = NULL };

	findings_add(&findings, FINDING_WARNING, "W001", "a", NULL, "first");
	for (unsigned int i = 0; i < LIMIT_FINDINGS; i++)
		findings_add(&from, FINDING_ERROR, "E001", "b", NULL, "number %u", i);
	findings_take(&findings, &from);
	ck_assert_uint_eq(findings.n, LIMIT_FINDINGS);
	ck_assert_uint_eq(findings.nerrors, LIMIT_FINDINGS);
	ck_assert_uint_eq(findings.nwarnings, 1);
	ck_assert_str_eq(findings.at[0].text, "first");
	ck_assert_str_eq(findings.at[1].text, "number 0");
	ck_assert_str_eq(findings.at[LIMIT_FINDINGS - 1].text, "number 998");
	ck_assert_uint_eq(from.n, 0);
	findings_take(&findings, &from);
	ck_assert_uint_eq(findings.n, LIMIT_FINDINGS);
	/* Findings are added behind those that were moved. */
	for (unsigned int n = 0; n < 9; n++) {
		findings_fini(&findings);
		for (unsigned int i = 0; i < n; i++)
			findings_add(i % 2 ? &findings : &from, FINDING_ERROR, "E001", "c", NULL,
				     "one");
		findings_take(&findings, &from);
		findings_add(&findings, FINDING_ERROR, "E001", "c", NULL, "last");
		ck_assert_uint_eq(findings.n, n + 1);
		ck_assert_str_eq(findings.at[n].text, "last");
	}
}
END_TEST

START_TEST(test_nearest_word)
{
	static const char *const words[] = { "escalation", "name", "channel",	  "page",
					     "wait",	   "a",	   "service.name" };
	static const struct {
		const char *word, *nearest;
	} cases[] = {
		{ "escalaton", "escalation" },	/* one less */
		{ "esclaation", "escalation" }, /* two swapped */
		{ "chanel", "channel" },
		{ "Channel", "channel" },
		{ "pge", "page" },
		{ "paeg", "page" },
		{ "service-name", "service.name" },
		{ "b", NULL },
		{ "", NULL },
		{ "xyz", NULL },
		{ "repeat", NULL },
		{ "nothing_like_any_of_them", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *nearest = nearest_word(cases[i].word, words, ARRAY_LEN(words));
		if (cases[i].nearest) {
			ck_assert_msg(nearest && strcmp(nearest, cases[i].nearest) == 0,
				      "%s gave %s", cases[i].word, nearest ? nearest : "nothing");
		} else {
			ck_assert_msg(!nearest, "%s gave %s", cases[i].word, nearest);
		}
	}
}
END_TEST

START_TEST(test_booleans_and_integers)
{
	bool truth = false;
	int64_t number = 0;

	parse("[true, false, \"true\", yes, True, 12, -3, 1.5, \"12\", 9223372036854775808, 0x10, "
	      "{}, -]");
	struct ynode *const *at = doc.root->items;
	ck_assert(ynode_bool(at[0], &truth) && truth);
	ck_assert(ynode_bool(at[1], &truth) && !truth);
	for (size_t i = 2; i < 13; i++)
		ck_assert(!ynode_bool(at[i], &truth));
	ck_assert(ynode_int(at[5], &number) && number == 12);
	ck_assert(ynode_int(at[6], &number) && number == -3);
	for (size_t i = 7; i < 12; i++)
		ck_assert(!ynode_int(at[i], &number));
	ck_assert_int_eq(number, -3);
}
END_TEST

START_TEST(test_durations)
{
	static const struct {
		const char *text;
		int64_t us; /* -1: none */
	} cases[] = {
		{ "0", 0 },
		{ "10m", 600000000 },
		{ "1h30m", 5400000000 },
		{ "500ms", 500000 },
		{ "1.5s", 1500000 },
		{ "2d", 172800000000 },
		{ "1w", 604800000000 },
		{ "1y", 31536000000000 },
		{ "0.25h", 900000000 },
		{ "3us", 3 },
		{ "", -1 },
		{ "10", -1 },
		{ "m", -1 },
		{ "-1m", -1 },
		{ "1 m", -1 },
		{ "1m ", -1 },
		{ "10x", -1 },
		{ "1.m", -1 },
		{ ".5m", -1 },
		{ "101y", -1 },
		{ "99y99y", -1 },
		{ "99999999999999999999s", -1 },
		{ "100000000000000h", -1 },
		{ "1h2", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t us = -1;
		bool taken = duration_parse(cases[i].text, &us);
		ck_assert_msg(taken == (cases[i].us >= 0) && us == cases[i].us, "%s gave %lld",
			      cases[i].text, (long long)us);
	}
}
END_TEST

START_TEST(test_stream)
{
	static const char text[] = "a: &x 1\n"
				   "---\n"
				   "b: 2\n"
				   "---\n"
				   "---\n"
				   "c: [\n";

	ck_assert_int_eq(ydoc_parse_stream(arena, "file.yaml", text, strlen(text), &doc, &findings),
			 -EINVAL);
	ck_assert_uint_eq(doc.root->n, 3); /* the third is empty, the fourth is broken */
	check_place(ynode_get(doc.root->items[0], "a"), 1, 4, 4);
	check_place(ynode_get(doc.root->items[1], "b"), 3, 4, 1);
	ck_assert(ynode_is_empty(doc.root->items[2]));
	ck_assert_uint_eq(findings.n, 1);
	ck_assert_str_eq(findings.at[0].code, "E002");
}
END_TEST

START_TEST(test_stream_refused)
{
	static const char text[] = "a: *x\n";

	ck_assert_int_eq(ydoc_parse_stream(arena, "file.yaml", text, strlen(text), &doc, &findings),
			 -EINVAL);
	ck_assert_uint_eq(doc.root->n, 1);
	check_finding(0, "E005", 1, 4, 2);
	ck_assert_int_eq(ydoc_parse_stream(arena, "file.yaml", "\xff", 1, &doc, &findings),
			 -EINVAL);
	ck_assert_uint_eq(doc.root->n, 0);
}
END_TEST

static const char *text_of(const struct ynode *map, const char *key)
{
	const struct ynode *node = ynode_get(map, key);

	return node ? node->text : NULL;
}

/* The map's own keys win; of a list of maps the first. An anchor may be named again. */
START_TEST(test_stream_aliases)
{
	static const char text[] = "a: &a {x: 1, y: 2}\n"
				   "b: &b {y: 3, z: 4}\n"
				   "c: {<<: [*a, *b], x: 5}\n"
				   "d: &d\n  <<: *a\n  x: 6\n"
				   "e: [*d, &a 7, *a]\n"
				   "f: {\"<<\": 8}\n"
				   "g: {<<: {x: 9}}\n";

	ck_assert_int_eq(ydoc_parse_stream(arena, "file.yaml", text, strlen(text), &doc, &findings),
			 0);
	const struct ynode *root = doc.root->items[0], *c = ynode_get(root, "c");
	ck_assert_uint_eq(c->n, 3);
	ck_assert_str_eq(text_of(c, "x"), "5");
	ck_assert_str_eq(text_of(c, "y"), "2");
	ck_assert_str_eq(text_of(c, "z"), "4");
	const struct ynode *e = ynode_get(root, "e");
	ck_assert_uint_eq(e->items[0]->n, 2);
	ck_assert_str_eq(text_of(e->items[0], "x"), "6");
	ck_assert_str_eq(text_of(e->items[0], "y"), "2");
	ck_assert_str_eq(e->items[2]->text, "7");
	ck_assert_str_eq(text_of(ynode_get(root, "f"), "<<"), "8");
	ck_assert_str_eq(text_of(ynode_get(root, "g"), "x"), "9");
}
END_TEST

static void check_refused_stream(const char *text, const char *code)
{
	findings_fini(&findings);
	ck_assert_int_eq(ydoc_parse_stream(arena, "file.yaml", text, strlen(text), &doc, &findings),
			 -EINVAL);
	ck_assert_uint_eq(findings.n, 1);
	ck_assert_str_eq(findings.at[0].code, code);
}

START_TEST(test_stream_aliases_refused)
{
	struct buf text = BUF_INIT(1u << 16);

	check_refused_stream("a: &a [*a]\n", "E005");
	check_refused_stream("a: &a 1\n---\nb: *a\n", "E005");
	check_refused_stream("a: {<<: 1}\n", "E010");
	check_refused_stream("a: {<<: [1]}\n", "E010");
	/* 10 to the power of 9 values. */
	buf_puts(&text, "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n");
	for (int i = 1; i < 9; i++) {
		buf_printf(&text, "a%d: &a%d [*a%d", i, i, i - 1);
		for (int k = 1; k < 10; k++)
			buf_printf(&text, ", *a%d", i - 1);
		buf_puts(&text, "]\n");
	}
	check_refused_stream(buf_text(&text), "E009");
	buf_fini(&text);
	/* Each has one level more than the one before. */
	buf_puts(&text, "a0: &a0 []\n");
	for (int i = 1; i < LIMIT_DEPTH; i++)
		buf_printf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
	check_refused_stream(buf_text(&text), "E008");
	buf_fini(&text);
}
END_TEST

START_TEST(test_json)
{
	static const char text[] = "{\"a\": [1, true,\n"
				   "  {\"b\": \"\\ud83d\\ude00\"}], \"c\": null}\n"
				   "\"true\"\n";

	ck_assert_int_eq(jdoc_parse(arena, "file.json", text, strlen(text), &doc, &findings), 0);
	ck_assert_uint_eq(doc.root->n, 2);
	const struct ynode *map = doc.root->items[0], *list = ynode_get(map, "a");
	int64_t number = 0;
	bool value = false;
	ck_assert_uint_eq(map->n, 2);
	ck_assert_uint_eq(list->n, 3);
	ck_assert(ynode_int(list->items[0], &number) && number == 1);
	ck_assert(ynode_bool(list->items[1], &value) && value);
	ck_assert_str_eq(ynode_get(list->items[2], "b")->text, "\xf0\x9f\x98\x80");
	ck_assert_int_eq(ynode_get(list->items[2], "b")->line, 2);
	ck_assert(ynode_is_empty(ynode_get(map, "c")));
	ck_assert(!ynode_bool(doc.root->items[1], &value));
	ck_assert_int_eq(doc.root->items[1]->line, 3);
}
END_TEST

/* The place at which the document breaks off, and the members before it. */
START_TEST(test_json_broken)
{
	static const char text[] = "{\"a\": 1}\n"
				   "{\"b\": [1,\n"
				   "]}\n";

	ck_assert_int_eq(jdoc_parse(arena, "file.json", text, strlen(text), &doc, &findings),
			 -EINVAL);
	ck_assert_uint_eq(doc.root->n, 1);
	check_finding(0, "E002", 3, 1, 1);
	ck_assert_int_eq(jdoc_parse(arena, "file.json", "{\"a\":", 5, &doc, &findings), -EINVAL);
	ck_assert_uint_eq(doc.root->n, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ydoc");
	TCase *tests = tcase_create("ydoc");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_tree);
	tcase_add_test(tests, test_places_of_wide_texts);
	tcase_add_test(tests, test_empty);
	tcase_add_loop_test(tests, test_refused, 0, ARRAY_LEN(refused));
	tcase_add_test(tests, test_goes_on);
	tcase_add_test(tests, test_both_places_of_a_duplicate);
	tcase_add_test(tests, test_depth);
	tcase_add_test(tests, test_size);
	tcase_add_test(tests, test_read);
	tcase_add_test(tests, test_carets);
	tcase_add_test(tests, test_escapes_and_colours);
	tcase_add_test(tests, test_secrets_are_hidden);
	tcase_add_test(tests, test_secrets_are_hidden_in_broken_lines);
	tcase_add_loop_test(tests, test_secrets_are_not_recorded, 0, ARRAY_LEN(recorded));
	tcase_add_loop_test(tests, test_misspelt_secrets_are_hidden, 0,
			    ARRAY_LEN(misspelt_secrets));
	tcase_add_test(tests, test_long_lines_are_not_shown);
	tcase_add_test(tests, test_findings_are_capped);
	tcase_add_test(tests, test_findings_are_taken_over);
	tcase_add_test(tests, test_nearest_word);
	tcase_add_test(tests, test_booleans_and_integers);
	tcase_add_test(tests, test_durations);
	tcase_add_test(tests, test_stream);
	tcase_add_test(tests, test_stream_refused);
	tcase_add_test(tests, test_stream_aliases);
	tcase_add_test(tests, test_stream_aliases_refused);
	tcase_add_test(tests, test_json);
	tcase_add_test(tests, test_json_broken);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
