/* Does a GGUF file of a folder mean the same model? See build.h.
 *
 *     config.json ──▶ keys of GGUF ──▶ config.json as whoever reads GGUF makes it
 *          │                                 │
 *      description          =          description
 *
 * What no row of the family's keys carries, and no tensor tells, shows in the second description.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "models/decoder/build.h"
#include "ops/ops.h"

/* --- what a reader makes of it ---------------------------------------------------------------- */

typedef struct reader {
    const char *arch;
    const mx_map *meta;
} reader;

static bool has_key(const void *self, const char *key) {
    const reader *r = self;
    char full[192];
    double v;
    const char *is = strchr(key, '=');
    snprintf(full, sizeof full, "%s.%.*s", r->arch, (int)strcspn(key, "="), key);
    return is ? mx_meta_number(r->meta, full, &v) && v == atoi(is + 1) : mx_map_has(r->meta, full);
}

static mx_array *rope_of(const mx_model *m, const char *row) {
    const mx_tensor_row *r;
    for (size_t i = 0; (r = mx_family_row(m->family, i)); i++)
        if ((r->flags & MX_ROW_ROPE) && r->gguf && strcmp(r->gguf, row) == 0)
            return mx_rope_tensor(m->folder, m->config, &m->dims, row);
    return NULL;
}

static bool rope(const mx_model *m, json_t *config) {
    mx_array *freqs = rope_of(m, "rope_freqs"), *far = rope_of(m, "rope_factors_long"),
             *near = rope_of(m, "rope_factors_short");
    return !mx_failed() && mx_rope_from_tensors(m->folder, &m->dims, freqs, far, near, config);
}

/* NULL: of none. */
static bool copy_key(const json_t *from, const char *key, json_t *to) {
    json_t *v = key ? json_object_get(from, key) : NULL;
    return !v || json_object_set(to, key, v) == 0;
}

/* Takes the place of m's own config, and of its family where the reader takes it for another. How
   the folder's tensors are packed only its own config says. */
static bool replace(mx_model *m, const mx_map *meta, const char *given) {
    reader r = {m->family->arch, meta};
    const mx_family *f = mx_family_of_arch(m->family->arch, has_key, &r);
    f = f ? f : m->family;
    json_t *config = mx_config_from_gguf(m->folder, f, meta, mx_dim(&m->dims, 'v'));
    bool ok = config && rope(m, config) && mx_model_tell(m, config) &&
              copy_key(m->config, "quantization", config) &&
              copy_key(m->config, "quantization_config", config) &&
              copy_key(m->config, given, config);
    if (ok) {
        json_decref(m->config);
        m->config = json_incref(config);
        m->family = f;
        ok = mx_config_dims(m->folder, f, config, &m->dims);
    }
    json_decref(config);
    return ok;
}

/* As conversions write it (convert/side/gguf.c). */
static bool written(const mx_model *m, mx_map *meta) {
    bool ok = true;
    if (!m->side)
        return mx_config_to_gguf(m->folder, m->family, m->config, meta);
    for (size_t i = 0; ok && i < m->side->meta.count; i++)
        ok = mx_meta_put(meta, m->side->meta.entry[i].key,
                         mx_meta_copy(m->side->meta.entry[i].value));
    return ok && mx_config_update(m->folder, m->family, m->config, mx_dim(&m->dims, 'v'), meta);
}

bool dec_read_as_gguf(dec_build *b) {
    mx_model *m = &b->model;
    mx_map meta = {0};
    b->said = json_incref(m->config);
    bool ok = written(m, &meta) && replace(m, &meta, b->given);
    mx_map_free(&meta, mx_meta_free);
    return ok;
}

/* --- are descriptions the same? --------------------------------------------------------------- */

typedef enum kind { INT, LONG, FLOAT, BOOL } kind;
typedef struct field {
    const char *name;
    kind kind;
    size_t at;
} field;
#define FIELD(of, member, kind) {#member, kind, offsetof(of, member)}

static const field of_model[] = {FIELD(mx_decoder, hidden, LONG),
                                 FIELD(mx_decoder, vocabulary, LONG),
                                 FIELD(mx_decoder, context, LONG),
                                 FIELD(mx_decoder, layers, LONG),
                                 FIELD(mx_decoder, embedding_scale, FLOAT),
                                 FIELD(mx_decoder, residual_scale, FLOAT),
                                 FIELD(mx_decoder, logit_scale, FLOAT),
                                 FIELD(mx_decoder, logit_softcap, FLOAT),
                                 FIELD(mx_decoder, embedding_norm.eps, FLOAT),
                                 FIELD(mx_decoder, final_norm.eps, FLOAT),
                                 {0}};

static const field of_layer[] = {FIELD(mx_layer, mixer, INT),
                                 FIELD(mx_layer, parallel, BOOL),
                                 FIELD(mx_layer, before_mixer.eps, FLOAT),
                                 FIELD(mx_layer, after_mixer.eps, FLOAT),
                                 FIELD(mx_layer, before_feed.eps, FLOAT),
                                 FIELD(mx_layer, after_feed.eps, FLOAT),
                                 FIELD(mx_layer, feed.act, INT),
                                 FIELD(mx_layer, attention.heads, INT),
                                 FIELD(mx_layer, attention.kv_heads, INT),
                                 FIELD(mx_layer, attention.dim, INT),
                                 FIELD(mx_layer, attention.value_dim, INT),
                                 FIELD(mx_layer, attention.norms_whole, BOOL),
                                 FIELD(mx_layer, attention.q_norm.eps, FLOAT),
                                 FIELD(mx_layer, attention.k_norm.eps, FLOAT),
                                 FIELD(mx_layer, attention.latent_norm.eps, FLOAT),
                                 FIELD(mx_layer, attention.window, LONG),
                                 FIELD(mx_layer, attention.scale, FLOAT),
                                 FIELD(mx_layer, attention.softcap, FLOAT),
                                 FIELD(mx_layer, attention.rank, INT),
                                 FIELD(mx_layer, attention.causal, BOOL),
                                 FIELD(mx_layer, attention.rope.rotated, INT),
                                 FIELD(mx_layer, attention.rope.adjacent, BOOL),
                                 FIELD(mx_layer, attention.rope.near_context, LONG),
                                 FIELD(mx_layer, attention.rope.magnitude, FLOAT),
                                 FIELD(mx_layer, attention.rope.far_magnitude, FLOAT),
                                 FIELD(mx_layer, recurrence.heads, INT),
                                 FIELD(mx_layer, recurrence.groups, INT),
                                 FIELD(mx_layer, recurrence.key_dim, INT),
                                 FIELD(mx_layer, recurrence.value_dim, INT),
                                 FIELD(mx_layer, recurrence.width, INT),
                                 FIELD(mx_layer, recurrence.norm_groups, INT),
                                 FIELD(mx_layer, recurrence.gate_after_norm, BOOL),
                                 FIELD(mx_layer, recurrence.norm.eps, FLOAT),
                                 FIELD(mx_layer, recurrence.dt_least, FLOAT),
                                 FIELD(mx_layer, recurrence.dt_most, FLOAT),
                                 FIELD(mx_layer, experts.count, INT),
                                 FIELD(mx_layer, experts.used, INT),
                                 FIELD(mx_layer, experts.route, INT),
                                 FIELD(mx_layer, experts.after_choice, BOOL),
                                 FIELD(mx_layer, experts.normalized, BOOL),
                                 FIELD(mx_layer, experts.groups, INT),
                                 FIELD(mx_layer, experts.used_groups, INT),
                                 FIELD(mx_layer, experts.scale, FLOAT),
                                 FIELD(mx_layer, experts.feed.act, INT),
                                 FIELD(mx_layer, experts.shared.act, INT),
                                 {0}};

static double value_at(const void *object, const field *f) {
    const char *p = (const char *)object + f->at;
    switch (f->kind) {
    case INT: return *(const int *)(const void *)p;
    case LONG: return (double)*(const int64_t *)(const void *)p;
    case FLOAT: return *(const float *)(const void *)p;
    case BOOL: return *(const bool *)(const void *)p;
    }
    return 0;
}

/* GGUF has float32, and rope_freqs is compared as roughly (rope.c). */
static bool near(double x, double y, double part) {
    return x == y || fabs(x - y) <= part * fabs(x);
}

/* The name of a field that differs; NULL: none does. */
static const char *differing(const void *x, const void *y, const field *f) {
    for (; f->name; f++)
        if (!near(value_at(x, f), value_at(y, f), 1e-6))
            return f->name;
    return NULL;
}

static bool turn_alike(const mx_rotation *x, const mx_rotation *y) {
    if (!x->far != !y->far)
        return false;
    for (int i = 0; i < x->rotated / 2; i++)
        if (!near(x->frequency[i], y->frequency[i], 2e-3) ||
            (x->far && !near(x->far[i], y->far[i], 2e-3)))
            return false;
    return true;
}

const char *dec_difference(const mx_decoder *x, const mx_decoder *y) {
    const char *name = differing(x, y, of_model);
    for (int64_t n = 0; !name && n < x->layers; n++) {
        name = differing(&x->layer[n], &y->layer[n], of_layer);
        if (!name && !turn_alike(&x->layer[n].attention.rope, &y->layer[n].attention.rope))
            name = "rope.frequency";
    }
    return name;
}
