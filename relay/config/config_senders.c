/*
 * Config, senders: the monitoring systems that may send, each with its format and how it shows who
 * it is. Owns the secrets until config_free_senders().
 */
#include "config-internal.h"

#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/sign.h"
#include "tracepager/xalloc.h"

static const char *const format_names[] = {
#define FORMAT(id, name, family, text) [FORMAT_##id] = name,
#include "tracepager/tbl/formats.def"
#undef FORMAT
};

/* bearer_file too: a secret's twin is meant where a misspelt name is close to it. */
static const char *const sender_options[] = {
#define SENDER_OPTION(key, kind, reload, example, text) key,
#include "tracepager/tbl/sender_options.def"
#undef SENDER_OPTION
	"bearer_file",
};

/* ---- lists ---- */

/* A list of texts, or one text. *ret_n is 0 with a finding. The list is the arena's. */
static const char **read_texts(struct config_loading *loading, const struct ynode *node,
			       const char *key, size_t *ret_n)
{
	bool is_list = node->kind == YNODE_LIST;
	size_t n = is_list ? node->n : 1;
	const char **texts = arena_array(loading->config->arena, n, sizeof(*texts));

	*ret_n = 0;
	if (!n)
		FAULT(loading, node, "C034", "leave it out, or give one", "%s is empty", key);
	for (size_t i = 0; i < n; i++) {
		const char *text = config_want_text(loading, is_list ? node->items[i] : node, key);
		if (text)
			texts[(*ret_n)++] = text;
	}
	return texts;
}

static void read_addresses(struct config_loading *loading, const struct ynode *node,
			   struct sender_auth *auth)
{
	const char **texts = read_texts(loading, node, "addresses", &auth->naddresses);
	struct address_range *ranges =
		arena_array(loading->config->arena, auth->naddresses, sizeof(*ranges));

	for (size_t i = 0; i < auth->naddresses; i++)
		if (!address_range_parse(texts[i], &ranges[i]))
			FAULT(loading, node->kind == YNODE_LIST ? node->items[i] : node, "C035",
			      "write 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32",
			      "\"%s\" is no address and no range of addresses", texts[i]);
	auth->addresses = ranges;
}

/* ---- how a sender shows who it is ---- */

static void read_basic(struct config_loading *loading, const struct ynode *map,
		       struct sender_auth *auth)
{
	static const char *const known[] = { "username", "password", "password_file" };

	if (!config_want_map(loading, map, "basic",
			     "write {username: am, password_file: /path/of/a/password}"))
		return;
	for (size_t i = 0; i < map->n; i++) {
		const char *key = map->keys[i]->text;
		if (strcmp(key, "username") == 0)
			auth->basic_user = config_want_text(loading, map->items[i], key);
		else if (config_is_secret(key, "password"))
			config_read_secrets(loading, map, i, "password", false, auth->basic);
		else
			config_unknown(loading, map, i, " of basic", known, ARRAY_LEN(known));
	}
	if (!ynode_get(map, "username") || !config_has_secret(map, "password"))
		FAULT(loading, map, "C036", "add: username: am, password_file: /path/of/a/password",
		      "basic needs a username and a password");
	else if (auth->basic_user && strchr(auth->basic_user, ':'))
		FAULT(loading, ynode_get(map, "username"), "C036", "choose a name without it",
		      "a username cannot have a colon");
}

static const char *read_header_name(struct config_loading *loading, const struct ynode *node,
				    const char *key)
{
	const char *name = config_want_text(loading, node, key);

	if (name && (!config_is_header_token(name) || strpbrk(name, ":()<>@,;\\\"/[]?={}")))
		FAULT(loading, node, "C036", "write X-Grafana-Alerting-Signature",
		      "%s is no name of a header", key);
	return name;
}

/* Standard Webhooks: base64 behind whsec_, of a public key behind whpk_. */
static bool is_standard_secret(const char *secret)
{
	unsigned char key[LIMIT_SECRET_BYTES];
	size_t skip = strncmp(secret, "whsec_", 6) == 0	 ? 6
		      : strncmp(secret, "whpk_", 5) == 0 ? 5
							 : 0;
	int len = skip ? base64_decode(secret + skip, strlen(secret + skip), key, sizeof(key)) : 1;

	explicit_bzero(key, sizeof(key));
	return skip == 5 ? len == ED25519_KEY_BYTES : len > 0;
}

static void check_sign(struct config_loading *loading, const struct ynode *map,
		       const struct sender_auth *auth)
{
	for (size_t i = 0; i < LIMIT_LIVE_SECRETS; i++)
		if (auth->scheme == SIGN_STANDARD_WEBHOOKS && auth->signing[i].value &&
		    !is_standard_secret(auth->signing[i].value))
			FAULT(loading, map, "C036", "copy it once more from the sender",
			      "the secret is not base64 behind whsec_, or no key of 32 bytes "
			      "behind "
			      "whpk_");
	if (!ynode_get(map, "scheme"))
		FAULT(loading, map, "C036", "add: scheme: standard-webhooks",
		      "sign needs a scheme: how the sender signs");
	if (!config_has_secret(map, "secret"))
		FAULT(loading, map, "C036", "add: secret_file: /path/of/a/secret",
		      "sign needs the secret that the sender signs with");
	if ((auth->sign_header || auth->sign_time_header) && auth->scheme != SIGN_GRAFANA)
		FAULT(loading, map, "C036", "leave header and time_header out",
		      "only with the scheme grafana the headers have other names");
}

static void read_sign(struct config_loading *loading, const struct ynode *map,
		      struct sender_auth *auth)
{
	static const char *const known[] = { "scheme", "secret", "secret_file", "header",
					     "time_header" };

	if (!config_want_map(loading, map, "sign",
			     "write {scheme: standard-webhooks, secret_file: /path/of/a/secret}"))
		return;
	for (size_t i = 0; i < map->n; i++) {
		const char *key = map->keys[i]->text;
		const struct ynode *value = map->items[i];
		if (strcmp(key, "scheme") == 0) {
			const char *word = config_want_text(loading, value, key);
			if (word)
				auth->scheme = 1 + (enum sign_scheme)config_want_word(
							   loading, value, word, "C006", "scheme",
							   sign_scheme_words + 1, SIGN_COUNT - 1);
		} else if (config_is_secret(key, "secret")) {
			config_read_secrets(loading, map, i, "secret", false, auth->signing);
		} else if (strcmp(key, "header") == 0) {
			auth->sign_header = read_header_name(loading, value, key);
		} else if (strcmp(key, "time_header") == 0) {
			auth->sign_time_header = read_header_name(loading, value, key);
		} else {
			config_unknown(loading, map, i, " of sign", known, ARRAY_LEN(known));
		}
	}
	check_sign(loading, map, auth);
}

/* ---- a sender ---- */

static void read_watchdog(struct config_loading *loading, const struct ynode *map,
			  struct labels *ret_labels)
{
	if (!config_want_map(loading, map, "watchdog", "write {alertname: Watchdog}"))
		return;
	ret_labels->at = arena_array(loading->config->arena, map->n, sizeof(*ret_labels->at));
	for (size_t i = 0; i < map->n; i++) {
		const char *value = config_want_text(loading, map->items[i], map->keys[i]->text);
		if (value)
			ret_labels->at[ret_labels->n++] =
				(struct label){ .name = map->keys[i]->text, .value = value };
	}
	labels_normalise(ret_labels);
	if (!map->n)
		FAULT(loading, map, "C034", "write {alertname: Watchdog}",
		      "watchdog is empty: it would take every alert");
}

static void read_words(struct config_loading *loading, const struct ynode *node, const char *key,
		       struct sender_config *sender)
{
	static const char *const groups[] = { "ours", "theirs" };
	const char *text = config_want_text(loading, node, key);

	if (!text)
		return;
	if (strcmp(key, "format") == 0)
		sender->format = (enum alert_format_id)config_want_word(loading, node, text, "C006",
									"format", format_names,
									ARRAY_LEN(format_names));
	else
		sender->group_theirs = config_want_word(loading, node, text, "C006", "group",
							groups, ARRAY_LEN(groups)) == 1;
}

static void read_sender_option(struct config_loading *loading, const struct ynode *map, size_t i,
			       struct sender_config *sender)
{
	const char *key = map->keys[i]->text;
	const struct ynode *value = map->items[i];

	if (strcmp(key, "format") == 0 || strcmp(key, "group") == 0)
		read_words(loading, value, key, sender);
	else if (config_is_secret(key, "bearer"))
		config_read_secrets(loading, map, i, "bearer", true, sender->auth.bearer);
	else if (strcmp(key, "basic") == 0)
		read_basic(loading, value, &sender->auth);
	else if (strcmp(key, "sign") == 0)
		read_sign(loading, value, &sender->auth);
	else if (strcmp(key, "addresses") == 0)
		read_addresses(loading, value, &sender->auth);
	else if (strcmp(key, "client_names") == 0)
		sender->auth.client_names =
			read_texts(loading, value, key, &sender->auth.nclient_names);
	else if (strcmp(key, "mapping") == 0)
		sender->mapping = config_read_mapping(loading, value);
	else if (strcmp(key, "heartbeat") == 0)
		config_read_duration(loading, value, key, &sender->heartbeat_us);
	else if (strcmp(key, "watchdog") == 0)
		read_watchdog(loading, value, &sender->watchdog);
	else if (strcmp(key, "topics") == 0)
		sender->topics = read_texts(loading, value, key, &sender->ntopics);
	else
		config_unknown(loading, map, i, " of a sender", sender_options,
			       ARRAY_LEN(sender_options));
}

/* "arn:aws:sns:REGION:ACCOUNT:NAME", as Amazon writes it. */
static void check_topics(struct config_loading *loading, const struct ynode *node,
			 const struct sender_config *sender)
{
	if (sender->format != FORMAT_SNS && sender->format != FORMAT_AUTO)
		FAULT(loading, node, "C034", "write format: sns",
		      "topics belong to the format sns");
	for (size_t i = 0; i < sender->ntopics; i++) {
		const char *topic = sender->topics[i];
		if (strncmp(topic, "arn:aws", 7) != 0 || !strstr(topic, ":sns:") ||
		    strchr(topic, '*'))
			FAULT(loading, node->kind == YNODE_LIST ? node->items[i] : node, "C034",
			      "write \"arn:aws:sns:REGION:ACCOUNT:NAME\", each whole",
			      "\"%s\" is no topic of Amazon SNS", topic);
	}
}

static void check_sender(struct config_loading *loading, const struct ynode *name,
			 const struct ynode *map, const struct sender_config *sender)
{
	bool generic = sender->format == FORMAT_GENERIC && ynode_get(map, "format");
	const struct ynode *heartbeat = ynode_get(map, "heartbeat");

	if (!ynode_get(map, "format"))
		FAULT(loading, name, "C007", "add: format: alertmanager",
		      "a sender needs a format");
	if (!config_has_secret(map, "bearer") && !ynode_get(map, "basic") &&
	    !ynode_get(map, "sign") && !ynode_get(map, "client_names") &&
	    !(sender->format == FORMAT_SNS && sender->ntopics) &&
	    !config_is_loopback(loading->config->listen))
		FAULT(loading, name, "C008",
		      sender->format == FORMAT_SNS
			      ? "add: topics: [\"arn:aws:sns:REGION:ACCOUNT:NAME\"]"
			      : "add: bearer_file: /path/of/a/token",
		      "a sender without a token is allowed only while listening on loopback");
	if (generic && !ynode_get(map, "mapping"))
		FAULT(loading, name, "C037", "add: mapping: {id: /id, name: /title}",
		      "the format generic needs a mapping: where the fields of its alerts are");
	if (!generic && ynode_get(map, "mapping"))
		FAULT(loading, ynode_get(map, "mapping"), "C037", "write format: generic",
		      "a mapping belongs to the format generic");
	if (sender->ntopics)
		check_topics(loading, ynode_get(map, "topics"), sender);
	if (heartbeat && sender->heartbeat_us && sender->heartbeat_us < LIMIT_HEARTBEAT_LEAST_US)
		FAULT(loading, heartbeat, "C005", "write 15m",
		      "heartbeat must be 1m or longer: senders repeat themselves every minute at "
		      "best");
}

static bool is_secret_key(const char *key)
{
	return config_is_secret(key, "bearer") || config_is_secret(key, "password") ||
	       config_is_secret(key, "secret");
}

/* All options but secrets, so that a later load can be compared. */
static void write_options(const struct ynode *node, struct buf *out)
{
	if (node->kind == YNODE_SCALAR)
		buf_printf(out, "'%s'", node->text);
	for (size_t i = 0; node->kind != YNODE_SCALAR && i < node->n; i++) {
		if (node->kind == YNODE_MAP && is_secret_key(node->keys[i]->text))
			continue;
		if (node->kind == YNODE_MAP)
			buf_printf(out, "%s:", node->keys[i]->text);
		buf_putc(out, '(');
		write_options(node->items[i], out);
		buf_putc(out, ')');
	}
}

static void read_sender(struct config_loading *loading, const struct ynode *name,
			const struct ynode *map, struct sender_config *sender)
{
	struct buf options = BUF_INIT(LIMIT_CONFIG_BYTES);

	sender->name = name->text;
	sender->options = "";
	if (!config_want_map(loading, map, "a sender", "write {format: alertmanager}"))
		return;
	for (size_t i = 0; i < map->n; i++)
		read_sender_option(loading, map, i, sender);
	check_sender(loading, name, map, sender);
	write_options(map, &options);
	sender->options = arena_strdup(loading->config->arena, buf_text(&options));
	buf_fini(&options);
}

static bool reads_keys(const struct sender_config *sender)
{
	return sender->format == FORMAT_PAGERDUTY_V2 || sender->format == FORMAT_PAGERDUTY_V1 ||
	       sender->format == FORMAT_OPSGENIE || sender->format == FORMAT_PROMETHEUS;
}

/* Endpoints that several senders share tell them apart by their tokens. */
static void check_tokens(struct config_loading *loading, const struct ynode *map)
{
	const struct config *config = loading->config;

	for (size_t i = 0; i < config->nsenders; i++)
		for (size_t k = 0; k < i; k++) {
			const struct sender_config *one = &config->senders[k],
						   *other = &config->senders[i];
			const char *token = other->auth.bearer[0].value;
			if (reads_keys(one) && one->format == other->format && token &&
			    secret_equals(&one->auth.bearer[0], token, strlen(token)))
				FAULT(loading, map->keys[i], "C043", "give each a token of its own",
				      "senders %s and %s have one token: their alerts could not be "
				      "told apart",
				      one->name, other->name);
		}
}

static bool is_sender_member(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(sender_options); i++)
		if (strcmp(key, sender_options[i]) == 0)
			return true;
	return false;
}

void config_read_senders(struct config_loading *loading, const struct ynode *map)
{
	static const struct config_entries entries = { "sender", "format", is_sender_member };
	struct config *config = loading->config;

	config_check_names(loading, map);
	config->senders = arena_array(config->arena, map->n, sizeof(struct sender_config));
	for (size_t i = 0; i < map->n; i++)
		if (!config_is_misplaced(loading, &entries, map, i))
			read_sender(loading, map->keys[i], map->items[i],
				    &config->senders[config->nsenders++]);
	if (config->nsenders == map->n)
		check_tokens(loading, map);
}

void config_free_senders(struct config *config)
{
	for (size_t i = 0; i < config->nsenders; i++)
		sender_auth_fini(&config->senders[i].auth);
}

/* ---- a reload ---- */

struct secret *config_sender_secret(struct sender_config *sender, size_t n, const char **ret_name)
{
	const struct {
		struct secret *secret;
		const char *name;
	} secrets[] = {
		{ &sender->auth.bearer[0], "bearer_file" },
		{ &sender->auth.bearer[1], "bearer_file.2" },
		{ &sender->auth.basic[0], "basic.password_file" },
		{ &sender->auth.basic[1], "basic.password_file.2" },
		{ &sender->auth.signing[0], "sign.secret_file" },
		{ &sender->auth.signing[1], "sign.secret_file.2" },
	};

	_Static_assert(LIMIT_LIVE_SECRETS == 2, "one row for each");
	if (n >= ARRAY_LEN(secrets))
		return NULL;
	*ret_name = secrets[n].name;
	return secrets[n].secret;
}

bool config_senders_differ(struct sender_config *sender, struct sender_config *other)
{
	struct secret *secret;
	const char *name;

	if (strcmp(sender->options, other->options) != 0)
		return true;
	for (size_t n = 0; (secret = config_sender_secret(sender, n, &name)); n++)
		if (config_secrets_differ(secret, config_sender_secret(other, n, &name)))
			return true;
	return false;
}
