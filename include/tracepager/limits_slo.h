/*
 * The caps of "tracepager slo", each with its reason: a section of limits.h, which includes it.
 */
#ifndef TRACEPAGER_LIMITS_SLO_H
#define TRACEPAGER_LIMITS_SLO_H

/* Signals: operations of whole services, where the rules declare none. */
#define LIMIT_SLO_SIGNALS 500u
/* Edges of all signals together; a proposal takes 2 KiB for each at most. */
#define LIMIT_SLO_EDGES 50000u
/* A name of a service or operation; a stranger's name of any length is cut. */
#define LIMIT_SLO_NAME_BYTES 256u
/* Requests and calls that are kept with their times, of all signals together: 80 MiB. */
#define LIMIT_SLO_SAMPLES 5000000u
/* The text of a proposal in each format: 50,000 edges take 60 MiB as JSON. */
#define LIMIT_SLO_TEXT_BYTES (256u << 20)
/* What a proposal keeps of figures, names and sentences: LIMIT_SLO_EDGES of them twice. */
#define LIMIT_SLO_ARENA_BYTES (256u << 20)

#endif
