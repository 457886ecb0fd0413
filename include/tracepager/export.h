/*
 * Export: rules written as what other programs read: an Alertmanager's configuration,
 * Backstage's entities, Grafana's dashboards. A rule set goes in; texts come out, and a list of
 * what they cannot say, each with its place in the rules. The same rules give the same bytes. A
 * text never holds a secret: it names the secret's file, or says "REPLACE".
 *
 * A struct exported owns all texts that are returned, until exported_free(); it borrows the rule
 * set. Pure: no file, no clock. One thread at a time.
 */
#ifndef TRACEPAGER_EXPORT_H
#define TRACEPAGER_EXPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "tracepager/buf.h"
#include "tracepager/rules.h"

enum export_kind {
#define EXPORT(id, name, writer, form, text) EXPORT_##id,
#include "tracepager/tbl/exports.def"
#undef EXPORT
	EXPORT_KIND_COUNT
};

/* Whose names the span metrics have. */
enum export_metrics {
	EXPORT_METRICS_OTEL,	     /* the collector's spanmetrics connector */
	EXPORT_METRICS_OTEL_SECONDS, /* the same, where it measures in seconds */
	EXPORT_METRICS_OTEL_OLD,     /* before its namespace had a default */
	EXPORT_METRICS_TEMPO,	     /* the metrics generator of Tempo */
};

/* Borrowed for the life of the export. */
struct export_how {
	/* alertmanager: the labels by which alerts name their service, the first one that counts
	 * first; n 0: those that tracepager itself looks at. */
	const char *const *labels;
	size_t nlabels;
	enum export_metrics metrics; /* grafana */
	const char *url; /* grafana: where tracepager's own pages are; NULL: no links to them */
};

struct export_loss {
	const char *place; /* "routes.yaml:14"; "": about all rules */
	const char *text;
};

struct export_file {
	const char *name; /* "ledger.json"; of a kind with one text: what it is usually called */
	struct buf text;
};

bool export_kind_parse(const char *name, enum export_kind *ret_kind);
const char *export_kind_name(enum export_kind kind);
const char *export_kind_text(enum export_kind kind); /* one line for a person */
bool export_kind_has_files(enum export_kind kind);   /* several texts, which need a directory */

struct exported;
struct exported *export_rules(const struct ruleset *rules, enum export_kind kind,
			      const struct export_how *how);
void exported_free(struct exported *exported); /* takes NULL */
/* NULL: all fits; else why there are no files, for a person: the rules need more than
 * LIMIT_EXPORT_BYTES or LIMIT_EXPORT_ROUTES. */
const char *exported_failed(const struct exported *exported);
const struct export_file *exported_files(const struct exported *exported, size_t *ret_n);
/* By file and line; those about all rules first. */
const struct export_loss *exported_losses(const struct exported *exported, size_t *ret_n);

#endif
