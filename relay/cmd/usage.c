/* Usage: see usage-internal.h. */
#include "usage-internal.h"

#include <stdio.h>

int usage_error(const char *command, const char *text, const char *word)
{
	fprintf(stderr, "tracepager %s: %s%s; \"tracepager %s --help\" tells more\n", command, text,
		word, command);
	return 2;
}
