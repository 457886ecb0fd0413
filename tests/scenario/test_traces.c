/* The relay's own traces where one decision is not the whole story: verdicts that come late, alerts
 * that join an open incident, restarts. Which trace a span belongs to, and what it links to, as
 * contrib/docs/tracing.md says. */
#include "world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/stage.h"
#include "tracepager/xalloc.h"

#define ID	   "0af7651916cd43dd8448eb211c80319c"
#define TRACE	   " trace_id=" ID
#define ORDERS	   "alertname=PlaceOrderErrors severity=critical"
#define SLOW	   "alertname=PlaceOrderSlow severity=warning"
#define SECONDS(n) ((n)*US_PER_SECOND)
#define MINUTES(n) ((n)*US_PER_MINUTE)

/* ---- the tracer: keeps every span ---- */

struct told_span {
	enum stage stage;
	char name[64], alert[64], incident[64], outcome[32];
	bool late;
	struct span_context context, links[4];
	size_t nlinks;
	int64_t began_us, ended_us;
};

static struct told_span told[256];
static size_t ntold;
static uint64_t ntraces, nids;
static bool samples; /* alerts that are accepted now are traced */

static bool begin_trace(void *ctx, const char *traceparent, struct span_context *ret_context)
{
	(void)ctx;
	(void)traceparent;
	*ret_context = (struct span_context){ .trace_low = ++ntraces, .span = ++nids };
	return samples;
}

static uint64_t draw_id(void *ctx)
{
	(void)ctx;
	return ++nids;
}

static void keep_text(char *out, size_t size, const struct stage_span *span, enum stage_attr attr)
{
	for (size_t i = 0; i < span->nvalues; i++)
		if (span->values[i].attr == attr)
			snprintf(out, size, "%s", span->values[i].text);
}

static void keep_span(void *ctx, const struct stage_span *span)
{
	(void)ctx;
	ck_assert_uint_lt(ntold, ARRAY_LEN(told));
	ck_assert_uint_le(span->nlinks, ARRAY_LEN(told->links));
	struct told_span *kept = &told[ntold++];
	*kept = (struct told_span){ .stage = span->stage,
				    .context = span->context,
				    .nlinks = span->nlinks,
				    .began_us = span->began_us,
				    .ended_us = span->ended_us };
	snprintf(kept->name, sizeof(kept->name), "%s", span->name ? span->name : "");
	keep_text(kept->alert, sizeof(kept->alert), span, STAGE_ATTR_ALERT);
	keep_text(kept->incident, sizeof(kept->incident), span, STAGE_ATTR_INCIDENT);
	keep_text(kept->outcome, sizeof(kept->outcome), span, STAGE_ATTR_OUTCOME);
	for (size_t i = 0; i < span->nvalues; i++)
		kept->late |= span->values[i].attr == STAGE_ATTR_LATE && span->values[i].number;
	for (size_t i = 0; i < span->nlinks; i++)
		kept->links[i] = span->links[i];
}

static const struct tracer tracer = { .begin = begin_trace, .draw = draw_id, .tell = keep_span };

/* The n-th span of that stage (from 0), with that name where one is given; NULL: there are n. */
static const struct told_span *span_of(enum stage stage, const char *name, size_t n)
{
	for (size_t i = 0; i < ntold; i++)
		if (told[i].stage == stage && (!name || strcmp(told[i].name, name) == 0) &&
		    n-- == 0)
			return &told[i];
	return NULL;
}

static const struct told_span *the_span(enum stage stage, const char *name, size_t n)
{
	const struct told_span *span = span_of(stage, name, n);

	ck_assert_msg(span != NULL, "there is no span %d \"%s\" %zu", stage, name ? name : "", n);
	return span;
}

/* The root of the alert with that name, of which there is one. */
static const struct told_span *root_of(const char *alert)
{
	const struct told_span *found = NULL;

	for (size_t i = 0; i < ntold; i++)
		if (told[i].stage == STAGE_ALERT && strcmp(told[i].alert, alert) == 0) {
			ck_assert_msg(!found, "two roots of %s", alert);
			found = &told[i];
		}
	ck_assert_msg(found != NULL, "no root of %s", alert);
	return found;
}

static void assert_below(const struct told_span *span, const struct told_span *above)
{
	ck_assert_uint_eq(span->context.trace_low, above->context.trace_low);
	ck_assert_uint_eq(span->context.parent, above->context.span);
}

static bool is_linked(const struct told_span *span, const struct told_span *to)
{
	for (size_t i = 0; i < span->nlinks; i++)
		if (span->links[i].trace_low == to->context.trace_low &&
		    span->links[i].span == to->context.span)
			return true;
	return false;
}

/* A trace of its own, which names one decision. */
static void assert_own_trace(const struct told_span *span, const struct told_span *decision)
{
	ck_assert_uint_eq(span->context.parent, 0);
	ck_assert_uint_ne(span->context.trace_low, decision->context.trace_low);
	ck_assert_uint_eq(span->nlinks, 1);
	ck_assert(is_linked(span, decision));
}

/* It read the trace of the world, whose root has the id a1. */
static void assert_reads_the_trace(const struct told_span *decide)
{
	struct span_context want;

	ck_assert(span_context_of_ids(ID, "00000000000000a1", &want));
	ck_assert_uint_eq(decide->nlinks, 1);
	ck_assert_uint_eq(decide->links[0].trace_high, want.trace_high);
	ck_assert_uint_eq(decide->links[0].trace_low, want.trace_low);
	ck_assert_uint_eq(decide->links[0].span, want.span);
}

/* ---- the world ---- */

static struct world *world;

static void set_up(void)
{
	ntold = 0;
	ntraces = nids = 1000;
	samples = true;
	world = world_new_at(NULL);
	world->tracer = &tracer;
	world_start(world);
	world_run(world, LIMIT_START_GRACE_US);
	world_pagers_take_all(world);
}

static void tear_down(void)
{
	world_free(world);
}

static void fire(const char *labels)
{
	world_alert(world, labels, ALERT_FIRING, world->clock.wall_us, 0);
}

static void jaeger_answers_after(int64_t us, unsigned int times)
{
	fake_http_reply(&world->http, (struct fake_reply){ .url_part = "http://jaeger",
							   .times = times,
							   .delay_us = us,
							   .status = 200,
							   .body = world_trace,
							   .content_type = "application/json" });
}

/* ---- late verdicts ---- */

/* The pages that a late verdict sends belong to the alert's trace as the first one does: its root
 * has ended, and the second decision stands below it. */
START_TEST(a_late_verdict_stays_in_its_alerts_trace)
{
	jaeger_answers_after(SECONDS(20), 0);
	fire(ORDERS TRACE);
	world_run(world, SECONDS(10));
	const struct told_span *root = root_of("PlaceOrderErrors");
	const struct told_span *first = the_span(STAGE_DECIDE, NULL, 0);
	ck_assert_str_eq(root->outcome, "fallback");
	assert_below(first, root);
	ck_assert(!first->late && first->nlinks == 0);
	assert_below(the_span(STAGE_DELIVER, "POST shop-pager", 0), root);
	ck_assert_ptr_null(span_of(STAGE_FETCH, NULL, 0)); /* it still looks */
	world_run(world, SECONDS(20));
	root = root_of("PlaceOrderErrors"); /* told once */
	const struct told_span *late = the_span(STAGE_DECIDE, NULL, 1);
	assert_below(late, root);
	ck_assert(late->late && late->began_us > root->ended_us);
	ck_assert_str_eq(late->outcome, "suspect");
	ck_assert_str_eq(late->incident, root->incident);
	assert_reads_the_trace(late);
	assert_below(the_span(STAGE_FETCH, NULL, 0), root);
	assert_below(the_span(STAGE_DELIVER, "POST shop-pager", 1), root);
	assert_below(the_span(STAGE_DELIVER, "POST ledger-pager", 0), root);
	ck_assert_ptr_null(span_of(STAGE_TELL, NULL, 0));
	/* The end is no part of it. */
	world_alert(world, ORDERS TRACE, ALERT_RESOLVED, 0, world->clock.wall_us);
	world_run(world, MINUTES(5));
	const struct told_span *end = the_span(STAGE_TELL, NULL, 0);
	assert_own_trace(end, root);
	assert_below(the_span(STAGE_DELIVER, "POST ledger-pager", 1), end);
	assert_below(the_span(STAGE_DELIVER, "POST shop-pager", 2), end);
}
END_TEST

/* The fallback's incident tells its move in a trace of its own, with a link to what opened it. */
START_TEST(a_late_verdict_that_moves_its_alert)
{
	jaeger_answers_after(0, 1);
	jaeger_answers_after(SECONDS(20), 0);
	fire(ORDERS TRACE);
	world_run(world, LIMIT_ANSWER_KEPT_US + SECONDS(1)); /* the answer is not shared */
	fire(SLOW TRACE);
	world_run(world, SECONDS(6));
	const struct told_span *orders = root_of("PlaceOrderErrors"),
			       *slow = root_of("PlaceOrderSlow");
	ck_assert_str_ne(slow->incident, orders->incident);
	assert_below(the_span(STAGE_DELIVER, "POST shop-pager", 0), slow);
	world_run(world, MINUTES(2));
	const struct told_span *late = the_span(STAGE_DECIDE, NULL, 2);
	assert_below(late, slow);
	ck_assert(late->late);
	ck_assert_str_eq(late->incident, orders->incident);
	assert_reads_the_trace(late);
	for (size_t i = 0; span_of(STAGE_TELL, NULL, i); i++) {
		const struct told_span *tell = the_span(STAGE_TELL, NULL, i);
		bool moved = strcmp(tell->incident, slow->incident) == 0;
		assert_own_trace(tell, moved ? slow : orders);
	}
	/* The move, and who joined. */
	ck_assert_ptr_nonnull(span_of(STAGE_TELL, NULL, 1));
}
END_TEST

/* ---- joins ---- */

/* Of an alert that joins, its decision and the pages to recipients of its own stand in its own
 * trace; what the incident tells of it a minute later is the incident's, whose decision is the
 * first one. */
START_TEST(an_alert_that_joins_has_its_own_trace)
{
	jaeger_answers_after(0, 0);
	fire(ORDERS TRACE);
	world_run(world, SECONDS(1));
	fire(SLOW TRACE " tell=chat");
	world_run(world, SECONDS(1));
	const struct told_span *orders = root_of("PlaceOrderErrors"),
			       *slow = root_of("PlaceOrderSlow");
	ck_assert_uint_ne(slow->context.trace_low, orders->context.trace_low);
	ck_assert_str_eq(slow->incident, orders->incident);
	const struct told_span *decide = the_span(STAGE_DECIDE, NULL, 1);
	assert_below(decide, slow);
	ck_assert(!decide->late);
	assert_reads_the_trace(decide);
	assert_below(the_span(STAGE_DELIVER, "POST ledger-pager", 0), orders);
	assert_below(the_span(STAGE_DELIVER, "POST chat-pager", 0), slow);
	ck_assert_ptr_null(span_of(STAGE_TELL, NULL, 0));
	world_run(world, MINUTES(2));
	const struct told_span *tell = the_span(STAGE_TELL, NULL, 0);
	assert_own_trace(tell, orders);
	ck_assert_str_eq(tell->incident, orders->incident);
	assert_below(the_span(STAGE_DELIVER, "POST ledger-pager", 1), tell);
}
END_TEST

/* An alert that is not traced leaves no span, and lends its pages no other alert's trace; what the
 * incident tells later is told by the first decision's link. */
START_TEST(an_alert_that_joins_untraced)
{
	jaeger_answers_after(0, 0);
	fire(ORDERS TRACE);
	world_run(world, SECONDS(1));
	size_t before = ntold;
	samples = false;
	fire(SLOW TRACE " tell=chat");
	world_run(world, SECONDS(1));
	ck_assert_uint_eq(world_pages(world, "key-chat", "trigger"), 1);
	ck_assert_uint_eq(ntold, before);
	samples = true;
	world_run(world, MINUTES(2));
	assert_own_trace(the_span(STAGE_TELL, NULL, 0), root_of("PlaceOrderErrors"));
}
END_TEST

/* The first is not traced: later traces of the incident link to nothing, and not to an alert that
 * only joined it. */
START_TEST(an_alert_that_joins_an_untraced_incident)
{
	jaeger_answers_after(0, 0);
	samples = false;
	fire(ORDERS TRACE);
	world_run(world, SECONDS(1));
	samples = true;
	fire(SLOW TRACE " tell=chat");
	world_run(world, MINUTES(2));
	assert_below(the_span(STAGE_DELIVER, "POST chat-pager", 0), root_of("PlaceOrderSlow"));
	ck_assert_uint_eq(the_span(STAGE_TELL, NULL, 0)->nlinks, 0);
	ck_assert_ptr_null(span_of(STAGE_DELIVER, "POST ledger-pager", 1));
}
END_TEST

/* It rings again by a run of the escalation, which is the incident's: a trace of its own, with a
 * link to the first decision. */
START_TEST(an_alert_that_joins_and_rings_again)
{
	struct act act = { .kind = ACT_ACKNOWLEDGE, .who = "ann", .via = "api", .text = "" };
	struct buf words = BUF_INIT(1000);

	jaeger_answers_after(0, 0);
	fire(SLOW TRACE);
	world_run(world, SECONDS(1));
	const struct told_span *slow = root_of("PlaceOrderSlow");
	act.incident = slow->incident;
	ck_assert_int_eq(incidents_act(world->incidents, &act, &words), ACT_DONE);
	buf_fini(&words);
	world_run(world, SECONDS(1));
	ck_assert_ptr_null(span_of(STAGE_ESCALATE, NULL, 0));
	fire(ORDERS TRACE);
	world_run(world, SECONDS(1));
	const struct told_span *run = the_span(STAGE_ESCALATE, NULL, 0);
	assert_own_trace(run, slow);
	ck_assert_str_eq(root_of("PlaceOrderErrors")->incident, slow->incident);
	assert_below(the_span(STAGE_DELIVER, "POST ledger-pager", 1),
		     the_span(STAGE_TELL, NULL, 0)); /* who has it */
	assert_below(the_span(STAGE_DELIVER, "POST ledger-pager", 2), run);
}
END_TEST

/* ---- restarts ---- */

/* The decision that later traces link to stands in the incident's page: that of a late verdict, and
 * not of an alert that joined behind it. */
START_TEST(the_link_outlives_a_restart)
{
	jaeger_answers_after(SECONDS(20), 1);
	jaeger_answers_after(0, 0);
	fire(ORDERS TRACE);
	world_run(world, SECONDS(30));
	fire(SLOW TRACE);
	world_run(world, MINUTES(2));
	const struct told_span orders = *root_of("PlaceOrderErrors");
	ck_assert_str_eq(root_of("PlaceOrderSlow")->incident, orders.incident);
	world_crash(world);
	world_start(world);
	ntold = 0;
	world_alert(world, ORDERS TRACE, ALERT_RESOLVED, 0, world->clock.wall_us);
	world_alert(world, SLOW TRACE, ALERT_RESOLVED, 0, world->clock.wall_us);
	world_run(world, MINUTES(5));
	const struct told_span *end = the_span(STAGE_TELL, NULL, 0);
	assert_own_trace(end, &orders);
	assert_below(the_span(STAGE_DELIVER, "POST ledger-pager", 0), end);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("traces");
	TCase *tcase = tcase_create("traces");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_late_verdict_stays_in_its_alerts_trace);
	tcase_add_test(tcase, a_late_verdict_that_moves_its_alert);
	tcase_add_test(tcase, an_alert_that_joins_has_its_own_trace);
	tcase_add_test(tcase, an_alert_that_joins_untraced);
	tcase_add_test(tcase, an_alert_that_joins_an_untraced_incident);
	tcase_add_test(tcase, an_alert_that_joins_and_rings_again);
	tcase_add_test(tcase, the_link_outlives_a_restart);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
