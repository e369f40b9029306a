/* Values of options. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parse/parse.h"

bool cli_ends_with(const char *text, const char *ending) {
    size_t n = strlen(text), m = strlen(ending);
    return n >= m && memcmp(text + n - m, ending, m) == 0;
}

bool cli_has_ending(const char *path, const char *ending) {
    size_t n = strlen(path), m = strlen(ending);
    return n > m && strcasecmp(path + n - m, ending) == 0;
}

bool cli_parse_int(int64_t *out, const char *text) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || errno)
        return false;
    *out = value;
    return true;
}

bool cli_parse_seed(uint64_t *out, const char *text) {
    int64_t negative;
    char *end;
    if (text[strspn(text, " \t\n")] == '-') {
        bool ok = cli_parse_int(&negative, text);
        *out = ok ? (uint64_t)negative : *out;
        return ok;
    }
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end || errno)
        return false;
    *out = value;
    return true;
}

bool cli_parse_real(double *out, const char *text) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value))
        return false;
    *out = value;
    return true;
}

/* The power of 1024 that a unit stands for: "", "K", "MB", "GiB"; -1: it is none. */
static int unit_power(const char *unit) {
    static const char letters[] = "KMGT";
    if (strcmp(unit, "") == 0 || strcmp(unit, "B") == 0)
        return 0;
    const char *at = strchr(letters, *unit);
    if (!at || (unit[1] && strcmp(unit + 1, "B") && strcmp(unit + 1, "iB")))
        return -1;
    return (int)(at - letters) + 1;
}

bool cli_parse_bytes(uint64_t *out, const char *text) {
    char *end;
    double value = strtod(text, &end);
    int power = unit_power(end);
    value *= pow(1024, power);
    if (end == text || power < 0 || !(value >= 0 && value < 0x1p63))
        return false;
    *out = (uint64_t)value;
    return true;
}

bool cli_parse_choice(const char *words, const char *text) {
    size_t n = strlen(text);
    for (const char *w = words; n && w && !strchr(text, '|'); w = strchr(w, '|')) {
        w += *w == '|';
        if (strncmp(w, text, n) == 0 && (w[n] == '|' || !w[n]))
            return true;
    }
    return false;
}
