/*
 * Calendar: the date, the weekday and the minute of a time, in the proleptic Gregorian calendar and
 * without a time zone; clock.h has the way back. Pure.
 */
#include "engine-internal.h"

#define DAYS_OF_400_YEARS 146097

void civil_from_seconds(int64_t seconds, struct civil *ret_civil)
{
	int64_t days = seconds / 86400, rest = seconds % 86400;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	int64_t shifted = days + 719468;
	int64_t era =
		(shifted >= 0 ? shifted : shifted - (DAYS_OF_400_YEARS - 1)) / DAYS_OF_400_YEARS;
	int64_t of_era = shifted - era * DAYS_OF_400_YEARS;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int month = (int)((5 * of_year + 2) / 153);

	*ret_civil = (struct civil){
		.year = year + era * 400 + (month >= 10),
		.month = month < 10 ? month + 3 : month - 9,
		.day = (int)(of_year - (153 * month + 2) / 5) + 1,
		.weekday = (int)(((days + 4) % 7 + 7) % 7), /* 1970-01-01 was a Thursday */
		.minute = (int)(rest / 60),
	};
}
