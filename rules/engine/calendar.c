/* Calendar: days and months of the proleptic Gregorian calendar, without a time zone. Pure. */
#include "engine-internal.h"

#define DAYS_OF_400_YEARS 146097

/* Years are counted from March, so that the leap day is the last of its year. */
int64_t civil_days(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * DAYS_OF_400_YEARS + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
	       719468;
}

void civil_of(int64_t seconds, struct civil *ret_civil)
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

int civil_month_days(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}
