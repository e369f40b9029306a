/* npy and npz: every dtype there and back, what others wrote, and files that lie. */
#include "io_files.h"

static mlx_stream none;

/* --- there and back --------------------------------------------------------------- */

/* 2 x 3 elements of any dtype, all bytes different where the dtype allows. */
static mlx_array sample(mlx_dtype t) {
    unsigned char bytes[6 * 8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = t == MLX_BOOL ? i & 1 : (unsigned char)(i + 1);
    return mlx_array_new_data(bytes, (int[]){2, 3}, 2, t);
}

static bool equal(mlx_array a, mlx_array b) {
    mlx_array same = mlx_array_new();
    bool yes = false;
    CHECK_OK(mlx_array_equal(&same, a, b, true, none));
    mlx_array_item_bool(&yes, same);
    mlx_array_free(same);
    return yes && mlx_array_dtype(a) == mlx_array_dtype(b);
}

static void test_every_dtype(void) {
    for (int t = MLX_BOOL; t <= MLX_COMPLEX64; t++) {
        mlx_array a = sample((mlx_dtype)t), b = mlx_array_new();
        const char *path = own_path("a.npy");
        CHECK_OK(mlx_save(path, a));
        CHECK_OK(mlx_load(&b, path, none));
        CHECK_MSG(equal(a, b), "dtype %d", t);
        mlx_array_free(a);
        mlx_array_free(b);
    }
}

static void test_the_bytes(void) {
    mlx_array a = mlx_array_new_data((float[]){1, 2, 3}, (int[]){3}, 1, MLX_FLOAT32);
    CHECK_OK(mlx_save(own_path("bytes"), a)); // gets .npy
    size_t n;
    char *got = read_file(own_path("bytes.npy"), &n);
    CHECK_EQ_INT(n, 140);
    static const char head[] =
        "\x93NUMPY\1\0\x76\0{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }  ";
    CHECK(memcmp(got, head, sizeof head - 1) == 0);
    CHECK(got[127] == '\n');
    CHECK(memcmp(got + 128, (float[]){1, 2, 3}, 12) == 0);
    free(got);
    mlx_array_free(a);
}

static void test_scalars_and_empty(void) {
    mlx_array a = mlx_array_new_float(3.5f), b = mlx_array_new(), c = mlx_array_new();
    CHECK_OK(mlx_save(own_path("s.npy"), a));
    CHECK_OK(mlx_load(&b, own_path("s.npy"), none));
    CHECK_EQ_INT(mlx_array_ndim(b), 0);
    CHECK(equal(a, b));
    CHECK_OK(mlx_zeros(&a, (int[]){2, 0, 3}, 3, MLX_INT16, none));
    CHECK_OK(mlx_save(own_path("e.npy"), a));
    CHECK_OK(mlx_load(&c, own_path("e.npy"), none));
    CHECK_EQ_INT(mlx_array_dim(c, 2), 3);
    CHECK_EQ_INT(mlx_array_size(c), 0);
    mlx_array_free(a);
    mlx_array_free(b);
    mlx_array_free(c);
}

static void test_strided_and_pending(void) {
    mlx_array a = sample(MLX_INT32), t = mlx_array_new(), b = mlx_array_new();
    CHECK_OK(mlx_transpose(&t, a, none));
    CHECK_OK(mlx_add(&t, t, t, none));
    CHECK_OK(mlx_save(own_path("t.npy"), t));
    CHECK_OK(mlx_load(&b, own_path("t.npy"), none));
    CHECK(equal(t, b));
    // a mapped file may be replaced while arrays point into it
    CHECK_OK(mlx_save(own_path("t.npy"), a));
    CHECK(equal(t, b));
    mlx_array_free(a);
    mlx_array_free(b);
    mlx_array_free(t);
}

static void test_npz(void) {
    for (int compressed = 0; compressed < 2; compressed++) {
        mlx_map_string_to_array m = mlx_map_string_to_array_new(),
                                back = mlx_map_string_to_array_new();
        mlx_array a = sample(MLX_BFLOAT16), b = mlx_array_new(), got = mlx_array_new();
        CHECK_OK(mlx_arange(&b, 0, 5000, 1, MLX_FLOAT32, none));
        CHECK_OK(mlx_map_string_to_array_insert(m, "a", a));
        CHECK_OK(mlx_map_string_to_array_insert(m, "folder/b", b));
        CHECK_OK(mlx_save_npz(own_path("two"), m, compressed));
        CHECK_OK(mlx_load_npz(&back, own_path("two.npz"), none));
        CHECK_OK(mlx_map_string_to_array_get(&got, back, "a"));
        CHECK(equal(a, got));
        CHECK_OK(mlx_map_string_to_array_get(&got, back, "folder/b"));
        CHECK(equal(b, got));
        CHECK_EQ_INT(mlx_map_string_to_array_get(&got, back, "c"), 2);
        mlx_array_free(a);
        mlx_array_free(b);
        mlx_array_free(got);
        mlx_map_string_to_array_free(m);
        mlx_map_string_to_array_free(back);
    }
}

static void test_empty_npz(void) {
    mlx_map_string_to_array m = mlx_map_string_to_array_new(), back = mlx_map_string_to_array_new();
    mlx_map_string_to_array_iterator it = mlx_map_string_to_array_iterator_new(back);
    CHECK_OK(mlx_save_npz(own_path("none.npz"), m, false));
    CHECK_OK(mlx_load_npz(&back, own_path("none.npz"), none));
    mlx_array a = mlx_array_new();
    const char *key;
    CHECK_EQ_INT(mlx_map_string_to_array_iterator_next(&key, &a, it), 2);
    mlx_map_string_to_array_iterator_free(it);
    mlx_map_string_to_array_free(m);
    mlx_map_string_to_array_free(back);
}

/* --- what others wrote ------------------------------------------------------------ */

static int load_fixture(mlx_array *a, const char *name) {
    char path[128];
    snprintf(path, sizeof path, "fixtures/npy/%s", name);
    const char *full = data_path(path);
    return full ? mlx_load(a, full, none) : -1;
}

static double element(mlx_array a, int i, int j, int k) {
    mlx_array x = mlx_array_new();
    double v = -1;
    mlx_slice(&x, a, (int[]){i, j, k}, 3, (int[]){i + 1, j + 1, k + 1}, 3, (int[]){1, 1, 1}, 3,
              none);
    mlx_array_item_float64(&v, x);
    mlx_array_free(x);
    return v;
}

static void test_orders(void) {
    static const char *const order[] = {"little_endian_standard", "little_endian_fortran",
                                        "big_endian_standard", "big_endian_fortran"};
    if (!data_path("fixtures/npy/ndarray-npy"))
        return (void)SKIP("no fixtures/npy: set MLX_TEST_DATA");
    for (int f = 0; f < 4; f++) {
        mlx_array a = mlx_array_new();
        char name[80];
        snprintf(name, sizeof name, "ndarray-npy/example_f64_%s.npy", order[f]);
        CHECK_OK(load_fixture(&a, name));
        CHECK_EQ_INT(mlx_array_dtype(a), MLX_FLOAT64);
        CHECK_EQ_INT(mlx_array_ndim(a), 3);
        for (int i = 0; i < 24; i++)
            CHECK_NEAR(element(a, i / 12, i / 4 % 3, i % 4), i, 0);
        mlx_array_free(a);
    }
}

static void test_fixtures(void) {
    mlx_array a = mlx_array_new();
    if (!data_path("fixtures/npy/iree"))
        return (void)SKIP("no fixtures/npy: set MLX_TEST_DATA");
    CHECK_OK(load_fixture(&a, "iree/single.npy"));
    CHECK_EQ_INT(mlx_array_size(a), 3);
    CHECK_OK(load_fixture(&a, "iree/multiple.npy"));
    CHECK_OK(load_fixture(&a, "iree/array_types.npy"));
    CHECK_EQ_INT(mlx_array_dtype(a), MLX_BOOL);
    CHECK_OK(load_fixture(&a, "iree/array_shapes.npy"));
    CHECK_EQ_INT(mlx_array_ndim(a), 0);
    CHECK_OK(load_fixture(&a, "ndarray-npy/array.npy"));
    CHECK_OK(load_fixture(&a, "ndarray-npy/example_bool_standard.npy"));
    CHECK_FAILS(load_fixture(&a, "iree/empty.npy"), "at byte 0: it is not an npy file");
    CHECK_FAILS(load_fixture(&a, "ndarray-npy/example_bool_bad_value.npy"), "is not a boolean");
    CHECK_FAILS(load_fixture(&a, "ndarray-npy/example_c64_big_endian_standard.npy"),
                "'>c16' is not supported");
    CHECK_FAILS(load_fixture(&a, "numpy/py2-objarr.npy"), "'|O8' is not supported");
    CHECK_FAILS(load_fixture(&a, "numpy/py3-objarr.npy"), "'|O' is not supported");
    mlx_array_free(a);
}

static void test_npz_fixtures(void) {
    mlx_map_string_to_array m = mlx_map_string_to_array_new();
    mlx_array a = mlx_array_new();
    const char *path = data_path("fixtures/npy/candle/test.npz");
    if (!path)
        return (void)SKIP("no fixtures/npy: set MLX_TEST_DATA");
    CHECK_OK(mlx_load_npz(&m, path, none));
    CHECK_OK(mlx_map_string_to_array_get(&a, m, "x_plus_one"));
    CHECK_FAILS(mlx_load_npz(&m, data_path("fixtures/npy/numpy/py3-objarr.npz"), none),
                "is not supported");
    CHECK_OK(mlx_map_string_to_array_get(&a, m, "x")); // a failed load leaves the map
    mlx_array_free(a);
    mlx_map_string_to_array_free(m);
}

/* --- files that lie --------------------------------------------------------------- */

/* Load an npy file of this version with this header text and n bytes of data. */
static int load_text(int version, const char *text, size_t data) {
    unsigned char file[4096] = "\x93NUMPY";
    size_t length = strlen(text), at = version == 1 ? 10 : 12;
    file[6] = (unsigned char)version;
    file[8] = (unsigned char)length;
    file[9] = (unsigned char)(length >> 8);
    memcpy(file + at, text, length);
    mlx_array a = mlx_array_new();
    int code = mlx_load(&a, write_file("text.npy", file, at + length + data), none);
    mlx_array_free(a);
    return code;
}

static void test_headers(void) {
    CHECK_OK(load_text(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", 8));
    CHECK_OK(load_text(2, "{\"shape\": (2, 1L), 'fortran_order':True,'descr':'=i2'}", 4));
    CHECK_OK(load_text(3, "{'descr': '|u1', 'fortran_order': False, 'shape': ()}", 1));
    CHECK_FAILS(load_text(4, "{}", 0), "at byte 6: version 4.0 is not known");
    CHECK_FAILS(load_text(1, "", 0), "lacks a '{'");
    CHECK_FAILS(load_text(1, "{'descr': '<f4', 'fortran_order': False}", 0), "no 'shape'");
    CHECK_FAILS(load_text(1, "{'fortran_order': False, 'shape': ()}", 0), "no 'descr'");
    CHECK_FAILS(load_text(1, "{'descr': '<f4', 'shape': ()}", 0), "no 'fortran_order'");
    CHECK_FAILS(load_text(1, "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': ()}", 0),
                "records");
    CHECK_FAILS(load_text(1, "{'descr': '<f4', 'fortran_order': Maybe, 'shape': ()}", 0),
                "neither True nor False");
    CHECK_FAILS(load_text(1, "{'descr': '<f4", 0), "has no end");
    CHECK_FAILS(load_text(1, "{'descr': '', 'fortran_order': False, 'shape': ()}", 0),
                "not supported");
    CHECK_FAILS(load_text(1, "{'other': 3}", 0), "unknown key 'other'");
    CHECK_FAILS(load_text(1, "{'fortran_order': Tru", 0), "neither True nor False");
    CHECK_FAILS(load_text(1, "{'shape': (2 3)}", 0), "lacks a ','");
    CHECK_FAILS(load_text(1, "{'shape': (-1,)}", 0), "something else than sizes");
    CHECK_FAILS(load_text(1, "{'shape': (99999999999999999999,)}", 0), "larger than");
    CHECK_FAILS(load_text(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} x", 12),
                "follows the dict");
    CHECK_FAILS(load_text(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", 11),
                "needs 12 bytes, 11 are");
    CHECK_FAILS(
        load_text(
            1,
            "{'descr': '<f4', 'fortran_order': True, 'shape': (2147483647,2147483647,2147483647)}",
            0),
        "too large");
}

static void test_too_many_sizes(void) {
    char text[1024] = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
    for (int i = 0; i < 65; i++)
        strcat(text, "1,");
    strcat(text, ")}");
    CHECK_FAILS(load_text(1, text, 4), "more than 64");
}

static void test_every_cut(void) {
    mlx_array a = sample(MLX_FLOAT64), b = mlx_array_new();
    mlx_map_string_to_array m = mlx_map_string_to_array_new();
    CHECK_OK(mlx_save(own_path("whole.npy"), a));
    CHECK_OK(mlx_map_string_to_array_insert(m, "a", a));
    CHECK_OK(mlx_save_npz(own_path("whole.npz"), m, true));
    size_t n, nz;
    char *bytes = read_file(own_path("whole.npy"), &n),
         *zip = read_file(own_path("whole.npz"), &nz);
    for (size_t i = 0; i < n; i++)
        CHECK_EQ_INT(mlx_load(&b, write_file("cut.npy", bytes, i), none), 1);
    for (size_t i = 0; i < nz; i++)
        CHECK_EQ_INT(mlx_load_npz(&m, write_file("cut.npz", zip, i), none), 1);
    for (size_t i = 0; i < nz; i++) { // any byte wrong: an error or a map, never a crash
        zip[i] ^= 0x55;
        mlx_load_npz(&m, write_file("wrong.npz", zip, nz), none);
        zip[i] ^= 0x55;
    }
    free(bytes);
    free(zip);
    mlx_array_free(a);
    mlx_array_free(b);
    mlx_map_string_to_array_free(m);
}

static void test_refusals(void) {
    mlx_array a = mlx_array_new();
    mlx_array one = mlx_array_new_int(1);
    mlx_map_string_to_array m = mlx_map_string_to_array_new();
    CHECK_FAILS(mlx_load(&a, NULL, none), "NULL");
    CHECK_FAILS(mlx_load(&a, own_path("absent.npy"), none), "cannot open");
    CHECK_FAILS(mlx_load(&a, folder, none), "it is a directory");
    CHECK_FAILS(mlx_save(NULL, one), "NULL");
    CHECK_FAILS(mlx_save(own_path("empty.npy"), a), "an empty handle");
    CHECK_FAILS(mlx_save(own_path("absent/x.npy"), one), "No such file");
    CHECK_FAILS(mlx_load_npz(&m, NULL, none), "NULL");
    CHECK_FAILS(mlx_load_npz(&m, own_path("absent.npz"), none), "cannot open");
    CHECK_FAILS(mlx_save_npz(NULL, m, false), "NULL");
    CHECK_FAILS(mlx_save_npz(own_path("x.npz"), (mlx_map_string_to_array){NULL}, false),
                "empty handle");
    mlx_map_string_to_array_insert(m, "a", one);
    CHECK_FAILS(mlx_save_npz(own_path("absent/x.npz"), m, false), "cannot create");
    mlx_array_free(a);
    mlx_array_free(one);
    mlx_map_string_to_array_free(m);
}

int main(void) {
    mlx_set_error_handler(count_told, NULL, NULL);
    RUN(test_every_dtype);
    RUN(test_the_bytes);
    RUN(test_scalars_and_empty);
    RUN(test_strided_and_pending);
    RUN(test_npz);
    RUN(test_empty_npz);
    RUN(test_orders);
    RUN(test_fixtures);
    RUN(test_npz_fixtures);
    RUN(test_headers);
    RUN(test_too_many_sizes);
    RUN(test_every_cut);
    RUN(test_refusals);
    files_done();
    return check_done();
}
