/*
 * Loading rules: files become a struct ruleset, or findings. Every file is read and every problem
 * told, in one pass; a set comes out only when there is no error. Nothing is printed or logged.
 * Files are read with blocking calls: never call it on the loop thread of a running daemon.
 */
#ifndef TRACEPAGER_RULES_LOAD_H
#define TRACEPAGER_RULES_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/findings.h"
#include "tracepager/rules.h"

/*
 * Load paths (files, or directories whose *.yaml and *.yml are read in order of name; never those
 * whose names end in _test.yaml or _test.yml, which hold rule tests). *ret_rules
 * is set only without errors; findings are always filled (warnings too). Secret files are read when
 * load_secrets; check on another machine does without. Returns 0, -EINVAL with findings, or -errno
 * with a finding for what could not be read.
 */
int rules_load(const char *const *paths, size_t npaths, bool load_secrets,
	       struct ruleset **ret_rules, struct findings *findings);
/* The same from one text that has a name only; for tests, the fuzzer and embedded defaults. */
int rules_parse(const char *name, const char *text, size_t len, bool load_secrets,
		struct ruleset **ret_rules, struct findings *findings);

/* Does the path name a file of rule tests (*_test.yaml, *_test.yml)? The loader passes over those.
 */
bool rules_is_test_file(const char *path);

#endif
