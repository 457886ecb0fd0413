/*
 * Rules that are legal and say nothing, beside what looks like them and is right; what the past
 * tells of them; and where broken YAML went wrong. Columns are counted by hand.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracepager/arena.h"
#include "tracepager/limits.h"
#include "tracepager/rules_load.h"
#include "tracepager/seen_words.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"

/* The smallest rules that load, on lines 1 to 5. */
#define BASE                                                                                       \
	"teams: {a: {escalation: e}}\n"                                                            \
	"pagers: {p: {kind: console}}\n"                                                           \
	"escalations: {e: {steps: [{page: [p]}]}}\n"                                               \
	"services: {cart: {owner: a}}\n"                                                           \
	"fallback: {team: a}\n"
/* The only criticality of the rules, for which no route asks. */
#define CRITICALITY(word)                                                                          \
	"teams: {a: {escalation: e}}\n"                                                            \
	"pagers: {p: {kind: console}}\n"                                                           \
	"escalations: {e: {steps: [{page: [p]}]}}\n"                                               \
	"services: {cart: {owner: a, criticality: " word "}}\n"                                    \
	"fallback: {team: a}\n"
/* The only service of the rules, with these members. */
#define SERVICE(members)                                                                           \
	"teams: {a: {escalation: e}}\n"                                                            \
	"pagers: {p: {kind: console}}\n"                                                           \
	"escalations: {e: {steps: [{page: [p]}]}}\n"                                               \
	"services: {cart: {owner: a, " members "}}\n"                                              \
	"fallback: {team: a}\n"
#define ROUTE(when) BASE "routes: [{when: " when ", page: none}]\n"

static struct findings findings;
static struct ruleset *rules;

static void setup(void)
{
	findings = (struct findings){ .now_us = 0 };
	rules = NULL;
}

static void teardown(void)
{
	findings_fini(&findings);
	rules_unref(rules);
}

static int parse(const char *text)
{
	return rules_parse("rules.yaml", text, strlen(text), false, &rules, &findings);
}

/* One finding, with these words in its hint; code NULL: none. */
static void told(const char *text, const char *code, const char *hint)
{
	struct buf out = BUF_INIT(1u << 20);

	findings_write(&findings, false, &out);
	ck_assert_msg(findings.n == (code != NULL), "%s\n%s", text, buf_text(&out));
	if (code) {
		ck_assert_str_eq(findings.at[0].code, code);
		ck_assert_msg(strstr(findings.at[0].hint, hint) != NULL, "no %s in %s", hint,
			      findings.at[0].hint);
	}
	buf_fini(&out);
}

/* ---- secrets ---- */

#define OWNED                                                                                      \
	"teams: {a: {escalation: e}}\n"                                                            \
	"escalations: {e: {steps: [{page: [p]}]}}\n"                                               \
	"services: {cart: {owner: a}}\n"                                                           \
	"fallback: {team: a}\n"
#define NTFY(token) OWNED "pagers: {p: {kind: ntfy, url: \"https://n/t\", token" token "}}\n"
#define MAIL(password)                                                                             \
	OWNED "pagers: {p: {kind: email, url: \"smtp://h\", from: a@example.com, "                 \
	      "to: b@example.com, user: a, password" password "}}\n"

#define HOOK(url) OWNED "pagers: {p: {kind: webhook, url: '" url "'}}\n"
#define MAILTO(url)                                                                                \
	OWNED "pagers: {p: {kind: email, url: '" url "', from: a@example.com, to: "                \
	      "b@example.com}}\n"

static const struct {
	const char *text;
	bool slip;
} secrets[] = {
	{ NTFY(": '/etc/tracepager/ntfy.key'"), true },
	{ NTFY(": '/ntfy.key'"), true },
	{ NTFY(": './keys/ntfy'"), true },
	{ NTFY(": $NTFY_TOKEN"), true },
	{ NTFY(": '${ntfy_token}'"), true },
	{ NTFY(": '$(cat key)'"), true }, /* by its blank */
	{ NTFY(": REPLACE-ME"), true },
	{ NTFY(": changeme"), true },
	{ NTFY(": your_ntfy_token"), true },
	{ NTFY(": '<ntfy token>'"), true },
	{ NTFY(": tk_xxxxxxxx"), true },
	{ NTFY(": TODO"), true },
	{ NTFY(": 'tk_1 tk_2'"), true },
	{ MAIL(": '<your password>'"), true },
	{ MAIL(": '${SMTP_PASSWORD}'"), true },
	/* Real ones. */
	{ NTFY(": '/Xa3+Qpz9s7K1dYwLr0Tg=='"), false },
	{ NTFY(": '/Xa3/Qpz9s7K1dYwLr0TgUm'"), false },
	{ NTFY(": '/ecretWord9'"), false },
	{ NTFY(": tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2"), false },
	{ NTFY(": Wxxxxq9"), false },
	{ MAIL(": '$ecretWord9'"), false },
	{ MAIL(": '<Xk9a!>'"), false },
	{ MAIL(": 'abcd efgh ijkl mnop'"), false },
	{ MAIL(": your-horse-7731"), false },
	{ MAIL(": nodulation-tbds"), false },
};

/* Whatever it is, it stands in the rules themselves. */
START_TEST(test_secrets)
{
	const bool slip = secrets[_i].slip;

	ck_assert_int_eq(parse(secrets[_i].text), 0);
	ck_assert_msg(findings.n == (slip ? 2 : 1), "%zu of %s", findings.n, secrets[_i].text);
	ck_assert_str_eq(findings.at[0].code, "W021");
	if (slip)
		ck_assert_str_eq(findings.at[1].code, "W039");
}
END_TEST

static void in_file(const char *first_line, const char *code)
{
	char path[] = "/tmp/tracepager-slips-XXXXXX", text[1024];
	const int file = mkstemp(path);

	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(write(file, first_line, strlen(first_line)), (ssize_t)strlen(first_line));
	close(file);
	snprintf(text, sizeof(text), NTFY("_file: %s"), path);
	ck_assert_int_eq(rules_parse("rules.yaml", text, strlen(text), true, &rules, &findings), 0);
	ck_assert_uint_eq(findings.n, code ? 1 : 0);
	if (code) {
		ck_assert_str_eq(findings.at[0].code, code);
		ck_assert_int_eq(findings.at[0].line, 5);
		/* Of "pagers: {p: {kind: ntfy, url: "https://n/t", token_file: PATH}}": the path.
		 */
		ck_assert_int_eq(findings.at[0].column, 58);
		ck_assert_ptr_nonnull(strstr(findings.at[0].text, "token_file of pager \"p\""));
		ck_assert_ptr_null(strstr(findings.at[0].text, first_line));
	}
	unlink(path);
}

START_TEST(test_placeholder_in_a_file)
{
	in_file("REPLACE-ME", "W039");
}
END_TEST

START_TEST(test_key_in_a_file)
{
	in_file("/Xa3+Qpz9s7K1dYwLr0Tg==", NULL);
}
END_TEST

/* ---- conditions ---- */

static const struct {
	const char *text, *code, *hint;
} slips[] = {
	/* Globs that are regular expressions. */
	{ ROUTE("{alertname: 'Disk.*'}"), "W045", "write \"Disk*\"" },
	{ ROUTE("{alertname: '^Disk'}"), "W045", "write \"Disk*\"" },
	{ ROUTE("{alertname: 'Full$'}"), "W045", "write \"*Full\"" },
	{ ROUTE("{alertname: '^Disk$'}"), "W045", "write \"Disk\"" },
	{ ROUTE("{alertname: '.+Full'}"), "W045", "write \"?*Full\"" },
	{ ROUTE("{host: '.*db'}"), "W045", "write \"*db\"" },
	{ ROUTE("{host: 'db[0-9]+'}"), "W045", "labels: ['host=~" },
	{ ROUTE("{suspect: {service: 'db[0-9]+'}}"), "W045", "write a list of them" },
	{ ROUTE("{env: 'a|b|c'}"), "W045", "[a, b, c]" },
	{ ROUTE("{env: '!prod'}"), "W045", "env!=\"prod\"" },
	{ ROUTE("{env: '=~pro.*'}"), "W045", "env=~\"pro.*\"" },
	/* Globs that are globs. */
	{ ROUTE("{host: 'db1.*'}"), NULL, "" },
	{ ROUTE("{host: '*.shop.example'}"), NULL, "" },
	{ ROUTE("{host: 'db[0-9]*'}"), NULL, "" },
	{ ROUTE("{host: '[!d]*'}"), NULL, "" },
	{ ROUTE("{suspect: {error: '*a|b*'}}"), NULL, "" },
	{ ROUTE("{price: '5 $ more'}"), NULL, "" },
	{ ROUTE("{a: ''}"), NULL, "" },
	/* Regular expressions that are none, or anchored. */
	{ CRITICALITY("hihg"), "W047", "did you mean \"high\"" },
	{ CRITICALITY("critcal"), "W047", "did you mean \"critical\"" },
	{ CRITICALITY("High"), NULL, "" },
	{ CRITICALITY("tier-1"), NULL, "" },
	{ CRITICALITY("Tier 1"), NULL, "" },
	{ CRITICALITY("tier4"), NULL, "" },
	{ CRITICALITY("money"), NULL, "" },
	{ ROUTE("['a=~\"^Disk\"']"), "W051", "write \"Disk.*\"" },
	{ ROUTE("['a=~\"Disk$\"']"), "W051", "write \".*Disk\"" },
	{ ROUTE("['a=~\"db1.shop.example\"']"), "W051", "write a=\"db1.shop.example\"" },
	{ ROUTE("['a!~\"db1.shop.example\"']"), "W051", "write a!=\"db1.shop.example\"" },
	{ ROUTE("['a=~\"Disk*\"']"), "W051", "write \"Disk.*\"" },
	{ ROUTE("['a=~\"b,c\"']"), "W051", "write \"b|c\"" },
	{ ROUTE("['a=~\"b | c\"']"), "W051", "write \"b|c\"" },
	{ ROUTE("['a=~\"^Disk$\"']"), NULL, "" },
	{ ROUTE("['a=~\"^Disk.*\"']"), NULL, "" },
	{ ROUTE("['a=~\"db1\\\\.shop\\\\.example\"']"), NULL, "" },
	{ ROUTE("['a=~\"Disk.*\"']"), NULL, "" },
	{ ROUTE("['a=~\"b|c\"']"), NULL, "" },
	{ ROUTE("['a=~\"x*\"']"), NULL, "" },
	{ ROUTE("['a=\"Disk*\"']"), "W045", "write a=~\"Disk.*\"" },
	{ ROUTE("['a!=\"*-db\"']"), "W045", "write a!~\".*-db\"" },
	{ ROUTE("['a=\"*\"']"), NULL, "" },
	{ ROUTE("['a=\"/api/*\"']"), NULL, "" },
	{ ROUTE("['a=\"s3:*\"']"), NULL, "" },
	{ ROUTE("['a=\"*/5 * * * *\"']"), NULL, "" },
	/* The cure is one that can stand there. */
	{ ROUTE("{labels: {a: 'b|c'}}"), "W045", "labels: ['a=~\"b|c\"']" },
	{ ROUTE("{suspect: {service: 'a|b'}}"), "W045", "write a list: [a, b]" },
	{ BASE "signals: {s: {alerts: {alertname: 'A|B'}, span: {service: cart}}}\n", "W045",
	  "alerts: ['alertname=~\"A|B\"']" },
	{ SERVICE("match: {service: cart, environment: 'a|b'}"), "W045",
	  "make an entry for each: a, b" },
	{ SERVICE("match: {service: cart, environment: '!a'}"), "W045",
	  "make an entry for each text" },
	/* Lists that no glob has, and a blank that nobody sees. */
	{ ROUTE("{alertname: '{A,B}'}"), "W045", "[A, B]" },
	{ ROUTE("{host: 'db{1,2}*'}"), "W045", "[db1*, db2*]" },
	{ ROUTE("{labels: {host: 'db{1,2}'}}"), "W045", "host=~\"db1|db2\"" },
	{ ROUTE("{severity: 'info,none'}"), "W045", "[info, none]" },
	{ ROUTE("{alertname: 'A,B'}"), "W045", "[A, B]" },
	{ ROUTE("{alertname: 'Name '}"), "W045", "write \"Name\"" },
	{ ROUTE("{alertname: 'CPU high, disk full'}"), NULL, "" },
	{ ROUTE("{devices: 'sda,sdb'}"), NULL, "" },
	{ ROUTE("{route: '/users/{id}'}"), NULL, "" },
	{ ROUTE("{expr: 'up{a=\"b\",c=\"d\"}'}"), NULL, "" },
	{ ROUTE("{alertname: 'Disk full'}"), NULL, "" },
	{ ROUTE("{suspect: {operation: 'POST /orders?id=1'}}"), "W045", "\"POST /orders\"" },
	{ ROUTE("{suspect: {operation: 'POST /orders?'}}"), NULL, "" },
	{ ROUTE("{suspect: {operation: 'GET /v?/a'}}"), NULL, "" },
	/* The label with the name of the alert. */
	{ ROUTE("{alertName: Foo}"), "W043", "did you mean \"alertname\"" },
	{ ROUTE("{alert: Foo}"), "W043", "did you mean \"alertname\"" },
	{ ROUTE("['alertName=\"Foo\"']"), "W043", "did you mean \"alertname\"" },
	{ ROUTE("{alert_group: Foo}"), NULL, "" },
	{ BASE "defaults: {group_by: [alertName]}\n", "W043", "did you mean \"alertname\"" },
	{ BASE "defaults: {group_by: ['alertname,cluster']}\n", "W043", "an item of its own" },
	{ BASE "defaults: {group_by: [alertname, alert_group]}\n", NULL, "" },
	/* Addresses and paths that were to be filled in. */
	{ HOOK("https://h/a/REPLACE-ME"), "W039", "whole" },
	{ HOOK("https://h/a?token=REPLACE-ME"), "W039", "whole" },
	{ HOOK("https://h/xxxxxxxx/a"), "W039", "whole" },
	{ OWNED "pagers: {p: {kind: ntfy, url: 'https://h/t', token_file: /run/REPLACE-ME}}\n",
	  "W039", "the path of the file" },
	{ HOOK("https://todo.example/api/todo"), NULL, "" },
	{ HOOK("https://h/replacements/your-team"), NULL, "" },
	{ HOOK("https://h/xxl/xxx"), NULL, "" },
	/* Addresses of another kind. */
	{ HOOK("http://127.0.0.1:9480/webhook/am"), "W058", "that is to get the pages" },
	{ HOOK("http://127.0.0.1:9480/hooks/am"), NULL, "" },
	{ HOOK("https://alerts.example/webhook/am"), NULL, "" },
	{ MAILTO("smtps://h:587"), "W058", "smtp://" },
	{ MAILTO("smtp://h:465"), "W058", "smtps://" },
	{ MAILTO("smtps://h:465"), NULL, "" },
	{ MAILTO("smtp://h:587"), NULL, "" },
	{ MAILTO("smtps://h:2465"), NULL, "" },
	{ OWNED "pagers: {p: {kind: pagerduty, routing_key_file: /k, url: "
		"'https://events.pagerduty.com/generic/2010-04-15/create_event.json'}}\n",
	  "W058", "leave url out" },
	{ OWNED "pagers: {p: {kind: pagerduty, routing_key_file: /k, url: "
		"'https://events.eu.pagerduty.com/v2/enqueue'}}\n",
	  NULL, "" },
	/* What no span names, and no alert meets. */
	{ SERVICE("peers: [':443']"), "W048", "HOST:PORT" },
	{ SERVICE("peers: ['::1']"), NULL, "" },
	{ ROUTE("{kind: no_trace, suspect: {service: cart}}"), "W023", "two routes" },
	{ ROUTE("{kind: no_trace, severity: info}"), NULL, "" },
	{ ROUTE("{kind: [no_trace, span], suspect: {service: cart}}"), NULL, "" },
	/* Durations of weeks. */
	{ BASE "defaults: {window: 30d}\n", "W057", "usual is 10m" },
	{ BASE "defaults: {resolve_hold: 7d}\n", "W057", "usual is 2m" },
	{ BASE "defaults: {window: 24h, resolve_hold: 1h}\n", NULL, "" },
	/* Names of conditions. */
	{ ROUTE("{severty: info}"), "W043", "\"severity\"" },
	{ ROUTE("{Sender: am}"), "W043", "\"sender\"" },
	{ ROUTE("{service: am}"), NULL, "" },
	{ ROUTE("{name: am}"), NULL, "" },
	{ ROUTE("{tier: am}"), NULL, "" },
	{ ROUTE("{labels: {severty: info}}"), NULL, "" },
	/* Severities. */
	{ ROUTE("{severity: Info}"), "W044", "\"info\"" },
	{ ROUTE("{severity: CRITICAL}"), "W044", "\"critical\"" },
	{ ROUTE("{severity: critcal}"), "W044", "\"critical\"" },
	{ ROUTE("{severity: P1}"), NULL, "" },
	{ ROUTE("{severity: '[Ii]nfo'}"), NULL, "" },
	{ ROUTE("{severity: sev1}"), NULL, "" },
};

START_TEST(test_slips)
{
	ck_assert_int_eq(parse(slips[_i].text), 0);
	told(slips[_i].text, slips[_i].code, slips[_i].hint);
}
END_TEST

/* ---- typos ---- */

START_TEST(test_typos)
{
	static const struct {
		const char *a, *b;
		bool typo;
	} words[] = {
		{ "severty", "severity", true },
		{ "DiskFul", "DiskFull", true },
		{ "eu-wset-1", "eu-west-1", true },
		{ "Checkout", "checkout", true },
		{ "cart", "card", true },
		{ "db1", "db2", false },
		{ "eu-west-1", "eu-west-2", false },
		{ "team", "tier", false },
		{ "critcl", "critical", false },
		{ "recomendatoin", "recommendation", true },
		{ "abc", "abd", false },
		{ "service", "sender", false },
		{ "web-1-canary", "web-12", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		ck_assert_msg(words_typo(words[i].a, words[i].b) == words[i].typo, "%s %s",
			      words[i].a, words[i].b);
		ck_assert(words_typo(words[i].b, words[i].a) == words[i].typo);
	}
}
END_TEST

/* ---- the past ---- */

static struct seen_words *past(void)
{
	struct seen_words *words = seen_words_new(90);

	for (int i = 0; i < 14; i++) {
		seen_words_add(words, SEEN_SENDER, NULL, "am");
		seen_words_add(words, SEEN_LABEL, NULL, "alertname");
		seen_words_add(words, SEEN_VALUE, "alertname", "DiskFull");
	}
	seen_words_add(words, SEEN_LABEL, NULL, "alertname");
	seen_words_add(words, SEEN_VALUE, "alertname", "DiskFell");
	seen_words_add(words, SEEN_LABEL, NULL, "cluster");
	seen_words_add(words, SEEN_VALUE, "cluster", "prod-a");
	seen_words_add(words, SEEN_VALUE, "cluster", "eu-1a");
	seen_words_add(words, SEEN_LABEL, NULL, "service_name");
	seen_words_add(words, SEEN_VALUE, "service_name", "");
	seen_words_add(words, SEEN_SERVICE, NULL, "checkout");
	seen_words_add(words, SEEN_ATTRIBUTE, NULL, "k8s.namespace.name");
	return words;
}

static const struct {
	const char *text, *code, *hint;
} pasts[] = {
	/* Of two that are near the one that was seen more often. */
	{ ROUTE("{alertname: DiskFul}"), "W054",
	  "\"DiskFull\" (seen 14 times in the last 90 days)" },
	{ ROUTE("['alertname=\"DiskFul\"']"), "W054", "\"DiskFull\"" },
	{ ROUTE("{labels: {alertname: DiskFul}}"), "W054", "\"DiskFull\"" },
	{ BASE "silences: [{matchers: {alertname: DiskFul}, ends: \"2999-01-01T00:00:00Z\", "
	       "reason: r, author: a}]\n",
	  "W054", "\"DiskFull\"" },
	{ BASE "signals: {s: {alerts: {alertname: DiskFul}}}\n", "W054", "\"DiskFull\"" },
	{ BASE "signals: {s: {alerts: {alertname: A}, span: {service: chekout}}}\n", "W054",
	  "\"checkout\" (seen 1 time " },
	{ ROUTE("{service.name: cart}"), "W054", "\"service_name\"" },
	{ ROUTE("{service-name: cart}"), "W054", "\"service_name\"" },
	{ ROUTE("{sender: grafana}"), "W054", "\"am\"" },
	{ ROUTE("{suspect: {k8s.namespce.name: shop}}"), "W054", "\"k8s.namespace.name\"" },
	/* Seen, or a glob, or nothing near was seen. */
	{ ROUTE("{alertname: DiskFull}"), NULL, "" },
	{ ROUTE("{alertname: 'DiskFu*'}"), NULL, "" },
	{ ROUTE("{alertname: CertificateExpires}"), NULL, "" },
	{ ROUTE("{sender: 'a*'}"), NULL, "" },
	{ ROUTE("{cluster: eu}"), NULL, "" },
	/* Siblings, and a slip in the letter's case. */
	{ ROUTE("{cluster: prod-b}"), NULL, "" },
	{ ROUTE("{cluster: eu-1b}"), NULL, "" },
	{ ROUTE("{cluster: prod-A}"), "W054", "\"prod-a\"" },
	{ ROUTE("{cluster: prof-a}"), "W054", "\"prod-a\"" },
};

START_TEST(test_past)
{
	struct seen_words *words = past();

	findings.words = words;
	ck_assert_int_eq(parse(pasts[_i].text), 0);
	told(pasts[_i].text, pasts[_i].code, pasts[_i].hint);
	seen_words_free(words);
}
END_TEST

/* A label with many values, such as an id, says nothing about them. */
START_TEST(test_many_values)
{
	struct seen_words *words = seen_words_new(90);
	size_t count = 0;

	seen_words_add(words, SEEN_VALUE, "host", "database");
	ck_assert_str_eq(seen_words_nearest(words, SEEN_VALUE, "host", "databse", &count),
			 "database");
	ck_assert_uint_eq(count, 1);
	for (unsigned int i = 0; i < 2 * LIMIT_SEEN_VALUES; i++) {
		char value[32];
		snprintf(value, sizeof(value), "host-%u", i);
		seen_words_add(words, SEEN_VALUE, "host", value);
	}
	ck_assert_ptr_null(seen_words_nearest(words, SEEN_VALUE, "host", "databse", &count));
	ck_assert_ptr_null(seen_words_nearest(words, SEEN_VALUE, "other", "databse", &count));
	ck_assert_ptr_null(seen_words_nearest(NULL, SEEN_LABEL, NULL, "databse", &count));
	ck_assert_uint_eq(seen_words_count(words, SEEN_VALUE, "host", "database"), 1);
	ck_assert_uint_eq(seen_words_count(words, SEEN_VALUE, "host", "databse"), 0);
	seen_words_free(words);
	seen_words_free(NULL);
}
END_TEST

/* What the past knows overrules a suspicion. */
START_TEST(test_past_knows)
{
	struct seen_words *words = past();

	seen_words_add(words, SEEN_LABEL, NULL, "severty");
	seen_words_add(words, SEEN_VALUE, "severity", "Info");
	findings.words = words;
	ck_assert_int_eq(parse(ROUTE("{severty: x, severity: Info}")), 0);
	told("seen", NULL, "");
	seen_words_free(words);
}
END_TEST

/* ---- broken YAML ---- */

static const struct {
	const char *text;
	int line, column;
	const char *hint;
} broken[] = {
	{ "a:\n  b\n    c: 1\n", 2, 3, "write \"b:\"" },
	{ "a\nb: 1\n", 1, 1, "write \"a:\"" },
	{ "a:\n  b: x\n    c: 1\n", 3, 5, "by 2 blanks, as \"b\" on line 2" },
	{ "a:\n    b: x\n   c: 1\n", 3, 4,
	  "by 4 blanks, as \"b\" on line 2, or by 0 blanks, as \"a\" on line 1" },
	{ "a: {b: #c}\nd: 1\n", 1, 8, "\"#c\"" },
	{ "a: [b, c\nd: 1\n", 1, 4, "close it with ]" },
	{ "a: {b: c\nd: 1\n", 1, 4, "close it with }" },
	{ "a: {b} c\n", 1, 4, "\" around it" },
	{ "a: \"b\" c\n", 1, 4, "' around it" },
	{ "a: *.b\n", 1, 4, "\"*.b\"" },
	{ "a: *-b\n", 1, 4, "\"*-b\"" },
	/* A list over several lines that lacks a comma: no bracket is missing. */
	{ "a: [\n  b,\n  {c: 1 d: 2}\n]\n", 3, 10, "a comma is missing" },
	/* Secrets stay hidden. */
	{ "a:\n  token: hunter2\n    c: 1\n", 3, 5, "as \"token\" on line 2" },
};

START_TEST(test_broken)
{
	struct arena *arena = arena_new(1u << 20);
	struct ydoc doc;

	ck_assert_int_lt(ydoc_parse(arena, "x.yaml", broken[_i].text, strlen(broken[_i].text), &doc,
				    &findings),
			 0);
	ck_assert_uint_eq(findings.n, 1);
	const struct finding *finding = &findings.at[0];
	ck_assert_msg(finding->line == broken[_i].line && finding->column == broken[_i].column,
		      "%d:%d %s", finding->line, finding->column, finding->text);
	ck_assert_msg(strstr(finding->hint, broken[_i].hint) != NULL, "%s", finding->hint);
	ck_assert_ptr_null(strstr(finding->text, "hunter2"));
	ck_assert_ptr_null(strstr(finding->hint, "hunter2"));
	arena_free(arena);
}
END_TEST

/* A key without its colon: what stands behind it may be a secret. */
START_TEST(test_no_colon)
{
	ck_assert_int_lt(parse("teams: {a: {escalation: e}}\nescalations: {e: {steps: [{page: "
			       "[p]}]}}\nfallback: {team: a}\n"
			       "pagers: {p: {kind: pagerduty, routing_key hunter2}}\n"),
			 0);
	ck_assert_uint_eq(findings.n, 1);
	ck_assert_str_eq(findings.at[0].code, "E019");
	ck_assert_ptr_null(strstr(findings.at[0].text, "hunter2"));
	ck_assert_ptr_null(strstr(findings.at[0].hint, "hunter2"));
	ck_assert_ptr_null(strstr(findings.at[0].source, "hunter2"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("slips");
	TCase *tcase = tcase_create("slips");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_secrets, 0, ARRAY_LEN(secrets));
	tcase_add_test(tcase, test_placeholder_in_a_file);
	tcase_add_test(tcase, test_key_in_a_file);
	tcase_add_loop_test(tcase, test_slips, 0, ARRAY_LEN(slips));
	tcase_add_test(tcase, test_typos);
	tcase_add_loop_test(tcase, test_past, 0, ARRAY_LEN(pasts));
	tcase_add_test(tcase, test_many_values);
	tcase_add_test(tcase, test_past_knows);
	tcase_add_loop_test(tcase, test_broken, 0, ARRAY_LEN(broken));
	tcase_add_test(tcase, test_no_colon);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
