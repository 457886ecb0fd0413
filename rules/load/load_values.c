/*
 * Load, values of members: numbers, times, words, addresses, templates, lists of pagers,
 * matchers. Adds one finding for each problem, with a hint. The files of the sections know what a
 * member is for.
 */
#include "load-internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "tracepager/clock.h"
#include "tracepager/seen_words.h"

static const struct ynode *scalar_member(const struct load_scope *scope, const char *name,
					 enum member_type type)
{
	const struct member_row *row = member_row(scope->kind, name);
	const struct ynode *node = member_value(scope, name);

	assert(row && row->type == type);
	if (!node || node->kind == YNODE_SCALAR)
		return node;
	LOAD_ERROR(scope, node, "E014", "write one value, without brackets and members",
		   "\"%s\" must be a text, not %s", name, ynode_kind_name(node));
	return NULL;
}

bool member_duration(const struct load_scope *scope, const char *name, int64_t *ret_us)
{
	const struct ynode *node = scalar_member(scope, name, MEMBER_DURATION);

	if (!node)
		return false;
	if (duration_parse(node->text, ret_us))
		return true;
	LOAD_ERROR(scope, node, "E016", "write a number and a unit: 90s, 10m, 1h30m",
		   "\"%s\" is not a duration: \"%.100s\"", name, node->text);
	return false;
}

static void member_usual_duration(const struct load_scope *scope, const char *name, int64_t most_us,
				  const char *usual, int64_t *ret_us)
{
	if (!member_duration(scope, name, ret_us) || *ret_us <= most_us)
		return;
	LOAD_WARNING(scope, member_value(scope, name), "W057",
		     arena_printf(scope->load->scratch, "check the unit; usual is %s", usual),
		     "\"%s\" of %s is longer than a day", name, scope->what);
}

void member_window(const struct load_scope *scope, int64_t *ret_us)
{
	member_usual_duration(scope, "window", LIMIT_TRACE_WINDOW_USUAL_US, "10m", ret_us);
}

void member_resolve_hold(const struct load_scope *scope, int64_t *ret_us)
{
	member_usual_duration(scope, "resolve_hold", LIMIT_RESOLVE_HOLD_USUAL_US, "2m", ret_us);
}

/* No alert has such a label, so that all are one group. */
static void warn_of_group_label(const struct load_scope *scope, const struct ynode *node)
{
	const char *label = node->text;

	if (strchr(label, ','))
		LOAD_WARNING(scope, node, "W043", "write each label as an item of its own: [a, b]",
			     "\"%.200s\" is the name of one label, and no label is called so",
			     label);
	else if (is_alertname_slip(label) &&
		 !seen_words_count(scope->load->findings->words, SEEN_LABEL, label, NULL))
		LOAD_WARNING(scope, node, "W043", "did you mean \"alertname\"?",
			     "the label \"%.200s\" is none that alerts of Prometheus have", label);
}

void member_group(const struct load_scope *scope, const char *name, struct group_labels *ret_group)
{
	const struct ynode *list = member_list(scope, name);

	if (!list)
		return;
	ret_group->names = arena_array(scope->load->set->arena, list->n, sizeof(*ret_group->names));
	for (size_t i = 0; i < list->n; i++) {
		const char *label = node_text(scope, list->items[i], "the name of a label");
		if (label && strcmp(label, "...") == 0)
			ret_group->each_alone = true;
		if (!label)
			continue;
		warn_of_group_label(scope, list->items[i]);
		ret_group->names[ret_group->n++] = label;
	}
}

bool member_int(const struct load_scope *scope, const char *name, int64_t least, int64_t most,
		int64_t *ret_value)
{
	const struct ynode *node = scalar_member(scope, name, MEMBER_WHOLE);
	int64_t value;

	if (!node)
		return false;
	if (ynode_int(node, &value) && value >= least && value <= most) {
		*ret_value = value;
		return true;
	}
	struct ynode plain = *node;
	plain.quoted = false;
	LOAD_ERROR(scope, node, "E017",
		   node->quoted && ynode_int(&plain, &value)
			   ? "write it without quotes"
			   : arena_printf(scope->load->scratch, "write digits alone, such as %lld",
					  (long long)(least ? least : 1)),
		   "\"%s\" must be a whole number from %lld to %lld", name, (long long)least,
		   (long long)most);
	return false;
}

/* A number from 0 to 1: no sign, no exponent, a point whatever the locale. */
bool share_parse(const char *text, double *ret_value)
{
	double value = 0, unit = 1;
	const char *c = text;

	for (; *c >= '0' && *c <= '1' && c - text < 1; c++)
		value = *c - '0';
	if (c == text)
		return false;
	if (*c == '.')
		for (c++; *c >= '0' && *c <= '9'; c++) {
			unit /= 10;
			value += unit * (*c - '0');
		}
	if (*c || value > 1)
		return false;
	*ret_value = value;
	return true;
}

bool member_share(const struct load_scope *scope, const char *name, double *ret_value)
{
	const struct ynode *node = scalar_member(scope, name, MEMBER_SHARE);

	if (!node)
		return false;
	if (share_parse(node->text, ret_value))
		return true;
	LOAD_ERROR(scope, node, "E047", "write a number such as 0.6",
		   "\"%s\" must be a number from 0 to 1", name);
	return false;
}

bool member_bool(const struct load_scope *scope, const char *name)
{
	const struct ynode *node = scalar_member(scope, name, MEMBER_BOOL);
	bool value = false;

	if (node && !ynode_bool(node, &value))
		LOAD_ERROR(scope, node, "E032", "write true or false, without quotes",
			   "\"%s\" must be true or false", name);
	return value;
}

bool member_time(const struct load_scope *scope, const char *name, int64_t *ret_us)
{
	const struct ynode *node = scalar_member(scope, name, MEMBER_TIME);

	if (!node)
		return false;
	if (rfc3339_parse(node->text, strlen(node->text), ret_us) == 0 && *ret_us > 0)
		return true;
	LOAD_ERROR(scope, node, "E042", "write it as 2026-09-01T22:00:00+02:00, or with Z for UTC",
		   "\"%s\" is not a time: \"%.100s\"", name, node->text);
	return false;
}

bool member_severity(const struct load_scope *scope, const char *name, enum severity *ret_severity)
{
	static const enum severity all[] = { SEVERITY_CRITICAL, SEVERITY_ERROR, SEVERITY_WARNING,
					     SEVERITY_INFO };
	const struct ynode *node = scalar_member(scope, name, MEMBER_SEVERITY);
	const char *names[ARRAY_LEN(all)];

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		names[i] = severity_name(all[i]);
	size_t found = node ? node_word(scope, node, "severity", names, ARRAY_LEN(all)) : SIZE_MAX;
	if (found == SIZE_MAX)
		return false;
	*ret_severity = all[found];
	return true;
}

void member_mode(const struct load_scope *scope, const char *name, enum walk_mode *ret_mode)
{
	static const enum walk_mode all[] = { WALK_ERRORS, WALK_LATENCY, WALK_AUTO };
	const struct ynode *node = scalar_member(scope, name, MEMBER_MODE);
	const char *names[ARRAY_LEN(all)];

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		names[i] = walk_mode_name(all[i]);
	size_t found = node ? node_word(scope, node, "mode", names, ARRAY_LEN(all)) : SIZE_MAX;
	if (found != SIZE_MAX)
		*ret_mode = all[found];
}

void member_colour(const struct load_scope *scope, const char *name, enum pager_colour *ret_colour)
{
	static const char *const names[] = { [PAGER_COLOUR_AUTO] = "auto",
					     [PAGER_COLOUR_ALWAYS] = "always",
					     [PAGER_COLOUR_NEVER] = "never" };
	const struct ynode *node = scalar_member(scope, name, MEMBER_COLOR);
	size_t found = node ? node_word(scope, node, "color", names, ARRAY_LEN(names)) : SIZE_MAX;

	if (found != SIZE_MAX)
		*ret_colour = (enum pager_colour)found;
}

/* The address of a pager may be a secret, and no hint repeats it. */
static bool check_url(const struct load_scope *scope, const struct ynode *node, const char *what)
{
	if (ytext_is_url(node->text))
		return true;
	const char *whole = arena_printf(scope->load->scratch, "https://%s", node->text);
	LOAD_ERROR(scope, node, "E031",
		   scope->kind != MAP_PAGER && strlen(node->text) < 200 && ytext_is_url(whole) &&
				   !strstr(node->text, "://") && strchr(node->text, '.')
			   ? arena_printf(scope->load->scratch, "write it whole: %s", whole)
			   : "write it whole: https://host/path",
		   "%s is not a URL", what);
	return false;
}

static const char *in_quotes(const struct load_scope *scope, const char *name)
{
	return arena_printf(scope->load->scratch, "\"%.200s\"", name);
}

const char *member_url(const struct load_scope *scope, const char *name)
{
	const struct ynode *node = scalar_member(scope, name, MEMBER_URL);

	return node && check_url(scope, node, in_quotes(scope, name))
		       ? arena_strdup(scope->load->set->arena, node->text)
		       : NULL;
}

const char *member_mail_url(const struct load_scope *scope, const char *name)
{
	const struct ynode *node = scalar_member(scope, name, MEMBER_URL);

	if (!node)
		return NULL;
	if (ytext_is_mail_url(node->text))
		return arena_strdup(scope->load->set->arena, node->text);
	LOAD_ERROR(scope, node, "E031",
		   "write smtp://HOST:PORT, or smtps://HOST; who logs in stands in user and "
		   "password_file",
		   "%s is not the address of a mail server", in_quotes(scope, name));
	return NULL;
}

const char *unknown_name_hint(struct load *load, const char *unknown, const char *const *names,
			      size_t n)
{
	static const char *const plurals[] = { "labels.", "annotations." };

	for (size_t i = 0; i < ARRAY_LEN(plurals); i++) {
		const size_t len = strlen(plurals[i]);
		if (strncmp(unknown, plurals[i], len) == 0)
			return arena_printf(load->scratch, "write {%.*s.%s}", (int)len - 2,
					    plurals[i], unknown + len);
	}
	return known_words(load, unknown, names, n);
}

static const char *template_hint(const struct load_scope *scope, const char *unknown)
{
	const char *names[TEMPLATE_COUNT];
	size_t n = 0;

	while (template_name(n)) {
		names[n] = template_name(n);
		n++;
	}
	return unknown ? unknown_name_hint(scope->load, unknown, names, n)
		       : "write {{ and }} for braces that stand for themselves";
}

/* "{{ $labels.host }}" and "{{ .Labels.host }}" of Prometheus and Alertmanager: what to write.
 * NULL: the text behind the braces is none of these. */
static const char *go_template_cure(struct arena *arena, const char *text)
{
	static const struct {
		const char *before, *scope;
	} forms[] = { { "$labels.", "label" },
		      { ".Labels.", "label" },
		      { ".CommonLabels.", "label" },
		      { ".GroupLabels.", "label" },
		      { "$annotations.", "annotation" },
		      { ".Annotations.", "annotation" },
		      { ".CommonAnnotations.", "annotation" } };

	text += strspn(text, "{- ");
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		const size_t len = strlen(forms[i].before);
		if (strncmp(text, forms[i].before, len) == 0)
			return arena_printf(arena, "write {%s.%.*s}", forms[i].scope,
					    (int)strcspn(text + len, " }|"), text + len);
	}
	return *text == '.' || *text == '$' ? "write {label.NAME}, {annotation.NAME} or {service}"
					    : NULL;
}

/* Templates of other programs are legal here: their braces and dollars stand for themselves. */
static void warn_of_foreign_template(const struct load_scope *scope, const struct ynode *node,
				     const char *what)
{
	struct arena *arena = scope->load->scratch;
	const char *go = strstr(node->text, "{{"), *shell = strstr(node->text, "${");

	while (go && !go_template_cure(arena, go))
		go = strstr(go + 2, "{{");
	if (go)
		LOAD_WARNING(scope, node, "W050", go_template_cure(arena, go),
			     "{{ and }} in %s stand for braces, and nothing between them is filled "
			     "in",
			     what);
	else if (shell && shell[2] != '{')
		LOAD_WARNING(scope, node, "W050",
			     arena_printf(arena, "write \"{%.*s}\"", (int)strcspn(shell + 2, "}|"),
					  shell + 2),
			     "the $ before a name in %s stays in the text", what);
}

static const struct rule_template *node_template(const struct load_scope *scope,
						 const struct ynode *node, const char *what)
{
	const char *unknown;
	struct err err;
	const struct rule_template *template =
		template_parse(scope->load->set->arena, node->text, &unknown, &err);

	if (!template)
		LOAD_ERROR(scope, node, "E041", template_hint(scope, unknown), "%s, in %s",
			   err.text, what);
	else
		warn_of_foreign_template(scope, node, what);
	return template;
}

const struct rule_template *member_template(const struct load_scope *scope, const char *name)
{
	const struct ynode *node = scalar_member(scope, name, MEMBER_TEMPLATE);

	return node ? node_template(scope, node, in_quotes(scope, name)) : NULL;
}

const struct rule_template *node_url_template(const struct load_scope *scope,
					      const struct ynode *node, const char *what)
{
	if (!check_url(scope, node, what))
		return NULL;
	const struct rule_template *template = node_template(scope, node, what);
	for (size_t i = 0; template && i < template->nparts; i++)
		if (template->parts[i].name == TEMPLATE_SUMMARY ||
		    template->parts[i].name == TEMPLATE_DETAILS) {
			LOAD_ERROR(
				scope, node, "E041", "use {alert}, {service} or the like",
				"an address cannot hold the summary or details of the page, in %s",
				what);
			return NULL;
		}
	return template;
}

const struct rule_template *member_url_template(const struct load_scope *scope, const char *name)
{
	const struct ynode *node = scalar_member(scope, name, MEMBER_URL);

	return node ? node_url_template(scope, node, in_quotes(scope, name)) : NULL;
}

const struct pager **items_pagers(const struct load_scope *scope, const char *name,
				  const struct ynode *const *items, size_t nitems, size_t most,
				  size_t *ret_n)
{
	struct load *load = scope->load;
	const struct pager **pagers = arena_array(load->set->arena, nitems, sizeof(*pagers));
	size_t n = 0;

	for (size_t i = 0; i < nitems; i++) {
		size_t number = node_ref(scope, items[i], SECTION_PAGERS, "the name of a pager"),
		       j = 0;
		if (number == SIZE_MAX)
			continue;
		while (j < n && pagers[j] != &load->set->pagers[number])
			j++;
		if (j < n)
			LOAD_ERROR(scope, items[i], "E036", "name it once",
				   "pager \"%.200s\" stands twice in \"%s\"", items[i]->text, name);
		else
			pagers[n++] = &load->set->pagers[number];
	}
	if (n > most) {
		LOAD_ERROR(scope, member_key(scope, name), "E048", "name fewer pagers",
			   "\"%s\" has more than %zu pagers", name, most);
		n = most;
	}
	*ret_n = n;
	return pagers;
}

const struct pager **member_pagers(const struct load_scope *scope, const char *name, size_t most,
				   size_t *ret_n)
{
	const struct ynode *list = member_list(scope, name);

	*ret_n = 0;
	return list ? items_pagers(scope, name, (const struct ynode *const *)list->items, list->n,
				   most, ret_n)
		    : NULL;
}

static void read_matcher_map(const struct load_scope *scope, const struct ynode *map,
			     struct rule_matchers *matchers)
{
	struct arena *arena = scope->load->set->arena;

	for (size_t i = 0; i < map->n; i++) {
		const char *name = map->keys[i]->text;
		const char *glob = node_glob(scope, map->items[i], in_quotes(scope, name), true);
		if (!*name)
			LOAD_ERROR(scope, map->keys[i], "E030", "name a label, such as alertname",
				   "the name of a label is empty");
		else if (glob)
			matchers_add_glob(arena, matchers, arena_strdup(arena, name), glob);
	}
}

/* What to write instead of a wrong regular expression: most often a glob was meant. */
static const char *regex_hint(const struct load_scope *scope, const char *text)
{
	const char *value = strchr(text, '~');
	size_t len = 0;

	if (value) {
		value += 1 + strspn(value + 1, " \"");
		len = strcspn(value, "\"");
	}
	if (len && len < 200 && *value == '*')
		return arena_printf(scope->load->scratch,
				    "write .* for any text: \".%.*s\"; or a glob in a map",
				    (int)len, value);
	return "write \\ before a character that stands for itself, such as \\( and \\[; any text "
	       "is .*";
}

/* The text of a matcher; NULL: it is none, and the finding says how it is written. */
static const char *matcher_text(const struct load_scope *scope, const struct ynode *node)
{
	if (node->kind != YNODE_MAP || node->n == 0 || node->items[0]->kind != YNODE_SCALAR)
		return node_text(scope, node, "a matcher");
	LOAD_ERROR(scope, node, "E014",
		   arena_printf(scope->load->scratch,
				"write the map alone, {%.100s: …}, or matchers as texts: "
				"'%.100s=\"%.100s\"'",
				node->keys[0]->text, node->keys[0]->text, node->items[0]->text),
		   "in a list a matcher must be a text, not a map");
	return NULL;
}

static void read_matcher_list(const struct load_scope *scope, const struct ynode *list,
			      struct rule_matchers *matchers)
{
	struct err err;

	for (size_t i = 0; i < list->n; i++) {
		const char *text = matcher_text(scope, list->items[i]);
		if (!text)
			continue;
		int result = matchers_parse(scope->load->set->arena, text, matchers, &err);
		if (result < 0)
			LOAD_ERROR(scope, list->items[i], result == -EDOM ? "E027" : "E026",
				   result == -EDOM ? regex_hint(scope, text)
						   : "write name=\"value\", or !=, =~, !~",
				   "%s", err.text);
	}
}

bool member_matchers(const struct load_scope *scope, const char *name,
		     struct rule_matchers *matchers)
{
	const struct ynode *node = member_value(scope, name);

	if (!node)
		return false;
	if (node->kind == YNODE_SCALAR) {
		const bool is_word = node->text[strcspn(node->text, "=!~ {")] == '\0';
		LOAD_ERROR(scope, node, "E014",
			   is_word ? arena_printf(scope->load->scratch,
						  "write {alertname: %.200s}, or "
						  "['alertname=\"%.200s\"']",
						  node->text, node->text)
				   : "write {label: glob}, or ['label=\"value\"']",
			   "\"%s\" must be a map of globs or a list of matchers, not a text", name);
		return false;
	}
	if (node->n == 0) {
		LOAD_ERROR(scope, node, "E033", "name a label: {alertname: …}",
			   "\"%s\" of %s is empty: it would match every alert", name, scope->what);
		return false;
	}
	if (node->kind == YNODE_MAP)
		read_matcher_map(scope, node, matchers);
	else
		read_matcher_list(scope, node, matchers);
	return true;
}
