/* The matmul engine's entry: the batch, and which route a product takes. */
#include "cpu/matmul/matmul_engine.h"

#include <stdatomic.h>

#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/matmul/matmul_internal.h"

mx_gemm_args mx_gemm_contiguous(mx_dtype dtype, int64_t m, int64_t n, int64_t k, const void *a,
                                const void *b, void *out) {
    return (mx_gemm_args){.dtype = dtype,
                          .m = m,
                          .n = n,
                          .k = k,
                          .a = {a, k, 1},
                          .b = {b, n, 1},
                          .out = out,
                          .out_rs = n,
                          .alpha = 1.0};
}

/* ---- the batch ---- */

static int64_t batch_count(const mx_gemm_args *g) {
    int64_t count = 1;
    for (int i = 0; i < g->batch_ndim; i++)
        count *= g->batch_shape[i];
    return count;
}

/* Where matrix number `batch` begins, in elements. */
static int64_t batch_offset(const mx_gemm_args *g, const int64_t *strides, int64_t batch) {
    int64_t offset = 0;
    if (g->batch_ndim == 1)
        return strides ? batch * strides[0] : 0;
    for (int i = g->batch_ndim - 1; i >= 0 && strides; i--) {
        offset += batch % g->batch_shape[i] * strides[i];
        batch /= g->batch_shape[i];
    }
    return offset;
}

static gemm_item batch_item(const mx_gemm_args *g, int64_t batch) {
    size_t size = mx_dtype_size(g->dtype);
    gemm_item item = {.args = g, .batch = batch, .a = g->a, .b = g->b, .cin = g->cin};
    item.a.data = gemm_at(g->a.data, batch_offset(g, g->a_bs, batch), size);
    item.b.data = gemm_at(g->b.data, batch_offset(g, g->b_bs, batch), size);
    item.cin.data = gemm_at(g->cin.data, batch_offset(g, g->cin_bs, batch), size);
    item.out = (char *)g->out + batch_offset(g, g->out_bs, batch) * (int64_t)size;
    return item;
}

/* Can the last batch axis be more rows of one product? True when b stays and the rows of the
   others go on. */
static bool last_axis_is_rows(const mx_gemm_args *g) {
    int i = g->batch_ndim - 1;
    if (i < 0 || g->pack_a || g->pack_b || g->epilogue)
        return false;
    if (g->batch_shape[i] == 1)
        return true;
    return g->b_bs[i] == 0 && g->a_bs[i] == g->m * g->a.rs && g->out_bs[i] == g->m * g->out_rs &&
           (!g->cin.data || g->cin_bs[i] == g->m * g->cin.rs);
}

static mx_gemm_args fold_batch(const mx_gemm_args *args) {
    mx_gemm_args g = *args;
    while (last_axis_is_rows(&g))
        g.m *= g.batch_shape[--g.batch_ndim];
    return g;
}

static bool run_item(const gemm_item *item, bool serial) {
    mx_dtype t = item->args->dtype;
    if (!mx_dtype_is_inexact(t))
        return gemm_integer(item);
    if (gemm_is_small(item->args))
        return gemm_small(item), true;
    if (gemm_is_skinny(item))
        return gemm_skinny(item);
    if (!gemm_can_rows(item, serial))
        return gemm_blocked(item, serial);
    bool kept = false;
    if (gemm_rows_waste(item) && !gemm_kept(item, serial, &kept))
        return false;
    return kept || gemm_rows(item);
}

typedef struct batch_ctx {
    const mx_gemm_args *args;
    atomic_bool nomem;
} batch_ctx;

static void batch_body(void *p, int64_t begin, int64_t end) {
    batch_ctx *c = p;
    if (gemm_small_batch(c->args, begin, end))
        return;
    for (int64_t b = begin; b < end; b++) {
        gemm_item item = batch_item(c->args, b);
        if (!run_item(&item, true))
            atomic_store(&c->nomem, true);
    }
}

static double work_of(const mx_gemm_args *g) {
    return (double)g->m * (double)g->n * (double)g->k;
}

/* Is it better that each thread takes whole products? True for many, or small ones. */
static bool side_by_side(int64_t count, double work) {
    return count >= 2 * mx_pool_threads() || work <= 262144.0;
}

static bool run_batch(const mx_gemm_args *g, int64_t count, bool serial) {
    double work = work_of(g);
    if (serial || !side_by_side(count, work)) {
        bool ok = true;
        for (int64_t b = 0; b < count && ok; b++) {
            gemm_item item = batch_item(g, b);
            ok = run_item(&item, serial);
        }
        return ok;
    }
    batch_ctx c = {.args = g};
    return mx_parallel_for_long(count, 1 + (int64_t)(65536.0 / (work + 1.0)), batch_body, &c) &&
           !atomic_load(&c.nomem);
}

static bool run_product(const mx_gemm_args *args, bool serial) {
    mx_gemm_args g = fold_batch(args);
    int64_t count = batch_count(&g);
    if (g.m == 0 || g.n == 0 || count == 0)
        return true;
    if (count > 1)
        return run_batch(&g, count, serial);
    gemm_item item = batch_item(&g, 0);
    item.b_forms = g.b_forms;
    return run_item(&item, serial);
}

bool mx_gemm_quiet(const mx_gemm_args *args) {
    return run_product(args, false);
}

bool mx_gemm(const mx_gemm_args *args) {
    return mx_gemm_quiet(args) || mx_fail_nomem("matmul", 0);
}

/* ---- products of many sizes ---- */

typedef struct list_ctx {
    const mx_gemm_args *list;
    atomic_bool nomem;
} list_ctx;

static void list_body(void *p, int64_t begin, int64_t end) {
    list_ctx *c = p;
    for (int64_t i = begin; i < end; i++)
        if (!run_product(&c->list[i], true))
            atomic_store(&c->nomem, true);
}

bool mx_gemm_many(const mx_gemm_args *list, int64_t count) {
    double work = 0;
    bool ok = true;
    for (int64_t i = 0; i < count; i++)
        work += work_of(&list[i]) / (double)count;
    if (!side_by_side(count, work)) {
        for (int64_t i = 0; i < count && ok; i++)
            ok = run_product(&list[i], false);
    } else {
        list_ctx c = {.list = list};
        ok = mx_parallel_for_long(count, 1 + (int64_t)(65536.0 / (work + 1.0)), list_body, &c) &&
             !atomic_load(&c.nomem);
    }
    return ok || mx_fail_nomem("matmul", 0);
}
