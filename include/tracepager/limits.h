/*
 * Every cap of the program, with its reason. A number that bounds something a peer can grow belongs
 * here and nowhere else.
 */
#ifndef TRACEPAGER_LIMITS_H
#define TRACEPAGER_LIMITS_H

/* Time, in microseconds. */
#define US_PER_MS     1000LL
#define US_PER_SECOND 1000000LL
#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR   (60 * US_PER_MINUTE)
#define US_PER_DAY    (24 * US_PER_HOUR)

/* Intake: a storm of alerts is one body; Alertmanager groups have been seen at several megabytes.
 */
#define LIMIT_BODY_BYTES (16u << 20)
/* Proxies add headers, cookies are not ours: 32 KiB is four times what Alertmanager and a mesh
 * send. */
#define LIMIT_HEADER_BYTES (32u << 10)
/* From the first byte to the last, whatever trickles in between: a slow sender holds a connection
 * no longer. */
#define LIMIT_REQUEST_US (30 * US_PER_SECOND)
/* An idle keep-alive connection; Alertmanager flushes every five minutes at most, so that one
 * outlives a flush. */
#define LIMIT_IDLE_US (6 * US_PER_MINUTE)
/* Twice the 500 senders that the largest fleets run, within the common descriptor limit of 4096. */
#define LIMIT_CONNECTIONS 1024
/* Connections above the cap, where all have a request under way, that are told 503 and to come
 * back; those above these are closed without a word. */
#define LIMIT_REFUSED_CONNECTIONS 64
/* How long a listener rests when descriptors have run out: accept() would fail at once, again and
 * again. */
#define LIMIT_ACCEPT_REST_US (100 * US_PER_MS)
/* Addresses to listen on: loopback and a few interfaces, in both families. */
#define LIMIT_LISTENERS 16
/* Alerts of one body: 16 MiB of the smallest alerts that make sense. */
#define LIMIT_ALERTS_PER_BODY 65536
/* Refused alerts of one body that are told apart; a person mends the first few, then sends again.
 */
#define LIMIT_REFUSED_TOLD 100
/* Labels and annotations of one alert: Prometheus' own default is 30 labels; the rest is head room.
 */
#define LIMIT_LABELS 256
/* One label or annotation value; longer ones are cut, since annotations carry whole runbooks. */
#define LIMIT_LABEL_BYTES (16u << 10)
/* Labels and annotations of one alert together: annotations beyond it are left out, and say so. It
 * bounds what is stored and sent of an alert, whose texts may grow sixfold by escaping. */
#define LIMIT_ALERT_BYTES (256u << 10)
/* Deepest JSON or YAML that any format of ours needs is 12 (OTLP kvlists); the rest is head room.
 */
#define LIMIT_DEPTH 64
/* One JSON string or number that arrives in pieces; SQL statements and stack traces fit, a body
 * does not. */
#define LIMIT_TOKEN_BYTES (4u << 20)

/* Alerts that are accepted but not yet decided; above it intake answers 503 (Alertmanager sends
 * again). */
#define LIMIT_ALERTS_WAITING 65536
/* Alerts that are known at all, firing or just ended; above it intake answers 503. About 2 KiB of
 * memory each. */
#define LIMIT_ALERTS_KNOWN 500000
/* Writes handed to the store and not yet committed, in operations; above it intake answers 503. */
#define LIMIT_STORE_QUEUE 16384
/* The same in bytes: four of the largest bodies. Either is overrun by at most the last batch. */
#define LIMIT_STORE_QUEUE_BYTES (64u << 20)
/* Decisions, closed incidents and their pages: a quarter is what reviews look back on. */
#define LIMIT_HISTORY_US (90 * US_PER_DAY)
/* Traces of decisions, with the healthy evidence beside them: a week is what people look back on
 * with the facts in hand, and 2 GiB what any disk has. */
#define LIMIT_TRACES_KEPT_US	(7 * US_PER_DAY)
#define LIMIT_TRACES_KEPT_BYTES ((int64_t)2 << 30)
/* Traces of one decision, packed: some 10,000 spans; of larger ones the paths are kept. Healthy
 * evidence has as much again. */
#define LIMIT_STORED_TRACES_BYTES (1u << 20)
/* The same before packing: 0.3 s of a pool thread. */
#define LIMIT_STORED_TRACES_RAW_BYTES (32u << 20)
/* Memory of decisions that wait to be written down, with their traces; above it the traces of
 * further ones are not kept, above twice as much nothing is. Traces stay charged to
 * LIMIT_TRACES_IN_FLIGHT_BYTES, which must not fill with what was decided long ago. */
#define LIMIT_RECORDS_WAITING_BYTES (64u << 20)
/* What is packed grows by no more when it is opened: texts of ours reach 30, and zeros 1,000. */
#define LIMIT_PACK_RATIO 200u
/* What an audit counts: ten times the largest fleets, and what these call. */
#define LIMIT_AUDIT_SERVICES 20000u
#define LIMIT_AUDIT_CALLS    200000u
/* A decision's document, opened: it was capped when it was written. */
#define LIMIT_DECISION_BYTES (16u << 20)

/* Trace decoding: see the design's "What is kept of a trace". */
#define LIMIT_TRACE_BODY_BYTES	  (64u << 20)
#define LIMIT_TRACE_SPANS	  250000u
#define LIMIT_TRACE_STRING_BYTES  (16u << 20)
#define LIMIT_TRACES_PER_DOCUMENT 10000u
#define LIMIT_RESOURCE_ATTRS	  64u
#define LIMIT_RESOURCE_ATTR_BYTES 4096u
/* Attributes kept of one span: those of attrs.def that occur together, and those that rules name.
 */
#define LIMIT_SPAN_ATTRS 48u
/* One kept attribute value or status text: an error message is read by a person. */
#define LIMIT_ATTR_VALUE_BYTES 1024u
/* All traces in flight in the daemon together. */
#define LIMIT_TRACES_IN_FLIGHT_BYTES (256u << 20)
/* What is kept of the healthy traces of one signal: 100 traces of 1,000 spans take 4 MiB. */
#define LIMIT_BASELINE_BYTES (8u << 20)
/* Signals whose healthy traces are kept in mind, and all that is kept of them: of 1,000 signals
 * with traces of 30 spans take 120 MiB. */
#define LIMIT_BASELINES	      1000u
#define LIMIT_BASELINES_BYTES (256u << 20)
/* Healthy traces come from this long ago until that long before their gathering: late spans have
 * arrived, and a fault that is about to be alerted on has not begun. */
#define LIMIT_BASELINE_FROM_US (40 * US_PER_MINUTE)
#define LIMIT_BASELINE_TO_US   (10 * US_PER_MINUTE)
/* Between two gatherings: 1,000 signals are asked for within 10 minutes of every 15. */
#define LIMIT_BASELINE_PAUSE_US (500 * US_PER_MS)
/* One part of a gathering. An alert that waits for it has LIMIT_ENRICH_US. */
#define LIMIT_BASELINE_GATHER_US (10 * US_PER_SECOND)
#define LIMIT_BASELINE_ENOUGH_US (2 * US_PER_SECOND)
/* After the last alert about it, a signal's traces are not taken for healthy for so long. */
#define LIMIT_BASELINE_SICK_US US_PER_HOUR
/* The same of the traces of one alert, or of one call of explain. */
#define LIMIT_WINDOW_BYTES (256u << 20)
/* Explain reads whole files; ten times the largest trace. */
#define LIMIT_EXPLAIN_FILE_BYTES (1u << 30)

/* A path longer than this is cut in the middle in decisions and pages: nobody reads more. */
#define LIMIT_PATH_SHOWN 64
/* Spans of a critical path that are kept for a person. */
#define LIMIT_CRITICAL_SPANS 256u
/* Services that are fitted to one window, and calls of one that are told apart in it: what is
 * touched most. Together they bound a vote to a tenth of a second, whatever the traces are. */
#define LIMIT_CONTRAST_SERVICES 64u
#define LIMIT_CONTRAST_TERMS	64u
/* Reasons and runners-up in a decision. */
#define LIMIT_REASONS	 16
#define LIMIT_RUNNERS_UP 8
/* Names by which one callee can be known (semantic conventions have 14). */
#define LIMIT_PEER_NAMES 16
/* The words of one error, and one name or text in a sentence: a line that a person reads at night.
 */
#define LIMIT_ERROR_WORDS_BYTES 240u
#define LIMIT_SHOWN_BYTES	120u
/* Attempts of one call that are told apart; nobody tries more often, and a loop over data is no
 * retry. */
#define LIMIT_CALL_ATTEMPTS 64u
/* Page text: a phone's lock screen shows 100 characters; a waterfall must not wrap in a mail. */
#define LIMIT_SUMMARY_CHARS	100
#define LIMIT_WATERFALL_LINES	12
#define LIMIT_WATERFALL_COLUMNS 72

/* Enrichment: default budget from acceptance; a verdict may still improve the page until the later
 * one. */
#define LIMIT_ENRICH_US	       (5 * US_PER_SECOND)
#define LIMIT_ENRICH_LATE_US   (60 * US_PER_SECOND)
#define LIMIT_TRACES_PER_ALERT 50
/* Alerts enriched at the same time: 64 traces of the largest common size stay under the in-flight
 * cap. */
#define LIMIT_ENRICHING 64
/* Of these, alerts that ask once more: a backend that is slow to say no leaves half of the places
 * to fresh ones. */
#define LIMIT_ENRICHING_AGAIN 32
/* Rounds in which an alert's own trace ids are not found, before its signal is searched for. */
#define LIMIT_ROUNDS_BY_ID 2u
/* Look-ups of one alert side by side: a backend serves many alerts at once. */
#define LIMIT_LOOKUPS_PER_ALERT 4
/* Pauses between two look-ups of a trace that is not there yet: spans reach a backend within
 * seconds. */
#define LIMIT_LOOKUP_PAUSE_MIN_US (250 * US_PER_MS)
#define LIMIT_LOOKUP_PAUSE_MAX_US (4 * US_PER_SECOND)
/* The last look-up starts so long before the deadline, to be answered in time. */
#define LIMIT_LOOKUP_LAST_US (200 * US_PER_MS)
/* Once a trace of the alert is there, the others are looked for no more often than this. */
#define LIMIT_LOOKUPS_WITH_ONE 3u
/* A larger document is linked into trees by the pool: at 1 GB/s this many bytes take an eighth of
 * LIMIT_TURN_US. */
#define LIMIT_INLINE_TRACE_BYTES (256u << 10)
/* Windows of searches begin and end at whole multiples of this: alerts of one storm start within
 * an evaluation of their rules, and shall ask one question. */
#define LIMIT_WINDOW_US (10 * US_PER_SECOND)
/* Traces that are looked through for failing ones, where the backend cannot tell them from others:
 * what Jaeger gives to who names no number. One order in ten that fails is found ten times. */
#define LIMIT_SEARCH_DEPTH 100u
/* Exemplars must leave the search its time. */
#define LIMIT_EXEMPLARS_US US_PER_SECOND
/* Requests of one question to a source: a trace in pages, an asynchronous query that is polled. */
#define LIMIT_SOURCE_STEPS 32u
/* Hits in one page of an Elasticsearch or OpenSearch search: a server takes 10,000 by default; half
 * of it is some 15 MiB. A page with fewer hits is the last. */
#define LIMIT_ELASTIC_PAGE_HITS 5000u
/* An answer that is no trace, but ids that a search found, or exemplars: some 5,000 of either,
 * which are read in LIMIT_TURN_US. */
#define LIMIT_SOURCE_TEXT_BYTES (1u << 20)
#define LIMIT_EXEMPLARS_BYTES	(512u << 10)
/* Where the next page of a trace begins, in a source's own words: tokens are some hundred bytes. */
#define LIMIT_CURSOR_BYTES 4096u
/* Further headers of a source; HTTP_HEADERS_MAX less those that kinds and credentials take. */
#define LIMIT_SOURCE_HEADERS 8u
/* Declared sources, each of which is asked for each trace; and their order numbers. */
#define LIMIT_SOURCES 64u
#define LIMIT_PREFER  1000000
/* Searches at one source: what a backend of three small machines does beside its own users. */
#define LIMIT_SEARCH_PAUSE_US (US_PER_SECOND / 20)
/* Searches at once, before the pace counts. */
#define LIMIT_SEARCH_BURST 10
/* A source whose limit is used up is left alone no longer than that: hourly limits exist. */
#define LIMIT_SOURCE_HOLD_US US_PER_HOUR
/* Files in the directory of a files source. */
#define LIMIT_TRACE_FILES 10000u

/* Delivery. A pager's reply is a short JSON. */
#define LIMIT_REPLY_BYTES  (64u << 10)
#define LIMIT_RETRY_MIN_US (1 * US_PER_SECOND)
#define LIMIT_RETRY_MAX_US (2 * US_PER_MINUTE)
/* A Retry-After beyond this would hold a page, or keep traces from it, longer than a person would
 * wait. */
#define LIMIT_RETRY_AFTER_US (5 * US_PER_MINUTE)
/* A pager that has not accepted for so long: the fallback team is paged too. */
#define LIMIT_PAGER_SILENT_US (5 * US_PER_MINUTE)
/* PagerDuty's body cap is 512 KB; Standard Webhooks advise 20 KB. */
#define LIMIT_PAGE_BYTES	   (500u << 10)
#define LIMIT_CONNECTIONS_PER_HOST 100
/* Sections of a page that become members of PagerDuty's custom_details (a page has some eight); the
 * rest becomes one member. */
#define LIMIT_PAGERDUTY_SECTIONS 24
/* Columns of one alert's name on the console, and of all names of a page: senders choose names, and
 * they must not fill the screen. */
#define LIMIT_CONSOLE_ALERT_COLUMNS  100
#define LIMIT_CONSOLE_ALERTS_COLUMNS 2000
/* Attempts side by side at one pager: PagerDuty takes about 120 events a minute of one key. */
#define LIMIT_DELIVERIES_PER_PAGER 16u
/* Failures in a row after which a pager is only probed, one attempt at a time. */
#define LIMIT_BREAKER_FAILURES 5u
#define LIMIT_CONNECT_US       (3 * US_PER_SECOND)
/* Replies are handed to their readers in turns of so much, all together: at 4 ns a byte of small
 * spans, receiving included, that is half of LIMIT_TURN_US. */
#define LIMIT_HANDED_BYTES (256u << 10)
#define LIMIT_DELIVER_US   (15 * US_PER_SECOND)

/* An API alert without an end: Alertmanager's resolve_timeout. */
#define LIMIT_API_ALERT_US (5 * US_PER_MINUTE)
/* Alerts that nobody resolves. API alerts carry their own end. */
#define LIMIT_EXPIRE_AFTER_US (12 * US_PER_HOUR)
/* Less than any sender repeats in: each alert would resolve while it fires. */
#define LIMIT_EXPIRE_AFTER_LEAST_US US_PER_MINUTE
/* After the store failed, what it missed is written again so often until it is there. */
#define LIMIT_STORE_HEAL_US (10 * US_PER_SECOND)
/* After a start, API alerts do not expire: Prometheus dropped its repeats while we were away. */
#define LIMIT_START_GRACE_US (5 * US_PER_MINUTE)
/* Prometheus sends resolved alerts for 15 minutes: so long they are known. */
#define LIMIT_RESOLVED_MEMORY_US (15 * US_PER_MINUTE)
/* A firing copy of what was just resolved comes from a replica that is late: Alertmanagers wait for
 * each other 15 s a peer. Later ones are new, even with the same start. */
#define LIMIT_LATE_COPY_US (2 * US_PER_MINUTE)
/* After a start, alerts that paged nobody are decided again, when what was unfinished is done. */
#define LIMIT_DECIDE_AGAIN_US US_PER_MINUTE
/* Starts of one alert's processing; the third pages without traces. */
#define LIMIT_ATTEMPTS 3

/* Rules and configuration files. */
#define LIMIT_YAML_FILE_BYTES (16u << 20)
#define LIMIT_YAML_EVENTS     4000000u
#define LIMIT_SECRET_BYTES    4096u
/* All files of one rules directory together: 10,000 services take 3 MiB. */
#define LIMIT_RULES_BYTES (64u << 20)
/* Problems told of one load; the others are counted. Nobody mends a thousand before looking again.
 */
#define LIMIT_FINDINGS 1000
/* Names compared for "did you mean" in one load: about a second. Later findings do without. */
#define LIMIT_WORDS_COMPARED 1000000u
/* A longer source line is not shown beneath a finding: no person wrote it. */
#define LIMIT_FINDING_LINE_BYTES 1024u
/* Catalogues that rules are made from. Entries: five times what the largest companies list; files:
 * one per service; a text is a title or an address, which browsers cut at 2 KiB. */
#define LIMIT_CATALOGUE_ENTRIES	   50000u
#define LIMIT_CATALOGUE_FILES	   20000u
#define LIMIT_CATALOGUE_TEXT_BYTES 2048u
/* Groups above groups, and systems that lend their owners: deeper is a circle, or as good as one.
 */
#define LIMIT_CATALOGUE_PARENTS 16u
/* Every service is held against every line: twice the longest CODEOWNERS seen. */
#define LIMIT_CODEOWNERS_LINES 10000u
/* Names that rules give to teams, services …: they go into keys, logs and pages. */
#define LIMIT_RULE_NAME_BYTES 200u
/* A glob of the rules; the comparison of two globs takes time with the product of their lengths. */
#define LIMIT_GLOB_BYTES 1024u
/* A regular expression of the rules, and what one match may cost: some milliseconds at the very
 * worst. */
#define LIMIT_REGEX_BYTES    4096u
#define LIMIT_REGEX_STEPS    100000u
#define LIMIT_REGEX_HEAP_KIB 1024u
/* Escalations: PagerDuty repeats nine times at most, and nobody reads a ladder of more steps. */
#define LIMIT_ESCALATION_STEPS	64u
#define LIMIT_ESCALATION_REPEAT 100
/* Pagers of one step or route: each is a request of its own, all at once. */
#define LIMIT_STEP_PAGERS 64u
/* Routes of one page that say "continue", and the pagers that they notify beside the owner's: more
 * are a tangle that nobody sees through. */
#define LIMIT_ROUTES_MATCHED 32u
#define LIMIT_ALSO_NOTIFY    16u
/* Rules that did not match and are kept in a decision: the nearest tell why, the others only
 * tire. */
#define LIMIT_RULES_MISSED 20u
/* Files that include files: deeper is a circle, or as good as one. */
#define LIMIT_INCLUDE_DEPTH 8u
/* A text that a template makes: a summary is cut to its own length afterwards, details are read by
 * a person, an address is cut by browsers. */
#define LIMIT_TEMPLATE_BYTES (8u << 10)
/* A file of the time zone database; the largest has 4 KiB. */
#define LIMIT_ZONE_BYTES (256u << 10)
/* The rules' files are watched. A change is told when nothing more came for so long (an editor, a
 * git pull), at the latest so long after the first. */
#define LIMIT_WATCH_QUIET_US (500 * US_PER_MS)
#define LIMIT_WATCH_HOLD_US  (3 * US_PER_SECOND)
/* Where the kernel gives no more watches, files are looked at so often: soon enough for a person
 * who waits, and cheap. */
#define LIMIT_WATCH_POLL_US (10 * US_PER_SECOND)
/* Names that are watched, and symbolic links that are followed: a directory of rules has a few. */
#define LIMIT_WATCHES 1024u
/* Findings of a load that the status shows; the log and check tell all. */
#define LIMIT_FINDINGS_SHOWN 100u
/* Differences of the shadow rules that are kept: more than a person reads of a week. */
#define LIMIT_SHADOW_KEPT 1000u
/* Decisions that wait for the shadow rules, and the bytes of their traces: what is kept for them
 * cannot be fetched into. Beyond either, a decision is left out, and counted. */
#define LIMIT_SHADOW_WAITING	 1000u
#define LIMIT_SHADOW_TRACE_BYTES (32u << 20)
/* One value of a difference: lists of pagers are cut. */
#define LIMIT_SHADOW_TEXT_BYTES 1024u
/* Differences of one kind are logged no more often than this. */
#define LIMIT_SHADOW_LOG_US US_PER_MINUTE
/* Durations of any option: far from the end of int64_t even when added to a wall time. */
#define LIMIT_DURATION_US (36500 * US_PER_DAY)

/* The loop: nothing holds it longer. */
#define LIMIT_TURN_US (2 * US_PER_MS)

#endif
