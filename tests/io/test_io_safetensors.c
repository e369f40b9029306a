/* safetensors: what is written is read back, mapped or through a reader; files that lie are
   refused. */
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/status.h"
#include "check.h"
#include "graph/eval/eval.h"
#include "graph/array/read.h"
#include "io/io.h"
#include "mlx/c/mlx.h"
#include "ops/ops.h"
#include "own_folder.h"

static char folder[128];
static char path[192];

static void write_file(const void *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(bytes, 1, n, f) == n);
    if (f)
        fclose(f);
}

/* Length (or a lie), header, `data` zero bytes. */
static void write_tensors(const char *header, long long length, size_t data) {
    size_t n = strlen(header);
    unsigned char *file = calloc(1, 8 + n + data);
    unsigned long long l = length < 0 ? n : (unsigned long long)length;
    memcpy(file, &l, 8);
    memcpy(file + 8, header, n);
    write_file(file, 8 + n + data);
    free(file);
}

static mx_array *get(const mx_map *m, const char *name) {
    return mx_map_get(m, name);
}

static double element(mx_array *a, int64_t i) {
    return a && mx_eval1(a) ? mx_read_double(a->data + i * (int64_t)mx_itemsize(a), mx_dtype_of(a))
                            : NAN;
}

/* --- there and back --------------------------------------------------------------------------- */

static void put(mx_map *m, const char *name, mx_array *a) {
    CHECK(a && mx_map_set(m, name, mx_array_retain(a), NULL));
}

static void fill(mx_map *m) {
    static char names[MX_DTYPE_COUNT][16];
    for (int t = 0; t < MX_DTYPE_COUNT; t++) {
        snprintf(names[t], sizeof names[t], "t%d", t);
        mx_array *a =
            mx_reshape(mx_astype(mx_arange(0, 6, 1, MX_INT32), (mx_dtype)t), (int[]){2, 3}, 2);
        put(m, names[t], t % 2 ? mx_transpose(a) : a);
    }
    put(m, "empty", mx_zeros((int[]){0, 4}, 2, MX_FLOAT32));
    put(m, "scalar", mx_scalar(2.5, MX_FLOAT64));
    put(m, "n\xc3\xa4me \"quoted\"", mx_mul_s(mx_ones((int[]){3}, 1, MX_FLOAT32), 7));
}

static void check_filled(const mx_map *m) {
    char name[16];
    for (int t = 0; t < MX_DTYPE_COUNT; t++) {
        snprintf(name, sizeof name, "t%d", t);
        mx_array *a = get(m, name);
        bool turned = t % 2;
        CHECK_MSG(a && a->dtype == t && mx_shape_is(a, turned ? (int[]){3, 2} : (int[]){2, 3}, 2),
                  "%s", name);
        double want = t == MX_BOOL ? 1
                      : turned     ? 4
                                   : 5; /* element 3 of the transposed is 4; the last is 5 */
        CHECK_NEAR(element(a, turned ? 3 : 5), want, 0);
    }
    CHECK(get(m, "empty") && get(m, "empty")->size == 0 &&
          mx_shape_is(get(m, "empty"), (int[]){0, 4}, 2));
    CHECK_NEAR(element(get(m, "scalar"), 0), 2.5, 0);
    CHECK_NEAR(element(get(m, "n\xc3\xa4me \"quoted\""), 2), 7, 0);
}

static void there_and_back(void) {
    mx_scope s = mx_scope_open();
    mx_map arrays = {0}, metadata = {0}, read = {0}, read_metadata = {0};
    fill(&arrays);
    CHECK(mx_map_set(&metadata, "format", mx_strdup("mlx"), NULL));
    CHECK(mx_save_safetensors(path, &arrays, &metadata));
    CHECK(mx_load_safetensors(path, false, &read, &read_metadata));
    CHECK_EQ_INT(read.count, arrays.count);
    check_filled(&read);
    CHECK_STR(mx_map_get(&read_metadata, "format"), "mlx");
    CHECK(mx_save_safetensors(path, &read, NULL)); /* over the file that they come from */
    check_filled(&read);
    mx_free_arrays(&read);
    mx_free_strings(&read_metadata);
    CHECK(mx_load_safetensors(path, false, &read, &read_metadata));
    check_filled(&read);
    mx_free_arrays(&read);
    mx_free_arrays(&arrays);
    mx_free_strings(&metadata);
    mx_free_strings(&read_metadata);
    mx_scope_close(s);
}

/* --- files that lie --------------------------------------------------------------------------- */

static void refused(const char *header, long long length, size_t data, const char *message) {
    mx_map arrays = {0}, metadata = {0};
    write_tensors(header, length, data);
    CHECK_MSG(!mx_load_safetensors(path, false, &arrays, &metadata), "accepted: %s", header);
    CHECK_HAS(mx_error_message(), message);
    CHECK(mx_error_status() == MX_FORMAT && arrays.count == 0 && metadata.count == 0);
    mx_error_clear();
    mx_free_arrays(&arrays);
    mx_free_strings(&metadata);
}
#define TENSOR(dtype, shape, offsets) \
    "{\"x\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static void lies(void) {
    mx_scope s = mx_scope_open();
    refused(TENSOR("F32", "[4]", "[0,16]"), 1LL << 40, 16, "Invalid json header length");
    refused(TENSOR("F32", "[4]", "[0,16]"), -1, 8, "exceeding the size of the file");
    refused(TENSOR("F32", "[5]", "[0,16]"), -1, 16, "Expecting 20 bytes");
    refused(TENSOR("F32", "[4]", "[16,0]"), -1, 16, "no valid data offsets");
    refused(TENSOR("F32", "[4]", "[-16,0]"), -1, 16, "no valid data offsets");
    refused(TENSOR("F32", "[4]", "[0]"), -1, 16, "no valid data offsets");
    refused(TENSOR("F32", "[-4]", "[0,16]"), -1, 16, "dimensions out of range");
    refused(TENSOR("F32", "[4.0]", "[0,16]"), -1, 16, "dimensions out of range");
    refused(TENSOR("F32", "[4294967300]", "[0,16]"), -1, 16, "dimensions out of range");
    refused(TENSOR("F32", "[2147483647,2147483647,2147483647]", "[0,16]"), -1, 16, "too large");
    refused(TENSOR("F32", "4", "[0,16]"), -1, 16, "has no shape");
    refused(TENSOR("F3", "[4]", "[0,16]"), -1, 16, "unsupported dtype F3");
    refused("{\"x\":{\"shape\":[4],\"data_offsets\":[0,16]}}", -1, 16, "has no dtype");
    refused("{\"x\":[1]}", -1, 16, "is not an object");
    refused("{\"x\":", -1, 16, "not valid JSON");
    refused("[]", -1, 16, "not a JSON object");
    refused("{\"__metadata__\":{\"a\":1}}", -1, 0, "is not a string");
    refused("{\"__metadata__\":[]}", -1, 0, "metadata");
    refused("{\"x\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
            "\"y\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[3,7]}}",
            -1, 8, "overlap");
    refused(TENSOR("U8", "[4]", "[4,8]"), -1, 8, "the format has no gaps");
    refused("{\"x\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
            "\"y\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[6,8]}}",
            -1, 8, "the format has no gaps");
    refused(TENSOR("U8", "[4]", "[0,4]"), -1, 8, "4 bytes behind its last tensor");
    refused("{\"x\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
            "\"x\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}",
            -1, 8, "duplicate");
    char deep[400];
    memset(deep, '[', sizeof deep);
    deep[sizeof deep - 1] = 0;
    refused(deep, -1, 0, "nested too deeply");
    mx_map a = {0}, m = {0};
    write_file("1234567", 7);
    CHECK(!mx_load_safetensors(path, false, &a, &m));
    CHECK_HAS(mx_error_message(), "too few");
    mx_error_clear();
    CHECK(!mx_load_safetensors("/nowhere/x.safetensors", false, &a, &m) &&
          mx_error_status() == MX_IO);
    mx_error_clear();
    mx_scope_close(s);
}

/* Every truncation of a good file is refused, or loses nothing. */
static void truncations(void) {
    mx_scope s = mx_scope_open();
    mx_map arrays = {0}, none = {0};
    put(&arrays, "a", mx_arange(0, 9, 1, MX_FLOAT32));
    CHECK(mx_save_safetensors(path, &arrays, NULL));
    char whole[512];
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(whole, 1, sizeof whole, f) : 0;
    if (f)
        fclose(f);
    for (size_t cut = 0; cut < n; cut++) {
        mx_map read = {0};
        write_file(whole, cut);
        CHECK(!mx_load_safetensors(path, false, &read, &none));
        CHECK(read.count == 0 && mx_failed());
        mx_error_clear();
    }
    mx_free_arrays(&arrays);
    mx_scope_close(s);
}

/* Unaligned data is copied; bools other than 0 and 1 are refused; 8-bit floats are bytes; gaps are
   skipped. */
static void odd_but_valid(void) {
    mx_scope s = mx_scope_open();
    mx_map a = {0}, m = {0};
    char file[256];
    const char *h =
        "{\"__metadata__\":null,\"b\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[0,3]},"
        "\"f\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[3,7]},"
        "\"e\":{\"dtype\":\"F8_E4M3\",\"shape\":[],\"data_offsets\":[7,8]}}";
    size_t n = strlen(h);
    unsigned long long length = n;
    float one = 1.5f;
    memcpy(file, &length, 8);
    memcpy(file + 8, h, n);
    memcpy(file + 8 + n, "\x00\x01\x01", 3);
    memcpy(file + 8 + n + 3, &one, 4); // not aligned
    file[8 + n + 7] = 77;
    write_file(file, 8 + n + 8);
    CHECK_MSG(mx_load_safetensors(path, false, &a, &m), "%s", mx_error_message());
    CHECK_NEAR(element(get(&a, "b"), 0), 0, 0);
    CHECK_NEAR(element(get(&a, "b"), 1), 1, 0);
    CHECK(mx_eval1(get(&a, "b")) && get(&a, "b")->dtype == MX_BOOL &&
          ((uint8_t *)get(&a, "b")->data)[1] == 1);
    CHECK_NEAR(element(get(&a, "f"), 0), 1.5, 0);
    CHECK(get(&a, "e")->dtype == MX_UINT8);
    CHECK_NEAR(element(get(&a, "e"), 0), 77, 0);
    mx_free_arrays(&a);
    file[8 + n + 1] = 2;
    write_file(file, 8 + n + 8);
    CHECK(!mx_load_safetensors(path, false, &a, &m) &&
          strstr(mx_error_message(), "2 is not a boolean"));
    mx_error_clear();
    mx_free_arrays(&a);
    mx_free_strings(&m);
    mx_scope_close(s);
}

/* --- writing that fails ----------------------------------------------------------------------- */

static void full_disk(void) {
    mx_scope s = mx_scope_open();
    mx_map arrays = {0};
    put(&arrays, "a", mx_ones((int[]){1000}, 1, MX_FLOAT32));
    if (access("/dev/full", W_OK) == 0) {
        CHECK(!mx_save_safetensors("/dev/full", &arrays, NULL));
        CHECK(mx_error_status() == MX_IO);
        mx_error_clear();
    } else {
        SKIP("no /dev/full");
    }
    CHECK(!mx_save_safetensors("/nowhere/a.safetensors", &arrays, NULL) &&
          mx_error_status() == MX_IO);
    mx_error_clear();
    put(&arrays, "__metadata__", mx_scalar(1, MX_FLOAT32));
    write_file("old", 3);
    CHECK(!mx_save_safetensors(path, &arrays, NULL));
    CHECK_HAS(mx_error_message(), "reserved");
    mx_error_clear();
    char old[4] = {0};
    FILE *f = fopen(path, "rb");
    CHECK(f && fread(old, 1, 3, f) == 3 && strcmp(old, "old") == 0);
    if (f)
        fclose(f);
    mx_free_arrays(&arrays);
    mx_scope_close(s);
}

/* --- readers and writers of the program, through the C API ------------------------------------ */

typedef struct memory {
    char bytes[1024];
    size_t size, at, limit;
    bool bad, freed;
} memory;

static bool is_open(void *d) {
    return d != NULL;
}
static bool good(void *d) {
    return !((memory *)d)->bad;
}
static size_t tell(void *d) {
    return ((memory *)d)->at;
}
static void seek(void *d, int64_t to, int whence) {
    memory *m = d;
    m->at = (size_t)(to + (whence == SEEK_END   ? (int64_t)m->size
                           : whence == SEEK_CUR ? (int64_t)m->at
                                                : 0));
}
static void read_at(void *d, char *to, size_t n, size_t at) {
    memory *m = d;
    m->bad |= at + n > m->size;
    if (!m->bad)
        memcpy(to, m->bytes + at, n);
}
static void read_on(void *d, char *to, size_t n) {
    memory *m = d;
    read_at(d, to, n, m->at);
    m->at += n;
}
static void write_on(void *d, const char *from, size_t n) {
    memory *m = d;
    m->bad |= m->size + n > m->limit;
    if (!m->bad)
        memcpy(m->bytes + m->size, from, n);
    m->size += m->bad ? 0 : n;
}
static const char *label(void *d) {
    return d ? "memory" : "";
}
static void let_go(void *d) {
    ((memory *)d)->freed = true;
}
static const mlx_io_vtable table = {is_open, good,     tell,  seek,  read_on,
                                    read_at, write_on, label, let_go};

static char reported[256];
static void note(const char *message, void *data) {
    (void)data;
    snprintf(reported, sizeof reported, "%s", message);
}

static void streams(void) {
    static memory m;
    m = (memory){.limit = sizeof m.bytes};
    mlx_set_error_handler(note, NULL, NULL);
    mlx_io_writer w = mlx_io_writer_new(&m, table);
    mlx_map_string_to_array params = mlx_map_string_to_array_new();
    mlx_array a = mlx_array_new_float32(2.5f), b = mlx_array_new();
    CHECK(mlx_map_string_to_array_insert(params, "a", a) == 0);
    CHECK(mlx_save_safetensors_writer(w, params, (mlx_map_string_to_string){NULL}) == 0);
    mlx_io_reader r = mlx_io_reader_new(&m, table);
    mlx_map_string_to_array read = mlx_map_string_to_array_new();
    mlx_map_string_to_string metadata = mlx_map_string_to_string_new();
    mlx_stream cpu = mlx_default_cpu_stream_new();
    CHECK(mlx_load_safetensors_reader(&read, &metadata, r, cpu) == 0);
    CHECK(mlx_map_string_to_array_get(&b, read, "a") == 0);
    float v = 0;
    CHECK(mlx_array_item_float32(&v, b) == 0);
    CHECK_NEAR(v, 2.5, 0);
    m.limit = 40;
    m.size = 0;
    CHECK(mlx_save_safetensors_writer(w, params, metadata) == 1);
    CHECK_HAS(reported, "[save_safetensors] memory");
    m.bad = false;
    CHECK(mlx_load_safetensors_reader(&read, &metadata, r, cpu) == 1);
    mlx_io_writer_free(w);
    CHECK(m.freed);
    mlx_io_reader_free(r);
    mlx_array_free(a);
    mlx_array_free(b);
    mlx_map_string_to_array_free(params);
    mlx_map_string_to_array_free(read);
    mlx_map_string_to_string_free(metadata);
    mlx_stream_free(cpu);
    mlx_set_error_handler(NULL, NULL, NULL);
}

/* --- files of others -------------------------------------------------------------------------- */

static void fixtures(void) {
    const char *root = getenv("MLX_TEST_DATA");
    char name[512];
    mx_scope s = mx_scope_open();
    mx_map a = {0}, m = {0};
    snprintf(name, sizeof name, "%s%s/fixtures/safetensors/burn/multi_layer.safetensors",
             root ? root : check_source(), root ? "" : "/../shared/data");
    if (access(name, R_OK) != 0) {
        SKIP("no fixtures ($MLX_TEST_DATA)");
    } else {
        CHECK(mx_load_safetensors(name, false, &a, &m));
        CHECK(a.count > 0);
        for (size_t i = 0; i < a.count; i++)
            CHECK(mx_eval1(a.entry[i].value));
    }
    mx_free_arrays(&a);
    mx_free_strings(&m);
    mx_scope_close(s);
}

/* Every allocation fails once: an error, and nothing is lost. */
static void out_of_memory(void) {
    mx_scope s = mx_scope_open();
    mx_map arrays = {0};
    fill(&arrays);
    CHECK(mx_save_safetensors(path, &arrays, NULL));
    mx_free_arrays(&arrays);
    bool done = false;
    int64_t live = mx_alloc_live();
    for (unsigned n = 1; n < 2000 && !done; n++) {
        mx_map a = {0}, m = {0};
        mx_alloc_fail_at(n);
        bool ok = mx_load_safetensors(path, false, &a, &m);
        done = mx_alloc_count() < n;
        mx_alloc_fail_at(0);
        CHECK_MSG(ok == done, "allocation %u", n);
        mx_error_clear();
        mx_free_arrays(&a);
        mx_free_strings(&m);
    }
    CHECK(done);
    CHECK(mx_alloc_live() <= live + 1);
    mx_scope_close(s);
}

int main(void) {
    own_folder(folder, sizeof folder, "safetensors");
    snprintf(path, sizeof path, "%s/x.safetensors", folder);
    RUN(there_and_back);
    RUN(lies);
    RUN(truncations);
    RUN(odd_but_valid);
    RUN(full_disk);
    RUN(streams);
    RUN(fixtures);
    RUN(out_of_memory);
    unlink(path);
    rmdir(folder);
    return check_done();
}
