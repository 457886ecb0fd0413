/*
 * Mcp, traces: the traces, rules and files that a call names. Reads files beneath the directory of
 * --traces only, and follows no symbolic link there. Owns a window until mcp_window_fini().
 */
#include "mcp-internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracepager/limits.h"
#include "tracepager/rules_load.h"
#include "tracepager/trace_decoder.h"
#include "tracepager/xalloc.h"

void mcp_window_init(struct mcp_window *window)
{
	*window = (struct mcp_window){ .problems = json_array() };
}

void mcp_window_fini(struct mcp_window *window)
{
	for (size_t i = 0; i < window->nsets; i++)
		trace_set_free(window->sets[i]);
	free(window->sets);
	free(window->traces);
	json_decref(window->problems);
	*window = (struct mcp_window){ .sets = NULL };
}

/* ---- documents ---- */

/* What a handler of trace_documents() needs. */
struct mcp_reading {
	struct mcp_window *window;
	const char *name;
};

static void add_window_set(struct mcp_window *window, struct trace_set *set)
{
	window->sets = xrealloc_array(window->sets, window->nsets + 1, sizeof(struct trace_set *));
	window->sets[window->nsets++] = set;
	window->traces = xrealloc_array(window->traces, window->ntraces + set->ntraces,
					sizeof(struct trace *));
	for (uint32_t i = 0; i < set->ntraces; i++)
		window->traces[window->ntraces++] = &set->traces[i];
}

/* As explain tells it, so that the decision is the same. */
static void tell_no_trace(struct mcp_reading *reading, int line, const struct err *err)
{
	struct mcp_window *window = reading->window;
	const bool empty = err->code == ENOENT;

	line = err->line > 0 ? err->line : line;
	if (json_array_size(window->problems) < LIMIT_MCP_PROBLEMS && !empty)
		json_array_append_new(window->problems,
				      json_pack("{s:s, s:i, s:i, s:s}", "in", reading->name, "line",
						line, "column", err->column, "text", err->text));
	if (err->code == ENOMSG || (empty && window->missing != FALLBACK_NONE))
		return;
	window->missing = err->code == E2BIG ? FALLBACK_TRACE_TOO_LARGE
			  : empty	     ? FALLBACK_NO_TRACE
					     : FALLBACK_BAD_TRACE;
	if (empty)
		snprintf(window->missing_text, sizeof(window->missing_text), "%s holds no trace",
			 reading->name);
	else if (err->column > 0)
		snprintf(window->missing_text, sizeof(window->missing_text),
			 "cannot read %s, line %d, column %d: %s", reading->name, line, err->column,
			 err->text);
	else
		snprintf(window->missing_text, sizeof(window->missing_text),
			 "cannot read %s, line %d: %s", reading->name, line, err->text);
}

static void mcp_take_document(void *ctx, int line, struct trace_set *set, const struct err *err)
{
	struct mcp_reading *reading = ctx;

	if (set)
		add_window_set(reading->window, set);
	else
		tell_no_trace(reading, line, err);
}

/* NULL, or the error. */
static json_t *read_window_text(struct mcp_window *window, const char *name, const char *text,
				size_t len, const struct ruleset *rules)
{
	struct mcp_reading reading = { .window = window, .name = name };
	struct trace_options options = { .extra_names = NULL };

	if (len > LIMIT_MCP_TRACES_BYTES - window->bytes)
		return mcp_error("the traces are larger than %u MiB: give fewer of them",
				 LIMIT_MCP_TRACES_BYTES >> 20);
	window->bytes += len;
	if (rules)
		options.extra_names = rules_attr_names(rules, &options.nextra_names);
	trace_documents(text, len, &options, mcp_take_document, &reading);
	return NULL;
}

/* ---- files ---- */

/* Adds names of files of the directory, for an error's cure. */
static void offer_files(const struct mcp_tools *tools, struct buf *out)
{
	int fd = openat(tools->directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	unsigned int looked = 0, offered = 0;

	while (directory && looked++ < LIMIT_MCP_FILES_LOOKED && (entry = readdir(directory))) {
		if (entry->d_name[0] == '.' || entry->d_type == DT_LNK)
			continue;
		if (offered++ == LIMIT_MCP_FILES_OFFERED) {
			buf_puts(out, " ...");
			break;
		}
		buf_printf(out, "%s %s%s", offered == 1 ? "; it has:" : "", entry->d_name,
			   entry->d_type == DT_DIR ? "/" : "");
	}
	if (directory)
		closedir(directory);
	else if (fd >= 0)
		close(fd);
}

/* Opens a path beneath the directory, part by part: ".." and symbolic links are refused, so that
 * nothing outside can be read. The descriptor, or -errno. */
static int open_beneath(int directory, const char *path)
{
	int fd = fcntl(directory, F_DUPFD_CLOEXEC, 0);

	while (fd >= 0) {
		size_t len = strcspn(path, "/");
		const bool last = !path[len];
		CLEANUP_FREE char *part = xstrndup(path, len);
		if (!len || strcmp(part, "..") == 0) {
			close(fd);
			return -EPERM;
		}
		int next = openat(fd, part,
				  O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK |
					  (last ? 0 : O_DIRECTORY));
		int error = errno;
		close(fd);
		if (next < 0)
			return -error;
		if (last)
			return next;
		path += len + 1;
		fd = next;
	}
	return -errno;
}

/* A path may be named from the directory on, or whole. */
static const char *path_beneath(const struct mcp_tools *tools, const char *path)
{
	size_t len = strlen(tools->directory);

	while (strncmp(path, "./", 2) == 0)
		path += 2;
	if (strncmp(path, tools->directory, len) == 0 && path[len] == '/')
		return path + len + 1;
	return path;
}

static json_t *refuse_file(const struct mcp_tools *tools, const char *path, int error)
{
	struct buf offer = BUF_INIT(LIMIT_HELP_BYTES);

	offer_files(tools, &offer);
	json_t *result = mcp_error(
		"cannot read \"%.200s\": %s. Files are named from the directory given with "
		"--traces on, without .. and symbolic links%s",
		path,
		error == EPERM || error == ELOOP ? "it is not beneath that directory"
						 : strerror(error),
		buf_text(&offer));
	buf_fini(&offer);
	return result;
}

/* NULL, or the error. */
static json_t *read_window_file(struct mcp_window *window, const struct mcp_tools *tools,
				const char *path, const struct ruleset *rules)
{
	struct buf text = BUF_INIT(LIMIT_MCP_TRACES_BYTES);
	int fd = open_beneath(tools->directory_fd, path_beneath(tools, path));
	struct stat status;

	if (fd < 0)
		return refuse_file(tools, path, -fd);
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		close(fd);
		return refuse_file(tools, path, EISDIR);
	}
	CLEANUP_FCLOSE FILE *file = fdopen(fd, "rb");
	if (!file) {
		close(fd);
		return refuse_file(tools, path, ENOMEM);
	}
	int error = buf_read(&text, file);
	json_t *result = error ? refuse_file(tools, path, -error)
			       : read_window_text(window, path, buf_text(&text), text.len, rules);
	buf_fini(&text);
	return result;
}

char *mcp_document_text(const json_t *document)
{
	const char *text = json_string_value(document);

	return text ? xstrdup(text) : json_dumps(document, JSON_COMPACT);
}

json_t *mcp_window_read(struct mcp_window *window, const struct mcp_tools *tools,
			const json_t *document, const json_t *files, const struct ruleset *rules)
{
	json_t *error = NULL;

	if (document && !json_is_null(document)) {
		CLEANUP_FREE char *text = mcp_document_text(document);
		error = read_window_text(window, "traces", text, strlen(text), rules);
	}
	if (json_array_size(files) && tools->directory_fd < 0)
		return mcp_error("files of traces can be named only where \"tracepager mcp\" runs "
				 "with --traces DIR: give the traces as text");
	for (size_t i = 0; i < json_array_size(files) && !error; i++)
		error = read_window_file(window, tools, json_string_value(json_array_get(files, i)),
					 rules);
	/* A document without a trace takes nothing from the others. */
	if (window->missing == FALLBACK_NO_TRACE && window->ntraces)
		window->missing = FALLBACK_NONE;
	return error;
}

/* ---- rules ---- */

static json_t *refuse_rules(const struct findings *findings)
{
	struct buf text = BUF_INIT(LIMIT_FINDINGS_TEXT_BYTES);

	findings_write(findings, false, &text);
	json_t *error = mcp_error("the rules have errors:\n%s", buf_text(&text));
	buf_fini(&text);
	return error;
}

json_t *mcp_rules_read(const struct mcp_tools *tools, const json_t *arguments,
		       struct ruleset **ret_rules)
{
	const char *text = mcp_text(arguments, "rules"), *path = tools->options->rules;
	struct findings findings = { .at = NULL };
	json_t *error = NULL;
	int result = 0;

	*ret_rules = NULL;
	if (text)
		result = rules_parse("rules", text, strlen(text), false, ret_rules, &findings);
	else if (path)
		result = rules_load(&path, 1, false, ret_rules, &findings);
	if (result < 0)
		error = refuse_rules(&findings);
	findings_fini(&findings);
	return error;
}
