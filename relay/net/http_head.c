/* HTTP head: see http_head-internal.h. */
#include "http_head-internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tracepager/xalloc.h"

/* A longer size would not fit 64 bits; zeros in front of it serve nobody. */
#define CHUNK_SIZE_DIGITS 16

void http_head_init(struct http_head *head, size_t line_bytes)
{
	*head = (struct http_head){ .state = HTTP_HEAD_LINE };
	buf_init(&head->line, line_bytes);
}

void http_head_fini(struct http_head *head)
{
	buf_fini(&head->line);
	free(head->path);
	free(head->authorization);
	head->path = head->authorization = NULL;
}

void http_head_reset(struct http_head *head)
{
	const size_t line_bytes = head->line.cap;

	http_head_fini(head);
	http_head_init(head, line_bytes);
}

bool http_head_is_whole(const struct http_head *head)
{
	return head->state > HTTP_HEAD_FIELDS;
}

/* ---- lines ---- */

/* "GET /path?query HTTP/1.1" */
static void read_request_line(struct http_head *head, const char *line)
{
	const char *target = strchr(line, ' ');

	if (!target)
		return;
	const size_t method = (size_t)(target - line);
	head->is_get = (method == 3 && memcmp(line, "GET", 3) == 0) ||
		       (method == 4 && memcmp(line, "HEAD", 4) == 0);
	target++;
	head->path = xstrndup(target, strcspn(target, " ?"));
}

/* The value of the line's header, if that is its name; ends where blanks at its end begin. */
static const char *field_value(char *line, const char *name)
{
	const size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0 || line[len] != ':')
		return NULL;
	char *value = line + len + 1;
	value += strspn(value, " \t");
	size_t value_len = strlen(value);
	while (value_len && (value[value_len - 1] == ' ' || value[value_len - 1] == '\t'))
		value[--value_len] = '\0';
	return value;
}

static void read_header_field(struct http_head *head, char *line)
{
	const char *value = field_value(line, "Authorization");

	if (value && !head->authorization)
		head->authorization = xstrdup(value);
	value = field_value(line, "Transfer-Encoding");
	if (value && strcasecmp(value, "chunked") == 0)
		head->chunked = true;
}

static void head_refuse(struct http_head *head, const char *fault)
{
	head->fault = fault;
	head->state = HTTP_HEAD_OVER;
}

/* RFC 9112 section 7.1: hexadecimal digits, and nothing before them. Behind them may be blanks and
 * an extension; that is evhttp's to refuse. */
static void read_chunk_size(struct http_head *head, const char *line)
{
	const size_t digits = strspn(line, "0123456789abcdefABCDEF");
	const char *rest = line + digits + strspn(line + digits, " \t");

	if (!digits || digits > CHUNK_SIZE_DIGITS || (*rest && *rest != ';')) {
		head_refuse(head, "the size of a chunk is not a hexadecimal number");
		return;
	}
	head->chunk_left = strtoull(line, NULL, 16);
	head->state = head->chunk_left ? HTTP_HEAD_CHUNK : HTTP_HEAD_OVER;
}

/* What evhttp reads as a line, and a proxy before us may read otherwise (RFC 9112 sections 2.2 and
 * 5.2): the two would disagree about where a request ends. NULL: the line is good. */
static const char *line_fault(const struct http_head *head, const char *line, size_t len, bool crlf)
{
	if (!crlf)
		return "a line of the head ends with a line feed alone: end it with CR LF";
	if (memchr(line, '\r', len))
		return "a line of the head has a carriage return within it";
	if (head->state == HTTP_HEAD_FIELDS && (*line == ' ' || *line == '\t'))
		return "a header is folded over two lines: send it as one line";
	return NULL;
}

/* crlf: the line ended with CR LF, which is cut off. */
static void line_ended(struct http_head *head, bool crlf)
{
	static char none[1];
	char *line = head->line.data ? head->line.data : none;
	const char *fault = line_fault(head, line, head->line.len, crlf);

	if (fault) {
		head_refuse(head, fault);
		return;
	}
	switch (head->state) {
	case HTTP_HEAD_LINE:
		if (*line) {
			read_request_line(head, line);
			head->state = HTTP_HEAD_FIELDS;
		}
		break;
	case HTTP_HEAD_FIELDS:
		if (*line)
			read_header_field(head, line);
		else
			head->state = head->chunked ? HTTP_HEAD_CHUNK_SIZE : HTTP_HEAD_OVER;
		break;
	case HTTP_HEAD_CHUNK_SIZE:
		read_chunk_size(head, line);
		break;
	case HTTP_HEAD_CHUNK_END:
		head->state = HTTP_HEAD_CHUNK_SIZE;
		if (*line)
			head_refuse(head, "a chunk is longer than its size says");
		break;
	case HTTP_HEAD_CHUNK:
	case HTTP_HEAD_OVER:
		break;
	}
}

/* Takes the bytes up to the end of a line, or all. Returns how many. */
static size_t feed_line(struct http_head *head, const char *data, size_t len)
{
	const char *newline = memchr(data, '\n', len);
	const size_t take = newline ? (size_t)(newline - data) : len;
	const size_t room = head->line.cap - head->line.len - 1;

	buf_add(&head->line, data, take < room ? take : room);
	if (!newline)
		return len;
	/* A NUL ends the line for us; evhttp refuses it. */
	const bool crlf = head->line.len && head->line.data[head->line.len - 1] == '\r';
	if (crlf)
		head->line.data[--head->line.len] = '\0';
	line_ended(head, crlf || take > room);
	buf_reset(&head->line);
	if (head->state == HTTP_HEAD_OVER)
		buf_fini(&head->line);
	return take + 1;
}

void http_head_feed(struct http_head *head, const char *data, size_t len)
{
	while (len && head->state != HTTP_HEAD_OVER) {
		size_t took;

		if (head->state == HTTP_HEAD_CHUNK) {
			took = len < head->chunk_left ? len : (size_t)head->chunk_left;
			head->chunk_left -= took;
			if (!head->chunk_left)
				head->state = HTTP_HEAD_CHUNK_END;
		} else {
			took = feed_line(head, data, len);
		}
		data += took;
		len -= took;
	}
}
