/* Parses URLs, and finds those that are parsed. */
#include "http_url-internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/xalloc.h"

static void url_free(struct http_url *url)
{
	curl_url_cleanup(url->parsed);
	free(url->text);
	*url = (struct http_url){ .text = NULL };
}

void http_urls_fini(struct http_urls *urls)
{
	for (size_t i = 0; i < LIMIT_PARSED_URLS; i++) {
		assert(!urls->places[i].users);
		url_free(&urls->places[i]);
	}
}

static struct http_url *url_find(struct http_urls *urls, const char *text, size_t len)
{
	for (size_t i = 0; i < LIMIT_PARSED_URLS; i++) {
		struct http_url *url = &urls->places[i];
		if (url->text && url->len == len && !memcmp(url->text, text, len))
			return url;
	}
	return NULL;
}

/* A free place, else that which was not used for longest; NULL: all have users. */
static struct http_url *url_place(struct http_urls *urls)
{
	struct http_url *oldest = NULL;

	for (size_t i = 0; i < LIMIT_PARSED_URLS; i++) {
		struct http_url *url = &urls->places[i];
		if (!url->text)
			return url;
		if (!url->users && (!oldest || url->last_use < oldest->last_use))
			oldest = url;
	}
	if (oldest)
		url_free(oldest);
	return oldest;
}

static struct http_url *url_parse(struct http_urls *urls, const char *text, size_t len)
{
	struct http_url *url;
	CURLU *parsed;

	/* curl 7.88 loses the zone of an IPv6 address when it copies a parsed URL. */
	if (strchr(text, '['))
		return NULL;
	url = url_place(urls);
	parsed = url ? curl_url() : NULL;
	if (!parsed)
		return NULL;
	if (curl_url_set(parsed, CURLUPART_URL, text, 0)) {
		curl_url_cleanup(parsed);
		return NULL;
	}
	*url = (struct http_url){ .text = xstrdup(text), .len = len, .parsed = parsed };
	return url;
}

struct http_url *http_url_take(struct http_urls *urls, const char *text)
{
	const size_t len = strlen(text);
	struct http_url *url = url_find(urls, text, len);

	if (!url)
		url = url_parse(urls, text, len);
	if (!url)
		return NULL;
	url->users++;
	url->last_use = ++urls->nuses;
	return url;
}

void http_url_give(struct http_url *url)
{
	if (!url)
		return;
	assert(url->users);
	url->users--;
}
