/*
 * base: packed bytes open to the same, within caps, those of older versions too; the dictionary is
 * the one that was released; messages come back one by one.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "../../../relay/base/pack-internal.h"
#include "tracepager/limits.h"
#include "tracepager/pack.h"
#include "tracepager/xalloc.h"

static struct err err;

static void pack_text(const char *text, struct buf *out)
{
	*out = (struct buf)BUF_INIT(1 << 20);
	pack_add(text, strlen(text), out);
	ck_assert(!out->failed);
}

static void opens_to(const void *data, size_t len, const char *text)
{
	struct buf out = BUF_INIT(1000);

	ck_assert_msg(pack_open(data, len, &out, &err) == 0, "%s", err.text);
	ck_assert_str_eq(buf_text(&out), text);
	buf_fini(&out);
}

static void opens(const char *data, size_t len, size_t cap, int expected)
{
	struct buf out = BUF_INIT(cap);

	ck_assert_int_eq(pack_open(data, len, &out, &err), expected);
	buf_fini(&out);
}

/* What is in stores opens only with the dictionary that packed it. Where this fails, the dictionary
 * was edited: restore it, and add the new one beside it under the next number. */
START_TEST(the_dictionary_is_the_released_one)
{
	ck_assert_uint_eq(crc32(0, (const Bytef *)pack_dictionary_1, PACK_DICTIONARY_1_BYTES),
			  0xd3d6b371);
}
END_TEST

#define GOOD "the disk of ledger is full"

/* GOOD, packed with the dictionary by the program zstd 1.5.4. */
static const unsigned char by_zstd[] = {
	0x28, 0xb5, 0x2f, 0xfd, 0x25, 0x01, 0x1a, 0xbd, 0x00, 0x00, 0xe3, 0xc0, 0x02,
	0x5d, 0x67, 0xd2, 0x4a, 0xbc, 0x77, 0x95, 0xe6, 0xfb, 0x16, 0x06, 0x02, 0xf0,
	0xab, 0x68, 0xd4, 0xa8, 0x03, 0xd5, 0x82, 0x5e, 0x3a, 0x15, 0xd8,
};

START_TEST(frames_of_others_open)
{
	unsigned char data[200];
	uLongf len = sizeof(data);

	opens_to(by_zstd, sizeof(by_zstd), GOOD);
	/* As older versions packed. */
	ck_assert_int_eq(compress2(data, &len, (const Bytef *)GOOD, strlen(GOOD), 1), Z_OK);
	opens_to(data, len, GOOD);
	len = ZSTD_compress(data, sizeof(data), GOOD, strlen(GOOD), 3);
	opens_to(data, len, GOOD);
}
END_TEST

START_TEST(frames_that_say_too_little_are_refused)
{
	unsigned char data[sizeof(by_zstd)];

	/* Another dictionary: its number is the sixth byte. */
	memcpy(data, by_zstd, sizeof(data));
	data[5] = 2;
	opens((const char *)data, sizeof(data), 1000, -EBADMSG);
	/* A head whose content has no size (RFC 8878, 3.1.1.1: no single segment, no size), and one
	 * that says two bytes less than the content has. */
	static const unsigned char sizeless[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00,
						  0x58, 0x01, 0x00, 0x00 };
	opens((const char *)sizeless, sizeof(sizeless), 1000, -EBADMSG);
	memcpy(data, by_zstd, sizeof(data));
	data[6] -= 2;
	opens((const char *)data, sizeof(data), 1000, -EBADMSG);
	/* A size of 2^63 bytes. */
	static const unsigned char huge[] = { 0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0,
					      0,    0,	  0,	0,    0x80, 1, 0, 0 };
	opens((const char *)huge, sizeof(huge), SIZE_MAX / 2, -E2BIG);
}
END_TEST

/* Of a few hundred bytes, most are in the dictionary. */
START_TEST(short_documents_pack_well)
{
	static const char doc[] =
		"{\"sender\":\"api\",\"family\":\"prometheus\",\"fingerprint\":"
		"\"1b4eed5a908bb335\","
		"\"status\":\"firing\",\"labels\":{\"alertname\":\"OrdersFail\",\"cluster\":\"eu-"
		"1\","
		"\"severity\":\"critical\"},\"annotations\":{},\"starts_at_us\":1795950000000000}";
	struct buf packed;

	pack_text(doc, &packed);
	ck_assert_uint_lt(packed.len, strlen(doc) / 2);
	opens_to(packed.data, packed.len, doc);
	buf_fini(&packed);
}
END_TEST

START_TEST(what_is_packed_opens_to_the_same)
{
	static const size_t sizes[] = { 0, 1, 65535, 65536, 65537, 1000000 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		CLEANUP_FREE char *data = xcalloc(sizes[i] + 1, 1);
		struct buf packed = BUF_INIT(2 << 20), out = BUF_INIT(1 << 20);
		for (size_t k = 0; k < sizes[i]; k++)
			data[k] = (char)(k * k >> 7);
		pack_add(data, sizes[i], &packed);
		ck_assert(!packed.failed);
		ck_assert_int_eq(pack_open(packed.data, packed.len, &out, &err), 0);
		ck_assert_uint_eq(out.len, sizes[i]);
		if (sizes[i])
			ck_assert_mem_eq(out.data, data, sizes[i]);
		buf_fini(&packed);
		buf_fini(&out);
	}
}
END_TEST

START_TEST(plain_texts_stay_as_they_are)
{
	struct buf out = BUF_INIT(100);

	ck_assert_int_eq(pack_open("{\"a\":1}", 7, &out, &err), 0);
	ck_assert_str_eq(buf_text(&out), "{\"a\":1}");
	buf_fini(&out);
	opens("{}", 2, 1, -E2BIG);
	opens("", 0, 1, 0);
}
END_TEST

/* A megabyte of zeros as zlib packs it, in about a thousand bytes, or zstd, in about fifty;
 * pack_add() never writes these. */
static size_t make_bomb(unsigned char *out, size_t size, bool by_zlib)
{
	CLEANUP_FREE char *zeros = xcalloc(1 << 20, 1);
	uLongf len = size;

	if (!by_zlib)
		return ZSTD_compress(out, size, zeros, 1 << 20, 1);
	ck_assert_int_eq(compress2(out, &len, (const Bytef *)zeros, 1 << 20, 9), Z_OK);
	return len;
}

START_TEST(a_bomb_is_refused_by_ratio_and_by_cap)
{
	unsigned char data[4096];
	struct buf packed = BUF_INIT(2 << 20);

	for (int by_zlib = 0; by_zlib < 2; by_zlib++) {
		size_t len = make_bomb(data, sizeof(data), by_zlib);
		ck_assert_uint_lt(len, (1 << 20) / LIMIT_PACK_RATIO);
		opens((const char *)data, len, SIZE_MAX / 2, -E2BIG);
	}
	/* Zeros that pack_add() has packed can be opened; the cap of the buf still holds. */
	CLEANUP_FREE char *zeros = xcalloc(1 << 20, 1);
	pack_add(zeros, 1 << 20, &packed);
	opens(packed.data, packed.len, 1 << 20, 0);
	opens(packed.data, packed.len, (1 << 20) - 1, -E2BIG);
	buf_fini(&packed);
}
END_TEST

START_TEST(cut_and_damaged_bytes_are_refused)
{
	struct buf packed;

	pack_text("the journal is read-only, the journal is read-only", &packed);
	opens(packed.data, packed.len - 1, 1000, -EBADMSG);
	opens(packed.data, 1, 1000, -EBADMSG);
	buf_putc(&packed, 'x');
	opens(packed.data, packed.len, 1000, -EBADMSG);
	packed.data[10] ^= 0x55;
	opens(packed.data, packed.len - 1, 1000, -EBADMSG);
	buf_fini(&packed);
}
END_TEST

START_TEST(what_does_not_fit_says_so)
{
	struct buf out = BUF_INIT(10);

	pack_add("0123456789abcdefghij", 20, &out);
	ck_assert(out.failed);
	buf_fini(&out);
}
END_TEST

START_TEST(messages_come_back_one_by_one)
{
	struct buf out = BUF_INIT(1000);
	char large[300] = "";
	const char *data, *at, *end;
	size_t len;

	pack_message("ab", 2, &out);
	pack_message("", 0, &out);
	pack_message(large, sizeof(large), &out);
	ck_assert_uint_eq(out.len, 1 + 2 + 1 + 2 + sizeof(large)); /* 300 takes two bytes */
	at = out.data;
	end = at + out.len;
	ck_assert(pack_next_message(&at, end, &data, &len));
	ck_assert_uint_eq(len, 2);
	ck_assert_mem_eq(data, "ab", 2);
	ck_assert(pack_next_message(&at, end, &data, &len));
	ck_assert_uint_eq(len, 0);
	ck_assert(!pack_next_message(&at, end - 1, &data, &len));
	ck_assert(!pack_next_message(&at, at + 1, &data, &len));
	ck_assert(pack_next_message(&at, end, &data, &len));
	ck_assert_uint_eq(len, sizeof(large));
	ck_assert_ptr_eq(at, end);
	ck_assert(!pack_next_message(&at, end, &data, &len));
	/* A length without an end, and a length larger than the data. */
	static const char endless[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
	at = endless;
	ck_assert(!pack_next_message(&at, endless + sizeof(endless) - 1, &data, &len));
	at = endless + 4;
	ck_assert(!pack_next_message(&at, endless + sizeof(endless) - 1, &data, &len));
	buf_fini(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pack");
	TCase *group = tcase_create("pack");

	tcase_add_test(group, the_dictionary_is_the_released_one);
	tcase_add_test(group, what_is_packed_opens_to_the_same);
	tcase_add_test(group, plain_texts_stay_as_they_are);
	tcase_add_test(group, frames_of_others_open);
	tcase_add_test(group, frames_that_say_too_little_are_refused);
	tcase_add_test(group, short_documents_pack_well);
	tcase_add_test(group, a_bomb_is_refused_by_ratio_and_by_cap);
	tcase_add_test(group, cut_and_damaged_bytes_are_refused);
	tcase_add_test(group, what_does_not_fit_says_so);
	tcase_add_test(group, messages_come_back_one_by_one);
	suite_add_tcase(suite, group);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
