/* The memory of a run, and texts that are being made: see value.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/vec.h"
#include "models/template/value.h"
#include "models/template/parse/tree.h"

bool tm_fail(tm_run *r, mx_status status, const char *format, ...) {
    char text[MX_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!r->failed)
        mx_fail(status, "[template] %s line %u: %s", r->template->name, r->line, text);
    r->failed = true;
    return false;
}

bool tm_spend(tm_run *r, uint64_t n) {
    r->steps += n;
    if (r->steps <= r->most_steps)
        return !r->failed;
    return tm_fail(r, MX_NOMEM, "more than %llu steps", (unsigned long long)r->most_steps);
}

/* --- the heap --------------------------------------------------------------------------------- */

enum { CHUNK = 1 << 15, MOST_CHUNK = 1 << 20, ALIGNED = 16 };

static tm_chunk *more(tm_run *r, size_t bytes) {
    size_t room = r->chunk ? 2 * r->chunk->room : CHUNK;
    room = room > MOST_CHUNK ? MOST_CHUNK : room;
    room = room < bytes ? bytes : room;
    if (room > r->most_memory - r->memory)
        room = bytes; // the last ones are as small as they can be
    if (room > r->most_memory - r->memory) {
        tm_fail(r, MX_NOMEM, "more than %llu bytes of memory", (unsigned long long)r->most_memory);
        return NULL;
    }
    tm_chunk *c = mx_malloc(sizeof *c + ALIGNED + room);
    if (!c) {
        r->failed = true;
        return NULL;
    }
    *c = (tm_chunk){r->chunk, 0, room};
    r->memory += room;
    return r->chunk = c;
}

static char *bytes_of(tm_chunk *c) {
    return (char *)c + (sizeof *c + ALIGNED - 1) / ALIGNED * ALIGNED;
}

void *tm_alloc(tm_run *r, size_t count, size_t size) {
    size_t bytes, whole;
    if (!mx_mul_size(count, size, &bytes) || !mx_add_size(bytes, ALIGNED, &whole)) {
        tm_fail(r, MX_NOMEM, "more than %llu bytes of memory", (unsigned long long)r->most_memory);
        return NULL;
    }
    whole -= whole % ALIGNED;
    tm_chunk *c = r->chunk;
    if (!c || c->room - c->used < whole)
        c = more(r, whole);
    if (!c)
        return NULL;
    c->used += whole;
    return bytes_of(c) + c->used - whole;
}

void tm_heap_free(tm_run *r) {
    for (tm_chunk *c = r->chunk, *next; c; c = next) {
        next = c->next;
        mx_free(c);
    }
    r->chunk = NULL;
    mx_free(r->out);
    r->out = NULL;
}

/* --- texts that are being made ---------------------------------------------------------------- */

size_t tm_begin(const tm_run *r) {
    return r->out_n;
}

static bool room_for(tm_run *r, size_t n) {
    if (r->failed)
        return false;
    if (n > r->most_output - r->out_n)
        return tm_fail(r, MX_NOMEM, "more than %llu bytes of text",
                       (unsigned long long)r->most_output);
    if (!mx_grow(&r->out, &r->out_room, r->out_n + n + 1, 1))
        r->failed = true;
    return !r->failed;
}

void tm_put(tm_run *r, const char *p, size_t n) {
    if (!room_for(r, n))
        return;
    if (n)
        memcpy(r->out + r->out_n, p, n);
    r->out_n += n;
}

void tm_put_text(tm_run *r, const char *s) {
    tm_put(r, s, strlen(s));
}

void tm_put_char(tm_run *r, uint32_t c) {
    utf8proc_uint8_t bytes[4];
    tm_put(r, (char *)bytes, (size_t)utf8proc_encode_char((utf8proc_int32_t)c, bytes));
}

void tm_put_format(tm_run *r, const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tm_put(r, text, n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

bool tm_take(tm_run *r, size_t begin, tm_value *out) {
    size_t n = r->out_n - begin;
    char *p = r->failed ? NULL : tm_alloc(r, n, 1);
    r->out_n = begin;
    if (!p || !tm_spend(r, n / 64))
        return false;
    if (n)
        memcpy(p, r->out + begin, n);
    *out = tm_str(p, n);
    return true;
}

static tm_tail *tail_of(tm_run *r, const tm_value *a, size_t n) {
    for (int i = 0; i < TM_TAILS; i++)
        if (r->tail[i].p == a->p && r->tail[i].used == a->n && r->tail[i].room - a->n >= n)
            return &r->tail[i];
    return NULL;
}

/* A copy of `a` with room for twice what it becomes. */
static tm_tail *new_tail(tm_run *r, const tm_value *a, size_t n) {
    size_t room = 2 * (a->n + n);
    char *p = tm_alloc(r, room, 1);
    if (!p || !tm_spend(r, a->n / 64))
        return NULL;
    memcpy(p, a->p, a->n);
    tm_tail *t = &r->tail[r->next_tail++ % TM_TAILS];
    *t = (tm_tail){p, a->n, room};
    return t;
}

bool tm_join(tm_run *r, const tm_value *a, const tm_value *b, tm_value *out) {
    if (!a->n || !b->n)
        return *out = a->n ? *a : *b, true;
    tm_tail *t = tail_of(r, a, b->n);
    if (!t)
        t = new_tail(r, a, b->n);
    if (!t || !tm_spend(r, b->n / 64))
        return false;
    memcpy(t->p + t->used, b->p, b->n);
    t->used += b->n;
    *out = tm_str(t->p, t->used);
    return true;
}
