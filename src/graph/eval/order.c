/* The nodes that an evaluation needs, inputs before users; an explicit stack, any depth. */
#include "base/mem.h"
#include "base/status.h"
#include "graph/eval/plan.h"
#include "graph/trace/trace.h"
#include "graph/watch/cost.h"

typedef struct frame {
    mx_node *node;
    int next; /* input to look at */
} frame;

enum { ON_STACK = UINT32_MAX };

bool mx_plan_room(void *array, size_t *room, size_t n, size_t size) {
    if (n <= *room)
        return true;
    size_t want = *room ? *room : 64;
    while (want < n)
        want *= 2;
    void *bigger = mx_realloc_array(*(void **)array, want, size);
    if (!bigger)
        return false;
    *(void **)array = bigger;
    *room = want;
    return true;
}

static bool affords(mx_plan *p, const mx_node *n) {
    if (p->small)
        p->left -= mx_node_work(n);
    return !p->small || p->left >= 0;
}

static bool push(mx_plan *p, size_t *depth, mx_node *n) {
    if (!affords(p, n) || !mx_plan_room(&p->stack, &p->room_stack, *depth + 1, sizeof(frame)))
        return false;
    ((frame *)p->stack)[(*depth)++] = (frame){n, 0};
    n->mark = ON_STACK;
    return true;
}

static int32_t step_of(const mx_array *a) {
    return mx_array_available(a) || !a->node ? -1 : (int32_t)a->node->mark - 1;
}

static bool add_step(mx_plan *p, mx_node *n) {
    if (p->n_step == INT32_MAX - 1 || p->n_src > INT32_MAX - n->nin)
        return mx_fail(MX_RANGE, "[eval] the graph has more than 2^31 nodes");
    if (!mx_plan_room(&p->step, &p->room_step, (size_t)p->n_step + 1, sizeof *p->step) ||
        !mx_plan_room(&p->src, &p->room_src, (size_t)p->n_src + n->nin, sizeof *p->src))
        return false;
    p->step[p->n_step] = (mx_step){.node = n, .src = p->n_src};
    p->fills |= n->prim == MX_PRIM_full;
    for (int i = 0; i < n->nin; i++)
        p->src[p->n_src++] = step_of(n->in[i]);
    n->mark = (uint32_t)++p->n_step;
    return true;
}

/* An array of a transform around the one whose graph is walked: as it is, and its graph is that
   one's business. */
static bool is_outer(const mx_plan *p, const mx_array *a) {
    return p->open && a->tracer && a->tracer < mx_trace_level() && mx_trace_active();
}

/* Is there something to compute for a? *ok turns false for a placeholder. */
static bool needs(const mx_plan *p, const mx_array *a, bool *ok) {
    int state = atomic_load_explicit(&a->state, memory_order_acquire);
    if (state == MX_PLACEHOLDER && !p->open) {
        mx_fail(MX_INVALID,
                "[eval] Attempting to eval an array during function transformations like "
                "compile or vmap is not allowed.");
        *ok = false;
    }
    return state == MX_PENDING && a->node->mark == 0 && !is_outer(p, a);
}

static bool walk(mx_plan *p, mx_node *root) {
    size_t depth = 0;
    bool ok = push(p, &depth, root);
    while (depth && ok) {
        frame *f = &((frame *)p->stack)[depth - 1];
        if (f->next < f->node->nin) {
            mx_array *in = f->node->in[f->next++];
            if (needs(p, in, &ok))
                ok = ok && push(p, &depth, in->node);
        } else {
            ok = add_step(p, f->node);
            depth -= ok;
        }
    }
    while (depth) /* given up: forget the marks of what was not added */
        ((frame *)p->stack)[--depth].node->mark = 0;
    return ok;
}

bool mx_plan_order(mx_plan *p, mx_array *const *roots, int n) {
    bool ok = true;
    p->n_step = p->n_src = p->n_unit = p->n_order = 0;
    p->fills = false;
    for (int i = 0; i < n && ok; i++)
        if (needs(p, roots[i], &ok))
            ok = ok && walk(p, roots[i]->node);
    for (int i = 0; i < n && ok; i++)
        if (step_of(roots[i]) >= 0)
            p->step[step_of(roots[i])].root = true;
    for (int32_t i = 0; i < p->n_step; i++)
        p->step[i].node->mark = 0;
    return ok;
}

void mx_plan_free(mx_plan *p) {
    mx_free(p->step);
    mx_free(p->src);
    mx_free(p->unit);
    mx_free(p->order);
    mx_free(p->stack);
    *p = (mx_plan){0};
}
