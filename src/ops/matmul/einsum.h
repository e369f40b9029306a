/* Einstein summation, between its files: what the subscripts say, and in which order operands meet.
 *
 *     "b...i, ij -> b...j"     a label is a letter, or an axis of the ellipsis
 *
 * Labels are small numbers in the order that an implied result has them: first the ellipsis' axes,
 * of which the last one counts from the right, then letters as ASCII has them.
 */
#ifndef MX_OPS_EINSUM_H
#define MX_OPS_EINSUM_H

#include "graph/array/array.h"

enum {
    MX_EINSUM_LETTERS = MX_MAX_NDIM, /* labels below are axes of the ellipsis */
    MX_EINSUM_LABELS = MX_MAX_NDIM + 52
};

typedef unsigned __int128 mx_labels; /* a set */

static inline mx_labels mx_label_set(int label) {
    return (mx_labels)1 << label;
}

/* The lowest label of a set that is not empty. */
static inline int mx_label_first(mx_labels set) {
    uint64_t low = (uint64_t)set;
    return low ? __builtin_ctzll(low) : 64 + __builtin_ctzll((uint64_t)(set >> 64));
}

typedef struct mx_einsum_term {
    int n;
    uint8_t label[MX_MAX_NDIM];
} mx_einsum_term;

/* Operands x < y meet; the result of pair i is operand n + i. */
typedef struct mx_einsum_pair {
    int x, y;
    mx_labels all, keep; /* labels of both; those that something else needs, and the output */
} mx_einsum_pair;

typedef struct mx_einsum_spec {
    int n;              /* operands */
    mx_einsum_term *in; /* a term for each */
    mx_einsum_term out;
    int64_t size[MX_EINSUM_LABELS]; /* that of every operand, but for axes of size 1 */
    mx_einsum_pair *pair;           /* n - 1 of them, in order */
} mx_einsum_spec;

mx_labels mx_einsum_labels(const mx_einsum_term *t);

/* Read the subscripts and choose the pairs. False: refused, or out of memory; free also then. */
bool mx_einsum_open(mx_einsum_spec *e, const char *subscripts, mx_array *const *in, int n);
void mx_einsum_free(mx_einsum_spec *e);

/* The operations of the chosen pairs, one after another; of all operands at once. The
   most labels that meet in either. */
typedef struct mx_einsum_cost {
    double naive, chosen;
    int naive_labels, chosen_labels;
} mx_einsum_cost;
mx_einsum_cost mx_einsum_cost_of(const mx_einsum_spec *e);

/* Fill `pair`: the fewest operations for up to eight operands, else the pair that makes
   the least new data, again and again. (einsum_path.c) */
bool mx_einsum_choose(mx_einsum_spec *e);

#endif
