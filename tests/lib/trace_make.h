/*
 * Trace make: traces for tests, drawn as text.
 *
 *     "checkout server POST /orders | 0 100 | ERROR\n"
 *     "  checkout client POST /charge | 10 90 | ERROR; http.response.status_code=500\n"
 *     "    payment server POST /charge | 15 85 | ERROR; message=out of money\n"
 *
 * One span a line: service (NAMESPACE/SERVICE; "-" for none), kind ("none" for unspecified), name;
 * start and end in milliseconds; marks. Two blanks of indentation mean: a child of the line above
 * that has two less. Ids are line numbers from 1 on, and the span's index is its line's number less
 * one.
 *
 * Marks, separated by ";": ERROR and OK (status), TAG and NOTAG (an error tag that is true, that is
 * false), FOLLOWS, SHARED, id=ID and parent=ID in place of what the drawing says, message=TEXT, and
 * kept attributes as KEY=VALUE.
 */
#ifndef TESTS_LIB_TRACE_MAKE_H
#define TESTS_LIB_TRACE_MAKE_H

#include "tracepager/trace.h"

/* A set of one trace. Aborts on a drawing that is wrong. Free with trace_set_free(). */
struct trace_set *trace_make(const char *drawing);
struct trace_set *trace_make_partial(const char *drawing);

#endif
