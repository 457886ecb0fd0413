/* The table of alert formats, made from tbl/formats.def. It owns nothing. */
#include "tracepager/alert_format.h"

#define FORMAT(id, name, family, text) extern const struct alert_format alert_format_##id;
#include "tracepager/tbl/formats.def"
#undef FORMAT

const struct alert_format *const alert_formats[FORMAT_COUNT] = {
#define FORMAT(id, name, family, text) [FORMAT_##id] = &alert_format_##id,
#include "tracepager/tbl/formats.def"
#undef FORMAT
};
