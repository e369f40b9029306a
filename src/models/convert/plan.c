/* Which tensors the output has, and what each is made of: see convert.h. */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "base/vec.h"
#include "models/convert/convert.h"
#include "models/convert/fused.h"
#include "ops/ops.h"

static const char op[] = "convert";

static mx_output *new_output(mx_conversion *p) {
    if (!mx_grow(&p->output, &p->room, p->count + 1, sizeof *p->output))
        return NULL;
    mx_output *o = &p->output[p->count++];
    *o = (mx_output){.place = {NULL, -1, -1, NULL}, .slice = -1};
    return o;
}

void mx_conversion_free(mx_conversion *p) {
    for (size_t i = 0; i < p->count; i++) {
        mx_free(p->output[i].name);
        mx_free(p->output[i].from);
    }
    mx_map_free(&p->widened, NULL);
    mx_free(p->output);
    *p = (mx_conversion){0};
}

/* --- one output ------------------------------------------------------------------------------ */

static const mx_model_tensor *source(const mx_conversion *p, const mx_output *o, size_t i) {
    return &p->model->tensor[o->from[i]];
}

static bool set_source(mx_conversion *p, mx_output *o, size_t number) {
    const mx_model_tensor *t = &p->model->tensor[number];
    o->from = mx_calloc(1, sizeof *o->from);
    if (!o->from)
        return false;
    o->from[0] = number;
    o->stack = 1;
    o->held = t->held;
    o->shape = t->shape;
    return true;
}

static bool set_name(const mx_conversion *p, mx_output *o, const mx_place *place) {
    o->place = *place;
    o->part = place->part && *place->part ? place->part : NULL;
    o->name = mx_place_name(place, p->choice->naming, NULL);
    return o->name != NULL;
}

/* As the output's convention has it. */
static bool set_shape(const mx_conversion *p, mx_output *o) {
    int *d = o->shape.dim;
    mx_shape was = o->shape;
    if (!mx_output_is_turned(p, o))
        return true;
    if (o->place.row->flags & MX_ROW_TURNED) {
        d[0] = was.dim[1];
        d[1] = was.dim[0];
        return was.ndim == 2;
    }
    const char *shape = mx_row_shape(o->place.row, p->choice->naming == MX_NAMED_GGUF);
    int n = mx_dims_shape(&p->model->dims, shape, d, 4);
    o->shape.ndim = n;
    return n > 0 || mx_fail(MX_FORMAT, "[%s] '%s': the sizes of '%.200s' are not known", op,
                            p->model->label, o->name);
}

/* "a.b.weight" is a part of a module, whatever the family. */
static bool set_own_name(mx_output *o, const char *name) {
    const char *dot = strrchr(name, '.');
    bool weight = dot && strcmp(dot, ".weight") == 0;
    o->part = weight ? "weight" : NULL;
    mx_text t = {0};
    mx_text_put(&t, name, weight ? (size_t)(dot - name) : strlen(name));
    o->name = mx_text_take(&t);
    return o->name != NULL;
}

static bool add_own(mx_conversion *p, size_t i) {
    mx_output *o = new_output(p);
    return o && set_source(p, o, i) && set_own_name(o, p->model->tensor[i].name);
}

static bool add_one(mx_conversion *p, size_t i, const mx_place *place) {
    mx_output *o = new_output(p);
    return o && set_source(p, o, i) && set_name(p, o, place) && set_shape(p, o);
}

/* --- what is in one tensor ------------------------------------------------------------------- */

/* Blocks are words, whose scales are another tensor. */
static bool with_scales(mx_conversion *p, mx_output *o, const mx_place *place) {
    const mx_tensor_row *r = mx_fused_row(p->model->family, o->fused->scales);
    const mx_model_tensor *t = r ? mx_model_find(p->model, r, place->layer, -1, "") : NULL;
    size_t *from = t ? mx_realloc_array(o->from, 2, sizeof *from) : NULL;
    if (!t)
        return mx_fail(MX_FORMAT, "[%s] '%s': the scales of '%.200s' are missing", op,
                       p->model->label, source(p, o, 0)->name);
    if (from) {
        o->from = from;
        from[1] = (size_t)(t - p->model->tensor);
        o->held = mx_elements_words((mx_quant_format){MX_MXFP4, 4, 32}, MX_UINT8);
    }
    return from != NULL;
}

static bool add_fused_part(mx_conversion *p, size_t i, const mx_place *place, const mx_fused *f,
                           int k) {
    mx_output *o = new_output(p);
    mx_place whole = {mx_fused_row(p->model->family, f->gguf[k]), place->layer, -1, f->part};
    if (!o || !set_source(p, o, i))
        return false;
    o->fused = f;
    o->pick = k;
    if (!mx_fused_shape(f, &p->model->tensor[i].shape, &o->shape))
        return mx_fail(MX_FORMAT, "[%s] '%s': '%.200s' has another shape than experts have", op,
                       p->model->label, p->model->tensor[i].name);
    return set_name(p, o, &whole) && (!f->scales || with_scales(p, o, place));
}

static bool add_fused(mx_conversion *p, size_t i, const mx_place *place, const mx_fused *f) {
    bool ok = true;
    for (int k = 0; ok && k < 2 && f->gguf[k]; k++)
        ok = add_fused_part(p, i, place, f, k);
    return ok;
}

/* --- experts --------------------------------------------------------------------------------- */

static mx_shape stacked(mx_shape s, int n) {
    mx_shape out = {.ndim = s.ndim + 1, .dim = {n}};
    memcpy(out.dim + 1, s.dim, (size_t)s.ndim * sizeof *s.dim);
    return out;
}

static mx_shape unstacked(mx_shape s) {
    mx_shape out = {.ndim = s.ndim - 1};
    memcpy(out.dim, s.dim + 1, (size_t)out.ndim * sizeof *s.dim);
    return out;
}

/* All are there (mx_model_check), of one shape. */
static bool gather(mx_conversion *p, mx_output *o, const mx_place *first, int n) {
    mx_free(o->from);
    o->from = mx_calloc((size_t)n, sizeof *o->from);
    o->stack = 0;
    for (int e = 0; o->from && e < n; e++) {
        const mx_model_tensor *t =
            mx_model_find(p->model, first->row, first->layer, e, first->part);
        if (!t)
            return mx_fail(MX_FORMAT, "[%s] '%s': expert %d of '%.200s' is missing", op,
                           p->model->label, e, o->name);
        o->from[o->stack++] = (size_t)(t - p->model->tensor);
        if (!mx_elements_same(&t->held, &o->held))
            return mx_fail(MX_UNSUPPORTED, "[%s] '%s': '%.200s' and '%.200s' are held differently",
                           op, p->model->label, source(p, o, 0)->name, t->name);
    }
    return o->from != NULL;
}

/* The first of them stands for all. */
static bool add_stack(mx_conversion *p, size_t i, mx_place place) {
    int n = (int)mx_dim(&p->model->dims, 'e');
    if (place.expert > 0)
        return true;
    mx_place whole = {place.row, place.layer, -1, place.part};
    if (!add_one(p, i, &whole))
        return false;
    mx_output *o = &p->output[p->count - 1];
    o->shape = stacked(o->shape, n);
    return o->shape.ndim <= MX_MAX_NDIM && gather(p, o, &place, n);
}

static bool add_slices(mx_conversion *p, size_t i, mx_place place) {
    bool ok = true;
    for (int e = 0; ok && e < mx_dim(&p->model->dims, 'e'); e++) {
        place.expert = e;
        ok = add_one(p, i, &place);
        mx_output *o = &p->output[p->count - 1];
        if (ok) {
            o->slice = e;
            o->shape = unstacked(o->shape);
        }
    }
    return ok;
}

/* --- rows without a name on one side --------------------------------------------------------- */

/* Of another file: what config.json asks for. */
static bool make_rope(mx_conversion *p, const mx_tensor_row *r) {
    const mx_model *m = p->model;
    mx_array *a = mx_rope_tensor(m->folder, m->config, &m->dims, r->gguf);
    mx_output *o = a ? new_output(p) : NULL;
    mx_place place = {r, -1, -1, "weight"};
    if (!o || !set_name(p, o, &place))
        return !a && !mx_failed();
    o->held = o->made = mx_elements_plain(MX_FLOAT32);
    o->shape = (mx_shape){.ndim = 1, .dim = {a->shape[0]}};
    return true;
}

static bool make_ropes(mx_conversion *p) {
    const mx_tensor_row *r;
    bool ok = true;
    if (!p->model->family || p->model->is_gguf || p->choice->naming != MX_NAMED_GGUF)
        return true;
    for (size_t i = 0; ok && (r = mx_family_row(p->model->family, i)); i++)
        ok = !(r->flags & MX_ROW_ROPE) || make_rope(p, r);
    return ok;
}

/* --- all ------------------------------------------------------------------------------------- */

static bool add_tensor(mx_conversion *p, size_t i) {
    const mx_model_tensor *t = &p->model->tensor[i];
    const mx_place *place = &t->place;
    if (t->dropped || t->beside)
        return true;
    if (!place->row)
        return add_own(p, i);
    const mx_fused *fused = mx_fused_of(place->row);
    if (fused && p->choice->naming == MX_NAMED_GGUF)
        return add_fused(p, i, place, fused);
    if (!mx_row_pattern(place->row, p->choice->naming) && p->choice->naming != MX_NAMED_GGUF &&
        !(place->row->flags & MX_ROW_ROPE))
        return mx_fail(MX_UNSUPPORTED, "[%s] '%s': what '%.200s' holds is in another tensor in %s",
                       op, p->model->label, t->name,
                       mx_row_pattern(place->row, MX_NAMED_MLX)
                           ? "folders of Hugging Face: make one as MLX has it"
                           : "folders: such a file is run, and not made a folder of");
    if (!mx_row_pattern(place->row, p->choice->naming))
        return place->row->flags & MX_ROW_ROPE ||
               mx_note(p->choice->o, t->name, "it is left out: GGUF has no place for it");
    bool separate = place->expert >= 0, wanted = mx_row_has_experts(place->row, p->choice->naming);
    return separate == wanted ? add_one(p, i, place)
           : separate         ? add_stack(p, i, *place)
                              : add_slices(p, i, *place);
}

/* What a GGUF file of ours says about its float32 (side/gguf.c). */
static bool list_widened(mx_conversion *p) {
    static const char *const dtypes[] = {"float16", "bfloat16"};
    char key[64] = "mlx.widened.";
    bool ok = true;
    for (int i = 0; ok && i < 2; i++) {
        strcpy(key + 12, dtypes[i]);
        const mx_meta *m = mx_map_get(&p->model->archive->meta, key);
        for (size_t j = 0; ok && m && m->kind == MX_META_STRINGS && j < m->count; j++)
            ok = mx_map_set(&p->widened, m->strings[j], (void *)(uintptr_t)dtypes[i], NULL);
    }
    return ok;
}

/* The dtype of its numbers, where that is narrower than what is read. */
static const char *kept_as(const mx_conversion *p, const mx_model_tensor *t) {
    return t->packing ? mx_dtype_name(t->usual) : mx_map_get(&p->widened, t->name);
}

bool mx_conversion_make(mx_conversion *p, const mx_model *m, const mx_choice *c) {
    *p = (mx_conversion){.model = m, .choice = c};
    bool ok = !m->is_gguf || c->naming == MX_NAMED_GGUF || list_widened(p);
    for (size_t i = 0; ok && i < m->count; i++)
        ok = add_tensor(p, i);
    ok = ok && make_ropes(p);
    for (size_t i = 0; ok && i < p->count; i++) {
        mx_output *o = &p->output[i];
        if (o->stack)
            o->kept_as = kept_as(p, source(p, o, 0));
        ok = !o->stack || mx_choose(c, m, o);
    }
    return ok;
}
