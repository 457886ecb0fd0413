/*
 * Pager kind email: a page as a mail of two forms, plain text and HTML (email_html.c), for a mail
 * server. A trigger begins a thread, and every later mail of the same page answers it, by
 * In-Reply-To and References: its Message-ID is made of the page's key and the pager's name. A mail
 * cannot be taken back, so that every event is a mail of its own. All attempts at one mail have the
 * same Message-ID: a server that took it and could not say so drops the copy, or the reader shows
 * one.
 */
#include "email-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tracepager/limits.h"
#include "tracepager/mailbox.h"
#include "tracepager/url.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"

/* Never in quoted-printable, where hexadecimal digits follow each "=". */
#define EMAIL_BOUNDARY "=_tracepager"
/* Bytes of a name in a Message-ID. */
#define EMAIL_ID_BYTES 80u

/* ---- the options ---- */

static bool url_is_smtp(const char *url)
{
	const char *host = url ? strstr(url, "://") : NULL;

	if (!host || !host[3] ||
	    (strncasecmp(url, "smtp://", 7) != 0 && strncasecmp(url, "smtps://", 8) != 0))
		return false;
	for (; *url; url++)
		if (*url <= ' ' || *url >= 0x7f || *url == '@')
			return false;
	return true;
}

static int email_tls(const struct page_target *target, enum mail_tls *ret_tls, struct err *err)
{
	static const char *const names[] = { [MAIL_TLS_REQUIRED] = "required",
					     [MAIL_TLS_OPPORTUNISTIC] = "opportunistic",
					     [MAIL_TLS_NONE] = "none" };
	const char *name = target->texts[PAGER_TLS];

	*ret_tls = url_is_local(target->url) ? MAIL_TLS_NONE : MAIL_TLS_REQUIRED;
	if (!name)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0) {
			*ret_tls = (enum mail_tls)i;
			return 0;
		}
	return err_set(err, EINVAL, "tls of pager %s is none of required, opportunistic and none",
		       target->pager);
}

/* The addresses of the list, kept by the arena. */
static const char *const *email_addresses(struct arena *arena, const char *list, size_t n)
{
	const char **addresses = arena_array(arena, n + 1, sizeof(*addresses));
	struct mailbox box;

	for (size_t i = 0; i < n && mailbox_next(&list, &box) > 0; i++)
		addresses[i] = arena_strndup(arena, box.address, box.address_len);
	return addresses;
}

/* Rules are checked when they are loaded; a stored target may be of another relay. */
static int email_check(const struct page_target *target, struct err *err)
{
	const char *to = target->texts[PAGER_TO], *from = target->texts[PAGER_FROM];
	const int n = to ? mailbox_count(to) : 0;

	if (!url_is_smtp(target->url))
		return err_set(err, EINVAL,
			       "pager %s has no url such as smtp://mail.example.com:587 or "
			       "smtps://mail.example.com",
			       target->pager);
	if (!from || mailbox_count(from) != 1)
		return err_set(err, EINVAL, "from of pager %s is no mailbox", target->pager);
	if (n < 1 || n > (int)LIMIT_MAIL_RECIPIENTS)
		return err_set(err, EINVAL, "to of pager %s is no list of 1 to %u mailboxes",
			       target->pager, LIMIT_MAIL_RECIPIENTS);
	if (!target->key != !target->texts[PAGER_USER])
		return err_set(err, EINVAL, "pager %s has a %s and no %s", target->pager,
			       target->key ? "password" : "user",
			       target->key ? "user" : "password");
	return 0;
}

/* ---- headers ---- */

/* The text in the characters that every reader takes in a Message-ID; others as +XX. */
static void email_add_id(struct buf *out, const char *text)
{
	const size_t start = out->len;

	for (; *text && out->len - start < EMAIL_ID_BYTES; text++) {
		const char c = *text;
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '_')
			buf_putc(out, c);
		else
			buf_printf(out, "+%02X", (unsigned char)c);
	}
}

/* "<KEY.PAGER@DOMAIN>" of the trigger, which begins the thread, or "<MESSAGE@DOMAIN>". */
static const char *email_id(struct arena *arena, const char *first, const char *second,
			    const char *from)
{
	struct buf id = BUF_INIT(4 * EMAIL_ID_BYTES + 512);

	buf_putc(&id, '<');
	email_add_id(&id, first);
	if (second) {
		buf_putc(&id, '.');
		email_add_id(&id, second);
	}
	buf_printf(&id, "%s>", strchr(from, '@'));
	const char *kept = arena_strdup(arena, buf_text(&id));
	buf_fini(&id);
	return kept;
}

static void email_add_urgency(struct buf *out, const struct page *page)
{
	const bool low = page->urgency && strcmp(page->urgency, "low") == 0;

	if (page->event == PAGE_RESOLVE || low || page->severity != SEVERITY_CRITICAL)
		return;
	mime_header(out, "Importance", "high");
	mime_header(out, "X-Priority", "1 (Highest)");
}

static void email_write_headers(struct arena *arena, const struct page *page,
				const struct page_target *target, const char *from,
				const char *message_id, int64_t wall_us, struct buf *out)
{
	const char *thread = email_id(arena, page->dedup_key, target->pager, from);
	const bool first = page->event == PAGE_TRIGGER;

	mime_date(out, "Date", wall_us);
	mime_mailboxes(arena, out, "From", target->texts[PAGER_FROM]);
	mime_mailboxes(arena, out, "To", target->texts[PAGER_TO]);
	mime_header(out, "Subject", email_headline(arena, page, LIMIT_MAIL_SUBJECT));
	buf_printf(out, "Message-ID: %s\r\n",
		   first ? thread : email_id(arena, message_id, NULL, from));
	if (!first)
		buf_printf(out, "In-Reply-To: %s\r\nReferences: %s\r\n", thread, thread);
	/* RFC 3834; the second is what Exchange obeys. */
	mime_header(out, "Auto-Submitted", "auto-generated");
	mime_header(out, "X-Auto-Response-Suppress", "All");
	email_add_urgency(out, page);
	mime_header(out, "X-Tracepager-Incident",
		    pager_words(arena, page->incident, LIMIT_MAIL_SUBJECT, true));
	mime_header(out, "X-Tracepager-Event", page_event_name(page->event));
	mime_header(out, "X-Tracepager-Severity", severity_name(page->severity));
	buf_puts(out, "MIME-Version: 1.0\r\n"
		      "Content-Type: multipart/alternative; boundary=\"" EMAIL_BOUNDARY "\"\r\n"
		      "\r\n");
}

/* ---- the text ---- */

/* In the order of tracepager-page(7), with empty lines between its parts. */
static const char *email_text(struct arena *arena, const struct page *page, const char *pager)
{
	struct pager_markup markup = pager_plain;
	struct buf words = BUF_INIT(4 * LIMIT_MAIL_TEXT_UNITS + 4096);
	struct marked_text text = { arena, &words, &markup, LIMIT_MAIL_TEXT_UNITS };
	struct page_link links[PAGER_LINKS];
	const size_t n = pager_links(arena, page, links);
	const size_t acts = pager_acts(page, links, n);

	/* Readers of plain text show it in one font of equal widths most often; others show HTML.
	 */
	markup.one_font = false;
	markup.code = "\n";
	markup.code_end = "";
	marked_bold(&text, email_headline(arena, page, LIMIT_SUMMARY_CHARS));
	buf_puts(&words, acts ? "\n" : "");
	marked_links(&text, links, 0, acts);
	buf_putc(&words, '\n');
	marked_facts(&text, page);
	marked_waterfall(&text, page);
	buf_puts(&words, n > acts ? "\n" : "");
	marked_links(&text, links, acts, n);
	buf_putc(&words, '\n');
	const size_t before = words.len;
	marked_words(&text, page);
	buf_puts(&words, words.len > before ? "\n" : "");
	marked_last_facts(&text, page);
	buf_printf(&words, "\n-- \ntracepager, pager %s\n",
		   pager_words(arena, pager, LIMIT_RULE_NAME_BYTES, true));
	const char *kept = arena_strndup(arena, buf_text(&words), words.len);
	buf_fini(&words);
	return kept;
}

/* ---- the kind ---- */

static int email_build(struct arena *arena, const struct page *page,
		       const struct page_target *target, const char *message_id, int64_t wall_us,
		       struct delivery *ret_delivery, struct err *err)
{
	struct buf out = BUF_INIT(LIMIT_MAIL_BYTES);
	struct mail *mail = arena_alloc(arena, sizeof(*mail));
	enum mail_tls tls;

	if (email_check(target, err) < 0 || email_tls(target, &tls, err) < 0)
		return -EINVAL;
	const size_t nto = (size_t)mailbox_count(target->texts[PAGER_TO]);
	*mail = (struct mail){
		.url = target->url,
		.tls = tls,
		.user = target->texts[PAGER_USER],
		.password = target->texts[PAGER_USER] ? target->key : NULL,
		.ca_file = target->texts[PAGER_CA],
		.from = email_addresses(arena, target->texts[PAGER_FROM], 1)[0],
		.to = email_addresses(arena, target->texts[PAGER_TO], nto),
		.nto = nto,
		.timeout_us = LIMIT_MAIL_US,
		.max_reply_bytes = LIMIT_REPLY_BYTES,
	};
	email_write_headers(arena, page, target, mail->from, message_id, wall_us, &out);
	buf_puts(&out, "--" EMAIL_BOUNDARY "\r\n");
	mime_part(&out, "text/plain", email_text(arena, page, target->pager));
	buf_puts(&out, "--" EMAIL_BOUNDARY "\r\n");
	mime_part(&out, "text/html", email_html(arena, page, target->pager));
	buf_puts(&out, "--" EMAIL_BOUNDARY "--\r\n");
	if (out.failed) {
		buf_fini(&out);
		return err_set(err, E2BIG, "the mail has more than %u bytes", LIMIT_MAIL_BYTES);
	}
	mail->data = arena_strndup(arena, out.data, out.len);
	mail->len = out.len;
	*ret_delivery = (struct delivery){ .mail = mail };
	buf_fini(&out);
	return 0;
}

/* A peer's words in a judgement's text. */
static void email_make_plain(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

/* SMTP's own rule (RFC 5321 section 4.2.1): 4xx may pass, 5xx stays. */
static struct judgement email_judge(const struct http_reply *reply)
{
	static const char login[] = "; check user and password";
	struct judgement judgement = { .outcome = JUDGE_REJECTED, .retry_after_us = -1 };
	const char *words = reply->status == 0 ? reply->error : reply->body;
	const char *refused = http_reply_header(reply, "Refused");
	const bool bad_login = reply->status == 530 || reply->status == 534 ||
			       reply->status == 535 || reply->status == 538;

	words = words ? words : "";
	if (reply->status >= 200 && reply->status <= 299) {
		judgement.outcome = JUDGE_DELIVERED;
		if (refused)
			snprintf(judgement.text, sizeof(judgement.text), "refused for %.*s",
				 (int)utf8_span(refused, strnlen(refused, 180)), refused);
		email_make_plain(judgement.text);
		return judgement;
	}
	if (reply->status < 500)
		judgement.outcome = JUDGE_RETRY;
	const int len = (int)utf8_span(words, strnlen(words, 150));
	if (reply->status == 0)
		snprintf(judgement.text, sizeof(judgement.text), "no reply: %.*s", len, words);
	else
		snprintf(judgement.text, sizeof(judgement.text), "SMTP %d: %.*s%s", reply->status,
			 len, words, bad_login ? login : "");
	email_make_plain(judgement.text);
	return judgement;
}

const struct pager_kind pager_kind_EMAIL = {
	.name = "email",
	.knows_moved = true,
	.build = email_build,
	.judge = email_judge,
};
