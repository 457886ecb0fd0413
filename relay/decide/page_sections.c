/*
 * Page sections: what a page says below its headline, one fact each: why this team is paged, how
 * sure the verdict is, the path in one line, the waterfall, the other suspects, the walk's reasons,
 * the alert's own words; and a banner where the cause is not known. A fact that the headline has is
 * not told again. All text from outside goes through plain.h. Decides nothing; owns nothing.
 */
#include <stdio.h>
#include <string.h>

#include "decide-internal.h"
#include "tracepager/limits.h"
#include "tracepager/plain.h"
#include "tracepager/waterfall.h"
#include "tracepager/xalloc.h"

/* Keep what was built, without a line end behind it, and free the buffer. */
static const char *section_take(struct arena *arena, struct buf *out)
{
	size_t len = out->len;

	while (len && out->data[len - 1] == '\n')
		len--;
	const char *text = arena_strndup(arena, buf_text(out), len);

	buf_fini(out);
	return text;
}

/* ---- why, and how sure ---- */

/* Is the suspect a caller, because the rules do not know the callee that failed? */
static bool callee_has_no_owner(const struct decision *d)
{
	const struct suspect *suspect = &d->verdict.suspect;

	return d->verdict.found && d->service && suspect->kind == SUSPECT_PEER &&
	       suspect->resource && suspect->callee && *suspect->callee;
}

/* "team ledger owns ledger (rules.yaml:24); no rule names an owner of postgresql/ledger, so its
 * caller's team is paged" */
static const char *section_why(struct arena *arena, const struct decision *d)
{
	BUF_LOCAL(out, 8 * LIMIT_PAGE_LINE_COLUMNS * ARRAY_LEN(d->owner_reasons));

	for (unsigned int i = 0; i < d->nowner_reasons; i++) {
		buf_puts(&out, i ? "; " : "");
		plain_add(&out, d->owner_reasons[i], LIMIT_PAGE_LINE_COLUMNS);
		if (i > 0 || !callee_has_no_owner(d))
			continue;
		buf_puts(&out, "; no rule names an owner of ");
		plain_add(&out, d->verdict.suspect.callee, LIMIT_PAGE_NAME_COLUMNS);
		buf_puts(&out, ", so its caller's team is paged");
	}
	return section_take(arena, &out);
}

/* A reason on one line. The error's words that stand in the headline or the banner are left out: ":
 * disk is full".
 */
static void section_add_reason(struct arena *arena, const struct decision *d, const char *reason,
			       struct buf *out)
{
	const char *error = d->verdict.suspect.error;
	BUF_LOCAL(plain, 8 * LIMIT_PAGE_LINE_COLUMNS);
	BUF_LOCAL(words, 8 * LIMIT_PAGE_LINE_COLUMNS);

	plain_add(&plain, reason, LIMIT_PAGE_LINE_COLUMNS);
	buf_puts(&words, ": ");
	plain_add(&words, error ? error_shown(arena, error) : NULL, LIMIT_PAGE_LINE_COLUMNS);
	const char *text = buf_text(&plain), *end = text + plain.len;
	/* A headline of what was too slow has no error; a banner has one that all candidates say.
	 */
	const char *found = words.len > 2 && (strstr(d->page.summary, buf_text(&words) + 2) ||
					      strstr(d->page.banner, buf_text(&words)))
				    ? strstr(text, buf_text(&words))
				    : NULL;
	/* Only whole words: ": disk" is no part of ": disk is full". */
	if (found && (!found[words.len] || found[words.len] == ';')) {
		buf_add(out, text, (size_t)(found - text));
		text = found + words.len;
	}
	buf_add(out, text, (size_t)(end - text));
	buf_fini(&plain);
	buf_fini(&words);
}

/* The first reason of a verdict that names a suspect counts its traces. */
static unsigned int reasons_told(const struct decision *d)
{
	return d->verdict.found && d->verdict.nreasons ? 1 : 0;
}

/* Why the confidence is no higher, as far as no reason and no limit says it. */
static void evidence_add_lack(const struct decide_input *input, const struct decision *d,
			      struct buf *out)
{
	const struct suspect *suspect = &d->verdict.suspect;
	const struct walk *walk = d->verdict.walk;

	if (suspect->kind == SUSPECT_PEER && suspect->callee && *suspect->callee &&
	    !d->verdict.limits.n) {
		buf_puts(out, "; no higher, since the call is all that the traces show of ");
		plain_add(out, suspect->callee, LIMIT_PAGE_NAME_COLUMNS);
	}
	if (walk && walk->mode == WALK_ERRORS && (!input->healthy || !input->healthy->n))
		buf_puts(out, "; no healthy traces to compare with");
}

/* The banner of a verdict that is too weak has its number, that of a tie has not. */
static const char *section_evidence_of_tie(struct arena *arena, const struct verdict *verdict)
{
	if (verdict->fallback != FALLBACK_LOW_CONFIDENCE || verdict->nrunners_up < 2 ||
	    verdict->runners_up[0].agree != verdict->runners_up[1].agree)
		return "";
	return arena_printf(arena, "confidence %.2f: not enough to name a cause",
			    verdict->confidence);
}

/* "confidence 0.95 (almost certain): 8 of 8 failing traces end in ledger; no such error in 14
 * healthy traces" */
static const char *section_evidence(struct arena *arena, const struct decide_input *input,
				    const struct decision *d)
{
	const struct verdict *verdict = &d->verdict;
	BUF_LOCAL(out, 16 * LIMIT_PAGE_LINE_COLUMNS + 128);

	if (!verdict->found)
		return section_evidence_of_tie(arena, verdict);
	buf_printf(&out, "confidence %.2f (%s): ", verdict->confidence,
		   confidence_words(verdict->confidence));
	if (reasons_told(d))
		section_add_reason(arena, d, verdict->reasons[0], &out);
	else
		buf_printf(&out, "%u of %u trace%s", verdict->agree, verdict->of,
			   verdict->of == 1 ? "" : "s");
	evidence_add_lack(input, d, &out);
	return section_take(arena, &out);
}

/* "confidence at most 0.60: …; confidence times 0.80: spans of this trace are missing" */
static const char *section_limits(struct arena *arena, const struct decision *d)
{
	const struct verdict_limits *limits = &d->verdict.limits;
	BUF_LOCAL(out, (limits->n + 1) * (8 * LIMIT_PAGE_LINE_COLUMNS + 4));

	for (unsigned int i = 0; i < limits->n; i++) {
		BUF_LOCAL(line, 4 * LIMIT_PAGE_LINE_COLUMNS + 64);
		verdict_limit_write(&limits->at[i], &line);
		buf_puts(&out, i ? "; " : "");
		plain_add(&out, buf_text(&line), LIMIT_PAGE_LINE_COLUMNS);
		buf_fini(&line);
	}
	return section_take(arena, &out);
}

static const char *section_what_differs(struct arena *arena, const struct decision *d)
{
	const struct verdict *verdict = &d->verdict;
	BUF_LOCAL(out, (verdict->ndiffers + 1) * (8 * LIMIT_PAGE_LINE_COLUMNS + 4));

	for (unsigned int i = 0; i < verdict->ndiffers; i++) {
		buf_puts(&out, i ? "; " : "");
		plain_add(&out, verdict->differs[i].text, LIMIT_PAGE_LINE_COLUMNS);
	}
	return section_take(arena, &out);
}

/* ---- the path ---- */

/* A run of spans of one service in the path. */
struct hop {
	uint32_t first, last; /* positions in the path */
};

static uint32_t next_hop(const struct walk *walk, uint32_t at, struct hop *ret_hop)
{
	const struct span *spans = walk->trace->spans;
	const char *service = span_service(walk->trace, &spans[walk->path[at]]);

	ret_hop->first = at;
	do
		ret_hop->last = at++;
	while (at < walk->npath &&
	       strcmp(service, span_service(walk->trace, &spans[walk->path[at]])) == 0);
	return at;
}

/* The other end of the last call, which has no span on the path. */
static void path_add_callee(const struct walk *walk, struct buf *out)
{
	const struct suspect *suspect = &walk->suspect;

	if (!walk->found || !suspect->callee || !*suspect->callee ||
	    (suspect->kind != SUSPECT_PEER && suspect->kind != SUSPECT_EDGE))
		return;
	buf_puts(out, " > ");
	plain_add(out, suspect->callee, LIMIT_PAGE_NAME_COLUMNS);
}

/* "web > checkout > ledger (ledger.Book)": services, and the operation where the path ends. */
static const char *section_path(struct arena *arena, const struct decision *d)
{
	const struct walk *walk = d->verdict.walk;
	BUF_LOCAL(out, (LIMIT_PAGE_HOPS + 3) * (8 * LIMIT_PAGE_NAME_COLUMNS + 16));
	uint32_t nhops = 0, number = 0;
	struct hop hop;

	if (!d->verdict.found || !walk || !walk->npath)
		return "";
	for (uint32_t at = 0; at < walk->npath; nhops++)
		at = next_hop(walk, at, &hop);
	for (uint32_t at = 0; at < walk->npath; number++) {
		at = next_hop(walk, at, &hop);
		if (nhops > LIMIT_PAGE_HOPS && number == LIMIT_PAGE_HOPS / 2)
			buf_printf(&out, " > … %u more …", nhops - LIMIT_PAGE_HOPS);
		if (nhops > LIMIT_PAGE_HOPS && number >= LIMIT_PAGE_HOPS / 2 &&
		    number < nhops - LIMIT_PAGE_HOPS / 2)
			continue;
		buf_puts(&out, number ? " > " : "");
		plain_add(&out,
			  span_service(walk->trace, &walk->trace->spans[walk->path[hop.first]]),
			  LIMIT_PAGE_NAME_COLUMNS);
	}
	path_add_callee(walk, &out);
	buf_puts(&out, " (");
	plain_add(&out,
		  trace_text(walk->trace, walk->trace->spans[walk->path[walk->npath - 1]].name),
		  LIMIT_PAGE_NAME_COLUMNS);
	buf_putc(&out, ')');
	return section_take(arena, &out);
}

/* ---- the trace ---- */

static const char *section_waterfall(struct arena *arena, const struct decision *d)
{
	const struct waterfall_options options = { .lines = LIMIT_WATERFALL_LINES,
						   .columns = LIMIT_WATERFALL_COLUMNS };
	const struct walk *walk = decision_walk(d);
	BUF_LOCAL(out, LIMIT_PAGE_DETAILS_BYTES);
	BUF_LOCAL(lines, LIMIT_PAGE_DETAILS_BYTES);

	if (!walk)
		return "";
	buf_puts(&out, "Trace ");
	plain_add(&out, trace_text(walk->trace, walk->trace->id), LIMIT_PAGE_NAME_COLUMNS);
	if (d->nwalks > 1)
		buf_printf(&out, ", one of %u", d->nwalks);
	buf_puts(&out, ":\n");
	waterfall_write(walk, &options, &lines);
	waterfall_legend_write(walk, buf_text(&lines), &out);
	buf_puts(&out, buf_text(&lines));
	out.failed |= lines.failed;
	buf_fini(&lines);
	return section_take(arena, &out);
}

/* "shipping (2 of 5 traces), stock (2 of 5 traces)" */
static const char *section_could_be(struct arena *arena, const struct decision *d)
{
	const struct verdict *verdict = &d->verdict;
	BUF_LOCAL(out, ARRAY_LEN(verdict->runners_up) * (16 * LIMIT_PAGE_NAME_COLUMNS + 64));

	for (unsigned int i = 0; i < verdict->nrunners_up; i++) {
		const struct runner_up *other = &verdict->runners_up[i];
		buf_puts(&out, i ? ", " : "");
		plain_add(&out, other->service, LIMIT_PAGE_NAME_COLUMNS);
		if (other->callee) {
			buf_puts(&out, " → ");
			plain_add(&out, other->callee, LIMIT_PAGE_NAME_COLUMNS);
		}
		if (other->agree)
			buf_printf(&out, " (%u of %u trace%s)", other->agree, verdict->of,
				   verdict->of == 1 ? "" : "s");
	}
	return section_take(arena, &out);
}

/* Does the story of one trace, which the waterfall shows, begin with this reason? */
static bool begins_story(const struct decision *d, const char *reason)
{
	const struct walk *walk = d->verdict.walk;

	return d->nwalks > 1 && walk && walk->nreasons && strcmp(walk->reasons[0], reason) == 0;
}

static const char *section_reasons(struct arena *arena, const struct decision *d)
{
	BUF_LOCAL(out, LIMIT_PAGE_DETAILS_BYTES);

	for (unsigned int i = reasons_told(d); i < d->verdict.nreasons; i++) {
		buf_puts(&out, "- ");
		if (begins_story(d, d->verdict.reasons[i]))
			buf_puts(&out, "in the trace shown: ");
		section_add_reason(arena, d, d->verdict.reasons[i], &out);
		buf_putc(&out, '\n');
	}
	return section_take(arena, &out);
}

/* ---- the banner ---- */

static const char *section_banner(struct arena *arena, const struct decision *d)
{
	const enum fallback_code why = d->verdict.fallback;
	BUF_LOCAL(out, 8 * LIMIT_PAGE_LINE_COLUMNS + 64);

	/* The reasons for the owner say already that nobody owns the suspect. */
	if (why == FALLBACK_NONE || why == FALLBACK_NO_OWNER)
		return "";
	if (decision_is_untraced(d))
		return "This alert names no traced operation, so no traces were searched";
	if (!d->verdict.found)
		buf_puts(&out, why == FALLBACK_LOW_CONFIDENCE ? "Why it is not certain: "
							      : "Why it is unknown: ");
	plain_add(&out, d->verdict.fallback_text, LIMIT_PAGE_LINE_COLUMNS);
	return section_take(arena, &out);
}

/* ---- the alert's words ---- */

/* Add an annotation, at most LIMIT_PAGE_NOTE_LINES of its lines. */
static void says_add(const char *title, const char *text, struct buf *out)
{
	unsigned int lines = 0;

	while (*text && lines <= LIMIT_PAGE_NOTE_LINES) {
		size_t len = strcspn(text, "\n");
		BUF_LOCAL(line, LIMIT_LABEL_BYTES + 1);
		buf_add(&line, text, len);
		text += len + (text[len] == '\n');
		if (plain_columns(buf_text(&line), 1) > 0) {
			buf_puts(out, lines ? "" : title);
			plain_add(out, lines < LIMIT_PAGE_NOTE_LINES ? buf_text(&line) : "…",
				  LIMIT_PAGE_LINE_COLUMNS);
			buf_putc(out, '\n');
			lines++;
		}
		buf_fini(&line);
	}
}

/* Are these the last words of the headline, or whole in it? */
static bool headline_has(const struct decision *d, const char *text)
{
	BUF_LOCAL(plain, 8 * LIMIT_PAGE_LINE_COLUMNS);

	plain_add(&plain, text, LIMIT_PAGE_LINE_COLUMNS);
	bool has = plain.len && strstr(d->page.summary, buf_text(&plain));
	buf_fini(&plain);
	return has;
}

/* Its annotations summary and description, and what the room format left out of the alert. */
static const char *section_alert_says(struct arena *arena, const struct decision *d)
{
	BUF_LOCAL(out, LIMIT_PAGE_DETAILS_BYTES);
	const char *summary = decision_annotation(d, "summary"),
		   *description = decision_annotation(d, "description");

	if (!headline_has(d, summary))
		says_add("", summary, &out);
	if (strcmp(summary, description) != 0 && !headline_has(d, description))
		says_add("", description, &out);
	says_add("tracepager: ", decision_annotation(d, "tracepager_cut"), &out);
	return section_take(arena, &out);
}

void page_sections_fill(struct arena *arena, const struct decide_input *input, struct decision *d)
{
	struct page *page = &d->page;

	page->banner = section_banner(arena, d);
	page->why = section_why(arena, d);
	page->evidence = section_evidence(arena, input, d);
	page->limits = section_limits(arena, d);
	page->path = section_path(arena, d);
	page->what_differs = section_what_differs(arena, d);
	page->could_be = section_could_be(arena, d);
	page->waterfall = section_waterfall(arena, d);
	page->reasons = section_reasons(arena, d);
	page->alert_says = section_alert_says(arena, d);
	page->details = "";
}
