/*
 * Rule tests: files named *_test.yaml beside the rules say which alert with which traces must
 * become which page. They are decided by the very decide() of the daemon, in memory: nothing is
 * sent, no clock is read, so that a test says tomorrow what it says today.
 *
 * Who calls it: "tracepager test", and whoever wants to try rules before taking them.
 */
#ifndef TRACEPAGER_RULETEST_H
#define TRACEPAGER_RULETEST_H

#include "tracepager/findings.h"
#include "tracepager/rules.h"

/* The time of a test that gives none, and whose alert has no start: a Thursday noon. */
#define RULETEST_NOW_US 1767268800000000LL /* 2026-01-01T12:00:00Z */

struct rule_test {
	const char *file, *name; /* kept by the tests */
	int line;
	struct findings
		findings; /* what is not as expected, or wrong with the test; none: passed */
};

struct rule_tests {
	struct arena *arena;
	struct rule_test *at;
	size_t n, nfailed;	  /* that ran; of these */
	size_t nfiles, nfiltered; /* that were read; tests that the filter left out */
	struct findings findings; /* wrong with whole files, not with one test */
};

struct rule_tests_options {
	const char *const *paths; /* files of tests; files or directories of rules, beside which
				     tests are looked for */
	size_t npaths;
	const char *filter; /* a glob on the names of tests; NULL: all */
};

/* Run all. Problems are findings of the result, which the caller frees by rule_tests_fini(). */
void rule_tests_run(const struct ruleset *rules, const struct rule_tests_options *options,
		    struct rule_tests *ret_tests);
/* Nothing is wrong with any test or file. */
bool rule_tests_passed(const struct rule_tests *tests);
void rule_tests_fini(struct rule_tests *tests);

#endif
