/*
 * The formats, one file each; formats.c puts them into the table.
 */
#ifndef TRACEPAGER_INTAKE_FORMATS_INTERNAL_H
#define TRACEPAGER_INTAKE_FORMATS_INTERNAL_H

#include "tracepager/alert_format.h"

extern const struct alert_format alert_format_alertmanager;
extern const struct alert_format alert_format_prometheus;

#endif
