/* Which tensor of a model is what: see model.h. */
#include "models/convert/tensors.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "models/convert/packed/dynamic.h"
#include "ops/ops.h"

static const char op[] = "convert";

/* --- places ---------------------------------------------------------------------------------- */

/* A part that only others than MLX and GGUF have: "qweight", "weight_scale_inv". */
static bool is_foreign(const char *part) {
    return !mx_name_is_of(part, "weight|bias|scales|biases|");
}

/* Qwen3-Next keeps the layers behind the last by themselves. Their usual name, of which `room`
   holds 256 bytes, or the name itself. */
static const char *usual_name(const mx_model *m, const char *name, char *room) {
    static const char *const ends[][2] = {{"fc.", "eh_proj."},
                                          {"pre_fc_norm_embedding.", "enorm."},
                                          {"pre_fc_norm_hidden.", "hnorm."},
                                          {"norm.", "shared_head.norm."}};
    int layers = (int)mx_dim(&m->dims, 'l'), n = 0, at = 0;
    if (strncmp(name, "mtp.", 4) != 0 || strlen(name) > 200)
        return name;
    if (sscanf(name, "mtp.layers.%d.%n", &n, &at) == 1 && at && n >= 0 && n < m->ahead)
        snprintf(room, 256, "model.layers.%d.%s", layers + n, name + at);
    else
        room[0] = 0;
    for (int i = 0; i < 4; i++)
        if (strncmp(name + 4, ends[i][0], strlen(ends[i][0])) == 0)
            snprintf(room, 256, "model.layers.%d.%s%s", layers, ends[i][1],
                     name + 4 + strlen(ends[i][0]));
    return room[0] ? room : name;
}

static bool find_place(const mx_model *m, mx_model_tensor *t) {
    char room[256];
    const char *name = m->is_gguf ? t->name : usual_name(m, t->name, room);
    bool found = m->is_gguf ? mx_family_find(m->family, MX_NAMED_GGUF, name, &t->place)
                            : mx_family_find(m->family, MX_NAMED_MLX, name, &t->place) ||
                                  mx_family_find(m->family, MX_NAMED_HF, name, &t->place);
    if (found && name != t->name) // both end in the part
        t->place.part = t->name + strlen(t->name) - strlen(t->place.part);
    return found && (m->method || !is_foreign(t->place.part));
}

/* The row stays NULL where the family has none. */
static bool place(mx_model *m, mx_model_tensor *t) {
    if (!m->family)
        return true;
    if (find_place(m, t))
        return mx_model_remember(m, t);
    t->place = (mx_place){NULL, -1, -1, NULL};
    return true;
}

/* --- elements -------------------------------------------------------------------------------- */

static mx_elements plain_of(const mx_archive_tensor *t) {
    const mx_block_format *b = mx_block_by_name(t->storage);
    return b ? mx_elements_block(b) : (mx_elements){.storage = t->storage, .dtype = t->dtype};
}

/* The number of "a.b.scales" beside "a.b.weight"; -1: there is none. */
static int64_t sibling(const mx_model *m, const char *name, const char *part) {
    const char *dot = strrchr(name, '.');
    mx_text t = {0};
    mx_text_put(&t, name, dot ? (size_t)(dot - name) + 1 : 0);
    mx_text_str(&t, part);
    char *full = mx_text_take(&t);
    int64_t i = full ? mx_archive_find(m->archive, full) : -1;
    mx_free(full);
    return i;
}

/* What is said of a module: an entry of its own, or that of all. NULL: nothing. */
static json_t *entry_of(const mx_model *m, const char *name, bool own) {
    json_t *all = m->quantization;
    const char *dot = strrchr(name, '.');
    mx_text t = {0};
    mx_text_put(&t, name, dot ? (size_t)(dot - name) : strlen(name));
    json_t *entry = json_object_get(all, mx_text_view(&t));
    mx_text_free(&t);
    return json_is_object(entry) ? entry : own ? NULL : all;
}

static bool format_of(const mx_model *m, const char *name, const json_t *entry, mx_dtype scales,
                      mx_elements *out) {
    json_t *bits = json_object_get(entry, "bits"), *group = json_object_get(entry, "group_size");
    const char *mode = mx_json_text_at(entry, "mode");
    bool block = mode && mx_block_by_name(mode);
    if (!entry)
        return mx_fail(MX_FORMAT, "[%s] '%s': nothing says how '%.200s' is quantized", op, m->label,
                       name);
    return mx_elements_mode(op, mode ? mode : "affine", block ? 0 : (int)json_integer_value(bits),
                            block ? 0 : (int)json_integer_value(group), scales, out);
}

static bool fail_words(const mx_model *m, const mx_model_tensor *t) {
    char room[64];
    return mx_fail(MX_FORMAT, "[%s] '%s': '%.200s' and its scales are not %s", op, m->label,
                   t->name, mx_elements_name(&t->held, room, sizeof room));
}

/* Do words and scales have the sizes that the format says? */
static bool check_words(const mx_model *m, mx_model_tensor *t) {
    const mx_archive_tensor *w = &m->archive->tensor[t->part[0]],
                            *s = &m->archive->tensor[t->part[1]];
    const mx_quant_format f = t->held.quant;
    int64_t columns = w->ndim ? (int64_t)w->shape[w->ndim - 1] * 32 / f.bits : 0;
    bool affine = f.mode == MX_AFFINE;
    if (w->dtype != MX_UINT32 || w->ndim < 2 || s->ndim != w->ndim || columns > INT32_MAX ||
        (int64_t)s->shape[s->ndim - 1] * f.group != columns || affine != (t->part[2] >= 0) ||
        (affine ? !mx_dtype_is_float(s->dtype) : s->dtype != MX_UINT8) ||
        memcmp(w->shape, s->shape, (size_t)(w->ndim - 1) * sizeof *w->shape) != 0)
        return fail_words(m, t);
    t->shape.dim[w->ndim - 1] = (int)columns;
    return true;
}

static bool words_of(const mx_model *m, mx_model_tensor *t) {
    t->part[1] = sibling(m, t->name, "scales");
    t->part[2] = sibling(m, t->name, "biases");
    mx_dtype scales = m->archive->tensor[t->part[1]].dtype;
    return format_of(m, t->name, entry_of(m, t->name, false), scales, &t->held) &&
           (mx_elements_are_words(&t->held) || fail_words(m, t)) && check_words(m, t);
}

/* Bytes that config.json calls blocks. */
static bool blocks_of(const mx_model *m, mx_model_tensor *t) {
    json_t *entry = entry_of(m, t->name, true);
    if (!entry)
        return true;
    if (!format_of(m, t->name, entry, MX_FLOAT16, &t->held))
        return false;
    const mx_block_format *b = t->held.block;
    int *last = &t->shape.dim[t->shape.ndim - 1];
    if (!b || t->shape.ndim == 0 || *last % b->bytes ||
        (int64_t)*last / b->bytes * b->items > INT32_MAX)
        return fail_words(m, t);
    *last = *last / b->bytes * b->items;
    return true;
}

/* --- listing --------------------------------------------------------------------------------- */

static bool ends_in(const char *name, const char *part) {
    const char *dot = strrchr(name, '.');
    return dot && strcmp(dot + 1, part) == 0;
}

/* Is it the uint32 weight of a module that has scales? */
static bool looks_like_words(const mx_model *m, int64_t i) {
    const mx_archive_tensor *t = i < 0 ? NULL : &m->archive->tensor[i];
    return t && !m->is_gguf && t->dtype == MX_UINT32 && ends_in(t->name, "weight") &&
           sibling(m, t->name, "scales") >= 0;
}

/* Somebody says what they are: of a plain file nobody may, and then all are tensors. */
static bool has_formats(const mx_model *m) {
    return m->config || m->quantization;
}

/* Scales and biases are told with their words. */
static bool is_with_words(const mx_model *m, const char *name) {
    return has_formats(m) && (ends_in(name, "scales") || ends_in(name, "biases")) &&
           looks_like_words(m, sibling(m, name, "weight"));
}

static bool describe(mx_model *m, size_t i, mx_model_tensor *t) {
    const mx_archive_tensor *a = &m->archive->tensor[i];
    *t = (mx_model_tensor){.name = a->name, .held = plain_of(a), .part = {(int64_t)i, -1, -1}};
    t->shape.ndim = a->ndim;
    if (a->ndim)
        memcpy(t->shape.dim, a->shape, (size_t)a->ndim * sizeof *a->shape);
    bool words = looks_like_words(m, (int64_t)i);
    t->unknown = words && !has_formats(m);
    if (m->is_gguf || !has_formats(m) || !ends_in(a->name, "weight"))
        return true;
    return words ? words_of(m, t) : a->dtype != MX_UINT8 || blocks_of(m, t);
}

static bool has_join(const mx_model *m, int64_t layer) {
    char name[64];
    snprintf(name, sizeof name, "blk.%lld.nextn.eh_proj.weight", (long long)layer);
    return mx_archive_find(m->archive, name) >= 0;
}

/* GGUF counts the layers behind the last among all. */
static bool count_ahead(mx_model *m) {
    int64_t *layers = &m->dims.of['l' - 'a'];
    json_t *more = mx_json_at(m->config, "num_nextn_predict_layers");
    json_int_t n = json_is_integer(more) ? json_integer_value(more) : 0;
    m->ahead = n > 0 && n < 64 ? (int)n : 0;
    if (!m->is_gguf) {
        bool apart = mx_archive_find(m->archive, "mtp.fc.weight") >= 0;
        m->ahead = apart && !m->ahead ? 1 : m->ahead;
        return true;
    }
    for (m->ahead = 0; *layers > 1 && has_join(m, *layers - 1); m->ahead++)
        --*layers;
    return !m->ahead || mx_json_put(m->config, "num_hidden_layers", json_integer(*layers));
}

/* The module of codes, under their name; weights of 8-bit floats are theirs themselves. */
static bool add_module(mx_model *m, mx_model_tensor *codes) {
    if (strcmp(codes->place.part, "weight") == 0)
        return mx_packed_describe(m, codes);
    mx_model_tensor *t = &m->tensor[m->count];
    *t = *codes;
    codes->beside = true;
    if (!mx_packed_describe(m, t) || !mx_model_remember(m, t))
        return false;
    m->count++;
    return true;
}

static bool is_of_inputs(const mx_model_tensor *t) {
    const char *dot = strrchr(t->name, '.');
    return dot && mx_packed_is_of_inputs(dot + 1);
}

static bool add_modules(mx_model *m, const mx_packed_dynamic *d) {
    for (size_t i = 0, n = m->count; i < n; i++) {
        mx_model_tensor *t = &m->tensor[i];
        const char *part = t->place.part;
        t->beside = !t->place.row && is_of_inputs(t);
        if (!t->place.row || strcmp(m->method, "mxfp4") == 0)
            continue;
        if (mx_packed_is_main(m, t) && (!mx_packed_dynamic_set(m, d, t) || !add_module(m, t)))
            return false;
        t->beside = t->beside || is_foreign(part) || strcmp(part, "scales") == 0;
    }
    return true;
}

/* Modules that others have packed, with all of their parts beside them. */
static bool add_packed(mx_model *m) {
    mx_packed_dynamic *d;
    size_t n = m->count;
    bool ok = mx_packed_dynamic_of(m, &d) && add_modules(m, d);
    mx_packed_dynamic_free(d);
    for (size_t i = 0; ok && i < n; i++)
        ok = !m->tensor[i].beside || !m->tensor[i].place.row ||
             mx_packed_check_beside(m, &m->tensor[i]);
    return ok;
}

bool mx_model_list(mx_model *m) {
    if (m->family && !count_ahead(m))
        return false;
    m->tensor = mx_calloc((m->method ? 2 : 1) * m->archive->count + 1, sizeof *m->tensor);
    if (!m->tensor)
        return false;
    for (size_t i = 0; i < m->archive->count; i++) {
        mx_model_tensor *t = &m->tensor[m->count];
        if (is_with_words(m, m->archive->tensor[i].name))
            continue;
        if (!describe(m, i, t) || !place(m, t))
            return false;
        m->count++;
    }
    return !m->method || !m->family || add_packed(m);
}

/* --- against the family ---------------------------------------------------------------------- */

static bool fail_shape(const mx_model *m, const mx_model_tensor *t, const int *want, int n) {
    char a[128], b[128];
    return mx_fail(MX_FORMAT, "[%s] '%s': '%.200s' has shape %s, %s was expected", op, m->label,
                   t->name, mx_shape_text(a, sizeof a, t->shape.dim, t->shape.ndim),
                   mx_shape_text(b, sizeof b, want, n));
}

static bool check_shape(const mx_model *m, const mx_model_tensor *t) {
    const mx_place *p = &t->place;
    int want[4] = {(int)mx_dim(&m->dims, 'e')};
    bool stack = p->expert < 0 && mx_row_has_experts(p->row, MX_NAMED_HF);
    int n = mx_dims_shape(&m->dims, mx_row_shape(p->row, m->is_gguf), want + stack, 3);
    bool packed = m->method && mx_elements_are_plain(&t->held) && !mx_dtype_is_float(t->held.dtype);
    if (n <= 0 || packed)
        return true; // the row says none, or whoever packed them
    n = strcmp(p->part, "bias") == 0 ? 1 + stack : n + stack;
    if ((p->row->flags & MX_ROW_TURNED) && !m->is_gguf && n == 2) {
        int rows = want[0];
        want[0] = want[1];
        want[1] = rows;
    }
    // channels, then their one input, which MLX has last
    if (strchr(p->row->shape, '|') && n == 3 && t->shape.ndim == 3 && t->shape.dim[2] == 1) {
        want[1] = want[2];
        want[2] = 1;
    }
    bool same = t->shape.ndim == n;
    for (int i = 0; same && i < n; i++)
        same = t->shape.dim[i] == want[i];
    return same || fail_shape(m, t, want, n);
}

static bool check_layer(const mx_model *m, const mx_model_tensor *t) {
    const mx_place *p = &t->place;
    if (p->layer >= mx_dim(&m->dims, 'l') + m->ahead && p->layer >= 0)
        return mx_fail(MX_FORMAT, "[%s] '%s': '%.200s' is of layer %d, and the model has %d", op,
                       m->label, t->name, p->layer, (int)mx_dim(&m->dims, 'l'));
    return p->expert < 0 || p->expert < mx_dim(&m->dims, 'e') ||
           mx_fail(MX_FORMAT, "[%s] '%s': '%.200s' is of expert %d, and the model has %d", op,
                   m->label, t->name, p->expert, (int)mx_dim(&m->dims, 'e'));
}

static bool fail_missing(const mx_model *m, const mx_place *p, const char *part) {
    char *name = mx_place_name(p, mx_model_naming(m), part);
    if (name)
        mx_fail(MX_FORMAT, "[%s] '%s': the tensor '%.200s' is missing", op, m->label, name);
    mx_free(name);
    return false;
}

static bool has_bare(const mx_model *m, const mx_tensor_row *r, int layer) {
    return mx_model_find(m, r, layer, -1, "") || mx_model_find(m, r, layer, -1, "bias");
}

/* The stack of all experts, or each of them. */
static bool has_part(const mx_model *m, const mx_tensor_row *r, int layer, const char *part) {
    bool experts = mx_row_has_experts(r, MX_NAMED_HF);
    mx_place missing = {r, layer, -1, part};
    if (mx_model_find(m, r, layer, -1, part) || ((r->flags & MX_ROW_BARE) && has_bare(m, r, layer)))
        return true;
    for (int e = 0; experts && e < mx_dim(&m->dims, 'e'); e++) {
        missing.expert = e;
        if (!mx_model_find(m, r, layer, e, part))
            return fail_missing(m, &missing, part);
    }
    return experts || fail_missing(m, &missing, part);
}

static bool may_lack(const mx_model *m, const mx_tensor_row *r) {
    json_t *tie = mx_json_at(m->config, "tie_word_embeddings");
    if (r->flags & MX_ROW_TIED)
        return tie ? json_is_true(tie) : m->family->ties;
    return r->flags & (MX_ROW_MAY_LACK | MX_ROW_ROPE | MX_ROW_LEFT_OUT);
}

static bool check_row(const mx_model *m, const mx_tensor_row *r) {
    bool layered = strstr(mx_row_pattern(r, MX_NAMED_HF), "{n}");
    int first = layered ? 0 : -1, last = layered ? (int)mx_dim(&m->dims, 'l') - 1 : -1;
    for (int n = first; n <= last; n++)
        if (!has_part(m, r, n, "weight") ||
            ((r->flags & MX_ROW_BIAS) && !has_part(m, r, n, "bias")))
            return false;
    return true;
}

static bool check_tensor(const mx_model *m, const mx_model_tensor *t) {
    if (t->dropped || t->beside)
        return true;
    if (t->place.row)
        return check_layer(m, t) && check_shape(m, t);
    return mx_fail(MX_UNSUPPORTED,
                   "[%s] '%s': the tensor '%.200s' is none of the family '%s' (a rule "
                   "'%.200s=drop' leaves it out)",
                   op, m->label, t->name, m->family->name, t->name);
}

bool mx_model_check(const mx_model *m) {
    const mx_tensor_row *r;
    for (size_t i = 0; i < m->count; i++)
        if (!check_tensor(m, &m->tensor[i]))
            return false;
    for (size_t i = 0; (r = mx_family_row(m->family, i)); i++)
        if (!may_lack(m, r) && !check_row(m, r))
            return false;
    return true;
}

/* The layer in a name of a family that has no row for it; -1: none. */
static int layer_of(const mx_model_tensor *t) {
    int n = -1;
    if (t->place.row)
        return t->place.layer;
    return sscanf(t->name, "model.layers.%d.", &n) == 1 || sscanf(t->name, "blk.%d.", &n) == 1 ? n
                                                                                               : -1;
}

void mx_model_leave_out(mx_model *m, bool keeps_first) {
    int64_t layers = mx_dim(&m->dims, 'l'), from = layers + keeps_first;
    for (size_t i = 0; m->family && i < m->count; i++) {
        mx_model_tensor *t = &m->tensor[i];
        int n = layer_of(t);
        bool other = !t->place.row && strncmp(t->name, "mtp.", 4) == 0;
        if ((n >= from && n < layers + m->ahead) || other)
            t->dropped = true;
    }
}

/* --- reading --------------------------------------------------------------------------------- */

bool mx_model_read(const mx_model *m, const mx_model_tensor *t, bool stored, mx_parts *out) {
    *out = (mx_parts){{NULL}};
    if (t->packing)
        return (out->part[0] = mx_packed_values(m, t)) != NULL;
    for (int i = 0; i < 3; i++)
        if (t->part[i] >= 0 &&
            !(out->part[i] = mx_archive_read(m->archive, (size_t)t->part[i], stored)))
            return false;
    return true;
}

static bool is_in_rows(const mx_model *m, int64_t i) {
    const mx_archive_tensor *a = i < 0 ? NULL : &m->archive->tensor[i];
    return !a || (a->raw && a->ndim > 1 && a->shape[0] > 1);
}

bool mx_model_has_rows(const mx_model *m, const mx_model_tensor *t) {
    const mx_archive_format *f = m->archive->format;
    return !t->packing && (f == &mx_archive_gguf || f == &mx_archive_safetensors) &&
           is_in_rows(m, t->part[0]) && is_in_rows(m, t->part[1]) && is_in_rows(m, t->part[2]);
}

static mx_array *read_rows(const mx_model *m, const mx_archive_tensor *a, bool stored, int first,
                           int last) {
    uint64_t rows = (uint64_t)a->shape[0], n = (uint64_t)(last - first);
    int shape[MX_MAX_NDIM];
    mx_archive_tensor part = *a;
    memcpy(shape, a->shape, (size_t)a->ndim * sizeof *shape);
    shape[0] = last - first;
    part.shape = shape;
    part.elements = a->elements / rows * n;
    part.bytes = a->bytes / rows * n;
    part.offset = a->offset + a->bytes / rows * (uint64_t)first;
    return m->archive->format->read(m->archive, &part, stored);
}

bool mx_model_read_rows(const mx_model *m, const mx_model_tensor *t, bool stored, int first,
                        int last, mx_parts *out) {
    *out = (mx_parts){{NULL}};
    for (int i = 0; i < 3; i++)
        if (t->part[i] >= 0 &&
            !(out->part[i] = read_rows(m, &m->archive->tensor[t->part[i]], stored, first, last)))
            return false;
    return true;
}
