/* The frame of every public function, and what it makes of its arguments: see capi.h. */
#include <stddef.h>
#include <stdalign.h>

#include "base/fenv.h"
#include "base/mem.h"
#include "base/vec.h"
#include "capi/capi.h"

struct capi_room {
    struct capi_room *next;
    alignas(max_align_t) char bytes[];
};

capi_call capi_begin(mlx_stream s) {
    mx_stream on;
    mx_error_clear();
    mx_fenv_hold();
    return (capi_call){capi_stream(s, &on) ? mx_scope_open_on(on) : mx_scope_open(),
                       mx_trace_set_says(true), NULL};
}

capi_call capi_begin_default(void) {
    mx_error_clear();
    mx_fenv_hold();
    return (capi_call){mx_scope_open(), mx_trace_set_says(false), NULL};
}

void *capi_room(capi_call *c, size_t count, size_t size) {
    size_t bytes;
    struct capi_room *r = NULL;
    if (!mx_mul_size(count, size, &bytes) || !mx_add_size(bytes, sizeof *r, &bytes))
        return mx_fail_nomem("mlx", SIZE_MAX);
    if (!(r = mx_calloc(1, bytes)))
        return NULL;
    r->next = c->rooms;
    c->rooms = r;
    return r->bytes;
}

static void free_rooms(capi_call *c) {
    for (struct capi_room *r = c->rooms, *next; r; r = next) {
        next = r->next;
        mx_free(r);
    }
    c->rooms = NULL;
}

int capi_end_ok(capi_call *c, bool ok) {
    free_rooms(c);
    mx_scope_close(c->scope);
    mx_trace_set_says(c->says);
    mx_fenv_release();
    if (ok && !mx_failed())
        return 0;
    if (!mx_failed())
        mx_fail(MX_INTERNAL,
                "[mlx] the library failed and has no reason recorded: please report it");
    return capi_report();
}

int capi_end(capi_call *c, mlx_array *res, mx_array *result) {
    return capi_end_ok(c, result && !mx_failed() && capi_put(res, result));
}

int capi_end2(capi_call *c, mlx_array *res0, mlx_array *res1, bool ok, mx_array *const *result) {
    ok = ok && !mx_failed() && capi_slots(res0, res1, "array");
    return capi_end_ok(c, ok && capi_put(res0, result[0]) && capi_put(res1, result[1]));
}

/* --- handles ----------------------------------------------------------------------- */

mx_array *capi_in(mlx_array a) {
    capi_box *box = capi_object(a.ctx, "array");
    mx_array *in = box ? box->array : NULL;
    if (in && in->tracer)
        mx_trace_set_says(false);
    return in;
}

mlx_array capi_new(mx_array *a) {
    capi_box *box = a ? mx_calloc(1, sizeof *box) : NULL;
    if (box)
        box->array = mx_array_retain(a);
    return (mlx_array){box};
}

/* What the box holds goes, a comes in its place. */
static void exchange(capi_box *box, mx_array *a) {
    mx_array *old = box->array, *dense = atomic_exchange(&box->dense, NULL);
    box->array = a;
    atomic_store(&box->strided, false);
    mx_array_release(old);
    mx_array_release(dense);
}

void capi_free(mlx_array a) {
    if (a.ctx)
        exchange(a.ctx, NULL);
    mx_free(a.ctx);
}

bool capi_put(mlx_array *res, mx_array *a) {
    if (!capi_slot(res, "array"))
        return false;
    if (!res->ctx) {
        *res = capi_new(a);
        return res->ctx != NULL;
    }
    exchange(res->ctx, mx_array_retain(a));
    return true;
}

/* --- other arguments --------------------------------------------------------------- */

int capi_count(const void *list, size_t n) {
    if (n && !capi_is_object(list))
        mx_fail(MX_INVALID, "[list] NULL was given for a list of %zu entries", n);
    else if (n > MX_MOST_ENTRIES)
        mx_fail(MX_RANGE, "[list] %zu entries were given, at most %d are possible", n,
                MX_MOST_ENTRIES);
    return mx_failed() ? 0 : (int)n;
}

mx_dtype capi_dtype(mlx_dtype t) {
    if (mx_dtype_valid((mx_dtype)t))
        return (mx_dtype)t;
    mx_fail(MX_INVALID, "[dtype] %d is not a dtype", (int)t);
    return MX_DTYPE_COUNT;
}
