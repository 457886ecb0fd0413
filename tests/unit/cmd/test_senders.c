/*
 * How senders are set up: every format has its texts, what tracepager.yaml gets loads, and no place
 * of a text is left open.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "relay/cmd/sender_setup-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* Not on loopback: there each sender must have a proof. */
#define LISTEN "listen: 0.0.0.0:9480\nadmin_token: x\n"

static struct buf text;

static void set_up(void)
{
	buf_init(&text, LIMIT_HELP_BYTES);
}

static void tear_down(void)
{
	buf_fini(&text);
}

static struct config *parse(const char *yaml)
{
	struct findings findings = { 0 };
	struct config *config = NULL;
	struct buf why = BUF_INIT(LIMIT_HELP_BYTES);
	int error = config_parse("tracepager.yaml", yaml, strlen(yaml), false, &config, &findings);

	findings_write(&findings, false, &why);
	ck_assert_msg(error == 0 && !findings.n, "%s\n%s", yaml, buf_text(&why));
	buf_fini(&why);
	findings_fini(&findings);
	return config;
}

static struct config *parse_options(enum alert_format_id format, const char *mapping)
{
	struct buf options = BUF_INIT(LIMIT_HELP_BYTES);
	struct config *config;

	buf_puts(&options, LISTEN);
	sender_setup_options(format, mapping, "ours", &options);
	config = parse(buf_text(&options));
	buf_fini(&options);
	ck_assert_uint_eq(config->nsenders, 1);
	ck_assert_str_eq(config->senders[0].name, "ours");
	return config;
}

static void check_has(const char *words)
{
	ck_assert_msg(strstr(buf_text(&text), words) != NULL, "no \"%s\" in:\n%s", words,
		      buf_text(&text));
}

/* A place is a brace, small letters and _, and a brace: no template of a sender has one so. */
static void check_no_place_left(void)
{
	static const char *const places[] = { "{url}",	       "{base}",	  "{scheme}",
					      "{host}",	       "{name}",	  "{proof}",
					      "{key}",	       "{setup}",	  "{path_prefix}",
					      "{http_config}", "{authorization}", "{own_file}" };

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		ck_assert_msg(!strstr(buf_text(&text), places[i]), "%s in:\n%s", places[i],
			      buf_text(&text));
}

START_TEST(every_format_can_be_set_up)
{
	const enum alert_format_id format = (enum alert_format_id)_i;
	struct config *config = parse_options(format, NULL);
	const char *setup = alert_formats[format]->setup;

	ck_assert_int_eq(config->senders[0].format, format);
	sender_setup_write(&config->senders[0], "https://tp.example", &text);
	check_no_place_left();
	check_has("tp.example");
	if (setup)
		check_has(setup);
	buf_reset(&text);
	sender_setup_proof(&config->senders[0], &text);
	ck_assert_str_ne(buf_text(&text), "nothing (loopback)");
	config_free(config);
}
END_TEST

START_TEST(every_shipped_mapping_can_be_set_up)
{
	for (size_t i = 0; mappings_shipped[i]; i++) {
		struct config *config = parse_options(FORMAT_GENERIC, mappings_shipped[i]->name);
		ck_assert_ptr_eq(config->senders[0].mapping, mappings_shipped[i]);
		buf_reset(&text);
		sender_setup_write(&config->senders[0], "https://tp.example", &text);
		if (mappings_shipped[i]->setup)
			check_has(mappings_shipped[i]->setup);
		check_has("https://tp.example/webhook/ours");
		check_no_place_left();
		config_free(config);
	}
}
END_TEST

/* The body beside the mapping of the format generic is read by that mapping. */
START_TEST(the_generic_example_is_true)
{
	struct config *config = parse_options(FORMAT_GENERIC, NULL);
	struct arena *arena = arena_new(LIMIT_INTAKE_JOB_BYTES);
	struct alert_batch batch = { 0 };
	struct err err = { 0 };

	sender_setup_write(&config->senders[0], "https://tp.example", &text);
	const char *begin = strstr(buf_text(&text), "{\"id\": \"e-1\"");
	const char *end = begin ? strstr(begin, "}}\n") : NULL;
	ck_assert_ptr_nonnull(end);
	const struct alert_body body = { .text = begin,
					 .len = (size_t)(end + 2 - begin),
					 .sender = "ours",
					 .mapping = config->senders[0].mapping };
	ck_assert_int_eq(alert_formats[FORMAT_GENERIC]->parse(arena, &body, &batch, &err), 0);
	ck_assert_uint_eq(batch.nalerts, 1);
	ck_assert_str_eq(labels_get(&batch.alerts[0].labels, "service"), "checkout");
	ck_assert_str_eq(labels_get(&batch.alerts[0].labels, "severity"), "critical");
	ck_assert_str_eq(labels_get(&batch.alerts[0].labels, "env"), "prod");
	ck_assert_int_eq(batch.alerts[0].starts_at_us, INT64_C(1788256800000000));
	arena_free(arena);
	config_free(config);
}
END_TEST

START_TEST(the_base_is_where_the_relay_is)
{
	static const char *const rows[][2] = {
		{ "listen: 127.0.0.1:9480\n", "http://127.0.0.1:9480" },
		{ "listen: 0.0.0.0:9480\nadmin_token: x\n", "http://HOST:9480" },
		{ "listen: \"[::]:9480\"\nadmin_token: x\n", "http://HOST:9480" },
		{ "external_url: https://tp.example/relay/\n", "https://tp.example/relay" },
		{ "tls: {cert_file: /k/c.pem}\n", "https://127.0.0.1:9480" },
	};
	struct config *config = parse(rows[_i][0]);

	sender_setup_base(config, &text);
	ck_assert_str_eq(buf_text(&text), rows[_i][1]);
	config_free(config);
}
END_TEST

/* A declared sender's own options count. */
START_TEST(a_declared_sender_has_its_options)
{
	struct config *config =
		parse("senders:\n"
		      "  am1: {format: alertmanager, basic: {username: am, password_file: /k/am}}\n"
		      "  prom: {format: prometheus, bearer_file: /k/prom}\n"
		      "  hook: {format: grafana, sign: {scheme: grafana, secret_file: /k/graf}}\n"
		      "  pd: {format: pagerduty-v2, bearer_file: /k/pd}\n"
		      "  open: {format: zmon}\n"
		      "  open-am: {format: alertmanager}\n"
		      "  open-prom: {format: prometheus}\n");

	sender_setup_write(&config->senders[0], "http://tp:9480", &text);
	check_has("      - url: http://tp:9480/webhook/am1\n"
		  "        send_resolved: true\n"
		  "        http_config:\n"
		  "          basic_auth:\n"
		  "            username: am\n"
		  "            password_file: /etc/alertmanager/tracepager-am1.password\n");
	check_has("password_file is read on the sender's own machine, and holds there the content "
		  "of /k/am.\n");
	buf_reset(&text);
	sender_setup_write(&config->senders[1], "https://tp.example/relay", &text);
	check_has("    - scheme: https\n"
		  "      path_prefix: /relay\n"
		  "      static_configs:\n"
		  "        - targets: [\"tp.example\"]\n"
		  "      authorization:\n");
	check_has("credentials_file is read on the sender's own machine, and holds there the "
		  "content of /k/prom.\n");
	buf_reset(&text);
	sender_setup_write(&config->senders[2], "http://tp:9480", &text);
	check_has("Signature (grafana), secret: the content of /k/graf\n");
	buf_reset(&text);
	sender_setup_write(&config->senders[3], "http://tp:9480", &text);
	check_has("   http://tp:9480/v2/enqueue\n");
	check_has("it is the content of /k/pd.");
	buf_reset(&text);
	sender_setup_write(&config->senders[4], "http://tp:9480", &text);
	check_has("No token is asked for");
	for (size_t i = 5; i < 7; i++) {
		buf_reset(&text);
		sender_setup_write(&config->senders[i], "http://tp:9480", &text);
		check_has("No token is asked for: the relay listens on loopback only.\n");
		ck_assert_ptr_null(strstr(buf_text(&text), "own machine"));
	}
	config_free(config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("senders");
	TCase *all = tcase_create("all");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_add_loop_test(all, every_format_can_be_set_up, 0, FORMAT_COUNT);
	tcase_add_test(all, every_shipped_mapping_can_be_set_up);
	tcase_add_test(all, the_generic_example_is_true);
	tcase_add_loop_test(all, the_base_is_where_the_relay_is, 0, 5);
	tcase_add_test(all, a_declared_sender_has_its_options);
	suite_add_tcase(suite, all);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
