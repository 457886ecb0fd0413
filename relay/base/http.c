/*
 * HTTP as data: headers of requests and replies, escaping for URLs, and Retry-After.
 *
 * curl could escape and parse too, but only net/ may see curl: source and pager kinds escape while
 * they build pure requests, and the fake network of the tests parses Retry-After. So one function
 * of each serves every room. (libevent's evhttp_uriencode() is as far away.)
 */
#include "tracepager/http.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tracepager/limits.h"

bool http_request_header(struct http_request *request, const char *name, const char *value)
{
	if (request->nheaders == LIMIT_REQUEST_HEADERS)
		return false;
	request->headers[request->nheaders++] =
		(struct http_header){ .name = name, .value = value };
	return true;
}

const char *http_reply_header(const struct http_reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->nheaders; i++)
		if (strcasecmp(reply->headers[i].name, name) == 0)
			return reply->headers[i].value;
	return NULL;
}

static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

const char *url_escape(struct arena *arena, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	char *out = arena_array(arena, strlen(text) + 1, 3);
	char *to = out;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (is_unreserved(c)) {
			*to++ = (char)c;
			continue;
		}
		*to++ = '%';
		*to++ = hex[c >> 4];
		*to++ = hex[c & 15];
	}
	*to = '\0';
	return out;
}

static int month_of(const char *name)
{
	static const char *const names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	for (int i = 0; i < 12; i++) {
		if (!strcmp(name, names[i]))
			return i;
	}
	return -1;
}

/* A year of two digits is the latest one that is at most 50 years ahead (RFC 9110 section 5.6.7).
 */
static int year_of_two_digits(int year, int64_t wall_us)
{
	time_t now = (time_t)(wall_us / US_PER_SECOND);
	struct tm tm;

	if (!gmtime_r(&now, &tm))
		return 1900 + year;
	int this_year = tm.tm_year + 1900;
	int full = this_year / 100 * 100 + year;
	return full > this_year + 50 ? full - 100 : full;
}

/* Microseconds since 1970, or -1. tm holds day, hour, minute and second. */
static int64_t date_us(struct tm *tm, int year, const char *month)
{
	tm->tm_year = year - 1900;
	tm->tm_mon = month_of(month);
	if (tm->tm_mon < 0 || year < 1970 || tm->tm_mday < 1 || tm->tm_mday > 31 ||
	    tm->tm_hour < 0 || tm->tm_hour > 23 || tm->tm_min < 0 || tm->tm_min > 59 ||
	    tm->tm_sec < 0 || tm->tm_sec > 60)
		return -1;
	return (int64_t)timegm(tm) * US_PER_SECOND;
}

/* One of the three forms of RFC 9110 section 5.6.7, as the whole text. */
static int64_t http_date_parse(const char *text, int64_t wall_us)
{
	char month[4] = "";
	int end = 0, year = 0;
	struct tm tm = { .tm_mday = 0 };

	if (sscanf(text, "%*3[A-Za-z], %2d %3s %4d %2d:%2d:%2d GMT%n", &tm.tm_mday, month, &year,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) == 6 &&
	    end && !text[end])
		return date_us(&tm, year, month);
	end = 0;
	if (sscanf(text, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &tm.tm_mday, month,
		   &year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) == 6 &&
	    end && !text[end])
		return date_us(&tm, year_of_two_digits(year, wall_us), month);
	end = 0;
	if (sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &year, &end) == 6 &&
	    end && !text[end])
		return date_us(&tm, year, month);
	return -1;
}

int64_t retry_after_parse(const char *text, int64_t wall_us)
{
	/* A year: what is longer is cut, so that the sum below cannot overflow. */
	const int64_t longest_s = 365 * US_PER_DAY / US_PER_SECOND;
	char trimmed[64];
	int64_t seconds = 0;
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	if (!len || len >= sizeof(trimmed))
		return -1;
	memcpy(trimmed, text, len);
	trimmed[len] = '\0';
	if (strspn(trimmed, "0123456789") == len) {
		for (size_t i = 0; i < len; i++) {
			seconds = seconds * 10 + (trimmed[i] - '0');
			if (seconds > longest_s)
				seconds = longest_s;
		}
		return seconds * US_PER_SECOND;
	}
	int64_t at_us = http_date_parse(trimmed, wall_us);
	if (at_us < 0)
		return -1;
	return at_us > wall_us ? at_us - wall_us : 0;
}
