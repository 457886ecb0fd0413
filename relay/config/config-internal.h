/*
 * What the files of the configuration share: the state of one load, and the readers of values, each
 * of which adds a finding (file, line, column) where the value is wrong. Texts that are returned
 * are the document's. Any thread, with a load of its own.
 */
#ifndef TRACEPAGER_CONFIG_INTERNAL_H
#define TRACEPAGER_CONFIG_INTERNAL_H

#include "tracepager/config.h"
#include "tracepager/ydoc.h"

struct config_loading {
	struct config *config;
	struct ydoc doc;
	struct findings *findings;
	bool load_secrets;
	bool preflight; /* look also at what a start would fail on */
	bool misplaced; /* something stands at a wrong depth: what is missing may be there */
};

#define FAULT(loading, node, code, hint, ...)                                                      \
	ydoc_finding(&(loading)->doc, node, FINDING_ERROR, code, (loading)->findings, hint,        \
		     __VA_ARGS__)

#define CONFIG_WARN(loading, node, code, hint, ...)                                                \
	ydoc_finding(&(loading)->doc, node, FINDING_WARNING, code, (loading)->findings, hint,      \
		     __VA_ARGS__)

/* ---- config_values.c ---- */

/* Adds the finding that the map's i-th key is none of the known ones; where is "" or such as " of a
 * source". A value that may be a secret under a misspelt name is shown as stars. */
void config_unknown(struct config_loading *loading, const struct ynode *map, size_t i,
		    const char *where, const char *const *known, size_t n);
/* The index of the word in words, or n with a finding. */
size_t config_want_word(struct config_loading *loading, const struct ynode *node, const char *word,
			const char *code, const char *what, const char *const *words, size_t n);
/* A text that is not empty; else NULL, with a finding. */
const char *config_want_text(struct config_loading *loading, const struct ynode *node,
			     const char *key);
bool config_want_map(struct config_loading *loading, const struct ynode *node, const char *key,
		     const char *example);
bool config_read_duration(struct config_loading *loading, const struct ynode *node, const char *key,
			  int64_t *us);
const char *config_read_url(struct config_loading *loading, const struct ynode *node,
			    const char *key);
/* A URL with {trace_id} in it. */
const char *config_read_link(struct config_loading *loading, const struct ynode *node,
			     const char *key);
/* 1 to 64 letters, digits, _ . and -. */
bool config_is_name(const char *text);
/* Finds keys that are no names: those appear in paths and logs. */
void config_check_names(struct config_loading *loading, const struct ynode *map);

/* Is key NAME, or its twin NAME_file? */
bool config_is_secret(const char *key, const char *name);
/* Is the secret NAME given, as a value or as a file? A file that cannot be read counts as given. */
bool config_has_secret(const struct ynode *map, const char *name);
/* Reads the i-th entry of a map, which is the secret NAME or its file. A token must also be fit for
 * a header. */
void config_read_secret(struct config_loading *loading, const struct ynode *map, size_t i,
			const char *name, struct secret *secret);
void config_read_token(struct config_loading *loading, const struct ynode *map, size_t i,
		       const char *name, struct secret *secret);

/* The same, or a list of the new one and the old one. */
void config_read_secrets(struct config_loading *loading, const struct ynode *map, size_t i,
			 const char *name, bool is_token,
			 struct secret secrets[LIMIT_LIVE_SECRETS]);

/* By their files' paths, or by their values where neither comes from a file. */
bool config_secrets_differ(const struct secret *ours, const struct secret *now);
/* Is it fit for a header: visible ASCII characters without blanks? */
bool config_is_header_token(const char *text);

/* ---- config.c ---- */

/* config_load(), but no secret's file is read: secrets have their paths only. */
int config_load_options(const char *path, struct config **ret_config, struct findings *findings);
/* The options of the table, without senders and sources; NULL behind the last. */
const char *config_option_key(size_t i);
/* The n-th secret of the table, and its option's name; NULL behind the last. Borrowed. */
struct secret *config_option_secret(struct config *config, size_t n, const char **ret_key);
bool config_option_differs(size_t i, const struct config *config, const struct config *other);

/* ---- config_access.c ---- */

void config_read_tokens(struct config_loading *loading, const struct ynode *list);
bool config_has_acting_token(const struct config *config);
/* Reads the ranges of trusted_proxy.addresses. */
void config_check_trusted_proxy(struct config_loading *loading, const struct ynode *root);
void config_check_external_url(struct config_loading *loading, const struct ynode *root);
/* Reads link_key_file, if secrets are read. */
void config_load_link_keys(struct config_loading *loading, const struct ynode *root);
/* At most LINK_KEYS lines that are not empty. 0 or -errno with err, and no key is set. */
int config_read_link_keys(const char *path, struct secret keys[LINK_KEYS], struct err *err);
void config_free_access(struct config *config);

/* ---- config_beside.c ---- */

/* Senders or sources. */
struct config_entries {
	const char *one, *needed; /* "sender", and the member that each must have */
	bool (*is_member)(const char *key);
};
/* Is the i-th entry of the map none, since it or its members are indented wrongly? Adds the
 * finding, one for each group of lines. */
bool config_is_misplaced(struct config_loading *loading, const struct config_entries *entries,
			 const struct ynode *map, size_t i);

/* ---- config_modes.c ---- */

/* Warns of a file that other users of this machine may read or write. */
void config_check_mode(struct config_loading *loading, const struct ynode *node, const char *path);
/* The same, of a secret's file; warns, too, where root looks and the relay's user cannot read it.
 */
void config_check_secret_file(struct config_loading *loading, const struct ynode *node,
			      const char *path);
/* A secret's file could not be read, as err says: the finding, with the cure for its cause. */
void config_tell_unread(struct config_loading *loading, const struct ynode *node, const char *path,
			const struct err *err);
/* Warns where all users of this machine may write the options or the rules. */
void config_check_writers(struct config_loading *loading, const struct ynode *root);

/* ---- config_placeholders.c ---- */

/* Finds tokens and passwords of the API and of senders that are placeholders: errors beyond
 * loopback, warnings on it. Called when all of them are read. */
void config_check_placeholders(struct config_loading *loading, const struct ynode *root);

/* ---- config_mistakes.c ---- */

/* Warns of options that load, and probably do something else than their author thinks. */
void config_preflight_mistakes(struct config_loading *loading, const struct ynode *root);

/* ---- config_preflight.c ---- */

void config_check_store_mode(struct config_loading *loading, const struct ynode *root);
/* What a start would fail on: the store's place, the address; what is missing. */
void config_preflight(struct config_loading *loading, const struct ynode *root);

/* ---- config_tls.c ---- */

/* Checks the options of tls, and reads their files, if secrets are read. */
void config_load_tls(struct config_loading *loading, const struct ynode *root);
/* A certificate that is over, or soon will be; senders that must show one where none is asked for.
 */
void config_preflight_tls(struct config_loading *loading, const struct ynode *root);
/* For a reload: reads the files again; NULL without TLS, or with the fault. Any thread. */
void config_read_tls(const struct tls_options *options, struct tls **ret_tls,
		     struct tls_fault *ret_fault);
/* Moves what was read into config, unless it is worse than what is in force; else false. Logs, and
 * adds a line to out where something changed or failed. */
bool config_take_tls(struct config *config, struct tls **tls, struct tls_fault *fault,
		     struct buf *out);

/* ---- config_tracing.c ---- */

/* Checks the options of tracing; map NULL: there are none. */
void config_check_tracing(struct config_loading *loading, const struct ynode *map);

/* ---- config_senders.c ---- */

void config_read_senders(struct config_loading *loading, const struct ynode *map);
void config_free_senders(struct config *config);
/* The n-th secret that a sender can have, and the option of its file, behind which ".2" may stand;
 * NULL behind the last. Borrowed. */
struct secret *config_sender_secret(struct sender_config *sender, size_t n, const char **ret_name);
/* Their options, and where their secrets are; not the values of secrets that are in files. */
bool config_senders_differ(struct sender_config *sender, struct sender_config *other);

/* ---- config_mapping.c ---- */

/* A mapping of format generic, or the name of one that ships; NULL with a finding. */
const struct alert_mapping *config_read_mapping(struct config_loading *loading,
						const struct ynode *node);

/* ---- config_sources.c ---- */

/* The n-th secret that the source can have, and its option's name; NULL behind the last. Borrowed.
 */
const struct secret *config_source_secret(const struct source_config *source, size_t n,
					  const char **ret_name);
bool config_sources_differ(const struct source_config *source, const struct source_config *other);

void config_read_sources(struct config_loading *loading, const struct ynode *map);
void config_free_sources(struct config *config);

#endif
