/* The interpreter of pointwise programs: places, registers, tiles. See cpu_program.h. */
#include "cpu/program/cpu_program.h"

#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/program/parts.h"
#include "kernels/copy/k_copy.h"

enum {
#ifdef MX_TORTURE
    TILE_MAX = 7,
    TILE_MIN = 7,
#else
    TILE_MAX = 256, /* measured: the tiles of a long program stay near the top of the cache */
    TILE_MIN = 128,
#endif
    REGISTER_BYTES = 24 << 10 /* all registers of a tile: most of a first-level cache */
};

typedef enum op_kind { OP_FETCH, OP_UNARY, OP_BINARY, OP_TERNARY, OP_STORE } op_kind;

/* Where a value lies: element e at base + e * step, or in a register. */
typedef struct place {
    char *base;
    size_t offset; /* PANEL, CYCLE: bytes into the thread's panels or cycles */
    int32_t step;
    int32_t reg;    /* a register, or one of: */
    int32_t period; /* CYCLE: elements */
} place;
enum {
    IN_MEMORY = -1,
    CALLER = -2, /* where the reader of a feed wants it */
    NOWHERE = -3,
    PANEL = -4, /* in the panel that was fetched for this and the next tiles */
    CYCLE = -5  /* in a cycle: element e is element e % period */
};

typedef struct op {
    op_kind kind;
    uint16_t dst;    /* value; the output's number for OP_STORE */
    uint16_t arg[3]; /* values */
    mx_k_pw fn;
    int fetch; /* OP_FETCH: which */
} op;

typedef struct fetch {
    const mx_array *a;
    cpu_layout layout;
    size_t offset; /* bytes into the thread's panels or cycles */
    int64_t count; /* of a cycle: elements that are kept */
} fetch;

typedef struct constant {
    const mx_array *a;
    int reg;
} constant;

/* An input whose neighbours lie far apart is fetched a panel of PANEL_ROWS whole rows at a time:
   the copy kernel transposes it in registers, and tiles read the panel from the second-level
   cache. */
enum { PANEL_ROWS = 16, PANEL_BYTES = 512 << 10 };

/* An input that repeats along the first axis, as a bias does, is fetched once for a range of tiles:
   one period, and as much of the next one as a tile may need behind it. */
enum { CYCLE_BYTES = 32 << 10, CYCLES_BYTES = 128 << 10 };

struct cpu_program {
    const mx_program *p;
    const mx_kernels *k;
    place *place;   /* of each value */
    place *out;     /* of each output */
    mx_dtype *type; /* of each value */
    int *last;      /* last instruction that reads a value */
    op *op;
    fetch *fetch;
    fetch *cycle;
    constant *constant;
    int *spare;           /* free registers */
    int n_op;             /* this and all behind it begin as 0 */
    int n_fetch, n_panel; /* the first n_panel fetches fill panels */
    int n_cycle;
    int n_constant;
    int n_spare;
    int n_reg;
    int tile;
    size_t reg_bytes;
    int64_t panel;      /* elements; 0: no input needs one */
    size_t panel_bytes; /* of all panels of a thread */
    size_t cycle_bytes; /* of all its cycles */
};

/* --- preparing -------------------------------------------------------------------------------- */

static size_t pad(size_t n) {
    return (n + 15) & ~(size_t)15;
}

typedef struct arena {
    char *p;
    size_t used, room;
} arena;

/* Beyond the room, which may be none, this only counts. */
static void *take(arena *a, size_t count, size_t size) {
    size_t at = a->used;
    a->used += pad(count * size);
    return a->used <= a->room ? a->p + at : NULL;
}

static int count_fetches(const mx_program *p) {
    int n = 0;
    for (int i = 0; i < p->n_in; i++)
        n += p->in[i]->size != 1 && !cpu_is_direct(p, p->in[i]);
    return n;
}

static void lay_out(cpu_program *c, arena *a, const mx_program *p) {
    size_t values = (size_t)(p->n_in + p->n_instr);
    c->place = take(a, values, sizeof *c->place);
    c->out = take(a, (size_t)p->n_out, sizeof *c->out);
    c->type = take(a, values, sizeof *c->type);
    c->last = take(a, values, sizeof *c->last);
    c->op = take(a, values + (size_t)p->n_out, sizeof *c->op);
    c->fetch = take(a, (size_t)count_fetches(p), sizeof *c->fetch);
    c->cycle = take(a, (size_t)count_fetches(p), sizeof *c->cycle);
    c->constant = take(a, (size_t)p->n_in, sizeof *c->constant);
    c->spare = take(a, values, sizeof *c->spare);
}

static size_t lay_out_all(cpu_program *c, size_t room, const mx_program *p) {
    arena a = {(char *)c, pad(sizeof *c), room};
    lay_out(c, &a, p);
    return a.used;
}

/* What most programs need, one or two fetches included; others come from the heap. */
typedef union few {
    cpu_program c;
    char room[12 << 10];
} few;

/* For p: in f where it fits and is not to be kept. */
static cpu_program *allocate(few *f, bool keep, const mx_program *p) {
    cpu_program *c = &f->c;
    size_t bytes = lay_out_all(c, sizeof *f, p);
    if (keep || bytes > sizeof *f) {
        if (!(c = mx_malloc(bytes)))
            return NULL;
        lay_out_all(c, bytes, p);
    }
    memset(&c->n_op, 0, sizeof *c - offsetof(cpu_program, n_op));
    c->p = p;
    c->k = mx_kernels_get();
    return c;
}

static void let_go(cpu_program *c, few *f) {
    if (c != &f->c)
        mx_free(c);
}

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

static op *add_op(cpu_program *c, op_kind kind, int dst) {
    op *o = &c->op[c->n_op++];
    *o = (op){.kind = kind, .dst = (uint16_t)dst};
    return o;
}

static void fetch_layout(const cpu_program *c, const mx_array *a, cpu_layout *l) {
    int64_t strides[MX_MAX_NDIM];
    const int64_t *all[1] = {strides};
    cpu_broadcast_strides(a, c->p->shape, c->p->ndim, strides);
    cpu_layout_collapse(l, c->p->shape, c->p->ndim, 1, all);
}

/* Elements of a panel for this input, 0 where tiles are as good. */
static int64_t panel_of(const cpu_layout *l, size_t item) {
    int last = l->ndim - 1;
    if (last < 1 || l->stride[0][last] == 0 || l->stride[0][last] == 1)
        return 0;
    int64_t n = l->shape[last] * PANEL_ROWS;
    return n * (int64_t)item <= PANEL_BYTES ? n : 0;
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
    fetch *f = &c->cycle[c->n_cycle];
    size_t item = mx_itemsize(a);
    fetch_layout(c, a, &f->layout);
    int64_t period = period_of(&f->layout, item);
    size_t bytes = ((size_t)(period + TILE_MAX) * item + 63) & ~(size_t)63;
    if (!period || c->cycle_bytes + bytes > CYCLES_BYTES)
        return false;
    f->a = a;
    f->offset = c->cycle_bytes;
    f->count = period + TILE_MAX;
    c->n_cycle++;
    c->cycle_bytes += bytes;
    c->place[i] = (place){NULL, f->offset, (int32_t)item, CYCLE, (int32_t)period};
    return true;
}

static void place_in_panel(cpu_program *c, int i) {
    const mx_array *a = c->p->in[i];
    fetch *f = &c->fetch[c->n_fetch];
    size_t item = mx_itemsize(a);
    fetch_layout(c, a, &f->layout);
    int64_t panel = panel_of(&f->layout, item);
    if (!panel || (c->panel && (size_t)c->panel * item > PANEL_BYTES))
        return;
    c->panel = c->panel ? c->panel : panel;
    f->a = a;
    f->offset = c->panel_bytes;
    c->n_fetch++;
    c->panel_bytes += ((size_t)c->panel * item + 63) & ~(size_t)63;
    c->place[i] = (place){NULL, f->offset, (int32_t)item, PANEL, 0};
}

/* Scalars fill a register once a thread and keep it. */
static void place_inputs(cpu_program *c) {
    const mx_program *p = c->p;
    for (int i = 0; i < p->n_in; i++) {
        const mx_array *a = p->in[i];
        place *at = &c->place[i];
        if (cpu_is_direct(p, a)) {
            *at = (place){a->data, 0, (int32_t)mx_itemsize(a), IN_MEMORY, 0};
        } else if (a->size == 1) {
            *at = (place){NULL, 0, 0, c->n_reg++, 0};
            c->constant[c->n_constant++] = (constant){a, at->reg};
        } else {
            *at = (place){NULL, 0, 0, NOWHERE, 0};
            if (!place_in_cycle(c, i))
                place_in_panel(c, i);
        }
    }
    c->n_panel = c->n_fetch;
}

/* Bring an input whose elements are scattered into a register. */
static void add_fetch(cpu_program *c, int i) {
    const mx_array *a = c->p->in[i];
    op *o = add_op(c, OP_FETCH, i);
    fetch *f = &c->fetch[o->fetch = c->n_fetch++];
    f->a = a;
    fetch_layout(c, a, &f->layout);
    c->place[i] = (place){NULL, 0, 0, take_register(c), 0};
}

static bool is_constant(const cpu_program *c, int v) {
    return v < c->p->n_in && c->p->in[v]->size == 1 && !cpu_is_direct(c->p, c->p->in[v]);
}

/* A register for a result: an operand's that dies here and has elements of the same size, or a new
   one. */
static int result_register(cpu_program *c, int k, int v) {
    const mx_instr *in = &c->p->instr[k];
    for (int j = 0; j < cpu_instr_arity(in); j++) {
        place *at = &c->place[in->arg[j]];
        if (at->reg >= 0 && c->last[in->arg[j]] == k && !is_constant(c, in->arg[j]) &&
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
        if (c->last[v] == k && c->place[v].reg >= 0 && !is_constant(c, v)) {
            c->spare[c->n_spare++] = c->place[v].reg;
            c->last[v] = -1;
        }
    }
}

static void add_instr(cpu_program *c, int k) {
    const mx_instr *in = &c->p->instr[k];
    int arity = cpu_instr_arity(in);
    op *o = add_op(c, arity == 1 ? OP_UNARY : arity == 2 ? OP_BINARY : OP_TERNARY, c->p->n_in + k);
    memcpy(o->arg, in->arg, sizeof o->arg);
    o->fn = cpu_instr_kernel(c->k, in);
}

static void add_stores(cpu_program *c, int v) {
    const mx_program *p = c->p;
    for (int o = 0; o < p->n_out; o++) {
        if (p->out_value[o] != v || (c->place[v].base && c->place[v].base == c->out[o].base) ||
            (c->place[v].reg == CALLER))
            continue;
        op *s = add_op(c, OP_STORE, o);
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
            if (c->place[p->instr[k].arg[j]].reg == NOWHERE)
                add_fetch(c, p->instr[k].arg[j]);
        if (!place_in_output(c, v))
            c->place[v] = (place){NULL, 0, 0, result_register(c, k, v), 0};
        add_instr(c, k);
        add_stores(c, v);
        release_operands(c, k);
    }
    for (int i = 0; i < p->n_in; i++) {
        bool wanted = false;
        for (int o = 0; o < p->n_out; o++)
            wanted |= p->out_value[o] == i;
        if (wanted && c->place[i].reg == NOWHERE)
            add_fetch(c, i);
        if (wanted)
            add_stores(c, i);
    }
}

/* The tile: all registers, of the widest type, within REGISTER_BYTES. */
static void choose_tile(cpu_program *c) {
    size_t item = 1;
    for (int v = 0; v < c->p->n_in + c->p->n_instr; v++)
        item = mx_dtype_size(c->type[v]) > item ? mx_dtype_size(c->type[v]) : item;
    size_t tile = REGISTER_BYTES / (item * (size_t)(c->n_reg ? c->n_reg : 1));
    tile = tile >= TILE_MAX ? TILE_MAX : tile <= TILE_MIN ? TILE_MIN : tile & ~(size_t)63;
    if ((int64_t)tile > c->p->size)
        tile = (size_t)c->p->size;
    c->tile = (int)tile;
    c->reg_bytes = (tile * item + 63) & ~(size_t)63;
}

static void prepare(cpu_program *c) {
    find_types(c);
    find_last_uses(c);
    place_inputs(c);
    schedule(c);
    choose_tile(c);
}

/* --- running ---------------------------------------------------------------------------------- */

typedef struct frame {
    const cpu_program *c;
    char *scratch; /* registers, then cycles, then panels */
    char *caller;  /* where a feed's reader wants element `begin` */
    int64_t begin; /* the first element of the range, also the first in each cycle */
    char *cycles, *panels;
    int64_t panel_begin; /* the first element in them */
} frame;

static inline char *at(const frame *f, const place *p, int64_t e) {
    if (p->reg >= 0)
        return f->scratch + (size_t)p->reg * f->c->reg_bytes;
    if (p->reg == CALLER)
        return f->caller + (e - f->begin) * p->step;
    if (p->reg == CYCLE)
        return f->cycles + p->offset + (e - f->begin) % p->period * p->step;
    if (p->reg == PANEL)
        return f->panels + p->offset + (size_t)(e - f->panel_begin) * (size_t)p->step;
    return p->base + e * p->step;
}

static void fill_constants(const frame *f) {
    const cpu_program *c = f->c;
    for (int i = 0; i < c->n_constant; i++) {
        const constant *k = &c->constant[i];
        c->k->pointwise->fill[mx_itemsize(k->a)](f->scratch + (size_t)k->reg * c->reg_bytes,
                                                 k->a->data, (size_t)c->tile);
    }
}

static void fetch_tile(const frame *f, const op *o, int64_t e, size_t n) {
    const fetch *from = &f->c->fetch[o->fetch];
    const cpu_layout *l = &from->layout;
    f->c->k->copy->fetch[mx_itemsize(from->a)](at(f, &f->c->place[o->dst], e), from->a->data,
                                               l->ndim, l->shape, l->stride[0], e, (int64_t)n);
}

static void run_tile(const frame *f, int64_t e, size_t n) {
    const cpu_program *c = f->c;
    const place *pl = c->place;
    for (const op *o = c->op, *end = o + c->n_op; o < end; o++) {
        switch (o->kind) {
        case OP_FETCH: fetch_tile(f, o, e, n); break;
        case OP_UNARY: o->fn.unary(at(f, &pl[o->dst], e), at(f, &pl[o->arg[0]], e), n); break;
        case OP_BINARY:
            o->fn.binary(at(f, &pl[o->dst], e), at(f, &pl[o->arg[0]], e), at(f, &pl[o->arg[1]], e),
                         n);
            break;
        case OP_TERNARY:
            o->fn.ternary(at(f, &pl[o->dst], e), at(f, &pl[o->arg[0]], e), at(f, &pl[o->arg[1]], e),
                          at(f, &pl[o->arg[2]], e), n);
            break;
        case OP_STORE: o->fn.unary(at(f, &c->out[o->dst], e), at(f, &pl[o->arg[0]], e), n); break;
        }
    }
}

/* n elements from `begin` on, for later tiles. */
static void fetch_ahead(const frame *f, char *to, const fetch *from, int64_t begin, int64_t n) {
    const cpu_layout *l = &from->layout;
    f->c->k->copy->fetch[mx_itemsize(from->a)](to + from->offset, from->a->data, l->ndim, l->shape,
                                               l->stride[0], begin, n);
}

static void fill_cycles(const frame *f, int64_t end) {
    int64_t n = end - f->begin;
    for (int i = 0; i < f->c->n_cycle; i++) {
        const fetch *from = &f->c->cycle[i];
        fetch_ahead(f, f->cycles, from, f->begin, n < from->count ? n : from->count);
    }
}

static void fill_panels(frame *f, int64_t begin, int64_t end) {
    f->panel_begin = begin;
    for (int i = 0; i < f->c->n_panel; i++)
        fetch_ahead(f, f->panels, &f->c->fetch[i], begin, end - begin);
}

static void run_tiles(const frame *f, int64_t begin, int64_t end) {
    int64_t tile = f->c->tile;
    for (int64_t e = begin; e < end; e += tile)
        run_tile(f, e, (size_t)(end - e < tile ? end - e : tile));
}

/* Panels begin at multiples of their size, so that they are made of whole rows. */
static void run_panels(frame *f, int64_t begin, int64_t end) {
    int64_t panel = f->c->panel, stop;
    for (int64_t e = begin; e < end; e = stop) {
        stop = (e / panel + 1) * panel;
        stop = stop < end ? stop : end;
        fill_panels(f, e, stop);
        run_tiles(f, e, stop);
    }
}

static bool run_range(const cpu_program *c, int64_t begin, int64_t end, char *caller) {
    frame f = {.c = c, .caller = caller, .begin = begin};
    size_t registers = (size_t)c->n_reg * c->reg_bytes;
    if (begin >= end)
        return true;
    f.scratch = mx_scratch(0, registers + c->cycle_bytes + c->panel_bytes + 1); // perhaps none
    if (!f.scratch)
        return false;
    f.cycles = f.scratch + registers;
    f.panels = f.cycles + c->cycle_bytes;
    fill_constants(&f);
    fill_cycles(&f, end);
    if (c->panel)
        run_panels(&f, begin, end);
    else
        run_tiles(&f, begin, end);
    return true;
}

/* --- the whole program on the pool ------------------------------------------------------------ */

typedef struct job {
    const cpu_program *c;
    _Atomic bool failed;
} job;

/* Pieces count elements, or panels where there are any. */
static void run_piece(void *ctx, int64_t begin, int64_t end) {
    job *j = ctx;
    int64_t unit = j->c->panel ? j->c->panel : 1, size = j->c->p->size;
    if (!run_range(j->c, begin * unit, end * unit < size ? end * unit : size, NULL))
        j->failed = true;
}

static void place_outputs(cpu_program *c) {
    for (int o = 0; o < c->p->n_out; o++) {
        const mx_array *a = c->p->out[o];
        c->out[o] = (place){a->data, 0, (int32_t)mx_itemsize(a), IN_MEMORY, 0};
    }
}

static bool execute(cpu_program *c) {
    job j = {c, false};
    place_outputs(c);
    prepare(c);
    int64_t grain = 1 + CPU_PROGRAM_GRAIN / (1 + c->n_op), units = c->p->size;
    if (c->panel) {
        grain /= c->panel;
        units = (units + c->panel - 1) / c->panel;
    }
    if (!cpu_outputs_compute(c->p, units, grain, run_piece, &j))
        return false;
    return !j.failed || mx_fail_nomem("eval", (unsigned long long)c->n_reg * c->reg_bytes);
}

static bool interpret(const mx_program *p) {
    few f;
    cpu_program *c = allocate(&f, false, p);
    bool ok = c && execute(c);
    let_go(c, &f);
    return ok;
}

bool cpu_program_run(const mx_program *p, const bool *donate) {
    if (!cpu_outputs_give(p, donate))
        return false;
    return p->size == 0 || (cpu_is_single(p) ? cpu_single_run(p) : interpret(p));
}

/* --- as a source ------------------------------------------------------------------------------ */

cpu_program *cpu_program_open(const mx_program *p) {
    few f;
    cpu_program *c = allocate(&f, true, p);
    if (!c)
        return NULL;
    c->out[0] = (place){NULL, 0, (int32_t)mx_itemsize(p->out[0]), CALLER, 0};
    prepare(c);
    return c;
}

bool cpu_program_read(const cpu_program *c, int64_t begin, int64_t end, void *out) {
    return run_range(c, begin, end, out);
}

void cpu_program_close(cpu_program *c) {
    mx_free(c);
}
