/* Jaeger processes: see jaeger-internal.h. Owns the table's memory. */
#include "jaeger-internal.h"

#include <stdlib.h>

#include "tracepager/hash.h"
#include "tracepager/trace.h"
#include "tracepager/xalloc.h"

static uint32_t *find_process(const struct jaeger_processes *processes, uint32_t id)
{
	uint32_t i = (uint32_t)(id * processes->multiplier >> 40) & (processes->nslots - 1);

	while (processes->slots[i] != 0 && processes->ids[processes->slots[i] - 1] != id)
		i = (i + 1) & (processes->nslots - 1);
	return &processes->slots[i];
}

static void grow_processes(struct jaeger_processes *processes)
{
	uint32_t size = processes->size > 0 ? processes->size * 2 : 32;

	if (processes->multiplier == 0)
		processes->multiplier = hash_bytes("processes", 9) | 1;
	processes->ids = xrealloc_array(processes->ids, size, sizeof(*processes->ids));
	processes->resources =
		xrealloc_array(processes->resources, size, sizeof(*processes->resources));
	processes->size = size;
	free(processes->slots);
	processes->nslots = size * 2;
	processes->slots = xcalloc(processes->nslots, sizeof(*processes->slots));
	for (uint32_t i = 0; i < processes->n; i++)
		*find_process(processes, processes->ids[i]) = i + 1;
}

uint32_t jaeger_process_number(struct jaeger_processes *processes, uint32_t id)
{
	uint32_t *slot;

	if (processes->n == processes->size)
		grow_processes(processes);
	slot = find_process(processes, id);
	if (*slot == 0) {
		processes->ids[processes->n] = id;
		processes->resources[processes->n] = TRACE_NONE;
		*slot = ++processes->n;
	}
	return *slot - 1;
}

void jaeger_processes_drop(struct jaeger_processes *processes)
{
	free(processes->ids);
	free(processes->resources);
	free(processes->slots);
	*processes = (struct jaeger_processes){ .n = 0 };
}
