/* Web origin: see web_origin-internal.h. */
#include "web_origin-internal.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tracepager/limits.h"

/* Takes the host out of "host", "host:port" or "[v6]:port". false: it is none of these. */
static bool authority_host(const char *authority, char *ret_host, size_t size)
{
	size_t len = strcspn(authority, ":");
	const char *rest = authority + len;

	if (*authority == '[') {
		authority++;
		len = strcspn(authority, "]");
		if (!authority[len])
			return false;
		rest = authority + len + 1;
	}
	if (!len || len >= size ||
	    (*rest && (*rest != ':' || rest[1 + strspn(rest + 1, "0123456789")])))
		return false;
	memcpy(ret_host, authority, len);
	ret_host[len] = '\0';
	/* A name may end with the root's dot. */
	if (len > 1 && ret_host[len - 1] == '.')
		ret_host[len - 1] = '\0';
	return true;
}

static bool is_loopback_host(const char *host)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool is_among(const char *host, const char *hosts)
{
	const size_t len = strlen(host);

	for (hosts += strspn(hosts, " \t"); *hosts; hosts += strspn(hosts, " \t")) {
		const size_t word = strcspn(hosts, " \t");
		if (word == len && strncasecmp(hosts, host, len) == 0)
			return true;
		hosts += word;
	}
	return false;
}

bool web_host_is_ours(const char *authority, const char *listen, const char *hosts)
{
	char host[LIMIT_HOST_BYTES], own[LIMIT_HOST_BYTES];

	if (!authority)
		return true;
	if (!authority_host(authority, host, sizeof(host)))
		return false;
	if (is_loopback_host(host) || is_among(host, hosts))
		return true;
	return authority_host(listen, own, sizeof(own)) && strcasecmp(host, own) == 0;
}

bool web_is_cross_site(const char *origin, const char *fetch_site, const char *listen,
		       const char *hosts)
{
	/* A browser sets it itself; a script cannot. */
	if (fetch_site && strcmp(fetch_site, "cross-site") == 0)
		return true;
	if (!origin)
		return false;
	/* "null" is a page without a site of its own: a file, a sandbox. */
	const char *authority = strstr(origin, "://");
	return !authority || !web_host_is_ours(authority + 3, listen, hosts);
}
