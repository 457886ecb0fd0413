/* What the files of rules/doc share: how a finding with a place is added. */
#ifndef TRACEPAGER_DOC_INTERNAL_H
#define TRACEPAGER_DOC_INTERNAL_H

#include <stdarg.h>

#include "tracepager/findings.h"

/* Texts are borrowed for the call; `code` for good. */
struct finding_place {
	enum finding_level level;
	const char *code, *file;
	int line, column, width;
	const char *source, *hint; /* may be NULL */
};
void findings_vadd(struct findings *findings, const struct finding_place *place, const char *format,
		   va_list args) __attribute__((format(printf, 3, 0)));

#endif
