/* Between the files of the direct machine.
 *
 *     direct.c     passes
 *     rooms.c      the memory of their rows, and work on them in pieces
 *     weights.c    matrices as kernels see them; rows of x as they read them
 *     products.c   jobs of products; codes.c: those in integers; floats.c: in float32
 *     rows.c       what stands between: embedding, norms, residuals, activations
 *     attend.c     attention: heads made ready; heads.c: turned, kept; rotations.c; tiles.c:
 *                  the sums
 *     experts.c, recur.c, latent.c
 *
 * Work is cut in tasks by sizes alone and given to the team (base/threads/team.h). No element of a
 * result depends on how.
 */
#ifndef MX_MODELS_DIRECT_PARTS_H
#define MX_MODELS_DIRECT_PARTS_H

#include <stdatomic.h>

#include "base/threads/team.h"
#include "kernels/attention/k_attention.h"
#include "kernels/blocks/blocks.h"
#include "kernels/codes/codes.h"
#include "kernels/matmul/k_matmul.h"
#include "kernels/pointwise/k_pointwise.h"
#include "kernels/quant/k_quant.h"
#include "models/direct/direct.h"
#include "models/direct/pages.h"

/* --- memory ----------------------------------------------------------------------------------- */

typedef struct direct_chunk {
    struct direct_chunk *next;
    size_t room;
    char *data;
} direct_chunk;

/* Memory that is given back all at once. */
typedef struct direct_arena {
    direct_chunk *chunk; /* the one in use; the others are full */
    size_t used, all;    /* of it; of all chunks */
} direct_arena;

/* At lines of the cache. NULL and an error. */
void *direct_room(direct_arena *a, size_t bytes);
void direct_arena_reset(direct_arena *a);
void direct_arena_free(direct_arena *a);

/* --- rows ------------------------------------------------------------------------------------- */

enum { DIRECT_CODINGS = 6 };

/* Rows as some kernels read them. */
typedef struct direct_coded {
    int key;
    char *data;
    ptrdiff_t row; /* bytes */
} direct_coded;

struct mx_rows {
    int64_t rows, width;
    float *data;
    direct_coded coded[DIRECT_CODINGS];
    int codings;
};

/* --- weights ---------------------------------------------------------------------------------- */

/* How a matrix is multiplied. */
typedef enum direct_way {
    DIRECT_FLOATS,  /* float32, float16, bfloat16 as they are */
    DIRECT_CODES,   /* kernels/codes: of blocks and of affine groups */
    DIRECT_DECODED, /* other blocks: some rows at a time become float32 */
    DIRECT_GROUPS   /* kernels/quant */
} direct_way;

/* Of the codes of x (kernels/codes/codes.h). With one, rounding them moves logits by some
   hundredths of their size, and greedy texts are others than with floats. */
enum { DIRECT_DIGITS = 2 };

typedef struct direct_matrix {
    direct_way way;
    int64_t out, in;
    const char *words;
    ptrdiff_t row; /* bytes */
    mx_dtype dtype;
    const mx_block_format *block; /* NULL: groups, or floats */
    mx_quant_matrix groups;
    mx_code_format code; /* of DIRECT_CODES */
    const float *bias;   /* NULL: none */
} direct_matrix;

/* What is computed once for all rows of a pass. */
typedef struct direct_turns {
    const mx_rotation *rope;
    float *cosine, *sine; /* rows, rotated / 2 */
} direct_turns;

enum { DIRECT_TURNS = 4 };

/* Where the shares of each job of a pass begin to read. The next pass is likely to have the same
   jobs: so while one goes on it is known what the next will read. */
typedef struct direct_ahead {
    const char **from; /* jobs, shares */
    size_t room;
    int shares;
    int64_t jobs, at; /* of the last pass; of this one */
} direct_ahead;

/* Work on rows that waits: body(ctx, begin, end) */
typedef struct direct_step {
    mx_range_body *body;
    void *ctx;
    int64_t numbers;
} direct_step;

enum { DIRECT_STEPS = 8 };

struct mx_direct {
    mx_machine machine; /* first */
    direct_arena pass, layer,
        former;                     /* former: of the layer before, whose rows may still be read */
    direct_step step[DIRECT_STEPS]; /* what waits, */
    int steps;
    int64_t step_rows; /* for that many rows */
    atomic_bool nomem; /* of a body */
    mx_rows *stream;   /* what outlives a layer */
    direct_turns turns[DIRECT_TURNS];
    int turned;
    direct_ahead ahead;
    const mx_layer_room *room; /* of the cache's layers; NULL: no cache */
    const float *logits, *kept;
    int passes; /* so far, SHORT_RUN at most */
};

static inline mx_direct *direct_of(mx_machine *m) {
    return (mx_direct *)(void *)m;
}
mx_rows *direct_rows(mx_direct *m, int64_t rows, int64_t width);

/* Matrix number `expert` of a stack. */
direct_matrix direct_view(const mx_weight *w, int64_t expert);
void direct_decode_row(const direct_matrix *w, int64_t row, float *to);
/* Rows of x for a matrix; NULL and an error. */
const direct_coded *direct_code(mx_direct *m, const direct_matrix *w, mx_rows *x);

/* y = x w' + bias */
typedef struct direct_product {
    direct_matrix w;
    const char *x;
    ptrdiff_t x_row; /* bytes */
    int64_t rows;
    float *y;
    ptrdiff_t y_row;               /* numbers */
    int64_t columns, parts, first; /* of a task; of rows; the first task's number */
} direct_product;

/* Some columns and rows of a product. */
typedef struct direct_piece {
    const direct_product *p;
    int64_t j0, n, first, rows;
} direct_piece;

static inline const char *direct_piece_x(const direct_piece *t, int64_t row) {
    return t->p->x + (t->first + row) * t->p->x_row;
}
static inline float *direct_piece_y(const direct_piece *t, int64_t row, int64_t column) {
    return t->p->y + (t->first + row) * t->p->y_row + t->j0 + column;
}
/* n sums of a row become y. */
static inline void direct_piece_store(const direct_piece *t, int64_t row, int64_t column,
                                      const float *sums, int64_t n) {
    float *y = direct_piece_y(t, row, column);
    const float *bias = t->p->w.bias ? t->p->w.bias + t->j0 + column : NULL;
    for (int64_t i = 0; i < n; i++)
        y[i] = sums[i] + (bias ? bias[i] : 0.0f);
}
/* False: no memory. */
bool direct_codes(const direct_piece *t);
bool direct_floats(const direct_piece *t);

/* One job of them all. */
bool direct_multiply(mx_direct *m, direct_product *p, int64_t n);
/* y = x w' whole, new rows */
mx_rows *direct_multiplied(mx_direct *m, const mx_weight *w, mx_rows *x);
bool direct_products(mx_machine *m, mx_rows **out, const mx_weight *const *w, int n, mx_rows *x);

/* The change of a matrix, or of a stack of them (w->down): out += change * (x down') up'. */
mx_weight direct_change_down(const mx_weight *w);
mx_weight direct_change_up(const mx_weight *w);
void direct_add_change(const mx_weight *w, const mx_rows *high, mx_rows *out);

/* --- words ------------------------------------------------------------------------------------ */

mx_rows *direct_embed(mx_machine *m, const mx_weight *table, const int *which, float scale);
mx_rows *direct_norm(mx_machine *m, const mx_norm *n, mx_rows *x, int64_t width);
mx_rows *direct_add(mx_machine *m, mx_rows *x, mx_rows *y, float scale);
mx_rows *direct_gate(mx_machine *m, mx_activation act, mx_rows *gate, mx_rows *up);
mx_rows *direct_given(mx_machine *m);
mx_rows *direct_beside(mx_machine *m, mx_rows *x, mx_rows *y);
void direct_keep_rows(mx_machine *m, mx_rows *x);
mx_rows *direct_wanted(mx_machine *m, mx_rows *x);
mx_rows *direct_finish(mx_machine *m, mx_rows *x, float scale, float cap);
mx_rows *direct_attend(mx_machine *m, const mx_attender *a, int64_t layer, mx_rows *q, mx_rows *k,
                       mx_rows *v, mx_rows *gate);
mx_rows *direct_recur(mx_machine *m, mx_mixer_kind kind, const mx_recurrence *r, int64_t layer,
                      mx_rows *in, mx_rows *more);
mx_rows *direct_experts(mx_machine *m, const mx_experts *e, mx_rows *x);

/* Norms of `n` numbers side by side, in place. */
void direct_norm_row(const mx_norm *n, float *x, int64_t rows, int64_t width);
/* Whose a row is. */
const mx_span *direct_span_of(const mx_pass *p, int64_t row);

/* --- jobs ------------------------------------------------------------------------------------- */

/* Calls body for pieces of rows, in the team where they are much work: numbers of a row */
void direct_each(mx_direct *m, int64_t rows, int64_t numbers, mx_range_body *body, void *ctx);
/* The same, but not yet: a copy of ctx (size bytes) waits. A row's part of the body reads no other
   row of what was made by those that wait before it: so that they become one job, in which a row
   stays with one thread. False: no memory. */
bool direct_later(mx_direct *m, int64_t rows, int64_t numbers, mx_range_body *body, const void *ctx,
                  size_t size);
/* Does what waits: before anybody reads rows but by the functions here. False: there was no memory,
   now or before in this pass. */
bool direct_now(mx_direct *m);
/* What waits, then body for all i < n. A body that has no memory notes it in m->nomem. */
bool direct_all(mx_direct *m, int64_t n, mx_range_body *body, void *ctx);

/* --- attention -------------------------------------------------------------------------------- */

/* cos and sin of the pass's rows for a rotation; NULL and an error */
const direct_turns *direct_turns_of(mx_direct *m, const mx_rotation *rope);

/* `count` heads of row `row`, n numbers apart; the rotation says how many of these are turned.
   turns NULL: they stay. */
void direct_turn(const direct_turns *turns, float *x, int64_t row, int64_t count, int64_t n);
/* A row's keys and values go to the cache. Those of several heads lie side by side. */
void direct_keep(mx_direct *m, const mx_layer_room *room, int64_t row, const float *k,
                 const float *v);

typedef struct direct_attention {
    mx_direct *m;
    const mx_attender *a;
    const mx_layer_room *room;               /* NULL: no cache */
    int64_t dim, value_dim, heads, kv_heads; /* as the sums see them (latent: of latent rows) */
    float scale;
    const float *q, *k, *v; /* rows; k and v where there is no cache */
    float *out;             /* rows, heads * value_dim */
} direct_attention;

bool direct_attend_all(direct_attention *t);
mx_rows *direct_attend_latent(mx_direct *m, const mx_attender *a, int64_t layer, mx_rows *q,
                              mx_rows *k);

#endif
