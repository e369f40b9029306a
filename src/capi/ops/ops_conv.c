/* Convolutions. */
#include "capi/ops/op_call.h"
#include "ops/conv/conv.h"

#define LIST(...) \
    ((mx_ints){(int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), (const int[]){__VA_ARGS__}})

static int convolution(mlx_array *res, mlx_array input, mlx_array weight, mx_ints stride,
                       mx_ints padding, mx_ints dilation, int groups, mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(input), *w = capi_in(weight);
    return capi_end(&c, res, mx_conv(x, w, stride, padding, dilation, groups));
}

static int transposed(mlx_array *res, mlx_array input, mlx_array weight, mx_ints stride,
                      mx_ints padding, mx_ints dilation, mx_ints more, int groups, mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(input), *w = capi_in(weight);
    return capi_end(&c, res, mx_conv_transpose(x, w, stride, padding, dilation, more, groups));
}

int mlx_conv1d(mlx_array *res, const mlx_array input, const mlx_array weight, int stride,
               int padding, int dilation, int groups, const mlx_stream s) {
    return convolution(res, input, weight, LIST(stride), LIST(padding), LIST(dilation), groups, s);
}

int mlx_conv2d(mlx_array *res, const mlx_array input, const mlx_array weight, int stride_0,
               int stride_1, int padding_0, int padding_1, int dilation_0, int dilation_1,
               int groups, const mlx_stream s) {
    return convolution(res, input, weight, LIST(stride_0, stride_1), LIST(padding_0, padding_1),
                       LIST(dilation_0, dilation_1), groups, s);
}

int mlx_conv3d(mlx_array *res, const mlx_array input, const mlx_array weight, int stride_0,
               int stride_1, int stride_2, int padding_0, int padding_1, int padding_2,
               int dilation_0, int dilation_1, int dilation_2, int groups, const mlx_stream s) {
    return convolution(res, input, weight, LIST(stride_0, stride_1, stride_2),
                       LIST(padding_0, padding_1, padding_2),
                       LIST(dilation_0, dilation_1, dilation_2), groups, s);
}

int mlx_conv_transpose1d(mlx_array *res, const mlx_array input, const mlx_array weight, int stride,
                         int padding, int dilation, int output_padding, int groups,
                         const mlx_stream s) {
    return transposed(res, input, weight, LIST(stride), LIST(padding), LIST(dilation),
                      LIST(output_padding), groups, s);
}

int mlx_conv_transpose2d(mlx_array *res, const mlx_array input, const mlx_array weight,
                         int stride_0, int stride_1, int padding_0, int padding_1, int dilation_0,
                         int dilation_1, int output_padding_0, int output_padding_1, int groups,
                         const mlx_stream s) {
    return transposed(res, input, weight, LIST(stride_0, stride_1), LIST(padding_0, padding_1),
                      LIST(dilation_0, dilation_1), LIST(output_padding_0, output_padding_1),
                      groups, s);
}

int mlx_conv_transpose3d(mlx_array *res, const mlx_array input, const mlx_array weight,
                         int stride_0, int stride_1, int stride_2, int padding_0, int padding_1,
                         int padding_2, int dilation_0, int dilation_1, int dilation_2,
                         int output_padding_0, int output_padding_1, int output_padding_2,
                         int groups, const mlx_stream s) {
    return transposed(res, input, weight, LIST(stride_0, stride_1, stride_2),
                      LIST(padding_0, padding_1, padding_2),
                      LIST(dilation_0, dilation_1, dilation_2),
                      LIST(output_padding_0, output_padding_1, output_padding_2), groups, s);
}

static mx_ints list_of(const int *v, size_t n) {
    return (mx_ints){capi_count(v, n), capi_list(v)};
}

int mlx_conv_general(mlx_array *res, const mlx_array input, const mlx_array weight,
                     const int *stride, size_t stride_num, const int *padding_lo,
                     size_t padding_lo_num, const int *padding_hi, size_t padding_hi_num,
                     const int *kernel_dilation, size_t kernel_dilation_num,
                     const int *input_dilation, size_t input_dilation_num, int groups, bool flip,
                     const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_p_conv p = {.stride = list_of(stride, stride_num),
                   .pad_low = list_of(padding_lo, padding_lo_num),
                   .pad_high = list_of(padding_hi, padding_hi_num),
                   .kernel_dilation = list_of(kernel_dilation, kernel_dilation_num),
                   .input_dilation = list_of(input_dilation, input_dilation_num),
                   .groups = groups,
                   .flip = flip};
    mx_array *x = capi_in(input), *w = capi_in(weight);
    return capi_end(&c, res, mx_conv_general(x, w, &p));
}
