/* What the headers say that functions refuse, beyond what holds for every one of them
   (test_capi_arguments.c): a call for each, and a word of its message. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mlx/c/mlx.h"

#define L(...) (int[]){__VA_ARGS__}, sizeof((int[]){__VA_ARGS__}) / sizeof(int)

static char message[1024];
static int told;

static void remember(const char *text, void *data) {
    (void)data;
    told++;
    snprintf(message, sizeof message, "%s", text);
}

static void refused(int result, const char *word, const char *what, int line) {
    check_that(result == 1 && told == 1 && strstr(message, word), __FILE__, line,
               "%s gives %d and says: %s", what, result, message);
    told = 0;
    message[0] = 0;
}
#define REFUSED(call, word) refused(call, word, #call, __LINE__)

static mlx_stream s;
static mlx_array r, a, b, whole, complex_one;
static mlx_vector_array rs, rs_2, none, one, two, vector;

static int twice(mlx_vector_array *res, const mlx_vector_array in) {
    mlx_array x = mlx_array_new();
    int failed = mlx_vector_array_get(&x, in, 0) || mlx_add(&x, x, x, s) ||
                 mlx_vector_array_set_value(res, x);
    mlx_array_free(x);
    return failed;
}

static void begin(void) {
    mlx_set_error_handler(remember, NULL, NULL);
    s = mlx_default_cpu_stream_new();
    r = mlx_array_new();
    a = mlx_array_new_data((float[]){1, 2, 3, 4}, (int[]){2, 2}, 2, MLX_FLOAT32);
    b = mlx_array_new_data((float[]){1, 2, 3}, (int[]){3}, 1, MLX_FLOAT32);
    whole = mlx_array_new_data((int[]){0, 1}, (int[]){2}, 1, MLX_INT32);
    complex_one = mlx_array_new_complex(1, 1);
    rs = mlx_vector_array_new();
    rs_2 = mlx_vector_array_new();
    none = mlx_vector_array_new();
    one = mlx_vector_array_new_value(a);
    vector = mlx_vector_array_new_value(b);
    two = mlx_vector_array_new_data((mlx_array[]){a, b}, 2);
}

static void end(void) {
    mlx_array all[] = {r, a, b, whole, complex_one};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        mlx_array_free(all[i]);
    mlx_vector_array lists[] = {rs, rs_2, none, one, two, vector};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        mlx_vector_array_free(lists[i]);
    mlx_stream_free(s);
    mlx_set_error_handler(NULL, NULL, NULL);
}

/* --- operations ------------------------------------------------------------------------------- */

static void pairs(void) {
    REFUSED(mlx_where(&r, whole, a, b, s), "broadcast");
    REFUSED(mlx_broadcast_arrays(&rs, two, s), "broadcast");
    REFUSED(mlx_fmax(&r, a, b, s), "broadcast");
    REFUSED(mlx_fmin(&r, a, b, s), "broadcast");
    REFUSED(mlx_hypot(&r, a, complex_one, s), "complex");
    REFUSED(mlx_heaviside(&r, a, complex_one, s), "complex");
    REFUSED(mlx_copysign(&r, a, complex_one, s), "complex");
    REFUSED(mlx_nextafter(&r, a, complex_one, s), "complex");
    REFUSED(mlx_signbit(&r, complex_one, s), "complex");
    REFUSED(mlx_cbrt(&r, complex_one, s), "complex");
    int shape[4];
    size_t n;
    REFUSED(mlx_broadcast_shapes(shape, &n, L(2), L(3)), "broadcast");
}

static void shapes(void) {
    REFUSED(mlx_slice(&r, a, L(0, 0), L(2, 2), L(1, 0), s), "slice");
    REFUSED(mlx_slice(&r, a, L(0), L(2, 2), L(1, 1), s), "slice");
    REFUSED(mlx_slice_update(&r, a, b, L(0, 0), L(2, 2), L(1, 1), s), "broadcast");
    REFUSED(mlx_slice_dynamic(&r, a, whole, L(0), L(1, 1), s), "slice");
    REFUSED(mlx_slice_update_dynamic(&r, a, a, whole, L(0, 5), s), "5");
    REFUSED(mlx_gather(&r, a, one, L(0), L(1, 2), s), "indices");
    REFUSED(mlx_scatter(&r, a, one, a, L(0), s), "indices");
    REFUSED(mlx_split_sections(&rs, a, L(1), 2, s), "2");
    REFUSED(mlx_unstack(&rs, a, 2, s), "2");
    REFUSED(mlx_tile(&r, a, L(-1), s), "-1");
    REFUSED(mlx_repeat(&r, a, -1, s), "negative");
    REFUSED(mlx_repeat_axis(&r, a, 2, 2, s), "2");
    REFUSED(mlx_unique_sized(&rs, a, -1, mlx_array_empty, s), "-1");
    REFUSED(mlx_searchsorted(&r, a, b, false, s), "sorted");
    REFUSED(mlx_number_of_elements(&r, a, L(2), false, MLX_INT32, s), "2");
    REFUSED(mlx_random_split_num(&r, a, 2, s), "key");
    REFUSED(mlx_random_bits(&r, L(2), 3, mlx_array_empty, s), "3");
    REFUSED(mlx_random_permutation_arange(&r, -1, mlx_array_empty, s), "-1");
    REFUSED(mlx_random_set_state(a), "key");
}

static void functions(void) {
    mlx_closure f = mlx_closure_new_func(twice), g = mlx_closure_new();
    mlx_closure_value_and_grad vg = mlx_closure_value_and_grad_new();
    REFUSED(mlx_value_and_grad(&vg, f, NULL, 0), "at least one");
    REFUSED(mlx_value_and_grad(&vg, f, L(-1)), "-1");
    REFUSED(mlx_value_and_grad(&vg, f, L(0, 0)), "Duplicate");
    REFUSED(mlx_vjp(&rs, &rs_2, f, one, none), "cotangents");
    REFUSED(mlx_vjp(&rs, &rs_2, f, one, vector), "shape");
    REFUSED(mlx_jvp(&rs, &rs_2, f, one, two), "tangents");
    REFUSED(mlx_detail_vmap_trace(&rs, &rs_2, f, one, L(0, 0)), "axes");
    REFUSED(mlx_detail_vmap_trace(&rs, &rs_2, f, one, L(5)), "5");
    REFUSED(mlx_closure_apply(&rs, f, none), "");
    mlx_closure_free(f);
    mlx_closure_free(g);
    mlx_closure_value_and_grad_free(vg);
}

/* --- the machine, files ----------------------------------------------------------------------- */

static void machine(void) {
    mlx_distributed_group group = mlx_distributed_group_new();
    mlx_device far = mlx_device_new_type(MLX_CPU, 7);
    bool is;
    REFUSED(mlx_stream_set_priority(s, 101), "101");
    REFUSED(mlx_stream_set_threads(s, -1), "-1");
    REFUSED(mlx_set_print_precision(-2), "-2");
    REFUSED(mlx_distributed_init(&group, true, NULL), "other processes");
    REFUSED(mlx_distributed_init(&group, false, "pigeon"), "pigeon");
    REFUSED(mlx_set_default_device(far), "7");
    REFUSED(mlx_set_thread_device(NULL, far), "7");
    REFUSED(_mlx_array_is_row_contiguous(&is, r), "");
    mlx_distributed_group_free(group);
    mlx_device_free(far);
}

static void files(void) {
    mlx_file_writer w = mlx_file_writer_new();
    mlx_map_string_to_array map = mlx_map_string_to_array_new();
    mlx_map_string_to_string words = mlx_map_string_to_string_new();
    mlx_io_gguf gguf = mlx_io_gguf_new();
    REFUSED(mlx_load_npz(&map, "/none/x.npz", s), "/none");
    REFUSED(mlx_load_safetensors(&map, &words, "/none/x.safetensors", s), "/none");
    REFUSED(mlx_load_gguf(&gguf, "/none/x.gguf", s), "/none");
    REFUSED(mlx_save("/none/x.npy", a), "/none");
    REFUSED(mlx_save_npz("/none/x.npz", map, false), "/none");
    REFUSED(mlx_save_safetensors("/none/x.safetensors", map, words), "/none");
    REFUSED(mlx_save_gguf("/none/x.gguf", gguf), "/none");
    mlx_io_gguf_set_metadata_array(gguf, "a", complex_one);
    REFUSED(mlx_save_gguf("x.gguf", gguf), "complex64");
    REFUSED(mlx_file_writer_open(&w, "x.none", NULL, 0), "x.none");
    REFUSED(mlx_file_writer_open(&w, "x", "pickle", 0), "pickle");
    mlx_file_writer_free(w);
    mlx_map_string_to_array_free(map);
    mlx_map_string_to_string_free(words);
    mlx_io_gguf_free(gguf);
}

/* --- texts and tokens ------------------------------------------------------------------------- */

#define WORDS "{\"model\": {\"type\": \"WordLevel\", \"vocab\": {\"text\": 0, \"more\": 1}}}"

static void tokens(void) {
    mlx_tokenizer t = mlx_tokenizer_new();
    mlx_tokens found = mlx_tokens_new();
    mlx_template chat = mlx_template_new();
    size_t ends[1];
    REFUSED(mlx_tokenizer_open(&t, "/none"), "/none");
    REFUSED(mlx_tokenizer_open_bytes(&t, "mine", "{}", 2), "mine");
    CHECK(!mlx_tokenizer_open_bytes(&t, "words", WORDS, sizeof WORDS - 1));
    REFUSED(mlx_tokenizer_encode(&found, t, "text", 4, 64), "64");
    REFUSED(mlx_tokenizer_encode_pair(&found, t, "text", 4, "text", 4, 64), "64");
    REFUSED(mlx_tokenizer_encode_all(&found, ends, t, (const char *[]){"text"}, (size_t[]){4}, 1,
                                     64),
            "64");
    REFUSED(mlx_template_open_bytes(&chat, "mine", "{% if %}", 8), "mine");
    mlx_tokenizer_free(t);
    mlx_tokens_free(found);
    mlx_template_free(chat);
}

static void structures(void) {
    mlx_structure x = mlx_structure_new();
    mlx_structure_vocabulary v = mlx_structure_vocabulary_new();
    mlx_tokenizer t = mlx_tokenizer_new();
    mlx_vector_string texts = mlx_vector_string_new();
    const char *bytes;
    size_t n;
    REFUSED(mlx_structure_open_regex(&x, "(a"), "2");
    REFUSED(mlx_structure_open_gbnf(&x, "root ="), "");
    REFUSED(mlx_structure_open_choices(&x, texts), "");
    REFUSED(mlx_structure_open_schema(&x, "{", 0), "");
    REFUSED(mlx_structure_open_schema(&x, "{}", 64), "64");
    REFUSED(mlx_structure_open_json(&x, false, 64), "64");
    CHECK(!mlx_tokenizer_open_bytes(&t, "words", WORDS, sizeof WORDS - 1));
    REFUSED(mlx_structure_vocabulary_open(&v, t, L(7)), "7");
    REFUSED(mlx_structure_vocabulary_open(&v, t, NULL, 0), "");
    CHECK(!mlx_structure_vocabulary_open(&v, t, L(1)));
    REFUSED(mlx_structure_vocabulary_bytes(&bytes, &n, v, 7), "7");
    mlx_structure_free(x);
    mlx_structure_vocabulary_free(v);
    mlx_tokenizer_free(t);
    mlx_vector_string_free(texts);
}

static void samplers(void) {
    mlx_sampler x = mlx_sampler_new();
    mlx_stop stop = mlx_stop_new();
    mlx_vector_string empty = mlx_vector_string_new_value("");
    int token;
    double log_p;
    REFUSED(mlx_sampler_open(&x, &(mlx_sampler_options){.temperature = -1}), "-1");
    CHECK(!mlx_sampler_open(&x, &(mlx_sampler_options){.temperature = 1}));
    REFUSED(mlx_sampler_pick(&token, x, (float[]){1, 2}, 2, (uint32_t[]){0}), "");
    REFUSED(mlx_log_probability(&log_p, (float[]){1, 2}, 2, 2), "2");
    REFUSED(mlx_stop_open(&stop, empty), "");
    mlx_sampler_free(x);
    mlx_stop_free(stop);
    mlx_vector_string_free(empty);
}

int main(void) {
    begin();
    RUN(pairs);
    RUN(shapes);
    RUN(functions);
    RUN(machine);
    RUN(files);
    RUN(tokens);
    RUN(structures);
    RUN(samplers);
    end();
    return check_done();
}
