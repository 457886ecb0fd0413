/*
 * Habits of senders: the longest time between two words of a sender on one alert that fires. Loop
 * thread only.
 */
#ifndef TRACEPAGER_INCIDENT_SENDER_HABITS_INTERNAL_H
#define TRACEPAGER_INCIDENT_SENDER_HABITS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

struct sender_habits;

struct sender_habits *sender_habits_new(void);
void sender_habits_free(struct sender_habits *habits);
int64_t sender_habit_us(const struct sender_habits *habits, const char *sender); /* 0: unknown */
/* A sender that repeats rarely gets the time to repeat: one and a half times its interval, and
 * least_us at least. */
int64_t sender_habit_patience_us(const struct sender_habits *habits, const char *sender,
				 int64_t least_us);
void sender_habit_set(struct sender_habits *habits, const char *sender, int64_t interval_us);
/* true: the interval has grown by a tenth, and is to be stored: it is not the same to the second.
 */
bool sender_habit_learn(struct sender_habits *habits, const char *sender, int64_t gap_us);

#endif
