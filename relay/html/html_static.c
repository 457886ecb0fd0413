/* HTML static: style sheets and scripts, made into literals when tracepager is built. */
#include "tracepager/html_pages.h"

#include <string.h>

#include "tracepager/xalloc.h"

#include "tracepager_css.h"
#include "tracepager_js.h"

static const struct html_static html_statics[] = {
	{ "tracepager.css", "text/css; charset=utf-8", TRACEPAGER_CSS },
	{ "tracepager.js", "text/javascript; charset=utf-8", TRACEPAGER_JS },
};

const struct html_static *html_static_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(html_statics); i++)
		if (strcmp(html_statics[i].name, name) == 0)
			return &html_statics[i];
	return NULL;
}
