/*
 * Findings: the problems of files that an admin wrote (rules, the daemon's options, rule tests).
 * The reader of a file adds findings; tracepager check prints them as a compiler does, as JSON or
 * as SARIF. The reader decides which text is a problem.
 *
 * A struct findings owns its texts; findings_fini() frees them. Any thread, one at a time for
 * each struct findings.
 */
#ifndef TRACEPAGER_FINDINGS_H
#define TRACEPAGER_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/arena.h"
#include "tracepager/buf.h"

/* One problem. A load finds all of them; they are printed by file and line. */
enum finding_level {
	FINDING_ERROR,
	FINDING_WARNING,
};

struct finding {
	enum finding_level level;
	const char *code; /* "E012": stable, see rules/doc/codes.def */
	char *file;
	/* Columns count characters, from 1; width is that of the token, for carets. 0: no place. */
	int line, column, width;
	char *text;   /* one line, safe on a terminal */
	char *source; /* the source line, secrets hidden; NULL: none */
	char *hint;   /* what to do; NULL: no hint */
};

struct seen_words;

/* What a load has read, with errors or without. */
struct rules_seen {
	size_t files, teams, pagers, services, signals;
};

struct findings {
	struct finding *at;
	size_t n;		   /* at most LIMIT_FINDINGS */
	size_t nerrors, nwarnings; /* of all findings, also beyond LIMIT_FINDINGS */
	struct rules_seen seen;
	int64_t now_us; /* wall time, set by the caller; 0: nothing that depends on the day */
	const struct seen_words *words; /* of the past, set by the caller; NULL: it is not known */
	/* Names of all senders that the options declare, borrowed from the caller. 0: not known. */
	const char *const *senders;
	size_t nsenders;
};
void findings_fini(struct findings *findings);
/* Adds a finding about a whole file, or without a place. code is borrowed for good; hint may be
 * NULL. */
void findings_add(struct findings *findings, enum finding_level level, const char *code,
		  const char *file, const char *hint, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
/* Moves the findings of `from` behind those of `findings` and empties it. Counts are added;
 * `seen` stays. */
void findings_take(struct findings *findings, struct findings *from);
void findings_sort(struct findings *findings); /* by file, line, column; stable */
/* Adds the findings as a compiler prints them: file:line:col: error[E012]: text, the line,
 * carets, a hint. Many warnings of one code in one file are folded. colour: with ANSI escapes. */
void findings_write(const struct findings *findings, bool colour, struct buf *out);
/* Adds one finding as a JSON object. */
void finding_write_json(const struct finding *finding, struct buf *out);
/* Adds the first findings, at most `most`, as a JSON array. */
void findings_write_array(const struct findings *findings, size_t most, struct buf *out);
/* Adds all findings as a SARIF 2.1.0 log, which code hosts and editors show; version: of this
 * program. */
void findings_write_sarif(const struct findings *findings, const char *version, struct buf *out);
/* What a code means, in one sentence; NULL: no such code. Upper and lower case are the same. */
const char *finding_explain(const char *code);
/* Adds the sentence, why it matters, an example and the cure, for a person. False: no such
 * code. */
bool finding_explain_write(const char *code, struct buf *out);
/* An example that gives the code, for tests; NULL: no text of rules can show it. */
const char *finding_example(const char *code);
const char *finding_code(size_t index); /* all codes, in order; NULL behind the last */

/* ---- hints ---- */

/* The candidate that a person who wrote `word` probably meant: the nearest by edit distance. NULL:
 * none is near. Borrowed. */
const char *nearest_word(const char *word, const char *const *candidates, size_t n);
/* Is one word the other with a slip of the finger: another case, one letter wrong, or two in a long
 * word? Words that differ in a digit, such as db1 and db2, are two words, and so are short ones. */
bool words_typo(const char *word, const char *other);
/* A hint for a word that is none of the n known ones (at least one): the one that was meant, or all
 * of them. Kept by the arena. */
const char *words_hint(struct arena *arena, const char *word, const char *const *known, size_t n);

#endif
