/* extra.h: operations that MLX does not have. */
#include "ops/standard/extra.h"

#include "capi/ops/op_call.h"
#include "ops/linalg/linalg.h"

/* --- pointwise ------------------------------------------------------------------------ */

UNARY(cbrt)
UNARY(exp2)
UNARY(sinc)
BINARY(fmax)
BINARY(fmin)
BINARY(heaviside)
BINARY(hypot)
BINARY(copysign)
UNARY(signbit)
BINARY(nextafter)

int mlx_isin(mlx_array *res, const mlx_array a, const mlx_array of, bool invert,
             const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a), *y = capi_in(of);
    return capi_end(&c, res, mx_isin(x, y, invert));
}

/* --- reductions ----------------------------------------------------------------------- */

typedef mx_array *reduction(mx_array *a, const int *axes, int n, bool keepdims);
typedef mx_array *spread(mx_array *a, const int *axes, int n, bool keepdims, int ddof);

static int reduce(mlx_array *res, reduction *f, mlx_array a, const int *axes, size_t n,
                  bool keepdims, mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a);
    return capi_end(&c, res, x ? f(x, axes, capi_count(axes, n), keepdims) : NULL);
}
static int reduce_spread(mlx_array *res, spread *f, mlx_array a, const int *axes, size_t n,
                         bool keepdims, int ddof, mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a);
    return capi_end(&c, res, x ? f(x, axes, capi_count(axes, n), keepdims, ddof) : NULL);
}

#define REDUCTION(name)                                                                 \
    int mlx_##name(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, \
                   bool keepdims, const mlx_stream s) {                                 \
        return reduce(res, mx_##name, a, axes, axes_num, keepdims, s);                  \
    }
#define SPREAD(name)                                                                    \
    int mlx_##name(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, \
                   bool keepdims, int ddof, const mlx_stream s) {                       \
        return reduce_spread(res, mx_##name, a, axes, axes_num, keepdims, ddof, s);     \
    }
REDUCTION(ptp)
REDUCTION(nansum)
REDUCTION(nanprod)
REDUCTION(nanmax)
REDUCTION(nanmin)
REDUCTION(nanmean)
SPREAD(nanvar)
SPREAD(nanstd)

/* --- quantiles and histograms --------------------------------------------------------- */

static int quantile(mlx_array *res, mlx_array a, mlx_array q, const int *axes, size_t n,
                    bool keepdims, const char *method, bool skip_nan, mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a), *at = capi_in(q);
    return capi_end(&c, res,
                    mx_quantile(x, at, axes, capi_count(axes, n), keepdims, method, skip_nan));
}
int mlx_quantile(mlx_array *res, const mlx_array a, const mlx_array q, const int *axes,
                 size_t axes_num, bool keepdims, const char *method, const mlx_stream s) {
    return quantile(res, a, q, axes, axes_num, keepdims, method, false, s);
}
int mlx_nanquantile(mlx_array *res, const mlx_array a, const mlx_array q, const int *axes,
                    size_t axes_num, bool keepdims, const char *method, const mlx_stream s) {
    return quantile(res, a, q, axes, axes_num, keepdims, method, true, s);
}
int mlx_histogram(mlx_array *res, const mlx_array a, const mlx_array edges, const mlx_array weights,
                  bool density, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *x = capi_in(a), *e = capi_in(edges);
    return capi_end(&c, res, mx_histogram(x, e, capi_opt(weights), density));
}
int mlx_histogram_edges(mlx_array *res, const mlx_array a, int bins, const double *range,
                        const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_histogram_edges(capi_in(a), bins, range));
}

/* --- sets ----------------------------------------------------------------------------- */

int mlx_nonzero(mlx_vector_array *res, const mlx_array a, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *out[MX_MAX_NDIM], *x = capi_in(a);
    bool ok = mx_nonzero(x, out);
    return capi_end_vector(&c, res, ok, out, ok && x->ndim ? (size_t)x->ndim : 1);
}
int mlx_unique(mlx_vector_array *res, const mlx_array a, bool same_nan, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *out[4] = {NULL};
    bool ok = mx_unique(capi_in(a), same_nan, out);
    return capi_end_vector(&c, res, ok, out, 4);
}
int mlx_unique_sized(mlx_vector_array *res, const mlx_array a, int size, const mlx_array fill_value,
                     const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *out[4] = {NULL};
    bool ok = mx_unique_sized(capi_in(a), size, capi_opt(fill_value), out);
    return capi_end_vector(&c, res, ok, out, 4);
}
int mlx_bincount(mlx_array *res, const mlx_array a, const mlx_array weights, int minlength,
                 const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_bincount(capi_in(a), capi_opt(weights), minlength));
}

/* --- linear algebra ------------------------------------------------------------------- */

int mlx_linalg_vector_norm(mlx_array *res, const mlx_array a, double ord, const int *axes,
                           size_t axes_num, bool keepdims, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res,
                    mx_vector_norm(capi_in(a), ord, axes, capi_count(axes, axes_num), keepdims));
}
int mlx_linalg_svdvals(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_svdvals, a, s);
}
int mlx_linalg_matrix_power(mlx_array *res, const mlx_array a, int n, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_matrix_power(capi_in(a), n));
}
int mlx_linalg_matrix_rank(mlx_array *res, const mlx_array a, const mlx_array rtol, bool hermitian,
                           const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_matrix_rank(capi_in(a), capi_opt(rtol), hermitian));
}
int mlx_linalg_cond(mlx_array *res, const mlx_array a, const double *ord, const mlx_stream s) {
    capi_call c = capi_begin(s);
    return capi_end(&c, res, mx_cond(capi_in(a), ord));
}
int mlx_linalg_expm(mlx_array *res, const mlx_array a, const mlx_stream s) {
    return capi_unary(res, mx_expm, a, s);
}
int mlx_linalg_lstsq(mlx_vector_array *res, const mlx_array a, const mlx_array b, double rcond,
                     const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_array *out[4] = {NULL}, *x = capi_in(a), *y = capi_in(b);
    bool ok = mx_lstsq(x, y, rcond, out);
    return capi_end_vector(&c, res, ok, out, 4);
}

/* --- random numbers ------------------------------------------------------------------- */

typedef mx_array *distribution(mx_array *of, const int *shape, int ndim, mx_dtype t, mx_array *key);

static int draw(mlx_array *res, distribution *f, mlx_array of, const int *shape, size_t n,
                mlx_dtype dtype, mlx_array key, mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    mx_array *x = capi_in(of);
    bool ok = x && t != MX_DTYPE_COUNT;
    return capi_end(&c, res,
                    ok ? f(x, capi_list(shape), capi_count(shape, n), t, capi_opt(key)) : NULL);
}
int mlx_random_exponential(mlx_array *res, const mlx_array scale, const int *shape,
                           size_t shape_num, mlx_dtype dtype, const mlx_array key,
                           const mlx_stream s) {
    return draw(res, mx_random_exponential, scale, shape, shape_num, dtype, key, s);
}
int mlx_random_gamma(mlx_array *res, const mlx_array alpha, const int *shape, size_t shape_num,
                     mlx_dtype dtype, const mlx_array key, const mlx_stream s) {
    return draw(res, mx_random_gamma, alpha, shape, shape_num, dtype, key, s);
}
int mlx_random_poisson(mlx_array *res, const mlx_array lam, const int *shape, size_t shape_num,
                       mlx_dtype dtype, const mlx_array key, const mlx_stream s) {
    return draw(res, mx_random_poisson, lam, shape, shape_num, dtype, key, s);
}
int mlx_random_beta(mlx_array *res, const mlx_array a, const mlx_array b, const int *shape,
                    size_t shape_num, mlx_dtype dtype, const mlx_array key, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_dtype t = capi_dtype(dtype);
    mx_array *x = capi_in(a), *y = capi_in(b);
    bool ok = x && y && t != MX_DTYPE_COUNT;
    int n = capi_count(shape, shape_num);
    return capi_end(&c, res,
                    ok ? mx_random_beta(x, y, capi_list(shape), n, t, capi_opt(key)) : NULL);
}
int mlx_random_choice(mlx_array *res, const mlx_array a, const int *shape, size_t shape_num,
                      bool replace, const mlx_array p, int axis, const mlx_array key,
                      const mlx_stream s) {
    capi_call c = capi_begin(s);
    int n = capi_count(shape, shape_num);
    return capi_end(&c, res,
                    mx_random_choice(capi_in(a), capi_list(shape), n, replace, capi_opt(p), axis,
                                     capi_opt(key)));
}
