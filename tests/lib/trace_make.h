/*
 * Trace make: traces for tests, drawn as text.
 *
 *     "checkout server POST /orders | 0 100 | ERROR\n"
 *     "  checkout client POST /charge | 10 90 | ERROR; http.response.status_code=500\n"
 *     "    payment server POST /charge | 15 85 | ERROR; message=out of money\n"
 *
 * Each line is a span: service (NAMESPACE/SERVICE; "-" for none), kind ("none" for unspecified),
 * name; start and end in milliseconds; marks. A line is a child of the nearest line above it that
 * is indented by two blanks less. Ids are line numbers from 1 on; the span's index is its line
 * number minus one.
 *
 * Marks, separated by ";": ERROR and OK (status); TAG and NOTAG (an error tag that is true or
 * false); FOLLOWS; SHARED; id=ID and parent=ID, which replace those of the drawing; message=TEXT;
 * and kept attributes as KEY=VALUE.
 */
#ifndef TESTS_LIB_TRACE_MAKE_H
#define TESTS_LIB_TRACE_MAKE_H

#include "tracepager/trace.h"

/* A set of one trace. Aborts on a drawing that is wrong. Free with trace_set_free(). */
struct trace_set *trace_make(const char *drawing);
struct trace_set *trace_make_partial(const char *drawing);

#endif
