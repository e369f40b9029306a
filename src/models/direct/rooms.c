/* The memory of a pass's rows, and work on them in pieces. */
#include <string.h>

#include "base/memory/cache.h"
#include "base/mem.h"
#include "base/status.h"
#include "models/direct/direct_parts.h"

enum {
    LEAST_CHUNK = 1 << 18,
    WORTH = 4096, /* numbers, worth a thread */
    PIECE = 16    /* rows: those side by side share lines of turned keys */
};

/* --- arenas ----------------------------------------------------------------------------------- */

static bool add_chunk(direct_arena *a, size_t bytes) {
    size_t room = bytes > a->all ? bytes : a->all;
    room = room < LEAST_CHUNK ? LEAST_CHUNK : room;
    direct_chunk *c = mx_malloc(sizeof *c);
    char *data = c ? mx_block_alloc(room) : NULL;
    if (!data) {
        mx_free(c);
        return false;
    }
    *c = (direct_chunk){.next = a->chunk, .room = room, .data = data};
    a->chunk = c;
    a->used = 0;
    a->all += room;
    return true;
}

void *direct_room(direct_arena *a, size_t bytes) {
    if (bytes > SIZE_MAX / 4)
        return mx_fail_nomem("language model", bytes);
    bytes = (bytes + 63) / 64 * 64;
    if ((!a->chunk || bytes > a->chunk->room - a->used) && !add_chunk(a, bytes))
        return NULL;
    a->used += bytes;
    return a->chunk->data + a->used - bytes;
}

static void drop_chunk(direct_arena *a) {
    direct_chunk *c = a->chunk;
    a->chunk = c->next;
    a->all -= c->room;
    mx_block_free(c->data, c->room);
    mx_free(c);
}

/* The newest chunk is the largest: as large as all before it. */
void direct_arena_reset(direct_arena *a) {
    direct_chunk *newest = a->chunk;
    while (newest && newest->next) {
        a->chunk = newest->next;
        newest->next = a->chunk->next;
        direct_chunk *c = a->chunk;
        a->all -= c->room;
        mx_block_free(c->data, c->room);
        mx_free(c);
        a->chunk = newest;
    }
    a->used = 0;
}

void direct_arena_free(direct_arena *a) {
    while (a->chunk)
        drop_chunk(a);
    a->used = 0;
}

mx_rows *direct_rows(mx_direct *m, int64_t rows, int64_t width) {
    size_t bytes;
    if (!mx_mul_size((size_t)rows, (size_t)width, &bytes) || bytes > SIZE_MAX / 16)
        return mx_fail_nomem("language model", bytes);
    // a line more, so that rows of one job do not all begin in the same set of the cache
    mx_rows *r = direct_room(&m->layer, sizeof *r);
    float *data = r ? direct_room(&m->layer, bytes * sizeof(float) + 64) : NULL;
    if (!data)
        return NULL;
    *r = (mx_rows){.rows = rows, .width = width, .data = data};
    return r;
}

const mx_span *direct_span_of(const mx_pass *p, int64_t row) {
    int64_t low = 0, high = p->spans - 1;
    while (low < high) {
        int64_t middle = (low + high + 1) / 2;
        if (p->span[middle].first <= row)
            low = middle;
        else
            high = middle - 1;
    }
    return &p->span[low];
}

typedef struct pieces {
    mx_range_body *body;
    void *ctx;
    int64_t rows, piece;
} pieces;

static void piece_body(void *ctx, int64_t begin, int64_t end) {
    const pieces *p = ctx;
    int64_t last = end * p->piece;
    p->body(p->ctx, begin * p->piece, last < p->rows ? last : p->rows);
}

static void each(int64_t rows, int64_t numbers, mx_range_body *body, void *ctx) {
    if (rows * numbers < WORTH) {
        body(ctx, 0, rows);
        return;
    }
    pieces p = {body, ctx, rows, rows / (4 * mx_team_size())};
    p.piece = p.piece < 1 ? 1 : p.piece > PIECE ? PIECE : p.piece;
    mx_team_for((rows + p.piece - 1) / p.piece, piece_body, &p);
}

/* All that waits, row after row. */
static void steps_body(void *ctx, int64_t begin, int64_t end) {
    const mx_direct *m = ctx;
    for (int i = 0; i < m->steps; i++)
        m->step[i].body(m->step[i].ctx, begin, end);
}

bool direct_now(mx_direct *m) {
    int64_t numbers = 0;
    for (int i = 0; i < m->steps; i++)
        numbers += m->step[i].numbers;
    if (m->steps)
        each(m->step_rows, numbers, steps_body, m);
    m->steps = 0;
    if (atomic_load(&m->nomem))
        mx_fail_nomem("language model", 0);
    return !atomic_load(&m->nomem);
}

bool direct_later(mx_direct *m, int64_t rows, int64_t numbers, mx_range_body *body, const void *ctx,
                  size_t size) {
    void *kept = direct_room(&m->layer, size);
    if (!kept || ((m->steps == DIRECT_STEPS || rows != m->step_rows) && !direct_now(m)))
        return false;
    memcpy(kept, ctx, size);
    m->step_rows = rows;
    m->step[m->steps++] = (direct_step){body, kept, numbers};
    return true;
}

void direct_each(mx_direct *m, int64_t rows, int64_t numbers, mx_range_body *body, void *ctx) {
    if (direct_now(m))
        each(rows, numbers, body, ctx);
}

bool direct_all(mx_direct *m, int64_t n, mx_range_body *body, void *ctx) {
    if (!direct_now(m))
        return false;
    mx_team_for(n, body, ctx);
    return direct_now(m);
}
