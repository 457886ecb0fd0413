/* Reads mailboxes. Names and addresses with control characters are none. */
#include "tracepager/mailbox.h"

#include <stdbool.h>
#include <string.h>

/* RFC 5321 section 4.5.3.1: a path of 256 bytes with its brackets. */
#define ADDRESS_BYTES 254u

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* Words of these characters with single dots between. */
static bool mailbox_is_dotted(const char *text, size_t len, const char *characters)
{
	bool dot = true; /* none may come here */

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.' ? dot : !strchr(characters, text[i]) || !text[i])
			return false;
		dot = text[i] == '.';
	}
	return !dot;
}

static bool mailbox_is_address(const char *text, size_t len)
{
	const char *at = memchr(text, '@', len);
	const char *domain = at ? at + 1 : NULL;
	size_t domain_len = domain ? (size_t)(text + len - domain) : 0;

	if (!domain_len || len > ADDRESS_BYTES ||
	    !mailbox_is_dotted(text, (size_t)(at - text), LETTERS "!#$%&'*+/=?^_`{|}~-"))
		return false;
	if (domain[0] == '[' && domain[domain_len - 1] == ']') /* [192.0.2.1], [IPv6:::1] */
		return domain_len > 2 && strspn(domain + 1, LETTERS ".:") == domain_len - 2;
	return mailbox_is_dotted(domain, domain_len, LETTERS "-");
}

static bool mailbox_is_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f || strchr("<>\"\\", text[i]))
			return false;
	return true;
}

/* Where the mailbox ends: at a comma outside of quotes, or at the text's end. */
static size_t mailbox_length(const char *text)
{
	bool quoted = false;
	size_t n = 0;

	for (; text[n] && (quoted || text[n] != ','); n++)
		quoted ^= text[n] == '"';
	return n;
}

static void mailbox_trim(const char **text, size_t *len)
{
	while (*len && (**text == ' ' || **text == '\t')) {
		++*text;
		--*len;
	}
	while (*len && ((*text)[*len - 1] == ' ' || (*text)[*len - 1] == '\t'))
		--*len;
}

static bool mailbox_read(const char *text, size_t len, struct mailbox *ret_mailbox)
{
	const char *open = memchr(text, '<', len);
	struct mailbox box = { .name = text, .address = text, .address_len = len };

	if (open) {
		if (text[len - 1] != '>')
			return false;
		box.address = open + 1;
		box.address_len = (size_t)(text + len - 1 - box.address);
		box.name_len = (size_t)(open - text);
		mailbox_trim(&box.name, &box.name_len);
		if (box.name_len >= 2 && box.name[0] == '"' && box.name[box.name_len - 1] == '"') {
			box.name++;
			box.name_len -= 2;
		}
	}
	if (!mailbox_is_name(box.name, box.name_len) ||
	    !mailbox_is_address(box.address, box.address_len))
		return false;
	*ret_mailbox = box;
	return true;
}

int mailbox_next(const char **at, struct mailbox *ret_mailbox)
{
	const char *text = *at;
	size_t len, n;

	if (!*text)
		return 0;
	n = len = mailbox_length(text);
	mailbox_trim(&text, &len);
	if (!len || !mailbox_read(text, len, ret_mailbox))
		return -1;
	*at += n;
	if (**at == ',') {
		++*at;
		/* A comma leads to a further mailbox. */
		if (!(*at)[strspn(*at, " \t")])
			return -1;
	}
	return 1;
}

int mailbox_count(const char *list)
{
	struct mailbox box;
	int n = 0, read;

	while ((read = mailbox_next(&list, &box)) > 0)
		n++;
	return read < 0 ? -1 : n;
}
