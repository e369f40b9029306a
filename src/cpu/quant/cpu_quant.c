/* quantize, dequantize and float8: groups over the pool. An array of groups lies flat: rows have
 * whole groups, and groups whole words. */
#include "base/threads/pool.h"
#include "cpu/cpu.h"
#include "cpu/memory/dense.h"
#include "graph/array/params.h"
#include "graph/array/read.h"
#include "kernels/quant/k_quant.h"
#include "kernels/kernels.h"

enum { GRAIN = 8192, BLOCK_GROUPS = 64, NVFP4_MOST = 448 * 6 };

static mx_quant_format format_of(const mx_p_quant *p) {
    return (mx_quant_format){(mx_quant_mode)p->mode, p->bits, p->group};
}

/* nvfp4's global scale is the largest magnitude in a matrix, which becomes the largest number. */
static float global_of(const mx_array *global) {
    return global ? (float)mx_read_double(global->data, MX_FLOAT32) : NVFP4_MOST;
}

/* --- quantize --------------------------------------------------------------------------------- */

typedef struct job {
    mx_quant_format f;
    mx_dtype t, to;
    const char *x;
    char *w, *scales, *biases;
    size_t item, scale_item;
    float stretch;
    mx_quant_matrix m; /* dequantize: one row, all groups */
    int64_t groups;
    char *out;
} job;

static void quantize_groups(void *ctx, int64_t begin, int64_t end) {
    const job *j = ctx;
    char *w = j->w + begin * j->f.group * j->f.bits / 8;
    const char *x = j->x + begin * j->f.group * (int64_t)j->item;
    char *scales = j->scales + begin * (int64_t)j->scale_item;
    char *biases = j->biases ? j->biases + begin * (int64_t)j->scale_item : NULL;
    if (j->t == MX_FLOAT64)
        mx_quantize_f64((uint32_t *)w, (double *)scales, (double *)biases, (const double *)x, j->f,
                        end - begin);
    else
        mx_kernels_get()->quant->quantize[j->t]((uint32_t *)w, scales, biases, x, j->f, end - begin,
                                                j->stretch);
}

/* An output that nobody wants is computed all the same, into memory of its own. */
static bool place(mx_array *wanted, size_t bytes, cpu_dense *spare, char **at) {
    if (wanted) {
        bool ok = mx_array_alloc(wanted);
        *at = wanted->data;
        return ok;
    }
    bool ok = cpu_dense_room(spare, bytes);
    *at = spare->copy;
    return ok;
}

static bool run_quantize(mx_node *n, mx_array **out) {
    const mx_array *x = n->in[0];
    job j = {.f = format_of(n->params), .t = mx_dtype_of(x), .item = mx_itemsize(x)};
    int64_t groups = x->size / j.f.group;
    bool affine = j.f.mode == MX_AFFINE;
    cpu_dense in, spare[3] = {{0}, {0}, {0}};
    j.scale_item = affine ? j.item : 1;
    j.stretch = NVFP4_MOST / global_of(n->nin == 2 ? n->in[1] : NULL);
    size_t scale_bytes = (size_t)groups * j.scale_item;
    bool ok = cpu_dense_open(&in, x) &&
              place(out[0], (size_t)(groups * j.f.group * j.f.bits / 8), &spare[0], &j.w) &&
              place(out[1], scale_bytes, &spare[1], &j.scales) &&
              (!affine || place(out[2], scale_bytes, &spare[2], &j.biases));
    j.x = in.data;
    if (ok && groups)
        mx_parallel_for(groups, 1 + GRAIN / j.f.group, quantize_groups, &j);
    cpu_dense_close(&in);
    for (int i = 0; i < 3; i++)
        cpu_dense_close(&spare[i]);
    return ok;
}

/* --- dequantize ------------------------------------------------------------------------------- */

/* Blocks of groups, so that a task begins at whole words. */
static void dequantize_blocks(void *ctx, int64_t begin, int64_t end) {
    const job *j = ctx;
    int64_t first = begin * BLOCK_GROUPS, last = end * BLOCK_GROUPS;
    last = last < j->groups ? last : j->groups;
    mx_quant_matrix m = j->m;
    int64_t n = (last - first) * j->f.group;
    m.w += first * j->f.group * j->f.bits / 8;
    m.scales += first * (int64_t)j->scale_item;
    m.biases = m.biases ? m.biases + first * (int64_t)j->scale_item : NULL;
    char *out = j->out + first * j->f.group * (int64_t)j->item;
    if (j->t == MX_FLOAT64)
        mx_dequant_f64((double *)out, &m, 0, 0, n);
    else
        mx_kernels_get()->quant->dequantize[j->t](out, &m, 0, n);
}

static bool run_dequantize(mx_node *n, mx_array *out) {
    bool affine = ((const mx_p_quant *)n->params)->mode == MX_AFFINE;
    job j = {.f = format_of(n->params), .t = mx_dtype_of(out), .item = mx_itemsize(out)};
    cpu_dense w, scales = {0}, biases = {0};
    bool ok = cpu_dense_open(&w, n->in[0]) && cpu_dense_open(&scales, n->in[1]) &&
              cpu_dense_open(&biases, affine ? n->in[2] : NULL) && mx_array_alloc(out);
    j.scale_item = mx_itemsize(n->in[1]);
    j.out = out->data;
    j.m = (mx_quant_matrix){.format = j.f,
                            .stype = mx_dtype_of(n->in[1]),
                            .w = w.data,
                            .scales = scales.data,
                            .biases = biases.data,
                            .factor =
                                global_of(!affine && n->nin == 3 ? n->in[2] : NULL) / NVFP4_MOST};
    j.groups = n->in[1]->size;
    int64_t blocks = (j.groups + BLOCK_GROUPS - 1) / BLOCK_GROUPS;
    if (ok && out->size)
        mx_parallel_for(blocks, 1 + GRAIN / (BLOCK_GROUPS * j.f.group), dequantize_blocks, &j);
    cpu_dense_close(&w);
    cpu_dense_close(&scales);
    cpu_dense_close(&biases);
    return ok;
}

/* --- both in one ------------------------------------------------------------------------------ */

static void round_block(const job *j, int64_t first, ptrdiff_t groups) {
    const mx_k_quant *k = mx_kernels_get()->quant;
    enum { NUMBERS = BLOCK_GROUPS * 128 };
    uint32_t words[NUMBERS / 4], scales[BLOCK_GROUPS], biases[BLOCK_GROUPS];
    int64_t at = first * j->f.group;
    mx_quant_matrix m = j->m;
    m.w = (char *)words;
    m.scales = (char *)scales;
    m.biases = j->f.mode == MX_AFFINE ? (char *)biases : NULL;
    k->quantize[j->t](words, scales, biases, j->x + at * (int64_t)j->item, j->f, groups,
                      j->stretch);
    k->dequantize[j->to](j->out + at * (int64_t)mx_dtype_size(j->to), &m, 0, groups * j->f.group);
}

static void round_blocks(void *ctx, int64_t begin, int64_t end) {
    const job *j = ctx;
    for (int64_t i = begin; i < end; i++) {
        int64_t first = i * BLOCK_GROUPS, left = j->groups - first;
        round_block(j, first, left < BLOCK_GROUPS ? left : BLOCK_GROUPS);
    }
}

static bool run_round(mx_node *n, mx_array *out) {
    const mx_array *x = n->in[0];
    float global = global_of(n->nin == 2 ? n->in[1] : NULL);
    job j = {.f = format_of(n->params),
             .t = mx_dtype_of(x),
             .to = mx_dtype_of(out),
             .item = mx_itemsize(x),
             .stretch = NVFP4_MOST / global};
    cpu_dense in;
    bool ok = cpu_dense_open(&in, x) && mx_array_alloc(out);
    j.m = (mx_quant_matrix){.format = j.f,
                            .stype = j.f.mode == MX_AFFINE ? j.t : MX_UINT8,
                            .factor = global / NVFP4_MOST};
    j.x = in.data;
    j.out = out->data;
    j.groups = x->size / j.f.group;
    int64_t blocks = (j.groups + BLOCK_GROUPS - 1) / BLOCK_GROUPS;
    if (ok && j.groups)
        mx_parallel_for(blocks, 1 + GRAIN / (BLOCK_GROUPS * j.f.group), round_blocks, &j);
    cpu_dense_close(&in);
    return ok;
}

bool cpu_quantize(mx_node *n, mx_array **out, const mx_program *feed) {
    (void)feed;
    if (n->prim == MX_PRIM_quant_round)
        return run_round(n, out[0]);
    return n->prim == MX_PRIM_quantize ? run_quantize(n, out) : run_dequantize(n, out[0]);
}

/* --- float8 ----------------------------------------------------------------------------------- */

static void fp8_piece(void *ctx, int64_t begin, int64_t end) {
    const job *j = ctx;
    const mx_k_quant *k = mx_kernels_get()->quant;
    int64_t at = begin * (int64_t)j->item;
    if (j->w)
        k->to_fp8[j->t]((uint8_t *)j->w + begin, j->x + at, (size_t)(end - begin));
    else
        k->from_fp8[j->t](j->out + at, (const uint8_t *)j->x + begin, (size_t)(end - begin));
}

bool cpu_fp8(mx_node *n, mx_array **out, const mx_program *feed) {
    bool to = n->prim == MX_PRIM_to_fp8;
    const mx_array *wide = to ? n->in[0] : out[0];
    cpu_dense in;
    (void)feed;
    bool ok = cpu_dense_open(&in, n->in[0]) && mx_array_alloc(out[0]);
    job j = {.t = mx_dtype_of(wide), .item = mx_itemsize(wide), .x = in.data};
    j.w = to && ok ? out[0]->data : NULL;
    j.out = ok ? out[0]->data : NULL;
    if (ok)
        mx_parallel_for(wide->size, GRAIN, fp8_piece, &j);
    cpu_dense_close(&in);
    return ok;
}
