/*
 * Web proxy: who asks, by the header of an authenticating proxy that tracepager.yaml trusts. The
 * header counts only from the proxy's addresses, and only once: of two, or of a list with a comma,
 * one may be the client's own, which the proxy passed on. On loopback it counts for this server's
 * own names alone, so that no page of another site whose name was bent to this machine can set it.
 */
#include <stdio.h>
#include <string.h>

#include "tracepager/log.h"
#include "tracepager/utf8.h"

#include "web-internal.h"

static bool is_person(const char *name)
{
	const size_t len = strlen(name);

	if (!len || len > LIMIT_SESSION_NAME_BYTES || utf8_span(name, len) != len)
		return false;
	for (; *name; name++)
		if ((unsigned char)*name <= ' ' || *name == ',' || *name == 0x7f)
			return false;
	return true;
}

/* Is it one of the words? Upper and lower case differ. */
static bool is_among_actors(const char *words, const char *name)
{
	const size_t len = strlen(name);

	for (words += strspn(words, " \t"); *words; words += strspn(words, " \t")) {
		const size_t word = strcspn(words, " \t");
		if (word == len && memcmp(words, name, len) == 0)
			return true;
		words += word;
	}
	return false;
}

/* Once in a process: whoever sends the header fills no log with it. */
static void tell_ignored(struct web *web, const struct http_exchange *exchange, const char *why)
{
	if (web->told_proxy)
		return;
	web->told_proxy = true;
	log_warn("the header of trusted_proxy is ignored; told once", LOG_STR("reason", why),
		 LOG_STR("header", web->proxy->header),
		 LOG_STR("peer", http_exchange_peer(exchange)));
}

/* NULL: it names somebody. "": the header is not there, or empty. */
static const char *why_proxy_ignored(const struct web *web, const struct http_exchange *exchange,
				     const char *name)
{
	if (!name || !*name)
		return "";
	if (!address_ranges_have(web->proxy->addresses, web->proxy->naddresses,
				 http_exchange_peer(exchange)))
		return "it came from another address than trusted_proxy.addresses";
	if (http_exchange_header_count(exchange, web->proxy->header) > 1 || strchr(name, ','))
		return "it came twice: let the proxy set it, not add to it";
	if (!is_person(name))
		return "it is no name: 1 to 128 characters without blanks";
	if (web->open && !web_names_us(web, http_exchange_header(exchange, "Host")))
		return "the Host header names another server: add the name to hosts, or set "
		       "external_url";
	return NULL;
}

bool web_proxy_names(struct web_request *request)
{
	struct web *web = request->web;
	const struct trusted_proxy *proxy = web->proxy;

	if (!proxy || !proxy->naddresses)
		return false;
	const char *name = http_exchange_header(request->exchange, proxy->header);
	const char *why = why_proxy_ignored(web, request->exchange, name);
	if (why) {
		if (*why)
			tell_ignored(web, request->exchange, why);
		return false;
	}
	snprintf(request->named, sizeof(request->named), "%s", name);
	snprintf(request->session, sizeof(request->session), "proxy %s", name);
	request->may_act =
		strcmp(proxy->may, "act") == 0 || is_among_actors(proxy->who_may_act, name);
	return true;
}
