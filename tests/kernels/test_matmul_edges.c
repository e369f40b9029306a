/* Products at the edges of the engine's tiles, of all floats and every instruction set, against
 * sums in float64: few rows, columns and terms, sizes beside a tile's, panels that are kept,
 * batches. Numbers are rounded, so that each element has its own bound: what rounding may do to so
 * many terms (Higham 2002, section 3.1). */
#include "base/memory/forms.h"
#include "cpu/matmul/matmul_engine.h"
#include "kernel_values.h"
#include "tolerance.h"

enum { ROWS_FIRST, COLUMNS_FIRST, STRIDED, REVERSED, LAYOUTS };

static const mx_dtype FLOATS[] = {MX_FLOAT16, MX_BFLOAT16, MX_FLOAT32, MX_FLOAT64, MX_COMPLEX64};
enum { FLOAT_TYPES = sizeof FLOATS / sizeof *FLOATS };

typedef struct pair {
    double re, im;
} pair;

/* rows x columns numbers between -1 and 1 in memory, and the same row by row. */
typedef struct matrix {
    mx_dtype t;
    void *base;
    mx_matrix m;
    pair *value;
} matrix;

static mx_matrix placed(char *p, int64_t rows, int64_t columns, int layout, int64_t size) {
    switch (layout) {
    case ROWS_FIRST: return (mx_matrix){p, columns, 1};
    case COLUMNS_FIRST: return (mx_matrix){p, 1, rows};
    case STRIDED: return (mx_matrix){p, columns * 3 + 1, 3};
    default: return (mx_matrix){p + (rows * columns - 1) * size, -columns, -1};
    }
}

static matrix make(mx_dtype t, int64_t rows, int64_t columns, int layout) {
    int64_t room = layout == STRIDED ? rows * (columns * 3 + 1) : rows * columns;
    matrix x = {.t = t, .base = kv_memory(t, (size_t)room)};
    x.m = placed(x.base, rows, columns, layout, (int64_t)mx_dtype_size(t));
    x.value = calloc((size_t)(rows * columns) + 1, sizeof *x.value);
    for (int64_t i = 0; i < room; i++)
        kv_put(t, x.base, i, (value){NAN, NAN, 0}); // what lies between is not read
    char *first = (char *)(uintptr_t)x.m.data;
    for (int64_t i = 0; i < rows * columns; i++) {
        int64_t at = i / columns * x.m.rs + i % columns * x.m.cs;
        kv_put(t, first, at, (value){kv_unit(), kv_unit(), 0});
        value v = kv_get(t, first, at);
        x.value[i] = (pair){v.re, v.im};
    }
    return x;
}

static void drop(matrix *x) {
    kv_free(x->t, x->base);
    free(x->value);
}

/* --- the plain sums --------------------------------------------------------------------------- */

/* The sum of k products, and that of their sizes. */
typedef struct sum {
    pair is;
    double size;
} sum;

static sum sum_of(const pair *a, const pair *b, int64_t b_step, int64_t k) {
    sum s = {{0, 0}, 0};
    for (int64_t p = 0; p < k; p++) {
        pair x = a[p], y = b[p * b_step];
        s.is.re += x.re * y.re - x.im * y.im;
        s.is.im += x.re * y.im + x.im * y.re;
        s.size += (fabs(x.re) + fabs(x.im)) * (fabs(y.re) + fabs(y.im));
    }
    return s;
}

/* Every product and addition rounds once, a result once more. */
static bool is_near(mx_dtype t, value found, pair wanted, double size, int64_t terms) {
    double bound = rounding_of(t == MX_FLOAT64 ? t : MX_FLOAT32) * (double)(terms + 6) * size +
                   rounding_of(t) * 1.01 * (fabs(wanted.re) + fabs(wanted.im)) +
                   1e-7 * (t == MX_FLOAT16);
    return fabs(found.re - wanted.re) <= bound && fabs(found.im - wanted.im) <= bound;
}

/* --- one product ------------------------------------------------------------------------------ */

enum { NONE, BIAS, RESIDUAL, ACTIVATION, ENDINGS };

typedef struct shape {
    int64_t m, n, k;
    int a, b, ending;
    bool kept;
} shape;

/* max(x, 0), and x + column / 8 before it. */
static double activated(double x, int64_t j) {
    x += (double)(j % 7) / 8;
    return x > 0 ? x : 0;
}

static void activate(void *ctx, int64_t batch, int64_t i0, int64_t j0, int64_t m, int64_t n,
                     void *acc, ptrdiff_t rs) {
    mx_dtype t = *(mx_dtype *)ctx;
    (void)batch;
    (void)i0;
    for (int64_t i = 0; i < m * (t == MX_COMPLEX64 ? 2 : 1); i++)
        for (int64_t j = 0; j < n; j++) {
            mx_dtype s = t == MX_FLOAT64 ? t : MX_FLOAT32;
            double x = kv_get(s, acc, i * rs + j).re;
            kv_put(s, acc, i * rs + j, kv_real(activated(x, j0 + j)));
        }
}

typedef struct product {
    shape s;
    matrix a, b, c;
    mx_gemm_args g;
    mx_epilogue epilogue;
    mx_dtype t;
    void *out;
} product;

static double alpha_of(const shape *s) {
    return s->ending == RESIDUAL ? 0.5 : 1;
}

static void build(product *p, mx_dtype t, shape s) {
    *p = (product){.s = s, .t = t, .a = make(t, s.m, s.k, s.a), .b = make(t, s.k, s.n, s.b)};
    p->out = kv_memory(t, (size_t)(s.m * (s.n + 2)));
    p->g = mx_gemm_contiguous(t, s.m, s.n, s.k, NULL, NULL, p->out);
    p->g.a = p->a.m;
    p->g.b = p->b.m;
    p->g.out_rs = s.n + 2;
    p->g.alpha = alpha_of(&s);
    p->epilogue = (mx_epilogue){activate, &p->t};
    if (s.ending == ACTIVATION)
        p->g.epilogue = &p->epilogue;
    if (s.ending != BIAS && s.ending != RESIDUAL)
        return;
    p->c = make(t, s.ending == BIAS ? 1 : s.m, s.n, s.a);
    p->g.cin = p->c.m;
    p->g.cin.rs = s.ending == BIAS ? 0 : p->g.cin.rs;
    p->g.beta = 1;
}

static bool is_element_near(const product *p, int64_t i, int64_t j) {
    const shape *s = &p->s;
    sum x = sum_of(p->a.value + i * s->k, p->b.value + j, s->n, s->k);
    double alpha = alpha_of(s);
    pair wanted = {alpha * x.is.re, alpha * x.is.im};
    if (s->ending == ACTIVATION)
        wanted =
            (pair){activated(wanted.re, j), p->t == MX_COMPLEX64 ? activated(wanted.im, j) : 0};
    if (p->c.base) {
        pair c = p->c.value[(s->ending == BIAS ? 0 : i * s->n) + j];
        wanted = (pair){wanted.re + c.re, wanted.im + c.im};
    }
    return is_near(p->t, kv_get(p->t, p->out, i * p->g.out_rs + j), wanted, x.size + 2, s->k);
}

/* Between rows nothing is written. */
static bool is_right(const product *p) {
    bool right = true;
    for (int64_t i = 0; i < p->s.m; i++) {
        for (int64_t j = 0; j < p->s.n; j++)
            right = right && is_element_near(p, i, j);
        for (int64_t j = p->s.n; j < p->g.out_rs; j++)
            right = right && kv_get(p->t, p->out, i * p->g.out_rs + j).re == 1;
    }
    return right;
}

static void clear(const product *p) {
    for (int64_t i = 0; i < p->s.m * p->g.out_rs; i++)
        kv_put(p->t, p->out, i, kv_real(1));
}

/* Four times where panels may be kept: packing, keeping and reading them give the same bits. */
static void check_product(mx_dtype t, shape s) {
    product p;
    mx_forms forms = {NULL};
    build(&p, t, s);
    size_t bytes = (size_t)(s.m * p.g.out_rs) * mx_dtype_size(t);
    void *first = malloc(bytes);
    p.g.b_forms = s.kept ? &forms : NULL;
    bool right = true;
    for (int call = 0; call < (s.kept ? 4 : 1); call++) {
        clear(&p);
        right = right && mx_gemm(&p.g) && (call || is_right(&p));
        right = right && (!call || memcmp(first, p.out, bytes) == 0);
        memcpy(first, p.out, bytes);
    }
    CHECK_MSG(right, "%s %s %dx%dx%d, layouts %d %d, ending %d", mx_kernels_get()->name,
              mx_dtype_name(t), (int)s.m, (int)s.n, (int)s.k, s.a, s.b, s.ending);
    mx_forms_drop(&forms);
    free(first);
    drop(&p.a);
    drop(&p.b);
    if (p.c.base)
        drop(&p.c);
    kv_free(t, p.out);
}

/* --- which ones ------------------------------------------------------------------------------- */

static int any(int n) {
    return (int)kv_below((size_t)n);
}

/* Every number of rows and columns up to 33, each with some number of terms. */
static void small(mx_dtype t) {
    for (int64_t m = 1; m <= 33; m++)
        for (int64_t n = 1; n <= 33; n++)
            check_product(t, (shape){m, n, 1 + any(33), any(LAYOUTS), any(LAYOUTS), any(ENDINGS),
                                     false});
}

/* One less than some tiles, as many, and one more. */
static int64_t beside(int64_t tile, int64_t most) {
    int64_t n = tile * (1 + any((int)(most / tile))) + any(3) - 1;
    return n < 1 ? 1 : n;
}

static const int TERMS[] = {1, 2, 3, 7, 8, 9, 64, 255, 256, 257, 511, 513};

static void ragged(mx_dtype t) {
    const mx_k_gemm *f = mx_gemm_format(t);
    for (int i = 0; i < 90; i++) {
        int64_t k = TERMS[any(sizeof TERMS / sizeof *TERMS)];
        shape s = {beside(f->mr, 90), beside(f->nr, 130), k,         any(LAYOUTS),
                   any(LAYOUTS),      i % ENDINGS,        i % 3 == 0};
        check_product(t, s);
    }
}

/* A row, or some, by many columns, and the other way round. */
static void few(mx_dtype t) {
    for (int64_t rows = 1; rows <= 9; rows++)
        for (int i = 0; i < 6; i++) {
            int64_t many = 30 + any(500), k = 1 + any(300);
            bool turned = i % 2;
            check_product(t, (shape){turned ? many : rows, turned ? rows : many, k, any(LAYOUTS),
                                     any(LAYOUTS), any(ENDINGS), i % 3 == 0});
        }
}

/* Weights as layers have them, whose panels are kept, and which other numbers of rows meet then. */
static void kept(mx_dtype t) {
    static const int rows[] = {1, 2, 9, 16, 17, 64, 65, 130};
    for (int i = 0; i < 8; i++)
        check_product(t, (shape){rows[i], 97 + any(40), 50 + any(40), ROWS_FIRST,
                                 i % 2 ? COLUMNS_FIRST : ROWS_FIRST, any(ENDINGS), true});
}

/* a (count, m, k) read forwards or backwards, b the same or one for all. */
static void check_batch(mx_dtype t, int64_t count, int64_t m, int64_t n, int64_t k) {
    bool back = any(2), shared = any(2);
    matrix a = make(t, count * m, k, ROWS_FIRST),
           b = make(t, (shared ? 1 : count) * k, n, ROWS_FIRST);
    void *out = kv_memory(t, (size_t)(count * m * n));
    const int64_t as = back ? -m * k : m * k, bs = shared ? 0 : k * n, os = m * n;
    mx_gemm_args g = mx_gemm_contiguous(t, m, n, k, a.m.data, b.m.data, out);
    if (back)
        g.a.data = (const char *)a.m.data + (size_t)((count - 1) * m * k) * mx_dtype_size(t);
    g.batch_ndim = 1;
    g.batch_shape = &count;
    g.a_bs = &as;
    g.b_bs = &bs;
    g.out_bs = &os;
    bool right = mx_gemm(&g);
    for (int64_t e = 0; e < count * m * n; e++) {
        int64_t q = e / (m * n), row = (back ? count - 1 - q : q) * m + e / n % m;
        sum x = sum_of(a.value + row * k, b.value + (shared ? 0 : q * k * n) + e % n, n, k);
        right = right && is_near(t, kv_get(t, out, e), x.is, x.size, k);
    }
    CHECK_MSG(right, "%s %s %d of %dx%dx%d", mx_kernels_get()->name, mx_dtype_name(t), (int)count,
              (int)m, (int)n, (int)k);
    drop(&a);
    drop(&b);
    kv_free(t, out);
}

static void batches(mx_dtype t) {
    for (int i = 0; i < 120; i++)
        check_batch(t, 2 + any(7), 1 + any(33), 1 + any(33), 1 + any(33));
    check_batch(t, 3, 65, 70, 40);
    check_batch(t, 300, 8, 8, 8);
}

static void with_these_kernels(void) {
    for (int i = 0; i < FLOAT_TYPES; i++) {
        small(FLOATS[i]);
        ragged(FLOATS[i]);
        few(FLOATS[i]);
        kept(FLOATS[i]);
        batches(FLOATS[i]);
    }
}

int main(void) {
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    for (int i = 0; i < count; i++) {
        CHECK(mx_kernels_choose(all[i]->name));
        RUN(with_these_kernels);
    }
    return check_done();
}
