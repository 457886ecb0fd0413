/*
 * The walk, rule by rule: the trace as it arrives, which span fails, where the walk starts, how it
 * goes down. Traces are drawn (lib/trace_make.h); the shop is invented; what is expected follows
 * from the rules. Whose fault the leaf is: test_walk_leaf.c.
 */
#include "tests/lib/walk_check.h"
#include "tracepager/trace_builder.h"

/* ---- the trace as it arrives ---- */

START_TEST(structure_before_timestamps)
{
	/* The clock of ledger is two seconds behind: its span ends before its call begins. */
	run("checkout server POST /orders | 5000 5100 | ERROR\n"
	    "  checkout client POST /entries | 5010 5090 | ERROR\n"
	    "    ledger server POST /entries | 3000 3070 | ERROR\n");
	ends_in("ledger", SUSPECT_SPAN, 0.95);
	path_is("1 2 3");
}
END_TEST

START_TEST(chain_goes_on_at_another_root)
{
	run_signal("checkout", "POST /orders",
		   "checkout server POST /orders | 0 100 |\n"
		   "  checkout client GET /stock | 10 20 |\n"
		   "ledger server POST /entries | 30 90 | ERROR; parent=lost\n"
		   "  ledger internal book | 40 80 | ERROR\n");
	/* At most 0.7 below a signal that did not fail. */
	ends_in("ledger", SUSPECT_SPAN, 0.7 * 0.9);
	path_is("3 4");
	ck_assert_uint_eq(walk.signal_span, 0);
	ck_assert(reason_has(
		"parent span lost is missing; continued at another root, ledger POST /entries"));
}
END_TEST

START_TEST(other_root_is_only_told_while_the_signal_explains)
{
	run_signal("checkout", "POST /orders",
		   "checkout server POST /orders | 0 100 | ERROR\n"
		   "shipping server PUT /parcels | 30 95 | ERROR; parent=lost\n");
	ends_in("checkout", SUSPECT_SPAN, 0.95 * 0.9);
	ck_assert_uint_eq(walk.nothers, 1);
	ck_assert_str_eq(walk.others[0].service, "shipping");
	ck_assert(reason_has("another part of this trace, whose parent is missing, failed too: "
			     "shipping PUT /parcels"));
	/* No reason tells of an orphan that did not fail. */
	run_signal("checkout", "POST /orders",
		   "checkout server POST /orders | 0 100 | ERROR\n"
		   "shipping server PUT /parcels | 30 95 | parent=lost\n");
	ck_assert_uint_eq(walk.nothers, 0);
}
END_TEST

START_TEST(a_loose_part_may_be_what_a_silent_callee_did)
{
	static const char drawing[] = "checkout server POST /orders | 0 100 | ERROR\n"
				      "  checkout client POST /charge | 10 90 | ERROR%s\n"
				      "ledger server POST /entries | %s | ERROR; parent=%s\n";
	static const struct {
		const char *marks, *times, *parent;
		double factor;
	} cases[] = {
		{ "", "30 80", "lost", 0.5 },
		{ "; peer.service=payment", "30 80", "lost", 0.5 },
		/* Clocks differ, so an orphan outside of the call's times still counts, but not one
		   around the call. */
		{ "", "5 60", "lost", 0.5 },
		{ "", "5 95", "lost", 1 },
	};

	/* checkout was refused, perhaps because of the failure in ledger. */
	run("checkout server POST /orders | 0 100 | ERROR\n"
	    "  checkout client POST /charge | 10 90 | ERROR; http.response.status_code=404\n"
	    "ledger server POST /entries | 30 80 | ERROR; parent=lost\n");
	ends_in("checkout", SUSPECT_CALLER, 0.7 * 0.9 * 0.5);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[512];

		snprintf(text, sizeof(text), drawing, cases[i].marks, cases[i].times,
			 cases[i].parent);
		run(text);
		ends_in("checkout", SUSPECT_PEER, 0.6 * 0.9 * cases[i].factor);
		ck_assert_uint_eq(walk.nothers, 1);
		ck_assert_str_eq(walk.others[0].service, "ledger");
		ck_assert(reason_has("whose parent is missing, failed too: ledger POST /entries"));
	}
}
END_TEST

START_TEST(parts_beside_the_call_do_not_explain_it)
{
	/* Both roots name the same missing parent: they are requests of one browser. */
	run("checkout server POST /orders | 0 100 | ERROR; parent=browser\n"
	    "  checkout client SELECT | 10 90 | ERROR; db.system=mysql; db.name=shop\n"
	    "cart server GET /cart | 20 80 | ERROR; parent=browser\n");
	ends_in("checkout", SUSPECT_PEER, 0.6 * 0.9);
	ck_assert_str_eq(walk.others[0].service, "cart");
	/* No call waits for a consumer, so the consumer takes no certainty. */
	run("checkout server POST /orders | 0 100 | ERROR\n"
	    "  checkout client SELECT | 10 90 | ERROR; db.system=mysql; db.name=shop\n"
	    "mailer consumer orders process | 20 80 | ERROR; parent=lost\n");
	ends_in("checkout", SUSPECT_PEER, 0.6 * 0.9);
	/* The orphan is another entry of the signal. */
	run_signal("checkout", "POST /orders",
		   "checkout server POST /orders | 0 100 | ERROR\n"
		   "  checkout client SELECT | 10 90 | ERROR; db.system=mysql; db.name=shop\n"
		   "checkout server POST /orders | 20 80 | ERROR; parent=lost\n");
	ends_in("checkout", SUSPECT_PEER, 0.6 * 0.9);
}
END_TEST

static const char *const called_by[] = {
	"peer.service=payment",
	"server.address=payment",
	"server.address=payment.internal",
	"rpc.service=shop.Payment",
	"rpc.method=shop.Payment/Charge",
};

START_TEST(a_loose_part_is_continued_at_by_its_name)
{
	char text[768];

	snprintf(text, sizeof(text),
		 "checkout server POST /orders | 0 100 | ERROR\n"
		 "  checkout client POST /charge | 10 90 | ERROR; %s\n"
		 "cart server GET /cart | 20 85 | ERROR; parent=gone\n"
		 "payment server POST /charge | 30 80 | ERROR; parent=lost;"
		 " server.address=payment.internal; rpc.service=shop.Payment\n"
		 "  payment internal reckon | 40 70 | ERROR\n",
		 called_by[_i]);
	run(text);
	ends_in("payment", SUSPECT_SPAN, 0.95 * 0.9 * 0.9);
	path_is("4 5");
	ck_assert(reason_has("whose span is missing; continued by its name at another root, "
			     "payment POST /charge"));
	ck_assert_uint_eq(walk.nothers, 1);
	ck_assert_str_eq(walk.others[0].service, "cart");
	ck_assert(reason_has("failed too: cart GET /cart"));
	ck_assert(!reason_has("failed too: payment"));
}
END_TEST

START_TEST(an_address_is_no_name_of_a_loose_part)
{
	run("checkout server POST /orders | 0 100 | ERROR\n"
	    "  checkout client POST /charge | 10 90 | ERROR; server.address=localhost\n"
	    "payment server POST /charge | 30 80 | ERROR; parent=lost; server.address=localhost\n");
	ends_in("checkout", SUSPECT_PEER, 0.6 * 0.9 * 0.5);
}
END_TEST

START_TEST(loose_parts_that_call_each_other_end)
{
	run("checkout server POST /orders | 0 100 | ERROR\n"
	    "  checkout client a | 10 90 | ERROR; peer.service=payment\n"
	    "payment server b | 20 80 | ERROR; parent=lost\n"
	    "  payment client c | 30 70 | ERROR; peer.service=ledger\n"
	    "ledger server d | 40 60 | ERROR; parent=gone\n"
	    "  ledger client e | 41 59 | ERROR; peer.service=payment\n");
	ends_in("ledger", SUSPECT_PEER, 0.6 * 0.9 * 0.9);
	path_is("5 6");
	ck_assert_uint_eq(walk.nothers, 0);
}
END_TEST

START_TEST(a_single_orphan_is_whole)
{
	/* A single orphan whose parent is in a browser: the trace counts as whole. */
	run("checkout server POST /orders | 0 100 | ERROR; parent=browser\n");
	ends_in("checkout", SUSPECT_SPAN, 0.95);
}
END_TEST

START_TEST(failing_spans_above_the_signal_are_not_its)
{
	run_signal("checkout", "POST /orders",
		   "gateway server POST / | 0 100 | ERROR\n"
		   "  checkout server POST /orders | 10 20 |\n");
	ends_nowhere(FALLBACK_NO_FAILING_SPAN);
}
END_TEST

START_TEST(client_and_server_share_an_id)
{
	run("checkout server POST /orders | 0 100 | ERROR; id=a\n"
	    "checkout client POST /entries | 10 90 | ERROR; id=b; parent=a\n"
	    "ledger server POST /entries | 15 85 | ERROR; id=b; parent=a; SHARED\n"
	    "ledger internal book | 20 80 | ERROR; id=c; parent=b\n");
	ends_in("ledger", SUSPECT_SPAN, 0.95);
	path_is("1 2 3 4");
}
END_TEST

START_TEST(cycles_and_self_parents_end)
{
	run("checkout internal one | 0 100 | ERROR; id=a; parent=c\n"
	    "checkout internal two | 10 90 | ERROR; id=b; parent=a\n"
	    "ledger server three | 20 80 | ERROR; id=c; parent=b\n");
	/* The cycle is cut above its earliest span. */
	ends_in("ledger", SUSPECT_SPAN, 0.95);
	path_is("1 2 3");
	run("checkout server POST /orders | 0 100 | ERROR; id=a; parent=a\n");
	ends_in("checkout", SUSPECT_SPAN, 0.95);
}
END_TEST

START_TEST(partial_traces_are_less_certain)
{
	set = trace_make_partial("checkout server POST /orders | 0 100 | ERROR\n");
	walk_trace(arena, &set->traces[0], &options, &walk);
	ends_in("checkout", SUSPECT_SPAN, 0.95 * 0.8);
	ck_assert(verdict_limits_has(&walk.limits, VERDICT_LIMIT_PARTIAL));
}
END_TEST

START_TEST(follows_from_is_no_parent)
{
	run("checkout server POST /orders | 0 100 | ERROR\n"
	    "  mailer internal send receipt | 10 90 | ERROR; FOLLOWS\n");
	ends_in("checkout", SUSPECT_SPAN, 0.95);
}
END_TEST

START_TEST(follows_from_is_a_root_of_its_own)
{
	run("checkout server POST /orders | 0 100 |\n"
	    "  mailer internal send receipt | 110 190 | ERROR; FOLLOWS\n");
	ends_in("mailer", SUSPECT_SPAN, 0.95);
	ck_assert(reason_has("continued at another root"));
	path_is("2");
}
END_TEST

START_TEST(a_later_consumer_does_not_explain_its_producer)
{
	run("checkout server POST /orders | 0 100 | ERROR\n"
	    "  shipping consumer orders process | 150 190 | ERROR\n");
	ends_in("checkout", SUSPECT_SPAN, 0.95);
	/* The consumer is the suspect where the alert is about it. */
	run_signal("shipping", "orders process",
		   "checkout server POST /orders | 0 100 |\n"
		   "  checkout producer orders send | 10 20 |\n"
		   "    shipping consumer orders process | 150 190 | ERROR\n");
	ends_in("shipping", SUSPECT_SPAN, 0.95);
}
END_TEST

START_TEST(identity_is_namespace_and_service)
{
	run("eu/ledger server POST /entries | 0 100 | ERROR\n"
	    "  us/ledger server POST /entries | 10 90 | ERROR\n");
	ends_in("ledger", SUSPECT_SPAN, 0.95);
	ck_assert_str_eq(walk.suspect.namespace, "us");
}
END_TEST

START_TEST(a_service_without_a_name_is_unknown)
{
	run("- server POST /entries | 0 100 | ERROR\n");
	ends_in("unknown_service", SUSPECT_SPAN, 0.95);
}
END_TEST

/* ---- which span is failing ---- */

static const struct {
	const char *span;
	bool failing;
} failing_cases[] = {
	/* The status counts first. */
	{ "server a | 0 1 | ERROR", true },
	{ "server a | 0 1 |", false },
	{ "server a | 0 1 | OK", false },
	{ "server a | 0 1 | OK; TAG", false },
	{ "server a | 0 1 | OK; http.response.status_code=500", false },
	{ "server a | 0 1 | ERROR; NOTAG", true },
	/* Then the error tag. */
	{ "server a | 0 1 | TAG", true },
	{ "server a | 0 1 | NOTAG", false },
	{ "server a | 0 1 | NOTAG; http.response.status_code=500", false },
	{ "server a | 0 1 | error=true", true },
	{ "server a | 0 1 | error=false", false },
	/* Then the HTTP code, by the side of the call. */
	{ "server a | 0 1 | http.response.status_code=500", true },
	{ "server a | 0 1 | http.status_code=503", true },
	{ "server a | 0 1 | http.status_code=499", false },
	{ "server a | 0 1 | http.status_code=404", false },
	{ "client a | 0 1 | http.status_code=500", true },
	{ "client a | 0 1 | http.status_code=404", true },
	{ "client a | 0 1 | http.status_code=302", false },
	{ "client a | 0 1 | http.status_code=5000", false },
	{ "client a | 0 1 | http.status_code=no", false },
	/* The newer spelling counts. */
	{ "client a | 0 1 | http.status_code=500; http.response.status_code=200", false },
	/* Then the gRPC code, by the side of the call. */
	{ "client a | 0 1 | rpc.grpc.status_code=0", false },
	{ "client a | 0 1 | rpc.grpc.status_code=5", true },
	{ "client a | 0 1 | rpc.grpc.status_code=1", true },
	{ "client a | 0 1 | rpc.status_code=UNAVAILABLE", true },
	{ "client a | 0 1 | rpc.status_code=OK", false },
	{ "client a | 0 1 | rpc.status_code=-32601", false },
	{ "server a | 0 1 | rpc.grpc.status_code=1", false },
	{ "server a | 0 1 | rpc.grpc.status_code=2", true },
	{ "server a | 0 1 | rpc.grpc.status_code=3", false },
	{ "server a | 0 1 | rpc.grpc.status_code=4", true },
	{ "server a | 0 1 | rpc.grpc.status_code=5", false },
	{ "server a | 0 1 | rpc.grpc.status_code=8", false },
	{ "server a | 0 1 | rpc.grpc.status_code=11", false },
	{ "server a | 0 1 | rpc.grpc.status_code=12", true },
	{ "server a | 0 1 | rpc.grpc.status_code=13", true },
	{ "server a | 0 1 | rpc.grpc.status_code=14", true },
	{ "server a | 0 1 | rpc.grpc.status_code=15", true },
	{ "server a | 0 1 | rpc.grpc.status_code=16", false },
	{ "server a | 0 1 | grpc.status_code=DEADLINE_EXCEEDED", true },
};

START_TEST(failing)
{
	char drawing[128];

	snprintf(drawing, sizeof(drawing), "ledger %s", failing_cases[_i].span);
	begin(drawing);
	ck_assert_msg(span_failing(&set->traces[0], &set->traces[0].spans[0], true) ==
			      failing_cases[_i].failing,
		      "%s", drawing);
}
END_TEST

START_TEST(codes_are_an_option)
{
	options.codes_fail = false;
	run("ledger server POST /entries | 0 1 | http.response.status_code=500\n");
	ends_nowhere(FALLBACK_NO_FAILING_SPAN);
}
END_TEST

START_TEST(a_span_without_kind_is_a_call_where_all_below_is_one_other_service)
{
	const struct trace *trace;

	begin("cart none GET /cart | 0 100 | http.status_code=404\n"
	      "  inventory none GET /stock | 10 90 | http.status_code=404\n");
	trace = &set->traces[0];
	ck_assert(span_failing(trace, &trace->spans[0], true));
	ck_assert(!span_failing(trace, &trace->spans[1], true));
	begin("cart none GET /cart | 0 100 | http.status_code=404\n"
	      "  inventory none GET /stock | 10 90 |\n"
	      "  shipping none GET /rates | 10 90 |\n");
	ck_assert(!span_failing(&set->traces[0], &set->traces[0].spans[0], true));
}
END_TEST

static const struct {
	const char *marks, *words;
} word_cases[] = {
	{ "ERROR", NULL },
	{ "ERROR; error.type=timeout", "timeout" },
	{ "ERROR; error.type=timeout; message=no answer in 3 s", "timeout: no answer in 3 s" },
	{ "ERROR; error.type=ConnectError; message=ConnectError: refused",
	  "ConnectError: refused" },
	{ "ERROR; message=out of money; exception.message=other", "out of money" },
	{ "ERROR; exception.type=OutOfMoney; exception.message=balance is 0",
	  "OutOfMoney: balance is 0" },
	{ "ERROR; error.type=_OTHER; message=odd", "odd" },
	{ "ERROR; error.type=503", "HTTP 503" },
	{ "ERROR; http.response.status_code=503", "HTTP 503" },
	{ "ERROR; http.response.status_code=503; message=no stock", "HTTP 503: no stock" },
	{ "ERROR; rpc.grpc.status_code=14", "UNAVAILABLE" },
	{ "TAG; error=no route to ledger", "no route to ledger" },
	{ "ERROR; message=one\tline", "one line" },
};

START_TEST(words)
{
	char drawing[128];
	const char *got;

	snprintf(drawing, sizeof(drawing), "ledger server a | 0 1 | %s", word_cases[_i].marks);
	begin(drawing);
	got = span_error(arena, &set->traces[0], &set->traces[0].spans[0]);
	ck_assert_pstr_eq(got, word_cases[_i].words);
}
END_TEST

/* ---- where it starts ---- */

START_TEST(begins_at_the_shallowest_failing_span_of_the_signal)
{
	run_signal("checkout", "POST /orders",
		   "gateway server POST / | 0 100 | ERROR\n"
		   "  checkout server POST /orders | 10 90 | ERROR\n"
		   "    checkout internal POST /orders | 20 80 | ERROR\n");
	ends_in("checkout", SUSPECT_SPAN, 0.95);
	path_is("2 3");
	ck_assert_uint_eq(walk.signal_span, 1);
}
END_TEST

START_TEST(each_entry_of_the_signal_is_walked)
{
	run_signal("checkout", "POST /orders",
		   "batch internal run | 0 300 |\n"
		   "  checkout server POST /orders | 10 90 | ERROR\n"
		   "    ledger server POST /entries | 20 80 | ERROR\n"
		   "  checkout server POST /orders | 110 190 | ERROR\n"
		   "    inventory server GET /stock | 120 180 | ERROR\n");
	ends_in("inventory", SUSPECT_SPAN, 0.95);
	ck_assert_uint_eq(walk.nothers, 1);
	ck_assert_str_eq(walk.others[0].service, "ledger");
}
END_TEST

START_TEST(without_a_signal_it_begins_at_the_roots_service)
{
	run("checkout server POST /orders | 0 100 |\n"
	    "  checkout client POST /entries | 10 90 | ERROR\n"
	    "    ledger server POST /entries | 20 80 | ERROR\n");
	ends_in("ledger", SUSPECT_SPAN, 0.95);
	path_is("1 2 3");
	ck_assert_uint_eq(walk.signal_span, 0);
}
END_TEST

START_TEST(below_a_signal_that_did_not_fail_the_nearest)
{
	run_signal("checkout", "POST /orders",
		   "checkout server POST /orders | 0 100 |\n"
		   "  cart server GET /cart | 5 40 |\n"
		   "    inventory server GET /stock | 10 30 | ERROR\n"
		   "  payment server POST /charge | 50 60 | ERROR\n");
	ends_in("payment", SUSPECT_SPAN, 0.7);
	ck_assert(verdict_limits_has(&walk.limits, VERDICT_LIMIT_SIGNAL_FINE));
	path_is("1 4");
	ck_assert_str_eq(walk.others[0].service, "inventory");
	ck_assert(reason_has(
		"did not fail; the nearest failing span below it is payment POST /charge"));
}
END_TEST

START_TEST(a_signal_with_another_operation_is_looked_for_by_service)
{
	run_signal("checkout", "place_order",
		   "gateway server POST / | 0 100 | ERROR\n"
		   "  checkout server POST /orders | 10 90 | ERROR\n"
		   "  shipping server GET /rates | 91 99 | ERROR\n");
	ends_in("checkout", SUSPECT_SPAN, 0.95);
	ck_assert(reason_has("no span of checkout is the signal's operation"));
}
END_TEST

START_TEST(a_signal_that_is_not_there_leaves_the_root)
{
	run_signal("search", NULL, "checkout server POST /orders | 10 90 | ERROR\n");
	ends_in("checkout", SUSPECT_SPAN, 0.7);
	ck_assert(verdict_limits_has(&walk.limits, VERDICT_LIMIT_NO_SIGNAL_SPAN));
	ck_assert_uint_eq(walk.signal_span, TRACE_NONE);
	ck_assert(reason_has("began at its root"));
}
END_TEST

START_TEST(nothing_failed)
{
	run("checkout server POST /orders | 0 100 |\n"
	    "  ledger server POST /entries | 20 80 |\n");
	ends_nowhere(FALLBACK_NO_FAILING_SPAN);
	ck_assert_uint_eq(walk.error_spans, 0);
	/* WALK_AUTO is by errors: the time of one trace proves nothing. */
	options.mode = WALK_AUTO;
	run("checkout server POST /orders | 0 100 |\n");
	ends_nowhere(FALLBACK_NO_FAILING_SPAN);
}
END_TEST

static const struct {
	const char *service, *namespace, *operation, *from;
	bool matches;
} signal_cases[] = {
	{ NULL, NULL, NULL, "rule", true },
	{ "checkout", "", "", "rule", true },
	{ "checkout", "shop", "POST /orders", "rule", true },
	{ "check", NULL, NULL, "rule", false },
	{ "check*", NULL, NULL, "rule", true },
	{ "c*k*t", NULL, NULL, "option", true },
	{ "c*x*t", NULL, NULL, "rule", false },
	{ "checkou?", NULL, NULL, "rule", true },
	{ "checkout", "sho", NULL, "rule", false },
	{ "checkout", NULL, "GET *", "rule", false },
	{ "checkout", NULL, "* /orders", "rule", true },
	/* A signal from a label is compared literally. */
	{ "check*", NULL, NULL, "label", false },
	{ "checkout", NULL, "POST /orders", "label", true },
};

START_TEST(signals)
{
	signal_of.service = signal_cases[_i].service;
	signal_of.namespace = signal_cases[_i].namespace;
	signal_of.operation = signal_cases[_i].operation;
	signal_of.from = signal_cases[_i].from;
	begin("shop/checkout server POST /orders | 0 1 |\n");
	ck_assert(signal_matches(&signal_of, &set->traces[0], &set->traces[0].spans[0]) ==
		  signal_cases[_i].matches);
}
END_TEST

START_TEST(signals_by_attribute)
{
	struct label label = { "http.route", "/orders*" };

	signal_of.attrs = (struct labels){ &label, 1 };
	begin("checkout server a | 0 1 | http.route=/orders/all\n"
	      "checkout server b | 0 1 | http.route=/carts\n"
	      "checkout server c | 0 1 |\n");
	ck_assert(signal_matches(&signal_of, &set->traces[0], &set->traces[0].spans[0]));
	ck_assert(!signal_matches(&signal_of, &set->traces[0], &set->traces[0].spans[1]));
	ck_assert(!signal_matches(&signal_of, &set->traces[0], &set->traces[0].spans[2]));
}
END_TEST

/* ---- down ---- */

START_TEST(what_was_handled_is_not_the_cause)
{
	run("checkout server POST /orders | 0 100 | ERROR\n"
	    "  checkout internal price from cache | 10 30 | OK\n"
	    "    checkout client GET price | 11 20 | ERROR; db.system=redis\n");
	ends_in("checkout", SUSPECT_SPAN, 0.95);
	path_is("1");
}
END_TEST

START_TEST(one_unset_span_does_not_break_the_chain_of_a_call)
{
	run("checkout server POST /orders | 0 100 | ERROR\n"
	    "  checkout client POST /charge | 10 90 | ERROR\n"
	    "    payment server POST /charge | 15 85 |\n"
	    "      payment client POST /entries | 20 80 | ERROR\n"
	    "        ledger server POST /entries | 25 75 | ERROR\n");
	ends_in("ledger", SUSPECT_SPAN, 0.95);
	path_is("1 2 3 4 5");
	ck_assert(reason_has("payment POST /charge did not say that it failed"));
}
END_TEST

START_TEST(a_proxy_does_not_break_the_chain_either)
{
	run("checkout client POST /charge | 10 90 | ERROR\n"
	    "  proxy internal egress | 11 89 |\n"
	    "    payment server POST /charge | 15 85 | ERROR\n");
	ends_in("payment", SUSPECT_SPAN, 0.95);
}
END_TEST

START_TEST(a_call_fails_when_its_server_does)
{
	/* Two calls without a status whose servers failed: doubts do not multiply. */
	run("checkout server POST /orders | 0 100 | ERROR\n"
	    "  checkout client POST /charge | 10 90 |\n"
	    "    payment server POST /charge | 15 85 | ERROR\n"
	    "      payment client POST /entries | 20 80 |\n"
	    "        ledger server POST /entries | 25 75 | ERROR\n");
	ends_in("ledger", SUSPECT_SPAN, 0.95 * 0.9);
	path_is("1 2 3 4 5");
	ck_assert_uint_eq(walk.error_spans, 3);
	ck_assert(reason_has(
		"payment → ledger: POST /entries did not say that it failed, but its server did"));
	/* Beside a call that failed, a call without a status was tolerated. */
	run("checkout server POST /orders | 0 100 | ERROR\n"
	    "  checkout client POST /charge | 10 50 | ERROR\n"
	    "    payment server POST /charge | 15 45 | ERROR\n"
	    "  checkout client GET /rates | 60 90 |\n"
	    "    shipping server GET /rates | 65 85 | ERROR\n");
	ends_in("payment", SUSPECT_SPAN, 0.95);
	/* The failure of a call with status OK was handled. */
	run("checkout server POST /orders | 0 100 | ERROR\n"
	    "  checkout client GET /rates | 60 90 | OK\n"
	    "    shipping server GET /rates | 65 85 | ERROR\n");
	ends_in("checkout", SUSPECT_SPAN, 0.95);
	/* So was the failure of a call that was tried again with success. */
	run("checkout server POST /orders | 0 100 | ERROR\n"
	    "  checkout client GET /rates | 10 40 |\n"
	    "    shipping server GET /rates | 15 35 | ERROR\n"
	    "  checkout client GET /rates | 60 90 |\n"
	    "    shipping server GET /rates | 65 85 |\n");
	ends_in("checkout", SUSPECT_SPAN, 0.95);
}
END_TEST

START_TEST(a_span_that_says_ok_does_break_it)
{
	run("checkout server POST /orders | 0 100 | ERROR\n"
	    "  checkout client POST /charge | 10 90 | ERROR\n"
	    "    payment server POST /charge | 15 85 | OK\n"
	    "      payment client POST /entries | 20 40 | ERROR\n");
	ends_in("checkout", SUSPECT_EDGE, 0.55);
}
END_TEST

START_TEST(unset_internal_spans_do_not_break_it)
{
	run("checkout client POST /charge | 10 90 | ERROR\n"
	    "  payment server POST /charge | 15 85 |\n"
	    "    payment internal charge | 16 84 |\n"
	    "      payment client POST /entries | 20 40 | ERROR; server.address=ledger\n");
	ends_in("payment", SUSPECT_PEER, 0.6);
	/* Router, middleware, handler. */
	run("web server GET /cart | 0 100 | ERROR\n"
	    "  web internal middleware | 1 99 |\n"
	    "    web internal router | 2 98 |\n"
	    "      web internal handler | 3 97 |\n"
	    "        web client GET /stock | 5 90 | ERROR\n"
	    "          inventory server GET /stock | 6 89 | ERROR; message=row corrupt\n");
	ends_in("inventory", SUSPECT_SPAN, 0.95);
	path_is("1 2 3 4 5 6");
	ck_assert(reason_has("web middleware and 2 more below it did not say that they failed, "
			     "but GET /stock did"));
	/* A CLIENT that says nothing is no part of the invocation. */
	run("web server GET /cart | 0 100 | ERROR\n"
	    "  web internal handler | 3 97 |\n"
	    "    web client GET /stock | 5 90 |\n"
	    "      inventory server GET /stock | 6 89 |\n"
	    "        inventory client GET key | 7 8 | ERROR; server.address=cache\n");
	ends_in("web", SUSPECT_SPAN, 0.95);
}
END_TEST

START_TEST(all_attempts_failed)
{
	run("cart server GET /cart | 0 400 | ERROR\n"
	    "  cart client GET /stock | 10 100 | ERROR\n"
	    "    inventory server GET /stock | 15 95 | ERROR; message=first\n"
	    "  cart client GET /stock | 110 200 | ERROR; http.request.resend_count=1\n"
	    "    inventory server GET /stock | 115 195 | ERROR; message=second\n"
	    "  cart client GET /stock | 210 300 | ERROR; http.request.resend_count=2\n"
	    "    inventory server GET /stock | 215 295 | ERROR; message=third\n");
	ends_in("inventory", SUSPECT_SPAN, 0.95);
	ck_assert_str_eq(walk.suspect.error, "third");
	ck_assert(reason_has("3 attempts of GET /stock failed; the last stands for all"));
	ck_assert_uint_eq(walk.nothers, 0);
}
END_TEST

START_TEST(a_later_success_supersedes)
{
	/* The retry of GET /stock succeeded, so the earlier failure of GET /prices is the cause. */
	run("cart server GET /cart | 0 400 | ERROR\n"
	    "  cart client GET /prices | 5 50 | ERROR\n"
	    "    pricing server GET /prices | 10 45 | ERROR\n"
	    "  cart client GET /stock | 60 100 | ERROR\n"
	    "    inventory server GET /stock | 65 95 | ERROR\n"
	    "  cart client GET /stock | 110 200 |\n"
	    "    inventory server GET /stock | 115 195 |\n");
	/* The later success of another call may mean that this failure was survived. */
	ends_in("pricing", SUSPECT_SPAN, 0.95 * 0.8);
	ck_assert(verdict_limits_has(&walk.limits, VERDICT_LIMIT_MAYBE_SURVIVED));
	ck_assert_uint_eq(walk.nothers, 0);
}
END_TEST

START_TEST(a_superseded_attempt_explains_for_want_of_anything_better)
{
	run("cart server GET /cart | 0 400 | ERROR\n"
	    "  cart client GET /stock | 60 100 | ERROR\n"
	    "    inventory server GET /stock | 65 95 | ERROR\n"
	    "  cart client GET /stock | 110 200 |\n"
	    "    inventory server GET /stock | 115 195 |\n");
	ends_in("inventory", SUSPECT_SPAN, 0.95 * 0.8);
	ck_assert(reason_has("GET /stock was tried again with success, but nothing else explains"));
}
END_TEST

START_TEST(a_superseded_attempt_below_a_parent_that_did_not_fail_is_nothing)
{
	run("cart server GET /cart | 0 400 |\n"
	    "  cart client GET /stock | 60 100 | ERROR\n"
	    "  cart client GET /stock | 110 200 |\n");
	ends_nowhere(FALLBACK_NO_FAILING_SPAN);
	ck_assert_uint_eq(walk.error_spans, 1);
}
END_TEST

START_TEST(a_fan_out_is_no_retry)
{
	/* Two of three calls overlap: they are a fan-out, and the third is no retry of the first.
	 */
	run("cart server GET /cart | 0 400 | ERROR\n"
	    "  cart client GET /stock | 10 100 | ERROR\n"
	    "    inventory server GET /stock | 15 95 | ERROR\n"
	    "  cart client GET /stock | 50 120 |\n"
	    "  cart client GET /stock | 130 200 |\n");
	ends_in("inventory", SUSPECT_SPAN, 0.95);
}
END_TEST

START_TEST(calls_of_other_peers_are_no_attempts)
{
	run("cart server GET /cart | 0 400 | ERROR\n"
	    "  cart client GET | 10 100 | ERROR; server.address=inventory\n"
	    "  cart client GET | 110 120 | server.address=pricing\n");
	ends_in("cart", SUSPECT_PEER, 0.6 * 0.8);
	ck_assert_str_eq(walk.suspect.callee, "inventory");
	run("cart server GET /cart | 0 400 | ERROR\n"
	    "  cart client GET | 10 100 | ERROR; server.address=inventory; "
	    "url.full=http://inventory/a\n"
	    "  cart client GET | 110 120 | server.address=inventory; "
	    "url.full=http://inventory/b\n");
	ends_in("cart", SUSPECT_PEER, 0.6);
}
END_TEST

START_TEST(cancelled_siblings_are_not_the_cause)
{
	run("cart server GET /cart | 0 100 | ERROR\n"
	    "  cart client GET /stock | 10 60 | ERROR\n"
	    "    inventory server GET /stock | 15 55 | ERROR\n"
	    "  cart client GET /prices | 10 61 | ERROR; rpc.grpc.status_code=1\n"
	    "    pricing server GET /prices | 15 90 | ERROR\n"
	    "  cart client GET /rates | 10 61 | ERROR; message=context canceled\n");
	ends_in("inventory", SUSPECT_SPAN, 0.95);
	ck_assert(reason_has("cart GET /stock is the one that was not cancelled"));
}
END_TEST

START_TEST(a_lone_cancelled_call_is_explained_above_it)
{
	run("cart server GET /cart | 0 100 | ERROR; message=no price for the item\n"
	    "  cart client GET /stock | 10 98 | ERROR; rpc.grpc.status_code=1; "
	    "server.address=inventory\n");
	ends_in("cart", SUSPECT_SPAN, 0.95 * 0.8);
	path_is("1");
	ck_assert_str_eq(walk.suspect.error, "no price for the item");
	ck_assert(reason_has("GET /stock was cancelled; what explains that is cart GET /cart: no "
			     "price for the item"));
	/* The cause is above a cancelled span whose parent was cancelled too. */
	run("cart server GET /cart | 0 100 | ERROR; exception.type=NoPrice\n"
	    "  cart client GET /stock | 10 98 | ERROR; message=context canceled\n"
	    "    inventory server GET /stock | 20 90 | ERROR; message=context canceled\n");
	ends_in("cart", SUSPECT_SPAN, 0.95 * 0.8);
}
END_TEST

START_TEST(a_cancelled_call_without_an_explanation_is_doubtful)
{
	run("cart server GET /cart | 0 100 | ERROR; http.response.status_code=500\n"
	    "  cart client GET /stock | 10 98 | ERROR; rpc.grpc.status_code=1; "
	    "server.address=inventory\n");
	ends_in("cart", SUSPECT_PEER, 0.6 * 0.5);
	ck_assert(reason_has("GET /stock was cancelled, and nothing here tells why"));
	run("cart server GET /cart | 0 100 | ERROR; message=context canceled\n");
	ends_in("cart", SUSPECT_SPAN, 0.95 * 0.5);
	/* Spans above the signal do not explain a cancelled one. */
	run_signal("cart", "GET /cart",
		   "gateway server GET / | 0 100 | ERROR; message=out of threads\n"
		   "  cart server GET /cart | 10 90 | ERROR; message=context canceled\n");
	ends_in("cart", SUSPECT_SPAN, 0.95 * 0.5);
}
END_TEST

START_TEST(who_gave_up_waiting_explains_a_cancelled_call)
{
	/* The callee has no span; its call lasted until the timeout. */
	run("cart server GET /cart | 0 1000 | ERROR; error.type=timeout\n"
	    "  cart client GET /stock | 10 998 | ERROR; rpc.grpc.status_code=1\n");
	ends_in("cart", SUSPECT_PEER, 0.6);
	/* The call was over long before the timeout. */
	run("cart server GET /cart | 0 1000 | ERROR; error.type=timeout\n"
	    "  cart client GET /stock | 10 100 | ERROR; rpc.grpc.status_code=1\n");
	ends_in("cart", SUSPECT_SPAN, 0.95 * 0.8);
	run("cart client GET /stock | 0 1000 | ERROR; error.type=timeout\n"
	    "  inventory server GET /stock | 10 998 | ERROR; message=context canceled\n");
	ends_in("inventory", SUSPECT_SLOW, 0.8);
}
END_TEST

START_TEST(a_cancelled_order_is_no_cancelled_call)
{
	run("cart server GET /cart | 0 100 | ERROR\n"
	    "  pricing server GET /prices | 10 50 | ERROR\n"
	    "  ledger server POST /entries | 60 90 | ERROR; message=the order was cancelled by its "
	    "customer\n");
	ends_in("ledger", SUSPECT_SPAN, 0.95);
}
END_TEST

START_TEST(the_child_that_ended_last_explains)
{
	run("checkout server POST /orders | 0 100 | ERROR\n"
	    "  cart server GET /cart | 5 30 | ERROR\n"
	    "  payment server POST /charge | 40 90 | ERROR\n"
	    "  inventory server GET /stock | 35 50 | ERROR\n");
	/* Clocks of servers do not tell which of the three it was. */
	ends_in("payment", SUSPECT_SPAN, 0.95 / 3);
	ck_assert(verdict_limits_has(&walk.limits, VERDICT_LIMIT_SEVERAL_CAUSES));
	ck_assert_uint_eq(walk.nothers, 2);
	ck_assert_str_eq(walk.others[0].service, "inventory");
	ck_assert_str_eq(walk.others[1].service, "cart");
	ck_assert(reason_has("of 3 failing spans, payment POST /charge ended last"));
}
END_TEST

START_TEST(a_child_that_ended_after_its_parent_comes_behind)
{
	run("checkout server POST /orders | 0 100 | ERROR\n"
	    "  checkout internal audit | 5 150 | ERROR\n"
	    "  payment server POST /charge | 40 90 | ERROR\n");
	ends_in("payment", SUSPECT_SPAN, 0.95);
}
END_TEST

/* Whichever of them is written first. */
START_TEST(of_children_that_ended_after_their_parent_the_earliest_explains)
{
	run("checkout server POST /orders | 0 100 | ERROR\n"
	    "  cart server GET /cart | 10 150 | ERROR\n"
	    "  payment server POST /charge | 20 110 | ERROR\n"
	    "  inventory server GET /stock | 30 130 | ERROR\n");
	/* Moved into their parent, payment and inventory end with it. */
	ends_in("payment", SUSPECT_SPAN, 0.95 / 2);
	ck_assert_uint_eq(walk.nothers, 2);
	ck_assert_str_eq(walk.others[0].service, "inventory");
	ck_assert_str_eq(walk.others[1].service, "cart");
}
END_TEST

START_TEST(of_equals_the_deeper)
{
	run("checkout server POST /orders | 0 100 | ERROR\n"
	    "  cart server GET /cart | 5 90 | ERROR\n"
	    "  payment server POST /charge | 5 90 | ERROR\n"
	    "    ledger server POST /entries | 10 80 | ERROR\n");
	/* Both were called at once: either may be the cause. */
	ends_in("ledger", SUSPECT_SPAN, 0.95 / 2);
}
END_TEST

START_TEST(the_last_failing_span_is_the_leaf)
{
	run("checkout server POST /orders | 0 100 | ERROR; message=order failed\n"
	    "  payment server POST /charge | 10 90 | ERROR; message=not charged\n"
	    "    payment internal charge | 20 80 | ERROR; message=no money\n"
	    "      ledger server GET /balance | 30 40 |\n");
	ends_in("payment", SUSPECT_SPAN, 0.95);
	ck_assert_str_eq(walk.suspect.operation, "charge");
	ck_assert_str_eq(walk.suspect.error, "no money");
	ck_assert_uint_eq(walk.suspect.span, 2);
	ck_assert_uint_eq(walk.error_spans, 3);
	ck_assert_ptr_eq(walk.suspect.resource, span_resource(walk.trace, &walk.trace->spans[2]));
	ck_assert_str_eq(walk.reasons[0],
			 "began at checkout POST /orders, which failed: order failed");
	ck_assert_str_eq(walk.reasons[1], "checkout → payment: POST /charge failed: not charged");
	ck_assert_str_eq(walk.reasons[2],
			 "payment charge failed: no money; nothing that it called failed");
	ck_assert_uint_eq(walk.nreasons, 3);
}
END_TEST

/* ---- hazards ---- */

struct big {
	struct trace_builder *builder;
	uint32_t service, name;
};

static void big_begin(struct big *big)
{
	trace_set_free(set);
	set = NULL;
	big->builder = trace_builder_new(NULL);
	big->service = trace_builder_resource(big->builder);
	trace_builder_resource_attr(big->builder, big->service, "service.name", 12, "cart", 4);
	big->name = trace_builder_text(big->builder, "GET /cart", 9);
}

static void big_add(struct big *big, unsigned int id, unsigned int parent, int64_t start_us,
		    int64_t end_us)
{
	struct span *span = trace_builder_span(big->builder);
	char text[16];

	span->id = trace_builder_text(big->builder, text,
				      (size_t)snprintf(text, sizeof(text), "%u", id));
	if (parent > 0)
		span->parent_id = trace_builder_text(
			big->builder, text, (size_t)snprintf(text, sizeof(text), "%u", parent));
	span->resource = big->service;
	span->name = big->name;
	span->kind = SPAN_INTERNAL;
	span->status = SPAN_STATUS_ERROR;
	span->start_us = start_us;
	span->duration_us = end_us - start_us;
	trace_builder_span_done(big->builder, "t", 1);
}

static void big_walk(struct big *big)
{
	struct err err;

	ck_assert_int_eq(trace_builder_finish(big->builder, &set, &err), 0);
	trace_builder_free(big->builder);
	walk_trace(arena, &set->traces[0], &options, &walk);
}

#define MANY 100000u

START_TEST(a_chain_of_many)
{
	struct big big;

	big_begin(&big);
	for (unsigned int i = 1; i <= MANY; i++)
		big_add(&big, i, i - 1, i, 1000000 - i);
	big_walk(&big);
	ends_in("cart", SUSPECT_SPAN, 0.95);
	ck_assert_uint_eq(walk.npath, MANY);
	ck_assert_uint_eq(walk.suspect.span, MANY - 1);
	ck_assert_uint_le(walk.nreasons, 16);
	options.mode = WALK_LATENCY;
	walk_trace(arena, &set->traces[0], &options, &walk);
	ends_in("cart", SUSPECT_SLOW, 0.8);
}
END_TEST

START_TEST(a_star_of_many)
{
	struct big big;

	/* All spans have equal times and depths: the first one in the document is named. */
	big_begin(&big);
	big_add(&big, 1, 0, 0, 1000);
	for (unsigned int i = 2; i <= MANY; i++)
		big_add(&big, i, 1, 10, 900);
	big_walk(&big);
	ends_in("cart", SUSPECT_SPAN, 0.95);
	ck_assert_uint_eq(walk.suspect.span, 1);
	ck_assert_uint_eq(walk.error_spans, MANY);
	options.mode = WALK_LATENCY;
	walk_trace(arena, &set->traces[0], &options, &walk);
	ends_in("cart", SUSPECT_SLOW, 0.8);
}
END_TEST

START_TEST(many_roots)
{
	struct big big;

	big_begin(&big);
	for (unsigned int i = 1; i <= 1000; i++)
		big_add(&big, i, 0, 1000 - i, 2000);
	big_walk(&big);
	/* The earliest root stands for the signal. */
	ck_assert_uint_eq(walk.suspect.span, 999);
}
END_TEST

START_TEST(an_empty_trace)
{
	struct trace_set none = { .strings = "" };
	struct trace empty = { .set = &none, .first_root = TRACE_NONE };

	walk_trace(arena, &empty, &options, &walk);
	ends_nowhere(FALLBACK_NO_TRACE);
}
END_TEST

START_TEST(hostile_texts_are_tamed_in_reasons)
{
	char drawing[600];

	memset(drawing, 0, sizeof(drawing));
	snprintf(drawing, sizeof(drawing),
		 "cart server %s\x1b[31m | 0 100 | ERROR; message=one\x07two\n",
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaaaaaaaaaaaaaaaaaaa");
	run(drawing);
	ck_assert_str_eq(walk.suspect.error, "one two");
	for (unsigned int i = 0; i < walk.nreasons; i++) {
		ck_assert_uint_le(strlen(walk.reasons[i]), 300);
		ck_assert_ptr_null(strchr(walk.reasons[i], '\x1b'));
		ck_assert_ptr_null(strchr(walk.reasons[i], '\x07'));
	}
}
END_TEST

START_TEST(names_of_kinds_and_codes)
{
	ck_assert_str_eq(suspect_kind_name(SUSPECT_SPAN), "span");
	ck_assert_str_eq(suspect_kind_name(SUSPECT_PEER), "peer");
	ck_assert_str_eq(suspect_kind_name(SUSPECT_CALLER), "caller");
	ck_assert_str_eq(suspect_kind_name(SUSPECT_SLOW), "slow");
	ck_assert_str_eq(suspect_kind_name(SUSPECT_EDGE), "edge");
	ck_assert_str_eq(fallback_code_name(FALLBACK_NO_SIGNAL), "no_signal");
	ck_assert_str_eq(fallback_code_name(FALLBACK_TRACE_TOO_LARGE), "trace_too_large");
	ck_assert_str_eq(fallback_code_name(FALLBACK_NO_FAILING_SPAN), "no_failing_span");
	ck_assert_str_eq(fallback_code_name(FALLBACK_LOW_CONFIDENCE), "low_confidence");
	ck_assert_str_eq(fallback_code_name(FALLBACK_NO_OWNER), "no_owner");
}
END_TEST

static void add_trace_tests(TCase *tcase)
{
	tcase_add_test(tcase, structure_before_timestamps);
	tcase_add_test(tcase, chain_goes_on_at_another_root);
	tcase_add_test(tcase, other_root_is_only_told_while_the_signal_explains);
	tcase_add_test(tcase, a_loose_part_may_be_what_a_silent_callee_did);
	tcase_add_test(tcase, parts_beside_the_call_do_not_explain_it);
	tcase_add_loop_test(tcase, a_loose_part_is_continued_at_by_its_name, 0,
			    ARRAY_LEN(called_by));
	tcase_add_test(tcase, an_address_is_no_name_of_a_loose_part);
	tcase_add_test(tcase, loose_parts_that_call_each_other_end);
	tcase_add_test(tcase, a_single_orphan_is_whole);
	tcase_add_test(tcase, failing_spans_above_the_signal_are_not_its);
	tcase_add_test(tcase, client_and_server_share_an_id);
	tcase_add_test(tcase, cycles_and_self_parents_end);
	tcase_add_test(tcase, partial_traces_are_less_certain);
	tcase_add_test(tcase, follows_from_is_no_parent);
	tcase_add_test(tcase, follows_from_is_a_root_of_its_own);
	tcase_add_test(tcase, a_later_consumer_does_not_explain_its_producer);
	tcase_add_test(tcase, identity_is_namespace_and_service);
	tcase_add_test(tcase, a_service_without_a_name_is_unknown);
}

static void add_failing_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, failing, 0, ARRAY_LEN(failing_cases));
	tcase_add_test(tcase, codes_are_an_option);
	tcase_add_test(tcase, a_span_without_kind_is_a_call_where_all_below_is_one_other_service);
	tcase_add_loop_test(tcase, words, 0, ARRAY_LEN(word_cases));
}

static void add_start_tests(TCase *tcase)
{
	tcase_add_test(tcase, begins_at_the_shallowest_failing_span_of_the_signal);
	tcase_add_test(tcase, each_entry_of_the_signal_is_walked);
	tcase_add_test(tcase, without_a_signal_it_begins_at_the_roots_service);
	tcase_add_test(tcase, below_a_signal_that_did_not_fail_the_nearest);
	tcase_add_test(tcase, a_signal_with_another_operation_is_looked_for_by_service);
	tcase_add_test(tcase, a_signal_that_is_not_there_leaves_the_root);
	tcase_add_test(tcase, nothing_failed);
	tcase_add_loop_test(tcase, signals, 0, ARRAY_LEN(signal_cases));
	tcase_add_test(tcase, signals_by_attribute);
}

static void add_down_tests(TCase *tcase)
{
	tcase_add_test(tcase, what_was_handled_is_not_the_cause);
	tcase_add_test(tcase, one_unset_span_does_not_break_the_chain_of_a_call);
	tcase_add_test(tcase, a_proxy_does_not_break_the_chain_either);
	tcase_add_test(tcase, a_call_fails_when_its_server_does);
	tcase_add_test(tcase, a_span_that_says_ok_does_break_it);
	tcase_add_test(tcase, unset_internal_spans_do_not_break_it);
	tcase_add_test(tcase, all_attempts_failed);
	tcase_add_test(tcase, a_later_success_supersedes);
	tcase_add_test(tcase, a_superseded_attempt_explains_for_want_of_anything_better);
	tcase_add_test(tcase, a_superseded_attempt_below_a_parent_that_did_not_fail_is_nothing);
	tcase_add_test(tcase, a_fan_out_is_no_retry);
	tcase_add_test(tcase, calls_of_other_peers_are_no_attempts);
	tcase_add_test(tcase, cancelled_siblings_are_not_the_cause);
	tcase_add_test(tcase, a_lone_cancelled_call_is_explained_above_it);
	tcase_add_test(tcase, a_cancelled_call_without_an_explanation_is_doubtful);
	tcase_add_test(tcase, who_gave_up_waiting_explains_a_cancelled_call);
	tcase_add_test(tcase, a_cancelled_order_is_no_cancelled_call);
	tcase_add_test(tcase, the_child_that_ended_last_explains);
	tcase_add_test(tcase, a_child_that_ended_after_its_parent_comes_behind);
	tcase_add_test(tcase, of_children_that_ended_after_their_parent_the_earliest_explains);
	tcase_add_test(tcase, of_equals_the_deeper);
	tcase_add_test(tcase, the_last_failing_span_is_the_leaf);
}

static void add_hazard_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_chain_of_many);
	tcase_add_test(tcase, a_star_of_many);
	tcase_add_test(tcase, many_roots);
	tcase_add_test(tcase, an_empty_trace);
	tcase_add_test(tcase, hostile_texts_are_tamed_in_reasons);
	tcase_add_test(tcase, names_of_kinds_and_codes);
}

int main(void)
{
	Suite *suite = suite_create("walk");

	add(suite, "the trace as it arrives", add_trace_tests);
	add(suite, "which span is failing", add_failing_tests);
	add(suite, "where it starts", add_start_tests);
	add(suite, "down", add_down_tests);
	add(suite, "hazards", add_hazard_tests);
	return run_suite(suite);
}
