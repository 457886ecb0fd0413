/*
 * Config: tracepager.yaml, the daemon's own options. Loaded once, checked as a whole, never
 * changed.
 */
#ifndef TRACEPAGER_CONFIG_H
#define TRACEPAGER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/alert_format.h"
#include "tracepager/buf.h"
#include "tracepager/findings.h"
#include "tracepager/rules.h"
#include "tracepager/secret.h"
#include "tracepager/trace_source.h"

struct sender_config {
	const char *name;
	enum alert_format_id format;
	struct secret
		bearer; /* unset: anybody who reaches the address (allowed on loopback only) */
};

struct config {
	struct arena *arena; /* of all texts */
	const char *listen, *store_path, *rules, *trace_link, *log_level;
	const char *rules_shadow; /* "" the default */
	bool rules_watch, rules_test;
	struct secret admin_token;
	int64_t enrich_us, enrich_late_us, window_before_us, healthy_every_us, expire_after_us;
	struct sender_config *senders;
	size_t nsenders;
	struct source_config *sources;
	size_t nsources;
};

/*
 * path NULL: all defaults. Returns 0 and the configuration, -EINVAL with findings, or -errno with a
 * finding for what could not be read. Findings come in order of line.
 */
int config_load(const char *path, struct config **ret_config, struct findings *findings);
/*
 * The same from a text that has a name only; for tests and the fuzzer. Without load_secrets no file
 * is opened, and the secrets that lie in files stay unset: not to be run.
 */
int config_parse(const char *name, const char *text, size_t len, bool load_secrets,
		 struct config **ret_config, struct findings *findings);
void config_free(struct config *config); /* takes NULL */

/* Does the address reach only this machine? 127.0.0.0/8, [::1] and localhost. */
bool config_is_loopback(const char *listen);
/* A commented tracepager.yaml with every option and its default. */
void config_write_sample(struct buf *out);

#endif
