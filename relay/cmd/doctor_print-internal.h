/*
 * Doctor, print: its report as text for people, as JSON, and as a line for monitoring systems.
 * Prints to standard output. For the main thread.
 */
#ifndef DOCTOR_PRINT_INTERNAL_H
#define DOCTOR_PRINT_INTERNAL_H

#include "options-internal.h"
#include "tracepager/doctor.h"

void doctor_print(const struct doctor_report *report, const struct doctor_options *options);
/* The checks: their ids, and what each looks at. */
void doctor_print_list(void);

#endif
