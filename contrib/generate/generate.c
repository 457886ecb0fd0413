/*
 * generate DIRECTORY PARTS: writes completions, manual pages and the sample of tracepager.yaml into
 * DIRECTORY, with the hand-written parts of pages in PARTS. See generate.h.
 */
#include "generate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tracepager/config.h"
#include "tracepager/xalloc.h"

static void fail_with(const char *path)
{
	fprintf(stderr, "generate: %s: %s\n", path, strerror(errno));
	exit(1);
}

static void make_directory(const char *directory, const char *name)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", directory, name);

	if (mkdir(path, 0777) < 0 && errno != EEXIST)
		fail_with(path);
}

/* Writes and empties the text. */
static void write_generated(const char *directory, const char *name, struct buf *text)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", directory, name);
	FILE *file = fopen(path, "w");

	if (text->failed)
		errno = EFBIG;
	if (!file || text->failed || fwrite(buf_text(text), 1, text->len, file) != text->len ||
	    fclose(file) != 0)
		fail_with(path);
	buf_reset(text);
}

int main(int argc, char **argv)
{
	static const char *const directories[] = { "", "bash", "zsh", "fish", "man" };
	struct buf text = BUF_INIT(GENERATE_FILE_BYTES);

	if (argc != 3) {
		fputs("usage: generate DIRECTORY PARTS\n", stderr);
		return 2;
	}
	for (size_t i = 0; i < ARRAY_LEN(directories); i++)
		make_directory(argv[1], directories[i]);
	generate_bash(&text);
	write_generated(argv[1], "bash/tracepager", &text);
	generate_zsh(&text);
	write_generated(argv[1], "zsh/_tracepager", &text);
	generate_fish(&text);
	write_generated(argv[1], "fish/tracepager.fish", &text);
	for (size_t i = 0; i < ncommand_rows; i++) {
		CLEANUP_FREE char *name = xasprintf("man/tracepager-%s.1", command_rows[i].name);
		generate_command_page(&command_rows[i], argv[2], &text);
		write_generated(argv[1], name, &text);
	}
	generate_main_page(argv[2], &text);
	write_generated(argv[1], "man/tracepager.1", &text);
	generate_options_page(argv[2], &text);
	write_generated(argv[1], "man/tracepager.yaml.5", &text);
	config_write_sample(&text);
	write_generated(argv[1], "tracepager.yaml", &text);
	buf_fini(&text);
	return 0;
}
