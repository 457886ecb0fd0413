/* Sender setup: see sender_setup-internal.h. */
#include "sender_setup-internal.h"

#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static const struct {
	const char *options, *text;
} sender_setups[FORMAT_COUNT] = {
#define SENDER_SETUP(id, sender_options, setup_text) [FORMAT_##id] = { sender_options, setup_text },
#include "tracepager/tbl/sender_setup.def"
#undef SENDER_SETUP
};

/* ---- what tracepager.yaml has ---- */

/* Each line behind `indent` blanks, with the name in place. */
static void add_option_lines(struct buf *out, const char *text, const char *name, int indent)
{
	static const char place[] = "{name}";

	buf_printf(out, "%*s", indent, "");
	for (; *text; text++) {
		if (strncmp(text, place, sizeof(place) - 1) == 0) {
			buf_puts(out, name);
			text += sizeof(place) - 2;
			continue;
		}
		buf_putc(out, *text);
		if (*text == '\n')
			buf_printf(out, "%*s", indent, "");
	}
	buf_putc(out, '\n');
}

void sender_setup_options(enum alert_format_id format, const char *mapping, const char *name,
			  struct buf *out)
{
	buf_printf(out, "senders:\n  %s:\n    format: %s\n", name, alert_formats[format]->name);
	if (mapping)
		buf_printf(out, "    mapping: %s\n    bearer_file: /etc/tracepager/%s.token\n",
			   mapping, name);
	else
		add_option_lines(out, sender_setups[format].options, name, 4);
}

/* ---- where the relay is ---- */

void sender_setup_base(const struct config *config, struct buf *out)
{
	static const char *const any[] = { "0.0.0.0:", "[::]:", "*:" };
	const char *listen = config ? config->listen : "";

	if (!config) {
		buf_puts(out, "https://HOST");
		return;
	}
	if (*config->external_url) {
		buf_puts(out, config->external_url);
		return;
	}
	buf_puts(out, *config->tls_options.cert_file ? "https://" : "http://");
	for (size_t i = 0; i < ARRAY_LEN(any); i++)
		if (strncmp(listen, any[i], strlen(any[i])) == 0) {
			buf_printf(out, "HOST:%s", listen + strlen(any[i]));
			return;
		}
	buf_puts(out, listen);
}

void sender_setup_url(const struct sender_config *sender, const char *base, struct buf *out)
{
	const char *path = sender->format == FORMAT_PROMETHEUS	   ? "/api/v2/alerts"
			   : sender->format == FORMAT_PAGERDUTY_V2 ? "/v2/enqueue"
			   : sender->format == FORMAT_PAGERDUTY_V1
				   ? "/generic/2010-04-15/create_event.json"
			   : sender->format == FORMAT_OPSGENIE ? "/v2/alerts"
							       : NULL;

	if (path)
		buf_printf(out, "%s%s", base, path);
	else
		buf_printf(out, "%s/webhook/%s", base, sender->name);
}

/* ---- what proves the sender ---- */

static bool setup_has_secret(const struct secret *secret)
{
	return secret->value || secret->path;
}

static void add_secret_place(const struct secret *secret, struct buf *out)
{
	if (secret->path)
		buf_printf(out, "the content of %s", secret->path);
	else
		buf_puts(out, "the text that tracepager.yaml has");
}

static void setup_add_texts(const char *const *texts, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%s", i ? ", " : "", texts[i]);
}

void sender_setup_proof(const struct sender_config *sender, struct buf *out)
{
	const struct sender_auth *auth = &sender->auth;
	const size_t start = out->len;

	if (setup_has_secret(&auth->bearer[0]))
		buf_puts(out, "bearer token");
	if (auth->basic_user)
		buf_printf(out, "%sbasic", out->len > start ? " or " : "");
	if (auth->scheme)
		buf_printf(out, "%ssignature (%s)", out->len > start ? ", " : "",
			   sign_scheme_words[auth->scheme]);
	if (auth->nclient_names)
		buf_printf(out, "%sclient certificate", out->len > start ? ", " : "");
	if (sender->ntopics)
		buf_printf(out, "%sAmazon's signature", out->len > start ? ", " : "");
	if (auth->naddresses)
		buf_printf(out, "%saddress", out->len > start ? ", " : "");
	if (out->len == start)
		buf_puts(out, "nothing (loopback)");
}

/* ---- the places in a text ---- */

struct setup_writer {
	const struct sender_config *sender;
	const char *base;
	struct buf *out;
};

static const char *base_host(const char *base)
{
	return strstr(base, "://") + 3;
}

static void setup_add_url(const struct setup_writer *writer)
{
	sender_setup_url(writer->sender, writer->base, writer->out);
}

static void setup_add_base(const struct setup_writer *writer)
{
	buf_puts(writer->out, writer->base);
}

static void setup_add_scheme(const struct setup_writer *writer)
{
	buf_printf(writer->out, "%.*s", (int)strcspn(writer->base, ":"), writer->base);
}

static void setup_add_host(const struct setup_writer *writer)
{
	const char *host = base_host(writer->base);

	buf_printf(writer->out, "%.*s", (int)strcspn(host, "/"), host);
}

static void add_path_prefix(const struct setup_writer *writer)
{
	const char *host = base_host(writer->base), *path = host + strcspn(host, "/");

	if (*path)
		buf_printf(writer->out, "      path_prefix: %s\n", path);
}

static void setup_add_name(const struct setup_writer *writer)
{
	buf_puts(writer->out, writer->sender->name);
}

static void setup_add_proof(const struct setup_writer *writer)
{
	const struct sender_auth *auth = &writer->sender->auth;
	struct buf *out = writer->out;
	const size_t start = out->len;

	if (setup_has_secret(&auth->bearer[0])) {
		buf_puts(out, "   Authorization header: scheme Bearer, credentials (TOKEN): ");
		add_secret_place(&auth->bearer[0], out);
		buf_putc(out, '\n');
	}
	if (auth->basic_user) {
		buf_printf(out, "   Basic authentication: user %s, password: ", auth->basic_user);
		add_secret_place(&auth->basic[0], out);
		buf_putc(out, '\n');
	}
	if (auth->scheme) {
		buf_printf(out, "   Signature (%s), secret: ", sign_scheme_words[auth->scheme]);
		add_secret_place(&auth->signing[0], out);
		buf_putc(out, '\n');
	}
	if (auth->nclient_names) {
		buf_puts(out, "   Client certificate of the name ");
		setup_add_texts(auth->client_names, auth->nclient_names, out);
		buf_putc(out, '\n');
	}
	if (out->len == start && !writer->sender->ntopics)
		buf_puts(out, "   No token is asked for: the relay listens on loopback only.\n");
	if (auth->naddresses)
		buf_puts(out, "   Only addresses of the sender's list may post.\n");
}

static void setup_add_key(const struct setup_writer *writer)
{
	const struct secret *key = &writer->sender->auth.bearer[0];

	if (setup_has_secret(key))
		add_secret_place(key, writer->out);
	else
		buf_puts(writer->out, "not asked for, since the relay listens on loopback only");
}

/* As Alertmanager and Prometheus write it, behind `indent` blanks. */
static void add_client_options(const struct setup_writer *writer, int indent, const char *directory)
{
	const struct sender_auth *auth = &writer->sender->auth;
	const char *name = writer->sender->name;
	struct buf *out = writer->out;

	if (setup_has_secret(&auth->bearer[0]))
		buf_printf(out,
			   "%*sauthorization:\n%*scredentials_file: "
			   "/etc/%s/tracepager-%s.token\n",
			   indent, "", indent + 2, "", directory, name);
	else if (auth->basic_user)
		buf_printf(out,
			   "%*sbasic_auth:\n%*susername: %s\n%*spassword_file: "
			   "/etc/%s/tracepager-%s.password\n",
			   indent, "", indent + 2, "", auth->basic_user, indent + 2, "", directory,
			   name);
	if (auth->nclient_names)
		buf_printf(out,
			   "%*stls_config:\n%*scert_file: /etc/%s/%s.pem\n%*skey_file: "
			   "/etc/%s/%s.key\n",
			   indent, "", indent + 2, "", directory, auth->client_names[0], indent + 2,
			   "", directory, auth->client_names[0]);
}

static void add_http_config(const struct setup_writer *writer)
{
	const struct sender_auth *auth = &writer->sender->auth;

	if (!setup_has_secret(&auth->bearer[0]) && !auth->basic_user && !auth->nclient_names)
		return;
	buf_puts(writer->out, "        http_config:\n");
	add_client_options(writer, 10, "alertmanager");
}

static void add_authorization(const struct setup_writer *writer)
{
	add_client_options(writer, 6, "prometheus");
}

/* Behind {http_config} or {authorization}, which name a file where there is a secret. */
static void setup_add_own_file(const struct setup_writer *writer)
{
	const struct sender_auth *auth = &writer->sender->auth;
	const bool bearer = setup_has_secret(&auth->bearer[0]);
	struct buf *out = writer->out;

	if (bearer || auth->basic_user) {
		buf_printf(out, "%s is read on the sender's own machine, and holds there ",
			   bearer ? "credentials_file" : "password_file");
		add_secret_place(bearer ? &auth->bearer[0] : &auth->basic[0], out);
		buf_puts(out, ".\n");
	} else if (!auth->nclient_names)
		buf_puts(out, "No token is asked for: the relay listens on loopback only.\n");
}

static void setup_add_body(const struct setup_writer *writer)
{
	const char *setup = alert_formats[writer->sender->format]->setup;

	buf_puts(writer->out, setup ? setup : "");
}

static const struct {
	const char *place;
	void (*add)(const struct setup_writer *writer);
} setup_places[] = {
	{ "{url}", setup_add_url },
	{ "{base}", setup_add_base },
	{ "{scheme}", setup_add_scheme },
	{ "{host}", setup_add_host },
	{ "{path_prefix}", add_path_prefix },
	{ "{name}", setup_add_name },
	{ "{proof}", setup_add_proof },
	{ "{http_config}", add_http_config },
	{ "{authorization}", add_authorization },
	{ "{own_file}", setup_add_own_file },
	{ "{key}", setup_add_key },
	{ "{setup}", setup_add_body },
};

/* The length of the place that the text begins with; 0: it begins with none. */
static size_t setup_add_place(const struct setup_writer *writer, const char *text)
{
	for (size_t i = 0; *text == '{' && i < ARRAY_LEN(setup_places); i++) {
		const size_t len = strlen(setup_places[i].place);
		if (strncmp(text, setup_places[i].place, len) == 0) {
			setup_places[i].add(writer);
			return len;
		}
	}
	return 0;
}

void sender_setup_write(const struct sender_config *sender, const char *base, struct buf *out)
{
	const struct setup_writer writer = { .sender = sender, .base = base, .out = out };
	const struct alert_mapping *mapping = sender->mapping;
	const char *text = sender_setups[sender->format].text;

	if (mapping && mapping_shipped(mapping->name) == mapping) {
		buf_puts(out, mapping->setup ? mapping->setup : "");
		text = "It posts to\n   {url}\n{proof}";
	}
	while (*text) {
		const size_t len = setup_add_place(&writer, text);
		if (!len)
			buf_putc(out, *text);
		text += len ? len : 1;
	}
}
