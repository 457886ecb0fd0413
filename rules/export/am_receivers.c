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
	const char *list; /* the list to which the last entry was added; NULL: none */
	bool send_resolved;
};

/* ---- members ---- */

static void begin_config(struct am_config *config, const char *list)
{
	if (!config->list || strcmp(config->list, list) != 0)
		buf_printf(config->out, "    %s:\n", list);
	config->list = list;
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

	begin_config(config, "pagerduty_configs");
	add_config_key(config, "routing_key", "routing_key_file", "REPLACE");
	if (config->pager->url && strcmp(config->pager->url, usual) != 0)
		add_config(config, "url", config->pager->url);
	return NULL;
}

static const char *am_opsgenie(struct am_config *config)
{
	const char *team = config->pager->texts[PAGER_TO];

	begin_config(config, "opsgenie_configs");
	add_config_key(config, "api_key", "api_key_file", "REPLACE");
	if (config->pager->url)
		add_config(config, "api_url", base_url(config->exported, config->pager->url));
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
	begin_config(config, "slack_configs");
	add_config_key(config, "api_url", "api_url_file", AM_REPLACE_URL);
	return NULL;
}

static const char *am_discord(struct am_config *config)
{
	begin_config(config, "discord_configs");
	add_config_key(config, "webhook_url", NULL, AM_REPLACE_URL);
	return NULL;
}

static const char *am_webhook(struct am_config *config)
{
	begin_config(config, "webhook_configs");
	add_config(config, "url", config->pager->url);
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
	begin_config(config, "telegram_configs");
	add_config_key(config, "bot_token", NULL, "REPLACE");
	buf_printf(config->out, "        chat_id: %lld\n", number);
	if (config->pager->url &&
	    strcmp(config->pager->url, pager_kind_options(PAGER_TELEGRAM)->url) != 0)
		add_config(config, "api_url", config->pager->url);
	return NULL;
}

static const char *am_pushover(struct am_config *config)
{
	begin_config(config, "pushover_configs");
	add_config_key(config, "token", NULL, "REPLACE");
	add_config(config, "user_key", config->pager->texts[PAGER_TO]);
	return NULL;
}

/* VictorOps is the older name of Splunk On-Call. */
static const char *am_victorops(struct am_config *config)
{
	const char *route = config->pager->texts[PAGER_TO];

	if (!route)
		return "it names no routing key";
	begin_config(config, "victorops_configs");
	add_config_key(config, "api_key", "api_key_file", "REPLACE");
	add_config(config, "routing_key", route);
	return NULL;
}

static void am_own_integration(struct am_config *config, const char *url)
{
	begin_config(config, "webhook_configs");
	add_config(config, "url", url);
	export_lose(config->exported, config->pager->place,
		    "pager %s: make an integration of the sort \"Alertmanager\" there, and put its "
		    "address in the place of %s",
		    config->pager->name, url);
}

static const char *am_goalert(struct am_config *config)
{
	am_own_integration(config,
			   arena_printf(config->exported->arena,
					"%sapi/v2/prometheusalertmanager/incoming?token=REPLACE",
					base_url(config->exported, config->pager->url)));
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

static const struct {
	enum pager_kind_id kind;
	am_kind_writer *write;
} am_kinds[] = {
	{ PAGER_PAGERDUTY, am_pagerduty },
	{ PAGER_OPSGENIE, am_opsgenie },
	{ PAGER_JSM, am_opsgenie },
	{ PAGER_SLACK, am_slack },
	{ PAGER_MATTERMOST, am_slack },
	{ PAGER_DISCORD, am_discord },
	{ PAGER_WEBHOOK, am_webhook },
	{ PAGER_TELEGRAM, am_telegram },
	{ PAGER_PUSHOVER, am_pushover },
	{ PAGER_SPLUNK_ONCALL, am_victorops },
	{ PAGER_GOALERT, am_goalert },
	{ PAGER_INCIDENTIO, am_incidentio },
	{ PAGER_GRAFANA_ONCALL, am_other_integration },
	{ PAGER_ROOTLY, am_other_integration },
};

/* Which writer comes before which, so that each list is written once. */
static am_kind_writer *kind_writer(enum pager_kind_id kind)
{
	for (size_t i = 0; i < ARRAY_LEN(am_kinds); i++)
		if (am_kinds[i].kind == kind)
			return am_kinds[i].write;
	return NULL;
}

/* Writes the pagers of these writers; true: one was written. */
static bool write_kinds(struct am_config *config, const struct am_receiver *receiver,
			am_kind_writer *write)
{
	bool written = false;

	for (size_t i = 0; i < receiver->npagers; i++) {
		const struct pager *pager = receiver->pagers[i];
		if (kind_writer(pager->kind) != write)
			continue;
		config->pager = pager;
		config->send_resolved = !pager->no_resolve && !receiver->no_resolve;
		const char *why =
			write ? write(config) : "Alertmanager 0.25 has no integration of this kind";
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
	bool written = write_kinds(&config, receiver, NULL);

	for (size_t i = 0; i < ARRAY_LEN(am_kinds); i++) {
		bool before = false;
		for (size_t k = 0; k < i; k++)
			before |= am_kinds[k].write == am_kinds[i].write;
		if (!before)
			written |= write_kinds(&config, receiver, am_kinds[i].write);
	}
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
