/*
 * An error for a person: what failed, where, and what happens now. For the program the return value
 * counts: 0 or -errno. An err owns nothing and may be copied; one thread at a time may use it.
 */
#ifndef TRACEPAGER_ERR_H
#define TRACEPAGER_ERR_H

struct err {
	int code;	  /* an errno value, or 0 */
	int line, column; /* 1-based; 0: the error is not about a place in a text */
	char text[320];	  /* one line without a full stop; a longer text is cut */
};

/* Sets code and text; line and column become 0. err may be NULL; the arguments may point into its
 * text. Returns -code. */
int err_set(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int err_set_at(struct err *err, int code, int line, int column, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* Puts "prefix: " before the text. err may be NULL. */
void err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
