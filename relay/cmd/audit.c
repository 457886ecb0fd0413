/*
 * tracepager audit: the rules beside what decisions and their traces showed. Which services nobody
 * owns, which entries nobody sees any more, what was not reviewed, which links and pagers do not
 * answer, which calls no document names, and who is paged how often.
 *
 * It reads the store beside a running daemon and pages nobody. Owns what it found until it has
 * printed it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit-internal.h"
#include "tracepager/clock.h"
#include "tracepager/commands.h"
#include "tracepager/limits.h"
#include "tracepager/links.h"
#include "tracepager/template.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"

#define ARENA_BYTES	  (SIZE_MAX / 2)
#define OUTPUT_BYTES	  ((size_t)256 << 20)
#define DAYS		  7
#define DAYS_MAX	  90
#define REVIEWED_AFTER_US (180 * US_PER_DAY)

static const char help[] =
	"usage: tracepager audit [OPTION]... --store PATH\n\n"
	"Holds the rules against what the stored decisions and their traces showed: services in\n"
	"traces that nobody owns, entries whose service was not seen, entries not reviewed for\n"
	"long, pagers that refused pages, calls that no document names, and the share of pages\n"
	"of each team. It reads the store beside a running daemon and pages nobody.\n\n"
	"      --store PATH           the daemon's store\n"
	"      --rules DIR            the rules (default: those last in use by the store)\n"
	"      --days N               what was seen in the last N days (default: 7)\n"
	"      --reviewed-after TIME  a review older than this is told (default: what\n"
	"                             the rules say, else 180d)\n"
	"      --check-links          ask each runbook, dashboard and link whether it answers;\n"
	"                             those with {names} in them are left out\n"
	"      --write FILE           propose entries for what has none: a file of rules whose\n"
	"                             owners a person fills in; \"-\" is standard output\n"
	"      --format FORMAT        text (default), json or markdown\n"
	"      --help                 print this\n\n"
	"Traces are kept for 7 days: beyond that only suspects are seen. Not told, since nobody\n"
	"records it yet: teams that never acknowledge, and pages that went to the wrong team.\n\n"
	"Exit status: 0 nothing to do, 1 something is, 2 wrong usage or unreadable input.\n";

enum section {
	SECTION_UNOWNED,
	SECTION_UNSEEN,
	SECTION_UNREVIEWED,
	SECTION_LINKS,
	SECTION_REFUSALS,
	SECTION_CALLS,
	SECTION_TEAMS,
	SECTIONS
};

/* clang-format off */
static const struct table tables[SECTIONS] = {
	[SECTION_UNOWNED] = { .key = "unowned_services", .title = "Services in traces that nobody owns",
		.nothing = "Every service that was seen has an owner.",
		.columns = { { "service", "service", false }, { "namespace", "namespace", false },
			     { "traces", "traces", true }, { "last seen", "last_seen", false },
			     { "called by", "called_by", false } }, .ncolumns = 5 },
	[SECTION_UNSEEN] = { .key = "unseen_entries", .title = "Entries whose service was not seen",
		.nothing = "Every entry's service was seen.",
		.columns = { { "entry", "entry", false }, { "owner", "owner", false },
			     { "rule", "rule", false } }, .ncolumns = 3 },
	[SECTION_UNREVIEWED] = { .key = "unreviewed_entries", .title = "Entries not reviewed for long",
		.nothing = "Every review is recent enough.",
		.columns = { { "entry", "entry", false }, { "reviewed at", "reviewed_at", false },
			     { "owner", "owner", false }, { "rule", "rule", false } }, .ncolumns = 4 },
	[SECTION_LINKS] = { .key = "dead_links", .title = "Links that do not answer",
		.nothing = "Every link answers.",
		.columns = { { "entry", "entry", false }, { "kind", "kind", false }, { "link", "link", false },
			     { "answer", "answer", false }, { "rule", "rule", false } }, .ncolumns = 5 },
	[SECTION_REFUSALS] = { .key = "refusing_pagers", .title = "Pagers that refused pages",
		.nothing = "No pager refused a page.",
		.columns = { { "pager", "pager", false }, { "pages", "pages", true },
			     { "last time", "last_time", false }, { "what it said", "error", false } },
		.ncolumns = 4 },
	[SECTION_CALLS] = { .key = "unnamed_calls", .title = "Calls to what no document names",
		.nothing = "Everything that is called has an entry.",
		.columns = { { "caller", "caller", false }, { "callee", "callee", false },
			     { "traces", "traces", true }, { "last seen", "last_seen", false } },
		.ncolumns = 4 },
	[SECTION_TEAMS] = { .key = "pages_by_team", .title = "Decisions that paged, by team",
		.nothing = "Nobody was paged.",
		.columns = { { "team", "team", false }, { "pages", "pages", true },
			     { "percent", "percent", true } }, .ncolumns = 3 },
};
/* clang-format on */

struct team_count {
	const char *team;
	int64_t n;
};

struct audit {
	const char *store_path, *rules_path, *write_path;
	enum table_format format;
	int64_t days, now_us, since_us, reviewed_after_us;
	bool check_links;
	struct history *history;
	struct ruleset *rules;
	struct arena *arena;
	struct map *seen, *edges, *entries, *teams; /* entries: seen ones, by name */
	struct found seen_list, edge_list, team_list;
	uint64_t mark; /* of the trace that is looked at */
	int64_t npages, unread, overfull;
	struct table tables[SECTIONS];
};

void found_add(struct found *found, void *item)
{
	if ((found->n & (found->n - 1)) == 0)
		found->at =
			xrealloc_array(found->at, found->n ? 2 * found->n : 1, sizeof(*found->at));
	found->at[found->n++] = item;
}

/* ---- what was seen ---- */

static void entry_seen(struct audit *audit, const struct service_rule *rule)
{
	if (rule && !map_get(audit->entries, rule->name))
		map_put(audit->entries, rule->name, audit);
}

/* NULL: so many were seen that this one is left out. */
static struct seen *seen_of(struct audit *audit, const char *namespace, const char *name, bool peer)
{
	CLEANUP_FREE char *key = xasprintf("%d\x1f%s\x1f%s", peer, namespace, name);
	struct seen *seen = map_get(audit->seen, key);

	if (seen)
		return seen;
	if (audit->seen_list.n >= LIMIT_AUDIT_SERVICES) {
		audit->overfull++;
		return NULL;
	}
	seen = arena_alloc(audit->arena, sizeof(*seen));
	*seen = (struct seen){ .namespace = arena_strdup(audit->arena, namespace),
			       .name = arena_strdup(audit->arena, name),
			       .peer = peer };
	map_put(audit->seen, key, seen);
	found_add(&audit->seen_list, seen);
	return seen;
}

static void count_seen(struct audit *audit, struct seen *seen, int64_t at_us)
{
	seen->ntraces += seen->mark != audit->mark;
	seen->mark = audit->mark;
	if (at_us > seen->last_us)
		seen->last_us = at_us;
}

static void count_edge(struct audit *audit, const struct seen *from, struct seen *to, int64_t at_us)
{
	CLEANUP_FREE char *key = xasprintf("%p\x1f%p", (const void *)from, (void *)to);
	struct edge *edge = map_get(audit->edges, key);

	if (!edge && audit->edge_list.n >= LIMIT_AUDIT_CALLS) {
		audit->overfull++;
		return;
	}
	if (!edge) {
		edge = arena_alloc(audit->arena, sizeof(*edge));
		*edge = (struct edge){ .from = from, .to = to };
		map_put(audit->edges, key, edge);
		found_add(&audit->edge_list, edge);
	}
	edge->ntraces += edge->mark != audit->mark;
	edge->mark = audit->mark;
	edge->last_us = at_us;
	to->caller = from->name;
}

static struct seen *see_service(struct audit *audit, const struct trace *trace,
				const struct resource *resource, int64_t at_us)
{
	struct suspect where = { .trace = trace, .resource = resource };
	const char *name = trace_text(trace, resource->service);
	const char *namespace = trace_text(trace, resource->namespace);

	if (!*name)
		return NULL;
	struct seen *seen = seen_of(audit, namespace, name, false);
	if (!seen)
		return NULL;
	count_seen(audit, seen, at_us);
	/* By attributes one instance may be owned and another not: that one has to be told. */
	if (seen->ntraces == 1 || seen->rule) {
		seen->rule = rules_service(audit->rules, name, namespace, rules_suspect_attr,
					   &where, NULL);
		entry_seen(audit, seen->rule);
	}
	return seen;
}

/* The callee of a call that shows no span of its own. */
static void see_peer(struct audit *audit, struct arena *scratch, const struct trace *trace,
		     const struct span *span, const struct seen *caller, int64_t at_us)
{
	struct suspect suspect = { .trace = trace };

	peer_names(scratch, trace, span, &suspect);
	if (!suspect.npeers)
		return;
	struct seen *seen = seen_of(audit, "", suspect.peers[0], true);
	if (!seen)
		return;
	count_seen(audit, seen, at_us);
	seen->rule = rules_peer(audit->rules, suspect.peers, suspect.npeers, NULL);
	entry_seen(audit, seen->rule);
	count_edge(audit, caller, seen, at_us);
}

static bool calls_out(const struct trace *trace, const struct span *span)
{
	if (span->kind != SPAN_CLIENT && span->kind != SPAN_PRODUCER)
		return false;
	for (uint32_t at = span->first_child; at != TRACE_NONE; at = trace->spans[at].next_sibling)
		if (trace->spans[at].resource != span->resource)
			return false;
	return true;
}

static void see_trace(struct audit *audit, struct arena *scratch, const struct trace *trace,
		      int64_t at_us)
{
	uint32_t nresources = trace->set->nresources;
	struct seen **by_resource = xcalloc(nresources + 1, sizeof(*by_resource));

	audit->mark++;
	for (uint32_t i = 0; i < trace->nspans; i++) {
		uint32_t resource = trace->spans[i].resource;
		if (!by_resource[resource])
			by_resource[resource] =
				see_service(audit, trace, &trace->set->resources[resource], at_us);
	}
	for (uint32_t i = 0; i < trace->nspans; i++) {
		const struct span *span = &trace->spans[i];
		struct seen *seen = by_resource[span->resource];
		const struct seen *above =
			span->parent == TRACE_NONE
				? NULL
				: by_resource[trace->spans[span->parent].resource];
		if (seen && above && above != seen)
			count_edge(audit, above, seen, at_us);
		if (seen && calls_out(trace, span))
			see_peer(audit, scratch, trace, span, seen, at_us);
	}
	free(by_resource);
}

static void count_team(struct audit *audit, const char *team)
{
	struct team_count *count = map_get(audit->teams, team);

	if (!count) {
		count = arena_alloc(audit->arena, sizeof(*count));
		count->team = arena_strdup(audit->arena, team);
		map_put(audit->teams, team, count);
		found_add(&audit->team_list, count);
	}
	count->n++;
	audit->npages++;
}

/* Without its traces, a decision still shows its suspect. */
static void see_suspect(struct audit *audit, const struct outcome *was)
{
	if (!was->found || !*was->suspect)
		return;
	entry_seen(audit,
		   rules_service(audit->rules, was->suspect, was->namespace, NULL, NULL, NULL));
	if (*was->callee)
		entry_seen(audit, rules_peer(audit->rules, &was->callee, 1, NULL));
}

static void see(struct audit *audit, const struct past *past)
{
	struct opened opened;
	struct err err;

	if (opened_init(&opened, past, audit->rules, &err) < 0) {
		audit->unread++;
	} else {
		if (opened.was.sent)
			count_team(audit, opened.was.team);
		see_suspect(audit, &opened.was);
		for (size_t i = 0; i < opened.ntraces; i++)
			see_trace(audit, opened.arena, opened.traces[i], past->at_us);
	}
	opened_fini(&opened);
}

static int see_all(struct audit *audit, struct err *err)
{
	struct past past;
	int64_t pos = 0;
	int result;

	while ((result = history_next(audit->history, audit->since_us, INT64_MAX, &pos, &past,
				      err)) > 0) {
		see(audit, &past);
		past_fini(&past);
	}
	return result;
}

/* ---- the sections ---- */

static int by_traces(const void *a, const void *b)
{
	const struct seen *x = *(struct seen *const *)a, *y = *(struct seen *const *)b;

	if (x->ntraces != y->ntraces)
		return x->ntraces < y->ntraces ? 1 : -1;
	return strcmp(x->name, y->name);
}

static int by_edge(const void *a, const void *b)
{
	const struct edge *x = *(struct edge *const *)a, *y = *(struct edge *const *)b;
	int order = strcmp(x->from->name, y->from->name);

	return order ? order : strcmp(x->to->name, y->to->name);
}

static int by_pages(const void *a, const void *b)
{
	const struct team_count *x = *(struct team_count *const *)a,
				*y = *(struct team_count *const *)b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return strcmp(x->team, y->team);
}

static void sort(struct found *found, int (*order)(const void *a, const void *b))
{
	if (found->n)
		qsort(found->at, found->n, sizeof(*found->at), order);
}

static const char *number_text(const struct audit *audit, int64_t number)
{
	return arena_printf(audit->arena, "%lld", (long long)number);
}

static const char *time_text(const struct audit *audit, int64_t us)
{
	char text[PAST_TIME_SIZE];

	return arena_strdup(audit->arena, past_time_text(us, text));
}

static void tell_seen(struct audit *audit, struct found *missing)
{
	sort(&audit->seen_list, by_traces);
	for (size_t i = 0; i < audit->seen_list.n; i++) {
		struct seen *seen = audit->seen_list.at[i];
		if (seen->rule)
			continue;
		found_add(missing, seen);
		if (!seen->peer)
			table_row(&audit->tables[SECTION_UNOWNED],
				  (const char *[]){ seen->name, seen->namespace,
						    number_text(audit, seen->ntraces),
						    time_text(audit, seen->last_us),
						    seen->caller });
	}
	sort(&audit->edge_list, by_edge);
	for (size_t i = 0; i < audit->edge_list.n; i++) {
		const struct edge *edge = audit->edge_list.at[i];
		if (!edge->to->rule)
			table_row(&audit->tables[SECTION_CALLS],
				  (const char *[]){ edge->from->name, edge->to->name,
						    number_text(audit, edge->ntraces),
						    time_text(audit, edge->last_us) });
	}
}

/* "2026-09-01", or with a time; 0: it is no date. */
static int64_t review_us(const char *text)
{
	CLEANUP_FREE char *whole = xasprintf("%sT00:00:00Z", text);
	int64_t us = 0;

	if (rfc3339_parse(text, strlen(text), &us) < 0 &&
	    rfc3339_parse(whole, strlen(whole), &us) < 0)
		return 0;
	return us;
}

static void tell_entries(struct audit *audit)
{
	size_t n;
	const struct service_rule *const *services = rules_services(audit->rules, &n);

	for (size_t i = 0; i < n; i++) {
		const struct service_rule *rule = services[i];
		int64_t reviewed_us = rule->reviewed_at ? review_us(rule->reviewed_at) : 0;
		if (!map_get(audit->entries, rule->name))
			table_row(&audit->tables[SECTION_UNSEEN],
				  (const char *[]){ rule->name, rule->owner->name, rule->place });
		if (rule->reviewed_at && reviewed_us < audit->now_us - audit->reviewed_after_us)
			table_row(&audit->tables[SECTION_UNREVIEWED],
				  (const char *[]){ rule->name, rule->reviewed_at,
						    rule->owner->name, rule->place });
	}
}

static void tell_refusal(void *ctx, const struct refusal *refusal)
{
	struct audit *audit = ctx;

	table_row(&audit->tables[SECTION_REFUSALS],
		  (const char *[]){ arena_strdup(audit->arena, refusal->pager),
				    number_text(audit, refusal->n),
				    time_text(audit, refusal->last_us),
				    arena_strdup(audit->arena, refusal->error) });
}

static void tell_teams(struct audit *audit)
{
	sort(&audit->team_list, by_pages);
	for (size_t i = 0; i < audit->team_list.n; i++) {
		const struct team_count *count = audit->team_list.at[i];
		int64_t percent = (count->n * 200 / audit->npages + 1) / 2;
		table_row(&audit->tables[SECTION_TEAMS],
			  (const char *[]){ count->team, number_text(audit, count->n),
					    number_text(audit, percent) });
	}
}

/* A login page is an answer. */
static bool is_dead(const struct link *link)
{
	return link->status == 0 || link->status == 404 || link->status == 410 ||
	       link->status >= 500;
}

/* One address of an entry. */
struct entry_link {
	const struct service_rule *rule;
	const char *kind;
};

struct link_list {
	struct link *links;
	struct entry_link *of;
	size_t n;
};

/* An address with names in it is one only when an alert fills them in: those are left out. */
static void add_link(struct audit *audit, struct link_list *list, const struct service_rule *rule,
		     const char *kind, const struct rule_template *href)
{
	struct buf url = BUF_INIT(LIMIT_LABEL_BYTES);

	for (size_t i = 0; href && i < href->nparts; i++)
		if (href->parts[i].name != TEMPLATE_TEXT)
			return;
	if (!href)
		return;
	template_write(href, NULL, NULL, true, &url);
	list->links = xrealloc_array(list->links, list->n + 1, sizeof(*list->links));
	list->of = xrealloc_array(list->of, list->n + 1, sizeof(*list->of));
	list->links[list->n] = (struct link){ .url = arena_strdup(audit->arena, buf_text(&url)) };
	list->of[list->n++] = (struct entry_link){ rule, kind };
	buf_fini(&url);
}

static void add_links(struct audit *audit, struct link_list *list, const struct service_rule *rule)
{
	add_link(audit, list, rule, "runbook", rule->runbook);
	add_link(audit, list, rule, "dashboard", rule->dashboard);
	for (size_t i = 0; i < rule->nlinks; i++)
		add_link(audit, list, rule, rule->links[i].text, rule->links[i].href);
}

static int tell_links(struct audit *audit, struct err *err)
{
	struct link_list list = { NULL, NULL, 0 };
	size_t n;
	const struct service_rule *const *services = rules_services(audit->rules, &n);

	for (size_t i = 0; i < n; i++)
		add_links(audit, &list, services[i]);
	int result = links_ask(list.links, list.n, err);
	for (size_t i = 0; i < list.n && result == 0; i++) {
		const struct link *link = &list.links[i];
		const struct entry_link *of = &list.of[i];
		if (!is_dead(link))
			continue;
		const char *answer = link->status
					     ? arena_printf(audit->arena, "HTTP %d", link->status)
					     : arena_strdup(audit->arena, link->error);
		table_row(&audit->tables[SECTION_LINKS],
			  (const char *[]){ of->rule->name, of->kind, link->url, answer,
					    of->rule->place });
	}
	free(list.links);
	free(list.of);
	return result;
}

/* ---- the rules of the store ---- */

static int write_text(const char *path, const char *text, size_t len)
{
	CLEANUP_FCLOSE FILE *file = fopen(path, "we");

	return file && fwrite(text, 1, len, file) == len && fflush(file) == 0 ? 0 : -errno;
}

/* The loader reads files: they are laid out in a directory of their own for a moment. */
static struct ruleset *load_texts(const struct rule_file *files, int n, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	CLEANUP_FREE char *directory = xasprintf("%s/tracepager-audit.XXXXXX", tmp ? tmp : "/tmp");
	struct ruleset *rules = NULL;
	int error = mkdtemp(directory) ? 0 : -errno;

	for (int i = 0; i < n && !error; i++) {
		CLEANUP_FREE char *path = xasprintf("%s/%s", directory, files[i].name);
		error = strchr(files[i].name, '/') ? -EBADMSG
						   : write_text(path, files[i].text, files[i].len);
	}
	if (error)
		err_set(err, -error, "the stored rules cannot be laid out in %s: %s", directory,
			strerror(-error));
	else if (!(rules = past_rules(directory)))
		err_set(err, EINVAL, "the stored rules cannot be read; give --rules");
	for (int i = 0; i < n; i++) {
		CLEANUP_FREE char *path = xasprintf("%s/%s", directory, files[i].name);
		if (!strchr(files[i].name, '/'))
			unlink(path);
	}
	rmdir(directory);
	return rules;
}

static struct ruleset *stored_rules(struct audit *audit, struct err *err)
{
	struct buf opened = BUF_INIT(2 * LIMIT_RULES_BYTES);
	struct rule_file *files = NULL;
	struct ruleset *rules = NULL;
	struct blob texts = { NULL, 0 };
	int n = history_rules(audit->history, NULL, &texts, err);

	if (n == 0)
		err_set(err, ENOENT, "the store has no rules yet; give --rules");
	if (n > 0)
		n = rule_texts_open(texts.data, texts.len, &opened, &files, err);
	if (n > 0)
		rules = load_texts(files, n, err);
	free(files);
	free(texts.data);
	buf_fini(&opened);
	return rules;
}

/* ---- the command ---- */

static int complain(const char *text)
{
	fprintf(stderr, "tracepager audit: %s\n", text);
	return 2;
}

static int propose(struct audit *audit, const struct found *missing)
{
	struct buf out = BUF_INIT(OUTPUT_BYTES);
	int error = 0;

	audit_propose(missing, audit->rules, audit->now_us, &out);
	if (strcmp(audit->write_path, "-") == 0)
		fwrite(buf_text(&out), 1, out.len, stdout);
	else
		error = write_text(audit->write_path, buf_text(&out), out.len);
	buf_fini(&out);
	if (error)
		fprintf(stderr, "tracepager audit: cannot write %s: %s\n", audit->write_path,
			strerror(-error));
	return error;
}

/* The sections that are wanted, and whether one of them asks for something to be done. */
static int print(const struct audit *audit)
{
	struct table shown[SECTIONS];
	struct buf out = BUF_INIT(OUTPUT_BYTES);
	size_t n = 0;
	int status = 0;

	for (int section = 0; section < SECTIONS; section++) {
		if (section == SECTION_LINKS && !audit->check_links)
			continue;
		if (section != SECTION_TEAMS && audit->tables[section].ncells)
			status = 1;
		shown[n++] = audit->tables[section];
	}
	tables_write(shown, n, audit->format, &out);
	/* Beside a proposal on standard output, the report would be none of its rules. */
	if (!audit->write_path || strcmp(audit->write_path, "-") != 0)
		fwrite(buf_text(&out), 1, out.len, stdout);
	if (audit->unread)
		fprintf(stderr, "%lld decisions could not be read and are left out\n",
			(long long)audit->unread);
	if (audit->overfull)
		fputs("more services or calls were seen than are counted; some are left out\n",
		      stderr);
	buf_fini(&out);
	return status;
}

static int run(struct audit *audit)
{
	struct found missing = { NULL, 0 };
	struct err err = { 0 };

	if (history_open(audit->store_path, &audit->history, &err) < 0)
		return complain(err.text);
	audit->rules =
		audit->rules_path ? past_rules(audit->rules_path) : stored_rules(audit, &err);
	if (!audit->rules)
		return complain(audit->rules_path ? "the rules have errors" : err.text);
	if (!audit->reviewed_after_us)
		audit->reviewed_after_us = rules_defaults(audit->rules)->reviewed_after_us;
	if (!audit->reviewed_after_us)
		audit->reviewed_after_us = REVIEWED_AFTER_US;
	if (see_all(audit, &err) < 0 ||
	    history_refusals(audit->history, audit->since_us, tell_refusal, audit, &err) < 0 ||
	    (audit->check_links && tell_links(audit, &err) < 0))
		return complain(err.text);
	tell_seen(audit, &missing);
	tell_entries(audit);
	tell_teams(audit);
	int status = audit->write_path && propose(audit, &missing) < 0 ? 2 : print(audit);
	free(missing.at);
	return status;
}

static void audit_init(struct audit *audit)
{
	audit->arena = arena_new(ARENA_BYTES);
	audit->seen = map_new();
	audit->edges = map_new();
	audit->entries = map_new();
	audit->teams = map_new();
	memcpy(audit->tables, tables, sizeof(tables));
}

static void audit_fini(struct audit *audit)
{
	history_close(audit->history);
	rules_unref(audit->rules);
	map_free(audit->seen);
	map_free(audit->edges);
	map_free(audit->entries);
	map_free(audit->teams);
	free(audit->seen_list.at);
	free(audit->edge_list.at);
	free(audit->team_list.at);
	for (size_t i = 0; i < SECTIONS; i++)
		free(audit->tables[i].cells);
	arena_free(audit->arena);
}

static int take_option(struct audit *audit, int option, const char *value)
{
	static const char *const formats[] = { "text", "markdown", "json" };

	switch (option) {
	case 's':
		audit->store_path = value;
		return 0;
	case 'r':
		audit->rules_path = value;
		return 0;
	case 'w':
		audit->write_path = value;
		return 0;
	case 'l':
		audit->check_links = true;
		return 0;
	case 'd':
		audit->days = strtol(value, NULL, 10);
		return audit->days < 1 || audit->days > DAYS_MAX ? complain("--days is 1 to 90")
								 : 0;
	case 'a':
		return duration_parse(value, &audit->reviewed_after_us)
			       ? 0
			       : complain("--reviewed-after is a time such as 180d");
	case 'o':
		for (size_t i = 0; i < ARRAY_LEN(formats); i++)
			if (strcmp(formats[i], value) == 0) {
				audit->format = (enum table_format)i;
				return 0;
			}
		return complain("--format is text, json or markdown");
	default:
		return complain("--help tells the options");
	}
}

int cmd_audit(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "store", required_argument, NULL, 's' },
		{ "rules", required_argument, NULL, 'r' },
		{ "days", required_argument, NULL, 'd' },
		{ "reviewed-after", required_argument, NULL, 'a' },
		{ "check-links", no_argument, NULL, 'l' },
		{ "write", required_argument, NULL, 'w' },
		{ "format", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct audit audit = { .days = DAYS };
	int status = 0;

	for (int option; (option = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
		if (option == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if ((status = take_option(&audit, option, optarg)))
			return status;
	}
	if (optind < argc || !audit.store_path)
		return complain(optind < argc ? "it takes options only; --help tells them"
					      : "--store PATH is needed");
	audit.now_us = clock_wall_us(clock_system());
	audit.since_us = audit.now_us - audit.days * US_PER_DAY;
	audit_init(&audit);
	status = run(&audit);
	audit_fini(&audit);
	return status;
}
