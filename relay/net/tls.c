/* TLS: see tls.h. */
#include "tls-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "tracepager/buf.h"
#include "tracepager/clock.h"
#include "tracepager/credential.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define DIGEST_BYTES 32
/* RFC 5280 section 4.1.2.2: 20 bytes at most, and a sign. */
#define SERIAL_CHARS 44

struct tls {
	SSL_CTX *context;
	unsigned char digest[DIGEST_BYTES]; /* of the files' bytes */
	int64_t begins_us, ends_us;	    /* wall: of all certificates in cert_file */
	char serial[SERIAL_CHARS];
};

const char *const tls_part_names[] = {
	[TLS_CERT_FILE] = "tls.cert_file",
	[TLS_KEY_FILE] = "tls.key_file",
	[TLS_CLIENT_CA_FILE] = "tls.client_ca_file",
};

/* ---- files ---- */

static bool tls_is_given(const char *path)
{
	return path && *path;
}

static void tls_set_fault(struct tls_fault *fault, enum tls_part part, const char *cure,
			  const char *path, const char *why)
{
	fault->part = part;
	fault->cure = cure;
	err_set(&fault->err, EINVAL, "%s: %s", path, why);
}

/* Why OpenSSL's last call failed. */
static const char *openssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	return reason ? reason : "it cannot be used";
}

/* Reads a regular file, which may hold a key: the caller wipes it. */
static bool tls_read_file(const char *path, enum tls_part part, struct buf *ret_text,
			  struct tls_fault *fault)
{
	struct stat status;
	struct err why = { 0 };
	ssize_t n = 0;

	CLEANUP_FREE char *name = credential_path(path, &why);
	if (!name) {
		tls_set_fault(fault, part, NULL, path, why.text);
		return false;
	}
	CLEANUP_CLOSE int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) < 0) {
		tls_set_fault(fault, part, "name a file that the relay's user may read", path,
			      strerror(errno));
		return false;
	}
	if (!S_ISREG(status.st_mode) || status.st_size > (off_t)LIMIT_TLS_FILE_BYTES) {
		tls_set_fault(fault, part, "name a file of PEM", path,
			      S_ISREG(status.st_mode) ? "it is larger than 1 MiB"
						      : "it is no regular file");
		return false;
	}
	buf_init(ret_text, LIMIT_TLS_FILE_BYTES);
	if (!buf_reserve(ret_text, (size_t)status.st_size))
		abort(); /* it fits the cap */
	while ((off_t)ret_text->len < status.st_size &&
	       (n = read(fd, ret_text->data + ret_text->len,
			 (size_t)status.st_size - ret_text->len)) > 0)
		ret_text->len += (size_t)n;
	if (n >= 0)
		return true;
	tls_set_fault(fault, part, NULL, path, strerror(errno));
	return false;
}

static void tls_wipe(struct buf *text)
{
	if (text->data)
		explicit_bzero(text->data, text->len);
	buf_fini(text);
}

/* A key with a passphrase would ask the terminal for it. */
static int tls_no_passphrase(char *text, int size, int writes, void *arg)
{
	(void)text;
	(void)size;
	(void)writes;
	(void)arg;
	return -1;
}

static BIO *tls_memory(const struct buf *text)
{
	BIO *bio = BIO_new_mem_buf(text->len ? text->data : "", (int)text->len);

	if (!bio)
		abort();
	return bio;
}

/* The next certificate; NULL: there is none, or it is damaged. */
static X509 *next_certificate(BIO *bio)
{
	ERR_clear_error();
	return PEM_read_bio_X509(bio, NULL, tls_no_passphrase, NULL);
}

static bool is_at_end(void)
{
	unsigned long error = ERR_peek_last_error();

	return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/* ---- what the files hold ---- */

static int64_t time_us(const ASN1_TIME *at)
{
	struct tm tm;

	return at && ASN1_TIME_to_tm(at, &tm) ? (int64_t)timegm(&tm) * US_PER_SECOND : 0;
}

static void note_times(struct tls *tls, const X509 *certificate)
{
	const int64_t begins_us = time_us(X509_get0_notBefore(certificate)),
		      ends_us = time_us(X509_get0_notAfter(certificate));

	if (begins_us > tls->begins_us)
		tls->begins_us = begins_us;
	if (ends_us < tls->ends_us)
		tls->ends_us = ends_us;
}

static void note_serial(struct tls *tls, const X509 *certificate)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
	char *text = number ? BN_bn2hex(number) : NULL;

	snprintf(tls->serial, sizeof(tls->serial), "%s", text ? text : "");
	OPENSSL_free(text);
	BN_free(number);
}

static bool use_certificates(struct tls *tls, const struct buf *text, const char *path,
			     struct tls_fault *fault)
{
	BIO *bio = tls_memory(text);
	X509 *certificate;
	size_t n = 0;
	bool good = true;

	while (good && (certificate = next_certificate(bio))) {
		note_times(tls, certificate);
		if (n++) {
			good = SSL_CTX_add0_chain_cert(tls->context, certificate) == 1;
		} else {
			note_serial(tls, certificate);
			good = SSL_CTX_use_certificate(tls->context, certificate) == 1;
		}
		if (n == 1 || !good)
			X509_free(certificate);
	}
	BIO_free(bio);
	if (good && n && is_at_end())
		return true;
	tls_set_fault(fault, TLS_CERT_FILE,
		      "write the certificate first (-----BEGIN CERTIFICATE-----), then those that "
		      "signed it, without the root",
		      path, n || !is_at_end() ? openssl_reason() : "it holds no certificate");
	return false;
}

/* OpenSSL says "unsupported" of a file without one. */
static bool holds_key(const struct buf *text)
{
	static const char mark[] = "PRIVATE KEY-----";

	return text->len && memmem(text->data, text->len, mark, sizeof(mark) - 1);
}

static bool use_key(struct tls *tls, const struct buf *text, const char *path,
		    const struct tls_options *options, struct tls_fault *fault)
{
	BIO *bio = tls_memory(text);

	ERR_clear_error();
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, tls_no_passphrase, NULL);
	BIO_free(bio);
	if (!key) {
		const bool locked =
			ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_BAD_PASSWORD_READ;
		tls_set_fault(fault, TLS_KEY_FILE,
			      locked ? "write it without one: openssl pkey -in KEY -out NEW"
				     : "name the file with -----BEGIN PRIVATE KEY-----",
			      path,
			      locked ? "the key has a passphrase, which nobody types here"
			      : holds_key(text) ? openssl_reason()
						: "it holds no private key");
		return false;
	}
	bool good = X509_check_private_key(SSL_CTX_get0_certificate(tls->context), key) == 1 &&
		    SSL_CTX_use_PrivateKey(tls->context, key) == 1;
	EVP_PKEY_free(key);
	if (!good) {
		CLEANUP_FREE char *why =
			xasprintf("the key is of another certificate than %s", options->cert_file);
		tls_set_fault(fault, TLS_KEY_FILE,
			      "write both files of one issue; where they are replaced one after "
			      "the other, reload once both are there",
			      path, why);
	}
	return good;
}

static bool use_client_authorities(struct tls *tls, const struct buf *text, const char *path,
				   struct tls_fault *fault)
{
	X509_STORE *store = SSL_CTX_get_cert_store(tls->context);
	BIO *bio = tls_memory(text);
	X509 *authority;
	size_t n = 0;
	bool good = true;

	while (good && (authority = next_certificate(bio))) {
		n++;
		good = X509_STORE_add_cert(store, authority) == 1 &&
		       SSL_CTX_add_client_CA(tls->context, authority) == 1;
		X509_free(authority);
	}
	BIO_free(bio);
	if (!good || !n || !is_at_end()) {
		tls_set_fault(fault, TLS_CLIENT_CA_FILE,
			      "write the certificates of the authorities, one behind the other",
			      path,
			      n || !is_at_end() ? openssl_reason() : "it holds no certificate");
		return false;
	}
	/* A client without a certificate is taken: senders without client_names need none. An
	 * authority in the file counts even where another one has signed it. */
	SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(tls->context), X509_V_FLAG_PARTIAL_CHAIN);
	return true;
}

/* ---- the context ---- */

static int on_alpn(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_len,
		   const unsigned char *offered, unsigned int len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1\x08http/1.0";
	unsigned char *name = NULL;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&name, ret_len, ours, sizeof(ours) - 1, offered, len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret_name = name;
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *context_new(const struct tls_options *options)
{
	static const unsigned char name[] = "tracepager";
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	const bool only_13 = options->min_version && strcmp(options->min_version, "1.3") == 0;

	if (!context ||
	    SSL_CTX_set_min_proto_version(context, only_13 ? TLS1_3_VERSION : TLS1_2_VERSION) != 1)
		abort();
	/* A peer that closes without a word ends nothing early: HTTP has lengths. */
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					     SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	/* Sessions are in tickets, which the peer keeps, and whose key ends with the context. */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, 1);
	SSL_CTX_set_timeout(context, LIMIT_TLS_SESSION_S);
	SSL_CTX_set_session_id_context(context, name, sizeof(name) - 1);
	SSL_CTX_set_alpn_select_cb(context, on_alpn, NULL);
	return context;
}

static void digest_add(EVP_MD_CTX *digest, const struct buf *text)
{
	const uint64_t len = text->len;

	if (EVP_DigestUpdate(digest, &len, sizeof(len)) != 1 ||
	    (len && EVP_DigestUpdate(digest, text->data, text->len) != 1))
		abort();
}

static void tls_set_digest(struct tls *tls, const struct buf texts[3])
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();

	if (!digest || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
		abort();
	for (size_t i = 0; i < 3; i++)
		digest_add(digest, &texts[i]);
	if (EVP_DigestFinal_ex(digest, tls->digest, NULL) != 1)
		abort();
	EVP_MD_CTX_free(digest);
}

static bool tls_use_files(struct tls *tls, const struct tls_options *options, struct buf texts[3],
			  struct tls_fault *fault)
{
	const char *key_file =
		tls_is_given(options->key_file) ? options->key_file : options->cert_file;
	const bool has_clients = tls_is_given(options->client_ca_file);

	if (!tls_read_file(options->cert_file, TLS_CERT_FILE, &texts[0], fault) ||
	    !tls_read_file(key_file, TLS_KEY_FILE, &texts[1], fault) ||
	    (has_clients &&
	     !tls_read_file(options->client_ca_file, TLS_CLIENT_CA_FILE, &texts[2], fault)))
		return false;
	tls_set_digest(tls, texts);
	return use_certificates(tls, &texts[0], options->cert_file, fault) &&
	       use_key(tls, &texts[1], key_file, options, fault) &&
	       (!has_clients ||
		use_client_authorities(tls, &texts[2], options->client_ca_file, fault));
}

struct tls *tls_load(const struct tls_options *options, struct tls_fault *ret_fault)
{
	struct tls *tls = xcalloc(1, sizeof(*tls));
	struct buf texts[3] = { BUF_INIT(0), BUF_INIT(0), BUF_INIT(0) };

	*ret_fault = (struct tls_fault){ .part = TLS_CERT_FILE };
	tls->ends_us = INT64_MAX;
	tls->context = context_new(options);
	bool good = tls_use_files(tls, options, texts, ret_fault);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		tls_wipe(&texts[i]);
	ERR_clear_error();
	if (good)
		return tls;
	tls_free(tls);
	return NULL;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->context);
	free(tls);
}

bool tls_same(const struct tls *tls, const struct tls *other)
{
	return memcmp(tls->digest, other->digest, DIGEST_BYTES) == 0;
}

int64_t tls_ends_us(const struct tls *tls)
{
	return tls->ends_us;
}

const char *tls_serial(const struct tls *tls)
{
	return tls->serial;
}

bool tls_check_time(const struct tls *tls, int64_t wall_us, struct tls_fault *ret_fault)
{
	char at[RFC3339_SIZE];

	*ret_fault = (struct tls_fault){ .part = TLS_CERT_FILE };
	if (wall_us >= tls->ends_us) {
		err_set(&ret_fault->err, EINVAL, "the certificate ended at %s",
			rfc3339_format(tls->ends_us, at));
		ret_fault->cure = "get a new one: senders that look at it send nothing";
		return false;
	}
	if (wall_us < tls->begins_us) {
		err_set(&ret_fault->err, EINVAL, "the certificate is valid from %s on",
			rfc3339_format(tls->begins_us, at));
		ret_fault->cure = "wait, or set this machine's clock";
		return false;
	}
	return true;
}

struct ssl_ctx_st *tls_context(const struct tls *tls)
{
	return tls->context;
}

/* ---- client certificates ---- */

/* Names stand in errors and logs; one with a NUL in it would be read as a shorter one. */
static void add_client_name(struct buf *names, const unsigned char *text, int len)
{
	for (int i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] == 0x7f || text[i] == '"' || text[i] == '\\')
			return;
	if (len <= 0 || names->len + (size_t)len + 2 > names->cap)
		return;
	buf_add(names, text, (size_t)len);
	buf_putc(names, '\0');
}

static void add_dns_names(struct buf *names, const X509 *certificate)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
		if (name->type == GEN_DNS)
			add_client_name(names, ASN1_STRING_get0_data(name->d.dNSName),
					ASN1_STRING_length(name->d.dNSName));
	}
	GENERAL_NAMES_free(all);
}

static void add_common_name(struct buf *names, const X509 *certificate)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *text = NULL;

	if (at < 0)
		return;
	const int len = ASN1_STRING_to_UTF8(
		&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	add_client_name(names, text, len);
	OPENSSL_free(text);
}

char *tls_client_names(const SSL *ssl)
{
	const X509 *certificate = SSL_get0_peer_certificate(ssl);
	struct buf names = BUF_INIT(LIMIT_CLIENT_NAMES_BYTES);

	if (!certificate || SSL_get_verify_result(ssl) != X509_V_OK)
		return NULL;
	add_dns_names(&names, certificate);
	if (!names.len)
		add_common_name(&names, certificate);
	ERR_clear_error();
	if (!names.len) {
		buf_fini(&names);
		return NULL;
	}
	buf_putc(&names, '\0');
	return buf_take(&names);
}
