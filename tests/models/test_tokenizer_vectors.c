/* Tokenizers (mlx/c/tokenizer.h) of published vocabularies against published vectors. */
#include "data_path.h"
#include "tokenizer_check.h"

static const char *data_file(const char *name) {
    const char *path = data_path(name);
    return path ? path : "";
}

static bool has_data(void) {
    return data_path("ggml_vocab/ggml-vocab-gpt-2.gguf") ||
           (SKIP("no ggml_vocab: set MLX_TEST_DATA"), false);
}

/* A whole file with a zero behind it, for free. */
static char *slurp(const char *name, size_t *n) {
    FILE *f = fopen(data_file(name), "rb");
    char *text = NULL;
    if (f && fseek(f, 0, SEEK_END) == 0) {
        *n = (size_t)ftell(f);
        text = malloc(*n + 1);
        rewind(f);
        *n = fread(text, 1, *n, f);
        text[*n] = 0;
    }
    if (f)
        fclose(f);
    return text;
}

/* --- vectors of the package ggml: texts and ids, line by line --------------------------------- */

static size_t read_ints(const char *line, const char *end, int *out, size_t room) {
    size_t n = 0;
    for (char *p = (char *)(uintptr_t)line, *to; p < end && n < room; p = to) {
        long v = strtol(p, &to, 10);
        if (to == p || to > end)
            break;
        out[n++] = (int)v;
    }
    return n;
}

static void check_lines(mlx_tokenizer t, const char *name) {
    static const char between[] = "\n__ggml_vocab_test__\n";
    char path[200];
    int want[4000];
    size_t n = 0, m = 0, rows = 0;
    snprintf(path, sizeof path, "ggml_vocab/ggml-vocab-%s.gguf.inp", name);
    char *texts = slurp(path, &n);
    snprintf(path, sizeof path, "ggml_vocab/ggml-vocab-%s.gguf.out", name);
    char *ids = slurp(path, &m), *line = ids;
    for (char *p = texts, *next; p && line; p = next, rows++) {
        next = strstr(p, between);
        size_t length = next ? (size_t)(next - p) : strlen(p);
        next = next ? next + sizeof between - 1 : NULL;
        const char *end = line + strcspn(line, "\n");
        size_t count = read_ints(line, end, want, 4000);
        check_that(encodes(t, p, length, MLX_ENCODE_BARE, want, count), __FILE__, __LINE__,
                   "%s: '%.*s'", name, (int)length, p);
        CHECK(streams(t, want, count, true));
        line = *end ? (char *)(uintptr_t)end + 1 : NULL;
    }
    CHECK(rows > 40);
    free(texts);
    free(ids);
}

static void ggml_vectors(void) {
    static const char *const names[] = {"gpt-2", "llama-spm", "bert-bge"};
    static const char *const kinds[] = {"BPE", "BPE", "WordPiece"};
    if (!has_data())
        return;
    for (int i = 0; i < 3; i++) {
        char name[200];
        const char *kind = NULL;
        snprintf(name, sizeof name, "ggml_vocab/ggml-vocab-%s.gguf", names[i]);
        mlx_tokenizer t = open_path(data_file(name));
        CHECK(mlx_tokenizer_kind(&kind, t) == 0 && !strcmp(kind, kinds[i]));
        check_lines(t, names[i]);
        mlx_tokenizer_free(t);
    }
}

/* --- vectors of swift-transformers ------------------------------------------------------------ */

static size_t json_ints(const json_t *list, int *out, size_t room) {
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n && i < room; i++)
        out[i] = (int)json_integer_value(json_array_get(list, i));
    return n < room ? n : room;
}

static void one_text(const char *name, const char *file, int flags, size_t skip,
                     const char *decoded) {
    char path[200];
    int want[1000];
    snprintf(path, sizeof path, "hf_token_vectors/%s", name);
    json_t *j = json_load_file(data_file(path), 0, NULL);
    const char *text = json_string_value(json_object_get(j, "text")),
               *back = json_string_value(json_object_get(j, decoded));
    size_t n = json_ints(json_object_get(j, "token_ids"), want, 1000);
    mlx_tokenizer t = open_path(data_file(file));
    if (CHECK(text && n > 100)) {
        CHECK(encodes(t, text, strlen(text), flags, want + skip, n - skip));
        CHECK(!back || decodes(t, want + skip, n - skip, false, back, strlen(back)));
        CHECK(streams(t, want, n, true));
    }
    json_decref(j);
    mlx_tokenizer_free(t);
}

static void long_texts(void) {
    if (!has_data())
        return;
    one_text("gpt2_encoded_tokens.json", "ggml_vocab/ggml-vocab-gpt-2.gguf", 0, 0, "decoded_text");
    one_text("bert_uncased_encoded.json", "ggml_vocab/ggml-vocab-bert-bge.gguf", 0, 0, "");
    one_text("llama_encoded.json", "ggml_vocab/ggml-vocab-llama-spm.gguf", 0, 0, "text");
    one_text("llama_encoded.json", "llama2c_tokenizer/tokenizer.model", 0, 1,
             "text"); // no <s> by itself
}

/* encoder.json and vocab.bpe as one tokenizer.json. */
static json_t *byte_level(const char *folder, const char *splitter, bool whole) {
    char path[200];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/encoder.json", folder);
    json_t *vocab = json_load_file(data_file(path), 0, NULL), *merges = json_array();
    snprintf(path, sizeof path, "%s/vocab.bpe", folder);
    char *text = slurp(path, &n);
    for (char *line = text ? strtok(text, "\n") : NULL; line; line = strtok(NULL, "\n"))
        if (strncmp(line, "#version", 8) != 0)
            json_array_append_new(merges, json_string(line));
    free(text);
    return json_pack("{s:{s:s, s:o, s:o, s:b}, s:o, s:{s:s}}", "model", "type", "BPE", "vocab",
                     vocab, "merges", merges, "ignore_merges", whole, "pre_tokenizer",
                     json_loads(splitter, 0, NULL), "decoder", "type", "ByteLevel");
}
static void check_rows(mlx_tokenizer t, const char *name, const char *drop, bool decode) {
    json_t *all = json_load_file(data_file("hf_token_vectors/tokenizer_tests.json"), 0, NULL), *row;
    size_t i, rows = 0;
    int want[1000];
    json_array_foreach(json_object_get(all, name), i, row) {
        const char *text = json_string_value(json_object_get(row, "input")),
                   *back = json_string_value(json_object_get(row, "decoded_without_special"));
        size_t n = json_ints(json_object_get(json_object_get(row, "encoded"), "input_ids"), want,
                             1000),
               skip = *drop && n ? 1 : 0;
        check_that(encodes(t, text, strlen(text), 0, want + skip, n - skip), __FILE__, __LINE__,
                   "%s: '%s'", name, text);
        check_that(!decode || decodes(t, want + skip, n - skip, false, back, strlen(back)),
                   __FILE__, __LINE__, "%s: '%s'", name, back);
        CHECK(streams(t, want + skip, n - skip, false));
        rows++;
    }
    CHECK(rows >= 18);
    json_decref(all);
}

static const char llama3_splitter[] =
    "{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": "
    "\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}| "
    "?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"}, \"behavior\": "
    "\"Isolated\", \"invert\": false}, {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": "
    "false}]}";

static void tokenizer_json(void) {
    if (!has_data())
        return;
    mlx_tokenizer gpt2 =
        open_json(byte_level("gpt2_bpe", "{\"type\": \"ByteLevel\", \"add_prefix_space\": false}",
                             false));
    check_lines(gpt2, "gpt-2");
    check_rows(gpt2, "distilgpt2", "", false);
    mlx_tokenizer_free(gpt2);
    mlx_tokenizer llama3 = open_json(byte_level("llama3_bpe", llama3_splitter, true));
    check_lines(llama3, "llama-bpe");
    check_rows(llama3, "pcuenq/Llama-3.2-1B-Instruct-tokenizer", "<|begin_of_text|>", false);
    mlx_tokenizer_free(llama3);
}

static void rows_of_files(void) {
    if (!has_data())
        return;
    mlx_tokenizer bert = open_path(data_file("ggml_vocab/ggml-vocab-bert-bge.gguf"));
    check_rows(bert, "bert-base-uncased", "", false);
    mlx_tokenizer_free(bert);
    mlx_tokenizer llama = open_path(data_file("ggml_vocab/ggml-vocab-llama-spm.gguf"));
    check_rows(llama, "coreml-projects/Llama-2-7b-chat-coreml", "", false);
    mlx_tokenizer_free(llama);
}

int main(void) {
    mlx_set_error_handler(quiet, NULL, NULL);
    RUN(ggml_vectors);
    RUN(long_texts);
    RUN(tokenizer_json);
    RUN(rows_of_files);
    return check_done();
}
