/* Open files of tensors (mlx/c/file.h): each format listed and read, shards, writers. */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "io_files.h"
#include "mlx/c/file.h"

static mlx_stream cpu = {NULL};

/* --- tools ---------------------------------------------------------------------------- */

static mlx_file opened(const char *path, bool map) {
    mlx_file f = mlx_file_new();
    CHECK_OK(mlx_file_open(&f, path, map));
    return f;
}

static size_t number_of(mlx_file f, const char *name) {
    size_t i = SIZE_MAX;
    CHECK_EQ_INT(mlx_file_find(&i, f, name), 0);
    return i;
}

static mlx_file_tensor tensor_of(mlx_file f, const char *name) {
    mlx_file_tensor t = {0};
    CHECK_OK(mlx_file_get(&t, f, number_of(f, name)));
    return t;
}

/* The values of a tensor as float32 in row order, at most 16; how many there are. */
static int floats_of(float *to, mlx_file f, const char *name, bool stored) {
    mlx_array a = mlx_array_new();
    size_t i = number_of(f, name);
    CHECK_OK(stored ? mlx_file_read_stored(&a, f, i, cpu) : mlx_file_read(&a, f, i, cpu));
    CHECK_OK(mlx_astype(&a, a, MLX_FLOAT32, cpu));
    CHECK_OK(mlx_contiguous(&a, a, false, cpu));
    CHECK_OK(mlx_array_eval(a));
    int n = (int)mlx_array_size(a);
    if (n)
        memcpy(to, mlx_array_data_float32(a), sizeof(float) * (size_t)(n < 16 ? n : 16));
    mlx_array_free(a);
    return n;
}

static void check_values(mlx_file f, const char *name, bool stored, const float *want, int n) {
    float v[16];
    CHECK_EQ_INT(floats_of(v, f, name, stored), n);
    for (int i = 0; i < n; i++)
        CHECK_NEAR(v[i], want[i], 0);
}

/* A safetensors file of a header and n bytes. */
static const char *safetensors(const char *name, const char *header, const void *data, size_t n) {
    static char bytes[1 << 16];
    size_t length = strlen(header);
    memset(bytes, 0, 8);
    bytes[0] = (char)(length & 255);
    bytes[1] = (char)(length >> 8);
    memcpy(bytes + 8, header, length);
    if (n)
        memcpy(bytes + 8 + length, data, n);
    return write_file(name, bytes, 8 + length + n);
}

static mlx_array ramp(const int *shape, int ndim, float from) {
    float v[64];
    for (int i = 0; i < 64; i++)
        v[i] = from + (float)i;
    return mlx_array_new_data(v, shape, ndim, MLX_FLOAT32);
}

/* --- safetensors -------------------------------------------------------------------------- */

static void lists_safetensors(void) {
    const float v[6] = {1, 2, 3, 4, 5, 6};
    const char *path = safetensors(
        "a.bin",
        "{\"__metadata__\":{\"format\":\"pt\"},\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],"
        "\"data_offsets\":[0,24]},\"e\":{\"dtype\":\"I64\",\"shape\":[0],\"data_offsets\":[24,24]}}",
        v, sizeof v);
    mlx_file f = opened(path, false);
    CHECK_STR(mlx_file_format(f), "safetensors");
    CHECK_EQ_INT(mlx_file_count(f), 2);
    CHECK_EQ_INT(mlx_file_part_count(f), 1);
    mlx_file_tensor t = tensor_of(f, "w");
    CHECK_STR(t.storage, "float32");
    CHECK_EQ_INT(t.ndim, 2);
    CHECK_EQ_INT(t.shape[1], 3);
    CHECK_EQ_INT(t.elements, 6);
    CHECK_EQ_INT(t.bytes, 24);
    CHECK_EQ_INT(t.dtype, MLX_FLOAT32);
    check_values(f, "w", false, v, 6);
    CHECK_EQ_INT(tensor_of(f, "e").elements, 0);
    size_t i = 0;
    CHECK_EQ_INT(mlx_file_find(&i, f, "nothing"), 2);
    CHECK_EQ_INT(mlx_file_metadata_count(f), 1);
    CHECK_STR(mlx_file_metadata_key(f, 0), "format");
    CHECK_EQ_INT(mlx_file_metadata_kind(f, 0), MLX_FILE_TEXT);
    mlx_string text = mlx_string_new();
    CHECK_OK(mlx_file_metadata_text(&text, f, 0));
    CHECK_STR(mlx_string_data(text), "pt");
    mlx_array none = mlx_array_new();
    CHECK_EQ_INT(mlx_file_metadata_array(&none, f, 0), 3);
    mlx_string_free(text);
    CHECK_FAILS(mlx_file_get(&t, f, 2), "has no tensor 2: it has 2");
    mlx_file_free(f);
}

/* All 256 codes against the definition: sign, exponent and mantissa of the OCP specification. */
static float code_value(int code, int exponent, int mantissa, int bias) {
    int e = code >> mantissa & ((1 << exponent) - 1), m = code & ((1 << mantissa) - 1);
    float x = e ? ldexpf(1 + (float)m / (float)(1 << mantissa), e - bias)
                : ldexpf((float)m / (float)(1 << mantissa), 1 - bias);
    return code & 128 ? -x : x;
}

static void widens_small_floats(void) {
    unsigned char codes[256];
    static const struct {
        const char *dtype, *storage;
        int exponent, mantissa, bias, nan; /* the first code that is no finite number */
    } row[] = {{"F8_E4M3", "float8_e4m3", 4, 3, 7, 127}, {"F8_E5M2", "float8_e5m2", 5, 2, 15, 124}};
    for (int i = 0; i < 256; i++)
        codes[i] = (unsigned char)i;
    for (int k = 0; k < 2; k++) {
        char header[256];
        snprintf(header, sizeof header,
                 "{\"x\":{\"dtype\":\"%s\",\"shape\":[256],\"data_offsets\":[0,256]}}",
                 row[k].dtype);
        mlx_file f = opened(safetensors("f8", header, codes, 256), false);
        CHECK_STR(tensor_of(f, "x").storage, row[k].storage);
        CHECK_EQ_INT(tensor_of(f, "x").dtype, MLX_BFLOAT16);
        mlx_array a = mlx_array_new(), b = mlx_array_new();
        CHECK_OK(mlx_file_read(&a, f, 0, cpu));
        CHECK_EQ_INT(mlx_array_dtype(a), MLX_BFLOAT16);
        CHECK_OK(mlx_astype(&a, a, MLX_FLOAT32, cpu));
        CHECK_OK(mlx_array_eval(a));
        const float *v = mlx_array_data_float32(a);
        for (int i = 0; i < 256; i++) {
            if ((i & 127) >= row[k].nan)
                CHECK_MSG(!isfinite(v[i]), "%s code %d: %g", row[k].dtype, i, v[i]);
            else
                CHECK_NEAR(v[i], code_value(i, row[k].exponent, row[k].mantissa, row[k].bias), 0);
        }
        CHECK_OK(mlx_file_read_stored(&b, f, 0, cpu));
        CHECK_EQ_INT(mlx_array_dtype(b), MLX_UINT8);
        CHECK_OK(mlx_array_eval(b));
        CHECK(memcmp(mlx_array_data_uint8(b), codes, 256) == 0);
        mlx_array_free(a);
        mlx_array_free(b);
        mlx_file_free(f);
    }
}

static void gives_the_bytes_of_packed_types(void) {
    const unsigned char bytes[6] = {1, 2, 3, 4, 5, 6};
    const char *path =
        safetensors("f4",
                    "{\"x\":{\"dtype\":\"F4\",\"shape\":[2,4],\"data_offsets\":[0,4]},"
                    "\"y\":{\"dtype\":\"F4\",\"shape\":[4,1],\"data_offsets\":[4,6]}}",
                    bytes, 6);
    mlx_file f = opened(path, false);
    mlx_array a = mlx_array_new();
    CHECK_STR(tensor_of(f, "x").storage, "float4_e2m1");
    CHECK_FAILS(mlx_file_read(&a, f, 0, cpu), "'x' is of float4_e2m1, of which no values are made");
    check_values(f, "x", true, (float[]){1, 2, 3, 4}, 4);
    check_values(f, "y", true, (float[]){5, 6}, 2);
    mlx_file_free(f);
    mlx_map_string_to_array all = mlx_map_string_to_array_new();
    CHECK_FAILS(mlx_load_safetensors(&all, NULL, path, cpu),
                "has the dtype F4, which arrays do not have");
    mlx_map_string_to_array_free(all);
    // half a byte is no size
    path = safetensors("f4", "{\"x\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}}",
                       bytes, 2);
    CHECK_FAILS(mlx_file_open(&f, path, false), "invalid data offsets (0, 2)");
    // sizes whose bytes wrap around 64 bits are too large, not 0
    path = safetensors(
        "big",
        "{\"x\":{\"dtype\":\"F64\",\"shape\":[1073741824,1073741824,16],\"data_offsets\":[0,0]}}",
        bytes, 0);
    CHECK_FAILS(mlx_file_open(&f, path, false), "has a shape that is too large");
}

/* --- other formats -------------------------------------------------------------------------- */

static void lists_npy(void) {
    mlx_array a = ramp((int[]){2, 3}, 2, 0), b = mlx_array_new();
    CHECK_OK(mlx_transpose(&b, a, cpu));
    CHECK_OK(mlx_save(own_path("a.npy"), b));
    mlx_file f = opened(own_path("a.npy"), false);
    CHECK_STR(mlx_file_format(f), "npy");
    CHECK_EQ_INT(mlx_file_count(f), 1);
    CHECK_EQ_INT(tensor_of(f, "array").shape[0], 3);
    check_values(f, "array", false, (float[]){0, 3, 1, 4, 2, 5}, 6);
    mlx_file_free(f);
    mlx_array_free(a);
    mlx_array_free(b);
}

static void lists_npz(void) {
    for (int compressed = 0; compressed < 2; compressed++) {
        mlx_map_string_to_array map = mlx_map_string_to_array_new();
        mlx_array a = ramp((int[]){2, 2}, 2, 1), b = ramp((int[]){3}, 1, 7);
        mlx_map_string_to_array_insert(map, "a", a);
        mlx_map_string_to_array_insert(map, "b", b);
        CHECK_OK(mlx_save_npz(own_path("x.npz"), map, compressed));
        mlx_file f = opened(own_path("x.npz"), false);
        CHECK_STR(mlx_file_format(f), "npz");
        CHECK_EQ_INT(mlx_file_count(f), 2);
        CHECK_EQ_INT(tensor_of(f, "b").bytes, 12);
        CHECK((tensor_of(f, "b").offset == 0) == compressed);
        check_values(f, "a", false, (float[]){1, 2, 3, 4}, 4);
        check_values(f, "b", false, (float[]){7, 8, 9}, 3);
        mlx_file_free(f);
        mlx_map_string_to_array_free(map);
        mlx_array_free(a);
        mlx_array_free(b);
    }
}

static void lists_gguf(void) {
    mlx_io_gguf g = mlx_io_gguf_new();
    mlx_array w = ramp((int[]){2, 3}, 2, 0), n = mlx_array_new_int(7);
    mlx_vector_string words = mlx_vector_string_new_data((const char *[]){"a", "b"}, 2);
    mlx_io_gguf_set_array(g, "w", w);
    mlx_io_gguf_set_metadata_array(g, "n", n);
    mlx_io_gguf_set_metadata_string(g, "name", "x");
    mlx_io_gguf_set_metadata_vector_string(g, "words", words);
    CHECK_OK(mlx_save_gguf(own_path("g.gguf"), g));
    mlx_file f = opened(own_path("g.gguf"), false);
    CHECK_STR(mlx_file_format(f), "gguf");
    check_values(f, "w", false, (float[]){0, 1, 2, 3, 4, 5}, 6);
    size_t i = 0;
    CHECK_EQ_INT(mlx_file_metadata_find(&i, f, "words"), 0);
    CHECK_EQ_INT(mlx_file_metadata_kind(f, i), MLX_FILE_TEXTS);
    mlx_vector_string back = mlx_vector_string_new();
    CHECK_OK(mlx_file_metadata_texts(&back, f, i));
    CHECK_EQ_INT(mlx_vector_string_size(back), 2);
    CHECK_EQ_INT(mlx_file_metadata_find(&i, f, "n"), 0);
    mlx_array number = mlx_array_new();
    CHECK_OK(mlx_file_metadata_array(&number, f, i));
    CHECK_EQ_INT(mlx_array_dtype(number), MLX_INT32);
    CHECK_EQ_INT(mlx_file_metadata_find(&i, f, "m"), 2);
    mlx_array_free(number);
    mlx_vector_string_free(back);
    mlx_vector_string_free(words);
    mlx_file_free(f);
    mlx_io_gguf_free(g);
    mlx_array_free(w);
    mlx_array_free(n);
}

static void refuses_what_is_no_model(void) {
    mlx_file f = mlx_file_new();
    CHECK_FAILS(mlx_file_open(&f, write_file("no", "hello, this is text", 19), false),
                "of no format that can be read");
    CHECK_FAILS(mlx_file_open(&f, write_file("none", "", 0), false),
                "of no format that can be read");
    CHECK_FAILS(mlx_file_open(&f, own_path("absent"), false), "No such file");
    CHECK_FAILS(mlx_file_open(
                    &f, write_file("cut.npz", "PK\3\4 and then nothing that is a zip archive", 43),
                    false),
                "its end is missing");
    CHECK(f.ctx == NULL);
}

/* --- writers and shards ---------------------------------------------------------------------- */

static void put(mlx_file_writer w, const char *name, float from) {
    mlx_array a = ramp((int[]){2, 2}, 2, from);
    CHECK_OK(mlx_file_writer_put(w, name, a));
    mlx_array_free(a);
}

static void write_three(const char *path, const char *format, uint64_t most) {
    mlx_file_writer w = mlx_file_writer_new();
    CHECK_OK(mlx_file_writer_open(&w, path, format, most));
    CHECK_OK(mlx_file_writer_text(w, "general.name", "three"));
    for (int i = 0; i < 3; i++)
        CHECK_OK(mlx_file_writer_declare(w, (const char *[]){"a", "b", "c"}[i], "float32",
                                         (int[]){2, 2}, 2));
    put(w, "c", 20); // not the order of the file
    put(w, "a", 0);
    CHECK_FAILS(mlx_file_writer_finish(w), "'b' was declared and not put");
    put(w, "b", 10);
    CHECK_OK(mlx_file_writer_finish(w));
    mlx_file_writer_free(w);
}

static void check_three(mlx_file f, int parts) {
    CHECK_EQ_INT(mlx_file_part_count(f), parts);
    CHECK_EQ_INT(mlx_file_count(f), 3);
    for (int i = 0; i < 3; i++)
        check_values(
            f, (const char *[]){"a", "b", "c"}[i], false,
            (float[]){(float)i * 10, (float)i * 10 + 1, (float)i * 10 + 2, (float)i * 10 + 3}, 4);
    CHECK_STR(mlx_file_metadata_key(f, 0), "general.name");
    mlx_file_free(f);
}

static void writes_and_reads(void) {
    write_three(own_path("three.safetensors"), NULL, 0);
    check_three(opened(own_path("three.safetensors"), false), 1);
    check_three(opened(own_path("three.safetensors"), true), 1);
    write_three(own_path("three"), "gguf", 0);
    check_three(opened(own_path("three"), false), 1);
}

static void splits(void) {
    mkdir(own_path("shards"), 0700);
    write_three(own_path("shards/model.safetensors"), NULL, 40);
    check_three(opened(own_path("shards"), false), 2);
    check_three(opened(own_path("shards/model.safetensors.index.json"), false), 2);
    unlink(own_path("shards/model.safetensors.index.json"));
    check_three(opened(own_path("shards"), false), 2); // all of the folder
    write_three(own_path("parts.gguf"), NULL, 16);
    check_three(opened(own_path("parts-00001-of-00003.gguf"), false), 3);
    mlx_file f = mlx_file_new();
    CHECK_FAILS(mlx_file_open(&f, own_path("parts-00002-of-00003.gguf"), false), "name the first");
    unlink(own_path("parts-00003-of-00003.gguf"));
    CHECK_FAILS(mlx_file_open(&f, own_path("parts-00001-of-00003.gguf"), false), "No such file");
}

static void try_index(const char *text, const char *why) {
    mlx_file f = mlx_file_new();
    CHECK_FAILS(mlx_file_open(&f, write_file("shards/x.index.json", text, strlen(text)), false),
                why);
}

static void refuses_bad_indices(void) {
    try_index("{\"weight_map\":{\"a\":\"../three.safetensors\"}}", "not a plain name beside it");
    try_index("{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "not a plain name beside it");
    try_index("{\"weight_map\":{\"a\":\"..\"}}", "not a plain name beside it");
    try_index("{\"weight_map\":{\"a\":5, \"b\":6}}", "is no string");
    try_index("{\"weight_map\":{}, \"x\": []}", "weight_map is empty");
    try_index("{\"other\":{\"a\":\"b\", \"c\": 1}}", "has no weight_map");
    try_index("{\"weight_map\":{\"a\":\"model-00001-of-00002.safetensors\",",
              "it is no index of a model");
    try_index("{\"weight_map\":{\"z\":\"model-00001-of-00002.safetensors\"}}", "'z' is not in");
    try_index("{\"weight_map\":{\"a\":\"model-00009-of-00002.safetensors\"}}", "No such file");
    char deep[400] = "{\"weight_map\":";
    memset(deep + 14, '[', 200);
    try_index(deep, "nested too deeply");
}

static void leaves_the_former_file(void) {
    const char *path = write_file("keep.safetensors", "what was there", 14);
    mlx_file_writer w = mlx_file_writer_new();
    CHECK_OK(mlx_file_writer_open(&w, path, NULL, 0));
    CHECK_OK(mlx_file_writer_declare(w, "a", "float32", (int[]){2, 2}, 2));
    CHECK_OK(mlx_file_writer_declare(w, "b", "float32", (int[]){2, 2}, 2));
    put(w, "a", 0);
    mlx_file_writer_free(w);
    size_t n;
    char *bytes = read_file(path, &n);
    CHECK(n == 14 && memcmp(bytes, "what was there", 14) == 0);
    free(bytes);
}

static void refuses_in_writers(void) {
    mlx_file_writer w = mlx_file_writer_new();
    mlx_array a = ramp((int[]){2, 2}, 2, 0), half = mlx_array_new();
    CHECK_OK(mlx_astype(&half, a, MLX_FLOAT16, cpu));
    CHECK_FAILS(mlx_file_writer_open(&w, own_path("w.x"), NULL, 0), "the name does not tell");
    CHECK_FAILS(mlx_file_writer_open(&w, own_path("w.x"), "onnx", 0),
                "the format 'onnx' cannot be written");
    CHECK_OK(mlx_file_writer_open(&w, own_path("w.gguf"), NULL, 0));
    CHECK_FAILS(mlx_file_writer_declare(w, "a", "uint16", (int[]){2}, 1),
                "gguf files have no storage 'uint16'");
    CHECK_FAILS(mlx_file_writer_declare(w, "a", "q4_0", (int[]){2, 16}, 2),
                "no multiple of q4_0's 32");
    CHECK_FAILS(mlx_file_writer_declare(w, "", "float32", (int[]){2}, 1), "1 to 65535 bytes");
    CHECK_FAILS(mlx_file_writer_declare(w, "a", "float32", (int[]){-2}, 1), "shape");
    CHECK_OK(mlx_file_writer_declare(w, "a", "float32", (int[]){2, 2}, 2));
    CHECK_FAILS(mlx_file_writer_declare(w, "a", "float32", (int[]){2, 2}, 2), "declared before");
    CHECK_FAILS(mlx_file_writer_put(w, "b", a), "'b' was not declared");
    CHECK_FAILS(mlx_file_writer_put(w, "a", half), "written from float32, not from float16");
    CHECK_OK(mlx_reshape(&half, a, (int[]){4}, 1, cpu));
    CHECK_FAILS(mlx_file_writer_put(w, "a", half), "shape (4) is not what was declared");
    put(w, "a", 0);
    CHECK_FAILS(mlx_file_writer_put(w, "a", a), "put before");
    CHECK_FAILS(mlx_file_writer_text(w, "k", "v"), "must come before the first tensor");
    CHECK_OK(mlx_file_writer_finish(w));
    mlx_file_writer_free(w);
    mlx_array_free(a);
    mlx_array_free(half);
}

/* Blocks come back as they were put. */
static void copies_blocks(void) {
    unsigned char block[2 * 34];
    for (int i = 0; i < 68; i++)
        block[i] = (unsigned char)(i % 34 < 2 ? (i % 34 ? 0x3c : 0) : i); // a scale of 1
    mlx_array q = mlx_array_new_data(block, (int[]){2, 34}, 2, MLX_UINT8);
    mlx_file_writer w = mlx_file_writer_new();
    CHECK_OK(mlx_file_writer_open(&w, own_path("q.gguf"), NULL, 0));
    CHECK_OK(mlx_file_writer_declare(w, "q", "q8_0", (int[]){2, 32}, 2));
    CHECK_OK(mlx_file_writer_put(w, "q", q));
    CHECK_OK(mlx_file_writer_finish(w));
    mlx_file_writer_free(w);
    mlx_file f = opened(own_path("q.gguf"), true);
    mlx_array back = mlx_array_new();
    CHECK_OK(mlx_file_read_stored(&back, f, 0, cpu));
    CHECK_OK(mlx_array_eval(back));
    CHECK_EQ_INT(mlx_array_dim(back, 1), 34);
    CHECK(memcmp(mlx_array_data_uint8(back), block, sizeof block) == 0);
    mlx_array values = mlx_array_new();
    CHECK_OK(mlx_file_read(&values, f, 0, cpu));
    CHECK_EQ_INT(mlx_array_dtype(values), tensor_of(f, "q").dtype);
    CHECK_OK(mlx_astype(&values, values, MLX_FLOAT32, cpu));
    CHECK_OK(mlx_array_eval(values));
    CHECK_NEAR(mlx_array_data_float32(values)[5], 7, 0); // the scale's two bytes stand before
    mlx_array_free(values);
    mlx_array_free(back);
    mlx_array_free(q);
    mlx_file_free(f);
}

/* --- large files ------------------------------------------------------------------------------ */

/* A file of 5 GB, of which the disk has the header alone: opening reads no more than that. What is
   read is counted, not timed: /proc/self/io counts bytes that read calls took. */
static long long bytes_read(void) {
    long long n = -1;
    FILE *f = fopen("/proc/self/io", "r");
    if (f && fscanf(f, "rchar: %lld", &n) != 1)
        n = -1;
    if (f)
        fclose(f);
    return n;
}

static void reads_headers_alone(void) {
    enum { TENSORS = 300 };
    const uint64_t each = (uint64_t)16 << 20, total = each * TENSORS;
    char *header = malloc(TENSORS * 120 + 64), *p = header;
    *p++ = '{';
    for (int i = 0; i < TENSORS; i++)
        p += sprintf(
            p,
            "%s\"layers.%d.weight\":{\"dtype\":\"F32\",\"shape\":[2048,2048],\"data_offsets\":[%llu,%llu]}",
            i ? "," : "", i, (unsigned long long)(each * (unsigned)i),
            (unsigned long long)(each * (unsigned)(i + 1)));
    strcpy(p, "}");
    const char *path = safetensors("large.safetensors", header, NULL, 0);
    off_t end = (off_t)(8 + strlen(header) + total);
    if (truncate(path, end)) {
        SKIP("no sparse files");
    } else {
        long long before = bytes_read();
        mlx_file f = opened(path, false);
        long long after = bytes_read();
        CHECK_EQ_INT(mlx_file_count(f), TENSORS);
        CHECK_EQ_INT(tensor_of(f, "layers.299.weight").offset + each, end);
        if (before >= 0)
            CHECK_MSG(after - before < (1 << 20), "%lld bytes were read", after - before);
        mlx_file_free(f);
    }
    free(header);
}

int main(void) {
    mlx_set_error_handler(count_told, NULL, NULL);
    RUN(lists_safetensors);
    RUN(widens_small_floats);
    RUN(gives_the_bytes_of_packed_types);
    RUN(lists_npy);
    RUN(lists_npz);
    RUN(lists_gguf);
    RUN(refuses_what_is_no_model);
    RUN(writes_and_reads);
    RUN(splits);
    RUN(refuses_bad_indices);
    RUN(leaves_the_former_file);
    RUN(refuses_in_writers);
    RUN(copies_blocks);
    RUN(reads_headers_alone);
    files_done();
    return check_done();
}
