/*
 * The stored form of an alert: whatever is read can be written and read again, and stays the same.
 */
#include "fuzz_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(16 * size + (1u << 20));
	struct alert alert;
	struct err err;

	if (alert_read(arena, (const char *)data, size, &alert, &err) == 0)
		fuzz_round_trip(&alert);
	else if (err.text[0] == '\0')
		abort();
	arena_free(arena);
	return 0;
}
