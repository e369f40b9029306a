/* One operation over operands that lie in rows (cpu/program/rows.c) gives what it gives where all
 * of them are copied to the result's shape first: columns, rows, scalars and parts of arrays, of
 * every dtype, rows on both sides of every cut, several axes. */
#include "check.h"
#include "graph/eval/eval.h"
#include "ops/ops.h"
#include "same_values.h"

typedef mx_array *binary(mx_array *, mx_array *);

static const struct {
    const char *name;
    binary *f;
    bool of_bool; /* bool has it */
} ops[] = {{"add", mx_add, true},
           {"subtract", mx_sub, false},
           {"multiply", mx_mul, true},
           {"divide", mx_div, true},
           {"maximum", mx_maximum, true},
           {"minimum", mx_minimum, true},
           {"power", mx_power, true},
           {"equal", mx_equal, true},
           {"less", mx_less, true},
           {"greater_equal", mx_greater_equal, true},
           {"floor_divide", mx_floor_divide, true},
           {"remainder", mx_remainder, true}};

enum { OPS = sizeof ops / sizeof *ops, OF_ALL = OPS - 2 /* complex64 has no order */ };

static mx_array *values(const int *shape, int ndim, mx_dtype t, uint64_t seed) {
    mx_array *x = mx_random_randint(mx_scalar(0, MX_INT32), mx_scalar(9, MX_INT32), shape, ndim,
                                    MX_INT32, mx_random_key(check_seed(seed)));
    x = mx_astype(x, t);
    CHECK(mx_eval1(x));
    return x;
}

static mx_array *whole(mx_array *a, mx_array *like) {
    mx_array *c = mx_contiguous(mx_broadcast_to(a, like->shape, like->ndim), false);
    CHECK(mx_eval1(c));
    return c;
}

/* n ops from `first` on. */
static void compare(mx_array *a, mx_array *b, int first, int n, const char *how) {
    for (int i = first; i < first + n; i++) {
        mx_scope s = mx_scope_open();
        if (ops[i].of_bool || mx_dtype_of(a) != MX_BOOL) {
            mx_array *got = ops[i].f(a, b), *back = ops[i].f(b, a);
            CHECK(mx_eval1(got) && mx_eval1(back));
            mx_array *want = ops[i].f(whole(a, got), whole(b, got));
            mx_array *want_back = ops[i].f(whole(b, got), whole(a, got));
            CHECK_MSG(same_values(got, want) && same_values(back, want_back), "%s: %s of %s (%d)",
                      how, ops[i].name, mx_dtype_name(mx_dtype_of(a)), got->shape[got->ndim - 1]);
        }
        mx_scope_close(s);
    }
}

static void compare_all(int rows, int cols, mx_dtype t, int first, int n) {
    mx_scope s = mx_scope_open();
    int full[2] = {rows, cols}, row[1] = {cols}, column[2] = {rows, 1}, more[3] = {2, rows, cols},
        lead[3] = {2, 1, cols}, middle[3] = {2, rows, 1}, wide[2] = {rows, cols + 3};
    mx_array *x = values(full, 2, t, 1), *r = values(row, 1, t, 2), *c = values(column, 2, t, 3);
    compare(x, r, first, n, "a row");
    compare(x, c, first, n, "a column");
    compare(c, r, first, n, "a column and a row");
    compare(x, values(NULL, 0, t, 4), first, n, "a scalar");
    mx_array *deep = values(more, 3, t, 5);
    compare(deep, c, first, n, "a column of each matrix");
    compare(deep, values(lead, 3, t, 6), first, n, "a row of each matrix");
    compare(values(middle, 3, t, 7), values(lead, 3, t, 8), first, n, "both of each matrix");
    mx_array *part = mx_slice_axis(values(wide, 2, t, 9), 1, 2, cols + 2);
    CHECK(mx_eval1(part));
    compare(part, r, first, n, "a part and a row");
    compare(part, x, first, n, "a part and all");
    mx_scope_close(s);
}

static void dtypes(void) {
    for (int t = 0; t < MX_DTYPE_COUNT; t++)
        compare_all(3, 300, (mx_dtype)t, 0, t == MX_COMPLEX64 ? OF_ALL : OPS);
}

static void lengths(void) {
    static const int cols[] = {1, 2, 3, 5, 63, 64, 65, 255, 256, 257, 1000, 1023, 1025, 4099};
    for (size_t i = 0; i < sizeof cols / sizeof *cols; i++)
        for (int rows = 1; rows < 6; rows += 2) {
            compare_all(rows, cols[i], MX_FLOAT32, 0, 2);
            compare_all(rows, cols[i], MX_INT64, 7, 2);
            compare_all(rows, cols[i], MX_INT32, OF_ALL, 2);
        }
    compare_all(300, 1000, MX_FLOAT32, 1, 1); // on several threads
    compare_all(2, 150001, MX_BFLOAT16, 1, 1);
    compare_all(3, 0, MX_FLOAT32, 1, 1);
}

/* A condition in rows, and one operand. */
static void others(void) {
    mx_scope s = mx_scope_open();
    int full[2] = {7, 400};
    mx_array *x = values(full, 2, MX_FLOAT32, 1), *y = values(full, 2, MX_FLOAT32, 2);
    mx_array *left = mx_slice_axis(x, 1, 3, 303), *right = mx_slice_axis(y, 1, 50, 350);
    CHECK(mx_eval1(left) && mx_eval1(right));
    mx_array *less = mx_less(left, right);
    CHECK(mx_eval1(less));
    mx_array *cond = mx_slice_axis(less, 0, 2, 3);
    CHECK(mx_eval1(cond));
    mx_array *got = mx_where(cond, left, right);
    CHECK(mx_eval1(got));
    CHECK(same_values(got, mx_where(whole(cond, left), whole(left, left), whole(right, left))));
    CHECK(same_values(mx_exp(left), mx_exp(whole(left, left))));
    CHECK(same_values(mx_astype(left, MX_INT8), mx_astype(whole(left, left), MX_INT8)));
    mx_scope_close(s);
}

int main(void) {
    RUN(dtypes);
    RUN(lengths);
    RUN(others);
    return check_done();
}
