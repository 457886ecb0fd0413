/*
 * Preflight: a start, tried without starting. The options with their files and the address are
 * config's to try; here are the rules with their tests, the store's file, and what the machine
 * gives. Everything becomes a finding, for run --check and for doctor. Owns nothing.
 */
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "tracepager/clock.h"
#include "tracepager/doctor.h"
#include "tracepager/limits.h"
#include "tracepager/rules_load.h"
#include "tracepager/ruletest.h"
#include "tracepager/service_user.h"
#include "tracepager/store_look.h"
#include "tracepager/xalloc.h"
#include "tracepager/ydoc.h"

/* Adds a finding about the options as a whole: its cause is not in their file. */
#define PREFLIGHT_FINDING(preflight, path, level, code, hint, ...)                                 \
	findings_add(&(preflight)->findings, level, code, path, hint, __VA_ARGS__)

/* ---- rules ---- */

/* Do all pagers of the escalation write to a console? */
static bool escalation_is_console(const struct escalation *escalation)
{
	for (size_t i = 0; escalation && i < escalation->nsteps; i++)
		for (size_t k = 0; k < escalation->steps[i].npagers; k++)
			if (escalation->steps[i].pagers[k]->kind != PAGER_CONSOLE)
				return false;
	return escalation;
}

static void preflight_fallback(struct preflight *preflight)
{
	const struct team *team = rules_fallback(preflight->rules);

	if (team && escalation_is_console(team->escalation))
		findings_add(&preflight->findings, FINDING_WARNING, "C051", team->place,
			     "give the team a pager that reaches people; tracepager-rules(5) has "
			     "the kinds",
			     "the pages of the fallback team %s go to a console only, so that "
			     "nobody is woken",
			     team->name);
}

static void preflight_tests(struct preflight *preflight)
{
	const struct rule_tests_options options = {
		.paths = (const char *const[]){ preflight->config->rules },
		.npaths = 1,
	};
	struct rule_tests tests;

	rule_tests_run(preflight->rules, &options, &tests);
	preflight->ntests = tests.n;
	if (!rule_tests_passed(&tests)) {
		CLEANUP_FREE char *cure = xasprintf("tracepager test %s", preflight->config->rules);
		findings_add(&preflight->findings, FINDING_WARNING, "C050",
			     preflight->config->rules, cure,
			     "%zu of %zu rule tests fail%s; a start takes the rules, a reload "
			     "refuses them",
			     tests.nfailed, tests.n,
			     tests.nfailed ? "" : ", and a file of tests has errors");
	}
	rule_tests_fini(&tests);
}

/* Names of the senders that the conditions of routes may ask for. The caller frees the array. */
static const char **preflight_senders(const struct config *config, size_t *ret_n)
{
	const char **names = xcalloc(config->nsenders + 1, sizeof(*names));

	for (size_t i = 0; i < config->nsenders; i++)
		names[i] = config->senders[i].name;
	*ret_n = config->sure_of_senders ? config->nsenders : 0;
	return names;
}

/* The self-check stops at such a name, and no heartbeat leaves. */
static void preflight_through(struct preflight *preflight)
{
	const struct config *config = preflight->config;
	const struct ynode *map = config->doc ? ynode_get(config->doc->root, "heartbeat") : NULL;
	size_t n = 0;
	const struct signal_rule *const *signals = rules_signals(preflight->rules, &n);
	const char **names = xcalloc(n + 1, sizeof(*names));
	bool found = !*config->heartbeat_through || !map;

	for (size_t i = 0; i < n; i++) {
		names[i] = signals[i]->name;
		found = found || strcmp(names[i], config->heartbeat_through) == 0;
	}
	if (!found)
		ydoc_finding(config->doc, ynode_get(map, "through"), FINDING_WARNING, "C055",
			     &preflight->findings,
			     n ? words_hint(config->arena, config->heartbeat_through, names, n)
			       : "leave heartbeat.through out: the rules have no signals",
			     "heartbeat.through: the rules have no signal \"%s\", so that no "
			     "heartbeat leaves",
			     config->heartbeat_through);
	free(names);
}

static bool preflight_rules(struct preflight *preflight)
{
	const char *paths[] = { preflight->config->rules };
	struct findings *findings = &preflight->findings;
	const char **senders = preflight_senders(preflight->config, &findings->nsenders);

	findings->senders = senders;
	const int error = rules_load(paths, 1, true, &preflight->rules, findings);
	findings->senders = NULL;
	findings->nsenders = 0;
	free(senders);
	if (error < 0)
		return false;
	preflight_through(preflight);
	preflight_fallback(preflight);
	preflight_tests(preflight);
	return true;
}

/* ---- the store ---- */

static bool preflight_has_code(const struct preflight *preflight, const char *code)
{
	for (size_t i = 0; i < preflight->findings.n; i++)
		if (strcmp(preflight->findings.at[i].code, code) == 0)
			return true;
	return false;
}

static void preflight_on_problem(void *ctx, const char *problem)
{
	struct preflight *preflight = ctx;
	CLEANUP_FREE char *cure = xasprintf("copy it (tracepager store backup --store %s), and see "
					    "tracepager store check",
					    preflight->config->store_path);

	if (!preflight_has_code(preflight, "C052"))
		PREFLIGHT_FINDING(preflight, preflight->config->store_path, FINDING_WARNING, "C052",
				  cure, "the store is damaged: %s", problem);
}

static void preflight_older_schema(struct preflight *preflight, const struct store_look *look)
{
	const char *path = preflight->config->store_path;
	CLEANUP_FREE char *cure = xasprintf(
		"to be able to go back, copy it first: tracepager store backup --store %s "
		"--output FILE",
		path);

	PREFLIGHT_FINDING(preflight, path, FINDING_WARNING, "C049", cure,
			  "the store is of schema %d; a start changes it to %d for good",
			  look->schema, look->newest);
}

static bool preflight_store(struct preflight *preflight)
{
	const char *path = preflight->config->store_path;
	struct store_look look;
	struct err err = { 0 };

	int error = store_look(path, &look, &err);
	preflight->schema = look.schema;
	if (error && look.replaced) {
		PREFLIGHT_FINDING(
			preflight, path, FINDING_WARNING, "C049",
			"restore a backup, if there is one",
			"the store is damaged; a start puts it aside, and begins a new one "
			"with what can be read");
		return true;
	}
	if (error && preflight_has_code(preflight, "C024"))
		return true; /* that says why */
	if (error) {
		PREFLIGHT_FINDING(preflight, path, FINDING_ERROR, "C049",
				  "look at it with \"tracepager store check\"", "%s", err.text);
		return false;
	}
	if (look.schema && look.schema < look.newest)
		preflight_older_schema(preflight, &look);
	if (look.schema)
		store_look_inside(path, LIMIT_PREFLIGHT_STORE_US, preflight_on_problem, preflight,
				  &err);
	return true;
}

/* ---- the machine ---- */

static void preflight_disk(struct preflight *preflight)
{
	CLEANUP_FREE char *copy = xstrdup(preflight->config->store_path);
	const char *directory = dirname(copy);
	struct statvfs system;

	preflight->disk_bytes = preflight->inodes = -1;
	if (statvfs(directory, &system) < 0)
		return;
	preflight->disk_bytes = (int64_t)(system.f_bavail * system.f_frsize);
	if (system.f_files)
		preflight->inodes = (int64_t)system.f_favail;
	if (preflight->disk_bytes < LIMIT_DISK_LEAST_BYTES)
		PREFLIGHT_FINDING(
			preflight, preflight->config->store_path, FINDING_WARNING, "C047",
			"free some space there, or move the store (store: path)",
			"the file system of %s has %lld MiB free: a storm of alerts fills "
			"it",
			directory, (long long)(preflight->disk_bytes >> 20));
	else if (preflight->inodes >= 0 && preflight->inodes < LIMIT_INODES_LEAST)
		PREFLIGHT_FINDING(preflight, preflight->config->store_path, FINDING_WARNING, "C047",
				  "remove files there, or move the store (store: path)",
				  "the file system of %s has %lld inodes free", directory,
				  (long long)preflight->inodes);
}

static void preflight_descriptors(struct preflight *preflight, const char *path)
{
	struct rlimit limit;

	preflight->descriptors = -1;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	preflight->descriptors = limit.rlim_max > INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_max;
	if (preflight->descriptors < LIMIT_DESCRIPTORS_WANTED)
		PREFLIGHT_FINDING(preflight, path ? path : "tracepager", FINDING_WARNING, "C048",
				  "set LimitNOFILE=16384 in the unit, or ulimit -Hn before the "
				  "start",
				  "%lld open files are allowed: the relay serves %lld connections "
				  "at a time",
				  (long long)preflight->descriptors,
				  (long long)(preflight->descriptors / 2));
}

/* ---- the whole ---- */

char *preflight_store_path(const char *path)
{
	struct findings findings = { .at = NULL };
	struct config *config = NULL;
	char *text = NULL, *store = NULL;
	size_t len = 0;

	if (!path || ydoc_slurp(path, &text, &len) == 0)
		if (config_parse("options", text ? text : "{}", text ? len : 2, false, &config,
				 &findings) == 0)
			store = xstrdup(config->store_path);
	config_free(config);
	findings_fini(&findings);
	free(text);
	return store;
}

bool preflight_run(const char *path, int64_t wall_us, struct preflight *ret_preflight)
{
	CLEANUP_FREE char *store = preflight_store_path(path);
	struct preflight *preflight = ret_preflight;

	*preflight = (struct preflight){ .findings = { .now_us = wall_us } };
	if (store)
		service_user_expect(store);
	int error = config_check(path, &preflight->config, &preflight->findings);
	preflight->read = error == 0 || error == -EINVAL;
	bool good = error == 0;
	if (preflight->read) {
		if (!preflight->config->rules_unread)
			good = preflight_rules(preflight) && good;
		if (!preflight->config->store_unread) {
			good = preflight_store(preflight) && good;
			preflight_disk(preflight);
		}
		preflight_descriptors(preflight, path);
	}
	return good && !preflight->findings.nerrors;
}

void preflight_fini(struct preflight *preflight)
{
	rules_unref(preflight->rules);
	findings_fini(&preflight->findings);
	config_free(preflight->config);
	*preflight = (struct preflight){ .config = NULL };
}
