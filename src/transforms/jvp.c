/* Forward mode: trace the function, then walk its graph from the inputs on, carrying tangents. */
#include "base/mem.h"
#include "base/status.h"
#include "base/vec.h"
#include "graph/trace/scope.h"
#include "graph/watch/source.h"
#include "ops/rules.h"
#include "transforms/tape.h"

typedef struct forward {
    const mx_tape *tape;
    mx_array **tan; /* by slot, retained; NULL is zero */
    mx_array **in;  /* of one step */
    mx_array **out;
    size_t room_in;
} forward;

static bool inputs_of(forward *f, const mx_tape_step *s, bool *any) {
    size_t n = s->node->nin;
    *any = false;
    if (!mx_grow(&f->in, &f->room_in, n + 1, sizeof *f->in))
        return false;
    for (size_t i = 0; i < n; i++) {
        int32_t slot = f->tape->src[(size_t)s->src + i];
        f->in[i] = slot >= 0 ? f->tan[slot] : NULL;
        *any |= f->in[i] != NULL;
    }
    return true;
}

static bool step_on(forward *f, const mx_tape_step *s) {
    bool any;
    if (!inputs_of(f, s, &any))
        return false;
    if (!any)
        return true;
    mx_scope scope = mx_scope_open_on(s->node->stream);
    for (int j = 0; j < s->node->nout; j++)
        f->out[j] = NULL;
    uint32_t former = mx_source_set(s->node->source);
    bool ok = mx_step_jvp(s->node, f->in, f->out);
    mx_source_set(former);
    for (int j = 0; j < s->node->nout && ok; j++)
        f->tan[s->slot + j] = mx_array_retain(f->out[j]);
    mx_scope_close(scope);
    return ok;
}

static bool walk_on(forward *f, size_t seeds) {
    bool ok = true;
    for (size_t i = seeds; i < f->tape->n_step && ok; i++)
        if (f->tape->step[i].live)
            ok = step_on(f, &f->tape->step[i]);
    return ok;
}

/* The zero tangent of an output. That of a truth value is a float, of the dtype of what was
   compared: it takes part in sums and products as other tangents do. */
static mx_array *zero_tangent(mx_array *out) {
    mx_dtype t = MX_FLOAT32;
    if (mx_dtype_of(out) != MX_BOOL)
        return mx_zeros_like(out);
    for (int i = 0; out->node && i < out->node->nin; i++)
        if (mx_dtype_is_inexact(mx_dtype_of(out->node->in[i])))
            t = mx_dtype_of(out->node->in[i]);
    return mx_zeros(out->shape, out->ndim, t);
}

static bool collect(const forward *f, const mx_arrays *out, mx_arrays *out_tangents) {
    bool ok = true;
    for (size_t i = 0; i < out->count && ok; i++) {
        int32_t slot = f->tape->out_slot[i];
        mx_array *t = slot >= 0 ? f->tan[slot] : NULL;
        ok = mx_arrays_add(out_tangents, t ? t : zero_tangent(out->item[i]));
    }
    return ok;
}

static bool check_tangents(mx_array *const *primals, int n, mx_array *const *tan, int ntan) {
    if (n != ntan)
        return mx_fail(MX_INVALID, "[jvp] Number of inputs does not match number of tangents.");
    for (int i = 0; i < n; i++)
        if (tan[i] && primals[i] && !mx_same_shape(primals[i], tan[i]))
            return mx_fail(MX_INVALID, "[jvp] Input shape does not match shape of tangent.");
    return true;
}

/* In the primal's dtype, but that of an integer keeps its fraction. */
static mx_array *tangent_for(const mx_array *primal, mx_array *tan) {
    mx_dtype t = mx_dtype_of(primal);
    bool keeps = !mx_dtype_is_inexact(t) && mx_dtype_is_inexact(mx_dtype_of(tan));
    return keeps ? tan : mx_astype(tan, t);
}

static bool place_tangents(forward *f, const mx_tracing *t, mx_array *const *tan) {
    for (size_t i = 0; i < t->seeds.count; i++) {
        f->tan[i] = mx_array_retain(tan[i] ? tangent_for(t->seeds.item[i], tan[i]) : NULL);
        if (tan[i] && !f->tan[i])
            return false;
    }
    return true;
}

static bool push_forward(mx_tracing *t, const mx_arrays *out, mx_array *const *tan,
                         mx_arrays *out_tangents) {
    mx_tape tape;
    forward f = {.tape = &tape};
    bool ok = mx_tape_record(&tape, t, out->item, out->count);
    f.tan = mx_calloc((size_t)tape.n_slot + 1, sizeof *f.tan);
    f.out = mx_calloc((size_t)tape.max_out, sizeof *f.out);
    ok = ok && f.tan && f.out && mx_trace_relax(t, out) && place_tangents(&f, t, tan) &&
         walk_on(&f, t->seeds.count) && collect(&f, out, out_tangents);
    for (int32_t i = 0; f.tan && i < tape.n_slot; i++)
        mx_array_release(f.tan[i]);
    mx_free(f.tan);
    mx_free(f.in);
    mx_free(f.out);
    mx_tape_free(&tape);
    return ok;
}

bool mx_jvp(mx_closure *f, mx_array *const *primals, int n, mx_array *const *tangents, int ntan,
            mx_arrays *outputs, mx_arrays *out_tangents) {
    mx_tracing t;
    uint8_t *levels = check_tangents(primals, n, tangents, ntan) ? mx_malloc((size_t)n + 1) : NULL;
    if (!levels)
        return false;
    bool ok = mx_trace_begin(&t, primals, n, levels) &&
              mx_closure_call(f, t.seeds.item, n, outputs) &&
              push_forward(&t, outputs, tangents, out_tangents);
    ok = mx_trace_end(&t, outputs, out_tangents, ok);
    mx_free(levels);
    return ok;
}
