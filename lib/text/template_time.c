/* Owns strftime_now: the clock of a render and its formats, as strftime of the C
 * locale with the flags of GNU. Time zones are left out: the clock is local and has
 * none. Invariant: the fields of run->now are a real date between the years 1 and
 * 9999. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "text/template_native.h"
#include "text/template_value.h"

static const char *const day_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};
static const char *const month_names[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

static bool is_leap(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days before the month began, this year. */
static int day_of_year(int year, int month, int day) {
    int n = day;
    for (int m = 1; m < month; m++) n += days_in_month(year, m);
    return n;
}

/* 0 is Sunday. */
static int week_day(int year, int month, int day) {
    long y = year - 1;
    long days = y * 365 + y / 4 - y / 100 + y / 400 + day_of_year(year, month, day);
    return (int)(days % 7);
}

static bool read_digits(const char *s, int n, int *out) {
    *out = 0;
    for (int i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9') return false;
        *out = *out * 10 + (s[i] - '0');
    }
    return true;
}

static bool read_now(rsn_tpl_run *run, const char *s) {
    if (strlen(s) != 19 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' ||
        s[16] != ':') {
        return false;
    }
    if (!read_digits(s, 4, &run->now.year) || !read_digits(s + 5, 2, &run->now.month) ||
        !read_digits(s + 8, 2, &run->now.day) ||
        !read_digits(s + 11, 2, &run->now.hour) ||
        !read_digits(s + 14, 2, &run->now.minute) ||
        !read_digits(s + 17, 2, &run->now.second)) {
        return false;
    }
    return run->now.year >= 1 && run->now.month >= 1 && run->now.month <= 12 &&
           run->now.day >= 1 &&
           run->now.day <= days_in_month(run->now.year, run->now.month) &&
           run->now.hour < 24 && run->now.minute < 60 && run->now.second < 60;
}

reason_status rsn_tpl_set_now(rsn_tpl_run *run, const char *now) {
    if (now) {
        if (read_now(run, now)) return REASON_OK;
        rsn_quoted q = rsn_quote(now, strlen(now));
        return rsn_tpl_failed(run,
                              rsn_fail(REASON_ERR_FORMAT,
                                       "the time of a template is %s, it must be a date "
                                       "like 2026-01-02T03:04:05",
                                       q.text));
    }
    time_t t = time(NULL);
    struct tm tm;
    if (t == (time_t)-1 || !localtime_r(&t, &tm) || tm.tm_year < -1899 ||
        tm.tm_year > 8099) {
        return rsn_tpl_failed(run,
                              rsn_fail(REASON_ERR_IO, "the system tells no local time"));
    }
    run->now.year = tm.tm_year + 1900;
    run->now.month = tm.tm_mon + 1;
    run->now.day = tm.tm_mday;
    run->now.hour = tm.tm_hour;
    run->now.minute = tm.tm_min;
    run->now.second = tm.tm_sec > 59 ? 59 : tm.tm_sec;
    return REASON_OK;
}

/* ---- writing ---- */

typedef struct stamp {
    rsn_tb *b;
    int year, month, day, hour, minute, second, yday, wday;
    char pad; /* 0: the directive's own; - none; _ blanks; 0 zeros */
    bool upper;
} stamp;

static void add_field(stamp *t, int value, int width, char own_pad) {
    char text[16];
    char pad = t->pad ? t->pad : own_pad;
    if (pad == '-') width = 1;
    (void)snprintf(text, sizeof text, pad == '_' ? "%*d" : "%0*d", width, value);
    rsn_tb_addz(t->b, text);
}

static void add_word(stamp *t, const char *word, size_t n) {
    size_t len = strlen(word);
    if (n > len) n = len;
    for (size_t i = 0; i < n; i++) {
        bool lower = word[i] >= 'a' && word[i] <= 'z';
        rsn_tb_addc(t->b, (char)(t->upper && lower ? word[i] - 0x20 : word[i]));
    }
}

/* The week that ISO 8601 counts and the year it belongs to. */
static int iso_week(const stamp *t, int *year) {
    int monday_based = (t->wday + 6) % 7;
    int week = (t->yday - 1 - monday_based + 10) / 7;
    *year = t->year;
    if (week < 1) {
        --*year;
        int days = is_leap(*year) ? 366 : 365;
        week = (t->yday - 1 + days - monday_based + 10) / 7;
    } else if (week == 53) {
        int days = is_leap(t->year) ? 366 : 365;
        int thursday = t->yday - monday_based + 3;
        if (thursday > days) {
            ++*year;
            week = 1;
        }
    }
    return week;
}

static void add_iso(stamp *t, char directive) {
    int year, week = iso_week(t, &year);
    if (directive == 'V') add_field(t, week, 2, '0');
    else if (directive == 'G') add_field(t, year, 1, '0');
    else add_field(t, year % 100, 2, '0');
}

/* Directives that stand for others; NULL: it is none of them. */
static const char *composed_of(char directive) {
    switch (directive) {
    case 'c': return "%a %b %e %H:%M:%S %Y";
    case 'D':
    case 'x': return "%m/%d/%y";
    case 'F': return "%Y-%m-%d";
    case 'R': return "%H:%M";
    case 'r': return "%I:%M:%S %p";
    case 'T':
    case 'X': return "%H:%M:%S";
    default: return NULL;
    }
}

/* False: no such directive. */
static bool add_directive(stamp *t, char directive) {
    int hour12 = t->hour % 12 ? t->hour % 12 : 12;
    switch (directive) {
    case 'A': add_word(t, day_names[t->wday], 99); return true;
    case 'a': add_word(t, day_names[t->wday], 3); return true;
    case 'B': add_word(t, month_names[t->month - 1], 99); return true;
    case 'b':
    case 'h': add_word(t, month_names[t->month - 1], 3); return true;
    case 'C': add_field(t, t->year / 100, 2, '0'); return true;
    case 'd': add_field(t, t->day, 2, '0'); return true;
    case 'e': add_field(t, t->day, 2, '_'); return true;
    case 'f': rsn_tb_addz(t->b, "000000"); return true;
    case 'G':
    case 'g':
    case 'V': add_iso(t, directive); return true;
    case 'H': add_field(t, t->hour, 2, '0'); return true;
    case 'I': add_field(t, hour12, 2, '0'); return true;
    case 'j': add_field(t, t->yday, 3, '0'); return true;
    case 'k': add_field(t, t->hour, 2, '_'); return true;
    case 'l': add_field(t, hour12, 2, '_'); return true;
    case 'M': add_field(t, t->minute, 2, '0'); return true;
    case 'm': add_field(t, t->month, 2, '0'); return true;
    case 'n': rsn_tb_addc(t->b, '\n'); return true;
    case 'P': rsn_tb_addz(t->b, t->hour < 12 ? "am" : "pm"); return true;
    case 'p': rsn_tb_addz(t->b, t->hour < 12 ? "AM" : "PM"); return true;
    case 'S': add_field(t, t->second, 2, '0'); return true;
    case 't': rsn_tb_addc(t->b, '\t'); return true;
    case 'U': add_field(t, (t->yday + 6 - t->wday) / 7, 2, '0'); return true;
    case 'u': add_field(t, t->wday ? t->wday : 7, 1, '0'); return true;
    case 'W': add_field(t, (t->yday + 6 - (t->wday + 6) % 7) / 7, 2, '0'); return true;
    case 'w': add_field(t, t->wday, 1, '0'); return true;
    case 'Y': add_field(t, t->year, 1, '0'); return true;
    case 'y': add_field(t, t->year % 100, 2, '0'); return true;
    case 'Z':
    case 'z': return true;
    case '%': rsn_tb_addc(t->b, '%'); return true;
    default: return false;
    }
}

static void expand(stamp *t, const char *p, const char *end) {
    while (p < end && !rsn_tpl_charge(t->b->run, 1)) {
        const char *from = p;
        while (p < end && *p != '%') p++;
        rsn_tb_add(t->b, from, (size_t)(p - from));
        if (p == end) return;
        from = p++;
        t->pad = 0;
        t->upper = false;
        for (; p < end && *p && strchr("-_0^", *p); p++) {
            if (*p == '^') t->upper = true;
            else t->pad = *p;
        }
        const char *parts = p < end ? composed_of(*p) : NULL;
        if (parts) { /* these hold none of their kind: one level deep */
            p++;
            expand(t, parts, parts + strlen(parts));
        } else if (p < end && add_directive(t, *p)) {
            p++;
        } else {
            if (p < end) p++;
            rsn_tb_add(t->b, from, (size_t)(p - from));
        }
    }
}

reason_status rsn_tpl_strftime(rsn_tpl_run *run, const rsn_ts *format, rsn_tv *out) {
    rsn_tb b = {run, NULL, 0, 0};
    stamp t = {&b,
               run->now.year,
               run->now.month,
               run->now.day,
               run->now.hour,
               run->now.minute,
               run->now.second,
               0,
               0,
               0,
               false};
    t.yday = day_of_year(t.year, t.month, t.day);
    t.wday = week_day(t.year, t.month, t.day);
    expand(&t, format->data, format->data + format->n);
    return rsn_tb_finish(&b, out);
}
