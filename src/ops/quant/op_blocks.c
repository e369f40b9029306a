/* Blocks of GGUF files as arrays: the bytes of each row, uint8.
 *
 *     quantize_blocks     w (..., K) -> (..., K / items * bytes)
 *     dequantize_blocks   the way back, to float16, float32 or bfloat16
 *
 * What the formats are stands in kernels/blocks/blocks.h.
 */
#include "base/status.h"
#include "kernels/blocks/blocks.h"
#include "ops/quant/quant.h"
#include "ops/rules.h"

enum { TEXT = 256 };

const mx_block_format *mx_quant_block(mx_quant_format f) {
    return (int)f.mode >= MX_BLOCK_MODE ? mx_block_by_id((uint32_t)f.mode - MX_BLOCK_MODE) : NULL;
}

bool mx_block_shape(const char *op, const mx_array *a, int from, int to, const char *what,
                    mx_shape *out) {
    char text[TEXT];
    if (a->ndim == 0 || a->shape[a->ndim - 1] % from)
        return mx_fail(
            MX_INVALID,
            "[%s] The last dimension needs to be divisible by %d %s. However the provided array "
            "has "
            "shape %s.",
            op, from, what, mx_shape_text(text, TEXT, a->shape, a->ndim));
    *out = mx_shape_of(a);
    int64_t last = (int64_t)(a->shape[a->ndim - 1] / from) * to;
    out->dim[a->ndim - 1] = (int)last;
    return mx_axis_fits(op, last);
}

bool mx_block_numbers(const char *op, const mx_array *blocks, const mx_block_format *f,
                      mx_shape *out) {
    if (blocks->dtype != MX_UINT8)
        return mx_fail(MX_INVALID, "[%s] Blocks of mode '%s' should be uint8 but received %s.", op,
                       f->name, mx_dtype_name(mx_dtype_of(blocks)));
    return mx_block_shape(op, blocks, f->bytes, f->items, "bytes of a block", out);
}

static const mx_field fields[] = {MX_FIELD(mx_p_blocks, type, INT),
                                  MX_FIELD(mx_p_blocks, dtype, DTYPE), MX_FIELD_END};

/* Row by row: the batch axis goes to the front. */
static bool rows_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                      int *out_axes) {
    (void)n;
    out[0] = mx_apply1((mx_prim)y->prim, y->params, mx_moveaxis(in[0], axes[0], 0));
    out_axes[0] = 0;
    return out[0] != NULL;
}

const mx_block_format *mx_block_of_type(const char *op, int type) {
    const mx_block_format *f = mx_block_by_id((uint32_t)type);
    return f ? f : mx_fail(MX_INVALID, "[%s] Invalid type of blocks %d.", op, type);
}

static bool is_number(const char *op, mx_dtype t) {
    return t == MX_FLOAT16 || t == MX_BFLOAT16 || t == MX_FLOAT32 ||
           mx_fail(MX_INVALID, "[%s] Only real floating types are supported but dtype == %s.", op,
                   mx_dtype_name(t));
}

/* --- quantize -------------------------------------------------------------------------- */

static bool infer_quantize(const void *params, mx_array *const *in, int nin, mx_out *out,
                           int nout) {
    const mx_p_blocks *p = params;
    const mx_block_format *f = mx_block_of_type("quantize", p->type);
    (void)nin, (void)nout;
    if (!f || !is_number("quantize", mx_dtype_of(in[0])))
        return false;
    if (!f->writes)
        return mx_fail(MX_UNSUPPORTED, "[quantize] Mode '%s' can be read only.", f->name);
    out->dtype = MX_UINT8;
    return mx_block_shape("quantize", in[0], f->items, f->bytes, "elements of a block",
                          &out->shape);
}

const mx_prim_desc mx_desc_quantize_blocks = {
    .name = "QuantizeBlocks",
    .traits = MX_TRAIT_NO_GRAD,
    .fields = fields,
    .param_size = sizeof(mx_p_blocks),
    .infer = infer_quantize,
    .vmap = rows_vmap,
};

mx_array *mx_quantize_blocks(mx_array *w, const mx_block_format *f) {
    mx_p_blocks p = {f->id, MX_UINT8};
    if (w && w->dtype == MX_FLOAT64)
        w = mx_astype(w, MX_FLOAT32);
    return mx_apply1(MX_PRIM_quantize_blocks, &p, w);
}

/* --- dequantize ------------------------------------------------------------------------ */

static bool infer_dequantize(const void *params, mx_array *const *in, int nin, mx_out *out,
                             int nout) {
    const mx_p_blocks *p = params;
    const mx_block_format *f = mx_block_of_type("dequantize", p->type);
    (void)nin, (void)nout;
    if (!f || !mx_dtype_valid((mx_dtype)p->dtype) || !is_number("dequantize", (mx_dtype)p->dtype))
        return false;
    out->dtype = (mx_dtype)p->dtype;
    return mx_block_numbers("dequantize", in[0], f, &out->shape);
}

const mx_prim_desc mx_desc_dequantize_blocks = {
    .name = "DequantizeBlocks",
    .traits = MX_TRAIT_NO_GRAD,
    .fields = fields,
    .param_size = sizeof(mx_p_blocks),
    .infer = infer_dequantize,
    .vmap = rows_vmap,
};

mx_array *mx_dequantize_blocks(mx_array *blocks, const mx_block_format *f, mx_dtype t) {
    mx_p_blocks p = {f->id, t == MX_FLOAT64 ? MX_FLOAT32 : (int)t};
    mx_array *y = mx_apply1(MX_PRIM_dequantize_blocks, &p, blocks);
    return y && t == MX_FLOAT64 ? mx_astype(y, t) : y;
}
