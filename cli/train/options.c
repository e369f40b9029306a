/* Options of mlx lora: see train.h.
 *
 * A file of them is JSON, or YAML where its name ends so, with the names of mlx_lm.lora's:
 * "batch_size" is --batch-size. An adapter_config.json is such a file, too.
 */
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "parse/parse.h"
#include "train/train.h"
#include "train/yaml.h"

typedef enum kind { INT, REAL, FLAG, TEXT, WHOLE, OBJECT, ANY } kind;

#define AT(member) offsetof(mlx_train_options, member)
static const struct row {
    const char *flag, *key; /* key: a path, or NULL: the flag with _ */
    kind kind;
    size_t at;
} rows[] = {{"fine-tune-type", NULL, TEXT, AT(fine_tune_type)},
            {"num-layers", NULL, INT, AT(num_layers)},
            {"rank", "lora_parameters.rank", INT, AT(rank)},
            {"scale", "lora_parameters.scale", REAL, AT(scale)},
            {"dropout", "lora_parameters.dropout", REAL, AT(dropout)},
            {"optimizer", NULL, TEXT, AT(optimizer)},
            {"learning-rate", NULL, REAL, AT(learning_rate)},
            {"weight-decay", NULL, REAL, AT(weight_decay)},
            {"momentum", NULL, REAL, AT(momentum)},
            {"bias-correction", NULL, FLAG, AT(bias_correction)},
            {"lr-schedule", "lr_schedule.name", TEXT, AT(schedule)},
            {"lr-end", NULL, REAL, AT(end_rate)},
            {"lr-steps", NULL, INT, AT(decay_steps)},
            {"warmup", "lr_schedule.warmup", INT, AT(warmup)},
            {"warmup-init", "lr_schedule.warmup_init", REAL, AT(warmup_rate)},
            {"clip-norm", NULL, REAL, AT(clip_norm)},
            {"batch-size", NULL, INT, AT(batch_size)},
            {"iters", NULL, INT, AT(iters)},
            {"grad-accumulation-steps", NULL, INT, AT(accumulate)},
            {"max-seq-length", NULL, INT, AT(max_tokens)},
            {"mask-prompt", NULL, FLAG, AT(mask_prompt)},
            {"pack", NULL, FLAG, AT(pack)},
            {"grad-checkpoint", NULL, FLAG, AT(checkpoint)},
            {"steps-per-report", NULL, INT, AT(report_every)},
            {"steps-per-eval", NULL, INT, AT(eval_every)},
            {"save-every", NULL, INT, AT(save_every)},
            {"val-batches", NULL, INT, AT(val_batches)},
            {"test-batches", NULL, INT, AT(test_batches)},
            {"adapter-path", NULL, TEXT, AT(adapter_path)},
            {"resume-adapter-file", NULL, TEXT, AT(adapter_file)},
            {"resume", NULL, FLAG, AT(resume)}};
enum { ROWS = sizeof rows / sizeof *rows };

/* Keys that are read elsewhere, or that adapters' configs have and nobody needs to be told. */
static const struct other {
    const char *key;
    kind kind;
    const char *inside; /* of an object: the keys that it may have */
} others[] = {
    {"model", TEXT, NULL},
    {"data", TEXT, NULL},
    {"train", FLAG, NULL},
    {"test", FLAG, NULL},
    {"seed", WHOLE, NULL},
    {"lora_parameters", OBJECT, "rank|scale|dropout|keys"},
    {"lr_schedule", OBJECT, "name|arguments|warmup|warmup_init"},
    {"optimizer_config", OBJECT, "adam|adamw|sgd|lion|muon|adafactor"}, // that in use counts
    {"data_print", ANY, NULL},
    {"bits", ANY, NULL},
    {"config", ANY, NULL},                // where these options come from
    {"clear_cache_threshold", ANY, NULL}, // when memory that is free goes back
};

static void key_of(const struct row *r, char *room, size_t n) {
    snprintf(room, n, "%s", r->key ? r->key : r->flag);
    for (char *p = room; *p; p++)
        if (*p == '-')
            *p = '_';
}

static bool is_row(const struct row *r, const char *key) {
    char own[64];
    key_of(r, own, sizeof own);
    return strcmp(own, key) == 0;
}

/* "a.b" of an object; NULL where it is not there or null. */
static const json_t *at(const json_t *object, const char *path) {
    char key[64];
    const char *dot = strchr(path, '.');
    snprintf(key, sizeof key, "%.*s", dot ? (int)(dot - path) : 63, path);
    const json_t *found = json_object_get(object, key);
    return dot ? at(found, dot + 1) : json_is_null(found) ? NULL : found;
}

/* --- the file -------------------------------------------------------------------------------- */

static bool is_kind(const json_t *v, kind k) {
    json_int_t n = json_integer_value(v);
    switch (k) {
    case INT: return json_is_integer(v) && n >= INT_MIN && n <= INT_MAX;
    case REAL: return json_is_number(v);
    case FLAG: return json_is_boolean(v);
    case TEXT: return json_is_string(v);
    case WHOLE: return json_is_integer(v);
    case OBJECT: return json_is_object(v);
    case ANY: break;
    }
    return true;
}

static bool take_value(const json_t *v, kind k, char *to) {
    json_int_t n = json_integer_value(v);
    bool ok = is_kind(v, k);
    if (ok && k == INT)
        *(int *)(void *)to = (int)n;
    if (ok && k == REAL)
        *(double *)(void *)to = json_number_value(v);
    if (ok && k == FLAG)
        *(bool *)(void *)to = json_is_true(v);
    if (ok && k == TEXT)
        *(const char **)(void *)to = json_string_value(v);
    return ok;
}

static int fail_kind(cli_call *c, const cli_train *t, const char *key, kind k) {
    static const char *const words[] = {
        [INT] = "a whole number", [REAL] = "a number",        [FLAG] = "true or false",
        [TEXT] = "a text",        [WHOLE] = "a whole number", [OBJECT] = "an object",
        [ANY] = "anything"};
    return cli_fail(c, "%s: %s: %s was expected", t->from, key, words[k]);
}

static int take_rows(cli_call *c, cli_train *t) {
    char key[64];
    for (int i = 0; i < ROWS; i++) {
        key_of(&rows[i], key, sizeof key);
        const json_t *v = at(t->config, key);
        if (v && !take_value(v, rows[i].kind, (char *)&t->options + rows[i].at))
            return fail_kind(c, t, key, rows[i].kind);
    }
    return CLI_OK;
}

/* Of a cosine [rate, steps, end], of which the end may lack, of a line [rate, end, steps]. */
static int take_schedule(cli_call *c, cli_train *t) {
    const json_t *list = at(t->config, "lr_schedule.arguments");
    const char *name = t->options.schedule;
    bool line = name && strncmp(name, "linear", 6) == 0,
         cosine = name && strncmp(name, "cosine", 6) == 0;
    size_t n = json_array_size(list);
    if (!list)
        return CLI_OK;
    if (!line && !cosine)
        return cli_fail(c,
                        "%s: lr_schedule.arguments are of a schedule that lr_schedule.name "
                        "does not say: cosine_decay or linear_schedule was expected",
                        t->from);
    if (!json_is_array(list) || n > 3 || n < (line ? 3 : 2))
        return cli_fail(c, "%s: lr_schedule.arguments: %s was expected", t->from,
                        line ? "[rate, end, steps]" : "[rate, steps] or [rate, steps, end]");
    const json_t *end = json_array_get(list, line ? 1 : 2),
                 *steps = json_array_get(list, line ? 2 : 1);
    if (!take_value(json_array_get(list, 0), REAL, (char *)&t->options.learning_rate) ||
        (end && !take_value(end, REAL, (char *)&t->options.end_rate)))
        return fail_kind(c, t, "a rate of lr_schedule.arguments", REAL);
    if (!take_value(steps, INT, (char *)&t->options.decay_steps))
        return fail_kind(c, t, "the steps of lr_schedule.arguments", INT);
    return CLI_OK;
}

static int take_keys(cli_call *c, cli_train *t) {
    const json_t *list = at(t->config, "lora_parameters.keys");
    size_t n = json_array_size(list);
    if (list && !n)
        return cli_fail(c, "%s: lora_parameters.keys: a list of matrices was expected", t->from);
    for (size_t i = 0; i < n && i < sizeof t->keys / sizeof *t->keys; i++)
        if (!(t->keys[i] = json_string_value(json_array_get(list, i))))
            return cli_fail(c, "%s: lora_parameters.keys are texts", t->from);
    if (n > sizeof t->keys / sizeof *t->keys)
        return cli_fail(c, "%s: too many lora_parameters.keys", t->from);
    t->options.keys = n ? t->keys : NULL;
    t->options.key_num = n;
    return CLI_OK;
}

/* What optimizer_config has of each optimizer, with those that know it. */
static const struct own_row {
    const char *key, *of;
    kind kind;
    size_t at;
} own_rows[] = {{"weight_decay", "adamw|sgd|lion|muon", REAL, AT(weight_decay)},
                {"momentum", "sgd|muon", REAL, AT(momentum)},
                {"bias_correction", "adam|adamw", FLAG, AT(bias_correction)},
                {"eps", "adam|adamw", REAL, AT(epsilon)},
                {"betas", "adam|adamw|lion", REAL, AT(beta1)}};

/* betas are two. */
static bool take_own(mlx_train_options *o, const struct own_row *r, const json_t *v) {
    if (strcmp(r->key, "betas"))
        return take_value(v, r->kind, (char *)o + r->at);
    return json_array_size(v) == 2 && take_value(json_array_get(v, 0), REAL, (char *)&o->beta1) &&
           take_value(json_array_get(v, 1), REAL, (char *)&o->beta2);
}

/* A value of the optimizer in use. */
static int take_one_own(cli_call *c, cli_train *t, const char *name, const char *key,
                        const json_t *v) {
    char path[128];
    const struct own_row *r = own_rows, *end = own_rows + sizeof own_rows / sizeof *own_rows;
    snprintf(path, sizeof path, "optimizer_config.%s.%s", name, key);
    while (r < end && strcmp(r->key, key))
        r++;
    if (r == end || !cli_parse_choice(r->of, name))
        return cli_fail(c, "%s: %s is no option of mlx lora", t->from, path);
    if (take_own(&t->options, r, v))
        return CLI_OK;
    return strcmp(key, "betas") ? fail_kind(c, t, path, r->kind)
                                : cli_fail(c, "%s: %s: two numbers were expected", t->from, path);
}

/* What is said of others than the one in use would have no effect. */
static int check_unused(cli_call *c, const cli_train *t, const char *name) {
    const char *other;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)at(t->config, "optimizer_config"), other, v) {
        if (strcmp(other, name) && json_object_size(v))
            return cli_fail(c, "%s: optimizer_config.%s has no effect where the optimizer is %s",
                            t->from, other, name);
    }
    return CLI_OK;
}

/* That of the optimizer in use counts. */
static int take_optimizer(cli_call *c, cli_train *t) {
    const char *given = cli_text(c, "optimizer", t->options.optimizer), *key;
    const char *name = given ? given : "adam";
    const json_t *own = json_object_get(at(t->config, "optimizer_config"), name);
    int status = CLI_OK;
    json_t *v;
    if (own && !json_is_object(own) && !json_is_null(own))
        return cli_fail(c, "%s: optimizer_config.%s: an object was expected", t->from, name);
    json_object_foreach((json_t *)(uintptr_t)own, key, v) {
        status = status ? status : take_one_own(c, t, name, key, v);
    }
    return status ? status : check_unused(c, t, name);
}

static const struct other *other_of(const char *key) {
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(others[i].key, key) == 0)
            return &others[i];
    return NULL;
}

static bool is_known(const char *key) {
    if (other_of(key))
        return true;
    for (int i = 0; i < ROWS; i++)
        if (is_row(&rows[i], key))
            return true;
    return false;
}

/* Are they of the kind, and is what they have inside known? null is as if nothing was said. */
static int check_others(cli_call *c, const cli_train *t) {
    const char *key, *inner;
    json_t *v, *unused;
    json_object_foreach(t->config, key, v) {
        const struct other *o = json_is_null(v) ? NULL : other_of(key);
        if (o && !is_kind(v, o->kind))
            return fail_kind(c, t, key, o->kind);
        json_object_foreach(o && o->inside ? v : NULL, inner, unused) {
            if (!json_is_null(unused) && !cli_parse_choice(o->inside, inner))
                return cli_fail(c, "%s: '%s.%s' is no option of mlx lora", t->from, key, inner);
        }
    }
    return CLI_OK;
}

static json_t *read_file(cli_call *c, const char *path) {
    bool yaml = cli_has_ending(path, ".yaml") || cli_has_ending(path, ".yml");
    return yaml ? cli_yaml_load(c, path) : cli_json_file(c, path);
}

static int load(cli_call *c, cli_train *t, const char *path) {
    const char *key;
    json_t *v;
    t->from = path;
    t->config = read_file(c, path);
    if (!t->config)
        return CLI_FAILED;
    if (!json_is_object(t->config))
        return cli_fail(c, "%s: options are an object of JSON", path);
    json_object_foreach(t->config, key, v) {
        bool nothing = json_is_null(v) || (!strcmp(key, "trust_remote_code") && json_is_false(v));
        if (!nothing && !is_known(key))
            return cli_fail(c, "%s: '%s' is no option of mlx lora", path, key);
    }
    int status = check_others(c, t);
    status = status ? status : take_rows(c, t);
    status = status ? status : take_optimizer(c, t);
    status = status ? status : take_schedule(c, t);
    return status ? status : take_keys(c, t);
}

/* --- the command line ------------------------------------------------------------------------ */

static void override(const cli_call *c, mlx_train_options *o) {
    for (int i = 0; i < ROWS; i++) {
        void *to = (char *)o + rows[i].at;
        if (rows[i].kind == INT)
            *(int *)to = (int)cli_int(c, rows[i].flag, *(int *)to);
        else if (rows[i].kind == REAL)
            *(double *)to = cli_real(c, rows[i].flag, *(double *)to);
        else if (rows[i].kind == FLAG)
            *(bool *)to = *(bool *)to || cli_flag(c, rows[i].flag);
        else
            *(const char **)to = cli_text(c, rows[i].flag, *(const char **)to);
    }
}

/* Options that only some kinds know. */
static int check_kinds(cli_call *c, const mlx_train_options *o) {
    const struct {
        const char *flag, *of, *kinds, *kind;
    } all[] = {{"weight-decay", "optimizer", "adamw|sgd|lion|muon", o->optimizer},
               {"momentum", "optimizer", "sgd|muon", o->optimizer},
               {"bias-correction", "optimizer", "adam|adamw", o->optimizer},
               {"rank", "fine-tune-type", "lora|dora", o->fine_tune_type},
               {"scale", "fine-tune-type", "lora|dora", o->fine_tune_type},
               {"dropout", "fine-tune-type", "lora|dora", o->fine_tune_type},
               {"lr-end", "lr-schedule", "cosine_decay|linear_schedule", o->schedule},
               {"lr-steps", "lr-schedule", "cosine_decay|linear_schedule", o->schedule}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (cli_text(c, all[i].flag, NULL) && all[i].kind &&
            !cli_parse_choice(all[i].kinds, all[i].kind))
            return cli_usage(c, "--%s has no effect where --%s is %s (it is of %s)", all[i].flag,
                             all[i].of, all[i].kind, all[i].kinds);
    return CLI_OK;
}

/* What is only tested is as it was made. */
static int load_any(cli_call *c, cli_train *t) {
    char path[4096];
    const char *config = cli_text(c, "config", NULL);
    if (config || cli_flag(c, "train") || !cli_flag(c, "test"))
        return config ? load(c, t, config) : CLI_OK;
    int n = snprintf(path, sizeof path, "%s/adapter_config.json",
                     cli_text(c, "adapter-path", "adapters"));
    return n < 0 || (size_t)n >= sizeof path ? cli_fail(c, "the adapter's path is too long")
                                             : load(c, t, path);
}

int cli_train_read(cli_call *c, cli_train *t) {
    size_t n;
    *t = (cli_train){.options = mlx_train_options_default()};
    t->options.adapter_path = "adapters";
    int status = load_any(c, t);
    if (status)
        return status;
    override(c, &t->options);
    const json_t *seed = at(t->config, "seed");
    t->options.seed = cli_seed(c, "seed", (uint64_t)json_integer_value(seed));
    const char *const *keys = cli_texts(c, "key", &n);
    if (n) {
        t->options.keys = keys;
        t->options.key_num = n;
    }
    t->model = cli_text(c, "model", json_string_value(at(t->config, "model")));
    t->data = cli_text(c, "data", json_string_value(at(t->config, "data")));
    t->data = t->data ? t->data : "data";
    // what an adapter was made with asks for nothing
    const json_t *asked = cli_text(c, "config", NULL) ? t->config : NULL;
    t->train = cli_flag(c, "train") || json_is_true(at(asked, "train"));
    t->test = cli_flag(c, "test") || json_is_true(at(asked, "test"));
    if ((cli_text(c, "num-layers", NULL) || at(t->config, "num_layers")) && !t->options.num_layers)
        return cli_fail(c, "num_layers is 0: so many layers were expected, or -1 for all");
    return check_kinds(c, &t->options);
}

void cli_train_close(cli_train *t) {
    json_decref(t->config);
}
