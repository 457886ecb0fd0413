/*
 * Plain: reads text that may be hostile, one character at a time, and gives out harmless text. It
 * refuses nothing: every input has an output.
 */
#include "tracepager/plain.h"

#include <stdio.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define REPLACEMENT 0xFFFD
#define ELLIPSIS    "…"

struct range {
	uint32_t first, last;
};

/* Bidirectional marks and overrides, invisible characters, tags: they change how the characters
 * around them are read. U+200C and U+200D stay: Persian and Indic scripts need them. */
static const struct range dropped_ranges[] = {
	{ 0x00AD, 0x00AD }, { 0x061C, 0x061C },	  { 0x180E, 0x180E }, { 0x200B, 0x200B },
	{ 0x200E, 0x200F }, { 0x202A, 0x202E },	  { 0x2060, 0x206F }, { 0xFEFF, 0xFEFF },
	{ 0xFFF9, 0xFFFB }, { 0xE0000, 0xE007F },
};

static const struct range blank_ranges[] = {
	{ 0x0000, 0x0020 },
	{ 0x007F, 0x00A0 },
	{ 0x2028, 0x2029 },
};

/* Characters of two columns: East Asian Width W and F (Unicode Annex 11), rounded to blocks. */
static const struct range wide_ranges[] = {
	{ 0x1100, 0x115F },   { 0x2E80, 0x303E },   { 0x3041, 0xA4CF },	  { 0xAC00, 0xD7A3 },
	{ 0xF900, 0xFAFF },   { 0xFE30, 0xFE6F },   { 0xFF00, 0xFF60 },	  { 0xFFE0, 0xFFE6 },
	{ 0x1F300, 0x1F64F }, { 0x1F680, 0x1F6FF }, { 0x1F900, 0x1F9FF }, { 0x20000, 0x3FFFD },
};

static bool plain_in_ranges(const struct range *ranges, size_t n, uint32_t c)
{
	for (size_t i = 0; i < n; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* Takes one character off *at (RFC 3629, without overlong forms and surrogates). A byte that begins
 * no character becomes U+FFFD. */
static uint32_t plain_decode(const char **at)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)*at;
	unsigned int len = s[0] < 0x80	 ? 1
			   : s[0] < 0xC2 ? 0
			   : s[0] < 0xE0 ? 2
			   : s[0] < 0xF0 ? 3
			   : s[0] < 0xF5 ? 4
					 : 0;
	uint32_t c = len == 1 ? s[0] : len ? s[0] & (0x7Fu >> len) : REPLACEMENT;

	*at += 1;
	if (len < 2)
		return c;
	for (unsigned int i = 1; i < len; i++) {
		if ((s[i] & 0xC0) != 0x80)
			return REPLACEMENT;
		c = c << 6 | (s[i] & 0x3Fu);
	}
	if (c < least[len] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return REPLACEMENT;
	*at += len - 1;
	return c;
}

static size_t plain_encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = len - 1; i; i--) {
		out[i] = (char)(0x80 | (c & 0x3F));
		c >>= 6;
	}
	out[0] = (char)((0xF00u >> len & 0xF0u) | c);
	return len;
}

/* Skips the "[" of a terminal's control sequence, its parameters and its final byte. */
static const char *skip_sequence(const char *at)
{
	at++;
	while (*at >= 0x20 && *at <= 0x3F)
		at++;
	return *at >= 0x40 && *at <= 0x7E ? at + 1 : at;
}

struct reader {
	const char *at;
	bool begun; /* a character was given out; blanks before it are dropped */
};

/* One character, together with the blank before it, so that a text never ends with a blank. */
struct piece {
	char text[5];
	size_t len, columns;
};

static bool next_piece(struct reader *reader, struct piece *piece)
{
	bool space = false;

	while (*reader->at) {
		if (reader->at[0] == '\033' && reader->at[1] == '[') {
			reader->at = skip_sequence(reader->at + 1);
			continue;
		}
		uint32_t c = plain_decode(&reader->at);
		if (c >= 0x80 && plain_in_ranges(dropped_ranges, ARRAY_LEN(dropped_ranges), c))
			continue;
		if (plain_in_ranges(blank_ranges, ARRAY_LEN(blank_ranges), c)) {
			space = reader->begun;
			continue;
		}
		piece->len = 0;
		if (space)
			piece->text[piece->len++] = ' ';
		piece->len += plain_encode(c, piece->text + piece->len);
		piece->columns =
			(space ? 2u : 1u) +
			(c >= 0x1100 && plain_in_ranges(wide_ranges, ARRAY_LEN(wide_ranges), c));
		reader->begun = true;
		return true;
	}
	return false;
}

static bool plain_is_printable(char c)
{
	return c > ' ' && c < 0x7F;
}

/* How many bytes from `at` on are printable ASCII with single blanks between: each is one piece of
 * one column, or with its blank one of two. At most `most`. */
static size_t ascii_run(const char *at, size_t most)
{
	size_t n = 0;

	while (n < most && (plain_is_printable(at[n]) ||
			    (n && at[n] == ' ' && n + 1 < most && plain_is_printable(at[n + 1]))))
		n++;
	return n;
}

size_t plain_as_is(const char *text, size_t most)
{
	size_t n = text ? ascii_run(text, most) : 0;

	return n && !text[n] ? n : 0;
}

size_t plain_columns(const char *text, size_t max_columns)
{
	struct reader reader = { .at = text ? text : "" };
	struct piece piece;
	size_t columns = 0;

	while (columns <= max_columns) {
		size_t run = ascii_run(reader.at, max_columns - columns + 1);
		if (run) {
			reader.at += run;
			reader.begun = true;
			columns += run;
			continue;
		}
		if (!next_piece(&reader, &piece))
			break;
		columns += piece.columns;
	}
	return columns;
}

/* A text on its way out: `fits` and `fit_columns` say how much of it stays where an ellipsis must
 * follow. */
struct plain_writer {
	struct buf *out;
	size_t columns, room; /* room: for the text before an ellipsis */
	size_t fits, fit_columns;
};

static void plain_writer_add(struct plain_writer *writer, const char *text, size_t len,
			     size_t columns)
{
	buf_add(writer->out, text, len);
	writer->columns += columns;
	if (writer->columns <= writer->room) {
		writer->fits = writer->out->len;
		writer->fit_columns = writer->columns;
	}
}

/* Adds as much of the run as leaves room for an ellipsis, then the rest of it: a blank that would
 * stand before the ellipsis belongs to the rest. */
static void plain_writer_add_run(struct plain_writer *writer, const char *text, size_t run)
{
	size_t head = writer->room - writer->columns;

	if (writer->columns > writer->room)
		head = 0;
	if (head < run) {
		if (head && text[head - 1] == ' ')
			head--;
		if (head)
			plain_writer_add(writer, text, head, head);
		text += head;
		run -= head;
	}
	plain_writer_add(writer, text, run, run);
}

size_t plain_add(struct buf *out, const char *text, size_t max_columns)
{
	struct reader reader = { .at = text ? text : "" };
	struct plain_writer writer = { .out = out,
				       .room = max_columns ? max_columns - 1 : 0,
				       .fits = out->len };
	struct piece piece;

	for (;;) {
		size_t run = ascii_run(reader.at, max_columns - writer.columns);
		if (run) {
			plain_writer_add_run(&writer, reader.at, run);
			reader.at += run;
			reader.begun = true;
			continue;
		}
		if (!next_piece(&reader, &piece))
			return writer.columns;
		if (writer.columns + piece.columns > max_columns)
			break;
		plain_writer_add(&writer, piece.text, piece.len, piece.columns);
	}
	if (!max_columns)
		return 0;
	if (!out->failed) {
		out->len = writer.fits;
		buf_puts(out, ELLIPSIS);
	}
	return writer.fit_columns + 1;
}

void plain_pad(struct buf *out, const char *text, size_t columns)
{
	for (size_t used = plain_add(out, text, columns); used < columns; used++)
		buf_putc(out, ' ');
}

char *plain_text(struct arena *arena, const char *text, size_t max_columns)
{
	/* A column has at most four bytes. */
	BUF_LOCAL(buf, max_columns * 4 + 4);

	plain_add(&buf, text, max_columns);
	char *copy = arena_strndup(arena, buf_text(&buf), buf.len);
	buf_fini(&buf);
	return copy;
}

/* One character of a person's text, as it is kept. */
static void plain_words_add(struct buf *out, const char *at, uint32_t c, bool one_line)
{
	char bytes[4];

	if (c == '\r' && at[0] == '\n')
		return; /* browsers end lines so */
	if (c >= 0x80 && plain_in_ranges(dropped_ranges, ARRAY_LEN(dropped_ranges), c))
		return;
	if (plain_in_ranges(blank_ranges, ARRAY_LEN(blank_ranges), c) &&
	    (one_line || (c != '\n' && c != '\t')))
		c = ' ';
	buf_add(out, bytes, plain_encode(c, bytes));
}

char *plain_words(struct arena *arena, const char *text, bool one_line)
{
	/* A byte that is no UTF-8 becomes three. */
	struct buf buf = BUF_INIT(3 * strlen(text ? text : "") + 1);
	const char *at = text ? text : "";

	while (*at) {
		if (at[0] == '\033' && at[1] == '[') {
			at = skip_sequence(at + 1);
			continue;
		}
		const uint32_t c = plain_decode(&at);
		plain_words_add(&buf, at, c, one_line);
	}
	const char *words = buf_text(&buf);
	size_t len = buf.len, skip = strspn(words, " \n");
	while (len > skip && (words[len - 1] == ' ' || words[len - 1] == '\n'))
		len--;
	char *copy = arena_strndup(arena, words + skip, len > skip ? len - skip : 0);
	buf_fini(&buf);
	return copy;
}

const char *plain_duration(int64_t duration_us, char out[PLAIN_DURATION_SIZE])
{
	double us = duration_us > 0 ? (double)duration_us : 0;

	if (us < 999.5)
		snprintf(out, PLAIN_DURATION_SIZE, "%.0f µs", us);
	else if (us < 999.5e3)
		snprintf(out, PLAIN_DURATION_SIZE, "%.3g ms", us / 1e3);
	else if (us < 9.995e6)
		snprintf(out, PLAIN_DURATION_SIZE, "%.2f s", us / 1e6);
	else if (us < 99.95e6)
		snprintf(out, PLAIN_DURATION_SIZE, "%.1f s", us / 1e6);
	else if (us < (double)US_PER_HOUR && duration_us % US_PER_MINUTE < US_PER_SECOND)
		snprintf(out, PLAIN_DURATION_SIZE, "%lld min",
			 (long long)(duration_us / US_PER_MINUTE));
	else if (us < (double)US_PER_HOUR)
		snprintf(out, PLAIN_DURATION_SIZE, "%lld min %02lld s",
			 (long long)(duration_us / US_PER_MINUTE),
			 (long long)(duration_us % US_PER_MINUTE / US_PER_SECOND));
	else if (us < 3.0 * (double)US_PER_DAY)
		snprintf(out, PLAIN_DURATION_SIZE, "%.1f h", us / (double)US_PER_HOUR);
	else
		snprintf(out, PLAIN_DURATION_SIZE, "%.0f days", us / (double)US_PER_DAY);
	return out;
}
