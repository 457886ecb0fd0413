/*
 * What the files of the configuration share: the state of one load, and the readers of values,
 * which tell what is wrong with them.
 */
#ifndef TRACEPAGER_CONFIG_INTERNAL_H
#define TRACEPAGER_CONFIG_INTERNAL_H

#include "tracepager/config.h"
#include "tracepager/ydoc.h"

struct loading {
	struct config *config;
	struct ydoc doc;
	struct findings *findings;
	bool load_secrets;
};

#define FAULT(loading, node, code, hint, ...)                                                      \
	ydoc_finding(&(loading)->doc, node, FINDING_ERROR, code, (loading)->findings, hint,        \
		     __VA_ARGS__)

/* Texts that are returned are the document's. */

/* The key is none of those that are known there: where is " of a source", or "". */
void config_unknown(struct loading *loading, const struct ynode *key, const char *where,
		    const char *const *known, size_t n);
/* The index of a word, or n with a finding. */
size_t config_want_word(struct loading *loading, const struct ynode *node, const char *word,
			const char *code, const char *what, const char *const *words, size_t n);
/* A text that must be there; NULL with a finding where it is something else. */
const char *config_want_text(struct loading *loading, const struct ynode *node, const char *key);
bool config_want_map(struct loading *loading, const struct ynode *node, const char *key,
		     const char *example);
bool config_read_duration(struct loading *loading, const struct ynode *node, const char *key,
			  int64_t *us);
const char *config_read_url(struct loading *loading, const struct ynode *node, const char *key);
/* A URL with {trace_id} in it. */
const char *config_read_link(struct loading *loading, const struct ynode *node, const char *key);
/* Names appear in paths and logs. */
void config_check_names(struct loading *loading, const struct ynode *map);

/* Is key NAME, or its twin NAME_file? */
bool config_is_secret(const char *key, const char *name);
/* Given in some form; that it could not be read is another finding. */
bool config_has_secret(const struct ynode *map, const char *name);
/* The i-th entry of a map is the secret NAME, or its file. A token is one that travels in a header
 * as it is. */
void config_read_secret(struct loading *loading, const struct ynode *map, size_t i,
			const char *name, struct secret *secret);
void config_read_token(struct loading *loading, const struct ynode *map, size_t i, const char *name,
		       struct secret *secret);

/* config_sources.c */
void config_read_sources(struct loading *loading, const struct ynode *map);
void config_free_sources(struct config *config);
void config_write_source_sample(struct buf *out);

#endif
