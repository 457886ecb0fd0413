/* Act: see act.h. */
#include "tracepager/act.h"

#include <string.h>

#include "tracepager/xalloc.h"

static const char *const act_names[ACT_KIND_COUNT] = {
	[ACT_ACKNOWLEDGE] = "acknowledge", [ACT_RESOLVE] = "resolve", [ACT_REROUTE] = "reroute",
	[ACT_COMMENT] = "comment",	   [ACT_USEFUL] = "useful",   [ACT_NOISE] = "noise",
	[ACT_SILENCE] = "silence",
};

const char *act_name(enum act_kind kind)
{
	return act_names[kind];
}

int act_of(const char *name)
{
	if (strcmp(name, "ack") == 0)
		return ACT_ACKNOWLEDGE;
	for (int i = 0; i < ACT_KIND_COUNT; i++)
		if (strcmp(name, act_names[i]) == 0)
			return i;
	return -1;
}

static bool act_is_event(const char *event)
{
	static const char *const events[] = { "acknowledged", "commented", "useful", "noise" };

	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		if (strcmp(event, events[i]) == 0)
			return true;
	return false;
}

const char *act_way(const char *event, const char *text, const char **ret_said)
{
	static const struct {
		const char *via, *words;
	} ways[] = {
		{ "api", "by the API" },
		{ "link", "by the link of a page" },
		{ "feedback", "at the pager" },
		{ "web", "on the web page" },
	};

	*ret_said = text;
	if (!act_is_event(event))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		const size_t len = strlen(ways[i].via);
		if (strncmp(text, ways[i].via, len) != 0)
			continue;
		if (!text[len] || strncmp(text + len, ": ", 2) == 0) {
			*ret_said = text[len] ? text + len + 2 : "";
			return ways[i].words;
		}
	}
	return NULL;
}
