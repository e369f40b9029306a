/* Reductions of windows of a padded array, as pools write them:
 *
 *     pad (N, spatial..., C) ─▶ as_strided (N, places..., window..., C) ─▶ reduce over the window
 *
 * becomes one node that reads the array as it lies, so that the padded one is never made. The three
 * nodes are what is exported and differentiated: where a transform watches the array they stay.
 */
#include "base/status.h"
#include "graph/eval/eval.h"
#include "kernels/reduce/k_reduce.h"
#include "ops/reduce/windows.h"
#include "ops/rules.h"

/* --- the primitive ---------------------------------------------------------------- */

static bool infer_windows(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_p_reduce_windows *p = params;
    const mx_array *a = in[0];
    int n = a->ndim - 2;
    (void)nout;
    bool right = nin == 2 && n > 0 && p->places.n == n && in[1]->size == 1 &&
                 in[1]->dtype == a->dtype && p->low.n == n && p->high.n == n && p->window.n == n &&
                 p->stride.n == n;
    for (int i = 0; right && i < n; i++) {
        int64_t padded = (int64_t)p->low.v[i] + a->shape[i + 1] + p->high.v[i],
                last = (int64_t)(p->places.v[i] - 1) * p->stride.v[i];
        right = p->low.v[i] >= 0 && p->high.v[i] >= 0 && p->window.v[i] > 0 && p->places.v[i] > 0 &&
                p->stride.v[i] > 0 && last + p->window.v[i] <= padded;
    }
    if (!right)
        return mx_fail(MX_INVALID, "[reduce_windows] windows are expected that fit");
    *out = (mx_out){mx_red_out((mx_red_op)p->op, mx_dtype_of(a)), mx_shape_of(a)};
    for (int i = 0; i < n; i++)
        out->shape.dim[i + 1] = p->places.v[i];
    return true;
}

#define WIDTHS(name) MX_FIELD(mx_p_reduce_windows, name, INTS)
static const mx_field windows_fields[] = {MX_FIELD(mx_p_reduce_windows, op, INT),
                                          WIDTHS(low),
                                          WIDTHS(high),
                                          WIDTHS(window),
                                          WIDTHS(stride),
                                          WIDTHS(places),
                                          MX_FIELD_END};

const mx_prim_desc mx_desc_reduce_windows = {
    .name = "ReduceWindows",
    .fields = windows_fields,
    .param_size = sizeof(mx_p_reduce_windows),
    .infer = infer_windows,
};

/* --- is it one? ------------------------------------------------------------------- */

enum { MOST_SPATIAL = 8 };

typedef struct shape {
    int n; /* spatial axes */
    const mx_array *padded;
    const mx_p_pad *pad;
    const mx_p_as_strided *view;
    int window[MOST_SPATIAL], stride[MOST_SPATIAL], places[MOST_SPATIAL];
} shape;

/* The last axes but one, as many as there are spatial ones. */
static bool reduces_windows(const mx_p_reduce *p, int n) {
    bool all = p->op <= MX_MIN && !p->keepdims && p->axes.n == n;
    for (int i = 0; all && i < n; i++)
        all = p->axes.v[i] == n + 1 + i;
    return all;
}

static bool pads_spatially(const shape *s) {
    const mx_p_pad *p = s->pad;
    return !p->low.v[0] && !p->high.v[0] && !p->low.v[s->n + 1] && !p->high.v[s->n + 1];
}

/* Spatial axis i, whose neighbours in the padded array are `step` elements apart. */
static bool find_axis(shape *s, int i, int64_t step) {
    const mx_p_as_strided *v = s->view;
    int places = v->shape.v[i + 1], window = v->shape.v[s->n + 1 + i];
    int64_t stride = v->strides.v[i + 1] / step;
    if (v->strides.v[i + 1] % step || stride < 1 || stride > INT32_MAX ||
        v->strides.v[s->n + 1 + i] != step || places < 1 || window < 1 ||
        (places - 1) * stride + window > s->padded->shape[i + 1])
        return false;
    s->places[i] = places;
    s->window[i] = window;
    s->stride[i] = (int)stride;
    return true;
}

static bool find_windows(shape *s) {
    const mx_p_as_strided *v = s->view;
    const int *dim = s->padded->shape;
    int64_t step = dim[s->n + 1];
    if (v->offset || v->shape.v[0] != dim[0] || v->shape.v[2 * s->n + 1] != dim[s->n + 1] ||
        v->strides.v[2 * s->n + 1] != 1)
        return false;
    for (int i = s->n - 1; i >= 0; step *= dim[1 + i--])
        if (!find_axis(s, i, step))
            return false;
    return v->strides.v[0] == step;
}

mx_array *mx_reduce_windows(const mx_node *view, const mx_node *pad, const mx_p_reduce *p) {
    shape s = {.n = pad->in[0]->ndim - 2, .pad = pad->params, .view = view->params};
    s.padded = view->in[0];
    if (s.n < 1 || s.n > MOST_SPATIAL || s.view->shape.n != 2 * s.n + 2 || !s.padded->size ||
        !mx_dtype_is_float(mx_dtype_of(s.padded)) || !reduces_windows(p, s.n) ||
        !pads_spatially(&s) || !find_windows(&s))
        return NULL;
    mx_p_reduce_windows q = {p->op,           {s.n, s.pad->low.v + 1}, {s.n, s.pad->high.v + 1},
                             {s.n, s.window}, {s.n, s.stride},         {s.n, s.places}};
    return mx_apply2(MX_PRIM_reduce_windows, &q, pad->in[0], pad->in[1]);
}

/* --- while nobody watches --------------------------------------------------------- */

/* Retained, as another thread may evaluate the array meanwhile; under the lock of nodes. */
static mx_node *pending_node(const mx_array *a, mx_prim p) {
    bool is = !a->tracer && !mx_array_available(a) && a->node && a->node->prim == p;
    return is ? mx_node_retain(a->node) : NULL;
}

mx_array *mx_reduce_padded(mx_array *a, const mx_p_reduce *p) {
    if (a->tracer || mx_array_available(a) || a->ndim < 4 || a->ndim % 2 ||
        !reduces_windows(p, a->ndim / 2 - 1))
        return NULL;
    mx_eval_lock();
    mx_node *view = pending_node(a, MX_PRIM_as_strided);
    mx_node *pad = view ? pending_node(view->in[0], MX_PRIM_pad) : NULL;
    mx_eval_unlock();
    mx_array *y = pad ? mx_reduce_windows(view, pad, p) : NULL;
    mx_node_release(pad);
    mx_node_release(view);
    return y;
}
