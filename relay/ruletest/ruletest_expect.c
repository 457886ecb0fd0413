/*
 * Rule tests, expectations: compares a decision with what the test expects. Every difference is a
 * finding at the expected value, with the rule that decided. One row of a table for each key. Owns
 * nothing.
 */
#include <string.h>

#include "ruletest-internal.h"
#include "tracepager/glob.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

enum expect_form {
	EXPECT_NAME, /* the same text; none: the decision has nothing */
	EXPECT_GLOB,
	EXPECT_SEVERITY,
	EXPECT_PAGE, /* "sent" or none */
	EXPECT_FALLBACK,
	EXPECT_CALLEE, /* a name; a port behind it may be left out by the decision */
	EXPECT_PAGERS, /* a list in any order; none: nobody is paged */
	EXPECT_STEPS,  /* a list of such lists, one for each step */
};

typedef const struct pager *const *expect_got_pagers(const struct decision *decision,
						     size_t *ret_n);

static const char *got_suspect(const struct decision *d)
{
	return d->verdict.found ? d->verdict.suspect.service : NULL;
}

static const char *got_callee(const struct decision *d)
{
	return d->verdict.found ? d->verdict.suspect.callee : NULL;
}

static const char *got_signal(const struct decision *d)
{
	return d->signal_rule ? d->signal_rule->name : NULL;
}

static const char *got_team(const struct decision *d)
{
	return d->team ? d->team->name : NULL;
}

static const char *got_escalation(const struct decision *d)
{
	const struct escalation *escalation = decision_escalation(d);

	return escalation ? escalation->name : NULL;
}

static const char *got_severity(const struct decision *d)
{
	return d->no_page ? NULL : severity_name(d->page.severity);
}

static const char *got_summary(const struct decision *d)
{
	return d->no_page ? NULL : d->page.summary;
}

static const char *got_page(const struct decision *d)
{
	return d->no_page ? NULL : "sent";
}

static const struct pager *const *got_also_notify(const struct decision *d, size_t *ret_n)
{
	*ret_n = d->no_page ? 0 : d->routing.nalso_notify;
	return d->routing.also_notify;
}

static const char *got_fallback(const struct decision *d)
{
	enum fallback_code code = d->verdict.fallback;

	return code == FALLBACK_NONE ? NULL : fallback_code_name(code);
}

static const struct expectation {
	const char *key;
	enum expect_form form;
	const char *(*got)(const struct decision *); /* returns NULL: the decision has none */
	bool by_traces;				     /* a difference is explained by the verdict */
	int section; /* enum rules_section that has the name; -1: it is no name of the rules */
	expect_got_pagers *got_pagers;
} expectations[] = {
	{ "suspect", EXPECT_NAME, got_suspect, true, -1, NULL },
	{ "callee", EXPECT_CALLEE, got_callee, true, -1, NULL },
	{ "fallback", EXPECT_FALLBACK, got_fallback, true, -1, NULL },
	{ "signal", EXPECT_NAME, got_signal, false, RULES_SIGNALS, NULL },
	{ "team", EXPECT_NAME, got_team, false, RULES_TEAMS, NULL },
	{ "page", EXPECT_PAGE, got_page, false, -1, NULL },
	{ "escalation", EXPECT_NAME, got_escalation, false, RULES_ESCALATIONS, NULL },
	{ "pagers", EXPECT_PAGERS, NULL, false, RULES_PAGERS, decision_pagers },
	{ "steps", EXPECT_STEPS, NULL, false, RULES_PAGERS, NULL },
	{ "also_notify", EXPECT_PAGERS, NULL, false, RULES_PAGERS, got_also_notify },
	{ "severity", EXPECT_SEVERITY, got_severity, false, -1, NULL },
	{ "summary", EXPECT_GLOB, got_summary, false, -1, NULL },
};

static void expect_add_reason(struct buf *out, const char *text)
{
	if (out->len)
		buf_puts(out, "; ");
	plain_add(out, text, LIMIT_ERROR_WORDS_BYTES);
}

/* Why the decision is as it is: the deciding rules, or what the traces showed. NULL: unknown. */
static const char *expect_reason(const struct test_reader *reader,
				 const struct expectation *expectation, const struct decision *d)
{
	struct buf out = BUF_INIT(LIMIT_TEST_REASON_BYTES);

	if (expectation->by_traces) {
		if (d->verdict.fallback_text)
			expect_add_reason(&out, d->verdict.fallback_text);
		for (unsigned int i = 0; i < d->verdict.nreasons && i < 2; i++)
			expect_add_reason(&out, d->verdict.reasons[i]);
	} else {
		for (unsigned int i = 0; i < d->nowner_reasons; i++)
			expect_add_reason(&out, d->owner_reasons[i]);
		if (d->signal_rule)
			expect_add_reason(&out, arena_printf(reader->arena, "the signal is %s (%s)",
							     d->signal_rule->name,
							     d->signal_rule->place));
	}
	const char *text = out.len ? arena_strdup(reader->arena, buf_text(&out)) : NULL;
	buf_fini(&out);
	return text;
}

static const char *expect_quoted(const struct test_reader *reader, const char *text)
{
	return text ? arena_printf(reader->arena, "\"%.500s\"", text) : "none";
}

static void expect_report(const struct test_reader *reader, const struct ynode *node,
			  const struct expectation *expectation, const struct decision *d,
			  const char *expected, const char *got)
{
	TEST_ERROR(reader, node, "T001", expect_reason(reader, expectation, d),
		   "%s: expected %s, got %s", expectation->key, expected, got);
}

/* Decisions tell a callee as the rules name it, with or without its port; tests that were written
 * with the port stay right. */
static bool same_callee(const char *want, const char *got)
{
	size_t len = strlen(got);

	return strncmp(want, got, len) == 0 &&
	       (!want[len] || (want[len] == ':' && want[len + 1] &&
			       !want[len + 1 + strspn(want + len + 1, "0123456789")]));
}

static bool is_expected(const struct expectation *expectation, const char *want, const char *got)
{
	return expectation->form == EXPECT_GLOB	    ? glob_match(want, got)
	       : expectation->form == EXPECT_CALLEE ? same_callee(want, got)
						    : strcmp(want, got) == 0;
}

static void expect_text(const struct test_reader *reader, const struct ynode *node,
			const struct expectation *expectation, const struct decision *d)
{
	const char *got = expectation->got(d), *want = node->text;
	bool none = !node->quoted && strcmp(want, "none") == 0;

	if (got ? is_expected(expectation, want, got) : none)
		return;
	expect_report(reader, node, expectation, d, none ? "none" : expect_quoted(reader, want),
		      expect_quoted(reader, got));
}

static const char *pagers_text(const struct test_reader *reader, const struct pager *const *pagers,
			       size_t n)
{
	const char *text = n ? "" : "none";

	for (size_t i = 0; i < n; i++)
		text = arena_printf(reader->arena, "%s%s\"%.200s\"", text, i ? ", " : "",
				    pagers[i]->name);
	return text;
}

static bool expects_none(const struct ynode *node)
{
	return node->kind == YNODE_SCALAR && !node->quoted && strcmp(node->text, "none") == 0;
}

/* The names that the node lists, or its one name, in quotes. */
static const char *expected_names(const struct test_reader *reader, const struct ynode *node)
{
	const char *text = node->kind == YNODE_LIST ? "" : expect_quoted(reader, node->text);

	for (size_t i = 0; node->kind == YNODE_LIST && i < node->n; i++)
		text = arena_printf(reader->arena, "%s%s%s", text, i ? ", " : "",
				    expect_quoted(reader, node->items[i]->text));
	return expects_none(node) ? "none" : text;
}

static bool same_pagers(const struct ynode *node, const struct pager *const *pagers, size_t n)
{
	const bool list = node->kind == YNODE_LIST;
	const size_t nitems = list ? node->n : 1;
	size_t found = 0;

	if (expects_none(node))
		return n == 0;
	for (size_t i = 0; i < nitems; i++) {
		const char *name = list ? node->items[i]->text : node->text;
		for (size_t j = 0; name && j < n; j++)
			found += strcmp(pagers[j]->name, name) == 0 ||
				 (pagers[j]->entry && strcmp(pagers[j]->entry->name, name) == 0);
	}
	return found == n && nitems == n;
}

static void expect_pagers(const struct test_reader *reader, const struct ynode *node,
			  const struct expectation *expectation, const struct decision *d)
{
	size_t n;
	const struct pager *const *pagers = expectation->got_pagers(d, &n);

	if (!same_pagers(node, pagers, n))
		expect_report(reader, node, expectation, d, expected_names(reader, node),
			      pagers_text(reader, pagers, n));
}

/* All steps of the escalation, in their order; where routes name the pagers, there is one. */
static void expect_steps(const struct test_reader *reader, const struct ynode *node,
			 const struct expectation *expectation, const struct decision *d)
{
	const struct escalation *escalation = decision_escalation(d);
	const struct escalation_step routed = {
		.pagers = (const struct pager **)(uintptr_t)d->routing.pagers,
		.npagers = d->routing.npagers
	};
	const struct escalation_step *steps = escalation ? escalation->steps : &routed;
	const size_t n = escalation ? escalation->nsteps : !d->no_page && routed.npagers;
	const char *expected = "", *got = n ? "" : "none";
	bool same = n == node->n;

	for (size_t i = 0; i < n; i++) {
		const struct pager *const *pagers = (const struct pager *const *)steps[i].pagers;
		same = same && same_pagers(node->items[i], pagers, steps[i].npagers);
		got = arena_printf(reader->arena, "%s%s[%s]", got, i ? ", " : "",
				   pagers_text(reader, pagers, steps[i].npagers));
	}
	for (size_t i = 0; i < node->n; i++)
		expected = arena_printf(reader->arena, "%s%s[%s]", expected, i ? ", " : "",
					expected_names(reader, node->items[i]));
	if (!same)
		expect_report(reader, node, expectation, d, expected, got);
}

static const struct expectation *find_expectation(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(expectations); i++)
		if (strcmp(expectations[i].key, key) == 0)
			return &expectations[i];
	return NULL;
}

/* A name that the rules do not have can never be the result. */
static void check_expected_name(const struct test_reader *reader, const struct ynode *node,
				const struct expectation *expectation)
{
	static const char *const sections[] = { [RULES_TEAMS] = "team",
						[RULES_PAGERS] = "pager",
						[RULES_ESCALATIONS] = "escalation",
						[RULES_SIGNALS] = "signal" };
	const char *text = test_text(reader, node, expectation->key), *nearest;

	if (!text || expectation->section < 0 || (!node->quoted && strcmp(text, "none") == 0) ||
	    rules_has_name(reader->rules, (enum rules_section)expectation->section, text, &nearest))
		return;
	TEST_ERROR(reader, node, "E012",
		   nearest ? arena_printf(reader->arena, "did you mean \"%s\"?", nearest)
			   : "write the name as it stands in the rules",
		   "the rules have no %s \"%.200s\"", sections[expectation->section], text);
}

/* A name, or a list of names. */
static void check_expected_names(const struct test_reader *reader, const struct ynode *node,
				 const struct expectation *expectation)
{
	for (size_t i = 0; node->kind == YNODE_LIST && i < node->n; i++)
		check_expected_name(reader, node->items[i], expectation);
	if (node->kind != YNODE_LIST)
		check_expected_name(reader, node, expectation);
}

static void check_expected_steps(const struct test_reader *reader, const struct ynode *node,
				 const struct expectation *expectation)
{
	if (node->kind != YNODE_LIST)
		TEST_ERROR(reader, node, "E014", "write [[PAGER], [PAGER, PAGER]]",
			   "\"steps\" must be a list of the pagers of each step, not %s",
			   ynode_kind_name(node));
	for (size_t i = 0; node->kind == YNODE_LIST && i < node->n; i++)
		check_expected_names(reader, node->items[i], expectation);
}

static void check_expected_value(const struct test_reader *reader, const struct ynode *node,
				 const struct expectation *expectation)
{
	static const char *const severities[] = { "info", "warning", "error", "critical", "none" };
	static const char *const pages[] = { "sent", "none" };
	enum fallback_code code;

	switch (expectation->form) {
	case EXPECT_SEVERITY:
		test_word(reader, node, "\"severity\"", severities, ARRAY_LEN(severities));
		break;
	case EXPECT_PAGE:
		test_word(reader, node, "\"page\"", pages, ARRAY_LEN(pages));
		break;
	case EXPECT_FALLBACK:
		test_fallback(reader, node, "\"fallback\"", &code);
		break;
	case EXPECT_STEPS:
		check_expected_steps(reader, node, expectation);
		break;
	case EXPECT_PAGERS:
		check_expected_names(reader, node, expectation);
		break;
	case EXPECT_NAME:
	case EXPECT_CALLEE:
		check_expected_name(reader, node, expectation);
		break;
	case EXPECT_GLOB:
		test_text(reader, node, expectation->key);
		break;
	}
}

void test_expect_known(const struct test_reader *reader, const struct ynode *expect)
{
	const char *known[ARRAY_LEN(expectations)];

	for (size_t i = 0; i < ARRAY_LEN(expectations); i++)
		known[i] = expectations[i].key;
	if (!test_map(reader, expect, "\"expect\""))
		return;
	test_known(reader, expect, "\"expect\"", known, ARRAY_LEN(known));
	for (size_t i = 0; i < expect->n; i++) {
		const struct expectation *expectation = find_expectation(expect->keys[i]->text);
		if (expectation)
			check_expected_value(reader, expect->items[i], expectation);
	}
	if (expect->n == 0)
		TEST_ERROR(reader, expect, "E033", "say at least the team",
			   "\"expect\" is empty: the test could not fail");
}

void test_expect(const struct test_reader *reader, const struct ynode *expect,
		 const struct decision *decision)
{
	for (size_t i = 0; i < expect->n; i++) {
		const struct expectation *expectation = find_expectation(expect->keys[i]->text);
		if (!expectation)
			continue; /* test_expect_known() has reported it */
		if (expectation->form == EXPECT_PAGERS)
			expect_pagers(reader, expect->items[i], expectation, decision);
		else if (expectation->form == EXPECT_STEPS)
			expect_steps(reader, expect->items[i], expectation, decision);
		else
			expect_text(reader, expect->items[i], expectation, decision);
	}
}
