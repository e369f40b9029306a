/* Names and what they stand for: see run.h. */
#include <string.h>

#include "models/template/run.h"

tm_frame *tm_frame_new(tm_run *r, tm_frame *around) {
    tm_frame *f = r->spare_frames;
    if (f) {
        r->spare_frames = f->around;
        *f = (tm_frame){.around = around, .var = f->var, .room = f->room};
        return f;
    }
    f = tm_alloc(r, 1, sizeof *f);
    if (f)
        *f = (tm_frame){.around = around};
    return f;
}

void tm_frame_done(tm_run *r, tm_frame *f) {
    if (f->kept)
        return;
    f->around = r->spare_frames;
    r->spare_frames = f;
}

void tm_frame_keep(tm_frame *f) {
    for (; f && !f->kept; f = f->around)
        f->kept = true;
}

static tm_var *find(const tm_frame *f, uint32_t id) {
    for (size_t i = 0; i < f->n; i++)
        if (f->var[i].id == id)
            return &f->var[i];
    return NULL;
}

static bool grow(tm_run *r, tm_frame *f) {
    size_t room = f->room ? 2 * f->room : 4;
    tm_var *var = tm_alloc(r, room, sizeof *var);
    if (!var)
        return false;
    if (f->n)
        memcpy(var, f->var, f->n * sizeof *var);
    f->var = var;
    f->room = room;
    return true;
}

bool tm_frame_set(tm_run *r, tm_frame *f, uint32_t id, const tm_value *v) {
    if (f->all)
        return f->all[id] = *v, true;
    tm_var *found = find(f, id);
    if (!found && f->n == f->room && !grow(r, f))
        return false;
    if (!found)
        found = &f->var[f->n++];
    *found = (tm_var){id, *v};
    return tm_spend(r, f->n / 8);
}

const tm_value *tm_frame_get(tm_run *r, const tm_frame *f, uint32_t id) {
    for (; f && !f->all; f = f->around) {
        const tm_var *found = find(f, id);
        tm_spend(r, f->n / 8);
        if (found)
            return &found->value;
    }
    return f && f->all[id].kind != TM_MISSING ? &f->all[id] : NULL;
}

/* --- assignment ------------------------------------------------------------------------------- */

static bool assign_attribute(tm_run *r, tm_frame *f, const tm_node *target, const tm_value *v) {
    const tm_value *space = tm_frame_get(r, f, target->a->id);
    if (!space || space->kind != TM_SPACE)
        return tm_fail(r, MX_INVALID, "cannot assign attribute on non-namespace object");
    return tm_dict_set(r, space->dict, &target->value, v);
}

static bool assign_several(tm_run *r, tm_frame *f, const tm_node *target, const tm_value *v) {
    const tm_seq *s;
    if (!tm_items(r, v, &s))
        return false;
    if (s->n != target->kids)
        return tm_fail(r, MX_INVALID, "%zu values to unpack, %u expected", s->n, target->kids);
    for (uint32_t i = 0; i < target->kids; i++)
        if (!tm_assign(r, f, target->kid[i], &s->item[i]))
            return false;
    return true;
}

/* Targets are one level deep. */
bool tm_assign(tm_run *r, tm_frame *f, const tm_node *target, const tm_value *v) {
    return target->op == TM_NAME   ? tm_frame_set(r, f, target->id, v)
           : target->op == TM_ATTR ? assign_attribute(r, f, target, v)
                                   : assign_several(r, f, target, v);
}
