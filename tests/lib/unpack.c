/* Opens packed bytes of a store: standard input, packed, to standard output as it was before. */
#include <stdio.h>
#include <stdlib.h>

#include "tracepager/pack.h"

#define MOST_BYTES (64u << 20)

int main(void)
{
	struct buf packed = BUF_INIT(MOST_BYTES), plain = BUF_INIT(MOST_BYTES);
	struct err err = { 0 };
	int result = buf_read(&packed, stdin);

	if (result == 0)
		result = pack_open(packed.data, packed.len, &plain, &err);
	if (result != 0)
		fprintf(stderr, "unpack: %s\n", err.text);
	fwrite(buf_text(&plain), 1, plain.len, stdout);
	buf_fini(&packed);
	buf_fini(&plain);
	return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
