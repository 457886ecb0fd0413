/*
 * Warnings about pagers and escalations: secrets in the rules themselves, steps that an
 * acknowledgement in a pager does not stop, waits that are longer than an alert lives.
 */
#include "check-internal.h"

/* what: "pager \"ledger\"" */
static void warn_of_secret(const struct rules_check *check, const struct rule_source *source,
			   const char *what, const char *key)
{
	const struct ynode *value = key ? ynode_get(source->node, key) : NULL;

	if (value && value->kind != YNODE_MAP && !ynode_is_empty(value))
		CHECK_WARNING(check, source, value, "W021",
			      arena_printf(check->scratch,
					   "move it into a file, and write %s_file: PATH", key),
			      "the %s of %s stands in the rules themselves", key, what);
}

/* PagerDuty's own keys have 32 characters; other services take any. */
static const char *pagerduty_slip(const struct pager *pager, const char *value)
{
	const char *own = pager_kind_options(PAGER_PAGERDUTY)->url;

	if (pager->kind != PAGER_PAGERDUTY || !pager->url || strcmp(pager->url, own) != 0 ||
	    (strlen(value) == 32 && strspn(value, "0123456789abcdefghijklmnopqrstuvwxyz"
						  "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 32))
		return NULL;
	return "is no integration key of PagerDuty, which has 32 letters and digits";
}

/* A secret of the rules, or of the file that they name; text NULL: it was not read. */
struct key_place {
	const struct ynode *value; /* the secret, whose line findings hide, or the path */
	const char *text;
	bool is_file;
};

static struct key_place key_place(const struct rules_check *check, const struct rule_source *source,
				  const char *key, const struct secret *secret)
{
	const struct ynode *inside = ynode_get(source->node, key);
	const struct ynode *file =
		ynode_get(source->node, arena_printf(check->scratch, "%s_file", key));

	if (inside)
		return (struct key_place){ inside,
					   inside->kind == YNODE_SCALAR ? inside->text : NULL,
					   false };
	return (struct key_place){ file, file && file->kind == YNODE_SCALAR ? secret->value : NULL,
				   true };
}

/* what: "pager \"ledger\"". own: what PagerDuty says of its key, or NULL. */
static void warn_of_key_slip(const struct rules_check *check, const struct rule_source *source,
			     const char *what, const char *key, const struct key_place *place,
			     const char *own)
{
	const char *slip = place->text && *place->text ? secret_slip(key, place->text) : NULL;

	if (!slip && !own)
		return;
	const char *cure =
		!slip ? "copy the integration key (32 characters) of the service's Events API V2 "
			"integration"
		: place->is_file
			? "write the secret itself on the first line of that file"
			: arena_printf(check->scratch,
				       "write %s_file: PATH, a file whose first line is the "
				       "secret%s",
				       key, strstr(slip, "blank") ? " without blanks" : "");
	CHECK_WARNING(check, source, place->value, "W039", cure,
		      place->is_file ? "the first line of the %s_file of %s %s" : "the %s of %s %s",
		      key, what, slip ? slip : own);
}

/* A bot posts by the id of a channel. By its name it could not change its message. */
static void warn_of_channel(const struct rules_check *check, const struct rule_source *source,
			    const struct pager *pager)
{
	const struct ynode *channel = ynode_get(source->node, "channel");
	const char *id = channel && channel->kind == YNODE_SCALAR ? channel->text : "";

	if (pager->kind != PAGER_SLACK || !*id ||
	    (strchr("CGD", *id) && strlen(id) >= 9 &&
	     id[strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0'))
		return;
	CHECK_WARNING(
		check, source, channel, "W040",
		"write its id, such as C0123456789: Slack shows it at the end of the channel's "
		"details",
		"\"%.100s\" is the name of a channel, and the bot needs its id", id);
}

static void warn_of_pager_secret(const struct rules_check *check, const struct rule_source *source,
				 const struct pager *pager, const char *what, const char *key)
{
	if (!key)
		return;
	const struct key_place place = key_place(check, source, key, &pager->key);
	const bool given = place.text && *place.text;
	const char *own =
		given && !secret_slip(key, place.text) ? pagerduty_slip(pager, place.text) : NULL;

	warn_of_key_slip(check, source, what, key, &place, own);
	warn_of_secret(check, source, what, key);
}

/* Of an unknown kind, which is an error already, nobody knows which members are secret. */
static bool kind_is_known(const struct rule_source *source, const struct pager *pager)
{
	const struct ynode *kind = ynode_get(source->node, "kind");

	return kind && kind->kind == YNODE_SCALAR &&
	       strcmp(kind->text, pager_kind_name(pager->kind)) == 0;
}

/* Does some pager by team take the keys of these kinds from the teams? */
static bool takes_team_key(const struct ruleset *set, enum pager_kind_id kind)
{
	for (size_t i = 0; i < set->npagers; i++)
		if (set->pagers[i].key_by_team && pager_kind_of_key(set->pagers[i].kind) == kind)
			return true;
	return false;
}

/* What a team gives to pagers by team. */
static void warn_of_team_secrets(const struct rules_check *check, size_t number)
{
	const struct rule_source *source = &check->teams[number];
	const char *what =
		arena_printf(check->scratch, "team \"%s\"", check->set->teams[number].name);

	for (int i = 0; i < PAGER_KIND_COUNT && source->node->kind == YNODE_MAP; i++) {
		const enum pager_kind_id kind = (enum pager_kind_id)i;
		const char *key = pager_kind_options(kind)->key;
		if (!takes_team_key(check->set, kind))
			continue;
		const struct key_place place =
			key_place(check, source, key, &check->set->paging[number].keys[i]);
		warn_of_key_slip(check, source, what, key, &place, NULL);
		warn_of_secret(check, source, what, key);
	}
}

void check_pagers(const struct rules_check *check)
{
	for (size_t i = 0; i < check->set->npagers; i++) {
		const struct pager *pager = &check->set->pagers[i];
		if (strcmp(pager->name, RULES_ENTRY_OWNER) == 0)
			CHECK_WARNING(check, &check->pagers[i], check->pagers[i].key, "W035",
				      "give it another name",
				      "\"also_notify\" of a route cannot name this pager: there, "
				      "\"%s\" is the team whose operation fails",
				      pager->name);
		if (!kind_is_known(&check->pagers[i], pager))
			continue;
		const char *what = arena_printf(check->scratch, "pager \"%s\"", pager->name);
		warn_of_channel(check, &check->pagers[i], pager);
		warn_of_pager_secret(check, &check->pagers[i], pager, what,
				     pager_kind_options(pager->kind)->key);
		warn_of_pager_secret(check, &check->pagers[i], pager, what,
				     pager_kind_way(pager->kind));
		if (!pager_kind_has(pager->kind, "feedback_secret"))
			continue;
		const struct key_place place =
			key_place(check, &check->pagers[i], "feedback_secret", &pager->feedback[0]);
		warn_of_key_slip(check, &check->pagers[i], what, "feedback_secret", &place, NULL);
		warn_of_secret(check, &check->pagers[i], what, "feedback_secret");
	}
	for (size_t i = 0; i < check->set->nteams; i++)
		warn_of_team_secrets(check, i);
}

/* A pager of the step in which people acknowledge, and which does not tell; NULL: there is none. */
static const struct pager *silent_pager(const struct escalation_step *step)
{
	for (size_t i = 0; i < step->npagers; i++) {
		const struct secret *feedback = &step->pagers[i]->feedback[0];
		if (pager_kind_escalates(step->pagers[i]->kind) && !feedback->value &&
		    !feedback->path)
			return step->pagers[i];
	}
	return NULL;
}

/* what: "this step of escalation \"shop\" follows", "escalation \"shop\" repeats" */
static void warn_of_unstopped(const struct rules_check *check, const struct rule_source *source,
			      const struct ynode *node, const struct pager *pager, const char *what)
{
	const char *kind = pager_kind_name(pager->kind);

	const char *cure =
		pager_kind_has(pager->kind, "feedback_secret")
			? arena_printf(check->scratch, "give \"%s\" a feedback_secret_file, or ",
				       pager->name)
			: "";
	CHECK_WARNING(
		check, source, node, "W026",
		arena_printf(check->scratch,
			     "%sescalate in %s and page "
			     "it last; the links in its pages acknowledge in tracepager, too, "
			     "where the daemon has the option external_url",
			     cure, kind),
		"%s pager \"%s\", which escalates by itself and does not tell who has "
		"acknowledged: what is acknowledged in %s does not stop it",
		what, pager->name, kind);
}

static void warn_of_steps(const struct rules_check *check, size_t number)
{
	const struct rule_source *source = &check->escalations[number];
	const struct escalation *escalation = &check->set->escalations[number];
	const size_t *origins = check->step_origins[number];
	const struct ynode *steps = ynode_get(source->node, "steps");
	const struct pager *pager = NULL;

	for (size_t i = 0; i < escalation->nsteps; i++) {
		const struct ynode *step = steps->items[origins[i]],
				   *wait = ynode_get(step, "wait");
		const bool first = i == 0 || origins[i] != origins[i - 1],
			   last = i + 1 == escalation->nsteps || origins[i] != origins[i + 1];
		/* Between the steps of a team: told at the team's own escalation. */
		if (pager && first) {
			warn_of_unstopped(check, source, step, pager,
					  arena_printf(check->scratch,
						       "this step of escalation \"%s\" follows",
						       escalation->name));
			return;
		}
		if (!pager)
			pager = silent_pager(&escalation->steps[i]);
		if (wait && last && escalation->steps[i].wait_us >= LIMIT_STEP_WAIT_US)
			CHECK_WARNING(check, source, wait, "W027",
				      "10m is ten minutes, 10h ten hours",
				      "step %zu of escalation \"%s\" waits half a day or longer",
				      origins[i] + 1, escalation->name);
	}
	if (pager && escalation->repeat)
		warn_of_unstopped(check, source, ynode_get(source->node, "repeat"), pager,
				  arena_printf(check->scratch, "escalation \"%s\" repeats",
					       escalation->name));
}

void check_escalations(const struct rules_check *check)
{
	for (size_t i = 0; i < check->set->nescalations; i++)
		warn_of_steps(check, i);
}
