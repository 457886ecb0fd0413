/*
 * The walk's end, row by row: whose fault the last failing span is, by which names a silent callee
 * is known, and where the time went (tracepager-walk(7), sections 5 and 6). Traces are drawn
 * (lib/trace_make.h); what is expected follows from the rules.
 */
#include "tests/lib/walk_check.h"

/* ---- whose fault the leaf is ---- */

START_TEST(server_consumer_and_internal_speak_for_their_service)
{
	run("ledger server POST /entries | 0 100 | ERROR\n");
	ends_in("ledger", SUSPECT_SPAN, 0.95);
	run("shipping consumer orders process | 0 100 | ERROR\n");
	ends_in("shipping", SUSPECT_SPAN, 0.95);
	run("cart internal reckon | 0 100 | ERROR\n");
	ends_in("cart", SUSPECT_SPAN, 0.95);
	ck_assert_ptr_null(walk.suspect.callee);
}
END_TEST

/* A number that is no code of HTTP, and words that begin with a code, say what they say. */
static const struct {
	const char *error, *shown;
} shown_errors[] = {
	{ "503", "HTTP 503" },
	{ "503 Service Unavailable", "503 Service Unavailable" },
	{ "13", "13" },
	{ "INTERNAL", "gRPC INTERNAL" },
	{ "no paper", "no paper" },
	{ "", "" },
};

START_TEST(a_bare_code_is_called_by_its_protocol)
{
	ck_assert_str_eq(error_shown(arena, shown_errors[_i].error), shown_errors[_i].shown);
}
END_TEST

START_TEST(a_silent_callee_is_a_peer)
{
	run("payment server POST /charge | 0 100 | ERROR\n"
	    "  payment client INSERT entry | 10 90 | ERROR; error.type=ConnectionRefused; "
	    "db.system=postgresql;"
	    " db.namespace=ledger; server.address=ledger-db.internal; server.port=5432\n");
	ends_in("payment", SUSPECT_PEER, 0.6);
	ck_assert_str_eq(walk.suspect.callee, "postgresql/ledger");
	ck_assert_str_eq(walk.suspect.error, "ConnectionRefused");
	ck_assert(reason_has("payment called postgresql/ledger, which recorded no span: "
			     "INSERT entry failed"));
}
END_TEST

START_TEST(a_producers_peer_is_its_broker)
{
	run("checkout server POST /orders | 0 100 | ERROR\n"
	    "  checkout producer orders send | 10 90 | ERROR; messaging.system=kafka; "
	    "messaging.destination.name=orders\n"
	    "    shipping consumer orders process | 120 190 |\n");
	ends_in("checkout", SUSPECT_PEER, 0.6);
	ck_assert_str_eq(walk.suspect.callee, "kafka/orders");
}
END_TEST

START_TEST(spans_of_the_caller_itself_are_no_callee)
{
	run("payment client SELECT | 10 90 | ERROR; db.system=mysql; db.name=ledger\n"
	    "  payment internal resolve name | 11 20 |\n");
	ends_in("payment", SUSPECT_PEER, 0.6);
	ck_assert_str_eq(walk.suspect.callee, "mysql/ledger");
}
END_TEST

START_TEST(a_refused_request_is_the_callers)
{
	run("cart server GET /cart | 0 100 | ERROR\n"
	    "  cart client GET /stock | 10 90 | ERROR; http.response.status_code=400\n"
	    "    inventory server GET /stock | 20 80 | http.response.status_code=400\n");
	ends_in("cart", SUSPECT_CALLER, 0.7);
	ck_assert(reason_has(
		"inventory answered HTTP 400 without failing: cart sent what it should not have"));
	run("cart server GET /cart | 0 100 | ERROR\n"
	    "  cart client Stock/Get | 10 90 | ERROR; rpc.grpc.status_code=3\n"
	    "    inventory server Stock/Get | 20 80 | rpc.grpc.status_code=3\n");
	ends_in("cart", SUSPECT_CALLER, 0.7);
}
END_TEST

START_TEST(some_refusals_are_the_callees_by_option)
{
	static const char drawing[] =
		"cart client GET /stock | 10 90 | ERROR\n"
		"  inventory server GET /stock | 20 80 | http.response.status_code=403\n";

	run(drawing);
	ends_in("cart", SUSPECT_CALLER, 0.7);
	options.refusals_are_callees = true;
	run(drawing);
	ends_in("inventory", SUSPECT_SPAN, 0.7);
	/* The option does not change 422: a bad request is the caller's failure. */
	run("cart client GET /stock | 10 90 | ERROR\n"
	    "  inventory server GET /stock | 20 80 | http.response.status_code=422\n");
	ends_in("cart", SUSPECT_CALLER, 0.7);
}
END_TEST

/* Calls whose callee has no span: whose failure the answer is, as the call's own marks tell it. */
static const struct {
	const char *marks, *words;
	enum suspect_kind kind, by_option;
} answers[] = {
	{ "http.response.status_code=400", "HTTP 400", SUSPECT_CALLER, SUSPECT_CALLER },
	{ "http.status_code=410", "HTTP 410", SUSPECT_CALLER, SUSPECT_CALLER },
	{ "http.response.status_code=422", "HTTP 422", SUSPECT_CALLER, SUSPECT_CALLER },
	{ "http.response.status_code=404", "HTTP 404", SUSPECT_CALLER, SUSPECT_PEER },
	{ "http.response.status_code=429", "HTTP 429", SUSPECT_CALLER, SUSPECT_PEER },
	{ "error.type=403", "HTTP 403", SUSPECT_CALLER, SUSPECT_PEER },
	{ "http.response.status_code=401", "HTTP 401", SUSPECT_CALLER, SUSPECT_PEER },
	{ "http.response.status_code=408", "HTTP 408", SUSPECT_CALLER, SUSPECT_PEER },
	{ "http.response.status_code=409", "HTTP 409", SUSPECT_CALLER, SUSPECT_CALLER },
	{ "http.response.status_code=498", "HTTP 498", SUSPECT_CALLER, SUSPECT_CALLER },
	{ "http.response.status_code=399", NULL, SUSPECT_PEER, SUSPECT_PEER },
	{ "http.response.status_code=500", NULL, SUSPECT_PEER, SUSPECT_PEER },
	{ "http.response.status_code=503", NULL, SUSPECT_PEER, SUSPECT_PEER },
	{ "rpc.grpc.status_code=3", "INVALID_ARGUMENT", SUSPECT_CALLER, SUSPECT_CALLER },
	{ "rpc.status_code=NOT_FOUND", "NOT_FOUND", SUSPECT_CALLER, SUSPECT_PEER },
	{ "error.type=ALREADY_EXISTS", "ALREADY_EXISTS", SUSPECT_CALLER, SUSPECT_CALLER },
	{ "rpc.grpc.status_code=7", "PERMISSION_DENIED", SUSPECT_CALLER, SUSPECT_PEER },
	{ "rpc.grpc.status_code=8", "RESOURCE_EXHAUSTED", SUSPECT_CALLER, SUSPECT_PEER },
	{ "rpc.grpc.status_code=9", "FAILED_PRECONDITION", SUSPECT_CALLER, SUSPECT_CALLER },
	{ "rpc.grpc.status_code=10", "ABORTED", SUSPECT_CALLER, SUSPECT_CALLER },
	{ "rpc.grpc.status_code=11", "OUT_OF_RANGE", SUSPECT_CALLER, SUSPECT_CALLER },
	{ "rpc.grpc.status_code=16", "UNAUTHENTICATED", SUSPECT_CALLER, SUSPECT_PEER },
	{ "rpc.grpc.status_code=2", NULL, SUSPECT_PEER, SUSPECT_PEER },
	{ "rpc.grpc.status_code=12", NULL, SUSPECT_PEER, SUSPECT_PEER },
	{ "rpc.grpc.status_code=15", NULL, SUSPECT_PEER, SUSPECT_PEER },
	{ "rpc.grpc.status_code=4", NULL, SUSPECT_PEER, SUSPECT_PEER },
	{ "rpc.grpc.status_code=13", NULL, SUSPECT_PEER, SUSPECT_PEER },
	{ "rpc.grpc.status_code=14", NULL, SUSPECT_PEER, SUSPECT_PEER },
	{ "error.type=timeout", NULL, SUSPECT_PEER, SUSPECT_PEER },
	{ "message=connection refused", NULL, SUSPECT_PEER, SUSPECT_PEER },
	/* Databases. */
	{ "db.system=postgresql; db.response.status_code=23505", "SQLSTATE 23505", SUSPECT_CALLER,
	  SUSPECT_CALLER },
	{ "db.system.name=postgresql; error.type=22P02", "SQLSTATE 22P02", SUSPECT_CALLER,
	  SUSPECT_CALLER },
	{ "db.response.status_code=42P01", "SQLSTATE 42P01", SUSPECT_CALLER, SUSPECT_CALLER },
	{ "db.system=postgresql; db.response.status_code=08006", NULL, SUSPECT_PEER, SUSPECT_PEER },
	{ "db.system=postgresql; db.response.status_code=57P03", NULL, SUSPECT_PEER, SUSPECT_PEER },
	{ "db.system=postgresql; db.response.status_code=53300", NULL, SUSPECT_PEER, SUSPECT_PEER },
	/* Not SQLSTATE: a vendor's own number, four digits, an error.type where no database is
	   named. */
	{ "db.system=mssql; db.response.status_code=42108", NULL, SUSPECT_PEER, SUSPECT_PEER },
	{ "db.system=mysql; db.response.status_code=2300", NULL, SUSPECT_PEER, SUSPECT_PEER },
	{ "error.type=23505", NULL, SUSPECT_PEER, SUSPECT_PEER },
};

START_TEST(what_a_silent_callee_answered)
{
	char drawing[512], reason[128];
	bool caller = answers[_i].kind == SUSPECT_CALLER;

	snprintf(drawing, sizeof(drawing),
		 "cart server GET /cart | 0 100 | ERROR\n"
		 "  cart client call | 10 90 | ERROR; server.address=stock.internal; "
		 "peer.service=inventory; %s\n",
		 answers[_i].marks);
	run(drawing);
	ends_in("cart", answers[_i].kind, caller ? 0.7 : 0.6);
	if (caller) {
		snprintf(reason, sizeof(reason),
			 "inventory answered %s: cart sent what it should not have",
			 answers[_i].words);
		ck_assert(reason_has(reason));
		ck_assert_ptr_null(walk.suspect.callee);
		ck_assert_uint_eq(walk.suspect.npeers, 0);
	} else {
		ck_assert_str_eq(walk.suspect.callee, "inventory");
	}
	options.refusals_are_callees = true;
	run(drawing);
	ends_in("cart", answers[_i].by_option, answers[_i].by_option == SUSPECT_CALLER ? 0.7 : 0.6);
}
END_TEST

/* 499: the caller went away before the answer, so that the callee refused nothing. */
START_TEST(a_call_that_was_given_up_is_no_refusal)
{
	run("cart server GET /cart | 0 100 | ERROR\n"
	    "  cart client GET /stock | 10 90 | ERROR\n"
	    "    inventory server GET /stock | 20 80 | http.response.status_code=499\n");
	ck_assert(!reason_has("inventory answered HTTP 499"));
	ck_assert_int_ne(walk.suspect.kind, SUSPECT_CALLER);
}
END_TEST

START_TEST(a_callee_that_outlives_the_call_is_slow)
{
	/* cart waited 3 s; inventory needed 8 s, nearly all of it own time. */
	run("cart server GET /cart | 0 3100 | ERROR\n"
	    "  cart client GET /stock | 50 3050 | ERROR; error.type=timeout\n"
	    "    inventory server GET /stock | 60 8060 |\n"
	    "      inventory client SELECT stock | 70 90 | db.system=mysql\n");
	ends_in("inventory", SUSPECT_SLOW, 0.8);
	ck_assert_uint_eq(walk.suspect.span, 2);
	ck_assert_str_eq(walk.suspect.error, "timeout");
	ck_assert(
		reason_has("cart → inventory: the call ended after 3.00 s: timeout; inventory was "
			   "still working"));
	/* 3050 - 60 ms to the deadline, less 20 ms of the database: 2970 ms. */
	ck_assert(reason_has("of these 3.00 s inventory spent 2.99 s in its own work, most of it "
			     "in GET /stock"));
	path_is("1 2 3");
}
END_TEST

START_TEST(no_words_are_needed_where_it_outlives_the_call)
{
	run("cart client GET /stock | 50 3050 | ERROR\n"
	    "  inventory server GET /stock | 60 8060 |\n");
	ends_in("inventory", SUSPECT_SLOW, 0.8);
}
END_TEST

START_TEST(it_goes_on_to_who_held_up_the_callee)
{
	run("cart server GET /cart | 0 3100 | ERROR\n"
	    "  cart client GET /stock | 50 3050 | ERROR; rpc.grpc.status_code=4\n"
	    "    inventory server GET /stock | 60 8060 |\n"
	    "      inventory client GET /shelves | 100 8000 |\n"
	    "        warehouse server GET /shelves | 110 7990 |\n");
	ends_in("warehouse", SUSPECT_SLOW, 0.8);
	path_is("1 2 3 4 5");
}
END_TEST

START_TEST(what_began_after_the_deadline_held_up_nothing)
{
	run("cart client GET /stock | 50 3050 | ERROR; error.type=timeout\n"
	    "  inventory server GET /stock | 60 9060 |\n"
	    "    inventory client GET /shelves | 160 9000 | peer.service=warehouse\n"
	    "      warehouse server GET /shelves | 5000 8990 |\n");
	ends_in("inventory", SUSPECT_SLOW, 0.8);
	/* The callee shows no work before the deadline: the rules get its names. */
	ck_assert_uint_eq(walk.suspect.npeers, 1);
	ck_assert_str_eq(walk.suspect.peers[0], "warehouse");
	ck_assert(reason_has("of these 3.00 s inventory waited 2.89 s for warehouse"));
}
END_TEST

START_TEST(ending_at_the_deadline_counts_with_words)
{
	run("cart client GET /stock | 0 3000 | ERROR; error.type=timeout\n"
	    "  inventory server GET /stock | 10 2995 |\n");
	ends_in("inventory", SUSPECT_SLOW, 0.8);
	run("cart client GET /stock | 0 3000 | ERROR\n"
	    "  inventory server GET /stock | 10 2995 |\n");
	ends_in("cart", SUSPECT_EDGE, 0.55);
}
END_TEST

START_TEST(ending_at_the_deadline_counts_with_quick_siblings)
{
	run("cart server GET /cart | 0 3200 | ERROR\n"
	    "  cart client GET /stock | 0 100 |\n"
	    "    inventory server GET /stock | 10 90 |\n"
	    "  cart client GET /stock | 50 3050 | ERROR\n"
	    "    inventory server GET /stock | 60 3045 |\n");
	ends_in("inventory", SUSPECT_SLOW, 0.8);
}
END_TEST

START_TEST(a_failing_call_that_filled_the_time_is_followed)
{
	run("cart client GET /stock | 0 3000 | ERROR; error.type=timeout\n"
	    "  inventory server GET /stock | 10 5000 |\n"
	    "    inventory client GET /shelves | 20 4900 | ERROR; error.type=timeout\n"
	    "      warehouse server GET /shelves | 30 9000 |\n");
	ends_in("warehouse", SUSPECT_SLOW, 0.8);
}
END_TEST

START_TEST(a_deadline_that_an_earlier_call_used_up)
{
	run("gateway server GET /report | 0 1000 | ERROR; message=deadline exceeded\n"
	    "  gateway client GET /first | 5 900 |\n"
	    "    archive server GET /first | 6 899 |\n"
	    "  gateway client GET /second | 905 1000 | ERROR; message=deadline exceeded\n"
	    "    index server GET /second | 906 1001 | ERROR; message=deadline exceeded\n");
	ends_in("archive", SUSPECT_SLOW, 0.6);
	ck_assert(verdict_limits_has(&walk.limits, VERDICT_LIMIT_SHARED_DEADLINE));
	/* The last call had most of the time. */
	run("gateway server GET /report | 0 1000 | ERROR; message=deadline exceeded\n"
	    "  gateway client GET /first | 5 100 |\n"
	    "    archive server GET /first | 6 99 |\n"
	    "  gateway client GET /second | 105 1000 | ERROR; message=deadline exceeded\n"
	    "    index server GET /second | 106 1001 | ERROR; message=deadline exceeded\n");
	ends_in("index", SUSPECT_SPAN, 0.95);
}
END_TEST

START_TEST(words_speak_for_an_end_without_a_span)
{
	static const char *const drawings[] = {
		"cart server GET /me | 0 9 | ERROR; exception.type=OperationalError; "
		"exception.message=connection to server at \"10.0.0.7\", port 5432 failed: "
		"Connection refused\n",
		"cart server GET /me | 0 9 | ERROR; message=dial tcp 10.0.0.7:5432: connect: "
		"connection refused\n",
		"cart server GET /me | 0 9 | ERROR; message=connect ECONNREFUSED 10.0.0.7:5432\n",
		"cart server GET /me | 0 9 | ERROR; message=HTTPConnectionPool(host='10.0.0.7', "
		"port=5432): Max retries exceeded with url: /x\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(drawings); i++) {
		run(drawings[i]);
		ends_in("cart", SUSPECT_PEER, 0.6);
		ck_assert_str_eq(walk.suspect.callee, "10.0.0.7:5432");
	}
	run("cart server GET /me | 0 9 | ERROR; message=Connection to 10.0.0.7:5432 refused. Check "
	    "that the hostname and port are correct\n");
	ck_assert_str_eq(walk.suspect.callee, "10.0.0.7:5432");
	/* A request over a queue, whose answer failed. */
	run("front server GET /box | 0 90 | ERROR; message=ValueError: box 12 does not exist\n"
	    "  front producer boxes send | 5 6 |\n"
	    "    worker consumer boxes process | 10 80 | ERROR; message=box 12 does not exist\n");
	ends_in("worker", SUSPECT_SPAN, 0.95);
	run("cart server GET /me | 0 9 | ERROR; message=getaddrinfo ENOTFOUND db.shop\n");
	ck_assert_str_eq(walk.suspect.callee, "db.shop");
	/* Who it was is not said. */
	run("cart server GET /me | 0 9 | ERROR; message=connection refused\n");
	ends_in("cart", SUSPECT_SPAN, 0.6);
	/* A breaker is open because somebody else failed. */
	run("cart server GET /me | 0 9 | ERROR; message=CircuitBreaker 'x' is OPEN and does not "
	    "permit further calls\n");
	ends_in("cart", SUSPECT_SPAN, 0.6);
	run("cart server GET /me | 0 9 | ERROR; message=payment refused\n");
	ends_in("cart", SUSPECT_SPAN, 0.95);
}
END_TEST

START_TEST(a_pool_is_the_callers_own)
{
	static const char *const words[] = {
		"QueuePool limit of size 1 overflow 0 reached, connection timed out, timeout 3.00",
		"HikariPool-1 - Connection is not available, request timed out after 3000ms",
		"redis: connection pool timeout",
		"Timeout: Pool empty. Unable to fetch a connection in 3 seconds",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		char drawing[512];

		snprintf(drawing, sizeof(drawing),
			 "shop server GET /cart | 0 4000 | ERROR\n"
			 "  shop client connect | 10 3011 | ERROR; db.system=postgresql; "
			 "message=%s\n",
			 words[i]);
		run(drawing);
		ends_in("shop", SUSPECT_SPAN, 0.8);
	}
	/* The name of a class is no pool that is empty. */
	run("shop server GET /cart | 0 4000 | ERROR\n"
	    "  shop client GET | 10 3011 | ERROR; server.address=stock; "
	    "message=HTTPConnectionPool(host='stock', port=80): Read timed out.\n");
	ends_in("shop", SUSPECT_PEER, 0.6);
}
END_TEST

START_TEST(bare_codes_of_gateways_and_refusals)
{
	run("gw server GET /feed | 0 9 | ERROR; http.response.status_code=504\n");
	ends_in("gw", SUSPECT_SPAN, 0.6);
	run("gw server GET /feed | 0 9 | ERROR; http.response.status_code=503; "
	    "message=shard 3 is read-only\n");
	ends_in("gw", SUSPECT_SPAN, 0.95);
	run("users server GET /u/1 | 0 9 | ERROR; http.response.status_code=404; "
	    "message=not found\n");
	ends_in("users", SUSPECT_SPAN, 0.75);
	run("web client GET /price | 0 9 | ERROR; http.response.status_code=429; "
	    "server.address=pricing\n");
	ends_in("web", SUSPECT_CALLER, 0.7);
	ck_assert(verdict_limits_has(&walk.limits, VERDICT_LIMIT_RATE_LIMITED));
}
END_TEST

START_TEST(what_a_database_refuses_is_the_callers)
{
	static const char *const refusals[] = {
		"message=ERROR: duplicate key value violates unique constraint (SQLSTATE 23505)",
		"exception.type=psycopg2.errors.UndefinedColumn; message=LINE 1",
		"exception.type=org.postgresql.util.PSQLException; "
		"exception.message=ERROR: column \"nick\" does not exist",
		"message=ERROR 1062 (23000): Duplicate entry '7' for key 'PRIMARY'",
		"message=SQLITE_ERROR: no such table: carts",
	};

	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		char drawing[512];

		snprintf(drawing, sizeof(drawing),
			 "shop server GET /cart | 0 40 | ERROR\n"
			 "  shop client SELECT | 10 30 | ERROR; db.system=postgresql; %s\n",
			 refusals[i]);
		run(drawing);
		ends_in("shop", SUSPECT_CALLER, 0.7);
	}
	run("shop client SELECT | 10 30 | ERROR; db.system=postgresql; "
	    "message=FATAL: sorry, too many clients already (SQLSTATE 53300)\n");
	ends_in("shop", SUSPECT_PEER, 0.6);
}
END_TEST

START_TEST(steps_of_a_call_and_of_a_response)
{
	/* Node's net and dns; Go's httptrace, one below the other. */
	run("web server GET / | 0 40 | ERROR\n"
	    "  web client GET | 10 30 | ERROR; server.address=stock; "
	    "message=connect ECONNREFUSED 127.0.0.1:24209\n"
	    "    web internal tcp.connect | 11 12 | ERROR\n");
	ends_in("web", SUSPECT_PEER, 0.6);
	ck_assert_str_eq(walk.suspect.operation, "GET");
	run("web server GET / | 0 40 | ERROR\n"
	    "  web client HTTP GET | 10 30 | ERROR; server.address=stock\n"
	    "    web internal http.getconn | 11 12 | ERROR\n"
	    "      web internal http.tls | 11 12 | ERROR; message=x509: expired\n");
	ends_in("web", SUSPECT_PEER, 0.6);
	ck_assert_str_eq(walk.suspect.callee, "stock");
	/* ASGI: the response in two steps, of which one failed by the code. */
	run("api server POST /x | 0 40 | ERROR; http.response.status_code=500; "
	    "exception.type=ValueError; exception.message=bad card\n"
	    "  api internal POST /x http send | 30 31 | ERROR; http.status_code=500\n"
	    "  api internal POST /x http send | 32 33 |\n");
	ends_in("api", SUSPECT_SPAN, 0.95);
	ck_assert_str_eq(walk.suspect.error, "ValueError: bad card");
	/* A panic that left the status unset. */
	run("edge client POST | 0 40 | ERROR; message=header parser received no bytes\n"
	    "  stock server POST | 1 39 | exception.message=runtime error: invalid memory "
	    "address or nil pointer dereference\n");
	ends_in("stock", SUSPECT_SPAN, 0.95);
}
END_TEST

START_TEST(an_early_failure_does_not_explain_a_time_out)
{
	run("cart client GET /stock | 0 3000 | ERROR; error.type=timeout\n"
	    "  inventory server GET /stock | 10 5000 |\n"
	    "    inventory client GET cache | 20 25 | ERROR; db.system=redis; db.namespace=0\n"
	    "    inventory client GET /shelves | 30 4900 |\n"
	    "      warehouse server GET /shelves | 40 4890 |\n");
	ends_in("warehouse", SUSPECT_SLOW, 0.8);
}
END_TEST

START_TEST(a_server_that_gave_up_names_the_child_at_work)
{
	/* The cancelled call has no status. */
	run("cart server GET /cart | 0 3000 | ERROR; rpc.grpc.status_code=4\n"
	    "  cart client GET /stock | 10 2999 |\n"
	    "    inventory server GET /stock | 20 6000 |\n");
	ends_in("inventory", SUSPECT_SLOW, 0.8);
	run("cart server GET /cart | 0 3000 | ERROR; rpc.grpc.status_code=4\n"
	    "  cart client GET /stock | 10 30 |\n"
	    "    inventory server GET /stock | 15 25 |\n");
	ends_in("cart", SUSPECT_SPAN, 0.95);
}
END_TEST

START_TEST(a_callee_that_ended_well_before_is_an_edge)
{
	run("cart server GET /cart | 0 100 | ERROR\n"
	    "  cart client GET /stock | 10 90 | ERROR\n"
	    "    inventory server GET /stock | 20 40 |\n");
	ends_in("cart", SUSPECT_EDGE, 0.55);
	ck_assert_str_eq(walk.suspect.callee, "inventory");
	ck_assert(reason_has("cart → inventory: the call failed; inventory had ended well before"));
}
END_TEST

START_TEST(a_callee_that_began_after_the_call_is_an_edge)
{
	run("cart server GET /cart | 0 3100 | ERROR\n"
	    "  cart client GET /stock | 10 3010 | ERROR; error.type=timeout\n"
	    "    inventory server GET /stock | 9000 19000 |\n");
	ends_in("cart", SUSPECT_EDGE, 0.55);
	ck_assert(reason_has("inventory began only when the call was over"));
}
END_TEST

START_TEST(an_edge_within_one_service_is_its_own)
{
	run("cart client GET /self | 10 90 | ERROR\n"
	    "  cart server GET /self | 20 40 |\n");
	ends_in("cart", SUSPECT_SPAN, 0.95);
}
END_TEST

/* ---- names of callees without spans ---- */

static const struct {
	const char *marks, *names;
} peer_cases[] = {
	{ "", "" },
	{ "peer.service=ledger", "ledger" },
	{ "peer.service=ledger; service.peer.name=books", "books ledger" },
	{ "db.system=postgresql; db.name=ledger", "postgresql/ledger postgresql" },
	{ "db.system.name=postgresql; db.namespace=ledger|public",
	  "postgresql/ledger|public postgresql/ledger postgresql" },
	{ "db.type=sql; db.instance=ledger", "sql/ledger" },
	{ "messaging.system=kafka; messaging.destination.name=orders", "kafka/orders kafka" },
	{ "message_bus.destination=orders", "orders" },
	{ "rpc.method=shop.Ledger/Book", "shop.Ledger" },
	{ "rpc.service=shop.Ledger; rpc.method=Book", "shop.Ledger" },
	{ "server.address=ledger.internal; server.port=443",
	  "ledger.internal:443 ledger.internal" },
	{ "server.address=ledger.internal:443", "ledger.internal:443 ledger.internal" },
	{ "net.peer.name=ledger; net.peer.port=80", "ledger:80 ledger" },
	{ "url.full=https://user:secret@ledger.internal:8443/entries?x=1",
	  "ledger.internal:8443 ledger.internal" },
	{ "http.url=/entries", "" },
	{ "faas.invoked_name=book", "book" },
	/* Addresses and localhost come last. */
	{ "server.address=10.1.2.3; server.port=5432; peer.hostname=ledger-db",
	  "ledger-db 10.1.2.3:5432 10.1.2.3" },
	{ "network.peer.address=fe80::1; network.peer.port=80; db.system=redis",
	  "redis [fe80::1]:80 fe80::1" },
	{ "peer.address=[fe80::1]:80; url.full=http://localhost/a; faas.invoked_name=book",
	  "book [fe80::1]:80 fe80::1 localhost" },
	/* Envoy: peer.address is the other end of the request that came in. */
	{ "upstream_cluster=outbound|8080||cart.shop.svc.cluster.local; peer.address=10.1.1.1",
	  "cart.shop.svc.cluster.local" },
	{ "response_flags=UF; peer.address=10.1.1.1", "" },
	{ "upstream_cluster=inbound|8080||; http.url=http://books:8080/c", "books:8080 books" },
	{ "upstream_cluster=books", "books" },
	/* The order of all attributes. */
	{ "http.url=http://g/; peer.address=f; net.sock.peer.name=e; net.peer.name=d; "
	  "server.address=c; rpc.service=b; "
	  "messaging.system=m; messaging.destination=q; db.system=s; db.name=n; peer.service=a",
	  "a s/n m/q b c d e f g s m" },
};

START_TEST(peers)
{
	char drawing[512], got[512] = "";
	size_t len = 0;

	snprintf(drawing, sizeof(drawing), "cart client call | 0 1 | ERROR; %s",
		 peer_cases[_i].marks);
	run(drawing);
	for (unsigned int i = 0; i < walk.suspect.npeers; i++)
		len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%s", i ? " " : "",
					walk.suspect.peers[i]);
	ck_assert_str_eq(got, peer_cases[_i].names);
	if (walk.suspect.npeers > 0)
		ck_assert_str_eq(walk.suspect.callee, walk.suspect.peers[0]);
	else
		ck_assert_ptr_null(walk.suspect.callee);
}
END_TEST

START_TEST(a_drivers_call_around_it_knows_more_names)
{
	run("cart client PutItem | 0 100 | ERROR; rpc.service=DynamoDB\n"
	    "  cart client POST | 10 90 | ERROR; server.address=10.0.0.9\n");
	ends_in("cart", SUSPECT_PEER, 0.6);
	ck_assert_uint_eq(walk.suspect.npeers, 2);
	ck_assert_str_eq(walk.suspect.peers[0], "DynamoDB");
	ck_assert_str_eq(walk.suspect.peers[1], "10.0.0.9");
}
END_TEST

/* ---- time ---- */

START_TEST(latency_names_the_largest_own_time)
{
	options.mode = WALK_LATENCY;
	/* Own times: checkout 10 + 10 + 10, cart 30, payment 10 + 20, ledger 10 ms. */
	run("checkout server POST /orders | 0 100 |\n"
	    "  cart server GET /cart | 10 40 |\n"
	    "  payment server POST /charge | 50 90 |\n"
	    "    ledger server POST /entries | 60 70 |\n"
	    "    ledger server POST /entries | 71 72 |\n");
	ends_in("checkout", SUSPECT_SLOW, 0.8);
	ck_assert_int_eq(walk.mode, WALK_LATENCY);
	run("checkout server POST /orders | 0 100 |\n"
	    "  cart server GET /cart | 5 40 |\n"
	    "  payment server POST /charge | 45 98 |\n"
	    "    ledger server POST /entries | 46 97 |\n");
	ends_in("ledger", SUSPECT_SLOW, 0.8);
	path_is("1 3 4");
	ck_assert_str_eq(walk.reasons[0], "of the 100 ms of checkout POST /orders, ledger spent 51 "
					  "ms in its own work, most of it in POST /entries");
	ck_assert_str_eq(walk.others[0].service, "cart");
}
END_TEST

START_TEST(latency_counts_what_runs_side_by_side_once)
{
	options.mode = WALK_LATENCY;
	/* pricing ends last, so its 70 ms count; of inventory only the 10 ms before pricing do. */
	run("cart server GET /cart | 0 100 |\n"
	    "  inventory server GET /stock | 10 80 |\n"
	    "  pricing server GET /prices | 20 90 |\n");
	ends_in("pricing", SUSPECT_SLOW, 0.8);
	ck_assert_str_eq(walk.others[0].service, "cart");
	ck_assert_str_eq(walk.others[1].service, "inventory");
}
END_TEST

START_TEST(latency_cuts_children_to_their_parent)
{
	options.mode = WALK_LATENCY;
	/* audit takes 810 ms, of which only 10 ms lie within the request. */
	run("cart server GET /cart | 0 100 |\n"
	    "  audit server POST /log | 90 900 |\n"
	    "  inventory server GET /stock | 10 90 |\n");
	ends_in("inventory", SUSPECT_SLOW, 0.8);
}
END_TEST

START_TEST(latency_begins_at_the_signal)
{
	options.mode = WALK_LATENCY;
	run_signal("payment", "POST /charge",
		   "checkout server POST /orders | 0 1000 |\n"
		   "  payment server POST /charge | 10 60 |\n"
		   "    ledger server POST /entries | 15 55 |\n");
	ends_in("ledger", SUSPECT_SLOW, 0.8);
	path_is("2 3");
}
END_TEST

START_TEST(latency_knows_the_names_of_a_silent_callee)
{
	options.mode = WALK_LATENCY;
	run("ledger server POST /entries | 0 100 |\n"
	    "  ledger client SELECT | 10 90 | db.system=mysql; db.name=books\n");
	ends_in("ledger", SUSPECT_SLOW, 0.8);
	ck_assert_str_eq(walk.suspect.peers[0], "mysql/books");
	/* The callee has a span, so waiting beyond its 10 ms belongs to either end. */
	run("ledger server POST /entries | 0 100 |\n"
	    "  ledger client GET /rates | 10 90 | peer.service=rates\n"
	    "    rates server GET /rates | 40 50 |\n");
	ends_in("ledger", SUSPECT_EDGE, 0.55);
	ck_assert_str_eq(walk.suspect.callee, "rates");
	ck_assert_uint_eq(walk.suspect.npeers, 0);
	/* The critical path: 20 ms of the server, 70 of the call, 10 of the callee. */
	ck_assert_uint_eq(walk.ncritical, 3);
	ck_assert_int_eq(walk.critical[0].own_us, 20000);
	ck_assert_int_eq(walk.critical[1].own_us, 70000);
	ck_assert_int_eq(walk.critical[2].own_us, 10000);
	/* Own time of ledger: 30 + 32 ms of work, 38 ms of waiting for the database: less than
	 * half. */
	run("ledger server POST /entries | 0 100 |\n"
	    "  ledger internal reckon | 0 30 |\n"
	    "  ledger client SELECT | 30 68 | db.system=mysql; db.name=books\n"
	    "  ledger internal write | 68 100 |\n");
	ck_assert_uint_eq(walk.suspect.npeers, 0);
}
END_TEST

START_TEST(latency_without_time_names_the_signal)
{
	options.mode = WALK_LATENCY;
	run("cart server GET /cart | 0 0 |\n");
	ends_in("cart", SUSPECT_SLOW, 0.8);
}
END_TEST

static void add_leaf_tests(TCase *tcase)
{
	tcase_add_test(tcase, server_consumer_and_internal_speak_for_their_service);
	tcase_add_loop_test(tcase, a_bare_code_is_called_by_its_protocol, 0,
			    (int)(sizeof(shown_errors) / sizeof(shown_errors[0])));
	tcase_add_test(tcase, a_silent_callee_is_a_peer);
	tcase_add_test(tcase, a_producers_peer_is_its_broker);
	tcase_add_test(tcase, spans_of_the_caller_itself_are_no_callee);
	tcase_add_test(tcase, a_refused_request_is_the_callers);
	tcase_add_test(tcase, some_refusals_are_the_callees_by_option);
	tcase_add_loop_test(tcase, what_a_silent_callee_answered, 0, ARRAY_LEN(answers));
	tcase_add_test(tcase, a_call_that_was_given_up_is_no_refusal);
	tcase_add_test(tcase, a_callee_that_outlives_the_call_is_slow);
	tcase_add_test(tcase, no_words_are_needed_where_it_outlives_the_call);
	tcase_add_test(tcase, it_goes_on_to_who_held_up_the_callee);
	tcase_add_test(tcase, what_began_after_the_deadline_held_up_nothing);
	tcase_add_test(tcase, ending_at_the_deadline_counts_with_words);
	tcase_add_test(tcase, ending_at_the_deadline_counts_with_quick_siblings);
	tcase_add_test(tcase, a_failing_call_that_filled_the_time_is_followed);
	tcase_add_test(tcase, a_deadline_that_an_earlier_call_used_up);
	tcase_add_test(tcase, words_speak_for_an_end_without_a_span);
	tcase_add_test(tcase, a_pool_is_the_callers_own);
	tcase_add_test(tcase, bare_codes_of_gateways_and_refusals);
	tcase_add_test(tcase, what_a_database_refuses_is_the_callers);
	tcase_add_test(tcase, steps_of_a_call_and_of_a_response);
	tcase_add_test(tcase, an_early_failure_does_not_explain_a_time_out);
	tcase_add_test(tcase, a_server_that_gave_up_names_the_child_at_work);
	tcase_add_test(tcase, a_callee_that_ended_well_before_is_an_edge);
	tcase_add_test(tcase, a_callee_that_began_after_the_call_is_an_edge);
	tcase_add_test(tcase, an_edge_within_one_service_is_its_own);
	tcase_add_loop_test(tcase, peers, 0, ARRAY_LEN(peer_cases));
	tcase_add_test(tcase, a_drivers_call_around_it_knows_more_names);
}

static void add_time_tests(TCase *tcase)
{
	tcase_add_test(tcase, latency_names_the_largest_own_time);
	tcase_add_test(tcase, latency_counts_what_runs_side_by_side_once);
	tcase_add_test(tcase, latency_cuts_children_to_their_parent);
	tcase_add_test(tcase, latency_begins_at_the_signal);
	tcase_add_test(tcase, latency_knows_the_names_of_a_silent_callee);
	tcase_add_test(tcase, latency_without_time_names_the_signal);
}

int main(void)
{
	Suite *suite = suite_create("walk_leaf");

	add(suite, "whose fault", add_leaf_tests);
	add(suite, "time", add_time_tests);
	return run_suite(suite);
}
