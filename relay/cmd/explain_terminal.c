/* Explain, terminal: what standard output can show. Reads the environment, changes nothing. */
#include "explain-internal.h"

#include <unistd.h>

#include "tracepager/terminal.h"
#include "tracepager/waterfall.h"

static bool wants_colour(enum colour_choice choice)
{
	if (choice != COLOUR_AUTO)
		return choice == COLOUR_ALWAYS;
	return terminal_has_colour(STDOUT_FILENO);
}

void explain_look_at_terminal(enum colour_choice choice, struct explain_text_options *ret_options)
{
	unsigned long columns = terminal_columns(STDOUT_FILENO, LIMIT_TERMINAL_COLUMNS);

	if (columns < WATERFALL_COLUMNS_MIN)
		columns = WATERFALL_COLUMNS_MIN;
	if (columns > WATERFALL_COLUMNS_MAX)
		columns = WATERFALL_COLUMNS_MAX;
	ret_options->columns = (unsigned int)columns;
	ret_options->colour = wants_colour(choice);
	ret_options->ascii = !terminal_is_utf8();
}
