/* The tokens that are still in question, and the steps that leave some out. */
#ifndef MX_MODELS_CANDIDATES_H
#define MX_MODELS_CANDIDATES_H

#include "models/sampling/sampler.h"

typedef struct mx_candidate {
    float logit, key; /* key: what the step in hand orders by */
    int id;
} mx_candidate;

typedef struct mx_candidates {
    mx_candidate *item;
    mx_candidate *best; /* room for as many */
    size_t count;
} mx_candidates;

/* The m largest keys in order, of equal ones the smaller id first, into c->best. */
void mx_largest(const mx_candidates *c, size_t m);

/* Each at least one; none changes c where it is to be left out (0, or 1 for masses). */
void mx_keep_top_k(mx_candidates *c, int k);
void mx_keep_top_p(mx_candidates *c, double p);
void mx_keep_min_p(mx_candidates *c, double p);
void mx_keep_typical(mx_candidates *c, double p);
/* u: one number in [0, 1) for this step */
void mx_keep_xtc(mx_candidates *c, double probability, double threshold, double u);
/* Those of at most mu bits of surprise (mirostat). */
void mx_keep_surprise(mx_candidates *c, double mu);

/* The candidate at u in [0, 1) of the distribution at a temperature; its surprise in bits, unless
   bits is NULL. */
const mx_candidate *mx_draw(const mx_candidates *c, double temperature, double u, double *bits);

#endif
