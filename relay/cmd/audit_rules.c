/*
 * Audit, rules: the rules that the store used last, from the texts of their files, which it keeps.
 */
#include "audit-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "output-internal.h"
#include "tracepager/limits.h"
#include "tracepager/terminal.h"
#include "tracepager/xalloc.h"

/* Findings name the file in the store: the rules have other files, or none, by now. */
static struct ruleset *load_rule_texts(const struct rule_file *files, size_t n, struct err *err)
{
	struct arena *arena = arena_new(LIMIT_RULES_BYTES);
	struct rule_text *texts = arena_array(arena, n, sizeof(*texts));
	struct findings findings = { .at = NULL };
	struct ruleset *rules = NULL;

	for (size_t i = 0; i < n; i++)
		texts[i] = (struct rule_text){
			.name = arena_printf(arena, "the rules stored with the decision/%s",
					     files[i].name),
			.text = files[i].text,
			.len = files[i].len,
		};
	if (rules_parse_kept(texts, n, &rules, &findings) < 0) {
		output_findings(&findings, terminal_has_colour(STDERR_FILENO));
		err_set(err, EINVAL,
			"the rules stored with the decision have errors; give --rules");
	}
	findings_fini(&findings);
	arena_free(arena);
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
		rules = load_rule_texts(files, (size_t)n, err);
	free(files);
	free(texts.data);
	buf_fini(&opened);
	return rules;
}
