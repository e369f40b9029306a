/* Reverse mode: trace the function, then walk its graph from the outputs back, adding up
   cotangents. */
#include "base/mem.h"
#include "base/status.h"
#include "graph/trace/scope.h"
#include "graph/watch/source.h"
#include "ops/rules.h"
#include "transforms/tape.h"

enum { TEXT = 256, FEW = 32 };

/* --- the walk back ---------------------------------------------------------------------------- */

typedef struct back {
    const mx_tape *tape;
    mx_array **cot;  /* by slot, retained; NULL is zero */
    mx_array **grad; /* of one step's inputs */
    bool *need;
} back;

/* cot[slot] += g */
static bool accumulate(back *b, int32_t slot, mx_array *g) {
    mx_array *old = b->cot[slot], *sum = old ? mx_add(old, g) : g;
    if (!sum)
        return false;
    b->cot[slot] = mx_array_retain(sum);
    mx_array_release(old);
    return true;
}

static bool any_cotangent(const back *b, const mx_tape_step *s) {
    for (int j = 0; j < s->node->nout; j++)
        if (b->cot[s->slot + j])
            return true;
    return false;
}

static void prepare(back *b, const mx_tape_step *s) {
    for (int i = 0; i < s->node->nin; i++) {
        b->grad[i] = NULL;
        b->need[i] = b->tape->src[s->src + i] >= 0;
    }
}

/* A node's siblings live while its rule runs. */
static bool step_back(back *b, const mx_tape_step *s) {
    prepare(b, s);
    mx_scope scope = mx_scope_open_on(s->node->stream);
    uint32_t former = mx_source_set(s->node->source);
    bool ok = mx_step_vjp(s->node, b->cot + s->slot, b->need, b->grad);
    mx_source_set(former);
    for (int i = 0; i < s->node->nin && ok; i++)
        if (b->need[i] && b->grad[i])
            ok = accumulate(b, b->tape->src[s->src + i], b->grad[i]);
    mx_scope_close(scope);
    return ok && !mx_failed();
}

static void drop_cotangents(back *b, const mx_tape_step *s) {
    for (int j = 0; j < s->node->nout; j++) {
        mx_array_release(b->cot[s->slot + j]);
        b->cot[s->slot + j] = NULL;
    }
}

static bool walk_back(back *b, size_t seeds) {
    for (size_t i = b->tape->n_step; i-- > seeds;) {
        const mx_tape_step *s = &b->tape->step[i];
        if (s->live && any_cotangent(b, s) && !step_back(b, s))
            return false;
        drop_cotangents(b, s);
    }
    return true;
}

/* --- the cotangents of the outputs ------------------------------------------------------------ */

static bool is_stopped(const mx_array *a) {
    return a->node && a->node->prim == MX_PRIM_stop_gradient;
}

static bool check_shape(const mx_array *out, const mx_array *cot) {
    char a[TEXT], b[TEXT];
    return mx_same_shape(out, cot) ||
           mx_fail(MX_INVALID, "[vjp] Output shape %s does not match cotangent shape %s.",
                   mx_shape_text(a, TEXT, out->shape, out->ndim),
                   mx_shape_text(b, TEXT, cot->shape, cot->ndim));
}

static int count_wanted(const mx_arrays *out) {
    int n = 0;
    for (size_t i = 0; i < out->count; i++)
        n += !is_stopped(out->item[i]);
    return n;
}

/* One for each output, or one for each that is not stopped. */
static bool place_cotangents(back *b, const mx_arrays *out, mx_array *const *cot, int ncot) {
    int next = 0, wanted = count_wanted(out);
    bool each = (size_t)ncot == out->count;
    if (!each && ncot != wanted)
        return mx_fail(MX_INVALID,
                       "[vjp] Number of outputs to compute gradients for (%d) does not match "
                       "number of cotangents (%d).",
                       wanted, ncot);
    for (size_t i = 0; i < out->count; i++) {
        mx_array *o = out->item[i], *given = each || !is_stopped(o) ? cot[next++] : NULL;
        mx_array *c = is_stopped(o) ? NULL : given;
        int32_t slot = b->tape->out_slot[i];
        if (c && !check_shape(o, c))
            return false;
        if (c && slot >= 0 && !accumulate(b, slot, mx_astype(c, mx_dtype_of(o))))
            return false;
    }
    return true;
}

static bool collect(const back *b, const mx_tracing *t, mx_arrays *grads) {
    bool ok = true;
    for (size_t i = 0; i < t->seeds.count && ok; i++)
        ok = mx_arrays_add(grads, b->cot[i] ? b->cot[i] : mx_zeros_like(t->seeds.item[i]));
    return ok;
}

static bool differentiate(const mx_tape *tape, const mx_tracing *t, const mx_arrays *out,
                          mx_array *const *cot, int ncot, mx_arrays *grads) {
    size_t slots = (size_t)tape->n_slot, most = (size_t)tape->max_in;
    mx_array **room = mx_calloc(slots + 2 * most + 1, sizeof *room);
    if (!room)
        return false;
    back b = {tape, room, room + slots, (bool *)(room + slots + most)};
    bool ok = place_cotangents(&b, out, cot, ncot) && walk_back(&b, t->seeds.count) &&
              collect(&b, t, grads);
    for (size_t i = 0; i < slots; i++)
        mx_array_release(b.cot[i]);
    mx_free(room);
    return ok;
}

static bool pull_back(mx_tracing *t, const mx_arrays *out, mx_array *const *cot, int ncot,
                      mx_arrays *grads) {
    mx_tape tape;
    bool ok = mx_tape_record(&tape, t, out->item, out->count) && mx_trace_relax(t, out) &&
              differentiate(&tape, t, out, cot, ncot, grads);
    mx_tape_free(&tape);
    return ok;
}

bool mx_vjp(mx_closure *f, mx_array *const *primals, int n, mx_array *const *cotangents, int ncot,
            mx_arrays *outputs, mx_arrays *grads) {
    mx_tracing t;
    uint8_t few[FEW], *levels = n <= FEW ? few : mx_malloc((size_t)n);
    if (!levels)
        return false;
    bool ok = mx_trace_begin(&t, primals, n, levels) &&
              mx_closure_call(f, t.seeds.item, n, outputs) &&
              pull_back(&t, outputs, cotangents, ncot, grads);
    ok = mx_trace_end(&t, outputs, grads, ok);
    if (levels != few)
        mx_free(levels);
    return ok;
}

/* --- value and gradient ----------------------------------------------------------------------- */

typedef struct partial_call {
    mx_closure *f;
    mx_array **in; /* all inputs; the seeds are put in place */
    int nin;
    const int *argnums;
} partial_call;

static bool call_with(mx_closure *self, mx_array *const *seeds, int n, mx_arrays *out) {
    partial_call *p = self->payload;
    for (int i = 0; i < n; i++)
        p->in[p->argnums[i]] = seeds[i];
    if (!mx_closure_call(p->f, p->in, p->nin, out))
        return false;
    if (out->count)
        return true;
    return mx_fail(MX_INVALID, "[value_and_grad] the function returned no array");
}

static bool check_argnums(int nin, const int *argnums, int nargs) {
    if (nargs <= 0)
        return mx_fail(MX_INVALID, "[grad] Must specify at least one argument.");
    for (int i = 0; i < nargs; i++) {
        if (argnums[i] < 0)
            return mx_fail(MX_RANGE,
                           "[grad] Can't compute the gradient of negative argument index %d",
                           argnums[i]);
        if (argnums[i] >= nin)
            return mx_fail(MX_RANGE,
                           "[grad] Can't compute the gradient of argument index %d because the "
                           "function is called with only %d positional arguments.",
                           argnums[i], nin);
    }
    return true;
}

/* One for the first output, whose shape the walk compares with (); none for the others. */
static bool grad_with(partial_call *p, mx_array **primals, int nargs, mx_arrays *outputs,
                      mx_arrays *grads) {
    mx_tracing t;
    mx_closure f = mx_closure_local(call_with, p);
    uint8_t few[FEW], *levels = nargs <= FEW ? few : mx_malloc((size_t)nargs);
    if (!levels)
        return false;
    bool ok = mx_trace_begin(&t, primals, nargs, levels) &&
              mx_closure_call(&f, t.seeds.item, nargs, outputs);
    int wanted = ok ? count_wanted(outputs) : 0;
    mx_array **cot = ok ? mx_calloc((size_t)wanted + 1, sizeof *cot) : NULL;
    if (cot && !is_stopped(outputs->item[0]))
        cot[0] = mx_scalar(1, mx_dtype_of(outputs->item[0]));
    ok = cot && !mx_failed() && pull_back(&t, outputs, cot, wanted, grads);
    ok = mx_trace_end(&t, outputs, grads, ok);
    mx_free(cot);
    if (levels != few)
        mx_free(levels);
    return ok;
}

bool mx_value_and_grad(mx_closure *f, mx_array *const *in, int nin, const int *argnums, int nargs,
                       mx_arrays *outputs, mx_arrays *grads) {
    if (!check_argnums(nin, argnums, nargs))
        return false;
    mx_array **room = mx_calloc((size_t)nin + (size_t)nargs, sizeof *room);
    if (!room)
        return false;
    partial_call p = {f, room, nin, argnums};
    mx_array **primals = room + nin;
    for (int i = 0; i < nin; i++)
        room[i] = in[i];
    for (int i = 0; i < nargs; i++)
        primals[i] = in[argnums[i]];
    bool ok = grad_with(&p, primals, nargs, outputs, grads);
    mx_free(room);
    return ok;
}
