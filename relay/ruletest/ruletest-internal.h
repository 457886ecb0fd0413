/*
 * What the files of rule tests share: reading a test's map, a test's traces, its expectations. Any
 * thread; a reader belongs to one.
 */
#ifndef TRACEPAGER_RULETEST_INTERNAL_H
#define TRACEPAGER_RULETEST_INTERNAL_H

#include "tracepager/decide.h"
#include "tracepager/ruletest.h"
#include "tracepager/trace_decoder.h"
#include "tracepager/ydoc.h"

/* The traces of a test, and their sets, which it owns. */
struct test_traces {
	struct trace_set **sets; /* heap */
	const struct trace **at; /* heap */
	size_t nsets, n;
	struct evidence_set *evidence; /* of the healthy traces, in a captured test; else NULL */
	struct evidence_set *ordinary; /* of the window's fine traces, likewise */
};

/* One test while it is read and run. */
struct test_reader {
	struct arena *arena; /* the test's */
	const struct ydoc *doc;
	struct findings *findings;
	const struct ruleset *rules;
	struct trace_options trace_options;
	int64_t now_us;
	const struct ynode *node; /* names the file that is being read */
	struct test_traces *into;
	unsigned int ntraces; /* drawn so far; numbers their ids */
};

#define TEST_ERROR(reader, node, code, hint, ...)                                                  \
	ydoc_finding((reader)->doc, node, FINDING_ERROR, code, (reader)->findings, hint,           \
		     __VA_ARGS__)

/* ---- ruletest_read.c ---- */

/* Members of a map. false or NULL: the member is absent, or wrong and reported as a finding. Texts
 * are borrowed from the document. */
bool test_map(const struct test_reader *reader, const struct ynode *node, const char *what);
void test_known(const struct test_reader *reader, const struct ynode *map, const char *what,
		const char *const *known, size_t n);
const char *test_text(const struct test_reader *reader, const struct ynode *node, const char *what);
/* The index of the text among the words; SIZE_MAX: absent or wrong. */
size_t test_word(const struct test_reader *reader, const struct ynode *node, const char *what,
		 const char *const *words, size_t n);
bool test_time(const struct test_reader *reader, const struct ynode *node, const char *what,
	       int64_t *ret_us);
bool test_duration(const struct test_reader *reader, const struct ynode *node, const char *what,
		   int64_t *ret_us);
struct labels test_labels(const struct test_reader *reader, const struct ynode *node,
			  const char *what);
bool test_alert(const struct test_reader *reader, const struct ynode *node,
		struct alert *ret_alert);
bool test_fallback(const struct test_reader *reader, const struct ynode *node, const char *what,
		   enum fallback_code *ret_code);

/* ---- ruletest_trace.c ---- */

/* Read a list of trace files and drawn spans. NULL list: no traces. */
void test_traces_read(struct test_reader *reader, const struct ynode *list,
		      struct test_traces *traces);
void test_traces_fini(struct test_traces *traces);

/* ---- ruletest_expect.c ---- */

/* Compare the decision with the map "expect"; every difference is a finding. */
void test_expect(const struct test_reader *reader, const struct ynode *expect,
		 const struct decision *decision);
/* Check the map itself: unknown keys, and names that the rules do not have. */
void test_expect_known(const struct test_reader *reader, const struct ynode *expect);

/* Read the file that the node names, relative to the test's file. 0, or -errno and a finding. */
int test_file_read(const struct test_reader *reader, const struct ynode *node,
		   struct buf *ret_text);

#endif
