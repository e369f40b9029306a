/* The gated delta rule: heads and blocks of their states' rows over the pool. A block stays in the
 * first-level cache while all steps pass over it. */
#include <string.h>

#include "base/threads/pool.h"
#include "cpu/cpu.h"
#include "cpu/memory/dense.h"
#include "graph/array/params.h"
#include "kernels/attention/k_attention.h"
#include "kernels/kernels.h"

enum { BLOCK = 8, GRAIN = 1 << 14, Q = 0, K, V, DECAY, BETA, STATE, MASK, INPUTS };

typedef struct job {
    cpu_dense in[INPUTS];
    char *y, *state;
    size_t item;
    mx_k_delta_rows *run;
    int64_t steps, heads, key_heads, rows, columns, blocks;
    bool decay_each;
} job;

static const void *element(const job *j, int input, int64_t i) {
    return (const char *)j->in[input].data + i * (int64_t)j->item;
}

/* Block i % blocks of the rows of head i / blocks, heads of all batches counted through. */
static mx_k_delta block_of(const job *j, int64_t i) {
    int64_t batch = i / j->blocks / j->heads, head = i / j->blocks % j->heads,
            row = i % j->blocks * BLOCK;
    int64_t key = head / (j->heads / j->key_heads),
            v = (batch * j->steps * j->heads + head) * j->rows + row;
    int64_t q = (batch * j->steps * j->key_heads + key) * j->columns,
            one = batch * j->steps * j->heads + head;
    int64_t state = ((batch * j->heads + head) * j->rows + row) * j->columns,
            width = j->decay_each ? j->columns : 1;
    return (mx_k_delta){
        .state = j->state + state * (int64_t)j->item,
        .rows = j->rows - row < BLOCK ? j->rows - row : BLOCK,
        .columns = j->columns,
        .steps = j->steps,
        .q = element(j, Q, q),
        .k = element(j, K, q),
        .v = element(j, V, v),
        .y = j->y + v * (int64_t)j->item,
        .decay = element(j, DECAY, one * width),
        .beta = element(j, BETA, one),
        .q_step = j->key_heads * j->columns,
        .v_step = j->heads * j->rows,
        .decay_step = j->heads * width,
        .beta_step = j->heads,
        .decay_each = j->decay_each,
        .mask = j->in[MASK].data ? (const uint8_t *)j->in[MASK].data + batch * j->steps : NULL,
    };
}

static void blocks(void *ctx, int64_t begin, int64_t end) {
    const job *j = ctx;
    for (int64_t i = begin; i < end; i++) {
        mx_k_delta a = block_of(j, i);
        j->run(&a);
    }
}

static bool open_all(job *j, mx_node *n) {
    bool ok = true;
    for (int i = 0; i < INPUTS; i++)
        ok = cpu_dense_open(&j->in[i], i < n->nin ? n->in[i] : NULL) && ok;
    return ok;
}

/* Room for an output; for one that nobody wants, until the loop is over. */
static bool room(char **data, mx_array *out, cpu_dense *spare, size_t bytes) {
    bool ok = out ? mx_array_alloc(out) : cpu_dense_room(spare, bytes);
    *data = !ok ? NULL : out ? out->data : spare->copy;
    return ok;
}

bool cpu_gated_delta(mx_node *n, mx_array **out, const mx_program *feed) {
    const mx_array *q = n->in[Q], *v = n->in[V], *state = n->in[STATE];
    cpu_dense spare[2] = {{.copy = NULL}};
    (void)feed;
    job j = {.item = mx_itemsize(q),
             .steps = q->shape[1],
             .key_heads = q->shape[2],
             .columns = q->shape[3],
             .heads = v->shape[2],
             .rows = v->shape[3],
             .decay_each = n->in[DECAY]->ndim == 4};
    size_t y_bytes = (size_t)v->size * j.item, bytes = (size_t)state->size * j.item;
    j.run = mx_kernels_get()->attention->delta[q->dtype == MX_FLOAT64];
    j.blocks = (j.rows + BLOCK - 1) / BLOCK;
    bool ok = open_all(&j, n) && room(&j.y, out[0], &spare[0], y_bytes + 1) &&
              room(&j.state, out[1], &spare[1], bytes + 1);
    if (ok && bytes)
        memcpy(j.state, j.in[STATE].data, bytes);
    if (ok && y_bytes && j.key_heads)
        mx_parallel_for(q->shape[0] * j.heads * j.blocks,
                        1 + GRAIN / (BLOCK * (j.columns + 1) * j.steps), blocks, &j);
    for (int i = 0; i < INPUTS; i++)
        cpu_dense_close(&j.in[i]);
    for (int i = 0; i < 2; i++)
        cpu_dense_close(&spare[i]);
    return ok;
}
