/* Config file: tracepager.yaml as commands look at it that run no daemon. For the main thread. */
#ifndef CONFIG_FILE_INTERNAL_H
#define CONFIG_FILE_INTERNAL_H

#include "tracepager/config.h"

/* The daemon's options, where no other file is named. */
#define CONFIG_FILE_DEFAULT "/etc/tracepager/tracepager.yaml"

/* The options of a file without their secrets, whose files may be the daemon's alone; caller frees.
 * NULL: it cannot be read, or has errors, which have been printed. */
struct config *config_file_read(const char *command, const char *path);
/* NULL: no sender of that name. */
const struct sender_config *config_file_sender(const struct config *config, const char *name);

#endif
