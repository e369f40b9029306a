/* The table of a trace: see trace.h. */
#include <stdlib.h>

#include "trace/trace.h"

/* --- nesting ---------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b) {
    const cli_timeline_event *x = a, *y = b;
    if (x->thread != y->thread)
        return x->thread < y->thread ? -1 : 1;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->duration < y->duration) - (x->duration > y->duration);
}

/* Times are rounded to a nanosecond. */
static bool is_inside(const cli_timeline_event *e, const cli_timeline_event *outer) {
    double end = outer->begin + outer->duration;
    return e->thread == outer->thread && e->begin < end && e->begin + e->duration <= end + 1.5e-3;
}

/* Each event is inside the last one before it that has not ended; `around` are numbers of those. */
static void nest(cli_timeline *t, size_t *around) {
    size_t depth = 0;
    for (size_t i = 0; i < t->count; i++) {
        cli_timeline_event *e = &t->event[i];
        while (depth && !is_inside(e, &t->event[around[depth - 1]]))
            depth--;
        e->self = e->duration;
        e->depth = (uint32_t)depth;
        if (depth)
            t->event[around[depth - 1]].self -= e->duration;
        around[depth++] = i;
    }
}

bool cli_timeline_order(cli_timeline *t) {
    size_t *around = malloc((t->count + 1) * sizeof *around);
    if (!around)
        return false;
    if (t->count)
        qsort(t->event, t->count, sizeof *t->event, by_place);
    nest(t, around);
    free(around);
    return true;
}

/* --- rows ------------------------------------------------------------------------------------- */

typedef struct row {
    uint32_t name, source;
    double calls, self, bytes, flops;
} row;

static int by_name(const void *a, const void *b) {
    const row *x = a, *y = b;
    if (x->name != y->name)
        return x->name < y->name ? -1 : 1;
    return (x->source > y->source) - (x->source < y->source);
}

static int by_time(const void *a, const void *b) {
    const row *x = a, *y = b;
    if (x->self != y->self)
        return x->self < y->self ? 1 : -1;
    return by_name(a, b);
}

/* Rows of one event each, those of one name and source put together; how many are left. */
static size_t gather(const cli_timeline *t, row *rows) {
    size_t n = 0;
    for (size_t i = 0; i < t->count; i++) {
        const cli_timeline_event *e = &t->event[i];
        rows[i] = (row){e->name, e->source, 1, e->self, e->read + e->written, e->flops};
    }
    if (t->count)
        qsort(rows, t->count, sizeof *rows, by_name);
    for (size_t i = 0; i < t->count; i++) {
        if (n == 0 || by_name(&rows[n - 1], &rows[i]) != 0) {
            rows[n++] = rows[i];
            continue;
        }
        rows[n - 1].calls++;
        rows[n - 1].self += rows[i].self;
        rows[n - 1].bytes += rows[i].bytes;
        rows[n - 1].flops += rows[i].flops;
    }
    return n;
}

static double least_seconds(const cli_timeline *t, const row *r) {
    double move = r->bytes / t->bandwidth, count = r->flops / t->flops;
    return move > count ? move : count;
}

static json_t *row_json(const cli_timeline *t, const row *r, double busy) {
    double seconds = r->self > 0 ? r->self * 1e-6 : 0;
    json_t *o = json_pack("{s:O, s:I, s:f, s:f}", "name", json_array_get(t->names.list, r->name),
                          "calls", (json_int_t)r->calls, "seconds", seconds, "share",
                          busy > 0 ? seconds / busy : 0.0);
    if (seconds > 0 && r->bytes > 0)
        json_object_set_new(o, "bytes_per_second", json_real(r->bytes / seconds));
    if (seconds > 0 && r->flops > 0)
        json_object_set_new(o, "flops_per_second", json_real(r->flops / seconds));
    if (seconds > 0 && t->bandwidth > 0 && t->flops > 0)
        json_object_set_new(o, "fraction", json_real(least_seconds(t, r) / seconds));
    if (r->source)
        json_object_set(o, "source", json_array_get(t->sources.list, r->source));
    return o;
}

json_t *cli_timeline_rows(const cli_timeline *t) {
    row *rows = malloc((t->count + 1) * sizeof *rows);
    json_t *list = rows ? json_array() : NULL;
    double busy = cli_timeline_busy(t);
    size_t n = list ? gather(t, rows) : 0;
    if (n)
        qsort(rows, n, sizeof *rows, by_time);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, row_json(t, &rows[i], busy));
    free(rows);
    return list;
}

double cli_timeline_busy(const cli_timeline *t) {
    double sum = 0;
    for (size_t i = 0; i < t->count; i++)
        sum += t->event[i].self;
    return sum * 1e-6;
}

double cli_timeline_peak(const cli_timeline *t) {
    double most = 0;
    for (size_t i = 0; i < t->memories; i++)
        most = t->memory[i].bytes > most ? t->memory[i].bytes : most;
    return most;
}

double cli_timeline_span(const cli_timeline *t) {
    double first = 0, last = 0;
    for (size_t i = 0; i < t->count; i++) {
        const cli_timeline_event *e = &t->event[i];
        first = i == 0 || e->begin < first ? e->begin : first;
        last = e->begin + e->duration > last ? e->begin + e->duration : last;
    }
    return (last - first) * 1e-6;
}
