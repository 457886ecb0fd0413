/*
 * Events of PagerDuty and Opsgenie, messages of Amazon SNS, and the envelope around these. The
 * first byte picks one; of 'x' the first line names the alert that is closed.
 */
#include "fuzz_format.h"

#include "tracepager/sns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	char letter;
	enum alert_format_id format;
} picks[] = {
	{ '2', FORMAT_PAGERDUTY_V2 }, { '1', FORMAT_PAGERDUTY_V1 }, { 'o', FORMAT_OPSGENIE },
	{ 'x', FORMAT_OPSGENIE },     { 'i', FORMAT_OPSGENIE },	    { 's', FORMAT_SNS },
};

/* An envelope that is good has addresses of Amazon only. */
static void fuzz_envelope(const char *text, size_t len)
{
	struct arena *arena = arena_new(LIMIT_MAPPED_SCRATCH_BYTES);
	struct sns_envelope envelope;
	struct err err;

	if (sns_envelope_read(arena, text, len, &envelope, &err) == 0) {
		const char *url = envelope.certificate_url;
		if (strncmp(url, "https://sns.", 12) != 0 || strpbrk(url + 8, "@:?#\\% ") ||
		    !strstr(url, ".amazonaws.com") || !envelope.signature_len ||
		    strlen(envelope.signed_text) != envelope.signed_len)
			abort();
		if (envelope.type == SNS_SUBSCRIBE && sns_url_fault(envelope.subscribe_url))
			abort();
	}
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct alert_body body = { .sender = "am1", .now_us = INT64_C(1788256800000000) };
	char id[64] = "";
	size_t i = 0, used = 1;

	if (size == 0)
		return 0;
	if (*data == 'E')
		fuzz_envelope((const char *)data + 1, size - 1);
	while (i < sizeof(picks) / sizeof(*picks) && picks[i].letter != (char)*data)
		i++;
	if (i == sizeof(picks) / sizeof(*picks))
		return 0;
	if (*data == 'x' || *data == 'i') {
		for (; used < size && data[used] != '\n' && used < sizeof(id); used++)
			id[used - 1] = (char)data[used];
		body.path_action = "close";
		body.path_id = id;
		body.path_id_is_ours = *data == 'i';
	}
	body.text = (const char *)data + used;
	body.len = size - used;
	fuzz_format_body(picks[i].format, &body);
	return 0;
}
