/* Tests of finding trace ids in alerts. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/locate.h"
#include "tracepager/xalloc.h"

#define ID	"4bf92f3577b34da6a3ce929d0e0e4736"
#define OTHER	"0af7651916cd43dd8448eb211c80319c"
#define SHORT	"a3ce929d0e0e4736"
#define BROWSER "https://shop.example"

static struct arena *arena;

static void setup(void)
{
	arena = arena_new(1 << 20);
}

static void teardown(void)
{
	arena_free(arena);
}

/* The ids found, joined by blanks. */
static const char *locate(struct label *labels, size_t nlabels, struct label *annotations,
			  size_t nannotations, size_t max)
{
	const struct alert alert = {
		.labels = { labels, nlabels },
		.annotations = { annotations, nannotations },
		.generator_url = BROWSER "/graph?trace_id=" OTHER,
	};
	const char *ids[16] = { NULL };
	const char *text = "";

	size_t n = locate_trace_ids(arena, &alert, ids, max);
	for (size_t i = 0; i < n; i++)
		text = arena_printf(arena, "%s%s%s", text, i ? " " : "", ids[i]);
	return text;
}

static const struct {
	const char *name, *value, *expected;
} rows[] = {
	/* names of labels, as people write them */
	{ "trace_id", ID, ID },
	{ "traceID", ID, ID },
	{ "traceId", ID, ID },
	{ "trace", ID, ID },
	{ "trace.id", ID, ID },
	{ "exemplar_trace_id", ID, ID },
	{ "TraceID", "4BF92F3577B34DA6A3CE929D0E0E4736", ID },
	{ "trace_id", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736", ID },
	{ "trace_id", SHORT, SHORT },
	{ "trace_id", "  " ID " ", ID },
	{ "trace_id", ID ", " OTHER "," ID, ID " " OTHER },
	{ "traceparent", "00-" ID "-00f067aa0ba902b7-01", ID },
	{ "traceparent", "00-" ID "-00f067aa0ba902b7-0", "" }, /* cut */
	{ "uber-trace-id", SHORT ":e457b5a2e4d86bd1:0:1", SHORT },
	/* X-Ray */
	{ "trace_id", "1-5759e988-bd862e3fe1be46a994272793", "5759e988bd862e3fe1be46a994272793" },
	{ "AWS-XRAY-TRACE-ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
	  "5759e988bd862e3fe1be46a994272793" },
	{ "link", BROWSER "/cloudwatch/home#xray:traces/1-5759e988-bd862e3fe1be46a994272793",
	  "5759e988bd862e3fe1be46a994272793" },
	{ "link", BROWSER "/xray/home#/traces/1-5759e988-bd862e3fe1be46a994272793?x=1",
	  "5759e988bd862e3fe1be46a994272793" },
	/* no id */
	{ "trace_id", "4bf92f3577b34da", "" },
	{ "trace_id", ID "0", "" },
	{ "trace_id", "00000000000000000000000000000000", "" },
	{ "trace_id", "", "" },
	{ "trace_id", "---", "" },
	{ "trace_id", "{{ $labels.trace }}", "" },
	{ "fingerprint", ID, "" },
	{ "tracer", ID, "" },
	{ "description", "build " ID " is broken", "" },
	/* links */
	{ "link", BROWSER "/trace/" ID, ID },
	{ "link", BROWSER "/jaeger/trace/" ID "?uiFind=ledger", ID },
	{ "link", BROWSER "/api/traces/" ID "/", ID },
	{ "link", BROWSER "/api/v3/traces/" SHORT "#top", SHORT },
	{ "link", BROWSER "/search?x=1&traceID=" ID "&traceID=" OTHER, ID " " OTHER },
	{ "trace", BROWSER "/trace/" ID, ID },
	{ "description", "see <" BROWSER "/trace/" ID "> and [" BROWSER "/trace/" OTHER "].",
	  ID " " OTHER },
	{ "description", "the path /trace/" ID " alone is no link", "" },
	{ "link", BROWSER "/trace/search", "" },
	{ "link", BROWSER "/trace/" ID "ff", "" },
	/* Grafana explore, older and newer */
	{ "link",
	  BROWSER
	  "/explore?left=%7B%22datasource%22:%22tempo%22,%22queries%22:%5B%7B%22refId%22:%22A%22,"
	  "%22query%22:%22" ID "%22%7D%5D%7D",
	  ID },
	{ "link",
	  BROWSER "/explore?left=%5B%22now-1h%22,%22now%22,%22Tempo%22,%7B%22query%22:%22" ID
		  "%22%7D%5D",
	  ID },
	{ "link",
	  BROWSER "/explore?schemaVersion=1&panes=%7B%22abc%22%3A%7B%22datasource%22%3A%22tempo%22%"
		  "2C%22queries%22%3A%5B"
		  "%7B%22queryType%22%3A%22traceql%22%2C%22query%22%3A%20%22" ID
		  "%22%7D%5D%7D%7D&orgId=1",
	  ID },
	/* the alert's own link leads to a metric */
	{ "link",
	  BROWSER "/explore?left=%7B%22queries%22:%5B%7B%22expr%22:%22rate(errors_total%5B5m%5D)%"
		  "22%7D%5D%7D",
	  "" },
	{ "link",
	  BROWSER "/explore?left=%7B%22queries%22:%5B%7B%22query%22:%22up%20%3D%3D%200%22%7D%5D%7D",
	  "" },
	{ "link", BROWSER "/graph?g0.expr=" ID, "" },
	/* broken escapes */
	{ "link", BROWSER "/explore?left=%7B%22query%22:%22" ID "%22%", ID },
	{ "link", BROWSER "/trace/%zz%4", "" },
	{ "link", BROWSER "/explore?query%22:%22%22", "" },
};

START_TEST(finds_what_is_there)
{
	struct label label = { rows[_i].name, rows[_i].value };

	ck_assert_str_eq(locate(&label, 1, NULL, 0, 16), rows[_i].expected);
	ck_assert_str_eq(locate(NULL, 0, &label, 1, 16), rows[_i].expected);
}
END_TEST

START_TEST(the_likeliest_comes_first_and_none_twice)
{
	struct label labels[] = { { "link", BROWSER "/trace/1111111111111111" },
				  { "trace_id", ID } };
	struct label annotations[] = { { "dashboard", BROWSER "/trace/" ID },
				       { "exemplar", BROWSER "/trace/2222222222222222" },
				       { "traceID", OTHER } };

	ck_assert_str_eq(locate(labels, 2, annotations, 3, 16),
			 ID " " OTHER " 2222222222222222 1111111111111111");
	ck_assert_str_eq(locate(labels, 2, annotations, 3, 2), ID " " OTHER);
	ck_assert_str_eq(locate(labels, 2, annotations, 3, 0), "");
}
END_TEST

START_TEST(the_alerts_own_link_is_never_read)
{
	ck_assert_str_eq(locate(NULL, 0, NULL, 0, 16), "");
}
END_TEST

static const struct {
	const char *url, *expr;
} links[] = {
	{ "http://prom:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1", "up == 0" },
	{ "http://prom/p/graph?g0.tab=1&g0.expr=a%2Bb%26c#x", "a+b&c" },
	{ "http://prom/graph?g0.expr=1%2", "1%2" },
	{ "http://prom/graph?g0.expr=", NULL },
	{ "http://prom/graph?xg0.expr=up", NULL },
	{ "http://prom/g0.expr=up", NULL },
	{ "http://grafana/alerting/grafana/x/view", NULL },
	{ "", NULL },
};

START_TEST(the_expression_of_the_link)
{
	const struct alert alert = { .generator_url = links[_i].url };

	ck_assert_pstr_eq(locate_expr(arena, &alert), links[_i].expr);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("locate");
	TCase *tcase = tcase_create("locate");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, finds_what_is_there, 0, ARRAY_LEN(rows));
	tcase_add_test(tcase, the_likeliest_comes_first_and_none_twice);
	tcase_add_test(tcase, the_alerts_own_link_is_never_read);
	tcase_add_loop_test(tcase, the_expression_of_the_link, 0, ARRAY_LEN(links));
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
