/* Tests of expr: what expressions select, what the reader refuses and where, and where an alert
 * carries its expression. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/expr.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static struct arena *arena;

static void setup(void)
{
	arena = arena_new(8 << 20);
}

static void teardown(void)
{
	arena_free(arena);
}

/* "metrics a{l=x|y} guard:b": selectors on the value's side have no word before them. */
static const char *describe(const struct expr *expr)
{
	static const char *const languages[] = { "metrics", "logs", "traces" };
	static const char *const sides[] = { "",	  "reference:", "guard:",
					     "excluded:", "joined:",	"ancestor:" };
	struct buf out = BUF_INIT(1 << 20);

	buf_puts(&out, languages[expr->language]);
	for (size_t i = 0; i < expr->nselectors; i++) {
		const struct expr_selector *selector = &expr->selectors[i];
		buf_printf(&out, " %s%s{", sides[selector->side],
			   selector->metric ? selector->metric : "");
		for (size_t k = 0; k < selector->nmatches; k++) {
			buf_printf(&out, "%s%s=", k ? "," : "", selector->matches[k].name);
			for (size_t v = 0; v < selector->matches[k].nvalues; v++)
				buf_printf(&out, "%s%s", v ? "|" : "",
					   selector->matches[k].values[v]);
		}
		buf_putc(&out, '}');
	}
	const char *text = arena_strdup(arena, buf_text(&out));
	buf_fini(&out);
	return text;
}

static const struct {
	const char *text, *selects;
} readable[] = {
	/* PromQL. */
	{ "up", "metrics up{}" },
	{ "up{}", "metrics up{}" },
	{ "up{job=\"a\",}", "metrics up{job=a}" },
	{ "vector(1)", "metrics" },
	{ "-1e-3 + Inf", "metrics" },
	{ "sum by (job) (rate(a{x='1'}[5m])) / sum(rate(b[5m])) by (job) > 0.5",
	  "metrics a{x=1} b{}" },
	{ "{\"http.server.requests\", \"service.name\"=\"cart\"}",
	  "metrics http.server.requests{service.name=cart}" },
	{ "{__name__=\"a\", b!=\"c\", d!~\"e\", f=\"\"}", "metrics a{}" },
	{ "a{b=~\"x|y\"}", "metrics a{b=x|y}" },
	{ "a{b=~\"^(?:x|y)$\"}", "metrics a{b=x|y}" },
	{ "a{b=~\"^x\\\\.y$\"}", "metrics a{b=x.y}" },
	{ "a{b=~\"x.*\", c=~\"(x|y)z\", d=~\"x||y\", e=~\"\\\\d\"}", "metrics a{}" },
	{ "a{b=\"q\\\"\\x41\\u00e4\\101\"}", "metrics a{b=q\"A\xc3\xa4"
					     "A}" },
	{ "a{b=`c\\d`}", "metrics a{b=c\\d}" },
	{ "# b{c=\"d\"}\na # e\n", "metrics a{}" },
	{ "a offset 5m + a offset -1h @ 1700000000 + a @ end()", "metrics a{} a{} a{}" },
	{ "max_over_time(rate(a[5m])[1h:1m]) + max_over_time(b[1h:])", "metrics a{} b{}" },
	{ "rate(a[$__rate_interval])", "metrics a{}" },
	{ "a > b", "metrics a{} reference:b{}" },
	{ "5 < a", "metrics a{}" },
	{ "a > bool on(x) group_left(y) b", "metrics a{} joined:b{}" },
	{ "a * on(pod) group_left b", "metrics a{} joined:b{}" },
	{ "a * on(pod) group_right() b", "metrics joined:a{} b{}" },
	{ "a and b or c unless d", "metrics a{} guard:b{} c{} excluded:d{}" },
	{ "hour() > 9 and a", "metrics a{}" },
	{ "a unless (b or c > d)", "metrics a{} excluded:b{} excluded:c{} reference:d{}" },
	{ "a > 1 and b > 2", "metrics a{} guard:b{}" },
	{ "2 ^ a ^ b", "metrics a{} b{}" },
	{ "count_values(\"version\", a)", "metrics a{}" },
	{ "label_replace(a{b=\"c\"}, \"d\", \"$1\", \"b\", \"(.*)\")", "metrics a{b=c}" },
	/* Names of aggregations and operators are names of metrics and labels, too. */
	{ "sum{by=\"x\", or=\"y\"}", "metrics sum{by=x,or=y}" },
	/* MetricsQL. */
	{ "a{b=\"1\" or b=\"2\",c=\"3\"}", "metrics a{b=1} a{b=2,c=3}" },
	{ "rate(a) keep_metric_names default 0", "metrics a{}" },
	{ "a if b ifnot c", "metrics a{} guard:b{} excluded:c{}" },
	{ "sum(a) by (b) limit 5", "metrics a{}" },
	{ "(a, b)", "metrics a{} b{}" },
	{ "foo\\-bar{x\\.y=\"z\"}", "metrics foo-bar{x.y=z}" },
	{ "a > 1Ki", "metrics a{}" },
	/* LogQL. */
	{ "sum(rate({app=\"cart\"} |= \"error\" [5m])) > 1", "logs {app=cart}" },
	{ "{app=~\"a|b\"} != `x` |~ \"y\" or \"z\" | json | level=\"error\"",
	  "logs {app=a|b,level=error}" },
	{ "{app=\"a\"} | logfmt | level=\"x\" or level=\"y\"", "logs {app=a}" },
	{ "{app=\"a\"} | line_format \"{{.x}}\" | unwrap d [5m]", "logs {app=a}" },
	{ "count_over_time({app=\"a\"} |= ip(\"10.0.0.0/8\") | b > 10ms and (c=\"d\") [1m])",
	  "logs {app=a}" },
	/* TraceQL. */
	{ "{}", "logs {}" },
	{ "{ resource.service.name = \"cart\" && name = \"GET /\" }",
	  "traces {service.name=cart,span.name=GET /}" },
	{ "{ .service.name=\"cart\" && status=error } | rate() by (name)",
	  "traces {service.name=cart}" },
	{ "{ span.\"http route\" =~ \"/a|/b\" && duration > 1.5s }", "traces {http route=/a|/b}" },
	{ "{ \"cart\" = resource.service.name }", "traces {service.name=cart}" },
	{ "{ .a=\"1\" || .a=\"2\" && .b=\"3\" }", "traces {a=1} {a=2,b=3}" },
	{ "{ .a=\"1\" && (.b=\"2\" || .b=\"3\") && .c=\"4\" }", "traces {a=1,c=4}" },
	{ "{ .a=\"1\" && !(.b=\"2\") && !!.c && (.d=\"5\") }", "traces {a=1,d=5}" },
	{ "{ parent.a=\"1\" && event.b=\"2\" && trace:rootName=\"x\" && span:name=\"y\" }",
	  "traces {span.name=y}" },
	{ "{ .a=\"1\" } >> { .b=\"2\" }", "traces ancestor:{a=1} {b=2}" },
	{ "{ .a=\"1\" } !>> { .b=\"2\" }", "traces excluded:{a=1} {b=2}" },
	{ "({ .a=\"1\" } && { .b=\"2\" }) | count() > 2 | avg(duration) > 1s",
	  "traces {a=1} {b=2}" },
	{ "{ .a=\"1\" } | { .b=\"2\" }", "traces {a=1} guard:{b=2}" },
	{ "{ span.a / span.b > 2 && -span.c < 0 }", "traces {}" },
};

START_TEST(selectors_are_read)
{
	struct expr expr;
	struct err err = { .code = 0 };

	ck_assert_msg(expr_read(arena, readable[_i].text, &expr, &err) == 0, "%s: %s",
		      readable[_i].text, err.text);
	ck_assert_str_eq(describe(&expr), readable[_i].selects);
}
END_TEST

/* The column at which the reader stops. */
static const struct {
	const char *text;
	int line, column;
} broken[] = {
	{ "", 1, 1 },
	{ "sum(", 1, 5 },
	{ "a{b=\"c\"", 1, 8 },
	{ "a{b=\"c}", 1, 5 },
	{ "a{b=\"\\q\"}", 1, 7 },
	{ "a{b=\"\\xff\"}", 1, 5 },
	{ "a{b}", 1, 4 },
	{ "a{b=c}", 1, 5 },
	{ "a{b=\"c\" d=\"e\"}", 1, 9 },
	{ "a b", 1, 3 },
	{ "a +\n)", 2, 1 },
	{ "a[5m", 1, 5 },
	{ "a[x]", 1, 3 },
	{ "sum by job (a)", 1, 8 },
	{ "sum by (job) a", 1, 14 },
	{ "a offset b", 1, 10 },
	{ "a ; b", 1, 3 },
	{ "$threshold", 1, 1 },
	{ "WITH (x = y) x", 1, 6 },
	{ "{ .a=\"1\" } >> ", 1, 15 },
	{ "{ .a=\"1\" && }", 1, 13 },
	{ "{ .a=\"1\" } | rate(", 1, 19 },
	{ "{app=\"a\"} | (json", 1, 18 },
};

START_TEST(broken_texts_are_refused_with_their_place)
{
	struct expr expr = { .nselectors = 77 };
	struct err err = { .code = 0 };

	ck_assert_int_eq(expr_read(arena, broken[_i].text, &expr, &err), -EINVAL);
	ck_assert_msg(err.line == broken[_i].line && err.column == broken[_i].column,
		      "%s: %d:%d %s", broken[_i].text, err.line, err.column, err.text);
	ck_assert_uint_eq(expr.nselectors, 77);
}
END_TEST

/* The text n times in a row, between two others. */
static const char *repeated(const char *before, const char *text, size_t n, const char *after)
{
	struct buf out = BUF_INIT(1 << 20);

	buf_puts(&out, before);
	for (size_t i = 0; i < n; i++)
		buf_puts(&out, text);
	buf_puts(&out, after);
	const char *result = arena_strdup(arena, buf_text(&out));
	buf_fini(&out);
	return result;
}

START_TEST(caps_hold)
{
	struct expr expr;

	ck_assert_int_eq(expr_read(arena, repeated("", "(", LIMIT_EXPR_DEPTH, "a"), &expr, NULL),
			 -E2BIG);
	ck_assert_int_eq(expr_read(arena, repeated("a", "^a", LIMIT_EXPR_DEPTH, ""), &expr, NULL),
			 -E2BIG);
	ck_assert_int_eq(expr_read(arena, repeated("{", "(", LIMIT_EXPR_DEPTH, "a"), &expr, NULL),
			 -E2BIG);
	ck_assert_int_eq(
		expr_read(arena, repeated("a", "+a", LIMIT_EXPR_SELECTORS - 1, ""), &expr, NULL),
		0);
	ck_assert_uint_eq(expr.nselectors, LIMIT_EXPR_SELECTORS);
	ck_assert_int_eq(
		expr_read(arena, repeated("a", "+a", LIMIT_EXPR_SELECTORS, ""), &expr, NULL),
		-E2BIG);
	ck_assert_int_eq(expr_read(arena, repeated("a{", "b=\"c\",", LIMIT_EXPR_MATCHES + 1, "}"),
				   &expr, NULL),
			 -E2BIG);
	ck_assert_int_eq(expr_read(arena, repeated("a", " ", LIMIT_EXPR_BYTES, ""), &expr, NULL),
			 -E2BIG);
	/* Of too many alternatives none is kept. */
	ck_assert_int_eq(
		expr_read(arena, repeated("a{b=~\"x", "|x", LIMIT_EXPR_VALUES, "\"}"), &expr, NULL),
		0);
	ck_assert_uint_eq(expr.selectors[0].nmatches, 0);
}
END_TEST

START_TEST(a_condition_is_found_by_its_label)
{
	struct expr expr;

	ck_assert_int_eq(expr_read(arena, "a{b=\"c\"}", &expr, NULL), 0);
	ck_assert_str_eq(expr_selector_match(&expr.selectors[0], "b")->values[0], "c");
	ck_assert_ptr_null(expr_selector_match(&expr.selectors[0], "c"));
}
END_TEST

static const struct {
	const char *url, *expr;
} links[] = {
	{ "http://prom:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1", "up == 0" },
	{ "http://vm/vmui/#/?g0.expr=up%7Ba%3D%22b%22%7D", "up{a=\"b\"}" },
	{ "http://g/explore?left=%7B%22queries%22%3A%5B%7B%22expr%22%3A%22up%7Ba%3D%5C%22b%5C%22%7D"
	  "%22%7D%5D%7D&orgId=1",
	  "up{a=\"b\"}" },
	/* Tempo's member is query; <, > and & as Go writes them. */
	{ "http://g/explore?panes={\"x\":{\"queries\":[{\"expr\":\"\",\"query\" : "
	  "\"{ a \\u003e 1 }\"}]}}",
	  "{ a > 1 }" },
	/* A member's value is no member's name. */
	{ "http://g/explore?left={\"a\":\"expr\",\"b\":\"c\"}", NULL },
	{ "http://g/explore?left={\"expr\":\"up", NULL },
	{ "http://g/explore?left={\"expr\":\"\\u00ff\"}", NULL },
	{ "http://g/alerting/grafana/x/view?orgId=1", NULL },
	{ "http://prom/graph?g0.expr=%FF", NULL },
	{ "", NULL },
};

START_TEST(an_expression_is_found_in_links)
{
	const struct alert alert = { .generator_url = links[_i].url };

	ck_assert_pstr_eq(expr_find(arena, &alert), links[_i].expr);
}
END_TEST

START_TEST(an_expression_is_found_in_annotations)
{
	struct label annotation = { "Expression", "up == 0" };
	struct alert alert = { .generator_url = "", .annotations = { &annotation, 1 } };

	ck_assert_str_eq(expr_find(arena, &alert), "up == 0");
	/* The link of the rule comes first. */
	alert.generator_url = "http://prom/graph?g0.expr=a";
	ck_assert_str_eq(expr_find(arena, &alert), "a");
	annotation.name = "summary";
	alert.generator_url = "";
	ck_assert_ptr_null(expr_find(arena, &alert));
	alert.labels = (struct labels){ &(struct label){ "expr", "up" }, 1 };
	ck_assert_str_eq(expr_find(arena, &alert), "up");
}
END_TEST

/* "14.4 x 0.001 over 1h, 5m": seconds; "sloth" where its rules recorded the ratio. */
static const char *describe_burns(const struct expr *expr)
{
	struct buf out = BUF_INIT(1 << 16);

	for (size_t i = 0; i < expr->nburns; i++) {
		const struct expr_burn *burn = &expr->burns[i];
		buf_printf(&out, "%s%.4g x %.4g over %lld", i ? " or " : "", burn->factor,
			   burn->budget, (long long)(burn->long_us / US_PER_SECOND));
		if (burn->short_us)
			buf_printf(&out, ",%lld", (long long)(burn->short_us / US_PER_SECOND));
		buf_puts(&out, burn->sloth ? " sloth" : "");
	}
	const char *text = arena_strdup(arena, buf_text(&out));
	buf_fini(&out);
	return text;
}

static const struct {
	const char *text, *burns;
} burn_rows[] = {
	{ "a:ratio_rate1h > (14.4 * 0.001)", "14.4 x 0.001 over 3600" },
	{ "(14.4 * 0.001) < a:ratio_rate1h", "14.4 x 0.001 over 3600" },
	{ "a:ratio_rate1h >= 0.001 * 14.4", "14.4 x 0.001 over 3600" },
	{ "a:ratio_rate1h > 14.4 * 0.1 / 100", "14.4 x 0.001 over 3600" },
	{ "a:burnrate1h > (14 * (1-0.99))", "14 x 0.01 over 3600" },
	{ "sum(rate(e[1h])) / sum(rate(t[1h])) > 14.4 * 0.001", "14.4 x 0.001 over 3600" },
	{ "1 - sum(rate(g[1h])) / sum(rate(t[1h])) > 14.4 * 0.001", "14.4 x 0.001 over 3600" },
	{ "avg_over_time(ratio[1d:5m]) > 3 * 0.001", "3 x 0.001 over 86400" },
	{ "sum(rate(e[1h])) / sum(rate(t[1h])) / 0.001 > 14.4", "14.4 x 0.001 over 3600" },
	{ "a:ratio_rate1h / on() group_left slo:error_budget:ratio > 14.4", "14.4 x 0 over 3600" },
	{ "a:burn_rate_1h > 14.4", "14.4 x 0 over 3600" },
	{ "max(slo:sli_error:ratio_rate1h > (14.4 * 0.001)) without (w)",
	  "14.4 x 0.001 over 3600 sloth" },
	/* and: one rate over two ranges; a guard beside it changes nothing. */
	{ "a:r_rate5m > (6 * 0.01) and b:r_rate1h > (6 * 0.01)", "6 x 0.01 over 3600,300" },
	{ "a:r_rate1h > (6 * 0.01) and b:r_rate5m > (6 * 0.01)", "6 x 0.01 over 3600,300" },
	{ "a:r_rate1h > (6 * 0.01) and on() rate(t[5m]) > 1", "6 x 0.01 over 3600" },
	{ "rate(t[5m]) > 1 and on() a:r_rate1h > (6 * 0.01)", "6 x 0.01 over 3600" },
	{ "a:r_rate1h > (6 * 0.01) unless on() maintenance", "6 x 0.01 over 3600" },
	/* Two rates that must both be met: the one over the longer range. */
	{ "a:r_rate1h > (14 * 0.01) and a:r_rate6h > (6 * 0.01)", "6 x 0.01 over 21600" },
	/* or: one of them is met. */
	{ "a:r_rate1h > (14 * 0.01) or a:r_rate6h > (6 * 0.01)",
	  "14 x 0.01 over 3600 or 6 x 0.01 over 21600" },
	/* It may be something else. */
	{ "a:r_rate1h > (14 * 0.01) or up == 0", "" },
	{ "absent(a:r_rate1h > (14 * 0.01))", "" },
	{ "count(a:r_rate1h > (14 * 0.01)) > 2", "" },
	{ "a:r_rate1h > bool (14 * 0.01)", "" },
	{ "a:r_rate1h < (14 * 0.01)", "" },
	{ "a:r_rate1h == (14 * 0.01)", "" },
	{ "a:r_rate1h > b", "" },
	/* Which is the factor is not certain, or the ratio is a percentage. */
	{ "a:r_rate1h > 0.144", "" },
	{ "a:r_rate1h > (0.2 * 0.1)", "" },
	{ "a:r_rate1h > 2 * (7 * 0.01)", "" },
	{ "100 * a:r_rate1h > (14.4 * 0.1)", "" },
	{ "a:r_rate1h > -(14 * 0.01)", "" },
	/* The range is not known, or there are two. */
	{ "a:ratio > (14 * 0.01)", "" },
	{ "cpu_1h > (14 * 0.01)", "" },
	{ "rate(e[5m]) / rate(t[1h]) > 14 * 0.01", "" },
	{ "a:burn_rate_1h > 1", "" },
};

START_TEST(burn_rates_are_read)
{
	struct expr expr;

	ck_assert_int_eq(expr_read(arena, burn_rows[_i].text, &expr, NULL), 0);
	ck_assert_str_eq(describe_burns(&expr), burn_rows[_i].burns);
}
END_TEST

START_TEST(durations_are_read)
{
	ck_assert_int_eq(expr_duration_us("5m"), 300 * US_PER_SECOND);
	ck_assert_int_eq(expr_duration_us("1h30m"), 5400 * US_PER_SECOND);
	ck_assert_int_eq(expr_duration_us("4w"), 28 * US_PER_DAY);
	ck_assert_int_eq(expr_duration_us("500ms"), 500 * US_PER_MS);
	ck_assert_int_eq(expr_duration_us("2d3h25m42s"),
			 2 * US_PER_DAY + 3 * US_PER_HOUR + 1542 * US_PER_SECOND);
	ck_assert_int_eq(expr_duration_us(""), 0);
	ck_assert_int_eq(expr_duration_us("5"), 0);
	ck_assert_int_eq(expr_duration_us("5x"), 0);
	ck_assert_int_eq(expr_duration_us("h"), 0);
	ck_assert_int_eq(expr_duration_us("99999999999d"), 0);
	ck_assert_int_eq(expr_duration_us("999999999d"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("expr");
	TCase *tcase = tcase_create("expr");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, selectors_are_read, 0, ARRAY_LEN(readable));
	tcase_add_loop_test(tcase, broken_texts_are_refused_with_their_place, 0, ARRAY_LEN(broken));
	tcase_add_test(tcase, caps_hold);
	tcase_add_test(tcase, a_condition_is_found_by_its_label);
	tcase_add_loop_test(tcase, an_expression_is_found_in_links, 0, ARRAY_LEN(links));
	tcase_add_test(tcase, an_expression_is_found_in_annotations);
	tcase_add_loop_test(tcase, burn_rates_are_read, 0, ARRAY_LEN(burn_rows));
	tcase_add_test(tcase, durations_are_read);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
