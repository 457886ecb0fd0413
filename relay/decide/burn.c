/*
 * Burn: how fast an alert about an objective says that the error budget is used, and how much of it
 * that is. Read from the rule's expression and from the labels of Sloth, Pyrra, Grafana SLO and of
 * rules by hand ("Alerting on SLOs" of Google's SRE workbook). What is not certain is not told:
 * without the window of the objective there is no share of its budget. Pure.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide-internal.h"
#include "tracepager/expr.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

#define FACTOR_LEAST 0.5
#define FACTOR_MOST  10000.0
#define WINDOW_LEAST US_PER_DAY
#define WINDOW_MOST  (366 * US_PER_DAY)

/* ---- labels ---- */

/* The first of the labels, then of the annotations, that has a text; NULL: none has. */
static const char *burn_label(const struct alert *alert, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *value = labels_get(&alert->labels, names[i]);
		if (!value || !*value)
			value = labels_get(&alert->annotations, names[i]);
		if (value && *value)
			return value;
	}
	return NULL;
}

#define BURN_LABEL(alert, ...)                                                                     \
	burn_label(alert, (const char *const[]){ __VA_ARGS__ },                                    \
		   ARRAY_LEN(((const char *const[]){ __VA_ARGS__ })))

/* 0: there is no such label, or it is no duration. */
static int64_t label_duration_us(const char *text)
{
	return text ? expr_duration_us(text) : 0;
}

/* "14.4", "14.4x"; 0: it is no number. */
static double label_factor(const char *text)
{
	char *end;
	const double number = text ? strtod(text, &end) : 0;

	if (!text || end == text || (strcmp(end, "") != 0 && strcmp(end, "x") != 0) ||
	    !(number >= FACTOR_LEAST && number <= FACTOR_MOST))
		return 0;
	return number;
}

/* "99.9" and "99.9%" are percentages, "0.999" is a share. Returns the budget; 0: it is none. */
static double label_budget(const char *text)
{
	char *end;
	double number = text ? strtod(text, &end) : 0;

	if (!text || end == text || (strcmp(end, "") != 0 && strcmp(end, "%") != 0))
		return 0;
	if (number > 1)
		number /= 100;
	return number > 0.5 && number < 1 ? 1 - number : 0;
}

/* ---- rates ---- */

static void burn_add(struct burn *burn, double factor, int64_t long_us, int64_t short_us)
{
	if (burn->nrates < ARRAY_LEN(burn->rates))
		burn->rates[burn->nrates++] = (struct burn_rate){ factor, long_us, short_us };
}

/* Of the expression; *ret_sloth: Sloth recorded what it compares. */
static void rates_of_expression(struct arena *arena, const struct alert *alert, struct burn *burn,
				bool *ret_sloth)
{
	const char *text = expr_find(arena, alert);
	struct expr expr;

	if (!text || expr_read(arena, text, &expr, NULL) < 0)
		return;
	for (size_t i = 0; i < expr.nburns; i++) {
		const struct expr_burn *one = &expr.burns[i];

		burn_add(burn, one->factor, one->long_us, one->short_us);
		burn->budget = i && burn->budget != one->budget ? 0 : one->budget;
		*ret_sloth = one->sloth;
	}
	burn->least = expr.nburns > 0;
}

/* Grafana SLO's rules: "Configure burn-rate notifications" of its documentation. */
static void rates_of_grafana(const struct alert *alert, struct burn *burn)
{
	const char *severity = labels_get(&alert->labels, "grafana_slo_severity");

	if (!labels_get(&alert->labels, "grafana_slo_uuid") || !severity)
		return;
	if (strcmp(severity, "critical") == 0) {
		burn_add(burn, 14.4, US_PER_HOUR, 5 * US_PER_MINUTE);
		burn_add(burn, 6, 6 * US_PER_HOUR, 30 * US_PER_MINUTE);
	} else if (strcmp(severity, "warning") == 0) {
		burn_add(burn, 3, US_PER_DAY, 2 * US_PER_HOUR);
		burn_add(burn, 1, 3 * US_PER_DAY, 6 * US_PER_HOUR);
	}
	burn->least = burn->nrates > 0;
}

static void rates_of_labels(const struct alert *alert, struct burn *burn)
{
	const double factor = label_factor(
		BURN_LABEL(alert, "burn_rate", "burnrate", "burn_rate_factor", "burnrate_factor"));

	if (factor > 0)
		burn_add(burn, factor, label_duration_us(BURN_LABEL(alert, "long_window", "long")),
			 label_duration_us(BURN_LABEL(alert, "short_window", "short")));
}

/* ---- the window of the objective ---- */

/* Sloth's own alert windows use so much of a budget in so long, whatever the window is: where all
 * rates agree on a window, it is that. 0: they do not. */
static int64_t window_of_sloth(const struct burn *burn)
{
	static const struct {
		int64_t long_us;
		double share;
	} usual[] = { { US_PER_HOUR, 0.02 },
		      { 6 * US_PER_HOUR, 0.05 },
		      { US_PER_DAY, 0.1 },
		      { 3 * US_PER_DAY, 0.1 } };
	int64_t window_us = 0;

	for (unsigned int i = 0; i < burn->nrates; i++) {
		const struct burn_rate *rate = &burn->rates[i];
		size_t k = 0;

		while (k < ARRAY_LEN(usual) && usual[k].long_us != rate->long_us)
			k++;
		if (k == ARRAY_LEN(usual))
			return 0;
		const double days = rate->factor * (double)rate->long_us /
				    (usual[k].share * (double)US_PER_DAY);
		const int64_t found_us = llround(days) * US_PER_DAY;
		if (fabs(days - (double)llround(days)) > 0.01 || (i && found_us != window_us))
			return 0;
		window_us = found_us;
	}
	/* One rate alone agrees with any number of days. */
	return burn->nrates > 1 ? window_us : 0;
}

static int64_t burn_window_us(const struct alert *alert, const struct burn *burn, bool sloth)
{
	int64_t us = label_duration_us(BURN_LABEL(alert, "grafana_slo_window", "slo_window",
						  "slo_period", "sloth_period"));

	if (!us && sloth)
		us = window_of_sloth(burn);
	/* Pyrra: the time in which the budget is used up at that rate, in whole seconds. */
	if (!us && burn->exhausted_us && burn->nrates == 1)
		us = llround(burn->rates[0].factor * (double)burn->exhausted_us /
			     (double)US_PER_HOUR) *
		     US_PER_HOUR;
	for (unsigned int i = 0; i < burn->nrates; i++)
		if (burn->rates[i].long_us > us)
			return 0;
	return us >= WINDOW_LEAST && us <= WINDOW_MOST ? us : 0;
}

/* ---- the sentence ---- */

/* "1 h", "2 d 2 h": the two largest units. */
static void burn_add_duration(struct buf *out, int64_t us)
{
	static const struct {
		int64_t us;
		const char *name;
	} units[] = { { US_PER_DAY, "d" },
		      { US_PER_HOUR, "h" },
		      { US_PER_MINUTE, "min" },
		      { US_PER_SECOND, "s" } };
	unsigned int n = 0;

	for (size_t i = 0; i < ARRAY_LEN(units) && n < 2; i++) {
		if (us < units[i].us) {
			/* A unit of nothing ends it: "2 d", not "2 d 5 s". */
			n += n > 0;
			continue;
		}
		buf_printf(out, "%s%lld %s", n ? " " : "", (long long)(us / units[i].us),
			   units[i].name);
		us %= units[i].us;
		n++;
	}
}

static void burn_add_percent(struct buf *out, double share)
{
	buf_printf(out, "%.3g %%", 100 * share);
}

double burn_share(const struct burn *burn, const struct burn_rate *rate)
{
	if (!burn->window_us)
		return 0;
	return rate->factor * (double)rate->long_us / (double)burn->window_us;
}

/* "14.4 times as fast as allowed over 1 h (2 % of the 30-day budget)" */
static void burn_add_rate(const struct burn *burn, unsigned int i, struct buf *out)
{
	const struct burn_rate *rate = &burn->rates[i];

	buf_puts(out, i ? ", or " : burn->least ? " at least " : " ");
	buf_printf(out, "%.4g time%s%s", rate->factor, rate->factor > 1 ? "s" : "",
		   i ? "" : " as fast as allowed");
	if (rate->long_us) {
		buf_puts(out, " over ");
		burn_add_duration(out, rate->long_us);
	}
	if (!burn->window_us || !rate->long_us)
		return;
	buf_puts(out, " (");
	burn_add_percent(out, burn_share(burn, rate));
	if (!i)
		buf_printf(out, " of the %lld-day budget",
			   (long long)(burn->window_us / US_PER_DAY));
	buf_putc(out, ')');
}

/* "checkout-availability burns its error budget at least 14.4 times as fast as allowed over 1 h (2
 * % of the 30-day budget): it lasts 2 d 2 h; more than 1.44 % are bad, 0.1 % may be" */
static const char *burn_sentence(struct arena *arena, const struct burn *burn, int64_t long_us)
{
	BUF_LOCAL(out, 8 * LIMIT_PAGE_LINE_COLUMNS);

	plain_add(&out, *burn->slo ? burn->slo : "the objective", LIMIT_PAGE_NAME_COLUMNS);
	buf_puts(&out, " burns its error budget");
	for (unsigned int i = 0; i < burn->nrates; i++)
		burn_add_rate(burn, i, &out);
	if (!burn->nrates) {
		buf_puts(&out, ": ");
		burn_add_percent(&out, (double)long_us / (double)burn->exhausted_us);
		buf_puts(&out, " of it in ");
		burn_add_duration(&out, long_us);
	}
	if (burn->exhausted_us && burn->nrates < 2) {
		buf_puts(&out, "; at that rate all of it lasts ");
		burn_add_duration(&out, burn->exhausted_us);
	}
	if (burn->budget > 0 && burn->nrates == 1 && burn->rates[0].factor * burn->budget < 1) {
		buf_puts(&out, burn->least ? "; more than " : "; ");
		burn_add_percent(&out, burn->rates[0].factor * burn->budget);
		buf_puts(&out, " are bad, where ");
		burn_add_percent(&out, burn->budget);
		buf_puts(&out, " may be");
	}
	const char *text = arena_strndup(arena, buf_text(&out), out.len);
	buf_fini(&out);
	return text;
}

const struct burn *burn_find(struct arena *arena, const struct alert *alert)
{
	const char *slo = BURN_LABEL(alert, "sloth_slo", "slo", "slo_name");
	const char *service = BURN_LABEL(alert, "sloth_service");
	struct burn *burn = arena_alloc(arena, sizeof(*burn));
	int64_t long_us = 0;
	bool sloth = false;

	*burn = (struct burn){ .slo = slo ? slo : "", .service = service ? service : "" };
	rates_of_expression(arena, alert, burn, &sloth);
	if (!burn->nrates)
		rates_of_grafana(alert, burn);
	if (!burn->nrates)
		rates_of_labels(alert, burn);
	/* Only Pyrra's alerts have all of these. */
	if (labels_get(&alert->labels, "slo") && labels_get(&alert->labels, "short")) {
		burn->exhausted_us = label_duration_us(labels_get(&alert->labels, "exhaustion"));
		long_us = label_duration_us(labels_get(&alert->labels, "long"));
	}
	if (!burn->nrates && (!burn->exhausted_us || !long_us || long_us > burn->exhausted_us))
		return NULL;
	burn->window_us = burn_window_us(alert, burn, sloth);
	if (burn->window_us && burn->nrates == 1)
		burn->exhausted_us = (int64_t)((double)burn->window_us / burn->rates[0].factor);
	if (burn->budget <= 0)
		burn->budget = label_budget(BURN_LABEL(alert, "sloth_objective", "slo_objective",
						       "slo_target", "objective"));
	burn->text = burn_sentence(arena, burn, long_us);
	return burn;
}
