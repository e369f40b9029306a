/* Opening what is trained: see train.h. */
#include "models/train/train.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/status.h"
#include "graph/trace/scope.h"
#include "models/train/train_parts.h"

static const char op[] = "train";

mx_train_options mx_train_usual(void) {
    return (mx_train_options){.fine_tune_type = "lora",
                              .rank = 8,
                              .scale = 20,
                              .optimizer = "adam",
                              .learning_rate = 1e-5,
                              .weight_decay = 0.01,
                              .beta1 = 0.9,
                              .beta2 = 0.999,
                              .epsilon = 1e-8,
                              .momentum = 0.95,
                              .schedule = "constant",
                              .batch_size = 4,
                              .iters = 1000,
                              .accumulate = 1,
                              .max_tokens = 2048,
                              .report_every = 10,
                              .eval_every = 200,
                              .save_every = 100,
                              .val_batches = 25,
                              .test_batches = 500};
}

static void free_arrays(mx_array **list, int n) {
    for (int i = 0; list && i < n; i++)
        mx_array_release(list[i]);
    mx_free(list);
}

void mx_train_free(mx_train *t) {
    if (!t)
        return;
    free_arrays(t->state, t->tune.params * MX_OPTIM_STATES);
    free_arrays(t->sum, t->tune.params);
    mx_tune_close(&t->tune);
    mx_decoder_release(t->base);
    mx_tokenizer_release(t->tokenizer);
    mx_examples_free(&t->train);
    mx_examples_free(&t->valid);
    mx_examples_free(&t->test);
    mx_batches_free(&t->batches);
    mx_free(t->model);
    mx_free(t->folder);
    mx_free(t);
}

/* --- options --------------------------------------------------------------------------------- */

static bool in(const char *what, double x, double least, double most) {
    return (x >= least && x <= most) ||
           mx_fail(MX_INVALID, "[%s] %s is %.10g: %g to %.10g was expected", op, what, x, least,
                   most);
}

static bool check_counts(const mx_train_options *o) {
    const double most = 1 << 30;
    return in("batch_size", o->batch_size, 1, 1 << 16) && in("iters", o->iters, 1, most) &&
           in("grad_accumulation_steps", o->accumulate, 1, most) &&
           in("max_seq_length", o->max_tokens, 2, most) &&
           in("steps_per_report", o->report_every, 1, most) &&
           in("steps_per_eval", o->eval_every, 1, most) &&
           in("save_every", o->save_every, 1, most) &&
           in("val_batches", o->val_batches, -1, most) &&
           in("test_batches", o->test_batches, -1, most) && in("warmup", o->warmup, 0, most) &&
           in("decay_steps", o->decay_steps, 0, most) &&
           (o->iters >= o->accumulate ||
            mx_fail(MX_INVALID,
                    "[%s] iters is %d and grad_accumulation_steps %d: no update would be made", op,
                    o->iters, o->accumulate));
}

static bool check_numbers(const mx_train_options *o) {
    return in("learning_rate", o->learning_rate, 0, 1e6) && in("end_rate", o->end_rate, 0, 1e6) &&
           in("warmup_init", o->warmup_rate, 0, 1e6) &&
           in("weight_decay", o->weight_decay, 0, 1e6) && in("beta1", o->beta1, 0, 1) &&
           in("beta2", o->beta2, 0, 1) && in("eps", o->epsilon, 0, 1) &&
           in("momentum", o->momentum, 0, 1) && in("clip_norm", o->clip_norm, 0, 1e30) &&
           in("scale", o->scale, -1e6, 1e6) && in("dropout", o->dropout, 0, 1);
}

static bool kind_of(const char *name, mx_tune_kind *out) {
    return mx_tune_kind_named(name, out) ||
           mx_fail(MX_INVALID,
                   "[%s] the fine_tune_type '%.80s' is none of lora, dora, full, scales", op, name);
}

static bool take_optimizer(mx_train *t, const mx_train_options *o) {
    mx_optim *p = &t->optim;
    *p = (mx_optim){.beta1 = o->beta1,
                    .beta2 = o->beta2,
                    .eps = o->epsilon,
                    .decay = o->weight_decay,
                    .momentum = o->momentum,
                    .corrected = o->bias_correction};
    if (!mx_optim_named(o->optimizer ? o->optimizer : "adam", &p->kind))
        return false;
    t->rate = (mx_rate){.rate = o->learning_rate,
                        .end = o->end_rate,
                        .warmup = o->warmup,
                        .warmup_rate = o->warmup_rate};
    int64_t updates = o->iters / o->accumulate - (o->warmup ? o->warmup + 1 : 0);
    t->rate.steps = o->decay_steps ? o->decay_steps : updates > 1 ? updates : 1;
    return mx_rate_named(o->schedule ? o->schedule : "constant", &t->rate.kind);
}

/* Lists that are announced are there, and say a thing once. */
static bool check_keys(const mx_train_options *o) {
    for (size_t i = 0; o->keys && i < o->key_num; i++) {
        if (!o->keys[i])
            return mx_fail(MX_INVALID, "[%s] key %zu is NULL", op, i);
        for (size_t k = 0; k < i; k++)
            if (strcmp(o->keys[i], o->keys[k]) == 0)
                return mx_fail(MX_INVALID, "[%s] the key '%.100s' is given twice", op, o->keys[i]);
    }
    return o->keys || !o->key_num ||
           mx_fail(MX_INVALID, "[%s] the keys are NULL, and key_num is %zu", op, o->key_num);
}

/* Would what is saved be trained? */
static bool check_effect(const mx_train_options *o, const mx_rate *r, const mx_tune_spec *spec) {
    bool still = r->rate == 0 && (r->kind == MX_RATE_CONSTANT || r->end == 0) &&
                 (!r->warmup || r->warmup_rate == 0);
    if (!o->adapter_path)
        return true;
    if (still)
        return mx_fail(MX_INVALID, "[%s] learning_rate is 0: nothing would be learned", op);
    return spec->kind != MX_TUNE_LORA || spec->scale != 0 ||
           mx_fail(MX_INVALID, "[%s] scale is 0: nothing would be learned", op);
}

static bool take_options(mx_train *t, const mx_train_options *o, mx_tune_spec *spec) {
    t->o = *o;
    t->o.fine_tune_type = t->o.optimizer = t->o.schedule = NULL;
    t->o.adapter_path = t->o.adapter_file = NULL;
    t->o.keys = NULL;
    *spec = (mx_tune_spec){.layers = o->num_layers,
                           .rank = o->rank,
                           .scale = (float)o->scale,
                           .dropout = (float)o->dropout,
                           .keys = o->keys,
                           .key_num = o->keys ? o->key_num : 0};
    if (o->resume && !o->adapter_path)
        return mx_fail(MX_INVALID, "[%s] to go on the adapter's folder is needed", op);
    return check_counts(o) && check_numbers(o) && take_optimizer(t, o) &&
           kind_of(o->fine_tune_type ? o->fine_tune_type : "lora", &spec->kind) &&
           check_effect(o, &t->rate, spec);
}

/* --- data ------------------------------------------------------------------------------------ */

static bool read_one(mx_train *t, const char *folder, const char *name, mx_examples *out) {
    mx_data_spec spec = {.tokenizer = t->tokenizer,
                         .model = t->model,
                         .most = t->o.max_tokens,
                         .mask_prompt = t->o.mask_prompt,
                         .vocabulary = t->base->vocabulary};
    char *path = mx_data_file(folder, name);
    bool ok = !path ? !mx_failed() : mx_examples_read(out, path, &spec);
    mx_free(path);
    return ok;
}

static bool read_data(mx_train *t, const char *folder) {
    if (!folder)
        return true;
    if (!read_one(t, folder, "train.jsonl", &t->train) ||
        !read_one(t, folder, "valid.jsonl", &t->valid) ||
        !read_one(t, folder, "test.jsonl", &t->test))
        return false;
    return t->train.count || t->test.count ||
           mx_fail(MX_IO, "[%s] '%s' has neither train.jsonl nor test.jsonl", op, folder);
}

/* --- all ------------------------------------------------------------------------------------- */

/* errno of why there is no folder to write into; 0: there is one. */
static int why_none(const char *folder) {
    struct stat s;
    if (mkdir(folder, 0777) == 0)
        return 0;
    return errno != EEXIST || stat(folder, &s) ? errno
           : !S_ISDIR(s.st_mode)               ? ENOTDIR
           : access(folder, W_OK | X_OK)       ? errno
                                               : 0;
}

/* What a killed training has left half written there goes. */
static bool make_folder(const mx_train *t) {
    char room[128];
    if (!t->folder)
        return true;
    if (!mx_make_folders(op, t->folder))
        return false;
    int why = why_none(t->folder);
    if (!why) {
        mx_writer_tidy(t->folder);
        return true;
    }
    return mx_fail(MX_IO, "[%s] the folder '%s' cannot be made, or written into: %s", op, t->folder,
                   mx_errno_text(why, room, sizeof room));
}

static bool begin(mx_train *t, const mx_train_options *o, const mx_tune_spec *spec) {
    if (t->base->encoder)
        return mx_fail(MX_UNSUPPORTED, "[%s] '%s' makes no text: encoders are not trained", op,
                       t->base->name);
    if (!mx_tune_open(&t->tune, t->base, spec) || !mx_tune_begin(&t->tune, o->seed))
        return false;
    size_t n = (size_t)t->tune.params;
    t->state = mx_calloc(n * MX_OPTIM_STATES, sizeof *t->state);
    t->sum = mx_calloc(n, sizeof *t->sum);
    return t->state && t->sum && (!o->adapter_file || mx_adapter_load(&t->tune, o->adapter_file));
}

static bool copy_text(char **to, const char *from) {
    return !from || (*to = mx_strdup(from));
}

static bool open(mx_train *t, const char *data, const mx_train_options *o) {
    mx_tune_spec spec;
    return check_keys(o) && take_options(t, o, &spec) && copy_text(&t->folder, o->adapter_path) &&
           (t->base = mx_decoder_open(t->model)) && (t->tokenizer = mx_tokenizer_open(t->model)) &&
           read_data(t, data) && begin(t, o, &spec) && make_folder(t) &&
           (!o->resume || tune_state_load(t));
}

mx_train *mx_train_open(const char *model, const char *data, const mx_train_options *o) {
    mx_train_options usual = mx_train_usual();
    if (!model)
        return mx_fail(MX_INVALID, "[%s] the model is NULL", op);
    mx_train *t = mx_calloc(1, sizeof *t);
    mx_scope scope = mx_scope_open();
    bool ok = t && copy_text(&t->model, model) && open(t, data, o ? o : &usual);
    mx_scope_close(scope);
    if (ok)
        return t;
    mx_train_free(t);
    return NULL;
}

void mx_train_about(const mx_train *t, mx_train_info *out) {
    *out = (mx_train_info){.parameters = t->base->parameters,
                           .layers = t->tune.spec.layers,
                           .train = (int64_t)t->train.count,
                           .valid = (int64_t)t->valid.count,
                           .test = (int64_t)t->test.count,
                           .iteration = t->iteration};
    for (int i = 0; i < t->tune.params; i++)
        out->trained += (uint64_t)t->tune.param[i].value->size;
}
