/* train.h: handles of what is trained, and fusing. */
#include "mlx/c/train.h"

#include <string.h>

#include "capi/capi.h"
#include "capi/io/convert.h"
#include "capi/io/plugin.h"
#include "models/train/fuse.h"
#include "models/train/train.h"

/* Structs that two layers declare. */
#define SAME(a, b, member) (offsetof(a, member) == offsetof(b, member))
_Static_assert(sizeof(mlx_train_options) == sizeof(mx_train_options) &&
                   SAME(mlx_train_options, mx_train_options, optimizer) &&
                   SAME(mlx_train_options, mx_train_options, schedule) &&
                   SAME(mlx_train_options, mx_train_options, clip_norm) &&
                   SAME(mlx_train_options, mx_train_options, max_tokens) &&
                   SAME(mlx_train_options, mx_train_options, seed) &&
                   SAME(mlx_train_options, mx_train_options, resume),
               "mlx_train_options and mx_train_options differ");
_Static_assert(sizeof(mlx_train_event) == sizeof(mx_train_event) &&
                   SAME(mlx_train_event, mx_train_event, tokens) &&
                   SAME(mlx_train_event, mx_train_event, text) &&
                   (int)MLX_TRAIN_NOTE == (int)MX_TRAIN_NOTE,
               "mlx_train_event and mx_train_event differ");
_Static_assert(sizeof(mlx_train_info) == sizeof(mx_train_info) &&
                   SAME(mlx_train_info, mx_train_info, iteration),
               "mlx_train_info and mx_train_info differ");

static bool is_given(const void *p, const char *what) {
    return p || mx_fail(MX_INVALID, "[train] the %s NULL", what);
}

static mx_train *train_of(mlx_train t) {
    return capi_object(t.ctx, "train");
}

mlx_train_options mlx_train_options_default(void) {
    mx_train_options usual = mx_train_usual();
    mlx_train_options o;
    memcpy(&o, &usual, sizeof o);
    return o;
}

mlx_train mlx_train_new(void) {
    return (mlx_train){NULL};
}

int mlx_train_open(mlx_train *res, const char *file, const char *data,
                   const mlx_train_options *options) {
    mx_train_options o;
    capi_call c = capi_begin_default();
    capi_plugins_use();
    if (options)
        memcpy(&o, options, sizeof o);
    mx_train **slot = is_given(file, "path is") ? (mx_train **)capi_slot(res, "train") : NULL;
    mx_train *made = slot ? mx_train_open(file, data, options ? &o : NULL) : NULL;
    if (made) {
        mx_train_free(*slot);
        *slot = made;
    }
    return capi_end_ok(&c, made);
}

int mlx_train_free(mlx_train t) {
    int status;
    if (capi_frees(t.ctx, "train", &status))
        mx_train_free(t.ctx);
    return status;
}

int mlx_train_about(mlx_train_info *info, const mlx_train t) {
    mx_error_clear();
    const mx_train *x = train_of(t);
    mx_train_info made;
    bool ok = x && is_given(info, "result is");
    if (ok) {
        mx_train_about(x, &made);
        memcpy(info, &made, sizeof made);
    }
    return capi_done(ok);
}

/* --- training -------------------------------------------------------------------------------- */

typedef struct watcher {
    mlx_train_callback call;
    void *payload;
} watcher;

/* That it wants to stop is no error. */
static bool tell(void *payload, const mx_train_event *e) {
    const watcher *w = payload;
    mlx_train_event shown;
    memcpy(&shown, e, sizeof shown);
    capi_callback c = capi_callback_begin();
    int result = w->call(&shown, w->payload);
    capi_callback_end(c, "train", 0);
    return result == 0;
}

int mlx_train_run(bool *stopped, mlx_train t, mlx_train_callback call, void *payload) {
    capi_call c = capi_begin_default();
    watcher w = {call, payload};
    mx_train *x = train_of(t);
    bool early = false, ok = x && is_given(stopped, "result is") &&
                             mx_train_run(x, call ? tell : NULL, &w, &early);
    if (ok)
        *stopped = early;
    return capi_end_ok(&c, ok);
}

int mlx_train_test(double *loss, mlx_train t, mlx_train_callback call, void *payload) {
    capi_call c = capi_begin_default();
    watcher w = {call, payload};
    mx_train *x = train_of(t);
    return capi_end_ok(&c, x && is_given(loss, "result is") &&
                               mx_train_test(x, call ? tell : NULL, &w, loss));
}

int mlx_train_save(mlx_train t) {
    capi_call c = capi_begin_default();
    mx_train *x = train_of(t);
    return capi_end_ok(&c, x && mx_train_save(x));
}

/* --- fusing ---------------------------------------------------------------------------------- */

int mlx_fuse(const char *file, const char *adapter, const char *out,
             const mlx_convert_options *options, mlx_convert_callback call, void *payload) {
    capi_call c = capi_begin_default();
    capi_watcher w = {"fuse", call, payload};
    mx_convert_options o = capi_convert_options(options, &w);
    capi_plugins_use();
    return capi_end_ok(&c, mx_train_fuse(file, adapter, out, &o));
}
