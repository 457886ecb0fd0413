/*
 * Every pager kind gets pages in which strangers wrote every text: markup, mentions, terminal
 * sequences, templates, megabytes, bytes that are no UTF-8. What it sends must be well-formed, have
 * no text that a service takes for markup or a mention, no link but of http and https, and be cut
 * between characters as a person sees them. New kinds are tested without a line here; those whose
 * markup is known have a row with a check of their own.
 */
#include "golden.h"

#include <stddef.h>

#define FAMILY	 "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
#define FLAG	 "\U0001f1e9\U0001f1ea"
#define THUMB	 "\U0001f44d\U0001f3fd"
#define ACCENTED "e\u0301"

#define FIELD(name)                                                                                \
	{                                                                                          \
#name, offsetof(struct page, name)                                                 \
	}
static const struct {
	const char *name;
	size_t offset;
} fields[] = { FIELD(summary),	  FIELD(details),    FIELD(component),	   FIELD(origin),
	       FIELD(group),	  FIELD(note),	     FIELD(labels),	   FIELD(environment),
	       FIELD(instance),	  FIELD(banner),     FIELD(why),	   FIELD(evidence),
	       FIELD(limits),	  FIELD(path),	     FIELD(could_be),	   FIELD(what_differs),
	       FIELD(waterfall),  FIELD(reasons),    FIELD(alert_says),	   FIELD(differs),
	       FIELD(what_to_do), FIELD(also_paged), FIELD(moved_to_team), FIELD(next_owners),
	       FIELD(acked_by),	  FIELD(act_href),   FIELD(escalates) };
#undef FIELD

static const char *const attacks[] = {
	"<script>alert(1)</script><img src=x onerror=alert(1)>",
	"<svg onload=alert(1)><a xlink:href=\"javascript:alert(1)\">x</a></svg>",
	"&lt;b&gt; &#60;script&#62; &amp;",
	"\033[2J\033]0;title\007\033[31mred\033[0m\b\b\r",
	"\u202egnp.exe \u2066isolate\u2069 \u200f\u05e9\u05dc\u05d5\u05dd "
	"\u0645\u0631\u062d\u0628\u0627",
	"<!channel> <!here> <@U1> <#C1|x> <users/all> <@&1> <at>all</at>",
	"@channel @here @everyone @all @Channel",
	"<https://evil.example|click> [click](https://evil.example) "
	"![p](http://evil.example/p.png)",
	"[x](javascript:alert(1)) ](https://evil.example) [a]: https://evil.example",
	"``` closes the block ```\n```js\n` ~~~ **bold** __b__ *i* _i_ ~s~ ||spoiler||",
	"# head\n> quote\n- item\n+ item\n1. item\n2) item\n===\n---\n| a | b |\n|---|---|",
	"javascript:alert(1) data:text/html,<b>x</b> vbscript:x file:///etc/passwd",
	"{{ .Labels.x }} {{{ x }}} ${jndi:ldap://x} #{x} <% x %> <?php x ?> %s%n {%x%}",
	"\"},{\"type\":\"x\"}]}\\\" \\u0000 \\n \\",
	"line\nline\r\nline\u2028line\ttab\v\f\x01\x1f\x7f\xc2\x85",
	"\xff\xfe\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80 cut \xe2\x82",
	"a=b&c=d; e%00%0d%0aX-Header: y\r\nBcc: z",
	"'; DROP TABLE x; -- $(id) `id` | id",
	"",
	" ",
};

/* ---- checks of texts ---- */

static const char *attacked; /* for messages */

static void fail_text(const char *kind, const char *why, const char *text)
{
	ck_abort_msg("%s: %s, after \"%.80s\" in: %.400s", kind, why, attacked, text);
}

/* No control character but tabs and line ends, nothing that turns the direction of what follows. */
static void check_plain(const char *kind, const char *text)
{
	static const char *const never[] = { "\u202a", "\u202b", "\u202d", "\u202e", "\u2066",
					     "\u2067", "\u2068", "\u2069", "\u200e", "\u200f" };

	for (const char *at = text; *at; at++) {
		unsigned char c = (unsigned char)*at;
		if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f ||
		    (c == 0xc2 && (unsigned char)at[1] < 0xa0))
			fail_text(kind, "a control character", text);
	}
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		if (strstr(text, never[i]))
			fail_text(kind, "a mark of direction", text);
}

/* Is the number of backslashes before it odd? */
static bool is_escaped(const char *begin, const char *at)
{
	size_t n = 0;

	while (at - n > begin && at[-(ptrdiff_t)n - 1] == '\\')
		n++;
	return n % 2;
}

/* Markdown: of all marks only ours are left: **bold**, links of http, one block of code. */
static void check_markdown(const char *kind, const char *text)
{
	bool code = false;
	size_t bold = 0;

	for (const char *at = text; *at; at++) {
		if (strncmp(at, "```\n", 4) == 0) {
			code = !code;
			at += 3;
		} else if (*at == '`') {
			fail_text(kind, "a backtick", text);
		} else if (code) {
			continue;
		} else if (*at == '\\') {
			at++;
		} else if (strchr("#>+=", *at) && (at == text || at[-1] == '\n')) {
			fail_text(kind, "a line that begins with a mark", text);
		} else if (strncmp(at, "**", 2) == 0) {
			bold++;
			at++;
		} else if (*at == '@') {
			if (strncmp(at, "@\u200b", 4) != 0)
				fail_text(kind, "a mention", text);
		} else if (strchr("*_<~|&", *at)) {
			fail_text(kind, "a mark", text);
		} else if (*at == '[') {
			const char *to = strstr(at, "](");
			while (to && is_escaped(at, to))
				to = strstr(to + 1, "](");
			if (!to || strncmp(to + 2, "http", 4) != 0)
				fail_text(kind, "a link of nobody", text);
			at = to + 1 + strcspn(to, ")");
		}
	}
	if (code || bold % 2)
		fail_text(kind, "an open block or bold", text);
}

static void check_member_markdown(const char *kind, const json_t *body, const char *member)
{
	check_markdown(kind, text_at(body, member));
}

/* mrkdwn: "<" and ">" stand around our links only; no name behind an @ that all are called. */
static void check_angles(const char *kind, const char *text, bool escaped)
{
	static const char *const all[] = { "@channel", "@here", "@everyone" };

	for (const char *at = text; (at = strchr(at, '<')); at++)
		if (strncmp(at, "<http", 5) != 0 && (escaped || strncmp(at, "<\u200b", 4) != 0))
			fail_text(kind, "a link or mention of nobody", text);
	for (size_t i = 0; escaped && i < ARRAY_LEN(all); i++)
		if (strcasestr(text, all[i]) && !strstr(text, "```"))
			fail_text(kind, "a mention", text);
	const char *first = strstr(text, "```");
	const char *second = first ? strstr(first + 3, "```") : NULL;
	if (first && (!second || strstr(second + 3, "```")))
		fail_text(kind, "a block of nobody", text);
}

/* ---- checks of kinds ---- */

static size_t units_in(const char *text)
{
	size_t units = 0;

	for (; *text; text++)
		units += ((unsigned char)*text & 0xc0) == 0x80 ? 0
			 : (unsigned char)*text >= 0xf0	       ? 2
							       : 1;
	return units;
}

static void check_length(const char *kind, const json_t *object, const char *member, size_t most)
{
	if (units_in(text_at(object, member)) > most)
		fail_text(kind, "too long", member);
}

static void check_slack(const json_t *body)
{
	size_t i, n;
	json_t *block, *part;

	check_length("slack", body, "text", 4000);
	check_angles("slack", text_at(body, "text"), true);
	ck_assert_uint_le(json_array_size(json_object_get(body, "blocks")), 50);
	json_array_foreach(json_object_get(body, "blocks"), i, block)
	{
		const json_t *text = json_object_get(block, "text");
		bool header = strcmp(text_at(block, "type"), "header") == 0;
		if (text)
			check_length("slack", text, "text", header ? 150 : 3000);
		if (text && !header)
			check_angles("slack", text_at(text, "text"), true);
		json_array_foreach(json_object_get(block, "elements"), n, part)
		{
			if (json_is_string(json_object_get(part, "text")))
				check_angles("slack", text_at(part, "text"), true);
			else
				check_length("slack", json_object_get(part, "text"), "text", 75);
		}
	}
}

static void check_discord(const json_t *body)
{
	const json_t *embed = json_array_get(json_object_get(body, "embeds"), 0);

	check_length("discord", body, "content", 2000);
	check_length("discord", embed, "title", 256);
	check_length("discord", embed, "description", 4096);
	check_member_markdown("discord", body, "content");
	check_member_markdown("discord", embed, "description");
}

static void check_mattermost(const json_t *body)
{
	check_length("mattermost", body, "text", 16383);
	check_member_markdown("mattermost", body, "text");
}

static void check_googlechat(const json_t *body)
{
	check_length("googlechat", body, "text", 4096);
	check_angles("googlechat", text_at(body, "text"), false);
}

/* HTML with b, a and pre, closed in their order; four entities. */
static void check_telegram(const json_t *body)
{
	const char *text = text_at(body, "text");
	char open[8][4];
	size_t n = 0;

	check_length("telegram", body, "text", 4096);
	for (const char *at = text; (at = strpbrk(at, "<&")); at++) {
		if (*at == '&') {
			if (strncmp(at, "&lt;", 4) != 0 && strncmp(at, "&gt;", 4) != 0 &&
			    strncmp(at, "&amp;", 5) != 0)
				fail_text("telegram", "an entity", at);
		} else if (at[1] == '/') {
			if (n == 0 || strncmp(at + 2, open[n - 1], strlen(open[n - 1])) != 0)
				fail_text("telegram", "an end without its start", at);
			n--;
		} else {
			const char *name = strncmp(at, "<b>", 3) == 0		    ? "b>"
					   : strncmp(at, "<a href=\"http", 13) == 0 ? "a>"
					   : strncmp(at, "<pre>", 5) == 0	    ? "pre"
										    : NULL;
			if (!name || n == 8)
				fail_text("telegram", "a tag of nobody", at);
			else
				memcpy(open[n++], name, strlen(name) + 1);
		}
	}
	if (n)
		fail_text("telegram", "an open tag", text);
}

static void check_goalert(const json_t *body)
{
	check_length("goalert", body, "summary", 1024);
	ck_assert_uint_le(strlen(text_at(body, "details")), 6144);
	check_member_markdown("goalert", body, "details");
}

static void check_incidentio(const json_t *body)
{
	check_member_markdown("incidentio", body, "description");
}

static void check_rootly(const json_t *body)
{
	check_member_markdown("rootly", body, "description");
}

static void check_grafana_oncall(const json_t *body)
{
	check_member_markdown("grafana-oncall", body, "message");
}

static void check_ntfy(const json_t *body)
{
	ck_assert_uint_le(strlen(text_at(body, "message")), 4096);
	ck_assert_uint_le(json_array_size(json_object_get(body, "actions")), 3);
}

static void check_pushover(const json_t *body)
{
	check_length("pushover", body, "message", 1024);
	check_length("pushover", body, "title", 250);
	check_length("pushover", body, "url", 512);
}

static void check_opsgenie(const json_t *body)
{
	const char *key;
	const json_t *value;
	size_t details = 0;

	check_length("opsgenie", body, "message", 130);
	check_length("opsgenie", body, "description", 15000);
	check_length("opsgenie", body, "note", 25000);
	check_length("opsgenie", body, "entity", 512);
	check_length("opsgenie", body, "user", 100);
	check_angles("opsgenie", text_at(body, "description"), false);
	json_object_foreach(json_object_get(body, "details"), key, value) details +=
		units_in(key) + units_in(json_string_value(value));
	ck_assert_uint_le(details, 8000);
}

/* What an Alertmanager hands on to a chat may not mention anybody there. */
static void check_alertmanager(const json_t *body)
{
	const char *key;
	const json_t *value;

	json_object_foreach(json_object_get(json_array_get(body, 0), "annotations"), key,
			    value) if (strcmp(key, "runbook_url") != 0)
		check_angles("alertmanager", json_string_value(value), false);
}

static void check_pagerduty(const json_t *body)
{
	check_length("pagerduty", json_object_get(body, "payload"), "summary", 1024);
}

static const struct {
	enum pager_kind_id kind;
	void (*check)(const json_t *body);
} known[] = {
	{ PAGER_SLACK, check_slack },
	{ PAGER_DISCORD, check_discord },
	{ PAGER_MATTERMOST, check_mattermost },
	{ PAGER_GOOGLECHAT, check_googlechat },
	{ PAGER_TELEGRAM, check_telegram },
	{ PAGER_GOALERT, check_goalert },
	{ PAGER_INCIDENTIO, check_incidentio },
	{ PAGER_ROOTLY, check_rootly },
	{ PAGER_GRAFANA_ONCALL, check_grafana_oncall },
	{ PAGER_NTFY, check_ntfy },
	{ PAGER_PUSHOVER, check_pushover },
	{ PAGER_OPSGENIE, check_opsgenie },
	{ PAGER_JSM, check_opsgenie },
	{ PAGER_ALERTMANAGER, check_alertmanager },
	{ PAGER_PAGERDUTY, check_pagerduty },
};

/* ---- requests ---- */

/* These get a page's texts as they are, as JSON: decide and incident have made them plain, and
 * where they are shown, they are shown as text. */
static bool trusts_the_page(enum pager_kind_id kind)
{
	return kind == PAGER_WEBHOOK || kind == PAGER_PAGERDUTY;
}

static const char *decode_form(const char *text, size_t len)
{
	char *out = arena_alloc(arena, len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char hex[3] = { 0 };
		if (text[i] == '%') {
			memcpy(hex, text + i + 1, 2);
			out[n++] = (char)strtoul(hex, NULL, 16);
			i += 2;
		} else {
			out[n++] = text[i] == '+' ? ' ' : text[i];
		}
	}
	out[n] = '\0';
	return out;
}

/* The body of a form as an object, that of JSON as it is; text of other kinds of bodies in "body".
 */
static json_t *parse_body(const char *kind, const struct http_request *request)
{
	const char *type = header(request, "Content-Type");
	json_error_t where = { .text = "" };
	json_t *root = NULL;

	if (type && strstr(type, "json")) {
		root = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, &where);
	} else if (type && strstr(type, "form-urlencoded")) {
		root = json_object();
		for (const char *at = request->body; *at; at += *at == '&') {
			size_t name = strcspn(at, "="), value = strcspn(at + name + 1, "&");
			json_object_set_new(root, arena_strndup(arena, at, name),
					    json_string(decode_form(at + name + 1, value)));
			at += name + 1 + value;
		}
	} else {
		root = json_object();
		json_object_set_new(
			root, "body",
			json_stringn(request->body ? request->body : "", request->body_len));
	}
	if (!root)
		fail_text(kind, where.text, request->body);
	return root;
}

static bool is_link(const char *key)
{
	static const char *const names[] = { "url",	    "href",
					     "click",	    "source_url",
					     "runbook_url", "generatorURL",
					     "client_url",  "link_to_upstream_details" };

	for (size_t i = 0; key && i < ARRAY_LEN(names); i++)
		if (strcmp(key, names[i]) == 0)
			return true;
	return false;
}

static void check_string(const char *kind, const char *key, const char *text)
{
	check_plain(kind, text);
	if (is_link(key) && strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0)
		fail_text(kind, "a link that is none of http", text);
}

static void check_clusters(const char *kind, const char *key, const char *text);
static void (*each_string)(const char *kind, const char *key, const char *text);

static void check_strings(const char *kind, const char *key, const json_t *value)
{
	const char *member;
	json_t *part;
	size_t i;

	if (json_is_string(value))
		each_string(kind, key, json_string_value(value));
	json_array_foreach(value, i, part) check_strings(kind, key, part);
	if (!json_is_object(value))
		return;
	json_object_foreach((json_t *)(uintptr_t)value, member, part)
	{
		each_string(kind, NULL, member);
		check_strings(kind, member, part);
	}
}

static void check_request(enum pager_kind_id id, const struct http_request *request)
{
	const char *kind = pager_kinds[id]->name;

	ck_assert_uint_le(request->body_len, LIMIT_PAGE_BYTES);
	check_plain(kind, request->url);
	for (size_t i = 0; i < request->nheaders; i++)
		if (strpbrk(request->headers[i].value, "\r\n"))
			fail_text(kind, "a header of two lines", request->headers[i].value);
	json_t *body = parse_body(kind, request);
	if (!trusts_the_page(id) || each_string != check_string)
		check_strings(kind, NULL, body);
	for (size_t i = 0; each_string == check_string && i < ARRAY_LEN(known); i++)
		if (known[i].kind == id)
			known[i].check(body);
	json_decref(body);
}

static bool is_upper_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

/* A mail as one text: its bodies decoded from quoted-printable, lines that end in a line feed. */
static const char *mail_text(const struct mail *mail)
{
	const char *body = strstr(mail->data, "\r\n\r\n");
	char *out = arena_alloc(arena, mail->len + 1), *to = out;

	for (const char *at = mail->data; *at; at++) {
		if (at > body && at[0] == '=' && at[1] == '\r') {
			at += 2;
		} else if (at > body && at[0] == '=' && is_upper_hex(at[1]) &&
			   is_upper_hex(at[2])) {
			const char digits[3] = { at[1], at[2], '\0' };
			*to++ = (char)strtol(digits, NULL, 16);
			at += 2;
		} else if (*at != '\r') {
			*to++ = *at;
		}
	}
	*to = '\0';
	return out;
}

/* The escape that begins our colours may not come from the page: without colours there is none. */
static void check_kind(enum pager_kind_id id)
{
	struct page_target target = { .kind = id,
				      .pager = "p1",
				      .url = "https://pager.example/topic",
				      .key = "https://pager.example/hook" };
	struct delivery delivery;
	struct err err = { .code = 0 };

	if (id == PAGER_TELEGRAM || id == PAGER_WEBHOOK)
		target.key = "t0ken";
	for (int which = 0; which < PAGER_TEXT_COUNT; which++)
		target.texts[which] = "ops@pager.example";
	if (id == PAGER_EMAIL) {
		target.url = "smtp://pager.example";
		target.texts[PAGER_TLS] = "required";
	}
	int error = build_error(&target, &delivery, &err);
	ck_assert_msg(error == 0, "%s: %s, after \"%.80s\"", pager_kinds[id]->name, err.text,
		      attacked);
	/* A terminal shows cells, of which an emoji may have several. */
	if (delivery.console && each_string == check_clusters)
		return;
	if (delivery.console)
		each_string(pager_kinds[id]->name, NULL, delivery.console);
	else if (delivery.mail)
		each_string(pager_kinds[id]->name, NULL, mail_text(delivery.mail));
	else
		check_request(id, &delivery.request);
}

static void check_kinds(void)
{
	for (int id = 0; id < PAGER_KIND_COUNT; id++)
		check_kind((enum pager_kind_id)id);
}

/* ---- pages ---- */

static void set_field(size_t i, const char *text)
{
	*(const char **)((char *)&page + fields[i].offset) = text;
}

static const char *decision_of(const char *text)
{
	struct buf out = BUF_INIT(8u << 20);
	static const char *const members[] = { "service", "operation", "namespace", "error" };

	buf_puts(&out, "{\"version\":1,\"verdict\":{\"confidence\":0.5,\"agree\":1,\"of\":1,"
		       "\"suspect\":{");
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		buf_json_text(&out, members[i], text);
	buf_puts(&out, "},\"reasons\":[");
	buf_json_string(&out, text);
	buf_puts(&out, "]},\"owner\":{");
	buf_json_text(&out, "team", text);
	buf_puts(&out, "}}");
	const char *kept = arena_strdup(arena, buf_text(&out));
	buf_fini(&out);
	return kept;
}

/* Every text of the page is this one. */
static void attack(const char *text, const char *href)
{
	static const char *names[LIMIT_PAGE_NAMES];

	attacked = text;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		set_field(i, text);
	page.act_href = href;
	page.details = "";
	page.decision = decision_of(text);
	for (size_t i = 0; i < LIMIT_PAGE_NAMES; i++)
		names[i] = text;
	page.alerts = names;
	page.nalerts = LIMIT_PAGE_NAMES;
	page.nlinks = LIMIT_PAGE_LINKS;
	for (size_t i = 0; i < LIMIT_PAGE_LINKS; i++)
		page.links[i] = (struct page_link){ text, href };
}

static const struct {
	enum page_event event;
	const char *moved_to, *act;
} events[] = { { PAGE_TRIGGER, NULL, NULL }, { PAGE_UPDATE, NULL, NULL },
	       { PAGE_NOTICE, NULL, NULL },  { PAGE_UPDATE, NULL, "acknowledge" },
	       { PAGE_RESOLVE, NULL, NULL }, { PAGE_RESOLVE, "i9", NULL } };

static void set_event(size_t i)
{
	page.event = events[i].event;
	page.moved_to = events[i].moved_to;
	page.act = events[i].act;
}

static void check_events(void)
{
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		set_event(i);
		check_kinds();
	}
}

START_TEST(one_text_is_hostile)
{
	const char *text = attacks[_i];

	each_string = check_string;
	attacked = text;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		setup();
		set_field(i, text);
		check_kinds();
		teardown();
	}
	setup();
	page.links[0].text = text;
	check_kinds();
	page.links[0] = (struct page_link){ "Runbook", text };
	check_kinds();
	page.details = text; /* stands for the sections */
	check_events();
	teardown();
}
END_TEST

START_TEST(all_texts_are_hostile)
{
	each_string = check_string;
	setup();
	attack(attacks[_i], arena_printf(arena, "https://evil.example/%s", attacks[_i]));
	check_events();
	attack(attacks[_i], attacks[_i]);
	check_events();
	teardown();
}
END_TEST

/* So many bytes of a text, over and over. */
static const char *many(const char *text, size_t bytes)
{
	size_t len = strlen(text), n = bytes / len * len;
	char *out = arena_alloc(arena, n + 1);

	for (size_t i = 0; i < n; i += len)
		memcpy(out + i, text, len);
	out[n] = '\0';
	return out;
}

static const char *const repeated[] = { "x",  "<",    "&",	"@channel ", "`",      "\\",
					"\n", "\xff", "**a** ", "[a](b) ",   "\u202e", "\033[31m" };

/* The first is a megabyte, others are as long as no service takes them. */
START_TEST(megabytes_are_cut)
{
	static const size_t tried[] = { 0, 4 }; /* of events */

	each_string = check_string;
	for (size_t i = 0; i < ARRAY_LEN(tried); i++)
		for (int id = 0; id < PAGER_KIND_COUNT; id++) {
			setup();
			attack(many(repeated[_i], _i ? 24u << 10 : 1u << 20),
			       "https://evil.example/");
			set_event(tried[i]);
			check_kind((enum pager_kind_id)id);
			teardown();
		}
}
END_TEST

/* ---- cutting ---- */

static const char *const clusters[] = { FAMILY, FLAG, THUMB, ACCENTED };
static const char *cluster;

/* Outside of whole clusters there is no part of one. */
static void check_clusters(const char *kind, const char *key, const char *text)
{
	static const char *const parts[] = { "\U0001f469", "\U0001f467", "\U0001f466", "\u200d",
					     "\U0001f1e9", "\U0001f1ea", "\U0001f44d", "\U0001f3fd",
					     "\u0301",	   "\ufffd" };

	(void)key;
	while (*text) {
		if (strncmp(text, cluster, strlen(cluster)) == 0) {
			text += strlen(cluster);
			continue;
		}
		for (size_t i = 0; i < ARRAY_LEN(parts); i++)
			if (strncmp(text, parts[i], strlen(parts[i])) == 0)
				fail_text(kind, "a part of a character", text);
		text++;
	}
}

/* Behind 0 to 12 letters, so that each limit falls on each place within a cluster. */
START_TEST(texts_are_cut_between_what_a_person_sees)
{
	each_string = check_clusters;
	cluster = clusters[_i];
	for (size_t before = 0; before < 13; before++) {
		setup();
		page.decision = NULL;
		const char *text = arena_printf(arena, "%.*s%s", (int)before, "xxxxxxxxxxxxx",
						many(cluster, 10000));
		attacked = text;
		for (size_t i = 0; i < ARRAY_LEN(fields); i++)
			set_field(i, text);
		page.details = "";
		page.act_href = NULL;
		page.links[0].text = text;
		check_kinds();
		page.event = PAGE_UPDATE;
		check_kinds();
		teardown();
	}
}
END_TEST

/* ---- drills ---- */

static bool says_drill, says_nothing_is_broken;

static void look_for_drill(const char *kind, const char *key, const char *text)
{
	(void)kind;
	(void)key;
	says_drill |= strstr(text, "DRILL: ledger") != NULL;
	says_nothing_is_broken |= strstr(text, "nothing is broken, ann started") != NULL;
}

/* Who is woken by a drill reads it in the headline, and below it who did that. */
START_TEST(every_kind_says_that_it_is_a_drill)
{
	setup();
	page.summary = "DRILL: ledger: deadlock";
	page.banner = "DRILL: nothing is broken, ann started a fire drill";
	each_string = look_for_drill;
	says_drill = says_nothing_is_broken = false;
	check_kind((enum pager_kind_id)_i);
	ck_assert_msg(says_drill, "%s does not", pager_kinds[_i]->name);
	ck_assert_msg(says_nothing_is_broken, "%s has no banner", pager_kinds[_i]->name);
	teardown();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hostile pages");
	TCase *tcase = tcase_create("hostile pages");

	tcase_set_timeout(tcase, 60); /* megabytes, on a busy machine */
	tcase_add_loop_test(tcase, one_text_is_hostile, 0, ARRAY_LEN(attacks));
	tcase_add_loop_test(tcase, all_texts_are_hostile, 0, ARRAY_LEN(attacks));
	tcase_add_loop_test(tcase, megabytes_are_cut, 0, ARRAY_LEN(repeated));
	tcase_add_loop_test(tcase, texts_are_cut_between_what_a_person_sees, 0,
			    ARRAY_LEN(clusters));
	tcase_add_loop_test(tcase, every_kind_says_that_it_is_a_drill, 0, PAGER_KIND_COUNT);
	suite_add_tcase(suite, tcase);
	return golden_run(suite);
}
