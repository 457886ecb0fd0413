/* Tests of what pagers tell back: signatures, and the acts that requests mean. */
#include "told.h"

#include "tracepager/buf.h"
#include "tracepager/sign.h"

/* What PagerDuty's manual of V3 webhooks shows, shortened, with our key. */
#define AGENT_ANN                                                                                  \
	"{\"html_url\":\"https://acme.pagerduty.com/users/PLH1HKV\",\"id\":\"PLH1HKV\",\"self\":"  \
	"\"https://api.pagerduty.com/users/PLH1HKV\",\"summary\":\"Ann Example\",\"type\":\"user_" \
	"reference\"}"
#define AGENT_OURS                                                                                 \
	"{\"id\":\"PXMQRWJ\",\"self\":\"https://api.pagerduty.com/services/P5PP4N4/integrations/"  \
	"PXMQRWJ\",\"summary\":\"Events API V2\",\"type\":\"inbound_integration_reference\"}"
#define EVENT(type, at, agent, data)                                                               \
	"{\"event\":{\"id\":\"01CEVT0000000000000000001\",\"event_type\":\"" type                  \
	"\",\"resource_type\":\"incident\",\"occurred_at\":\"" at "\",\"agent\":" agent            \
	",\"client\":{\"name\":\"PagerDuty\"},\"data\":" data "}}"
#define INCIDENT(status, key, reason)                                                              \
	"{\"id\":\"PGR0VU2\",\"type\":\"incident\",\"number\":2,\"status\":\"" status              \
	"\",\"incident_key\":\"" key "\",\"title\":\"ledger: deadlock\",\"assignees\":[{\"id\":"   \
	"\"PLH1HKV\",\"summary\":\"Ann Example\",\"type\":\"user_reference\"}],\"resolve_reason\"" \
	":" reason "}"
#define ACKNOWLEDGED                                                                               \
	EVENT("incident.acknowledged", "2026-09-01T09:59:58.169Z", AGENT_ANN,                      \
	      INCIDENT("acknowledged", ID, "null"))
/* By Python's hmac module, with the secret pd-secret-1. */
#define ACKNOWLEDGED_V1 "v1=cea10e65d61f8c1d5ea4ff43844b2d8bdc294227754744e5b3582a3422300fc0"

#define ACT "{\"incident\":\"" ID "\",\"action\":\"acknowledge\",\"who\":\"ann\"}"
/* By Python's hmac module: msg_1.1788256800.ACT, with hook-secret, and with the second secret. */
#define ACT_V1	    "v1,21FZHrXcOk7jqH2wJo4eXW+OmZz9a1qgte1ESJbXd1k="
#define ACT_WHSEC   "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define ACT_V1_AS_2 "v1,7WRu0Fn3MemKKwmm5czSrNcodYfVhI8WAdb9o1GRvgo="

/* Signs with the text of a secret, as PagerDuty does, and reads. */
static enum feedback_verdict pagerduty_says(const char *body)
{
	unsigned char mac[HMAC_SHA256_BYTES];
	char *header = arena_alloc(arena, 4 + 2 * sizeof(mac));

	secret_set(&secrets[0], "pd");
	ck_assert_int_eq(hmac_sha256("pd", 2, body, strlen(body), mac), 0);
	memcpy(header, "v1=", 3);
	for (size_t i = 0; i < sizeof(mac); i++)
		snprintf(header + 3 + 2 * i, 3, "%02x", mac[i]);
	nheaders = 0;
	set_header("X-PagerDuty-Signature", header);
	return read_text(PAGER_PAGERDUTY, body);
}

/* Signs as Standard Webhooks say, and reads. */
static enum feedback_verdict webhook_says_at(const char *timestamp, const char *body)
{
	unsigned char mac[HMAC_SHA256_BYTES];
	char text[base64_size(HMAC_SHA256_BYTES)];
	const char *content = arena_printf(arena, "msg_1.%s.%s", timestamp, body);

	secret_set(&secrets[0], "hook");
	ck_assert_int_eq(hmac_sha256("hook", 4, content, strlen(content), mac), 0);
	base64_encode(mac, sizeof(mac), text);
	nheaders = 0;
	set_header("webhook-id", "msg_1");
	set_header("webhook-timestamp", timestamp);
	set_header("webhook-signature", arena_printf(arena, "v1,%s", text));
	return read_text(PAGER_WEBHOOK, body);
}

static enum feedback_verdict webhook_says(const char *body)
{
	return webhook_says_at("1788256800", body);
}

/* ---- PagerDuty: signatures ---- */

START_TEST(pagerduty_golden)
{
	secret_set(&secrets[0], "pd-secret-1");
	set_header("X-PagerDuty-Signature", ACKNOWLEDGED_V1);
	ck_assert_int_eq(read_text(PAGER_PAGERDUTY, ACKNOWLEDGED), FEEDBACK_VERIFIED);
	check_act(ACT_ACKNOWLEDGE, ID, "Ann Example", "");
	ck_assert_str_eq(feedback.event, "01CEVT0000000000000000001");
	ck_assert_str_eq(feedback.theirs, "PGR0VU2");
	ck_assert_str_eq(feedback.ours, ID);
}
END_TEST

static const struct {
	const char *first, *second, *header;
	enum feedback_verdict verdict;
} pagerduty_signatures[] = {
	{ "pd-secret-1", NULL, ACKNOWLEDGED_V1, FEEDBACK_VERIFIED },
	/* Either live secret, and either signature of a rotation at PagerDuty. */
	{ "new", "pd-secret-1", ACKNOWLEDGED_V1, FEEDBACK_VERIFIED },
	{ "pd-secret-1", "new", "v1=00," ACKNOWLEDGED_V1, FEEDBACK_VERIFIED },
	{ "pd-secret-1", NULL, ACKNOWLEDGED_V1 ",v1=00", FEEDBACK_VERIFIED },
	{ "pd-secret-1", NULL, "v2=x, " ACKNOWLEDGED_V1, FEEDBACK_VERIFIED },
	{ "pd-secret-1", NULL,
	  "v1=CEA10E65D61F8C1D5EA4FF43844B2D8BDC294227754744E5B3582A3422300FC0",
	  FEEDBACK_VERIFIED },
	/* After the rotation the old secret counts no more. */
	{ "new", NULL, ACKNOWLEDGED_V1, FEEDBACK_UNSIGNED },
	{ "new", "newer", ACKNOWLEDGED_V1, FEEDBACK_UNSIGNED },
	{ "pd-secret-10", "pd-secret-", ACKNOWLEDGED_V1, FEEDBACK_UNSIGNED },
	{ NULL, NULL, ACKNOWLEDGED_V1, FEEDBACK_UNSIGNED },
	{ "pd-secret-1", NULL, NULL, FEEDBACK_UNSIGNED },
	{ "pd-secret-1", NULL, "", FEEDBACK_UNSIGNED },
	{ "pd-secret-1", NULL, ",", FEEDBACK_UNSIGNED },
	{ "pd-secret-1", NULL, "v1=", FEEDBACK_UNSIGNED },
	{ "pd-secret-1", NULL, "v1", FEEDBACK_UNSIGNED },
	{ "pd-secret-1", NULL, "cea10e65d61f8c1d5ea4ff43844b2d8bdc294227754744e5b3582a3422300fc0",
	  FEEDBACK_UNSIGNED },
	{ "pd-secret-1", NULL,
	  "v0=cea10e65d61f8c1d5ea4ff43844b2d8bdc294227754744e5b3582a3422300fc0",
	  FEEDBACK_UNSIGNED },
	/* One digit less, one more, another, no digit. */
	{ "pd-secret-1", NULL, "v1=cea10e65d61f8c1d5ea4ff43844b2d8bdc294227754744e5b3582a3422300fc",
	  FEEDBACK_UNSIGNED },
	{ "pd-secret-1", NULL, ACKNOWLEDGED_V1 "0", FEEDBACK_UNSIGNED },
	{ "pd-secret-1", NULL,
	  "v1=cea10e65d61f8c1d5ea4ff43844b2d8bdc294227754744e5b3582a3422300fc1",
	  FEEDBACK_UNSIGNED },
	{ "pd-secret-1", NULL,
	  "v1=gea10e65d61f8c1d5ea4ff43844b2d8bdc294227754744e5b3582a3422300fc0",
	  FEEDBACK_UNSIGNED },
};

START_TEST(pagerduty_signature)
{
	if (pagerduty_signatures[_i].first)
		secret_set(&secrets[0], pagerduty_signatures[_i].first);
	if (pagerduty_signatures[_i].second)
		secret_set(&secrets[1], pagerduty_signatures[_i].second);
	if (pagerduty_signatures[_i].header)
		set_header("X-PagerDuty-Signature", pagerduty_signatures[_i].header);
	ck_assert_int_eq(read_text(PAGER_PAGERDUTY, ACKNOWLEDGED),
			 pagerduty_signatures[_i].verdict);
	if (pagerduty_signatures[_i].verdict == FEEDBACK_VERIFIED) {
		ck_assert_uint_eq(feedback.nacts, 1);
	} else {
		ck_assert_uint_eq(feedback.nacts, 0);
		ck_assert_ptr_nonnull(strstr(err.text, "feedback_secret"));
		ck_assert_ptr_null(strstr(err.text, "pd-secret-1"));
	}
}
END_TEST

/* A changed or a cut body has another signature. */
START_TEST(pagerduty_body_changed)
{
	char *body = arena_strdup(arena, ACKNOWLEDGED);

	secret_set(&secrets[0], "pd-secret-1");
	set_header("X-PagerDuty-Signature", ACKNOWLEDGED_V1);
	ck_assert_int_eq(read_bytes(PAGER_PAGERDUTY, body, strlen(body) - 1), FEEDBACK_UNSIGNED);
	ck_assert_int_eq(read_bytes(PAGER_PAGERDUTY, body, 0), FEEDBACK_UNSIGNED);
	*strstr(body, "deadlock") = 'D';
	ck_assert_int_eq(read_text(PAGER_PAGERDUTY, body), FEEDBACK_UNSIGNED);
}
END_TEST

/* An empty secret would let everybody sign. */
START_TEST(pagerduty_empty_secret)
{
	unsigned char mac[HMAC_SHA256_BYTES];
	char header[4 + 2 * sizeof(mac)] = "v1=";

	ck_assert_int_eq(hmac_sha256("", 0, ACKNOWLEDGED, strlen(ACKNOWLEDGED), mac), 0);
	for (size_t i = 0; i < sizeof(mac); i++)
		snprintf(header + 3 + 2 * i, 3, "%02x", mac[i]);
	set_header("X-PagerDuty-Signature", header);
	secret_set(&secrets[0], "");
	secret_set(&secrets[1], "");
	ck_assert_int_eq(read_text(PAGER_PAGERDUTY, ACKNOWLEDGED), FEEDBACK_UNSIGNED);
}
END_TEST

/* ---- PagerDuty: events ---- */

#define AT "2026-09-01T09:59:58Z"
#define NOTE(n)                                                                                    \
	"{\"incident\":{\"id\":\"PGR0VU2\",\"summary\":\"x\",\"type\":\"incident_reference\"},"    \
	"\"id\":\"P2LA89X\",\"content\":\"" n "\",\"trimmed\":false,\"type\":\"incident_note\"}"

static const struct {
	const char *body;
	int kind; /* -1: no act */
	const char *incident, *who, *text;
} pagerduty_events[] = {
	{ EVENT("incident.resolved", AT, AGENT_ANN, INCIDENT("resolved", ID, "null")), ACT_RESOLVE,
	  ID, "Ann Example", "" },
	/* The second page of the same incident has a key of its own. */
	{ EVENT("incident.acknowledged", AT, AGENT_ANN, INCIDENT("acknowledged", ID "#2", "null")),
	  ACT_ACKNOWLEDGE, ID, "Ann Example", "" },
	/* A note: PagerDuty names the incident by its own id alone. */
	{ EVENT("incident.annotated", AT, AGENT_ANN, NOTE("restarted\\nit\\u0007 \\u00e4")),
	  ACT_COMMENT, "", "Ann Example", "restarted\nit  \xc3\xa4" },
	{ EVENT("incident.annotated", AT, "null", NOTE("n")), ACT_COMMENT, "", "", "n" },
	{ EVENT("incident.annotated", AT, AGENT_ANN, NOTE("")), -1, "", "", "the note is empty" },
	{ EVENT("incident.unacknowledged", AT, AGENT_OURS, INCIDENT("triggered", ID, "null")),
	  ACT_COMMENT, ID, "Events API V2", "the acknowledgement at PagerDuty has ended" },
	{ EVENT("incident.reassigned", AT, AGENT_ANN, INCIDENT("triggered", ID, "null")),
	  ACT_COMMENT, ID, "Ann Example", "assigned at PagerDuty to Ann Example" },
	{ EVENT("incident.reassigned", AT, AGENT_ANN,
		"{\"id\":\"P1\",\"incident_key\":\"k\",\"assignees\":[{\"summary\":\"Bo\"},{"
		"\"summary\":\"Cy\"}]}"),
	  ACT_COMMENT, "k", "Ann Example", "assigned at PagerDuty to Bo, Cy" },
	{ EVENT("incident.delegated", AT, AGENT_ANN,
		"{\"id\":\"P1\",\"incident_key\":\"k\",\"escalation_policy\":{\"summary\":\"DBA\"}"
		"}"),
	  ACT_COMMENT, "k", "Ann Example", "handed at PagerDuty to escalation policy DBA" },
	/* A merge resolves it at PagerDuty; its cause goes on. */
	{ EVENT("incident.resolved", AT, AGENT_ANN,
		INCIDENT("resolved", ID,
			 "{\"type\":\"merge_resolve_reason\",\"incident\":{\"id\":\"PAAA\",\"html_"
			 "url\":\"https://acme.pagerduty.com/incidents/PAAA\"}}")),
	  ACT_COMMENT, ID, "Ann Example",
	  "merged at PagerDuty into https://acme.pagerduty.com/incidents/PAAA: what is said there "
	  "about that incident is not heard here" },
	/* Our own resolve, PagerDuty's timeout, nobody: no person did it. */
	{ EVENT("incident.resolved", AT, AGENT_OURS, INCIDENT("resolved", ID, "null")), -1, "", "",
	  "no person did it: a resolve of tracepager that comes back, or an automation" },
	{ EVENT("incident.acknowledged", AT, AGENT_OURS, INCIDENT("acknowledged", ID, "null")), -1,
	  "", "", "no person did it: a resolve of tracepager that comes back, or an automation" },
	{ EVENT("incident.resolved", AT, "{\"type\":\"service_reference\",\"summary\":\"API\"}",
		INCIDENT("resolved", ID, "null")),
	  -1, "", "",
	  "no person did it: a resolve of tracepager that comes back, or an automation" },
	{ EVENT("incident.acknowledged", AT, "null", INCIDENT("acknowledged", ID, "null")), -1, "",
	  "", "no person did it: a resolve of tracepager that comes back, or an automation" },
	/* What says nothing, or names no incident. */
	{ EVENT("pagey.ping", AT, "null", "{\"message\":\"Hello\",\"type\":\"ping\"}"), -1, "", "",
	  "events of type pagey.ping say nothing that counts" },
	{ EVENT("incident.triggered", AT, AGENT_OURS, INCIDENT("triggered", ID, "null")), -1, "",
	  "", "events of type incident.triggered say nothing that counts" },
	{ EVENT("incident.acknowledged", AT, AGENT_ANN, "{}"), -1, "", "",
	  "the event names no incident" },
	{ EVENT("incident.acknowledged", AT, AGENT_ANN, "[1]"), -1, "", "",
	  "the event names no incident" },
	{ "{\"event\":{}}", -1, "", "", "events of type  say nothing that counts" },
	/* Two hours ago to the second, and a second more. */
	{ EVENT("incident.resolved", "2026-09-01T08:00:00Z", AGENT_ANN,
		INCIDENT("resolved", ID, "null")),
	  ACT_RESOLVE, ID, "Ann Example", "" },
	{ EVENT("incident.resolved", "2026-09-01T07:59:59Z", AGENT_ANN,
		INCIDENT("resolved", ID, "null")),
	  -1, "", "", "the event is more than two hours old" },
	/* Five minutes ahead, and a second more. */
	{ EVENT("incident.resolved", "2026-09-01T10:05:00Z", AGENT_ANN,
		INCIDENT("resolved", ID, "null")),
	  ACT_RESOLVE, ID, "Ann Example", "" },
	{ EVENT("incident.resolved", "2026-09-01T10:05:01Z", AGENT_ANN,
		INCIDENT("resolved", ID, "null")),
	  -1, "", "", "the event's time is more than five minutes ahead of this machine's clock" },
	/* Numbers and NULs that a stricter reader would refuse: PagerDuty would give up on us. */
	{ EVENT("incident.resolved", AT, AGENT_ANN,
		"{\"id\":\"P1\",\"number\":99999999999999999999,\"title\":\"\\u0000\",\"incident_"
		"key\":\"k\"}"),
	  ACT_RESOLVE, "k", "Ann Example", "" },
};

START_TEST(pagerduty_event)
{
	ck_assert_int_eq(pagerduty_says(pagerduty_events[_i].body), FEEDBACK_VERIFIED);
	if (pagerduty_events[_i].kind < 0) {
		ck_assert_uint_eq(feedback.nacts, 0);
		ck_assert_str_eq(feedback.ignored, pagerduty_events[_i].text);
	} else {
		check_act((enum act_kind)pagerduty_events[_i].kind, pagerduty_events[_i].incident,
			  pagerduty_events[_i].who, pagerduty_events[_i].text);
	}
}
END_TEST

/* Events that mean nothing tell all the same which incident at PagerDuty is which of ours. */
START_TEST(pagerduty_incident_learned)
{
	ck_assert_int_eq(pagerduty_says(EVENT("incident.triggered", AT, AGENT_OURS,
					      INCIDENT("triggered", ID "#3", "null"))),
			 FEEDBACK_VERIFIED);
	ck_assert_str_eq(feedback.theirs, "PGR0VU2");
	ck_assert_str_eq(feedback.ours, ID);
	ck_assert_int_eq(
		pagerduty_says(EVENT("incident.annotated", AT, AGENT_ANN, NOTE("restarted"))),
		FEEDBACK_VERIFIED);
	ck_assert_str_eq(feedback.theirs, "PGR0VU2");
	ck_assert_str_eq(feedback.ours, "");
}
END_TEST

/* A note of 3,000 letters of two bytes is cut between two of them. */
START_TEST(pagerduty_long_note)
{
	struct buf body = BUF_INIT(64 << 10);

	buf_puts(&body, "{\"event\":{\"id\":\"e\",\"event_type\":\"incident.annotated\",\"data\":{"
			"\"incident\":{\"id\":\"P1\"},\"content\":\"");
	for (int i = 0; i < 3000; i++)
		buf_puts(&body, "\xc3\xa4");
	buf_puts(&body, "\"}}}");
	ck_assert_int_eq(pagerduty_says(buf_text(&body)), FEEDBACK_VERIFIED);
	ck_assert_uint_eq(feedback.nacts, 1);
	const char *text = feedback.acts[0].text;
	/* 2,000 bytes less 3 of the ellipsis, cut to whole letters. */
	ck_assert_uint_eq(strlen(text), 1996 + 3);
	ck_assert_str_eq(text + 1996, "\xe2\x80\xa6");
	buf_fini(&body);
}
END_TEST

static const char *const pagerduty_bad[] = {
	"", "not JSON", "[]", "{}", "{\"event\":1}", "{\"event\":", "\xff", "{\"messages\":[]}",
};

START_TEST(pagerduty_malformed)
{
	ck_assert_int_eq(pagerduty_says(pagerduty_bad[_i]), FEEDBACK_MALFORMED);
	ck_assert_uint_eq(feedback.nacts, 0);
	ck_assert_ptr_nonnull(strstr(err.text, "no V3 webhook of PagerDuty"));
}
END_TEST

START_TEST(too_large)
{
	char *body = xcalloc(1, LIMIT_FEEDBACK_BYTES + 2);

	memset(body, ' ', LIMIT_FEEDBACK_BYTES + 1);
	for (int kind = 0; kind < PAGER_KIND_COUNT; kind++) {
		if (!pager_kinds[kind]->feedback)
			continue;
		ck_assert_int_eq(
			read_bytes((enum pager_kind_id)kind, body, LIMIT_FEEDBACK_BYTES + 1),
			FEEDBACK_MALFORMED);
		ck_assert_int_eq(read_bytes((enum pager_kind_id)kind, body, LIMIT_FEEDBACK_BYTES),
				 FEEDBACK_UNSIGNED);
	}
	free(body);
}
END_TEST

START_TEST(console_tells_nothing_back)
{
	ck_assert(!pager_kinds[PAGER_CONSOLE]->feedback);
}
END_TEST

/* ---- the generic webhook: signatures ---- */

static const struct {
	const char *first, *second, *id, *timestamp, *signature;
	enum feedback_verdict verdict;
} webhook_signatures[] = {
	{ "hook-secret", NULL, "msg_1", "1788256800", ACT_V1, FEEDBACK_VERIFIED },
	{ "new", "hook-secret", "msg_1", "1788256800", ACT_V1, FEEDBACK_VERIFIED },
	{ ACT_WHSEC, NULL, "msg_1", "1788256800", ACT_V1_AS_2, FEEDBACK_VERIFIED },
	{ ACT_WHSEC, NULL, "msg_1", "1788256800", ACT_V1 "  v1a,AAAA " ACT_V1_AS_2,
	  FEEDBACK_VERIFIED },
	{ ACT_WHSEC, NULL, "msg_1", "1788256800", ACT_V1, FEEDBACK_UNSIGNED },
	{ "whsec_!", NULL, "msg_1", "1788256800", ACT_V1, FEEDBACK_UNSIGNED },
	{ "", "", "msg_1", "1788256800", ACT_V1, FEEDBACK_UNSIGNED },
	{ NULL, NULL, "msg_1", "1788256800", ACT_V1, FEEDBACK_UNSIGNED },
	/* Id and time are signed too. */
	{ "hook-secret", NULL, "msg_2", "1788256800", ACT_V1, FEEDBACK_UNSIGNED },
	{ "hook-secret", NULL, "msg_1", "1788256801", ACT_V1, FEEDBACK_UNSIGNED },
	{ "hook-secret", NULL, NULL, "1788256800", ACT_V1, FEEDBACK_UNSIGNED },
	{ "hook-secret", NULL, "", "1788256800", ACT_V1, FEEDBACK_UNSIGNED },
	{ "hook-secret", NULL, "msg_1", NULL, ACT_V1, FEEDBACK_UNSIGNED },
	{ "hook-secret", NULL, "msg_1", "1788256800", NULL, FEEDBACK_UNSIGNED },
	{ "hook-secret", NULL, "msg_1", "1788256800", "", FEEDBACK_UNSIGNED },
	{ "hook-secret", NULL, "msg_1", "1788256800", "v1,", FEEDBACK_UNSIGNED },
	{ "hook-secret", NULL, "msg_1", "1788256800",
	  "v1a,21FZHrXcOk7jqH2wJo4eXW+OmZz9a1qgte1ESJbXd1k=", FEEDBACK_UNSIGNED },
	{ "hook-secret", NULL, "msg_1", "1788256800", "v1,21FZHrXcOk7jqH2wJo4eXW+OmZz9a1qgte1E",
	  FEEDBACK_UNSIGNED },
};

START_TEST(webhook_signature)
{
	if (webhook_signatures[_i].first)
		secret_set(&secrets[0], webhook_signatures[_i].first);
	if (webhook_signatures[_i].second)
		secret_set(&secrets[1], webhook_signatures[_i].second);
	if (webhook_signatures[_i].id)
		set_header("webhook-id", webhook_signatures[_i].id);
	if (webhook_signatures[_i].timestamp)
		set_header("webhook-timestamp", webhook_signatures[_i].timestamp);
	if (webhook_signatures[_i].signature)
		set_header("webhook-signature", webhook_signatures[_i].signature);
	ck_assert_int_eq(read_text(PAGER_WEBHOOK, ACT), webhook_signatures[_i].verdict);
	if (webhook_signatures[_i].verdict != FEEDBACK_VERIFIED)
		return;
	check_act(ACT_ACKNOWLEDGE, ID, "ann", "");
	ck_assert_str_eq(feedback.event, "msg_1");
}
END_TEST

/* Five minutes before and after 1788256800, and a second more. */
static const struct {
	const char *timestamp;
	enum feedback_verdict verdict;
} webhook_times[] = {
	{ "1788256500", FEEDBACK_VERIFIED },
	{ "1788256499", FEEDBACK_STALE },
	{ "1788257100", FEEDBACK_VERIFIED },
	{ "1788257101", FEEDBACK_STALE },
	{ "0", FEEDBACK_STALE },
	{ "", FEEDBACK_STALE },
	{ "-1788256800", FEEDBACK_STALE },
	{ "1788256800.5", FEEDBACK_STALE },
	{ "999999999999", FEEDBACK_STALE },
	{ "99999999999999999999999", FEEDBACK_STALE },
};

START_TEST(webhook_window)
{
	ck_assert_int_eq(webhook_says_at(webhook_times[_i].timestamp, ACT),
			 webhook_times[_i].verdict);
	ck_assert_uint_eq(feedback.nacts, webhook_times[_i].verdict == FEEDBACK_VERIFIED);
}
END_TEST

/* ---- the generic webhook: acts ---- */

START_TEST(webhook_acts)
{
	ck_assert_int_eq(
		webhook_says("[{\"incident\":\"a#2\",\"action\":\"ack\"},"
			     "{\"incident\":\"b\",\"action\":\"resolve\",\"text\":\"fixed\"},"
			     "{\"incident\":\"c\",\"action\":\"reroute\",\"team\":\"db\",\"text\":"
			     "\"theirs\",\"who\":\"bo\"},"
			     "{\"incident\":\"d#\",\"action\":\"comment\",\"text\":\"x\\ry\"},"
			     "{\"incident\":\"e#x\",\"action\":\"useful\"},"
			     "{\"incident\":\"#2\",\"action\":\"noise\"},"
			     "{\"incident\":\"f#1#22\",\"action\":\"noise\"},"
			     "{\"incident\":\"g\",\"action\":\"ack\",\"who\":\"a\\r\\nb: "
			     "c\\u009b\",\"text\":\"a\\u202e\\r\\nb\"}]"),
		FEEDBACK_VERIFIED);
	static const struct feedback_act want[] = {
		{ ACT_ACKNOWLEDGE, "a", "", "", "", 2, NULL },
		{ ACT_RESOLVE, "b", "", "fixed", "", 1, NULL },
		{ ACT_REROUTE, "c", "bo", "theirs", "db", 1, NULL },
		{ ACT_COMMENT, "d#", "", "x y", "", 1, NULL },
		{ ACT_USEFUL, "e#x", "", "", "", 1, NULL },
		{ ACT_NOISE, "#2", "", "", "", 1, NULL },
		{ ACT_NOISE, "f#1", "", "", "", 22, NULL },
		{ ACT_ACKNOWLEDGE, "g", "a b: c", "a\nb", "", 1, NULL },
	};
	ck_assert_uint_eq(feedback.nacts, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		ck_assert_int_eq(feedback.acts[i].kind, want[i].kind);
		ck_assert_str_eq(feedback.acts[i].incident, want[i].incident);
		ck_assert_str_eq(feedback.acts[i].who, want[i].who);
		ck_assert_str_eq(feedback.acts[i].text, want[i].text);
		ck_assert_str_eq(feedback.acts[i].team, want[i].team);
		ck_assert_int_eq(feedback.acts[i].n, want[i].n);
	}
}
END_TEST

static const char *acts_of(size_t n)
{
	struct buf body = BUF_INIT(64 << 10);

	buf_putc(&body, '[');
	for (size_t i = 0; i < n; i++)
		buf_printf(&body, "%s{\"incident\":\"i%zu\",\"action\":\"resolve\"}", i ? "," : "",
			   i);
	buf_putc(&body, ']');
	const char *text = arena_strdup(arena, buf_text(&body));
	buf_fini(&body);
	return text;
}

START_TEST(webhook_many_acts)
{
	ck_assert_int_eq(webhook_says(acts_of(100)), FEEDBACK_VERIFIED);
	ck_assert_uint_eq(feedback.nacts, 100);
	ck_assert_str_eq(feedback.acts[99].incident, "i99");
	ck_assert_int_eq(webhook_says(acts_of(101)), FEEDBACK_MALFORMED);
	ck_assert_str_eq(err.text, "the list has 101 acts: send at most 100 at once");
	ck_assert_int_eq(webhook_says("[]"), FEEDBACK_VERIFIED);
	ck_assert_uint_eq(feedback.nacts, 0);
	ck_assert_str_eq(feedback.ignored, "the list is empty");
}
END_TEST

static const struct {
	const char *body, *error; /* error: a part of its text */
} webhook_bad[] = {
	{ "", "no JSON" },
	{ "not JSON", "no JSON" },
	{ "{\"incident\":\"a\",\"action\":\"ack\"", "no JSON" },
	{ "{\"incident\":\"a\",\"incident\":\"b\",\"action\":\"ack\"}", "no JSON" },
	{ "{\"incident\":\"a\\u0000\",\"action\":\"ack\"}", "no JSON" },
	{ "7", "no JSON" },
	{ "[1]", "no JSON object" },
	{ "{}", "incident is missing" },
	{ "{\"incident\":\"\",\"action\":\"ack\"}", "incident is missing" },
	{ "{\"incident\":\"a\"}", "action must be acknowledge, resolve" },
	{ "{\"incident\":\"a\",\"action\":\"explode\"}", "action must be acknowledge, resolve" },
	{ "{\"incident\":7,\"action\":\"ack\"}", "incident is no text" },
	{ "{\"incident\":\"a\",\"action\":\"ack\",\"txt\":\"b\"}", "member txt" },
	{ "{\"incident\":\"a\",\"action\":\"comment\"}", "a comment needs one" },
	{ "[{\"incident\":\"a\",\"action\":\"ack\"},{\"incident\":\"b\"}]", "act 2 of 2: action" },
};

START_TEST(webhook_malformed)
{
	ck_assert_int_eq(webhook_says(webhook_bad[_i].body), FEEDBACK_MALFORMED);
	ck_assert_uint_eq(feedback.nacts, 0);
	ck_assert_msg(strstr(err.text, webhook_bad[_i].error) != NULL, "%s", err.text);
}
END_TEST

static const char *comment_of(const char *text)
{
	return arena_printf(arena, "{\"incident\":\"a\",\"action\":\"comment\",\"text\":\"%s\"}",
			    text);
}

START_TEST(webhook_long_text)
{
	char text[LIMIT_ACT_TEXT_BYTES + 2] = "";

	memset(text, 'x', LIMIT_ACT_TEXT_BYTES);
	ck_assert_int_eq(webhook_says(comment_of(text)), FEEDBACK_VERIFIED);
	check_act(ACT_COMMENT, "a", "", text);
	text[LIMIT_ACT_TEXT_BYTES] = 'x';
	ck_assert_int_eq(webhook_says(comment_of(text)), FEEDBACK_MALFORMED);
	ck_assert_str_eq(err.text, "text has more than 2000 bytes: shorten it");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("feedback");
	TCase *tests = tcase_create("feedback");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, pagerduty_golden);
	tcase_add_loop_test(tests, pagerduty_signature, 0, ARRAY_LEN(pagerduty_signatures));
	tcase_add_test(tests, pagerduty_body_changed);
	tcase_add_test(tests, pagerduty_empty_secret);
	tcase_add_loop_test(tests, pagerduty_event, 0, ARRAY_LEN(pagerduty_events));
	tcase_add_test(tests, pagerduty_incident_learned);
	tcase_add_test(tests, pagerduty_long_note);
	tcase_add_loop_test(tests, pagerduty_malformed, 0, ARRAY_LEN(pagerduty_bad));
	tcase_add_test(tests, too_large);
	tcase_add_test(tests, console_tells_nothing_back);
	tcase_add_loop_test(tests, webhook_signature, 0, ARRAY_LEN(webhook_signatures));
	tcase_add_loop_test(tests, webhook_window, 0, ARRAY_LEN(webhook_times));
	tcase_add_test(tests, webhook_acts);
	tcase_add_test(tests, webhook_many_acts);
	tcase_add_loop_test(tests, webhook_malformed, 0, ARRAY_LEN(webhook_bad));
	tcase_add_test(tests, webhook_long_text);
	return told_run(suite, tests);
}
