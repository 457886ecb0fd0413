/*
 * Findings: the problems of files that an admin wrote (rules, the daemon's options, rule tests). A
 * reader adds them, tracepager check prints them as a compiler does, as JSON or as SARIF. Which
 * text is a problem, the reader decides.
 *
 * A struct findings owns its texts; findings_fini() frees them. Any thread, one at a time for each
 * struct findings.
 */
#ifndef TRACEPAGER_FINDINGS_H
#define TRACEPAGER_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/arena.h"
#include "tracepager/buf.h"

/* One problem of a rules file. All of a load are told, in order of file and line. */
enum finding_level {
	FINDING_ERROR,
	FINDING_WARNING,
};

struct finding {
	enum finding_level level;
	const char *code; /* "E012": stable */
	char *file;
	int line, column, width; /* column in characters, 1-based; width of the token for the caret
				    line; all 0: no place */
	char *text;		 /* one line */
	char *source;		 /* the line itself, secrets hidden; NULL where there is none */
	char *hint;		 /* the cure; NULL: none */
};

/* What a load has looked at, with errors or without. */
struct rules_seen {
	size_t files, teams, pagers, services, signals;
};

struct findings {
	struct finding *at;
	size_t n;		   /* at most LIMIT_FINDINGS */
	size_t nerrors, nwarnings; /* of all, told or not */
	struct rules_seen seen;
	int64_t now_us; /* wall, given by the caller; 0: what depends on the day is not told */
};
void findings_fini(struct findings *findings);
/* One that is about a whole file, or about no place in it. code is borrowed for good; hint may be
 * NULL. */
void findings_add(struct findings *findings, enum finding_level level, const char *code,
		  const char *file, const char *hint, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
/* Takes all of `from` behind those that are there; from is empty afterwards. Counts add up, but
 * `seen` stays. */
void findings_take(struct findings *findings, struct findings *from);
void findings_sort(struct findings *findings); /* by file, line, column; stable */
/* As a compiler prints them: file:line:col: error[E012]: text, the line, a caret, a note. colour:
 * ANSI. */
void findings_write(const struct findings *findings, bool colour, struct buf *out);
/* One finding as a JSON object. */
void finding_write_json(const struct finding *finding, struct buf *out);
/* The first ones, `most` at the most, as an array of these. */
void findings_write_array(const struct findings *findings, size_t most, struct buf *out);
/* All as a log of SARIF 2.1.0, which code hosts and editors show; version: of this program. */
void findings_write_sarif(const struct findings *findings, const char *version, struct buf *out);
/* What a code of the rules means, in one sentence; NULL: there is none. Upper and lower case are
 * the same. */
const char *finding_explain(const char *code);
/* The same with why it matters, an example and the cure, for a person; false: there is none. */
bool finding_explain_write(const char *code, struct buf *out);
/* An example of what gives the code, for tests; NULL: it is shown by no file of rules. */
const char *finding_example(const char *code);
const char *finding_code(size_t index); /* all of them, in order; NULL at the end */

/* ---- hints ---- */

/* The candidate that a person who wrote `word` probably meant: the nearest by edit distance. NULL:
 * none is near. Borrowed. */
const char *nearest_word(const char *word, const char *const *candidates, size_t n);
/* A hint for a word that is none of the n known ones (at least one): the one that was meant, or all
 * of them. Kept by the arena. */
const char *words_hint(struct arena *arena, const char *word, const char *const *known, size_t n);

#endif
