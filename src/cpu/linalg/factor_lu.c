/* LU with partial pivoting: see factor_engine.h. */
#include <string.h>

#include "cpu/linalg/factor_engine.h"
#include "cpu/linalg/linalg_batch.h"

static void exchange(char *a, char *b, size_t bytes) {
    char t[256];
    while (bytes) {
        size_t n = bytes < sizeof t ? bytes : sizeof t;
        memcpy(t, a, n);
        memcpy(a, b, n);
        memcpy(b, t, n);
        a += n;
        b += n;
        bytes -= n;
    }
}

void factor_exchange_rows(const factor_type *f, char *a, int64_t ld, int64_t n, const int *pivot,
                          int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (pivot[i] != i)
            exchange(factor_at(f, a, i * ld), factor_at(f, a, pivot[i] * ld), (size_t)n * f->item);
}

/* A few columns, as lines. */
static void factor_panel(const factor_type *f, int64_t m, int64_t n, char *a, int64_t ld,
                         int *pivot, char *panel) {
    linalg_copy(panel, m, 1, a, 1, ld, (int)n, (int)m, f->item);
    f->k->lu(m, n, panel, m, pivot);
    linalg_copy(a, 1, ld, panel, m, 1, (int)n, (int)m, f->item);
}

/* The columns from h on, once the first h of m rows and columns are factored. */
static bool factor_right(const factor_type *f, int64_t m, int64_t n, int64_t h, char *a, int64_t ld,
                         int *pivot, char *panel) {
    char *right = factor_at(f, a, h), *left = factor_at(f, a, h * ld),
         *rest = factor_at(f, left, h);
    factor_triangle l = {{a, ld, 1}, false, true};
    if (!factor_solve(f, l, h, n - h, right, ld) ||
        !factor_subtract(f, m - h, n - h, h, (mx_matrix){left, ld, 1}, (mx_matrix){right, ld, 1},
                         rest, ld) ||
        !factor_lu(f, m - h, n - h, rest, ld, pivot + h, panel))
        return false;
    int64_t k = m < n ? m : n;
    factor_exchange_rows(f, left, ld, h, pivot + h, k - h);
    for (int64_t i = h; i < k; i++)
        pivot[i] += (int)h;
    return true;
}

bool factor_lu(const factor_type *f, int64_t m, int64_t n, char *a, int64_t ld, int *pivot,
               char *panel) {
    if (m == 0 || n == 0)
        return true;
    if (n <= FACTOR_BLOCK)
        return factor_panel(f, m, n, a, ld, pivot, panel), true;
    int64_t h = factor_half(n), k = m < h ? m : h;
    char *right = factor_at(f, a, h);
    if (!factor_lu(f, m, h, a, ld, pivot, panel))
        return false;
    factor_exchange_rows(f, right, ld, n - h, pivot, k);
    if (m > h)
        return factor_right(f, m, n, h, a, ld, pivot, panel);
    return factor_solve(f, (factor_triangle){{a, ld, 1}, false, true}, k, n - h, right, ld);
}
