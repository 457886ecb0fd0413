/*
 * Pager kinds: each turns a page into a request and judges the reply. One file each in relay/pager,
 * listed in tbl/pagers.def. Refuse I/O: deliver sends. Pure, any thread; they own nothing.
 */
#ifndef TRACEPAGER_PAGER_KIND_H
#define TRACEPAGER_PAGER_KIND_H

#include "tracepager/feedback.h"
#include "tracepager/http.h"
#include "tracepager/mail.h"
#include "tracepager/page.h"
#include "tracepager/rules.h"
#include "tracepager/secret_hide.h"

/* What the console can show. */
struct page_screen {
	unsigned int columns; /* 0: LIMIT_CONSOLE_COLUMNS */
	bool colour;
	bool ascii; /* it shows no UTF-8 */
};

/* Where a page goes: what the rules said when the incident was opened, kept until it is resolved.
 * Its texts are borrowed. */
struct page_target {
	enum pager_kind_id kind;
	const char *pager;		     /* its name in the rules */
	const char *url;		     /* NULL: none */
	const char *key;		     /* secret; NULL: none */
	const char *texts[PAGER_TEXT_COUNT]; /* NULL: none */
	bool hears; /* the pager has a feedback_secret: what people do there is told back */
	/* Of a webhook: the source of its template, what that is, and lines "NAME: VALUE\n" of
	 * further headers; NULL: none. */
	const char *body, *content_type, *headers;
	/* Of a console. */
	enum pager_colour colour;
	unsigned int columns; /* 0: the terminal's */
	/* What deliver finds at each attempt; not stored. */
	struct page_screen screen;
	const char *memory; /* of the last judgement that remembered; NULL or "": nothing */
};

enum judgement_outcome {
	JUDGE_DELIVERED,
	JUDGE_RETRY,
	JUDGE_REJECTED, /* the pager will never accept this page */
};

struct judgement {
	enum judgement_outcome outcome;
	int64_t retry_after_us; /* of JUDGE_RETRY: the pause that the pager asked for; -1: none */
	char text[200];		/* the reason, for the log and for people; "" when delivered */
	/* What build() gets for later pages of this recipient: say the service's id of the message.
	 * It is stored together with the outcome. "": what was remembered before counts no more. */
	bool remembers; /* false: what was remembered before stays */
	char memory[LIMIT_PAGER_MEMORY_BYTES];
};

/* What build() makes: an HTTP request, a mail, or text for standard output. */
struct delivery {
	struct http_request request; /* unused where one of the others is set */
	const struct mail *mail;     /* NULL: none */
	const char *console;	     /* text; NULL: none */
	/* A second request that the same page needs, sent once the first one was judged delivered;
	 * its judgement is then the page's. NULL: none. A retry begins with the first one again, so
	 * that one must do no harm when it is sent twice. */
	const struct http_request *follow_up;
};

struct pager_kind {
	const char *name;
	/* Requests of one key that the service takes in a minute, and the end of its hosts' name:
	 * elsewhere nothing is paced. 0: any. */
	unsigned int per_minute;
	const char *paced_host;
	/* It understands state "moved" in a resolve; others get an update that names the new
	 * incident before the resolve. */
	bool knows_moved;
	/* Each of its keys is acknowledged by itself; others are told once of an acknowledgement.
	 */
	bool acks_keys;
	bool on_screen; /* it writes text, and needs page_target.screen */
	/* Make the request of one attempt. wall_us: wall time of the attempt, microseconds;
	 * message_id: the same for all attempts of a page. The arena keeps what the delivery points
	 * to, page and target are borrowed. 0 or -errno with err set (-EINVAL: the target lacks
	 * something; -E2BIG: the page stays too large whatever is left out). */
	int (*build)(struct arena *arena, const struct page *page, const struct page_target *target,
		     const char *message_id, int64_t wall_us, struct delivery *ret_delivery,
		     struct err *err);
	/* What the reply means for the page. The reply is borrowed. May quote it: pager_judge()
	 * hides the secrets, and is what others call. */
	struct judgement (*judge)(const struct http_reply *reply);
	/* A request that pages nobody and shows whether the service answers, for tracepager doctor.
	 * *ret_proves: its answer tells, too, whether the target's key is taken. 0 or -errno with
	 * err set, as build(). NULL: the kind has none. */
	int (*dry)(struct arena *arena, const struct page_target *target,
		   struct http_request *ret_request, bool *ret_proves, struct err *err);
	/* What the reply to it means. NULL: judge_by_status(). */
	struct judgement (*judge_dry)(const struct http_reply *reply);
	/* What a request to /feedback/PAGER says. ret_feedback is written where it is VERIFIED,
	 * else err says why not, without any secret in it. NULL: the kind tells nothing back. */
	enum feedback_verdict (*feedback)(struct arena *arena,
					  const struct feedback_request *request,
					  struct feedback *ret_feedback, struct err *err);
};
/* By enum pager_kind_id. */
extern const struct pager_kind *const pager_kinds[PAGER_KIND_COUNT];

/* The common judgement. 2xx: delivered. No reply, 408, 425, 429, 5xx: retry, after the Retry-After
 * but at most LIMIT_PAGER_RETRY_AFTER_US. All else: rejected. */
struct judgement judge_by_status(const struct http_reply *reply);

/* The secrets of the target, to be hidden in whatever its peer answers. Caller frees. */
struct secret_hide *page_target_secrets(const struct page_target *target);
/* The kind's judge() and judge_dry() with the secrets hidden in the text and in what is remembered.
 * All are borrowed. */
struct judgement pager_judge(const struct pager_kind *kind, const struct secret_hide *secrets,
			     const struct http_reply *reply);
struct judgement pager_judge_dry(const struct pager_kind *kind, const struct secret_hide *secrets,
				 const struct http_reply *reply);

/* The target that a pager of the rules is. Its texts are those of the rules. */
struct page_target page_target_of(const struct pager *pager);
/* A target to and from its stored JSON. The arena keeps the texts that are read. 0 or -EINVAL with
 * err set. */
void page_target_write(const struct page_target *target, struct buf *out);
int page_target_read(struct arena *arena, const char *text, struct page_target *ret_target,
		     struct err *err);
/* Host and port that its pages go to, without what may be secret; within the target's texts. NULL:
 * it has no address. */
const char *page_target_host(const struct page_target *target, size_t *ret_len);

#endif
