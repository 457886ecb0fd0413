/*
 * Fisher's exact test, one-sided (R. A. Fisher, Statistical Methods for Research Workers, 5th ed.,
 * 1934, section 21.02). Pure; any thread.
 */
#ifndef TRACEPAGER_FISHER_INTERNAL_H
#define TRACEPAGER_FISHER_INTERNAL_H

#include <stdint.h>

/* Of `all` things, `all_with` have a property. The probability that by chance at least `with` of a
 * group of `of` things have it: 0 to 1. with, of and all_with are at most all. */
double fisher_tail(uint32_t with, uint32_t of, uint32_t all_with, uint32_t all);

#endif
