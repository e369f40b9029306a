/* Optimizers: see optim.h. */
#include "models/train/optim.h"

#include <math.h>
#include <string.h>

#include "base/status.h"
#include "ops/ops.h"

static const char *const names[] = {"adam", "adamw", "sgd", "lion", "muon"};

const char *mx_optim_name(mx_optim_kind kind) {
    return names[kind];
}

bool mx_optim_named(const char *name, mx_optim_kind *out) {
    for (int i = 0; i < MX_OPTIMS; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (mx_optim_kind)i;
            return true;
        }
    return mx_fail(MX_INVALID,
                   "[train] the optimizer '%.80s' is none of adam, adamw, sgd, lion, muon", name);
}

int mx_optim_states(const mx_optim *o) {
    bool plain = o->kind == MX_SGD && o->momentum == 0;
    return plain ? 0 : o->kind == MX_ADAM || o->kind == MX_ADAMW ? 2 : 1;
}

/* by a + (1 - by) b */
static mx_array *mixed(mx_array *a, double by, mx_array *b) {
    mx_array *more = mx_mul_s(b, 1 - by);
    return a ? mx_add(mx_mul_s(a, by), more) : more;
}

static mx_array *adam(const mx_optim *o, double rate, int64_t step, mx_array *w, mx_array *g,
                      mx_array **state) {
    mx_array *m = state[0] = mixed(state[0], o->beta1, g);
    mx_array *v = state[1] = mixed(state[1], o->beta2, mx_square(g));
    if (o->corrected) {
        m = mx_mul_s(m, 1 / (1 - pow(o->beta1, (double)step)));
        v = mx_mul_s(v, 1 / (1 - pow(o->beta2, (double)step)));
    }
    if (o->kind == MX_ADAMW)
        w = mx_mul_s(w, 1 - rate * o->decay);
    return mx_sub(w, mx_div(mx_mul_s(m, rate), mx_add_s(mx_sqrt(v), o->eps)));
}

static mx_array *sgd(const mx_optim *o, double rate, mx_array *w, mx_array *g, mx_array **state) {
    if (o->decay != 0)
        g = mx_add(g, mx_mul_s(w, o->decay));
    if (o->momentum != 0)
        g = state[0] = state[0] ? mx_add(mx_mul_s(state[0], o->momentum), g) : g;
    return mx_sub(w, mx_mul_s(g, rate));
}

static mx_array *lion(const mx_optim *o, double rate, mx_array *w, mx_array *g, mx_array **state) {
    mx_array *way = mx_sign(mixed(state[0], o->beta1, g));
    state[0] = mixed(state[0], o->beta2, g);
    return mx_sub(mx_mul_s(w, 1 - rate * o->decay), mx_mul_s(way, rate));
}

/* --- muon ------------------------------------------------------------------------------------ */

/* Near the orthogonal factor of a matrix: five steps of a polynomial that takes singular values to
   about 1. */
static mx_array *orthogonal(mx_array *x) {
    static const double a = 3.4445, b = -4.7750, c = 2.0315;
    bool tall = x && x->shape[0] > x->shape[1];
    x = tall ? mx_transpose(x) : x;
    x = mx_div(x, mx_add_s(mx_sqrt(mx_sum_all(mx_square(x))), 1e-7));
    for (int i = 0; i < 5; i++) {
        mx_array *s = mx_matmul(x, mx_transpose(x));
        mx_array *p = mx_add(mx_mul_s(s, b), mx_mul_s(mx_matmul(s, s), c));
        x = mx_add(mx_mul_s(x, a), mx_matmul(p, x));
    }
    return tall ? mx_transpose(x) : x;
}

static mx_array *muon(const mx_optim *o, double rate, mx_array *w, mx_array *g, mx_array **state) {
    state[0] = mixed(state[0], o->momentum, g);
    mx_array *way = mixed(state[0], o->momentum, g);
    if (w && w->ndim == 2) {
        double wide = (double)w->shape[0] / w->shape[1];
        way = mx_mul_s(orthogonal(way), wide > 1 ? sqrt(wide) : 1);
    }
    return mx_sub(mx_mul_s(w, 1 - rate * o->decay), mx_mul_s(way, rate));
}

mx_array *mx_optim_update(const mx_optim *o, double rate, int64_t step, mx_array *value,
                          mx_array *gradient, mx_array **state) {
    switch (o->kind) {
    case MX_ADAM:
    case MX_ADAMW: return adam(o, rate, step, value, gradient, state);
    case MX_SGD: return sgd(o, rate, value, gradient, state);
    case MX_LION: return lion(o, rate, value, gradient, state);
    case MX_MUON: return muon(o, rate, value, gradient, state);
    case MX_OPTIMS: break;
    }
    return NULL;
}

/* --- learning rates -------------------------------------------------------------------------- */

bool mx_rate_named(const char *name, mx_rate_kind *out) {
    static const struct {
        const char *name;
        mx_rate_kind kind;
    } all[] = {{"constant", MX_RATE_CONSTANT},
               {"cosine", MX_RATE_COSINE},
               {"cosine_decay", MX_RATE_COSINE},
               {"linear", MX_RATE_LINEAR},
               {"linear_schedule", MX_RATE_LINEAR}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(name, all[i].name) == 0) {
            *out = all[i].kind;
            return true;
        }
    return mx_fail(MX_INVALID,
                   "[train] the schedule '%.80s' is none of constant, cosine_decay, "
                   "linear_schedule",
                   name);
}

double mx_rate_at(const mx_rate *r, int64_t update) {
    if (r->warmup > 0 && update <= r->warmup)
        return r->warmup_rate + (r->rate - r->warmup_rate) * (double)update / (double)r->warmup;
    int64_t at = r->warmup > 0 ? update - r->warmup - 1 : update;
    double share = r->steps <= 0 ? 1 : (double)(at < r->steps ? at : r->steps) / (double)r->steps;
    if (r->kind == MX_RATE_CONSTANT)
        return r->rate;
    if (r->kind == MX_RATE_LINEAR)
        return r->rate + (r->end - r->rate) * share;
    return r->end + 0.5 * (1 + cos(3.14159265358979323846 * share)) * (r->rate - r->end);
}
