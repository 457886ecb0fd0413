/*
 * What if: an alert and traces decided under rules that a person names, by decide() and nothing
 * else. The alert and the traces are those of a stored decision, or texts that were pasted, or one
 * of each. A stored decision with nothing pasted is decided as tracepager replay decides it.
 *
 * It reads no file, no secret and no store, and asks no source of traces. Pure; any thread. The
 * arena keeps what it returns.
 */
#ifndef TRACEPAGER_WHAT_IF_H
#define TRACEPAGER_WHAT_IF_H

#include "tracepager/findings.h"
#include "tracepager/past.h"

/* All borrowed. */
struct what_if {
	const struct past *past; /* a stored decision; NULL: none */
	/* A body of any format of alerts, NUL-terminated; "": the alert of the stored decision,
	 * else none. */
	const char *alert;
	/* Traces in any encoding, protobuf as base64; "": those of the stored decision, else none.
	 */
	const char *traces;
	int64_t now_us; /* wall: the time of the decision where none is stored */
};

struct what_if_decided {
	const char *decision; /* decision_write() */
	size_t decision_len;
	struct outcome outcome;
	/* What the vote rests on, of a stored decision. */
	bool by_paths, by_suspect; /* on the paths of large traces; on the suspect that it had */
	const char *notes[LIMIT_WHAT_IF_NOTES]; /* what of the texts was left out, and why */
	size_t nnotes;
};

/* Decides. 0, or -errno with err: the stored decision or the pasted alert cannot be read, or there
 * is neither an alert nor a trace (-ENOENT). */
int what_if_decide(struct arena *arena, const struct what_if *what_if, const struct ruleset *rules,
		   struct what_if_decided *ret_decided, struct err *err);

/* Reads pasted rules, without the files of secrets. A line "--- # NAME" begins a further file.
 * Returns what rules_load() returns. */
int what_if_rules(struct arena *arena, const char *text, struct ruleset **ret_rules,
		  struct findings *findings);

#endif
