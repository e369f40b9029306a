/* The table of a profile as text: see profile.h. */
#include <stdio.h>
#include <string.h>

#include "graph/profile/limits.h"
#include "graph/profile/profile.h"

enum { SHOWN = 40, NAME_WIDTH = 32, LEAST_NAME = 9 };

double mx_profile_share(const mx_profile_row *r) {
    mx_limits l;
    if (r->self <= 0 || !mx_limits_known(&l))
        return 0;
    double move = (double)r->bytes / l.bandwidth, count = r->flops / l.flops;
    return (move > count ? move : count) / ((double)r->self * 1e-9);
}

/* Cut to `width` columns, "..." at its end; names are ASCII. */
static const char *cut(char *out, const char *name, size_t width) {
    size_t n = strlen(name);
    snprintf(out, width + 1, "%s", name);
    if (n > width)
        memcpy(out + width - 3, "...", 3);
    return out;
}

static int name_width(const mx_profile *p, size_t rows) {
    size_t most = LEAST_NAME;
    for (size_t i = 0; i < rows; i++)
        most = strlen(p->row[i].name) > most ? strlen(p->row[i].name) : most;
    return (int)(most < NAME_WIDTH ? most : NAME_WIDTH);
}

/* Right-aligned, whatever the locale. */
static void put_number(mx_text *t, double x, int decimals, int width, const char *unit) {
    mx_text number = {0};
    mx_text_fixed(&number, x, decimals);
    mx_text_add(t, "%*s%s", width, mx_text_view(&number), unit);
    t->failed |= number.failed;
    mx_text_free(&number);
}

static void put_row(mx_text *t, const mx_profile_row *r, int width, int64_t all) {
    char name[NAME_WIDTH + 1];
    double s = (double)r->self * 1e-9, per = s > 0 ? 1e-9 / s : 0;
    mx_text_add(t, "%-*s %7llu", width, cut(name, r->name, (size_t)width),
                (unsigned long long)r->calls);
    put_number(t, s * 1e3, 3, 11, "");
    put_number(t, all > 0 ? 100 * (double)r->self / (double)all : 0, 1, 6, "%");
    put_number(t, (double)r->bytes * per, 2, 9, "");
    put_number(t, r->flops * per, 2, 9, "");
    put_number(t, 100 * mx_profile_share(r), 0, 6, "%");
    mx_text_add(t, "  %s\n", r->source ? r->source : "");
}

static uint64_t peak_of(const mx_profile *p) {
    uint64_t most = 0;
    for (size_t i = 0; i < p->count; i++)
        most = p->entry[i].event->active > most ? p->entry[i].event->active : most;
    return most;
}

static void put_foot(mx_text *t, const mx_profile *p, int64_t all) {
    mx_limits l;
    mx_text_add(t, "%zu events, ", p->count);
    put_number(t, (double)all * 1e-6, 3, 0, " ms of ");
    put_number(t, (double)(p->ended - p->began) * 1e-6, 3, 0, " ms; arrays took ");
    put_number(t, (double)peak_of(p) * 1e-6, 1, 0, " MB at most");
    if (mx_limits_known(&l)) {
        mx_text_str(t, "; 100% is ");
        put_number(t, l.bandwidth * 1e-9, 1, 0, " GB/s or ");
        put_number(t, l.flops * 1e-9, 0, 0, " GFLOP/s");
    }
    if (p->ring.dropped)
        mx_text_add(t, "\n%llu earlier events had no room and are not counted",
                    (unsigned long long)p->ring.dropped);
    mx_text_char(t, '\n');
}

void mx_profile_text(mx_text *t, const mx_profile *p) {
    size_t shown = p->rows < SHOWN ? p->rows : SHOWN;
    int width = name_width(p, shown);
    int64_t all = 0;
    for (size_t i = 0; i < p->rows; i++)
        all += p->row[i].self;
    mx_text_add(t, "%-*s %7s %10s %6s %8s %8s %6s  %s\n", width, "operation", "calls", "ms", "time",
                "GB/s", "GFLOP/s", "limit", "where");
    for (size_t i = 0; i < shown; i++)
        put_row(t, &p->row[i], width, all);
    if (p->rows > shown)
        mx_text_add(t, "... and %zu rows more\n", p->rows - shown);
    put_foot(t, p, all);
}
