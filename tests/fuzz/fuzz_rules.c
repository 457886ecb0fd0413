/*
 * Fuzz: rules from any bytes. Whatever loads is asked a little of everything; whatever does not is
 * printed. load_secrets is off: an input must not open files.
 */
#include <stdint.h>
#include <stdlib.h>

#include "tracepager/rules_load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct ruleset *rules)
{
	static struct label at[] = { { "alertname", "PlaceOrderErrors" },
				     { "severity", "critical" } };
	static const char *const peers[] = { "postgresql/ledger", "ledger.internal:443" };
	const struct alert alert = { .sender = "am1", .labels = { .at = at, .n = 2 } };

	struct arena *arena = arena_new(64u << 20);
	struct rule_trail trail;
	struct routing routing;

	rule_trail_init(&trail, arena, false);
	const struct service_rule *service =
		rules_service(rules, "ledger-api", "shop", NULL, NULL, &trail);
	const struct route_input input = {
		.alert = &alert,
		.service = service,
		.signal = rules_signal(rules, &alert.labels, &trail),
		.owner = rules_fallback(rules),
		.kind = "no_trace",
		.confidence = 0.8,
		.wall_us = INT64_C(1788000000000000), /* in August 2026 */
	};
	rules_peer(rules, peers, 2, NULL);
	rules_silence(rules, &alert, input.wall_us, &trail);
	rules_route(rules, &input, &trail, &routing);
	rules_unpaged(rules, &alert, input.wall_us);
	if (trail.nmissed > LIMIT_RULES_MISSED)
		abort();
	arena_free(arena);
	rules_knows_service(rules, "checkout");
	if (!rules_fallback(rules)->escalation || rules_fallback(rules)->escalation->nsteps == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct findings findings = { .at = NULL };
	struct ruleset *rules = NULL;
	struct buf out = BUF_INIT(8u << 20);
	int result = rules_parse("rules.yaml", (const char *)data, size, false, &rules, &findings);

	if ((result == 0) != (rules != NULL) || (result == 0) != (findings.nerrors == 0))
		abort();
	if (rules)
		ask(rules);
	findings_write(&findings, true, &out);
	buf_fini(&out);
	findings_fini(&findings);
	rules_unref(rules);
	return 0;
}
