/* A column of integers compared with a row gives what it gives where both are copied to the
 * result's shape first, whatever number of bytes the row's differences fit
 * (cpu/program/narrow.c): numbers in the row, beside its ends and far from it, rows at the ends of
 * the dtype. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "check.h"
#include "graph/eval/eval.h"
#include "ops/ops.h"
#include "same_values.h"

typedef mx_array *binary(mx_array *, mx_array *);

static const struct {
    const char *name;
    binary *f;
} ops[] = {{"equal", mx_equal},
           {"not_equal", mx_not_equal},
           {"less", mx_less},
           {"less_equal", mx_less_equal},
           {"greater", mx_greater},
           {"greater_equal", mx_greater_equal},
           {"maximum", mx_maximum /* has no narrow form */}};

static const mx_dtype dtypes[] = {MX_INT32, MX_UINT32, MX_INT64, MX_UINT64, MX_INT16, MX_UINT8};

enum { ROWS = 140, MOST = 1025 };

static uint64_t state;

static uint64_t any(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 20 ^ state << 24;
}

/* As the low bytes of numbers of the dtype. */
static mx_array *array_of(const uint64_t *x, const int *shape, int ndim, mx_dtype t) {
    size_t item = mx_dtype_size(t), n = 1;
    for (int i = 0; i < ndim; i++)
        n *= (size_t)shape[i];
    char *bytes = malloc(n * item + 1);
    for (size_t i = 0; i < n; i++)
        memcpy(bytes + i * item, &x[i], item);
    mx_array *a = mx_array_from(bytes, shape, ndim, t);
    free(bytes);
    return a;
}

/* low, low + most and what lies between. */
static mx_array *row_of(uint64_t low, uint64_t most, int n, mx_dtype t) {
    uint64_t x[MOST];
    for (int i = 0; i < n; i++)
        x[i] = low + (most == UINT64_MAX ? any() : any() % (most + 1));
    x[0] = low;
    x[n - 1] = low + most;
    return array_of(x, &n, 1, t);
}
static mx_array *column_of(uint64_t low, uint64_t most, mx_dtype t) {
    uint64_t x[ROWS];
    const uint64_t edges[] = {low,        low - 1,    low + most, low + most + 1, 0,
                              UINT64_MAX, 1ull << 63, INT64_MAX,  1u << 31,       INT32_MAX};
    for (int i = 0; i < ROWS; i++)
        x[i] = low + (most == UINT64_MAX ? any() : any() % (most + 1));
    memcpy(x + 20, edges, sizeof edges);
    return array_of(x, (int[]){ROWS, 1}, 2, t);
}

static mx_array *whole(mx_array *a, mx_array *like) {
    mx_array *c = mx_contiguous(mx_broadcast_to(a, like->shape, like->ndim), false);
    CHECK(mx_eval1(c));
    return c;
}

static void compare(mx_array *column, mx_array *row, const char *how) {
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        mx_scope s = mx_scope_open();
        mx_array *got = ops[i].f(column, row), *back = ops[i].f(row, column);
        CHECK(mx_eval1(got) && mx_eval1(back));
        mx_array *c = whole(column, got), *r = whole(row, got);
        CHECK_MSG(same_values(got, ops[i].f(c, r)) && same_values(back, ops[i].f(r, c)),
                  "%s: %s of %s (%d)", how, ops[i].name, mx_dtype_name(mx_dtype_of(row)),
                  row->shape[row->ndim - 1]);
        mx_scope_close(s);
    }
}

static void compare_range(uint64_t low, uint64_t most, int n, mx_dtype t) {
    mx_scope s = mx_scope_open();
    char how[80];
    snprintf(how, sizeof how, "%llu and %llu more", (unsigned long long)low,
             (unsigned long long)most);
    compare(column_of(low, most, t), row_of(low, most, n, t), how);
    mx_scope_close(s);
}

static void ranges(void) {
    static const uint64_t most[] = {0, 1, 255, 256, UINT16_MAX, 1u << 16, UINT32_MAX, 1ull << 32};
    const uint64_t lows[] = {0, (uint64_t)-3, 1000, INT64_MAX - 5u, 1ull << 63, INT32_MAX - 1u};
    state = check_seed(5);
    for (size_t t = 0; t < sizeof dtypes / sizeof *dtypes; t++)
        for (size_t i = 0; i < sizeof lows / sizeof *lows; i++)
            for (size_t j = 0; j < sizeof most / sizeof *most; j++)
                compare_range(lows[i], most[j], 70 + (int)(i + j), dtypes[t]);
}

static void lengths(void) {
    static const int cols[] = {64, 65, 127, 128, 129, 1000, 1023, 1024, 1025};
    for (size_t i = 0; i < sizeof cols / sizeof *cols; i++) {
        compare_range(7, 200, cols[i], MX_INT64);
        compare_range(7, 60000, cols[i], MX_UINT32);
    }
}

/* More axes, parts of arrays, rows that differ. */
static void layouts(void) {
    mx_scope s = mx_scope_open();
    mx_array *c = column_of(5, 300, MX_INT64), *r = row_of(5, 300, 600, MX_INT64);
    mx_array *deep = mx_reshape(c, (int[]){2, ROWS / 2, 1}, 3), *part = mx_slice_axis(r, 0, 3, 503);
    compare(deep, r, "of each matrix");
    compare(c, part, "a part");
    compare(mx_slice_axis(c, 0, 1, ROWS - 1), mx_reshape(r, (int[]){1, 600}, 2), "a part's");
    compare(mx_reshape(c, (int[]){ROWS, 1, 1}, 3), mx_reshape(r, (int[]){2, 300}, 2), "a matrix");
    compare(mx_reshape(c, (int[]){1, ROWS, 1}, 3), mx_reshape(r, (int[]){6, 1, 100}, 3), "rows");
    compare(mx_slice(r, (int[]){0}, (int[]){600}, (int[]){3}), c, "every third");
    mx_scope_close(s);
}

/* Memory that cannot be had is an error, and nothing else. */
static void no_memory(void) {
    for (uint64_t n = 1; n < 8; n++) {
        mx_scope s = mx_scope_open();
        mx_array *c = column_of(5, 300, MX_INT64), *r = row_of(5, 300, 600, MX_INT64);
        mx_array *y = mx_equal(c, r);
        mx_alloc_fail_at(n);
        bool good = mx_eval1(y);
        mx_alloc_fail_at(0);
        CHECK(good ? same_values(y, mx_equal(whole(c, y), whole(r, y)))
                   : mx_error_status() == MX_NOMEM);
        mx_error_clear();
        mx_scope_close(s);
    }
}

int main(void) {
    RUN(ranges);
    RUN(lengths);
    RUN(layouts);
    RUN(no_memory);
    return check_done();
}
