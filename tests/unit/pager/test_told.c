/* Tests of what the services tell back that are neither PagerDuty nor a webhook of ours: payloads
 * as the vendors' documents show them, shortened, with our keys. */
#include "told.h"

#include "tracepager/sign.h"

/* ---- a secret in a header: Opsgenie, JSM, Grafana OnCall, GoAlert, Splunk On-Call ---- */

static const enum pager_kind_id header_kinds[] = { PAGER_OPSGENIE, PAGER_JSM, PAGER_GRAFANA_ONCALL,
						   PAGER_GOALERT, PAGER_SPLUNK_ONCALL };

static const struct {
	const char *first, *second, *header;
	bool fits;
} header_secrets[] = {
	{ "s3cret", NULL, "Bearer s3cret", true },
	{ "s3cret", NULL, "bearer  s3cret", true },
	{ "s3cret", NULL, "s3cret", true },
	/* tracepager:s3cret, :s3cret */
	{ "s3cret", NULL, "Basic dHJhY2VwYWdlcjpzM2NyZXQ=", true },
	{ "s3cret", NULL, "Basic OnMzY3JldA==", true },
	/* a:b:s3cret: the password begins behind the first colon. */
	{ "b:s3cret", NULL, "Basic YTpiOnMzY3JldA==", true },
	{ "s3cret", NULL, "Basic YTpiOnMzY3JldA==", false },
	/* Either live secret; after a rotation the old one counts no more. */
	{ "new", "s3cret", "Bearer s3cret", true },
	{ "new", "s3cret", "Bearer new", true },
	{ "new", NULL, "Bearer s3cret", false },
	{ "new", "newer", "Bearer s3cret", false },
	/* s3cret without a user, and as the user. */
	{ "s3cret", NULL, "Basic czNjcmV0", false },
	{ "s3cret", NULL, "Basic czNjcmV0Og==", false },
	{ "s3cret", NULL, "Basic !", false },
	{ "s3cret", NULL, "Basic s3cret", false },
	{ "s3cret", NULL, "Bearer s3cre", false },
	{ "s3cret", NULL, "Bearer s3crets", false },
	{ "s3cret", NULL, "Bearer S3cret", false },
	{ "s3cret", NULL, "Bearer s3cret ", false },
	{ "s3cret", NULL, "Bearer", false },
	{ "s3cret", NULL, "GenieKey s3cret", false },
	{ "s3cret", NULL, "", false },
	{ "s3cret", NULL, NULL, false },
	/* An empty secret would let everybody in. */
	{ "", "", "", false },
	{ "", NULL, "Bearer ", false },
	{ "", NULL, "Basic Og==", false },
	{ NULL, NULL, "Bearer s3cret", false },
};

START_TEST(header_secret)
{
	for (size_t kind = 0; kind < ARRAY_LEN(header_kinds); kind++) {
		nheaders = 0;
		for (size_t i = 0; i < LIMIT_LIVE_SECRETS; i++)
			secret_fini(&secrets[i]);
		if (header_secrets[_i].first)
			secret_set(&secrets[0], header_secrets[_i].first);
		if (header_secrets[_i].second)
			secret_set(&secrets[1], header_secrets[_i].second);
		if (header_secrets[_i].header)
			set_header("Authorization", header_secrets[_i].header);
		err = (struct err){ .code = 0 };
		ck_assert_int_eq(read_text(header_kinds[kind], "{}"),
				 header_secrets[_i].fits ? FEEDBACK_VERIFIED : FEEDBACK_UNSIGNED);
		if (header_secrets[_i].fits)
			continue;
		ck_assert_ptr_nonnull(strstr(err.text, "feedback_secret"));
		ck_assert_ptr_null(strstr(err.text, "s3cre"));
	}
}
END_TEST

static enum feedback_verdict told(enum pager_kind_id kind, const char *body)
{
	secret_set(&secrets[0], "s3cret");
	nheaders = 0;
	set_header("Authorization", "Bearer s3cret");
	return read_text(kind, body);
}

struct told_row {
	const char *body;
	int kind; /* -1: no act */
	const char *incident, *who, *text;
};

static void check_row(const struct told_row *row)
{
	if (row->kind >= 0) {
		check_act((enum act_kind)row->kind, row->incident, row->who, row->text);
		return;
	}
	ck_assert_uint_eq(feedback.nacts, 0);
	ck_assert_str_eq(feedback.ignored, row->text);
}

#define NO_PERSON "no person did it: a resolve of tracepager that comes back, or an automation"

/* ---- Opsgenie and Jira Service Management ---- */

#define GENIE_AT "1788256790764002246"
#define GENIE_ALERT(at, alias, user, more)                                                         \
	"\"alert\":{\"updatedAt\":" at ",\"tags\":[\"tag1\",\"tag2\"],\"message\":\"test alert\"," \
	"\"username\":\"" user "\",\"alertId\":\"052652ac-5d1c-464a-812a-7dd18bbfba8c\","          \
	"\"source\":\"fili@ifountain.com\",\"alias\":\"" alias                                     \
	"\",\"tinyId\":\"23\",\"createdAt\":1420452191104,"                                        \
	"\"userId\":\"daed1180-0ce8-438b-8f8e-57e1a5920a2d\",\"entity\":\"\"" more "}"
#define GENIE(action, source, alert)                                                               \
	"{\"source\":" source "," alert ",\"action\":\"" action                                    \
	"\",\"integrationId\":\"37c8f316-17c6-49d7-899b-9c7e540c048d\","                           \
	"\"integrationName\":\"Integration1\"}"
#define WEB  "{\"name\":\"\",\"type\":\"web\"}"
#define API  "{\"name\":\"tracepager\",\"type\":\"API\"}"
#define FILI "fili@ifountain.com"

static const struct told_row genie_rows[] = {
	{ GENIE("Acknowledge", WEB, GENIE_ALERT(GENIE_AT, ID, FILI, "")), ACT_ACKNOWLEDGE, ID, FILI,
	  "" },
	{ GENIE("Close", WEB, GENIE_ALERT(GENIE_AT, ID "#2", FILI, "")), ACT_RESOLVE, ID, FILI,
	  "" },
	{ GENIE("AddNote", WEB,
		GENIE_ALERT(GENIE_AT, ID, FILI, ",\"note\":\"restarted\\nit\\u0007\"")),
	  ACT_COMMENT, ID, FILI, "restarted\nit" },
	{ GENIE("UnAcknowledge", WEB, GENIE_ALERT(GENIE_AT, ID, FILI, "")), ACT_COMMENT, ID, FILI,
	  "the acknowledgement in the pager has ended" },
	{ GENIE("AssignOwnership", WEB,
		GENIE_ALERT(GENIE_AT, ID, FILI, ",\"owner\":\"bo@ifountain.com\"")),
	  ACT_COMMENT, ID, FILI, "assigned in the pager to bo@ifountain.com" },
	{ GENIE("AssignOwnership", WEB, GENIE_ALERT(GENIE_AT, ID, FILI, "")), ACT_COMMENT, ID, FILI,
	  "assigned in the pager to somebody else" },
	{ GENIE("TakeOwnership", WEB, GENIE_ALERT(GENIE_AT, ID, FILI, "")), ACT_COMMENT, ID, FILI,
	  "assigned in the pager to " FILI },
	{ GENIE("Delete", WEB, GENIE_ALERT(GENIE_AT, ID, FILI, "")), ACT_COMMENT, ID, FILI,
	  "the alert was deleted in the pager, which tells nothing of it any more" },
	/* By the API: our own acts, and other programs'. */
	{ GENIE("Acknowledge", API, GENIE_ALERT(GENIE_AT, ID, FILI, "")), -1, "", "", NO_PERSON },
	{ GENIE("Close", API, GENIE_ALERT(GENIE_AT, ID, "Alert API", "")), -1, "", "", NO_PERSON },
	{ GENIE("AddNote", API, GENIE_ALERT(GENIE_AT, ID, FILI, ",\"note\":\"x\"")), -1, "", "",
	  NO_PERSON },
	{ GENIE("Close", "{\"name\":\"Tracepager\",\"type\":\"\"}",
		GENIE_ALERT(GENIE_AT, ID, FILI, "")),
	  -1, "", "", NO_PERSON },
	/* By a policy, by nobody. */
	{ GENIE("Close", WEB, GENIE_ALERT(GENIE_AT, ID, "System", "")), -1, "", "", NO_PERSON },
	{ GENIE("Close", WEB, GENIE_ALERT(GENIE_AT, ID, "", "")), -1, "", "", NO_PERSON },
	{ GENIE("Create", API, GENIE_ALERT(GENIE_AT, ID, FILI, "")), -1, "", "",
	  "events of type Create say nothing that counts" },
	{ GENIE("AddNote", WEB, GENIE_ALERT(GENIE_AT, ID, FILI, "")), -1, "", "",
	  "the note is empty" },
	/* Two hours ago to the second, and a second more; another day's clock; none. */
	{ GENIE("Close", WEB, GENIE_ALERT("1788249600000000000", ID, FILI, "")), ACT_RESOLVE, ID,
	  FILI, "" },
	{ GENIE("Close", WEB, GENIE_ALERT("1788249599000000000", ID, FILI, "")), -1, "", "",
	  "the event is more than two hours old" },
	{ GENIE("Close", WEB, GENIE_ALERT("1888249600000000000", ID, FILI, "")), ACT_RESOLVE, ID,
	  FILI, "" },
	{ GENIE("Close", WEB, GENIE_ALERT("99999999999999999999999999", ID, FILI, "")), ACT_RESOLVE,
	  ID, FILI, "" },
	{ GENIE("Close", WEB, GENIE_ALERT("\"x\"", ID, FILI, "")), ACT_RESOLVE, ID, FILI, "" },
	/* An alert without an alias has its own id alone. */
	{ "{\"action\":\"Acknowledge\",\"alert\":{\"alertId\":\"a1\",\"username\":\"bo\"}}",
	  ACT_ACKNOWLEDGE, "", "bo", "" },
	{ "{\"action\":\"Acknowledge\",\"alert\":{\"username\":\"bo\"}}", -1, "", "",
	  "the event names no incident" },
	/* Wrong types. */
	{ "{\"action\":7,\"alert\":[]}", -1, "", "", "events of type  say nothing that counts" },
	{ "{\"action\":\"Close\",\"alert\":{\"alias\":7,\"alertId\":{},\"username\":[]}}", -1, "",
	  "", "the event names no incident" },
	{ "{}", -1, "", "", "events of type  say nothing that counts" },
};

START_TEST(genie_event)
{
	ck_assert_int_eq(told(PAGER_OPSGENIE, genie_rows[_i].body), FEEDBACK_VERIFIED);
	check_row(&genie_rows[_i]);
	ck_assert_int_eq(told(PAGER_JSM, genie_rows[_i].body), FEEDBACK_VERIFIED);
	check_row(&genie_rows[_i]);
}
END_TEST

/* The same body is the same event; another time is another. */
START_TEST(genie_event_id)
{
	told(PAGER_OPSGENIE, genie_rows[0].body);
	const char *first = feedback.event;
	ck_assert_str_ne(first, "");
	ck_assert_int_eq(feedback.at_us, 1788256790764002);
	ck_assert_str_eq(feedback.theirs, "052652ac-5d1c-464a-812a-7dd18bbfba8c");
	ck_assert_str_eq(feedback.ours, ID);
	told(PAGER_OPSGENIE, genie_rows[0].body);
	ck_assert_str_eq(feedback.event, first);
	told(PAGER_OPSGENIE,
	     GENIE("Acknowledge", WEB, GENIE_ALERT("1788256790764002247", ID, FILI, "")));
	ck_assert_str_ne(feedback.event, first);
	/* Without a time nothing tells an event from the next one of the same words. */
	told(PAGER_OPSGENIE, GENIE("Acknowledge", WEB, GENIE_ALERT("null", ID, FILI, "")));
	ck_assert_str_eq(feedback.event, "");
	ck_assert_int_eq(feedback.at_us, NOW);
}
END_TEST

/* Which page of the incident it is about: the number in our key; 0 where there is no key. */
START_TEST(page_numbers)
{
	told(PAGER_OPSGENIE, genie_rows[0].body);
	ck_assert_int_eq(feedback.acts[0].n, 1);
	told(PAGER_OPSGENIE, genie_rows[1].body);
	ck_assert_int_eq(feedback.acts[0].n, 2);
	told(PAGER_OPSGENIE,
	     "{\"action\":\"Close\",\"alert\":{\"alertId\":\"a1\",\"username\":\"bo\"}}");
	ck_assert_str_eq(feedback.acts[0].incident, "");
	ck_assert_int_eq(feedback.acts[0].n, 0);
}
END_TEST

/* ---- Grafana OnCall ---- */

#define ADMIN "{\"id\":\"UVMX6YI9VY9PV\",\"username\":\"admin\",\"email\":\"admin@localhost\"}"
#define ONCALL(about, user, payload)                                                               \
	"{\"event\":" about ",\"user\":" user ",\"alert_group\":{\"id\":\"I6HNZGUFG4K11\","        \
	"\"state\":\"resolved\",\"alerts_count\":1,\"title\":\"Incident\"},"                       \
	"\"alert_group_id\":\"I6HNZGUFG4K11\",\"alert_payload\":" payload                          \
	",\"integration\":{\"type\":\"formatted_webhook\"},\"notified_users\":[]}"
#define ONCALL_AT(type) "{\"type\":\"" type "\",\"time\":\"2026-09-01T09:59:21.714058+00:00\"}"
#define PAYLOAD		"{\"alert_uid\":\"" ID "#2\",\"state\":\"alerting\"}"

static const struct told_row oncall_rows[] = {
	{ ONCALL(ONCALL_AT("acknowledge"), ADMIN, PAYLOAD), ACT_ACKNOWLEDGE, ID, "admin", "" },
	{ ONCALL(ONCALL_AT("resolve"), ADMIN, PAYLOAD), ACT_RESOLVE, ID, "admin", "" },
	{ ONCALL(ONCALL_AT("resolve"), "{\"email\":\"a@b\"}", PAYLOAD), ACT_RESOLVE, ID, "a@b",
	  "" },
	{ ONCALL("{\"type\":\"unacknowledge\"}", ADMIN, PAYLOAD), ACT_COMMENT, ID, "admin",
	  "the acknowledgement in Grafana OnCall has ended" },
	{ ONCALL("{\"type\":\"unresolve\"}", ADMIN, PAYLOAD), ACT_COMMENT, ID, "admin",
	  "opened again in Grafana OnCall" },
	{ ONCALL("{\"type\":\"silence\",\"until\":\"2026-09-01T11:00:00Z\"}", ADMIN, PAYLOAD),
	  ACT_COMMENT, ID, "admin", "silenced in Grafana OnCall until 2026-09-01T11:00:00Z" },
	{ ONCALL("{\"type\":\"silence\",\"until\":null}", ADMIN, PAYLOAD), ACT_COMMENT, ID, "admin",
	  "silenced in Grafana OnCall" },
	/* The integration's own: our resolve that comes back. */
	{ ONCALL(ONCALL_AT("resolve"), "null", PAYLOAD), -1, "", "", NO_PERSON },
	{ ONCALL(ONCALL_AT("acknowledge"), "\"admin\"", PAYLOAD), -1, "", "", NO_PERSON },
	{ ONCALL("{\"type\":\"alert group created\"}", "null", PAYLOAD), -1, "", "",
	  "events of type alert group created say nothing that counts" },
	{ ONCALL("{\"type\":\"resolve\",\"time\":\"2026-09-01T07:59:59Z\"}", ADMIN, PAYLOAD), -1,
	  "", "", "the event is more than two hours old" },
	{ ONCALL("{\"type\":\"resolve\",\"time\":\"2027-09-01T07:59:59Z\"}", ADMIN, PAYLOAD), -1,
	  "", "", "the event's time is more than five minutes ahead of this machine's clock" },
	/* A payload of another integration: OnCall's own id alone. */
	{ ONCALL(ONCALL_AT("resolve"), ADMIN, "\"\""), ACT_RESOLVE, "", "admin", "" },
	{ "{\"event\":{\"type\":\"resolve\"},\"user\":{}}", -1, "", "",
	  "the event names no incident" },
	{ "{\"event\":[],\"user\":7,\"alert_payload\":7,\"alert_group_id\":7}", -1, "", "",
	  "events of type  say nothing that counts" },
};

START_TEST(oncall_event)
{
	ck_assert_int_eq(told(PAGER_GRAFANA_ONCALL, oncall_rows[_i].body), FEEDBACK_VERIFIED);
	check_row(&oncall_rows[_i]);
}
END_TEST

START_TEST(oncall_event_id)
{
	told(PAGER_GRAFANA_ONCALL, oncall_rows[0].body);
	ck_assert_str_ne(feedback.event, "");
	ck_assert_str_eq(feedback.theirs, "I6HNZGUFG4K11");
	/* 09:59:21.714058 */
	ck_assert_int_eq(feedback.at_us, NOW - 38285942);
	told(PAGER_GRAFANA_ONCALL, oncall_rows[3].body);
	ck_assert_str_eq(feedback.event, "");
}
END_TEST

/* ---- GoAlert ---- */

#define GOALERT(type, more)                                                                        \
	"{\"AppName\":\"GoAlert\",\"Type\":\"" type "\",\"AlertID\":79685" more "}"
#define GOALERT_LOG(entry) GOALERT("AlertStatus", ",\"LogEntry\":\"" entry "\"")

static const struct told_row goalert_rows[] = {
	{ GOALERT_LOG("Acknowledged by Bob Joe (Web)"), ACT_ACKNOWLEDGE, "", "Bob Joe", "" },
	{ GOALERT_LOG("Closed by Bob Joe"), ACT_RESOLVE, "", "Bob Joe", "" },
	{ GOALERT_LOG("Closed by Bob (DBA) Joe (SMS)"), ACT_RESOLVE, "", "Bob (DBA) Joe", "" },
	/* Our own: through the integration key. */
	{ GOALERT_LOG("Closed via test integration (Generic API)"), -1, "", "", NO_PERSON },
	{ GOALERT_LOG("Acknowledged"), -1, "", "", NO_PERSON },
	{ GOALERT_LOG("Closed by "), -1, "", "", NO_PERSON },
	{ GOALERT_LOG("Escalated to step #2 automatically after 5 minutes"), -1, "", "",
	  "events of type Escalated say nothing that counts" },
	{ GOALERT_LOG(""), -1, "", "", "events of type  say nothing that counts" },
	{ GOALERT("Alert", ",\"Summary\":\"s\",\"Meta\":{\"dedup_key\":\"" ID "#2\"}"), -1, "", "",
	  "events of type Alert say nothing that counts" },
	{ "{\"Type\":\"Verification\",\"Code\":\"283917\"}", -1, "", "",
	  "events of type Verification say nothing that counts" },
	{ "{\"Type\":\"AlertStatus\",\"LogEntry\":\"Closed by a\"}", -1, "", "",
	  "the event names no incident" },
	{ "{\"Type\":\"AlertStatus\",\"AlertID\":\"7\",\"LogEntry\":\"Closed by a\"}", -1, "", "",
	  "the event names no incident" },
	{ "{\"Type\":\"AlertStatus\",\"AlertID\":-1e300,\"LogEntry\":[]}", -1, "", "",
	  "events of type  say nothing that counts" },
	/* The type alone is what an entry of the log must not be. */
	{ GOALERT("Closed", ",\"LogEntry\":\"x\""), -1, "", "", NO_PERSON },
};

START_TEST(goalert_event)
{
	ck_assert_int_eq(told(PAGER_GOALERT, goalert_rows[_i].body), FEEDBACK_VERIFIED);
	check_row(&goalert_rows[_i]);
}
END_TEST

/* A notification tells which alert is which incident of ours, a status update has the alert. */
START_TEST(goalert_incident_learned)
{
	told(PAGER_GOALERT,
	     GOALERT("Alert", ",\"Summary\":\"s\",\"Meta\":{\"dedup_key\":\"" ID "#2\"}"));
	ck_assert_str_eq(feedback.theirs, "79685");
	ck_assert_str_eq(feedback.ours, ID);
	ck_assert_int_eq(feedback.ours_n, 2);
	told(PAGER_GOALERT, GOALERT_LOG("Closed by Bob Joe"));
	ck_assert_str_eq(feedback.theirs, "79685");
	ck_assert_str_eq(feedback.ours, "");
	ck_assert_str_eq(feedback.event, "");
}
END_TEST

/* ---- Splunk On-Call ---- */

#define SPLUNK(phase, key, more)                                                                   \
	"{\"STATE.CURRENT_ALERT_PHASE\":\"" phase "\",\"STATE.ENTITY_ID\":\"" key                  \
	"\",\"INCIDENT.INCIDENT_ID\":\"14\"" more "}"

static const struct told_row splunk_rows[] = {
	{ SPLUNK("ACKED", ID "#2", ",\"STATE.ACKED_BY\":\"kenazk\",\"STATE.ACK_USER\":\"x\""),
	  ACT_ACKNOWLEDGE, ID, "kenazk", "" },
	{ SPLUNK("ACKED", ID, ",\"STATE.ACKED_BY\":null,\"STATE.ACK_USER\":\"kenazk\""),
	  ACT_ACKNOWLEDGE, ID, "kenazk", "" },
	{ SPLUNK("RESOLVED", ID, ",\"STATE.RESOLVED_BY\":\"kenazk\""), ACT_RESOLVE, ID, "kenazk",
	  "" },
	/* A template's variable that the service does not know. */
	{ SPLUNK("ACKED", "${{STATE.ENTITY_ID}}",
		 ",\"ALERT.entity_id\":\"" ID
		 "\",\"STATE.ACKED_BY\":\"${{STATE.ACKED_BY}}\",\"STATE.ACK_USER\":\"kenazk\""),
	  ACT_ACKNOWLEDGE, ID, "kenazk", "" },
	{ "{\"INCIDENT.CURRENT_PHASE\":\"ACKED\",\"ALERT.entity_id\":\"" ID
	  "\",\"STATE.ACK_USER\":\"kenazk\"}",
	  ACT_ACKNOWLEDGE, ID, "kenazk", "" },
	/* Our own acts, by the API. */
	{ SPLUNK("RESOLVED", ID, ",\"STATE.RESOLVED_BY\":\"SYSTEM\""), -1, "", "", NO_PERSON },
	{ SPLUNK("ACKED", ID, ",\"STATE.ACK_USER\":\"System\""), -1, "", "", NO_PERSON },
	/* Who acknowledged has not resolved. */
	{ SPLUNK("RESOLVED", ID, ",\"STATE.ACKED_BY\":\"kenazk\",\"STATE.ACK_USER\":\"kenazk\""),
	  -1, "", "", NO_PERSON },
	{ SPLUNK("UNACKED", ID, ",\"STATE.ACK_USER\":\"kenazk\""), -1, "", "",
	  "events of type UNACKED say nothing that counts" },
	{ "{\"STATE.CURRENT_ALERT_PHASE\":\"ACKED\",\"STATE.ACKED_BY\":\"a\"}", -1, "", "",
	  "the event names no incident" },
	{ "{\"STATE.CURRENT_ALERT_PHASE\":[],\"STATE.ENTITY_ID\":7}", -1, "", "",
	  "events of type  say nothing that counts" },
};

START_TEST(splunk_event)
{
	ck_assert_int_eq(told(PAGER_SPLUNK_ONCALL, splunk_rows[_i].body), FEEDBACK_VERIFIED);
	check_row(&splunk_rows[_i]);
}
END_TEST

START_TEST(splunk_event_id)
{
	told(PAGER_SPLUNK_ONCALL, splunk_rows[0].body);
	ck_assert_str_eq(feedback.event, "");
	ck_assert_str_eq(feedback.theirs, "14");
	told(PAGER_SPLUNK_ONCALL, SPLUNK("ACKED", ID, ",\"STATE.ACK_TIMESTAMP\":0"));
	ck_assert_str_eq(feedback.event, "");
	told(PAGER_SPLUNK_ONCALL, SPLUNK("ACKED", ID, ",\"STATE.ACK_TIMESTAMP\":\"0\""));
	ck_assert_str_eq(feedback.event, "");
	told(PAGER_SPLUNK_ONCALL, SPLUNK("ACKED", ID, ",\"STATE.ACK_TIMESTAMP\":1788256790000"));
	ck_assert_str_ne(feedback.event, "");
	told(PAGER_SPLUNK_ONCALL,
	     SPLUNK("ACKED", ID, ",\"STATE.ACK_TIMESTAMP\":\"1788256790000\""));
	ck_assert_str_ne(feedback.event, "");
}
END_TEST

/* ---- Rootly ---- */

#define ROOTLY(type, at, more)                                                                     \
	"{\"event\":{\"id\":\"9839c4ca\",\"type\":\"" type "\",\"issued_at\":\"" at                \
	"\"},\"data\":{\"id\":\"13c82722\",\"external_id\":\"" ID "#2\"" more "}}"
#define ROOTLY_AT "2026-09-01T02:59:58.546-07:00"
#define ROOTLY_ACKED                                                                               \
	ROOTLY("alert.acknowledged", ROOTLY_AT,                                                    \
	       ",\"acknowledged_by\":{\"full_name\":\"Ann Example\"}")
/* By Python's hmac module, with rootly-secret: 1788256800 and ROOTLY_ACKED. */
#define ROOTLY_MAC "770029d0aa3241602037271cd2c8df729975d0db38c49357e9b316b87df95b91"

static const struct {
	const char *first, *second, *header;
	enum feedback_verdict verdict;
} rootly_signatures[] = {
	{ "rootly-secret", NULL, "t=1788256800,v1=" ROOTLY_MAC, FEEDBACK_VERIFIED },
	{ "new", "rootly-secret", "t=1788256800, v1=00, v1=" ROOTLY_MAC, FEEDBACK_VERIFIED },
	{ "rootly-secret", NULL, "v1=" ROOTLY_MAC ",t=1788256800", FEEDBACK_VERIFIED },
	{ "new", NULL, "t=1788256800,v1=" ROOTLY_MAC, FEEDBACK_UNSIGNED },
	{ "", "", "t=1788256800,v1=" ROOTLY_MAC, FEEDBACK_UNSIGNED },
	{ NULL, NULL, "t=1788256800,v1=" ROOTLY_MAC, FEEDBACK_UNSIGNED },
	/* The time is signed too. */
	{ "rootly-secret", NULL, "t=1788256801,v1=" ROOTLY_MAC, FEEDBACK_UNSIGNED },
	{ "rootly-secret", NULL, "t=,v1=" ROOTLY_MAC, FEEDBACK_UNSIGNED },
	{ "rootly-secret", NULL, "v1=" ROOTLY_MAC, FEEDBACK_UNSIGNED },
	{ "rootly-secret", NULL, "t=1788256800", FEEDBACK_UNSIGNED },
	{ "rootly-secret", NULL, "t=1788256800,v1=" ROOTLY_MAC "0", FEEDBACK_UNSIGNED },
	{ "rootly-secret", NULL, "t=1788256800,v0=" ROOTLY_MAC, FEEDBACK_UNSIGNED },
	{ "rootly-secret", NULL, "", FEEDBACK_UNSIGNED },
	{ "rootly-secret", NULL, NULL, FEEDBACK_UNSIGNED },
};

START_TEST(rootly_signature)
{
	if (rootly_signatures[_i].first)
		secret_set(&secrets[0], rootly_signatures[_i].first);
	if (rootly_signatures[_i].second)
		secret_set(&secrets[1], rootly_signatures[_i].second);
	if (rootly_signatures[_i].header)
		set_header("X-Rootly-Signature", rootly_signatures[_i].header);
	ck_assert_int_eq(read_text(PAGER_ROOTLY, ROOTLY_ACKED), rootly_signatures[_i].verdict);
	if (rootly_signatures[_i].verdict != FEEDBACK_VERIFIED) {
		ck_assert_ptr_nonnull(strstr(err.text, "feedback_secret"));
		ck_assert_ptr_null(strstr(err.text, "rootly-secret"));
		return;
	}
	check_act(ACT_ACKNOWLEDGE, ID, "Ann Example", "");
	ck_assert_str_eq(feedback.event, "9839c4ca");
	ck_assert_str_eq(feedback.theirs, "13c82722");
	ck_assert_int_eq(feedback.at_us, NOW - 1454000);
}
END_TEST

static enum feedback_verdict rootly_says_at(const char *seconds, const char *body)
{
	unsigned char mac[HMAC_SHA256_BYTES];
	const char *content = arena_printf(arena, "%s%s", seconds, body);
	char hex[1 + 2 * sizeof(mac)] = "";

	secret_set(&secrets[0], "r");
	ck_assert_int_eq(hmac_sha256("r", 1, content, strlen(content), mac), 0);
	for (size_t i = 0; i < sizeof(mac); i++)
		snprintf(hex + 2 * i, 3, "%02x", mac[i]);
	nheaders = 0;
	set_header("X-Rootly-Signature", arena_printf(arena, "t=%s,v1=%s", seconds, hex));
	return read_text(PAGER_ROOTLY, body);
}

static const struct told_row rootly_rows[] = {
	{ ROOTLY("alert.resolved", ROOTLY_AT, ",\"resolved_by\":\"Bo\""), ACT_RESOLVE, ID, "Bo",
	  "" },
	{ ROOTLY("alert.resolved", ROOTLY_AT, ",\"acknowledged_by\":\"Bo\""), ACT_RESOLVE, ID, "",
	  "" },
	{ ROOTLY("alert.acknowledged", ROOTLY_AT, ",\"user\":{\"email\":\"a@b\"}"), ACT_ACKNOWLEDGE,
	  ID, "a@b", "" },
	{ ROOTLY("alert.created", ROOTLY_AT, ""), -1, "", "",
	  "events of type alert.created say nothing that counts" },
	{ ROOTLY("incident.resolved", ROOTLY_AT, ""), -1, "", "",
	  "events of type incident.resolved say nothing that counts" },
	{ ROOTLY("alert.resolved", "2026-09-01T07:59:59Z", ""), -1, "", "",
	  "the event is more than two hours old" },
	{ "{\"event\":{\"type\":\"alert.resolved\"},\"data\":[]}", -1, "", "",
	  "the event names no incident" },
	{ "{\"event\":7}", -1, "", "", "events of type  say nothing that counts" },
};

START_TEST(rootly_event)
{
	ck_assert_int_eq(rootly_says_at("1788256800", rootly_rows[_i].body), FEEDBACK_VERIFIED);
	check_row(&rootly_rows[_i]);
}
END_TEST

/* Five minutes before and after, and a second more. */
START_TEST(rootly_window)
{
	ck_assert_int_eq(rootly_says_at("1788256500", ROOTLY_ACKED), FEEDBACK_VERIFIED);
	ck_assert_int_eq(rootly_says_at("1788256499", ROOTLY_ACKED), FEEDBACK_STALE);
	ck_assert_int_eq(rootly_says_at("1788257100", ROOTLY_ACKED), FEEDBACK_VERIFIED);
	ck_assert_int_eq(rootly_says_at("1788257101", ROOTLY_ACKED), FEEDBACK_STALE);
	ck_assert_int_eq(rootly_says_at("-1", ROOTLY_ACKED), FEEDBACK_STALE);
	ck_assert_int_eq(rootly_says_at("", ROOTLY_ACKED), FEEDBACK_STALE);
}
END_TEST

/* ---- incident.io ---- */

#define IO(type, data) "{\"event_type\":\"" type "\",\"" type "\":" data "}"
#define ESCALATION     "public_escalation.escalation_status_updated_v1"
#define STATUS	       "public_incident.incident_status_updated_v2"
#define LISA                                                                                       \
	"{\"user\":{\"email\":\"lisa@incident.io\",\"id\":\"01FCNDV6P870EA6S7TK1DSYDG0\","         \
	"\"name\":\"Lisa Karlin Curtis\",\"role\":\"owner\"}}"
#define IO_ALERT(id, key) "{\"id\":\"" id "\",\"deduplication_key\":\"" key "\"}"
#define ESCALATED(status, actor, alerts)                                                           \
	IO(ESCALATION, "{\"actor\":" actor ",\"new_status\":\"" status                             \
		       "\",\"escalation\":{\"id\":\"01G0\",\"related_alerts\":[" alerts "]}}")
#define IO_INCIDENT(more)                                                                          \
	"{\"id\":\"01FD\",\"reference\":\"INC-123\",\"creator\":{\"alert\":{\"id\":\"01GW\","      \
	"\"title\":\"x\"}},\"incident_role_assignments\":[{\"role\":{\"role_type\":\"reporter\"}," \
	"\"assignee\":{\"name\":\"Bo\"}},{\"role\":{\"role_type\":\"lead\"},\"assignee\":"         \
	"{\"name\":\"Lisa\"}}]" more "}"
#define IO_FIELD(name)                                                                             \
	",\"custom_field_entries\":[{\"custom_field\":{\"name\":\"Affected Team\"},\"values\":"    \
	"[]},{\"custom_field\":{\"name\":\"" name "\"},\"values\":[{\"value_text\":\"" ID          \
	"#2\"}]}]"
#define MOVED(to, from, incident)                                                                  \
	IO(STATUS, "{\"incident\":" incident ",\"new_status\":{\"category\":\"" to                 \
		   "\"},\"previous_status\":{\"category\":\"" from "\"}}")

static const struct told_row io_rows[] = {
	{ ESCALATED("acked", LISA, IO_ALERT("01GW", ID "#2")), ACT_ACKNOWLEDGE, ID,
	  "Lisa Karlin Curtis", "" },
	{ ESCALATED("resolved", "{\"user\":{\"email\":\"a@b\"}}", IO_ALERT("01GW", ID)),
	  ACT_RESOLVE, ID, "a@b", "" },
	{ ESCALATED("cancelled", LISA, IO_ALERT("01GW", ID)), ACT_COMMENT, ID, "Lisa Karlin Curtis",
	  "the escalation was cancelled in incident.io" },
	/* By its alert that ended, a workflow, nobody. */
	{ ESCALATED("resolved", "{\"alert\":{\"id\":\"01GW\"}}", IO_ALERT("01GW", ID)), -1, "", "",
	  NO_PERSON },
	{ ESCALATED("acked", "{\"workflow\":{\"id\":\"w\"}}", IO_ALERT("01GW", ID)), -1, "", "",
	  NO_PERSON },
	{ ESCALATED("acked", "null", IO_ALERT("01GW", ID)), -1, "", "", NO_PERSON },
	{ ESCALATED("expired", LISA, IO_ALERT("01GW", ID)), -1, "", "",
	  "events of type escalation expired say nothing that counts" },
	{ ESCALATED("acked", LISA, ""), -1, "", "", "the event names no incident" },
	/* Of an alert of another source we know the id at most. */
	{ ESCALATED("acked", LISA, IO_ALERT("01GW", "")), ACT_ACKNOWLEDGE, "", "Lisa Karlin Curtis",
	  "" },
	/* An alert that ends is our own resolve that comes back. */
	{ IO("public_alert.alert_resolved_v1", IO_ALERT("01GW", ID)), -1, "", "",
	  "events of type public_alert.alert_resolved_v1 say nothing that counts" },
	{ MOVED("live", "triage", IO_INCIDENT(IO_FIELD("tracepager"))), ACT_ACKNOWLEDGE, ID, "Lisa",
	  "" },
	{ MOVED("closed", "live", IO_INCIDENT(IO_FIELD("Tracepager"))), ACT_RESOLVE, ID, "Lisa",
	  "" },
	{ MOVED("learning", "live", IO_INCIDENT(IO_FIELD("Tracepager"))), ACT_RESOLVE, ID, "Lisa",
	  "" },
	{ MOVED("declined", "triage", IO_INCIDENT(IO_FIELD("Tracepager"))), ACT_COMMENT, ID, "Lisa",
	  "INC-123 in incident.io is declined now" },
	/* Without the field: by the alert that created it. */
	{ MOVED("live", "triage", IO_INCIDENT("")), ACT_ACKNOWLEDGE, "", "Lisa", "" },
	{ MOVED("live", "triage", IO_INCIDENT(IO_FIELD("other"))), ACT_ACKNOWLEDGE, "", "Lisa",
	  "" },
	{ MOVED("live", "live", IO_INCIDENT("")), -1, "", "",
	  "events of type incident live after live say nothing that counts" },
	{ MOVED("closed", "live", "{}"), -1, "", "", "the event names no incident" },
	{ IO("private_incident.incident_updated_v2", "{\"id\":\"abc123\"}"), -1, "", "",
	  "events of type private_incident.incident_updated_v2 say nothing that counts" },
	/* Wrong types, and a name that is no member. */
	{ IO(ESCALATION, "[]"), -1, "", "", "events of type escalation say nothing that counts" },
	{ IO(STATUS, "7"), -1, "", "", "events of type incident say nothing that counts" },
	{ IO(ESCALATION, "{\"new_status\":\"acked\",\"actor\":{\"user\":{}},\"escalation\":"
			 "{\"related_alerts\":[7,{\"deduplication_key\":8}]}}"),
	  -1, "", "", "the event names no incident" },
	{ "{\"event_type\":\"event_type\"}", -1, "", "",
	  "events of type event_type say nothing that counts" },
	{ "{}", -1, "", "", "events of type  say nothing that counts" },
};

static enum feedback_verdict io_says(const char *body)
{
	unsigned char mac[HMAC_SHA256_BYTES];
	char text[base64_size(HMAC_SHA256_BYTES)];
	const char *content = arena_printf(arena, "msg_7.1788256800.%s", body);

	secret_set(&secrets[0], "io");
	ck_assert_int_eq(hmac_sha256("io", 2, content, strlen(content), mac), 0);
	base64_encode(mac, sizeof(mac), text);
	nheaders = 0;
	set_header("webhook-id", "msg_7");
	set_header("webhook-timestamp", "1788256800");
	set_header("webhook-signature", arena_printf(arena, "v1,%s", text));
	return read_text(PAGER_INCIDENTIO, body);
}

START_TEST(io_event)
{
	ck_assert_int_eq(io_says(io_rows[_i].body), FEEDBACK_VERIFIED);
	check_row(&io_rows[_i]);
	ck_assert_str_eq(feedback.event, "msg_7");
}
END_TEST

/* One escalation may be about several alerts; of those without our key nothing is known. */
START_TEST(io_alerts_of_an_escalation)
{
	io_says(ESCALATED("acked", LISA,
			  IO_ALERT("a", "k1") "," IO_ALERT("b", "") ",7," IO_ALERT("c", "k2#3")));
	ck_assert_uint_eq(feedback.nacts, 2);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(feedback.acts[i].kind, ACT_ACKNOWLEDGE);
		ck_assert_str_eq(feedback.acts[i].incident, i ? "k2" : "k1");
		ck_assert_int_eq(feedback.acts[i].n, i ? 3 : 1);
		ck_assert_str_eq(feedback.acts[i].who, "Lisa Karlin Curtis");
	}
}
END_TEST

/* By Python's hmac module, with the bytes behind whsec_ as the key. */
START_TEST(io_golden)
{
	secret_set(&secrets[0], "whsec_TURFeV9zZWNyZXRfb2ZfaW5jaWRlbnQuaW8=");
	set_header("webhook-id", "msg_7");
	set_header("webhook-timestamp", "1788256800");
	set_header("webhook-signature", "v1,FVBtKmXvclRgOXZrxUqmT3hiEuuFms7dhaM0E990/Jc=");
	ck_assert_int_eq(read_text(PAGER_INCIDENTIO,
				   IO("public_alert.alert_created_v1",
				      "{\"id\":\"01GW2G3V0S59R238FAHPDS1R66\",\"deduplication_"
				      "key\":\"" ID "#2\",\"status\":\"firing\"}")),
			 FEEDBACK_VERIFIED);
	ck_assert_uint_eq(feedback.nacts, 0);
	ck_assert_str_eq(feedback.theirs, "01GW2G3V0S59R238FAHPDS1R66");
	ck_assert_str_eq(feedback.ours, ID);
}
END_TEST

/* ---- all of them ---- */

static const char *const bad_bodies[] = { "",	   "not JSON", "[]",   "7",
					  "\"x\"", "{\"a\":",  "\xff", "{\"a\":1e400}" };

START_TEST(bodies_are_malformed)
{
	for (size_t kind = 0; kind < ARRAY_LEN(header_kinds); kind++) {
		ck_assert_int_eq(told(header_kinds[kind], bad_bodies[_i]), FEEDBACK_MALFORMED);
		ck_assert_ptr_nonnull(strstr(err.text, "the body is no "));
	}
	ck_assert_int_eq(rootly_says_at("1788256800", bad_bodies[_i]), FEEDBACK_MALFORMED);
	ck_assert_int_eq(io_says(bad_bodies[_i]), FEEDBACK_MALFORMED);
}
END_TEST

/* A body full of one text neither fills the memory nor comes out longer than a name may be. */
START_TEST(huge_texts_are_cut)
{
	const size_t n = LIMIT_FEEDBACK_BYTES - 200;
	char *text = xcalloc(1, n + 1);

	memset(text, 'x', n);
	const char *body = arena_printf(
		arena, "{\"action\":\"Close\",\"alert\":{\"alias\":\"a\",\"username\":\"%s\"}}",
		text);
	struct arena *big = arena;
	arena = arena_new(LIMIT_FEEDBACK_ARENA_BYTES);
	ck_assert_int_eq(told(PAGER_OPSGENIE, body), FEEDBACK_VERIFIED);
	ck_assert_uint_eq(feedback.nacts, 1);
	/* 200 bytes, of which the ellipsis has 3. */
	ck_assert_uint_eq(strlen(feedback.acts[0].who), LIMIT_FEEDBACK_NAME_BYTES);
	ck_assert_str_eq(feedback.acts[0].who + 197, "\xe2\x80\xa6");
	ck_assert_uint_le(arena_used(arena), 16u << 10);
	arena_free(big);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("told");
	TCase *tests = tcase_create("told");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, header_secret, 0, ARRAY_LEN(header_secrets));
	tcase_add_loop_test(tests, genie_event, 0, ARRAY_LEN(genie_rows));
	tcase_add_test(tests, genie_event_id);
	tcase_add_test(tests, page_numbers);
	tcase_add_loop_test(tests, oncall_event, 0, ARRAY_LEN(oncall_rows));
	tcase_add_test(tests, oncall_event_id);
	tcase_add_loop_test(tests, goalert_event, 0, ARRAY_LEN(goalert_rows));
	tcase_add_test(tests, goalert_incident_learned);
	tcase_add_loop_test(tests, splunk_event, 0, ARRAY_LEN(splunk_rows));
	tcase_add_test(tests, splunk_event_id);
	tcase_add_loop_test(tests, rootly_signature, 0, ARRAY_LEN(rootly_signatures));
	tcase_add_loop_test(tests, rootly_event, 0, ARRAY_LEN(rootly_rows));
	tcase_add_test(tests, rootly_window);
	tcase_add_loop_test(tests, io_event, 0, ARRAY_LEN(io_rows));
	tcase_add_test(tests, io_alerts_of_an_escalation);
	tcase_add_test(tests, io_golden);
	tcase_add_loop_test(tests, bodies_are_malformed, 0, ARRAY_LEN(bad_bodies));
	tcase_add_test(tests, huge_texts_are_cut);
	return told_run(suite, tests);
}
