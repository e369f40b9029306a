/* Every operation of the case table on inputs without elements, with one in each batch, and without
 * axes: what comes back does not depend on what lay in memory before. Each result is computed
 * twice, over blocks full of 0xff, which is NaN in every float type, and of 0x3f. */
#include "op_case_run.h"

#include <malloc.h>

#include "base/memory/cache.h"

enum { SAME_AXES = -2 };

/* The inputs of a row with N as n, and with axes of size `from` as 0; or without axes. */
static bool make_variant(const op_case *c, int n, int from, bool scalar, mx_array **in) {
    for (int i = 0; i < inputs_of(c); i++) {
        op_input shaped = c->in[i];
        for (int k = 0; k < shaped.ndim; k++)
            if (shaped.shape[k] == from)
                shaped.shape[k] = 0;
        if (scalar)
            shaped.ndim = 0;
        in[i] = make(&shaped, n, 31 + (uint64_t)i, MX_FLOAT32);
    }
    return mx_eval(in, inputs_of(c));
}

/* The bytes of the result in row-major order; NULL where the operation refuses these inputs. */
static mx_array *filled(const op_case *c, mx_array *const *in, int byte) {
    mallopt(M_PERTURB, byte ^ 0xf0);
    mx_block_fill(byte);
    mx_array *y = mx_contiguous(c->f(in), false);
    bool ok = mx_eval1(y);
    mx_block_fill(-1);
    mallopt(M_PERTURB, 0);
    mx_error_clear();
    return ok ? y : NULL;
}

static int compared;

static void check_variant(const op_case *c, const char *what, int n, int from, bool scalar) {
    mx_scope s = mx_scope_open();
    mx_array *in[CASE_INPUTS] = {0};
    if (make_variant(c, n, from, scalar, in)) {
        mx_array *a = filled(c, in, 0xff), *b = a ? filled(c, in, 0x3f) : NULL;
        size_t bytes = a ? (size_t)a->size * mx_itemsize(a) : 0;
        CHECK_MSG(!a || b, "%s, %s: refused the second time", c->name, what);
        if (b)
            CHECK_MSG(mx_same_shape(a, b) && (!bytes || !memcmp(a->data, b->data, bytes)),
                      "%s, %s: the result depends on what was in memory", c->name, what);
        compared += b != NULL;
    }
    mx_error_clear();
    mx_scope_close(s);
}

static void check_case(const op_case *c) {
    char what[64];
    check_variant(c, "no elements", 0, SAME_AXES, false);
    check_variant(c, "one element", 1, SAME_AXES, false);
    check_variant(c, "some elements", 5, SAME_AXES, false);
    check_variant(c, "no axes", 1, SAME_AXES, true);
    for (int size = 1; size <= 64; size++) {
        bool found = false;
        for (int i = 0; i < inputs_of(c); i++)
            for (int k = 0; k < c->in[i].ndim; k++)
                found = found || c->in[i].shape[k] == size;
        snprintf(what, sizeof what, "axes of %d without elements", size);
        if (found)
            check_variant(c, what, 2, size, false);
    }
}

int main(int argc, char **argv) {
    int rows = 0;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        for (const op_case *c = families[i]; c->name; c++, rows++)
            if (argc < 2 || strcmp(argv[1], c->name) == 0)
                check_case(c);
    CHECK_MSG(argc > 1 || compared > 2 * rows, "only %d results of %d rows were compared", compared,
              rows);
    return check_done();
}
