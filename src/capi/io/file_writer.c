/* file.h: files of tensors, written. */
#include "capi/capi.h"
#include "capi/io/plugin.h"
#include "io/archive/archive.h"

mlx_file_writer mlx_file_writer_new(void) {
    return (mlx_file_writer){NULL};
}

int mlx_file_writer_open(mlx_file_writer *res, const char *path, const char *format,
                         uint64_t most_bytes) {
    mx_error_clear();
    capi_plugins_use();
    mx_archive_writer **slot = (mx_archive_writer **)capi_slot(res, "file_writer");
    mx_archive_writer *w = slot ? mx_archive_create(path, format, most_bytes) : NULL;
    if (w) {
        mx_archive_writer_free(*slot);
        *slot = w;
    }
    return capi_done(w != NULL);
}

int mlx_file_writer_free(mlx_file_writer w) {
    int status;
    if (capi_frees(w.ctx, "file_writer", &status))
        mx_archive_writer_free(w.ctx);
    return status;
}

/* The writer, and a text that is there; NULL and an error otherwise. */
static mx_archive_writer *with_text(mlx_file_writer w, const char *text, const char *what) {
    mx_archive_writer *x = capi_object(w.ctx, "file_writer");
    if (x && !text)
        return mx_fail(MX_INVALID, "[file_writer] the %s is NULL", what);
    return x;
}

/* --- metadata --------------------------------------------------------------------------- */

int mlx_file_writer_text(mlx_file_writer w, const char *key, const char *text) {
    mx_error_clear();
    mx_archive_writer *x = with_text(w, key, "key");
    x = x ? with_text(w, text, "text") : NULL;
    return capi_done(x && mx_archive_set_meta(x, key, mx_meta_of_string(text)));
}

int mlx_file_writer_texts(mlx_file_writer w, const char *key, const mlx_vector_string texts) {
    mx_error_clear();
    size_t n = 0;
    mx_archive_writer *x = with_text(w, key, "key");
    const char *const *list = x ? capi_strings(texts, &n) : NULL;
    return capi_done(x && !mx_failed() && mx_archive_set_meta(x, key, mx_meta_of_strings(list, n)));
}

int mlx_file_writer_array(mlx_file_writer w, const char *key, const mlx_array numbers) {
    mx_error_clear();
    mx_archive_writer *x = with_text(w, key, "key");
    mx_array *a = x ? capi_in(numbers) : NULL;
    return capi_done(a && mx_archive_set_meta(x, key, mx_meta_of_array(a)));
}

/* --- tensors ---------------------------------------------------------------------------- */

int mlx_file_writer_declare(mlx_file_writer w, const char *name, const char *storage,
                            const int *shape, size_t shape_num) {
    mx_error_clear();
    mx_archive_writer *x = with_text(w, name, "name");
    x = x ? with_text(w, storage, "storage") : NULL;
    int ndim = x ? capi_count(shape, shape_num) : 0;
    return capi_done(x && !mx_failed() && mx_archive_declare(x, name, storage, shape, ndim));
}

int mlx_file_writer_put(mlx_file_writer w, const char *name, const mlx_array a) {
    capi_call c = capi_begin_default();
    mx_archive_writer *x = with_text(w, name, "name");
    mx_array *in = x ? capi_in(a) : NULL;
    return capi_end_ok(&c, in && mx_archive_put(x, name, in));
}

int mlx_file_writer_finish(mlx_file_writer w) {
    capi_call c = capi_begin_default();
    mx_archive_writer *x = capi_object(w.ctx, "file_writer");
    return capi_end_ok(&c, x && mx_archive_finish(x));
}
