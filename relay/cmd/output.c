/* Output: see output-internal.h. */
#include "output-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracepager/credential.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

int output_print(const struct buf *text)
{
	if (text->failed)
		return -EFBIG;
	return fwrite(buf_text(text), 1, text->len, stdout) == text->len && fflush(stdout) == 0
		       ? 0
		       : -errno;
}

int output_write(const char *path, const char *data, size_t len)
{
	CLEANUP_FCLOSE FILE *file = fopen(path, "we");

	return file && fwrite(data, 1, len, file) == len && fflush(file) == 0 ? 0 : -errno;
}

static int write_whole(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int output_create(const char *path, const char *data, size_t len, bool *ret_created)
{
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	*ret_created = fd >= 0;
	return fd < 0 ? -errno : write_whole(fd, data, len);
}

/* The new file has the owner, group and mode of the one that it replaces. Where it replaces none,
 * and the directory hands its group on (setgid, as /etc/tracepager/rules.d does), that group may
 * read it: the service's user is in it. */
static int give_to_readers(int fd, const char *path)
{
	CLEANUP_FREE char *directory = xstrdup(path);
	struct stat old, parent;

	if (stat(path, &old) == 0 && S_ISREG(old.st_mode)) {
		if (fchown(fd, old.st_uid, old.st_gid) < 0)
			return 0; /* another user's file: it stays readable for us alone */
		return fchmod(fd, old.st_mode & 0777) < 0 ? -errno : 0;
	}
	char *slash = strrchr(directory, '/');
	if (slash)
		slash[slash == directory] = '\0';
	if (stat(slash ? directory : ".", &parent) < 0 || !(parent.st_mode & S_ISGID) ||
	    fchown(fd, (uid_t)-1, parent.st_gid) < 0)
		return 0;
	return fchmod(fd, 0640) < 0 ? -errno : 0;
}

int output_replace(const char *path, const char *data, size_t len)
{
	CLEANUP_FREE char *temporary = xasprintf("%s.%ld.tmp", path, (long)getpid());
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), result;

	if (fd < 0)
		return -errno;
	result = give_to_readers(fd, path);
	if (result == 0)
		result = write_whole(fd, data, len);
	if (result == 0 && fsync(fd) < 0)
		result = -errno;
	close(fd);
	if (result == 0 && rename(temporary, path) < 0)
		result = -errno;
	if (result < 0)
		unlink(temporary);
	return result;
}

void output_findings(const struct findings *findings, bool colour)
{
	struct buf text = BUF_INIT(LIMIT_FINDINGS_TEXT_BYTES);

	findings_write(findings, colour, &text);
	fputs(buf_text(&text), stderr);
	buf_fini(&text);
}

void output_unread_credentials(const char *command)
{
	size_t n = 0;
	CLEANUP_FREE char *names = credential_names_elsewhere(&n);

	if (n)
		fprintf(stderr,
			"tracepager %s: %zu credential%s not looked at: %s; the service alone is "
			"passed %s. To look at %s, too, set CREDENTIALS_DIRECTORY to a directory "
			"with such files; tracepager doctor as root takes that of the running "
			"relay\n",
			command, n, n == 1 ? " was" : "s were", names, n == 1 ? "it" : "them",
			n == 1 ? "it" : "them");
}

struct ruleset *output_load_rules(const char *const *paths, size_t npaths, bool colour)
{
	struct findings findings = { .at = NULL };
	struct ruleset *rules = NULL;

	if (rules_load(paths, npaths, false, &rules, &findings) < 0)
		output_findings(&findings, colour);
	findings_fini(&findings);
	return rules;
}

void output_add_count(struct buf *out, const char *before, size_t n, const char *one,
		      const char *many)
{
	buf_puts(out, before);
	buf_count(out, n, one, many);
}

void output_add_rules_seen(struct buf *out, const char *before, const struct rules_seen *seen)
{
	output_add_count(out, before, seen->files, "file", "files");
	output_add_count(out, ", ", seen->teams, "team", "teams");
	output_add_count(out, ", ", seen->pagers, "pager", "pagers");
	output_add_count(out, ", ", seen->services, "service", "services");
	output_add_count(out, ", ", seen->signals, "signal", "signals");
}

void output_add_problems(struct buf *out, const struct findings *findings)
{
	const char *before = ": ";

	if (findings->nerrors) {
		output_add_count(out, before, findings->nerrors, "error", "errors");
		before = ", ";
	}
	if (findings->nwarnings)
		output_add_count(out, before, findings->nwarnings, "warning", "warnings");
	if (!findings->nerrors && !findings->nwarnings)
		buf_puts(out, ": no problem");
}
