/* Tests of the pager kinds teams, discord, mattermost and googlechat. */
#include "golden.h"

#define HOOK "https://chat.example/hook/s3cret"

static struct page_target hook_of(enum pager_kind_id kind)
{
	return (struct page_target){ .kind = kind, .pager = "p1", .key = HOOK };
}

#define RUN(words) "{\"type\":\"TextRun\",\"text\":\"" words "\"}"
#define FACT(name, words)                                                                          \
	",{\"type\":\"RichTextBlock\",\"spacing\":\"None\",\"inlines\":[{\"type\":\"TextRun\","    \
	"\"text\":\"" name ": \",\"weight\":\"Bolder\"}," RUN(words) "]}"

START_TEST(teams_gets_a_card)
{
	struct page_target target = hook_of(PAGER_TEAMS);

	ck_assert_str_eq(build(&target).url, HOOK);
	golden(&target,
	       "{\"type\":\"message\",\"attachments\":[{\"contentType\":"
	       "\"application/vnd.microsoft.card.adaptive\",\"contentUrl\":null,\"content\":{"
	       "\"$schema\":\"http://adaptivecards.io/schemas/adaptive-card.json\","
	       "\"type\":\"AdaptiveCard\",\"version\":\"1.5\",\"msteams\":{\"width\":\"full\"},"
	       "\"body\":[{\"type\":\"RichTextBlock\",\"inlines\":[{\"type\":\"TextRun\","
	       "\"text\":\"[critical] ledger: deadlock\",\"weight\":\"Bolder\","
	       "\"size\":\"Medium\",\"color\":\"Attention\"}]}"
	       /* clang-format off */
	       FACT("Since", "2026-09-01T09:58:00Z, 2 min 02 s before this page")
	       FACT("Environment", "prod")
	       FACT("Why you", "team money owns ledger (rules.yaml:24)")
	       FACT("How sure", "8 of 8 failing traces end in ledger")
	       FACT("Path", "web > ledger")
	       /* clang-format on */
	       ",{\"type\":\"ActionSet\",\"actions\":[{\"type\":\"Action.OpenUrl\","
	       "\"title\":\"Acknowledge, hand on or resolve\",\"style\":\"positive\","
	       "\"url\":\"https://tp.example/i/i1?t=AQ\"}]},"
	       "{\"type\":\"ActionSet\",\"actions\":[{\"type\":\"Action.OpenUrl\","
	       "\"title\":\"Runbook\",\"url\":\"https://wiki.example/ledger\"}]},"
	       "{\"type\":\"CodeBlock\",\"language\":\"PlainText\","
	       "\"codeSnippet\":\"Trace 4bf9:\\n✗ ledger  ██ 4 ms\",\"fallback\":{"
	       "\"type\":\"RichTextBlock\",\"inlines\":[{\"type\":\"TextRun\","
	       /* blanks that break no line */
	       "\"text\":\"Trace\u00a04bf9:\\n✗\u00a0ledger\u00a0\u00a0██\u00a04\u00a0ms\","
	       "\"fontType\":\"Monospace\",\"size\":\"Small\"}]}},"
	       "{\"type\":\"RichTextBlock\",\"inlines\":[{\"type\":\"TextRun\","
	       "\"text\":\"Incident: \",\"weight\":\"Bolder\"}," RUN("i1") "]}]}}]}");
}
END_TEST

START_TEST(teams_takes_28_kb)
{
	struct page_target target = hook_of(PAGER_TEAMS);

	page.reasons = page.alert_says = page.waterfall = accents(9000);
	page.why = page.evidence = page.limits = page.could_be = page.labels = accents(3000);
	page.what_differs = page.differs = page.note = accents(3000);
	struct http_request request = build(&target);
	ck_assert_uint_le(request.body_len, 28u << 10);
	ck_assert_uint_gt(request.body_len, 2000);
	ck_assert_ptr_nonnull(strstr(request.body, "https://tp.example/i/i1?t=AQ"));
}
END_TEST

START_TEST(teams_may_say_no_with_200)
{
	ck_assert_int_eq(judge(PAGER_TEAMS, 202, "").outcome, JUDGE_DELIVERED);
	ck_assert_int_eq(judge(PAGER_TEAMS, 200, "1").outcome, JUDGE_DELIVERED);
	ck_assert_int_eq(judge(PAGER_TEAMS, 200,
			       "Webhook message delivery failed with error: HTTP error 413")
				 .outcome,
			 JUDGE_REJECTED);
	ck_assert_int_eq(judge(PAGER_TEAMS, 404, "").outcome, JUDGE_REJECTED);
	ck_assert_int_eq(judge(PAGER_TEAMS, 429, "").outcome, JUDGE_RETRY);
}
END_TEST

#define MARKED_FACTS                                                                               \
	"**Since:** 2026-09-01T09:58:00Z, 2 min 02 s before this page\\n"                          \
	"**Environment:** prod\\n"                                                                 \
	"**Why you:** team money owns ledger (rules.yaml:24)\\n"                                   \
	"**How sure:** 8 of 8 failing traces end in ledger\\n"                                     \
	"**Path:** web \\\\> ledger\\n"                                                            \
	"```\\nTrace 4bf9:\\n✗ ledger  ██ 4 ms\\n```\\n"                                     \
	"[Runbook](https://wiki.example/ledger)\\n"                                                \
	"**Incident:** i1\\n"
#define MARKED_ACT "[Acknowledge, hand on or resolve](https://tp.example/i/i1?t=AQ)\\n"

START_TEST(discord_gets_an_embed)
{
	struct page_target target = hook_of(PAGER_DISCORD);

	ck_assert_str_eq(build(&target).url, HOOK);
	golden(&target, "{\"content\":\"**\\\\[critical\\\\] ledger: deadlock**\\n\","
			"\"allowed_mentions\":{\"parse\":[]},\"embeds\":[{"
			"\"title\":\"Acknowledge, hand on or resolve\","
			"\"url\":\"https://tp.example/i/i1?t=AQ\",\"color\":15158332,"
			"\"description\":\"" MARKED_FACTS "\"}]}");
}
END_TEST

START_TEST(discord_tells_its_pause_in_the_body)
{
	struct judgement judgement =
		judge(PAGER_DISCORD, 429, "{\"message\":\"slow\",\"retry_after\":1.5}");

	ck_assert_int_eq(judgement.outcome, JUDGE_RETRY);
	ck_assert_int_eq(judgement.retry_after_us, 1500000);
	ck_assert_int_eq(judge(PAGER_DISCORD, 429, "{\"retry_after\":9999}").retry_after_us,
			 LIMIT_PAGER_RETRY_AFTER_US);
	ck_assert_int_eq(judge(PAGER_DISCORD, 429, "no").retry_after_us, -1);
	ck_assert_int_eq(judge(PAGER_DISCORD, 204, "").outcome, JUDGE_DELIVERED);
}
END_TEST

START_TEST(mattermost_gets_markdown)
{
	struct page_target target = hook_of(PAGER_MATTERMOST);

	golden(&target,
	       "{\"text\":\"**\\\\[critical\\\\] ledger: deadlock**\\n" MARKED_ACT MARKED_FACTS
	       "\"}");
	ck_assert_int_eq(judge(PAGER_MATTERMOST, 200, "ok").outcome, JUDGE_DELIVERED);
	ck_assert_int_eq(judge(PAGER_MATTERMOST, 200, "<html>").outcome, JUDGE_REJECTED);
}
END_TEST

START_TEST(googlechat_gets_a_thread)
{
	struct page_target target = hook_of(PAGER_GOOGLECHAT);

	ck_assert_str_eq(build(&target).url, HOOK "?threadKey=i1%232&messageReplyOption="
						  "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD");
	target.key = HOOK "?key=a&token=b";
	ck_assert_str_eq(build(&target).url,
			 HOOK "?key=a&token=b&threadKey=i1%232&messageReplyOption="
			      "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD");
	page.why = "<users/all> ```";
	golden(&target, "{\"text\":\"*[critical] ledger: deadlock*\\n"
			"<https://tp.example/i/i1?t=AQ|Acknowledge, hand on or resolve>\\n"
			"*Since:* 2026-09-01T09:58:00Z, 2 min 02 s before this page\\n"
			"*Environment:* prod\\n"
			"*Why you:* <\u200busers/all> '''\\n"
			"*How sure:* 8 of 8 failing traces end in ledger\\n"
			"*Path:* web > ledger\\n"
			"```\\nTrace 4bf9:\\n✗ ledger  ██ 4 ms\\n```\\n"
			"<https://wiki.example/ledger|Runbook>\\n*Incident:* i1\\n\"}");
}
END_TEST

#define BLANKS10 "          "
#define BARS10	 "██████████"
/* As waterfall.h draws it: 2 cells, a name of 20, a blank, a bar of 40, a blank, 8 cells. */
#define WATERFALL                                                                                  \
	"Trace 4bf9, one of 8:\n"                                                                  \
	"✗ web GET /a" BLANKS10 " " BARS10 BARS10 BARS10 BARS10 "   182 ms\n"                      \
	"✗ └ ledger b" BLANKS10 " " BLANKS10 BLANKS10 BARS10 BARS10 "    64 ms\n"                  \
	"  … 3 more spans, none failed"

/* Of 44 columns 23 are the name's and 7 the duration's: 14 are left for 40 cells of bars. */
START_TEST(a_narrow_waterfall_has_shorter_bars)
{
	struct page_target target = hook_of(PAGER_GOOGLECHAT);

	page.waterfall = WATERFALL;
	json_t *body = body_of(&target);
	ck_assert_ptr_nonnull(strstr(text_at(body, "text"),
				     "```\nTrace 4bf9, one of 8:\n"
				     "✗ web GET /a" BLANKS10 " " BARS10 "████ 182 ms\n"
				     "✗ └ ledger b" BLANKS10 "        ███████  64 ms\n"
				     "  … 3 more spans, none failed\n```\n"));
	json_decref(body);
	/* a wide screen has the whole of it */
	target = hook_of(PAGER_MATTERMOST);
	body = body_of(&target);
	ck_assert_ptr_nonnull(strstr(text_at(body, "text"), "```\n" WATERFALL "\n```\n"));
	json_decref(body);
}
END_TEST

/* A name that leaves less than 6 columns for the bars is cut in its middle, behind its indentation;
 * a bar in the name is no bar. */
START_TEST(a_narrow_waterfall_cuts_long_names)
{
	struct page_target target = hook_of(PAGER_GOOGLECHAT);

	page.waterfall = "Trace:\n✗ └ abcdefghijklmnopqrstuvwxyz ██ 0123456789 " BARS10 "   182 ms";
	json_t *body = body_of(&target);
	/* 44 are 31 of the head, 6 of the bar and 7 of the duration; the name has 31 - 4 - 1 */
	ck_assert_ptr_nonnull(
		strstr(text_at(body, "text"), "✗ └ abcdefghijklm…█ 0123456789 ██████ 182 ms\n"));
	json_decref(body);
}
END_TEST

START_TEST(a_waterfall_without_its_font_has_no_bars)
{
	struct page_target target = { .kind = PAGER_ALERTMANAGER, .pager = "p1", .url = HOOK };

	page.waterfall = WATERFALL;
	json_t *body = body_of(&target);
	const json_t *notes = json_object_get(json_array_get(body, 0), "annotations");
	ck_assert_ptr_nonnull(strstr(text_at(notes, "description"),
				     "\nTrace 4bf9, one of 8:\n✗ web GET /a  182 ms\n"
				     "✗ └ ledger b  64 ms\n"
				     "  … 3 more spans, none failed\n"));
	json_decref(body);
}
END_TEST

/* A waterfall that is too long loses lines, and its block is closed. */
START_TEST(texts_are_cut_to_each_limit)
{
	static const struct {
		enum pager_kind_id kind;
		const char *key;
		size_t limit;
	} rows[] = { { PAGER_MATTERMOST, "text", 16383 }, { PAGER_GOOGLECHAT, "text", 4096 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct page_target target = hook_of(rows[i].kind);
		struct buf lines = BUF_INIT(1u << 20);
		for (int line = 0; line < 2000; line++)
			buf_puts(&lines, "line line\n");
		page.why = NULL;
		page.waterfall = buf_text(&lines);
		json_t *body = body_of(&target);
		const char *text = text_at(body, rows[i].key);
		/* All are ASCII but the "…", one character of three bytes. */
		ck_assert_uint_le(strlen(text) - 2, rows[i].limit);
		ck_assert_uint_gt(strlen(text), rows[i].limit - 60);
		ck_assert_ptr_nonnull(strstr(text, "line line\n…\n```\n"));
		json_decref(body);
		page.why = accents(20000);
		body = body_of(&target);
		ck_assert_ptr_nonnull(strstr(text_at(body, rows[i].key), "é…\n"));
		json_decref(body);
		buf_fini(&lines);
	}
}
END_TEST

START_TEST(hostile_texts_are_no_markdown)
{
	struct page_target target = hook_of(PAGER_MATTERMOST);

	page.why = "@channel [click](https://evil.example) **b** `c`";
	page.waterfall = "Trace:\n```@here";
	page.links[0].text = "](https://evil.example)";
	json_t *body = body_of(&target);
	const char *text = text_at(body, "text");
	ck_assert_ptr_null(strstr(text, "@channel"));
	ck_assert_ptr_nonnull(
		strstr(text, "\\[click\\](https://evil.example) \\*\\*b\\*\\* \\`c\\`\n"));
	ck_assert_ptr_nonnull(strstr(text, "```\nTrace:\n'''@here\n```\n"));
	ck_assert_ptr_nonnull(strstr(text, "[\\](https://evil.example)](https://wiki"));
	json_decref(body);
}
END_TEST

int main(void)
{
	TCase *tcase;
	Suite *suite = golden_suite("chats", &tcase);

	tcase_add_test(tcase, teams_gets_a_card);
	tcase_add_test(tcase, teams_takes_28_kb);
	tcase_add_test(tcase, teams_may_say_no_with_200);
	tcase_add_test(tcase, discord_gets_an_embed);
	tcase_add_test(tcase, discord_tells_its_pause_in_the_body);
	tcase_add_test(tcase, mattermost_gets_markdown);
	tcase_add_test(tcase, googlechat_gets_a_thread);
	tcase_add_test(tcase, a_narrow_waterfall_has_shorter_bars);
	tcase_add_test(tcase, a_narrow_waterfall_cuts_long_names);
	tcase_add_test(tcase, a_waterfall_without_its_font_has_no_bars);
	tcase_add_test(tcase, texts_are_cut_to_each_limit);
	tcase_add_test(tcase, hostile_texts_are_no_markdown);
	return golden_run(suite);
}
