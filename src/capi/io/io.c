/* io.h: files of arrays. */
#include "io/io.h"

#include "base/mem.h"
#include "capi/capi.h"
#include "capi/io/io.h"

static bool has_path(const char *op, const char *path) {
    return path || mx_fail(MX_INVALID, "[%s] the file name is NULL", op);
}

static bool open_file(mx_source *s, const char *op, const char *path, bool map) {
    *s = (mx_source){0};
    return has_path(op, path) && mx_source_file(s, op, path, map);
}

/* --- npy -------------------------------------------------------------------------- */

static int end_npy(capi_call *c, mlx_array *res, bool open, mx_source *from) {
    mx_array *a = open ? mx_read_npy(from, NULL) : NULL;
    mx_source_close(from);
    return capi_end(c, res, a);
}

int mlx_load(mlx_array *res, const char *file, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_source from;
    return end_npy(&c, res, open_file(&from, "load", file, false), &from);
}

int mlx_load_mapped(mlx_array *res, const char *file, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_source from;
    return end_npy(&c, res, open_file(&from, "load", file, true), &from);
}

int mlx_load_reader(mlx_array *res, mlx_io_reader in_stream, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_source from;
    return end_npy(&c, res, capi_source(&from, "load", in_stream), &from);
}

int mlx_save(const char *file, const mlx_array a) {
    capi_call c = capi_begin_default();
    mx_array *x = capi_in(a);
    return capi_end_ok(&c, x && mx_sink_file("save", file, ".npy", mx_write_npy, x));
}

int mlx_save_writer(mlx_io_writer out_stream, const mlx_array a) {
    capi_call c = capi_begin_default();
    mx_array *x = capi_in(a);
    mx_sink k;
    bool ok = x && capi_sink(&k, "save", out_stream);
    return capi_end_ok(&c, ok && capi_sink_done(&k, mx_write_npy(&k, x)));
}

/* --- npz -------------------------------------------------------------------------- */

int mlx_load_npz(mlx_map_string_to_array *res, const char *file, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_source from;
    mx_map arrays = {0};
    bool ok = open_file(&from, "load_npz", file, false);
    ok = ok && mx_load_npz(&from, &arrays);
    mx_source_close(&from);
    if (ok && !mx_failed())
        ok = capi_put_map_arrays(res, &arrays);
    else
        mx_map_free(&arrays, mx_io_drop_array);
    return capi_end_ok(&c, ok);
}

int mlx_save_npz(const char *file, const mlx_map_string_to_array arrays, bool compressed) {
    capi_call c = capi_begin_default();
    const mx_map *m = capi_map_arrays(arrays);
    return capi_end_ok(&c, m && has_path("save_npz", file) && mx_save_npz(file, m, compressed));
}

/* --- safetensors ------------------------------------------------------------------ */

/* What was read goes to the handles; one that is not wanted may be NULL. */
static int end_load(capi_call *c, bool ok, mlx_map_string_to_array *res_0, mx_map *arrays,
                    mlx_map_string_to_string *res_1, mx_map *metadata) {
    ok = ok && !mx_failed() && (!res_0 || capi_slot(res_0, "map_string_to_array")) &&
         (!res_1 || capi_slot(res_1, "map_string_to_string"));
    if (ok && res_0) {
        ok = capi_put_map_arrays(res_0, arrays);
        *arrays = (mx_map){0};
    }
    if (ok && res_1) {
        ok = capi_put_map_strings(res_1, metadata);
        *metadata = (mx_map){0};
    }
    mx_free_arrays(arrays);
    mx_free_strings(metadata);
    return capi_end_ok(c, ok);
}

int mlx_load_safetensors(mlx_map_string_to_array *res_0, mlx_map_string_to_string *res_1,
                         const char *file, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_map arrays = {0}, metadata = {0};
    bool ok =
        has_path("load_safetensors", file) && mx_load_safetensors(file, false, &arrays, &metadata);
    return end_load(&c, ok, res_0, &arrays, res_1, &metadata);
}

int mlx_load_safetensors_mapped(mlx_map_string_to_array *res_0, mlx_map_string_to_string *res_1,
                                const char *file, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_map arrays = {0}, metadata = {0};
    bool ok =
        has_path("load_safetensors", file) && mx_load_safetensors(file, true, &arrays, &metadata);
    return end_load(&c, ok, res_0, &arrays, res_1, &metadata);
}

int mlx_load_safetensors_reader(mlx_map_string_to_array *res_0, mlx_map_string_to_string *res_1,
                                mlx_io_reader in_stream, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_map arrays = {0}, metadata = {0};
    mx_source from;
    bool ok = capi_source(&from, "load_safetensors", in_stream) &&
              mx_load_safetensors_from(&from, &arrays, &metadata);
    mx_source_close(&from);
    return end_load(&c, ok, res_0, &arrays, res_1, &metadata);
}

/* An empty handle of metadata is no metadata. */
static bool maps_of(mlx_map_string_to_array param, mlx_map_string_to_string metadata,
                    const mx_map **arrays, const mx_map **strings) {
    *arrays = capi_map_arrays(param);
    *strings = *arrays && metadata.ctx ? capi_map_strings(metadata) : NULL;
    return *arrays && (*strings || !metadata.ctx);
}

int mlx_save_safetensors(const char *file, const mlx_map_string_to_array param,
                         const mlx_map_string_to_string metadata) {
    capi_call c = capi_begin_default();
    const mx_map *arrays, *strings;
    char *path = mx_path_with("save_safetensors", file, ".safetensors");
    bool ok = path && maps_of(param, metadata, &arrays, &strings) &&
              mx_save_safetensors(path, arrays, strings);
    mx_free(path);
    return capi_end_ok(&c, ok);
}

int mlx_save_safetensors_writer(mlx_io_writer in_stream, const mlx_map_string_to_array param,
                                const mlx_map_string_to_string metadata) {
    capi_call c = capi_begin_default();
    const mx_map *arrays, *strings;
    mx_sink k;
    bool ok =
        maps_of(param, metadata, &arrays, &strings) && capi_sink(&k, "save_safetensors", in_stream);
    return capi_end_ok(&c, ok && capi_sink_done(&k, mx_save_safetensors_to(&k, arrays, strings)));
}

/* --- gguf ------------------------------------------------------------------------- */

static int end_gguf(capi_call *c, mlx_io_gguf *gguf, bool ok, mx_gguf *g) {
    if (ok && !mx_failed())
        ok = capi_put_gguf(gguf, g);
    else
        mx_gguf_free(g);
    return capi_end_ok(c, ok);
}

static int load_gguf(mlx_io_gguf *gguf, const char *file, bool map, mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_gguf g = {0};
    return end_gguf(&c, gguf,
                    has_path("load_gguf", file) && mx_read_gguf_file("load_gguf", file, map, &g),
                    &g);
}

int mlx_load_gguf(mlx_io_gguf *gguf, const char *file, const mlx_stream s) {
    return load_gguf(gguf, file, false, s);
}

int mlx_load_gguf_mapped(mlx_io_gguf *gguf, const char *file, const mlx_stream s) {
    return load_gguf(gguf, file, true, s);
}

int mlx_load_gguf_reader(mlx_io_gguf *gguf, mlx_io_reader in_stream, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_gguf g = {0};
    mx_source from;
    bool ok = capi_source(&from, "load_gguf", in_stream) && mx_read_gguf(&from, &g);
    mx_source_close(&from);
    return end_gguf(&c, gguf, ok, &g);
}

int mlx_save_gguf(const char *file, mlx_io_gguf gguf) {
    capi_call c = capi_begin_default();
    mx_gguf *g = capi_gguf(gguf);
    return capi_end_ok(&c, g && mx_sink_file("save_gguf", file, ".gguf", mx_write_gguf, g));
}
