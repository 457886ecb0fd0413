/*
 * The status of a set of rules: as text for a person, as JSON for programs. Writes only; owns
 * nothing.
 */
#include <string.h>

#include "reload-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/limits.h"

static const char *const cause_names[] = {
	[RELOAD_BY_WATCH] = "watch",
	[RELOAD_BY_RETRY] = "retry",
	[RELOAD_BY_START] = "start",
	[RELOAD_BY_REQUEST] = "request",
};

static const char *const outcome_names[] = {
	[RELOAD_TAKEN] = "taken",     [RELOAD_UNREADABLE] = "unreadable",
	[RELOAD_INVALID] = "invalid", [RELOAD_TESTS_FAILED] = "tests_failed",
	[RELOAD_GONE] = "gone",	      [RELOAD_UNCHANGED] = "unchanged",
};

static const char *role_name(const struct reload *reload)
{
	return reload->env.role == RELOAD_LIVE ? "rules" : "shadow rules";
}

void reload_write_outcome(const struct reload *reload, const struct reload_attempt *attempt,
			  struct buf *out)
{
	const char *kept = reload->rules ? "the old ones stay in force" : "there are none in use";

	switch (attempt->outcome) {
	case RELOAD_TAKEN:
		buf_printf(out, "the %s were loaded", role_name(reload));
		if (attempt->tests)
			buf_printf(out, "; tests passed: %zu", attempt->tests);
		break;
	case RELOAD_UNREADABLE:
	case RELOAD_INVALID:
		buf_printf(out, "the %s were not loaded; %s", role_name(reload), kept);
		break;
	case RELOAD_TESTS_FAILED:
		buf_printf(out, "the %s were not taken, since their tests failed (%zu of %zu); %s",
			   role_name(reload), attempt->tests_failed, attempt->tests, kept);
		break;
	case RELOAD_GONE:
		buf_puts(out, "there are no shadow rules");
		break;
	case RELOAD_UNCHANGED:
		buf_puts(out, "nothing has changed");
		break;
	}
}

void reload_write_text(const struct reload *reload, struct buf *out)
{
	const struct reload_attempt *last = &reload->last;
	char at[RFC3339_SIZE];
	const char *const *files;
	size_t n, teams, pagers, services, signals;

	if (reload->rules) {
		files = rules_files(reload->rules, &n);
		rules_count(reload->rules, &teams, &pagers, &services, &signals);
		buf_printf(out, "hash      %s\nsince     %s\nholds     ", rules_hash(reload->rules),
			   rfc3339_format(reload->since_us, at));
		buf_count(out, teams, "team, ", "teams, ");
		buf_count(out, pagers, "pager, ", "pagers, ");
		buf_count(out, services, "service, ", "services, ");
		buf_count(out, signals, "signal", "signals");
		buf_printf(out, "\nfiles     %zu\n", n);
		for (size_t i = 0; i < n; i++)
			buf_printf(out, "          %s\n", files[i]);
	} else {
		buf_printf(out, "none at %s\n", reload->env.path);
	}
	buf_printf(out, "changes   %s\n",
		   reload->env.watch ? "taken within seconds" : "taken at a reload only");
	if (!last->at_us)
		return;
	buf_printf(out, "last load %s (%s): ", rfc3339_format(last->at_us, at),
		   cause_names[last->cause]);
	reload_write_outcome(reload, last, out);
	buf_putc(out, '\n');
	if (last->findings.n)
		buf_putc(out, '\n');
	findings_write(&last->findings, false, out);
}

static void status_write_hits(const struct ruleset *rules, struct buf *out)
{
	struct rule_hit hit;

	buf_json_key(out, "hits");
	buf_putc(out, '[');
	for (size_t i = 0; i < LIMIT_RULE_HITS_SHOWN && rules_hit(rules, i, &hit); i++) {
		buf_puts(out, i ? ",{" : "{");
		buf_json_text(out, "rule", rule_sort_name(hit.sort));
		buf_json_text(out, "name", hit.name);
		buf_json_text(out, "place", hit.place);
		buf_json_int(out, "hits", (int64_t)hit.hits);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

static void status_write_set(const struct reload *reload, struct buf *out)
{
	char at[RFC3339_SIZE];
	const char *const *files;
	size_t n, teams, pagers, services, signals;

	files = rules_files(reload->rules, &n);
	rules_count(reload->rules, &teams, &pagers, &services, &signals);
	buf_json_text(out, "hash", rules_hash(reload->rules));
	buf_json_text(out, "since", rfc3339_format(reload->since_us, at));
	buf_json_int(out, "teams", (int64_t)teams);
	buf_json_int(out, "pagers", (int64_t)pagers);
	buf_json_int(out, "services", (int64_t)services);
	buf_json_int(out, "signals", (int64_t)signals);
	buf_json_key(out, "files");
	buf_putc(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_putc(out, ',');
		buf_json_string(out, files[i]);
	}
	buf_putc(out, ']');
	status_write_hits(reload->rules, out);
}

static void status_write_last(const struct reload_attempt *last, struct buf *out)
{
	char at[RFC3339_SIZE];

	buf_json_text(out, "at", rfc3339_format(last->at_us, at));
	buf_json_text(out, "cause", cause_names[last->cause]);
	buf_json_text(out, "result", outcome_names[last->outcome]);
	buf_json_int(out, "tests", (int64_t)last->tests);
	buf_json_int(out, "tests_failed", (int64_t)last->tests_failed);
	buf_json_int(out, "errors", (int64_t)last->findings.nerrors);
	buf_json_int(out, "warnings", (int64_t)last->findings.nwarnings);
	buf_json_key(out, "findings");
	findings_write_array(&last->findings, LIMIT_FINDINGS_SHOWN, out);
}

void reload_write_json(const struct reload *reload, struct buf *out)
{
	buf_putc(out, '{');
	buf_json_text(out, "path", reload->fixed ? NULL : reload->env.path);
	buf_json_text(out, "watch", reload->env.watch && !reload->fixed ? "polling" : "off");
	if (reload->rules)
		status_write_set(reload, out);
	else
		buf_json_text(out, "hash", NULL);
	buf_json_key(out, "last");
	if (reload->last.at_us) {
		buf_putc(out, '{');
		status_write_last(&reload->last, out);
		buf_putc(out, '}');
	} else {
		buf_puts(out, "null");
	}
	buf_putc(out, '}');
}
