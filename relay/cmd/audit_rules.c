/*
 * Audit, rules: the rules that the store used last. The store keeps their files' texts, and the
 * loader reads files: the texts are written into a directory of their own for the time of the load.
 */
#include "audit-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output-internal.h"
#include "tracepager/limits.h"
#include "tracepager/terminal.h"
#include "tracepager/xalloc.h"

static struct ruleset *load_rule_texts(const struct rule_file *files, int n, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	CLEANUP_FREE char *directory = xasprintf("%s/tracepager-audit.XXXXXX", tmp ? tmp : "/tmp");
	const char *const paths[] = { directory };
	struct ruleset *rules = NULL;
	int error = mkdtemp(directory) ? 0 : -errno;

	for (int i = 0; i < n && !error; i++) {
		CLEANUP_FREE char *path = xasprintf("%s/%s", directory, files[i].name);
		error = strchr(files[i].name, '/')
				? -EBADMSG
				: output_write(path, files[i].text, files[i].len);
	}
	if (error)
		err_set(err, -error, "the stored rules cannot be written to %s: %s", directory,
			strerror(-error));
	else if (!(rules = output_load_rules(paths, 1, terminal_has_colour(STDERR_FILENO))))
		err_set(err, EINVAL, "the stored rules have errors; give --rules");
	for (int i = 0; i < n; i++) {
		CLEANUP_FREE char *path = xasprintf("%s/%s", directory, files[i].name);
		if (!strchr(files[i].name, '/'))
			unlink(path);
	}
	rmdir(directory);
	return rules;
}

struct ruleset *audit_stored_rules(struct history *history, struct err *err)
{
	struct buf opened = BUF_INIT(2 * LIMIT_RULES_BYTES);
	struct rule_file *files = NULL;
	struct ruleset *rules = NULL;
	struct blob texts = { NULL, 0 };
	int n = history_rules(history, NULL, &texts, err);

	if (n == 0)
		err_set(err, ENOENT, "the store has no rules yet; give --rules");
	if (n > 0)
		n = rule_texts_open(texts.data, texts.len, &opened, &files, err);
	if (n > 0)
		rules = load_rule_texts(files, n, err);
	free(files);
	free(texts.data);
	buf_fini(&opened);
	return rules;
}
