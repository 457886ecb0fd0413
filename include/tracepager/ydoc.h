/*
 * Ydoc: a YAML file as a small tree of nodes that know their places, for the rules and the
 * configuration. Built from libyaml's events. Refused, with their places: aliases and anchors,
 * tags, duplicate keys, keys that are not scalars, several documents, nesting beyond LIMIT_DEPTH,
 * files beyond LIMIT_YAML_FILE_BYTES, what is not UTF-8. Only true and false are booleans. Findings
 * quote the lines; values whose key ends in key, secret, token, password, bearer, authorization,
 * basic or headers are stars there.
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
	int line, column, width; /* 1-based; in characters; of the token */
	const char *text;	 /* scalar */
	bool quoted;		 /* scalar: was in quotes, so that "true" is a text */
	bool bad; /* stands for what was refused and told already: findings about it are dropped */
	struct ynode **keys;  /* map: scalars */
	struct ynode **items; /* map: values; list: items */
	size_t n;
};

struct ydoc {
	const char *file; /* as told to the reader */
	const char *text; /* kept by the arena: findings quote it */
	size_t len;
	const uint32_t *lines; /* where each begins */
	size_t nlines;
	struct ynode *root; /* NULL: an empty file, or none that could be read to its end */
	bool cut; /* a whole member of the root was refused: what others miss may have been there */
};

/*
 * All problems go to findings. Returns 0, or -EINVAL, or (ydoc_read) what the system said. Memory
 * is the arena's. After -EINVAL the root may be there all the same, without what was refused, so
 * that a caller can look for more problems. A node that was empty in the file (`key:`, `~`, `null`)
 * is an unquoted scalar; ynode_is_empty() tells.
 */
int ydoc_parse(struct arena *arena, const char *file, const char *text, size_t len,
	       struct ydoc *ret_doc, struct findings *findings);
/* The bytes of a regular file, one more than LIMIT_YAML_FILE_BYTES at most. 0 or -errno (-EINVAL:
 * no regular file). The caller frees. */
int ydoc_slurp(const char *path, char **ret_text, size_t *ret_len);
int ydoc_read(struct arena *arena, const char *path, struct ydoc *ret_doc,
	      struct findings *findings);

/*
 * The same for files that others wrote: a stream of documents. The root is the list of those that
 * could be read, also after -EINVAL; it is never NULL. Anchors are no problem, aliases are.
 */
int ydoc_parse_stream(struct arena *arena, const char *file, const char *text, size_t len,
		      struct ydoc *ret_doc, struct findings *findings);
/* The same from JSON (RFC 8259): one value, or several behind each other. Nodes have lines and no
 * columns; texts count as quoted, numbers, true, false and null do not. */
int jdoc_parse(struct arena *arena, const char *file, const char *text, size_t len,
	       struct ydoc *ret_doc, struct findings *findings);

const struct ynode *ynode_get(const struct ynode *map,
			      const char *key); /* NULL: not there, or not a map */
/* Crosses out the values of secrets in a text of many lines, by the look of each: "xxx". */
void ydoc_hide_secrets(char *text);
/* A finding at a node; NULL: about the whole file. The hint may be NULL. */
void ydoc_finding(const struct ydoc *doc, const struct ynode *node, enum finding_level level,
		  const char *code, struct findings *findings, const char *hint, const char *format,
		  ...) __attribute__((format(printf, 7, 8)));

bool ynode_is_empty(const struct ynode *node);
const char *ynode_kind_name(const struct ynode *node); /* "a list", for findings */
/* Values: false where the text is none, and *ret_x stays. Durations: Alertmanager's and Go's: 10m,
 * 1h30m, 500ms, 0. */
bool ynode_bool(const struct ynode *node, bool *ret_value);
bool ynode_int(const struct ynode *node, int64_t *ret_value);
bool duration_parse(const char *text, int64_t *ret_us);

#endif
