/*
 * Decision as JSON: the form that scripts, the API, webhook pagers and the store see. Members and
 * their order are a promise to them; an unknown value is null, never left out. Pure; owns nothing.
 */
#include <math.h>
#include <string.h>

#include "decide-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/stage.h"

static const char *json_or_empty(const char *text)
{
	return text ? text : "";
}

/* A comma before every element but the first. */
static void json_write_comma(struct buf *out, size_t index)
{
	if (index)
		buf_putc(out, ',');
}

static void json_write_labels(const char *key, const struct labels *labels, struct buf *out)
{
	buf_json_key(out, key);
	buf_putc(out, '{');
	for (size_t i = 0; i < labels->n; i++)
		buf_json_text(out, labels->at[i].name, labels->at[i].value);
	buf_putc(out, '}');
}

static void json_write_strings(const char *key, const char *const *texts, size_t n, struct buf *out)
{
	buf_json_key(out, key);
	buf_putc(out, '[');
	for (size_t i = 0; i < n; i++) {
		json_write_comma(out, i);
		buf_json_string(out, texts[i]);
	}
	buf_putc(out, ']');
}

static void json_write_time(const char *key, int64_t us, struct buf *out)
{
	char text[RFC3339_SIZE];

	buf_json_text(out, key, us ? rfc3339_format(us, text) : NULL);
}

static void json_write_alert(const struct decision *d, struct buf *out)
{
	const struct alert *alert = &d->alert;

	buf_json_key(out, "alert");
	if (!d->has_alert) {
		buf_puts(out, "null");
		return;
	}
	buf_putc(out, '{');
	buf_json_text(out, "sender", alert->sender);
	buf_json_text(out, "fingerprint", alert->fingerprint);
	buf_json_text(out, "status", alert->status == ALERT_RESOLVED ? "resolved" : "firing");
	json_write_labels("labels", &alert->labels, out);
	json_write_labels("annotations", &alert->annotations, out);
	json_write_time("starts_at", alert->starts_at_us, out);
	buf_putc(out, '}');
}

static void json_write_signal(const struct decision *d, struct buf *out)
{
	buf_json_key(out, "signal");
	if (!d->has_signal) {
		buf_puts(out, "null");
		return;
	}
	buf_putc(out, '{');
	buf_json_text(out, "service", json_or_empty(d->signal.service));
	buf_json_text(out, "operation", json_or_empty(d->signal.operation));
	buf_json_text(out, "from", json_or_empty(d->signal.from));
	buf_putc(out, '}');
}

static void json_write_suspect(bool found, const struct suspect *suspect, struct buf *out)
{
	buf_json_key(out, "suspect");
	if (!found) {
		buf_puts(out, "null");
		return;
	}
	buf_putc(out, '{');
	buf_json_text(out, "service", json_or_empty(suspect->service));
	buf_json_text(out, "namespace", json_or_empty(suspect->namespace));
	buf_json_text(out, "operation", json_or_empty(suspect->operation));
	buf_json_text(out, "kind", suspect_kind_name(suspect->kind));
	buf_json_text(out, "callee", suspect->callee);
	buf_json_text(out, "error", suspect->error);
	buf_putc(out, '}');
}

static void json_write_path_span(const struct trace *trace, const struct span *span,
				 struct buf *out)
{
	buf_putc(out, '{');
	buf_json_text(out, "span_id", trace_text(trace, span->id));
	buf_json_text(out, "service", span_service(trace, span));
	buf_json_text(out, "operation", trace_text(trace, span->name));
	buf_json_text(out, "kind", span_kind_name(span->kind));
	buf_json_key(out, "error");
	buf_puts(out, span_failing(trace, span, true) ? "true" : "false");
	buf_json_int(out, "duration_us", span->duration_us);
	buf_putc(out, '}');
}

/* Of a path above LIMIT_PATH_SHOWN the middle is left out; path_omitted counts the spans. */
static void json_write_path(const struct walk *walk, struct buf *out)
{
	uint32_t cut = walk->npath > LIMIT_PATH_SHOWN ? walk->npath - LIMIT_PATH_SHOWN : 0;

	buf_json_key(out, "path");
	buf_putc(out, '[');
	for (uint32_t i = 0; i < walk->npath; i++) {
		if (cut && i == LIMIT_PATH_SHOWN / 2)
			i += cut;
		json_write_comma(out, i);
		json_write_path_span(walk->trace, &walk->trace->spans[walk->path[i]], out);
	}
	buf_putc(out, ']');
	if (cut)
		buf_json_int(out, "path_omitted", cut);
}

/* At most three decimals, which is all the precision there is; a point in every locale. */
static void json_write_share(const char *key, double share, struct buf *out)
{
	long thousandths = share > 0 ? lround(fmin(share, 1) * 1000) : 0;

	buf_json_key(out, key);
	buf_printf(out, "%ld", thousandths / 1000);
	if (thousandths % 1000 == 0)
		return;
	int digits = thousandths % 100 == 0 ? 1 : thousandths % 10 == 0 ? 2 : 3;
	for (int i = digits; i < 3; i++)
		thousandths /= 10;
	buf_printf(out, ".%0*ld", digits, thousandths);
}

/* "cap": the confidence is at most that; "factor": it was multiplied by that. */
static void json_write_limits(const struct verdict_limits *limits, struct buf *out)
{
	buf_json_key(out, "limits");
	buf_putc(out, '[');
	for (unsigned int i = 0; i < limits->n; i++) {
		const struct verdict_limit *limit = &limits->at[i];

		json_write_comma(out, i);
		buf_putc(out, '{');
		buf_json_text(out, "limit", verdict_limit_name(limit->id));
		json_write_share(verdict_limit_is_cap(limit->id) ? "cap" : "factor", limit->number,
				 out);
		buf_json_text(out, "text", limit->text);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

static void json_write_walk(const struct walk *walk, struct buf *out)
{
	buf_putc(out, '{');
	buf_json_text(out, "trace_id", trace_text(walk->trace, walk->trace->id));
	buf_json_int(out, "spans", walk->trace->nspans);
	buf_json_int(out, "error_spans", walk->error_spans);
	buf_json_text(out, "mode", walk_mode_name(walk->mode));
	json_write_suspect(walk->found, &walk->suspect, out);
	json_write_path(walk, out);
	json_write_limits(&walk->limits, out);
	json_write_strings("reasons", walk->reasons, walk->nreasons, out);
	buf_putc(out, '}');
}

static void json_write_runners_up(const struct verdict *verdict, struct buf *out)
{
	buf_json_key(out, "runners_up");
	buf_putc(out, '[');
	for (unsigned int i = 0; i < verdict->nrunners_up; i++) {
		const struct runner_up *other = &verdict->runners_up[i];
		json_write_comma(out, i);
		buf_putc(out, '{');
		buf_json_text(out, "service", json_or_empty(other->service));
		if (other->callee)
			buf_json_text(out, "callee", other->callee);
		buf_json_int(out, "agree", other->agree);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

static void json_write_errors(const struct verdict *verdict, struct buf *out)
{
	buf_json_key(out, "errors");
	buf_putc(out, '[');
	for (unsigned int i = 0; i < verdict->nerrors; i++) {
		json_write_comma(out, i);
		buf_putc(out, '{');
		buf_json_text(out, "error", verdict->errors[i].error);
		buf_json_int(out, "traces", verdict->errors[i].traces);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

/* "0.004", and below that "3e-7": a digit and its power of ten. */
static void json_write_chance(const char *key, double p, struct buf *out)
{
	int power = p > 0 ? (int)floor(log10(p)) : 0;

	if (!(p > 0) || p >= 0.001 || power < -300) {
		json_write_share(key, p, out);
		return;
	}
	buf_json_key(out, key);
	buf_printf(out, "%ld", lround(fmin(p / pow(10, power), 9)));
	buf_printf(out, "e%d", power);
}

static void json_write_difference(const struct difference *difference, struct buf *out)
{
	buf_putc(out, '{');
	buf_json_text(out, "attribute", difference->attribute);
	buf_json_text(out, "value", difference->value);
	buf_json_int(out, "failing", difference->failing);
	buf_json_int(out, "of", difference->of);
	buf_json_int(out, "others", difference->others);
	buf_json_int(out, "of_others", difference->of_others);
	buf_json_text(out, "beside", difference->before ? "before" : "window");
	json_write_chance("p", difference->p, out);
	json_write_strings("same", difference->same, difference->nsame, out);
	buf_json_text(out, "text", difference->text);
	buf_putc(out, '}');
}

static void json_write_differs(const struct verdict *verdict, struct buf *out)
{
	buf_json_key(out, "differs");
	buf_putc(out, '[');
	for (unsigned int i = 0; i < verdict->ndiffers; i++) {
		json_write_comma(out, i);
		json_write_difference(&verdict->differs[i], out);
	}
	buf_putc(out, ']');
}

/* The operations of a broad signal; a narrow one has none. */
static void json_write_strata(const struct verdict *verdict, struct buf *out)
{
	buf_json_key(out, "strata");
	buf_putc(out, '[');
	for (unsigned int i = 0; i < verdict->nstrata; i++) {
		const struct stratum_told *told = &verdict->strata[i];

		json_write_comma(out, i);
		buf_putc(out, '{');
		buf_json_text(out, "service", told->service);
		buf_json_text(out, "operation", told->operation);
		buf_json_int(out, "traces", told->traces);
		buf_json_int(out, "healthy", told->healthy);
		buf_json_key(out, "hit");
		buf_puts(out, told->hit ? "true" : "false");
		buf_json_text(out, "suspect", told->suspect);
		json_write_share("confidence", told->confidence, out);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

static void json_write_verdict(const struct verdict *verdict, struct buf *out)
{
	buf_json_key(out, "verdict");
	buf_putc(out, '{');
	json_write_suspect(verdict->found, &verdict->suspect, out);
	json_write_share("confidence", verdict->confidence, out);
	json_write_limits(&verdict->limits, out);
	buf_json_int(out, "agree", verdict->agree);
	buf_json_int(out, "of", verdict->of);
	json_write_errors(verdict, out);
	json_write_runners_up(verdict, out);
	json_write_strings("reasons", verdict->reasons, verdict->nreasons, out);
	json_write_strata(verdict, out);
	json_write_differs(verdict, out);
	buf_json_key(out, "fallback");
	if (verdict->fallback == FALLBACK_NONE) {
		buf_puts(out, "null");
	} else {
		buf_putc(out, '{');
		buf_json_text(out, "code", fallback_code_name(verdict->fallback));
		buf_json_text(out, "text", json_or_empty(verdict->fallback_text));
		buf_putc(out, '}');
	}
	buf_putc(out, '}');
}

static void json_write_owner(const struct decision *d, struct buf *out)
{
	buf_json_key(out, "owner");
	if (!d->team) {
		buf_puts(out, "null");
		return;
	}
	buf_putc(out, '{');
	buf_json_text(out, "team", d->team->name);
	buf_json_text(out, "rule", d->rule);
	json_write_strings("reasons", d->owner_reasons, d->nowner_reasons, out);
	buf_putc(out, '}');
}

/* The silence that keeps the page from leaving; without one there is no such member. */
static void json_write_silence(const struct decision *d, struct buf *out)
{
	char until[RFC3339_SIZE];

	if (!d->silence)
		return;
	buf_json_key(out, "silence");
	buf_putc(out, '{');
	buf_json_text(out, "id", d->silence_id);
	buf_json_text(out, "place", d->silence->place);
	buf_json_text(out, "until", rfc3339_format(d->silence->ends_us, until));
	buf_json_text(out, "author", d->silence->author);
	buf_json_text(out, "reason", d->silence->reason);
	buf_putc(out, '}');
}

static void json_write_pagers(const char *key, const struct pager *const *pagers, size_t n,
			      struct buf *out)
{
	buf_json_key(out, key);
	buf_putc(out, '[');
	for (size_t i = 0; i < n; i++) {
		json_write_comma(out, i);
		buf_json_string(out, pagers[i]->name);
	}
	buf_putc(out, ']');
}

static void json_write_step(const struct escalation_step *step, struct buf *out)
{
	buf_putc(out, '{');
	json_write_pagers("pagers", (const struct pager *const *)step->pagers, step->npagers, out);
	buf_json_int(out, "wait_s", step->wait_us / US_PER_SECOND);
	if (step->team)
		buf_json_text(out, "team", step->team->name);
	if (step->no_resolve) {
		buf_json_key(out, "resolve");
		buf_puts(out, "false");
	}
	buf_putc(out, '}');
}

/* If routes name the pagers, there is no policy, and one step. */
static void json_write_escalation(const struct decision *d, struct buf *out)
{
	const struct escalation *escalation = decision_escalation(d);

	buf_json_key(out, "escalation");
	if (!d->team || d->no_page) {
		buf_puts(out, "null");
		return;
	}
	buf_putc(out, '{');
	buf_json_text(out, "policy", escalation ? escalation->name : NULL);
	buf_json_key(out, "steps");
	buf_putc(out, '[');
	if (!escalation) {
		buf_putc(out, '{');
		json_write_pagers("pagers", d->routing.pagers, d->routing.npagers, out);
		buf_json_int(out, "wait_s", 0);
		buf_putc(out, '}');
	}
	for (size_t i = 0; escalation && i < escalation->nsteps; i++) {
		json_write_comma(out, i);
		json_write_step(&escalation->steps[i], out);
	}
	buf_putc(out, ']');
	buf_json_int(out, "repeat", escalation ? escalation->repeat : 0);
	json_write_pagers("also_notify", d->routing.also_notify, d->routing.nalso_notify, out);
	buf_putc(out, '}');
}

static void json_write_seconds(const char *key, int64_t us, struct buf *out)
{
	buf_json_key(out, key);
	if (us)
		buf_add_int(out, us / US_PER_SECOND);
	else
		buf_puts(out, "null");
}

/* At most six decimals; a point in every locale. 0: null. */
static void json_write_number(const char *key, double number, struct buf *out)
{
	const long long millionths = llround(number * 1e6);

	buf_json_key(out, key);
	if (millionths)
		buf_printf(out, "%lld.%06lld", millionths / 1000000, millionths % 1000000);
	else
		buf_puts(out, "null");
}

/* What the alert tells of an error budget; where it tells nothing there is no such member. */
static void json_write_burn(const struct decision *d, struct buf *out)
{
	const struct burn *burn = d->burn;

	if (!burn)
		return;
	buf_json_key(out, "burn");
	buf_putc(out, '{');
	buf_json_text(out, "slo", *burn->slo ? burn->slo : NULL);
	buf_json_text(out, "service", *burn->service ? burn->service : NULL);
	json_write_number("budget", burn->budget, out);
	json_write_seconds("window_s", burn->window_us, out);
	json_write_seconds("exhausted_s", burn->exhausted_us, out);
	buf_json_key(out, "rates");
	buf_putc(out, '[');
	for (unsigned int i = 0; i < burn->nrates; i++) {
		json_write_comma(out, i);
		buf_putc(out, '{');
		json_write_number("factor", burn->rates[i].factor, out);
		json_write_seconds("long_s", burn->rates[i].long_us, out);
		json_write_seconds("short_s", burn->rates[i].short_us, out);
		json_write_number("budget_share", burn_share(burn, &burn->rates[i]), out);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
	buf_json_text(out, "text", burn->text);
	buf_putc(out, '}');
}

static void json_write_page(const struct decision *d, struct buf *out)
{
	const struct page *page = &d->page;

	buf_json_key(out, "page");
	if (!d->team || d->no_page) {
		buf_puts(out, "null");
		return;
	}
	buf_putc(out, '{');
	buf_json_text(out, "dedup_key", page->dedup_key);
	buf_json_text(out, "severity", severity_name(page->severity));
	buf_json_text(out, "summary", json_or_empty(page->summary));
	buf_json_key(out, "links");
	buf_putc(out, '[');
	for (size_t i = 0; i < page->nlinks; i++) {
		json_write_comma(out, i);
		buf_putc(out, '{');
		buf_json_text(out, "text", page->links[i].text);
		buf_json_text(out, "href", page->links[i].href);
		buf_putc(out, '}');
	}
	buf_puts(out, "]}");
}

static void json_write_tries(const char *key, const struct rule_try *tries, size_t n,
			     struct buf *out)
{
	buf_json_key(out, key);
	buf_putc(out, '[');
	for (size_t i = 0; i < n; i++) {
		json_write_comma(out, i);
		buf_putc(out, '{');
		buf_json_text(out, "rule", rule_sort_name(tries[i].sort));
		if (tries[i].name)
			buf_json_text(out, "name", tries[i].name);
		buf_json_text(out, "place", tries[i].place);
		buf_json_text(out, "reason", tries[i].reason);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

static void json_write_rules(const struct decision *d, struct buf *out)
{
	buf_json_key(out, "rules");
	if (!d->rules_hash) {
		buf_puts(out, "null");
		return;
	}
	buf_putc(out, '{');
	buf_json_text(out, "hash", d->rules_hash);
	json_write_tries("matched", d->trail.matched, d->trail.nmatched, out);
	json_write_tries("not_matched", d->trail.missed, d->trail.nmissed, out);
	buf_putc(out, '}');
}

/* "telemetry": the id of the relay's own trace, behind the "00-" of its span's context. */
static void json_write_telemetry(const struct decision *d, struct buf *out)
{
	const char *trace = d->page.trace;

	if (!trace || strlen(trace) < 3 + TRACE_ID_SIZE)
		return;
	buf_json_key(out, "telemetry");
	buf_putc(out, '{');
	buf_json_key(out, "trace_id");
	buf_json_stringn(out, trace + 3, TRACE_ID_SIZE - 1);
	buf_putc(out, '}');
}

void decision_write(const struct decision *d, struct buf *out)
{
	buf_putc(out, '{');
	buf_json_int(out, "version", 1);
	json_write_alert(d, out);
	json_write_signal(d, out);
	buf_json_key(out, "traces");
	buf_putc(out, '[');
	for (unsigned int i = 0; i < d->nwalks; i++) {
		json_write_comma(out, i);
		json_write_walk(&d->walks[i], out);
	}
	buf_putc(out, ']');
	json_write_verdict(&d->verdict, out);
	json_write_owner(d, out);
	json_write_silence(d, out);
	json_write_burn(d, out);
	json_write_escalation(d, out);
	json_write_page(d, out);
	json_write_rules(d, out);
	json_write_telemetry(d, out);
	buf_putc(out, '}');
}
