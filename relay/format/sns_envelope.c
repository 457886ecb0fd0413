/* SNS envelope: see sns.h. Source: Amazon SNS developer guide, "Verifying the signatures of Amazon
 * SNS messages". */
#include "tracepager/sns.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/limits.h"
#include "tracepager/sign.h"
#include "tracepager/xalloc.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

#define SNS_URL_BYTES	    2048
#define SNS_SIGNATURE_BYTES 1024 /* of a key of 8192 bits */

/* ---- addresses ---- */

/* The length of sns.REGION.amazonaws.com(.cn) at text; 0: it is another host. */
static size_t host_len(const char *text)
{
	static const char first[] = "sns.", last[] = ".amazonaws.com";
	size_t region;

	if (strncmp(text, first, sizeof(first) - 1) != 0)
		return 0;
	const char *at = text + sizeof(first) - 1;
	region = strspn(at, LOWER DIGITS "-");
	if (!region || *at == '-' || at[region - 1] == '-' || region > 32)
		return 0;
	at += region;
	if (strncmp(at, last, sizeof(last) - 1) != 0)
		return 0;
	at += sizeof(last) - 1;
	if (strncmp(at, ".cn/", 4) == 0)
		at += 3;
	return *at == '/' ? (size_t)(at - text) : 0;
}

const char *sns_url_fault(const char *url)
{
	static const char scheme[] = "https://";

	if (strncmp(url, scheme, sizeof(scheme) - 1) != 0)
		return "it does not begin with https://";
	if (!host_len(url + sizeof(scheme) - 1))
		return "its host is not sns.REGION.amazonaws.com";
	for (const char *at = url; *at; at++)
		if (*at <= ' ' || *at >= 0x7f || strchr("\"\\<>`{}|^#", *at))
			return "it has a character that no address of Amazon has";
	return strlen(url) > SNS_URL_BYTES ? "it is too long" : NULL;
}

const char *sns_certificate_url_fault(const char *url)
{
	const char *fault = sns_url_fault(url), *path;
	size_t len = strlen(url);

	if (fault)
		return fault;
	path = url + strlen("https://");
	path += host_len(path);
	if (path[strspn(path, "/" LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "._-")])
		return "its path has a character that no certificate's path has";
	return len < 5 || strcmp(url + len - 4, ".pem") != 0 ? "its path does not end with .pem"
							     : NULL;
}

/* ---- the envelope ---- */

static const char *sns_member(json_t *root, const char *name)
{
	return json_string_value(json_object_get(root, name));
}

static int read_type(const char *text, enum sns_type *ret_type)
{
	if (strcmp(text, "Notification") == 0)
		*ret_type = SNS_NOTIFICATION;
	else if (strcmp(text, "SubscriptionConfirmation") == 0)
		*ret_type = SNS_SUBSCRIBE;
	else if (strcmp(text, "UnsubscribeConfirmation") == 0)
		*ret_type = SNS_UNSUBSCRIBE;
	else
		return -EBADMSG;
	return 0;
}

/* In the order of the guide, which is that of the alphabet. Only Subject may be missing. */
static int write_signed(struct arena *arena, json_t *root, struct sns_envelope *envelope,
			struct err *err)
{
	static const char *const notification[] = { "Message",	"MessageId", "Subject", "Timestamp",
						    "TopicArn", "Type",	     NULL };
	static const char *const confirmation[] = { "Message",	 "MessageId", "SubscribeURL",
						    "Timestamp", "Token",     "TopicArn",
						    "Type",	 NULL };
	const char *const *names = envelope->type == SNS_NOTIFICATION ? notification : confirmation;
	struct buf text = BUF_INIT(LIMIT_EVENT_BODY_BYTES);
	const char *missing = NULL;

	for (; *names && !missing; names++) {
		const char *value = sns_member(root, *names);
		if (value) {
			buf_puts(&text, *names);
			buf_putc(&text, '\n');
			buf_puts(&text, value);
			buf_putc(&text, '\n');
		} else if (strcmp(*names, "Subject") != 0) {
			missing = *names;
		}
	}
	if (!missing && !text.failed) {
		envelope->signed_text = arena_strndup(arena, buf_text(&text), text.len);
		envelope->signed_len = text.len;
	}
	buf_fini(&text);
	if (missing)
		return err_set(err, EBADMSG, "the message of Amazon SNS has no %s", missing);
	return envelope->signed_text ? 0 : err_set(err, E2BIG, "the message is too large");
}

static int read_signature(struct arena *arena, json_t *root, struct sns_envelope *envelope,
			  struct err *err)
{
	const char *version = sns_member(root, "SignatureVersion");
	const char *text = sns_member(root, "Signature");
	const char *url = sns_member(root, "SigningCertURL");
	unsigned char *signature = arena_alloc(arena, SNS_SIGNATURE_BYTES);
	int len = text ? base64_decode(text, strlen(text), signature, SNS_SIGNATURE_BYTES) : 0;

	if (!version || !text || !url)
		return err_set(err, EBADMSG, "the message is not signed: it has no %s",
			       !version ? "SignatureVersion"
			       : !text	? "Signature"
					: "SigningCertURL");
	if (strcmp(version, "1") != 0 && strcmp(version, "2") != 0)
		return err_set(err, EBADMSG, "SignatureVersion is neither 1 nor 2");
	if (len <= 0)
		return err_set(err, EBADMSG, "Signature is no base64 of a signature");
	const char *fault = sns_certificate_url_fault(url);
	if (fault)
		return err_set(err, EBADMSG, "SigningCertURL is not an address of Amazon SNS: %s",
			       fault);
	envelope->version = (unsigned int)(version[0] - '0');
	envelope->signature = signature;
	envelope->signature_len = (size_t)len;
	envelope->certificate_url = arena_strdup(arena, url);
	return 0;
}

static int read_sns_members(struct arena *arena, json_t *root, struct sns_envelope *envelope,
			    struct err *err)
{
	const char *type = sns_member(root, "Type"), *time = sns_member(root, "Timestamp");
	const char *url = sns_member(root, "SubscribeURL"), *fault;
	int error;

	if (!type || !sns_member(root, "MessageId") || !sns_member(root, "TopicArn"))
		return err_set(err, ENOMSG, "this is no message of Amazon SNS");
	if (read_type(type, &envelope->type) != 0)
		return err_set(err, EBADMSG,
			       "Type is none of Notification, "
			       "SubscriptionConfirmation and UnsubscribeConfirmation");
	error = write_signed(arena, root, envelope, err);
	if (!error)
		error = read_signature(arena, root, envelope, err);
	if (error)
		return error;
	if (rfc3339_parse(time, strlen(time), &envelope->timestamp_us) != 0)
		return err_set(err, EBADMSG, "Timestamp is not a time");
	if (envelope->type == SNS_SUBSCRIBE && (fault = sns_url_fault(url)))
		return err_set(err, EBADMSG, "SubscribeURL is not an address of Amazon SNS: %s",
			       fault);
	envelope->message_id = arena_strdup(arena, sns_member(root, "MessageId"));
	envelope->topic = arena_strdup(arena, sns_member(root, "TopicArn"));
	envelope->subscribe_url = envelope->type == SNS_SUBSCRIBE ? arena_strdup(arena, url) : NULL;
	return 0;
}

/* A member that is given twice is refused: the signature may be of the one, the alert of the other.
 */
int sns_envelope_read(struct arena *arena, const char *text, size_t len,
		      struct sns_envelope *ret_envelope, struct err *err)
{
	struct sns_envelope envelope = { .type = SNS_NOTIFICATION };
	json_error_t where;
	json_t *root;
	int error;

	if (len > LIMIT_EVENT_BODY_BYTES)
		return err_set(err, E2BIG,
			       "the body has more than %u bytes, the most of Amazon SNS",
			       LIMIT_EVENT_BODY_BYTES);
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	if (!root)
		return err_set_at(err, EBADMSG, where.line, where.column, "not JSON: %s",
				  where.text);
	error = read_sns_members(arena, root, &envelope, err);
	if (error == 0)
		*ret_envelope = envelope;
	json_decref(root);
	return error;
}
