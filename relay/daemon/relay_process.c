/*
 * Relay, process: what Prometheus' client libraries tell of every process, under their names, from
 * /proc. What cannot be read keeps its last value.
 */
#include "relay-internal.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracepager/clock.h"
#include "tracepager/metrics.h"

static bool proc_read(const char *path, char *out, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t len;

	if (!file)
		return false;
	len = fread(out, 1, size - 1, file);
	out[len] = '\0';
	fclose(file);
	return len > 0;
}

/* When the system was started, by the wall clock. Not from /proc/stat, which systemd's
 * ProcSubset=pid hides. */
static int64_t system_boot_us(void)
{
	return clock_wall_us(clock_system()) - clock_mono_us(clock_system());
}

/* See proc(5): the name of the program, which may have blanks, is in brackets; behind it stand the
 * fields from the third on. */
static void measure_stat(void)
{
	const int64_t ticks = sysconf(_SC_CLK_TCK), page_bytes = sysconf(_SC_PAGESIZE);
	static int64_t boot_us; /* taken once: a clock that is set must not move our start */
	uint64_t utime, stime, start, virtual;
	int64_t resident;
	char text[4096];
	const char *fields =
		proc_read("/proc/self/stat", text, sizeof(text)) ? strrchr(text, ')') : NULL;

	if (!fields || sscanf(fields,
			      ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
			      " %*d %*d %*d %*d %*d %*d %" SCNu64 " %" SCNu64 " %" SCNd64,
			      &utime, &stime, &start, &virtual, &resident) != 5)
		return;
	if (!boot_us)
		boot_us = system_boot_us();
	metric_set(METRIC_PROCESS_CPU, (int64_t)(utime + stime) * US_PER_SECOND / ticks);
	metric_set(METRIC_PROCESS_START, boot_us + (int64_t)start * US_PER_SECOND / ticks);
	metric_set(METRIC_PROCESS_VIRTUAL, (int64_t) virtual);
	metric_set(METRIC_PROCESS_RESIDENT, resident * page_bytes);
}

/* Linux 6.2 tells the number as the size of the directory; before that it is counted, 0.5 us for
 * each. */
static void measure_fds(void)
{
	struct stat status;
	struct rlimit most;
	int64_t n = 0;
	DIR *dir;

	if (stat("/proc/self/fd", &status) == 0 && status.st_size > 0) {
		n = status.st_size;
	} else if ((dir = opendir("/proc/self/fd"))) {
		while (readdir(dir))
			n++;
		n -= 3; /* ".", ".." and the directory itself */
		closedir(dir);
	}
	metric_set(METRIC_PROCESS_OPEN_FDS, n);
	if (getrlimit(RLIMIT_NOFILE, &most) == 0)
		metric_set(METRIC_PROCESS_MAX_FDS, (int64_t)most.rlim_cur);
}

void relay_measure_process(void)
{
	measure_stat();
	measure_fds();
}
