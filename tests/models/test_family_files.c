/* Tiny models of every family in other files: GGUF, and words of MLX, answer as they did.
 *
 *     test_family_files [word of the fixtures' names]
 */
#include "graph/eval/eval.h"
#include "models/convert/convert.h"
#include "tiny_models.h"

enum { MOST = 100 };
static const char *word;

static const float *logits(const mx_decoder *d, const tiny_model *t) {
    mx_span span = {0, t->count, 0, NULL};
    mx_pass pass = {.token = t->tokens, .rows = t->count, .span = &span, .spans = 1};
    mx_array *a = d ? mx_contiguous(mx_decoder_graph(d, &pass), false) : NULL;
    return a && mx_eval1(a) ? (const float *)(const void *)a->data : NULL;
}

/* Converted to `path`, opened, and how far away its rows are; -1: there is no such file. */
static double converted(const tiny_model *t, const char *name, const char *path,
                        const mx_convert_options *o) {
    if (!mx_convert(t->path, path, o)) {
        // refused by name: families whose tensors differ in more than names
        CHECK_HAS(mx_error_message(), "'");
        if (word)
            printf("%s: %s\n", name, mx_error_message());
        mx_error_clear();
        return -1;
    }
    mx_decoder *d = mx_decoder_open(path);
    const float *rows = logits(d, t);
    CHECK_MSG(rows, "%s: %s: %s", name, path, mx_error_message());
    double far = rows ? tiny_distance(t, rows, 0, t->count) : INFINITY;
    mx_decoder_release(d);
    mx_error_clear();
    if (word)
        printf("%s: %s: %.3g\n", name, strrchr(path, '/'), far);
    return far;
}

static bool is_apart(const tiny_model *t) {
    const char *type = mx_json_text_at(t->document, "config.model_type");
    const mx_family *f = mx_family_of_type(type);
    return f && f->apart;
}

static mx_meta *copy_of(const mx_meta *m) {
    return m->kind == MX_META_ARRAY ? mx_meta_of_array(m->array)
           : m->kind == MX_META_STRING
               ? mx_meta_of_string(m->string)
               : mx_meta_of_strings((const char *const *)m->strings, m->count);
}

/* The file without the config.json that it keeps: the metadata says what it is, with one more key
   where it is not NULL. */
static bool without_config(const char *from, const char *to, const char *key, mx_meta *value) {
    mx_archive *a = mx_archive_open("test", from, false);
    mx_archive_writer *w = a ? mx_archive_create(to, "gguf", 0) : NULL;
    for (size_t i = 0; w && i < a->meta.count; i++)
        if (strncmp(a->meta.entry[i].key, "mlx.file.", 9) != 0)
            mx_archive_set_meta(w, a->meta.entry[i].key, copy_of(a->meta.entry[i].value));
    if (w && key)
        mx_archive_set_meta(w, key, value);
    for (size_t i = 0; w && i < a->count; i++)
        mx_archive_declare(w, a->tensor[i].name, a->tensor[i].storage, a->tensor[i].shape,
                           a->tensor[i].ndim);
    for (size_t i = 0; w && i < a->count; i++)
        mx_archive_put_raw(w, a->tensor[i].name, a, i);
    bool ok = w && mx_archive_finish(w);
    mx_archive_writer_free(w);
    mx_archive_close(a);
    return CHECK_MSG(ok, "%s: %s", from, mx_error_message());
}

static void plain_gguf(const tiny_model *t, const char *name, const char *path) {
    char plain[700];
    mx_scope scope = mx_scope_open();
    snprintf(plain, sizeof plain, "%s.plain.gguf", path);
    mx_decoder *d = without_config(path, plain, NULL, NULL) ? mx_decoder_open(plain) : NULL;
    const float *rows = logits(d, t);
    CHECK_MSG(rows, "%s: %s", name, mx_error_message());
    double far = rows ? tiny_distance(t, rows, 0, t->count) : INFINITY;
    CHECK_MSG(far < 1e-4, "%s: by its metadata %.3g away", name, far);
    mx_decoder *source = mx_decoder_open(t->path);
    CHECK_MSG(d && source && d->context == source->context && d->context > 0, "%s: context", name);
    mx_decoder_release(source);
    mx_decoder_release(d);
    mx_error_clear();
    mx_scope_close(scope);
}

/* The same, which says of each layer whether it has a window: it counts. */
static void layer_by_layer(const tiny_model *t, const char *arch) {
    static const bool usual[] = {true, true, true, false, true}, all[5] = {false};
    char from[600], to[700], key[100];
    snprintf(from, sizeof from, "%s.gguf", t->path);
    snprintf(to, sizeof to, "%s.layers.gguf", t->path);
    snprintf(key, sizeof key, "%s.attention.sliding_window_pattern", arch);
    for (int k = 0; k < 2; k++) {
        mx_scope scope = mx_scope_open();
        mx_array *list = mx_array_from(k ? all : usual, &(int){5}, 1, MX_BOOL);
        mx_decoder *d =
            without_config(from, to, key, mx_meta_of_array(list)) ? mx_decoder_open(to) : NULL;
        const float *rows = logits(d, t);
        double far = rows ? tiny_distance(t, rows, 0, t->count) : INFINITY;
        CHECK_MSG(rows && (k ? far > 1e-3 : far < 1e-4), "%s: %.3g away: %s", arch, far,
                  mx_error_message());
        mx_decoder_release(d);
        mx_error_clear();
        mx_scope_close(scope);
    }
}

/* From the file a folder as MLX has it, which answers likewise. */
static void back(const tiny_model *t, const char *name) {
    char path[600], from[600];
    mx_convert_options o = {.format = "mlx"};
    snprintf(from, sizeof from, "%s.gguf.plain.gguf", t->path);
    snprintf(path, sizeof path, "%s-back", t->path);
    mx_scope scope = mx_scope_open();
    bool ok = mx_convert(from, path, &o);
    if (!ok && strcmp(name, "rope_llama3.json") == 0) { // factors of no published model
        CHECK_HAS(mx_error_message(), "rope_freqs.weight holds factors");
        mx_error_clear();
        mx_scope_close(scope);
        return;
    }
    mx_decoder *d = ok ? mx_decoder_open(path) : NULL;
    const float *rows = logits(d, t);
    CHECK_MSG(rows, "%s: %s", name, mx_error_message());
    double far = rows ? tiny_distance(t, rows, 0, t->count) : INFINITY;
    CHECK_MSG(far < 1e-4, "%s: and back %.3g away", name, far);
    mx_decoder_release(d);
    mx_error_clear();
    mx_scope_close(scope);
}

/* --- matrices of Qwen3-Next in two ----------------------------------------------------------- */

enum { GROUPS = 2, KEYS = 8, VALUES = 16 }; /* of the fixture: groups, rows of each in a group */

/* Rows of one kind of all groups. */
static mx_array *kind_of(mx_array *in, int first, int size) {
    mx_array *by = mx_reshape(in, (const int[]){GROUPS, 2 * KEYS + 2 * VALUES, in->shape[1]}, 3);
    return mx_flatten(mx_slice_axis(by, 1, first, first + size), 0, 1);
}

static mx_array *half_of(mx_array *in, bool gate) {
    mx_array *part[] = {kind_of(in, 0, KEYS), kind_of(in, KEYS, KEYS),
                        kind_of(in, 2 * KEYS, VALUES)};
    return gate ? kind_of(in, 2 * KEYS + VALUES, VALUES) : mx_concatenate(part, 3, 0);
}

typedef bool each_fn(mx_archive_writer *w, const char *name, mx_array *a);

static bool declare(mx_archive_writer *w, const char *name, mx_array *a) {
    return a && mx_archive_declare(w, name, mx_dtype_name(mx_dtype_of(a)), a->shape, a->ndim);
}

/* Each tensor, ssm_in as its two halves. */
static bool each_half(mx_archive *a, mx_archive_writer *w, each_fn *call) {
    bool ok = true;
    for (size_t i = 0; ok && i < a->count; i++) {
        const char *name = a->tensor[i].name, *in = strstr(name, "ssm_in");
        char other[2][64];
        mx_array *all = mx_archive_read(a, i, true);
        for (int k = 0; in && k < 2; k++)
            snprintf(other[k], 64, "%.*s%s.weight", (int)(in - name), name,
                     k ? "attn_gate" : "attn_qkv");
        ok = in ? call(w, other[0], half_of(all, false)) && call(w, other[1], half_of(all, true))
                : call(w, name, all);
    }
    return ok;
}

static void in_halves(const tiny_model *t) {
    char from[600], to[700];
    mx_scope scope = mx_scope_open();
    snprintf(from, sizeof from, "%s.gguf.plain.gguf", t->path);
    snprintf(to, sizeof to, "%s.halves.gguf", t->path);
    mx_archive *a = mx_archive_open("test", from, false);
    mx_archive_writer *w = a ? mx_archive_create(to, "gguf", 0) : NULL;
    for (size_t i = 0; w && i < a->meta.count; i++)
        mx_archive_set_meta(w, a->meta.entry[i].key, copy_of(a->meta.entry[i].value));
    CHECK_MSG(w && each_half(a, w, declare) && each_half(a, w, mx_archive_put) &&
                  mx_archive_finish(w),
              "%s", mx_error_message());
    mx_archive_writer_free(w);
    mx_archive_close(a);
    mx_decoder *d = mx_decoder_open(to);
    const float *rows = logits(d, t);
    CHECK_MSG(rows && tiny_distance(t, rows, 0, t->count) < 1e-4, "%s", mx_error_message());
    mx_decoder_release(d);
    snprintf(from, sizeof from, "%s-none", t->path);
    CHECK(!mx_convert(to, from, NULL));
    CHECK_HAS(mx_error_message(), "is in another tensor in folders");
    mx_error_clear();
    mx_scope_close(scope);
}

static void gguf(const tiny_model *t, const char *name) {
    char path[600];
    mx_convert_options o = {.overwrite = true, .understands = mx_decoder_understands};
    snprintf(path, sizeof path, "%s.gguf", t->path);
    double far = converted(t, name, path, &o);
    CHECK_MSG(far < 1e-4, "%s: %.3g away", name, far);
    CHECK_MSG(far < 0 || !is_apart(t), "%s", name);
    if (far >= 0) {
        plain_gguf(t, name, path);
        back(t, name);
        if (strcmp(name, "qwen3_next.json") == 0)
            in_halves(t);
        if (strcmp(name, "olmo3.json") == 0 || strcmp(name, "exaone4.json") == 0)
            layer_by_layer(t, *name == 'o' ? "olmo2" : "exaone4");
    }
}

/* The names that MLX has: experts are stacks. */
static void folder_of_mlx(const tiny_model *t, const char *name) {
    char path[600];
    mx_convert_options o = {.overwrite = true};
    snprintf(path, sizeof path, "%s-mlx", t->path);
    double far = converted(t, name, path, &o);
    CHECK_MSG(far >= 0 && far < 1e-4, "%s: %.3g away", name, far);
}

/* Rows of a model in a folder, for free. */
static float *rows_of(const tiny_model *t, const char *path) {
    mx_scope scope = mx_scope_open();
    mx_decoder *d = mx_decoder_open(path);
    const float *rows = logits(d, t);
    size_t n = (size_t)t->count * (size_t)t->width * sizeof *rows;
    float *copy = CHECK_MSG(rows, "%s: %s", path, mx_error_message()) ? malloc(n) : NULL;
    if (copy)
        memcpy(copy, rows, n);
    mx_decoder_release(d);
    mx_scope_close(scope);
    mx_error_clear();
    return copy;
}

/* Words answer as the numbers that they stand for. */
static void words(tiny_model *t, const char *name) {
    char path[600], plain[700];
    mx_convert_options o = {.overwrite = true, .mode = "affine", .bits = 8, .group = 32};
    mx_convert_options back = {.dtype = "float32", .format = "hf"};
    snprintf(path, sizeof path, "%s-8bit", t->path);
    snprintf(plain, sizeof plain, "%s-plain", t->path);
    if (!CHECK_MSG(mx_convert(t->path, path, &o) && mx_convert(path, plain, &back), "%s: %s", name,
                   mx_error_message()))
        return;
    float *a = rows_of(t, path), *b = rows_of(t, plain);
    free(t->rows);
    t->rows = b;
    double far = a && b ? tiny_distance(t, a, 0, t->count) : INFINITY;
    CHECK_MSG(far < 1e-4, "%s: words are %.3g away", name, far);
    free(a);
}

static void one(const char *name) {
    tiny_model t;
    mx_scope scope = mx_scope_open();
    bool packed = false; // by others: not converted
    if (tiny_open(&t, name))
        packed = mx_json_at(t.document, "config.quantization_config") != NULL;
    if (t.document && (!packed || strncmp(name, "gpt_oss", 7) == 0))
        gguf(&t, name);
    if (t.document && !packed) {
        folder_of_mlx(&t, name);
        words(&t, name);
    }
    mx_scope_close(scope);
    tiny_close(&t);
}

/* --- what GGUF has no key for ---------------------------------------------------------------- */

static bool convert_folder(const char *from, const char *to, const char *format) {
    mx_convert_options o = {
        .overwrite = true, .format = format, .understands = mx_decoder_understands};
    return mx_convert(from, to, &o);
}

/* Nobody who reads the file's metadata would compute it. */
static void refused(void) {
    static const char *const all[][3] = {
        {"starcoder2.json", "{\"norm_epsilon\": 1e-3, \"sliding_window\": 4}", NULL},
        {"llama.json", "{\"rms_norm_eps\": 1e-3, \"rope_theta\": 500}", "rope_parameters is"},
        {"smollm3.json", "{\"no_rope_layers\": [0, 1]}", "no_rope_layers is [0, 1]"},
        {"gpt2.json", "{\"scale_attn_by_inverse_layer_idx\": true}",
         "scale_attn_by_inverse_layer_idx is true"},
        {"gpt2.json", "{\"scale_attn_weights\": false}", "scale_attn_weights is false"},
        {"gemma.json", "{\"hidden_act\": \"silu\"}", "hidden_act is \"silu\""},
        {"gemma.json", "{\"hidden_act\": \"gelu\"}", NULL},
        {"deepseek_v2.json", "{\"scoring_func\": \"sigmoid\"}", NULL},
        {"mixtral.json",
         "{\"sliding_window\": 3, \"layer_types\": [\"full_attention\", "
         "\"sliding_attention\"]}",
         "layer_types"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tiny_model t;
        char path[600];
        if (tiny_open(&t, all[i][0])) {
            json_t *more = json_loads(all[i][1], 0, NULL),
                   *config = json_object_get(t.document, "config");
            CHECK_MSG(more && json_object_update(config, more) == 0, "%s", all[i][1]);
            tiny_write_config(config, t.path);
            snprintf(path, sizeof path, "%s.gguf", t.path);
            bool ok = convert_folder(t.path, path, NULL);
            CHECK_MSG(ok != !!all[i][2], "%s: %s", all[i][1], mx_error_message());
            if (all[i][2])
                CHECK_HAS(mx_error_message(), all[i][2]);
            json_decref(more);
        }
        mx_error_clear();
        tiny_close(&t);
    }
}

/* A folder that was a GGUF file with a config.json of its own: what the user changes counts. */
static void changed(void) {
    tiny_model t;
    char path[600], back[600];
    if (!tiny_open(&t, "llama.json"))
        return;
    json_t *config = json_object_get(t.document, "config");
    snprintf(path, sizeof path, "%s.gguf", t.path);
    snprintf(back, sizeof back, "%s-again", t.path);
    CHECK_MSG(convert_folder(t.path, path, NULL) && convert_folder(path, back, "hf"), "%s",
              mx_error_message());
    json_object_set_new(config, "rms_norm_eps", json_real(0.5));
    tiny_write_config(config, back);
    CHECK_MSG(convert_folder(back, path, NULL), "%s", mx_error_message());
    mx_decoder *d = mx_decoder_open(path);
    CHECK_MSG(d && d->final_norm.eps == 0.5f, "%s", mx_error_message());
    mx_decoder_release(d);
    json_object_set_new(config, "rope_scaling",
                        json_pack("{s:s,s:f}", "rope_type", "linear", "factor", 2.0));
    json_object_del(config, "rope_parameters");
    tiny_write_config(config, back);
    CHECK(!convert_folder(back, path, NULL));
    CHECK_HAS(mx_error_message(), "rope_scaling is");
    mx_error_clear();
    tiny_close(&t);
}

static void families(void) {
    static char names[MOST][64];
    int n = tiny_names(names, MOST, word);
    CHECK(n > 0);
    for (int i = 0; i < n; i++)
        one(names[i]);
}

int main(int argc, char **argv) {
    word = argc > 1 ? argv[1] : NULL;
    RUN(families);
    RUN(refused);
    RUN(changed);
    files_done();
    return check_done();
}
