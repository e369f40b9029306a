/* Padding: with a value (a primitive), or with the array's own elements (gathered). */
#include <string.h>

#include "base/status.h"
#include "graph/array/params.h"
#include "ops/rules.h"

/* --- the primitive: inputs a and a scalar ----------------------------------------- */

static bool infer_pad(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_p_pad *p = params;
    const mx_array *a = in[0];
    (void)nout;
    if (nin != 2 || p->low.n != a->ndim || p->high.n != a->ndim || in[1]->size != 1 ||
        in[1]->dtype != a->dtype)
        return mx_fail(MX_INVALID,
                       "[pad] one width an axis and one value of the array's dtype are expected");
    *out = (mx_out){mx_dtype_of(a), mx_shape_of(a)};
    for (int i = 0; i < a->ndim; i++) {
        int64_t n = (int64_t)p->low.v[i] + a->shape[i] + p->high.v[i];
        if (!mx_axis_fits("pad", n))
            return false;
        if (p->low.v[i] < 0 || p->high.v[i] < 0)
            return mx_fail(MX_INVALID, "[pad] Invalid padding (%d,%d) of axis %d of size %d",
                           p->low.v[i], p->high.v[i], i, a->shape[i]);
        out->shape.dim[i] = (int)n;
    }
    return true;
}

/* The part of a padded array that is not padding. */
static mx_array *inside(mx_array *g, const mx_p_pad *p, const mx_array *a) {
    int stop[MX_MAX_NDIM];
    for (int i = 0; i < a->ndim; i++)
        stop[i] = p->low.v[i] + a->shape[i];
    for (int i = 0; mx_trace_shapeless() && i < a->ndim; i++)
        stop[i] = p->high.v[i] ? -p->high.v[i] : INT32_MAX;
    return mx_slice_asked(g, p->low.v, stop, NULL);
}

static bool pad_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    mx_array *part = cot[0] ? inside(cot[0], y->params, y->in[0]) : NULL;
    if (!cot[0])
        return true;
    if (need[0])
        grad[0] = part;
    if (need[1])
        grad[1] = mx_reshape_like(mx_sub(mx_sum_all(cot[0]), mx_sum_all(part)), y->in[1]);
    return !mx_failed();
}

static bool pad_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                     int *out_axes) {
    const mx_p_pad *p = y->params;
    int low[MX_MAX_NDIM + 1] = {0}, high[MX_MAX_NDIM + 1] = {0};
    if (axes[1] >= 0)
        return mx_loop_vmap(y, in, axes, n, out, out_axes);
    for (int i = 0; i < p->low.n; i++) {
        low[i + 1] = p->low.v[i];
        high[i + 1] = p->high.v[i];
    }
    mx_p_pad q = {{p->low.n + 1, low}, {p->high.n + 1, high}};
    out[0] = mx_apply2(MX_PRIM_pad, &q, mx_batch_front(in[0], axes[0]), in[1]);
    out_axes[0] = 0;
    return out[0] != NULL;
}

static const mx_field pad_fields[] = {MX_FIELD(mx_p_pad, low, INTS), MX_FIELD(mx_p_pad, high, INTS),
                                      MX_FIELD_END};

const mx_prim_desc mx_desc_pad = {
    .name = "Pad",
    .fields = pad_fields,
    .param_size = sizeof(mx_p_pad),
    .infer = infer_pad,
    .vjp = pad_vjp,
    .jvp = mx_linear_jvp,
    .vmap = pad_vmap,
};

/* --- modes that repeat the array's own elements ----------------------------------- */

enum { MANY = 1 << 14 }; /* elements from which passes cost more than nodes */

typedef enum pad_mode { CONSTANT, EDGE, REFLECT, SYMMETRIC, NO_MODE } pad_mode;

static pad_mode mode_of(const char *mode) {
    static const char *const names[] = {"constant", "edge", "reflect", "symmetric"};
    pad_mode m = CONSTANT;
    while (m < NO_MODE && strcmp(mode ? mode : "constant", names[m]) != 0)
        m++;
    return m;
}

static int64_t wrap(int64_t i, int64_t period) {
    i %= period;
    return i < 0 ? i + period : i;
}

/* Which of n elements stands at place i, which may be negative or past the end.
   reflect: 2 1 | 0 1 2 | 1 0, symmetric: 1 0 | 0 1 2 | 2 1. */
static int64_t source(pad_mode mode, int64_t i, int64_t n) {
    if (mode == EDGE || n == 1)
        return i < 0 ? 0 : i >= n ? n - 1 : i;
    int64_t period = mode == REFLECT ? 2 * n - 2 : 2 * n, w = wrap(i, period);
    return w < n ? w : period - (mode == SYMMETRIC) - w;
}

/* What stands at places begin .. end - 1 of an axis. */
static mx_array *drawn(mx_array *a, int axis, pad_mode mode, int begin, int end) {
    mx_array *index = a ? mx_array_empty((int[]){end - begin}, 1, MX_INT32) : NULL;
    int32_t *v = index ? (int32_t *)index->data : NULL;
    for (int64_t i = 0; v && i < index->size; i++)
        v[i] = (int32_t)source(mode, begin + i, a->shape[axis]);
    return v ? mx_take(a, index, axis) : NULL;
}

/* Places of the nearest elements, for any length. */
static mx_array *nearest(mx_array *a, int axis, int low, int high) {
    int others[MX_MAX_NDIM], n = 0;
    for (int i = 0; i < a->ndim; i++)
        if (i != axis)
            others[n++] = i;
    a = mx_stop_gradient(a);
    mx_array *line = n ? mx_reduce(MX_SUM, a, others, n, false) : a;
    mx_p_pad p = {{1, &low}, {1, &high}};
    mx_array *padded = mx_apply2(MX_PRIM_pad, &p, line, mx_zero_like(line));
    mx_array *at = mx_add_s(mx_positions(padded), -low);
    return mx_minimum(mx_maximum(at, mx_scalar(0, MX_INT32)), mx_last_place(line));
}

/* Axis by axis: a pass over the array for each, but few nodes. */
static mx_array *pad_with_own(mx_array *a, const mx_p_pad *p, pad_mode mode) {
    int ndim = a->ndim;
    for (int i = 0; i < ndim && a; i++) {
        int n = a->shape[i], low = p->low.v[i], high = p->high.v[i];
        if (low == 0 && high == 0)
            continue;
        if (mx_trace_shapeless() && mode == EDGE && n > 0) {
            a = mx_take(a, nearest(a, i, low, high), i);
            continue;
        }
        bool former = mx_trace_set_says(false); // these numbers are of this shape
        mx_trace_pin("Pad");
        mx_trace_set_says(former);
        if (n == 0 && mode == EDGE) { // as MLX has it: no edge, so zeros
            a = mx_pad(a, &i, 1, &low, &high, NULL, "constant");
            continue;
        }
        if (n == 0)
            return mx_fail(MX_INVALID, "[pad] axis %d is empty: there is nothing to repeat", i);
        if (!mx_axis_fits("pad", (int64_t)low + n + high))
            return NULL;
        a = drawn(a, i, mode, -low, n + high);
    }
    return a;
}

/* The slab at these places of an axis, padded along the axes before. */
static mx_array *slab(mx_array *a, const mx_p_pad *p, pad_mode mode, int axis, int begin, int end) {
    const mx_array *whole = a;
    a = drawn(a, axis, mode, begin, end);
    for (int i = 0; i < axis; i++)
        if (p->low.v[i] || p->high.v[i])
            a = drawn(a, i, mode, -p->low.v[i], whole->shape[i] + p->high.v[i]);
    return a;
}

/* The array in the middle of a larger one, in one pass, and slabs written around it. */
static mx_array *framed(mx_array *a, const mx_p_pad *p, pad_mode mode) {
    int start[MX_MAX_NDIM], stop[MX_MAX_NDIM];
    mx_array *y = mx_apply2(MX_PRIM_pad, p, a, mx_zero_like(a));
    for (int i = 0; i < a->ndim; i++)
        stop[i] = (start[i] = p->low.v[i]) + a->shape[i];
    for (int i = 0; i < a->ndim && y; i++) {
        int n = a->shape[i], low = p->low.v[i], high = p->high.v[i];
        start[i] = 0, stop[i] = low;
        if (low)
            y = mx_slice_update(MX_SCATTER_NONE, y, slab(a, p, mode, i, -low, 0), start, stop,
                                NULL);
        start[i] = low + n, stop[i] = low + n + high;
        if (high)
            y = mx_slice_update(MX_SCATTER_NONE, y, slab(a, p, mode, i, n, n + high), start, stop,
                                NULL);
        start[i] = 0;
    }
    return y;
}

static bool pads(const mx_p_pad *p) {
    bool any = false;
    for (int i = 0; i < p->low.n; i++)
        any |= p->low.v[i] || p->high.v[i];
    return any;
}

/* --- the operation ---------------------------------------------------------------- */

/* One width an axis from the widths of some. */
static bool spread(const mx_array *a, const int *axes, int n, const int *width, const char *which,
                   int *full) {
    for (int i = 0; i < a->ndim; i++)
        full[i] = 0;
    for (int i = 0; i < n; i++) {
        int axis = mx_axis("pad", axes[i], a->ndim);
        if (axis < 0)
            return false;
        if (width[i] < 0)
            return mx_fail(MX_INVALID,
                           "[pad] Invalid %s padding size (%d) passed to pad for axis %d. Padding "
                           "sizes must be non-negative",
                           which, width[i], i);
        full[axis] = width[i];
    }
    return true;
}

mx_array *mx_pad(mx_array *a, const int *axes, int n, const int *low, const int *high,
                 mx_array *value, const char *mode) {
    int full_low[MX_MAX_NDIM], full_high[MX_MAX_NDIM];
    pad_mode m = mode_of(mode);
    if (!a)
        return NULL;
    if (m == NO_MODE)
        return mx_fail(MX_INVALID, "[pad] Invalid padding mode (%s) passed to pad", mode);
    if (!spread(a, axes, n, low, "low", full_low) || !spread(a, axes, n, high, "high", full_high))
        return NULL;
    mx_p_pad p = {{a->ndim, full_low}, {a->ndim, full_high}};
    bool frame = m != CONSTANT && a->size >= MANY && pads(&p) && !mx_trace_shapeless();
    if (m != CONSTANT)
        return (frame ? framed : pad_with_own)(a, &p, m);
    mx_trace_pin("Pad");
    value = value ? mx_astype(value, mx_dtype_of(a)) : mx_zero_like(a);
    if (value && value->size != 1)
        return mx_fail(MX_INVALID, "[pad] the padding value must be one element, %lld given",
                       (long long)value->size);
    return mx_apply2(MX_PRIM_pad, &p, a, value);
}
