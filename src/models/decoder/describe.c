/* A decoder's description, from config, tensors and traits: see build.h. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/decoder/build.h"

/* --- layers ---------------------------------------------------------------------------------- */

static mx_norm_kind norm_kind(const dec_build *b) {
    return b->trait->norm ? b->trait->norm : MX_NORM_RMS;
}

static bool norms(dec_build *b, int n, mx_layer *l) {
    static const char *const behind[][2] = {
        {"blk.{n}.post_attention_norm", "blk.{n}.post_ffw_norm"},
        {"blk.{n}.attn_output_norm", "blk.{n}.layer_output_norm"}};
    const char *feed_norm = b->trait->feed_norm;
    mx_norm_kind kind = norm_kind(b);
    if (!dec_norm(b, "blk.{n}.attn_norm", n, kind, &l->before_mixer) ||
        !dec_norm(b, feed_norm ? feed_norm : "blk.{n}.ffn_norm", n, kind, &l->before_feed))
        return false;
    const char *const *after = behind[b->trait->norms_after];
    return (feed_norm || dec_norm(b, after[0], n, kind, &l->after_mixer)) &&
           dec_norm(b, after[1], n, kind, &l->after_feed);
}

static bool layer(dec_build *b, int n, mx_layer *l) {
    const dec_trait *t = b->trait;
    l->parallel = t->parallel;
    return norms(b, n, l) && (t->mixer ? t->mixer : dec_attention)(b, n, l) &&
           dec_experts(b, n, &l->experts) && (l->experts.count || dec_feed(b, n, &l->feed)) &&
           (!t->more || t->more(b, n)) && !mx_failed();
}

/* --- the ends -------------------------------------------------------------------------------- */

static bool same(const mx_array *a, const mx_array *b) {
    return a == b || (a && b && a->dtype == b->dtype && a->size == b->size &&
                      !memcmp(a->data, b->data, (size_t)a->size * mx_itemsize(a)));
}

/* Does a tied model's file have the embedding twice? What differs is the file's own. */
static bool is_embedding(const mx_decoder *d) {
    const mx_weight *h = &d->head, *e = &d->embedding;
    return h->kind == e->kind && h->out == e->out && h->in == e->in && h->bits == e->bits &&
           h->group == e->group && h->factor == e->factor && !h->bias && !e->bias &&
           same(h->words, e->words) && same(h->scales, e->scales) && same(h->biases, e->biases);
}

static bool head(dec_build *b) {
    mx_decoder *d = b->d;
    bool tied = dec_flag(b, "tie_word_embeddings", d->family->ties);
    if (d->encoder)
        return true;
    if (!dec_matrix(b, "output", -1, &d->head))
        return false;
    if (d->head.kind == MX_WEIGHT_NONE && !tied)
        return dec_need(b, &d->head, "output", -1);
    if (d->head.kind == MX_WEIGHT_NONE || (tied && !b->sketch && is_embedding(d)))
        d->head = d->embedding;
    return true;
}

static bool ends(dec_build *b) {
    mx_decoder *d = b->d;
    const char *last = b->trait->final_norm;
    d->encoder = b->trait->encoder;
    d->norms_after = b->trait->norms_after;
    return dec_matrix(b, "token_embd", -1, &d->embedding) &&
           dec_need(b, &d->embedding, "token_embd", -1) &&
           (last || dec_norm(b, "token_embd_norm", -1, norm_kind(b), &d->embedding_norm)) &&
           dec_norm(b, last ? last : "output_norm", -1, norm_kind(b), &d->final_norm) && head(b);
}

static void numbers(dec_build *b) {
    mx_decoder *d = b->d;
    d->hidden = dec_dim(b, 'h');
    d->layers = dec_dim(b, 'l');
    d->context = dec_dim(b, 'c') ? dec_dim(b, 'c') : dec_size(b, "max_position_embeddings", 0);
    d->vocabulary = d->embedding.out;
    d->embedding_scale = b->trait->root_embedding ? (float)sqrt((double)d->hidden) : 1;
    d->residual_scale = d->logit_scale = 1;
    d->logit_softcap = (float)dec_number(b, "final_logit_softcapping", 0);
}

/* mlx-lm adds 1 to the norms of models with convolutions, whose last axes it exchanges. */
static bool has_ones_added(const dec_build *b) {
    for (int n = 0; n < dec_dim(b, 'l'); n++) {
        const mx_model_tensor *t = dec_tensor_of(b, "blk.{n}.ssm_conv1d", n, -1, "weight");
        if (t)
            return t->shape.ndim == 3 && t->shape.dim[2] == 1 && t->shape.dim[1] != 1;
    }
    return false;
}

bool dec_describe(dec_build *b) {
    mx_decoder *d = b->d;
    b->ones_added = has_ones_added(b);
    if (!ends(b))
        return false;
    numbers(b);
    d->layer = mx_calloc((size_t)d->layers, sizeof *d->layer);
    for (int n = 0; d->layer && n < d->layers; n++)
        if (!layer(b, n, &d->layer[n]))
            return false;
    return d->layer && (!b->trait->more || b->trait->more(b, -1)) && dec_ahead(b, layer) &&
           dec_tails(b) && dec_check_sizes(b) && dec_all_asked(b);
}
