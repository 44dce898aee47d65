#include <inttypes.h>
#include <stdio.h>

#include "temporal_internal.h"

static int64_t
floor_div(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* Days since 1970 to a date of the proleptic Gregorian calendar, for any int64 / 86400. Counts in
 * eras of 400 years from March 1 of year 0, where the leap day is a year's last. */
static void
civil_of_days(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
    days += 719468;
    int64_t era = floor_div(days, 146097);
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    *ret_day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    *ret_month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

/* ISO 8601: four digits, more with a sign in front; year 0 is 1 BC. */
size_t
tg_temporal_date_text(int64_t unix_days, char ret_text[TG_TEMPORAL_TEXT_BYTES])
{
    int64_t year = 0;
    int month = 0;
    int day = 0;
    civil_of_days(unix_days, &year, &month, &day);
    const char *format = year > 9999 ? "+%05" PRId64 "-%02d-%02d"
                         : year < 0  ? "%05" PRId64 "-%02d-%02d"
                                     : "%04" PRId64 "-%02d-%02d";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int n = snprintf(ret_text, TG_TEMPORAL_TEXT_BYTES, format, year, month, day);
#pragma GCC diagnostic pop
    return n > 0 ? (size_t)n : 0;
}

size_t
tg_temporal_time_text(int64_t since_midnight, int64_t units_per_s,
                      char ret_text[TG_TEMPORAL_TEXT_BYTES])
{
    int64_t seconds = floor_div(since_midnight, units_per_s);
    int64_t fraction = since_midnight - seconds * units_per_s;
    /* Not a time of day unless the writer erred: shown as it is. */
    int n = snprintf(ret_text, TG_TEMPORAL_TEXT_BYTES, "%02" PRId64 ":%02d:%02d", seconds / 3600,
                     (int)(seconds / 60 % 60), (int)(seconds % 60));
    size_t length = n > 0 ? (size_t)n : 0;
    if (fraction == 0) {
        return length;
    }
    ret_text[length++] = '.';
    for (int64_t unit = units_per_s / 10; unit > 0 && fraction > 0; unit /= 10) {
        ret_text[length++] = (char)('0' + fraction / unit);
        fraction %= unit;
    }
    return length;
}

size_t
tg_temporal_timestamp_text(int64_t since_1970, int64_t units_per_s, bool utc,
                           char ret_text[TG_TEMPORAL_TEXT_BYTES])
{
    int64_t units_per_day = 86400 * units_per_s;
    int64_t days = floor_div(since_1970, units_per_day);
    size_t length = tg_temporal_date_text(days, ret_text);
    ret_text[length++] = 'T';
    /* Unsigned: the first day's start is below INT64_MIN, the difference is not. */
    int64_t rest = (int64_t)((uint64_t)since_1970 - (uint64_t)days * (uint64_t)units_per_day);
    char time[TG_TEMPORAL_TEXT_BYTES];
    size_t n_time = tg_temporal_time_text(rest, units_per_s, time);
    for (size_t i = 0; i < n_time && length < TG_TEMPORAL_TEXT_BYTES - 1; i++) {
        ret_text[length++] = time[i];
    }
    if (utc) {
        ret_text[length++] = 'Z';
    }
    return length;
}

size_t
tg_temporal_duration_text(uint32_t months, uint32_t days, uint32_t millis,
                          char ret_text[TG_TEMPORAL_TEXT_BYTES])
{
    int n =
        snprintf(ret_text, TG_TEMPORAL_TEXT_BYTES, "P%" PRIu32 "M%" PRIu32 "DT%" PRIu32 ".%03dS",
                 months, days, millis / 1000, (int)(millis % 1000));
    return n > 0 ? (size_t)n : 0;
}
