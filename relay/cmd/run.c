/* tracepager run: the daemon. */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tracepager/commands.h"
#include "tracepager/log.h"
#include "tracepager/relay.h"
#include "tracepager/rules_load.h"

#define FINDINGS_BYTES (256u << 10)
#define SAMPLE_BYTES   (64u << 10)
/* Blocks of so much are mapped on their own: the kernel clears and moves them page by page. Left to
 * itself, glibc raises this with every large block that is freed, and then copies traces on the
 * heap for milliseconds of a turn. */
#define MAPPED_BYTES (512 << 10)

static const char help[] =
	"usage: tracepager run [-c FILE]\n\n"
	"Runs the daemon: takes alerts, follows their traces to the service that broke, pages its "
	"owner.\n\n"
	"  -c, --config FILE   its options (default: /etc/tracepager/tracepager.yaml, where that "
	"exists)\n"
	"      --check         read the options and the rules, say what is wrong, and end\n"
	"      --sample        print a commented tracepager.yaml\n"
	"      --help          print this\n\n"
	"SIGHUP loads the rules again; SIGTERM ends, letting deliveries under way finish.\n"
	"Exit status: 0 ended as asked; 1 it could not start or run; 2 wrong usage.\n";

static const char default_path[] = "/etc/tracepager/tracepager.yaml";

static void print_findings(const struct findings *findings)
{
	struct buf text = BUF_INIT(FINDINGS_BYTES);

	findings_write(findings, isatty(STDERR_FILENO) != 0, &text);
	fputs(buf_text(&text), stderr);
	buf_fini(&text);
}

static void set_log_level(const char *name)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };

	for (int i = 0; i < 4; i++)
		if (strcmp(names[i], name) == 0)
			log_set_level((enum log_level)i);
}

/* Until the loop can catch it, SIGHUP would end us: who starts us may reload us at once. */
static void hold_reloads(int how)
{
	sigset_t reload;

	sigemptyset(&reload);
	sigaddset(&reload, SIGHUP);
	sigprocmask(how, &reload, NULL);
}

static int start(const struct config *config, bool check)
{
	const struct relay_options options = { .config = config, .console_fd = STDOUT_FILENO };
	const char *paths[] = { config->rules };
	struct findings findings = { 0 };
	struct ruleset *rules = NULL;
	struct relay *relay = NULL;
	struct err err = { 0 };
	int result;

	mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
	if (check)
		result = rules_load(paths, 1, true, &rules, &findings);
	else
		result = relay_new(&options, &relay, &findings, &err);
	if (result < 0 || check)
		print_findings(&findings); /* else they are warnings, and in the log */
	findings_fini(&findings);
	rules_unref(rules);
	if (result < 0 && err.code)
		fprintf(stderr, "tracepager run: %s\n", err.text);
	if (result < 0 || check)
		return result < 0;
	hold_reloads(SIG_UNBLOCK);
	result = relay_run(relay);
	relay_free(relay);
	return result < 0;
}

static void print_sample(void)
{
	struct buf text = BUF_INIT(SAMPLE_BYTES);

	config_write_sample(&text);
	fputs(buf_text(&text), stdout);
	buf_fini(&text);
}

int cmd_run(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "sample", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *path = access(default_path, F_OK) == 0 ? default_path : NULL;
	struct findings findings = { 0 };
	struct config *config = NULL;
	bool check = false;

	hold_reloads(SIG_BLOCK);
	for (int option; (option = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1;) {
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 'k':
			check = true;
			break;
		case 's':
			print_sample();
			return 0;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			fputs("tracepager run --help tells the options\n", stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "tracepager run: it takes no argument, but \"%s\" was given\n",
			argv[optind]);
		return 2;
	}
	int result = config_load(path, &config, &findings);
	print_findings(&findings);
	findings_fini(&findings);
	if (result < 0)
		return 1;
	set_log_level(config->log_level);
	int status = start(config, check);
	config_free(config);
	return status;
}
