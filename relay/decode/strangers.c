/* Strangers: see strangers-internal.h. */
#include "strangers-internal.h"

#include <string.h>
#include <strings.h>

#include "tracepager/xalloc.h"

static const struct {
	const char *member, *what;
} members[] = {
	{ "traceEvents", "a file of Chrome's trace viewer, which times one program, not requests "
			 "between services" },
	{ "apiVersion", "an object of Kubernetes or a catalogue, not a trace" },
	{ "ph", "a list of events of Chrome's trace viewer, which times one program, not requests "
		"between services" },
	{ "callCount", "a list of Zipkin's dependencies, without spans" },
	{ "common", "spans as New Relic's trace API takes them, which are not read" },
	{ "schema", "a data frame of Grafana; download the trace from its trace view instead" },
	{ "parent_id", "one span as a console exporter prints it; only whole traces are read" },
	{ "panels", "a Grafana dashboard, not a trace" },
	{ "event_id", "an event of Sentry, not a trace" },
	{ "profiles", "a profile, not a trace" },
	{ "timeNanos", "a profile, not a trace" },
	{ "responses", "an answer to several searches of Elasticsearch or OpenSearch; jq -c "
		       "'.responses[]' makes a line of each" },
};

const char *stranger_of_member(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (strlen(members[i].member) == len && memcmp(members[i].member, name, len) == 0)
			return members[i].what;
	return NULL;
}

static const struct {
	const char *bytes;
	size_t len;
	const char *what;
} magics[] = {
	{ "\x1f\x8b", 2, "this is gzip: gunzip it first" },
	{ "\x28\xb5\x2f\xfd", 4, "this is compressed with zstd: unzstd it first" },
	{ "PK\x03\x04", 4, "this is a zip archive: unzip it first" },
	{ "BZh", 3, "this is compressed with bzip2: bunzip2 it first" },
	{ "\xfd"
	  "7zXZ",
	  5, "this is compressed with xz: unxz it first" },
	{ "version https://git-lfs", 23,
	  "this is a pointer of Git LFS: git lfs pull fetches the file" },
	{ "\xff\xfe", 2, "this is UTF-16: iconv -f UTF-16 -t UTF-8 makes UTF-8 of it" },
	{ "\xfe\xff", 2, "this is UTF-16: iconv -f UTF-16 -t UTF-8 makes UTF-8 of it" },
	{ "{\0", 2, "this is UTF-16: iconv -f UTF-16LE -t UTF-8 makes UTF-8 of it" },
	{ "[\0", 2, "this is UTF-16: iconv -f UTF-16LE -t UTF-8 makes UTF-8 of it" },
	{ "\0{", 2, "this is UTF-16: iconv -f UTF-16BE -t UTF-8 makes UTF-8 of it" },
	{ "\0[", 2, "this is UTF-16: iconv -f UTF-16BE -t UTF-8 makes UTF-8 of it" },
};

/* Tags with which web pages and other markup begin. */
static const char *markup_of(const char *text, size_t len)
{
	static const char *const pages[] = { "<!doctype html", "<html", "<head", "<body" };

	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (len >= strlen(pages[i]) && strncasecmp(text, pages[i], strlen(pages[i])) == 0)
			return "this is a web page, such as a login or a proxy's error, not a "
			       "trace";
	return "this is XML or HTML, not JSON";
}

const char *stranger_of_bytes(const unsigned char *data, size_t len)
{
	const char *text = (const char *)data;
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_LEN(magics); i++)
		if (len >= magics[i].len && memcmp(text, magics[i].bytes, magics[i].len) == 0)
			return magics[i].what;
	while (at < len &&
	       (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n'))
		at++;
	return at < len && text[at] == '<' ? markup_of(text + at, len - at) : NULL;
}
