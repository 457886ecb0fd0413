/*
 * Span hints: what the words of an error, or the names of a call, say of where an error comes from
 * (tracepager-walk(7), sections 4 and 5). The words are those of runtimes, drivers and libraries,
 * in whose messages they have stood for years, and the verbs of clean-up; none names a service.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "span-internal.h"

/* ---- pools and breakers ---- */

/* "pool", but not in the name of an HTTP client's class: "HTTPConnectionPool(host='x', port=80)".
 */
static bool names_a_pool(const char *text)
{
	for (const char *at = text; (at = strcasestr(at, "pool")) != NULL; at += 4) {
		if (strncmp(at + 4, "(host=", 6) != 0)
			return true;
	}
	return false;
}

/* redis-py says so when its own pool is full; Redis itself says "max number of clients reached". */
static bool is_redis_pool(const struct trace *trace, const struct span *span, const char *text)
{
	static const unsigned int systems[] = { ATTR_DB_SYSTEM_NAME, ATTR_DB_SYSTEM };
	const char *system = span_first_attr(trace, span, systems, ARRAY_LEN(systems));

	return system && strcasecmp(system, "redis") == 0 &&
	       strcasecmp(text, "Too many connections") == 0;
}

bool span_waits_for_pool(const struct trace *trace, const struct span *span)
{
	static const char *const empty[] = {
		"limit",
		"exhaust",
		"timeout",
		"timed out",
		"is full",
		"empty",
		"available",
		"waiting",
		"acquir",
		"checkout",
		"max ",
		"maximum",
		"could not get",
		"could not obtain",
		"cannot get",
		"unable to get",
		"prior to obtaining",
		NULL,
	};
	static const char *const waits[] = {
		"acquiring a connection",
		"acquire connection",
		"connection is not available",
		"waiting for a connection",
		"waiting for connection",
		"connectionacquire",
		"timeout exceeded when trying to connect",
		NULL,
	};
	struct span_texts texts;

	span_texts(trace, span, &texts);
	for (unsigned int i = 0; i < texts.n; i++) {
		if (text_has_word(texts.at[i], waits) ||
		    (names_a_pool(texts.at[i]) && text_has_word(texts.at[i], empty)) ||
		    (i >= texts.ntypes && is_redis_pool(trace, span, texts.at[i])))
			return true;
	}
	return false;
}

bool span_breaker_open(const struct trace *trace, const struct span *span)
{
	static const char *const types[] = { "callnotpermitted", "circuitopen", "brokencircuit",
					     "circuitbreaker",	 "opencircuit", NULL };
	static const char *const phrases[] = { "circuit breaker is open",
					       "circuit is open",
					       "circuit is now open",
					       "circuit open",
					       "breaker is open",
					       "breaker open",
					       "short-circuited",
					       "is open and does not permit",
					       NULL };
	struct span_texts texts;

	span_texts(trace, span, &texts);
	for (unsigned int i = 0; i < texts.n; i++) {
		if (text_has_word(texts.at[i], i < texts.ntypes ? types : phrases))
			return true;
	}
	return false;
}

bool span_unreachable(const struct trace *trace, const struct span *span)
{
	static const char *const words[] = {
		"connection refused",
		"connect refused",
		"actively refused",
		"refused to connect",
		"connection was refused",
		"econnrefused",
		"no route to host",
		"ehostunreach",
		"enetunreach",
		"host unreachable",
		"network is unreachable",
		"enotfound",
		"eai_again",
		"name or service not known",
		"no such host",
		"unknownhost",
		"unknown host",
		"getaddrinfo",
		"could not translate host",
		"could not resolve host",
		"can't reach database server",
		"failed to open tcp connection",
		"name resolution",
		"not connect to",
		"n't connect to",
		"failed to connect",
		"unable to connect",
		"cannot connect",
		"error connecting",
		"connect timed out",
		"connection timed out",
		"etimedout",
		"connect timeout",
		"connecttimeout",
		"connection reset",
		"econnreset",
		"socket hang up",
		"server has gone away",
		"lost connection",
		"connection closed",
		"closed the connection",
		"connection error",
		"connectionerror",
		"broken pipe",
		"max retries exceeded",
		"failed to obtain jdbc connection",
		NULL,
	};
	struct span_texts texts;

	span_texts(trace, span, &texts);
	for (unsigned int i = 0; i < texts.n; i++) {
		const char *to = strcasestr(texts.at[i], "connection to ");

		if (text_has_word(texts.at[i], words) || (to && strcasestr(to, " refused")))
			return true;
	}
	return false;
}

/* opossum's message for a call that it gave up. A platform that ends a task says so of the task
 * itself: "Task timed out after 3.00 seconds". */
static bool begins_with_timeout(const struct trace *trace, const struct span *span)
{
	static const char begin[] = "timed out after ";
	struct span_texts texts;

	span_texts(trace, span, &texts);
	for (unsigned int i = texts.ntypes; i < texts.n; i++) {
		if (strncasecmp(texts.at[i], begin, sizeof(begin) - 1) == 0)
			return true;
	}
	return false;
}

bool span_has_client_words(const struct trace *trace, const struct span *span)
{
	static const char *const words[] = {
		/* a wait for an answer */
		"read timed out",
		"timeout exceeded",
		"command timed out",
		"redistimeout",
		"i/o timeout",
		"net::opentimeout",
		"net::readtimeout",
		"readtimeout",
		"connecttimeout",
		"timeout of ",
		"and no fallback available",
		"curl error 28",
		"curl error 6",
		"upstream request timeout",
		"upstream connect error",
		/* an answer that tells of a failure */
		"webclientresponseexception",
		"httpservererrorexception",
		"httpclienterrorexception",
		"request failed with status code",
		"response code 5",
		"for url: http",
		"for url 'http",
		"\\serverexception",
		"sqlserverexception",
		"faraday::",
		"does not indicate success",
		"feignexception",
		"statusruntimeexception",
		"rpc error: code =",
		/* no answer */
		"no healthy upstream",
		"communications link failure",
		"fetch failed",
		"not present in metadata",
		"connect call failed",
		"client view of cluster state",
		"ssl connection could not be established",
		"pkix path",
		/* Go's net/http: METHOD "URL": why */
		"get \"http",
		"post \"http",
		"put \"http",
		"patch \"http",
		"delete \"http",
		NULL,
	};

	return span_has_word(trace, span, words) || begins_with_timeout(trace, span);
}

bool span_has_network_words(const struct trace *trace, const struct span *span)
{
	static const char *const words[] = {
		/* names and routes */
		"temporary failure in name resolution",
		"eai_again",
		"no route to host",
		"network is unreachable",
		":53: i/o timeout",
		":53: server misbehaving",
		/* certificates */
		"unknown authority",
		"self-signed certificate",
		"self signed certificate",
		"bad certificate",
		"pkix path building",
		"unable to get local issuer",
		"ssl is not enabled on the server",
		/* what stands between the ends */
		"proxyerror",
		"no pg_hba.conf entry",
		NULL,
	};

	return span_has_word(trace, span, words);
}

bool span_unsent(const struct trace *trace, const struct span *span)
{
	static const unsigned int systems[] = { ATTR_DB_SYSTEM_NAME, ATTR_DB_SYSTEM, ATTR_DB_TYPE };
	/* The first 4 words do not count on a call of a database: databases tell so when their own
	 * files, threads and queues are used up. */
	enum { NO_DATABASE = 4 };
	static const char *const words[] = {
		"too many open files",
		"unable to create native thread",
		"rejectedexecution",
		"bulkhead",
		"cannot assign requested address",
		" emfile",
		"errors.serializationexception",
		"recordtoolarge",
		"only one usage of each socket address",
		"connection already closed",
		/* a URL */
		"failed to parse url",
		"illegal character in ",
		"unsupported protocol scheme",
		"missing protocol scheme",
		"no host in request url",
		"exceptions.missingschema",
		"exceptions.invalidschema",
		/* a body */
		"no serializer found for class",
		"not json serializable",
		"converting circular structure to json",
		"json: unsupported type",
		NULL,
	};

	if (!span_has_word(trace, span, words))
		return false;
	/* With a code the callee answered: the words may be the callee's. */
	if (span_http_code(trace, span) != 0 || span_grpc_code(trace, span) > 0)
		return false;
	return !span_first_attr(trace, span, systems, ARRAY_LEN(systems)) ||
	       span_has_word(trace, span, words + NO_DATABASE);
}

/* ---- causes ---- */

/* Longer texts that hold a word of failure say why as well. */
#define GENERAL_WORDS_MAX 8

static const char *const failure_words[] = { "fail",
					     "could not",
					     "couldn't",
					     "cannot",
					     "can not",
					     "can't",
					     "unable to",
					     "not possible",
					     "unavailable",
					     "not available",
					     "went wrong",
					     "try again",
					     "error occurred",
					     "internal error",
					     "internal server error",
					     "internal_server_error",
					     "unhandled errors",
					     "sorry",
					     "timeout",
					     "timed out",
					     "deadline",
					     NULL };

static unsigned int text_words(const char *text)
{
	unsigned int n = 0;

	for (const char *at = text; *at != '\0'; at++)
		n += isalnum((unsigned char)*at) && (at == text || isspace((unsigned char)at[-1]));
	return n;
}

/* Is a clause the one word by which an exception is called? */
static bool is_type(const char *clause)
{
	static const char *const types[] = { "error", "exception", NULL };

	return text_words(clause) == 1 && text_has_word(clause, types);
}

/* Does each clause of a short message only say that something failed? */
static bool is_general(const char *line, size_t len)
{
	char clause[LIMIT_ERROR_WORDS_BYTES + 1];

	while (len > 0) {
		size_t n = 0;

		while (n < len && !strchr(":,;", line[n]))
			n++;
		if (n >= sizeof(clause))
			return false;
		memcpy(clause, line, n);
		clause[n] = '\0';
		if (text_words(clause) > GENERAL_WORDS_MAX ||
		    (text_words(clause) > 0 && !text_has_word(clause, failure_words) &&
		     !is_type(clause)))
			return false;
		n += n < len;
		line += n;
		len -= n;
	}
	return true;
}

bool span_names_bug(const struct trace *trace, const struct span *span)
{
	static const char *const bugs[] = { "nullpointer",
					    "nullreference",
					    "keyerror",
					    "valueerror",
					    "typeerror",
					    "indexerror",
					    "attributeerror",
					    "zerodivision",
					    "outofbounds",
					    "index out of range",
					    "nil map",
					    "nil pointer",
					    "undefined is not",
					    "cannot read propert",
					    NULL };
	/* Words by which clients tell in such an error that a call failed, or gave a bad answer. */
	static const char *const of_calls[] = { "fetch",    "network", "json",	  "decod",
						"pars",	    "connect", "timeout", "timed out",
						"response", "request", NULL };

	return span_has_word(trace, span, bugs) && !span_has_word(trace, span, of_calls);
}

bool span_says_specific(const struct trace *trace, const struct span *span)
{
	struct span_texts texts;
	const char *message, *line;
	size_t len;

	if (!span_says_why(trace, span))
		return false;
	if (span_names_bug(trace, span))
		return true;
	span_texts(trace, span, &texts);
	message = span_texts_message(&texts);
	if (!message || http_code_parse(message) != 0)
		return false;
	text_telling_line(message, &line, &len);
	return len > 0 && !is_general(line, len) && !span_has_client_words(trace, span) &&
	       !span_unreachable(trace, span);
}

/* ---- clean-up ---- */

/* Does a word begin with the stem? A stem that ends in $ is a whole word, or its plural. */
static bool word_has_stem(const char *word, const char *stem)
{
	size_t len = strlen(stem);
	bool whole = stem[len - 1] == '$';

	len -= whole;
	if (strncasecmp(word, stem, len) != 0)
		return false;
	word += len;
	if (whole && (*word == 's' || *word == 'S'))
		word++;
	return !whole || !islower((unsigned char)*word);
}

/* Does a name hold one of these words? Words are the parts of a name between signs and at capitals:
 * "/orders/9/unlock", "writeAuditEntry", "audit_log". */
static bool name_has_stem(const char *name, const char *const *stems)
{
	bool begins = true;

	for (const char *at = name; *at != '\0'; at++) {
		bool letter = isalpha((unsigned char)*at);

		if (at > name && isupper((unsigned char)*at) && !isupper((unsigned char)at[-1]))
			begins = true;
		for (size_t i = 0; letter && begins && stems[i]; i++) {
			if (word_has_stem(at, stems[i]))
				return true;
		}
		begins = !letter;
	}
	return false;
}

/* The path of an URL: hosts are asked for their words too, credentials and queries are not. */
static bool url_has_stem(const char *url, const char *const *stems)
{
	char part[256];
	const char *host = strstr(url, "://");
	size_t len;

	host = host ? host + 3 : url;
	len = strcspn(host, "?#");
	if (len >= sizeof(part))
		len = sizeof(part) - 1;
	memcpy(part, host, len);
	part[len] = '\0';
	return name_has_stem(part, stems);
}

static const char *const cleanup_stems[] = {
	/* undo what was done before the failure */
	"rollback",
	"rolled",
	"abort",
	"undo",
	"revert",
	"release",
	"unlock",
	"unreserve",
	"compensat",
	"cancel",
	"refund",
	"reversal",
	"void$",
	"cleanup",
	"clean$",
	"delete",
	"remove",
	"discard",
	"purge",
	"close$",
	"free$",
	/* tell somebody of it */
	"audit",
	"report",
	"error",
	"exception",
	"fail",
	"fault",
	"crash",
	"incident",
	"alert",
	"notif",
	"log$",
	"logger",
	"logging",
	"journal",
	"trail",
	"event$",
	"metric",
	"telemetry",
	"track$",
	"dlq",
	"dead$",
	"deadletter",
	"quarantine",
	NULL,
};

bool span_is_cleanup(const struct trace *trace, uint32_t span)
{
	static const unsigned int keys[] = { ATTR_DB_OPERATION_NAME,
					     ATTR_DB_OPERATION,
					     ATTR_RPC_METHOD,
					     ATTR_HTTP_ROUTE,
					     ATTR_MESSAGING_DESTINATION_NAME,
					     ATTR_MESSAGING_DESTINATION,
					     ATTR_SERVICE_PEER_NAME,
					     ATTR_PEER_SERVICE,
					     ATTR_SERVER_ADDRESS,
					     ATTR_NET_PEER_NAME };
	static const unsigned int urls[] = { ATTR_URL_FULL, ATTR_HTTP_URL };
	const struct span *call = &trace->spans[span];
	uint32_t answer = span_answer(trace, span);

	if (name_has_stem(trace_text(trace, call->name), cleanup_stems) ||
	    (answer != TRACE_NONE &&
	     name_has_stem(trace_text(trace, trace->spans[answer].name), cleanup_stems)))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *text = span_attr(trace, call, keys[i]);

		if (text && name_has_stem(text, cleanup_stems))
			return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		const char *url = span_attr(trace, call, urls[i]);

		if (url && url_has_stem(url, cleanup_stems))
			return true;
	}
	return false;
}

bool span_changes(const struct trace *trace, const struct span *span)
{
	static const unsigned int methods[] = { ATTR_HTTP_REQUEST_METHOD, ATTR_HTTP_METHOD };
	static const unsigned int statements[] = { ATTR_DB_OPERATION_NAME, ATTR_DB_OPERATION };
	static const char *const changing_methods[] = { "PUT", "PATCH", "DELETE" };
	static const char *const changing[] = { "DEL ",	  "UNLINK", "INSERT", "UPDATE",
						"DELETE", "UPSERT", "MERGE",  "REPLACE" };
	const char *method = span_first_attr(trace, span, methods, ARRAY_LEN(methods));
	const char *statement = span_first_attr(trace, span, statements, ARRAY_LEN(statements));
	const char *name = trace_text(trace, span->name);

	if (span->kind == SPAN_PRODUCER)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(changing_methods); i++) {
		size_t len = strlen(changing_methods[i]);

		if (method ? strcasecmp(method, changing_methods[i]) == 0
			   : strncmp(name, changing_methods[i], len) == 0 &&
				     !isalpha((unsigned char)name[len]))
			return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(changing); i++) {
		if (strncasecmp(statement ? statement : name, changing[i], strlen(changing[i])) ==
		    0)
			return true;
	}
	return false;
}

bool span_adds_row(const struct trace *trace, const struct span *span)
{
	static const unsigned int statements[] = { ATTR_DB_OPERATION_NAME, ATTR_DB_OPERATION };
	static const unsigned int systems[] = { ATTR_DB_SYSTEM_NAME, ATTR_DB_SYSTEM, ATTR_DB_TYPE };
	const char *statement = span_first_attr(trace, span, statements, ARRAY_LEN(statements));

	return span_first_attr(trace, span, systems, ARRAY_LEN(systems)) &&
	       strncasecmp(statement ? statement : trace_text(trace, span->name), "INSERT", 6) == 0;
}
