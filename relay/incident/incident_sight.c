/*
 * What others see of an incident: what befalls one whose alert this program made, told to whoever
 * made the alert; and the alert that its log lines name.
 */
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

const struct alert *incident_log_alert(const struct incident *incident)
{
	const struct incident_book *book = incident->book;
	const struct member *member = TAILQ_FIRST(&incident->members);

	return member && book->ops.alert ? book->ops.alert(book->ops.ctx, member->key) : NULL;
}
