/*
 * What the benchmarks share: the clock, the median of rounds, and what was asked of malloc.
 *
 * The linker wraps malloc of the program's own code (see Makefile.inc), so that a peak inside of a
 * call shows; what libraries take is not in it.
 */
#ifndef TRACEPAGER_TESTS_MEASURE_H
#define TRACEPAGER_TESTS_MEASURE_H

#include <stddef.h>
#include <stdint.h>

/* Of this process: others on the machine do not count. */
int64_t cpu_ns(void);
/* Sorts the values. */
double median(double *values, size_t n);

/* Bytes in use now, and the most that were since measure_peak_reset(). */
size_t measure_bytes(void);
size_t measure_peak(void);
void measure_peak_reset(void);

/* Sorts what was freed, so that who comes next does not pay for it. */
void measure_tidy(void);

/* Bytes in use in the whole process, libraries included. */
size_t measure_all_bytes(void);

#endif
