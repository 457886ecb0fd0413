/* What the files of "tracepager test" share. */
#ifndef TEST_INTERNAL_H
#define TEST_INTERNAL_H

#include "tracepager/ruletest.h"

/* The results as JUnit XML, as Jenkins and GitLab read it: a suite for each file. */
void test_write_junit(const struct rule_tests *tests, struct buf *out);

/* A file of tests that shows every member, for a person. */
extern const char test_sample[];

#endif
