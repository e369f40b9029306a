/* GGUF: both orders of bytes, tables in the metadata, split models, blocks of every type. */
#include "base/half.h"
#include "gguf_build.h"
#include "kernels/blocks/blocks.h"

static mlx_stream none;
static gguf_bytes file;

static int load_as(mlx_io_gguf *g, const char *name) {
    return mlx_load_gguf(g, write_file(name, file.at, file.n), none);
}

static int try_load(void) {
    mlx_io_gguf g = {NULL};
    int code = load_as(&g, "made.gguf");
    mlx_io_gguf_free(g);
    return code;
}

static mlx_array get(mlx_io_gguf g, const char *name) {
    mlx_array a = mlx_array_new();
    CHECK_OK(mlx_io_gguf_get_array(&a, g, name));
    CHECK_OK(mlx_array_eval(a));
    return a;
}

static mlx_array get_meta(mlx_io_gguf g, const char *name) {
    mlx_array a = mlx_array_new();
    CHECK_OK(mlx_io_gguf_get_metadata_array(&a, g, name));
    return a;
}

/* --- big-endian ------------------------------------------------------------------------ */

static void put_pairs(void) {
    gb_pair(&file, "u32", 4, 0x01020304, 4);
    gb_pair(&file, "i16", 3, (uint16_t)-300, 2);
    gb_pair(&file, "f64", 12, 0x3ff8000000000000u, 8);
    gb_text(&file, "list");
    gb_number(&file, 9, 4);
    gb_number(&file, 6, 4);
    gb_number(&file, 2, 8);
    gb_number(&file, 0x3f800000, 4);
    gb_number(&file, 0xc0000000, 4);
}

static void check_pairs(mlx_io_gguf g) {
    mlx_array a = get_meta(g, "u32");
    CHECK(mlx_array_data_uint32(a)[0] == 0x01020304);
    mlx_array_free(a);
    a = get_meta(g, "i16");
    CHECK_EQ_INT(mlx_array_data_int16(a)[0], -300);
    mlx_array_free(a);
    a = get_meta(g, "f64");
    CHECK(mlx_array_data_float64(a)[0] == 1.5);
    mlx_array_free(a);
    a = get_meta(g, "list");
    CHECK(mlx_array_size(a) == 2 && mlx_array_data_float32(a)[0] == 1 &&
          mlx_array_data_float32(a)[1] == -2);
    mlx_array_free(a);
}

/* Half scales, and bytes that stay as they are. */
static void put_q4_k(void) {
    gb_number(&file, mx_f32_to_f16(0.5f), 2);
    gb_number(&file, mx_f32_to_f16(0.25f), 2);
    for (int i = 4; i < 144; i++)
        gb_number(&file, (unsigned)(i * 37 + 11) & 255, 1);
}

static void put_q8_0(void) {
    gb_number(&file, mx_f32_to_f16(2), 2);
    for (int i = 0; i < 32; i++)
        gb_number(&file, (unsigned)(i - 16) & 255, 1);
}

static void make_swapped(bool swapped) {
    gb_begin(&file, swapped, 4, 4);
    put_pairs();
    gb_tensor(&file, "plain", 3, 1, 0, 0);
    gb_tensor(&file, "wide", 2, 1, 27, 32);
    gb_tensor(&file, "k", 256, 1, 12, 64);
    gb_tensor(&file, "q8", 32, 1, 8, 224);
    gb_align(&file);
    gb_number(&file, 0x3f800000, 4);
    gb_number(&file, 0x40000000, 4);
    gb_number(&file, 0xbf000000, 4);
    gb_align(&file);
    gb_number(&file, 0x0102030405060708, 8);
    gb_number(&file, (uint64_t)-2, 8);
    gb_align(&file);
    put_q4_k();
    gb_align(&file);
    put_q8_0();
    gb_align(&file);
}

static void test_orders(void) {
    mlx_io_gguf g[2] = {{NULL}, {NULL}};
    for (int i = 0; i < 2; i++) {
        make_swapped(i);
        CHECK_OK(load_as(&g[i], "order.gguf"));
        check_pairs(g[i]);
        mlx_array plain = get(g[i], "plain"), wide = get(g[i], "wide"), s = get(g[i], "q8.scales");
        CHECK(mlx_array_data_float32(plain)[1] == 2 && mlx_array_data_float32(plain)[2] == -0.5f);
        CHECK(mlx_array_data_int64(wide)[0] == 0x0102030405060708 &&
              mlx_array_data_int64(wide)[1] == -2);
        CHECK(mx_f16_to_f32(((const uint16_t *)mlx_array_data_float16(s))[0]) == 2);
        mlx_array_free(plain);
        mlx_array_free(wide);
        mlx_array_free(s);
    }
    mlx_array a = get(g[0], "k"), b = get(g[1], "k");
    CHECK(mlx_array_nbytes(a) == 512 &&
          memcmp(mlx_array_data_float16(a), mlx_array_data_float16(b), 512) == 0);
    mlx_array_free(a);
    mlx_array_free(b);
    mlx_io_gguf_free(g[0]);
    mlx_io_gguf_free(g[1]);
}

/* What blocks have no order for there. */
static void test_orders_refused(void) {
    gb_begin(&file, true, 1, 0);
    gb_tensor(&file, "x", 256, 1, 16, 0);
    gb_align(&file);
    file.n += 96;
    CHECK_FAILS(try_load(),
                "'x' is of IQ2_XXS in a big-endian file, which has no order that is written down");
}

/* --- tables ---------------------------------------------------------------------------- */

static void put_head(uint32_t type, uint64_t n) {
    gb_number(&file, type, 4);
    gb_number(&file, n, 8);
}

static void begin_table(void) {
    gb_begin(&file, false, 0, 1);
    gb_text(&file, "table");
    gb_number(&file, 9, 4);
}

static void put_rows(const int *lengths, int rows, uint32_t type) {
    put_head(9, (uint64_t)rows);
    for (int i = 0; i < rows; i++) {
        put_head(type, (uint64_t)lengths[i]);
        for (int j = 0; j < lengths[i]; j++)
            gb_number(&file, (uint64_t)(10 * i + j), 2);
    }
}

/* What is read is written again as it was, and shown in JSON. */
static void try_nested(const char *json) {
    mlx_file f = mlx_file_new();
    mlx_file_writer w = mlx_file_writer_new();
    mlx_array value = mlx_array_new();
    const char *text = NULL;
    size_t n = 0, i = 9;
    CHECK_OK(mlx_file_open(&f, write_file("nested.gguf", file.at, file.n), false));
    CHECK_OK(mlx_file_metadata_find(&i, f, "table"));
    CHECK_EQ_INT(mlx_file_metadata_kind(f, i), MLX_FILE_NESTED);
    CHECK_EQ_INT(mlx_file_metadata_array(&value, f, i), 3);
    CHECK_OK(mlx_file_metadata_item(&text, &n, f, i, 0));
    CHECK_STR(text, json);
    CHECK_EQ_INT(n, strlen(json));
    CHECK_FAILS(mlx_file_metadata_item(&text, &n, f, i, 1), "no 1");
    CHECK_OK(mlx_file_writer_open(&w, own_path("again.gguf"), NULL, 0));
    CHECK_OK(mlx_file_writer_metadata(w, f, i));
    CHECK_OK(mlx_file_writer_finish(w));
    mlx_file_writer_free(w);
    mlx_file_free(f);
    f = mlx_file_new();
    CHECK_OK(mlx_file_open(&f, own_path("again.gguf"), false));
    CHECK_OK(mlx_file_metadata_item(&text, &n, f, 0, 0));
    CHECK_STR(text, json);
    mlx_file_free(f);
    mlx_array_free(value);
}

static void test_nested(void) {
    begin_table();
    put_rows((int[]){3, 2}, 2, 3);
    try_nested("[[0, 1, 2], [10, 11]]");
    begin_table();
    put_head(9, 2);
    put_head(8, 1);
    gb_text(&file, "te\"xt");
    put_head(9, 1);
    put_head(7, 2);
    gb_number(&file, 0x0100, 2);
    try_nested("[[\"te\\u0022xt\"], [[false, true]]]");
    begin_table();
    put_head(9, 0);
    try_nested("[]");
    begin_table();
    put_head(9, 1);
    put_head(7, 1);
    gb_number(&file, 2, 1);
    CHECK_FAILS(try_load(), "is not a boolean");
}

/* Zeros inside of texts, as one token of some vocabularies is one. */
static void test_zeros(void) {
    mlx_file f = mlx_file_new();
    mlx_file_writer w = mlx_file_writer_new();
    const char *text = NULL;
    size_t n = 0;
    gb_begin(&file, false, 0, 1);
    gb_text(&file, "tokens");
    put_head(9, 0), file.n -= 8;
    put_head(8, 2);
    gb_text(&file, "a");
    gb_number(&file, 2, 8), gb_put(&file, "\0z", 2);
    CHECK_OK(mlx_file_open(&f, write_file("zeros.gguf", file.at, file.n), false));
    CHECK_OK(mlx_file_writer_open(&w, own_path("again.gguf"), NULL, 0));
    CHECK_OK(mlx_file_writer_metadata(w, f, 0));
    CHECK_FAILS(mlx_file_writer_metadata(w, f, 1), "");
    CHECK_OK(mlx_file_writer_finish(w));
    mlx_file_free(f), mlx_file_writer_free(w);
    f = mlx_file_new();
    CHECK_OK(mlx_file_open(&f, own_path("again.gguf"), false));
    CHECK_OK(mlx_file_metadata_item(&text, &n, f, 0, 1));
    CHECK(n == 2 && memcmp(text, "\0z", 3) == 0);
    mlx_file_free(f);
}

static void test_tables(void) {
    mlx_io_gguf g = {NULL};
    begin_table();
    put_rows((int[]){3, 3}, 2, 3);
    CHECK_OK(load_as(&g, "table.gguf"));
    mlx_array a = get_meta(g, "table");
    CHECK(mlx_array_ndim(a) == 2 && mlx_array_dim(a, 0) == 2 && mlx_array_dim(a, 1) == 3);
    CHECK(mlx_array_dtype(a) == MLX_INT16 && mlx_array_data_int16(a)[5] == 12);
    mlx_array_free(a);
    mlx_io_gguf_free(g);
    begin_table();
    for (int i = 0; i < 20; i++)
        put_head(9, 1);
    CHECK_FAILS(try_load(), "nested more than 16 deep");
    begin_table();
    put_head(9, 1u << 30);
    put_head(5, 1u << 30);
    CHECK_FAILS(try_load(), "needs");
    begin_table();
    put_rows((int[]){3, 3}, 2, 3);
    file.n -= 2;
    CHECK_FAILS(try_load(), "needs");
}

/* --- split models ---------------------------------------------------------------------- */

static const char *write_part(const char *name, int number, int count, const char *tensor,
                              float value) {
    uint32_t u;
    memcpy(&u, &value, 4);
    gb_begin(&file, false, 1, number ? 2 : 3);
    gb_pair(&file, "split.no", 2, (uint64_t)number, 2);
    gb_pair(&file, "split.count", 2, (uint64_t)count, 2);
    if (number == 0)
        gb_pair(&file, "first", 4, 7, 4);
    gb_tensor(&file, tensor, 1, 1, 0, 0);
    gb_align(&file);
    gb_number(&file, u, 4);
    gb_align(&file);
    return write_file(name, file.at, file.n);
}

static void test_split(void) {
    mlx_io_gguf g = {NULL};
    write_part("m-00002-of-00003.gguf", 1, 3, "b", 2);
    char first[512];
    snprintf(first, sizeof first, "%s", write_part("m-00001-of-00003.gguf", 0, 3, "a", 1));
    CHECK_FAILS(mlx_load_gguf(&g, first, none), "m-00003-of-00003.gguf");
    write_part("m-00003-of-00003.gguf", 2, 3, "c", 3);
    CHECK_OK(mlx_load_gguf(&g, first, none));
    const char *names[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        mlx_array a = get(g, names[i]);
        CHECK(mlx_array_data_float32(a)[0] == (float)(i + 1));
        mlx_array_free(a);
    }
    mlx_array a = get_meta(g, "first");
    CHECK_EQ_INT(mlx_array_data_uint32(a)[0], 7);
    mlx_array_free(a);
    CHECK_OK(mlx_load_gguf_mapped(&g, first, none));
    mlx_io_gguf_free(g);
    // another part alone is what it holds
    g = (mlx_io_gguf){NULL};
    CHECK_OK(mlx_load_gguf(&g, own_path("m-00002-of-00003.gguf"), none));
    a = get(g, "b");
    mlx_array_free(a);
    CHECK_EQ_INT(mlx_io_gguf_get_array(&a, g, "a"), 2);
    mlx_io_gguf_free(g);
    CHECK_FAILS(mlx_load_gguf(&g, write_part("other.gguf", 0, 3, "a", 1), none),
                "-00001-of-00003.gguf");
    CHECK_FAILS(mlx_load_gguf(&g, write_part("x-00001-of-60000.gguf", 0, 60000, "a", 1), none),
                "more than 10000 files");
    write_part("t-00002-of-00002.gguf", 1, 2, "a", 2);
    CHECK_FAILS(mlx_load_gguf(&g, write_part("t-00001-of-00002.gguf", 0, 2, "a", 1), none),
                "two tensors 'a'");
}

/* --- every type of blocks -------------------------------------------------------------- */

static void put_row(const mx_block_format *f) {
    gb_begin(&file, false, 1, 0);
    gb_tensor(&file, "x.weight", 2u * f->items, 3, f->id, 0);
    gb_align(&file);
    for (int i = 0; i < 6 * f->bytes; i++)
        gb_number(&file, (unsigned)(i * 29 + 5) & 0x3f, 1); // halves are finite
    gb_align(&file);
}

static void check_type(const mx_block_format *f) {
    static float want[6 * 256];
    size_t n = 6u * f->items;
    mlx_array a = mlx_array_new();
    mlx_file m = mlx_file_new();
    mlx_file_tensor t;
    put_row(f);
    CHECK_OK(mlx_file_open(&m, write_file("type.gguf", file.at, file.n), false));
    CHECK_OK(mlx_file_get(&t, m, 0));
    CHECK_STR(t.storage, f->name);
    CHECK_OK(mlx_file_read_stored(&a, m, 0, none));
    CHECK(mlx_array_dtype(a) == MLX_UINT8 && mlx_array_dim(a, 0) == 3 &&
          mlx_array_dim(a, 1) == 2 * f->bytes);
    CHECK_OK(mlx_array_eval(a));
    mx_blocks_decode(f, want, mlx_array_data_uint8(a), 6);
    CHECK_OK(mlx_dequantize(&a, a, mlx_array_empty, mlx_array_empty, (mlx_optional_int){0, false},
                            (mlx_optional_int){0, false}, f->name, mlx_array_empty,
                            (mlx_optional_dtype){MLX_FLOAT32, true}, none));
    CHECK_OK(mlx_array_eval(a));
    CHECK_MSG(mlx_array_size(a) == n &&
                  memcmp(mlx_array_data_float32(a), want, n * sizeof *want) == 0,
              "%s", f->name);
    CHECK_OK(mlx_file_read(&a, m, 0, none));
    CHECK(mlx_array_dtype(a) == MLX_FLOAT32);
    CHECK_OK(mlx_array_eval(a));
    CHECK(memcmp(mlx_array_data_float32(a), want, n * sizeof *want) == 0);
    mlx_array_free(a);
    mlx_file_free(m);
    CHECK_OK(try_load());
}

static void test_every_type(void) {
    for (int i = 0; i < MX_BLOCK_KINDS; i++)
        check_type(&mx_block_formats[i]);
}

int main(void) {
    mlx_set_error_handler(count_told, NULL, NULL);
    RUN(test_orders);
    RUN(test_orders_refused);
    RUN(test_tables);
    RUN(test_nested);
    RUN(test_zeros);
    RUN(test_split);
    RUN(test_every_type);
    files_done();
    return check_done();
}
