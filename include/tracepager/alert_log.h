/*
 * Alert, in the log: the fields by which a person finds the lines of an alert: its name, its
 * sender, and the labels that tell where it is. Labels that an alert lacks are left out, long
 *values are cut. Pure; any thread.
 *
 *	log_info("alert pages nobody", LOG_ALERT(key, alert), LOG_STR("reason", why));
 */
#ifndef TRACEPAGER_ALERT_LOG_H
#define TRACEPAGER_ALERT_LOG_H

#include "tracepager/alert.h"
#include "tracepager/log.h"

/* The label's value; NULL: the alert (NULL: no alert) does not have it. */
static inline const char *alert_log_label(const struct alert *alert, const char *name)
{
	return alert ? labels_get(&alert->labels, name) : NULL;
}

/* The label alertname, else the fingerprint; NULL: no alert. */
static inline const char *alert_log_name(const struct alert *alert)
{
	const char *name = alert_log_label(alert, "alertname");

	return name ? name : alert ? alert->fingerprint : NULL;
}

/* alert may be NULL. */
#define LOG_ALERT_WORDS(alert)                                                                     \
	LOG_LABEL("alert", alert_log_name(alert)),                                                 \
		LOG_OPT("sender", (alert) ? (alert)->sender : NULL),                               \
		LOG_LABEL("service", alert_log_label(alert, "service")),                           \
		LOG_LABEL("namespace", alert_log_label(alert, "namespace")),                       \
		LOG_LABEL("cluster", alert_log_label(alert, "cluster")),                           \
		LOG_LABEL("instance", alert_log_label(alert, "instance"))

/* key: "family/fingerprint". */
#define LOG_ALERT(key, alert) LOG_ALERT_WORDS(alert), LOG_STR("alert_key", key)

#endif
