/* GGUF: what others wrote, every type of tensor and metadata, and files that lie. */
#include "base/half.h"
#include "io_files.h"

static mlx_stream none;

/* --- building files by hand ------------------------------------------------------- */

typedef struct bytes {
    unsigned char at[1 << 16];
    size_t n;
} bytes;

static void put(bytes *b, const void *p, size_t n) {
    memcpy(b->at + b->n, p, n);
    b->n += n;
}
static void put32(bytes *b, uint32_t v) {
    put(b, &v, 4);
}
static void put64(bytes *b, uint64_t v) {
    put(b, &v, 8);
}
static void put_text(bytes *b, const char *s) {
    put64(b, strlen(s));
    put(b, s, strlen(s));
}
static void begin(bytes *b, uint64_t tensors, uint64_t pairs) {
    b->n = 0;
    put(b, "GGUF", 4);
    put32(b, 3);
    put64(b, tensors);
    put64(b, pairs);
}
static void put_tensor(bytes *b, const char *name, uint32_t ndim, const uint64_t *sizes,
                       uint32_t type, uint64_t offset) {
    put_text(b, name);
    put32(b, ndim);
    for (uint32_t i = 0; i < ndim; i++)
        put64(b, sizes[i]);
    put32(b, type);
    put64(b, offset);
}
static void align(bytes *b) {
    while (b->n % 32)
        b->at[b->n++] = 0;
}

static bytes file;

static int load(mlx_io_gguf *g) {
    return mlx_load_gguf(g, write_file("made.gguf", file.at, file.n), none);
}

static int try_load(void) {
    mlx_io_gguf g = {NULL};
    int code = load(&g);
    mlx_io_gguf_free(g);
    return code;
}

/* One tensor x of this type: rows of `row` elements. */
static void begin_tensor(uint32_t type, uint64_t row, uint64_t rows) {
    begin(&file, 1, 0);
    put_tensor(&file, "x.weight", 2, (uint64_t[]){row, rows}, type, 0);
    align(&file);
}

static mlx_array get(mlx_io_gguf g, const char *name) {
    mlx_array a = mlx_array_new();
    CHECK_OK(mlx_io_gguf_get_array(&a, g, name));
    return a;
}

/* --- types of tensors ------------------------------------------------------------- */

static void test_plain_types(void) {
    static const struct {
        uint32_t type;
        mlx_dtype dtype;
    } rows[] = {{0, MLX_FLOAT32}, {1, MLX_FLOAT16}, {24, MLX_INT8},    {25, MLX_INT16},
                {26, MLX_INT32},  {27, MLX_INT64},  {28, MLX_FLOAT64}, {30, MLX_BFLOAT16}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mlx_io_gguf g = {NULL};
        begin_tensor(rows[i].type, 3, 2);
        for (size_t j = 0; j < 6 * mlx_dtype_size(rows[i].dtype); j++)
            file.at[file.n++] = (unsigned char)(j + 1);
        CHECK_OK(load(&g));
        mlx_array a = get(g, "x.weight");
        CHECK_EQ_INT(mlx_array_dtype(a), rows[i].dtype);
        CHECK(mlx_array_ndim(a) == 2 && mlx_array_dim(a, 0) == 2 && mlx_array_dim(a, 1) == 3);
        CHECK_EQ_INT(mlx_array_nbytes(a), 6 * mlx_dtype_size(rows[i].dtype));
        CHECK_OK(mlx_view(&a, a, MLX_UINT8, none));
        CHECK_OK(mlx_array_eval(a));
        const uint8_t *got = mlx_array_data_uint8(a);
        CHECK(got && got[0] == 1 && got[mlx_array_nbytes(a) - 1] == mlx_array_nbytes(a));
        mlx_array_free(a);
        mlx_io_gguf_free(g);
    }
}

/* Four blocks of numbers from a generator, whose scales are 0.05 and 0.0375; expected: a hash
   (FNV-1a) of the halves that the reference implementation of the format gives. */
static const struct {
    uint32_t type, items, bytes;
    int scale[2];
    uint64_t hash;
} unpacked[] = {
    {6, 32, 22, {0, -1}, 0xb6e6504255352dd5ull},
    {7, 32, 24, {0, 2}, 0x434da2d82c3b5f31ull},
    {10, 256, 84, {80, 82}, 0x6e3d190609e39842ull},
    {11, 256, 110, {108, -1}, 0xee25cc45b02db666ull},
    {12, 256, 144, {0, 2}, 0x15ab27990e0a7fb5ull},
    {13, 256, 176, {0, 2}, 0xd055977a5ff5376aull},
    {14, 256, 210, {208, -1}, 0x7740295a7393f591ull},
    {20, 32, 18, {0, -1}, 0x3849eca0cef9972bull},
    {23, 256, 136, {0, -1}, 0x93ed62a4d92be129ull},
};

static uint64_t fnv(const unsigned char *p, size_t n) {
    uint64_t h = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3ull;
    return h;
}

static void put_blocks(uint32_t type, uint32_t size, const int scale[2]) {
    static const uint16_t halves[2] = {0x2a66, 0x28cd};
    uint32_t x = type;
    unsigned char *start = file.at + file.n;
    for (uint32_t i = 0; i < 4 * size; i++) {
        x = x * 1664525u + 1013904223u;
        file.at[file.n++] = (unsigned char)(x >> 24);
    }
    for (uint32_t i = 0; i < 8; i++)
        if (scale[i % 2] >= 0)
            memcpy(start + i / 2 * size + scale[i % 2], &halves[i % 2], 2);
}

static void test_unpacked_types(void) {
    for (size_t i = 0; i < sizeof unpacked / sizeof *unpacked; i++) {
        mlx_io_gguf g = {NULL};
        begin_tensor(unpacked[i].type, unpacked[i].items * 2, 2);
        put_blocks(unpacked[i].type, unpacked[i].bytes, unpacked[i].scale);
        CHECK_OK(load(&g));
        mlx_array a = get(g, "x.weight");
        CHECK_EQ_INT(mlx_array_dtype(a), MLX_FLOAT16);
        CHECK_EQ_INT(mlx_array_size(a), unpacked[i].items * 4);
        CHECK_OK(mlx_array_eval(a));
        uint64_t h = fnv((const unsigned char *)mlx_array_data_float16(a), mlx_array_nbytes(a));
        CHECK_MSG(h == unpacked[i].hash, "type %u", unpacked[i].type);
        mlx_array_free(a);
        mlx_io_gguf_free(g);
    }
}

/* Element i of packed weights, dequantized. */
static double packed(mlx_array w, mlx_array scales, mlx_array biases, int bits, int i) {
    const uint32_t *q = mlx_array_data_uint32(w);
    const uint16_t *s = (const uint16_t *)mlx_array_data_float16(scales);
    const uint16_t *b = (const uint16_t *)mlx_array_data_float16(biases);
    int each = 32 / bits;
    uint32_t v = q[i / each] >> (i % each * bits) & ((1u << bits) - 1);
    return (double)mx_f16_to_f32(s[i / 32]) * v + (double)mx_f16_to_f32(b[i / 32]);
}

static void check_packed(uint32_t type, int bits, const float *expected) {
    mlx_io_gguf g = {NULL};
    CHECK_OK(load(&g));
    mlx_array w = get(g, "x.weight"), s = get(g, "x.scales"), b = get(g, "x.biases");
    CHECK_EQ_INT(mlx_array_dtype(w), MLX_UINT32);
    CHECK_EQ_INT(mlx_array_dim(w, 1), 64 * bits / 32);
    CHECK_EQ_INT(mlx_array_dim(s, 1), 2);
    CHECK_EQ_INT(mlx_array_dtype(b), MLX_FLOAT16);
    for (int i = 0; i < 128; i++)
        CHECK_MSG(fabs(packed(w, s, b, bits, i) - (double)expected[i]) < 0.02, "type %u element %d",
                  type, i);
    mlx_array_free(w);
    mlx_array_free(s);
    mlx_array_free(b);
    mlx_io_gguf_free(g);
}

/* Bytes count up; q of element j of a block is known from the layout. */
static void test_packed_types(void) {
    float expected[128];
    begin_tensor(2, 64, 2); // Q4_0: d = 0.05
    for (int block = 0; block < 4; block++) {
        put(&file, &(uint16_t){0x2a66}, 2);
        for (int j = 0; j < 16; j++) {
            unsigned char q = (unsigned char)(block * 16 + j * 7);
            put(&file, &q, 1);
            expected[block * 32 + j] = 0.05f * ((float)(q & 15) - 8);
            expected[block * 32 + 16 + j] = 0.05f * ((float)(q >> 4) - 8);
        }
    }
    check_packed(2, 4, expected);
    begin_tensor(3, 64, 2); // Q4_1: and m = 0.0375
    for (int block = 0; block < 4; block++) {
        put(&file, (uint16_t[]){0x2a66, 0x28cd}, 4);
        for (int j = 0; j < 16; j++) {
            unsigned char q = (unsigned char)(block * 16 + j * 7);
            put(&file, &q, 1);
            expected[block * 32 + j] = 0.05f * (float)(q & 15) + 0.0375f;
            expected[block * 32 + 16 + j] = 0.05f * (float)(q >> 4) + 0.0375f;
        }
    }
    check_packed(3, 4, expected);
    begin_tensor(8, 64, 2); // Q8_0
    for (int block = 0; block < 4; block++) {
        put(&file, &(uint16_t){0x2a66}, 2);
        for (int j = 0; j < 32; j++) {
            int8_t q = (int8_t)(block * 32 + j - 64);
            put(&file, &q, 1);
            expected[block * 32 + j] = 0.05f * (float)q;
        }
    }
    check_packed(8, 8, expected);
}

static void test_mxfp4(void) {
    begin_tensor(39, 32, 2);
    for (int block = 0; block < 2; block++) {
        put(&file, &(unsigned char){(unsigned char)(120 + block)}, 1);
        for (int j = 0; j < 16; j++)
            put(&file, &(unsigned char){(unsigned char)(j | (15 - j) << 4)}, 1);
    }
    mlx_io_gguf g = {NULL};
    CHECK_OK(load(&g));
    mlx_array w = get(g, "x.weight"), s = get(g, "x.scales");
    CHECK_EQ_INT(mlx_array_data_uint32(w)[0], 0x76543210);
    CHECK_EQ_INT(mlx_array_data_uint32(w)[2], 0x89abcdef);
    CHECK_EQ_INT(mlx_array_dtype(s), MLX_UINT8);
    CHECK_EQ_INT(mlx_array_data_uint8(s)[1], 121);
    mlx_array_free(w);
    mlx_array_free(s);
    mlx_io_gguf_free(g);
}

/* --- the public vectors: floats and the blocks that they became ------------------- */

/* Numbers of a JSON list at "key", at most n. */
static int numbers(const char *json, const char *key, double *out, int n) {
    char quoted[32];
    snprintf(quoted, sizeof quoted, "\"%s\"", key);
    const char *p = strstr(json, quoted);
    int count = 0;
    for (p = p ? strchr(p, '[') : NULL; p && count < n && *p && *p != '"';) {
        char *end;
        double v = strtod(p, &end);
        if (end == p) {
            p++;
            continue;
        }
        out[count++] = v;
        p = end;
    }
    return count;
}

static void check_vector(const char *json, const char *key, uint32_t type, uint32_t size,
                         double tolerance) {
    double floats[256], block[512];
    CHECK_EQ_INT(numbers(json, "weight_rows", floats, 256), 256);
    CHECK_EQ_INT(numbers(json, key, block, 8 * (int)size), 8 * size);
    begin_tensor(type, 128, 2);
    for (uint32_t i = 0; i < 8 * size; i++)
        file.at[file.n++] = (unsigned char)(int)block[i];
    mlx_io_gguf g = {NULL};
    CHECK_OK(load(&g));
    mlx_array w = get(g, "x.weight");
    CHECK_OK(mlx_array_eval(w));
    bool half = mlx_array_dtype(w) == MLX_FLOAT16;
    mlx_array s = half ? mlx_array_new() : get(g, "x.scales"),
              b = half ? mlx_array_new() : get(g, "x.biases");
    const uint16_t *h = half ? (const uint16_t *)mlx_array_data_float16(w) : NULL;
    double worst = 0;
    for (int i = 0; i < 256; i++) {
        double v = half ? (double)mx_f16_to_f32(h[i]) : packed(w, s, b, type == 8 ? 8 : 4, i);
        worst = fmax(worst, fabs(v - floats[i]));
    }
    CHECK_MSG(worst < tolerance, "%s: off by %g", key, worst);
    mlx_array_free(w);
    mlx_array_free(s);
    mlx_array_free(b);
    mlx_io_gguf_free(g);
}

static void test_public_vectors(void) {
    const char *path = data_path("ggml_quant_vectors/ggml_quant_vectors.json");
    if (!path)
        return (void)SKIP("no ggml_quant_vectors: set MLX_TEST_DATA");
    size_t n;
    char *json = read_file(path, &n);
    json[n] = 0;
    check_vector(json, "q8_0", 8, 34, 0.02);
    check_vector(json, "q4_0", 2, 18, 0.45);
    check_vector(json, "q4_1", 3, 20, 0.25);
    check_vector(json, "q5_0", 6, 22, 0.23);
    check_vector(json, "q5_1", 7, 24, 0.12);
    free(json);
}

/* --- files of others -------------------------------------------------------------- */

static int load_data(mlx_io_gguf *g, const char *name) {
    const char *path = data_path(name);
    return path ? mlx_load_gguf(g, path, none) : -1;
}

static void test_fixtures(void) {
    mlx_io_gguf g = {NULL};
    mlx_array a = mlx_array_new();
    mlx_string s = mlx_string_new();
    mlx_vector_string v = mlx_vector_string_new();
    bool flag = false;
    if (!data_path("fixtures/gguf"))
        return (void)SKIP("no fixtures/gguf: set MLX_TEST_DATA");
    CHECK_OK(load_data(&g, "fixtures/gguf/iree/single.gguf"));
    CHECK_OK(mlx_io_gguf_get_array(&a, g, "tensor0"));
    CHECK(mlx_array_dim(a, 0) == 2 && mlx_array_dim(a, 1) == 2);
    CHECK_OK(mlx_io_gguf_get_metadata_string(&s, g, "metadata_str"));
    CHECK_STR(mlx_string_data(s), "hello");
    CHECK_OK(mlx_io_gguf_get_metadata_vector_string(&v, g, "metadata_strs"));
    CHECK(mlx_vector_string_size(v) > 0);
    CHECK_OK(mlx_io_gguf_has_metadata_array(&flag, g, "metadata_uint32"));
    CHECK(flag);
    void *box = g.ctx;
    CHECK_OK(load_data(&g, "fixtures/gguf/iree/multiple.gguf"));
    CHECK(g.ctx == box);
    CHECK_OK(mlx_io_gguf_get_keys(&v, g));
    CHECK_EQ_INT(mlx_vector_string_size(v), 3);
    CHECK_OK(load_data(&g, "fixtures/gguf/iree/single_v2.gguf"));
    CHECK_OK(load_data(&g, "fixtures/gguf/iree/empty.gguf"));
    CHECK_OK(mlx_io_gguf_get_keys(&v, g));
    CHECK_EQ_INT(mlx_vector_string_size(v), 0);
    CHECK_OK(load_data(&g, "fixtures/mixed_iree_py/parameter_weight_bias_1.gguf"));
    CHECK_OK(mlx_io_gguf_get_array(&a, g, "weight"));
    CHECK(mlx_array_dim(a, 0) == 30 && mlx_array_dim(a, 1) == 20);
    CHECK_OK(load_data(&g, "stories260K/stories260K.gguf"));
    CHECK_OK(mlx_io_gguf_get_array(&a, g, "blk.4.ffn_down.weight"));
    CHECK(mlx_array_dim(a, 0) == 64 && mlx_array_dim(a, 1) == 172);
    mlx_array_free(a);
    mlx_string_free(s);
    mlx_vector_string_free(v);
    mlx_io_gguf_free(g);
}

/* A file of hexadecimal digits. */
static int load_hex(const char *name) {
    char full[128];
    snprintf(full, sizeof full, "fixtures/planner-vectors/fixtures/%s.hex", name);
    size_t n;
    const char *path = data_path(full);
    char *hex = read_file(path ? path : "", &n);
    file.n = 0;
    for (size_t i = 0; i + 1 < n && hex[i] > ' '; i += 2) {
        unsigned v = 0;
        sscanf(hex + i, "%2x", &v);
        file.at[file.n++] = (unsigned char)v;
    }
    free(hex);
    return try_load();
}

static void test_planner_vectors(void) {
    if (!data_path("fixtures/planner-vectors"))
        return (void)SKIP("no fixtures/planner-vectors: set MLX_TEST_DATA");
    CHECK_OK(load_hex("gguf-v2-f32"));
    CHECK_OK(load_hex("gguf-v3-q4-0"));
    CHECK_FAILS(load_hex("gguf-unsupported-version"), "at byte 4: version 4 is not known");
    CHECK_FAILS(load_hex("gguf-unknown-type"),
                "'future.weight' is of type 43, which cannot be read");
    CHECK_FAILS(load_hex("raw-small"), "it is not a GGUF file");
    CHECK_FAILS(load_hex("raw-empty"), "it is not a GGUF file");
}

/* --- there and back --------------------------------------------------------------- */

static const mlx_dtype numbers_of_metadata[] = {MLX_BOOL,   MLX_UINT8,   MLX_UINT16, MLX_UINT32,
                                                MLX_UINT64, MLX_INT8,    MLX_INT16,  MLX_INT32,
                                                MLX_INT64,  MLX_FLOAT32, MLX_FLOAT64};
#define NUMBERS (sizeof numbers_of_metadata / sizeof *numbers_of_metadata)

static void set_everything(mlx_io_gguf g) {
    mlx_array a = mlx_array_new(), b = mlx_array_new();
    for (size_t i = 0; i < NUMBERS; i++) {
        char key[16];
        CHECK_OK(mlx_ones(&a, NULL, 0, numbers_of_metadata[i], none));
        snprintf(key, sizeof key, "one%zu", i);
        CHECK_OK(mlx_io_gguf_set_metadata_array(g, key, a));
        CHECK_OK(mlx_ones(&a, (int[]){3}, 1, numbers_of_metadata[i], none));
        snprintf(key, sizeof key, "three%zu", i);
        CHECK_OK(mlx_io_gguf_set_metadata_array(g, key, a));
    }
    mlx_vector_string v = mlx_vector_string_new();
    mlx_vector_string_append_value(v, "a");
    mlx_vector_string_append_value(v, "");
    CHECK_OK(mlx_io_gguf_set_metadata_vector_string(g, "strings", v));
    CHECK_OK(mlx_io_gguf_set_metadata_string(g, "string", "old"));
    CHECK_OK(mlx_io_gguf_set_metadata_string(g, "string", "h\xc3\xa9"));
    CHECK_OK(mlx_arange(&b, 0, 6, 1, MLX_FLOAT32, none));
    CHECK_OK(mlx_io_gguf_set_array(g, "x", b));
    CHECK_OK(mlx_reshape(&a, b, (int[]){3, 2}, 2, none));
    CHECK_OK(mlx_transpose(&a, a, none));
    CHECK_OK(mlx_io_gguf_set_array(g, "x", a)); // in place of the former
    CHECK_OK(mlx_astype(&a, a, MLX_BFLOAT16, none));
    CHECK_OK(mlx_io_gguf_set_array(g, "y", a));
    mlx_vector_string_free(v);
    mlx_array_free(a);
    mlx_array_free(b);
}

static void check_everything(mlx_io_gguf g) {
    mlx_array a = mlx_array_new();
    mlx_string s = mlx_string_new();
    mlx_vector_string v = mlx_vector_string_new();
    char *text = NULL;
    for (size_t i = 0; i < 2 * NUMBERS; i++) {
        char key[16];
        snprintf(key, sizeof key, i % 2 ? "three%zu" : "one%zu", i / 2);
        CHECK_OK(mlx_io_gguf_get_metadata_array(&a, g, key));
        CHECK_EQ_INT(mlx_array_dtype(a), numbers_of_metadata[i / 2]);
        CHECK_EQ_INT(mlx_array_size(a), i % 2 ? 3 : 1);
        CHECK_EQ_INT(mlx_array_ndim(a), i % 2);
    }
    CHECK_OK(mlx_io_gguf_get_metadata_string(&s, g, "string"));
    CHECK_STR(mlx_string_data(s), "h\xc3\xa9");
    CHECK_OK(mlx_io_gguf_get_metadata_vector_string(&v, g, "strings"));
    CHECK_EQ_INT(mlx_vector_string_size(v), 2);
    CHECK_OK(mlx_vector_string_get(&text, v, 0));
    CHECK_STR(text, "a");
    CHECK_OK(mlx_io_gguf_get_array(&a, g, "x"));
    CHECK(mlx_array_dim(a, 0) == 2 && mlx_array_dim(a, 1) == 3);
    CHECK_NEAR(mlx_array_data_float32(a) ? mlx_array_data_float32(a)[1] : -1, 2, 0);
    CHECK_OK(mlx_io_gguf_get_array(&a, g, "y"));
    CHECK_EQ_INT(mlx_array_dtype(a), MLX_BFLOAT16);
    mlx_array_free(a);
    mlx_string_free(s);
    mlx_vector_string_free(v);
}

static void test_there_and_back(void) {
    mlx_io_gguf g = mlx_io_gguf_new(), back = {NULL};
    set_everything(g);
    CHECK_OK(mlx_save_gguf(own_path("all"), g)); // gets .gguf
    CHECK_OK(mlx_load_gguf(&back, own_path("all.gguf"), none));
    check_everything(back);
    mlx_array wide = mlx_array_new_int(64);
    CHECK_OK(mlx_astype(&wide, wide, MLX_UINT32, none));
    CHECK_OK(mlx_io_gguf_set_metadata_array(back, "general.alignment", wide));
    CHECK_OK(mlx_save_gguf(own_path("all64.gguf"), back));
    CHECK_OK(mlx_load_gguf(&g, own_path("all64.gguf"), none));
    check_everything(g);
    mlx_array_free(wide);
    mlx_io_gguf_free(g);
    mlx_io_gguf_free(back);
}

static void test_refused_to_save(void) {
    mlx_io_gguf g = mlx_io_gguf_new();
    mlx_array a = mlx_array_new();
    CHECK_OK(mlx_ones(&a, (int[]){2}, 1, MLX_COMPLEX64, none));
    CHECK_OK(mlx_io_gguf_set_array(g, "x", a));
    CHECK_FAILS(mlx_save_gguf(own_path("no.gguf"), g), "dtype complex64 is not supported");
    CHECK(access(own_path("no.gguf"), F_OK) != 0);
    mlx_io_gguf_free(g);
    g = mlx_io_gguf_new();
    CHECK_OK(mlx_io_gguf_set_metadata_array(g, "x", a));
    CHECK_FAILS(mlx_save_gguf(own_path("no.gguf"), g), "metadata cannot be of dtype complex64");
    CHECK_OK(mlx_ones(&a, (int[]){2, 2}, 2, MLX_INT32, none));
    CHECK_OK(mlx_io_gguf_set_metadata_array(g, "x", a));
    CHECK_OK(mlx_save_gguf(own_path("yes.gguf"), g));
    CHECK_OK(mlx_ones(&a, (int[]){1, 1, 1, 1, 2}, 5, MLX_INT32, none));
    CHECK_OK(mlx_io_gguf_set_metadata_array(g, "x", a));
    CHECK_FAILS(mlx_save_gguf(own_path("no.gguf"), g), "5 dimensions: at most 4 are possible");
    CHECK_OK(mlx_ones(&a, (int[]){0, 2}, 2, MLX_INT32, none));
    CHECK_OK(mlx_io_gguf_set_metadata_array(g, "x", a));
    CHECK_FAILS(mlx_save_gguf(own_path("no.gguf"), g), "an empty table");
    CHECK_OK(mlx_io_gguf_set_metadata_array(g, "general.alignment", a));
    CHECK_FAILS(mlx_save_gguf(own_path("no.gguf"), g), "general.alignment");
    mlx_array_free(a);
    mlx_io_gguf_free(g);
}

/* --- files that lie --------------------------------------------------------------- */

static void begin_pair(const char *key, uint32_t type) {
    begin(&file, 0, 1);
    put_text(&file, key);
    put32(&file, type);
}

static void test_broken_metadata(void) {
    begin(&file, 0, 1000000);
    CHECK_FAILS(try_load(), "the count of metadata: there is no room for 1000000");
    begin(&file, UINT64_MAX, 0);
    CHECK_FAILS(try_load(), "the count of tensors");
    begin_pair("k", 13);
    CHECK_FAILS(try_load(), "unknown type 13");
    begin_pair("", 4);
    put32(&file, 1);
    CHECK_FAILS(try_load(), "empty, too long");
    begin_pair("k", 4);
    CHECK_FAILS(try_load(), "needs 4 bytes, 0 are left");
    begin_pair("k", 8);
    put64(&file, UINT64_MAX);
    CHECK_FAILS(try_load(), "a string of the metadata needs");
    begin_pair("k", 9);
    put32(&file, 9);
    put64(&file, 1);
    CHECK_FAILS(try_load(), "an array of the metadata needs 12 bytes, 0 are left");
    begin_pair("k", 9);
    put32(&file, 13);
    put64(&file, 1);
    CHECK_FAILS(try_load(), "an array of values of type 13 cannot be read");
    begin_pair("k", 9);
    put32(&file, 4);
    put64(&file, 1u << 30);
    CHECK_FAILS(try_load(), "an array of the metadata needs");
    begin_pair("k", 9);
    put32(&file, 4);
    put64(&file, UINT64_MAX);
    CHECK_FAILS(try_load(), "more than 2147483647 values");
    begin_pair("k", 7);
    put(&file, &(unsigned char){7}, 1);
    CHECK_FAILS(try_load(), "7 is not a boolean");
    begin_pair("general.alignment", 4);
    put32(&file, 48);
    CHECK_FAILS(try_load(), "no power of two");
}

static void test_same_key_twice(void) {
    mlx_io_gguf g = {NULL};
    mlx_array a = mlx_array_new();
    uint32_t v = 0;
    begin(&file, 0, 2);
    for (uint32_t i = 1; i <= 2; i++) {
        put_text(&file, "k");
        put32(&file, 4);
        put32(&file, i);
    }
    CHECK_OK(load(&g));
    CHECK_OK(mlx_io_gguf_get_metadata_array(&a, g, "k"));
    CHECK_OK(mlx_array_item_uint32(&v, a));
    CHECK_EQ_INT(v, 2);
    mlx_array_free(a);
    mlx_io_gguf_free(g);
}

static void begin_one(uint32_t ndim, uint64_t size, uint32_t type, uint64_t offset) {
    uint64_t sizes[80];
    for (int i = 0; i < 80; i++)
        sizes[i] = size;
    begin(&file, 1, 0);
    put_tensor(&file, "x", ndim, sizes, type, offset);
    align(&file);
}

static void test_broken_tensors(void) {
    begin_one(80, 1, 0, 0);
    CHECK_FAILS(try_load(), "80 dimensions");
    begin_one(1, 1ull << 40, 0, 0);
    CHECK_FAILS(try_load(), "larger than 2147483647");
    begin_one(4, 2147483647, 0, 0);
    CHECK_FAILS(try_load(), "too large");
    begin_one(1, 4, 0, 0);
    CHECK_FAILS(try_load(), "x needs 16 bytes, 0 are left");
    begin_one(1, 4, 0, 1ull << 60);
    CHECK_FAILS(try_load(), "begins behind the end");
    begin_one(1, 4, 0, 4);
    CHECK_FAILS(try_load(), "no multiple of 32");
    begin_one(1, 33, 2, 0);
    CHECK_FAILS(try_load(), "rows of 33 elements");
    begin_one(1, 256, 4, 0);
    CHECK_FAILS(try_load(), "type 4 (Q4_2)");
    begin(&file, 2, 0);
    put_tensor(&file, "x", 1, (uint64_t[]){1}, 24, 0);
    put_tensor(&file, "x", 1, (uint64_t[]){1}, 24, 32);
    align(&file);
    for (int i = 0; i < 16; i++)
        put32(&file, 0);
    CHECK_FAILS(try_load(), "two tensors 'x'");
    file.n = 4;
    CHECK_FAILS(try_load(), "the version needs 4 bytes");
    begin(&file, 0, 0);
    memcpy(file.at + 4, "\0\0\0\3", 4);
    CHECK_OK(try_load());
    memcpy(file.at + 4, "\0\0\0\4", 4);
    CHECK_FAILS(try_load(), "version 67108864 is not known");
    begin_one(1, 0, 0, 0);
    CHECK_OK(try_load());
    begin_one(0, 0, 0, 0);
    put32(&file, 0);
    CHECK_OK(try_load());
}

/* Two tensors of float32 in so many bytes: b, of 8 numbers, and a, of n. */
static void begin_two(uint64_t n, uint64_t offset_a, uint64_t offset_b, size_t size) {
    begin(&file, 2, 0);
    put_tensor(&file, "b", 1, (uint64_t[]){8}, 0, offset_b);
    put_tensor(&file, "a", 1, (uint64_t[]){n}, 0, offset_a);
    align(&file);
    for (size_t i = 0; i < size; i++)
        put(&file, "", 1);
}

/* Tensors lie one behind the other. */
static void test_lying_places(void) {
    begin_two(8, 0, 32, 64);
    CHECK_OK(try_load());
    begin_two(8, 32, 0, 64);
    CHECK_OK(try_load());
    begin_two(9, 0, 64, 96);
    CHECK_OK(try_load());
    begin_two(0, 32, 0, 32);
    CHECK_OK(try_load());
    begin_two(8, 0, 0, 64);
    CHECK_FAILS(try_load(), "lies over");
    begin_two(9, 0, 32, 64); // more than fits before b
    CHECK_FAILS(try_load(), "'b' lies over 'a': it begins at byte 128, and that ends at 132");
    begin_two(8, 0, 64, 96); // less
    CHECK_FAILS(try_load(), "between 'b' and what is before it are 32 bytes");
    begin_two(8, 32, 64, 96);
    CHECK_FAILS(try_load(), "between 'a' and what is before it are 32 bytes");
    begin_two(8, 0, 192, 192);
    CHECK_FAILS(try_load(), "b needs 32 bytes");
}

/* The file ends with the last of them, or with padding. */
static void test_lying_ends(void) {
    begin_two(9, 32, 0, 68);
    CHECK_OK(try_load());
    begin_two(9, 32, 0, 96);
    CHECK_OK(try_load());
    begin_two(9, 32, 0, 67);
    CHECK_FAILS(try_load(), "a needs 36 bytes, 35 are left");
    begin_two(9, 32, 0, 100);
    CHECK_FAILS(try_load(), "behind the last tensor, 'a', are 32 bytes that are no tensor's");
    begin_one(1, 256, 3, 0); // q4_1, that was q8_0
    for (int i = 0; i < 8 * 34; i++)
        put(&file, "", 1);
    CHECK_FAILS(try_load(), "behind the last tensor, 'x', are 112 bytes");
    begin_one(1, 0, 0, 0);
    for (int i = 0; i < 32; i++)
        put(&file, "", 1);
    CHECK_FAILS(try_load(), "behind the metadata are 32 bytes");
}

static void test_every_cut_and_flip(void) {
    mlx_io_gguf g = mlx_io_gguf_new();
    set_everything(g);
    CHECK_OK(mlx_save_gguf(own_path("cut.gguf"), g));
    size_t n;
    char *whole = read_file(own_path("cut.gguf"), &n);
    for (size_t i = 0; i < n; i++) {
        file.n = 0;
        put(&file, whole, i);
        if (i < n - 20) // less than the padding at the end
            CHECK_EQ_INT(try_load(), 1);
    }
    for (size_t i = 0; i < 4 * n; i++) {
        file.n = 0;
        put(&file, whole, n);
        file.at[i / 4] ^= (unsigned char)("\x01\x80\xff\x10"[i % 4]);
        mlx_io_gguf other = {NULL};
        load(&other); // an error or contents, never a crash
        mlx_io_gguf_free(other);
    }
    free(whole);
    mlx_io_gguf_free(g);
}

int main(void) {
    mlx_set_error_handler(count_told, NULL, NULL);
    RUN(test_plain_types);
    RUN(test_unpacked_types);
    RUN(test_packed_types);
    RUN(test_mxfp4);
    RUN(test_public_vectors);
    RUN(test_fixtures);
    RUN(test_planner_vectors);
    RUN(test_there_and_back);
    RUN(test_refused_to_save);
    RUN(test_broken_metadata);
    RUN(test_same_key_twice);
    RUN(test_broken_tensors);
    RUN(test_lying_places);
    RUN(test_lying_ends);
    RUN(test_every_cut_and_flip);
    files_done();
    return check_done();
}
