/*
 * Burn: what alerts of Sloth, Pyrra, Grafana SLO and of rules by hand say of an error budget. The
 * shares are factor × time / window: 14.4 × 1 h / 30 d = 2 % ("Alerting on SLOs", SRE workbook).
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "relay/decide/decide-internal.h"
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

/* "name=value, name=value" */
static struct labels labels_of(const char *text)
{
	struct labels labels = { .at = arena_array(arena, 16, sizeof(struct label)) };
	char *rest = arena_strdup(arena, text), *one;

	while ((one = strsep(&rest, ",")) && *one) {
		char *value = strchr(one, '=');
		*value++ = '\0';
		labels.at[labels.n++] = (struct label){ one + (*one == ' '), value };
	}
	labels_normalise(&labels);
	return labels;
}

/* Sloth's rule, by the windows of its catalogue. */
#define SLOTH(factor1, range1, range2, factor2, range3, range4)                                    \
	"(max(slo:sli_error:ratio_rate" range1 "{sloth_slo=\"x\"} > (" factor1                     \
	" * 0.0009999999999999432)) without (sloth_window) and "                                   \
	"max(slo:sli_error:ratio_rate" range2 "{sloth_slo=\"x\"} > (" factor1                      \
	" * 0.0009999999999999432)) without (sloth_window)) or "                                   \
	"(max(slo:sli_error:ratio_rate" range3 "{sloth_slo=\"x\"} > (" factor2                     \
	" * 0.0009999999999999432)) without (sloth_window) and "                                   \
	"max(slo:sli_error:ratio_rate" range4 "{sloth_slo=\"x\"} > (" factor2                      \
	" * 0.0009999999999999432)) without (sloth_window))"

static const struct {
	const char *labels, *annotations, *expression, *text; /* text NULL: nothing is told */
} rows[] = {
	/* Sloth, 30 days: 14.4 × 1 h / 720 h = 2 %, 6 × 6 h / 720 h = 5 %. */
	{ "sloth_slo=orders,sloth_service=shop,sloth_severity=page", "",
	  SLOTH("14.4", "5m", "1h", "6", "30m", "6h"),
	  "orders burns its error budget at least 14.4 times as fast as allowed over 1 h (2 % of "
	  "the "
	  "30-day budget), or 6 times over 6 h (5 %)" },
	{ "sloth_slo=orders,sloth_severity=ticket", "", SLOTH("3", "2h", "1d", "1", "6h", "3d"),
	  "orders burns its error budget at least 3 times as fast as allowed over 1 d (10 % of the "
	  "30-day budget), or 1 time over 3 d (10 %)" },
	/* Sloth, 28 days: 13.44 × 1 h / 672 h = 2 %. */
	{ "sloth_slo=orders", "", SLOTH("13.44", "5m", "1h", "5.6000000000000005", "30m", "6h"),
	  "orders burns its error budget at least 13.44 times as fast as allowed over 1 h (2 % of "
	  "the 28-day budget), or 5.6 times over 6 h (5 %)" },
	/* Windows of one's own: the rates do not agree, so that there is no share. */
	{ "sloth_slo=orders", "", SLOTH("14.4", "5m", "1h", "5", "30m", "6h"),
	  "orders burns its error budget at least 14.4 times as fast as allowed over 1 h, or 5 "
	  "times "
	  "over 6 h" },
	/* Sloth without the expression: the factors are not known. */
	{ "sloth_slo=orders,sloth_severity=page", "", NULL, NULL },

	/* Pyrra: 2 d × 14 = 28 d; 14 × 1 h / 672 h = 2.083 %; 14 × 1 % = 14 %. */
	{ "slo=quay,long=1h,short=5m,exhaustion=2d", "",
	  "http_requests:burnrate5m{slo=\"quay\"} > (14 * (1-0.99)) and "
	  "http_requests:burnrate1h{slo=\"quay\"} > (14 * (1-0.99))",
	  "quay burns its error budget at least 14 times as fast as allowed over 1 h (2.08 % of "
	  "the "
	  "28-day budget); at that rate all of it lasts 2 d; more than 14 % are bad, where 1 % may "
	  "be" },
	/* Without the expression: 1 h / 2 d. */
	{ "slo=quay,long=1h,short=5m,exhaustion=2d", "", NULL,
	  "quay burns its error budget: 2.08 % of it in 1 h; at that rate all of it lasts 2 d" },
	/* Without exhaustion there is no window. */
	{ "slo=quay,long=1d,short=2h", "",
	  "x:burnrate2h{slo=\"quay\"} > (2 * (1-0.99)) and x:burnrate1d{slo=\"quay\"} > (2 * "
	  "(1-0.99))",
	  "quay burns its error budget at least 2 times as fast as allowed over 1 d; more than 2 % "
	  "are bad, where 1 % may be" },
	/* Pyrra, 30 days: 30 d / 14 = 2 d 3 h 25 min 42 s. */
	{ "slo=quay,long=1h,short=5m,exhaustion=2d3h25m42s", "",
	  "x:burnrate5m > (14 * (1-0.999)) and x:burnrate1h > (14 * (1-0.999))",
	  "quay burns its error budget at least 14 times as fast as allowed over 1 h (1.94 % of "
	  "the "
	  "30-day budget); at that rate all of it lasts 2 d 3 h; more than 1.4 % are bad, where "
	  "0.1 "
	  "% may be" },

	/* Grafana SLO. 14.4 × 1 h / 672 h = 2.143 %, 6 × 6 h / 672 h = 5.357 %. */
	{ "grafana_slo_uuid=u,grafana_slo_severity=critical,grafana_slo_window=28d",
	  "slo_name=Enrichment", NULL,
	  "Enrichment burns its error budget at least 14.4 times as fast as allowed over 1 h (2.14 "
	  "% "
	  "of the 28-day budget), or 6 times over 6 h (5.36 %)" },
	{ "grafana_slo_uuid=u,grafana_slo_severity=warning", "", NULL,
	  "the objective burns its error budget at least 3 times as fast as allowed over 1 d, or 1 "
	  "time over 3 d" },
	{ "grafana_slo_uuid=u,grafana_slo_severity=other", "", NULL, NULL },

	/* By hand, with the window in a label. */
	{ "slo_name=api,slo_window=30d,objective=99.9", "",
	  "sum(rate(e{a=\"1\"}[1h])) / sum(rate(t[1h])) > 14.4 * 0.001 and sum(rate(e[5m])) / "
	  "sum(rate(t[5m])) > 14.4 * 0.001",
	  "api burns its error budget at least 14.4 times as fast as allowed over 1 h (2 % of the "
	  "30-day budget); at that rate all of it lasts 2 d 2 h; more than 1.44 % are bad, where "
	  "0.1 "
	  "% may be" },
	{ "", "", "job:burn_rate_6h > 6 and job:burn_rate_30m > 6",
	  "the objective burns its error budget at least 6 times as fast as allowed over 6 h" },
	{ "burn_rate=14.4x,long_window=1h,short_window=5m,slo=api,slo_period=4w",
	  "slo_objective=99.5%", NULL,
	  "api burns its error budget 14.4 times as fast as allowed over 1 h (2.14 % of the 28-day "
	  "budget); at that rate all of it lasts 1 d 22 h; 7.2 % are bad, where 0.5 % may be" },
	{ "", "burnrate=23.5", NULL,
	  "the objective burns its error budget 23.5 times as fast as allowed" },

	/* What is no burn rate. */
	{ "alertname=HighErrors", "", "sum(rate(e[5m])) / sum(rate(t[5m])) > 0.05", NULL },
	{ "burn_rate=fast,long=1h", "", NULL, NULL },
	{ "burn_rate=0.1,long=1h", "", NULL, NULL },
	{ "long=1h,short=5m,exhaustion=2d", "", NULL, NULL },
	{ "slo=quay,long=3d,short=5m,exhaustion=2d", "", NULL, NULL },
};

static const struct burn *find(int i)
{
	struct alert alert = { .labels = labels_of(rows[i].labels),
			       .annotations = labels_of(rows[i].annotations) };
	struct label *at = arena_array(arena, alert.annotations.n + 1, sizeof(*at));

	if (alert.annotations.n)
		memcpy(at, alert.annotations.at, alert.annotations.n * sizeof(*at));
	if (rows[i].expression) {
		at[alert.annotations.n++] = (struct label){ "expr", rows[i].expression };
		alert.annotations.at = at;
		labels_normalise(&alert.annotations);
	}
	return burn_find(arena, &alert);
}

START_TEST(what_the_page_says)
{
	const struct burn *burn = find(_i);

	if (!rows[_i].text)
		ck_assert_msg(!burn, "%s", burn ? burn->text : "");
	else
		ck_assert_str_eq(burn ? burn->text : "(nothing)", rows[_i].text);
}
END_TEST

START_TEST(what_programs_get)
{
	const struct burn *burn = find(0);

	ck_assert_str_eq(burn->slo, "orders");
	ck_assert_str_eq(burn->service, "shop");
	ck_assert_double_eq_tol(burn->budget, 0.001, 1e-9);
	ck_assert_int_eq(burn->window_us, 30 * US_PER_DAY);
	ck_assert_uint_eq(burn->nrates, 2);
	ck_assert_int_eq(burn->rates[0].long_us, US_PER_HOUR);
	ck_assert_int_eq(burn->rates[0].short_us, 5 * US_PER_MINUTE);
	ck_assert_double_eq_tol(burn_share(burn, &burn->rates[0]), 0.02, 1e-12);
	ck_assert_int_eq(burn->rates[1].long_us, 6 * US_PER_HOUR);
	ck_assert_int_eq(burn->rates[1].short_us, 30 * US_PER_MINUTE);
	ck_assert_double_eq_tol(burn_share(burn, &burn->rates[1]), 0.05, 1e-12);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("burn");
	TCase *tcase = tcase_create("burn");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, what_the_page_says, 0, ARRAY_LEN(rows));
	tcase_add_test(tcase, what_programs_get);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
