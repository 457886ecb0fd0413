/*
 * tracepager send: sends a marked test page to one pager of the rules, without a daemon, and shows
 * the exchange with its secrets masked; then the resolve of that page. (Fire drills, through a
 * running relay, are send_drill.c's.) The request is the one that
 * the pager's kind builds for every page. Owns its loop, its HTTP client and the rules.
 */
#include "commands-internal.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "options-internal.h"
#include "output-internal.h"
#include "send_drill-internal.h"
#include "usage-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/clock.h"
#include "tracepager/http_client.h"
#include "tracepager/limits.h"
#include "tracepager/loop.h"
#include "tracepager/pager_kind.h"
#include "tracepager/plain.h"
#include "tracepager/rules_load.h"
#include "tracepager/terminal.h"
#include "tracepager/xalloc.h"

/* Of a body: a person looks at it on a terminal. */
#define SHOWN_LINES   40
#define SHOWN_COLUMNS 2000

static const char send_command[] = "send";

struct send_run {
	const struct pager *pager;
	const struct pager_kind *kind;
	struct event_base *base;
	struct loop *loop;
	struct http_client *http;
	struct arena *arena; /* of the request that is under way */
	bool is_mail;	     /* so is that request */
	struct secret_hide *secrets;
	struct judgement judgement;
	char memory[LIMIT_PAGER_MEMORY_BYTES]; /* what the pager's kind keeps of its replies */
	int64_t began_us;
	char key[64]; /* the page's dedup key */
};

/* ---- showing: secrets are masked, control characters made plain ---- */

/* The text as lines that begin with the mark. */
static void show_lines(struct send_run *run, const char *mark, const char *text, size_t len)
{
	CLEANUP_FREE char *masked = xstrndup(text, len);
	size_t lines = 0;

	secret_hide_in(run->secrets, masked, strlen(masked));
	for (const char *line = masked; *line && lines < SHOWN_LINES; lines++) {
		struct buf out = BUF_INIT(4 * SHOWN_COLUMNS + 64);
		size_t n = strcspn(line, "\n");
		CLEANUP_FREE char *copy = xstrndup(line, n);
		buf_puts(&out, mark);
		plain_add(&out, copy, SHOWN_COLUMNS);
		puts(buf_text(&out));
		buf_fini(&out);
		line += n + (line[n] == '\n');
		if (lines + 1 == SHOWN_LINES && *line)
			printf("%s…\n", mark);
	}
}

/* What in a URL may be a secret: the user, the query, and the path of a pager that has no key. */
static void show_request_line(struct send_run *run, const struct http_request *request)
{
	const char *url = request->url, *host = strstr(url, "://");
	struct buf line = BUF_INIT(LIMIT_HREF_BYTES + 64);

	host = host ? host + 3 : url;
	const size_t len = strcspn(host, "/?#");
	const char *user = memchr(host, '@', len);
	/* Without a key, or with an address as the key, the path is what lets a sender in. */
	const char *key = run->pager->key.value;
	const char *end = key && !strstr(key, "://") ? host + strcspn(host, "?#") : host + len;
	buf_printf(&line, "%s %.*s", request->method == HTTP_POST ? "POST" : "GET",
		   (int)(host - url), url);
	if (user)
		buf_printf(&line, "***@");
	const char *from = user ? user + 1 : host;
	buf_printf(&line, "%.*s%s", (int)(end - from), from,
		   end[0] && end[1] ? (*end == '/' ? "/***" : "?***") : end);
	show_lines(run, "> ", buf_text(&line), line.len);
	buf_fini(&line);
}

static bool header_is_secret(const char *name)
{
	static const char *const names[] = { "Authorization", "Proxy-Authorization", "Cookie",
					     "Set-Cookie",    "webhook-signature",   "X-Api-Key" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Is it one of the headers that the rules give? Nobody knows which of them are secret. */
static bool header_is_of_rules(const struct pager *pager, const char *name)
{
	const size_t len = strlen(name);

	for (const char *line = pager->headers; line && *line; line++) {
		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
			return true;
		line += strcspn(line, "\n");
		if (!*line)
			break;
	}
	return false;
}

static void show_headers(struct send_run *run, const char *mark, const struct http_header *headers,
			 size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP_FREE char *line =
			xasprintf("%s: %s", headers[i].name,
				  header_is_secret(headers[i].name) ||
						  header_is_of_rules(run->pager, headers[i].name)
					  ? "***"
					  : headers[i].value);
		show_lines(run, mark, line, strlen(line));
	}
}

static void show_request(struct send_run *run, const struct http_request *request)
{
	show_request_line(run, request);
	show_headers(run, "> ", request->headers, request->nheaders);
	puts(">");
	show_lines(run, "> ", request->body ? request->body : "", request->body_len);
}

static void show_mail(struct send_run *run, const struct mail *mail)
{
	static const char *const tls[] = { [MAIL_TLS_REQUIRED] = "TLS",
					   [MAIL_TLS_OPPORTUNISTIC] = "TLS if it is offered",
					   [MAIL_TLS_NONE] = "no TLS" };
	const bool secure = strncasecmp(mail->url, "smtps:", 6) == 0;
	CLEANUP_FREE char *server =
		xasprintf("%s, %s%s%s", mail->url, secure ? tls[MAIL_TLS_REQUIRED] : tls[mail->tls],
			  mail->user ? ", as " : "", mail->user ? mail->user : "");
	CLEANUP_FREE char *from = xasprintf("MAIL FROM:<%s>", mail->from);

	show_lines(run, "> ", server, strlen(server));
	show_lines(run, "> ", from, strlen(from));
	for (size_t i = 0; i < mail->nto; i++) {
		CLEANUP_FREE char *to = xasprintf("RCPT TO:<%s>", mail->to[i]);
		show_lines(run, "> ", to, strlen(to));
	}
	puts(">");
	show_lines(run, "> ", mail->data, mail->len);
}

static void send_on_reply(void *arg, const struct http_reply *reply)
{
	struct send_run *run = arg;
	const int64_t took_us = clock_mono_us(clock_system()) - run->began_us;

	run->judgement = pager_judge(run->kind, run->secrets, reply);
	if (run->judgement.remembers)
		memcpy(run->memory, run->judgement.memory, sizeof(run->memory));
	if (reply->status)
		printf("< %s %d, after %.2f s\n", run->is_mail ? "SMTP" : "HTTP", reply->status,
		       (double)took_us / US_PER_SECOND);
	show_headers(run, "< ", reply->headers, reply->nheaders);
	if (reply->len) {
		puts("<");
		show_lines(run, "< ", reply->body, reply->len);
	}
	loop_stop(run->loop);
}

/* ---- the page ---- */

static void fill_test_page(struct send_run *run, enum page_event event, struct page *ret_page)
{
	static const char *const alerts[] = { "tracepager send" };
	const int64_t now_us = clock_wall_us(clock_system());
	const bool over = event == PAGE_RESOLVE;

	*ret_page = (struct page){
		.event = event,
		.incident = run->key,
		.dedup_key = run->key,
		.severity = SEVERITY_INFO,
		.summary = arena_printf(run->arena, "TEST: tracepager reaches pager %s",
					run->pager->name),
		.details = "",
		.component = "",
		.origin = "tracepager send",
		.group = "test",
		.kind = "",
		.note = over ? "the test is over" : NULL,
		.why = "a person sent it with \"tracepager send\"; nothing is broken",
		.what_to_do = "nothing: this page is a test",
		.since_us = now_us,
		.opened_at_us = now_us,
		.at_us = now_us,
		.status = over ? "resolved" : "open",
		.state = over ? "resolved" : "open",
		.alerts = alerts,
		.nalerts = ARRAY_LEN(alerts),
	};
}

static struct page_target send_target(const struct pager *pager)
{
	struct page_target target = page_target_of(pager);
	const bool terminal = isatty(STDOUT_FILENO);

	target.screen = (struct page_screen){
		.columns = pager->columns ? pager->columns
			   : terminal	  ? (unsigned int)terminal_columns(STDOUT_FILENO,
									   LIMIT_CONSOLE_COLUMNS)
					  : LIMIT_CONSOLE_COLUMNS,
		.colour =
			pager->colour == PAGER_COLOUR_ALWAYS ||
			(pager->colour == PAGER_COLOUR_AUTO && terminal_has_colour(STDOUT_FILENO)),
		.ascii = !terminal_is_utf8(),
	};
	return target;
}

/* ---- sending ---- */

static void send_begins(struct send_run *run)
{
	fflush(stdout);
	run->began_us = clock_mono_us(clock_system());
	run->judgement = (struct judgement){ .outcome = JUDGE_RETRY, .text = "it was not sent" };
}

static const struct http_handler send_handler = { .done = send_on_reply };

static void send_show_request(struct send_run *run, const struct http_request *request)
{
	const struct http_transport *transport = http_client_transport(run->http);

	show_request(run, request);
	send_begins(run);
	if (transport->send(transport->ctx, request, &send_handler, run))
		loop_run(run->loop);
}

static void send_show_mail(struct send_run *run, const struct mail *mail)
{
	const struct mail_transport *transport = http_client_transport(run->http)->mail;

	show_mail(run, mail);
	send_begins(run);
	if (transport->send(transport->ctx, mail, &send_handler, run))
		loop_run(run->loop);
}

/* A second request follows where the page needs one, as deliver sends it. */
static void send_delivery(struct send_run *run, const struct delivery *delivery)
{
	run->is_mail = delivery->mail;
	if (run->is_mail) {
		send_show_mail(run, delivery->mail);
		return;
	}
	send_show_request(run, &delivery->request);
	if (delivery->follow_up && run->judgement.outcome == JUDGE_DELIVERED)
		send_show_request(run, delivery->follow_up);
}

static void tell_judgement(const struct send_run *run)
{
	const char *text = run->judgement.text;

	switch (run->judgement.outcome) {
	case JUDGE_DELIVERED:
		printf("delivered: pager %s took it%s%s\n", run->pager->name, *text ? "; " : "",
		       text);
		break;
	case JUDGE_RETRY:
		printf("not taken: %s; a running relay would try again\n", text);
		break;
	case JUDGE_REJECTED:
		printf("rejected: %s; a running relay would page the fallback team\n", text);
		break;
	}
}

/* Builds, sends and shows one page. The pager took it. */
static bool send_page(struct send_run *run, enum page_event event)
{
	struct page_target target = send_target(run->pager);
	struct delivery delivery = { .console = NULL };
	struct err err = { 0 };
	struct page page;

	target.memory = run->memory;
	run->arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	printf("%s of pager %s (%s):\n", event == PAGE_TRIGGER ? "trigger" : "resolve",
	       run->pager->name, run->kind->name);
	fill_test_page(run, event, &page);
	const char *id = arena_printf(run->arena, "%s_%d", run->key, (int)event);
	run->judgement = (struct judgement){ .outcome = JUDGE_DELIVERED };
	if (run->kind->build(run->arena, &page, &target, id, clock_wall_us(clock_system()),
			     &delivery, &err)) {
		run->judgement.outcome = JUDGE_REJECTED;
		snprintf(run->judgement.text, sizeof(run->judgement.text), "%.190s", err.text);
	} else if (delivery.console) {
		fputs(delivery.console, stdout);
	} else {
		send_delivery(run, &delivery);
	}
	tell_judgement(run);
	arena_free(run->arena);
	run->arena = NULL;
	return run->judgement.outcome == JUDGE_DELIVERED;
}

static int send_both(struct send_run *run, bool no_resolve)
{
	static const struct loop_hooks hooks = { .turn_end = NULL };
	bool taken = false;

	run->base = net_event_base_new();
	run->loop = run->base ? loop_new(run->base, clock_system(), NULL, &hooks) : NULL;
	run->http = run->loop ? http_client_new(run->base, clock_system()) : NULL;
	if (run->http) {
		taken = send_page(run, PAGE_TRIGGER);
		if (taken && run->pager->no_resolve)
			puts("no resolve is sent: the rules say \"resolve: false\"");
		else if (taken && !no_resolve) {
			putchar('\n');
			taken = send_page(run, PAGE_RESOLVE);
		}
	} else {
		command_failed(1, send_command, "the HTTP client cannot be started");
	}
	http_client_free(run->http);
	loop_free(run->loop);
	if (run->base)
		event_base_free(run->base);
	return taken ? 0 : 1;
}

/* ---- the command ---- */

/* The pager; NULL: an error has been printed. */
static const struct pager *find_send_pager(const struct ruleset *rules, const char *name)
{
	const char *nearest = NULL;

	if (rules_has_name(rules, RULES_PAGERS, name, &nearest))
		return rules_pager(rules, name);
	usage_error(send_command, "the rules have no pager \"%s\"%s%s%s", name,
		    nearest ? "; did you mean \"" : "", nearest ? nearest : "",
		    nearest ? "\"?" : "");
	return NULL;
}

/* The pager of the team; NULL: an error has been printed. */
static const struct pager *find_team_pager(const struct ruleset *rules, const struct pager *pager,
					   const char *name)
{
	const char *nearest = NULL;

	if (!pager->teams && !name)
		return pager;
	if (!pager->teams) {
		usage_error(send_command,
			    "pager \"%s\" is the same for all teams: leave --team out",
			    pager->name);
		return NULL;
	}
	if (!name) {
		usage_error(send_command,
			    "pager \"%s\" takes its key or channel from a team: name one with "
			    "--team",
			    pager->name);
		return NULL;
	}
	if (!rules_has_name(rules, RULES_TEAMS, name, &nearest)) {
		usage_error(send_command, "the rules have no team \"%s\"%s%s%s", name,
			    nearest ? "; did you mean \"" : "", nearest ? nearest : "",
			    nearest ? "\"?" : "");
		return NULL;
	}
	pager = pager_of_team(pager, rules_team(rules, name));
	if (!pager)
		usage_error(send_command,
			    "team \"%s\" does not give what this pager takes from a team, and no "
			    "escalation pages it so",
			    name);
	return pager;
}

/* With their secrets; NULL: what is wrong has been printed. */
static struct ruleset *load_send_rules(const char *path)
{
	struct findings findings = { .at = NULL };
	struct ruleset *rules = NULL;

	if (rules_load(&path, 1, true, &rules, &findings) < 0)
		output_findings(&findings, terminal_has_colour(STDERR_FILENO));
	findings_fini(&findings);
	return rules;
}

static int send_test_page(const struct send_options *options)
{
	struct send_run run = { .pager = NULL };
	struct ruleset *rules = load_send_rules(options->rules);
	int status = STATUS_USAGE;

	run.pager = rules ? find_send_pager(rules, options->pager) : NULL;
	if (run.pager)
		run.pager = find_team_pager(rules, run.pager, options->team);
	if (run.pager) {
		const struct page_target target = page_target_of(run.pager);
		run.kind = pager_kinds[run.pager->kind];
		run.secrets = page_target_secrets(&target);
		snprintf(run.key, sizeof(run.key), "tracepager-test-%" PRId64,
			 clock_wall_us(clock_system()));
		status = send_both(&run, options->no_resolve);
		secret_hide_free(run.secrets);
	}
	rules_unref(rules);
	return status;
}

int cmd_send(int argc, char **argv)
{
	struct send_options options;
	int status;

	if (!options_parse_send(argc, argv, &options, &status))
		return status;
	if (!!options.pager + !!options.drill + options.all != 1)
		status = usage_error(send_command,
				     "say what to send: --pager NAME, --drill SIGNAL or --all");
	else if (options.team && !options.pager)
		status = usage_error(send_command, "--team is of a page: name its --pager too");
	else if (options.pager && options.labels.n)
		status = usage_error(send_command,
				     "--label is of a drill, and --pager sends a page");
	else
		status = options.pager ? send_test_page(&options) : send_drills(&options);
	free(options.labels.at);
	return status;
}
