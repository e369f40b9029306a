/* Convolution with stride, padding, dilation of kernel and input, groups and flip:
 *
 *     y[n, p, o] = sum over t, c of X[n, p stride - pad_low + t kernel_dilation, c] w[o, t, c]
 *
 * where X is x with input_dilation - 1 zeros between its elements and zeros around it, c
 * runs over the channels of o's group, and with flip t counts w's elements from the end.
 * Its derivatives are convolutions again (Dumoulin and Visin 2016, "A guide to convolution
 * arithmetic for deep learning").
 */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "ops/conv/conv.h"
#include "ops/rules.h"

enum { TEXT = 256, MOST = 3 };

/* --- what is refused, in MLX's words ---------------------------------------------- */

static const char *text(char *out, const int *v, int n) {
    return mx_shape_text(out, TEXT, v, n);
}

static bool check_ndim(const mx_array *x, const mx_array *w) {
    int nd = x->ndim - 2;
    if (nd < 1 || nd > MOST)
        return mx_fail(MX_INVALID, "[conv] Only works for inputs with 1-3 spatial dimensions. The "
                                   "inputs must be in the format [N, ..., C_in]");
    if (w->ndim != x->ndim)
        return mx_fail(
            MX_INVALID,
            "[conv] Invalid weight array with %d dimensions for %dD convolution. Expected an "
            "array with %d dimensions following the format [C_out, ..., C_in].",
            w->ndim, nd, nd + 2);
    return true;
}

static bool check_dtype(const mx_array *x, mx_dtype t) {
    return mx_dtype_is_inexact(t) ||
           mx_fail(MX_INVALID,
                   "[conv] Invalid input array with type %s. Convolution currently only supports "
                   "floating point types",
                   mx_dtype_name(mx_dtype_of(x)));
}

static bool check_positive(const char *what, const char *list, const mx_ints *v) {
    char t[TEXT];
    for (int i = 0; i < v->n; i++)
        if (v->v[i] <= 0)
            return mx_fail(MX_INVALID, "[conv] %s sizes must be positive. Got %s %s.", what, list,
                           text(t, v->v, v->n));
    return true;
}

/* Channels first, as other libraries have them? */
static const char *layout_hint(const mx_array *x, const mx_array *w) {
    bool first = x->ndim > 2 && w->shape[1] == x->shape[1] && w->shape[1] != x->shape[x->ndim - 1];
    return first ? ". Channels come last here: (N, H, W, C) for the input, (C_out, H, W, C_in) for "
                   "the weight"
                 : "";
}

static bool check_groups(const mx_array *x, const mx_array *w, int groups) {
    char a[TEXT], b[TEXT];
    int64_t last = x->ndim - 1, c = x->shape[last], given = w->shape[last];
    if (groups <= 0)
        return mx_fail(MX_INVALID, "[conv] The number of groups must be positive. Got %d.", groups);
    if (w->shape[0] % groups != 0)
        return mx_fail(
            MX_INVALID,
            "[conv] If groups > 1, the output channels must be divisible by the number of "
            "groups. Got %d output channels and %d groups.",
            w->shape[0], groups);
    if (given * groups == c)
        return true;
    if (groups > 1)
        return mx_fail(
            MX_INVALID,
            "Given groups=%d and weights of shape %s, expected to have %lld input channels "
            "but got %lld input channels instead.",
            groups, text(b, w->shape, w->ndim), (long long)given * groups, (long long)c);
    return mx_fail(
        MX_INVALID,
        "[conv] Expect the input channels in the input and weight array to match but got "
        "shapes - input: %s and weight: %s%s",
        text(a, x->shape, x->ndim), text(b, w->shape, w->ndim), layout_hint(x, w));
}

static bool check_lists(const mx_p_conv *p, int nd) {
    if (p->stride.n != nd || p->pad_low.n != nd || p->pad_high.n != nd ||
        p->kernel_dilation.n != nd || p->input_dilation.n != nd)
        return mx_fail(MX_INVALID, "[conv] %d entries are expected in each list", nd);
    return check_positive("Stride", "strides", &p->stride) &&
           check_positive("Kernel dilation", "kernel dilation", &p->kernel_dilation) &&
           check_positive("Input dilation", "input dilation", &p->input_dilation);
}

static bool too_small(const mx_array *x, const mx_array *w, const mx_p_conv *p, int axis) {
    char a[TEXT], b[TEXT], low[TEXT], high[TEXT];
    return mx_fail(
        MX_INVALID,
        "[conv] Spatial dimensions of input after padding cannot be smaller than weight "
        "spatial dimensions. Got error at axis %d for input with shape %s, padding low %s, "
        "padding high %s, and weight of shape %s.",
        axis, text(a, x->shape, x->ndim), text(low, p->pad_low.v, p->pad_low.n),
        text(high, p->pad_high.v, p->pad_high.n), text(b, w->shape, w->ndim));
}

static bool spatial_size(const mx_array *x, const mx_array *w, const mx_p_conv *p, int i,
                         int *out) {
    int64_t kernel = mx_conv_dilated(w->shape[i + 1], p->kernel_dilation.v[i]);
    int64_t room = mx_conv_dilated(x->shape[i + 1], p->input_dilation.v[i]) + p->pad_low.v[i] +
                   (int64_t)p->pad_high.v[i] - kernel;
    if (kernel == 0)
        return mx_fail(MX_INVALID, "[conv] axis %d of the weight is empty", i + 1);
    if (room < 0)
        return too_small(x, w, p, i + 1);
    int64_t size = room / p->stride.v[i] + 1;
    *out = (int)size;
    return mx_axis_fits("conv", size);
}

static bool infer_conv(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_p_conv *p = params;
    (void)nout;
    if (nin != 2 || in[0]->dtype != in[1]->dtype)
        return mx_fail(MX_INVALID, "[conv] two arrays of one dtype are expected");
    const mx_array *x = in[0], *w = in[1];
    if (!check_ndim(x, w) || !check_dtype(x, mx_dtype_of(x)) || !check_lists(p, x->ndim - 2) ||
        !check_groups(x, w, p->groups))
        return false;
    out->dtype = mx_dtype_of(x);
    out->shape.ndim = x->ndim;
    out->shape.dim[0] = x->shape[0];
    out->shape.dim[x->ndim - 1] = w->shape[0];
    for (int i = 0; i < x->ndim - 2; i++)
        if (!spatial_size(x, w, p, i, &out->shape.dim[i + 1]))
            return false;
    return true;
}

static mx_array *convolve(mx_array *x, mx_array *w, const mx_p_conv *p) {
    return mx_apply2(MX_PRIM_conv, p, x, w);
}

/* --- derivatives ------------------------------------------------------------------ */

/* Paddings of a convolution that gives `size` positions: low is known. */
typedef struct pads {
    int low[MOST], high[MOST];
} pads;

static bool fit(const char *op, pads *q, int i, int64_t low, int64_t x, int64_t kernel,
                int64_t stride, int64_t size) {
    int64_t high = (size - 1) * stride + kernel - x - low;
    q->low[i] = (int)low;
    q->high[i] = (int)high;
    return (low == q->low[i] && high == q->high[i]) ||
           mx_fail(MX_RANGE, "[%s] the padding of axis %d does not fit", op, i + 1);
}

/* (.., a b, ..) at `axis` becomes (.., a, b, ..). */
static mx_array *split_axis(mx_array *a, int axis, int parts) {
    if (!a)
        return NULL;
    int at = axis < 0 ? axis + a->ndim : axis;
    return mx_unflatten(a, at, (int[]){parts, -1}, 2);
}

/* (G Og, K..., Cg) -> (G Cg, K..., Og) */
static mx_array *exchange(mx_array *w, int groups) {
    mx_array *split = split_axis(w, 0, groups);
    return mx_flatten(mx_swapaxes(split, 1, -1), 0, 1);
}

mx_array *mx_conv_towards_input(const mx_p_conv *p, const mx_array *x, mx_array *w, mx_array *g) {
    int nd = x->ndim - 2;
    pads q;
    if (!w || !g)
        return NULL;
    for (int i = 0; i < nd; i++) {
        int64_t reach = mx_conv_dilated(w->shape[i + 1], p->kernel_dilation.v[i]);
        if (!fit("conv", &q, i, reach - 1 - p->pad_low.v[i],
                 mx_conv_dilated(g->shape[i + 1], p->stride.v[i]), reach, p->input_dilation.v[i],
                 x->shape[i + 1]))
            return NULL;
    }
    mx_p_conv back = {.stride = p->input_dilation,
                      .pad_low = {nd, q.low},
                      .pad_high = {nd, q.high},
                      .kernel_dilation = p->kernel_dilation,
                      .input_dilation = p->stride,
                      .groups = p->groups,
                      .flip = !p->flip};
    return convolve(g, exchange(w, p->groups), &back);
}

/* (N, I..., G Cg) -> (Cg, I..., G N) */
static mx_array *batch_as_channels(mx_array *x, int groups) {
    mx_array *split = split_axis(x, -1, groups);
    return split ? mx_flatten(mx_swapaxes(split, 0, -1), -2, -1) : NULL;
}

static mx_array *reversed(mx_array *a, int nd) {
    return mx_flip(a, (int[]){1, 2, 3}, nd);
}

mx_array *mx_conv_weight_by_conv(const mx_p_conv_weight *w, mx_array *x, mx_array *g) {
    const mx_p_conv *p = &w->conv;
    int nd = x->ndim - 2;
    pads q;
    for (int i = 0; i < nd; i++)
        if (!fit("conv", &q, i, p->pad_low.v[i],
                 mx_conv_dilated(x->shape[i + 1], p->input_dilation.v[i]),
                 mx_conv_dilated(g->shape[i + 1], p->stride.v[i]), p->kernel_dilation.v[i],
                 w->kernel.v[i]))
            return NULL;
    mx_p_conv over = {.stride = p->kernel_dilation,
                      .pad_low = {nd, q.low},
                      .pad_high = {nd, q.high},
                      .kernel_dilation = p->stride,
                      .input_dilation = p->input_dilation,
                      .groups = p->groups};
    mx_array *d = convolve(batch_as_channels(x, p->groups), mx_swapaxes(g, 0, -1), &over);
    d = mx_swapaxes(d, 0, -1);
    return p->flip ? reversed(d, nd) : d;
}

static mx_array *towards_weight(const mx_p_conv *p, mx_array *x, const mx_array *w, mx_array *g) {
    mx_p_conv_weight q = {*p, {x->ndim - 2, w->shape + 1}};
    if (!g || x->dtype == MX_COMPLEX64)
        return g ? mx_conv_weight_by_conv(&q, x, g) : NULL;
    return mx_apply2(MX_PRIM_conv_weight, &q, x, g);
}

/* Complex numbers: the derivative of a holomorphic product takes the conjugates of the
   other operand. */
static mx_array *conjugate(mx_array *a) {
    return a && a->dtype == MX_COMPLEX64 ? mx_conjugate(a) : a;
}

/* Where paddings for one size do not give the shape of another, this says so. */
static mx_array *of_shape(mx_array *grad, mx_array *like) {
    return conjugate(mx_trace_shapeless() ? mx_reshape_like(grad, like) : grad);
}

static bool conv_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    mx_array *g = conjugate(cot[0]);
    if (need[0])
        grad[0] = of_shape(mx_conv_towards_input(y->params, y->in[0], y->in[1], g), y->in[0]);
    if (need[1])
        grad[1] = of_shape(towards_weight(y->params, y->in[0], y->in[1], g), y->in[1]);
    return !mx_failed();
}

static bool conv_jvp(const mx_node *y, mx_array *const *tan, mx_array **out) {
    mx_array *a = tan[0] ? convolve(tan[0], y->in[1], y->params) : NULL;
    mx_array *b = tan[1] ? convolve(y->in[0], tan[1], y->params) : NULL;
    out[0] = a && b ? mx_add(a, b) : a ? a : b;
    return !mx_failed();
}

/* --- batching --------------------------------------------------------------------- */

/* A batch of inputs: more images. */
static mx_array *many_inputs(const mx_node *y, mx_array *x, int axis, mx_array *w, int n) {
    mx_array *images = mx_flatten(mx_moveaxis(x, axis, 0), 0, 1);
    return split_axis(convolve(images, w, y->params), 0, n);
}

/* A batch of kernels: more outputs in each group. */
static mx_array *many_weights(const mx_node *y, mx_array *x, mx_array *w, int axis, int n) {
    const mx_p_conv *p = y->params;
    mx_array *split = split_axis(mx_moveaxis(w, axis, 0), 1, p->groups);
    mx_array *outputs = mx_flatten(mx_swapaxes(split, 0, 1), 0, 2);
    mx_array *r = split_axis(split_axis(convolve(x, outputs, p), -1, p->groups), -1, n);
    return r ? mx_flatten(mx_swapaxes(r, -3, -2), -2, -1) : NULL;
}

/* Both: more groups. */
static mx_array *many_groups(const mx_node *y, mx_array *x, int x_axis, mx_array *w, int w_axis,
                             int n) {
    mx_p_conv p = *(const mx_p_conv *)y->params;
    if (__builtin_mul_overflow(p.groups, n, &p.groups))
        return mx_fail(MX_RANGE, "[conv] too many groups"), NULL;
    mx_array *channels = mx_flatten(mx_moveaxis(x, x_axis, x->ndim - 2), -2, -1);
    mx_array *outputs = mx_flatten(mx_moveaxis(w, w_axis, 0), 0, 1);
    return split_axis(convolve(channels, outputs, &p), -1, n);
}

static bool conv_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                      int *out_axes) {
    out_axes[0] = 0;
    mx_trace_pin("Convolution");
    if (n == 0)
        return mx_loop_vmap(y, in, axes, n, out, out_axes);
    if (axes[1] < 0) {
        out[0] = many_inputs(y, in[0], axes[0], in[1], n);
        return out[0] != NULL;
    }
    out[0] = axes[0] < 0 ? many_weights(y, in[0], in[1], axes[1], n)
                         : many_groups(y, in[0], axes[0], in[1], axes[1], n);
    out_axes[0] = out[0] ? out[0]->ndim - 2 : 0;
    return out[0] != NULL;
}

static const mx_field fields[] = {
    MX_FIELD(mx_p_conv, stride, INTS),         MX_FIELD(mx_p_conv, pad_low, INTS),
    MX_FIELD(mx_p_conv, pad_high, INTS),       MX_FIELD(mx_p_conv, kernel_dilation, INTS),
    MX_FIELD(mx_p_conv, input_dilation, INTS), MX_FIELD(mx_p_conv, groups, INT),
    MX_FIELD(mx_p_conv, flip, BOOL),           MX_FIELD_END};

const mx_prim_desc mx_desc_conv = {
    .name = "Convolution",
    .fields = fields,
    .param_size = sizeof(mx_p_conv),
    .infer = infer_conv,
    .vjp = conv_vjp,
    .jvp = conv_jvp,
    .vmap = conv_vmap,
};

/* --- the operations --------------------------------------------------------------- */

/* Parameters with room for their lists. */
typedef struct full {
    int stride[MOST], low[MOST], high[MOST], kernel[MOST], input[MOST];
} full;

static bool stretch(const mx_ints *given, int missing, int nd, int *out) {
    for (int i = 0; i < nd; i++)
        out[i] = given->n == 0   ? missing
                 : given->n == 1 ? given->v[0]
                                 : given->v[i < given->n ? i : 0];
    return given->n <= 1 || given->n == nd;
}

static bool wrong_list(const char *what, const mx_ints *v, int nd) {
    char t[TEXT];
    return mx_fail(MX_INVALID, "[conv] Invalid %s %s for %dD convolution.", what,
                   text(t, v->v, v->n < 16 ? v->n : 16), nd);
}

static bool wrong_padding(const mx_p_conv *p, const full *f, int nd) {
    char low[TEXT], high[TEXT];
    bool short_low = p->pad_low.n <= 1, short_high = p->pad_high.n <= 1;
    return mx_fail(
        MX_INVALID, "[conv] Invalid padding %s | %s for %dD convolution.",
        text(low, short_low ? f->low : p->pad_low.v, short_low ? nd : p->pad_low.n),
        text(high, short_high ? f->high : p->pad_high.v, short_high ? nd : p->pad_high.n), nd);
}

/* Lists of nd entries each, in f. */
static bool complete(mx_p_conv *p, full *f, int nd) {
    if (!stretch(&p->stride, 1, nd, f->stride))
        return wrong_list("strides", &p->stride, nd);
    bool low = stretch(&p->pad_low, 0, nd, f->low), high = stretch(&p->pad_high, 0, nd, f->high);
    if (!low || !high)
        return wrong_padding(p, f, nd);
    if (!stretch(&p->kernel_dilation, 1, nd, f->kernel))
        return wrong_list("kernel dilation", &p->kernel_dilation, nd);
    if (!stretch(&p->input_dilation, 1, nd, f->input))
        return wrong_list("input dilation", &p->input_dilation, nd);
    p->stride = (mx_ints){nd, f->stride};
    p->pad_low = (mx_ints){nd, f->low};
    p->pad_high = (mx_ints){nd, f->high};
    p->kernel_dilation = (mx_ints){nd, f->kernel};
    p->input_dilation = (mx_ints){nd, f->input};
    return true;
}

/* One end of an axis of n elements `dilation` apart: a negative padding takes elements away, and
   leaves of the zeros before the next one what it did not take. Returns how many elements go. */
static int64_t cut_end(int *padding, int64_t dilation, int64_t n) {
    if (*padding >= 0)
        return 0;
    int64_t take = -(int64_t)*padding, gone = (take + dilation - 1) / dilation;
    *padding = (int)(gone * dilation - take);
    return gone < n ? gone : n;
}

/* Negative paddings, of the input with zeros between its elements, become a smaller input. */
static mx_array *cut(mx_array *x, full *f, int nd) {
    for (int i = 0; i < nd && x; i++) {
        int64_t n = x->shape[i + 1], d = f->input[i],
                length = mx_conv_dilated((int)n, (int)d) + f->low[i] + f->high[i];
        int64_t from = cut_end(&f->low[i], d, n), to = n - cut_end(&f->high[i], d, n);
        if (from >= to) { // nothing but zeros is left, if anything
            from = to = 0;
            f->low[i] = (int)(length < 0 ? 0 : length);
            f->high[i] = 0;
        }
        if (from > 0 || to < n)
            x = mx_slice_axis(x, i + 1, (int)from, (int)to);
    }
    return x;
}

mx_array *mx_conv_general(mx_array *x, mx_array *w, const mx_p_conv *given) {
    mx_p_conv p = *given;
    full f;
    if (!x || !w || !check_ndim(x, w) ||
        !check_dtype(x, mx_dtype_is_inexact(mx_dtype_of(x)) ? mx_dtype_of(w) : mx_dtype_of(x)) ||
        !complete(&p, &f, x->ndim - 2) || !mx_promote2(&x, &w))
        return NULL;
    return convolve(cut(x, &f, x->ndim - 2), w, &p);
}

mx_array *mx_conv(mx_array *x, mx_array *w, mx_ints stride, mx_ints padding, mx_ints dilation,
                  int groups) {
    mx_p_conv p = {.stride = stride,
                   .pad_low = padding,
                   .pad_high = padding,
                   .kernel_dilation = dilation,
                   .groups = groups};
    return mx_conv_general(x, w, &p);
}

/* Paddings of the transposed convolution: what the other one's kernel reaches beyond its
   padding. */
static bool transposed_padding(const mx_array *w, mx_ints padding, mx_ints dilation, mx_ints more,
                               int nd, pads *q) {
    for (int i = 0; i < nd; i++) {
        int64_t d = dilation.v[dilation.n > 1 ? i : 0];
        int64_t low = d * (w->shape[i + 1] - 1) - padding.v[padding.n > 1 ? i : 0];
        int64_t high = low + more.v[more.n > 1 ? i : 0];
        q->low[i] = (int)low;
        q->high[i] = (int)high;
        if (low != q->low[i] || high != q->high[i])
            return mx_fail(MX_RANGE, "[conv] the padding of axis %d does not fit", i + 1);
    }
    return true;
}

/* A list of the transposed convolution has one entry, or one an axis. */
static bool fits(const char *what, const mx_ints *v, int nd) {
    return v->n == 1 || v->n == nd || wrong_list(what, v, nd);
}

mx_array *mx_conv_transpose(mx_array *x, mx_array *w, mx_ints stride, mx_ints padding,
                            mx_ints dilation, mx_ints output_padding, int groups) {
    pads q;
    if (!x || !w || !check_ndim(x, w))
        return NULL;
    int nd = x->ndim - 2;
    if (!fits("strides", &stride, nd) || !fits("padding", &padding, nd) ||
        !fits("kernel dilation", &dilation, nd) || !fits("output padding", &output_padding, nd) ||
        !transposed_padding(w, padding, dilation, output_padding, nd, &q))
        return NULL;
    mx_p_conv p = {.pad_low = {nd, q.low},
                   .pad_high = {nd, q.high},
                   .kernel_dilation = dilation,
                   .input_dilation = stride,
                   .groups = groups,
                   .flip = true};
    return mx_conv_general(x, w, &p);
}
