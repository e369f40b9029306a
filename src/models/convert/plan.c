/* Which tensors the output has, and what each is made of: see convert.h. */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "base/vec.h"
#include "models/convert/convert.h"
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
    return o && set_source(p, o, i) && set_name(p, o, place);
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
    if (t->dropped)
        return true;
    if (!place->row)
        return add_own(p, i);
    if (!mx_row_pattern(place->row, p->choice->naming))
        return place->row->flags & MX_ROW_ROPE ||
               mx_note(p->choice->o, t->name, "it is left out: GGUF has no place for it");
    bool separate = place->expert >= 0, wanted = mx_row_has_experts(place->row, p->choice->naming);
    return separate == wanted ? add_one(p, i, place)
           : separate         ? add_stack(p, i, *place)
                              : add_slices(p, i, *place);
}

/* What a GGUF file of ours says about its float32 (side.c). */
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

bool mx_conversion_make(mx_conversion *p, const mx_model *m, const mx_choice *c) {
    *p = (mx_conversion){.model = m, .choice = c};
    bool ok = !m->is_gguf || c->naming == MX_NAMED_GGUF || list_widened(p);
    for (size_t i = 0; ok && i < m->count; i++)
        ok = add_tensor(p, i);
    ok = ok && make_ropes(p);
    for (size_t i = 0; ok && i < p->count; i++) {
        mx_output *o = &p->output[i];
        if (o->stack)
            o->kept_as = mx_map_get(&p->widened, source(p, o, 0)->name);
        ok = !o->stack || mx_choose(c, m, o);
    }
    return ok;
}
