/*
 * Conditions as Alertmanager writes them. Its matchers are texts and Go's regular expressions,
 * anchored at both ends; ours are globs and PCRE2's: a glob always has a regular expression that
 * matches the same, an expression of PCRE2 only where Go reads it too.
 */
#include <ctype.h>

#include "export-internal.h"

bool am_is_label(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && *name != '_')
			return false;
	return true;
}

/* ---- regular expressions ---- */

/* The end of the class that begins at `at`; NULL: Go might read it in another way. */
static const char *regex_skip_class(const char *at)
{
	at += at[1] == '^' ? 2 : 1;
	if (*at == ']')
		at++;
	for (; *at && *at != ']'; at++) {
		if (*at == '[')
			return NULL; /* [:alpha:], and what both read as text elsewhere */
		if (*at == '\\' &&
		    (!*++at || (isalnum((unsigned char)*at) && !strchr("dDwWsSnrtfx", *at))))
			return NULL;
		if (*at == 'x' && at[-1] == '\\' && !isxdigit((unsigned char)at[1]) && at[1] != '{')
			return NULL;
	}
	return *at ? at + 1 : NULL;
}

/* The end of the quantifier at `at`, if there is one; NULL: Go has no such quantifier. */
static const char *regex_skip_quantifier(const char *at)
{
	if (*at == '{') {
		unsigned long least = 0, most = 0;
		int n = 0;
		if (sscanf(at, "{%4lu}%n", &least, &n) < 1 || !n) {
			n = 0;
			if (sscanf(at, "{%4lu,%4lu}%n", &least, &most, &n) < 2 || !n) {
				n = 0;
				(void)sscanf(at, "{%4lu,}%n", &least, &n);
			}
		}
		if (!n || least > 1000 || most > 1000)
			return NULL;
		at += n;
	} else if (*at && strchr("*+?", *at)) {
		at++;
	} else {
		return at;
	}
	at += *at == '?';
	return *at && strchr("*+?{", *at) ? NULL : at;
}

/* The end of what opens a group at `at`, behind its parenthesis; NULL: Go has no such group. */
static const char *regex_skip_group(const char *at)
{
	if (*at != '?')
		return *at == '*' ? NULL : at;
	at++;
	if (strncmp(at, "P<", 2) == 0) {
		at += 2;
		size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
					"0123456789");
		return len && at[len] == '>' ? at + len + 1 : NULL;
	}
	at += strspn(at, "is-");
	return *at == ':' || *at == ')' ? at + (*at == ':') : NULL;
}

bool am_is_regex(const char *regex)
{
	bool can_repeat = false;
	const char *at = regex;

	while (at && *at) {
		const char c = *at;
		if (strchr("*+?{", c)) {
			at = can_repeat ? regex_skip_quantifier(at) : NULL;
			can_repeat = false;
			continue;
		}
		can_repeat = !strchr("(|^$", c);
		if (c == '[') {
			at = regex_skip_class(at);
		} else if (c == '(') {
			at = regex_skip_group(at + 1);
		} else if (c == '\\') {
			bool known = at[1] && (!isalnum((unsigned char)at[1]) ||
					       strchr("dDwWsSbBnrtfA", at[1]));
			can_repeat = !strchr("bBA", at[1]);
			at = known ? at + 2 : NULL;
		} else {
			at++;
		}
	}
	return at != NULL;
}

/* ---- globs ---- */

void am_add_glob(struct buf *out, const char *glob)
{
	for (; *glob; glob++) {
		const char *end =
			*glob == '[' ? strchr(glob + 2 + (glob[1] == '!' || glob[1] == '^'), ']')
				     : NULL;
		if (*glob == '*') {
			buf_puts(out, ".*");
		} else if (*glob == '?') {
			buf_putc(out, '.');
		} else if (end) {
			buf_putc(out, '[');
			for (glob++; glob < end; glob++) {
				if ((*glob == '!' || *glob == '^') && glob[-1] == '[')
					buf_putc(out, '^');
				else if (strchr("[]\\^", *glob))
					buf_printf(out, "\\%c", *glob);
				else
					buf_putc(out, *glob);
			}
			buf_putc(out, ']');
		} else {
			glob += *glob == '\\' && glob[1];
			if (strchr("\\.+*?()|[]{}^$", *glob))
				buf_putc(out, '\\');
			buf_putc(out, *glob);
		}
	}
}

const char *am_matcher(struct arena *arena, const char *label, const char *op, const char *value)
{
	struct buf out = BUF_INIT(LIMIT_EXPORT_MATCHER_BYTES);

	buf_printf(&out, "%s%s\"", label, op);
	for (; *value; value++) {
		if (*value == '\n')
			buf_puts(&out, "\\n");
		else if (*value == '"' || *value == '\\')
			buf_printf(&out, "\\%c", *value);
		else
			buf_putc(&out, *value);
	}
	buf_putc(&out, '"');
	const char *text = arena_strdup(arena, buf_text(&out));
	buf_fini(&out);
	return text;
}

static bool globs_match(const char *const *globs, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (glob_match(globs[i], text))
			return true;
	return false;
}

/* Is one of them a glob that matches every text? */
static bool globs_match_all(const char *const *globs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (*globs[i] && !globs[i][strspn(globs[i], "*")])
			return true;
	return false;
}

enum am_known am_globs(struct arena *arena, const char *label, const char *const *globs, size_t n,
		       const char **ret_matcher)
{
	struct buf regex = BUF_INIT(LIMIT_EXPORT_MATCHER_BYTES);

	if (globs_match_all(globs, n))
		return AM_ALWAYS;
	if (!am_is_label(label))
		return globs_match(globs, n, "") ? AM_ALWAYS : AM_NEVER;
	const char *literal = n == 1 ? glob_literal(arena, globs[0]) : NULL;
	if (literal) {
		*ret_matcher = am_matcher(arena, label, "=", literal);
		return AM_MATCHER;
	}
	for (size_t i = 0; i < n; i++) {
		buf_puts(&regex, i ? "|" : "");
		am_add_glob(&regex, globs[i]);
	}
	*ret_matcher = am_matcher(arena, label, "=~", buf_text(&regex));
	buf_fini(&regex);
	return n ? AM_MATCHER : AM_NEVER;
}

/* ---- matchers of the rules ---- */

enum am_known am_rule_matcher(struct exported *exported, const char *place,
			      const struct rule_matcher *matcher, const char **ret_matcher)
{
	static const char *const ops[] = { [RULE_GLOB] = "=~",
					   [RULE_EQUAL] = "=",
					   [RULE_NOT_EQUAL] = "!=",
					   [RULE_REGEX] = "=~",
					   [RULE_NOT_REGEX] = "!~" };

	if (!am_is_label(matcher->name)) {
		export_lose(exported, place,
			    "the label \"%s\" cannot be one of Alertmanager 0.25: it counts as "
			    "missing",
			    matcher->name);
		return matcher_holds(matcher, "") ? AM_ALWAYS : AM_NEVER;
	}
	if (matcher->op == RULE_GLOB)
		return am_globs(exported->arena, matcher->name, &matcher->value, 1, ret_matcher);
	if ((matcher->op == RULE_REGEX || matcher->op == RULE_NOT_REGEX) &&
	    !am_is_regex(matcher->value)) {
		export_lose(exported, place,
			    "the regular expression of %s is PCRE's, which Alertmanager may not "
			    "read in the same way: what needs it is left out: %s",
			    matcher->name, matcher->value);
		return AM_NEVER;
	}
	*ret_matcher = am_matcher(exported->arena, matcher->name, ops[matcher->op], matcher->value);
	return AM_MATCHER;
}

/* ---- severities ---- */

static void severity_add_word(struct buf *words, const char *word)
{
	buf_puts(words, words->len ? "|" : "");
	buf_puts(words, word);
}

enum am_known am_severity(const struct exported *exported, const struct when_word *word,
			  const char **ret_matcher)
{
	const struct rule_defaults *defaults = rules_defaults(exported->rules);
	const enum severity usual = defaults->has_severity ? defaults->severity : SEVERITY_ERROR;
	struct buf yes = BUF_INIT(LIMIT_EXPORT_MATCHER_BYTES);
	struct buf no = BUF_INIT(LIMIT_EXPORT_MATCHER_BYTES);
	enum severity severity;
	const char *text;

	if (globs_match_all(word->globs, word->n))
		return AM_ALWAYS;
	for (size_t i = 0; (text = severity_word(i, &severity)); i++)
		severity_add_word(globs_match(word->globs, word->n, severity_name(severity)) ||
						  globs_match(word->globs, word->n, text)
					  ? &yes
					  : &no,
				  text);
	/* Alerts whose label says nothing have the severity of the defaults. */
	const bool unknown = globs_match(word->globs, word->n, severity_name(usual));
	struct buf regex = BUF_INIT(LIMIT_EXPORT_MATCHER_BYTES);
	buf_printf(&regex, "(?i:%s)", buf_text(unknown ? &no : &yes));
	for (size_t i = 0; i < word->n && !unknown; i++) {
		const char *literal = glob_literal(exported->arena, word->globs[i]);
		size_t k = 0;
		while (literal && (text = severity_word(k, &severity)) && strcmp(text, literal))
			k++;
		if (literal && text)
			continue;
		buf_puts(&regex, "|");
		am_add_glob(&regex, word->globs[i]);
	}
	if (unknown && !no.len)
		*ret_matcher = NULL;
	else
		*ret_matcher = am_matcher(exported->arena, "severity", unknown ? "!~" : "=~",
					  buf_text(&regex));
	buf_fini(&regex);
	buf_fini(&yes);
	buf_fini(&no);
	return *ret_matcher ? AM_MATCHER : AM_ALWAYS;
}
