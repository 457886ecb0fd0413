/* Writes headers and bodies of MIME. See email-internal.h. */
#include "email-internal.h"

#include <string.h>
#include <time.h>

#include "tracepager/clock.h"
#include "tracepager/mailbox.h"
#include "tracepager/utf8.h"

/* RFC 2045 and RFC 2047: columns of a line, and of an encoded word with its frame. */
#define MIME_COLUMNS 76u
#define WORD_FRAME   (sizeof("=?UTF-8?B?") - 1 + sizeof("?=") - 1)
/* A longer word is no word of a language: it is encoded, since it may not fit a line. */
#define WORD_BYTES 60u

/* ---- headers ---- */

/* Printable ASCII that needs no encoding, and that folding at its blanks leaves as it is. */
static bool is_plain_header(const char *text)
{
	size_t word = 0;

	if (*text == ' ' || strstr(text, "=?"))
		return false;
	for (; *text; text++) {
		if (*text < ' ' || *text >= 0x7f || (*text == ' ' && (!text[1] || text[1] == ' ')))
			return false;
		word = *text == ' ' ? 0 : word + 1;
		if (word > WORD_BYTES)
			return false;
	}
	return true;
}

/* Adds the words; returns the column behind them. */
static size_t add_plain_words(struct buf *out, const char *text, size_t column)
{
	while (*text) {
		size_t len = strcspn(text, " ");
		if (column + 1 + len > MIME_COLUMNS) {
			buf_puts(out, "\r\n");
			column = 0;
		}
		buf_putc(out, ' ');
		buf_add(out, text, len);
		column += 1 + len;
		text += len + (text[len] == ' ');
	}
	return column;
}

/* How many of the bytes go into one encoded word: whole characters only. */
static size_t encoded_bytes(const char *text, size_t room)
{
	const size_t len = strlen(text), n = utf8_cut(text, len, room);

	return n > 0 ? n : len < room ? len : room; /* no UTF-8 */
}

static size_t add_encoded_words(struct buf *out, const char *text, size_t column)
{
	char base64[base64_size(MIME_COLUMNS)];

	while (*text) {
		if (column + 1 + WORD_FRAME + 8 > MIME_COLUMNS) {
			buf_puts(out, "\r\n");
			column = 0;
		}
		size_t room = (MIME_COLUMNS - column - 1 - WORD_FRAME) / 4 * 3;
		size_t n = encoded_bytes(text, room);
		base64_encode(text, n, base64);
		buf_printf(out, " =?UTF-8?B?%s?=", base64);
		column += 1 + WORD_FRAME + strlen(base64);
		text += n;
	}
	return column;
}

static size_t add_header_words(struct buf *out, const char *text, size_t column)
{
	return is_plain_header(text) ? add_plain_words(out, text, column)
				     : add_encoded_words(out, text, column);
}

void mime_header(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, "%s:", name);
	add_header_words(out, text, strlen(name) + 1);
	buf_puts(out, "\r\n");
}

/* Of a mailbox's name: letters and blanks stand as they are, other ASCII in quotes; it has no quote
 * and no backslash (mailbox.h). */
static size_t add_mailbox_name(struct buf *out, const char *name, size_t column)
{
	bool ascii = true, plain = true;

	for (const char *c = name; *c; c++) {
		ascii &= *c >= ' ' && *c < 0x7f;
		plain &= (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == ' ';
	}
	if (!ascii || strlen(name) > WORD_BYTES)
		return add_encoded_words(out, name, column);
	if (column + 3 + strlen(name) > MIME_COLUMNS) {
		buf_puts(out, "\r\n");
		column = 0;
	}
	buf_printf(out, plain ? " %s" : " \"%s\"", name);
	return column + strlen(name) + (plain ? 1 : 3);
}

void mime_mailboxes(struct arena *arena, struct buf *out, const char *name, const char *list)
{
	size_t column = strlen(name) + 1, n = 0;
	struct mailbox box;

	buf_printf(out, "%s:", name);
	while (mailbox_next(&list, &box) > 0) {
		const bool named = box.name_len > 0;
		if (n++) {
			buf_putc(out, ',');
			column++;
		}
		if (named)
			column = add_mailbox_name(out, arena_strndup(arena, box.name, box.name_len),
						  column);
		if (column + box.address_len + 4 > MIME_COLUMNS) {
			buf_puts(out, "\r\n");
			column = 0;
		}
		buf_printf(out, named ? " <%.*s>" : " %.*s", (int)box.address_len, box.address);
		column += box.address_len + (named ? 3 : 1);
	}
	buf_puts(out, "\r\n");
}

void mime_date(struct buf *out, const char *name, int64_t wall_us)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	const time_t at = (time_t)(wall_us / US_PER_SECOND);
	struct tm tm;

	if (!gmtime_r(&at, &tm))
		return;
	buf_printf(out, "%s: %s, %02d %s %d %02d:%02d:%02d +0000\r\n", name, days[tm.tm_wday],
		   tm.tm_mday, months[tm.tm_mon], 1900 + tm.tm_year, tm.tm_hour, tm.tm_min,
		   tm.tm_sec);
}

/* ---- quoted-printable ---- */

/* The character as it stands on the line: itself, or "=C3". A blank at a line's end and a dot at a
 * line's start do not survive every mail server. */
static size_t quote_character(const char *text, bool first, char out[4])
{
	static const char digits[] = "0123456789ABCDEF";
	const unsigned char c = (unsigned char)*text;
	const bool last = !text[1] || text[1] == '\n';

	if ((c > ' ' && c < 0x7f && c != '=' && !(first && c == '.')) ||
	    ((c == ' ' || c == '\t') && !last)) {
		out[0] = (char)c;
		return 1;
	}
	out[0] = '=';
	out[1] = digits[c >> 4];
	out[2] = digits[c & 0xf];
	return 3;
}

static void add_quoted_printable(struct buf *out, const char *text)
{
	size_t column = 0;
	char quoted[4];

	for (; *text; text++) {
		if (*text == '\n') {
			buf_puts(out, "\r\n");
			column = 0;
			continue;
		}
		size_t n = quote_character(text, column == 0, quoted);
		/* Only the last character of a line of text may take the column of "=". */
		if (column + n > MIME_COLUMNS - (text[1] && text[1] != '\n')) {
			buf_puts(out, "=\r\n");
			column = 0;
			n = quote_character(text, true, quoted);
		}
		buf_add(out, quoted, n);
		column += n;
	}
	if (column)
		buf_puts(out, "\r\n");
}

void mime_part(struct buf *out, const char *type, const char *text)
{
	buf_printf(out,
		   "Content-Type: %s; charset=utf-8\r\n"
		   "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
		   type);
	add_quoted_printable(out, text);
}
