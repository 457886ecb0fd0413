/*
 * The table of alert formats, in the order of tbl/formats.def.
 */
#include "formats-internal.h"

const struct alert_format *const alert_formats[FORMAT_COUNT] = {
	[FORMAT_ALERTMANAGER] = &alert_format_alertmanager,
	[FORMAT_PROMETHEUS] = &alert_format_prometheus,
};
