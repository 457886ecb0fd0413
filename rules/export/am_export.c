/*
 * A configuration of Alertmanager: the root, the tree of routes, receivers, time intervals; and at
 * the top, as comments, what it cannot say.
 */
#include "am_tree-internal.h"

#include <time.h>

/* What no configuration can say, whatever the rules are. */
static void tell_always(struct exported *exported)
{
	const struct ruleset *rules = exported->rules;
	size_t runbooks = 0;

	export_lose(exported, NULL,
		    "Alertmanager reads no traces: an alert goes to who owns what the alert names, "
		    "not to who owns what has failed");
	export_lose(exported, NULL,
		    "an alert's service is the first of its labels whose value these rules know; "
		    "labels of a mesh and conditions of the alert's expression are not read, and a "
		    "severity is that of the label severity");
	for (size_t i = 0; i < rules->nservices; i++) {
		const struct service_rule *service = &rules->services[i].rule;
		runbooks += service->runbook || service->dashboard || service->nlinks;
	}
	if (runbooks)
		export_lose(exported, NULL,
			    "runbooks, dashboards and links of %zu service%s: put them into the "
			    "annotations of the alerts",
			    runbooks, runbooks == 1 ? "" : "s");
	if (rules->nsignals)
		export_lose(exported, NULL,
			    "alerts of one signal are one incident here; there they are grouped by "
			    "group_by");
	if (rules->defaults.summary || rules->defaults.details)
		export_lose(exported, NULL,
			    "the defaults' summary and details: a receiver's own templates say "
			    "what it sends");
}

/* ---- silences ---- */

static void write_silence_time(struct buf *out, const char *option, int64_t at_us)
{
	char text[RFC3339_SIZE];

	if (at_us)
		buf_printf(out, " --%s=%s", option, rfc3339_format(at_us, text));
}

/* An argument of a shell, on the line of a comment. */
static void write_shell(struct buf *out, const char *text)
{
	struct buf shown = BUF_INIT(LIMIT_EXPORT_MATCHER_BYTES);

	ytext_show(&shown, text);
	buf_puts(out, " '");
	for (const char *c = buf_text(&shown); *c; c++) {
		if (*c == '\'')
			buf_puts(out, "'\\''");
		else
			buf_putc(out, *c);
	}
	buf_putc(out, '\'');
	buf_fini(&shown);
}

/* A silence is no part of a configuration: the command that makes it stands in a comment. */
static void write_silence(struct exported *exported, const struct silence_entry *entry,
			  struct buf *out)
{
	const struct silence *silence = &entry->silence;
	const size_t start = out->len;

	buf_printf(out, "#   amtool silence add");
	write_silence_time(out, "start", silence->starts_us);
	write_silence_time(out, "end", silence->ends_us);
	buf_puts(out, " --author");
	write_shell(out, silence->author ? silence->author : "tracepager");
	buf_puts(out, " --comment");
	write_shell(out, silence->reason ? silence->reason : "exported");
	for (size_t i = 0; i < entry->matchers.n; i++) {
		const char *matcher = NULL;
		enum am_known met =
			am_rule_matcher(exported, silence->place, &entry->matchers.at[i], &matcher);
		if (met == AM_NEVER) {
			out->len = start;
			return;
		}
		if (met == AM_MATCHER)
			write_shell(out, matcher);
	}
	buf_putc(out, '\n');
	export_lose(exported, silence->place,
		    "a silence is no part of a configuration: the command that makes it stands at "
		    "the top of the file");
}

static void write_silences(struct exported *exported, struct buf *out)
{
	const struct ruleset *rules = exported->rules;

	if (rules->nsilences)
		buf_puts(out, "# The silences of the rules, as commands:\n");
	for (size_t i = 0; i < rules->nsilences; i++)
		write_silence(exported, &rules->silences[i], out);
	if (rules->nsilences)
		buf_puts(out, "#\n");
}

/* ---- the root ---- */

static void write_root_group(struct buf *out, const struct group_labels *group)
{
	if (group->each_alone) {
		buf_puts(out, "  group_by: ['...']\n");
		return;
	}
	if (!group->n) {
		buf_puts(out, "  group_by: [alertname, service, namespace, cluster]\n");
		return;
	}
	const char *before = "  group_by: [";
	for (size_t i = 0; i < group->n; i++) {
		buf_puts(out, before);
		export_scalar(out, group->names[i]);
		before = ", ";
	}
	buf_puts(out, "]\n");
}

/* Pages leave when traces were read, within 10 seconds; an incident has one update a minute. */
static void write_root(const struct ruleset *rules, struct buf *out)
{
	buf_puts(out, "route:\n");
	write_root_group(out, &rules->defaults.group_by);
	buf_puts(out, "  group_wait: 10s\n"
		      "  group_interval: 1m\n"
		      "  repeat_interval: 4h\n");
}

static void write_top(const struct exported *exported, const struct buf *silences, struct buf *out)
{
	buf_printf(out,
		   "# Alertmanager 0.25 and later. Made by \"tracepager export alertmanager\" from "
		   "the rules\n# with the hash %.12s: a comment before a route names the place of "
		   "its rule.\n#\n# What the rules say and this file cannot:\n",
		   rules_hash(exported->rules));
	export_comment_losses(exported, out);
	buf_puts(out, "#\n");
	buf_add(out, buf_text(silences), silences->len);
}

void am_export(struct exported *exported)
{
	struct buf *out = export_add_file(exported, "alertmanager.yml");
	struct buf silences = BUF_INIT(LIMIT_EXPORT_BYTES), body = BUF_INIT(LIMIT_EXPORT_BYTES);
	struct am_receivers receivers = { .at = NULL };
	bool *used_times = xcalloc(exported->rules->ntimes + 1, sizeof(*used_times));

	for (size_t i = 0; i < exported->how.nlabels && !exported->failed; i++)
		if (!am_is_label(exported->how.labels[i]))
			exported->failed = "a label's name has other characters than A to Z, a to "
					   "z, 0 to 9 and _";
	if (!exported->failed) {
		tell_always(exported);
		write_silences(exported, &silences);
		write_root(exported->rules, &body);
		am_write_tree(exported, &receivers, used_times, &body);
		am_write_receivers(exported, &receivers, &body);
		am_write_times(exported, used_times, &body);
		export_sort_losses(exported);
		write_top(exported, &silences, out);
		buf_add(out, buf_text(&body), body.len);
		out->failed |= body.failed || silences.failed;
	}
	free(receivers.at);
	free(used_times);
	buf_fini(&silences);
	buf_fini(&body);
}
