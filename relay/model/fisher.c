/*
 * Fisher: the exact test of two groups. See fisher-internal.h.
 */
#include "fisher-internal.h"

#include <math.h>

/* The natural logarithm of n over k. */
static double fisher_log_choose(uint32_t n, uint32_t k)
{
	int sign;

	return lgamma_r(n + 1.0, &sign) - lgamma_r(k + 1.0, &sign) - lgamma_r(n - k + 1.0, &sign);
}

double fisher_tail(uint32_t with, uint32_t of, uint32_t all_with, uint32_t all)
{
	uint32_t most = all_with < of ? all_with : of;
	double samples = fisher_log_choose(all, of), p = 0;

	for (uint32_t i = with; i <= most; i++)
		if (of - i <= all - all_with)
			p += exp(fisher_log_choose(all_with, i) +
				 fisher_log_choose(all - all_with, of - i) - samples);
	return fmin(p, 1);
}
