/* Formats and storages that a program registers (mlx/c/plugin.h). The format of the plug-in that
 * tests build by itself is registered here in the program. */
#include "io_files.h"

#define mlx_plugin_entry own_entry
#include "plugins/plugin_lines.c"

static mlx_stream cpu = {NULL};

static void registers(void) {
    static const mlx_plugin_host host = {sizeof host, mlx_format_register, mlx_storage_register,
                                         mlx_operation_register, NULL};
    const mlx_plugin *p = own_entry();
    CHECK_EQ_INT(p->abi, MLX_PLUGIN_ABI);
    CHECK_OK(p->init(&host));
    CHECK_FAILS(p->init(&host), "there is a storage 'nibbles' already");
    CHECK_OK(mlx_plugins_load());
}

static void refuses(void) {
    CHECK_FAILS(mlx_format_register(NULL), "the plug-in is NULL");
    CHECK_FAILS(mlx_storage_register(NULL), "the plug-in is NULL");
    mlx_plugin_format f = {sizeof f, "", NULL, detect, open_lines, NULL, NULL, NULL};
    CHECK_FAILS(mlx_format_register(&f), "needs a name");
    f.name = "lines";
    CHECK_FAILS(mlx_format_register(&f), "there is a format 'lines' already");
    f.open = NULL;
    CHECK_FAILS(mlx_format_register(&f), "the function open is NULL");
    mlx_plugin_storage s = {sizeof s, "float32", 1, 1, MLX_UINT8, load, NULL};
    CHECK_FAILS(mlx_storage_register(&s), "there is a storage 'float32' already");
    s.name = "q4_0";
    CHECK_FAILS(mlx_storage_register(&s), "there is a storage 'q4_0' already");
    s.name = "x";
    s.dtype = (mlx_dtype)77;
    CHECK_FAILS(mlx_storage_register(&s), "77 is not a dtype");
}

static void converts(void) {
    unsigned char e[4] = {1, 2, 15, 0};
    mlx_array a = mlx_array_new_data(e, (int[]){2, 2}, 2, MLX_UINT8), b = mlx_array_new(),
              c = mlx_array_new();
    CHECK_OK(mlx_storage_store(&b, "nibbles", a, cpu));
    CHECK_EQ_INT(mlx_array_dim(b, 1), 1);
    CHECK_EQ_INT(mlx_array_data_uint8(b)[1], 15);
    CHECK_OK(mlx_storage_load(&c, "nibbles", b, cpu));
    CHECK(memcmp(mlx_array_data_uint8(c), e, 4) == 0);
    CHECK_FAILS(mlx_storage_store(&c, "nibbles", b, cpu), "no whole blocks");
    CHECK_FAILS(mlx_storage_load(&c, "other", b, cpu), "no storage 'other'");
    mlx_array big = mlx_array_new_data((unsigned char[]){16, 1}, (int[]){2}, 1, MLX_UINT8),
              f = mlx_array_new();
    CHECK_FAILS(mlx_storage_store(&c, "nibbles", big, cpu), "the function returned 1");
    CHECK_OK(mlx_astype(&f, a, MLX_FLOAT32, cpu));
    CHECK_FAILS(mlx_storage_load(&c, "nibbles", f, cpu), "made of uint8, not of float32");
    mlx_array_free(a), mlx_array_free(b), mlx_array_free(c), mlx_array_free(big), mlx_array_free(f);
}

static void writes_and_reads(void) {
    unsigned char blocks[2] = {0x21, 0x43};
    float v[3] = {1.5f, 2, 3};
    mlx_array q = mlx_array_new_data(blocks, (int[]){1, 2}, 2, MLX_UINT8),
              w = mlx_array_new_data(v, (int[]){3}, 1, MLX_FLOAT32);
    mlx_file_writer out = mlx_file_writer_new();
    CHECK_OK(mlx_file_writer_open(&out, own_path("x.lines"), NULL, 0));
    CHECK_OK(mlx_file_writer_text(out, "key", "a text"));
    CHECK_OK(mlx_file_writer_declare(out, "w", "float32", (int[]){3}, 1));
    CHECK_OK(mlx_file_writer_declare(out, "q", "nibbles", (int[]){1, 4}, 2));
    CHECK_FAILS(mlx_file_writer_declare(out, "r", "q4_0", (int[]){32}, 1),
                "lines files have no storage 'q4_0'");
    CHECK_OK(mlx_file_writer_put(out, "q", q));
    CHECK_OK(mlx_file_writer_put(out, "w", w));
    CHECK_OK(mlx_file_writer_finish(out));
    mlx_file_writer_free(out);
    mlx_file f = mlx_file_new();
    CHECK_OK(mlx_file_open(&f, own_path("x.lines"), false));
    CHECK_STR(mlx_file_format(f), "lines");
    CHECK_EQ_INT(mlx_file_count(f), 2);
    CHECK_STR(mlx_file_metadata_key(f, 0), "key");
    mlx_array a = mlx_array_new();
    CHECK_OK(mlx_file_read(&a, f, 1, cpu));
    CHECK_OK(mlx_array_eval(a));
    CHECK_EQ_INT(mlx_array_data_uint8(a)[3], 4);
    CHECK_OK(mlx_file_read(&a, f, 0, cpu));
    CHECK_OK(mlx_array_eval(a));
    CHECK_NEAR(mlx_array_data_float32(a)[0], 1.5, 0);
    mlx_file_free(f);
    mlx_array_free(a), mlx_array_free(q), mlx_array_free(w);
}

/* --- a format that reads its tensors itself, and one that writes over its head -------------- */

static int list_one(void **state, const mlx_plugin_bytes *in, const mlx_plugin_list *out) {
    mlx_file_tensor t = {.name = "x", .storage = "int16", .shape = (int[]){2}, .ndim = 1};
    *state = (void *)(uintptr_t)in->size;
    return out->tensor(out->ctx, &t) || out->tensor(out->ctx, NULL);
}
static int list_quietly(void **state, const mlx_plugin_bytes *in, const mlx_plugin_list *out) {
    mlx_file_tensor t = {.name = "x", .storage = "int16", .shape = (int[]){2}, .ndim = 1};
    *state = (void *)(uintptr_t)in->size;
    return out->tensor(out->ctx, &t);
}
static int read_one(void *state, const mlx_plugin_bytes *in, size_t i, void *to, size_t bytes) {
    unsigned char behind;
    CHECK(state == (void *)(uintptr_t)in->size && i == 0 && bytes == 4);
    CHECK(in->read(in->ctx, &behind, 1, in->size) ==
          1); // an error, which need not be the plug-in's
    return in->read(in->ctx, to, bytes, 4);
}
static bool is_one(const void *head, size_t n) {
    return n >= 4 && !memcmp(head, "ONE!", 4);
}
static bool is_two(const void *head, size_t n) {
    return n >= 4 && !memcmp(head, "TWO!", 4);
}
static int write_over(const mlx_plugin_head *h) {
    h->offsets[0] = 2;
    return h->put(h->ctx, "TWO!", 4);
}

static void reads_by_itself(void) {
    mlx_plugin_format one = {sizeof one, "one", NULL, is_one, list_quietly, read_one, NULL, NULL};
    mlx_plugin_format two = {sizeof two, "two", NULL, is_two, list_one, read_one, NULL, write_over};
    CHECK_OK(mlx_format_register(&one));
    CHECK_OK(mlx_format_register(&two));
    mlx_file f = mlx_file_new();
    CHECK_OK(mlx_file_open(&f, write_file("one", "ONE!\1\0\2\0", 8), false));
    mlx_array a = mlx_array_new();
    CHECK_OK(mlx_file_read(&a, f, 0, cpu));
    CHECK_EQ_INT(mlx_array_data_int16(a)[1], 2);
    mlx_file_free(f);
    f = mlx_file_new();
    CHECK_FAILS(mlx_file_open(&f, write_file("two", "TWO!....", 8), false),
                "lists a tensor without name");
    mlx_file_writer w = mlx_file_writer_new();
    CHECK_FAILS(mlx_file_writer_open(&w, own_path("w"), "one", 0), "'one' cannot be written");
    CHECK_OK(mlx_file_writer_open(&w, own_path("w"), "two", 0));
    CHECK_OK(mlx_file_writer_declare(w, "x", "int16", (int[]){2}, 1));
    CHECK_FAILS(mlx_file_writer_put(w, "x", a), "puts 'x' at byte 2, over what is there");
    CHECK_FAILS(mlx_file_writer_finish(w), "was declared and not put");
    mlx_file_writer_free(w);
    mlx_array_free(a);
}

int main(void) {
    mlx_set_error_handler(count_told, NULL, NULL);
    RUN(registers);
    RUN(refuses);
    RUN(converts);
    RUN(writes_and_reads);
    RUN(reads_by_itself);
    files_done();
    return check_done();
}
