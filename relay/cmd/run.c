/*
 * tracepager run: the daemon. Loads its options, makes the relay, and runs it until it is told to
 * end. Owns the configuration.
 */
#include "commands-internal.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config_file-internal.h"
#include "options-internal.h"
#include "output-internal.h"
#include "usage-internal.h"
#include "tracepager/clock.h"
#include "tracepager/credential.h"
#include "tracepager/doctor.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/relay.h"
#include "tracepager/terminal.h"

/* glibc maps blocks from this size on their own, so that the kernel clears and moves them page by
 * page. Left to itself, glibc raises the size with every large block that is freed, and then copies
 * traces on the heap, which takes milliseconds of a turn of the loop. */
#define MAPPED_BLOCK_BYTES (512 << 10)

/* The names were checked when the options were read. */
static void run_begin_log(const struct config *config, enum run_log_format chosen)
{
	enum log_format format = LOG_FORMAT_LOGFMT;
	enum log_level level = LOG_LEVEL_INFO;

	if (chosen != RUN_LOG_CONFIG)
		format = chosen == RUN_LOG_JSON ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT;
	else
		log_format_find(config->log_format, &format);
	log_level_find(config->log_level, &level);
	log_set_format(format);
	log_set_level(level);
	log_sum_up();
}

/* SIGHUP would end the process until the loop catches it, and a supervisor may send one at once. */
static void mask_reloads(int how)
{
	sigset_t reload;

	sigemptyset(&reload);
	sigaddset(&reload, SIGHUP);
	sigprocmask(how, &reload, NULL);
}

/* "1 sender, 2 sources; rules of 1 file, …: no problem". Nothing where there are no options. */
static bool print_preflight(const struct preflight *preflight, bool good)
{
	struct buf out = BUF_INIT(LIMIT_HELP_BYTES);

	if (!preflight->read)
		return true;
	output_add_count(&out, "", preflight->config->nsenders, "sender", "senders");
	output_add_count(&out, ", ", preflight->config->nsources, "source", "sources");
	output_add_rules_seen(&out, "; rules of ", &preflight->findings.seen);
	output_add_problems(&out, &preflight->findings);
	if (preflight->findings.n)
		buf_puts(&out, good ? "; a start would succeed" : "; a start would fail");
	buf_putc(&out, '\n');
	bool printed = output_print(&out) == 0;
	buf_fini(&out);
	return printed;
}

/* Everything that a start would fail on, in one pass. */
static int check_start(const char *path)
{
	struct preflight preflight;

	credential_expect_elsewhere();
	bool good = preflight_run(path, clock_wall_us(clock_system()), &preflight);
	output_findings(&preflight.findings, terminal_has_colour(STDERR_FILENO));
	output_unread_credentials("run");
	bool printed = print_preflight(&preflight, good);
	preflight_fini(&preflight);
	return !good || !printed;
}

/* A core holds every secret. */
static int forbid_cores(void)
{
	const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };

	return setrlimit(RLIMIT_CORE, &none) < 0 ? -errno : 0;
}

/* The journal tells errors from other lines by what stands before each of them. */
static void run_tell_findings(const struct findings *findings)
{
	const char *prefix =
		log_journal_prefix(findings->nerrors ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN);
	struct buf text = BUF_INIT(LIMIT_FINDINGS_TEXT_BYTES);

	findings_write(findings, terminal_has_colour(STDERR_FILENO), &text);
	for (const char *line = buf_text(&text); *line;) {
		const size_t len = strcspn(line, "\n");
		fprintf(stderr, "%s%.*s\n", prefix, (int)len, line);
		line += len + (line[len] == '\n');
	}
	buf_fini(&text);
}

static int run_daemon(struct config *config, bool take_over)
{
	const struct relay_options options = { .config = config,
					       .is_service = true,
					       .take_over = take_over,
					       .console_fd = STDOUT_FILENO };
	struct findings findings = { 0 };
	struct relay *relay = NULL;
	struct err err = { 0 };

	mallopt(M_MMAP_THRESHOLD, MAPPED_BLOCK_BYTES);
	int result = relay_new(&options, &relay, &findings, &err);
	if (result < 0)
		run_tell_findings(&findings); /* else they are warnings, and in the log */
	findings_fini(&findings);
	if (result < 0 && err.code)
		fprintf(stderr, "%stracepager run: %s\n", log_journal_prefix(LOG_LEVEL_ERROR),
			err.text);
	if (result < 0)
		return 1;
	mask_reloads(SIG_UNBLOCK);
	result = relay_run(relay);
	relay_free(relay);
	return result < 0;
}

static int print_config_sample(void)
{
	struct buf text = BUF_INIT(LIMIT_HELP_BYTES);

	config_write_sample(&text);
	int result = output_print(&text);
	buf_fini(&text);
	return result < 0;
}

int cmd_run(int argc, char **argv)
{
	struct findings findings = { 0 };
	struct config *config = NULL;
	struct run_options options;
	int status;

	mask_reloads(SIG_BLOCK);
	if (!options_parse_run(argc, argv, &options, &status))
		return status;
	if (options.sample)
		return print_config_sample();
	if (!options.config && access(CONFIG_FILE_DEFAULT, F_OK) == 0)
		options.config = CONFIG_FILE_DEFAULT;
	if (options.check)
		return check_start(options.config);
	log_look_for_journal();
	if (!options.core && forbid_cores() < 0)
		command_failed(0, "run", "core dumps stay on: %s", strerror(errno));
	int result = config_load(options.config, &config, &findings);
	run_tell_findings(&findings);
	findings_fini(&findings);
	if (result < 0)
		return 1;
	run_begin_log(config, options.log_format);
	status = run_daemon(config, options.take_over);
	config_free(config);
	return status;
}
