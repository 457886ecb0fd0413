/*
 * Reload: one load at a time in the pool, then its result on the loop. A look at the files for
 * changes is a load that ends before it reads them. Owns the rules in force, the watch of their
 * files, and the HTTP exchanges that wait for a load.
 */
#include "reload-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/rules_load.h"
#include "tracepager/ruletest.h"
#include "tracepager/xalloc.h"

struct reload_load {
	struct reload *owner;
	struct reload_attempt attempt;
	struct ruleset *rules;
	uint64_t stamp;		   /* of reload->paths, before they were read */
	struct reload_paths paths; /* what was read */
	struct http_exchange **waiting;
	size_t nwaiting;
};

static const struct {
	const char *in_force, *kept, *error, *warning;
	enum metric ok, failed, hash;
} roles[RELOAD_ROLE_COUNT] = {
	[RELOAD_LIVE] = { "rules are in force",
			  "the rules were not loaded; the old ones stay in force", "rules: error",
			  "rules: warning", METRIC_RELOADS_OK, METRIC_RELOADS_FAILED,
			  METRIC_RULES },
	[RELOAD_SHADOW] = { "the shadow rules are loaded",
			    "the shadow rules were not loaded; the old ones stay in use",
			    "shadow rules: error", "shadow rules: warning",
			    METRIC_SHADOW_RELOADS_OK, METRIC_SHADOW_RELOADS_FAILED,
			    METRIC_SHADOW_RULES },
};

/* ---- paths ---- */

static void paths_add(struct reload_paths *paths, const char *path)
{
	if (!paths->known)
		paths->known = map_new();
	if (map_put(paths->known, path, paths))
		return;
	if ((paths->n & (paths->n - 1)) == 0)
		paths->at =
			xrealloc_array(paths->at, paths->n ? paths->n * 2 : 1, sizeof(*paths->at));
	paths->at[paths->n++] = xstrdup(path);
}

static void paths_fini(struct reload_paths *paths)
{
	for (size_t i = 0; i < paths->n; i++)
		free(paths->at[i]);
	free(paths->at);
	map_free(paths->known);
	*paths = (struct reload_paths){ .at = NULL };
}

/* Does a directory in the list stand for the file already? */
static bool paths_cover(const struct reload_paths *paths, const char *file)
{
	const char *slash = strrchr(file, '/');
	CLEANUP_FREE char *directory = slash ? xstrndup(file, (size_t)(slash - file)) : NULL;

	return directory && watch_is_rules_name(slash + 1) && map_get(paths->known, directory);
}

/* The path of the rules, and the files outside of it that were read. If the rules
 * could not be loaded, only the files with findings are known. */
static void paths_add_load(struct reload_paths *paths, const char *path,
			   const struct ruleset *rules, const struct findings *findings)
{
	const char *const *files = NULL;
	size_t n = 0;

	paths_add(paths, path);
	if (rules)
		files = rules_files(rules, &n);
	for (size_t i = 0; i < n; i++)
		if (!paths_cover(paths, files[i]))
			paths_add(paths, files[i]);
	for (size_t i = 0; i < findings->n; i++)
		if (!paths_cover(paths, findings->at[i].file))
			paths_add(paths, findings->at[i].file);
}

static bool paths_equal(const struct reload_paths *paths, const struct reload_paths *others)
{
	if (paths->n != others->n)
		return false;
	for (size_t i = 0; i < paths->n; i++)
		if (!map_get(others->known, paths->at[i]))
			return false;
	return true;
}

/* ---- in the pool ---- */

static void load_run_tests(struct reload_load *load, const char *path)
{
	const char *paths[] = { path };
	const struct rule_tests_options options = { .paths = paths, .npaths = 1 };
	struct reload_attempt *attempt = &load->attempt;
	struct rule_tests tests;

	rule_tests_run(load->rules, &options, &tests);
	attempt->tests = tests.n;
	attempt->tests_failed = tests.nfailed;
	if (!rule_tests_passed(&tests)) {
		attempt->outcome = RELOAD_TESTS_FAILED;
		findings_take(&attempt->findings, &tests.findings);
		for (size_t i = 0; i < tests.n; i++)
			findings_take(&attempt->findings, &tests.at[i].findings);
	}
	rule_tests_fini(&tests);
}

static bool is_gone(const char *path)
{
	struct stat status;

	return stat(path, &status) < 0 && errno == ENOENT;
}

static void load_read_rules(struct reload_load *load)
{
	const struct reload *reload = load->owner;
	struct reload_attempt *attempt = &load->attempt;
	const char *paths[] = { reload->env.path };

	if (reload->env.role == RELOAD_SHADOW && is_gone(reload->env.path)) {
		attempt->outcome = RELOAD_GONE;
		return;
	}
	attempt->findings.now_us = clock_wall_us(reload->env.clock);
	int result = rules_load(paths, 1, true, &load->rules, &attempt->findings);
	attempt->outcome = result == 0	       ? RELOAD_TAKEN
			   : result == -EINVAL ? RELOAD_INVALID
					       : RELOAD_UNREADABLE;
	if (result == 0 && reload->env.test)
		load_run_tests(load, reload->env.path);
}

static void load_run(void *arg)
{
	struct reload_load *load = arg;
	struct reload *reload = load->owner;

	load->stamp = watch_stamp((const char *const *)reload->paths.at, reload->paths.n);
	if (load->attempt.cause == RELOAD_BY_WATCH &&
	    !watch_is_due(&reload->watch, load->stamp, clock_mono_us(reload->env.clock))) {
		load->attempt.outcome = RELOAD_UNCHANGED;
		return;
	}
	load_read_rules(load);
	paths_add_load(&load->paths, reload->env.path, load->rules, &load->attempt.findings);
}

/* ---- the result ---- */

static void log_findings(const struct reload *reload, const struct findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		const struct finding *finding = &findings->at[i];
		bool error = finding->level == FINDING_ERROR;
		LOG_AT(error ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
		       error ? roles[reload->env.role].error : roles[reload->env.role].warning,
		       LOG_STR("file", finding->file), LOG_INT("line", finding->line),
		       LOG_INT("column", finding->column), LOG_STR("code", finding->code),
		       LOG_STR("text", finding->text));
	}
}

static void tell_in_force(const struct reload *reload)
{
	size_t teams, pagers, services, signals;

	rules_count(reload->rules, &teams, &pagers, &services, &signals);
	if (reload->env.role == RELOAD_LIVE) {
		metric_set(METRIC_RELOAD_SUCCESSFUL, 1);
		metric_set(METRIC_RELOAD_TIME, clock_wall_us(reload->env.clock));
	}
	metric_tell(roles[reload->env.role].hash, rules_hash(reload->rules));
	log_info(roles[reload->env.role].in_force, LOG_STR("hash", rules_hash(reload->rules)),
		 LOG_INT("teams", (int64_t)teams), LOG_INT("pagers", (int64_t)pagers),
		 LOG_INT("services", (int64_t)services), LOG_INT("signals", (int64_t)signals));
}

static bool is_in_force(const struct reload *reload, const struct ruleset *rules)
{
	return reload->rules && rules && strcmp(rules_hash(reload->rules), rules_hash(rules)) == 0;
}

static void put_in_force(struct reload *reload, struct ruleset *rules)
{
	if (!is_in_force(reload, rules))
		reload->since_us = clock_wall_us(reload->env.clock);
	else
		rules_keep_hits(rules, reload->rules);
	rules_unref(reload->rules);
	reload->rules = rules_ref(rules);
}

/* Files that were touched without a change of the rules are not logged. */
static void reload_take(struct reload *reload, const struct reload_load *load)
{
	bool quiet = is_in_force(reload, load->rules) && reload->last.outcome == RELOAD_TAKEN &&
		     load->attempt.cause != RELOAD_BY_REQUEST;

	put_in_force(reload, load->rules);
	reload->env.swap(reload->env.ctx, reload->rules);
	if (quiet)
		return;
	metric_add(roles[reload->env.role].ok, 1);
	log_findings(reload, &load->attempt.findings);
	tell_in_force(reload);
}

static bool findings_are_same(const struct findings *findings, const struct findings *others)
{
	if (findings->n != others->n || findings->nerrors != others->nerrors)
		return false;
	for (size_t i = 0; i < findings->n; i++)
		if (strcmp(findings->at[i].code, others->at[i].code) != 0 ||
		    strcmp(findings->at[i].text, others->at[i].text) != 0)
			return false;
	return true;
}

/* A retry that fails as the last load did is neither logged nor counted. */
static bool attempt_is_same(const struct reload_attempt *attempt, const struct reload_attempt *last)
{
	return attempt->cause == RELOAD_BY_RETRY && attempt->outcome == last->outcome &&
	       findings_are_same(&attempt->findings, &last->findings);
}

static void reload_keep_old(const struct reload *reload, const struct reload_attempt *attempt)
{
	if (attempt_is_same(attempt, &reload->last))
		return;
	metric_add(roles[reload->env.role].failed, 1);
	if (reload->env.role == RELOAD_LIVE) {
		metric_set(METRIC_RELOAD_SUCCESSFUL, 0);
		metric_add(attempt->outcome == RELOAD_UNREADABLE ? METRIC_RELOADS_UNREADABLE
			   : attempt->outcome == RELOAD_INVALID	 ? METRIC_RELOADS_INVALID
								 : METRIC_RELOADS_TESTS,
			   1);
	}
	log_findings(reload, &attempt->findings);
	log_error(roles[reload->env.role].kept,
		  LOG_INT("errors", (int64_t)attempt->findings.nerrors),
		  LOG_INT("tests", (int64_t)attempt->tests),
		  LOG_INT("tests_failed", (int64_t)attempt->tests_failed));
}

static void reload_take_none(struct reload *reload)
{
	if (!reload->rules)
		return;
	log_info("the shadow rules are gone", LOG_STR("path", reload->env.path));
	metric_tell(roles[reload->env.role].hash, NULL);
	rules_unref(reload->rules);
	reload->rules = NULL;
	reload->env.swap(reload->env.ctx, NULL);
}

static void reload_finish_attempt(struct reload *reload, struct reload_load *load)
{
	switch (load->attempt.outcome) {
	case RELOAD_UNCHANGED:
		return;
	case RELOAD_TAKEN:
		reload_take(reload, load);
		break;
	case RELOAD_UNREADABLE:
	case RELOAD_INVALID:
	case RELOAD_TESTS_FAILED:
		reload_keep_old(reload, &load->attempt);
		break;
	case RELOAD_GONE:
		reload_take_none(reload);
		break;
	}
	findings_fini(&reload->last.findings);
	reload->last = load->attempt;
	load->attempt.findings = (struct findings){ .at = NULL };
}

static void reload_answer(struct http_exchange *exchange, const struct reload *reload)
{
	const struct reload_attempt *attempt = &reload->last;
	struct buf text = BUF_INIT(LIMIT_RELOAD_TEXT_BYTES);

	bool good = attempt->outcome == RELOAD_TAKEN;

	if (reload->env.add_answer && !reload->env.add_answer(reload->env.ctx, &text))
		good = false;
	findings_write(&attempt->findings, false, &text);
	reload_write_outcome(reload, attempt, &text);
	buf_putc(&text, '\n');
	http_exchange_reply(exchange, good ? 200 : 400, "text/plain; charset=utf-8",
			    buf_text(&text), text.len, 0);
	buf_fini(&text);
}

static void reload_load_free(struct reload_load *load)
{
	if (!load)
		return;
	findings_fini(&load->attempt.findings);
	rules_unref(load->rules);
	paths_fini(&load->paths);
	free(load->waiting);
	free(load);
}

/* ---- one at a time ---- */

static void load_on_done(void *arg);

/* Start a load, or, if one is under way, share the next. */
static struct reload_load *reload_start(struct reload *reload, enum reload_cause cause)
{
	struct reload_load **slot = reload->load ? &reload->next : &reload->load;

	if (!*slot) {
		*slot = xcalloc(1, sizeof(**slot));
		(*slot)->owner = reload;
		(*slot)->attempt.cause = cause;
		if (slot == &reload->load)
			pool_submit(reload->env.pool, load_run, load_on_done, reload->load);
	} else if ((*slot)->attempt.cause < cause) {
		(*slot)->attempt.cause = cause;
	}
	return *slot;
}

/* The next looks are at the files that the load read. After a load that failed also at the former
 * ones: which files it did not reach is unknown. */
static void reload_keep_paths(struct reload *reload, struct reload_load *load)
{
	struct reload_paths *paths = &load->paths;

	if (load->attempt.outcome != RELOAD_TAKEN && load->attempt.outcome != RELOAD_GONE)
		for (size_t i = 0; i < reload->paths.n; i++)
			paths_add(paths, reload->paths.at[i]);
	watch_set_loaded(&reload->watch, paths_equal(paths, &reload->paths) ? load->stamp : 0);
	paths_fini(&reload->paths);
	reload->paths = *paths;
	*paths = (struct reload_paths){ .at = NULL };
}

static void load_on_done(void *arg)
{
	struct reload_load *load = arg;
	struct reload *reload = load->owner;

	load->attempt.at_us = clock_wall_us(reload->env.clock);
	reload_finish_attempt(reload, load);
	for (size_t i = 0; i < load->nwaiting; i++)
		reload_answer(load->waiting[i], reload);
	if (load->attempt.outcome != RELOAD_UNCHANGED) {
		reload_keep_paths(reload, load);
		reload->tried_us = clock_mono_us(reload->env.clock);
	}
	reload_load_free(load);
	reload->load = reload->next;
	reload->next = NULL;
	if (!reload->load && reload->env.idle)
		reload->env.idle(reload->env.ctx);
	if (reload->load)
		pool_submit(reload->env.pool, load_run, load_on_done, reload->load);
	else if (reload->env.watch)
		timer_arm(reload->env.timers, &reload->timer,
			  clock_mono_us(reload->env.clock) + watch_pause_us(&reload->watch));
}

/* What a load failed on may be mended outside of the files that are watched: the mode of a key's
 * file, or a user's group. A change of the files that is under way is the watch's. */
static bool reload_wants_retry(const struct reload *reload)
{
	const enum reload_outcome outcome = reload->last.outcome;

	return (outcome == RELOAD_UNREADABLE || outcome == RELOAD_INVALID ||
		outcome == RELOAD_TESTS_FAILED) &&
	       !reload->watch.changing &&
	       clock_mono_us(reload->env.clock) - reload->tried_us >= LIMIT_RELOAD_RETRY_US;
}

static void reload_on_timer(void *arg)
{
	struct reload *reload = arg;

	reload_start(reload, reload_wants_retry(reload) ? RELOAD_BY_RETRY : RELOAD_BY_WATCH);
}

void reload_ask(struct reload *reload, struct http_exchange *exchange)
{
	static const char fixed[] =
		"{\"error\": \"these rules are built in; there is nothing to load again\"}\n";

	if (reload->fixed) {
		if (exchange)
			http_exchange_reply(exchange, 400, NULL, fixed, sizeof(fixed) - 1, 0);
		return;
	}
	struct reload_load *load = reload_start(reload, RELOAD_BY_REQUEST);
	if (!exchange)
		return;
	load->waiting = xrealloc_array(load->waiting, load->nwaiting + 1, sizeof(*load->waiting));
	load->waiting[load->nwaiting++] = exchange;
}

/* ---- interface ---- */

struct reload *reload_new(const struct reload_env *env)
{
	struct reload *reload = xcalloc(1, sizeof(*reload));

	reload->env = *env;
	reload->timer.fire = reload_on_timer;
	reload->timer.arg = reload;
	return reload;
}

void reload_free(struct reload *reload)
{
	if (!reload)
		return;
	timer_disarm(reload->env.timers, &reload->timer);
	reload_load_free(reload->load);
	reload_load_free(reload->next);
	paths_fini(&reload->paths);
	findings_fini(&reload->last.findings);
	rules_unref(reload->rules);
	free(reload);
}

int reload_first(struct reload *reload, struct findings *findings)
{
	const char *paths[] = { reload->env.path };
	struct ruleset *rules = NULL;
	int result;

	findings->now_us = clock_wall_us(reload->env.clock);
	result = rules_load(paths, 1, true, &rules, findings);
	if (result < 0)
		return result;
	put_in_force(reload, rules);
	rules_unref(rules);
	reload->last.outcome = RELOAD_TAKEN;
	reload->last.at_us = reload->since_us;
	log_findings(reload, findings);
	tell_in_force(reload);
	return 0;
}

void reload_fix(struct reload *reload, struct ruleset *rules)
{
	put_in_force(reload, rules);
	reload->fixed = true;
	tell_in_force(reload);
}

void reload_begin(struct reload *reload)
{
	const struct findings none = { .at = NULL };

	paths_add_load(&reload->paths, reload->env.path, reload->rules, &none);
	reload_start(reload, RELOAD_BY_START);
}

struct reload_view reload_look(const struct reload *reload)
{
	return (struct reload_view){
		.rules = reload->rules,
		.path = reload->fixed ? NULL : reload->env.path,
		.watched = reload->env.watch && !reload->fixed,
		.since_us = reload->since_us,
		.last_us = reload->last.at_us,
		.taken = reload->last.outcome == RELOAD_TAKEN,
		.findings = &reload->last.findings,
	};
}

struct ruleset *reload_rules(const struct reload *reload)
{
	return reload->rules;
}
