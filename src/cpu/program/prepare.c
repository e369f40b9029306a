/* Places for the values of a program, and its operations on tiles: see interpreter.h. */
#include <string.h>

#include "cpu/program/interpreter.h"

static void find_types(cpu_program *c) {
    const mx_program *p = c->p;
    for (int v = 0; v < p->n_in + p->n_instr; v++) {
        c->type[v] = v < p->n_in ? mx_dtype_of(p->in[v]) : (mx_dtype)p->instr[v - p->n_in].to;
        c->last[v] = -1;
    }
}

static void find_last_uses(cpu_program *c) {
    const mx_program *p = c->p;
    for (int k = 0; k < p->n_instr; k++)
        for (int j = 0; j < cpu_instr_arity(&p->instr[k]); j++)
            c->last[p->instr[k].arg[j]] = k;
    for (int o = 0; o < p->n_out; o++) /* a loaded value that is an output is stored at the end */
        if (p->out_value[o] < p->n_in)
            c->last[p->out_value[o]] = p->n_instr;
}

static int take_register(cpu_program *c) {
    return c->n_spare ? c->spare[--c->n_spare] : c->n_reg++;
}

static cpu_op *add_op(cpu_program *c, op_kind kind, int dst) {
    cpu_op *o = &c->op[c->n_op++];
    *o = (cpu_op){.kind = kind, .dst = (uint16_t)dst};
    return o;
}

static void fetch_layout(const mx_program *p, const mx_array *a, cpu_layout *l) {
    int64_t strides[MX_MAX_NDIM];
    const int64_t *all[1] = {strides};
    cpu_broadcast_strides(a, p->shape, p->ndim, strides);
    cpu_layout_collapse(l, p->shape, p->ndim, 1, all);
}

/* Elements of a panel for this input, 0 where tiles are as good. */
static int64_t panel_of(const cpu_layout *l, size_t item) {
    int last = l->ndim - 1;
    if (last < 1 || l->stride[0][last] == 0 || l->stride[0][last] == 1)
        return 0;
    for (int64_t rows = PANEL_ROWS; rows >= PANEL_LEAST; rows /= 2)
        if (rows * l->shape[last] * (int64_t)item <= PANEL_BYTES)
            return rows * l->shape[last];
    return 0;
}

bool cpu_panel_of(const mx_program *p, const mx_array *a) {
    cpu_layout l;
    fetch_layout(p, a, &l);
    int64_t between = l.ndim > 1 ? l.stride[0][l.ndim - 2] : 0;
    return between && between <= PANEL_NEAR && between >= -PANEL_NEAR &&
           panel_of(&l, mx_itemsize(a));
}

/* The elements of a period, 0 where the input does not repeat, or is too large to be kept. */
static int64_t period_of(const cpu_layout *l, size_t item) {
    int64_t n = 1;
    if (l->ndim < 2 || l->stride[0][0] != 0)
        return 0;
    for (int i = 1; i < l->ndim; i++)
        n *= l->shape[i];
    return n <= CYCLE_BYTES / (int64_t)item ? n : 0;
}

static bool place_in_cycle(cpu_program *c, int i) {
    const mx_array *a = c->p->in[i];
    cpu_fetch *f = &c->cycle[c->n_cycle];
    size_t item = mx_itemsize(a);
    fetch_layout(c->p, a, &f->layout);
    int64_t period = period_of(&f->layout, item);
    size_t bytes = ((size_t)(period + TILE_SHORT) * item + 63) & ~(size_t)63;
    if (!period || c->cycle_bytes + bytes > CYCLES_BYTES)
        return false;
    f->a = a;
    f->offset = c->cycle_bytes;
    f->count = period + TILE_SHORT;
    c->n_cycle++;
    c->cycle_bytes += bytes;
    c->place[i] = (cpu_place){NULL, f->offset, (int32_t)item, CYCLE, (int32_t)period, false};
    return true;
}

/* The elements of a row over which this input is one number, 0 where tiles are as good. */
static int64_t row_of(const cpu_layout *l) {
    int last = l->ndim - 1;
    return last > 0 && l->stride[0][last] == 0 && l->shape[last] >= ROW_MIN ? l->shape[last] : 0;
}

static bool place_in_row(cpu_program *c, int i) {
    cpu_row *r = &c->row[c->n_row];
    fetch_layout(c->p, c->p->in[i], &r->from.layout);
    int64_t n = row_of(&r->from.layout);
    if (!n || (c->row_size && c->row_size != n))
        return false;
    r->from.a = c->p->in[i];
    r->from.offset = 0;
    r->reg = c->n_reg++;
    c->n_row++;
    c->row_size = n;
    c->place[i] = (cpu_place){.reg = r->reg, .kept = true};
    return true;
}

static void place_in_panel(cpu_program *c, int i) {
    const mx_array *a = c->p->in[i];
    cpu_fetch *f = &c->fetch[c->n_fetch];
    size_t item = mx_itemsize(a);
    fetch_layout(c->p, a, &f->layout);
    int64_t panel = panel_of(&f->layout, item);
    if (!panel || (c->panel && (size_t)c->panel * item > PANEL_BYTES))
        return;
    c->panel = c->panel ? c->panel : panel;
    f->a = a;
    f->offset = c->panel_bytes;
    c->n_fetch++;
    c->panel_bytes += ((size_t)c->panel * item + 63) & ~(size_t)63;
    c->place[i] = (cpu_place){NULL, f->offset, (int32_t)item, PANEL, 0, false};
}

/* Scalars have no place until an operation reads one as an array. */
static void place_inputs(cpu_program *c) {
    const mx_program *p = c->p;
    for (int i = 0; i < p->n_in; i++) {
        const mx_array *a = p->in[i];
        cpu_place *at = &c->place[i];
        if (cpu_is_direct(p, a)) {
            *at = (cpu_place){a->data, 0, (int32_t)mx_itemsize(a), IN_MEMORY, 0, false};
        } else {
            *at = (cpu_place){.reg = NOWHERE};
            if (a->size != 1 && !place_in_cycle(c, i) && !place_in_row(c, i))
                place_in_panel(c, i);
        }
    }
    c->n_panel = c->n_fetch;
}

/* Bring an input whose elements are scattered into a register. */
static void add_fetch(cpu_program *c, int i) {
    const mx_array *a = c->p->in[i];
    cpu_op *o = add_op(c, OP_FETCH, i);
    cpu_fetch *f = &c->fetch[o->fetch = c->n_fetch++];
    f->a = a;
    fetch_layout(c->p, a, &f->layout);
    c->place[i] = (cpu_place){.reg = take_register(c)};
}

/* A scalar that an operation reads as an array. */
static void add_constant(cpu_program *c, int i) {
    c->place[i] = (cpu_place){.reg = c->n_reg++, .kept = true};
    c->constant[c->n_constant++] = (cpu_constant){c->p->in[i], c->place[i].reg};
}

static void bring(cpu_program *c, int v) {
    if (c->place[v].reg != NOWHERE)
        return;
    if (cpu_is_constant(c, v))
        add_constant(c, v);
    else
        add_fetch(c, v);
}

/* Which operand is a scalar that the instruction has a kernel for; -1: none. */
static int number_operand(const cpu_program *c, const mx_instr *in) {
    if (cpu_instr_arity(in) != 2 || !c->k->chain->number[in->op][in->dtype])
        return -1;
    bool left = cpu_is_constant(c, in->arg[0]), right = cpu_is_constant(c, in->arg[1]);
    return left == right ? -1 : right;
}

/* A register for a result: an operand's that dies here and has elements of the same size, or a new
   one. */
static int result_register(cpu_program *c, int k, int v) {
    const mx_instr *in = &c->p->instr[k];
    for (int j = 0; j < cpu_instr_arity(in); j++) {
        cpu_place *at = &c->place[in->arg[j]];
        if (at->reg >= 0 && c->last[in->arg[j]] == k && !at->kept &&
            mx_dtype_size(c->type[in->arg[j]]) == mx_dtype_size(c->type[v])) {
            int reg = at->reg;
            c->last[in->arg[j]] = -1;
            return reg;
        }
    }
    return take_register(c);
}

static void release_operands(cpu_program *c, int k) {
    const mx_instr *in = &c->p->instr[k];
    for (int j = 0; j < cpu_instr_arity(in); j++) {
        int v = in->arg[j];
        if (c->last[v] == k && c->place[v].reg >= 0 && !c->place[v].kept) {
            c->spare[c->n_spare++] = c->place[v].reg;
            c->last[v] = -1;
        }
    }
}

static void add_instr(cpu_program *c, int k) {
    const mx_instr *in = &c->p->instr[k];
    int arity = cpu_instr_arity(in);
    cpu_op *o = add_op(c,
                       arity == 1   ? OP_UNARY
                       : arity == 2 ? OP_BINARY
                                    : OP_TERNARY,
                       c->p->n_in + k);
    memcpy(o->arg, in->arg, sizeof o->arg);
    o->fn = cpu_instr_kernel(c->k, in);
    int number = number_operand(c, in);
    if (number < 0)
        return;
    o->kind = OP_NUMBER;
    o->with_number = c->k->chain->number[in->op][in->dtype];
    o->number = c->p->in[in->arg[number]]->data;
    o->turned = number == 0;
}

static void add_stores(cpu_program *c, int v) {
    const mx_program *p = c->p;
    for (int o = 0; o < p->n_out; o++) {
        if (p->out_value[o] != v || (c->place[v].base && c->place[v].base == c->out[o].base) ||
            (c->place[v].reg == CALLER))
            continue;
        cpu_op *s = add_op(c, OP_STORE, o);
        s->arg[0] = (uint16_t)v;
        s->fn.unary = c->k->pointwise->cast[c->type[v]][c->type[v]];
    }
}

/* A result that an output wants is computed in the output's memory. */
static bool place_in_output(cpu_program *c, int v) {
    const mx_program *p = c->p;
    for (int o = 0; o < p->n_out; o++)
        if (p->out_value[o] == v) {
            c->place[v] = c->out[o];
            return true;
        }
    return false;
}

static void schedule(cpu_program *c) {
    const mx_program *p = c->p;
    for (int k = 0; k < p->n_instr; k++) {
        int v = p->n_in + k;
        for (int j = 0; j < cpu_instr_arity(&p->instr[k]); j++)
            if (j != number_operand(c, &p->instr[k]))
                bring(c, p->instr[k].arg[j]);
        if (!place_in_output(c, v))
            c->place[v] = (cpu_place){.reg = result_register(c, k, v)};
        add_instr(c, k);
        add_stores(c, v);
        release_operands(c, k);
    }
    for (int i = 0; i < p->n_in; i++) {
        bool wanted = false;
        for (int o = 0; o < p->n_out; o++)
            wanted |= p->out_value[o] == i;
        if (wanted) {
            bring(c, i);
            add_stores(c, i);
        }
    }
}

/* As many as n, or a bit fewer, where a row has the same for each of its tiles. */
static size_t share_of_row(const cpu_program *c, size_t n) {
    size_t row = (size_t)c->row_size, tiles = (row + n - 1) / n;
    size_t share = ((row + tiles - 1) / tiles + 63) & ~(size_t)63;
    return share < n ? share : n;
}

/* The tile: all registers, of the widest type, within REGISTER_BYTES. */
static void choose_tile(cpu_program *c) {
    size_t item = 1;
    for (int v = 0; v < c->p->n_in + c->p->n_instr; v++)
        item = mx_dtype_size(c->type[v]) > item ? mx_dtype_size(c->type[v]) : item;
    size_t most = c->n_link || c->n_op <= FEW_OPS ? TILE_SHORT : item > 2 ? TILE_MAX : TILE_HALF;
    size_t tile = REGISTER_BYTES / (item * (size_t)(c->n_reg ? c->n_reg : 1));
    tile = tile >= most ? most : tile <= TILE_MIN ? TILE_MIN : tile & ~(size_t)127;
    tile = c->row_size ? share_of_row(c, tile) : tile;
    if (c->in_memory && tile > c->k->chain->block) // registers are for what is left of blocks
        tile = c->k->chain->block;
    if ((int64_t)tile > c->p->size)
        tile = (size_t)c->p->size;
    c->tile = (int)tile;
    c->reg_bytes = (tile * item + 63) & ~(size_t)63;
}

void cpu_program_prepare(cpu_program *c) {
    find_types(c);
    find_last_uses(c);
    place_inputs(c);
    schedule(c);
    cpu_chains_find(c);
    c->in_memory = cpu_chain_in_memory(c);
    choose_tile(c);
}
