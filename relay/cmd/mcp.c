/*
 * tracepager mcp: a server of the Model Context Protocol, for agents, over standard input and
 * output: one message a line. A thin loop: it reads lines, lets the protocol answer them, and
 * writes the answers. Standard output carries nothing else; errors go to standard error. Ends with
 * its input. Owns the client and the directory of traces.
 */
#include "mcp-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands-internal.h"
#include "usage-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define MCP_READ_BYTES 65536

struct mcp_session {
	struct mcp *mcp;
	struct buf line;
	bool skips; /* the line is too long: its rest is dropped */
	bool ended; /* the input has ended */
	int out_fd; /* where messages go */
};

/* ---- input ---- */

static void take_line(struct mcp_session *session, struct buf *out)
{
	struct buf *line = &session->line;

	while (line->len && line->data[line->len - 1] == '\r')
		line->data[--line->len] = '\0';
	if (session->skips)
		mcp_refuse_long(out);
	else if (line->len)
		mcp_take(session->mcp, buf_text(line), line->len, out);
	session->skips = false;
	buf_fini(line);
	buf_init(line, LIMIT_MCP_MESSAGE_BYTES);
}

static void take_bytes(struct mcp_session *session, const char *data, size_t len, struct buf *out)
{
	while (len) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) : len;
		if (!session->skips && !buf_add(&session->line, data, n)) {
			session->skips = true;
			buf_fini(&session->line);
		}
		if (end)
			take_line(session, out);
		n += end != NULL;
		data += n;
		len -= n;
	}
}

/* Reads what there is; waits for some where nothing else is to be done. */
static void read_input(struct mcp_session *session, bool waits, struct buf *out)
{
	struct pollfd pollfd = { .fd = STDIN_FILENO, .events = POLLIN };
	char data[MCP_READ_BYTES];

	if (poll(&pollfd, 1, waits ? -1 : 0) <= 0)
		return;
	ssize_t n = read(STDIN_FILENO, data, sizeof(data));
	if (n > 0)
		take_bytes(session, data, (size_t)n, out);
	else if (n == 0 || errno != EINTR)
		session->ended = true;
	if (session->ended && (session->line.len || session->skips))
		take_line(session, out);
}

/* ---- output ---- */

/* false: nobody reads. */
static bool write_output(const struct mcp_session *session, struct buf *out)
{
	for (size_t done = 0; done < out->len;) {
		ssize_t n = write(session->out_fd, out->data + done, out->len - done);
		if (n < 0 && errno != EINTR)
			return false;
		done += n > 0 ? (size_t)n : 0;
	}
	buf_reset(out);
	return true;
}

/* What is ready is read before the next message is done, so that one that was cancelled meanwhile
 * is not. */
static int run_session(struct mcp_session *session)
{
	struct buf out = BUF_INIT(SIZE_MAX / 2);
	bool works = true, waits = true, reads = true;

	while (reads) {
		if (!session->ended && !mcp_is_full(session->mcp))
			read_input(session, waits, &out);
		waits = !mcp_next(session->mcp, &out);
		works = write_output(session, &out);
		reads = works && !(session->ended && waits);
	}
	buf_fini(&out);
	return works ? 0 : command_failed(1, "mcp", "cannot write to standard output");
}

/* ---- the command ---- */

/* 0, or the exit status. */
static int open_directory(struct mcp_tools *tools)
{
	const char *path = tools->options->traces;

	if (!path)
		return 0;
	tools->directory_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tools->directory_fd < 0 || !(tools->directory = realpath(path, NULL)))
		return usage_error("mcp", "cannot read the directory %s (--traces): %s", path,
				   strerror(errno));
	return 0;
}

static int run_mcp(struct mcp_tools *tools)
{
	struct mcp_session session = { .line = BUF_INIT(LIMIT_MCP_MESSAGE_BYTES) };
	int status;

	if ((status = open_directory(tools)))
		return status;
	if (!(tools->client = client_open("mcp", &tools->options->client, &status)))
		return status;
	/* Whatever prints by mistake prints to standard error. */
	session.out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (session.out_fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return command_failed(1, "mcp", "standard output and standard error must be open");
	signal(SIGPIPE, SIG_IGN);
	session.mcp = mcp_new(&mcp_tools_ops, tools);
	status = run_session(&session);
	mcp_free(session.mcp);
	buf_fini(&session.line);
	close(session.out_fd);
	return status;
}

int cmd_mcp(int argc, char **argv)
{
	struct mcp_options options;
	int status;

	if (!options_parse_mcp(argc, argv, &options, &status))
		return status;
	CLEANUP_FREE char *person = options.who ? xstrdup(options.who) : client_person();
	struct mcp_tools tools = { .options = &options, .directory_fd = -1, .person = person };
	status = run_mcp(&tools);
	client_close(tools.client);
	if (tools.directory_fd >= 0)
		close(tools.directory_fd);
	free(tools.directory);
	return status;
}
