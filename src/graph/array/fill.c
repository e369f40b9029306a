/* Arrays that hold one value in every place: which of them a plan makes, and how. See plan.h. */
#include "graph/eval/plan.h"

/* May programs read the value instead? Not where it might be a value of the same program. */
static bool is_fill(const mx_plan *p, const mx_step *s) {
    const mx_node *n = s->node;
    return n->prim == MX_PRIM_full && (p->src[s->src] < 0 || n->in[0]->size != n->out[0]->size);
}

/* Consumers come later: by the time a fill is looked at, it is known whether someone wants its
   array. limit is free by now and counts the references from steps. */
static void look_at_consumers(mx_plan *p) {
    for (int32_t i = 0; i < p->n_step; i++) {
        p->step[i].limit = 0;
        p->step[i].whole = false;
        p->step[i].spread = p->step[i].root; // for now: wanted
    }
    for (int32_t i = p->n_step - 1; i >= 0; i--) {
        mx_step *s = &p->step[i];
        s->through = !s->spread && is_fill(p, s);
        uint32_t traits = mx_node_desc(s->node)->traits;
        bool whole = (traits & (MX_TRAIT_VIEW | MX_TRAIT_SHARES | MX_TRAIT_STRIDES)) != 0;
        for (int k = 0; k < s->node->nin; k++) {
            int32_t m = p->src[s->src + k];
            if (m < 0)
                continue;
            p->step[m].limit++;
            p->step[m].whole |= whole;
            p->step[m].spread |= !s->pointwise && !s->through;
        }
    }
}

/* Nobody but steps of this plan holds it, and none wants its memory as such. */
static bool is_inside(const mx_step *s) {
    const mx_array *a = s->node->out[0];
    return !s->root && !s->whole && !a->tracer &&
           atomic_load_explicit(&a->refs, memory_order_acquire) == (unsigned)s->limit;
}

void mx_plan_fills(mx_plan *p) {
    if (!p->fills)
        return;
    look_at_consumers(p);
    for (int32_t i = 0; i < p->n_step; i++) {
        mx_step *s = &p->step[i];
        s->spread = is_fill(p, s) && !s->through && is_inside(s);
        if (s->through)
            p->unit[s->unit].idle = true;
    }
}

mx_array *mx_plan_input(const mx_plan *p, const mx_step *s, int k, int32_t *made_by) {
    mx_array *a = s->node->in[k];
    *made_by = p->src[s->src + k];
    while (*made_by >= 0 && p->step[*made_by].through) {
        const mx_step *fill = &p->step[*made_by];
        a = fill->node->in[0];
        *made_by = p->src[fill->src];
    }
    return a;
}
