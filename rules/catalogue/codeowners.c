/*
 * Importer of CODEOWNERS, of GitHub and GitLab. The file names owners of paths, not of services:
 * the option service_path says which directory is a service's, such as services/{service}/. Every
 * line about such a directory as a whole names a service; as for a file, the last line that
 * matches decides (docs.github.com, "About code owners").
 *
 * GitLab's sections are looked at one by one, and each may name owners (docs.gitlab.com, "Code
 * Owners"). A service has one: that of the section with a line about its directory itself, of
 * these one that is not optional (^), of these the first. A note names the others.
 */
#include <stdlib.h>
#include <strings.h>

#include "catalogue-internal.h"

#include "tracepager/utf8.h"

#define DEFAULT_PATH "services/{service}/"
static const char mark[] = "{service}";

struct line {
	const char *pattern; /* without the slash at its start and the stars at its end */
	const char *owner;   /* the first team; NULL: no team */
	bool anchored;	     /* matches from the top of the repository only */
	bool people;	     /* has owners, and none of them is a team */
	size_t teams;
	size_t section; /* index in sections */
	int number;
};

struct section {
	const char *name; /* "" for lines before the first head */
	bool optional;
};

struct codeowners {
	struct catalogue *catalogue;
	const struct ydoc *doc;
	struct line *lines; /* heap */
	size_t n, size;
	struct line section;	  /* default owners of the current section */
	struct section *sections; /* heap */
	size_t nsections;
};

/* Takes the next word; a backslash keeps a blank. NULL: none is left. */
static const char *next_word(struct catalogue *catalogue, const char **at, const char *end)
{
	const char *start = *at;

	while (start < end && (*start == ' ' || *start == '\t' || *start == '\r'))
		start++;
	if (start == end || *start == '#')
		return NULL;
	const char *stop = start;
	while (stop < end && *stop != ' ' && *stop != '\t' && *stop != '\r')
		stop += *stop == '\\' && stop + 1 < end ? 2 : 1;
	char *word = arena_strndup(catalogue->arena, start, (size_t)(stop - start)), *out = word;
	for (const char *in = word; *in; in++) {
		in += *in == '\\' && in[1];
		*out++ = *in;
	}
	*out = '\0';
	*at = stop;
	return word;
}

/* Takes owners: @org/team, @person, somebody@example.com. */
static void codeowners_read_owners(struct codeowners *owners, const char *at, const char *end,
				   struct line *line)
{
	const char *word;

	while ((word = next_word(owners->catalogue, &at, end))) {
		bool team = *word == '@' && strchr(word, '/') && strrchr(word, '/')[1];
		if (!team) {
			line->people = true;
			continue;
		}
		if (line->teams++ == 0)
			line->owner = word + 1;
	}
	line->people &= line->teams == 0;
}

static void strip_end(char *pattern, const char *end)
{
	size_t len = strlen(pattern), n = strlen(end);

	if (len >= n && strcmp(pattern + len - n, end) == 0)
		pattern[len - n] = '\0';
}

static void add_line(struct codeowners *owners, const char *pattern, struct line line)
{
	char *copy = arena_strdup(owners->catalogue->arena, pattern + (*pattern == '/'));

	if (!*copy)
		copy = arena_strdup(owners->catalogue->arena, "**");
	if (copy[strspn(copy, "*")]) { /* a pattern of stars matches everything already */
		strip_end(copy, "/**");
		strip_end(copy, "/*");
		line.anchored = *pattern == '/' || strchr(copy, '/') != NULL;
		strip_end(copy, "/");
	}
	line.pattern = copy;
	if ((owners->n & (owners->n - 1)) == 0)
		owners->lines = xrealloc_array(owners->lines, owners->n ? owners->n * 2 : 1,
					       sizeof(*owners->lines));
	owners->lines[owners->n++] = line;
}

/* The section of that name, a new one where there is none: lines of equal heads are one section. */
static size_t section_of(struct codeowners *owners, const char *name, bool optional)
{
	for (size_t i = 0; i < owners->nsections; i++)
		if (strcasecmp(owners->sections[i].name, name) == 0)
			return i;
	owners->sections =
		xrealloc_array(owners->sections, owners->nsections + 1, sizeof(*owners->sections));
	owners->sections[owners->nsections] = (struct section){ name, optional };
	return owners->nsections++;
}

/* Takes the head of a section, "[Name]", "^[Name]" or "[Name][2] @owner": its owners are those
 * of lines behind it that name none. */
static bool codeowners_read_section(struct codeowners *owners, const char *start, const char *end)
{
	const char *at = start + (*start == '^'), *close = NULL;

	while (at < end && *at == '[' && (close = memchr(at, ']', (size_t)(end - at))))
		at = close + 1;
	if (!close || (at < end && *at != ' ' && *at != '\t' && *at != '\r'))
		return false;
	const char *name = start + (*start == '^') + 1;
	name = cat_printf(owners->catalogue, "%.*s", (int)strcspn(name, "]"), name);
	owners->section = (struct line){ .section = section_of(owners, name, *start == '^') };
	codeowners_read_owners(owners, at, end, &owners->section);
	return true;
}

/* Patterns that no glob of rules can say: a loss tells the line. */
static bool codeowners_can_read(struct codeowners *owners, const char *pattern, int number)
{
	struct cat_place place = { owners->doc, number };

	if (*pattern == '!')
		cat_lose(owners->catalogue, LOSS_PATTERN, place, NULL,
			 "the exclusion \"%s\" is not carried over", pattern);
	else if (strchr(pattern, '['))
		cat_lose(owners->catalogue, LOSS_PATTERN, place, NULL,
			 "\"%s\" is left out: a range of characters is no pattern at GitHub, and "
			 "no glob of rules",
			 pattern);
	else
		return true;
	owners->catalogue->counts.entries++;
	return false;
}

static void codeowners_read_line(struct codeowners *owners, const char *start, const char *end,
				 int number)
{
	struct line line = { .number = number };

	while (start < end && (*start == ' ' || *start == '\t'))
		start++;
	if (utf8_span(start, (size_t)(end - start)) != (size_t)(end - start)) {
		cat_lose(owners->catalogue, LOSS_UNREADABLE,
			 (struct cat_place){ owners->doc, number }, NULL, "not UTF-8");
		return;
	}
	if (start == end ||
	    ((*start == '[' || *start == '^') && codeowners_read_section(owners, start, end)))
		return;
	const char *pattern = next_word(owners->catalogue, &start, end);
	if (!pattern)
		return;
	if (!codeowners_can_read(owners, pattern, number))
		return;
	line.section = owners->section.section;
	codeowners_read_owners(owners, start, end, &line);
	if (!line.teams && !line.people) {
		line = owners->section;
		line.number = number;
	}
	owners->catalogue->counts.entries++;
	if (owners->n == LIMIT_CODEOWNERS_LINES || strlen(pattern) > LIMIT_GLOB_BYTES) {
		cat_lose(owners->catalogue, LOSS_LIMIT, (struct cat_place){ owners->doc, number },
			 NULL, "more than %u lines, or %u bytes of a pattern",
			 LIMIT_CODEOWNERS_LINES, LIMIT_GLOB_BYTES);
		return;
	}
	add_line(owners, pattern, line);
}

/* Matches one part of a path, with * and ?. */
static bool part_matches(const char *pattern, size_t n, const char *text, size_t len)
{
	size_t p = 0, t = 0, star = SIZE_MAX, back = 0;

	while (t < len) {
		if (p < n && pattern[p] == '*') {
			star = p++;
			back = t;
		} else if (p < n && (pattern[p] == '?' || pattern[p] == text[t])) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++back;
		} else {
			return false;
		}
	}
	while (p < n && pattern[p] == '*')
		p++;
	return p == n;
}

/* Does the pattern match the path, or a directory above it? ** stands for any number of parts. */
static bool path_matches(const char *pattern, const char *path)
{
	const char *star = NULL, *back = NULL;

	for (;;) {
		size_t n = strcspn(pattern, "/"), len = strcspn(path, "/");
		if (n == 2 && strncmp(pattern, "**", 2) == 0) {
			star = pattern = pattern[2] ? pattern + 3 : pattern + 2;
			back = path;
			if (!*pattern)
				return true;
			continue;
		}
		if (*path && part_matches(pattern, n, path, len)) {
			pattern += n;
			path += len;
			if (!*pattern)
				return true;
			pattern++;
			path += *path == '/';
			continue;
		}
		if (!star || !*back)
			return false;
		back += strcspn(back, "/");
		back += *back == '/';
		pattern = star;
		path = back;
	}
}

static bool line_matches(const struct line *line, const char *path)
{
	if (line->pattern[strspn(line->pattern, "*")] == '\0')
		return true;
	if (line->anchored)
		return path_matches(line->pattern, path);
	for (const char *part = path; *part;) {
		size_t len = strcspn(part, "/");
		if (part_matches(line->pattern, strlen(line->pattern), part, len))
			return true;
		part += len;
		part += *part == '/';
	}
	return false;
}

/* The name in the place of {service} in the pattern of a line; NULL: the line is not about the
 * directory of a service. */
static const char *codeowners_service(const struct codeowners *owners, const struct line *line,
				      const char *form)
{
	const char *at = strstr(form, mark), *rest = at + strlen(mark), *pattern = line->pattern;
	size_t before = (size_t)(at - form), len = strlen(pattern), after = strlen(rest);

	if (len <= before + after || strncmp(pattern, form, before) != 0 ||
	    strcmp(pattern + len - after, rest) != 0)
		return NULL;
	const char *name = cat_printf(owners->catalogue, "%.*s", (int)(len - before - after),
				      pattern + before);
	return strchr(name, '/') ? NULL : name;
}

/* The line that decides in a section: the last that matches; NULL: none does. */
static const struct line *line_of_section(const struct codeowners *owners, size_t section,
					  const char *path)
{
	for (size_t i = owners->n; i > 0; i--)
		if (owners->lines[i - 1].section == section &&
		    line_matches(&owners->lines[i - 1], path))
			return &owners->lines[i - 1];
	return NULL;
}

/* How much a section's line says of the owner of a path: more is better. */
static unsigned int line_weight(const struct codeowners *owners, const struct line *line,
				const char *path)
{
	return (line->owner ? 4 : 0) + (strcmp(line->pattern, path) == 0 ? 2 : 0) +
	       !owners->sections[line->section].optional;
}

/* Notes the sections that name another team for the directory itself. */
static void note_other_sections(const struct codeowners *owners, const struct line *chosen,
				const char *path, const char *what)
{
	bool exact = strcmp(chosen->pattern, path) == 0;

	for (size_t i = 0; i < owners->nsections; i++) {
		const struct line *line = line_of_section(owners, i, path);
		if (!line || line == chosen || !line->owner || !chosen->owner ||
		    strcasecmp(line->owner, chosen->owner) == 0 ||
		    (exact && strcmp(line->pattern, path) != 0))
			continue;
		cat_lose(owners->catalogue, LOSS_MORE_OWNERS,
			 (struct cat_place){ owners->doc, line->number }, what,
			 "section \"%s\" names %s too; \"%s\" is taken", owners->sections[i].name,
			 line->owner, chosen->owner);
	}
}

static const struct line *deciding_line(const struct codeowners *owners, const char *path,
					const char *what)
{
	const struct line *chosen = NULL;

	for (size_t i = 0; i < owners->nsections; i++) {
		const struct line *line = line_of_section(owners, i, path);
		if (line && (!chosen ||
			     line_weight(owners, line, path) > line_weight(owners, chosen, path)))
			chosen = line;
	}
	if (chosen)
		note_other_sections(owners, chosen, path, what);
	return chosen;
}

static void codeowners_take_owner(const struct codeowners *owners, struct cat_service *service,
				  const char *what)
{
	struct catalogue *catalogue = owners->catalogue;
	const struct line *line = deciding_line(owners, service->id, what);

	if (!line)
		return;
	service->owner_place = (struct cat_place){ owners->doc, line->number };
	service->owner_lost = line->people;
	if (line->people)
		cat_lose(catalogue, LOSS_PERSON, service->owner_place, what,
			 "left out: its owners are people; no team is among them");
	if (line->teams > 1)
		cat_lose(catalogue, LOSS_MORE_OWNERS, service->owner_place, what,
			 "%zu teams own it; the first is taken", line->teams);
	if (!line->owner)
		return;
	const char *slash = strrchr(line->owner, '/');
	struct cat_team *team = cat_team(catalogue, cat_lower(catalogue, line->owner), slash + 1,
					 service->owner_place);
	if (!team)
		return;
	team->qualifier = cat_printf(catalogue, "%.*s", (int)(slash - line->owner), line->owner);
	service->owner = team->id;
}

/* Is the name letters with one * at its end? Of such globs the longer one is more specific, so that
 * no two of them tie; ties are errors in rules. */
static bool is_prefix_glob(const char *name)
{
	size_t len = strcspn(name, "*?\\");

	return len > 0 && strcmp(name + len, "*") == 0;
}

/* Adds the service of a line about a directory of services. Its id is the directory. */
static void codeowners_take_service(const struct codeowners *owners, const struct line *line,
				    const char *name)
{
	struct cat_place place = { owners->doc, line->number };
	const bool glob = strpbrk(name, "*?");

	if (map_get(owners->catalogue->service_ids, line->pattern))
		return;
	if (glob && !is_prefix_glob(name)) {
		bool all = name[strspn(name, "*")] == '\0';
		if (all)
			cat_lose(
				owners->catalogue, LOSS_PATTERN, place, NULL,
				"it is about every service; --fallback says who owns those without "
				"a line of their own");
		else
			cat_lose(owners->catalogue, LOSS_PATTERN, place, NULL,
				 "\"%s\" is left out: of patterns only names with one * at the end "
				 "are carried over",
				 name);
		return;
	}
	struct cat_service *service = cat_service(owners->catalogue, line->pattern, name, place);
	if (service)
		service->glob = glob;
}

static void codeowners_take_services(const struct codeowners *owners, const char *form)
{
	struct catalogue *catalogue = owners->catalogue;
	size_t first = catalogue->services.n;

	for (size_t i = 0; i < owners->n; i++) {
		const char *name = codeowners_service(owners, &owners->lines[i], form);
		if (name)
			codeowners_take_service(owners, &owners->lines[i], name);
	}
	for (size_t i = first; i < catalogue->services.n; i++) {
		struct cat_service *service = catalogue->services.at[i];
		codeowners_take_owner(owners, service,
				      cat_printf(catalogue, "service \"%s\"", service->name));
	}
}

void import_CODEOWNERS(struct catalogue *catalogue, const struct ydoc *doc,
		       const struct ynode *root)
{
	struct codeowners owners = { .catalogue = catalogue, .doc = doc };
	const char *given = catalogue->options.service_path, *at = doc->text,
		   *end = doc->text + doc->len;
	char *form = arena_strdup(catalogue->arena, given ? given : DEFAULT_PATH);

	(void)root;
	section_of(&owners, "", false);
	for (int number = 1; at < end; number++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		stop = stop ? stop : end;
		codeowners_read_line(&owners, at, stop, number);
		at = stop + 1;
	}
	if (*form == '/')
		form++;
	strip_end(form, "/");
	if (strstr(form, mark))
		codeowners_take_services(&owners, form);
	free(owners.lines);
	free(owners.sections);
}
