/*
 * Random numbers for jitter, which a peer may guess: not for ids (random_id() of sign.h), not for
 * keys.
 */
#ifndef TRACEPAGER_RANDOM_H
#define TRACEPAGER_RANDOM_H

/* Even in [0, 1). Loop thread only. */
double random_unit(void);

#endif
