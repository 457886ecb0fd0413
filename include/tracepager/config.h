/*
 * Config: tracepager.yaml, the daemon's own options. Loaded once and checked as a whole; a reload
 * takes changed secrets and the level of the log, reads the certificate again, and tells which
 * other options a restart would take. A configuration owns its texts and secrets. Loading reads
 * files with blocking calls: before the loop runs, or on any thread for a configuration of its own.
 */
#ifndef TRACEPAGER_CONFIG_H
#define TRACEPAGER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/alert_mapping.h"
#include "tracepager/buf.h"
#include "tracepager/findings.h"
#include "tracepager/rules.h"
#include "tracepager/secret.h"
#include "tracepager/sender_auth.h"
#include "tracepager/tls.h"
#include "tracepager/trace_source.h"

struct sender_config {
	const char *name;
	enum alert_format_id format;
	/* Without anything in it whoever reaches the address may send, which is allowed on loopback
	 * only. */
	struct sender_auth auth;
	bool group_theirs;		     /* group: theirs */
	const struct alert_mapping *mapping; /* of format generic; NULL: none */
	/* A page where the sender has said nothing for so long; 0: none. */
	int64_t heartbeat_us;
	/* Labels of the alert that only says that the sender lives; it pages nobody. n 0: none. */
	struct labels watchdog;
	const char *const *topics; /* whose subscription may be confirmed (Amazon SNS) */
	size_t ntopics;
	const char *options; /* all of them but secrets, written out: to see whether one changed */
};

/* Who may use the API, beside the bearer of admin_token, who may do all. */
struct token_config {
	const char *name;
	struct secret secret;
	bool may_act; /* may: act */
};

/* Keys of links in force: the first signs, both verify. */
#define LINK_KEYS 2

struct config {
	struct arena *arena; /* of all texts */
	const char *path;    /* the file; NULL: none */
	/* Of config_check(): the file's text, in which other checks place findings; NULL: none. */
	const struct ydoc *doc;
	const char *listen, *store_path, *rules, *trace_link, *log_level, *log_format;
	const char *hosts;	  /* names of this server, with blanks between them; "": none */
	const char *rules_shadow; /* "": rules.shadow.d beside the rules, where that exists */
	bool rules_watch, rules_test;
	/* Where people reach this relay, without a slash at its end; "": not known. */
	const char *external_url;
	const char *link_key_file; /* "": the store keeps a key of its own */
	struct secret link_keys[LINK_KEYS];
	struct tls_options tls_options; /* cert_file "": no TLS */
	struct tls *tls;		/* of these files; NULL: no TLS, or they were not read */
	struct secret admin_token;
	struct secret heartbeat_url; /* unset: there are no heartbeats */
	int64_t heartbeat_every_us, heartbeat_limit_us;
	const char *heartbeat_through; /* a signal; "": none */
	/* Of the relay's own traces; endpoint "": there are none. */
	const char *tracing_endpoint, *tracing_ca_file, *tracing_cert_file, *tracing_key_file,
		*tracing_sample_text, *tracing_service, *tracing_resource;
	struct secret tracing_bearer, tracing_headers;
	double tracing_sample; /* 0 to 1 */
	struct token_config *tokens;
	size_t ntokens;
	struct trusted_proxy proxy; /* naddresses 0: none */
	int64_t enrich_us, enrich_late_us, window_before_us, healthy_every_us, expire_after_us,
		ack_timeout_us, repage_after_us;
	struct sender_config *senders;
	size_t nsenders;
	struct source_config *sources;
	size_t nsources;
	/* Of config_check(): the option is its default only because what the file says could not be
	 * read. */
	bool rules_unread, store_unread;
	bool sure_of_senders; /* every entry of senders was read as one, so that none is missing */
};

/*
 * With a NULL path all options have their defaults. Returns 0 and the configuration, which the
 * caller frees; -EINVAL with findings; or -errno with a finding for a file that cannot be read.
 * Findings come in order of line.
 */
int config_load(const char *path, struct config **ret_config, struct findings *findings);
/*
 * config_load(), and adds what a start would fail on: a store that cannot be opened, an address
 * that cannot be listened on; and warnings of what is probably missing. Opens no store and listens
 * for a moment only. The caller frees *ret_config, which is there after an error too, for its
 * paths.
 */
int config_check(const char *path, struct config **ret_config, struct findings *findings);
/*
 * Reads a text that has a name and no file; for tests and the fuzzer. Without load_secrets no file
 * is opened and secrets in files stay unset, so that the configuration must not be run.
 */
int config_parse(const char *name, const char *text, size_t len, bool load_secrets,
		 struct config **ret_config, struct findings *findings);
void config_free(struct config *config); /* takes NULL */

/* ---- refresh, at a reload ---- */

struct config_refresh;

/* What is to be read again for a configuration in use. Its thread. */
struct config_refresh *config_refresh_new(struct config *config);
/* Reads the options' file and the secrets' files, with blocking calls. Any thread. */
void config_refresh_read(struct config_refresh *refresh);
/* Moves the secrets and the certificate that were read into config, which refresh was made for,
 * logs, and adds to out a line for each new one, each file that could not be read (its old secret
 * stays in force), and each other option that changed. Whether every file could be read. The thread
 * of config. */
bool config_refresh_take(struct config_refresh *refresh, struct config *config, struct buf *out);
void config_refresh_free(struct config_refresh *refresh); /* takes NULL */

/* Logs when the certificate ends; at level error where it has ended. */
void config_tell_tls(const struct config *config);

/* Does the address reach only this machine? 127.0.0.0/8, [::1] and localhost. */
bool config_is_loopback(const char *listen);
/* A commented tracepager.yaml with every option and its default. */
void config_write_sample(struct buf *out);

#endif
