/* Doctor, machine: the address, open files, memory, core dumps, random numbers, the disk. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/timex.h>

#include "doctor-internal.h"

#define MIB_OF(bytes) ((long long)((bytes) >> 20))

/* ---- files of /proc and /sys ---- */

const char *doctor_proc_value(struct doctor *doctor, const char *path, const char *name)
{
	CLEANUP_FCLOSE FILE *file = fopen(path, "re");
	const char *value = NULL;
	char *line = NULL;
	size_t size = 0;

	while (file && !value && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, name, strlen(name)) == 0) {
			const char *at = line + strlen(name);
			value = arena_strdup(doctor->arena, at + strspn(at, " \t:"));
		}
	}
	free(line);
	return value;
}

/* A limit of the relay that runs, the soft or the hard one: a number, or "unlimited". NULL: no
 * relay runs. */
static const char *running_limit(struct doctor *doctor, const char *name, bool hard)
{
	CLEANUP_FREE char *path = xasprintf("/proc/%ld/limits", (long)doctor->pid);
	const char *value = doctor->pid ? doctor_proc_value(doctor, path, name) : NULL;

	if (!value || !hard)
		return value ? arena_strndup(doctor->arena, value, strcspn(value, " ")) : NULL;
	value += strcspn(value, " ");
	value += strspn(value, " ");
	return arena_strndup(doctor->arena, value, strcspn(value, " "));
}

/* ---- the checks ---- */

static void machine_listen(struct doctor *doctor)
{
	const char *listen = doctor->preflight.config->listen;

	if (!doctor_has_told(doctor, DOCTOR_LISTEN))
		doctor_tell(doctor, DOCTOR_LISTEN, DOCTOR_OK, NULL, NULL,
			    doctor->runs ? "%s is the running relay's" : "%s is free", listen);
}

static void machine_descriptors(struct doctor *doctor)
{
	const char *running = running_limit(doctor, "Max open files", true);
	int64_t n = doctor->preflight.descriptors;

	if (running)
		n = strcmp(running, "unlimited") == 0 ? INT64_MAX : strtoll(running, NULL, 10);
	if (running && n < LIMIT_DESCRIPTORS_WANTED)
		doctor_tell(doctor, DOCTOR_DESCRIPTORS, DOCTOR_WARNING, NULL,
			    "set LimitNOFILE=16384 in the unit, and restart",
			    "the running relay may open %lld files: it serves %lld connections at "
			    "a time",
			    (long long)n, (long long)n / 2);
	else if (!doctor_has_told(doctor, DOCTOR_DESCRIPTORS))
		doctor_tell(doctor, DOCTOR_DESCRIPTORS, DOCTOR_OK, NULL, NULL,
			    "%lld open files are allowed", (long long)n);
}

/* The least limit of the control groups above the process; -1: none. */
static int64_t machine_group_bytes(struct doctor *doctor)
{
	CLEANUP_FREE char *path = doctor->pid ? xasprintf("/proc/%ld/cgroup", (long)doctor->pid)
					      : xstrdup("/proc/self/cgroup");
	const char *group = doctor_proc_value(doctor, path, "0::");
	CLEANUP_FREE char *at = xasprintf("/sys/fs/cgroup%s", group ? group : "");
	int64_t least = -1;

	while (strlen(at) >= strlen("/sys/fs/cgroup")) {
		CLEANUP_FREE char *file = xasprintf("%s/memory.max", at);
		const char *text = doctor_proc_value(doctor, file, "");
		const int64_t bytes = text && *text != 'm' ? strtoll(text, NULL, 10) : -1;
		if (bytes >= 0 && (least < 0 || bytes < least))
			least = bytes;
		*strrchr(at, '/') = '\0';
	}
	return least;
}

static void machine_memory(struct doctor *doctor)
{
	int64_t bytes = machine_group_bytes(doctor);
	const bool is_group = bytes >= 0;
	struct sysinfo info;

	if (!is_group && sysinfo(&info) == 0)
		bytes = (int64_t)info.totalram * info.mem_unit;
	if (bytes < LIMIT_MEMORY_WANTED_BYTES)
		doctor_tell(doctor, DOCTOR_MEMORY, DOCTOR_WARNING, NULL,
			    is_group ? "set MemoryMax=1G in the unit, or the container's limit"
				     : "take a machine with more memory",
			    "the relay may use %lld MiB; traces in flight alone take up to %lld "
			    "MiB",
			    MIB_OF(bytes), MIB_OF(LIMIT_TRACES_IN_FLIGHT_BYTES));
	else
		doctor_tell(doctor, DOCTOR_MEMORY, DOCTOR_OK, NULL, NULL, "%lld MiB%s",
			    MIB_OF(bytes), is_group ? " by the control group" : "");
}

static void machine_cores(struct doctor *doctor)
{
	const char *soft = running_limit(doctor, "Max core file size", false);

	if (!soft)
		doctor_tell(doctor, DOCTOR_CORES, DOCTOR_SKIPPED, NULL, NULL, "no relay runs here");
	else if (strcmp(soft, "0") != 0)
		doctor_tell(doctor, DOCTOR_CORES, DOCTOR_WARNING, NULL, "start it without --core",
			    "the running relay writes core dumps, which hold every secret");
	else
		doctor_tell(doctor, DOCTOR_CORES, DOCTOR_OK, NULL, NULL, "core dumps are off");
}

static void machine_randomness(struct doctor *doctor)
{
	char byte;

	if (getrandom(&byte, 1, GRND_NONBLOCK) < 0)
		doctor_tell(
			doctor, DOCTOR_RANDOMNESS, DOCTOR_FAILURE, NULL,
			"wait until the machine has started, or add a source such as virtio-rng",
			"the kernel has no random numbers yet (%s): a start would wait",
			strerror(errno));
	else
		doctor_tell(doctor, DOCTOR_RANDOMNESS, DOCTOR_OK, NULL, NULL,
			    "the kernel has them");
}

static void machine_disk(struct doctor *doctor)
{
	static const char cure[] = "free some space there, or move the store (store: path)";
	const struct preflight *preflight = &doctor->preflight;
	const int64_t bytes = preflight->disk_bytes;
	const char *path = preflight->config->store_path;

	if (preflight->config->store_unread)
		return;
	if (bytes < 0)
		doctor_tell(doctor, DOCTOR_DISK, DOCTOR_SKIPPED, NULL, NULL,
			    "the store's directory cannot be reached");
	else if (bytes < LIMIT_DISK_LEAST_BYTES)
		doctor_tell(doctor, DOCTOR_DISK, DOCTOR_FAILURE, NULL, cure,
			    "%lld MiB are free for %s: a storm of alerts fills them, and then "
			    "every alert is answered 503",
			    MIB_OF(bytes), path);
	else if (preflight->inodes >= 0 && preflight->inodes < LIMIT_INODES_LEAST)
		doctor_tell(doctor, DOCTOR_DISK, DOCTOR_FAILURE, NULL,
			    "remove files there, or move the store (store: path)",
			    "%lld inodes are free for %s", (long long)preflight->inodes, path);
	else if (bytes < LIMIT_DISK_WANTED_BYTES)
		doctor_tell(doctor, DOCTOR_DISK, DOCTOR_WARNING, NULL, cure,
			    "%lld MiB are free for %s; traces and decisions may take 2 GiB and "
			    "more",
			    MIB_OF(bytes), path);
	else
		doctor_tell(doctor, DOCTOR_DISK, DOCTOR_OK, NULL, NULL, "%lld MiB are free",
			    MIB_OF(bytes));
}

const char *doctor_clock_state(void)
{
	struct timex now = { .modes = 0 };

	return adjtimex(&now) == TIME_ERROR ? "the kernel says that the clock is not synchronised"
					    : NULL;
}

void doctor_look_at_machine(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->preflight.findings.n; i++)
		doctor->runs |= strcmp(doctor->preflight.findings.at[i].code, "C026") == 0;
	if (!doctor->runs)
		doctor->pid = 0;
	machine_listen(doctor);
	machine_descriptors(doctor);
	machine_memory(doctor);
	machine_cores(doctor);
	machine_randomness(doctor);
	machine_disk(doctor);
}
