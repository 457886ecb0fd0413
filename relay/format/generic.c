/*
 * Any JSON, by the mapping that the sender declares: one that ships (mappings.c), or one of the
 * configuration. A file says nothing of a mapping, so that no body is recognised as generic. Pure.
 */
#include "mapping-internal.h"

#include <errno.h>

static bool generic_match(const char *text, size_t len)
{
	(void)text;
	(void)len;
	return false;
}

static int generic_parse(struct arena *arena, const struct alert_body *body,
			 struct alert_batch *ret_batch, struct err *err)
{
	if (!body->mapping)
		return err_set(err, EBADMSG, "no mapping says where the alert's fields are");
	return mapping_parse(body->mapping, body->mapping->hooks, arena, body, ret_batch, err);
}

const struct alert_format alert_format_GENERIC = {
	.name = "generic",
	.text = "any JSON, by a mapping that the sender declares",
	.family = "",
	.match = generic_match,
	.parse = generic_parse,
};
