/* Modules as other packers have them (quant_method of config.json).
 *
 *     quant_method         tensors of a module (out, in)
 *     fp8, fbgemm_fp8      weight (float8), weight_scale_inv or weight_scale: one, of rows, of
 *                          blocks
 *     gptq                 qweight (in bits / 32, out) and qzeros (groups, out bits / 32): streams
 *                          of codes down the columns, along the rows; scales (groups, out); g_idx
 *                          (in)
 *     awq                  qweight (in, out / 8), qzeros (groups, out / 8): codes of eight columns
 *                          in the order 0 2 4 6 1 3 5 7; scales (groups, out)
 *     compressed-tensors   weight_packed (out, in bits / 32), weight_scale (out, groups): signed
 *                          codes, the half added; weight_zero_point (out bits / 32, groups)
 *                          likewise, or as they are (out, groups); weight_g_idx (in);
 *                          weight_shape; weight (int8) with the same; bytes of nvfp4 with
 *                          weight_global_scale; fp8
 *     modelopt             fp8; weight (out, in / 2) bytes of nvfp4, weight_scale, weight_scale_2
 *     mxfp4                gpt-oss's experts, which are read where they are looked for (fused.h)
 *
 * The model lists such a module as one tensor of plain numbers, with its parts beside it. What
 * config.json says of it is checked against the shapes of all parts when it is listed, and against
 * their values when it is read.
 */
#ifndef MX_MODELS_PACKED_H
#define MX_MODELS_PACKED_H

#include "models/convert/model.h"

/* Is the method known, and what is said of it? Error: names config.json and the key. */
bool mx_packed_check(const mx_model *m);
/* Does a tensor of the archive stand for a module: its codes? */
bool mx_packed_is_main(const mx_model *m, const mx_model_tensor *t);
/* May it lie beside one? Error: the packer's are not understood with it. */
bool mx_packed_check_beside(const mx_model *m, const mx_model_tensor *t);
/* t, whose place is that of the codes, becomes the module. Error: config.json and the shapes of its
   parts do not belong together. */
bool mx_packed_describe(const mx_model *m, mx_model_tensor *t);

/* Affine words hold the numbers of codes exactly: scale code + bias, bias = - scale zero. What was
   permuted (g_idx) and floats are dense. */
typedef struct mx_packed {
    mx_elements held; /* words, or plain ones */
    mx_parts parts;   /* (out, ...) */
    float factor;     /* of all numbers; 0: none */
} mx_packed;
/* Of the open scope. */
bool mx_packed_read(const mx_model *m, const mx_model_tensor *t, mx_packed *out);
/* Its numbers, float32, turned where the family's row is. */
mx_array *mx_packed_values(const mx_model *m, const mx_model_tensor *t);

#endif
