/*
 * Evidence forms: which shapes and which units the evidence of one drawn trace has
 * (tracepager-walk(7), sections 11 and 12), as texts.
 */
#include <stdarg.h>

#include "relay/model/evidence-internal.h"
#include "tests/lib/walk_check.h"
#include "tracepager/evidence.h"
#include "tracepager/limits.h"

static struct evidence_set *healthy;
static struct evidence evidence;
static char shown[8192], drawing[65536];

static void forms_setup(void)
{
	setup();
	healthy = evidence_new(8u << 20);
	evidence = (struct evidence){ .nshapes = 0 };
	shown[0] = drawing[0] = '\0';
}

static void forms_teardown(void)
{
	evidence_free(healthy);
	teardown();
}

__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size,
							 const char *format, ...)
{
	size_t len = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + len, size - len, format, args);
	va_end(args);
}

/* "service operation > callee callee ;" for each invocation, and the line of its first span. */
static void shapes_are(const char *text, const char *want)
{
	begin(text);
	evidence_take_shapes(healthy, &set->traces[0], &evidence);
	for (uint32_t i = 0; i < evidence.nshapes; i++) {
		const struct evidence_shape *shape = &healthy->shapes[evidence.shapes[i].shape];

		append(shown, sizeof(shown), "%s%u %s %s >", i ? "; " : "",
		       evidence.shapes[i].span + 1, healthy->services[shape->service].name,
		       healthy->texts[shape->operation]);
		for (const char *at = healthy->texts[shape->callees]; *at; at++)
			if (at == healthy->texts[shape->callees] || at[-1] == '\x1f')
				append(shown, sizeof(shown), " %.*s", (int)strcspn(at, "\x1f"), at);
	}
	ck_assert_str_eq(shown, want);
}

static const struct {
	const char *drawing, *shapes;
} shape_rows[] = {
	{ "cart server A | 0 100 |\n", "1 cart A >" },
	{ "cart server A | 0 100 |\n"
	  "  stock server B | 10 20 |\n"
	  "  price server C | 30 40 |\n",
	  "1 cart A > stock price; 2 stock B >; 3 price C >" },
	/* By start, not by place. */
	{ "cart server A | 0 100 |\n"
	  "  stock server B | 30 40 |\n"
	  "  price server C | 10 20 |\n",
	  "1 cart A > price stock; 2 stock B >; 3 price C >" },
	/* Of equal starts by place. */
	{ "cart server A | 0 100 |\n"
	  "  stock server B | 10 40 |\n"
	  "  price server C | 10 20 |\n",
	  "1 cart A > stock price; 2 stock B >; 3 price C >" },
	/* Many times in a row count once, with another between they count again. */
	{ "cart server A | 0 100 |\n"
	  "  stock server B | 10 20 |\n"
	  "  stock server B | 20 30 |\n"
	  "  price server C | 30 40 |\n"
	  "  stock server B | 50 60 |\n",
	  "1 cart A > stock price stock; 2 stock B >; 3 stock B >; 4 price C >; 5 stock B >" },
	/* Spans of one service below each other are one invocation. */
	{ "cart server A | 0 100 |\n"
	  "  cart internal B | 5 90 |\n"
	  "    cart client C | 6 80 |\n"
	  "      stock server D | 10 20 |\n",
	  "1 cart A > stock; 4 stock D >" },
	/* A call without spans below it is of the callee that it names; one that names none is no
	 * call. */
	{ "cart server A | 0 100 |\n"
	  "  cart client B | 5 90 | peer.service=bank\n"
	  "  cart producer C | 6 90 | peer.service=queue\n"
	  "  cart client D | 7 90 |\n"
	  "  cart internal E | 8 90 | peer.service=none\n",
	  "1 cart A > bank queue" },
	/* A call that somebody answered has that name only. */
	{ "cart server A | 0 100 |\n"
	  "  cart client B | 5 90 | peer.service=bank\n"
	  "    stock server C | 10 20 |\n",
	  "1 cart A > stock; 3 stock C >" },
	/* A root that is a call of a silent callee. */
	{ "cart client A | 0 100 | peer.service=bank\n", "1 cart A > bank" },
};

START_TEST(whom_each_invocation_calls)
{
	shapes_are(shape_rows[_i].drawing, shape_rows[_i].shapes);
}
END_TEST

/* 32 callees are kept, more are left out. */
START_TEST(long_shapes_are_cut)
{
	append(drawing, sizeof(drawing), "cart server A | 0 100 |\n");
	append(shown, sizeof(shown), "1 cart A >");
	for (unsigned int i = 0; i <= LIMIT_SHAPE_CALLEES; i++) {
		append(drawing, sizeof(drawing), "  cart client B | %u 90 | peer.service=s%u\n",
		       i + 1, i);
		if (i < LIMIT_SHAPE_CALLEES)
			append(shown, sizeof(shown), " s%u", i);
	}
	char *want = arena_strdup(arena, shown);

	shown[0] = '\0';
	shapes_are(drawing, want);
}
END_TEST

/* ---- units ---- */

/* "service! attribute=value attribute=value; ..." in the order of the resources; "!": it failed. */
static void units_are(const char *service, const char *text, const char *want)
{
	begin(text);
	evidence_take_units(healthy, &set->traces[0], "", service, &evidence);
	for (uint32_t i = 0; i < evidence.nunits; i++) {
		const struct evidence_profile *profile =
			&healthy->profiles[evidence.units[i].profile];

		append(shown, sizeof(shown), "%s%s%s", i ? "; " : "",
		       healthy->services[profile->service].name,
		       evidence.units[i].failing ? "!" : "");
		for (uint32_t k = 0; k < profile->nfacts; k++)
			append(shown, sizeof(shown), " %s=%s",
			       healthy->texts[healthy->facts[profile->facts[k]].attribute],
			       healthy->texts[healthy->facts[profile->facts[k]].value]);
	}
	ck_assert_str_eq(shown, want);
}

static const struct {
	const char *service, *drawing, *units;
} unit_rows[] = {
	{ NULL,
	  "cart server A | 0 100 |\n"
	  "  stock server B | 10 20 | ERROR\n",
	  "cart; stock!" },
	/* Of one service only. */
	{ "stock",
	  "cart server A | 0 100 | ERROR\n"
	  "  stock server B | 10 20 |\n",
	  "stock" },
	{ "bank", "cart server A | 0 100 | ERROR\n", "" },
	/* One unit for all spans of a process, which failed if one of them did. */
	{ NULL,
	  "cart server A | 0 100 |\n"
	  "  cart client B | 10 20 |\n"
	  "  cart client C | 30 40 | ERROR\n",
	  "cart!" },
	{ NULL,
	  "cart server A | 0 100 |\n"
	  "  cart client B | 10 20 | server.address=db1\n"
	  "  cart client C | 30 40 | server.address=db2\n",
	  "cart server.address=db1 server.address=db2" },
	/* Of an attribute that a failing span has, only its values count. */
	{ NULL,
	  "cart server A | 0 100 |\n"
	  "  cart client B | 10 20 | server.address=db1; db.namespace=shop\n"
	  "  cart client C | 30 40 | ERROR; server.address=db2\n",
	  "cart! server.address=db2 db.namespace=shop" },
	/* Each value once. */
	{ NULL,
	  "cart server A | 0 100 |\n"
	  "  cart client B | 10 20 | server.address=db1\n"
	  "  cart client C | 30 40 | server.address=db1\n",
	  "cart server.address=db1" },
	/* What does not tell one process from another is no fact. */
	{ NULL, "cart server A | 0 100 | http.response.status_code=500\n", "cart!" },
};

START_TEST(what_each_process_has)
{
	units_are(unit_rows[_i].service, unit_rows[_i].drawing, unit_rows[_i].units);
}
END_TEST

/* 96 facts of a unit are kept. */
START_TEST(units_with_many_facts_are_cut)
{
	for (unsigned int n = LIMIT_UNIT_FACTS; n <= LIMIT_UNIT_FACTS + 1; n++) {
		drawing[0] = '\0';
		append(drawing, sizeof(drawing), "cart server A | 0 100 |\n");
		for (unsigned int i = 0; i < n; i++)
			append(drawing, sizeof(drawing),
			       "  cart client B | 1 2 | server.address=%u\n", i);
		begin(drawing);
		evidence = (struct evidence){ .nunits = 0 };
		evidence_take_units(healthy, &set->traces[0], "", "cart", &evidence);
		ck_assert_uint_eq(evidence.nunits, 1);
		ck_assert_uint_eq(healthy->profiles[evidence.units[0].profile].nfacts,
				  LIMIT_UNIT_FACTS);
	}
}
END_TEST

/* ---- ends of errors ---- */

/* 502, 503 and 504 without words say that somebody behind the gateway failed. */
static const struct {
	const char *marks;
	bool bare;
} gateway_rows[] = {
	{ "http.response.status_code=501", false },
	{ "http.response.status_code=502", true },
	{ "http.response.status_code=503", true },
	{ "http.response.status_code=504", true },
	{ "http.response.status_code=505", false },
	{ "http.response.status_code=503; message=shard 3 is read-only", false },
};

START_TEST(which_ends_are_a_gateways)
{
	append(drawing, sizeof(drawing), "gateway server GET | 0 100 | ERROR; %s\n",
	       gateway_rows[_i].marks);
	begin(drawing);
	ck_assert(evidence_add_trace(healthy, &set->traces[0], NULL));
	ck_assert_uint_eq(healthy->at[0].nends, 1);
	ck_assert_int_eq(healthy->at[0].ends[0].bare_gateway, gateway_rows[_i].bare);
}
END_TEST

/* ---- indexes ---- */

START_TEST(services_and_texts_have_one_index_each)
{
	uint32_t cart = evidence_service_index(healthy, "shop", "cart", false);

	ck_assert_uint_eq(evidence_service_index(healthy, "shop", "cart", false), cart);
	ck_assert_uint_ne(evidence_service_index(healthy, "test", "cart", false), cart);
	ck_assert_uint_ne(evidence_service_index(healthy, "shop", "carts", false), cart);
	ck_assert_uint_ne(evidence_service_index(healthy, "shop", "cart", true), cart);
	ck_assert_uint_eq(healthy->nservices, 4);
	ck_assert_str_eq(healthy->services[cart].namespace, "shop");
	ck_assert_str_eq(healthy->services[cart].name, "cart");
	ck_assert(!healthy->services[cart].peer);
	ck_assert(healthy->services[3].peer);
	ck_assert_uint_eq(evidence_text_index(healthy, "cart"), 0);
	ck_assert_uint_eq(evidence_text_index(healthy, "cart2"), 1);
	ck_assert_uint_eq(evidence_text_index(healthy, "cart"), 0);
	ck_assert_uint_eq(healthy->ntexts, 2);
	ck_assert_str_eq(healthy->texts[1], "cart2");
}
END_TEST

/* Names of 128 bytes and values of 256 are kept, longer ones are no facts. */
START_TEST(long_facts_are_none)
{
	char name[LIMIT_FACT_NAME_BYTES + 2], value[LIMIT_FACT_VALUE_BYTES + 2];

	memset(name, 'n', sizeof(name));
	memset(value, 'v', sizeof(value));
	name[sizeof(name) - 1] = value[sizeof(value) - 1] = '\0';
	ck_assert_uint_eq(evidence_fact_index(healthy, name, "v"), UINT32_MAX);
	ck_assert_uint_eq(evidence_fact_index(healthy, "n", value), UINT32_MAX);
	ck_assert_uint_eq(evidence_fact_index(healthy, name + 1, value + 1), 0);
	ck_assert_uint_eq(evidence_fact_index(healthy, name + 1, value + 1), 0);
	ck_assert_uint_eq(evidence_fact_index(healthy, "n", "v"), 1);
	ck_assert_str_eq(healthy->texts[healthy->facts[1].attribute], "n");
	ck_assert_str_eq(healthy->texts[healthy->facts[1].value], "v");
}
END_TEST

/* The last fact, profile and shape that has room is kept; one more is not, but known ones are
 * found. */
START_TEST(full_tables_know_what_they_have)
{
	char text[32];

	for (uint32_t i = 0; i <= LIMIT_FACTS; i++) {
		snprintf(text, sizeof(text), "%u", i);
		ck_assert_uint_eq(evidence_fact_index(healthy, "pod", text),
				  i < LIMIT_FACTS ? i : UINT32_MAX);
	}
	ck_assert_uint_eq(evidence_fact_index(healthy, "pod", "8191"), 8191);
	for (uint32_t i = 0; i <= LIMIT_PROFILES; i++)
		ck_assert_uint_eq(evidence_profile_index(healthy, 0, &i, 1),
				  i < LIMIT_PROFILES ? i : UINT32_MAX);
	ck_assert_uint_eq(evidence_profile_index(healthy, 0, (uint32_t[]){ 300 }, 1), 300);
	for (uint32_t i = 0; i <= LIMIT_SHAPES; i++) {
		snprintf(text, sizeof(text), "%u", i);
		ck_assert_uint_eq(evidence_shape_index(healthy, 0, "A", text),
				  i < LIMIT_SHAPES ? i : UINT32_MAX);
	}
	ck_assert_uint_eq(evidence_shape_index(healthy, 0, "A", "300"), 300);
}
END_TEST

START_TEST(profiles_and_shapes_differ_by_each_part)
{
	static const uint32_t facts[] = { 1, 2, 1u << 28, (1u << 28) + 1 };

	ck_assert_uint_eq(evidence_profile_index(healthy, 0, facts, 2), 0);
	ck_assert_uint_eq(evidence_profile_index(healthy, 1, facts, 2), 1);
	ck_assert_uint_eq(evidence_profile_index(healthy, 0, facts, 1), 2);
	ck_assert_uint_eq(evidence_profile_index(healthy, 0, facts + 1, 1), 3);
	ck_assert_uint_eq(evidence_profile_index(healthy, 0, facts, 0), 4);
	ck_assert_uint_eq(evidence_profile_index(healthy, 0, facts + 2, 1), 5);
	ck_assert_uint_eq(evidence_profile_index(healthy, 0, facts + 3, 1), 6);
	ck_assert_uint_eq(evidence_profile_index(healthy, 0, facts, 2), 0);
	ck_assert_uint_eq(healthy->profiles[0].facts[1], 2);
	ck_assert_uint_eq(evidence_shape_index(healthy, 0, "A", "b"), 0);
	ck_assert_uint_eq(evidence_shape_index(healthy, 1, "A", "b"), 1);
	ck_assert_uint_eq(evidence_shape_index(healthy, 0, "B", "b"), 2);
	ck_assert_uint_eq(evidence_shape_index(healthy, 0, "A", "c"), 3);
	ck_assert_uint_eq(evidence_shape_index(healthy, 0, "A", "b"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("evidence forms");
	TCase *tcase = tcase_create("forms");

	tcase_add_checked_fixture(tcase, forms_setup, forms_teardown);
	tcase_add_loop_test(tcase, whom_each_invocation_calls, 0, ARRAY_LEN(shape_rows));
	tcase_add_test(tcase, long_shapes_are_cut);
	tcase_add_loop_test(tcase, what_each_process_has, 0, ARRAY_LEN(unit_rows));
	tcase_add_test(tcase, units_with_many_facts_are_cut);
	tcase_add_loop_test(tcase, which_ends_are_a_gateways, 0, ARRAY_LEN(gateway_rows));
	tcase_add_test(tcase, services_and_texts_have_one_index_each);
	tcase_add_test(tcase, long_facts_are_none);
	tcase_add_test(tcase, full_tables_know_what_they_have);
	tcase_add_test(tcase, profiles_and_shapes_differ_by_each_part);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
