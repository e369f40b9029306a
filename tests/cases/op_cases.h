/* The case table: one row an operation, and every check that a row can answer (test_op_cases.c):
 *
 *     value      against `point`, element by element in double, or against `other` ways to the same
 *     dtypes     float16 to float64 against float64; integers exactly, where INTS says so
 *     layouts    strided, reversed, broadcast and empty inputs against plain ones
 *     vjp        against finite differences in float64
 *     jvp        against vjp: <g, J t> = <J* g, t>
 *     second     vjp of vjp against differences of vjp
 *     vmap       against a loop over the batch
 *     compile    against eager
 *     export     to a file and back, against eager
 *     sets       every instruction set against the baseline
 *     threads    four against one, bit for bit
 *
 * A family is a file op_cases_<family>.c and a line in OP_FAMILIES. test_op_coverage.c fails where
 * a primitive has no row.
 */
#ifndef OP_CASES_H
#define OP_CASES_H

#include "ops/ops.h"

enum { N = -1 }; /* in a shape: the axis that layouts empties and threads makes long */
enum { CASE_INPUTS = 4, CASE_NDIM = 5 };

enum op_case_flags {
    INTS = 1,     /* exact on integers as well */
    NO_GRAD = 2,  /* no derivative to check */
    NO_EMPTY = 4, /* refuses empty input */
    LOOSE = 8,    /* sums or cancels: tolerances a hundred times wider */
    NO_HALF = 16, /* halves lose too much to compare */
    NO_VMAP = 32,
    NO_SECOND = 64,  /* has a first derivative alone */
    NO_EXPORT = 512, /* files of functions have no name for it */
    KINKS = 256,     /* differences may step over one */
    /* computes in float32 (complex64) whatever the input: wider steps and tolerances */
    SINGLE = 128
};

typedef struct op_input {
    int ndim, shape[CASE_NDIM];
    double lo, hi; /* values lie between, equally likely; of integers hi is the last */
    bool index;    /* int32, and no derivative */
    bool boolean;  /* lo .. hi > 0 */
} op_input;

typedef struct op_case {
    const char *name;
    mx_array *(*f)(mx_array *const *in);
    double (*point)(const double *x);        /* of one element of each input, or NULL */
    mx_array *(*other)(mx_array *const *in); /* or NULL */
    unsigned flags;
    op_input in[CASE_INPUTS]; /* up to the first of ndim 0 without a range */
} op_case;

/* A list and its length, two arguments. */
#define LIST(...) \
    (const int[]){__VA_ARGS__}, (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int))
/* A function of the first inputs, a, b and c. */
#define CASE(name, expression)                          \
    static mx_array *name(mx_array *const *in) {        \
        mx_array *a = in[0], *b = in[1], *c = in[2];    \
        return (void)a, (void)b, (void)c, (expression); \
    }

/* FAMILY(name): the rows op_cases_<name>[] of op_cases_<name>.c, ended by an empty one. */
#define OP_FAMILIES        \
    FAMILY(pointwise)      \
    FAMILY(pointwise_bits) \
    FAMILY(shape)          \
    FAMILY(reduce)         \
    FAMILY(index)          \
    FAMILY(matmul)         \
    FAMILY(attention)      \
    FAMILY(conv)           \
    FAMILY(fft)            \
    FAMILY(linalg)         \
    FAMILY(random)         \
    FAMILY(quant)          \
    FAMILY(composite)
#define FAMILY(name) extern const op_case op_cases_##name[];
OP_FAMILIES
#undef FAMILY

#endif
