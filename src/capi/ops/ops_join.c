/* The C API: joining and splitting. */
#include "capi/ops/op_call.h"

/* Several arrays as vectors, then joined: concatenation without an axis. */
static mx_array *joined_flat(capi_call *c, mx_array *const *a, int n) {
    mx_array **flat = capi_room(c, (size_t)n + 1, sizeof *flat);
    for (int i = 0; i < n && flat; i++)
        flat[i] = mx_flatten(a[i], 0, -1);
    return flat ? mx_concatenate(flat, n, 0) : NULL;
}

int mlx_concatenate(mlx_array *res, const mlx_vector_array arrays, const mlx_stream s) {
    capi_call c = capi_begin(s);
    int n = 0;
    mx_array *const *a = capi_arrays(arrays, &n);
    return capi_end(&c, res, a ? joined_flat(&c, a, n) : NULL);
}
int mlx_concatenate_axis(mlx_array *res, const mlx_vector_array arrays, int axis,
                         const mlx_stream s) {
    capi_call c = capi_begin(s);
    int n = 0;
    mx_array *const *a = capi_arrays(arrays, &n);
    return capi_end(&c, res, a ? mx_concatenate(a, n, axis) : NULL);
}
int mlx_stack(mlx_array *res, const mlx_vector_array arrays, const mlx_stream s) {
    capi_call c = capi_begin(s);
    int n = 0;
    mx_array *const *a = capi_arrays(arrays, &n);
    return capi_end(&c, res, a ? mx_stack(a, n, 0) : NULL);
}
int mlx_stack_axis(mlx_array *res, const mlx_vector_array arrays, int axis, const mlx_stream s) {
    capi_call c = capi_begin(s);
    int n = 0;
    mx_array *const *a = capi_arrays(arrays, &n);
    return capi_end(&c, res, a ? mx_stack(a, n, axis) : NULL);
}
int mlx_split(mlx_vector_array *res, const mlx_array a, int num_splits, int axis,
              const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array **out = capi_room(&c, num_splits > 0 ? (size_t)num_splits : 1, sizeof *out);
    bool ok = out && mx_split_equal(capi_says(capi_in(a)), num_splits, axis, out);
    return capi_end_vector(&c, res, ok, out, ok ? (size_t)num_splits : 0);
}
int mlx_split_sections(mlx_vector_array *res, const mlx_array a, const int *indices,
                       size_t indices_num, int axis, const mlx_stream s) {
    capi_call c = capi_begin(s);
    int n = capi_count(indices, indices_num);
    mx_array **out = capi_room(&c, (size_t)n + 1, sizeof *out);
    bool ok = out && mx_split(capi_says(capi_in(a)), indices, n, axis, out);
    return capi_end_vector(&c, res, ok, out, (size_t)n + 1);
}
int mlx_pad(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num,
            const int *low_pad_size, size_t low_pad_size_num, const int *high_pad_size,
            size_t high_pad_size_num, const mlx_array pad_value, const char *mode,
            const mlx_stream s) {
    capi_call c = capi_begin(s);
    int n = capi_count(axes, axes_num);
    capi_count(low_pad_size, low_pad_size_num);
    capi_count(high_pad_size, high_pad_size_num);
    if (low_pad_size_num != axes_num || high_pad_size_num != axes_num)
        mx_fail(MX_INVALID,
                "[pad] Invalid number of padding sizes passed to pad with axes of size %zu",
                axes_num);
    mx_array *x = capi_in(a), *value = capi_opt(pad_value);
    mx_trace_set_says(true);
    mx_array *y = mx_failed() ? NULL : mx_pad(x, axes, n, low_pad_size, high_pad_size, value, mode);
    return capi_end(&c, res, y);
}

static mx_array *pad_all(mx_array *a, int width, mx_array *value, const char *mode) {
    int axes[MX_MAX_NDIM], widths[MX_MAX_NDIM];
    for (int i = 0; a && i < a->ndim; i++) {
        axes[i] = i;
        widths[i] = width;
    }
    return a ? mx_pad(a, axes, a->ndim, widths, widths, value, mode) : NULL;
}

int mlx_pad_symmetric(mlx_array *res, const mlx_array a, int pad_width, const mlx_array pad_value,
                      const char *mode, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a), *value = capi_opt(pad_value);
    return capi_end(&c, res, pad_all(capi_says(x), pad_width, value, mode));
}
int mlx_tile(mlx_array *res, const mlx_array arr, const int *reps, size_t reps_num,
             const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_tile(capi_in(arr), reps, capi_count(reps, reps_num)));
}
int mlx_repeat_axis(mlx_array *res, const mlx_array arr, int repeats, int axis,
                    const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_repeat(capi_in(arr), repeats, axis));
}
int mlx_repeat(mlx_array *res, const mlx_array arr, int repeats, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_repeat(mx_flatten(capi_in(arr), 0, -1), repeats, 0));
}
int mlx_roll(mlx_array *res, const mlx_array a, const int *shift, size_t shift_num,
             const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_roll(capi_in(a), shift, capi_count(shift, shift_num), NULL, 0));
}

static mx_array *roll_along(mx_array *a, const int *shift, int n, int axis) {
    if (!a || (axis < -a->ndim || axis >= a->ndim))
        return a ? mx_fail(MX_RANGE, "[roll] Invalid axis %d for array with %d dimensions.", axis,
                           a->ndim)
                 : NULL;
    for (int i = 0; i < n; i++) // their sum may be no int
        a = mx_roll(a, &shift[i], 1, &axis, 1);
    return a;
}

int mlx_roll_axis(mlx_array *res, const mlx_array a, const int *shift, size_t shift_num, int axis,
                  const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, roll_along(capi_in(a), shift, capi_count(shift, shift_num), axis));
}
int mlx_roll_axes(mlx_array *res, const mlx_array a, const int *shift, size_t shift_num,
                  const int *axes, size_t axes_num, const mlx_stream s) {
    capi_call c = capi_begin(s);
    int n = capi_count(shift, shift_num), m = capi_count(axes, axes_num);
    return capi_end(&c, res, mx_roll(capi_in(a), shift, n, capi_list(axes), m));
}
