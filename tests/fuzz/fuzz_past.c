/*
 * A row of the store's past: alert, decision, traces, healthy evidence and the texts of the rules,
 * each behind its length, packed or plain. Whatever they hold, opening them ends with an error that
 * says why, or with something that can be decided again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/pack.h"
#include "tracepager/past.h"
#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

#define OPENED_BYTES (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char rules_text[] = "teams: {shop: {escalation: e}}\n"
				 "pagers: {p: {kind: webhook, url: \"http://127.0.0.1:1/\"}}\n"
				 "escalations: {e: {steps: [{page: [p]}]}}\n"
				 "services: {s: {owner: shop, match: {service: \"*\"}}}\n"
				 "fallback: {team: shop}\n";

static const struct ruleset *rules(void)
{
	static struct ruleset *loaded; /* for all inputs */
	struct findings findings = { 0 };

	if (!loaded && rules_parse("r.yaml", rules_text, sizeof(rules_text) - 1, false, &loaded,
				   &findings) < 0)
		abort();
	return loaded;
}

static void take(const char **at, const char *end, struct blob *ret_blob)
{
	const char *data;

	/* A copy of its own size, so that overruns show. */
	if (!pack_next_message(at, end, &data, &ret_blob->len))
		return;
	ret_blob->data = xcalloc(ret_blob->len + 1, 1);
	if (ret_blob->len)
		memcpy(ret_blob->data, data, ret_blob->len);
}

static void open_rules(const struct blob *blob)
{
	struct buf opened = BUF_INIT(OPENED_BYTES);
	struct rule_file *files = NULL;
	struct err err = { 0 };
	size_t bytes = 0;
	int n = rule_texts_open(blob->data, blob->len, &opened, &files, &err);

	for (int i = 0; i < n; i++)
		bytes += strlen(files[i].name) + files[i].len;
	if (bytes > opened.len || (n < 0 && !err.text[0]))
		abort();
	free(files);
	buf_fini(&opened);
}

static void decide_again(const struct past *past)
{
	struct opened opened;
	struct decision decision;
	struct outcome outcome;
	struct err err = { 0 };

	if (opened_init(&opened, past, rules(), &err) == 0) {
		opened_decide(&opened, rules(), &decision);
		if (outcome_of(opened.arena, &decision, &outcome, &err) < 0 || !*outcome.team)
			abort();
	} else if (!err.text[0]) {
		abort();
	}
	opened_fini(&opened);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;
	struct past past = { .id = 1, .at_us = 1767268800000000 };
	struct blob texts = { NULL, 0 };

	take(&at, end, &past.alert);
	take(&at, end, &past.decision);
	take(&at, end, &past.traces);
	take(&at, end, &past.healthy);
	take(&at, end, &texts);
	past.kept = past.traces.len ? STORED_TRACES_WHOLE : STORED_TRACES_LOST;
	decide_again(&past);
	open_rules(&texts);
	past_fini(&past);
	free(texts.data);
	return 0;
}
