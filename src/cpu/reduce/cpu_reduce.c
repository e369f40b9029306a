/* Reductions. The axes fall apart into kept and reduced ones, sorted by stride, so that
 * every input is one of two pictures:
 *
 *     rows      the closest elements in memory belong to one output: acc <- run of
 * elements columns   the closest elements belong to neighbouring outputs: acc[cols] <-
 * rows of elements
 *
 *     outputs   outer (kept axes) x chunks of columns       each is a task
 *     blocks    where outputs are few, the reduced elements are cut into blocks as
 * well; their partial results are combined in order. Cuts depend on sizes alone, so
 * results do not depend on the number of threads.
 *     pieces    kernels get a piece at a time: as much as is read from a program, so that
 * a program gives the same sums as the array of its values.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/program/source.h"
#include "cpu/reduce/cpu_reduce.h"
#include "graph/array/params.h"
#include "kernels/copy/k_copy.h"
#include "kernels/reduce/k_reduce.h"

enum {
    CHUNK = 2048,    /* columns of a task */
    BLOCK = 1 << 15, /* elements of a block */
    MOST_BLOCKS = 32,
    ENOUGH_TASKS = 16, /* no blocks beyond this many */
    GROUP = 512,       /* outputs that a row task takes at a time */
    TILE = 4096,       /* elements of a piece */
    NARROW = 64,       /* columns so few that a piece is NARROW_TILE elements */
    NARROW_TILE = 1 << 14,
    MOST_STARTS = 64,
    SHORT = 16,     /* elements of a row that is worth transposing */
    GRAIN = 1 << 14 /* elements worth a wake-up */
};

typedef struct axis {
    int64_t size, in, out; /* strides in elements; out is 0 for reduced axes */
} axis;

typedef struct plan {
    int n_kept, n_red;
    axis col;              /* columns; size 0 where there are rows */
    int64_t outer, length; /* outputs (of columns: rows of them); elements of one output */
    int64_t chunks, blocks, block;
    const char *data;
    char *result, *partial;
    size_t item, acc, final; /* bytes of an element, an accumulator, a result */
    bool float_sum;
    mx_k_red_rows *rows;
    mx_k_red_cols *cols;
    mx_k_red_runs *runs;         /* used where starts > 0 */
    mx_k_red_products *products; /* used where the program has two factors and nothing else */
    const char *factor[2];
    mx_k_red_strided *strided;
    mx_k_red_init *init;
    mx_k_red_combine *combine;
    mx_k_red_finish *finish;
    const cpu_source *source;
    _Atomic bool failed;
    int64_t starts;
    ptrdiff_t start[MOST_STARTS]; /* of the runs of rows under an output: windows have some */
    axis kept[MX_MAX_NDIM], red[MX_MAX_NDIM]; /* the last is the innermost */
} plan;

/* --- the picture ------------------------------------------------------------------ */

static int farther_first(const void *a, const void *b) {
    const axis *x = a, *y = b;
    int64_t dx = x->in < 0 ? -x->in : x->in, dy = y->in < 0 ? -y->in : y->in;
    return dx < dy ? 1 : dx > dy ? -1 : y->out < x->out ? -1 : y->out > x->out;
}

/* Neighbours that lie evenly in both arrays become one. */
static int join(axis *a, int n) {
    int k = 0;
    for (int i = 1; i < n; i++) {
        bool even = a[k].in == a[i].in * a[i].size && a[k].out == a[i].out * a[i].size;
        if (even)
            a[k] = (axis){a[k].size * a[i].size, a[i].in, a[i].out};
        else
            a[++k] = a[i];
    }
    return n ? k + 1 : 0;
}

static void split_axes(plan *p, const mx_array *x, const int64_t *strides, mx_ints axes) {
    int64_t step = 1;
    bool reduced[MX_MAX_NDIM] = {false};
    for (int i = 0; i < axes.n; i++)
        reduced[axes.v[i]] = true;
    for (int i = x->ndim - 1; i >= 0; i--) {
        axis a = {x->shape[i], strides[i], reduced[i] ? 0 : step};
        if (x->shape[i] != 1)
            *(reduced[i] ? &p->red[p->n_red++] : &p->kept[p->n_kept++]) = a;
        step *= reduced[i] ? 1 : x->shape[i];
    }
}

static int64_t product(const axis *a, int n) {
    int64_t r = 1;
    for (int i = 0; i < n; i++)
        r *= a[i].size;
    return r;
}

static void sort_axes(plan *p) {
    qsort(p->kept, (size_t)p->n_kept, sizeof(axis), farther_first);
    qsort(p->red, (size_t)p->n_red, sizeof(axis), farther_first);
    p->n_kept = join(p->kept, p->n_kept);
    p->n_red = join(p->red, p->n_red);
    if (p->n_red == 0)
        p->red[p->n_red++] = (axis){1, 0, 0};
}

/* Columns, if the innermost kept axis is contiguous and the reduced ones are farther apart. */
static void find_columns(plan *p) {
    const axis *k = p->n_kept ? &p->kept[p->n_kept - 1] : NULL;
    const axis *r = &p->red[p->n_red - 1];
    if (k && k->in == 1 && (r->in < -1 || r->in > 1 || r->in == 0 || r->size == 1))
        p->col = p->kept[--p->n_kept];
}

static void choose_blocks(plan *p) {
    int64_t width = p->col.size ? (p->col.size < CHUNK ? p->col.size : CHUNK) : 1;
    p->outer = product(p->kept, p->n_kept);
    p->length = product(p->red, p->n_red);
    p->chunks = p->col.size ? (p->col.size + CHUNK - 1) / CHUNK : 1;
    p->blocks = 1;
    if (p->outer * p->chunks < ENOUGH_TASKS && p->length > 0) {
        int64_t n = p->length / (BLOCK / width > 0 ? BLOCK / width : 1);
        p->blocks = n < 1 ? 1 : n > MOST_BLOCKS ? MOST_BLOCKS : n;
    }
    p->block = (p->length + p->blocks - 1) / p->blocks;
    p->blocks = p->block ? (p->length + p->block - 1) / p->block : 1;
}

static void find_kernels(plan *p, mx_red_op op, mx_dtype t) {
    const mx_k_reduce *k = mx_kernels_get()->reduce;
    p->item = mx_dtype_size(t);
    p->acc = mx_dtype_size(mx_red_acc(op, t));
    p->final = mx_dtype_size(mx_red_out(op, t));
    p->float_sum = op == MX_RED_SUM && mx_dtype_is_float(t);
    p->rows = k->rows[op][t];
    p->cols = k->cols[op][t];
    p->runs = k->runs[op][t];
    p->products = p->float_sum ? k->products[t] : NULL;
    p->strided = k->strided[op][t];
    p->init = k->init[op][t];
    p->combine = k->combine[op][t];
    p->finish = k->finish[op][t];
}

/* --- folding ---------------------------------------------------------------------- */

typedef struct place {
    int64_t in, out;
} place;

/* Where output (or row of columns) o begins in both arrays. */
static place place_of(const plan *p, int64_t o) {
    place at = {0, 0};
    for (int i = p->n_kept - 1; i >= 0; i--) {
        int64_t k = o % p->kept[i].size;
        o /= p->kept[i].size;
        at.in += k * p->kept[i].in;
        at.out += k * p->kept[i].out;
    }
    return at;
}

/* Elements [from, from + n) of the input, which lie together. NULL: no memory. */
static const char *elements(const plan *p, int64_t from, int64_t n) {
    if (!p->source->program)
        return p->data + from * (int64_t)p->item;
    char *tile = mx_scratch(1, (size_t)NARROW_TILE * p->item);
    bool ok = tile && cpu_program_read(p->source->program, from, from + n, tile);
    return ok ? tile : NULL;
}

/* acc[r] <- row r of `rows` of a program with factors. */
static void fold_products(const plan *p, void *acc, int64_t from, int64_t rows, int64_t n) {
    int64_t at = from * (int64_t)p->item;
    p->products(acc, p->factor[0] + at, p->factor[1] + at, (size_t)rows, (size_t)n);
}

/* acc <- a piece of a row. */
static bool fold_piece(const plan *p, void *acc, int64_t from, int64_t n) {
    if (p->products)
        return fold_products(p, acc, from, 1, n), true;
    const char *x = elements(p, from, n);
    if (x)
        p->rows(acc, x, 1, (size_t)n, 0);
    return x != NULL;
}

/* acc <- the pieces' sums, added up in float64. */
static bool sum_pieces(const plan *p, void *acc, int64_t from, int64_t n) {
    mx_dtype t = p->acc == sizeof(double) ? MX_FLOAT64 : MX_FLOAT32;
    _Alignas(8) char part[8];
    double total = 0, more;
    for (int64_t i = 0; i < n; i += TILE) {
        p->init(part, 1);
        if (!fold_piece(p, part, from + i, n - i < TILE ? n - i : TILE))
            return false;
        mx_kernels_get()->pointwise->cast[t][MX_FLOAT64](&more, part, 1);
        total += more;
    }
    mx_kernels_get()->pointwise->cast[MX_FLOAT64][t](part, &total, 1);
    p->combine(acc, part, 1);
    return true;
}

/* acc <- one row of n. */
static bool fold_row(const plan *p, void *acc, int64_t from, int64_t n) {
    if (p->float_sum && n > TILE)
        return sum_pieces(p, acc, from, n);
    for (int64_t i = 0; i < n; i += TILE)
        if (!fold_piece(p, acc, from + i, n - i < TILE ? n - i : TILE))
            return false;
    return true;
}

/* Rows of columns in a piece: as many as are worth it, and as kernels take together. */
static int64_t piece_rows(int64_t cols) {
    int64_t n = (cols <= NARROW ? NARROW_TILE : TILE) / cols;
    return n >= NARROW ? n - n % NARROW : n >= 4 ? n - n % 4 : 4;
}

/* acc[cols] <- n rows, `step` apart. */
static void fold_columns(const plan *p, void *acc, const char *x, int64_t n, int64_t cols,
                         int64_t step) {
    int64_t most = piece_rows(cols);
    for (int64_t r = 0; r < n; r += most)
        p->cols(acc, x + r * step * (int64_t)p->item, (size_t)(n - r < most ? n - r : most),
                (size_t)cols, step);
}

static void fold_run(const plan *p, void *acc, int64_t at, int64_t n, int64_t step, int64_t cols) {
    const char *x = p->data + at * (int64_t)p->item;
    if (cols)
        fold_columns(p, acc, x, n, cols, step);
    else if (step == 1)
        fold_row(p, acc, at, n);
    else
        p->strided(acc, x, (size_t)n, step);
}

/* acc <- reduced elements [begin, end) of the output (or `cols` outputs) at offset
 * `at`. */
static void fold(const plan *p, void *acc, int64_t at, int64_t begin, int64_t end, int64_t cols) {
    int64_t index[MX_MAX_NDIM], left = begin;
    int last = p->n_red - 1;
    if (begin == end)
        return;
    for (int i = last; i >= 0; i--) {
        index[i] = left % p->red[i].size;
        left /= p->red[i].size;
        at += index[i] * p->red[i].in;
    }
    while (begin < end) {
        const axis *r = &p->red[last];
        int64_t run = r->size - index[last];
        run = run < end - begin ? run : end - begin;
        fold_run(p, acc, at, run, r->in, cols);
        begin += run;
        at += run * r->in;
        index[last] += run;
        for (int i = last; i > 0 && index[i] == p->red[i].size; i--) {
            at += p->red[i - 1].in - p->red[i].size * p->red[i].in;
            index[i] = 0;
            index[i - 1]++;
        }
    }
}

/* n finished accumulators to outputs at `out`, `step` apart. */
static void deliver(const plan *p, const char *acc, int64_t out, int64_t step, int64_t n) {
    char *to = p->result + out * (int64_t)p->final;
    if (step == 1 || n == 1) {
        p->finish(to, acc, (size_t)n);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        p->finish(to + i * step * (int64_t)p->final, acc + i * (int64_t)p->acc, 1);
}

/* --- tasks: rows ------------------------------------------------------------------ */

/* acc[r] <- row r of `rows` contiguous ones of n, `stride` apart. Short rows are
   transposed first, so that the kernel runs across them; never where an axis of outputs
   is short. How many rows come at a time does not change the order of additions. */
static void fold_rows(const plan *p, void *acc, const char *x, int64_t rows, int64_t n,
                      int64_t stride) {
    int64_t shape[2] = {n, rows}, in[2] = {1, stride}, out[2] = {GROUP, 1};
    bool many = p->n_kept && p->kept[p->n_kept - 1].size >= SHORT;
    char *columns = n <= SHORT && many ? mx_scratch(2, SHORT * GROUP * p->item) : NULL;
    if (!columns) {
        p->rows(acc, x, (size_t)rows, (size_t)n, stride);
        return;
    }
    mx_kernels_get()->copy->rows[p->item](columns, out, x, in, 2, shape, 0, n);
    p->cols(acc, columns, (size_t)n, (size_t)rows, GROUP);
}

/* Where the elements of the o-th run of an output begin: the reduced axes but the last. */
static int64_t run_offset(const plan *p, int64_t o) {
    int64_t at = 0;
    for (int i = p->n_red - 2; i >= 0; i--) {
        at += o % p->red[i].size * p->red[i].in;
        o /= p->red[i].size;
    }
    return at;
}

/* Columns of few short runs: where each begins, once for all outputs. */
static void find_starts(plan *p) {
    const axis *r = &p->red[p->n_red - 1];
    bool joined = r->size >= 4 && r->in == p->col.size && r->in <= NARROW;
    int64_t n = r->size ? p->length / r->size : 0;
    if (!p->col.size || !p->runs || p->blocks > 1 || p->n_red < 2 || n > MOST_STARTS || joined)
        return;
    for (int64_t o = 0; o < n; o++)
        p->start[o] = run_offset(p, o);
    p->starts = n;
}

/* acc <- all elements of n outputs, k->in apart from the first at `at`. Contiguous runs
   go run by run through all outputs, which are neighbours in memory. */
static void fold_group(const plan *p, char *acc, int64_t at, const axis *k, int64_t n) {
    const axis *r = &p->red[p->n_red - 1];
    const char *x = p->data + at * (int64_t)p->item;
    if (r->in != 1 || r->size > TILE) {
        for (int64_t i = 0; i < n; i++)
            fold(p, acc + i * (int64_t)p->acc, at + i * k->in, 0, p->length, 0);
        return;
    }
    for (int64_t o = 0; o * r->size < p->length; o++)
        fold_rows(p, acc, x + run_offset(p, o) * (int64_t)p->item, n, r->size, k->in);
}

/* Whole outputs [begin, end), in groups along the innermost kept axis. */
static void row_task(void *ctx, int64_t begin, int64_t end) {
    plan *p = ctx;
    _Alignas(64) char acc[GROUP * 8];
    const axis *k = p->n_kept ? &p->kept[p->n_kept - 1] : &(axis){1, 0, 0};
    while (begin < end) {
        int64_t n = k->size - begin % k->size;
        place at = place_of(p, begin);
        n = n < end - begin ? n : end - begin;
        n = n < GROUP ? n : GROUP;
        p->init(acc, (size_t)n);
        fold_group(p, acc, at.in, k, n);
        deliver(p, acc, at.out, k->out, n);
        begin += n;
    }
}

/* acc <- r rows of a program from row `begin` on. */
static bool read_rows(const plan *p, char *acc, int64_t begin, int64_t r) {
    int64_t n = p->length;
    if (n > TILE)
        return fold_row(p, acc, begin * n, n);
    if (p->products && n > SHORT)
        return fold_products(p, acc, begin * n, r, n), true;
    const char *x = elements(p, begin * n, r * n);
    if (x)
        fold_rows(p, acc, x, r, n, n);
    return x != NULL;
}

/* The same from a program whose rows lie one after the other. */
static void read_rows_task(void *ctx, int64_t begin, int64_t end) {
    plan *p = ctx;
    _Alignas(64) char acc[GROUP * 8];
    int64_t n = p->length, most = TILE / (n > 0 ? n : 1);
    most = most < 1 ? 1 : most > GROUP ? GROUP : most;
    for (int64_t r; begin < end && !p->failed; begin += r) {
        r = end - begin < most ? end - begin : most;
        p->init(acc, (size_t)r);
        if (!read_rows(p, acc, begin, r))
            p->failed = true;
        deliver(p, acc, begin, 1, r);
    }
}

/* --- tasks: blocks and columns ---------------------------------------------------- */

/* Task t folds block t % blocks of the chunk t / blocks. Its accumulators lie in
   `partial`, or, with one block only, in scratch and go straight to the result. */
typedef struct piece {
    int64_t begin, end; /* reduced elements */
    int64_t col, cols;  /* first column and how many; cols 0: a row */
    int64_t outer;
    place at;
} piece;

static piece piece_of(const plan *p, int64_t t) {
    piece c = {0};
    int64_t b = 0, chunk = 0;
    c.outer = t;
    if (p->blocks * p->chunks > 1) {
        b = t % p->blocks;
        chunk = t / p->blocks % p->chunks;
        c.outer = t / p->blocks / p->chunks;
    }
    c.begin = b * p->block;
    c.end = c.begin + p->block < p->length ? c.begin + p->block : p->length;
    c.col = chunk * CHUNK;
    c.cols = p->col.size - c.col < CHUNK ? p->col.size - c.col : CHUNK;
    c.at = place_of(p, c.outer);
    c.at.in += c.col; // columns are contiguous
    c.at.out += c.col * p->col.out;
    return c;
}

static int64_t width_of(const plan *p) {
    return p->col.size < CHUNK ? (p->col.size ? p->col.size : 1) : CHUNK;
}

/* n rows of `cols` columns of a program, the first element at `from`, `all` apart, to a tile where
 * they are
   *step apart: as in memory where they lie together, never so where they do not. */
static const char *read_piece(const plan *p, int64_t from, int64_t n, int64_t cols, int64_t all,
                              int64_t *step) {
    *step = cols == all ? cols : CHUNK;
    if (cols == all)
        return elements(p, from, n * cols);
    char *tile = mx_scratch(1, (size_t)NARROW_TILE * p->item);
    for (int64_t r = 0; tile && r < n; r++)
        if (!cpu_program_read(p->source->program, from + r * all, from + r * all + cols,
                              tile + r * CHUNK * (int64_t)p->item))
            return NULL;
    return tile;
}

static bool read_columns(const plan *p, void *acc, const piece *c) {
    int64_t all = p->col.size, step, most = all ? piece_rows(c->cols) : 0;
    if (!all)
        return fold_row(p, acc, c->outer * p->length + c->begin, c->end - c->begin);
    if (c->cols < all)
        most = most < NARROW_TILE / CHUNK ? most : NARROW_TILE / CHUNK;
    for (int64_t r = c->begin, n; r < c->end; r += n) {
        n = c->end - r < most ? c->end - r : most;
        const char *x =
            read_piece(p, (c->outer * p->length + r) * all + c->col, n, c->cols, all, &step);
        if (!x)
            return false;
        p->cols(acc, x, (size_t)n, (size_t)c->cols, step);
    }
    return true;
}

static void piece_task(void *ctx, int64_t begin, int64_t end) {
    plan *p = ctx;
    _Alignas(64) char own[CHUNK * 8];
    for (int64_t t = begin; t < end; t++) {
        piece c = piece_of(p, t);
        int64_t n = c.cols ? c.cols : 1;
        char *acc = p->partial ? p->partial + t * width_of(p) * (int64_t)p->acc : own;
        p->init(acc, (size_t)n);
        if (p->starts)
            p->runs(acc, p->data + c.at.in * (int64_t)p->item, p->start, (size_t)p->starts,
                    (size_t)p->red[p->n_red - 1].size, (size_t)c.cols, p->red[p->n_red - 1].in);
        else if (!p->source->program)
            fold(p, acc, c.at.in, c.begin, c.end, c.cols);
        else if (!read_columns(p, acc, &c))
            p->failed = true;
        if (!p->partial)
            deliver(p, acc, c.at.out, p->col.out, n);
    }
}

/* Columns of few short runs, [begin, end) outputs of them: neighbours follow each other along the
   innermost kept axis. Accumulators of a result's dtype lie there. */
static void runs_task(void *ctx, int64_t begin, int64_t end) {
    plan *p = ctx;
    _Alignas(64) char own[CHUNK * 8];
    const axis *k = p->n_kept ? &p->kept[p->n_kept - 1] : &(axis){1, 0, 0},
               *r = &p->red[p->n_red - 1];
    bool there = p->acc == p->final && p->col.out == 1;
    for (int64_t n; begin < end; begin += n) {
        place at = place_of(p, begin);
        n = k->size - begin % k->size;
        n = n < end - begin ? n : end - begin;
        for (int64_t i = 0; i < n; i++, at.in += k->in, at.out += k->out) {
            char *acc = there ? p->result + at.out * (int64_t)p->final : own;
            p->init(acc, (size_t)p->col.size);
            p->runs(acc, p->data + at.in * (int64_t)p->item, p->start, (size_t)p->starts,
                    (size_t)r->size, (size_t)p->col.size, r->in);
            if (!there)
                deliver(p, acc, at.out, p->col.out, p->col.size);
        }
    }
}

static void combine_blocks(plan *p) {
    int64_t w = width_of(p) * (int64_t)p->acc;
    for (int64_t u = 0; u < p->outer * p->chunks; u++) {
        piece c = piece_of(p, u * p->blocks);
        int64_t n = c.cols ? c.cols : 1;
        char *first = p->partial + u * p->blocks * w;
        for (int64_t b = 1; b < p->blocks; b++)
            p->combine(first, first + b * w, (size_t)n);
        deliver(p, first, c.at.out, p->col.out, n);
    }
}

/* --- running ---------------------------------------------------------------------- */

static bool run_pieces(plan *p) {
    int64_t tasks = p->outer * p->chunks * p->blocks;
    int64_t work = p->block * width_of(p);
    if (p->blocks > 1 && !(p->partial = mx_malloc((size_t)(tasks * width_of(p)) * p->acc)))
        return false;
    mx_parallel_for(tasks, 1 + GRAIN / (work + 1), piece_task, p);
    if (p->partial && !p->failed)
        combine_blocks(p);
    mx_free(p->partial);
    return true;
}

static bool run(plan *p) {
    bool whole_rows = !p->col.size && p->blocks == 1;
    if (whole_rows)
        mx_parallel_for(p->outer, 1 + GRAIN / (p->length + 1),
                        p->source->program ? read_rows_task : row_task, p);
    else if (p->starts && p->chunks == 1)
        mx_parallel_for(p->outer, 1 + GRAIN / (p->length * p->col.size + 1), runs_task, p);
    else if (!run_pieces(p))
        return false;
    return !p->failed || mx_fail_nomem("reduce", TILE * 8);
}

/* A program is read in order: outputs row by row, or rows of columns. Anything else is
 * computed first. */
static bool in_order(const plan *p) {
    const axis *r = &p->red[0];
    if (p->n_red != 1 || p->n_kept > 1)
        return false;
    if (p->col.size)
        return r->in == p->col.size && (p->n_kept == 0 || p->kept[0].in == r->in * r->size);
    return r->in == 1 && (p->n_kept == 0 || p->kept[0].in == r->size);
}

static void prepare(plan *p, const cpu_source *s, const mx_p_reduce *q) {
    int64_t strides[MX_MAX_NDIM];
    memset(p, 0, offsetof(plan, kept));
    cpu_source_strides(s, strides);
    split_axes(p, s->a, strides, q->axes);
    sort_axes(p);
    find_columns(p);
    choose_blocks(p);
    find_kernels(p, (mx_red_op)q->op, mx_dtype_of(s->a));
    if (!s->program || !cpu_program_factors(s->program, p->factor))
        p->products = NULL;
    p->source = s;
}

static bool reduce(cpu_source *s, const mx_p_reduce *q, mx_array *out) {
    plan p;
    if (out->size == 0)
        return true;
    prepare(&p, s, q);
    if (s->program && !in_order(&p)) {
        if (!cpu_source_settle(s))
            return false;
        prepare(&p, s, q);
    }
    p.data = cpu_source_data(s);
    p.result = out->data;
    if (!s->program)
        find_starts(&p);
    return run(&p);
}

int64_t cpu_reduce_runs(const mx_array *a, const mx_p_reduce *q) {
    cpu_source s = {.a = a};
    plan p;
    prepare(&p, &s, q);
    find_starts(&p);
    return p.starts;
}

/* Does the result depend on the order of the elements? */
static bool is_ordered(const mx_p_reduce *q, const mx_array *a) {
    return (q->op == MX_RED_SUM || q->op == MX_RED_PROD) && mx_dtype_is_inexact(mx_dtype_of(a));
}

static bool reduce_source(cpu_source *s, const mx_p_reduce *q, mx_array *out) {
    bool ok = cpu_source_in_order(s, is_ordered(q, s->a)) && reduce(s, q, out);
    cpu_source_close(s);
    return ok;
}

bool cpu_reduce_array(const mx_array *a, const mx_p_reduce *q, mx_array *out) {
    cpu_source s = {.a = a};
    return reduce_source(&s, q, out);
}

bool cpu_reduce(mx_node *n, mx_array **out, const mx_program *feed) {
    cpu_source s;
    return mx_array_alloc(out[0]) && cpu_source_open(&s, n, feed) &&
           reduce_source(&s, n->params, out[0]);
}
