/* Relay, tap: what whoever taps the relay hears of what senders post. */
#include "relay-internal.h"

#include "tracepager/incident.h"

void relay_tap_alert(struct relay *relay, const struct alert *alert, bool watchdog)
{
	const bool is_end = alert->status == ALERT_RESOLVED;
	char key[LIMIT_ALERT_KEY_BYTES];

	snprintf(key, sizeof(key), "%s/%s", alert->family, alert->fingerprint);
	const bool fires = incidents_alert_fires(relay->incidents, key);
	tap_tell(&relay->tap, &(struct tap_event){
				      .kind = TAP_ALERT,
				      .what = watchdog		? "heartbeat"
					      : is_end && fires ? "resolved"
					      : is_end		? "not firing"
					      : fires		? "repeated"
								: "firing",
				      .alert = alert,
				      .alert_key = key,
				      .severity = severity_name(alert_severity(alert)),
				      .text = labels_get(&alert->annotations, "summary"),
			      });
}

void relay_tap_body(struct relay *relay, const struct rejected_body *body)
{
	tap_tell(&relay->tap, &(struct tap_event){ .kind = TAP_REJECTED,
						   .what = "body",
						   .sender = body->sender,
						   .who = body->peer,
						   .text = body->reason });
}

void relay_tap_request(void *ctx, const char *why, const char *peer, const char *sender)
{
	struct relay *relay = ctx;

	if (tap_is_on(&relay->tap))
		tap_tell(&relay->tap, &(struct tap_event){ .kind = TAP_REJECTED,
							   .what = "request",
							   .sender = sender,
							   .who = peer,
							   .text = why });
}
