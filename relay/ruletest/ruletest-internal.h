/* What the files of rule tests share: the reading of a test's map, and the traces of a test. */
#ifndef RULETEST_INTERNAL_H
#define RULETEST_INTERNAL_H

#include "tracepager/decide.h"
#include "tracepager/ruletest.h"
#include "tracepager/trace_decoder.h"
#include "tracepager/ydoc.h"

/* Sets of traces that a test owns, and the traces in them. */
struct test_traces {
	struct trace_set **sets; /* heap */
	const struct trace **at; /* heap */
	size_t nsets, n;
	struct evidence_set *kept; /* a captured test's: what the healthy traces were like */
};

/* One test while it is read and run. */
struct test_reader {
	struct arena *arena; /* the test's */
	const struct ydoc *doc;
	struct findings *findings;
	const struct ruleset *rules;
	struct trace_options trace_options;
	int64_t now_us;
	const struct ynode *node; /* a file that is being read is named here */
	struct test_traces *into;
	unsigned int ntraces; /* drawn so far: their ids */
};

#define TEST_ERROR(reader, node, code, hint, ...)                                                  \
	ydoc_finding((reader)->doc, node, FINDING_ERROR, code, (reader)->findings, hint,           \
		     __VA_ARGS__)

/* ruletest_read.c. false and NULL: absent, or told. Texts are borrowed from the document. */
bool test_map(const struct test_reader *reader, const struct ynode *node, const char *what);
void test_known(const struct test_reader *reader, const struct ynode *map, const char *what,
		const char *const *known, size_t n);
const char *test_text(const struct test_reader *reader, const struct ynode *node, const char *what);
/* The index of the text among the words, or SIZE_MAX. */
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

/* ruletest_trace.c: a list of files and drawn spans. */
void test_traces_read(struct test_reader *reader, const struct ynode *list,
		      struct test_traces *traces);
void test_traces_fini(struct test_traces *traces);

/* ruletest_expect.c: the decision against the map "expect"; every difference is a finding. */
void test_expect(const struct test_reader *reader, const struct ynode *expect,
		 const struct decision *decision);
void test_expect_known(const struct test_reader *reader, const struct ynode *expect);

/* The whole file beside the test's. 0, or told as a finding at the node. */
int test_file_read(const struct test_reader *reader, const struct ynode *node,
		   struct buf *ret_text);

#endif
