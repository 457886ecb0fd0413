/*
 * What an incident tells: its page, kept in one block with the decision packed beside it, and the
 * pages that are queued from it. A page is handed to delivery when the store has it, or has failed:
 * better twice than never.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "incident-internal.h"
#include "tracepager/buf_json.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/plain.h"
#include "tracepager/utf8.h"
#include "tracepager/xalloc.h"
#include "tracepager/tap.h"

/* ---- what joined ---- */

/* Among the first LIMIT_PAGE_MEMBERS alerts: does the label have another value somewhere? */
static bool fresh_differs(const struct incident *incident, const char *name, const char *value)
{
	const struct incident_book *book = incident->book;
	const struct member *member;
	size_t n = 0;

	TAILQ_FOREACH (member, &incident->members, link) {
		if (n++ == LIMIT_PAGE_MEMBERS)
			break;
		const struct alert *alert = book->ops.alert(book->ops.ctx, member->key);
		const char *other = alert ? labels_get(&alert->labels, name) : value;
		if (!other || strcmp(other, value) != 0)
			return true;
	}
	return false;
}

/* The labels of one alert that differ among the incident's: "instance db1, zone a". */
static void fresh_add_labels(const struct incident *incident, const struct alert *alert,
			     struct buf *out)
{
	size_t told = 0;

	for (size_t i = 0; i < alert->labels.n && told < LIMIT_FRESH_LABELS; i++) {
		const struct label *label = &alert->labels.at[i];
		if (strcmp(label->name, "alertname") == 0 ||
		    !fresh_differs(incident, label->name, label->value))
			continue;
		buf_printf(out, "%s%s %.*s", told ? ", " : " (", label->name,
			   (int)utf8_chars(label->value, LIMIT_FRESH_CHARS), label->value);
		told++;
	}
	if (told)
		buf_putc(out, ')');
}

/* The alert's own words: ": 9 % of orders fail". */
static void fresh_add_words(const struct alert *alert, struct buf *out)
{
	const char *words = labels_get(&alert->annotations, "summary");

	if (!words || !*words)
		return;
	buf_puts(out, ": ");
	plain_add(out, words, LIMIT_FRESH_CHARS);
}

const char *incident_fresh_text(struct incident *incident, struct arena *arena)
{
	const struct incident_book *book = incident->book;
	BUF_LOCAL(text, LIMIT_PAGE_NOTE_BYTES);
	struct member *member;
	size_t all = incident->nfresh, told = 0;

	if (!all)
		return NULL;
	buf_puts(&text, "joined by ");
	if (all > 1)
		buf_printf(&text, "%zu alerts: ", all);
	TAILQ_FOREACH (member, &incident->members, link) {
		const struct alert *alert = book->ops.alert(book->ops.ctx, member->key);
		if (!member->fresh)
			continue;
		member->fresh = false;
		if (!alert || told == LIMIT_FRESH_ALERTS)
			continue;
		const char *name = labels_get(&alert->labels, "alertname");
		buf_printf(&text, "%s%s", told++ ? "; " : "", name ? name : alert->fingerprint);
		fresh_add_labels(incident, alert, &text);
		fresh_add_words(alert, &text);
	}
	if (all > told)
		buf_printf(&text, " and %zu more", all - told);
	incident->nfresh = 0;
	const char *kept =
		arena_strdup(arena, text.failed ? "joined by more alerts" : buf_text(&text));
	buf_fini(&text);
	return kept;
}

/* ---- what differs ---- */

/* Different texts of the first LIMIT_PAGE_MEMBERS alerts, in their order. */
struct differing {
	const char *texts[LIMIT_PAGE_MEMBERS];
	size_t n;
};

static void differing_add(struct differing *differing, const char *text)
{
	for (size_t i = 0; i < differing->n; i++)
		if (strcmp(differing->texts[i], text) == 0)
			return;
	differing->texts[differing->n++] = text;
}

/* The different values of a label; of NULL: the alerts' names. */
static void differing_collect(const struct incident *incident, const char *label,
			      struct differing *ret_differing)
{
	const struct incident_book *book = incident->book;
	const struct member *member;
	size_t seen = 0;

	ret_differing->n = 0;
	TAILQ_FOREACH (member, &incident->members, link) {
		if (seen++ == LIMIT_PAGE_MEMBERS)
			break;
		const struct alert *alert = book->ops.alert(book->ops.ctx, member->key);
		const char *text =
			alert ? labels_get(&alert->labels, label ? label : "alertname") : NULL;
		if (alert && !text && !label)
			text = alert->fingerprint;
		if (text)
			differing_add(ret_differing, text);
	}
}

/* "db1, db2, db3 and 27 more". */
static void differing_write(const struct incident *incident, const struct differing *differing,
			    struct buf *out)
{
	size_t shown = differing->n < LIMIT_DIFFERS_SHOWN ? differing->n : LIMIT_DIFFERS_SHOWN;

	for (size_t i = 0; i < shown; i++) {
		buf_puts(out, i ? ", " : "");
		plain_add(out, differing->texts[i], LIMIT_FRESH_CHARS);
	}
	if (incident->nmembers > LIMIT_PAGE_MEMBERS && shown < differing->n)
		buf_puts(out, " and more"); /* not all alerts were looked at */
	else if (shown < differing->n)
		buf_printf(out, " and %zu more", differing->n - shown);
}

/* The first alert that is still known; NULL: none is. */
static const struct alert *incident_first_alert(const struct incident *incident)
{
	const struct incident_book *book = incident->book;
	const struct alert *alert = NULL;
	const struct member *member;

	TAILQ_FOREACH (member, &incident->members, link)
		if ((alert = book->ops.alert(book->ops.ctx, member->key)))
			break;
	return alert;
}

const char *incident_differs_text(const struct incident *incident, struct arena *arena)
{
	const struct alert *first = incident->nmembers > 1 ? incident_first_alert(incident) : NULL;
	BUF_LOCAL(text, LIMIT_PAGE_NOTE_BYTES);
	struct differing differing;
	size_t told = 0;

	if (!first)
		return NULL;
	buf_printf(&text, "%zu alerts: ", incident->nmembers);
	differing_collect(incident, NULL, &differing);
	differing_write(incident, &differing, &text);
	for (size_t i = 0; i < first->labels.n && told < LIMIT_DIFFERS_LABELS; i++) {
		const struct label *label = &first->labels.at[i];
		if (strcmp(label->name, "alertname") == 0 ||
		    !fresh_differs(incident, label->name, label->value))
			continue;
		differing_collect(incident, label->name, &differing);
		buf_puts(&text, told++ ? "; in " : "; they differ in ");
		plain_add(&text, label->name, LIMIT_FRESH_CHARS);
		buf_puts(&text, ": ");
		differing_write(incident, &differing, &text);
	}
	const char *kept = text.failed ? NULL : arena_strdup(arena, buf_text(&text));
	buf_fini(&text);
	return kept;
}

/* The labels that all alerts have in common, as a page's labels. */
static const char *incident_common_labels(const struct incident *incident,
					  const struct alert *first, struct arena *arena)
{
	BUF_LOCAL(text, LIMIT_PAGE_NOTE_BYTES);

	for (size_t i = 0; i < first->labels.n && text.len < LIMIT_PAGE_LABELS_BYTES / 2; i++) {
		const struct label *label = &first->labels.at[i];
		if (strcmp(label->name, "alertname") == 0 || strcmp(label->name, "severity") == 0 ||
		    fresh_differs(incident, label->name, label->value))
			continue;
		buf_puts(&text, text.len ? ", " : "");
		plain_add(&text, label->name, LIMIT_PAGE_NAME_COLUMNS);
		buf_putc(&text, '=');
		plain_add(&text, label->value, LIMIT_PAGE_NAME_COLUMNS);
	}
	const char *kept = text.failed ? "" : arena_strndup(arena, buf_text(&text), text.len);
	buf_fini(&text);
	return kept;
}

/* ---- the incident's page ---- */

static void page_write_fitting(const struct page *page,
			       void (*write)(const struct page *page, struct buf *out),
			       struct buf *doc)
{
	struct page lesser = *page;

	write(&lesser, doc);
	if (doc->failed) {
		buf_reset(doc);
		lesser.decision = NULL;
		write(&lesser, doc);
	}
	if (doc->failed) {
		buf_reset(doc);
		lesser.details = "The details were too large to be kept.";
		lesser.waterfall = lesser.reasons = lesser.alert_says = "";
		lesser.nlinks = 0;
		lesser.nalerts = 0;
		lesser.alert_list = NULL;
		write(&lesser, doc);
	}
	assert(!doc->failed);
}

void incident_page_write(const struct page *page, struct buf *doc)
{
	page_write_fitting(page, page_write, doc);
}

void incident_page_write_own(const struct page *page, struct buf *doc)
{
	page_write_fitting(page, page_write_own, doc);
}

void incident_set_page(struct incident *incident, const struct page *page, struct shared_text *text,
		       struct shared_text *packed)
{
	struct page kept = *page;

	kept.note = NULL;
	kept.alert_list = NULL;
	incident_keep_page(incident, &kept, text, packed);
}

/* ---- the present page ---- */

static void page_add_member(struct buf *list, const struct alert *alert, const char *name,
			    bool fires)
{
	char at[RFC3339_SIZE];

	buf_putc(list, list->len > 1 ? ',' : ' ');
	buf_putc(list, '{');
	buf_json_text(list, "name", name);
	buf_json_text(list, "status", fires ? "firing" : "resolved");
	if (alert->starts_at_us)
		buf_json_text(list, "starts_at", rfc3339_format(alert->starts_at_us, at));
	buf_json_key(list, "labels");
	buf_putc(list, '{');
	for (size_t i = 0; i < alert->labels.n; i++)
		buf_json_text(list, alert->labels.at[i].name, alert->labels.at[i].value);
	buf_puts(list, "}}");
}

/* The alerts in it: names for people, and a list with their labels. */
static void incident_fill_members(const struct incident *incident, struct arena *arena,
				  struct page *page)
{
	const struct incident_book *book = incident->book;
	const char **names = arena_array(arena, LIMIT_PAGE_NAMES, sizeof(*names));
	struct buf list = BUF_INIT(LIMIT_PAGE_LIST_BYTES);
	const struct member *member;
	size_t n = 0;

	buf_putc(&list, '[');
	TAILQ_FOREACH (member, &incident->members, link) {
		const struct alert *alert = book->ops.alert(book->ops.ctx, member->key);
		if (!alert)
			continue;
		const char *name = labels_get(&alert->labels, "alertname");
		name = name ? name : alert->fingerprint;
		if (n < LIMIT_PAGE_NAMES)
			names[n] = name;
		page_add_member(&list, alert, name, member->fires);
		if (alert->starts_at_us && alert->starts_at_us < page->since_us)
			page->since_us = alert->starts_at_us;
		if (++n == LIMIT_PAGE_MEMBERS)
			break;
	}
	buf_putc(&list, ']');
	if (n) { /* else it is over: the names of those that were in it stay */
		page->alerts = names;
		page->nalerts = n < LIMIT_PAGE_NAMES ? n : LIMIT_PAGE_NAMES;
		page->alert_list = list.failed ? NULL : arena_strdup(arena, buf_text(&list));
	}
	buf_fini(&list);
}

/* Does the label differ among the alerts, and is it no name of an alert? */
static bool instance_label_differs(const struct incident *incident, const struct label *label)
{
	return strcmp(label->name, "alertname") != 0 && strcmp(label->name, "severity") != 0 &&
	       fresh_differs(incident, label->name, label->value);
}

/* Is this the value of a label that differs among the alerts? */
static bool instance_differs(const struct incident *incident, const struct alert *alert,
			     const char *instance)
{
	for (size_t i = 0; i < alert->labels.n; i++) {
		const struct label *label = &alert->labels.at[i];
		if (strcmp(label->value, instance) == 0 &&
		    fresh_differs(incident, label->name, label->value))
			return true;
	}
	return false;
}

/* "30 NodeDown: db1:9100, db2:9100, db3:9100 and 27 more, prod eu1"; of different names "30 alerts:
 * NodeDown, DiskFull, prod eu1". */
static const char *incident_storm_summary(const struct incident *incident,
					  const struct alert *first, struct arena *arena,
					  const struct page *page)
{
	BUF_LOCAL(text, LIMIT_PAGE_NOTE_BYTES);
	struct differing differing;
	size_t i = 0;

	differing_collect(incident, NULL, &differing);
	if (differing.n == 1) {
		buf_printf(&text, "%zu ", incident->nmembers);
		plain_add(&text, differing.texts[0], LIMIT_PAGE_NAME_COLUMNS);
		while (i < first->labels.n &&
		       !instance_label_differs(incident, &first->labels.at[i]))
			i++;
	} else {
		buf_printf(&text, "%zu alerts: ", incident->nmembers);
		differing_write(incident, &differing, &text);
		i = first->labels.n;
	}
	if (i < first->labels.n) {
		differing_collect(incident, first->labels.at[i].name, &differing);
		buf_puts(&text, ": ");
		differing_write(incident, &differing, &text);
	}
	if (page->environment && *page->environment)
		buf_printf(&text, ", %s", page->environment);
	const char *kept = text.failed ? page->summary : arena_strdup(arena, buf_text(&text));
	buf_fini(&text);
	return kept;
}

/* The page was made of one alert: it is about all of them. */
static void incident_tell_group(const struct incident *incident, struct arena *arena,
				const char *differs, struct page *page)
{
	const struct alert *first = incident_first_alert(incident);

	page->differs = differs;
	if (!first)
		return;
	page->labels = incident_common_labels(incident, first, arena);
	/* With a suspect the summary and the instance are the suspect's. */
	if (*page->component)
		return;
	page->summary = strcmp(page->kind, "no_signal") == 0
				? incident_storm_summary(incident, first, arena, page)
				: arena_printf(arena, "%zu alerts, first %s", incident->nmembers,
					       page->summary);
	page->summary = plain_text(arena, page->summary, LIMIT_SUMMARY_CHARS);
	if (instance_differs(incident, first, page->instance))
		page->instance = "";
}

/* What an incident that moved is now: the headline and the team of the incident that has it. Why
 * its own cause was not known is no longer true: `CartErrors: carts fail — goes on as "ledger: disk
 * is full — breaks web POST /orders", team ledger`. */
static void incident_tell_target(const struct incident *incident, struct arena *arena,
				 struct page *page)
{
	struct incident *target = incident_get(incident->book, incident->moved_to);
	const char *end = strstr(page->summary, " — ");
	int len = (int)(end ? (size_t)(end - page->summary) : strlen(page->summary));

	page->moved_to = incident->moved_to;
	page->moved_to_team = target ? arena_strdup(arena, target->team) : NULL;
	page->banner = page->why = page->what_to_do = "";
	if (target)
		page->summary =
			arena_printf(arena, "%.*s — goes on as \"%s\", team %s", len, page->summary,
				     incident_page(target)->summary, target->team);
	else
		page->summary = arena_printf(arena, "%.*s — goes on in incident %s", len,
					     page->summary, incident->moved_to);
	page->summary = plain_text(arena, page->summary, LIMIT_SUMMARY_CHARS);
}

/* Links whose time ends at the decision's page end at this page. */
static void incident_move_links(struct arena *arena, int64_t decided_us, struct page *page)
{
	const char *then = arena_printf(arena, "%lld", (long long)(decided_us / US_PER_MS));

	for (size_t i = 0; i < page->nlinks; i++) {
		const char *href = page->links[i].href, *at = strstr(href, then);
		if (at)
			page->links[i].href = arena_printf(
				arena, "%.*s%lld%s", (int)(at - href), href,
				(long long)(page->at_us / US_PER_MS), at + strlen(then));
	}
}

/* The decision's own reason: after a restart the page is one that was sent, which may already say
 * that the incident was handed on. */
static const char *incident_first_why(struct arena *arena, const char *why)
{
	static const char handed_on[] = "handed on: not theirs, says team ";
	const char *at = why && strncmp(why, handed_on, sizeof(handed_on) - 1) == 0
				 ? strstr(why, " (it was: ")
				 : NULL;

	if (!at)
		return why ? why : "";
	char *first = arena_strdup(arena, at + strlen(" (it was: "));
	const size_t len = strlen(first);
	if (len && first[len - 1] == ')')
		first[len - 1] = '\0';
	return first;
}

/* Another team had it first: why it is at this one. */
static void incident_tell_refused(const struct incident *incident, struct arena *arena,
				  struct page *page)
{
	BUF_LOCAL(teams, LIMIT_REFUSED_BYTES);

	for (const char *line = incident->refused; *line; line += strcspn(line, "\n") + 1)
		buf_printf(&teams, "%s%.*s", teams.len ? ", " : "", (int)strcspn(line, "\n"), line);
	page->why = arena_printf(arena, "handed on: not theirs, says team %s (it was: %s)",
				 buf_text(&teams), incident_first_why(arena, page->why));
	buf_fini(&teams);
}

void incident_get_page(struct incident *incident, struct arena *arena,
		       const struct shared_text *decision, struct page *ret_page)
{
	*ret_page = *incident_page(incident);
	ret_page->incident = incident->id;
	ret_page->dedup_key = incident->id;
	ret_page->opened_at_us = incident->opened_us;
	const int64_t decided_us = ret_page->at_us;
	ret_page->at_us = clock_wall_us(incident->book->env.clock);
	incident_move_links(arena, decided_us, ret_page);
	ret_page->status = incident_is_over(incident) ? "resolved" : "open";
	ret_page->state = life_state_name(LIFE_INCIDENT, incident->state);
	ret_page->severity = incident->severity;
	ret_page->group = incident->team;
	ret_page->decision = shared_text_text(decision);
	incident_fill_members(incident, arena, ret_page);
	const char *differs = incident_differs_text(incident, arena);
	if (differs)
		incident_tell_group(incident, arena, differs, ret_page);
	ret_page->acked_by = incident->acked_by;
	ret_page->escalates = escalation_next_text(incident, arena);
	if (*incident->refused)
		incident_tell_refused(incident, arena, ret_page);
	if (*incident->moved_to)
		incident_tell_target(incident, arena, ret_page);
}

/* ---- queueing ---- */

/* The pagers that have the incident beside this one. */
static const char *incident_also_paged(const struct incident *incident, struct arena *arena,
				       const struct recipient *reader)
{
	BUF_LOCAL(text, LIMIT_PAGE_NOTE_BYTES);
	const struct recipient *recipient;

	STAILQ_FOREACH (recipient, &incident->recipients, link) {
		if (recipient->pager == reader->pager || !recipient_is_newest(recipient))
			continue;
		buf_puts(&text, text.len ? ", " : "");
		plain_add(&text, recipient->pager, LIMIT_PAGE_NAME_COLUMNS);
		if (recipient->state == RECIPIENT_REFUSED)
			buf_puts(&text, " (rejected the page)");
	}
	const char *kept = text.failed ? "many others"
			   : text.len  ? arena_strdup(arena, buf_text(&text))
				       : "nobody else";
	buf_fini(&text);
	return kept;
}

static void queued_page_free(struct queued_page *page)
{
	cleanup_free(&page->row.doc);
	page_copy_free(page->copy);
	free(page);
}

static void queued_page_forget(void *ctx)
{
	queued_page_free(ctx);
}

/* The recipient may have got another target since the page was made. */
static const char *queued_page_target(const struct queued_page *page)
{
	const struct incident *incident = incident_get(page->book, page->row.incident);
	const struct recipient *recipient =
		incident ? recipient_find_n(incident, page->row.pager, page->row.n) : NULL;

	return recipient ? recipient->target : page->row.target;
}

/* The store has it, or has failed. */
static void queued_page_written(void *ctx, int error, const char *text)
{
	struct queued_page *page = ctx;
	struct incident_book *book = page->book;

	(void)text; /* the store logs it */
	if (!page->handed_over) {
		page->row.target = queued_page_target(page);
		incident_pause_meets(book, &page->row);
		deliver_enqueue(book->deliver, &page->row, page->copy);
	}
	page->handed_over = true;
	page->copy = NULL;
	if (!error || page->unstored) {
		queued_page_free(page);
		return;
	}
	STAILQ_INSERT_TAIL(&book->unsaved, page, link);
	book->ops.write_failed(book->ops.ctx);
}

static void queued_page_write(struct queued_page *page)
{
	if (!page->unstored)
		store_put_page(turns_batch(page->book->turns), &page->row);
	turns_then(page->book->turns, queued_page_written, queued_page_forget, page);
}

/* The page as this recipient gets it: its key, who else has it, where it acts, how loud it is. */
static struct page page_for_recipient(const struct incident *incident,
				      const struct recipient *recipient, struct arena *arena,
				      const struct page *page)
{
	const struct incident_env *env = &incident->book->env;
	BUF_LOCAL(link, LIMIT_HREF_BYTES);
	struct page own = *page;

	own.also_paged = incident_also_paged(incident, arena, recipient);
	if (recipient->n > 1)
		own.dedup_key = arena_printf(arena, "%s#%d", incident->id, recipient->n);
	if (recipient->role == RECIPIENT_NOTIFIED) {
		own.urgency = "low";
		if (own.severity > SEVERITY_WARNING)
			own.severity = SEVERITY_WARNING;
	}
	if (own.event == PAGE_RESOLVE && !incident_is_over(incident)) {
		own.status = "resolved";
		own.state = "rerouted";
		own.moved_to_team = incident->team;
	}
	if (env->act_link)
		env->act_link(env->ctx, incident->id, recipient->pager, &link);
	if (link.len && !link.failed)
		own.act_href = arena_strdup(arena, buf_text(&link));
	buf_fini(&link);
	return own;
}

/* The present page of an incident, to be queued. */
struct page_draft {
	struct arena *arena;
	struct shared_text *decision, *packed;
	struct page page;
};

static void incident_queue_page(struct incident *incident, struct recipient *recipient,
				const struct page_draft *draft)
{
	const struct page page =
		page_for_recipient(incident, recipient, draft->arena, &draft->page);
	struct incident_book *book = incident->book;
	struct queued_page *queued = xcalloc(1, sizeof(*queued));
	struct buf *doc = incident_book_doc(book);

	incident_page_write_own(&page, doc);
	queued->book = book;
	memcpy(queued->incident, incident->id, sizeof(queued->incident));
	queued->copy = page_copy_new(&page, draft->decision, draft->packed);
	queued->row = (struct stored_page){
		.id = book->next_page_id++,
		.incident = queued->incident,
		.pager = recipient->pager,
		.n = recipient->n,
		.target = recipient->target,
		.doc = xstrndup(buf_text(doc), doc->len),
		.doc_len = doc->len,
		.event = (int)page.event,
		.severity = (int)page.severity,
		.state = STORED_PAGE_QUEUED,
		.created_us = clock_wall_us(book->env.clock),
		.next_us = clock_wall_us(book->env.clock),
		.error = "",
	};
	queued->unstored = incident->synthetic == SYNTHETIC_SELF;
	recipient->waiting++;
	recipient->told_us = clock_mono_us(book->env.clock);
	incident_sight(incident, INCIDENT_SIGHT_QUEUED, &queued->row);
	if (tap_is_on(book->env.tap))
		incident_tap_page(incident, &queued->row);
	queued_page_write(queued);
}

static void page_draft_make(struct incident *incident, enum page_event event, const char *note,
			    struct page_draft *ret_draft)
{
	struct page *page = &ret_draft->page;

	ret_draft->arena = arena_new(LIMIT_PAGE_ARENA_BYTES);
	ret_draft->decision = incident_decision(incident);
	ret_draft->packed = incident_packed_decision(incident);
	incident_get_page(incident, ret_draft->arena, ret_draft->decision, page);
	page->event = event;
	page->note = note;
	page->trace = incident_trace_page(incident, event, ret_draft->arena);
	incident_tell_pauses(incident->book, ret_draft->arena, page);
	incident_tell_silence(incident, ret_draft->arena, page);
}

static void page_draft_free(struct page_draft *draft)
{
	shared_text_unref(draft->decision);
	shared_text_unref(draft->packed);
	arena_free(draft->arena);
}

void incident_queue(struct incident *incident, struct recipient *recipient, enum page_event event,
		    const char *note)
{
	struct page_draft draft;

	if (incident_silence_keeps(incident, event))
		return;
	page_draft_make(incident, event, note, &draft);
	incident_queue_page(incident, recipient, &draft);
	page_draft_free(&draft);
}

void incident_queue_act(struct incident *incident, struct recipient *recipient, enum act_kind act,
			const char *note)
{
	struct page_draft draft;

	page_draft_make(incident, PAGE_NOTICE, note, &draft);
	draft.page.act = act_name(act);
	incident_queue_page(incident, recipient, &draft);
	page_draft_free(&draft);
}

void incident_queue_all(struct incident *incident, enum page_event event, const char *note)
{
	struct recipient *recipient;
	struct page_draft draft;

	if (incident_silence_keeps(incident, event))
		return;
	page_draft_make(incident, event, note, &draft);
	STAILQ_FOREACH (recipient, &incident->recipients, link) {
		/* A recipient that was paged since the last alert joined knows of that alert. */
		bool knows = event == PAGE_UPDATE && recipient->told_us &&
			     recipient->told_us >= incident->joined_us;
		bool has_it = recipient->state == RECIPIENT_ASKED ||
			      recipient->state == RECIPIENT_REACHED;
		bool full = event == PAGE_NOTICE && recipient->waiting >= LIMIT_RECIPIENT_WAITING;
		if (!has_it || knows || full || !recipient_is_newest(recipient))
			continue;
		incident_queue_page(incident, recipient, &draft);
	}
	incident->told_us = draft.page.at_us;
	page_draft_free(&draft);
}

int incidents_read_page(void *ctx, const struct stored_page *row, struct arena *arena,
			struct page *ret_page, struct err *err)
{
	const struct incident_book *book = ctx;
	struct incident *incident = incident_get(book, row->incident);

	if (!incident)
		return page_read(arena, row->doc, row->doc_len, ret_page, err);
	struct shared_text *decision = incident_decision(incident);
	struct page base = *incident_page(incident);
	base.decision = arena_strdup(arena, shared_text_text(decision));
	shared_text_unref(decision);
	return page_read_over(arena, &base, row->doc, row->doc_len, ret_page, err);
}

bool incident_pages_heal(struct incident_book *book, size_t n)
{
	struct queued_page *page;

	for (; n && (page = STAILQ_FIRST(&book->unsaved)); n--) {
		STAILQ_REMOVE_HEAD(&book->unsaved, link);
		queued_page_write(page);
	}
	return !STAILQ_EMPTY(&book->unsaved);
}

void incident_pages_changed(struct incident_book *book, const struct stored_page *row)
{
	struct queued_page *page;

	if (strcmp(row->pager, DELIVER_SINK) != 0)
		store_touch_page(turns_batch(book->turns), row);
	STAILQ_FOREACH (page, &book->unsaved, link)
		if (page->row.id == row->id) {
			page->row.state = row->state;
			page->row.attempts = row->attempts;
		}
}

void incident_pages_free(struct incident_book *book)
{
	struct queued_page *page;

	while ((page = STAILQ_FIRST(&book->unsaved))) {
		STAILQ_REMOVE_HEAD(&book->unsaved, link);
		queued_page_free(page);
	}
}
