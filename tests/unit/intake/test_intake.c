/*
 * Intake: answers by outcome, slices, tokens, strangers. The exchanges, the alerts' user and the
 * clock are the test's: the functions of http_server.h that intake calls are defined here.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/fake_clock.h"
#include "tracepager/buf.h"
#include "tracepager/intake.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/xalloc.h"

/* ---- exchanges ---- */

struct http_exchange {
	const char *authorization, *body;
	size_t len;
	int64_t began_us;
	int replies, status;
	char text[LIMIT_INTAKE_REPLY_BYTES];
	unsigned int retry_after_s;
	bool asks_token;
};

const char *http_exchange_header(const struct http_exchange *exchange, const char *name)
{
	return strcmp(name, "Authorization") == 0 ? exchange->authorization : NULL;
}

const char *http_exchange_body(struct http_exchange *exchange, size_t *ret_len)
{
	*ret_len = exchange->len;
	return exchange->body;
}

const char *http_exchange_path(const struct http_exchange *exchange)
{
	(void)exchange;
	return "/webhook/any";
}

const char *http_exchange_client_name(const struct http_exchange *exchange, size_t n)
{
	(void)exchange;
	(void)n;
	return NULL;
}

const char *http_exchange_peer(const struct http_exchange *exchange)
{
	(void)exchange;
	return "192.0.2.7";
}

int64_t http_exchange_began_us(const struct http_exchange *exchange)
{
	return exchange->began_us;
}

void http_exchange_set(struct http_exchange *exchange, const char *name, const char *value)
{
	ck_assert_str_eq(name, "WWW-Authenticate");
	ck_assert_str_eq(value, "Bearer");
	exchange->asks_token = true;
}

void http_exchange_reply(struct http_exchange *exchange, int status, const char *type,
			 const char *body, size_t len, unsigned int retry_after_s)
{
	ck_assert_ptr_null(type);
	ck_assert_uint_lt(len, sizeof(exchange->text));
	exchange->replies++;
	exchange->status = status;
	memcpy(exchange->text, body, len);
	exchange->text[len] = '\0';
	exchange->retry_after_s = retry_after_s;
}

/* ---- the world ---- */

struct world {
	struct fake_clock clock;
	struct sender_auth locked, other, api, none;
	struct sender senders[4];
	struct intake *intake;
	struct http_exchange exchange;
	bool full, no_memory;
	enum accept_result result;
	size_t accepted, durable; /* calls */
	int64_t accept_us;	  /* how long an accept takes */
	size_t more;		  /* alerts that the last call announced */
	char last_name[64];	  /* of the last alert: its alertname */
	char last_group[64];	  /* its group; "": none */
	store_done *waiting[8];
	void *args[8];
	size_t nwaiting;
	size_t refused;
	char refused_sender[80], refused_why[512], refused_body[512];
};

static struct world w;

/* The formats, of which the webhook's runs out of memory when the test says so. */
extern const struct alert_format alert_format_ALERTMANAGER, alert_format_PROMETHEUS;

static int parse_or_fail(struct arena *arena, const struct alert_body *body,
			 struct alert_batch *ret_batch, struct err *err)
{
	if (w.no_memory)
		return err_set(err, ENOMEM, "the memory of one request is used up at alert 7");
	return alert_format_ALERTMANAGER.parse(arena, body, ret_batch, err);
}

static const struct alert_format webhook = { .name = "alertmanager", .parse = parse_or_fail };

const struct alert_format *const alert_formats[FORMAT_COUNT] = {
	[FORMAT_ALERTMANAGER] = &webhook,
	[FORMAT_PROMETHEUS] = &alert_format_PROMETHEUS,
};

static bool on_have_room(void *ctx)
{
	ck_assert_ptr_eq(ctx, &w);
	return !w.full;
}

static enum accept_result on_accept(void *ctx, const struct alert *alert, size_t more)
{
	const char *name = labels_get(&alert->labels, "alertname");

	ck_assert_ptr_eq(ctx, &w);
	w.accepted++;
	w.clock.mono_us += w.accept_us;
	w.more = more;
	snprintf(w.last_name, sizeof(w.last_name), "%s", name ? name : "");
	snprintf(w.last_group, sizeof(w.last_group), "%s",
		 alert->group_key ? alert->group_key : "");
	return w.result;
}

static void on_when_durable(void *ctx, store_done *done, void *arg)
{
	ck_assert_ptr_eq(ctx, &w);
	ck_assert_uint_lt(w.nwaiting, ARRAY_LEN(w.waiting));
	w.durable++;
	w.waiting[w.nwaiting] = done;
	w.args[w.nwaiting++] = arg;
}

static void on_body_refused(void *ctx, const struct rejected_body *body)
{
	ck_assert_ptr_eq(ctx, &w);
	w.refused++;
	snprintf(w.refused_sender, sizeof(w.refused_sender), "%s", body->sender);
	snprintf(w.refused_why, sizeof(w.refused_why), "%s", body->reason);
	snprintf(w.refused_body, sizeof(w.refused_body), "%s", body->body ? body->body : "(none)");
}

static void start(bool open, size_t nsenders)
{
	const struct intake_env env = {
		.pool = w.clock.pool,
		.timers = w.clock.timers,
		.clock = &w.clock.clock,
		.senders = w.senders,
		.nsenders = nsenders,
		.open = open,
		.ops = { .have_room = on_have_room,
			 .accept = on_accept,
			 .when_durable = on_when_durable,
			 .body_refused = on_body_refused,
			 .ctx = &w },
	};

	intake_free(w.intake);
	w.intake = intake_new(&env);
}

static void set_up(void)
{
	memset(&w, 0, sizeof(w));
	log_set_level(LOG_LEVEL_ERROR);
	fake_clock_init(&w.clock);
	secret_set(&w.locked.bearer[0], "s3cret");
	secret_set(&w.other.bearer[0], "0ther");
	secret_set(&w.api.bearer[0], "f0rapi");
	w.senders[0] =
		(struct sender){ .name = "am", .format = FORMAT_ALERTMANAGER, .auth = &w.none };
	w.senders[1] = (struct sender){ .name = "locked",
					.format = FORMAT_ALERTMANAGER,
					.auth = &w.locked };
	w.senders[2] =
		(struct sender){ .name = "other", .format = FORMAT_ALERTMANAGER, .auth = &w.other };
	w.senders[3] =
		(struct sender){ .name = "prom", .format = FORMAT_PROMETHEUS, .auth = &w.api };
	start(true, 3);
}

static void tear_down(void)
{
	intake_free(w.intake);
	sender_auth_fini(&w.locked);
	sender_auth_fini(&w.other);
	sender_auth_fini(&w.api);
	fake_clock_fini(&w.clock);
}

static struct http_exchange *request(const char *body, const char *authorization)
{
	w.exchange = (struct http_exchange){ .authorization = authorization,
					     .body = body,
					     .len = strlen(body),
					     .began_us = w.clock.mono_us };
	return &w.exchange;
}

static void post(const char *sender, const char *body, const char *authorization)
{
	intake_webhook(w.intake, request(body, authorization), sender);
}

static void post_api(const char *body, const char *authorization)
{
	intake_api_alerts(w.intake, request(body, authorization));
}

/* The store reports the oldest commit. */
static void commit(int error)
{
	ck_assert_uint_gt(w.nwaiting, 0);
	store_done *done = w.waiting[0];
	void *arg = w.args[0];
	w.nwaiting--;
	memmove(w.waiting, w.waiting + 1, w.nwaiting * sizeof(w.waiting[0]));
	memmove(w.args, w.args + 1, w.nwaiting * sizeof(w.args[0]));
	done(arg, error, error ? "disk full" : NULL);
}

static void check_answer(int status, const char *text)
{
	ck_assert_int_eq(w.exchange.replies, 1);
	ck_assert_int_eq(w.exchange.status, status);
	ck_assert_str_eq(w.exchange.text, text);
	ck_assert_uint_eq(w.exchange.retry_after_s, status == 503 ? LIMIT_INTAKE_RETRY_AFTER_S : 0);
}

static void check_says(int status, const char *words)
{
	ck_assert_int_eq(w.exchange.replies, 1);
	ck_assert_int_eq(w.exchange.status, status);
	ck_assert_msg(strstr(w.exchange.text, words) != NULL, "%s", w.exchange.text);
}

#define ONE	      "{\"alerts\":[{\"labels\":{\"alertname\":\"A\"}}]}"
#define TAKEN(counts) "{\"accepted\": " counts "}\n"

/* ---- answers ---- */

/* The webhook's groupKey counts for senders that were declared with "group: theirs". */
START_TEST(groups_as_the_sender_says)
{
	static const char body[] = "{\"groupKey\":\"{}:{job=\\\"db\\\"}\","
				   "\"alerts\":[{\"labels\":{\"alertname\":\"A\"}}]}";

	post("am", body, NULL);
	ck_assert_str_eq(w.last_name, "A");
	ck_assert_str_eq(w.last_group, "");
	commit(0);
	w.senders[0].group_theirs = true;
	post("am", body, NULL);
	ck_assert_str_eq(w.last_group, "{}:{job=\"db\"}");
	commit(0);
}
END_TEST

/* 202 comes when the alerts are on disk, and not before. */
START_TEST(answers_when_on_disk)
{
	post("am", ONE, NULL);
	ck_assert_uint_eq(w.accepted, 1);
	ck_assert_str_eq(w.last_name, "A");
	ck_assert_int_eq(w.exchange.replies, 0);
	commit(0);
	check_answer(202, TAKEN("1, \"repeated\": 0, \"resolved\": 0, \"unknown\": 0"));
}
END_TEST

START_TEST(counts_by_result)
{
	static const struct {
		enum accept_result result;
		const char *answer;
	} rows[] = {
		{ ACCEPT_NEW, TAKEN("2, \"repeated\": 0, \"resolved\": 0, \"unknown\": 0") },
		{ ACCEPT_REPEATED, TAKEN("0, \"repeated\": 2, \"resolved\": 0, \"unknown\": 0") },
		{ ACCEPT_RESOLVED, TAKEN("0, \"repeated\": 0, \"resolved\": 2, \"unknown\": 0") },
		{ ACCEPT_UNKNOWN, TAKEN("0, \"repeated\": 0, \"resolved\": 0, \"unknown\": 2") },
	};

	w.result = rows[_i].result;
	post("am/", "{\"alerts\":[{\"labels\":{\"a\":\"b\"}},{\"labels\":{\"a\":\"c\"}}]}", NULL);
	commit(0);
	check_answer(202, rows[_i].answer);
}
END_TEST

/* All of it is on disk: the answer does not wait for a commit. */
START_TEST(answers_at_once_what_is_on_disk)
{
	w.result = ACCEPT_UNCHANGED;
	post("am", "{\"alerts\":[{\"labels\":{\"a\":\"b\"}},{\"labels\":{\"a\":\"c\"}}]}", NULL);
	ck_assert_uint_eq(w.accepted, 2);
	ck_assert_uint_eq(w.durable, 0);
	check_answer(202, TAKEN("0, \"repeated\": 2, \"resolved\": 0, \"unknown\": 0"));
}
END_TEST

START_TEST(nothing_to_take_is_taken)
{
	post("am", "{\"alerts\":[],\"truncatedAlerts\":7}", NULL);
	ck_assert_uint_eq(w.durable, 0);
	check_answer(202, TAKEN("0, \"repeated\": 0, \"resolved\": 0, \"unknown\": 0, "
				"\"left_out_by_sender\": 7"));
}
END_TEST

START_TEST(refuses_a_body)
{
	post("am", "{\"alerts\":[\n}", NULL);
	ck_assert_uint_eq(w.accepted + w.durable, 0);
	check_says(400, "(line 2, column 1)\"}\n");
	ck_assert_uint_eq(w.refused, 1);
	ck_assert_str_eq(w.refused_sender, "am");
	ck_assert_ptr_nonnull(strstr(w.refused_why, "(line 2, column 1)"));
	post("am", "{\"version\":\"4\"}", NULL);
	check_answer(400, "{\"error\": \"this is not an Alertmanager webhook: it has no list "
			  "\\\"alerts\\\" (line 1, column 15)\"}\n");
	ck_assert_uint_eq(w.refused, 2);
}
END_TEST

static bool keep_rejected(void *ctx, const struct rejected_body *body)
{
	*(struct rejected_body *)ctx = *body;
	return false;
}

static struct rejected_body newest_rejected(void)
{
	struct rejected_body newest = { 0 };

	rejected_each(intake_rejected(w.intake), 0, keep_rejected, &newest);
	return newest;
}

/* Without a proof of its sender nothing is kept, or a stranger could push out the others. */
START_TEST(keeps_what_it_refused)
{
	post("locked", "{\"alerts\":7}", "Bearer wrong");
	post("nobody", "{\"alerts\":7}", NULL);
	ck_assert_int_eq(newest_rejected().id, 0);
	post("locked", "{\"key\":\"s3cret\",\"routing_key\" : \"a\\\"b\",\n\"alerts\":7}",
	     "Bearer s3cret");
	const struct rejected_body body = newest_rejected();
	ck_assert_int_eq(body.id, 1);
	ck_assert_str_eq(body.sender, "locked");
	ck_assert_str_eq(body.peer, "192.0.2.7");
	ck_assert_str_eq(body.reason, "alerts is a number, not a list (line 2, column 10)");
	ck_assert_int_eq(body.byte, 49);
	ck_assert_str_eq(body.body,
			 "{\"key\":\"******\",\"routing_key\" : \"****\",\n\"alerts\":7}");
	ck_assert_uint_eq(body.body_len, 51);
	ck_assert_uint_eq(body.len, 51);
	/* The alert's text names its place, also where more alerts were refused. */
	post("am", "{\"alerts\":[{\"labels\":7},{}]}", NULL);
	ck_assert_int_eq(newest_rejected().id, 2);
	ck_assert_int_eq(newest_rejected().byte, 21);
}
END_TEST

/* The good alert is taken; the bad one stands in the answer, and pages. */
START_TEST(refuses_one_alert)
{
	post("am", "{\"alerts\":[{\"labels\":{\"alertname\":\"A\"}},{\"labels\":7},{}]}", NULL);
	ck_assert_uint_eq(w.accepted, 1);
	commit(0);
	check_answer(202, TAKEN("1, \"repeated\": 0, \"resolved\": 0, \"unknown\": 0, "
				"\"refused\": 2, \"errors\": [{\"alert\": 1, \"error\": \"alert 1: "
				"labels is a number, not an object (line 1, column 51)\"}, "
				"{\"alert\": 2, \"error\": \"alert 2: it has no labels (line 1, "
				"column 51)\"}]"));
	ck_assert_uint_eq(w.refused, 1);
	ck_assert_str_eq(w.refused_sender, "am");
	ck_assert_str_eq(w.refused_why, "alert 1: labels is a number, not an object (line 1, "
					"column 51); and 1 more");
}
END_TEST

START_TEST(refuses_all_alerts)
{
	post("am", "{\"alerts\":[{}]}", NULL);
	ck_assert_uint_eq(w.accepted + w.durable, 0);
	check_says(400, "\"refused\": 1, ");
	ck_assert_uint_eq(w.refused, 1);
	ck_assert_str_eq(w.refused_why, "alert 0: it has no labels (line 1, column 2)");
}
END_TEST

/* An answer lists the first refused alerts, and counts all. */
START_TEST(lists_the_first_refused)
{
	struct buf body = BUF_INIT(1 << 20);

	buf_puts(&body, "{\"alerts\":[{}");
	for (int i = 1; i < 50; i++)
		buf_puts(&body, ",{}");
	buf_puts(&body, "]}");
	post("am", buf_text(&body), NULL);
	check_says(400, "\"refused\": 50, ");
	ck_assert_ptr_nonnull(strstr(w.exchange.text, "alert 19: "));
	ck_assert_ptr_null(strstr(w.exchange.text, "alert 20: "));
	ck_assert_ptr_nonnull(strstr(w.refused_why, "; and 49 more"));
	buf_fini(&body);
}
END_TEST

START_TEST(tells_what_it_mended)
{
	struct buf body = BUF_INIT(1 << 20);

	buf_puts(&body, "{\"alerts\":[{\"labels\":{\"alertname\":\"A\\ud83d\"");
	for (int i = 0; i < 256; i++)
		buf_printf(&body, ",\"l%d\":\"v\"", i);
	buf_puts(&body, "}}]}");
	post("am", buf_text(&body), NULL);
	ck_assert_str_eq(w.last_name, "A\xef\xbf\xbd");
	commit(0);
	check_answer(202, TAKEN("1, \"repeated\": 0, \"resolved\": 0, \"unknown\": 0, "
				"\"repaired\": 1, \"cut\": 1, \"cuts\": [{\"alert\": 0, \"text\": "
				"\"alert 0: 1 of 257 labels left out\"}]"));
	ck_assert_uint_eq(w.refused, 0);
	buf_fini(&body);
}
END_TEST

/* Lines on standard error that hold these words. */
static int logged(FILE *log, const char *words)
{
	char line[LIMIT_LOG_LINE_BYTES + 1];
	int n = 0;

	rewind(log);
	while (fgets(line, sizeof(line), log))
		n += strstr(line, words) != NULL;
	return n;
}

/* One line a minute and sender, and the next has the sum of what it did not tell. */
START_TEST(logs_once_a_minute)
{
	static const char bad[] = "{\"alerts\":[{\"labels\":{\"alertname\":\"A\xff\"}}]}";
	FILE *log = tmpfile();
	int old = dup(STDERR_FILENO);

	ck_assert_ptr_nonnull(log);
	log_set_level(LOG_LEVEL_WARN);
	dup2(fileno(log), STDERR_FILENO);
	for (int i = 0; i < 5; i++) {
		post("am", bad, NULL);
		commit(0);
	}
	post("locked", bad, "Bearer s3cret");
	commit(0);
	ck_assert_int_eq(logged(log, "sender=am"), 1);
	ck_assert_int_eq(logged(log, "sender=locked"), 1);
	ck_assert_int_eq(logged(log, "bad_characters=1"), 2);
	fake_clock_advance(&w.clock, LIMIT_SENDER_LOG_US);
	post("am", bad, NULL);
	commit(0);
	ck_assert_int_eq(logged(log, "sender=am"), 2);
	ck_assert_int_eq(logged(log, "bad_characters=5"), 1);
	dup2(old, STDERR_FILENO);
	close(old);
	fclose(log);
}
END_TEST

START_TEST(has_no_room)
{
	w.full = true;
	post("am", ONE, NULL);
	check_answer(503, "{\"error\": \"too many alerts are waiting; send them again\"}\n");
	ck_assert_uint_eq(w.accepted + w.refused, 0);
	post_api("[]", NULL);
	check_says(503, "too many alerts");
}
END_TEST

/* Not the sender's fault: it sends again, and nobody is paged. */
START_TEST(runs_out_of_memory)
{
	w.no_memory = true;
	post("am", ONE, NULL);
	check_answer(503, "{\"error\": \"the memory of one request is used up at alert 7\"}\n");
	ck_assert_uint_eq(w.accepted + w.durable + w.refused, 0);
}
END_TEST

START_TEST(store_fails)
{
	post("am", ONE, NULL);
	commit(-EIO);
	check_answer(503, "{\"error\": \"the store failed to write the alerts; send them "
			  "again\"}\n");
	ck_assert_uint_eq(w.refused, 0);
}
END_TEST

/* ---- slices ---- */

static char *many(size_t n)
{
	struct buf body = BUF_INIT(1 << 20);

	buf_puts(&body, "{\"alerts\":[");
	for (size_t i = 0; i < n; i++)
		buf_printf(&body, "%s{\"labels\":{\"alertname\":\"A%zu\"}}", i ? "," : "", i);
	buf_puts(&body, "]}");
	return buf_take(&body);
}

/* A turn of the loop takes LIMIT_ALERTS_PER_TURN alerts; each slice is a commit of its own. */
START_TEST(accepts_in_slices)
{
	char *body = many(2 * LIMIT_ALERTS_PER_TURN + 1);

	post("am", body, NULL);
	ck_assert_uint_eq(w.accepted, LIMIT_ALERTS_PER_TURN);
	ck_assert_uint_eq(w.more, LIMIT_ALERTS_PER_TURN + 1);
	commit(0);
	ck_assert_int_eq(w.exchange.replies, 0); /* more is to come */
	fake_clock_advance(&w.clock, 0);
	ck_assert_uint_eq(w.accepted, 2 * LIMIT_ALERTS_PER_TURN + 1);
	ck_assert_uint_eq(w.durable, 3);
	ck_assert_uint_eq(w.more, 0);
	commit(0);
	ck_assert_int_eq(w.exchange.replies, 0);
	commit(0);
	check_says(202, "{\"accepted\": 65, ");
	free(body);
}
END_TEST

/* Three requests of one turn, where an accept takes half of LIMIT_SLICE_US: the third has to wait
 * for the next turn, and is the first there. */
START_TEST(requests_of_a_turn_share_its_slice)
{
	struct http_exchange late[2] = { 0 };

	w.accept_us = LIMIT_SLICE_US / 2;
	post("am", ONE, NULL);
	post("am", ONE, NULL);
	for (size_t i = 0; i < 2; i++) {
		late[i] = *request("{\"alerts\":[{\"labels\":{\"alertname\":\"Late\"}}]}", NULL);
		intake_webhook(w.intake, &late[i], "am");
	}
	ck_assert_uint_eq(w.accepted, 2);
	ck_assert_str_eq(w.last_name, "A");
	fake_clock_advance(&w.clock, 0);
	ck_assert_uint_eq(w.accepted, 4);
	ck_assert_str_eq(w.last_name, "Late");
	ck_assert_int_eq(late[0].replies + late[1].replies, 0);
	for (int i = 0; i < 4; i++)
		commit(0);
	ck_assert_int_eq(late[0].status, 202);
	ck_assert_int_eq(late[1].status, 202);
}
END_TEST

/* A body of many alerts does not keep a small one waiting until all are accepted. */
START_TEST(bodies_take_turns)
{
	char *body = many(3 * LIMIT_ALERTS_PER_TURN);
	struct http_exchange small;

	post("am", body, NULL);
	small = *request(ONE, NULL);
	intake_webhook(w.intake, &small, "am");
	ck_assert_uint_eq(w.accepted, LIMIT_ALERTS_PER_TURN);
	fake_clock_advance(&w.clock, 0);
	commit(0);
	commit(0);
	ck_assert_int_eq(small.replies, 0);
	commit(0);
	ck_assert_int_eq(small.status, 202);
	free(body);
}
END_TEST

/* One slice that is not on disk is enough: the sender keeps all. */
START_TEST(a_slice_fails)
{
	char *body = many(2 * LIMIT_ALERTS_PER_TURN + 1);

	post("am", body, NULL);
	fake_clock_advance(&w.clock, 0);
	for (int i = 0; i < 3; i++)
		commit(i == _i ? -ENOSPC : 0);
	check_says(503, "the store failed");
	free(body);
}
END_TEST

/* The first commit fails before the second slice is taken. */
START_TEST(the_first_slice_fails_early)
{
	char *body = many(LIMIT_ALERTS_PER_TURN + 1);

	post("am", body, NULL);
	commit(-ENOSPC);
	fake_clock_advance(&w.clock, 0);
	commit(0);
	check_says(503, "the store failed");
	free(body);
}
END_TEST

/* A body over LIMIT_INLINE_BODY_BYTES is parsed by the pool. */
START_TEST(large_bodies_go_to_the_pool)
{
	struct buf body = BUF_INIT(1 << 20);

	buf_puts(&body, ONE);
	while (body.len < LIMIT_INLINE_BODY_BYTES)
		buf_putc(&body, ' ');
	post("am", buf_text(&body), NULL);
	ck_assert_uint_eq(w.accepted, 1);
	commit(0);
	check_says(202, "{\"accepted\": 1, ");
	buf_putc(&body, ' ');
	post("am", buf_text(&body), NULL);
	ck_assert_uint_eq(w.accepted, 1);
	ck_assert_uint_eq(pool_poll(w.clock.pool), 1);
	ck_assert_uint_eq(w.accepted, 2);
	commit(0);
	check_says(202, "{\"accepted\": 1, ");
	buf_fini(&body);
}
END_TEST

/* Requests under way are dropped without an answer; nothing of them stays behind. */
START_TEST(ends_with_requests_under_way)
{
	char *body = many(LIMIT_ALERTS_PER_TURN + 1);

	post("am", body, NULL);
	intake_free(w.intake);
	w.intake = NULL;
	fake_clock_advance(&w.clock, US_PER_SECOND);
	ck_assert_uint_eq(w.accepted, LIMIT_ALERTS_PER_TURN);
	ck_assert_int_eq(w.exchange.replies, 0);
	free(body);
}
END_TEST

/* ---- tokens ---- */

START_TEST(compares_tokens)
{
	static const struct {
		const char *authorization;
		int status;
	} rows[] = {
		{ NULL, 401 },
		{ "", 401 },
		{ "Bearer", 401 },
		{ "Bearer ", 401 },
		{ "Bearer s3cre", 401 },
		{ "Bearer s3cret2", 401 },
		{ "Bearer  s3cret", 401 },
		{ "Basic s3cret", 401 },
		{ "s3cret", 401 },
		{ "Bearer 0ther", 401 },
		{ "Bearer S3CRET", 401 },
		{ "Bearer s3cret", 202 },
		{ "bearer s3cret", 202 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		post("locked", ONE, rows[i].authorization);
		if (rows[i].status == 202)
			commit(0);
		ck_assert_int_eq(w.exchange.status, rows[i].status);
		ck_assert_int_eq(w.exchange.asks_token, rows[i].status == 401);
		if (rows[i].status == 401)
			check_answer(401, "{\"error\": \"send the sender's token: Authorization: "
					  "Bearer TOKEN\"}\n");
	}
	ck_assert_uint_eq(w.accepted, 2);
	ck_assert_uint_eq(w.refused, 0);
}
END_TEST

START_TEST(knows_tokens)
{
	ck_assert(intake_knows_token(w.intake, "Bearer s3cret"));
	ck_assert(intake_knows_token(w.intake, "Bearer 0ther"));
	ck_assert(intake_knows_token(w.intake, "GenieKey 0ther"));
	ck_assert(!intake_knows_token(w.intake, "GenieKey f0rapi"));
	ck_assert(!intake_knows_token(w.intake, "Bearer f0rapi")); /* the fourth is not declared */
	ck_assert(!intake_knows_token(w.intake, "Bearer "));
	ck_assert(!intake_knows_token(w.intake, NULL));
	ck_assert(!intake_needs_token(w.intake, "am"));
	ck_assert(intake_needs_token(w.intake, "locked"));
	ck_assert(intake_needs_token(w.intake, "locked/"));
	ck_assert(!intake_needs_token(w.intake, "nobody"));
	ck_assert(!intake_needs_token(w.intake, NULL));
	start(true, 4);
	ck_assert(intake_knows_token(w.intake, "Bearer f0rapi"));
	ck_assert(intake_needs_token(w.intake, NULL));
	start(false, 3);
	ck_assert(intake_needs_token(w.intake, NULL));
}
END_TEST

/* ---- /api/v2/alerts ---- */

START_TEST(api_on_loopback)
{
	post_api("[{\"labels\":{\"alertname\":\"A\"}}]", NULL);
	ck_assert_uint_eq(w.accepted, 1);
	commit(0);
	check_answer(200, "");
	post_api("[{\"labels\":{\"alertname\":\"A\"}},7]", NULL);
	commit(0);
	check_answer(400, "\"alert 1: it is a number, not an object (line 1, column 31)\"\n");
	ck_assert_str_eq(w.refused_sender, "api");
	post_api("[{\"labels\":{\"alertname\":\"A\\udc00\"}}]", NULL);
	commit(0);
	check_answer(200, "\"bad characters repaired: 1\"\n");
	post_api("{}", NULL);
	check_says(400, "not the list of alerts");
	ck_assert_uint_eq(w.accepted, 3);
}
END_TEST

/* A declared token is required, on loopback too; and elsewhere none is no excuse. */
START_TEST(api_with_a_token)
{
	start(true, 4);
	post_api("[]", NULL);
	check_says(401, "send the sender's token");
	post_api("[]", "Bearer s3cret"); /* of a sender with another format */
	check_says(401, "send the sender's token");
	post_api("[]", "Bearer f0rapi");
	check_answer(200, "");
	start(false, 3);
	post_api("[]", NULL);
	check_says(401, "send the sender's token");
	ck_assert_uint_eq(w.accepted, 0);
}
END_TEST

/* ---- strangers ---- */

START_TEST(undeclared_senders)
{
	start(false, 3);
	post("nobody", ONE, NULL);
	check_answer(404, "{\"error\": \"no such sender; declare it under senders: in "
			  "tracepager.yaml\"}\n");
	ck_assert_uint_eq(w.refused, 0); /* anybody could be behind it */
	post("nobody", ONE, "Bearer 0ther");
	ck_assert_uint_eq(w.refused, 1);
	ck_assert_str_eq(w.refused_sender, "nobody");
	ck_assert_str_eq(w.refused_why, "sender nobody is not declared and its alerts are refused; "
					"declare it under senders: in tracepager.yaml");
	post("nobody", ONE, "Bearer 0ther");
	ck_assert_uint_eq(w.refused, 1);
	fake_clock_advance(&w.clock, LIMIT_UNDECLARED_PAGE_US);
	w.full = true;
	post("nobody", ONE, "Bearer 0ther");
	ck_assert_uint_eq(w.refused, 1);
	w.full = false;
	post("nobody", ONE, "Bearer 0ther");
	ck_assert_uint_eq(w.refused, 2);
	ck_assert_uint_eq(w.accepted, 0);
}
END_TEST

/* On loopback the mistakes of a sender without a token page too; its name is made fit to show. */
START_TEST(undeclared_senders_on_loopback)
{
	char name[2 * LIMIT_UNDECLARED_NAME_BYTES + 1];

	post("a b\n\xff/", ONE, NULL);
	check_says(404, "no such sender");
	ck_assert_str_eq(w.refused_sender, "a?b??");
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	post(name, ONE, NULL);
	ck_assert_uint_eq(strlen(w.refused_sender), LIMIT_UNDECLARED_NAME_BYTES);
	ck_assert_uint_eq(w.refused, 2);
	post("", ONE, NULL);
	post("/", ONE, NULL);
	check_says(404, "no such sender");
	ck_assert_uint_eq(w.refused, 2);
}
END_TEST

/* More names than slots: the first have theirs until an hour has passed. */
START_TEST(many_undeclared_senders)
{
	char name[16];

	for (int i = 0; i < LIMIT_UNDECLARED + 5; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		post(name, ONE, NULL);
		check_says(404, "no such sender");
	}
	ck_assert_uint_eq(w.refused, LIMIT_UNDECLARED);
	fake_clock_advance(&w.clock, LIMIT_UNDECLARED_PAGE_US);
	post("late", ONE, NULL);
	ck_assert_uint_eq(w.refused, LIMIT_UNDECLARED + 1);
	ck_assert_str_eq(w.refused_sender, "late");
}
END_TEST

static TCase *group(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("intake");
	TCase *answers = group(suite, "answers"), *slices = group(suite, "slices"),
	      *tokens = group(suite, "tokens"), *strangers = group(suite, "strangers");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(answers, groups_as_the_sender_says);
	tcase_add_test(answers, answers_when_on_disk);
	tcase_add_loop_test(answers, counts_by_result, 0, 4);
	tcase_add_test(answers, answers_at_once_what_is_on_disk);
	tcase_add_test(answers, nothing_to_take_is_taken);
	tcase_add_test(answers, refuses_a_body);
	tcase_add_test(answers, keeps_what_it_refused);
	tcase_add_test(answers, refuses_one_alert);
	tcase_add_test(answers, refuses_all_alerts);
	tcase_add_test(answers, lists_the_first_refused);
	tcase_add_test(answers, tells_what_it_mended);
	tcase_add_test(answers, logs_once_a_minute);
	tcase_add_test(answers, has_no_room);
	tcase_add_test(answers, runs_out_of_memory);
	tcase_add_test(answers, store_fails);
	tcase_add_test(slices, accepts_in_slices);
	tcase_add_test(slices, requests_of_a_turn_share_its_slice);
	tcase_add_test(slices, bodies_take_turns);
	tcase_add_loop_test(slices, a_slice_fails, 0, 3);
	tcase_add_test(slices, the_first_slice_fails_early);
	tcase_add_test(slices, large_bodies_go_to_the_pool);
	tcase_add_test(slices, ends_with_requests_under_way);
	tcase_add_test(tokens, compares_tokens);
	tcase_add_test(tokens, knows_tokens);
	tcase_add_test(tokens, api_on_loopback);
	tcase_add_test(tokens, api_with_a_token);
	tcase_add_test(strangers, undeclared_senders);
	tcase_add_test(strangers, undeclared_senders_on_loopback);
	tcase_add_test(strangers, many_undeclared_senders);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
