/*
 * Span refusal: did a callee refuse a call without failing, so that the call is its caller's fault
 * (tracepager-walk(7), section 5)? By codes of HTTP and gRPC, by SQLSTATE, and where a driver gives
 * no code by the words with which databases refuse a statement.
 *
 * The words are those of the programs: type names of the common drivers, and phrases that
 * PostgreSQL, MySQL, SQLite, Oracle, SQL Server, MongoDB, Redis, Elasticsearch and Cassandra have
 * had for years, types of Kafka's clients, texts of AMQP, and error codes of AWS. Each counts only
 * on a call that names such a system.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "tracepager/xalloc.h"
#include "span-internal.h"

/* As span_http_code() and span_grpc_code(); a span without either may spell its code in error.type.
 */
static void told_codes(const struct trace *trace, const struct span *span, int *ret_http,
		       int *ret_grpc)
{
	const char *type;

	*ret_http = span_http_code(trace, span);
	*ret_grpc = span_grpc_code(trace, span);
	if (*ret_http != 0 || *ret_grpc >= 0)
		return;
	type = span_attr(trace, span, ATTR_ERROR_TYPE);
	if (!type)
		return;
	*ret_http = http_code_parse(type);
	/* A bare number is not one of gRPC's. */
	if (!isdigit((unsigned char)type[0]))
		*ret_grpc = grpc_code_parse(type);
}

static bool is_sqlstate(const char *text)
{
	return strlen(text) == 5 && strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5;
}

static const char *sqlstate_of(const struct trace *trace, const struct span *span)
{
	/* Databases whose own error numbers, some of five digits, are no SQLSTATE. */
	static const char *const others[] = { "microsoft.sql_server", "mssql", "oracle",
					      "oracle.db", "mongodb" };
	static const unsigned int systems[] = { ATTR_DB_SYSTEM_NAME, ATTR_DB_SYSTEM, ATTR_DB_TYPE };
	static const unsigned int codes[] = { ATTR_DB_RESPONSE_STATUS_CODE, ATTR_ERROR_TYPE };
	const char *system = span_first_attr(trace, span, systems, ARRAY_LEN(systems));

	for (size_t i = 0; system && i < ARRAY_LEN(others); i++) {
		if (strcasecmp(system, others[i]) == 0)
			return NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		const char *code = span_attr(trace, span, codes[i]);

		/* An error.type is a database's only where a database is named. */
		if (code && is_sqlstate(code) &&
		    (system || codes[i] == ATTR_DB_RESPONSE_STATUS_CODE))
			return code;
	}
	return NULL;
}

/* SQLSTATE classes 22 (invalid data), 23 (a constraint), 28 (who may log in) and 42 (a wrong
 * statement) are the caller's failure; all others, of connections or resources, are the database's
 * own. */
static bool is_refused_by_database(const char *sqlstate)
{
	return sqlstate && (strncmp(sqlstate, "22", 2) == 0 || strncmp(sqlstate, "23", 2) == 0 ||
			    strncmp(sqlstate, "28", 2) == 0 || strncmp(sqlstate, "42", 2) == 0);
}

/* Words after which a statement was wrong, not the database. */
static const char *const refused_types[] = {
	"integrityerror",
	"programmingerror",
	"dataerror",
	"uniqueviolation",
	"foreignkeyviolation",
	"notnullviolation",
	"checkviolation",
	"undefinedcolumn",
	"undefinedtable",
	"undefinedfunction",
	"undefinedobject",
	"syntaxerror",
	"invalidtextrepresentation",
	"numericvalueoutofrange",
	"stringdatarighttruncation",
	"invaliddatetimeformat",
	"datatypemismatch",
	"insufficientprivilege",
	"ambiguouscolumn",
	"duplicatetable",
	"duplicatecolumn",
	"badsqlgrammar",
	"integrityconstraintviolation",
	"constraintviolation",
	"dataintegrityviolation",
	"duplicatekey",
	"sqldataexception",
	"uniqueconstraint",
	"er_dup_entry",
	"er_no_such_table",
	"er_bad_field_error",
	"er_parse_error",
	"invalidquery",
	NULL,
};
static const char *const refused_phrases[] = {
	"duplicate key",
	"duplicate entry",
	"syntax error",
	"error in your sql syntax",
	"incorrect syntax near",
	"invalid input syntax",
	"value too long for",
	"data too long for",
	"numeric field overflow",
	"numeric value out of range",
	"division by zero",
	"invalid byte sequence",
	"null value in column",
	"cannot be null",
	"unknown column",
	"no such column",
	"no such table",
	"invalid column name",
	"invalid object name",
	"column count doesn't match",
	"data truncated for column",
	"incorrect integer value",
	"cannot insert duplicate",
	"must appear in the group by",
	"ora-00001",
	"ora-00904",
	"ora-00936",
	"ora-00942",
	"ora-01400",
	"ora-01722",
	"ora-02291",
	"ora-02292",
	"ora-12899",
	"wrongtype operation",
	"err wrong number of arguments",
	"err unknown command",
	"err syntax error",
	"err value is not",
	"parsing_exception",
	"query_shard_exception",
	"index_not_found_exception",
	"strict_dynamic_mapping_exception",
	"unconfigured table",
	"undefined column name",
	"unknown operator",
	"bsonobj size",
	"cannot insert the value null",
	"data would be truncated",
	"out of range value for column",
	"doesn't have a default value",
	"could not find stored procedure",
	"conversion failed when converting",
	NULL,
};
/* Words with which a database does not let its caller in, or not do what it wants: the credentials
 * and grants that the caller was given are wrong. */
static const char *const denied_phrases[] = {
	"noauth ", /* Redis */
	"wrongpass ",
	"noperm ",
	"not authorized on ", /* MongoDB */
	"requires authentication",
	"access denied for user", /* MySQL */
	"password authentication failed",
	"permission denied for",
	"login failed for user", /* SQL Server */
	"ora-01017",
	"ora-01031",
	NULL,
};

/* Queues: types of Kafka's clients, and the texts of AMQP's reply codes 403, 404 and 406. */
static const char *const queue_denied[] = { "authorizationexception", "saslauthentication",
					    "access_refused", "not authorized to access", NULL };
static const char *const queue_refused[] = { "invalidtopic", "not_found - no ",
					     "precondition_failed - ", NULL };

/* Codes with which the services of AWS refuse a request: their common errors, and those of S3, SQS
 * and DynamoDB. Throttling is none of them. */
static const char *const aws_denied[] = { "accessdenied",
					  "unrecognizedclient",
					  "signaturedoesnotmatch",
					  "invalidsignature",
					  "expiredtoken",
					  "invalidclienttokenid",
					  "missingauthenticationtoken",
					  "is not authorized to perform",
					  NULL };
static const char *const aws_refused[] = { "nosuchkey",
					   "nosuchbucket",
					   "nosuchupload",
					   "nonexistentqueue",
					   "queuedoesnotexist",
					   "resourcenotfoundexception",
					   "validationexception",
					   "validationerror",
					   "invalidparametervalue",
					   "conditionalcheckfailed",
					   NULL };

/* Both words of a pair, in this order. */
static const char *const refused_pairs[][2] = {
	{ "column", "does not exist" },	     { "relation", "does not exist" },
	{ "table", "does not exist" },	     { "function", "does not exist" },
	{ "operator", "does not exist" },    { "type", "does not exist" },
	{ "table", "doesn't exist" },	     { "constraint", "violat" },
	{ "violat", "constraint" },	     { "constraint", "fail" },
	{ "conflicted with", "constraint" },
};

/* Does a text hold a phrase of refusal? */
static bool text_refuses(const char *text)
{
	if (text_has_word(text, refused_phrases))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(refused_pairs); i++) {
		const char *first = strcasestr(text, refused_pairs[i][0]);

		if (first && strcasestr(first, refused_pairs[i][1]))
			return true;
	}
	return false;
}

/* An SQLSTATE in a text: "SQLSTATE 23505", "SQLSTATE[23000]", "SQLState: 42P01", and MySQL's "ERROR
 * 1062 (23000)". Writes five characters and a NUL. */
static bool sqlstate_in_text(const char *text, char ret_state[static 6])
{
	const char *at = strcasestr(text, "sqlstate");

	if (at)
		at += strlen("sqlstate") + strspn(at + strlen("sqlstate"), " \t[(:='\"");
	else if ((at = strcasestr(text, "error ")) && (at = strchr(at, '(')) &&
		 isdigit((unsigned char)at[-2]) && at[-1] == ' ' && strcspn(at + 1, ")") == 5)
		at++;
	if (!at || strspn(at, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5)
		return false;
	memcpy(ret_state, at, 5);
	ret_state[5] = '\0';
	return true;
}

#define DENIED "that it does not let the caller in"
#define WRONG  "that the request is wrong"

/* What the words of a call of a queue or of a service of AWS say; NULL: nothing. */
static const char *refused_by_words_of(const struct trace *trace, const struct span *call)
{
	static const unsigned int rpc[] = { ATTR_RPC_SYSTEM_NAME, ATTR_RPC_SYSTEM };
	const char *system = span_first_attr(trace, call, rpc, ARRAY_LEN(rpc));

	if (span_attr(trace, call, ATTR_MESSAGING_SYSTEM)) {
		if (span_has_word(trace, call, queue_denied))
			return DENIED;
		if (span_has_word(trace, call, queue_refused))
			return WRONG;
	}
	/* "aws-api", or "aws.api". */
	if (system && strncasecmp(system, "aws", 3) == 0) {
		if (span_has_word(trace, call, aws_denied))
			return DENIED;
		if (span_has_word(trace, call, aws_refused))
			return WRONG;
	}
	return NULL;
}

/* The SQLSTATE that the texts tell. False: none does. */
static bool texts_sqlstate(const struct span_texts *texts, char ret_state[static 6])
{
	for (unsigned int i = 0; i < texts->n; i++) {
		if (sqlstate_in_text(texts->at[i], ret_state))
			return true;
	}
	return false;
}

/* What the words of a call say: "SQLSTATE 23505", or the driver's type of exception, or what was
 * refused; NULL: nothing, or a failure of the callee's own. */
static const char *refused_in_words(struct arena *arena, const struct trace *trace,
				    const struct span *call)
{
	static const unsigned int systems[] = { ATTR_DB_SYSTEM_NAME, ATTR_DB_SYSTEM, ATTR_DB_TYPE };
	bool database = span_first_attr(trace, call, systems, ARRAY_LEN(systems)) != NULL;
	struct span_texts texts;
	char state[6];

	span_texts(trace, call, &texts);
	if (texts_sqlstate(&texts, state))
		return is_refused_by_database(state) ? arena_printf(arena, "SQLSTATE %s", state)
						     : NULL;
	for (unsigned int i = 0; database && i < texts.n; i++) {
		if (i < texts.ntypes && text_has_word(texts.at[i], refused_types))
			return shown_text(arena, texts.at[i]);
		if (i >= texts.ntypes && text_has_word(texts.at[i], denied_phrases))
			return DENIED;
		if (i >= texts.ntypes && text_refuses(texts.at[i]))
			return "that the statement is wrong";
	}
	return refused_by_words_of(trace, call);
}

/* Types of exceptions of the drivers of databases. */
static const char *const driver_types[] = { "psycopg", "asyncpg", "postgres",  "psqlexception",
					    "pg::",    "npgsql",  "mysql",     "mongo",
					    "redis",   "jedis",	  "cassandra", "elastic",
					    NULL };
/* What databases say of themselves, and how the SDKs of AWS begin. */
static const char *const database_phrases[] = {
	"sorry, too many clients",    "remaining connection slots",
	"canceling statement due to", "could not extend file",
	"deadlock detected",	      "deadlock found",
	"oom command not allowed",    "lock wait timeout exceeded",
	"when calling the ",	      NULL
};

/* "ORA-01653", not the end of another word. */
static bool tells_ora_code(const char *text)
{
	for (const char *at = text; (at = strcasestr(at, "ora-")) != NULL; at += 4) {
		if ((at == text || !isalpha((unsigned char)at[-1])) &&
		    strspn(at + 4, "0123456789") == 5)
			return true;
	}
	return false;
}

bool span_has_database_words(const struct trace *trace, const struct span *span)
{
	struct span_texts texts;
	bool found = false;
	char state[6];

	span_texts(trace, span, &texts);
	if (texts_sqlstate(&texts, state))
		return !is_refused_by_database(state);
	for (unsigned int i = 0; i < texts.n; i++) {
		const char *text = texts.at[i];

		if (i < texts.ntypes ? text_has_word(text, refused_types)
				     : text_refuses(text) || text_has_word(text, aws_refused))
			return false;
		found |= text_has_word(text, i < texts.ntypes ? driver_types : database_phrases) ||
			 tells_ora_code(text);
	}
	return found;
}

const char *span_refusal(struct arena *arena, const struct trace *trace, uint32_t client,
			 uint32_t callee, bool *ret_callee_may)
{
	static const unsigned int grpc_refusals = 1u << 3 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 8 |
						  1u << 9 | 1u << 10 | 1u << 11 | 1u << 16;
	const char *sqlstate = sqlstate_of(trace, &trace->spans[client]);
	int http = 0, grpc = -1;

	*ret_callee_may = false;
	/* The server's own code counts first: a proxy may have given the client another one. */
	if (callee != TRACE_NONE)
		told_codes(trace, &trace->spans[callee], &http, &grpc);
	if (http == 0 && grpc < 0)
		told_codes(trace, &trace->spans[client], &http, &grpc);
	if (http >= 400 && http < 499) {
		*ret_callee_may =
			http == 401 || http == 403 || http == 404 || http == 408 || http == 429;
		return arena_printf(arena, "HTTP %d", http);
	}
	if (grpc > 0 && (grpc_refusals >> grpc & 1)) {
		*ret_callee_may = grpc == 16 || grpc == 7 || grpc == 5 || grpc == 8;
		return grpc_code_name(grpc);
	}
	if (sqlstate)
		return is_refused_by_database(sqlstate)
			       ? arena_printf(arena, "SQLSTATE %s", sqlstate)
			       : NULL;
	return refused_in_words(arena, trace, &trace->spans[client]);
}
