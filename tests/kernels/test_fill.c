/* Creation functions: dense memory for whoever looks at the array, and no memory where only an
   evaluation reads it. */
#include <string.h>

#include "base/memory/cache.h"
#include "check.h"
#include "graph/eval/eval.h"
#include "graph/array/node.h"
#include "mlx/c/mlx.h"
#undef I /* of complex.h */
#include "ops/ops_check.h"
#include "transforms/compile.h"

static void scoped(const char *name, void (*test)(void)) {
    mx_scope s = mx_scope_open();
    check_where = name;
    test();
    mx_error_clear();
    mx_scope_close(s);
}
#define SCOPED(test) scoped(#test, test)

static mx_array *kept(mx_array *a) {
    return mx_array_retain(a);
}

static bool is_dense(mx_array *a) {
    return mx_eval1(a) && a->row_contiguous &&
           a->data + a->size * (int64_t)mx_itemsize(a) <= (char *)a->buffer->ptr + a->buffer->bytes;
}

static void what_is_made_is_dense(void) {
    mx_array *row = mx_reshape(F(1, 2, 3), LIST(1, 3)), *wide = mx_broadcast_to(row, LIST(4, 3));
    CHECK(is_dense(mx_zeros(LIST(2, 3), MX_FLOAT32)));
    CHECK(is_dense(mx_ones(LIST(5), MX_INT8)));
    CHECK(is_dense(mx_full_s(LIST(2, 2), 7, MX_FLOAT64)));
    CHECK(is_dense(mx_full(LIST(4, 3), row, MX_FLOAT16)));
    CHECK(is_dense(mx_full(LIST(4, 3), wide, MX_FLOAT32)));
    CHECK(is_dense(mx_zeros_like(wide)) && is_dense(mx_ones_like(wide)));
    CHECK(is_dense(mx_full_like(wide, mx_scalar(3, MX_FLOAT32), MX_FLOAT32)));
    CHECK(is_dense(mx_copy(wide)));
    CHECK(is_dense(mx_tile(row, LIST(4, 1))) && is_dense(mx_tile(mx_scalar(1, MX_INT32), LIST(6))));
    CHECK(is_dense(mx_tile(mx_zeros(LIST(1, 2), MX_FLOAT32), LIST(3, 2))));
    CHECK(is_dense(mx_repeat(row, 5, 0)) && is_dense(mx_repeat(row, 5, 1)));
    CHECK(is_dense(mx_zeros(LIST(0, 3), MX_FLOAT32)) && is_dense(mx_ones(NULL, 0, MX_BOOL)));
    CHECK(mx_eval1(wide) && wide->strides[0] == 0);
    VALUES(mx_full(LIST(2, 3), row, MX_INT32), 0, 1, 2, 3, 1, 2, 3);
    VALUES(mx_tile(row, LIST(2, 2)), 0, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3);
    VALUES(mx_repeat(mx_reshape(row, LIST(3, 1)), 2, 1), 0, 1, 1, 2, 2, 3, 3);
}

/* Nobody's memory but their own. */
static void memory_of_its_own(void) {
    mx_array *a = F(1, 2, 3), *b = mx_copy(a), *c = mx_full(LIST(3), a, MX_FLOAT32);
    mx_array *z = mx_transpose(mx_zeros(LIST(2, 3), MX_FLOAT32));
    mx_array *all[4] = {a, b, c, z};
    CHECK(mx_eval(all, 4) && a->data != b->data && a->data != c->data);
    CHECK_EQ_INT(z->strides[0], 1);
    CHECK_EQ_INT(z->strides[1], 3);
}

enum { BIG = 1 << 20 };

static mx_array *program(mx_array *const *in) {
    return mx_add(mx_mul(in[0], in[1]), mx_full_s(LIST(BIG), 2, MX_FLOAT32));
}
static mx_array *reduction(mx_array *const *in) {
    return mx_sum_all(mx_ones_like(in[0]));
}

/* f's result (to be released), evaluated when nobody holds what it was made of, and the memory that
   this took. */
static mx_array *result_of(ops_fn *f, mx_array *const *in, size_t *bytes) {
    mx_scope s = mx_scope_open();
    mx_array *y = kept(f(in));
    mx_scope_close(s);
    size_t before = mx_mem_active();
    mx_mem_peak_reset();
    CHECK(mx_eval1(y));
    *bytes = mx_mem_peak() - before;
    return y;
}

static void nothing_in_programs(void) {
    mx_array *x = mx_arange(0, BIG, 1, MX_FLOAT32), *held = mx_ones(LIST(BIG), MX_FLOAT32);
    size_t bytes;
    mx_eval1(x);
    mx_array *y = result_of(program, (mx_array *[]){x, held}, &bytes);
    CHECK_MSG(bytes < 5 * BIG, "%zu bytes, for y 4 an element", bytes);
    CHECK(!mx_array_available(held));
    CHECK_NEAR(((float *)y->data)[BIG - 1], BIG + 1, 0);
    mx_array *sum = result_of(reduction, &x, &bytes);
    CHECK_MSG(bytes < BIG, "%zu bytes for a sum", bytes);
    CHECK_NEAR(ops_at(sum, 0), BIG, 0);
    CHECK(is_dense(held));
    CHECK_NEAR(((float *)held->data)[BIG / 2], 1, 0);
    mx_array_release(y);
    mx_array_release(sum);
}

/* A value that a program may not write over: a fill that is still wanted holds it. */
static void values_stay(void) {
    mx_array *value = kept(mx_arange(0, 5000, 1, MX_FLOAT32));
    mx_eval1(value);
    mx_array *z = kept(mx_full(LIST(5000), value, MX_FLOAT32));
    mx_array_release(value);
    mx_array *y = mx_add_s(mx_mul_s(z, 2), 1), *both[2];
    CHECK(mx_eval1(y));
    CHECK_NEAR(ops_at(y, 4999), 9999, 0);
    CHECK_NEAR(ops_at(z, 4999), 4999, 0);
    both[0] = mx_ones(LIST(3, 4), MX_FLOAT32);
    both[1] = mx_add_s(both[0], 1);
    CHECK(mx_eval(both, 2) && is_dense(both[0]));
    CHECK_NEAR(ops_at(both[1], 7), 2, 0);
    mx_array_release(z);
}

/* Values that are themselves computed, smaller or as large, and fills of fills. */
static void computed_values(void) {
    mx_array *x = F(1, 2, 3), *s = mx_sum_all(x);
    mx_array *chain = mx_full(LIST(2, 3), mx_full(LIST(3), s, MX_FLOAT32), MX_FLOAT32);
    VALUES(mx_add(chain, x), 0, 7, 8, 9, 7, 8, 9);
    VALUES(mx_add(mx_full(LIST(3), mx_mul_s(x, 2), MX_FLOAT32), mx_mul_s(x, 2)), 0, 4, 8, 12);
    VALUES(mx_matmul(mx_full(LIST(1, 3), s, MX_FLOAT32), mx_reshape(x, LIST(3, 1))), 0, 36);
    VALUES(mx_concatenate((mx_array *[]){mx_ones(LIST(2), MX_FLOAT32), x}, 2, 0), 0, 1, 1, 1, 2, 3);
    VALUES(mx_slice_axis(mx_ones(LIST(4), MX_FLOAT32), 0, 1, 3), 0, 1, 1);
}

/* Every element is `value`'s bytes. */
static bool is_full(mx_array *a, const char *value) {
    size_t item = mx_itemsize(a);
    bool good = is_dense(a);
    for (int64_t i = 0; i < a->size && good; i++)
        good = !memcmp(a->data + (size_t)i * item, value, item);
    return good;
}

/* Long runs are written in another way where all bytes of a value are equal. */
static void long_runs(void) {
    static const unsigned char values[][8] = {
        {0}, {1, 1, 1, 1, 1, 1, 1, 1}, {255, 255, 255, 255, 255, 255, 255, 255}, {1}, {1, 1, 2, 1}};
    static const mx_dtype types[] = {MX_UINT8, MX_INT16, MX_FLOAT32, MX_COMPLEX64};
    static const int bytes[] = {32760, 32768, 32776, 300024};
    for (size_t v = 0; v < sizeof values / sizeof *values; v++)
        for (size_t t = 0; t < sizeof types / sizeof *types; t++)
            for (size_t n = 0; n < sizeof bytes / sizeof *bytes; n++) {
                mx_array *value = mx_array_from(values[v], NULL, 0, types[t]);
                int count = bytes[n] / (int)mx_dtype_size(types[t]);
                mx_array *a = mx_full(LIST(count), value, types[t]);
                mx_array *rows = mx_full(LIST(3, count), value, types[t]);
                CHECK_MSG(is_full(a, (const char *)values[v]) &&
                              is_full(rows, (const char *)values[v]),
                          "%d of %s", count, mx_dtype_name(types[t]));
            }
}

static void matrices(void) {
    enum { ROWS = 190, COLUMNS = 333 };
    static const int diagonals[] = {0, 1, -1, 200, -100, 400, -400};
    for (size_t d = 0; d < sizeof diagonals / sizeof *diagonals; d++) {
        int k = diagonals[d];
        mx_array *eye = mx_eye(ROWS, COLUMNS, k, MX_INT32);
        mx_array *tri = mx_tri(ROWS, COLUMNS, k, MX_FLOAT64);
        CHECK(mx_eval1(eye) && mx_eval1(tri));
        bool good = true;
        for (int i = 0; i < ROWS; i++)
            for (int j = 0; j < COLUMNS; j++)
                good &= ((int32_t *)eye->data)[i * COLUMNS + j] == (j == i + k) &&
                        ((double *)tri->data)[i * COLUMNS + j] == (j <= i + k);
        CHECK_MSG(good, "diagonal %d", k);
    }
}

static bool constants(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    (void)self, (void)n;
    mx_array *z = mx_zeros(LIST(BIG), MX_FLOAT32);
    return mx_arrays_add(out, mx_add(mx_add_s(in[0], 1), z)) &&
           mx_arrays_add(out, mx_zeros(LIST(3), MX_FLOAT32));
}

/* A compiled function keeps no memory for its constants, and each call's results are its own. */
static void compiled(void) {
    mx_closure local = mx_closure_local(constants, NULL), *f = mx_compile(&local, false);
    mx_array *x = mx_arange(0, BIG, 1, MX_FLOAT32);
    mx_arrays first = {0}, second = {0};
    mx_eval1(x);
    size_t before = mx_mem_active();
    CHECK(mx_closure_call(f, &x, 1, &first) && mx_eval(first.item, 2));
    CHECK(mx_mem_active() < before + 5 * BIG);
    ((float *)first.item[1]->data)[0] = 5;
    CHECK(mx_closure_call(f, &x, 1, &second) && mx_eval(second.item, 2));
    CHECK_NEAR(((float *)second.item[1]->data)[0], 0, 0);
    CHECK_NEAR(((float *)second.item[0]->data)[9], 10, 0);
    mx_arrays_free(&first);
    mx_arrays_free(&second);
    mx_object_release(&f->object);
}

/* --- the C API's view ------------------------------------------------------------------------- */

static void reading_in_a_row(void) {
    mlx_stream s = mlx_default_cpu_stream_new();
    mlx_array a = mlx_array_new(), b = mlx_array_new(), one = mlx_array_new_float32(1);
    int many = 1000000;
    CHECK_EQ_INT(mlx_ones(&a, &many, 1, MLX_FLOAT32, s) | mlx_array_eval(a), 0);
    const float *p = mlx_array_data_float32(a);
    CHECK(p && p[0] == 1 && p[many - 1] == 1);
    CHECK_EQ_INT(mlx_array_strides(a)[0], 1);
    CHECK_EQ_INT(mlx_broadcast_to(&b, one, &many, 1, s) | mlx_array_eval(b), 0);
    CHECK_EQ_INT(mlx_array_strides(b)[0], 0); // who asks is shown it as it is
    CHECK(mlx_array_data_float32(b)[0] == 1);
    mlx_array c = mlx_array_new(), ramp = mlx_array_new();
    mlx_array_set(&c, b);
    p = mlx_array_data_float32(c); // who does not reads in a row
    CHECK(p && p[many - 1] == 1 && p == mlx_array_data_float32(c));
    CHECK_EQ_INT(mlx_array_strides(c)[0], 1);
    CHECK_EQ_INT(mlx_arange(&ramp, 0, 5, 1, MLX_FLOAT32, s) | mlx_flip(&ramp, ramp, s) |
                     mlx_array_eval(ramp),
                 0);
    p = mlx_array_data_float32(ramp);
    CHECK(p && p[0] == 4 && p[4] == 0);
    CHECK_EQ_INT(mlx_add(&c, c, one, s) | mlx_array_eval(c), 0); // a box shows what it holds now
    CHECK(mlx_array_data_float32(c)[many - 1] == 2);
    mlx_array all[] = {a, b, c, one, ramp};
    for (int i = 0; i < 5; i++)
        mlx_array_free(all[i]);
    mlx_stream_free(s);
}

int main(void) {
    SCOPED(what_is_made_is_dense);
    SCOPED(memory_of_its_own);
    SCOPED(nothing_in_programs);
    SCOPED(values_stay);
    SCOPED(computed_values);
    SCOPED(compiled);
    SCOPED(long_runs);
    SCOPED(matrices);
    RUN(reading_in_a_row);
    return check_done();
}
