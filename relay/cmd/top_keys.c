/* Top, keys: bytes of a terminal into keys. See top-internal.h. */
#include "top-internal.h"

enum { KEYS_PLAIN, KEYS_ESCAPED, KEYS_SEQUENCE, KEYS_PARAMETERS };

static enum top_key plain_key(char c)
{
	switch (c) {
	case 'q':
	case 'Q':
		return TOP_KEY_QUIT;
	case 'k':
		return TOP_KEY_UP;
	case 'j':
		return TOP_KEY_DOWN;
	case 'a':
	case 'A':
		return TOP_KEY_ACKNOWLEDGE;
	case 'y':
	case 'Y':
		return TOP_KEY_YES;
	default:
		return TOP_KEY_OTHER;
	}
}

enum top_key top_key_of(struct top_keys *keys, char c)
{
	unsigned int was = keys->escape;

	if (was == KEYS_PLAIN && c == '\033') {
		keys->escape = KEYS_ESCAPED;
		return TOP_KEY_NONE;
	}
	if (was == KEYS_ESCAPED && (c == '[' || c == 'O')) {
		keys->escape = KEYS_SEQUENCE;
		return TOP_KEY_NONE;
	}
	/* ECMA-48 5.4: parameters are 0x20 to 0x3f, and the byte behind them ends the sequence. */
	if ((was == KEYS_SEQUENCE || was == KEYS_PARAMETERS) && c >= 0x20 && c < 0x40) {
		keys->escape = KEYS_PARAMETERS;
		return TOP_KEY_NONE;
	}
	keys->escape = KEYS_PLAIN;
	if (was == KEYS_SEQUENCE)
		return c == 'A' ? TOP_KEY_UP : c == 'B' ? TOP_KEY_DOWN : TOP_KEY_OTHER;
	return was == KEYS_PARAMETERS ? TOP_KEY_OTHER : plain_key(c);
}
