/*
 * Warnings about the addresses of pagers, and the paths of their files: a part that was to be
 * filled in, a port or a path of another protocol, an address at which a tracepager listens.
 */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "check-internal.h"
#include "tracepager/secret_slip.h"

/* ---- what was to be filled in ---- */

/* In an address or a path a word such as "todo" may be a name: these are none. */
static bool part_is_placeholder(const char *part)
{
	static const char *const words[] = { "todo", "fixme", "tbd", "placeholder" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(part, words[i]) == 0)
			return false;
	return strcmp(part, "REPLACE") == 0 || secret_is_placeholder(part);
}

static bool has_placeholder(struct arena *arena, const char *text)
{
	static const char between[] = "/?&=#@:., ";

	for (size_t len; *text; text += len + (text[len] != '\0')) {
		len = strcspn(text, between);
		if (part_is_placeholder(arena_strndup(arena, text, len)))
			return true;
	}
	return false;
}

/* Members of a pager or a team but its secrets, which have a warning of their own. */
static void warn_of_placeholders(const struct rules_check *check, const struct rule_source *source)
{
	const struct ynode *map = source->node;

	for (size_t i = 0; map->kind == YNODE_MAP && i < map->n; i++) {
		const char *key = map->keys[i]->text;
		const size_t len = strlen(key);
		const bool address = strcmp(key, "url") == 0;
		if (map->items[i]->kind != YNODE_SCALAR ||
		    (!address && (len < 5 || strcmp(key + len - 5, "_file") != 0)) ||
		    !has_placeholder(check->scratch, map->items[i]->text))
			continue;
		CHECK_WARNING(
			check, source, map->items[i], "W039",
			address ? "write the address whole: an import leaves out what may be a "
				  "secret"
				: "write the path of the file",
			"a part of the %s was to be filled in", key);
	}
}

/* ---- addresses of another kind ---- */

/* The port of a URL; -1: it has none. */
static int url_port(const char *url)
{
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	const char *end = host + strcspn(host, "/?#");
	const char *colon = memrchr(host, ':', (size_t)(end - host));
	return colon && isdigit((unsigned char)colon[1]) ? (int)strtol(colon + 1, NULL, 10) : -1;
}

static const char *url_path(const char *url)
{
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	return host + strcspn(host, "/?#");
}

struct address_slip {
	const char *text, *hint;
};

static bool mail_slip(const char *url, struct address_slip *slip)
{
	const int port = url_port(url);

	if (strncmp(url, "smtps://", 8) == 0 && port == 587)
		*slip = (struct address_slip){
			"at port 587 a mail server begins without TLS, and smtps begins with it",
			"write smtp:// for port 587, where STARTTLS is asked for, or smtps:// "
			"without a "
			"port"
		};
	else if (strncmp(url, "smtp://", 7) == 0 && port == 465)
		*slip = (struct address_slip){
			"at port 465 a mail server begins with TLS, and smtp begins without it",
			"write smtps:// for port 465, or smtp:// with port 587"
		};
	else
		return false;
	return true;
}

static bool pagerduty_address_slip(const char *url, struct address_slip *slip)
{
	const char *path = url_path(url);

	if (strncmp(path, "/generic/2010-04-15/", 20) != 0)
		return false;
	*slip = (struct address_slip){
		"this is the address of PagerDuty's Events API v1, which takes other events",
		"leave url out; for the EU write https://events.eu.pagerduty.com/v2/enqueue"
	};
	return true;
}

/* /webhook/SENDER at the port at which a tracepager listens: pages would come back as alerts. Other
 * programs have such paths, too, so that the port tells. */
static bool own_address_slip(const char *url, struct address_slip *slip)
{
	const char *path = url_path(url);

	if (url_port(url) != 9480 || strncmp(path, "/webhook/", 9) != 0)
		return false;
	*slip = (struct address_slip){
		"this is where a tracepager takes alerts: it would take its own pages for alerts",
		"write the address of the program that is to get the pages"
	};
	return true;
}

void check_addresses(const struct rules_check *check)
{
	for (size_t i = 0; i < check->set->npagers; i++) {
		const struct rule_source *source = &check->pagers[i];
		const struct pager *pager = &check->set->pagers[i];
		const struct ynode *url = ynode_get(source->node, "url");
		struct address_slip slip;
		warn_of_placeholders(check, source);
		if (!url || url->kind != YNODE_SCALAR)
			continue;
		if ((pager->kind == PAGER_EMAIL && mail_slip(url->text, &slip)) ||
		    (pager->kind == PAGER_PAGERDUTY && pagerduty_address_slip(url->text, &slip)) ||
		    (pager->kind == PAGER_WEBHOOK && own_address_slip(url->text, &slip)))
			CHECK_WARNING(check, source, url, "W058", slip.hint, "%s", slip.text);
	}
	for (size_t i = 0; i < check->set->nteams; i++)
		warn_of_placeholders(check, &check->teams[i]);
}
