/* Feedback memory: see feedback_memory-internal.h. */
#include "feedback_memory-internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* Ids are kept as hashes: whoever could make two that collide has the pager's secret. Both lists
 * are rings: the newest entry takes the place of the oldest. */
struct pager_memory {
	struct remembered_event {
		uint64_t id; /* 0: free */
		bool done;
	} events[LIMIT_FEEDBACK_EVENTS];
	size_t next_event;
	struct known_incident {
		uint64_t theirs;
		char *ours; /* NULL: free */
	} incidents[LIMIT_FEEDBACK_INCIDENTS];
	size_t next_incident;
};

struct feedback_memory {
	struct map *pagers; /* by name, as the rules have had them since the start */
};

struct feedback_memory *feedback_memory_new(void)
{
	struct feedback_memory *memory = xcalloc(1, sizeof(*memory));

	memory->pagers = map_new();
	return memory;
}

void feedback_memory_free(struct feedback_memory *memory)
{
	struct pager_memory *pager;
	size_t pos = 0;

	if (!memory)
		return;
	while ((pager = map_next(memory->pagers, &pos, NULL))) {
		for (size_t i = 0; i < LIMIT_FEEDBACK_INCIDENTS; i++)
			free(pager->incidents[i].ours);
		free(pager);
	}
	map_free(memory->pagers);
	free(memory);
}

static struct pager_memory *pager_memory_of(struct feedback_memory *memory, const char *name)
{
	struct pager_memory *pager = map_get(memory->pagers, name);

	if (!pager) {
		pager = xcalloc(1, sizeof(*pager));
		map_put(memory->pagers, name, pager);
	}
	return pager;
}

static uint64_t id_hash(const char *id)
{
	const uint64_t hash = hash_bytes(id, strlen(id));

	return hash ? hash : 1;
}

static struct remembered_event *find_event(struct pager_memory *pager, uint64_t id)
{
	for (size_t i = 0; i < LIMIT_FEEDBACK_EVENTS; i++)
		if (pager->events[i].id == id)
			return &pager->events[i];
	return NULL;
}

enum feedback_seen feedback_memory_begin(struct feedback_memory *memory, const char *name,
					 const char *event)
{
	const uint64_t id = id_hash(event);

	if (!*event)
		return FEEDBACK_NEW;
	struct pager_memory *pager = pager_memory_of(memory, name);
	const struct remembered_event *known = find_event(pager, id);
	if (known)
		return known->done ? FEEDBACK_DONE : FEEDBACK_PENDING;
	pager->events[pager->next_event] = (struct remembered_event){ .id = id };
	pager->next_event = (pager->next_event + 1) % LIMIT_FEEDBACK_EVENTS;
	return FEEDBACK_NEW;
}

void feedback_memory_end(struct feedback_memory *memory, const char *name, const char *event,
			 bool durable)
{
	struct remembered_event *known =
		*event ? find_event(pager_memory_of(memory, name), id_hash(event)) : NULL;

	/* NULL: LIMIT_FEEDBACK_EVENTS others came since. */
	if (known)
		*known =
			(struct remembered_event){ .id = durable ? known->id : 0, .done = durable };
}

/* ---- incidents ---- */

static struct known_incident *find_incident(struct pager_memory *pager, uint64_t theirs)
{
	for (size_t i = 0; i < LIMIT_FEEDBACK_INCIDENTS; i++)
		if (pager->incidents[i].ours && pager->incidents[i].theirs == theirs)
			return &pager->incidents[i];
	return NULL;
}

void feedback_memory_learn(struct feedback_memory *memory, const char *name, const char *theirs,
			   const char *ours)
{
	struct pager_memory *pager = pager_memory_of(memory, name);
	const uint64_t id = id_hash(theirs);
	struct known_incident *known = find_incident(pager, id);

	if (!known) {
		known = &pager->incidents[pager->next_incident];
		pager->next_incident = (pager->next_incident + 1) % LIMIT_FEEDBACK_INCIDENTS;
	}
	if (known->ours && known->theirs == id && strcmp(known->ours, ours) == 0)
		return;
	free(known->ours);
	*known = (struct known_incident){ .theirs = id, .ours = xstrdup(ours) };
}

const char *feedback_memory_incident(const struct feedback_memory *memory, const char *name,
				     const char *theirs)
{
	struct pager_memory *pager = map_get(memory->pagers, name);
	const struct known_incident *known =
		pager && *theirs ? find_incident(pager, id_hash(theirs)) : NULL;

	return known ? known->ours : "";
}
