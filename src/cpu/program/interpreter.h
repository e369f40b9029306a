/* A program as the interpreter runs it: a place for each value, operations on tiles, and chains of
 * operations, whose values do not leave the processor's registers.
 *
 *     cpu_program.c    room for it, running
 *     prepare.c        places, operations
 *     chains.c         which operations are chains
 *     inputs.c         inputs of what is read piece by piece
 */
#ifndef MX_CPU_PROGRAM_INTERPRETER_H
#define MX_CPU_PROGRAM_INTERPRETER_H

#include "cpu/program/cpu_program.h"
#include "cpu/program/parts.h"
#include "kernels/pointwise/k_pw_chain.h"

enum {
#ifdef MX_TORTURE
    TILE_MAX = 7,
    TILE_HALF = 7,
    TILE_SHORT = 7,
    TILE_MIN = 7,
    ROW_MIN = 7,
#else
    TILE_MAX = 256,  /* measured: the tiles of a long program stay near the top of the cache */
    TILE_HALF = 512, /* where no value has more than two bytes */
    TILE_SHORT =
        1024, /* of a program with chains or few operations, which leave few values there */
    TILE_MIN = 128,
    ROW_MIN = 256,
#endif
    FEW_OPS = 4,
    REGISTER_BYTES = 24 << 10 /* all registers of a tile: most of a first-level cache */
};

typedef enum op_kind { OP_FETCH, OP_UNARY, OP_BINARY, OP_TERNARY, OP_NUMBER, OP_STORE } op_kind;

/* Where a value lies: element e at base + e * step, or in a register. */
typedef struct cpu_place {
    char *base;
    size_t offset; /* PANEL, CYCLE: bytes into the thread's panels or cycles */
    int32_t step;
    int32_t reg;    /* a register, or one of: */
    int32_t period; /* CYCLE: elements */
    bool kept;      /* no operation may have this register: a scalar's, a row's */
} cpu_place;
enum {
    IN_MEMORY = -1,
    CALLER = -2, /* where the reader of a feed wants it */
    NOWHERE = -3,
    PANEL = -4, /* in the panel that was fetched for this and the next tiles */
    CYCLE = -5  /* in a cycle: element e is element e % period */
};

typedef struct cpu_op {
    op_kind kind;
    uint16_t dst;    /* value; the output's number for OP_STORE */
    uint16_t arg[3]; /* values */
    mx_k_pw fn;
    mx_k_with_number *with_number; /* OP_NUMBER: the other operand is a number, which is there */
    const void *number;
    bool turned;
    int fetch;        /* OP_FETCH: which */
    int chain;        /* this and so many in all are a chain too, or 0; */
    int link, n_link; /* its links */
} cpu_op;

typedef struct cpu_fetch {
    const mx_array *a;
    cpu_layout layout;
    size_t offset; /* bytes into the thread's panels or cycles */
    int64_t count; /* of a cycle: elements that are kept */
} cpu_fetch;

/* Of a chain (kernels/pointwise/k_pw_chain.h): its data is a value's. */
typedef struct cpu_link {
    mx_k_step *step;
    int value; /* -1: none */
    float number;
} cpu_link;

typedef struct cpu_constant {
    const mx_array *a;
    int reg;
} cpu_constant;

typedef struct cpu_row {
    cpu_fetch from;
    int reg;
} cpu_row;

/* An input whose neighbours lie far apart is fetched a panel of up to PANEL_ROWS whole rows at a
   time: the copy kernel transposes it in registers, and tiles read the panel from the second-level
   cache. */
enum { PANEL_ROWS = 32, PANEL_LEAST = 8, PANEL_NEAR = 4, PANEL_BYTES = 512 << 10 };

/* An input that repeats along the first axis, as a bias does, is fetched once for a range of tiles:
   one period, and as much of the next one as a tile may need behind it. */
enum { CYCLE_BYTES = 32 << 10, CYCLES_BYTES = 128 << 10 };

/* An input that is one number along each row, as a mean that is subtracted is, fills a register
   once a row, and no tile goes beyond a row. Rows below ROW_MIN elements are fetched. */

struct cpu_program {
    const mx_program *p;
    const mx_kernels *k;
    cpu_place *place; /* of each value */
    cpu_place *out;   /* of each output */
    mx_dtype *type;   /* of each value */
    int *last;        /* last instruction that reads a value */
    cpu_op *op;
    cpu_fetch *fetch;
    cpu_fetch *cycle;
    cpu_row *row;
    cpu_constant *constant;
    cpu_link *link;
    int *spare;           /* free registers */
    int n_op;             /* this and all behind it begin as 0 */
    int n_fetch, n_panel; /* the first n_panel fetches fill panels */
    int n_cycle;
    int n_row;
    int n_constant;
    int n_spare;
    int n_reg;
    int n_link;
    int tile;
    bool in_memory;   /* a single chain, and no value that it reads or gives is in a register */
    int64_t row_size; /* elements of a row, where there are inputs of rows */
    size_t reg_bytes;
    int64_t panel;             /* elements; 0: no input needs one */
    size_t panel_bytes;        /* of all panels of a thread */
    size_t cycle_bytes;        /* of all its cycles */
    struct cpu_inputs *inputs; /* of a source: its inputs, where they are copies */
};

/* A scalar: a number to operations that have a kernel for that, and fills a register once a thread
   for others. */
static inline bool cpu_is_constant(const cpu_program *c, int v) {
    return v < c->p->n_in && c->p->in[v]->size == 1 && !cpu_is_direct(c->p, c->p->in[v]);
}

/* Is `a` transposed by panels of this program? */
bool cpu_panel_of(const mx_program *p, const mx_array *a);

/* The places of outputs are there. */
void cpu_program_prepare(cpu_program *c);
void cpu_chains_find(cpu_program *c);
bool cpu_chain_in_memory(const cpu_program *c);

#endif
