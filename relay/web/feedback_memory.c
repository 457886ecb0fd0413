/*
 * Feedback memory: see feedback_memory.h. Events are kept in groups, a setting of the store each:
 * "feedback GROUP PAGER", with the time up to which events are forgotten, and an entry of each
 * event of the group, ID:SECONDS in hexadecimal digits. So are incidents: "feedback-incidents GROUP
 * PAGER", with how many the pager has had, and an entry THEIRS:OURS#N for each of the group, theirs
 * in hexadecimal digits.
 */
#include "tracepager/feedback_memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/sign.h"
#include "tracepager/xalloc.h"

#define GROUP_EVENTS 64u
#define GROUP_BYTES  (32u * (GROUP_EVENTS + 1))
#define SETTING	     "feedback "

#define GROUP_INCIDENTS	  32u
#define INCIDENT_ID_BYTES 40u /* the longest id of ours that is kept */
#define INCIDENTS_BYTES	  ((30u + INCIDENT_ID_BYTES) * (GROUP_INCIDENTS + 1))
#define INCIDENTS_SETTING "feedback-incidents "

_Static_assert(LIMIT_FEEDBACK_EVENTS % GROUP_EVENTS == 0, "all groups are full");
_Static_assert(LIMIT_FEEDBACK_INCIDENTS % GROUP_INCIDENTS == 0, "all groups are full");

/* Ids are kept as hashes: whoever could make two that collide has the pager's secret. */
struct pager_memory {
	struct remembered_event {
		uint64_t id; /* 0: free */
		int64_t at_s;
		uint64_t order; /* of two events of the same second the lesser came first */
		bool acted, done;
	} events[LIMIT_FEEDBACK_EVENTS];
	uint64_t order;
	int64_t forgotten_s; /* the latest event that another took the place of; 0: none */
	/* A ring: the newest entry takes the place of the oldest. */
	struct known_incident {
		uint64_t theirs;
		char *ours; /* NULL: free */
		int n;
	} incidents[LIMIT_FEEDBACK_INCIDENTS];
	uint64_t nincidents; /* how many it has had: the next one's place, modulo their number */
};

struct feedback_memory {
	struct feedback_memory_env env;
	struct map *pagers; /* by name, as the rules have had them */
};

struct feedback_memory *feedback_memory_new(const struct feedback_memory_env *env)
{
	struct feedback_memory *memory = xcalloc(1, sizeof(*memory));

	memory->env = *env;
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

/* ---- events ---- */

/* Of an event or of an incident of theirs; the same in every process. */
static uint64_t event_hash(const char *event)
{
	static const char key[] = "an event of a pager";
	unsigned char mac[HMAC_SHA256_BYTES] = { 0 };
	uint64_t id;

	hmac_sha256(key, strlen(key), event, strlen(event), mac);
	memcpy(&id, mac, sizeof(id));
	return id ? id : 1;
}

static struct remembered_event *find_event(struct pager_memory *pager, uint64_t id)
{
	for (size_t i = 0; i < LIMIT_FEEDBACK_EVENTS; i++)
		if (pager->events[i].id == id)
			return &pager->events[i];
	return NULL;
}

static bool event_is_older(const struct remembered_event *one, const struct remembered_event *other)
{
	return one->at_s != other->at_s ? one->at_s < other->at_s : one->order < other->order;
}

/* A free place, else the oldest event's, which is forgotten. */
static struct remembered_event *event_place(struct pager_memory *pager)
{
	struct remembered_event *oldest = &pager->events[0];

	for (size_t i = 0; i < LIMIT_FEEDBACK_EVENTS && oldest->id; i++)
		if (!pager->events[i].id || event_is_older(&pager->events[i], oldest))
			oldest = &pager->events[i];
	if (oldest->id && oldest->at_s > pager->forgotten_s)
		pager->forgotten_s = oldest->at_s;
	return oldest;
}

enum feedback_seen feedback_memory_begin(struct feedback_memory *memory, const char *name,
					 const char *event, int64_t at_us)
{
	const int64_t at_s = at_us / US_PER_SECOND;

	if (!*event)
		return FEEDBACK_NEW;
	struct pager_memory *pager = pager_memory_of(memory, name);
	const uint64_t id = event_hash(event);
	const struct remembered_event *known = find_event(pager, id);
	if (known)
		return known->done ? FEEDBACK_DONE : FEEDBACK_PENDING;
	if (at_s <= pager->forgotten_s)
		return FEEDBACK_FORGOTTEN;
	*event_place(pager) =
		(struct remembered_event){ .id = id, .at_s = at_s, .order = ++pager->order };
	return FEEDBACK_NEW;
}

bool feedback_memory_elsewhere(struct feedback_memory *memory, const char *name, const char *event,
			       bool (*same)(void *ctx, const char *other), void *ctx)
{
	const uint64_t id = event_hash(event);
	struct pager_memory *pager;
	const char *other;
	size_t pos = 0;

	while (*event && (pager = map_next(memory->pagers, &pos, &other)))
		if (strcmp(other, name) != 0 && find_event(pager, id) && same(ctx, other))
			return true;
	return false;
}

static void keep_group(struct feedback_memory *memory, const char *name,
		       const struct pager_memory *pager, size_t group)
{
	struct buf value = BUF_INIT(GROUP_BYTES);
	CLEANUP_FREE char *setting = xasprintf(SETTING "%zu %s", group, name);

	buf_printf(&value, "%" PRIx64, (uint64_t)pager->forgotten_s);
	for (size_t i = group * GROUP_EVENTS; i < (group + 1) * GROUP_EVENTS; i++)
		if (pager->events[i].acted)
			buf_printf(&value, " %" PRIx64 ":%" PRIx64, pager->events[i].id,
				   (uint64_t)pager->events[i].at_s);
	if (memory->env.keep)
		memory->env.keep(memory->env.ctx, setting, buf_text(&value));
	buf_fini(&value);
}

void feedback_memory_keep(struct feedback_memory *memory, const char *name, const char *event)
{
	struct pager_memory *pager = pager_memory_of(memory, name);
	struct remembered_event *known = *event ? find_event(pager, event_hash(event)) : NULL;

	if (!known)
		return;
	known->acted = true;
	keep_group(memory, name, pager, (size_t)(known - pager->events) / GROUP_EVENTS);
}

void feedback_memory_end(struct feedback_memory *memory, const char *name, const char *event,
			 bool durable)
{
	struct pager_memory *pager = pager_memory_of(memory, name);
	struct remembered_event *known = *event ? find_event(pager, event_hash(event)) : NULL;

	if (!known) /* LIMIT_FEEDBACK_EVENTS others came since */
		return;
	const bool acted = known->acted;
	if (durable)
		known->done = true;
	else
		*known = (struct remembered_event){ 0 };
	/* A later event of the group may have kept this one too. */
	if (acted && !durable)
		keep_group(memory, name, pager, (size_t)(known - pager->events) / GROUP_EVENTS);
}

/* One group of a pager, into the places that it had. */
static void read_group(struct pager_memory *pager, size_t group, const char *value)
{
	char *at;
	const int64_t forgotten_s = (int64_t)strtoull(value, &at, 16);
	struct remembered_event *event = &pager->events[group * GROUP_EVENTS];

	if (forgotten_s > pager->forgotten_s)
		pager->forgotten_s = forgotten_s;
	for (size_t i = 0; i < GROUP_EVENTS && *at == ' '; i++, event++) {
		event->id = strtoull(at + 1, &at, 16);
		event->at_s = *at == ':' ? (int64_t)strtoull(at + 1, &at, 16) : 0;
		event->order = ++pager->order;
		event->acted = event->done = true;
	}
}

/* One group of incidents, into the places that they had. */
static void read_incidents(struct pager_memory *pager, size_t group, const char *value)
{
	char *at;
	const uint64_t nincidents = strtoull(value, &at, 16);
	struct known_incident *known = &pager->incidents[group * GROUP_INCIDENTS];

	if (nincidents > pager->nincidents)
		pager->nincidents = nincidents;
	for (size_t i = 0; i < GROUP_INCIDENTS && *at == ' '; i++, known++) {
		const uint64_t theirs = strtoull(at + 1, &at, 16);
		if (*at != ':')
			return;
		const size_t len = strcspn(++at, " #");
		free(known->ours);
		*known = (struct known_incident){ .theirs = theirs,
						  .ours = len ? xstrndup(at, len) : NULL };
		at += len;
		if (*at == '#')
			known->n = (int)strtol(at + 1, &at, 10);
	}
}

/* "PREFIX GROUP PAGER": the pager; NULL: it is no such name. */
static const char *kept_pager(const char *name, const char *prefix, size_t ngroups,
			      size_t *ret_group)
{
	char *at;

	if (strncmp(name, prefix, strlen(prefix)) != 0)
		return NULL;
	*ret_group = strtoul(name + strlen(prefix), &at, 10);
	return *at == ' ' && at[1] && *ret_group < ngroups ? at + 1 : NULL;
}

void feedback_memory_kept(struct feedback_memory *memory, const char *name, const char *value)
{
	size_t group = 0;
	const char *pager = kept_pager(name, SETTING, LIMIT_FEEDBACK_EVENTS / GROUP_EVENTS, &group);

	if (pager)
		read_group(pager_memory_of(memory, pager), group, value);
	pager = kept_pager(name, INCIDENTS_SETTING, LIMIT_FEEDBACK_INCIDENTS / GROUP_INCIDENTS,
			   &group);
	if (pager)
		read_incidents(pager_memory_of(memory, pager), group, value);
}

/* ---- incidents ---- */

/* Of ids that are none of ours (whoever can sign may tell any) nothing is kept. */
static bool is_kept_id(const char *ours)
{
	const size_t len = strlen(ours);

	return len <= INCIDENT_ID_BYTES &&
	       strspn(ours, "0123456789abcdefghijklmnopqrstuvwxyz") == len;
}

static void keep_incidents(struct feedback_memory *memory, const char *name,
			   const struct pager_memory *pager, size_t group)
{
	struct buf value = BUF_INIT(INCIDENTS_BYTES);
	CLEANUP_FREE char *setting = xasprintf(INCIDENTS_SETTING "%zu %s", group, name);

	buf_printf(&value, "%" PRIx64, pager->nincidents);
	for (size_t i = group * GROUP_INCIDENTS; i < (group + 1) * GROUP_INCIDENTS; i++) {
		const struct known_incident *known = &pager->incidents[i];
		if (known->ours && is_kept_id(known->ours))
			buf_printf(&value, " %" PRIx64 ":%s#%d", known->theirs, known->ours,
				   known->n);
		else
			buf_puts(&value, " 0:");
	}
	if (memory->env.keep)
		memory->env.keep(memory->env.ctx, setting, buf_text(&value));
	buf_fini(&value);
}

static struct known_incident *find_incident(struct pager_memory *pager, uint64_t theirs)
{
	for (size_t i = 0; i < LIMIT_FEEDBACK_INCIDENTS; i++)
		if (pager->incidents[i].ours && pager->incidents[i].theirs == theirs)
			return &pager->incidents[i];
	return NULL;
}

void feedback_memory_learn(struct feedback_memory *memory, const char *name, const char *theirs,
			   const char *ours, int n)
{
	struct pager_memory *pager = pager_memory_of(memory, name);
	const uint64_t id = event_hash(theirs);
	struct known_incident *known = find_incident(pager, id);

	if (!known)
		known = &pager->incidents[pager->nincidents++ % LIMIT_FEEDBACK_INCIDENTS];
	if (known->ours && known->theirs == id && known->n == n && strcmp(known->ours, ours) == 0)
		return;
	free(known->ours);
	*known = (struct known_incident){ .theirs = id, .ours = xstrdup(ours), .n = n };
	keep_incidents(memory, name, pager, (size_t)(known - pager->incidents) / GROUP_INCIDENTS);
}

const char *feedback_memory_incident(const struct feedback_memory *memory, const char *name,
				     const char *theirs, int *ret_n)
{
	struct pager_memory *pager = map_get(memory->pagers, name);
	const struct known_incident *known =
		pager && *theirs ? find_incident(pager, event_hash(theirs)) : NULL;

	*ret_n = known ? known->n : 0;
	return known ? known->ours : "";
}
