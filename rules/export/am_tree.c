/*
 * The tree of routes. Our routes are tried in order, and each sees what earlier ones decided; an
 * alert of Alertmanager goes down the first child that it meets, and never comes back. So a route
 * that lets later ones decide becomes a node that holds them all, under what it has decided; one
 * whose condition is a time becomes two nodes, one active at that time and one mute. Where a route
 * asks who owns the alert, a node for each owner comes first.
 */
#include "am_tree-internal.h"

#define AM_TIMES    16
#define AM_ASSERTED 64
#define AM_TAKEN    32
#define AM_PLAIN    256

/* What is decided on the way to a node. */
struct am_state {
	const struct am_row *row; /* NULL: not known yet */
	const struct team *team;  /* NULL: the row's */
	const struct escalation *escalation;
	const struct pager *const *pagers;
	size_t npagers;
	bool no_page, matched;
	const struct group_labels *group;
	const struct time_set *active[AM_TIMES], *mute[AM_TIMES];
	size_t nactive, nmute;
	const char *asserted[AM_ASSERTED]; /* matchers that hold here */
	size_t nasserted;
	/* What an earlier sibling takes: an alert that meets all of one entry is not here. */
	struct am_taken {
		const char *matchers[AM_ROW_MATCHERS];
		size_t n;
	} taken[AM_TAKEN];
	size_t ntaken;
};

/* What a node does itself. */
struct am_leaf {
	const char *receiver;
	struct am_state state;
	unsigned int repeat_s; /* 0: as the root */
};

/* The children of a node, and what it does where none of them is met. */
struct am_level {
	struct buf children;
	struct am_leaf leaf;
	bool continues; /* a child lets its siblings go on: then the leaf is a child, too */
	/* The last children that have none of their own: where each begins, and what it does. */
	struct am_plain {
		size_t start;
		const char *does;
	} plain[AM_PLAIN];
	size_t nplain;
};

struct am_tree {
	struct exported *exported;
	const struct am_rows *rows;
	struct am_receivers *receivers;
	bool *used_times;
	size_t nodes;
};

static void level_init(struct am_level *level)
{
	*level = (struct am_level){ .children = BUF_INIT(LIMIT_EXPORT_BYTES) };
}

/* ---- nodes as text ---- */

static void add_indent(struct buf *out, unsigned int depth)
{
	for (unsigned int i = 0; i < depth; i++)
		buf_puts(out, "    ");
}

static void write_texts(struct buf *out, unsigned int depth, const char *name,
			const char *const *texts, size_t n)
{
	if (!n)
		return;
	add_indent(out, depth);
	buf_printf(out, "  %s: [", name);
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, i ? ", " : "");
		export_quoted(out, texts[i]);
	}
	buf_puts(out, "]\n");
}

static void write_node_times(struct am_tree *tree, struct buf *out, unsigned int depth,
			     const char *name, const struct time_set *const *sets, size_t n)
{
	const char *names[AM_TIMES];

	for (size_t i = 0; i < n; i++) {
		names[i] = sets[i]->name;
		tree->used_times[sets[i] - tree->exported->rules->times] = true;
	}
	write_texts(out, depth, name, names, n);
}

static void write_leaf(struct am_tree *tree, struct buf *out, unsigned int depth,
		       const struct am_leaf *leaf)
{
	const struct am_state *state = &leaf->state;
	static const char *const all[] = { "..." };

	add_indent(out, depth);
	buf_puts(out, "  receiver: ");
	export_scalar(out, leaf->receiver);
	buf_putc(out, '\n');
	write_node_times(tree, out, depth, "active_time_intervals", state->active, state->nactive);
	write_node_times(tree, out, depth, "mute_time_intervals", state->mute, state->nmute);
	if (state->group && state->group->each_alone)
		write_texts(out, depth, "group_by", all, 1);
	else if (state->group)
		write_texts(out, depth, "group_by", state->group->names, state->group->n);
	if (leaf->repeat_s) {
		add_indent(out, depth);
		buf_printf(out, "  repeat_interval: %us\n", leaf->repeat_s);
	}
}

/* Adds a node without children. matchers may be none. */
static void write_simple(struct am_tree *tree, struct buf *out, unsigned int depth,
			 const char *comment, const char *const *matchers, size_t n, bool continues,
			 const struct am_leaf *leaf)
{
	if (++tree->nodes > LIMIT_EXPORT_ROUTES)
		tree->exported->failed = "the tree would have more routes than an export may";
	if (comment && *comment) {
		add_indent(out, depth);
		buf_puts(out, "# ");
		ytext_show(out, comment);
		buf_putc(out, '\n');
	}
	add_indent(out, depth);
	buf_puts(out, "-");
	const size_t start = out->len;
	write_texts(out, depth, "matchers", matchers, n);
	write_leaf(tree, out, depth, leaf);
	/* The first member stands behind the dash: its indent becomes one blank. */
	const size_t blanks = depth * 4 + 2;
	if (!out->failed) {
		memmove(out->data + start + 1, out->data + start + blanks,
			out->len - start - blanks + 1);
		out->data[start] = ' ';
		out->len -= blanks - 1;
	}
	if (continues) {
		add_indent(out, depth);
		buf_puts(out, "  continue: true\n");
	}
}

/* What a leaf does, as a text; kept by the arena. */
static const char *leaf_does(struct am_tree *tree, const struct am_leaf *leaf)
{
	struct buf out = BUF_INIT(LIMIT_EXPORT_MATCHER_BYTES);

	write_leaf(tree, &out, 0, leaf);
	const char *text = arena_strdup(tree->exported->arena, buf_text(&out));
	buf_fini(&out);
	return text;
}

/* Drops the last children that do what the node does by itself. */
static void level_prune(struct am_tree *tree, struct am_level *level)
{
	if (!level->nplain || level->children.failed)
		return;
	const char *does = leaf_does(tree, &level->leaf);
	while (level->nplain && strcmp(level->plain[level->nplain - 1].does, does) == 0) {
		level->children.len = level->plain[--level->nplain].start;
		level->children.data[level->children.len] = '\0';
	}
}

/* Children inherit how their node groups and repeats, where that is the node's own affair: what
 * the node does itself becomes its last child, and the node is as its parent. */
static void level_close(struct am_tree *tree, unsigned int depth, struct am_level *level)
{
	struct am_leaf *leaf = &level->leaf;

	if (!level->children.len || (!leaf->repeat_s && !leaf->state.group))
		return;
	if (!level->continues)
		write_simple(tree, &level->children, depth, NULL, NULL, 0, false, leaf);
	leaf->repeat_s = 0;
	leaf->state.group = NULL;
}

/* Adds a node with its children to the level above. Takes its own level. */
static void write_node(struct am_tree *tree, struct am_level *above, unsigned int depth,
		       const char *comment, const char *const *matchers, size_t n, bool continues,
		       struct am_level *level)
{
	struct buf *out = &above->children;
	const size_t start = out->len;

	level_close(tree, depth + 1, level);
	write_simple(tree, out, depth, comment, matchers, n, continues, &level->leaf);
	const bool plain = !continues && !level->children.len;
	if (level->children.len) {
		add_indent(out, depth);
		buf_puts(out, "  routes:\n");
		buf_add(out, level->children.data, level->children.len);
	}
	out->failed |= level->children.failed;
	buf_fini(&level->children);
	if (!plain || above->nplain == AM_PLAIN)
		above->nplain = 0;
	if (plain)
		above->plain[above->nplain++] =
			(struct am_plain){ start, leaf_does(tree, &level->leaf) };
}

/* ---- who is told ---- */

static void tell_escalation(struct am_tree *tree, const struct escalation *escalation)
{
	if (escalation->nsteps > 1)
		export_lose(tree->exported, escalation->place,
			    "escalation %s: %zu later step%s lost: Alertmanager notifies the first "
			    "step, and repeats that until the alert is resolved",
			    escalation->name, escalation->nsteps - 1,
			    escalation->nsteps > 2 ? "s are" : " is");
	if (escalation->repeat)
		export_lose(tree->exported, escalation->place,
			    "escalation %s: \"repeat: %u\" becomes a repeat_interval, which does "
			    "not end before the alert does",
			    escalation->name, escalation->repeat);
}

/* How long one run of the escalation takes, where it is repeated. */
static unsigned int repeat_seconds(const struct escalation *escalation)
{
	int64_t sum_us = 0;

	for (size_t i = 0; escalation->repeat && i < escalation->nsteps; i++)
		sum_us += escalation->steps[i].wait_us;
	return (unsigned int)(sum_us / US_PER_SECOND);
}

static void leaf_receiver(struct am_tree *tree, const struct am_receiver *wanted,
			  struct am_leaf *leaf)
{
	leaf->receiver = am_receiver(tree->exported, tree->receivers, wanted);
}

static const char *names_of(struct am_tree *tree, const char *before,
			    const struct pager *const *pagers, size_t n)
{
	struct buf out = BUF_INIT(LIMIT_EXPORT_MATCHER_BYTES);

	for (size_t i = 0; i < n; i++)
		buf_printf(&out, "%s%s", i ? " + " : before, pagers[i]->name);
	const char *text = arena_strdup(tree->exported->arena, buf_text(&out));
	buf_fini(&out);
	return text;
}

/* The pagers as they are for a team: an entry "by_team" is another one for each. team NULL: not
 * known here. */
static const struct pager *const *pagers_of_team(struct am_tree *tree,
						 const struct pager *const *pagers, size_t n,
						 const struct team *team)
{
	const struct pager **own =
		arena_array(tree->exported->arena, n, sizeof(const struct pager *));

	for (size_t i = 0; i < n; i++) {
		const struct pager *pager = pagers[i];
		own[i] = pager->teams && team && pager->teams[team->number].name
				 ? &pager->teams[team->number]
				 : pager;
		if (pager->teams && own[i] == pager)
			export_lose(tree->exported, pager->place,
				    "pager %s is one for each team: where it is told before the "
				    "owner is known, or of a team that gives too little, it stands "
				    "without the team's",
				    pager->name);
	}
	return own;
}

/* Who is told is decided: fills the leaf. */
static void leaf_fill(struct am_tree *tree, const struct am_state *state, struct am_leaf *leaf)
{
	struct am_receiver wanted = { .name = "nobody" };
	const struct team *team = state->team ? state->team : state->row ? state->row->team : NULL;
	const struct escalation *escalation = state->escalation ? state->escalation
					      : team		? team->escalation
								: NULL;

	*leaf = (struct am_leaf){ .state = *state };
	if (state->no_page) {
		leaf->state.nactive = leaf->state.nmute = 0;
	} else if (state->npagers) {
		wanted.pagers = pagers_of_team(tree, state->pagers, state->npagers, team);
		wanted.name = names_of(tree, "pagers ", wanted.pagers, state->npagers);
		wanted.npagers = state->npagers;
	} else if (escalation) {
		const struct escalation_step *step = &escalation->steps[0];
		wanted = (struct am_receiver){
			.name = state->escalation ? arena_printf(tree->exported->arena,
								 "escalation %s", escalation->name)
						  : team->name,
			.pagers = pagers_of_team(tree, (const struct pager *const *)step->pagers,
						 step->npagers, team),
			.npagers = step->npagers,
			.no_resolve = step->no_resolve,
			.place = escalation->place,
		};
		leaf->repeat_s = repeat_seconds(escalation);
		tell_escalation(tree, escalation);
	}
	leaf_receiver(tree, &wanted, leaf);
}

/* ---- conditions of routes ---- */

/* A route as far as it is known here: what is left are matchers and times. */
struct am_when {
	enum am_known met; /* AM_MATCHER: what is left decides */
	bool asks_owner;   /* and the owner is not known here */
	const char *matchers[AM_ROW_MATCHERS];
	size_t nmatchers;
	bool asks_time;
};

static bool word_matches(const struct when_word *word, const char *value)
{
	for (size_t i = 0; i < word->n; i++)
		if (glob_match(word->globs[i], value ? value : ""))
			return true;
	return false;
}

static const char *row_value(const struct am_row *row, enum when_field field)
{
	switch ((int)field) {
	case WHEN_OWNER:
		return row->team->name;
	case WHEN_SIGNAL:
		return row->signal ? row->signal->name : NULL;
	case WHEN_CRITICALITY:
		return row->criticality;
	default:
		return row->kind;
	}
}

/* Is a matcher known to hold or to fail where these hold? Only what is certain by its text. */
static enum am_known asserted_says(const struct am_state *state, const char *matcher)
{
	const char *equal = strstr(matcher, "=\"");
	const size_t name = equal ? (size_t)(equal - matcher) : 0;

	for (size_t i = 0; i < state->nasserted; i++) {
		const char *known = state->asserted[i];
		if (strcmp(known, matcher) == 0)
			return AM_ALWAYS;
		/* name="a" beside name="b"; not name!="a". */
		if (name && strncmp(known, matcher, name + 2) == 0 && matcher[name - 1] != '!')
			return AM_NEVER;
	}
	return AM_MATCHER;
}

static bool has_text(const char *const *texts, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(texts[i], text) == 0)
			return true;
	return false;
}

/* Does an earlier sibling take every alert that meets these conditions? */
static bool when_is_taken(const struct am_state *state, const struct am_when *when)
{
	for (size_t i = 0; i < state->ntaken; i++) {
		const struct am_taken *taken = &state->taken[i];
		size_t k = 0;
		while (k < taken->n &&
		       (has_text(when->matchers, when->nmatchers, taken->matchers[k]) ||
			has_text(state->asserted, state->nasserted, taken->matchers[k])))
			k++;
		if (k == taken->n)
			return true;
	}
	return false;
}

static void state_take(const struct am_when *when, struct am_state *state)
{
	if (state->ntaken == AM_TAKEN)
		return;
	struct am_taken *taken = &state->taken[state->ntaken++];
	memcpy(taken->matchers, when->matchers, sizeof(taken->matchers));
	taken->n = when->nmatchers;
}

static void when_add(const struct am_state *state, struct am_when *when, enum am_known met,
		     const char *matcher)
{
	if (met == AM_MATCHER)
		met = asserted_says(state, matcher);
	if (met == AM_NEVER)
		when->met = AM_NEVER;
	if (met == AM_MATCHER && when->nmatchers < ARRAY_LEN(when->matchers))
		when->matchers[when->nmatchers++] = matcher;
}

/* Without a verdict the confidence is 0. */
static bool zero_holds(const struct number_test *test)
{
	switch (test->op[0]) {
	case '>':
		return test->op[1] && test->value <= 0;
	case '<':
		return test->op[1] || test->value > 0;
	default:
		return test->value <= 0;
	}
}

static bool has_time(const struct time_set *const *sets, size_t n, const struct time_set *set)
{
	for (size_t i = 0; i < n; i++)
		if (sets[i] == set)
			return true;
	return false;
}

/* What the route's times say where some are known to hold, or not to hold. */
static void when_read_times(const struct am_state *state, const struct route_entry *entry,
			    struct am_when *when)
{
	size_t over = 0, under = 0;

	for (size_t i = 0; i < entry->ntimes; i++)
		over += has_time(state->mute, state->nmute, entry->times[i]);
	for (size_t i = 0; i < state->nactive; i++)
		under += has_time(entry->times, entry->ntimes, state->active[i]);
	if (entry->ntimes && over == entry->ntimes)
		when->met = AM_NEVER;
	when->asks_time = entry->ntimes && !(state->nactive && under == state->nactive);
}

static void when_read_word(struct am_tree *tree, const struct am_state *state,
			   const struct route_entry *entry, const struct when_word *word,
			   struct am_when *when)
{
	const char *place = entry->route.place, *matcher = NULL;
	enum am_known met = AM_NEVER;

	if (word->field == WHEN_LABEL) {
		met = am_globs(tree->exported->arena, word->name, word->globs, word->n, &matcher);
	} else if (word->field == WHEN_SEVERITY) {
		met = am_severity(tree->exported, word, &matcher);
	} else if (word->field == WHEN_SENDER) {
		if (word_matches(word, "*"))
			return;
		export_lose(tree->exported, place,
			    "the route asks for a sender, which Alertmanager does not know: left "
			    "out");
	} else if (word->field >= WHEN_SUSPECT_SERVICE) {
		export_lose(tree->exported, place,
			    "the route asks for a suspect (%s), which traces alone tell: left out",
			    word->name);
	} else if (!state->row) {
		when->asks_owner = true;
		return;
	} else {
		met = word_matches(word, row_value(state->row, word->field)) ? AM_ALWAYS : AM_NEVER;
	}
	when_add(state, when, met, matcher);
}

static void when_read(struct am_tree *tree, const struct am_state *state,
		      const struct route_entry *entry, struct am_when *when)
{
	*when = (struct am_when){ .met = AM_MATCHER };
	when_read_times(state, entry, when);
	for (size_t i = 0; i < entry->nwords && when->met != AM_NEVER; i++)
		when_read_word(tree, state, entry, &entry->words[i], when);
	for (size_t i = 0; i < entry->nconfidence; i++)
		if (!zero_holds(&entry->confidence[i])) {
			when->met = AM_NEVER;
			export_lose(tree->exported, entry->route.place,
				    "the route asks for a confidence, which traces alone give: "
				    "left out");
		}
	for (size_t i = 0; i < entry->labels.n && when->met != AM_NEVER; i++) {
		const char *matcher = NULL;
		enum am_known met = am_rule_matcher(tree->exported, entry->route.place,
						    &entry->labels.at[i], &matcher);
		when_add(state, when, met, matcher);
	}
	if (when->met == AM_MATCHER && !when->asks_owner && !when->nmatchers && !when->asks_time)
		when->met = AM_ALWAYS;
}

/* ---- what routes change ---- */

static void tell_route(struct am_tree *tree, const struct route *route)
{
	struct exported *exported = tree->exported;

	if (route->has_severity || route->summary || route->details)
		export_lose(exported, route->place,
			    "the route's %s lost: a receiver says what the alert's own labels and "
			    "annotations say",
			    !route->has_severity	       ? "text is"
			    : route->summary || route->details ? "severity and text are"
							       : "severity is");
	if (route->notify_entry_owner)
		export_lose(exported, route->place,
			    "the route tells the team whose operation fails, which traces alone "
			    "name: lost");
	if (route->resolve_hold_us >= 0)
		export_lose(exported, route->place,
			    "the route's resolve_hold is lost: Alertmanager tells of a resolved "
			    "alert after group_interval");
}

static void state_apply(const struct route *route, struct am_state *state)
{
	state->matched = true;
	state->no_page |= route->no_page;
	if (route->team) {
		state->team = route->team;
		state->escalation = NULL;
	}
	if (route->escalation)
		state->escalation = route->escalation;
	if (route->team || route->escalation || route->npagers) {
		state->pagers = (const struct pager *const *)route->pagers;
		state->npagers = route->npagers;
	}
	if (route->group_by.n || route->group_by.each_alone)
		state->group = &route->group_by;
}

static void state_assert(const struct am_when *when, struct am_state *state)
{
	for (size_t i = 0; i < when->nmatchers && state->nasserted < AM_ASSERTED; i++)
		state->asserted[state->nasserted++] = when->matchers[i];
}

static void state_add_active(struct am_tree *tree, const struct route_entry *entry,
			     struct am_state *state)
{
	if (state->nactive)
		export_lose(tree->exported, entry->route.place,
			    "two routes' times must hold here at once, which Alertmanager cannot "
			    "say: the time of this route alone counts");
	state->nactive = 0;
	for (size_t i = 0; i < entry->ntimes && i < AM_TIMES; i++)
		state->active[state->nactive++] = entry->times[i];
}

static void state_add_mute(struct am_tree *tree, const struct route_entry *entry,
			   struct am_state *state)
{
	for (size_t i = 0; i < entry->ntimes; i++) {
		if (has_time(state->mute, state->nmute, entry->times[i]))
			continue;
		if (state->nmute == AM_TIMES) {
			export_lose(tree->exported, entry->route.place,
				    "more than %d times count here: the others are lost", AM_TIMES);
			return;
		}
		state->mute[state->nmute++] = entry->times[i];
	}
}

/* ---- the tree ---- */

static void emit_routes(struct am_tree *tree, size_t i, const struct am_state *state,
			unsigned int depth, struct am_level *level);

/* A node for each owner, in which route i and those behind it follow. */
static void emit_rows(struct am_tree *tree, size_t i, const struct am_state *state,
		      unsigned int depth, struct am_level *level)
{
	for (size_t k = 0; k < tree->rows->n; k++) {
		const struct am_row *row = &tree->rows->at[k];
		struct am_state here = *state;
		struct am_level below;
		here.row = row;
		if (k + 1 == tree->rows->n) {
			emit_routes(tree, i, &here, depth, level);
			return;
		}
		for (size_t m = 0; m < row->nmatchers && here.nasserted < AM_ASSERTED; m++)
			here.asserted[here.nasserted++] = row->matchers[m];
		level_init(&below);
		emit_routes(tree, i, &here, depth + 1, &below);
		write_node(tree, level, depth, row->comment, row->matchers, row->nmatchers, false,
			   &below);
	}
}

/* A node of alerts that meet the matchers of a route which also asks who owns them. */
static void emit_asked(struct am_tree *tree, size_t i, const struct am_when *when,
		       const struct am_state *state, unsigned int depth, struct am_level *level)
{
	struct am_state here = *state;
	struct am_level below;

	state_assert(when, &here);
	level_init(&below);
	emit_rows(tree, i, &here, depth + 1, &below);
	write_node(tree, level, depth,
		   arena_printf(tree->exported->arena, "%s, by who owns it",
				tree->exported->rules->routes[i].route.place),
		   when->matchers, when->nmatchers, false, &below);
}

/* Behind the last route. */
static void emit_end(struct am_tree *tree, const struct am_state *state, unsigned int depth,
		     struct am_level *level)
{
	static const char *const heartbeat[] = {
		"alertname=~\"Watchdog|DeadMansSwitch|InfoInhibitor\"", "severity=~\"(?i:none)\""
	};

	if (!state->matched) {
		struct am_leaf nobody;
		struct am_state quiet = *state;
		quiet.no_page = true;
		leaf_fill(tree, &quiet, &nobody);
		write_simple(tree, &level->children, depth,
			     "heartbeats page nobody unless a route matches", heartbeat,
			     ARRAY_LEN(heartbeat), false, &nobody);
		level->nplain = 0;
	}
	if (!state->row && !state->no_page && !state->team && !state->escalation &&
	    !state->npagers) {
		struct am_state known = *state;
		known.matched = true; /* the heartbeats are written */
		emit_rows(tree, tree->exported->rules->nroutes, &known, depth, level);
		return;
	}
	leaf_fill(tree, state, &level->leaf);
	level_prune(tree, level);
	/* A node is met itself only where no child is: behind one that continues it must be its
	 * own child. */
	if (level->continues)
		write_simple(tree, &level->children, depth, NULL, NULL, 0, false, &level->leaf);
}

/* also_notify: a node of its own, which lets its siblings go on. */
static void emit_notified(struct am_tree *tree, const struct route_entry *entry,
			  const struct am_when *when, const struct am_state *state,
			  unsigned int depth, struct am_level *level)
{
	const struct route *route = &entry->route;
	struct am_state here = *state;
	struct am_leaf leaf;

	if (!route->nalso_notify)
		return;
	if (when->asks_time)
		state_add_active(tree, entry, &here);
	here.npagers = route->nalso_notify;
	here.pagers = pagers_of_team(tree, (const struct pager *const *)route->also_notify,
				     route->nalso_notify,
				     here.team	? here.team
				     : here.row ? here.row->team
						: NULL);
	leaf = (struct am_leaf){ .state = here };
	leaf_receiver(
		tree,
		&(struct am_receiver){ .name = names_of(tree, "also ", here.pagers, here.npagers),
				       .pagers = here.pagers,
				       .npagers = here.npagers,
				       .place = route->place },
		&leaf);
	write_simple(tree, &level->children, depth, route->place, when->matchers, when->nmatchers,
		     true, &leaf);
	level->continues = true;
	level->nplain = 0;
}

/* Does the route change who is paged, or which routes are tried? */
static bool route_matters(const struct route *route)
{
	return !route->continues || route->no_page || route->team || route->escalation ||
	       route->npagers || route->group_by.n || route->group_by.each_alone;
}

/* The node of a route whose conditions hold, with what follows under it. */
static void emit_held(struct am_tree *tree, size_t i, const struct am_when *when,
		      const struct am_state *state, unsigned int depth, struct am_level *level)
{
	const struct route_entry *entry = &tree->exported->rules->routes[i];
	struct am_state here = *state;
	struct am_level below;

	state_assert(when, &here);
	if (when->asks_time)
		state_add_active(tree, entry, &here);
	state_apply(&entry->route, &here);
	level_init(&below);
	if (entry->route.continues)
		emit_routes(tree, i + 1, &here, depth + 1, &below);
	else
		emit_end(tree, &here, depth + 1, &below);
	write_node(tree, level, depth, entry->route.place, when->matchers, when->nmatchers,
		   when->asks_time, &below);
	level->continues |= when->asks_time;
}

/* The node of alerts that meet the route's matchers at another time. */
static void emit_other_time(struct am_tree *tree, size_t i, const struct am_when *when,
			    const struct am_state *state, unsigned int depth,
			    struct am_level *level)
{
	const struct route_entry *entry = &tree->exported->rules->routes[i];
	struct am_state here = *state;
	struct am_level below;

	state_assert(when, &here);
	state_add_mute(tree, entry, &here);
	level_init(&below);
	emit_routes(tree, i + 1, &here, depth + 1, &below);
	write_node(tree, level, depth,
		   arena_printf(tree->exported->arena, "%s, at other times", entry->route.place),
		   when->matchers, when->nmatchers, false, &below);
}

/* Routes from number i on, as children of a level, and what its node does itself. */
static void emit_routes(struct am_tree *tree, size_t i, const struct am_state *start,
			unsigned int depth, struct am_level *level)
{
	const struct ruleset *rules = tree->exported->rules;
	struct am_state state = *start;
	struct am_when when;

	if (depth > LIMIT_EXPORT_DEPTH)
		tree->exported->failed = "routes would stand deeper in each other than they may";
	for (; i < rules->nroutes && !tree->exported->failed; i++) {
		const struct route_entry *entry = &rules->routes[i];
		when_read(tree, &state, entry, &when);
		if (when.met == AM_NEVER || when_is_taken(&state, &when))
			continue;
		if (when.asks_owner && when.nmatchers) {
			emit_asked(tree, i, &when, &state, depth, level);
			state_take(&when, &state);
			continue;
		}
		if (when.asks_owner) {
			emit_rows(tree, i, &state, depth, level);
			return;
		}
		tell_route(tree, &entry->route);
		emit_notified(tree, entry, &when, &state, depth, level);
		if (!route_matters(&entry->route))
			continue;
		if (when.met == AM_ALWAYS) {
			state_apply(&entry->route, &state);
			if (!entry->route.continues)
				break;
			continue;
		}
		/* At that time nobody is paged: the node for the other times is mute then. */
		if (!when.asks_time || !entry->route.no_page)
			emit_held(tree, i, &when, &state, depth, level);
		if (when.asks_time && when.nmatchers)
			emit_other_time(tree, i, &when, &state, depth, level);
		else if (when.asks_time)
			state_add_mute(tree, entry, &state);
		if (when.nmatchers)
			state_take(&when, &state);
	}
	emit_end(tree, &state, depth, level);
}

/* Do routes ask for the criticality of the owner's service? */
static bool asks_criticality(const struct ruleset *rules)
{
	for (size_t i = 0; i < rules->nroutes; i++)
		for (size_t k = 0; k < rules->routes[i].nwords; k++)
			if (rules->routes[i].words[k].field == WHEN_CRITICALITY)
				return true;
	return false;
}

void am_write_tree(struct exported *exported, struct am_receivers *receivers, bool *used_times,
		   struct buf *out)
{
	struct am_rows rows;
	struct am_tree tree = { exported, &rows, receivers, used_times, 0 };
	struct am_level level;
	const struct am_state state = { .row = NULL };

	am_rows_make(exported, asks_criticality(exported->rules), &rows);
	level_init(&level);
	emit_routes(&tree, 0, &state, 1, &level);
	/* The root may have no times: what it would do at some times is its last child. */
	const struct am_state *last = &level.leaf.state;
	if (!level.continues &&
	    (last->nactive || last->nmute || last->group || level.leaf.repeat_s))
		write_simple(&tree, &level.children, 1, NULL, NULL, 0, false, &level.leaf);
	if (!exported->failed) {
		buf_puts(out, "  receiver: ");
		export_scalar(out, level.leaf.receiver);
		buf_putc(out, '\n');
		if (level.children.len) {
			buf_puts(out, "  routes:\n");
			buf_add(out, level.children.data, level.children.len);
		}
	}
	buf_fini(&level.children);
	am_rows_fini(&rows);
}
