/* Device and stream handles: boxes around plain values. */
#include "graph/eval/share.h"
#include "graph/eval/stream.h"

#include <stdio.h>

#include "base/machine/cpuinfo.h"
#include "base/mem.h"
#include "capi/capi.h"
#include "capi/stream_box.h"

/* --- devices ---------------------------------------------------------------------------------- */

static mlx_device new_device(mx_device d) {
    mx_device *box = mx_malloc(sizeof *box);
    if (box)
        *box = d;
    return (mlx_device){box};
}

bool capi_device(mlx_device d, mx_device *out) {
    bool given = d.ctx && capi_object(d.ctx, "device");
    *out = given ? *(mx_device *)d.ctx : mx_default_device();
    return given;
}

static bool put_device(mlx_device *res, mx_device d) {
    if (!capi_slot(res, "device"))
        return false;
    if (res->ctx)
        *(mx_device *)res->ctx = d;
    else
        *res = new_device(d);
    return res->ctx != NULL;
}

static bool need_device(mlx_device d, mx_device *out) {
    return capi_device(d, out) || capi_no_object("device", d.ctx);
}

static bool need_result(const void *res, const char *op) {
    return res || mx_fail(MX_INVALID, "[%s] the result is NULL", op);
}

static mlx_device end_new_device(mx_device d) {
    mx_error_clear();
    mlx_device res = new_device(d);
    capi_done(res.ctx != NULL);
    return res;
}

mlx_device mlx_device_new(void) {
    return end_new_device(mx_default_device());
}

static bool is_type(mlx_device_type type) {
    return type == MLX_CPU || type == MLX_GPU ||
           mx_fail(MX_INVALID, "[device] %d is not a type of devices", (int)type);
}

mlx_device mlx_device_new_type(mlx_device_type type, int index) {
    mx_error_clear();
    if (is_type(type))
        return end_new_device((mx_device){(mx_device_type)type, index});
    capi_report();
    return (mlx_device){NULL};
}

int mlx_device_free(mlx_device dev) {
    int status;
    if (capi_frees(dev.ctx, "device", &status))
        mx_free(dev.ctx);
    return status;
}

int mlx_device_set(mlx_device *dev, const mlx_device src) {
    capi_call c = capi_begin_default();
    mx_device d;
    return capi_end_ok(&c, need_device(src, &d) && put_device(dev, d));
}

int mlx_device_tostring(mlx_string *str, mlx_device dev) {
    capi_call c = capi_begin_default();
    mx_device d;
    char text[48];
    bool ok = need_device(dev, &d);
    if (ok)
        snprintf(text, sizeof text, "Device(%s, %d)", d.type == MX_GPU ? "gpu" : "cpu", d.index);
    return capi_end_ok(&c, ok && capi_put_string(str, text));
}

bool mlx_device_equal(mlx_device lhs, mlx_device rhs) {
    mx_device a, b;
    mx_error_clear();
    bool left = capi_device(lhs, &a), right = capi_device(rhs, &b);
    if (mx_failed())
        return capi_report(), false;
    return left && right ? a.type == b.type && a.index == b.index : lhs.ctx == rhs.ctx;
}

int mlx_device_get_index(int *index, mlx_device dev) {
    capi_call c = capi_begin_default();
    mx_device d;
    bool ok = need_result(index, "device_get_index") && need_device(dev, &d);
    if (ok)
        *index = d.index;
    return capi_end_ok(&c, ok);
}

int mlx_device_get_type(mlx_device_type *type, mlx_device dev) {
    capi_call c = capi_begin_default();
    mx_device d;
    bool ok = need_result(type, "device_get_type") && need_device(dev, &d);
    if (ok)
        *type = (mlx_device_type)d.type;
    return capi_end_ok(&c, ok);
}

int mlx_get_default_device(mlx_device *dev) {
    capi_call c = capi_begin_default();
    return capi_end_ok(&c, put_device(dev, mx_default_device()));
}

int mlx_set_default_device(mlx_device dev) {
    capi_call c = capi_begin_default();
    mx_device d;
    return capi_end_ok(&c, need_device(dev, &d) && mx_set_default_device(d));
}

/* NULL: an empty handle. */
static bool put_choice(mlx_device *res, const mx_device *d) {
    if (d)
        return put_device(res, *d);
    if (!capi_slot(res, "device"))
        return false;
    mx_free(res->ctx);
    res->ctx = NULL;
    return true;
}

int mlx_set_thread_device(mlx_device *former, mlx_device dev) {
    capi_call c = capi_begin_default();
    mx_device d, own;
    bool given = capi_device(dev, &d), had = mx_thread_device(&own);
    bool ok = !mx_failed() && mx_set_thread_device(given ? &d : NULL);
    if (ok && former && !put_choice(former, had ? &own : NULL))
        ok = mx_set_thread_device(had ? &own : NULL) && false;
    return capi_end_ok(&c, ok);
}

int mlx_device_is_available(bool *avail, mlx_device dev) {
    capi_call c = capi_begin_default();
    mx_device d;
    bool ok = need_result(avail, "device_is_available") && need_device(dev, &d);
    if (ok)
        *avail = mx_device_available(d);
    return capi_end_ok(&c, ok);
}

int mlx_device_count(int *count, mlx_device_type type) {
    capi_call c = capi_begin_default();
    bool ok = need_result(count, "device_count") && is_type(type);
    if (ok)
        *count = mx_device_available((mx_device){(mx_device_type)type, 0});
    return capi_end_ok(&c, ok);
}

/* --- streams ---------------------------------------------------------------------------------- */

mlx_stream capi_new_stream(mx_stream s) {
    return (mlx_stream){capi_stream_box(s)};
}

static bool put_stream(mlx_stream *res, mx_stream s) {
    if (!capi_slot(res, "stream"))
        return false;
    mx_stream *box = res->ctx ? capi_stream_of(res->ctx) : (res->ctx = capi_stream_box(s));
    if (box)
        *box = s;
    return box != NULL;
}

/* An empty handle stands for the default stream, and so does, with an error, one that is none. */
static mx_stream stream_or_default(mlx_stream s) {
    mx_stream v;
    return capi_stream(s, &v) ? v : mx_current_stream();
}

mlx_stream mlx_stream_new(void) {
    return (mlx_stream){NULL};
}

mlx_stream mlx_stream_new_device(mlx_device dev) {
    capi_call c = capi_begin_default();
    mlx_stream res = {NULL};
    mx_device d;
    mx_stream s;
    capi_device(dev, &d);
    bool ok = !mx_failed() && mx_stream_new(d, &s) && put_stream(&res, s);
    capi_end_ok(&c, ok);
    return res;
}

mlx_stream mlx_stream_new_thread_unsafe(mlx_device dev) {
    return mlx_stream_new_device(dev);
}

mlx_stream mlx_new_thread_local_stream(mlx_device dev) {
    return mlx_stream_new_device(dev);
}

int mlx_clear_streams(void) {
    capi_call c = capi_begin_default();
    return capi_end_ok(&c, mx_streams_synchronize());
}

int mlx_stream_set(mlx_stream *stream, const mlx_stream src) {
    capi_call c = capi_begin_default();
    mx_stream s = stream_or_default(src);
    return capi_end_ok(&c, !mx_failed() && put_stream(stream, s));
}

int mlx_stream_free(mlx_stream stream) {
    mx_error_clear();
    return capi_done(!stream.ctx || capi_stream_free(stream.ctx));
}

int mlx_stream_tostring(mlx_string *str, mlx_stream stream) {
    capi_call c = capi_begin_default();
    mx_stream s = stream_or_default(stream);
    char text[64];
    snprintf(text, sizeof text, "Stream(Device(%s, %d), %d)",
             s.device.type == MX_GPU ? "gpu" : "cpu", s.device.index, s.index);
    return capi_end_ok(&c, !mx_failed() && capi_put_string(str, text));
}

bool mlx_stream_equal(mlx_stream lhs, mlx_stream rhs) {
    mx_stream a = {0}, b = {0};
    mx_error_clear();
    bool left = capi_stream(lhs, &a), right = capi_stream(rhs, &b);
    if (mx_failed())
        return capi_report(), false;
    return left && right ? a.index == b.index && a.device.type == b.device.type
                         : lhs.ctx == rhs.ctx;
}

int mlx_stream_get_device(mlx_device *dev, mlx_stream stream) {
    capi_call c = capi_begin_default();
    mx_stream s = stream_or_default(stream);
    return capi_end_ok(&c, !mx_failed() && put_device(dev, s.device));
}

static int set_number(mlx_stream stream, bool (*set)(mx_stream s, int n), int n) {
    capi_call c = capi_begin_default();
    mx_stream s = stream_or_default(stream);
    return capi_end_ok(&c, !mx_failed() && set(s, n));
}

static int get_number(int *n, mlx_stream stream, int (*get)(mx_stream s), const char *op) {
    capi_call c = capi_begin_default();
    mx_stream s = stream_or_default(stream);
    if (n)
        *n = get(s);
    return capi_end_ok(&c, need_result(n, op));
}

static int index_of(mx_stream s) {
    return s.index;
}

int mlx_stream_get_index(int *index, mlx_stream stream) {
    return get_number(index, stream, index_of, "stream_get_index");
}

int mlx_stream_set_priority(mlx_stream stream, int priority) {
    return set_number(stream, mx_stream_set_priority, priority);
}

int mlx_stream_get_priority(int *priority, mlx_stream stream) {
    return get_number(priority, stream, mx_stream_priority, "stream_get_priority");
}

int mlx_stream_set_threads(mlx_stream stream, int threads) {
    return set_number(stream, mx_stream_set_threads, threads);
}

int mlx_stream_get_threads(int *threads, mlx_stream stream) {
    return get_number(threads, stream, mx_stream_threads, "stream_get_threads");
}

int mlx_synchronize(mlx_stream stream) {
    capi_call c = capi_begin_default();
    mx_stream s = stream_or_default(stream);
    return capi_end_ok(&c, !mx_failed() && mx_stream_synchronize(s));
}

int mlx_get_default_stream(mlx_stream *stream, mlx_device dev) {
    capi_call c = capi_begin_default();
    mx_device d;
    capi_device(dev, &d);
    return capi_end_ok(&c, !mx_failed() && put_stream(stream, mx_default_stream(d)));
}

int mlx_set_default_stream(mlx_stream stream) {
    capi_call c = capi_begin_default();
    mx_stream s = stream_or_default(stream);
    return capi_end_ok(&c, !mx_failed() && mx_set_default_stream(s));
}

int mlx_set_default_stream_for_all(mlx_stream stream) {
    capi_call c = capi_begin_default();
    mx_stream s = stream_or_default(stream);
    return capi_end_ok(&c, !mx_failed() && mx_set_default_stream_for_all(s));
}

mlx_stream mlx_default_cpu_stream_new(void) {
    mx_error_clear();
    mlx_stream res = capi_new_stream(mx_default_stream((mx_device){MX_CPU, 0}));
    capi_done(res.ctx != NULL);
    return res;
}

mlx_stream mlx_default_gpu_stream_new(void) {
    capi_call c = capi_begin_default();
    mlx_stream res = {NULL};
    mx_device gpu = {MX_GPU, 0};
    bool ok = mx_device_available(gpu) ||
              mx_fail(MX_DEVICE,
                      "[default_gpu_stream_new] there is no GPU; with MLX_GPU_ON_CPU=1 the CPU "
                      "stands for it");
    if (ok)
        ok = put_stream(&res, mx_default_stream(gpu));
    capi_end_ok(&c, ok);
    return res;
}
