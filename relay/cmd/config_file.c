/* Config file: see config_file-internal.h. */
#include "config_file-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "output-internal.h"
#include "usage-internal.h"
#include "tracepager/limits.h"
#include "tracepager/terminal.h"
#include "tracepager/xalloc.h"

static int config_file_text(const char *path, struct buf *text)
{
	CLEANUP_FCLOSE FILE *file = fopen(path, "rb");

	return file ? buf_read(text, file) : -errno;
}

struct config *config_file_read(const char *command, const char *path)
{
	struct buf text = BUF_INIT(LIMIT_CONFIG_BYTES);
	struct findings findings = { 0 };
	struct config *config = NULL;
	int error = config_file_text(path, &text);

	if (error)
		command_failed(0, command, "%s: %s", path,
			       error == -EFBIG ? "the file is too large" : strerror(-error));
	else if (config_parse(path, buf_text(&text), text.len, false, &config, &findings) < 0)
		output_findings(&findings, terminal_has_colour(STDERR_FILENO));
	findings_fini(&findings);
	buf_fini(&text);
	return config;
}

const struct sender_config *config_file_sender(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->nsenders; i++)
		if (strcmp(config->senders[i].name, name) == 0)
			return &config->senders[i];
	return NULL;
}
