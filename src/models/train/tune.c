/* Modules of a decoder, and their params: see tune.h. */
#include "models/train/tune.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "graph/eval/eval.h"
#include "graph/trace/scope.h"
#include "models/decoder/graph.h"
#include "ops/ops.h"

enum { USUAL_LAYERS = 16 };

void mx_tune_close(mx_tune *t) {
    for (int i = 0; i < t->modules; i++) {
        mx_free(t->module[i].name);
        mx_array_release(t->module[i].squares);
    }
    for (int i = 0; i < t->params; i++) {
        mx_free(t->param[i].name);
        mx_array_release(t->param[i].value);
    }
    mx_free(t->module);
    mx_free(t->param);
    mx_decoder_release(t->decoder);
    *t = (mx_tune){0};
}

/* --- kinds ----------------------------------------------------------------------------------- */

const char *const mx_tune_kinds[] = {"lora", "dora", "full", "scales"};

bool mx_tune_kind_named(const char *name, mx_tune_kind *out) {
    for (int i = 0; i < MX_TUNE_KINDS; i++)
        if (strcmp(name, mx_tune_kinds[i]) == 0) {
            *out = (mx_tune_kind)i;
            return true;
        }
    return false;
}

void mx_tune_roles(mx_tune_kind kind, mx_role *first, mx_role *last) {
    static const mx_role roles[][2] = {{MX_ROLE_A, MX_ROLE_B},
                                       {MX_ROLE_A, MX_ROLE_M},
                                       {MX_ROLE_WEIGHT, MX_ROLE_BIAS},
                                       {MX_ROLE_SCALES, MX_ROLE_BIASES}};
    *first = roles[kind][0];
    *last = roles[kind][1];
}

/* --- modules --------------------------------------------------------------------------------- */

/* "self_attn.q_proj" of "model.layers.{n}.self_attn.q_proj" */
static const char *key_of(const mx_tensor_row *row) {
    const char *pattern = mx_row_pattern(row, MX_NAMED_MLX);
    const char *layer = pattern ? strstr(pattern, "{n}.") : NULL;
    return layer ? layer + 4 : pattern ? pattern : "";
}

/* As mlx_lm calls it. */
static char *name_of(const mx_tune *t, const mx_tensor_row *row, int layer) {
    const char *before = t->decoder->family->module;
    char *name = mx_place_name(&(mx_place){row, layer, -1, NULL}, MX_NAMED_MLX, NULL);
    mx_text all = {0};
    if (!name || !before)
        return name;
    mx_text_add(&all, "%s%s", before, name);
    mx_free(name);
    return mx_text_take(&all);
}

static bool grow(void *list, int count, size_t size) {
    void **at = list;
    void *p = count % 16 ? *at : mx_realloc_array(*at, (size_t)count + 16, size);
    if (p)
        *at = p;
    return p != NULL;
}

/* The parts of a matrix, which cover its rows in order. */
static bool find_parts(mx_tune *t, mx_tune_module *m) {
    mx_weight *all[MX_LAYER_MATRICES];
    int n = mx_layer_matrices(&t->decoder->layer[m->layer], all);
    for (int i = 0; i < n; i++)
        if (all[i]->row == m->row && all[i]->first == m->out) {
            m->part[m->parts++] = all[i];
            m->out += all[i]->out;
            m->in = all[i]->in;
            m->experts = all[i]->experts;
        }
    return m->parts > 0;
}

static bool find_norm(mx_tune *t, mx_tune_module *m) {
    mx_norm *all[MX_LAYER_NORMS];
    int n = mx_layer_norms(&t->decoder->layer[m->layer], all);
    for (int i = 0; i < n; i++)
        if (all[i]->row == m->row && all[i]->weight) {
            m->norm = all[i];
            m->out = all[i]->weight->size;
        }
    return m->norm != NULL;
}

/* Sums of the squares of rows. */
static mx_array *squares_of(const mx_tune_module *m) {
    mx_array *part[MX_LAYER_MATRICES];
    mx_scope scope = mx_scope_open();
    for (int i = 0; i < m->parts; i++)
        part[i] = mx_sum_axis(mx_square(mx_decoder_graph_values(m->part[i])), 1, false);
    mx_array *all = mx_concatenate(part, m->parts, 0);
    all = all && mx_eval1(all) ? mx_array_retain(all) : NULL;
    mx_scope_close(scope);
    return all;
}

static bool is_dense(const mx_weight *w) {
    return w->kind == MX_WEIGHT_DENSE;
}

static bool is_affine(const mx_weight *w) {
    return w->kind == MX_WEIGHT_AFFINE && w->mode == MX_AFFINE && !w->repacked;
}

static bool all_are(const mx_tune_module *m, bool (*is)(const mx_weight *)) {
    for (int i = 0; i < m->parts; i++)
        if (!is(m->part[i]))
            return false;
    return true;
}

/* Has the matrix what the kind changes? */
static bool check_kind(const mx_tune *t, const mx_tune_module *m) {
    mx_tune_kind kind = t->spec.kind;
    const char *name = t->decoder->name;
    if (kind == MX_TUNE_FULL && !all_are(m, is_dense))
        return mx_fail(MX_UNSUPPORTED,
                       "[train] '%s': %.200s is quantized, and only numbers are trained in "
                       "full: dequantize the model, or add low-rank changes",
                       name, m->name);
    if (kind == MX_TUNE_DORA && m->experts)
        return mx_fail(MX_UNSUPPORTED,
                       "[train] '%s': %.200s is a stack of experts, which has no DoRA: lora was "
                       "expected",
                       name, m->name);
    return kind != MX_TUNE_SCALES || all_are(m, is_affine) ||
           mx_fail(MX_UNSUPPORTED,
                   "[train] '%s': %.200s has no scales that could be learned: a folder that is "
                   "quantized with the mode affine was expected",
                   name, m->name);
}

mx_tune_module *mx_tune_add_module(mx_tune *t, const mx_tensor_row *row, int layer,
                                   const char *name) {
    bool full = t->spec.kind == MX_TUNE_FULL;
    if (!grow(&t->module, t->modules, sizeof *t->module))
        return NULL;
    mx_tune_module *m = &t->module[t->modules];
    *m = (mx_tune_module){.row = row, .layer = layer};
    bool found =
        layer >= 0 && layer < t->decoder->layers && (find_parts(t, m) || (full && find_norm(t, m)));
    if (!found)
        return mx_fail(
            MX_UNSUPPORTED,
            "[train] '%s': '%.200s' is no matrix that can be changed (embeddings and heads "
            "cannot, nor what is made of rows here and there)",
            t->decoder->name, name);
    m->name = mx_strdup(name);
    t->modules++;
    if (!m->name || !check_kind(t, m))
        return NULL;
    if (t->spec.kind == MX_TUNE_DORA && !(m->squares = squares_of(m)))
        return NULL;
    return m;
}

/* --- what a spec says ------------------------------------------------------------------------ */

static bool wanted(const mx_tune_spec *spec, const mx_tensor_row *row, bool *used) {
    for (size_t i = 0; i < spec->key_num; i++)
        if (strcmp(spec->keys[i], key_of(row)) == 0)
            return used[i] = true;
    return !spec->keys;
}

static bool has_module(const mx_tune *t, const mx_tensor_row *row, int layer) {
    for (int i = t->modules; i-- > 0 && t->module[i].layer == layer;)
        if (t->module[i].row == row)
            return true;
    return false;
}

static bool add_row(mx_tune *t, const mx_tune_spec *spec, const mx_tensor_row *row, int layer,
                    bool *used) {
    if (has_module(t, row, layer) || !wanted(spec, row, used))
        return true;
    char *name = name_of(t, row, layer);
    bool ok = name && mx_tune_add_module(t, row, layer, name);
    mx_free(name);
    return ok;
}

/* A router that is no matrix to mlx_lm, which could not read a low-rank change of it. */
static bool is_no_matrix(const mx_tune_spec *spec, const mx_layer *l, const mx_weight *w) {
    return mx_tune_adds(spec->kind) && w == &l->experts.router && l->experts.bare_router;
}

/* That, and what nobody has named and the kind cannot change. */
static bool is_passed_over(const mx_tune_spec *spec, const mx_layer *l, const mx_weight *w) {
    return is_no_matrix(spec, l, w) ||
           (!spec->keys && ((spec->kind == MX_TUNE_DORA && w->experts) ||
                            (spec->kind == MX_TUNE_SCALES && !is_affine(w))));
}

static bool add_layer(mx_tune *t, const mx_tune_spec *spec, int layer, bool *used) {
    mx_weight *matrix[MX_LAYER_MATRICES];
    mx_norm *norm[MX_LAYER_NORMS];
    mx_layer *l = &t->decoder->layer[layer];
    int n = mx_layer_matrices(l, matrix), norms = mx_layer_norms(l, norm);
    bool ok = true;
    for (int i = 0; ok && i < n; i++)
        ok = is_passed_over(spec, l, matrix[i]) || add_row(t, spec, matrix[i]->row, layer, used);
    for (int i = 0; ok && i < norms && spec->kind == MX_TUNE_FULL; i++)
        ok = !norm[i]->weight || add_row(t, spec, norm[i]->row, layer, used);
    return ok;
}

/* All that may be named. */
static void list_keys(const mx_tune *t, char *room, size_t n) {
    const char *seen[MX_LAYER_MATRICES];
    mx_weight *matrix[MX_LAYER_MATRICES];
    mx_layer *l = &t->decoder->layer[t->decoder->layers - 1];
    int count = mx_layer_matrices(l, matrix), known = 0;
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        const char *key = key_of(matrix[i]->row);
        bool again = is_no_matrix(&t->spec, l, matrix[i]);
        for (int k = 0; k < known; k++)
            again = again || strcmp(seen[k], key) == 0;
        if (again || at + strlen(key) + 3 > n)
            continue;
        seen[known++] = key;
        at += (size_t)snprintf(room + at, n - at, at ? ", %s" : "%s", key);
    }
}

static bool add_layers(mx_tune *t, const mx_tune_spec *spec) {
    bool *used = mx_calloc(spec->key_num + 1, sizeof *used), ok = used;
    char known[512] = "";
    for (int n = t->first; ok && n < t->decoder->layers; n++)
        ok = add_layer(t, spec, n, used);
    list_keys(t, known, sizeof known);
    for (size_t i = 0; ok && i < spec->key_num; i++)
        if (!used[i])
            ok = mx_fail(MX_INVALID, "[train] '%s': no layer has a matrix '%.100s'; there are %s",
                         t->decoder->name, spec->keys[i], known);
    mx_free(used);
    return ok &&
           (t->modules ||
            mx_fail(MX_UNSUPPORTED, "[train] '%s' has no matrix that %s changes", t->decoder->name,
                    spec->kind == MX_TUNE_SCALES ? "(quantized with the mode affine) 'scales'"
                                                 : mx_tune_kinds[spec->kind]));
}

static bool check_spec(const mx_tune *t, const mx_tune_spec *s) {
    if (s->layers < -1 || s->layers > t->decoder->layers)
        return mx_fail(MX_INVALID, "[train] %d layers were to be trained, and '%s' has %lld",
                       s->layers, t->decoder->name, (long long)t->decoder->layers);
    if (!mx_tune_adds(s->kind))
        return true;
    if (s->rank < 1 || s->rank > 1 << 16)
        return mx_fail(MX_INVALID, "[train] a rank of %d: 1 to 65536 was expected", s->rank);
    return (s->dropout >= 0 && s->dropout < 1 && s->scale == s->scale) ||
           mx_fail(MX_INVALID, "[train] a dropout of %g: 0 to below 1 was expected", s->dropout);
}

bool mx_tune_open(mx_tune *t, mx_decoder *d, const mx_tune_spec *spec) {
    *t = (mx_tune){.spec = *spec};
    t->spec.keys = NULL;
    t->spec.key_num = 0;
    if (!(t->decoder = mx_decoder_derive(d)) || !check_spec(t, spec))
        return false;
    int all = (int)d->layers, n = spec->layers;
    n = n == -1 ? all : n ? n : all < USUAL_LAYERS ? all : USUAL_LAYERS;
    t->spec.layers = n;
    t->first = all - n;
    return add_layers(t, spec);
}

/* --- params ---------------------------------------------------------------------------------- */

const char *mx_role_name(mx_role role) {
    static const char *const names[] = {"lora_a", "lora_b", "m",     "weight",
                                        "bias",   "scales", "biases"};
    return names[role];
}

/* Of each expert where there are such. */
static mx_shape stacked(const mx_tune_module *m, mx_shape s) {
    if (!m->experts)
        return s;
    memmove(s.dim + 1, s.dim, (size_t)s.ndim * sizeof *s.dim);
    s.dim[0] = (int)m->experts;
    s.ndim++;
    return s;
}

mx_shape mx_tune_shape(const mx_tune *t, const mx_tune_module *m, mx_role role) {
    int out = (int)m->out, in = (int)m->in, rank = t->spec.rank;
    bool turned = m->experts; // as the decoder has it
    switch (role) {
    case MX_ROLE_A: return stacked(m, (mx_shape){2, {turned ? rank : in, turned ? in : rank}});
    case MX_ROLE_B: return stacked(m, (mx_shape){2, {turned ? out : rank, turned ? rank : out}});
    case MX_ROLE_WEIGHT:
        if (!m->norm)
            return stacked(m, (mx_shape){2, {out, in}});
        break;
    case MX_ROLE_SCALES:
    case MX_ROLE_BIASES: return stacked(m, (mx_shape){2, {out, in / m->part[0]->group}});
    case MX_ROLE_M:
    case MX_ROLE_BIAS:
    case MX_ROLES: break;
    }
    return stacked(m, (mx_shape){1, {out}});
}

mx_param *mx_tune_add_param(mx_tune *t, const mx_tune_module *m, mx_role role) {
    mx_text name = {0};
    if (!grow(&t->param, t->params, sizeof *t->param))
        return NULL;
    mx_text_add(&name, "%s.%s", m->name, mx_role_name(role));
    mx_param *p = &t->param[t->params];
    *p = (mx_param){.name = mx_text_take(&name),
                    .module = (int)(m - t->module),
                    .role = role,
                    .kept = MX_FLOAT32};
    if (!p->name)
        return NULL;
    t->params++;
    return p;
}

bool mx_param_set(mx_param *p, mx_array *value) {
    mx_array *a = mx_contiguous(mx_astype(value, MX_FLOAT32), false);
    if (!a || !mx_eval1(a))
        return false;
    mx_array_retain(a);
    mx_array_release(p->value);
    p->value = a;
    return true;
}

static mx_array *array_of(const mx_weight *w, mx_role role) {
    return role == MX_ROLE_BIAS     ? w->bias
           : role == MX_ROLE_SCALES ? w->scales
           : role == MX_ROLE_BIASES ? w->biases
                                    : w->words;
}

static mx_array *joined(const mx_tune_module *m, mx_role role) {
    mx_array *part[MX_LAYER_MATRICES];
    if (m->norm)
        return role == MX_ROLE_BIAS ? m->norm->bias : m->norm->weight;
    for (int i = 0; i < m->parts; i++) {
        part[i] = array_of(m->part[i], role);
        if (!part[i])
            return NULL;
    }
    return m->parts == 1 ? part[0] : mx_concatenate(part, m->parts, m->experts ? 1 : 0);
}

static mx_array *drawn(const mx_tune *t, const mx_tune_module *m, uint64_t seed) {
    mx_shape s = mx_tune_shape(t, m, MX_ROLE_A);
    double most = 1 / sqrt((double)m->in);
    mx_array *key = mx_random_key(seed + (uint64_t)t->params * 0x9E3779B97F4A7C15u);
    return mx_random_uniform(mx_scalar(-most, MX_FLOAT32), mx_scalar(most, MX_FLOAT32), s.dim,
                             s.ndim, MX_FLOAT32, key);
}

static mx_array *first_value(const mx_tune *t, const mx_tune_module *m, mx_role role,
                             uint64_t seed) {
    mx_shape s = mx_tune_shape(t, m, role);
    switch (role) {
    case MX_ROLE_A: return drawn(t, m, seed);
    case MX_ROLE_B: return mx_zeros(s.dim, s.ndim, MX_FLOAT32);
    case MX_ROLE_M: return mx_sqrt(m->squares);
    case MX_ROLE_WEIGHT:
    case MX_ROLE_BIAS:
    case MX_ROLE_SCALES:
    case MX_ROLE_BIASES:
    case MX_ROLES: break;
    }
    return joined(m, role);
}

static bool begin_param(mx_tune *t, const mx_tune_module *m, mx_role role, uint64_t seed) {
    mx_scope scope = mx_scope_open();
    mx_array *value = first_value(t, m, role, seed);
    mx_param *p = value ? mx_tune_add_param(t, m, role) : NULL;
    bool ok = p && mx_param_set(p, value);
    if (ok && !mx_tune_adds(t->spec.kind))
        p->kept = mx_dtype_of(value);
    mx_scope_close(scope);
    return ok || (!mx_failed() && role == MX_ROLE_BIAS); // there may be none
}

bool mx_tune_begin(mx_tune *t, uint64_t seed) {
    mx_role first, last;
    bool ok = true;
    mx_tune_roles(t->spec.kind, &first, &last);
    for (int i = 0; ok && i < t->modules; i++)
        for (mx_role r = first; ok && r <= last; r++)
            ok = begin_param(t, &t->module[i], r, seed);
    return ok;
}

/* --- rows as files have them ----------------------------------------------------------------- */

/* Rows i and n + i of a head are 2 i and 2 i + 1 in GGUF files of families that say so. */
static mx_array *turn_rows(mx_array *a, int axis, int heads, bool to_gguf) {
    int half = heads && a ? a->shape[axis] / heads / 2 : 0;
    if (!half || half * heads * 2 != a->shape[axis])
        return a;
    int split[] = {heads, to_gguf ? 2 : half, to_gguf ? half : 2};
    mx_array *pairs = mx_swapaxes(mx_unflatten(a, axis, split, 3), axis + 1, axis + 2);
    return mx_flatten(pairs, axis, axis + 2);
}

static int turned_heads(const mx_tune *t, const mx_tune_module *m) {
    const mx_attender *a = &t->decoder->layer[m->layer].attention;
    if (!t->decoder->gguf || !t->decoder->family->interleaves || m->norm)
        return 0;
    return m->row->flags & MX_ROW_QUERY ? a->heads : m->row->flags & MX_ROW_KEY ? a->kv_heads : 0;
}

mx_array *mx_tune_rows(const mx_tune *t, const mx_param *p, mx_array *a, bool back) {
    const mx_tune_module *m = &t->module[p->module];
    int heads = turned_heads(t, m);
    if (m->norm && p->role == MX_ROLE_WEIGHT && t->decoder->family->adds_one)
        return mx_add_s(a, back ? 1 : -1);
    if (!heads || p->role == MX_ROLE_A)
        return a;
    return turn_rows(a, p->role == MX_ROLE_B ? 1 : 0, heads, back);
}
