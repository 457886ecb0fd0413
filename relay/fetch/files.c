/*
 * Source files: a directory of trace files, for demonstrations, tests, and traces that were saved.
 * Every file is read for every query, so that a file may come at any time; caps bound the number
 * and the size of files.
 */
#include "fetch-internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracepager/walk.h"
#include "tracepager/xalloc.h"

bool trace_id_equal(const char *a, const char *b)
{
	a += strspn(a, "0");
	b += strspn(b, "0");
	return strcasecmp(a, b) == 0;
}

bool trace_answers(const struct trace *trace, const struct trace_query *query)
{
	bool of_signal = false, failing = false;

	if (query->trace_id)
		return trace_id_equal(trace_text(trace, trace->id), query->trace_id);
	for (uint32_t i = 0; i < trace->nspans; i++) {
		const struct span *span = &trace->spans[i];
		if (!signal_matches(query->signal, trace, span))
			continue;
		of_signal = true;
		failing = span_failing(trace, span, true);
		if (failing || !(query->failing || query->healthy))
			break;
	}
	return of_signal && !(query->failing && !failing) && !(query->healthy && failing);
}

static bool ends_with(const char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);

	return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static bool is_trace_file(const char *name)
{
	return name[0] != '.' &&
	       (ends_with(name, ".json") || ends_with(name, ".jsonl") || ends_with(name, ".pb"));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in order; the caller frees them. */
static int list_files(const char *path, char ***ret_names, size_t *ret_n, struct err *err)
{
	DIR *dir = opendir(path);
	char **names = NULL;
	size_t n = 0, size = 0;
	const struct dirent *entry;

	if (!dir)
		return err_set(err, errno, "cannot read the directory %s: %s", path,
			       strerror(errno));
	while (n < LIMIT_TRACE_FILES && (entry = readdir(dir))) {
		if (!is_trace_file(entry->d_name))
			continue;
		if (n == size) {
			size = size ? 2 * size : 64;
			names = xrealloc_array(names, size, sizeof(*names));
		}
		names[n++] = xstrdup(entry->d_name);
	}
	closedir(dir);
	if (n > 0)
		qsort(names, n, sizeof(*names), by_name);
	*ret_names = names;
	*ret_n = n;
	return 0;
}

/* The whole file; the caller frees it. NULL: not a plain file, too large, or not readable. */
static char *read_whole(int dir, const char *name, size_t *ret_len)
{
	CLEANUP_CLOSE int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat stat;
	size_t len = 0;

	if (fd < 0 || fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode) || stat.st_size <= 0 ||
	    stat.st_size > (off_t)LIMIT_TRACE_BODY_BYTES)
		return NULL;
	char *data = xcalloc((size_t)stat.st_size, 1);
	while (len < (size_t)stat.st_size) {
		ssize_t n = read(fd, data + len, (size_t)stat.st_size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(data);
			return NULL;
		}
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return data;
}

struct search {
	const struct files_query *query;
	struct files_answer *answer;
	bool bad; /* a document of the present file was not readable */
};

static bool is_full(const struct search *search)
{
	return search->answer->ntraces >= search->query->query.limit ||
	       search->answer->ntraces == ARRAY_LEN(search->answer->traces);
}

static void take_document(void *ctx, int line, struct trace_set *set, const struct err *err)
{
	struct search *search = ctx;
	struct files_answer *answer = search->answer;
	size_t before = answer->ntraces;

	(void)line;
	(void)err;
	if (!set) {
		search->bad = true;
		return;
	}
	for (uint32_t i = 0; i < set->ntraces && !is_full(search); i++)
		if (trace_answers(&set->traces[i], &search->query->query))
			answer->traces[answer->ntraces++] = &set->traces[i];
	if (answer->ntraces == before)
		trace_set_free(set);
	else
		answer->sets[answer->nsets++] = set;
}

static void read_file(struct search *search, int dir, const char *name)
{
	size_t len = 0;
	char *data = read_whole(dir, name, &len);

	search->answer->nfiles++;
	search->bad = !data;
	if (data)
		trace_documents(data, len, &search->query->options, take_document, search);
	search->answer->nbad += search->bad;
	free(data);
}

void files_find(const struct files_query *query, struct files_answer *ret_answer)
{
	struct search search = { .query = query, .answer = ret_answer };
	CLEANUP_CLOSE int dir = open(query->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char **names = NULL;
	size_t n = 0;

	*ret_answer = (struct files_answer){ .nsets = 0 };
	if (list_files(query->path, &names, &n, &ret_answer->err))
		return;
	for (size_t i = 0; i < n; i++) {
		if (!is_full(&search) && !atomic_load(query->stop))
			read_file(&search, dir, names[i]);
		free(names[i]);
	}
	free(names);
}
