/*
 * Matchers on labels: Alertmanager's syntax is parsed and compiled here. Both of its grammars are
 * accepted: where the classic one takes a text, that reading counts, else the UTF-8 one (as
 * Alertmanager decides when they disagree). Owns the compiled expressions; names and values are
 * kept by the caller's arena.
 */
#include <ctype.h>
#include <errno.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "engine-internal.h"
#include "tracepager/hex.h"
#include "tracepager/utf8.h"

/* Removes the matchers from number n on. */
static void drop_from(struct rule_matchers *matchers, size_t n)
{
	while (matchers->n > n) {
		struct rule_matcher *matcher = &matchers->at[--matchers->n];
		pcre2_code_free(matcher->regex);
		free(matcher->words);
	}
}

void matchers_fini(struct rule_matchers *matchers)
{
	drop_from(matchers, 0);
	free(matchers->at);
	*matchers = (struct rule_matchers){ .at = NULL };
}

static int compile_regex(const char *pattern, pcre2_code **ret_code, struct err *err)
{
	const uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_ANCHORED |
				 PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
	unsigned char text[160];
	int code;
	size_t offset;

	if (strlen(pattern) > LIMIT_REGEX_BYTES)
		return err_set(err, EINVAL, "the regular expression is longer than %u bytes",
			       LIMIT_REGEX_BYTES);
	*ret_code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &code,
				  &offset, NULL);
	if (*ret_code)
		return 0;
	pcre2_get_error_message(code, text, sizeof(text));
	return err_set(err, EINVAL,
		       "the regular expression \"%.200s\" is wrong at its character %zu: %s",
		       pattern, offset + 1, (const char *)text);
}

static void append_matcher(struct rule_matchers *matchers, const struct rule_matcher *matcher)
{
	if ((matchers->n & (matchers->n - 1)) == 0)
		matchers->at = xrealloc_array(matchers->at, matchers->n ? matchers->n * 2 : 1,
					      sizeof(*matchers->at));
	matchers->at[matchers->n++] = *matcher;
}

void matchers_add_glob(struct arena *arena, struct rule_matchers *matchers, const char *name,
		       const char *glob)
{
	append_matcher(matchers, &(struct rule_matcher){ .op = RULE_GLOB,
							 .name = name,
							 .value = glob,
							 .literal = glob_literal(arena, glob) });
}

/* Lists the words of "info|warning": texts without a character that means something in a regular
 * expression. Returns their number; 0: the expression is no such list. */
static size_t list_words(const char *regex, const char ***ret_words)
{
	size_t n = 1, size = strlen(regex) + 1;

	if (strpbrk(regex, "\\^$.[]?*+{}()"))
		return 0;
	for (const char *at = regex; *at; at++)
		n += *at == '|';
	/* One block: the list, then its texts. */
	const char **words = xcalloc(1, n * sizeof(*words) + size);
	char *text = memcpy(words + n, regex, size);
	for (size_t i = 0; i < n; i++) {
		words[i] = text;
		text += strcspn(text, "|");
		*text++ = '\0';
	}
	*ret_words = words;
	return n;
}

/* Adds one matcher. Name and value are borrowed. Returns 0, or -EDOM with err where the regular
 * expression is wrong. */
static int add_op(struct rule_matchers *matchers, enum rule_op op, const char *name,
		  const char *value, struct err *err)
{
	struct rule_matcher matcher = {
		.op = op, .name = name, .value = value, .literal = op == RULE_EQUAL ? value : NULL
	};

	if ((op == RULE_REGEX || op == RULE_NOT_REGEX) &&
	    compile_regex(value, &matcher.regex, err) < 0)
		return -EDOM;
	if (matcher.regex)
		matcher.nwords = list_words(value, &matcher.words);
	append_matcher(matchers, &matcher);
	return 0;
}

/* 1: matches; 0: does not; -1: the match took more steps or memory than the limits allow. */
static int regex_match(const pcre2_code *code, const char *text)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	int result = -1;

	if (data && context) {
		pcre2_set_match_limit(context, LIMIT_REGEX_STEPS);
		pcre2_set_depth_limit(context, LIMIT_REGEX_STEPS);
		pcre2_set_heap_limit(context, LIMIT_REGEX_HEAP_KIB);
		int found = pcre2_match(code, (PCRE2_SPTR)text, strlen(text), 0, 0, data, context);
		result = found >= 0 ? 1 : found == PCRE2_ERROR_NOMATCH ? 0 : -1;
	}
	pcre2_match_context_free(context);
	pcre2_match_data_free(data);
	return result;
}

static bool matcher_lists(const struct rule_matcher *matcher, const char *value)
{
	for (size_t i = 0; i < matcher->nwords; i++)
		if (strcmp(matcher->words[i], value) == 0)
			return true;
	return false;
}

bool matcher_holds(const struct rule_matcher *matcher, const char *value)
{
	if (matcher->literal)
		return strcmp(matcher->literal, value) == 0;
	if (matcher->nwords)
		return matcher_lists(matcher, value) == (matcher->op == RULE_REGEX);
	switch (matcher->op) {
	case RULE_GLOB:
		return glob_match(matcher->value, value);
	case RULE_EQUAL:
		return strcmp(matcher->value, value) == 0;
	case RULE_NOT_EQUAL:
		return strcmp(matcher->value, value) != 0;
	case RULE_REGEX:
		return regex_match(matcher->regex, value) == 1;
	case RULE_NOT_REGEX:
		return regex_match(matcher->regex, value) == 0;
	}
	return false;
}

static const char *label_of(const struct labels *labels, const char *name)
{
	const char *value = labels_get(labels, name);

	return value ? value : "";
}

bool matcher_matches(const struct rule_matcher *matcher, const struct labels *labels)
{
	return matcher_holds(matcher, label_of(labels, matcher->name));
}

bool matchers_match(const struct rule_matchers *matchers, const struct labels *labels)
{
	for (size_t i = 0; i < matchers->n; i++)
		if (!matcher_matches(&matchers->at[i], labels))
			return false;
	return true;
}

void matchers_write(const struct rule_matchers *matchers, struct buf *out)
{
	static const char *const ops[] = {
		[RULE_GLOB] = ": ",  [RULE_EQUAL] = "=",      [RULE_NOT_EQUAL] = "!=",
		[RULE_REGEX] = "=~", [RULE_NOT_REGEX] = "!~",
	};

	for (size_t i = 0; i < matchers->n; i++) {
		const struct rule_matcher *matcher = &matchers->at[i];
		const char *quote = matcher->op == RULE_GLOB ? "" : "\"";
		buf_printf(out, "%s%s%s%s%s%s", i ? ", " : "", matcher->name, ops[matcher->op],
			   quote, matcher->value, quote);
	}
}

const char *matcher_reason(struct arena *arena, const struct rule_matcher *matcher,
			   const struct labels *labels)
{
	const char *is =
		trail_reason(arena, matcher->name, label_of(labels, matcher->name), NULL, 0);

	switch (matcher->op) {
	case RULE_GLOB:
	case RULE_EQUAL:
		return trail_reason(arena, matcher->name, label_of(labels, matcher->name),
				    (const char *const *)&matcher->value, 1);
	case RULE_NOT_EQUAL:
		return arena_printf(arena, "%s, which it must not be", is);
	case RULE_REGEX:
		return arena_printf(arena, "%s, which does not match %.*s", is,
				    (int)LIMIT_SHOWN_BYTES, matcher->value);
	case RULE_NOT_REGEX:
		return arena_printf(arena, "%s, which matches %.*s", is, (int)LIMIT_SHOWN_BYTES,
				    matcher->value);
	}
	return is;
}

void matchers_offer(const struct rule_matchers *matchers, struct pick_sink *sink)
{
	for (size_t i = 0; i < matchers->n; i++)
		if (matchers->at[i].literal)
			pick_offer(sink, WHEN_LABEL, matchers->at[i].name,
				   (const char *const *)&matchers->at[i].literal, 1);
		else if (matchers->at[i].op == RULE_REGEX && matchers->at[i].nwords)
			pick_offer(sink, WHEN_LABEL, matchers->at[i].name, matchers->at[i].words,
				   matchers->at[i].nwords);
}

unsigned int matchers_literals(const struct rule_matchers *matchers)
{
	unsigned int n = 0;

	for (size_t i = 0; i < matchers->n; i++) {
		if (matchers->at[i].op == RULE_GLOB)
			n += glob_literals(matchers->at[i].value);
		else if (matchers->at[i].op == RULE_EQUAL)
			n += (unsigned int)strlen(matchers->at[i].value);
	}
	return n;
}

/* A text while it is parsed, by either grammar. */
struct scan {
	const char *at, *end;
	struct arena *arena;
	struct rule_matchers *matchers;
	size_t first; /* number of matchers before this text */
	struct err *err;
};

static void skip_blanks(struct scan *scan)
{
	while (scan->at < scan->end && strchr(" \t\r\n", *scan->at))
		scan->at++;
}

/* Length of the rest, for messages: at most 40. */
static int characters_left(const struct scan *scan)
{
	return scan->end - scan->at < 40 ? (int)(scan->end - scan->at) : 40;
}

static int take_op(struct scan *scan, const char *name, enum rule_op *ret_op)
{
	static const struct {
		char text[3];
		enum rule_op op;
	} ops[] = { { "=~", RULE_REGEX },
		    { "!~", RULE_NOT_REGEX },
		    { "!=", RULE_NOT_EQUAL },
		    { "=", RULE_EQUAL } };

	skip_blanks(scan);
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		size_t n = strlen(ops[i].text);
		if ((size_t)(scan->end - scan->at) >= n && memcmp(scan->at, ops[i].text, n) == 0) {
			scan->at += n;
			*ret_op = ops[i].op;
			return 0;
		}
	}
	return err_set(scan->err, EINVAL, "expected =, !=, =~ or !~ after \"%.60s\"", name);
}

static int hex_value(const char *at, size_t n, uint32_t *ret_value)
{
	uint32_t value = 0;

	for (size_t i = 0; i < n; i++) {
		if (hex_digit(at[i]) < 0)
			return -EINVAL;
		value = value * 16 + (uint32_t)hex_digit(at[i]);
	}
	*ret_value = value;
	return 0;
}

/* Takes one escape of a Go string literal; the backslash was taken already. */
static int take_go_escape(struct scan *scan, struct buf *out)
{
	static const char names[] = "abfnrtv\\\"", values[] = "\a\b\f\n\r\t\v\\\"";
	const char *name = scan->at < scan->end && *scan->at ? strchr(names, *scan->at) : NULL;
	char utf8[4];
	size_t digits;
	uint32_t c;

	if (name) {
		buf_putc(out, values[name - names]);
		scan->at++;
		return 0;
	}
	digits = scan->at == scan->end ? 0
		 : *scan->at == 'x'    ? 2
		 : *scan->at == 'u'    ? 4
		 : *scan->at == 'U'    ? 8
				       : 0;
	if (!digits || (size_t)(scan->end - scan->at) <= digits ||
	    hex_value(scan->at + 1, digits, &c) < 0 || c == 0 || c > 0x10ffff ||
	    (c >= 0xd800 && c <= 0xdfff))
		return err_set(scan->err, EINVAL,
			       "unknown escape \\%.*s in quotes; write \\\\ for a backslash",
			       scan->at < scan->end, scan->at);
	scan->at += digits + 1;
	if (digits == 2)
		buf_putc(out, (char)c);
	else
		buf_add(out, utf8, utf8_write(c, utf8));
	return 0;
}

static int take_quoted(struct scan *scan, struct buf *out)
{
	for (scan->at++; scan->at < scan->end && *scan->at != '"';) {
		if (*scan->at == '\\') {
			scan->at++;
			if (take_go_escape(scan, out) < 0)
				return -EINVAL;
		} else {
			buf_putc(out, *scan->at++);
		}
	}
	if (scan->at == scan->end)
		return err_set(scan->err, EINVAL, "a quote is not closed");
	scan->at++;
	return 0;
}

/* Takes a name or a value of the UTF-8 grammar, kept by the arena. */
static int take_word(struct scan *scan, const char *what, const char **ret_word)
{
	struct buf out = BUF_INIT(LIMIT_YAML_FILE_BYTES);
	int result = 0;

	skip_blanks(scan);
	if (scan->at < scan->end && *scan->at == '"') {
		result = take_quoted(scan, &out);
	} else {
		const char *start = scan->at;
		while (scan->at < scan->end && !strchr(" \t\r\n{}!=~,\\\"'`", *scan->at))
			scan->at++;
		buf_add(&out, start, (size_t)(scan->at - start));
		if (scan->at == start)
			result = err_set(scan->err, EINVAL, "expected a label's %s at \"%.*s\"",
					 what, characters_left(scan), scan->at);
	}
	*ret_word = arena_strdup(scan->arena, buf_text(&out));
	buf_fini(&out);
	return result;
}

static int parse_utf8(struct scan *scan)
{
	bool braces = false, more = true;

	skip_blanks(scan);
	if (scan->at < scan->end && *scan->at == '{') {
		braces = true;
		scan->at++;
	}
	while (more) {
		const char *name, *value;
		enum rule_op op;
		skip_blanks(scan);
		if (scan->matchers->n > scan->first && (scan->at == scan->end || *scan->at == '}'))
			break; /* a comma may stand behind the last matcher */
		if (take_word(scan, "name", &name) < 0 || take_op(scan, name, &op) < 0 ||
		    take_word(scan, "value", &value) < 0)
			return -EINVAL;
		int result = add_op(scan->matchers, op, name, value, scan->err);
		if (result < 0)
			return result;
		skip_blanks(scan);
		more = scan->at < scan->end && *scan->at == ',';
		scan->at += more;
	}
	if (braces && (scan->at == scan->end || *scan->at++ != '}'))
		return err_set(scan->err, EINVAL, "the brace is not closed");
	skip_blanks(scan);
	if (scan->at < scan->end)
		return err_set(scan->err, EINVAL, "expected a comma or the end at \"%.*s\"",
			       characters_left(scan), scan->at);
	return 0;
}

/* The end of the classic matcher that begins at `at`: the next comma outside of quotes, or
 * `end`. */
static const char *classic_end(const char *at, const char *end)
{
	for (bool quoted = false; at < end && (quoted || *at != ','); at++) {
		if (*at == '\\' && at + 1 < end)
			at++;
		else if (*at == '"')
			quoted = !quoted;
	}
	return at;
}

/* Takes a value of the classic grammar: \" \n \\ are escapes, any other backslash stands for
 * itself. */
static int classic_value(struct scan *scan, const char **ret_value)
{
	const char *at = scan->at, *end = scan->end;
	bool quoted = at < end && *at == '"';
	char *value = arena_alloc(scan->arena, (size_t)(end - at) + 1), *out = value;

	for (at += quoted; at < end && *at != '"'; at++) {
		if (*at == '\\' && at + 1 < end && strchr("\"n\\", at[1]))
			*out++ = *++at == 'n' ? '\n' : *at;
		else
			*out++ = *at;
	}
	if (at != (quoted ? end - 1 : end))
		return err_set(scan->err, EINVAL, "a quote stands where none is expected");
	*ret_value = value;
	return 0;
}

static int classic_one(struct scan *scan)
{
	const char *start, *name, *value = NULL;
	enum rule_op op;

	skip_blanks(scan);
	for (start = scan->at;
	     scan->at < scan->end && (isalnum((unsigned char)*scan->at) || *scan->at == '_');)
		scan->at++;
	if (scan->at == start || isdigit((unsigned char)*start))
		return err_set(scan->err, EINVAL, "expected a label's name");
	name = arena_strndup(scan->arena, start, (size_t)(scan->at - start));
	if (take_op(scan, name, &op) < 0)
		return -EINVAL;
	skip_blanks(scan);
	while (scan->end > scan->at && strchr(" \t\r\n", scan->end[-1]))
		scan->end--;
	if (classic_value(scan, &value) < 0)
		return -EINVAL;
	return add_op(scan->matchers, op, name, value, scan->err);
}

static int parse_classic(struct scan *scan)
{
	const char *all;

	skip_blanks(scan);
	while (scan->end > scan->at && strchr(" \t\r\n", scan->end[-1]))
		scan->end--;
	if (scan->at < scan->end && *scan->at == '{' && scan->end[-1] == '}') {
		scan->at++;
		scan->end--;
	}
	for (all = scan->end; scan->at < all; scan->at = scan->end + 1) {
		scan->end = classic_end(scan->at, all);
		const char *next = scan->end;
		int result = classic_one(scan);
		if (result < 0)
			return result;
		scan->end = next;
	}
	return scan->matchers->n > scan->first
		       ? 0
		       : err_set(scan->err, EINVAL, "there is no matcher in it");
}

int matchers_parse(struct arena *arena, const char *text, struct rule_matchers *matchers,
		   struct err *err)
{
	struct scan scan = { .at = text, .end = text + strlen(text), .arena = arena, .err = err };
	int result;

	scan.matchers = matchers;
	scan.first = matchers->n;
	struct scan again = scan;
	result = parse_classic(&scan);
	if (result < 0)
		drop_from(matchers, scan.first);
	if (result == -EINVAL)
		result = parse_utf8(&again);
	if (result < 0)
		drop_from(matchers, scan.first);
	return result;
}
