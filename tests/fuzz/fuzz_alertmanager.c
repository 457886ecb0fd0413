/*
 * Alertmanager's webhook.
 */
#include "fuzz_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_format(FORMAT_ALERTMANAGER, data, size);
	return 0;
}
