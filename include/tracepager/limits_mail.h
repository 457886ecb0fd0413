/*
 * The caps of mails, each with its reason: a section of limits.h, which includes it.
 */
#ifndef TRACEPAGER_LIMITS_MAIL_H
#define TRACEPAGER_LIMITS_MAIL_H

/* One mail, from connecting to the reply to the message: content filters take up to some 20 s
 * before they answer, and a mail that is given up too early is sent twice. */
#define LIMIT_MAIL_US (30 * US_PER_SECOND)
/* Mailboxes of one pager: more is a mailing list. */
#define LIMIT_MAIL_RECIPIENTS 50u
/* The parts of a mail as they are sent: Gmail cuts a message of more than 102 KB. */
#define LIMIT_MAIL_TEXT_UNITS 12000u
#define LIMIT_MAIL_HTML_BYTES (90u << 10)
#define LIMIT_MAIL_BYTES      (512u << 10)
/* Characters of a subject: the lists of mail readers show some 60 to 100. */
#define LIMIT_MAIL_SUBJECT 120u
/* A mail server greets, speaks TLS and lets in within this: some let a stranger wait on purpose,
 * 10 s at most. */
#define LIMIT_MAIL_READY_US (20 * US_PER_SECOND)
/* The wait for the answer to QUIT, after which the connection is closed: the mail is settled. */
#define LIMIT_MAIL_QUIT_US US_PER_SECOND
/* Mails under way, each with a thread, in all and to one server: servers refuse further connections
 * of one client above 10 to 50. */
#define LIMIT_MAILS_AT_ONCE    16u
#define LIMIT_MAILS_PER_SERVER 4u

#endif
