/*
 * Usage: how commands say on standard error what is wrong. One line each, which begins with the
 * program's and the command's name.
 */
#ifndef USAGE_INTERNAL_H
#define USAGE_INTERNAL_H

#define STATUS_USAGE 2 /* of every command: wrong usage */

/* The command was called wrongly: the text, and where help is. Returns STATUS_USAGE. */
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The command failed. Returns status. */
int command_failed(int status, const char *command, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
