/*
 * tracepager store: copies and checks the daemon's store, beside a running daemon. Writes nothing
 * but the copy.
 */
#include "commands-internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "options-internal.h"
#include "usage-internal.h"
#include "tracepager/backup.h"
#include "tracepager/buf.h"
#include "tracepager/findings.h"
#include "tracepager/history.h"
#include "tracepager/past.h"
#include "tracepager/xalloc.h"

/* ---- check ---- */

struct store_checking {
	const char *path;
	size_t nproblems;
};

static void store_on_problem(void *ctx, const char *problem)
{
	struct store_checking *checking = ctx;

	checking->nproblems++;
	printf("%s: %s\n", checking->path, problem);
}

/* Unpacks every decision with its alert, its traces and its healthy evidence, as replay does. */
static void check_decisions(struct store_checking *checking, int64_t *ret_decisions)
{
	struct history *history = NULL;
	struct past past = { 0 };
	struct err err = { 0 };
	int64_t pos = 0;
	int found = history_open(checking->path, &history, &err);

	while (found == 0 &&
	       (found = history_next(history, INT64_MIN, INT64_MAX, &pos, &past, &err)) > 0) {
		struct opened opened;
		if (opened_init(&opened, &past, NULL, &err) < 0) {
			CLEANUP_FREE char *problem =
				xasprintf("decision %" PRId64 ": %s", past.id, err.text);
			store_on_problem(checking, problem);
		}
		opened_fini(&opened);
		past_fini(&past);
		(*ret_decisions)++;
		found = 0;
	}
	if (found < 0)
		store_on_problem(checking, err.text);
	history_close(history);
}

static int store_check(const char *path)
{
	struct store_checking checking = { .path = path };
	int64_t records = 0, decisions = 0;
	struct err err = { 0 };

	if (backup_check(path, store_on_problem, &checking, &records, &err) < 0)
		return command_failed(STATUS_USAGE, "store", "%s", err.text);
	check_decisions(&checking, &decisions);
	printf("%s: %" PRId64 " record%s read, %" PRId64 " decision%s unpacked, %zu problem%s\n",
	       path, records, records == 1 ? "" : "s", decisions, decisions == 1 ? "" : "s",
	       checking.nproblems, checking.nproblems == 1 ? "" : "s");
	return checking.nproblems > 0;
}

/* ---- backup ---- */

static int store_backup(const char *path, const char *to)
{
	struct err err = { 0 };

	if (!to)
		return usage_error("store", "backup needs --output FILE");
	if (backup_write(path, to, &err) < 0)
		return command_failed(STATUS_USAGE, "store", "%s", err.text);
	int status = store_check(to);
	if (status == 0)
		printf("%s is a copy of %s\n", to, path);
	return status;
}

int cmd_store(int argc, char **argv)
{
	static const char *const actions[] = { "backup", "check" };
	struct store_options options;
	int status;

	if (!options_parse_store(argc, argv, &options, &status))
		return status;
	const char *action = options.arguments.at[0];
	if (strcmp(action, "backup") == 0)
		return store_backup(options.store, options.output);
	if (strcmp(action, "check") == 0)
		return store_check(options.store);
	const char *nearest = nearest_word(action, actions, ARRAY_LEN(actions));
	return usage_error("store", "\"%s\" is neither backup nor check%s%s%s", action,
			   nearest ? "; did you mean \"" : "", nearest ? nearest : "",
			   nearest ? "\"?" : "");
}
