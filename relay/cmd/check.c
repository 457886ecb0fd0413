/*
 * tracepager check: everything that is wrong with rules, in one pass. Loads them as the daemon
 * does, prints what the load found, and changes nothing. With a store it also knows the words of
 * the past.
 */
#include "commands-internal.h"
#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include "options-internal.h"
#include "output-internal.h"
#include "usage-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/credential.h"
#include "tracepager/limits.h"
#include "tracepager/past_words.h"
#include "tracepager/service_user.h"
#include "tracepager/terminal.h"

/* Its owner is the relay's user, where root looks. */
static const char default_store[] = "/var/lib/tracepager/tracepager.db";

/* Without codes all codes are listed. */
static int explain_codes(const char *const *codes, size_t n)
{
	struct buf out = BUF_INIT(LIMIT_FINDINGS_TEXT_BYTES);
	const char *code, *unknown = NULL;

	for (size_t i = 0; !n && (code = finding_code(i)); i++)
		buf_printf(&out, "%s  %s\n", code, finding_explain(code));
	for (size_t i = 0; i < n && !unknown; i++) {
		if (i)
			buf_putc(&out, '\n');
		if (!finding_explain_write(codes[i], &out))
			unknown = codes[i];
	}
	fputs(buf_text(&out), stdout);
	buf_fini(&out);
	return unknown ? usage_error("check", "there is no code %s", unknown) : 0;
}

static void check_add_json(struct buf *out, const struct ruleset *rules,
			   const struct findings *findings)
{
	const struct rules_seen *seen = &findings->seen;

	buf_putc(out, '{');
	buf_json_int(out, "version", 1);
	buf_json_int(out, "errors", (int64_t)findings->nerrors);
	buf_json_int(out, "warnings", (int64_t)findings->nwarnings);
	buf_json_int(out, "files", (int64_t)seen->files);
	buf_json_int(out, "teams", (int64_t)seen->teams);
	buf_json_int(out, "pagers", (int64_t)seen->pagers);
	buf_json_int(out, "services", (int64_t)seen->services);
	buf_json_int(out, "signals", (int64_t)seen->signals);
	if (rules)
		buf_json_text(out, "hash", rules_hash(rules));
	buf_json_key(out, "findings");
	findings_write_array(findings, SIZE_MAX, out);
	buf_puts(out, "}\n");
}

/* The words of the past; NULL: there is no past to read, and a message says so. */
static struct seen_words *read_past_words(const char *store, int64_t now_us)
{
	struct history *history = NULL;
	struct seen_words *words = NULL;
	struct err err;

	if (history_open(store, &history, &err) == 0)
		words = past_words_read(history, now_us, &err);
	if (!words)
		fprintf(stderr, "tracepager check: %s\n", err.text);
	history_close(history);
	return words;
}

static int check_paths(const struct check_options *options, const char *const *paths, size_t npaths)
{
	struct findings findings = { .now_us = clock_wall_us(clock_system()) };
	struct seen_words *words = NULL;
	struct ruleset *rules = NULL;
	struct buf out = BUF_INIT(LIMIT_FINDINGS_TEXT_BYTES);

	credential_expect_elsewhere();
	service_user_expect(options->store ? options->store : default_store);
	if (options->store && !(words = read_past_words(options->store, findings.now_us)))
		return 2;
	findings.words = words;
	rules_load(paths, npaths, !options->no_secrets, &rules, &findings);
	switch (options->format) {
	case CHECK_TEXT:
		findings_write(&findings, terminal_has_colour(STDOUT_FILENO), &out);
		output_add_rules_seen(&out, "", &findings.seen);
		output_add_problems(&out, &findings);
		buf_putc(&out, '\n');
		break;
	case CHECK_JSON:
		check_add_json(&out, rules, &findings);
		break;
	case CHECK_SARIF:
		findings_write_sarif(&findings, PACKAGE_VERSION, &out);
		break;
	}
	output_unread_credentials("check");
	bool failed = findings.nerrors > 0 || (options->deny_warnings && findings.nwarnings > 0);
	bool written = output_print(&out) == 0;
	buf_fini(&out);
	rules_unref(rules);
	findings_fini(&findings);
	seen_words_free(words);
	return failed || !written;
}

int cmd_check(int argc, char **argv)
{
	static const char *const default_paths[] = { DEFAULT_RULES_PATH };
	struct check_options options;
	int status;

	if (!options_parse_check(argc, argv, &options, &status))
		return status;
	const char *const *arguments = (const char *const *)options.arguments.at;
	if (options.explain)
		return *options.explain ? explain_codes(&options.explain, 1)
					: explain_codes(arguments, options.arguments.n);
	if (!options.arguments.n)
		return check_paths(&options, default_paths, 1);
	return check_paths(&options, arguments, options.arguments.n);
}
