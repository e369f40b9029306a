/* Families of models and their conversion (src/models): names, sizes, elements, and conversions
 * between files of the test's own. */
#include "graph/eval/eval.h"
#include "graph/trace/scope.h"
#include "io_files.h"
#include "mlx/c/convert.h"
#include "models/convert/elements.h"
#include "models/convert/mixture.h"
#include "models/family.h"
#include "models/json.h"
#include "base/mem.h"
#include "base/status.h"
#include "ops/ops.h"

/* --- the table ------------------------------------------------------------------------------- */

/* Every name of every row is found as that row. */
static void names_are_found(void) {
    const mx_tensor_row *r;
    for (size_t k = 0; k < mx_family_count; k++)
        for (size_t i = 0; (r = mx_family_row(&mx_families[k], i)); i++)
            for (mx_naming n = 0; n < MX_NAMINGS; n++) {
                mx_place p = {r, 3, 11, "weight"}, found;
                char *name = mx_row_pattern(r, n) ? mx_place_name(&p, n, "weight") : NULL;
                if (!name)
                    continue;
                CHECK_MSG(mx_family_find(&mx_families[k], n, name, &found), "%s", name);
                bool bare = (r->flags & MX_ROW_BARE) && n != MX_NAMED_GGUF;
                CHECK_MSG(found.row == r && !strcmp(found.part, bare ? "" : "weight"), "%s", name);
                CHECK(found.layer == (strstr(mx_row_pattern(r, n), "{n}") ? 3 : -1));
                CHECK(found.expert == (mx_row_has_experts(r, n) ? 11 : -1));
                mx_free(name);
            }
}

static void names_that_are_none(void) {
    static const char *const names[] = {"blk.0.attn_q",
                                        "blk.01.attn_q.weight",
                                        "blk..attn_q.weight",
                                        "blk.99999999999.attn_q.weight",
                                        "blk.0.attn_q.weights",
                                        "blk.0.attn_qq.weight",
                                        "token_embd.weight.weight",
                                        ""};
    const mx_family *llama = mx_family_named("llama");
    mx_place p;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK_MSG(!mx_family_find(llama, MX_NAMED_GGUF, names[i], &p), "%s", names[i]);
    CHECK(mx_family_find(mx_family_named("bert"), MX_NAMED_HF,
                         "bert.embeddings.word_embeddings.weight", &p));
    CHECK(!mx_family_named("lama") && !mx_family_of_type("lama") &&
          mx_family_of_type("gemma3_text"));
}

/* Shapes use letters that keys define. */
static void shapes_have_letters(void) {
    const mx_tensor_row *r;
    const mx_key_row *key;
    for (size_t k = 0; k < mx_family_count; k++) {
        mx_dims d = {{0}};
        for (size_t i = 0; (key = mx_family_key(&mx_families[k], i)); i++)
            if (key->dim)
                d.of[key->dim - 'a'] = 8;
        for (size_t i = 0; (r = mx_family_row(&mx_families[k], i)); i++) {
            int shape[4];
            CHECK_MSG(mx_dims_shape(&d, r->shape, shape, 4) >= 0, "%s: '%s'", mx_families[k].name,
                      r->shape);
        }
    }
}

static void formulas(void) {
    mx_dims d = {{0}};
    d.of['a' - 'a'] = 4;
    d.of['d' - 'a'] = 16;
    d.of['k' - 'a'] = 2;
    CHECK_EQ_INT(mx_dims_formula(&d, "a*d"), 64);
    CHECK_EQ_INT(mx_dims_formula(&d, "a*d+2*k*d"), 128);
    CHECK_EQ_INT(mx_dims_formula(&d, "d/2"), 8);
    CHECK_EQ_INT(mx_dims_formula(&d, "d/k/a"), 2);
    CHECK_EQ_INT(mx_dims_formula(&d, "d/3"), 0);
    CHECK_EQ_INT(mx_dims_formula(&d, "a*h"), 0);
    CHECK_EQ_INT(mx_dims_formula(&d, "a+h"), 0);
    d.of['a' - 'a'] = INT64_MAX;
    CHECK_EQ_INT(mx_dims_formula(&d, "a*d"), 0);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void json_comes_back(void) {
    static const char text[] = "{\"b\":[1,2.5,1e-05,\"\\u00e9\\n\"],\"a\":{\"c\":[{\"d\":null}],"
                               "\"e\":1e300,\"f\":3.0},\"g\":[],\"h\":{}}";
    json_t *v = mx_json_parse("test", "text", text, sizeof text - 1);
    char *out = mx_json_text(v);
    CHECK_HAS(out, "[1, 2.5, 1e-05, ");
    CHECK_HAS(out, "\"f\": 3.0");
    json_t *again = mx_json_parse("test", "text", out, strlen(out));
    CHECK(json_equal(v, again));
    CHECK(json_number_value(mx_json_at(v, "x.y|a.e")) == 1e300 && !mx_json_at(v, "a.c.d|q"));
    CHECK(mx_json_put(v, "m.n", json_true()) && json_is_true(mx_json_at(v, "m.n")));
    json_decref(v);
    json_decref(again);
    mx_free(out);
    CHECK(!mx_json_parse("test", "file", "{\"a\":1,\"a\":2}", 13));
    CHECK_HAS(mx_error_message(), "'file' at byte");
    mx_error_clear();
}

/* What Python writes as the length of a text without end, and its like. */
static void long_numbers(void) {
    static const char text[] =
        "{\"model_max_length\": 1000000000000000019884624838656, \"a\\\"9\": [9223372036854775807,"
        "9223372036854775808, -99999999999999999999,0.12345678901234567890123,"
        "1e+00000000000000000019],\"t\":\"\\\"12345678901234567890123 \\\\\",\"u\":18446744073709551615}";
    json_t *v = mx_json_parse("test", "text", text, sizeof text - 1);
    if (!CHECK_MSG(v, "%s", mx_error_message()))
        return;
    const json_t *list = json_object_get(v, "a\"9");
    CHECK(json_real_value(mx_json_at(v, "model_max_length")) == 1e30);
    CHECK(json_integer_value(json_array_get(list, 0)) == INT64_MAX);
    CHECK(json_real_value(json_array_get(list, 1)) == 9223372036854775808.0);
    CHECK(json_real_value(json_array_get(list, 2)) == -1e20);
    CHECK(json_real_value(json_array_get(list, 3)) == 0.12345678901234567890123);
    CHECK(json_real_value(json_array_get(list, 4)) == 1e19);
    CHECK_STR(mx_json_text_at(v, "t"), "\"12345678901234567890123 \\");
    CHECK(json_real_value(mx_json_at(v, "u")) == 18446744073709551616.0);
    json_decref(v);
    CHECK(!mx_json_parse("test", "file", "", 0));
    CHECK_HAS(mx_error_message(), "'file' is empty");
    mx_error_clear();
}

/* --- elements -------------------------------------------------------------------------------- */

static void texts_of_elements(void) {
    static const struct {
        const char *text, *name;
    } good[] = {{"bf16", "bfloat16"},
                {"float32", "float32"},
                {"q4_k", "q4_k"},
                {"affine:8:32", "affine of 8 bits in groups of 32"},
                {"affine", "affine of 4 bits in groups of 64"},
                {"mxfp4", "mxfp4 of 4 bits in groups of 32"}};
    static const char *const bad[] = {
        "q4_x",     "affine:", "affine:4:", "affine:4:64:1", "iq1_s", "affine:9",
        "affine:x", "q4_k:4",  ""};
    mx_elements e;
    char room[64];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CHECK_MSG(mx_elements_parse("test", good[i].text, MX_FLOAT16, &e), "%s", good[i].text);
        CHECK_STR(mx_elements_name(&e, room, sizeof room), good[i].name);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bool ok = mx_elements_parse("test", bad[i], MX_FLOAT16, &e);
        CHECK_MSG(!ok, "%s", bad[i]);
        mx_error_clear();
    }
}

/* Random bytes, with scales that are finite. */
static void fill_blocks(uint8_t *bytes, const mx_block_format *f, size_t n, uint64_t *state) {
    for (size_t i = 0; i < n * f->bytes; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(*state >> 56);
    }
    for (size_t i = 0; i < n; i++)
        if (f->kind == MX_BLOCK_mxfp4_gguf)
            bytes[i * f->bytes] = 120 + bytes[i * f->bytes] % 16;
        else // halves below 2
            bytes[i * f->bytes + 1] &= 0xbf, bytes[i * f->bytes + 3] &= 0xbf;
}

/* Blocks become words of the same values and the same bytes again. */
static void repack(const mx_block_format *f, uint64_t *state) {
    enum { ROWS = 6, BLOCKS = 3 };
    static uint8_t bytes[ROWS * BLOCKS * 64];
    mx_scope scope = mx_scope_open();
    fill_blocks(bytes, f, ROWS * BLOCKS, state);
    mx_array *blocks = mx_array_from(bytes, (int[]){ROWS, BLOCKS * f->bytes}, 2, MX_UINT8);
    mx_elements from = mx_elements_block(f), to, back;
    mx_parts words = {0}, again = {0};
    CHECK(mx_repack_words_of(f, &to) && mx_repack(&from, &to, (mx_parts){{blocks}}, &words));
    mx_array *equal = mx_array_equal(mx_elements_values(&from, (mx_parts){{blocks}}),
                                     mx_elements_values(&to, words), true);
    CHECK_MSG(mx_eval1(equal) && *(bool *)equal->data, "%s: other values", f->name);
    CHECK(mx_repack_blocks_of(&to, words, &back));
    CHECK(mx_repack(&to, &from, words, &again));
    equal = mx_array_equal(blocks, again.part[0], false);
    CHECK_MSG(mx_eval1(equal) && *(bool *)equal->data, "%s: other bytes", f->name);
    mx_scope_close(scope);
}

static void blocks_are_words(void) {
    uint64_t state = check_seed(0x2545f4914f6cdd1d);
    mx_elements e;
    int pairs = 0;
    for (int k = 0; k < MX_BLOCK_KINDS; k++)
        if (mx_repack_words_of(&mx_block_formats[k], &e)) {
            repack(&mx_block_formats[k], &state);
            pairs++;
        }
    CHECK_EQ_INT(pairs, 6);
}

static void mixtures(void) {
    CHECK(mx_mixture_named("Q4_K_M") && !mx_mixture_named("q4_k") && !mx_mixture_named(""));
}

/* --- conversions ----------------------------------------------------------------------------- */

static mlx_stream cpu = {NULL};

/* Two tensors in a safetensors file. */
static const char *plain_file(const char *name) {
    const char *path = own_path(name);
    mlx_map_string_to_array arrays = mlx_map_string_to_array_new();
    mlx_map_string_to_string texts = mlx_map_string_to_string_new();
    mlx_array a = mlx_array_new();
    CHECK_OK(mlx_arange(&a, 0, 512, 1, MLX_FLOAT32, cpu));
    CHECK_OK(mlx_map_string_to_array_insert(arrays, "b.bias", a));
    CHECK_OK(mlx_reshape(&a, a, (int[]){8, 64}, 2, cpu));
    CHECK_OK(mlx_map_string_to_array_insert(arrays, "a.weight", a));
    CHECK_OK(mlx_map_string_to_string_insert(texts, "said", "so"));
    CHECK_OK(mlx_save_safetensors(path, arrays, texts));
    mlx_array_free(a);
    mlx_map_string_to_array_free(arrays);
    mlx_map_string_to_string_free(texts);
    return path;
}

static int count_calls(const mlx_convert_progress *p, void *calls) {
    CHECK(p->done <= p->count && p->bytes_done <= p->bytes && !p->note);
    ++*(int *)calls;
    return 0;
}

static int stop(const mlx_convert_progress *p, void *payload) {
    (void)payload;
    return p->done == 1;
}

static const char *storage_of(mlx_file f, const char *name) {
    mlx_file_tensor t = {0};
    size_t i = 0;
    CHECK_EQ_INT(mlx_file_find(&i, f, name), 0);
    CHECK_OK(mlx_file_get(&t, f, i));
    return t.storage;
}

static void plain_files(void) {
    const char *in = plain_file("in.safetensors"), *out = own_path("out.gguf");
    mlx_convert_options o = mlx_convert_options_default();
    mlx_file f = mlx_file_new();
    int calls = 0;
    o.mode = "q8_0";
    CHECK_OK(mlx_convert(in, out, &o, count_calls, &calls));
    CHECK_EQ_INT(calls, 3);
    CHECK_OK(mlx_file_open(&f, out, false));
    CHECK_STR(storage_of(f, "a.weight"), "q8_0");
    CHECK_STR(storage_of(f, "b.bias"), "float32");
    mlx_file_free(f);
    mlx_string family = mlx_string_new();
    CHECK_OK(mlx_convert_family(&family, out));
    CHECK_STR(mlx_string_data(family), "");
    mlx_string_free(family);
}

static void refusals(void) {
    const char *in = plain_file("in.safetensors"), *out = own_path("new.gguf");
    mlx_convert_options o = mlx_convert_options_default();
    CHECK_FAILS(mlx_convert(in, in, NULL, NULL, NULL), "are the same");
    CHECK_FAILS(mlx_convert(in, out, NULL, stop, NULL), "the function returned 1");
    CHECK(access(out, F_OK) != 0);
    write_file("new.gguf", "x", 1);
    CHECK_FAILS(mlx_convert(in, out, NULL, NULL, NULL), "may not be overwritten");
    o.format = "onnx";
    CHECK_FAILS(mlx_convert(in, out, &o, NULL, NULL), "'onnx' is none of");
    o = (mlx_convert_options){
        .overwrite = true, .rules = (const char *[]){"a.weight"}, .rule_count = 1};
    CHECK_FAILS(mlx_convert(in, out, &o, NULL, NULL), "NAME=WHAT was expected");
    o.rules = (const char *[]){"*=mxfp8"};
    CHECK_FAILS(mlx_convert(in, out, &o, NULL, NULL), "GGUF files hold no mxfp8");
    o.rules = (const char *[]){"a*=drop"};
    CHECK_OK(mlx_convert(in, out, &o, NULL, NULL));
}

/* Each allocation fails once: an error, nothing half written, nothing lost. */
static void without_memory(void) {
    const char *in = plain_file("in.safetensors"), *out = own_path("short.gguf");
    mlx_convert_options o = {.mode = "q4_0"};
    for (int n = 1, status = 1; status && n < 10000; n++) {
        mx_alloc_fail_at((uint64_t)n);
        status = mlx_convert(in, out, &o, NULL, NULL);
        mx_alloc_fail_at(0);
        CHECK_MSG((access(out, F_OK) == 0) == !status, "allocation %d", n);
        if (status)
            mlx_clear_last_error();
    }
    CHECK(access(out, F_OK) == 0);
}

int main(void) {
    mlx_set_error_handler(count_told, NULL, NULL);
    RUN(names_are_found);
    RUN(names_that_are_none);
    RUN(shapes_have_letters);
    RUN(formulas);
    RUN(json_comes_back);
    RUN(long_numbers);
    RUN(texts_of_elements);
    RUN(blocks_are_words);
    RUN(mixtures);
    RUN(plain_files);
    RUN(refusals);
    RUN(without_memory);
    files_done();
    return check_done();
}
