/* Optimizers and learning rates, as mlx.optimizers has them.
 *
 *     adam    m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, w -= rate m / (sqrt(v) + eps)
 *             (Kingma and Ba 2015); corrected: m and v are divided by 1 - b^step
 *     adamw   the same of w (1 - rate decay)                  (Loshchilov and Hutter 2019)
 *     sgd     m = momentum m + g, w -= rate m; with momentum 0 w -= rate g; g has decay w added
 *     lion    w -= rate (sign(b1 m + (1 - b1) g) + decay w), m = b2 m + (1 - b2) g
 *             (Chen et al. 2023)
 *     muon    m = momentum m + (1 - momentum) g; matrices move along the orthogonal factor of
 *             momentum m + (1 - momentum) g, by Newton and Schulz, times sqrt(max(1, rows /
 *             columns)); vectors along that itself (Jordan et al. 2024)
 */
#ifndef MX_MODELS_OPTIM_H
#define MX_MODELS_OPTIM_H

#include "graph/array/array.h"

typedef enum mx_optim_kind { MX_ADAM, MX_ADAMW, MX_SGD, MX_LION, MX_MUON, MX_OPTIMS } mx_optim_kind;

typedef struct mx_optim {
    mx_optim_kind kind;
    double beta1, beta2, eps, decay, momentum;
    bool corrected;
} mx_optim;

enum { MX_OPTIM_STATES = 2 };

/* False and an error: there is none of this name. */
bool mx_optim_named(const char *name, mx_optim_kind *out);
const char *mx_optim_name(mx_optim_kind kind);
/* How many arrays like the param it keeps. */
int mx_optim_states(const mx_optim *o);
/* The value after an update (the first is 1), and in `state` the states in place of those before
   (NULL: zeros). Arrays of the scope, all pending. */
mx_array *mx_optim_update(const mx_optim *o, double rate, int64_t step, mx_array *value,
                          mx_array *gradient, mx_array **state);

/* --- learning rates --------------------------------------------------------------------------- */

typedef enum mx_rate_kind { MX_RATE_CONSTANT, MX_RATE_COSINE, MX_RATE_LINEAR } mx_rate_kind;

typedef struct mx_rate {
    mx_rate_kind kind;
    double rate, end; /* at first, and after `steps` updates */
    int64_t steps;
    int64_t warmup; /* updates in which it rises from warmup_rate to rate, before the rest */
    double warmup_rate;
} mx_rate;

/* "constant", "cosine_decay" or "cosine", "linear_schedule" or "linear". */
bool mx_rate_named(const char *name, mx_rate_kind *out);
/* Of an update; the first is 0. */
double mx_rate_at(const mx_rate *r, int64_t update);

#endif
