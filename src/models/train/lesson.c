/* Losses and gradients of batches: see lesson.h. */
#include "models/train/lesson.h"

#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/trace/scope.h"
#include "ops/ops.h"
#include "transforms/custom.h"
#include "transforms/transforms.h"

/* Rows of logits that are there at the same time, of passes with checkpoints. */
enum { HEAD_ROWS = 512 };

/* --- batches --------------------------------------------------------------------------------- */

void mx_lesson_free(mx_lesson *l) {
    mx_free(l->token);
    mx_free(l->target);
    mx_free(l->span);
    mx_free(l->wanted);
    *l = (mx_lesson){0};
}

/* Row r of an example sees tokens up to r, and token r + 1 is what it is to say. */
static void add(mx_lesson *l, const mx_examples *e, const mx_example *x) {
    mx_pass *p = &l->pass;
    const int *token = e->token + x->first;
    l->span[p->spans++] = (mx_span){p->rows, x->count - 1, 0, NULL};
    for (int64_t i = 0; i + 1 < x->count; i++, p->rows++) {
        l->token[p->rows] = token[i];
        if (i + 1 < x->prompt)
            continue;
        l->wanted[l->targets] = p->rows;
        l->target[l->targets++] = token[i + 1];
    }
}

bool mx_lesson_make(mx_lesson *l, const mx_examples *e, const size_t *number, size_t n) {
    size_t rows = 0;
    *l = (mx_lesson){0};
    for (size_t i = 0; i < n; i++)
        rows += (size_t)e->item[number[i]].count;
    if (rows > INT32_MAX)
        return mx_fail(MX_RANGE, "[train] a batch of %zu tokens is too large", rows);
    l->token = mx_calloc(rows, sizeof *l->token);
    l->target = mx_calloc(rows, sizeof *l->target);
    l->wanted = mx_calloc(rows, sizeof *l->wanted);
    l->span = mx_calloc(n, sizeof *l->span);
    if (!l->token || !l->target || !l->wanted || !l->span)
        return false;
    for (size_t i = 0; i < n; i++)
        add(l, e, &e->item[number[i]]);
    l->pass.token = l->token;
    l->pass.span = l->span;
    l->pass.wanted = l->wanted;
    l->pass.wanted_rows = l->targets;
    return true;
}

/* --- without checkpoints --------------------------------------------------------------------- */

static mx_array *targets_of(const mx_lesson *l, int64_t first, int64_t count) {
    return mx_array_from(l->target + first, &(int){(int)count}, 1, MX_INT32);
}

static mx_array *mean_of(const mx_lesson *l, mx_array *sum) {
    return mx_mul_s(sum, 1 / (double)l->targets);
}

static mx_array *plain_loss(const mx_tune *t, const mx_lesson *l, mx_array *const *value,
                            mx_lesson_way way) {
    if (!mx_tune_apply(t, -1, value, way.drop))
        return NULL;
    mx_array *logits = mx_decoder_graph(t->decoder, &l->pass);
    return mean_of(l, mx_sum_all(mx_cross_entropy(logits, targets_of(l, 0, l->targets))));
}

/* --- with checkpoints ------------------------------------------------------------------------ */

/* A piece of the pass as a function of rows and the params of its layer. It is called while
   gradients are made, when everything it points to is still there. */
typedef struct piece {
    const mx_tune *t;
    const mx_lesson *l;
    mx_lesson_way way;
    int layer;            /* -1: the head */
    int64_t first, count; /* of the head: rows */
} piece;

/* The params of layer n are side by side. */
static int params_of(const mx_tune *t, int n, int *first) {
    int count = 0;
    for (int i = 0; i < t->params; i++)
        if (t->module[t->param[i].module].layer == n && count++ == 0)
            *first = i;
    return count;
}

static mx_array *layer_of(const piece *p, mx_array *const *in) {
    int first = 0, n = params_of(p->t, p->layer, &first);
    mx_array **value = mx_calloc((size_t)p->t->params + 1, sizeof *value);
    if (!value)
        return NULL;
    memcpy(value + first, in + 1, (size_t)n * sizeof *value);
    bool ok = mx_tune_apply(p->t, p->layer, value, p->way.drop);
    mx_free(value);
    return ok ? mx_decoder_graph_layer(p->t->decoder, &p->l->pass, p->layer, in[0]) : NULL;
}

static mx_array *head_of(const piece *p, mx_array *x) {
    mx_array *logits = mx_decoder_graph_finish(p->t->decoder, &p->l->pass, x);
    return mx_sum_all(mx_cross_entropy(logits, targets_of(p->l, p->first, p->count)));
}

static bool run_piece(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    const piece *p = self->payload;
    (void)n;
    return mx_arrays_add(out, p->layer < 0 ? head_of(p, in[0]) : layer_of(p, in));
}

/* The piece at its inputs, to be computed again for the gradient. */
static mx_array *checkpointed(const piece *p, mx_array *const *in, int n) {
    mx_arrays out = {0};
    piece *own = mx_memdup(p, sizeof *p);
    mx_closure *f = own ? mx_closure_new(run_piece, own, mx_free) : NULL;
    mx_closure *c = f ? mx_checkpoint(f) : NULL;
    mx_array *y = NULL;
    if (c && mx_closure_call(c, in, n, &out))
        y = mx_own(mx_array_retain(out.item[0]));
    mx_arrays_free(&out);
    mx_object_release(c ? &c->object : NULL);
    mx_object_release(f ? &f->object : NULL);
    return y;
}

static mx_array *layer_again(piece p, mx_array *const *value, mx_array *x) {
    int first = 0, n = params_of(p.t, p.layer, &first);
    mx_array **in = mx_calloc((size_t)n + 1, sizeof *in);
    if (!in || !x)
        return NULL;
    in[0] = x;
    memcpy(in + 1, value + first, (size_t)n * sizeof *in);
    // before the first layer that is trained nothing is differentiated
    x = n ? checkpointed(&p, in, n + 1)
          : mx_decoder_graph_layer(p.t->decoder, &p.l->pass, p.layer, x);
    mx_free(in);
    return x;
}

static mx_array *loss_again(const mx_tune *t, const mx_lesson *l, mx_array *const *value,
                            mx_lesson_way way) {
    piece p = {t, l, way, 0, 0, 0};
    mx_array *x = mx_decoder_graph_embed(t->decoder, &l->pass), *sum = NULL;
    for (; x && p.layer < t->decoder->layers; p.layer++)
        x = layer_again(p, value, x);
    p.layer = -1;
    for (; x && p.first < l->targets; p.first += HEAD_ROWS) {
        p.count = l->targets - p.first < HEAD_ROWS ? l->targets - p.first : HEAD_ROWS;
        mx_array *rows = mx_slice_axis(x, 0, (int)p.first, (int)(p.first + p.count));
        mx_array *part = checkpointed(&p, &rows, 1);
        sum = sum ? mx_add(sum, part) : part;
    }
    return mean_of(l, sum);
}

/* --- both ------------------------------------------------------------------------------------ */

mx_array *mx_lesson_loss(const mx_tune *t, const mx_lesson *l, mx_array *const *value,
                         mx_lesson_way way) {
    return (way.checkpoint ? loss_again : plain_loss)(t, l, value, way);
}

typedef struct call {
    const mx_tune *t;
    const mx_lesson *l;
    mx_lesson_way way;
} call;

static bool run_loss(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    const call *c = self->payload;
    (void)n;
    return mx_arrays_add(out, mx_lesson_loss(c->t, c->l, in, c->way));
}

static mx_array *gradients(mx_closure *f, mx_array *const *value, const int *all, int n,
                           mx_arrays *grads) {
    mx_arrays out = {0};
    bool ok = mx_value_and_grad(f, value, n, all, n, &out, grads);
    mx_array *loss = ok ? mx_own(mx_array_retain(out.item[0])) : NULL;
    mx_arrays_free(&out);
    return loss;
}

mx_array *mx_lesson_gradients(const mx_tune *t, const mx_lesson *l, mx_lesson_way way,
                              mx_arrays *grads) {
    call c = {t, l, way};
    mx_closure f = mx_closure_local(run_loss, &c);
    mx_array **value = mx_calloc((size_t)t->params, sizeof *value);
    int *all = mx_calloc((size_t)t->params, sizeof *all);
    for (int i = 0; value && all && i < t->params; i++) {
        value[i] = t->param[i].value;
        all[i] = i;
    }
    mx_array *loss = value && all ? gradients(&f, value, all, t->params, grads) : NULL;
    mx_free(value);
    mx_free(all);
    return loss;
}
