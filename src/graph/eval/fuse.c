/* Which pointwise nodes become one program, and in which order units run.
 *
 * A program holds pointwise steps of one shape. Two things keep the graph of programs without
 * circles:
 *
 *     stage      an edge inside a program keeps the stage, every other edge raises it by one or
 *                more. A path that leaves a group and comes back would have risen, so none does.
 *     latest     as in scheduling: a step moves to the latest stage its consumers allow when one of
 *                them then takes it in, so `y = x * 2; z = matmul(..) + y` computes y inside z's
 *                program.
 *
 * Groups are the connected parts of equal stage. A group over LIMIT steps is cut in topological
 * order.
 */
#include <limits.h>
#include <string.h>

#include "graph/eval/plan.h"

enum { LIMIT = 96 };

static bool same_program_shape(const mx_step *a, const mx_step *b) {
    return a->pointwise && b->pointwise &&
           a->node->stream.device.type == b->node->stream.device.type &&
           mx_same_shape(mx_step_out(a), mx_step_out(b));
}

static void earliest_stages(mx_plan *p) {
    for (int32_t i = 0; i < p->n_step; i++) {
        mx_step *s = &p->step[i];
        s->pointwise = mx_prim_is_pointwise((mx_prim)s->node->prim);
        s->limit = INT_MAX;
        s->parent = i;
        s->next = -1;
        for (int k = 0; k < s->node->nin; k++) {
            int32_t m = p->src[s->src + k];
            if (m < 0)
                continue;
            int32_t least = p->step[m].stage + !same_program_shape(s, &p->step[m]);
            s->stage = least > s->stage ? least : s->stage;
        }
    }
}

/* A consumer at `stage` allows m to run as late as `allowed`. */
static void allow(mx_step *m, int32_t allowed, bool joins) {
    if (allowed < m->limit) {
        m->limit = allowed;
        m->joins = joins;
    } else if (allowed == m->limit) {
        m->joins |= joins;
    }
}

static void latest_stages(mx_plan *p) {
    for (int32_t i = p->n_step - 1; i >= 0; i--) {
        mx_step *s = &p->step[i];
        if (s->pointwise && s->joins && s->limit > s->stage)
            s->stage = s->limit;
        for (int k = 0; k < s->node->nin; k++) {
            int32_t m = p->src[s->src + k];
            if (m < 0)
                continue;
            bool joins = same_program_shape(s, &p->step[m]);
            allow(&p->step[m], s->stage - !joins, joins);
        }
    }
}

static int32_t find(mx_plan *p, int32_t i) {
    while (p->step[i].parent != i) {
        p->step[i].parent = p->step[p->step[i].parent].parent;
        i = p->step[i].parent;
    }
    return i;
}

static void join_groups(mx_plan *p) {
    for (int32_t i = 0; i < p->n_step; i++) {
        mx_step *s = &p->step[i];
        for (int k = 0; s->pointwise && k < s->node->nin; k++) {
            int32_t m = p->src[s->src + k];
            if (m >= 0 && p->step[m].stage == s->stage && same_program_shape(s, &p->step[m]))
                p->step[find(p, m)].parent = find(p, i);
        }
    }
}

/* --- units ------------------------------------------------------------------------------------ */

static mx_unit *new_unit(mx_plan *p) {
    if (!mx_plan_room(&p->unit, &p->room_unit, (size_t)p->n_unit + 1, sizeof *p->unit))
        return NULL;
    p->unit[p->n_unit] = (mx_unit){.first = -1, .last = -1, .feed = -1};
    return &p->unit[p->n_unit++];
}

static void unit_add(mx_plan *p, mx_unit *u, int32_t i) {
    p->step[i].unit = (int32_t)(u - p->unit);
    if (u->first < 0)
        u->first = i;
    else
        p->step[u->last].next = i;
    u->last = i;
    u->count++;
}

/* A group's current unit is kept in its root's `limit`, which is no longer needed. */
static bool make_units(mx_plan *p) {
    for (int32_t i = 0; i < p->n_step; i++)
        p->step[i].limit = -1;
    for (int32_t i = 0; i < p->n_step; i++) {
        mx_step *root = &p->step[p->step[i].pointwise ? find(p, i) : i];
        mx_unit *u = root->limit >= 0 ? &p->unit[root->limit] : NULL;
        if (!u || u->count == LIMIT) {
            if (!(u = new_unit(p)))
                return false;
            root->limit = (int32_t)(u - p->unit);
        }
        unit_add(p, u, i);
    }
    return true;
}

static void count_uses(mx_plan *p) {
    for (int32_t i = 0; i < p->n_step; i++)
        for (int k = 0; k < p->step[i].node->nin; k++) {
            int32_t m = p->src[p->step[i].src + k];
            if (m >= 0 && p->step[m].unit == p->step[i].unit)
                p->step[m].uses++;
        }
}

/* --- feeds ------------------------------------------------------------------------------------ */

static bool only_output(const mx_plan *p, const mx_unit *u, int32_t m) {
    for (int32_t i = u->first; i >= 0; i = p->step[i].next)
        if (i != m && mx_step_escapes(&p->step[i]))
            return false;
    return true;
}

/* Input 0 comes from a program that nobody else reads: the node may read the program itself. */
static void find_feed(mx_plan *p, int32_t i) {
    mx_step *s = &p->step[i];
    int32_t m = s->node->nin ? p->src[s->src] : -1;
    if (m < 0 || !p->step[m].pointwise || !(mx_node_desc(s->node)->traits & MX_TRAIT_FEED))
        return;
    mx_unit *u = &p->unit[p->step[m].unit];
    mx_array *a = mx_step_out(&p->step[m]);
    if (u->idle || a->tracer || a->size == 0 || atomic_load(&a->refs) != 1 || !only_output(p, u, m))
        return;
    const mx_backend *b = mx_backend_of(s->node->stream.device);
    if (b && b->can_feed(s->node)) {
        u->idle = true;
        p->unit[s->unit].feed = p->step[m].unit;
    }
}

/* --- the order of units ----------------------------------------------------------------------- */

typedef struct frame {
    int32_t unit, step, input;
    bool in_feed;
} frame;

static bool push(mx_plan *p, size_t *depth, int32_t unit) {
    if (!mx_plan_room(&p->stack, &p->room_stack, *depth + 1, sizeof(frame)))
        return false;
    p->unit[unit].visited = true;
    ((frame *)p->stack)[(*depth)++] = (frame){unit, p->unit[unit].first, 0, false};
    return true;
}

/* The next unit that f's unit depends on, -1 when there is no more. */
static int32_t next_dependency(const mx_plan *p, frame *f) {
    for (;;) {
        if (f->step < 0) {
            int32_t feed = p->unit[f->unit].feed;
            if (f->in_feed || feed < 0)
                return -1;
            f->in_feed = true;
            f->step = p->unit[feed].first;
            continue;
        }
        const mx_step *s = &p->step[f->step];
        if (f->input == s->node->nin) {
            f->step = s->next;
            f->input = 0;
            continue;
        }
        int32_t m;
        mx_plan_input(p, s, f->input++, &m);
        if (m >= 0 && !p->unit[p->step[m].unit].visited && !p->unit[p->step[m].unit].idle)
            return p->step[m].unit;
    }
}

static bool visit(mx_plan *p, int32_t unit) {
    size_t depth = 0;
    bool ok = push(p, &depth, unit);
    while (depth && ok) {
        frame *f = &((frame *)p->stack)[depth - 1];
        int32_t next = next_dependency(p, f);
        if (next >= 0) {
            ok = push(p, &depth, next);
        } else {
            p->order[p->n_order++] = f->unit;
            depth--;
        }
    }
    return ok;
}

static bool order_units(mx_plan *p) {
    if (!mx_plan_room(&p->order, &p->room_order, (size_t)p->n_unit, sizeof *p->order))
        return false;
    for (int32_t u = 0; u < p->n_unit; u++)
        if (!p->unit[u].visited && !p->unit[u].idle && !visit(p, u))
            return false;
    return true;
}

/* The same for one step, which has nobody to meet. */
static bool fuse_one(mx_plan *p) {
    mx_unit *u = new_unit(p);
    if (!u || !mx_plan_room(&p->order, &p->room_order, 1, sizeof *p->order))
        return false;
    p->step[0].pointwise = mx_prim_is_pointwise((mx_prim)p->step[0].node->prim);
    p->step[0].next = -1;
    unit_add(p, u, 0);
    p->order[p->n_order++] = 0;
    return true;
}

bool mx_plan_fuse(mx_plan *p) {
    if (p->n_step == 1)
        return fuse_one(p);
    earliest_stages(p);
    latest_stages(p);
    join_groups(p);
    if (!make_units(p))
        return false;
    count_uses(p);
    mx_plan_fills(p);
    for (int32_t i = 0; i < p->n_step; i++)
        if (!p->step[i].pointwise)
            find_feed(p, i);
    return order_units(p) && mx_plan_schedule(p);
}
