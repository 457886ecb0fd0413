/*
 * Walk, words: does a failing span say, in its words, which call below it was to blame
 * (tracepager-walk(7), section 4)? An exception that is handed on keeps its message, and one that
 * is wrapped names the callee or the code that it answered.
 */
#include <ctype.h>
#include <string.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"
#include "walk-internal.h"

/* Failing spans below a call whose words are compared, and its children that are looked through for
 * the next failing one. */
#define CHAIN_LEVELS   5
#define CHAIN_CHILDREN 64
/* A shorter message, or a shorter name, is part of too many texts. */
#define MESSAGE_BYTES_MIN 6
#define NAME_BYTES_MIN	  3
/* Words of a text that are compared one by one, and the shortest that tells something. */
#define SHARED_WORDS	 64
#define SHARED_BYTES_MIN 5

static bool is_alnum(char c)
{
	return isalnum((unsigned char)c) != 0;
}

/* Does the text from `at` on begin with the name as a word of its own? Words begin and end at signs
 * and at capitals: "PaymentFailed" names "payment". */
static bool begins_with_name(const char *text, const char *at, const char *name, size_t len)
{
	bool begins = at == text || !is_alnum(at[-1]) ||
		      (isupper((unsigned char)*at) && !isupper((unsigned char)at[-1]));

	return begins && strncasecmp(at, name, len) == 0 &&
	       (!is_alnum(at[len]) || isupper((unsigned char)at[len]));
}

/* Does the text hold the name as a word of its own? */
static bool text_names(const char *text, const char *name, size_t len)
{
	if (len < NAME_BYTES_MIN)
		return false;
	for (const char *at = text; *at != '\0'; at++) {
		if (begins_with_name(text, at, name, len))
			return true;
	}
	return false;
}

/* Does the text before `end` end with one of these phrases? */
static bool ends_with(const char *text, const char *end, const char *const *phrases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(phrases[i]);

		if ((size_t)(end - text) >= len && strncasecmp(end - len, phrases[i], len) == 0)
			return true;
	}
	return false;
}

static bool begins_with(const char *text, const char *const *phrases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strncasecmp(text, phrases[i], strlen(phrases[i])) == 0)
			return true;
	}
	return false;
}

/* Is the name at `at` that of a callee which is blamed? A service's name may be a noun of the trade
 * ("customer has no recs consent flag"), or name what comes next ("cannot go on to payment"). It is
 * blamed where it stands first, in quotes or beside a sign, is part of a longer name, or stands
 * beside a word that speaks of a call. */
static bool is_blamed(const char *text, const char *at, size_t len)
{
	static const char *const next[] = { "go on to ",    "proceed to ",    "proceed with ",
					    "continue to ", "continue with ", "before ",
					    "skipping ",    "skipped ",	      "instead of " };
	static const char *const before[] = { "from ",	  "by ",      "to ",	    "call ",
					      "calling ", "called ",  "at ",	    "with ",
					      "via ",	  "on ",      "service ",   "contact ",
					      "reach ",	  "request ", "requesting " };
	static const char *const after[] = {
		" fail",    " error",  " unavail", " is ",    " was ",	" did",	    " does",
		" has ",    " return", " answer",  " respon", " said",	" service", " call",
		" request", " timed",  " timeout", " reject", " refus", " declin",  " not ",
		" unreach", " broke",  " crash",   " down",   " gave"
	};
	static const char *const colon[] = { ": " };
	const char *rest = at + len;

	if (*rest == '\0' && ends_with(text, at, colon, ARRAY_LEN(colon)))
		return true; /* "no answer: payment" */
	if (ends_with(text, at, next, ARRAY_LEN(next)))
		return false;
	return at == text || is_alnum(at[-1]) || strchr("./-_\"'`([{<=:", at[-1]) ||
	       is_alnum(*rest) || (*rest != '\0' && strchr("/-_\"'`)]}>=:", *rest)) ||
	       (*rest == '.' && is_alnum(rest[1])) || isdigit((unsigned char)rest[*rest == ' ']) ||
	       ends_with(text, at, before, ARRAY_LEN(before)) ||
	       begins_with(rest, after, ARRAY_LEN(after));
}

/* Does the text blame the callee of this name? */
static bool text_blames(const char *text, const char *name, size_t len)
{
	bool noun = true;

	for (size_t i = 0; i < len; i++)
		noun &= isalpha((unsigned char)name[i]) != 0;
	if (!noun)
		return text_names(text, name, len);
	if (len < NAME_BYTES_MIN)
		return false;
	for (const char *at = text; *at != '\0'; at++) {
		if (begins_with_name(text, at, name, len) && is_blamed(text, at, len))
			return true;
	}
	return false;
}

static bool line_in(const char *text, const char *line, size_t len)
{
	char part[LIMIT_ERROR_WORDS_BYTES + 1];

	if (len < MESSAGE_BYTES_MIN)
		return false;
	if (len > LIMIT_ERROR_WORDS_BYTES)
		len = LIMIT_ERROR_WORDS_BYTES;
	memcpy(part, line, len);
	part[len] = '\0';
	return strcasestr(text, part) != NULL;
}

/* Does one of two messages hold the telling line of the other? Codes alone do not count. */
static bool words_agree(const char *one, const char *other)
{
	const char *a, *b;
	size_t na, nb;

	text_telling_line(one, &a, &na);
	text_telling_line(other, &b, &nb);
	if (http_code_parse(a) != 0 || http_code_parse(b) != 0)
		return false;
	return line_in(one, b, nb) || line_in(other, a, na);
}

static bool texts_agree(const struct span_texts *above, const struct span_texts *below)
{
	for (unsigned int i = above->ntypes; i < above->n; i++) {
		for (unsigned int k = below->ntypes; k < below->n; k++) {
			if (words_agree(above->at[i], below->at[k]))
				return true;
		}
	}
	return false;
}

static bool texts_name(const struct span_texts *texts, const char *name)
{
	size_t len = strlen(name), label = strcspn(name, ".:/");

	for (unsigned int i = 0; i < texts->n; i++) {
		/* A host is named whole, or by its first label where that is a word. */
		if (text_blames(texts->at[i], name, len) ||
		    (label < len && isalpha((unsigned char)name[0]) &&
		     text_blames(texts->at[i], name, label)))
			return true;
	}
	return false;
}

/* Do the words name the callee of a call, by its service or by one of the call's names for it? */
static bool texts_name_callee(const struct trace *trace, const struct span_texts *texts,
			      uint32_t call)
{
	static const unsigned int keys[] = { ATTR_SERVICE_PEER_NAME, ATTR_PEER_SERVICE,
					     ATTR_SERVER_ADDRESS,    ATTR_NET_PEER_NAME,
					     ATTR_DB_SYSTEM_NAME,    ATTR_DB_SYSTEM,
					     ATTR_MESSAGING_SYSTEM,  ATTR_RPC_SERVICE };
	uint32_t answer = span_answer(trace, call);

	if (answer != TRACE_NONE && texts_name(texts, span_service(trace, &trace->spans[answer])))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *name = span_attr(trace, &trace->spans[call], keys[i]);

		if (name && texts_name(texts, name))
			return true;
	}
	return false;
}

/* Is the number at `at` a code of HTTP and no id ("customer 503 has no address")? It stands first,
 * beside a sign, or beside a word that speaks of an answer. */
static bool is_told_as_code(const char *text, const char *at)
{
	static const char *const before[] = { "status ",   "code ",	"http ",      "error ",
					      "returned ", "answered ", "responded ", "got ",
					      "received ", "with ",	"a ",	      ": " };
	static const char *const after[] = { " from",	   " error",	    " status",
					     " response",  " internal",	    " bad gateway",
					     " service",   " gateway",	    " not found",
					     " forbidden", " unauthorized", " too many",
					     " server",	   " client error" };

	return at == text || strchr("([{<=:\"'`/", at[-1]) ||
	       ends_with(text, at, before, ARRAY_LEN(before)) ||
	       begins_with(at + 3, after, ARRAY_LEN(after));
}

/* Do the messages tell the HTTP code with which a call was answered? */
static bool texts_tell_code(const struct span_texts *texts, int code)
{
	char digits[16];

	if (code < 400)
		return false;
	snprintf(digits, sizeof(digits), "%d", code);
	for (unsigned int i = texts->ntypes; i < texts->n; i++) {
		const char *text = texts->at[i];

		for (const char *at = text; http_code_parse(text) == 0 && *at != '\0'; at++) {
			if (begins_with_name(text, at, digits, 3) && is_told_as_code(text, at))
				return true;
		}
	}
	return false;
}

uint32_t walk_failing_child(const struct walker *walker, uint32_t span)
{
	const struct span *spans = walker->trace->spans;
	uint32_t child = spans[span].first_child;

	for (int i = 0; child != TRACE_NONE && i < CHAIN_CHILDREN;
	     i++, child = spans[child].next_sibling) {
		if (walker->bits[child] & BIT_FAILING)
			return child;
	}
	return TRACE_NONE;
}

enum words_tie walk_words_tie(const struct walker *walker, uint32_t above, uint32_t below)
{
	const struct trace *trace = walker->trace;
	struct span_texts texts, others;
	uint32_t at = below;

	if (!span_says_why(trace, &trace->spans[above]))
		return WORDS_APART;
	span_texts(trace, &trace->spans[above], &texts);
	for (int i = 0; i < CHAIN_LEVELS && at != TRACE_NONE; i++) {
		span_texts(trace, &trace->spans[at], &others);
		if (texts_agree(&texts, &others))
			return WORDS_REPEATED;
		at = walk_failing_child(walker, at);
	}
	if (texts_name_callee(trace, &texts, below) ||
	    texts_tell_code(&texts, span_http_code(trace, &trace->spans[below])))
		return WORDS_NAMED;
	return WORDS_APART;
}

/* The next word of letters at or after `at`; NULL: none. */
static const char *words_next_alpha(const char *at, size_t *ret_len)
{
	while (*at != '\0' && !isalpha((unsigned char)*at))
		at++;
	*ret_len = 0;
	while (isalpha((unsigned char)at[*ret_len]))
		(*ret_len)++;
	return *ret_len > 0 ? at : NULL;
}

/* Words that tell nothing of the thing that failed. */
static bool is_filler(const char *word, size_t len)
{
	static const char *const fillers[] = { "error", "exception", "failed",	 "failure",
					       "could", "cannot",    "internal", "server",
					       "after", "while",     "which",	 "there" };

	for (size_t i = 0; i < ARRAY_LEN(fillers); i++) {
		if (strlen(fillers[i]) == len && strncasecmp(word, fillers[i], len) == 0)
			return true;
	}
	return false;
}

/* Does a text hold this word, or one that begins with it, or one with which it begins? */
static bool holds_word(const char *text, const char *word, size_t len)
{
	const char *at = text;
	size_t n;

	for (int i = 0; i < SHARED_WORDS && (at = words_next_alpha(at, &n)) != NULL; i++, at += n) {
		if (n >= SHARED_BYTES_MIN && strncasecmp(at, word, n < len ? n : len) == 0)
			return true;
	}
	return false;
}

static bool texts_share(const struct span_texts *above, const struct span_texts *below)
{
	for (unsigned int i = above->ntypes; i < above->n; i++) {
		const char *at = above->at[i];
		size_t len;

		for (int w = 0; w < SHARED_WORDS && (at = words_next_alpha(at, &len)) != NULL;
		     w++, at += len) {
			if (len < SHARED_BYTES_MIN || is_filler(at, len))
				continue;
			for (unsigned int k = below->ntypes; k < below->n; k++) {
				if (holds_word(below->at[k], at, len))
					return true;
			}
		}
	}
	return false;
}

bool walk_words_share(const struct walker *walker, uint32_t above, uint32_t below)
{
	const struct trace *trace = walker->trace;
	struct span_texts texts, others;
	uint32_t at = below;

	span_texts(trace, &trace->spans[above], &texts);
	for (int i = 0; i < CHAIN_LEVELS && at != TRACE_NONE; i++) {
		span_texts(trace, &trace->spans[at], &others);
		if (texts_share(&texts, &others))
			return true;
		at = walk_failing_child(walker, at);
	}
	return false;
}

bool walk_chain_says_why(const struct walker *walker, uint32_t span)
{
	const struct trace *trace = walker->trace;
	uint32_t child = walk_failing_child(walker, span);

	/* The words of a call whose callee has a span only repeat the answer's code. */
	if (child == TRACE_NONE)
		return span_says_why(trace, &trace->spans[span]);
	for (int i = 0; i < CHAIN_LEVELS && child != TRACE_NONE; i++) {
		if (span_says_why(trace, &trace->spans[child]))
			return true;
		child = walk_failing_child(walker, child);
	}
	return false;
}
