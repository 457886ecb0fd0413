/* Doctor, tell: results are added, and jobs that are waited for begin and end. */
#include <stdarg.h>
#include <string.h>

#include "doctor-internal.h"
#include "tracepager/loop.h"
#include "tracepager/plain.h"

/* ---- results ---- */

bool doctor_wants(const struct doctor *doctor, enum doctor_check check)
{
	return doctor->scope->wanted[check];
}

void doctor_tell(struct doctor *doctor, enum doctor_check check, enum doctor_level level,
		 const char *about, const char *cure, const char *format, ...)
{
	struct doctor_report *report = doctor->report;
	va_list args;

	if (!doctor_wants(doctor, check) || report->n == LIMIT_DOCTOR_RESULTS)
		return;
	va_start(args, format);
	const char *text = arena_vprintf(doctor->arena, format, args);
	va_end(args);
	struct doctor_result *result = &report->at[report->n++];
	*result = (struct doctor_result){
		.check = check,
		.level = level,
		.about = about ? plain_text(doctor->arena, about, LIMIT_DOCTOR_TEXT_BYTES) : NULL,
		.text = plain_text(doctor->arena, text, LIMIT_DOCTOR_TEXT_BYTES),
		.cure = cure ? plain_text(doctor->arena, cure, LIMIT_DOCTOR_TEXT_BYTES) : NULL,
	};
}

bool doctor_has_told(const struct doctor *doctor, enum doctor_check check)
{
	for (size_t i = 0; i < doctor->report->n; i++)
		if (doctor->report->at[i].check == check)
			return true;
	return false;
}

/* ---- waiting ---- */

bool doctor_is_over(const struct doctor *doctor)
{
	return atomic_load_explicit(&doctor->over, memory_order_relaxed);
}

static void doctor_stop_when_done(struct doctor *doctor)
{
	if (!doctor->npending || doctor_is_over(doctor))
		loop_stop(doctor->loop);
}

size_t doctor_begin(struct doctor *doctor, const char *name)
{
	size_t ticket = 0;

	while (ticket < LIMIT_DOCTOR_HOSTS - 1 && doctor->waits_for[ticket])
		ticket++;
	doctor->waits_for[ticket] = name; /* of more the last place tells one */
	doctor->npending++;
	return ticket;
}

void doctor_end(struct doctor *doctor, size_t ticket)
{
	doctor->waits_for[ticket] = NULL;
	doctor->npending--;
	doctor->ndone++;
	doctor_stop_when_done(doctor);
}
