/* Recording the graph of a transform, and leaving it: see tape.h. Walks use an explicit stack and
 * the nodes' marks, under the lock of nodes. */
#include "transforms/tape.h"

#include "base/mem.h"
#include "base/status.h"
#include "base/vec.h"
#include "graph/eval/eval.h"
#include "graph/array/params.h"
#include "graph/trace/scope.h"
#include "graph/trace/trace.h"

/* --- seeds ------------------------------------------------------------------------------------ */

/* The value of a behind an identity node; available at once if a is. */
static mx_array *seed_new(mx_array *a, uint8_t level) {
    mx_p_reshape same = {{a->ndim, a->shape}, MX_TO_SQUEEZED, {0, NULL}};
    mx_array *s = mx_apply1(MX_PRIM_reshape, &same, a);
    if (!s)
        return NULL;
    s->tracer = level;
    if (mx_array_available(a)) {
        mx_array_view(s, a, 0, a->strides);
        atomic_store_explicit(&s->state, MX_AVAILABLE, memory_order_release);
    }
    return s;
}

bool mx_trace_begin(mx_tracing *t, mx_array *const *inputs, int n, uint8_t *levels) {
    bool ok = true;
    *t = (mx_tracing){.level = mx_trace_enter(), .scope = mx_scope_open(), .seed_level = levels};
    for (int i = 0; i < n && ok; i++) {
        levels[i] = inputs[i] ? inputs[i]->tracer : 0;
        ok = inputs[i] && mx_arrays_add(&t->seeds, seed_new(inputs[i], t->level));
    }
    return ok;
}

/* --- recording -------------------------------------------------------------------------------- */

typedef struct frame {
    mx_node *node;
    int next; /* input to look at */
} frame;

typedef struct stack {
    frame *item;
    size_t depth, room;
} stack;

enum { ON_STACK = UINT32_MAX, SOME = 32 /* steps at first */ };

static bool push(stack *s, mx_node *n) {
    if (!mx_grow(&s->item, &s->room, s->depth + 1, sizeof *s->item))
        return false;
    s->item[s->depth++] = (frame){n, 0};
    n->mark = ON_STACK;
    return true;
}

static bool follows(const mx_array *a, uint8_t level) {
    return a->tracer >= level && a->node;
}

static int32_t slot_of(const mx_tape *tape, const mx_array *a, uint8_t level) {
    if (!follows(a, level))
        return -1;
    const mx_tape_step *s = &tape->step[a->node->mark - 1];
    return s->live ? s->slot + (int32_t)a->index : -1;
}

/* Its derivative is zero: so declared, or a pointwise primitive without any rule. */
static bool blocks(const mx_node *n) {
    const mx_prim_desc *d = mx_node_desc(n);
    return n->prim == MX_PRIM_stop_gradient || (d->traits & MX_TRAIT_NO_GRAD) ||
           ((d->traits & MX_TRAIT_POINTWISE) && !d->partial && !d->vjp);
}

static bool add_step(mx_tape *tape, mx_node *n, bool seed, uint8_t level) {
    int nin = seed ? 0 : n->nin;
    if (tape->n_step >= INT32_MAX - 1 || tape->n_slot > INT32_MAX - n->nout ||
        tape->n_src > (size_t)(INT32_MAX - nin))
        return mx_fail(MX_RANGE, "[vjp] the graph has more than 2^31 nodes");
    if (!mx_grow(&tape->step, &tape->room_step, tape->n_step + 1, sizeof *tape->step) ||
        !mx_grow(&tape->src, &tape->room_src, tape->n_src + (size_t)nin + 1, sizeof *tape->src))
        return false;
    mx_tape_step s = {mx_node_retain(n), (int32_t)tape->n_src, tape->n_slot, seed};
    for (int i = 0; i < nin; i++) {
        int32_t slot = slot_of(tape, n->in[i], level);
        tape->src[tape->n_src++] = slot;
        s.live |= slot >= 0 && !blocks(n);
    }
    tape->n_slot += n->nout;
    tape->max_out = n->nout > tape->max_out ? n->nout : tape->max_out;
    tape->max_in = nin > tape->max_in ? nin : tape->max_in;
    tape->step[tape->n_step++] = s;
    n->mark = (uint32_t)tape->n_step;
    return true;
}

static bool walk(mx_tape *tape, stack *s, mx_node *root, uint8_t level) {
    bool ok = push(s, root);
    while (s->depth && ok) {
        frame *f = &s->item[s->depth - 1];
        if (f->next < f->node->nin) {
            mx_array *in = f->node->in[f->next++];
            if (follows(in, level) && in->node->mark == 0)
                ok = push(s, in->node);
        } else {
            ok = add_step(tape, f->node, false, level);
            s->depth -= ok;
        }
    }
    while (s->depth) /* given up: forget the marks of what was not added */
        s->item[--s->depth].node->mark = 0;
    return ok;
}

static bool record(mx_tape *tape, const mx_tracing *t, mx_array *const *roots, size_t n) {
    stack s = {0};
    bool ok = mx_grow(&tape->step, &tape->room_step, SOME, sizeof *tape->step) &&
              mx_grow(&tape->src, &tape->room_src, 2 * SOME, sizeof *tape->src) &&
              mx_grow(&s.item, &s.room, SOME, sizeof *s.item);
    for (size_t i = 0; i < t->seeds.count && ok; i++)
        ok = add_step(tape, t->seeds.item[i]->node, true, t->level);
    for (size_t i = 0; i < n && ok; i++)
        if (follows(roots[i], t->level) && roots[i]->node->mark == 0)
            ok = walk(tape, &s, roots[i]->node, t->level);
    for (size_t i = 0; i < n && ok; i++)
        tape->out_slot[i] = slot_of(tape, roots[i], t->level);
    for (size_t i = 0; i < tape->n_step; i++)
        tape->step[i].node->mark = 0;
    mx_free(s.item);
    return ok;
}

bool mx_tape_record(mx_tape *tape, const mx_tracing *t, mx_array *const *roots, size_t n) {
    *tape = (mx_tape){.max_out = 1};
    tape->out_slot = mx_calloc(n + 1, sizeof *tape->out_slot);
    if (!tape->out_slot)
        return false;
    mx_eval_lock();
    bool ok = record(tape, t, roots, n);
    mx_eval_unlock();
    return ok;
}

void mx_tape_free(mx_tape *tape) {
    for (size_t i = 0; i < tape->n_step; i++)
        mx_node_release(tape->step[i].node);
    mx_free(tape->step);
    mx_free(tape->src);
    mx_free(tape->out_slot);
    *tape = (mx_tape){0};
}

/* --- leaving ---------------------------------------------------------------------------------- */

static uint8_t own_level(const mx_node *n) {
    uint8_t level = 0;
    for (int i = 0; i < n->nin; i++)
        level = n->in[i]->tracer > level ? n->in[i]->tracer : level;
    return level;
}

/* Without a flag, an array that has its data needs its node no longer. */
static void lower(mx_array *a, uint8_t level, uint8_t from) {
    if (!a || a->tracer < from)
        return;
    a->tracer = level;
    if (!level && mx_array_available(a))
        mx_array_detach(a);
}

static void settle(const mx_tape *tape, const mx_tracing *t, mx_array **held) {
    for (size_t i = 0; i < tape->n_step; i++) {
        mx_node *n = tape->step[i].node;
        uint8_t level = i < t->seeds.count ? t->seed_level[i] : own_level(n);
        mx_node_hold_outputs(n, held);
        for (int j = 0; j < n->nout; j++) {
            lower(held[j], level, t->level);
            mx_array_release(held[j]);
        }
    }
}

static bool settle_all(mx_tracing *t, const mx_arrays *results) {
    mx_tape tape;
    bool ok = mx_tape_record(&tape, t, results->item, results->count);
    mx_array **held = mx_calloc((size_t)tape.max_out, sizeof *held);
    if (held) {
        mx_eval_lock();
        settle(&tape, t, held);
        mx_eval_unlock();
    }
    mx_free(held);
    mx_tape_free(&tape);
    return ok && held;
}

/* The outermost level: all that it flagged falls to 0, whatever the order. The nodes whose inputs
   are unflagged, each once: marked until the walk is over. */
typedef struct pile {
    mx_node **item;
    size_t n, next, room;
} pile;

static bool pile_add(pile *work, mx_node *n) {
    if (n->mark)
        return true;
    if (!mx_grow(&work->item, &work->room, work->n + 1, sizeof *work->item))
        return false;
    work->item[work->n++] = n;
    n->mark = ON_STACK;
    return true;
}

static void pile_free(pile *work) {
    for (size_t i = 0; i < work->n; i++)
        work->item[i]->mark = 0;
    mx_free(work->item);
}

/* Unflag a; its node is still to be followed, and a lets go of it later if it has its data. */
static bool drop_flag(mx_tracing *t, pile *work, mx_array *a) {
    if (!a->tracer || atomic_load(&a->state) == MX_PLACEHOLDER)
        return true;
    a->tracer = 0;
    if (!a->node)
        return true;
    if (!pile_add(work, a->node))
        return false;
    if (!mx_array_available(a))
        return true;
    if (!mx_grow(&t->done, &t->room_done, t->n_done + 1, sizeof *t->done))
        return false;
    t->done[t->n_done++] = mx_array_retain(a);
    return true;
}

static bool drop_flags(mx_tracing *t, pile *work, const mx_arrays *roots) {
    bool ok = true;
    for (size_t i = 0; i < roots->count && ok; i++)
        ok = drop_flag(t, work, roots->item[i]);
    while (work->next < work->n && ok) {
        const mx_node *n = work->item[work->next++];
        for (int i = 0; i < n->nin && ok; i++)
            ok = drop_flag(t, work, n->in[i]);
    }
    return ok;
}

bool mx_trace_relax(mx_tracing *t, const mx_arrays *outputs) {
    pile work = {0};
    if (t->level > 1)
        return true;
    mx_eval_lock();
    bool ok = drop_flags(t, &work, outputs) && drop_flags(t, &work, &t->seeds);
    pile_free(&work);
    mx_eval_unlock();
    return ok;
}

static bool any_flag(const mx_arrays *list) {
    for (size_t i = 0; i < list->count; i++)
        if (list->item[i]->tracer)
            return true;
    return false;
}

static bool settle_outermost(mx_tracing *t, const mx_arrays *results0, const mx_arrays *results1) {
    pile work = {0};
    if (!t->n_done && !any_flag(results0) && !any_flag(results1) && !any_flag(&t->seeds))
        return true;
    mx_eval_lock();
    bool ok = drop_flags(t, &work, results0) && drop_flags(t, &work, results1) &&
              drop_flags(t, &work, &t->seeds);
    pile_free(&work);
    for (size_t i = 0; i < t->n_done; i++) {
        mx_array_detach(t->done[i]);
        mx_array_release(t->done[i]);
    }
    mx_eval_unlock();
    mx_free(t->done);
    return ok;
}

static bool settle_inner(mx_tracing *t, const mx_arrays *results0, const mx_arrays *results1,
                         bool ok) {
    mx_arrays all = {0};
    ok = ok && mx_arrays_add_all(&all, results0->item, results0->count) &&
         mx_arrays_add_all(&all, results1->item, results1->count);
    ok = settle_all(t, &all) && ok;
    mx_arrays_free(&all);
    return ok;
}

bool mx_trace_end(mx_tracing *t, const mx_arrays *results0, const mx_arrays *results1, bool ok) {
    if (t->level > 1)
        ok = settle_inner(t, results0, results1, ok);
    else
        ok = settle_outermost(t, results0, results1) && ok;
    mx_scope_close(t->scope);
    mx_arrays_free(&t->seeds);
    mx_trace_leave();
    return ok;
}
