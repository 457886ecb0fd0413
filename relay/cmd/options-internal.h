/*
 * Options: the command line of each command, read by the table of command_options.def. A command
 * says options_parse_NAME() and gets a struct with everything in it; what was called wrongly is
 * told with what is allowed instead, and --help is printed. Nothing here runs a command.
 *
 * Texts are argv's. For the main thread.
 */
#ifndef OPTIONS_INTERNAL_H
#define OPTIONS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/command_tables.h"
#include "tracepager/export.h"
#include "tracepager/slo.h"
#include "tracepager/walk.h"

/* The rules that check and test read where no RULES are given. */
#define DEFAULT_RULES_PATH "/etc/tracepager/rules.d"

struct option_list {
	char **at;
	size_t n;
};

/* ---- words, in the order of their ranges in the table ---- */

enum report_format {
	REPORT_TEXT,
	REPORT_JSON,
};

enum incidents_format {
	INCIDENTS_TEXT,
	INCIDENTS_JSON,
	INCIDENTS_MARKDOWN,
	INCIDENTS_HTML,
};

enum check_format {
	CHECK_TEXT,
	CHECK_JSON,
	CHECK_SARIF,
};

enum test_format {
	TEST_TEXT,
	TEST_JSON,
	TEST_JUNIT,
};

enum table_format {
	TABLE_TEXT,
	TABLE_JSON,
	TABLE_MARKDOWN,
};

enum colour_choice {
	COLOUR_AUTO,
	COLOUR_ALWAYS,
	COLOUR_NEVER,
};

/* Of each command that talks to a relay: --url, --token-file, --ca-file and --timeout. */
struct client_options {
	const char *url, *token_file, *ca_file; /* NULL: as the environment says */
	int64_t timeout_us;			/* of one request */
};

/* ---- a command's line: the arguments behind the options (borrowed from argv), then the options.
 * The caller frees `at` of each option_list. ---- */

enum run_log_format { RUN_LOG_CONFIG, RUN_LOG_LOGFMT, RUN_LOG_JSON };

struct run_options {
	struct option_list arguments;
	const char *config;
	enum run_log_format log_format;
	bool check, sample, core, take_over;
};

struct check_options {
	struct option_list arguments;
	bool no_secrets, deny_warnings;
	enum check_format format;
	const char *store, *explain;
};

struct test_options {
	struct option_list arguments;
	const char *filter, *junit;
	enum test_format format;
	bool verbose, sample;
};

struct explain_options {
	struct option_list arguments, healthy, ordinary;
	const char *rules, *alert, *mapping, *config, *sender, *signal;
	enum walk_mode mode;
	bool each, why;
	enum report_format format;
	enum colour_choice color;
};

struct replay_options {
	struct option_list arguments;
	const char *store, *rules;
	int64_t since_us, until_us;
	enum report_format format;
};

struct audit_options {
	struct option_list arguments;
	const char *store, *rules, *write;
	int64_t days, reviewed_after_us; /* reviewed_after_us: 0 where it is not given */
	int64_t since_us;		 /* 0: not given */
	bool check_links, pages;
	enum table_format format;
};

enum map_format { MAP_TEXT, MAP_JSON, MAP_DOT, MAP_MERMAID, MAP_BACKSTAGE };

struct map_options {
	struct option_list arguments, catalogue;
	const char *store, *rules, *team, *service;
	int64_t since_us, depth;
	bool errors, undocumented;
	enum map_format format;
};

enum slo_format { SLO_TEXT, SLO_JSON, SLO_OPENSLO, SLO_SLOTH };

struct slo_options {
	struct option_list arguments, healthy;
	const char *store, *rules, *signal, *availability, *latency, *output;
	int64_t window_us;
	enum slo_format format;
	enum slo_metrics metrics;
};

struct capture_options {
	struct option_list arguments;
	const char *store, *output;
	bool rerouted;
	int64_t since_us;
};

struct store_options {
	struct option_list arguments;
	const char *store, *output;
};

struct demo_options {
	struct option_list arguments;
	bool keep;
	int64_t pause_us;
};

struct import_options {
	struct option_list arguments, rules;
	const char *output, *fallback, *escalation, *keys, *service_path;
	enum report_format format;
};

struct export_options {
	struct option_list arguments, service_label;
	const char *output, *url;
	enum export_metrics metrics;
};

struct incidents_options {
	struct option_list arguments;
	struct client_options client;
	const char *team, *state, *severity, *message, *who;
	int64_t limit;
	enum incidents_format format;
	bool names;
};

struct silence_options {
	struct option_list arguments;
	struct client_options client;
	const char *suspect, *team, *from, *until, *reason, *author, *state;
	int64_t for_us; /* 0: not given */
	bool tell, all;
	int64_t limit;
	enum report_format format;
};

struct queue_options {
	struct option_list arguments;
	struct client_options client;
	const char *pager, *incident, *who;
	int64_t limit;
	enum report_format format;
};

struct senders_options {
	struct option_list arguments;
	const char *config;
};

struct rejected_options {
	struct option_list arguments;
	struct client_options client;
	const char *sender;
	int64_t raw; /* 0: not given */
	enum report_format format;
};

struct pause_options {
	struct option_list arguments;
	struct client_options client;
	const char *who;
};

struct resume_options {
	struct option_list arguments;
	struct client_options client;
	const char *who;
};

struct tap_options {
	struct option_list arguments, kind;
	struct client_options client;
	const char *sender, *team, *service, *alert;
	int64_t count; /* 0: without end */
	enum report_format format;
};

struct loglevel_options {
	struct option_list arguments;
	struct client_options client;
	int64_t for_us; /* 0: not given */
	const char *who;
	enum report_format format;
};

struct drain_options {
	struct option_list arguments;
	struct client_options client;
};

struct send_options {
	struct option_list arguments, labels;
	struct client_options client;
	const char *pager, *team, *drill, *rules, *who;
	bool all, no_resolve;
	enum report_format format;
};

struct top_options {
	struct option_list arguments;
	struct client_options client;
	int64_t interval_us;
	bool once;
};

enum doctor_format { DOCTOR_FORMAT_TEXT, DOCTOR_FORMAT_JSON, DOCTOR_FORMAT_PLUGIN };

struct doctor_options {
	struct option_list arguments, only, ignore;
	struct client_options client;
	const char *config;
	bool quiet, verbose, list;
	enum doctor_format format;
	enum colour_choice color;
};

struct mcp_options {
	struct option_list arguments;
	struct client_options client;
	const char *rules, *traces, *store, *who;
	bool allow_acts;
};

/*
 * options_parse_run(argc, argv, &options, &status) and its like. True: go on. False: *ret_status is
 * the command's exit status, 0 after --help and 2 after wrong usage, whose error has been
 * printed; nothing is to be freed.
 */
#define COMMAND(name, words, text)                                                                 \
	bool options_parse_##name(int argc, char **argv, struct name##_options *ret_options,       \
				  int *ret_status);
#include "tracepager/tbl/commands.def"
#undef COMMAND

/* ---- the tables: command_tables.h ---- */

/* NULL: there is none of that name. */
const struct command_row *command_row_find(const char *name);

/* ---- words between bars: "text|json" ---- */

/* The next word of *at, which moves behind it; false: there is none left. */
bool bar_word_next(const char **at, const char **ret_word, size_t *ret_len);

#endif
