/* Events by number, and their table by operation: see table.h. */
#include "graph/profile/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "graph/watch/source.h"

/* --- events ----------------------------------------------------------------------------------- */

/* The one copy of an event's name. `text` is room that is used again. */
static const char *name_of(mx_profile *p, const mx_event *e, mx_text *text) {
    text->len = 0;
    mx_event_name(text, e);
    if (text->failed)
        return NULL;
    const char *known = mx_map_get(&p->names, mx_text_view(text));
    if (known)
        return known;
    char *name = mx_strdup(mx_text_view(text));
    if (name && mx_map_set(&p->names, name, name, NULL))
        return name;
    mx_free(name);
    return NULL;
}

static bool list_events(mx_profile *p) {
    uint64_t at = p->ring.tail;
    mx_text text = {0};
    const mx_event *e;
    p->entry = mx_calloc(p->ring.count + 1, sizeof *p->entry);
    bool ok = p->entry != NULL;
    while (ok && (e = mx_ring_next(&p->ring, &at))) {
        mx_profile_entry *to = &p->entry[p->count];
        *to = (mx_profile_entry){e, name_of(p, e, &text)};
        ok = to->name != NULL;
        p->count += ok;
    }
    mx_text_free(&text);
    return ok;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* Rows are found by their name's address and their source, through open addressing. */
typedef struct index {
    uint32_t *row; /* number + 1; 0: free */
    uint32_t *source;
    size_t room; /* a power of two */
} row_index;

static size_t place_of(const row_index *x, const mx_profile *p, const mx_profile_entry *e) {
    uint64_t h = ((uintptr_t)e->name >> 4 ^ (uint64_t)e->event->source << 40) * 0x9e3779b97f4a7c15u;
    size_t i = h >> 32 & (x->room - 1);
    while (x->row[i] && (p->row[x->row[i] - 1].name != e->name || x->source[i] != e->event->source))
        i = (i + 1) & (x->room - 1);
    return i;
}

static void add_to_row(mx_profile *p, row_index *x, const mx_profile_entry *e) {
    size_t i = place_of(x, p, e);
    const mx_event *v = e->event;
    if (!x->row[i]) {
        p->row[p->rows] = (mx_profile_row){.name = e->name, .source = mx_source_text(v->source)};
        x->row[i] = (uint32_t)++p->rows;
        x->source[i] = v->source;
    }
    mx_profile_row *r = &p->row[x->row[i] - 1];
    r->calls++;
    r->bytes += v->read + v->written;
    r->self += v->self;
    r->flops += v->flops;
}

/* The longest first. */
static int by_time(const void *a, const void *b) {
    const mx_profile_row *x = a, *y = b;
    if (x->self != y->self)
        return x->self < y->self ? 1 : -1;
    int names = strcmp(x->name, y->name);
    return names ? names : strcmp(x->source ? x->source : "", y->source ? y->source : "");
}

static bool list_rows(mx_profile *p) {
    row_index x = {.room = 16};
    while (x.room < 2 * p->count)
        x.room *= 2;
    x.row = mx_calloc(x.room, sizeof *x.row);
    x.source = mx_calloc(x.room, sizeof *x.source);
    p->row = mx_calloc(p->count + 1, sizeof *p->row);
    bool ok = x.row && x.source && p->row;
    for (size_t i = 0; ok && i < p->count; i++)
        add_to_row(p, &x, &p->entry[i]);
    if (ok)
        qsort(p->row, p->rows, sizeof *p->row, by_time);
    mx_free(x.row);
    mx_free(x.source);
    return ok;
}

bool mx_table_make(mx_profile *p) {
    return list_events(p) && list_rows(p);
}

void mx_table_free(mx_profile *p) {
    mx_free(p->entry);
    mx_free(p->row);
    mx_map_free(&p->names, mx_free);
    p->entry = NULL;
    p->row = NULL;
    p->names = (mx_map){0};
    p->count = p->rows = 0;
}
