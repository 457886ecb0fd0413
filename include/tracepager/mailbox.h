/*
 * Mailboxes as people write them: "ann@example.com", "Ann Doe <ann@example.com>", "\"Doe, Ann\"
 * <ann@example.com>", and lists of them with commas between. Of RFC 5322 section 3.4 what people
 * use: no comments, no groups, no quoted local parts, no backslashes. Addresses are ASCII; an
 * address with other letters needs SMTPUTF8, which many servers lack.
 *
 * Pure; any thread.
 */
#ifndef TRACEPAGER_MAILBOX_H
#define TRACEPAGER_MAILBOX_H

#include <stddef.h>

/* Parts of the text that was read; name_len is 0 where there is no name. */
struct mailbox {
	const char *name, *address;
	size_t name_len, address_len;
};

/* The next mailbox of a list, from *at on, which moves behind it. 1: there is one; 0: the list is
 * at its end; -1: what follows is no mailbox. */
int mailbox_next(const char **at, struct mailbox *ret_mailbox);
/* The number of mailboxes in the list; -1: something in it is no mailbox. */
int mailbox_count(const char *list);

#endif
