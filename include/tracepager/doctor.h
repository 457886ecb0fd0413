/*
 * Doctor: looks whether a relay could start, runs well and would reach people; and tells each
 * problem with its cure. tbl/doctor.def lists the checks. A start is tried without starting
 * (preflight), which `tracepager run --check` does alone; sources and pagers are asked as the relay
 * asks them; the running relay is asked over its API, and its store is read beside it.
 *
 * It pages nobody, changes nothing and writes no file. It shows no secret: texts name files, never
 * what they hold. A run blocks for at most LIMIT_DOCTOR_US, with a loop and threads of its own. For
 * the main thread, once in a process: where root runs it, it becomes the relay's user for good.
 */
#ifndef TRACEPAGER_DOCTOR_H
#define TRACEPAGER_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/config.h"
#include "tracepager/findings.h"
#include "tracepager/rules.h"
#include "tracepager/secret.h"

enum doctor_check {
#define DOCTOR_CHECK(id, group, name, title, codes, text) DOCTOR_##id,
#include "tracepager/tbl/doctor.def"
#undef DOCTOR_CHECK
	DOCTOR_CHECK_COUNT
};

enum doctor_group {
	DOCTOR_GROUP_CONFIGURATION,
	DOCTOR_GROUP_MACHINE,
	DOCTOR_GROUP_STORE,
	DOCTOR_GROUP_PEERS,
	DOCTOR_GROUP_RELAY,
	DOCTOR_GROUP_PAST,
	DOCTOR_GROUP_COUNT
};

struct doctor_row {
	const char *name, *title, *codes, *text;
	enum doctor_group group;
};
extern const struct doctor_row doctor_rows[DOCTOR_CHECK_COUNT];
const char *doctor_group_title(enum doctor_group group); /* "This machine" */
/* The check of that id; DOCTOR_CHECK_COUNT: there is none. */
enum doctor_check doctor_check_find(const char *name);

/* ---- what a start would say ---- */

struct preflight {
	struct config *config; /* as far as it could be read; never NULL */
	bool read;	       /* false: there are no options: the rest was not tried */
	struct ruleset *rules; /* NULL: they have errors */
	struct findings findings;
	size_t ntests;		    /* of the rules, that ran */
	int64_t disk_bytes, inodes; /* free for the store; -1: not known */
	int64_t descriptors;	    /* that a start would have */
	int schema;		    /* of the store; 0: there is none yet, or it cannot be read */
};
/* The path of the store by these options, read without their secrets; NULL: they cannot be read.
 * Caller frees. Any thread. */
char *preflight_store_path(const char *path);
/* Tries all that a start does, as far as it can be tried without starting, and what is legal and
 * probably wrong. path NULL: the options have their defaults. Whether a start would succeed. Call
 * preflight_fini() in any case. Where root calls, secrets are judged as the relay's user reads them
 * (service_user.h). Before other threads start. */
bool preflight_run(const char *path, int64_t wall_us, struct preflight *ret_preflight);
void preflight_fini(struct preflight *preflight);

/* ---- the whole ---- */

enum doctor_level {
	DOCTOR_OK,
	DOCTOR_SKIPPED, /* it could not be looked at, and that is no fault; text says why */
	DOCTOR_WARNING,
	DOCTOR_FAILURE,
};
const char *doctor_level_name(enum doctor_level level); /* "ok", "skipped" … */

struct doctor_result {
	enum doctor_check check;
	enum doctor_level level;
	const char *about; /* the source, pager, host or sender; NULL: none */
	const char *text;  /* a sentence without a full stop, safe on a terminal */
	const char *cure;  /* NULL: none */
	const char *file;  /* NULL: no place */
	int line;	   /* 0: the whole file */
	const char *code;  /* of a finding; NULL: none */
};

struct doctor_scope {
	const char *config; /* NULL: /etc/tracepager/tracepager.yaml, where that exists */
	/* The relay: NULL: the address of the options, and their admin token. */
	const char *url;
	const struct secret *token; /* unset: that of the options */
	const char *ca_file;	    /* NULL: the system's */
	bool wanted[DOCTOR_CHECK_COUNT];
	/* Called while it waits, from the loop: what is waited for, "" at the end. NULL: nobody
	 * wants to know. */
	void (*progress)(void *ctx, size_t done, size_t all, const char *waits_for);
	void *ctx;
};

struct doctor_report {
	struct arena *arena;
	struct doctor_result *at; /* by check; within one in the order in which they were found */
	size_t n, counts[DOCTOR_FAILURE + 1];
	int64_t took_us;
	const char *config, *user; /* what was looked at, and as whom */
};
void doctor_run(const struct doctor_scope *scope, struct doctor_report *ret_report);
void doctor_report_fini(struct doctor_report *report);

#endif
