/* Matrix kernels of every instruction set: packers, register tiles, stores, skinny kernels. */
#include "base/machine/cpuinfo.h"
#include "kernel_values.h"
#include "kernels/matmul/k_matmul.h"

/* ---- packers: every stride pattern gives the layout of k_matmul.h ---- */

static double unpacked(const mx_k_gemm *f, const void *panel, int w, int r, ptrdiff_t k) {
    ptrdiff_t at = (k / f->kgroup * w + r) * f->kgroup + k % f->kgroup;
    if (f->acc == MX_FLOAT64)
        return ((const double *)panel)[at];
    if (f->kgroup == 2)
        return mx_bf16_to_f32(((const uint16_t *)panel)[at]);
    return ((const float *)panel)[at];
}

static void pack_case(const mx_k_gemm *f, mx_dtype t, int w, int rows, ptrdiff_t k, ptrdiff_t rs,
                      ptrdiff_t ks) {
    size_t n = (size_t)(rows * labs(rs) + k * labs(ks) + 1);
    char *src = kv_random(t, n, 100);
    ptrdiff_t groups = (k + f->kgroup - 1) / f->kgroup;
    size_t bytes = (size_t)(groups * w * f->in_size);
    char *panel = malloc(bytes + 8);
    memset(panel, 0x7f, bytes + 8);
    ptrdiff_t origin = (rs < 0 ? -rs * (rows - 1) : 0) + (ks < 0 ? -ks * (k - 1) : 0);
    f->pack[t](panel, w, src + origin * (ptrdiff_t)mx_dtype_size(t), rs, ks, rows, k);
    bool same = panel[bytes] == 0x7f;
    for (ptrdiff_t p = 0; p < groups * f->kgroup; p++)
        for (int r = 0; r < w; r++) {
            bool present = p < k && r < rows;
            double want = present ? kv_get(t, src, origin + r * rs + p * ks).re : 0.0;
            same = same && unpacked(f, panel, w, r, p) == want;
        }
    CHECK_MSG(same, "pack %s w %d rows %d k %td strides %td %td", mx_dtype_name(t), w, rows, k, rs,
              ks);
    free(panel);
    kv_free(t, src);
}

static void pack_format(const mx_k_gemm *f) {
    static const int ks[] = {1, 2, 3, 5, 16, 19, 64, 67};
    for (int t = 0; t < MX_DTYPE_COUNT; t++) {
        if (!f->pack[t])
            continue;
        for (int side = 0; side < 2; side++) {
            int w = side ? f->nr : f->mr;
            for (int rows = 1; rows <= w; rows += rows < 9 ? 1 : 5)
                for (size_t i = 0; i < sizeof ks / sizeof ks[0]; i++) {
                    int k = ks[i];
                    pack_case(f, (mx_dtype)t, w, rows, k, 1, rows + 3);
                    pack_case(f, (mx_dtype)t, w, rows, k, k + 2, 1);
                    pack_case(f, (mx_dtype)t, w, rows, k, -k, 1);
                    pack_case(f, (mx_dtype)t, w, rows, k, 3, -2);
                    pack_case(f, (mx_dtype)t, w, rows, k, 0, 1);
                    pack_case(f, (mx_dtype)t, w, rows, k, 1, 0);
                }
        }
    }
}

/* ---- tiles: exact on small whole numbers, nothing outside m x n is touched ---- */

static void tile_case(const mx_k_gemm *f, mx_dtype t, int m, int n, ptrdiff_t k, bool add) {
    void *a = kv_random(t, (size_t)(m * k), 3), *b = kv_random(t, (size_t)(n * k), 3);
    ptrdiff_t groups = (k + f->kgroup - 1) / f->kgroup;
    char *pa = malloc((size_t)(groups * f->mr * f->in_size) + 1);
    char *pb = malloc((size_t)(groups * f->nr * f->in_size) + 1);
    f->pack[t](pa, f->mr, a, k, 1, m, k);
    f->pack[t](pb, f->nr, b, 1, n, n, k);
    enum { LD = 40 };
    char *c = kv_random(f->acc, LD * 9, 5), *before = malloc(LD * 9 * 8);
    memcpy(before, c, LD * 9 * mx_dtype_size(f->acc));
    f->tile(m, n, groups, pa, pb, c, LD, add);
    bool same = true;
    for (int i = 0; i < 9; i++)
        for (int j = 0; j < LD; j++) {
            double want = kv_get(f->acc, before, i * LD + j).re;
            if (i < m && j < n) {
                want = add ? want : 0;
                for (ptrdiff_t p = 0; p < k; p++)
                    want += kv_get(t, a, i * k + p).re * kv_get(t, b, p * n + j).re;
            }
            same = same && kv_get(f->acc, c, i * LD + j).re == want;
        }
    CHECK_MSG(same, "tile %s %d x %d x %td add %d", mx_dtype_name(t), m, n, k, add);
    free(pa);
    free(pb);
    free(before);
    kv_free(t, a);
    kv_free(t, b);
    kv_free(f->acc, c);
}

static void tile_format(const mx_k_gemm *f, mx_dtype t) {
    CHECK(f->mr <= 8 && f->nr <= 32);
    for (int m = 1; m <= f->mr; m++)
        for (int n = 1; n <= f->nr; n++)
            for (int k = 0; k <= 9; k += k < 3 ? 1 : 6)
                tile_case(f, t, m, n, k, (m + n + k) % 2);
}

/* ---- stores ---- */

static void store_case(const mx_k_matmul *k, mx_dtype t, int n, int cin_cs, bool cin) {
    bool z = t == MX_COMPLEX64;
    mx_dtype at = t == MX_FLOAT64 ? t : MX_FLOAT32;
    int m = 3, ld = n + 2, out_rs = n + 1;
    void *acc = kv_random(at, (size_t)(2 * m * ld), 50);
    void *c = kv_random(t, (size_t)(m * 40 * 3), 50), *out = kv_random(t, (size_t)(m * out_rs), 1);
    mx_k_store_args s = {out, out_rs, acc, ld, m, n, 0.5, 2.0, cin ? c : NULL, 101, cin_cs};
    value edge = kv_get(t, out, n);
    k->store[t](&s);
    bool same = kv_same(kv_get(t, out, n), edge); // the column after the last
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            value x = cin ? kv_get(t, c, i * 101 + j * cin_cs) : kv_real(0), want;
            want = kv_real(0.5 * kv_get(at, acc, (z ? 2 * i : i) * ld + j).re + 2.0 * x.re);
            if (z)
                want.im = 0.5 * kv_get(at, acc, (2 * i + 1) * ld + j).re + 2.0 * x.im;
            same = same && kv_same(kv_get(t, out, i * out_rs + j), want);
        }
    CHECK_MSG(same, "store %s n %d cin %d stride %d", mx_dtype_name(t), n, cin, cin_cs);
    kv_free(at, acc);
    kv_free(t, c);
    kv_free(t, out);
}

static void stores(const mx_k_matmul *k) {
    for (int t = 0; t < MX_DTYPE_COUNT; t++)
        for (int n = 1; n <= 37 && k->store[t]; n += 3) {
            store_case(k, (mx_dtype)t, n, 0, false);
            for (int cs = 0; cs <= 2; cs++)
                store_case(k, (mx_dtype)t, n, cs, true);
        }
}

/* ---- skinny kernels: exact on small whole numbers ---- */

static void skinny_case(const mx_k_matmul *kern, mx_dtype t, int n, int s, int k) {
    void *w = kv_random(t, (size_t)(n * k), 3);
    float *x = kv_random(MX_FLOAT32, (size_t)(s * k), 3);
    float *y = kv_random(MX_FLOAT32, (size_t)(s * n), 9), *z = malloc((size_t)(s * n) * 4);
    memcpy(z, y, (size_t)(s * n) * 4);
    bool same = true;
    kern->skinny_sum[t](y, n, w, n, x, k, s, k, n); // w(k,n)
    for (int i = 0; i < s; i++)
        for (int j = 0; j < n; j++) {
            double want = z[i * n + j];
            for (int p = 0; p < k; p++)
                want += (double)x[i * k + p] * kv_get(t, w, p * n + j).re;
            same = same && (double)y[i * n + j] == want;
        }
    CHECK_MSG(same, "sum %s n %d s %d k %d", mx_dtype_name(t), n, s, k);
    same = true;
    kern->skinny_dot[t](y, s, 1, w, k, n, x, k, s, k); // w(n,k)
    for (int i = 0; i < s; i++)
        for (int j = 0; j < n; j++) {
            double want = 0;
            for (int p = 0; p < k; p++)
                want += (double)x[i * k + p] * kv_get(t, w, j * k + p).re;
            same = same && (double)y[j * s + i] == want;
        }
    CHECK_MSG(same, "dot %s n %d s %d k %d", mx_dtype_name(t), n, s, k);
    free(z);
    kv_free(t, w);
    kv_free(MX_FLOAT32, x);
    kv_free(MX_FLOAT32, y);
}

static void skinny(const mx_k_matmul *k) {
    static const int lengths[] = {1, 2, 7, 16, 33, 64, 71};
    for (int t = 0; t < MX_DTYPE_COUNT; t++)
        for (int i = 0; i < 49 && k->skinny_dot[t]; i++)
            for (int s = 1; s <= MX_K_SKINNY; s++)
                skinny_case(k, (mx_dtype)t, lengths[i % 7], s, lengths[i / 7]);
    skinny_case(k, MX_FLOAT32, 5, 8, 4099);
    skinny_case(k, MX_BFLOAT16, 5, 3, 9001);
}

/* ---- stretches of k: the bits of skinny_dot's, added up ---- */

static void stretched_case(const mx_k_matmul *kern, mx_dtype t, int n, int k, int stretch) {
    void *w = kv_random(t, (size_t)(n * k), 1000);
    float *x = kv_random(MX_FLOAT32, (size_t)k, 1000);
    float *y = kv_random(MX_FLOAT32, (size_t)n, 9), *z = calloc((size_t)n, sizeof *z);
    for (int p = 0; p < k; p += stretch)
        for (int j = 0; j < n; j++) {
            float part;
            const char *row = (const char *)w + (size_t)(j * k + p) * mx_dtype_size(t);
            kern->skinny_dot[t](&part, 1, 1, row, k, 1, x + p, k, 1,
                                k - p < stretch ? k - p : stretch);
            z[j] = p ? z[j] + part : part;
        }
    kern->stretched_dot[t](y, w, k, n, x, k, stretch);
    CHECK_MSG(memcmp(y, z, (size_t)n * sizeof *z) == 0, "%s n %d k %d in stretches of %d",
              mx_dtype_name(t), n, k, stretch);
    free(z);
    kv_free(t, w);
    kv_free(MX_FLOAT32, x);
    kv_free(MX_FLOAT32, y);
}

static void in_stretches(const mx_k_matmul *k) {
    static const int lengths[] = {1, 7, 32, 33, 71, 200}, rows[] = {1, 7, 8, 19};
    for (int t = 0; t < MX_DTYPE_COUNT; t++)
        for (int i = 0; i < 24 && k->stretched_dot[t]; i++)
            for (int stretch = 16; stretch <= 256; stretch *= 2)
                stretched_case(k, (mx_dtype)t, rows[i % 4], lengths[i / 4], stretch);
}

/* ---- many rows: the bits of skinny_dot; with two parts exact on small whole numbers ---- */

static void many_case(const mx_k_matmul *kern, int n, int rows, int k, int parts) {
    float *w = kv_random(MX_FLOAT32, (size_t)(n * k), parts == 1 ? 1000 : 3);
    float *x = kv_random(MX_FLOAT32, (size_t)(rows * k), parts == 1 ? 1000 : 3);
    float *y = kv_random(MX_FLOAT32, (size_t)(rows * n), 9), *z = malloc((size_t)(rows * n) * 4);
    mx_row_dots_args a = {.y = y, .w = w, .x = x, .ldy = n, .ldw = k, .ldx = k};
    a.columns = n;
    a.rows = rows;
    a.k = k;
    a.parts = parts;
    for (int i = 0; i < rows; i++)
        kern->skinny_dot[MX_FLOAT32](z + i * n, 1, n, w, k, n, x + i * k, k, 1, k);
    kern->row_dots(&a);
    CHECK_MSG(memcmp(y, z, (size_t)(rows * n) * 4) == 0, "n %d rows %d k %d", n, rows, k);
    a.add = true;
    kern->row_dots(&a);
    bool twice = true;
    for (int i = 0; i < rows * n; i++)
        twice = twice && y[i] == z[i] + z[i];
    CHECK_MSG(twice, "added: n %d rows %d k %d", n, rows, k);
    free(z);
    kv_free(MX_FLOAT32, w);
    kv_free(MX_FLOAT32, x);
    kv_free(MX_FLOAT32, y);
}

static void many(const mx_k_matmul *k) {
    static const int lengths[] = {1, 5, 16, 33, 71};
    for (int i = 0; i < 25; i++)
        for (int rows = 1; rows <= 13; rows++) {
            many_case(k, lengths[i % 5], rows, lengths[i / 5], 1);
            many_case(k, lengths[i % 5], rows, 16 * lengths[i / 5], 2);
        }
}

/* ---- products that read operands where they lie ---- */

/* Operands with steps of their own, of which nothing more than the product's numbers is read. */
static void check_row_tile(const mx_k_matmul *k, int m, int n, bool add) {
    enum { K = 40, MOST_MR = 16, MOST_NR = 64, B_STEP = 70, A_STEP = 3 };
    const float *row[MOST_MR];
    float *x = kv_random(MX_FLOAT32, 90 + K * A_STEP, 3);
    float *b = kv_random(MX_FLOAT32, (size_t)((K - 1) * B_STEP + n), 3), c[MOST_MR][MOST_NR + 1];
    ptrdiff_t bad = 0;
    for (int i = 0; i < k->f32->mr; i++)
        row[i] = x + kv_below(90);
    for (int i = 0; i < m; i++)
        for (int j = 0; j <= n; j++)
            c[i][j] = 7;
    k->row_tile(&(mx_k_row_tile_args){m, n, add, K, row, A_STEP, b, B_STEP, c[0], MOST_NR + 1,
                                      m % 2});
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
            float sum = 0;
            for (ptrdiff_t p = 0; p < K; p++)
                sum += row[i][p * A_STEP] * b[p * B_STEP + j];
            bad += c[i][j] != (add ? 7 + sum : sum);
        }
        bad += c[i][n] != 7;
    }
    CHECK_MSG(bad == 0, "row tile %d x %d: %td wrong", m, n, bad);
    kv_free(MX_FLOAT32, x);
    kv_free(MX_FLOAT32, b);
}

static void row_tiles(const mx_k_matmul *k) {
    for (int m = 1; m <= k->f32->mr; m++)
        for (int n = 1; n <= k->f32->nr; n++)
            check_row_tile(k, m, n, n % 2);
}

int main(void) {
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    for (int i = 0; i < count; i++) {
        const mx_k_matmul *k = all[i]->matmul;
        check_where = all[i]->name;
        pack_format(k->f32);
        pack_format(k->f64);
        pack_format(k->bf16);
        tile_format(k->f32, MX_FLOAT32);
        tile_format(k->f32, MX_FLOAT16);
        tile_format(k->f64, MX_FLOAT64);
        row_tiles(k);
        if (k->bf16->tile && mx_cpuinfo_get()->avx512_bf16)
            tile_format(k->bf16, MX_BFLOAT16);
        stores(k);
        skinny(k);
        in_stretches(k);
        many(k);
    }
    return check_done();
}
