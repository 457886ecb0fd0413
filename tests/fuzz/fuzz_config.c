/*
 * Fuzz: the daemon's options from any bytes. What loads keeps the promises that the relay relies
 * on; what does not is printed. load_secrets is off: an input must not open files.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void see(const struct config *config)
{
	bool sound = config->listen[0] && config->store_path[0] && config->rules[0] &&
		     config->log_level[0] && config->expire_after_us > 0 &&
		     config->enrich_late_us >= config->enrich_us;

	if (config->trace_link[0])
		sound &= strncmp(config->trace_link, "http", 4) == 0 &&
			 strstr(config->trace_link, "{trace_id}") != NULL;
	for (size_t i = 0; i < config->nsenders; i++)
		sound &= config->senders[i].name[0] && config->senders[i].format < FORMAT_COUNT;
	for (size_t i = 0; i < config->nsources; i++) {
		const struct source_config *source = &config->sources[i];
		sound &= source->name[0] &&
			 (source->kind == SOURCE_FILES ? source->path : source->url) != NULL;
	}
	if (!sound)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct findings findings = { .at = NULL };
	struct config *config = NULL;
	struct buf out = BUF_INIT(8u << 20);
	int result = config_parse("tracepager.yaml", (const char *)data, size, false, &config,
				  &findings);

	if ((result == 0) != (config != NULL) || (result == 0) != (findings.nerrors == 0))
		abort();
	if (config)
		see(config);
	findings_write(&findings, true, &out);
	buf_fini(&out);
	findings_fini(&findings);
	config_free(config);
	return 0;
}
