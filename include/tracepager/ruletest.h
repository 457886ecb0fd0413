/*
 * Rule tests: files named *_test.yaml beside the rules say which alert with which traces must
 * become which page. The daemon's own decide() decides them. Refuses to send anything and to read
 * the clock: a test has the same result on every day. Owns the result until rule_tests_fini(). Any
 * thread; reads files. Called by `tracepager test` and by a reload before it takes new rules.
 */
#ifndef TRACEPAGER_RULETEST_H
#define TRACEPAGER_RULETEST_H

#include "tracepager/findings.h"
#include "tracepager/rules.h"

/* The time of a test that gives none and whose alert has no start: a Thursday at noon. */
#define RULETEST_NOW_US 1767268800000000LL /* 2026-01-01T12:00:00Z */

struct rule_test {
	const char *file, *name; /* kept by the result's arena */
	int line;
	struct findings findings; /* differences, and errors of the test; no error: it passed */
};

struct rule_tests {
	struct arena *arena;
	struct rule_test *at;
	size_t n;		  /* tests that ran */
	size_t nfailed;		  /* of these, tests that failed */
	size_t nfiles;		  /* files that were read */
	size_t nfiltered;	  /* tests that the filter left out */
	struct findings findings; /* of whole files, not of one test */
};

struct rule_tests_options {
	/* Files of tests; or files or directories of rules, whose directories have the tests. */
	const char *const *paths;
	size_t npaths;
	const char *filter; /* a glob on the names of tests; NULL: all */
};

/* Run all tests. Problems are findings of the result; the caller frees it by rule_tests_fini(). */
void rule_tests_run(const struct ruleset *rules, const struct rule_tests_options *options,
		    struct rule_tests *ret_tests);
/* No test failed, and no file has an error. */
bool rule_tests_passed(const struct rule_tests *tests);
void rule_tests_fini(struct rule_tests *tests);

#endif
