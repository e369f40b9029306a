/* A value as people read it. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "output/output.h"

enum { ROOM = 64 };

static int64_t integer_of(const json_t *v) {
    return json_is_integer(v) ? json_integer_value(v) : (int64_t)json_number_value(v);
}

/* 12,345,678 */
static void print_count(char *out, int64_t value) {
    char digits[ROOM];
    int n = snprintf(digits, sizeof digits, "%" PRId64, value), sign = digits[0] == '-';
    char *to = out;
    for (int i = 0; i < n; i++) {
        if (i > sign && (n - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = 0;
}

/* Three digits and a unit of `base`. */
static void print_unit(char *out, double value, double base, const char *const *units) {
    while (value >= base * 0.9995 && units[1])
        value /= base, units++;
    int digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(out, ROOM, "%.*f %s", digits, value, *units);
}

static void print_size(char *out, double bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", NULL};
    if (bytes < 1024)
        snprintf(out, ROOM, "%.0f B", bytes);
    else
        print_unit(out, bytes, 1024, units);
}

static void print_seconds(char *out, double s) {
    static const char *const units[] = {"ns", "µs", "ms", "s", NULL};
    print_unit(out, s * 1e9, 1000, units);
}

/* By powers of 1000, as makers of hardware count. */
static void print_rate(char *out, double rate, const char *unit) {
    static const char *const units[] = {"", "k", "M", "G", "T", "P", NULL};
    print_unit(out, rate, 1000, units);
    strncat(out, unit, ROOM - strlen(out) - 1);
}

/* Escaped texts of a list, between separators. */
static char *joined(const json_t *list, cli_look look, const char *separator) {
    char *all = calloc(1, 1);
    for (size_t i = 0; all && i < json_array_size(list); i++) {
        char *cell = cli_cell(json_array_get(list, i), look);
        size_t n = strlen(all), more = cell ? strlen(cell) : 0;
        char *grown = realloc(all, n + more + strlen(separator) + 1);
        if (grown)
            sprintf(grown + n, "%s%s", i ? separator : "", cell ? cell : "");
        else
            free(all);
        free(cell);
        all = grown;
    }
    return all;
}

static void print_number(char *out, const json_t *v, cli_look look) {
    double value = json_number_value(v);
    switch (look) {
    case CLI_LOOK_COUNT: print_count(out, integer_of(v)); return;
    case CLI_LOOK_SIZE: print_size(out, value); return;
    case CLI_LOOK_PERCENT: snprintf(out, ROOM, "%.1f%%", 100 * value); return;
    case CLI_LOOK_SECONDS: print_seconds(out, value); return;
    case CLI_LOOK_BANDWIDTH: print_rate(out, value, "B/s"); return;
    case CLI_LOOK_FLOPS: print_rate(out, value, "FLOP/s"); return;
    default: break;
    }
    if (json_is_integer(v))
        snprintf(out, ROOM, "%" PRId64, (int64_t)json_integer_value(v));
    else
        snprintf(out, ROOM, "%.6g", value);
}

char *cli_cell(const json_t *value, cli_look look) {
    char room[ROOM] = "";
    if (json_is_string(value)) // was escaped where it had to be, but for what a terminal obeys
        return cli_escape(json_string_value(value), json_string_length(value));
    if (json_is_array(value) && look == CLI_LOOK_SHAPE && json_array_size(value) == 0)
        return strdup("scalar");
    if (json_is_array(value))
        return joined(value, look == CLI_LOOK_SHAPE ? CLI_LOOK_REAL : look,
                      look == CLI_LOOK_SHAPE ? " x " : ", ");
    if (json_is_boolean(value))
        return strdup(json_is_true(value) ? "yes" : "no");
    if (json_is_number(value))
        print_number(room, value, look);
    return strdup(room);
}
