/* Matrices as the kernels see them, and rows of x as they read them. */
#include <string.h>

#include "base/status.h"
#include "models/direct/direct_parts.h"

/* --- matrices --------------------------------------------------------------------------------- */

static void view_dense(const mx_weight *w, int64_t expert, direct_matrix *v) {
    v->way = DIRECT_FLOATS;
    v->dtype = mx_dtype_of(w->words);
    v->row = w->in * (ptrdiff_t)mx_dtype_size(v->dtype);
    v->words = w->words->data + expert * w->out * v->row;
}

static void view_blocks(const mx_weight *w, int64_t expert, direct_matrix *v) {
    v->block = w->block;
    v->code = mx_code_formats[w->block->kind];
    v->way = v->code.exists ? DIRECT_CODES : DIRECT_DECODED;
    v->row = w->in / w->block->items * w->block->bytes;
    v->words = w->words->data + expert * w->out * v->row;
}

static void view_groups(const mx_weight *w, int64_t expert, direct_matrix *v) {
    size_t size = mx_itemsize(w->scales);
    int64_t groups = w->in / w->group;
    if (w->mode == MX_AFFINE && w->group >= MX_CODE_GROUP)
        v->code = mx_code_affine(w->bits);
    v->way = v->code.exists ? DIRECT_CODES : DIRECT_GROUPS;
    v->row = w->in * w->bits / 8;
    v->words = w->words->data + expert * w->out * v->row;
    ptrdiff_t s_rs = groups * (ptrdiff_t)size, skip = expert * w->out * s_rs;
    v->groups = (mx_quant_matrix){
        .format = {w->mode, w->bits, w->group},
        .stype = mx_dtype_of(w->scales),
        .w = v->words,
        .scales = w->scales->data + skip,
        .biases = w->biases ? w->biases->data + skip : NULL,
        .w_rs = v->row,
        .s_rs = s_rs,
        .factor = w->factor != 0 ? w->factor : 1,
    };
}

direct_matrix direct_view(const mx_weight *w, int64_t expert) {
    direct_matrix v = {.out = w->out, .in = w->in};
    if (w->kind == MX_WEIGHT_DENSE)
        view_dense(w, expert, &v);
    else if (w->kind == MX_WEIGHT_BLOCKS)
        view_blocks(w, expert, &v);
    else
        view_groups(w, expert, &v);
    if (w->bias)
        v.bias = (const float *)(const void *)w->bias->data + expert * w->out;
    return v;
}

void direct_decode_row(const direct_matrix *w, int64_t row, float *to) {
    const mx_kernels *k = mx_kernels_get();
    const char *at = w->words + row * w->row;
    if (w->way == DIRECT_FLOATS)
        k->pointwise->cast[w->dtype][MX_FLOAT32](to, at, (size_t)w->in);
    else if (!w->block)
        k->quant->dequant(to, &w->groups, row, 0, w->in);
    else
        mx_blocks_decode(w->block, to, at, (size_t)(w->in / w->block->items));
}

/* --- rows of x -------------------------------------------------------------------------------- */

typedef struct coding {
    direct_way way;
    int bits; /* of DIRECT_GROUPS */
    const mx_rows *x;
    direct_coded *to;
    mx_code_reading reading;
} coding;

/* What tells one coding from another. */
static int key_of(coding *c) {
    if (c->way == DIRECT_GROUPS)
        return c->bits;
    const mx_code_reading *r = &c->reading;
    return 1 << 20 | r->parted << 19 | r->least << 18 | r->group << 10 | r->offset;
}

static void code_body(void *ctx, int64_t begin, int64_t end) {
    const coding *c = ctx;
    for (int64_t i = begin; i < end; i++) {
        char *to = c->to->data + i * c->to->row;
        const float *x = c->x->data + i * c->x->width;
        if (c->way == DIRECT_CODES)
            mx_code_read(&c->reading, to, x, c->x->width, DIRECT_DIGITS);
        else
            mx_kernels_get()->quant->dots->arrange((float *)(void *)to, x, c->x->width, c->bits);
    }
}

static ptrdiff_t coded_row(const coding *c) {
    int64_t k = c->x->width;
    if (c->way == DIRECT_CODES)
        return mx_code_row_bytes(k, DIRECT_DIGITS);
    int64_t chunk = mx_kernels_get()->quant->dots->lanes * 32 / c->bits;
    // not a power of two: other cache sets
    return ((k + chunk - 1) / chunk * chunk + 16) * (ptrdiff_t)sizeof(float);
}

static direct_coded *find(mx_rows *x, int key) {
    for (int i = 0; i < x->codings; i++)
        if (x->coded[i].key == key)
            return &x->coded[i];
    // more kinds than there are places: the last is made anew
    int at = x->codings < DIRECT_CODINGS ? x->codings++ : DIRECT_CODINGS - 1;
    x->coded[at] = (direct_coded){.key = key};
    return &x->coded[at];
}

const direct_coded *direct_code(mx_direct *m, const direct_matrix *w, mx_rows *x) {
    coding c = {.way = w->way, .bits = w->groups.format.bits, .x = x};
    bool plain = w->way == DIRECT_FLOATS || w->way == DIRECT_DECODED;
    if (w->way == DIRECT_CODES)
        c.reading = mx_code_reading_of(&w->code);
    c.to = find(x, plain ? 0 : key_of(&c));
    if (c.to->data)
        return c.to;
    c.to->row = plain ? x->width * (ptrdiff_t)sizeof(float) : coded_row(&c);
    c.to->data = plain ? (char *)x->data : direct_room(&m->layer, (size_t)(x->rows * c.to->row));
    if (!c.to->data)
        return NULL;
    if (plain || direct_later(m, x->rows, x->width, code_body, &c, sizeof c))
        return c.to;
    return NULL;
}
