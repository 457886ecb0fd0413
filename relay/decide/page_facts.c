/*
 * Page facts: what a page says in one line each beside its texts: since when, the environment, the
 * instance, the alert's labels, how fast an error budget burns. Attributes of the suspect's
 * resource come first, labels of the alert stand in for them. All text from outside goes through
 * plain.h. Decides nothing; owns nothing.
 */
#include <string.h>

#include "decide-internal.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

/* The names of one fact, the best first. */
struct fact_names {
	const char *attrs[4], *labels[8];
};

static const struct fact_names environment_names = {
	{ "deployment.environment.name", "deployment.environment" },
	{ "deployment_environment_name", "deployment_environment", "environment", "env" },
};

static const struct fact_names cluster_names = {
	{ "k8s.cluster.name" },
	{ "k8s_cluster_name", "cluster" },
};

static const struct fact_names instance_names = {
	{ "host.name", "k8s.pod.name", "service.instance.id" },
	{ "instance", "host", "hostname", "node", "pod", "service_instance_id" },
};

/* The first of the resource's attributes; NULL: there is none, or no resource. */
static const char *resource_fact(const struct trace *trace, const struct resource *resource,
				 const struct fact_names *names)
{
	const char *value = NULL;

	for (size_t i = 0; resource && !value && i < ARRAY_LEN(names->attrs) && names->attrs[i];
	     i++)
		value = resource_attr(trace, resource, names->attrs[i]);
	return value;
}

/* The first of the alert's labels; NULL: there is none. */
static const char *label_fact(const struct decision *d, const struct fact_names *names)
{
	const char *value = NULL;

	for (size_t i = 0; !value && i < ARRAY_LEN(names->labels) && names->labels[i]; i++)
		value = labels_get(&d->alert.labels, names->labels[i]);
	return value;
}

static const char *fact_value(const struct decision *d, const struct trace *trace,
			      const struct resource *resource, const struct fact_names *names)
{
	const char *value = resource_fact(trace, resource, names);

	return value ? value : label_fact(d, names);
}

const char *page_alert_instance(const struct decision *d)
{
	return label_fact(d, &instance_names);
}

/* "prod eu1": the environment and the cluster. A suspect without spans is called from the same
 * environment. */
static const char *fact_environment(struct arena *arena, const struct decision *d)
{
	const struct suspect *suspect = &d->verdict.suspect;
	const struct walk *walk = decision_walk(d);
	const struct trace *trace = d->verdict.found ? suspect->trace : walk ? walk->trace : NULL;
	uint32_t at = d->verdict.found ? suspect->span : walk ? walk->from_span : TRACE_NONE;
	const struct resource *resource =
		trace && at != TRACE_NONE ? span_resource(trace, &trace->spans[at]) : NULL;
	const char *environment = fact_value(d, trace, resource, &environment_names);
	const char *cluster = fact_value(d, trace, resource, &cluster_names);
	BUF_LOCAL(out, 8 * LIMIT_PAGE_NAME_COLUMNS + 2);

	plain_add(&out, environment, LIMIT_PAGE_NAME_COLUMNS);
	if (cluster && (!environment || strcmp(cluster, environment) != 0)) {
		if (out.len)
			buf_putc(&out, ' ');
		plain_add(&out, cluster, LIMIT_PAGE_NAME_COLUMNS);
	}
	const char *text = arena_strndup(arena, buf_text(&out), out.len);
	buf_fini(&out);
	return text;
}

/* The alert's labels but for its name and its severity, which every page shows elsewhere. */
static const char *fact_labels(struct arena *arena, const struct decision *d)
{
	BUF_LOCAL(out, LIMIT_PAGE_LABELS_BYTES);

	for (size_t i = 0; i < d->alert.labels.n; i++) {
		const struct label *label = &d->alert.labels.at[i];
		if (strcmp(label->name, "alertname") == 0 || strcmp(label->name, "severity") == 0)
			continue;
		if (out.len > LIMIT_PAGE_LABELS_BYTES / 2) {
			buf_puts(&out, ", …");
			break;
		}
		buf_puts(&out, out.len ? ", " : "");
		plain_add(&out, label->name, LIMIT_PAGE_NAME_COLUMNS);
		buf_putc(&out, '=');
		plain_add(&out, label->value, LIMIT_PAGE_NAME_COLUMNS);
	}
	const char *text = arena_strndup(arena, buf_text(&out), out.len);
	buf_fini(&out);
	return text;
}

void page_facts_fill(struct arena *arena, struct decision *d)
{
	const struct suspect *suspect = &d->verdict.suspect;
	struct page *page = &d->page;
	const struct resource *resource = suspect->trace ? suspect->resource : NULL;
	/* The alert's instance says nothing of a suspect that is another service. */
	const char *instance = d->verdict.found
				       ? resource_fact(suspect->trace, resource, &instance_names)
				       : page_alert_instance(d);

	page->since_us = d->alert.starts_at_us;
	page->environment = fact_environment(arena, d);
	page->instance = plain_text(arena, instance, LIMIT_PAGE_NAME_COLUMNS);
	page->labels = fact_labels(arena, d);
	page->burn = d->burn ? d->burn->text : NULL;
}
