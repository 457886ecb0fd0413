/* Tests of what a person reads: plain.h, waterfall.h, the page's summary and details. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/shop.h"
#include "tests/lib/trace_make.h"
#include "tracepager/decide.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/rules_load.h"
#include "tracepager/waterfall.h"

static struct arena *arena;
static struct ruleset *rules;
static struct trace_set *set;

static const char rules_text[] =
	"teams:\n"
	"  money: {escalation: all}\n"
	"  sre: {escalation: all}\n"
	"pagers: {out: {kind: console}}\n"
	"escalations: {all: {steps: [{page: [out]}]}}\n"
	"services:\n"
	"  ledger: {owner: money, runbook: \"https://runbooks.example/ledger\"}\n"
	"fallback: {team: sre}\n";

static void setup(void)
{
	struct findings findings = { 0 };

	arena = arena_new(1 << 24);
	set = NULL;
	ck_assert_int_eq(
		rules_parse("rules.yaml", rules_text, strlen(rules_text), false, &rules, &findings),
		0);
	findings_fini(&findings);
}

static void teardown(void)
{
	trace_set_free(set);
	rules_unref(rules);
	arena_free(arena);
}

/* ---- plain ---- */

static const struct {
	const char *text, *plain;
} harmless[] = {
	{ "POST /orders", "POST /orders" },
	{ NULL, "" },
	{ "", "" },
	{ "  two\t\tblanks \r\n and a line  ", "two blanks and a line" },
	{ "\033[1;31mred\033[0m", "red" },
	{ "\033[2J\033[H\033", "" },
	{ "\033]0;title\007x", "]0;title x" },
	{ "a\x7f\x01z", "a z" },
	{ "\xc2\x9b"
	  "31mx",
	  "31mx" },
	{ "admin\xe2\x80\xaetxt.exe", "admintxt.exe" }, /* U+202E */
	{ "a\xe2\x81\xa6z\xe2\x81\xa9", "az" },		/* U+2066, U+2069 */
	{ "a\xe2\x80\x8bz\xef\xbb\xbf", "az" },		/* U+200B, U+FEFF */
	{ "one\xe2\x80\xa8two", "one two" },		/* U+2028 */
	{ "Zahlung für Müller", "Zahlung für Müller" },
	{ "\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd" },		    /* no lead bytes */
	{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },		    /* overlong */
	{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* a surrogate */
	{ "x\xe2\x82", "x\xef\xbf\xbd\xef\xbf\xbd" },		    /* cut */
	{ "\xf0\x9f\x94\xa5", "\xf0\x9f\x94\xa5" },
};

START_TEST(text_becomes_harmless)
{
	ck_assert_str_eq(plain_text(arena, harmless[_i].text, 80), harmless[_i].plain);
}
END_TEST

START_TEST(long_text_is_cut)
{
	ck_assert_str_eq(plain_text(arena, "abcdef", 6), "abcdef");
	ck_assert_str_eq(plain_text(arena, "abcdef", 5), "abcd…");
	ck_assert_str_eq(plain_text(arena, "abcdef", 1), "…");
	ck_assert_str_eq(plain_text(arena, "abcdef", 0), "");
	/* No blank before the ellipsis; a wide character takes two columns. */
	ck_assert_str_eq(plain_text(arena, "ab cdef", 4), "ab…");
	ck_assert_str_eq(plain_text(arena, "漢字漢字", 5), "漢字…");
	ck_assert_uint_eq(plain_columns("漢字", 80), 4);
	ck_assert_uint_eq(plain_columns("für", 80), 3);
}
END_TEST

START_TEST(padding_fills_up)
{
	struct buf out = BUF_INIT(100);

	plain_pad(&out, "ab", 4);
	buf_putc(&out, '|');
	plain_pad(&out, "abcdef", 4);
	buf_putc(&out, '|');
	ck_assert_str_eq(buf_text(&out), "ab  |abc…|");
	buf_fini(&out);
}
END_TEST

static const struct {
	int64_t us;
	const char *text;
} durations[] = {
	{ 0, "0 µs" },
	{ -5, "0 µs" },
	{ 340, "340 µs" },
	{ 12300, "12.3 ms" },
	{ 999000, "999 ms" },
	{ 1200000, "1.20 s" },
	{ 12340000, "12.3 s" },
	{ 125000000, "2 min 05 s" },
	{ 600000000, "10 min" },
	{ 5400000000, "1.5 h" },
	{ 250000000000, "69.4 h" },
	{ 7689600000000, "89 days" },
};

START_TEST(durations_are_short)
{
	char out[PLAIN_DURATION_SIZE];

	ck_assert_str_eq(plain_duration(durations[_i].us, out), durations[_i].text);
}
END_TEST

/* ---- waterfall ---- */

static size_t count_lines(const char *text, size_t *ret_widest)
{
	size_t lines = 0;

	*ret_widest = 0;
	while (*text) {
		size_t columns = 0, len = strcspn(text, "\n");
		/* Names here are ASCII: a column is a byte that does not continue a character. */
		for (size_t i = 0; i < len; i++)
			columns += ((unsigned char)text[i] & 0xC0) != 0x80;
		if (columns > *ret_widest)
			*ret_widest = columns;
		lines++;
		text += len + (text[len] == '\n');
	}
	return lines;
}

static const struct shop_span few[] = {
	{ "1", NULL, "checkout", "POST /orders", SPAN_SERVER, 0, 100, "failed", NULL },
	{ "2", "1", "cart", "GET /cart", SPAN_SERVER, 0, 20, NULL, NULL },
	{ "3", "1", "payment", "charge", SPAN_SERVER, 20, 60, "refused", NULL },
	{ "4", "1", "mail", "send", SPAN_SERVER, 80, 20, "no route", NULL },
};

START_TEST(a_small_trace_is_drawn_whole)
{
	struct buf out = BUF_INIT(10000);
	char *line[5], *rest;

	set = shop_trace("t", few, 4);
	struct walk walk = {
		.trace = &set->traces[0], .found = true, .path = (uint32_t[]){ 0, 2 }, .npath = 2
	};
	waterfall_write(&walk, &(struct waterfall_options){ .lines = 12, .columns = 60 }, &out);
	/* In the order of the tree: the path's root, children that began before the path's next
	 * span, that span, children that began after it. */
	line[0] = strtok_r(out.data, "\n", &rest);
	for (int i = 1; i < 5; i++)
		line[i] = strtok_r(NULL, "\n", &rest);
	ck_assert_ptr_nonnull(line[3]);
	ck_assert_ptr_null(line[4]);
	ck_assert_ptr_eq(strstr(line[0], "✗ checkout POST /orders"), line[0]);
	ck_assert_ptr_eq(strstr(line[1], "  └ cart GET /cart"), line[1]);
	ck_assert_ptr_eq(strstr(line[2], "✗ └ payment charge"), line[2]);
	ck_assert_ptr_eq(strstr(line[3], "! └ mail send"), line[3]);
	ck_assert_ptr_nonnull(strstr(line[0], "  100 ms"));
	ck_assert_ptr_nonnull(strstr(line[3], "   20 ms"));
	buf_fini(&out);
}
END_TEST

/* Of 60 columns, mark, duration and blanks take 12, and the longest name, "checkout POST /orders",
 * takes 21. 27 are left for 100 ms: payment's 20 to 80 ms begin in the cell that holds 5.4 and end
 * at the cell nearest to 21.6: cells 5 to 21. */
START_TEST(bars_are_to_scale)
{
	struct buf out = BUF_INIT(10000);

	set = shop_trace("t", few, 4);
	struct walk walk = {
		.trace = &set->traces[0], .found = true, .path = (uint32_t[]){ 0, 2 }, .npath = 2
	};
	waterfall_write(&walk, &(struct waterfall_options){ .lines = 12, .columns = 60 }, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out), " ███████████████████████████   100 ms\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "      █████████████████         60 ms\n"));
	buf_fini(&out);
}
END_TEST

/* Check the operation in each line. */
static void check_order(const struct walk *walk, const char *const *names, size_t n)
{
	struct buf out = BUF_INIT(10000);
	char *rest;

	waterfall_write(walk, &(struct waterfall_options){ .lines = 12, .columns = 60 }, &out);
	char *line = strtok_r(out.data, "\n", &rest);
	for (size_t i = 0; i < n; i++, line = strtok_r(NULL, "\n", &rest))
		ck_assert_msg(line && strstr(line, names[i]), "line %zu is not %s but %s", i,
			      names[i], line ? line : "missing");
	ck_assert_msg(!line, "one line too many: %s", line);
	buf_fini(&out);
}

/* A single span without a row gets one: the line that counts it would take as much room. */
START_TEST(the_only_span_left_out_is_shown)
{
	static const struct shop_span rows[] = {
		{ "1", NULL, "checkout", "POST /orders", SPAN_SERVER, 0, 100, "failed", NULL },
		{ "2", "1", "checkout", "GET /cart", SPAN_CLIENT, 0, 20, NULL, NULL },
		{ "3", "2", "cart", "GET /items", SPAN_SERVER, 5, 10, NULL, NULL },
		{ "4", "1", "payment", "charge", SPAN_SERVER, 20, 60, "refused", NULL },
	};
	static const char *const below[] = { "✗ checkout POST /orders", "  └ checkout GET /cart",
					     "   └ cart GET /items", "✗ └ payment charge" };
	static const char *const above[] = { "  checkout POST /orders", "✗ └ payment charge",
					     "   └ ledger book" };
	static const struct shop_span chain[] = {
		{ "1", NULL, "checkout", "POST /orders", SPAN_SERVER, 0, 100, NULL, NULL },
		{ "2", "1", "payment", "charge", SPAN_SERVER, 20, 60, "refused", NULL },
		{ "3", "2", "ledger", "book", SPAN_SERVER, 30, 20, NULL, NULL },
	};
	static const char *const aside[] = { "✗ payment charge", "  checkout sweep" };
	static const struct shop_span roots[] = {
		{ "1", NULL, "checkout", "sweep", SPAN_SERVER, 0, 100, NULL, NULL },
		{ "2", NULL, "payment", "charge", SPAN_SERVER, 20, 60, "refused", NULL },
	};
	struct walk walk = { .found = true, .path = (uint32_t[]){ 0, 3 }, .npath = 2 };

	set = shop_trace("t", rows, 4);
	walk.trace = &set->traces[0];
	check_order(&walk, below, 4);
	trace_set_free(set);
	/* The path begins at the second span, below the span without a row. */
	walk.path = (uint32_t[]){ 1 };
	walk.npath = 1;
	set = shop_trace("t", chain, 3);
	walk.trace = &set->traces[0];
	check_order(&walk, above, 3);
	trace_set_free(set);
	set = shop_trace("t", roots, 2);
	walk.trace = &set->traces[0];
	check_order(&walk, aside, 2);
}
END_TEST

START_TEST(a_large_trace_is_cut)
{
	enum { SPANS = 300 };
	static struct shop_span rows[SPANS];
	static char ids[SPANS][16];
	static uint32_t path[100];
	struct buf out = BUF_INIT(100000);
	size_t widest;

	/* A chain of 100 spans, and 200 children of the last one. */
	for (int i = 0; i < SPANS; i++) {
		snprintf(ids[i], sizeof(ids[i]), "%d", i);
		rows[i] = (struct shop_span){ ids[i],
					      i ? ids[i < 100 ? i - 1 : 99] : NULL,
					      "a-service-with-a-long-name",
					      "an-operation-with-a-very-long-name",
					      SPAN_SERVER,
					      i,
					      400 - i,
					      NULL,
					      NULL };
	}
	for (uint32_t i = 0; i < 100; i++)
		path[i] = i;
	set = shop_trace("t", rows, SPANS);
	struct walk walk = { .trace = &set->traces[0], .found = true, .path = path, .npath = 100 };
	waterfall_write(&walk,
			&(struct waterfall_options){ .lines = LIMIT_WATERFALL_LINES,
						     .columns = LIMIT_WATERFALL_COLUMNS },
			&out);
	ck_assert_uint_eq(count_lines(buf_text(&out), &widest), LIMIT_WATERFALL_LINES);
	ck_assert_uint_le(widest, LIMIT_WATERFALL_COLUMNS);
	/* 11 rows: 3 of the path's beginning, 7 of its end, 1 for the other 90. Children have
	 * none. */
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "  … 90 spans of the path are left out\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "  … 200 more spans, none failed\n"));
	buf_fini(&out);
}
END_TEST

START_TEST(of_many_children_the_failing_and_long_ones_are_shown)
{
	enum { SPANS = 60 };
	static struct shop_span rows[SPANS];
	static char ids[SPANS][16], names[SPANS][16];
	struct buf out = BUF_INIT(100000);
	size_t widest;

	for (int i = 0; i < SPANS; i++) {
		snprintf(ids[i], sizeof(ids[i]), "%d", i);
		snprintf(names[i], sizeof(names[i]), "op%02d.", i);
		rows[i] = (struct shop_span){ ids[i],	   i ? ids[0] : NULL,	  "cart",
					      names[i],	   SPAN_SERVER,		  0,
					      i ? i : 100, i == 7 ? "bad" : NULL, NULL };
	}
	set = shop_trace("t", rows, SPANS);
	struct walk walk = { .trace = &set->traces[0], .signal_span = 0 };
	waterfall_write(&walk, &(struct waterfall_options){ .lines = 6, .columns = 72 }, &out);
	ck_assert_uint_eq(count_lines(buf_text(&out), &widest), 6);
	/* The signal, the failing span, the three longest, and a line that counts the others. */
	static const char *const shown[] = { "op00.", "op07.", "op59.",
					     "op58.", "op57.", "… 55 more spans, none failed" };
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		ck_assert_msg(strstr(buf_text(&out), shown[i]) != NULL, "%s is not in:\n%s",
			      shown[i], buf_text(&out));
	buf_fini(&out);
}
END_TEST

START_TEST(colours_are_for_terminals_only)
{
	struct buf out = BUF_INIT(10000);

	set = shop_trace("t", few, 4);
	struct walk walk = {
		.trace = &set->traces[0], .found = true, .path = (uint32_t[]){ 0, 2 }, .npath = 2
	};
	waterfall_write(&walk, &(struct waterfall_options){ .lines = 12, .columns = 60 }, &out);
	ck_assert_ptr_null(strchr(buf_text(&out), '\033'));
	buf_reset(&out);
	waterfall_write(&walk,
			&(struct waterfall_options){ .lines = 12, .columns = 60, .colour = true },
			&out);
	ck_assert_ptr_nonnull(strchr(buf_text(&out), '\033'));
	buf_fini(&out);
}
END_TEST

/* Times beyond any clock must not overflow. */
START_TEST(impossible_times_are_drawn)
{
	struct buf out = BUF_INIT(10000);

	set = shop_trace("t", few, 4);
	set->traces[0].spans[0].start_us = INT64_MIN;
	set->traces[0].spans[2].start_us = INT64_MAX;
	set->traces[0].spans[2].duration_us = INT64_MAX;
	struct walk walk = {
		.trace = &set->traces[0], .found = true, .path = (uint32_t[]){ 0, 2 }, .npath = 2
	};
	waterfall_write(&walk, &(struct waterfall_options){ .lines = 12, .columns = 60 }, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "payment charge"));
	buf_fini(&out);
}
END_TEST

/* ---- the page ---- */

static struct alert orders = {
	.sender = "am1",
	.family = "prometheus",
	.fingerprint = "0011223344556677",
	.labels = { (struct label[]){ { "alertname", "PlaceOrderErrors" },
				      { "service", "checkout" },
				      { "span_name", "POST /orders" } },
		    3 },
	.generator_url = "",
};

static struct decision page_of(const char *service, const char *error, const struct alert *alert)
{
	struct decision decision;
	const struct shop_span rows[] = {
		{ "1", NULL, "checkout", "POST /orders", SPAN_SERVER, 0, 100, "failed", NULL },
		{ "2", "1", "checkout", "call", SPAN_CLIENT, 10, 80, "failed", NULL },
		{ "3", "2", service, "POST /entries", SPAN_SERVER, 20, 60, error, NULL },
	};

	set = shop_trace("t1", rows, 3);
	const struct trace *trace = &set->traces[0];
	decide(arena,
	       &(struct decide_input){ .alert = alert,
				       .traces = &trace,
				       .ntraces = 1,
				       .rules = rules,
				       .mode = WALK_ERRORS,
				       .trace_link = "https://traces.example/trace/{trace_id}" },
	       &decision);
	return decision;
}

/* The sections as one text. */
static const char *details_of(const struct decision *d)
{
	struct buf out = BUF_INIT(1 << 20);

	page_write_details(&d->page, &out);
	const char *text = arena_strdup(arena, buf_text(&out));
	buf_fini(&out);
	return text;
}

START_TEST(the_summary_begins_with_the_suspect)
{
	struct decision d = page_of("ledger", "connection refused", &orders);

	ck_assert_str_eq(
		d.page.summary,
		"ledger: connection refused — breaks checkout POST /orders (PlaceOrderErrors)");
}
END_TEST

static size_t characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xC0) != 0x80;
	return n;
}

START_TEST(a_long_error_is_told_whole)
{
	struct decision d = page_of(
		"ledger",
		"the connection to the primary was refused after eleven attempts in forty "
		"seconds because of ümläuts and more words than anybody wants to read at night",
		&orders);

	ck_assert_str_eq(
		d.page.summary,
		"ledger: the connection to the primary was refused after eleven attempts in forty "
		"seconds because of ümläuts and more words than anybody wants to read at night — "
		"breaks checkout POST /orders (PlaceOrderErrors)");
}
END_TEST

/* An error has at most LIMIT_PAGE_ERROR_COLUMNS (200) columns: 199 characters and the ellipsis. */
START_TEST(an_endless_error_is_cut)
{
	char error[401], want[300];

	memset(error, 'e', 400);
	error[400] = '\0';
	struct decision d = page_of("ledger", error, &orders);
	snprintf(want, sizeof(want),
		 "ledger: %.199s… — breaks checkout POST /orders (PlaceOrderErrors)", error);
	ck_assert_str_eq(d.page.summary, want);
}
END_TEST

START_TEST(every_part_may_be_too_long)
{
	static char service[400], name[400];
	struct alert alert = orders;

	memset(service, 's', sizeof(service) - 1);
	memset(name, 'n', sizeof(name) - 1);
	alert.labels =
		(struct labels){ (struct label[]){ { "alertname", name }, { "service", service } },
				 2 };
	struct decision d = page_of(service, service, &alert);
	ck_assert_uint_le(characters(d.page.summary), LIMIT_SUMMARY_CHARS);
	trace_set_free(set);
	set = NULL;
	decide(arena, &(struct decide_input){ .alert = &alert, .rules = rules }, &d);
	ck_assert_uint_le(characters(d.page.summary), LIMIT_SUMMARY_CHARS);
}
END_TEST

START_TEST(without_a_verdict_the_alert_and_the_reason_are_named)
{
	struct alert alert = orders;
	struct decision d;

	decide(arena, &(struct decide_input){ .alert = &orders, .rules = rules }, &d);
	ck_assert_str_eq(
		d.page.summary,
		"PlaceOrderErrors — checkout POST /orders — cause unknown: no trace found");
	ck_assert_str_eq(d.page.banner, "Why it is unknown: no trace of the signal was found");
	/* The alert's own words tell most, and are not told again below. */
	alert.annotations =
		(struct labels){ (struct label[]){ { "summary", "5 % of orders fail" } }, 1 };
	decide(arena, &(struct decide_input){ .alert = &alert, .rules = rules }, &d);
	ck_assert_str_eq(d.page.summary, "PlaceOrderErrors: 5 % of orders fail — checkout POST "
					 "/orders — cause unknown: no trace found");
	ck_assert_str_eq(d.page.alert_says, "");
}
END_TEST

START_TEST(an_untraced_alert_says_its_own_words)
{
	struct alert alert = orders;
	struct decision d;

	alert.labels = (struct labels){ (struct label[]){ { "alertname", "DiskFull" } }, 1 };
	alert.annotations =
		(struct labels){ (struct label[]){ { "summary", "/var is full\non db-1" } }, 1 };
	decide(arena, &(struct decide_input){ .alert = &alert, .rules = rules }, &d);
	ck_assert_str_eq(d.page.summary, "DiskFull — /var is full on db-1");
	/* The name once more is not its own words. */
	alert.annotations = (struct labels){
		(struct label[]){ { "description", "/var is full" }, { "summary", "DiskFull" } }, 2
	};
	decide(arena, &(struct decide_input){ .alert = &alert, .rules = rules }, &d);
	ck_assert_str_eq(d.page.summary, "DiskFull — /var is full");
}
END_TEST

START_TEST(an_untraced_alert_names_its_instance_and_environment)
{
	struct alert alert = orders;
	struct decision d;

	alert.starts_at_us = 1788256680000000;
	alert.labels = (struct labels){ (struct label[]){ { "alertname", "NodeDown" },
							  { "cluster", "eu1" },
							  { "env", "prod" },
							  { "instance", "db17:9100" },
							  { "job", "node" },
							  { "severity", "critical" } },
					6 };
	alert.annotations = (struct labels){ (struct label[]){ { "summary", "db17 is down" } }, 1 };
	decide(arena, &(struct decide_input){ .alert = &alert, .rules = rules }, &d);
	ck_assert_str_eq(d.page.summary, "NodeDown db17:9100 — db17 is down, prod eu1");
	ck_assert_int_eq(d.page.since_us, 1788256680000000);
	ck_assert_str_eq(d.page.environment, "prod eu1");
	ck_assert_str_eq(d.page.instance, "db17:9100");
	ck_assert_str_eq(d.page.labels, "cluster=eu1, env=prod, instance=db17:9100, job=node");
}
END_TEST

START_TEST(an_untraced_alert_without_a_summary_is_described)
{
	struct alert alert = orders;
	struct decision d;

	alert.labels = (struct labels){
		(struct label[]){ { "alertname", "DiskFull" }, { "host", "db-1" } }, 2
	};
	alert.annotations =
		(struct labels){ (struct label[]){ { "description", "/var has 0 bytes" } }, 1 };
	decide(arena, &(struct decide_input){ .alert = &alert, .rules = rules }, &d);
	ck_assert_str_eq(d.page.summary, "DiskFull db-1 — /var has 0 bytes");
	alert.annotations.n = 0;
	decide(arena, &(struct decide_input){ .alert = &alert, .rules = rules }, &d);
	ck_assert_str_eq(d.page.summary, "DiskFull db-1");
	ck_assert_int_eq(d.page.since_us, 0);
	ck_assert_str_eq(d.page.environment, "");
}
END_TEST

static const struct signal placing = { .service = "checkout",
				       .operation = "POST /orders",
				       .from = "label" };

/* A trace of the placing of an order in which ledger takes that long. */
static struct trace_set *order_taking(int ledger_ms)
{
	const struct shop_span rows[] = {
		{ "1", NULL, "checkout", "POST /orders", SPAN_SERVER, 0, ledger_ms + 11, NULL,
		  NULL },
		{ "2", "1", "ledger", "POST /entries", SPAN_SERVER, 10, ledger_ms, NULL, NULL },
	};

	return shop_trace("t1", rows, 2);
}

static struct decision slow_page(const struct evidence_set *healthy)
{
	struct decision d;
	const struct trace *trace = &set->traces[0];

	decide(arena,
	       &(struct decide_input){ .alert = &orders,
				       .signal = &placing,
				       .traces = &trace,
				       .ntraces = 1,
				       .healthy = healthy,
				       .rules = rules,
				       .mode = WALK_LATENCY },
	       &d);
	return d;
}

/* Of ten healthy traces each has 43 ms in ledger. */
START_TEST(a_slow_suspect_has_its_numbers)
{
	struct evidence_set *healthy = evidence_new(1 << 20);

	for (int i = 0; i < 10; i++) {
		struct trace_set *one = order_taking(43);
		ck_assert(evidence_add_sound(healthy, &one->traces[0], &placing));
		trace_set_free(one);
	}
	set = order_taking(989);
	struct decision d = slow_page(healthy);
	ck_assert_str_eq(d.page.summary, "ledger: took 989 ms, usually 43 ms — slows checkout POST "
					 "/orders (PlaceOrderErrors)");
	evidence_free(healthy);
}
END_TEST

/* Nothing fails in a slow trace, and no line says that something did. */
START_TEST(nothing_fails_in_a_slow_trace)
{
	set = order_taking(989);
	struct decision d = slow_page(NULL);
	ck_assert_str_eq(d.page.summary, "ledger: too slow, spent 989 ms in its own work — "
					 "slows checkout POST /orders (PlaceOrderErrors)");
	ck_assert_ptr_null(strstr(details_of(&d), "fail"));
	ck_assert_str_eq(d.page.path, "checkout > ledger (POST /entries)");
}
END_TEST

/* A trace of one failing span, with attributes of its resource. */
static struct trace_set *one_span(const char *const (*attrs)[2], size_t n)
{
	struct trace_builder *builder = trace_builder_new(NULL);
	struct trace_set *one = NULL;
	uint32_t resource = trace_builder_resource(builder);

	for (size_t i = 0; i < n; i++)
		trace_builder_resource_attr(builder, resource, attrs[i][0], strlen(attrs[i][0]),
					    attrs[i][1], strlen(attrs[i][1]));
	uint32_t id = trace_builder_text(builder, "1", 1),
		 name = trace_builder_text(builder, "POST /entries", 13),
		 message = trace_builder_text(builder, "disk is full", 12);
	struct span *span = trace_builder_span(builder);
	span->id = id;
	span->name = name;
	span->message = message;
	span->resource = resource;
	span->kind = SPAN_SERVER;
	span->status = SPAN_STATUS_ERROR;
	span->start_us = SHOP_START_US;
	span->duration_us = 1000;
	trace_builder_span_done(builder, "t1", 2);
	ck_assert_int_eq(trace_builder_finish(builder, &one, NULL), 0);
	trace_builder_free(builder);
	return one;
}

/* Attributes of the suspect's resource come before labels; the alert's instance is not the
 * suspect's. */
START_TEST(the_environment_is_the_suspects)
{
	static const char *const attrs[][2] = { { "service.name", "ledger" },
						{ "deployment.environment.name", "staging" },
						{ "k8s.pod.name", "ledger-7d9" } };
	struct alert alert = orders;
	struct decision d;

	alert.labels = (struct labels){ (struct label[]){ { "alertname", "LedgerErrors" },
							  { "cluster", "eu1" },
							  { "env", "prod" },
							  { "instance", "prometheus:9090" } },
					4 };
	set = one_span(attrs, 3);
	const struct trace *trace = &set->traces[0];
	const struct signal signal = { .service = "ledger", .operation = "", .from = "label" };
	decide(arena,
	       &(struct decide_input){ .alert = &alert,
				       .signal = &signal,
				       .traces = &trace,
				       .ntraces = 1,
				       .rules = rules,
				       .mode = WALK_ERRORS },
	       &d);
	ck_assert_str_eq(d.page.environment, "staging eu1");
	ck_assert_str_eq(d.page.instance, "ledger-7d9");
	ck_assert_str_eq(d.page.summary,
			 "ledger: disk is full — breaks ledger (LedgerErrors), staging eu1");
}
END_TEST

/* ledger calls a database that has no spans and no owner in the rules. */
START_TEST(a_database_is_called_one)
{
	struct decision d;

	set = trace_make("checkout server POST /orders | 0 100 | ERROR\n"
			 "  ledger server POST /entries | 10 80 | ERROR\n"
			 "    ledger client INSERT journal | 20 30 | ERROR; db.system=postgresql; "
			 "db.name=ledger; message=out of connection slots\n");
	const struct trace *trace = &set->traces[0];
	decide(arena,
	       &(struct decide_input){ .alert = &orders,
				       .signal = &placing,
				       .traces = &trace,
				       .ntraces = 1,
				       .rules = rules,
				       .mode = WALK_ERRORS },
	       &d);
	ck_assert_str_eq(d.page.summary,
			 "Database postgresql/ledger, called by ledger: out of connection slots — "
			 "breaks checkout POST /orders (PlaceOrderErrors)");
	ck_assert_str_eq(d.page.path, "checkout > ledger > postgresql/ledger (INSERT journal)");
	ck_assert_str_eq(d.page.why,
			 "team money owns ledger (rules.yaml:7); no rule names "
			 "an owner of postgresql/ledger, so its caller's team is paged");
	/* The error's words stand in the summary, and nowhere else. */
	ck_assert_ptr_null(strstr(details_of(&d), "out of connection slots"));
}
END_TEST

/* Six traces end in ledger; the fourth and the following ones have the commonest error. */
START_TEST(the_trace_that_is_shown_is_linked)
{
	static const char *const errors[] = { "one", "two", "three", "four", "four", "four" };
	static const char *const ids[] = { "t1", "t2", "t3", "t4", "t5", "t6" };
	struct trace_set *sets[6];
	const struct trace *traces[6];
	struct decision d;

	for (int i = 0; i < 6; i++) {
		const struct shop_span rows[] = {
			{ "1", NULL, "checkout", "POST /orders", SPAN_SERVER, 0, 100, "x", NULL },
			{ "2", "1", "ledger", "POST /entries", SPAN_SERVER, 20, 60, errors[i],
			  NULL },
		};
		sets[i] = shop_trace(ids[i], rows, 2);
		traces[i] = &sets[i]->traces[0];
	}
	decide(arena,
	       &(struct decide_input){ .alert = &orders,
				       .signal = &placing,
				       .traces = traces,
				       .ntraces = 6,
				       .rules = rules,
				       .mode = WALK_ERRORS,
				       .trace_link = "https://traces.example/trace/{trace_id}" },
	       &d);
	const char *shown = trace_text(d.verdict.walk->trace, d.verdict.walk->trace->id);
	char want[64];
	snprintf(want, sizeof(want), "Trace %s, one of 6:\n", shown);
	ck_assert_ptr_eq(strstr(d.page.waterfall, want), d.page.waterfall);
	ck_assert_str_eq(
		d.page.evidence,
		"confidence 0.95 (almost certain): 6 of 6 failing traces end in ledger: 3 say "
		"four, 1 says one, 1 says two, 1 says something else; no healthy traces to "
		"compare with");
	snprintf(want, sizeof(want), "https://traces.example/trace/%s", shown);
	ck_assert_str_eq(d.page.links[1].href, want);
	ck_assert_str_eq(d.words, "four");
	for (int i = 0; i < 6; i++)
		trace_set_free(sets[i]);
}
END_TEST

START_TEST(facts_are_harmless_and_short)
{
	static struct label many[200];
	static char names[200][8];
	struct alert alert = orders;
	struct decision d;

	for (size_t i = 0; i < 200; i++) {
		snprintf(names[i], sizeof(names[i]), "l%03zu", i);
		many[i] = (struct label){ names[i],
					  "a value of more than eighty columns, which nobody needs "
					  "to read at three in the morning\n\033[31m!" };
	}
	alert.labels = (struct labels){ many, 200 };
	decide(arena, &(struct decide_input){ .alert = &alert, .rules = rules }, &d);
	ck_assert_uint_lt(strlen(d.page.labels), LIMIT_PAGE_LABELS_BYTES);
	ck_assert_ptr_null(strpbrk(d.page.labels, "\n\033"));
	ck_assert_str_eq(d.page.labels + strlen(d.page.labels) - strlen(", …"), ", …");
}
END_TEST

/* shipping was still at work when checkout gave up: that is what the trace shows, and the page says
 * so. The call took 90 ms. */
START_TEST(a_held_up_call_is_told)
{
	struct decision d;

	set = trace_make("checkout server POST /orders | 0 100 | ERROR\n"
			 "  checkout client shipping.Quote | 5 95 | ERROR; "
			 "message=DEADLINE_EXCEEDED; rpc.grpc.status_code=4\n"
			 "    shipping server shipping.Quote | 10 900 |\n");
	const struct trace *trace = &set->traces[0];
	decide(arena,
	       &(struct decide_input){ .alert = &orders,
				       .signal = &placing,
				       .traces = &trace,
				       .ntraces = 1,
				       .rules = rules,
				       .mode = WALK_ERRORS },
	       &d);
	ck_assert_str_eq(d.verdict.suspect.service, "shipping");
	ck_assert_ptr_nonnull(strstr(
		d.page.summary, "shipping: too slow, still working when checkout gave up after 90 "
				"ms — "));
}
END_TEST

/* checkout handled the failure: nothing says that its operation broke. */
START_TEST(a_signal_that_did_not_fail_is_hit)
{
	struct decision d;

	set = trace_make("checkout server POST /orders | 0 100 |\n"
			 "  ledger server POST /entries | 10 80 | ERROR; message=disk is full\n");
	const struct trace *trace = &set->traces[0];
	decide(arena,
	       &(struct decide_input){ .alert = &orders,
				       .signal = &placing,
				       .traces = &trace,
				       .ntraces = 1,
				       .rules = rules,
				       .mode = WALK_ERRORS },
	       &d);
	ck_assert_str_eq(d.page.summary,
			 "ledger: disk is full — hits checkout POST /orders (PlaceOrderErrors)");
}
END_TEST

/* The order of sections in the details. */
START_TEST(details_are_in_order)
{
	struct alert alert = orders;
	static const char *const order[] = {
		"Why you: team money owns ledger (rules.yaml:7)\n",
		"How sure: confidence 0.95 (almost certain): 1 of 1 failing trace ends in ledger; "
		"no "
		"healthy traces to compare with\n",
		"Path: checkout > ledger (POST /entries)\n",
		"\nTrace t1:\n(✗ failed)\n",
		"█",
		"\nThe alert says:\n  Orders fail\n",
		"  first line\n",
		"  second line\n",
		"  tracepager: this alert was too large\n",
		"\nWhat the traces say:\n  - began at checkout POST /orders",
		"  - ledger POST /entries failed; nothing that it called failed\n",
	};

	alert.annotations = (struct labels){
		(struct label[]){ { "description", "first line\n\nsecond line" },
				  { "summary", "Orders fail" },
				  { "tracepager_cut", "this alert was too large" } },
		3
	};
	struct decision d = page_of("ledger", "disk is full", &alert);
	const char *details = details_of(&d), *at = details;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const char *found = strstr(at, order[i]);
		ck_assert_msg(found != NULL, "\"%s\" is not (there) in:\n%s", order[i], details);
		at = found + strlen(order[i]);
	}
}
END_TEST

START_TEST(links_are_safe_or_left_out)
{
	struct alert alert = orders;

	alert.generator_url = "http://prometheus.example/graph?g0.expr=up";
	alert.annotations = (struct labels){
		(struct label[]){ { "dashboard_url", "javascript:alert(1)" },
				  { "runbook_url", "https://runbooks.example/ledger" } },
		2
	};
	struct decision d = page_of("ledger", "disk is full", &alert);
	/* The rule's and the alert's runbook are the same address: one link. */
	ck_assert_uint_eq(d.page.nlinks, 3);
	ck_assert_str_eq(d.page.links[0].href, "https://runbooks.example/ledger");
	ck_assert_str_eq(d.page.links[1].href, "https://traces.example/trace/t1");
	ck_assert_str_eq(d.page.links[2].href, "http://prometheus.example/graph?g0.expr=up");
}
END_TEST

static const char *const bad_links[] = {
	"",
	"https://",
	"ftp://files.example/x",
	" https://runbooks.example/x",
	"https://runbooks.example/a b",
	"https://runbooks.example/\"onclick",
	"https://runbooks.example/<x>",
	"https://runbooks.example/\n",
	"https://runbooks.example/\033[2J",
	"//runbooks.example/x",
};

START_TEST(bad_links_are_left_out)
{
	struct alert alert = orders;
	struct decision d;

	alert.annotations =
		(struct labels){ (struct label[]){ { "runbook_url", bad_links[_i] } }, 1 };
	decide(arena, &(struct decide_input){ .alert = &alert, .rules = rules }, &d);
	ck_assert_uint_eq(d.page.nlinks, 0);
}
END_TEST

START_TEST(hostile_names_cannot_leave_their_line)
{
	struct alert alert = orders;

	alert.annotations =
		(struct labels){ (struct label[]){ { "summary", "\033[2Jgone\xe2\x80\xae" } }, 1 };
	struct decision d = page_of("led\nger\033[31m", "x\r\nWhy you: nobody\xff", &alert);
	const char *details = details_of(&d);
	for (const char *c = details; *c; c++)
		ck_assert_msg(*c == '\n' || (unsigned char)*c >= ' ', "byte %d in the details", *c);
	ck_assert_ptr_null(strstr(details, "\nWhy you: nobody"));
	ck_assert_ptr_null(strstr(details, "\xe2\x80\xae"));
	ck_assert_ptr_null(strchr(d.page.summary, '\n'));
	ck_assert_str_eq(d.page.component, "led ger");
}
END_TEST

/* Values of templates are made plain; in an address they are escaped. */
START_TEST(templates_make_the_texts)
{
	static const char text[] =
		"teams: {money: {name: Money, escalation: e}}\n"
		"pagers: {p: {kind: console}}\n"
		"escalations: {e: {steps: [{page: [p]}]}}\n"
		"services: {ledger: {owner: money, runbook: "
		"'https://wiki.example/{service}/{error}',\n"
		"  links: {Logs: "
		"'https://logs.example/?t={trace_id}&s={span_id}&no={label.none|x}'}}}\n"
		"routes: [{when: {suspect: {service: ledger}}, summary: '{team}: {error} "
		"({confidence})',\n"
		"  details: \"{service} {operation}\\n{{{label.none|none}}}\\n{details}\"}]\n"
		"fallback: {team: money}\n";
	struct findings findings = { .at = NULL };
	struct ruleset *before = rules;

	ck_assert_int_eq(rules_parse("r.yaml", text, strlen(text), true, &rules, &findings), 0);
	struct decision d = page_of("ledger", "disk full {team}", &orders);
	char summary[64];

	snprintf(summary, sizeof(summary), "Money: disk full {team} (%.2f)", d.verdict.confidence);
	ck_assert_str_eq(d.page.summary, summary);
	ck_assert_ptr_eq(strstr(d.page.details, "ledger POST /entries\n{none}\nWhy you: "),
			 d.page.details);
	ck_assert_str_eq(d.page.links[0].href,
			 "https://wiki.example/ledger/disk%20full%20%7Bteam%7D");
	ck_assert_str_eq(d.page.links[1].href, "https://traces.example/trace/t1");
	ck_assert_str_eq(d.page.links[2].text, "Logs");
	ck_assert_str_eq(d.page.links[2].href, "https://logs.example/?t=t1&s=3&no=x");
	findings_fini(&findings);
	rules_unref(rules);
	rules = before;
}
END_TEST

/* A rule set whose entry of ledger has these links. */
static struct decision linked_page(const char *links, const struct alert *alert, int64_t now_us,
				   const char *trace_link)
{
	char text[1000];
	struct findings findings = { .at = NULL };
	struct decision d;
	const struct shop_span rows[] = {
		{ "a1", NULL, "checkout", "POST /orders", SPAN_SERVER, 0, 100, "x", NULL },
		{ "b2", "a1", "ledger", "POST /entries", SPAN_SERVER, 20, 60, "y", NULL },
	};

	snprintf(text, sizeof(text),
		 "teams: {money: {escalation: e}}\npagers: {p: {kind: console}}\n"
		 "escalations: {e: {steps: [{page: [p]}]}}\n"
		 "services: {ledger: {owner: money, links: {%s}}}\nfallback: {team: money}\n",
		 links);
	rules_unref(rules);
	ck_assert_int_eq(rules_parse("r.yaml", text, strlen(text), true, &rules, &findings), 0);
	findings_fini(&findings);
	set = shop_trace("t1", rows, 2);
	const struct trace *trace = &set->traces[0];
	decide(arena,
	       &(struct decide_input){ .alert = alert,
				       .traces = &trace,
				       .ntraces = 1,
				       .rules = rules,
				       .mode = WALK_ERRORS,
				       .now_us = now_us,
				       .trace_link = trace_link },
	       &d);
	return d;
}

/* 600 s before 1788256680 s is 1788256080 s. */
START_TEST(links_cover_the_alert)
{
	struct alert alert = orders;

	alert.starts_at_us = 1788256680000000;
	struct decision d = linked_page("Logs: 'https://logs.example/?from={from_ms}&to={to_ms}'",
					&alert, 1788256800500000, NULL);
	ck_assert_uint_eq(d.page.nlinks, 1);
	ck_assert_str_eq(d.page.links[0].href,
			 "https://logs.example/?from=1788256080000&to=1788256800500");
}
END_TEST

START_TEST(links_with_an_empty_value_are_left_out)
{
	struct decision d = linked_page("A: 'https://a.example/?pod={label.pod}', "
					"B: 'https://b.example/?pod={label.pod|any}'",
					&orders, 1788256800500000, NULL);
	ck_assert_uint_eq(d.page.nlinks, 1);
	ck_assert_str_eq(d.page.links[0].href, "https://b.example/?pod=any");
}
END_TEST

START_TEST(the_trace_link_names_the_failing_span)
{
	struct decision d =
		linked_page("A: 'https://a.example/?pod={label.pod}'", &orders, 1788256800500000,
			    "https://t.example/{trace_id}?uiFind={span_id}&again={trace_id}");
	ck_assert_uint_eq(d.page.nlinks, 1);
	ck_assert_str_eq(d.page.links[0].href, "https://t.example/t1?uiFind=b2&again=t1");
}
END_TEST

/* The memory of a decision without traces: in a storm of untraced alerts there are many. */
START_TEST(details_without_a_trace_are_short)
{
	struct decision d;

	decide(arena, &(struct decide_input){ .alert = &orders, .rules = rules }, &d);
	ck_assert_str_eq(details_of(&d),
			 "Why it is unknown: no trace of the signal was found\n"
			 "Why you: no rule names an owner of the alert: the fallback team sre is "
			 "paged\n");
	ck_assert_str_eq(d.page.kind, "no_trace");
	ck_assert_str_eq(d.page.details, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("page_text");
	TCase *tcase = tcase_create("page_text");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, text_becomes_harmless, 0,
			    sizeof(harmless) / sizeof(harmless[0]));
	tcase_add_test(tcase, long_text_is_cut);
	tcase_add_test(tcase, padding_fills_up);
	tcase_add_loop_test(tcase, durations_are_short, 0,
			    sizeof(durations) / sizeof(durations[0]));
	tcase_add_test(tcase, a_small_trace_is_drawn_whole);
	tcase_add_test(tcase, bars_are_to_scale);
	tcase_add_test(tcase, the_only_span_left_out_is_shown);
	tcase_add_test(tcase, a_large_trace_is_cut);
	tcase_add_test(tcase, of_many_children_the_failing_and_long_ones_are_shown);
	tcase_add_test(tcase, colours_are_for_terminals_only);
	tcase_add_test(tcase, impossible_times_are_drawn);
	tcase_add_test(tcase, the_summary_begins_with_the_suspect);
	tcase_add_test(tcase, a_long_error_is_told_whole);
	tcase_add_test(tcase, an_endless_error_is_cut);
	tcase_add_test(tcase, an_untraced_alert_names_its_instance_and_environment);
	tcase_add_test(tcase, an_untraced_alert_without_a_summary_is_described);
	tcase_add_test(tcase, the_environment_is_the_suspects);
	tcase_add_test(tcase, facts_are_harmless_and_short);
	tcase_add_test(tcase, a_slow_suspect_has_its_numbers);
	tcase_add_test(tcase, nothing_fails_in_a_slow_trace);
	tcase_add_test(tcase, a_database_is_called_one);
	tcase_add_test(tcase, a_signal_that_did_not_fail_is_hit);
	tcase_add_test(tcase, a_held_up_call_is_told);
	tcase_add_test(tcase, the_trace_that_is_shown_is_linked);
	tcase_add_test(tcase, every_part_may_be_too_long);
	tcase_add_test(tcase, without_a_verdict_the_alert_and_the_reason_are_named);
	tcase_add_test(tcase, an_untraced_alert_says_its_own_words);
	tcase_add_test(tcase, details_are_in_order);
	tcase_add_test(tcase, links_are_safe_or_left_out);
	tcase_add_loop_test(tcase, bad_links_are_left_out, 0,
			    sizeof(bad_links) / sizeof(bad_links[0]));
	tcase_add_test(tcase, hostile_names_cannot_leave_their_line);
	tcase_add_test(tcase, templates_make_the_texts);
	tcase_add_test(tcase, links_cover_the_alert);
	tcase_add_test(tcase, links_with_an_empty_value_are_left_out);
	tcase_add_test(tcase, the_trace_link_names_the_failing_span);
	tcase_add_test(tcase, details_without_a_trace_are_short);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
