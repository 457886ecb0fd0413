/*
 * Replays a fuzz target over files, so that what fuzzing once found stays found where there is no
 * fuzzer. Usage: replay_NAME FILE|FOLDER....
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LARGEST (16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned int replayed;

static int fail(const char *path)
{
	fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
	return -1;
}

static int replay_file(const char *path, size_t size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;

	if (file == NULL)
		return fail(path);
	/* Exactly as large as the input, so that a byte too many read shows. */
	data = malloc(size > 0 ? size : 1);
	if (data == NULL || fread(data, 1, size, file) != size) {
		free(data);
		fclose(file);
		return fail(path);
	}
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	replayed++;
	return 0;
}

static int replay_path(const char *path);

static int replay_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	char below[4096];
	int failed = 0;

	if (folder == NULL)
		return fail(path);
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		failed |= replay_path(below);
	}
	closedir(folder);
	return failed;
}

static int replay_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return fail(path);
	if (S_ISDIR(st.st_mode))
		return replay_folder(path);
	return st.st_size <= LARGEST ? replay_file(path, (size_t)st.st_size) : 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= replay_path(argv[i]);
	printf("%u inputs\n", replayed);
	return failed == 0 && replayed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
