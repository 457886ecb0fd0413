/* What befalls an incident whose alert this program made, told to whoever made the alert. */
#include "incident-internal.h"

void incident_sight(const struct incident *incident, enum incident_sight_kind kind,
		    const struct stored_page *page)
{
	const struct incident_env *env = &incident->book->env;
	struct incident_sight sight = {
		.kind = kind,
		.alert_key = incident->key,
		.incident = incident->id,
		.page = page,
	};

	if (!incident->synthetic || !env->sight)
		return;
	if (kind == INCIDENT_SIGHT_PAGE)
		sight.status = deliver_last_status(incident->book->deliver, &sight.took_us);
	env->sight(env->ctx, &sight);
}
