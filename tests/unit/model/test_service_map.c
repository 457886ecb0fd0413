/* Service map: which calls are counted, once each, with their figures; callees without spans; parts
 * of a view. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/trace_make.h"
#include "tracepager/limits.h"
#include "tracepager/buf.h"
#include "tracepager/service_map.h"
#include "tracepager/xalloc.h"

static struct service_map *map;
static struct arena *arena;
static struct service_map_view view;

static void setup(void)
{
	map = service_map_new();
	arena = arena_new(64u << 20);
}

static void teardown(void)
{
	service_map_free(map);
	arena_free(arena);
}

static void add(const char *drawing)
{
	struct trace_set *set = trace_make(drawing);

	service_map_add(map, &set->traces[0]);
	trace_set_free(set);
}

static void look(void)
{
	service_map_read(map, arena, NULL, NULL, &view);
}

/* The edges, one a line: "caller -> callee calls/failed p50 p95 ms". */
static const char *edges(void)
{
	char *text = arena_strdup(arena, "");

	for (size_t i = 0; i < view.nedges; i++) {
		const struct service_edge *edge = &view.edges[i];
		text = arena_printf(arena, "%s%s -> %s %d/%d %d %d%s\n", text,
				    view.nodes[edge->from].name, view.nodes[edge->to].name,
				    (int)edge->ncalls, (int)edge->nfailed,
				    (int)(edge->p50_us / 1000), (int)(edge->p95_us / 1000),
				    edge->message ? " message" : "");
	}
	return text;
}

static const struct service_node *node(const char *name)
{
	for (size_t i = 0; i < view.nnodes; i++)
		if (strcmp(view.nodes[i].name, name) == 0)
			return &view.nodes[i];
	ck_abort_msg("there is no node %s", name);
}

START_TEST(client_and_server_are_one_call)
{
	add("web server GET / | 0 100 |\n"
	    "  web client POST /pay | 10 90 |\n"
	    "    pay server POST /pay | 15 85 | ERROR\n");
	look();
	ck_assert_str_eq(edges(), "web -> pay 1/1 80 80\n");
	ck_assert_int_eq(view.ncalls, 1);
	ck_assert_int_eq(view.ntraces, 1);
	ck_assert_int_eq(view.unnamed, 0);
}
END_TEST

START_TEST(a_trace_counts_once)
{
	static const char drawing[] = "web server GET / | 0 100 |\n"
				      "  web client POST /pay | 10 90 |\n"
				      "    pay server POST /pay | 15 85 |\n";

	add(drawing);
	add(drawing);
	look();
	ck_assert_str_eq(edges(), "web -> pay 1/0 80 80\n");
	ck_assert_int_eq(view.ntraces, 1);
	ck_assert_int_eq(view.edges[0].ntraces, 1);
}
END_TEST

START_TEST(each_attempt_is_a_call)
{
	add("web server GET / | 0 100 |\n"
	    "  web client POST /pay | 10 20 | ERROR; peer.service=pay\n"
	    "  web client POST /pay | 20 50 | ERROR\n"
	    "    pay server POST /pay | 21 49 | ERROR\n"
	    "  web client POST /pay | 50 90 |\n"
	    "    pay server POST /pay | 51 85 |\n");
	look();
	/* 10, 30 and 40 ms. */
	ck_assert_str_eq(edges(), "web -> pay 3/2 30 40\n");
	ck_assert_int_eq(node("pay")->ncalls, 3);
	ck_assert_int_eq(node("pay")->nfailed, 2);
	ck_assert_int_eq(view.edges[0].ntraces, 1);
}
END_TEST

/* A library's span around its attempts; a gateway's span with two answers. */
START_TEST(a_call_around_calls_is_none)
{
	add("web server GET / | 0 100 |\n"
	    "  web client pay with retries | 5 95 | ERROR; peer.service=pay\n"
	    "    web client POST /pay | 10 20 | ERROR; peer.service=pay\n"
	    "    web client POST /pay | 20 30 | ERROR; peer.service=pay\n");
	add("gate client POST /both | 0 50 | id=x1\n"
	    "  a server POST | 0 10 | id=x2; parent=x1\n"
	    "  b server POST | 10 30 | id=x3; parent=x1; ERROR\n");
	look();
	ck_assert_str_eq(edges(),
			 "gate -> a 1/0 10 10\ngate -> b 1/1 20 20\nweb -> pay 2/2 10 10\n");
}
END_TEST

START_TEST(callers_without_a_span_of_the_call_count)
{
	add("web server GET / | 0 100 |\n"
	    "  web internal work | 0 90 |\n"
	    "    pay server POST /pay | 15 85 |\n"
	    "    web server GET /own | 20 30 |\n");
	look();
	ck_assert_str_eq(edges(), "web -> pay 1/0 70 70\n");
}
END_TEST

START_TEST(callees_without_spans_have_a_kind)
{
	add("web server GET / | 0 100 |\n"
	    "  web client SELECT | 1 3 | db.system.name=postgresql; db.namespace=orders\n"
	    "  web producer publish | 3 4 | messaging.system=kafka; "
	    "messaging.destination.name=orders\n"
	    "  web client GET | 4 9 | server.address=api.example.com; server.port=443; ERROR\n"
	    "  web client GET | 4 9 |\n");
	look();
	ck_assert_str_eq(edges(), "web -> api.example.com:443 1/1 5 5\n"
				  "web -> kafka/orders 1/0 1 1 message\n"
				  "web -> postgresql/orders 1/0 2 2\n");
	ck_assert_int_eq(node("postgresql/orders")->kind, NODE_DATABASE);
	ck_assert_int_eq(node("kafka/orders")->kind, NODE_QUEUE);
	ck_assert_int_eq(node("api.example.com:443")->kind, NODE_OTHER);
	ck_assert_int_eq(node("web")->kind, NODE_SERVICE);
	ck_assert_int_eq(view.unnamed, 1);
}
END_TEST

START_TEST(a_message_takes_its_consumers_time)
{
	add("web producer publish | 0 2 |\n"
	    "  mail consumer orders | 50 80 |\n");
	look();
	ck_assert_str_eq(edges(), "web -> mail 1/0 30 30 message\n");
}
END_TEST

static const char *other_name(void *ctx, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], "10.0.0.7") == 0 || strcmp(names[i], "vault.internal") == 0)
			return ctx;
	return NULL;
}

START_TEST(rules_may_have_another_name)
{
	add("web client GET | 0 10 | server.address=10.0.0.7; server.port=80\n"
	    "web client GET | 10 20 | server.address=vault.internal; server.port=80\n"
	    "web client GET | 20 30 | server.address=other; server.port=80\n");
	service_map_read(map, arena, other_name, (char[]){ "vault" }, &view);
	ck_assert_str_eq(edges(), "web -> other:80 1/0 10 10\nweb -> vault 2/0 10 10\n");
	/* The next reader has no other names. */
	look();
	ck_assert_uint_eq(view.nedges, 3);
}
END_TEST

START_TEST(namespaces_tell_services_apart)
{
	add("eu/web server GET / | 0 100 |\n"
	    "  eu/web client GET | 0 90 |\n"
	    "    us/web server GET / | 10 80 |\n");
	look();
	ck_assert_str_eq(edges(), "web -> web 1/0 90 90\n");
	ck_assert_uint_eq(view.nnodes, 2);
	ck_assert_str_eq(view.nodes[0].namespace, "eu");
	ck_assert_str_eq(view.nodes[1].namespace, "us");
}
END_TEST

/* 1 to 2000 ms: of 1024 kept times every second one stays, 1, 3, 5 …: the median is 999 or 1001. */
START_TEST(many_times_are_thinned)
{
	struct buf text = BUF_INIT(1u << 20);

	for (int i = 1; i <= 2000; i++)
		buf_printf(&text, "web client GET | 0 %d | peer.service=pay\n", i);
	add(buf_text(&text));
	buf_fini(&text);
	look();
	ck_assert_int_eq(view.edges[0].ncalls, 2000);
	/* 1000 times are left; the 500th is the 999th call, the 950th the 1899th. */
	ck_assert_int_eq(view.edges[0].p50_us, 999 * 1000);
	ck_assert_int_eq(view.edges[0].p95_us, 1899 * 1000);
}
END_TEST

START_TEST(long_names_are_cut)
{
	char *name = xcalloc(1, 2049);
	CLEANUP_FREE char *drawing = NULL;

	memset(name, 'x', 2048);
	drawing = xasprintf("web client GET | 0 10 |\n"
			    "  %s server GET | 0 10 |\n",
			    name);
	free(name);
	add(drawing);
	look();
	ck_assert_uint_eq(view.nnodes, 2);
	ck_assert_uint_eq(strlen(view.nodes[1].name), LIMIT_MAP_NAME_BYTES);
}
END_TEST

/* ---- parts ---- */

static void take_part(const struct service_map_part *part)
{
	struct service_map_view all;

	service_map_read(map, arena, NULL, NULL, &all);
	for (size_t i = 0; i < all.nnodes; i++) {
		all.nodes[i].team = all.nodes[i].name[0] == 'a' ? "ants" : "bees";
		all.nodes[i].named = all.nodes[i].name[0] != 'd';
	}
	service_map_select(&all, part, arena, &view);
}

static void add_chain(void)
{
	add("a1 client GET | 0 10 | peer.service=b\n"
	    "b client GET | 0 10 | peer.service=c; ERROR\n"
	    "b client GET | 0 10 | peer.service=c\n"
	    "c client GET | 0 10 | peer.service=d\n"
	    "a2 client GET | 0 10 | peer.service=d\n"
	    "e server GET | 0 10 |\n");
}

static const struct {
	struct service_map_part part;
	const char *edges;
	size_t nnodes;
} parts[] = {
	{ { .team = NULL },
	  "a1 -> b 1/0 10 10\na2 -> d 1/0 10 10\nb -> c 2/1 10 10\nc -> d 1/0 10 10\n",
	  6 },
	{ { .team = "ants" }, "a1 -> b 1/0 10 10\na2 -> d 1/0 10 10\n", 4 },
	{ { .service = "a1", .depth = 1 }, "a1 -> b 1/0 10 10\n", 2 },
	{ { .service = "a1", .depth = 2 }, "a1 -> b 1/0 10 10\nb -> c 2/1 10 10\n", 3 },
	{ { .service = "e", .depth = 1 }, "", 1 },
	{ { .service = "none", .depth = 1 }, "", 0 },
	{ { .errors = true }, "b -> c 2/1 10 10\n", 2 },
	{ { .unnamed = true }, "a2 -> d 1/0 10 10\nc -> d 1/0 10 10\n", 3 },
	{ { .most_nodes = 2 }, "b -> c 2/1 10 10\n", 2 },
	{ { .most_edges = 1 }, "b -> c 2/1 10 10\n", 6 },
};

START_TEST(a_part_meets_all_conditions)
{
	add_chain();
	take_part(&parts[_i].part);
	ck_assert_str_eq(edges(), parts[_i].edges);
	ck_assert_uint_eq(view.nnodes, parts[_i].nnodes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("service map");
	TCase *tcase = tcase_create("service map");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, client_and_server_are_one_call);
	tcase_add_test(tcase, a_trace_counts_once);
	tcase_add_test(tcase, each_attempt_is_a_call);
	tcase_add_test(tcase, a_call_around_calls_is_none);
	tcase_add_test(tcase, callers_without_a_span_of_the_call_count);
	tcase_add_test(tcase, callees_without_spans_have_a_kind);
	tcase_add_test(tcase, a_message_takes_its_consumers_time);
	tcase_add_test(tcase, rules_may_have_another_name);
	tcase_add_test(tcase, namespaces_tell_services_apart);
	tcase_add_test(tcase, many_times_are_thinned);
	tcase_add_test(tcase, long_names_are_cut);
	tcase_add_loop_test(tcase, a_part_meets_all_conditions, 0, ARRAY_LEN(parts));
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
