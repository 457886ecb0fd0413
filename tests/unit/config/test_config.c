/*
 * The daemon's options: defaults, every option, every error with its place, secrets in files, and
 * the sample. Lines and columns are counted by hand.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracepager/config.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static struct findings findings;
static struct config *config;
static char directory[] = "/tmp/test_config.XXXXXX";

static void make_directory(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void remove_directory(void)
{
	ck_assert_int_eq(rmdir(directory), 0);
}

static void setup(void)
{
	findings = (struct findings){ .at = NULL };
	config = NULL;
}

static void teardown(void)
{
	findings_fini(&findings);
	config_free(config);
}

static int parse(const char *text, bool load_secrets)
{
	return config_parse("tracepager.yaml", text, strlen(text), load_secrets, &config,
			    &findings);
}

static void check_text(const char *is, const char *expected)
{
	ck_assert_ptr_nonnull(is);
	ck_assert_str_eq(is, expected);
}

static void check_finding(size_t i, const char *code, int line, int column)
{
	ck_assert_uint_lt(i, findings.n);
	ck_assert_str_eq(findings.at[i].code, code);
	ck_assert_int_eq(findings.at[i].line, line);
	ck_assert_int_eq(findings.at[i].column, column);
	ck_assert_str_eq(findings.at[i].file, "tracepager.yaml");
}

/* A file in the directory; the caller unlinks it and frees the path. */
static char *write_file(const char *text)
{
	char *path = xasprintf("%s/file", directory);
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fchmod(fileno(file), 0600), 0);
	fputs(text, file);
	fclose(file);
	return path;
}

static void check_defaults(void)
{
	check_text(config->listen, "127.0.0.1:9480");
	check_text(config->store_path, "/var/lib/tracepager/tracepager.db");
	check_text(config->rules, "/etc/tracepager/rules.d");
	check_text(config->trace_link, "");
	check_text(config->log_level, "info");
	check_text(config->rules_shadow, "");
	ck_assert(config->rules_watch);
	ck_assert(config->rules_test);
	ck_assert_ptr_null(config->admin_token.value);
	ck_assert_uint_eq(config->ntokens, 0);
	check_text(config->external_url, "");
	check_text(config->link_key_file, "");
	ck_assert_int_eq(config->enrich_us, 5 * US_PER_SECOND);
	ck_assert_int_eq(config->enrich_late_us, 60 * US_PER_SECOND);
	ck_assert_int_eq(config->window_before_us, 10 * US_PER_MINUTE);
	ck_assert_int_eq(config->expire_after_us, 26 * US_PER_HOUR);
	ck_assert_uint_eq(config->nsenders, 0);
	ck_assert_uint_eq(config->nsources, 0);
	ck_assert_uint_eq(findings.n, 0);
}

START_TEST(test_defaults_without_a_file)
{
	ck_assert_int_eq(config_load(NULL, &config, &findings), 0);
	check_defaults();
}
END_TEST

START_TEST(test_defaults_of_an_empty_file)
{
	ck_assert_int_eq(parse("# nothing\n", true), 0);
	check_defaults();
}
END_TEST

START_TEST(test_every_option)
{
	ck_assert_int_eq(parse("listen: \"[::]:80\"\n"
			       "store: {path: /srv/relay.db}\n"
			       "rules: shop.yaml\n"
			       "rules_watch: false\n"
			       "rules_test: false\n"
			       "rules_shadow: next.yaml\n"
			       "admin_token: t0ken\n"
			       "tokens:\n"
			       "  - {name: ann, token: anns, may: act}\n"
			       "  - {may: read, token: graf, name: grafana.1}\n"
			       "trusted_proxy:\n"
			       "  addresses: [127.0.0.1, 10.0.0.0/8]\n"
			       "  header: X-User\n"
			       "  who_may_act: ann@shop.example bob\n"
			       "external_url: https://tp.shop.example/relay//\n"
			       "enrich_budget: 2s\n"
			       "enrich_late: 1m30s\n"
			       "window_before: 0\n"
			       "expire_after: 1d\n"
			       "trace_link: https://jaeger.shop.example/trace/{trace_id}?ui=2\n"
			       "log_level: debug\n"
			       "senders:\n"
			       "  am1: {format: alertmanager, bearer: one}\n"
			       "  prom.2: {bearer: \"two==\", format: prometheus}\n"
			       "sources:\n"
			       "  main:\n"
			       "    url: http://jaeger:16686\n"
			       "    kind: jaeger\n"
			       "    bearer: three\n"
			       "    timeout: 750ms\n"
			       "  old: {kind: files, path: /srv/traces}\n",
			       true),
			 0);
	ck_assert_uint_eq(findings.n, 0);
	check_text(config->listen, "[::]:80");
	check_text(config->store_path, "/srv/relay.db");
	check_text(config->rules, "shop.yaml");
	check_text(config->rules_shadow, "next.yaml");
	ck_assert(!config->rules_watch);
	ck_assert(!config->rules_test);
	check_text(config->admin_token.value, "t0ken");
	ck_assert_uint_eq(config->ntokens, 2);
	check_text(config->tokens[0].name, "ann");
	check_text(config->tokens[0].secret.value, "anns");
	ck_assert(config->tokens[0].may_act);
	check_text(config->tokens[1].name, "grafana.1");
	check_text(config->tokens[1].secret.value, "graf");
	ck_assert(!config->tokens[1].may_act);
	ck_assert_uint_eq(config->proxy.naddresses, 2);
	ck_assert(address_range_has(&config->proxy.addresses[1], "10.9.8.7"));
	check_text(config->proxy.header, "X-User");
	check_text(config->proxy.may, "read");
	check_text(config->proxy.who_may_act, "ann@shop.example bob");
	check_text(config->external_url, "https://tp.shop.example/relay");
	ck_assert_int_eq(config->enrich_us, 2000000);
	ck_assert_int_eq(config->enrich_late_us, 90000000);
	ck_assert_int_eq(config->window_before_us, 0);
	ck_assert_int_eq(config->expire_after_us, 86400000000);
	check_text(config->trace_link, "https://jaeger.shop.example/trace/{trace_id}?ui=2");
	check_text(config->log_level, "debug");

	ck_assert_uint_eq(config->nsenders, 2);
	check_text(config->senders[0].name, "am1");
	ck_assert_int_eq(config->senders[0].format, FORMAT_ALERTMANAGER);
	check_text(config->senders[0].auth.bearer[0].value, "one");
	check_text(config->senders[1].name, "prom.2");
	ck_assert_int_eq(config->senders[1].format, FORMAT_PROMETHEUS);
	check_text(config->senders[1].auth.bearer[0].value, "two==");

	ck_assert_uint_eq(config->nsources, 2);
	check_text(config->sources[0].name, "main");
	ck_assert_int_eq(config->sources[0].kind, SOURCE_JAEGER);
	check_text(config->sources[0].url, "http://jaeger:16686");
	check_text(config->sources[0].bearer.value, "three");
	ck_assert_int_eq(config->sources[0].timeout_us, 750000);
	check_text(config->sources[1].name, "old");
	ck_assert_int_eq(config->sources[1].kind, SOURCE_FILES);
	check_text(config->sources[1].path, "/srv/traces");
	ck_assert_ptr_null(config->sources[1].bearer.value);
	ck_assert_int_eq(config->sources[1].timeout_us, 2000000); /* enrich_budget's */
}
END_TEST

START_TEST(test_what_a_sender_can_have)
{
	const struct sender_config *sender;
	const struct alert_mapping *mapping;

	ck_assert_int_eq(
		parse("senders:\n"
		      "  a:\n"
		      "    format: generic\n"
		      "    bearer: [new, old]\n"
		      "    basic: {username: u, password: \"p q\"}\n"
		      "    sign: {scheme: grafana, secret: s, header: X-S, time_header: X-T}\n"
		      "    addresses: [10.0.0.0/8, \"2001:db8::1\"]\n"
		      "    client_names: am.example\n"
		      "    heartbeat: 15m\n"
		      "    watchdog: {alertname: Watchdog, cluster: eu1}\n"
		      "    mapping:\n"
		      "      items: /alerts\n"
		      "      id: [/a, /b]\n"
		      "      status: {from: /s, values: {OPEN: firing, ACK: ignore}}\n"
		      "      starts_at: {from: /t, time: ms}\n"
		      "      severity: {text: critical}\n"
		      "      label: {service: /svc, env: {from: ^/env}}\n"
		      "      labels: {from: /tags, prefix: tag_}\n"
		      "  b: {format: sns, topics: [\"arn:aws:sns:eu-west-1:1:t\"]}\n",
		      true),
		0);
	ck_assert_uint_eq(findings.n, 0);
	sender = &config->senders[0];
	check_text(sender->auth.bearer[0].value, "new");
	check_text(sender->auth.bearer[1].value, "old");
	check_text(sender->auth.basic_user, "u");
	check_text(sender->auth.basic[0].value, "p q");
	ck_assert_int_eq(sender->auth.scheme, SIGN_GRAFANA);
	check_text(sender->auth.signing[0].value, "s");
	check_text(sender->auth.sign_header, "X-S");
	check_text(sender->auth.sign_time_header, "X-T");
	ck_assert_uint_eq(sender->auth.naddresses, 2);
	ck_assert(address_range_has(&sender->auth.addresses[1], "2001:db8::1"));
	ck_assert_uint_eq(sender->auth.nclient_names, 1);
	ck_assert_int_eq(sender->heartbeat_us, 900000000);
	ck_assert_uint_eq(sender->watchdog.n, 2);
	check_text(labels_get(&sender->watchdog, "cluster"), "eu1");
	ck_assert_uint_eq(config->senders[1].ntopics, 1);
	mapping = sender->mapping;
	check_text(mapping->items, "/alerts");
	ck_assert_uint_eq(mapping->nrules, 7);
	ck_assert(!mapping->id_of_labels);
	check_text(mapping->rules[0].from[1], "/b");
	check_text(mapping->rules[1].values[1].to, "ignore");
	ck_assert_int_eq(mapping->rules[2].time, MAP_TIME_MS);
	check_text(mapping->rules[3].text, "critical");
	ck_assert_int_eq(mapping->rules[5].to, MAP_LABEL);
	check_text(mapping->rules[5].name, "env");
	check_text(mapping->rules[6].name, "tag_");
}
END_TEST

/* One fault each: its code and place, and a part of its text or of its hint. */
static const struct {
	const char *text, *code;
	int line, column;
	const char *says;
} faults[] = {
	{ "listn: a:1\n", "C001", 1, 1, "did you mean \"listen\"?" },
	{ "rules: r\n\nfrobnicate: 1\n", "C001", 3, 1,
	  "known here: listen, store, rules, rules_watch, rules_test, rules_shadow, admin_token," },
	{ "store.path: /x\n", "C001", 1, 1, "unknown option \"store.path\"" },
	{ "store:\n  pth: /x\n", "C001", 2, 3, "did you mean \"path\"?" },
	{ "store: {listen: a:1}\n", "C001", 1, 9, "known here: path" },
	{ "senders: {am: {format: prometheus, baerer: x}}\n", "C001", 1, 36,
	  "did you mean \"bearer\"?" },
	{ "sources: {j: {kind: files, path: /t, port: 1}}\n", "C001", 1, 38,
	  "unknown option \"port\" of a source" },

	{ "- listen\n", "C002", 1, 1, "the file must be a map, not a list" },
	{ "listen: [a]\n", "C002", 1, 9, "listen must be a text, not a list" },
	{ "rules: {a: b}\n", "C002", 1, 8, "rules must be a text, not a map" },
	{ "rules:\n", "C002", 1, 7, "rules is empty" },
	{ "rules: ~\n", "C002", 1, 8, "rules is empty" },
	{ "rules: \"\"\n", "C002", 1, 8, "rules is empty" },
	{ "rules_watch: yes\n", "C002", 1, 14, "rules_watch must be true or false" },
	{ "rules_test: \"true\"\n", "C002", 1, 13, "rules_test must be true or false" },
	{ "rules_test: [true]\n", "C002", 1, 13, "rules_test must be true or false" },
	{ "store: /var/lib/relay.db\n", "C002", 1, 8, "store must be a map, not a text" },
	{ "store: {path: [a]}\n", "C002", 1, 15, "store.path must be a text, not a list" },
	{ "senders: [am]\n", "C002", 1, 10, "senders must be a map, not a list" },
	{ "sources: jaeger\n", "C002", 1, 10, "sources must be a map, not a text" },
	{ "senders: {am: alertmanager}\n", "C002", 1, 15, "a sender must be a map, not a text" },
	{ "sources: {j: [jaeger]}\n", "C002", 1, 14, "a source must be a map, not a list" },
	{ "senders: {am: {format: [a]}}\n", "C002", 1, 24, "format must be a text, not a list" },
	{ "sources: {j: {kind: jaeger, url: []}}\n", "C002", 1, 34,
	  "url must be a text, not a list" },
	{ "sources: {j: {kind: files, path: {}}}\n", "C002", 1, 34,
	  "path must be a text, not a map" },
	{ "admin_token: [t]\n", "C002", 1, 14, "admin_token must be a text, not a list" },
	{ "listen: :80\nadmin_token:\n", "C002", 2, 13, "admin_token is empty" },

	{ "admin_token: a\nadmin_token_file: /t\n", "C003", 2, 1, "as a value and as a file" },
	{ "senders:\n  am:\n    bearer_file: /t\n    format: prometheus\n    bearer: a\n", "C003",
	  5, 5, "bearer is given twice" },
	{ "sources: {j: {kind: files, path: /t, bearer: a, bearer_file: /t}}\n", "C003", 1, 49,
	  "bearer is given twice" },

	{ "enrich_budget: fast\n", "C005", 1, 16, "enrich_budget must be a duration" },
	{ "enrich_budget: 5\n", "C005", 1, 16, "enrich_budget must be a duration" },
	{ "enrich_late: [60s]\n", "C005", 1, 14, "enrich_late must be a duration" },
	{ "window_before: -1m\n", "C005", 1, 16, "durations are written 500ms" },
	{ "window_before:\n", "C005", 1, 15, "window_before must be a duration" },
	{ "expire_after: 0\n", "C005", 1, 15, "expire_after must be 1m or longer" },
	{ "expire_after: 59s\n", "C005", 1, 15, "write more than Alertmanager's repeat_interval" },
	{ "sources: {j: {kind: files, path: /t, timeout: soon}}\n", "C005", 1, 47,
	  "timeout must be a duration" },
	{ "sources: {j: {kind: files, path: /t, timeout: 0s}}\n", "C005", 1, 47,
	  "timeout must be longer than 0" },

	{ "senders: {am: {format: alertmanger}}\n", "C006", 1, 24,
	  "did you mean \"alertmanager\"?" },
	{ "senders: {am: {format: nagios}}\n", "C006", 1, 24, "known here: alertmanager" },
	{ "senders: {am: {bearer: a}}\n", "C007", 1, 11, "add: format: alertmanager" },
	{ "senders: {am: {format: alertmanager, group: their}}\n", "C006", 1, 45, "group" },
	{ "senders:\n  am: {}\n", "C007", 2, 3, "a sender needs a format" },
	{ "listen: :9480\nadmin_token: t\nsenders: {am: {format: prometheus}}\n", "C008", 3, 11,
	  "add: bearer_file" },
	{ "listen: :9480\nadmin_token: t\nsenders: {am: {format: sns}}\n", "C008", 3, 11,
	  "add: topics" },
	{ "listen: 127.shop.example:9480\nadmin_token: t\nsenders: {am: {format: prometheus}}\n",
	  "C008", 3, 11, "" },

	{ "sources: {j: {kind: oracle, url: \"http://t\"}}\n", "C009", 1, 21,
	  "known here: jaeger, tempo, zipkin, victoriatraces, prometheus, files" },
	{ "sources: {j: {kind: file, path: /t}}\n", "C009", 1, 21, "did you mean \"files\"?" },
	{ "sources: {j: {kind: jaeger, url: jaeger:16686}}\n", "C010", 1, 34, "url must be a URL" },
	{ "sources: {j: {kind: jaeger, url: \"http://\"}}\n", "C010", 1, 34, "url must be a URL" },
	{ "sources: {j: {kind: jaeger, url: \"http://j:166860\"}}\n", "C010", 1, 34,
	  "url must be a URL" },
	{ "sources: {j: {kind: jaeger, url: \"http://j:1668x/api\"}}\n", "C010", 1, 34,
	  "url must be a URL" },
	{ "sources: {j: {kind: jaeger, url: \"http://[::1]:0\"}}\n", "C010", 1, 34,
	  "url must be a URL" },
	{ "sources: {j: {kind: jaeger, url: \"http://j/ x\"}}\n", "C010", 1, 34,
	  "url must be a URL" },
	{ "trace_link: \"javascript:show({trace_id})\"\n", "C010", 1, 13,
	  "trace_link must be a URL" },
	{ "sources: {j: {url: \"http://j\"}}\n", "C011", 1, 11, "a source needs a kind" },
	{ "sources: {j: {kind: jaeger}}\n", "C011", 1, 11, "a jaeger source needs a url" },
	{ "sources: {j: {kind: files, url: \"http://j\"}}\n", "C011", 1, 11,
	  "a files source needs a path" },

	{ "senders: {a/b: {format: prometheus}}\n", "C012", 1, 11, "does not fit into a path" },
	{ "senders: {\"\": {format: prometheus}}\n", "C012", 1, 11, "" },
	{ "sources:\n  \"a b\": {kind: files, path: /t}\n", "C012", 2, 3, "" },
	/* 65 letters */
	{ "senders: {aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: {format: "
	  "prometheus}}\n",
	  "C012", 1, 11, "" },

	{ "log_level: verbose\n", "C013", 1, 12, "known here: debug, info, warn, error" },
	{ "log_level: warning\n", "C013", 1, 12, "unknown log level \"warning\"" },
	{ "listen: 0.0.0.0:9480\n", "C014", 1, 9, "add: admin_token_file" },
	{ "listen: \"[::]:9480\"\n", "C014", 1, 9, "" },
	{ "enrich_budget: 90s\n", "C015", 1, 16, "enrich_late must not be shorter" },
	{ "enrich_late: 9s\nenrich_budget: 10s\n", "C015", 1, 14,
	  "enrich_late must not be shorter" },
	{ "trace_link: http://jaeger:16686/trace\n", "C016", 1, 13, "{trace_id}" },

	{ "listen: 9480\n", "C017", 1, 9, "write 127.0.0.1:9480" },
	{ "listen: 127.0.0.1\n", "C017", 1, 9, "" },
	{ "listen: \"127.0.0.1:\"\n", "C017", 1, 9, "" },
	{ "listen: 127.0.0.1:65536\n", "C017", 1, 9, "" },
	{ "listen: 127.0.0.1:http\n", "C017", 1, 9, "" },
	{ "listen: ::1:9480\n", "C017", 1, 9, "" },
	{ "listen: \"[::1:9480\"\n", "C017", 1, 9, "" },
	{ "listen: http://127.0.0.1:9480\n", "C017", 1, 9, "" },

	{ "admin_token: two words\n", "C018", 1, 14, "visible ASCII" },
	{ "admin_token: \"t\\nX-Other: y\"\n", "C018", 1, 14, "" },
	{ "senders: {am: {format: prometheus, bearer: t\xc3\xb6ken}}\n", "C018", 1, 44, "" },

	{ "sources: {j: {kind: jaeger, url: \"http://j\", bearer: a, basic: \"a:b\"}}\n", "C019", 1,
	  11, "keep one" },
	{ "sources:\n  j: {kind: jaeger, url: \"http://j\", bearer_file: /t, username: a, "
	  "password_file: /p}\n",
	  "C019", 2, 3, "" },
	{ "sources: {j: {kind: jaeger, url: \"http://j\", bearer: a, headers: {authorization: "
	  "b}}}\n",
	  "C019", 1, 11, "a header Authorization" },
	{ "sources: {j: {kind: jaeger, url: \"http://j\", username: a}}\n", "C011", 1, 11,
	  "add: password_file" },
	{ "sources: {j: {kind: jaeger, url: \"http://j\", password: a}}\n", "C011", 1, 11,
	  "add: username" },
	{ "sources: {j: {kind: jaeger, url: \"http://j\", key_file: /k}}\n", "C011", 1, 11,
	  "add: cert_file" },
	{ "sources: {j: {kind: xray, region: \"eu/w\", username: a, password: b}}\n", "C022", 1, 35,
	  "region holds a character that it cannot have" },
	{ "sources: {j: {kind: jaeger, url: \"http://j\", rate: 5}}\n", "C020", 1, 52,
	  "write 20/s" },
	{ "sources: {j: {kind: jaeger, url: \"http://j\", rate: 0/s}}\n", "C020", 1, 52, "" },
	{ "sources: {j: {kind: jaeger, url: \"http://j\", rate: 5/d}}\n", "C020", 1, 52, "" },
	{ "sources: {j: {kind: jaeger, url: \"http://j\", prefer: first}}\n", "C021", 1, 54,
	  "write a whole number" },
	{ "sources: {j: {kind: jaeger, url: \"http://j\", prefer: 1000001}}\n", "C021", 1, 54, "" },
	{ "sources: {j: {kind: jaeger, url: \"http://j\", headers: [a]}}\n", "C002", 1, 55,
	  "headers must be a map" },
	{ "sources: {j: {kind: jaeger, url: \"http://j\", headers: {a b: c}}}\n", "C022", 1, 46,
	  "cannot be the name of a header" },
	{ "sources: {j: {kind: jaeger, url: \"http://j\", headers: {Host: c}}}\n", "C022", 1, 46,
	  "\"Host\"" },
	{ "sources: {j: {kind: jaeger, url: \"http://j\", headers: {a: \"b\\nc: d\"}}}\n", "C022",
	  1, 46, "visible ASCII" },
	{ "sources: {j: {kind: jaeger, url: \"http://j\", headers: {a: b, A_file: /c}}}\n", "C003",
	  1, 46, "header A is given twice" },
	{ "sources: {j: {kind: jaeger, url: \"http://j\", headers: {a: 1, b: 1, c: 1, d: 1, e: 1, "
	  "f: 1, g: 1, h: 1, i: 1}}}\n",
	  "C022", 1, 46, "at most 8 headers" },
	{ "sources: {f: {kind: files, path: /t, tenant: shop}}\n", "C023", 1, 46,
	  "a files source has no tenants" },
	{ "sources: {j: {kind: jaeger, url: \"http://j\", tenant: \"a:b\"}}\n", "C023", 1, 54,
	  "without a colon" },
	{ "sources: {j: {kind: jaeger, url: \"http://j\", tenant: \" a\"}}\n", "C022", 1, 54,
	  "sent in a header" },
	{ "sources: {j: {kind: jaeger, url: \"http://j\", trace_link: \"http://j/trace\"}}\n",
	  "C016", 1, 58, "trace_link must hold" },

	{ "senders: {a: {format: grafana, bearer: [x, y, z]}}\n", "C034", 1, 40, "not 3" },
	{ "senders: {a: {format: grafana, bearer: []}}\n", "C034", 1, 40, "not 0" },
	{ "senders: {a: {format: grafana, bearer: [\"x y\"]}}\n", "C018", 1, 41, "" },
	{ "senders: {a: {format: grafana, basic: {username: u}}}\n", "C036", 1, 39,
	  "password_file" },
	{ "senders: {a: {format: grafana, basic: {username: \"u:v\", password: p}}}\n", "C036", 1,
	  50, "colon" },
	{ "senders: {a: {format: grafana, sign: {secret: s}}}\n", "C036", 1, 38,
	  "add: scheme: standard-webhooks" },
	{ "senders: {a: {format: grafana, sign: {scheme: github}}}\n", "C036", 1, 38, "secret" },
	{ "senders: {a: {format: grafana, sign: {scheme: gitbub, secret: s}}}\n", "C006", 1, 47,
	  "github" },
	{ "senders: {a: {format: grafana, sign: {scheme: none, secret: s}}}\n", "C006", 1, 47,
	  "known here: standard-webhooks" },
	{ "senders: {a: {format: grafana, sign: {scheme: github, secret: s, header: H}}}\n", "C036",
	  1, 38, "only with the scheme grafana" },
	{ "senders: {a: {format: grafana, sign: {scheme: grafana, secret: s, header: \"H:\"}}}\n",
	  "C036", 1, 75, "header is no name of a header" },
	{ "senders: {a: {format: grafana, addresses: [10.0.0.0/33]}}\n", "C035", 1, 44,
	  "write 192.0.2.7" },
	{ "senders: {a: {format: grafana, client_names: []}}\n", "C034", 1, 46, "empty" },
	{ "senders: {a: {format: grafana, heartbeat: 30s}}\n", "C005", 1, 43, "write 15m" },
	{ "heartbeat: {url: \"https://h\", every: 10s}\n", "C005", 1, 38, "write limit: 2s" },
	{ "senders: {a: {format: grafana, watchdog: {}}}\n", "C034", 1, 42, "every alert" },
	{ "senders: {a: {format: grafana, mapping: {name: /n}}}\n", "C037", 1, 41,
	  "write format: generic" },
	{ "senders: {a: {format: generic}}\n", "C037", 1, 11, "add: mapping" },
	{ "senders: {a: {format: generic, mapping: nobody}}\n", "C006", 1, 41, "mapping" },
	{ "senders: {a: {format: generic, mapping: {id: /i}}}\n", "C038", 1, 41, "add: name" },
	{ "senders: {a: {format: generic, mapping: {name: title}}}\n", "C038", 1, 48,
	  "begins with \"/\"" },
	{ "senders: {a: {format: generic, mapping: {name: /n, stat: /s}}}\n", "C001", 1, 52,
	  "known here: items, id, status" },
	{ "senders: {a: {format: generic, mapping: {name: {values: {a: b}}}}}\n", "C038", 1, 48,
	  "no place" },
	{ "senders: {a: {format: generic, mapping: {name: /n, starts_at: {from: /t, time: h}}}}\n",
	  "C006", 1, 80, "known here: any, rfc3339, s" },
	{ "senders: {a: {format: generic, mapping: {name: /n, status: {from: /s, values: {O: "
	  "on}}}}}\n",
	  "C006", 1, 60, "firing, resolved, ignore" },
	{ "senders: {a: {format: generic, mapping: {name: [/a, /b, /c, /d, /e, /f, /g]}}}\n",
	  "C038", 1, 48, "more than 6 places" },

	{ "senders: {a: {format: grafana, topics: [\"arn:aws:sns:eu-west-1:1:t\"]}}\n", "C034", 1,
	  40, "topics belong to the format sns" },
	{ "senders: {a: {format: sns, topics: [\"arn:aws:sqs:eu-west-1:1:t\"]}}\n", "C034", 1, 37,
	  "no topic of Amazon SNS" },
	{ "senders: {a: {format: sns, topics: [\"arn:aws:sns:eu-west-1:1:*\"]}}\n", "C034", 1, 37,
	  "each whole" },
	{ "senders: {a: {format: grafana, sign: {scheme: standard-webhooks, secret: "
	  "\"whsec_!\"}}}\n",
	  "C036", 1, 38, "not base64" },
	{ "senders: {a: {format: grafana, sign: {scheme: standard-webhooks, secret: whpk_AAAA}}}\n",
	  "C036", 1, 38, "32 bytes" },
	{ "senders: {a: {format: opsgenie, bearer: k}, b: {format: opsgenie, bearer: k}}\n", "C043",
	  1, 45, "one token" },
	{ "senders: {a: {format: generic, mapping: {name: /n~2}}}\n", "C038", 1, 48, "~" },
	{ "senders: {a: {format: generic, mapping: {name: /n, severity: {from: /s, values: {A: "
	  "sev1}}}}}\n",
	  "C006", 1, 62, "known here: critical, error" },

	{ "tracing: {endpoint: 127.0.0.1:4318}\n", "C010", 1, 21, "must be a URL" },
	{ "tracing: {endpoint: \"http://a:b@127.0.0.1:4318\"}\n", "C010", 1, 21, "no user" },
	{ "tracing: {endpoint: \"http://c:4318\", sample: 1.5}\n", "C021", 1, 46, "from 0 to 1" },
	{ "tracing: {endpoint: \"http://c:4318\", headers: token}\n", "C022", 1, 47,
	  "is not NAME=VALUE" },
	{ "tracing: {endpoint: \"http://c:4318\", headers: Authorization=x, bearer: y}\n", "C019",
	  1, 72, "both give" },
	{ "tracing: {endpoint: \"http://c:4318\", samples: 1}\n", "C001", 1, 38,
	  "unknown option \"samples\" of tracing" },

	{ "admin_token: t\ntrusted_proxy: {header: X-User}\n", "C044", 2, 16,
	  "needs the addresses" },
	{ "admin_token: t\ntrusted_proxy: {addresses: [10.0.0.0/8, proxy]}\n", "C035", 2, 41,
	  "\"proxy\" is no address" },
	{ "admin_token: t\ntrusted_proxy: {addresses: [\"10.0.0.1 10.0.0.2\"]}\n", "C002", 2, 29,
	  "has a blank" },
	{ "admin_token: t\ntrusted_proxy: {addresses: 10.0.0.1, header: \"X User\"}\n", "C044", 2,
	  46, "is no name of a header" },
	{ "admin_token: t\ntrusted_proxy: {addresses: 10.0.0.1, header: cookie}\n", "C044", 2, 46,
	  "is no name of a header" },
	{ "admin_token: t\ntrusted_proxy: {addresses: 10.0.0.1, may: all}\n", "C044", 2, 43,
	  "right of trusted_proxy" },
	{ "admin_token: t\ntrusted_proxy: {addresses: 10.0.0.1, may: act, who_may_act: ann}\n",
	  "C044", 2, 61, "all may act" },
	{ "admin_token: t\ntrusted_proxy: {addresses: []}\n", "C044", 2, 16,
	  "needs the addresses" },
	{ "trusted_proxy: {addresses: 10.0.0.1}\n", "C044", 1, 16,
	  "needs an admin_token or tokens" },
	{ "admin_token: t\ntrusted_proxy: {addresses: 10.0.0.1, users: ann}\n", "C001", 2, 38,
	  "unknown option \"users\" of trusted_proxy" },
	{ "tokens: {ann: x}\n", "C002", 1, 9, "tokens must be a list, not a map" },
	{ "tokens: [ann]\n", "C002", 1, 10, "a token must be a map, not a text" },
	{ "tokens: [{name: ann, token: t, may: act, team: x}]\n", "C001", 1, 42,
	  "unknown option \"team\" of a token" },
	{ "tokens: [{name: ann, token: t, file: /t, may: act}]\n", "C003", 1, 32,
	  "as a value and as a file" },
	{ "tokens: [{name: ann, file: /t, token: t, may: act}]\n", "C003", 1, 32,
	  "as a value and as a file" },
	{ "tokens: [{name: a b, token: t, may: act}]\n", "C012", 1, 17, "stands in logs" },
	{ "tokens: [{name: ann, token: t u, may: act}]\n", "C018", 1, 29, "visible ASCII" },
	{ "tokens: [{token: t, may: act}]\n", "C031", 1, 10, "add: name: ann" },
	{ "tokens: [{name: ann, may: act}]\n", "C031", 1, 10, "add: file: " },
	{ "tokens: [{name: ann, token: t}]\n", "C031", 1, 10, "add: may: read" },
	{ "tokens: [{name: ann, token: t, may: all}]\n", "C031", 1, 37, "known here: read, act" },
	{ "tokens: [{name: admin, token: t, may: act}]\n", "C031", 1, 17,
	  "the name admin is the relay's own" },
	{ "tokens:\n  - {name: a, token: t, may: act}\n  - {name: a, token: u, may: act}\n", "C031",
	  3, 12, "two tokens are called a" },
	{ "listen: :9480\ntokens: [{name: a, token: t, may: read}]\n", "C014", 1, 9, "may act" },
	{ "external_url: tp.example.com\n", "C010", 1, 15, "external_url must be a URL" },
	{ "external_url: \"https://tp.example.com/?a=b\"\n", "C033", 1, 15, "no ?" },
	{ "external_url: \"https://tp.example.com/#a\"\n", "C033", 1, 15, "" },
	{ "external_url: https://ann@tp.example.com\n", "C033", 1, 15, "no user" },

	{ "tls: {key_file: k.pem}\n", "C039", 1, 6, "cert_file is missing" },
	{ "tls: {cert_file: c.pem, min_version: 1.1}\n", "C039", 1, 38, "did you mean \"1.2\"" },
	{ "tls: {cert_file: c.pem, cipher: x}\n", "C001", 1, 25, "of tls" },
	{ "tls: c.pem\n", "C002", 1, 6, "cert_file" },

	/* Faults of the YAML. */
	{ "listen: localhost:1\nrules: a\nlisten: localhost:2\n", "E004", 3, 1, "given twice" },
	{ "senders:\n  am: {format: prometheus}\n  am: {format: alertmanager}\n", "E004", 3, 3,
	  "given twice" },
	{ "rules: &a r\n", "E005", 1, 8, "" },
	{ "rules: !x r\n", "E006", 1, 8, "" },
	{ "rules: a\n---\nrules: b\n", "E007", 2, 1, "" },
};

START_TEST(test_fault)
{
	const struct finding *told;

	ck_assert_int_eq(parse(faults[_i].text, false), -EINVAL);
	ck_assert_ptr_null(config);
	check_finding(0, faults[_i].code, faults[_i].line, faults[_i].column);
	ck_assert_uint_eq(findings.n, 1);
	told = &findings.at[0];
	ck_assert_int_eq(told->level, FINDING_ERROR);
	ck_assert_msg(strstr(told->text, faults[_i].says) ||
			      (told->hint && strstr(told->hint, faults[_i].says)),
		      "\"%s\", \"%s\"", told->text, told->hint ? told->hint : "");
	ck_assert_ptr_nonnull(finding_explain(told->code));
}
END_TEST

START_TEST(test_every_code_has_a_fault)
{
	const char *code;

	for (size_t i = 0; (code = finding_code(i)); i++) {
		/* These need files or an address: see below, test_placeholders.c,
		 * tests/system/test_config.py, test_mistakes.py and faults.py. */
		bool found = code[0] != 'C' || strcmp(code, "C004") == 0 ||
			     (strcmp(code, "C024") >= 0 && strcmp(code, "C030") <= 0) ||
			     strcmp(code, "C032") == 0 ||
			     (strcmp(code, "C040") >= 0 && strcmp(code, "C042") <= 0) ||
			     (strcmp(code, "C045") >= 0 && strcmp(code, "C063") <= 0);
		for (size_t j = 0; j < ARRAY_LEN(faults); j++)
			found |= strcmp(faults[j].code, code) == 0;
		ck_assert_msg(found, "%s", code);
	}
}
END_TEST

/* One pass tells all, in order of line. What a bad value leads to is not told. */
START_TEST(test_all_at_once)
{
	ck_assert_int_eq(parse("log_level: loud\n"
			       "senders:\n"
			       "  a b: {format: prometheus}\n"
			       "  am: {fromat: prometheus}\n"
			       "listen: nowhere\n"
			       "sources:\n"
			       "  j: {kind: jaeger, url: j, timeout: 1}\n"
			       "rules: []\n"
			       "rules: r\n",
			       false),
			 -EINVAL);
	check_finding(0, "C013", 1, 12);
	check_finding(1, "C012", 3, 3);
	check_finding(2, "C007", 4, 3);
	check_finding(3, "C001", 4, 8);
	check_finding(4, "C017", 5, 9);
	check_finding(5, "C010", 7, 26);
	check_finding(6, "C005", 7, 38);
	check_finding(7, "C002", 8, 8);
	check_finding(8, "E004", 9, 1);
	ck_assert_uint_eq(findings.n, 9);
}
END_TEST

START_TEST(test_open_to_the_world)
{
	ck_assert_int_eq(parse("listen: 10.0.0.7:9480\n"
			       "senders:\n"
			       "  am1: {format: alertmanager, bearer_file: /t}\n"
			       "  am2: {format: alertmanager}\n"
			       "  am3: {format: prometheus}\n"
			       "  aws: {format: sns, topics: [\"arn:aws:sns:eu-west-1:1:t\"]}\n",
			       false),
			 -EINVAL);
	check_finding(0, "C014", 1, 9);
	check_finding(1, "C008", 4, 3);
	check_finding(2, "C008", 5, 3);
	ck_assert_uint_eq(findings.n, 3);
}
END_TEST

static const struct {
	const char *listen;
	bool loopback;
} addresses[] = {
	{ "127.0.0.1:9480", true },
	{ "127.255.0.3:1", true },
	{ "[::1]:9480", true },
	{ "localhost:9480", true },
	{ "0.0.0.0:9480", false },
	{ ":9480", false },
	{ "[::]:9480", false },
	{ "128.0.0.1:1", false },
	{ "127.shop.example:1", false },
	{ "127.0.0.1.example:1", false },
	{ "127.1:1", false },
	{ "localhost.example:1", false },
	{ "[::1%eth0]:1", false },
	{ "1270.0.0.1:1", false },
	{ "", false },
};

START_TEST(test_loopback)
{
	ck_assert_msg(config_is_loopback(addresses[_i].listen) == addresses[_i].loopback, "%s",
		      addresses[_i].listen);
}
END_TEST

/* The text is the secret's file; the token, or NULL and the code. */
static const struct {
	const char *file, *token, *code;
} secrets[] = {
	{ "s3cret\n", "s3cret", NULL },
	{ "s3cret", "s3cret", NULL },
	{ "s3cret\r\nsecond line\n", "s3cret", NULL },
	{ "", NULL, "C004" },
	{ "\ns3cret\n", NULL, "C004" },
	{ "s3cret \n", NULL, "C018" },
};

START_TEST(test_secret_in_a_file)
{
	char *path = write_file(secrets[_i].file);
	/* The bad file is all that is told, though a token is needed. */
	char *text = xasprintf("listen: :9480\nadmin_token_file: %s\n"
			       "senders: {am: {format: prometheus, bearer: a}}\n",
			       path);
	int result = parse(text, true);

	if (secrets[_i].token) {
		ck_assert_int_eq(result, 0);
		check_text(config->admin_token.value, secrets[_i].token);
	} else {
		ck_assert_int_eq(result, -EINVAL);
		check_finding(0, secrets[_i].code, 2, 19);
		ck_assert_uint_eq(findings.n, 1);
	}
	unlink(path);
	free(path);
	free(text);
}
END_TEST

/* A secret under a misspelt name is not shown; the value of another misspelt option is. */
static const struct {
	const char *text, *source;
} misspelt[] = {
	{ "senders: {am: {format: prometheus, baerer: s3cret}}\n",
	  "senders: {am: {format: prometheus, baerer: ******}}" },
	{ "admin_tokn: s3cret\n", "admin_tokn: ******" },
	{ "admin_tokn: \"s3 é\"\n", "admin_tokn: ******" },
	{ "sources: {j: {kind: jaeger, url: \"http://j\", pasword: s3cret}}\n",
	  "sources: {j: {kind: jaeger, url: \"http://j\", pasword: ******}}" },
	{ "whatever: s3cret\n", "whatever: ******" },
	{ "listne: 127.0.0.1:1\n", "listne: 127.0.0.1:1" },
};

START_TEST(test_misspelt_secret_is_hidden)
{
	ck_assert_int_eq(parse(misspelt[_i].text, false), -EINVAL);
	ck_assert_str_eq(findings.at[0].code, "C001");
	check_text(findings.at[0].source, misspelt[_i].source);
}
END_TEST

/* The key is 32 characters at least; empty lines and a third key do not count. */
#define KEY_1 "0123456789abcdef0123456789abcdef"
#define KEY_2 "fedcba9876543210fedcba9876543210"

static const struct {
	const char *file;
	const char *first, *second; /* NULL: none */
	const char *says;	    /* the finding; NULL: none */
} link_keys[] = {
	{ KEY_1 "\n", KEY_1, NULL, NULL },
	{ KEY_1, KEY_1, NULL, NULL },
	{ KEY_1 "\r\n\n" KEY_2 "\r\n", KEY_1, KEY_2, NULL },
	{ KEY_2 "\n" KEY_1 "\nanother\n", KEY_2, KEY_1, NULL },
	{ "", NULL, NULL, "is empty" },
	{ "\n\n", NULL, NULL, "is empty" },
	{ "0123456789abcdef0123456789abcde\n", NULL, NULL, "less than 32 characters" },
	{ KEY_1 "\nshort\n", NULL, NULL, "less than 32 characters" },
};

START_TEST(test_link_keys)
{
	char *path = write_file(link_keys[_i].file);
	char *text = xasprintf("link_key_file: %s\n", path);
	int result = parse(text, true);

	if (link_keys[_i].says) {
		ck_assert_int_eq(result, -EINVAL);
		check_finding(0, "C004", 1, 16);
		ck_assert_ptr_nonnull(strstr(findings.at[0].text, link_keys[_i].says));
		ck_assert_uint_eq(findings.n, 1);
	} else {
		ck_assert_int_eq(result, 0);
		check_text(config->link_keys[0].value, link_keys[_i].first);
		if (link_keys[_i].second)
			check_text(config->link_keys[1].value, link_keys[_i].second);
		else
			ck_assert_ptr_null(config->link_keys[1].value);
	}
	unlink(path);
	free(path);
	free(text);
}
END_TEST

START_TEST(test_open_files_are_told)
{
	char *path = write_file("s3cret\n");
	char *text = xasprintf("admin_token_file: %s\nstore: {path: %s}\n", path, path);

	ck_assert_int_eq(parse(text, true), 0);
	ck_assert_uint_eq(findings.n, 0);
	config_free(config);
	config = NULL;
	ck_assert_int_eq(chmod(path, 0660), 0);
	ck_assert_int_eq(parse(text, true), 0);
	ck_assert_uint_eq(findings.n, 2);
	check_finding(0, "C028", 1, 19);
	check_finding(1, "C028", 2, 15);
	ck_assert_int_eq(findings.at[0].level, FINDING_WARNING);
	ck_assert_ptr_nonnull(strstr(findings.at[0].text, "mode 0660"));
	unlink(path);
	free(path);
	free(text);
}
END_TEST

START_TEST(test_secrets_of_senders_and_sources)
{
	char *path = write_file("from-the-file\n");
	char *text = xasprintf("senders: {am: {format: prometheus, bearer_file: %s}}\n"
			       "sources: {j: {kind: jaeger, url: \"http://j\", bearer_file: %s}}\n",
			       path, path);

	ck_assert_int_eq(parse(text, true), 0);
	check_text(config->senders[0].auth.bearer[0].value, "from-the-file");
	check_text(config->sources[0].bearer.value, "from-the-file");
	unlink(path);
	config_free(config);
	/* Gone now: an error, but not without load_secrets. */
	ck_assert_int_eq(parse(text, false), 0);
	ck_assert_ptr_null(config->senders[0].auth.bearer[0].value);
	config_free(config);
	config = NULL;
	ck_assert_int_eq(parse(text, true), -EINVAL);
	check_finding(0, "C004", 1, 49);
	check_finding(1, "C004", 2, 59);
	ck_assert_uint_eq(findings.n, 2);
	free(path);
	free(text);
}
END_TEST

START_TEST(test_every_option_of_a_source)
{
	const struct source_config *s;

	ck_assert_int_eq(parse("sources:\n"
			       "  late: {kind: files, path: /srv/traces}\n"
			       "  main:\n"
			       "    kind: jaeger\n"
			       "    url: https://jaeger.shop.example/base\n"
			       "    username: reader\n"
			       "    password: two words\n"
			       "    headers: {X-Api-Key: k3y, x_scope: a b}\n"
			       "    ca_file: /ca.pem\n"
			       "    cert_file: /cert.pem\n"
			       "    key_file: /key.pem\n"
			       "    tenant: shop|stock\n"
			       "    trace_link: https://jaeger.shop.example/trace/{trace_id}\n"
			       "    timeout: 2s\n"
			       "    rate: 300/h\n"
			       "    prefer: 2\n"
			       "  first: {kind: jaeger, url: \"http://j\", basic: \"a:b c\", "
			       "prefer: -1, rate: 4/s}\n",
			       false),
			 0);
	ck_assert_uint_eq(findings.n, 0);
	ck_assert_uint_eq(config->nsources, 3);
	check_text(config->sources[0].name, "first");
	check_text(config->sources[0].basic.value, "a:b c");
	ck_assert_int_eq(config->sources[0].search_pause_us, 250000);
	check_text(config->sources[2].name, "late");
	s = &config->sources[1];
	check_text(s->name, "main");
	check_text(s->username, "reader");
	check_text(s->password.value, "two words");
	ck_assert_uint_eq(s->nheaders, 2);
	check_text(s->headers[0].name, "X-Api-Key");
	check_text(s->headers[0].value.value, "k3y");
	check_text(s->headers[1].name, "x_scope");
	check_text(s->headers[1].value.value, "a b");
	check_text(s->ca_file, "/ca.pem");
	check_text(s->cert_file, "/cert.pem");
	check_text(s->key_file, "/key.pem");
	check_text(s->tenant, "shop|stock");
	check_text(s->trace_link, "https://jaeger.shop.example/trace/{trace_id}");
	ck_assert_int_eq(s->timeout_us, 2000000);
	ck_assert_int_eq(s->search_pause_us, 12000000);
}
END_TEST

static const struct {
	const char *key, *example;
	bool secret;
} source_options[] = {
#define SOURCE_OPTION(key, kind, reload, field, example, text) { key, example, #kind[0] == 'S' },
#include "tracepager/tbl/source_options.def"
#undef SOURCE_OPTION
};

/* A source with the example of the sample loads; at most the option's counterpart is missing. */
START_TEST(test_example_of_a_source_option)
{
	const char *twin = source_options[_i].secret ? "_file" : "";
	char *line =
		xasprintf("%s%s: %s\n", source_options[_i].key, twin, source_options[_i].example);
	char *text =
		xasprintf("sources:\n  j:\n    kind: jaeger\n%s    %s",
			  strcmp(source_options[_i].key, "url") ? "    url: http://j\n" : "", line);
	struct buf sample = BUF_INIT(64u << 10);

	parse(text, false);
	for (size_t i = 0; i < findings.n; i++)
		ck_assert_str_eq(findings.at[i].code, "C011");
	config_write_sample(&sample);
	ck_assert_ptr_nonnull(strstr(buf_text(&sample), line));
	buf_fini(&sample);
	free(line);
	free(text);
}
END_TEST

static const struct {
	const char *key, *kind, *example;
} sender_examples[] = {
#define SENDER_OPTION(key, kind, reload, example, text) { key, #kind, example },
#include "tracepager/tbl/sender_options.def"
#undef SENDER_OPTION
};

/* A sender with the example of the sample loads, with the format that the option needs. */
START_TEST(test_example_of_a_sender_option)
{
	const char *key = sender_examples[_i].key;
	const char *twin = strcmp(sender_examples[_i].kind, "SECRET") == 0 ? "_file" : "";
	char *line = xasprintf("%s%s: %s\n", key, twin, sender_examples[_i].example);
	const char *format = strcmp(key, "mapping") == 0  ? "generic"
			     : strcmp(key, "topics") == 0 ? "sns"
							  : "alertmanager";
	char *text = strcmp(key, "format") == 0
			     ? xasprintf("senders:\n  s:\n    %s", line)
			     : xasprintf("senders:\n  s:\n    format: %s\n    %s", format, line);
	struct buf sample = BUF_INIT(64u << 10);

	ck_assert_int_eq(parse(text, false), 0);
	ck_assert_uint_eq(findings.n, 0);
	config_write_sample(&sample);
	ck_assert_ptr_nonnull(strstr(buf_text(&sample), line));
	buf_fini(&sample);
	free(line);
	free(text);
}
END_TEST

/* Every secret of a source can be in a file; a file that cannot be read is a finding with its
 * place. */
START_TEST(test_files_of_a_source)
{
	char *path = write_file("from-the-file\n");
	char *text =
		xasprintf("sources:\n"
			  "  a: {kind: jaeger, url: \"http://j\", basic_file: %s}\n"
			  "  b: {kind: jaeger, url: \"http://j\", username: u, password_file: %s}\n"
			  "  c:\n"
			  "    kind: jaeger\n"
			  "    url: http://j\n"
			  "    ca_file: %s\n"
			  "    headers:\n"
			  "      X-Api-Key_file: %s\n",
			  path, path, path, path);

	ck_assert_int_eq(parse(text, true), 0);
	check_text(config->sources[0].basic.value, "from-the-file");
	check_text(config->sources[1].password.value, "from-the-file");
	check_text(config->sources[2].headers[0].name, "X-Api-Key");
	check_text(config->sources[2].headers[0].value.value, "from-the-file");
	config_free(config);
	config = NULL;
	unlink(path);
	ck_assert_int_eq(parse(text, true), -EINVAL);
	check_finding(0, "C004", 2, 50);
	check_finding(1, "C004", 3, 66);
	check_finding(2, "C004", 7, 14);
	check_finding(3, "C004", 8, 5);
	ck_assert_uint_eq(findings.n, 4);
	ck_assert_ptr_nonnull(strstr(findings.at[3].text, "header X-Api-Key: "));
	free(path);
	free(text);
}
END_TEST

START_TEST(test_secrets_are_not_shown)
{
	struct buf out = BUF_INIT(1u << 20);

	ck_assert_int_eq(parse("admin_token: hidden stars\n"
			       "senders: {am: {bearer: hushhush, format: x}}\n"
			       "sources:\n"
			       "  a: {kind: x, basic: \"me:hushhush\"}\n"
			       "  b: {kind: x, headers: {X-One: hushhush, X-Two: [hushhush]}}\n"
			       "  c:\n"
			       "    kind: jaeger\n"
			       "    url: http://j\n"
			       "    headers:\n"
			       "      X One: hushhush\n",
			       false),
			 -EINVAL);
	findings_write(&findings, false, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "error[C018]"));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "error[C006]"));
	ck_assert_ptr_null(strstr(buf_text(&out), "hidden"));
	ck_assert_ptr_null(strstr(buf_text(&out), "hushhush"));
	buf_fini(&out);
}
END_TEST

START_TEST(test_file)
{
	char *path = write_file("rules: from-a-file\n");

	ck_assert_int_eq(config_load(path, &config, &findings), 0);
	check_text(config->rules, "from-a-file");
	unlink(path);
	config_free(config);
	config = NULL;
	ck_assert_int_eq(config_load(path, &config, &findings), -ENOENT);
	ck_assert_uint_eq(findings.n, 1);
	ck_assert_str_eq(findings.at[0].code, "E001");
	ck_assert_str_eq(findings.at[0].file, path);
	ck_assert_int_eq(config_load(directory, &config, &findings), -EISDIR);
	ck_assert_ptr_null(config);
	free(path);
}
END_TEST

START_TEST(test_sample_loads)
{
	struct buf sample = BUF_INIT(64u << 10);

	config_write_sample(&sample);
	ck_assert(!sample.failed);
	ck_assert_int_eq(parse(buf_text(&sample), true), 0);
	ck_assert_uint_eq(findings.n, 0);
	check_text(config->listen, "127.0.0.1:9480");
	ck_assert_uint_eq(config->nsenders, 1);
	check_text(config->senders[0].name, "alertmanager");
	ck_assert_uint_eq(config->nsources, 1);
	check_text(config->sources[0].url, "http://127.0.0.1:16686");
	buf_fini(&sample);
}
END_TEST

/* Options that are commented out ("#listen: …", "#  path: …", not "# A sentence.") load too, and
 * have their defaults. */
START_TEST(test_sample_without_its_comments)
{
	struct buf sample = BUF_INIT(64u << 10), bare = BUF_INIT(64u << 10);

	config_write_sample(&sample);
	for (const char *line = buf_text(&sample); *line;) {
		size_t len = strcspn(line, "\n") + 1;
		bool option = line[0] == '#' && (line[1] != ' ' || line[2] == ' ');
		buf_add(&bare, line + option, len - option);
		line += len;
	}
	static const char *const keys[] = {
#define OPTION(key, kind, reload, field, value, text) key,
#include "tracepager/tbl/options.def"
#undef OPTION
	};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *dot = strrchr(keys[i], '.');
		bool secret = strcmp(keys[i], "admin_token") == 0 ||
			      strcmp(keys[i], "heartbeat.url") == 0 ||
			      strcmp(keys[i], "tracing.bearer") == 0 ||
			      strcmp(keys[i], "tracing.headers") == 0;
		char *line = xasprintf("\n%s%s%s: ", dot ? "  " : "", dot ? dot + 1 : keys[i],
				       secret ? "_file" : "");
		ck_assert_msg(strstr(buf_text(&bare), line) != NULL, "%s", keys[i]);
		free(line);
	}
	ck_assert_int_eq(parse(buf_text(&bare), false), 0);
	ck_assert_uint_eq(findings.n, 0);
	config->nsenders = config->nsources = 0;
	ck_assert_uint_eq(config->ntokens, 2);
	check_text(config->tokens[0].name, "ann");
	while (config->ntokens)
		secret_fini(&config->tokens[--config->ntokens].secret);
	check_defaults();
	buf_fini(&sample);
	buf_fini(&bare);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("options"), *files = tcase_create("files");

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_defaults_without_a_file);
	tcase_add_test(tcase, test_defaults_of_an_empty_file);
	tcase_add_test(tcase, test_every_option);
	tcase_add_test(tcase, test_what_a_sender_can_have);
	tcase_add_loop_test(tcase, test_fault, 0, ARRAY_LEN(faults));
	tcase_add_test(tcase, test_every_code_has_a_fault);
	tcase_add_test(tcase, test_all_at_once);
	tcase_add_test(tcase, test_open_to_the_world);
	tcase_add_loop_test(tcase, test_loopback, 0, ARRAY_LEN(addresses));
	tcase_add_test(tcase, test_every_option_of_a_source);
	tcase_add_loop_test(tcase, test_example_of_a_source_option, 0, ARRAY_LEN(source_options));
	tcase_add_loop_test(tcase, test_example_of_a_sender_option, 0, ARRAY_LEN(sender_examples));
	tcase_add_test(tcase, test_secrets_are_not_shown);
	tcase_add_test(tcase, test_sample_loads);
	tcase_add_test(tcase, test_sample_without_its_comments);

	suite_add_tcase(suite, files);
	tcase_add_unchecked_fixture(files, make_directory, remove_directory);
	tcase_add_checked_fixture(files, setup, teardown);
	tcase_add_loop_test(files, test_secret_in_a_file, 0, ARRAY_LEN(secrets));
	tcase_add_loop_test(files, test_misspelt_secret_is_hidden, 0, ARRAY_LEN(misspelt));
	tcase_add_loop_test(files, test_link_keys, 0, ARRAY_LEN(link_keys));
	tcase_add_test(files, test_open_files_are_told);
	tcase_add_test(files, test_secrets_of_senders_and_sources);
	tcase_add_test(files, test_files_of_a_source);
	tcase_add_test(files, test_file);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
