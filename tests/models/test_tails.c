/* What encoders make of texts: classes, beside transformers, and vectors through matrices. */
#include "models/convert/convert.h"
#include "tiny_models.h"

static const char tokenizer[] =
    "{\"model\": {\"type\": \"WordLevel\", \"unk_token\": \"u\", \"vocab\": {\"u\": 0, \"a\": 3, "
    "\"b\": 17, \"c\": 42, \"[C]\": 1, \"[S]\": 2}}, \"pre_tokenizer\": {\"type\": \"Whitespace\"}, "
    "\"added_tokens\": [{\"id\": 1, \"content\": \"[C]\", \"special\": true}, "
    "{\"id\": 2, \"content\": \"[S]\", \"special\": true}], "
    "\"post_processor\": {\"type\": \"BertProcessing\", \"cls\": [\"[C]\", 1], \"sep\": [\"[S]\", 2]}}";

static void put_beside(const tiny_model *t, const char *name, const char *text) {
    char path[700];
    snprintf(path, sizeof path, "%s/%s", t->path, name);
    FILE *f = fopen(path, "w");
    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* The folder is the next test's, too. */
static void take_away(const tiny_model *t, const char *name) {
    char path[700];
    snprintf(path, sizeof path, "%s/%s", t->path, name);
    CHECK(remove(path) == 0);
}

static bool open_lm(const tiny_model *t, mlx_lm *lm) {
    *lm = mlx_lm_new();
    put_beside(t, "tokenizer.json", tokenizer);
    return CHECK_MSG(mlx_lm_open(lm, t->path, NULL) == 0, "%s", mlx_last_error_message());
}

/* --- classes ---------------------------------------------------------------------------------- */

static void classifier(const char *name) {
    tiny_model t;
    mlx_lm lm;
    mlx_lm_info info;
    mlx_array y = mlx_array_new();
    if (!tiny_open_of(&t, "classifiers", name) || !open_lm(&t, &lm))
        return;
    size_t n = (size_t)t.count, ends[] = {n, 2 * n};
    int tokens[128], types[128];
    for (int i = 0; i < 2; i++) {
        memcpy(tokens + i * t.count, t.tokens, n * sizeof *tokens);
        memcpy(types + i * t.count, t.types, n * sizeof *types);
    }
    CHECK(mlx_lm_about(&info, lm) == 0);
    CHECK_EQ_INT(info.classes, t.width);
    CHECK_MSG(mlx_lm_classify(&y, lm, tokens, types, ends, 2) == 0 && mlx_array_eval(y) == 0, "%s",
              mlx_last_error_message());
    for (int i = 0; i < 2 && info.classes == t.width; i++) {
        double far = tiny_distance(&t, mlx_array_data_float32(y) + i * t.width, 0, 1);
        CHECK_MSG(far < 1e-4, "%s is %g away", name, far);
    }
    mlx_array_free(y);
    mlx_lm_free(lm);
    tiny_close(&t);
}

static void classifiers(void) {
    classifier("bert.json");
    classifier("xlm_roberta.json");
    classifier("modernbert_cls.json");
    classifier("modernbert_mean.json");
}

/* A model without a classifier, or with one of tokens. */
static void no_classifier(void) {
    tiny_model t;
    mlx_lm lm;
    mlx_array y = mlx_array_new();
    size_t end = 1;
    if (!tiny_open_of(&t, "classifiers", "bert.json"))
        return;
    json_t *config = json_object_get(t.document, "config");
    json_object_set_new(config, "architectures", json_pack("[s]", "BertForTokenClassification"));
    tiny_write_config(config, t.path);
    if (open_lm(&t, &lm)) {
        CHECK(mlx_lm_classify(&y, lm, t.tokens, NULL, &end, 1) == 1);
        CHECK_HAS(mlx_last_error_message(), "has no classifier");
        CHECK(mlx_lm_embed(&y, lm, t.tokens, NULL, &end, 1) == 0);
    }
    mlx_array_free(y);
    mlx_lm_free(lm);
    tiny_close(&t);
}

/* --- vectors ---------------------------------------------------------------------------------- */

#define OWN(kind, path) \
    "{\"type\": \"sentence_transformers.models." kind "\", \"path\": \"" path "\"}"

enum { OUT = 5 };

static void write_dense(const tiny_model *t, int in) {
    char path[700];
    mx_scope scope = mx_scope_open();
    snprintf(path, sizeof path, "%s/2_Dense/model.safetensors", t->path);
    mx_archive_writer *w = mx_archive_create(path, "safetensors", 0);
    mx_archive_declare(w, "linear.weight", "float32", (int[]){OUT, in}, 2);
    mx_archive_declare(w, "linear.bias", "float32", (int[]){OUT}, 1);
    mx_archive_put(w, "linear.weight", tiny_tensor("linear.weight", (int[]){OUT, in}, 2));
    mx_archive_put(w, "linear.bias", tiny_tensor("linear.bias", (int[]){OUT}, 1));
    CHECK(mx_archive_finish(w));
    mx_archive_writer_free(w);
    mx_scope_close(scope);
}

static void folders(const tiny_model *t) {
    static const char *const names[] = {"1_Pooling", "2_Dense"};
    char path[700];
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", t->path, names[i]);
        mkdir(path, 0777);
    }
}

/* First row and mean one behind the other, through a matrix with tanh. */
static void wanted(const tiny_model *t, double *y) {
    int h = (int)t->width;
    double sum = 0;
    for (int o = 0; o < OUT; o++) {
        y[o] = tiny_number(tiny_seed("linear.bias"), (uint64_t)o) * 0.25f;
        for (int k = 0; k < 2 * h; k++) {
            double x = 0;
            for (int r = 0; k >= h && r < t->count; r++)
                x += t->rows[r * h + k - h] / (double)t->count;
            y[o] += (k < h ? t->rows[k] : x) * 0.25f *
                    tiny_number(tiny_seed("linear.weight"), (uint64_t)(o * 2 * h + k));
        }
        y[o] = tanh(y[o]);
        sum += y[o] * y[o];
    }
    for (int o = 0; o < OUT; o++)
        y[o] /= sqrt(sum);
}

static void dense(void) {
    tiny_model t;
    mlx_lm lm;
    mlx_lm_info info;
    mlx_array v = mlx_array_new();
    double want[OUT];
    if (!tiny_open(&t, "bert.json"))
        return;
    folders(&t);
    put_beside(&t, "modules.json",
               "[" OWN("Transformer", "") "," OWN("Pooling", "1_Pooling") "," OWN(
                   "Dense", "2_Dense") "," OWN("Normalize", "3") "]");
    put_beside(&t, "1_Pooling/config.json",
               "{\"pooling_mode_mean_tokens\": true, \"pooling_mode_cls_token\": true}");
    put_beside(&t, "2_Dense/config.json",
               "{\"activation_function\": \"torch.nn.modules.activation.Tanh\"}");
    write_dense(&t, 2 * (int)t.width);
    if (open_lm(&t, &lm)) {
        size_t n = (size_t)t.count;
        CHECK(mlx_lm_about(&info, lm) == 0 && info.vector == OUT && info.classes == 0);
        CHECK(mlx_lm_embed(&v, lm, t.tokens, NULL, &n, 1) == 0 && mlx_array_size(v) == OUT);
        wanted(&t, want);
        for (int i = 0; i < OUT; i++)
            CHECK_NEAR(mlx_array_data_float32(v)[i], want[i], 1e-5);
    }
    mlx_lm_free(lm);
    write_dense(&t, (int)t.width);
    lm = mlx_lm_new();
    CHECK(mlx_lm_open(&lm, t.path, NULL) == 1);
    CHECK_HAS(mlx_last_error_message(), "columns were expected");
    put_beside(&t, "2_Dense/config.json", "{\"activation_function\": \"torch.Odd\"}");
    CHECK(mlx_lm_open(&lm, t.path, NULL) == 1);
    CHECK_HAS(mlx_last_error_message(), "torch.Odd");
    take_away(&t, "modules.json");
    take_away(&t, "1_Pooling/config.json");
    mlx_array_free(v);
    mlx_lm_free(lm);
    tiny_close(&t);
}

/* --- texts ------------------------------------------------------------------------------------ */

static void has_tokens(mlx_tokens tokens, const char *ids, const char *types) {
    const int *id, *type;
    size_t n, k;
    char found[2][200] = {"", ""};
    CHECK(mlx_tokens_data(&id, &n, tokens) == 0 && mlx_tokens_types(&type, &k, tokens) == 0);
    for (size_t i = 0; i < n; i++) {
        sprintf(found[0] + strlen(found[0]), "%d ", id[i]);
        sprintf(found[1] + strlen(found[1]), "%d", type[i]);
    }
    CHECK_STR(found[0], ids);
    CHECK_STR(found[1], types);
}

/* Of a text of 8 tokens so many are read. */
static void most_tokens(const tiny_model *t, int most) {
    static const char *const text = "a b c a b c";
    static const size_t length = 11;
    mlx_lm lm;
    mlx_tokens k = mlx_tokens_new();
    size_t end = 0;
    if (open_lm(t, &lm) && CHECK(mlx_lm_texts(&k, &end, lm, &text, &length, 1) == 0))
        CHECK_EQ_INT((int)end, most);
    mlx_tokens_free(k);
    mlx_lm_free(lm);
}

static void cut_texts(void) {
    static const char *const texts[] = {"A b", "a b c a b c", "", "[S]"};
    static const size_t lengths[] = {3, 11, 0, 3};
    tiny_model t;
    mlx_lm lm;
    mlx_tokens k = mlx_tokens_new();
    size_t ends[4];
    if (!tiny_open(&t, "bert.json"))
        return;
    put_beside(&t, "sentence_bert_config.json", "{\"max_seq_length\": 6, \"do_lower_case\": true}");
    if (open_lm(&t, &lm)) {
        CHECK(mlx_lm_texts(&k, ends, lm, texts, lengths, 4) == 0);
        has_tokens(k, "1 3 17 2 1 3 17 42 3 2 1 2 1 0 0 0 2 ", "00000000000000000");
        CHECK(ends[0] == 4 && ends[1] == 10 && ends[2] == 12 && ends[3] == 17);
        CHECK(mlx_lm_pairs(&k, ends, lm, "c c c c", 7, texts, lengths, 2) == 0);
        has_tokens(k, "1 42 42 2 3 2 1 42 2 3 17 2 ", "000011000111");
        CHECK(mlx_lm_texts(&k, ends, lm, texts, lengths, 0) == 0);
        has_tokens(k, "", "");
    }
    mlx_lm_free(lm);
    put_beside(&t, "tokenizer_config.json", "{\"model_max_length\": 4}");
    most_tokens(&t, 6); // sentence-transformers puts its own in place of it
    put_beside(&t, "sentence_bert_config.json", "{\"max_seq_length\": null}");
    most_tokens(&t, 4);
    take_away(&t, "sentence_bert_config.json");
    most_tokens(&t, 4);
    put_beside(&t, "tokenizer_config.json",
               "{\"model_max_length\": 1000000000000000019884624838656}");
    most_tokens(&t, 8);
    put_beside(&t, "tokenizer_config.json", "{\"model_max_length\": 0}");
    lm = mlx_lm_new();
    CHECK(mlx_lm_open(&lm, t.path, NULL) == 1);
    CHECK_HAS(mlx_last_error_message(), "tokenizer_config.json': model_max_length is no whole");
    mlx_lm_free(lm);
    take_away(&t, "tokenizer_config.json");
    put_beside(&t, "sentence_bert_config.json", "{\"max_seq_length\": \"x\"}");
    lm = mlx_lm_new();
    CHECK(mlx_lm_open(&lm, t.path, NULL) == 1);
    CHECK_HAS(mlx_last_error_message(), "max_seq_length");
    take_away(&t, "sentence_bert_config.json");
    mlx_lm_free(lm);
    mlx_tokens_free(k);
    tiny_close(&t);
}

/* GGUF has no key for it, and keeps the file. */
static void cut_texts_of_gguf(void) {
    tiny_model t;
    char path[700];
    mx_convert_options o = {.overwrite = true};
    if (!tiny_open(&t, "bert.json"))
        return;
    snprintf(path, sizeof path, "%s.gguf", t.path);
    put_beside(&t, "sentence_bert_config.json", "{\"max_seq_length\": 6, \"do_lower_case\": true}");
    put_beside(&t, "tokenizer.json", tokenizer);
    take_away(&t, "tokenizer.json"); // of a kind that GGUF has not
    CHECK_MSG(mx_convert(t.path, path, &o), "%s", mx_error_message());
    mx_decoder *d = mx_decoder_open(path);
    CHECK_MSG(d && d->most == 6 && d->lower, "%s", mx_error_message());
    mx_decoder_release(d);
    take_away(&t, "sentence_bert_config.json");
    CHECK_MSG(mx_convert(t.path, path, &o), "%s", mx_error_message());
    d = mx_decoder_open(path);
    CHECK_MSG(d && d->most == d->context && !d->lower, "%s", mx_error_message());
    mx_decoder_release(d);
    put_beside(&t, "tokenizer_config.json", "{\"model_max_length\": 5}");
    CHECK_MSG(mx_convert(t.path, path, &o), "%s", mx_error_message());
    d = mx_decoder_open(path);
    CHECK_MSG(d && d->most == 5, "%s", mx_error_message());
    mx_decoder_release(d);
    take_away(&t, "tokenizer_config.json");
    tiny_close(&t);
}

/* Texts of several passes are as each alone. */
static void many_texts(void) {
    tiny_model t;
    mlx_lm lm;
    mlx_array all = mlx_array_new(), one = mlx_array_new();
    enum { MANY = 200, EACH = 60 };
    static int tokens[MANY * EACH];
    size_t ends[MANY], first = EACH;
    if (!tiny_open(&t, "bert.json") || !open_lm(&t, &lm))
        return;
    for (int i = 0; i < MANY * EACH; i++)
        tokens[i] = (i * 7 + i / EACH) % 64;
    for (size_t i = 0; i < MANY; i++)
        ends[i] = (i + 1) * EACH;
    CHECK(mlx_lm_embed(&all, lm, tokens, NULL, ends, MANY) == 0);
    for (size_t i = 0; i < MANY; i += 37) {
        CHECK(mlx_lm_embed(&one, lm, tokens + i * EACH, NULL, &first, 1) == 0);
        CHECK(!memcmp(mlx_array_data_float32(all) + (int64_t)i * t.width,
                      mlx_array_data_float32(one), (size_t)t.width * sizeof(float)));
    }
    CHECK(mlx_lm_embed(&all, lm, NULL, NULL, NULL, 0) == 0 && mlx_array_size(all) == 0);
    CHECK(mlx_array_ndim(all) == 2 && mlx_array_dim(all, 1) == t.width);
    mlx_array_free(all);
    mlx_array_free(one);
    mlx_lm_free(lm);
    tiny_close(&t);
}

/* --- what does not fit ------------------------------------------------------------------------ */

static void wrong_parts(void) {
    tiny_model t;
    mlx_lm lm = mlx_lm_new();
    if (!tiny_open(&t, "roberta.json"))
        return;
    put_beside(&t, "tokenizer.json",
               "{\"model\": {\"type\": \"WordLevel\", \"unk_token\": \"u\", \"vocab\": "
               "{\"u\": 0, \"a\": 1}}}");
    CHECK(mlx_lm_open(&lm, t.path, NULL) == 1);
    CHECK_HAS(mlx_last_error_message(), "has 2 tokens, and the model 64: it is another's");
    json_object_set_new(json_object_get(t.document, "config"), "layer_norm_eps", json_real(-1));
    tiny_write_config(json_object_get(t.document, "config"), t.path);
    CHECK(mlx_lm_open(&lm, t.path, NULL) == 1);
    CHECK_HAS(mlx_last_error_message(), "layer_norm_eps is -1.0, a number of 0 or more");
    mlx_lm_free(lm);
    tiny_close(&t);
}

static void keep_silent(const char *message, void *data) {
    (void)message, (void)data;
}

int main(void) {
    mlx_set_error_handler(keep_silent, NULL, NULL);
    RUN(classifiers);
    RUN(no_classifier);
    RUN(dense);
    RUN(cut_texts);
    RUN(cut_texts_of_gguf);
    RUN(many_texts);
    RUN(wrong_parts);
    files_done();
    return check_done();
}
