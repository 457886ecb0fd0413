/*
 * Randomness for jitter: not for ids (sign.h has those), not for keys.
 */
#ifndef TRACEPAGER_RANDOM_H
#define TRACEPAGER_RANDOM_H

/* Evenly in [0, 1). Loop thread only. */
double random_unit(void);

#endif
