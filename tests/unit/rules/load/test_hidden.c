/*
 * Rules that are kept with decisions have their secrets hidden, and load again: those of every kind
 * of pager, in braces and in lines; and files of YAML that are made at random, whose parts stay.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/rules_load.h"
#include "tracepager/ruleset.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"

/* In each secret of these tests, and nowhere else. */
#define SECRET "hunter2"

static struct findings findings;

static void setup(void)
{
	findings = (struct findings){ .at = NULL };
}

static void teardown(void)
{
	findings_fini(&findings);
}

/* ---- pagers ---- */

/* Members of a pager are written as a map in braces, or one a line. */
struct members {
	struct buf out;
	bool flow;
	int depth;
};

static void add_member(struct members *text, const char *name, const char *value)
{
	if (!text->flow)
		buf_printf(&text->out, "\n%*s%s: %s", 4 + 2 * text->depth, "", name, value);
	else
		buf_printf(&text->out, "%s%s: %s",
			   buf_text(&text->out)[text->out.len - 1] == '{' ? "" : ", ", name, value);
}

static void add_headers(struct members *text)
{
	add_member(text, "headers", text->flow ? "{" : "");
	text->depth++;
	add_member(text, "X-S_file", "/" SECRET);
	add_member(text, "Authorization", "'Bearer it''s, {" SECRET "}'");
	add_member(text, "\"X-T\"", "\"\\\"" SECRET "\\\"\"");
	text->depth--;
	buf_puts(&text->out, text->flow ? "}" : "");
}

static const char *sample_url(enum pager_kind_id kind)
{
	return kind == PAGER_EMAIL ? "smtp://mail.example"
				   : "\"https://u:" SECRET "@h/" SECRET
				     "xxk9f7Q2m4Zp8Lr3Ts/a?t=" SECRET "\"";
}

static const char *sample_text(enum pager_kind_id kind, enum pager_text which)
{
	if (which == PAGER_TLS)
		return "required";
	return kind == PAGER_EMAIL ? "a@example.org" : "C0123456789";
}

/* All that the kind can have at once; second: its second way to its service. */
static void add_pager(struct members *text, enum pager_kind_id kind, bool second)
{
	const struct pager_options *options = pager_kind_options(kind);
	const char *way = pager_kind_way(kind), *name;
	enum pager_need need;

	add_member(text, "kind", pager_kind_name(kind));
	if (options->key && !second)
		add_member(text, options->key, "https://h/" SECRET);
	if (second)
		add_member(text, way, SECRET);
	if (options->url_need != PAGER_NONE && (!way || second))
		add_member(text, "url", sample_url(kind));
	for (int i = 0; i < PAGER_TEXT_COUNT; i++)
		if ((name = pager_kind_text(kind, (enum pager_text)i, &need)) && i != PAGER_CA &&
		    (!way || second))
			add_member(text, name, sample_text(kind, (enum pager_text)i));
	if (pager_kind_has(kind, "feedback_secret"))
		add_member(text, "feedback_secret", "[" SECRET ", '" SECRET "']");
	if (pager_kind_has(kind, "headers"))
		add_headers(text);
	if (pager_kind_has(kind, "body"))
		add_member(text, "body", "'{{\"token\": \"" SECRET "\", \"t\": \"{summary}\"}}'");
}

static void check_loads_hidden(const char *text)
{
	struct ruleset *rules = NULL, *again = NULL;

	ck_assert_msg(rules_parse("a.yaml", text, strlen(text), true, &rules, &findings) == 0,
		      "%s\n%s", text, findings.n ? findings.at[0].text : "");
	const struct rule_text *hidden = &rules->texts[0];
	ck_assert_msg(!strstr(hidden->text, SECRET), "%s", hidden->text);
	ck_assert_msg(rules_parse("a.yaml", hidden->text, hidden->len, true, &again, &findings) ==
			      0,
		      "%s\n%s", hidden->text, findings.n ? findings.at[findings.n - 1].text : "");
	ck_assert_uint_eq(again->npagers, 1);
	ck_assert_int_eq(again->pagers[0].kind, rules->pagers[0].kind);
	rules_unref(rules);
	rules_unref(again);
}

START_TEST(test_pagers)
{
	const enum pager_kind_id kind = (enum pager_kind_id)(_i / 4);
	struct members text = { .out = BUF_INIT(1u << 16), .flow = _i % 2 };

	if (_i % 4 < 2 || pager_kind_way(kind)) {
		buf_puts(&text.out, text.flow ? "pagers: {h: {" : "pagers:\n  h:");
		add_pager(&text, kind, _i % 4 >= 2);
		buf_puts(&text.out, text.flow ? "}}" : "");
		buf_puts(&text.out, "\nteams: {a: {escalation: a}}\n"
				    "escalations: {a: {steps: [{page: [h]}]}}\n"
				    "fallback: {team: a}\n");
		check_loads_hidden(buf_text(&text.out));
	}
	buf_fini(&text.out);
}
END_TEST

/* ---- files at random ---- */

struct random_text {
	struct buf out;
	unsigned int seed, number;
};

static unsigned int draw(struct random_text *text, unsigned int n)
{
	text->seed = text->seed * 1103515245u + 12345u;
	return (text->seed >> 16) % n;
}

/* A line may end within braces. */
static void add_gap(struct random_text *text)
{
	static const char *const gaps[] = { " ",     "  ",    "\n  ", " # token: " SECRET "\n   ",
					    "\n\n ", "\r\n  " };

	buf_puts(&text->out, gaps[draw(text, ARRAY_LEN(gaps))]);
}

static void add_value(struct random_text *text, bool secret)
{
	static const char *const secrets[] = { SECRET,
					       "'" SECRET "'",
					       "\"" SECRET "\"",
					       "'it''s {" SECRET "}, [a: b # c'",
					       "\"\\\"" SECRET "\\\\\"",
					       "\"a\n   " SECRET " }\"",
					       "'\n  " SECRET "\n\n  ]'",
					       SECRET "\n  " SECRET,
					       "\"\\u0068 " SECRET "\\\n   c\"",
					       "größe" SECRET,
					       "http://h/?" SECRET };
	static const char *const others[] = {
		"a", "'b {'", "\"c ]\\\"\"", "größe", "1", "\"d: e\""
	};

	buf_puts(&text->out, secret ? secrets[draw(text, ARRAY_LEN(secrets))]
				    : others[draw(text, ARRAY_LEN(others))]);
}

/* A map in braces. All below "headers" are secrets. */
static void add_map(struct random_text *text, unsigned int depth, bool secret)
{
	const unsigned int n = 1 + draw(text, 4);

	buf_puts(&text->out, "{");
	for (unsigned int i = 0; i < n; i++) {
		static const char *const names[] = { "a%u", "'b%u'", "\"c%u\"", "d%u_file" };
		static const char *const keys[] = { "k%u_secret", "'k%u token'", "\"k%u-key\"" };
		const bool key = draw(text, 2);
		add_gap(text);
		const char *name = key ? keys[draw(text, 3)] : names[draw(text, 4)];
		/* Words for one number each. */
		const char *place = strchr(name, '%');
		buf_printf(&text->out, "%.*s%u%s: ", (int)(place - name), name, text->number++,
			   place + 2);
		const unsigned int what = draw(text, 8);
		if (what == 0 && depth < 5) {
			add_map(text, depth + 1, secret);
		} else if (what == 1) {
			buf_puts(&text->out, "[");
			add_value(text, secret || key);
			buf_puts(&text->out, ",");
			add_gap(text);
			add_value(text, secret || key);
			buf_puts(&text->out, "]");
		} else {
			add_value(text, secret || key);
		}
		if (depth < 5 && draw(text, 6) == 0 && i + 1 == n) {
			buf_puts(&text->out, ", headers: ");
			add_map(text, depth + 1, true);
		}
		buf_puts(&text->out, i + 1 < n ? "," : "");
	}
	add_gap(text);
	buf_puts(&text->out, "}");
}

/* The same lists, maps, keys and lines; texts without a secret are the same. */
static void check_same_parts(const struct ynode *was, const struct ynode *is)
{
	ck_assert_int_eq(was->kind, is->kind);
	ck_assert_int_eq(was->line, is->line);
	ck_assert_uint_eq(was->n, is->n);
	if (was->kind == YNODE_SCALAR) {
		ck_assert_int_eq(was->quoted, is->quoted);
		if (!strstr(was->text, SECRET))
			ck_assert_str_eq(was->text, is->text);
	}
	for (size_t i = 0; i < was->n; i++) {
		if (was->kind == YNODE_MAP)
			ck_assert_str_eq(was->keys[i]->text, is->keys[i]->text);
		check_same_parts(was->items[i], is->items[i]);
	}
}

START_TEST(test_random)
{
	struct random_text text = { .out = BUF_INIT(1u << 20), .seed = (unsigned int)_i };
	struct arena *arena = arena_new(1u << 24);
	struct ydoc was, is;

	buf_puts(&text.out, "pagers:\n  one:\n   ");
	add_map(&text, 0, false);
	buf_puts(&text.out, "\n  two: {kind: x}\n");
	char *hidden = xstrdup(buf_text(&text.out));
	ydoc_hide_secrets(hidden, 'x');
	ck_assert_msg(!strstr(hidden, SECRET), "%s\n%s", buf_text(&text.out), hidden);
	ck_assert_msg(ydoc_parse(arena, "a", buf_text(&text.out), text.out.len, &was, &findings) ==
			      0,
		      "%s\n%s", buf_text(&text.out), findings.n ? findings.at[0].text : "");
	ck_assert_msg(ydoc_parse(arena, "a", hidden, strlen(hidden), &is, &findings) == 0,
		      "%s\n%s\n%s", buf_text(&text.out), hidden,
		      findings.n ? findings.at[0].text : "");
	check_same_parts(was.root, is.root);
	free(hidden);
	arena_free(arena);
	buf_fini(&text.out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hidden");
	TCase *tests = tcase_create("hidden");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, test_pagers, 0, 4 * PAGER_KIND_COUNT);
	tcase_add_loop_test(tests, test_random, 1, 500);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
