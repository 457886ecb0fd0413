/*
 * Copies: who says of one alert that it fires. Several Prometheus replicas and several
 * Alertmanagers tell of one alert; it fires as long as any of them says so.
 *
 * What comes by the v2 API is one source's word: a copy is (sender, generatorURL, startsAt), and
 * fires until its own endsAt. A resolve ends the copies with its startsAt, no other. An
 * Alertmanager's webhook is merged already (its startsAt and generatorURL change, its replicas take
 * turns): one copy per sender, the latest word wins. Pure; owns its list.
 */
#ifndef TRACEPAGER_INCIDENT_COPIES_INTERNAL_H
#define TRACEPAGER_INCIDENT_COPIES_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracepager/alert.h"

struct copy {
	uint64_t source;   /* of the v2 API: sender and generatorURL; of a webhook: the sender */
	int64_t starts_us; /* wall, as all times here */
	int64_t heard_us;
	int64_t ends_us; /* until then it fires */
};

struct copies {
	struct copy *at;
	unsigned int n;
};

void copies_fini(struct copies *copies);
/* A firing word. ends_us: until when it counts. Returns how long the same copy had not been heard
 * of (0: it is new). */
int64_t copies_fire(struct copies *copies, const struct alert *alert, int64_t now_us,
		    int64_t ends_us);
/* A resolved word; false: it ends nothing that fires (another copy's, or an earlier episode's). */
bool copies_resolve(struct copies *copies, const struct alert *alert, int64_t now_us);
/* A webhook's word that ended nothing, since it names the end of an earlier start. An Alertmanager
 * that merged two Prometheus says so of the one while the other fires on; and as its last word,
 * where both have ended. The copy fires until until_us at the longest, unless it is told to fire
 * again. False: nothing changed. */
bool copies_doubt(struct copies *copies, const struct alert *alert, int64_t until_us);
bool copies_fire_at(const struct copies *copies, int64_t now_us);
/* When the last copy ends by itself; 0: there is no copy. */
int64_t copies_end_us(const struct copies *copies);
void copies_clear(struct copies *copies);

/* The stored form: "source:starts:heard:ends;…", in hexadecimal and decimal. The caller frees it.
 */
char *copies_text(const struct copies *copies);
/* Reads the stored form into an empty list; a part that cannot be read is left out. */
void copies_read(struct copies *copies, const char *text);

/* For how long nobody has said that an alert fires, as a person says it: "26 h", "40 min", "90 s".
 */
void copies_age_text(int64_t age_us, char *out, size_t size);

#endif
