/*
 * The caps of metrics, each with its reason: a section of limits.h, which includes it.
 */
#ifndef TRACEPAGER_LIMITS_METRICS_H
#define TRACEPAGER_LIMITS_METRICS_H

/* Pagers that have series of their own, and sources, and senders: each pager has 20 samples at
 * every scrape. A company of 200 teams fits; further names share the series "other". */
#define LIMIT_METRIC_SERIES 200u
/* Names that were ever shown or counted, of each label: reloads that rename pagers all the time
 * must not fill the memory with 1.5 KB each. Further names count in "other" until a restart. */
#define LIMIT_METRIC_NAMES 1000u
/* A longer name counts in "other". */
#define LIMIT_METRIC_NAME_BYTES 128u
/* The answer of /metrics: LIMIT_METRIC_SERIES pagers of 20 samples of at most 300 bytes, as many
 * sources of 16 and senders of 6, and some hundred lines: 2.5 MB. */
#define LIMIT_METRICS_TEXT_BYTES (4u << 20)

#endif
