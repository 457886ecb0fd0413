/*
 * What went wrong, for a person: what, where, and what happens now. What went wrong for the program
 * is the return value: 0 or -errno.
 */
#ifndef TRACEPAGER_ERR_H
#define TRACEPAGER_ERR_H

struct err {
	int code;	  /* an errno value, or 0 */
	int line, column; /* 1-based; 0: not about a place in a text */
	char text[320];	  /* one line, no full stop, cut at the end when too long */
};

/* Set code and text; line and column become 0. NULL err is allowed. Returns -code. */
int err_set(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int err_set_at(struct err *err, int code, int line, int column, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* Put "prefix: " before what is there, for the caller's view of the place. */
void err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
