/*
 * Zone: the clocks of a place, from a TZif file (RFC 8536) of the time zone database, read once
 * at load. The C library is no help: its time zone is global, and one at a time. The zone is kept
 * by the arena of the caller.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine-internal.h"

#define HEADER_BYTES 44
#define TYPE_BYTES   6
#define FOOTER_BYTES 128

struct zone {
	const int64_t *changes; /* times at which the clocks change; rising */
	const int32_t *offsets; /* in force since that change */
	size_t n;
	int32_t first_s; /* in force before the first change */
	bool has_rule;
	struct zone_rule rule; /* in force after the last change */
};

static uint64_t big_endian(const char *at, size_t n)
{
	uint64_t value = 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | (unsigned char)at[i];
	return value;
}

/* A block of the file. A file has one with times of 4 bytes and, since version 2, one with
 * times of 8 bytes. */
struct block {
	const char *at; /* behind the header */
	char version;
	size_t time_bytes;
	size_t nutc, nstandard, nleaps, nchanges, ntypes, nletters;
};

static size_t block_bytes(const struct block *block)
{
	return block->nchanges * (block->time_bytes + 1) + block->ntypes * TYPE_BYTES +
	       block->nletters + block->nleaps * (block->time_bytes + 4) + block->nstandard +
	       block->nutc;
}

static bool take_block(const char *at, const char *end, size_t time_bytes, struct block *ret_block)
{
	if (end - at < HEADER_BYTES || memcmp(at, "TZif", 4) != 0)
		return false;
	*ret_block = (struct block){
		.at = at + HEADER_BYTES,
		.version = at[4],
		.time_bytes = time_bytes,
		.nutc = (size_t)big_endian(at + 20, 4),
		.nstandard = (size_t)big_endian(at + 24, 4),
		.nleaps = (size_t)big_endian(at + 28, 4),
		.nchanges = (size_t)big_endian(at + 32, 4),
		.ntypes = (size_t)big_endian(at + 36, 4),
		.nletters = (size_t)big_endian(at + 40, 4),
	};
	/* Six numbers of 32 bits times at most 12 bytes: the sum cannot overflow 64 bits. */
	return ret_block->ntypes > 0 && block_bytes(ret_block) <= (size_t)(end - ret_block->at);
}

static bool read_block(struct arena *arena, const struct block *block, struct zone *zone)
{
	const char *kinds = block->at + block->nchanges * block->time_bytes;
	const char *types = kinds + block->nchanges;
	int64_t *changes = arena_array(arena, block->nchanges, sizeof(*changes));
	int32_t *offsets = arena_array(arena, block->nchanges, sizeof(*offsets));

	for (size_t i = 0; i < block->nchanges; i++) {
		uint64_t raw = big_endian(block->at + i * block->time_bytes, block->time_bytes);
		size_t type = (unsigned char)kinds[i];
		if (type >= block->ntypes)
			return false;
		changes[i] = block->time_bytes == 4 ? (int32_t)raw : (int64_t)raw;
		offsets[i] = (int32_t)big_endian(types + type * TYPE_BYTES, 4);
		if ((i > 0 && changes[i] <= changes[i - 1]) || abs(offsets[i]) > 26 * 3600)
			return false;
	}
	zone->changes = changes;
	zone->offsets = offsets;
	zone->n = block->nchanges;
	zone->first_s = (int32_t)big_endian(types, 4);
	return abs(zone->first_s) <= 26 * 3600;
}

/* Reads the footer, such as "\nCET-1CEST,M3.5.0,M10.5.0/3\n"; empty where the file has no rule
 * for the future. */
static bool read_footer(const char *at, const char *end, struct zone *zone)
{
	char text[FOOTER_BYTES];

	if (at == end || *at++ != '\n')
		return false;
	const char *close = memchr(at, '\n', (size_t)(end - at));
	if (!close || (size_t)(close - at) >= sizeof(text))
		return false;
	memcpy(text, at, (size_t)(close - at));
	text[close - at] = '\0';
	zone->has_rule = *text != '\0';
	return !*text || zone_rule_parse(text, &zone->rule) == 0;
}

const struct zone *zone_parse(struct arena *arena, const char *bytes, size_t len, struct err *err)
{
	struct zone *zone = arena_alloc(arena, sizeof(*zone));
	const char *end = bytes + len;
	struct block block;
	bool good = take_block(bytes, end, 4, &block);

	/* Since version 2 a second block has times of 64 bits; the first is for readers of
	 * version 1. */
	if (good && block.version >= '2') {
		const char *second = block.at + block_bytes(&block);
		good = take_block(second, end, 8, &block) &&
		       read_footer(block.at + block_bytes(&block), end, zone);
	}
	if (good && read_block(arena, &block, zone))
		return zone;
	err_set(err, EINVAL, "the file is not of the time zone database, or damaged");
	return NULL;
}

int32_t zone_offset_s(const struct zone *zone, int64_t unix_s)
{
	size_t low = 0, high = zone->n;

	if (zone->has_rule && (zone->n == 0 || unix_s >= zone->changes[zone->n - 1]))
		return zone_rule_offset_s(&zone->rule, unix_s);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (zone->changes[middle] <= unix_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? zone->offsets[low - 1] : zone->first_s;
}

/* A name must not lead out of the database: relative, without dots. */
static bool is_place(const char *name)
{
	if (!*name || *name == '/' || strlen(name) > 100)
		return false;
	for (const char *c = name; *c; c++)
		if (*c == '.' || (unsigned char)*c <= ' ' || (unsigned char)*c > '~')
			return false;
	return true;
}

const struct zone *zone_read(struct arena *arena, const char *directory, const char *name,
			     struct err *err)
{
	CLEANUP_CLOSE int fd = -1;
	struct stat status;

	if (stat(directory, &status) < 0 || !S_ISDIR(status.st_mode)) {
		err_set(err, ENOTDIR, "there is no time zone database in %s", directory);
		return NULL;
	}
	CLEANUP_FREE char *path = xasprintf("%s/%s", directory, name);
	fd = is_place(name) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		err_set(err, ENOENT, "there is no location \"%.100s\"", name);
		return NULL;
	}
	CLEANUP_FREE char *bytes = xcalloc(1, LIMIT_ZONE_BYTES);
	ssize_t len = read(fd, bytes, LIMIT_ZONE_BYTES);
	if (len < 0) {
		err_set(err, EIO, "location \"%.100s\" cannot be read: %s", name, strerror(errno));
		return NULL;
	}
	return zone_parse(arena, bytes, (size_t)len, err);
}

const struct zone *zone_of_location(struct arena *arena, const char *name, struct err *err)
{
	err->code = 0;
	/* UTC needs no database. */
	if (strcmp(name, "UTC") == 0)
		return NULL;
	/* As in Alertmanager, "Local" is the zone of this machine. */
	return strcmp(name, "Local") == 0 ? zone_read(arena, "/etc", "localtime", err)
					  : zone_read(arena, ZONE_DIRECTORY, name, err);
}
