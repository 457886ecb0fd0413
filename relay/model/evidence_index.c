/*
 * Evidence, index: the tables of a set. Services, texts, facts and profiles are kept once each, and
 * all others are indexes into the tables. All share one map; the keys of each table begin with a
 * control character of its own, so that keys of two tables are never equal: no name that a person
 * gave begins with one.
 */
#include <string.h>

#include "evidence-internal.h"
#include "tracepager/buf.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* The map's values are an index plus one, as a pointer, since a value must not be NULL. UINT32_MAX:
 * the key is not there. */
static uint32_t index_get(const struct evidence_set *set, const char *key)
{
	return (uint32_t)((uintptr_t)map_get(set->index, key) - 1);
}

static void index_put(struct evidence_set *set, const char *key, uint32_t index)
{
	map_put(set->index, key, (void *)((uintptr_t)index + 1));
}

void *evidence_grow(void *at, uint32_t n, uint32_t *size, size_t each)
{
	if (n < *size)
		return at;
	*size = *size ? *size * 2 : 32;
	return xrealloc_array(at, *size, each);
}

uint32_t evidence_service_index(struct evidence_set *set, const char *namespace, const char *name,
				bool peer)
{
	CLEANUP_FREE char *key = xasprintf("%c%s\x1f%s", peer ? '\x02' : '\x01', namespace, name);
	uint32_t index = index_get(set, key);

	if (index != UINT32_MAX)
		return index;
	index = set->nservices;
	set->services =
		evidence_grow(set->services, index, &set->services_size, sizeof(*set->services));
	set->services[index] = (struct evidence_service){ arena_strdup(set->arena, namespace),
							  arena_strdup(set->arena, name), peer };
	set->nservices++;
	index_put(set, key, index);
	return index;
}

uint32_t evidence_text_index(struct evidence_set *set, const char *text)
{
	BUF_LOCAL(key, strlen(text) + 1);

	buf_putc(&key, '\x03');
	buf_puts(&key, text);
	uint32_t index = index_get(set, buf_text(&key));
	if (index == UINT32_MAX) {
		index = set->ntexts;
		set->texts =
			evidence_grow(set->texts, index, &set->texts_size, sizeof(*set->texts));
		set->texts[index] = arena_strdup(set->arena, text);
		set->ntexts++;
		index_put(set, buf_text(&key), index);
	}
	buf_fini(&key);
	return index;
}

uint32_t evidence_fact_index(struct evidence_set *set, const char *attribute, const char *value)
{
	char key[LIMIT_FACT_NAME_BYTES + LIMIT_FACT_VALUE_BYTES + 4];
	size_t name_len = strlen(attribute), value_len = strlen(value);
	uint32_t index;

	if (name_len > LIMIT_FACT_NAME_BYTES || value_len > LIMIT_FACT_VALUE_BYTES)
		return UINT32_MAX;
	key[0] = '\x04';
	memcpy(key + 1, attribute, name_len);
	key[1 + name_len] = '\x1f';
	memcpy(key + 2 + name_len, value, value_len + 1);
	index = index_get(set, key);
	if (index != UINT32_MAX || set->nfacts == LIMIT_FACTS)
		return index;
	index = set->nfacts;
	set->facts = evidence_grow(set->facts, index, &set->facts_size, sizeof(*set->facts));
	set->facts[index] = (struct evidence_fact){ evidence_text_index(set, attribute),
						    evidence_text_index(set, value) };
	set->nfacts++;
	index_put(set, key, index);
	return index;
}

/* "\x05", then each number in 7-bit groups from 0x80 on: no byte of it is NUL. */
static void profile_key(uint32_t service, const uint32_t *facts, uint32_t nfacts, char *key)
{
	size_t len = 0;

	key[len++] = '\x05';
	for (uint32_t i = 0; i <= nfacts; i++) {
		uint32_t number = i == 0 ? service : facts[i - 1];

		for (int group = 0; group < 5; group++)
			key[len++] = (char)(0x80 | ((number >> (7 * group)) & 0x7f));
	}
	key[len] = '\0';
}

uint32_t evidence_profile_index(struct evidence_set *set, uint32_t service, const uint32_t *facts,
				uint32_t nfacts)
{
	char key[5 * (LIMIT_UNIT_FACTS + 1) + 2];
	uint32_t index, *kept;

	profile_key(service, facts, nfacts, key);
	index = index_get(set, key);
	if (index != UINT32_MAX || set->nprofiles == LIMIT_PROFILES)
		return index;
	index = set->nprofiles;
	set->profiles =
		evidence_grow(set->profiles, index, &set->profiles_size, sizeof(*set->profiles));
	kept = arena_array(set->arena, (size_t)nfacts + 1, sizeof(*kept));
	memcpy(kept, facts, nfacts * sizeof(*kept));
	set->profiles[index] = (struct evidence_profile){ service, kept, nfacts };
	set->nprofiles++;
	index_put(set, key, index);
	return index;
}

uint32_t evidence_shape_index(struct evidence_set *set, uint32_t service, const char *operation,
			      const char *callees)
{
	CLEANUP_FREE char *key = xasprintf("\x06%08x%s\x1e%s", service, operation, callees);
	uint32_t index = index_get(set, key);

	if (index != UINT32_MAX || set->nshapes == LIMIT_SHAPES)
		return index;
	index = set->nshapes;
	set->shapes = evidence_grow(set->shapes, index, &set->shapes_size, sizeof(*set->shapes));
	set->shapes[index] = (struct evidence_shape){ service, evidence_text_index(set, operation),
						      evidence_text_index(set, callees) };
	set->nshapes++;
	index_put(set, key, index);
	return index;
}
