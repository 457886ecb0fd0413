/* Act: see act.h. */
#include "tracepager/act.h"

#include <string.h>

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
