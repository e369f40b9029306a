/* The matmul engine against plain loops: dtypes, odd sizes, strides, batches, addmm, packers,
 * epilogues, failed allocations; one thread and several agree bit for bit. Values are small whole
 * numbers, so that sums are exact in every dtype. */
#include "base/mem.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/matmul/matmul_internal.h"
#include "kernel_values.h"

enum { ROWS_FIRST, COLUMNS_FIRST, STRIDED, REVERSED, BROADCAST, LAYOUTS };

/* A matrix of `rows` x `columns` in one of the layouts; `base` is what to free. */
typedef struct matrix {
    mx_dtype t;
    void *base;
    mx_matrix m;
} matrix;

static matrix make(mx_dtype t, int64_t rows, int64_t columns, int layout, int range) {
    static const int scale[LAYOUTS] = {1, 1, 3, 1, 1};
    size_t n = (size_t)((rows + 1) * (columns + 1) * scale[layout]);
    matrix x = {.t = t, .base = kv_random(t, n, range)};
    char *p = x.base;
    int64_t size = (int64_t)mx_dtype_size(t);
    switch (layout) {
    case ROWS_FIRST: x.m = (mx_matrix){p, columns, 1}; break;
    case COLUMNS_FIRST: x.m = (mx_matrix){p, 1, rows}; break;
    case STRIDED: x.m = (mx_matrix){p, columns * 3, 2}; break;
    case REVERSED: x.m = (mx_matrix){p + (rows * columns - 1) * size, -columns, -1}; break;
    default: x.m = (mx_matrix){p, 0, 1}; break;
    }
    return x;
}

static value at(const matrix *x, int64_t i, int64_t j) {
    return kv_get(x->t, x->m.data, i * x->m.rs + j * x->m.cs);
}

/* The plain loop, rounded once to t. */
static value expected(mx_dtype t, const matrix *a, const matrix *b, const matrix *c, int64_t i,
                      int64_t j, int64_t k, double alpha, double beta) {
    value s = {0, 0, 0};
    for (int64_t p = 0; p < k; p++) {
        value x = at(a, i, p), y = at(b, p, j);
        s.re += x.re * y.re - x.im * y.im;
        s.im += x.re * y.im + x.im * y.re;
        s.i = (int64_t)((uint64_t)s.i + (uint64_t)x.i * (uint64_t)y.i);
    }
    value z = c ? at(c, i, j) : kv_real(0), r;
    r.re = alpha * s.re + beta * z.re;
    r.im = alpha * s.im + beta * z.im;
    r.i = (int64_t)((uint64_t)(int64_t)alpha * (uint64_t)s.i +
                    (uint64_t)(int64_t)beta * (uint64_t)z.i);
    if (t == MX_BOOL)
        r.i = s.i != 0 || (beta != 0 && z.i != 0);
    char stored[8];
    kv_put(t, stored, 0, r);
    return kv_get(t, stored, 0);
}

typedef struct shape {
    int64_t m, n, k;
    int la, lb, lc; /* layouts; lc < 0: no cin */
    double alpha, beta;
} shape;

/* m x n results with one column to spare; the checks of one product. */
static void product(mx_dtype t, shape s) {
    matrix a = make(t, s.m, s.k, s.la, 2), b = make(t, s.k, s.n, s.lb, 2), c = {0};
    if (s.lc >= 0)
        c = make(t, s.m, s.n, s.lc, 4);
    void *out = kv_random(t, (size_t)(s.m * (s.n + 1) + 1), 1);
    mx_gemm_args g = mx_gemm_contiguous(t, s.m, s.n, s.k, NULL, NULL, out);
    g.a = a.m;
    g.b = b.m;
    g.cin = c.m;
    g.out_rs = s.n + 1;
    g.alpha = s.alpha;
    g.beta = s.beta;
    value spare = kv_get(t, out, s.n);
    bool same = mx_gemm(&g) && kv_same(kv_get(t, out, s.n), spare);
    for (int64_t i = 0; i < s.m; i++)
        for (int64_t j = 0; j < s.n; j++)
            same = same &&
                   kv_same(kv_get(t, out, i * g.out_rs + j),
                           expected(t, &a, &b, c.base ? &c : NULL, i, j, s.k, s.alpha, s.beta));
    CHECK_MSG(same, "%s %s m %d n %d k %d layouts %d %d %d", mx_kernels_get()->name,
              mx_dtype_name(t), (int)s.m, (int)s.n, (int)s.k, s.la, s.lb, s.lc);
    kv_free(t, a.base);
    kv_free(t, b.base);
    kv_free(t, out);
    if (c.base)
        kv_free(t, c.base);
}

static int64_t size(void) {
    static const int edges[] = {1, 2, 7, 8, 9, 31, 32, 33, 64, 65};
    return kv_below(3) ? (int64_t)kv_below(70) + 1 : edges[kv_below(10)];
}

static void random_products(mx_dtype t, int count) {
    for (int i = 0; i < count; i++) {
        shape s = {size(),
                   size(),
                   size(),
                   (int)kv_below(LAYOUTS),
                   (int)kv_below(LAYOUTS),
                   (int)kv_below(LAYOUTS + 1) - 1,
                   1,
                   1};
        if (kv_below(2)) {
            s.alpha = 2;
            s.beta = kv_below(2) ? 3 : 0;
        }
        product(t, s);
    }
}

/* Sizes that cross blocks, steps of k and slices of k. */
static void large_products(mx_dtype t) {
    product(t, (shape){200, 261, 70, ROWS_FIRST, ROWS_FIRST, -1, 1, 0});
    product(t, (shape){33, 520, 40, COLUMNS_FIRST, COLUMNS_FIRST, ROWS_FIRST, 1, 1});
    product(t, (shape){401, 17, 30, ROWS_FIRST, ROWS_FIRST, BROADCAST, 1, 1});
    if (t == MX_FLOAT16 || t == MX_BFLOAT16)
        return; // longer sums are not exact when stored
    product(t, (shape){20, 40, 1100, ROWS_FIRST, COLUMNS_FIRST, -1, 1, 0});
    product(t, (shape){11, 13, 4999, COLUMNS_FIRST, ROWS_FIRST, ROWS_FIRST, 1, 1});
    product(t, (shape){3, 9, 40001, ROWS_FIRST, COLUMNS_FIRST, -1, 1, 0});
    product(t, (shape){2, 600, 1500, ROWS_FIRST, ROWS_FIRST, BROADCAST, 2, 1});
    product(t, (shape){700, 1, 1100, COLUMNS_FIRST, ROWS_FIRST, -1, 1, 0});
    product(t, (shape){1, 1, 50000, ROWS_FIRST, COLUMNS_FIRST, -1, 1, 0});
}

static void empty_products(void) {
    product(MX_FLOAT32, (shape){5, 40, 0, ROWS_FIRST, ROWS_FIRST, -1, 1, 0});
    product(MX_BFLOAT16, (shape){1, 7, 0, ROWS_FIRST, ROWS_FIRST, ROWS_FIRST, 1, 2});
    product(MX_INT16, (shape){9, 3, 0, ROWS_FIRST, ROWS_FIRST, ROWS_FIRST, 1, 2});
    product(MX_COMPLEX64, (shape){3, 3, 0, ROWS_FIRST, ROWS_FIRST, -1, 1, 0});
    mx_gemm_args g = mx_gemm_contiguous(MX_FLOAT32, 0, 4, 4, NULL, NULL, NULL);
    CHECK(mx_gemm(&g));
}

/* ---- batches ---- */

/* a (2,3,m,k), b (3,k,n) or (2,1,k,n) broadcast over the batch. */
static void batch_case(mx_dtype t, int64_t m, int64_t n, int64_t k, bool shared) {
    const int64_t dims[2] = {2, 3}, ab[2] = {3 * m * k, m * k}, bb[2] = {0, shared ? 0 : k * n};
    const int64_t ob[2] = {3 * m * n, m * n}, cb[2] = {0, shared ? m * n : n};
    void *a = kv_random(t, (size_t)(6 * m * k), 2), *b = kv_random(t, (size_t)(3 * k * n), 2);
    void *c = kv_random(t, (size_t)(3 * m * n), 2), *out = kv_random(t, (size_t)(6 * m * n), 1);
    mx_gemm_args g = mx_gemm_contiguous(t, m, n, k, a, b, out);
    g.cin = (mx_matrix){c, shared ? n : 0, 1};
    g.beta = 1;
    g.batch_ndim = 2;
    g.batch_shape = dims;
    g.a_bs = ab;
    g.b_bs = bb;
    g.cin_bs = cb;
    g.out_bs = ob;
    bool same = mx_gemm(&g);
    for (int64_t q = 0; q < 6; q++) {
        matrix x = {t, a, {a, k, 1}}, y = {t, b, {b, n, 1}}, z = {t, c, g.cin};
        size_t s = mx_dtype_size(t);
        x.m.data = (char *)a + (size_t)(q * m * k) * s;
        y.m.data = (char *)b + (size_t)(q % 3 * bb[1]) * s;
        z.m.data = (char *)c + (size_t)(q % 3 * cb[1]) * s;
        for (int64_t i = 0; i < m * n; i++)
            same = same && kv_same(kv_get(t, out, q * m * n + i),
                                   expected(t, &x, &y, &z, i / n, i % n, k, 1, 1));
    }
    CHECK_MSG(same, "%s batch %s %d %d %d shared %d", mx_kernels_get()->name, mx_dtype_name(t),
              (int)m, (int)n, (int)k, shared);
    kv_free(t, a);
    kv_free(t, b);
    kv_free(t, c);
    kv_free(t, out);
}

static void batches(mx_dtype t) {
    for (int shared = 0; shared < 2; shared++) {
        batch_case(t, 5, 7, 3, shared);
        batch_case(t, 8, 8, 8, shared);
        batch_case(t, 32, 2, 32, shared);
        batch_case(t, 1, 33, 20, shared);
        batch_case(t, 40, 35, 33, shared);
        batch_case(t, 90, 70, 64, shared);
    }
}

/* ---- packers and epilogues ---- */

/* An operand that exists only as a formula: element (i, k) of matrix q is (i + 2k + q) % 5 - 2. */
static float formula(int64_t q, int64_t i, int64_t k) {
    return (float)((i + 2 * k + q) % 5 - 2);
}

static void pack_formula(const void *ctx, const mx_k_gemm *f, int64_t batch, void *dst,
                         size_t panel_bytes, int w, int64_t i0, int64_t rows, int64_t k0,
                         int64_t k) {
    mx_dtype t = *(const mx_dtype *)ctx;
    for (int64_t i = 0; i < rows; i += w) {
        int have = (int)(rows - i < w ? rows - i : w);
        void *tmp = kv_memory(t, (size_t)(have * k));
        for (int64_t e = 0; e < have * k; e++)
            kv_put(t, tmp, e, kv_real(formula(batch, i0 + i + e / k, k0 + e % k)));
        f->pack[t]((char *)dst + (size_t)(i / w) * panel_bytes, w, tmp, k, 1, have, k);
        kv_free(t, tmp);
    }
}

/* acc = 2 * acc + row - column + batch */
static void change(void *ctx, int64_t batch, int64_t i0, int64_t j0, int64_t m, int64_t n,
                   void *acc, ptrdiff_t rs) {
    mx_dtype t = *(mx_dtype *)ctx;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double x = kv_get(t, acc, i * rs + j).re;
            kv_put(t, acc, i * rs + j, kv_real(2 * x + (double)(i0 + i - j0 - j + batch)));
        }
}

static void formula_case(mx_dtype t, int64_t m, int64_t n, int64_t k) {
    mx_packer packer = {pack_formula, &t};
    mx_dtype acc = t == MX_FLOAT64 ? t : MX_FLOAT32;
    mx_epilogue epilogue = {change, &acc};
    const int64_t two = 2, a_bs = m * k, out_bs = m * n, none = 0;
    void *a = kv_random(t, (size_t)(2 * m * k), 2), *out = kv_memory(t, (size_t)(2 * m * n));
    mx_gemm_args g = mx_gemm_contiguous(t, m, n, k, a, NULL, out);
    g.pack_b = &packer;
    g.epilogue = &epilogue;
    g.batch_ndim = 1;
    g.batch_shape = &two;
    g.a_bs = &a_bs;
    g.b_bs = &none;
    g.out_bs = &out_bs;
    bool same = mx_gemm(&g);
    for (int64_t e = 0; e < 2 * m * n; e++) {
        int64_t q = e / (m * n), i = e / n % m, j = e % n;
        double s = 0;
        for (int64_t p = 0; p < k; p++)
            s += kv_get(t, a, (q * m + i) * k + p).re * (double)formula(q, j, p);
        char stored[8];
        kv_put(t, stored, 0, kv_real(2 * s + (double)(i - j + q)));
        same = same && kv_same(kv_get(t, out, e), kv_get(t, stored, 0));
    }
    CHECK_MSG(same, "packer %s %d %d %d", mx_dtype_name(t), (int)m, (int)n, (int)k);
    kv_free(t, a);
    kv_free(t, out);
}

static void formulas(void) {
    static const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT16, MX_BFLOAT16, MX_FLOAT64};
    for (int i = 0; i < 4; i++) {
        formula_case(types[i], 1, 40, 20);
        formula_case(types[i], 37, 45, 31);
        formula_case(types[i], 210, 300, 9);
    }
}

/* An epilogue on the skinny shapes, where it sees rows of the result all the same. */
static void skinny_epilogue(int64_t m, int64_t n, int64_t k) {
    mx_dtype t = MX_FLOAT32;
    mx_epilogue epilogue = {change, &t};
    matrix a = make(t, m, k, ROWS_FIRST, 2), b = make(t, k, n, COLUMNS_FIRST, 2);
    float *out = kv_memory(t, (size_t)(m * n));
    mx_gemm_args g = mx_gemm_contiguous(t, m, n, k, a.m.data, NULL, out);
    g.b = b.m;
    g.epilogue = &epilogue;
    bool same = mx_gemm(&g);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++)
            same = same && (double)out[i * n + j] ==
                               2 * expected(t, &a, &b, NULL, i, j, k, 1, 0).re + (double)(i - j);
    CHECK_MSG(same, "skinny epilogue %d %d %d", (int)m, (int)n, (int)k);
    kv_free(t, a.base);
    kv_free(t, b.base);
    kv_free(t, out);
}

/* ---- threads ---- */

/* Values whose sums depend on the order: any difference between the thread counts shows. */
static void thread_case(mx_dtype t, int64_t m, int64_t n, int64_t k) {
    size_t s = mx_dtype_size(t), bytes = (size_t)(m * n) * s;
    void *a = kv_memory(t, (size_t)(m * k)), *b = kv_memory(t, (size_t)(k * n));
    for (int64_t i = 0; i < m * k; i++)
        kv_put(t, a, i, kv_real(kv_unit()));
    for (int64_t i = 0; i < k * n; i++)
        kv_put(t, b, i, kv_real(kv_unit()));
    void *one = malloc(bytes), *many = malloc(bytes);
    mx_pool_set_threads(1);
    mx_gemm_args g = mx_gemm_contiguous(t, m, n, k, a, b, one);
    bool ok = mx_gemm(&g);
    for (int threads = 2; threads <= 5; threads += 3) {
        mx_pool_set_threads(threads);
        g.out = many;
        ok = ok && mx_gemm(&g) && memcmp(one, many, bytes) == 0;
    }
    mx_pool_set_threads(0);
    CHECK_MSG(ok, "threads %s %d %d %d", mx_dtype_name(t), (int)m, (int)n, (int)k);
    free(one);
    free(many);
    kv_free(t, a);
    kv_free(t, b);
}

static void threads(void) {
    static const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT16, MX_BFLOAT16, MX_FLOAT64};
    for (int i = 0; i < 4; i++) {
        thread_case(types[i], 300, 310, 200);
        thread_case(types[i], 40, 50, 5000);
        thread_case(types[i], 1, 700, 900);
        thread_case(types[i], 900, 1, 700);
        thread_case(types[i], 5, 2100, 333);
        thread_case(types[i], 3, 900, 3000);
        thread_case(types[i], 2, 3, 70000);
    }
}

/* ---- a failed allocation is an error, and the next call works ---- */

static void out_of_memory(void) {
    float *x = kv_random(MX_FLOAT32, 300 * 300, 2), *out = kv_memory(MX_FLOAT32, 300 * 300);
    // k is long enough to be cut in slices, whose sums need memory
    mx_gemm_args g = mx_gemm_contiguous(MX_FLOAT32, 18, 18, 5000, x, x, out);
    CHECK(mx_gemm(&g));
    mx_alloc_fail_at(1);
    CHECK(!mx_gemm(&g));
    mx_alloc_fail_at(0);
    CHECK_EQ_INT(mx_error_status(), MX_NOMEM);
    mx_error_clear();
    CHECK(mx_gemm(&g));
    kv_free(MX_FLOAT32, x);
    kv_free(MX_FLOAT32, out);
}

/* ---- operands where they lie ---- */

typedef struct lying {
    int64_t m, n, k;
    int a, b; /* layouts */
    double alpha;
    bool plus, epilogue;
} lying;

/* A matrix of numbers whose sums are rounded. */
static matrix make_inexact(int64_t rows, int64_t columns, int layout) {
    matrix x = make(MX_FLOAT32, rows, columns, layout, 9);
    float *p = x.base;
    int64_t n = (rows + 1) * (columns + 1) * (layout == STRIDED ? 3 : 1);
    for (int64_t i = 0; i < n; i++)
        p[i] = p[i] * 0.37f + 0.01f;
    return x;
}

/* It has the bits of the blocked way, which takes what it leaves. */
static void lies(lying l) {
    mx_dtype t = MX_FLOAT32;
    mx_epilogue epilogue = {change, &t};
    matrix a = make_inexact(l.m, l.k, l.a), b = make_inexact(l.k, l.n, l.b),
           c = make(t, l.m, l.n, COLUMNS_FIRST, 9);
    size_t numbers = (size_t)(l.m * (l.n + 1));
    float *out[2] = {kv_random(t, numbers, 0), kv_random(t, numbers, 0)};
    mx_gemm_args g = {.dtype = t, .m = l.m, .n = l.n, .k = l.k, .alpha = l.alpha, .beta = 0.5};
    g.out_rs = l.n + 1;
    g.epilogue = l.epilogue ? &epilogue : NULL;
    gemm_item item = {.args = &g, .a = a.m, .b = b.m, .out = (char *)out[0]};
    if (l.plus)
        item.cin = c.m;
    CHECK(gemm_blocked(&item, false));
    item.out = (char *)out[1];
    bool can = gemm_can_rows(&item, false);
    if (gemm_is_small(&g))
        gemm_small(&item);
    else
        CHECK(can ? gemm_rows(&item) : gemm_blocked(&item, false));
    CHECK(can || !gemm_can_rows(&item, true));
    bool adjacent =
        l.a == ROWS_FIRST || l.b == ROWS_FIRST || l.a == COLUMNS_FIRST || l.b == COLUMNS_FIRST;
    if (l.m >= 64 && l.n >= 64 && l.m < 160 && l.n <= l.m && l.k >= 64 && adjacent)
        CHECK_EQ_INT(can, gemm_slices(l.m, l.n, l.k) == 1);
    bool cut = gemm_is_small(&g) && gemm_step(l.k) < l.k; /* as torture does: small ones are not */
    CHECK_MSG(cut || memcmp(out[0], out[1], numbers * sizeof(float)) == 0,
              "%d x %d x %d, layouts %d %d", (int)l.m, (int)l.n, (int)l.k, l.a, l.b);
    for (int i = 0; i < 2; i++)
        kv_free(t, out[i]);
    kv_free(t, a.base);
    kv_free(t, b.base);
    kv_free(t, c.base);
}

static void lying_operands(void) {
    for (int i = 0; i < 200; i++)
        lies((lying){.m = 1 + (int64_t)kv_below(33),
                     .n = 1 + (int64_t)kv_below(33),
                     .k = 1 + (int64_t)kv_below(33),
                     .a = i % LAYOUTS,
                     .b = i / LAYOUTS % LAYOUTS,
                     .alpha = i % 7 ? 1 : 0.25,
                     .plus = i % 4 == 1,
                     .epilogue = i % 4 == 2});
    for (int i = 0; i < 75; i++)
        lies((lying){.m = 9 + (int64_t)kv_below(150),
                     .n = 9 + (int64_t)kv_below(150),
                     .k = 1 + (int64_t)kv_below(i % 3 ? 300 : 700),
                     .a = i % LAYOUTS,
                     .b = i / LAYOUTS % LAYOUTS,
                     .alpha = i % 7 ? 1 : 0.25,
                     .plus = i % 4 == 1,
                     .epilogue = i % 4 == 2});
    lies((lying){512, 65, 513, ROWS_FIRST, COLUMNS_FIRST, 1, false, false});
    lies((lying){33, 2048, 1300, ROWS_FIRST, COLUMNS_FIRST, 1, false, false});
    lies((lying){600, 500, 70, ROWS_FIRST, ROWS_FIRST, 1, false, false});
    lies((lying){70, 64, 1, COLUMNS_FIRST, ROWS_FIRST, 1, false, false});
    // rows of 2 and 4 KB, which are packed where that pays
    lies((lying){70, 512, 16, ROWS_FIRST, ROWS_FIRST, 1, false, false});
    lies((lying){130, 1024, 40, COLUMNS_FIRST, ROWS_FIRST, 0.25, true, false});
    lies((lying){40, 1024, 40, ROWS_FIRST, ROWS_FIRST, 1, false, false});
}

static void with_these_kernels(void) {
    for (int t = 0; t < MX_DTYPE_COUNT; t++) {
        random_products((mx_dtype)t, mx_dtype_is_inexact((mx_dtype)t) ? 60 : 12);
        large_products((mx_dtype)t);
    }
    batches(MX_FLOAT32);
    batches(MX_BFLOAT16);
    batches(MX_COMPLEX64);
    batches(MX_INT32);
    formulas();
    skinny_epilogue(1, 50, 30);
    skinny_epilogue(6, 70, 30);
    skinny_epilogue(70, 5, 30);
    skinny_epilogue(70, 1, 30);
    lying_operands();
    threads();
}

int main(void) {
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    const char *best = mx_kernels_get()->name;
    for (int i = 0; i < count; i++) {
        CHECK(mx_kernels_choose(all[i]->name));
        RUN(with_these_kernels);
    }
    mx_kernels_choose(best);
    RUN(empty_products);
    RUN(out_of_memory);
    return check_done();
}
