/*
 * What the fuzz targets of alert formats share: parse within the memory that alert_format.h
 * promises, and check that every alert can be read back from its stored form.
 */
#ifndef TRACEPAGER_FUZZ_FORMAT_H
#define TRACEPAGER_FUZZ_FORMAT_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/alert_format.h"
#include "tracepager/limits.h"

static inline void fuzz_round_trip(const struct alert *alert)
{
	struct arena *arena = arena_new(64u << 20);
	struct buf once = BUF_INIT(64u << 20), again = BUF_INIT(64u << 20);
	struct alert back;
	struct err err;

	alert_write(alert, &once);
	if (alert_read(arena, buf_text(&once), once.len, &back, &err) != 0)
		abort();
	alert_write(&back, &again);
	if (strcmp(buf_text(&once), buf_text(&again)) != 0)
		abort();
	buf_fini(&once);
	buf_fini(&again);
	arena_free(arena);
}

static inline void fuzz_format_body(enum alert_format_id id, const struct alert_body *body)
{
	struct arena *arena = arena_new(8 * body->len + (1u << 20));
	struct alert_batch batch = { 0 };
	struct err err = { 0 };

	alert_formats[id]->match(body->text, body->len);
	if (alert_formats[id]->parse(arena, body, &batch, &err) == 0) {
		for (size_t i = 0; i < batch.nalerts; i++) {
			if (batch.alerts[i].labels.n == 0)
				abort();
			fuzz_round_trip(&batch.alerts[i]);
		}
		for (size_t i = 0; i < batch.nrefused; i++) {
			if (strchr(batch.refused[i].text, '\n'))
				abort();
		}
	} else if (!*err.text) {
		abort();
	}
	arena_free(arena);
}

static inline void fuzz_format(enum alert_format_id id, const uint8_t *data, size_t size)
{
	const struct alert_body body = { .text = (const char *)data,
					 .len = size,
					 .sender = "am1",
					 .now_us = INT64_C(1788256800000000) };

	fuzz_format_body(id, &body);
}

#endif
