/* The mark of a model: a hash of all numbers that keys and values depend on, weights and settings,
 * each in the order of its struct. Read once; the weights of a model do not change while it has
 * texts.
 */
#include "models/direct/mark.h"

#include <string.h>

static const uint64_t SEED = 0xcbf29ce484222325u;

/* FNV-1a over words of 64 bits, turned so that no bit stays at its place. */
static inline uint64_t step(uint64_t h, uint64_t word) {
    h = (h ^ word) * 0x100000001b3u;
    return h << 29 | h >> 35;
}

uint64_t mx_hash(uint64_t h, const void *bytes, size_t n) {
    for (const char *p = bytes; n; p += 8, n -= n < 8 ? n : 8) {
        uint64_t word = 0;
        memcpy(&word, p, n < 8 ? n : 8);
        h = step(h, word);
    }
    return h;
}

uint64_t mx_hash_begin(void) {
    return SEED;
}

/* Four words at a time by themselves, as fast as memory is read. */
static uint64_t hash_many(uint64_t h, const char *p, size_t n) {
    uint64_t lane[4] = {h, h + 1, h + 2, h + 3}, word[4];
    for (; n >= sizeof word; p += sizeof word, n -= sizeof word) {
        memcpy(word, p, sizeof word);
        for (int i = 0; i < 4; i++)
            lane[i] = step(lane[i], word[i]);
    }
    return mx_hash(mx_hash(SEED, lane, sizeof lane), p, n);
}

static uint64_t hash_array(uint64_t h, const mx_array *a) {
    if (!a)
        return mx_hash(h, "", 1);
    size_t bytes = (size_t)a->size * mx_itemsize(a);
    return hash_many(mx_hash(h, &a->size, sizeof a->size), a->data, bytes);
}

static uint64_t hash_arrays(uint64_t h, const mx_array *const *a, size_t n) {
    for (size_t i = 0; i < n; i++)
        h = hash_array(h, a[i]);
    return h;
}

#define HASH(h, numbers) mx_hash(h, numbers, sizeof(numbers))

/* A matrix as it is, and what is added to it. */
static uint64_t hash_weight(uint64_t h, const mx_weight *w) {
    const int64_t sizes[] = {w->kind,    w->mode, w->bits, w->group,
                             w->experts, w->out,  w->in,   w->block ? w->block->id : 0};
    const float numbers[] = {w->factor, w->change};
    const mx_array *const parts[] = {w->words, w->scales, w->biases, w->bias,
                                     w->down,  w->up,     w->gain};
    return hash_arrays(HASH(HASH(h, sizes), numbers), parts, sizeof parts / sizeof *parts);
}

static uint64_t hash_norm(uint64_t h, const mx_norm *n) {
    const float numbers[] = {(float)n->kind, n->eps};
    const mx_array *const parts[] = {n->weight, n->bias};
    return hash_arrays(HASH(h, numbers), parts, 2);
}

static uint64_t hash_rotation(uint64_t h, const mx_rotation *r) {
    const int64_t sizes[] = {r->rotated, r->adjacent, r->near_context};
    const float numbers[] = {r->magnitude, r->far_magnitude};
    size_t bytes = (size_t)(r->rotated / 2) * sizeof *r->frequency;
    h = HASH(HASH(h, sizes), numbers);
    h = r->frequency ? mx_hash(h, r->frequency, bytes) : h;
    return r->far ? mx_hash(h, r->far, bytes) : h;
}

static uint64_t hash_attender(uint64_t h, const mx_attender *a) {
    const int64_t sizes[] = {a->heads,  a->kv_heads, a->dim,         a->value_dim,
                             a->window, a->rank,     a->norms_whole, a->causal};
    const float numbers[] = {a->scale, a->softcap};
    return hash_array(hash_rotation(HASH(HASH(h, sizes), numbers), &a->rope), a->sinks);
}

static uint64_t hash_recurrence(uint64_t h, const mx_recurrence *r) {
    const int64_t sizes[] = {r->heads, r->groups,      r->key_dim,        r->value_dim,
                             r->width, r->norm_groups, r->gate_after_norm};
    const float numbers[] = {r->dt_least, r->dt_most};
    const mx_array *const parts[] = {r->conv, r->conv_bias, r->a_log, r->dt_bias, r->d};
    h = hash_arrays(HASH(HASH(h, sizes), numbers), parts, sizeof parts / sizeof *parts);
    return hash_norm(h, &r->norm);
}

static uint64_t hash_experts(uint64_t h, const mx_experts *e) {
    const int64_t sizes[] = {e->count,  e->used,        e->route,    e->after_choice, e->normalized,
                             e->groups, e->used_groups, e->feed.act, e->shared.act};
    return hash_array(mx_hash(HASH(h, sizes), &e->scale, sizeof e->scale), e->choice_bias);
}

static uint64_t hash_layer(uint64_t h, mx_layer *l) {
    mx_weight *matrix[MX_LAYER_MATRICES];
    mx_norm *norm[MX_LAYER_NORMS];
    const int64_t kinds[] = {l->mixer, l->feed.act, l->parallel};
    h = hash_recurrence(hash_attender(HASH(h, kinds), &l->attention), &l->recurrence);
    h = hash_experts(h, &l->experts);
    for (int i = 0, n = mx_layer_matrices(l, matrix); i < n; i++)
        h = hash_weight(h, matrix[i]);
    for (int i = 0, n = mx_layer_norms(l, norm); i < n; i++)
        h = hash_norm(h, norm[i]);
    return h;
}

uint64_t mx_decoder_mark(const mx_decoder *d) {
    const int64_t sizes[] = {d->hidden, d->vocabulary, d->layers, d->encoder, d->norms_after};
    const float numbers[] = {d->embedding_scale, d->residual_scale};
    uint64_t h = mx_hash(SEED, d->family->name, strlen(d->family->name));
    h = hash_weight(hash_weight(HASH(HASH(h, sizes), numbers), &d->embedding), &d->positions);
    h = hash_norm(hash_norm(h, &d->embedding_norm), &d->final_norm);
    for (int64_t i = 0; i < d->layers; i++)
        h = hash_layer(h, &d->layer[i]);
    return h;
}
