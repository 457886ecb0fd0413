/* Names: does the rule set define a name that tests or options of commands use? Pure: owns
 * nothing. */
#include <stdlib.h>

#include "engine-internal.h"
#include "tracepager/findings.h"

static size_t section_count(const struct ruleset *rules, enum rules_section section)
{
	switch (section) {
	case RULES_TEAMS:
		return rules->nteams;
	case RULES_PAGERS:
		return rules->npagers;
	case RULES_ESCALATIONS:
		return rules->nescalations;
	case RULES_SIGNALS:
		return rules->nsignals;
	}
	return 0;
}

static const char *name_at(const struct ruleset *rules, enum rules_section section, size_t i)
{
	switch (section) {
	case RULES_TEAMS:
		return rules->teams[i].name;
	case RULES_PAGERS:
		return rules->pagers[i].name;
	case RULES_ESCALATIONS:
		return rules->escalations[i].name;
	case RULES_SIGNALS:
		return rules->signals[i].rule.name;
	}
	return "";
}

bool rules_has_name(const struct ruleset *rules, enum rules_section section, const char *name,
		    const char **ret_nearest)
{
	size_t n = section_count(rules, section);
	CLEANUP_FREE const char **names = xcalloc(n + 1, sizeof(*names));

	*ret_nearest = NULL;
	/* A pager by team has a name for each team, too. */
	if (section == RULES_PAGERS && rules_pager(rules, name))
		return true;
	for (size_t i = 0; i < n; i++) {
		names[i] = name_at(rules, section, i);
		if (strcmp(names[i], name) == 0)
			return true;
	}
	*ret_nearest = nearest_word(name, names, n);
	return false;
}
