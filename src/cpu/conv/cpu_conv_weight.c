/* The derivative of a convolution towards its weight: of every phase
 *
 *     w (O, taps Cg) = g' (O, N P)  patches (N P, taps Cg)
 *
 * where the patches are packed from the input (conv_packer.h), or read where they lie
 * (conv_direct.h, conv_winograd.h, conv_depth.h).
 */
#include <string.h>

#include "base/memory/cache.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/conv/conv_depth.h"
#include "cpu/conv/conv_direct.h"
#include "cpu/conv/conv_few.h"
#include "cpu/conv/conv_winograd.h"
#include "cpu/cpu.h"
#include "cpu/memory/dense.h"

/* What every phase writes to: the weights, zero before. */
typedef struct weights {
    const char *g; /* (N, P..., O) */
    char *out;     /* (O, K..., Cg) */
} weights;

/* --- by products ---------------------------------------------------------------------- */

/* g (rows, O) and the phase's weights (O, taps Cg), contiguous. */
static bool multiply(const conv *c, const void *g, void *out) {
    const conv_patches *p = &c->patches;
    int64_t n = conv_taps(p) * p->group, og = c->outputs / c->groups;
    mx_packer packer = conv_column_packer(p);
    mx_gemm_args a = {
        .dtype = p->dtype,
        .m = og,
        .n = n,
        .k = conv_rows(p),
        .a = {g, 1, c->outputs},
        .b = {p->x, p->channels, 1},
        .out = out,
        .out_rs = n,
        .alpha = 1,
        .batch_ndim = c->groups > 1,
        .batch_shape = &c->groups,
        .a_bs = &og,
        .b_bs = &p->group,
        .cin_bs = (int64_t[]){0},
        .out_bs = (int64_t[]){og * n},
        .pack_b = conv_is_pointwise(c) ? NULL : &packer,
    };
    return mx_gemm(&a);
}

static bool compute(const conv *c, const void *g, void *out) {
    if (conv_weight_can_winograd(c)) {
        bool finite, done = conv_weight_winograd(c, g, out, &finite);
        if (!done || finite)
            return done;
    }
    if (conv_weight_can_few(c))
        return conv_weight_few(c, g, out);
    if (conv_weight_can_direct(c))
        return conv_weight_direct(c, g, out), true;
    return multiply(c, g, out);
}

/* The pixels of the phase, one after another. */
static void *collect(const conv *c, const char *g, size_t *bytes) {
    const conv_axis *a = &c->patches.axis[2];
    size_t pixel = (size_t)c->outputs * c->patches.size;
    *bytes = (size_t)conv_rows(&c->patches) * pixel;
    char *all = mx_block_alloc(*bytes), *to = all;
    for (int64_t line = 0; all && line < conv_lines(c); line++) {
        const char *from = g + (size_t)conv_out_pixel(c, line) * pixel;
        for (int64_t i = 0; i < a->count; i++, to += pixel, from += (size_t)a->step * pixel)
            memcpy(to, from, pixel);
    }
    return all;
}

/* The phase's weights to the places of its taps. */
static void hand_out(const conv *c, const char *from, char *out) {
    const conv_axis *a = c->patches.axis;
    int64_t kernel = a[0].kernel * a[1].kernel * a[2].kernel;
    size_t bytes = (size_t)c->patches.group * c->patches.size;
    for (int64_t o = 0; o < c->outputs; o++)
        for (int64_t t = 0; t < conv_taps(&c->patches); t++, from += bytes)
            memcpy(out + (o * kernel + conv_tap_place(c, t)) * (int64_t)bytes, from, bytes);
}

static bool compute_apart(const conv *c, const void *g, char *out) {
    const conv_patches *p = &c->patches;
    size_t bytes = (size_t)(c->outputs * conv_taps(p) * p->group) * p->size;
    void *own = mx_block_alloc(bytes);
    bool ok = own && compute(c, g, own);
    if (ok)
        hand_out(c, own, out);
    if (own)
        mx_block_free(own, bytes);
    return ok;
}

static bool run_product(const conv *c, const weights *w) {
    size_t bytes = 0;
    void *own = conv_is_whole(c) ? NULL : collect(c, w->g, &bytes);
    const void *g = conv_is_whole(c) ? w->g : own;
    bool ok = g && (conv_is_whole(c) && conv_all_taps_in_order(c) ? compute(c, g, w->out)
                                                                  : compute_apart(c, g, w->out));
    if (own)
        mx_block_free(own, bytes);
    return ok;
}

/* --- the family's function ------------------------------------------------------------ */

static bool run_phase(conv *c, void *ctx) {
    if (conv_rows(&c->patches) == 0 || conv_taps(&c->patches) == 0)
        return true;
    const weights *w = ctx;
    return conv_is_depthwise(c) ? conv_weight_depthwise(c, w->g, w->out) : run_product(c, w);
}

bool cpu_conv_weight(mx_node *n, mx_array **out, const mx_program *feed) {
    const mx_p_conv_weight *p = n->params;
    cpu_dense x = {0}, g = {0};
    conv c;
    (void)feed;
    if (!mx_array_alloc(out[0]))
        return false;
    size_t bytes = (size_t)out[0]->size * mx_itemsize(out[0]);
    memset(out[0]->data, 0, bytes);
    if (bytes == 0 || n->in[0]->size == 0 || n->in[1]->size == 0)
        return true;
    bool ok = conv_open(&c, &p->conv, n->in[0], out[0]->shape, n->in[1]) &&
              cpu_dense_open(&x, n->in[0]) && cpu_dense_open(&g, n->in[1]);
    c.patches.x = x.data;
    weights w = {g.data, out[0]->data};
    ok = ok && conv_each_phase(&c, run_phase, &w);
    conv_close(&c);
    cpu_dense_close(&x);
    cpu_dense_close(&g);
    return ok;
}
