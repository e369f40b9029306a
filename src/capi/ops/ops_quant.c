/* The C API: quantized matrices and float8. */
#include "capi/ops/op_call.h"

static bool format_from(const char *op, const char *mode, mlx_optional_int group,
                        mlx_optional_int bits, mx_quant_format *f) {
    return mx_quant_format_from(op, mode, group.has_value ? &group.value : NULL,
                                bits.has_value ? &bits.value : NULL, f);
}

/* The same where the modes of blocks are known. */
static bool mode_from(const char *op, const char *mode, mlx_optional_int group,
                      mlx_optional_int bits, mx_quant_format *f) {
    return mx_quant_mode_from(op, mode, group.has_value ? &group.value : NULL,
                              bits.has_value ? &bits.value : NULL, f);
}

/* Blocks hold their scales: there may be none. */
static mx_array *scales_in(mx_quant_format f, const mlx_array scales) {
    return mx_quant_block(f) ? capi_opt(scales) : capi_in(scales);
}

int mlx_quantize(mlx_vector_array *res, const mlx_array w, mlx_optional_int group_size,
                 mlx_optional_int bits, const char *mode, const mlx_array global_scale,
                 const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_quant_format f;
    mx_array *out[3] = {NULL};
    bool ok = mode_from("quantize", mode, group_size, bits, &f) &&
              mx_quantize(capi_in(w), f, capi_opt(global_scale), out);
    return capi_end_vector(&c, res, ok, out, out[2] ? 3 : out[1] ? 2 : 1);
}

/* What an optional dtype says: NULL where it says nothing; false where it is none. */
static bool dtype_from(mlx_optional_dtype given, mx_dtype *t, const mx_dtype **p) {
    *p = given.has_value ? t : NULL;
    *t = given.has_value ? capi_dtype(given.value) : MX_FLOAT32;
    return *t != MX_DTYPE_COUNT;
}

int mlx_dequantize(mlx_array *res, const mlx_array w, const mlx_array scales,
                   const mlx_array biases, mlx_optional_int group_size, mlx_optional_int bits,
                   const char *mode, const mlx_array global_scale, mlx_optional_dtype dtype,
                   const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_quant_format f;
    mx_dtype t;
    const mx_dtype *to;
    bool ok = mode_from("dequantize", mode, group_size, bits, &f) && dtype_from(dtype, &t, &to);
    mx_array *a = ok ? capi_in(w) : NULL, *b = ok ? scales_in(f, scales) : NULL;
    return capi_end(&c, res,
                    ok ? mx_dequantize(a, b, capi_opt(biases), f, capi_opt(global_scale), to)
                       : NULL);
}

int mlx_quantized_matmul(mlx_array *res, const mlx_array x, const mlx_array w,
                         const mlx_array scales, const mlx_array biases, bool transpose,
                         mlx_optional_int group_size, mlx_optional_int bits, const char *mode,
                         const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_quant_format f;
    bool ok = mode_from("quantized_matmul", mode, group_size, bits, &f);
    return capi_end(&c, res,
                    ok ? mx_quantized_matmul(capi_in(x), capi_in(w), scales_in(f, scales),
                                             capi_opt(biases), transpose, f)
                       : NULL);
}

int mlx_gather_qmm(mlx_array *res, const mlx_array x, const mlx_array w, const mlx_array scales,
                   const mlx_array biases, const mlx_array lhs_indices, const mlx_array rhs_indices,
                   bool transpose, mlx_optional_int group_size, mlx_optional_int bits,
                   const char *mode, bool sorted_indices, const mlx_stream s) {
    return mlx_gather_qmm_scaled(res, x, w, scales, biases, lhs_indices, rhs_indices, transpose,
                                 group_size, bits, mode, mlx_array_empty, sorted_indices, s);
}

int mlx_gather_qmm_scaled(mlx_array *res, const mlx_array x, const mlx_array w,
                          const mlx_array scales, const mlx_array biases,
                          const mlx_array lhs_indices, const mlx_array rhs_indices, bool transpose,
                          mlx_optional_int group_size, mlx_optional_int bits, const char *mode,
                          const mlx_array global_scale, bool sorted_indices, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_quant_format f;
    bool ok = mode_from("gather_qmm", mode, group_size, bits, &f);
    return capi_end(&c, res,
                    ok ? mx_gather_qmm_scaled(capi_in(x), capi_in(w), scales_in(f, scales),
                                              capi_opt(biases), capi_opt(lhs_indices),
                                              capi_opt(rhs_indices), transpose, f, sorted_indices,
                                              capi_opt(global_scale))
                       : NULL);
}

int mlx_qqmm(mlx_array *res, const mlx_array x, const mlx_array w, const mlx_array w_scales,
             mlx_optional_int group_size, mlx_optional_int bits, const char *mode,
             const mlx_array global_scale_x, const mlx_array global_scale_w, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_quant_format f;
    bool ok = format_from("qqmm", mode, group_size, bits, &f);
    mx_array *gx = capi_opt(global_scale_x), *gw = capi_opt(global_scale_w);
    return capi_end(&c, res,
                    ok ? mx_qqmm(capi_in(x), capi_in(w), capi_opt(w_scales), f, gx, gw) : NULL);
}

int mlx_gather_qqmm(mlx_array *res, const mlx_array x, const mlx_array w, const mlx_array w_scales,
                    const mlx_array lhs_indices, const mlx_array rhs_indices,
                    mlx_optional_int group_size, mlx_optional_int bits, const char *mode,
                    const mlx_array global_scale_x, const mlx_array global_scale_w,
                    bool sorted_indices, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_quant_format f;
    bool ok = format_from("gather_qqmm", mode, group_size, bits, &f);
    mx_array *gx = capi_opt(global_scale_x), *gw = capi_opt(global_scale_w);
    return capi_end(&c, res,
                    ok ? mx_gather_qqmm(capi_in(x), capi_in(w), capi_opt(w_scales),
                                        capi_opt(lhs_indices), capi_opt(rhs_indices), f, gx, gw,
                                        sorted_indices)
                       : NULL);
}

UNARY(to_fp8)

int mlx_from_fp8(mlx_array *res, const mlx_array x, mlx_dtype dtype, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    return capi_end(&c, res, t == MX_DTYPE_COUNT ? NULL : mx_from_fp8(capi_in(x), t));
}
