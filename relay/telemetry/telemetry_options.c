/* Telemetry, options: the receiver's URL; headers and attributes as lists of KEY=VALUE; what each
 * request has of them. */
#include "telemetry-internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/hex.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

char *telemetry_url(const char *endpoint)
{
	static const char path[] = "/v1/traces";
	size_t len = strlen(endpoint);

	while (len && endpoint[len - 1] == '/')
		len--;
	const bool whole = len >= sizeof(path) - 1 && strncmp(endpoint + len - (sizeof(path) - 1),
							      path, sizeof(path) - 1) == 0;
	return xasprintf("%.*s%s", (int)len, endpoint, whole ? "" : path);
}

/* The part without the blanks around it. */
static const char *pair_trim(const char *text, size_t *len)
{
	while (*len && isblank((unsigned char)*text)) {
		text++;
		--*len;
	}
	while (*len && isblank((unsigned char)text[*len - 1]))
		--*len;
	return text;
}

bool telemetry_next_pair(const char **text, const char *separators, struct telemetry_pair *ret)
{
	const char *at = *text + strspn(*text, separators);
	const size_t len = strcspn(at, separators);
	const char *equals = memchr(at, '=', len);

	*text = at + len;
	if (!len)
		return false;
	*ret = (struct telemetry_pair){ .key = at, .key_len = len, .value = at + len };
	if (equals) {
		ret->key_len = (size_t)(equals - at);
		ret->value = equals + 1;
		ret->value_len = len - ret->key_len - 1;
	}
	ret->key = pair_trim(ret->key, &ret->key_len);
	ret->value = pair_trim(ret->value, &ret->value_len);
	return true;
}

char *telemetry_pair_value(const struct telemetry_pair *pair)
{
	char *value = xcalloc(1, pair->value_len + 1), *to = value;

	for (size_t i = 0; i < pair->value_len; i++) {
		const char *at = pair->value + i;
		if (*at == '%' && i + 2 < pair->value_len && hex_digit(at[1]) >= 0 &&
		    hex_digit(at[2]) >= 0) {
			*to++ = (char)(hex_digit(at[1]) << 4 | hex_digit(at[2]));
			i += 2;
		} else {
			*to++ = *at;
		}
	}
	*to = '\0';
	return value;
}

/* A token of RFC 9110, section 5.6.2. */
static bool pair_key_is_header(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("!#$%&'*+-.^_`|~", text[i]))
			return false;
	return len > 0;
}

static bool pair_value_is_header(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f)
			return false;
	return true;
}

int telemetry_check_headers(const char *text, struct err *err)
{
	struct telemetry_pair pair;
	size_t n = 0;

	while (telemetry_next_pair(&text, ",", &pair)) {
		CLEANUP_FREE char *value = telemetry_pair_value(&pair);
		if (++n > LIMIT_TELEMETRY_HEADERS)
			return err_set(err, EINVAL, "there are more than %u headers",
				       LIMIT_TELEMETRY_HEADERS);
		if (!pair_key_is_header(pair.key, pair.key_len) || !*value ||
		    !pair_value_is_header(value))
			return err_set(err, EINVAL, "header %zu of them is not NAME=VALUE", n);
	}
	return n ? 0 : err_set(err, EINVAL, "there is no NAME=VALUE in it");
}

int telemetry_check_resource(const char *text, struct err *err)
{
	struct telemetry_pair pair;
	size_t n = 0;

	while (telemetry_next_pair(&text, " ", &pair)) {
		if (++n > LIMIT_TELEMETRY_RESOURCE)
			return err_set(err, EINVAL, "there are more than %u attributes",
				       LIMIT_TELEMETRY_RESOURCE);
		if (!pair.key_len || !pair.value_len)
			return err_set(err, EINVAL, "attribute %zu of them is not KEY=VALUE", n);
	}
	return 0;
}

/* ---- requests ---- */

static const char *texts_keep(struct telemetry_texts *kept, char *text)
{
	kept->at[kept->n++] = text;
	return text;
}

void telemetry_add_headers(struct http_request *request, const struct secret *bearer,
			   const struct secret *headers, struct telemetry_texts *kept)
{
	const char *list = headers ? headers->value : NULL;
	struct telemetry_pair pair;

	http_request_header(request, "Content-Type", "application/x-protobuf");
	if (bearer && bearer->value)
		http_request_header(request, "Authorization",
				    texts_keep(kept, xasprintf("Bearer %s", bearer->value)));
	for (size_t n = 0;
	     list && n < LIMIT_TELEMETRY_HEADERS && telemetry_next_pair(&list, ",", &pair); n++)
		http_request_header(request, texts_keep(kept, xstrndup(pair.key, pair.key_len)),
				    texts_keep(kept, telemetry_pair_value(&pair)));
}

void telemetry_texts_fini(struct telemetry_texts *kept)
{
	for (size_t i = 0; i < kept->n; i++) {
		explicit_bzero(kept->at[i], strlen(kept->at[i]));
		free(kept->at[i]);
	}
	kept->n = 0;
}
