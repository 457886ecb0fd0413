/*
 * Fuzz: catalogues of every kind from any bytes. The first byte chooses the kind and the options.
 * Whatever is made of the rest must be rules without a finding, but for what a person supplies: the
 * fallback, and the escalation that an option names.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/catalogue.h"
#include "tracepager/rules_load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const struct catalogue *catalogue)
{
	struct findings findings = { .at = NULL };
	struct ruleset *rules = NULL;
	struct buf out = BUF_INIT(256u << 20);

	catalogue_write(catalogue, &out);
	if (out.failed)
		abort();
	rules_parse("made", buf_text(&out), out.len, false, &rules, &findings);
	for (size_t i = 0; i < findings.n; i++)
		if (findings.at[i].level == FINDING_ERROR &&
		    strcmp(findings.at[i].code, "E022") != 0 &&
		    strcmp(findings.at[i].code, "E012") != 0)
			abort();
	findings_fini(&findings);
	rules_unref(rules);
	buf_fini(&out);
}

static void check_trees(const struct catalogue *catalogue)
{
	struct arena *arena = arena_new((size_t)1 << 30);
	size_t n, made = 0;
	const struct ydoc *docs = catalogue_docs(catalogue, arena, &n);
	const struct catalogue_counts *counts = catalogue_counts(catalogue);

	for (size_t i = 0; i < n; i++) {
		const struct ynode *services = ynode_get(docs[i].root, "services");
		made += services ? services->n : 0;
	}
	if (made != counts->services)
		abort();
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct catalogue_options options = { .fallback = "sre" };

	if (size == 0)
		return 0;
	/* Catalogues of services stand before Alertmanager, which has the last bytes: what a seed
	 * means stays. */
	unsigned int kind = data[0] % CATALOGUE_ALERTMANAGER,
		     flags = data[0] / CATALOGUE_ALERTMANAGER;
	if (data[0] >= 0xf8)
		kind = CATALOGUE_ALERTMANAGER;
	options.key_files = flags & 1 ? "keys" : NULL;
	options.escalation = flags & 2 ? "sre" : NULL;
	struct catalogue *catalogue = catalogue_new((enum catalogue_kind)kind, &options);
	catalogue_add(catalogue, flags & 4 ? "c.json" : "c.yaml", (const char *)data + 1, size - 1);
	catalogue_resolve(catalogue);
	check_text(catalogue);
	check_trees(catalogue);
	catalogue_free(catalogue);
	return 0;
}
