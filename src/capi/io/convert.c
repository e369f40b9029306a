/* convert.h */
#include "capi/io/convert.h"

#include "capi/capi.h"
#include "capi/io/plugin.h"
#include "models/decoder/decoder.h"

mlx_convert_options mlx_convert_options_default(void) {
    return (mlx_convert_options){0};
}

static bool progress(void *payload, const mx_convert_progress *p) {
    const capi_watcher *w = payload;
    mlx_convert_progress shown = {p->tensor, p->done, p->count, p->bytes_done,
                                  p->bytes,  p->note, p->lost};
    capi_callback c = capi_callback_begin();
    int result = w->call(&shown, w->payload);
    return capi_callback_end(c, w->op, result);
}

mx_convert_options capi_convert_options(const mlx_convert_options *options, capi_watcher *w) {
    mlx_convert_options o = options ? *options : mlx_convert_options_default();
    return (mx_convert_options){.format = o.format,
                                .family = o.family,
                                .mode = o.mode,
                                .bits = o.bits,
                                .group = o.group_size,
                                .dequantize = o.dequantize,
                                .dtype = o.dtype,
                                .rules = o.rules,
                                .rule_count = o.rule_count,
                                .most_bytes = o.most_bytes,
                                .overwrite = o.overwrite,
                                .understands = mx_decoder_understands,
                                .progress = w->call ? progress : NULL,
                                .payload = w};
}

int mlx_convert(const char *file, const char *out, const mlx_convert_options *options,
                mlx_convert_callback call, void *payload) {
    capi_call c = capi_begin_default();
    capi_watcher w = {"convert", call, payload};
    mx_convert_options o = capi_convert_options(options, &w);
    capi_plugins_use();
    return capi_end_ok(&c, mx_convert(file, out, &o));
}

int mlx_convert_open(mlx_file *res, const char *file) {
    capi_call c = capi_begin_default();
    capi_plugins_use();
    mx_archive **slot = (mx_archive **)capi_slot(res, "file");
    mx_archive *a = slot ? mx_convert_view(file) : NULL;
    if (a) {
        mx_archive_close(*slot);
        *slot = a;
    }
    return capi_end_ok(&c, a);
}

int mlx_convert_family(mlx_string *res, const char *file) {
    capi_call c = capi_begin_default();
    capi_plugins_use();
    const char *name = mx_convert_family(file);
    return capi_end_ok(&c, name && capi_put_string(res, name));
}
