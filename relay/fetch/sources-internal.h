/*
 * The trace sources that are asked by HTTP, one file each; sources.c puts them into the table.
 * Pure.
 */
#ifndef TRACEPAGER_SOURCES_INTERNAL_H
#define TRACEPAGER_SOURCES_INTERNAL_H

#include "tracepager/trace_source.h"

extern const struct trace_source trace_source_jaeger;

#endif
