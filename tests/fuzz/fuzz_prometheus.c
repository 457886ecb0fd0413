/*
 * Alertmanager's API v2, as Prometheus uses it.
 */
#include "fuzz_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_format(FORMAT_PROMETHEUS, data, size);
	return 0;
}
