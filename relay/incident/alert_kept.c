/* Kept alerts: see alert_kept-internal.h. */
#include "alert_kept-internal.h"

#include <stdlib.h>

#include "tracepager/alike.h"
#include "tracepager/fold.h"
#include "tracepager/limits.h"
#include "tracepager/log.h"
#include "tracepager/xalloc.h"

TAILQ_HEAD(kept_alert_list, kept_alert);

struct kept_alerts {
	struct alike *alike;
	struct kept_alert_list warm; /* those at hand, the longest unused first */
	size_t nwarm;
	struct buf folded;
};

struct kept_alerts *kept_alerts_new(void)
{
	struct kept_alerts *all = xcalloc(1, sizeof(*all));

	all->alike = alike_new();
	TAILQ_INIT(&all->warm);
	buf_init(&all->folded, LIMIT_ALERT_DOC_BYTES);
	return all;
}

void kept_alerts_free(struct kept_alerts *all)
{
	if (!all)
		return;
	alike_free(all->alike);
	buf_fini(&all->folded);
	free(all);
}

static void kept_alert_drop(struct kept_alerts *all, struct kept_alert *kept)
{
	if (!kept->alert)
		return;
	TAILQ_REMOVE(&all->warm, kept, in_warm);
	all->nwarm--;
	free(kept->alert);
	kept->alert = NULL;
}

static void kept_alert_take(struct kept_alerts *all, struct kept_alert *kept, struct alert *alert)
{
	kept_alert_drop(all, kept);
	kept->alert = alert;
	TAILQ_INSERT_TAIL(&all->warm, kept, in_warm);
	all->nwarm++;
}

static void kept_alert_unpack(struct kept_alert *kept)
{
	alike_text_free(kept->packed);
	kept->packed = NULL;
}

void kept_alert_set(struct kept_alerts *all, struct kept_alert *kept, const struct alert *alert)
{
	struct alert *copy = alert_dup(alert); /* which may be of the kept one */

	kept_alert_unpack(kept);
	kept_alert_take(all, kept, copy);
	kept->words = alert_words_hash(copy);
}

bool kept_alert_says(const struct kept_alert *kept, const struct alert *alert)
{
	return kept->words == alert_words_hash(alert);
}

const struct alert *kept_alert_get(struct kept_alerts *all, struct kept_alert *kept)
{
	if (!kept->alert) {
		const void *data = alike_open(all->alike, kept->packed);
		kept_alert_take(all, kept, alert_unfold(data, alike_text_len(kept->packed)));
	}
	return kept->alert;
}

void kept_alert_forget(struct kept_alerts *all, struct kept_alert *kept)
{
	kept_alert_drop(all, kept);
	kept_alert_unpack(kept);
}

/* False: it is too large, and stays at hand. */
static bool kept_alert_pack(struct kept_alerts *all, struct kept_alert *kept)
{
	if (!kept->packed) {
		buf_reset(&all->folded);
		alert_fold(kept->alert, &all->folded);
		if (all->folded.failed)
			return false;
		kept->packed = alike_pack(all->alike, all->folded.data, all->folded.len);
	}
	kept_alert_drop(all, kept);
	return true;
}

void kept_alerts_pack(struct kept_alerts *all)
{
	for (size_t n = 0; n < LIMIT_PACKED_PER_TURN && all->nwarm > LIMIT_WARM_ALERTS; n++) {
		struct kept_alert *oldest = TAILQ_FIRST(&all->warm);
		if (kept_alert_pack(all, oldest))
			continue;
		TAILQ_REMOVE(&all->warm, oldest, in_warm);
		TAILQ_INSERT_TAIL(&all->warm, oldest, in_warm);
	}
}

void alert_stand_in(struct arena *arena, const char *key, const char *why, struct alert *ret_alert)
{
	struct label *labels = arena_array(arena, 2, sizeof(*labels));
	struct label *annotations = arena_array(arena, 1, sizeof(*annotations));

	log_error("an alert's record cannot be read; it is paged all the same",
		  LOG_STR("alert_key", key), LOG_STR("error", why));
	labels[0] = (struct label){ "alertname", "UnreadableAlert" };
	labels[1] = (struct label){ "key", arena_strdup(arena, key) };
	annotations[0] =
		(struct label){ "summary",
				arena_printf(arena, "the record of alert %s cannot be read: %s",
					     key, why) };
	*ret_alert = (struct alert){
		.sender = "tracepager",
		.family = "tracepager",
		.fingerprint = labels[1].value,
		.labels = { labels, 2 },
		.annotations = { annotations, 1 },
		.generator_url = "",
	};
}
