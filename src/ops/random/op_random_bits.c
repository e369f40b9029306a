/* Random bits, the same as MLX has: a key is two uint32 words, and the bits are Threefry-2x32 of a
 * counter under the key (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
 */
#include "base/status.h"
#include "graph/array/params.h"
#include "graph/trace/trace.h"
#include "ops/random/random.h"
#include "ops/rules.h"

mx_array *mx_random_split(mx_array *key, int n) {
    return mx_random_bits((int[2]){n, 2}, 2, 4, key);
}

bool mx_random_is_key(const mx_array *key) {
    char text[256];
    if (key->dtype != MX_UINT32)
        return mx_fail(MX_INVALID, "[bits] Expected key type uint32 but received %s.",
                       mx_dtype_name(mx_dtype_of(key)));
    return mx_shape_is(key, &(int){2}, 1) ||
           mx_fail(MX_INVALID, "[bits] Expected key shape (2) but received %s.",
                   mx_shape_text(text, sizeof text, key->shape, key->ndim));
}

mx_array *mx_random_bits(const int *shape, int ndim, int width, mx_array *key) {
    if (!key || !mx_random_is_key(key))
        return NULL;
    if (width != 1 && width != 2 && width != 4)
        return mx_fail(MX_INVALID, "[bits] Bit width must be in {1, 2, 4} but got %d.", width);
    for (int i = 0; i < ndim; i++)
        if (shape[i] < 0)
            return mx_fail(MX_INVALID, "[bits] Negative dimensions not allowed.");
    if (ndim)
        mx_trace_pin("RandomBits");
    mx_p_random_bits p = {{ndim, shape}, width};
    return mx_apply1(MX_PRIM_random_bits, &p, key);
}

static bool bits_infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    (void)nin, (void)nout;
    const mx_p_random_bits *p = params;
    const mx_array *key = in[0];
    int batch = key->ndim - 1;
    if (batch + p->shape.n > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[bits] more than %d dimensions.", MX_MAX_NDIM);
    for (int i = 0; i < batch; i++)
        out->shape.dim[out->shape.ndim++] = key->shape[i];
    for (int i = 0; i < p->shape.n; i++)
        out->shape.dim[out->shape.ndim++] = p->shape.v[i];
    out->dtype = p->width == 1 ? MX_UINT8 : p->width == 2 ? MX_UINT16 : MX_UINT32;
    return true;
}

static bool bits_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                      int *out_axes) {
    (void)n;
    out[0] = mx_apply1(MX_PRIM_random_bits, y->params, mx_batch_front(in[0], axes[0]));
    out_axes[0] = 0;
    return out[0] != NULL;
}

static const mx_field fields[] = {MX_FIELD(mx_p_random_bits, shape, INTS),
                                  MX_FIELD(mx_p_random_bits, width, INT), MX_FIELD_END};

const mx_prim_desc mx_desc_random_bits = {
    .name = "RandomBits",
    .traits = MX_TRAIT_NO_GRAD,
    .fields = fields,
    .param_size = sizeof(mx_p_random_bits),
    .infer = bits_infer,
    .vmap = bits_vmap,
};
