/* Random: splitmix64, seeded once by the kernel. */
#include "tracepager/random.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/random.h>
#include <unistd.h>

double random_unit(void)
{
	static uint64_t state;
	static bool seeded;

	if (!seeded) {
		/* At boot the kernel may have no entropy; process ids differ between relays too. */
		if (getrandom(&state, sizeof(state), GRND_NONBLOCK) != (ssize_t)sizeof(state))
			state = (uint64_t)getpid();
		seeded = true;
	}
	state += 0x9e3779b97f4a7c15u;
	uint64_t z = state;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return (double)(z >> 11) / 9007199254740992.0; /* 2^53 */
}
