/*
 * Ytext: characters of a text that a person wrote: UTF-8, line breaks, the cells that a character
 * takes in a terminal, and escapes for those that must not reach one. Independent of the locale, so
 * that a finding looks the same on every machine. Pure: owns nothing, any thread may call.
 */
#ifndef TRACEPAGER_YTEXT_H
#define TRACEPAGER_YTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/buf.h"

#define YTEXT_BAD UINT32_MAX /* not UTF-8 */

/* Decodes the character at `at`, which lies before `end`. Returns its length in bytes; 1 for a byte
 * that is not UTF-8, with *ret_char YTEXT_BAD. */
size_t ytext_char(const char *at, const char *end, uint32_t *ret_char);
/* Length in bytes of the line break at `at` (YAML 1.1: CR LF, CR, LF, NEL, LS, PS); 0: none. */
size_t ytext_break(const char *at, const char *end);
/* Adds one character, escaped where a terminal must not get it. Returns the cells that it takes
 * there. */
size_t ytext_show_char(struct buf *out, const char *at, size_t len, uint32_t c);
/* Adds a whole text the same way. */
void ytext_show(struct buf *out, const char *text);
/* Is the text a whole URL of http or https, with a host, a possible port, and without blanks? A
 * port may be a placeholder in braces. Finds slips; the HTTP client checks the rest. */
bool ytext_is_url(const char *text);
/* Is it the address of a mail server: smtp:// or smtps://, a host, perhaps a port and a path;
 * ASCII, without a user? */
bool ytext_is_mail_url(const char *text);
/* Digits and letters that nobody chose to be read: a short run without a separator (a check-in of a
 * dead man's switch), a longer one with them (a UUID), or one long word. */
bool ytext_is_token(const char *text, size_t len);
/* Adds the URL without its user and fragment; `replace` stands for the query and for the parts of
 * the path that look like tokens. True: something is left out. */
bool ytext_add_open_url(struct buf *out, const char *url, const char *replace);

#endif
