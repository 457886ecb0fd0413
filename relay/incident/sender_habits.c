/* Habits of senders: see sender_habits-internal.h. */
#include "sender_habits-internal.h"

#include <stdlib.h>

#include "tracepager/hash.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

struct sender_habits {
	struct map *intervals; /* name -> int64_t */
};

struct sender_habits *sender_habits_new(void)
{
	struct sender_habits *habits = xcalloc(1, sizeof(*habits));

	habits->intervals = map_new();
	return habits;
}

void sender_habits_free(struct sender_habits *habits)
{
	void *item;

	for (size_t pos = 0; (item = map_next(habits->intervals, &pos, NULL));)
		free(item);
	map_free(habits->intervals);
	free(habits);
}

int64_t sender_habit_us(const struct sender_habits *habits, const char *sender)
{
	const int64_t *interval_us = map_get(habits->intervals, sender);

	return interval_us ? *interval_us : 0;
}

int64_t sender_habit_patience_us(const struct sender_habits *habits, const char *sender,
				 int64_t least_us)
{
	const int64_t patience_us = sender_habit_us(habits, sender) * 3 / 2;

	return patience_us > least_us ? patience_us : least_us;
}

void sender_habit_set(struct sender_habits *habits, const char *sender, int64_t interval_us)
{
	int64_t *known_us = map_get(habits->intervals, sender);

	if (!known_us) {
		known_us = xcalloc(1, sizeof(*known_us));
		map_put(habits->intervals, sender, known_us);
	}
	*known_us = interval_us;
}

bool sender_habit_learn(struct sender_habits *habits, const char *sender, int64_t gap_us)
{
	const int64_t known_us = sender_habit_us(habits, sender);

	if (gap_us <= known_us + known_us / 10 || gap_us < US_PER_MINUTE)
		return false;
	sender_habit_set(habits, sender, gap_us);
	return true;
}
