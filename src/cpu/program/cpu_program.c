/* The interpreter of pointwise programs: places, registers, tiles. See cpu_program.h. */
#include "cpu/program/cpu_program.h"

#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/program/inputs.h"
#include "cpu/program/interpreter.h"
#include "kernels/copy/k_copy.h"

/* --- room ------------------------------------------------------------------------------------- */

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
    c->row = take(a, (size_t)count_fetches(p), sizeof *c->row);
    c->constant = take(a, (size_t)p->n_in, sizeof *c->constant);
    c->link = take(a, 3 * values, sizeof *c->link);
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
    char room[16 << 10];
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

/* --- running ---------------------------------------------------------------------------------- */

typedef struct frame {
    const cpu_program *c;
    char *scratch; /* registers, then cycles, panels, links */
    char *caller;  /* where a feed's reader wants element `begin` */
    int64_t begin; /* the first element of the range, also the first in each cycle */
    char *cycles, *panels;
    mx_k_link *link;     /* of chains */
    int64_t panel_begin; /* the first element in them */
} frame;

static inline char *at(const frame *f, const cpu_place *p, int64_t e) {
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
        const cpu_constant *k = &c->constant[i];
        c->k->pointwise->fill[mx_itemsize(k->a)](f->scratch + (size_t)k->reg * c->reg_bytes,
                                                 k->a->data, (size_t)c->tile);
    }
}

static void fetch_tile(const frame *f, const cpu_op *o, int64_t e, size_t n) {
    const cpu_fetch *from = &f->c->fetch[o->fetch];
    const cpu_layout *l = &from->layout;
    f->c->k->copy->fetch[mx_itemsize(from->a)](at(f, &f->c->place[o->dst], e), from->a->data,
                                               l->ndim, l->shape, l->stride[0], e, (int64_t)n);
}

static inline char *at_past(const frame *f, int value, int64_t e, size_t done) {
    return at(f, &f->c->place[value], e) + done;
}

/* n elements of the tile at e, after `done` bytes of it; what is fetched or stored is all of it. */
static void run_op(const frame *f, const cpu_op *o, int64_t e, size_t done, size_t n) {
    const uint16_t *a = o->arg;
    switch (o->kind) {
    case OP_FETCH: fetch_tile(f, o, e, n); break;
    case OP_UNARY: o->fn.unary(at_past(f, o->dst, e, done), at_past(f, a[0], e, done), n); break;
    case OP_BINARY:
        o->fn.binary(at_past(f, o->dst, e, done), at_past(f, a[0], e, done),
                     at_past(f, a[1], e, done), n);
        break;
    case OP_NUMBER:
        o->with_number(at_past(f, o->dst, e, done), at_past(f, a[o->turned], e, done), o->number, n,
                       o->turned);
        break;
    case OP_TERNARY:
        o->fn.ternary(at_past(f, o->dst, e, done), at_past(f, a[0], e, done),
                      at_past(f, a[1], e, done), at_past(f, a[2], e, done), n);
        break;
    case OP_STORE: o->fn.unary(at(f, &f->c->out[o->dst], e), at_past(f, a[0], e, done), n); break;
    }
}

/* The chain's data of the tile at e. */
static const mx_k_link *aim_chain(const frame *f, const cpu_op *o, int64_t e) {
    const cpu_link *from = f->c->link + o->link;
    mx_k_link *to = f->link + o->link;
    for (int i = 0; i < o->n_link; i++)
        if (from[i].value >= 0)
            to[i].data = at(f, &f->c->place[from[i].value], e);
    return to;
}

/* Whole blocks as a chain, what is left operation by operation. */
static void run_chain(const frame *f, const cpu_op *o, int64_t e, size_t n) {
    const mx_k_chain *k = f->c->k->chain;
    size_t left = n % k->block, whole = n - left;
    if (whole) {
        const mx_k_link *l = aim_chain(f, o, e);
        k->run(l + 1, l->data, l[o->n_link - 1].data, whole);
    }
    for (int i = 0; left && i < o->chain; i++)
        run_op(f, &o[i], e, whole * sizeof(float), left);
}

static void run_tile(const frame *f, int64_t e, size_t n) {
    const cpu_program *c = f->c;
    for (const cpu_op *o = c->op, *end = o + c->n_op; o < end; o += o->chain ? o->chain : 1)
        if (o->chain)
            run_chain(f, o, e, n);
        else
            run_op(f, o, e, 0, n);
}

static void place_links(const frame *f) {
    for (int i = 0; i < f->c->n_link; i++)
        f->link[i] = (mx_k_link){f->c->link[i].step, NULL, f->c->link[i].number};
}

/* n elements from `begin` on, for later tiles. */
static void fetch_ahead(const frame *f, char *to, const cpu_fetch *from, int64_t begin, int64_t n) {
    const cpu_layout *l = &from->layout;
    f->c->k->copy->fetch[mx_itemsize(from->a)](to + from->offset, from->a->data, l->ndim, l->shape,
                                               l->stride[0], begin, n);
}

static void fill_cycles(const frame *f, int64_t end) {
    int64_t n = end - f->begin;
    for (int i = 0; i < f->c->n_cycle; i++) {
        const cpu_fetch *from = &f->c->cycle[i];
        fetch_ahead(f, f->cycles, from, f->begin, n < from->count ? n : from->count);
    }
}

static void fill_panels(frame *f, int64_t begin, int64_t end) {
    f->panel_begin = begin;
    for (int i = 0; i < f->c->n_panel; i++)
        fetch_ahead(f, f->panels, &f->c->fetch[i], begin, end - begin);
}

/* How many of `left` elements are next: all whole blocks of a chain in memory, else a tile. */
static int64_t next_tile(const cpu_program *c, int64_t left) {
    int64_t block = (int64_t)c->k->chain->block;
    if (c->in_memory && left >= block)
        return left - left % block;
    return left < c->tile ? left : c->tile;
}

static void run_tiles(const frame *f, int64_t begin, int64_t end) {
    int64_t n;
    for (int64_t e = begin; e < end; e += n) {
        n = next_tile(f->c, end - e);
        run_tile(f, e, (size_t)n);
    }
}

/* The numbers of the row of element e, for tiles of up to n elements. */
static void fill_rows(const frame *f, int64_t e, size_t n) {
    const cpu_program *c = f->c;
    for (int i = 0; i < c->n_row; i++) {
        char number[16], *to = f->scratch + (size_t)c->row[i].reg * c->reg_bytes;
        fetch_ahead(f, number, &c->row[i].from, e, 1);
        c->k->pointwise->fill[mx_itemsize(c->row[i].from.a)](to, number, n);
    }
}

/* Each row, or what of it is in the range, by itself. */
static void run_rows(const frame *f, int64_t begin, int64_t end) {
    int64_t row = f->c->row_size, stop;
    for (int64_t e = begin; e < end; e = stop) {
        stop = (e / row + 1) * row;
        stop = stop < end ? stop : end;
        fill_rows(f, e, (size_t)(stop - e < f->c->tile ? stop - e : f->c->tile));
        run_tiles(f, e, stop);
    }
}

static void run_whole(const frame *f, int64_t begin, int64_t end) {
    if (f->c->row_size)
        run_rows(f, begin, end);
    else
        run_tiles(f, begin, end);
}

/* Panels begin at multiples of their size, so that they are made of whole rows. */
static void run_panels(frame *f, int64_t begin, int64_t end) {
    int64_t panel = f->c->panel, stop;
    for (int64_t e = begin; e < end; e = stop) {
        stop = (e / panel + 1) * panel;
        stop = stop < end ? stop : end;
        fill_panels(f, e, stop);
        run_whole(f, e, stop);
    }
}

static bool run_range(const cpu_program *c, int64_t begin, int64_t end, char *caller) {
    frame f = {.c = c, .caller = caller, .begin = begin};
    size_t registers = (size_t)c->n_reg * c->reg_bytes;
    if (begin >= end)
        return true;
    size_t links = (size_t)c->n_link * sizeof(mx_k_link);
    f.scratch = mx_scratch(0, registers + c->cycle_bytes + c->panel_bytes + links + 1);
    if (!f.scratch)
        return false;
    f.cycles = f.scratch + registers;
    f.panels = f.cycles + c->cycle_bytes;
    f.link = (mx_k_link *)(void *)(f.panels + c->panel_bytes);
    place_links(&f);
    fill_constants(&f);
    fill_cycles(&f, end);
    if (c->panel)
        run_panels(&f, begin, end);
    else
        run_whole(&f, begin, end);
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
        c->out[o] = (cpu_place){a->data, 0, (int32_t)mx_itemsize(a), IN_MEMORY, 0, false};
    }
}

static bool execute(cpu_program *c) {
    job j = {c, false};
    place_outputs(c);
    cpu_program_prepare(c);
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
    cpu_inputs *inputs;
    if (!cpu_inputs_open(&inputs, p, false))
        return false;
    cpu_program *c = allocate(&f, false, inputs ? cpu_inputs_program(inputs) : p);
    bool ok = c && execute(c);
    let_go(c, &f);
    cpu_inputs_close(inputs);
    return ok;
}

bool cpu_program_run(const mx_program *p, const bool *donate) {
    bool fits;
    if (!cpu_outputs_give(p, donate))
        return false;
    if (p->size == 0)
        return true;
    if (cpu_is_single(p))
        return cpu_single_run(p);
    bool ok = cpu_rows_run(p, &fits);
    return fits ? ok : interpret(p);
}

/* --- as a source ------------------------------------------------------------------------------ */

cpu_program *cpu_program_open(const mx_program *p) {
    few f;
    cpu_inputs *inputs;
    if (!cpu_inputs_open(&inputs, p, true))
        return NULL;
    cpu_program *c = allocate(&f, true, inputs ? cpu_inputs_program(inputs) : p);
    if (!c) {
        cpu_inputs_close(inputs);
        return NULL;
    }
    c->inputs = inputs;
    c->out[0] = (cpu_place){NULL, 0, (int32_t)mx_itemsize(p->out[0]), CALLER, 0, false};
    cpu_program_prepare(c);
    return c;
}

bool cpu_program_read(const cpu_program *c, int64_t begin, int64_t end, void *out) {
    return run_range(c, begin, end, out);
}

bool cpu_program_factors(const cpu_program *c, const char *factor[2]) {
    const mx_instr *in = c->p->instr;
    if (!cpu_is_single(c->p) || (in->op != MX_PW_multiply && in->op != MX_PW_square))
        return false;
    factor[0] = c->p->in[in->arg[0]]->data;
    factor[1] = in->op == MX_PW_square ? factor[0] : c->p->in[in->arg[1]]->data;
    return true;
}

void cpu_program_close(cpu_program *c) {
    cpu_inputs_close(c->inputs);
    mx_free(c);
}
