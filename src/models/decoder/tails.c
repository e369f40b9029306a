/* What an encoder's rows become: vectors of texts, numbers of classes. See build.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/status.h"
#include "base/text.h"
#include "base/mem.h"
#include "graph/trace/scope.h"
#include "io/archive/archive.h"
#include "models/convert/side/side.h"
#include "models/decoder/build.h"
#include "ops/ops.h"

static const char op[] = "model";

/* --- stages ----------------------------------------------------------------------------------- */

/* One more, of arrays that are kept. */
static bool add_stage(dec_build *b, mx_tail *t, mx_stage s, const char *name) {
    int64_t in = t->stages ? t->stage[t->stages - 1].out : t->poolings * dec_dim(b, 'h');
    if (!s.weight || mx_failed())
        return !mx_failed();
    s.out = s.weight->ndim == 2 ? s.weight->shape[0] : 0;
    s.in = s.weight->ndim == 2 ? s.weight->shape[1] : 0;
    if (s.in != in || s.out < 1 || (s.bias && s.bias->size != s.out) ||
        (s.norm.weight && s.norm.weight->size != s.out))
        return mx_fail(MX_FORMAT,
                       "[%s] '%s': '%s' is of %lld columns and %lld rows, %lld columns "
                       "were expected",
                       op, b->name, name, (long long)s.in, (long long)s.out, (long long)in);
    t->stage[t->stages++] = s;
    t->out = s.out;
    return true;
}

static void begin_tail(dec_build *b, mx_tail *t, const mx_pooling *how, int n) {
    for (int i = 0; i < n; i++)
        t->pooling[i] = how[i];
    t->poolings = n;
    t->out = n * dec_dim(b, 'h');
}

/* --- classes ---------------------------------------------------------------------------------- */

/* A module that the model may lack: weight NULL then. */
static bool module_stage(dec_build *b, const char *module, mx_bend bend, mx_stage *out) {
    dec_place place = {module, -1, -1};
    mx_scope scope = mx_scope_open();
    mx_array *values = dec_values(b, &place);
    *out = (mx_stage){.bend = bend, .weight = values ? dec_settle(b, values) : NULL};
    mx_scope_close(scope);
    return !mx_failed() && dec_vector(b, module, -1, "bias", &out->bias);
}

static bool add_module(dec_build *b, const char *module, mx_bend bend, const char *norm) {
    mx_stage s;
    return module_stage(b, module, bend, &s) &&
           (!norm || dec_norm(b, norm, -1, MX_NORM_LAYER, &s.norm)) &&
           add_stage(b, &b->d->score, s, module);
}

static bool has(const dec_build *b, const char *module) {
    return dec_tensor_of(b, module, -1, -1, "weight");
}

/* Is the last matrix one for classes of texts? Others have the same name for classes of tokens. */
static bool is_classifier(dec_build *b) {
    static const char kind[] = "ForSequenceClassification";
    const char *name = json_string_value(json_array_get(dec_at(b, "architectures"), 0));
    size_t n = name ? strlen(name) : 0, k = sizeof kind - 1;
    return n > k && strcmp(name + n - k, kind) == 0;
}

enum { RANK = 4 }; // of GGUF's pooling_type

/* NaN: the metadata say none. */
static double pooling_type(const dec_build *b) {
    char key[128];
    double n = NAN;
    snprintf(key, sizeof key, "%s.pooling_type", b->d->family->arch);
    mx_meta_number(&b->model.archive->meta, key, &n);
    return n;
}

static bool ranks(const dec_build *b) {
    return pooling_type(b) == RANK;
}

static bool modern_score(dec_build *b) {
    const char *act = dec_text(b, "classifier_activation"),
               *how = dec_text(b, "classifier_pooling");
    if (act && strcmp(act, "gelu"))
        return dec_refuse(b, "classifier_activation", "gelu was expected");
    if (how && strcmp(how, "cls") && strcmp(how, "mean"))
        return dec_refuse(b, "classifier_pooling", "cls or mean was expected");
    mx_pooling pooling = how && *how == 'm' ? MX_POOL_MEAN : MX_POOL_FIRST;
    begin_tail(b, &b->d->score, &pooling, 1);
    return add_module(b, "head.dense", MX_BEND_GELU, "head.norm") &&
           add_module(b, "classifier", MX_BEND_NONE, NULL);
}

/* Of GGUF: pooling_type 4 (rank), a matrix with tanh behind it, another one, or one of both. */
static bool score_of_gguf(dec_build *b) {
    static const mx_pooling first = MX_POOL_FIRST;
    bool any = has(b, "cls") || has(b, "cls.output");
    if (any != ranks(b))
        return mx_fail(
            MX_UNSUPPORTED,
            any ? "[%s] '%s': cls and cls.output are of pooling_type 4 alone"
                : "[%s] '%s': pooling_type 4 (rank) needs cls.weight or cls.output.weight",
            op, b->name);
    if (!any)
        return true;
    begin_tail(b, &b->d->score, &first, 1);
    return add_module(b, "cls", MX_BEND_TANH, NULL) &&
           add_module(b, "cls.output", MX_BEND_NONE, NULL);
}

/* bert: its pooler, then a matrix; roberta: two matrices of its own. */
static bool score(dec_build *b) {
    static const mx_pooling first = MX_POOL_FIRST;
    if (b->model.is_gguf)
        return score_of_gguf(b);
    if (!is_classifier(b))
        return true;
    if (has(b, "head.dense") && has(b, "classifier"))
        return modern_score(b);
    begin_tail(b, &b->d->score, &first, 1);
    if (has(b, "classifier.out_proj"))
        return add_module(b, "classifier.dense", MX_BEND_TANH, NULL) &&
               add_module(b, "classifier.out_proj", MX_BEND_NONE, NULL);
    if (has(b, "pooler.dense") && has(b, "classifier"))
        return add_module(b, "pooler.dense", MX_BEND_TANH, NULL) &&
               add_module(b, "classifier", MX_BEND_NONE, NULL);
    return mx_fail(MX_UNSUPPORTED, "[%s] '%s': the matrices of its classifier are not understood",
                   op, b->name);
}

/* --- matrices of sentence-transformers -------------------------------------------------------- */

/* The file's numbers in float32, kept; NULL: there are none, or an error. */
static mx_array *array_of(dec_build *b, mx_archive *a, const char *name) {
    int64_t i = mx_archive_find(a, name);
    mx_scope scope = mx_scope_open();
    mx_array *x = i < 0 ? NULL : mx_archive_read(a, (size_t)i, false);
    x = x ? dec_settle(b, mx_astype(x, MX_FLOAT32)) : NULL;
    mx_scope_close(scope);
    return x;
}

/* By the last word of a class of torch. */
static bool bend_of(dec_build *b, const json_t *config, const char *folder, mx_bend *out) {
    static const struct {
        const char *name;
        mx_bend bend;
    } all[] = {{"Identity", MX_BEND_NONE},
               {"Tanh", MX_BEND_TANH},
               {"ReLU", MX_BEND_RELU},
               {"GELU", MX_BEND_GELU}};
    const char *name = json_string_value(json_object_get(config, "activation_function"));
    const char *dot = name ? strrchr(name, '.') : NULL, *word = dot ? dot + 1 : name;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(word ? word : "Tanh", all[i].name)) {
            *out = all[i].bend;
            return true;
        }
    return mx_fail(MX_UNSUPPORTED, "[%s] '%s/%s': the activation '%.80s' is not known", op, b->name,
                   folder, name);
}

static bool dense_file(dec_build *b, const char *path, mx_bend bend) {
    mx_archive *a = mx_archive_open(op, path, false);
    mx_stage s = {.bend = bend};
    if (!a)
        return false;
    s.weight = array_of(b, a, "linear.weight");
    s.bias = array_of(b, a, "linear.bias");
    mx_archive_close(a);
    if (!s.weight && !mx_failed())
        mx_fail(MX_FORMAT, "[%s] '%s' has no linear.weight", op, path);
    return add_stage(b, &b->d->vector, s, path);
}

/* A text of a folder's folder, as JSON; NULL and an error. */
static json_t *config_of(dec_build *b, const char *folder) {
    mx_text name = {0};
    size_t n;
    mx_text_add(&name, "%s/config.json", folder);
    char *text = name.failed ? NULL : mx_side_read(b->model.folder, mx_text_view(&name), &n);
    json_t *v = text ? mx_json_parse(op, mx_text_view(&name), text, n) : NULL;
    if (!v && !mx_failed())
        mx_fail(MX_FORMAT, "[%s] '%s/%s' is missing", op, b->name, mx_text_view(&name));
    mx_free(text);
    mx_text_free(&name);
    return v;
}

static bool add_dense(dec_build *b, const char *folder) {
    static const char *const files[] = {"model.safetensors", "pytorch_model.bin"};
    mx_text path = {0};
    mx_bend bend = MX_BEND_NONE;
    json_t *config = config_of(b, folder);
    bool ok = config && bend_of(b, config, folder, &bend), found = false;
    json_decref(config);
    for (int i = 0; ok && !found && i < 2; i++) {
        mx_text_free(&path);
        mx_text_add(&path, "%s/%s/%s", b->model.folder, folder, files[i]);
        found = !path.failed && access(mx_text_view(&path), F_OK) == 0;
    }
    ok = ok && !path.failed && dense_file(b, mx_text_view(&path), bend);
    mx_text_free(&path);
    return ok;
}

/* --- vectors ---------------------------------------------------------------------------------- */

static bool take_limits(dec_build *b, const mx_vectors *v) {
    if (v->most && v->most < b->d->most)
        b->d->most = v->most;
    b->d->lower = v->lower;
    return true;
}

static bool from_metadata(dec_build *b) {
    double n = pooling_type(b);
    if (n > RANK)
        return mx_fail(MX_UNSUPPORTED, "[%s] '%s': the pooling_type %g is not known", op, b->name,
                       n);
    mx_pooling how = isnan(n) ? MX_POOL_MEAN : n == RANK ? MX_POOL_NONE : mx_pooling_of_number(n);
    begin_tail(b, &b->d->vector, &how, how != MX_POOL_NONE);
    mx_vectors v;
    return mx_vectors_limit(op, b->model.archive, &v) && take_limits(b, &v);
}

static bool from_folder(dec_build *b) {
    static const mx_pooling mean = MX_POOL_MEAN;
    mx_vectors v;
    if (!mx_vectors_of_folder(op, b->model.folder, &v))
        return false;
    begin_tail(b, &b->d->vector, v.poolings ? v.pooling : &mean, v.poolings ? v.poolings : 1);
    for (int i = 0; i < v.denses; i++)
        if (!add_dense(b, v.dense[i]))
            return false;
    return take_limits(b, &v);
}

bool dec_tails(dec_build *b) {
    b->d->most = b->d->context;
    if (!b->d->encoder)
        return true;
    bool folder = !b->model.is_gguf && b->model.folder;
    return (folder ? from_folder : from_metadata)(b) && score(b);
}
