/* sampler.h: handles of samplers and of texts that end an answer. */
#include "mlx/c/sampler.h"

#include <string.h>

#include "capi/capi.h"
#include "models/sampling/sampler.h"
#include "models/sampling/stop.h"

/* One struct, which two layers declare. */
_Static_assert(sizeof(mlx_sampler_options) == sizeof(mx_sampling) &&
                   offsetof(mlx_sampler_options, dry_breakers) ==
                       offsetof(mx_sampling, dry_breakers) &&
                   offsetof(mlx_sampler_options, bias_count) == offsetof(mx_sampling, bias_count),
               "mlx_sampler_options and mx_sampling differ");

static bool is_given(const void *p, const char *what) {
    return p || mx_fail(MX_INVALID, "[sampler] the %s NULL", what);
}

static mx_sampler *sampler_of(mlx_sampler s) {
    return capi_object(s.ctx, "sampler");
}

/* Put a sampler (taken over; NULL fails) into a handle. */
static int put_sampler(mlx_sampler *res, mx_sampler *s) {
    mx_sampler **slot = s ? (mx_sampler **)capi_slot(res, "sampler") : NULL;
    if (!slot) {
        mx_sampler_free(s);
        return capi_report();
    }
    mx_sampler_free(*slot);
    *slot = s;
    return 0;
}

mlx_sampler mlx_sampler_new(void) {
    return (mlx_sampler){NULL};
}

int mlx_sampler_open(mlx_sampler *res, const mlx_sampler_options *options) {
    mx_sampling o;
    mx_error_clear();
    if (!is_given(options, "options are"))
        return capi_report();
    memcpy(&o, options, sizeof o);
    return put_sampler(res, mx_sampler_new(&o));
}

int mlx_sampler_copy(mlx_sampler *res, mlx_sampler s) {
    mx_error_clear();
    const mx_sampler *from = sampler_of(s);
    return put_sampler(res, from ? mx_sampler_copy(from) : NULL);
}

int mlx_sampler_free(mlx_sampler s) {
    int status;
    if (capi_frees(s.ctx, "sampler", &status))
        mx_sampler_free(s.ctx);
    return status;
}

int mlx_sampler_accept(mlx_sampler s, const int *tokens, size_t n, bool prompt) {
    mx_error_clear();
    mx_sampler *x = sampler_of(s);
    return capi_done(x && (!n || is_given(tokens, "tokens are")) &&
                     mx_sampler_accept(x, tokens, n, prompt));
}

int mlx_sampler_forget(mlx_sampler s, size_t n) {
    mx_error_clear();
    mx_sampler *x = sampler_of(s);
    if (x)
        mx_sampler_forget(x, n);
    return capi_done(x != NULL);
}

/* Logits of a vocabulary, whose ids are ints. */
static bool are_logits(const float *logits, size_t n) {
    return is_given(logits, "logits are") &&
           ((n && n <= INT32_MAX) ||
            mx_fail(MX_INVALID, "[sampler] %zu logits are not possible", n));
}

int mlx_sampler_pick(int *token, mlx_sampler s, const float *logits, size_t n,
                     const uint32_t *allowed) {
    mx_error_clear();
    mx_sampler *x = sampler_of(s);
    return capi_done(x && is_given(token, "result is") && are_logits(logits, n) &&
                     mx_sampler_pick(x, logits, n, allowed, token));
}

int mlx_log_probabilities(int *tokens, float *log_p, const float *logits, size_t n, size_t k) {
    mx_error_clear();
    return capi_done((!k || (is_given(tokens, "list of tokens is") &&
                             is_given(log_p, "list of numbers is"))) &&
                     are_logits(logits, n) && mx_log_probabilities(logits, n, k, tokens, log_p));
}

int mlx_log_probability(double *log_p, const float *logits, size_t n, int token) {
    mx_error_clear();
    return capi_done(is_given(log_p, "result is") && are_logits(logits, n) &&
                     mx_log_probability(logits, n, token, log_p));
}

/* --- texts that end an answer ------------------------------------------------------------ */

mlx_stop mlx_stop_new(void) {
    return (mlx_stop){NULL};
}

int mlx_stop_open(mlx_stop *res, const mlx_vector_string texts) {
    size_t n = 0;
    mx_error_clear();
    mx_stop **slot = (mx_stop **)capi_slot(res, "stop");
    const char *const *list = slot ? capi_strings(texts, &n) : NULL;
    mx_stop *s = slot && !mx_failed() ? mx_stop_new(list, n) : NULL;
    if (!s)
        return capi_report();
    mx_stop_free(*slot);
    *slot = s;
    return 0;
}

int mlx_stop_free(mlx_stop s) {
    int status;
    if (capi_frees(s.ctx, "stop", &status))
        mx_stop_free(s.ctx);
    return status;
}

int mlx_stop_feed(const char **shown, size_t *shown_num, int *found, mlx_stop s, const char *bytes,
                  size_t n) {
    mx_error_clear();
    mx_stop *x = capi_object(s.ctx, "stop");
    return capi_done(x && is_given(shown, "result is") && is_given(shown_num, "result is") &&
                     is_given(found, "result is") && (!n || is_given(bytes, "bytes are")) &&
                     mx_stop_feed(x, bytes, n, shown, shown_num, found));
}

int mlx_stop_end(const char **shown, size_t *shown_num, mlx_stop s) {
    mx_error_clear();
    mx_stop *x = capi_object(s.ctx, "stop");
    bool ok = x && is_given(shown, "result is") && is_given(shown_num, "result is");
    if (ok)
        mx_stop_end(x, shown, shown_num);
    return capi_done(ok);
}
