/*
 * Alertmanager's notifiers as pagers
 * (prometheus.io/docs/alerting/latest/configuration, "receiver integration settings"). Which kind a
 * notifier becomes, and which members it has, stands in two tables. A secret is never copied: the
 * pager names a file, and a loss tells which secret belongs there.
 */
#include "alertmanager-internal.h"

#include <ctype.h>
#include <stdlib.h>

#include "tracepager/rules.h"
#include "tracepager/ruleset.h"

#define AM_KEY_DIRECTORY "/etc/tracepager/keys"
/* Stands in an address where a secret stood. */
#define AM_REPLACE "REPLACE-ME"

static const struct am_sort {
	const char *section, *kind; /* kind NULL: none */
	bool resolves;		    /* unless send_resolved says otherwise */
} am_sorts[] = {
	{ "pagerduty_configs", "pagerduty", true },
	{ "opsgenie_configs", "opsgenie", true },
	{ "slack_configs", "slack", false },
	{ "webhook_configs", "webhook", true },
	{ "email_configs", "email", false },
	{ "pushover_configs", "pushover", true },
	{ "telegram_configs", "telegram", true },
	{ "victorops_configs", "splunk-oncall", true },
	{ "discord_configs", "discord", true },
	{ "msteams_configs", "teams", true },
	{ "msteamsv2_configs", "teams", true },
	{ "mattermost_configs", "mattermost", true },
	{ "incidentio_configs", "incidentio", true },
};

enum am_use {
	AM_TEXT,
	AM_URL,
	AM_SECRET,	/* NAME_file of the pager */
	AM_SECRET_TEXT, /* the kind has no file for it: a word to replace */
	AM_SECRET_URL,	/* without what looks like a secret in it */
	AM_SMARTHOST,	/* HOST:PORT */
	AM_HELLO,	/* the name by which the mail server is greeted */
	AM_REQUIRE_TLS, /* true or false */
};
static const struct am_field {
	const char *section, *name, *global, *member;
	enum am_use use;
} am_fields[] = {
	{ "pagerduty_configs", "routing_key", NULL, "routing_key", AM_SECRET },
	{ "pagerduty_configs", "service_key", NULL, "routing_key", AM_SECRET },
	{ "pagerduty_configs", "url", "pagerduty_url", "url", AM_URL },
	{ "opsgenie_configs", "api_key", "opsgenie_api_key", "api_key", AM_SECRET },
	{ "opsgenie_configs", "api_url", "opsgenie_api_url", "url", AM_URL },
	{ "slack_configs", "api_url", "slack_api_url", "webhook_url", AM_SECRET },
	{ "slack_configs", "channel", NULL, "channel", AM_TEXT },
	{ "webhook_configs", "url", NULL, "url", AM_SECRET_URL },
	{ "email_configs", "to", NULL, "to", AM_TEXT },
	{ "email_configs", "from", "smtp_from", "from", AM_TEXT },
	{ "email_configs", "smarthost", "smtp_smarthost", "url", AM_SMARTHOST },
	{ "email_configs", "hello", "smtp_hello", "url", AM_HELLO },
	{ "email_configs", "require_tls", "smtp_require_tls", "tls", AM_REQUIRE_TLS },
	{ "email_configs", "auth_username", "smtp_auth_username", "user", AM_TEXT },
	{ "email_configs", "auth_password", "smtp_auth_password", "password", AM_SECRET },
	{ "pushover_configs", "token", NULL, "token", AM_SECRET },
	{ "pushover_configs", "user_key", NULL, "user_key", AM_SECRET_TEXT },
	{ "telegram_configs", "bot_token", "telegram_bot_token", "bot_token", AM_SECRET },
	{ "telegram_configs", "chat_id", NULL, "chat_id", AM_TEXT },
	{ "telegram_configs", "api_url", "telegram_api_url", "url", AM_URL },
	{ "victorops_configs", "api_key", "victorops_api_key", "api_key", AM_SECRET },
	{ "victorops_configs", "routing_key", NULL, "routing_key", AM_TEXT },
	{ "victorops_configs", "api_url", "victorops_api_url", "url", AM_URL },
	{ "discord_configs", "webhook_url", NULL, "webhook_url", AM_SECRET },
	{ "msteams_configs", "webhook_url", NULL, "webhook_url", AM_SECRET },
	{ "msteamsv2_configs", "webhook_url", NULL, "webhook_url", AM_SECRET },
	{ "mattermost_configs", "webhook_url", "mattermost_webhook_url", "webhook_url", AM_SECRET },
	{ "incidentio_configs", "url", NULL, "url", AM_SECRET_URL },
	{ "incidentio_configs", "alert_source_token", NULL, "token", AM_SECRET },
};

/* One notifier while it is read. */
struct am_reading {
	const struct am_config *config;
	const struct am_sort *sort;
	const struct ynode *node;
	struct am_receiver *receiver;
	struct am_pager *pager;
	enum pager_kind_id kind;
	const char *what; /* for losses */
	bool unusable;
};

/* At a node; NULL: at the notifier. */
#define LOSE_PAGER(reading, reason, node, ...)                                                     \
	cat_lose((reading)->config->catalogue, reason, reading_place(reading, node),               \
		 (reading)->what, __VA_ARGS__)

static struct cat_place reading_place(const struct am_reading *reading, const struct ynode *node)
{
	return cat_place(reading->config->doc, node ? node : reading->node);
}

/* ---- members ---- */

static bool find_pager_kind(const char *name, enum pager_kind_id *ret_kind)
{
	for (int i = 0; i < PAGER_KIND_COUNT; i++)
		if (strcmp(pager_kind_name((enum pager_kind_id)i), name) == 0) {
			*ret_kind = (enum pager_kind_id)i;
			return true;
		}
	return false;
}

static bool kind_takes(enum pager_kind_id kind, const char *member)
{
	const struct pager_options *options = pager_kind_options(kind);
	enum pager_need need;

	if (options->key && strcmp(options->key, member) == 0)
		return true;
	if (strcmp(member, "url") == 0)
		return options->url_need != PAGER_NONE;
	for (int i = 0; i < PAGER_TEXT_COUNT; i++) {
		const char *name = pager_kind_text(kind, (enum pager_text)i, &need);
		if (name && strcmp(name, member) == 0)
			return true;
	}
	return pager_kind_has(kind, member);
}

static const char *pager_member(const struct am_pager *pager, const char *name)
{
	for (size_t i = 0; i < pager->n; i++)
		if (strcmp(pager->members[i].name, name) == 0)
			return pager->members[i].value;
	return NULL;
}

static void set_pager_member(struct am_pager *pager, const char *name, const char *value)
{
	if (pager->n < AM_MEMBERS && !pager_member(pager, name))
		pager->members[pager->n++] = (struct am_member){ name, value };
}

/* ---- secrets ---- */

/* A name for a file: that of the pager, or of the setting that several pagers share. */
static const char *secret_path(struct am_reading *reading, const char *name)
{
	struct catalogue *catalogue = reading->config->catalogue;
	const char *folder = catalogue->options.key_files;
	char *file = arena_strdup(catalogue->arena, name);

	for (char *c = file; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
			*c = '_';
	if (*file == '.')
		*file = '_';
	return cat_printf(catalogue, "%s/%s", folder ? folder : AM_KEY_DIRECTORY, file);
}

/* The pager reads its secret from a file, which a person must write. */
static void set_notifier_secret(struct am_reading *reading, const struct am_field *field,
				const struct ynode *node, bool is_global)
{
	struct catalogue *catalogue = reading->config->catalogue;
	struct map *files = reading->config->am->files;
	/* An incoming webhook of Slack posts to one channel: each pager has one of its own. */
	bool shared = is_global && !pager_member(reading->pager, "webhook_url_file") &&
		      reading->kind != PAGER_SLACK;
	const char *path = secret_path(reading, shared ? field->global : reading->pager->key);
	const char *name = is_global ? field->global : field->name;

	set_pager_member(reading->pager, cat_printf(catalogue, "%s_file", field->member), path);
	reading->pager->note =
		cat_printf(catalogue, "the %s of line %d belongs into %s", name, node->line, path);
	if (map_get(files, path))
		return;
	map_put(files, path, catalogue);
	cat_lose(catalogue, LOSS_SECRET, cat_place(reading->config->doc, node), reading->what,
		 "its %s is not copied: put it into %s", name, path);
}

/* A path of the configuration is relative to its directory. */
static const char *beside_config(const struct am_reading *reading, const char *path)
{
	const char *file = reading->config->doc->file, *slash = strrchr(file, '/');

	if (*path == '/' || !slash)
		return path;
	return cat_printf(reading->config->catalogue, "%.*s/%s", (int)(slash - file), file, path);
}

/* Sets an address without user, query and parts of the path that look like secrets. */
static void set_open_url(struct am_reading *reading, const struct am_field *field,
			 const struct ynode *node, const char *text)
{
	struct buf url = BUF_INIT(LIMIT_CATALOGUE_TEXT_BYTES * 2);
	struct catalogue *catalogue = reading->config->catalogue;

	if (ytext_add_open_url(&url, text, AM_REPLACE)) {
		cat_lose(catalogue, LOSS_SECRET, cat_place(reading->config->doc, node),
			 reading->what,
			 "its %s is not copied as a whole, since it holds a secret: complete it",
			 field->name);
		reading->pager->note =
			cat_printf(catalogue, "complete the url by that of line %d", node->line);
	}
	set_pager_member(reading->pager, "url", arena_strdup(catalogue->arena, buf_text(&url)));
	buf_fini(&url);
}

static void set_secret_url(struct am_reading *reading, const struct am_field *field,
			   const struct ynode *node, const char *text)
{
	if (ytext_is_url(text)) {
		set_open_url(reading, field, node, text);
		return;
	}
	LOSE_PAGER(reading, LOSS_OTHER_PAGER, node, "left out: its %s is no whole URL",
		   field->name);
	reading->unusable = true;
}

/* ---- reading ---- */

/* Sets an address of a service, where it is not the one that the kind has anyway. */
static void set_notifier_url(struct am_reading *reading, const struct am_field *field,
			     const struct ynode *node, const char *text)
{
	const char *usual = pager_kind_options(reading->kind)->url;
	size_t len = strlen(text);

	while (len && text[len - 1] == '/')
		len--;
	const char *url = cat_printf(reading->config->catalogue, "%.*s", (int)len, text);
	if (!ytext_is_url(url))
		LOSE_PAGER(reading, LOSS_BAD_URL, node, "its %s is no whole URL", field->name);
	else if (!usual || strcmp(usual, url) != 0)
		set_open_url(reading, field, node, url);
}

/* A mail server. Port 465 has TLS from the start, as in Alertmanager. */
static void set_mail_server(struct am_reading *reading, const struct am_field *field,
			    const char *text)
{
	struct catalogue *catalogue = reading->config->catalogue;
	struct am_pager *pager = reading->pager;
	size_t len = strlen(text);

	if (field->use == AM_SMARTHOST) {
		bool tls = len > 4 && strcmp(text + len - 4, ":465") == 0;
		set_pager_member(pager, "url",
				 cat_printf(catalogue, "%s://%s", tls ? "smtps" : "smtp", text));
		return;
	}
	if (field->use == AM_REQUIRE_TLS) {
		if (strcmp(text, "false") == 0)
			set_pager_member(pager, "tls", "opportunistic");
		return;
	}
	for (size_t i = 0; i < pager->n; i++)
		if (strcmp(pager->members[i].name, "url") == 0)
			pager->members[i].value =
				cat_printf(catalogue, "%s/%s", pager->members[i].value, text);
}

static void set_notifier_text(struct am_reading *reading, const struct am_field *field,
			      const struct ynode *node, const char *text)
{

	if (strstr(text, "{{")) {
		LOSE_PAGER(reading, LOSS_DELIVERY, node,
			   "its %s is a template, which tracepager cannot fill", field->name);
		return;
	}
	switch (field->use) {
	case AM_SMARTHOST:
	case AM_HELLO:
	case AM_REQUIRE_TLS:
		set_mail_server(reading, field, text);
		break;
	case AM_SECRET_TEXT:
		set_pager_member(reading->pager, field->member, AM_REPLACE);
		LOSE_PAGER(reading, LOSS_SECRET, node,
			   "its %s is not copied: write it into the rules instead of " AM_REPLACE,
			   field->name);
		break;
	case AM_SECRET_URL:
		set_secret_url(reading, field, node, text);
		break;
	case AM_URL:
		set_notifier_url(reading, field, node, text);
		break;
	case AM_TEXT:
	case AM_SECRET:
		set_pager_member(reading->pager, field->member, text);
		break;
	}
}

/* Its file, where the configuration has one already. */
static bool read_file_member(struct am_reading *reading, const struct am_field *field,
			     const struct ynode *map, const char *name)
{
	const char *key = cat_printf(reading->config->catalogue, "%s_file", name);
	const struct ynode *node = ynode_get(map, key);
	const char *path = cat_node_text(reading->config->catalogue, reading->config->doc, node,
					 reading->what);

	if (!path)
		return false;
	if (field->use == AM_SECRET) {
		set_pager_member(reading->pager,
				 cat_printf(reading->config->catalogue, "%s_file", field->member),
				 beside_config(reading, path));
	} else if (field->use == AM_SECRET_URL) {
		LOSE_PAGER(reading, LOSS_OTHER_PAGER, node,
			   "a pager's url cannot stand in a file: write a pager with that of %s",
			   path);
		reading->unusable = true;
	} else {
		set_notifier_text(reading, field, node, AM_REPLACE);
	}
	return true;
}

static void read_notifier_field(struct am_reading *reading, const struct am_field *field)
{
	const struct am_config *config = reading->config;
	const struct ynode *node = ynode_get(reading->node, field->name);
	bool is_global = false;

	if (read_file_member(reading, field, reading->node, field->name))
		return;
	if ((!node || ynode_is_empty(node)) && field->global) {
		if (read_file_member(reading, field, config->global, field->global))
			return;
		node = ynode_get(config->global, field->global);
		is_global = true;
	}
	const char *text = cat_node_text(config->catalogue, config->doc, node, reading->what);
	/* Without a user Alertmanager does not log in, whatever the password. */
	if (!text ||
	    (strcmp(field->member, "password") == 0 && !pager_member(reading->pager, "user")))
		return;
	if (reading->kind == PAGER_SLACK && strcmp(field->member, "channel") == 0) {
		if (!reading->receiver->channel && !strstr(text, "{{"))
			reading->receiver->channel = text;
		LOSE_PAGER(reading, LOSS_DELIVERY, node,
			   "make an incoming webhook for the channel %.80s: each posts to one",
			   text);
		return;
	}
	if (!kind_takes(reading->kind, field->member))
		LOSE_PAGER(reading, LOSS_DELIVERY, node, "its pager has no place for %s",
			   field->name);
	else if (field->use == AM_SECRET)
		set_notifier_secret(reading, field, node, is_global);
	else
		set_notifier_text(reading, field, node, text);
	if (strcmp(field->name, "service_key") == 0)
		LOSE_PAGER(reading, LOSS_DELIVERY, node,
			   "its %s is one of PagerDuty's Events API v1: make an integration of the "
			   "Events API v2 and use its key",
			   field->name);
}

/* Opsgenie's first responder that is a team. */
static void read_responders(struct am_reading *reading)
{
	struct catalogue *catalogue = reading->config->catalogue;
	struct ynode **items;
	size_t n = cat_items(reading->node, "responders", &items);

	for (size_t i = 0; i < n; i++) {
		const char *type =
			cat_text(catalogue, reading->config->doc, items[i], "type", reading->what);
		const char *name =
			cat_text(catalogue, reading->config->doc, items[i], "name", reading->what);
		if (cat_is(type, "team") && name && !strstr(name, "{{") &&
		    !pager_member(reading->pager, "responder"))
			set_pager_member(reading->pager, "responder", name);
		else
			LOSE_PAGER(reading, LOSS_DELIVERY, items[i],
				   "a responder is left out: a pager has one team");
	}
}

static bool is_notifier_field(const struct am_reading *reading, const char *key)
{
	size_t len = strlen(key);

	if (strcmp(key, "send_resolved") == 0 || strcmp(key, "responders") == 0)
		return true;
	if (len > 5 && strcmp(key + len - 5, "_file") == 0)
		len -= 5;
	for (size_t i = 0; i < ARRAY_LEN(am_fields); i++)
		if (strcmp(am_fields[i].section, reading->sort->section) == 0 &&
		    strlen(am_fields[i].name) == len && strncmp(am_fields[i].name, key, len) == 0)
			return true;
	return false;
}

/* What has no place in rules: the texts of a page, in one note, and how it is sent. */
static void lose_others(struct am_reading *reading)
{
	struct buf names = BUF_INIT(1024);

	for (size_t i = 0; i < reading->node->n; i++) {
		const char *key = reading->node->keys[i]->text;
		if (is_notifier_field(reading, key))
			continue;
		if (strcmp(key, "http_config") == 0 || strcmp(key, "tls_config") == 0)
			LOSE_PAGER(reading, LOSS_DELIVERY, reading->node->keys[i],
				   "its %s is left out: proxies, certificates and authorizations",
				   key);
		else
			buf_printf(&names, "%s%.60s", names.len ? ", " : "", key);
	}
	if (names.len)
		LOSE_PAGER(reading, LOSS_SETTING, NULL,
			   "left out: %s; a page has its own form, see tracepager-page(7)",
			   buf_text(&names));
	buf_fini(&names);
}

/* Refuses a pager without a text that its kind needs; a secret that is nowhere gets a file. */
static void check_required(struct am_reading *reading)
{
	const struct pager_options *options = pager_kind_options(reading->kind);
	struct catalogue *catalogue = reading->config->catalogue;

	if (reading->unusable)
		return; /* a loss says why */
	if (options->url_need == PAGER_REQUIRED && !pager_member(reading->pager, "url"))
		reading->unusable = true;
	for (int i = 0; i < PAGER_TEXT_COUNT; i++) {
		enum pager_need need;
		const char *name = pager_kind_text(reading->kind, (enum pager_text)i, &need);
		if (name && need == PAGER_REQUIRED && !pager_member(reading->pager, name))
			reading->unusable = true;
	}
	if (reading->unusable) {
		LOSE_PAGER(reading, LOSS_OTHER_PAGER, NULL,
			   "left out: it does not say where its pager of kind %s sends to",
			   reading->sort->kind);
		return;
	}
	const char *member = cat_printf(catalogue, "%s_file", options->key ? options->key : "");
	bool needed = options->key_need == PAGER_REQUIRED || reading->kind == PAGER_SLACK;
	if (!needed || pager_member(reading->pager, member))
		return;
	const char *path = secret_path(reading, reading->pager->key);
	set_pager_member(reading->pager, member, path);
	LOSE_PAGER(reading, LOSS_SECRET, NULL, "the configuration has no %s: put it into %s",
		   options->key, path);
}

/* The receiver's name, and the kind where it has several notifiers. */
static const char *pager_key_of(const struct am_reading *reading, bool alone)
{
	struct catalogue *catalogue = reading->config->catalogue;
	const char *name = cat_printf(catalogue, "%.*s", (int)LIMIT_RULE_NAME_BYTES - 20,
				      reading->receiver->name);

	if (!alone)
		name = cat_printf(catalogue, "%s-%s", name, reading->sort->kind);
	return cat_rule_key(catalogue, catalogue->pager_keys, name, NULL);
}

static void read_notifier(const struct am_config *config, const struct am_sort *sort,
			  const struct ynode *node, struct am_receiver *receiver, bool alone)
{
	struct catalogue *catalogue = config->catalogue;
	struct am_reading reading = { .config = config, .sort = sort, .node = node };
	bool resolves = sort->resolves;

	reading.receiver = receiver;
	reading.what = cat_printf(catalogue, "receiver \"%s\"", receiver->name);
	if (node->kind != YNODE_MAP || !find_pager_kind(sort->kind, &reading.kind)) {
		LOSE_PAGER(&reading, LOSS_OTHER_PAGER, node,
			   "left out: tracepager has no pager for %s", sort->section);
		return;
	}
	reading.pager = arena_alloc(catalogue->arena, sizeof(*reading.pager));
	*reading.pager = (struct am_pager){ .key = pager_key_of(&reading, alone),
					    .kind = sort->kind,
					    .place = cat_place(config->doc, node) };
	for (size_t i = 0; i < ARRAY_LEN(am_fields) && !reading.unusable; i++)
		if (strcmp(am_fields[i].section, sort->section) == 0)
			read_notifier_field(&reading, &am_fields[i]);
	if (reading.kind == PAGER_OPSGENIE)
		read_responders(&reading);
	const struct ynode *resolved = ynode_get(node, "send_resolved");
	if (resolved)
		ynode_bool(resolved, &resolves);
	reading.pager->no_resolve = !resolves;
	lose_others(&reading);
	check_required(&reading);
	if (reading.kind == PAGER_WEBHOOK && !reading.unusable)
		LOSE_PAGER(&reading, LOSS_SETTING, NULL,
			   "it gets tracepager's JSON, not Alertmanager's: see "
			   "tracepager-page(7)");
	if (!reading.unusable)
		cat_list_push(&receiver->pagers, reading.pager);
}

static const struct am_sort *find_sort(const char *section)
{
	for (size_t i = 0; i < ARRAY_LEN(am_sorts); i++)
		if (strcmp(am_sorts[i].section, section) == 0)
			return &am_sorts[i];
	return NULL;
}

/* Is the member a list of notifiers? */
static bool is_section(const struct ynode *map, size_t i)
{
	const char *key = map->keys[i]->text;
	size_t len = strlen(key);

	return len > 8 && strcmp(key + len - 8, "_configs") == 0 &&
	       map->items[i]->kind == YNODE_LIST;
}

void am_read_pagers(const struct am_config *config, const struct ynode *node,
		    struct am_receiver *receiver)
{
	size_t all = 0;

	for (size_t i = 0; i < node->n; i++)
		if (is_section(node, i))
			all += node->items[i]->n;
	for (size_t i = 0; i < node->n; i++) {
		if (!is_section(node, i))
			continue;
		const struct am_sort *sort = find_sort(node->keys[i]->text);
		for (size_t k = 0; k < node->items[i]->n; k++) {
			const struct ynode *item = node->items[i]->items[k];
			if (sort)
				read_notifier(config, sort, item, receiver, all == 1);
			else
				cat_lose(config->catalogue, LOSS_OTHER_PAGER,
					 cat_place(config->doc, item),
					 cat_printf(config->catalogue, "receiver \"%s\"",
						    receiver->name),
					 "left out: tracepager has no pager for %.60s",
					 node->keys[i]->text);
		}
	}
	receiver->lost = all && !receiver->pagers.n;
}
