/* The state of training in a file: see train_parts.h.
 *
 *     tensors     "param.<name>", "state0.<name>", "state1.<name>", "gradient.<name>": as they are,
 *                 rows as the decoder has them
 *     metadata    iteration, updates, tokens, the window of the next report (numbers as %a), terms
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "graph/trace/scope.h"
#include "io/io.h"
#include "models/train/train_parts.h"
#include "ops/ops.h"

static const char op[] = "train";
static const char *const prefixes[] = {"state0.", "state1."};

void tune_put(mx_array **to, mx_array *a) {
    mx_array_retain(a);
    mx_array_release(*to);
    *to = a;
}

char *tune_inside(const mx_train *t, const char *name) {
    return mx_text_path(t->folder, name);
}

/* --- terms ----------------------------------------------------------------------------------- */

static json_t *all_terms(const mx_train *t) {
    const mx_train_options *o = &t->o;
    char print[32];
    snprintf(print, sizeof print, "%016llx", (unsigned long long)t->train.print);
    return json_pack("{s:s, s:i, s:i, s:i, s:b, s:b, s:b, s:s, s:I, s:s, s:f, s:f}", "model",
                     t->base->name, "batch_size", o->batch_size, "grad_accumulation_steps",
                     o->accumulate, "max_seq_length", o->max_tokens, "mask_prompt", o->mask_prompt,
                     "pack", o->pack, "grad_checkpoint", o->checkpoint, "optimizer",
                     mx_optim_name(t->optim.kind), "seed", (json_int_t)o->seed, "data_print", print,
                     "learning_rate", t->rate.rate, "clip_norm", o->clip_norm);
}

json_t *tune_terms(const mx_train *t) {
    json_t *more = all_terms(t), *terms = more ? mx_adapter_config(&t->tune, more) : NULL;
    json_decref(more);
    return terms || mx_failed() ? terms : mx_fail_nomem(op, 0);
}

/* Those that a training may change on its way. */
static bool may_change(const char *key) {
    return mx_name_is_of(key, "learning_rate|clip_norm|grad_checkpoint");
}

static bool check_terms(const mx_train *t, const char *path, const json_t *then) {
    json_t *now = tune_terms(t), *value;
    const char *key;
    bool ok = now;
    json_object_foreach(now, key, value) {
        json_t *former = json_object_get(then, key);
        if (!ok || may_change(key) || json_equal(former, value))
            continue;
        if (strcmp(key, "data_print") == 0) {
            ok = mx_fail(MX_INVALID, "[%s] '%s' was made with other data: train.jsonl has changed",
                         op, path);
            continue;
        }
        char *a = former ? json_dumps(former, JSON_ENCODE_ANY) : NULL;
        char *b = json_dumps(value, JSON_ENCODE_ANY);
        ok = mx_fail(MX_INVALID, "[%s] '%s' was made with %s %s, and now it is %s", op, path, key,
                     a ? a : "none", b ? b : "another");
        free(a);
        free(b);
    }
    json_decref(now);
    return ok;
}

/* --- writing --------------------------------------------------------------------------------- */

static bool put_text(mx_map *meta, const char *key, char *text) {
    void *former = NULL;
    if (text && mx_map_set(meta, key, text, &former))
        return true;
    mx_free(text);
    return false;
}

static bool put_int(mx_map *meta, const char *key, int64_t x) {
    mx_text t = {0};
    mx_text_add(&t, "%lld", (long long)x);
    return put_text(meta, key, mx_text_take(&t));
}

static bool put_real(mx_map *meta, const char *key, double x) {
    mx_text t = {0};
    mx_text_f64(&t, x);
    return put_text(meta, key, mx_text_take(&t));
}

static bool put_meta(const mx_train *t, mx_map *meta) {
    json_t *terms = tune_terms(t);
    bool ok = terms && put_text(meta, "terms", mx_json_text(terms)) &&
              put_int(meta, "iteration", t->iteration) && put_int(meta, "updates", t->updates) &&
              put_int(meta, "tokens", t->tokens) && put_real(meta, "window.loss", t->window.loss) &&
              put_int(meta, "window.iterations", t->window.iterations) &&
              put_int(meta, "window.tokens", t->window.tokens);
    json_decref(terms);
    return ok;
}

/* NULL: there is none. */
static bool put_array(mx_map *arrays, const char *prefix, const mx_param *p, mx_array *a) {
    mx_text name = {0};
    void *former = NULL;
    if (!a)
        return true;
    mx_text_add(&name, "%s%s", prefix, p->name);
    bool ok = mx_map_set(arrays, mx_text_view(&name), mx_array_retain(a), &former);
    if (!ok)
        mx_array_release(a);
    mx_text_free(&name);
    return ok;
}

static bool put_states(const mx_train *t, mx_map *arrays) {
    bool ok = true;
    for (int i = 0; ok && i < t->tune.params; i++) {
        const mx_param *p = &t->tune.param[i];
        ok = put_array(arrays, "param.", p, p->value) &&
             put_array(arrays, "gradient.", p, t->sum[i]);
        for (int k = 0; ok && k < MX_OPTIM_STATES; k++)
            ok = put_array(arrays, prefixes[k], p, t->state[i * MX_OPTIM_STATES + k]);
    }
    return ok;
}

bool tune_state_save(const mx_train *t) {
    mx_map arrays = {0}, meta = {0};
    mx_scope scope = mx_scope_open();
    char *path = tune_inside(t, TUNE_STATE_FILE);
    bool ok = path && put_meta(t, &meta) && put_states(t, &arrays) &&
              mx_save_safetensors(path, &arrays, &meta);
    mx_scope_close(scope);
    mx_free_arrays(&arrays);
    mx_free_strings(&meta);
    mx_free(path);
    return ok;
}

/* --- reading --------------------------------------------------------------------------------- */

static bool get_int(const char *path, const mx_map *meta, const char *key, int64_t *out) {
    const char *text = mx_map_get(meta, key);
    char *end;
    long long x = text ? strtoll(text, &end, 10) : -1;
    *out = x;
    return (text && *text && !*end && x >= 0) ||
           mx_fail(MX_FORMAT, "[%s] '%s': %s is no count", op, path, key);
}

static bool get_meta(mx_train *t, const char *path, const mx_map *meta) {
    const char *terms = mx_map_get(meta, "terms"), *loss = mx_map_get(meta, "window.loss");
    if (!terms || !loss)
        return mx_fail(MX_FORMAT, "[%s] '%s' is no state of training", op, path);
    json_t *then = mx_json_parse(op, path, terms, strlen(terms));
    bool ok =
        then && check_terms(t, path, then) && get_int(path, meta, "iteration", &t->iteration) &&
        get_int(path, meta, "updates", &t->updates) && get_int(path, meta, "tokens", &t->tokens) &&
        get_int(path, meta, "window.iterations", &t->window.iterations) &&
        get_int(path, meta, "window.tokens", &t->window.tokens);
    t->window.loss = strtod(loss, NULL);
    json_decref(then);
    return ok;
}

/* An array of the file for a param, computed. */
static bool get_one(mx_train *t, const char *path, const mx_map *arrays, const char *prefix, int i,
                    mx_array **to) {
    mx_param p = t->tune.param[i];
    mx_text name = {0};
    mx_text_add(&name, "%s%s", prefix, p.name);
    mx_array *a = mx_map_get(arrays, mx_text_view(&name));
    mx_shape s = mx_tune_shape(&t->tune, &t->tune.module[p.module], p.role);
    bool ok = (a && mx_dtype_of(a) == MX_FLOAT32 && mx_shape_is(a, s.dim, s.ndim)) ||
              mx_fail(MX_FORMAT, "[%s] '%s': '%.200s' is missing, or of another shape", op, path,
                      mx_text_view(&name)) != NULL;
    mx_text_free(&name);
    p.value = NULL;
    if (!ok || !mx_param_set(&p, a))
        return false;
    mx_array_release(*to);
    *to = p.value;
    return true;
}

static bool get_states(mx_train *t, const char *path, const mx_map *arrays) {
    bool ok = true, between = t->iteration % t->o.accumulate;
    int states = t->updates ? mx_optim_states(&t->optim) : 0;
    for (int i = 0; ok && i < t->tune.params; i++) {
        ok = get_one(t, path, arrays, "param.", i, &t->tune.param[i].value) &&
             (!between || get_one(t, path, arrays, "gradient.", i, &t->sum[i]));
        for (int k = 0; ok && k < states; k++)
            ok = get_one(t, path, arrays, prefixes[k], i, &t->state[i * MX_OPTIM_STATES + k]);
    }
    return ok;
}

bool tune_state_load(mx_train *t) {
    mx_map arrays = {0}, meta = {0};
    mx_scope scope = mx_scope_open();
    char *path = tune_inside(t, TUNE_STATE_FILE);
    bool ok = path && mx_load_safetensors(path, false, &arrays, &meta) &&
              get_meta(t, path, &meta) && get_states(t, path, &arrays);
    mx_scope_close(scope);
    mx_free_arrays(&arrays);
    mx_free_strings(&meta);
    mx_free(path);
    return ok;
}
