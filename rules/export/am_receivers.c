/*
 * Receivers: the pagers of a step, as Alertmanager 0.25 knows their services. A key is named by its
 * file where Alertmanager reads it from one; elsewhere "REPLACE" stands for it, with a comment that
 * says where the key is: the text of a secret is never written.
 */
#include "export-internal.h"

#define AM_REPLACE_URL "https://replace.invalid/"

/* One integration of a receiver, while it is written. */
struct am_config {
	struct exported *exported;
	struct buf *out;
	const struct pager *pager;
	const char *list; /* to which its entry belongs */
	bool begun;	  /* the list has its head */
	bool send_resolved;
};

/* ---- members ---- */

static void begin_config(struct am_config *config)
{
	if (!config->begun)
		buf_printf(config->out, "    %s:\n", config->list);
	config->begun = true;
	buf_puts(config->out, "      # ");
	ytext_show(config->out, config->pager->name);
	if (config->pager->place) {
		buf_puts(config->out, " (");
		ytext_show(config->out, config->pager->place);
		buf_putc(config->out, ')');
	}
	buf_printf(config->out, "\n      - send_resolved: %s\n",
		   config->send_resolved ? "true" : "false");
}

static void add_config(struct am_config *config, const char *name, const char *value)
{
	if (!value)
		return;
	buf_printf(config->out, "        %s: ", name);
	export_scalar(config->out, value);
	buf_putc(config->out, '\n');
}

static void tell_key(struct am_config *config, const char *name)
{
	const struct pager *pager = config->pager;

	if (pager->key.path)
		export_lose(config->exported, pager->place,
			    "pager %s: put the key of %s in the place of REPLACE: Alertmanager "
			    "0.25 has no file for its %s",
			    pager->name, pager->key.path, name);
	else
		export_lose(config->exported, pager->place,
			    "pager %s: put its key, which stands in the rules, in the place of "
			    "REPLACE (%s)",
			    pager->name, name);
}

/* A key: its file where Alertmanager has a member for it (name_file; NULL: it has none). */
static void add_config_key(struct am_config *config, const char *name, const char *name_file,
			   const char *replace)
{
	if (name_file && config->pager->key.path) {
		add_config(config, name_file, config->pager->key.path);
		return;
	}
	tell_key(config, name);
	add_config(config, name, replace);
}

/* An address without what may be a secret in it. */
static void add_config_url(struct am_config *config, const char *name, const char *url)
{
	struct buf text = BUF_INIT(LIMIT_EXPORT_LOSS_BYTES);

	if (ytext_add_open_url(&text, url, "REPLACE"))
		export_lose(config->exported, config->pager->place,
			    "pager %s: complete its %s by the url that stands in the rules: what "
			    "may be a secret is left out or is REPLACE",
			    config->pager->name, name);
	add_config(config, name, buf_text(&text));
	buf_fini(&text);
}

/* "https://host/" of an address, with one slash at its end. */
static const char *base_url(struct exported *exported, const char *url)
{
	size_t len = strlen(url);

	while (len && url[len - 1] == '/')
		len--;
	return arena_printf(exported->arena, "%.*s/", (int)len, url);
}

/* ---- kinds ---- */

/* Writes the pager. NULL, or why Alertmanager cannot reach it. */
typedef const char *am_kind_writer(struct am_config *config);

static const char *am_pagerduty(struct am_config *config)
{
	const char *usual = pager_kind_options(PAGER_PAGERDUTY)->url;

	begin_config(config);
	add_config_key(config, "routing_key", "routing_key_file", "REPLACE");
	if (config->pager->url && strcmp(config->pager->url, usual) != 0)
		add_config_url(config, "url", config->pager->url);
	return NULL;
}

static const char *am_opsgenie(struct am_config *config)
{
	const char *team = config->pager->texts[PAGER_TO];

	begin_config(config);
	add_config_key(config, "api_key", "api_key_file", "REPLACE");
	if (config->pager->url)
		add_config_url(config, "api_url", base_url(config->exported, config->pager->url));
	if (team) {
		buf_puts(config->out, "        responders: [{name: ");
		export_quoted(config->out, team);
		buf_puts(config->out, ", type: team}]\n");
	}
	return NULL;
}

/* Mattermost reads what Slack does. */
static const char *am_slack(struct am_config *config)
{
	if (config->pager->kind == PAGER_SLACK && config->pager->texts[PAGER_TO])
		return "it posts by a bot; give Alertmanager an incoming webhook of the channel";
	begin_config(config);
	add_config_key(config, "api_url", "api_url_file", AM_REPLACE_URL);
	return NULL;
}

static const char *am_discord(struct am_config *config)
{
	begin_config(config);
	add_config_key(config, "webhook_url", NULL, AM_REPLACE_URL);
	return NULL;
}

/* To know the address of a webhook is often all that its receiver asks for: Alertmanager itself
 * takes it for a secret. Written is the host. */
static void add_webhook_url(struct am_config *config)
{
	const char *url = config->pager->url, *host = strstr(url, "://"), *path, *user;

	host = host ? host + 3 : url;
	path = host + strcspn(host, "/?#");
	user = memrchr(host, '@', (size_t)(path - host));
	if (!user && !*(path + (*path == '/'))) {
		add_config(config, "url", url);
		return;
	}
	export_lose(
		config->exported, config->pager->place,
		"pager %s: put its url, which stands in the rules, in the place of the one with "
		"REPLACE: it may hold a secret",
		config->pager->name);
	user = user ? user + 1 : host;
	add_config(config, "url",
		   arena_printf(config->exported->arena, "%.*s%.*s/REPLACE", (int)(host - url), url,
				(int)(path - user), user));
}

static const char *am_webhook(struct am_config *config)
{
	begin_config(config);
	add_webhook_url(config);
	export_lose(config->exported, config->pager->place,
		    "pager %s: the receiver gets Alertmanager's webhook, not the decision, and "
		    "without a signature",
		    config->pager->name);
	return NULL;
}

static const char *am_telegram(struct am_config *config)
{
	const char *chat = config->pager->texts[PAGER_TO];
	char *end = NULL;
	const long long number = chat ? strtoll(chat, &end, 10) : 0;

	if (!chat || !number || *end)
		return "Alertmanager knows a chat by its number alone: replace @NAME by it";
	begin_config(config);
	add_config_key(config, "bot_token", NULL, "REPLACE");
	buf_printf(config->out, "        chat_id: %lld\n", number);
	if (config->pager->url &&
	    strcmp(config->pager->url, pager_kind_options(PAGER_TELEGRAM)->url) != 0)
		add_config_url(config, "api_url", config->pager->url);
	return NULL;
}

static const char *am_pushover(struct am_config *config)
{
	begin_config(config);
	add_config_key(config, "token", NULL, "REPLACE");
	export_lose(
		config->exported, config->pager->place,
		"pager %s: put its user_key, which stands in the rules, in the place of REPLACE",
		config->pager->name);
	add_config(config, "user_key", "REPLACE");
	return NULL;
}

/* VictorOps is the older name of Splunk On-Call. */
static const char *am_victorops(struct am_config *config)
{
	const char *route = config->pager->texts[PAGER_TO];

	if (!route)
		return "it names no routing key";
	begin_config(config);
	add_config_key(config, "api_key", "api_key_file", "REPLACE");
	add_config(config, "routing_key", route);
	return NULL;
}

static void am_own_integration(struct am_config *config, const char *url)
{
	begin_config(config);
	add_config(config, "url", url);
	export_lose(config->exported, config->pager->place,
		    "pager %s: make an integration of the sort \"Alertmanager\" there, and put its "
		    "address in the place of %s",
		    config->pager->name, url);
}

static const char *am_goalert(struct am_config *config)
{
	struct exported *exported = config->exported;
	const char *url = config->pager->url;
	struct buf text = BUF_INIT(LIMIT_EXPORT_LOSS_BYTES);

	url = arena_printf(exported->arena, "%.*s", (int)strcspn(url, "?#"), url);
	ytext_add_open_url(&text, base_url(exported, url), "REPLACE");
	buf_puts(&text, "api/v2/prometheusalertmanager/incoming?token=REPLACE");
	am_own_integration(config, arena_strdup(exported->arena, buf_text(&text)));
	buf_fini(&text);
	return NULL;
}

static const char *am_incidentio(struct am_config *config)
{
	am_own_integration(config, "https://api.incident.io/v2/alert_events/alertmanager/REPLACE");
	return NULL;
}

static const char *am_other_integration(struct am_config *config)
{
	am_own_integration(config, AM_REPLACE_URL);
	return NULL;
}

static const struct am_kind {
	enum pager_kind_id kind;
	const char *list;
	am_kind_writer *write;
} am_kinds[] = {
	/* the kinds of one list beside each other */
	{ PAGER_PAGERDUTY, "pagerduty_configs", am_pagerduty },
	{ PAGER_OPSGENIE, "opsgenie_configs", am_opsgenie },
	{ PAGER_JSM, "opsgenie_configs", am_opsgenie },
	{ PAGER_SLACK, "slack_configs", am_slack },
	{ PAGER_MATTERMOST, "slack_configs", am_slack },
	{ PAGER_DISCORD, "discord_configs", am_discord },
	{ PAGER_WEBHOOK, "webhook_configs", am_webhook },
	{ PAGER_GOALERT, "webhook_configs", am_goalert },
	{ PAGER_INCIDENTIO, "webhook_configs", am_incidentio },
	{ PAGER_GRAFANA_ONCALL, "webhook_configs", am_other_integration },
	{ PAGER_ROOTLY, "webhook_configs", am_other_integration },
	{ PAGER_TELEGRAM, "telegram_configs", am_telegram },
	{ PAGER_PUSHOVER, "pushover_configs", am_pushover },
	{ PAGER_SPLUNK_ONCALL, "victorops_configs", am_victorops },
};

/* NULL: Alertmanager knows no such kind. */
static const struct am_kind *am_kind_of(const struct pager *pager)
{
	for (size_t i = 0; i < ARRAY_LEN(am_kinds); i++)
		if (am_kinds[i].kind == pager->kind)
			return &am_kinds[i];
	return NULL;
}

/* Writes the pagers of one list, which must stand once in a receiver; of NULL, tells that they are
 * lost. True: one was written. */
static bool write_receiver_list(struct am_config *config, const struct am_receiver *receiver,
				const char *list)
{
	bool written = false;

	config->list = list;
	config->begun = false;
	for (size_t i = 0; i < receiver->npagers; i++) {
		const struct pager *pager = receiver->pagers[i];
		const struct am_kind *kind = am_kind_of(pager);
		if (kind ? !list || strcmp(kind->list, list) != 0 : list != NULL)
			continue;
		config->pager = pager;
		config->send_resolved = !pager->no_resolve && !receiver->no_resolve;
		const char *why = kind ? kind->write(config)
				       : "Alertmanager 0.25 has no integration of this kind";
		if (why)
			export_lose(config->exported, pager->place, "pager %s (%s) is lost: %s",
				    pager->name, pager_kind_name(pager->kind), why);
		written |= !why;
	}
	return written;
}

static void write_receiver(struct exported *exported, const struct am_receiver *receiver,
			   struct buf *out)
{
	struct am_config config = { .exported = exported, .out = out };
	bool written = write_receiver_list(&config, receiver, NULL);

	for (size_t i = 0; i < ARRAY_LEN(am_kinds); i++)
		if (i == 0 || strcmp(am_kinds[i - 1].list, am_kinds[i].list) != 0)
			written |= write_receiver_list(&config, receiver, am_kinds[i].list);
	if (receiver->npagers && !written) {
		buf_puts(out, "    # notifies nobody: see the list at the top\n");
		export_lose(exported, receiver->place,
			    "receiver \"%s\" NOTIFIES NOBODY: all its pagers are lost",
			    receiver->name);
	}
}

void am_write_receivers(struct exported *exported, const struct am_receivers *receivers,
			struct buf *out)
{
	buf_puts(out, "\nreceivers:\n");
	for (size_t i = 0; i < receivers->n; i++) {
		buf_puts(out, "  - name: ");
		export_scalar(out, receivers->at[i].name);
		buf_putc(out, '\n');
		write_receiver(exported, &receivers->at[i], out);
	}
}

/* ---- names ---- */

static bool has_pagers(const struct am_receiver *a, const struct am_receiver *b)
{
	if (a->npagers != b->npagers || a->no_resolve != b->no_resolve)
		return false;
	for (size_t i = 0; i < a->npagers; i++)
		if (a->pagers[i] != b->pagers[i])
			return false;
	return true;
}

const char *am_receiver(struct exported *exported, struct am_receivers *receivers,
			const struct am_receiver *wanted)
{
	const char *name = wanted->name;
	size_t taken = 0;

	for (size_t i = 0; i < receivers->n; i++) {
		const struct am_receiver *known = &receivers->at[i];
		if (strcmp(known->name, name) != 0)
			continue;
		if (has_pagers(known, wanted))
			return known->name;
		name = arena_printf(exported->arena, "%s %zu", wanted->name, ++taken + 1);
		i = SIZE_MAX; /* from the first again */
	}
	receivers->at = xrealloc_array(receivers->at, receivers->n + 1, sizeof(*receivers->at));
	receivers->at[receivers->n] = *wanted;
	receivers->at[receivers->n].name = name;
	return receivers->at[receivers->n++].name;
}
