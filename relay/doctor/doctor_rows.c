/* Doctor's table: tbl/doctor.def as data. Pure; owns nothing. */
#include <string.h>

#include "tracepager/doctor.h"

const struct doctor_row doctor_rows[DOCTOR_CHECK_COUNT] = {
#define DOCTOR_CHECK(id, group, name, title, codes, text)                                          \
	[DOCTOR_##id] = { name, title, codes, text, DOCTOR_GROUP_##group },
#include "tracepager/tbl/doctor.def"
#undef DOCTOR_CHECK
};

const char *doctor_group_title(enum doctor_group group)
{
	static const char *const titles[DOCTOR_GROUP_COUNT] = {
		[DOCTOR_GROUP_CONFIGURATION] = "Configuration",
		[DOCTOR_GROUP_MACHINE] = "This machine",
		[DOCTOR_GROUP_STORE] = "The store",
		[DOCTOR_GROUP_PEERS] = "Sources, pagers and addresses",
		[DOCTOR_GROUP_RELAY] = "The running relay",
		[DOCTOR_GROUP_PAST] = "The past week",
	};

	return titles[group];
}

const char *doctor_level_name(enum doctor_level level)
{
	static const char *const names[] = {
		[DOCTOR_OK] = "ok",
		[DOCTOR_SKIPPED] = "skipped",
		[DOCTOR_WARNING] = "warning",
		[DOCTOR_FAILURE] = "failure",
	};

	return names[level];
}

enum doctor_check doctor_check_find(const char *name)
{
	int i = 0;

	while (i < DOCTOR_CHECK_COUNT && strcmp(doctor_rows[i].name, name) != 0)
		i++;
	return (enum doctor_check)i;
}
