/*
 * The caps of web, each with its reason: a section of limits.h, which includes it.
 */
#ifndef TRACEPAGER_LIMITS_WEB_H
#define TRACEPAGER_LIMITS_WEB_H

/* The host of a Host or Origin header: a name of the DNS has 253 characters. */
#define LIMIT_HOST_BYTES 256
/* One segment of a path that stands for a name or an id. */
#define LIMIT_PATH_PLACE_BYTES 256u
/* An error as JSON: its sentence may quote what is wrong. */
#define LIMIT_WEB_ERROR_BYTES (64u << 10)
/* A whole reply by which the server refuses a request: its texts are its own. */
#define LIMIT_REFUSAL_BYTES 2048
/* Retry-After of a 503, in seconds: the store answers again within one. */
#define LIMIT_WEB_RETRY_AFTER_S 5
/* The body of a request of the API: a comment, or a silence with many matchers. */
#define LIMIT_WEB_BODY_BYTES (64u << 10)
/* A comment, a reason, a name: a person reads it in a page. */
#define LIMIT_ACT_TEXT_BYTES 2000u
/* Pagers that an answer about one that does not exist names: they fit two lines of a terminal. */
#define LIMIT_PAGERS_TOLD 8u
/* Entries of one answer of a list, without and with `limit`. */
#define LIMIT_LIST_DEFAULT 100
#define LIMIT_LIST_MOST	   1000
/* The answer about incidents: LIMIT_LIST_MOST of a few KiB, or one with its whole decision. */
#define LIMIT_INCIDENTS_BYTES (16u << 20)
/* Past incidents that are read for one answer: with filters most may not fit. */
#define LIMIT_LIST_LOOKED 20000u
/* Decisions that are unpacked for one answer: each takes about 0.1 ms of a pool thread. Where a
 * filter leaves fewer than `limit`, the cursor goes on behind them. */
#define LIMIT_DECISIONS_LOOKED 2000u
/* An answer that gets an entity tag: a digest of more would hold the loop for over a ms. */
#define LIMIT_ETAG_OF_BYTES (256u << 10)
/* Notes from outside on one incident: one for each tool that analyses it. */
#define LIMIT_NOTES	       20u
#define LIMIT_NOTE_NAME_BYTES  64u
#define LIMIT_NOTE_TITLE_BYTES 200u
/* Markdown: an analysis of some pages. */
#define LIMIT_NOTE_TEXT_BYTES (32u << 10)
/* The texts of all notes that the story of one incident has, those that were replaced too: the
 * story is read up to LIMIT_STORY_EVENTS. */
#define LIMIT_NOTES_ARENA_BYTES (LIMIT_STORY_EVENTS * (LIMIT_NOTE_TEXT_BYTES + 4096ul))
/* Decisions that are unpacked for figures, the newest first: half a second of a pool thread. */
#define LIMIT_STATS_DECISIONS 5000u
/* Teams of one window. */
#define LIMIT_STATS_TEAMS 500u
/* A time of a query, "2026-09-01T10:00:00.123456Z". */
#define LIMIT_TIME_TEXT_BYTES 64u
/* An act with its texts, and the sentence about it. */
#define LIMIT_ACT_BYTES	      (64u << 10)
#define LIMIT_ACT_WORDS_BYTES 4096u
/* A link of a page is good for so long at most; and until so long after its incident's end. */
#define LIMIT_ACT_LINK_US	(30 * US_PER_DAY)
#define LIMIT_ACT_LINK_AFTER_US US_PER_DAY
/* Keys of links in force: the one that signs, and the one before it. */
#define LIMIT_LINK_KEYS 2u
/* Forms that are remembered as sent: ten thousand people do not press a button in an hour. */
#define LIMIT_FORMS_SENT 4096u
/* The page behind a link: a page's texts, of which each character may be escaped. */
#define LIMIT_LINK_PAGE_BYTES (4u << 20)
/* One text of a page, as one line. */
#define LIMIT_HTML_COLUMNS 16384u
/* A page of HTML: a list of LIMIT_PAGE_ROWS, or one incident with its story. */
#define LIMIT_PAGE_HTML_BYTES (8u << 20)
/* Rows of a list on a page: nobody reads more without a filter. */
#define LIMIT_PAGE_ROWS 200u
/* Teams that the filter of a list offers. */
#define LIMIT_PAGE_TEAMS 500u
/* Spans of a trace on a page: more rows than anybody follows with the eye. */
#define LIMIT_WATERFALL_ROWS 150u
/* Somebody who has signed in signs in again after so long: a day of work. */
#define LIMIT_SESSION_US (12 * US_PER_HOUR)
/* The name of an API token, and a session with it. */
#define LIMIT_SESSION_NAME_BYTES 128u
#define LIMIT_SESSION_BYTES	 512u
/* Wrong API tokens of one peer within a minute, when the next is not looked at; and how many peers
 * are counted: whoever has more addresses is slowed by the token's length alone. */
#define LIMIT_LOGIN_FAILURES 10u
#define LIMIT_LOGIN_US	     US_PER_MINUTE
#define LIMIT_LOGIN_PEERS    256u
/* Readers whose pages keep themselves up to date: how many, how often a change is looked for, and
 * after how long a reader asks again, before proxies give the request up. */
#define LIMIT_FOLLOWERS	       200u
#define LIMIT_FOLLOW_LOOK_US   US_PER_SECOND
#define LIMIT_FOLLOW_ANSWER_US (25 * US_PER_SECOND)
/* A name that a person gives in a form. */
#define LIMIT_PERSON_BYTES 200u
/* The header Link: a path with its query. */
#define LIMIT_LINK_HEADER_BYTES 4096u

/* The service map: services with their callees, edges between them, and calls that are told apart,
 * 12 bytes each: ten times the largest fleets; 10,000 stored traces have fewer calls. */
#define LIMIT_MAP_NODES 5000u
#define LIMIT_MAP_EDGES 50000u
#define LIMIT_MAP_CALLS 2000000
/* Times of the calls of an edge that are kept for its median: the 95th percentile has 51 above it.
 */
#define LIMIT_MAP_TIMES 1024u
/* A name of a service or callee, which is cut there: strangers choose it. */
#define LIMIT_MAP_NAME_BYTES 1024
/* LIMIT_MAP_NODES with LIMIT_MAP_EDGES: attributes of 4 KiB, and 16 names of a callee each. */
#define LIMIT_MAP_BYTES ((size_t)512 << 20)
/* The names of one callee, made from attributes of LIMIT_ATTR_VALUE_BYTES and words of errors. */
#define LIMIT_MAP_SCRATCH_BYTES ((size_t)64 << 20)
/* Services and edges that a page draws: more of them nobody follows with the eye. */
#define LIMIT_MAP_DRAWN_NODES 300u
#define LIMIT_MAP_DRAWN_EDGES 900u
/* The map as JSON, DOT or Backstage entities: LIMIT_MAP_EDGES of some 500 bytes. */
#define LIMIT_MAP_TEXT_BYTES ((size_t)64 << 20)
/* The page and the API show a week, as long as traces are kept, and begin anew a day later. */
#define LIMIT_MAP_WINDOW_US (7 * US_PER_DAY)
/* How long a thread of the pool reads before other jobs have their turn, and how long a reader
 * waits for the whole of it; then the page shows what was read so far. */
#define LIMIT_MAP_STEP_US (50 * US_PER_MS)
#define LIMIT_MAP_WAIT_US (2 * US_PER_SECOND)

/* The status of the rules: LIMIT_SHADOW_KEPT differences of a few hundred bytes each; long names
 * make more of it. */
#define LIMIT_RULES_STATUS_BYTES (16u << 20)
/* Of each pager: events that have acted, and incidents of the pager whose own ids are known. After
 * a storm a person may tick 1,000 incidents at once, and any of these events may come again. */
#define LIMIT_FEEDBACK_EVENTS	 2048u
#define LIMIT_FEEDBACK_INCIDENTS 1024u
/* The reply to it: LIMIT_FEEDBACK_ACTS outcomes with their sentences. */
#define LIMIT_FEEDBACK_REPLY_BYTES (2u << 20)

/* ---- rules and teams ---- */

/* Rules whose hits the status tells: it is written on the loop, a microsecond for each. */
#define LIMIT_RULE_HITS_SHOWN 1000u
/* Lines of a file of rules on one page: about 50 KiB. */
#define LIMIT_SOURCE_LINES 400u
/* The pages of a team are counted over so long, and recent ones over a week; what was counted is
 * good for a minute. */
#define LIMIT_TEAM_PERIOD_US (30 * US_PER_DAY)
#define LIMIT_TEAM_RECENT_US (7 * US_PER_DAY)
#define LIMIT_TEAM_KEPT_US   US_PER_MINUTE
/* Services of a team, and steps of its escalation, on its page. */
#define LIMIT_TEAM_SERVICES 200u
#define LIMIT_TEAM_STEPS    50u
/* Files of rules that a page leads to. */
#define LIMIT_SOURCE_FILES 500u

/* ---- what if ---- */

/* The body of a request for what-if: a webhook, and some traces of 1,000 spans each, which a form
 * sends half as large again. */
#define LIMIT_WHAT_IF_BODY_BYTES (8u << 20)
/* Its answer: two decisions. */
#define LIMIT_WHAT_IF_ANSWER_BYTES (2u * LIMIT_DECISION_BYTES + (1u << 20))
/* Those that run side by side: each holds a thread of the pool and up to ten times its body. */
#define LIMIT_WHAT_IFS 2u
/* Files of rules pasted as one text, and notes about what was pasted. */
#define LIMIT_WHAT_IF_FILES 200u
#define LIMIT_WHAT_IF_NOTES 20u
/* A pasted text that is shown again in the form. */
#define LIMIT_WHAT_IF_SHOWN_BYTES (48u << 10)

#endif
