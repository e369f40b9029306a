/* profile.h: a handle points to an mx_profile. */
#include "base/mem.h"
#include "capi/capi.h"
#include "graph/profile/limits.h"
#include "graph/profile/profile.h"
#include "graph/profile/trace_file.h"
#include "graph/watch/source.h"

mlx_profile mlx_profile_new(void) {
    mx_error_clear();
    mx_profile *p = mx_calloc(1, sizeof *p);
    capi_done(p != NULL);
    return (mlx_profile){p};
}

int mlx_profile_free(mlx_profile p) {
    int status;
    if (capi_frees(p.ctx, "profile", &status)) {
        mx_profile_clear(p.ctx);
        mx_free(p.ctx);
    }
    return status;
}

static mx_profile *profile_of(mlx_profile p) {
    return capi_object(p.ctx, "profile");
}

int mlx_profile_start(mlx_profile p, size_t memory) {
    mx_error_clear();
    mx_profile *x = profile_of(p);
    return capi_done(x && mx_profile_start(x, memory));
}

int mlx_profile_stop(mlx_profile p) {
    mx_error_clear();
    mx_profile *x = profile_of(p);
    return capi_done(x && mx_profile_stop(x));
}

/* --- reading -------------------------------------------------------------------------- */

/* A stopped profile; NULL and an error. */
static mx_profile *done_of(mlx_profile p) {
    mx_profile *x = profile_of(p);
    return x && mx_profile_done(x) ? x : NULL;
}

/* The same, for a result and the i-th of n. */
static bool has(const mx_profile *x, const void *res, size_t i, size_t n, const char *what) {
    return x && (res || mx_fail(MX_INVALID, "[profile] the result is NULL")) &&
           (i < n || mx_fail(MX_RANGE, "[profile] there is no %s %zu: there are %zu", what, i, n));
}

int mlx_profile_count(size_t *events, uint64_t *dropped, mlx_profile p) {
    mx_error_clear();
    mx_profile *x = done_of(p);
    if (x && events)
        *events = x->count;
    if (x && dropped)
        *dropped = x->ring.dropped;
    return capi_done(x);
}

int mlx_profile_get(mlx_profile_event *res, mlx_profile p, size_t i) {
    mx_error_clear();
    mx_profile *x = done_of(p);
    if (!has(x, res, i, x ? x->count : 0, "event"))
        return capi_report();
    const mx_event *e = x->entry[i].event;
    *res = (mlx_profile_event){
        .name = x->entry[i].name,
        .source = mx_source_text(e->source),
        .start_ns = e->start - x->began,
        .duration_ns = e->duration,
        .self_ns = e->self,
        .bytes_read = e->read,
        .bytes_written = e->written,
        .flops = e->flops,
        .active = e->active,
        .thread = e->thread,
        .stream = e->stream,
        .depth = e->depth,
        .input_count = e->n_in,
        .output_count = e->n_out,
        .fused = e->program,
        .failed = e->failed,
    };
    return 0;
}

int mlx_profile_get_array(mlx_profile_array *res, mlx_profile p, size_t i, bool output, int k) {
    mx_error_clear();
    mx_profile *x = done_of(p);
    if (!has(x, res, i, x ? x->count : 0, "event"))
        return capi_report();
    const mx_event *e = x->entry[i].event;
    size_t n = output ? e->n_out : e->n_in;
    if (!has(x, res, k < 0 ? SIZE_MAX : (size_t)k, n, output ? "output" : "input"))
        return capi_report();
    mx_event_array a = mx_event_get(e, output, k);
    *res = (mlx_profile_array){(mlx_dtype)a.dtype, a.ndim, a.shape};
    return 0;
}

/* --- the table ------------------------------------------------------------------------- */

int mlx_profile_row_count(size_t *rows, mlx_profile p) {
    mx_error_clear();
    mx_profile *x = done_of(p);
    bool ok = has(x, rows, 0, 1, "row");
    if (ok)
        *rows = x->rows;
    return capi_done(ok);
}

int mlx_profile_get_row(mlx_profile_row *res, mlx_profile p, size_t i) {
    mx_limits limits;
    mx_error_clear();
    mx_profile *x = done_of(p);
    if (!has(x, res, i, x ? x->rows : 0, "row") || !mx_limits_measure(&limits))
        return capi_report();
    const mx_profile_row *r = &x->row[i];
    *res = (mlx_profile_row){r->name,  r->source, r->calls,           r->self,
                             r->bytes, r->flops,  mx_profile_share(r)};
    return 0;
}

int mlx_profile_text(mlx_string *res, mlx_profile p) {
    mx_limits limits;
    mx_text t = {0};
    mx_error_clear();
    mx_profile *x = done_of(p);
    bool ok = x && mx_limits_measure(&limits);
    if (ok)
        mx_profile_text(&t, x);
    ok = ok && !t.failed && capi_put_string(res, mx_text_view(&t));
    mx_text_free(&t);
    return capi_done(ok);
}

int mlx_profile_write(mlx_profile p, const char *path) {
    mx_error_clear();
    mx_profile *x = done_of(p);
    bool ok = x && (path || mx_fail(MX_INVALID, "[profile] the path is NULL"));
    return capi_done(ok && mx_trace_write(x, path));
}

int mlx_machine_limits(double *bandwidth, double *flops) {
    mx_limits limits;
    mx_error_clear();
    bool ok =
        ((bandwidth && flops) || mx_fail(MX_INVALID, "[machine_limits] the result is NULL")) &&
        mx_limits_measure(&limits);
    if (ok) {
        *bandwidth = limits.bandwidth;
        *flops = limits.flops;
    }
    return capi_done(ok);
}

/* --- sources --------------------------------------------------------------------------- */

uint32_t mlx_source_add(const char *file, int line) {
    if (capi_is_object(file))
        return mx_source_add(file,
                             line); // in a call of the hook: errors of the call around it stay
    mx_fail(MX_INVALID, "[source_add] the file is NULL");
    capi_report();
    return 0;
}

int mlx_source_set_hook(mlx_source_hook *hook, void *data) {
    mx_source_set_hook(hook, data);
    return 0;
}

uint32_t mlx_source_here(void) {
    return mx_source_here();
}
