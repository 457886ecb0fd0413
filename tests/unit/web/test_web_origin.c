/* web: whose request is it? Hosts and origins on a loopback address without tokens. */
#include <check.h>
#include <stdlib.h>

#include "relay/web/web_origin-internal.h"
#include "tracepager/xalloc.h"

#define LISTEN "127.0.0.1:9480"
#define HOSTS  "alerts.example.com  tracepager.shop.internal"

static const struct {
	const char *host;
	bool ours;
} hosts[] = {
	{ NULL, true },
	{ "localhost", true },
	{ "localhost:9480", true },
	{ "LocalHost:1", true },
	{ "localhost.", true },
	{ "127.0.0.1:9480", true },
	{ "127.1.2.3", true },
	{ "[::1]", true },
	{ "[::1]:9480", true },
	{ "[0:0:0:0:0:0:0:1]", true },
	{ "alerts.example.com", true },
	{ "Alerts.Example.com:80", true },
	{ "tracepager.shop.internal", true },
	{ "", false },
	{ "evil.example", false },
	{ "evil.example:9480", false },
	{ "localhost.evil.example", false },
	{ "127.0.0.1.evil.example", false },
	{ "evil.localhost", false },
	{ "alerts.example.co", false },
	{ "alerts.example.com.evil.example", false },
	{ "example.com", false },
	{ "128.0.0.1", false },
	{ "10.0.0.1", false },
	{ "0.0.0.0", false },
	{ "127.1", false }, /* no browser sends it: it writes out all four numbers */
	{ "[::2]", false },
	{ "[::1", false },
	{ "::1", false },
	{ "localhost:x", false },
	{ "localhost:1:2", false },
	{ "user@localhost", false },
	{ "localhost evil.example", false },
	{ "localhost, evil.example", false },
};

START_TEST(whose_host)
{
	ck_assert_msg(web_host_is_ours(hosts[_i].host, LISTEN, HOSTS) == hosts[_i].ours, "%s",
		      hosts[_i].host);
}
END_TEST

/* Only names that the configuration has count. */
START_TEST(hosts_of_the_configuration)
{
	ck_assert(!web_host_is_ours("alerts.example.com", LISTEN, ""));
	ck_assert(!web_host_is_ours("", LISTEN, " "));
	ck_assert(web_host_is_ours("relay", "relay:9480", ""));
	ck_assert(!web_host_is_ours("relay", LISTEN, ""));
	ck_assert(!web_host_is_ours("relay", ":9480", ""));
}
END_TEST

START_TEST(a_host_that_is_too_long)
{
	char host[400];

	for (size_t i = 0; i < sizeof(host) - 1; i++)
		host[i] = 'a';
	host[sizeof(host) - 1] = '\0';
	ck_assert(!web_host_is_ours(host, LISTEN, host));
}
END_TEST

static const struct {
	const char *origin, *fetch_site;
	bool cross;
} sites[] = {
	{ NULL, NULL, false }, /* no browser: curl, Alertmanager */
	{ NULL, "none", false },
	{ NULL, "same-origin", false },
	{ NULL, "same-site", false }, /* http://localhost:3000 */
	{ NULL, "cross-site", true },
	{ "http://localhost:9480", NULL, false },
	{ "http://127.0.0.1:9480", "same-origin", false },
	{ "http://localhost:3000", "same-site", false },
	{ "https://alerts.example.com", "same-origin", false },
	{ "http://[::1]:9480", NULL, false },
	{ "https://evil.example", NULL, true },
	{ "https://evil.example", "cross-site", true },
	{ "https://localhost", "cross-site", true },
	{ "http://localhost.evil.example", NULL, true },
	{ "null", NULL, true },
	{ "", NULL, true },
	{ "http://", NULL, true },
	{ "localhost", NULL, true },
};

START_TEST(which_site)
{
	ck_assert_msg(web_is_cross_site(sites[_i].origin, sites[_i].fetch_site, LISTEN, HOSTS) ==
			      sites[_i].cross,
		      "%s", sites[_i].origin);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("web_origin");
	TCase *tcase = tcase_create("web_origin");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, whose_host, 0, (int)ARRAY_LEN(hosts));
	tcase_add_test(tcase, hosts_of_the_configuration);
	tcase_add_test(tcase, a_host_that_is_too_long);
	tcase_add_loop_test(tcase, which_site, 0, (int)ARRAY_LEN(sites));
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
