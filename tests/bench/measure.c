/* Measuring, see measure.h. */
#include "measure.h"

#include <malloc.h>
#include <stdlib.h>
#include <time.h>

static size_t heap_bytes, heap_peak;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t n, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
void __wrap_free(void *block);

static void *count(void *block)
{
	heap_bytes += malloc_usable_size(block);
	if (heap_bytes > heap_peak)
		heap_peak = heap_bytes;
	return block;
}

void *__wrap_malloc(size_t size)
{
	return count(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return count(__real_calloc(n, size));
}

void *__wrap_realloc(void *old, size_t size)
{
	heap_bytes -= malloc_usable_size(old);
	return count(__real_realloc(old, size));
}

void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
	heap_bytes -= malloc_usable_size(old);
	return count(__real_reallocarray(old, n, size));
}

void __wrap_free(void *block)
{
	heap_bytes -= malloc_usable_size(block);
	__real_free(block);
}

size_t measure_bytes(void)
{
	return heap_bytes;
}

size_t measure_peak(void)
{
	return heap_peak;
}

void measure_peak_reset(void)
{
	heap_peak = heap_bytes;
}

void measure_tidy(void)
{
	malloc_trim(0);
}

size_t measure_all_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

int64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return values[n / 2];
}
