/* Help: what --help prints, made from the tables of commands, options and texts. Pure. */
#ifndef HELP_INTERNAL_H
#define HELP_INTERNAL_H

#include "options-internal.h"
#include "tracepager/buf.h"

/* All commands. */
void help_write(struct buf *out);
/* One command: usage, what it does, its options, exit statuses, examples; at most 80 columns. */
void help_write_command(const struct command_row *command, struct buf *out);

#endif
