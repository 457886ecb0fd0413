/*
 * Packed bytes: whatever comes from a store opens within the caps, or is refused with a reason; and
 * whatever is packed opens to the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/pack.h"

#define OPENED_BYTES (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_bytes(const uint8_t *data, size_t size)
{
	struct buf out = BUF_INIT(OPENED_BYTES);
	struct err err = { 0 };

	if (pack_open(data, size, &out, &err) != 0) {
		if (!err.text[0])
			abort();
	} else if (out.len > OPENED_BYTES || out.len > size * LIMIT_PACK_RATIO) {
		abort();
	}
	buf_fini(&out);
}

static void pack_bytes(const uint8_t *data, size_t size)
{
	struct buf packed = BUF_INIT(OPENED_BYTES), out = BUF_INIT(OPENED_BYTES);
	struct err err = { 0 };

	pack_add(data, size, &packed);
	if (packed.failed || pack_open(packed.data, packed.len, &out, &err) != 0 ||
	    out.len != size || (size && memcmp(out.data, data, size) != 0))
		abort();
	buf_fini(&packed);
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	open_bytes(data, size);
	if (size < OPENED_BYTES / 2)
		pack_bytes(data, size);
	return 0;
}
