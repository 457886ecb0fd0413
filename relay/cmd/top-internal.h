/*
 * What the files of "tracepager top" share: the frame that is drawn, the figures of /metrics in it,
 * keys, and the terminal. top.c owns the loop and asks the relay.
 */
#ifndef TOP_INTERNAL_H
#define TOP_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "table-internal.h"
#include "tracepager/buf.h"

/* ---- top_figures.c: what /metrics says. Pure ---- */

/* The sum of the samples of that name whose labels hold this text ("": of all); 0 without any. */
double metrics_sum(const char *metrics, const char *name, const char *labels);

/* How many alerts arrived, at some times. */
#define TOP_SAMPLES 64
struct top_rate {
	struct {
		int64_t at_us; /* monotonic */
		double alerts;
	} samples[TOP_SAMPLES];
	size_t n;
};

/* Notes a sample. Samples of over a minute ago count no more; a relay that begins anew counts from
 * 0. */
void top_rate_add(struct top_rate *rate, int64_t at_us, double alerts);
/* Alerts in a minute; below 0: not known yet. */
double top_rate_of_minute(const struct top_rate *rate);

/* ---- top_frame.c: one frame. Pure ---- */

struct top_view {
	struct screen screen;
	size_t lines;		  /* of the screen; 0: as many as there are */
	int64_t now_us, heard_us; /* wall; heard_us 0: the relay has not answered yet */
	const char *url;
	const json_t *incidents; /* sorted; NULL: not known */
	const char *metrics;	 /* NULL: not known */
	const json_t *pagers;	 /* NULL: not known */
	double alerts_of_minute; /* below 0: not known */
	const char *trouble;	 /* why the relay does not answer; NULL: it does */
	const char *message;	 /* the last line: a question, or what was done; NULL: the keys */
	size_t selected;	 /* the incident, from 0 */
};

/* The text of a frame: lines that fit the screen, each with its line end. */
void top_write_frame(const struct top_view *view, struct buf *out);

/* ---- top_keys.c: what a person presses. Pure ---- */

enum top_key {
	TOP_KEY_NONE, /* not yet, or none of ours */
	TOP_KEY_QUIT,
	TOP_KEY_UP,
	TOP_KEY_DOWN,
	TOP_KEY_ACKNOWLEDGE,
	TOP_KEY_YES,
	TOP_KEY_OTHER,
};

/* Where a sequence of a key such as "up" (ESC [ A) stands. */
struct top_keys {
	unsigned int escape;
};

/* The key that this byte ends. */
enum top_key top_key_of(struct top_keys *keys, char c);

/* ---- top_screen.c: the terminal ---- */

/* Takes the terminal: keys come at once and unseen, on a screen of its own without a cursor. 0 or
 * -errno. */
int top_screen_enter(void);
/* Gives it back as it was. No harm if it was not taken; safe at any time, any number of times. */
void top_screen_leave(void);
/* The terminal's size; 80 by 24 where it has none. */
void top_screen_size(unsigned long *ret_columns, size_t *ret_lines);
/* Draws a frame over the one before. */
void top_screen_draw(const struct screen *screen, const struct buf *frame);

#endif
