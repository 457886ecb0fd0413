/*
 * The loader's verdict on many documents: reads "LENGTH\n" and so many bytes, again and again, and
 * answers each with one line: "valid", or the codes of its errors. A process for each of ten
 * thousand documents would take minutes. Usage: verdicts FILE, which every document is written to
 * and loaded from, so that includes have a place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/rules_load.h"
#include "tracepager/xalloc.h"

#define LARGEST (1u << 20)

static bool keep(const char *path, const char *text, size_t len)
{
	FILE *file = fopen(path, "wb");

	if (!file)
		return false;
	bool written = fwrite(text, 1, len, file) == len;
	return fclose(file) == 0 && written;
}

static void tell(const char *path)
{
	struct findings findings = { .at = NULL };
	struct ruleset *rules = NULL;
	const char *blank = "";

	rules_load(&path, 1, false, &rules, &findings);
	for (size_t i = 0; i < findings.n; i++)
		if (findings.at[i].level == FINDING_ERROR) {
			printf("%s%s", blank, findings.at[i].code);
			blank = " ";
		}
	puts(rules ? "valid" : "");
	fflush(stdout);
	findings_fini(&findings);
	rules_unref(rules);
}

int main(int argc, char **argv)
{
	CLEANUP_FREE char *text = xcalloc(LARGEST, 1);
	size_t len;

	if (argc != 2) {
		fputs("usage: verdicts FILE\n", stderr);
		return 2;
	}
	while (scanf("%zu", &len) == 1) {
		if (getchar() != '\n' || len > LARGEST || fread(text, 1, len, stdin) != len ||
		    !keep(argv[1], text, len)) {
			fputs("verdicts: a document could not be read or written\n", stderr);
			return EXIT_FAILURE;
		}
		tell(argv[1]);
	}
	return EXIT_SUCCESS;
}
