/* Links: see links.h. */
#include "tracepager/links.h"

#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/sign.h"
#include "tracepager/xalloc.h"

#define KEY_BYTES 32

/* A form that was sent. */
struct sent_form {
	char id[LINK_FORM_ID_SIZE];
	int64_t shown_us;
};

struct links {
	struct links_env env;
	char own_key[2 * KEY_BYTES + 1]; /* ""; none yet */
	char form_key[2 * KEY_BYTES + 1];
	struct sent_form sent[LIMIT_FORMS_SENT]; /* the oldest gives way */
	size_t next;
	int64_t floor_us; /* forms shown until then are old: it is not known which were sent */
};

static const char link_key_name[] = "link_key";

struct links *links_new(const struct links_env *env)
{
	struct links *links = xcalloc(1, sizeof(*links));

	links->env = *env;
	random_hex(links->form_key, KEY_BYTES);
	return links;
}

void links_free(struct links *links)
{
	if (!links)
		return;
	explicit_bzero(links, sizeof(*links));
	free(links);
}

void links_kept(struct links *links, const char *name, const char *value)
{
	if (strcmp(name, link_key_name) == 0 && strlen(value) < sizeof(links->own_key))
		memcpy(links->own_key, value, strlen(value) + 1);
}

/* ---- links ---- */

static bool has_file(const struct links *links)
{
	return links->env.nkeys && links->env.keys[0].value;
}

/* The key that signs. */
static const char *signing_key(struct links *links)
{
	if (has_file(links))
		return links->env.keys[0].value;
	if (!*links->own_key) {
		random_hex(links->own_key, KEY_BYTES);
		links->env.keep(links->env.ctx, link_key_name, links->own_key);
	}
	return links->own_key;
}

void links_write(struct links *links, const char *incident, const char *pager, struct buf *out)
{
	struct buf token = BUF_INIT(LIMIT_LINK_SIGNED_BYTES);
	const int64_t until_us = clock_wall_us(links->env.clock) + LIMIT_ACT_LINK_US;

	if (!*links->env.external_url)
		return;
	if (link_write(signing_key(links), incident, pager, until_us, &token))
		buf_printf(out, "%s/i/%s?t=%s", links->env.external_url, incident,
			   buf_text(&token));
	buf_fini(&token);
}

enum link_verdict links_read(const struct links *links, const char *token, const char *incident,
			     char *ret_pager)
{
	const char *keys[LIMIT_LINK_KEYS] = { *links->own_key ? links->own_key : NULL };
	size_t n = 1;

	if (has_file(links))
		for (n = 0; n < links->env.nkeys && n < LIMIT_LINK_KEYS; n++)
			keys[n] = links->env.keys[n].value;
	return link_read(keys, n, token, incident, clock_wall_us(links->env.clock), ret_pager);
}

/* ---- forms ---- */

void links_form_write(const struct links *links, const char *token, struct buf *out)
{
	link_form_write(links->form_key, token, clock_wall_us(links->env.clock), out);
}

static bool form_was_sent(const struct links *links, const char *id)
{
	for (size_t i = 0; i < LIMIT_FORMS_SENT; i++)
		if (strcmp(links->sent[i].id, id) == 0)
			return true;
	return false;
}

enum links_form links_form_take(struct links *links, const char *token, const char *mark)
{
	struct sent_form form;

	switch (link_form_read(links->form_key, token, mark, clock_wall_us(links->env.clock),
			       form.id, &form.shown_us)) {
	case LINK_GOOD:
		break;
	case LINK_EXPIRED:
		return LINKS_FORM_OLD;
	case LINK_FORGED:
		return LINKS_FORM_FORGED;
	}
	if (form_was_sent(links, form.id))
		return LINKS_FORM_USED;
	if (form.shown_us <= links->floor_us)
		return LINKS_FORM_OLD;
	struct sent_form *place = &links->sent[links->next++ % LIMIT_FORMS_SENT];
	if (*place->id && place->shown_us > links->floor_us)
		links->floor_us = place->shown_us;
	*place = form;
	return LINKS_FORM_GOOD;
}
