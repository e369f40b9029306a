/* categorical: the largest of logits plus Gumbel noise along an axis. There is as much noise as
 * there are logits for every sample, so it is made a tile at a time and never stands in memory.
 *
 *     noise (outer, n, inner)     the axis is the middle one; word i of the key's stream belongs to
 *                                 element i
 *     task                        `wide` neighbouring outputs of the inner axes, a piece of the
 *                                 axis
 *     tile                        lines of the axis, `wide` each: one range of the stream
 *
 * Where there are few outputs the axis is cut into pieces, the best of each of which meet at the
 * end. The cuts depend on sizes alone. A tie goes to the first, a NaN is larger than all.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/cpu.h"
#include "cpu/memory/fetch.h"
#include "graph/array/params.h"
#include "kernels/pointwise/k_pointwise.h"
#include "kernels/random/k_random.h"
#include "kernels/reduce/k_reduce.h"

enum { TILE = 1024, TASKS = 64, GRAIN = 1 << 13, SLOT = 1 };

typedef struct job {
    const char *x;
    cpu_layout at; /* of the logits, over the noise's shape */
    mx_random_stream stream;
    int64_t outer, n, inner, wide, tiles; /* tiles: of the inner axes */
    int64_t pieces, length;               /* of the axis */
    float *best;                          /* (pieces, outer, inner) */
    uint32_t *found, *out;
    _Atomic bool failed;
} job;

static bool beats(float a, float b) {
    return !(a <= b) && !isnan(b);
}

/* --- noise ------------------------------------------------------------------------------------ */

typedef struct room {
    float value[TILE], other[TILE], unit[TILE], limit[TILE];
} room;

static void fill(room *r) {
    for (int i = 0; i < TILE; i++) {
        r->unit[i] = 0x1p-32f;
        r->limit[i] = 1 - 0x1p-24f; // the largest float below 1
    }
}

/* Logits plus noise of elements first .. first + count - 1: mx_random_gumbel_of, step by step. */
static void make_values(const job *j, room *r, int64_t first, int64_t count) {
    const mx_kernels *k = mx_kernels_get();
    const mx_k_pointwise *pw = k->pointwise;
    float *v = r->value;
    size_t n = (size_t)count;
    mx_k_unary *log = pw->op[MX_PW_log][MX_FLOAT32].unary,
               *minus = pw->op[MX_PW_negative][MX_FLOAT32].unary;
    k->random->words(v, &j->stream, (uint64_t)first, (uint64_t)(first + count));
    pw->cast[MX_UINT32][MX_FLOAT32](v, v, n);
    pw->op[MX_PW_multiply][MX_FLOAT32].binary(v, v, r->unit, n);
    pw->op[MX_PW_minimum][MX_FLOAT32].binary(v, v, r->limit, n);
    log(v, v, n);
    minus(v, v, n);
    log(v, v, n);
    minus(v, v, n);
    cpu_fetch(r->other, j->x, sizeof(float), &j->at, first, n);
    pw->op[MX_PW_add][MX_FLOAT32].binary(v, r->other, v, n);
}

/* --- tiles ------------------------------------------------------------------------------------ */

/* A run of the axis of one output. */
static void take_run(const float *v, int64_t from, int64_t count, float *best, uint32_t *found) {
    uint32_t i = mx_kernels_get()->reduce->arg_block[1][MX_FLOAT32](v, (size_t)count, 1);
    if (beats(v[i], *best))
        *best = v[i], *found = (uint32_t)from + i;
}

static void take_line(const float *v, int64_t from, int64_t count, float *best, uint32_t *found) {
    for (int64_t i = 0; i < count; i++) {
        bool more = beats(v[i], best[i]);
        best[i] = more ? v[i] : best[i];
        found[i] = more ? (uint32_t)from : found[i];
    }
}

static void take_tile(const room *r, int64_t from, int64_t lines, int64_t w, float *best,
                      uint32_t *found) {
    if (w == 1)
        take_run(r->value, from, lines, best, found);
    for (int64_t l = 0; l < lines && w > 1; l++)
        take_line(r->value + l * w, from + l, w, best, found);
}

static void run_piece(const job *j, room *r, int64_t t) {
    int64_t piece = t % j->pieces, o = t / j->pieces / j->tiles,
            i0 = t / j->pieces % j->tiles * j->wide;
    int64_t w = j->inner - i0 < j->wide ? j->inner - i0 : j->wide,
            lines = w == j->inner ? TILE / w : 1;
    int64_t from = piece * j->length, end = from + j->length < j->n ? from + j->length : j->n;
    int64_t to = (piece * j->outer + o) * j->inner + i0;
    for (int64_t i = 0; i < w; i++) {
        j->best[to + i] = -INFINITY;
        j->found[to + i] = (uint32_t)from;
    }
    for (int64_t v = from; v < end; v += lines) {
        int64_t some = end - v < lines ? end - v : lines;
        make_values(j, r, (o * j->n + v) * j->inner + i0, some * w);
        take_tile(r, v, some, w, j->best + to, j->found + to);
    }
}

static void run_tasks(void *ctx, int64_t begin, int64_t end) {
    job *j = ctx;
    room *r = mx_scratch(SLOT, sizeof *r);
    if (!r) {
        j->failed = true;
        return;
    }
    fill(r);
    for (int64_t t = begin; t < end; t++)
        run_piece(j, r, t);
}

/* --- all of it -------------------------------------------------------------------------------- */

static void cut(job *j) {
    j->wide = j->inner < TILE ? j->inner : TILE;
    j->tiles = (j->inner + j->wide - 1) / j->wide;
    int64_t few = TASKS / (j->outer * j->tiles), most = (j->n * j->wide + GRAIN - 1) / GRAIN;
    few = few < most ? few : most;
    j->length = few > 1 ? (j->n + few - 1) / few : j->n;
    j->pieces = (j->n + j->length - 1) / j->length;
}

/* The pieces' best meet in the first one's place. */
static void merge(const job *j) {
    int64_t count = j->outer * j->inner;
    for (int64_t p = 1; p < j->pieces; p++)
        for (int64_t i = 0; i < count; i++)
            if (beats(j->best[p * count + i], j->best[i])) {
                j->best[i] = j->best[p * count + i];
                j->found[i] = j->found[p * count + i];
            }
    memcpy(j->out, j->found, (size_t)count * sizeof *j->out);
}

static bool run(job *j) {
    size_t count = (size_t)(j->pieces * j->outer * j->inner);
    j->best = mx_malloc(count * sizeof *j->best);
    j->found = j->best ? mx_malloc(count * sizeof *j->found) : NULL;
    if (j->found) {
        int64_t tasks = j->outer * j->tiles * j->pieces;
        bool done = mx_parallel_for_long(tasks, 1 + GRAIN / (j->length * j->wide), run_tasks, j);
        j->failed = !done || j->failed;
        if (!j->failed)
            merge(j);
    }
    bool ok = j->found && (!j->failed || mx_fail_nomem("categorical", sizeof(room)));
    mx_free(j->found);
    mx_free(j->best);
    return ok;
}

static void lay_out(job *j, const mx_array *x, const mx_p_categorical *p) {
    int64_t strides[MX_MAX_NDIM];
    const int64_t *const one[1] = {strides};
    cpu_broadcast_strides(x, p->noise.v, p->noise.n, strides);
    cpu_layout_collapse(&j->at, p->noise.v, p->noise.n, 1, one);
    j->outer = j->inner = 1;
    for (int i = 0; i < p->noise.n; i++)
        *(i < p->axis ? &j->outer : i > p->axis ? &j->inner : &j->n) *= p->noise.v[i];
}

bool cpu_categorical(mx_node *n, mx_array **out, const mx_program *feed) {
    (void)feed;
    const mx_array *keys = n->in[1];
    const mx_p_categorical *p = n->params;
    cpu_layout l;
    const int64_t *const strides[1] = {keys->strides};
    if (!mx_array_alloc(out[0]))
        return false;
    if (!out[0]->size)
        return true;
    job j = {.x = n->in[0]->data, .out = (uint32_t *)(void *)out[0]->data, .n = 1};
    lay_out(&j, n->in[0], p);
    cpu_layout_collapse(&l, keys->shape, keys->ndim, 1, strides);
    cpu_fetch(j.stream.key, keys->data, sizeof(uint32_t), &l, 0, 2);
    j.stream.bytes = (uint64_t)(j.outer * j.n * j.inner) * sizeof(float);
    cut(&j);
    return run(&j);
}
