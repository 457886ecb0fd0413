/*
 * Peer names: the names by which the rules may know the callee of a call, where the callee has no
 * span of its own (tracepager-walk(7), section 5).
 *
 * The order is OpenTelemetry's ranking of remote endpoints (specification, Zipkin exporter),
 * extended by databases, queues and older spellings. IP addresses and "localhost" come last: they
 * name no service.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "walk-internal.h"

_Static_assert(sizeof(((struct suspect *)0)->peers) / sizeof(const char *) == LIMIT_PEER_NAMES,
	       "room for all names");

/* The word "port" belongs to a host that stands fewer bytes before it. */
#define PORT_WITHIN 80

/* The names found so far, in order, each once. */
struct names {
	struct arena *arena;
	const struct trace *trace;
	const struct span *span;
	const char *by_name[LIMIT_PEER_NAMES], *by_address[LIMIT_PEER_NAMES];
	unsigned int nby_name, nby_address;
};

static void list_add(const char **list, unsigned int *n, const char *name)
{
	for (unsigned int i = 0; i < *n; i++) {
		if (strcmp(list[i], name) == 0)
			return;
	}
	if (*n < LIMIT_PEER_NAMES)
		list[(*n)++] = name;
}

static void names_add(struct names *names, const char *name)
{
	/* A peer with the caller's own name is the caller: proxies and meshes write it so. */
	if (name && name[0] != '\0' &&
	    strcasecmp(name, span_service(names->trace, names->span)) != 0)
		list_add(names->by_name, &names->nby_name, name);
}

static void names_add_address(struct names *names, const char *name)
{
	if (name && name[0] != '\0')
		list_add(names->by_address, &names->nby_address, name);
}

static const char *peer_attr(const struct names *names, enum attr key)
{
	const char *text = span_attr(names->trace, names->span, key);

	return text && text[0] != '\0' ? text : NULL;
}

static const char *peer_attr_either(const struct names *names, enum attr newer, enum attr older)
{
	const char *text = peer_attr(names, newer);

	return text ? text : peer_attr(names, older);
}

/* The host of HOST, HOST:PORT, [V6] or [V6]:PORT; *ret_port borrowed, or NULL. */
static const char *host_split(struct arena *arena, const char *text, const char **ret_port)
{
	const char *colon = strrchr(text, ':'), *close;

	*ret_port = NULL;
	if (text[0] == '[' && (close = strchr(text, ']'))) {
		if (close[1] == ':' && close[2] != '\0')
			*ret_port = close + 2;
		return arena_strndup(arena, text + 1, (size_t)(close - text - 1));
	}
	if (!colon || colon[1] == '\0' || strchr(text, ':') != colon ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return text; /* no port, or a bare IPv6 address */
	*ret_port = colon + 1;
	return arena_strndup(arena, text, (size_t)(colon - text));
}

bool peer_is_address(const char *host)
{
	struct in6_addr address;

	return inet_pton(AF_INET, host, &address) == 1 ||
	       inet_pton(AF_INET6, host, &address) == 1 || strcmp(host, "localhost") == 0;
}

static void names_add_host(struct names *names, const char *host, const char *port)
{
	const char *own_port, *bare;
	const char *full = NULL;

	if (!host || host[0] == '\0')
		return;
	bare = host_split(names->arena, host, &own_port);
	if (own_port)
		port = own_port;
	if (port && strcmp(port, "0") != 0)
		full = arena_printf(names->arena, strchr(bare, ':') ? "[%s]:%s" : "%s:%s", bare,
				    port);
	if (peer_is_address(bare)) {
		names_add_address(names, full);
		names_add_address(names, bare);
	} else {
		names_add(names, full);
		names_add(names, bare);
	}
}

/* scheme://user@host:port/path */
static void names_add_url(struct names *names, const char *url)
{
	const char *host = url ? strstr(url, "://") : NULL;
	const char *at;
	size_t len;

	if (!host)
		return;
	host += 3;
	len = strcspn(host, "/?#");
	at = memrchr(host, '@', len);
	if (at) {
		len -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	names_add_host(names, arena_strndup(names->arena, host, len), NULL);
}

static void names_add_database(struct names *names)
{
	const char *system = peer_attr_either(names, ATTR_DB_SYSTEM_NAME, ATTR_DB_SYSTEM);
	const char *database = peer_attr_either(names, ATTR_DB_NAMESPACE, ATTR_DB_NAME);
	size_t len;

	if (!system)
		system = peer_attr(names, ATTR_DB_TYPE);
	if (!database)
		database = peer_attr(names, ATTR_DB_INSTANCE);
	if (!system || !database)
		return;
	names_add(names, arena_printf(names->arena, "%s/%s", system, database));
	/* PostgreSQL's db.namespace may be DATABASE|SCHEMA: DATABASE alone is a name too. */
	len = strcspn(database, "|");
	if (database[len] != '\0')
		names_add(names, arena_printf(names->arena, "%s/%.*s", system, (int)len, database));
}

static void names_add_queue(struct names *names)
{
	const char *system = peer_attr(names, ATTR_MESSAGING_SYSTEM);
	const char *destination = peer_attr_either(names, ATTR_MESSAGING_DESTINATION_NAME,
						   ATTR_MESSAGING_DESTINATION);

	if (!destination)
		destination = peer_attr(names, ATTR_MESSAGE_BUS_DESTINATION);
	if (system && destination)
		names_add(names, arena_printf(names->arena, "%s/%s", system, destination));
	else
		names_add(names, destination);
}

static void names_add_rpc(struct names *names)
{
	const char *service = peer_attr(names, ATTR_RPC_SERVICE), *method, *slash;

	if (!service && (method = peer_attr(names, ATTR_RPC_METHOD))) {
		while (*method == '/')
			method++;
		slash = strrchr(method, '/');
		if (slash && slash > method)
			service = arena_strndup(names->arena, method, (size_t)(slash - method));
	}
	names_add(names, service);
}

static void names_collect(struct names *names)
{
	const char *server_port = peer_attr(names, ATTR_SERVER_PORT),
		   *net_port = peer_attr(names, ATTR_NET_PEER_PORT),
		   *upstream = span_proxy_upstream(names->arena, names->trace, names->span);

	names_add(names, peer_attr(names, ATTR_SERVICE_PEER_NAME));
	names_add(names, peer_attr(names, ATTR_PEER_SERVICE));
	names_add_host(names, upstream, NULL);
	names_add_database(names);
	names_add_queue(names);
	names_add_rpc(names);
	names_add_host(names, peer_attr(names, ATTR_SERVER_ADDRESS), server_port);
	names_add_host(names, peer_attr(names, ATTR_NET_PEER_NAME), net_port);
	names_add_host(names, peer_attr(names, ATTR_NETWORK_PEER_ADDRESS),
		       peer_attr(names, ATTR_NETWORK_PEER_PORT));
	names_add_host(names, peer_attr(names, ATTR_NET_SOCK_PEER_NAME), NULL);
	names_add_host(names, peer_attr(names, ATTR_NET_SOCK_PEER_ADDR), NULL);
	names_add_host(names, peer_attr(names, ATTR_PEER_HOSTNAME), NULL);
	/* Envoy's peer.address is the other end of the request that came in. */
	if (!peer_attr(names, ATTR_UPSTREAM_CLUSTER) && !peer_attr(names, ATTR_RESPONSE_FLAGS))
		names_add_host(names, peer_attr(names, ATTR_PEER_ADDRESS), NULL);
	names_add_url(names, peer_attr_either(names, ATTR_URL_FULL, ATTR_HTTP_URL));
	names_add(names, peer_attr(names, ATTR_FAAS_INVOKED_NAME));
	/* "postgresql" or "kafka" alone tells a person more than an address. */
	names_add(names, peer_attr_either(names, ATTR_DB_SYSTEM_NAME, ATTR_DB_SYSTEM));
	names_add(names, peer_attr(names, ATTR_MESSAGING_SYSTEM));
}

/* ---- names in words ---- */

static bool is_host_char(char c)
{
	return isalnum((unsigned char)c) || c == '.' || c == '-' || c == '_';
}

/* "file.py:12" is no host. */
static bool is_source_file(const char *host, size_t len)
{
	static const char *const endings[] = { ".py", ".go", ".js", ".ts",  ".java", ".rb", ".php",
					       ".cs", ".c",  ".cc", ".cpp", ".rs",   ".kt", ".ex" };

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		size_t n = strlen(endings[i]);

		if (len > n && strncasecmp(host + len - n, endings[i], n) == 0)
			return true;
	}
	return false;
}

/* HOST:PORT anywhere in a text. Not a DNS server, which the text only says was asked, nor the near
 * end of a connection ("10.0.0.1:51312->10.0.0.7:5432"). */
static bool words_host_port(struct names *names, const char *text)
{
	for (const char *colon = strchr(text, ':'); colon; colon = strchr(colon + 1, ':')) {
		size_t len = 0, digits = strspn(colon + 1, "0123456789");
		const char *host, *after = colon + 1 + digits;

		while (colon - len > text && is_host_char(colon[-(ptrdiff_t)len - 1]))
			len++;
		host = colon - len;
		if (len < 2 || digits < 2 || digits > 5 ||
		    ((after[0] == ':' || after[0] == '.') && isdigit((unsigned char)after[1])) ||
		    strncmp(after, "->", 2) == 0 ||
		    (digits == 2 && strncmp(colon, ":53", 3) == 0) ||
		    strspn(host, "0123456789") == len || is_source_file(host, len))
			continue;
		names_add_host(names, arena_strndup(names->arena, host, len),
			       arena_strndup(names->arena, colon + 1, digits));
		return true;
	}
	return false;
}

/* Words that come before a host, and whether a bare word after them is one: otherwise it is only in
 * quotes, with a dot in it, or with a port. */
static const struct before {
	const char *words;
	enum {
		BARE_NEVER,
		BARE_AT_END, /* where the clause ends with it */
		BARE_ALWAYS,
	} bare;
} befores[] = {
	{ "server at ", BARE_NEVER },
	{ "host=", BARE_ALWAYS },
	{ "host name ", BARE_NEVER },
	{ "resolve host: ", BARE_ALWAYS },
	{ "getaddrinfo for ", BARE_ALWAYS },
	{ "host ", BARE_NEVER },
	{ "server on ", BARE_NEVER },
	{ "enotfound ", BARE_ALWAYS },
	{ "eai_again ", BARE_ALWAYS },
	{ "lookup ", BARE_AT_END },
	{ "unknownhostexception: ", BARE_AT_END },
	{ "connecting to ", BARE_NEVER },
	{ "connect to ", BARE_NEVER },
	{ "connection to ", BARE_NEVER },
};

/* Is the bare word before `rest` a host? Go's resolver says "lookup HOST on SERVER". */
static bool is_bare_host(const struct before *before, const char *rest)
{
	return before->bare == BARE_ALWAYS ||
	       (before->bare == BARE_AT_END &&
		(*rest == '\0' || strchr(":);\n", *rest) || strncmp(rest, " on ", 4) == 0));
}

/* The port of a host: what follows the host as ":PORT", Java's "/ADDRESS:PORT", or "port PORT"; ""
 * if nothing does. */
static const char *port_after(const char *rest)
{
	const char *port = rest;

	if (*rest == '/')
		port = rest + strcspn(rest, ":");
	if (*port == ':' && isdigit((unsigned char)port[1]))
		return port + 1;
	port = strcasestr(rest, "port");
	if (!port || port - rest >= PORT_WITHIN)
		return "";
	port += 4;
	return port + strspn(port, " =:");
}

/* A host after one of the words that come before it, quoted or not, and a port after that: `at
 * "10.0.0.7", port 5432`, "host='cart', port=80", "ENOTFOUND cart.shop", "lookup cart.shop: no". */
static bool words_host_after(struct names *names, const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(befores); i++) {
		const char *at = strcasestr(text, befores[i].words), *port;
		size_t len = 0, digits;

		if (!at)
			continue;
		at += strlen(befores[i].words);
		at += strspn(at, " [\"'`");
		while (is_host_char(at[len]))
			len++;
		while (len > 0 && at[len - 1] == '.')
			len--;
		if (len < 2 || at[len] == '=')
			continue;
		port = port_after(at + len);
		digits = strspn(port, "0123456789");
		if (digits == 0 && !memchr(at, '.', len) && !strchr("\"'`", at[-1]) &&
		    !is_bare_host(&befores[i], at + len))
			continue;
		names_add_host(names, arena_strndup(names->arena, at, len),
			       digits > 0 ? arena_strndup(names->arena, port, digits) : NULL);
		return true;
	}
	return false;
}

/* Is the URL whose scheme ends at `end` a page to read? "(see https://curl.haxx.se/…)" */
static bool is_help_link(const char *text, const char *end)
{
	static const char *const words[] = { "see ", "see: ", "visit " };

	while (end > text && isalnum((unsigned char)end[-1]))
		end--;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i]);

		if ((size_t)(end - text) >= len && strncasecmp(end - len, words[i], len) == 0)
			return true;
	}
	return false;
}

/* The host of the first URL in a text that is no page to read. */
static bool words_url(struct names *names, const char *text)
{
	const char *at = strstr(text, "://");

	while (at && is_help_link(text, at))
		at = strstr(at + 3, "://");
	if (!at)
		return false;
	names_add_url(names, arena_strndup(names->arena, at, 3 + strcspn(at + 3, " \t\"'`)>],;")));
	return true;
}

/* The message of Java's UnknownHostException is the host alone, or "HOST: why". */
static bool words_unknown_host(struct names *names, const struct span_texts *texts,
			       const char *text)
{
	static const char *const types[] = { "unknownhostexception", NULL };
	size_t len = 0;

	while (is_host_char(text[len]))
		len++;
	if (len < 2 || (text[len] != '\0' && text[len] != ':'))
		return false;
	for (unsigned int i = 0; i < texts->ntypes; i++) {
		if (text_has_word(texts->at[i], types)) {
			names_add_host(names, arena_strndup(names->arena, text, len), NULL);
			return true;
		}
	}
	return false;
}

static void words_collect(struct names *names)
{
	struct span_texts texts;

	span_texts(names->trace, names->span, &texts);
	for (unsigned int i = texts.ntypes; i < texts.n; i++) {
		const char *text = texts.at[i];

		if (strlen(text) > LIMIT_ATTR_VALUE_BYTES)
			text = arena_strndup(names->arena, text, LIMIT_ATTR_VALUE_BYTES);
		if (!words_url(names, text) && !words_unknown_host(names, &texts, text) &&
		    !words_host_after(names, text))
			words_host_port(names, text);
		if (names->nby_name + names->nby_address > 0)
			return;
	}
}

static void names_finish(struct names *names, struct suspect *suspect)
{
	for (unsigned int i = 0; i < names->nby_address; i++)
		list_add(names->by_name, &names->nby_name, names->by_address[i]);
	suspect->npeers = names->nby_name;
	memcpy(suspect->peers, names->by_name, sizeof(suspect->peers));
}

bool peer_names_in_words(struct arena *arena, const struct trace *trace, const struct span *span,
			 struct suspect *suspect)
{
	struct names names = { .arena = arena, .trace = trace, .span = span };

	words_collect(&names);
	names_finish(&names, suspect);
	return suspect->npeers > 0;
}

void peer_names(struct arena *arena, const struct trace *trace, const struct span *span,
		struct suspect *suspect)
{
	struct names names = { .arena = arena, .trace = trace, .span = span };
	const struct span *call = span;

	names_collect(&names);
	/* A driver's CLIENT span is often the parent of its transport's CLIENT span, and knows the
	 * callee by a better name. */
	for (int level = 0; level < LIMIT_PEER_CALLS && span->parent != TRACE_NONE; level++) {
		const struct span *parent = &trace->spans[span->parent];

		if ((parent->kind != SPAN_CLIENT && parent->kind != SPAN_PRODUCER) ||
		    !span_same_service(trace, span, parent))
			break;
		names.span = span = parent;
		names_collect(&names);
	}
	/* A call that names nobody may do so in its words. */
	if (names.nby_name + names.nby_address == 0 && span_unreachable(trace, call)) {
		names.span = call;
		words_collect(&names);
	}
	names_finish(&names, suspect);
}
