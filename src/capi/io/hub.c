/* hub.h */
#include "hub/hub.h"

#include "base/interrupt.h"
#include "base/mem.h"
#include "capi/capi.h"

typedef struct watcher {
    mlx_hub_callback call;
    void *payload;
    mlx_hub_progress shown;
} watcher;

static bool tell(watcher *w) {
    capi_callback c = capi_callback_begin();
    int result = w->call(&w->shown, w->payload);
    return capi_callback_end(c, "hub", result);
}

static bool watch(void *payload, const mx_hub_progress *p) {
    watcher *w = payload;
    w->shown = (mlx_hub_progress){p->file, p->files_done, p->files, p->bytes_done, p->bytes};
    return tell(w);
}

int mlx_hub_pull(mlx_string *res, const char *model, const mlx_hub_options *options,
                 mlx_hub_callback call, void *payload) {
    capi_call c = capi_begin_default();
    mlx_hub_options o = options ? *options : (mlx_hub_options){0};
    watcher w = {.call = call, .payload = payload};
    bool ok = (res && model && (o.patterns || !o.pattern_count)) ||
              mx_fail(MX_INVALID, "[hub] an argument is NULL");
    for (size_t i = 0; ok && i < o.pattern_count; i++)
        ok = o.patterns[i] || mx_fail(MX_INVALID, "[hub] a pattern is NULL");
    char *folder = ok ? mx_hub_pull(model, o.revision, o.patterns, o.pattern_count, o.connections,
                                    call ? watch : NULL, &w)
                      : NULL;
    ok = folder && capi_put_string(res, folder);
    mx_free(folder);
    return capi_end_ok(&c, ok);
}

int mlx_hub_find(mlx_string *res, const char *model, const char *revision) {
    capi_call c = capi_begin_default();
    mx_hub_settings s = {0};
    bool ok = (res && model) || mx_fail(MX_INVALID, "[hub] an argument is NULL");
    ok = ok && mx_hub_settings_read(&s);
    char *folder = ok ? mx_hub_snapshot(&s, model, revision) : NULL;
    ok = ok && !mx_failed() && (!folder || capi_put_string(res, folder));
    int found = folder ? 0 : 2;
    mx_free(folder);
    mx_hub_settings_free(&s);
    return capi_end_ok(&c, ok) ? 1 : found;
}

static bool step(void *ctx, uint64_t bytes) {
    watcher *w = ctx;
    w->shown.bytes_done += bytes;
    return !mx_interrupted() && (!w->call || tell(w));
}

int mlx_hub_sha256(mlx_string *res, const char *file, mlx_hub_callback call, void *payload) {
    capi_call c = capi_begin_default();
    watcher w = {call, payload, {.file = file, .files = 1}};
    char hex[MX_HUB_HEX], failed[256] = "";
    bool ok = (res && file) || mx_fail(MX_INVALID, "[hub] an argument is NULL");
    ok =
        ok &&
        (mx_sha256_file(hex, file, step, &w, failed) ||
         (*failed ? mx_fail(MX_IO, "[hub] %s", failed) : mx_fail(MX_INTERRUPTED, "[hub] stopped")));
    return capi_end_ok(&c, ok && capi_put_string(res, hex));
}
