/*
 * Between the files of packing: the dictionary. Constant; any thread.
 */
#ifndef TRACEPAGER_BASE_PACK_INTERNAL_H
#define TRACEPAGER_BASE_PACK_INTERNAL_H

/* Without a NUL at its end. */
#define PACK_DICTIONARY_1_BYTES 4911u
extern const char pack_dictionary_1[PACK_DICTIONARY_1_BYTES];

#endif
