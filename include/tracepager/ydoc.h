/*
 * Ydoc: a YAML file as a tree of nodes that know their places, for rules and for the daemon's
 * options. Refused, with a finding: aliases and anchors, tags, duplicate keys, keys that are no
 * scalars, several documents, nesting beyond LIMIT_DEPTH, files beyond LIMIT_YAML_FILE_BYTES,
 * bytes that are not UTF-8. Only true and false are booleans. Findings quote the line; values
 * whose key ends in key, secret, token, password, bearer, authorization, basic or headers, or in a
 * misspelt form of these, are shown as stars.
 *
 * Documents and nodes are kept by the arena of the caller. Any thread may call, one at a time for
 * each arena and each struct findings.
 */
#ifndef TRACEPAGER_YDOC_H
#define TRACEPAGER_YDOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/arena.h"
#include "tracepager/findings.h"

enum ynode_kind {
	YNODE_SCALAR,
	YNODE_LIST,
	YNODE_MAP,
};

struct ynode {
	enum ynode_kind kind;
	int line, column, width; /* from 1; in characters; of the token */
	const char *text;	 /* scalar */
	bool quoted;		 /* scalar: stood in quotes, so that "true" is a text */
	bool bad; /* was refused, with a finding: further findings about it are dropped */
	struct ynode **keys;  /* map: scalars */
	struct ynode **items; /* map: values; list: items */
	size_t n;
};

struct ydoc {
	const char *file; /* as the caller named it */
	const char *text; /* kept by the arena: findings quote it */
	size_t len;
	const uint32_t *lines; /* offset of the first byte of each line */
	size_t nlines;
	struct ynode *root; /* NULL: the file is empty, or ends early with an error */
	bool cut; /* a member of the root was dropped: a name that seems missing may stand there */
};

/*
 * Reads one document. Every problem becomes a finding. Returns 0, -EINVAL with findings, or
 * (ydoc_read) -errno. After -EINVAL the root may still be there without what was refused, so that
 * the caller can look for more problems. An empty value (`key:`, `~`, `null`) is an unquoted
 * scalar; ynode_is_empty() tells.
 */
int ydoc_parse(struct arena *arena, const char *file, const char *text, size_t len,
	       struct ydoc *ret_doc, struct findings *findings);
/* Reads a regular file, at most one byte more than LIMIT_YAML_FILE_BYTES. Returns 0, or -errno
 * (-EINVAL: no regular file). The caller frees. */
int ydoc_slurp(const char *path, char **ret_text, size_t *ret_len);
/* The hint for a file that could not be read, by its errno. */
const char *ydoc_unread_hint(int code);
int ydoc_read(struct arena *arena, const char *path, struct ydoc *ret_doc,
	      struct findings *findings);

/*
 * Reads a stream of documents that others wrote. The root is the list of those that could be
 * read, also after -EINVAL; it is never NULL. Aliases and merge keys (<<) are
 * resolved: nodes are shared, and their number and depth have the limits of a text without them.
 */
int ydoc_parse_stream(struct arena *arena, const char *file, const char *text, size_t len,
		      struct ydoc *ret_doc, struct findings *findings);
/* Reads JSON (RFC 8259): one value, or several behind each other. Nodes have lines and no
 * columns; texts count as quoted, and numbers, true, false and null do not. */
int jdoc_parse(struct arena *arena, const char *file, const char *text, size_t len,
	       struct ydoc *ret_doc, struct findings *findings);

const struct ynode *ynode_get(const struct ynode *map,
			      const char *key); /* NULL: no such key, or no map */
/* Overwrites the values of secrets in a file of YAML with a mark for each character. With the mark
 * "x" what was YAML has the same lines, keys, lists and maps afterwards; "*" is for people. Of a
 * text that is no YAML the secrets are found by the look of each line. */
void ydoc_hide_secrets(char *text, char mark);
/* Adds a finding at a node; NULL: about the whole file. The hint may be NULL. */
void ydoc_finding(const struct ydoc *doc, const struct ynode *node, enum finding_level level,
		  const char *code, struct findings *findings, const char *hint, const char *format,
		  ...) __attribute__((format(printf, 7, 8)));

/* The word of a comment that stands right behind the key, as in "channel: #ops"; NULL: there is
 * none, or it may be a secret. Kept by the arena. */
const char *ydoc_comment_behind(struct arena *arena, const struct ydoc *doc,
				const struct ynode *key);

/* Do comments stand below the key, and deeper: are its members commented out on purpose? */
bool ydoc_is_commented_out(const struct ydoc *doc, const struct ynode *key);

bool ynode_is_empty(const struct ynode *node);
const char *ynode_kind_name(const struct ynode *node); /* "a list", for findings */
/* Values of scalars. False: the text is no such value, and *ret_x keeps its value. Durations
 * are those of Alertmanager and Go: 10m, 1h30m, 500ms, 0. */
bool ynode_bool(const struct ynode *node, bool *ret_value);
bool ynode_int(const struct ynode *node, int64_t *ret_value);
bool duration_parse(const char *text, int64_t *ret_us);

#endif
