/*
 * Secrets in the words of others: a peer may quote what it was sent, a key among it. The secrets
 * that a peer gets are gathered here, and hidden in whatever it answers before anybody reads or
 * cuts the answer. Found are the secrets themselves, percent-encoded, with the escapes of JSON and
 * of HTML (or a mix of these), within any base64, and the longer half of a secret that the peer
 * cut. It refuses to guess: a text that nobody added is never hidden, nor is one below
 * LIMIT_HIDDEN_LEAST_BYTES. It owns copies of the secrets and wipes them. One thread at a time.
 */
#ifndef TRACEPAGER_SECRET_HIDE_H
#define TRACEPAGER_SECRET_HIDE_H

#include <stdbool.h>
#include <stddef.h>

struct secret_hide;

struct secret_hide *secret_hide_new(void); /* caller frees */
void secret_hide_free(struct secret_hide *hide);
/* A key, a token, a password. Copied. NULL: none. */
void secret_hide_add(struct secret_hide *hide, const char *secret);
/* What is secret in a URL: user and password, the query's values, the parts of the path that look
 * like tokens. whole: the address itself lets a sender in, so that the path is secret, too, with
 * its last part and each that has a digit or a capital; but no part that stands in `known`, as the
 * name of a pager does (NULL: none). url NULL: none. */
void secret_hide_add_url(struct secret_hide *hide, const char *url, bool whole, const char *known);
/* The value of a header: all of it, its words, and the user and password of "Basic". */
void secret_hide_add_header(struct secret_hide *hide, const char *value);
/* Puts *** for each secret in the text, which never grows and stays NUL-terminated at text[len].
 * Returns its new length. hide NULL: nothing is hidden. */
size_t secret_hide_in(const struct secret_hide *hide, char *text, size_t len);

#endif
