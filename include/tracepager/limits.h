/*
 * Every cap of the program, with its reason, by room from the lowest level up. A number that bounds
 * what a peer, a file or time can make grow stands here and nowhere else. A cap that several rooms
 * use stands with the lowest of them. Those of some rooms have files of their own: limits_store.h,
 * limits_doctor.h, limits_drill.h, limits_log.h, limits_mail.h, limits_mcp.h, limits_pager.h,
 * limits_peer.h, limits_telemetry.h and limits_web.h. Defaults stand in tbl/options.def.
 */
#ifndef TRACEPAGER_LIMITS_H
#define TRACEPAGER_LIMITS_H

/* Time, in microseconds. */
#define US_PER_MS     1000LL
#define US_PER_SECOND 1000000LL
#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR   (60 * US_PER_MINUTE)
#define US_PER_DAY    (24 * US_PER_HOUR)

/* ---- base ---- */

/* Nesting of JSON and YAML: the deepest format of ours needs 12 levels (OTLP key-value lists). */
#define LIMIT_DEPTH 64
/* One JSON string or number: SQL statements and stack traces fit, a whole body does not. */
#define LIMIT_TOKEN_BYTES (4u << 20)
/* The path of a JSON member, such as trace.id: far above the longest path that a decoder knows. */
#define LIMIT_MEMBER_PATH_BYTES 1024u
/* The first line of a secret file: a signed token with many claims has some 2 KiB. */
#define LIMIT_SECRET_BYTES 4096u
/* Names of credentials that a check tells it could not read; a service is passed some ten. */
#define LIMIT_CREDENTIALS_TOLD 64u
/* A shorter secret is not hidden in what a peer answers: it would hide parts of words. */
#define LIMIT_HIDDEN_LEAST_BYTES 3u
/* Of a secret that a peer quotes in part, as much and its first half are hidden. */
#define LIMIT_HIDDEN_CUT_BYTES 8u
/* The name of a pager in a link: that of a name in the rules that fits into a short URL. */
#define LIMIT_LINK_PAGER_BYTES 128u
/* What a link or a form signs beside itself: an incident's id, or a token. */
#define LIMIT_LINK_SIGNED_BYTES 2048u
/* A form is good for so long after it was shown: a person reads the page and decides. */
#define LIMIT_FORM_US US_PER_HOUR
/* Unpacked bytes per packed byte: our own documents reach 50, a bomb of zeros 1,000 by zlib
 * and 20,000 by zstd. */
#define LIMIT_PACK_RATIO 200u
/* Of a text against which others are packed in memory, as much counts; and so many texts in a row
 * that are unlike it are the sign that texts of another kind have begun. */
#define LIMIT_ALIKE_BASE_BYTES (16u << 10)
#define LIMIT_ALIKE_MISSES     16u
/* How often free memory is looked at, and by how much it has grown where it is given back. */
#define LIMIT_TRIM_US	 (20 * US_PER_SECOND)
#define LIMIT_TRIM_BYTES (4u << 20)
/* One message to the service manager: a status line and three assignments. A start or an end waits
 * for it so long where its socket is full; it reads one message in well under a millisecond. */
#define LIMIT_NOTIFY_BYTES  1024u
#define LIMIT_NOTIFY_WAIT_S 1
/* How often the status is told anew, where the watchdog does not ask for more. */
#define LIMIT_NOTIFY_US (5 * US_PER_SECOND)
/* And how often at most, whatever WATCHDOG_USEC says: a watchdog of less than 200 ms would kill a
 * relay that one commit of its store holds up, and 10 messages a second cost nothing. */
#define LIMIT_NOTIFY_LEAST_US (100 * US_PER_MS)
#include "tracepager/limits_log.h"
/* Headers of a request of ours: those of its kind, those of credentials, and LIMIT_SOURCE_HEADERS
 * declared ones. */
#define LIMIT_REQUEST_HEADERS 24
/* Headers of a reply that its handler sees; later ones are left out. */
#define LIMIT_REPLY_HEADERS 64
/* Timers that fire in one turn of the loop: most handlers take a microsecond, and LIMIT_SLICE_US
 * bounds slower ones. */
#define LIMIT_TIMERS_PER_TURN 512u
/* Work that may be ten thousand pieces at once is done in slices: half of LIMIT_TURN_US in a turn.
 */
#define LIMIT_SLICE_US	  US_PER_MS
#define LIMIT_SLICE_ITEMS 64u

/* ---- model: alerts ---- */

/* Labels, or annotations, of one alert; further ones are left out, and the alert says so.
 * Prometheus' default limit is 30 labels. */
#define LIMIT_LABELS 256
/* One label or annotation value; a longer one is cut, since annotations carry whole runbooks. */
#define LIMIT_LABEL_BYTES (16u << 10)
/* All labels and annotations of one alert: what is over the cap is left out or cut, and the alert
 * says so. Escaping may make a stored or sent alert six times as large. */
#define LIMIT_ALERT_BYTES (256u << 10)

/* ---- model: traces ---- */

/* One trace. Larger ones are refused whole (trace_too_large): Jaeger writes the services last, so
 * that a cut trace has none. */
#define LIMIT_TRACE_SPANS	 250000u
#define LIMIT_TRACE_STRING_BYTES (16u << 20)
/* Traces of one document: a hundred times LIMIT_SEARCH_DEPTH. */
#define LIMIT_TRACES_PER_DOCUMENT 10000u
/* Attributes kept of one resource: the detectors of host, Kubernetes and cloud together set
 * some 40.
 */
#define LIMIT_RESOURCE_ATTRS	  64u
#define LIMIT_RESOURCE_ATTR_BYTES 4096u
/* Attributes kept of one span: those of attrs.def that occur together, and those that rules name.
 */
#define LIMIT_SPAN_ATTRS 48u
/* Exception events of one span that are read until the one is known by which it failed; of more,
 * the last one takes the place of the one before. */
#define LIMIT_SPAN_EXCEPTIONS 8u
/* Parents of spans beside their first ones, in one document (Jaeger): joins have them, and few
 * tracers write them. Each failing span is compared with all of them. */
#define LIMIT_OTHER_PARENTS 64u
/* Attribute names that rules name: a key has 16 bits. */
#define LIMIT_EXTRA_ATTRS 16384u
/* One kept attribute value or status text: a person reads an error message, not a document. */
#define LIMIT_ATTR_VALUE_BYTES 1024u

/* ---- model: walk and vote ---- */

/* Evidence of the traces of one alert, or of one call of explain. */
#define LIMIT_WINDOW_BYTES (256u << 20)
/* What evidence keeps of attributes, to tell what differs: those of this many traces, since more
 * change no answer; of one process so many values (a resource has 64 attributes at most); in a set
 * so many values and combinations of values, 5 MiB at worst; of a name and a value no more bytes
 * than a person can compare. */
#define LIMIT_UNIT_TRACES      1000u
#define LIMIT_UNIT_FACTS       96u
#define LIMIT_FACTS	       8192u
#define LIMIT_PROFILES	       4096u
#define LIMIT_FACT_NAME_BYTES  128u
#define LIMIT_FACT_VALUE_BYTES 256u
/* What evidence keeps of the order of calls: so many shapes in a set, since where there are more no
 * shape is usual; of one shape so many callees and bytes. */
#define LIMIT_SHAPES	    4096u
#define LIMIT_SHAPE_CALLEES 32u
#define LIMIT_SHAPE_BYTES   1024u
/* What healthy traces tell of callees: operations whose usual time is known, with so many durations
 * each, of which the median is taken; names that a service answers to; bytes of each text. It
 * is 1.5 MiB at worst for a signal. Fewer healthy traces than LIMIT_HABIT_LEAST tell no usual time.
 */
#define LIMIT_HABIT_TIMES      512u
#define LIMIT_HABIT_SAMPLES    64u
#define LIMIT_HABIT_NAMES      256u
#define LIMIT_HABIT_TEXT_BYTES 256u
#define LIMIT_HABIT_LEAST      5u
/* What evidence keeps of the calls of one request: a request of more fans out over data, and the
 * first of its calls tell of all edges; and of a trace's id: W3C has 32 characters, some tracers
 * write 60. 100 healthy traces take 150 KiB of a decision at worst, packed.
 */
#define LIMIT_EVIDENCE_CALLS	300u
#define LIMIT_EVIDENCE_ID_BYTES 128u
/* Scratch memory of the vote by structure: 4096 shapes with all their beginnings take 150 MiB if
 * each is as long as can be; half of it is for the beginnings. */
#define LIMIT_STRUCTURE_BYTES (512u << 20)
/* Attributes told of one verdict that differ by themselves, and others that say the same as one of
 * them: a page has a line for each of the former. */
#define LIMIT_DIFFERS	   3
#define LIMIT_DIFFERS_SAME 6
/* The operation of a trace's request is looked for through at most 8 services that only pass it on;
 * in each within 4 spans below the first, for middleware stands one below the other, and among 64
 * spans. A span that calls more than 8 others is told apart by the first 8. */
#define LIMIT_STRATUM_HOPS    8u
#define LIMIT_STRATUM_DEPTH   4u
#define LIMIT_STRATUM_SPANS   64u
#define LIMIT_STRATUM_CALLEES 8u
/* Operations of one broad signal, the commonest first; traces of rarer ones vote as one. A reason
 * names 4 that are hit and 4 that are not. */
#define LIMIT_STRATA	  20u
#define LIMIT_STRATA_TOLD 4u
/* Own times after failing calls, of one trace; and callers up to which one failure is followed. A
 * trace with more has no single failure that its times follow from. */
#define LIMIT_FALLBACKS	      256u
#define LIMIT_FALLBACK_LEVELS 64u
/* With fewer healthy traces nothing is known of what is usual: an operation has no vote by
 * contrast, and a verdict that rests on the comparison has the limit few_healthy. */
#define LIMIT_FEW_HEALTHY 5u
/* Spans kept of a critical path, for a person to read. */
#define LIMIT_CRITICAL_SPANS 256u
/* Services that the vote fits to one window (the heaviest), and calls that it tells apart in one
 * service. The two caps bound a vote to 0.1 s, whatever the traces are. */
#define LIMIT_CONTRAST_SERVICES 64u
#define LIMIT_CONTRAST_TERMS	64u
/* Reasons, and runners-up, of one decision: a person reads them all. */
#define LIMIT_REASONS	 16
#define LIMIT_RUNNERS_UP 8
/* Links of one page: the incident, its traces and runbooks; nobody opens more. */
#define LIMIT_PAGE_LINKS 12
/* Characters of a text that are measured for a terminal: a longer text is cut there first. */
#define LIMIT_CELLS_CHARS 1000
/* Names by which one callee can be known: the semantic conventions have 14. */
#define LIMIT_PEER_NAMES 16
/* The words of one error, and one name or text inside a sentence: each must fit the line that a
 * person reads at night. */
#define LIMIT_ERROR_WORDS_BYTES 240u
#define LIMIT_SHOWN_BYTES	120u
/* Attempts of one call that are told apart: no client retries more often; more calls are a loop
 * over data. */
#define LIMIT_CALL_ATTEMPTS 64u

/* Failing spans that one walk leaves aside and follows to other leaves: as many as
 * LIMIT_RUNNERS_UP. */
#define LIMIT_WALK_OTHERS 8
/* Jumps of one walk away from its way down, to the span that held up a call or to an orphan: each
 * scans a subtree or all roots. */
#define LIMIT_WALK_JUMPS 8u
/* Rounds in which attempts that were tried again with success are set aside, in one choice among
 * failing siblings and in the choice of a start: each round scans siblings, or all spans. */
#define LIMIT_CHOICE_ROUNDS 4
/* Failing siblings of one choice whose words are compared with those of the span above. */
#define LIMIT_CHOICE_RANKED 256u
/* Spans without a status, but with an exception event, that one step down looks at. */
#define LIMIT_WALK_EXCEPTIONS 64u
#define LIMIT_START_ROUNDS    4
/* Of LIMIT_REASONS, those reserved for the leaf, however long the way down is: two or three
 * sentences say why a leaf is the suspect. */
#define LIMIT_REASONS_FOR_LEAF 4
/* Services that a walk by latency names with their own times: the suspect and three runners-up. */
#define LIMIT_OWN_TIMES 4
/* CLIENT spans above a call that are asked for the callee's name: drivers stand on one or two
 * transports. */
#define LIMIT_PEER_CALLS 3
/* The arena of one walk of a healthy trace, freed right after it: paths, reasons and names of the
 * largest trace. */
#define LIMIT_WALK_SCRATCH_BYTES (512u << 20)
/* Candidates of a vote of which a reason tells in how many traces the walk ends there. */
#define LIMIT_ERRORS_TOLD     3
#define LIMIT_CANDIDATES_TOLD 4

/* ---- rules ---- */

/* One rules or configuration file: 10,000 services take 3 MiB. The events that libyaml makes of a
 * file bound the time: one for every 4 bytes of the largest file. */
#define LIMIT_YAML_FILE_BYTES (16u << 20)
#define LIMIT_YAML_EVENTS     4000000u
/* All files of one rules directory together. */
#define LIMIT_RULES_BYTES (64u << 20)
/* The arena of one rule set, or of one catalogue. LIMIT_RULES_BYTES bounds what goes in; this cap
 * only stops a bug of ours. */
#define LIMIT_RULES_ARENA_BYTES (8ull << 30)
/* Files that include files: deeper nesting is a circle, or a mistake. */
#define LIMIT_INCLUDE_DEPTH 8u
/* Findings told of one load; the others are counted. Nobody repairs a thousand before loading
 * again. */
#define LIMIT_FINDINGS 1000
/* The message or hint of one finding; names within it are cut before. */
#define LIMIT_FINDING_TEXT_BYTES 2048u
/* A longer source line is not shown beneath its finding: no person wrote it. */
#define LIMIT_FINDING_LINE_BYTES 1024u
/* Lines above a finding's that are searched for the key of its value: a value below its key is one
 * text or a short list. */
#define LIMIT_SECRET_LINES 100u
/* Comparisons of names in one load, for "did you mean" and for rules that hide others: about a
 * second of work. Findings after the cap have no suggestion. */
#define LIMIT_WORDS_COMPARED 1000000u
/* Words of the past that a check of rules knows: each is compared with each word of the rules that
 * was never seen. Values of one label: one with more is an id, or a host. */
#define LIMIT_SEEN_WORDS  20000u
#define LIMIT_SEEN_VALUES 1000u
/* The past that "tracepager check --store" reads: decisions are kept for 90 days, traces for 7. So
 * many alerts and decisions with small traces take 0.3 s; large traces take longer. */
#define LIMIT_PAST_WORDS_DAYS	     90
#define LIMIT_PAST_WORDS_TRACES_DAYS 7
#define LIMIT_PAST_WORDS_ALERTS	     50000u
#define LIMIT_PAST_WORDS_TRACES	     5000u
/* A longer word has no suggestion: it is no slip of the finger, and the comparison takes time with
 * the product of the lengths. */
#define LIMIT_SUGGEST_BYTES 64u
/* Names that rules give to teams, services and pagers: they stand in keys, logs and pages. */
#define LIMIT_RULE_NAME_BYTES 200u
/* One glob: comparing two globs takes time with the product of their lengths. */
#define LIMIT_GLOB_BYTES 1024u
/* Texts of one condition that are compared one by one, when rules are checked for those that hide
 * others; a condition with more is compared as a whole. */
#define LIMIT_GLOB_TEXTS 64u
/* One regular expression, and the steps and memory of one match: a few milliseconds at worst. */
#define LIMIT_REGEX_BYTES    4096u
#define LIMIT_REGEX_STEPS    100000u
#define LIMIT_REGEX_HEAP_KIB 1024u
/* Later ends of silences, and longer windows and holds: check asks whether they are slips. */
#define LIMIT_SILENCE_USUAL_US	    (2 * 365 * US_PER_DAY)
#define LIMIT_TRACE_WINDOW_USUAL_US US_PER_DAY
#define LIMIT_RESOLVE_HOLD_USUAL_US US_PER_DAY
/* A step's wait from which on check asks whether minutes were meant. */
#define LIMIT_STEP_WAIT_US (12 * US_PER_HOUR)
/* Labels of a group_by, and attributes of an incident_key. */
#define LIMIT_GROUP_LABELS 16u
/* Steps of one escalation and its repeats: PagerDuty repeats nine times at most, and nobody reads a
 * longer list of steps. */
#define LIMIT_ESCALATION_STEPS	64u
#define LIMIT_ESCALATION_REPEAT 100
/* Pagers of one step or route: each is a request of its own, all sent at once. */
#define LIMIT_STEP_PAGERS 64u
/* Secrets of one peer that count side by side: the old one and the new one of a rotation. */
#define LIMIT_LIVE_SECRETS 2u
/* A step that gives no wait, where another follows it. */
#define LIMIT_STEP_WAIT_USUAL_US (10 * US_PER_MINUTE)
/* The least wait before another step or run: a hundred runs in one moment help nobody. */
#define LIMIT_STEP_WAIT_LEAST_US US_PER_SECOND
/* Escalations that are named of a circle of escalations that page each other's teams. */
#define LIMIT_CIRCLE_NAMED 8u
/* Teams that "not ours" can go to, of one decision; the fallback team comes behind them. */
#define LIMIT_NEXT_OWNERS 8u
/* Matching routes of one page that say "continue", and pagers that they notify beside the owner's:
 * nobody understands a longer chain. */
#define LIMIT_ROUTES_MATCHED 32u
#define LIMIT_ALSO_NOTIFY    16u
/* Rules that did not match and are kept in a decision: the nearest ones explain it, further ones
 * only fill the page. */
#define LIMIT_RULES_MISSED 20u
/* Globs that the reason of one rule lists. */
#define LIMIT_REASON_GLOBS 4u
/* A file of the time zone database: the largest has 4 KiB. */
#define LIMIT_ZONE_BYTES (256u << 10)
/* The value of any duration option: 100 years, so that adding it to a wall time cannot overflow. */
#define LIMIT_DURATION_US (36500 * US_PER_DAY)
/* Catalogues from which rules are made. Entries: five times what the largest companies list. Files:
 * one per service. A text is a title or an address, which browsers cut at 2 KiB. */
#define LIMIT_CATALOGUE_ENTRIES	   50000u
#define LIMIT_CATALOGUE_FILES	   20000u
#define LIMIT_CATALOGUE_TEXT_BYTES 2048u
/* Parents above a group, or systems above a service, that are asked for an owner: more are a
 * circle. */
#define LIMIT_CATALOGUE_PARENTS 16u
/* Routes that are made of one configuration of Alertmanager. Routes that continue multiply; a
 * person reads the result. */
#define LIMIT_IMPORT_ROUTES 2000u
/* Routes of the tree of one configuration: each is compared with those before it, 2 seconds for
 * all. */
#define LIMIT_IMPORT_TREE_ROUTES 10000u
/* Lines of a CODEOWNERS file: twice the longest one seen; every service is compared with each. */
#define LIMIT_CODEOWNERS_LINES 10000u

/* ---- expr ---- */

/* The expression of an alert's rule: generated burn-rate rules have up to 4 KiB. */
#define LIMIT_EXPR_BYTES (32u << 10)
/* Brackets and calls inside of each other: generated rules have up to 12, and the reader recurs. */
#define LIMIT_EXPR_DEPTH 64
/* Selectors of one expression, conditions of one selector, and alternatives of one condition:
 * several times what people's rules have. */
#define LIMIT_EXPR_SELECTORS 64u
#define LIMIT_EXPR_MATCHES   32u
#define LIMIT_EXPR_VALUES    16u

/* ---- format ---- */

/* Alerts of one body: 16 MiB of the smallest alerts that make sense. */
#define LIMIT_ALERTS_PER_BODY 65536
/* Refused alerts that the answer to one body lists: a person repairs the first few, then sends
 * again. */
#define LIMIT_REFUSED_TOLD 100
/* Bytes of a name or value that the reason of a refusal quotes: the reason stays one line. */
#define LIMIT_QUOTED_BYTES 64
/* Such a reason, or what was cut of an alert, as a whole: above the sum of its parts. */
#define LIMIT_ALERT_NOTE_BYTES 1024
/* The life of an API alert that names no end: Alertmanager's default resolve_timeout. */
#define LIMIT_API_ALERT_US (5 * US_PER_MINUTE)

/* A body that is read by a mapping, whole: PagerDuty and Opsgenie take 512 KiB, and 10,000 alerts
 * of Grafana have some 4 MiB. The values bound the memory of its tree to 40 MB. */
#define LIMIT_MAPPED_BODY_BYTES (4u << 20)
#define LIMIT_MAPPED_VALUES	500000u
#define LIMIT_MAPPED_ALERTS	10000
/* Texts of one alert while it is read, beside those of the body. */
#define LIMIT_MAPPED_SCRATCH_BYTES (16u << 20)
/* Labels that are looked at before LIMIT_LABELS are kept; a name of one. */
#define LIMIT_MAPPED_LABELS	1024u
#define LIMIT_MAPPED_NAME_BYTES 256u
/* An event of PagerDuty, which takes 512 KiB, or a message of Amazon SNS: 256 KiB, and escapes. */
#define LIMIT_EVENT_BODY_BYTES (1u << 20)
/* Certificates of Amazon SNS, one a region; a request of one: Amazon waits 15 s for our answer. */
#define LIMIT_SNS_CERTIFICATES	       16
#define LIMIT_SNS_CERTIFICATE_US       (24 * 60 * US_PER_MINUTE)
#define LIMIT_SNS_CERTIFICATE_RETRY_US (30 * US_PER_SECOND)
#define LIMIT_SNS_FETCH_US	       (5 * US_PER_SECOND)
/* Amazon sends a message again for an hour; ids of those that were taken in so long, and more. */
#define LIMIT_SNS_AGE_US   (2 * 60 * US_PER_MINUTE)
#define LIMIT_SNS_MESSAGES 16384
/* A member of an event's details that is a label: longer text is an annotation. Its links. */
#define LIMIT_DETAIL_LABEL_BYTES 256u
#define LIMIT_EVENT_LINKS	 16u
/* Texts that globs of values are matched with: they are words, not stories. */
#define LIMIT_MAPPED_GLOB_BYTES 1024u
/* Rules of one declared mapping; one step of a place, and the steps "*" in it. */
#define LIMIT_MAPPING_RULES	64u
#define LIMIT_PLACE_TOKEN_BYTES 256u
#define LIMIT_PLACE_STARS	2u
/* A time as text, with room for what is put right in it. */
#define LIMIT_MAPPED_TIME_BYTES 64u

/* ---- decode ---- */

/* One document with traces: a larger one is refused while it arrives (trace_too_large). */
#define LIMIT_TRACE_BODY_BYTES (64u << 20)

/* References of one span that precede its trace id (Jaeger): tracers write one or two. */
#define LIMIT_WAITING_REFERENCES 16u
/* Method and path of a call, which become the name of a span (X-Ray): no method is longer, and an
 * operation is read by a person. */
#define LIMIT_HTTP_METHOD_BYTES 16
#define LIMIT_HTTP_TARGET_BYTES 256
/* The message of a backend that answers with an error instead of a trace: one line. */
#define LIMIT_ERROR_MESSAGE_BYTES 200
/* Members that the refusal of an unknown document names, and bytes of each name. */
#define LIMIT_MEMBERS_SHOWN	 4
#define LIMIT_MEMBER_SHOWN_BYTES 24u
/* First bytes that tell protobuf from text: a message has control characters in its first ids. */
#define LIMIT_BINARY_LOOK_BYTES 256

/* ---- source ---- */

/* The URL of a request: servers and proxies refuse longer ones. */
#define LIMIT_SOURCE_URL_BYTES (64u << 10)
/* A query in a source's language, or half of a request's body: the service and the operation of the
 * signal, each as long as a label may be. */
#define LIMIT_SOURCE_QUERY_BYTES (2 * LIMIT_LABEL_BYTES)
/* Trace ids of other tools: the longest known has 39 digits. */
#define LIMIT_TRACE_ID_BYTES 64
/* Spans in one page of Datadog's spans search: the server's cap. */
#define LIMIT_DATADOG_PAGE_SPANS 1000u
/* Spans of one trace that match a search at Datadog: retries of one operation. */
#define LIMIT_DATADOG_SPANS_PER_TRACE 5u
/* Datadog finds spans only inside a window: a trace is looked for this long before and after the
 * alert's. */
#define LIMIT_DATADOG_AROUND_US US_PER_HOUR
/* Traces of one BatchGetTraces of X-Ray: the server's cap. */
#define LIMIT_XRAY_BATCH 5u
/* X-Ray leaves ids out when its own time is over: further requests for these ids, and the pause
 * before each. */
#define LIMIT_XRAY_AGAIN    3u
#define LIMIT_XRAY_AGAIN_US (200 * US_PER_MS)

/* A text reply with the trace ids that a search found: some 5,000 ids, read within LIMIT_TURN_US.
 */
#define LIMIT_SOURCE_TEXT_BYTES (1u << 20)
/* A reply with exemplars: some 5,000, read within LIMIT_TURN_US. */
#define LIMIT_EXEMPLARS_BYTES (512u << 10)
/* A request for exemplars: the search that follows it needs the rest of the budget. */
#define LIMIT_EXEMPLARS_US US_PER_SECOND
/* Traces that a search asks for where the backend cannot pick the failing ones: Jaeger's own
 * default. Where one trace in ten fails, 100 hold ten failing ones. */
#define LIMIT_SEARCH_DEPTH 100u
/* Hits in one page of an Elasticsearch or OpenSearch search: the server's cap is 10,000; half of it
 * is some 15 MiB. A page with fewer hits is the last. */
#define LIMIT_ELASTIC_PAGE_HITS 5000u
/* A source's token for the next page of a trace: tokens have a few hundred bytes. */
#define LIMIT_CURSOR_BYTES 4096u

/* ---- pager ---- */

#include "tracepager/limits_pager.h"
/* A decision from which a brief one is made for PagerDuty: most have 8 to 16 KB, and reading 256 KB
 * takes the loop some 7 ms. */
#define LIMIT_BRIEF_BYTES (256u << 10)
/* Columns of one alert's name on the console, and of all names of a page: senders choose names, and
 * they must not fill the screen. */
#define LIMIT_CONSOLE_ALERT_COLUMNS  100
#define LIMIT_CONSOLE_ALERTS_COLUMNS 2000
/* Columns of a page on the console: below 40 no sentence is readable, above 200 no line; where
 * there is no terminal and no option 78, as in a mail. */
#define LIMIT_CONSOLE_COLUMNS_LEAST 40u
#define LIMIT_CONSOLE_COLUMNS_MOST  200u
#define LIMIT_CONSOLE_COLUMNS	    78u
/* How long an alert that we post to an Alertmanager lives without a further event of its incident:
 * above the longest that people leave an incident open, since one that ends too soon is gone. */
#define LIMIT_ALERTMANAGER_ENDS_US (7 * US_PER_DAY)
/* A pager's reply is a short JSON; Slack's repeats the message, six bytes for many a character. */
#define LIMIT_REPLY_BYTES	 (128u << 10)
#define LIMIT_PAGER_MEMORY_BYTES 256u /* kept of its replies; a message's place and id have 60 */
/* One delivery, from connecting to the reply's last byte: a pager that hangs holds one of its
 * LIMIT_DELIVERIES_PER_PAGER places no longer. */
#define LIMIT_DELIVER_US (15 * US_PER_SECOND)
/* A trace backend's longer Retry-After is cut: it would keep traces from pages for longer than a
 * person would wait. */
#define LIMIT_RETRY_AFTER_US (5 * US_PER_MINUTE)
/* What a pager tells back in one request: PagerDuty drops a webhook of more than 256 KB. */
#define LIMIT_FEEDBACK_BYTES (256u << 10)
/* Memory of reading it: its texts as JSON values and as acts. */
#define LIMIT_FEEDBACK_ARENA_BYTES (4u * LIMIT_FEEDBACK_BYTES)
/* Acts of one request: a person who cleans up after a storm ticks a screenful of incidents. */
#define LIMIT_FEEDBACK_ACTS 100u
/* Bytes of a person's name, and of an id that a pager gave: names of 100 letters are the longest
 * that pagers allow. */
#define LIMIT_FEEDBACK_NAME_BYTES 200u
/* A signed request counts for so long before and after its time: Standard Webhooks advise it. */
#define LIMIT_FEEDBACK_SIGNED_US (5 * US_PER_MINUTE)
/* An event of PagerDuty counts for so long: PagerDuty sends one for 20 minutes, and gives up after
 * three that failed in a row. */
#define LIMIT_FEEDBACK_LATE_US (2 * US_PER_HOUR)

/* ---- decide ---- */

/* Spans of a path in a decision or a page; a longer path is cut in the middle. */
#define LIMIT_PATH_SHOWN 64
/* The page's text: PagerDuty takes 1,024 characters of a summary, a phone's lock screen shows the
 * first 100; a waterfall must not wrap in a mail. */
#define LIMIT_SUMMARY_CHARS	1024
#define LIMIT_WATERFALL_LINES	12
#define LIMIT_WATERFALL_COLUMNS 72
/* The page's texts: columns of one name, one error and one line; lines of an annotation and hops of
 * a path: what a person reads on a phone. */
#define LIMIT_PAGE_NAME_COLUMNS	 80
#define LIMIT_PAGE_ERROR_COLUMNS 200
#define LIMIT_PAGE_LINE_COLUMNS	 300
#define LIMIT_PAGE_NOTE_LINES	 12
#define LIMIT_PAGE_HOPS		 16
/* Candidates that a summary names where none is certain. */
#define LIMIT_SUMMARY_CANDIDATES 3u
/* The line of the alert's labels: about as many as fill a screen of a phone. */
#define LIMIT_PAGE_LABELS_BYTES (4u << 10)
/* The details as a whole: above the sum of their parts. */
#define LIMIT_PAGE_DETAILS_BYTES (64u << 10)
/* An address: browsers and chats cut a longer one. */
#define LIMIT_HREF_BYTES 2048
/* {from_ms} of a link is so long before the alert's start: what came before the first failure. */
#define LIMIT_LINK_BEFORE_US (10 * US_PER_MINUTE)
/* Memory of one decision: the walks of one alert's traces bound it. */
#define LIMIT_DECIDE_BYTES (512u << 20)
/* One text that a template makes; a summary is cut again to its own length. */
#define LIMIT_TEMPLATE_BYTES (8u << 10)

/* ---- net: the loop ---- */

/* One turn of the loop: no callback may hold the loop longer. */
#define LIMIT_TURN_US (2 * US_PER_MS)
/* The longest turn is measured over periods of this length, and told of the present one and the one
 * before: of the last five minutes. */
#define LIMIT_TURN_PERIOD_US (150 * US_PER_SECOND)

/* ---- net: the server ---- */

/* The body of one request: a storm of alerts is one body, and Alertmanager groups of several
 * megabytes have been seen. */
#define LIMIT_BODY_BYTES (16u << 20)
/* The request line and headers, or the headers of a reply: four times what Alertmanager and a
 * mesh's proxies send. */
#define LIMIT_HEADER_BYTES (32u << 10)
/* A request from its first byte to its last, and again its reply: a sender that trickles bytes
 * holds a connection no longer. */
#define LIMIT_REQUEST_US (30 * US_PER_SECOND)
/* An idle keep-alive connection: Alertmanager's default group_interval of 5 minutes fits. */
#define LIMIT_IDLE_US (6 * US_PER_MINUTE)
/* The address of a peer in figures, with an interface behind it: "fe80::1%enp0s31f6". */
#define LIMIT_PEER_NAME_BYTES 80u
/* Connections at most, where descriptors allow them: sixteen times the 500 senders of the largest
 * fleets. An idle one takes 3 KiB, with TLS 17 KiB. */
#define LIMIT_CONNECTIONS 8192
/* Descriptors kept for the store, pagers and sources (LIMIT_CONNECTIONS_PER_HOST each) and probes;
 * but no more than half of all. */
#define LIMIT_DESCRIPTORS_KEPT 512
/* One peer's share of all connections: a quarter may show no token yet. */
#define LIMIT_PEER_SHARE 4
/* Connections above the cap for probes of health and metrics: a supervisor and two monitoring
 * servers have one or two each. */
#define LIMIT_PROBE_CONNECTIONS 16
/* Connections above those that are answered 503 with Retry-After; further ones are closed without
 * an answer. */
#define LIMIT_REFUSED_CONNECTIONS 64
/* Bytes of requests that arrive or wait for their replies, of all connections: four of the largest
 * bodies. One turn may overrun it by LIMIT_READ_BYTES for each connection that has input. */
#define LIMIT_REQUESTS_BYTES (4u * LIMIT_BODY_BYTES)
/* Of these, what one peer may hold that has shown no token: the largest body, and an eighth of all
 * beside it. */
#define LIMIT_PEER_REQUESTS_BYTES (LIMIT_BODY_BYTES + LIMIT_REQUESTS_BYTES / 8)
/* Connections accepted in one turn: about 1 ms. */
#define LIMIT_ACCEPTS_PER_TURN 32
/* Connections closed at once to free descriptors when these have run out. */
#define LIMIT_DESCRIPTORS_FREED 32
/* What the gate closed is logged this long after the first one, so that the line has counts, and
 * then once per this time. */
#define LIMIT_GATE_LOG_FIRST_US US_PER_SECOND
#define LIMIT_GATE_LOG_US	US_PER_MINUTE
/* Listeners pause this long when descriptors have run out, since accept() would fail again at once.
 */
#define LIMIT_ACCEPT_REST_US (100 * US_PER_MS)
/* At the end of a relay an idle connection may bring its next request for so long: a sender that
 * begins one in the same moment is answered, and not cut off. */
#define LIMIT_LAST_IDLE_US (500 * US_PER_MS)
/* Addresses to listen on: loopback and a few interfaces, in both families. */
#define LIMIT_LISTENERS 16
/* One read from a connection: large bodies need fewer turns than with libevent's 16 KiB. */
#define LIMIT_READ_BYTES (64u << 10)
/* A handshake of TLS, from the connection's begin: three round trips over a bad line take 2 s. */
#define LIMIT_HANDSHAKE_US (10 * US_PER_SECOND)
/* Handshakes of one peer that are not finished: all senders of a fleet behind one address. Each
 * takes 37 KB, and 0.15 ms of the loop where the key is of an elliptic curve (RSA: twice as much),
 * maybe all of them in one turn. */
#define LIMIT_PEER_HANDSHAKES 500
/* One read from a connection with TLS: a record. OpenSSL reads no more at once, and what is set
 * aside for it stays with an idle connection. */
#define LIMIT_TLS_READ_BYTES (16u << 10)
/* A reply that is written with TLS in the turn in which it is given: one record. */
#define LIMIT_TLS_WRITE_BYTES (16u << 10)
/* A file of certificates: all authorities of Debian have 220 KB. */
#define LIMIT_TLS_FILE_BYTES (1u << 20)
/* How long a session of TLS may be resumed: so long a client certificate counts after its end. */
#define LIMIT_TLS_SESSION_S 3600
/* The names of a client certificate: thirty of the longest DNS names. */
#define LIMIT_CLIENT_NAMES_BYTES (8u << 10)
/* Handshakes that fail are logged once per this time. */
#define LIMIT_HANDSHAKE_LOG_US US_PER_MINUTE

/* ---- net: the client ---- */

/* Connections to one host, in use or idle. */
#define LIMIT_CONNECTIONS_PER_HOST 100
/* Connecting, with name resolution and TLS. */
#define LIMIT_CONNECT_US (3 * US_PER_SECOND)
/* Reply bytes handed to handlers in one turn, of all calls together: decoding small spans takes
 * 4 ns a byte with the receiving, so that this is half of LIMIT_TURN_US. */
#define LIMIT_HANDED_BYTES (256u << 10)
/* Calls started in one turn: a new connection costs 50 us. */
#define LIMIT_CALLS_STARTED 16
/* Handles of curl that wait for their next request, of 8 KiB each: a burst of pages and look-ups
 * has as many requests at once; a handle above the cap is freed after its request. */
#define LIMIT_IDLE_EASY_HANDLES 64
/* Connections, and handles with their TLS sessions, are used anew for so long: a peer that has
 * moved, or has renewed its certificate, is seen within that time, for one handshake an hour. */
#define LIMIT_CONNECTION_LIFE_US US_PER_HOUR
/* Parsed URLs of posts, of 300 bytes each: more pagers than that seldom ring in one minute. */
#define LIMIT_PARSED_URLS 32
/* Paused calls resumed in one turn: curl reads and decompresses for each, some 200 us. */
#define LIMIT_CALLS_RESUMED 2

#include "tracepager/limits_doctor.h"
#include "tracepager/limits_drill.h"
#include "tracepager/limits_mail.h"
#include "tracepager/limits_mcp.h"
#include "tracepager/limits_metrics.h"
#include "tracepager/limits_peer.h"
#include "tracepager/limits_slo.h"
#include "tracepager/limits_store.h"
#include "tracepager/limits_telemetry.h"

/* ---- intake ---- */

/* Memory of one request: the alerts of a body take about twice its size. */
#define LIMIT_INTAKE_JOB_BYTES (16u * LIMIT_BODY_BYTES)
/* The texts of the alert that says that a sender is silent. */
#define LIMIT_HEARTBEAT_BYTES 4096u
/* A larger body is parsed in the pool: this one takes a fraction of LIMIT_TURN_US. */
#define LIMIT_INLINE_BODY_BYTES (64u << 10)
/* Alerts of one body that are accepted before those of the next body have their turn: about 1 ms.
 */
#define LIMIT_ALERTS_PER_TURN 32
/* Jobs and exchanges of answered requests that are kept for the next ones: as many as usually wait
 * for the store at once. Each keeps 8 KiB. */
#define LIMIT_SPARE_JOBS 64u
/* Retry-After of a 503, in seconds: senders retry at about this pace by themselves. */
#define LIMIT_INTAKE_RETRY_AFTER_S 5
/* One answer, and the refused alerts that it lists; the rest is counted. */
#define LIMIT_INTAKE_REPLY_BYTES (64u << 10)
#define LIMIT_REFUSED_SHOWN	 20
/* Refused bodies that are kept for a person to look at: so many, the beginning of each, and all of
 * them with their texts. What the alert about a refused body quotes of it. */
#define LIMIT_REJECTED_BODIES	   100
#define LIMIT_REJECTED_BODY_BYTES  4096u
#define LIMIT_REJECTED_BYTES	   (512u << 10)
#define LIMIT_REJECTED_QUOTE_BYTES 500u
/* One line in the log per sender and this time tells what was mended or cut of its alerts. */
#define LIMIT_SENDER_LOG_US US_PER_MINUTE
/* One line in the log per reason and this time tells how many requests were refused that showed no
 * right to send; and what it quotes of the last one. */
#define LIMIT_REFUSED_LOG_US	   US_PER_MINUTE
#define LIMIT_REFUSED_DETAIL_BYTES 128
/* Names of undeclared senders that are told apart at one time, and their length, as of a declared
 * one's. Each is logged once a minute and paged once an hour. */
#define LIMIT_UNDECLARED	    16
#define LIMIT_UNDECLARED_NAME_BYTES 64
#define LIMIT_UNDECLARED_LOG_US	    US_PER_MINUTE
#define LIMIT_UNDECLARED_PAGE_US    US_PER_HOUR

/* ---- fetch ---- */

/* The default of enrich_budget: how long an alert waits for its traces, from its acceptance. */
#define LIMIT_ENRICH_US (5 * US_PER_SECOND)
/* The default of enrich_late: until then a late verdict still improves the page. Also the cap of
 * one request. */
#define LIMIT_ENRICH_LATE_US   (60 * US_PER_SECOND)
#define LIMIT_TRACES_PER_ALERT 50
/* All traces in memory together. */
#define LIMIT_TRACES_IN_FLIGHT_BYTES (256u << 20)
/* Alerts whose questions sources answer at the same time: 64 traces of the largest common size fit
 * LIMIT_TRACES_IN_FLIGHT_BYTES. Alerts that share a question of another do not count. */
#define LIMIT_ENRICHING 64
/* Of LIMIT_ENRICHING, alerts in their second round or a later one: a backend that is slow to say
 * "not found" leaves half of the places to fresh alerts. */
#define LIMIT_ENRICHING_AGAIN 32
/* Look-ups of one alert at the same time: a backend serves many alerts at once. */
#define LIMIT_LOOKUPS_PER_ALERT 4
/* Rounds in which an alert's own trace ids are not found before its signal is searched for. */
#define LIMIT_ROUNDS_BY_ID 2u
/* Rounds of a look-up that goes on although another trace of the alert was found. */
#define LIMIT_LOOKUPS_WITH_ONE 3u
/* Between two look-ups of a trace that was not found: spans reach a backend within seconds. The
 * pause doubles from the first value to the second. */
#define LIMIT_LOOKUP_PAUSE_MIN_US (250 * US_PER_MS)
#define LIMIT_LOOKUP_PAUSE_MAX_US (4 * US_PER_SECOND)
/* The last look-up starts this long before the deadline, so that its reply is in time. */
#define LIMIT_LOOKUP_LAST_US (200 * US_PER_MS)
/* A larger document is linked into trees by the pool; at 1 GB/s one of this size takes an eighth of
 * LIMIT_TURN_US. */
#define LIMIT_INLINE_TRACE_BYTES (256u << 10)
/* Windows of searches start and end at whole multiples of this: alerts of one storm start within
 * one evaluation of their rules and share one search. */
#define LIMIT_WINDOW_US (10 * US_PER_SECOND)
/* A source's answer is kept for this long and given to all who ask the same: alerts of one storm
 * ask for one window for as long. */
#define LIMIT_ANSWER_KEPT_US LIMIT_WINDOW_US
/* The same for "not found" and failures. An alert that asks for the first time finds a trace that
 * arrives meanwhile one pause later. */
#define LIMIT_NOT_FOUND_KEPT_US US_PER_SECOND
/* Kept answers: searches and ids of a storm of 300 signals, and a quarter of
 * LIMIT_TRACES_IN_FLIGHT_BYTES, to which their traces count. */
#define LIMIT_ANSWERS_KEPT	 4096u
#define LIMIT_ANSWERS_KEPT_BYTES (64u << 20)
/* Requests for one answer of a source: pages of a trace, polls of an asynchronous query. */
#define LIMIT_SOURCE_STEPS 32u
/* Searches at one source before its pace (search_pause) counts. */
#define LIMIT_SEARCH_BURST 10
/* A source that has failed is well again when it answers so long after its last failure: one that
 * fails now and then logs two lines a minute at most. */
#define LIMIT_SOURCE_WELL_US US_PER_MINUTE
/* One that keeps failing is told again, so that the log of the last hour names it. */
#define LIMIT_SOURCE_TOLD_US US_PER_HOUR
/* A source whose quota is used up rests no longer than this: some quotas are hourly. */
#define LIMIT_SOURCE_HOLD_US US_PER_HOUR
/* Memory of one alert's fetching, and of one question to a source (urls and ids of its requests;
 * bodies are counted apart): ids have 32 digits, names come from the rules. */
#define LIMIT_FETCH_JOB_BYTES (16u << 20)
#define LIMIT_INQUIRY_BYTES   (16u << 20)
/* The text by which equal questions are found, and the sentence that says which traces are missing.
 */
#define LIMIT_QUESTION_BYTES   (4u << 20)
#define LIMIT_FETCH_TEXT_BYTES (16u << 10)
/* The beginning of a reply that should be a trace and is none, shown to the source's kind: enough
 * to tell a login page. */
#define LIMIT_ODD_BODY_BYTES 256u
/* Files in the directory of a files source. */
#define LIMIT_TRACE_FILES 10000u

/* ---- fetch: healthy traces ---- */

/* The texts of one signal. */
#define LIMIT_SIGNAL_BYTES (4u << 20)
/* Healthy traces of one signal: 100 traces of 1,000 spans take 4 MiB. */
#define LIMIT_BASELINE_BYTES (8u << 20)
/* Signals whose healthy traces are kept, and the memory of all: 1,000 signals with traces of 30
 * spans take 120 MiB. */
#define LIMIT_BASELINES	      1000u
#define LIMIT_BASELINES_BYTES (256u << 20)
/* Healthy traces are searched from 40 to 10 minutes before now: late spans have arrived, and a
 * fault that is about to alert has not begun. */
#define LIMIT_BASELINE_FROM_US (40 * US_PER_MINUTE)
#define LIMIT_BASELINE_TO_US   (10 * US_PER_MINUTE)
/* Between two gatherings: 1,000 signals take 10 minutes of every 15. */
#define LIMIT_BASELINE_PAUSE_US (500 * US_PER_MS)
/* One part of a gathering: its deadline, and when the traces found so far are enough. An alert that
 * waits for the gathering keeps its own budget. */
#define LIMIT_BASELINE_GATHER_US (10 * US_PER_SECOND)
#define LIMIT_BASELINE_ENOUGH_US (2 * US_PER_SECOND)
/* Ordinary traces of an alert's own window, and how long a page may wait for them once its failing
 * traces are there: they tell what differs, and 20 are enough for a version that half of them have.
 */
#define LIMIT_ORDINARY_TRACES 20u
#define LIMIT_ORDINARY_US     US_PER_SECOND
/* A signal's traces do not count as healthy until this long after its last alert. */
#define LIMIT_BASELINE_SICK_US US_PER_HOUR

/* ---- deliver ---- */

/* Between two attempts of one page: backoff doubles from the first value to the second. */
#define LIMIT_RETRY_MIN_US (1 * US_PER_SECOND)
#define LIMIT_RETRY_MAX_US (15 * US_PER_SECOND)
/* Between two probes of a pager that fails: an outage's backlog leaves within 20 s of its end. */
#define LIMIT_BREAKER_PAUSE_US (10 * US_PER_SECOND)
/* A pager's longer Retry-After is cut: a page that waits for a minute is late. Slack and PagerDuty
 * ask for 1 to 60 s. */
#define LIMIT_PAGER_RETRY_AFTER_US (60 * US_PER_SECOND)
/* A pager that has accepted nothing for this long: the fallback team is paged too. */
#define LIMIT_PAGER_SILENT_US (5 * US_PER_MINUTE)
/* Attempts at one pager at the same time: PagerDuty takes about 120 events a minute of one key. */
#define LIMIT_DELIVERIES_PER_PAGER 16u
/* Failures in a row after which a pager is only probed, one attempt at a time. */
#define LIMIT_BREAKER_FAILURES 5u
/* While a pager fails, or all its places hang: a fresh page starts so long after the last attempt
 * at the earliest. */
#define LIMIT_FRESH_GAP_US US_PER_SECOND
/* Attempts of fresh pages at one pager beyond its places: at one a second each has timed out
 * (LIMIT_DELIVER_US) before the places are used up. */
#define LIMIT_FRESH_DELIVERIES 16u

/* ---- ruletest ---- */

/* The reasons shown beneath a difference. */
#define LIMIT_TEST_REASON_BYTES 2048

/* ---- incident ---- */

/* Alerts accepted and not yet decided; above the cap intake answers 503, and senders try again. */
#define LIMIT_ALERTS_WAITING 65536
/* Alerts known, firing or just ended; above the cap intake answers 503. Each takes some 2 KiB. */
#define LIMIT_ALERTS_KNOWN 500000
/* Starts of one alert's processing: the third pages without traces, since the program may have died
 * of them twice. */
#define LIMIT_ATTEMPTS 3
/* Alerts that nobody resolves end after this: longer than the repeat_interval of any usual
 * Alertmanager (12 h, 24 h), and half again of the interval that is learned of a sender. API alerts
 * carry their own end. */
#define LIMIT_EXPIRE_AFTER_US (26 * US_PER_HOUR)
/* A webhook's alert whose sender told of the end of an earlier start, and nothing since, ends after
 * this. Prometheus repeats a resolve for 15 minutes; until 5 minutes later (the usual
 * group_interval) Alertmanager has told again what fires on. */
#define LIMIT_DOUBT_US (30 * US_PER_MINUTE)
/* What is not packed: pages of the last 400 incidents, 600 KB of alerts; 1 ms of packing a turn. */
#define LIMIT_WARM_PAGES_BYTES (2u << 20)
#define LIMIT_WARM_ALERTS      1024u
#define LIMIT_PACKED_PER_TURN  64u
/* A repeat that says nothing new is written at the latest when what is on disk is this old, beside
 * repeat intervals of 1 to 5 minutes; after a kill an alert may so end this much too early, where
 * its sender has fallen silent. */
#define LIMIT_REPEAT_UNWRITTEN_US (5 * US_PER_MINUTE)
/* After a start API alerts do not expire for this long: Prometheus dropped its repeats while the
 * relay was down. */
#define LIMIT_START_GRACE_US (5 * US_PER_MINUTE)
/* Alerts that had paged nobody are decided again this long after a start, behind those that were
 * not yet decided. */
#define LIMIT_DECIDE_AGAIN_US US_PER_MINUTE
/* After a failed commit, what is missing in the store is written again at this interval, so many
 * rows in a slice. */
#define LIMIT_STORE_HEAL_US (10 * US_PER_SECOND)
#define LIMIT_HEAL_ROWS	    100u
/* The store's queue was full: the turn's group is offered again after this. */
#define LIMIT_STORE_OFFER_US (5 * US_PER_MS)
/* The key of an alert: a format family and a fingerprint of at most 64 characters. */
#define LIMIT_ALERT_KEY_BYTES 256u
/* Copies of one alert: replicas of Prometheus, and their starts before and after a restart. */
#define LIMIT_ALERT_COPIES 16u
/* Stored form of an alert: LIMIT_ALERT_BYTES, each byte of it escaped to six, and its fields. */
#define LIMIT_ALERT_DOC_BYTES (8u << 20)
/* An accepted alert whose first write takes longer than this gives a line in the log. */
#define LIMIT_ALERT_WRITE_US US_PER_MINUTE
/* The longer wait for an answer where the budget ends while the same question is under way for
 * other alerts, too: all alerts of a storm get it. */
#define LIMIT_ENRICH_EXTRA_US (10 * US_PER_SECOND)
/* A decision takes milliseconds; one that has not come back for so long is made without traces. */
#define LIMIT_DECIDE_US (10 * US_PER_SECOND)
/* Spans of a decision that is made on the loop: about 0.3 ms of walking. Larger ones, and those
 * that compare with healthy traces, are made in the pool. */
#define LIMIT_DECIDE_INLINE_SPANS 4000u
/* Memory of one decision with its texts: LIMIT_TRACES_PER_ALERT walks of LIMIT_TRACE_SPANS. */
#define LIMIT_ENRICHMENT_BYTES (512u << 20)
/* Trace ids in one alert's labels and annotations that are looked up. */
#define LIMIT_TRACE_IDS_PER_ALERT 8u
/* Traces of a decision where neither the signal's rule nor the defaults say how many. */
#define LIMIT_TRACES_DEFAULT 10u
/* A sender whose body is refused pages the fallback team at most once in this time. */
#define LIMIT_REFUSED_PAGE_US US_PER_HOUR
/* Between the end of an incident's last alert and its resolve: most flapping rules fire again
 * within two evaluations of a minute. The rules' resolve_hold says otherwise. */
#define LIMIT_RESOLVE_HOLD_US (2 * US_PER_MINUTE)
/* Joining a group without a verdict that was last paged so long ago rings again. The rules'
 * regroup_after says otherwise. */
#define LIMIT_REGROUP_AFTER_US US_PER_HOUR
/* Updates of an incident to its recipients: at most one in this time, the last one always leaves.
 */
#define LIMIT_UPDATE_PAUSE_US US_PER_MINUTE
/* Alerts that join within this time after a quiet minute are told in one update. */
#define LIMIT_JOIN_GATHER_US US_PER_SECOND
/* The first page of an incident whose alert came in a body with others waits for them so long. */
#define LIMIT_BODY_GATHER_US (200 * US_PER_MS)
/* A page that every pager rejected is sent again at this interval, and at each repeat of an alert.
 */
#define LIMIT_UNREACHED_RETRY_US (5 * US_PER_MINUTE)
/* A page that no pager has taken for so long is told as unreached, though it is still tried. */
#define LIMIT_REACH_US (30 * US_PER_SECOND)
/* How often one pager is rung about one incident: more runs of escalation_repeat than anybody
 * waits for, and ack_timeout of an hour for a month. Each is a key that the resolve must reach. */
#define LIMIT_RINGS 1000
/* The wall clock was set when it and the monotonic one differ by so much more than before; looked
 * for once a minute. */
#define LIMIT_CLOCK_SET_US   (5 * US_PER_SECOND)
#define LIMIT_CLOCK_CHECK_US US_PER_MINUTE
/* The teams that said "not ours" of one incident, as text. */
#define LIMIT_REFUSED_BYTES 4096u
/* Recipients of an incident that is over are told for so long; then it is given up. */
#define LIMIT_TELLING_US US_PER_DAY
/* Two people say "not ours" at once: the second one within this time means the same team. */
#define LIMIT_REROUTE_PAUSE_US (10 * US_PER_SECOND)
/* Comments on one incident that are told to its recipients in a minute; the others stand in its
 * story. */
#define LIMIT_COMMENTS_TOLD 10u
/* Pages of one recipient that wait for its pager: no notice is added to more. */
#define LIMIT_RECIPIENT_WAITING 100u
/* Pagers of teams that are named where their entry is resumed and they stay paused; the whole
 * text. */
#define LIMIT_PAUSES_TOLD	5u
#define LIMIT_PAUSE_WORDS_BYTES (4u << 10)
/* Decisions of waiting pages as text, 1 to 64 KiB each. Pages beyond that, and all that failed
 * once, keep their decision packed, a fifth of it. */
#define LIMIT_WAITING_DECISIONS_BYTES (16u << 20)
/* No deadline of an incident is further ahead; a damaged row of the store may say more. */
#define LIMIT_DEADLINE_MOST_US (366 * US_PER_DAY)
/* Alerts of an incident that a page lists with their labels, and by name. */
#define LIMIT_PAGE_MEMBERS 100u
#define LIMIT_PAGE_NAMES   50u
/* Alerts of one incident that are looked up one by one; more of them have a map. */
#define LIMIT_MEMBERS_LISTED 32u
/* The list with labels, in a page; a longer one is left out. */
#define LIMIT_PAGE_LIST_BYTES (64u << 10)
/* Alerts that an update names of those that joined, labels that it shows of each, and characters of
 * a label. */
#define LIMIT_FRESH_ALERTS 8u
#define LIMIT_FRESH_LABELS 3u
#define LIMIT_FRESH_CHARS  40u
/* Of what differs among the alerts of an incident, a page tells so many labels, each with so many
 * values. */
#define LIMIT_DIFFERS_LABELS 2u
#define LIMIT_DIFFERS_SHOWN  3u
/* A page's note. */
#define LIMIT_PAGE_NOTE_BYTES (8u << 10)
/* Room made at once for a decision's document: most are shorter. */
#define LIMIT_DECISION_USUAL 4096u
/* Memory that is kept for the next stored form of a page: a storm has many that are longer. */
#define LIMIT_PAGE_DOC_KEPT (256u << 10)
/* Stored form of a page, and the memory of making one. */
#define LIMIT_PAGE_DOC_BYTES   (8u << 20)
#define LIMIT_PAGE_ARENA_BYTES (64u << 20)
/* Decisions that the pool packs in one job: a millisecond or two of the small ones. */
#define LIMIT_RECORDS_PER_JOB 32u
/* The same by what they rest on, traces before all: a job ends with the record that passes it. */
#define LIMIT_RECORDS_JOB_BYTES (1u << 20)
/* How long decisions gather for one job: each wakes a thread of the pool, the loop and the store.
 */
#define LIMIT_RECORDS_GATHER_US (10 * US_PER_MS)
/* The rules in use are noted in the store once in this time. */
#define LIMIT_RULES_NOTED_US US_PER_DAY
/* Stored traces of one decision, packed: some 10,000 spans; of larger ones the paths are stored.
 * Healthy evidence has as much again. */
#define LIMIT_STORED_TRACES_BYTES (1u << 20)
/* The same before packing: 0.3 s of a pool thread. */
#define LIMIT_STORED_TRACES_RAW_BYTES (32u << 20)
/* The document of one decision, unpacked. */
#define LIMIT_DECISION_BYTES (16u << 20)
/* Memory of decisions that wait to be stored, with their traces. Above the cap further decisions
 * are stored without traces, above twice the cap not at all. Their traces also count for
 * LIMIT_TRACES_IN_FLIGHT_BYTES, which must stay free for fetching. */
#define LIMIT_RECORDS_WAITING_BYTES (64u << 20)

/* ---- rulesets ---- */

/* Between two looks at the rules' files: soon enough for a person who waits, and cheap. */
#define LIMIT_WATCH_POLL_US (2 * US_PER_SECOND)
/* Changed files are loaded when a second look this long after the first sees the same (an editor or
 * a git pull has ended), at the latest the second time after the first look. */
#define LIMIT_WATCH_QUIET_US (500 * US_PER_MS)
#define LIMIT_WATCH_HOLD_US  (3 * US_PER_SECOND)
/* Rules that could not be loaded are tried again so often: a key's file may be readable by now. A
 * load takes well under a second of one thread of the pool. */
#define LIMIT_RELOAD_RETRY_US (30 * US_PER_SECOND)
/* The answer to a reload: LIMIT_FINDINGS_SHOWN findings with their source lines fit. */
#define LIMIT_RELOAD_TEXT_BYTES (256u << 10)
/* Findings of a load that the status shows; the log and `tracepager check` show all. */
#define LIMIT_FINDINGS_SHOWN 100u
/* Differences of the shadow rules that are kept: more than a person reads of one week. */
#define LIMIT_SHADOW_KEPT 1000u
/* Decisions that wait for the shadow rules, and the bytes of their traces, which fetching cannot
 * use meanwhile. Above either cap a decision is left out and counted. */
#define LIMIT_SHADOW_WAITING	 1000u
#define LIMIT_SHADOW_TRACE_BYTES (32u << 20)
/* One value of a difference: a longer list of pagers is cut. */
#define LIMIT_SHADOW_TEXT_BYTES 1024u
/* Between two lines of the log about differences of one kind. */
#define LIMIT_SHADOW_LOG_US US_PER_MINUTE

/* ---- config ---- */

/* Memory of one configuration: a file of LIMIT_YAML_EVENTS takes a third of it. */
#define LIMIT_CONFIG_BYTES (1u << 30)
/* Declared sources, and their order numbers: each source is asked for each trace. */
#define LIMIT_SOURCES 64u
#define LIMIT_PREFER  1000000
/* Declared headers of one source: LIMIT_REQUEST_HEADERS less those of kinds and credentials. */
#define LIMIT_SOURCE_HEADERS 8u
/* The default of search_pause: 20 searches a second, which a backend of three small machines
 * answers beside its own users. */
#define LIMIT_SEARCH_PAUSE_US (US_PER_SECOND / 20)
/* The least length of a key that signs links: 128 random bits as hexadecimal digits. */
#define LIMIT_LINK_KEY_LEAST_BYTES 32u
/* A certificate that ends sooner is told: two weeks are what renewing by hand takes. */
#define LIMIT_CERTIFICATE_LEFT_US (14 * US_PER_DAY)
/* A sender's heartbeat: Alertmanager and Prometheus repeat themselves every minute at best. */
#define LIMIT_HEARTBEAT_LEAST_US US_PER_MINUTE
/* The least value of expire_after: below any sender's interval of repeats an alert would end while
 * it fires. */
#define LIMIT_EXPIRE_AFTER_LEAST_US US_PER_MINUTE

/* ---- web ---- */

#include "tracepager/limits_web.h"

/* ---- cmd ---- */

/* Services, and calls between them, that an audit counts: ten times the largest fleets. */
#define LIMIT_AUDIT_SERVICES 20000u
#define LIMIT_AUDIT_CALLS    200000u
/* Entry operations of one alert that an audit counts: the commonest are among the first. */
#define LIMIT_AUDIT_OPERATIONS 64
/* One file of explain or of a rule test, which are read whole. */
#define LIMIT_EXPLAIN_FILE_BYTES (1u << 30)
/* The text of --help and of samples: some 40 lines, and up to 200. */
#define LIMIT_HELP_BYTES (64u << 10)
/* A command caps what it reads, so that its own memory needs no cap. */
#define LIMIT_COMMAND_ARENA_BYTES (SIZE_MAX / 2)
/* LIMIT_FINDINGS findings with their lines and carets, as text or as JSON. */
#define LIMIT_FINDINGS_TEXT_BYTES (32u << 20)
/* The results of tests: LIMIT_FINDINGS_TEXT_BYTES for each of a few broken files. */
#define LIMIT_TEST_REPORT_BYTES (256u << 20)
/* A thousand losses of an import as JSON, whose texts may grow sixfold. */
#define LIMIT_IMPORT_REPORT_BYTES (64u << 20)
/* Rules from a catalogue: they say less than it does; quoting and places add to them. */
#define LIMIT_IMPORT_RULES_BYTES (4u * LIMIT_RULES_BYTES)
/* The tables of an audit: LIMIT_AUDIT_CALLS rows with long names. */
#define LIMIT_AUDIT_REPORT_BYTES ((size_t)256 << 20)
/* Every page of 90 days changed, some 500 bytes each. */
#define LIMIT_REPLAY_REPORT_BYTES ((size_t)1 << 30)
/* Threads that decide past alerts again: each holds the traces of one decision. */
#define LIMIT_REPLAY_THREADS 16
/* Decisions that are read ahead for each thread, so that none waits for the disk. */
#define LIMIT_REPLAY_AHEAD 8
/* A captured test: one alert, whose texts may grow sixfold, with head room. */
#define LIMIT_CAPTURE_TEST_BYTES (64u << 20)
/* A stored alert, unpacked: LIMIT_ALERT_BYTES, whose texts may grow sixfold, with head room. */
#define LIMIT_PAST_ALERT_BYTES (8u << 20)
/* The names of the pagers of one step: LIMIT_STEP_PAGERS of LIMIT_RULE_NAME_BYTES each. */
#define LIMIT_PAST_PAGERS_BYTES (64u << 10)
/* Links that an audit requests side by side, and how long one may take: they are on few hosts. */
#define LIMIT_LINKS_SIDE_BY_SIDE 8
#define LIMIT_LINK_US		 (10 * US_PER_SECOND)
/* Columns of a text where no terminal has a width. */
#define LIMIT_TERMINAL_COLUMNS 80u
/* One file of the demo, and how long its page may take on a slow machine. */
#define LIMIT_DEMO_TEXT_BYTES (256u << 10)
#define LIMIT_DEMO_PAGE_US    (10 * US_PER_SECOND)
/* Below this width the demo's sentences are no longer readable: they run over the edge instead. */
#define LIMIT_DEMO_COLUMNS_LEAST 40u
/* A table's lines: narrower ones show nothing of use, and wider ones no eye follows. */
#define LIMIT_TABLE_COLUMNS_LEAST 40u
#define LIMIT_TABLE_COLUMNS_MOST  250u
/* One text of a table, or one paragraph. */
#define LIMIT_TABLE_TEXT_COLUMNS 8000u
#define LIMIT_TABLE_TEXT_BYTES	 (64u << 10)
/* An answer of a relay to a command: a page of incidents with their stories. */
#define LIMIT_CLIENT_REPLY_BYTES (32u << 20)
/* A path and its query: an id, filters, and a cursor. */
#define LIMIT_CLIENT_PATH_BYTES (16u << 10)
/* An incident's id, and the beginning of one that a person must type at least: a few hundred
 * incidents differ in their first four hexadecimal digits nearly always. */
#define LIMIT_INCIDENT_ID_CHARS	    32
#define LIMIT_INCIDENT_PREFIX_CHARS 4
/* Incidents among which the beginning of an id is looked up: the current ones, then the latest of
 * those that are over. */
#define LIMIT_CLIENT_LOOKED 10000u
/* A frame of "tracepager top": a thousand incidents, each a line with colours. */
#define LIMIT_TOP_FRAME_BYTES (4u << 20)
/* "tracepager top" asks no more often: a relay has other things to do. */
#define LIMIT_TOP_INTERVAL_LEAST_US (100 * US_PER_MS)
/* What a message quotes of a URL, and of a relay's reason: the whole stands on two lines. */
#define LIMIT_CLIENT_URL_COLUMNS    80u
#define LIMIT_CLIENT_REASON_COLUMNS 200u

/* ---- rules/export ---- */

/* One text of an export: a thousand routes of ten lines for each of a hundred teams. */
#define LIMIT_EXPORT_BYTES (16u << 20)
/* Routes of an Alertmanager: each condition on time, and each route that continues, may double
 * those behind it. More than this no person reads. */
#define LIMIT_EXPORT_ROUTES 20000u
/* Routes within routes: rules nest one level for each route that continues or names a time. */
#define LIMIT_EXPORT_DEPTH 48u
/* The names, matchers and losses of an export. */
#define LIMIT_EXPORT_ARENA_BYTES (64u << 20)
/* One matcher: the names of a team's services as one regular expression. */
#define LIMIT_EXPORT_MATCHER_BYTES (256u << 10)
/* What is told of one loss. */
#define LIMIT_EXPORT_LOSS_BYTES (16u << 10)
/* The report of all losses on standard error. */
#define LIMIT_EXPORT_REPORT_BYTES (16u << 20)

#endif
