#include "models/sampling/candidates.h"

#include <math.h>

/* --- order ------------------------------------------------------------------------------------ */

static bool before(const mx_candidate *a, const mx_candidate *b) {
    return a->key != b->key ? a->key > b->key : a->id < b->id;
}

/* The last in order is on top of the heap; item i has moved out of its order. */
static void sift(mx_candidate *heap, size_t n, size_t i) {
    mx_candidate x = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(&heap[child], &heap[child + 1]))
            child++;
        if (!before(&x, &heap[child]))
            break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}

void mx_largest(const mx_candidates *c, size_t m) {
    mx_candidate *heap = c->best;
    for (size_t i = 0; i < m; i++)
        heap[i] = c->item[i];
    for (size_t i = m / 2; i-- > 0;)
        sift(heap, m, i);
    for (size_t i = m; i < c->count; i++)
        if (before(&c->item[i], heap)) {
            heap[0] = c->item[i];
            sift(heap, m, 0);
        }
    for (size_t n = m; n > 1;) { // the last goes to the end
        mx_candidate last = heap[0];
        heap[0] = heap[--n];
        heap[n] = last;
        sift(heap, n, 0);
    }
}

static void keep_best(mx_candidates *c, size_t m) {
    mx_candidate *former = c->item;
    c->item = c->best;
    c->best = former;
    c->count = m;
}

static void order_by_logit(mx_candidates *c) {
    for (size_t i = 0; i < c->count; i++)
        c->item[i].key = c->item[i].logit;
}

/* --- probabilities ---------------------------------------------------------------------------- */

static float largest_logit(const mx_candidates *c) {
    float max = -INFINITY;
    for (size_t i = 0; i < c->count; i++)
        max = fmaxf(max, c->item[i].logit);
    return max;
}

/* log of the sum of exp(logit / temperature). */
static double log_sum(const mx_candidates *c, double temperature) {
    double max = largest_logit(c), sum = 0;
    for (size_t i = 0; i < c->count; i++)
        sum += exp((c->item[i].logit - max) / temperature);
    return max / temperature + log(sum);
}

/* --- steps ------------------------------------------------------------------------------------ */

void mx_keep_top_k(mx_candidates *c, int k) {
    if (k <= 0 || (size_t)k >= c->count)
        return;
    order_by_logit(c);
    mx_largest(c, (size_t)k);
    keep_best(c, (size_t)k);
}

/* The first in the order of their keys whose mass reaches p: more are looked at until it does. */
static void keep_mass(mx_candidates *c, double p, double log_all) {
    for (size_t m = 64;; m *= 8) {
        double mass = 0;
        m = m < c->count ? m : c->count;
        mx_largest(c, m);
        for (size_t i = 0; i < m; i++) {
            mass += exp(c->best[i].logit - log_all);
            if (mass >= p || i + 1 == c->count) {
                keep_best(c, i + 1);
                return;
            }
        }
    }
}

static bool leaves_out_mass(double p) {
    return p > 0 && p < 1;
}

void mx_keep_top_p(mx_candidates *c, double p) {
    if (!leaves_out_mass(p))
        return;
    order_by_logit(c);
    keep_mass(c, p, log_sum(c, 1));
}

void mx_keep_typical(mx_candidates *c, double p) {
    if (!leaves_out_mass(p))
        return;
    double all = log_sum(c, 1), entropy = 0;
    for (size_t i = 0; i < c->count; i++) {
        double log_p = c->item[i].logit - all;
        entropy -= exp(log_p) * log_p;
    }
    for (size_t i = 0; i < c->count; i++)
        c->item[i].key = (float)-fabs(all - c->item[i].logit - entropy);
    keep_mass(c, p, all);
}

static void keep_from(mx_candidates *c, double logit) {
    size_t kept = 0;
    for (size_t i = 0; i < c->count; i++)
        if (c->item[i].logit >= logit)
            c->item[kept++] = c->item[i];
    c->count = kept;
}

void mx_keep_min_p(mx_candidates *c, double p) {
    if (p > 0)
        keep_from(c, largest_logit(c) + fmin(0, log(p)));
}

/* Of those at or above the threshold the least likely stays, of equals the last; all others below
   stay. */
void mx_keep_xtc(mx_candidates *c, double probability, double threshold, double u) {
    if (probability <= 0 || u >= probability)
        return;
    double least = log_sum(c, 1) + log(threshold);
    size_t stays = c->count, above = 0, kept = 0;
    for (size_t i = 0; i < c->count; i++)
        if (c->item[i].logit >= least && ++above &&
            (stays == c->count || c->item[i].logit <= c->item[stays].logit))
            stays = i;
    for (size_t i = 0; above > 1 && i < c->count; i++)
        if (c->item[i].logit < least || i == stays)
            c->item[kept++] = c->item[i];
    c->count = above > 1 ? kept : c->count;
}

void mx_keep_surprise(mx_candidates *c, double mu) {
    double all = log_sum(c, 1);
    keep_from(c, fmin(all - mu * log(2), largest_logit(c)));
}

/* --- the draw --------------------------------------------------------------------------------- */

static const mx_candidate *likeliest(const mx_candidates *c) {
    const mx_candidate *best = c->item;
    for (size_t i = 1; i < c->count; i++) {
        const mx_candidate *x = &c->item[i];
        if (x->logit > best->logit || (x->logit == best->logit && x->id < best->id))
            best = x;
    }
    return best;
}

static const mx_candidate *at(const mx_candidates *c, double temperature, double u) {
    double all = log_sum(c, temperature), mass = 0;
    const mx_candidate *last = c->item;
    for (size_t i = 0; i < c->count; i++) {
        double p = exp(c->item[i].logit / temperature - all);
        if (p > 0)
            last = &c->item[i];
        if ((mass += p) > u)
            return last;
    }
    return last; // rounding: the masses sum to a little less than 1
}

const mx_candidate *mx_draw(const mx_candidates *c, double temperature, double u, double *bits) {
    const mx_candidate *x = temperature > 0 ? at(c, temperature, u) : likeliest(c);
    if (bits)
        *bits = (log_sum(c, 1) - x->logit) / log(2);
    return x;
}
