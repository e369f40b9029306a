/* Values into a decoder's layers: see tune.h. */
#include "base/mem.h"
#include "base/status.h"
#include "graph/eval/eval.h"
#include "graph/trace/scope.h"
#include "models/decoder/graph.h"
#include "models/train/tune.h"
#include "ops/ops.h"

/* The values of a module, by role. */
typedef struct values {
    mx_array *of[MX_ROLES];
} values;

static mx_array *rows(mx_array *a, const mx_tune_module *m, int part) {
    const mx_weight *w = m->part[part];
    return m->parts == 1
               ? a
               : mx_slice_axis(a, m->experts ? 1 : 0, (int)w->first, (int)(w->first + w->out));
}

/* --- DoRA ------------------------------------------------------------------------------------ */

/* |W + scale (A B)'| of each row of a part: by |W|^2 + 2 scale W A . B' + scale^2 |A B|^2, so that
   W is read as it lies. */
static mx_array *norms_of(const mx_tune *t, const mx_tune_module *m, int part, mx_array *down,
                          mx_array *up) {
    double s = t->spec.scale;
    mx_array *cross = mx_mul(mx_transpose(mx_decoder_graph_product(m->part[part], down)), up);
    mx_array *gram = mx_matmul(down, mx_transpose(down));
    mx_array *square = mx_mul(mx_matmul(up, gram), up);
    mx_array *change =
        mx_sum_axis(mx_add(mx_mul_s(cross, 2 * s), mx_mul_s(square, s * s)), 1, false);
    mx_array *all = mx_add(rows(m->squares, m, part), change);
    return mx_sqrt(mx_maximum(all, mx_scalar(1e-30, MX_FLOAT32)));
}

static mx_array *gain_of(const mx_tune *t, const mx_tune_module *m, int part, mx_array *down,
                         mx_array *up, mx_array *magnitude) {
    mx_array *norm = norms_of(t, m, part, mx_stop_gradient(down), mx_stop_gradient(up));
    return mx_div(rows(magnitude, m, part), mx_stop_gradient(norm));
}

/* --- modules --------------------------------------------------------------------------------- */

static void apply_full(const mx_tune_module *m, const values *v) {
    mx_array *weight = v->of[MX_ROLE_WEIGHT], *bias = v->of[MX_ROLE_BIAS];
    if (m->norm) {
        m->norm->weight = weight;
        m->norm->bias = bias ? bias : m->norm->bias;
    }
    for (int i = 0; i < m->parts; i++) {
        m->part[i]->words = rows(weight, m, i);
        m->part[i]->bias = bias ? rows(bias, m, i) : m->part[i]->bias;
    }
}

static void apply_scales(const mx_tune_module *m, const values *v) {
    for (int i = 0; i < m->parts; i++) {
        m->part[i]->scales = rows(v->of[MX_ROLE_SCALES], m, i);
        m->part[i]->biases = rows(v->of[MX_ROLE_BIASES], m, i);
    }
}

static void apply_change(const mx_tune *t, const mx_tune_module *m, const values *v,
                         uint64_t drop) {
    bool drops = drop && t->spec.dropout > 0;
    mx_array *key = drops ? mx_random_key(drop + (uint64_t)(m - t->module)) : NULL;
    mx_array *down = v->of[MX_ROLE_A], *all = v->of[MX_ROLE_B];
    if (!m->experts) {
        down = mx_transpose(down);
        all = mx_transpose(all);
    }
    for (int i = 0; i < m->parts; i++) {
        mx_weight *w = m->part[i];
        mx_array *up = rows(all, m, i);
        w->down = down;
        w->up = up;
        w->change = t->spec.scale;
        w->drop = key;
        w->dropout = t->spec.dropout;
        w->gain = v->of[MX_ROLE_M] ? gain_of(t, m, i, down, up, v->of[MX_ROLE_M]) : NULL;
    }
}

bool mx_tune_apply(const mx_tune *t, int n, mx_array *const *value, uint64_t drop) {
    for (int i = 0; i < t->params && !mx_failed();) {
        int module = t->param[i].module;
        const mx_tune_module *m = &t->module[module];
        values v = {{NULL}};
        for (; i < t->params && t->param[i].module == module; i++)
            v.of[t->param[i].role] = value[i];
        if (n >= 0 && m->layer != n)
            continue;
        if (t->spec.kind == MX_TUNE_FULL)
            apply_full(m, &v);
        else if (t->spec.kind == MX_TUNE_SCALES)
            apply_scales(m, &v);
        else
            apply_change(t, m, &v, drop);
    }
    return !mx_failed();
}

/* --- for good -------------------------------------------------------------------------------- */

static bool settle(mx_tune *t, mx_array **a) {
    mx_array *rows = *a ? mx_contiguous(*a, false) : NULL;
    if (*a && (!rows || !mx_eval1(rows) || !(*a = mx_decoder_keep(t->decoder, rows))))
        return false;
    return true;
}

static bool settle_module(mx_tune *t, mx_tune_module *m) {
    bool ok = !m->norm || (settle(t, &m->norm->weight) && settle(t, &m->norm->bias));
    for (int i = 0; ok && i < m->parts; i++) {
        mx_weight *w = m->part[i];
        ok = settle(t, &w->down) && settle(t, &w->up) && settle(t, &w->gain) &&
             (t->spec.kind != MX_TUNE_FULL || (settle(t, &w->words) && settle(t, &w->bias))) &&
             (t->spec.kind != MX_TUNE_SCALES || (settle(t, &w->scales) && settle(t, &w->biases)));
    }
    return ok;
}

bool mx_tune_settle(mx_tune *t) {
    mx_array **value = mx_calloc((size_t)t->params + 1, sizeof *value);
    mx_scope scope = mx_scope_open();
    for (int i = 0; value && i < t->params; i++)
        value[i] = t->param[i].value;
    bool ok = value && mx_tune_apply(t, -1, value, 0);
    for (int i = 0; ok && i < t->modules; i++)
        ok = settle_module(t, &t->module[i]);
    mx_scope_close(scope);
    mx_free(value);
    return ok;
}

/* --- merged ---------------------------------------------------------------------------------- */

mx_array *mx_tune_value(const mx_tune *t, const mx_tune_module *m, mx_role role) {
    for (int i = 0; i < t->params; i++)
        if (&t->module[t->param[i].module] == m && t->param[i].role == role)
            return t->param[i].value;
    return NULL;
}

/* (out, in), of a stack (experts, out, in) */
static mx_array *change_of(const mx_tune_module *m, mx_array *a, mx_array *b, int expert) {
    if (!m->experts)
        return mx_transpose(mx_matmul(a, b));
    if (expert < 0)
        return mx_matmul(b, a);
    mx_array *which = mx_scalar(expert, MX_INT32);
    return mx_matmul(mx_take(b, which, 0), mx_take(a, which, 0));
}

mx_array *mx_tune_merged(const mx_tune *t, const mx_tune_module *m, mx_array *base, int expert) {
    mx_array *a = mx_tune_value(t, m, MX_ROLE_A), *b = mx_tune_value(t, m, MX_ROLE_B);
    mx_array *magnitude = mx_tune_value(t, m, MX_ROLE_M);
    if (!a || !b)
        return base;
    mx_array *change = mx_mul_s(change_of(m, a, b, expert), t->spec.scale);
    mx_array *all = mx_add(mx_astype(base, MX_FLOAT32), change);
    if (!magnitude)
        return all;
    mx_array *norm = mx_sqrt(mx_sum_axis(mx_square(all), 1, false));
    norm = mx_maximum(norm, mx_scalar(1e-15, MX_FLOAT32));
    return mx_mul(all, mx_expand_dim(mx_div(magnitude, norm), 1));
}
