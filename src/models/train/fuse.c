/* Adapters made part of the weights: see fuse.h. */
#include "models/train/fuse.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "graph/eval/eval.h"
#include "models/train/adapter.h"
#include "ops/ops.h"

/* The adapter, and over all matrices that are rounded the sums that say what is left of it: with d
   the change as it should be and q as it is, of d d, of q d, and of (q - d) (q - d). */
typedef struct fusing {
    mx_tune tune;
    double wanted, along, off;
} fusing;

static const mx_tune *tune_of(const void *changer) {
    return &((const fusing *)changer)->tune;
}

static const mx_tune_module *module_at(const mx_tune *t, const mx_place *p) {
    for (int i = 0; i < t->modules; i++)
        if (t->module[i].row == p->row && t->module[i].layer == p->layer)
            return &t->module[i];
    return NULL;
}

/* Of a full adapter: the param that takes a part's place. */
static const mx_param *param_at(const mx_tune *t, const mx_place *p) {
    const mx_tune_module *m = module_at(t, p);
    for (int i = 0; m && i < t->params; i++)
        if (&t->module[t->param[i].module] == m &&
            strcmp(mx_role_name(t->param[i].role), p->part) == 0)
            return &t->param[i];
    return NULL;
}

static bool changes(const void *changer, const mx_place *p) {
    const mx_tune *t = tune_of(changer);
    if (t->spec.kind == MX_TUNE_FULL)
        return param_at(t, p) != NULL;
    return strcmp(p->part, "weight") == 0 && module_at(t, p) != NULL;
}

/* The source has columns as rows. */
static bool turned(const mx_tune *t, const mx_place *p) {
    return (p->row->flags & MX_ROW_TURNED) && !t->decoder->gguf && strcmp(p->part, "weight") == 0;
}

static mx_array *full(const mx_tune *t, const mx_param *p, int expert) {
    if (expert >= 0)
        return mx_take(p->value, mx_scalar(expert, MX_INT32), 0);
    bool one = t->module[p->module].norm && p->role == MX_ROLE_WEIGHT &&
               t->decoder->family->adds_one && !t->decoder->gguf;
    return one ? mx_add_s(p->value, -1) : p->value;
}

static mx_array *change(const void *changer, const mx_place *p, mx_array *values) {
    const mx_tune *t = tune_of(changer);
    bool turns = turned(t, p);
    if (t->spec.kind == MX_TUNE_FULL)
        values = full(t, param_at(t, p), p->expert);
    else
        values =
            mx_tune_merged(t, module_at(t, p), turns ? mx_transpose(values) : values, p->expert);
    return turns ? mx_transpose(values) : values;
}

/* Scales and biases in the dtype of those that they replace. */
static bool rescale(const void *changer, const mx_place *p, mx_parts *parts) {
    const mx_tune *t = tune_of(changer);
    const mx_tune_module *m = module_at(t, p);
    for (int i = 1; i < 3; i++) {
        mx_array *a = mx_tune_value(t, m, i == 1 ? MX_ROLE_SCALES : MX_ROLE_BIASES);
        if (a && p->expert >= 0)
            a = mx_take(a, mx_scalar(p->expert, MX_INT32), 0);
        if (!a || !parts->part[i])
            return mx_fail(MX_UNSUPPORTED, "[fuse] '%s': %s is no matrix with scales and biases",
                           t->decoder->name, m->name);
        parts->part[i] = mx_astype(a, mx_dtype_of(parts->part[i]));
    }
    return parts->part[2] != NULL;
}

/* --- what rounding leaves of the change ------------------------------------------------------- */

static bool measure(const void *changer, mx_array *before, mx_array *wanted, mx_array *made) {
    fusing *f = (fusing *)(uintptr_t)changer;
    mx_array *d = mx_sub(wanted, before), *q = mx_sub(made, before), *off = mx_sub(made, wanted);
    mx_array *sums[] = {mx_sum_all(mx_mul(d, d)), mx_sum_all(mx_mul(q, d)),
                        mx_sum_all(mx_mul(off, off))};
    double *const to[] = {&f->wanted, &f->along, &f->off};
    if (mx_failed() || !mx_eval(sums, 3))
        return false;
    for (int i = 0; i < 3; i++)
        *to[i] += (double)*(const float *)sums[i]->data;
    return true;
}

static void tell(const fusing *f, const mx_convert_options *o) {
    char text[256];
    double kept = f->wanted > 0 ? f->along / f->wanted : 1, lost = kept < 1 ? 1 - kept : 0;
    if (!o->progress || !(f->wanted > 0))
        return;
    snprintf(
        text, sizeof text,
        "of the adapter's change %.3g%% is in the rounded weights, beside errors of %.3g times "
        "its length%s",
        100 * kept, sqrt(f->off / f->wanted),
        lost > 0.1 ? ": dequantize, or more bits, would keep it" : "");
    o->progress(o->payload, &(mx_convert_progress){.note = text, .lost = lost});
}

bool mx_train_fuse(const char *model, const char *adapter, const char *out,
                   const mx_convert_options *o) {
    mx_convert_options own = o ? *o : (mx_convert_options){0};
    fusing f = {0};
    if (!model || !adapter || !out)
        return mx_fail(MX_INVALID, "[fuse] a path is NULL");
    mx_scope scope = mx_scope_open();
    mx_decoder *d = mx_decoder_open(model);
    own.changes = changes;
    own.change = change;
    own.measure = measure;
    own.changer = &f;
    bool ok = d && mx_adapter_read(&f.tune, d, adapter);
    own.rescale = f.tune.spec.kind == MX_TUNE_SCALES ? rescale : NULL;
    ok = ok && mx_make_folders("fuse", out) && mx_convert(model, out, &own);
    if (ok)
        tell(&f, &own);
    mx_tune_close(&f.tune);
    mx_decoder_release(d);
    mx_scope_close(scope);
    return ok;
}
