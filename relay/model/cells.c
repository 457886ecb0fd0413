/*
 * Cells: measures text in terminal cells, and cuts it. Pure; owns nothing. Texts go through
 * plain_add() first, so that they are well-formed UTF-8.
 */
#include "tracepager/cells.h"

#include <stdint.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

#define ELLIPSIS "…"

struct range {
	uint32_t first, last;
};

#define NOTHING(first, last)

static const struct range cell_mark_ranges[] = {
#define MARK(first, last) { first, last },
#define WIDE		  NOTHING
#include "tracepager/tbl/cell_widths.def"
#undef MARK
#undef WIDE
};

static const struct range cell_wide_ranges[] = {
#define MARK		  NOTHING
#define WIDE(first, last) { first, last },
#include "tracepager/tbl/cell_widths.def"
#undef MARK
#undef WIDE
};

/* Signs that tracepager draws, each one cell wide, and the ASCII character in their place. */
static const struct {
	char sign[4], like;
} likes[] = {
	{ "█", '#' }, { "░", '-' }, { "✗", 'x' }, { "›", '>' }, { "‹", '<' }, { "└", '`' },
	{ "→", '>' }, { "…", '~' }, { "—", '-' }, { "·", ',' }, { "µ", 'u' },
};

static bool code_in_ranges(const struct range *ranges, size_t n, uint32_t c)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t middle = lo + (hi - lo) / 2;
		if (c > ranges[middle].last)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo < n && c >= ranges[lo].first;
}

/* Decode the character at text; returns its bytes. */
static size_t code_point(const char *text, size_t len, uint32_t *ret_code)
{
	unsigned char lead = (unsigned char)text[0];
	size_t n = 1;

	*ret_code = lead < 0x80	  ? lead
		    : lead < 0xE0 ? lead & 0x1Fu
		    : lead < 0xF0 ? lead & 0xFu
				  : lead & 0x7u;
	while (n < len && n < 4 && ((unsigned char)text[n] & 0xC0) == 0x80)
		*ret_code = *ret_code << 6 | ((unsigned char)text[n++] & 0x3Fu);
	return n;
}

/* Below the first mark every character has one cell. */
#define FIRST_MARK_LEAD 0xCC

size_t cells_character(const char *text, size_t len, size_t *ret_cells)
{
	uint32_t code;
	size_t at = code_point(text, len, &code);

	if ((unsigned char)text[0] < 0x80 &&
	    (at == len || (unsigned char)text[at] < FIRST_MARK_LEAD)) {
		*ret_cells = 1;
		return at;
	}

	*ret_cells =
		code_in_ranges(cell_mark_ranges, ARRAY_LEN(cell_mark_ranges), code)
			? 0
			: 1 + code_in_ranges(cell_wide_ranges, ARRAY_LEN(cell_wide_ranges), code);
	while (at < len) {
		size_t n = code_point(text + at, len - at, &code);
		if (!code_in_ranges(cell_mark_ranges, ARRAY_LEN(cell_mark_ranges), code))
			break;
		at += n;
	}
	return at;
}

#define CLUSTER_BYTES 64

static bool is_regional(uint32_t code)
{
	return code >= 0x1F1E6 && code <= 0x1F1FF;
}

/* Is the character part of the one before it? */
static bool joins_cluster(uint32_t before, uint32_t code)
{
	return before == 0x200D || code == 0x200D || (code >= 0x1F3FB && code <= 0x1F3FF) ||
	       (code >= 0xE0020 && code <= 0xE007F) ||
	       code_in_ranges(cell_mark_ranges, ARRAY_LEN(cell_mark_ranges), code);
}

size_t cells_cluster(const char *text, size_t len)
{
	uint32_t before, code;
	size_t at = code_point(text, len, &before);
	bool flag = is_regional(before);

	while (at < len) {
		size_t n = code_point(text + at, len - at, &code);
		if (at + n > CLUSTER_BYTES ||
		    !(joins_cluster(before, code) || (flag && is_regional(code))))
			break;
		flag = false;
		before = code;
		at += n;
	}
	return at;
}

static size_t measure_cells(const char *text, size_t len)
{
	size_t cells = 0, width;

	for (size_t at = 0; at < len; cells += width)
		at += cells_character(text + at, len - at, &width);
	return cells;
}

/* How many bytes from the beginning of text fit into max_cells. */
static size_t fit_cells(const char *text, size_t len, size_t max_cells, size_t *ret_cells)
{
	size_t at = 0, width;

	*ret_cells = 0;
	while (at < len) {
		size_t n = cells_character(text + at, len - at, &width);
		if (*ret_cells + width > max_cells)
			break;
		*ret_cells += width;
		at += n;
	}
	return at;
}

/* Where the longest end of text begins that fits into max_cells; the text has `cells`. */
static size_t tail_at(const char *text, size_t len, size_t cells, size_t max_cells)
{
	size_t at = 0, width;

	while (cells > max_cells) {
		at += cells_character(text + at, len - at, &width);
		cells -= width;
	}
	return at;
}

size_t cells_add(struct buf *out, const char *text, size_t max_cells)
{
	const size_t most = max_cells < LIMIT_CELLS_CHARS ? max_cells : LIMIT_CELLS_CHARS;
	BUF_LOCAL(plain, 4 * LIMIT_CELLS_CHARS + 8);
	size_t used = plain_as_is(text, most);

	if (used) {
		buf_add(out, text, used);
		return used;
	}

	plain_add(&plain, text, LIMIT_CELLS_CHARS);
	const char *data = buf_text(&plain);
	size_t cells = measure_cells(data, plain.len);
	if (cells <= max_cells) {
		buf_add(out, data, plain.len);
		used = cells;
	} else if (max_cells) {
		size_t tail_cells = (max_cells - 1) / 2;
		buf_add(out, data, fit_cells(data, plain.len, max_cells - 1 - tail_cells, &used));
		buf_puts(out, ELLIPSIS);
		size_t tail = tail_at(data, plain.len, cells, tail_cells);
		buf_add(out, data + tail, plain.len - tail);
		used += 1 + measure_cells(data + tail, plain.len - tail);
	} else {
		used = 0;
	}
	buf_fini(&plain);
	return used;
}

void cells_pad(struct buf *out, const char *text, size_t cells)
{
	for (size_t used = cells_add(out, text, cells); used < cells; used++)
		buf_putc(out, ' ');
}

size_t cells_of(const char *text)
{
	BUF_LOCAL(plain, 4 * LIMIT_CELLS_CHARS + 8);
	size_t as_is = plain_as_is(text, LIMIT_CELLS_CHARS);

	if (as_is)
		return as_is;

	plain_add(&plain, text, LIMIT_CELLS_CHARS);
	size_t cells = measure_cells(buf_text(&plain), plain.len);
	buf_fini(&plain);
	return cells;
}

static char like_of(const char *sign, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(likes); i++)
		if (strlen(likes[i].sign) == len && memcmp(likes[i].sign, sign, len) == 0)
			return likes[i].like;
	return '?';
}

void cells_ascii(struct buf *out, const char *text, size_t len)
{
	size_t cells;

	for (size_t at = 0; at < len;) {
		size_t n = cells_character(text + at, len - at, &cells);
		char like = n == 1 ? text[at] : like_of(text + at, n);
		/* A letter with combining marks becomes the letter. */
		if ((unsigned char)text[at] < 0x80)
			like = text[at];
		for (; cells; cells--)
			buf_putc(out, like);
		at += n;
	}
}
