/*
 * Labels from matchers: for a fire drill, an alert is made that a signal's matchers take. Each
 * label's value is the first of some candidates that all its matchers hold for: what the caller
 * gives, the texts that a matcher names, a sample made of its glob or regular expression, no label
 * at all. Refuses to search: an expression of which no sample holds is told, and the caller gives
 * the label. Pure: owns nothing.
 */
#include <errno.h>
#include <stdlib.h>

#include "engine-internal.h"
#include "tracepager/utf8.h"

/* Groups of a regular expression inside each other; deeper ones give no sample. */
#define SAMPLE_DEPTH 16

/* ---- samples ---- */

/* The first member of a set "[…]" whose [ stands at *at; of a negated set, a character that it does
 * not list. *at moves behind the set. */
static char sample_of_set(const char **at)
{
	const char *set = *at + 1;
	bool negated = *set == '^' || *set == '!';
	const char *from = set + negated, *end = from + (*from == ']');

	for (; *end && *end != ']'; end++)
		end += *end == '\\' && end[1];
	*at = end + (*end == ']');
	if (!negated)
		return *from == '\\' && from[1] ? from[1] : *from;
	for (const char *other = "x0-_ "; *other; other++)
		if (!memchr(from, *other, (size_t)(end - from)))
			return *other;
	return 'x';
}

/* A text that the glob may match: its stars stand for nothing. */
static const char *glob_sample(struct arena *arena, const char *glob)
{
	BUF_LOCAL(text, LIMIT_LABEL_BYTES);

	while (*glob) {
		if (*glob == '[') {
			buf_putc(&text, sample_of_set(&glob));
			continue;
		}
		if (*glob == '\\' && glob[1])
			glob++;
		else if (*glob == '?')
			buf_putc(&text, 'x');
		if (*glob != '*' && *glob != '?')
			buf_putc(&text, *glob);
		glob++;
	}
	const char *sample = arena_strdup(arena, text.len ? buf_text(&text) : "x");
	buf_fini(&text);
	return sample;
}

/* A text under way, made of a regular expression. */
struct regex_sample {
	struct buf text;
	size_t atom;		     /* where what a quantifier repeats begins */
	size_t starts[SAMPLE_DEPTH]; /* the same of each open group */
	size_t depth;
};

/* Behind the alternatives that are not taken: at the ) of this group, or at the end. */
static const char *skip_alternatives(const char *at)
{
	for (size_t depth = 0; *at; at++) {
		if (*at == '\\' && at[1]) {
			at++;
		} else if (*at == '[') {
			sample_of_set(&at);
			at--;
		} else if (*at == '(') {
			depth++;
		} else if (*at == ')' && depth-- == 0) {
			break;
		}
	}
	return at;
}

/* Opens the group at "("; NULL: it looks around, has a name, or is too deep. "(?i)" is skipped. */
static const char *sample_open_group(struct regex_sample *sample, const char *at)
{
	if (at[1] == '?' && at[2] != ':') {
		size_t flags = strspn(at + 2, "imsxU-");
		return flags && at[2 + flags] == ')' ? at + 3 + flags : NULL;
	}
	if (sample->depth == SAMPLE_DEPTH)
		return NULL;
	sample->starts[sample->depth++] = sample->text.len;
	return at + (at[1] == '?' ? 3 : 1);
}

/* "{3}" and "{3,}": the atom three times. Returns what is behind it. */
static const char *sample_repeat(struct regex_sample *sample, const char *at)
{
	const char *end = strchr(at, '}');
	unsigned long times = strtoul(at + 1, NULL, 10);
	size_t len = sample->text.len - sample->atom;

	if (!end)
		return at + 1;
	while (times-- > 1 && len && !sample->text.failed) {
		CLEANUP_FREE char *atom = xstrndup(buf_text(&sample->text) + sample->atom, len);
		buf_add(&sample->text, atom, len);
	}
	return end + 1;
}

static void sample_escape(struct regex_sample *sample, char c)
{
	static const char classes[] = "d0w1s Dx";
	const char *class = c ? strchr(classes, c) : NULL;

	sample->atom = sample->text.len;
	if (class && (class - classes) % 2 == 0)
		buf_putc(&sample->text, class[1]);
	else if (c && strchr("SW", c))
		buf_putc(&sample->text, c == 'S' ? 'x' : '-');
	else if (c && !strchr("bBAzZG", c))
		buf_putc(&sample->text, c);
}

/* Takes what stands at `at`; returns what is behind it, NULL: no sample is made of it. */
static const char *sample_take(struct regex_sample *sample, const char *at)
{
	switch (*at) {
	case '^':
	case '$':
	case '*':
	case '+':
	case '?':
		return at + 1; /* the atom stays, once */
	case '{':
		return sample_repeat(sample, at);
	case '|':
		return skip_alternatives(at);
	case '(':
		return sample_open_group(sample, at);
	case ')':
		if (!sample->depth)
			return NULL;
		sample->atom = sample->starts[--sample->depth];
		return at + 1;
	case '\\':
		sample_escape(sample, at[1]);
		return at[1] ? at + 2 : NULL;
	default:
		break;
	}
	if (!utf8_continues(*at))
		sample->atom = sample->text.len;
	if (*at != '[') {
		buf_putc(&sample->text, *at == '.' ? 'x' : *at);
		return at + 1;
	}
	char member = sample_of_set(&at);
	buf_putc(&sample->text, member);
	return at;
}

/* A text that the regular expression may match; NULL: none can be made. */
static const char *regex_sample(struct arena *arena, const char *regex)
{
	struct regex_sample sample = { .text = BUF_INIT(LIMIT_LABEL_BYTES) };
	const char *at = regex, *text = NULL;

	while (at && *at)
		at = sample_take(&sample, at);
	if (at && !sample.text.failed)
		text = arena_strdup(arena, buf_text(&sample.text));
	buf_fini(&sample.text);
	return text;
}

/* ---- the values of labels ---- */

static bool label_value_holds(const struct rule_matchers *matchers, const char *name,
			      const char *value)
{
	for (size_t i = 0; i < matchers->n; i++)
		if (strcmp(matchers->at[i].name, name) == 0 &&
		    !matcher_holds(&matchers->at[i], value))
			return false;
	return true;
}

/* The first candidate of this matcher that all matchers of its label hold for; NULL: none. */
static const char *matcher_candidate(struct arena *arena, const struct rule_matchers *matchers,
				     const struct rule_matcher *matcher)
{
	const char *sample = matcher->literal;

	for (size_t i = 0; matcher->op == RULE_REGEX && i < matcher->nwords; i++)
		if (label_value_holds(matchers, matcher->name, matcher->words[i]))
			return matcher->words[i];
	if (!sample && matcher->op == RULE_GLOB)
		sample = glob_sample(arena, matcher->value);
	else if (!sample && matcher->op == RULE_REGEX && !matcher->nwords)
		sample = regex_sample(arena, matcher->value);
	return sample && label_value_holds(matchers, matcher->name, sample) ? sample : NULL;
}

/* The value of a label; "": the alert does without it; NULL: none can be made. */
static const char *label_value(struct arena *arena, const struct rule_matchers *matchers,
			       const char *name)
{
	for (size_t i = 0; i < matchers->n; i++) {
		const char *value = strcmp(matchers->at[i].name, name) == 0
					    ? matcher_candidate(arena, matchers, &matchers->at[i])
					    : NULL;
		if (value)
			return value;
	}
	/* Matchers that only say what it is not. */
	return label_value_holds(matchers, name, "")	    ? ""
	       : label_value_holds(matchers, name, "drill") ? "drill"
							    : NULL;
}

/* The matchers of one label, for people: `pod=~"(?=a)b"`. */
static const char *label_matchers_text(struct arena *arena, const struct rule_matchers *matchers,
				       const char *name)
{
	BUF_LOCAL(text, LIMIT_LABEL_BYTES);

	for (size_t i = 0; i < matchers->n; i++) {
		const struct rule_matchers one = { .at = &matchers->at[i], .n = 1 };
		if (strcmp(matchers->at[i].name, name) != 0)
			continue;
		buf_puts(&text, text.len ? ", " : "");
		matchers_write(&one, &text);
	}
	const char *kept = arena_strdup(arena, buf_text(&text));
	buf_fini(&text);
	return kept;
}

static int fill_labels(struct arena *arena, const struct signal_entry *entry,
		       const struct labels *given, struct labels *labels, struct err *err)
{
	const struct rule_matchers *matchers = &entry->alerts;

	for (size_t i = 0; i < matchers->n; i++) {
		const char *name = matchers->at[i].name, *value = labels_get(given, name);
		if (value && !label_value_holds(matchers, name, value))
			return err_set(err, EINVAL,
				       "signal \"%.50s\" does not take %.50s=\"%.60s\": it "
				       "wants %.120s",
				       entry->rule.name, name, value,
				       label_matchers_text(arena, matchers, name));
		if (!value)
			value = label_value(arena, matchers, name);
		if (!value)
			return err_set(err, EINVAL,
				       "no value of label %.50s can be made for signal "
				       "\"%.50s\", which wants %.120s: give one with --label "
				       "%.50s=VALUE",
				       name, entry->rule.name,
				       label_matchers_text(arena, matchers, name), name);
		labels->at[labels->n++] = (struct label){ name, value };
	}
	for (size_t i = 0; i < given->n; i++)
		labels->at[labels->n++] = given->at[i];
	labels_normalise(labels);
	return 0;
}

int rules_signal_labels(const struct ruleset *rules, struct arena *arena, const char *signal,
			const struct labels *given, struct labels *ret_labels, struct err *err)
{
	const struct signal_entry *entry = NULL;

	for (size_t i = 0; i < rules->nsignals && !entry; i++)
		if (strcmp(rules->signals[i].rule.name, signal) == 0)
			entry = &rules->signals[i];
	if (!entry)
		return err_set(err, ENOENT, "the rules have no signal \"%.50s\"", signal);
	if (!entry->alerts.n)
		return err_set(err, EINVAL,
			       "no alert leads to signal \"%.50s\": it has no \"alerts\" (%.80s)",
			       signal, entry->rule.place);
	struct labels labels = {
		.at = arena_array(arena, entry->alerts.n + given->n, sizeof(*labels.at)),
	};
	int result = fill_labels(arena, entry, given, &labels, err);
	if (result < 0)
		return result;
	const struct signal_rule *taker = rules_signal(rules, &labels, NULL);
	if (taker != &entry->rule)
		return err_set(err, EINVAL,
			       "an alert that signal \"%.50s\" takes goes to signal \"%.50s\" "
			       "(%.80s), whose matchers are closer: give labels with --label "
			       "that only the first takes",
			       signal, taker ? taker->name : "", taker ? taker->place : "");
	*ret_labels = labels;
	return 0;
}
