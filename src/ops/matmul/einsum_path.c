/* The order in which the operands of an Einstein summation meet: see einsum.h.
 *
 * A pair costs one operation for every combination of its labels (two where it also sums). Up to
 * MOST_EXACT operands the best tree is found by dynamic programming over their subsets (as
 * Pfeifer, Haegeman and Verstraete 2014 lay out for tensor networks); beyond that
 * pairs are taken greedily.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "ops/matmul/einsum.h"

enum { MOST_EXACT = 8 };

mx_labels mx_einsum_labels(const mx_einsum_term *t) {
    mx_labels set = 0;
    for (int i = 0; i < t->n; i++)
        set |= mx_label_set(t->label[i]);
    return set;
}

static double volume(const mx_einsum_spec *e, mx_labels set) {
    double v = 1;
    for (; set; set &= set - 1)
        v *= (double)e->size[mx_label_first(set)];
    return v;
}

static double cost(const mx_einsum_spec *e, mx_labels all, mx_labels keep) {
    return volume(e, all) * (all & ~keep ? 2 : 1);
}

static void meet(mx_einsum_spec *e, int step, int x, int y) {
    e->pair[step] = (mx_einsum_pair){x < y ? x : y, x < y ? y : x, 0, 0};
}

/* --- exact ---------------------------------------------------------------------------- */

/* Subsets of operands, as bits. */
typedef struct subsets {
    const mx_einsum_spec *e;
    mx_labels in[MOST_EXACT];
    mx_labels label[1 << MOST_EXACT]; /* of the subset's result */
    double cost[1 << MOST_EXACT];
    uint16_t part[1 << MOST_EXACT]; /* the half with the lowest operand */
} subsets;

static mx_labels outside(const subsets *s, unsigned set) {
    mx_labels keep = mx_einsum_labels(&s->e->out);
    for (int i = 0; i < s->e->n; i++)
        if (!(set >> i & 1))
            keep |= s->in[i];
    return keep;
}

static void best_split(subsets *s, unsigned set) {
    unsigned low = set & -set, rest = set ^ low;
    mx_labels keep = outside(s, set);
    s->cost[set] = INFINITY;
    for (unsigned half = rest;;) {
        half = (half - 1) & rest; // every subset of rest but itself, from large to empty
        unsigned x = low | half, y = rest ^ half;
        double c = s->cost[x] + s->cost[y] + cost(s->e, s->label[x] | s->label[y], keep);
        if (c <= s->cost[set]) {
            s->cost[set] = c;
            s->part[set] = (uint16_t)x;
            s->label[set] = (s->label[x] | s->label[y]) & keep;
        }
        if (half == 0)
            break;
    }
}

static bool single(unsigned set) {
    return (set & (set - 1)) == 0;
}

/* Both halves first; the number of the subset's result. */
static int emit(mx_einsum_spec *e, const subsets *s, unsigned set, int *step) {
    if (single(set))
        return __builtin_ctz(set);
    int x = emit(e, s, s->part[set], step), y = emit(e, s, set ^ s->part[set], step);
    meet(e, *step, x, y);
    return e->n + (*step)++;
}

static bool choose_exactly(mx_einsum_spec *e) {
    subsets *s = mx_calloc(1, sizeof *s);
    if (!s)
        return false;
    s->e = e;
    for (int i = 0; i < e->n; i++)
        s->label[1u << i] = s->in[i] = mx_einsum_labels(&e->in[i]);
    for (unsigned set = 1; set < 1u << e->n; set++)
        if (!single(set))
            best_split(s, set);
    int step = 0;
    emit(e, s, (1u << e->n) - 1, &step);
    mx_free(s);
    return true;
}

/* --- greedy --------------------------------------------------------------------------- */

typedef struct pool {
    int n;
    mx_labels *label;
    int *number;
} pool;

/* Labels that something else than x and y still needs. */
static mx_labels needed(const mx_einsum_spec *e, const pool *p, int x, int y) {
    mx_labels keep = mx_einsum_labels(&e->out);
    for (int i = 0; i < p->n; i++)
        if (i != x && i != y)
            keep |= p->label[i];
    return keep;
}

static double growth(const mx_einsum_spec *e, const pool *p, int x, int y) {
    mx_labels keep = needed(e, p, x, y);
    return volume(e, (p->label[x] | p->label[y]) & keep) - volume(e, p->label[x]) -
           volume(e, p->label[y]);
}

static void remove_at(pool *p, int i) {
    size_t rest = (size_t)(--p->n - i);
    memmove(p->label + i, p->label + i + 1, rest * sizeof *p->label);
    memmove(p->number + i, p->number + i + 1, rest * sizeof *p->number);
}

static void join(mx_einsum_spec *e, pool *p, int step) {
    int x = 0, y = 1;
    double best = INFINITY;
    for (int i = 0; i < p->n; i++)
        for (int k = i + 1; k < p->n; k++) {
            double g = growth(e, p, i, k);
            if (g < best) {
                best = g;
                x = i;
                y = k;
            }
        }
    meet(e, step, p->number[x], p->number[y]);
    p->label[x] = (p->label[x] | p->label[y]) & needed(e, p, x, y);
    p->number[x] = e->n + step;
    remove_at(p, y);
}

static bool choose_greedily(mx_einsum_spec *e) {
    pool p = {e->n, mx_calloc((size_t)e->n, sizeof *p.label),
              mx_calloc((size_t)e->n, sizeof *p.number)};
    bool ok = p.label && p.number;
    for (int i = 0; i < e->n && ok; i++) {
        p.label[i] = mx_einsum_labels(&e->in[i]);
        p.number[i] = i;
    }
    for (int step = 0; step < e->n - 1 && ok; step++)
        join(e, &p, step);
    mx_free(p.label);
    mx_free(p.number);
    return ok;
}

static bool choose_tree(mx_einsum_spec *e) {
    if (e->n < 2)
        return true;
    return e->n <= MOST_EXACT ? choose_exactly(e) : choose_greedily(e);
}

/* What every pair has and must keep: the labels of what is left beside it, and of the result. */
static void describe_pairs(mx_einsum_spec *e, mx_labels *label) {
    for (int i = 0; i < e->n; i++)
        label[i] = mx_einsum_labels(&e->in[i]);
    for (int i = 0; i < e->n - 1; i++) {
        mx_einsum_pair *p = &e->pair[i];
        p->all = label[p->x] | label[p->y];
        label[p->x] = label[p->y] = 0;
        p->keep = mx_einsum_labels(&e->out);
        for (int k = 0; k < e->n + i; k++)
            p->keep |= label[k];
        label[e->n + i] = p->all & p->keep;
    }
}

bool mx_einsum_choose(mx_einsum_spec *e) {
    mx_labels *label = choose_tree(e) ? mx_calloc((size_t)e->n * 2, sizeof *label) : NULL;
    if (label)
        describe_pairs(e, label);
    mx_free(label);
    return label != NULL;
}

/* --- what it costs -------------------------------------------------------------------- */

static int count(mx_labels set) {
    return __builtin_popcountll((uint64_t)set) + __builtin_popcountll((uint64_t)(set >> 64));
}

mx_einsum_cost mx_einsum_cost_of(const mx_einsum_spec *e) {
    mx_einsum_cost c = {0};
    mx_labels all = 0;
    for (int i = 0; i < e->n; i++)
        all |= mx_einsum_labels(&e->in[i]);
    bool sums = all & ~mx_einsum_labels(&e->out);
    c.naive = volume(e, all) * ((e->n > 1 ? e->n - 1 : 1) + sums);
    c.naive_labels = count(all);
    for (int i = 0; i < e->n - 1; i++) {
        const mx_einsum_pair *p = &e->pair[i];
        c.chosen += cost(e, p->all, p->keep);
        c.chosen_labels = count(p->all) > c.chosen_labels ? count(p->all) : c.chosen_labels;
    }
    if (e->n == 1) {
        c.chosen = c.naive;
        c.chosen_labels = c.naive_labels;
    }
    return c;
}
