/* Web teams: what was counted of the teams' pages, which web keeps for a minute. */
#ifndef TRACEPAGER_WEB_TEAMS_INTERNAL_H
#define TRACEPAGER_WEB_TEAMS_INTERNAL_H

struct team_report;

void team_report_free(struct team_report *report); /* takes NULL */

#endif
