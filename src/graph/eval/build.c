/* From a unit of pointwise steps to a program (program.h). */
#include "base/mem.h"
#include "graph/eval/plan.h"

enum { MOST_INPUTS = 3 }; /* of a step */

static bool resize(void *array, size_t n, size_t size) {
    void *bigger = mx_realloc_array(*(void **)array, n, size);
    if (bigger)
        *(void **)array = bigger;
    return bigger != NULL;
}

static bool grow(mx_builder *b, int32_t steps) {
    size_t n = (size_t)steps;
    bool ok = resize(&b->arrays, (MOST_INPUTS + 1) * n, sizeof *b->arrays) &&
              resize(&b->instrs, n, sizeof *b->instrs) &&
              resize(&b->values, n, sizeof *b->values) &&
              resize(&b->counts, MOST_INPUTS * n, sizeof *b->counts) &&
              resize(&b->donate, MOST_INPUTS * n, sizeof *b->donate);
    b->room = ok ? steps : 0;
    return ok;
}

/* An empty program with room for so many steps. */
static bool reserve(mx_builder *b, int32_t steps) {
    mx_program *g = &b->program;
    if (steps > b->room && !grow(b, steps))
        return false;
    g->in = b->arrays;
    g->out = b->arrays + MOST_INPUTS * steps;
    g->instr = b->instrs;
    g->out_value = b->values;
    g->n_in = g->n_instr = g->n_out = 0;
    return true;
}

/* Array a as an input, a new one unless it is there already. refs: from the step that reads it. */
static void load(mx_builder *b, mx_array *a, uint32_t refs) {
    mx_program *g = &b->program;
    int i = 0;
    while (i < g->n_in && g->in[i] != a)
        i++;
    if (i == g->n_in) {
        g->in[g->n_in++] = a;
        b->counts[i] = 0;
    }
    b->counts[i] += refs;
}

static void find_inputs(mx_plan *p, const mx_unit *u, mx_builder *b) {
    for (int32_t i = u->first; i >= 0; i = p->step[i].next) {
        const mx_step *s = &p->step[i];
        for (int k = 0; k < s->node->nin; k++) {
            int32_t m;
            mx_array *a = mx_plan_input(p, s, k, &m);
            if (m < 0 || p->step[m].unit != s->unit)
                load(b, a, a == s->node->in[k]); // a value behind a fill is the fill's
        }
    }
}

static uint16_t emit(mx_program *g, mx_instr in) {
    g->instr[g->n_instr] = in;
    return (uint16_t)(g->n_in + g->n_instr++);
}

static uint16_t operand(mx_plan *p, mx_builder *b, const mx_step *s, int k) {
    int32_t m;
    const mx_array *a = mx_plan_input(p, s, k, &m);
    if (m >= 0 && p->step[m].unit == s->unit)
        return p->step[m].value;
    for (int i = 0;; i++)
        if (b->program.in[i] == a)
            return (uint16_t)i;
}

static uint16_t emit_step(mx_plan *p, mx_builder *b, const mx_step *s) {
    const mx_node *n = s->node;
    mx_dtype in = mx_dtype_of(n->in[n->nin - 1]), out = mx_dtype_of(n->out[0]);
    uint16_t op = n->prim == MX_PRIM_astype ? MX_OPC_CAST : n->prim, a = operand(p, b, s, 0);
    mx_instr r = {op, (uint8_t)in, (uint8_t)out, {a, a, a}, n->source};
    for (int k = 1; k < n->nin; k++)
        r.arg[k] = operand(p, b, s, k);
    return emit(&b->program, r);
}

/* An input may be overwritten when all its references come from this unit and its memory is its
   own. */
static bool may_donate(const mx_builder *b, int i, bool tracer) {
    const mx_array *a = b->program.in[i];
    return !tracer && !a->tracer && a->row_contiguous && a->buffer && !a->buffer->borrowed &&
           atomic_load_explicit(&a->refs, memory_order_acquire) == b->counts[i] &&
           atomic_load_explicit(&a->buffer->refs, memory_order_acquire) == 1;
}

bool mx_plan_build(mx_plan *p, int32_t unit, mx_builder *b) {
    const mx_unit *u = &p->unit[unit];
    mx_program *g = &b->program;
    const mx_array *any = mx_step_out(&p->step[u->first]);
    bool tracer = false;
    if (!reserve(b, u->count))
        return false;
    g->ndim = any->ndim;
    g->shape = any->shape;
    g->size = any->size;
    g->stream = p->step[u->first].node->stream.index;
    find_inputs(p, u, b);
    for (int32_t i = u->first; i >= 0; i = p->step[i].next) {
        mx_step *s = &p->step[i];
        s->value = emit_step(p, b, s);
        tracer |= mx_step_out(s)->tracer;
        if (mx_step_escapes(s)) {
            g->out_value[g->n_out] = s->value;
            g->out[g->n_out++] = mx_step_out(s);
        }
    }
    if (!g->n_out) { /* feeds a node: the last step is what it reads */
        g->out_value[0] = p->step[u->last].value;
        g->out[g->n_out++] = mx_step_out(&p->step[u->last]);
    }
    for (int i = 0; i < g->n_in; i++)
        b->donate[i] = may_donate(b, i, tracer);
    return true;
}

void mx_builder_free(mx_builder *b) {
    mx_free(b->arrays);
    mx_free(b->instrs);
    mx_free(b->values);
    mx_free(b->counts);
    mx_free(b->donate);
    *b = (mx_builder){0};
}
