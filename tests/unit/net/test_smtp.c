/* net: mails by SMTP, to a server in the same loop that answers as each test says. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "tests/lib/net_world.h"
#include "tracepager/mail.h"
#include "tracepager/xalloc.h"

/* ---- a mail server ---- */

/* What the server says to a command that begins so; "" with none: it hangs; NULL: it closes. "." is
 * the end of a message, "220" the greeting. */
struct smtp_rule {
	const char *command, *reply;
};

static struct smtp_server {
	struct evconnlistener *listener;
	int port;
	struct smtp_rule rules[8];
	struct buf seen, message; /* of all connections */
	size_t opened, closed;
} server;

static const char *server_reply(const char *line)
{
	static const struct smtp_rule usual[] = {
		{ "220", "220 mail.example\r\n" }, { "EHLO", "250-mail.example\r\n250 SIZE\r\n" },
		{ "DATA", "354 go on\r\n" },	   { ".", "250-2.0.0 taken\r\n250 as 17\r\n" },
		{ "QUIT", "221 bye\r\n" },	   { "", "250 ok\r\n" }
	};

	for (size_t i = 0; i < ARRAY_LEN(server.rules) && server.rules[i].command; i++)
		if (strncmp(line, server.rules[i].command, strlen(server.rules[i].command)) == 0)
			return server.rules[i].reply;
	for (size_t i = 0;; i++)
		if (strncmp(line, usual[i].command, strlen(usual[i].command)) == 0)
			return usual[i].reply;
}

struct smtp_peer {
	struct bufferevent *socket;
	bool in_message;
};

static void server_close(struct smtp_peer *peer)
{
	server.closed++;
	bufferevent_free(peer->socket);
	free(peer);
}

/* false: the connection is closed. */
static bool server_say(struct smtp_peer *peer, const char *line)
{
	const char *reply = server_reply(line);

	if (!reply) {
		server_close(peer);
		return false;
	}
	peer->in_message = strncmp(reply, "354", 3) == 0;
	bufferevent_write(peer->socket, reply, strlen(reply));
	return true;
}

static void server_on_read(struct bufferevent *socket, void *arg)
{
	struct smtp_peer *peer = arg;
	char *line;
	size_t len;
	bool open = true;

	while (open && (line = evbuffer_readln(bufferevent_get_input(socket), &len,
					       EVBUFFER_EOL_CRLF_STRICT))) {
		if (peer->in_message && strcmp(line, ".") != 0) {
			buf_printf(&server.message, "%s\r\n", line);
		} else {
			buf_printf(&server.seen, "%s\n", line);
			open = server_say(peer, line);
		}
		free(line);
	}
}

static void server_on_event(struct bufferevent *socket, short what, void *arg)
{
	(void)socket;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		server_close(arg);
}

static void server_on_accept(struct evconnlistener *listener, evutil_socket_t fd,
			     struct sockaddr *address, int len, void *arg)
{
	struct smtp_peer *peer = xcalloc(1, sizeof(*peer));

	(void)listener;
	(void)address;
	(void)len;
	(void)arg;
	server.opened++;
	peer->socket = bufferevent_socket_new(w.base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(peer->socket, server_on_read, NULL, server_on_event, peer);
	bufferevent_enable(peer->socket, EV_READ | EV_WRITE);
	server_say(peer, "220");
}

static void server_start(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(address);

	server = (struct smtp_server){ .seen = BUF_INIT(1 << 20), .message = BUF_INIT(1 << 20) };
	server.listener =
		evconnlistener_new_bind(w.base, server_on_accept, NULL, LEV_OPT_CLOSE_ON_FREE, -1,
					(struct sockaddr *)&address, sizeof(address));
	ck_assert_ptr_nonnull(server.listener);
	ck_assert_int_eq(getsockname(evconnlistener_get_fd(server.listener),
				     (struct sockaddr *)&address, &len),
			 0);
	server.port = ntohs(address.sin_port);
}

/* All connections end before the loop does. */
static void server_stop(void)
{
	pump(http_client_active(w.client) == 0 && server.opened == server.closed);
	evconnlistener_free(server.listener);
	buf_fini(&server.seen);
	buf_fini(&server.message);
}

/* ---- a mail ---- */

struct posted {
	int calls, begins, status;
	bool refuse;
	char *error, *words, *refused;
	struct mail_call *call;
};

static bool posted_begins(void *arg)
{
	struct posted *posted = arg;

	posted->begins++;
	ck_assert_int_eq(posted->calls, 0);
	return !posted->refuse;
}

static void posted_done(void *arg, const struct http_reply *reply)
{
	struct posted *posted = arg;

	posted->calls++;
	posted->status = reply->status;
	posted->error = xstrdup(reply->error);
	posted->words = xstrdup(reply->body);
	posted->refused = xstrdup(http_reply_header(reply, "Refused"));
}

static void posted_fini(struct posted *posted)
{
	free(posted->error);
	free(posted->words);
	free(posted->refused);
	*posted = (struct posted){ .calls = 0 };
}

static const char message[] = "Subject: x\r\n\r\nfirst\r\n.\r\n..second\r\nlast\r\n";
static const char *const recipients[] = { "ann@example.com", "bob@example.com" };
#define MAIL_TIMEOUT_US (100 * US_PER_SECOND)

static struct mail mail_to_server(void)
{
	return (struct mail){ .tls = MAIL_TLS_NONE,
			      .from = "tp@example.com",
			      .to = recipients,
			      .nto = ARRAY_LEN(recipients),
			      .data = message,
			      .len = strlen(message),
			      .timeout_us = MAIL_TIMEOUT_US,
			      .max_reply_bytes = LIMIT_REPLY_BYTES };
}

static void post(struct posted *posted, struct mail mail)
{
	static const struct http_handler handler = { .begins = posted_begins, .done = posted_done };
	CLEANUP_FREE char *url = xasprintf("smtp://127.0.0.1:%d/relay.example", server.port);

	mail.url = url;
	posted->call = w.transport->mail->send(w.transport->mail->ctx, &mail, &handler, posted);
	ck_assert_ptr_nonnull(posted->call);
	ck_assert_int_eq(posted->calls, 0);
}

/* ---- tests ---- */

START_TEST(a_mail_arrives)
{
	struct posted posted = { .calls = 0 };

	server_start();
	post(&posted, mail_to_server());
	pump(posted.calls);
	ck_assert_int_eq(posted.status, 250);
	ck_assert_ptr_null(posted.error);
	ck_assert_ptr_null(posted.refused);
	ck_assert_int_eq(posted.begins, 1);
	ck_assert_str_eq(posted.words, "2.0.0 taken as 17");
	ck_assert_str_eq(buf_text(&server.seen), "EHLO relay.example\n"
						 "MAIL FROM:<tp@example.com> SIZE=40\n"
						 "RCPT TO:<ann@example.com>\n"
						 "RCPT TO:<bob@example.com>\n"
						 "DATA\n.\nQUIT\n");
	/* A dot more at the start of each line that begins with one (RFC 5321 section 4.5.2). */
	ck_assert_str_eq(buf_text(&server.message),
			 "Subject: x\r\n\r\nfirst\r\n..\r\n...second\r\nlast\r\n");
	server_stop();
	posted_fini(&posted);
}
END_TEST

START_TEST(a_mail_that_is_taken_back_does_not_leave)
{
	struct posted posted = { .refuse = true };

	server_start();
	post(&posted, mail_to_server());
	pump(posted.calls);
	ck_assert_int_eq(posted.status, 0);
	ck_assert_int_eq(posted.begins, 1);
	ck_assert_str_eq(posted.error, "the mail was taken back before it began");
	server_stop();
	ck_assert_ptr_null(strstr(buf_text(&server.seen), "MAIL"));
	posted_fini(&posted);
}
END_TEST

static const struct {
	struct smtp_rule rules[4];
	const char *user;
	int status;
	const char *words; /* begins so; of a status 0: the error has it */
	const char *refused;
} replies[] = {
	{ { { "220", "421 too many\r\n" } }, NULL, 421, "too many", NULL },
	{ { { "220", "554 go away\r\n" } }, NULL, 554, "go away", NULL },
	{ { { "MAIL", "451 4.3.0 later\r\n" } }, NULL, 451, "4.3.0 later", NULL },
	{ { { "RCPT TO:<bob", "550 5.1.1 no bob\r\n" } },
	  NULL,
	  250,
	  "2.0.0 taken",
	  "bob@example.com: 550 5.1.1 no bob" },
	{ { { "RCPT", "450 busy\r\n" } }, NULL, 450, "busy", "ann@example.com: 450 busy" },
	{ { { ".", "552-too\r\n552 large\r\n" } }, NULL, 552, "too large", NULL },
	{ { { ".", "451 scanner\r\n" } }, NULL, 451, "scanner", NULL },
	{ { { ".", NULL } }, NULL, 0, "closed by 127.0.0.1:", NULL },
	{ { { "DATA", NULL } }, NULL, 0, "closed by 127.0.0.1:", NULL },
	{ { { "RCPT TO:<ann", "550 no\r\n" }, { "RCPT", NULL } },
	  NULL,
	  0,
	  "closed by 127.0.0.1:",
	  "ann@example.com: 550 no" },
	{ { { "220", NULL } }, NULL, 0, "closed by 127.0.0.1:", NULL },
	/* "\\0ann\\0s3cret" in base64 */
	{ { { "EHLO", "250-x\r\n250 AUTH LOGIN PLAIN\r\n" },
	    { "AUTH PLAIN", "334 \r\n" },
	    { "AGFubgBzM2NyZXQ=", "235 welcome\r\n" } },
	  "ann",
	  250,
	  "2.0.0 taken",
	  NULL },
	{ { { "EHLO", "250-x\r\n250 AUTH LOGIN PLAIN\r\n" }, { "AUTH", "535 5.7.8 who?\r\n" } },
	  "ann",
	  535,
	  "5.7.8 who?",
	  NULL },
};

START_TEST(the_reply_that_settles_a_mail_is_told)
{
	struct posted posted = { .calls = 0 };
	struct mail mail = mail_to_server();

	server_start();
	memcpy(server.rules, replies[_i].rules, sizeof(replies[_i].rules));
	mail.user = replies[_i].user;
	mail.password = replies[_i].user ? "s3cret" : NULL;
	post(&posted, mail);
	pump(posted.calls);
	ck_assert_int_eq(posted.status, replies[_i].status);
	const char *words = replies[_i].status ? posted.words : posted.error;
	ck_assert_msg(strstr(words, replies[_i].words), "%s", words);
	ck_assert(!posted.error == (posted.status != 0));
	ck_assert_msg(!posted.refused == !replies[_i].refused, "%s", posted.refused);
	if (replies[_i].refused)
		ck_assert_str_eq(posted.refused, replies[_i].refused);
	server_stop();
	posted_fini(&posted);
}
END_TEST

START_TEST(without_tls_no_mail_leaves)
{
	struct posted posted = { .calls = 0 };
	struct mail mail = mail_to_server();

	server_start();
	mail.tls = MAIL_TLS_REQUIRED;
	mail.user = "ann";
	mail.password = "s3cret";
	post(&posted, mail);
	pump(posted.calls);
	ck_assert_int_eq(posted.status, 0);
	ck_assert_int_eq(posted.begins, 0);
	ck_assert_ptr_nonnull(strstr(posted.error, "offers no STARTTLS"));
	server_stop();
	ck_assert_ptr_null(strstr(buf_text(&server.seen), "AUTH"));
	posted_fini(&posted);
}
END_TEST

START_TEST(a_server_that_hangs_is_given_up)
{
	struct posted posted = { .calls = 0 };
	struct mail mail = mail_to_server();

	server_start();
	server.rules[0] = (struct smtp_rule){ ".", "" };
	mail.timeout_us = US_PER_SECOND / 2;
	post(&posted, mail);
	pump(posted.calls);
	ck_assert_int_eq(posted.status, 0);
	ck_assert_msg(strstr(posted.error, "did not say within 500 ms whether it took the mail"),
		      "%s", posted.error);
	server_stop();
	posted_fini(&posted);
}
END_TEST

/* The mail is settled: nobody waits for the end of its connection. */
START_TEST(a_server_that_does_not_say_goodbye_has_the_mail)
{
	struct posted posted = { .calls = 0 };

	server_start();
	server.rules[0] = (struct smtp_rule){ "QUIT", "" };
	post(&posted, mail_to_server());
	pump(posted.calls);
	ck_assert_int_eq(posted.status, 250);
	server_stop();
	posted_fini(&posted);
}
END_TEST

/* While a mail server thinks, the loop goes on; and a cancelled mail tells nobody anything. */
START_TEST(the_loop_waits_for_no_mail_server)
{
	struct posted posted = { .calls = 0 };
	struct answer answer = { .calls = 0 };

	server_start();
	world_listen();
	server.rules[0] = (struct smtp_rule){ ".", "" };
	post(&posted, mail_to_server());
	pump(strstr(buf_text(&server.seen), "\n.\n"));
	ask(&answer, "/", false);
	pump(answer.calls);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_int_eq(posted.calls, 0);
	w.transport->mail->cancel(w.transport->mail->ctx, posted.call);
	server_stop();
	ck_assert_int_eq(posted.calls, 0);
	answer_fini(&answer);
}
END_TEST

START_TEST(a_server_gets_a_few_at_a_time)
{
	struct posted posted[LIMIT_MAILS_PER_SERVER + 3] = { { .calls = 0 } };
	size_t done = 0;

	server_start();
	server.rules[0] = (struct smtp_rule){ "EHLO", "" };
	for (size_t i = 0; i < ARRAY_LEN(posted); i++)
		post(&posted[i], mail_to_server());
	pump(server.opened == LIMIT_MAILS_PER_SERVER);
	ck_assert_uint_eq(http_client_active(w.client), ARRAY_LEN(posted));
	/* One that waits is gone at once, one that runs makes place for the next. */
	server.rules[0].command = NULL;
	w.transport->mail->cancel(w.transport->mail->ctx, posted[ARRAY_LEN(posted) - 1].call);
	ck_assert_uint_eq(http_client_active(w.client), ARRAY_LEN(posted) - 1);
	for (size_t i = 0; i < LIMIT_MAILS_PER_SERVER; i++)
		w.transport->mail->cancel(w.transport->mail->ctx, posted[i].call);
	pump(http_client_active(w.client) == 0);
	for (size_t i = 0; i < ARRAY_LEN(posted); i++) {
		done += posted[i].calls == 1 && posted[i].status == 250;
		posted_fini(&posted[i]);
	}
	ck_assert_uint_eq(done, 2);
	server_stop();
}
END_TEST

/* The client ends while mails wait, run and ask. */
START_TEST(mails_end_with_the_client)
{
	struct posted posted[LIMIT_MAILS_PER_SERVER + 1] = { { .calls = 0 } };

	server_start();
	for (size_t i = 0; i < ARRAY_LEN(posted); i++)
		post(&posted[i], mail_to_server());
	pump(server.opened == LIMIT_MAILS_PER_SERVER);
	http_client_free(w.client);
	w.client = http_client_new(w.base, clock_system());
	server_stop();
	for (size_t i = 0; i < ARRAY_LEN(posted); i++)
		posted_fini(&posted[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtp");
	TCase *tcase = world_group(suite, "smtp");

	tcase_set_timeout(tcase, 60); /* curl looks once a second whether a mail is cancelled */
	tcase_add_test(tcase, a_mail_arrives);
	tcase_add_test(tcase, a_mail_that_is_taken_back_does_not_leave);
	tcase_add_loop_test(tcase, the_reply_that_settles_a_mail_is_told, 0,
			    (int)ARRAY_LEN(replies));
	tcase_add_test(tcase, without_tls_no_mail_leaves);
	tcase_add_test(tcase, a_server_that_hangs_is_given_up);
	tcase_add_test(tcase, a_server_that_does_not_say_goodbye_has_the_mail);
	tcase_add_test(tcase, the_loop_waits_for_no_mail_server);
	tcase_add_test(tcase, a_server_gets_a_few_at_a_time);
	tcase_add_test(tcase, mails_end_with_the_client);
	return world_run(suite);
}
