/* Ynode: look-ups in a tree of nodes, and the values that texts stand for: booleans, numbers,
 * durations. Pure: owns nothing. */
#include <errno.h>
#include <stdlib.h>

#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"

const struct ynode *ynode_get(const struct ynode *map, const char *key)
{
	if (!map || map->kind != YNODE_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i++)
		if (*map->keys[i]->text == *key && strcmp(map->keys[i]->text, key) == 0)
			return map->items[i];
	return NULL;
}

bool ynode_is_empty(const struct ynode *node)
{
	return node->kind == YNODE_SCALAR && !node->quoted && !node->bad &&
	       (!*node->text || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

const char *ynode_kind_name(const struct ynode *node)
{
	switch (node->kind) {
	case YNODE_LIST:
		return "a list";
	case YNODE_MAP:
		return "a map";
	case YNODE_SCALAR:
		break;
	}
	return ynode_is_empty(node) ? "empty" : "a text";
}

bool ynode_bool(const struct ynode *node, bool *ret_value)
{
	if (node->kind != YNODE_SCALAR || node->quoted)
		return false;
	bool value = strcmp(node->text, "true") == 0;
	if (!value && strcmp(node->text, "false") != 0)
		return false;
	*ret_value = value;
	return true;
}

bool ynode_int(const struct ynode *node, int64_t *ret_value)
{
	if (node->kind != YNODE_SCALAR || node->quoted)
		return false;
	const char *digits = node->text + (*node->text == '-');
	if (!*digits || digits[strspn(digits, "0123456789")])
		return false;
	errno = 0;
	long long value = strtoll(node->text, NULL, 10);
	if (errno)
		return false;
	*ret_value = value;
	return true;
}

/* Length of the unit at *at in microseconds; *at moves behind it. 0: no unit. */
static int64_t take_unit(const char **at)
{
	static const struct {
		const char *name;
		int64_t us;
	} units[] = { { "ms", US_PER_MS },     { "us", 1 },
		      { "s", US_PER_SECOND },  { "m", US_PER_MINUTE },
		      { "h", US_PER_HOUR },    { "d", US_PER_DAY },
		      { "w", 7 * US_PER_DAY }, { "y", 365 * US_PER_DAY } };

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		size_t n = strlen(units[i].name);
		if (strncmp(*at, units[i].name, n) == 0) {
			*at += n;
			return units[i].us;
		}
	}
	return 0;
}

bool duration_parse(const char *text, int64_t *ret_us)
{
	int64_t total = 0;

	if (!*text)
		return false;
	if (strcmp(text, "0") == 0) {
		*ret_us = 0;
		return true;
	}
	while (*text) {
		int64_t number = 0, fraction = 0, scale = 1, part;
		const char *start = text;
		for (; *text >= '0' && *text <= '9'; text++)
			if (number <= LIMIT_DURATION_US)
				number = number * 10 + (*text - '0');
		if (text == start)
			return false;
		if (*text == '.') { /* a fraction, as in Go's 1.5h */
			for (start = ++text; *text >= '0' && *text <= '9'; text++)
				if (scale < 1000000) {
					fraction = fraction * 10 + (*text - '0');
					scale *= 10;
				}
			if (text == start)
				return false;
		}
		int64_t unit = take_unit(&text);
		if (!unit || __builtin_mul_overflow(number, unit, &part) ||
		    part > LIMIT_DURATION_US)
			return false;
		/* A fraction has at most six digits here, so that the product cannot overflow. */
		part += fraction * (unit / scale) + fraction * (unit % scale) / scale;
		total += part;
		if (total > LIMIT_DURATION_US)
			return false;
	}
	*ret_us = total;
	return true;
}
