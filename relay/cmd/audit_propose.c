/*
 * Audit, proposal: an entry of the rules for every service and callee that has none. Its owner is
 * unknown and not guessed: the owner's line is commented out, and until a person fills it in the
 * file is no valid set of rules.
 */
#include <stdio.h>
#include <string.h>

#include "audit-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/plain.h"
#include "tracepager/xalloc.h"

#define COMMENT_COLUMNS 100
#define NAME_BYTES	(16u << 10)

void audit_add_exact_glob(struct buf *out, const char *name)
{
	struct buf glob = BUF_INIT(2 * NAME_BYTES);

	for (; *name; name++) {
		if (strchr("*?[\\", *name))
			buf_putc(&glob, '\\');
		buf_putc(&glob, *name);
	}
	buf_json_string(out, buf_text(&glob));
	buf_fini(&glob);
}

/* The name, with a number behind it where an entry has that key already. */
static void choose_key(struct map *taken, const char *name, struct buf *ret_key)
{
	buf_printf(ret_key, "%s", name);
	for (unsigned int n = 2; map_get(taken, buf_text(ret_key)); n++) {
		buf_reset(ret_key);
		buf_printf(ret_key, "%s-%u", name, n);
	}
	map_put(taken, buf_text(ret_key), taken);
}

static void add_proposed_entry(const struct seen_service *seen, struct map *taken, struct buf *out)
{
	struct buf key = BUF_INIT(2 * NAME_BYTES);
	char at[PAST_TIME_SIZE];

	choose_key(taken, seen->name, &key);
	buf_printf(out, "  # seen in %lld trace%s, last %s", (long long)seen->ntraces,
		   seen->ntraces == 1 ? "" : "s", past_time_text(seen->last_us, at));
	if (seen->caller) {
		buf_puts(out, "; called by ");
		plain_add(out, seen->caller, COMMENT_COLUMNS);
	}
	buf_puts(out, "\n  ");
	buf_json_string(out, buf_text(&key));
	buf_puts(out, ":\n    # owner: ?\n");
	if (seen->is_peer) {
		buf_puts(out, "    peers: [");
		buf_json_string(out, seen->name);
		buf_puts(out, "]\n");
	} else if (strcmp(buf_text(&key), seen->name) != 0 || *seen->namespace) {
		buf_puts(out, "    match: {service: ");
		audit_add_exact_glob(out, seen->name);
		if (*seen->namespace) {
			buf_puts(out, ", namespace: ");
			audit_add_exact_glob(out, seen->namespace);
		}
		buf_puts(out, "}\n");
	}
	buf_fini(&key);
}

void audit_propose(const struct past_list *missing, const struct ruleset *rules, int64_t now_us,
		   struct buf *out)
{
	struct map *taken = map_new();
	char at[PAST_TIME_SIZE];
	size_t n;
	const struct service_rule *const *services = rules_services(rules, &n);

	for (size_t i = 0; i < n; i++)
		map_put(taken, services[i]->name, taken);
	buf_printf(
		out,
		"# Services that traces showed and the rules do not name, as of %s (UTC).\n"
		"# Written by tracepager audit. Fill in the owners: put a team of the rules in "
		"the\n"
		"# place of each question mark, and remove the # of the line. Delete the entries "
		"of\n"
		"# services that you page nobody for, and put the file beside the rules.\n",
		past_time_text(now_us, at));
	buf_puts(out, missing->n ? "services:\n" : "services: {}\n");
	for (size_t i = 0; i < missing->n; i++)
		add_proposed_entry(missing->at[i], taken, out);
	map_free(taken);
}
