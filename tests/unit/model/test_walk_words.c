/*
 * The words of a leaf, row by row: words with which drivers and servers refuse a call speak for its
 * caller, words of an end that was not reached speak for that end, and words of a database at a
 * server without a span of the call leave the service in doubt (tracepager-walk(7), section 5).
 */
#include "tests/lib/walk_check.h"

/* Runs a server of "shop" over one failing call with these marks. */
static void run_call(const char *marks)
{
	char drawing[1024];

	snprintf(drawing, sizeof(drawing),
		 "shop server POST /o | 0 100 | ERROR\n"
		 "  shop client op | 10 70 | ERROR; %s\n",
		 marks);
	run(drawing);
}

static void run_server(const char *marks)
{
	char drawing[1024];

	snprintf(drawing, sizeof(drawing), "shop server POST /o | 0 100 | ERROR; %s\n", marks);
	run(drawing);
}

/* ---- a call whose callee has no span ---- */

static const struct {
	const char *marks;
	enum suspect_kind kind;
	double certainty;
} call_rows[] = {
	/* The server does not know the caller, or does not let it. */
	{ "db.system=redis; message=NOAUTH Authentication required.", SUSPECT_CALLER, 0.7 },
	{ "db.system=redis; message=NOPERM this user has no permissions to run the 'get' command",
	  SUSPECT_CALLER, 0.7 },
	{ "db.system=mongodb; message=not authorized on shop to execute command", SUSPECT_CALLER,
	  0.7 },
	{ "db.system=mysql; message=Access denied for user 'shop'@'%'", SUSPECT_CALLER, 0.7 },
	{ "db.system=oracle; message=ORA-01017: invalid username/password", SUSPECT_CALLER, 0.7 },
	{ "db.system=postgresql; message=pq: password authentication failed for user \"shop\"",
	  SUSPECT_CALLER, 0.7 },
	{ "db.system=postgresql; message=FATAL: role missing (SQLSTATE 28000)", SUSPECT_CALLER,
	  0.7 },
	{ "messaging.system=kafka; "
	  "exception.type=org.apache.kafka.common.errors.TopicAuthorizationException",
	  SUSPECT_CALLER, 0.7 },
	{ "rpc.system=aws-api; rpc.service=S3; exception.type=AccessDenied", SUSPECT_CALLER, 0.7 },
	/* The statement or the request is wrong. */
	{ "db.system=mongodb; message=unknown operator: $near2", SUSPECT_CALLER, 0.7 },
	{ "db.system=elasticsearch; message=index_not_found_exception: no such index [carts]",
	  SUSPECT_CALLER, 0.7 },
	{ "db.system=mssql; message=String or binary data would be truncated.", SUSPECT_CALLER,
	  0.7 },
	{ "messaging.system=rabbitmq; message=NOT_FOUND - no exchange 'o' in vhost '/'",
	  SUSPECT_CALLER, 0.7 },
	{ "rpc.system=aws-api; rpc.service=S3; error.type=NoSuchKey", SUSPECT_CALLER, 0.7 },
	{ "rpc.system=aws-api; rpc.service=DynamoDB; exception.type=ValidationException",
	  SUSPECT_CALLER, 0.7 },
	/* The same words of another system say nothing. */
	{ "server.address=stock; exception.type=ValidationException", SUSPECT_PEER, 0.6 },
	{ "server.address=stock; message=not authorized on shop", SUSPECT_PEER, 0.6 },
	{ "rpc.system=grpc; rpc.service=S3; error.type=NoSuchKey", SUSPECT_PEER, 0.6 },
	{ "rpc.system=aws-api; rpc.service=S3; exception.type=SlowDown", SUSPECT_PEER, 0.6 },
	{ "messaging.system=kafka; exception.type=NotEnoughReplicasException", SUSPECT_PEER, 0.6 },
	/* Nothing was sent. */
	{ "server.address=stock; message=No serializer found for class com.shop.Order",
	  SUSPECT_SPAN, 0.8 },
	{ "server.address=stock; message=Illegal character in path at index 9: http://stock/a b",
	  SUSPECT_SPAN, 0.8 },
	{ "server.address=stock; message=Object of type Decimal is not JSON serializable",
	  SUSPECT_SPAN, 0.8 },
	{ "server.address=stock; message=Only one usage of each socket address "
	  "(protocol/network address/port) is normally permitted.",
	  SUSPECT_SPAN, 0.8 },
	{ "db.system=postgresql; exception.type=psycopg2.InterfaceError; "
	  "message=connection already closed",
	  SUSPECT_SPAN, 0.8 },
	/* redis-py says this of its own pool, MySQL's server of itself. */
	{ "db.system=redis; exception.type=redis.exceptions.ConnectionError; message=Too many "
	  "connections",
	  SUSPECT_SPAN, 0.8 },
	{ "db.system=mysql; message=Too many connections", SUSPECT_PEER, 0.6 },
	{ "db.system=redis; message=ERR max number of clients reached", SUSPECT_PEER, 0.6 },
};

START_TEST(whose_failure_the_words_of_a_call_tell)
{
	run_call(call_rows[_i].marks);
	ends_in("shop", call_rows[_i].kind, call_rows[_i].certainty);
}
END_TEST

START_TEST(a_refusal_says_what_was_refused)
{
	run_call("db.system=redis; message=NOAUTH Authentication required.");
	ck_assert(reason_has("redis answered that it does not let the caller in"));
	run_call("db.system=mssql; message=String or binary data would be truncated.");
	ck_assert(reason_has("mssql answered that the statement is wrong"));
	run_call("messaging.system=rabbitmq; message=NOT_FOUND - no exchange 'o' in vhost '/'");
	ck_assert(reason_has("rabbitmq answered that the request is wrong"));
}
END_TEST

START_TEST(words_of_the_network_leave_both_ends_in_doubt)
{
	static const char *const words[] = {
		"dial tcp: lookup stock on 10.9.0.10:53: read udp 10.0.0.1:3->10.9.0.10:53: i/o "
		"timeout",
		"PKIX path building failed: unable to find valid certification path",
		"pq: SSL is not enabled on the server",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		char marks[256];

		snprintf(marks, sizeof(marks), "server.address=stock; message=%s", words[i]);
		run_call(marks);
		ck_assert_msg(verdict_limits_has(&walk.limits, VERDICT_LIMIT_NETWORK_WORDS), "%s",
			      words[i]);
	}
	/* This one is about the callee alone. */
	run_call("server.address=stock; message=dial tcp 10.0.0.4:80: i/o timeout");
	ck_assert(!verdict_limits_has(&walk.limits, VERDICT_LIMIT_NETWORK_WORDS));
}
END_TEST

START_TEST(a_callee_with_other_spans_recorded_some)
{
	/* The server of cart ended with its process; its query was exported before. */
	run("web server GET /cart | 0 300 | ERROR\n"
	    "  web client GET | 3 293 | ERROR; server.address=cart; message=socket hang up\n"
	    "cart client SELECT | 8 28 | parent=lost\n");
	ends_in("web", SUSPECT_PEER, 0.54);
	ck_assert(reason_has("web called cart, whose span of this call is missing, though other "
			     "spans of it are here: GET failed"));
	run("web server GET /cart | 0 300 | ERROR\n"
	    "  web client GET | 3 293 | ERROR; server.address=cart; message=socket hang up\n"
	    "stock client SELECT | 8 28 | parent=lost\n");
	ck_assert(reason_has("web called cart, which recorded no span: GET failed"));
}
END_TEST

START_TEST(an_interrupted_thread_was_cancelled)
{
	run("shop server POST /o | 0 100 | ERROR\n"
	    "  shop client GET /p | 10 70 | ERROR; http.response.status_code=500\n"
	    "    price server GET /p | 12 68 | ERROR; message=no rates\n"
	    "  shop client GET /s | 10 90 | ERROR; server.address=stock; "
	    "exception.type=java.lang.InterruptedException\n");
	ends_in("price", SUSPECT_SPAN, 0.95);
}
END_TEST

/* ---- a server without a span of the call that failed ---- */

static const struct {
	const char *marks;
	double certainty; /* of the service itself */
} server_rows[] = {
	/* A database's or a proxy's words: the service, or what it called. */
	{ "message=FATAL: sorry, too many clients already; exception.type=PSQLException", 0.6 },
	{ "exception.type=psycopg2.errors.DiskFull; message=could not extend file", 0.6 },
	{ "exception.type=redis.exceptions.ResponseError; message=OOM command not allowed", 0.6 },
	{ "message=ERROR: canceling statement due to statement timeout (SQLSTATE 57014)", 0.6 },
	{ "message=ORA-01653: unable to extend table SHOP.CARTS", 0.6 },
	{ "exception.type=MongoServerError; message=not primary", 0.6 },
	{ "message=An error occurred (InternalServerError) when calling the PutItem operation",
	  0.6 },
	{ "message=upstream connect error or disconnect/reset before headers", 0.6 },
	{ "message=Response code 503 (Service Unavailable)", 0.6 },
	{ "message=Get \"http://stock:80/c\": EOF", 0.6 },
	{ "message=PKIX path building failed", 0.6 },
	{ "message=Timed out after 3000ms", 0.6 },
	{ "message=Task timed out after 3.00 seconds", 0.95 },
	{ "message=StockClient#get() timed-out and no fallback available.", 0.6 },
	/* A wrong statement is the service's own failure. */
	{ "exception.type=psycopg2.errors.UniqueViolation; message=duplicate key value", 0.95 },
	{ "message=ORA-00942: table or view does not exist", 0.95 },
	{ "message=ERROR: no such column (SQLSTATE 42703)", 0.95 },
	{ "message=An error occurred (ValidationException) when calling the PutItem operation",
	  0.95 },
	/* Nobody else is spoken of. */
	{ "message=no room left for orders", 0.95 },
	{ "message=response code unknown", 0.95 },
	{ "exception.type=com.shop.PgError", 0.95 },
};

START_TEST(whose_failure_the_words_of_a_server_tell)
{
	run_server(server_rows[_i].marks);
	ends_in("shop", SUSPECT_SPAN, server_rows[_i].certainty);
}
END_TEST

static const struct {
	const char *words, *peer; /* NULL: they name none */
} name_rows[] = {
	{ "message=failed to connect to `host=stock-db user=shop database=shop`: connection "
	  "refused",
	  "stock-db" },
	{ "message=cURL error 7: Failed to connect to stock port 80: Couldn't connect to server "
	  "(see https://curl.haxx.se/libcurl/c/libcurl-errors.html) for http://stock:80/c",
	  "stock:80" },
	{ "message=Couldn't connect to server (see https://curl.haxx.se/)", NULL },
	{ "message=dial tcp: lookup stock on 10.9.0.10:53: no such host", "stock" },
	{ "message=last error: ipv4:10.0.0.4:8080: Failed to connect to remote host",
	  "10.0.0.4:8080" },
	{ "message=getaddrinfo ENOTFOUND stock", "stock" },
	{ "message=getaddrinfo EAI_AGAIN stock", "stock" },
	{ "message=php_network_getaddresses: getaddrinfo for stock-db failed: Name or service "
	  "not known",
	  "stock-db" },
	{ "message=Could not resolve host: stock", "stock" },
	{ "exception.type=java.net.UnknownHostException; exception.message=stock", "stock" },
	{ "exception.type=java.net.UnknownHostException; exception.message=stock: Name or "
	  "service not known",
	  "stock" },
	{ "message=Unable to connect to stock-cache/<unresolved>:6379", "stock-cache:6379" },
	{ "message=Can't reach database server at `stock-db`:`5432`", "stock-db" },
	{ "message=Failed to open TCP connection to stock:80 (execution expired)", "stock:80" },
	/* Words that follow "connect to" and are no host. */
	{ "message=could not connect to server: Connection refused", NULL },
};

START_TEST(which_end_the_words_name)
{
	run_server(name_rows[_i].words);
	if (name_rows[_i].peer) {
		ends_in("shop", SUSPECT_PEER, 0.6);
		ck_assert_str_eq(walk.suspect.callee, name_rows[_i].peer);
	} else {
		ends_in("shop", SUSPECT_SPAN, 0.6);
	}
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, whose_failure_the_words_of_a_call_tell, 0, ARRAY_LEN(call_rows));
	tcase_add_test(tcase, a_refusal_says_what_was_refused);
	tcase_add_test(tcase, words_of_the_network_leave_both_ends_in_doubt);
	tcase_add_test(tcase, a_callee_with_other_spans_recorded_some);
	tcase_add_test(tcase, an_interrupted_thread_was_cancelled);
	tcase_add_loop_test(tcase, whose_failure_the_words_of_a_server_tell, 0,
			    ARRAY_LEN(server_rows));
	tcase_add_loop_test(tcase, which_end_the_words_name, 0, ARRAY_LEN(name_rows));
}

int main(void)
{
	Suite *suite = suite_create("walk_words");

	add(suite, "words", add_tests);
	return run_suite(suite);
}
