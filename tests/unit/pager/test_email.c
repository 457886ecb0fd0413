/* Tests of the pager kind email: messages as RFC 5322, 2045 and 2047 have them, worked out by hand,
 * and what no text of a page may do to them. */
#include "golden.h"

#include "tracepager/mailbox.h"

static struct page_target email = { .kind = PAGER_EMAIL, .pager = "mail", .url = "smtp://mx:587" };

static void email_setup(void)
{
	setup();
	email = (struct page_target){ .kind = PAGER_EMAIL,
				      .pager = "mail",
				      .url = "smtp://mx:587" };
	email.texts[PAGER_FROM] = "tracepager <tp@example.com>";
	email.texts[PAGER_TO] = "ann@example.com, \"Doe, Jo\" <jo@example.com>";
}

static const struct mail *mail_of(const struct page_target *target)
{
	struct delivery delivery = { .console = NULL };
	struct err err = { .code = 0 };
	int error = build_error(target, &delivery, &err);

	ck_assert_msg(error == 0, "%s", err.text);
	ck_assert_ptr_nonnull(delivery.mail);
	return delivery.mail;
}

/* The decoded text of the n-th part. */
static const char *part_of(const struct mail *mail, int n)
{
	const char *at = mail->data;
	struct buf out = BUF_INIT(1 << 20);

	for (; n >= 0; n--)
		at = strstr(at, "--=_tracepager\r\n") + 16;
	at = strstr(at, "\r\n\r\n") + 4;
	for (const char *end = strstr(at, "\r\n--=_tracepager") + 2; at < end;) {
		if (at[0] == '=' && at[1] == '\r') {
			at += 3;
		} else if (at[0] == '=') {
			char digits[3] = { at[1], at[2], '\0' };
			buf_putc(&out, (char)strtol(digits, NULL, 16));
			at += 3;
		} else {
			if (*at != '\r')
				buf_putc(&out, *at);
			at++;
		}
	}
	const char *text = arena_strdup(arena, buf_text(&out));
	buf_fini(&out);
	return text;
}

static const char *header_of(const struct mail *mail, const char *name)
{
	const char *found = strstr(mail->data, arena_printf(arena, "\r\n%s: ", name));
	const char *end = strstr(mail->data, "\r\n\r\n");

	if (!found || found > end)
		return NULL;
	found += strlen(name) + 4;
	return arena_strndup(arena, found, strcspn(found, "\r"));
}

START_TEST(a_trigger_is_a_message_of_two_forms)
{
	static const char start[] =
		"Date: Tue, 01 Sep 2026 10:00:05 +0000\r\n"
		"From: tracepager <tp@example.com>\r\n"
		"To: ann@example.com, \"Doe, Jo\" <jo@example.com>\r\n"
		"Subject: [critical] ledger: deadlock\r\n"
		"Message-ID: <i1+232.mail@example.com>\r\n"
		"Auto-Submitted: auto-generated\r\n"
		"X-Auto-Response-Suppress: All\r\n"
		"Importance: high\r\n"
		"X-Priority: 1 (Highest)\r\n"
		"X-Tracepager-Incident: i1\r\n"
		"X-Tracepager-Event: page.trigger\r\n"
		"X-Tracepager-Severity: critical\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: multipart/alternative; boundary=\"=_tracepager\"\r\n"
		"\r\n"
		"--=_tracepager\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n"
		"\r\n"
		"[critical] ledger: deadlock\r\n"
		"\r\n"
		"Acknowledge, hand on or resolve: https://tp.example/i/i1?t=3DAQ\r\n"
		"\r\n"
		"Since: 2026-09-01T09:58:00Z, 2 min 02 s before this page\r\n"
		"Environment: prod\r\n"
		"Why you: team money owns ledger (rules.yaml:24)\r\n"
		"How sure: 8 of 8 failing traces end in ledger\r\n"
		"Path: web > ledger\r\n"
		"\r\n"
		"Trace 4bf9:\r\n"
		"=E2=9C=97 ledger  =E2=96=88=E2=96=88 4 ms\r\n"
		"\r\n"
		"Runbook: https://wiki.example/ledger\r\n"
		"\r\n"
		"Incident: i1\r\n"
		"\r\n"
		"--=20\r\n"
		"tracepager, pager mail\r\n"
		"--=_tracepager\r\n"
		"Content-Type: text/html; charset=utf-8\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n"
		"\r\n"
		"<!doctype html>\r\n";
	static const char end[] = "</body></html>\r\n--=_tracepager--\r\n";
	const struct mail *mail = mail_of(&email);

	ck_assert_str_eq(arena_strndup(arena, mail->data, strlen(start)), start);
	ck_assert_str_eq(mail->data + mail->len - strlen(end), end);
	ck_assert_str_eq(mail->url, "smtp://mx:587");
	ck_assert_int_eq(mail->tls, MAIL_TLS_REQUIRED);
	ck_assert_str_eq(mail->from, "tp@example.com");
	ck_assert_uint_eq(mail->nto, 2);
	ck_assert_str_eq(mail->to[0], "ann@example.com");
	ck_assert_str_eq(mail->to[1], "jo@example.com");
	ck_assert_ptr_null(mail->user);
}
END_TEST

START_TEST(the_html_has_what_the_text_has)
{
	page.banner = "The cause is not certain";
	page.note = "joined by HighLatency";
	page.alert_says = "orders fail\n- one\n  - two";
	page.waterfall = "Trace 4bf9:\n(✗ failed)\n"
			 "✗ web POST /pay     ████████████████████      9 ms\n"
			 "! └ stock GET       ░░░░░░░░░░                4 ms\n"
			 "✗  └ ledger Book              ██████████      4 ms\n"
			 "  … 3 more spans, none failed\n";
	const char *html = part_of(mail_of(&email), 1);
	static const char *const texts[] = {
		">PAGE</span>", "<b>critical</b> &middot; prod &middot; team money",
		"ledger: deadlock</h1>", ">joined by HighLatency</p>",
		">The cause is not certain</p>",
		"<a href=\"https://tp.example/i/i1?t=AQ\" rel=\"noreferrer noopener\"",
		">Acknowledge, hand on or resolve</a>", ">Runbook</a>",
		">8 of 8 failing traces end in ledger</td>", ">Trace 4bf9:</td>",
		">(✗ failed)</td>", "&#10007;</span> web POST /pay</td>", "!</span> stock GET</td>",
		"&#10007;</span> ledger Book</td>",
		/* the bars: 20 cells, 10 from the start, 10 from the middle */
		"<tr><td width=\"100%\" bgcolor=\"#d93025\"",
		"<tr><td width=\"50%\" bgcolor=\"#e8837b\"",
		"<tr><td width=\"50%\" style=\"width:50%\"></td><td width=\"50%\" "
		"bgcolor=\"#d93025\"",
		">9 ms</td>", ">4 ms</td>", ">… 3 more spans, none failed</td>",
		">The alert says</h2>", ">orders fail</p>", "&bull;&nbsp; one</p>",
		"&bull;&nbsp; two</p>", "tracepager, pager mail</p>"
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		ck_assert_msg(strstr(html, texts[i]), "%s is not in %s", texts[i], html);
	/* Nothing is loaded, nothing runs. */
	static const char *const never[] = { "<script", "<img", "<link",  "<style",
					     "src=",	"url(", "@import" };
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		ck_assert_ptr_null(strstr(html, never[i]));
}
END_TEST

START_TEST(later_mails_join_the_thread)
{
	static const struct {
		enum page_event event;
		const char *moved_to, *act, *subject, *label;
	} rows[] = {
		{ PAGE_UPDATE, NULL, NULL, "Update: ledger: deadlock", ">UPDATE<" },
		{ PAGE_UPDATE, NULL, "acknowledge", "Acknowledged: ledger: deadlock",
		  ">ACKNOWLEDGED<" },
		{ PAGE_RESOLVE, NULL, NULL, "Resolved: ledger: deadlock", ">RESOLVED<" },
		{ PAGE_RESOLVE, "i9", NULL, "Moved: ledger: deadlock", ">MOVED<" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		page.event = rows[i].event;
		page.moved_to = rows[i].moved_to;
		page.act = rows[i].act;
		const struct mail *mail = mail_of(&email);
		ck_assert_str_eq(header_of(mail, "Subject"), rows[i].subject);
		ck_assert_str_eq(header_of(mail, "Message-ID"), "<i1_7@example.com>");
		ck_assert_str_eq(header_of(mail, "In-Reply-To"), "<i1+232.mail@example.com>");
		ck_assert_str_eq(header_of(mail, "References"), "<i1+232.mail@example.com>");
		ck_assert_ptr_nonnull(strstr(part_of(mail, 1), rows[i].label));
		/* Only what may still be done is urgent, and has a button. */
		bool over = rows[i].event == PAGE_RESOLVE;
		ck_assert(!header_of(mail, "Importance") == over);
		ck_assert(!strstr(part_of(mail, 1), PAGE_ACT_TEXT) == over);
	}
}
END_TEST

START_TEST(other_letters_are_encoded_words)
{
	page.summary = "ledger: Größe";
	page.incident = "í1";
	email.texts[PAGER_FROM] = "Träger <tp@example.com>";
	const struct mail *mail = mail_of(&email);
	/* "[critical] ledger: Größe", "í1" and "Träger" in base64 */
	ck_assert_str_eq(header_of(mail, "Subject"),
			 "=?UTF-8?B?W2NyaXRpY2FsXSBsZWRnZXI6IEdyw7bDn2U=?=");
	ck_assert_str_eq(header_of(mail, "X-Tracepager-Incident"), "=?UTF-8?B?w60x?=");
	ck_assert_str_eq(header_of(mail, "From"), "=?UTF-8?B?VHLDpGdlcg==?= <tp@example.com>");
	/* What looks like an encoded word is encoded, so that it stays what it looks like. */
	page.summary = "=?UTF-8?B?QQ==?=";
	ck_assert_str_eq(header_of(mail_of(&email), "Subject"),
			 "=?UTF-8?B?W2NyaXRpY2FsXSA9P1VURi04P0I/UVE9PT89?=");
}
END_TEST

START_TEST(long_subjects_are_cut_and_folded)
{
	page.summary = "one two three four five six seven eight nine ten eleven twelve thirteen "
		       "fourteen fifteen sixteen seventeen eighteen";
	ck_assert_ptr_nonnull(
		strstr(mail_of(&email)->data,
		       /* 120 characters, of which the last is no ASCII: the whole is encoded */
		       "\r\nSubject: =?UTF-8?B?"));
	page.summary = "one two three four five six seven eight nine ten eleven twelve thirteen";
	ck_assert_ptr_nonnull(strstr(mail_of(&email)->data,
				     "\r\nSubject: [critical] one two three four five six seven "
				     "eight nine ten eleven\r\n twelve thirteen\r\n"));
}
END_TEST

/* Lines that end in CRLF, none longer than 76 characters but for ids, ASCII alone, and as many
 * headers as every message of a trigger has. */
static void is_sound(const struct mail *mail, size_t headers)
{
	const char *end = mail->data + mail->len, *body = strstr(mail->data, "\r\n\r\n");
	size_t n = 0;

	for (const char *at = mail->data; at < end;) {
		size_t len = strcspn(at, "\r\n");
		bool is_id = strncmp(at, "Message-ID: ", 12) == 0;
		ck_assert_msg(len <= (is_id ? 300 : 76), "%.*s", (int)len, at);
		ck_assert_msg(at[len] == '\r' && at[len + 1] == '\n', "%.*s", (int)len, at);
		for (size_t i = 0; i < len; i++)
			ck_assert_msg((at[i] >= ' ' && at[i] < 0x7f) || at[i] == '\t', "%.*s",
				      (int)len, at);
		ck_assert(len != 1 || *at != '.');
		n += at < body && *at != ' ';
		at += len + 2;
	}
	ck_assert_uint_eq(n, headers);
}

START_TEST(no_text_leaves_its_place)
{
	static const char evil[] =
		"x\r\nBcc: eve@example.com\r\n\r\n--=_tracepager--\r\n.\r\nQUIT\r\n"
		"<script>alert(1)</script><img src=x onerror=y>\"'&\u202e\u2066\033[31m\xff\xfe "
		"{{7*7}} @channel =?UTF-8?B?QQ==?=\n.\nFrom eve";
	const size_t all = 14, len = 1 << 20;
	char *long_text = arena_alloc(arena, len + 1);

	memset(long_text, '<', len);
	long_text[len] = '\0';
	is_sound(mail_of(&email), all);
	const char *const texts[] = { evil, long_text, accents(300000) };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *text = texts[i];
		page.summary = page.why = page.evidence = page.path = page.labels = text;
		page.waterfall = page.alert_says = page.reasons = page.note = page.banner = text;
		page.environment = page.group = page.incident = page.instance = text;
		page.dedup_key = text;
		page.links[0] = (struct page_link){ text, "https://x/\r\nBcc: <eve>\"" };
		page.act_href = "javascript:alert(1)";
		email.pager = text;
		const struct mail *mail = mail_of(&email);
		is_sound(mail, all);
		const char *html = part_of(mail, 1);
		ck_assert_ptr_null(strstr(html, "<script"));
		ck_assert_ptr_null(strstr(html, "<img"));
		ck_assert_ptr_null(strstr(html, "javascript:"));
		ck_assert_ptr_null(strstr(html, "\u202e"));
		ck_assert_ptr_nonnull(strstr(html, "</body></html>"));
		ck_assert_uint_lt(strlen(html), LIMIT_MAIL_HTML_BYTES);
		page.details = text;
		is_sound(mail_of(&email), all);
		page.details = "";
	}
}
END_TEST

START_TEST(bars_in_names_are_no_bars)
{
	page.waterfall = "██\n✗ █\n✗ a ██ is a name\n✗ █ b ░ ████ 4 ms\n\n█ 1 ms\n✗";
	const char *html = part_of(mail_of(&email), 1);

	ck_assert_ptr_nonnull(strstr(html, ">✗ a ██ is a name</td>"));
	ck_assert_ptr_nonnull(strstr(html, "</span> █ b ░</td>"));
}
END_TEST

START_TEST(the_server_is_asked_for_tls)
{
	static const struct {
		const char *url, *tls;
		enum mail_tls want;
	} rows[] = {
		{ "smtp://mx", NULL, MAIL_TLS_REQUIRED },
		{ "smtps://mx", NULL, MAIL_TLS_REQUIRED },
		{ "smtp://127.0.0.1:25", NULL, MAIL_TLS_NONE },
		{ "smtp://localhost", NULL, MAIL_TLS_NONE },
		{ "smtp://[::1]:25/me", NULL, MAIL_TLS_NONE },
		{ "smtp://127.0.0.1.example:25", NULL, MAIL_TLS_REQUIRED },
		{ "smtp://localhost.example", NULL, MAIL_TLS_REQUIRED },
		{ "smtp://localhost", "required", MAIL_TLS_REQUIRED },
		{ "smtp://mx", "opportunistic", MAIL_TLS_OPPORTUNISTIC },
		{ "smtp://mx", "none", MAIL_TLS_NONE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		email.url = rows[i].url;
		email.texts[PAGER_TLS] = rows[i].tls;
		ck_assert_msg(mail_of(&email)->tls == rows[i].want, "%s", rows[i].url);
	}
}
END_TEST

START_TEST(targets_that_are_none_are_refused)
{
	static const struct {
		const char *url, *from, *to, *user, *key, *tls;
	} rows[] = {
		{ "https://mx", "a@b", "c@d", NULL, NULL, NULL },
		{ "smtp://u:p@mx", "a@b", "c@d", NULL, NULL, NULL },
		{ "smtp://mx\r\nx", "a@b", "c@d", NULL, NULL, NULL },
		{ "smtp://", "a@b", "c@d", NULL, NULL, NULL },
		{ NULL, "a@b", "c@d", NULL, NULL, NULL },
		{ "smtp://mx", NULL, "c@d", NULL, NULL, NULL },
		{ "smtp://mx", "a", "c@d", NULL, NULL, NULL },
		{ "smtp://mx", "a@b, e@f", "c@d", NULL, NULL, NULL },
		{ "smtp://mx", "a@b", NULL, NULL, NULL, NULL },
		{ "smtp://mx", "a@b", "c@d,", NULL, NULL, NULL },
		{ "smtp://mx", "a@b", "c@d\r\nBcc: e@f", NULL, NULL, NULL },
		{ "smtp://mx", "a@b", "c@d> SIZE=1", NULL, NULL, NULL },
		{ "smtp://mx", "a@b", "c@d", "u", NULL, NULL },
		{ "smtp://mx", "a", "c@d", "u", "s3cret", NULL },
		{ "smtp://mx", "a@b", "c@d", NULL, NULL, "yes" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct delivery delivery = { .console = NULL };
		struct err err = { .code = 0 };
		email.url = rows[i].url;
		email.key = rows[i].key;
		email.texts[PAGER_FROM] = rows[i].from;
		email.texts[PAGER_TO] = rows[i].to;
		email.texts[PAGER_USER] = rows[i].user;
		email.texts[PAGER_TLS] = rows[i].tls;
		ck_assert_msg(build_error(&email, &delivery, &err) == -EINVAL, "row %zu", i);
		ck_assert_ptr_null(strstr(err.text, "s3cret"));
	}
}
END_TEST

START_TEST(smtp_says_what_becomes_of_it)
{
	static const struct {
		int status;
		const char *words;
		enum judgement_outcome outcome;
		const char *text;
	} rows[] = {
		{ 250, "2.0.0 Ok: queued", JUDGE_DELIVERED, "" },
		{ 421, "too many connections", JUDGE_RETRY, "SMTP 421: too many connections" },
		{ 451, "4.7.1 greylisted\r\nx", JUDGE_RETRY, "SMTP 451: 4.7.1 greylisted  x" },
		{ 535, "5.7.8 bad", JUDGE_REJECTED,
		  "SMTP 535: 5.7.8 bad; check user and password" },
		{ 550, "no such user", JUDGE_REJECTED, "SMTP 550: no such user" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct judgement judgement = judge(PAGER_EMAIL, rows[i].status, rows[i].words);
		ck_assert_int_eq(judgement.outcome, rows[i].outcome);
		ck_assert_str_eq(judgement.text, rows[i].text);
		ck_assert_int_eq(judgement.retry_after_us, -1);
	}
	struct http_reply reply = { .error = "connection refused by mx:25" };
	ck_assert_int_eq(pager_kinds[PAGER_EMAIL]->judge(&reply).outcome, JUDGE_RETRY);
	const struct http_header refused = { "Refused", "jo@example.com: 550 gone" };
	reply = (struct http_reply){
		.status = 250, .body = "", .headers = &refused, .nheaders = 1
	};
	struct judgement judgement = pager_kinds[PAGER_EMAIL]->judge(&reply);
	ck_assert_int_eq(judgement.outcome, JUDGE_DELIVERED);
	ck_assert_str_eq(judgement.text, "refused for jo@example.com: 550 gone");
}
END_TEST

START_TEST(mailboxes_are_what_people_write)
{
	static const struct {
		const char *list;
		int n;
	} rows[] = {
		{ "", 0 },
		{ "a@b", 1 },
		{ " Ann Doe <ann.doe+x@mail.example> ,\"Doe, Jo\" <jo@[192.0.2.1]>", 2 },
		{ "größe <a@b>", 1 },
		{ "<a@b>", 1 },
		{ "a", -1 },
		{ "a@", -1 },
		{ "@b", -1 },
		{ "a@b,", -1 },
		{ "a@b, ,c@d", -1 },
		{ "a..b@c", -1 },
		{ ".a@c", -1 },
		{ "a@b c@d", -1 },
		{ "a@b>", -1 },
		{ "<a@b", -1 },
		{ "<a@b> x", -1 },
		{ "x<y<a@b>", -1 },
		{ "\"a\\\" <b@c>", -1 },
		{ "a\nb <c@d>", -1 },
		{ "ä@b", -1 },
		{ "a@ü", -1 },
		{ "a@[]", -1 },
		{ "\"a <b@c>", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(mailbox_count(rows[i].list) == rows[i].n, "%s", rows[i].list);
	struct mailbox box;
	const char *at = rows[2].list;
	ck_assert_int_eq(mailbox_next(&at, &box), 1);
	ck_assert_int_eq(mailbox_next(&at, &box), 1);
	ck_assert_str_eq(arena_strndup(arena, box.name, box.name_len), "Doe, Jo");
	ck_assert_str_eq(arena_strndup(arena, box.address, box.address_len), "jo@[192.0.2.1]");
	ck_assert_int_eq(mailbox_next(&at, &box), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("email");
	TCase *tcase = tcase_create("email");

	tcase_add_checked_fixture(tcase, email_setup, teardown);
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, a_trigger_is_a_message_of_two_forms);
	tcase_add_test(tcase, the_html_has_what_the_text_has);
	tcase_add_test(tcase, later_mails_join_the_thread);
	tcase_add_test(tcase, other_letters_are_encoded_words);
	tcase_add_test(tcase, long_subjects_are_cut_and_folded);
	tcase_add_test(tcase, no_text_leaves_its_place);
	tcase_add_test(tcase, bars_in_names_are_no_bars);
	tcase_add_test(tcase, the_server_is_asked_for_tls);
	tcase_add_test(tcase, targets_that_are_none_are_refused);
	tcase_add_test(tcase, smtp_says_what_becomes_of_it);
	tcase_add_test(tcase, mailboxes_are_what_people_write);
	return golden_run(suite);
}
