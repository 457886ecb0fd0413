/*
 * Config, TLS: the certificate of the listener. A start takes one that is over all the same, since
 * open incidents must be escalated although no sender that looks at the certificate reaches the
 * relay; "run --check" refuses it, and a reload keeps the old one.
 */
#include "config-internal.h"

#include <string.h>

#include "tracepager/clock.h"
#include "tracepager/credential.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/tls.h"
#include "tracepager/xalloc.h"

/* ---- loading ---- */

/* The option within the map tls; else the map; else NULL. */
static const struct ynode *tls_node(const struct ynode *root, const char *key)
{
	const struct ynode *map = ynode_get(root, "tls"), *node = ynode_get(map, key);

	return node ? node : map;
}

static const struct ynode *tls_part_node(const struct ynode *root, enum tls_part part)
{
	return tls_node(root, strchr(tls_part_names[part], '.') + 1);
}

static void tell_tls_fault(struct config_loading *loading, const struct ynode *root,
			   const char *code, const struct tls_fault *fault)
{
	FAULT(loading, tls_part_node(root, fault->part), code, fault->cure, "%s: %s",
	      tls_part_names[fault->part], fault->err.text);
}

static bool tls_is_complete(struct config_loading *loading, const struct ynode *root)
{
	static const char *const versions[] = { "1.2", "1.3" };
	const struct tls_options *options = &loading->config->tls_options;
	const struct ynode *map = ynode_get(root, "tls");

	config_want_word(loading, tls_node(root, "min_version"), options->min_version, "C039",
			 "version of TLS", versions, ARRAY_LEN(versions));
	if (*options->cert_file)
		return true;
	if (map && map->kind == YNODE_MAP && map->n &&
	    (!ynode_get(map, "cert_file") || *options->key_file || *options->client_ca_file))
		FAULT(loading, map, "C039", "add: cert_file: /path/of/cert.pem",
		      "tls needs a certificate: cert_file is missing");
	return false;
}

static bool tls_is_elsewhere(const struct tls_options *options)
{
	return credential_is_elsewhere(options->cert_file) ||
	       credential_is_elsewhere(options->key_file) ||
	       credential_is_elsewhere(options->client_ca_file);
}

void config_load_tls(struct config_loading *loading, const struct ynode *root)
{
	struct config *config = loading->config;
	const struct tls_options *options = &config->tls_options;
	struct tls_fault fault;

	if (!tls_is_complete(loading, root) || !loading->load_secrets || tls_is_elsewhere(options))
		return;
	config->tls = tls_load(options, &fault);
	if (!config->tls) {
		tell_tls_fault(loading, root, "C039", &fault);
		return;
	}
	config_check_secret_file(loading,
				 tls_node(root, *options->key_file ? "key_file" : "cert_file"),
				 *options->key_file ? options->key_file : options->cert_file);
}

/* ---- what run --check says beside it ---- */

static void preflight_clients(struct config_loading *loading, const struct ynode *root)
{
	const struct config *config = loading->config;

	for (size_t i = 0; !*config->tls_options.client_ca_file && i < config->nsenders; i++)
		if (config->senders[i].auth.nclient_names)
			CONFIG_WARN(loading,
				    ynode_get(ynode_get(ynode_get(root, "senders"),
							config->senders[i].name),
					      "client_names"),
				    "C042", "add: tls: {…, client_ca_file: /path/of/ca.pem}",
				    "sender %s must show a client certificate, and none is asked "
				    "for: its alerts are refused",
				    config->senders[i].name);
}

void config_preflight_tls(struct config_loading *loading, const struct ynode *root)
{
	const struct tls *tls = loading->config->tls;
	const int64_t now_us = clock_wall_us(clock_system());
	struct tls_fault fault;
	char at[RFC3339_SIZE];

	preflight_clients(loading, root);
	if (!tls)
		return;
	if (!tls_check_time(tls, now_us, &fault))
		tell_tls_fault(loading, root, "C040", &fault);
	else if (tls_ends_us(tls) - now_us < LIMIT_CERTIFICATE_LEFT_US)
		CONFIG_WARN(loading, tls_node(root, "cert_file"), "C041",
			    "renew it, then reload the relay",
			    "tls.cert_file: the certificate ends in %lld day%s, at %s",
			    (long long)((tls_ends_us(tls) - now_us) / US_PER_DAY),
			    (tls_ends_us(tls) - now_us) / US_PER_DAY == 1 ? "" : "s",
			    rfc3339_format(tls_ends_us(tls), at));
}

/* ---- a start, and a reload ---- */

void config_tell_tls(const struct config *config)
{
	const int64_t now_us = clock_wall_us(clock_system());
	struct tls_fault fault;
	char at[RFC3339_SIZE];

	if (!config->tls)
		return;
	rfc3339_format(tls_ends_us(config->tls), at);
	if (!tls_check_time(config->tls, now_us, &fault))
		log_error("senders refuse the certificate of this relay",
			  LOG_STR("error", fault.err.text), LOG_STR("cure", fault.cure));
	else if (tls_ends_us(config->tls) - now_us < LIMIT_CERTIFICATE_LEFT_US)
		log_warn("the certificate of this relay ends soon: renew it, and reload",
			 LOG_STR("ends", at), LOG_STR("serial", tls_serial(config->tls)));
	else
		log_info("the certificate of this relay", LOG_STR("ends", at),
			 LOG_STR("serial", tls_serial(config->tls)));
}

void config_read_tls(const struct tls_options *options, struct tls **ret_tls,
		     struct tls_fault *ret_fault)
{
	*ret_tls = *options->cert_file ? tls_load(options, ret_fault) : NULL;
}

/* Is the new one as good as what is in force? It is where it is the same. */
static bool tls_may_take(const struct tls *ours, const struct tls *fresh, struct tls_fault *fault)
{
	return fresh && (tls_same(ours, fresh) ||
			 tls_check_time(fresh, clock_wall_us(clock_system()), fault));
}

bool config_take_tls(struct config *config, struct tls **tls, struct tls_fault *fault,
		     struct buf *out)
{
	char at[RFC3339_SIZE];

	if (!config->tls)
		return true;
	if (!tls_may_take(config->tls, *tls, fault)) {
		const char *option = tls_part_names[fault->part];
		log_error("the certificate cannot be taken; the old one stays in force",
			  LOG_STR("option", option), LOG_STR("error", fault->err.text),
			  LOG_STR("cure", fault->cure ? fault->cure : "-"));
		buf_printf(out, "%s: %s; the old certificate stays in force, until %s\n", option,
			   fault->err.text, rfc3339_format(tls_ends_us(config->tls), at));
		return false;
	}
	if (tls_same(config->tls, *tls))
		return true;
	tls_free(config->tls);
	config->tls = *tls;
	*tls = NULL;
	config_tell_tls(config);
	buf_printf(out, "tls.cert_file: the new certificate is in force, until %s\n",
		   rfc3339_format(tls_ends_us(config->tls), at));
	return true;
}
