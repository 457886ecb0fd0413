/* Sessions: see sessions.h. A session is NAME.UNTIL.ID.MAC, the name in hexadecimal digits. */
#include "tracepager/sessions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/sign.h"
#include "tracepager/xalloc.h"

#define KEY_BYTES 32
#define ID_BYTES  8

struct login_peer {
	char peer[LIMIT_PEER_NAME_BYTES];
	unsigned int failures;
	int64_t since_us; /* monotonic: the first of them */
};

struct sessions {
	struct sessions_env env;
	char key[2 * KEY_BYTES + 1]; /* ""; none yet */
	struct login_peer peers[LIMIT_LOGIN_PEERS];
};

static const char session_key_name[] = "session_key";

struct sessions *sessions_new(const struct sessions_env *env)
{
	struct sessions *sessions = xcalloc(1, sizeof(*sessions));

	sessions->env = *env;
	return sessions;
}

void sessions_free(struct sessions *sessions)
{
	if (!sessions)
		return;
	explicit_bzero(sessions, sizeof(*sessions));
	free(sessions);
}

void sessions_kept(struct sessions *sessions, const char *name, const char *value)
{
	if (strcmp(name, session_key_name) == 0 && strlen(value) == 2 * KEY_BYTES)
		memcpy(sessions->key, value, 2 * KEY_BYTES + 1);
}

/* ---- sessions ---- */

/* The MAC of the session's first parts and the token's secret, as hexadecimal digits. */
static bool session_mac(const struct sessions *sessions, const char *parts, size_t len,
			const char *secret, char ret_mac[2 * HMAC_SHA256_BYTES + 1])
{
	struct buf text = BUF_INIT(LIMIT_SECRET_BYTES + LIMIT_SESSION_BYTES);
	unsigned char mac[HMAC_SHA256_BYTES];

	buf_add(&text, parts, len);
	buf_putc(&text, '\n');
	buf_puts(&text, secret);
	const bool made = !text.failed && hmac_sha256(sessions->key, 2 * KEY_BYTES, buf_text(&text),
						      text.len, mac) == 0;
	if (text.data)
		explicit_bzero(text.data, text.len);
	buf_fini(&text);
	for (size_t i = 0; made && i < HMAC_SHA256_BYTES; i++)
		snprintf(ret_mac + 2 * i, 3, "%02x", mac[i]);
	return made;
}

void sessions_write(struct sessions *sessions, const char *name, const char *secret,
		    struct buf *out)
{
	const size_t begin = out->len;
	const int64_t until_us = clock_wall_us(sessions->env.clock) + LIMIT_SESSION_US;
	char id[2 * ID_BYTES + 1], mac[2 * HMAC_SHA256_BYTES + 1];

	if (!*sessions->key) {
		random_hex(sessions->key, KEY_BYTES);
		sessions->env.keep(sessions->env.ctx, session_key_name, sessions->key);
	}
	random_hex(id, ID_BYTES);
	for (; *name; name++)
		buf_printf(out, "%02x", (unsigned int)(unsigned char)*name);
	buf_printf(out, ".%lld.%s", (long long)(until_us / US_PER_SECOND), id);
	if (!out->failed &&
	    session_mac(sessions, buf_text(out) + begin, out->len - begin, secret, mac))
		buf_printf(out, ".%s", mac);
}

static int session_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool sessions_name(const char *session, char ret_name[LIMIT_SESSION_NAME_BYTES + 1])
{
	size_t n = 0;

	for (; *session && *session != '.'; session += 2) {
		const int high = session_digit(session[0]);
		const int low = high < 0 ? -1 : session_digit(session[1]);
		if (low < 0 || !(high << 4 | low) || n == LIMIT_SESSION_NAME_BYTES)
			return false;
		ret_name[n++] = (char)(high << 4 | low);
	}
	ret_name[n] = '\0';
	return n && *session == '.';
}

bool sessions_verify(const struct sessions *sessions, const char *session, const char *secret)
{
	const char *mac = strrchr(session, '.'), *until = strchr(session, '.');
	char good[2 * HMAC_SHA256_BYTES + 1];
	unsigned char differs = 0;

	if (!*sessions->key || !mac || until == mac || strlen(session) > LIMIT_SESSION_BYTES ||
	    strlen(mac + 1) != 2 * HMAC_SHA256_BYTES ||
	    !session_mac(sessions, session, (size_t)(mac - session), secret, good))
		return false;
	for (size_t i = 0; i < 2 * HMAC_SHA256_BYTES; i++)
		differs |= (unsigned char)(good[i] ^ mac[1 + i]);
	return !differs &&
	       strtoll(until + 1, NULL, 10) > clock_wall_us(sessions->env.clock) / US_PER_SECOND;
}

/* ---- who tries ---- */

static bool login_is_recent(const struct sessions *sessions, const struct login_peer *peer)
{
	return peer->failures &&
	       clock_mono_us(sessions->env.clock) - peer->since_us < LIMIT_LOGIN_US;
}

bool sessions_may_try(const struct sessions *sessions, const char *peer)
{
	for (size_t i = 0; i < LIMIT_LOGIN_PEERS; i++)
		if (strcmp(sessions->peers[i].peer, peer) == 0)
			return !login_is_recent(sessions, &sessions->peers[i]) ||
			       sessions->peers[i].failures < LIMIT_LOGIN_FAILURES;
	return true;
}

void sessions_failed(struct sessions *sessions, const char *peer)
{
	struct login_peer *place = &sessions->peers[0];

	for (size_t i = 0; i < LIMIT_LOGIN_PEERS; i++) {
		struct login_peer *one = &sessions->peers[i];
		if (strcmp(one->peer, peer) == 0) {
			place = one;
			break;
		}
		/* A free place, else the one that began first. */
		if (place->failures && (!one->failures || one->since_us < place->since_us))
			place = one;
	}
	if (strcmp(place->peer, peer) != 0 || !login_is_recent(sessions, place)) {
		snprintf(place->peer, sizeof(place->peer), "%s", peer);
		place->failures = 0;
		place->since_us = clock_mono_us(sessions->env.clock);
	}
	place->failures++;
}
