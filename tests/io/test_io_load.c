/* What load gives: arrays that wait for their evaluation, then need the file no more. Changes of
 * the file before and after; mapped files; descriptors; streams that are read no further than the
 * headers say. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/memory/cache.h"
#include "io_files.h"

static mlx_stream none;
enum { N = 100000 }; /* elements: more than what is read at once */

static bool available(mlx_array a) {
    bool yes = false;
    CHECK_OK(_mlx_array_is_available(&yes, a));
    return yes;
}

/* Is element i of a the number first + i? */
static bool counts(mlx_array a, float first) {
    const float *x = mlx_array_eval(a) ? NULL : mlx_array_data_float32(a);
    for (int i = 0; x && i < N; i++)
        if (x[i] != first + (float)i)
            return false;
    return x && mlx_array_size(a) == N;
}

static mlx_array numbers(float first) {
    mlx_array a = mlx_array_new();
    CHECK_OK(mlx_arange(&a, (double)first, (double)first + N, 1, MLX_FLOAT32, none));
    return a;
}

/* Each format's way to write one array called "a" and to read it. */
typedef struct format {
    const char *name;
    int (*save)(const char *file, mlx_array a);
    int (*load)(mlx_array *a, const char *file);
    int (*load_mapped)(mlx_array *a, const char *file);
} format;

static int save_tensors(const char *file, mlx_array a) {
    mlx_map_string_to_array map = mlx_map_string_to_array_new();
    int status = mlx_map_string_to_array_insert(map, "a", a) ||
                 mlx_save_safetensors(file, map, (mlx_map_string_to_string){NULL});
    mlx_map_string_to_array_free(map);
    return status;
}

typedef int load_tensors_fn(mlx_map_string_to_array *, mlx_map_string_to_string *, const char *,
                            const mlx_stream);

static int load_tensors_by(load_tensors_fn *load, mlx_array *a, const char *file) {
    mlx_map_string_to_array map = mlx_map_string_to_array_new();
    int status = load(&map, NULL, file, none) || mlx_map_string_to_array_get(a, map, "a");
    mlx_map_string_to_array_free(map);
    return status;
}
static int load_tensors(mlx_array *a, const char *file) {
    return load_tensors_by(mlx_load_safetensors, a, file);
}
static int load_tensors_mapped(mlx_array *a, const char *file) {
    return load_tensors_by(mlx_load_safetensors_mapped, a, file);
}

static int save_gguf(const char *file, mlx_array a) {
    mlx_io_gguf g = mlx_io_gguf_new();
    int status = mlx_io_gguf_set_array(g, "a", a) || mlx_save_gguf(file, g);
    mlx_io_gguf_free(g);
    return status;
}

static int load_gguf_by(int (*load)(mlx_io_gguf *, const char *, const mlx_stream), mlx_array *a,
                        const char *file) {
    mlx_io_gguf g = {NULL};
    int status = load(&g, file, none) || mlx_io_gguf_get_array(a, g, "a");
    mlx_io_gguf_free(g);
    return status;
}
static int load_gguf(mlx_array *a, const char *file) {
    return load_gguf_by(mlx_load_gguf, a, file);
}
static int load_gguf_mapped(mlx_array *a, const char *file) {
    return load_gguf_by(mlx_load_gguf_mapped, a, file);
}

static int load_npy(mlx_array *a, const char *file) {
    return mlx_load(a, file, none);
}
static int load_npy_mapped(mlx_array *a, const char *file) {
    return mlx_load_mapped(a, file, none);
}

static const format formats[] = {
    {"x.npy", mlx_save, load_npy, load_npy_mapped},
    {"x.safetensors", save_tensors, load_tensors, load_tensors_mapped},
    {"x.gguf", save_gguf, load_gguf, load_gguf_mapped},
};
enum { FORMATS = sizeof formats / sizeof *formats };

/* --- files that change ------------------------------------------------------------------------ */

static void overwrite(const char *path, size_t at) {
    int fd = open(path, O_WRONLY);
    CHECK(fd >= 0 && pwrite(fd, "????", 4, (off_t)at) == 4);
    close(fd);
}

/* A time of the last write that no file of this test has. */
static void set_old_time(const char *path) {
    struct timespec old[2] = {{1000, 0}, {1000, 0}};
    CHECK_EQ_INT(utimensat(AT_FDCWD, path, old, 0), 0);
}

static void copy_is_on_its_own(const format *f) {
    mlx_array a = numbers(0), b = mlx_array_new();
    const char *path = own_path(f->name);
    CHECK_OK(f->save(path, a));
    CHECK_OK(f->load(&b, path));
    CHECK(!available(b));
    CHECK(counts(b, 0) && available(b));
    overwrite(path, 4 * N / 2);
    CHECK(counts(b, 0));
    CHECK_EQ_INT(truncate(path, 0), 0);
    CHECK(counts(b, 0));
    mlx_array_free(a);
    mlx_array_free(b);
}

static void changed_file_is_refused(const format *f) {
    mlx_array a = numbers(0), b = mlx_array_new(), c = mlx_array_new();
    const char *path = own_path(f->name);
    CHECK_OK(f->save(path, a));
    set_old_time(path);
    CHECK_OK(f->load(&b, path));
    CHECK_OK(f->load(&c, path));
    overwrite(path, 4 * N / 2);
    CHECK_FAILS(mlx_array_eval(b), "it was written to after it was opened");
    CHECK_EQ_INT(mlx_last_error_code(), MLX_ERROR_IO);
    CHECK_EQ_INT(truncate(path, 1000), 0);
    CHECK_FAILS(mlx_array_eval(c), "it was cut short after it was opened");
    CHECK(!available(b) && !available(c));
    mlx_array_free(a);
    mlx_array_free(b);
    mlx_array_free(c);
}

static void new_file_of_that_name(const format *f) {
    mlx_array a = numbers(0), second = numbers(7), b = mlx_array_new(), c = mlx_array_new();
    const char *path = own_path(f->name);
    CHECK_OK(f->save(path, a));
    CHECK_OK(f->load(&b, path));
    CHECK_OK(f->save(path, second));
    CHECK_OK(f->load(&c, path));
    CHECK_OK(f->save(path, b)); // what is read and written is the same file
    CHECK_EQ_INT(unlink(path), 0);
    CHECK(counts(b, 0) && counts(c, 7));
    mlx_array_free(a);
    mlx_array_free(second);
    mlx_array_free(b);
    mlx_array_free(c);
}

static void test_files_that_change(void) {
    for (int i = 0; i < FORMATS; i++) {
        copy_is_on_its_own(&formats[i]);
        changed_file_is_refused(&formats[i]);
        new_file_of_that_name(&formats[i]);
    }
}

/* --- mapped ----------------------------------------------------------------------------------- */

static void mapped(const format *f) {
    mlx_array a = numbers(0), b = mlx_array_new(), c = mlx_array_new();
    const char *path = own_path(f->name);
    size_t before = 0, during = 0, after = 0;
    CHECK_OK(f->save(path, a));
    set_old_time(path);
    CHECK_OK(mlx_get_active_memory(&before));
    CHECK_OK(f->load_mapped(&b, path));
    CHECK(counts(b, 0));
    CHECK_OK(mlx_get_active_memory(&during));
    CHECK(during >= before + 4 * N && during < before + 4 * N + 4096); // the file, and no copy
    CHECK_OK(f->load_mapped(&c, path));
    CHECK_EQ_INT(truncate(path, 5000), 0);
    CHECK_FAILS(mlx_array_eval(c), "it was cut short after it was opened");
    mlx_array_free(b);
    mlx_array_free(c);
    CHECK_OK(mlx_get_active_memory(&after));
    CHECK_EQ_INT(after, before);
    mlx_array_free(a);
}

static void test_mapped(void) {
    for (int i = 0; i < FORMATS; i++)
        mapped(&formats[i]);
}

/* --- dtypes and layouts that need work when they are read ------------------------------------- */

/* An npy file of n elements: big-endian, of bools that are any bytes, or in Fortran's order. */
static const char *npy_file(const char *dict, const void *data, size_t bytes) {
    static char file[2 << 20];
    size_t n = strlen(dict), length = (10 + n + 63) / 64 * 64 - 10;
    memcpy(file, "\x93NUMPY\1\0", 8);
    file[8] = (char)length;
    file[9] = (char)(length >> 8);
    memset(file + 10, ' ', length);
    memcpy(file + 10, dict, n);
    memcpy(file + 10 + length, data, bytes);
    return write_file("raw.npy", file, 10 + length + bytes);
}

static void test_work_on_reading(void) {
    static unsigned char bytes[4 * N];
    mlx_array a = mlx_array_new(), b = mlx_array_new();
    for (int i = 0; i < N; i++) {
        float f = (float)i;
        uint32_t bits;
        memcpy(&bits, &f, 4);
        for (int k = 0; k < 4; k++)
            bytes[4 * i + k] = (unsigned char)(bits >> (24 - 8 * k));
    }
    CHECK_OK(mlx_load(&a,
                      npy_file("{'descr': '>f4', 'fortran_order': False, 'shape': (100000,), }",
                               bytes, 4 * N),
                      none));
    CHECK(!available(a) && counts(a, 0));
    for (int i = 0; i < N; i++)
        bytes[i] = (unsigned char)(i % 3);
    const char *path =
        npy_file("{'descr': '|b1', 'fortran_order': False, 'shape': (100000,), }", bytes, N);
    for (int map = 0; map < 2; map++) {
        CHECK_OK(map ? mlx_load_mapped(&a, path, none) : mlx_load(&a, path, none));
        // behind a header of 128 bytes
        CHECK_FAILS(mlx_array_eval(a), "at byte 130: 2 is not a boolean");
    }
    for (int i = 0; i < N; i++)
        bytes[i] = i % 7 == 0;
    path = npy_file("{'descr': '|b1', 'fortran_order': False, 'shape': (100000,), }", bytes, N);
    CHECK_OK(mlx_load_mapped(&a, path, none));
    CHECK_OK(mlx_array_eval(a));
    CHECK(memcmp(mlx_array_data_bool(a), bytes, N) == 0);
    for (int i = 0; i < N; i++)
        ((uint16_t *)(void *)bytes)[i] = (uint16_t)i;
    path =
        npy_file("{'descr': '<u2', 'fortran_order': True, 'shape': (1000, 100), }", bytes, 2 * N);
    CHECK_OK(mlx_load(&a, path, none));
    CHECK_OK(mlx_contiguous(&b, a, false, none));
    CHECK_OK(mlx_array_eval(b));
    CHECK_EQ_INT(mlx_array_data_uint16(b)[1], 1000);
    CHECK_EQ_INT(mlx_array_data_uint16(b)[100], 1);
    mlx_array_free(a);
    mlx_array_free(b);
}

/* --- under transforms ------------------------------------------------------------------------- */

static int plus_loaded(mlx_vector_array *out, const mlx_vector_array in, void *payload) {
    mlx_array x = mlx_array_new(), y = mlx_array_new();
    mlx_array *loaded = payload;
    int status = mlx_vector_array_get(&x, in, 0) || mlx_add(&y, x, *loaded, none) ||
                 mlx_vector_array_set_value(out, y);
    mlx_array_free(x);
    mlx_array_free(y);
    return status;
}

/* A pending array of a file is a constant of what is compiled or exported. */
static void test_constant_of_a_function(void) {
    mlx_array a = numbers(0), b = mlx_array_new();
    const char *path = own_path("x.npy");
    CHECK_OK(mlx_save(path, a));
    CHECK_OK(mlx_load(&b, path, none));
    mlx_closure f = mlx_closure_new_func_payload(plus_loaded, &b, NULL), g = mlx_closure_new();
    mlx_vector_array in = mlx_vector_array_new_value(a), out = mlx_vector_array_new();
    CHECK_OK(mlx_compile(&g, f, false));
    CHECK_OK(mlx_closure_apply(&out, g, in));
    mlx_array y = mlx_array_new();
    CHECK_OK(mlx_vector_array_get(&y, out, 0));
    CHECK_OK(mlx_array_eval(y));
    CHECK(mlx_array_data_float32(y)[N - 1] == 2 * (N - 1));
    CHECK_OK(mlx_load(&b, path, none));
    CHECK_MSG(!mlx_export_function(own_path("f.mlxfn"), f, in, false), "%s",
              mlx_last_error_message());
    mlx_array_free(y);
    mlx_vector_array_free(out);
    mlx_vector_array_free(in);
    mlx_closure_free(g);
    mlx_closure_free(f);
    mlx_array_free(a);
    mlx_array_free(b);
}

/* --- descriptors ------------------------------------------------------------------------------ */

static int descriptors(void) {
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void test_descriptors(void) {
    enum { MANY = 100 };
    mlx_array a = numbers(0), b[MANY];
    const char *path = own_path("x.npy");
    struct rlimit former, few;
    CHECK_OK(mlx_save(path, a));
    CHECK_EQ_INT(getrlimit(RLIMIT_NOFILE, &former), 0);
    int before = descriptors();
    few = former;
    few.rlim_cur = 64;
    CHECK_EQ_INT(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int i = 0; i < MANY; i++) {
        b[i] = mlx_array_new();
        CHECK_OK(mlx_load(&b[i], path, none));
    }
    CHECK(!available(b[0]) && available(b[MANY - 1])); // with few left the rest is read at once
    CHECK(descriptors() <= before + 17);
    for (int i = 0; i < MANY; i++) {
        CHECK(counts(b[i], 0));
        mlx_array_free(b[i]);
    }
    CHECK_EQ_INT(descriptors(), before);
    setrlimit(RLIMIT_NOFILE, &former);
    mlx_array_free(a);
}

/* --- streams ---------------------------------------------------------------------------------- */

/* A file's bytes, and then zeros without end. */
typedef struct endless {
    const char *bytes;
    size_t n, at;
} endless;

static void read_endless(void *desc, char *to, size_t n) {
    endless *e = desc;
    for (size_t i = 0; i < n; i++, e->at++)
        to[i] = e->at < e->n ? e->bytes[e->at] : 0;
}

static int load_stream(int kind, mlx_array *a, mlx_io_reader r) {
    if (kind == 0)
        return mlx_load_reader(a, r, none);
    mlx_map_string_to_array map = mlx_map_string_to_array_new();
    mlx_io_gguf g = {NULL};
    int status = kind == 1 ? mlx_load_safetensors_reader(&map, NULL, r, none) ||
                                 mlx_map_string_to_array_get(a, map, "a")
                           : mlx_load_gguf_reader(&g, r, none) || mlx_io_gguf_get_array(a, g, "a");
    mlx_io_gguf_free(g);
    mlx_map_string_to_array_free(map);
    return status;
}

static void test_streams(void) {
    mlx_array a = numbers(0), b = mlx_array_new();
    for (int i = 0; i < FORMATS; i++) {
        const char *path = own_path(formats[i].name);
        CHECK_OK(formats[i].save(path, a));
        endless e = {NULL, 0, 0};
        e.bytes = read_file(path, &e.n);
        mlx_io_reader r = mlx_io_reader_new(&e, (mlx_io_vtable){.read = read_endless});
        CHECK_OK(load_stream(i, &b, r));
        CHECK(available(b) && counts(b, 0));
        CHECK(e.at <= e.n && e.at + 32 > e.n);  // GGUF is padded behind its last tensor
        CHECK_FAILS(load_stream(i, &b, r), ""); // zeros are no file, however many
        CHECK(e.at < e.n + 1024);
        mlx_io_reader_free(r);
        free((char *)(uintptr_t)e.bytes);
    }
    mlx_array_free(a);
    mlx_array_free(b);
}

int main(void) {
    mlx_set_error_handler(count_told, NULL, NULL);
    RUN(test_files_that_change);
    RUN(test_mapped);
    RUN(test_work_on_reading);
    RUN(test_constant_of_a_function);
    RUN(test_descriptors);
    RUN(test_streams);
    files_done();
    return check_done();
}
