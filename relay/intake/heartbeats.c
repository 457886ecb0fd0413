/* Heartbeats: see heartbeats.h. */
#include "tracepager/heartbeats.h"

#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/metrics.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

struct heartbeat {
	struct heartbeats *owner;
	const struct heartbeat_sender *sender;
	struct metric_series *series;
	struct timer timer;
	int64_t heard_us; /* wall; 0: not since the start */
	int64_t start_us; /* wall: the relay's */
	/* What was said last: nothing since the start, that it is silent, that it is heard. An
	 * alert that an earlier relay said may still fire, so that the first word ends it. */
	enum { SAID_NOTHING, SAID_SILENT, SAID_HEARD } said;
};

struct heartbeats {
	struct heartbeats_env env;
	struct heartbeat *all;
};

static void heartbeat_say(struct heartbeat *heartbeat, enum alert_status status)
{
	const struct heartbeats_env *env = &heartbeat->owner->env;
	const char *name = heartbeat->sender->name;
	int64_t since_us = heartbeat->heard_us ? heartbeat->heard_us : heartbeat->start_us;
	struct arena *arena = arena_new(LIMIT_HEARTBEAT_BYTES);
	struct label labels[] = { { "alertname", "SenderSilent" },
				  { "sender", name },
				  { "severity", "critical" } };
	char fingerprint[FINGERPRINT_SIZE], since[RFC3339_SIZE];
	struct label annotations[] = {
		{ "description",
		  arena_printf(
			  arena,
			  "No alert of what %s watches can reach anybody. Look whether it runs, "
			  "whether it reaches this relay, and what its log says of failed "
			  "notifications. %s.",
			  name,
			  heartbeat->sender->watchdog.n
				  ? "Its watchdog alert must fire and be repeated more often"
				  : "It must send something more often, if only a repeat") },
		{ "summary",
		  arena_printf(arena, "%s has sent %s since %s%s", name,
			       heartbeat->sender->watchdog.n ? "no watchdog" : "nothing",
			       heartbeat->heard_us ? "" : "this relay started, ",
			       rfc3339_format(since_us / US_PER_SECOND * US_PER_SECOND, since)) },
	};
	struct alert alert = { .sender = "tracepager",
			       .family = "tracepager",
			       .fingerprint = fingerprint,
			       .status = status,
			       .labels = { labels, ARRAY_LEN(labels) },
			       .annotations = { annotations, ARRAY_LEN(annotations) },
			       .starts_at_us = since_us,
			       .ends_at_us =
				       status == ALERT_RESOLVED ? clock_wall_us(env->clock) : 0,
			       .generator_url = "",
			       .group_key = fingerprint }; /* each sender alone */

	labels_fingerprint(&alert.labels, fingerprint);
	env->say(env->ctx, &alert);
	arena_free(arena);
}

static void heartbeat_arm(struct heartbeat *heartbeat)
{
	const struct heartbeats_env *env = &heartbeat->owner->env;

	timer_arm(env->timers, &heartbeat->timer,
		  clock_mono_us(env->clock) + heartbeat->sender->every_us);
}

static void heartbeat_missed(void *arg)
{
	struct heartbeat *heartbeat = arg;

	if (heartbeat->said != SAID_SILENT)
		log_warn("a sender is silent", LOG_STR("sender", heartbeat->sender->name),
			 LOG_INT("heartbeat_s", heartbeat->sender->every_us / US_PER_SECOND));
	heartbeat->said = SAID_SILENT;
	metric_series_set(heartbeat->series, NAMED_SENDER_SILENT, 1);
	heartbeat_say(heartbeat, ALERT_FIRING);
	heartbeat_arm(heartbeat);
}

static void heartbeat_beat(struct heartbeat *heartbeat)
{
	bool was_silent = heartbeat->said == SAID_SILENT;

	if (was_silent)
		log_info("a sender is heard again", LOG_STR("sender", heartbeat->sender->name));
	if (heartbeat->said != SAID_HEARD)
		heartbeat_say(heartbeat, ALERT_RESOLVED);
	heartbeat->said = SAID_HEARD;
	metric_series_set(heartbeat->series, NAMED_SENDER_SILENT, 0);
	heartbeat->heard_us = clock_wall_us(heartbeat->owner->env.clock);
	heartbeat_arm(heartbeat);
}

static struct heartbeat *heartbeat_of(struct heartbeats *heartbeats, const char *sender)
{
	for (size_t i = 0; i < heartbeats->env.nsenders; i++)
		if (strcmp(heartbeats->all[i].sender->name, sender) == 0)
			return &heartbeats->all[i];
	return NULL;
}

void heartbeats_heard(struct heartbeats *heartbeats, const char *sender)
{
	struct heartbeat *heartbeat = heartbeat_of(heartbeats, sender);

	if (heartbeat && heartbeat->sender->every_us && !heartbeat->sender->watchdog.n)
		heartbeat_beat(heartbeat);
}

bool heartbeats_take(struct heartbeats *heartbeats, const struct alert *alert)
{
	struct heartbeat *heartbeat = heartbeat_of(heartbeats, alert->sender);
	const struct labels *watchdog = heartbeat ? &heartbeat->sender->watchdog : NULL;

	if (!watchdog || !watchdog->n)
		return false;
	for (size_t i = 0; i < watchdog->n; i++) {
		const char *value = labels_get(&alert->labels, watchdog->at[i].name);
		if (!value || strcmp(value, watchdog->at[i].value) != 0)
			return false;
	}
	/* One that is resolved no longer shows that rules are evaluated. */
	if (heartbeat->sender->every_us && alert->status == ALERT_FIRING)
		heartbeat_beat(heartbeat);
	return true;
}

struct heartbeats *heartbeats_new(const struct heartbeats_env *env)
{
	struct heartbeats *heartbeats = xcalloc(1, sizeof(*heartbeats));

	heartbeats->env = *env;
	heartbeats->all = xcalloc(env->nsenders + 1, sizeof(*heartbeats->all));
	for (size_t i = 0; i < env->nsenders; i++) {
		struct heartbeat *heartbeat = &heartbeats->all[i];
		*heartbeat = (struct heartbeat){
			.owner = heartbeats,
			.sender = &env->senders[i],
			.series = metric_series(METRIC_BY_SENDER, env->senders[i].name),
			.start_us = clock_wall_us(env->clock),
			.timer = { .fire = heartbeat_missed, .arg = heartbeat }
		};
		if (heartbeat->sender->every_us)
			heartbeat_arm(heartbeat);
	}
	return heartbeats;
}

void heartbeats_free(struct heartbeats *heartbeats)
{
	if (!heartbeats)
		return;
	for (size_t i = 0; i < heartbeats->env.nsenders; i++)
		timer_disarm(heartbeats->env.timers, &heartbeats->all[i].timer);
	free(heartbeats->all);
	free(heartbeats);
}
