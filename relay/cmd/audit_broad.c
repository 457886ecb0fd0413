/*
 * Audit, broad alerts: those whose signal names a service and no operation. Their traces are of
 * many operations. For each the entry operation of the service that failed in most of its traces is
 * proposed, as a rule under signals that a person may paste. Operations beyond
 * LIMIT_AUDIT_OPERATIONS of one alert are not counted.
 */
#include <string.h>

#include "audit-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

static struct broad_alert *broad_alert_get(struct sightings *seen, const char *name,
					   const char *service)
{
	CLEANUP_FREE char *key = xasprintf("%s\x1f%s", name, service);
	struct broad_alert *broad = map_get(seen->broad_index, key);

	if (broad)
		return broad;
	if (seen->broad.n >= LIMIT_AUDIT_SERVICES) {
		seen->left_out++;
		return NULL;
	}
	broad = arena_alloc(seen->arena, sizeof(*broad));
	*broad = (struct broad_alert){ .name = arena_strdup(seen->arena, name),
				       .service = arena_strdup(seen->arena, service) };
	map_put(seen->broad_index, key, broad);
	past_list_add(&seen->broad, broad);
	return broad;
}

static void count_operation(struct sightings *seen, struct broad_alert *broad, const char *name,
			    bool failing)
{
	struct broad_operation *operation = NULL;

	for (size_t i = 0; i < broad->noperations && !operation; i++)
		if (strcmp(broad->operations[i].name, name) == 0)
			operation = &broad->operations[i];
	if (!operation && broad->noperations == LIMIT_AUDIT_OPERATIONS)
		return;
	if (!operation) {
		operation = &broad->operations[broad->noperations++];
		*operation = (struct broad_operation){ .name = arena_strdup(seen->arena, name) };
	}
	operation->nspans++;
	operation->nfailing += failing;
}

/* Count the spans by which a trace enters the service. */
static void count_entries(struct sightings *seen, struct broad_alert *broad,
			  const struct trace *trace)
{
	for (uint32_t i = 0; i < trace->nspans; i++) {
		const struct span *span = &trace->spans[i];
		const struct span *parent =
			span->parent == TRACE_NONE ? NULL : &trace->spans[span->parent];
		if (strcmp(span_service(trace, span), broad->service) == 0 &&
		    (!parent || strcmp(span_service(trace, parent), broad->service) != 0))
			count_operation(seen, broad, trace_text(trace, span->name),
					span_failing(trace, span, true));
	}
}

void broad_alerts_add(struct sightings *seen, const struct opened *opened)
{
	const char *name = labels_get(&opened->alert.labels, "alertname");
	struct signal signal;

	if (!name || !decide_signal(opened->arena, &opened->alert, seen->rules, NULL, NULL, NULL,
				    &signal, NULL))
		return;
	bool broad_signal = strcmp(signal.from, "rule") != 0 && signal.service &&
			    (!signal.operation || !*signal.operation);
	struct broad_alert *broad =
		broad_signal ? broad_alert_get(seen, name, signal.service) : NULL;
	if (!broad)
		return;
	broad->ndecisions++;
	/* The label that tells alerts of this name about other services apart. */
	for (size_t i = 0; i < opened->alert.labels.n && !broad->label; i++)
		if (strcmp(opened->alert.labels.at[i].value, broad->service) == 0)
			broad->label = arena_strdup(seen->arena, opened->alert.labels.at[i].name);
	for (size_t i = 0; i < opened->ntraces; i++)
		count_entries(seen, broad, opened->traces[i]);
}

const char *broad_alert_rule(struct arena *arena, const struct broad_alert *broad)
{
	const struct broad_operation *best = NULL;
	struct buf out = BUF_INIT(LIMIT_PAST_ALERT_BYTES);

	for (size_t i = 0; i < broad->noperations; i++) {
		const struct broad_operation *operation = &broad->operations[i];
		if (!best || operation->nfailing > best->nfailing ||
		    (operation->nfailing == best->nfailing && operation->nspans > best->nspans))
			best = operation;
	}
	if (!best)
		return NULL;
	CLEANUP_FREE char *key = xasprintf("%s %s", broad->name, broad->service);
	buf_json_string(&out, key);
	buf_puts(&out, ": {alerts: {alertname: ");
	audit_add_exact_glob(&out, broad->name);
	if (broad->label) {
		buf_puts(&out, ", ");
		buf_json_string(&out, broad->label);
		buf_puts(&out, ": ");
		audit_add_exact_glob(&out, broad->service);
	}
	buf_puts(&out, "}, span: {service: ");
	audit_add_exact_glob(&out, broad->service);
	buf_puts(&out, ", operation: ");
	audit_add_exact_glob(&out, best->name);
	buf_puts(&out, "}}");
	const char *text = out.failed ? NULL : arena_strdup(arena, buf_text(&out));
	buf_fini(&out);
	return text;
}
