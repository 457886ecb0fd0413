/*
 * JSON place: finds a value of a JSON document by a place of alert_mapping.h. It judges no value.
 * Owns the documents that stand as texts inside the body, from json_places_init() to
 * json_places_fini(); what it returns is borrowed. Pure: one thread at a time for each body.
 */
#ifndef TRACEPAGER_FORMAT_JSON_PLACE_INTERNAL_H
#define TRACEPAGER_FORMAT_JSON_PLACE_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/err.h"

/* Documents inside texts of one body: those of a list of alerts share few. */
#define JSON_PLACE_INNER 16

struct json_places {
	json_t *root;
	struct {
		json_t *text;
		json_t *value; /* NULL: the text holds no JSON */
	} inner[JSON_PLACE_INNER];
	size_t ninner;
	uint64_t repaired; /* bad characters of the body, each of which became U+FFFD */
};

/* Reads a body. 0; -E2BIG: it is over LIMIT_MAPPED_BODY_BYTES or has more than
 * LIMIT_MAPPED_VALUES values; -EBADMSG: no JSON, err has line and column. places is to be finished
 * in each case. */
int json_places_init(struct json_places *places, const char *text, size_t len, struct err *err);
void json_places_fini(struct json_places *places);

/* The value at a place, from item on; NULL: there is none, or it is null. */
json_t *json_place_find(struct json_places *places, json_t *item, const char *place);

#endif
