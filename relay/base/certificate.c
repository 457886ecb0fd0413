/* Certificate: see certificate.h. */
#include "tracepager/certificate.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

/* Certificates of one PEM text that are looked at. */
#define MAX_CHAIN 8

struct authorities {
	X509_STORE *store;
};

struct certificate {
	X509 *leaf;
	STACK_OF(X509) * others;
	int64_t ends_us;
};

struct authorities *authorities_new(void)
{
	struct authorities *authorities = xcalloc(1, sizeof(*authorities));

	authorities->store = X509_STORE_new();
	if (!authorities->store)
		abort(); /* no memory */
	X509_STORE_set_default_paths(authorities->store);
	return authorities;
}

static X509 *read_next(BIO *bio)
{
	return PEM_read_bio_X509(bio, NULL, NULL, NULL);
}

struct authorities *authorities_of(const char *pem)
{
	struct authorities *authorities = xcalloc(1, sizeof(*authorities));
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *one;

	authorities->store = X509_STORE_new();
	if (!authorities->store || !bio)
		abort(); /* no memory */
	while ((one = read_next(bio))) {
		X509_STORE_add_cert(authorities->store, one);
		X509_free(one);
	}
	BIO_free(bio);
	return authorities;
}

void authorities_free(struct authorities *authorities)
{
	if (!authorities)
		return;
	X509_STORE_free(authorities->store);
	free(authorities);
}

static int64_t end_of(const X509 *leaf)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &tm))
		return 0;
	return (int64_t)timegm(&tm) * US_PER_SECOND;
}

struct certificate *certificate_read(const char *pem, size_t len, struct err *err)
{
	BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
	X509 *leaf = bio ? read_next(bio) : NULL, *other;
	struct certificate *certificate = NULL;

	if (leaf) {
		certificate = xcalloc(1, sizeof(*certificate));
		certificate->leaf = leaf;
		certificate->ends_us = end_of(leaf);
		certificate->others = sk_X509_new_null();
		if (!certificate->others)
			abort(); /* no memory */
		while (sk_X509_num(certificate->others) < MAX_CHAIN && (other = read_next(bio)))
			sk_X509_push(certificate->others, other);
	} else {
		err_set(err, EBADMSG, "the text holds no certificate (PEM)");
	}
	BIO_free(bio);
	return certificate;
}

void certificate_free(struct certificate *certificate)
{
	if (!certificate)
		return;
	X509_free(certificate->leaf);
	sk_X509_pop_free(certificate->others, X509_free);
	free(certificate);
}

static int chain_error(const struct certificate *certificate, const struct authorities *authorities,
		       int64_t now_us)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int error = X509_V_ERR_OUT_OF_MEM;

	if (ctx &&
	    X509_STORE_CTX_init(ctx, authorities->store, certificate->leaf, certificate->others)) {
		X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_ANY);
		X509_STORE_CTX_set_time(ctx, 0, (time_t)(now_us / US_PER_SECOND));
		error = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
	}
	X509_STORE_CTX_free(ctx);
	return error;
}

/* libcrypto looks at the dates only of chains that it can build. */
static bool is_in_time(const X509 *leaf, int64_t now_us)
{
	time_t now = (time_t)(now_us / US_PER_SECOND);

	return X509_cmp_time(X509_get0_notBefore(leaf), &now) < 0 &&
	       X509_cmp_time(X509_get0_notAfter(leaf), &now) > 0;
}

int certificate_check(const struct certificate *certificate, const struct authorities *authorities,
		      int64_t now_us, struct err *err)
{
	int error;

	if (!is_in_time(certificate->leaf, now_us))
		return err_set(
			err, EKEYEXPIRED,
			"the certificate is not good at this time: it has expired, or begins "
			"later");
	error = chain_error(certificate, authorities, now_us);
	if (error == X509_V_OK || error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	    error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
	    error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE)
		return 0;
	return err_set(err, EKEYREJECTED, "no authority vouches for the certificate: %s",
		       X509_verify_cert_error_string(error));
}

int64_t certificate_ends_us(const struct certificate *certificate)
{
	return certificate->ends_us;
}

bool certificate_signed(const struct certificate *certificate, enum signature_digest digest,
			const void *data, size_t len, const unsigned char *signature,
			size_t signature_len)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate->leaf);
	const EVP_MD *md = digest == SIGNATURE_SHA1 ? EVP_sha1() : EVP_sha256();
	EVP_MD_CTX *ctx;
	bool good;

	if (!key || !EVP_PKEY_is_a(key, "RSA"))
		return false;
	ctx = EVP_MD_CTX_new();
	good = ctx && EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) == 1 &&
	       EVP_DigestVerify(ctx, signature, signature_len, data, len) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}
