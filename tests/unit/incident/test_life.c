/* The tables of states: every move that they have is counted, every other ends the program. The
 * wanted tables stand here by hand, row by row: from; columns: to. */
#include <check.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../../relay/incident/life-internal.h"
#include "tracepager/log.h"
#include "tracepager/xalloc.h"

/* x: such a move is allowed. */
static const struct {
	unsigned int n;
	const char *names[LIFE_STATES_MAX], *moves[LIFE_STATES_MAX];
} wanted[LIFE_KIND_COUNT] = {
	[LIFE_ALERT] = { 5,
			 { "waiting", "enriching", "paged", "quiet", "ended" },
			 { ".xxx.",	/* decided at once, or begun */
			   "..xx.",	/* decided */
			   "...xx",	/* a late verdict; its end */
			   "x...x",	/* decided again; its end */
			   "x.x.." } }, /* a new episode; while its incident holds */
	[LIFE_ENRICHMENT] = { 8,
			      { "fetching", "extended", "ready", "deciding", "comparing", "late",
				"done", "abandoned" },
			      { ".xx....x",	/* others wait for the answer; it is there */
				"..x....x",	/* it is there, or will not be */
				"...x...x",	/* its slice */
				"..x.xxxx",	/* healthy traces, or decided */
				"..x...xx",	/* the comparison is there; the budget is over */
				"..x...xx",	/* traces came late; none came */
				".......x",	/* its alert needs it no more */
				"........" } }, /* the last */
	[LIFE_INCIDENT] = { 6,
			    { "open", "acknowledged", "holding", "resolved", "moved", "closed" },
			    { ".xxxx.",	    /* from open everything that is not its end */
			      "x.xxx.",	    /* the same, and open again */
			      "xx.xx.",	    /* back to what it was, or over */
			      ".....x",	    /* told */
			      ".....x",	    /* told */
			      "......" } }, /* the last */
	[LIFE_RECIPIENT] = { 6,
			     { "asked", "reached", "refused", "ending", "told", "spared" },
			     { ".xxx.x",     /* taken, rejected, over before, or acknowledged */
			       "...x..",     /* over */
			       "x...x.",     /* sent again; over */
			       "....x.",     /* the resolve was taken */
			       "......",     /* the last */
			       "x..xx." } }, /* paged again; over */
};

static struct move {
	enum life_kind kind;
	unsigned int from, to;
} allowed[LIFE_KIND_COUNT * 64], forbidden[LIFE_KIND_COUNT * 81];
static size_t nallowed, nforbidden;

static bool is_wanted(enum life_kind kind, unsigned int from, unsigned int to)
{
	return from < wanted[kind].n && to < wanted[kind].n && wanted[kind].moves[from][to] == 'x';
}

/* Also to and from numbers that are no state. */
static void list_moves(void)
{
	for (unsigned int kind = 0; kind < LIFE_KIND_COUNT; kind++)
		for (unsigned int from = 0; from <= LIFE_STATES_MAX; from++)
			for (unsigned int to = 0; to <= LIFE_STATES_MAX; to++) {
				const struct move move = { (enum life_kind)kind, from, to };
				if (is_wanted(move.kind, from, to))
					allowed[nallowed++] = move;
				else
					forbidden[nforbidden++] = move;
			}
}

START_TEST(a_move_of_the_table_is_counted)
{
	const struct move *move = &allowed[_i];
	struct life_counts counts = { 0 };

	life_begin(&counts, move->from);
	life_begin(&counts, move->from);
	life_move(move->kind, &counts, move->from, move->to, "it");
	for (unsigned int state = 0; state < LIFE_STATES_MAX; state++)
		ck_assert_uint_eq(counts.in[state], state == move->from || state == move->to);
	life_end(&counts, move->to);
	ck_assert_uint_eq(counts.in[move->to], 0);
}
END_TEST

START_TEST(every_other_move_aborts)
{
	const struct move *move = &forbidden[_i];
	struct life_counts counts = { 0 };

	log_set_level(LOG_LEVEL_ERROR + 1);
	if (move->from < LIFE_STATES_MAX)
		life_begin(&counts, move->from);
	life_move(move->kind, &counts, move->from, move->to, "it");
}
END_TEST

START_TEST(states_have_names)
{
	for (unsigned int kind = 0; kind < LIFE_KIND_COUNT; kind++) {
		enum life_kind of = (enum life_kind)kind;
		for (unsigned int state = 0; state < wanted[kind].n; state++) {
			ck_assert_str_eq(life_state_name(of, state), wanted[kind].names[state]);
			ck_assert_int_eq(life_state_of(of, wanted[kind].names[state]), (int)state);
		}
		ck_assert_str_eq(life_state_name(of, LIFE_STATES_MAX), "none");
		ck_assert_int_eq(life_state_of(of, "none"), -1);
	}
	ck_assert_str_eq(life_state_name(LIFE_ALERT, 5), "none");
	ck_assert_int_eq(life_state_of(LIFE_ALERT, "open"), -1);
	ck_assert_uint_eq(ALERT_STATE_COUNT, 5);
	ck_assert_uint_eq(ENRICHMENT_STATE_COUNT, 8);
	ck_assert_uint_eq(INCIDENT_STATE_COUNT, 6);
	ck_assert_uint_eq(RECIPIENT_STATE_COUNT, 6);
}
END_TEST

/* What is stored as a number keeps it. */
START_TEST(stored_states_keep_their_numbers)
{
	ck_assert_int_eq(INCIDENT_OPEN, 0);
	ck_assert_int_eq(INCIDENT_ACKNOWLEDGED, 1);
	ck_assert_int_eq(INCIDENT_HOLDING, 2);
	ck_assert_int_eq(INCIDENT_RESOLVED, 3);
	ck_assert_int_eq(INCIDENT_MOVED, 4);
	ck_assert_int_eq(RECIPIENT_ASKED, 0);
	ck_assert_int_eq(RECIPIENT_REACHED, 1);
	ck_assert_int_eq(RECIPIENT_REFUSED, 2);
	ck_assert_int_eq(RECIPIENT_ENDING, 3);
	ck_assert_int_eq(RECIPIENT_TOLD, 4);
	ck_assert_int_eq(RECIPIENT_SPARED, 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("life");
	TCase *tcase = tcase_create("life");
	SRunner *runner = srunner_create(suite);
	int failed;

	list_moves();
	tcase_add_loop_test(tcase, a_move_of_the_table_is_counted, 0, (int)nallowed);
	tcase_add_loop_test_raise_signal(tcase, every_other_move_aborts, SIGABRT, 0,
					 (int)nforbidden);
	tcase_add_test(tcase, states_have_names);
	tcase_add_test(tcase, stored_states_keep_their_numbers);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
