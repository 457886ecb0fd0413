/*
 * Loading rules: files become a struct ruleset, or findings. Every file is read and every problem
 * found in one pass; a set comes out only without errors. Nothing is printed or logged. Any
 * thread may call; files are read with blocking calls, so that the loop thread of a running
 * daemon does not.
 */
#ifndef TRACEPAGER_RULES_LOAD_H
#define TRACEPAGER_RULES_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/findings.h"
#include "tracepager/rules.h"

/*
 * Loads paths: files, or directories whose *.yaml and *.yml are read in order of name, except
 * rule tests (*_test.yaml, *_test.yml). With load_secrets the files of secrets are read too;
 * tracepager check on another machine does without. Findings are always added, warnings too.
 * Returns 0 with *ret_rules (one reference); -EINVAL with findings; or -errno with a finding for
 * the file that could not be read.
 */
int rules_load(const char *const *paths, size_t npaths, bool load_secrets,
	       struct ruleset **ret_rules, struct findings *findings);
/* The same for a part of a set: without a finding for a fallback that is missing, or for entries
 * that nothing uses. rules_fallback() of the set may be NULL. */
int rules_load_part(const char *const *paths, size_t npaths, struct ruleset **ret_rules,
		    struct findings *findings);
/* The same from a text that has only a name: for tests, the fuzzer and embedded defaults. */
int rules_parse(const char *name, const char *text, size_t len, bool load_secrets,
		struct ruleset **ret_rules, struct findings *findings);
/* The same from several texts, as from several files. */
int rules_parse_texts(const struct rule_text *texts, size_t n, bool load_secrets,
		      struct ruleset **ret_rules, struct findings *findings);
/* The same from the texts that a set of rules has kept of itself, without the secrets: what the
 * files included is among them. */
int rules_parse_kept(const struct rule_text *texts, size_t n, struct ruleset **ret_rules,
		     struct findings *findings);

/* Does the path name a file of rule tests (*_test.yaml, *_test.yml)? The loader passes over those.
 */
bool rules_is_test_file(const char *path);

#endif
