/* Iterations: see train.h. */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "base/memory/cache.h"
#include "base/interrupt.h"
#include "base/mem.h"
#include "base/status.h"
#include "graph/eval/eval.h"
#include "graph/trace/scope.h"
#include "models/train/train_parts.h"
#include "ops/ops.h"

static const char op[] = "train";

typedef struct runner {
    mx_train *t;
    mx_train_report *report;
    void *payload;
    bool stopped;
    int64_t saved; /* the iteration behind which all was saved; -1: none */
} runner;

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* False: the reporter wants to stop, or failed. */
static bool tell(runner *r, mx_train_event e) {
    e.iteration = r->t->iteration;
    e.tokens = r->t->tokens;
    if (!r->report || r->report(r->payload, &e))
        return true;
    r->stopped = !mx_failed();
    return false;
}

static bool note(runner *r, const char *text) {
    return tell(r, (mx_train_event){.kind = MX_TRAIN_NOTE, .text = text});
}

/* --- one iteration --------------------------------------------------------------------------- */

/* The batch of the iteration that comes next. */
static bool find_batch(mx_train *t, size_t *at) {
    mx_batch_spec s = {.size = (size_t)t->o.batch_size, .seed = t->o.seed};
    s.tokens = t->o.pack ? (int64_t)t->o.batch_size * t->o.max_tokens : 0;
    while (!t->batches.count || t->iteration >= t->epoch_first + (int64_t)t->batches.count) {
        if (t->batches.count) {
            t->epoch_first += (int64_t)t->batches.count;
            t->epoch++;
        }
        mx_batches_free(&t->batches);
        if (!mx_batches_make(&t->batches, &t->train, &s, t->epoch))
            return false;
    }
    *at = (size_t)(t->iteration - t->epoch_first);
    return true;
}

static bool lesson_of(const mx_examples *e, const mx_batches *b, size_t at, mx_lesson *l) {
    return mx_lesson_make(l, e, b->item + b->start[at], b->start[at + 1] - b->start[at]);
}

/* Where keys of dropout begin; not 0. */
static uint64_t drop_of(const mx_train *t) {
    return (t->o.seed ^ 0x5851F42D4C957F2Du) + ((uint64_t)t->iteration + 1) * 0x14057B7EF767814Fu;
}

/* Gradients with those before them, each a share of the update. */
static bool add_up(const mx_train *t, const mx_arrays *g, mx_array **out) {
    for (size_t i = 0; i < g->count && !mx_failed(); i++) {
        mx_array *share = mx_mul_s(g->item[i], 1 / (double)t->o.accumulate);
        out[i] = t->o.accumulate == 1 ? g->item[i] : t->sum[i] ? mx_add(t->sum[i], share) : share;
    }
    return !mx_failed();
}

/* No longer than clip_norm together (Pascanu, Mikolov and Bengio 2013). */
static bool clip(const mx_train *t, mx_array **g) {
    mx_array *all = NULL;
    if (t->o.clip_norm <= 0)
        return true;
    for (int i = 0; i < t->tune.params; i++) {
        mx_array *square = mx_sum_all(mx_square(g[i]));
        all = all ? mx_add(all, square) : square;
    }
    mx_array *most = mx_scalar(t->o.clip_norm, MX_FLOAT32);
    mx_array *by = mx_minimum(mx_div(most, mx_add_s(mx_sqrt(all), 1e-6)), mx_scalar(1, MX_FLOAT32));
    for (int i = 0; i < t->tune.params; i++)
        g[i] = mx_mul(g[i], by);
    return !mx_failed();
}

/* What an iteration makes, before it counts: arrays of the scope. */
typedef struct outcome {
    mx_array *loss;
    mx_array **gradient, **value, **state; /* of each param; value NULL: no update */
    double rate;
} outcome;

static bool update(const mx_train *t, outcome *o) {
    o->rate = mx_rate_at(&t->rate, t->updates);
    if (!clip(t, o->gradient))
        return false;
    for (int i = 0; i < t->tune.params; i++) {
        mx_array **state = o->state + i * MX_OPTIM_STATES;
        for (int k = 0; k < MX_OPTIM_STATES; k++)
            state[k] = t->state[i * MX_OPTIM_STATES + k];
        o->value[i] = mx_optim_update(&t->optim, o->rate, t->updates + 1, t->tune.param[i].value,
                                      o->gradient[i], state);
        // laid out as files are, so that what follows does not depend on whether it was saved
        o->value[i] = mx_contiguous(o->value[i], false);
        for (int k = 0; k < mx_optim_states(&t->optim); k++)
            state[k] = mx_contiguous(state[k], false);
    }
    return !mx_failed();
}

static bool updates_now(const mx_train *t) {
    return (t->iteration + 1) % t->o.accumulate == 0;
}

/* All that is to be computed, at once. */
static bool compute(const mx_train *t, const outcome *o) {
    int n = t->tune.params, count = 0, states = mx_optim_states(&t->optim);
    mx_array **all = mx_calloc((size_t)n * (1 + MX_OPTIM_STATES) + 1, sizeof *all);
    if (!all)
        return false;
    all[count++] = o->loss;
    for (int i = 0; i < n; i++) {
        all[count++] = updates_now(t) ? o->value[i] : o->gradient[i];
        for (int k = 0; k < states && updates_now(t); k++)
            all[count++] = o->state[i * MX_OPTIM_STATES + k];
    }
    bool ok = mx_eval(all, count);
    mx_free(all);
    return ok;
}

static double number_of(const mx_array *a) {
    return *(const float *)(const void *)a->data;
}

static bool check_loss(const mx_train *t, double loss) {
    return isfinite(loss) ||
           mx_fail(MX_NOT_FINITE,
                   "[%s] the loss of iteration %lld is %g, and its change was not made: a smaller "
                   "learning rate or clipped gradients may help",
                   op, (long long)t->iteration + 1, loss);
}

static void take(mx_train *t, const outcome *o, const mx_lesson *l, double loss) {
    for (int i = 0; i < t->tune.params; i++) {
        tune_put(&t->sum[i], updates_now(t) || t->o.accumulate == 1 ? NULL : o->gradient[i]);
        for (int k = 0; k < MX_OPTIM_STATES && updates_now(t); k++)
            tune_put(&t->state[i * MX_OPTIM_STATES + k], o->state[i * MX_OPTIM_STATES + k]);
        if (updates_now(t))
            tune_put(&t->tune.param[i].value, o->value[i]);
    }
    t->updates += updates_now(t);
    t->iteration++;
    t->tokens += l->targets;
    t->window.loss += loss;
    t->window.iterations++;
    t->window.tokens += l->targets;
}

static bool learn(mx_train *t, const mx_lesson *l, outcome *o, mx_arrays *g) {
    mx_lesson_way way = {t->o.checkpoint, drop_of(t)};
    o->loss = mx_lesson_gradients(&t->tune, l, way, g);
    if (!o->loss || !add_up(t, g, o->gradient) || (updates_now(t) && !update(t, o)))
        return false;
    mx_arrays_free(g);
    if (!compute(t, o) || !check_loss(t, number_of(o->loss)))
        return false;
    take(t, o, l, number_of(o->loss));
    return true;
}

static bool iterate(mx_train *t) {
    size_t n = (size_t)t->tune.params, at;
    mx_lesson l = {0};
    mx_arrays g = {0};
    outcome o = {.gradient = mx_calloc(n * (2 + MX_OPTIM_STATES), sizeof *o.gradient)};
    mx_scope scope = mx_scope_open();
    bool ok = o.gradient && find_batch(t, &at) && lesson_of(&t->train, &t->batches, at, &l);
    if (ok) {
        o.value = o.gradient + n;
        o.state = o.value + n;
        ok = learn(t, &l, &o, &g);
    }
    mx_arrays_free(&g);
    mx_scope_close(scope);
    mx_lesson_free(&l);
    mx_free(o.gradient);
    return ok;
}

/* --- losses of other texts ------------------------------------------------------------------- */

static bool loss_of(const mx_train *t, const mx_lesson *l, double *out) {
    mx_array **value = mx_calloc((size_t)t->tune.params, sizeof *value);
    mx_scope scope = mx_scope_open();
    for (int i = 0; value && i < t->tune.params; i++)
        value[i] = t->tune.param[i].value;
    mx_array *loss = value ? mx_lesson_loss(&t->tune, l, value, (mx_lesson_way){0}) : NULL;
    bool ok = loss && mx_eval1(loss);
    if (ok)
        *out = number_of(loss);
    mx_scope_close(scope);
    mx_free(value);
    return ok;
}

/* The mean over the tokens of at most `most` batches, -1: of all. */
static bool evaluate(runner *r, const mx_examples *e, int most, double *out) {
    mx_train *t = r->t;
    mx_batch_spec s = {.size = (size_t)t->o.batch_size, .seed = t->o.seed};
    mx_batches b;
    double sum = 0;
    int64_t tokens = 0;
    bool ok = mx_batches_make(&b, e, &s, 0);
    for (size_t i = 0; ok && i < b.count && (most < 0 || i < (size_t)most); i++) {
        mx_lesson l;
        double loss;
        ok = lesson_of(e, &b, i, &l) && loss_of(t, &l, &loss) &&
             tell(r, (mx_train_event){.kind = MX_TRAIN_STEP});
        sum += ok ? loss * (double)l.targets : 0;
        tokens += l.targets;
        mx_lesson_free(&l);
    }
    mx_batches_free(&b);
    *out = tokens ? sum / (double)tokens : NAN;
    return ok;
}

static bool validate(runner *r) {
    double began = seconds(), loss;
    mx_train *t = r->t;
    if (!t->valid.count || t->o.val_batches == 0)
        return true;
    if (!evaluate(r, &t->valid, t->o.val_batches, &loss))
        return false;
    t->window.began += seconds() - began;
    return tell(r, (mx_train_event){
                       .kind = MX_TRAIN_EVALUATED, .loss = loss, .seconds = seconds() - began});
}

/* --- reports and files ----------------------------------------------------------------------- */

static bool tell_window(runner *r) {
    mx_train *t = r->t;
    tune_window *w = &t->window;
    double time = seconds() - w->began;
    mx_train_event e = {.kind = MX_TRAIN_REPORT,
                        .loss = w->loss / (double)w->iterations,
                        .learning_rate = mx_rate_at(&t->rate, t->updates ? t->updates - 1 : 0),
                        .iterations_per_second = (double)w->iterations / time,
                        .tokens_per_second = (double)w->tokens / time,
                        .peak_bytes = mx_mem_peak(),
                        .seconds = time};
    *w = (tune_window){.began = seconds()};
    return tell(r, e);
}

static bool save_numbered(const mx_train *t) {
    char name[64];
    snprintf(name, sizeof name, "%07lld_" MX_ADAPTER_FILE, (long long)t->iteration);
    char *path = tune_inside(t, name);
    bool ok = path && mx_adapter_save(&t->tune, path);
    mx_free(path);
    return ok;
}

static bool save_files(const mx_train *t) {
    json_t *terms = tune_terms(t);
    char *path = tune_inside(t, MX_ADAPTER_FILE);
    bool ok = terms && path && mx_adapter_save_config(terms, t->folder) && tune_state_save(t) &&
              mx_adapter_save(&t->tune, path);
    mx_free(path);
    json_decref(terms);
    return ok;
}

bool mx_train_save(mx_train *t) {
    if (!t->folder)
        return mx_fail(MX_INVALID, "[%s] there is no folder for the adapter", op);
    mx_interrupt_commit(1);
    bool ok = save_files(t);
    mx_interrupt_commit(-1);
    return ok;
}

static bool save(runner *r, bool numbered) {
    if (!r->t->folder || r->saved == r->t->iteration)
        return true;
    double began = seconds();
    bool ok = mx_train_save(r->t) && (!numbered || save_numbered(r->t));
    r->t->window.began += seconds() - began;
    r->saved = ok ? r->t->iteration : -1;
    return ok && tell(r, (mx_train_event){.kind = MX_TRAIN_SAVED, .text = r->t->folder});
}

/* --- all ------------------------------------------------------------------------------------- */

static bool behind_iteration(runner *r) {
    mx_train *t = r->t;
    bool last = t->iteration == t->o.iters;
    return ((t->iteration % t->o.report_every && !last) || tell_window(r)) &&
           ((t->iteration % t->o.eval_every && !last) || validate(r)) &&
           (t->iteration % t->o.save_every || save(r, true)) &&
           tell(r, (mx_train_event){.kind = MX_TRAIN_STEP});
}

static bool remarks(runner *r, const mx_examples *e, const char *name) {
    char text[256];
    if (e->cut) {
        snprintf(text, sizeof text,
                 "%s: %zu of %zu examples have more than %d tokens and lose "
                 "their end",
                 name, e->cut, e->count + e->dropped, r->t->o.max_tokens);
        if (!note(r, text))
            return false;
    }
    if (!e->dropped)
        return true;
    snprintf(text, sizeof text, "%s: in %zu of %zu examples there is nothing to learn", name,
             e->dropped, e->count + e->dropped);
    return note(r, text);
}

/* Gradients behind the last update stay in the state, for a training that goes on. */
static bool remark_rest(runner *r) {
    char text[160];
    int rest = r->t->o.iters % r->t->o.accumulate;
    if (!rest)
        return true;
    snprintf(text, sizeof text,
             "the last %d of %d iterations make no update: an update takes "
             "grad_accumulation_steps %d",
             rest, r->t->o.iters, r->t->o.accumulate);
    return note(r, text);
}

/* Of a training that goes on behind its end. */
static bool remark_end(runner *r) {
    char text[160];
    if (r->t->iteration < r->t->o.iters)
        return true;
    snprintf(text, sizeof text,
             "nothing more is learned: %lld iterations were done, and iters is %d in all",
             (long long)r->t->iteration, r->t->o.iters);
    return note(r, text);
}

static bool run(runner *r) {
    mx_train *t = r->t;
    if (!t->train.count)
        return mx_fail(MX_INVALID, "[%s] there is no train.jsonl to learn from", op);
    bool ok = remarks(r, &t->train, "train.jsonl") && remarks(r, &t->valid, "valid.jsonl") &&
              remark_rest(r) && remark_end(r) && (t->iteration || validate(r));
    t->window.began = seconds();
    while (ok && t->iteration < t->o.iters)
        ok = iterate(t) && behind_iteration(r);
    return ok;
}

bool mx_train_run(mx_train *t, mx_train_report *report, void *payload, bool *stopped) {
    runner r = {t, report, payload, false, -1};
    bool ok = run(&r);
    *stopped = r.stopped;
    if (!ok && !r.stopped)
        return false;
    r.stopped = false;
    return save(&r, false) || r.stopped;
}

bool mx_train_test(mx_train *t, mx_train_report *report, void *payload, double *loss) {
    runner r = {t, report, payload, false, -1};
    if (!t->test.count)
        return mx_fail(MX_INVALID, "[%s] there is no test.jsonl", op);
    bool ok = evaluate(&r, &t->test, t->o.test_batches, loss);
    return ok || (r.stopped && mx_fail(MX_INTERRUPTED, "[%s] it was stopped", op));
}
