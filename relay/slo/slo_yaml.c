/*
 * SLO, YAML: the objectives of a proposal for OpenSLO (v1, "OpenSLO specification") and for Sloth
 * (prometheus/v1, "Sloth default SLO spec"). Both measure an operation of a service, not an edge:
 * of several edges to one operation the strictest objective is written. Of a callee without spans
 * the calls are measured at its caller. Texts are written as JSON strings, which YAML reads.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "slo-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* RFC 1123, which OpenSLO's names follow; Sloth's take the same letters. */
#define SLUG_BYTES 63u
/* Of a description: OpenSLO takes 1,050 characters. */
#define DESCRIPTION_BYTES 1000u

/* Span metrics by who makes them, without "_bucket" and "_count". */
static const struct slo_span_metrics {
	const char *calls, *duration, *service, *maker;
	bool seconds;
} slo_span_metrics[] = {
	[SLO_METRICS_OTEL] = { "traces_span_metrics_calls_total",
			       "traces_span_metrics_duration_milliseconds", "service_name",
			       "the OpenTelemetry Collector's spanmetrics connector", false },
	[SLO_METRICS_OTEL_SECONDS] = { "traces_span_metrics_calls_total",
				       "traces_span_metrics_duration_seconds", "service_name",
				       "the OpenTelemetry Collector's spanmetrics connector, in "
				       "seconds",
				       true },
	[SLO_METRICS_OTEL_OLD] = { "calls_total", "duration_milliseconds", "service_name",
				   "an older spanmetrics connector, without a namespace", false },
	[SLO_METRICS_TEMPO] = { "traces_spanmetrics_calls_total", "traces_spanmetrics_latency",
				"service", "Tempo's metrics generator", true },
};

/* An objective that is written: of an operation as one service's spans show it. */
struct slo_entry {
	const char *service, *namespace, *operation;
	bool client;   /* its caller's spans show it: the callee has none */
	bool internal; /* it follows from a signal's objective */
	bool is_latency;
	const struct slo_goal *goal;
	const struct slo_figures *figures;
	const char *service_slug; /* "checkout": of all entries of that service, and of no other */
	const char *slug;	  /* "post-orders-latency" */
};

struct slo_entries {
	struct arena *arena;
	struct slo_entry *at;
	size_t n, size;
};

/* ---- what is written ---- */

static bool is_stricter(const struct slo_goal *goal, const struct slo_goal *than, bool is_latency)
{
	return is_latency ? goal->within_us < than->within_us : goal->target > than->target;
}

/* Adds an objective, or takes the stricter one of both. */
static void entries_add(struct slo_entries *entries, const struct slo_entry *entry)
{
	for (size_t i = 0; i < entries->n; i++) {
		struct slo_entry *at = &entries->at[i];

		if (at->is_latency != entry->is_latency || at->client != entry->client ||
		    strcmp(at->service, entry->service) != 0 ||
		    strcmp(at->namespace, entry->namespace) != 0 ||
		    strcmp(at->operation, entry->operation) != 0)
			continue;
		if (is_stricter(entry->goal, at->goal, entry->is_latency))
			*at = *entry;
		return;
	}
	if (entries->n == entries->size) {
		entries->size = entries->size ? 2 * entries->size : 64;
		entries->at = xrealloc_array(entries->at, entries->size, sizeof(*entries->at));
	}
	entries->at[entries->n++] = *entry;
}

static void entries_add_both(struct slo_entries *entries, struct slo_entry entry,
			     const struct slo_figures *figures)
{
	entry.figures = figures;
	entry.goal = &figures->latency;
	entry.is_latency = true;
	if (figures->latency.basis != SLO_NONE)
		entries_add(entries, &entry);
	entry.goal = &figures->availability;
	entry.is_latency = false;
	if (figures->availability.basis != SLO_NONE)
		entries_add(entries, &entry);
}

static int by_service(const void *a, const void *b)
{
	const struct slo_entry *ea = a, *eb = b;
	int order = strcmp(ea->service, eb->service);

	if (!order)
		order = strcmp(ea->namespace, eb->namespace);
	if (!order)
		order = (ea->internal > eb->internal) - (ea->internal < eb->internal);
	if (!order)
		order = strcmp(ea->operation, eb->operation);
	return order ? order
		     : (ea->is_latency < eb->is_latency) - (ea->is_latency > eb->is_latency);
}

/* ---- names ---- */

/* Small letters and digits with single dashes between. */
static void slug_add(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (isascii((unsigned char)*text) && isalnum((unsigned char)*text))
			buf_putc(out, (char)tolower((unsigned char)*text));
		else if (out->len && out->data[out->len - 1] != '-')
			buf_putc(out, '-');
	}
}

/* A slug of at most `most` bytes that no other entry has: n is the number of others like it. */
static const char *slug_cut(struct arena *arena, const char *text, size_t most, unsigned int n,
			    const char *kind)
{
	BUF_LOCAL(out, 4 * LIMIT_SLO_NAME_BYTES);
	char end[64];

	slug_add(&out, text);
	if (n)
		snprintf(end, sizeof(end), "-%u-%s", n + 1, kind);
	else
		snprintf(end, sizeof(end), "-%s", kind);
	size_t len = out.len;
	if (len > most - strlen(end))
		len = most - strlen(end);
	while (len && out.data[len - 1] == '-')
		len--;
	const char *slug = len ? arena_printf(arena, "%.*s%s", (int)len, buf_text(&out), end)
			       : arena_strdup(arena, end + 1);
	buf_fini(&out);
	return slug;
}

/* The service's name as a slug, without a kind behind it; n is the number of others like it. */
static const char *service_slug_of(struct arena *arena, const char *service, unsigned int n)
{
	BUF_LOCAL(out, 4 * LIMIT_SLO_NAME_BYTES);
	char end[16] = "";

	slug_add(&out, service);
	if (n)
		snprintf(end, sizeof(end), "-%u", n + 1);
	size_t len = out.len < SLUG_BYTES - strlen(end) ? out.len : SLUG_BYTES - strlen(end);
	while (len && out.data[len - 1] == '-')
		len--;
	const char *slug = len ? arena_printf(arena, "%.*s%s", (int)len, buf_text(&out), end)
			       : arena_printf(arena, "unnamed%s", end);
	buf_fini(&out);
	return slug;
}

static bool entries_share_service(const struct slo_entry *a, const struct slo_entry *b)
{
	return strcmp(a->service, b->service) == 0;
}

/* Gives each service a slug that no other one has: first those whose name is a slug, so that
 * "my-svc" stays what it is and "my_svc" becomes "my-svc-2". The entries are sorted by service. */
static void entries_name_services(struct slo_entries *entries)
{
	struct map *taken = map_new();

	for (size_t i = 0; i < entries->n; i++) {
		const char *slug = service_slug_of(entries->arena, entries->at[i].service, 0);

		if (strcmp(slug, entries->at[i].service) == 0) {
			entries->at[i].service_slug = slug;
			map_put(taken, slug, taken);
		}
	}
	for (size_t i = 0; i < entries->n; i++) {
		struct slo_entry *entry = &entries->at[i];

		if (i && entries_share_service(entry, entry - 1))
			entry->service_slug = entry[-1].service_slug;
		for (unsigned int n = 0; !entry->service_slug; n++) {
			const char *slug = service_slug_of(entries->arena, entry->service, n);
			if (map_put(taken, slug, taken) == NULL)
				entry->service_slug = slug;
		}
	}
	map_free(taken);
}

/* Gives each entry a name that no other one has, with the service's name before it or not. Sloth
 * joins both to one id: no two pairs of service and name may be the same when joined. */
static void entries_name(struct slo_entries *entries, bool with_service)
{
	struct map *taken = map_new();

	for (size_t i = 0; i < entries->n; i++) {
		struct slo_entry *entry = &entries->at[i];
		const char *kind = entry->is_latency ? "latency" : "availability";
		const char *text = with_service
					   ? arena_printf(entries->arena, "%s %s",
							  entry->service_slug, entry->operation)
					   : entry->operation;

		for (unsigned int n = 0; !entry->slug; n++) {
			const char *slug = slug_cut(entries->arena, text, SLUG_BYTES, n, kind);
			const char *key = with_service ? slug
						       : arena_printf(entries->arena, "%s-%s",
								      entry->service_slug, slug);
			if (map_put(taken, key, taken) == NULL)
				entry->slug = slug;
		}
	}
	map_free(taken);
}

static void entries_init(struct slo_entries *entries, const struct slo_proposal *proposal,
			 bool with_service)
{
	*entries = (struct slo_entries){ .arena = arena_new(LIMIT_SLO_ARENA_BYTES) };
	for (uint32_t i = 0; i < proposal->nsignals; i++) {
		const struct slo_signal *signal = &proposal->signals[i];

		entries_add_both(entries,
				 (struct slo_entry){ .service = signal->service,
						     .namespace = signal->namespace,
						     .operation = signal->operation },
				 &signal->figures);
		for (uint32_t k = 0; k < signal->nedges; k++) {
			const struct slo_edge *edge = &signal->edges[k];
			entries_add_both(
				entries,
				(struct slo_entry){ .service = edge->peer ? edge->caller
									  : edge->callee,
						    .namespace = edge->peer ? "" : edge->namespace,
						    .operation = edge->operation,
						    .client = edge->peer,
						    .internal = true },
				&edge->figures);
		}
	}
	if (entries->n)
		qsort(entries->at, entries->n, sizeof(*entries->at), by_service);
	entries_name_services(entries);
	entries_name(entries, with_service);
}

static void entries_fini(struct slo_entries *entries)
{
	free(entries->at);
	arena_free(entries->arena);
}

/* ---- PromQL ---- */

/* U+FFFD stands for bytes of the name that are no UTF-8, and Prometheus reads no such character. */
#define NO_CHARACTER "\xef\xbf\xbd"

/* Is the text to be matched by an expression: does it stand for several names? */
static bool promql_is_pattern(const char *text)
{
	return strstr(text, "{id}") || strstr(text, NO_CHARACTER);
}

static void promql_add_character(struct buf *out, char c, bool is_pattern)
{
	if (is_pattern && strchr(".+*?()[]{}^$|", c))
		buf_puts(out, "\\\\");
	if (c == '\\')
		buf_puts(out, is_pattern ? "\\\\\\\\" : "\\\\");
	else if (c == '"')
		buf_puts(out, "\\\"");
	else if (c == '\n')
		buf_puts(out, "\\n");
	else
		buf_putc(out, c);
}

/* "=\"ledger\"" or, of a pattern, "=~\"/orders/[^/]+\"". */
static void promql_add_match(struct buf *out, const char *text)
{
	const bool is_pattern = promql_is_pattern(text);

	buf_puts(out, is_pattern ? "=~\"" : "=\"");
	for (const char *c = text; *c;) {
		if (strncmp(c, "{id}", 4) == 0) {
			buf_puts(out, "[^/]+");
			c += 4;
		} else if (strncmp(c, NO_CHARACTER, strlen(NO_CHARACTER)) == 0) {
			buf_putc(out, '.');
			c += strlen(NO_CHARACTER);
		} else {
			promql_add_character(out, *c++, is_pattern);
		}
	}
	buf_putc(out, '"');
}

/* "{service_name="ledger",span_name="Book",span_kind=~"…"", open for further conditions. */
static void promql_add_selector(struct buf *out, const struct slo_entry *entry,
				const struct slo_span_metrics *metrics)
{
	buf_printf(out, "{%s", metrics->service);
	promql_add_match(out, entry->service);
	buf_puts(out, ",span_name");
	promql_add_match(out, entry->operation);
	buf_printf(out, ",span_kind=~\"SPAN_KIND_(%s)\"",
		   entry->client ? "CLIENT|PRODUCER" : "SERVER|CONSUMER");
}

enum slo_counted {
	COUNTED_ALL,
	COUNTED_GOOD, /* of latency */
	COUNTED_BAD,  /* of availability */
};

/* The sum of a counter; range: "[5m]", whose rate is taken, or "". */
static void promql_add_sum(struct buf *out, const struct slo_entry *entry,
			   const struct slo_span_metrics *metrics, enum slo_counted counted,
			   const char *range)
{
	const int64_t unit_us = metrics->seconds ? US_PER_SECOND : US_PER_MS;

	buf_puts(out, *range ? "sum(rate(" : "sum(");
	buf_puts(out, entry->is_latency ? metrics->duration : metrics->calls);
	if (entry->is_latency)
		buf_puts(out, counted == COUNTED_GOOD ? "_bucket" : "_count");
	promql_add_selector(out, entry, metrics);
	/* Prometheus 3 writes whole numbers with a point. */
	if (counted == COUNTED_GOOD && entry->goal->within_us % unit_us == 0)
		buf_printf(out, ",le=~\"%lld([.]0)?\"",
			   (long long)(entry->goal->within_us / unit_us));
	else if (counted == COUNTED_GOOD) {
		BUF_LOCAL(number, 32);
		buf_printf(&number, "%lld.%06lld", (long long)(entry->goal->within_us / unit_us),
			   (long long)(entry->goal->within_us % unit_us * US_PER_SECOND / unit_us));
		while (number.data[number.len - 1] == '0')
			number.len--;
		buf_printf(out, ",le=\"%.*s\"", (int)number.len, number.data);
		buf_fini(&number);
	}
	/* A fast failure is no good answer: latency counts what succeeds. */
	if (entry->is_latency)
		buf_puts(out, ",status_code!=\"STATUS_CODE_ERROR\"");
	if (counted == COUNTED_BAD)
		buf_puts(out, ",status_code=\"STATUS_CODE_ERROR\"");
	buf_printf(out, "}%s%s", range, *range ? "))" : ")");
}

/* ---- what both formats have ---- */

/* A share as a number with so many digits behind the point that nothing is lost: "0.9995". */
static void yaml_add_number(struct buf *out, double number)
{
	const long long millionths = (long long)(number * 1e6 + 0.5);
	int digits = 6;
	long long rest = millionths % 1000000;

	for (; digits > 1 && rest % 10 == 0; digits--)
		rest /= 10;
	buf_printf(out, "%lld.%0*lld", millionths / 1000000, digits, rest);
}

static const char *entry_description(struct arena *arena, const struct slo_entry *entry)
{
	const struct slo_succeeded *succeeded = &entry->figures->succeeded;
	const char *text = arena_printf(arena, "%s%s.", entry->internal ? "Internal: " : "",
					entry->goal->text);

	if (succeeded->samples)
		text = arena_printf(
			arena,
			"%s Measured over %u %s%s that succeeded: p50 %lld ms, p90 %lld ms, p99 "
			"%lld ms. Median trace: %s",
			text, succeeded->samples, entry->internal ? "call" : "request",
			succeeded->samples == 1 ? "" : "s",
			(long long)(succeeded->p50_us / US_PER_MS),
			(long long)(succeeded->p90_us / US_PER_MS),
			(long long)(succeeded->p99_us / US_PER_MS), succeeded->median_id);
	return arena_strndup(arena, text, strnlen(text, DESCRIPTION_BYTES));
}

static void yaml_add_head(struct buf *out, const struct slo_span_metrics *metrics)
{
	buf_puts(out, "# Proposed by tracepager slo propose, from healthy traces. Read each "
		      "objective before it counts.\n");
	buf_printf(out, "# The queries name the metrics of %s:\n", metrics->maker);
	buf_puts(out, "# fit them to yours. A histogram needs a bucket that ends at each threshold "
		      "(le).\n");
}

static void yaml_add_text(struct buf *out, const char *before, const char *text)
{
	buf_puts(out, before);
	buf_json_string(out, text);
	buf_putc(out, '\n');
}

static void yaml_add_query(struct buf *out, const char *before, const struct slo_entry *entry,
			   const struct slo_span_metrics *metrics, enum slo_counted counted)
{
	BUF_LOCAL(query, 64 * LIMIT_SLO_NAME_BYTES);

	promql_add_sum(&query, entry, metrics, counted, "");
	yaml_add_text(out, before, buf_text(&query));
	buf_fini(&query);
}

/* ---- OpenSLO ---- */

static void openslo_add_service(struct buf *out, const struct slo_entry *entry)
{
	buf_puts(out, "---\napiVersion: openslo/v1\nkind: Service\nmetadata:\n");
	yaml_add_text(out, "  name: ", entry->service_slug);
	yaml_add_text(out, "  displayName: ", entry->service);
	buf_puts(out, "spec:\n  description: \"\"\n");
}

static void openslo_add_indicator(struct buf *out, const struct slo_entry *entry,
				  const struct slo_span_metrics *metrics)
{
	static const char source[] = "          metricSource:\n            type: Prometheus\n"
				     "            spec:\n";

	buf_puts(out, "  indicator:\n    metadata:\n");
	yaml_add_text(out, "      name: ", entry->slug);
	buf_puts(out, "    spec:\n      ratioMetric:\n        counter: true\n");
	buf_printf(out, "        %s:\n%s", entry->is_latency ? "good" : "bad", source);
	yaml_add_query(out, "              query: ", entry, metrics,
		       entry->is_latency ? COUNTED_GOOD : COUNTED_BAD);
	buf_printf(out, "        total:\n%s", source);
	yaml_add_query(out, "              query: ", entry, metrics, COUNTED_ALL);
}

static void openslo_add(struct buf *out, const struct slo_entries *entries,
			const struct slo_entry *entry, const struct slo_form *form)
{
	const struct slo_goal *goal = entry->goal;

	buf_puts(out, "---\napiVersion: openslo/v1\nkind: SLO\nmetadata:\n");
	yaml_add_text(out, "  name: ", entry->slug);
	yaml_add_text(out, "  displayName: ",
		      arena_printf(entries->arena, "%s %s %s", entry->service, entry->operation,
				   entry->is_latency ? "latency" : "availability"));
	buf_puts(out, "spec:\n");
	yaml_add_text(out, "  description: ", entry_description(entries->arena, entry));
	yaml_add_text(out, "  service: ", entry->service_slug);
	openslo_add_indicator(out, entry, &slo_span_metrics[form->metrics]);
	buf_printf(out, "  timeWindow:\n    - duration: %lldd\n      isRolling: true\n",
		   (long long)(form->window_us / US_PER_DAY));
	buf_puts(out, "  budgetingMethod: Occurrences\n  objectives:\n");
	if (entry->is_latency)
		buf_printf(out, "    - displayName: within %lld ms\n      target: ",
			   (long long)(goal->within_us / US_PER_MS));
	else
		buf_puts(out, "    - displayName: without an error\n      target: ");
	yaml_add_number(out, goal->target);
	buf_putc(out, '\n');
}

void slo_write_openslo(const struct slo_proposal *proposal, const struct slo_form *form,
		       struct buf *out)
{
	struct slo_entries entries;

	entries_init(&entries, proposal, true);
	yaml_add_head(out, &slo_span_metrics[form->metrics]);
	for (size_t i = 0; i < entries.n; i++) {
		if (!i || !entries_share_service(&entries.at[i], &entries.at[i - 1]))
			openslo_add_service(out, &entries.at[i]);
		openslo_add(out, &entries, &entries.at[i], form);
	}
	entries_fini(&entries);
}

/* ---- Sloth ---- */

#define SLOTH_WINDOW "[{{.window}}]"

/* A query as Sloth's template, which is one of Go: braces of a name are no action. */
static void sloth_add_template(struct buf *out, const char *query)
{
	BUF_LOCAL(text, 64 * LIMIT_SLO_NAME_BYTES);

	while (*query) {
		const bool is_window = strncmp(query, SLOTH_WINDOW, strlen(SLOTH_WINDOW)) == 0;
		const bool is_brace = !is_window && strncmp(query, "{{", 2) == 0;
		const size_t n = is_window ? strlen(SLOTH_WINDOW) : is_brace ? 2 : 1;
		if (is_brace)
			buf_puts(&text, "{{\"{{\"}}");
		else
			buf_add(&text, query, n);
		query += n;
	}
	buf_json_string(out, buf_text(&text));
	buf_fini(&text);
}

/* A block of one line: the query has quotes of its own. */
static void sloth_add_query(struct buf *out, const char *key, const struct slo_entry *entry,
			    const struct slo_span_metrics *metrics, bool is_total)
{
	static const char range[] = SLOTH_WINDOW;

	BUF_LOCAL(query, 64 * LIMIT_SLO_NAME_BYTES);

	if (!is_total && entry->is_latency) {
		promql_add_sum(&query, entry, metrics, COUNTED_ALL, range);
		buf_puts(&query, " - ");
		promql_add_sum(&query, entry, metrics, COUNTED_GOOD, range);
	} else {
		promql_add_sum(&query, entry, metrics, is_total ? COUNTED_ALL : COUNTED_BAD, range);
		/* Before the first error there is no such series. */
		buf_puts(&query, is_total ? "" : " or vector(0)");
	}
	buf_printf(out, "        %s: ", key);
	sloth_add_template(out, buf_text(&query));
	buf_putc(out, '\n');
	buf_fini(&query);
}

/* "CheckoutPostOrdersLatency": the slug's words, each with a capital. */
static const char *alert_name_of(struct arena *arena, const char *service, const char *slug)
{
	const char *text = arena_printf(arena, "%s-%s", service, slug);
	char *name = arena_alloc(arena, strlen(text) + 1), *end = name;
	bool begins = true;

	for (; *text; text++) {
		if (*text == '-') {
			begins = true;
			continue;
		}
		*end++ = begins ? (char)toupper((unsigned char)*text) : *text;
		begins = false;
	}
	return name;
}

static void sloth_add(struct buf *out, const struct slo_entries *entries,
		      const struct slo_entry *entry, const struct slo_span_metrics *metrics)
{
	yaml_add_text(out, "  - name: ", entry->slug);
	buf_puts(out, "    objective: ");
	yaml_add_number(out, 100 * entry->goal->target);
	buf_putc(out, '\n');
	yaml_add_text(out, "    description: ", entry_description(entries->arena, entry));
	buf_printf(out, "    labels:\n      category: %s\n      reach: %s\n",
		   entry->is_latency ? "latency" : "availability",
		   entry->internal ? "internal" : "caller-facing");
	buf_puts(out, "    sli:\n      events:\n");
	sloth_add_query(out, "error_query", entry, metrics, false);
	sloth_add_query(out, "total_query", entry, metrics, true);
	buf_puts(out, "    alerting:\n");
	yaml_add_text(out, "      name: ",
		      alert_name_of(entries->arena, entry->service_slug, entry->slug));
	/* What follows from a caller's objective wakes nobody: the caller's own alert does. */
	buf_printf(out,
		   "      page_alert:\n        labels: {severity: %s}\n      ticket_alert:\n"
		   "        labels: {severity: %s}\n",
		   entry->internal ? "warning" : "critical", entry->internal ? "info" : "warning");
}

void slo_write_sloth(const struct slo_proposal *proposal, const struct slo_form *form,
		     struct buf *out)
{
	const struct slo_span_metrics *metrics = &slo_span_metrics[form->metrics];
	struct slo_entries entries;

	entries_init(&entries, proposal, false);
	yaml_add_head(out, metrics);
	buf_printf(out,
		   "# Sloth takes the window from its own option: --default-slo-period=%lldd\n",
		   (long long)(form->window_us / US_PER_DAY));
	for (size_t i = 0; i < entries.n; i++) {
		if (!i || !entries_share_service(&entries.at[i], &entries.at[i - 1])) {
			buf_puts(out, "---\nversion: prometheus/v1\n");
			yaml_add_text(out, "service: ", entries.at[i].service_slug);
			buf_puts(out, "slos:\n");
		}
		sloth_add(out, &entries, &entries.at[i], metrics);
	}
	entries_fini(&entries);
}
