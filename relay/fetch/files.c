/*
 * Files as a source: a directory of trace files, for demonstrations, tests and saved traces. Every
 * query reads every file, so that files may be added at any time; LIMIT_TRACE_FILES and
 * LIMIT_TRACE_BODY_BYTES bound the work. Blocks on the disk; owns nothing between two queries.
 */
#include "fetch-internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracepager/xalloc.h"

static bool name_ends_with(const char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);

	return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static bool is_trace_file(const char *name)
{
	return name[0] != '.' && (name_ends_with(name, ".json") || name_ends_with(name, ".jsonl") ||
				  name_ends_with(name, ".pb"));
}

static int compare_file_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of trace files, sorted; the caller frees them. 0 or -errno. */
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
		qsort(names, n, sizeof(*names), compare_file_names);
	*ret_names = names;
	*ret_n = n;
	return 0;
}

/* Read a whole file; the caller frees it. NULL: no plain file, empty, too large, not readable. */
static char *read_trace_file(int dir, const char *name, size_t *ret_len)
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
	bool bad; /* the current file, or a document in it, cannot be read as traces */
};

static bool search_is_full(const struct search *search)
{
	return search->answer->ntraces >= search->query->query.limit ||
	       search->answer->ntraces == ARRAY_LEN(search->answer->traces);
}

static void files_on_document(void *ctx, int line, struct trace_set *set, const struct err *err)
{
	struct search *search = ctx;
	struct files_answer *answer = search->answer;
	size_t before = answer->ntraces;

	(void)line;
	if (!set) {
		search->bad |= err->code != ENOMSG;
		return;
	}
	for (uint32_t i = 0; i < set->ntraces && !search_is_full(search); i++)
		if (trace_answers(&set->traces[i], &search->query->query))
			answer->traces[answer->ntraces++] = &set->traces[i];
	if (answer->ntraces == before)
		trace_set_free(set);
	else
		answer->sets[answer->nsets++] = set;
}

static void files_read(struct search *search, int dir, const char *name)
{
	size_t len = 0;
	char *data = read_trace_file(dir, name, &len);

	search->answer->nfiles++;
	search->bad = !data;
	if (data)
		trace_documents(data, len, &search->query->options, files_on_document, search);
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
		if (!search_is_full(&search) && !atomic_load(query->stop))
			files_read(&search, dir, names[i]);
		free(names[i]);
	}
	free(names);
}
