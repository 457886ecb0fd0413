/* How commands say that they were called in a wrong way. */
#ifndef USAGE_INTERNAL_H
#define USAGE_INTERNAL_H

/* Tells text and word, one behind the other, and where help is; returns the exit status, 2. */
int usage_error(const char *command, const char *text, const char *word);

#endif
