/* A Fourier transform node: the engine's job from an array's strides. */
#include <string.h>

#include "cpu/cpu.h"
#include "cpu/fft/fft_engine.h"
#include "graph/array/params.h"

static mx_fft_kind kind_of(const mx_p_fft *p) {
    return p->kind == MX_P_FFT_TO_HALF     ? MX_FFT_TO_HALF
           : p->kind == MX_P_FFT_FROM_HALF ? MX_FFT_FROM_HALF
                                           : MX_FFT_COMPLEX;
}

bool cpu_fft(mx_node *n, mx_array **out, const mx_program *feed) {
    const mx_p_fft *p = n->params;
    const mx_array *x = n->in[0];
    mx_array *y = out[0];
    int64_t shape[MX_MAX_NDIM], xs[MX_MAX_NDIM], ys[MX_MAX_NDIM];
    int others = 0;
    (void)feed;
    if (!mx_array_alloc(y))
        return false;
    if (x->size == 0) // a transform of zeros, if of anything
        memset(y->data, 0, (size_t)y->size * mx_itemsize(y));
    if (x->size == 0 || y->size == 0)
        return true;
    for (int i = 0; i < x->ndim; i++) {
        if (i == p->axis)
            continue;
        shape[others] = x->shape[i];
        xs[others] = x->strides[i];
        ys[others++] = y->strides[i];
    }
    mx_fft_job job = {
        .kind = kind_of(p),
        .inverse = p->inverse,
        .scale = p->scale,
        .n = p->n,
        .x = x->data,
        .y = y->data,
        .x_count = x->shape[p->axis],
        .x_stride = x->strides[p->axis],
        .y_stride = y->strides[p->axis],
        .ndim = others,
        .shape = shape,
        .x_strides = xs,
        .y_strides = ys,
    };
    return mx_fft_run(&job);
}
