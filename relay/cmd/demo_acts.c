/*
 * Demo, acts: until somebody has it. A page that nobody answers escalates; a person acknowledges by
 * the API; a storm of alerts becomes one page. Owns nothing.
 */
#include "demo-internal.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "incidents-internal.h"
#include "tracepager/limits.h"
#include "tracepager/metrics.h"
#include "tracepager/xalloc.h"

/* ---- an escalation ---- */

void demo_show_unanswered(struct demo *demo)
{
	struct buf body = BUF_INIT(LIMIT_DEMO_TEXT_BYTES);

	printf("\n");
	demo_say(&demo->screen, DEMO_TITLE, "", "Until somebody has it. %s.",
		 demo_unanswered.story);
	demo_say(&demo->screen, DEMO_NOTE, "  ",
		 "alert %s (%s) is sent. The escalation of team search waits for 1 s, so that you "
		 "need not; real ones wait for minutes",
		 demo_unanswered.alertname, demo_unanswered.summary);
	demo_begin_scene(demo, DEMO_UNANSWERED);
	demo_write_alert(&demo_unanswered, "firing", demo->starts_us, &body);
	demo_send_alerts(demo, &body);
	buf_fini(&body);
}

void demo_show_escalation(struct demo *demo)
{
	printf("\n");
	demo_say(&demo->screen, DEMO_TITLE, "",
		 "Nobody answers search-console. After 1 s the second step pages search-lead:");
	demo_go_on(demo, DEMO_ESCALATE);
}

/* ---- an acknowledgement ---- */

static void act_answered(void *arg, const struct http_reply *reply)
{
	struct demo *demo = arg;
	json_t *json = json_loadb(reply->body, reply->len, JSON_REJECT_DUPLICATES, NULL);

	if (reply->status != 200 || !json) {
		demo_give_up(demo, reply->error ? reply->error : reply->body);
	} else {
		demo->accepted = true;
		demo_say(&demo->screen, DEMO_NOTE, "  ", "the relay answered %d: %s", reply->status,
			 incident_text(json, "text"));
		fflush(stdout);
	}
	json_decref(json);
}

static void incidents_answered(void *arg, const struct http_reply *reply)
{
	struct demo *demo = arg;
	json_t *json = json_loadb(reply->body, reply->len, JSON_REJECT_DUPLICATES, NULL);
	const char *id = incident_text(json_array_get(json_object_get(json, "incidents"), 0), "id");

	if (!*id) {
		demo_give_up(demo, reply->error ? reply->error : reply->body);
	} else {
		CLEANUP_FREE char *path = incident_path(id, "acknowledge");
		demo_say(&demo->screen, DEMO_NOTE, "  ", "POST %s {\"who\": \"ann\"}", path);
		fflush(stdout);
		demo_ask_api(demo, path, "{\"who\": \"ann\"}", act_answered);
	}
	json_decref(json);
}

void demo_show_acknowledgement(struct demo *demo)
{
	printf("\n");
	demo_say(&demo->screen, DEMO_TITLE, "",
		 "Ann has it. \"tracepager incidents ack\" and the links in pages send the same:");
	demo_begin_scene(demo, DEMO_ACKNOWLEDGE);
	demo_ask_api(demo, INCIDENTS_PATH "?team=search", NULL, incidents_answered);
}

/* ---- a storm ---- */

void demo_show_storm(struct demo *demo)
{
	struct buf body = BUF_INIT(LIMIT_DEMO_TEXT_BYTES);

	printf("\n");
	demo_say(&demo->screen, DEMO_TITLE, "", "A storm: %d hosts are down at once.",
		 DEMO_STORM_ALERTS);
	demo_begin_scene(demo, DEMO_STORM);
	demo_write_storm(demo->starts_us, &body);
	demo_send_alerts(demo, &body);
	buf_fini(&body);
}

void demo_show_quiet(struct demo *demo)
{
	demo_go_on(demo, DEMO_QUIET);
}

void demo_end_storm(struct demo *demo)
{
	int64_t pages = metric_value(METRIC_PAGES_DELIVERED) - demo->pages_before;

	if (pages != 1) {
		CLEANUP_FREE char *what = xasprintf("a storm of %d alerts made %lld pages, not one",
						    DEMO_STORM_ALERTS, (long long)pages);
		demo_give_up(demo, what);
		return;
	}
	printf("\n");
	demo_say(&demo->screen, DEMO_PLAIN, "", "%d alerts, and one page.", DEMO_STORM_ALERTS);
}
