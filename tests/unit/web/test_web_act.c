/*
 * web: acts by API and by link are answered when they are on disk, and not before; what the store
 * cannot keep or read is told so. The HTTP server and its client are real, the relay is a fake.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "../../lib/fake_clock.h"
#include "tracepager/http_server.h"
#include "tracepager/limits.h"
#include "tracepager/loop.h"
#include "tracepager/web.h"
#include "tracepager/xalloc.h"

#define INCIDENT "4be1c4cd7b3c4e44a0c8a04ffb1bd5e4"

static struct event_base *base;
static struct fake_clock clock_now;
static struct http_server *server;
static struct web web;
static int client = -1;
static struct buf answer;

/* ---- the fake relay ---- */

static enum act_outcome outcome;
static const char *words;
static bool known; /* the incident is in memory */
static int nacts;
static char seen[500]; /* of the last act */
static store_done *waiting;
static void *waiting_arg;

static enum act_outcome on_act(void *ctx, const struct act *act, struct buf *out)
{
	(void)ctx;
	nacts++;
	snprintf(seen, sizeof(seen), "%s %s by %s via %s: %s (%s)", act_name(act->kind),
		 act->incident, act->who, act->via, act->text, act->team);
	buf_puts(out, words);
	return outcome;
}

static void on_when_durable(void *ctx, store_done *done, void *arg)
{
	(void)ctx;
	ck_assert_ptr_null(waiting);
	waiting = done;
	waiting_arg = arg;
}

static bool on_view(void *ctx, const char *id, incident_viewer *viewer, void *arg)
{
	static const struct page page = { .next_owners = "" };
	const struct incident_view view = { .id = id,
					    .team = "ledger",
					    .state = "acknowledged",
					    .summary = "ledger: disk is full",
					    .acked_by = "ann",
					    .page = &page };

	(void)ctx;
	if (known)
		viewer(arg, &view);
	return known;
}

static void on_note(void *ctx, const struct act *act)
{
	(void)ctx;
	(void)act;
	ck_abort_msg("the store knows no incident");
}

/* The ids "1" to "5", each of which takes a whole slice; those below `gone` have closed. */
static int gone, nslices;

static void on_each(void *ctx, const char *after, incident_viewer *viewer, void *arg)
{
	static const char *const ids[] = { "1", "2", "3", "4", "5" };
	int i = after ? atoi(after) : 0;
	bool more = true;

	(void)ctx;
	nslices++;
	for (i = i < gone ? gone : i; i < 5 && more; i++) {
		const struct incident_view view = { .id = ids[i],
						    .team = "ledger",
						    .state = "open",
						    .summary = "",
						    .opened_us = 1000 + i,
						    .escalation = "",
						    .acked_by = "" };
		clock_now.mono_us += LIMIT_SLICE_US;
		more = viewer(arg, &view);
	}
	/* What was told last closes, now and then. */
	if (nslices == 2) {
		gone = i;
		known = false;
	}
}

static bool have_room(void *ctx)
{
	(void)ctx;
	return true;
}

/* ---- a server and a client ---- */

static void setup(void)
{
	fake_clock_init(&clock_now);
	base = net_event_base_new();
	server = http_server_new(base, &clock_now.clock, web_handle, &web);
	web = (struct web){ .clock = &clock_now.clock,
			    .pool = clock_now.pool,
			    .timers = clock_now.timers,
			    .store_path = "/nonexistent/store.db",
			    .open = true,
			    .listen = "127.0.0.1:0",
			    .hosts = "",
			    .external_url = "https://tp.example",
			    .ops = { .act = on_act,
				     .when_durable = on_when_durable,
				     .each = on_each,
				     .view = on_view,
				     .note = on_note } };
	web.links = links_new(
		&(struct links_env){ .clock = &clock_now.clock, .external_url = web.external_url });
	links_kept(web.links, "link_key", "0123456789abcdef0123456789abcdef");
	web.intake = intake_new(&(struct intake_env){ .pool = clock_now.pool,
						      .timers = clock_now.timers,
						      .clock = &clock_now.clock,
						      .open = true,
						      .ops = { .have_room = have_room } });
	ck_assert_int_eq(http_server_listen(server, "127.0.0.1:0", NULL), 0);
	outcome = ACT_DONE;
	words = "acknowledged; nobody further is paged";
	known = true;
	nacts = 0;
	gone = nslices = 0;
	waiting = NULL;
	buf_init(&answer, 1 << 20);
}

static void teardown(void)
{
	if (client >= 0)
		close(client);
	client = -1;
	web_fini(&web);
	http_server_free(server);
	intake_free(web.intake);
	links_free(web.links);
	event_base_free(base);
	fake_clock_fini(&clock_now);
	buf_fini(&answer);
}

/* Lets the server work, and takes what it sends. */
static void turn(void)
{
	char piece[4096];

	event_base_loop(base, EVLOOP_NONBLOCK);
	pool_poll(clock_now.pool);
	timers_run(clock_now.timers, clock_now.mono_us);
	const ssize_t n = recv(client, piece, sizeof(piece), MSG_DONTWAIT);
	if (n > 0)
		buf_add(&answer, piece, (size_t)n);
}

static void send_request(const char *head, const char *body)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons((uint16_t)http_server_port(server)),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	CLEANUP_FREE char *text =
		xasprintf("%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
			  "application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n%s",
			  head, strlen(body), body);

	if (client >= 0)
		close(client);
	buf_reset(&answer);
	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(client, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(send(client, text, strlen(text), 0), (ssize_t)strlen(text));
}

static bool has_answer(void)
{
	const char *end = strstr(buf_text(&answer), "\r\n\r\n"),
		   *length = strstr(buf_text(&answer), "Content-Length: ");

	return end && length && strlen(end + 4) >= strtoul(length + 16, NULL, 10);
}

/* The status, once the whole answer is there. */
static int wait_answer(void)
{
	while (!has_answer())
		turn();
	return (int)strtol(buf_text(&answer) + 9, NULL, 10);
}

static void finish_commit(int error)
{
	store_done *done = waiting;

	ck_assert_ptr_nonnull(done);
	waiting = NULL;
	done(waiting_arg, error, error ? "disk" : "");
}

/* The store's completion is awaited: nothing is answered before. */
static void wait_commit(void)
{
	while (!waiting)
		turn();
	for (int i = 0; i < 50; i++)
		turn();
	ck_assert_uint_eq(answer.len, 0);
}

/* ---- by API ---- */

static void ask_api(const char *act, const char *body)
{
	CLEANUP_FREE char *head = xasprintf("POST /api/v1/incidents/" INCIDENT "/%s", act);

	send_request(head, body);
}

START_TEST(an_act_is_answered_when_it_is_on_disk)
{
	ask_api("acknowledge", "{\"who\":\"ann\",\"text\":\"mine\"}");
	wait_commit();
	ck_assert_str_eq(seen, "acknowledge " INCIDENT " by ann via api: mine ()");
	finish_commit(0);
	ck_assert_int_eq(wait_answer(), 200);
	ck_assert_ptr_nonnull(strstr(buf_text(&answer), "\"outcome\":\"done\""));
	ck_assert_ptr_nonnull(strstr(buf_text(&answer), "\"state\":\"acknowledged\""));
}
END_TEST

START_TEST(an_act_that_is_not_kept_is_not_confirmed)
{
	ask_api("acknowledge", "");
	wait_commit();
	finish_commit(-ENOSPC);
	ck_assert_int_eq(wait_answer(), 503);
	ck_assert_ptr_nonnull(strstr(buf_text(&answer), "\r\nRetry-After: 5\r\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&answer), "application/problem+json"));
}
END_TEST

static const struct {
	enum act_outcome outcome;
	bool commits; /* it is answered behind a commit */
	int status;
	const char *says;
} outcomes[] = {
	{ ACT_DONE, true, 200, "\"outcome\":\"done\"" },
	{ ACT_ALREADY, true, 200, "\"outcome\":\"already\"" },
	{ ACT_OVER, true, 409, "\"detail\":\"the words\"" },
	{ ACT_REFUSED, false, 409, "\"detail\":\"the words\"" },
};

START_TEST(each_outcome_has_its_status)
{
	outcome = outcomes[_i].outcome;
	words = "the words";
	ask_api("reroute", "{\"team\":\"web\"}");
	if (outcomes[_i].commits) {
		wait_commit();
		finish_commit(0);
	}
	ck_assert_int_eq(wait_answer(), outcomes[_i].status);
	ck_assert_ptr_nonnull(strstr(buf_text(&answer), outcomes[_i].says));
	ck_assert_str_eq(seen, "reroute " INCIDENT " by local via api:  (web)");
}
END_TEST

/* It may be over: the store would know, and cannot be read. */
START_TEST(an_unknown_incident_is_looked_up)
{
	outcome = ACT_UNKNOWN;
	known = false;
	ask_api("comment", "{\"text\":\"x\"}");
	ck_assert_int_eq(wait_answer(), 503);
}
END_TEST

/* A relay that ends drops what waits: nobody was told that it was done. */
START_TEST(a_request_that_waits_may_be_dropped)
{
	ask_api("acknowledge", "");
	wait_commit();
}
END_TEST

/* ---- lists ---- */

static void check_list(const char *path, const char *ids)
{
	CLEANUP_FREE char *head = xasprintf("GET %s", path);
	struct buf told = BUF_INIT(100);

	send_request(head, "");
	ck_assert_int_eq(wait_answer(), 200);
	for (const char *at = buf_text(&answer); (at = strstr(at, "{\"id\":\"")); at += 7)
		buf_putc(&told, at[7]);
	ck_assert_str_eq(buf_text(&told), ids);
	buf_fini(&told);
}

START_TEST(a_long_list_is_written_in_slices)
{
	check_list("/api/v1/incidents", "12345");
	/* The last slice finds no more. */
	ck_assert_int_eq(nslices, 6);
	ck_assert_ptr_nonnull(strstr(buf_text(&answer), "\"next\":null"));
	gone = nslices = 0;
	check_list("/api/v1/incidents?limit=3", "123");
	ck_assert_ptr_nonnull(strstr(buf_text(&answer), "\"next\":\""));
}
END_TEST

/* ---- by a link ---- */

static char *link_fields(void)
{
	struct buf link = BUF_INIT(1000), mark = BUF_INIT(1000);

	links_write(web.links, INCIDENT, "sre-pager", &link);
	const char *token = strstr(buf_text(&link), "?t=") + 3;
	links_form_write(web.links, token, &mark);
	char *fields = xasprintf("t=%s&n=%s&from=ledger", token, buf_text(&mark));
	buf_fini(&link);
	buf_fini(&mark);
	return fields;
}

static void press(const char *fields)
{
	send_request("POST /i/" INCIDENT, fields);
}

START_TEST(a_button_is_answered_when_it_is_on_disk)
{
	CLEANUP_FREE char *fields = link_fields();
	CLEANUP_FREE char *body = xasprintf("%s&act=acknowledge&who=Ann&text=a%%0D%%0Ab", fields);

	press(body);
	wait_commit();
	ck_assert_str_eq(seen, "acknowledge " INCIDENT
			       " by Ann (page sent to sre-pager) via link: a\nb ()");
	finish_commit(0);
	ck_assert_int_eq(wait_answer(), 303);
	/* The same form again: nothing is done, and the page says so. */
	press(body);
	ck_assert_int_eq(wait_answer(), 409);
	ck_assert_ptr_nonnull(strstr(buf_text(&answer), "This form was sent before"));
	ck_assert_int_eq(nacts, 1);
}
END_TEST

START_TEST(a_button_that_is_not_kept_is_not_confirmed)
{
	CLEANUP_FREE char *fields = link_fields();
	CLEANUP_FREE char *body = xasprintf("%s&act=acknowledge", fields);

	press(body);
	wait_commit();
	finish_commit(-EIO);
	ck_assert_int_eq(wait_answer(), 503);
	ck_assert_ptr_nonnull(strstr(buf_text(&answer), "failed to keep it: press again"));
}
END_TEST

START_TEST(a_form_that_waited_too_long_does_nothing)
{
	CLEANUP_FREE char *fields = link_fields();
	CLEANUP_FREE char *body = xasprintf("%s&act=acknowledge", fields);

	clock_now.wall_us += LIMIT_FORM_US + US_PER_SECOND;
	press(body);
	ck_assert_int_eq(wait_answer(), 409);
	ck_assert_ptr_nonnull(strstr(buf_text(&answer), "opened too long ago"));
	ck_assert_int_eq(nacts, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("web act");
	TCase *group = tcase_create("web act");

	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, an_act_is_answered_when_it_is_on_disk);
	tcase_add_test(group, an_act_that_is_not_kept_is_not_confirmed);
	tcase_add_loop_test(group, each_outcome_has_its_status, 0, (int)ARRAY_LEN(outcomes));
	tcase_add_test(group, an_unknown_incident_is_looked_up);
	tcase_add_test(group, a_request_that_waits_may_be_dropped);
	tcase_add_test(group, a_long_list_is_written_in_slices);
	tcase_add_test(group, a_button_is_answered_when_it_is_on_disk);
	tcase_add_test(group, a_button_that_is_not_kept_is_not_confirmed);
	tcase_add_test(group, a_form_that_waited_too_long_does_nothing);
	suite_add_tcase(suite, group);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
