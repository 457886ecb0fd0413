/*
 * Pager kind jsm: Jira Service Management, whose integrations take the requests of Opsgenie
 * (opsgenie.c) at another address.
 */
#include "pager-internal.h"

const struct pager_kind pager_kind_JSM = {
	.name = "jsm",
	.acks_keys = true,
	.knows_moved = true,
	.build = opsgenie_build,
	.judge = opsgenie_judge,
	.feedback = opsgenie_feedback,
};
