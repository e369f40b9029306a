/* strftime, in English whatever the locale. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "models/template/words/native.h"

static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};

static bool put(tm_run *r, char letter, const struct tm *t);

static bool put_several(tm_run *r, const char *letters, const char *between, const struct tm *t) {
    for (const char *p = letters; *p; p++) {
        if (p > letters)
            tm_put_text(r, between);
        if (!put(r, *p, t))
            return false;
    }
    return true;
}

static int week(const struct tm *t, int first) {
    return (t->tm_yday + 7 - (t->tm_wday - first + 7) % 7) / 7;
}

static bool put(tm_run *r, char letter, const struct tm *t) {
    int hour = t->tm_hour % 12 ? t->tm_hour % 12 : 12;
    switch (letter) {
    case 'a': tm_put(r, days[t->tm_wday], 3); break;
    case 'A': tm_put_text(r, days[t->tm_wday]); break;
    case 'b':
    case 'h': tm_put(r, months[t->tm_mon], 3); break;
    case 'B': tm_put_text(r, months[t->tm_mon]); break;
    case 'd': tm_put_format(r, "%02d", t->tm_mday); break;
    case 'e': tm_put_format(r, "%2d", t->tm_mday); break;
    case 'H': tm_put_format(r, "%02d", t->tm_hour); break;
    case 'I': tm_put_format(r, "%02d", hour); break;
    case 'j': tm_put_format(r, "%03d", t->tm_yday + 1); break;
    case 'm': tm_put_format(r, "%02d", t->tm_mon + 1); break;
    case 'M': tm_put_format(r, "%02d", t->tm_min); break;
    case 'p': tm_put_text(r, t->tm_hour < 12 ? "AM" : "PM"); break;
    case 'S': tm_put_format(r, "%02d", t->tm_sec); break;
    case 'f': tm_put_text(r, "000000"); break;
    case 'u': tm_put_format(r, "%d", t->tm_wday ? t->tm_wday : 7); break;
    case 'w': tm_put_format(r, "%d", t->tm_wday); break;
    case 'U': tm_put_format(r, "%02d", week(t, 0)); break;
    case 'W': tm_put_format(r, "%02d", week(t, 1)); break;
    case 'y': tm_put_format(r, "%02d", (t->tm_year + 1900) % 100); break;
    case 'Y': tm_put_format(r, "%d", t->tm_year + 1900); break;
    case 'F': return put_several(r, "Ymd", "-", t);
    case 'T':
    case 'X': return put_several(r, "HMS", ":", t);
    case 'R': return put_several(r, "HM", ":", t);
    case 'D':
    case 'x': return put_several(r, "mdy", "/", t);
    case 'c': return put_several(r, "abeTY", " ", t);
    case 'Z':
    case 'z': break; // a moment without a zone
    case 'n': tm_put(r, "\n", 1); break;
    case 't': tm_put(r, "\t", 1); break;
    case '%': tm_put(r, "%", 1); break;
    default: return tm_fail(r, MX_UNSUPPORTED, "strftime_now: '%%%c' is not supported", letter);
    }
    return !r->failed;
}

bool tm_put_time(tm_run *r, const tm_value *format) {
    time_t now = (time_t)r->now;
    struct tm t;
    if (!localtime_r(&now, &t))
        return tm_fail(r, MX_INVALID, "strftime_now: there is no such moment");
    for (size_t i = 0; i < format->n; i++) {
        bool plain = format->p[i] != '%' || i + 1 == format->n;
        if (plain)
            tm_put(r, format->p + i, 1);
        else if (!put(r, format->p[++i], &t))
            return false;
    }
    return !r->failed;
}
