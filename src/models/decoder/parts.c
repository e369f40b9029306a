/* What of a layer may be changed: see decoder.h. */
#include "models/decoder/decoder.h"

int mx_layer_matrices(mx_layer *l, mx_weight **out) {
    mx_attender *a = &l->attention;
    mx_recurrence *r = &l->recurrence;
    mx_experts *x = &l->experts;
    mx_feed *f = &l->feed, *s = &x->shared, *e = &x->feed;
    mx_weight *all[] = {&a->q,       &a->k,      &a->v,          &a->output, &a->gate, &a->q_down,
                        &a->kv_down, &r->in,     &r->in_more,    &r->output, &f->gate, &f->up,
                        &f->down,    &s->gate,   &s->up,         &s->down,   &e->gate, &e->up,
                        &e->down,    &x->router, &x->shared_gate};
    int n = 0;
    _Static_assert(sizeof all / sizeof *all == MX_LAYER_MATRICES, "the bound is what is listed");
    for (int i = 0; i < MX_LAYER_MATRICES; i++)
        if (all[i]->kind != MX_WEIGHT_NONE && all[i]->row)
            out[n++] = all[i];
    return n;
}

int mx_layer_norms(mx_layer *l, mx_norm **out) {
    mx_attender *a = &l->attention;
    mx_norm *all[] = {&l->before_mixer, &l->after_mixer, &l->before_feed, &l->after_feed,
                      &a->q_norm,       &a->k_norm,      &a->latent_norm, &l->recurrence.norm};
    int n = 0;
    _Static_assert(sizeof all / sizeof *all == MX_LAYER_NORMS, "the bound is what is listed");
    for (int i = 0; i < MX_LAYER_NORMS; i++)
        if (all[i]->kind != MX_NORM_NONE && all[i]->row)
            out[n++] = all[i];
    return n;
}
