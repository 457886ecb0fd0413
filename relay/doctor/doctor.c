/*
 * Doctor: one run, from the user that it becomes to the report. What needs no waiting comes first;
 * then all peers, the relay and the store are asked side by side, until the last has answered or
 * the time is over.
 */
#include "doctor-internal.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/clock.h"
#include "tracepager/http_client.h"
#include "tracepager/loop.h"

/* How often the progress is told. */
#define DOCTOR_TICK_US (200 * US_PER_MS)

/* ---- results ---- */

/* By check; the order in which they were found stays. */
static void doctor_sort(struct doctor_report *report)
{
	for (size_t i = 1; i < report->n; i++) {
		struct doctor_result result = report->at[i];
		size_t at = i;
		for (; at > 0 && report->at[at - 1].check > result.check; at--)
			report->at[at] = report->at[at - 1];
		report->at[at] = result;
	}
	for (size_t i = 0; i < report->n; i++)
		report->counts[report->at[i].level]++;
}

/* ---- waiting ---- */

static void doctor_on_tick(void *arg)
{
	struct doctor *doctor = arg;
	const char *name = "";

	for (size_t i = 0; i < LIMIT_DOCTOR_HOSTS && !*name; i++)
		name = doctor->waits_for[i] ? doctor->waits_for[i] : "";
	doctor->scope->progress(doctor->scope->ctx, doctor->ndone, doctor->ndone + doctor->npending,
				name);
	timer_arm(doctor->timers, &doctor->tick, clock_mono_us(clock_system()) + DOCTOR_TICK_US);
}

static void doctor_on_deadline(void *arg)
{
	struct doctor *doctor = arg;

	atomic_store(&doctor->over, true);
	loop_stop(doctor->loop);
}

static void doctor_pool_ready(void *ctx)
{
	struct doctor *doctor = ctx;

	pool_poll(doctor->pool);
}

/* A loop with all that asking takes. false: it cannot be made. */
static bool doctor_make_loop(struct doctor *doctor)
{
	static const struct loop_hooks hooks = { .turn_end = NULL };
	const struct clock *clock = clock_system();

	doctor->memory.cap_bytes = LIMIT_TRACES_IN_FLIGHT_BYTES;
	doctor->timers = timers_new();
	doctor->base = net_event_base_new();
	if (!doctor->base)
		return false;
	doctor->loop = loop_new(doctor->base, clock, doctor->timers, &hooks);
	doctor->client = doctor->loop ? http_client_new(doctor->base, clock) : NULL;
	if (!doctor->client)
		return false;
	doctor->transport = http_client_transport(doctor->client);
	doctor->pool = pool_new(LIMIT_DOCTOR_THREADS);
	return loop_watch(doctor->loop, pool_fd(doctor->pool), doctor_pool_ready, doctor) == 0;
}

static void doctor_ask(struct doctor *doctor)
{
	doctor_inside_begin(doctor);
	doctor_past_begin(doctor);
	doctor_sources_begin(doctor);
	doctor_pagers_begin(doctor);
	doctor_address_begin(doctor);
	doctor_relay_begin(doctor);
	doctor_probes_begin(doctor);
	doctor->deadline = (struct timer){ .fire = doctor_on_deadline, .arg = doctor };
	timer_arm(doctor->timers, &doctor->deadline,
		  doctor->began_us + LIMIT_DOCTOR_US - LIMIT_DOCTOR_PEER_US);
	doctor->tick = (struct timer){ .fire = doctor_on_tick, .arg = doctor };
	if (doctor->scope->progress)
		timer_arm(doctor->timers, &doctor->tick, 0);
	if (doctor->npending)
		loop_run(doctor->loop);
	if (doctor->scope->progress)
		doctor->scope->progress(doctor->scope->ctx, doctor->ndone, doctor->ndone, "");
}

/* Jobs that the pool has not begun end at once; those that run end within their own limits. */
static void doctor_wait(struct doctor *doctor)
{
	if (doctor_make_loop(doctor))
		doctor_ask(doctor);
	else
		doctor_tell(doctor, DOCTOR_RELAY, DOCTOR_SKIPPED, NULL, NULL,
			    "no peer was asked: there is no memory or no descriptor for a loop");
	atomic_store(&doctor->over, true);
	if (doctor->client) {
		doctor_sources_end(doctor);
		doctor_pagers_end(doctor);
		doctor_relay_end(doctor);
		pool_free(doctor->pool);
		doctor->pool = NULL;
		doctor_sources_free(doctor);
		doctor_peers_end(doctor);
		doctor_past_end(doctor);
	}
	pool_free(doctor->pool);
	http_client_free(doctor->client);
	loop_free(doctor->loop);
	timers_free(doctor->timers);
	if (doctor->base)
		event_base_free(doctor->base);
}

/* ---- the whole ---- */

static void doctor_skip_rest(struct doctor *doctor)
{
	for (int i = 0; i < DOCTOR_CHECK_COUNT; i++)
		if (!doctor_has_told(doctor, (enum doctor_check)i))
			doctor_tell(doctor, (enum doctor_check)i, DOCTOR_SKIPPED, NULL, NULL,
				    "the options cannot be read");
}

void doctor_run(const struct doctor_scope *scope, struct doctor_report *ret_report)
{
	struct doctor *doctor = xcalloc(1, sizeof(*doctor));

	*ret_report = (struct doctor_report){ .arena = arena_new(LIMIT_DOCTOR_ARENA_BYTES) };
	ret_report->at =
		arena_array(ret_report->arena, LIMIT_DOCTOR_RESULTS, sizeof(*ret_report->at));
	doctor->scope = scope;
	doctor->arena = ret_report->arena;
	doctor->report = ret_report;
	doctor->began_us = clock_mono_us(clock_system());
	doctor->wall_us = clock_wall_us(clock_system());
	doctor->config_path = scope->config;
	doctor_become_user(doctor);
	preflight_run(doctor->config_path, doctor->wall_us, &doctor->preflight);
	ret_report->config =
		arena_strdup(doctor->arena, doctor->config_path ? doctor->config_path : "");
	doctor_tell_findings(doctor);
	if (doctor->preflight.read) {
		doctor_look_at_machine(doctor);
		doctor_look_at_store(doctor);
		doctor_wait(doctor);
	} else {
		doctor_skip_rest(doctor);
	}
	preflight_fini(&doctor->preflight);
	doctor_sort(ret_report);
	ret_report->took_us = clock_mono_us(clock_system()) - doctor->began_us;
	free(doctor);
}

void doctor_report_fini(struct doctor_report *report)
{
	arena_free(report->arena);
	*report = (struct doctor_report){ .arena = NULL };
}
